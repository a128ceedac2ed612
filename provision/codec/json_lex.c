#include "json_lex.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void json_lex_init(struct json_lex *lx, const char *file, const char *text, size_t len)
{
	*lx = (struct json_lex){.file = file, .text = text, .end = text + len, .line = 1};
	strbuf_init(&lx->value);
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	lx->p = lx->line_start = text;
}

void json_lex_release(struct json_lex *lx)
{
	strbuf_release(&lx->value);
}

static void mark_place(struct json_lex *lx)
{
	size_t column = (size_t)(lx->p - lx->line_start) - lx->continuation + 1;
	lx->token_line = lx->line;
	lx->token_column = column > INT_MAX ? INT_MAX : (int)column;
}

int json_lex_error(const struct json_lex *lx, struct err *err, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	err_at(err, lx->file, lx->token_line, lx->token_column, NULL, "%s", text.buf);
	strbuf_release(&text);
	return -1;
}

int json_lex_unexpected(const struct json_lex *lx, const char *wanted, struct err *err)
{
	static const char *const names[] = {"the end of the text", "'{'", "'}'", "'['", "']'",
		"':'", "','", "a string", "a number", "true", "false", "null"};
	return json_lex_error(lx, err, "expected %s, found %s", wanted, names[lx->kind]);
}

/* An error at *p rather than at the token's start. */
static int error_here(struct json_lex *lx, struct err *err, const char *text)
{
	mark_place(lx);
	return json_lex_error(lx, err, "%s", text);
}

static void skip_blanks(struct json_lex *lx)
{
	for (; lx->p < lx->end; lx->p++) {
		if (*lx->p == '\n') {
			lx->line++;
			lx->line_start = lx->p + 1;
			lx->continuation = 0;
		} else if (*lx->p != ' ' && *lx->p != '\t' && *lx->p != '\r') {
			return;
		}
	}
}

static bool in_range(unsigned char c, unsigned char from, unsigned char to)
{
	return c >= from && c <= to;
}

size_t utf8_char_len(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t left = (size_t)(end - p), len = 0;
	unsigned char from = 0x80,
		      to = 0xbf; /* of the second byte: no overlong forms, no surrogates */
	if (!left)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (in_range(u[0], 0xc2, 0xdf))
		len = 2;
	else if (in_range(u[0], 0xe0, 0xef))
		len = 3;
	else if (in_range(u[0], 0xf0, 0xf4))
		len = 4;
	if (!len || left < len)
		return 0;
	if (u[0] == 0xe0)
		from = 0xa0;
	else if (u[0] == 0xed)
		to = 0x9f;
	else if (u[0] == 0xf0)
		from = 0x90;
	else if (u[0] == 0xf4)
		to = 0x8f;
	if (!in_range(u[1], from, to))
		return 0;
	for (size_t i = 2; i < len; i++)
		if (!in_range(u[i], 0x80, 0xbf))
			return 0;
	return len;
}

static void add_utf8(struct strbuf *sb, unsigned c)
{
	if (c < 0x80) {
		strbuf_addch(sb, (char)c);
		return;
	}
	if (c < 0x800) {
		strbuf_addch(sb, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			strbuf_addch(sb, (char)(0xe0 | c >> 12));
		} else {
			strbuf_addch(sb, (char)(0xf0 | c >> 18));
			strbuf_addch(sb, (char)(0x80 | (c >> 12 & 63)));
		}
		strbuf_addch(sb, (char)(0x80 | (c >> 6 & 63)));
	}
	strbuf_addch(sb, (char)(0x80 | (c & 63)));
}

/* "\uXXXX" at p: the code unit, or -1. */
static long read_unit(const struct json_lex *lx, const char *p)
{
	long n = 0;
	if (lx->end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		const char *at = strchr("0123456789abcdefABCDEF", p[i]);
		if (!p[i] || !at)
			return -1;
		n = n * 16 + (p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	}
	return n;
}

static int lex_unicode(struct json_lex *lx, struct err *err)
{
	long unit = read_unit(lx, lx->p);
	if (unit < 0)
		return error_here(lx, err, "\\u needs four hexadecimal digits");
	if (unit >= 0xd800 && unit <= 0xdfff) {
		long low = unit < 0xdc00 ? read_unit(lx, lx->p + 6) : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return error_here(lx, err, "half of a surrogate pair");
		unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
		lx->p += 6;
	}
	lx->p += 6;
	add_utf8(&lx->value, (unsigned)unit);
	return 0;
}

static int lex_escape(struct json_lex *lx, struct err *err)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = lx->end - lx->p > 1 ? lx->p[1] : '\0';
	if (c == 'u')
		return lex_unicode(lx, err);
	const char *at = c ? strchr(from, c) : NULL;
	if (!at)
		return error_here(lx, err, "unknown escape in a string");
	strbuf_addch(&lx->value, to[at - from]);
	lx->p += 2;
	return 0;
}

static int lex_string(struct json_lex *lx, struct err *err)
{
	strbuf_clear(&lx->value);
	for (lx->p++; lx->p < lx->end && *lx->p != '"';) {
		unsigned char c = (unsigned char)*lx->p;
		if (c == '\\') {
			if (lex_escape(lx, err))
				return -1;
			continue;
		}
		if (c < 0x20)
			return error_here(lx, err, "control character in a string");
		size_t len = utf8_char_len(lx->p, lx->end);
		if (!len)
			return error_here(lx, err, "invalid UTF-8 in a string");
		strbuf_add(&lx->value, lx->p, len);
		lx->continuation += len - 1;
		lx->p += len;
	}
	if (lx->p == lx->end)
		return json_lex_error(lx, err, "this string has no end");
	lx->p++;
	lx->kind = JSON_TOKEN_STRING;
	return 0;
}

static size_t digits_len(const char *s, size_t len)
{
	size_t n = 0;
	while (n < len && s[n] >= '0' && s[n] <= '9')
		n++;
	return n;
}

size_t json_number_len(const char *s, size_t len)
{
	size_t n = len && *s == '-';
	size_t digits = digits_len(s + n, len - n);
	if (!digits || (digits > 1 && s[n] == '0'))
		return 0;
	n += digits;
	if (n < len && s[n] == '.') {
		digits = digits_len(s + n + 1, len - n - 1);
		if (!digits)
			return 0;
		n += 1 + digits;
	}
	if (n < len && (s[n] == 'e' || s[n] == 'E')) {
		size_t sign = n + 1 < len && (s[n + 1] == '+' || s[n + 1] == '-');
		digits = digits_len(s + n + 1 + sign, len - n - 1 - sign);
		if (!digits)
			return 0;
		n += 1 + sign + digits;
	}
	return n;
}

static int lex_number(struct json_lex *lx, struct err *err)
{
	size_t len = json_number_len(lx->p, (size_t)(lx->end - lx->p));
	if (!len)
		return json_lex_error(lx, err, "this is no JSON number");
	strbuf_clear(&lx->value);
	strbuf_add(&lx->value, lx->p, len);
	lx->p += len;
	lx->kind = JSON_TOKEN_NUMBER;
	return 0;
}

static int lex_word(struct json_lex *lx, struct err *err)
{
	static const struct {
		const char *word;
		enum json_token_kind kind;
	} words[] = {
		{"true", JSON_TOKEN_TRUE}, {"false", JSON_TOKEN_FALSE}, {"null", JSON_TOKEN_NULL}};
	size_t len = 0, left = (size_t)(lx->end - lx->p);
	while (len < left && ((lx->p[len] | 0x20) >= 'a' && (lx->p[len] | 0x20) <= 'z'))
		len++;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (len == strlen(words[i].word) && !memcmp(lx->p, words[i].word, len)) {
			lx->kind = words[i].kind;
			lx->p += len;
			return 0;
		}
	}
	unsigned char c = (unsigned char)*lx->p;
	if (len)
		return json_lex_error(
			lx, err, "unexpected '%.*s'", (int)(len > 40 ? 40 : len), lx->p);
	if (c > ' ' && c < 0x7f)
		return json_lex_error(lx, err, "unexpected '%c'", c);
	return json_lex_error(lx, err, "unexpected byte 0x%02x", c);
}

int json_lex_next(struct json_lex *lx, struct err *err)
{
	static const char marks[] = "{}[]:,";
	skip_blanks(lx);
	mark_place(lx);
	if (lx->p == lx->end) {
		lx->kind = JSON_TOKEN_END;
		return 0;
	}
	const char *mark = *lx->p ? strchr(marks, *lx->p) : NULL;
	if (mark) {
		lx->kind = (enum json_token_kind)(JSON_TOKEN_OPEN_OBJECT + (mark - marks));
		lx->p++;
		return 0;
	}
	if (*lx->p == '"')
		return lex_string(lx, err);
	if (*lx->p == '-' || (*lx->p >= '0' && *lx->p <= '9'))
		return lex_number(lx, err);
	return lex_word(lx, err);
}
