#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A folder in itself, by symbolic links, is found by depth. */
#define MAX_DEPTH 64

static int list_dir(const char *path, struct strvec *names, struct err *err)
{
	DIR *dir = opendir(path);
	int ret = 0;
	if (!dir)
		return err_errno(err, "cannot open folder '%s'", path);
	for (;;) {
		errno = 0;
		struct dirent *d = readdir(dir);
		if (!d) {
			if (errno)
				ret = err_errno(err, "cannot read folder '%s'", path);
			break;
		}
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			strvec_push(names, d->d_name);
	}
	closedir(dir);
	return ret;
}

struct gathering {
	struct strvec *out;
	bool stop_there; /* what is deeper is of no interest; else it is an error */
};

/* Appends the regular files below `path`, each as `relative` and the names under it, `levels` folders down. */
static int gather(const struct gathering *g, const char *path, const char *relative, int levels,
	struct err *err)
{
	struct strvec names = STRVEC_INIT;
	struct stat st;
	int ret = -1;
	if (list_dir(path, &names, err))
		goto out;
	for (size_t i = 0; i < names.nr; i++) {
		char *full = fs_join(path, names.v[i]), *below = fs_join(relative, names.v[i]);
		int bad = 0;
		if (stat(full, &st)) /* a dangling link is no file */
			bad = errno == ENOENT ? 0 : err_errno(err, "cannot look at '%s'", full);
		else if (S_ISDIR(st.st_mode) && levels > 0)
			bad = gather(g, full, below, levels - 1, err);
		else if (S_ISDIR(st.st_mode) && !g->stop_there)
			bad = err_set(err, ERR_INVALID, "'%s' is nested too deep", full);
		else if (S_ISREG(st.st_mode))
			strvec_push(g->out, below);
		free(full);
		free(below);
		if (bad)
			goto out;
	}
	ret = 0;
out:
	strvec_release(&names);
	return ret;
}

int fs_walk(const char *dir, fs_walk_fn *fn, void *payload, struct err *err)
{
	struct strvec files = STRVEC_INIT;
	struct gathering g = {.out = &files};
	int ret = gather(&g, dir, "", MAX_DEPTH, err);
	strvec_sort(&files);
	for (size_t i = 0; i < files.nr && !ret; i++) {
		char *path = fs_join(dir, files.v[i]);
		ret = fn(files.v[i], path, payload, err);
		free(path);
	}
	strvec_release(&files);
	return ret;
}

/* How many folders below the fixed part a match can be; a pattern without `**` needs no look further down. */
static int levels_of(const char *rest)
{
	int slashes = 0;
	rest += *rest == '/';
	if (strstr(rest, "**"))
		return MAX_DEPTH;
	for (; *rest; rest++)
		slashes += *rest == '/';
	return slashes;
}

/* The folder part of a pattern before its first special character; malloc'd. */
static char *fixed_folder(const char *pattern)
{
	size_t len = strcspn(pattern, "*?[\\");
	if (!pattern[len])
		return fs_dirname(pattern);
	while (len && pattern[len - 1] != '/')
		len--;
	while (len > 1 && pattern[len - 1] == '/')
		len--;
	return len ? xstrndup(pattern, len) : xstrdup("");
}

int fs_glob(const char *base, const char *pattern, struct strvec *out, struct err *err)
{
	struct strvec files = STRVEC_INIT;
	struct gathering g = {.out = &files, .stop_there = !strstr(pattern, "**")};
	char *folder = NULL, *start = NULL;
	int ret = -1;
	while (starts_with(pattern, "./"))
		pattern += 2;
	/* The base's own name may hold special characters; it is left out of what is matched. */
	bool absolute = *pattern == '/';
	folder = fixed_folder(pattern);
	if (!strcmp(folder, "."))
		folder[0] = '\0';
	start = absolute ? xstrdup(folder) : fs_join(base, folder);
	if (!*start) {
		free(start);
		start = xstrdup(".");
	}
	if (!fs_is_dir(start)) {
		ret = 0;
		goto out;
	}
	if (gather(&g, start, folder, levels_of(pattern + strlen(folder)), err))
		goto out;
	strvec_sort(&files);
	for (size_t i = 0; i < files.nr; i++) {
		if (glob_match(pattern, files.v[i]))
			strvec_push_take(
				out, absolute ? xstrdup(files.v[i]) : fs_join(base, files.v[i]));
	}
	ret = 0;
out:
	strvec_release(&files);
	free(folder);
	free(start);
	return ret;
}
