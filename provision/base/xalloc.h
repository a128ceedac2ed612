#ifndef XALLOC_H
#define XALLOC_H

/*
 * Memory that is there or the program is not: every function aborts with a message
 * when the system has none left, so callers have no such branch (STYLE.md 19).
 */
#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, first) __attribute__((format(printf, fmt, first)))
#define unused_arg __attribute__((unused))

/* A broken invariant of ours: prints file, line and text, then aborts. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void bug_at(const char *file, int line, const char *fmt, ...) printf_like(3, 4);

/* All results are the caller's, to be given to free(). */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
/* As realloc(p, count * size); aborts when the product overflows. */
void *xreallocarray(void *p, size_t count, size_t size);
/* NULL gives NULL. */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
void *xmemdup(const void *p, size_t len);
char *xasprintf(const char *fmt, ...) printf_like(1, 2);

/* Makes room for one more element in a growing array: `alloc` is its capacity, `count` its length. */
#define ALLOC_GROW(array, count, alloc)                                              \
	do {                                                                         \
		if ((count) >= (alloc)) {                                            \
			(alloc) = (alloc) ? (alloc)*2 : 8;                           \
			(array) = xreallocarray((array), (alloc), sizeof(*(array))); \
		}                                                                    \
	} while (0)

/* Overwrites a secret before its memory is given back; not optimised away. */
void wipe(void *p, size_t len);
/* wipe() up to the NUL, then free(). NULL is fine. */
void free_secret(char *s);

#endif
