/* config: the values that a user edits, with comments and order kept. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "fs.h"
#include "yaml.h"

#define MAX_CONFIG_BYTES (1u << 20)

static int need_file(struct session *s, struct err *err)
{
	if (s->project->config_path)
		return 0;
	err_set(err, ERR_USAGE, "project '%s' has no config file", s->project->name);
	return err_hint(err, "name one under Config in '%s'", s->project->file);
}

static const struct param_value *find(const struct session *s, const char *name)
{
	for (size_t i = 0; i < s->project->nr_config_values; i++)
		if (!strcmp(s->project->config_values[i].name, name))
			return &s->project->config_values[i];
	return NULL;
}

/* A value that comes from a variable or a file is shown as it is written, never as what it holds. */
static int written(const struct session *s, struct json *values, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct yaml_node *root = yaml_load(&arena, s->project->config_path, MAX_CONFIG_BYTES, err);

	for (size_t i = 0; root && root->kind == YAML_MAPPING && i < root->nr; i++) {
		const struct yaml_node *key = root->pairs[i].key, *v = root->pairs[i].value;
		const struct param_value *p = find(s, key->text);
		char *shown = v->tag ? xasprintf("%s %s", v->tag, v->text ? v->text : "") : NULL;

		json_set_str(values, key->text, shown ? shown : (p ? p->text : v->text));
		free(shown);
	}
	arena_release(&arena);
	return root ? 0 : -1;
}

static int config_list(struct session *s, struct err *err)
{
	struct json *values = json_object(), *v;

	if (need_file(s, err) < 0 || written(s, values, err) < 0) {
		json_free(values);
		return -1;
	}
	if (!s->json)
		json_each(v, values) printf("%s: %s\n", json_name(v), json_str(v));
	json_set(s->doc, "config", values);
	json_set_str(s->doc, "file", s->project->config_path);
	return 0;
}

static int config_get(struct session *s, const char *name, struct err *err)
{
	struct json *values = json_object();
	int ret = -1;

	if (need_file(s, err) < 0 || written(s, values, err) < 0)
		goto out;
	if (!json_get_str(values, name)) {
		err_set(err, ERR_NOT_FOUND, "'%s' has no '%s'", s->project->config_path, name);
		goto out;
	}
	if (!s->json)
		printf("%s\n", json_get_str(values, name));
	json_set_str(s->doc, "name", name);
	json_set_str(s->doc, "value", json_get_str(values, name));
	ret = 0;
out:
	json_free(values);
	return ret;
}

/* Whether it may name a parameter: then what no stack takes is told with its place, and the nearest name, by all other commands. */
static bool is_parameter_name(const char *name)
{
	size_t n = 0;

	while (isalnum((unsigned char)name[n]))
		n++;
	return n && !name[n];
}

/* What one value may take the place of: not a map, whose entries would be gone without a word. */
static int check_settable(const char *path, const char *name, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct yaml_node *root;
	const struct yaml_node *old;
	int ret = 0;

	if (!is_parameter_name(name)) {
		err_set(err, ERR_USAGE, "'%s' is no parameter's name: letters and digits", name);
		return err_hint(err, "the entries of a map are changed in '%s'", path);
	}
	root = yaml_load(&arena, path, MAX_CONFIG_BYTES, err);
	old = root ? yaml_get(root, name) : NULL;
	if (!root) {
		ret = -1;
	} else if (old && old->kind == YAML_MAPPING) {
		ret = err_at(err, path, old->line, old->column, NULL,
			"'%s' is a map: a single value would take its place", name);
		err_hint(err, "change its entries in the file");
	}
	arena_release(&arena);
	return ret;
}

static int config_set(
	struct session *s, const char *name, char *const *values, size_t nr, struct err *err)
{
	struct strbuf old = STRBUF_INIT, edited = STRBUF_INIT;
	int ret = -1;

	if (need_file(s, err) < 0 || check_settable(s->project->config_path, name, err) < 0)
		goto out;
	if (fs_read(s->project->config_path, MAX_CONFIG_BYTES, &old, err) < 0 ||
		yaml_edit_set(s->project->config_path, old.buf, old.len, name,
			(const char *const *)values, nr, nr > 1, &edited, err) < 0 ||
		fs_write_atomic(s->project->config_path, edited.buf, edited.len, 0644, err) < 0)
		goto out;
	json_set_str(s->doc, "name", name);
	json_set_str(s->doc, "file", s->project->config_path);
	ret = 0;
out:
	strbuf_release(&old);
	strbuf_release(&edited);
	return ret;
}

int cmd_config(struct session *s)
{
	const char *verb = s->operands.v[0];
	struct err err = ERR_INIT;
	int ret;

	if (!strcmp(verb, "list") && s->operands.nr == 1)
		ret = config_list(s, &err);
	else if (!strcmp(verb, "get") && s->operands.nr == 2)
		ret = config_get(s, s->operands.v[1], &err);
	else if (!strcmp(verb, "set") && s->operands.nr >= 3)
		ret = config_set(s, s->operands.v[1], s->operands.v + 2, s->operands.nr - 2, &err);
	else
		ret = err_set(&err, ERR_USAGE, "config takes %s", s->command->operands);
	return ret ? session_fail(s, &err) : 0;
}
