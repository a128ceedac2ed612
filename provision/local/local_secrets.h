#ifndef LOCAL_SECRETS_H
#define LOCAL_SECRETS_H

/*
 * Secrets Manager inside the local cloud (AWS Secrets Manager API Reference). A secret has versions, and staging
 * labels that each point to one of them: AWSCURRENT to the one that readers get, AWSPREVIOUS to the one before. A version
 * without a label is deprecated and not shown. A secret that is scheduled for deletion keeps its name and answers
 * to DescribeSecret, ListSecrets and RestoreSecret only; when its time has come, the next call of the service removes it.
 *
 * Values lie in the database, whose folder only the user can read; they are never part of a message.
 * Functions that end in _tx want to be called inside a transaction.
 */
#include "local_cloud.h"

#define SECRETS_CURRENT "AWSCURRENT"
#define SECRETS_PREVIOUS "AWSPREVIOUS"
#define SECRETS_PENDING "AWSPENDING"

#define secrets_parameter(err, ...) local_fault(err, 400, "InvalidParameterException", __VA_ARGS__)
#define secrets_request(err, ...) local_fault(err, 400, "InvalidRequestException", __VA_ARGS__)
#define secrets_exists(err, ...) local_fault(err, 400, "ResourceExistsException", __VA_ARGS__)
#define secrets_not_found(err, ...) local_fault(err, 400, "ResourceNotFoundException", __VA_ARGS__)
#define secrets_invalid(err, ...) local_fault(err, 400, "ValidationException", __VA_ARGS__)

/* --- the frame of the handlers: what is due is removed, then local_call_run() --- */
int secrets_run(struct local_cloud *cloud, const struct local_request *req, local_call_fn *fn,
	struct json **out, struct err *err) must_check;
#define SECRETS_HANDLER(name, fn)                                                   \
	static int name(struct local_cloud *cloud, const struct local_request *req, \
		struct json **out, struct err *err)                                 \
	{                                                                           \
		return secrets_run(cloud, req, fn, out, err);                       \
	}

/* --- one secret --- */
struct secret {
	int64_t id, created_ms, changed_ms, accessed_ms;
	int64_t deletion_ms; /* when it was asked to go; 0: it was not */
	char *name, *arn, *description, *kms_key, *policy; /* all but the first two may be NULL */
};
void secret_release(struct secret *s);
/* By name, ARN, or ARN without its last seven characters; ResourceNotFoundException. */
int secret_find_tx(struct local_cloud *cloud, const char *region, const char *id,
	struct secret *out, struct err *err) must_check;
/* That of the request's SecretId, unless its own policy denies it. */
int secret_asked_tx(struct local_cloud *cloud, const struct local_call *k, struct secret *out,
	struct err *err) must_check;
/* The same, refused when it is scheduled for deletion. */
int secret_usable_tx(struct local_cloud *cloud, const struct local_call *k, struct secret *out,
	struct err *err) must_check;
/* What DescribeSecret and ListSecrets say; the versions stand under `versions`. */
int secret_describe_tx(struct local_cloud *cloud, const struct secret *s, const char *versions,
	struct json **out, struct err *err) must_check;
/* {"ARN","Name"} */
struct json *secret_names(const struct secret *s);
/* Appends the ARN that policies are matched against: the real one, or that of the name when there is none. */
void secrets_arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn);

/* --- input --- */
/* A string's length in characters where it is given; the message has no value. */
int secrets_check_length(const struct json *in, const char *member, int64_t min, int64_t max,
	struct err *err) must_check;
int secrets_page(const struct json *in, int64_t max, int64_t *limit, char **after,
	struct err *err) must_check;

/* --- values (local_secrets_value.c) --- */
/* Is SecretString or SecretBinary given, and well-formed? */
int secrets_check_value(const struct json *in, bool *given, struct err *err) must_check;
/*
 * A new version of the request's value, under its ClientRequestToken, with these labels (NULL: AWSCURRENT). The same
 * once more changes nothing; another value under the same token is ResourceExistsException. *version malloc'd.
 */
int secrets_put_tx(struct local_cloud *cloud, const struct local_call *k, const struct secret *s,
	const struct json *stages, char **version, struct err *err) must_check;
/* 1: a version of that token has the request's value, 0: there is none, -1 with err: it has another one. */
int secrets_same_tx(struct local_cloud *cloud, const struct local_call *k, const struct secret *s,
	struct err *err) must_check;
int secrets_stages_tx(struct local_cloud *cloud, int64_t secret, const char *version,
	struct json **stages, struct err *err) must_check;

/* --- lists (local_secrets_list.c) --- */
#define SECRETS_BATCH_MAX 20
/* ListSecrets' reply for the request's Filters, SECRETS_BATCH_MAX a page. */
int secrets_list_batch(struct local_cloud *cloud, const struct local_request *req,
	struct json **page, struct err *err) must_check;
/* --- filters: pure --- */
/* `entry` as ListSecrets shows it. */
bool secrets_filters_match(const struct json *filters, const struct json *entry);
int secrets_check_filters(const struct json *filters, struct err *err) must_check;

/* --- policies and passwords (local_secrets_policy.c) --- */
/* AccessDeniedException when the secret's own policy denies what the request does. */
int secret_policy_allows(
	const struct secret *s, const struct local_call *k, struct err *err) must_check;
int secrets_password(const struct json *in, struct strbuf *out, struct err *err) must_check;

#endif
