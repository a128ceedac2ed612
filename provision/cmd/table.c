/* Aligned columns for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

#define COLUMN_GAP 2

struct table {
	size_t columns, nr, alloc;
	char **cells; /* nr × columns */
	size_t *width;
};

size_t text_width(const char *s)
{
	size_t n = 0;

	/* One column for each code point: enough for names of resources and columns. */
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
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
