#include <stdint.h>
#include <string.h>
#include <yaml.h>
#include "json_lex.h"
#include "strbuf.h"
#include "yaml.h"
#include "yaml_tree.h"

/*
 * Changing one top-level key of a file's text. libyaml's marks tell where its value begins and ends;
 * the rest is copied as it stands. The result is read again, and anything but the wanted change is an error.
 * Marks count characters (`index`); they become byte offsets at the end.
 */

#define NOWHERE SIZE_MAX

struct place {
	const char *key;
	int depth;   /* 1: among the root's keys and values */
	bool is_key; /* the next node at depth 1 is a key */
	bool wanted; /* the value being read is the key's */

	bool flow_root;
	bool any_pair;
	size_t root_open;              /* behind the '{' of a flow root */
	size_t key_column;             /* of the first key; 0 when there is none */
	size_t value_start, value_end; /* NOWHERE: the key is new */
	size_t value_column;
	bool value_indents;  /* the value is a block collection, on lines of its own */
	size_t content_end;  /* of the last thing that is no comment */
	size_t document_end; /* where "..." begins; NOWHERE: not there */
};

/* Whether an end event closes with a bracket rather than with the indentation. */
static bool has_width(const yaml_event_t *e)
{
	return e->end_mark.index > e->start_mark.index;
}

static void begin_node(struct place *p, const yaml_event_t *e, bool block)
{
	if (p->depth == 1 && p->is_key && !p->any_pair) {
		p->any_pair = true;
		p->key_column = e->start_mark.column;
	}
	if (p->depth == 1 && !p->is_key && p->wanted) {
		p->value_start = e->start_mark.index;
		p->value_end = e->end_mark.index;
		p->value_column = e->start_mark.column;
		p->value_indents = block;
	}
}

/* A node at depth 1 is complete: after a key comes its value. */
static void end_node(struct place *p, bool is_wanted_key)
{
	if (p->depth != 1)
		return;
	p->wanted = p->is_key && is_wanted_key;
	p->is_key = !p->is_key;
}

static void reach(struct place *p, const yaml_event_t *e)
{
	p->content_end = e->end_mark.index;
	if (p->wanted && p->depth >= 1 && !p->is_key)
		p->value_end = e->end_mark.index;
}

static void see_scalar(struct place *p, const yaml_event_t *e)
{
	bool hit = p->is_key && p->depth == 1 && e->type == YAML_SCALAR_EVENT &&
		   !strcmp((const char *)e->data.scalar.value, p->key);
	begin_node(p, e, false);
	reach(p, e);
	end_node(p, hit);
}

static void see_start(struct place *p, const yaml_event_t *e, bool flow)
{
	if (p->depth == 0) {
		p->flow_root = flow;
		p->root_open = e->end_mark.index;
		p->is_key = true;
	}
	begin_node(p, e, !flow);
	p->depth++;
}

static void see_end(struct place *p, const yaml_event_t *e)
{
	p->depth--;
	if (p->depth > 0 && has_width(e))
		reach(p, e);
	end_node(p, false);
}

static void see_event(struct place *p, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
	case YAML_ALIAS_EVENT:
		see_scalar(p, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		see_start(p, e, e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
		break;
	case YAML_MAPPING_START_EVENT:
		see_start(p, e, e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		see_end(p, e);
		break;
	case YAML_DOCUMENT_END_EVENT:
		if (!e->data.document_end.implicit)
			p->document_end = e->start_mark.index;
		break;
	default:
		break;
	}
}

/* The file parsed well before, so what fails here is what only the JSON reader can read. */
static int find_place(
	struct place *p, const char *file, const char *text, size_t len, struct err *err)
{
	yaml_parser_t parser;
	bool done = false;
	int ret = 0;
	if (!yaml_parser_initialize(&parser))
		BUG("out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!done && !ret) {
		yaml_event_t e;
		if (!yaml_parser_parse(&parser, &e)) {
			ret = err_at(err, file, (int)parser.problem_mark.line + 1,
				(int)parser.problem_mark.column + 1, NULL,
				"this file cannot be edited: %s",
				parser.problem ? parser.problem : "unknown syntax");
			break;
		}
		done = e.type == YAML_STREAM_END_EVENT;
		see_event(p, &e);
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	return ret;
}

/* The byte at which the character `index` begins. */
static size_t byte_offset(const char *text, size_t len, size_t index)
{
	size_t at = 0;
	while (at < len && index) {
		at++;
		while (at < len && ((unsigned char)text[at] & 0xc0) == 0x80)
			at++;
		index--;
	}
	return at;
}

/* --- writing a value --- */

static bool is_plain_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       strchr("_./+@=;^()$~%-", c) || c >= 0x80;
}

static bool is_number(const char *s, size_t len)
{
	return len && json_number_len(s, len) == len;
}

/* True when the text may stand without quotes and is still a string that nobody takes for null or a comment. */
static bool may_be_plain(const char *s, bool json)
{
	static const char *const words[] = {"null", "Null", "NULL", "~", "---", "..."};
	size_t len = strlen(s);
	if (!len || len > 200 || strchr("-=%@~+;^()", *s) || s[len - 1] == ' ')
		return is_number(s, len);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(s, words[i]))
			return false;
	if (json)
		return is_number(s, len) || !strcmp(s, "true") || !strcmp(s, "false");
	for (const char *p = s; *p; p++) {
		bool inner = p > s && p[1] && (*p == ' ' || (*p == ':' && p[1] != ' '));
		if (!inner && !is_plain_char((unsigned char)*p))
			return false;
	}
	return true;
}

static void add_quoted(struct strbuf *sb, const char *s)
{
	strbuf_addch(sb, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			strbuf_addf(sb, "\\%c", c);
		else if (c == '\n')
			strbuf_addstr(sb, "\\n");
		else if (c == '\t')
			strbuf_addstr(sb, "\\t");
		else if (c < 0x20 || c == 0x7f)
			strbuf_addf(sb, "\\u%04x", c);
		else
			strbuf_addch(sb, *s);
	}
	strbuf_addch(sb, '"');
}

static void add_scalar(struct strbuf *sb, const char *s, bool json)
{
	if (may_be_plain(s, json))
		strbuf_addstr(sb, s);
	else
		add_quoted(sb, s);
}

struct change {
	const char *key;
	const char *const *values;
	size_t nr;
	bool list;
};

static void add_value(struct strbuf *sb, const struct change *c, bool json)
{
	if (!c->list) {
		add_scalar(sb, c->values[0], json);
		return;
	}
	strbuf_addch(sb, '[');
	for (size_t i = 0; i < c->nr; i++) {
		if (i)
			strbuf_addstr(sb, ", ");
		add_scalar(sb, c->values[i], json);
	}
	strbuf_addch(sb, ']');
}

/* --- putting it in --- */

static void replace_value(const struct place *p, const struct change *c, const char *text,
	size_t len, struct strbuf *out)
{
	size_t start = byte_offset(text, len, p->value_start);
	size_t end = byte_offset(text, len, p->value_end);
	while (end > start &&
		strchr(" \r\n", text[end - 1])) /* a block scalar ends behind its line */
		end--;
	strbuf_add(out, text, start);
	if (start == end)
		strbuf_addch(out, ' '); /* "key:" with nothing behind it */
	if (p->value_indents && p->value_column <= p->key_column)
		strbuf_addstr(out, "  "); /* a list at its key's indentation */
	add_value(out, c, p->flow_root);
	strbuf_add(out, text + end, len - end);
}

static void insert_in_flow(const struct place *p, const struct change *c, const char *text,
	size_t len, struct strbuf *out)
{
	size_t at = byte_offset(text, len, p->any_pair ? p->content_end : p->root_open);
	strbuf_add(out, text, at);
	if (p->any_pair)
		strbuf_addstr(out, ", ");
	add_quoted(out, c->key);
	strbuf_addstr(out, ": ");
	add_value(out, c, true);
	strbuf_add(out, text + at, len - at);
}

static void append_line(const struct place *p, const struct change *c, const char *text, size_t len,
	struct strbuf *out)
{
	size_t at = p->document_end == NOWHERE ? len : byte_offset(text, len, p->document_end);
	const char *end_of_line = memmem(text, len, "\r\n", 2) ? "\r\n" : "\n";
	strbuf_add(out, text, at);
	if (at && text[at - 1] != '\n')
		strbuf_addstr(out, end_of_line);
	strbuf_addchars(out, ' ', p->any_pair ? p->key_column : 0);
	add_scalar(out, c->key, false);
	strbuf_addstr(out, ": ");
	add_value(out, c, false);
	strbuf_addstr(out, end_of_line);
	strbuf_add(out, text + at, len - at);
}

static bool same_scalar(const struct yaml_node *n, const char *text)
{
	return n->kind == YAML_SCALAR && !n->tag && !strcmp(n->text, text);
}

/* True when the new text reads as the old one with just that change. */
static bool came_out(
	const struct yaml_node *old, const struct yaml_node *now, const struct change *c)
{
	const struct yaml_node *v = yaml_get(now, c->key);
	if (!v || now->nr != old->nr + !yaml_get(old, c->key))
		return false;
	for (size_t i = 0; i < old->nr; i++)
		if (strcmp(old->pairs[i].key->text, now->pairs[i].key->text) != 0)
			return false;
	if (!c->list)
		return same_scalar(v, c->values[0]);
	if (v->kind != YAML_SEQUENCE || v->nr != c->nr)
		return false;
	for (size_t i = 0; i < c->nr; i++)
		if (!same_scalar(v->items[i], c->values[i]))
			return false;
	return true;
}

static int edit(const char *file, const char *text, size_t len, const struct change *c,
	struct strbuf *out, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct strbuf fresh = STRBUF_INIT;
	struct place p = {.key = c->key, .value_start = NOWHERE, .document_end = NOWHERE};
	int ret = -1;
	struct yaml_node *old = yaml_parse(&arena, file, text, len, err), *now;
	if (!old)
		goto out;
	if (old->kind != YAML_MAPPING) {
		err_at(err, file, old->line, old->column, NULL, "this file must hold a mapping");
		goto out;
	}
	size_t bom = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	strbuf_add(&fresh, text, bom);
	text += bom;
	len -= bom;
	if (find_place(&p, file, text, len, err))
		goto out;
	if (p.value_start != NOWHERE)
		replace_value(&p, c, text, len, &fresh);
	else if (p.flow_root)
		insert_in_flow(&p, c, text, len, &fresh);
	else
		append_line(&p, c, text, len, &fresh);
	now = yaml_parse(&arena, file, fresh.buf, fresh.len, NULL);
	if (!now || !came_out(old, now, c)) {
		err_at(err, file, 0, 0, NULL,
			"cannot set '%s' without breaking the file; edit it by hand", c->key);
		goto out;
	}
	strbuf_add(out, fresh.buf, fresh.len);
	ret = 0;
out:
	strbuf_release(&fresh);
	arena_release(&arena);
	return ret;
}

int yaml_edit_set(const char *file, const char *text, size_t len, const char *key,
	const char *const *values, size_t nr, bool list, struct strbuf *out, struct err *err)
{
	struct change c = {key, values, nr, list || nr != 1};
	return edit(file, text, len, &c, out, err);
}
