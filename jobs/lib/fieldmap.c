#include "fieldmap_internal.h"

#include <stdlib.h>
#include <string.h>
#include "json.h"

void fields_release(struct fields *f)
{
	for (size_t i = 0; i < f->nr; i++) {
		free(f->v[i].source);
		free(f->v[i].to);
		strvec_release(&f->v[i].members);
	}
	free(f->v);
	*f = (struct fields)FIELDS_INIT;
}

struct field *fields_add(struct fields *f)
{
	struct field *field;

	ALLOC_GROW(f->v, f->nr, f->alloc);
	field = &f->v[f->nr++];
	*field = (struct field){0};
	strvec_init(&field->members);
	return field;
}

/* --- types --- */

static const struct {
	const char *name; /* Glue's first, then Hive's */
	enum field_kind kind;
} kinds[] = {
	{"string", FIELD_STRING},
	{"boolean", FIELD_BOOLEAN},
	{"byte", FIELD_BYTE},
	{"short", FIELD_SHORT},
	{"int", FIELD_INT},
	{"long", FIELD_LONG},
	{"float", FIELD_FLOAT},
	{"double", FIELD_DOUBLE},
	{"decimal", FIELD_DECIMAL},
	{"date", FIELD_DATE},
	{"timestamp", FIELD_TIMESTAMP},
	{"array", FIELD_NESTED},
	{"struct", FIELD_NESTED},
	{"map", FIELD_NESTED},
	{"varchar", FIELD_STRING},
	{"char", FIELD_STRING},
	{"bool", FIELD_BOOLEAN},
	{"tinyint", FIELD_BYTE},
	{"smallint", FIELD_SHORT},
	{"integer", FIELD_INT},
	{"bigint", FIELD_LONG},
	{"real", FIELD_FLOAT},
};

const char *field_kind_name(enum field_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == kind)
			return kind == FIELD_NESTED ? "struct, array or map" : kinds[i].name;
	BUG("a type has no name");
}

/* "(10,2)", "(10)" or nothing, which is Hive's decimal(10,0). */
static int parse_decimal(const char *text, struct field_type *out, struct err *err)
{
	struct strvec parts = STRVEC_INIT;
	size_t len = strlen(text);
	char *inner = NULL;
	long long precision = 10, scale = 0;
	int ret = 0;

	if (len) {
		inner = len > 2 && text[0] == '(' && text[len - 1] == ')'
				? xstrndup(text + 1, len - 2)
				: xstrdup("");
		strvec_split(&parts, inner, ',');
		ret = parts.nr < 1 || parts.nr > 2 ||
		      parse_int64(parts.v[0], 1, 38, &precision) != 0 ||
		      (parts.nr == 2 && parse_int64(parts.v[1], 0, precision, &scale) != 0);
	}
	out->precision = (int)precision;
	out->scale = (int)scale;
	strvec_release(&parts);
	free(inner);
	return ret ? err_set(err, ERR_INVALID,
			     "'decimal%s' is no type: decimal(precision,scale), at most 38 digits",
			     text)
		   : 0;
}

int field_type_parse(const char *text, struct field_type *out, struct err *err)
{
	struct strbuf name = STRBUF_INIT;
	size_t word;
	int ret = -1;

	strbuf_addstr(&name, text);
	strbuf_trim(&name);
	strbuf_replace(&name, " ", "");
	lower_ascii(name.buf);
	word = strcspn(name.buf, "(<");
	*out = (struct field_type){0};
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && ret != 0; i++) {
		if (strlen(kinds[i].name) == word && strncmp(kinds[i].name, name.buf, word) == 0) {
			out->kind = kinds[i].kind;
			ret = 0;
		}
	}
	if (ret != 0)
		err_set(err, ERR_INVALID, "the type '%s' cannot be converted", text);
	else if (out->kind == FIELD_DECIMAL)
		ret = parse_decimal(name.buf + word, out, err);
	strbuf_release(&name);
	return ret;
}

void field_type_add_sql(struct strbuf *sql, const struct field_type *type)
{
	static const char *const names[] = {"VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER",
		"BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "DATE", "TIMESTAMP", "VARCHAR"};

	strbuf_addstr(sql, names[type->kind]);
	if (type->kind == FIELD_DECIMAL)
		strbuf_addf(sql, "(%d,%d)", type->precision, type->scale);
}

static bool is_time(enum field_kind kind)
{
	return kind == FIELD_DATE || kind == FIELD_TIMESTAMP;
}

static int check_types(const struct field *f, struct err *err)
{
	enum field_kind from = f->from_type.kind, to = f->to_type.kind;

	if (to == FIELD_NESTED)
		return err_set(err, ERR_USAGE,
			"'%s' cannot become a struct, an array or a map: give the type string",
			f->to);
	if (to == FIELD_STRING || (from == FIELD_STRING && to != FIELD_NESTED))
		return 0;
	if (from == FIELD_NESTED || is_time(from) != is_time(to))
		return err_set(err, ERR_USAGE, "'%s' is of type %s, which cannot become %s",
			f->source, field_kind_name(from), field_kind_name(to));
	return 0;
}

/* --- the text of a mapping --- */

const char *fields_end_of_piece(const char *at, char stop)
{
	bool quoted = false;
	int depth = 0;

	for (; *at; at++) {
		if (*at == '`')
			quoted = !quoted;
		else if (!quoted && (*at == '(' || *at == '<'))
			depth++;
		else if (!quoted && depth && (*at == ')' || *at == '>'))
			depth--;
		else if (!quoted && !depth && *at == stop)
			break;
	}
	return at;
}

void fields_split(const char *text, char stop, struct strvec *out)
{
	for (;;) {
		const char *end = fields_end_of_piece(text, stop);
		struct strbuf piece = STRBUF_INIT;

		strbuf_add(&piece, text, (size_t)(end - text));
		strbuf_trim(&piece);
		strvec_push_take(out, strbuf_detach(&piece, NULL));
		if (!*end)
			return;
		text = end + 1;
	}
}

char *fields_without_quotes(const char *text)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, text);
	strbuf_replace(&sb, "`", "");
	return strbuf_detach(&sb, NULL);
}

static int take_four(
	const struct strvec *four, const char *shown, struct fields *out, struct err *err)
{
	struct field *f;
	bool complete = four->nr == 4;

	for (size_t i = 0; i < four->nr; i++)
		complete = complete && *four->v[i] && strcmp(four->v[i], "``") != 0;
	if (!complete)
		return err_set(err, ERR_USAGE, "'%s' is not from:fromType:toName:toType", shown);
	f = fields_add(out);
	f->source = xstrdup(four->v[0]);
	f->to = fields_without_quotes(four->v[2]);
	if (field_type_parse(four->v[1], &f->from_type, err) != 0 ||
		field_type_parse(four->v[3], &f->to_type, err) != 0) {
		err_wrap(err, "'%s'", shown);
		if (err)
			err->code = ERR_USAGE;
		return -1;
	}
	return check_types(f, err);
}

static int take_text(const char *text, struct fields *out, struct err *err)
{
	struct strvec four = STRVEC_INIT;
	int ret;

	fields_split(text, ':', &four);
	ret = take_four(&four, text, out, err);
	strvec_release(&four);
	return ret;
}

static int take_list(const char *mapping, struct fields *out, struct err *err)
{
	struct json *list = json_parse(mapping, strlen(mapping), err), *entry, *word;
	int ret = list ? 0 : -1;

	if (!list && err)
		err->code = ERR_USAGE;
	json_each(entry, list)
	{
		struct strvec four = STRVEC_INIT;

		if (ret == 0 && json_str(entry)) {
			ret = take_text(json_str(entry), out, err);
		} else if (ret == 0) {
			json_each(word, entry)
				strvec_push(&four, json_str(word) ? json_str(word) : "");
			ret = take_four(&four, four.nr ? four.v[0] : "", out, err);
		}
		strvec_release(&four);
	}
	json_free(list);
	return ret;
}

int fields_check_targets(const struct fields *f, struct err *err)
{
	for (size_t i = 0; i < f->nr; i++)
		for (size_t k = 0; k < i; k++)
			if (iequals(f->v[i].to, f->v[k].to))
				return err_set(err, ERR_USAGE, "two columns would be named '%s'",
					f->v[i].to);
	return f->nr ? 0 : err_set(err, ERR_USAGE, "there is no column in it");
}

int fields_parse(const char *mapping, struct fields *out, struct err *err)
{
	struct strvec entries = STRVEC_INIT;
	int ret = 0;

	while (*mapping == ' ' || *mapping == '\n')
		mapping++;
	if (*mapping == '[')
		ret = take_list(mapping, out, err);
	else
		fields_split(mapping, ',', &entries);
	for (size_t i = 0; i < entries.nr && ret == 0; i++)
		ret = take_text(entries.v[i], out, err);
	if (ret == 0)
		ret = fields_check_targets(out, err);
	if (ret != 0)
		err_wrap(err, "--mapping");
	strvec_release(&entries);
	return ret;
}
