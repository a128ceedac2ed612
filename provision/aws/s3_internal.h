#ifndef S3_INTERNAL_H
#define S3_INTERNAL_H

/* Shared by the rooms of S3. */
#include "client_internal.h"
#include "s3.h"
#include "xml.h"

struct s3_request {
	const char *operation; /* "PutObject" */
	unsigned flags;        /* enum aws_op_flags */
	const char *method;
	const char *bucket;
	const char *key;       /* any bytes but NUL; NULL: the bucket itself */
	struct strbuf query;   /* encoded */
	struct strvec headers; /* "Name: value" */
	const void *body;
	size_t body_len;
	const struct http_source *source;
	const struct http_sink *sink;
	size_t max_reply_bytes;
	const char *payload_hash; /* NULL: that of body */
	bool error_in_ok;
	unsigned attempts; /* out */
};
/* Borrows its strings. */
void s3_request_init(struct s3_request *r, const char *operation, unsigned flags,
	const char *method, const char *bucket, const char *key);
void s3_request_release(struct s3_request *r);
/* "name=value"; a NULL value gives the bare "name". */
void s3_query(struct s3_request *r, const char *name, const char *value);
void s3_header(struct s3_request *r, const char *name, const char *value); /* NULL: none */
void s3_owner(struct s3_request *r, const char *owner);
int s3_send(struct aws_client *c, struct s3_request *r, struct http_reply *reply,
	struct err *err) must_check;
/* For requests whose reply does not matter. */
int s3_send_only(struct aws_client *c, struct s3_request *r, struct err *err) must_check;
/* The reply as XML; NULL with an error that names the operation. */
struct xml_doc *s3_reply_xml(
	const struct s3_request *r, const struct http_reply *reply, struct err *err) must_check;

/* Body in memory, as MD5 in base64. */
void s3_content_md5(struct s3_request *r);
/* x-amz-checksum-sha256 and the payload hash of the body in memory; `hex` receives the latter and must outlive the request. */
void s3_body_sha256(struct s3_request *r, struct strbuf *hex, struct strbuf *base64);
void s3_put_headers(struct s3_request *r, const struct s3_put_opts *opts);
/* Conditional puts are not repeatable: a second one would fail on the first one's success. */
unsigned s3_put_flags(const struct s3_put_opts *opts);
char *s3_reply_etag(const struct http_reply *reply); /* malloc'd or NULL */
/* Decodes encoding-type=url text; malloc'd. */
char *s3_url_decode(const char *text);
int64_t s3_time(const char *text); /* 0 when it is none */
struct s3_object *s3_objects_add(struct s3_objects *o);

/* --- multipart --- */
struct s3_part {
	int number;
	char *etag, *sha256; /* sha256 in base64 */
};
struct s3_parts {
	struct s3_part *v;
	size_t nr, alloc;
};
void s3_parts_release(struct s3_parts *p);
int s3_create_multipart_upload(struct aws_client *c, const char *bucket, const char *key,
	const struct s3_put_opts *opts, char **upload_id, struct err *err) must_check;
/* Any thread; fills part->etag and part->sha256. */
int s3_upload_part(struct aws_client *c, const char *bucket, const char *key,
	const struct s3_put_opts *opts, const char *upload_id, const void *data, size_t len,
	struct s3_part *part, struct err *err) must_check;
/* As s3_upload_part, from a source of known size whose SHA-256 is known, in hex and in base64. */
int s3_upload_part_from(struct aws_client *c, const char *bucket, const char *key,
	const struct s3_put_opts *opts, const char *upload_id, const struct http_source *source,
	const char *hex, const char *base64, struct s3_part *part, struct err *err) must_check;
/* ERR_TRANSIENT when what the service says of the whole is not the checksum of the parts. */
int s3_complete_multipart_upload(struct aws_client *c, const char *bucket, const char *key,
	const struct s3_put_opts *opts, const char *upload_id, const struct s3_parts *parts,
	struct err *err) must_check;
/* The ids of unfinished uploads of just this key, oldest first. */
int s3_list_uploads_of(struct aws_client *c, const char *bucket, const char *key, const char *owner,
	struct strvec *ids, struct err *err) must_check;
/* What has arrived of an upload; sha256 is NULL for parts without one. *algorithm (malloc'd) is the upload's, or NULL. */
struct s3_listed_part {
	int number;
	int64_t size;
	char *etag, *sha256;
};
struct s3_listed_parts {
	struct s3_listed_part *v;
	size_t nr, alloc;
};
void s3_listed_parts_release(struct s3_listed_parts *p);
int s3_list_parts(struct aws_client *c, const char *bucket, const char *key, const char *owner,
	const char *upload_id, char **algorithm, struct s3_listed_parts *out,
	struct err *err) must_check;
int s3_abort_multipart_upload(struct aws_client *c, const char *bucket, const char *key,
	const char *owner, const char *upload_id, struct err *err) must_check;

#endif
