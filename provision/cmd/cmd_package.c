/* package: the project as plain CloudFormation in a folder. Nobody is called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fs.h"
#include "out_folder.h"
#include "package_parts.h"
#include "plain.h"
#include "uri.h"

#define MANIFEST "manifest.json"
#define KIND "package"

struct packaging {
	struct session *s;
	struct json *manifest;   /* what goes where, in order */
	struct json *templates;  /* stack to template */
	struct json *depends_on; /* stack to {logical id: [logical id]} */
	struct json *needs;      /* stack to [stack] */
	struct strvec exports;   /* as in plain.h */
	struct out_folder folder;
};

/* --- what the graph knows and references do not say --- */
static void add_edge(struct json *map, const char *from, const char *to)
{
	struct json *list = json_get(map, from), *e;

	if (!list) {
		json_set(map, from, json_array());
		list = json_get(map, from);
	}
	json_each(e, list) if (!strcmp(json_str(e), to)) return;
	json_push_str(list, to);
}

static void look_at_vertex(
	void *payload, const struct engine_vertex *v, const struct engine_vertex *needs, size_t nr)
{
	struct packaging *p = payload;
	const struct stack *stack = project_stack(p->s->project, v->stack);
	const struct stack_resource *r = stack ? stack_find(stack, v->logical_id) : NULL;

	for (size_t i = 0; r && i < nr; i++) {
		bool same = !strcmp(needs[i].stack, v->stack);
		if (!same)
			add_edge(p->needs, v->stack, needs[i].stack);
		else if (!strvec_has(&r->refs, needs[i].logical_id) &&
			 stack_find(stack, needs[i].logical_id))
			add_edge(json_get(p->depends_on, v->stack), v->logical_id,
				needs[i].logical_id);
	}
}

/* The stack that makes this place's bucket; NULL: none does. */
static const char *maker_of(const struct packaging *p, struct engine *e, const char *place)
{
	char *uri = NULL, *bucket = NULL, *key = NULL;
	const char *stack = NULL;

	if (!project_expand(p->s->project, place, engine_output_value, e, &uri, NULL) &&
		s3_uri_split(uri, &bucket, &key, NULL) == 0)
		stack = engine_stack_of(e, "AWS::S3::Bucket", bucket);
	free(uri);
	free(bucket);
	free(key);
	return stack;
}

static int add_place(struct packaging *p, struct engine *e, const char *list, const char *from,
	char *written, struct err *err)
{
	struct json *entry = json_object();
	char *to = package_text(p->s->project, written, err);
	int ret = to ? 0 : -1;

	json_set_str(entry, "from", from);
	json_set_str(entry, "to", to);
	json_set_str(entry, "after", maker_of(p, e, written));
	json_set_str(entry, "written", written);
	json_push(json_get(p->manifest, list), entry);
	free(to);
	free(written);
	return ret;
}

/* From where the project lies, as others will have it too. */
static const char *beside_project(const struct packaging *p, const char *path)
{
	const char *dir = p->s->project->dir;
	size_t len = strlen(dir);

	if (starts_with(path, dir) && path[len] == '/')
		path += len + 1;
	while (starts_with(path, "./"))
		path += 2;
	return path;
}

static int add_uploads(struct packaging *p, struct engine *e, struct err *err)
{
	const struct project *project = p->s->project;
	int ret = 0;

	for (size_t i = 0; !ret && i < project->nr_uploads; i++) {
		const struct project_upload *u = &project->uploads[i];
		char *to = NULL;
		if (starts_with(u->to, "s3://"))
			to = xstrdup(u->to);
		else
			ret = project_expand_at(
				project, u->to, &u->to_at, "Uploads", NULL, NULL, &to, err);
		if (ret > 0)
			ret = err_set(err, ERR_USAGE, "Uploads: '%s' is not known without a cloud",
				u->to);
		for (size_t f = 0; !ret && f < u->files.nr; f++) {
			size_t bucket = strcspn(to + strlen("s3://"), "/") + strlen("s3://");
			char *key = upload_key(u, u->files.v[f], to[bucket] ? to + bucket + 1 : "");
			ret = add_place(p, e, "uploads", beside_project(p, u->files.v[f]),
				xasprintf("%.*s/%s", (int)bucket, to, key), err);
			free(key);
		}
		free(to);
	}
	return ret;
}

static int add_artifacts(struct packaging *p, struct engine *e, struct err *err)
{
	size_t nr = 0, prefix = strlen(p->s->artifacts);
	const struct package_artifact *a = package_artifacts(p->s->package, &nr);
	int ret = 0;

	for (size_t i = 0; !ret && i < nr; i++) {
		char *written = xasprintf("s3://%s/%s", a[i].bucket, a[i].key);
		char *path = xasprintf("artifacts/%s", written + prefix);
		if (!package_artifact_is_inlined(p->s->package, &a[i])) {
			ret = add_place(p, e, "artifacts", path, xstrdup(written), err);
			if (!ret)
				ret = out_folder_copy(&p->folder, path, a[i].path, err);
			if (!ret && !maker_of(p, e, written) &&
				!json_get(p->manifest, "needs_bucket")) {
				char *bucket = xasprintf("s3://%s", a[i].bucket);
				json_set_str(p->manifest, "needs_bucket", bucket);
				free(bucket);
			}
		}
		free(written);
		free(path);
	}
	return ret;
}

static int add_crawls(struct packaging *p, struct err *err)
{
	const struct project *project = p->s->project;
	int ret = 0;

	for (size_t i = 0; !ret && i < project->nr_actions; i++) {
		struct json *entry = json_object();
		char *name = package_text(project, project->actions[i].target, err);
		json_set_str(entry, "name", name);
		json_set_str(entry, "written", project->actions[i].target);
		json_push(json_get(p->manifest, "start_crawlers"), entry);
		ret = name ? 0 : -1;
		free(name);
	}
	return ret;
}

/* --- templates --- */
/* As CloudFormation's parameter files have it; NoEcho values go to `no_echo` by name. */
static struct json *parameter_file(const struct stack *s, struct json *no_echo)
{
	struct json *list = json_array(), *e;

	for (size_t i = 0; i < s->template->nr_parameters; i++) {
		const struct template_parameter *t = &s->template->parameters[i];
		const struct json *v = json_get(s->parameters, t->name);
		struct strbuf text = STRBUF_INIT;
		if (strvec_has(&s->secrets, t->name) || t->no_echo) {
			json_push_str(no_echo, t->name);
			continue;
		}
		if (json_get_str(s->lookups, t->name))
			strbuf_addstr(&text, json_get_str(s->lookups, t->name));
		else if (json_is(v, JSON_ARRAY))
			json_each(e, v) strbuf_addf(
				&text, "%s%s", json_first(v) == e ? "" : ",", json_str(e));
		else if (json_scalar_text(v))
			strbuf_addstr(&text, json_scalar_text(v));
		else
			continue;
		struct json *entry = json_object();
		json_set_str(entry, "ParameterKey", t->name);
		json_set_str(entry, "ParameterValue", text.buf);
		json_push(list, entry);
		strbuf_release(&text);
	}
	return list;
}

static struct json *capabilities_of(const struct stack *s)
{
	struct json *list = json_array();
	bool iam = false;

	for (size_t i = 0; i < s->template->nr_resources; i++)
		iam |= starts_with(s->template->resources[i].type, "AWS::IAM::");
	if (iam)
		json_push_str(list, "CAPABILITY_NAMED_IAM");
	if (s->template->language_extensions)
		json_push_str(list, "CAPABILITY_AUTO_EXPAND");
	return list;
}

static void print_line(const struct json *v, struct strbuf *sb)
{
	strbuf_clear(sb);
	json_print_pretty(v, sb);
	strbuf_addch(sb, '\n');
}

static int write_stack(struct packaging *p, const struct stack *s, struct err *err)
{
	struct json *entry = json_object(), *no_echo = json_array();
	struct json *parameters = parameter_file(s, no_echo);
	char *template = xasprintf("%s.json", s->name),
	     *file = xasprintf("%s-params.json", s->name);
	struct strbuf text = STRBUF_INIT;
	int ret;

	print_line(json_get(p->templates, s->name), &text);
	ret = out_folder_write(&p->folder, template, text.buf, text.len, err);
	json_set_str(entry, "name", s->name);
	json_set_str(entry, "template", template);
	json_set_i64(entry, "size", (int64_t)text.len);
	if (!ret && json_len(parameters)) {
		print_line(parameters, &text);
		ret = out_folder_write(&p->folder, file, text.buf, text.len, err);
		json_set_str(entry, "parameters", file);
	}
	json_set(entry, "no_echo", no_echo);
	json_set(entry, "capabilities", capabilities_of(s));
	json_push(json_get(p->manifest, "stacks"), entry);
	json_free(parameters);
	strbuf_release(&text);
	free(template);
	free(file);
	return ret;
}

/* Outputs that other stacks import now. */
static int add_exports(struct packaging *p, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < p->exports.nr; i++) {
		const char *at = p->exports.v[i], *output = strchr(at, '\n') + 1;
		char *stack = xstrndup(at, (size_t)(output - at - 1));
		char *name = plain_export_name(p->s->project, stack, output);
		struct json *o =
			json_get(json_get(json_get(p->templates, stack), "Outputs"), output);
		struct json *export = json_object();
		json_set_str(export, "Name", name);
		if (o) {
			json_set(o, "Export", export);
		} else {
			json_free(export);
			ret = err_set(err, ERR_USAGE,
				"output '%s' of stack '%s' is made by Fn::ForEach: give it an "
				"Export",
				output, stack);
		}
		free(stack);
		free(name);
	}
	return ret;
}

static int make_templates(struct packaging *p)
{
	const struct project *project = p->s->project;
	struct err err = ERR_INIT;
	int ret = 0;

	for (size_t i = 0; i < project->nr_stacks; i++) {
		const struct stack *s = project->stacks[i];
		struct json *t = package_template(p->s->package, s,
			json_get(p->depends_on, s->name), &p->exports, &p->s->errors);
		if (t)
			json_set(p->templates, s->name, t);
		else
			ret = -1;
	}
	if (!ret && add_exports(p, &err) < 0)
		ret = session_fail(p->s, &err);
	return ret;
}

/* --- the order of stacks --- */
static bool is_ready(const struct packaging *p, const char *stack, const struct strvec *done)
{
	struct json *e;

	json_each(e, json_get(p->needs, stack)) if (!strvec_has(done, json_str(e))) return false;
	return true;
}

/* CloudFormation makes one stack after the other: what a stack needs comes before it, else they stay as the project has them. */
static void order_stacks(const struct packaging *p, struct strvec *order)
{
	const struct project *project = p->s->project;
	struct err err = ERR_INIT;

	while (order->nr < project->nr_stacks) {
		const char *next = NULL, *first = NULL;
		for (size_t i = 0; !next && i < project->nr_stacks; i++) {
			const char *name = project->stacks[i]->name;
			if (strvec_has(order, name))
				continue;
			first = first ? first : name;
			if (is_ready(p, name, order))
				next = name;
		}
		if (!next) {
			err_set(&err, ERR_USAGE,
				"stack '%s' and another one need each other: CloudFormation cannot "
				"make them "
				"one after the other",
				first);
			err_list_take(&p->s->warnings, &err);
		}
		strvec_push(order, next ? next : first);
	}
}

/* --- the whole --- */
static void set_accounts(struct session *s, const char *account)
{
	for (size_t i = 0; i < s->project->nr_stacks; i++) {
		free(s->project->stacks[i]->account);
		s->project->stacks[i]->account = account ? xstrdup(account) : NULL;
	}
}

/* Names are compared as they would be in some account; no template is made while they are. */
static int look_at_graph(struct packaging *p, struct engine **e)
{
	set_accounts(p->s, p->s->ctx.account);
	*e = session_engine(p->s, &(struct engine_opts){0}, false);
	if (*e)
		engine_graph(*e, look_at_vertex, p);
	return *e ? 0 : -1;
}

/* What only the README needs is not part of the manifest. */
static void drop_written(struct json *list)
{
	struct json *e;

	json_each(e, list) json_remove(e, "written");
}

static int write_rest(struct packaging *p, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret = package_readme(p->s, p->manifest, &text, err);

	if (!ret)
		ret = out_folder_write(&p->folder, "README.md", text.buf, text.len, err);
	drop_written(json_get(p->manifest, "artifacts"));
	drop_written(json_get(p->manifest, "uploads"));
	drop_written(json_get(p->manifest, "start_crawlers"));
	json_remove(p->manifest, "needs_bucket");
	json_set(p->manifest, "files", json_copy(p->folder.files));
	print_line(p->manifest, &text);
	if (!ret)
		ret = out_folder_write(&p->folder, MANIFEST, text.buf, text.len, err);
	strbuf_release(&text);
	return ret;
}

static int write_folder(struct packaging *p, struct engine *e, struct err *err)
{
	struct strvec order = STRVEC_INIT;
	int ret = 0;

	order_stacks(p, &order);
	for (size_t i = 0; !ret && i < order.nr; i++)
		ret = write_stack(p, project_stack(p->s->project, order.v[i]), err);
	strvec_release(&order);
	/* Which bucket is whose is asked for some account, what is written names none. */
	set_accounts(p->s, p->s->ctx.account);
	if (!ret)
		ret = add_artifacts(p, e, err);
	if (!ret)
		ret = add_uploads(p, e, err);
	set_accounts(p->s, NULL);
	if (!ret)
		ret = add_crawls(p, err);
	return ret ? ret : write_rest(p, err);
}

static struct json *new_manifest(const struct session *s)
{
	static const char *const lists[] = {"stacks", "artifacts", "uploads", "start_crawlers"};
	struct json *m = json_object();

	json_set_str(m, "glueproj", KIND);
	json_set_i64(m, "version", 1);
	json_set_str(m, "project", s->project->name);
	json_set_str(m, "region", s->o.region ? s->o.region : s->project->region);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_set(m, lists[i], json_array());
	return m;
}

static void report(const struct packaging *p)
{
	const struct json *m = p->manifest;
	struct json *stack, *name;

	json_set_str(p->s->doc, "dir", p->folder.dir);
	json_set(p->s->doc, "package", json_copy(m));
	if (p->s->json)
		return;
	json_each(stack, json_get(m, "stacks")) json_each(name, json_get(stack, "no_echo"))
		printf("not written: the value of %s (NoEcho) of stack %s\n", json_str(name),
			json_get_str(stack, "name"));
	printf("%s: %zu templates, %zu artifacts; README.md there says how to deploy them\n",
		p->folder.dir, json_len(json_get(m, "stacks")), json_len(json_get(m, "artifacts")));
}

static char *default_dir(const struct session *s)
{
	return fs_join(s->project->dir ? s->project->dir : ".", "package");
}

int cmd_package(struct session *s)
{
	struct packaging p = {.s = s,
		.manifest = new_manifest(s),
		.templates = json_object(),
		.depends_on = json_object(),
		.needs = json_object(),
		.exports = STRVEC_INIT};
	char *dir = s->o.out ? xstrdup(s->o.out) : default_dir(s);
	struct engine *e = NULL;
	struct err err = ERR_INIT;
	int ret = -1;

	for (size_t i = 0; i < s->project->nr_stacks; i++)
		json_set(p.depends_on, s->project->stacks[i]->name, json_object());
	if (!*dir) {
		err_set(&err, ERR_USAGE, "--out names no folder");
		goto out;
	}
	if (look_at_graph(&p, &e) < 0)
		goto out;
	set_accounts(s, NULL);
	if (s->project->artifacts && !strcmp(s->artifacts, "s3://artifacts/") &&
		!starts_with(s->project->artifacts, "s3://")) {
		err_at(&err, s->project->file, s->project->artifacts_at.line,
			s->project->artifacts_at.column, "Artifacts",
			"'%s' is not known to be an s3:// address without a cloud",
			s->project->artifacts);
		err_hint(&err, "write s3:// before the names: s3://${Bucket}/programs/");
		goto out;
	}
	if (make_templates(&p) < 0)
		goto out;
	if (out_folder_begin(&p.folder, dir, MANIFEST, KIND, &err) < 0) {
		err_hint(&err,
			"package writes to a new folder, or over one that it wrote: --out DIR");
		goto out;
	}
	if (write_folder(&p, e, &err) < 0 || out_folder_finish(&p.folder, &err) < 0)
		goto out;
	report(&p);
	ret = 0;
out:
	if (err.code)
		session_fail(s, &err);
	out_folder_release(&p.folder);
	engine_free(e);
	json_free(p.manifest);
	json_free(p.templates);
	json_free(p.depends_on);
	json_free(p.needs);
	strvec_release(&p.exports);
	free(dir);
	return ret;
}
