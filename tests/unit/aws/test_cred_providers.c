#include "testing.h"
#include "scripted.h"
#include "cred_internal.h"
#include "cred_place.h"

#define MINUTE 60000LL
#define IMDS_OK                                                                                    \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"AKIMDS\",\"SecretAccessKey\":\"HUSH\",\"Token\":" \
	"\"t\",\"Expiration\":\"2026-11-21T15:26:05Z\"}"
#define ROLE_XML(id, expires)                                                                    \
	"<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:" \
	"assumed-role/r/s</Arn></AssumedRoleUser><Credentials><AccessKeyId>" id                  \
	"</AccessKeyId><SecretAccessKey>HUSH</SecretAccessKey><SessionToken>t</SessionToken>"    \
	"<Expiration>" expires                                                                   \
	"</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define ROLE_CONFIG "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\n"

/* A chain over a script; its transport is borrowed by the chain, so it is kept here. */
struct chained {
	struct http_transport *transport;
	struct aws_credentials *c;
	struct err err;
};

static void chain_init(struct chained *ch, struct script *s, const char *region)
{
	*ch = (struct chained){.err = ERR_INIT};
	ch->transport = scripted_transport(s);
	const struct aws_credentials_config config = {
		.region = region, .transport = ch->transport, .clock = &s->clock};
	ch->c = aws_credentials_default(&config, &ch->err);
}

static void chain_release(struct chained *ch, struct script *s)
{
	assert_int_equal(s->at, s->nr);
	/* Nothing that is said holds a secret. */
	assert_null(strstr(ch->err.text ? ch->err.text : "", "HUSH"));
	assert_null(strstr(ch->err.hint ? ch->err.hint : "", "HUSH"));
	aws_credentials_free(ch->c);
	http_transport_free(ch->transport);
	err_release(&ch->err);
	script_release(s);
}

static void check_key(struct chained *ch, const char *id)
{
	struct aws_keys keys = AWS_KEYS_INIT;
	if (!ch->c)
		fail_msg("%s", ch->err.text);
	assert_ok(ch->c->ops->get(ch->c, &keys, &ch->err), &ch->err);
	assert_string_equal(keys.access_key_id, id);
	aws_keys_release(&keys);
}

static void check_failure(struct chained *ch, const char *text)
{
	struct aws_keys keys = AWS_KEYS_INIT;
	if (ch->c)
		assert_int_equal(ch->c->ops->get(ch->c, &keys, &ch->err), -1);
	if (!ch->err.text || !strstr(ch->err.text, text))
		fail_msg("'%s' is not in '%s'", text, ch->err.text ? ch->err.text : "(none)");
}

/* --- the instance --- */

static void test_cred_providers__instance(void **state)
{
	(void)state;
	struct place p;
	struct chained ch;
	place_init(&p, NULL, NULL);
	unsetenv("AWS_EC2_METADATA_DISABLED");
	SCRIPT(s, {200, NULL, "tok=="}, {200, NULL, "my-role\n"}, {200, NULL, IMDS_OK});
	chain_init(&ch, &s, "eu-west-1");
	check_key(&ch, "AKIMDS");
	assert_string_equal(s.sent.v[0], "PUT http://169.254.169.254/latest/api/token");
	assert_string_equal(s.heads.v[0], "X-aws-ec2-metadata-token-ttl-seconds: 21600");
	assert_string_equal(s.sent.v[2],
		"GET http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role");
	assert_string_equal(s.heads.v[2], "X-aws-ec2-metadata-token: tok==");
	chain_release(&ch, &s);
	place_release(&p);
}

static void test_cred_providers__instance_elsewhere_and_without_tokens(void **state)
{
	(void)state;
	struct place p;
	struct chained ch;
	place_init(&p, NULL, NULL);
	unsetenv("AWS_EC2_METADATA_DISABLED");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6", 1);
	/* Silence is the hop limit of a container: asked without a token. */
	SCRIPT(s, {.failure = ERR_TIMEOUT}, {200, NULL, "r"}, {200, NULL, IMDS_OK});
	chain_init(&ch, &s, NULL);
	check_key(&ch, "AKIMDS");
	assert_string_equal(s.sent.v[0], "PUT http://[fd00:ec2::254]/latest/api/token");
	assert_string_equal(s.heads.v[1], "");
	chain_release(&ch, &s);
	/* Where nothing listens, one try is enough to know. */
	SCRIPT(none, {.failure = ERR_IO});
	chain_init(&ch, &none, NULL);
	check_failure(&ch, "the instance's metadata at http://[fd00:ec2::254]: scripted failure");
	chain_release(&ch, &none);
	place_release(&p);
}

static void test_cred_providers__instance_in_trouble(void **state)
{
	(void)state;
	struct place p;
	struct chained ch;
	place_init(&p, NULL, NULL);
	unsetenv("AWS_EC2_METADATA_DISABLED");
	static const char *const bad[] = {"", "{}", "[1]", "\"HUSH\"", "{\"AccessKeyId\":\"HUSH",
		"{\"AccessKeyId\":1,\"SecretAccessKey\":\"HUSH\",\"Token\":\"t\",\"Expiration\":"
		"\"2026-11-21T15:26:05Z\"}",
		"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"HUSH\",\"Token\":\"t\"}"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct scripted_step steps[] = {
			{200, NULL, "tok"}, {200, NULL, "r"}, {200, NULL, bad[i]}};
		struct script s;
		script_init(&s, steps, ARRAY_SIZE(steps));
		chain_init(&ch, &s, NULL);
		check_failure(&ch, "no AWS credentials");
		chain_release(&ch, &s);
	}
	/* Kept as long as they live when the service is gone; renewed when it is back. */
	SCRIPT(s, {200, NULL, "tok"}, {200, NULL, "r"}, {200, NULL, IMDS_OK}, {.failure = ERR_IO},
		{200, NULL, "tok"}, {200, NULL, "r"}, {200, NULL, IMDS_OK});
	chain_init(&ch, &s, NULL);
	check_key(&ch, "AKIMDS");
	s.now_ms += (5 * 60 + 50) * MINUTE;
	check_key(&ch, "AKIMDS");
	s.now_ms += 2 * MINUTE;
	check_key(&ch, "AKIMDS");
	/* What came now has eight minutes by its own account, and is used for longer. */
	s.now_ms += 8 * MINUTE;
	check_key(&ch, "AKIMDS");
	chain_release(&ch, &s);
	place_release(&p);
}

/* --- the container --- */

static void test_cred_providers__container(void **state)
{
	(void)state;
	struct place p;
	struct chained ch;
	place_init(&p, NULL, NULL);
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1?x=y", 1);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://198.51.100.1/never", 1);
	SCRIPT(s, {500, NULL, "HUSH"}, {.failure = ERR_AMBIGUOUS}, {200, NULL, IMDS_OK},
		{404, NULL, "{\"message\":\"gone\"}"}, {404, NULL, NULL},
		{404, NULL, "{\"message\":\"gone\"}"});
	chain_init(&ch, &s, NULL);
	check_key(&ch, "AKIMDS");
	assert_string_equal(s.sent.v[0], "GET http://169.254.170.2/v2/credentials/1?x=y");
	assert_string_equal(s.heads.v[0], "Accept: application/json");
	assert_int_equal(s.nr_slept, 2);
	assert_int_equal(s.slept_ms[0], 1000);
	s.now_ms += 7 * 60 * MINUTE;
	check_failure(
		&ch, "http://169.254.170.2/v2/credentials/1?x=y: it answers with HTTP 404: gone");
	chain_release(&ch, &s);
	place_release(&p);
}

static void test_cred_providers__containers_hosts(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		bool good;
	} cases[] = {{"http://localhost:1/x", true}, {"http://127.1.2.3/x", true},
		{"http://[::1]:5/x", true}, {"http://169.254.170.23/v1/x", true},
		{"http://[fd00:ec2::23]/v1/x", true}, {"https://keys.example.com/x", true},
		{"http://keys.example.com/x", false}, {"http://169.254.169.254/x", false},
		{"http://127.0.0.1.example.com/x", false},
		{"http://localhost.example.com/x", false}, {"http://[fd00:ec2::24]/x", false},
		{"ftp://localhost/x", false}, {"x", false}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct place p;
		struct chained ch;
		place_init(&p, NULL, NULL);
		setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", cases[i].url, 1);
		SCRIPT(s, {200, NULL, IMDS_OK});
		if (!cases[i].good)
			s.nr = 0;
		chain_init(&ch, &s, NULL);
		if (cases[i].good)
			check_key(&ch, "AKIMDS");
		else
			check_failure(&ch, cases[i].url);
		chain_release(&ch, &s);
		place_release(&p);
	}
}

/* --- roles --- */

static void test_cred_providers__role(void **state)
{
	(void)state;
	struct place p;
	struct chained ch;
	place_init(&p,
		ROLE_CONFIG "source_profile = base\nexternal_id = e&x\nrole_session_name = me\n"
			    "duration_seconds = 900\n",
		"[base]\n" BOTH("BASE"));
	SCRIPT(s, {200, NULL, ROLE_XML("AK1", "2026-11-21T10:26:05Z")},
		{200, NULL, ROLE_XML("AK2", "2026-11-21T11:26:05Z")});
	chain_init(&ch, &s, "eu-west-1");
	assert_int_equal(s.at, 0); /* not before keys are wanted */
	check_key(&ch, "AK1");
	check_key(&ch, "AK1");
	assert_string_equal(s.sent.v[0], "POST https://sts.eu-west-1.amazonaws.com/");
	assert_non_null(strstr(s.heads.v[0], "Credential=BASE/20261121/eu-west-1/sts/"));
	assert_string_equal(s.bodies.v[0],
		"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%"
		"3Arole%2Fr&RoleSessionName=me&DurationSeconds=900&ExternalId=e%26x");
	s.now_ms += 46 * MINUTE;
	check_key(&ch, "AK2");
	assert_string_equal(ch.c->source,
		"profile 'default' (role arn:aws:iam::123456789012:role/r "
		"via profile 'base')");
	chain_release(&ch, &s);
	place_release(&p);
}

static void test_cred_providers__role_in_trouble(void **state)
{
	(void)state;
	struct place p;
	struct chained ch;
	place_init(&p, ROLE_CONFIG "source_profile = base\n", "[base]\n" BOTH("BASE"));
	/* Throttled, broken off, half a reply and then replies without the token, then refused. */
	SCRIPT(s, {503, NULL, "<x"}, {.failure = ERR_AMBIGUOUS},
		{200, NULL, ROLE_XML("AK1", "2026-11-21T10:26:05Z")},
		{200, NULL, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>HUSH"},
		{200, NULL,
			"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AK3"
			"</AccessKeyId><SecretAccessKey>HUSH</SecretAccessKey></Credentials>"
			"</AssumeRoleResult></AssumeRoleResponse>"},
		{200, NULL,
			"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AK3"
			"</AccessKeyId><SecretAccessKey>HUSH</SecretAccessKey></Credentials>"
			"</AssumeRoleResult></AssumeRoleResponse>"},
		{403, NULL,
			"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message>"
			"</Error></ErrorResponse>"});
	chain_init(&ch, &s, "eu-west-1");
	check_key(&ch, "AK1");
	s.now_ms += 46 * MINUTE;
	check_key(&ch, "AK1");
	s.now_ms += 20 * MINUTE;
	check_failure(&ch, "the reply of STS has no 'SessionToken'");
	check_failure(&ch, "role arn:aws:iam::123456789012:role/r: not you");
	assert_string_equal(ch.err.aws_code, "AccessDenied");
	chain_release(&ch, &s);
	place_release(&p);
}

/* The keys of the source end too: each link is renewed by the one before it. */
static void test_cred_providers__chain_of_roles(void **state)
{
	(void)state;
	struct place p;
	struct chained ch;
	place_init(&p,
		ROLE_CONFIG "source_profile = mid\n[profile mid]\n"
			    "role_arn = arn:aws:iam::123456789012:role/m\nsource_profile = base\n",
		"[base]\n" BOTH("BASE"));
	SCRIPT(s, {200, NULL, ROLE_XML("MID1", "2026-11-21T10:26:05Z")},
		{200, NULL, ROLE_XML("END1", "2026-11-21T10:26:05Z")},
		{403, NULL,
			"<ErrorResponse><Error><Code>ExpiredToken</Code><Message>x</Message></"
			"Error>"
			"</ErrorResponse>"},
		{200, NULL, ROLE_XML("MID2", "2026-11-21T11:26:05Z")},
		{200, NULL, ROLE_XML("END2", "2026-11-21T11:26:05Z")});
	chain_init(&ch, &s, "eu-west-1");
	check_key(&ch, "END1");
	assert_non_null(strstr(s.heads.v[1], "Credential=MID1/"));
	assert_true(ch.c->ops->expire(ch.c, "END1"));
	check_key(&ch, "END2");
	assert_non_null(strstr(s.heads.v[2], "Credential=MID1/"));
	assert_non_null(strstr(s.heads.v[4], "Credential=MID2/"));
	chain_release(&ch, &s);
	place_release(&p);
}

/* --- web identity --- */

static void test_cred_providers__web_identity(void **state)
{
	(void)state;
	struct place p;
	struct chained ch;
	struct err err = ERR_INIT;
	place_init(&p, NULL, NULL);
	char *path = fs_join(p.dir, "token");
	assert_ok(fs_write_atomic(path, "first\n", 6, 0600, &err), &err);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
	setenv("AWS_ROLE_ARN", "arn:aws-cn:iam::123456789012:role/r", 1);
	SCRIPT(s, {200, NULL, ROLE_XML("AK1", "2026-11-21T10:26:05Z")},
		{200, NULL, ROLE_XML("AK2", "2026-11-21T11:26:05Z")});
	chain_init(&ch, &s, "cn-north-1");
	check_key(&ch, "AK1");
	assert_string_equal(s.sent.v[0], "POST https://sts.cn-north-1.amazonaws.com.cn/");
	assert_null(strstr(s.heads.v[0], "Authorization"));
	assert_non_null(strstr(s.bodies.v[0], "&WebIdentityToken=first"));
	assert_non_null(strstr(s.bodies.v[0], "RoleSessionName=glueproj-1795253165&"));
	assert_ok(fs_write_atomic(path, "second", 6, 0600, &err), &err);
	s.now_ms += 46 * MINUTE;
	check_key(&ch, "AK2");
	assert_non_null(strstr(s.bodies.v[1], "&WebIdentityToken=second"));
	chain_release(&ch, &s);
	free(path);
	place_release(&p);
}

static void test_cred_providers__github(void **state)
{
	(void)state;
	struct place p;
	struct chained ch;
	place_init(&p, NULL, "[default]\n" BOTH("FILE"));
	setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "https://gh.example/t?api-version=2.0", 1);
	setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "HUSHBEARER", 1);
	/* Any workflow that may ask has these: without a role they mean nothing. */
	SCRIPT(none, {0});
	none.nr = 0;
	chain_init(&ch, &none, NULL);
	check_key(&ch, "FILE");
	chain_release(&ch, &none);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r", 1);
	SCRIPT(s, {500, NULL, NULL}, {200, NULL, "{\"count\":3,\"value\":\"jwt\"}"},
		{200, NULL, ROLE_XML("AK1", "2026-11-21T10:26:05Z")}, {200, NULL, "{}"},
		{200, NULL, "HUSH"});
	chain_init(&ch, &s, "eu-west-1");
	check_key(&ch, "AK1");
	assert_string_equal(
		s.sent.v[1], "GET https://gh.example/t?api-version=2.0&audience=sts.amazonaws.com");
	assert_non_null(strstr(s.heads.v[1], "Authorization: bearer HUSHBEARER"));
	assert_non_null(
		strstr(s.bodies.v[2], "RoleSessionName=GitHubActions&WebIdentityToken=jwt"));
	s.now_ms += 60 * MINUTE;
	check_failure(&ch, "the reply of GitHub's token service has no 'value'");
	check_failure(&ch, "GitHub's token service gives no JSON object");
	chain_release(&ch, &s);
	place_release(&p);
}

/* --- IAM Identity Center --- */

static void write_token(const char *text)
{
	struct err err = ERR_INIT;
	char *path = cred_cache_path("sso/cache", "corp");
	char *dir = fs_dirname(path);
	assert_ok(fs_mkdir_p(dir, 0700, &err), &err);
	assert_ok(fs_write_atomic(path, text, strlen(text), 0600, &err), &err);
	free(path);
	free(dir);
}

static void test_cred_providers__sso(void **state)
{
	(void)state;
	struct place p;
	struct chained ch;
	place_init(&p,
		"[sso-session corp]\nsso_start_url = https://corp\nsso_region = cn-north-1\n"
		"[default]\nsso_session = corp\nsso_account_id = 111122223333\n"
		"sso_role_name = A b\n",
		NULL);
	write_token("{\"accessToken\":\"HUSHOLD\",\"expiresAt\":\"2026-11-21T09:30:00UTC\","
		    "\"refreshToken\":\"HUSHREFRESH\",\"clientId\":\"c\",\"clientSecret\":\"s\","
		    "\"registrationExpiresAt\":\"2027-01-01T00:00:00Z\"}");
	SCRIPT(s, {200, NULL, "{\"accessToken\":\"HUSHNEW\",\"expiresIn\":28800}"},
		{200, NULL,
			"{\"roleCredentials\":{\"accessKeyId\":\"AKSSO\",\"secretAccessKey\":"
			"\"HUSH\",\"sessionToken\":\"t\",\"expiration\":1795256765000}}"},
		{401, NULL, "{\"message\":\"Session token not found or invalid\"}"});
	chain_init(&ch, &s, "eu-west-1");
	check_key(&ch, "AKSSO");
	assert_string_equal(s.sent.v[0], "POST https://oidc.cn-north-1.amazonaws.com.cn/token");
	assert_string_equal(s.bodies.v[0],
		"{\"clientId\":\"c\",\"clientSecret\":\"s\",\"grantType\":\"refresh_token\","
		"\"refreshToken\":\"HUSHREFRESH\"}");
	assert_string_equal(s.sent.v[1],
		"GET https://portal.sso.cn-north-1.amazonaws.com.cn/federation/"
		"credentials?role_name=A%20b&account_id=111122223333");
	assert_string_equal(s.heads.v[1], "x-amz-sso_bearer_token: HUSHNEW");
	s.now_ms += 60 * MINUTE;
	check_failure(&ch, "is refused");
	assert_string_equal(ch.err.hint, "aws sso login --profile default");
	chain_release(&ch, &s);
	place_release(&p);
}

/* --- commands --- */

static void check_words(const char *text, const char *wanted)
{
	struct strvec words = STRVEC_INIT;
	struct err err = ERR_INIT;
	int ret = cred_split_words(text, &words, &err);
	char *joined = strvec_join(&words, "|");
	assert_string_equal(ret < 0 ? err.text : joined, wanted);
	free(joined);
	strvec_release(&words);
	err_release(&err);
}

static void test_cred_providers__words(void **state)
{
	(void)state;
	check_words("", "");
	check_words("  a\t b\n c ", "a|b|c");
	check_words("'a b' \"c d\" e\\ f", "a b|c d|e f");
	check_words("a'b c'\"d\"e", "ab cde");
	check_words("'' \"\" x", "||x");
	check_words("'a\\b' \"a\\b\" \"a\\\"b\\\\\" a\\b", "a\\b|a\\b|a\"b\\|ab");
	check_words("$HOME `x` a;b #c", "$HOME|`x`|a;b|#c");
	check_words("'a", "a quote is not closed");
	check_words("\"a\\\"", "a quote is not closed");
	check_words("a\\", "nothing stands behind the last '\\'");
}
