#ifndef STRVEC_H
#define STRVEC_H

/* A list of strings that owns them. `v` is always NULL-terminated, so it can be passed to execv. */
#include <stdbool.h>
#include <stddef.h>
#include "xalloc.h"

struct strvec {
	char **v;
	size_t nr;
	size_t alloc;
};

extern char *strvec_empty[1];
#define STRVEC_INIT                \
	{                          \
		strvec_empty, 0, 0 \
	}

void strvec_init(struct strvec *sv);
void strvec_release(struct strvec *sv);
void strvec_clear(struct strvec *sv);
const char *strvec_push(struct strvec *sv, const char *s); /* copies */
void strvec_push_take(struct strvec *sv, char *s);         /* takes */
const char *strvec_pushf(struct strvec *sv, const char *fmt, ...) printf_like(2, 3);
void strvec_remove(struct strvec *sv, size_t i);
void strvec_sort(struct strvec *sv); /* bytewise */
bool strvec_has(const struct strvec *sv, const char *s);
/* Appends the pieces of `s` between `sep`; "" gives no piece, "a,,b" gives three. */
void strvec_split(struct strvec *sv, const char *s, char sep);
/* Malloc'd, caller's. */
char *strvec_join(const struct strvec *sv, const char *sep);
/* The list as malloc'd, NULL-terminated array with malloc'd strings, caller's; sv is empty afterwards. */
char **strvec_detach(struct strvec *sv);

#endif
