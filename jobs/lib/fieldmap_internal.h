#ifndef FIELDMAP_INTERNAL_H
#define FIELDMAP_INTERNAL_H

/* What the files of fieldmap*.c share. */
#include "fieldmap.h"

struct field *fields_add(struct fields *f);
/* Up to `stop` or the end, backquotes and brackets as wholes. */
const char *fields_end_of_piece(const char *at, char stop);
/* The pieces between `stop`s, trimmed, appended; an empty text is one empty piece. */
void fields_split(const char *text, char stop, struct strvec *out);
char *fields_without_quotes(const char *text);
/* ERR_USAGE for two targets with one name, or none at all. */
int fields_check_targets(const struct fields *f, struct err *err) must_check;

#endif
