/* The Resources section. */
#include <stdlib.h>
#include <string.h>
#include "template_parts.h"

static const struct part_key resource_keys[] = {
	{"Type", NULL, false},
	{"Properties", NULL, false},
	{"DependsOn", NULL, false},
	{"Condition", NULL, false},
	{"DeletionPolicy", NULL, false},
	{"UpdateReplacePolicy", NULL, false},
	{"Metadata", NULL, false},
	{"CreationPolicy", "is not used: glueproj waits for no signals", true},
	{"UpdatePolicy", "is not used by glueproj", true},
	{0},
};

static const struct {
	const char *name;
	enum deletion_policy policy;
	bool on_replace; /* may be an UpdateReplacePolicy */
} policies[] = {
	{"Delete", POLICY_DELETE, true},
	{"Retain", POLICY_RETAIN, true},
	{"RetainExceptOnCreate", POLICY_RETAIN_EXCEPT_ON_CREATE, false},
};

static enum deletion_policy read_policy(
	struct checker *c, const struct yaml_node *n, const char *key)
{
	const struct yaml_node *v = yaml_get(n, key);
	bool replace = !strcmp(key, "UpdateReplacePolicy");
	const char *text = part_text(c, n, key);
	struct suggest s;
	if (!text)
		return POLICY_DELETE;
	suggest_init(&s, text);
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		if (replace && !policies[i].on_replace)
			continue;
		if (!strcmp(policies[i].name, text))
			return policies[i].policy;
		suggest_offer(&s, policies[i].name);
	}
	if (!strcmp(text, "Snapshot")) {
		check_fail(c, v, "%s 'Snapshot': this type of resource has no snapshots", key);
		report_hint(c->errors, "Retain keeps the resource itself");
		return POLICY_DELETE;
	}
	check_fail(c, v, "%s '%s' is unknown", key, text);
	if (!report_suggest(c->errors, &s))
		report_hint(c->errors, "one of Delete, Retain%s",
			replace ? "" : ", RetainExceptOnCreate");
	return POLICY_DELETE;
}

static const char **read_depends_on(
	struct checker *c, struct template *t, const struct yaml_node *n)
{
	const struct yaml_node *v = yaml_get(n, "DependsOn");
	size_t nr = !v ? 0 : v->kind == YAML_SEQUENCE ? v->nr : 1, used = 0;
	const char **list = arena_alloc(&t->arena, (nr + 1) * sizeof(*list));
	for (size_t i = 0; i < nr; i++) {
		const struct yaml_node *item = v->kind == YAML_SEQUENCE ? v->items[i] : v;
		if (item->kind == YAML_SCALAR && !item->tag && !v->tag)
			list[used++] = item->text;
		else
			check_fail(c, item, "DependsOn takes names of resources");
	}
	return list;
}

static void check_type(struct checker *c, const struct yaml_node *at, const char *type)
{
	if (!c->types || schema_find(c->types, type))
		return;
	struct suggest s;
	suggest_init(&s, type);
	for (size_t i = 0; i < c->types->nr; i++)
		suggest_offer(&s, c->types->v[i]->name);
	check_fail(c, at, "resource type '%s' is not supported", type);
	if (!report_suggest(c->errors, &s) && s.best)
		report_hint(c->errors, "the nearest supported type is '%s'", s.best);
}

static void read_resource(struct checker *c, struct template *t, struct template_resource *r,
	const struct yaml_pair *pair)
{
	struct yaml_node *n = pair->value;
	static const char *none[1];
	r->logical_id = pair->key->text;
	r->node = n;
	r->type = "";
	r->depends_on = none;
	if (starts_with(r->logical_id, "Fn::")) {
		bool loop = starts_with(r->logical_id, "Fn::ForEach::");
		check_fail(c, pair->key, loop ? "%s needs a transform" : "%s is not supported here",
			r->logical_id);
		if (loop)
			report_hint(c->errors,
				"add `Transform: AWS::LanguageExtensions` to the template");
		return;
	}
	part_check_id(c, pair->key, r->logical_id, "resource");
	if (!part_is_mapping(c, n, "a resource"))
		return;
	part_check_keys(c, n, resource_keys, "resource");
	if (!yaml_get(n, "Type"))
		check_fail(c, pair->key, "resource '%s' has no Type", r->logical_id);
	const char *type = part_text(c, n, "Type");
	if (type) {
		r->type = type;
		check_type(c, yaml_get(n, "Type"), type);
	}
	r->properties = yaml_get(n, "Properties");
	r->metadata = yaml_get(n, "Metadata");
	r->condition = part_text(c, n, "Condition");
	r->depends_on = read_depends_on(c, t, n);
	r->deletion_policy = read_policy(c, n, "DeletionPolicy");
	r->update_replace_policy = read_policy(c, n, "UpdateReplacePolicy");
}

void template_read_resources(struct checker *c, struct template *t, const struct yaml_node *n)
{
	/* Fn::ForEach may stand beside resources: its own error, not the section's. */
	if (n->kind != YAML_MAPPING || n->tag) {
		check_fail(c, n, "Resources must be a mapping");
		return;
	}
	if (!n->nr)
		check_fail(c, n, "Resources is empty");
	t->resources = arena_alloc(&t->arena, (n->nr + 1) * sizeof(*t->resources));
	t->nr_resources = n->nr;
	part_check_count(c, n, "resources", TEMPLATE_MAX_RESOURCES);
	for (size_t i = 0; i < n->nr; i++) {
		struct template_resource *r = &t->resources[i];
		size_t mark = part_enter(c, n->pairs[i].key->text);
		read_resource(c, t, r, &n->pairs[i]);
		map_put(&t->index, r->logical_id, r);
		for (size_t j = 0; j < t->nr_parameters; j++)
			if (!strcmp(t->parameters[j].name, r->logical_id))
				check_fail(c, n->pairs[i].key, "'%s' is a parameter, too",
					r->logical_id);
		part_leave(c, mark);
	}
}

static void check_depends_on(struct checker *c, const struct template_resource *r)
{
	const struct yaml_node *at = yaml_get(r->node, "DependsOn");
	for (const char **d = r->depends_on; *d; d++) {
		if (template_find(c->t, *d))
			continue;
		struct suggest s;
		suggest_init(&s, *d);
		for (size_t i = 0; i < c->t->nr_resources; i++)
			suggest_offer(&s, c->t->resources[i].logical_id);
		const struct yaml_node *item =
			at->kind == YAML_SEQUENCE ? at->items[d - r->depends_on] : at;
		check_fail(c, item,
			"DependsOn names '%s', which is not a resource of this template", *d);
		report_suggest(c->errors, &s);
	}
}

/* CloudFormation takes functions for the values of properties, not for all of them together. */
static void check_properties(struct checker *c, const struct yaml_node *n)
{
	struct call call;
	c->in_properties = true;
	if (call_of(n, false, &call) == CALL_KNOWN && call.fn->eval)
		check_fail(c, n,
			"Properties must be a mapping: '%s' gives the value of one property",
			call.name);
	else if (n->kind != YAML_MAPPING || n->tag)
		check_fail(c, n, "Properties must be a mapping");
	else
		check_node(c, n);
	c->in_properties = false;
}

void template_check_resources(struct checker *c)
{
	for (size_t i = 0; i < c->t->nr_resources; i++) {
		const struct template_resource *r = &c->t->resources[i];
		if (r->node->kind != YAML_MAPPING)
			continue;
		size_t mark = part_enter(c, r->logical_id);
		check_depends_on(c, r);
		if (r->condition)
			check_condition_name(c, yaml_get(r->node, "Condition"), r->condition);
		if (r->metadata) {
			size_t inner = part_enter(c, "Metadata");
			check_node(c, r->metadata);
			part_leave(c, inner);
		}
		if (r->properties) {
			size_t inner = part_enter(c, "Properties");
			check_properties(c, r->properties);
			part_leave(c, inner);
		}
		part_leave(c, mark);
	}
}
