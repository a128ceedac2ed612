#ifndef PLACELIST_H
#define PLACELIST_H

/* What lies in a place, bucket or folder, in one form: names are relative to the place's root. */
#include "place.h"
#include "s3.h"

/* All objects below `prefix` ("" or ending in '/'), sorted by name, all pages; with `one_level` those right below it, and the folders
 * as out->prefixes ("<prefix>x/"). A folder that is missing is empty. */
int place_list(struct job *job, const struct place *p, const char *prefix, bool one_level,
	struct s3_objects *out, struct err *err) must_check;
/* An object's bytes, appended. ERR_NOT_FOUND when missing, ERR_INVALID when larger. */
int place_read(struct job *job, const struct place *p, const char *name, size_t max_bytes,
	struct strbuf *out, struct err *err) must_check;
/* *size is -1 when there is none. */
int place_size(struct job *job, const struct place *p, const char *name, int64_t *size,
	struct err *err) must_check;
/* One object to another place under another name, whole or not at all: by the service where it can be. */
int place_copy(struct job *job, const struct place *from, const char *from_name,
	const struct place *to, const char *to_name, struct err *err) must_check;

#endif
