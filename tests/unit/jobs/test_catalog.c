#include "testing.h"

#include <string.h>
#include "catalog.h"

static int read_storage(const char *descriptor, const char *parameters, struct dataset_storage *out,
	struct err *err)
{
	struct json *d = json_parse(descriptor, strlen(descriptor), err);
	struct json *p = json_parse(parameters, strlen(parameters), err);
	int ret;

	assert_non_null(d);
	assert_non_null(p);
	ret = catalog_storage(d, p, out, err);
	json_free(d);
	json_free(p);
	return ret;
}

#define LAZY "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
#define OPEN "org.apache.hadoop.hive.serde2.OpenCSVSerde"
#define SERDE(library, parameters) \
	"{\"SerdeInfo\":{\"SerializationLibrary\":\"" library "\",\"Parameters\":" parameters "}}"

static void test_catalog__dialects_of_csv(void **state)
{
	static const struct {
		const char *descriptor, *parameters;
		struct csv_dialect dialect;
		bool header;
		size_t skip;
	} cases[] = {
		{SERDE(LAZY, "{\"field.delim\":\";\"}"),
			"{\"classification\":\"csv\",\"skip.header.line.count\":\"1\"}",
			{';', '"', '\0'}, true, 0},
		{SERDE(LAZY, "{\"field.delim\":\"\\t\"}"), "{\"classification\":\"CSV\"}",
			{'\t', '"', '\0'}, false, 0},
		{SERDE(LAZY, "{\"field.delim\":\"\\\\t\"}"), "{}", {'\t', '"', '\0'}, false, 0},
		{SERDE(LAZY, "{\"serialization.format\":\"1\"}"), "{}", {'\1', '"', '\0'}, false,
			0},
		{SERDE(LAZY,
			 "{\"field.delim\":\"|\",\"escape.delim\":\"\\\\\",\"quoteChar\":\"'\"}"),
			"{\"delimiter\":\"x\"}", {'|', '\'', '\\'}, false, 0},
		{SERDE(LAZY, "{\"quoteChar\":\"-1\"}"),
			"{\"delimiter\":\";\",\"skip.header.line.count\":\"3\"}", {';', '\0', '\0'},
			true, 2},
		{SERDE(OPEN, "{}"), "{}", {',', '"', '\\'}, false, 0},
		{SERDE(OPEN,
			 "{\"separatorChar\":\"1\",\"quoteChar\":\"`\",\"escapeChar\":\"\\\"\"}"),
			"{}", {'1', '`', '"'}, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dataset_storage got;
		struct err err = ERR_INIT;

		assert_ok(read_storage(cases[i].descriptor, cases[i].parameters, &got, &err), &err);
		assert_int_equal(got.format, DATASET_CSV);
		assert_int_equal(got.dialect.delimiter, cases[i].dialect.delimiter);
		assert_int_equal(got.dialect.quote, cases[i].dialect.quote);
		assert_int_equal(got.dialect.escape, cases[i].dialect.escape);
		assert_int_equal(got.header, cases[i].header);
		assert_int_equal(got.skip, cases[i].skip);
	}
}

static void test_catalog__formats(void **state)
{
	struct dataset_storage got;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(read_storage(SERDE("org.openx.data.jsonserde.JsonSerDe", "{}"), "{}", &got, &err),
		&err);
	assert_int_equal(got.format, DATASET_JSON);
	assert_false(got.header);
	assert_ok(read_storage(SERDE(LAZY, "{}"), "{\"classification\":\"parquet\"}", &got, &err),
		&err);
	assert_int_equal(got.format, DATASET_PARQUET);
	assert_ok(read_storage(SERDE("x.ParquetHiveSerDe", "{}"), "{}", &got, &err), &err);
	assert_int_equal(got.format, DATASET_PARQUET);
}

static void test_catalog__what_cannot_be_read_says_why(void **state)
{
	static const struct {
		const char *descriptor, *parameters, *why;
	} cases[] = {
		{SERDE(LAZY, "{}"), "{\"classification\":\"avro\"}", "format 'avro'"},
		{SERDE("x.OrcSerde", "{}"), "{}", "x.OrcSerde"},
		{"{}", "{}", "is not known"},
		{SERDE(LAZY, "{\"field.delim\":\"||\"}"), "{}", "delimiter '||'"},
		{SERDE(LAZY, "{\"field.delim\":\"\\n\"}"), "{}", "line end"},
		{SERDE(LAZY, "{\"field.delim\":\"\xc2\xa7\"}"), "{}", "not one ASCII letter"},
		{SERDE(LAZY, "{\"field.delim\":\"\\\"\"}"), "{}", "is its quote too"},
		{SERDE(LAZY, "{}"), "{\"skip.header.line.count\":\"many\"}", "'many'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dataset_storage got;
		struct err err = ERR_INIT;

		assert_int_equal(
			read_storage(cases[i].descriptor, cases[i].parameters, &got, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		if (!strstr(err.text, cases[i].why))
			fail_msg("'%s' is not in '%s'", cases[i].why, err.text);
		err_release(&err);
	}
}
