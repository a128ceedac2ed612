/*
 * Signs and verifies what JSON lines on standard input describe, one reply line each, for comparison with
 * another signer (test_sigv4_oracle.py).
 */
#include <stdio.h>
#include "awschunked.h"
#include "base64.h"
#include "json.h"
#include "sigv4.h"

struct job {
	struct sigv4_request req;
	struct sigv4_header *headers;
	struct sigv4_scope scope;
	struct sigv4_keys keys;
};

static void read_job(const struct json *in, struct job *job)
{
	const struct json *headers = json_get(in, "headers"), *h;
	size_t n = 0;
	job->headers = xcalloc(json_len(headers) + 1, sizeof(*job->headers));
	json_each(h, headers)
	{
		job->headers[n].name = json_str(json_at(h, 0));
		job->headers[n++].value = json_str(json_at(h, 1));
	}
	job->req = (struct sigv4_request){.method = json_get_str(in, "method"),
		.path = json_get_str(in, "path"),
		.query = json_get_str(in, "query"),
		.headers = job->headers,
		.nr_headers = n,
		.payload_hash = json_get_str(in, "payload_hash"),
		.s3 = json_get_truth(in, "s3", false),
		.no_normalize = json_get_truth(in, "no_normalize", false)};
	job->keys = (struct sigv4_keys){json_get_str(in, "access_key"), json_get_str(in, "secret"),
		json_get_str(in, "token")};
	sigv4_scope_init(&job->scope, json_get_i64(in, "now_ms", 0), json_get_str(in, "region"),
		json_get_str(in, "service"));
}

static void put_state(struct json *out, const struct sigv4_state *s)
{
	json_set_str(out, "canonical_request", s->canonical_request.buf);
	json_set_str(out, "string_to_sign", s->string_to_sign.buf);
	json_set_str(out, "signature", s->signature);
}

static void do_sign(const struct json *in, const struct job *job, struct json *out)
{
	struct sigv4_state s = SIGV4_STATE_INIT;
	struct strbuf text = STRBUF_INIT;
	if (!strcmp(json_get_str(in, "op"), "presign")) {
		sigv4_presign(&s, &job->req, &job->scope, &job->keys,
			json_get_i64(in, "expires", 3600), &text);
		json_set_str(out, "query", text.buf);
	} else {
		sigv4_sign(&s, &job->req, &job->scope, &job->keys, &text);
		json_set_str(out, "authorization", text.buf);
	}
	put_state(out, &s);
	strbuf_release(&text);
	sigv4_state_release(&s);
}

static void put_error(struct json *out, const struct err *err)
{
	json_set_str(out, "error", err_name(err));
	json_set_str(out, "text", err->text);
}

/* Decodes a chunked body, fed in pieces of "piece" bytes; `claim` is that of the request where chunks are signed. */
static void do_chunks(const struct json *in, const struct sigv4_claim *claim, struct json *out)
{
	struct strbuf raw = STRBUF_INIT, body = STRBUF_INIT, text = STRBUF_INIT,
		      trailers = STRBUF_INIT;
	struct err err = ERR_INIT;
	const char *b64 = json_get_str(in, "body");
	size_t piece = (size_t)json_get_i64(in, "piece", 1);
	struct awschunked *d =
		awschunked_new(claim ? json_get_str(in, "payload_hash") : SIGV4_UNSIGNED_TRAILER,
			claim, claim ? json_get_str(in, "secret") : NULL);
	int ret = base64_decode(&raw, b64, strlen(b64));
	for (size_t at = 0; ret == 0 && at < raw.len; at += piece)
		ret = awschunked_feed(
			d, raw.buf + at, raw.len - at < piece ? raw.len - at : piece, &body, &err);
	if (ret == 0)
		ret = awschunked_finish(d, &trailers, &err);
	if (ret == 0) {
		base64_encode(&text, body.buf, body.len);
		json_set_str(out, "body", text.buf);
		json_set_str(out, "trailers", trailers.buf);
	} else {
		put_error(out, &err);
	}
	awschunked_free(d);
	err_release(&err);
	strbuf_release(&raw);
	strbuf_release(&body);
	strbuf_release(&text);
	strbuf_release(&trailers);
}

static void do_verify(const struct json *in, const struct job *job, struct json *out)
{
	struct sigv4_claim claim = SIGV4_CLAIM_INIT;
	struct err err = ERR_INIT;
	int found = sigv4_claim_parse(&job->req, &claim, &err);
	json_set_i64(out, "claim", found);
	if (found == 1) {
		json_set_str(out, "access_key", claim.access_key_id);
		json_set_str(out, "token", claim.session_token);
		if (sigv4_verify(&job->req, &claim, json_get_str(in, "secret"),
			    json_get_i64(in, "now_ms", 0), &err) == 0) {
			json_set_bool(out, "ok", true);
			if (json_get(in, "body"))
				do_chunks(in, &claim, out);
		}
	}
	if (err.code != ERR_NONE)
		put_error(out, &err);
	sigv4_claim_release(&claim);
	err_release(&err);
}

static void answer(const char *line, size_t len)
{
	struct err err = ERR_INIT;
	struct json *in = json_parse(line, len, &err), *out = json_object();
	const char *op = json_get_str(in, "op");
	struct strbuf text = STRBUF_INIT;
	if (!op) {
		json_set_str(out, "error", err.text ? err.text : "no op");
	} else if (!strcmp(op, "chunks")) {
		do_chunks(in, NULL, out);
	} else {
		struct job job;
		read_job(in, &job);
		if (!strcmp(op, "verify"))
			do_verify(in, &job, out);
		else
			do_sign(in, &job, out);
		free(job.headers);
	}
	json_print(out, &text);
	puts(text.buf);
	strbuf_release(&text);
	json_free(in);
	json_free(out);
	err_release(&err);
}

int main(void)
{
	char *line = NULL;
	size_t alloc = 0;
	ssize_t len;
	while ((len = getline(&line, &alloc, stdin)) > 0)
		answer(line, (size_t)len);
	free(line);
	return 0;
}
