#include "out_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clock.h"
#include "digest.h"
#include "fs.h"
#include "hex.h"

#define MANIFEST_MAX ((size_t)16 << 20)
#define TEMPORARY ".glueproj-"

/* --- what is there --- */
static int is_empty(const char *dir, bool *empty, struct err *err)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	*empty = true;
	if (!d)
		return err_errno(err, "cannot read folder '%s'", dir);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			*empty = false;
	closedir(d);
	return 0;
}

static int hash_of(const char *path, struct strbuf *hex, uint64_t *size, struct err *err)
{
	struct strbuf raw = STRBUF_INIT;
	int ret = digest_file(DIGEST_SHA256, path, &raw, size, err);

	hex_encode(hex, raw.buf, raw.len);
	strbuf_release(&raw);
	return ret;
}

struct known {
	const char *manifest;
	const struct json *files;
};

static int check_file(const char *relative, const char *path, void *payload, struct err *err)
{
	const struct known *k = payload;
	struct strbuf hex = STRBUF_INIT;
	const char *sha256 = NULL;
	struct json *f;
	int ret = 0;

	if (!strcmp(relative, k->manifest))
		return 0;
	json_each(f,
		k->files) if (json_get_str(f, "path") && !strcmp(json_get_str(f, "path"), relative))
		sha256 = json_get_str(f, "sha256");
	if (!sha256) {
		ret = err_set(err, ERR_EXISTS, "'%s' is not glueproj's", path);
	} else {
		ret = hash_of(path, &hex, NULL, err);
		if (!ret && strcmp(hex.buf, sha256) != 0)
			ret = err_set(err, ERR_EXISTS, "'%s' was changed by somebody else", path);
	}
	strbuf_release(&hex);
	return ret;
}

/* Files in folders, as they are written: no links, pipes or empty folders, which a look at files alone passes over. */
static int check_kinds(const char *dir, struct err *err)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	size_t nr = 0;
	int ret = d ? 0 : err_errno(err, "cannot read folder '%s'", dir);

	while (!ret && d && (e = readdir(d))) {
		char *path = fs_join(dir, e->d_name);
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) {
			free(path);
			continue;
		}
		nr++;
		if (lstat(path, &st))
			ret = err_errno(err, "cannot look at '%s'", path);
		else if (S_ISDIR(st.st_mode))
			ret = check_kinds(path, err);
		else if (!S_ISREG(st.st_mode))
			ret = err_set(err, ERR_EXISTS, "'%s' is not glueproj's", path);
		free(path);
	}
	if (!ret && !nr)
		ret = err_set(err, ERR_EXISTS, "'%s' is not glueproj's", dir);
	if (d)
		closedir(d);
	return ret;
}

/* Everything in it is named by its manifest, and as it was written. */
static int check_owned(const char *dir, const char *manifest, const char *kind, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	char *path = manifest ? fs_join(dir, manifest) : NULL;
	struct json *doc = NULL;
	int ret = -1;

	if (path && fs_read(path, MANIFEST_MAX, &text, NULL) == 0)
		doc = json_parse(text.buf, text.len, NULL);
	if (!doc || !json_get_str(doc, "glueproj") ||
		strcmp(json_get_str(doc, "glueproj"), kind) != 0) {
		err_set(err, ERR_EXISTS, "folder '%s' is there already, and not empty", dir);
	} else {
		struct known k = {manifest, json_get(doc, "files")};
		ret = check_kinds(dir, err);
		if (!ret)
			ret = fs_walk(dir, check_file, &k, err);
	}
	json_free(doc);
	strbuf_release(&text);
	free(path);
	return ret;
}

/* --- the folder beside it --- */
static char *prefix_of(const struct out_folder *f)
{
	return xasprintf(".%s" TEMPORARY, fs_basename(f->dir));
}

/* What a killed run left. */
static void remove_stale(const struct out_folder *f, const char *parent)
{
	char *prefix = prefix_of(f);
	DIR *d = opendir(parent);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		long long pid;
		if (!starts_with(e->d_name, prefix) ||
			parse_int64(e->d_name + strlen(prefix), 1, INT_MAX, &pid) < 0 ||
			!kill((pid_t)pid, 0) || errno != ESRCH)
			continue;
		char *path = fs_join(parent, e->d_name);
		if (fs_remove_tree(path, NULL) < 0) {
			/* the next run tries again */
		}
		free(path);
	}
	if (d)
		closedir(d);
	free(prefix);
}

static int make_temporary(struct out_folder *f, struct err *err)
{
	char *parent = fs_dirname(f->dir), *prefix = prefix_of(f), *path;
	struct stat st;
	int ret = 0;

	remove_stale(f, parent);
	path = xasprintf("%s/%s%d", parent, prefix, (int)getpid());
	if (mkdir(path, 0777)) {
		ret = err_errno(err, "cannot make folder '%s'", path);
		free(path);
	} else {
		f->temporary = path;
		/* Who may look into the folder that it stands for, and nobody else. */
		if (!stat(f->dir, &st) && chmod(path, (st.st_mode & 07777) | 0700))
			ret = err_errno(err, "cannot set the rights of '%s'", path);
	}
	free(parent);
	free(prefix);
	return ret;
}

/* Links are followed, and "." has a name. */
static int find_dir(struct out_folder *f, const char *dir, struct err *err)
{
	char *path = xstrdup(dir), *parent = NULL, *real;
	size_t len = strlen(path);
	int ret = 0;

	f->dir = realpath(dir, NULL);
	if (f->dir)
		goto out;
	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	parent = fs_dirname(path);
	ret = fs_mkdir_p(parent, 0777, err);
	real = ret ? NULL : realpath(parent, NULL);
	f->dir = fs_join(real ? real : parent, fs_basename(path));
	free(real);
out:
	free(path);
	free(parent);
	return ret;
}

int out_folder_begin(struct out_folder *f, const char *dir, const char *manifest, const char *kind,
	struct err *err)
{
	bool empty = true;

	*f = (struct out_folder)OUT_FOLDER_INIT;
	f->files = json_array();
	if (find_dir(f, dir, err) < 0)
		return -1;
	if (fs_exists(f->dir) && !fs_is_dir(f->dir))
		return err_set(err, ERR_EXISTS, "'%s' is there already, and no folder", dir);
	if (fs_exists(f->dir) && is_empty(f->dir, &empty, err) < 0)
		return -1;
	if (!empty && check_owned(f->dir, manifest, kind, err) < 0)
		return -1;
	f->replaces = !empty;
	return make_temporary(f, err);
}

/* --- files --- */
static void note(struct out_folder *f, const char *path, const char *sha256, uint64_t size)
{
	struct json *file = json_object();

	json_set_str(file, "path", path);
	json_set_str(file, "sha256", sha256);
	json_set_i64(file, "size", (int64_t)size);
	json_push(f->files, file);
}

/* Nothing is there yet, and nothing will be. */
static int go_on(struct err *err)
{
	return clock_interrupted() ? err_set(err, ERR_INTERRUPTED, "interrupted") : 0;
}

static char *place_for(const struct out_folder *f, const char *path, struct err *err)
{
	char *full = fs_join(f->temporary, path), *dir = fs_dirname(full);

	if (go_on(err) < 0 || fs_mkdir_p(dir, 0777, err) < 0) {
		free(full);
		full = NULL;
	}
	free(dir);
	return full;
}

int out_folder_write(
	struct out_folder *f, const char *path, const void *data, size_t len, struct err *err)
{
	char *full = place_for(f, path, err);
	struct strbuf hex = STRBUF_INIT;
	int ret = full ? fs_write_atomic(full, data, len, 0644, err) : -1;

	digest_sha256_hex(data, len, &hex);
	if (!ret)
		note(f, path, hex.buf, len);
	strbuf_release(&hex);
	free(full);
	return ret;
}

static int copy_bytes(int in, int out, const char *from, const char *to, struct err *err)
{
	const size_t size = (size_t)1 << 20;
	char *buf = xmalloc(size);
	ssize_t n;
	int ret = 0;

	while (!ret && (n = read(in, buf, size))) {
		if (n > 0)
			ret = fs_write_all(out, buf, (size_t)n, to, err);
		else if (errno != EINTR)
			ret = err_errno(err, "cannot read '%s'", from);
	}
	if (!ret && fsync(out))
		ret = err_errno(err, "cannot write '%s'", to);
	free(buf);
	return ret;
}

int out_folder_copy(struct out_folder *f, const char *path, const char *from, struct err *err)
{
	char *full = place_for(f, path, err);
	struct strbuf hex = STRBUF_INIT;
	uint64_t size = 0;
	int in = -1, out = -1, ret = -1;

	if (!full)
		return -1;
	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0) {
		err_errno(err, "cannot read '%s'", from);
		goto out;
	}
	out = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (out < 0) {
		err_errno(err, "cannot write '%s'", full);
		goto out;
	}
	ret = copy_bytes(in, out, from, full, err);
	if (!ret)
		ret = hash_of(full, &hex, &size, err);
	if (!ret)
		note(f, path, hex.buf, size);
out:
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	strbuf_release(&hex);
	free(full);
	return ret;
}

/* --- the end --- */
/* Not at once where the file system cannot exchange two names: between the two renames there is no folder of that name. */
static int exchange(const struct out_folder *f, struct err *err)
{
	char *old;
	int ret = 0;

	if (!renameat2(AT_FDCWD, f->temporary, AT_FDCWD, f->dir, RENAME_EXCHANGE))
		return fs_remove_tree(f->temporary, err);
	if (errno != EINVAL && errno != ENOSYS)
		return err_errno(err, "cannot replace '%s'", f->dir);
	old = xasprintf("%s-old", f->temporary);
	if (rename(f->dir, old) || rename(f->temporary, f->dir)) {
		ret = err_errno(err, "cannot replace '%s'", f->dir);
		if (!fs_exists(f->dir) && rename(old, f->dir))
			err_hint(err, "what was there lies in '%s'", old);
	} else {
		ret = fs_remove_tree(old, err);
	}
	free(old);
	return ret;
}

int out_folder_finish(struct out_folder *f, struct err *err)
{
	int ret = go_on(err);

	if (ret)
		return ret;
	if (f->replaces)
		ret = exchange(f, err);
	else if (rename(f->temporary, f->dir))
		ret = err_errno(err, "cannot make folder '%s'", f->dir);
	if (!ret) {
		free(f->temporary);
		f->temporary = NULL;
	}
	return ret;
}

void out_folder_release(struct out_folder *f)
{
	if (f->temporary && fs_remove_tree(f->temporary, NULL) < 0) {
		/* the next run removes it */
	}
	free(f->temporary);
	free(f->dir);
	json_free(f->files);
	*f = (struct out_folder)OUT_FOLDER_INIT;
}
