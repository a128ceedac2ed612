#include "testing.h"

#include <stdlib.h>
#include "dates.h"
#include "exabel_script.h"
#include "fs.h"
#include "job.h"
#include "seriesfile.h"
#include "seriesload.h"

#define E "entityTypes/company/entities/"

struct fixture {
	struct job job;
	struct err err;
	struct strvec signals;
	struct series_options options;
	struct series_counts counts;
	char *path;
};

static void open_fixture(struct fixture *f, const char *signals)
{
	memset(f, 0, sizeof(*f));
	strvec_init(&f->signals);
	strvec_split(&f->signals, signals, ',');
	f->options = (struct series_options){.delimiter = ';', .signals = &f->signals};
	assert_ok(job_open(&f->job, "test", &f->err), &f->err);
	f->path = fs_join(f->job.tmp, "series");
}

static void close_fixture(struct fixture *f)
{
	strvec_release(&f->signals);
	err_release(&f->err);
	free(f->path);
	job_close(&f->job);
}

static int make(struct fixture *f, const char *csv)
{
	struct csv_text in = csv_text(csv);

	return series_file_make(
		&f->job, read_csv_text, &in, &f->options, f->path, &f->counts, &f->err);
}

/* All of it: "NAME[:last] DATE=VALUE[@KNOWN] …\n". */
static void dump(struct fixture *f, struct strbuf *out)
{
	struct series_file *file = series_file_open(f->path, &f->err);
	struct series_part part;
	int got;

	assert_non_null(file);
	while ((got = series_file_next(file, &part, &f->err)) > 0) {
		strbuf_addf(
			out, "%lld %s%s", (long long)part.series, part.name, part.last ? "" : "…");
		for (size_t i = 0; i < part.nr_points; i++) {
			strbuf_addch(out, ' ');
			dates_add(out, part.points[i].days);
			strbuf_addf(out, "=%.17g", part.points[i].value);
			if (f->counts.known_time)
				strbuf_addf(out, "@%lld", (long long)part.points[i].known_s);
		}
		strbuf_addch(out, '\n');
		series_part_release(&part);
	}
	assert_int_equal(got, 0);
	series_file_close(file);
}

static void makes(struct fixture *f, const char *csv, const char *expected)
{
	struct strbuf out = STRBUF_INIT;

	assert_ok(make(f, csv), &f->err);
	dump(f, &out);
	assert_string_equal(out.buf, expected);
	strbuf_release(&out);
}

static void refuses(const char *signals, const char *csv, const char *why)
{
	struct fixture f;

	open_fixture(&f, signals);
	assert_int_equal(make(&f, csv), -1);
	assert_int_equal(f.err.code, ERR_INVALID);
	if (!strstr(f.err.text, why))
		fail_msg("'%s' has no '%s'", f.err.text, why);
	close_fixture(&f);
}

/* --- the series file --- */

static void test_load_timeseries__sorts_series_and_points(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, "signals/ns.a,signals/ns.b");
	makes(&f,
		"entity;date;x;y\n" E "B;2020-06-02;1;10\n" E "A;2020-06-01;2;20\n" E
		"B;2020/06/01;3;\n" E "A;20200531 00:00:00;NaN;-4e-3\n" E
		"B;2020-05-01T00:00;5;50\n",
		"0 " E "B/signals/ns.a 2020-05-01=5 2020-06-01=3 2020-06-02=1\n"
		"1 " E "B/signals/ns.b 2020-05-01=50 2020-06-02=10\n"
		"2 " E "A/signals/ns.a 2020-06-01=2\n"
		"3 " E "A/signals/ns.b 2020-05-31=-0.0040000000000000001 2020-06-01=20\n");
	assert_int_equal(f.counts.rows, 5);
	assert_int_equal(f.counts.series, 4);
	assert_int_equal(f.counts.points, 8);
	assert_int_equal(f.counts.missing, 2);
	assert_false(f.counts.known_time);
	close_fixture(&f);
}

static void test_load_timeseries__keeps_known_times(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, "signals/ns.a");
	makes(&f,
		"entity;date;Known_Time;x\n" E "A;2020-06-01;2020-06-03;2\n" E
		"A;2020-06-01;2020-06-02T01:00:00.9Z;1\n",
		"0 " E "A/signals/ns.a 2020-06-01=1@1591059600 2020-06-01=2@1591142400\n");
	assert_true(f.counts.known_time);
	close_fixture(&f);
	refuses("signals/ns.a", "e;d;x;known_time\n" E "A;2020-06-01;1;\n",
		"row 2: known_time '' is no date or time");
}

static void test_load_timeseries__takes_a_point_that_is_there_already_once(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, "signals/ns.a");
	makes(&f, "e;d;x\n" E "A;2020-06-01;1\n" E "B;2020-06-01;1\n" E "A;2020/06/01;1.0\n",
		"0 " E "A/signals/ns.a 2020-06-01=1\n1 " E "B/signals/ns.a 2020-06-01=1\n");
	assert_int_equal(f.counts.repeated, 1);
	assert_int_equal(f.counts.points, 2);
	f.options.skip_validation = true;
	makes(&f, "e;d;x\n" E "A;2020-06-01;1\n" E "A;2020/06/01;2\n",
		"0 " E "A/signals/ns.a 2020-06-01=1 2020-06-01=2\n");
	close_fixture(&f);
	refuses("signals/ns.a",
		"e;d;x\n" E "A;2020-06-01;1\n" E "B;2020-06-01;1\n" E "A;20200601;2\n",
		"duplicate data points for '" E "A/signals/ns.a': 2020-06-01 has the values 1 (row "
		"2) and 2 (row 4)");
}

static void test_load_timeseries__cuts_long_series_in_parts(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, "signals/ns.a");
	f.options.part_points = 3;
	makes(&f,
		"e;d;x\n" E "A;2020-06-01;1\n" E "A;2020-06-02;2\n" E "A;2020-06-03;3\n" E
		"A;2020-06-03;3\n" E "A;2020-06-04;4\n" E "A;2020-06-05;5\n" E "A;2020-06-06;6\n",
		"0 " E "A/signals/ns.a… 2020-06-01=1 2020-06-02=2\n"
		"0 " E "A/signals/ns.a… 2020-06-03=3 2020-06-04=4\n"
		"0 " E "A/signals/ns.a 2020-06-05=5 2020-06-06=6\n");
	assert_int_equal(f.counts.series, 1);
	assert_int_equal(f.counts.points, 6);
	close_fixture(&f);
}

static void test_load_timeseries__names_what_is_wrong(void **state)
{
	static const char s[] = "signals/ns.a";

	(void)state;
	refuses(s, "", "no header");
	refuses(s, "e;d\n", "the header has 2 columns");
	refuses(s, "e;d;x;y\n", "the file has 2 columns of values (x, y), and 1 signal is named");
	refuses("a,b", "e;d;x\n", "the file has 1 column of values (x), and 2 signals are named");
	refuses(s, "e;d;x\n" E "A;06/02/2020;1\n", "row 2: '06/02/2020' is no date");
	refuses(s, "e;d;x\n" E "A;2020-06-01;1\n" E "A;2020-06-02T10:00;1\n",
		"row 3: '2020-06-02T10:00' is no date");
	refuses(s, "e;d;x\n" E "A;;1\n", "row 2: '' is no date");
	refuses(s, "e;d;x\n" E "A;2020-06-01;12x\n",
		"row 2: '12x' of column 'x' (signals/ns.a) is no number");
	refuses(s, "e;d;x\n" E "A;2020-06-01;inf\n", "'inf' of column 'x'");
	refuses(s, "e;d;x\n" E "A;2020-06-01;0x10\n", "'0x10' of column 'x'");
	refuses(s, "e;d;x\n" E "A;2020-06-01;1,5\n", "'1,5' of column 'x'");
	refuses(s, "e;d;x\n;2020-06-01;1\n", "row 2 has no entity");
	refuses(s, "e;d;x\nC;2020-06-01;1\n", "row 2: 'C' is no entity");
	refuses(s, "e;d;x\nentityTypes/company/entities/;2020-06-01;1\n", "is no entity");
	refuses(s, "e;d;x\nentityTypes//entities/x;2020-06-01;1\n", "is no entity");
	refuses(s, "e;d;x\n" E "A/signals/b;2020-06-01;1\n", "is no entity");
	refuses(s, "e;d;x\n" E "A;2020-06-01\n", "row 2 has 2 fields, the header 3");
	refuses(s, "e;d;x\n" E "A;2020-06-01;1;2\n", "row 2 has 4 fields, the header 3");
}

static void test_load_timeseries__a_file_without_values_is_empty(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, "signals/ns.a");
	makes(&f, "e;d;x\n" E "A;2020-06-01;\n", "");
	assert_int_equal(f.counts.series, 0);
	makes(&f, "e;d;x\n", "");
	close_fixture(&f);
}

/* --- the load --- */

struct load {
	struct fixture f;
	struct service service;
	struct series_load_options options;
	struct series_load_result result;
	size_t nr;             /* series */
	unsigned failing;      /* how often each series fails that fails for a time */
	unsigned failed[1000]; /* how often it did */
};

/* Entities are "G12": fine, "X12": not there, "T12": fails `failing` times, "B12": breaks the whole request. */
static int import(struct service *s, size_t nr, const char *path, const struct json *body,
	struct strbuf *answer, enum err_code *failure)
{
	struct load *l = s->payload;
	struct json *series;
	bool first = true;

	(void)nr;
	(void)failure;
	assert_string_equal(path, "/v1/signals/-/timeSeries:import");
	assert_true(json_get_truth(body, "statusInResponse", false));
	assert_true(json_get_truth(json_get(body, "updateOptions"), "allowMissing", false));
	strbuf_addstr(answer, "{\"responses\":[");
	json_each(series, json_get(body, "timeSeries"))
	{
		const char *kind = json_get_str(series, "name") + strlen(E);
		long long number;
		char *digits = xstrndup(kind + 1, strcspn(kind + 1, "/"));

		assert_int_equal(parse_int64(digits, 0, 999, &number), 0);
		free(digits);
		strbuf_addstr(answer, first ? "{\"status\":{" : ",{\"status\":{");
		first = false;
		if (*kind == 'B') {
			strbuf_clear(answer);
			strbuf_addstr(answer, "{\"code\":3,\"message\":\"a bad name\"}");
			return 400;
		}
		if (*kind == 'X')
			strbuf_addstr(answer, "\"code\":5,\"message\":\"no such entity\"");
		else if (*kind == 'T' && l->failed[number]++ < l->failing)
			strbuf_addstr(answer, "\"code\":14,\"message\":\"busy\"");
		strbuf_addstr(answer, "}}");
	}
	strbuf_addstr(answer, "]}");
	return 200;
}

/* One series of two points for each letter. */
static void open_load(struct load *l, service_fn *answer, const char *kinds)
{
	struct strbuf csv = STRBUF_INIT;

	memset(l, 0, sizeof(*l));
	open_fixture(&l->f, "signals/ns.a");
	strbuf_addstr(&csv, "entity;date;x\n");
	for (l->nr = 0; kinds[l->nr]; l->nr++)
		for (int day = 1; day <= 2; day++)
			strbuf_addf(&csv, E "%c%zu;2020-06-%02d;%zu.5\n", kinds[l->nr], l->nr, day,
				l->nr);
	assert_ok(make(&l->f, csv.buf), &l->f.err);
	strbuf_release(&csv);
	service_open(&l->service, answer, l);
	l->options = (struct series_load_options){.threads = 1,
		.batch_bytes = 1 << 20,
		.rounds = 5,
		.series = l->f.counts.series,
		.points = l->f.counts.points};
	l->result = (struct series_load_result)SERIES_LOAD_RESULT_INIT;
}

static int run_load(struct load *l)
{
	return series_load(l->service.exabel, l->f.path, &l->options, &l->result, &l->f.err);
}

static void close_load(struct load *l)
{
	series_load_result_release(&l->result);
	service_close(&l->service);
	close_fixture(&l->f);
}

static void assert_error_has(const struct load *l, const char *part)
{
	if (!l->f.err.text || !strstr(l->f.err.text, part))
		fail_msg("'%s' has no '%s'", l->f.err.text ? l->f.err.text : "(null)", part);
}

static void test_load_timeseries__sends_series_as_json(void **state)
{
	struct load l;

	(void)state;
	open_load(&l, import, "GG");
	assert_ok(run_load(&l), &l.f.err);
	assert_string_equal(l.service.bodies.v[0],
		"{\"timeSeries\":[{\"name\":\"" E "G0/signals/ns.a\",\"points\":[{\"time\":"
		"\"2020-06-01T00:00:00Z\",\"value\":0.5},{\"time\":\"2020-06-02T00:00:00Z\","
		"\"value\":0.5}]},{\"name\":\"" E "G1/signals/ns.a\",\"points\":[{\"time\":"
		"\"2020-06-01T00:00:00Z\",\"value\":1.5},{\"time\":\"2020-06-02T00:00:00Z\","
		"\"value\":1.5}]}],\"statusInResponse\":true,\"updateOptions\":{\"allowMissing\":"
		"true}}");
	assert_int_equal(l.result.series_written, 2);
	assert_int_equal(l.result.points_written, 4);
	assert_int_equal(l.result.batches, 1);
	close_load(&l);
}

static void test_load_timeseries__says_when_points_were_known(void **state)
{
	struct load l;

	(void)state;
	open_load(&l, import, "G");
	l.options.known = SERIES_KNOWN_NOW;
	assert_ok(run_load(&l), &l.f.err);
	l.options.known = SERIES_KNOWN_OFFSET;
	l.options.offset_days = 2;
	assert_ok(run_load(&l), &l.f.err);
	assert_non_null(strstr(l.service.bodies.v[0],
		"\"insertOptions\":{\"defaultKnownTime\":{\"currentTime\":true}}"));
	assert_non_null(strstr(l.service.bodies.v[1],
		"\"insertOptions\":{\"defaultKnownTime\":{\"timeOffset\":\"172800s\"}}"));
	assert_ok(make(&l.f, "e;d;x;known_time\n" E "G1;2020-06-01;7;2020-06-02\n"), &l.f.err);
	l.options.known = SERIES_KNOWN_NOT_SAID;
	l.options.known_time = true;
	assert_ok(run_load(&l), &l.f.err);
	assert_non_null(strstr(l.service.bodies.v[2],
		"{\"time\":\"2020-06-01T00:00:00Z\",\"value\":7,\"knownTime\":\"2020-06-02T00:00:"
		"00Z\"}"));
	close_load(&l);
}

static void test_load_timeseries__writes_numbers_that_read_back(void **state)
{
	struct load l;
	static const char csv[] =
		"e;d;x\n" E "G1;2020-06-01;0.1\n" E "G1;2020-06-02;9007199254740993\n" E
		"G1;2020-06-03;1e300\n" E "G1;2020-06-04;-0.30000000000000004\n" E
		"G1;2020-06-05;123456789012\n" E "G1;2020-06-06;-17\n";

	(void)state;
	open_load(&l, import, "");
	assert_ok(make(&l.f, csv), &l.f.err);
	l.options.series = 1;
	assert_ok(run_load(&l), &l.f.err);
	assert_non_null(strstr(l.service.bodies.v[0], "\"value\":0.1}"));
	assert_non_null(strstr(l.service.bodies.v[0], "\"value\":9007199254740992}"));
	assert_non_null(strstr(l.service.bodies.v[0], "\"value\":1e+300}"));
	assert_non_null(strstr(l.service.bodies.v[0], "\"value\":-0.30000000000000004}"));
	assert_non_null(strstr(l.service.bodies.v[0], "\"value\":123456789012}"));
	assert_non_null(strstr(l.service.bodies.v[0], "\"value\":-17}"));
	close_load(&l);
}

static void test_load_timeseries__batches_by_size(void **state)
{
	struct load l;
	/* entityTypes/company/entities/G0/signals/ns.a + 7 + 2 * 19 */
	const size_t one = strlen(E "G0/signals/ns.a") + 7 + 38;

	(void)state;
	open_load(&l, import, "GGGGGGG");
	l.options.batch_bytes = 3 * one;
	assert_ok(run_load(&l), &l.f.err);
	assert_int_equal(l.result.batches, 3);
	l.options.batch_bytes = 3 * one - 1;
	assert_ok(run_load(&l), &l.f.err);
	assert_int_equal(l.result.batches, 3 + 4);
	/* One alone always goes. */
	l.options.batch_bytes = 1;
	assert_ok(run_load(&l), &l.f.err);
	assert_int_equal(l.result.batches, 3 + 4 + 7);
	close_load(&l);
}

static void test_load_timeseries__sends_again_only_what_failed_for_a_time(void **state)
{
	struct load l;

	(void)state;
	open_load(&l, import, "GTGT");
	l.failing = 2;
	assert_ok(run_load(&l), &l.f.err);
	assert_int_equal(l.service.sent.nr, 3);
	assert_null(strstr(l.service.bodies.v[1], E "G0/"));
	assert_non_null(strstr(l.service.bodies.v[1], E "T1/"));
	assert_non_null(strstr(l.service.bodies.v[2], E "T3/"));
	assert_int_equal(l.result.series_written, 4);
	assert_int_equal(l.result.points_written, 8);
	assert_int_equal(l.result.series_repeated, 4);
	assert_int_equal(l.service.nr_sleeps, 2);
	close_load(&l);
}

static void test_load_timeseries__tells_what_failed_for_good(void **state)
{
	struct load l;

	(void)state;
	open_load(&l, import, "GXTG");
	l.failing = 100;
	l.options.rounds = 3;
	assert_int_equal(run_load(&l), -1);
	assert_error_has(&l, "2 of 4 series failed, 2 were written; first: " E
			     "X1/signals/ns.a: NOT_FOUND: no such entity");
	assert_int_equal(l.service.sent.nr, 1 + 3);
	assert_int_equal(l.result.series_failed, 2);
	assert_int_equal(l.result.series_written, 2);
	assert_int_equal(l.result.failures.nr, 2);
	assert_string_equal(l.result.failures.v[1], E "T2/signals/ns.a: UNAVAILABLE: busy");
	close_load(&l);
}

static void test_load_timeseries__ends_early_when_most_fails(void **state)
{
	struct load l;
	char kinds[201];

	(void)state;
	memset(kinds, 'X', 200);
	kinds[200] = '\0';
	open_load(&l, import, kinds);
	l.options.batch_bytes = 1000;
	assert_int_equal(run_load(&l), -1);
	assert_error_has(&l, "more than half of the series fail");
	assert_error_has(&l, "0 of 200 series were written");
	assert_true(l.service.sent.nr < 6);
	assert_int_equal(l.result.failures.nr, SERIES_FAILURES_NAMED);
	close_load(&l);
	/* A few are too few to tell. */
	kinds[10] = '\0';
	open_load(&l, import, kinds);
	l.options.batch_bytes = 1;
	assert_int_equal(run_load(&l), -1);
	assert_error_has(&l, "10 of 10 series failed");
	assert_int_equal(l.service.sent.nr, 10);
	close_load(&l);
}

static void test_load_timeseries__finds_the_one_that_breaks_a_request(void **state)
{
	struct load l;

	(void)state;
	open_load(&l, import, "GGGGGBGG");
	assert_int_equal(run_load(&l), -1);
	assert_error_has(&l, "1 of 8 series failed, 7 were written; first: " E
			     "B5/signals/ns.a: ImportTimeSeries: HTTP 400 INVALID_ARGUMENT: a bad "
			     "name");
	assert_int_equal(l.result.points_written, 14);
	close_load(&l);
}

static int refuse_key(struct service *s, size_t nr, const char *path, const struct json *body,
	struct strbuf *answer, enum err_code *failure)
{
	if (nr == 0)
		return import(s, nr, path, body, answer, failure);
	strbuf_addstr(answer, "{\"code\":7,\"message\":\"revoked\"}");
	return 403;
}

static void test_load_timeseries__stops_when_the_key_is_refused(void **state)
{
	struct load l;

	(void)state;
	open_load(&l, refuse_key, "GGGGGG");
	l.options.batch_bytes = 1;
	assert_int_equal(run_load(&l), -1);
	assert_int_equal(l.f.err.code, ERR_DENIED);
	assert_error_has(
		&l, "1 of 6 series were written, 0 failed, 5 were not sent or not answered");
	assert_int_equal(l.service.sent.nr, 2);
	close_load(&l);
}

static int no_service(struct service *s, size_t nr, const char *path, const struct json *body,
	struct strbuf *answer, enum err_code *failure)
{
	(void)s;
	(void)nr;
	(void)path;
	(void)body;
	(void)answer;
	*failure = ERR_IO;
	return 0;
}

static int busy_service(struct service *s, size_t nr, const char *path, const struct json *body,
	struct strbuf *answer, enum err_code *failure)
{
	(void)s;
	(void)nr;
	(void)path;
	(void)body;
	(void)failure;
	strbuf_addstr(answer, "try later");
	return 503;
}

static void test_load_timeseries__stops_when_nobody_answers(void **state)
{
	struct load l;

	(void)state;
	open_load(&l, no_service, "GGGGGG");
	l.options.batch_bytes = 1;
	assert_int_equal(run_load(&l), -1);
	assert_int_equal(l.f.err.code, ERR_IO);
	assert_int_equal(l.service.sent.nr, 6);
	close_load(&l);
	open_load(&l, busy_service, "GGGGGG");
	l.options.batch_bytes = 1;
	assert_int_equal(run_load(&l), -1);
	assert_error_has(&l, "HTTP 503: try later");
	assert_int_equal(l.service.sent.nr, 4 * 6);
	close_load(&l);
}

/* The first batch's request fails as such; the next round brings it. */
static int busy_at_first(struct service *s, size_t nr, const char *path, const struct json *body,
	struct strbuf *answer, enum err_code *failure)
{
	return nr < 6 ? 429 : import(s, nr, path, body, answer, failure);
}

static void test_load_timeseries__a_failed_request_comes_again(void **state)
{
	struct load l;

	(void)state;
	open_load(&l, busy_at_first, "GGGG");
	l.options.batch_bytes = 250;
	assert_ok(run_load(&l), &l.f.err);
	assert_int_equal(l.result.series_written, 4);
	assert_int_equal(l.result.points_written, 8);
	assert_int_equal(l.result.series_failed, 0);
	close_load(&l);
}

static void test_load_timeseries__many_threads_write_all(void **state)
{
	struct load l;
	char kinds[601];

	(void)state;
	for (size_t i = 0; i < 600; i++)
		kinds[i] = i % 10 == 3 ? 'T' : i % 100 == 50 ? 'X' : 'G';
	kinds[600] = '\0';
	open_load(&l, import, kinds);
	l.options.threads = 8;
	l.options.batch_bytes = 500;
	l.failing = 1;
	assert_int_equal(run_load(&l), -1);
	assert_int_equal(l.result.series_failed, 6);
	assert_int_equal(l.result.series_written, 594);
	assert_int_equal(l.result.points_written, 2 * 594);
	assert_int_equal(l.result.series_repeated, 60);
	close_load(&l);
}
