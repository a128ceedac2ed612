#ifndef STRBUF_H
#define STRBUF_H

/*
 * A growable string of bytes. `buf` is never NULL and always NUL-terminated at buf[len];
 * it may hold NUL bytes before that. A STRBUF_INIT buffer owns no memory until it grows.
 * Use it for all text that is put together; there is no second string type.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include "xalloc.h"

struct strbuf {
	char *buf;
	size_t len;
	size_t alloc;
};

extern char strbuf_slop[1];
#define STRBUF_INIT               \
	{                         \
		strbuf_slop, 0, 0 \
	}

/* Life cycle */
void strbuf_init(struct strbuf *sb);
void strbuf_release(struct strbuf *sb); /* and usable again, empty */
void strbuf_clear(struct strbuf *sb);   /* empty, memory kept */
/* The string as malloc'd memory, caller's to free; the buffer is empty afterwards. */
char *strbuf_detach(struct strbuf *sb, size_t *len);
void strbuf_swap(struct strbuf *a, struct strbuf *b);

/* Contents */
void strbuf_grow(struct strbuf *sb, size_t extra);
void strbuf_setlen(
	struct strbuf *sb, size_t len); /* len <= sb->len, or bytes written by the caller */
void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_addch(struct strbuf *sb, char c);
void strbuf_addstr(struct strbuf *sb, const char *s);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) printf_like(2, 3);
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap);
void strbuf_addchars(struct strbuf *sb, char c, size_t count);
/* Between two of `quote`, those in it doubled: names and texts of SQL, fields of CSV. */
void strbuf_addquoted(struct strbuf *sb, const char *text, size_t len, char quote);
void strbuf_insert(struct strbuf *sb, size_t pos, const void *data, size_t len);
void strbuf_remove(struct strbuf *sb, size_t pos, size_t len);
/* Blanks, tabs and line ends, at both ends. */
void strbuf_trim(struct strbuf *sb);
/*
 * Control characters from `pos` on (those of ASCII, but for the ones in `kept`, and U+0080 to U+009F) become blanks: a terminal
 * would obey them.
 */
void strbuf_blank_controls(struct strbuf *sb, size_t pos, const char *kept);
/* Every `from` becomes `to`. */
void strbuf_replace(struct strbuf *sb, const char *from, const char *to);

/* Helpers on plain strings that belong to the same room */
bool starts_with(const char *s, const char *prefix);
bool ends_with(const char *s, const char *suffix);
/* ASCII only, whatever the locale. */
bool iequals(const char *a, const char *b);
void lower_ascii(char *s);
/* Damerau-Levenshtein distance, for "did you mean"; case counts as half a step rounded up. */
size_t edit_distance(const char *a, const char *b);
/* Shell-like match with `*`, `?`, `[..]` and `**` over '/' boundaries; `*` stops at '/'. */
bool glob_match(const char *pattern, const char *s);
/* Decimal integer over the whole string; -1 when it is none or out of [min, max]. */
int parse_int64(const char *s, long long min, long long max, long long *out) must_check;

#endif
