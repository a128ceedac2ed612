#include "testing.h"
#include "scripted.h"
#include "ops.h"

#define JOB "{\"Job\":{\"Name\":\"j\"}}"
#define THROTTLED                                                                               \
	{                                                                                       \
		400, NULL, "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}" \
	}

static void done(struct script *s, struct aws_client *c, struct json *out, struct err *err)
{
	assert_int_equal(s->at, s->nr);
	assert_int_equal(aws_client_requests(c), s->nr);
	json_free(out);
	err_release(err);
	aws_client_free(c);
	script_release(s);
}

static void test_client__json_call(void **state)
{
	(void)state;
	SCRIPT(s, {200, "x-amzn-requestid: r1", JOB}, {200, NULL, NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct json *out = NULL;
	struct err err = ERR_INIT;
	assert_ok(aws_callf(c, &glue_get_job, &out, &err, "{\"JobName\":\"%s\"}", "j"), &err);
	assert_string_equal(json_str(json_path(out, "Job.Name")), "j");
	assert_string_equal(s.sent.v[0], "POST https://glue.eu-west-1.amazonaws.com/");
	assert_string_equal(s.bodies.v[0], "{\"JobName\":\"j\"}");
	const char *head = s.heads.v[0];
	assert_non_null(strstr(head, "Host: glue.eu-west-1.amazonaws.com\n"));
	assert_non_null(strstr(head, "X-Amz-Target: AWSGlue.GetJob\n"));
	assert_non_null(strstr(head, "Content-Type: application/x-amz-json-1.1\n"));
	assert_non_null(strstr(head, "X-Amz-Date: 20261121T092605Z\n"));
	assert_non_null(strstr(head, "X-Amz-Security-Token: tok\n"));
	assert_non_null(strstr(head, "Credential=AKIDTEST/20261121/eu-west-1/glue/aws4_request"));
	assert_non_null(strstr(head,
		"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target"));
	assert_null(strstr(head, "secret-key"));
	assert_ok(aws_call(c, &glue_get_jobs, NULL, NULL, &err), &err);
	assert_string_equal(s.bodies.v[1], "{}");
	done(&s, c, out, &err);
}

static void test_client__a_null_member_is_absent(void **state)
{
	(void)state;
	SCRIPT(s,
		{200, NULL,
			"{\"NextToken\":null,\"Jobs\":[{\"Name\":\"j\",\"Tags\":{\"a\":null,\"b\":"
			"\"null\"}},"
			"null,{\"Command\":null}],\"Empty\":{\"x\":null},\"Zero\":0,\"No\":false}"},
		{200, NULL, "{\"Job\":null}"}, {200, NULL, "null"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct json *out = NULL;
	struct strbuf text = STRBUF_INIT;
	struct err err = ERR_INIT;
	assert_ok(aws_call(c, &glue_get_jobs, NULL, &out, &err), &err);
	json_print(out, &text);
	assert_string_equal(text.buf,
		"{\"Jobs\":[{\"Name\":\"j\",\"Tags\":{\"b\":\"null\"}},null,{}],"
		"\"Empty\":{},\"Zero\":0,\"No\":false}");
	json_free(out);
	out = NULL;
	assert_ok(aws_callf(c, &glue_get_job, &out, &err, "{\"JobName\":\"j\"}"), &err);
	assert_int_equal(json_len(out), 0);
	json_free(out);
	out = NULL;
	assert_ok(aws_callf(c, &glue_get_job, &out, &err, "{\"JobName\":\"j\"}"), &err);
	assert_null(json_get(out, "Job"));
	strbuf_release(&text);
	done(&s, c, out, &err);
}

static void test_client__query_call_and_partitions(void **state)
{
	(void)state;
	static const char *const regions[][3] = {
		{"eu-west-1", "POST https://iam.amazonaws.com/", "/us-east-1/iam/"},
		{"cn-north-1", "POST https://iam.cn-north-1.amazonaws.com.cn/", "/cn-north-1/iam/"},
		{"us-gov-east-1", "POST https://iam.us-gov.amazonaws.com/", "/us-gov-west-1/iam/"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
		SCRIPT(s, {200, NULL,
				  "<GetRoleResponse><GetRoleResult><Role><RoleName>r</RoleName>"
				  "</Role></GetRoleResult></GetRoleResponse>"});
		struct aws_client *c = script_client(&s, regions[i][0], NULL);
		struct json *out = NULL;
		struct err err = ERR_INIT;
		assert_ok(aws_callf(c, &iam_get_role, &out, &err, "{\"RoleName\":\"r\"}"), &err);
		assert_string_equal(json_str(json_path(out, "Role.RoleName")), "r");
		assert_string_equal(s.sent.v[0], regions[i][1]);
		assert_non_null(strstr(s.heads.v[0], regions[i][2]));
		assert_string_equal(s.bodies.v[0], "Action=GetRole&Version=2010-05-08&RoleName=r");
		done(&s, c, out, &err);
	}
}

static void test_client__error_is_complete_and_not_retried(void **state)
{
	(void)state;
	SCRIPT(s, {400, "x-amzn-requestid: r9",
			  "{\"__type\":\"EntityNotFoundException\",\"Message\":\"no job\"}"});
	struct aws_client *c = script_client(&s, "eu-west-1", "http://127.0.0.1:9");
	struct err err = ERR_INIT;
	assert_int_equal(aws_call(c, &glue_get_job, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_true(err_is_aws(&err, "EntityNotFoundException"));
	assert_string_equal(err.text, "no job");
	assert_string_equal(err.operation, "GetJob");
	assert_string_equal(err.request_id, "r9");
	assert_int_equal(err.http_status, 400);
	assert_int_equal(s.nr_slept, 0);
	done(&s, c, NULL, &err);
}

static void test_client__throttle_then_success_signs_anew(void **state)
{
	(void)state;
	SCRIPT(s, THROTTLED, THROTTLED, {503, "retry-after: 7", "busy"}, {200, NULL, JOB});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_ok(aws_call(c, &glue_create_job, NULL, NULL, &err), &err);
	assert_int_equal(s.nr_slept, 3);
	assert_true(s.slept_ms[0] <= 500 && s.slept_ms[1] <= 1000);
	assert_int_equal(s.slept_ms[2], 7000);
	assert_non_null(strstr(s.heads.v[0], "20261121T092605Z"));
	assert_null(strstr(s.heads.v[3], "20261121T092605Z"));
	done(&s, c, NULL, &err);
}

static void test_client__retries_end(void **state)
{
	(void)state;
	SCRIPT(s, THROTTLED, THROTTLED, THROTTLED, THROTTLED, THROTTLED, THROTTLED, THROTTLED,
		THROTTLED, THROTTLED, THROTTLED);
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_int_equal(aws_call(c, &glue_get_job, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_THROTTLED);
	assert_int_equal(s.nr_slept, 9);
	for (size_t i = 0; i < 9; i++)
		assert_true(s.slept_ms[i] >= 0 && s.slept_ms[i] <= 20000);
	done(&s, c, NULL, &err);
}

static void test_client__wrong_keys_once(void **state)
{
	(void)state;
	SCRIPT(s, {403, "date: Sat, 21 Nov 2026 09:26:05 GMT",
			  "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>bad "
			  "token</Message>"
			  "</Error></ErrorResponse>"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_null(aws_client_account(c, &err));
	assert_int_equal(err.code, ERR_DENIED);
	assert_non_null(strstr(err.hint, "test keys"));
	assert_null(strstr(err.hint, "secret-key"));
	done(&s, c, NULL, &err);
}

static void test_client__clock_skew_is_corrected_once(void **state)
{
	(void)state;
	/* An hour ahead of us. */
	SCRIPT(s,
		{400, "date: Sat, 21 Nov 2026 10:26:05 GMT",
			"{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature "
			"expired\"}"},
		{200, NULL, JOB}, {200, NULL, JOB});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_ok(aws_call(c, &glue_get_job, NULL, NULL, &err), &err);
	assert_non_null(strstr(s.heads.v[1], "X-Amz-Date: 20261121T102605Z"));
	assert_ok(aws_call(c, &glue_get_job, NULL, NULL, &err), &err);
	assert_non_null(strstr(s.heads.v[2], "X-Amz-Date: 20261121T102605Z"));
	assert_int_equal(s.nr_slept, 0);
	done(&s, c, NULL, &err);
}

static void test_client__a_wrong_secret_is_no_skew(void **state)
{
	(void)state;
	SCRIPT(s, {403, "date: Sat, 21 Nov 2026 09:26:04 GMT",
			  "{\"__type\":\"SignatureDoesNotMatch\",\"message\":\"m\"}"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_int_equal(aws_call(c, &glue_get_job, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	done(&s, c, NULL, &err);
}

static void test_client__ambiguous_create_is_the_callers(void **state)
{
	(void)state;
	SCRIPT(s, {0, NULL, NULL, ERR_AMBIGUOUS, 0});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_int_equal(aws_call(c, &glue_create_job, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_AMBIGUOUS);
	assert_string_equal(err.operation, "CreateJob");
	done(&s, c, NULL, &err);
}

static void test_client__timed_out_create_is_ambiguous(void **state)
{
	(void)state;
	SCRIPT(s, {0, NULL, NULL, ERR_TIMEOUT, 0},
		{400, NULL, "{\"__type\":\"OperationTimeoutException\",\"Message\":\"t\"}"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(aws_call(c, &glue_create_job, NULL, NULL, &err), -1);
		assert_int_equal(err.code, ERR_AMBIGUOUS);
	}
	done(&s, c, NULL, &err);
}

static void test_client__reads_and_deletes_are_repeated(void **state)
{
	(void)state;
	SCRIPT(s, {0, NULL, NULL, ERR_AMBIGUOUS, 0}, {200, NULL, JOB},
		{0, NULL, NULL, ERR_TIMEOUT, 0}, {200, NULL, JOB});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_ok(aws_call(c, &glue_get_job, NULL, NULL, &err), &err);
	assert_ok(aws_call(c, &glue_delete_job, NULL, NULL, &err), &err);
	done(&s, c, NULL, &err);
}

static void test_client__no_connection_three_tries(void **state)
{
	(void)state;
	SCRIPT(s, {0, NULL, NULL, ERR_IO, 0}, {0, NULL, NULL, ERR_IO, 0},
		{0, NULL, NULL, ERR_IO, 0});
	struct aws_client *c = script_client(&s, "eu-west-1", "http://127.0.0.1:9");
	struct err err = ERR_INIT;
	assert_int_equal(aws_call(c, &glue_create_job, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	done(&s, c, NULL, &err);
}

static void test_client__interrupted_wait(void **state)
{
	(void)state;
	SCRIPT(s, THROTTLED);
	s.interrupted = true;
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	int ret = 0;
	for (int i = 0; i < 20 && ret == 0; i++)
		ret = aws_call(c, &glue_get_job, NULL, NULL, &err);
	assert_int_equal(ret, -1);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	done(&s, c, NULL, &err);
}

static void test_client__paging(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL, "{\"Jobs\":[{\"Name\":\"a\"}],\"NextToken\":\"t1\"}"},
		{200, NULL, "{\"Jobs\":[],\"NextToken\":\"t2\"}"},
		{200, NULL, "{\"Jobs\":[{\"Name\":\"b\"}]}"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct json *items = NULL, *in = json_object();
	struct err err = ERR_INIT;
	json_set_i64(in, "MaxResults", 1);
	assert_ok(aws_call_all(c, &glue_get_jobs, in, &items, &err), &err);
	assert_int_equal(json_len(items), 2);
	assert_string_equal(s.bodies.v[0], "{\"MaxResults\":1}");
	assert_string_equal(s.bodies.v[2], "{\"MaxResults\":1,\"NextToken\":\"t2\"}");
	assert_int_equal(json_len(in), 1);
	json_free(in);
	done(&s, c, items, &err);
}

static void test_client__paging_by_marker_ends_when_not_truncated(void **state)
{
	(void)state;
	SCRIPT(s,
		{200, NULL,
			"<R_Response><ListRolesResult><Roles><member><RoleName>a</RoleName>"
			"</member></Roles><IsTruncated>true</IsTruncated><Marker>m</Marker>"
			"</ListRolesResult></R_Response>"},
		{200, NULL,
			"<R_Response><ListRolesResult><Roles/><IsTruncated>false</IsTruncated>"
			"<Marker>x</Marker></ListRolesResult></R_Response>"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct json *items = NULL;
	struct err err = ERR_INIT;
	assert_ok(aws_call_all(c, &iam_list_roles, NULL, &items, &err), &err);
	assert_int_equal(json_len(items), 1);
	assert_true(ends_with(s.bodies.v[1], "&Marker=m"));
	done(&s, c, items, &err);
}

static void test_client__a_repeated_token_is_an_error_or_the_end(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL, "{\"Jobs\":[],\"NextToken\":\"t\"}"},
		{200, NULL, "{\"Jobs\":[],\"NextToken\":\"t\"}"},
		{200, NULL, "{\"events\":[{}],\"nextForwardToken\":\"f\"}"},
		{200, NULL, "{\"events\":[],\"nextForwardToken\":\"f\"}"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct json *items = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(aws_call_all(c, &glue_get_jobs, NULL, &items, &err), -1);
	assert_non_null(strstr(err.text, "token twice"));
	assert_null(items);
	assert_ok(aws_call_all(c, &logs_get_log_events, NULL, &items, &err), &err);
	assert_int_equal(json_len(items), 1);
	done(&s, c, items, &err);
}

static void test_client__identity_is_asked_once(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL,
			  "<GetCallerIdentityResponse><GetCallerIdentityResult>"
			  "<Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>U</UserId>"
			  "<Account>123456789012</Account></GetCallerIdentityResult>"
			  "</GetCallerIdentityResponse>"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_string_equal(aws_client_account(c, &err), "123456789012");
	assert_string_equal(aws_client_caller_arn(c, &err), "arn:aws:iam::123456789012:user/u");
	assert_string_equal(s.sent.v[0], "POST https://sts.eu-west-1.amazonaws.com/");
	done(&s, c, NULL, &err);
}

static void test_client__web_identity_is_unsigned_and_tokens_are_made(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL, "<AResponse><AResult/></AResponse>"}, {200, NULL, "{}"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_ok(aws_call(c, &sts_assume_role_with_web_identity, NULL, NULL, &err), &err);
	assert_null(strstr(s.heads.v[0], "Authorization"));
	assert_null(strstr(s.heads.v[0], "Security-Token"));
	assert_ok(aws_call(c, &athena_start_query_execution, NULL, NULL, &err), &err);
	assert_true(starts_with(s.bodies.v[1], "{\"ClientRequestToken\":\""));
	assert_int_equal(strlen(s.bodies.v[1]), strlen("{\"ClientRequestToken\":\"\"}") + 36);
	done(&s, c, NULL, &err);
}

static void test_client__a_reply_that_is_no_document(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL, "<html>"}, {200, NULL, "{\"Job\":{\"Na"}, {200, NULL, JOB},
		{200, NULL, "<html>"}, {200, NULL, "<html>"}, {200, NULL, "<html>"},
		{200, NULL, "<html>"}, {200, NULL, JOB}, {200, NULL, "<html>"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct json *out = NULL;
	struct err err = ERR_INIT;
	assert_ok(aws_call(c, &glue_get_job, NULL, &out, &err), &err);
	assert_string_equal(json_str(json_path(out, "Job.Name")), "j");
	assert_ok(aws_call(c, &glue_get_job, NULL, NULL, &err), &err);
	/* It may have been made, whatever said so. */
	assert_int_equal(aws_call(c, &glue_create_job, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_AMBIGUOUS);
	done(&s, c, out, &err);
}

/* What has never made sense is no AWS. */
static void test_client__an_endpoint_that_is_something_else(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL, "<html>"}, {200, NULL, "<html>"}, {200, NULL, "<html>"});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_int_equal(aws_call(c, &glue_get_job, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_FAILED);
	assert_int_equal(err.http_status, 200);
	assert_string_equal(err.operation, "GetJob");
	done(&s, c, NULL, &err);
}

static void check_refused(struct aws_config *config)
{
	struct err err = ERR_INIT;
	assert_null(aws_client_new(config, &err));
	assert_int_equal(err.code, ERR_USAGE);
	err_release(&err);
}

static void test_client__usage_errors(void **state)
{
	(void)state;
	check_refused(&(struct aws_config){.ignore_environment = true,
		.credentials = aws_credentials_static("a", "b", NULL, "s")});
	check_refused(&(struct aws_config){.ignore_environment = true, .region = "eu-west-1"});
	check_refused(&(struct aws_config){.ignore_environment = true,
		.region = "eu/west",
		.credentials = aws_credentials_static("a", "b", NULL, "s")});
	check_refused(&(struct aws_config){.ignore_environment = true,
		.region = "eu-west-1",
		.endpoint_url = "localhost:80",
		.credentials = aws_credentials_static("a", "b", NULL, "s")});
	check_refused(&(struct aws_config){.ignore_environment = true,
		.region = "eu-west-1",
		.endpoint_url = "ftp://localhost",
		.credentials = aws_credentials_static("a", "b", NULL, "s")});
}
