#ifndef TRANSIT_MIGRATION_H
#define TRANSIT_MIGRATION_H

/*
 * Numbered SQL migrations: files "0001_name.sql" with a line "-- up" before what applies and a line "-- down" before what takes back.
 * Pure: no database here.
 */
#include <stdbool.h>
#include <stddef.h>
#include "err.h"

struct migration {
	int version; /* from 1 */
	char *name;
	char *checksum; /* SHA-256 of the file, hex */
	char *up, *down;
};
struct migrations {
	struct migration *v;
	size_t nr, alloc;
};
#define MIGRATIONS_INIT    \
	{                  \
		NULL, 0, 0 \
	}
void migrations_release(struct migrations *m);

/* A file's name that ends in .sql; ERR_INVALID for what is no "<number>_<name>.sql", for a section that is missing or stands twice. */
int migrations_add(struct migrations *m, const char *file, const char *text, size_t len,
	struct err *err) must_check;
/* By number. ERR_INVALID for a number that is there twice, or left out. */
int migrations_sort(struct migrations *m, struct err *err) must_check;
const struct migration *migrations_find(const struct migrations *m, int version);

#endif
