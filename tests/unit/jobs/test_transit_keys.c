#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "transit_keys.h"
#include "transit_status.h"

static void check_taken(char *got, const char *want)
{
	assert_string_equal(got, want);
	free(got);
}

static void test_transit_keys__prefixes_and_change_data(void **state)
{
	(void)state;
	check_taken(transit_table_prefix("cubic/ods_qlik/EDW.T__ct/"), "cubic/ods_qlik/EDW.T/");
	check_taken(transit_table_prefix("cubic/ods_qlik/EDW.T/"), "cubic/ods_qlik/EDW.T/");
	check_taken(transit_table_prefix("a__ct__ct/"), "a__ct/");
	check_taken(transit_table_prefix("a__ct"), "a__ct");
	check_taken(transit_table_prefix(""), "");
	assert_true(transit_is_ct("a/T__ct/1.csv.gz"));
	assert_false(transit_is_ct("a/T/1__ct"));
	assert_false(transit_is_ct("a/T__ct/deep/1.csv.gz"));
}

static void test_transit_keys__archive_and_error(void **state)
{
	const int64_t at = 1641182706; /* 2022-01-03 04:05:06 */

	(void)state;
	check_taken(transit_stamp(at), "20220103T040506Z");
	check_taken(transit_dfm_key("a/T/L.1.csv.gz"), "a/T/L.1.dfm");
	check_taken(transit_dfm_key("a/T/snapshot=1/L.csv.gz"), "a/T/snapshot=1/L.dfm");
	check_taken(transit_archive_key("a/T/L.csv.gz", true, at),
		"a/T/snapshot=20220103T040506Z/L.csv.gz");
	check_taken(transit_archive_key("a/T/L.csv.gz", false, -1), "a/T/L.csv.gz");
	check_taken(transit_error_key("a/T/L.csv.gz", true, at),
		"a/T/timestamp=20220103T040506Z/L.csv.gz");
	check_taken(transit_error_key("a/T/L.csv.gz", false, at), "a/T/L.csv.gz");
}

static void test_transit_keys__tables(void **state)
{
	(void)state;
	check_taken(transit_source_table("t", "a/T__ct/1.csv.gz"), "t__ct");
	check_taken(transit_source_table("t", "a/T/1.csv.gz"), "t");
	check_taken(transit_destination_table("t", "a/T__ct/1.csv.gz", true), "raw_t__ct");
	check_taken(transit_destination_table("t", "a/T/1.csv.gz", false), "t");
}

static void test_transit_keys__chunks(void **state)
{
	static const int64_t sizes[] = {
		150000000, 99999999, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100000000, 0, 1};
	static const size_t ends[] = {1, 3, 13, 16, 17};
	size_t from = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		from = transit_chunk_end(sizes, ARRAY_SIZE(sizes), from);
		assert_int_equal(from, ends[i]);
	}
	assert_int_equal(transit_chunk_end(sizes, 0, 0), 0);
}

/* Every status has a name of its own, and every load can come to an end. */
static void test_transit_keys__statuses(void **state)
{
	bool ends[LOAD_NR_STATUSES] = {[LOAD_ARCHIVED] = true, [LOAD_ERRORED] = true};

	(void)state;
	for (int round = 0; round < LOAD_NR_STATUSES; round++)
		for (int from = 0; from < LOAD_NR_STATUSES; from++)
			for (int to = 0; to < LOAD_NR_STATUSES; to++)
				if (ends[to] && transit_status_follows(from, to))
					ends[from] = true;
	for (int i = 0; i < LOAD_NR_STATUSES; i++) {
		assert_true(ends[i]);
		assert_int_equal(transit_status_parse(transit_status_name(i)), i);
		assert_false(transit_status_follows(LOAD_ARCHIVED, i));
		assert_false(transit_status_follows(LOAD_ERRORED, i));
		assert_false(transit_status_follows(i, LOAD_READY));
	}
	assert_int_equal(transit_status_parse("done"), -1);
	assert_false(transit_status_follows(LOAD_READY, LOAD_INGESTING));
	assert_false(transit_status_follows(LOAD_ARCHIVING, LOAD_ERRORED));
}
