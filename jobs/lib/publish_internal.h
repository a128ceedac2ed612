#ifndef PUBLISH_INTERNAL_H
#define PUBLISH_INTERNAL_H

#include "map.h"
#include "place.h"

struct s3_put_opts;

struct publish {
	struct job *job;
	char *bucket;     /* NULL: a folder */
	char *target;     /* folder, or key prefix ending in '/' */
	char *dir;        /* where files are written */
	struct map files; /* relative name to malloc'd path, in order of publish_path */
	size_t nr;
};

/* Puts all files into the bucket, several at a time; on failure what was put goes again. `opts` may be NULL. */
int publish_put_all(struct publish *p, const struct s3_put_opts *opts, struct err *err) must_check;

#endif
