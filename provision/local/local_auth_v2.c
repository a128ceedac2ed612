/*
 * Signature Version 2 in S3's query and forms ("Signing and authenticating REST requests (AWS signature version 2)"):
 * it is what boto3 makes of a presigned URL in us-east-1 unless told otherwise, and S3 takes it there.
 */
#include "base64.h"
#include "digest.h"
#include "local_s3.h"
#include "uri.h"
#include "xalloc.h"

#define SHA1_BYTES 20
#define SHA1_BLOCK 64

/* Parameters that are part of the resource. */
static const char *const sub_resources[] = {"accelerate", "acl", "analytics", "cors", "delete",
	"inventory", "lifecycle", "location", "logging", "metrics", "notification", "object-lock",
	"partNumber", "policy", "replication", "requestPayment", "response-cache-control",
	"response-content-disposition", "response-content-encoding", "response-content-language",
	"response-content-type", "response-expires", "restore", "select", "select-type",
	"storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning",
	"versions", "website"};

/* --- HMAC-SHA1, as base64 --- */

static void hash_padded(const unsigned char *key, unsigned char pad, const void *data, size_t len,
	struct strbuf *out)
{
	unsigned char block[SHA1_BLOCK];
	struct digest *d = digest_new(DIGEST_SHA1);
	size_t i;

	for (i = 0; i < SHA1_BLOCK; i++)
		block[i] = key[i] ^ pad;
	digest_add(d, block, sizeof(block));
	digest_add(d, data, len);
	digest_finish(d, out);
	wipe(block, sizeof(block));
}

static void hmac_sha1(const char *secret, const struct strbuf *text, struct strbuf *base64)
{
	unsigned char key[SHA1_BLOCK] = {0};
	struct strbuf inner = STRBUF_INIT, outer = STRBUF_INIT;
	size_t len = strlen(secret);

	if (len > SHA1_BLOCK) {
		struct digest *d = digest_new(DIGEST_SHA1);

		digest_add(d, secret, len);
		digest_finish(d, &inner);
		memcpy(key, inner.buf, SHA1_BYTES);
		strbuf_clear(&inner);
	} else
		memcpy(key, secret, len);
	hash_padded(key, 0x36, text->buf, text->len, &inner);
	hash_padded(key, 0x5c, inner.buf, inner.len, &outer);
	base64_encode(base64, outer.buf, outer.len);
	wipe(key, sizeof(key));
	strbuf_release(&inner);
	strbuf_release(&outer);
}

static bool signature_fits(const char *secret, const struct strbuf *text, const char *signature)
{
	struct strbuf computed = STRBUF_INIT;
	bool fits;

	hmac_sha1(secret, text, &computed);
	fits = computed.len == strlen(signature) &&
	       digest_equal(computed.buf, signature, computed.len);
	strbuf_release(&computed);
	return fits;
}

/* --- the claim --- */

static char *decoded(const char *text, size_t len)
{
	struct strbuf sb = STRBUF_INIT;

	if (uri_decode(&sb, text, len, true, NULL))
		strbuf_clear(&sb);
	return strbuf_detach(&sb, NULL);
}

/* The query's pieces as name, value, name, value…; a value that has no '=' before it is "". */
static void read_query(const struct local_http *h, struct strvec *out)
{
	struct strvec pieces = STRVEC_INIT;
	size_t i;

	strvec_split(&pieces, h->query ? h->query : "", '&');
	for (i = 0; i < pieces.nr; i++) {
		size_t len = strcspn(pieces.v[i], "=");
		const char *value = pieces.v[i] + len + (pieces.v[i][len] == '=');

		strvec_push_take(out, decoded(pieces.v[i], len));
		strvec_push_take(out, decoded(value, strlen(value)));
	}
	strvec_release(&pieces);
}

static const char *value_of(const struct strvec *query, const char *name)
{
	size_t i;

	for (i = 0; i + 1 < query->nr; i += 2)
		if (!strcmp(query->v[i], name))
			return query->v[i + 1];
	return NULL;
}

bool local_auth_v2_claim(struct local_http *h)
{
	struct strvec query = STRVEC_INIT;
	const char *key, *signature, *expires;
	long long at;

	if (!h->query || !strstr(h->query, "AWSAccessKeyId=") ||
		local_http_header(h, "authorization"))
		return false;
	read_query(h, &query);
	key = value_of(&query, "AWSAccessKeyId");
	signature = value_of(&query, "Signature");
	expires = value_of(&query, "Expires");
	h->signature_v2 = key && signature && expires && !value_of(&query, "X-Amz-Algorithm") &&
			  !parse_int64(expires, 0, INT64_MAX / 1000, &at);
	if (h->signature_v2) {
		sigv4_claim_release(&h->claim);
		h->claim = (struct sigv4_claim){.access_key_id = xstrdup(key),
			.region = xstrdup("us-east-1"),
			.service = xstrdup("s3"),
			.signature = xstrdup(signature),
			.session_token = xstrdup(value_of(&query, "x-amz-security-token")),
			.expires_s = at,
			.presigned = true};
	}
	strvec_release(&query);
	return h->signature_v2;
}

/* --- what was signed --- */

/* "x-amz-meta-a:b" of headers, and of parameters that stand for headers; sorted. */
static void add_headers(const struct local_http *h, const struct strvec *query, struct strbuf *text)
{
	struct strvec lines = STRVEC_INIT;
	size_t i;

	for (i = 0; i < h->nr_headers; i++) {
		char *name = xstrdup(h->headers[i].name);

		lower_ascii(name);
		if (starts_with(name, "x-amz-"))
			strvec_pushf(&lines, "%s:%s", name, h->headers[i].value);
		free(name);
	}
	for (i = 0; i + 1 < query->nr; i += 2)
		if (starts_with(query->v[i], "x-amz-") && !local_http_header(h, query->v[i]))
			strvec_pushf(&lines, "%s:%s", query->v[i], query->v[i + 1]);
	strvec_sort(&lines);
	for (i = 0; i < lines.nr; i++)
		strbuf_addf(text, "%s\n", lines.v[i]);
	strvec_release(&lines);
}

static bool is_sub_resource(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sub_resources); i++)
		if (!strcmp(sub_resources[i], name))
			return true;
	return false;
}

static void add_resource(
	const struct local_http *h, const struct strvec *query, struct strbuf *text)
{
	char *bucket = local_s3_host_bucket(h);
	struct strvec found = STRVEC_INIT;
	size_t i;

	if (bucket)
		strbuf_addf(text, "/%s", bucket);
	strbuf_addstr(text, h->path);
	for (i = 0; i + 1 < query->nr; i += 2)
		if (is_sub_resource(query->v[i]))
			strvec_pushf(&found, "%s%s%s", query->v[i], *query->v[i + 1] ? "=" : "",
				query->v[i + 1]);
	strvec_sort(&found);
	for (i = 0; i < found.nr; i++)
		strbuf_addf(text, "%c%s", i ? '&' : '?', found.v[i]);
	strvec_release(&found);
	free(bucket);
}

static const char *header_or_none(const struct local_http *h, const char *name)
{
	const char *value = local_http_header(h, name);

	return value ? value : "";
}

bool local_auth_v2_fits(const struct local_http *h)
{
	struct strvec query = STRVEC_INIT;
	struct strbuf text = STRBUF_INIT;
	bool fits;

	read_query(h, &query);
	strbuf_addf(&text, "%s\n%s\n%s\n%lld\n", h->method, header_or_none(h, "content-md5"),
		header_or_none(h, "content-type"), (long long)h->claim.expires_s);
	add_headers(h, &query, &text);
	add_resource(h, &query, &text);
	fits = signature_fits(h->secret, &text, h->claim.signature);
	strbuf_release(&text);
	strvec_release(&query);
	return fits;
}

bool local_auth_v2_policy_fits(
	const struct local_http *h, const char *policy, const char *signature)
{
	struct strbuf text = STRBUF_INIT;
	bool fits;

	strbuf_addstr(&text, policy);
	fits = signature_fits(h->secret, &text, signature);
	strbuf_release(&text);
	return fits;
}
