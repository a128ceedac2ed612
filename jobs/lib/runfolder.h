#ifndef RUNFOLDER_H
#define RUNFOLDER_H

/*
 * The hand-over between steps of a pipeline: each run writes <output-key><YYYY-MM-DD_HH:MM:SS>/<file name> (UTC), the next
 * step takes the newest.
 */
#include "place.h"

/* Of all objects whose key begins with `prefix` and whose name contains `filename`, over all pages, the one that was written last; the
 * greater key of two that were written in one second. ERR_NOT_FOUND when there is none. *name is relative to the
 * place, as place_locate wants it; malloc'd. */
int runfolder_newest(struct job *job, const struct place *p, const char *prefix,
	const char *filename, char **name, struct err *err) must_check;
/* "<output_key>2026-11-21_18:00:00/" for now, without a double or missing '/'; malloc'd. */
char *runfolder_name(const char *output_key);
/* A local file as <folder><filename>: the folder's empty object first, then the file, whole or not at all. *name (may be NULL):
 * as of runfolder_newest. */
int runfolder_put(struct job *job, const struct place *p, const char *folder, const char *filename,
	const char *path, char **name, struct err *err) must_check;
/* A step: `step` with the place that --bucket names. */
int runfolder_step(struct job *job,
	int (*step)(struct job *job, const struct place *p, struct err *err),
	struct err *err) must_check;

#endif
