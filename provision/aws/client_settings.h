#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

/*
 * What the environment and the shared files say about endpoints, retries and connections, read once when a client is
 * made ("AWS SDKs and Tools Reference Guide", settings reference). Every value knows where it was set.
 */
#include <stdbool.h>
#include "err.h"
#include "map.h"
#include "retry.h"
#include "transport.h"

struct aws_config;

struct client_endpoint {
	char *url, *origin; /* "AWS_ENDPOINT_URL_GLUE", "endpoint_url at ~/.aws/config:7" */
};

enum s3_style { S3_STYLE_AUTO, S3_STYLE_PATH, S3_STYLE_VIRTUAL };

struct client_settings {
	struct map endpoints; /* service id -> struct client_endpoint; none: AWS's own address */
	bool fips, dualstack, s3_dualstack, s3_global, sts_global;
	enum s3_style s3_style;
	int max_attempts; /* 0: not set */
	enum retry_mode retry_mode;
	char *ca_bundle, *ca_origin; /* NULL: the system's */
	struct http_proxies proxies;
};
#define CLIENT_SETTINGS_INIT  \
	{                     \
		.fips = false \
	}

/* ERR_USAGE, with the origin, for what is wrong in any of them. With config->ignore_environment only config counts. */
int client_settings_read(
	struct client_settings *s, const struct aws_config *config, struct err *err) must_check;
void client_settings_release(struct client_settings *s);
const struct client_endpoint *client_settings_endpoint(
	const struct client_settings *s, const char *service_id);

#endif
