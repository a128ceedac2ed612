/* A stack's template as CloudFormation itself takes it. */
#include "package_internal.h"

#include <stdlib.h>
#include "fs.h"
#include "plain.h"

#define DEFINITION_MAX_BYTES (1024 * 1024)

struct writer {
	struct package *p;
	const struct stack *s;
	const struct json *depends_on;
	struct strvec *exports;
	struct err_list *errors;
};

bool package_artifact_is_inlined(const struct package *p, const struct package_artifact *a)
{
	return strvec_has(&p->inlined, a->key);
}

/* A resource of the template as the package sees it, there or behind a condition. */
static struct stack_resource resource_of(const struct writer *w, const struct template_resource *t)
{
	const struct stack_resource *r = stack_find(w->s, t->logical_id);

	if (r)
		return *r;
	return (struct stack_resource){.template = t,
		.schema = schema_find(w->s->template->types, t->type),
		.stack = (struct stack *)(uintptr_t)w->s};
}

static void fail(struct writer *w, const struct template_resource *t, struct err *err)
{
	struct err placed = ERR_INIT;

	if (!err->file) {
		err_at(&placed, w->s->template->file, t->node->line, t->node->column, NULL, "%s",
			err->text);
		if (err->hint)
			err_hint(&placed, "%s", err->hint);
		err_release(err);
		*err = placed;
	}
	err_in(err, w->s->name, t->logical_id);
	err_list_take(w->errors, err);
}

/* --- what set-up would put in the place of what is written --- */
/* Properties as package_prepare makes them of the few that it looks at; NULL: it leaves them alone, or err. */
static struct json *prepared(struct writer *w, const struct stack_resource *r, struct err *err)
{
	struct json *props = NULL, *before;
	struct eval eval = {.stack = w->s};
	char *location = NULL;
	int ret = 0;

	if (strcmp(r->template->type, PACKAGE_JOB_TYPE) == 0) {
		if (package_script_location(r, &location, err) < 0 || !location ||
			package_script_kind(location) == SCRIPT_ELSEWHERE)
			goto out;
		struct json *command = json_object();
		json_set_str(command, "ScriptLocation", location);
		props = json_object();
		json_set(props, "Command", command);
	} else if (package_is_machine(r)) {
		const struct yaml_node *n =
			yaml_get(r->template->properties, PACKAGE_MACHINE_PLACE);
		struct json *place = NULL;
		if (!n || stack_eval(&eval, n, NULL, &place, err) < 0 || !json_str(place)) {
			json_free(place);
			goto out;
		}
		props = json_object();
		json_set(props, PACKAGE_MACHINE_PLACE, place);
	}
	before = json_copy(props);
	if (props)
		ret = package_prepare(w->p, r, props, err);
	if (ret || json_equal(before, props)) {
		json_free(props);
		props = NULL;
	}
	json_free(before);
out:
	free(location);
	return props;
}

/* What is not there under present values, and cannot be known then, stays as it is written. */
static struct json *changes_of(struct writer *w, const struct template_resource *t)
{
	const struct stack_resource r = resource_of(w, t);
	struct err err = ERR_INIT;
	struct json *out = prepared(w, &r, &err);

	if (err.code && stack_find(w->s, t->logical_id))
		fail(w, t, &err);
	err_release(&err);
	return out;
}

/* --- changes in what is written --- */
typedef void change_fn(struct json *object, void *payload);

/* Calls `fn` on an object, or on all that Fn::If may choose; *old, a member of parent, becomes one where there is none. -1: another
 * function gives it. */
static int in_branches(struct json *parent, struct json *old, change_fn *fn, void *payload)
{
	struct json *branches = json_len(old) == 1 ? json_get(old, "Fn::If") : NULL, *fresh, *name;
	int ret = 0;

	if (branches && json_len(branches) == 3) {
		for (size_t i = 1; !ret && i < 3; i++)
			ret = in_branches(branches, json_at(branches, i), fn, payload);
		return ret;
	}
	name = json_len(old) == 1 ? json_first(old) : NULL;
	if (name && json_name(name) && !strcmp(json_name(name), "Ref")) {
		if (!json_str(name) || strcmp(json_str(name), "AWS::NoValue") != 0)
			return -1;
		fresh = json_object();
		fn(fresh, payload);
		json_replace(parent, old, fresh);
		return 0;
	}
	if (!json_is(old, JSON_OBJECT) ||
		(name && json_name(name) && starts_with(json_name(name), "Fn::") &&
			!plain_is_loop(json_name(name))))
		return -1;
	fn(old, payload);
	return 0;
}

static void set_members(struct json *object, void *members)
{
	struct json *e;

	json_each(e, (struct json *)members) json_set(object, json_name(e), json_copy(e));
}

/* Places become what this template can say of them. */
static struct json *with_places(struct writer *w, const struct json *members, struct err *err)
{
	struct json *out = json_object(), *e, *v;

	json_each(e, members)
	{
		v = starts_with(json_str(e), "s3://")
			    ? plain_text(w->p->project, w->s, json_str(e), w->exports, err)
			    : json_copy(e);
		if (!v) {
			json_free(out);
			return NULL;
		}
		json_set(out, json_name(e), v);
	}
	return out;
}

static int change_member(struct writer *w, struct json *properties, const char *name,
	const struct json *members, struct err *err)
{
	struct json *with = with_places(w, members, err), *old = json_get(properties, name);
	int ret = 0;

	if (!with)
		return -1;
	if (!old) {
		json_set(properties, name, json_object());
		old = json_get(properties, name);
	}
	if (in_branches(properties, old, set_members, with) < 0)
		ret = err_set(err, ERR_USAGE,
			"a function gives '%s': it cannot be packaged; write it as a mapping",
			name);
	json_free(with);
	return ret;
}

static int change_job(
	struct writer *w, struct json *properties, const struct json *changes, struct err *err)
{
	const struct json *arguments = json_get(changes, "DefaultArguments");

	if (change_member(w, properties, "Command", json_get(changes, "Command"), err) < 0)
		return -1;
	return arguments ? change_member(w, properties, "DefaultArguments", arguments, err) : 0;
}

/* A local definition's text stands in the template; an address is taken apart. */
static int change_machine(
	struct writer *w, struct json *properties, const struct json *changes, struct err *err)
{
	const struct json *place = json_get(changes, PACKAGE_MACHINE_PLACE);
	const struct package_artifact *a = NULL;
	struct strbuf text = STRBUF_INIT;
	int ret = 0;

	for (size_t i = 0; i < w->p->nr && !a; i++)
		if (!strcmp(w->p->v[i].bucket, json_get_str(place, "Bucket")) &&
			!strcmp(w->p->v[i].key, json_get_str(place, "Key")))
			a = &w->p->v[i];
	if (!a) {
		json_set(properties, PACKAGE_MACHINE_PLACE, json_copy(place));
		return 0;
	}
	ret = fs_read(a->path, DEFINITION_MAX_BYTES, &text, err);
	if (!ret) {
		json_remove(properties, PACKAGE_MACHINE_PLACE);
		json_set_str(properties, "DefinitionString", text.buf);
		if (!strvec_has(&w->p->inlined, a->key))
			strvec_push(&w->p->inlined, a->key);
	}
	strbuf_release(&text);
	return ret;
}

static void drop_settings(struct json *holder)
{
	struct json *metadata = json_get(holder, "Metadata");

	json_remove(metadata, "Glueproj");
	if (json_is(metadata, JSON_OBJECT) && !json_len(metadata))
		json_remove(holder, "Metadata");
}

/* CloudFormation sees references only: what needs another resource by its name says so. */
static void add_depends_on(struct writer *w, const char *id, struct json *resource)
{
	const struct json *more = json_get(w->depends_on, id);
	struct json *old = json_get(resource, "DependsOn"), *list = json_array(), *e;

	if (json_str(old))
		json_push_str(list, json_str(old));
	json_each(e, json_is(old, JSON_ARRAY) ? old : NULL) json_push(list, json_copy(e));
	json_each(e, more) json_push(list, json_copy(e));
	if (more)
		json_set(resource, "DependsOn", list);
	else
		json_free(list);
}

static struct json *resource_json(
	struct writer *w, const struct template_resource *t, const struct yaml_node *node)
{
	const struct stack_resource r = resource_of(w, t);
	struct json *out = plain_resource(node, r.schema), *changes = changes_of(w, t);
	struct json *properties = json_get(out, "Properties");
	struct err err = ERR_INIT;
	int ret = 0;

	if (changes)
		ret = package_is_machine(&r) ? change_machine(w, properties, changes, &err)
					     : change_job(w, properties, changes, &err);
	if (ret)
		fail(w, t, &err);
	add_depends_on(w, t->logical_id, out);
	drop_settings(out);
	json_free(changes);
	return out;
}

/* --- sections --- */
/* Does a loop make resources that have to be written one by one? */
static bool loops_must_go(struct writer *w, const struct yaml_node *written)
{
	const struct template *t = w->s->template;
	bool must = false;

	for (size_t i = 0; i < written->nr; i++)
		if (plain_is_loop(written->pairs[i].key->text) &&
			plain_needs_expanding(written->pairs[i].value))
			must = true;
	for (size_t i = 0; i < t->nr_resources && !must; i++) {
		const char *id = t->resources[i].logical_id;
		struct json *changes;
		if (yaml_get(written, id))
			continue;
		changes = changes_of(w, &t->resources[i]);
		must = changes || json_get(w->depends_on, id) ||
		       yaml_get(t->resources[i].metadata, "Glueproj");
		json_free(changes);
	}
	return must;
}

static void add_made_by_loops(
	struct writer *w, const struct yaml_node *written, struct json *resources)
{
	const struct template *t = w->s->template;

	for (size_t i = 0; i < t->nr_resources; i++) {
		const struct template_resource *r = &t->resources[i];
		if (!yaml_get(written, r->logical_id) && !json_get(resources, r->logical_id))
			json_set(resources, r->logical_id, resource_json(w, r, r->node));
	}
}

static struct json *resources_json(struct writer *w, const struct yaml_node *written)
{
	const struct template *t = w->s->template;
	struct json *out = json_object();
	bool one_by_one = loops_must_go(w, written);

	for (size_t i = 0; i < written->nr; i++) {
		const char *key = written->pairs[i].key->text;
		const struct yaml_node *n = written->pairs[i].value;
		const struct template_resource *r = template_find(t, key);
		if (plain_is_loop(key) && one_by_one)
			add_made_by_loops(w, written, out);
		else if (plain_is_loop(key))
			json_set(out, key, plain_loop(n, t->types));
		else if (!r)
			json_set(out, key, plain_value(n));
		else
			json_set(out, key,
				resource_json(w, r, plain_needs_expanding(n) ? r->node : n));
	}
	return out;
}

static struct json *parameters_json(const struct yaml_node *n)
{
	struct json *out = json_object();

	for (size_t i = 0; i < n->nr; i++)
		json_set(out, n->pairs[i].key->text, plain_parameter(n->pairs[i].value));
	return out;
}

struct json *package_template(struct package *p, const struct stack *s,
	const struct json *depends_on, struct strvec *exports, struct err_list *errors)
{
	struct writer w = {p, s, depends_on, exports, errors};
	const struct yaml_node *root =
		s->template->written ? s->template->written : s->template->root;
	struct json *out = json_object();
	size_t before = errors->nr;

	for (size_t i = 0; i < root->nr; i++) {
		const char *key = root->pairs[i].key->text;
		const struct yaml_node *n = root->pairs[i].value;
		struct json *v;
		if (!strcmp(key, "Resources"))
			v = resources_json(&w, n);
		else if (!strcmp(key, "Parameters"))
			v = parameters_json(n);
		else if (!strcmp(key, "Outputs"))
			v = plain_outputs(n);
		else if (!strcmp(key, "Mappings"))
			v = plain_mappings(n);
		else
			v = plain_value(n);
		json_set(out, key, v);
	}
	drop_settings(out);
	if (errors->nr == before)
		return out;
	json_free(out);
	return NULL;
}
