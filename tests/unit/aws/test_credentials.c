#include "testing.h"
#include <unistd.h>
#include "clock.h"
#include "credentials.h"
#include "cred_place.h"
#include "profile.h"

/* Without a transport: nothing here is asked over HTTP. */
static struct aws_credentials *chain(const char *profile, struct err *err)
{
	const struct aws_credentials_config config = {.profile = profile, .clock = clock_system()};
	return aws_credentials_default(&config, err);
}

static void check_keys(const char *profile, const char *id, const char *token)
{
	struct err err = ERR_INIT;
	struct aws_keys keys = AWS_KEYS_INIT;
	struct aws_credentials *c = chain(profile, &err);
	if (!c)
		fail_msg("%s", err.text);
	assert_ok(c->ops->get(c, &keys, &err), &err);
	assert_string_equal(keys.access_key_id, id);
	assert_string_equal(keys.session_token ? keys.session_token : "-", token);
	aws_keys_release(&keys);
	aws_credentials_free(c);
}

static void check_none(const char *profile, const char *piece)
{
	struct err err = ERR_INIT;
	assert_null(chain(profile, &err));
	assert_int_equal(err.code, ERR_DENIED);
	assert_non_null(err.hint);
	if (!strstr(err.text, piece))
		fail_msg("'%s' is not in '%s'", piece, err.text);
	assert_null(strstr(err.text, "HUSH"));
	err_release(&err);
}

static void test_credentials__precedence(void **state)
{
	(void)state;
	struct place p;
	place_init(&p, "[default]\n" BOTH("CONFIG") "[profile only]\n" BOTH("ONLY"),
		"[default]\n" BOTH("SHARED") "[other]\n" BOTH("OTHER") "aws_session_token = tok\n");
	check_keys(NULL, "SHARED", "-");
	check_keys("only", "ONLY", "-");
	setenv("AWS_PROFILE", "other", 1);
	check_keys(NULL, "OTHER", "tok");
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
	check_keys(NULL, "ENV", "-");
	check_keys("other", "OTHER", "tok");
	setenv("AWS_SESSION_TOKEN", "envtok", 1);
	check_keys(NULL, "ENV", "envtok");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	check_none(NULL, "AWS_SECRET_ACCESS_KEY is not");
	place_release(&p);
}

static void test_credentials__what_is_missing_is_named(void **state)
{
	(void)state;
	struct place p;
	place_init(
		&p, "[profile sso]\nsso_session = x\n[profile half]\naws_access_key_id=a\n", NULL);
	check_none(NULL, "'default'");
	check_none("nosuch", p.credentials);
	check_none("sso", "no keys");
	check_none("half", "aws_secret_access_key");
	place_release(&p);
}

static void test_credentials__a_changed_file_is_read_again(void **state)
{
	(void)state;
	struct place p;
	struct err err = ERR_INIT;
	struct aws_keys keys = AWS_KEYS_INIT;
	place_init(&p, NULL, "[default]\n" BOTH("A"));
	struct aws_credentials *c = chain(NULL, &err);
	assert_ok(c->ops->get(c, &keys, &err), &err);
	assert_string_equal(keys.access_key_id, "A");
	const char *text = "[default]\n" BOTH("BB");
	assert_ok(fs_write_atomic(p.credentials, text, strlen(text), 0600, &err), &err);
	assert_ok(c->ops->get(c, &keys, &err), &err);
	assert_string_equal(keys.access_key_id, "BB");
	assert_int_equal(unlink(p.credentials), 0);
	assert_ok(c->ops->get(c, &keys, &err), &err);
	assert_string_equal(keys.access_key_id, "BB");
	aws_keys_release(&keys);
	aws_credentials_free(c);
	place_release(&p);
}

static void test_credentials__settings(void **state)
{
	(void)state;
	struct place p;
	place_init(
		&p, "[default]\nregion=eu-west-1\n[profile x]\nregion = us-east-2 ; there\n", NULL);
	char *region = aws_profile_setting(NULL, "region"),
	     *other = aws_profile_setting("x", "region");
	assert_string_equal(region, "eu-west-1");
	assert_string_equal(other, "us-east-2");
	assert_null(aws_profile_setting("x", "output"));
	assert_null(aws_profile_setting("y", "region"));
	free(region);
	free(other);
	place_release(&p);
}

static void check_parse(
	const char *text, bool config, const char *name, const char *setting, const char *wanted)
{
	struct profile p;
	profile_init(&p);
	profile_parse(text, strlen(text), config, name, &p);
	const char *value = profile_get(&p, setting);
	assert_string_equal(value ? value : "-", wanted);
	profile_release(&p);
}

static void test_credentials__file_format(void **state)
{
	(void)state;
	const char *text =
		"\xef\xbb\xbf# first\r\n[ default ]\r\nRegion = a=b # c\r\n\r\n"
		"s3 =\r\n  region = nested\r\n;x\r\n[profile \"two words\"]\r\nregion=2\r\n"
		"junk\r\n[profile x]\nregion = 1\nregion = 3\n[x]\nregion = 4\n[broken\n"
		"region = 5\n[profile end]\nkey=a#b";
	check_parse(text, true, "default", "region", "a=b");
	check_parse(text, true, "default", "s3", "");
	check_parse(text, true, "two words", "region", "2");
	check_parse(text, true, "x", "region", "3");
	check_parse(text, false, "x", "region", "4");
	check_parse(text, true, "end", "key", "a#b");
	check_parse(text, true, "nosuch", "region", "-");
	check_parse("", true, "default", "region", "-");
}

/* What stands in sections of other kinds, and in blocks below a setting. */
static void test_credentials__sections_that_profiles_name(void **state)
{
	(void)state;
	struct place p;
	place_init(&p,
		"[default]\nservices = mine\ns3 =\n  endpoint_url = http://not.this\n"
		"[profile other]\nservices = \n[profile lost]\nservices = nosuch\n"
		"[services mine]\nregion = x\nglue =\n    endpoint_url = http://glue:1\n\n"
		"    other = 2\nsecrets_manager =\n  # comment\n  endpoint_url = http://sm:2\n"
		"endpoint_url = http://level.of/its/own\n"
		"[sso-session corp]\nsso_region = eu-west-1\n"
		"[profile long]\ncredential_process = one\n   two # three\n",
		"[default]\naws_access_key_id = A\n");
	static const char *const wanted[][3] = {{NULL, "glue", "http://glue:1"},
		{NULL, "GLUE", "http://glue:1"}, {NULL, "secrets_manager", "http://sm:2"},
		{NULL, "s3", NULL}, {"other", "glue", NULL}, {"lost", "glue", NULL},
		{"nosuch", "glue", NULL}};
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char *url = profile_services_endpoint(wanted[i][0], wanted[i][1]);
		assert_string_equal(url ? url : "-", wanted[i][2] ? wanted[i][2] : "-");
		free(url);
	}
	struct profiles ps;
	struct err err = ERR_INIT;
	profiles_init(&ps);
	assert_ok(profiles_load(&ps, &err), &err);
	const struct profile_setting *s =
		profile_setting(profiles_find(&ps.sso_sessions, "corp"), "sso_region");
	assert_string_equal(s->value, "eu-west-1");
	assert_int_equal(s->line, 20);
	assert_string_equal(s->file, p.config);
	const struct profile *both = profiles_find(&ps.merged, "default");
	assert_string_equal(profile_get(both, "services"), "mine");
	assert_string_equal(profile_setting(both, "aws_access_key_id")->file, p.credentials);
	assert_null(profile_get(profiles_find(&ps.config, "default"), "aws_access_key_id"));
	assert_string_equal(profile_get(profiles_find(&ps.merged, "long"), "credential_process"),
		"one\ntwo # three");
	profiles_release(&ps);
	place_release(&p);
}
