/* Parameters' values: which one counts, and whether the template's constraints let it pass. */
#include "params.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "intrinsics.h"
#include "pattern.h"
#include "report.h"
#include "strbuf.h"

/* One parameter while its value is looked at. */
struct binding {
	struct stack *s;
	const struct template_parameter *p;
	const struct param_value *value; /* NULL: the Default */
	const struct stack_context *ctx;
	struct err_list *errors;
	bool *failed;
};

/* Two stacks may have the same parameter: one error tells of both. */
static bool told(const struct err_list *errors, const char *file, const struct yaml_node *place,
	const char *text)
{
	for (size_t i = 0; i < errors->nr; i++) {
		const struct err *e = &errors->v[i];
		if (e->file && !strcmp(e->file, file) && e->line == place->line &&
			e->column == place->column && !strcmp(e->text, text))
			return true;
	}
	return false;
}

/* "parameter 'X': TEXT (from --set)", at the value's place or else the parameter's. */
static void value_fail(const struct binding *b, const char *fmt, ...) printf_like(2, 3);
static void value_fail(const struct binding *b, const char *fmt, ...)
{
	const struct param_source *from = b->value ? &b->value->source : NULL;
	const char *file = b->s->template->file;
	struct yaml_node place = *(b->p->default_value ? b->p->default_value : b->p->node);
	struct strbuf text = STRBUF_INIT, path = STRBUF_INIT;
	va_list ap;

	strbuf_addf(&text, "parameter '%s': ", b->p->name);
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	strbuf_addf(&text, " (from %s)",
		from && from->what ? from->what
		: from             ? "the caller"
				   : "its Default");
	strbuf_addf(&path, "Parameters.%s", b->p->name);
	if (from) {
		place = *b->p->node;
		if (from->file) {
			file = from->file;
			place.line = from->line;
			place.column = from->column;
		}
	}
	*b->failed = true;
	if (told(b->errors, file, &place, text.buf))
		goto out;
	report(b->errors, file, &place, path.buf, "%s", text.buf);
	if (b->p->constraint_description)
		report_hint(b->errors, "%s", b->p->constraint_description);
out:
	strbuf_release(&text);
	strbuf_release(&path);
}

/* The value between quotes, or what stands for one that is not to be seen. */
static char *shown(const struct binding *b, const char *text)
{
	return b->p->no_echo ? xstrdup("the value") : xasprintf("'%s'", text);
}

static void fail_with_value(const struct binding *b, const char *text, const char *what)
{
	char *value = shown(b, text);
	value_fail(b, "%s %s", value, what);
	free(value);
}

static long long count_chars(const char *s)
{
	long long n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool check_allowed_values(const struct binding *b, const char *text)
{
	const struct yaml_node *list = b->p->allowed_values;
	struct suggest s;
	struct strbuf all = STRBUF_INIT;
	if (!list)
		return true;
	suggest_init(&s, text);
	for (size_t i = 0; i < list->nr; i++) {
		if (!strcmp(list->items[i]->text, text)) {
			strbuf_release(&all);
			return true;
		}
		suggest_offer(&s, list->items[i]->text);
		strbuf_addf(&all, "%s%s", i ? ", " : "is not one of ", list->items[i]->text);
	}
	fail_with_value(b, text, b->p->no_echo ? "is not one of the allowed ones" : all.buf);
	if (!b->p->no_echo && !b->p->constraint_description)
		report_suggest(b->errors, &s);
	strbuf_release(&all);
	return false;
}

static bool check_length(const struct binding *b, const char *text)
{
	const struct template_parameter *p = b->p;
	long long n = count_chars(text);
	bool too_short = p->has_min_length && n < p->min_length;
	if (!too_short && !(p->has_max_length && n > p->max_length))
		return true;
	char *what = too_short ? xasprintf("is shorter than MinLength %lld", p->min_length)
			       : xasprintf("is longer than MaxLength %lld", p->max_length);
	fail_with_value(b, text, what);
	free(what);
	return false;
}

static bool check_pattern(const struct binding *b, const char *text)
{
	struct arena scratch = ARENA_INIT;
	struct err err = ERR_INIT;
	if (!b->p->allowed_pattern)
		return true;
	const struct pattern *pattern = pattern_compile(&scratch, b->p->allowed_pattern, &err);
	int match = pattern ? pattern_match(pattern, text) : 1;
	err_release(&err);
	arena_release(&scratch);
	if (match > 0)
		return true;
	char *what = xasprintf(match ? "takes too long to match with AllowedPattern '%s'"
				     : "does not match AllowedPattern '%s'",
		b->p->allowed_pattern);
	fail_with_value(b, text, what);
	free(what);
	return false;
}

static bool check_number(const struct binding *b, const char *text)
{
	const struct template_parameter *p = b->p;
	char *end;
	double d = strtod(text, &end);
	char *what = NULL;
	if (!*text || *end || !isfinite(d) || strspn(text, "+-.0123456789eE") != strlen(text))
		what = xstrdup("is not a number");
	else if (p->has_min_value && d < p->min_value)
		what = xasprintf("is less than MinValue %g", p->min_value);
	else if (p->has_max_value && d > p->max_value)
		what = xasprintf("is more than MaxValue %g", p->max_value);
	if (what)
		fail_with_value(b, text, what);
	bool ok = !what;
	free(what);
	return ok;
}

/* One value, or one of a list. */
static bool check_value(const struct binding *b, const char *text, bool number)
{
	return (!number || check_number(b, text)) && check_allowed_values(b, text) &&
	       check_length(b, text) && check_pattern(b, text);
}

struct json *param_split_list(const char *text)
{
	struct json *list = json_array();
	struct strbuf item = STRBUF_INIT;
	for (;;) {
		size_t len = strcspn(text, ",");
		strbuf_clear(&item);
		strbuf_add(&item, text, len);
		strbuf_trim(&item);
		json_push(list, json_string_n(item.buf, item.len));
		if (!text[len])
			break;
		text += len + 1;
	}
	strbuf_release(&item);
	return list;
}

struct json *param_looked_up(const struct template_parameter *p, const char *text)
{
	return param_kind_of(p->type) == PARAM_LOOKUP_LIST ? param_split_list(text)
							   : json_string(text);
}

/* The value that a text stands for, checked. */
static struct json *value_of_text(const struct binding *b, const char *text)
{
	enum param_kind kind = param_kind_of(b->p->type);
	bool number = kind == PARAM_NUMBER || kind == PARAM_NUMBER_LIST;
	struct json *value, *e;
	if (kind == PARAM_STRING_LIST || kind == PARAM_NUMBER_LIST) {
		value = param_split_list(text);
		json_each(e, value) if (!check_value(b, json_str(e), number)) break;
	} else {
		value = json_string(text);
		check_value(b, text, number);
	}
	return value;
}

/* What Systems Manager has under that name; NULL while that cannot be known. */
static struct json *look_up(const struct binding *b, const char *name)
{
	const struct eval_external what = {.kind = EXTERNAL_SSM_PARAMETER, .name = name};
	struct json *text = NULL, *value = NULL;
	struct err err = ERR_INIT;

	if (!b->ctx->external)
		return NULL;
	int ret = b->ctx->external(b->ctx->external_payload, &what, &text, &err);
	if (!ret && json_str(text)) {
		value = param_looked_up(b->p, json_str(text));
	} else if (ret < 0 && !b->ctx->secrets_may_be_unknown) {
		*b->failed = true;
		if (err.code == ERR_USAGE && !err.file) {
			value_fail(b, "%s", err.text);
		} else {
			err_wrap(&err, "parameter '%s' of stack '%s'", b->p->name, b->s->name);
			err_list_take(b->errors, &err);
		}
	}
	err_release(&err);
	json_free(text);
	return value;
}

static void bind_text(const struct binding *b, const char *text)
{
	enum param_kind kind = param_kind_of(b->p->type);
	struct json *value = value_of_text(b, text);
	if (kind == PARAM_LOOKUP || kind == PARAM_LOOKUP_LIST) {
		struct json *found = look_up(b, text);
		if (found)
			json_free(value);
		else
			json_set(b->s->lookups, b->p->name, value);
		value = found ? found : json_unknown();
	}
	json_set(b->s->parameters, b->p->name, value);
}

/* CloudFormation refuses a template whose Default breaks the parameter's own rules. */
static void check_default(struct binding b)
{
	b.value = NULL;
	if (b.p->default_value)
		json_free(value_of_text(&b, b.p->default_value->text));
}

static const struct param_value *strongest(
	const struct param_value *values, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(values[i].name, name))
			return &values[i];
	return NULL;
}

static void fail_not_to_be_had(const struct binding *b)
{
	const struct param_missing *m = b->value->missing;
	const struct yaml_node place = {.line = m->line, .column = m->column};
	const struct param_source *from = &b->value->source;
	if (told(b->errors, from->file, &place, m->text))
		return;
	report(b->errors, from->file, &place, b->value->name, "%s", m->text);
	report_hint(b->errors, "%s", m->hint);
}

static void fail_missing(const struct binding *b)
{
	char *path = xasprintf("Parameters.%s", b->p->name);
	report(b->errors, b->s->template->file, b->p->node, path,
		"parameter '%s' of stack '%s' has no value", b->p->name, b->s->name);
	report_hint(b->errors, "put '%s' in the config file, or give --set %s=%s", b->p->name,
		b->p->name, b->p->no_echo ? "@FILE" : "VALUE");
	free(path);
}

static void fail_unknown(struct stack *s, const struct param_value *v, struct err_list *errors)
{
	const struct yaml_node place = {.line = v->source.line, .column = v->source.column};
	struct suggest near;
	suggest_init(&near, v->name);
	for (size_t i = 0; i < s->template->nr_parameters; i++)
		suggest_offer(&near, s->template->parameters[i].name);
	report(errors, v->source.file, &place, NULL, "stack '%s' has no parameter '%s' (from %s)",
		s->name, v->name, v->source.what ? v->source.what : "the caller");
	report_suggest(errors, &near);
}

int params_bind(struct stack *s, const struct param_value *values, size_t nr,
	const struct stack_context *ctx, struct err_list *errors)
{
	const struct template *t = s->template;
	size_t before = errors->nr;
	bool failed = false, may_be_unknown = ctx->secrets_may_be_unknown;

	s->parameters = json_object();
	s->lookups = json_object();
	for (size_t i = 0; i < t->nr_parameters; i++) {
		const struct template_parameter *p = &t->parameters[i];
		struct binding b = {s, p, strongest(values, nr, p->name), ctx, errors, &failed};
		if (p->no_echo)
			strvec_push(&s->secrets, p->name);
		if (ctx->other && !strcmp(ctx->other, p->name)) {
			json_set(s->parameters, p->name, json_unknown());
			s->other = true;
			continue;
		}
		bool given = b.value ? !b.value->missing : p->default_value != NULL;
		/* CI gives a secret that is not there as an empty variable. */
		if (b.value && !*b.value->text && p->no_echo && may_be_unknown)
			given = false;
		if (!given && p->no_echo && may_be_unknown) {
			json_set(s->parameters, p->name, json_unknown());
			s->secrets_unknown = true;
		} else if (!b.value && !given && ctx->only_checked) {
			json_set(s->parameters, p->name, json_unknown());
		} else if (b.value && b.value->missing) {
			fail_not_to_be_had(&b);
			failed = true;
		} else if (b.value)
			bind_text(&b, b.value->text);
		else if (p->default_value)
			bind_text(&b, p->default_value->text);
		else
			fail_missing(&b);
		if (b.value)
			check_default(b);
	}
	for (size_t i = 0; i < nr; i++) {
		bool known = false;
		for (size_t j = 0; j < t->nr_parameters && !known; j++)
			known = !strcmp(t->parameters[j].name, values[i].name);
		if (!known)
			fail_unknown(s, &values[i], errors);
	}
	return failed || errors->nr > before ? -1 : 0;
}
