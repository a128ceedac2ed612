/* A project's stacks with their parameters' values, and the names in its own settings. */
#include <stdlib.h>
#include <string.h>
#include "evalall.h"
#include "intrinsics.h"
#include "project_parts.h"
#include "report.h"
#include "values.h"
#include "variants.h"

struct binder {
	struct project *p;
	const struct stack_context *ctx;
	struct values sets, environment;
	struct template **templates; /* as the project's entries; owned until bound */
	struct err_list *errors, *warnings;
};

static bool has_parameter(const struct template *t, const char *name)
{
	for (size_t i = 0; i < t->nr_parameters; i++)
		if (!strcmp(t->parameters[i].name, name))
			return true;
	return false;
}

static bool has_mapping(const struct template *t, const struct param_value *v)
{
	return v->map && yaml_get(t->mappings, v->name);
}

static void offer_names(struct suggest *s, const struct template *t, const struct param_value *v)
{
	for (size_t i = 0; i < t->nr_parameters; i++)
		suggest_offer(s, t->parameters[i].name);
	for (size_t i = 0; v->map && t->mappings && i < t->mappings->nr; i++)
		suggest_offer(s, t->mappings->pairs[i].key->text);
}

/* A name that no template has as a parameter, nor as a mapping where it is a map. */
static void check_known(struct binder *b, const struct param_value *v)
{
	const struct yaml_node place = {.line = v->source.line, .column = v->source.column};
	struct suggest s;
	suggest_init(&s, v->name);
	if (!v->map && strvec_has(&b->p->names, v->name))
		return;
	for (size_t i = 0; i < b->p->names.nr; i++)
		suggest_offer(&s, b->p->names.v[i]);
	for (size_t i = 0; i < b->p->nr_entries; i++) {
		if (v->map ? has_mapping(b->templates[i], v)
			   : has_parameter(b->templates[i], v->name))
			return;
		offer_names(&s, b->templates[i], v);
	}
	if (v->map) {
		report(b->errors, v->source.file, &place, v->name,
			"config key '%s' is a map: no stack has a mapping of that name", v->name);
	} else if (v->source.file)
		report(b->errors, v->source.file, &place, v->name,
			"unknown config key '%s': no stack has such a parameter", v->name);
	else
		report(b->errors, NULL, NULL, NULL, "%s: no stack has a parameter '%s'",
			v->source.what, v->name);
	report_suggest(b->errors, &s);
}

static void check_names(struct binder *b)
{
	for (size_t i = 0; i < b->sets.nr; i++)
		check_known(b, &b->sets.v[i]);
	for (size_t i = 0; i < b->environment.nr; i++)
		check_known(b, &b->environment.v[i]);
	for (size_t i = 0; i < b->p->nr_config_values; i++)
		check_known(b, &b->p->config_values[i]);
}

static void add_known(
	struct values *to, const struct template *t, const struct param_value *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (has_parameter(t, v[i].name))
			values_add_copy(to, &v[i]);
}

/* Strongest first; a parameter file belongs to its stack alone, so all its names must be known there. */
static void bind_entry(struct binder *b, size_t i)
{
	const struct project_stack_entry *e = &b->p->entries[i];
	struct template *t = b->templates[i];
	struct values all = VALUES_INIT;
	b->templates[i] = NULL;
	for (size_t j = 0; j < b->p->nr_config_values; j++) {
		const struct param_value *v = &b->p->config_values[j];
		if (v->map)
			template_set_mapping(t, v->name, v->source.file, v->map, b->errors);
	}
	add_known(&all, t, b->sets.v, b->sets.nr);
	add_known(&all, t, b->environment.v, b->environment.nr);
	add_known(&all, t, b->p->config_values, b->p->nr_config_values);
	if (e->parameters_path &&
		values_read_parameters(&b->p->arena, e->parameters_path, &all, b->errors))
		template_free(t);
	else
		b->p->stacks[i] =
			stack_bind(e->name, t, b->ctx, all.v, all.nr, b->errors, b->warnings);
	if (b->p->stacks[i] && b->ctx->variants)
		variants_check(b->p->stacks[i], b->ctx, &all, b->errors, b->warnings);
	values_release(&all);
}

/* A file that cannot be read at all is wrong where the project names it. */
static void place_of_entry(
	const struct project *p, const struct project_stack_entry *entry, struct err_list *errors)
{
	struct err *last = errors->nr ? &errors->v[errors->nr - 1] : NULL;
	struct err placed = ERR_INIT;

	if (!last || last->file || !p->file || !entry->line)
		return;
	err_at(&placed, p->file, entry->line, entry->column, "Stacks", "%s", last->text);
	err_release(last);
	*last = placed;
}

/* What the project file names is a value by now, or known to be an output that only set-up gives. */
static void bind_names(struct binder *b, const struct project_opts *opts)
{
	struct project *p = b->p;
	struct err err = ERR_INIT;
	char *text = NULL;

	if (p->region && p->region != p->region_text &&
		project_expand_at(
			p, p->region_text, &p->region_at, "Region", NULL, NULL, &text, &err) < 0)
		err_list_take(b->errors, &err);
	free(text);
	for (size_t i = 0; i < p->nr_uploads && !opts->lenient_uploads; i++) {
		struct project_upload *u = &p->uploads[i];
		const struct project_place at = {u->line, u->column};
		int ret;
		if (u->pattern)
			continue;
		text = NULL;
		ret = project_expand_at(p, u->from, &at, "Uploads", NULL, NULL, &text, &err);
		if (ret > 0 && !b->ctx->account) {
			/* There may be a cloud to ask yet: then all is bound again. */
			const struct yaml_node place = {.line = u->line, .column = u->column};
			report(b->warnings, u->file, &place, "Uploads",
				"'%s' is not looked for: only the cloud knows this name", u->from);
			continue;
		}
		if (ret > 0)
			ret = err_at(&err, u->file, u->line, u->column, "Uploads",
				"'%s' is not known before set-up", u->from);
		else if (!ret && !*text)
			ret = err_at(&err, u->file, u->line, u->column, "Uploads",
				"'%s' is empty: it must be a file, a folder or a pattern", u->from);
		if (ret < 0) {
			err_list_take(b->errors, &err);
		} else {
			u->pattern = arena_strdup(&p->arena, text);
			project_find_files(p, opts, u, b->errors);
		}
		free(text);
	}
}

int project_bind(struct project *p, const struct project_opts *opts,
	const struct stack_context *ctx, const struct schema_set *types, struct err_list *errors,
	struct err_list *warnings)
{
	struct stack_context own = *ctx;
	struct binder b = {.p = p, .ctx = &own, .errors = errors, .warnings = warnings};
	size_t before = errors->nr, before_warnings = warnings ? warnings->nr : 0;
	bool all_loaded = true;

	if (!own.project)
		own.project = p->name;
	if (p->stacks)
		BUG("project_bind called twice");
	p->stacks = xcalloc(p->nr_entries + 1, sizeof(*p->stacks));
	p->nr_stacks = p->nr_entries;
	b.templates = xcalloc(p->nr_entries + 1, sizeof(*b.templates));
	for (size_t i = 0; i < p->nr_entries; i++) {
		b.templates[i] =
			template_load(p->entries[i].template_path, types, errors, warnings);
		if (!b.templates[i])
			place_of_entry(p, &p->entries[i], errors);
		all_loaded = all_loaded && b.templates[i];
	}
	values_read_environment(&p->arena, &b.environment);
	if (!values_read_sets(&p->arena, opts->sets, &b.sets, errors) && all_loaded)
		check_names(&b);
	for (size_t i = 0; i < p->nr_entries; i++)
		if (b.templates[i])
			bind_entry(&b, i);
	if (errors->nr == before)
		bind_names(&b, opts);
	free(b.templates);
	values_release(&b.sets);
	values_release(&b.environment);
	err_list_unique(errors, before);
	err_list_unique(warnings, before_warnings);
	return errors->nr > before ? -1 : 0;
}

/* --- ${Name} in Uploads, Artifacts, Home, AfterSetup --- */
struct expansion {
	const struct project *p;
	project_output_fn *eval_output;
	void *payload;
	struct err *err;
};

/* 1: found, 2: not known yet (Systems Manager has it), 0: no stack has such a parameter, -1. */
static int expand_parameter(const struct expansion *x, const char *name, struct strbuf *out)
{
	const struct stack *from = NULL;
	struct strbuf text = STRBUF_INIT;
	bool unknown = false;
	int ret = 0;
	for (size_t i = 0; i < x->p->nr_stacks && ret >= 0; i++) {
		const struct stack *s = x->p->stacks[i];
		const struct json *v = s ? json_get(s->parameters, name) : NULL, *e;
		struct strbuf here = STRBUF_INIT;
		if (!v)
			continue;
		if (json_is_unknown(v) && !strvec_has(&s->secrets, name)) {
			unknown = true;
			continue;
		}
		if (json_is(v, JSON_ARRAY))
			json_each(e, v)
				strbuf_addf(&here, "%s%s", here.len ? "," : "", json_str(e));
		else
			strbuf_addstr(&here, json_str(v) ? json_str(v) : "");
		if (strvec_has(&s->secrets, name))
			ret = err_set(x->err, ERR_USAGE,
				"parameter '%s' is NoEcho: it cannot be part of a name", name);
		else if (from && strcmp(text.buf, here.buf) != 0)
			ret = err_set(x->err, ERR_USAGE,
				"'${%s}' has two values: '%s' in stack '%s', '%s' in stack '%s'",
				name, text.buf, from->name, here.buf, s->name);
		else
			ret = 1;
		if (!from)
			strbuf_swap(&text, &here);
		from = s;
		strbuf_release(&here);
	}
	if (ret > 0 && !unknown)
		strbuf_addstr(out, text.buf);
	strbuf_release(&text);
	return ret >= 0 && unknown ? 2 : ret;
}

/* As expand_parameter, of an output. */
static int expand_output(const struct expansion *x, const char *name, struct strbuf *out)
{
	for (size_t i = 0; i < x->p->nr_stacks; i++) {
		const struct stack *s = x->p->stacks[i];
		for (size_t j = 0; s && j < s->template->nr_outputs; j++) {
			const struct template_output *o = &s->template->outputs[j];
			if (strcmp(o->name, name) != 0 || !stack_condition(s, o->condition))
				continue;
			char *value = NULL;
			int ret = x->eval_output ? x->eval_output(x->payload, name, &value, x->err)
						 : 1;
			if (!ret && value)
				strbuf_addstr(out, value);
			free(value);
			return ret < 0 ? -1 : ret ? 2 : 1;
		}
	}
	return 0;
}

/* As expand_parameter. */
static int expand_pseudo(const struct expansion *x, const char *name, struct strbuf *out)
{
	static const char *const shared[] = {
		"AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::URLSuffix"};
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		if (strcmp(shared[i], name) != 0)
			continue;
		const struct yaml_node node = {
			.kind = YAML_SCALAR, .tag = "!Ref", .text = name, .len = strlen(name)};
		for (size_t j = 0; j < x->p->nr_stacks; j++) {
			struct eval e = {.stack = x->p->stacks[j]};
			struct json *v = NULL;
			if (!e.stack)
				continue;
			if (stack_eval(&e, &node, NULL, &v, x->err))
				return -1;
			bool known = json_str(v) != NULL;
			strbuf_addstr(out, known ? json_str(v) : "");
			json_free(v);
			return known ? 1 : 2;
		}
		return 2;
	}
	return 0;
}

/* 1: found, 0: there is no such key, -1; of what only the project file needs. */
static int expand_own(const struct expansion *x, const char *name, struct strbuf *out)
{
	const struct param_value *v = project_own_value(x->p, name);
	if (!v)
		return 0;
	if (v->missing)
		return project_own_missing(v, x->err);
	strbuf_addstr(out, v->text);
	return 1;
}

static int fail_unknown(const struct expansion *x, const char *name)
{
	struct suggest s;
	suggest_init(&s, name);
	for (size_t i = 0; i < x->p->nr_stacks; i++) {
		const struct template *t = x->p->stacks[i] ? x->p->stacks[i]->template : NULL;
		for (size_t j = 0; t && j < t->nr_parameters; j++)
			suggest_offer(&s, t->parameters[j].name);
		for (size_t j = 0; t && j < t->nr_outputs; j++)
			suggest_offer(&s, t->outputs[j].name);
	}
	for (size_t i = 0; i < x->p->nr_own; i++)
		suggest_offer(&s, x->p->own[i].name);
	err_set(x->err, ERR_USAGE,
		"'${%s}' is neither a parameter nor an output of any stack, nor a config key",
		name);
	if (suggest_near(&s))
		err_hint(x->err, "did you mean '%s'?", suggest_near(&s));
	return -1;
}

static int expand_name(const struct expansion *x, const char *name, struct strbuf *out)
{
	int ret = expand_pseudo(x, name, out);
	if (!ret)
		ret = expand_parameter(x, name, out);
	if (!ret)
		ret = expand_own(x, name, out);
	if (!ret)
		ret = expand_output(x, name, out);
	return ret ? ret : fail_unknown(x, name);
}

int project_expand(const struct project *p, const char *text, project_output_fn *eval_output,
	void *payload, char **out, struct err *err)
{
	const struct expansion x = {p, eval_output, payload, err};
	struct strbuf sb = STRBUF_INIT;
	struct sub_piece piece;
	bool unknown = false;

	for (const char *at = text; sub_next(&at, &piece);) {
		int ret = 1;
		if (piece.kind == SUB_TEXT) {
			strbuf_add(&sb, piece.text, piece.len);
		} else if (piece.kind == SUB_BROKEN) {
			ret = err_set(err, ERR_USAGE, "'${' without '}' in '%s'", text);
		} else {
			char *name = xstrndup(piece.text, piece.len);
			ret = expand_name(&x, name, &sb);
			free(name);
		}
		if (ret < 0) {
			strbuf_release(&sb);
			return -1;
		}
		unknown |= ret == 2;
	}
	if (unknown) {
		strbuf_release(&sb);
		return 1;
	}
	*out = strbuf_detach(&sb, NULL);
	return 0;
}

int project_expand_at(const struct project *p, const char *text, const struct project_place *at,
	const char *key, project_output_fn *eval_output, void *payload, char **out, struct err *err)
{
	struct err inner = ERR_INIT;
	int ret = project_expand(p, text, eval_output, payload, out, &inner);
	if (ret >= 0)
		return ret;
	if (inner.file || inner.code != ERR_USAGE) {
		err_move(err, &inner);
		return -1;
	}
	err_at(err, p->file, at->line, at->column, key, "%s", inner.text);
	if (inner.hint)
		err_hint(err, "%s", inner.hint);
	err_release(&inner);
	return -1;
}
