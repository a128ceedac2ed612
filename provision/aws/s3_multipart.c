/* The four calls of a multipart upload, each part with its SHA-256. */
#include "base64.h"
#include "digest.h"
#include "s3_internal.h"

void s3_parts_release(struct s3_parts *p)
{
	for (size_t i = 0; i < p->nr; i++) {
		free(p->v[i].etag);
		free(p->v[i].sha256);
	}
	free(p->v);
	*p = (struct s3_parts){NULL, 0, 0};
}

int s3_create_multipart_upload(struct aws_client *c, const char *bucket, const char *key,
	const struct s3_put_opts *opts, char **upload_id, struct err *err)
{
	/* A second one would be an orphan at worst: nothing shows, and teardown aborts it. */
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	const struct s3_put_opts plain = {.content_type = opts ? opts->content_type : NULL,
		.owner = opts ? opts->owner : NULL};
	s3_request_init(&r, "CreateMultipartUpload", AWS_OP_IDEMPOTENT, "POST", bucket, key);
	s3_query(&r, "uploads", NULL);
	s3_put_headers(&r, &plain);
	s3_header(&r, "x-amz-checksum-algorithm", "SHA256");
	int ret = s3_send(c, &r, &reply, err);
	struct xml_doc *doc = ret == 0 ? s3_reply_xml(&r, &reply, err) : NULL;
	const char *id = doc ? xml_child_text(xml_root(doc), "UploadId") : NULL;
	if (id && *id)
		*upload_id = xstrdup(id);
	else if (ret == 0)
		ret = doc ? err_set(err, ERR_FAILED, "CreateMultipartUpload gave no upload id")
			  : -1;
	if (doc)
		xml_free(doc);
	s3_request_release(&r);
	http_reply_release(&reply);
	return ret;
}

/* Takes `base64`. */
static int send_part(struct aws_client *c, struct s3_request *r, char *base64, struct s3_part *part,
	struct err *err)
{
	struct http_reply reply = HTTP_REPLY_INIT;
	int ret = s3_send(c, r, &reply, err);
	if (ret == 0) {
		free(part->etag);
		free(part->sha256);
		part->etag = s3_reply_etag(&reply);
		part->sha256 = base64;
		base64 = NULL;
		if (!part->etag)
			ret = err_set(err, ERR_FAILED, "UploadPart gave no ETag");
	}
	http_reply_release(&reply);
	free(base64);
	return ret;
}

static void part_request(struct s3_request *r, const char *bucket, const char *key,
	const struct s3_put_opts *opts, const char *upload_id, int number)
{
	char text[16];
	snprintf(text, sizeof(text), "%d", number);
	s3_request_init(r, "UploadPart", AWS_OP_IDEMPOTENT, "PUT", bucket, key);
	s3_query(r, "partNumber", text);
	s3_query(r, "uploadId", upload_id);
	s3_owner(r, opts ? opts->owner : NULL);
}

int s3_upload_part(struct aws_client *c, const char *bucket, const char *key,
	const struct s3_put_opts *opts, const char *upload_id, const void *data, size_t len,
	struct s3_part *part, struct err *err)
{
	struct s3_request r;
	struct strbuf hex = STRBUF_INIT, base64 = STRBUF_INIT;
	part_request(&r, bucket, key, opts, upload_id, part->number);
	r.body = len ? data : "";
	r.body_len = len;
	s3_body_sha256(&r, &hex, &base64);
	int ret = send_part(c, &r, strbuf_detach(&base64, NULL), part, err);
	s3_request_release(&r);
	strbuf_release(&hex);
	return ret;
}

int s3_upload_part_from(struct aws_client *c, const char *bucket, const char *key,
	const struct s3_put_opts *opts, const char *upload_id, const struct http_source *source,
	const char *hex, const char *base64, struct s3_part *part, struct err *err)
{
	struct s3_request r;
	part_request(&r, bucket, key, opts, upload_id, part->number);
	r.source = source;
	r.payload_hash = hex;
	s3_header(&r, "x-amz-checksum-sha256", base64);
	int ret = send_part(c, &r, xstrdup(base64), part, err);
	s3_request_release(&r);
	return ret;
}

/* "…-3": the SHA-256 of the parts' SHA-256s. Empty where a part has none. */
static void whole_sha256(const struct s3_parts *parts, struct strbuf *out)
{
	struct strbuf raw = STRBUF_INIT;
	unsigned char sha[SHA256_BYTES];
	for (size_t i = 0; i < parts->nr; i++) {
		const char *one = parts->v[i].sha256;
		if (!one || base64_decode(&raw, one, strlen(one)) < 0)
			goto out;
	}
	digest_sha256(raw.buf, raw.len, sha);
	base64_encode(out, sha, sizeof(sha));
	strbuf_addf(out, "-%zu", parts->nr);
out:
	strbuf_release(&raw);
}

/* A service that knows no checksums says nothing of them. */
static int check_whole(const char *key, const struct s3_request *r, const struct http_reply *reply,
	const struct s3_parts *parts, struct err *err)
{
	struct strbuf wanted = STRBUF_INIT;
	struct xml_doc *doc = reply->body.len ? s3_reply_xml(r, reply, NULL) : NULL;
	const char *got = doc ? xml_child_text(xml_root(doc), "ChecksumSHA256") : NULL;
	int ret = 0;
	whole_sha256(parts, &wanted);
	if (got && strchr(got, '-') && wanted.len && strcmp(got, wanted.buf) != 0)
		ret = err_set(err, ERR_TRANSIENT,
			"'%s' has another checksum in the bucket than what was sent", key);
	if (doc)
		xml_free(doc);
	strbuf_release(&wanted);
	return ret;
}

int s3_complete_multipart_upload(struct aws_client *c, const char *bucket, const char *key,
	const struct s3_put_opts *opts, const char *upload_id, const struct s3_parts *parts,
	struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct strbuf body = STRBUF_INIT;
	/* S3 answers a repeated one with the first one's success, but a condition would fail on it. */
	s3_request_init(&r, "CompleteMultipartUpload", s3_put_flags(opts), "POST", bucket, key);
	s3_query(&r, "uploadId", upload_id);
	strbuf_addstr(&body,
		"<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < parts->nr; i++) {
		strbuf_addstr(&body, "<Part>");
		xml_add_element(&body, "ETag", parts->v[i].etag);
		xml_add_element(&body, "ChecksumSHA256", parts->v[i].sha256);
		strbuf_addf(&body, "<PartNumber>%d</PartNumber></Part>", parts->v[i].number);
	}
	strbuf_addstr(&body, "</CompleteMultipartUpload>");
	s3_header(&r, "Content-Type", "application/xml");
	if (opts) {
		s3_owner(&r, opts->owner);
		s3_header(&r, "If-Match", opts->if_match);
		s3_header(&r, "If-None-Match", opts->if_none_match ? "*" : NULL);
	}
	r.body = body.buf;
	r.body_len = body.len;
	r.error_in_ok = true;
	int ret = s3_send(c, &r, &reply, err);
	if (ret == 0)
		ret = check_whole(key, &r, &reply, parts, err);
	s3_request_release(&r);
	http_reply_release(&reply);
	strbuf_release(&body);
	return ret;
}

int s3_abort_multipart_upload(struct aws_client *c, const char *bucket, const char *key,
	const char *owner, const char *upload_id, struct err *err)
{
	struct s3_request r;
	s3_request_init(&r, "AbortMultipartUpload", AWS_OP_IDEMPOTENT, "DELETE", bucket, key);
	s3_query(&r, "uploadId", upload_id);
	s3_owner(&r, owner);
	int ret = s3_send_only(c, &r, err);
	s3_request_release(&r);
	return ret;
}
