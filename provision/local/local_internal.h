#ifndef LOCAL_INTERNAL_H
#define LOCAL_INTERNAL_H

/*
 * The core's own side of the local cloud: what server, dispatch, S3 and IAM share and the other services do not see.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "local_cloud.h"
#include "local_iam.h"
#include "protocol.h"
#include "server.h"
#include "sigv4.h"
#include "strvec.h"

struct local_task;

struct local_cloud_private {
	char *dir, *account, *region, *endpoint; /* what the public const members point to */
	char *access_key_id, *secret;            /* the folder's root keys */

	pthread_mutex_t db_lock;

	pthread_mutex_t time_lock; /* offset_ms, stopping, wakes, tasks */
	pthread_cond_t time_cond;
	int64_t offset_ms;
	bool stopping;
	unsigned long wakes;
	struct clock clock;
	struct local_task *tasks;

	void **states; /* as local_parts[] */
	size_t nr_parts, nr_started;

	atomic_int requests;      /* under way */
	atomic_llong last_active; /* monotonic ms of the last request's end */
	atomic_bool disk_full_said;
};

/* --- the cloud's life (local_cloud.c, local_open.c) --- */
/* Opens the folder (made when missing; the lock is the caller's business), runs recovery and starts all parts. */
struct local_cloud *local_cloud_open(const struct local_server_opts *opts, const char *endpoint,
	const char *access_key_id, const char *secret, struct err *err) must_check;
/* Ends background work and closes. NULL is fine. */
void local_cloud_close(struct local_cloud *cloud);
/* From now on local_stopping() is true and nobody waits for the cloud's time any more. */
void local_wind_down(struct local_cloud *cloud);
bool local_cloud_busy(struct local_cloud *cloud);
void local_advance(struct local_cloud *cloud, int64_t ms);
/* Rows of the table that holds single values ("account", "region"); *value malloc'd, NULL where there is none. */
int local_meta_get(
	struct local_cloud *cloud, const char *key, char **value, struct err *err) must_check;
int local_meta_set(
	struct local_cloud *cloud, const char *key, const char *value, struct err *err) must_check;
void local_time_init(struct local_cloud_private *p);
void local_tasks_join(struct local_cloud *cloud);

extern const struct local_part local_core_part, local_s3_part, local_iam_part;

/* --- one HTTP request, without the HTTP library --- */
struct local_reply {
	int status;
	struct strvec headers; /* name, value, name, value… */
	struct strbuf body;
	int fd; /* -1, or a file whose bytes [offset, offset + length) are the body; taken */
	int64_t offset, length;
	bool length_only; /* a HEAD reply: `length` goes into Content-Length, nothing follows */
};

struct local_s3_call;

struct local_http {
	struct local_cloud *cloud;
	char *method, *path, *query;  /* as on the request line; query NULL when there is none */
	struct sigv4_header *headers; /* borrowed strings */
	size_t nr_headers, alloc_headers;
	char *request_id;
	struct sigv4_claim claim;
	bool anonymous, signature_v2;
	struct local_principal who;
	char *secret;                       /* of the claim's key */
	const struct wire_service *service; /* NULL until known */
	char *operation;
	struct strbuf body; /* what is not streamed */
	struct local_s3_call *s3;
	struct err failed; /* the request is refused: read on, then answer */
	struct local_reply reply;
};

const char *local_http_header(const struct local_http *h, const char *name); /* or NULL */
/* Sets or replaces. */
void local_reply_header(struct local_reply *r, const char *name, const char *fmt, ...)
	printf_like(3, 4);
struct local_http *local_http_new(struct local_cloud *cloud, const char *uri);
void local_http_free(struct local_http *h);
/* The stages. A refusal is kept in h->failed; finish always leaves a reply. */
void local_http_begin(struct local_http *h);                              /* headers are there */
void local_http_feed(struct local_http *h, const void *data, size_t len); /* a piece of the body */
void local_http_finish(struct local_http *h);                             /* the body is there */

/* --- authentication and authorisation (local_auth.c) --- */
/* Reads the claim and finds its key; h->anonymous without one. */
int local_auth_claim(struct local_http *h, struct err *err) must_check;
int local_auth_verify(struct local_http *h, const char *payload_hash, struct err *err) must_check;
/* Signature Version 2 of S3's query (local_auth_v2.c): reads the claim, if it is one; the key's secret must be there to
 * check it, and that of a form's policy. claim.expires_s is the time of expiry. */
bool local_auth_v2_claim(struct local_http *h);
bool local_auth_v2_fits(const struct local_http *h);
bool local_auth_v2_policy_fits(
	const struct local_http *h, const char *policy, const char *signature);
/* As below, by the key's id. */
int local_auth_verify_policy_v2(struct local_http *h, const char *key, const char *token,
	const char *policy, const char *signature, struct err *err) must_check;
/* The signature of a form's policy (its base64 text); claims the key. Any of them may be NULL. */
int local_auth_verify_policy(struct local_http *h, const char *credential, const char *datetime,
	const char *token, const char *policy, const char *signature, struct err *err) must_check;
/* AccessDenied in the words of AWS and the code of the service's protocol. */
int local_authorize(
	struct local_http *h, const char *action, const char *arn, struct err *err) must_check;
/* The same fault for a principal without a request; code "AccessDenied". */
int local_denied(
	const struct local_principal *who, const char *action, const char *arn, struct err *err);

/* local_iam_allows with condition keys of the request's own ("s3:prefix"). */
bool local_iam_allows_with(struct local_cloud *cloud, const struct local_principal *who,
	const char *action, const char *arn, const struct json *more);

/* --- faults --- */
/* What an error becomes on the wire: fills in code and status where a handler left none. */
void local_fault_complete(
	struct local_cloud *cloud, const struct wire_service *svc, struct err *err);
/* err_errno, but a full disk becomes the fault that says so. */
int local_disk_error(struct local_cloud *cloud, struct err *err, const char *what);

/* --- sessions (local_iam_session.c) --- */
struct local_session {
	char *secret, *token, *role_name, *session_name; /* role NULL: root's */
	int64_t expires_ms;
};
void local_session_release(struct local_session *s);
/* 1 found, 0 not. */
int local_session_find(struct local_cloud *cloud, const char *access_key_id,
	struct local_session *out, struct err *err) must_check;
void local_principal_root(
	struct local_cloud *cloud, const char *access_key_id, struct local_principal *out);
int local_principal_role(struct local_cloud *cloud, const char *role_name, const char *session_name,
	const char *access_key_id, struct local_principal *out, struct err *err) must_check;

/* --- S3 (local_s3.c) --- */
struct local_s3_call *local_s3_new(struct local_http *h);
void local_s3_free(struct local_s3_call *c);
int local_s3_begin(struct local_s3_call *c, struct err *err) must_check;
int local_s3_feed(
	struct local_s3_call *c, const void *data, size_t len, struct err *err) must_check;
int local_s3_finish(struct local_s3_call *c, struct err *err) must_check;

#endif
