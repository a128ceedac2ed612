#include "fieldmap.h"

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

static struct field *add_field(struct fields *f)
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

/* Up to `stop` or the end, backquotes and brackets as wholes. */
static const char *end_of_piece(const char *at, char stop)
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

static void split(const char *text, char stop, struct strvec *out)
{
	for (;;) {
		const char *end = end_of_piece(text, stop);
		struct strbuf piece = STRBUF_INIT;

		strbuf_add(&piece, text, (size_t)(end - text));
		strbuf_trim(&piece);
		strvec_push_take(out, strbuf_detach(&piece, NULL));
		if (!*end)
			return;
		text = end + 1;
	}
}

static char *without_quotes(const char *text)
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
	f = add_field(out);
	f->source = xstrdup(four->v[0]);
	f->to = without_quotes(four->v[2]);
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

	split(text, ':', &four);
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

static int check_targets(const struct fields *f, struct err *err)
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
		split(mapping, ',', &entries);
	for (size_t i = 0; i < entries.nr && ret == 0; i++)
		ret = take_text(entries.v[i], out, err);
	if (ret == 0)
		ret = check_targets(out, err);
	if (ret != 0)
		err_wrap(err, "--mapping");
	strvec_release(&entries);
	return ret;
}

/* --- against a data set --- */

/* The next "name:type" of a struct's inside; false at its end. */
static bool next_member(const char **at, struct strbuf *name, struct strbuf *type)
{
	const char *end = end_of_piece(*at, ','), *colon = end_of_piece(*at, ':');

	if (!**at || colon >= end)
		return false;
	strbuf_clear(name);
	strbuf_clear(type);
	strbuf_add(name, *at, (size_t)(colon - *at));
	strbuf_replace(name, "`", "");
	strbuf_trim(name);
	strbuf_add(type, colon + 1, (size_t)(end - colon - 1));
	strbuf_trim(type);
	*at = *end ? end + 1 : end;
	return true;
}

/* What stands between "struct<" and ">"; NULL for another type. Malloc'd. */
static char *inside_struct(const char *type)
{
	size_t len = strlen(type), head = strlen("struct<");

	if (len <= head || strncasecmp(type, "struct<", head) != 0 || type[len - 1] != '>')
		return NULL;
	return xstrndup(type + head, len - head - 1);
}

/* The type of a struct's member, and its name as the table has it: both malloc'd. */
static bool find_member(const char *type, const char *wanted, char **name_out, char **type_out)
{
	struct strbuf name = STRBUF_INIT, member = STRBUF_INIT;
	char *inside = inside_struct(type);
	const char *at = inside ? inside : "";
	bool found = false;

	while (!found && next_member(&at, &name, &member))
		found = iequals(name.buf, wanted);
	if (found) {
		*name_out = strbuf_detach(&name, NULL);
		*type_out = strbuf_detach(&member, NULL);
	}
	strbuf_release(&name);
	strbuf_release(&member);
	free(inside);
	return found;
}

static int resolve_members(
	struct field *f, const struct strvec *pieces, const struct dataset *d, struct err *err)
{
	char *type = xstrdup(f->column->type);
	int ret = 0;

	for (size_t i = 1; i < pieces->nr && ret == 0; i++) {
		char *wanted = without_quotes(pieces->v[i]), *name = NULL, *next = NULL;

		if (find_member(type, wanted, &name, &next)) {
			strvec_push_take(&f->members, name);
			free(type);
			type = next;
		} else {
			ret = err_set(err, ERR_INVALID, "%s has no '%s': '%s' is of type %s",
				d->shown, f->source, pieces->v[i - 1], type);
		}
		free(wanted);
	}
	free(type);
	return ret;
}

static int resolve(struct field *f, const struct dataset *d, struct err *err)
{
	struct strvec pieces = STRVEC_INIT;
	char *plain = without_quotes(f->source), *first = NULL;
	int ret = 0;

	f->column = dataset_column(d, plain);
	if (!f->column) {
		split(f->source, '.', &pieces);
		first = without_quotes(pieces.v[0]);
		f->column = dataset_column(d, first);
		ret = f->column
			      ? resolve_members(f, &pieces, d, err)
			      : err_set(err, ERR_INVALID, "%s has no column '%s'", d->shown, plain);
	}
	free(f->source);
	f->source = plain;
	free(first);
	strvec_release(&pieces);
	return ret;
}

/* Text in a struct is no number: what the files hold decides, and the mapping says what that is to be. */
static int check_nested(const struct field *f, const struct dataset *d, struct err *err)
{
	struct field_type type = {0};
	struct err why = ERR_INIT;
	int ret = field_type_parse(f->column->type, &type, &why);

	err_release(&why);
	if (ret == 0 && !f->members.nr && (type.kind == FIELD_NESTED) &&
		f->from_type.kind != FIELD_NESTED && f->from_type.kind != FIELD_STRING)
		return err_set(err, ERR_INVALID, "%s: column '%s' is of type %s, not %s", d->shown,
			f->source, f->column->type, field_kind_name(f->from_type.kind));
	return 0;
}

int fields_resolve(struct fields *f, const struct dataset *d, struct err *err)
{
	for (size_t i = 0; i < f->nr; i++)
		if (resolve(&f->v[i], d, err) != 0 || check_nested(&f->v[i], d, err) != 0)
			return err_wrap(err, "--mapping");
	return 0;
}

/* --- without a mapping --- */

static int add_as_is(struct fields *out, const struct dataset_column *column,
	const struct strvec *members, const char *type, struct err *err)
{
	struct strbuf name = STRBUF_INIT, member = STRBUF_INIT, member_type = STRBUF_INIT;
	struct strvec path = STRVEC_INIT;
	char *inside = inside_struct(type);
	const char *at = inside ? inside : "";
	int ret = 0;

	strbuf_addstr(&name, column->name);
	for (size_t i = 0; i < members->nr; i++) {
		strbuf_addf(&name, ".%s", members->v[i]);
		strvec_push(&path, members->v[i]);
	}
	if (!inside) {
		struct field *f = add_field(out);

		f->source = xstrdup(name.buf);
		f->to = xstrdup(name.buf);
		f->column = column;
		for (size_t i = 0; i < path.nr; i++)
			strvec_push(&f->members, path.v[i]);
		ret = field_type_parse(type, &f->from_type, err);
		if (ret != 0)
			err_wrap(err, "column '%s'", name.buf);
		f->to_type = f->from_type;
		if (f->to_type.kind == FIELD_NESTED)
			f->to_type.kind = FIELD_STRING;
	}
	while (ret == 0 && next_member(&at, &member, &member_type)) {
		strvec_push(&path, member.buf);
		ret = add_as_is(out, column, &path, member_type.buf, err);
		strvec_remove(&path, path.nr - 1);
	}
	strvec_release(&path);
	strbuf_release(&name);
	strbuf_release(&member);
	strbuf_release(&member_type);
	free(inside);
	return ret;
}

int fields_of_dataset(const struct dataset *d, struct fields *out, struct err *err)
{
	struct strvec none = STRVEC_INIT;
	int ret = 0;

	for (size_t i = 0; i < d->nr_columns && ret == 0; i++)
		ret = add_as_is(out, &d->columns[i], &none, d->columns[i].type, err);
	if (ret != 0)
		err_wrap(err, "%s", d->shown);
	strvec_release(&none);
	return ret == 0 ? check_targets(out, err) : ret;
}
