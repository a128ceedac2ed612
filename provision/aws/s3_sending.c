#include "s3_sending.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base64.h"
#include "digest.h"
#include "hex.h"
#include "json_lex.h"
#include "log.h"
#include "s3_internal.h"

#define MAX_KEY 1024
#define MAX_PARTS 10000
#define BLOCK (256u << 10)
#define MAX_CANDIDATES 20 /* unfinished uploads of one key that are looked at */

struct s3_sending_impl {
	struct aws_client *c;
	const char *bucket, *key, *path;
	int fd;
	struct stat st; /* as it was found */
	int64_t part_size;
	char *upload_id;               /* NULL: one PutObject */
	struct s3_parts parts;         /* of the upload; each belongs to who sends it */
	struct s3_listed_parts listed; /* what an earlier run had sent */
	_Atomic bool changed;
};

void s3_sending_init(struct s3_sending *s, struct aws_client *c, const char *bucket,
	const char *key, const char *path)
{
	*s = (struct s3_sending){.impl = xcalloc(1, sizeof(*s->impl))};
	*s->impl = (struct s3_sending_impl){
		.c = c, .bucket = bucket, .key = key, .path = path, .fd = -1};
}

/* --- the file --- */

static int fail_changed(struct s3_sending_impl *m, struct err *err)
{
	m->changed = true;
	err_set(err, ERR_CONFLICT, "'%s' changes while it is read", m->path);
	return err_named(err, "FileChanged");
}

/* Also when it was replaced by another file of its name. */
static int check_unchanged(struct s3_sending_impl *m, struct err *err)
{
	struct stat st;

	if (stat(m->path, &st) < 0 || st.st_size != m->st.st_size || st.st_ino != m->st.st_ino ||
		st.st_dev != m->st.st_dev || st.st_mtim.tv_sec != m->st.st_mtim.tv_sec ||
		st.st_mtim.tv_nsec != m->st.st_mtim.tv_nsec)
		return fail_changed(m, err);
	return 0;
}

static int open_file(struct s3_sending *s, struct err *err)
{
	struct s3_sending_impl *m = s->impl;

	/* Not to wait for who writes into a pipe. */
	m->fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (m->fd < 0 || fstat(m->fd, &m->st) < 0)
		return err_errno(err, "cannot read '%s'", m->path);
	if (!S_ISREG(m->st.st_mode))
		return err_set(err, ERR_INVALID, "'%s' is no regular file", m->path);
	s->size = m->st.st_size;
	return 0;
}

struct range {
	struct s3_sending *s;
	int64_t offset, len, at;
};

static ssize_t range_read(void *payload, void *buf, size_t len, struct err *err)
{
	struct range *r = payload;
	struct s3_sending_impl *m = r->s->impl;
	ssize_t n;

	if ((int64_t)len > r->len - r->at)
		len = (size_t)(r->len - r->at);
	if (!len)
		return 0;
	do
		n = pread(m->fd, buf, len, (off_t)(r->offset + r->at));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, "cannot read '%s'", m->path);
	if (n == 0)
		return fail_changed(m, err);
	r->at += n;
	return n;
}

static ssize_t range_send(void *payload, void *buf, size_t len, struct err *err)
{
	struct range *r = payload;
	ssize_t n = range_read(r, buf, len, err);

	if (n > 0 && r->s->progress)
		r->s->progress(r->s->payload, n, false);
	return n;
}

static int range_rewind(void *payload, struct err *err unused_arg)
{
	struct range *r = payload;

	if (r->at && r->s->progress)
		r->s->progress(r->s->payload, -r->at, false);
	r->at = 0;
	return 0;
}

/* Appends the raw digest of a piece of the file. */
static int digest_range(struct s3_sending *s, enum digest_kind kind, int64_t offset, int64_t len,
	struct strbuf *raw, struct err *err)
{
	struct range r = {s, offset, len, 0};
	struct digest *d = digest_new(kind);
	char *block = xmalloc(BLOCK);
	ssize_t n;

	while ((n = range_read(&r, block, BLOCK, err)) > 0) {
		digest_add(d, block, (size_t)n);
		if (clock_interrupted()) {
			n = err_set(err, ERR_INTERRUPTED, "interrupted");
			break;
		}
	}
	if (n == 0)
		digest_finish(d, raw);
	else
		digest_free(d);
	free(block);
	return n == 0 ? 0 : -1;
}

/* --- what is there --- */

/* The checksums by which an object can be known to be the file, best first. */
static const struct there_sum {
	const char *header;
	enum digest_kind kind;
} there_sums[] = {
	{"x-amz-checksum-sha256", DIGEST_SHA256}, {"x-amz-checksum-sha1", DIGEST_SHA1},
	{"x-amz-checksum-crc64nvme", DIGEST_CRC64NVME}, {"x-amz-checksum-crc32c", DIGEST_CRC32C},
	{"x-amz-checksum-crc32", DIGEST_CRC32},
	{"etag", DIGEST_MD5}, /* of what is not encrypted with a key of KMS */
};

static int head(
	struct s3_sending_impl *m, const char *part, struct http_reply *reply, struct err *err)
{
	struct s3_request r;

	s3_request_init(&r, "HeadObject", AWS_OP_READ, "HEAD", m->bucket, m->key);
	if (part)
		s3_query(&r, "partNumber", part);
	s3_header(&r, "x-amz-checksum-mode", "ENABLED");
	int ret = s3_send(m->c, &r, reply, err);
	s3_request_release(&r);
	return ret;
}

static int64_t reply_size(const struct http_reply *reply)
{
	const char *length = http_reply_header(reply, "content-length");
	long long n;

	return length && parse_int64(length, 0, INT64_MAX, &n) == 0 ? n : -1;
}

/* The size of the parts that an object of `nr` parts was made of; 0: not known. */
static int64_t parts_there(struct s3_sending *s, long long nr)
{
	struct s3_sending_impl *m = s->impl;
	struct http_reply reply = HTTP_REPLY_INIT;
	int64_t size = 0;

	if ((s->size + m->part_size - 1) / m->part_size == nr)
		return m->part_size;
	if (head(m, "1", &reply, NULL) == 0 && reply_size(&reply) > 0)
		size = reply_size(&reply);
	http_reply_release(&reply);
	return size && (s->size + size - 1) / size == nr ? size : 0;
}

static void add_sum(enum digest_kind kind, const struct strbuf *raw, struct strbuf *out)
{
	if (kind == DIGEST_MD5)
		hex_encode(out, raw->buf, raw->len);
	else
		base64_encode(out, raw->buf, raw->len);
}

/* The checksum of the file's checksums, part by part, as "…-NR". */
static int sum_of_sums(struct s3_sending *s, enum digest_kind kind, int64_t part_size, long long nr,
	struct strbuf *out, struct err *err)
{
	struct strbuf raw = STRBUF_INIT, whole = STRBUF_INIT;
	int ret = 0;

	for (int64_t at = 0; at < s->size && ret == 0; at += part_size)
		ret = digest_range(s, kind, at, s->size - at < part_size ? s->size - at : part_size,
			&raw, err);
	if (ret == 0) {
		struct digest *d = digest_new(kind);
		digest_add(d, raw.buf, raw.len);
		digest_finish(d, &whole);
		add_sum(kind, &whole, out);
		strbuf_addf(out, "-%lld", nr);
	}
	strbuf_release(&raw);
	strbuf_release(&whole);
	return ret;
}

/* 1: equal, 0: not, or not to be told. */
static int compare_sum(
	struct s3_sending *s, enum digest_kind kind, const char *there, struct err *err)
{
	struct strbuf ours = STRBUF_INIT, raw = STRBUF_INIT;
	const char *dash = strchr(there, '-');
	long long nr = 0;
	int ret = 0;

	if (dash && parse_int64(dash + 1, 1, MAX_PARTS, &nr) == 0) {
		int64_t size = parts_there(s, nr);
		if (size)
			ret = sum_of_sums(s, kind, size, nr, &ours, err);
	} else if (!dash) {
		ret = digest_range(s, kind, 0, s->size, &raw, err);
		add_sum(kind, &raw, &ours);
	}
	if (ret == 0)
		ret = ours.len && !strcmp(ours.buf, there);
	strbuf_release(&ours);
	strbuf_release(&raw);
	return ret;
}

/* 1: the object is there and is the file's equal; 0: it is to be sent. */
static int is_there(struct s3_sending *s, struct err *err)
{
	struct s3_sending_impl *m = s->impl;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct err why = ERR_INIT;
	int ret = 0;

	if (head(m, NULL, &reply, &why) < 0) {
		/* Who may write need not have the right to look; and a HEAD has no body that would tell what is
		 * wrong with the keys: a PUT has. */
		if (why.code == ERR_DENIED || why.http_status == 400)
			log_verbose("'%s': it cannot be seen what is there: %s", m->key, why.text);
		else if (why.code != ERR_NOT_FOUND)
			ret = -1;
	} else if (reply_size(&reply) == s->size) {
		for (size_t i = 0; i < ARRAY_SIZE(there_sums) && ret == 0; i++) {
			const char *there = http_reply_header(&reply, there_sums[i].header);
			struct strbuf bare = STRBUF_INIT;
			if (!there)
				continue;
			strbuf_addstr(&bare, there);
			strbuf_replace(&bare, "\"", "");
			ret = compare_sum(s, there_sums[i].kind, bare.buf, &why);
			strbuf_release(&bare);
			break;
		}
	}
	if (ret < 0)
		err_move(err, &why);
	err_release(&why);
	http_reply_release(&reply);
	return ret;
}

/* --- what an earlier run has sent --- */

static int64_t piece_offset(const struct s3_sending *s, size_t i)
{
	return (int64_t)i * s->impl->part_size;
}

static int64_t piece_len(const struct s3_sending *s, size_t i)
{
	int64_t left = s->size - piece_offset(s, i);

	return s->impl->upload_id && left > s->impl->part_size ? s->impl->part_size : left;
}

static int piece_sha256(struct s3_sending *s, size_t i, int64_t len, struct strbuf *hex,
	struct strbuf *base64, struct err *err)
{
	struct strbuf raw = STRBUF_INIT;
	int ret = digest_range(s, DIGEST_SHA256, piece_offset(s, i), len, &raw, err);

	if (ret == 0 && hex)
		hex_encode(hex, raw.buf, raw.len);
	if (ret == 0)
		base64_encode(base64, raw.buf, raw.len);
	strbuf_release(&raw);
	return ret;
}

/* 1: what has arrived of the upload is of this file, as far as its first part tells. */
static int fits(struct s3_sending *s, const struct s3_listed_parts *listed, struct err *err)
{
	struct s3_sending_impl *m = s->impl;
	const struct s3_listed_part *p = listed->v;
	struct strbuf sum = STRBUF_INIT;
	int64_t offset = listed->nr ? (p->number - 1) * m->part_size : 0;
	int64_t len = s->size - offset < m->part_size ? s->size - offset : m->part_size;
	int ret;

	/* Just begun, perhaps by another run that is at it: two in one upload undo each other. */
	if (!listed->nr)
		return 0;
	if (offset >= s->size || p->size != len || !p->sha256)
		return 0;
	ret = piece_sha256(s, (size_t)p->number - 1, len, NULL, &sum, err);
	if (ret == 0)
		ret = !strcmp(sum.buf, p->sha256);
	strbuf_release(&sum);
	return ret;
}

/* Takes the upload with the most parts, if any fits. Whoever may not list them begins anew. */
static int find_unfinished(struct s3_sending *s, struct err *err)
{
	struct s3_sending_impl *m = s->impl;
	struct strvec ids = STRVEC_INIT;
	struct err why = ERR_INIT;
	int ret = s3_list_uploads_of(m->c, m->bucket, m->key, NULL, &ids, &why);
	size_t foreign = 0;

	for (size_t i = ids.nr; i-- > 0 && ret >= 0 && ids.nr - i <= MAX_CANDIDATES;) {
		struct s3_listed_parts listed = {NULL, 0, 0};
		char *algorithm = NULL;
		struct err gone = ERR_INIT;

		ret = 0;
		if (s3_list_parts(m->c, m->bucket, m->key, NULL, ids.v[i], &algorithm, &listed,
			    &gone) < 0) {
			/* It has just ended. */
			if (gone.code != ERR_NOT_FOUND) {
				err_move(&why, &gone);
				ret = -1;
			}
		} else if (algorithm && !strcmp(algorithm, "SHA256")) {
			ret = fits(s, &listed, &why);
			foreign += ret == 0 && listed.nr;
		}
		if (ret > 0 && (!m->upload_id || listed.nr > m->listed.nr)) {
			struct s3_listed_parts old = m->listed;
			free(m->upload_id);
			m->upload_id = xstrdup(ids.v[i]);
			m->listed = listed;
			listed = old;
		}
		s3_listed_parts_release(&listed);
		free(algorithm);
		err_release(&gone);
	}
	if (foreign && !m->upload_id)
		log_warn("'s3://%s/%s' has %zu unfinished upload%s of other content, left alone",
			m->bucket, m->key, foreign, foreign == 1 ? "" : "s");
	if (ret < 0 && (why.code == ERR_DENIED || why.code == ERR_INVALID ||
			       why.http_status == 501 || why.http_status == 405)) {
		log_verbose("'%s': unfinished uploads cannot be listed: %s", m->key, why.text);
		ret = 0;
	}
	if (ret < 0)
		err_move(err, &why);
	err_release(&why);
	strvec_release(&ids);
	return ret < 0 ? -1 : 0;
}

static int begin_parts(struct s3_sending *s, struct err *err)
{
	struct s3_sending_impl *m = s->impl;

	s->nr_pieces = (size_t)((s->size + m->part_size - 1) / m->part_size);
	m->parts.v = xcalloc(s->nr_pieces, sizeof(*m->parts.v));
	m->parts.nr = m->parts.alloc = s->nr_pieces;
	for (size_t i = 0; i < s->nr_pieces; i++)
		m->parts.v[i].number = (int)i + 1;
	if (find_unfinished(s, err) < 0)
		return -1;
	if (m->upload_id)
		return 0;
	return s3_create_multipart_upload(m->c, m->bucket, m->key, NULL, &m->upload_id, err);
}

static bool is_utf8(const char *p)
{
	const char *end = p + strlen(p);
	size_t len = 1;

	for (; p < end && len; p += len)
		len = utf8_char_len(p, end);
	return len > 0;
}

/* S3 says no more than "400" of such names. */
static int check_key(const struct s3_sending_impl *m, struct err *err)
{
	size_t len = strlen(m->key);

	if (len > MAX_KEY) {
		err_set(err, ERR_INVALID, "a key of %zu bytes: S3 takes %d at most", len, MAX_KEY);
		return err_named(err, "KeyTooLong");
	}
	if (!is_utf8(m->key)) {
		err_set(err, ERR_INVALID, "its name is not UTF-8, and S3 takes no other");
		err_named(err, "KeyNotUtf8");
		return err_hint(err, "rename it, or give the key: --to s3://%s/KEY", m->bucket);
	}
	return 0;
}

int s3_sending_begin(struct s3_sending *s, struct err *err)
{
	struct s3_sending_impl *m = s->impl;
	int there = 0;

	if (check_key(m, err) < 0 || open_file(s, err) < 0)
		return -1;
	m->part_size = S3_SENDING_PART;
	while (m->part_size * MAX_PARTS < s->size)
		m->part_size *= 2;
	if (!s->force)
		there = is_there(s, err);
	if (there < 0)
		return -1;
	s->same = there > 0;
	if (s->same || s->dry_run)
		return 0;
	s->nr_pieces = 1;
	return s->size >= S3_SENDING_MULTIPART ? begin_parts(s, err) : 0;
}

/* --- sending --- */

/* The service read other bytes than were hashed: they have changed in between. */
static int explain(struct s3_sending_impl *m, int ret, struct err *err)
{
	if (ret < 0 &&
		(err_is_aws(err, "XAmzContentSHA256Mismatch") || err_is_aws(err, "BadDigest")))
		return check_unchanged(m, err) < 0 ? -1 : ret;
	return ret;
}

static int put_whole(struct s3_sending *s, const struct http_source *source, const char *hex,
	const char *base64, struct err *err)
{
	struct s3_sending_impl *m = s->impl;
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;

	s3_request_init(&r, "PutObject", AWS_OP_IDEMPOTENT, "PUT", m->bucket, m->key);
	s3_put_headers(&r, NULL);
	s3_header(&r, "x-amz-checksum-sha256", base64);
	if (s->size)
		r.source = source;
	else
		r.body = "";
	r.payload_hash = hex;
	int ret = s3_send(m->c, &r, &reply, err);
	const char *sum = ret == 0 ? http_reply_header(&reply, "x-amz-checksum-sha256") : NULL;
	if (sum && strcmp(sum, base64) != 0)
		ret = err_set(err, ERR_TRANSIENT,
			"'%s' has another checksum in the bucket than what was sent", m->key);
	s3_request_release(&r);
	http_reply_release(&reply);
	return ret;
}

/* The part, when an earlier run had sent just these bytes. */
static const struct s3_listed_part *find_listed(
	const struct s3_sending_impl *m, int number, int64_t len, const char *sha256)
{
	for (size_t i = 0; i < m->listed.nr; i++) {
		const struct s3_listed_part *p = &m->listed.v[i];
		if (p->number == number && p->size == len && p->sha256 &&
			!strcmp(p->sha256, sha256))
			return p;
	}
	return NULL;
}

int s3_sending_piece(struct s3_sending *s, size_t i, struct err *err)
{
	struct s3_sending_impl *m = s->impl;
	struct range range = {s, piece_offset(s, i), piece_len(s, i), 0};
	const struct http_source source = {range_send, range_rewind, &range, range.len};
	struct strbuf hex = STRBUF_INIT, base64 = STRBUF_INIT;
	const struct s3_listed_part *had;
	struct err unseen = ERR_INIT;
	int ret = piece_sha256(s, i, range.len, &hex, &base64, err);

	/* What was hashed is of one moment, and only that is taken by the service. */
	if (ret == 0)
		ret = check_unchanged(m, err);
	if (ret < 0)
		goto out;
	if (!m->upload_id) {
		ret = explain(m, put_whole(s, &source, hex.buf, base64.buf, err), err);
		goto out;
	}
	struct s3_part *part = &m->parts.v[i];
	had = find_listed(m, part->number, range.len, base64.buf);
	if (had) {
		part->etag = xstrdup(had->etag);
		part->sha256 = xstrdup(had->sha256);
		s->found_bytes += range.len;
		if (s->progress)
			s->progress(s->payload, range.len, true);
	} else {
		ret = explain(m,
			s3_upload_part_from(m->c, m->bucket, m->key, NULL, m->upload_id, &source,
				hex.buf, base64.buf, part, err),
			err);
		/* Another run has finished the same file: the end of it finds the object. */
		if (ret < 0 && err_is_aws(err, "NoSuchUpload") && is_there(s, &unseen) > 0) {
			err_release(err);
			ret = 0;
		}
	}
out:
	err_release(&unseen);
	/* What did not arrive was not sent. */
	if (ret < 0)
		range_rewind(&range, NULL);
	strbuf_release(&hex);
	strbuf_release(&base64);
	return ret;
}

int s3_sending_finish(struct s3_sending *s, struct err *err)
{
	struct s3_sending_impl *m = s->impl;
	struct err why = ERR_INIT;

	if (!m->upload_id)
		return 0;
	if (check_unchanged(m, err) < 0)
		return -1;
	int ret = s3_complete_multipart_upload(
		m->c, m->bucket, m->key, NULL, m->upload_id, &m->parts, &why);
	/* The answer may be lost, or another run has finished the same: the object tells. */
	if (ret < 0 && why.code != ERR_DENIED && why.code != ERR_INTERRUPTED) {
		struct err unseen = ERR_INIT;
		if (is_there(s, &unseen) > 0)
			ret = 0;
		err_release(&unseen);
	}
	if (ret < 0)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

void s3_sending_release(struct s3_sending *s)
{
	struct s3_sending_impl *m = s->impl;
	struct err ignored = ERR_INIT;

	if (!m)
		return;
	if (m->changed && m->upload_id &&
		s3_abort_multipart_upload(m->c, m->bucket, m->key, NULL, m->upload_id, &ignored) <
			0)
		log_verbose("'%s': the upload was not aborted: %s", m->key, ignored.text);
	err_release(&ignored);
	if (m->fd >= 0)
		close(m->fd);
	free(m->upload_id);
	s3_parts_release(&m->parts);
	s3_listed_parts_release(&m->listed);
	free(m);
	s->impl = NULL;
}
