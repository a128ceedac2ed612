#ifndef PUBLISH_INTERNAL_H
#define PUBLISH_INTERNAL_H

#include "map.h"
#include "place.h"

struct publish {
	struct job *job;
	char *bucket;     /* NULL: a folder */
	char *target;     /* folder, or key prefix ending in '/' */
	char *dir;        /* where files are written */
	struct map files; /* relative name to malloc'd path, in order of publish_path */
	size_t nr;
};

#endif
