#ifndef RESHAPE_INTERNAL_H
#define RESHAPE_INTERNAL_H

/* What the files of reshape*.c share. */
#include "reshape.h"

/* A partition column that stands in the path only. */
bool reshape_is_folder(const struct reshape *r, const struct field *f);
/* How the reader gives the field's column. */
enum dataset_kind reshape_kind(const struct field *f, enum dataset_format format);
/* The query over table(), a reader's, where "w<wants[i]>" is the column of field i; `names`: the fields' as they go out. */
void reshape_add_query(struct strbuf *sql, const struct reshape *r, const struct strvec *names,
	const size_t *wants, const char *table);
/* A statement over the reader failed with err: sets it to the value that did it, where one did. -1. */
int reshape_error(const struct reshape *r, struct dataset_reader *reader, struct err *err);

#endif
