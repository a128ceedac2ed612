#ifndef SIGV4_H
#define SIGV4_H

/*
 * AWS Signature Version 4 ("Create a signed AWS API request" in the IAM User Guide), in stages over one
 * state struct so that each can be tested against the published vectors. Used by the client to sign and by the
 * local cloud to verify; no sockets, no clock of its own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "strbuf.h"

struct sigv4_header {
	const char *name; /* any case */
	const char *value;
};

#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define SIGV4_STREAMING "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
#define SIGV4_STREAMING_TRAILER "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
#define SIGV4_UNSIGNED_TRAILER "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
#define SIGV4_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct sigv4_request {
	const char *method;
	const char *path;  /* as on the request line, before '?' */
	const char *query; /* as on the request line, without '?'; NULL or "" when none */
	const struct sigv4_header *headers;
	size_t nr_headers;
	const char *payload_hash; /* hex SHA-256 of the body, or one of the words above */
	bool s3;                  /* the path is encoded once and not normalised */
	bool no_normalize;        /* others: leave "." and "//" in the path */
};

struct sigv4_scope {
	const char *region, *service;
	char date[9];      /* 20261121 */
	char datetime[17]; /* 20261121T092605Z */
};

struct sigv4_keys {
	const char *access_key_id, *secret_access_key, *session_token; /* token NULL when none */
};

struct sigv4_state {
	struct strbuf canonical_request, signed_headers, string_to_sign;
	char signature[65];
};
#define SIGV4_STATE_INIT                               \
	{                                              \
		STRBUF_INIT, STRBUF_INIT, STRBUF_INIT, \
		{                                      \
			0                              \
		}                                      \
	}
void sigv4_state_release(struct sigv4_state *s);

void sigv4_scope_init(
	struct sigv4_scope *scope, int64_t now_ms, const char *region, const char *service);

/* The stages. `only` (NULL-terminated, lower case, sorted) names the headers to sign; NULL: all given ones but
 * those that proxies change (authorization, connection, user-agent, expect, x-amzn-trace-id, transfer-encoding). */
void sigv4_canonical_request(
	struct sigv4_state *s, const struct sigv4_request *req, const char *const *only);
void sigv4_string_to_sign(struct sigv4_state *s, const struct sigv4_scope *scope);
void sigv4_signature(struct sigv4_state *s, const struct sigv4_scope *scope, const char *secret);

/* The pieces of the last stage, for chunk signatures. The key is a secret: wipe() it. */
#define SIGV4_KEY_BYTES 32
#define SIGV4_SIGNATURE_SIZE 65 /* 64 hex digits and NUL */
void sigv4_signing_key(
	const struct sigv4_scope *scope, const char *secret, unsigned char key[SIGV4_KEY_BYTES]);
void sigv4_sign_text(const unsigned char key[SIGV4_KEY_BYTES], const char *text, size_t len,
	char signature[SIGV4_SIGNATURE_SIZE]);

/* All of it: the value of the Authorization header appended to `authorization`. The request must carry host,
 * x-amz-date and, with a session token, x-amz-security-token already. */
void sigv4_sign(struct sigv4_state *s, const struct sigv4_request *req,
	const struct sigv4_scope *scope, const struct sigv4_keys *keys,
	struct strbuf *authorization);
/* Appends the presigned query (sorted, with X-Amz-Signature last) for req->query plus the X-Amz-… parameters. */
void sigv4_presign(struct sigv4_state *s, const struct sigv4_request *req,
	const struct sigv4_scope *scope, const struct sigv4_keys *keys, int64_t expires_s,
	struct strbuf *query);

/* --- verifying --- */
/* What a request says of itself, from its Authorization header or its presigned query. */
struct sigv4_claim {
	char *access_key_id, *region, *service, *signature, *session_token;
	char date[9], datetime[17];
	char **signed_headers; /* NULL-terminated, lower case */
	int64_t expires_s;     /* presigned; else -1 */
	bool presigned;
};
#define SIGV4_CLAIM_INIT \
	{                \
		0        \
	}
void sigv4_claim_release(struct sigv4_claim *c);
/* 1: there is one, 0: the request is anonymous, -1: malformed (err->name is AWS's code, such as
 * AuthorizationHeaderMalformed or IncompleteSignature). */
int sigv4_claim_parse(
	const struct sigv4_request *req, struct sigv4_claim *out, struct err *err) must_check;
/* Checks signature, date (15 minutes' skew; expiry when presigned) against the secret; the seed signature of a chunked
 * body is claim->signature. err->name: SignatureDoesNotMatch, RequestTimeTooSkewed, AccessDenied ("Request has expired"). */
int sigv4_verify(const struct sigv4_request *req, const struct sigv4_claim *claim,
	const char *secret, int64_t now_ms, struct err *err) must_check;

#endif
