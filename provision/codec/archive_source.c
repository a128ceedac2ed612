#include "archive_source.h"

#include <stdlib.h>
#include <string.h>

void archive_source_init(struct archive_source *s, archive_read_fn *read, void *payload)
{
	*s = (struct archive_source){.read = read, .payload = payload};
	strbuf_init(&s->head);
}

void archive_source_release(struct archive_source *s)
{
	if (s->inflating)
		inflateEnd(&s->z);
	free(s->out);
	strbuf_release(&s->head);
	err_release(&s->err);
}

/* For a reader that failed without saying why. */
static int no_reason(struct archive_source *s)
{
	if (s->err.code == ERR_NONE)
		err_set(&s->err, ERR_IO, "cannot read the archive");
	return -1;
}

static ssize_t read_raw(struct archive_source *s, const void **block)
{
	if (s->first_len) {
		size_t len = s->first_len;
		*block = s->first;
		s->first_len = 0;
		return (ssize_t)len;
	}
	return s->read(s->payload, block, &s->err);
}

int archive_source_start(struct archive_source *s)
{
	const void *block = NULL;
	ssize_t n = s->read(s->payload, &block, &s->err);
	size_t len = n < 0 ? 0 : (size_t)n;
	while (n > 0 && len < 2) {
		strbuf_add(&s->head, block, (size_t)n);
		n = s->read(s->payload, &block, &s->err);
		if (n > 0)
			strbuf_add(&s->head, block, (size_t)n);
		block = s->head.buf;
		len = s->head.len;
	}
	if (n < 0)
		return no_reason(s);
	s->first = block;
	s->first_len = len;
	if (len < 2 || memcmp(block, "\x1f\x8b", 2) != 0)
		return 0;
	s->gzip = s->inflating = true;
	s->out = xmalloc(ARCHIVE_SOURCE_BLOCK);
	if (inflateInit2(&s->z, MAX_WBITS + 16) != Z_OK)
		BUG("zlib cannot start");
	return 0;
}

/* More input for zlib: 1, 0 at the end of the stream, -1. */
static int fill(struct archive_source *s)
{
	const void *block = NULL;
	if (s->z.avail_in)
		return 1;
	ssize_t n = read_raw(s, &block);
	if (n <= 0)
		return (int)n;
	s->z.next_in = (z_const Bytef *)block;
	s->z.avail_in = (uInt)n;
	return 1;
}

static int bad_gzip(struct archive_source *s)
{
	return err_set(&s->err, ERR_INVALID, "damaged gzip data%s%s", s->z.msg ? ": " : "",
		s->z.msg ? s->z.msg : "");
}

/* Behind a member may come another one; zeros are padding, anything else is no part of it. */
static bool next_member(struct archive_source *s)
{
	s->between_members = false;
	if (*s->z.next_in != 0x1f)
		return false;
	if (inflateReset(&s->z) != Z_OK)
		BUG("zlib cannot start again");
	return true;
}

static ssize_t inflate_block(struct archive_source *s, const void **block)
{
	s->z.next_out = s->out;
	s->z.avail_out = ARCHIVE_SOURCE_BLOCK;
	while (s->z.avail_out == ARCHIVE_SOURCE_BLOCK) {
		int more = fill(s);
		if (more < 0)
			return -1;
		if (!more && s->between_members)
			return 0;
		if (!more)
			return err_set(&s->err, ERR_INVALID, "the gzip data is cut off");
		if (s->between_members && !next_member(s)) {
			if (s->strict && *s->z.next_in != 0)
				return bad_gzip(s);
			return 0;
		}
		int rc = inflate(&s->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			s->between_members = true;
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			return bad_gzip(s);
	}
	*block = s->out;
	return (ssize_t)(ARCHIVE_SOURCE_BLOCK - s->z.avail_out);
}

static void keep_tail(struct archive_source *s, const unsigned char *data, size_t len)
{
	s->total += len;
	if (len >= ARCHIVE_TAIL) {
		memcpy(s->tail, data + len - ARCHIVE_TAIL, ARCHIVE_TAIL);
		return;
	}
	memmove(s->tail, s->tail + len, ARCHIVE_TAIL - len);
	memcpy(s->tail + ARCHIVE_TAIL - len, data, len);
}

ssize_t archive_source_next(struct archive_source *s, const void **block)
{
	if (s->err.code != ERR_NONE)
		return -1;
	if (s->ended)
		return 0;
	ssize_t n = s->gzip ? inflate_block(s, block) : read_raw(s, block);
	if (n > 0)
		keep_tail(s, *block, (size_t)n);
	if (n == 0)
		s->ended = true;
	return n < 0 ? no_reason(s) : n;
}

bool archive_source_ends_in_zeros(const struct archive_source *s)
{
	for (size_t i = 0; i < ARCHIVE_TAIL; i++)
		if (s->tail[i])
			return false;
	return s->total >= ARCHIVE_TAIL;
}
