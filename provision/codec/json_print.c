#include "json.h"

#include <stdlib.h>
#include <string.h>
#include "json_lex.h"

struct style {
	bool pretty, canonical;
};

static void print(
	const struct json *v, const struct style *style, size_t indent, struct strbuf *sb);

static void add_escape(struct strbuf *sb, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = c ? strchr(from, c) : NULL;
	if (at) {
		strbuf_addch(sb, '\\');
		strbuf_addch(sb, to[at - from]);
	} else {
		strbuf_addf(sb, "\\u%04x", c);
	}
}

/* Whole runs at once; bytes that are no UTF-8 become U+FFFD, so that what is written is always JSON. */
static void print_string(const char *s, struct strbuf *sb)
{
	const char *end = s + strlen(s), *run = s;
	strbuf_addch(sb, '"');
	while (s < end) {
		unsigned char c = (unsigned char)*s;
		size_t len = utf8_char_len(s, end);
		if (len && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
			s += len;
			continue;
		}
		strbuf_add(sb, run, (size_t)(s - run));
		if (len)
			add_escape(sb, c);
		else
			strbuf_addstr(sb, "\xef\xbf\xbd");
		run = ++s;
	}
	strbuf_add(sb, run, (size_t)(s - run));
	strbuf_addch(sb, '"');
}

/* A decimal number as 0.DIGITS * 10^point, without zeros at either end of DIGITS. */
struct decimal {
	bool negative;
	struct strbuf digits;
	long long point;
};

/* Far outside of what anybody computes with; beyond it all numbers are taken for one. */
#define MAX_POINT 1000000000000000LL

static long long clamp(long long n, long long most)
{
	if (n > most)
		return most;
	return n < -most ? -most : n;
}

static void read_decimal(const char *s, struct decimal *d)
{
	bool fraction = false;
	size_t zeros = 0;
	d->negative = *s == '-';
	for (s += d->negative; *s && *s != 'e' && *s != 'E'; s++) {
		if (*s == '.') {
			fraction = true;
			continue;
		}
		if (*s == '0' && !d->digits.len) {
			d->point -= fraction;
			continue;
		}
		d->point += !fraction;
		if (*s == '0') {
			zeros++;
			continue;
		}
		strbuf_addchars(&d->digits, '0', zeros);
		zeros = 0;
		strbuf_addch(&d->digits, *s);
	}
	if (*s)
		d->point += clamp(strtoll(s + 1, NULL, 10), 2 * MAX_POINT);
	d->point = clamp(d->point, MAX_POINT);
}

/* The layout that ECMAScript gives numbers, on the exact decimal. */
static void print_canonical_number(const char *text, struct strbuf *sb)
{
	struct decimal d = {.digits = STRBUF_INIT};
	read_decimal(text, &d);
	long long nr = (long long)d.digits.len;
	if (nr && d.negative)
		strbuf_addch(sb, '-');
	if (!nr) {
		strbuf_addch(sb, '0');
	} else if (d.point >= nr && d.point <= 21) {
		strbuf_addstr(sb, d.digits.buf);
		strbuf_addchars(sb, '0', (size_t)(d.point - nr));
	} else if (d.point > 0 && d.point <= 21) {
		strbuf_insert(&d.digits, (size_t)d.point, ".", 1);
		strbuf_addstr(sb, d.digits.buf);
	} else if (d.point > -6 && d.point <= 0) {
		strbuf_addstr(sb, "0.");
		strbuf_addchars(sb, '0', (size_t)-d.point);
		strbuf_addstr(sb, d.digits.buf);
	} else {
		if (nr > 1)
			strbuf_insert(&d.digits, 1, ".", 1);
		strbuf_addf(sb, "%se%+lld", d.digits.buf, d.point - 1);
	}
	strbuf_release(&d.digits);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(json_name(*(struct json *const *)a), json_name(*(struct json *const *)b));
}

/* The children in the order in which they are to be written; malloc'd. */
static const struct json **children(const struct json *v, const struct style *style, size_t *nr)
{
	const struct json **list = NULL, *e;
	size_t alloc = 0;
	*nr = 0;
	json_each(e, v)
	{
		ALLOC_GROW(list, *nr, alloc);
		list[(*nr)++] = e;
	}
	if (style->canonical && json_is(v, JSON_OBJECT) && *nr > 1)
		qsort(list, *nr, sizeof(*list), by_name);
	return list;
}

static void new_line(const struct style *style, size_t indent, struct strbuf *sb)
{
	if (!style->pretty)
		return;
	strbuf_addch(sb, '\n');
	strbuf_addchars(sb, ' ', 2 * indent);
}

static void print_container(
	const struct json *v, const struct style *style, size_t indent, struct strbuf *sb)
{
	bool object = json_is(v, JSON_OBJECT);
	size_t nr = 0;
	const struct json **list = children(v, style, &nr);
	strbuf_addch(sb, object ? '{' : '[');
	for (size_t i = 0; i < nr; i++) {
		if (i)
			strbuf_addch(sb, ',');
		new_line(style, indent + 1, sb);
		if (object) {
			print_string(json_name(list[i]), sb);
			strbuf_addstr(sb, style->pretty ? ": " : ":");
		}
		print(list[i], style, indent + 1, sb);
	}
	if (nr)
		new_line(style, indent, sb);
	strbuf_addch(sb, object ? '}' : ']');
	free(list);
}

static void print(const struct json *v, const struct style *style, size_t indent, struct strbuf *sb)
{
	switch (json_kind(v)) {
	case JSON_NULL:
		strbuf_addstr(sb, "null");
		break;
	case JSON_NUMBER:
		if (style->canonical)
			print_canonical_number(json_scalar_text(v), sb);
		else
			strbuf_addstr(sb, json_scalar_text(v));
		break;
	case JSON_BOOL:
		strbuf_addstr(sb, json_truth(v, false) ? "true" : "false");
		break;
	case JSON_STRING:
		print_string(json_str(v), sb);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		print_container(v, style, indent, sb);
		break;
	}
}

void json_print(const struct json *v, struct strbuf *sb)
{
	print(v, &(struct style){0}, 0, sb);
}

void json_print_pretty(const struct json *v, struct strbuf *sb)
{
	print(v, &(struct style){.pretty = true}, 0, sb);
}

void json_print_canonical(const struct json *v, struct strbuf *sb)
{
	print(v, &(struct style){.canonical = true}, 0, sb);
}

bool json_equal(const struct json *a, const struct json *b)
{
	struct strbuf left = STRBUF_INIT, right = STRBUF_INIT;
	if (a == b)
		return true;
	json_print_canonical(a, &left);
	json_print_canonical(b, &right);
	bool same = left.len == right.len && !memcmp(left.buf, right.buf, left.len);
	strbuf_release(&left);
	strbuf_release(&right);
	return same;
}
