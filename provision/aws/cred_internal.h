#ifndef CRED_INTERNAL_H
#define CRED_INTERNAL_H

/*
 * Shared by the files of the credential chain, not for others. A provider fetches keys anew each time that it is
 * asked, in one thread at a time; cred_refreshing() keeps them and decides when to ask.
 */
#include "clock.h"
#include "credentials.h"
#include "json.h"
#include "profile.h"
#include "strvec.h"
#include "transport.h"

/* What all providers of one chain use; owned by the chain and outlives them. */
struct cred_ctx {
	struct http_transport *transport;
	const struct clock *clock;
	char *profile; /* its endpoints are those of nested calls */
	char *region;
	aws_prompt_fn *prompt;
	void *prompt_payload;
	struct profiles profiles;
};

struct cred_provider;
struct cred_provider_ops {
	/* `forced`: AWS has refused what came last, so no cache is read. */
	int (*fetch)(struct cred_provider *p, bool forced, struct aws_keys *out, struct err *err);
	void (*free)(struct cred_provider *p);
};
/* The first member of each provider's own struct. */
struct cred_provider {
	const struct cred_provider_ops *ops;
	const struct cred_ctx *ctx;
};
void cred_provider_free(struct cred_provider *p); /* NULL is fine */

/* --- cred_refresh.c --- */
/* Takes both; `clock` is borrowed. */
struct aws_credentials *cred_refreshing(
	const struct clock *clock, struct cred_provider *provider, char *source);
/* Keys that are known already, as when a provider was asked whether it is there at all. Moved. */
void cred_refreshing_seed(struct aws_credentials *c, struct aws_keys *keys);

/* --- credentials.c --- */
struct aws_credentials *cred_new(const struct aws_credentials_ops *ops, char *source, void *impl);
const char *cred_env(const char *name); /* NULL when unset or empty */

/* --- cred_files.c: keys that stand in the environment or in a file --- */
/* NULL without an error: AWS_ACCESS_KEY_ID is not set. */
struct aws_credentials *cred_from_environment(const struct cred_ctx *ctx, struct err *err);
/* The keys of a profile in one file, read again when it changes. NULL without an error: it has none. */
struct aws_credentials *cred_from_file(
	const struct cred_ctx *ctx, const char *profile, bool config_file, struct err *err);

/* --- cred_csv.c --- */
/* The text of an access-key file; `path` is for errors. */
int cred_csv_keys(
	const char *path, const char *text, struct aws_keys *out, struct err *err) must_check;

/* --- cred_process.c --- */
struct aws_credentials *cred_from_process(
	const struct cred_ctx *ctx, const char *profile, const struct profile_setting *command);
/* The words of a command line, as a POSIX shell splits them; nothing is expanded. */
int cred_split_words(const char *text, struct strvec *words, struct err *err) must_check;
/* What the command printed. */
int cred_process_keys(
	const char *text, size_t len, struct aws_keys *out, struct err *err) must_check;
/* Adds ": " and what it complained of: the last line, printable and cut short, without what is long enough to be a key or
 * token. Trims `errors`. */
void cred_process_complaint(struct strbuf *sb, struct strbuf *errors);

/* --- cred_sso.c --- */
/* NULL without an error: the profile has nothing of it. */
struct aws_credentials *cred_from_sso(
	const struct cred_ctx *ctx, const char *profile, struct err *err);

/* --- cred_role.c --- */
/* The role that `p` describes; `base` is taken and signs, `via` tells people what it is. */
struct aws_credentials *cred_from_role(const struct cred_ctx *ctx, const char *profile,
	const struct profile *p, struct aws_credentials *base, const char *via, struct err *err);

/* --- cred_web.c --- */
/* Web identity of a profile, and of the environment when `use_env`. NULL without an error: it is not set up. */
struct aws_credentials *cred_from_web_identity(
	const struct cred_ctx *ctx, const char *profile, bool use_env, struct err *err);

/* --- cred_container.c, cred_imds.c: asked at once, to know whether there is any --- */
struct aws_credentials *cred_from_container(const struct cred_ctx *ctx, struct err *err);
/* *why (malloc'd) says why there is none. */
struct aws_credentials *cred_from_imds(const struct cred_ctx *ctx, char **why, struct err *err);

/* --- cred_sts.c --- */
/* The inner client of AssumeRole; `base` is taken, NULL: the call goes unsigned. */
struct aws_client *cred_sts_client(
	const struct cred_ctx *ctx, struct aws_credentials *base, struct err *err);
/* Credentials of a reply of STS. */
int cred_sts_keys(const struct json *reply, struct aws_keys *out, struct err *err);

/* --- cred_http.c --- */
struct cred_http {
	const char *method, *url;
	struct strvec headers;
	const char *body; /* NULL: none */
	int64_t timeout_ms;
	unsigned attempts; /* 0: 3 */
	int64_t pause_ms;  /* between them; 0: jitter */
	bool direct;       /* never through a proxy: link-local addresses */
	bool any_error;    /* 4xx is tried again too, as the container's endpoint wants it */
};
#define CRED_HTTP_INIT                 \
	{                              \
		.headers = STRVEC_INIT \
	}
/* An HTTP status of any kind is success. */
int cred_http_send(const struct cred_ctx *ctx, const struct cred_http *req,
	struct http_reply *reply, struct err *err) must_check;
void cred_http_release(struct cred_http *req);     /* wipes the headers */
void cred_reply_release(struct http_reply *reply); /* wipes the body */
/* A 200 with a JSON object; anything else is an error that quotes the service's own message, never the body. */
struct json *cred_reply_json(const struct http_reply *reply, const char *what, struct err *err);
/* Address of a service that wire/ has no row for; without a '/' at its end. Malloc'd. `id` as in AWS_ENDPOINT_URL_<ID>. */
char *cred_endpoint(
	const struct cred_ctx *ctx, const char *id, const char *host, const char *region);
/* Keys of a document whose members have these names; a missing one is an error. `expiration` may be NULL. */
struct cred_names {
	const char *id, *secret, *token, *expiration;
	bool may_lack; /* token and expiration */
};
int cred_keys_from_json(const struct json *doc, const struct cred_names *names, const char *what,
	struct aws_keys *out, struct err *err);
/* ISO 8601, also with the "UTC" that the AWS CLI writes into its caches. */
int cred_parse_time(const char *text, int64_t *ms) must_check;

/* --- cred_cache.c: the AWS CLI's files of keys and tokens --- */
/* NULL when it is not there or is no JSON object. */
struct json *cred_cache_read(const char *path);
/* Made with its folders; 0600, whole or not at all. */
int cred_cache_write(const char *path, const struct json *doc, struct err *err) must_check;
/* "<home>/.aws/<dir>/<SHA-1 of text in hex>.json"; malloc'd. */
char *cred_cache_path(const char *dir, const char *text);

#endif
