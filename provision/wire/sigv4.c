/* Signing: string to sign, key derivation, signature, Authorization header and presigned query. */
#include "sigv4.h"
#include "clock.h"
#include "digest.h"
#include "hex.h"
#include "sigv4_internal.h"
#include "uri.h"

void sigv4_state_release(struct sigv4_state *s)
{
	strbuf_release(&s->canonical_request);
	strbuf_release(&s->signed_headers);
	strbuf_release(&s->string_to_sign);
	memset(s->signature, 0, sizeof(s->signature));
}

void sigv4_scope_init(
	struct sigv4_scope *scope, int64_t now_ms, const char *region, const char *service)
{
	struct strbuf at = STRBUF_INIT;
	clock_add_amz(&at, now_ms);
	scope->region = region;
	scope->service = service;
	snprintf(scope->datetime, sizeof(scope->datetime), "%s", at.buf);
	snprintf(scope->date, sizeof(scope->date), "%.8s", at.buf);
	strbuf_release(&at);
}

void sigv4_add_scope(struct strbuf *out, const struct sigv4_scope *scope)
{
	strbuf_addf(out, "%s/%s/%s/" SIGV4_TERMINATOR, scope->date, scope->region, scope->service);
}

void sigv4_string_to_sign(struct sigv4_state *s, const struct sigv4_scope *scope)
{
	struct strbuf *out = &s->string_to_sign;
	strbuf_clear(out);
	strbuf_addf(out, SIGV4_ALGORITHM "\n%s\n", scope->datetime);
	sigv4_add_scope(out, scope);
	strbuf_addch(out, '\n');
	digest_sha256_hex(s->canonical_request.buf, s->canonical_request.len, out);
}

void sigv4_signing_key(
	const struct sigv4_scope *scope, const char *secret, unsigned char key[SIGV4_KEY_BYTES])
{
	struct strbuf first = STRBUF_INIT;
	strbuf_addf(&first, "AWS4%s", secret);
	unsigned char date_key[SHA256_BYTES], region_key[SHA256_BYTES], service_key[SHA256_BYTES];
	digest_hmac_sha256(first.buf, first.len, scope->date, strlen(scope->date), date_key);
	digest_hmac_sha256(
		date_key, sizeof(date_key), scope->region, strlen(scope->region), region_key);
	digest_hmac_sha256(region_key, sizeof(region_key), scope->service, strlen(scope->service),
		service_key);
	digest_hmac_sha256(
		service_key, sizeof(service_key), SIGV4_TERMINATOR, strlen(SIGV4_TERMINATOR), key);
	wipe(first.buf, first.len);
	wipe(date_key, sizeof(date_key));
	wipe(region_key, sizeof(region_key));
	wipe(service_key, sizeof(service_key));
	strbuf_release(&first);
}

void sigv4_sign_text(const unsigned char key[SIGV4_KEY_BYTES], const char *text, size_t len,
	char signature[SIGV4_SIGNATURE_SIZE])
{
	unsigned char mac[SHA256_BYTES];
	struct strbuf hex = STRBUF_INIT;
	digest_hmac_sha256(key, SIGV4_KEY_BYTES, text, len, mac);
	hex_encode(&hex, mac, sizeof(mac));
	memcpy(signature, hex.buf, SIGV4_SIGNATURE_SIZE);
	strbuf_release(&hex);
}

void sigv4_signature(struct sigv4_state *s, const struct sigv4_scope *scope, const char *secret)
{
	unsigned char key[SIGV4_KEY_BYTES];
	sigv4_signing_key(scope, secret, key);
	sigv4_sign_text(key, s->string_to_sign.buf, s->string_to_sign.len, s->signature);
	wipe(key, sizeof(key));
}

void sigv4_sign(struct sigv4_state *s, const struct sigv4_request *req,
	const struct sigv4_scope *scope, const struct sigv4_keys *keys,
	struct strbuf *authorization)
{
	sigv4_canonical_request(s, req, NULL);
	sigv4_string_to_sign(s, scope);
	sigv4_signature(s, scope, keys->secret_access_key);
	strbuf_addf(authorization, SIGV4_ALGORITHM " Credential=%s/", keys->access_key_id);
	sigv4_add_scope(authorization, scope);
	strbuf_addf(authorization, ", SignedHeaders=%s, Signature=%s", s->signed_headers.buf,
		s->signature);
}

static void add_parameter(struct strbuf *query, const char *name, const char *value)
{
	if (query->len)
		strbuf_addch(query, '&');
	strbuf_addf(query, "%s=", name);
	uri_encode(query, value, strlen(value), false);
}

/* The names that sigv4_canonical_request would sign. */
static void find_signed_headers(const struct sigv4_request *req, struct strbuf *out)
{
	struct sigv4_state names = SIGV4_STATE_INIT;
	sigv4_canonical_request(&names, req, NULL);
	strbuf_swap(out, &names.signed_headers);
	sigv4_state_release(&names);
}

void sigv4_presign(struct sigv4_state *s, const struct sigv4_request *req,
	const struct sigv4_scope *scope, const struct sigv4_keys *keys, int64_t expires_s,
	struct strbuf *query)
{
	struct strbuf all = STRBUF_INIT, credential = STRBUF_INIT, names = STRBUF_INIT;
	char expires[24];
	struct sigv4_request with_query = *req;

	find_signed_headers(req, &names);
	strbuf_addf(&credential, "%s/", keys->access_key_id);
	sigv4_add_scope(&credential, scope);
	snprintf(expires, sizeof(expires), "%lld", (long long)expires_s);
	if (req->query)
		strbuf_addstr(&all, req->query);
	add_parameter(&all, "X-Amz-Algorithm", SIGV4_ALGORITHM);
	add_parameter(&all, "X-Amz-Credential", credential.buf);
	add_parameter(&all, "X-Amz-Date", scope->datetime);
	add_parameter(&all, "X-Amz-Expires", expires);
	add_parameter(&all, "X-Amz-SignedHeaders", names.buf);
	if (keys->session_token)
		add_parameter(&all, "X-Amz-Security-Token", keys->session_token);
	with_query.query = all.buf;
	sigv4_canonical_request(s, &with_query, NULL);
	sigv4_string_to_sign(s, scope);
	sigv4_signature(s, scope, keys->secret_access_key);
	sigv4_add_canonical_query(query, all.buf, NULL);
	strbuf_addf(query, "&X-Amz-Signature=%s", s->signature);
	strbuf_release(&all);
	strbuf_release(&credential);
	strbuf_release(&names);
}
