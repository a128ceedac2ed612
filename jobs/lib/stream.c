/*
 * The ring: blocks [head, tail) are full; the reader owns block head-1 (the one given last), the thread fills block
 * tail. The thread waits while RING - 1 blocks are taken, the reader while none is full.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "clock.h"
#include "fs.h"
#include "joblog.h"
#include "packed.h"
#include "place.h"
#include "s3.h"
#include "transport.h"
#include "uri.h"

#define BLOCK (256u << 10)
#define RING 8u
#define HTTP_ATTEMPTS 4
#define HTTP_TIMEOUT_MS 300000
/* Some hosts refuse what is no browser. */
#define USER_AGENT "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

struct stream {
	struct job *job;
	char *location, *shown; /* shown: without a query, which may hold a signature */
	int fd;                 /* a file; else -1 */
	pthread_t thread;
	bool threaded;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned char *block[RING];
	size_t len[RING], head, tail; /* counters, modulo RING */
	bool ended, cancelled;
	struct err err;            /* why it ended early */
	bool begun;                /* the thread's own: bytes came */
	struct unpacker *unpacker; /* NULL: bytes as they come */
};

/* --- the downloading side --- */

static int put_block(struct stream *s, struct err *err)
{
	int ret = 0;

	pthread_mutex_lock(&s->lock);
	s->tail++;
	pthread_cond_broadcast(&s->changed);
	/* One block is the reader's. */
	while (!s->cancelled && s->tail - s->head >= RING - 1)
		pthread_cond_wait(&s->changed, &s->lock);
	if (s->cancelled)
		ret = err_set(err, ERR_INTERRUPTED, "'%s' is not wanted any more", s->shown);
	s->len[s->tail % RING] = 0;
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static int sink_begin(
	void *payload, int status, unused_arg const struct strvec *headers, struct err *err)
{
	struct stream *s = payload;

	s->begun = true;
	if (status == 200)
		return 0;
	return err_set(err, ERR_FAILED, "'%s': HTTP status %d instead of 200", s->shown, status);
}

static int sink_write(void *payload, const void *data, size_t len, struct err *err)
{
	struct stream *s = payload;
	const unsigned char *p = data;

	if (job_check_interrupt(err) != 0)
		return -1;
	while (len) {
		size_t *used = &s->len[s->tail % RING], n = BLOCK - *used;
		unsigned char **to = &s->block[s->tail % RING];

		if (n > len)
			n = len;
		if (!*to)
			*to = xmalloc(BLOCK);
		memcpy(*to + *used, p, n);
		*used += n;
		p += n;
		len -= n;
		if (*used == BLOCK && put_block(s, err) != 0)
			return -1;
	}
	return 0;
}

static int fetch_s3(struct stream *s, struct err *err)
{
	const struct http_sink sink = {NULL, sink_write, s};
	struct aws_client *aws = job_aws(s->job, err);
	char *bucket = NULL, *key = NULL;
	int ret = -1;

	if (aws && s3_uri_split(s->location, &bucket, &key, err) == 0) {
		ret = s3_get_object_to(aws, bucket, key, &sink, err);
		if (ret != 0)
			err_wrap(err, "%s", s->location);
	}
	free(bucket);
	free(key);
	return ret;
}

static int fetch_http_once(struct stream *s, struct http_transport *transport, struct err *err)
{
	const struct http_sink sink = {sink_begin, sink_write, s};
	struct http_request request = HTTP_REQUEST_INIT;
	struct http_reply reply = HTTP_REPLY_INIT;
	int ret;

	request.method = "GET";
	request.url = s->location;
	request.sink = &sink;
	request.timeout_ms = HTTP_TIMEOUT_MS;
	request.follow_redirects = true;
	strvec_push(&request.headers, "User-Agent: " USER_AGENT);
	strvec_push(&request.headers, "Accept: */*");
	ret = transport->ops->perform(transport, &request, &reply, err);
	if (ret == 0 && reply.status != 200) {
		ret = err_set(err, reply.status >= 500 ? ERR_TRANSIENT : ERR_FAILED,
			"'%s': HTTP status %d instead of 200", s->shown, reply.status);
		if (err)
			err->http_status = reply.status;
	}
	http_request_release(&request);
	http_reply_release(&reply);
	return ret;
}

static bool worth_repeating(const struct stream *s, const struct err *err)
{
	return !s->begun && (err->code == ERR_IO || err->code == ERR_AMBIGUOUS ||
				    err->code == ERR_TIMEOUT || err->code == ERR_TRANSIENT);
}

static int fetch_http(struct stream *s, struct err *err)
{
	struct http_transport *transport = http_transport_curl(err);
	const struct clock *clock = clock_system();
	struct err why = ERR_INIT;
	int ret = -1;

	if (!transport)
		return -1;
	for (int attempt = 1; attempt <= HTTP_ATTEMPTS; attempt++) {
		err_release(&why);
		ret = fetch_http_once(s, transport, &why);
		if (ret == 0 || attempt == HTTP_ATTEMPTS || !worth_repeating(s, &why))
			break;
		job_log(JOB_WARN, "retry", "attempt=%d error=\"%s\"", attempt, why.text);
		if (clock->sleep_ms(clock, 250LL << attempt) != 0)
			break;
	}
	if (ret != 0) {
		err_move(err, &why);
		if (!err->text || !strstr(err->text, s->shown))
			err_wrap(err, "'%s'", s->shown);
	}
	err_release(&why);
	http_transport_free(transport);
	return ret;
}

static void *download(void *payload)
{
	struct stream *s = payload;
	struct err err = ERR_INIT;
	int ret = starts_with(s->location, "s3://") ? fetch_s3(s, &err) : fetch_http(s, &err);

	pthread_mutex_lock(&s->lock);
	if (ret == 0 && s->len[s->tail % RING])
		s->tail++;
	if (ret != 0)
		err_move(&s->err, &err);
	s->ended = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	err_release(&err);
	return NULL;
}

/* --- the reading side --- */

static int open_file(struct stream *s, struct err *err)
{
	char *path = starts_with(s->location, "file://") ? path_of_file_url(s->location)
							 : xstrdup(s->location);
	int ret = 0;

	s->block[0] = xmalloc(BLOCK);
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		ret = err_errno(err, "cannot read '%s'", path);
	else if (fs_is_dir(path))
		ret = err_set(err, ERR_INVALID, "cannot read '%s': it is a folder", path);
	free(path);
	return ret;
}

static int start_download(struct stream *s, struct err *err)
{
	errno = pthread_create(&s->thread, NULL, download, s);
	if (errno)
		return err_errno(err, "cannot start a thread");
	s->threaded = true;
	return 0;
}

struct stream *stream_open(struct job *job, const char *location, struct err *err)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	int ret;

	s->job = job;
	s->location = xstrdup(location);
	s->shown = xstrndup(location,
		starts_with(location, "http") ? strcspn(location, "?#") : strlen(location));
	s->fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (starts_with(location, "s3://") || starts_with(location, "https://") ||
		starts_with(location, "http://"))
		ret = start_download(s, err);
	else if (starts_with(location, "file://") || !strstr(location, "://"))
		ret = open_file(s, err);
	else
		ret = err_set(err, ERR_USAGE,
			"'%s' is no address that can be read: https, http, s3, file or a path",
			location);
	if (ret == 0)
		return s;
	stream_close(s);
	return NULL;
}

static ssize_t read_file(struct stream *s, const void **block, struct err *err)
{
	ssize_t n;

	do {
		n = read(s->fd, s->block[0], BLOCK);
	} while (n < 0 && errno == EINTR && !clock_interrupted());
	if (n < 0)
		return err_errno(err, "cannot read '%s'", s->location);
	*block = s->block[0];
	return n;
}

static ssize_t read_packed(void *stream, const void **block, struct err *err)
{
	struct stream *s = stream;
	ssize_t n = 0;

	if (job_check_interrupt(err) != 0)
		return -1;
	if (s->fd >= 0)
		return read_file(s, block, err);
	pthread_mutex_lock(&s->lock);
	while (s->head == s->tail && !s->ended)
		pthread_cond_wait(&s->changed, &s->lock);
	if (s->head != s->tail) {
		*block = s->block[s->head % RING];
		n = (ssize_t)s->len[s->head % RING];
		s->head++;
		pthread_cond_broadcast(&s->changed);
	} else if (s->err.code) {
		err_copy(err, &s->err);
		n = -1;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

ssize_t stream_read(void *stream, const void **block, struct err *err)
{
	struct stream *s = stream;
	struct err why = ERR_INIT;
	ssize_t n;

	if (!s->unpacker)
		return read_packed(s, block, err);
	n = unpacker_read(s->unpacker, block, &why);
	if (n < 0) {
		if (why.code == ERR_INVALID)
			err_wrap(&why, "'%s'", s->shown);
		err_move(err, &why);
	}
	err_release(&why);
	return n;
}

struct stream *stream_open_unpacked(struct job *job, const char *location, struct err *err)
{
	struct stream *s = stream_open(job, location, err);
	enum packed_kind kind = s ? packed_kind_of(s->shown) : PACKED_NONE;

	if (kind != PACKED_NONE)
		s->unpacker = unpacker_new(kind, read_packed, s);
	return s;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	unpacker_free(s->unpacker);
	pthread_mutex_lock(&s->lock);
	s->cancelled = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (s->threaded)
		pthread_join(s->thread, NULL);
	if (s->fd >= 0)
		close(s->fd);
	for (size_t i = 0; i < RING; i++)
		free(s->block[i]);
	err_release(&s->err);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s->location);
	free(s->shown);
	free(s);
}
