/* glueproj.yaml: finding it, reading it. Binding its stacks is project_bind.c. */
#include "project_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fs.h"
#include "intrinsics.h"
#include "report.h"
#include "strbuf.h"
#include "values.h"

#define PROJECT_FILE "glueproj.yaml"
#define PROJECT_MAX_BYTES (1 << 20)
#define NAME_MAX_CHARS 64

static const char *const project_keys[] = {"Project", "Region", "Config", "Home", "Artifacts",
	"Stacks", "Uploads", "AfterSetup", NULL};
static const char *const stack_keys[] = {"Name", "Template", "Parameters", NULL};
static const char *const upload_keys[] = {"From", "To", NULL};
static const char *const action_kinds[] = {"StartCrawler", NULL};

struct project_reader {
	struct project *p;
	const struct project_opts *opts;
	struct err_list *errors;
};

static void fail(struct project_reader *r, const struct yaml_node *at, const char *path,
	const char *fmt, ...) printf_like(4, 5);
static void fail(struct project_reader *r, const struct yaml_node *at, const char *path,
	const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report_v(r->errors, r->p->file, at, path, fmt, ap);
	va_end(ap);
}

/* A mapping with none but these keys. */
static bool check_keys(struct project_reader *r, const struct yaml_node *n,
	const char *const *known, const char *path, const char *what)
{
	size_t before = r->errors->nr;
	if (n->kind != YAML_MAPPING || n->tag) {
		fail(r, n, path, "%s must be a mapping", what);
		return false;
	}
	for (size_t i = 0; i < n->nr; i++) {
		const char *key = n->pairs[i].key->text;
		struct suggest s;
		size_t k = 0;
		suggest_init(&s, key);
		for (; known[k] && strcmp(known[k], key) != 0; k++)
			suggest_offer(&s, known[k]);
		if (known[k])
			continue;
		fail(r, n->pairs[i].key, path, "unknown key '%s' in %s", key, what);
		report_suggest(r->errors, &s);
	}
	return r->errors->nr == before;
}

/* The text under a key, in the arena; NULL where there is none. */
static char *text_of(
	struct project_reader *r, const struct yaml_node *n, const char *key, bool required)
{
	const struct yaml_node *v = yaml_get(n, key);
	if (!v) {
		if (required)
			fail(r, n, NULL, "'%s' is missing", key);
		return NULL;
	}
	if (v->kind == YAML_SCALAR && !v->tag && v->len && yaml_scalar_type(v) != YAML_T_NULL)
		return arena_strdup(&r->p->arena, v->text);
	fail(r, v, key, "'%s' must be a text", key);
	return NULL;
}

static bool name_ok(const char *name, const char *more, size_t max)
{
	size_t len = strlen(name);
	if (!len || len > max || strchr(more, name[0]))
		return false;
	for (const char *p = name; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			    (*p >= '0' && *p <= '9') || strchr(more, *p)))
			return false;
	return true;
}

static char *beside(struct project *p, const char *path)
{
	if (path[0] == '/' || !strcmp(p->dir, "."))
		return arena_strdup(&p->arena, path);
	char *joined = fs_join(p->dir, path), *kept = arena_strdup(&p->arena, joined);
	free(joined);
	return kept;
}

static char *beside_project(struct project_reader *r, const char *path)
{
	return beside(r->p, path);
}

/* --- names --- */
bool project_has_names(const char *text)
{
	return strstr(text, "${") != NULL;
}

/* Remembers what ${…} a text names, so that config keys of that name are known. */
static void collect_names(
	struct project_reader *r, const struct yaml_node *at, const char *key, const char *text)
{
	struct sub_piece piece;
	for (const char *p = text; text && sub_next(&p, &piece);) {
		char *name = xstrndup(piece.text, piece.len);
		if (piece.kind == SUB_BROKEN)
			fail(r, at, key, "'${' without '}' in '%s'", text);
		else if (piece.kind == SUB_NAME && !starts_with(name, "AWS::") &&
			 !strvec_has(&r->p->names, name))
			strvec_push(&r->p->names, name);
		free(name);
	}
}

static struct project_place place_of(const struct yaml_node *n)
{
	return n ? (struct project_place){n->line, n->column} : (struct project_place){0};
}

/* A text that may hold ${…}, with its place. */
static char *text_with_names(struct project_reader *r, const struct yaml_node *n, const char *key,
	bool required, struct project_place *at)
{
	char *text = text_of(r, n, key, required);
	*at = place_of(yaml_get(n, key));
	collect_names(r, yaml_get(n, key), key, text);
	return text;
}

const struct param_value *project_own_value(const struct project *p, const char *name)
{
	for (size_t i = 0; i < p->nr_own; i++)
		if (!strcmp(p->own[i].name, name))
			return &p->own[i];
	return NULL;
}

int project_own_missing(const struct param_value *v, struct err *err)
{
	err_at(err, v->source.file, v->missing->line, v->missing->column, v->name, "%s",
		v->missing->text);
	return err_hint(err, "%s", v->missing->hint);
}

static void keep_own(struct project *p, struct values *own, const struct param_value *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (strvec_has(&p->names, v[i].name))
			values_add_copy(own, &v[i]);
}

/* What is wrong with --set is told when it is read for the stacks. */
static void find_own_values(struct project_reader *r)
{
	struct project *p = r->p;
	struct values given = VALUES_INIT, own = VALUES_INIT;
	struct err_list told_later = ERR_LIST_INIT;
	if (!p->names.nr)
		return;
	if (values_read_sets(&p->arena, r->opts->sets, &given, &told_later))
		err_list_release(&told_later);
	values_read_environment(&p->arena, &given);
	keep_own(p, &own, given.v, given.nr);
	keep_own(p, &own, p->config_values, p->nr_config_values);
	if (own.nr) {
		p->own = arena_alloc(&p->arena, own.nr * sizeof(*own.v));
		memcpy(p->own, own.v, own.nr * sizeof(*own.v));
		p->nr_own = own.nr;
	}
	values_release(&given);
	values_release(&own);
}

static void fail_region(struct project_reader *r, const char *name)
{
	const struct yaml_node at = {
		.line = r->p->region_at.line, .column = r->p->region_at.column};
	const struct param_value *v = project_own_value(r->p, name);
	struct err err = ERR_INIT;

	if (v) {
		project_own_missing(v, &err);
		err_list_take(r->errors, &err);
	} else if (starts_with(name, "AWS::")) {
		fail(r, &at, "Region", "'${%s}' is not known where the region is asked for", name);
	} else {
		fail(r, &at, "Region", "'${%s}' has no value", name);
		report_hint(r->errors,
			"put '%s' in the config file, or give --set %s=VALUE or --region", name,
			name);
	}
}

/* Region comes before account and templates: only what is given to glueproj itself counts. */
static void expand_region(struct project_reader *r)
{
	struct project *p = r->p;
	struct strbuf text = STRBUF_INIT;
	struct sub_piece piece;
	bool known = true;

	p->region = r->opts->region ? NULL : p->region_text;
	if (!p->region || !project_has_names(p->region))
		return;
	for (const char *at = p->region; sub_next(&at, &piece);) {
		char *name = xstrndup(piece.text, piece.len);
		const struct param_value *v =
			piece.kind == SUB_NAME ? project_own_value(p, name) : NULL;
		if (piece.kind != SUB_NAME) {
			strbuf_add(&text, piece.text, piece.len);
		} else if (v && !v->missing) {
			strbuf_addstr(&text, v->text);
		} else {
			known = false;
			if (!r->opts->no_values)
				fail_region(r, name);
		}
		free(name);
	}
	p->region = known && text.len ? arena_strdup(&p->arena, text.buf) : NULL;
	strbuf_release(&text);
}

static void read_stack(
	struct project_reader *r, struct project_stack_entry *e, const struct yaml_node *n)
{
	e->line = n->line;
	e->column = n->column;
	if (n->kind == YAML_SCALAR && !n->tag) {
		e->name = arena_strdup(&r->p->arena, n->text);
	} else {
		if (!check_keys(r, n, stack_keys, "Stacks", "a stack"))
			return;
		e->name = text_of(r, n, "Name", true);
		e->template_path = text_of(r, n, "Template", false);
		e->parameters_path = text_of(r, n, "Parameters", false);
	}
	if (!e->name)
		return;
	if (!name_ok(e->name, "-", 128)) {
		fail(r, n, "Stacks", "'%s' is not a stack name", e->name);
		report_hint(r->errors, "letters, digits and '-', at most 128");
	}
	if (!e->template_path)
		e->template_path = arena_printf(&r->p->arena, "%s.yaml", e->name);
	e->template_path = beside_project(r, e->template_path);
	if (e->parameters_path)
		e->parameters_path = beside_project(r, e->parameters_path);
}

static void read_stacks(struct project_reader *r, const struct yaml_node *n)
{
	struct project *p = r->p;
	if (!n || n->kind != YAML_SEQUENCE || !n->nr) {
		fail(r, n, "Stacks", "the project needs a list of Stacks");
		return;
	}
	p->entries = arena_alloc(&p->arena, n->nr * sizeof(*p->entries));
	p->nr_entries = n->nr;
	for (size_t i = 0; i < n->nr; i++) {
		struct project_stack_entry *e = &p->entries[i];
		read_stack(r, e, n->items[i]);
		for (size_t j = 0; j < i; j++)
			if (e->name && p->entries[j].name && !strcmp(e->name, p->entries[j].name))
				fail(r, n->items[i], "Stacks", "stack '%s' is there twice",
					e->name);
	}
}

/* --- uploads --- */
/* The folder before the first wildcard: names are relative to it. */
static char *split_glob(struct project *p, struct project_upload *u)
{
	char *full = beside(p, u->pattern);
	if (fs_is_dir(full)) {
		size_t len = strlen(full);
		while (len > 1 && full[len - 1] == '/')
			len--;
		u->base = arena_strndup(&p->arena, full, len);
		return arena_strdup(&p->arena, "**");
	}
	size_t plain = strcspn(full, "*?["), slash = plain;
	while (slash && full[slash - 1] != '/')
		slash--;
	u->base = slash == 0   ? arena_strdup(&p->arena, ".")
		  : slash == 1 ? arena_strdup(&p->arena, "/")
			       : arena_strndup(&p->arena, full, slash - 1);
	return arena_strdup(&p->arena, full + slash);
}

void project_find_files(struct project *p, const struct project_opts *opts,
	struct project_upload *u, struct err_list *errors)
{
	const struct yaml_node at = {.line = u->line, .column = u->column};
	struct err err = ERR_INIT;
	char *pattern = split_glob(p, u);
	if (fs_is_dir(u->base) && fs_glob(u->base, pattern, &u->files, &err)) {
		report(errors, p->file, &at, "Uploads", "%s", err.text);
		err_release(&err);
		return;
	}
	if (!u->files.nr && !opts->lenient_uploads) {
		report(errors, p->file, &at, "Uploads", "'%s' matches no file", u->pattern);
		report_hint(errors, "looked in '%s'", u->base);
	} else if (u->files.nr > 1 && !ends_with(u->to, "/") && !ends_with(u->to, "}")) {
		report(errors, p->file, &at, "Uploads",
			"'%s' matches %zu files, but '%s' is one object", u->pattern, u->files.nr,
			u->to);
		report_hint(errors, "end it with '/' to put the files below it");
	}
}

static void read_upload_from(struct project_reader *r, const struct yaml_node *from, const char *to,
	const struct project_place *to_at)
{
	struct project *p = r->p;
	struct project_upload *u = &p->uploads[p->nr_uploads];
	if (from->kind != YAML_SCALAR || from->tag || !from->len) {
		fail(r, from, "Uploads", "From must be a file, a folder or a pattern");
		return;
	}
	p->nr_uploads++;
	strvec_init(&u->files);
	u->from = arena_strdup(&p->arena, from->text);
	u->to = arena_strdup(&p->arena, to);
	u->to_at = *to_at;
	u->file = p->file;
	u->line = from->line;
	u->column = from->column;
	collect_names(r, from, "Uploads", u->from);
	/* Names are known when the stacks are bound. */
	if (project_has_names(u->from))
		return;
	u->pattern = u->from;
	project_find_files(p, r->opts, u, r->errors);
}

/* What starts with a name may become one. */
static bool is_s3_text(const char *text)
{
	return starts_with(text, "s3://") || starts_with(text, "${");
}

static size_t list_len(const struct yaml_node *n)
{
	return !n ? 0 : n->kind == YAML_SEQUENCE ? n->nr : 1;
}

static void read_uploads(struct project_reader *r, const struct yaml_node *n)
{
	size_t room = 0;
	if (!n)
		return;
	if (n->kind != YAML_SEQUENCE) {
		fail(r, n, "Uploads", "Uploads must be a list of {From: …, To: …}");
		return;
	}
	for (size_t i = 0; i < n->nr; i++)
		room += list_len(yaml_get(n->items[i], "From"));
	r->p->uploads = arena_alloc(&r->p->arena, (room + 1) * sizeof(*r->p->uploads));
	for (size_t i = 0; i < n->nr; i++) {
		const struct yaml_node *item = n->items[i], *from = yaml_get(item, "From");
		if (!check_keys(r, item, upload_keys, "Uploads", "an upload"))
			continue;
		struct project_place to_at;
		const char *to = text_with_names(r, item, "To", true, &to_at);
		if (!from)
			fail(r, item, "Uploads", "'From' is missing");
		if (to && !is_s3_text(to)) {
			fail(r, yaml_get(item, "To"), "Uploads", "'%s' is not an s3:// address",
				to);
			continue;
		}
		for (size_t j = 0; to && from && j < list_len(from); j++)
			read_upload_from(
				r, from->kind == YAML_SEQUENCE ? from->items[j] : from, to, &to_at);
	}
}

/* --- AfterSetup --- */
static void add_action(struct project_reader *r, const char *kind, const struct yaml_node *target)
{
	struct project *p = r->p;
	if (target->kind != YAML_SCALAR || target->tag || !target->len) {
		fail(r, target, "AfterSetup", "%s takes a name", kind);
		return;
	}
	p->actions[p->nr_actions++] = (struct project_action){
		.kind = arena_strdup(&p->arena, kind),
		.target = arena_strdup(&p->arena, target->text),
		.file = p->file,
		.line = target->line,
		.column = target->column,
	};
	collect_names(r, target, "AfterSetup", target->text);
}

static void read_actions(struct project_reader *r, const struct yaml_node *n)
{
	size_t room = 0;
	if (!n)
		return;
	if (n->kind != YAML_SEQUENCE) {
		fail(r, n, "AfterSetup",
			"AfterSetup must be a list, such as - {StartCrawler: NAME}");
		return;
	}
	for (size_t i = 0; i < n->nr; i++)
		for (size_t j = 0; n->items[i]->kind == YAML_MAPPING && j < n->items[i]->nr; j++)
			room += list_len(n->items[i]->pairs[j].value);
	r->p->actions = arena_alloc(&r->p->arena, (room + 1) * sizeof(*r->p->actions));
	for (size_t i = 0; i < n->nr; i++) {
		const struct yaml_node *item = n->items[i];
		if (!check_keys(r, item, action_kinds, "AfterSetup", "AfterSetup"))
			continue;
		for (size_t j = 0; j < item->nr; j++) {
			const struct yaml_node *v = item->pairs[j].value;
			for (size_t k = 0; k < list_len(v); k++)
				add_action(r, item->pairs[j].key->text,
					v->kind == YAML_SEQUENCE ? v->items[k] : v);
		}
	}
}

/* --- the file --- */
static void read_name(struct project_reader *r, const struct yaml_node *root)
{
	r->p->name = text_of(r, root, "Project", !r->opts->project_name);
	if (r->opts->project_name)
		r->p->name = arena_strdup(&r->p->arena, r->opts->project_name);
	if (r->p->name && !name_ok(r->p->name, "-_.", NAME_MAX_CHARS)) {
		fail(r, r->opts->project_name ? NULL : yaml_get(root, "Project"), NULL,
			"'%s' is not a project name", r->p->name);
		report_hint(
			r->errors, "letters, digits, '-', '_' and '.', at most %d", NAME_MAX_CHARS);
	}
}

static void read_file(struct project_reader *r)
{
	struct project *p = r->p;
	struct err err = ERR_INIT;
	const struct yaml_node *root = yaml_load(&p->arena, p->file, PROJECT_MAX_BYTES, &err);
	if (!root) {
		err.code = ERR_USAGE;
		err_list_take(r->errors, &err);
		return;
	}
	if (root->kind != YAML_MAPPING || root->tag) {
		fail(r, root, NULL, "a project file must be a mapping");
		return;
	}
	check_keys(r, root, project_keys, NULL, "the project file");
	read_name(r, root);
	p->region_text = text_with_names(r, root, "Region", false, &p->region_at);
	p->home = text_with_names(r, root, "Home", false, &p->home_at);
	p->artifacts = text_with_names(r, root, "Artifacts", false, &p->artifacts_at);
	p->config_path = text_of(r, root, "Config", false);
	if (p->config_path)
		p->config_path = beside_project(r, p->config_path);
	if (p->home && starts_with(p->home, "s3://"))
		fail(r, yaml_get(root, "Home"), "Home", "Home is a bucket's name, without s3://");
	if (p->artifacts && !is_s3_text(p->artifacts))
		fail(r, yaml_get(root, "Artifacts"), "Artifacts", "'%s' is not an s3:// address",
			p->artifacts);
	read_stacks(r, yaml_get(root, "Stacks"));
	read_uploads(r, yaml_get(root, "Uploads"));
	read_actions(r, yaml_get(root, "AfterSetup"));
}

/* In this folder or the nearest parent that has one. */
static char *find_upwards(struct project_reader *r)
{
	if (fs_exists(PROJECT_FILE))
		return xstrdup(PROJECT_FILE);
	char *dir = getcwd(NULL, 0);
	while (dir && strcmp(dir, "/") != 0) {
		char *parent = fs_dirname(dir), *path = fs_join(parent, PROJECT_FILE);
		free(dir);
		dir = parent;
		if (fs_exists(path)) {
			free(dir);
			return path;
		}
		free(path);
	}
	free(dir);
	report(r->errors, NULL, NULL, NULL,
		"there is no " PROJECT_FILE " in this folder or above it");
	report_hint(r->errors, "name one with -p PATH, or use `create NAME --template FILE`");
	err_named(&r->errors->v[r->errors->nr - 1], "NoProject");
	return NULL;
}

static char *find_file(struct project_reader *r)
{
	const char *path = r->opts->path;
	if (!path)
		return find_upwards(r);
	char *file = fs_is_dir(path) ? fs_join(path, PROJECT_FILE) : xstrdup(path);
	if (fs_exists(file))
		return file;
	report(r->errors, NULL, NULL, NULL, "there is no project file '%s'", file);
	free(file);
	return NULL;
}

static void read_project(struct project_reader *r)
{
	struct project *p = r->p;
	char *file = find_file(r);
	if (!file)
		return;
	char *dir = fs_dirname(file);
	p->file = arena_strdup(&p->arena, file);
	p->dir = arena_strdup(&p->arena, dir);
	free(file);
	free(dir);
	read_file(r);
}

/* The project that one template makes. */
static void make_project(struct project_reader *r)
{
	struct project *p = r->p;
	const struct project_opts *o = r->opts;
	p->dir = arena_strdup(&p->arena, ".");
	if (!o->stack_name || !name_ok(o->stack_name, "-", 128)) {
		report(r->errors, NULL, NULL, NULL, "'%s' is not a stack name",
			o->stack_name ? o->stack_name : "");
		report_hint(r->errors, "letters, digits and '-', at most 128");
		return;
	}
	p->name = arena_strdup(&p->arena, o->project_name ? o->project_name : o->stack_name);
	if (!name_ok(p->name, "-_.", 128))
		report(r->errors, NULL, NULL, NULL, "'%s' is not a project name", p->name);
	p->entries = arena_alloc(&p->arena, sizeof(*p->entries));
	p->nr_entries = 1;
	p->entries[0].name = arena_strdup(&p->arena, o->stack_name);
	p->entries[0].template_path = arena_strdup(&p->arena, o->template_path);
	p->entries[0].parameters_path = arena_strdup(&p->arena, o->parameters_path);
}

struct project *project_load(const struct project_opts *opts, struct err_list *errors)
{
	struct project *p = xcalloc(1, sizeof(*p));
	struct project_reader r = {p, opts, errors};
	struct values config = VALUES_INIT;
	size_t before = errors->nr;

	arena_init(&p->arena);
	strvec_init(&p->names);
	if (opts->template_path)
		make_project(&r);
	else
		read_project(&r);
	if (opts->config)
		p->config_path = arena_strdup(&p->arena, opts->config);
	if (p->config_path && !values_read_config(&p->arena, p->config_path, &config, errors) &&
		config.nr) {
		p->config_values = arena_alloc(&p->arena, config.nr * sizeof(*config.v));
		memcpy(p->config_values, config.v, config.nr * sizeof(*config.v));
		p->nr_config_values = config.nr;
	}
	values_release(&config);
	if (errors->nr == before) {
		find_own_values(&r);
		expand_region(&r);
	}
	if (errors->nr > before) {
		project_free(p);
		return NULL;
	}
	return p;
}

void project_free(struct project *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nr_stacks; i++)
		stack_free(p->stacks[i]);
	free(p->stacks);
	for (size_t i = 0; i < p->nr_uploads; i++)
		strvec_release(&p->uploads[i].files);
	strvec_release(&p->names);
	arena_release(&p->arena);
	free(p);
}

struct stack *project_stack(const struct project *p, const char *name)
{
	for (size_t i = 0; i < p->nr_stacks; i++)
		if (p->stacks[i] && !strcmp(p->stacks[i]->name, name))
			return p->stacks[i];
	return NULL;
}
