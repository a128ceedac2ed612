/* A template's sections. Parameters and resources have files of their own. */
#include "template.h"

#include <stdlib.h>
#include <string.h>
#include "expand.h"
#include "template_parts.h"

/* CloudFormation's, of a template in S3. */
#define TEMPLATE_MAX_BYTES (1 << 20)

static const struct part_key section_keys[] = {
	{"AWSTemplateFormatVersion", NULL, false},
	{"Description", NULL, false},
	{"Metadata", NULL, false},
	{"Parameters", NULL, false},
	{"Mappings", NULL, false},
	{"Conditions", NULL, false},
	{"Rules", NULL, false},
	{"Transform", NULL, false},
	{"Resources", NULL, false},
	{"Outputs", NULL, false},
	{"Globals", "is a section of SAM templates, which glueproj does not transform", false},
	{"Hooks", "are not supported: glueproj deploys nothing through CodeDeploy", false},
	{0},
};

static const struct part_key output_keys[] = {
	{"Value", NULL, false},
	{"Description", NULL, false},
	{"Export", NULL, false},
	{"Condition", NULL, false},
	{0},
};

static const struct part_key rule_keys[] = {
	{"RuleCondition", NULL, false},
	{"Assertions", NULL, false},
	{0},
};

static const struct part_key assertion_keys[] = {
	{"Assert", NULL, false},
	{"AssertDescription", NULL, false},
	{0},
};

/* --- helpers --- */
void part_check_keys(
	struct checker *c, const struct yaml_node *n, const struct part_key *keys, const char *what)
{
	for (size_t i = 0; i < n->nr; i++) {
		const struct yaml_node *key = n->pairs[i].key;
		const struct part_key *k = keys;
		struct suggest s;
		suggest_init(&s, key->text);
		for (; k->name && strcmp(k->name, key->text) != 0; k++)
			if (!k->refusal)
				suggest_offer(&s, k->name);
		if (k->name && k->refusal) {
			report(k->only_warn ? c->warnings : c->errors, c->t->file, key,
				c->path.len ? c->path.buf : NULL, "'%s' %s", key->text, k->refusal);
		} else if (!k->name && starts_with(key->text, "Fn::")) {
			check_fail(c, key, "'%s' is not supported here", key->text);
		} else if (!k->name) {
			check_fail(c, key, "unknown key '%s' in this %s", key->text, what);
			report_suggest(c->errors, &s);
		}
	}
}

bool part_is_mapping(struct checker *c, const struct yaml_node *n, const char *what)
{
	struct call call;
	if (!n)
		return false;
	if (n->kind == YAML_MAPPING && call_of(n, false, &call) == CALL_NONE)
		return true;
	if (n->kind == YAML_MAPPING && !n->tag)
		check_fail(c, n, "'%s' is not supported here", call.name);
	else
		check_fail(c, n, "%s must be a mapping", what);
	return false;
}

const char *part_text(struct checker *c, const struct yaml_node *n, const char *key)
{
	const struct yaml_node *v = yaml_get(n, key);
	if (!v)
		return NULL;
	if (v->kind == YAML_SCALAR && !v->tag && yaml_scalar_type(v) != YAML_T_NULL)
		return v->text;
	check_fail(c, v, "%s must be a plain text", key);
	return NULL;
}

void part_check_id(struct checker *c, const struct yaml_node *at, const char *id, const char *what)
{
	size_t good = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
	if (good && !id[good] && good <= 255)
		return;
	check_fail(c, at, "'%s' is not a %s name: letters and digits only, at most 255", id, what);
}

void part_check_count(struct checker *c, const struct yaml_node *n, const char *what, size_t max)
{
	if (n->nr <= max)
		return;
	check_fail(c, n->pairs[max].key, "%zu %s: CloudFormation takes %zu", n->nr, what, max);
	report_hint(c->errors, "split the template into several stacks");
}

const char *part_description(struct checker *c, const struct yaml_node *n, size_t max_bytes)
{
	const struct yaml_node *v = yaml_get(n, "Description");
	const char *text = part_text(c, n, "Description");
	if (text && v->len > max_bytes)
		check_fail(c, v, "Description is longer than %zu bytes", max_bytes);
	return text;
}

size_t part_enter(struct checker *c, const char *name)
{
	size_t mark = c->path.len;
	strbuf_addf(&c->path, "%s%s", mark ? "." : "", name);
	return mark;
}

void part_leave(struct checker *c, size_t mark)
{
	strbuf_setlen(&c->path, mark);
}

/* --- sections --- */
static void read_version(struct checker *c, const struct yaml_node *root)
{
	const char *version = part_text(c, root, "AWSTemplateFormatVersion");
	if (version && strcmp(version, "2010-09-09") != 0) {
		check_fail(c, yaml_get(root, "AWSTemplateFormatVersion"),
			"AWSTemplateFormatVersion '%s' is unknown", version);
		report_hint(c->errors, "the only one is '2010-09-09'");
	}
	const struct yaml_node *description = yaml_get(root, "Description");
	if (part_description(c, root, 1024) && yaml_scalar_type(description) != YAML_T_STRING)
		check_fail(c, description, "Description must be a text: put it in quotes");
}

static void read_transform_name(struct checker *c, struct template *t, const struct yaml_node *n)
{
	if (n->kind == YAML_MAPPING) {
		const struct yaml_node *name = yaml_get(n, "Name");
		check_fail(c, n, "transform '%s' is not supported",
			name && name->kind == YAML_SCALAR ? name->text : "");
	} else if (n->kind == YAML_SEQUENCE) {
		check_fail(c, n, "a transform must be a name");
	} else if (!strcmp(n->text, "AWS::LanguageExtensions")) {
		t->language_extensions = true;
		return;
	} else if (starts_with(n->text, "AWS::Serverless")) {
		check_fail(c, n, "transform '%s' is not supported", n->text);
		report_hint(c->errors,
			"run `sam build` or `sam package` and use the template that comes out");
		return;
	} else {
		check_fail(c, n, "transform '%s' is not supported", n->text);
	}
	report_hint(c->errors, "glueproj runs no macros; only AWS::LanguageExtensions is known");
}

static void read_transform(struct checker *c, struct template *t, const struct yaml_node *n)
{
	if (!n)
		return;
	if (n->kind != YAML_SEQUENCE) {
		read_transform_name(c, t, n);
		return;
	}
	for (size_t i = 0; i < n->nr; i++)
		read_transform_name(c, t, n->items[i]);
}

static void check_mapping_value(struct checker *c, const struct yaml_node *v)
{
	bool ok = v->kind == YAML_SCALAR && !v->tag;
	if (v->kind == YAML_SEQUENCE && !v->tag) {
		ok = true;
		for (size_t i = 0; i < v->nr; i++)
			ok = ok && v->items[i]->kind == YAML_SCALAR && !v->items[i]->tag;
	}
	if (!ok)
		check_fail(c, v,
			"a mapping's value must be a text or a list of texts, without functions");
}

static void check_mapping_name(
	struct checker *c, const struct yaml_node *key, const char *more, const char *what)
{
	for (const char *p = key->text; *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
			     (*p >= 'A' && *p <= 'Z');
		if (plain || strchr(more, *p))
			continue;
		check_fail(c, key, "'%s' is not a %s: letters and digits only%s", key->text, what,
			*more ? ", '.' and '-'" : "");
		return;
	}
}

static void read_mapping_row(struct checker *c, const struct yaml_pair *pair)
{
	const struct yaml_node *row = pair->value;
	size_t mark = part_enter(c, pair->key->text);
	check_mapping_name(c, pair->key, ".-", "mapping's key");
	if (part_is_mapping(c, row, "a mapping's key")) {
		part_check_count(c, row, "values of a mapping's key", TEMPLATE_MAX_MAPPINGS);
		if (!row->nr)
			check_fail(c, row, "a mapping's key needs values");
		for (size_t k = 0; k < row->nr; k++) {
			size_t leaf = part_enter(c, row->pairs[k].key->text);
			check_mapping_name(c, row->pairs[k].key, "", "name of a mapping's value");
			check_mapping_value(c, row->pairs[k].value);
			part_leave(c, leaf);
		}
	}
	part_leave(c, mark);
}

static void read_mapping(struct checker *c, const struct yaml_pair *pair)
{
	const struct yaml_node *map = pair->value;
	size_t mark = part_enter(c, pair->key->text);
	check_mapping_name(c, pair->key, "", "mapping name");
	if (part_is_mapping(c, map, "a mapping")) {
		if (!map->nr)
			check_fail(c, map, "a mapping needs keys");
		for (size_t i = 0; i < map->nr; i++)
			read_mapping_row(c, &map->pairs[i]);
	}
	part_leave(c, mark);
}

static void read_mappings(struct checker *c, struct template *t)
{
	const struct yaml_node *maps = t->mappings;
	if (!maps || !part_is_mapping(c, maps, "Mappings")) {
		t->mappings = NULL;
		return;
	}
	part_check_count(c, maps, "mappings", TEMPLATE_MAX_MAPPINGS);
	for (size_t i = 0; i < maps->nr; i++) {
		if (maps->pairs[i].value->kind == YAML_MAPPING)
			part_check_count(c, maps->pairs[i].value, "keys of a mapping",
				TEMPLATE_MAX_MAPPINGS);
		read_mapping(c, &maps->pairs[i]);
	}
}

/* A name that no row of the template's own mapping has is a slip of the pen. */
static void check_columns(
	struct checker *c, const struct yaml_node *own, const struct yaml_node *row)
{
	for (size_t i = 0; row->kind == YAML_MAPPING && i < row->nr; i++) {
		const struct yaml_node *key = row->pairs[i].key;
		struct suggest s;
		bool known = false;
		suggest_init(&s, key->text);
		for (size_t j = 0; j < own->nr && !known; j++) {
			const struct yaml_node *named = own->pairs[j].value;
			known = yaml_get(named, key->text) != NULL;
			for (size_t k = 0; named->kind == YAML_MAPPING && k < named->nr; k++)
				suggest_offer(&s, named->pairs[k].key->text);
		}
		if (known)
			continue;
		check_fail(c, key, "unknown name '%s': the template's mapping has no such value",
			key->text);
		report_suggest(c->errors, &s);
	}
}

bool template_set_mapping(struct template *t, const char *name, const char *file,
	struct yaml_node *map, struct err_list *errors)
{
	struct template as_config = {.file = file};
	struct checker c = {.t = &as_config, .errors = errors, .path = STRBUF_INIT};
	struct yaml_node *maps = t->mappings;
	struct yaml_pair *pair = NULL;

	for (size_t i = 0; maps && i < maps->nr; i++)
		if (!strcmp(maps->pairs[i].key->text, name))
			pair = &maps->pairs[i];
	if (!pair)
		return false;
	read_mapping(&c, &(struct yaml_pair){pair->key, map});
	for (size_t i = 0; i < map->nr && pair->value->kind == YAML_MAPPING; i++) {
		size_t mark = part_enter(&c, map->pairs[i].key->text);
		check_columns(&c, pair->value, map->pairs[i].value);
		part_leave(&c, mark);
	}
	strbuf_release(&c.path);
	pair->value = map;
	return true;
}

static void check_conditions(struct checker *c, struct template *t)
{
	const struct yaml_node *n = t->conditions;
	c->where = IN_CONDITIONS;
	for (size_t i = 0; n && i < n->nr; i++) {
		const struct yaml_node *value = n->pairs[i].value;
		struct call call;
		size_t mark = part_enter(c, n->pairs[i].key->text);
		part_check_id(c, n->pairs[i].key, n->pairs[i].key->text, "condition");
		check_node(c, value);
		enum call_kind kind = call_of(value, true, &call);
		if (kind == CALL_NONE || (kind == CALL_KNOWN && !(call.fn->flags & FN_CONDITION))) {
			check_fail(c, value,
				"a condition must be one of Fn::And, Fn::Equals, Fn::Not, "
				"Fn::Or and Condition");
		}
		part_leave(c, mark);
	}
	c->where = IN_VALUES;
}

static void check_rule(struct checker *c, const struct yaml_node *rule)
{
	part_check_keys(c, rule, rule_keys, "rule");
	const struct yaml_node *condition = yaml_get(rule, "RuleCondition");
	const struct yaml_node *list = yaml_get(rule, "Assertions");
	struct call call;
	if (condition && call_of(condition, true, &call) == CALL_NONE)
		check_fail(
			c, condition, "RuleCondition must be a function that gives true or false");
	else if (condition)
		check_node(c, condition);
	if (!list || list->kind != YAML_SEQUENCE) {
		check_fail(c, list ? list : rule, "a rule needs a list of Assertions");
		return;
	}
	for (size_t i = 0; i < list->nr; i++) {
		if (!part_is_mapping(c, list->items[i], "an assertion"))
			continue;
		part_check_keys(c, list->items[i], assertion_keys, "assertion");
		part_text(c, list->items[i], "AssertDescription");
		if (yaml_get(list->items[i], "Assert"))
			check_node(c, yaml_get(list->items[i], "Assert"));
		else
			check_fail(c, list->items[i], "an assertion needs Assert");
	}
}

static void check_rules(struct checker *c, struct template *t)
{
	const struct yaml_node *n = t->rules;
	c->where = IN_RULES;
	for (size_t i = 0; n && i < n->nr; i++) {
		size_t mark = part_enter(c, n->pairs[i].key->text);
		part_check_id(c, n->pairs[i].key, n->pairs[i].key->text, "rule");
		if (part_is_mapping(c, n->pairs[i].value, "a rule"))
			check_rule(c, n->pairs[i].value);
		part_leave(c, mark);
	}
	c->where = IN_VALUES;
}

/* --- outputs --- */
static void read_output(struct checker *c, struct template_output *o, const struct yaml_pair *pair)
{
	struct yaml_node *n = pair->value;
	o->name = pair->key->text;
	o->node = n;
	part_check_id(c, pair->key, o->name, "output");
	if (!part_is_mapping(c, n, "an output"))
		return;
	part_check_keys(c, n, output_keys, "output");
	o->description = part_description(c, n, 1024);
	o->condition = part_text(c, n, "Condition");
	if (o->condition)
		check_condition_name(c, yaml_get(n, "Condition"), o->condition);
	o->value = yaml_get(n, "Value");
	if (!o->value) {
		check_fail(c, n, "output '%s' has no Value", o->name);
		return;
	}
	size_t mark = part_enter(c, "Value");
	check_node(c, o->value);
	part_leave(c, mark);
	struct yaml_node *export = yaml_get(n, "Export");
	if (!export)
		return;
	o->export_name = yaml_get(export, "Name");
	mark = part_enter(c, "Export");
	if (export->kind != YAML_MAPPING || !o->export_name || export->nr != 1)
		check_fail(c, export, "Export must be {Name: …}");
	else
		check_node(c, o->export_name);
	part_leave(c, mark);
}

static void read_outputs(struct checker *c, struct template *t, const struct yaml_node *n)
{
	if (!part_is_mapping(c, n, "Outputs"))
		return;
	t->outputs = arena_alloc(&t->arena, (n->nr + 1) * sizeof(*t->outputs));
	t->nr_outputs = n->nr;
	part_check_count(c, n, "outputs", TEMPLATE_MAX_OUTPUTS);
	for (size_t i = 0; i < n->nr; i++) {
		size_t mark = part_enter(c, n->pairs[i].key->text);
		read_output(c, &t->outputs[i], &n->pairs[i]);
		part_leave(c, mark);
	}
}

/* --- the whole --- */
static void read_first_sections(struct checker *c, struct template *t)
{
	const struct yaml_node *root = t->root;
	size_t mark;
	part_check_keys(c, root, section_keys, "template");
	read_version(c, root);
	t->metadata = yaml_get(root, "Metadata");
	t->mappings = yaml_get(root, "Mappings");

	mark = part_enter(c, "Transform");
	read_transform(c, t, yaml_get(root, "Transform"));
	part_leave(c, mark);
	mark = part_enter(c, "Parameters");
	template_read_parameters(c, t, yaml_get(root, "Parameters"));
	part_leave(c, mark);
	mark = part_enter(c, "Mappings");
	read_mappings(c, t);
	part_leave(c, mark);
}

/* What Fn::ForEach may stand in. */
static void read_other_sections(struct checker *c, struct template *t)
{
	const struct yaml_node *root = t->root;
	size_t mark = part_enter(c, "Resources");
	const struct yaml_node *resources = yaml_get(root, "Resources");
	t->conditions = yaml_get(root, "Conditions");
	t->rules = yaml_get(root, "Rules");
	if (resources)
		template_read_resources(c, t, resources);
	else
		report(c->errors, t->file, root, NULL, "the template has no Resources");
	part_leave(c, mark);
	mark = part_enter(c, "Conditions");
	if (!part_is_mapping(c, t->conditions, "Conditions"))
		t->conditions = NULL;
	check_conditions(c, t);
	part_leave(c, mark);
	mark = part_enter(c, "Rules");
	if (!part_is_mapping(c, t->rules, "Rules"))
		t->rules = NULL;
	check_rules(c, t);
	part_leave(c, mark);
	mark = part_enter(c, "Resources");
	template_check_resources(c);
	part_leave(c, mark);
	mark = part_enter(c, "Outputs");
	read_outputs(c, t, yaml_get(root, "Outputs"));
	part_leave(c, mark);
}

static struct template *template_new(const char *file)
{
	struct template *t = xcalloc(1, sizeof(*t));
	arena_init(&t->arena);
	map_init(&t->index, NULL);
	t->file = arena_strdup(&t->arena, file);
	return t;
}

static int by_place(const void *a, const void *b)
{
	const struct err *x = a, *y = b;
	return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
				  : (x->column > y->column) - (x->column < y->column);
}

/* As a reader goes through the file; of equal places the order does not matter. */
static void sort_errors(struct err_list *list, size_t from)
{
	if (list->nr > from)
		qsort(list->v + from, list->nr - from, sizeof(*list->v), by_place);
}

/* Takes t; a root of NULL with `err` set is an error, too. */
static struct template *finish(struct template *t, struct err *err, const struct schema_set *types,
	struct err_list *errors, struct err_list *warnings)
{
	size_t before = errors->nr;
	t->types = types;
	if (!t->root) {
		err_list_take(errors, err);
	} else if (t->root->kind != YAML_MAPPING || t->root->tag) {
		report(errors, t->file, t->root, NULL, "a template must be a mapping of sections");
	} else {
		struct checker c = {.t = t,
			.types = types,
			.errors = errors,
			.warnings = warnings,
			.path = STRBUF_INIT};
		read_first_sections(&c, t);
		t->needs_values = t->language_extensions && expand_is_needed(t->root);
		if (!t->needs_values)
			read_other_sections(&c, t);
		strbuf_release(&c.path);
		sort_errors(errors, before);
	}
	if (errors->nr > before) {
		template_free(t);
		return NULL;
	}
	return t;
}

int template_read_expanded(struct template *t, struct yaml_node *root, struct err_list *errors,
	struct err_list *warnings)
{
	size_t before = errors->nr, before_warnings = warnings ? warnings->nr : 0;
	struct checker c = {.t = t,
		.types = t->types,
		.errors = errors,
		.warnings = warnings,
		.path = STRBUF_INIT};
	t->written = t->root;
	t->root = root;
	t->needs_values = false;
	read_other_sections(&c, t);
	strbuf_release(&c.path);
	sort_errors(errors, before);
	err_list_unique(errors, before);
	err_list_unique(warnings, before_warnings);
	return errors->nr > before ? -1 : 0;
}

struct template *template_load(const char *path, const struct schema_set *types,
	struct err_list *errors, struct err_list *warnings)
{
	struct template *t = template_new(path);
	struct err err = ERR_INIT;
	t->root = yaml_load(&t->arena, t->file, TEMPLATE_MAX_BYTES, &err);
	if (!t->root)
		err.code = ERR_USAGE;
	return finish(t, &err, types, errors, warnings);
}

struct template *template_parse(const char *file, const char *text, size_t len,
	const struct schema_set *types, struct err_list *errors, struct err_list *warnings)
{
	struct template *t = template_new(file);
	struct err err = ERR_INIT;
	t->root = yaml_parse(&t->arena, t->file, text, len, &err);
	return finish(t, &err, types, errors, warnings);
}

void template_free(struct template *t)
{
	if (!t)
		return;
	map_release(&t->index);
	arena_release(&t->arena);
	free(t);
}

const struct template_resource *template_find(const struct template *t, const char *logical_id)
{
	return map_get(&t->index, logical_id);
}
