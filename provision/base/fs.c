#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int too_big(const char *path, size_t max_bytes, struct err *err)
{
	return err_set(err, ERR_INVALID, "'%s' is larger than %zu bytes", path, max_bytes);
}

static int read_all(int fd, const char *path, size_t max_bytes, struct strbuf *sb, struct err *err)
{
	char block[65536];
	size_t total = 0;
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read '%s'", path);
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > max_bytes)
			return too_big(path, max_bytes, err);
		strbuf_add(sb, block, (size_t)n);
	}
}

int fs_read(const char *path, size_t max_bytes, struct strbuf *sb, struct err *err)
{
	struct stat st;
	size_t before = sb->len;
	int ret = -1;
	bool standard = !strcmp(path, "-");
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "cannot open '%s'", path);
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		if ((uint64_t)st.st_size > max_bytes) {
			too_big(path, max_bytes, err);
			goto out;
		}
		strbuf_grow(sb, (size_t)st.st_size);
	}
	ret = read_all(fd, path, max_bytes, sb, err);
out:
	if (ret)
		strbuf_setlen(sb, before);
	if (!standard)
		close(fd);
	return ret;
}

int fs_write_all(int fd, const void *data, size_t len, const char *what, struct err *err)
{
	const char *p = data;
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot write '%s'", what);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* So that the new name itself outlives a crash. A file system that cannot do it is no error. */
static void sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	char *temp = xasprintf("%s.XXXXXX", path), *dir = fs_dirname(path);
	int ret = -1, fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		err_errno(err, "cannot create '%s'", path);
		goto out;
	}
	if (fs_write_all(fd, data, len, path, err))
		goto out;
	if (fchmod(fd, mode) || fsync(fd)) {
		err_errno(err, "cannot write '%s'", path);
		goto out;
	}
	if (rename(temp, path)) {
		err_errno(err, "cannot rename to '%s'", path);
		goto out;
	}
	sync_dir(dir);
	ret = 0;
out:
	if (fd >= 0) {
		close(fd);
		if (ret)
			unlink(temp);
	}
	free(temp);
	free(dir);
	return ret;
}

static int make_dir(const char *path, mode_t mode, struct err *err)
{
	if (!mkdir(path, mode))
		return 0;
	if (errno == EEXIST && fs_is_dir(path))
		return 0;
	return err_errno(err, "cannot make folder '%s'", path);
}

int fs_mkdir_p(const char *path, mode_t mode, struct err *err)
{
	char *copy = NULL;
	int ret = 0;
	if (fs_is_dir(path))
		return 0;
	copy = xstrdup(path);
	for (char *p = copy + 1; *copy && *p && !ret; p++) {
		if (*p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		ret = make_dir(copy, mode | S_IWUSR | S_IXUSR, err);
		*p = '/';
	}
	if (!ret)
		ret = make_dir(path, mode, err);
	free(copy);
	return ret;
}

static int remove_at(int parent, const char *name, const char *path, struct err *err);

/* Takes fd. */
static int remove_contents(int fd, const char *path, struct err *err)
{
	DIR *dir = fdopendir(fd);
	int ret = 0;
	if (!dir) {
		close(fd);
		return err_errno(err, "cannot read folder '%s'", path);
	}
	while (!ret) {
		errno = 0;
		struct dirent *d = readdir(dir);
		if (!d) {
			if (errno)
				ret = err_errno(err, "cannot read folder '%s'", path);
			break;
		}
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		char *below = fs_join(path, d->d_name);
		ret = remove_at(dirfd(dir), d->d_name, below, err);
		free(below);
	}
	closedir(dir);
	return ret;
}

static int remove_at(int parent, const char *name, const char *path, struct err *err)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && !fchmodat(parent, name, S_IRWXU, 0))
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT || !unlinkat(parent, name, 0) || errno == ENOENT)
			return 0;
		return err_errno(err, "cannot remove '%s'", path);
	}
	if (remove_contents(fd, path, err))
		return -1;
	if (unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT)
		return err_errno(err, "cannot remove '%s'", path);
	return 0;
}

int fs_remove_tree(const char *path, struct err *err)
{
	return remove_at(AT_FDCWD, path, path, err);
}

bool fs_exists(const char *path)
{
	return !access(path, F_OK);
}

bool fs_is_dir(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

char *fs_mkdtemp(const char *parent, const char *prefix, struct err *err)
{
	if (!parent)
		parent = getenv("TMPDIR");
	if (!parent || !*parent)
		parent = "/tmp";
	char *path = xasprintf("%s/%sXXXXXX", parent, prefix);
	if (mkdtemp(path))
		return path;
	err_errno(err, "cannot make a folder in '%s'", parent);
	free(path);
	return NULL;
}

int fs_free_bytes(const char *path, uint64_t *bytes, struct err *err)
{
	struct statvfs st;
	if (statvfs(path, &st))
		return err_errno(err, "cannot ask for the free space of '%s'", path);
	*bytes = (uint64_t)st.f_bavail * st.f_frsize;
	return 0;
}

char *fs_join(const char *dir, const char *name)
{
	if (*name == '/' || !*dir)
		return xstrdup(name);
	return xasprintf("%s%s%s", dir, ends_with(dir, "/") ? "" : "/", name);
}

char *fs_dirname(const char *path)
{
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len && path[len - 1] != '/')
		len--;
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len ? xstrndup(path, len) : xstrdup(".");
}

const char *fs_basename(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

char *fs_program_dir(struct err *err)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n < 0) {
		err_errno(err, "cannot find the program's own folder");
		return NULL;
	}
	path[n] = '\0';
	return fs_dirname(path);
}
