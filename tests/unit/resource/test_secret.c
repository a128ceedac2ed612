#include "testing.h"
#include "cloud_script.h"
#include "fields.h"
#include "stack.h"
#include "template.h"
#include "types_internal.h"

#define ARN "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key-AbCdEf"
#define MADE "{\"ARN\":\"" ARN "\",\"Name\":\"key\",\"VersionId\":\"v\"}"
#define MISSING                                                                                   \
	"{\"__type\":\"ResourceNotFoundException\",\"Message\":\"Secrets Manager can't find the " \
	"specified secret.\"}"
#define GOING                                                                                 \
	"{\"__type\":\"InvalidRequestException\",\"Message\":\"You can't create this secret " \
	"because a secret with this name is already scheduled for deletion.\"}"
#define THERE                                                                                     \
	"{\"__type\":\"ResourceExistsException\",\"Message\":\"The operation failed because the " \
	"secret key already exists.\"}"
#define OURS                                                                             \
	"{\"Key\":\"glueproj:project\",\"Value\":\"lake\"},{\"Key\":\"glueproj:stack\"," \
	"\"Value\":\"s\"},{\"Key\":\"glueproj:logical-id\",\"Value\":\"R\"},"            \
	"{\"Key\":\"glueproj:digest\",\"Value\":\"v1:old\"}"
#define DESCRIBED(more, tags)                                              \
	"{\"ARN\":\"" ARN "\",\"Name\":\"key\",\"Description\":\"d\"" more \
	",\"VersionIdsToStages\":{\"v\":[\"AWSCURRENT\"]},\"Tags\":[" tags "]}"
#define DELETED ",\"DeletedDate\":1800000000.0"

/* The i-th document without its token, which must be there. */
static void assert_sent_once(struct cloud *c, size_t i, const char *want)
{
	struct json *doc = json_copy(json_at(c->sent, i));
	const char *token = json_get_str(doc, "ClientRequestToken");
	assert_non_null(token);
	assert_in_range(strlen(token), 32, 64);
	json_remove(doc, "ClientRequestToken");
	assert_json(doc, want);
}

static const char *tag_sent(struct cloud *c, size_t i, const char *key)
{
	const struct json *t;
	json_each(
		t, json_get(json_at(c->sent, i), "Tags")) if (strcmp(json_get_str(t, "Key"), key) ==
							      0) return json_get_str(t, "Value");
	return NULL;
}

static void test_secret__create_is_one_call(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &secret_type, "key",
		"{'Description':'d','KmsKeyId':'alias/k','SecretString':'hush','Tags':[{'Key':'a',"
		"'Value':'b'}]}");
	cloud_expect(&c, "CreateSecret", 200, MADE);
	assert_ok(secret_type.create(&c.ctx, &s.r, &err), &err);
	assert_sent_once(&c, 0,
		"{'Name':'key','Description':'d','KmsKeyId':'alias/"
		"k','SecretString':'hush','Tags':["
		"{'Key':'a','Value':'b'},{'Key':'glueproj:project','Value':'lake'},"
		"{'Key':'glueproj:stack','Value':'s'},{'Key':'glueproj:logical-id','Value':'R'},"
		"{'Key':'glueproj:digest','Value':'v1:d'}]}");
	assert_true(secret_type.flags & T_WHOLE && secret_type.flags & T_DATA);
	subject_end(&s);
	cloud_end(&c);
}

/* DescribeSecret is all that reading asks; the value is not in what it gives. */
static void test_secret__read(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct resource_state live = RESOURCE_STATE_INIT;
	cloud_begin(&c);
	subject_begin(&s, &secret_type, "key", "{'SecretString':'hush','Description':'d'}");
	cloud_expect(&c, "DescribeSecret", 200,
		DESCRIBED(",\"KmsKeyId\":\"k\"", OURS ",{\"Key\":\"a\",\"Value\":\"b\"}"));
	assert_ok(secret_type.read(&c.ctx, &s.r, READ_FULL, &live, &err), &err);
	assert_sent(&c, 0, "{'SecretId':'key'}");
	assert_true(live.exists);
	assert_string_equal(json_get_str(live.attrs, "Id"), ARN);
	assert_string_equal(secret_type.schema.ref_attribute, "Id");
	assert_string_equal(json_get_str(live.tags, TAG_DIGEST), "v1:old");
	assert_json(json_copy(live.props),
		"{'Name':'key','Description':'d','KmsKeyId':'k','Tags':[{'Key':'a','Value':'b'}]}");
	struct json *diff = json_array();
	resource_diff(&secret_type, s.props, live.props, diff);
	/* the value is not compared; the key that is no longer wanted is */
	assert_int_equal(json_len(diff), 1);
	assert_string_equal(json_get_str(json_at(diff, 0), "path"), "KmsKeyId");
	json_free(diff);
	resource_state_release(&live);
	cloud_expect(&c, "DescribeSecret", 400, MISSING);
	assert_ok(secret_type.read(&c.ctx, &s.r, READ_TAGS, &live, &err), &err);
	assert_false(live.exists);
	resource_state_release(&live);
	/* one that is scheduled for deletion is there, and fits no digest */
	cloud_expect(&c, "DescribeSecret", 200, DESCRIBED(DELETED, OURS));
	assert_ok(secret_type.read(&c.ctx, &s.r, READ_TAGS, &live, &err), &err);
	assert_true(live.exists && !live.going);
	assert_false(starts_with(json_get_str(live.tags, TAG_DIGEST), "v1:"));
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

/* A connection that breaks leaves open whether the secret was made: the same token makes the second try harmless. */
struct lossy {
	struct cloud *c;
	int losses;
};

static int lossy_perform(struct http_transport *t, const struct http_request *req,
	struct http_reply *reply, struct err *err)
{
	struct lossy *l = t->impl;
	struct http_transport inner = {t->ops, l->c};
	int ret = cloud_perform(&inner, req, reply, err);
	if (l->losses-- > 0) {
		http_reply_clear(reply);
		return err_set(err, ERR_AMBIGUOUS, "the connection broke after sending");
	}
	return ret;
}

static void test_secret__ambiguous_create(void **state)
{
	(void)state;
	static const struct http_transport_ops ops = {lossy_perform, cloud_no_free};
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	struct lossy lossy = {&c, 1};
	struct http_transport *transport = xcalloc(1, sizeof(*transport));
	*transport = (struct http_transport){&ops, &lossy};
	struct aws_config config = {.region = "eu-west-1",
		.endpoint_url = "http://127.0.0.1:9",
		.credentials = aws_credentials_static("AKIDEXAMPLE", "secret", NULL, "test"),
		.transport = transport,
		.clock = &c.clock,
		.max_attempts = 3,
		.ignore_environment = true};
	struct aws_client *aws = aws_client_new(&config, &err), *first = c.aws;
	assert_non_null(aws);
	c.ctx.aws = aws;
	subject_begin(&s, &secret_type, "key", "{'SecretString':'hush'}");
	cloud_expect(&c, "CreateSecret", 200, MADE);
	cloud_expect(&c, "CreateSecret", 200, MADE);
	assert_ok(secret_type.create(&c.ctx, &s.r, &err), &err);
	assert_string_equal(c.bodies.v[0], c.bodies.v[1]);
	assert_non_null(strstr(c.bodies.v[0], "ClientRequestToken"));
	subject_end(&s);
	aws_client_free(aws);
	c.aws = first;
	cloud_end(&c);
}

/* The name is scheduled for deletion and ours: restored, then brought up to date; the digest comes last. */
static void test_secret__create_restores(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &secret_type, "key", "{'Description':'new','SecretString':'hush'}");
	cloud_expect(&c, "CreateSecret", 400, GOING);
	cloud_expect(&c, "DescribeSecret", 200, DESCRIBED(DELETED, OURS));
	cloud_expect(&c, "RestoreSecret", 200, MADE);
	cloud_expect(&c, "UpdateSecret", 200, MADE);
	cloud_expect(&c, "TagResource", 200, "{}");
	assert_ok(secret_type.create(&c.ctx, &s.r, &err), &err);
	assert_sent(&c, 2, "{'SecretId':'key'}");
	assert_sent_once(&c, 3, "{'SecretId':'key','Description':'new','SecretString':'hush'}");
	assert_string_equal(tag_sent(&c, 4, TAG_DIGEST), "v1:d");
	assert_int_equal(c.notes.nr, 1);
	assert_null(strstr(c.notes.v[0], "hush"));
	subject_end(&s);
	cloud_end(&c);
}

/* Deleted without recovery a moment ago: the name is asked for again, but not for ever. */
static void test_secret__create_waits_for_the_name(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &secret_type, "key", "{'SecretString':'hush'}");
	for (int i = 0; i < 3; i++) {
		cloud_expect(&c, "CreateSecret", 400, GOING);
		cloud_expect(&c, "DescribeSecret", 400, MISSING);
	}
	cloud_expect(&c, "CreateSecret", 200, MADE);
	assert_ok(secret_type.create(&c.ctx, &s.r, &err), &err);
	subject_end(&s);
	cloud_end(&c);

	cloud_begin(&c);
	int64_t begin = c.now_ms;
	subject_begin(&s, &secret_type, "key", "{'SecretString':'hush'}");
	for (int i = 0; i < 31; i++) {
		cloud_expect(&c, "CreateSecret", 400, GOING);
		cloud_expect(&c, "DescribeSecret", 400, MISSING);
	}
	assert_int_equal(secret_type.create(&c.ctx, &s.r, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "secret 'key'"));
	assert_true(c.now_ms - begin >= 120 * 1000 && c.now_ms - begin < 130 * 1000);
	c.at = c.ops.nr;
	err_release(&err);
	subject_end(&s);
	cloud_end(&c);
}

static void test_secret__create_leaves_what_is_foreign(void **state)
{
	(void)state;
	static const char *const first[] = {THERE, GOING};
	static const char *const described[] = {DESCRIBED("", ""), DESCRIBED(DELETED, "")};
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		struct cloud c;
		struct subject s;
		struct err err = ERR_INIT;
		cloud_begin(&c);
		subject_begin(&s, &secret_type, "key", "{'SecretString':'hush'}");
		cloud_expect(&c, "CreateSecret", 400, first[i]);
		cloud_expect(&c, "DescribeSecret", 200, described[i]);
		assert_int_equal(secret_type.create(&c.ctx, &s.r, &err), -1);
		assert_int_equal(err.code, ERR_EXISTS);
		err_release(&err);
		subject_end(&s);
		cloud_end(&c);
	}
}

/* It exists and is ours: completed. A generated value that is there stays. */
static void test_secret__create_again_keeps_what_was_generated(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &secret_type, "key",
		"{'Description':'d','GenerateSecretString':{'PasswordLength':20}}");
	cloud_expect(&c, "GetRandomPassword", 200, "{\"RandomPassword\":\"hush\"}");
	cloud_expect(&c, "CreateSecret", 400, THERE);
	cloud_expect(&c, "DescribeSecret", 200, DESCRIBED("", OURS));
	cloud_expect(&c, "TagResource", 200, "{}");
	assert_ok(secret_type.create(&c.ctx, &s.r, &err), &err);
	assert_sent(&c, 0, "{'PasswordLength':20}");
	assert_non_null(tag_sent(&c, 3, "glueproj:generated"));
	assert_string_equal(tag_sent(&c, 3, TAG_DIGEST), "v1:d");
	subject_end(&s);
	cloud_end(&c);
}

static void test_secret__update(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &secret_type, "key", "{'SecretString':'other','KmsKeyId':'alias/a'}");
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS ",'old':'1'}"),
		.props = js("{'Name':'key','Description':'d','KmsKeyId':"
			    "'arn:aws:kms:eu-west-1:123456789012:alias/a'}")};
	cloud_expect(&c, "UpdateSecret", 200, MADE);
	cloud_expect(&c, "UntagResource", 200, "{}");
	assert_ok(secret_type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_sent_once(&c, 0, "{'SecretId':'key','Description':'','SecretString':'other'}");
	assert_sent(&c, 1, "{'SecretId':'key','TagKeys':['old']}");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

/* What a wish makes, and which change of it makes another; the marks hold no value. */
static void test_secret__generate(void **state)
{
	(void)state;
	static const struct {
		const char *props;
		bool again;
	} cases[] = {
		{"{'GenerateSecretString':{'PasswordLength':20,'GenerateStringKey':'password',"
		 "'SecretStringTemplate':'{\\\"user\\\":\\\"me\\\"}'}}",
			false},
		{"{'GenerateSecretString':{'PasswordLength':21,'GenerateStringKey':'password',"
		 "'SecretStringTemplate':'{\\\"user\\\":\\\"me\\\"}'}}",
			true},
		{"{'GenerateSecretString':{'PasswordLength':20,'GenerateStringKey':'password',"
		 "'SecretStringTemplate':'{\\\"user\\\":\\\"you\\\"}'}}",
			true},
	};
	char *mark = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cloud c;
		struct subject s;
		struct err err = ERR_INIT;
		cloud_begin(&c);
		subject_begin(&s, &secret_type, "key", cases[i].props);
		if (i == 0) {
			cloud_expect(
				&c, "GetRandomPassword", 200, "{\"RandomPassword\":\"p\\\"w\"}");
			cloud_expect(&c, "CreateSecret", 200, MADE);
			assert_ok(secret_type.create(&c.ctx, &s.r, &err), &err);
			assert_sent(&c, 0, "{'PasswordLength':20}");
			assert_string_equal(json_get_str(json_at(c.sent, 1), "SecretString"),
				"{\"user\":\"me\",\"password\":\"p\\\"w\"}");
			mark = xstrdup(tag_sent(&c, 1, "glueproj:generated"));
			assert_null(json_get(json_at(c.sent, 1), "GenerateSecretString"));
		}
		struct resource_state live = {.exists = true,
			.tags = js("{" OWNER_TAGS "}"),
			.props = js("{'Name':'key'}")};
		json_set_str(live.tags, "glueproj:generated", mark);
		if (cases[i].again) {
			cloud_expect(&c, "GetRandomPassword", 200, "{\"RandomPassword\":\"q\"}");
			cloud_expect(&c, "UpdateSecret", 200, MADE);
			cloud_expect(&c, "TagResource", 200, "{}");
		}
		assert_ok(secret_type.update(&c.ctx, &s.r, &live, &err), &err);
		resource_state_release(&live);
		subject_end(&s);
		cloud_end(&c);
	}
	free(mark);
}

/* From generated to given: the mark goes. */
static void test_secret__given_after_generated(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &secret_type, "key", "{'SecretString':'hush'}");
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS ",'glueproj:generated':'v1:00'}"),
		.props = js("{'Name':'key'}")};
	cloud_expect(&c, "UpdateSecret", 200, MADE);
	cloud_expect(&c, "UntagResource", 200, "{}");
	assert_ok(secret_type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_sent(&c, 1, "{'SecretId':'key','TagKeys':['glueproj:generated']}");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

/* Scheduled for deletion when the plan was made: restored, or made anew when it is gone by now. */
static void test_secret__update_restores(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &secret_type, "key", "{'Description':'d','SecretString':'hush'}");
	for (int gone = 0; gone < 2; gone++) {
		struct resource_state live = RESOURCE_STATE_INIT;
		cloud_expect(&c, "DescribeSecret", 200, DESCRIBED(DELETED, OURS));
		assert_ok(secret_type.read(&c.ctx, &s.r, READ_FULL, &live, &err), &err);
		cloud_expect(&c, "RestoreSecret", gone ? 400 : 200, gone ? MISSING : MADE);
		cloud_expect(&c, gone ? "CreateSecret" : "UpdateSecret", 200, MADE);
		assert_ok(secret_type.update(&c.ctx, &s.r, &live, &err), &err);
		resource_state_release(&live);
	}
	assert_sent_once(&c, 2, "{'SecretId':'key','SecretString':'hush'}");
	subject_end(&s);
	cloud_end(&c);
}

static void test_secret__destroy(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	bool has = false;
	char *what = NULL;
	cloud_begin(&c);
	subject_begin(&s, &secret_type, "key", NULL);
	cloud_expect(&c, "DescribeSecret", 200, DESCRIBED("", OURS));
	assert_ok(secret_type.content(&c.ctx, &s.r, &has, &what, &err), &err);
	assert_true(has);
	free(what);
	what = NULL;
	cloud_expect(&c, "DescribeSecret", 200, "{\"ARN\":\"" ARN "\",\"Name\":\"key\"}");
	assert_ok(secret_type.content(&c.ctx, &s.r, &has, &what, &err), &err);
	assert_false(has);
	cloud_expect(&c, "DeleteSecret", 200, MADE);
	assert_ok(secret_type.destroy(&c.ctx, &s.r, &err), &err);
	assert_sent(&c, 2, "{'SecretId':'key','ForceDeleteWithoutRecovery':true}");
	cloud_expect(&c, "DescribeSecret", 200, DESCRIBED(DELETED, OURS));
	cloud_expect(&c, "DescribeSecret", 200, DESCRIBED(DELETED, OURS));
	cloud_expect(&c, "DescribeSecret", 400, MISSING);
	assert_ok(secret_type.settle(&c.ctx, &s.r, true, &err), &err);
	cloud_expect(&c, "DeleteSecret", 400, MISSING);
	assert_ok(secret_type.destroy(&c.ctx, &s.r, &err), &err);
	cloud_expect(&c, "DeleteSecret", 400,
		"{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}");
	assert_int_equal(secret_type.destroy(&c.ctx, &s.r, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	err_release(&err);
	subject_end(&s);
	cloud_end(&c);
}

/* The tagging service names it by its ARN, six random characters and all. */
static void test_secret__sweep_finds_it(void **state)
{
	(void)state;
	struct cloud c;
	struct err err = ERR_INIT;
	struct json *left = json_array();
	cloud_begin(&c);
	cloud_expect(&c, "ListRoles", 200,
		"<ListRolesResponse><ListRolesResult><Roles/></ListRolesResult></"
		"ListRolesResponse>");
	cloud_expect(&c, "GetResources", 200,
		"{\"PaginationToken\":\"\",\"ResourceTagMappingList\":[{\"ResourceARN\":\"" ARN
		"\"}]}");
	cloud_expect(&c, "DescribeSecret", 200, DESCRIBED("", OURS));
	assert_ok(resource_sweep_project(&c.ctx, left, &err), &err);
	assert_sent(&c, 2, "{'SecretId':'key'}");
	assert_int_equal(json_len(left), 1);
	assert_string_equal(json_get_str(json_at(left, 0), "physical_id"), "key");
	assert_string_equal(json_get_str(json_at(left, 0), "type"), "AWS::SecretsManager::Secret");
	json_free(left);
	cloud_end(&c);
}
