/*
 * Evaluated properties against the rows of their type. Values that a NoEcho parameter went into never show: our own
 * messages leave them out by their path, and wherever such a text stands in a message of others it is replaced.
 */
#include <stdlib.h>
#include <string.h>
#include "arena.h"
#include "evalall.h"
#include "intrinsics.h"
#include "pattern.h"
#include "refs.h"

struct check {
	const struct stack_resource *r;
	struct err_list *errors, *warnings;
	struct strbuf path; /* within Properties */
	struct strvec secrets;
};

/* --- places --- */
static bool is_no_value(const struct yaml_node *n)
{
	struct call call;
	return call_of(n, false, &call) == CALL_KNOWN && call.fn->eval == eval_ref &&
	       call.arg->kind == YAML_SCALAR && !strcmp(call.arg->text, "AWS::NoValue");
}

/* The item that became number `index` of the evaluated list. */
static const struct yaml_node *locate_item(
	const struct stack *s, const struct yaml_node *n, size_t index)
{
	for (size_t i = 0; i < n->nr; i++)
		if (!is_no_value(refs_chosen(s, n->items[i])) && !index--)
			return n->items[i];
	return NULL;
}

/* The member that the path starts with; names may hold dots, so the longest counts. */
static const struct yaml_pair *locate_member(const struct yaml_node *n, const char *path)
{
	const struct yaml_pair *best = NULL;
	size_t longest = 0;
	for (size_t i = 0; i < n->nr; i++) {
		size_t len = n->pairs[i].key->len;
		if (len >= longest && !strncmp(path, n->pairs[i].key->text, len) &&
			(!path[len] || path[len] == '.')) {
			best = &n->pairs[i];
			longest = len;
		}
	}
	return best;
}

/* Where a property was written: its value, or its key; else the nearest thing around it. */
static const struct yaml_node *locate(const struct stack_resource *r, const char *path, bool key)
{
	const struct yaml_node *n = r->template->properties, *at = n ? n : r->template->node;
	while (n && path && *path) {
		n = refs_chosen(r->stack, n);
		size_t used = strcspn(path, ".");
		struct call call;
		if (call_of(n, false, &call) != CALL_NONE)
			break;
		if (n->kind == YAML_MAPPING) {
			const struct yaml_pair *pair = locate_member(n, path);
			if (!pair)
				break;
			used = pair->key->len;
			n = pair->value;
			at = key && !path[used] ? pair->key : n;
		} else if (n->kind == YAML_SEQUENCE) {
			long long index;
			char *digits = xstrndup(path, used);
			int bad = parse_int64(digits, 0, INT32_MAX, &index);
			free(digits);
			n = bad ? NULL : locate_item(r->stack, n, (size_t)index);
			at = n ? n : at;
		} else {
			break;
		}
		path += used + (path[used] == '.');
	}
	return at;
}

const struct yaml_node *locate_property(const struct stack_resource *r, const char *path)
{
	return locate(r, path, false);
}

/* --- what may be shown --- */
static void hide_text(struct strbuf *text, const struct json *secret)
{
	const char *s = json_str(secret);
	struct json *e;
	if (s && *s)
		strbuf_replace(text, s, "****");
	if (json_is(secret, JSON_ARRAY))
		json_each(e, secret) hide_text(text, e);
}

static void hide_secrets(const struct stack_resource *r, struct strbuf *text)
{
	const struct stack *s = r->stack;
	struct strvec texts = STRVEC_INIT;
	for (size_t i = 0; i < s->secrets.nr; i++)
		hide_text(text, json_get(s->parameters, s->secrets.v[i]));
	eval_secret_texts(r, &texts);
	for (size_t i = 0; i < texts.nr; i++)
		strbuf_replace(text, texts.v[i], "****");
	strvec_release(&texts);
}

/* The property at hand, or one around or in it, holds a NoEcho value. */
static bool is_secret(const struct check *k)
{
	for (size_t i = 0; i < k->secrets.nr; i++) {
		const char *s = k->secrets.v[i];
		size_t len = strlen(s), mine = k->path.len;
		size_t common = len < mine ? len : mine;
		const char *longer = len < mine ? k->path.buf : s;
		if (!strncmp(s, k->path.buf, common) && (!longer[common] || longer[common] == '.'))
			return true;
	}
	return false;
}

static void add_report(const struct stack_resource *r, struct err_list *list,
	const char *property_path, bool key, const char *fmt, va_list ap)
{
	struct strbuf text = STRBUF_INIT, path = STRBUF_INIT;
	strbuf_vaddf(&text, fmt, ap);
	hide_secrets(r, &text);
	strbuf_addf(&path, "Resources.%s.Properties", r->template->logical_id);
	if (property_path && *property_path)
		strbuf_addf(&path, ".%s", property_path);
	report(list, r->stack->template->file, locate(r, property_path, key), path.buf, "%s",
		text.buf);
	if (list && list->nr)
		err_in(&list->v[list->nr - 1], r->stack->name, r->template->logical_id);
	strbuf_release(&text);
	strbuf_release(&path);
}

void lint_error(const struct lint_place *place, struct err_list *list, const char *property_path,
	const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_report(place->resource, list, property_path, false, fmt, ap);
	va_end(ap);
}

static void fail(struct check *k, const char *fmt, ...) printf_like(2, 3);
static void fail(struct check *k, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_report(k->r, k->errors, k->path.buf, false, fmt, ap);
	va_end(ap);
}

static void report_key(struct check *k, struct err_list *list, const char *fmt, ...)
	printf_like(3, 4);
static void report_key(struct check *k, struct err_list *list, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_report(k->r, list, k->path.buf, true, fmt, ap);
	va_end(ap);
}

/* "'dev'", or what stands for it. */
static char *shown(const struct check *k, const char *text)
{
	return is_secret(k) ? xstrdup("the value") : xasprintf("'%s'", text);
}

static size_t enter(struct check *k, const char *name)
{
	size_t mark = k->path.len;
	strbuf_addf(&k->path, "%s%s", mark ? "." : "", name);
	return mark;
}

static size_t enter_item(struct check *k, size_t i)
{
	char index[24];
	snprintf(index, sizeof(index), "%zu", i);
	return enter(k, index);
}

/* --- values --- */
static const char *const kind_names[] = {
	[FIELD_STRING] = "a text",
	[FIELD_INTEGER] = "a whole number",
	[FIELD_NUMBER] = "a number",
	[FIELD_BOOL] = "true or false",
	[FIELD_JSON] = "a mapping, or a text that holds JSON",
	[FIELD_OBJECT] = "a mapping",
	[FIELD_LIST] = "a list",
	[FIELD_MAP] = "a mapping of names to texts",
	[FIELD_TAGS] = "a list of {Key, Value}",
	[FIELD_TAG_MAP] = "a mapping of names to texts",
};

static void check_fields(struct check *k, const struct field *fields, const struct json *object);
static void check_value(
	struct check *k, const struct field *f, enum field_kind kind, const struct json *v);

static bool has_kind(enum field_kind kind, const struct json *v)
{
	switch (kind) {
	case FIELD_STRING:
		return json_is(v, JSON_STRING);
	case FIELD_INTEGER:
		return json_is(v, JSON_NUMBER) && !strpbrk(json_scalar_text(v), ".eE");
	case FIELD_NUMBER:
		return json_is(v, JSON_NUMBER);
	case FIELD_BOOL:
		return json_is(v, JSON_BOOL);
	case FIELD_JSON:
		return json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY) || json_is(v, JSON_STRING);
	case FIELD_LIST:
	case FIELD_TAGS:
		return json_is(v, JSON_ARRAY);
	default:
		return json_is(v, JSON_OBJECT);
	}
}

static void check_allowed(struct check *k, const struct field *f, const char *text)
{
	struct suggest s;
	struct strbuf all = STRBUF_INIT;
	suggest_init(&s, text);
	for (size_t i = 0; f->values[i]; i++) {
		if (!strcmp(f->values[i], text))
			goto out;
		suggest_offer(&s, f->values[i]);
		strbuf_addf(&all, "%s%s", i ? ", " : "", f->values[i]);
	}
	char *value = shown(k, text);
	fail(k, "%s is not one of %s", value, all.buf);
	if (!is_secret(k))
		report_suggest(k->errors, &s);
	free(value);
out:
	strbuf_release(&all);
}

static void check_pattern(struct check *k, const struct field *f, const char *text)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	const struct pattern *pattern = pattern_compile(&arena, f->pattern, &err);
	if (!pattern)
		BUG("row '%s' has a broken pattern: %s", f->name, err.text);
	if (!pattern_match(pattern, text)) {
		char *value = shown(k, text);
		fail(k, "%s does not match the pattern %s", value, f->pattern);
		free(value);
	}
	err_release(&err);
	arena_release(&arena);
}

static void check_string(struct check *k, const struct field *f, const char *text)
{
	long long len = 0;
	for (const char *p = text; *p; p++)
		len += ((unsigned char)*p & 0xc0) != 0x80;
	if (f && f->values)
		check_allowed(k, f, text);
	else if (f && f->max && len > f->max)
		fail(k, "'%s' is %lld characters long, at most %lld are allowed", k->path.buf, len,
			f->max);
	else if (f && len < f->min)
		fail(k, "'%s' is %lld characters long, at least %lld are needed", k->path.buf, len,
			f->min);
	else if (f && f->pattern)
		check_pattern(k, f, text);
}

static void check_range(struct check *k, const struct field *f, const struct json *v)
{
	if (!f || (!f->min && !f->max))
		return;
	double d = json_dbl(v, 0);
	char *value = shown(k, json_scalar_text(v));
	if (d < (double)f->min)
		fail(k, "%s is less than %lld", value, f->min);
	else if (f->max && d > (double)f->max)
		fail(k, "%s is more than %lld", value, f->max);
	free(value);
}

static void check_json_text(struct check *k, const char *text)
{
	struct err err = ERR_INIT;
	struct json *v = json_parse(text, strlen(text), &err);
	if (!v)
		fail(k, "'%s' is a text that is not JSON%s%s", k->path.buf,
			is_secret(k) ? "" : ": ", is_secret(k) ? "" : err.text);
	json_free(v);
	err_release(&err);
}

static void check_tag(struct check *k, const char *name)
{
	if (starts_with(name, "aws:"))
		fail(k, "tag '%s': names that start with 'aws:' belong to AWS", name);
	else if (starts_with(name, "glueproj:"))
		fail(k, "tag '%s': names that start with 'glueproj:' are glueproj's own", name);
	else if (!*name || strlen(name) > 128 * 4)
		fail(k, "a tag's name has 1 to 128 characters");
}

static void check_members(struct check *k, const struct json *object, bool tags)
{
	struct json *e;
	json_each(e, object)
	{
		size_t mark = enter(k, json_name(e));
		if (!json_is_unknown(e)) {
			if (!json_is(e, JSON_STRING))
				fail(k, "'%s' must be a text", k->path.buf);
			else
				check_string(k, NULL, json_str(e));
			if (tags)
				check_tag(k, json_name(e));
		}
		strbuf_setlen(&k->path, mark);
	}
}

static void check_tag_list(struct check *k, const struct json *list)
{
	struct json *e;
	struct strvec seen = STRVEC_INIT;
	size_t i = 0;
	json_each(e, list)
	{
		size_t mark = enter_item(k, i++);
		const char *name = json_get_str(e, "Key");
		if (json_is_unknown(e)) {
			strbuf_setlen(&k->path, mark);
			continue;
		}
		if (!json_is(e, JSON_OBJECT) || !json_get(e, "Key") || !json_get(e, "Value"))
			fail(k, "a tag must be {Key: …, Value: …}");
		else
			check_members(k, e, false);
		if (name && strvec_has(&seen, name))
			fail(k, "tag '%s' is there twice", name);
		if (name) {
			check_tag(k, name);
			strvec_push(&seen, name);
		}
		strbuf_setlen(&k->path, mark);
	}
	strvec_release(&seen);
}

static void check_items(struct check *k, const struct field *f, const struct json *list)
{
	struct json *e;
	size_t i = 0;
	json_each(e, list)
	{
		size_t mark = enter_item(k, i++);
		check_value(k, f, f->item, e);
		strbuf_setlen(&k->path, mark);
	}
}

static void check_value(
	struct check *k, const struct field *f, enum field_kind kind, const struct json *v)
{
	if (json_is_unknown(v) || (f->flags & F_FILE && json_is(v, JSON_STRING)))
		return;
	if (!has_kind(kind, v)) {
		fail(k, "'%s' must be %s", k->path.buf, kind_names[kind]);
		return;
	}
	switch (kind) {
	case FIELD_STRING:
		check_string(k, f, json_str(v));
		break;
	case FIELD_INTEGER:
	case FIELD_NUMBER:
		if (f && f->values)
			check_allowed(k, f, json_scalar_text(v));
		else
			check_range(k, f, v);
		break;
	case FIELD_BOOL:
		break;
	case FIELD_JSON:
		if (json_is(v, JSON_STRING))
			check_json_text(k, json_str(v));
		break;
	case FIELD_OBJECT:
		check_fields(k, f->fields, v);
		break;
	case FIELD_LIST:
		check_items(k, f, v);
		break;
	case FIELD_TAGS:
		check_tag_list(k, v);
		break;
	case FIELD_MAP:
	case FIELD_TAG_MAP:
		check_members(k, v, kind == FIELD_TAG_MAP);
		break;
	}
}

/* One that the rows do not know: a slip of the pen, or something newer than glueproj. */
static void check_unknown_field(struct check *k, const struct field *fields, const char *name)
{
	struct suggest s;
	suggest_init(&s, name);
	for (const struct field *f = fields; f && f->name; f++)
		suggest_offer(&s, f->name);
	const char *slip = suggest_slip(&s);
	if (slip) {
		report_key(k, k->errors, "unknown property '%s'", name);
		report_hint(k->errors, "did you mean '%s'?", slip);
	} else {
		report_key(k, k->warnings,
			"property '%s' is not known to glueproj: passed on as it is", name);
	}
}

static void check_fields(struct check *k, const struct field *fields, const struct json *object)
{
	struct json *e;
	json_each(e, object)
	{
		const struct field *f = schema_field(fields, json_name(e));
		size_t mark = enter(k, json_name(e));
		if (!f)
			check_unknown_field(k, fields, json_name(e));
		else if (f->flags & F_UNSUPPORTED)
			report_key(k, k->errors, "property '%s' is not supported yet", f->name);
		else
			check_value(k, f, f->kind, e);
		strbuf_setlen(&k->path, mark);
	}
	for (const struct field *f = fields; f && f->name; f++)
		if ((f->flags & F_REQUIRED) && !json_get(object, f->name))
			fail(k, "property '%s' is missing", f->name);
}

static void check_name(struct check *k, const struct json *props)
{
	const struct type_schema *type = k->r->schema;
	char *path = schema_name_path(type, props);
	const char *name = path ? json_str(json_path(props, path)) : NULL;
	if (!name) {
		free(path);
		return;
	}
	size_t mark = enter(k, path);
	char *value = shown(k, name);
	if (type->name_max && strlen(name) > type->name_max) {
		fail(k, "%s is longer than %zu characters", value, type->name_max);
	} else if (type->name_ok && !type->name_ok(name)) {
		fail(k, "%s is not a name that AWS takes for an %s", value, type->name);
		if (type->name_pattern_hint)
			report_hint(k->errors, "%s", type->name_pattern_hint);
	}
	free(value);
	free(path);
	strbuf_setlen(&k->path, mark);
}

/* Properties that AWS shows to whoever may look at the resource, and that hold what people put there. */
static const struct plain {
	const char *type, *property, *what;
} plain[] = {
	{"AWS::Glue::Crawler", "Configuration", "the crawler's configuration"},
	{"AWS::Glue::Job", "DefaultArguments", "the job's arguments"},
	{"AWS::Glue::Job", "NonOverridableArguments", "the job's arguments"},
	{"AWS::Glue::Trigger", "Actions", "the trigger's arguments"},
	{"AWS::Glue::Workflow", "DefaultRunProperties", "the workflow's run properties"},
};

static void warn_plain_secrets(struct check *k)
{
	for (size_t i = 0; i < k->secrets.nr; i++) {
		const char *path = k->secrets.v[i];
		for (size_t j = 0; j < ARRAY_SIZE(plain); j++) {
			size_t len = strlen(plain[j].property);
			if (strcmp(plain[j].type, k->r->template->type) != 0 ||
				strncmp(plain[j].property, path, len) != 0 ||
				(path[len] && path[len] != '.'))
				continue;
			lint_error(&(struct lint_place){k->r}, k->warnings, path,
				"a NoEcho value goes in plain into %s: whoever may look at the "
				"%s sees it",
				plain[j].what, strrchr(k->r->template->type, ':') + 1);
			if (!k->warnings)
				return;
			report_hint(k->warnings,
				"put it into an AWS::SecretsManager::Secret and give the job the "
				"secret's name");
			err_named(&k->warnings->v[k->warnings->nr - 1], "PlainSecret");
		}
	}
}

/* The type's own check sees its secret properties, which it never shows, and no secret that stands elsewhere. */
static void check_by_type(const struct check *k, const struct json *props)
{
	struct json *seen = json_copy(props);
	struct strvec paths = STRVEC_INIT;
	for (size_t i = 0; i < k->secrets.nr; i++) {
		const struct field *f = schema_field_at(k->r->schema->fields, k->secrets.v[i]);
		if (!f || !(f->flags & F_SECRET))
			strvec_push(&paths, k->secrets.v[i]);
	}
	stack_forget_secrets(seen, &paths);
	k->r->schema->check(seen, &(struct lint_place){k->r}, k->errors);
	strvec_release(&paths);
	json_free(seen);
}

void stack_check_properties(const struct stack_resource *r, const struct json *props,
	struct err_list *errors, struct err_list *warnings)
{
	struct check k = {.r = r, .errors = errors, .warnings = warnings, .path = STRBUF_INIT};
	size_t before = errors->nr;

	if (!r->schema || json_is_unknown(props))
		return;
	strvec_init(&k.secrets);
	struct err_list ignored = ERR_LIST_INIT;
	struct json *again;
	eval_properties_collect(r, &again, &k.secrets, &ignored);
	json_free(again);
	err_list_release(&ignored);
	warn_plain_secrets(&k);
	check_fields(&k, r->schema->fields, props);
	if (errors->nr == before)
		check_name(&k, props);
	if (errors->nr == before && r->schema->check)
		check_by_type(&k, props);
	strbuf_release(&k.path);
	strvec_release(&k.secrets);
}

void stack_lint(const struct stack *s, struct err_list *errors, struct err_list *warnings)
{
	size_t before = errors->nr, before_warnings = warnings ? warnings->nr : 0;
	for (size_t i = 0; i < s->nr_resources; i++) {
		struct json *props;
		eval_properties_collect(&s->resources[i], &props, NULL, errors);
		stack_check_properties(&s->resources[i], props, errors, warnings);
		json_free(props);
	}
	err_list_unique(errors, before);
	err_list_unique(warnings, before_warnings);
}
