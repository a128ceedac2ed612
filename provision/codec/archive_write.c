#include "archive_io.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "archive_locale.h"
#include "xalloc.h"

/* The file grows beside its name and takes it when it is whole. */
struct archive_writer {
	struct archive *raw;
	char *path, *temp;
};

static int fail(struct archive_writer *w, struct err *err)
{
	const char *why = archive_error_string(w->raw);
	return err_set(err, ERR_IO, "cannot write '%s': %s", w->path, why ? why : "unknown error");
}

/* A warning is about a name that the locale cannot show; the entry is good. */
static bool is_bad(int rc)
{
	return rc != ARCHIVE_OK && rc != ARCHIVE_WARN;
}

struct archive_writer *archive_writer_new(const char *path, struct err *err)
{
	struct archive_writer *w = xcalloc(1, sizeof(*w));
	w->path = xstrdup(path);
	w->temp = xasprintf("%s.part", path);
	w->raw = archive_write_new();
	if (!w->raw)
		BUG("out of memory");
	if (archive_write_add_filter_gzip(w->raw) ||
		archive_write_set_format_pax_restricted(w->raw) ||
		/* A bundle is packed on the way to its first setup: a tenth larger is better than three times slower. */
		archive_write_set_filter_option(w->raw, "gzip", "compression-level", "1") ||
		archive_write_set_filter_option(w->raw, "gzip", "timestamp", NULL) ||
		archive_write_set_bytes_in_last_block(w->raw, 1) ||
		archive_write_open_filename(w->raw, w->temp)) {
		fail(w, err);
		archive_writer_free(w);
		return NULL;
	}
	return w;
}

static int put_header(struct archive_writer *w, const char *name, const char *target, mode_t mode,
	uint64_t size, struct err *err)
{
	struct archive_entry *e = archive_entry_new();
	locale_t before = archive_locale_enter();
	if (!e)
		BUG("out of memory");
	archive_entry_set_pathname(e, name);
	archive_entry_set_size(e, (int64_t)size);
	archive_entry_set_filetype(e, target ? AE_IFLNK : AE_IFREG);
	archive_entry_set_perm(e, mode & 0777);
	archive_entry_set_mtime(e, 0, 0);
	if (target)
		archive_entry_set_symlink(e, target);
	int ret = is_bad(archive_write_header(w->raw, e)) ? fail(w, err) : 0;
	archive_locale_leave(before);
	archive_entry_free(e);
	return ret;
}

static int put_data(struct archive_writer *w, const void *data, size_t len, struct err *err)
{
	const char *p = data;
	while (len) {
		la_ssize_t n = archive_write_data(w->raw, p, len);
		if (n <= 0)
			return fail(w, err);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Exactly the size that the header promised. */
static int put_file(
	struct archive_writer *w, int fd, const char *path, uint64_t size, struct err *err)
{
	char block[65536];
	while (size) {
		size_t want = size < sizeof(block) ? (size_t)size : sizeof(block);
		ssize_t n = read(fd, block, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read '%s'", path);
		if (n == 0)
			return err_set(err, ERR_IO, "'%s' became shorter while it was read", path);
		if (put_data(w, block, (size_t)n, err))
			return -1;
		size -= (uint64_t)n;
	}
	return 0;
}

int archive_writer_add_file(
	struct archive_writer *w, const char *name, const char *path, mode_t mode, struct err *err)
{
	struct stat st;
	int ret = -1, fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "cannot open '%s'", path);
	if (fstat(fd, &st))
		err_errno(err, "cannot look at '%s'", path);
	else if (!S_ISREG(st.st_mode))
		err_set(err, ERR_INVALID, "'%s' is no regular file", path);
	else if (!put_header(w, name, NULL, mode, (uint64_t)st.st_size, err))
		ret = put_file(w, fd, path, (uint64_t)st.st_size, err);
	close(fd);
	return ret;
}

int archive_writer_add_bytes(struct archive_writer *w, const char *name, const void *data,
	size_t len, mode_t mode, struct err *err)
{
	if (put_header(w, name, NULL, mode, len, err))
		return -1;
	return put_data(w, data, len, err);
}

int archive_writer_add_symlink(
	struct archive_writer *w, const char *name, const char *target, struct err *err)
{
	return put_header(w, name, target, 0777, 0, err);
}

int archive_writer_finish(struct archive_writer *w, struct err *err)
{
	int ret = -1;
	if (archive_write_close(w->raw) != ARCHIVE_OK)
		fail(w, err);
	else if (rename(w->temp, w->path))
		err_errno(err, "cannot rename to '%s'", w->path);
	else
		ret = 0;
	archive_writer_free(w);
	return ret;
}

void archive_writer_free(struct archive_writer *w)
{
	if (!w)
		return;
	archive_write_free(w->raw);
	unlink(w->temp); /* gone already when it was finished */
	free(w->path);
	free(w->temp);
	free(w);
}
