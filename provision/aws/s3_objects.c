/* Objects one at a time: PutObject, GetObject, HeadObject, CopyObject, DeleteObject. */
#include "digest.h"
#include "hex.h"
#include "s3_internal.h"
#include "uri.h"

void s3_head_release(struct s3_head *h)
{
	free(h->etag);
	free(h->content_type);
	free(h->version_id);
	free(h->sha256);
	*h = (struct s3_head)S3_HEAD_INIT;
}

static void fill_head(const struct http_reply *reply, struct s3_head *h)
{
	const char *length = http_reply_header(reply, "content-length");
	long long size = 0;
	s3_head_release(h);
	if (length && parse_int64(length, 0, INT64_MAX, &size) == 0)
		h->size = size;
	h->modified_ms = s3_time(http_reply_header(reply, "last-modified"));
	h->etag = s3_reply_etag(reply);
	h->content_type = xstrdup(http_reply_header(reply, "content-type"));
	h->version_id = xstrdup(http_reply_header(reply, "x-amz-version-id"));
	h->sha256 = xstrdup(http_reply_header(reply, "x-amz-checksum-sha256"));
}

/* A conditional put that went out more than once, or whose answer was lost, may have failed on its own success:
 * the object says whose bytes stand there. */
static bool was_ours(struct aws_client *c, const char *bucket, const char *key, const void *data,
	size_t len, const struct s3_put_opts *opts, char **etag)
{
	struct s3_head head = S3_HEAD_INIT;
	struct strbuf md5 = STRBUF_INIT;
	unsigned char raw[MD5_BYTES];
	bool ours = false;
	if (s3_head_object(c, bucket, key, opts->owner, &head, NULL) == 0 && head.etag) {
		digest_md5(data, len, raw);
		strbuf_addch(&md5, '"');
		hex_encode(&md5, raw, sizeof(raw));
		strbuf_addch(&md5, '"');
		ours = !strcmp(md5.buf, head.etag);
		if (ours && etag)
			*etag = xstrdup(head.etag);
	}
	strbuf_release(&md5);
	s3_head_release(&head);
	return ours;
}

int s3_put_object(struct aws_client *c, const char *bucket, const char *key, const void *data,
	size_t len, const struct s3_put_opts *opts, char **etag, struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct strbuf hex = STRBUF_INIT, base64 = STRBUF_INIT;
	struct err why = ERR_INIT;
	bool conditional = !(s3_put_flags(opts) & AWS_OP_IDEMPOTENT);

	/* With a condition too: what fails on its own success is found out below. */
	s3_request_init(&r, "PutObject", AWS_OP_IDEMPOTENT, "PUT", bucket, key);
	r.body = len ? data : "";
	r.body_len = len;
	s3_put_headers(&r, opts);
	s3_body_sha256(&r, &hex, &base64);
	int ret = s3_send(c, &r, &reply, &why);
	if (ret == 0 && etag)
		*etag = s3_reply_etag(&reply);
	bool unsure = why.code == ERR_AMBIGUOUS || why.code == ERR_CONFLICT || why.code == ERR_IO ||
		      why.code == ERR_TIMEOUT || why.code == ERR_TRANSIENT;
	if (ret < 0 && conditional && unsure && was_ours(c, bucket, key, r.body, len, opts, etag))
		ret = 0;
	if (ret < 0)
		err_move(err, &why);
	err_release(&why);
	s3_request_release(&r);
	http_reply_release(&reply);
	strbuf_release(&hex);
	strbuf_release(&base64);
	return ret;
}

int s3_get_object(struct aws_client *c, const char *bucket, const char *key, const char *owner,
	size_t max_bytes, struct strbuf *out, struct s3_head *head, struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	s3_request_init(&r, "GetObject", AWS_OP_READ, "GET", bucket, key);
	s3_owner(&r, owner);
	s3_header(&r, "x-amz-checksum-mode", "ENABLED");
	r.max_reply_bytes = max_bytes;
	int ret = s3_send(c, &r, &reply, err);
	if (ret == 0) {
		strbuf_add(out, reply.body.buf, reply.body.len);
		if (head)
			fill_head(&reply, head);
	}
	s3_request_release(&r);
	http_reply_release(&reply);
	return ret;
}

int s3_get_object_version(struct aws_client *c, const char *bucket, const char *key,
	const char *version_id, size_t max_bytes, struct strbuf *out, struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	s3_request_init(&r, "GetObject", AWS_OP_READ, "GET", bucket, key);
	s3_query(&r, "versionId", version_id);
	s3_header(&r, "x-amz-checksum-mode", "ENABLED");
	r.max_reply_bytes = max_bytes;
	int ret = s3_send(c, &r, &reply, err);
	if (ret == 0)
		strbuf_add(out, reply.body.buf, reply.body.len);
	s3_request_release(&r);
	http_reply_release(&reply);
	return ret;
}

int s3_head_object(struct aws_client *c, const char *bucket, const char *key, const char *owner,
	struct s3_head *head, struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	s3_request_init(&r, "HeadObject", AWS_OP_READ, "HEAD", bucket, key);
	s3_owner(&r, owner);
	s3_header(&r, "x-amz-checksum-mode", "ENABLED");
	int ret = s3_send(c, &r, &reply, err);
	if (ret == 0 && head)
		fill_head(&reply, head);
	s3_request_release(&r);
	http_reply_release(&reply);
	return ret;
}

int s3_copy_object(struct aws_client *c, const char *from_bucket, const char *from_key,
	const char *bucket, const char *key, struct err *err)
{
	struct s3_request r;
	struct strbuf from = STRBUF_INIT;
	s3_request_init(&r, "CopyObject", AWS_OP_IDEMPOTENT, "PUT", bucket, key);
	strbuf_addf(&from, "/%s/", from_bucket);
	uri_encode(&from, from_key, strlen(from_key), true);
	s3_header(&r, "x-amz-copy-source", from.buf);
	r.error_in_ok = true;
	int ret = s3_send_only(c, &r, err);
	s3_request_release(&r);
	strbuf_release(&from);
	return ret;
}

int s3_delete_object(struct aws_client *c, const char *bucket, const char *key, const char *owner,
	struct err *err)
{
	struct s3_request r;
	s3_request_init(&r, "DeleteObject", AWS_OP_IDEMPOTENT, "DELETE", bucket, key);
	s3_owner(&r, owner);
	int ret = s3_send_only(c, &r, err);
	s3_request_release(&r);
	return ret;
}
