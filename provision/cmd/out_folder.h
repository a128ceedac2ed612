#ifndef OUT_FOLDER_H
#define OUT_FOLDER_H

/*
 * A folder that appears whole or not at all: files are written into one beside it, which takes its name in the end. What stands
 * there before must be empty, or the work of an earlier run, with nothing in it that is not.
 *
 *   out_folder_begin → out_folder_write, out_folder_copy… → out_folder_finish → out_folder_release
 */
#include <stdbool.h>
#include "err.h"
#include "json.h"

struct out_folder {
	char *dir, *temporary; /* temporary NULL: nothing to remove */
	struct json *files;    /* [{"path","sha256","size"}] as they were written */
	bool replaces;         /* dir is there with something in it */
};
#define OUT_FOLDER_INIT                 \
	{                               \
		NULL, NULL, NULL, false \
	}

/*
 * manifest: the file of the folder that names all its files as `files` does, under "files", and says {"glueproj": kind}; NULL: only
 * an empty folder will do. ERR_EXISTS where something else stands there.
 */
int out_folder_begin(struct out_folder *f, const char *dir, const char *manifest, const char *kind,
	struct err *err) must_check;
/* `path` is relative, its folders are made. */
int out_folder_write(struct out_folder *f, const char *path, const void *data, size_t len,
	struct err *err) must_check;
int out_folder_copy(
	struct out_folder *f, const char *path, const char *from, struct err *err) must_check;
int out_folder_finish(struct out_folder *f, struct err *err) must_check;
/* Removes what did not come to an end. */
void out_folder_release(struct out_folder *f);

#endif
