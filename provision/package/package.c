/* Which jobs and state machines of a project name programs, scripts and definitions, and where these will lie. */
#include "package_internal.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "digest.h"
#include "elffile.h"
#include "fs.h"
#include "hex.h"
#include "map.h"
#include "suggest.h"
#include "uri.h"
#include "yaml_value.h"

#define PLACE "Command.ScriptLocation"
#define DEFINITION_MAX_BYTES (1024 * 1024)

enum script_kind package_script_kind(const char *location)
{
	if (!*location || strstr(location, "://"))
		return SCRIPT_ELSEWHERE;
	if (strchr(location, '/') || ends_with(location, ".py") || ends_with(location, ".scala") ||
		ends_with(location, ".jar"))
		return SCRIPT_FILE;
	return SCRIPT_PROGRAM;
}

char *package_path_beside(const struct stack_resource *r, const char *location)
{
	char *dir = fs_dirname(r->stack->template->file), *path = fs_join(dir, location);

	free(dir);
	return path;
}

/* --- places in templates --- */

static const struct yaml_node *location_node(const struct stack_resource *r)
{
	if (package_is_machine(r))
		return yaml_get(r->template->properties, PACKAGE_MACHINE_PLACE);
	const struct yaml_node *command = yaml_get(r->template->properties, "Command");
	const struct yaml_node *location = command ? yaml_get(command, "ScriptLocation") : NULL;

	return location ? location : command ? command : r->template->node;
}

static void add_error(
	struct err_list *errors, const struct stack_resource *r, const char *text, const char *hint)
{
	const struct yaml_node *node = location_node(r);
	struct err err = ERR_INIT;
	char *path = xasprintf("Resources.%s.Properties.%s", r->template->logical_id,
		package_is_machine(r) ? PACKAGE_MACHINE_PLACE : PLACE);

	err_at(&err, r->stack->template->file, node->line, node->column, path, "%s", text);
	if (hint)
		err_hint(&err, "%s", hint);
	err_in(&err, r->stack->name, r->template->logical_id);
	err_list_take(errors, &err);
	free(path);
}

/* --- artifacts --- */

static const char *keep(struct package *p, char *text)
{
	strvec_push_take(&p->texts, text);
	return text;
}

/* Takes id and key; gives the s3:// place, malloc'd. Two paths with the same name and bytes are one artifact. */
static char *add_artifact(struct package *p, char *id, const char *stack, const char *path,
	char *key, const char *sha256, long long size)
{
	struct package_artifact *a;
	char *place = xasprintf("s3://%s/%s", p->bucket, key);

	for (size_t i = 0; i < p->nr; i++) {
		if (strcmp(p->v[i].key, key) == 0) {
			free(id);
			free(key);
			return place;
		}
	}
	ALLOC_GROW(p->v, p->nr, p->alloc);
	a = &p->v[p->nr++];
	a->logical_id = keep(p, id);
	a->stack = keep(p, xstrdup(stack));
	a->path = keep(p, xstrdup(path));
	a->bucket = p->bucket;
	a->key = keep(p, key);
	a->sha256 = keep(p, xstrdup(sha256));
	a->size = size;
	return place;
}

static int add_script(
	struct package *p, const char *path, const struct stack_resource *r, struct err *err)
{
	struct strbuf raw = STRBUF_INIT, hex = STRBUF_INIT;
	const char *name = fs_basename(path);
	uint64_t size = 0;
	int ret = -1;

	if (fs_is_dir(path)) {
		err_set(err, ERR_INVALID, "'%s' is a folder", path);
	} else if (digest_file(DIGEST_SHA256, path, &raw, &size, err) == 0) {
		hex_encode(&hex, raw.buf, raw.len);
		map_put(&p->scripts, path,
			add_artifact(p, xasprintf("Script-%s-%.8s", name, hex.buf), r->stack->name,
				path, xasprintf("%sscripts/%s/%s", p->prefix, hex.buf, name),
				hex.buf, (long long)size));
		ret = 0;
	}
	strbuf_release(&raw);
	strbuf_release(&hex);
	return ret;
}

/* --- definitions of state machines --- */

/* What Step Functions takes is JSON: a file in YAML is turned into it, beside the bundles. *path is replaced then. */
static int as_json(struct package *p, char **path, struct err *err)
{
	struct strbuf text = STRBUF_INIT, json = STRBUF_INIT, hex = STRBUF_INIT;
	bool yaml = ends_with(*path, ".yaml") || ends_with(*path, ".yml");
	struct json *value = NULL;
	const char *name = fs_basename(*path);
	char *dir = NULL, *made = NULL;
	int ret = fs_read(*path, DEFINITION_MAX_BYTES, &text, err);

	if (!ret)
		value = yaml ? yaml_value(*path, text.buf, text.len, err)
			     : json_parse(text.buf, text.len, err);
	/* with ${Name} where a number will be it is JSON only when that is filled in, which the linter does */
	if (!ret && !yaml && !value && strstr(text.buf, "${")) {
		err_release(err);
		goto out;
	}
	if (!ret && value && !json_is(value, JSON_OBJECT))
		err_set(err, ERR_INVALID, "'%s' holds no definition of a state machine", *path);
	if (!json_is(value, JSON_OBJECT))
		ret = -1;
	if (ret && err->text && !err->file)
		err_wrap(err, "%s", *path);
	if (!ret && yaml) {
		json_print_pretty(value, &json);
		digest_sha256_hex(json.buf, json.len, &hex);
		dir = xasprintf("%s/definition-%s", p->dir, hex.buf);
		made = xasprintf("%s/%.*s.json", dir, (int)(strrchr(name, '.') - name), name);
		ret = fs_mkdir_p(dir, 0755, err);
		if (!ret && !fs_exists(made))
			ret = fs_write_atomic(made, json.buf, json.len, 0644, err);
	}
	if (!ret && made) {
		free(*path);
		*path = made;
		made = NULL;
	}
out:
	json_free(value);
	free(dir);
	free(made);
	strbuf_release(&text);
	strbuf_release(&json);
	strbuf_release(&hex);
	return ret;
}

static void look_at_definition(struct package *p, const struct stack_resource *r,
	const char *location, struct err_list *errors)
{
	struct err err = ERR_INIT;
	char *path = package_path_beside(r, location), *file = xstrdup(path);

	if (map_has(&p->scripts, path))
		goto out;
	if (!fs_exists(path)) {
		err_set(&err, ERR_NOT_FOUND, "'%s' does not exist", path);
		add_error(errors, r, err.text, NULL);
	} else if (as_json(p, &file, &err) == 0 && add_script(p, file, r, &err) == 0) {
		if (strcmp(file, path) != 0)
			map_put(&p->scripts, path, xstrdup(map_get(&p->scripts, file)));
	} else if (err.file) {
		err_in(&err, r->stack->name, r->template->logical_id);
		err_list_take(errors, &err);
	} else {
		add_error(errors, r, err.text, NULL);
	}
out:
	err_release(&err);
	free(path);
	free(file);
}

/* A local file stands where {Bucket, Key} would: as a text that is no address. */
static void look_at_machine(
	struct package *p, const struct stack_resource *r, struct err_list *errors)
{
	struct eval eval = {.stack = r->stack};
	const struct yaml_node *node = yaml_get(r->template->properties, PACKAGE_MACHINE_PLACE);
	struct json *value = NULL;
	struct err err = ERR_INIT;
	char *path;

	if (!node)
		return;
	path = xasprintf("Resources.%s.Properties." PACKAGE_MACHINE_PLACE, r->template->logical_id);
	if (stack_eval(&eval, node, path, &value, &err) != 0) {
		err_in(&err, r->stack->name, r->template->logical_id);
		err_list_take(errors, &err);
	} else if (json_str(value) && !strstr(json_str(value), "://")) {
		look_at_definition(p, r, json_str(value), errors);
	}
	json_free(value);
	free(path);
}

/* --- programs --- */

static bool is_program(const char *dir, const char *name)
{
	char *path = fs_join(dir, name);
	struct stat st;
	bool is = *name != '.' && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		  access(path, X_OK) == 0 && elf_file_is(path);

	free(path);
	return is;
}

static void list_programs(const char *dir, struct strvec *names)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_program(dir, e->d_name))
			strvec_push(names, e->d_name);
	if (d)
		closedir(d);
	strvec_sort(names);
}

static void missing_program(struct package *p, const struct stack_resource *r, const char *name,
	struct err_list *errors)
{
	struct strvec known = STRVEC_INIT;
	struct suggest suggest;
	char *text, *hint = NULL, *names;
	const char *near;

	list_programs(p->programs_dir, &known);
	suggest_init(&suggest, name);
	for (size_t i = 0; i < known.nr; i++)
		suggest_offer(&suggest, known.v[i]);
	near = suggest_near(&suggest);
	names = strvec_join(&known, ", ");
	text = known.nr ? xasprintf("there is no job program '%s'; there are: %s", name, names)
			: xasprintf("there is no job program '%s': '%s' holds none; `make` builds "
				    "them",
				  name, p->programs_dir);
	if (near)
		hint = xasprintf("did you mean '%s'?", near);
	add_error(errors, r, text, hint);
	free(text);
	free(hint);
	free(names);
	strvec_release(&known);
}

/* --- looking at the project --- */

int package_script_location(const struct stack_resource *r, char **location, struct err *err)
{
	struct eval eval = {.stack = r->stack};
	const struct yaml_node *command = yaml_get(r->template->properties, "Command");
	struct json *value = NULL;
	char *path;
	int ret;

	*location = NULL;
	if (!command)
		return 0;
	path = xasprintf("Resources.%s.Properties.Command", r->template->logical_id);
	ret = stack_eval(&eval, command, path, &value, err);
	free(path);
	if (ret != 0)
		return -1;
	*location = xstrdup(json_get_str(value, "ScriptLocation"));
	json_free(value);
	return 0;
}

static void look_at_script(struct package *p, const struct stack_resource *r, const char *location,
	struct err_list *errors)
{
	struct err err = ERR_INIT;
	char *path = package_path_beside(r, location);

	if (!map_has(&p->scripts, path) && add_script(p, path, r, &err) != 0)
		add_error(errors, r, err.text, NULL);
	err_release(&err);
	free(path);
}

static void look_at_job(struct package *p, const struct stack_resource *r, struct err_list *errors)
{
	struct err err = ERR_INIT;
	char *location = NULL;

	if (package_script_location(r, &location, &err) != 0) {
		err_in(&err, r->stack->name, r->template->logical_id);
		err_list_take(errors, &err);
		return;
	}
	switch (location ? package_script_kind(location) : SCRIPT_ELSEWHERE) {
	case SCRIPT_FILE:
		look_at_script(p, r, location, errors);
		break;
	case SCRIPT_PROGRAM:
		if (!is_program(p->programs_dir, location)) {
			missing_program(p, r, location, errors);
		} else if (!strvec_has(&p->programs, location)) {
			strvec_push(&p->programs, location);
			if (!p->programs_stack)
				p->programs_stack = xstrdup(r->stack->name);
		}
		break;
	case SCRIPT_ELSEWHERE:
		break;
	}
	free(location);
}

static void look_at(struct package *p, const struct stack_resource *r, struct err_list *errors)
{
	if (strcmp(r->template->type, PACKAGE_JOB_TYPE) == 0)
		look_at_job(p, r, errors);
	else if (package_is_machine(r))
		look_at_machine(p, r, errors);
}

/* What a condition keeps out now may come with other values; what of it is not known now stays as it is written. */
static void look_at_absent(struct package *p, struct stack *stack)
{
	const struct template *t = stack->template;
	struct err_list ignored = ERR_LIST_INIT;

	for (size_t i = 0; i < t->nr_resources; i++) {
		const struct stack_resource r = {.template = &t->resources[i], .stack = stack};
		if (!stack_find(stack, r.template->logical_id))
			look_at(p, &r, &ignored);
	}
	err_list_release(&ignored);
}

static void look_at_project(
	struct package *p, const struct project *project, struct err_list *errors)
{
	for (size_t s = 0; s < project->nr_stacks; s++) {
		const struct stack *stack = project->stacks[s];

		for (size_t i = 0; i < stack->nr_resources; i++)
			look_at(p, &stack->resources[i], errors);
		if (p->all_conditions)
			look_at_absent(p, project->stacks[s]);
	}
}

/* --- making what is needed --- */

static int make_bundle(struct package *p, struct err *err)
{
	struct bundle b;

	if (bundle_build(p->programs_dir, &p->programs, p->dir, p->any_machine, &b, err) != 0)
		return -1;
	p->bundle = add_artifact(p, xasprintf("Program-%.8s", b.sha256), p->programs_stack, b.path,
		xasprintf("%sprograms/%s.tar.gz", p->prefix, b.sha256), b.sha256, b.size);
	bundle_release(&b);
	return 0;
}

static int make_launcher(struct package *p, struct err *err)
{
	struct strbuf hex = STRBUF_INIT;
	size_t len;
	const char *text = launcher_text(&len);
	char *path;
	int ret = 0;

	digest_sha256_hex(text, len, &hex);
	path = xasprintf("%s/launcher-%s.py", p->dir, hex.buf);
	if (!fs_exists(path))
		ret = fs_write_atomic(path, text, len, 0644, err);
	if (ret == 0)
		p->launcher = add_artifact(p, xasprintf("Launcher-%.8s", hex.buf),
			p->programs_stack, path, xasprintf("%slauncher/%s.py", p->prefix, hex.buf),
			hex.buf, (long long)len);
	strbuf_release(&hex);
	free(path);
	return ret;
}

/* Beside the programs, where all projects share them, unless these are installed for everybody. */
static char *bundle_dir(const struct package_opts *opts)
{
	return access(opts->programs_dir, W_OK) == 0 ? fs_join(opts->programs_dir, ".bundles")
						     : xstrdup(opts->cache_dir);
}

struct package *package_new(const struct package_opts *opts, struct err_list *errors,
	unused_arg struct err_list *warnings)
{
	struct package *p = xcalloc(1, sizeof(*p));
	struct err err = ERR_INIT;
	size_t before = errors->nr;

	strvec_init(&p->programs);
	strvec_init(&p->texts);
	map_init(&p->scripts, free);
	p->programs_dir = xstrdup(opts->programs_dir);
	p->dir = bundle_dir(opts);
	p->any_machine = opts->any_machine;
	p->all_conditions = opts->all_conditions;
	p->project = opts->project;
	strvec_init(&p->inlined);
	if (s3_uri_split(opts->artifacts, &p->bucket, &p->prefix, &err) == 0)
		look_at_project(p, opts->project, errors);
	if (!err.code && errors->nr == before && p->programs.nr && make_bundle(p, &err) == 0 &&
		make_launcher(p, &err) != 0)
		err_wrap(&err, "launcher");
	if (err.code)
		err_list_take(errors, &err);
	if (errors->nr == before)
		return p;
	package_free(p);
	return NULL;
}

void package_free(struct package *p)
{
	if (!p)
		return;
	free(p->bucket);
	free(p->prefix);
	free(p->programs_dir);
	free(p->dir);
	free(p->programs_stack);
	free(p->bundle);
	free(p->launcher);
	free(p->v);
	strvec_release(&p->programs);
	strvec_release(&p->texts);
	strvec_release(&p->inlined);
	map_release(&p->scripts);
	free(p);
}

const struct package_artifact *package_artifacts(const struct package *p, size_t *nr)
{
	*nr = p->nr;
	return p->v;
}

/* --- rewriting --- */

static int start_program(struct package *p, const char *name, struct json *props,
	struct json *command, struct err *err)
{
	struct json *arguments = json_get(props, "DefaultArguments");

	if (!strvec_has(&p->programs, name))
		return err_set(err, ERR_USAGE,
			"the program '%s' became known too late to be bundled: name it in the "
			"template "
			"or in a parameter",
			name);
	if (!json_is(arguments, JSON_OBJECT)) {
		arguments = json_object();
		json_set(props, "DefaultArguments", arguments);
	}
	if (!json_is_unknown(arguments)) {
		json_set_str(arguments, "--glueproj-bundle", p->bundle);
		json_set_str(arguments, "--glueproj-program", name);
	}
	json_set_str(command, "ScriptLocation", p->launcher);
	return 0;
}

/* A text becomes {Bucket, Key}: that of the upload, or of the address that it is. */
static int prepare_machine(
	struct package *p, const struct stack_resource *r, struct json *props, struct err *err)
{
	const char *location = json_get_str(props, PACKAGE_MACHINE_PLACE), *uri = location;
	char *path = NULL, *bucket = NULL, *key = NULL;
	struct json *place;
	int ret = 0;

	if (!location)
		return 0;
	if (!strstr(location, "://")) {
		path = package_path_beside(r, location);
		uri = map_get(&p->scripts, path);
		if (!uri)
			ret = err_set(err, ERR_USAGE,
				"the definition '%s' became known too late to be uploaded: name it "
				"in "
				"the template or in a parameter",
				path);
	}
	if (!ret)
		ret = s3_uri_split(uri, &bucket, &key, err);
	if (!ret) {
		place = json_object();
		json_set_str(place, "Bucket", bucket);
		json_set_str(place, "Key", key);
		json_set(props, PACKAGE_MACHINE_PLACE, place);
	} else {
		err_in(err, r->stack->name, r->template->logical_id);
	}
	free(path);
	free(bucket);
	free(key);
	return ret;
}

int package_prepare(
	void *package, const struct stack_resource *r, struct json *props, struct err *err)
{
	struct package *p = package;
	struct json *command = json_get(props, "Command");
	char *location = xstrdup(json_get_str(command, "ScriptLocation")), *path;
	const char *uri;
	int ret = 0;

	if (package_is_machine(r))
		ret = prepare_machine(p, r, props, err);
	if (!location || strcmp(r->template->type, PACKAGE_JOB_TYPE) != 0)
		goto out;
	switch (package_script_kind(location)) {
	case SCRIPT_PROGRAM:
		ret = start_program(p, location, props, command, err);
		break;
	case SCRIPT_FILE:
		path = package_path_beside(r, location);
		uri = map_get(&p->scripts, path);
		if (uri)
			json_set_str(command, "ScriptLocation", uri);
		else
			ret = err_set(err, ERR_USAGE,
				"the script '%s' became known too late to be uploaded: name it in "
				"the "
				"template or in a parameter",
				path);
		free(path);
		break;
	case SCRIPT_ELSEWHERE:
		break;
	}
	if (ret != 0)
		err_in(err, r->stack->name, r->template->logical_id);
out:
	free(location);
	return ret;
}
