/*
 * States:  LINE (a chunk's header) -> DATA -> DATA_END (its CR LF) -> LINE …, and after the chunk of size 0
 *          TRAILER (lines up to an empty one) -> DONE.
 * Some clients put an empty line before the trailer's signature: one is passed over (trailer_paused).
 * Invariants: `line` holds at most MAX_LINE bytes; `previous` is the signature that the next one is chained to;
 * `hash` is live only in DATA and DATA_END of a signed body.
 */
#include "awschunked.h"
#include "digest.h"
#include "hex.h"
#include "sigv4_internal.h"

#define MAX_LINE 16384
#define MAX_TRAILERS 65536
#define MAX_CHUNK (5LL << 30)

enum chunk_state { CHUNK_LINE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER, CHUNK_DONE };

struct awschunked {
	enum chunk_state state;
	bool is_signed, has_trailer, trailer_checked, trailer_paused, broken;
	unsigned char key[SIGV4_KEY_BYTES];
	char datetime[17], previous[SIGV4_SIGNATURE_SIZE], expected[SIGV4_SIGNATURE_SIZE];
	struct strbuf scope, line, trailers;
	uint64_t left;
	struct digest *hash;
};

struct awschunked *awschunked_new(
	const char *payload_hash, const struct sigv4_claim *claim, const char *secret)
{
	struct awschunked *d = xcalloc(1, sizeof(*d));
	strbuf_init(&d->scope);
	strbuf_init(&d->line);
	strbuf_init(&d->trailers);
	d->has_trailer = ends_with(payload_hash, "-TRAILER");
	d->is_signed = claim && secret && strcmp(payload_hash, SIGV4_UNSIGNED_TRAILER) != 0;
	if (!d->is_signed)
		return d;
	struct sigv4_scope scope = {.region = claim->region, .service = claim->service};
	memcpy(scope.date, claim->date, sizeof(scope.date));
	memcpy(scope.datetime, claim->datetime, sizeof(scope.datetime));
	memcpy(d->datetime, claim->datetime, sizeof(d->datetime));
	snprintf(d->previous, sizeof(d->previous), "%s", claim->signature);
	sigv4_add_scope(&d->scope, &scope);
	sigv4_signing_key(&scope, secret, d->key);
	return d;
}

void awschunked_free(struct awschunked *d)
{
	if (!d)
		return;
	digest_free(d->hash);
	strbuf_release(&d->scope);
	strbuf_release(&d->line);
	strbuf_release(&d->trailers);
	wipe(d->key, sizeof(d->key));
	free(d);
}

static int incomplete(struct awschunked *d, struct err *err, const char *why)
{
	d->broken = true;
	err_set(err, ERR_INVALID, "%s", why);
	return err_named(err, "IncompleteBody");
}

static int mismatch(struct awschunked *d, struct err *err)
{
	d->broken = true;
	err_set(err, ERR_INVALID,
		"The request signature we calculated does not match the signature you provided.");
	return err_named(err, "SignatureDoesNotMatch");
}

/* Checks the signature over `tail` (hashes in hex, one a line) and chains it. */
static int check_signature(struct awschunked *d, const char *kind, const struct strbuf *tail,
	const char *given, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	char wanted[SIGV4_SIGNATURE_SIZE];
	strbuf_addf(&text, "%s\n%s\n%s\n%s\n%s", kind, d->datetime, d->scope.buf, d->previous,
		tail->buf);
	sigv4_sign_text(d->key, text.buf, text.len, wanted);
	strbuf_release(&text);
	if (strlen(given) != 64 || !digest_equal(wanted, given, 64))
		return mismatch(d, err);
	memcpy(d->previous, wanted, sizeof(wanted));
	return 0;
}

static int check_chunk(struct awschunked *d, struct err *err)
{
	struct strbuf raw = STRBUF_INIT, tail = STRBUF_INIT;
	if (!d->is_signed)
		return 0;
	digest_finish(d->hash, &raw);
	d->hash = NULL;
	strbuf_addstr(&tail, SIGV4_EMPTY_SHA256 "\n");
	hex_encode(&tail, raw.buf, raw.len);
	int ret = check_signature(d, "AWS4-HMAC-SHA256-PAYLOAD", &tail, d->expected, err);
	strbuf_release(&raw);
	strbuf_release(&tail);
	return ret;
}

static int parse_size(const char *s, uint64_t *size, const char **end)
{
	uint64_t n = 0;
	const char *p = s;
	for (; *p; p++) {
		unsigned char c = (unsigned char)*p;
		unsigned digit;
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (unsigned)((c | 0x20) - 'a') + 10;
		else
			break;
		n = n * 16 + digit;
		if (n > MAX_CHUNK)
			return -1;
	}
	*size = n;
	*end = p;
	return p == s ? -1 : 0;
}

/* "400;chunk-signature=<64 hex>" or "400" */
static int begin_chunk(struct awschunked *d, struct err *err)
{
	const char *p, *extension = ";chunk-signature=";
	if (parse_size(d->line.buf, &d->left, &p) < 0)
		return incomplete(d, err, "a chunk of the body has no valid size");
	if (starts_with(p, extension)) {
		if (strlen(p + strlen(extension)) != 64)
			return mismatch(d, err);
		memcpy(d->expected, p + strlen(extension), sizeof(d->expected));
	} else if (d->is_signed) {
		return mismatch(d, err);
	} else if (*p && *p != ';') {
		return incomplete(d, err, "a chunk of the body has no valid size");
	}
	if (d->is_signed)
		d->hash = digest_new(DIGEST_SHA256);
	d->state = CHUNK_DATA;
	if (d->left)
		return 0;
	d->state = CHUNK_TRAILER;
	return check_chunk(d, err);
}

static int check_trailer_signature(struct awschunked *d, const char *given, struct err *err)
{
	struct strbuf tail = STRBUF_INIT;
	if (!d->is_signed)
		return 0;
	digest_sha256_hex(d->trailers.buf, d->trailers.len, &tail);
	int ret = check_signature(d, "AWS4-HMAC-SHA256-TRAILER", &tail, given, err);
	strbuf_release(&tail);
	d->trailer_checked = ret == 0;
	return ret;
}

static int take_trailer(struct awschunked *d, struct err *err)
{
	if (!d->line.len) {
		if (d->is_signed && d->has_trailer && !d->trailer_checked) {
			if (!d->trailers.len || d->trailer_paused)
				return mismatch(d, err);
			d->trailer_paused = true;
			return 0;
		}
		d->state = CHUNK_DONE;
		return 0;
	}
	char *colon = memchr(d->line.buf, ':', d->line.len);
	if (!colon || colon == d->line.buf || !d->has_trailer || d->trailer_checked ||
		(d->trailer_paused && !starts_with(d->line.buf, "x-amz-trailer-signature:")))
		return incomplete(d, err, "the trailer of the body is malformed");
	*colon = '\0';
	lower_ascii(d->line.buf);
	struct strbuf value = STRBUF_INIT;
	strbuf_addstr(&value, colon + 1);
	strbuf_trim(&value);
	int ret = 0;
	if (!strcmp(d->line.buf, "x-amz-trailer-signature")) {
		ret = check_trailer_signature(d, value.buf, err);
	} else if (d->trailers.len + d->line.len > MAX_TRAILERS) {
		ret = incomplete(d, err, "the trailer of the body is too long");
	} else {
		strbuf_addf(&d->trailers, "%s:%s\n", d->line.buf, value.buf);
	}
	strbuf_release(&value);
	return ret;
}

/* Gathers a line; 1 when it is whole, without its CR LF. */
static int gather_line(struct awschunked *d, const char **p, const char *end, struct err *err)
{
	const char *newline = memchr(*p, '\n', (size_t)(end - *p));
	size_t n = (size_t)((newline ? newline : end) - *p);
	if (d->line.len + n > MAX_LINE)
		return incomplete(d, err, "a line of the chunked body is too long");
	strbuf_add(&d->line, *p, n);
	*p += n;
	if (!newline)
		return 0;
	(*p)++;
	if (d->line.len && d->line.buf[d->line.len - 1] == '\r')
		strbuf_setlen(&d->line, d->line.len - 1);
	else if (d->state != CHUNK_TRAILER)
		return incomplete(d, err, "a line of the chunked body does not end in CR LF");
	if (memchr(d->line.buf, '\0', d->line.len))
		return incomplete(d, err, "a line of the chunked body holds a zero byte");
	return 1;
}

static int take_line(struct awschunked *d, struct err *err)
{
	int ret = 0;
	switch (d->state) {
	case CHUNK_LINE:
		ret = begin_chunk(d, err);
		break;
	case CHUNK_DATA_END:
		if (d->line.len)
			return incomplete(d, err, "a chunk of the body is longer than it says");
		ret = check_chunk(d, err);
		d->state = CHUNK_LINE;
		break;
	case CHUNK_TRAILER:
		ret = take_trailer(d, err);
		break;
	case CHUNK_DATA:
	case CHUNK_DONE:
		BUG("no line wanted in state %d", (int)d->state);
	}
	strbuf_clear(&d->line);
	return ret;
}

int awschunked_feed(
	struct awschunked *d, const void *data, size_t len, struct strbuf *out, struct err *err)
{
	const char *p = data, *end = p + len;
	if (d->broken)
		return incomplete(d, err, "the chunked body is broken");
	while (p < end) {
		if (d->state == CHUNK_DONE)
			return incomplete(d, err, "bytes follow the end of the chunked body");
		if (d->state == CHUNK_DATA) {
			size_t n = (size_t)(end - p);
			if (n > d->left)
				n = (size_t)d->left;
			strbuf_add(out, p, n);
			if (d->hash)
				digest_add(d->hash, p, n);
			p += n;
			d->left -= n;
			if (!d->left)
				d->state = CHUNK_DATA_END;
			continue;
		}
		int whole = gather_line(d, &p, end, err);
		if (whole < 0 || (whole && take_line(d, err) < 0))
			return -1;
	}
	return 0;
}

int awschunked_finish(struct awschunked *d, struct strbuf *trailers, struct err *err)
{
	if (!d->broken && d->trailer_paused && d->state != CHUNK_DONE && !d->trailer_checked)
		return mismatch(d, err);
	if (d->broken || d->state != CHUNK_DONE)
		return incomplete(d, err,
			"You did not provide the number of bytes specified by the Content-Length "
			"HTTP header");
	if (trailers)
		strbuf_add(trailers, d->trailers.buf, d->trailers.len);
	return 0;
}
