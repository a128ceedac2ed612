#include "testing.h"

#include <stdlib.h>
#include "entitymap.h"
#include "exabel_script.h"
#include "fs.h"
#include "job.h"

struct fixture {
	struct job job;
	struct service service;
	char *path;
	struct entity_map_counts counts;
	struct strbuf out;
	int fail_from; /* requests from there on get a 400; -1 never */
};

/*
 * What there is to be found: ticker C on XNYS, FL on XASE, NA and "a;b" on XNAS, TWO twice on XNAS, SAP on XETR; one entity for
 * each value of another field, but for "none" and "many".
 */
static size_t hits_of(const char *field, const char *mic, const char *value)
{
	static const char *const there[] = {
		"XNYS C", "XASE FL", "XNAS NA", "XNAS a;b", "XETR SAP", "XNAS \"q\"", "XNYS TWO"};
	char *key;
	size_t hits = 0;

	if (strcmp(field, "ticker") != 0)
		return strcmp(value, "none") == 0 ? 0 : strcmp(value, "many") == 0 ? 3 : 1;
	if (strcmp(value, "TWO") == 0 && strcmp(mic, "XNAS") == 0)
		return 2;
	key = xasprintf("%s %s", mic, value);
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		hits += strcmp(there[i], key) == 0;
	free(key);
	return hits;
}

static int find(struct service *s, size_t nr, const char *path, const struct json *body,
	struct strbuf *answer, enum err_code *failure)
{
	struct fixture *f = s->payload;
	const struct json *terms = json_get(body, "terms"),
			  *last = json_at(terms, json_len(terms) - 1);
	const char *mic = json_len(terms) == 2 ? json_get_str(json_at(terms, 0), "query") : "";
	const char *value = json_get_str(last, "query");
	size_t hits = hits_of(json_get_str(last, "field"), mic, value);

	(void)failure;
	if (f->fail_from >= 0 && nr >= (size_t)f->fail_from) {
		strbuf_addstr(answer, "{\"code\":3,\"message\":\"told to fail\"}");
		return 400;
	}
	assert_string_equal(path, "/v1/entityTypes/company/entities:search");
	strbuf_addstr(answer, "{\"entities\":[");
	for (size_t i = 0; i < hits; i++)
		strbuf_addf(answer, "%s{\"name\":\"entityTypes/company/entities/E%zu_%zu\"}",
			i ? "," : "", strlen(value), i);
	strbuf_addstr(answer, "]}");
	return 200;
}

static int map_with(struct fixture *f, const char *csv, size_t threads)
{
	const struct entity_map_options options = {"entityTypes/company", ';', threads};
	struct csv_text in = csv_text(csv);
	int ret;

	assert_ok(job_open(&f->job, "test", &f->service.err), &f->service.err);
	service_open(&f->service, find, f);
	f->path = fs_join(f->job.tmp, "mapping.csv");
	strbuf_init(&f->out);
	ret = entity_map(f->service.exabel, read_csv_text, &in, &options, f->path, &f->counts,
		&f->service.err);
	if (ret == 0)
		assert_ok(fs_read(f->path, 1 << 20, &f->out, &f->service.err), &f->service.err);
	else
		assert_false(fs_exists(f->path));
	return ret;
}

static void close_fixture(struct fixture *f)
{
	service_close(&f->service);
	strbuf_release(&f->out);
	free(f->path);
	job_close(&f->job);
}

static void maps_to(const char *csv, const char *expected, size_t requests)
{
	struct fixture f = {.fail_from = -1};

	assert_ok(map_with(&f, csv, 1), &f.service.err);
	assert_string_equal(f.out.buf, expected);
	assert_int_equal(f.service.sent.nr, requests);
	close_fixture(&f);
}

static void refuses(const char *csv, enum err_code code, const char *why)
{
	struct fixture f = {.fail_from = -1};

	assert_int_equal(map_with(&f, csv, 2), -1);
	assert_int_equal(f.service.err.code, code);
	if (!strstr(f.service.err.text, why))
		fail_msg("'%s' has no '%s'", f.service.err.text, why);
	close_fixture(&f);
}

static void test_entity_mapping__tries_the_american_markets_in_order(void **state)
{
	(void)state;
	maps_to("ticker;market\nNA;US\nC;US\nFL;US\nSAP;XETR\n",
		"ticker;market;entity\nNA;US;entityTypes/company/entities/E2_0\n"
		"C;US;entityTypes/company/entities/E1_0\n"
		"FL;US;entityTypes/company/entities/E2_0\n"
		"SAP;XETR;entityTypes/company/entities/E3_0\n",
		1 + 2 + 3 + 1);
}

static void test_entity_mapping__drops_what_is_not_found_or_ambiguous(void **state)
{
	struct fixture f = {.fail_from = -1};

	(void)state;
	assert_ok(map_with(&f, "ticker;market\nTWO;US\nZZ;US\nC;XNYS\n;US\nC;\n \t;US\n", 1),
		&f.service.err);
	assert_string_equal(
		f.out.buf, "ticker;market;entity\nC;XNYS;entityTypes/company/entities/E1_0\n");
	/* TWO ends at XNAS, though XNYS has one. */
	assert_int_equal(f.service.sent.nr, 1 + 3 + 1);
	assert_int_equal(f.counts.ids, 3);
	assert_int_equal(f.counts.found, 1);
	assert_int_equal(f.counts.ambiguous, 1);
	assert_int_equal(f.counts.missing, 1);
	assert_int_equal(f.counts.empty, 3);
	assert_int_equal(f.counts.rows_in, 6);
	assert_int_equal(f.counts.rows_out, 1);
	close_fixture(&f);
}

static void test_entity_mapping__searches_each_id_once_and_keeps_the_order(void **state)
{
	(void)state;
	maps_to("name;ticker;market\nx;C;XNYS\ny;C;XNYS\nx;C;XNYS\nz;SAP;XETR\ny;C;XNYS\n",
		"name;ticker;market;entity\nx;C;XNYS;entityTypes/company/entities/E1_0\n"
		"y;C;XNYS;entityTypes/company/entities/E1_0\n"
		"z;SAP;XETR;entityTypes/company/entities/E3_0\n",
		2);
}

static void test_entity_mapping__keeps_odd_values(void **state)
{
	(void)state;
	maps_to("\xef\xbb\xbfticker;market;note\r\n\"a;b\";XNAS;é\r\n\"\"\"q\"\"\";XNAS;\"two\n"
		"lines\"\r\nNA;XNAS\r\n",
		"ticker;market;note;entity\n\"a;b\";XNAS;é;entityTypes/company/entities/E3_0\n"
		"\"\"\"q\"\"\";XNAS;\"two\nlines\";entityTypes/company/entities/E3_0\n"
		"NA;XNAS;;entityTypes/company/entities/E2_0\n",
		3);
}

static void test_entity_mapping__takes_the_first_identifier(void **state)
{
	struct fixture f = {.fail_from = -1};

	(void)state;
	assert_ok(
		map_with(&f, "ticker;cusip;isin\nC;17;X\nC;many;X\nC;none;X\n", 1), &f.service.err);
	assert_string_equal(
		f.out.buf, "ticker;cusip;isin;entity\nC;17;X;entityTypes/company/entities/E2_0\n");
	assert_string_equal(
		f.service.bodies.v[0], "{\"terms\":[{\"field\":\"cusip\",\"query\":\"17\"}]}");
	close_fixture(&f);
	maps_to("bloomberg_ticker\nC US\n",
		"bloomberg_ticker;entity\nC US;entityTypes/company/entities/E4_0\n", 1);
	maps_to("figi\nBBG1\n", "figi;entity\nBBG1;entityTypes/company/entities/E4_0\n", 1);
	maps_to("factset_identifier\nF-E\n",
		"factset_identifier;entity\nF-E;entityTypes/company/entities/E3_0\n", 1);
}

static void test_entity_mapping__refuses_what_cannot_be_mapped(void **state)
{
	(void)state;
	refuses("ticker;name\nC;x\n", ERR_INVALID,
		"The input file does not have a valid id to map from.");
	refuses("", ERR_INVALID, "no header");
	refuses("isin;entity\nx;y\n", ERR_INVALID, "'entity'");
	refuses("isin;isin\nx;y\n", ERR_INVALID, "two columns");
	refuses("isin\nx;y\n", ERR_INVALID, "row 2 has 2 fields, the header 1");
	refuses("isin\nnone\nmany\n", ERR_NOT_FOUND, "none of 2 ids was found");
	refuses("isin\n", ERR_NOT_FOUND, "no ids");
}

static void test_entity_mapping__ends_with_the_first_failed_call(void **state)
{
	struct fixture f = {.fail_from = 3};
	struct strbuf csv = STRBUF_INIT;

	(void)state;
	strbuf_addstr(&csv, "isin\n");
	for (int i = 0; i < 500; i++)
		strbuf_addf(&csv, "I%d\n", i);
	assert_int_equal(map_with(&f, csv.buf, 4), -1);
	assert_non_null(strstr(f.service.err.text, "told to fail"));
	assert_true(f.service.sent.nr <= 3 + 4);
	close_fixture(&f);
	strbuf_release(&csv);
}

static void test_entity_mapping__is_the_same_with_many_threads(void **state)
{
	struct fixture f = {.fail_from = -1};
	struct strbuf csv = STRBUF_INIT, expected = STRBUF_INIT;

	(void)state;
	strbuf_addstr(&csv, "isin\n");
	strbuf_addstr(&expected, "isin;entity\n");
	for (int i = 0; i < 3000; i++) {
		strbuf_addf(&csv, "I%d\n", i);
		strbuf_addf(&expected, "I%d;entityTypes/company/entities/E%d_0\n", i,
			2 + (i > 9) + (i > 99) + (i > 999));
	}
	assert_ok(map_with(&f, csv.buf, 8), &f.service.err);
	assert_string_equal(f.out.buf, expected.buf);
	assert_int_equal(f.service.sent.nr, 3000);
	close_fixture(&f);
	strbuf_release(&csv);
	strbuf_release(&expected);
}
