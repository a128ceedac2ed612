/*
 * Bodies on their way in. Raw bytes are hashed for the signature's payload hash, taken out of "aws-chunked" framing,
 * hashed for MD5 (the ETag, Content-MD5) and the checksum that the client chose, and written out. Memory is constant
 * whatever the size when the body goes to a file.
 */
#include "awschunked.h"
#include "base64.h"
#include "hex.h"
#include "local_s3_copy.h"
#include "xalloc.h"

const struct s3_sum_kind local_s3_sum_kinds[] = {
	{"CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", DIGEST_CRC32},
	{"CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", DIGEST_CRC32C},
	{"CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", DIGEST_CRC64NVME},
	{"SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", DIGEST_SHA1},
	{"SHA256", "x-amz-checksum-sha256", "ChecksumSHA256", DIGEST_SHA256},
	{"SHA512", "x-amz-checksum-sha512", "ChecksumSHA512", DIGEST_SHA512},
	{"MD5", "x-amz-checksum-md5", "ChecksumMD5", DIGEST_MD5},
	{NULL, NULL, NULL, DIGEST_MD5},
};

const struct s3_sum_kind *local_s3_sum_kind_find(const char *name)
{
	const struct s3_sum_kind *k;

	for (k = local_s3_sum_kinds; name && k->name; k++)
		if (iequals(k->name, name))
			return k;
	return NULL;
}

/* A checksum of another kind than the upload's: it could not be joined with the others. */
static int check_kind(
	const struct s3_sum_kind *given, const struct s3_sum_kind *want, struct err *err)
{
	char *names[2];

	if (!given || !want || given == want)
		return 0;
	names[0] = xstrdup(want->name);
	names[1] = xstrdup(given->name);
	lower_ascii(names[0]);
	lower_ascii(names[1]);
	local_fault(err, 400, "InvalidRequest",
		"Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum "
		"Type: %s",
		names[0], names[1]);
	free(names[0]);
	free(names[1]);
	return -1;
}

/* What S3 computes by itself where the client gives nothing: its upload's kind, or CRC64NVME. */
static int default_kind(struct local_s3_call *c, struct err *err)
{
	struct s3_sink *s = &c->sink;
	const struct s3_sum_kind *of_upload = NULL;

	if (!s->to_file)
		return 0;
	if (c->route->fn == local_s3_upload_part) {
		if (local_s3_upload_sum_kind(c, &of_upload, err) ||
			check_kind(s->kind, of_upload, err))
			return -1;
	}
	if (!s->kind)
		s->kind = of_upload ? of_upload : local_s3_sum_kind_find(S3_DEFAULT_SUM);
	return 0;
}

/* Which checksum: given in a header, promised in a trailer, or only named. */
static int choose_sum(struct local_s3_call *c, struct err *err)
{
	struct s3_sink *s = &c->sink;
	const char *trailer = local_s3_header(c, "x-amz-trailer"),
		   *named = local_s3_header(c, "x-amz-sdk-checksum-algorithm"), *value;
	const struct s3_sum_kind *k;

	for (k = local_s3_sum_kinds; k->name; k++) {
		value = local_s3_header(c, k->header);
		if (value && s->kind)
			return local_fault(err, 400, "InvalidRequest",
				"Expecting a single x-amz-checksum- header. Multiple checksum "
				"Types "
				"are not allowed.");
		if (value) {
			s->kind = k;
			s->sum_expected = xstrdup(value);
		} else if (trailer && iequals(trailer, k->header)) {
			s->kind = k;
			s->sum_in_trailer = true;
		}
	}
	if (named && !local_s3_sum_kind_find(named))
		return local_fault(err, 400, "InvalidRequest",
			"Checksum algorithm provided is unsupported. Please try again with any of "
			"the valid types: " S3_SUM_NAMES);
	if (default_kind(c, err))
		return -1;
	/* the name alone (of GetObject's and Create's headers) asks for nothing to be checked */
	if (s->kind)
		s->sum = digest_new(s->kind->digest);
	return 0;
}

static int check_length(struct local_s3_call *c, struct err *err)
{
	const char *length = local_s3_header(c, "x-amz-decoded-content-length");
	long long n;

	if (!length)
		length = local_s3_header(c, "content-length");
	if (!length || !c->sink.to_file)
		return 0;
	if (parse_int64(length, 0, INT64_MAX, &n))
		return local_s3_invalid(err, "The content length is no number");
	if (n > S3_MAX_PUT)
		return local_fault(err, 400, "EntityTooLarge",
			"Your proposed upload exceeds the maximum allowed size");
	return 0;
}

int local_s3_sink_open(struct local_s3_call *c, bool to_file, struct err *err)
{
	struct s3_sink *s = &c->sink;
	const char *hash = local_s3_header(c, "x-amz-content-sha256");

	s->to_file = to_file;
	if (check_length(c, err) || choose_sum(c, err))
		return -1;
	if (hash && starts_with(hash, "STREAMING-")) {
		bool is_signed = strcmp(hash, SIGV4_UNSIGNED_TRAILER) != 0;

		s->chunked = awschunked_new(hash, is_signed ? &c->http->claim : NULL,
			is_signed ? c->http->secret : NULL);
	} else if (hash && strlen(hash) == 64) {
		s->payload_hash = hash;
		s->sha256 = digest_new(DIGEST_SHA256);
	} else if (hash && strcmp(hash, SIGV4_UNSIGNED_PAYLOAD))
		return local_s3_invalid(err,
			"x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-…, or a valid "
			"sha256 value.");
	s->md5 = digest_new(DIGEST_MD5);
	return to_file ? store_writer_open(c->cloud, &s->file, err) : 0;
}

static int add_plain(struct local_s3_call *c, const void *data, size_t len, struct err *err)
{
	struct s3_sink *s = &c->sink;

	s->size += (int64_t)len;
	digest_add(s->md5, data, len);
	if (s->sum)
		digest_add(s->sum, data, len);
	if (s->to_file && s->size > S3_MAX_PUT)
		return local_fault(err, 400, "EntityTooLarge",
			"Your proposed upload exceeds the maximum allowed size");
	if (s->to_file)
		return store_writer_add(c->cloud, &s->file, data, len, err);
	if (s->memory.len + len > S3_MAX_XML)
		return local_fault(
			err, 400, "MaxMessageLengthExceeded", "Your request was too big.");
	strbuf_add(&s->memory, data, len);
	return 0;
}

/* What the chunk decoder says becomes a fault. */
static int chunk_fault(struct err *detail, struct err *err)
{
	const char *name = err_name(detail);

	if (!strcmp(name, "SignatureDoesNotMatch"))
		local_fault(err, 403, name, "%s", detail->text);
	else
		local_fault(err, 400, "IncompleteBody", "%s", detail->text);
	err_release(detail);
	return -1;
}

int local_s3_sink_feed(struct local_s3_call *c, const void *data, size_t len, struct err *err)
{
	struct s3_sink *s = &c->sink;
	struct err detail = ERR_INIT;

	if (s->sha256)
		digest_add(s->sha256, data, len);
	if (!s->chunked)
		return add_plain(c, data, len, err);
	strbuf_clear(&s->plain);
	if (awschunked_feed(s->chunked, data, len, &s->plain, &detail))
		return chunk_fault(&detail, err);
	return add_plain(c, s->plain.buf, s->plain.len, err);
}

/* --- the end --- */

static int close_chunked(struct local_s3_call *c, struct err *err)
{
	struct s3_sink *s = &c->sink;
	const char *length = local_s3_header(c, "x-amz-decoded-content-length");
	struct strbuf trailers = STRBUF_INIT;
	struct strvec lines = STRVEC_INIT;
	struct err detail = ERR_INIT;
	long long n;
	size_t i;
	int result = 0;

	if (awschunked_finish(s->chunked, &trailers, &detail))
		result = chunk_fault(&detail, err);
	else if (length && !parse_int64(length, 0, INT64_MAX, &n) && n != s->size)
		result = local_fault(err, 400, "IncompleteBody",
			"You did not provide the number of bytes specified by the "
			"x-amz-decoded-content-length HTTP header");
	strvec_split(&lines, trailers.buf, '\n');
	for (i = 0; !result && i < lines.nr && s->sum_in_trailer; i++) {
		size_t name = strlen(s->kind->header);

		if (starts_with(lines.v[i], s->kind->header) && lines.v[i][name] == ':') {
			free(s->sum_expected);
			s->sum_expected = xstrdup(lines.v[i] + name + 1);
		}
	}
	strvec_release(&lines);
	strbuf_release(&trailers);
	return result;
}

static int check_payload_hash(struct s3_sink *s, struct err *err)
{
	struct strbuf raw = STRBUF_INIT, hex = STRBUF_INIT;
	int result = 0;

	if (!s->sha256)
		return 0;
	digest_finish(s->sha256, &raw);
	s->sha256 = NULL;
	hex_encode(&hex, raw.buf, raw.len);
	if (!iequals(hex.buf, s->payload_hash))
		result = local_fault(err, 400, "XAmzContentSHA256Mismatch",
			"The provided 'x-amz-content-sha256' header does not match what was "
			"computed.");
	strbuf_release(&raw);
	strbuf_release(&hex);
	return result;
}

static int check_md5(struct local_s3_call *c, struct err *err)
{
	struct s3_sink *s = &c->sink;
	const char *given = local_s3_header(c, "content-md5");
	struct strbuf raw = STRBUF_INIT, hex = STRBUF_INIT, want = STRBUF_INIT;
	int result = 0;

	digest_finish(s->md5, &raw);
	s->md5 = NULL;
	hex_encode(&hex, raw.buf, raw.len);
	snprintf(s->md5_hex, sizeof(s->md5_hex), "%s", hex.buf);
	if (given && (base64_decode(&want, given, strlen(given)) || want.len != MD5_BYTES))
		result = local_fault(
			err, 400, "InvalidDigest", "The Content-MD5 you specified was invalid.");
	else if (given && memcmp(want.buf, raw.buf, MD5_BYTES))
		result = local_fault(err, 400, "BadDigest",
			"The Content-MD5 you specified did not match what we received.");
	strbuf_release(&raw);
	strbuf_release(&hex);
	strbuf_release(&want);
	return result;
}

static int check_sum(struct s3_sink *s, struct err *err)
{
	struct strbuf raw = STRBUF_INIT, b64 = STRBUF_INIT, want = STRBUF_INIT;
	int result = 0;

	if (!s->sum)
		return 0;
	digest_finish(s->sum, &raw);
	s->sum = NULL;
	base64_encode(&b64, raw.buf, raw.len);
	s->sum_b64 = strbuf_detach(&b64, NULL);
	if (!s->sum_expected && s->sum_in_trailer)
		result = local_fault(err, 400, "MalformedTrailerError",
			"The request contained trailing data that was not well-formed or did not "
			"conform to our published schema.");
	else if (s->sum_expected &&
		 (base64_decode(&want, s->sum_expected, strlen(s->sum_expected)) ||
			 want.len != raw.len))
		result = local_fault(err, 400, "InvalidRequest", "Value for %s header is invalid.",
			s->kind->header);
	else if (s->sum_expected && memcmp(want.buf, raw.buf, raw.len))
		result = local_fault(err, 400, "BadDigest",
			"The %s you specified did not match the calculated checksum.",
			s->kind->name);
	strbuf_release(&raw);
	strbuf_release(&b64);
	strbuf_release(&want);
	return result;
}

int local_s3_sink_close(struct local_s3_call *c, struct err *err)
{
	struct s3_sink *s = &c->sink;

	if ((s->chunked && close_chunked(c, err)) || check_payload_hash(s, err) ||
		check_md5(c, err) || check_sum(s, err))
		return -1;
	return s->to_file ? store_writer_seal(c->cloud, &s->file, err) : 0;
}

void local_s3_sink_release(struct local_s3_call *c)
{
	struct s3_sink *s = &c->sink;

	awschunked_free(s->chunked);
	digest_free(s->sha256);
	digest_free(s->md5);
	digest_free(s->sum);
	free(s->sum_expected);
	free(s->sum_b64);
	store_writer_release(c->cloud, &s->file);
	strbuf_release(&s->memory);
	strbuf_release(&s->plain);
}
