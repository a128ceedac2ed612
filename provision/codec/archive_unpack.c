#include "archive_io.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "archive_read.h"
#include "fs.h"
#include "strvec.h"

/*
 * No entry leaves the folder: names have no "..", each folder on the way is opened without following
 * links, and a link's target climbs no higher than the folder. Folders are never replaced by links.
 */
struct unpacking {
	struct archive_reader *reader;
	int root;
	uint64_t left; /* bytes that may still be written */
	uint64_t max_bytes;
	struct err *err;
};

static int refuse(struct unpacking *u, const char *name, const char *why)
{
	return err_set(u->err, ERR_INVALID, "archive entry '%s' %s", name, why);
}

/* The name's parts without "." and empty ones. */
static void split_name(const char *name, struct strvec *parts)
{
	struct strvec all = STRVEC_INIT;
	strvec_split(&all, name, '/');
	for (size_t i = 0; i < all.nr; i++)
		if (*all.v[i] && strcmp(all.v[i], ".") != 0)
			strvec_push(parts, all.v[i]);
	strvec_release(&all);
}

/* Opens, and makes where missing, the folder of parts[0 … nr). The result is the caller's to close. */
static int open_folder(struct unpacking *u, const char *name, const struct strvec *parts, size_t nr)
{
	int at = dup(u->root);
	for (size_t i = 0; i < nr && at >= 0; i++) {
		if (mkdirat(at, parts->v[i], 0755) && errno != EEXIST) {
			err_errno(u->err, "cannot make the folder of '%s'", name);
			close(at);
			return -1;
		}
		int next = openat(at, parts->v[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int saved = errno;
		close(at);
		errno = saved;
		at = next;
	}
	if (at < 0 && (errno == ELOOP || errno == ENOTDIR))
		refuse(u, name, "goes through a link or a file");
	else if (at < 0)
		err_errno(u->err, "cannot open the folder of '%s'", name);
	return at;
}

static int write_file(struct unpacking *u, int dir, const char *leaf, const char *name, mode_t mode)
{
	char block[65536];
	int ret = -1;
	unlinkat(dir, leaf, 0);
	int fd = openat(dir, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(u->err, "cannot create '%s'", name);
	for (;;) {
		ssize_t n = archive_reader_read(u->reader, block, sizeof(block), u->err);
		if (n < 0)
			goto out;
		if (n == 0)
			break;
		if ((uint64_t)n > u->left) {
			err_set(u->err, ERR_INVALID, "the archive holds more than %llu bytes",
				(unsigned long long)u->max_bytes);
			goto out;
		}
		u->left -= (uint64_t)n;
		if (fs_write_all(fd, block, (size_t)n, name, u->err))
			goto out;
	}
	if (fchmod(fd, (mode & 0755) | 0600))
		err_errno(u->err, "cannot set the mode of '%s'", name);
	else
		ret = 0;
out:
	close(fd);
	return ret;
}

/* ".." only at the start, and no more of them than the link lies deep: then no chain of links leads out. */
static bool target_escapes(const char *target, size_t depth)
{
	size_t up = 0;
	while (!strncmp(target, "../", 3) || !strcmp(target, "..")) {
		up++;
		target += target[2] ? 3 : 2;
		while (*target == '/')
			target++;
	}
	return up > depth || (*target && archive_name_escapes(target)) || (!*target && !up);
}

static int make_symlink(struct unpacking *u, int dir, const char *leaf, const char *name,
	const char *target, size_t depth)
{
	if (!target || target_escapes(target, depth))
		return refuse(u, name, "is a link that leaves the folder");
	unlinkat(dir, leaf, 0);
	if (symlinkat(target, dir, leaf))
		return err_errno(u->err, "cannot make the link '%s'", name);
	return 0;
}

/* Only to a regular file: a symbolic link under a second name could lie less deep. */
static int make_hardlink(
	struct unpacking *u, int dir, const char *leaf, const char *name, const char *target)
{
	struct strvec parts = STRVEC_INIT;
	struct stat st;
	int ret = -1, from = -1;
	if (archive_name_escapes(target)) {
		refuse(u, name, "is a link that leaves the folder");
		goto out;
	}
	split_name(target, &parts);
	from = parts.nr ? open_folder(u, target, &parts, parts.nr - 1) : -1;
	if (from < 0)
		goto out;
	const char *source = parts.v[parts.nr - 1];
	if (fstatat(from, source, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode)) {
		refuse(u, name, "is a link to what is no file of the archive");
		goto out;
	}
	unlinkat(dir, leaf, 0);
	if (linkat(from, source, dir, leaf, 0))
		err_errno(u->err, "cannot make the link '%s'", name);
	else
		ret = 0;
out:
	if (from >= 0)
		close(from);
	strvec_release(&parts);
	return ret;
}

static int unpack_leaf(
	struct unpacking *u, int dir, const char *leaf, const char *name, size_t depth)
{
	struct archive_entry *e = archive_reader_entry(u->reader);
	const char *hard = archive_entry_hardlink(e);
	if (hard)
		return make_hardlink(u, dir, leaf, name, hard);
	if (archive_entry_filetype(e) == AE_IFLNK)
		return make_symlink(u, dir, leaf, name, archive_entry_symlink(e), depth);
	if (archive_entry_filetype(e) == AE_IFREG)
		return write_file(u, dir, leaf, name, archive_entry_perm(e));
	return refuse(u, name, "is neither a file nor a folder nor a link");
}

static int unpack_entry(struct unpacking *u, const char *name)
{
	struct strvec parts = STRVEC_INIT;
	struct archive_entry *e = archive_reader_entry(u->reader);
	int ret = -1, dir = -1;
	if (archive_name_escapes(name)) {
		refuse(u, name, "would leave the folder");
		goto out;
	}
	split_name(name, &parts);
	bool folder = archive_entry_filetype(e) == AE_IFDIR;
	if (!folder && !parts.nr) {
		refuse(u, name, "has no name");
		goto out;
	}
	dir = open_folder(u, name, &parts, folder ? parts.nr : parts.nr - 1);
	if (dir < 0)
		goto out;
	ret = folder ? 0 : unpack_leaf(u, dir, parts.v[parts.nr - 1], name, parts.nr - 1);
out:
	if (dir >= 0)
		close(dir);
	strvec_release(&parts);
	return ret;
}

static int unpack_all(struct unpacking *u)
{
	const char *name;
	bool is_file;
	int64_t size;
	for (;;) {
		int rc = archive_reader_next(u->reader, &name, &is_file, &size, u->err);
		if (rc <= 0)
			return rc;
		if (unpack_entry(u, name))
			return -1;
	}
}

int archive_unpack(const char *path, const char *dir, uint64_t max_bytes, struct err *err)
{
	struct unpacking u = {.root = -1, .left = max_bytes, .max_bytes = max_bytes, .err = err};
	int ret = -1, fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_errno(err, "cannot open '%s'", path);
		goto out;
	}
	if (fs_mkdir_p(dir, 0755, err))
		goto out;
	u.root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (u.root < 0) {
		err_errno(err, "cannot open folder '%s'", dir);
		goto out;
	}
	u.reader = archive_reader_of_file(fd, err);
	if (u.reader)
		ret = unpack_all(&u);
	if (ret)
		err_wrap(err, "cannot unpack '%s'", path);
out:
	archive_reader_free(u.reader);
	if (u.root >= 0)
		close(u.root);
	if (fd >= 0)
		close(fd);
	return ret;
}
