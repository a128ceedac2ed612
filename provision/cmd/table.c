/* Aligned columns for people. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include "cmd.h"

#define COLUMN_GAP 2

struct table {
	size_t columns, nr, alloc;
	char **cells; /* nr × columns */
	size_t *width;
};

/* Terminal columns: two for Chinese, Japanese and Korean letters and for pictures, none for what sits on another letter. */
static size_t width_in_utf8(const char *s)
{
	mbstate_t state = {0};
	size_t n = 0, left = strlen(s), len;
	wchar_t c;

	for (; left; s += len, left -= len) {
		len = mbrtowc(&c, s, left, &state);
		if (len > left) { /* no UTF-8: a column a byte */
			memset(&state, 0, sizeof(state));
			len = 1;
			n++;
		} else {
			int w = wcwidth(c);

			n += w < 0 ? 1 : (size_t)w;
		}
	}
	return n;
}

size_t text_width(const char *s)
{
	static locale_t utf8;
	locale_t before;
	size_t n = 0;

	for (; s[n] && (unsigned char)s[n] < 0x80; n++)
		;
	if (!s[n])
		return n;
	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	before = uselocale(utf8); /* without one: what there is, which counts bytes */
	n = width_in_utf8(s);
	uselocale(before);
	return n;
}

struct table *table_new(size_t columns)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->columns = columns;
	t->width = xcalloc(columns ? columns : 1, sizeof(*t->width));
	return t;
}

void table_row(struct table *t, const char *const *cells)
{
	if (t->nr == t->alloc) {
		t->alloc = t->alloc ? t->alloc * 2 : 16;
		t->cells = xreallocarray(t->cells, t->alloc, t->columns * sizeof(*t->cells));
	}
	for (size_t i = 0; i < t->columns; i++) {
		const char *cell = cells[i] ? cells[i] : "";
		size_t w = text_width(cell);
		t->cells[t->nr * t->columns + i] = xstrdup(cell);
		if (w > t->width[i])
			t->width[i] = w;
	}
	t->nr++;
}

static void print_row(const struct table *t, char *const *cells, struct strbuf *sb)
{
	for (size_t i = 0; i < t->columns; i++) {
		size_t from = sb->len;
		strbuf_addstr(sb, cells[i]);
		/* Values of somebody's table among them. */
		strbuf_blank_controls(sb, from, "\n\t");
		if (i + 1 < t->columns)
			strbuf_addchars(sb, ' ', t->width[i] - text_width(cells[i]) + COLUMN_GAP);
	}
	while (sb->len && sb->buf[sb->len - 1] == ' ')
		strbuf_setlen(sb, sb->len - 1);
	strbuf_addch(sb, '\n');
}

void table_print(struct table *t, bool header)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t r = 0; r < t->nr; r++) {
		print_row(t, t->cells + r * t->columns, &sb);
		if (header && r == 0) {
			for (size_t i = 0; i < t->columns; i++) {
				strbuf_addchars(&sb, '-', t->width[i]);
				if (i + 1 < t->columns)
					strbuf_addchars(&sb, ' ', COLUMN_GAP);
			}
			strbuf_addch(&sb, '\n');
		}
	}
	fwrite(sb.buf, 1, sb.len, stdout);
	strbuf_release(&sb);
	for (size_t i = 0; i < t->nr * t->columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->width);
	free(t);
}
