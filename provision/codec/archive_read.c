#include "archive_read.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "archive_locale.h"
#include "archive_source.h"
#include "strbuf.h"

struct archive_reader {
	struct archive *raw;
	struct archive_entry *entry;
	struct archive_source source;
	struct strbuf name;
	bool raw_ok, started, ended, direct; /* direct: libarchive reads the file itself */
	int fd;
	unsigned char *block; /* for fd */
};

static int fail(struct archive_reader *r, struct err *err)
{
	if (r->source.err.code != ERR_NONE) {
		err_copy(err, &r->source.err);
		return -1;
	}
	const char *why = archive_error_string(r->raw);
	return err_set(err, ERR_INVALID, "damaged archive: %s", why ? why : "unknown error");
}

static la_ssize_t give_block(unused_arg struct archive *raw, void *payload, const void **block)
{
	struct archive_reader *r = payload;
	ssize_t n = archive_source_next(&r->source, block);
	if (n < 0)
		archive_set_error(r->raw, EIO, "cannot read");
	return n;
}

static ssize_t read_fd(void *payload, const void **block, struct err *err)
{
	struct archive_reader *r = payload;
	for (;;) {
		ssize_t n = read(r->fd, r->block, ARCHIVE_SOURCE_BLOCK);
		*block = r->block;
		if (n >= 0)
			return n;
		if (errno != EINTR)
			return err_errno(err, "cannot read the archive");
	}
}

static struct archive_reader *reader_new(void)
{
	struct archive_reader *r = xcalloc(1, sizeof(*r));
	r->fd = -1;
	strbuf_init(&r->name);
	r->raw = archive_read_new();
	if (!r->raw)
		BUG("out of memory");
	return r;
}

/* After the source has seen whether it is gzip. */
static int open_stream(struct archive_reader *r, struct err *err)
{
	archive_read_support_format_tar(r->raw);
	archive_read_support_format_zip_streamable(r->raw);
	if (r->raw_ok && r->source.gzip) {
		archive_read_support_format_raw(r->raw);
		archive_read_support_format_empty(r->raw);
	}
	archive_read_set_read_callback(r->raw, give_block);
	archive_read_set_callback_data(r->raw, r);
	locale_t before = archive_locale_enter();
	int rc = archive_read_open1(r->raw);
	archive_locale_leave(before);
	return rc == ARCHIVE_OK ? 0 : fail(r, err);
}

struct archive_reader *archive_reader_new(
	archive_read_fn *read, void *payload, bool raw_ok, struct err *err)
{
	struct archive_reader *r = reader_new();
	r->raw_ok = raw_ok;
	archive_source_init(&r->source, read, payload);
	if (archive_source_start(&r->source)) {
		fail(r, err);
	} else if (!open_stream(r, err)) {
		return r;
	}
	archive_reader_free(r);
	return NULL;
}

struct archive_reader *archive_reader_of_file(int fd, struct err *err)
{
	unsigned char magic[2] = {0};
	struct archive_reader *r = reader_new();
	bool gzip = pread(fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
	r->fd = fd;
	r->direct = !gzip;
	if (gzip) {
		r->block = xmalloc(ARCHIVE_SOURCE_BLOCK);
		archive_source_init(&r->source, read_fd, r);
		if (archive_source_start(&r->source)) {
			fail(r, err);
			goto failed;
		}
		if (open_stream(r, err))
			goto failed;
		return r;
	}
	archive_read_support_format_tar(r->raw);
	archive_read_support_format_zip(r->raw);
	if (archive_read_open_fd(r->raw, fd, ARCHIVE_SOURCE_BLOCK) == ARCHIVE_OK)
		return r;
	fail(r, err);
failed:
	archive_reader_free(r);
	return NULL;
}

struct archive_entry *archive_reader_entry(struct archive_reader *r)
{
	return r->entry;
}

/* libarchive takes a tar that stops between two entries for whole, and does not read behind the last one. */
static int check_end(struct archive_reader *r, struct err *err)
{
	const void *block = NULL;
	if (r->direct)
		return 0;
	bool tar = (archive_format(r->raw) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
	if (tar && r->source.ended && !archive_source_ends_in_zeros(&r->source))
		return err_set(err, ERR_INVALID, "damaged archive: the tar data is cut off");
	for (;;) {
		ssize_t n = archive_source_next(&r->source, &block);
		if (n <= 0)
			return n < 0 ? fail(r, err) : 0;
	}
}

/* The end came before any entry: a gzip of nothing is one empty "data" when that is wanted. */
static int at_end(struct archive_reader *r, bool first, const char **name, bool *is_file,
	int64_t *size, struct err *err)
{
	r->entry = NULL;
	if (check_end(r, err))
		return -1;
	if (!first || !r->raw_ok || !r->source.gzip || r->source.total)
		return 0;
	*name = "data";
	*is_file = true;
	*size = 0;
	return 1;
}

static void take_name(struct archive_reader *r)
{
	const char *name = archive_entry_pathname_utf8(r->entry);
	if (!name)
		name = archive_entry_pathname(r->entry);
	strbuf_clear(&r->name);
	strbuf_addstr(&r->name, name ? name : "");
}

int archive_reader_next(
	struct archive_reader *r, const char **name, bool *is_file, int64_t *size, struct err *err)
{
	bool first = !r->started;
	if (r->ended)
		return 0;
	locale_t before = archive_locale_enter();
	int rc = archive_read_next_header(r->raw, &r->entry);
	if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN)
		take_name(r);
	archive_locale_leave(before);
	r->started = true;
	r->ended = rc == ARCHIVE_EOF;
	if (r->ended)
		return at_end(r, first, name, is_file, size, err);
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
		r->entry = NULL;
		return fail(r, err);
	}
	*name = r->name.buf;
	*is_file =
		archive_entry_filetype(r->entry) == AE_IFREG && !archive_entry_hardlink(r->entry);
	*size = archive_entry_size_is_set(r->entry) ? archive_entry_size(r->entry) : -1;
	return 1;
}

/* A warning in the data (a size that is not what the header said) is damage too. */
ssize_t archive_reader_read(struct archive_reader *r, void *buf, size_t len, struct err *err)
{
	if (!r->entry)
		return 0;
	la_ssize_t n = archive_read_data(r->raw, buf, len);
	if (n < 0 || r->source.err.code != ERR_NONE)
		return fail(r, err);
	return n;
}

void archive_reader_free(struct archive_reader *r)
{
	if (!r)
		return;
	archive_read_free(r->raw);
	archive_source_release(&r->source);
	strbuf_release(&r->name);
	free(r->block);
	free(r);
}
