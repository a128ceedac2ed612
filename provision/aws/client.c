/* A client's life and what it knows of itself. */
#include "client.h"
#include "client_internal.h"
#include "endpoint.h"
#include "ops.h"

#define DEFAULT_ATTEMPTS 10

bool err_is_aws(const struct err *err, const char *aws_code)
{
	return err && err->aws_code && !strcmp(err->aws_code, aws_code);
}

static const char *first_env(const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);
		if (value && *value)
			return value;
	}
	return NULL;
}

/* A profile that was asked for beats the environment, as its keys do. */
static int find_region(struct aws_client *c, const struct aws_config *config, struct err *err)
{
	static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION", NULL};
	bool files = !config->ignore_environment;
	c->region = xstrdup(config->region);
	if (!c->region && files && config->profile && *config->profile)
		c->region = aws_profile_setting(config->profile, "region");
	if (!c->region && files)
		c->region = xstrdup(first_env(names));
	if (!c->region && files)
		c->region = aws_profile_setting(config->profile, "region");
	if (!c->region || !*c->region) {
		err_set(err, ERR_USAGE, "no AWS region is set");
		return err_hint(
			err, "give --region, set AWS_REGION, or put a region into the profile");
	}
	char *without = endpoint_fips_region(c->region);
	if (without) {
		free(c->region);
		c->region = without;
		c->settings.fips = true;
	}
	if (!endpoint_region_valid(c->region))
		return err_set(err, ERR_USAGE, "'%s' is no AWS region", c->region);
	return 0;
}

static int find_transport(struct aws_client *c, struct err *err)
{
	const struct http_options opts = {c->settings.ca_bundle, &c->settings.proxies};
	if (!c->transport)
		c->transport = http_transport_curl_with(&opts, err);
	return c->transport ? 0 : -1;
}

static int find_credentials(struct aws_client *c, struct aws_config *config, struct err *err)
{
	if (c->credentials)
		return 0;
	if (config->ignore_environment)
		return err_set(err, ERR_USAGE, "no keys are given");
	const struct aws_credentials_config chain = {
		.profile = config->profile,
		.region = c->region,
		.transport = c->transport,
		.clock = c->clock,
		.prompt = config->prompt,
		.prompt_payload = config->prompt_payload,
	};
	c->credentials = aws_credentials_default(&chain, err);
	if (c->credentials)
		return 0;
	if (err && err->code != ERR_INTERRUPTED)
		err->code = ERR_USAGE;
	return -1;
}

struct aws_client *aws_client_new(struct aws_config *config, struct err *err)
{
	struct aws_client *c = xcalloc(1, sizeof(*c));
	c->credentials = config->credentials;
	c->transport = config->transport;
	config->credentials = NULL;
	config->transport = NULL;
	c->clock = config->clock ? config->clock : clock_system();
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->identity_lock, NULL);
	retry_quota_init(&c->quota);
	retry_pace_init(&c->pace);
	map_init(&c->bucket_regions, free);
	if (client_settings_read(&c->settings, config, err) < 0 ||
		find_region(c, config, err) < 0 || find_transport(c, err) < 0 ||
		find_credentials(c, config, err) < 0)
		goto fail;
	c->max_attempts = config->max_attempts > 0       ? config->max_attempts
			  : c->settings.max_attempts > 0 ? c->settings.max_attempts
							 : DEFAULT_ATTEMPTS;
	return c;
fail:
	aws_client_free(c);
	return NULL;
}

void aws_client_free(struct aws_client *c)
{
	if (!c)
		return;
	aws_credentials_free(c->credentials);
	http_transport_free(c->transport);
	map_release(&c->bucket_regions);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->identity_lock);
	free(c->region);
	client_settings_release(&c->settings);
	retry_quota_release(&c->quota);
	retry_pace_release(&c->pace);
	free(c->account);
	free(c->arn);
	free(c);
}

const char *aws_client_region(const struct aws_client *c)
{
	return c->region;
}

const char *aws_client_partition(const struct aws_client *c)
{
	return endpoint_partition(c->region);
}

const struct clock *aws_client_clock(const struct aws_client *c)
{
	return c->clock;
}

int64_t aws_client_now_ms(const struct aws_client *c)
{
	return c->clock->now_ms(c->clock) + c->skew_ms;
}

struct http_transport *aws_client_transport(const struct aws_client *c)
{
	return c->transport;
}

const char *aws_client_credentials_source(const struct aws_client *c)
{
	return c->credentials->source;
}

int aws_client_keys(struct aws_client *c, struct aws_keys *out, struct err *err)
{
	return c->credentials->ops->get(c->credentials, out, err);
}

const char *aws_client_endpoint(const struct aws_client *c, const char *service)
{
	const struct client_endpoint *e = client_settings_endpoint(&c->settings, service);
	return e ? e->url : NULL;
}

uint64_t aws_client_requests(const struct aws_client *c)
{
	return c->requests;
}

/* Asks once; threads that come meanwhile wait for the answer. */
static int find_identity(struct aws_client *c, struct err *err)
{
	struct json *out = NULL;
	int ret = 0;
	pthread_mutex_lock(&c->identity_lock);
	if (!c->account) {
		ret = aws_call(c, &sts_get_caller_identity, NULL, &out, err);
		const char *account = json_get_str(out, "Account"), *arn = json_get_str(out, "Arn");
		if (ret == 0 && (!account || !arn))
			ret = err_set(
				err, ERR_FAILED, "the reply to GetCallerIdentity names no account");
		if (ret == 0) {
			c->arn = xstrdup(arn);
			c->account = xstrdup(account);
		}
	}
	pthread_mutex_unlock(&c->identity_lock);
	json_free(out);
	return ret;
}

const char *aws_client_account(struct aws_client *c, struct err *err)
{
	return find_identity(c, err) < 0 ? NULL : c->account;
}

const char *aws_client_caller_arn(struct aws_client *c, struct err *err)
{
	return find_identity(c, err) < 0 ? NULL : c->arn;
}
