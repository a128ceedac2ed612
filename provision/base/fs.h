#ifndef FS_H
#define FS_H

/* Files. Every error text names the file. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "err.h"
#include "strbuf.h"
#include "strvec.h"

/* The whole file, appended to sb; an error (ERR_INVALID) when it is larger than max_bytes. "-" is standard input. */
int fs_read(const char *path, size_t max_bytes, struct strbuf *sb, struct err *err) must_check;
/* Writes beside and renames, with fsync; readers see the old file or the new one. */
int fs_write_atomic(
	const char *path, const void *data, size_t len, mode_t mode, struct err *err) must_check;
/* All of `len`, over short writes and EINTR. `what` names the target in the error. */
int fs_write_all(
	int fd, const void *data, size_t len, const char *what, struct err *err) must_check;
int fs_mkdir_p(const char *path, mode_t mode, struct err *err) must_check;
/* A folder and all in it; symbolic links are removed, not followed. Missing is fine. */
int fs_remove_tree(const char *path, struct err *err) must_check;
bool fs_exists(const char *path);
bool fs_is_dir(const char *path);
/* A new private folder "<parent>/<prefix>XXXXXX"; malloc'd path, caller's. parent NULL: $TMPDIR or /tmp. */
char *fs_mkdtemp(const char *parent, const char *prefix, struct err *err) must_check;
/* Bytes free for this user on the file system of path. */
int fs_free_bytes(const char *path, uint64_t *bytes, struct err *err) must_check;

/* Paths; results malloc'd, caller's. */
char *fs_join(const char *dir, const char *name); /* name if it is absolute */
char *fs_dirname(const char *path);               /* "." where there is none */
const char *fs_basename(const char *path);        /* borrowed: a pointer into path */
/* The folder of the running program. */
char *fs_program_dir(struct err *err) must_check;
/* Regular files below the folder that match `pattern` (glob_match on the path, relative patterns to
 * `base`), sorted; paths as `base/…`. */
int fs_glob(const char *base, const char *pattern, struct strvec *out, struct err *err) must_check;
/* Calls fn for each regular file below dir, with its path relative to dir, sorted; stops at -1. */
typedef int fs_walk_fn(const char *relative, const char *path, void *payload, struct err *err);
int fs_walk(const char *dir, fs_walk_fn *fn, void *payload, struct err *err) must_check;

#endif
