#include "values.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fs.h"
#include "report.h"
#include "strbuf.h"

#define FILE_MAX_BYTES (4 << 20)
#define VALUE_MAX_BYTES (1 << 20)
#define ENV_PREFIX "GLUEPROJ_PARAM_"

void values_release(struct values *values)
{
	free(values->v);
	*values = (struct values)VALUES_INIT;
}

void values_add(struct values *values, char *name, char *text, const struct param_source *source)
{
	ALLOC_GROW(values->v, values->nr, values->alloc);
	values->v[values->nr++] =
		(struct param_value){.name = name, .text = text, .source = *source};
}

void values_add_copy(struct values *values, const struct param_value *v)
{
	ALLOC_GROW(values->v, values->nr, values->alloc);
	values->v[values->nr++] = *v;
}

const struct param_value *values_find(const struct values *values, const char *name)
{
	for (size_t i = 0; i < values->nr; i++)
		if (!strcmp(values->v[i].name, name))
			return &values->v[i];
	return NULL;
}

/* A file being read into values. */
struct source_file {
	struct arena *a;
	const char *file;
	struct values *out;
	struct err_list *errors;
	struct param_missing *missing; /* of the config key at hand */
};

static struct yaml_node *load(struct source_file *f, const char *path)
{
	struct err err = ERR_INIT;
	f->file = arena_strdup(f->a, path);
	struct yaml_node *root = yaml_load(f->a, f->file, FILE_MAX_BYTES, &err);
	if (!root) {
		err.code = ERR_USAGE;
		err_list_take(f->errors, &err);
	}
	return root;
}

static void add_at(
	struct source_file *f, const char *name, const char *text, const struct yaml_node *at)
{
	const struct param_source source = {f->file, f->file, at->line, at->column};
	if (values_find(f->out, name) && values_find(f->out, name)->source.file == f->file) {
		report(f->errors, f->file, at, NULL, "'%s' is there twice", name);
		return;
	}
	values_add(f->out, arena_strdup(f->a, name), arena_strdup(f->a, text), &source);
}

/* The content without its last line end, which editors add. NULL with an error. */
static char *read_value_file(struct arena *a, const char *path, struct err *err)
{
	struct strbuf sb = STRBUF_INIT;
	char *text = NULL;
	if (!fs_read(path, VALUE_MAX_BYTES, &sb, err)) {
		if (sb.len && sb.buf[sb.len - 1] == '\n')
			strbuf_setlen(&sb, sb.len - 1);
		if (sb.len && sb.buf[sb.len - 1] == '\r')
			strbuf_setlen(&sb, sb.len - 1);
		if (strlen(sb.buf) != sb.len)
			err_set(err, ERR_USAGE, "'%s' holds a NUL byte", path);
		else
			text = arena_strdup(a, sb.buf);
	}
	if (sb.len)
		wipe(sb.buf, sb.len);
	strbuf_release(&sb);
	return text;
}

/* --- config file --- */
static const char *miss(struct source_file *f, const struct yaml_node *n, char *text, char *hint)
{
	if (!f->missing) {
		f->missing = arena_alloc(f->a, sizeof(*f->missing));
		*f->missing = (struct param_missing){
			arena_strdup(f->a, text), arena_strdup(f->a, hint), n->line, n->column};
	}
	free(text);
	free(hint);
	return "";
}

static const char *tagged_value(struct source_file *f, const struct yaml_node *n, const char *key)
{
	if (n->kind == YAML_SCALAR && !strcmp(n->tag, "!Env")) {
		const char *value = getenv(n->text);
		if (value)
			return value;
		return miss(f, n, xasprintf("environment variable '%s' is not set", n->text),
			xasprintf("config key '%s' takes its value from it: export %s, or give "
				  "--set %s=@FILE",
				key, n->text, key));
	}
	if (n->kind == YAML_SCALAR && !strcmp(n->tag, "!File")) {
		char *dir = fs_dirname(f->file), *path = fs_join(dir, n->text);
		struct err err = ERR_INIT;
		const char *value = read_value_file(f->a, path, &err);
		if (!value)
			value = miss(f, n, xstrdup(err.text),
				xasprintf("config key '%s' takes its value from it", key));
		err_release(&err);
		free(dir);
		free(path);
		return value;
	}
	report(f->errors, f->file, n, key, "'%s' is unknown here", n->tag);
	report_hint(f->errors, "the config file knows !Env NAME and !File PATH");
	return NULL;
}

static const char *config_scalar(struct source_file *f, const struct yaml_node *n, const char *key)
{
	if (n->tag)
		return tagged_value(f, n, key);
	if (n->kind != YAML_SCALAR) {
		report(f->errors, f->file, n, key,
			"config key '%s' must be a value or a list of values", key);
		return NULL;
	}
	if (yaml_scalar_type(n) == YAML_T_NULL) {
		report(f->errors, f->file, n, key, "config key '%s' has no value", key);
		report_hint(f->errors, "write \"\" for an empty text, or leave the key out");
		return NULL;
	}
	return n->text;
}

static void add_config_value(
	struct source_file *f, const char *key, const char *text, const struct yaml_node *at)
{
	size_t before = f->out->nr;
	add_at(f, key, text, at);
	if (f->out->nr > before)
		f->out->v[before].missing = f->missing;
}

static void add_config_list(struct source_file *f, const struct yaml_node *n, const char *key)
{
	struct strbuf text = STRBUF_INIT;
	bool ok = true;
	for (size_t i = 0; i < n->nr; i++) {
		const char *item = config_scalar(f, n->items[i], key);
		if (item && strchr(item, ',')) {
			report(f->errors, f->file, n->items[i], key,
				"an item of the list '%s' holds a comma", key);
			report_hint(f->errors,
				"CloudFormation joins lists by commas: give one text instead");
		}
		ok = ok && item && !strchr(item, ',');
		strbuf_addf(&text, "%s%s", i ? "," : "", item ? item : "");
	}
	if (ok)
		add_config_value(f, key, f->missing ? "" : text.buf, n);
	strbuf_release(&text);
}

/* The keys of a map, as a list would have them; what stands in it, the template's mapping of that name tells. */
static void add_config_map(struct source_file *f, const struct yaml_pair *pair)
{
	const struct yaml_node *n = pair->value;
	struct strbuf keys = STRBUF_INIT;
	size_t before = f->out->nr;
	for (size_t i = 0; i < n->nr; i++)
		strbuf_addf(&keys, "%s%s", i ? "," : "", n->pairs[i].key->text);
	add_at(f, pair->key->text, keys.buf, pair->key);
	if (f->out->nr > before)
		f->out->v[before].map = pair->value;
	strbuf_release(&keys);
}

int values_read_config(
	struct arena *a, const char *path, struct values *out, struct err_list *errors)
{
	struct source_file f = {.a = a, .out = out, .errors = errors};
	size_t before = errors->nr;
	const struct yaml_node *root = load(&f, path);
	if (root && (root->kind != YAML_MAPPING || root->tag))
		report(errors, f.file, root, NULL,
			"a config file must be a mapping of names to values");
	else
		for (size_t i = 0; root && i < root->nr; i++) {
			const char *key = root->pairs[i].key->text;
			const struct yaml_node *v = root->pairs[i].value;
			f.missing = NULL;
			if (v->kind == YAML_SEQUENCE && !v->tag) {
				add_config_list(&f, v, key);
				continue;
			}
			if (v->kind == YAML_MAPPING && !v->tag) {
				add_config_map(&f, &root->pairs[i]);
				continue;
			}
			const char *text = config_scalar(&f, v, key);
			if (text)
				add_config_value(&f, key, text, root->pairs[i].key);
		}
	return errors->nr > before ? -1 : 0;
}

/* --- CloudFormation parameter files --- */
static bool is_text(const struct yaml_node *n)
{
	return n && n->kind == YAML_SCALAR && !n->tag && yaml_scalar_type(n) != YAML_T_NULL;
}

static void add_key_value_text(struct source_file *f, const struct yaml_node *n)
{
	const char *equals = strchr(n->text, '=');
	if (!equals || equals == n->text) {
		report(f->errors, f->file, n, NULL, "a parameter must be written \"Name=Value\"");
		return;
	}
	add_at(f, arena_strndup(f->a, n->text, (size_t)(equals - n->text)), equals + 1, n);
}

static void add_parameter_entry(struct source_file *f, const struct yaml_node *n)
{
	static const char *const known[] = {
		"ParameterKey", "ParameterValue", "UsePreviousValue", "ResolvedValue"};
	if (is_text(n)) {
		add_key_value_text(f, n);
		return;
	}
	const struct yaml_node *key = yaml_get(n, "ParameterKey");
	const struct yaml_node *value = yaml_get(n, "ParameterValue");
	for (size_t i = 0; n->kind == YAML_MAPPING && i < n->nr; i++) {
		const struct yaml_node *k = n->pairs[i].key;
		struct suggest s;
		bool ok = false;
		suggest_init(&s, k->text);
		for (size_t j = 0; j < ARRAY_SIZE(known); j++) {
			ok = ok || !strcmp(known[j], k->text);
			suggest_offer(&s, known[j]);
		}
		if (ok)
			continue;
		report(f->errors, f->file, k, NULL, "unknown key '%s' in a parameter", k->text);
		report_suggest(f->errors, &s);
		return;
	}
	const struct yaml_node *previous = yaml_get(n, "UsePreviousValue");
	if (is_text(previous) && iequals(previous->text, "true"))
		report(f->errors, f->file, previous, NULL,
			"UsePreviousValue is not supported: glueproj keeps no parameter values");
	else if (!is_text(key) || !is_text(value))
		report(f->errors, f->file, n, NULL,
			"a parameter must be {\"ParameterKey\": …, \"ParameterValue\": …}, both "
			"texts");
	else
		add_at(f, key->text, value->text, value);
}

static void add_parameter_map(struct source_file *f, const struct yaml_node *n)
{
	for (size_t i = 0; i < n->nr; i++) {
		const struct yaml_node *v = n->pairs[i].value;
		if (is_text(v))
			add_at(f, n->pairs[i].key->text, v->text, v);
		else
			report(f->errors, f->file, v, NULL,
				"the value of parameter '%s' must be a text",
				n->pairs[i].key->text);
	}
}

int values_read_parameters(
	struct arena *a, const char *path, struct values *out, struct err_list *errors)
{
	struct source_file f = {.a = a, .out = out, .errors = errors};
	size_t before = errors->nr;
	const struct yaml_node *root = load(&f, path);
	if (!root)
		return -1;
	const struct yaml_node *map = yaml_get(root, "Parameters");
	if (map && map->kind == YAML_MAPPING) {
		add_parameter_map(&f, map);
	} else if (root->kind == YAML_SEQUENCE) {
		for (size_t i = 0; i < root->nr; i++)
			add_parameter_entry(&f, root->items[i]);
	} else {
		report(errors, f.file, root, NULL, "this is not a parameter file");
		report_hint(errors,
			"write [{\"ParameterKey\": \"Name\", \"ParameterValue\": \"value\"}, …]");
	}
	return errors->nr > before ? -1 : 0;
}

/* --- environment, --set --- */
static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void values_read_environment(struct arena *a, struct values *out)
{
	size_t nr = 0, used = 0;
	while (environ && environ[nr])
		nr++;
	char **found = xcalloc(nr + 1, sizeof(*found));
	for (size_t i = 0; i < nr; i++) {
		const char *equals = strchr(environ[i], '=');
		if (equals && starts_with(environ[i], ENV_PREFIX) &&
			equals > environ[i] + strlen(ENV_PREFIX))
			found[used++] = environ[i];
	}
	qsort(found, used, sizeof(*found), by_text);
	for (size_t i = 0; i < used; i++) {
		const char *equals = strchr(found[i], '='), *name = found[i] + strlen(ENV_PREFIX);
		const struct param_source source = {
			.what = arena_strndup(a, found[i], (size_t)(equals - found[i]))};
		values_add(out, arena_strndup(a, name, (size_t)(equals - name)),
			arena_strdup(a, equals + 1), &source);
	}
	free(found);
}

int values_read_sets(
	struct arena *a, const struct strvec *sets, struct values *out, struct err_list *errors)
{
	size_t before = errors->nr;
	bool used_stdin = false;
	/* The first of a name counts, so the last one given comes first. */
	for (size_t i = sets ? sets->nr : 0; i-- > 0;) {
		const char *text = sets->v[i], *equals = strchr(text, '=');
		struct err err = ERR_INIT;
		if (!equals || equals == text) {
			/* Not shown: it may be a value. */
			report(errors, NULL, NULL, NULL,
				"--set takes NAME=VALUE, NAME=@FILE or NAME=@-");
			continue;
		}
		char *name = arena_strndup(a, text, (size_t)(equals - text)), *value;
		const struct param_source source = {.what = "--set"};
		if (equals[1] != '@') {
			value = arena_strdup(a, equals + 1);
		} else if (!strcmp(equals + 2, "-") && used_stdin) {
			report(errors, NULL, NULL, NULL,
				"--set %s=@-: standard input was read for another one", name);
			continue;
		} else {
			used_stdin |= !strcmp(equals + 2, "-");
			value = read_value_file(a, equals + 2, &err);
		}
		if (value)
			values_add(out, name, value, &source);
		else
			report(errors, NULL, NULL, NULL, "--set %s: %s", name, err.text);
		err_release(&err);
	}
	return errors->nr > before ? -1 : 0;
}
