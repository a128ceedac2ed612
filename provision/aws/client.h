#ifndef CLIENT_H
#define CLIENT_H

/*
 * The AWS client: one `perform` owns endpoint, signing, sending, retrying with full jitter, and error mapping.
 * A client is safe for any number of threads. Documents go in and come out as JSON in the shape of the API
 * reference, whatever the service's protocol; S3 has its own room, s3.h.
 */
#include <stdbool.h>
#include <stdint.h>
#include "clock.h"
#include "credentials.h"
#include "err.h"
#include "json.h"
#include "transport.h"

struct wire_service;

enum aws_op_flags {
	/* Changes nothing: repeated freely. */
	AWS_OP_READ = 1 << 0,
	/* The same call twice does no harm (put, delete): repeated after a time-out too. With neither of the two,
	 * the caller gets ERR_AMBIGUOUS after a time-out or reset and must read. */
	AWS_OP_IDEMPOTENT = 1 << 1,
	/* Sent without keys: AssumeRoleWithWebIdentity. */
	AWS_OP_UNSIGNED = 1 << 2,
	/* ClientRequestToken (redshift-data: ClientToken) is made up where it is missing, so that repeats are one. */
	AWS_OP_CLIENT_TOKEN = 1 << 3,
	/* Paging ends with the token that was sent: GetLogEvents. */
	AWS_OP_SAME_TOKEN_ENDS = 1 << 4,
	/* Starts something that has no name to find it by (StartJobRun): after a 5xx that is no refusal it may run
	 * already, and the caller gets ERR_AMBIGUOUS. */
	AWS_OP_STARTS = 1 << 5,
};

/* One API operation; each stands once, in aws/ops_<service>.c, and is named as AWS names it in snake case. */
struct aws_op {
	const char *service; /* "glue" */
	const char *name;    /* "CreateJob" */
	unsigned flags;      /* enum aws_op_flags */
	const char *token_in,
		*token_out; /* paging: "NextToken"; "Marker" for IAM; NULL: one page */
	const char *items;  /* the reply's list: "Jobs" */
};

struct aws_config {
	const char *region;       /* NULL: AWS_REGION, AWS_DEFAULT_REGION, the profile's */
	const char *profile;      /* NULL: AWS_PROFILE or default */
	const char *endpoint_url; /* NULL: AWS_ENDPOINT_URL[_<SERVICE>], else AWS's own */
	struct aws_credentials *credentials; /* taken; NULL: aws_credentials_default */
	struct http_transport *transport;    /* taken; NULL: libcurl */
	const struct clock *clock;           /* borrowed; NULL: the system's */
	aws_prompt_fn *prompt;               /* for MFA codes; NULL: there is no terminal */
	void *prompt_payload;
	int max_attempts;        /* 0: 10 */
	bool ignore_environment; /* --local: no region, endpoint or keys from the environment or files */
};

struct aws_client;
/* Missing credentials or region are an ERR_USAGE with a hint. */
struct aws_client *aws_client_new(struct aws_config *config, struct err *err) must_check;
void aws_client_free(struct aws_client *c);

/* Borrowed from the client. */
const char *aws_client_region(const struct aws_client *c);
const char *aws_client_partition(const struct aws_client *c); /* aws, aws-cn, aws-us-gov */
const struct clock *aws_client_clock(const struct aws_client *c);
/* The time as AWS has it, after a reply has told that ours is wrong: for comparing with dates of AWS's. */
int64_t aws_client_now_ms(const struct aws_client *c);
struct http_transport *aws_client_transport(const struct aws_client *c);
const char *aws_client_credentials_source(const struct aws_client *c);
/* The keys that the next request would be signed with; the caller's. */
int aws_client_keys(struct aws_client *c, struct aws_keys *out, struct err *err) must_check;
/* Where requests to a service ("sts") go when that is not AWS's own address; borrowed, else NULL. */
const char *aws_client_endpoint(const struct aws_client *c, const char *service);
/* sts:GetCallerIdentity, asked once; borrowed. NULL on error. */
const char *aws_client_account(struct aws_client *c, struct err *err) must_check;
const char *aws_client_caller_arn(struct aws_client *c, struct err *err) must_check;
/* HTTP requests sent so far, retries included. */
uint64_t aws_client_requests(const struct aws_client *c);

/*
 * One call. `in` may be NULL for an empty document; *out (may be NULL) is the caller's to free.
 * On failure err carries code, aws_code, http_status, request_id, operation; text is AWS's message.
 */
int aws_call(struct aws_client *c, const struct aws_op *op, const struct json *in,
	struct json **out, struct err *err) must_check;
/* All pages: *items is one array with every element of op->items; the caller's. `in` is not changed.
 * Where op->items is NULL (more than one list, as ListEntitiesForPolicy) the array's elements are the pages. */
int aws_call_all(struct aws_client *c, const struct aws_op *op, const struct json *in,
	struct json **items, struct err *err) must_check;
/* As aws_call, but `in` is given as printf text of a JSON document; strings inside come as %s and must need no escape
 * (names, ids): for short requests such as "{\"Name\":\"%s\"}". */
int aws_callf(struct aws_client *c, const struct aws_op *op, struct json **out, struct err *err,
	const char *fmt, ...) must_check printf_like(5, 6);

/* The code that AWS gave, as in err_is_aws(err, "EntityNotFoundException"). */
bool err_is_aws(const struct err *err, const char *aws_code);

#endif
