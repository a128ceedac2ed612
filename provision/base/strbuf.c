#include "strbuf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char strbuf_slop[1];

void strbuf_init(struct strbuf *sb)
{
	sb->buf = strbuf_slop;
	sb->len = sb->alloc = 0;
}

void strbuf_release(struct strbuf *sb)
{
	if (!sb)
		return;
	if (sb->alloc)
		free(sb->buf);
	strbuf_init(sb);
}

void strbuf_clear(struct strbuf *sb)
{
	strbuf_setlen(sb, 0);
}

char *strbuf_detach(struct strbuf *sb, size_t *len)
{
	if (len)
		*len = sb->len;
	char *s = sb->alloc ? sb->buf : xcalloc(1, 1);
	strbuf_init(sb);
	return s;
}

void strbuf_swap(struct strbuf *a, struct strbuf *b)
{
	struct strbuf t = *a;
	*a = *b;
	*b = t;
}

void strbuf_grow(struct strbuf *sb, size_t extra)
{
	if (extra > SIZE_MAX / 4 || sb->len > SIZE_MAX / 4)
		BUG("a string of more than %zu bytes", SIZE_MAX / 4);
	size_t need = sb->len + extra + 1;
	if (need <= sb->alloc)
		return;
	size_t alloc = sb->alloc + sb->alloc / 2;
	if (alloc < need)
		alloc = need < 32 ? 32 : need;
	bool fresh = !sb->alloc;
	sb->buf = xrealloc(fresh ? NULL : sb->buf, alloc);
	sb->alloc = alloc;
	if (fresh)
		sb->buf[0] = '\0';
}

void strbuf_setlen(struct strbuf *sb, size_t len)
{
	if (len > (sb->alloc ? sb->alloc - 1 : 0))
		BUG("strbuf_setlen beyond the buffer");
	sb->len = len;
	if (sb->alloc)
		sb->buf[len] = '\0';
}

void strbuf_add(struct strbuf *sb, const void *data, size_t len)
{
	if (!len)
		return;
	strbuf_grow(sb, len);
	memcpy(sb->buf + sb->len, data, len);
	strbuf_setlen(sb, sb->len + len);
}

void strbuf_addch(struct strbuf *sb, char c)
{
	strbuf_grow(sb, 1);
	sb->buf[sb->len++] = c;
	sb->buf[sb->len] = '\0';
}

void strbuf_addstr(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(sb, fmt, ap);
	va_end(ap);
}

void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	strbuf_grow(sb, 64);
	size_t room = sb->alloc - sb->len;
	int len = vsnprintf(sb->buf + sb->len, room, fmt, ap);
	if (len < 0)
		BUG("bad format '%s'", fmt);
	if ((size_t)len >= room) {
		strbuf_grow(sb, (size_t)len);
		vsnprintf(sb->buf + sb->len, (size_t)len + 1, fmt, again);
	}
	va_end(again);
	sb->len += (size_t)len;
}

void strbuf_addchars(struct strbuf *sb, char c, size_t count)
{
	if (!count)
		return;
	strbuf_grow(sb, count);
	memset(sb->buf + sb->len, c, count);
	strbuf_setlen(sb, sb->len + count);
}

void strbuf_addquoted(struct strbuf *sb, const char *text, size_t len, char quote)
{
	const char *hit;
	size_t run;

	strbuf_addch(sb, quote);
	for (; len && (hit = memchr(text, quote, len)); text += run, len -= run) {
		run = (size_t)(hit - text) + 1;
		strbuf_add(sb, text, run);
		strbuf_addch(sb, quote);
	}
	strbuf_add(sb, text, len);
	strbuf_addch(sb, quote);
}

void strbuf_insert(struct strbuf *sb, size_t pos, const void *data, size_t len)
{
	if (pos > sb->len)
		BUG("strbuf_insert beyond the end");
	if (!len)
		return;
	strbuf_grow(sb, len);
	memmove(sb->buf + pos + len, sb->buf + pos, sb->len - pos);
	memcpy(sb->buf + pos, data, len);
	strbuf_setlen(sb, sb->len + len);
}

void strbuf_remove(struct strbuf *sb, size_t pos, size_t len)
{
	if (pos > sb->len || len > sb->len - pos)
		BUG("strbuf_remove beyond the end");
	if (!len)
		return;
	memmove(sb->buf + pos, sb->buf + pos + len, sb->len - pos - len);
	strbuf_setlen(sb, sb->len - len);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void strbuf_trim(struct strbuf *sb)
{
	size_t end = sb->len, start = 0;
	while (end && is_blank(sb->buf[end - 1]))
		end--;
	while (start < end && is_blank(sb->buf[start]))
		start++;
	strbuf_setlen(sb, end);
	strbuf_remove(sb, 0, start);
}

void strbuf_blank_controls(struct strbuf *sb, size_t pos, const char *kept)
{
	for (size_t i = pos; i < sb->len; i++) {
		unsigned char c = (unsigned char)sb->buf[i],
			      next = i + 1 < sb->len ? (unsigned char)sb->buf[i + 1] : 0;

		if ((c < ' ' || c == 127) && !(c && strchr(kept, c)))
			sb->buf[i] = ' ';
		else if (c == 0xc2 && next >= 0x80 && next < 0xa0)
			sb->buf[i] = sb->buf[i + 1] = ' ';
	}
}

void strbuf_replace(struct strbuf *sb, const char *from, const char *to)
{
	size_t from_len = strlen(from), to_len = strlen(to), pos = 0;
	struct strbuf out = STRBUF_INIT;
	if (!from_len)
		return;
	for (;;) {
		const char *hit = memmem(sb->buf + pos, sb->len - pos, from, from_len);
		if (!hit)
			break;
		size_t at = (size_t)(hit - sb->buf);
		strbuf_add(&out, sb->buf + pos, at - pos);
		strbuf_add(&out, to, to_len);
		pos = at + from_len;
	}
	if (pos) {
		strbuf_add(&out, sb->buf + pos, sb->len - pos);
		strbuf_swap(sb, &out);
	}
	strbuf_release(&out);
}

bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool ends_with(const char *s, const char *suffix)
{
	size_t len = strlen(s), want = strlen(suffix);
	return len >= want && !memcmp(s + len - want, suffix, want);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool iequals(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

void lower_ascii(char *s)
{
	for (; *s; s++)
		*s = lower(*s);
}

static size_t min3(size_t a, size_t b, size_t c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* In half steps: 0 for the same byte, 1 for another case, 2 for another letter. */
static size_t change_cost(char a, char b)
{
	if (a == b)
		return 0;
	return lower(a) == lower(b) ? 1 : 2;
}

size_t edit_distance(const char *a, const char *b)
{
	size_t m = strlen(a), n = strlen(b);
	size_t *before = xcalloc(n + 1, sizeof(*before)), *last = xcalloc(n + 1, sizeof(*last));
	size_t *now = xcalloc(n + 1, sizeof(*now));
	for (size_t j = 0; j <= n; j++)
		last[j] = 2 * j;
	for (size_t i = 1; i <= m; i++) {
		now[0] = 2 * i;
		for (size_t j = 1; j <= n; j++) {
			now[j] = min3(last[j] + 2, now[j - 1] + 2,
				last[j - 1] + change_cost(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 2 < now[j])
				now[j] = before[j - 2] + 2;
		}
		size_t *t = before;
		before = last;
		last = now;
		now = t;
	}
	size_t halves = last[n];
	free(before);
	free(last);
	free(now);
	return (halves + 1) / 2;
}

/* Matches one class at *pp ("[...]") and moves behind it; a class without end is a plain '['. */
static bool match_class(const char **pp, char c)
{
	const char *p = *pp + 1;
	bool negate = *p == '!' || *p == '^', hit = false;
	if (negate)
		p++;
	for (bool first = true; *p && (first || *p != ']'); first = false) {
		if (*p == '\\' && p[1])
			p++;
		unsigned char from = (unsigned char)*p++, to = from;
		if (*p == '-' && p[1] && p[1] != ']') {
			to = (unsigned char)p[1];
			p += 2;
		}
		if ((unsigned char)c >= from && (unsigned char)c <= to)
			hit = true;
	}
	if (*p != ']') {
		(*pp)++;
		return c == '[';
	}
	*pp = p + 1;
	return c != '/' && hit != negate;
}

/* Matches one character of the pattern, moving *pp behind it. */
static bool match_one(const char **pp, char c)
{
	switch (**pp) {
	case '\0':
		return false;
	case '?':
		(*pp)++;
		return c != '/';
	case '[':
		return match_class(pp, c);
	case '\\':
		if ((*pp)[1])
			(*pp)++;
		/* fall through */
	default:
		return *(*pp)++ == c;
	}
}

/* Where to go on when what follows a star did not match. */
struct retry {
	const char *pattern, *s; /* pattern NULL: none */
	bool whole_parts;        /* only behind the next '/' */
};

static bool retry_star(struct retry *star)
{
	if (!star->pattern || !*star->s || *star->s == '/')
		return false;
	star->s++;
	return true;
}

static bool retry_deep(struct retry *deep)
{
	if (!deep->pattern || !*deep->s)
		return false;
	if (deep->whole_parts) {
		const char *slash = strchr(deep->s, '/');
		if (!slash)
			return false;
		deep->s = slash;
	}
	deep->s++;
	return true;
}

/*
 * Backtracks only to the last star and the last double star: what an earlier one could give,
 * the later one takes as well. So time is at most the product of the lengths.
 */
bool glob_match(const char *pattern, const char *s)
{
	struct retry star = {0}, deep = {0};
	const char *p = pattern;
	for (;;) {
		if (p[0] == '*' && p[1] == '*') {
			bool at_part = p == pattern || p[-1] == '/';
			while (*p == '*')
				p++;
			deep = (struct retry){p, s, at_part && *p == '/'};
			if (deep.whole_parts)
				deep.pattern = ++p;
			star.pattern = NULL;
			continue;
		}
		if (*p == '*') {
			star = (struct retry){++p, s, false};
			continue;
		}
		if (!*p && !*s)
			return true;
		if (*s && match_one(&p, *s)) {
			s++;
			continue;
		}
		if (retry_star(&star)) {
			p = star.pattern;
			s = star.s;
		} else if (retry_deep(&deep)) {
			star.pattern = NULL;
			p = deep.pattern;
			s = deep.s;
		} else {
			return false;
		}
	}
}

int parse_int64(const char *s, long long min, long long max, long long *out)
{
	const char *digits = *s == '-' ? s + 1 : s;
	if (!*digits || strspn(digits, "0123456789") != strlen(digits))
		return -1;
	errno = 0;
	long long n = strtoll(s, NULL, 10);
	if (errno || n < min || n > max)
		return -1;
	*out = n;
	return 0;
}
