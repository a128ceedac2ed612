#ifndef CLIENT_INTERNAL_H
#define CLIENT_INTERNAL_H

/* Shared by the rooms of aws/, not for other layers: one request below aws_call and the S3 functions. */
#include <pthread.h>
#include <stdatomic.h>
#include "client.h"
#include "client_settings.h"
#include "map.h"
#include "protocol.h"

struct aws_client {
	char *region;
	struct client_settings settings; /* as read when it was made */
	struct aws_credentials *credentials;
	struct http_transport *transport;
	const struct clock *clock;
	int max_attempts;
	struct retry_quota quota;
	struct retry_pace pace;
	_Atomic uint64_t requests;
	_Atomic int64_t skew_ms; /* what AWS's clock is ahead of ours */
	_Atomic bool understood; /* and a reply made sense */
	_Atomic bool answered;   /* something has replied at all */
	pthread_mutex_t lock;
	struct map bucket_regions;     /* under lock: bucket -> malloc'd region, of redirects */
	pthread_mutex_t identity_lock; /* held while it is asked for */
	char *account, *arn;
};

struct aws_request {
	const struct wire_service *svc;
	const char *operation; /* "CreateJob" */
	unsigned flags;        /* enum aws_op_flags */
	const char *method;
	const char *bucket;           /* S3 */
	const char *path;             /* encoded, begins with '/' (without the bucket) */
	const char *query;            /* encoded; NULL or "" */
	const struct strvec *headers; /* "Name: value"; may be NULL */
	const void *body;
	size_t body_len;
	const struct http_source *source; /* needs payload_hash */
	const struct http_sink *sink;
	size_t max_reply_bytes;
	const char *payload_hash; /* NULL: that of body */
	bool error_in_ok;         /* a 200 may carry an <Error> body */
	/* Whether a 2xx makes sense, with the reason when not: then it is as if no answer had come. May be NULL. */
	int (*understand)(void *payload, const struct http_reply *reply, struct err *err);
	void *payload;
	bool asks;          /* a question of the client's own, of which no other comes */
	unsigned *attempts; /* out, may be NULL */
};

/* One request with its retries. `reply` is the caller's, also after an error. */
int aws_perform(struct aws_client *c, const struct aws_request *req, struct http_reply *reply,
	struct err *err) must_check;

/* Full jitter: from 0 to the smaller of base << (attempt - 1) and 20 s. */
int64_t aws_jitter_ms(int64_t base_ms, unsigned attempt);

#endif
