#include "worker.h"
#include "archive_io.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Lines of a file that may be gzip or zip; memory is one block and the longest line. */
#define BLOCK (256 * 1024)
#define MAX_LINE (64u * 1024 * 1024)

struct line_reader {
	int fd;
	char *path;
	char *raw; /* what the archive reader is fed with */
	struct archive_reader *archive;
	bool packed, at_end, first;
	struct strbuf buf; /* read, from `at` on not yet given out */
	size_t at;
};

static ssize_t read_some(int fd, void *buf, size_t len, const char *path, struct err *err)
{
	ssize_t n;

	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_errno(err, "read '%s'", path) : n;
}

static ssize_t feed(void *payload, const void **block, struct err *err)
{
	struct line_reader *r = payload;

	*block = r->raw;
	return read_some(r->fd, r->raw, BLOCK, r->path, err);
}

static int next_entry(struct line_reader *r, struct err *err)
{
	const char *name;
	bool is_file = false;
	int64_t size;
	int got;

	do
		got = archive_reader_next(r->archive, &name, &is_file, &size, err);
	while (got > 0 && !is_file);
	r->at_end = got <= 0;
	r->first = true;
	return got;
}

struct line_reader *line_reader_open(const char *path, struct err *err)
{
	struct line_reader *r = xcalloc(1, sizeof(*r));
	unsigned char magic[4] = {0};
	ssize_t n;

	strbuf_init(&r->buf);
	r->path = xstrdup(path);
	r->fd = open(path, O_RDONLY | O_CLOEXEC);
	r->first = true;
	if (r->fd < 0) {
		err_errno(err, "open '%s'", path);
		goto fail;
	}
	if ((n = pread(r->fd, magic, sizeof(magic), 0)) < 0) {
		err_errno(err, "read '%s'", path);
		goto fail;
	}
	r->packed = (n >= 2 && magic[0] == 0x1f && magic[1] == 0x8b) ||
		    (n == 4 && !memcmp(magic, "PK\3\4", 4));
	if (r->packed) {
		r->raw = xmalloc(BLOCK);
		r->archive = archive_reader_new(feed, r, true, err);
		if (!r->archive || next_entry(r, err) < 0)
			goto fail;
	}
	return r;
fail:
	line_reader_free(r);
	return NULL;
}

/* More bytes behind what is there; 0 at the end. */
static ssize_t more(struct line_reader *r, struct err *err)
{
	ssize_t n;

	if (r->at) {
		strbuf_remove(&r->buf, 0, r->at);
		r->at = 0;
	}
	if (r->buf.len > MAX_LINE)
		return err_set(err, ERR_INVALID, "a line of more than %u bytes", MAX_LINE);
	strbuf_grow(&r->buf, BLOCK);
	n = r->packed ? archive_reader_read(r->archive, r->buf.buf + r->buf.len, BLOCK, err)
		      : read_some(r->fd, r->buf.buf + r->buf.len, BLOCK, r->path, err);
	if (n > 0)
		strbuf_setlen(&r->buf, r->buf.len + (size_t)n);
	return n;
}

static int give(
	struct line_reader *r, size_t end, size_t next, const char **line, size_t *len, bool *first)
{
	*line = r->buf.buf + r->at;
	*len = end - r->at;
	if (*len && (*line)[*len - 1] == '\r')
		--*len;
	*first = r->first;
	r->first = false;
	r->at = next;
	return 1;
}

int line_reader_next(
	struct line_reader *r, const char **line, size_t *len, bool *first, struct err *err)
{
	size_t scanned = 0;

	while (!r->at_end) {
		size_t from = r->at + scanned;
		const char *nl = memchr(r->buf.buf + from, '\n', r->buf.len - from);
		ssize_t n;
		if (nl)
			return give(r, (size_t)(nl - r->buf.buf), (size_t)(nl - r->buf.buf) + 1,
				line, len, first);
		scanned = r->buf.len - r->at;
		if ((n = more(r, err)) < 0)
			return -1;
		if (n)
			continue;
		if (r->buf.len > r->at) /* the last line has no end */
			return give(r, r->buf.len, r->buf.len, line, len, first);
		if (!r->packed)
			r->at_end = true;
		else if (next_entry(r, err) < 0)
			return -1;
		scanned = 0;
	}
	return 0;
}

void line_reader_free(struct line_reader *r)
{
	if (!r)
		return;
	archive_reader_free(r->archive);
	if (r->fd >= 0)
		close(r->fd);
	strbuf_release(&r->buf);
	free(r->raw);
	free(r->path);
	free(r);
}
