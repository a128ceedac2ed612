/* Items of a distributed Map out of a file: CSV, JSON, JSON lines ("ItemReader (Map)", AWS Step Functions Developer Guide). */
#include <csv.h>

#include "local_states_map_rows.h"
#include "strvec.h"

#define FAILED "States.ItemReaderFailed"

static int failed(struct err *err, const char *fmt, ...) printf_like(2, 3);
static int failed(struct err *err, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	err_set(err, ERR_INVALID, "%s", sb.buf);
	err_named(err, FAILED);
	strbuf_release(&sb);
	return -1;
}

/* --- CSV --- */

struct table {
	struct strvec names;
	struct json *items, *row;
	size_t column;
	int64_t most; /* -1: all */
	bool named, any;
};

static void on_field(void *field, size_t len, void *payload)
{
	struct table *t = payload;

	t->any = t->any || len;
	if (!t->named) {
		strvec_push(&t->names, field ? field : "");
	} else if (t->column < t->names.nr) {
		if (!t->row)
			t->row = json_object();
		json_set(t->row, t->names.v[t->column], json_string_n(field ? field : "", len));
	}
	t->column++;
}

/* A row that is too short has empty texts for what it lacks. */
static void on_row(int end, void *payload)
{
	struct table *t = payload;

	(void)end;
	if (!t->named) {
		t->named = true;
	} else if (t->row && (t->most < 0 || (int64_t)json_len(t->items) < t->most)) {
		for (; t->column < t->names.nr; t->column++)
			json_set_str(t->row, t->names.v[t->column], "");
		json_push(t->items, t->row);
		t->row = NULL;
	}
	json_free(t->row);
	t->row = NULL;
	t->column = 0;
	t->any = false;
}

static int no_blank(unsigned char c)
{
	(void)c;
	return 0;
}

static unsigned char delimiter_of(const struct json *config)
{
	static const struct {
		const char *name;
		unsigned char c;
	} delimiters[] = {{"PIPE", '|'}, {"SEMICOLON", ';'}, {"SPACE", ' '}, {"TAB", '\t'}};
	const char *name = json_get_str(config, "CSVDelimiter");

	for (size_t i = 0; name && i < ARRAY_SIZE(delimiters); i++) {
		if (!strcmp(delimiters[i].name, name))
			return delimiters[i].c;
	}
	return ',';
}

static struct json *csv_items(
	const char *text, size_t len, const struct json *config, struct err *err)
{
	struct table t = {.names = STRVEC_INIT,
		.items = json_array(),
		.most = json_get_i64(config, "MaxItems", -1)};
	const struct json *e;
	struct csv_parser p;
	bool bad;

	json_each(e, json_get(config, "CSVHeaders")) strvec_push(&t.names, json_str(e));
	t.named = t.names.nr > 0;
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	if (csv_init(&p, CSV_APPEND_NULL | CSV_STRICT | CSV_STRICT_FINI)) {
		json_free(t.items);
		strvec_release(&t.names);
		failed(err, "there is no memory for the CSV file");
		return NULL;
	}
	csv_set_delim(&p, delimiter_of(config));
	csv_set_space_func(&p, no_blank);
	bad = csv_parse(&p, text, len, on_field, on_row, &t) != len ||
	      csv_fini(&p, on_field, on_row, &t);
	if (bad)
		failed(err, "The CSV file cannot be read: %s", csv_strerror(csv_error(&p)));
	csv_free(&p);
	json_free(t.row);
	strvec_release(&t.names);
	if (!bad)
		return t.items;
	json_free(t.items);
	return NULL;
}

/* --- JSON --- */

/* RFC 6901. NULL: it names nothing. */
static const struct json *pointed(const struct json *v, const char *pointer)
{
	struct strvec parts = STRVEC_INIT;
	struct strbuf name = STRBUF_INIT;

	strvec_split(&parts, pointer, '/');
	for (size_t i = 1; v && i < parts.nr; i++) {
		strbuf_clear(&name);
		strbuf_addstr(&name, parts.v[i]);
		strbuf_replace(&name, "~1", "/");
		strbuf_replace(&name, "~0", "~");
		v = json_is(v, JSON_ARRAY) ? json_at(v, (size_t)strtoull(name.buf, NULL, 10))
					   : json_get(v, name.buf);
	}
	strbuf_release(&name);
	strvec_release(&parts);
	return v;
}

static struct json *json_items(
	const char *text, size_t len, const struct json *config, struct err *err)
{
	const char *pointer = json_get_str(config, "ItemsPointer");
	int64_t most = json_get_i64(config, "MaxItems", -1);
	struct err why = ERR_INIT;
	struct json *all = json_parse(text, len, &why), *out = NULL;
	const struct json *list = pointer ? pointed(all, pointer) : all, *e;

	if (!all) {
		failed(err, "The JSON file cannot be read: %s", why.text);
	} else if (!json_is(list, JSON_ARRAY)) {
		failed(err, "The JSON file must hold an array%s%s", pointer ? " at " : "",
			pointer ? pointer : "");
	} else {
		out = json_array();
		json_each(e, list)
		{
			if (most >= 0 && most-- == 0)
				break;
			json_push(out, json_copy(e));
		}
	}
	json_free(all);
	err_release(&why);
	return out;
}

static struct json *line_items(
	const char *text, size_t len, const struct json *config, struct err *err)
{
	int64_t most = json_get_i64(config, "MaxItems", -1), line = 0;
	const char *end = text + len, *stop;
	struct json *out = json_array(), *v;
	struct err why = ERR_INIT;

	for (; text < end && (most < 0 || (int64_t)json_len(out) < most); text = stop + 1) {
		stop = memchr(text, '\n', (size_t)(end - text));
		stop = stop ? stop : end;
		line++;
		if (strspn(text, " \t\r") >= (size_t)(stop - text))
			continue;
		v = json_parse(text, (size_t)(stop - text), &why);
		if (!v) {
			failed(err, "Line %lld of the JSON Lines file cannot be read: %s",
				(long long)line, why.text);
			json_free(out);
			out = NULL;
			break;
		}
		json_push(out, v);
	}
	err_release(&why);
	return out;
}

struct json *map_items(const char *text, size_t len, const struct json *config, struct err *err)
{
	static const struct {
		const char *type;
		struct json *(*read)(
			const char *text, size_t len, const struct json *config, struct err *err);
	} kinds[] = {{"CSV", csv_items}, {"JSON", json_items}, {"JSONL", line_items}};
	const char *type = json_get_str(config, "InputType");

	for (size_t i = 0; type && i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kinds[i].type, type))
			return kinds[i].read(text, len, config, err);
	}
	failed(err, "InputType '%s' is not read by the local cloud", type ? type : "(none)");
	return NULL;
}
