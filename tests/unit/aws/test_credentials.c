#include "testing.h"
#include <unistd.h>
#include "clock.h"
#include "credentials.h"
#include "fs.h"
#include "profile.h"

/* A folder with both files; the environment points there and holds nothing else. */
struct place {
	char *dir, *config, *credentials;
};

static void place_init(struct place *p, const char *config, const char *credentials)
{
	struct err err = ERR_INIT;
	static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_CREDENTIAL_EXPIRATION", "AWS_SECURITY_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_ROLE_ARN", "ACTIONS_ID_TOKEN_REQUEST_URL"};
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	p->dir = fs_mkdtemp(NULL, "credentials-", &err);
	assert_non_null(p->dir);
	p->config = fs_join(p->dir, "config");
	p->credentials = fs_join(p->dir, "credentials");
	if (config)
		assert_ok(fs_write_atomic(p->config, config, strlen(config), 0600, &err), &err);
	if (credentials)
		assert_ok(fs_write_atomic(
				  p->credentials, credentials, strlen(credentials), 0600, &err),
			&err);
	setenv("AWS_CONFIG_FILE", p->config, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", p->credentials, 1);
}

static void place_release(struct place *p)
{
	struct err err = ERR_INIT;
	assert_ok(fs_remove_tree(p->dir, &err), &err);
	free(p->dir);
	free(p->config);
	free(p->credentials);
}

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

#define BOTH(id) "aws_access_key_id = " id "\naws_secret_access_key=HUSH" id "\n"

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
