/* Nodes, their names and properties, and the edges between them: everything that needs no call. */
#include <stdlib.h>
#include <string.h>
#include "node.h"
#include "xalloc.h"

struct resource node_resource(const struct node *n)
{
	return (struct resource){
		.type = n->type,
		.stack = n->stack,
		.logical_id = n->logical_id,
		.name = n->name,
		.props = n->props,
		.owner_tags = n->owner_tags,
		.record_props = n->recorded_fields ? n->recorded_fields : n->record_fields,
	};
}

char *node_id(const struct node *n)
{
	return xasprintf("%s/%s", n->stack, n->logical_id);
}

static void node_free(struct node *n)
{
	free(n->stack);
	free(n->logical_id);
	free(n->name);
	json_free(n->extra_props);
	strvec_release(&n->extra_needs);
	json_free(n->props);
	strvec_release(&n->secret_paths);
	free(n->digest);
	json_free(n->owner_tags);
	json_free(n->record_fields);
	json_free(n->recorded_fields);
	resource_state_release(&n->live);
	json_free(n->changes);
	free(n->reason);
	err_release(&n->err);
	json_free(n->swept);
	free(n);
}

static struct json *owner_tags(const struct engine *e, const struct node *n)
{
	struct json *tags = json_object();

	json_set_str(tags, TAG_PROJECT, e->opts.project->name);
	json_set_str(tags, TAG_STACK, n->stack);
	json_set_str(tags, TAG_LOGICAL_ID, n->logical_id);
	return tags;
}

struct node *engine_add_node(struct engine *e, const struct resource_type *type, const char *stack,
	const char *logical_id)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->type = type;
	n->stack = xstrdup(stack);
	n->logical_id = xstrdup(logical_id);
	n->extra_needs = (struct strvec)STRVEC_INIT;
	n->secret_paths = (struct strvec)STRVEC_INIT;
	n->owner_tags = owner_tags(e, n);
	n->in_scope = !e->opts.only_stack || !strcmp(e->opts.only_stack, stack);
	if (e->opts.only_uploads && (type->flags & (T_PSEUDO | T_ACTION)) != T_PSEUDO)
		n->in_scope = false;
	ALLOC_GROW(e->nodes, e->nr, e->alloc);
	n->index = e->nr;
	e->nodes[e->nr++] = n;
	return n;
}

static struct node *find_node(const struct engine *e, const char *stack, const char *logical_id)
{
	char *id = xasprintf("%s/%s", stack, logical_id);
	struct node *n = map_get(&e->by_id, id);

	free(id);
	return n;
}

/* --- evaluation --- */

static int attribute_of_node(
	struct engine *e, struct node *n, const char *attribute, struct json **out, struct err *err)
{
	const struct type_schema *schema = &n->type->schema;
	const struct type_ctx *ctx = e->opts.ctx;
	const char *format = schema->ref_format;
	char *text;

	if (!n->name)
		return 1;
	if (!attribute)
		attribute = schema->ref_attribute;
	if (!attribute && !format) {
		*out = json_string(n->name);
		return 0;
	}
	if (attribute) {
		const struct attribute *a = schema->attributes;
		while (a && a->name && strcmp(a->name, attribute) != 0)
			a++;
		if (!a || !a->name)
			return err_set(err, ERR_USAGE, "%s has no attribute '%s'", schema->name,
				attribute);
		format = a->format;
	}
	if (!format) {
		struct json *live = json_get(n->live.attrs, attribute);
		n->attrs_wanted = true;
		if (!live)
			return 1;
		*out = json_copy(live);
		return 0;
	}
	text = schema_format(format, ctx->partition, ctx->region, ctx->account, n->name, n->props);
	*out = json_string(text);
	free(text);
	return 0;
}

static int eval_attribute(void *payload, const struct stack_resource *r, const char *attribute,
	struct json **out, struct err *err)
{
	struct engine *e = payload;
	struct node *n = find_node(e, r->stack->name, r->template->logical_id);

	return n ? attribute_of_node(e, n, attribute, out, err) : 1;
}

/* What stands in a record for an output that a NoEcho value went into. */
#define MASKED "****"

/* An importer could not know that the value is one to hide. */
static int refuse_secret_import(const char *name, struct err *err)
{
	err_set(err, ERR_USAGE, "export '%s' holds a NoEcho value, which cannot be imported", name);
	return err_hint(err, "give the importing stack a NoEcho parameter of its own");
}

static int import_from_others(
	struct engine *e, const char *name, struct json **out, struct err *err)
{
	char *value = NULL;
	int ret;

	if (!e->opts.import)
		return err_set(err, ERR_USAGE, "no stack of this project exports '%s'", name);
	ret = e->opts.import(e->opts.import_payload, name, &value, err);
	if (!ret && !strcmp(value, MASKED))
		ret = refuse_secret_import(name, err);
	else if (!ret)
		*out = json_string(value);
	free(value);
	return ret;
}

/* Whether a stack of this project makes it; while names are still unknown, whether one may. */
static bool may_make(const struct engine *e, const struct eval_external *what)
{
	for (size_t i = 0; what->type && i < e->nr; i++) {
		const struct node *n = e->nodes[i];
		if (n->decl && !strcmp(n->type->schema.name, what->type) &&
			(!n->name || !strcmp(n->name, what->name)))
			return true;
	}
	return false;
}

/* What is not there may be what this very run is about to make. */
static int eval_external(
	void *payload, const struct eval_external *what, struct json **out, struct err *err)
{
	struct engine *e = payload;
	struct err own = ERR_INIT;
	int ret;

	if (!e->opts.external)
		return 1;
	ret = e->opts.external(e->opts.external_payload, what, out, &own);
	if (ret < 0 && own.code == ERR_NOT_FOUND && may_make(e, what))
		ret = 1;
	if (ret < 0)
		err_move(err, &own);
	err_release(&own);
	return ret;
}

#define MAX_IMPORTS 32
static int eval_import(void *payload, const char *name, struct json **out, struct err *err);

static const struct eval_ops eval_ops = {
	.attribute = eval_attribute,
	.import = eval_import,
	.external = eval_external,
};

static int eval_import(void *payload, const char *name, struct json **out, struct err *err)
{
	struct engine *e = payload;
	struct export_ref *ref = map_get(&e->by_export, name);

	if (!ref)
		return import_from_others(e, name, out, err);
	struct eval eval = {.stack = ref->stack, .ops = &eval_ops, .payload = e};
	/* Threads evaluate at the same time; each goes down its own way. */
	static _Thread_local unsigned depth;
	if (depth == MAX_IMPORTS)
		return err_set(err, ERR_USAGE, "export '%s' is made of itself", name);
	depth++;
	int ret = stack_eval(&eval, ref->output->value, "Outputs", out, err);
	depth--;
	if (ret < 0)
		return -1;
	if (eval.has_secret || json_has_unknown(*out)) {
		json_free(*out);
		*out = NULL;
		return eval.has_secret ? refuse_secret_import(name, err) : 1;
	}
	return 0;
}

struct json *engine_stack_outputs(
	struct engine *e, const struct stack *s, bool *unknown, struct err *err)
{
	struct json *outputs = json_object();

	*unknown = false;
	for (size_t i = 0; i < s->template->nr_outputs; i++) {
		const struct template_output *o = &s->template->outputs[i];
		struct eval eval = {.stack = s, .ops = &eval_ops, .payload = e};
		struct json *v = NULL;
		const char *text;
		char *path;

		if (o->condition && !json_get_truth(s->conditions, o->condition, true))
			continue;
		path = xasprintf("Outputs.%s.Value", o->name);
		int failed = stack_eval(&eval, o->value, path, &v, err);
		free(path);
		if (failed) {
			json_free(outputs);
			return NULL;
		}
		text = json_scalar_text(v);
		if (eval.has_secret)
			json_set_str(outputs, o->name, MASKED);
		else if (json_has_unknown(v))
			*unknown = true;
		else if (text)
			json_set_str(outputs, o->name, text);
		json_free(v);
	}
	return outputs;
}

static void set_name(struct engine *e, struct node *n)
{
	const struct type_schema *schema = &n->type->schema;
	const struct type_ctx *ctx = e->opts.ctx;
	char *path = schema_name_path(schema, n->props);
	struct json *given = path ? json_path(n->props, path) : NULL;

	if (!n->name && json_str(given) && *json_str(given)) {
		const struct field *f = schema_field_at(schema->fields, path);
		n->name = xstrdup(json_str(given));
		if (f && f->flags & F_LOWER)
			lower_ascii(n->name);
	}
	free(path);
	if (n->name || json_is_unknown(given))
		return;
	n->name = derive_name(e->opts.project->name, n->stack, n->logical_id,
		ctx->account ? ctx->account : "", ctx->region, schema->name_case,
		schema->name_max ? schema->name_max : 255);
}

static void keep_record_fields(struct node *n)
{
	struct json *fields;

	if (!n->type->record_fields)
		return;
	fields = json_object();
	for (const char *const *f = n->type->record_fields; *f; f++)
		if (json_get(n->props, *f))
			json_set(fields, *f, json_copy(json_get(n->props, *f)));
	json_free(n->record_fields);
	n->record_fields = fields;
}

int engine_evaluate(struct engine *e, struct node *n, struct err *err)
{
	struct json *props = NULL;

	if (n->decl) {
		struct eval eval = {.stack = n->decl->stack, .ops = &eval_ops, .payload = e};
		if (stack_eval_properties(&eval, n->decl, &props, err) < 0)
			return -1;
		if (eval.has_secret && !n->has_secret) {
			struct eval again = {
				.stack = n->decl->stack, .ops = &eval_ops, .payload = e};
			n->has_secret = true;
			if (stack_eval_secrets(&again, n->decl, &n->secret_paths, err) < 0) {
				json_free(props);
				return -1;
			}
		}
		if (e->opts.prepare &&
			e->opts.prepare(e->opts.prepare_payload, n->decl, props, err) < 0) {
			json_free(props);
			return -1;
		}
	} else if (n->extra_props) {
		props = json_copy(n->extra_props);
	} else {
		return 0;
	}
	json_free(n->props);
	n->props = props;
	n->has_unknown = json_has_unknown(props);
	set_name(e, n);
	keep_record_fields(n);
	if (!n->has_unknown)
		engine_digest(n);
	return 0;
}

/* --- edges --- */

static void index_name(struct engine *e, struct node *n, struct err_list *errors)
{
	char *key;
	struct node *other;

	if (!n->name || !n->decl)
		goto pseudo;
	key = xasprintf("%s\n%s", n->type->schema.name, n->name);
	other = map_get(&e->by_name, key);
	if (other && other != n) {
		struct err err = ERR_INIT;
		err_at(&err, n->decl->stack->template->file, n->decl->template->node->line,
			n->decl->template->node->column, NULL,
			"'%s' and '%s' of stack '%s' are both the %s named '%s'", n->logical_id,
			other->logical_id, other->stack, n->type->schema.name, n->name);
		err_named(&err, "DuplicateName");
		err_hint(&err, "give one of them another name");
		err_in(&err, n->stack, n->logical_id);
		err_list_take(errors, &err);
	} else {
		map_put(&e->by_name, key, n);
	}
	free(key);
	return;
pseudo:
	if (n->name && n->extra_props) {
		key = xasprintf("%s\n%s", n->type->schema.name, n->name);
		map_put(&e->by_name, key, n);
		free(key);
	}
}

/* The bare name in "arn:…:role/path/name", "s3://bucket/key" and "name"; malloc'd. */
static char *bare_name(const char *text)
{
	if (starts_with(text, "s3://"))
		return xstrndup(text + 5, strcspn(text + 5, "/"));
	if (starts_with(text, "arn:")) {
		const char *tail = strrchr(text, '/');
		if (!tail)
			tail = strrchr(text, ':');
		return xstrdup(tail + 1);
	}
	return xstrdup(text);
}

static void edge_to(struct engine *e, size_t from, const struct node *target)
{
	if (target)
		depgraph_add(&e->graph, from, target->index);
}

static void edge_by_name(struct engine *e, size_t from, const char *type, const char *text)
{
	char *name = bare_name(text), *key = xasprintf("%s\n%s", type, name);
	edge_to(e, from, map_get(&e->by_name, key));
	free(key);
	free(name);
}

static void edges_of_fields(
	struct engine *e, size_t from, const struct field *fields, const struct json *props);

static void edges_of_field(
	struct engine *e, size_t from, const struct field *f, const struct json *v)
{
	struct json *item;

	if (!v || json_is_unknown(v))
		return;
	if (f->names && json_str(v))
		edge_by_name(e, from, f->names, json_str(v));
	if (f->names && json_is(v, JSON_ARRAY))
		json_each(item, v) if (json_str(item))
			edge_by_name(e, from, f->names, json_str(item));
	if (!f->fields)
		return;
	if (json_is(v, JSON_ARRAY))
		json_each(item, v) edges_of_fields(e, from, f->fields, item);
	else
		edges_of_fields(e, from, f->fields, v);
}

static void edges_of_fields(
	struct engine *e, size_t from, const struct field *fields, const struct json *props)
{
	for (const struct field *f = fields; f && f->name; f++)
		edges_of_field(e, from, f, json_get(props, f->name));
}

struct edges_from {
	struct engine *e;
	size_t from;
};

static void edge_of_type(void *payload, const char *type, const char *name)
{
	struct edges_from *f = payload;
	edge_by_name(f->e, f->from, type, name);
}

static void edge_to_upload(struct engine *e, size_t from, const char *place)
{
	for (size_t i = 0; i < e->nr; i++) {
		const struct node *n = e->nodes[i];
		if (i != from && n->extra_props && !(n->type->flags & T_ACTION) && n->name &&
			!strcmp(n->name, place))
			depgraph_add(&e->graph, from, i);
	}
}

/* A string that is the place of an upload (a script, a bundle in the arguments), or its Bucket and Key: the upload comes
 * first. */
static void edges_to_uploads(struct engine *e, size_t from, const struct json *v)
{
	const char *bucket = json_get_str(v, "Bucket"), *key = json_get_str(v, "Key");
	struct json *child;

	if (json_str(v) && starts_with(json_str(v), "s3://"))
		edge_to_upload(e, from, json_str(v));
	if (bucket && key) {
		char *place = xasprintf("s3://%s/%s", bucket, key);
		edge_to_upload(e, from, place);
		free(place);
	}
	json_each(child, v) edges_to_uploads(e, from, child);
}

static void edges_of_imports(struct engine *e, size_t from, const struct stack_resource *decl)
{
	for (size_t i = 0; i < decl->imports.nr; i++) {
		const struct export_ref *ref = map_get(&e->by_export, decl->imports.v[i]);
		struct strvec refs = STRVEC_INIT;

		if (!ref)
			continue;
		stack_refs(ref->stack, ref->output->value, &refs);
		for (size_t k = 0; k < refs.nr; k++)
			edge_to(e, from, find_node(e, ref->stack->name, refs.v[k]));
		strvec_release(&refs);
	}
}

static void edges_of_node(struct engine *e, size_t from)
{
	struct node *n = e->nodes[from];
	const struct record_entry *entry;

	if (n->decl) {
		for (size_t i = 0; i < n->decl->refs.nr; i++)
			edge_to(e, from, find_node(e, n->stack, n->decl->refs.v[i]));
		edges_of_imports(e, from, n->decl);
		for (size_t i = 0; i < n->decl->secrets.nr; i++)
			edge_to(e, from, map_get(&e->by_name, n->decl->secrets.v[i]));
	}
	for (size_t i = 0; i < n->extra_needs.nr; i++)
		for (size_t k = 0; k < e->nr; k++)
			if (e->nodes[k]->extra_props &&
				!strcmp(e->nodes[k]->logical_id, n->extra_needs.v[i]))
				depgraph_add(&e->graph, from, k);
	if (n->props) {
		edges_of_fields(e, from, n->type->schema.fields, n->props);
		if (n->type->schema.edges)
			n->type->schema.edges(
				n->props, edge_of_type, &(struct edges_from){e, from});
		if (n->decl)
			edges_to_uploads(e, from, n->props);
	}
	entry = n->leftover ? record_find(n->record, n->logical_id, n->name) : NULL;
	for (size_t i = 0; entry && i < entry->needs.nr; i++)
		edge_to(e, from, map_get(&e->by_id, entry->needs.v[i]));
}

static void report_cycle(struct engine *e, const size_t *cycle, size_t len, struct err_list *errors)
{
	struct strbuf path = STRBUF_INIT;
	const struct node *first = e->nodes[cycle[0]];
	struct err err = ERR_INIT;

	for (size_t i = 0; i <= len; i++) {
		const struct node *n = e->nodes[cycle[i % len]];
		strbuf_addf(&path, "%s%s", i ? " -> " : "", n->logical_id);
	}
	if (first->decl)
		err_at(&err, first->decl->stack->template->file, first->decl->template->node->line,
			first->decl->template->node->column, NULL,
			"resources need each other in a circle: %s", path.buf);
	else
		err_set(&err, ERR_USAGE, "resources need each other in a circle: %s", path.buf);
	err_named(&err, "Cycle");
	err_hint(&err, "take out one of these references or DependsOn");
	err_list_take(errors, &err);
	strbuf_release(&path);
}

int engine_build_graph(
	struct engine *e, struct err_list *errors, struct err_list *warnings unused_arg)
{
	size_t *cycle = NULL, len = 0, before = errors->nr;

	depgraph_release(&e->graph);
	depgraph_init(&e->graph, e->nr);
	map_release(&e->by_name);
	map_init(&e->by_name, NULL);
	for (size_t i = 0; i < e->nr; i++)
		index_name(e, e->nodes[i], errors);
	for (size_t i = 0; i < e->nr; i++)
		edges_of_node(e, i);
	if (depgraph_cycle(&e->graph, &cycle, &len) < 0)
		report_cycle(e, cycle, len, errors);
	free(cycle);
	return errors->nr > before ? -1 : 0;
}

/* --- life cycle --- */

static void collect_exports(struct engine *e, const struct stack *s, struct err_list *errors)
{
	for (size_t i = 0; i < s->template->nr_outputs; i++) {
		const struct template_output *o = &s->template->outputs[i];
		struct eval eval = {.stack = s};
		struct json *name = NULL;
		struct err err = ERR_INIT;

		if (!o->export_name ||
			(o->condition && !json_get_truth(s->conditions, o->condition, true)))
			continue;
		if (stack_eval(&eval, o->export_name, "Outputs", &name, &err) < 0) {
			err_list_take(errors, &err);
			continue;
		}
		if (json_is_unknown(name) && s->only_checked) {
			json_free(name);
			continue;
		}
		if (!json_str(name)) {
			err_at(&err, s->template->file, o->export_name->line,
				o->export_name->column, NULL,
				"the name of export '%s' must not depend on a resource", o->name);
			err_list_take(errors, &err);
		} else if (map_has(&e->by_export, json_str(name))) {
			err_at(&err, s->template->file, o->export_name->line,
				o->export_name->column, NULL, "'%s' is exported twice",
				json_str(name));
			err_list_take(errors, &err);
		} else {
			struct export_ref *ref = xcalloc(1, sizeof(*ref));
			*ref = (struct export_ref){s, o};
			map_put(&e->by_export, json_str(name), ref);
		}
		json_free(name);
	}
}

static void add_declared(struct engine *e, struct stack *s)
{
	for (size_t i = 0; i < s->nr_resources; i++) {
		struct stack_resource *r = &s->resources[i];
		const struct resource_type *type = e->opts.find_type(r->template->type);
		struct node *n;
		char *id;

		if (!type)
			BUG("no type '%s'", r->template->type);
		n = engine_add_node(e, type, s->name, r->template->logical_id);
		n->decl = r;
		n->retain = r->template->deletion_policy != POLICY_DELETE;
		id = node_id(n);
		map_put(&e->by_id, id, n);
		free(id);
	}
}

static void add_extras(struct engine *e, const struct engine_extra *extras, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct node *n =
			engine_add_node(e, extras[i].type, extras[i].stack, extras[i].logical_id);
		char *id = node_id(n);

		n->name = xstrdup(extras[i].name);
		n->extra_props = extras[i].props;
		for (const char *const *need = extras[i].needs; need && *need; need++)
			strvec_push(&n->extra_needs, *need);
		map_put(&e->by_id, id, n);
		free(id);
	}
}

/* Properties in the order of references, so that names are there when they are asked for. `only_secrets`: once all names
 * are there, what refers to a secret that nobody makes is told. */
static void evaluate_all(struct engine *e, bool only_secrets, struct err_list *errors)
{
	size_t *order = xcalloc(e->nr ? e->nr : 1, sizeof(*order));

	depgraph_order(&e->graph, order);
	for (size_t i = 0; i < e->nr; i++) {
		const struct node *n = e->nodes[order[i]];
		struct err err = ERR_INIT;
		if (only_secrets && !(n->has_unknown && n->decl && n->decl->secrets.nr))
			continue;
		if (engine_evaluate(e, e->nodes[order[i]], &err) < 0) {
			err_in(&err, e->nodes[order[i]]->stack, e->nodes[order[i]]->logical_id);
			err_list_take(errors, &err);
		}
	}
	free(order);
}

static void check_all(struct engine *e, struct err_list *errors, struct err_list *warnings)
{
	size_t before = errors->nr, before_warnings = warnings ? warnings->nr : 0;
	for (size_t i = 0; i < e->nr; i++)
		if (e->nodes[i]->decl && e->nodes[i]->props)
			stack_check_properties(
				e->nodes[i]->decl, e->nodes[i]->props, errors, warnings);
	err_list_unique(errors, before);
	err_list_unique(warnings, before_warnings);
}

struct engine *engine_new(const struct engine_opts *opts, const struct engine_extra *extras,
	size_t nr_extras, struct err_list *errors, struct err_list *warnings)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	size_t before = errors->nr;

	e->opts = *opts;
	map_init(&e->by_id, NULL);
	map_init(&e->by_name, NULL);
	map_init(&e->by_export, free);
	depgraph_init(&e->graph, 0);
	pthread_mutex_init(&e->ui_lock, NULL);
	e->left = json_array();
	for (size_t i = 0; i < opts->project->nr_stacks; i++)
		collect_exports(e, opts->project->stacks[i], errors);
	for (size_t i = 0; i < opts->project->nr_stacks; i++)
		add_declared(e, opts->project->stacks[i]);
	add_extras(e, extras, nr_extras);
	/* First the written references alone: they give the order in which names can be evaluated. */
	if (errors->nr == before && !engine_build_graph(e, errors, warnings)) {
		evaluate_all(e, false, errors);
		if (errors->nr == before && !engine_build_graph(e, errors, warnings))
			evaluate_all(e, true, errors);
		if (errors->nr == before)
			check_all(e, errors, warnings);
	}
	if (errors->nr > before) {
		engine_free(e);
		return NULL;
	}
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->nr; i++)
		node_free(e->nodes[i]);
	free(e->nodes);
	for (size_t i = 0; i < e->nr_records; i++)
		record_free(e->records[i]);
	free(e->records);
	depgraph_release(&e->graph);
	map_release(&e->by_id);
	map_release(&e->by_name);
	map_release(&e->by_export);
	json_free(e->left);
	pthread_mutex_destroy(&e->ui_lock);
	free(e);
}

/* --- looking --- */

static const struct node *named(const struct engine *e, const char *type, const char *name)
{
	char *key = xasprintf("%s\n%s", type, name);
	const struct node *n = map_get(&e->by_name, key);

	free(key);
	return n;
}

bool engine_has_name(const struct engine *e, const char *type, const char *name)
{
	return named(e, type, name) != NULL;
}

const char *engine_stack_of(const struct engine *e, const char *type, const char *name)
{
	const struct node *n = named(e, type, name);

	return n ? n->stack : NULL;
}

const struct json *engine_props_of(const struct engine *e, const char *type, const char *name)
{
	const struct node *n = named(e, type, name);

	return n ? n->props : NULL;
}

void engine_names(const struct engine *e, const char *type, struct strvec *names)
{
	for (size_t i = 0; i < e->nr; i++)
		if (e->nodes[i]->decl && e->nodes[i]->name &&
			!strcmp(e->nodes[i]->type->schema.name, type))
			strvec_push(names, e->nodes[i]->name);
}

const char *engine_name_of(const struct engine *e, const char *type, const char *logical_id)
{
	for (size_t i = 0; i < e->nr; i++) {
		const struct node *n = e->nodes[i];
		char *id;
		bool hit;
		if (!n->decl || strcmp(n->type->schema.name, type) != 0)
			continue;
		id = node_id(n);
		hit = !strcmp(n->logical_id, logical_id) || !strcmp(id, logical_id);
		free(id);
		if (hit)
			return n->name;
	}
	return NULL;
}

void engine_look(const struct engine *e, engine_look_fn *look, void *payload)
{
	for (size_t i = 0; i < e->nr; i++) {
		const struct node *n = e->nodes[i];

		if (n->decl && n->props)
			look(payload, &(struct engine_resource){
					      n->decl, n->name, n->props, &n->secret_paths});
	}
}
