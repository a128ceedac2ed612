#ifndef LOCAL_S3_H
#define LOCAL_S3_H

/*
 * S3 over HTTP: routes by method, level and sub-resource; handlers by file:
 * bucket (CreateBucket…), config (sub-resources), list, object (get, head, put), copy, delete, multipart, tagging, lock.
 * A handler fills http->reply; a refusal is a fault with S3's code.
 */
#include "digest.h"
#include "local_internal.h"
#include "local_store.h"
#include "xml.h"

#define S3_XMLNS "http://s3.amazonaws.com/doc/2006-03-01/"
#define S3_MAX_XML ((size_t)16 << 20)
#define S3_MAX_OBJECT ((int64_t)5 << 40)
#define S3_MAX_PUT ((int64_t)5 << 30)

enum s3_level { S3_SERVICE, S3_BUCKET, S3_OBJECT };
enum s3_flags {
	S3_STREAM = 1 << 0,    /* the body goes to a file */
	S3_OWN_AUTH = 1 << 1,  /* the handler asks IAM itself */
	S3_NO_BUCKET = 1 << 2, /* the bucket need not exist */
	S3_NEEDS_SUM = 1 << 3, /* Content-MD5 or a checksum is required */
	S3_FORM = 1 << 4,      /* a browser's form: the file in it is the body */
};

struct s3_config;
struct s3_form;
typedef int s3_handler_fn(struct local_s3_call *c, struct err *err);

struct s3_route {
	const char *method;
	enum s3_level level;
	const char *param;  /* a query parameter that must be there; NULL */
	const char *header; /* a header that must be there; NULL */
	const char *name;   /* "PutObject" */
	const char *action; /* for IAM; NULL: "s3:" and the name */
	s3_handler_fn *fn;
	unsigned flags;
};

struct s3_param {
	char *name, *value; /* decoded; value "" when there is none */
};

/* A body on its way: decoded, hashed, and kept in a file or in memory. */
struct s3_sink {
	struct awschunked *chunked;
	struct digest *sha256, *md5, *sum;
	const char *payload_hash; /* 64 hex digits to be checked, or NULL */
	const struct s3_sum_kind *kind;
	char *sum_expected; /* base64 from a header or trailer; NULL: only computed */
	bool sum_in_trailer;
	bool to_file;
	struct store_writer file;
	struct strbuf memory, plain;
	int64_t size;
	/* results */
	char md5_hex[33];
	char *sum_b64; /* NULL when no checksum was asked for */
};

/* What S3 computes where the client names none. */
#define S3_DEFAULT_SUM "CRC64NVME"
#define S3_SUM_NAMES "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5]"

struct s3_sum_kind {
	const char *name;    /* "CRC32" */
	const char *header;  /* "x-amz-checksum-crc32" */
	const char *element; /* "ChecksumCRC32" */
	enum digest_kind digest;
};
extern const struct s3_sum_kind local_s3_sum_kinds[];
const struct s3_sum_kind *local_s3_sum_kind_find(
	const char *name); /* of "CRC32", any case; or NULL */

/* What a refusal is about where it is not the request's own bucket, key and version: a copy's source. */
struct s3_about {
	char *bucket, *key, *version;
};

struct local_s3_call {
	struct local_cloud *cloud;
	struct local_http *http;
	struct local_reply *reply;
	const struct s3_route *route;
	const struct s3_config *config;
	char *bucket, *key; /* NULL where the level has none */
	struct s3_param *params;
	size_t nr_params, alloc_params;
	struct s3_sink sink;
	struct s3_form *form; /* of PostObject, else NULL */
	struct s3_about about;
	struct strbuf detail; /* elements of the error's body that the handler knows */
};

/* --- helpers (local_s3.c) --- */
const char *local_s3_param(const struct local_s3_call *c, const char *name);  /* or NULL */
const char *local_s3_header(const struct local_s3_call *c, const char *name); /* or NULL */
int local_s3_authorize(struct local_s3_call *c, const char *action, const char *bucket,
	const char *key, const struct json *context, struct err *err) must_check;
int local_s3_invalid(struct err *err, const char *fmt, ...)
	printf_like(2, 3);               /* InvalidArgument 400 */
int local_s3_malformed(struct err *err); /* MalformedXML 400 */
int local_s3_int_param(struct local_s3_call *c, const char *name, int64_t otherwise, int64_t max,
	int64_t *out, struct err *err) must_check;
/* Starts the XML reply: status 200, content type, declaration and root with the namespace. */
struct strbuf *local_s3_xml(struct local_s3_call *c, const char *root);
void local_s3_add_time(struct strbuf *sb, const char *element, int64_t ms);
void local_s3_add_int(struct strbuf *sb, const char *element, int64_t n);
void local_s3_add_bool(struct strbuf *sb, const char *element, bool b);
void local_s3_add_etag(struct strbuf *sb, const char *etag);
void local_s3_add_owner(struct local_s3_call *c, struct strbuf *sb, const char *element);
/* {"k":"v"} of <Tagging><TagSet>… ; InvalidTag, MalformedXML. */
int local_s3_tags_parse(
	const char *text, size_t len, size_t max, struct json **out, struct err *err) must_check;
int local_s3_tags_header(const char *text, struct json **out, struct err *err) must_check;
void local_s3_tags_print(struct local_s3_call *c, const struct json *tags);
/* Finds the object of the call (or of bucket/key/version); NoSuchKey, NoSuchVersion, MethodNotAllowed. */
int local_s3_object_get(struct local_s3_call *c, const char *bucket, const char *key,
	const char *version, struct store_object *o, struct err *err) must_check;
void local_s3_sum_headers(
	struct local_s3_call *c, const char *alg, const char *sum, const char *type);
void local_s3_version_header(
	struct local_s3_call *c, const struct store_bucket *b, const char *version);
/* Headers of a request that an object keeps, as its `head`; the storage class apart (malloc'd). */
int local_s3_head_read(struct local_s3_call *c, struct json **head, char **storage_class,
	struct err *err) must_check;
/* If-Match and If-None-Match of a write, against what is there now. In a transaction. */
int local_s3_write_conditions(struct local_s3_call *c, struct err *err) must_check;
/* Conditions of a read by these headers: 0 go on, -1 with 304 or 412. */
int local_s3_read_conditions(struct local_s3_call *c, const struct store_object *o,
	const char *prefix, bool get, struct err *err) must_check;

/* The bucket in the host's name; NULL: path style. Malloc'd. */
char *local_s3_host_bucket(const struct local_http *h);

/* --- error bodies (local_s3_error.c) --- */
void local_s3_about(
	struct local_s3_call *c, const char *bucket, const char *key, const char *version);
void local_s3_about_release(struct s3_about *a);
/* An element for the body of the refusal that the handler is about to give. */
void local_s3_detail(struct local_s3_call *c, const char *element, const char *text);
/* PreconditionFailed 412 by a condition's name: "If-Match". */
int local_s3_precondition(struct local_s3_call *c, const char *condition, struct err *err);
/* Puts the elements into a printed body. */
void local_s3_error_details(const struct local_s3_call *c, const char *code, struct strbuf *body);

/* --- the sink (local_s3_sink.c) --- */
int local_s3_sink_open(struct local_s3_call *c, bool to_file, struct err *err) must_check;
int local_s3_sink_feed(
	struct local_s3_call *c, const void *data, size_t len, struct err *err) must_check;
/* All bytes are there: checks every hash that the client gave; seals the file. */
int local_s3_sink_close(struct local_s3_call *c, struct err *err) must_check;
void local_s3_sink_release(struct local_s3_call *c);

/* --- handlers --- */
s3_handler_fn local_s3_list_buckets, local_s3_create_bucket, local_s3_head_bucket,
	local_s3_delete_bucket, local_s3_get_location, local_s3_get_policy_status,
	local_s3_get_config, local_s3_put_config, local_s3_delete_config, s3_list_config,
	local_s3_get_bucket_acl, local_s3_put_bucket_acl, local_s3_get_versioning,
	local_s3_put_versioning, local_s3_get_bucket_tagging, local_s3_put_bucket_tagging,
	local_s3_delete_bucket_tagging, local_s3_list_objects, local_s3_list_objects_v2,
	local_s3_list_versions, local_s3_list_uploads, local_s3_put_object, local_s3_get_object,
	local_s3_head_object, local_s3_get_attributes, local_s3_copy_object, local_s3_delete_object,
	local_s3_delete_objects, local_s3_create_upload, local_s3_upload_part,
	local_s3_upload_part_copy, local_s3_complete_upload, local_s3_abort_upload,
	local_s3_list_parts, local_s3_get_object_tagging, local_s3_put_object_tagging,
	local_s3_delete_object_tagging, local_s3_get_object_acl, local_s3_put_object_acl,
	local_s3_not_implemented, local_s3_post_object, local_s3_get_retention,
	local_s3_put_retention, local_s3_get_legal_hold, local_s3_put_legal_hold,
	local_s3_restore_object;

/* --- routes (local_s3_routes.c) --- */
const struct s3_route *local_s3_route_find(struct local_s3_call *c); /* or NULL; sets c->config */
bool local_s3_is_form(const struct local_http *h);                   /* is it PostObject? */
/* The key's length and characters; the route's rights; the bucket. */
int local_s3_check_key(const char *key, struct err *err) must_check;
int local_s3_check_bucket(struct local_s3_call *c, struct err *err) must_check;

/* --- headers that ask for more (local_s3_headers.c) --- */
/* NotImplemented, by name, for what the local cloud has not. */
int local_s3_refuse_headers(struct local_s3_call *c, struct err *err) must_check;
/* x-amz-acl and x-amz-grant-*, where the bucket has no ACLs. Outside of a transaction. */
int local_s3_check_acl(struct local_s3_call *c, struct err *err) must_check;
/* Encryption as the request or the bucket has it, into the head. Outside of a transaction. */
int local_s3_sse_read(struct local_s3_call *c, struct json *head, struct err *err) must_check;
void local_s3_sse_print(struct local_s3_call *c, const struct json *head); /* reply headers */
bool local_s3_is_sse(const char *name); /* is a name in a head of encryption? */

/* --- object locks (local_s3_lock.c) --- */
/* The lock that the request's headers or the bucket's default give, into the head. Outside of a transaction. */
int local_s3_lock_read(struct local_s3_call *c, struct json *head, struct err *err) must_check;
/* May the version (NULL: none in particular) be taken away? AccessDenied. In a transaction. */
int local_s3_lock_check(struct local_s3_call *c, const char *key, const char *version, bool bypass,
	struct err *err) must_check;
/* Does the caller pass a retention of governance, and may it? Outside of a transaction. */
bool local_s3_lock_bypass(struct local_s3_call *c, const char *key);
bool local_s3_is_lock(const char *name); /* is a name in a head of a lock? */
bool local_s3_may_see_lock(struct local_s3_call *c, const char *name);

/* --- archived objects (local_s3_restore.c) --- */
/* Can its bytes be read? InvalidObjectState, or of a copy's source ObjectNotInActiveTierError. */
int local_s3_check_active(struct local_s3_call *c, const struct store_object *o, bool copy,
	struct err *err) must_check;
bool local_s3_is_restore(const char *name); /* is a name in a head that of a restoration? */

/* --- a form's body (local_s3_form.c, local_s3_post.c) --- */
struct s3_form *local_s3_form_new(const struct local_http *h);
void local_s3_form_free(struct s3_form *f);
int local_s3_form_feed(
	struct local_s3_call *c, const void *data, size_t len, struct err *err) must_check;
int local_s3_form_finish(struct local_s3_call *c, struct err *err) must_check;
const char *local_s3_form_field(const struct s3_form *f, const char *name); /* or NULL */
/* All fields before the file: name, value, name, value… */
const struct strvec *local_s3_form_fields(const struct s3_form *f);
void local_s3_form_add(struct s3_form *f, const char *name, const char *value);
const char *local_s3_form_file_name(const struct s3_form *f);
/* The file begins: checks the policy, opens the sink. */
int local_s3_post_begin(struct local_s3_call *c, struct err *err) must_check;

/* --- sub-resources that are kept as they came (local_s3_config.c) --- */
/* The row of the table for a request's parameters, or NULL. */
const struct s3_config *local_s3_config_find(const struct local_s3_call *c);
const char *local_s3_config_action(const struct s3_config *config, const char *method);
/* What a new bucket has; `lock`: with object locks. In a transaction. */
int local_s3_config_defaults(struct local_cloud *cloud, const char *bucket, const char *ownership,
	bool lock, struct err *err) must_check;
/* A configuration's body as it was put, or NULL; malloc'd. In a transaction. */
int local_s3_config_text(struct local_cloud *cloud, const char *bucket, const char *name,
	char **body, struct err *err) must_check;

/* --- what a configuration must be to be kept (local_s3_check.c) --- */
int local_s3_config_check(struct local_s3_call *c, const char *param, const struct xml_node *root,
	struct err *err) must_check;
/* The body as S3 keeps it, with what it adds: ids and defaults. */
void local_s3_config_complete(const char *param, const struct xml_node *root, struct strbuf *body);

#endif
