/* A mapping against the data set that it is for, and the one that a data set has by itself. */
#include "fieldmap_internal.h"

#include <stdlib.h>
#include <string.h>
#include "dataset.h"

/* Structs in structs. */
#define MAX_DEPTH 64

/* The next "name:type" of a struct's inside; false at its end. */
static bool next_member(const char **at, struct strbuf *name, struct strbuf *type)
{
	const char *end = fields_end_of_piece(*at, ','), *colon = fields_end_of_piece(*at, ':');

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
		char *wanted = fields_without_quotes(pieces->v[i]), *name = NULL, *next = NULL;

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
	char *plain = fields_without_quotes(f->source), *first = NULL;
	int ret = 0;

	f->column = dataset_column(d, plain);
	if (!f->column) {
		fields_split(f->source, '.', &pieces);
		first = fields_without_quotes(pieces.v[0]);
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
		struct field *f = fields_add(out);

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
	if (inside && members->nr == MAX_DEPTH)
		ret = err_set(err, ERR_INVALID,
			"column '%s' has more than %d structs in each other", column->name,
			MAX_DEPTH);
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
	return ret == 0 ? fields_check_targets(out, err) : ret;
}
