/* int() and float(). Plain numbers go the short way through number.h; the rest is brought to ASCII first, as Python does it. */
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "number.h"
#include "strbuf.h"
#include "udf.h"
#include "udf_internal.h"

/* The zeros of Unicode's decimal digits (category Nd): nine more stand behind each. Sorted. */
static const uint32_t zeros[] = {0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6,
	0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946,
	0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0,
	0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0,
	0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50,
	0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140,
	0x1e2f0, 0x1e950, 0x1fbf0};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A letter of UTF-8 that is good or was repaired. */
static uint32_t next_letter(const char **s, const char *end)
{
	const unsigned char *p = (const unsigned char *)*s;
	size_t more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
	uint32_t c = more ? *p & (0x3fu >> more) : *p;

	if ((size_t)(end - *s) <= more) {
		*s = end;
		return 0xfffd;
	}
	for (size_t i = 1; i <= more; i++)
		c = c << 6 | (p[i] & 0x3f);
	*s += more + 1;
	return c;
}

/* str.isspace() of one letter. */
static bool is_space(uint32_t c)
{
	if (c < 0x80)
		return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
	return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool udf_is_blank(const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end)
		if (!is_space(next_letter(&s, end)))
			return false;
	return true;
}

static char digit_of(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_SIZE(zeros) && zeros[i] <= c; i++)
		if (c - zeros[i] < 10)
			return (char)('0' + (c - zeros[i]));
	return '?';
}

/* Digits and spaces of all scripts as ASCII's; what is neither becomes '?'. */
static void to_ascii(const char *s, size_t len, struct strbuf *out)
{
	const char *end = s + len;

	while (s < end) {
		uint32_t c = next_letter(&s, end);
		char ascii = (char)c;

		if (c >= 0x80)
			ascii = is_space(c) ? ' ' : digit_of(c);
		strbuf_addch(out, ascii ? ascii : '?');
	}
	/* Not the separators 1c to 1f, which are white space elsewhere. */
	while (out->len && udf_ascii_space(out->buf[out->len - 1]))
		strbuf_remove(out, out->len - 1, 1);
	for (len = 0; len < out->len && udf_ascii_space(out->buf[len]); len++)
		;
	strbuf_remove(out, 0, len);
}

/* False where a '_' stands that is not between two digits. */
static bool drop_underscores(struct strbuf *text)
{
	size_t to = 0;

	for (size_t i = 0; i < text->len; i++) {
		if (text->buf[i] != '_')
			text->buf[to++] = text->buf[i];
		else if (i == 0 || !is_digit(text->buf[i - 1]) || !is_digit(text->buf[i + 1]))
			return false;
	}
	strbuf_remove(text, to, text->len - to);
	return true;
}

static bool is_integer(const char *s)
{
	if (*s == '-' || *s == '+')
		s++;
	if (!*s)
		return false;
	while (is_digit(*s))
		s++;
	return !*s;
}

enum udf_result udf_long(const char *s, size_t len, int64_t *out, const char **why)
{
	struct strbuf text = STRBUF_INIT;
	enum udf_result result = UDF_BAD;

	if (number_int64(s, len, out) == NUMBER_OK)
		return UDF_OK;
	if (udf_is_blank(s, len))
		return UDF_NULL;
	to_ascii(s, len, &text);
	if (!drop_underscores(&text) || !is_integer(text.buf))
		*why = "no integer";
	else if (number_int64(text.buf, text.len, out) == NUMBER_OK)
		result = UDF_OK;
	else
		*why = "out of the range of 64 bits";
	strbuf_release(&text);
	return result;
}

/* --- float() --- */

static const char *skip_digits(const char *s, bool *any)
{
	for (; is_digit(*s); s++)
		*any = true;
	return s;
}

static bool is_float(const char *s)
{
	static const char *const words[] = {"inf", "infinity", "nan"};
	bool any = false, exponent = false;

	if (*s == '-' || *s == '+')
		s++;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (iequals(s, words[i]))
			return true;
	s = skip_digits(s, &any);
	if (*s == '.')
		s = skip_digits(s + 1, &any);
	if (!any)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '-' || *s == '+')
			s++;
		s = skip_digits(s, &exponent);
		if (!exponent)
			return false;
	}
	return !*s;
}

static locale_t c_locale;

static void make_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

enum udf_result udf_double(const char *s, size_t len, double *out, const char **why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct strbuf text = STRBUF_INIT;
	enum udf_result result = UDF_BAD;

	if (number_double(s, len, out) == NUMBER_OK)
		return UDF_OK;
	if (udf_is_blank(s, len))
		return UDF_NULL;
	to_ascii(s, len, &text);
	if (drop_underscores(&text) && is_float(text.buf)) {
		pthread_once(&once, make_locale);
		*out = strtod_l(text.buf, NULL, c_locale);
		result = UDF_OK;
	} else {
		*why = "no number";
	}
	strbuf_release(&text);
	return result;
}
