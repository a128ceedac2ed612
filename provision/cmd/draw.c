/* Drawings as text: dot (graphviz.org/doc/info/lang.html) and mermaid's flowcharts. */
#include "draw.h"
#include <stdlib.h>
#include <string.h>
#include "map.h"

enum item_kind { ITEM_NODE, ITEM_EDGE, ITEM_OPEN, ITEM_CLOSE };

struct item {
	enum item_kind kind;
	char *id, *to, *label;
	enum draw_shape shape;
	enum draw_tone tone;
	enum draw_line line;
};

struct drawing {
	struct item *items;
	size_t nr, alloc, boxes;
	bool down;
	struct map ids; /* of nodes: to their item's number + 1, as a pointer */
};

struct drawing *drawing_new(bool down)
{
	struct drawing *d = xcalloc(1, sizeof(*d));

	d->down = down;
	map_init(&d->ids, NULL);
	return d;
}

void drawing_free(struct drawing *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->nr; i++) {
		free(d->items[i].id);
		free(d->items[i].to);
		free(d->items[i].label);
	}
	free(d->items);
	map_release(&d->ids);
	free(d);
}

static struct item *add(struct drawing *d, enum item_kind kind, const char *id, const char *label)
{
	ALLOC_GROW(d->items, d->nr, d->alloc);
	d->items[d->nr] = (struct item){
		.kind = kind, .id = xstrdup(id), .label = label ? xstrdup(label) : NULL};
	return &d->items[d->nr++];
}

void draw_node(struct drawing *d, const char *id, const char *label, enum draw_shape shape,
	enum draw_tone tone)
{
	struct item *item;

	if (map_has(&d->ids, id))
		return;
	item = add(d, ITEM_NODE, id, label);
	item->shape = shape;
	item->tone = tone;
	map_put(&d->ids, id, (void *)d->nr);
}

void draw_edge(
	struct drawing *d, const char *from, const char *to, const char *label, enum draw_line line)
{
	struct item *item = add(d, ITEM_EDGE, from, label && *label ? label : NULL);

	item->to = xstrdup(to);
	item->line = line;
}

void draw_open(struct drawing *d, const char *id, const char *label)
{
	add(d, ITEM_OPEN, id, label);
	d->boxes++;
}

void draw_close(struct drawing *d)
{
	add(d, ITEM_CLOSE, NULL, NULL);
}

typedef void item_fn(const struct drawing *d, const struct item *item, size_t depth, void *out);

/* An edge that is written inside a box would pull its ends into it: where there are boxes, edges come last. */
static void each_item(const struct drawing *d, item_fn *fn, void *out)
{
	size_t depth = 1;

	for (size_t i = 0; i < d->nr; i++) {
		if (d->boxes && d->items[i].kind == ITEM_EDGE)
			continue;
		if (d->items[i].kind == ITEM_CLOSE)
			depth--;
		fn(d, &d->items[i], depth, out);
		if (d->items[i].kind == ITEM_OPEN)
			depth++;
	}
	for (size_t i = 0; d->boxes && i < d->nr; i++)
		if (d->items[i].kind == ITEM_EDGE)
			fn(d, &d->items[i], 1, out);
}

/* --- dot --- */

/* `label`: with the escapes and entities that dot knows in labels, but not in ids. */
static void dot_quoted(struct strbuf *sb, const char *text, bool label)
{
	strbuf_addch(sb, '"');
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			strbuf_addch(sb, '\\');
		if (label && *c == '\n')
			strbuf_addstr(sb, "\\n");
		else if (label && *c == '&')
			strbuf_addstr(sb, "&amp;");
		else if ((unsigned char)*c < ' ' || *c == 127)
			strbuf_addch(sb, ' ');
		else
			strbuf_addch(sb, *c);
	}
	strbuf_addch(sb, '"');
}

static void dot_node(struct strbuf *sb, const struct item *item)
{
	static const char *const shapes[] = {
		[DRAW_BOX] = "",
		[DRAW_ROUND] = "",
		[DRAW_DIAMOND] = ", shape=diamond",
		[DRAW_OVAL] = ", shape=oval",
		[DRAW_POINT] = ", shape=point, width=0.12",
	};
	static const char *const tones[] = {
		[DRAW_PLAIN] = "",
		[DRAW_GOOD] = ", color=\"#2e7d32\", fontcolor=\"#2e7d32\"",
		[DRAW_BAD] = ", color=\"#c62828\", fontcolor=\"#c62828\"",
		[DRAW_FAINT] = ", color=gray, fontcolor=gray",
	};

	dot_quoted(sb, item->id, false);
	strbuf_addstr(sb, " [label=");
	dot_quoted(sb, item->shape == DRAW_POINT ? "" : item->label, true);
	strbuf_addstr(sb, shapes[item->shape]);
	strbuf_addstr(sb, tones[item->tone]);
	if (item->shape == DRAW_ROUND || item->tone == DRAW_FAINT)
		strbuf_addf(sb, ", style=\"%s%s%s\"", item->shape == DRAW_ROUND ? "rounded" : "",
			item->shape == DRAW_ROUND && item->tone == DRAW_FAINT ? "," : "",
			item->tone == DRAW_FAINT ? "dashed" : "");
	strbuf_addstr(sb, "];\n");
}

static void dot_edge(struct strbuf *sb, const struct item *item)
{
	dot_quoted(sb, item->id, false);
	strbuf_addstr(sb, " -> ");
	dot_quoted(sb, item->to, false);
	if (item->label || item->line == DRAW_DASHED)
		strbuf_addstr(sb, " [");
	if (item->label) {
		/* Blanks keep its letters off the line that it stands at. */
		char *padded = xasprintf(" %s ", item->label);
		strbuf_addstr(sb, "label=");
		dot_quoted(sb, padded, true);
		free(padded);
	}
	if (item->line == DRAW_DASHED)
		strbuf_addf(sb, "%sstyle=dashed, color=\"#c62828\", fontcolor=\"#c62828\"",
			item->label ? ", " : "");
	strbuf_addstr(sb, item->label || item->line == DRAW_DASHED ? "];\n" : ";\n");
}

static void dot_item(const struct drawing *d, const struct item *item, size_t depth, void *out)
{
	struct strbuf *sb = out;
	char *name;

	(void)d;
	strbuf_addchars(sb, '\t', depth);
	switch (item->kind) {
	case ITEM_NODE:
		dot_node(sb, item);
		break;
	case ITEM_EDGE:
		dot_edge(sb, item);
		break;
	case ITEM_OPEN:
		name = xasprintf("cluster_%s", item->id);
		strbuf_addstr(sb, "subgraph ");
		dot_quoted(sb, name, false);
		strbuf_addstr(sb, " {\n");
		strbuf_addchars(sb, '\t', depth + 1);
		strbuf_addstr(sb, "label=");
		dot_quoted(sb, item->label, true);
		strbuf_addstr(sb, "; style=rounded; color=gray; fontcolor=gray;\n");
		free(name);
		break;
	case ITEM_CLOSE:
		strbuf_addstr(sb, "}\n");
		break;
	}
}

void drawing_dot(const struct drawing *d, struct strbuf *sb)
{
	strbuf_addf(sb, "digraph glueproj {\n\trankdir=%s;\n\tnode [shape=box];\n",
		d->down ? "TB" : "LR");
	each_item(d, dot_item, sb);
	strbuf_addstr(sb, "}\n");
}

/* --- mermaid --- */

struct mermaid {
	struct strbuf *sb;
	struct map names; /* id to "n1", "n2", …: mermaid's own ids take letters and digits only */
	bool tones[DRAW_FAINT + 1];
	size_t boxes;
};

static const char *mermaid_name(struct mermaid *m, const char *id)
{
	if (!map_has(&m->names, id))
		map_put(&m->names, id, xasprintf("n%zu", m->names.nr));
	return map_get(&m->names, id);
}

static bool is_letter(char c)
{
	return (unsigned char)c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/*
 * Mermaid reads labels as markdown, and takes #35; for '#'. What neither could mistake stays as it is; at the start of a
 * line nothing that could begin a list or heading does.
 */
static void mermaid_quoted(struct strbuf *sb, const char *text)
{
	bool number = true; /* nothing but digits so far in this line */
	bool styled = strstr(text, "style") || strstr(text, "classDef");

	strbuf_addch(sb, '"');
	for (const char *c = text; *c; c++) {
		unsigned char byte = (unsigned char)*c;
		bool letter = is_letter(*c), letter_before = c > text && is_letter(c[-1]);
		bool inside = *c == '_' && letter_before && is_letter(c[1]);
		bool safe = letter || inside || *c == ' ' ||
			    (!number && strchr(".,/=()@$%?'", *c)) ||
			    (!number && !styled && *c == ':') ||
			    (!number && *c == '-' && c[1] != '-' && c[1] != '>');
		if (*c == '\n') {
			strbuf_addstr(sb, "<br/>");
			number = true;
			continue;
		}
		if (byte < ' ' || byte == 127)
			strbuf_addch(sb, ' ');
		else if (safe)
			strbuf_addch(sb, *c);
		else
			strbuf_addf(sb, "#%u;", byte);
		number = number && *c >= '0' && *c <= '9';
	}
	strbuf_addch(sb, '"');
}

static void mermaid_node(struct mermaid *m, const struct item *item)
{
	static const char *const open[] = {"[", "(", "{", "([", "(("};
	static const char *const close[] = {"]", ")", "}", "])", "))"};
	static const char *const classes[] = {"", ":::good", ":::bad", ":::faint"};

	strbuf_addf(m->sb, "%s%s", mermaid_name(m, item->id), open[item->shape]);
	mermaid_quoted(m->sb, item->shape == DRAW_POINT ? " " : item->label);
	strbuf_addf(m->sb, "%s%s\n", close[item->shape], classes[item->tone]);
	m->tones[item->tone] = true;
}

static void mermaid_edge(struct mermaid *m, const struct item *item)
{
	strbuf_addf(m->sb, "%s %s", mermaid_name(m, item->id),
		item->line == DRAW_DASHED ? "-.->" : "-->");
	if (item->label) {
		strbuf_addch(m->sb, '|');
		mermaid_quoted(m->sb, item->label);
		strbuf_addch(m->sb, '|');
	}
	strbuf_addf(m->sb, " %s\n", mermaid_name(m, item->to));
}

/* What edges alone name shows its id. */
static void mermaid_undrawn(const struct drawing *d, struct mermaid *m)
{
	for (size_t i = 0; i < d->nr; i++) {
		const struct item *item = &d->items[i];
		const char *ends[] = {item->id, item->to};
		for (size_t k = 0; item->kind == ITEM_EDGE && k < 2; k++) {
			if (map_has(&d->ids, ends[k]) || map_has(&m->names, ends[k]))
				continue;
			strbuf_addf(m->sb, "    %s[", mermaid_name(m, ends[k]));
			mermaid_quoted(m->sb, ends[k]);
			strbuf_addstr(m->sb, "]\n");
		}
	}
}

static void mermaid_item(const struct drawing *d, const struct item *item, size_t depth, void *out)
{
	struct mermaid *m = out;

	(void)d;
	strbuf_addchars(m->sb, ' ', depth * 4);
	switch (item->kind) {
	case ITEM_NODE:
		mermaid_node(m, item);
		break;
	case ITEM_EDGE:
		mermaid_edge(m, item);
		break;
	case ITEM_OPEN:
		strbuf_addf(m->sb, "subgraph box%zu[", m->boxes++);
		/* An empty title is none to it. */
		mermaid_quoted(m->sb, *item->label ? item->label : " ");
		strbuf_addstr(m->sb, "]\n");
		break;
	case ITEM_CLOSE:
		strbuf_addstr(m->sb, "end\n");
		break;
	}
}

void drawing_mermaid(const struct drawing *d, struct strbuf *sb)
{
	static const char *const styles[] = {
		[DRAW_GOOD] = "good stroke:#2e7d32",
		[DRAW_BAD] = "bad stroke:#c62828",
		[DRAW_FAINT] = "faint stroke-dasharray:4",
	};
	struct mermaid m = {.sb = sb};

	map_init(&m.names, free);
	strbuf_addf(sb, "flowchart %s\n", d->down ? "TB" : "LR");
	mermaid_undrawn(d, &m);
	each_item(d, mermaid_item, &m);
	for (size_t i = DRAW_GOOD; i <= DRAW_FAINT; i++)
		if (m.tones[i])
			strbuf_addf(sb, "    classDef %s\n", styles[i]);
	map_release(&m.names);
}
