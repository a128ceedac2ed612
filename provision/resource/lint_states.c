/* Rules of state machines: their definition (Amazon States Language), wherever it is written. */
#include "lint_internal.h"

#include <stdlib.h>
#include <string.h>
#include "arena.h"
#include "asl.h"
#include "fs.h"
#include "yaml.h"
#include "yaml_value.h"

#define DEFINITION_MAX_BYTES ((size_t)ASL_DEFINITION_BYTES_MAX)

struct definition {
	struct lint *l;
	const struct lint_resource *r;
	const char *base; /* the property that it stands in */
	struct json *doc; /* NULL: it is none, or not known */
	char *file;       /* NULL: the template */
	struct arena arena;
	struct yaml_node *node; /* of `file` */
	struct err err;         /* why it is no document; code 0: it is one or unknown */
	struct strvec missing;  /* names of ${Name} that nothing stands for */
};

/* --- what stands for ${Name} --- */

static bool is_name(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
			    (s[i] >= '0' && s[i] <= '9') || s[i] == '_'))
			return false;
	}
	return len > 0;
}

/* Puts ${Name} of which nothing is known yet between quotes where no text is around it, so that the rest can be read. */
static void fill(struct definition *d, const char *text, bool bare_quotes, struct strbuf *out)
{
	const struct json *with = json_get(d->r->props, "DefinitionSubstitutions");
	bool quoted = false;

	for (const char *p = text; *p; p++) {
		const char *close = p[0] == '$' && p[1] == '{' ? strchr(p, '}') : NULL;
		size_t len = close ? (size_t)(close - p - 2) : 0;
		char *name;
		const char *value;

		if (*p == '\\' && p[1] && quoted) {
			strbuf_add(out, p++, 2);
			continue;
		}
		if (*p == '"')
			quoted = !quoted;
		if (!close || !is_name(p + 2, len)) {
			strbuf_addch(out, *p);
			continue;
		}
		name = xstrndup(p + 2, len);
		value = json_scalar_text(json_get(with, name));
		if (!json_get(with, name) && !json_is_unknown(with) &&
			!strvec_has(&d->missing, name))
			strvec_push(&d->missing, name);
		if (value)
			strbuf_addstr(out, value);
		else
			strbuf_addf(out, bare_quotes && !quoted ? "\"${%s}\"" : "${%s}", name);
		free(name);
		p = close;
	}
}

/* In the texts of a value; what is not known yet is a placeholder. */
static struct json *filled(struct definition *d, const struct json *v)
{
	struct strbuf sb = STRBUF_INIT;
	struct json *out;
	const struct json *e;

	if (json_is_unknown(v)) {
		out = json_string("${unknown}");
	} else if (json_str(v)) {
		fill(d, json_str(v), false, &sb);
		out = json_string_n(sb.buf, sb.len);
	} else if (json_is(v, JSON_ARRAY)) {
		out = json_array();
		json_each(e, v) json_push(out, filled(d, e));
	} else if (json_is(v, JSON_OBJECT)) {
		out = json_object();
		json_each(e, v)
		{
			strbuf_clear(&sb);
			fill(d, json_name(e), false, &sb);
			json_set(out, sb.buf, filled(d, e));
		}
	} else {
		out = json_copy(v);
	}
	strbuf_release(&sb);
	return out;
}

/* --- where it is written --- */

static void read_text(struct definition *d, const char *text)
{
	struct strbuf sb = STRBUF_INIT;

	fill(d, text, true, &sb);
	if (strspn(sb.buf, " \t\r\n") >= sb.len)
		err_set(&d->err, ERR_USAGE, "the definition is empty");
	else
		d->doc = json_parse(sb.buf, sb.len, &d->err);
	strbuf_release(&sb);
}

/* A bare ${Name} becomes a number of its length: places stay what they are. */
static void blot(struct strbuf *text)
{
	bool quoted = false;

	for (char *p = text->buf; *p; p++) {
		char *close = p[0] == '$' && p[1] == '{' ? strchr(p, '}') : NULL;

		if (*p == '\\' && p[1] && quoted)
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (close && !quoted && is_name(p + 2, (size_t)(close - p - 2)))
			memset(p, '1', (size_t)(close - p + 1));
	}
}

static void read_file(struct definition *d, const char *name)
{
	char *dir = fs_dirname(d->r->decl->stack->template->file);
	struct strbuf text = STRBUF_INIT, sb = STRBUF_INIT;

	d->file = fs_join(dir, name);
	if (fs_read(d->file, DEFINITION_MAX_BYTES, &text, &d->err) == 0) {
		fill(d, text.buf, !ends_with(name, ".yaml") && !ends_with(name, ".yml"), &sb);
		blot(&text);
		d->node = yaml_parse(&d->arena, d->file, text.buf, text.len, NULL);
		d->doc = yaml_value(d->file, sb.buf, sb.len, &d->err);
	}
	strbuf_release(&text);
	strbuf_release(&sb);
	free(dir);
}

/* False: nothing is known of it, and nothing is said. */
static bool definition_read(struct definition *d, struct lint *l, const struct lint_resource *r)
{
	const struct json *object = json_get(r->props, "Definition");
	const char *text = known_str(r->props, "DefinitionString"),
		   *name = known_str(r->props, "DefinitionS3Location");

	*d = (struct definition){.l = l, .r = r, .missing = STRVEC_INIT, .err = ERR_INIT};
	if (json_is(object, JSON_OBJECT) && !json_is_unknown(object)) {
		d->base = "Definition";
		d->doc = filled(d, object);
	} else if (text) {
		d->base = "DefinitionString";
		read_text(d, text);
	} else if (name && !starts_with(name, "s3://")) {
		d->base = "DefinitionS3Location";
		read_file(d, name);
	}
	return d->base;
}

static void definition_release(struct definition *d)
{
	json_free(d->doc);
	free(d->file);
	arena_release(&d->arena);
	strvec_release(&d->missing);
	err_release(&d->err);
}

/* "/States/A b/Branches[0]/X" as "States.A b.Branches.0.X" */
static char *path_of(const char *location)
{
	struct strbuf sb = STRBUF_INIT;

	for (const char *p = location; *p; p++) {
		if (*p == '/' || *p == '[')
			strbuf_addstr(&sb, sb.len ? "." : "");
		else if (*p != ']' || (p[1] && p[1] != '/'))
			strbuf_addch(&sb, *p);
	}
	return strbuf_detach(&sb, NULL);
}

/* The nearest thing in the file at hand. */
static const struct yaml_node *node_at(const struct definition *d, const char *path)
{
	const struct yaml_node *n = d->node, *next;
	struct strvec parts = STRVEC_INIT;

	strvec_split(&parts, path, '.');
	for (size_t i = 0; i < parts.nr; i++) {
		size_t index = (size_t)strtoul(parts.v[i], NULL, 10);

		next = n->kind == YAML_SEQUENCE ? (index < n->nr ? n->items[index] : NULL)
						: yaml_get(n, parts.v[i]);
		if (!next)
			break;
		n = next;
	}
	strvec_release(&parts);
	return n;
}

static void say(struct definition *d, const char *location, const char *text)
{
	size_t before = d->l->list->nr;
	char *path = path_of(location), *full;
	const struct yaml_node *n;
	struct err *last;

	if (!strcmp(d->base, "Definition")) {
		full = xasprintf("Definition%s%s", *path ? "." : "", path);
		lint_say(d->l, d->r, full, "%s", text);
		free(full);
	} else {
		lint_say(d->l, d->r, d->base, *location ? "%s (at %s)" : "%s", text, location);
	}
	last = d->l->list->nr > before ? &d->l->list->v[before] : NULL;
	n = d->node ? node_at(d, path) : NULL;
	if (last && d->file && (n || d->err.file)) {
		free(last->file);
		last->file = xstrdup(d->file);
		last->line = d->err.file ? d->err.line : n->line;
		last->column = d->err.file ? d->err.column : n->column;
	}
	free(path);
}

/* --- the rules --- */

typedef void definition_fn(struct definition *d);

static void each_definition(struct lint *l, definition_fn *fn)
{
	const struct lint_resource *r;
	struct definition d;

	lint_each(r, l)
	{
		if (!lint_is(r, TYPE_STATE_MACHINE))
			continue;
		if (definition_read(&d, l, r))
			fn(&d);
		definition_release(&d);
	}
}

static void say_diagnostics(struct definition *d, const char *severity)
{
	const char *type = known_str(d->r->props, "StateMachineType"), *where;
	struct json *found;
	const struct json *e;
	char *text;

	if (!d->doc || asl_uses_jsonata(d->doc))
		return;
	found = asl_validate_template(
		d->doc, type && !strcmp(type, "EXPRESS") ? ASL_EXPRESS : ASL_STANDARD);
	json_each(e, found)
	{
		if (strcmp(json_get_str(e, "severity"), severity) != 0)
			continue;
		where = json_get_str(e, "location");
		text = xasprintf("%s: %s", json_get_str(e, "code"), json_get_str(e, "message"));
		say(d, where ? where : "", text);
		free(text);
	}
	json_free(found);
}

static void check_definition(struct definition *d)
{
	if (d->err.code != ERR_NONE)
		say(d, "", d->err.text);
	say_diagnostics(d, "ERROR");
}

void lint_definition(struct lint *l)
{
	each_definition(l, check_definition);
}

static void check_fields(struct definition *d)
{
	say_diagnostics(d, "WARNING");
}

void lint_definition_fields(struct lint *l)
{
	each_definition(l, check_fields);
}

static void check_substitutions(struct definition *d)
{
	char *text;

	for (size_t i = 0; i < d->missing.nr; i++) {
		text = xasprintf("${%s} is not among DefinitionSubstitutions, and stays as it is",
			d->missing.v[i]);
		say(d, "", text);
		free(text);
	}
}

void lint_substitutions(struct lint *l)
{
	each_definition(l, check_substitutions);
}

/* --- jobs --- */

static bool names_are_known(const struct lint *l)
{
	const struct lint_resource *r;

	lint_each(r, l)
	{
		if (lint_is(r, TYPE_JOB) && !r->name)
			return false;
	}
	return true;
}

static void check_job(struct definition *d, const struct json *state, const char *where)
{
	const char *resource = json_get_str(state, "Resource"),
		   *name = json_get_str(json_get(state, "Parameters"), "JobName");
	char *at, *text;

	if (!resource || !name || !strstr(resource, ":glue:startJobRun") || strstr(name, "${") ||
		lint_find(d->l, TYPE_JOB, name))
		return;
	at = xasprintf("%s/Parameters/JobName", where);
	text = xasprintf("no stack of the project has a job '%s'", name);
	say(d, at, text);
	free(at);
	free(text);
}

static void check_jobs_in(struct definition *d, const struct json *machine, const char *where)
{
	static const char *const processors[] = {"ItemProcessor", "Iterator"};
	const struct json *s, *b;
	char *at, *within;
	size_t i;

	json_each(s, json_get(machine, "States"))
	{
		at = xasprintf("%s/States/%s", where, json_name(s));
		check_job(d, s, at);
		i = 0;
		json_each(b, json_get(s, "Branches"))
		{
			within = xasprintf("%s/Branches[%zu]", at, i++);
			check_jobs_in(d, b, within);
			free(within);
		}
		for (i = 0; i < ARRAY_SIZE(processors); i++) {
			within = xasprintf("%s/%s", at, processors[i]);
			check_jobs_in(d, json_get(s, processors[i]), within);
			free(within);
		}
		free(at);
	}
}

static void check_jobs(struct definition *d)
{
	check_jobs_in(d, d->doc, "");
}

void lint_definition_jobs(struct lint *l)
{
	if (names_are_known(l))
		each_definition(l, check_jobs);
}

/* --- what only AWS runs --- */

static const char *local_lacks(const struct json *v)
{
	const char *type = json_get_str(json_get(v, "ReaderConfig"), "InputType"), *lacks;
	const struct json *e;

	if (type && (!strcmp(type, "MANIFEST") || !strcmp(type, "PARQUET")))
		return type;
	json_each(e, v)
	{
		lacks = local_lacks(e);
		if (lacks)
			return lacks;
	}
	return NULL;
}

static void check_local(struct definition *d)
{
	const char *lacks = asl_uses_jsonata(d->doc) ? "JSONata" : local_lacks(d->doc);
	char *text;

	if (!lacks)
		return;
	text = xasprintf("the local cloud does not run what needs %s%s", lacks,
		!strcmp(lacks, "JSONata") ? ", and the definition is not checked further" : "");
	say(d, "", text);
	free(text);
}

void lint_local_definition(struct lint *l)
{
	each_definition(l, check_local);
}
