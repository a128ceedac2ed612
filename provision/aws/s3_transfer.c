/* Objects to and from files and streams. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base64.h"
#include "digest.h"
#include "fs.h"
#include "hex.h"
#include "s3_internal.h"
#include "thrdpool.h"

#define MULTIPART_FROM (64ll << 20)
#define PART_SIZE (16ll << 20)
#define MAX_PARTS 10000
#define PART_THREADS 4
#define MAX_STALLS 6 /* attempts in a row without a single new byte */

/* --- up: one request --- */

struct file_source {
	int fd;
	const char *path;
};

static ssize_t file_read(void *payload, void *buf, size_t len, struct err *err)
{
	struct file_source *f = payload;
	for (;;) {
		ssize_t n = read(f->fd, buf, len);
		if (n >= 0)
			return n;
		if (errno != EINTR)
			return err_errno(err, "%s", f->path);
	}
}

static int file_rewind(void *payload, struct err *err)
{
	struct file_source *f = payload;
	return lseek(f->fd, 0, SEEK_SET) < 0 ? err_errno(err, "%s", f->path) : 0;
}

static int put_whole(struct aws_client *c, const char *bucket, const char *key,
	struct file_source *file, int64_t size, const struct s3_put_opts *opts, struct err *err)
{
	struct s3_request r;
	struct strbuf raw = STRBUF_INIT, hex = STRBUF_INIT, base64 = STRBUF_INIT;
	const struct http_source source = {file_read, file_rewind, file, size};
	uint64_t hashed = 0;
	if (digest_file(DIGEST_SHA256, file->path, &raw, &hashed, err) < 0)
		return -1;
	s3_request_init(&r, "PutObject", s3_put_flags(opts), "PUT", bucket, key);
	hex_encode(&hex, raw.buf, raw.len);
	base64_encode(&base64, raw.buf, raw.len);
	r.source = &source;
	r.payload_hash = hex.buf;
	s3_put_headers(&r, opts);
	s3_header(&r, "x-amz-checksum-sha256", base64.buf);
	int ret = hashed == (uint64_t)size
			  ? s3_send_only(c, &r, err)
			  : err_set(err, ERR_CONFLICT, "'%s' changes while it is read", file->path);
	s3_request_release(&r);
	strbuf_release(&raw);
	strbuf_release(&hex);
	strbuf_release(&base64);
	return ret;
}

/* --- up: parts in parallel --- */

struct put_parts {
	struct aws_client *c;
	const char *bucket, *key, *path;
	const struct s3_put_opts *opts;
	const char *upload_id;
	int fd;
	int64_t size, part_size;
	_Atomic bool failed;
	pthread_mutex_t lock;
	struct err err; /* under lock: the first one */
};

static int read_part(
	const struct put_parts *p, int64_t offset, char *buf, size_t len, struct err *err)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = pread(p->fd, buf + at, len - at, (off_t)(offset + (int64_t)at));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "%s", p->path);
		if (n == 0)
			return err_set(err, ERR_CONFLICT, "'%s' changes while it is read", p->path);
		at += (size_t)n;
	}
	return 0;
}

static void put_part(void *item, unused_arg size_t worker, void *payload)
{
	struct put_parts *p = payload;
	struct s3_part *part = item;
	struct err err = ERR_INIT;
	int64_t offset = (part->number - 1) * p->part_size;
	int64_t len = p->size - offset < p->part_size ? p->size - offset : p->part_size;
	if (p->failed)
		return;
	char *buf = xmalloc((size_t)len);
	if (read_part(p, offset, buf, (size_t)len, &err) < 0 ||
		s3_upload_part(p->c, p->bucket, p->key, p->opts, p->upload_id, buf, (size_t)len,
			part, &err) < 0) {
		pthread_mutex_lock(&p->lock);
		if (p->err.code == ERR_NONE)
			err_move(&p->err, &err);
		p->failed = true;
		pthread_mutex_unlock(&p->lock);
	}
	err_release(&err);
	free(buf);
}

static int put_all_parts(struct put_parts *p, struct s3_parts *parts, struct err *err)
{
	size_t nr = (size_t)((p->size + p->part_size - 1) / p->part_size);
	void **items = xcalloc(nr, sizeof(void *));
	parts->v = xcalloc(nr, sizeof(*parts->v));
	parts->nr = parts->alloc = nr;
	for (size_t i = 0; i < nr; i++) {
		parts->v[i].number = (int)i + 1;
		items[i] = &parts->v[i];
	}
	thrdpool_each(items, nr, PART_THREADS, put_part, p);
	free(items);
	if (!p->failed)
		return 0;
	err_move(err, &p->err);
	return -1;
}

static int put_multipart(struct aws_client *c, const char *bucket, const char *key,
	const struct file_source *file, int64_t size, const struct s3_put_opts *opts,
	struct err *err)
{
	struct s3_parts parts = {NULL, 0, 0};
	char *id = NULL;
	if (s3_create_multipart_upload(c, bucket, key, opts, &id, err) < 0)
		return -1;
	struct put_parts p = {.c = c,
		.bucket = bucket,
		.key = key,
		.path = file->path,
		.opts = opts,
		.upload_id = id,
		.fd = file->fd,
		.size = size,
		.part_size = PART_SIZE,
		.err = ERR_INIT};
	while (p.part_size * MAX_PARTS < size)
		p.part_size *= 2;
	pthread_mutex_init(&p.lock, NULL);
	int ret = put_all_parts(&p, &parts, err);
	if (ret == 0)
		ret = s3_complete_multipart_upload(c, bucket, key, opts, id, &parts, err);
	struct err ignored = ERR_INIT;
	if (ret < 0 && s3_abort_multipart_upload(
			       c, bucket, key, opts ? opts->owner : NULL, id, &ignored) < 0)
		err_hint(err, "an unfinished upload of '%s' is left in '%s': %s", key, bucket,
			ignored.text);
	err_release(&ignored);
	pthread_mutex_destroy(&p.lock);
	s3_parts_release(&parts);
	free(id);
	return ret;
}

int s3_put_file(struct aws_client *c, const char *bucket, const char *key, const char *path,
	const struct s3_put_opts *opts, struct err *err)
{
	struct file_source file = {open(path, O_RDONLY | O_CLOEXEC), path};
	struct stat st;
	int ret;
	if (file.fd < 0)
		return err_errno(err, "%s", path);
	if (fstat(file.fd, &st) < 0)
		ret = err_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		ret = err_set(err, ERR_INVALID, "'%s' is no regular file", path);
	else if (st.st_size < MULTIPART_FROM)
		ret = put_whole(c, bucket, key, &file, st.st_size, opts, err);
	else
		ret = put_multipart(c, bucket, key, &file, st.st_size, opts, err);
	close(file.fd);
	return ret;
}

/* --- down --- */

struct download {
	const struct http_sink *sink;
	int64_t done;     /* bytes given to the sink */
	int64_t whole;    /* -1: unknown */
	char *etag;       /* of the first attempt */
	bool sink_failed; /* no use in going on */
};

/* "bytes 100-199/1000": 100, or -1. */
static long long range_start(const char *content_range)
{
	struct strbuf digits = STRBUF_INIT;
	long long start = -1;
	if (content_range && starts_with(content_range, "bytes ")) {
		const char *p = content_range + strlen("bytes ");
		strbuf_add(&digits, p, strcspn(p, "-"));
		if (parse_int64(digits.buf, 0, INT64_MAX, &start) < 0)
			start = -1;
	}
	strbuf_release(&digits);
	return start;
}

static int download_begin(void *payload, int status, const struct strvec *headers, struct err *err)
{
	struct download *d = payload;
	const char *length = http_headers_get(headers, "content-length");
	long long n = -1;
	if (status == 206) {
		if (range_start(http_headers_get(headers, "content-range")) != d->done)
			return err_set(
				err, ERR_FAILED, "the service gave another range than asked");
		return 0;
	}
	if (d->done && !d->sink->begin)
		return err_set(err, ERR_FAILED, "the transfer broke and cannot begin again");
	if (length && parse_int64(length, 0, INT64_MAX, &n) < 0)
		n = -1;
	d->done = 0;
	d->whole = n;
	free(d->etag);
	d->etag = xstrdup(http_headers_get(headers, "etag"));
	if (d->sink->begin && d->sink->begin(d->sink->payload, status, headers, err) < 0) {
		d->sink_failed = true;
		return -1;
	}
	return 0;
}

static int download_write(void *payload, const void *data, size_t len, struct err *err)
{
	struct download *d = payload;
	if (d->sink->write(d->sink->payload, data, len, err) < 0) {
		d->sink_failed = true;
		return -1;
	}
	d->done += (int64_t)len;
	return 0;
}

static int download_attempt(struct aws_client *c, const char *bucket, const char *key,
	struct download *d, struct err *err)
{
	struct s3_request r;
	const struct http_sink sink = {download_begin, download_write, d};
	s3_request_init(&r, "GetObject", AWS_OP_READ, "GET", bucket, key);
	s3_header(&r, "x-amz-checksum-mode", "ENABLED");
	if (d->done && d->etag) {
		strvec_pushf(&r.headers, "Range: bytes=%lld-", (long long)d->done);
		s3_header(&r, "If-Match", d->etag);
	}
	r.sink = &sink;
	int ret = s3_send_only(c, &r, err);
	s3_request_release(&r);
	return ret;
}

static bool may_resume(const struct download *d, const struct err *err)
{
	if (d->sink_failed)
		return false;
	return err->code == ERR_AMBIGUOUS || err->code == ERR_TIMEOUT || err->code == ERR_IO ||
	       err->code == ERR_TRANSIENT;
}

int s3_get_object_to(struct aws_client *c, const char *bucket, const char *key,
	const struct http_sink *sink, struct err *err)
{
	struct download d = {.sink = sink, .whole = -1};
	struct err last = ERR_INIT;
	int ret = -1;
	for (unsigned stalls = 0; stalls < MAX_STALLS;) {
		int64_t before = d.done;
		err_release(&last);
		ret = download_attempt(c, bucket, key, &d, &last);
		/* All bytes came, and only the goodbye was lost. */
		if (ret < 0 && !d.sink_failed && d.whole >= 0 && d.done == d.whole)
			ret = 0;
		if (ret == 0 || !may_resume(&d, &last) || !d.done)
			break;
		stalls = d.done > before ? 0 : stalls + 1;
		if (c->clock->sleep_ms(c->clock, aws_jitter_ms(200, stalls + 1)) < 0) {
			err_set(&last, ERR_INTERRUPTED, "interrupted while reading 's3://%s/%s'",
				bucket, key);
			break;
		}
	}
	if (ret < 0) {
		if (last.http_status == 412)
			err_hint(&last, "the object was replaced while it was read");
		err_move(err, &last);
	}
	err_release(&last);
	free(d.etag);
	return ret;
}

struct file_sink {
	int fd;
	const char *path;
	struct digest *sha;
	char *wanted; /* SHA-256 in base64, when the object carries that of its whole */
};

static int file_begin(
	void *payload, unused_arg int status, const struct strvec *headers, struct err *err)
{
	struct file_sink *f = payload;
	const char *sha = http_headers_get(headers, "x-amz-checksum-sha256");
	if (lseek(f->fd, 0, SEEK_SET) < 0 || ftruncate(f->fd, 0) < 0)
		return err_errno(err, "%s", f->path);
	free(f->wanted);
	/* "…-12" is a checksum of checksums. */
	f->wanted = xstrdup(sha && !strchr(sha, '-') ? sha : NULL);
	digest_free(f->sha);
	f->sha = digest_new(DIGEST_SHA256);
	return 0;
}

static int file_write(void *payload, const void *data, size_t len, struct err *err)
{
	struct file_sink *f = payload;
	digest_add(f->sha, data, len);
	return fs_write_all(f->fd, data, len, f->path, err);
}

static int check_sha(struct file_sink *f, struct err *err)
{
	struct strbuf raw = STRBUF_INIT, base64 = STRBUF_INIT;
	int ret = 0;
	if (f->sha)
		digest_finish(f->sha, &raw);
	f->sha = NULL;
	base64_encode(&base64, raw.buf, raw.len);
	if (f->wanted && strcmp(f->wanted, base64.buf) != 0)
		ret = err_set(err, ERR_TRANSIENT, "'%s': the bytes that came have another checksum",
			f->path);
	strbuf_release(&raw);
	strbuf_release(&base64);
	return ret;
}

/* Beside the target, so that a rename puts it there whole. */
static char *part_name(const char *path)
{
	struct strbuf name = STRBUF_INIT;
	unsigned char random[6];
	digest_random(random, sizeof(random));
	strbuf_addf(&name, "%s.", path);
	hex_encode(&name, random, sizeof(random));
	return strbuf_detach(&name, NULL);
}

int s3_get_file(struct aws_client *c, const char *bucket, const char *key, const char *path,
	struct err *err)
{
	char *part = part_name(path);
	struct file_sink file = {
		.fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), .path = path};
	const struct http_sink sink = {file_begin, file_write, &file};
	int ret;
	if (file.fd < 0) {
		ret = err_errno(err, "%s", path);
		free(part);
		return ret;
	}
	ret = s3_get_object_to(c, bucket, key, &sink, err);
	if (ret == 0)
		ret = check_sha(&file, err);
	if (ret == 0 && fsync(file.fd) < 0)
		ret = err_errno(err, "%s", path);
	if (close(file.fd) < 0 && ret == 0)
		ret = err_errno(err, "%s", path);
	if (ret == 0 && rename(part, path) < 0)
		ret = err_errno(err, "%s", path);
	if (ret < 0)
		unlink(part);
	digest_free(file.sha);
	free(file.wanted);
	free(part);
	return ret;
}
