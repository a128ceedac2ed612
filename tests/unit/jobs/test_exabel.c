#include "testing.h"

#include <stdlib.h>
#include "exabel_script.h"

/* --- a list of answers --- */

struct step {
	int status; /* 0: fails */
	const char *body;
	enum err_code failure;
};

static int by_steps(struct service *s, size_t nr, const char *path, const struct json *body,
	struct strbuf *answer, enum err_code *failure)
{
	const struct step *step = (const struct step *)s->payload + nr;

	(void)path;
	(void)body;
	strbuf_addstr(answer, step->body ? step->body : "");
	*failure = step->failure;
	return step->status;
}

#define STEPS(s, ...)                                                                     \
	static const struct step s##_steps[] = {__VA_ARGS__, {418, "no more", ERR_NONE}}; \
	struct service s;                                                                 \
	service_open(&s, by_steps, (void *)s##_steps)

#define FOUND_NONE                  \
	{                           \
		200, "{}", ERR_NONE \
	}
#define FOUND_C                                                                                 \
	{                                                                                       \
		200, "{\"entities\":[{\"name\":\"entityTypes/company/entities/C\"}]}", ERR_NONE \
	}

static int search(struct service *s, char **entity, size_t *found)
{
	const struct exabel_term terms[] = {{"mic", "XNYS"}, {"ticker", "C\"é"}};

	return exabel_search(
		s->exabel, "entityTypes/company", terms, ARRAY_SIZE(terms), entity, found, &s->err);
}

static void assert_text_has(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s' has no '%s'", text ? text : "(null)", part);
}

static void fails_with(struct service *s, enum err_code code, const char *part)
{
	char *entity = NULL;
	size_t found;

	assert_int_equal(search(s, &entity, &found), -1);
	assert_null(entity);
	assert_text_has(s->err.text, part);
	assert_int_equal(s->err.code, code);
	assert_null(strstr(s->err.text, SCRIPT_KEY));
	err_release(&s->err);
}

/* --- where to, and with what --- */

static void test_exabel__sends_what_the_api_wants(void **state)
{
	(void)state;
	STEPS(s, FOUND_C);
	char *entity;
	size_t found;

	assert_ok(search(&s, &entity, &found), &s.err);
	assert_string_equal(entity, "entityTypes/company/entities/C");
	assert_int_equal(found, 1);
	assert_string_equal(
		s.sent.v[0], "POST https://api.example/v1/entityTypes/company/entities:search");
	assert_string_equal(s.bodies.v[0],
		"{\"terms\":[{\"field\":\"mic\",\"query\":\"XNYS\"},{\"field\":\"ticker\","
		"\"query\":\"C\\\"é\"}]}");
	assert_text_has(s.head.buf, "Accept: application/json\n");
	assert_text_has(s.head.buf, "Content-Type: application/json\n");
	assert_text_has(s.head.buf, "X-Api-Key: " SCRIPT_KEY "\n");
	assert_text_has(s.head.buf, "User-Agent: glueproj-test/");
	assert_int_equal(exabel_requests(s.exabel), 1);
	free(entity);
	service_close(&s);
}

static void test_exabel__takes_hosts_and_addresses(void **state)
{
	static const struct {
		const char *host, *url; /* url NULL: refused */
	} cases[] = {
		{"data.api.exabel.com", "https://data.api.exabel.com"},
		{"api.example:8443", "https://api.example:8443"},
		{"https://api.example/", "https://api.example"},
		{"https://api.example/base", "https://api.example/base"},
		{"http://localhost:80", "http://localhost:80"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"http://127.9.9.9", "http://127.9.9.9"},
		{"http://[::1]:8080/", "http://[::1]:8080"},
		{"http://api.example", NULL},
		{"http://127.evil.example", NULL},
		{"http://127.0.0.1.evil.example", NULL},
		{"http://localhost.evil.example", NULL},
		{"http://localhost@evil.example", NULL},
		{"https://key@api.example", NULL},
		{"ftp://api.example", NULL},
		{"https://api.example/?a=b", NULL},
		{"api.example/path", NULL},
		{"", NULL},
		{"https://", NULL},
	};
	STEPS(s, FOUND_NONE);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exabel *e = service_connect(&s, cases[i].host, SCRIPT_KEY);

		if (cases[i].url) {
			if (!e)
				fail_msg("'%s': %s", cases[i].host, s.err.text);
			assert_string_equal(exabel_url(e), cases[i].url);
		} else {
			if (e)
				fail_msg("'%s' was taken", cases[i].host);
			assert_int_equal(s.err.code, ERR_USAGE);
		}
		exabel_free(e);
		err_release(&s.err);
	}
	service_close(&s);
}

static void test_exabel__refuses_keys_that_would_break_the_header(void **state)
{
	STEPS(s, FOUND_NONE);

	(void)state;
	assert_null(service_connect(&s, "api.example", "abc\r\nHost: evil"));
	assert_int_equal(s.err.code, ERR_USAGE);
	assert_null(strstr(s.err.text, "abc"));
	err_release(&s.err);
	assert_null(service_connect(&s, "api.example", ""));
	service_close(&s);
}

/* --- retries --- */

static void test_exabel__repeats_what_may_work_later(void **state)
{
	(void)state;
	STEPS(s, {429, "{\"code\":8,\"message\":\"slow down\"}", ERR_NONE}, {503, "", ERR_NONE},
		{0, NULL, ERR_IO}, {0, NULL, ERR_AMBIGUOUS}, {500, "<html>", ERR_NONE}, FOUND_C);
	char *entity;
	size_t found;

	assert_ok(search(&s, &entity, &found), &s.err);
	assert_int_equal(s.sent.nr, 6);
	assert_int_equal(s.nr_sleeps, 5);
	assert_int_equal(exabel_repeats(s.exabel), 5);
	/* Full jitter: 500, 400, 800, 1600, 3200 at most. */
	assert_true(s.slept_ms <= 500 + 400 + 800 + 1600 + 3200);
	free(entity);
	service_close(&s);
}

static void test_exabel__heeds_retry_after_within_reason(void **state)
{
	(void)state;
	STEPS(s, {429, "", ERR_NONE}, FOUND_NONE, {503, "", ERR_NONE}, FOUND_NONE);
	char *entity;
	size_t found;

	s.headers = "retry-after: 7";
	assert_ok(search(&s, &entity, &found), &s.err);
	assert_int_equal(s.longest_ms, 7000);
	s.headers = "retry-after: 86400";
	assert_ok(search(&s, &entity, &found), &s.err);
	assert_int_equal(s.longest_ms, 60000);
	service_close(&s);
}

static void test_exabel__gives_up_after_six(void **state)
{
	(void)state;
	STEPS(s, {503, "{\"code\":14,\"message\":\"down\"}", ERR_NONE}, {503, "", ERR_NONE},
		{503, "", ERR_NONE}, {503, "", ERR_NONE}, {503, "", ERR_NONE},
		{503, "{\"code\":14,\"message\":\"still down\"}", ERR_NONE});

	fails_with(&s, ERR_TRANSIENT,
		"after 6 attempts: SearchEntities: HTTP 503 UNAVAILABLE: still down");
	assert_int_equal(s.sent.nr, 6);
	service_close(&s);
}

static void test_exabel__waits_for_silence_twice_only(void **state)
{
	(void)state;
	STEPS(s, {0, NULL, ERR_TIMEOUT}, {0, NULL, ERR_TIMEOUT}, FOUND_NONE);

	fails_with(&s, ERR_TIMEOUT, "SearchEntities");
	assert_int_equal(s.sent.nr, 2);
	service_close(&s);
}

static void test_exabel__does_not_repeat_what_is_wrong(void **state)
{
	(void)state;
	STEPS(s, {400, "{\"code\":3,\"message\":\"bad field\",\"details\":[]}", ERR_NONE},
		{404, "{\"code\":5,\"message\":\"gone\"}", ERR_NONE},
		{409, "{\"code\":6,\"message\":\"there\"}", ERR_NONE},
		{409, "{\"code\":10,\"message\":\"aborted\"}", ERR_NONE},
		{501, "{\"code\":12,\"message\":\"no\"}", ERR_NONE}, {204, "", ERR_NONE},
		{302, "elsewhere", ERR_NONE}, {0, NULL, ERR_USAGE});

	fails_with(&s, ERR_INVALID, "HTTP 400 INVALID_ARGUMENT: bad field");
	fails_with(&s, ERR_NOT_FOUND, "HTTP 404 NOT_FOUND: gone");
	fails_with(&s, ERR_EXISTS, "HTTP 409 ALREADY_EXISTS: there");
	fails_with(&s, ERR_CONFLICT, "HTTP 409 ABORTED: aborted");
	fails_with(&s, ERR_FAILED, "HTTP 501 UNIMPLEMENTED: no");
	fails_with(&s, ERR_FAILED, "HTTP 204");
	fails_with(&s, ERR_FAILED, "HTTP 302: elsewhere");
	fails_with(&s, ERR_USAGE, "scripted");
	assert_int_equal(s.nr_sleeps, 0);
	service_close(&s);
}

/* --- answers --- */

static void test_exabel__tells_that_the_key_was_refused(void **state)
{
	(void)state;
	STEPS(s, {401, "{\"code\":16,\"message\":\"no such key: " SCRIPT_KEY "\"}", ERR_NONE},
		{403, "forbidden for " SCRIPT_KEY, ERR_NONE});

	fails_with(&s, ERR_DENIED,
		"the API key was refused: HTTP 401 UNAUTHENTICATED: no such key: ****");
	fails_with(&s, ERR_DENIED, "the API key was refused: HTTP 403: forbidden for ****");
	assert_int_equal(s.sent.nr, 2);
	service_close(&s);
}

static void test_exabel__shows_the_start_of_what_is_no_json(void **state)
{
	(void)state;
	STEPS(s, {200, "<html>\n<body>Login " SCRIPT_KEY, ERR_NONE}, {200, "[]", ERR_NONE},
		{200, "", ERR_NONE}, {200, "{\"entities\":[{\"na", ERR_NONE});

	fails_with(&s, ERR_INVALID, "is no JSON object: '<html> <body>Login ****'");
	fails_with(&s, ERR_INVALID, "is no JSON object: '[]'");
	fails_with(&s, ERR_INVALID, "is no JSON object: ''");
	fails_with(&s, ERR_INVALID, "is no JSON object");
	assert_int_equal(s.sent.nr, 4);
	service_close(&s);
}

static void test_exabel__follows_pages_far_enough(void **state)
{
	(void)state;
	STEPS(s, {200, "{\"nextPageToken\":\"p2\"}", ERR_NONE},
		{200,
			"{\"entities\":[{\"name\":\"entityTypes/company/entities/A\"}],"
			"\"nextPageToken\":\"p3\"}",
			ERR_NONE},
		FOUND_NONE,
		{200,
			"{\"entities\":[{\"name\":\"x/A\"},{\"name\":\"x/B\"}],\"nextPageToken\":"
			"\"more\"}",
			ERR_NONE},
		{200, "{\"results\":[{\"terms\":[],\"entities\":[{\"name\":\"x/R\"}]}]}", ERR_NONE},
		{200, "{\"entities\":[{\"displayName\":\"nameless\"}]}", ERR_NONE});
	char *entity;
	size_t found;

	assert_ok(search(&s, &entity, &found), &s.err);
	assert_int_equal(found, 1);
	assert_string_equal(entity, "entityTypes/company/entities/A");
	assert_text_has(s.bodies.v[1], "\"pageToken\":\"p2\"");
	assert_text_has(s.bodies.v[2], "\"pageToken\":\"p3\"");
	free(entity);
	assert_ok(search(&s, &entity, &found), &s.err);
	assert_int_equal(found, 2);
	assert_null(entity);
	assert_int_equal(s.sent.nr, 4);
	assert_ok(search(&s, &entity, &found), &s.err);
	assert_string_equal(entity, "x/R");
	free(entity);
	fails_with(&s, ERR_INVALID, "without a name");
	service_close(&s);
}

/* --- signals --- */

static void test_exabel__finds_the_namespace_that_may_be_written(void **state)
{
	(void)state;
	STEPS(s,
		{200,
			"{\"namespaces\":[{\"name\":\"namespaces/other\"},{\"name\":"
			"\"namespaces/mine\",\"writeable\":true},{\"name\":\"namespaces/too\","
			"\"writeable\":true}]}",
			ERR_NONE},
		{200, "{\"namespaces\":[{\"name\":\"namespaces/other\"}]}", ERR_NONE});
	bool several;
	char *space = exabel_namespace(s.exabel, &several, &s.err);

	assert_string_equal(space, "mine");
	assert_true(several);
	free(space);
	assert_null(exabel_namespace(s.exabel, &several, &s.err));
	assert_int_equal(s.err.code, ERR_DENIED);
	assert_string_equal(s.sent.v[0], "GET https://api.example/v1/namespaces");
	service_close(&s);
}

static void test_exabel__looks_for_signals_and_makes_them(void **state)
{
	(void)state;
	STEPS(s, {200, "{\"name\":\"signals/ns.a\"}", ERR_NONE},
		{404, "{\"code\":5,\"message\":\"no\"}", ERR_NONE},
		{403, "{\"code\":7,\"message\":\"not yours\"}", ERR_NONE},
		{200, "{\"name\":\"signals/ns.b\"}", ERR_NONE},
		{409, "{\"code\":6,\"message\":\"there\"}", ERR_NONE},
		{400, "{\"code\":3,\"message\":\"no name\"}", ERR_NONE});
	bool has;

	assert_ok(exabel_has_signal(s.exabel, "signals/ns.a", &has, &s.err), &s.err);
	assert_true(has);
	assert_ok(exabel_has_signal(s.exabel, "signals/ns.b", &has, &s.err), &s.err);
	assert_false(has);
	assert_int_equal(exabel_has_signal(s.exabel, "signals/x.y", &has, &s.err), -1);
	assert_int_equal(s.err.code, ERR_DENIED);
	err_release(&s.err);
	assert_ok(exabel_create_signal(s.exabel, "signals/ns.b", &s.err), &s.err);
	assert_string_equal(s.bodies.v[3], "{\"name\":\"signals/ns.b\",\"displayName\":\"b\"}");
	assert_ok(exabel_create_signal(s.exabel, "signals/ns.b", &s.err), &s.err);
	assert_int_equal(exabel_create_signal(s.exabel, "signals/ns.b", &s.err), -1);
	assert_string_equal(s.sent.v[0], "GET https://api.example/v1/signals/ns.a");
	assert_string_equal(
		s.sent.v[3], "POST https://api.example/v1/signals?createLibrarySignal=true");
	service_close(&s);
}

/* --- import --- */

static void test_exabel__reads_a_status_for_each_series(void **state)
{
	(void)state;
	STEPS(s,
		{200,
			"{\"responses\":[{\"timeSeriesName\":\"a\",\"status\":{}},{},{\"status\":"
			"{\"code\":5,\"message\":\"no entity " SCRIPT_KEY "\"}}]}",
			ERR_NONE},
		{200, "{\"responses\":[{}]}", ERR_NONE}, FOUND_NONE);
	struct exabel_status st[3] = {{7, NULL}, {7, NULL}, {0, NULL}};
	struct strbuf body = STRBUF_INIT;

	strbuf_addstr(&body, "{}");
	assert_ok(exabel_import(s.exabel, &body, 3, st, &s.err), &s.err);
	assert_int_equal(st[0].code, EXABEL_OK);
	assert_int_equal(st[1].code, EXABEL_OK);
	assert_int_equal(st[2].code, EXABEL_NOT_FOUND);
	assert_string_equal(st[2].message, "no entity ****");
	free(st[2].message);
	assert_int_equal(exabel_import(s.exabel, &body, 3, st, &s.err), -1);
	assert_text_has(s.err.text, "3 series were sent, and the answer tells of 1");
	assert_string_equal(s.sent.v[0], "POST https://api.example/v1/signals/-/timeSeries:import");
	strbuf_release(&body);
	service_close(&s);
}

static void test_exabel__knows_which_codes_pass(void **state)
{
	(void)state;
	assert_true(exabel_code_is_transient(EXABEL_UNAVAILABLE));
	assert_true(exabel_code_is_transient(EXABEL_RESOURCE_EXHAUSTED));
	assert_true(exabel_code_is_transient(EXABEL_INTERNAL));
	assert_true(exabel_code_is_transient(EXABEL_DEADLINE_EXCEEDED));
	assert_false(exabel_code_is_transient(EXABEL_INVALID_ARGUMENT));
	assert_false(exabel_code_is_transient(EXABEL_NOT_FOUND));
	assert_false(exabel_code_is_transient(EXABEL_PERMISSION_DENIED));
	assert_false(exabel_code_is_transient(99));
	assert_string_equal(exabel_code_name(5), "NOT_FOUND");
	assert_string_equal(exabel_code_name(16), "UNAUTHENTICATED");
	assert_string_equal(exabel_code_name(17), "UNRECOGNIZED");
	assert_string_equal(exabel_code_name(-1), "UNRECOGNIZED");
}
