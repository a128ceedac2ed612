/* How an S3 request is put together. */
#include "base64.h"
#include "clock.h"
#include "digest.h"
#include "s3_internal.h"
#include "uri.h"

void s3_request_init(struct s3_request *r, const char *operation, unsigned flags,
	const char *method, const char *bucket, const char *key)
{
	*r = (struct s3_request){.operation = operation,
		.flags = flags,
		.method = method,
		.bucket = bucket,
		.key = key};
	strbuf_init(&r->query);
	strvec_init(&r->headers);
}

void s3_request_release(struct s3_request *r)
{
	strbuf_release(&r->query);
	strvec_release(&r->headers);
}

void s3_query(struct s3_request *r, const char *name, const char *value)
{
	if (r->query.len)
		strbuf_addch(&r->query, '&');
	strbuf_addstr(&r->query, name);
	if (!value)
		return;
	strbuf_addch(&r->query, '=');
	uri_encode(&r->query, value, strlen(value), false);
}

void s3_header(struct s3_request *r, const char *name, const char *value)
{
	if (value)
		strvec_pushf(&r->headers, "%s: %s", name, value);
}

void s3_owner(struct s3_request *r, const char *owner)
{
	s3_header(r, "x-amz-expected-bucket-owner", owner);
}

/* HEAD replies have no body to say what was missing. */
static void name_bare_error(const struct s3_request *r, struct err *err)
{
	if (!err || strcmp(r->method, "HEAD") != 0 || !err->aws_code ||
		!starts_with(err->aws_code, "HTTP"))
		return;
	struct err better = ERR_INIT;
	struct strbuf what = STRBUF_INIT;
	strbuf_addf(&what, "s3://%s%s%s", r->bucket, r->key ? "/" : "", r->key ? r->key : "");
	if (err->http_status == 404)
		err_set(&better, err->code, "there is no '%s'", what.buf);
	else
		err_set(&better, err->code, "'%s' answered with HTTP status %d", what.buf,
			err->http_status);
	better.http_status = err->http_status;
	better.operation = xstrdup(err->operation);
	better.request_id = xstrdup(err->request_id);
	better.aws_code = xstrdup(err->http_status == 404   ? "NotFound"
				  : err->http_status == 403 ? "Forbidden"
							    : err->aws_code);
	err_move(err, &better);
	strbuf_release(&what);
}

int s3_send(struct aws_client *c, struct s3_request *r, struct http_reply *reply, struct err *err)
{
	struct strbuf path = STRBUF_INIT;
	if (r->bucket && !*r->bucket)
		return err_set(err, ERR_INVALID, "%s: the bucket has no name", r->operation);
	if (r->key && !*r->key)
		return err_set(err, ERR_INVALID, "%s: the key is empty", r->operation);
	strbuf_addch(&path, '/');
	if (r->key)
		uri_encode(&path, r->key, strlen(r->key), true);
	const struct aws_request req = {
		.svc = wire_service_find("s3"),
		.operation = r->operation,
		.flags = r->flags,
		.method = r->method,
		.bucket = r->bucket,
		.path = path.buf,
		.query = r->query.buf,
		.headers = &r->headers,
		.body = r->body,
		.body_len = r->body_len,
		.source = r->source,
		.sink = r->sink,
		.max_reply_bytes = r->max_reply_bytes,
		.payload_hash = r->payload_hash,
		.error_in_ok = r->error_in_ok,
		.attempts = &r->attempts,
	};
	int ret = aws_perform(c, &req, reply, err);
	if (ret < 0)
		name_bare_error(r, err);
	strbuf_release(&path);
	return ret;
}

int s3_send_only(struct aws_client *c, struct s3_request *r, struct err *err)
{
	struct http_reply reply = HTTP_REPLY_INIT;
	int ret = s3_send(c, r, &reply, err);
	http_reply_release(&reply);
	return ret;
}

struct xml_doc *s3_reply_xml(
	const struct s3_request *r, const struct http_reply *reply, struct err *err)
{
	struct xml_doc *doc = xml_parse(reply->body.buf, reply->body.len, err);
	if (doc && xml_root(doc))
		return doc;
	if (doc) {
		xml_free(doc);
		err_set(err, ERR_FAILED, "the reply is empty");
	}
	err_wrap(err, "the reply to %s is not understood", r->operation);
	return NULL;
}

void s3_content_md5(struct s3_request *r)
{
	unsigned char md5[MD5_BYTES];
	struct strbuf text = STRBUF_INIT;
	digest_md5(r->body ? r->body : "", r->body_len, md5);
	base64_encode(&text, md5, sizeof(md5));
	s3_header(r, "Content-MD5", text.buf);
	strbuf_release(&text);
}

void s3_body_sha256(struct s3_request *r, struct strbuf *hex, struct strbuf *base64)
{
	unsigned char sha[SHA256_BYTES];
	digest_sha256(r->body ? r->body : "", r->body_len, sha);
	strbuf_clear(hex);
	strbuf_clear(base64);
	for (size_t i = 0; i < sizeof(sha); i++)
		strbuf_addf(hex, "%02x", sha[i]);
	base64_encode(base64, sha, sizeof(sha));
	s3_header(r, "x-amz-checksum-sha256", base64->buf);
	r->payload_hash = hex->buf;
}

void s3_put_headers(struct s3_request *r, const struct s3_put_opts *opts)
{
	const char *type = opts ? opts->content_type : NULL;
	s3_header(r, "Content-Type", type ? type : "binary/octet-stream");
	if (!opts)
		return;
	s3_owner(r, opts->owner);
	s3_header(r, "If-Match", opts->if_match);
	if (opts->if_none_match)
		s3_header(r, "If-None-Match", "*");
}

unsigned s3_put_flags(const struct s3_put_opts *opts)
{
	return opts && (opts->if_match || opts->if_none_match) ? 0 : AWS_OP_IDEMPOTENT;
}

char *s3_reply_etag(const struct http_reply *reply)
{
	return xstrdup(http_reply_header(reply, "etag"));
}

char *s3_url_decode(const char *text)
{
	struct strbuf out = STRBUF_INIT;
	if (!text)
		return NULL;
	if (uri_decode(&out, text, strlen(text), true, NULL) < 0) {
		strbuf_clear(&out);
		strbuf_addstr(&out, text);
	}
	return strbuf_detach(&out, NULL);
}

int64_t s3_time(const char *text)
{
	int64_t ms = 0;
	return text && clock_parse(text, &ms) == 0 ? ms : 0;
}
