#ifndef PLACE_H
#define PLACE_H

/*
 * Where data lies: a bucket ("name" or "s3://name[/prefix]") or a folder ("file:///dir", "/dir", "./dir"), and single
 * objects in it. What is written shows up whole or not at all.
 */
#include <stdbool.h>
#include "job.h"
#include "strvec.h"

struct place {
	char *bucket; /* NULL: a folder */
	char *root;   /* the folder, or the prefix in the bucket ("" or ending in '/') */
	char *shown;  /* for messages, ending in '/' */
};
#define PLACE_INIT               \
	{                        \
		NULL, NULL, NULL \
	}
/* `what` names the argument in errors (ERR_USAGE). */
int place_parse(const char *text, const char *what, struct place *out, struct err *err) must_check;
void place_release(struct place *p);
/* The object's location for stream_open and people: "s3://bucket/key" or a path; malloc'd. */
char *place_locate(const struct place *p, const char *name);
/* "file:///a%20b" to a path; malloc'd. A name that stands there as written counts first. */
char *path_of_file_url(const char *url);

/* --- one object, written as a stream; nothing shows before output_finish --- */
struct output;
struct output *output_new(
	struct job *job, const struct place *p, const char *name, struct err *err) must_check;
int output_write(struct output *o, const void *data, size_t len, struct err *err) must_check;
/* The last step; frees o either way. */
int output_finish(struct output *o, struct err *err) must_check;
void output_abort(struct output *o); /* NULL is fine */
/* There is an object of that name. */
int place_has(struct job *job, const struct place *p, const char *name, bool *has,
	struct err *err) must_check;
int place_remove(
	struct job *job, const struct place *p, const char *name, struct err *err) must_check;

/*
 * --- a data set: all objects below <stem>/, replaced as a whole ---
 * Files are written to the paths that publish_path gives. Commit: in a folder, two renames; in a bucket, new objects
 * in parallel, then the old ones go, so that there never is a half, or nothing. On failure what was new goes again.
 */
struct publish;
struct publish *publish_new(
	struct job *job, const struct place *p, const char *stem, struct err *err) must_check;
/* The folder that holds all of publish_path's; borrowed. */
const char *publish_dir(const struct publish *p);
/* Where to write what will be <stem>/<relative>; borrowed. */
const char *publish_path(struct publish *p, const char *relative, struct err *err) must_check;
int publish_commit(struct publish *p, struct err *err) must_check; /* frees p either way */
/* Adds the files to what lies there: ERR_EXISTS when one of that name does. All of them or, on failure, none. Frees p either way. */
int publish_commit_more(struct publish *p, struct err *err) must_check;
void publish_abort(struct publish *p); /* NULL is fine */

/* --- data sets that are new: what is there is never touched --- */
/* ERR_EXISTS when anything lies at or below <stem>/. */
int place_check_new(
	struct job *job, const struct place *p, const char *stem, struct err *err) must_check;
/* "part-00000-<id>.snappy.parquet" with the same id for the same stem, so that the second of two writers meets the first's;
 * malloc'd. */
char *publish_new_name(const char *stem);
/* All of them or none: ERR_EXISTS when one is there already, also by another writer at the same time. Frees all either way. */
int publish_commit_new(struct publish **v, size_t nr, struct err *err) must_check;

/* Local files of all Parquet objects below <stem>/, sorted by name: staged from a bucket in parallel, or where they are.
 * ERR_NOT_FOUND when there is none. */
int place_parquet_files(struct job *job, const struct place *p, const char *stem,
	struct strvec *paths, struct err *err) must_check;

#endif
