#include "testing.h"
#include <stdlib.h>
#include <unistd.h>
#include "scripted.h"
#include "client_settings.h"
#include "ops.h"
#include "s3.h"

/* Everything that a test here may set. */
static const char *const variables[] = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_GLUE",
	"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "AWS_ENDPOINT_URL_DYNAMODB",
	"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT",
	"AWS_USE_DUALSTACK_ENDPOINT", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_CA_BUNDLE",
	"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CONFIG_FILE",
	"AWS_SHARED_CREDENTIALS_FILE", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
	"all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "AWS_STS_REGIONAL_ENDPOINTS",
	"AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"};

static char config_path[64];

/* A clean environment with this config file. */
static void given(const char *config)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	snprintf(config_path, sizeof(config_path), "/tmp/test_settings.%d", (int)getpid());
	FILE *f = fopen(config_path, "w");
	assert_non_null(f);
	fputs(config, f);
	fclose(f);
	setenv("AWS_CONFIG_FILE", config_path, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
}

static void forget(void)
{
	unlink(config_path);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
}

static void read_settings(struct client_settings *s, const struct aws_config *config)
{
	struct err err = ERR_INIT;
	assert_ok(client_settings_read(s, config, &err), &err);
}

static void check_endpoint(const struct aws_config *config, const char *id, const char *url)
{
	struct client_settings s = CLIENT_SETTINGS_INIT;
	read_settings(&s, config);
	const struct client_endpoint *e = client_settings_endpoint(&s, id);
	if (!url) {
		assert_null(e);
	} else {
		assert_non_null(e);
		assert_string_equal(e->url, url);
	}
	client_settings_release(&s);
}

/* The error must say where the wrong value stands. */
static void check_refused(const char *where, const char *what)
{
	struct client_settings s = CLIENT_SETTINGS_INIT;
	struct aws_config config = {.region = "eu-west-1"};
	struct err err = ERR_INIT;
	assert_int_equal(client_settings_read(&s, &config, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.text, where));
	assert_non_null(strstr(err.text, what));
	err_release(&err);
	client_settings_release(&s);
}

static void test_client_settings__endpoints_in_the_order_of_the_cli(void **state)
{
	(void)state;
	const struct aws_config plain = {.region = "eu-west-1"};
	const struct aws_config option = {.endpoint_url = "http://option:1"};
	const struct aws_config other = {.profile = "other"};
	const struct aws_config local = {.ignore_environment = true};
	given("[default]\nendpoint_url = http://profile:5\nservices = mine\n"
	      "[profile other]\nregion = x\n"
	      "[services mine]\nglue =\n  endpoint_url = http://section:4/\n"
	      "cloudwatch_logs =\n  endpoint_url = http://logs:4\n");
	check_endpoint(&plain, "athena", "http://profile:5");
	check_endpoint(&plain, "glue", "http://section:4");
	check_endpoint(&plain, "logs", "http://logs:4");
	check_endpoint(&other, "glue", NULL);
	setenv("AWS_ENDPOINT_URL", "http://all:3", 1);
	check_endpoint(&plain, "glue", "http://all:3");
	check_endpoint(&other, "athena", "http://all:3");
	setenv("AWS_ENDPOINT_URL_GLUE", "http://glue:2", 1);
	setenv("AWS_ENDPOINT_URL_DYNAMODB", "this is none of ours", 1);
	check_endpoint(&plain, "glue", "http://glue:2");
	check_endpoint(&plain, "athena", "http://all:3");
	check_endpoint(&option, "glue", "http://option:1");
	check_endpoint(&local, "glue", NULL);
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
	check_endpoint(&plain, "glue", NULL);
	check_endpoint(&option, "glue", "http://option:1");
	given("[default]\nendpoint_url = http://profile:5\nignore_configured_endpoint_urls = "
	      "true\n");
	check_endpoint(&plain, "glue", NULL);
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false", 1);
	check_endpoint(&plain, "glue", "http://profile:5");
	forget();
}

static void test_client_settings__errors_name_the_place(void **state)
{
	(void)state;
	given("[default]\n\nendpoint_url = ftp://x\n");
	check_refused("endpoint_url at ", ":3");
	given("[default]\nservices = gone\n");
	check_refused(":2", "[services gone]");
	given("[default]\nuse_fips_endpoint = yes\n");
	check_refused("use_fips_endpoint at ", "'yes' is neither true nor false");
	given("[default]\nservices = s\n[services s]\nglue =\n  endpoint_url = nonsense\n");
	check_refused("glue.endpoint_url of the services section", ":3");
	given("[default]\nmax_attempts = none\n");
	check_refused("max_attempts at ", "'none'");
	given("[default]\ns3 =\n  addressing_style = sideways\n");
	check_refused("s3.addressing_style", "'sideways'");
	given("");
	setenv("AWS_ENDPOINT_URL_GLUE", "localhost:4566", 1);
	check_refused("AWS_ENDPOINT_URL_GLUE", "");
	given("");
	setenv("AWS_RETRY_MODE", "bold", 1);
	check_refused("AWS_RETRY_MODE", "standard, legacy, adaptive");
	given("");
	setenv("AWS_MAX_ATTEMPTS", "0", 1);
	check_refused("AWS_MAX_ATTEMPTS", "'0'");
	given("");
	setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem", 1);
	check_refused("AWS_CA_BUNDLE", "/nowhere/ca.pem");
	forget();
}

static void test_client_settings__retries_and_bundle(void **state)
{
	(void)state;
	const struct aws_config config = {.region = "eu-west-1"};
	struct client_settings s = CLIENT_SETTINGS_INIT;
	given("[default]\nmax_attempts = 4\nretry_mode = adaptive\nca_bundle = /dev/null\n");
	read_settings(&s, &config);
	assert_int_equal(s.max_attempts, 4);
	assert_int_equal(s.retry_mode, RETRY_MODE_ADAPTIVE);
	assert_string_equal(s.ca_bundle, "/dev/null");
	client_settings_release(&s);
	setenv("AWS_MAX_ATTEMPTS", "2", 1);
	setenv("AWS_RETRY_MODE", "legacy", 1);
	setenv("REQUESTS_CA_BUNDLE", "/etc/passwd", 1);
	read_settings(&s, &config);
	assert_int_equal(s.max_attempts, 2);
	assert_int_equal(s.retry_mode, RETRY_MODE_LEGACY);
	assert_string_equal(s.ca_bundle, "/dev/null");
	client_settings_release(&s);
	setenv("AWS_CA_BUNDLE", "/etc/group", 1);
	read_settings(&s, &config);
	assert_string_equal(s.ca_bundle, "/etc/group");
	client_settings_release(&s);
	given("");
	read_settings(&s, &config);
	assert_int_equal(s.max_attempts, 0);
	assert_int_equal(s.retry_mode, RETRY_MODE_STANDARD);
	assert_null(s.ca_bundle);
	client_settings_release(&s);
	forget();
}

static void test_client_settings__proxies(void **state)
{
	(void)state;
	const struct aws_config config = {.region = "eu-west-1"};
	struct client_settings s = CLIENT_SETTINGS_INIT;
	given("");
	setenv("HTTPS_PROXY", "http://us%40er:p%3Aw@upper:1/", 1);
	setenv("HTTP_PROXY", "plain:8080", 1);
	setenv("NO_PROXY", "a.example,.b.example", 1);
	read_settings(&s, &config);
	assert_string_equal(s.proxies.https.url, "http://upper:1");
	assert_string_equal(s.proxies.https.user, "us@er");
	assert_string_equal(s.proxies.https.password, "p:w");
	assert_string_equal(s.proxies.https.origin, "HTTPS_PROXY");
	assert_string_equal(s.proxies.http.url, "http://plain:8080");
	assert_null(s.proxies.http.user);
	assert_string_equal(s.proxies.none, "a.example,.b.example");
	client_settings_release(&s);
	setenv("https_proxy", "https://lower:2", 1);
	read_settings(&s, &config);
	assert_string_equal(s.proxies.https.url, "https://lower:2");
	assert_null(s.proxies.https.password);
	client_settings_release(&s);
	static const char *const bad[] = {
		"gopher://me:hidden-word@there", "http://me:hidden-word/with#more@there:3128"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		setenv("https_proxy", bad[i], 1);
		assert_int_equal(client_settings_read(&s, &config, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(strstr(err.text, "https_proxy"));
		assert_null(strstr(err.text, "hidden"));
		err_release(&err);
		client_settings_release(&s);
	}
	forget();
}

/* One client over a script, with the environment. */
static void check_sent(const char *region, const char *bucket, const char *url, const char *scope)
{
	SCRIPT(s, {200, NULL, "{}"});
	struct aws_config config = {.region = region,
		.credentials = aws_credentials_static("AKID", "b", NULL, "s"),
		.transport = scripted_transport(&s),
		.clock = &s.clock};
	struct err err = ERR_INIT;
	struct aws_client *c = aws_client_new(&config, &err);
	if (!c)
		fail_msg("%s", err.text);
	if (bucket)
		assert_ok(s3_head_bucket(c, bucket, NULL, &err), &err);
	else
		assert_ok(aws_call(c, &glue_get_job, NULL, NULL, &err), &err);
	assert_string_equal(s.sent.v[0], url);
	assert_non_null(strstr(s.heads.v[0], scope));
	aws_client_free(c);
	script_release(&s);
}

static void test_client_settings__requests_go_where_they_say(void **state)
{
	(void)state;
	given("");
	check_sent("fips-us-east-1", NULL, "POST https://glue-fips.us-east-1.amazonaws.com/",
		"/us-east-1/glue/");
	setenv("AWS_USE_DUALSTACK_ENDPOINT", "true", 1);
	check_sent("eu-west-1", NULL, "POST https://glue.eu-west-1.api.aws/", "/eu-west-1/glue/");
	check_sent("eu-west-1", "data", "HEAD https://data.s3.dualstack.eu-west-1.amazonaws.com/",
		"/eu-west-1/s3/");
	setenv("AWS_USE_FIPS_ENDPOINT", "TRUE", 1);
	check_sent("us-gov-west-1", "data",
		"HEAD https://data.s3-fips.dualstack.us-gov-west-1.amazonaws.com/",
		"/us-gov-west-1/s3/");
	given("[default]\nuse_dualstack_endpoint = true\ns3 =\n  addressing_style = path\n"
	      "  use_dualstack_endpoint = false\n  us_east_1_regional_endpoint = legacy\n");
	check_sent("us-east-1", "data", "HEAD https://s3.amazonaws.com/data/", "/us-east-1/s3/");
	check_sent("us-east-2", "data", "HEAD https://s3.us-east-2.amazonaws.com/data/",
		"/us-east-2/s3/");
	given("[default]\ns3 =\n  addressing_style = virtual\nendpoint_url = "
	      "http://store.example:90/\n");
	check_sent("us-east-2", "data", "HEAD http://data.store.example:90/",
		"Host: data.store.example:90\n");
	check_sent("us-east-2", "Data_Of.Old", "HEAD http://store.example:90/Data_Of.Old/",
		"Host: store.example:90\n");
	given("[default]\ns3 =\n  addressing_style = virtual\nendpoint_url = "
	      "http://127.0.0.1:90\n");
	check_sent("us-east-2", "data", "HEAD http://127.0.0.1:90/data/", "/us-east-2/s3/");
	forget();
}
