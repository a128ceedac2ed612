#ifndef S3_H
#define S3_H

/*
 * Amazon S3 (rest-xml). Names are the API reference's. Path style against a given endpoint, virtual-host style
 * against AWS (path style there too for names with dots). `owner` (NULL: none) becomes x-amz-expected-bucket-owner.
 * A region redirect is followed once. All buffers are the caller's.
 */
#include <stdbool.h>
#include <stdint.h>
#include "client.h"
#include "strbuf.h"
#include "strvec.h"

/* --- objects --- */
struct s3_object {
	char *key, *etag, *version_id; /* NULL where not asked or none */
	int64_t size, modified_ms;
	bool delete_marker, latest;
};
struct s3_objects {
	struct s3_object *v;
	size_t nr, alloc;
	struct strvec prefixes; /* common prefixes, when listed with a delimiter */
};
#define S3_OBJECTS_INIT                 \
	{                               \
		NULL, 0, 0, STRVEC_INIT \
	}
void s3_objects_release(struct s3_objects *o);

struct s3_put_opts {
	const char *content_type; /* NULL: binary/octet-stream */
	const char *owner;
	const char *if_match; /* an ETag: ERR_CONFLICT when it differs */
	bool if_none_match;   /* must not exist: ERR_CONFLICT (412) when it does */
};
struct s3_head {
	int64_t size, modified_ms;
	char *etag, *content_type, *version_id,
		*sha256; /* sha256: x-amz-checksum-sha256 where present */
};
#define S3_HEAD_INIT \
	{            \
		0    \
	}
void s3_head_release(struct s3_head *h);

/* In memory. *etag (may be NULL) is malloc'd. */
int s3_put_object(struct aws_client *c, const char *bucket, const char *key, const void *data,
	size_t len, const struct s3_put_opts *opts, char **etag, struct err *err) must_check;
int s3_get_object(struct aws_client *c, const char *bucket, const char *key, const char *owner,
	size_t max_bytes, struct strbuf *out, struct s3_head *head, struct err *err) must_check;
/* A version of it. */
int s3_get_object_version(struct aws_client *c, const char *bucket, const char *key,
	const char *version_id, size_t max_bytes, struct strbuf *out, struct err *err) must_check;
/* Streams into the sink; a transfer that breaks is resumed with Range and If-Match. */
int s3_get_object_to(struct aws_client *c, const char *bucket, const char *key,
	const struct http_sink *sink, struct err *err) must_check;
/* A local file: multipart from 64 MiB on, parts in parallel, checksummed; aborted on failure. */
int s3_put_file(struct aws_client *c, const char *bucket, const char *key, const char *path,
	const struct s3_put_opts *opts, struct err *err) must_check;
int s3_get_file(struct aws_client *c, const char *bucket, const char *key, const char *path,
	struct err *err) must_check;
/* A stream of unknown length: parts of 16 MiB, memory bounded; nothing shows under `key` until finish succeeds. */
struct s3_upload;
struct s3_upload *s3_upload_new(
	struct aws_client *c, const char *bucket, const char *key, const struct s3_put_opts *opts);
int s3_upload_write(struct s3_upload *u, const void *data, size_t len, struct err *err) must_check;
int s3_upload_finish(struct s3_upload *u, struct err *err) must_check; /* frees u either way */
void s3_upload_abort(struct s3_upload *u);                             /* NULL is fine */

/* ERR_NOT_FOUND when missing. head may be NULL. */
int s3_head_object(struct aws_client *c, const char *bucket, const char *key, const char *owner,
	struct s3_head *head, struct err *err) must_check;
int s3_copy_object(struct aws_client *c, const char *from_bucket, const char *from_key,
	const char *bucket, const char *key, struct err *err) must_check;
int s3_delete_object(struct aws_client *c, const char *bucket, const char *key, const char *owner,
	struct err *err) must_check;
/* All pages when max is 0. `delimiter` NULL: none. */
int s3_list_objects_v2(struct aws_client *c, const char *bucket, const char *prefix,
	const char *delimiter, size_t max, const char *owner, struct s3_objects *out,
	struct err *err) must_check;
/* One page of versions and delete markers; the markers are in/out, "" to begin; *more says whether another page follows. */
int s3_list_object_versions(struct aws_client *c, const char *bucket, const char *prefix,
	struct strbuf *key_marker, struct strbuf *version_marker, bool *more,
	struct s3_objects *out, struct err *err) must_check;
/* Up to 1000; per-key errors are gathered into err (first one, and how many). */
int s3_delete_objects(struct aws_client *c, const char *bucket, const struct s3_object *v,
	size_t nr, const char *owner, struct err *err) must_check;
/* Versions, delete markers and uploads of the bucket (or of a prefix), in parallel; `progress` (may be NULL) is called
 * with the number deleted so far. */
typedef void s3_progress_fn(uint64_t done, void *payload);
int s3_empty_bucket(struct aws_client *c, const char *bucket, const char *prefix, const char *owner,
	size_t threads, s3_progress_fn *progress, void *payload, struct err *err) must_check;

/* --- buckets --- */
/* The region's LocationConstraint is left out for us-east-1. BucketAlreadyOwnedByYou gives ERR_EXISTS, as BucketAlreadyExists. */
int s3_create_bucket(
	struct aws_client *c, const char *bucket, bool object_lock, struct err *err) must_check;
int s3_delete_bucket(
	struct aws_client *c, const char *bucket, const char *owner, struct err *err) must_check;
/* ERR_NOT_FOUND, ERR_DENIED (403: somebody else's). */
int s3_head_bucket(
	struct aws_client *c, const char *bucket, const char *owner, struct err *err) must_check;
int s3_list_buckets(struct aws_client *c, struct strvec *names, struct err *err) must_check;
/*
 * A sub-resource as the XML document of the API reference: PUT/GET/DELETE ?tagging, ?versioning, ?policy (JSON text),
 * ?encryption, ?publicAccessBlock, ?lifecycle, ?cors, ?notification, ?website, ?logging, ?ownershipControls, ?accelerate …
 * GET of one that is not set gives ERR_NOT_FOUND.
 */
int s3_put_bucket_config(struct aws_client *c, const char *bucket, const char *sub,
	const char *body, const char *owner, struct err *err) must_check;
int s3_get_bucket_config(struct aws_client *c, const char *bucket, const char *sub,
	const char *owner, struct strbuf *body, struct err *err) must_check;
int s3_delete_bucket_config(struct aws_client *c, const char *bucket, const char *sub,
	const char *owner, struct err *err) must_check;

#endif
