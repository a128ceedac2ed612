/* Endpoints: option, AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's services section, its endpoint_url. */
#include "client_settings.h"
#include <unistd.h>
#include "client.h"
#include "endpoint.h"
#include "profile.h"
#include "protocol.h"

#define MAX_ATTEMPTS 1000

struct reader {
	struct profiles files;
	const struct profile *profile; /* NULL: there is none */
	struct client_settings *s;
};

static void endpoint_free(void *value)
{
	struct client_endpoint *e = value;
	free(e->url);
	free(e->origin);
	free(e);
}

void client_settings_release(struct client_settings *s)
{
	map_release(&s->endpoints);
	free(s->ca_bundle);
	free(s->ca_origin);
	http_proxies_release(&s->proxies);
	*s = (struct client_settings)CLIENT_SETTINGS_INIT;
}

const struct client_endpoint *client_settings_endpoint(
	const struct client_settings *s, const char *service_id)
{
	return map_get(&s->endpoints, service_id);
}

static const char *set_env(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* The variable, else the profile's setting; *origin is malloc'd where there is a value. Either name may be NULL. */
static const char *find_value(
	const struct reader *r, const char *variable, const char *setting, char **origin)
{
	const char *value = variable ? set_env(variable) : NULL;
	if (value) {
		*origin = xstrdup(variable);
		return value;
	}
	const struct profile_setting *p = setting ? profile_setting(r->profile, setting) : NULL;
	if (!p || !*p->value)
		return NULL;
	*origin = p->file ? xasprintf("%s at %s:%d", setting, p->file, p->line)
			  : xasprintf("%s of the profile", setting);
	return p->value;
}

/* --- yes and no --- */

static int parse_bool(const char *value, const char *origin, bool *out, struct err *err)
{
	if (!iequals(value, "true") && !iequals(value, "false"))
		return err_set(err, ERR_USAGE, "%s: '%s' is neither true nor false", origin, value);
	*out = iequals(value, "true");
	return 0;
}

static int read_bool(const struct reader *r, const char *variable, const char *setting, bool *out,
	struct err *err)
{
	char *origin = NULL;
	const char *value = find_value(r, variable, setting, &origin);
	int ret = value ? parse_bool(value, origin, out, err) : 0;
	free(origin);
	return ret;
}

/* --- one of a few words --- */

static int read_word(const struct reader *r, const char *variable, const char *setting,
	const char *const *words, int *out, struct err *err)
{
	char *origin = NULL;
	const char *value = find_value(r, variable, setting, &origin);
	int ret = 0, i = 0;
	if (value) {
		while (words[i] && !iequals(words[i], value))
			i++;
		if (words[i])
			*out = i;
		else
			ret = err_set(err, ERR_USAGE,
				"%s: '%s' is not known, it is one of %s, %s%s%s", origin, value,
				words[0], words[1], words[2] ? ", " : "", words[2] ? words[2] : "");
	}
	free(origin);
	return ret;
}

/* --- endpoints --- */

static int put_endpoint(struct client_settings *s, const struct wire_service *svc, const char *url,
	const char *origin, struct err *err)
{
	struct client_endpoint *e = xcalloc(1, sizeof(*e));
	e->url = xstrdup(url);
	e->origin = xstrdup(origin);
	for (size_t len = strlen(url); len && e->url[len - 1] == '/'; len--)
		e->url[len - 1] = '\0';
	map_put(&s->endpoints, svc->id, e);
	return endpoint_check(url, origin, err);
}

/* A profile that names a services section which is not there is an error, as it is for the CLI. */
static int find_section(const struct reader *r, const struct profile **section, struct err *err)
{
	const struct profile_setting *named = profile_setting(r->profile, "services");
	*section = NULL;
	if (!named)
		return 0;
	*section = profiles_find(&r->files.services, named->value);
	if (*section)
		return 0;
	return err_set(err, ERR_USAGE, "services at %s:%d: there is no section [services %s]",
		named->file ? named->file : "profile", named->line, named->value);
}

static int read_endpoint(struct reader *r, const struct wire_service *svc, struct err *err)
{
	const struct profile *section = NULL;
	int ret = 0;
	char *variable = xasprintf("AWS_ENDPOINT_URL_%s", svc->env_id), *origin = NULL;
	const char *url = find_value(r, variable, NULL, &origin);
	if (!url)
		url = find_value(r, "AWS_ENDPOINT_URL", NULL, &origin);
	if (!url)
		ret = find_section(r, &section, err);
	if (section) {
		char *id = xstrdup(svc->env_id);
		lower_ascii(id);
		url = profile_get_nested(section, id, "endpoint_url");
		if (url && *url)
			origin = section->file
					 ? xasprintf("%s.endpoint_url of the services section "
						     "at %s:%d",
						   id, section->file, section->line)
					 : xasprintf("%s.endpoint_url", id);
		else
			url = NULL;
		free(id);
	}
	if (!url)
		url = find_value(r, NULL, "endpoint_url", &origin);
	if (ret == 0 && url)
		ret = put_endpoint(r->s, svc, url, origin, err);
	free(variable);
	free(origin);
	return ret;
}

static int read_endpoints(struct reader *r, const char *given, struct err *err)
{
	size_t nr;
	const struct wire_service *all = wire_services(&nr);
	bool ignore = false;
	int ret = 0;
	if (!given)
		ret = read_bool(r, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
			"ignore_configured_endpoint_urls", &ignore, err);
	for (size_t i = 0; ret == 0 && i < nr; i++) {
		if (given)
			ret = put_endpoint(r->s, &all[i], given, "endpoint", err);
		else if (!ignore)
			ret = read_endpoint(r, &all[i], err);
	}
	return ret;
}

/* --- S3 has a block of its own --- */

static int read_s3(struct reader *r, struct err *err)
{
	static const char *const styles[] = {"auto", "path", "virtual", NULL};
	struct client_settings *s = r->s;
	const char *style = profile_get_nested(r->profile, "s3", "addressing_style");
	const char *dual = profile_get_nested(r->profile, "s3", "use_dualstack_endpoint");
	const char *one = set_env("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT");
	s->s3_dualstack = s->dualstack;
	if (!one)
		one = profile_get(r->profile, "s3_us_east_1_regional_endpoint");
	if (!one)
		one = profile_get_nested(r->profile, "s3", "us_east_1_regional_endpoint");
	s->s3_global = one && iequals(one, "legacy");
	if (one && !s->s3_global && !iequals(one, "regional"))
		return err_set(err, ERR_USAGE,
			"us_east_1_regional_endpoint: '%s' is neither legacy nor regional", one);
	if (dual && parse_bool(dual, "s3.use_dualstack_endpoint of the profile", &s->s3_dualstack,
			    err) < 0)
		return -1;
	for (int i = 0; style && *style && styles[i]; i++) {
		if (!iequals(style, styles[i]))
			continue;
		s->s3_style = (enum s3_style)i;
		return 0;
	}
	if (style && *style)
		return err_set(err, ERR_USAGE,
			"s3.addressing_style of the profile: '%s' is none of auto, path, virtual",
			style);
	return 0;
}

/* --- retries and connections --- */

static int read_retries(struct reader *r, struct err *err)
{
	static const char *const modes[] = {"standard", "legacy", "adaptive", NULL};
	static const char *const sts[] = {"regional", "legacy", NULL};
	char *origin = NULL;
	const char *value = find_value(r, "AWS_MAX_ATTEMPTS", "max_attempts", &origin);
	long long n = 0;
	int mode = RETRY_MODE_STANDARD, legacy = 0, ret = 0;
	if (value && parse_int64(value, 1, MAX_ATTEMPTS, &n) < 0)
		ret = err_set(err, ERR_USAGE, "%s: '%s' is no number from 1 to %d", origin, value,
			MAX_ATTEMPTS);
	free(origin);
	r->s->max_attempts = (int)n;
	if (ret == 0)
		ret = read_word(r, "AWS_RETRY_MODE", "retry_mode", modes, &mode, err);
	r->s->retry_mode = (enum retry_mode)mode;
	if (ret == 0)
		ret = read_word(r, "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints", sts,
			&legacy, err);
	r->s->sts_global = legacy;
	return ret;
}

static int read_ca_bundle(struct reader *r, struct err *err)
{
	static const char *const others[] = {
		"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"};
	struct client_settings *s = r->s;
	const char *value = find_value(r, "AWS_CA_BUNDLE", "ca_bundle", &s->ca_origin);
	for (size_t i = 0; !value && i < ARRAY_SIZE(others); i++)
		value = find_value(r, others[i], NULL, &s->ca_origin);
	if (!value)
		return 0;
	s->ca_bundle = starts_with(value, "~/") ? profile_home_path(value + 2) : xstrdup(value);
	if (access(s->ca_bundle, R_OK) == 0)
		return 0;
	err_errno(err, "%s: %s", s->ca_origin, s->ca_bundle);
	if (err)
		err->code = ERR_USAGE;
	return -1;
}

static int read_all(struct reader *r, const struct aws_config *config, struct err *err)
{
	struct client_settings *s = r->s;
	if (profiles_load(&r->files, err) < 0)
		return -1;
	r->profile = profiles_find(&r->files.merged, profile_name(config->profile));
	if (read_endpoints(r, config->endpoint_url, err) < 0 ||
		read_bool(r, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", &s->fips, err) < 0 ||
		read_bool(r, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", &s->dualstack,
			err) < 0 ||
		read_s3(r, err) < 0 || read_retries(r, err) < 0 || read_ca_bundle(r, err) < 0)
		return -1;
	return http_proxies_from_environment(&s->proxies, err);
}

int client_settings_read(
	struct client_settings *s, const struct aws_config *config, struct err *err)
{
	struct reader r = {.s = s};
	int ret;
	*s = (struct client_settings)CLIENT_SETTINGS_INIT;
	map_init(&s->endpoints, endpoint_free);
	profiles_init(&r.files);
	if (!config->ignore_environment)
		ret = read_all(&r, config, err);
	else
		ret = config->endpoint_url ? read_endpoints(&r, config->endpoint_url, err) : 0;
	profiles_release(&r.files);
	return ret;
}
