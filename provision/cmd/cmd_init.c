/* init: a new project, ready to run. Its files are carried in the program. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "carried.h"
#include "cmd.h"
#include "out_folder.h"

/* The bucket is <name>-<account>-<region>, of at most 63 letters: 12 of the account, 14 of the longest region. */
#define NAME_MIN 3
#define NAME_LETTERS 35

#define FROM "provision/cmd/init/"
CARRIED(init_project, FROM "glueproj.yaml");
CARRIED(init_config, FROM "config.yaml");
CARRIED(init_lake, FROM "lake.yaml");
CARRIED(init_readme, FROM "README.md");
CARRIED(init_ignore, FROM "dot-gitignore");
CARRIED(init_orders_1, FROM "data/orders/orders-2026-01.csv");
CARRIED(init_orders_2, FROM "data/orders/orders-2026-02.csv");

static const struct {
	const char *path, *begin, *end;
} files[] = {
	{"glueproj.yaml", init_project, init_project_end},
	{"config.yaml", init_config, init_config_end},
	{"lake.yaml", init_lake, init_lake_end},
	{"README.md", init_readme, init_readme_end},
	{".gitignore", init_ignore, init_ignore_end},
	{"data/orders/orders-2026-01.csv", init_orders_1, init_orders_1_end},
	{"data/orders/orders-2026-02.csv", init_orders_2, init_orders_2_end},
};

static int check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (*name >= 'a' && *name <= 'z' && len >= NAME_MIN && len <= NAME_LETTERS &&
		name[len - 1] != '-' && !strstr(name, "--") &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len)
		return 0;
	err_set(err, ERR_USAGE, "'%s' cannot be the name of a project", name);
	return err_hint(err,
		"%d to %d lower case letters, digits and single dashes, the first one a letter: "
		"names of buckets begin with it",
		NAME_MIN, NAME_LETTERS);
}

static int write_files(struct out_folder *f, const char *name, struct err *err)
{
	char *database = xstrdup(name);
	int ret = 0;

	for (char *c = database; *c; c++)
		if (*c == '-')
			*c = '_';
	for (size_t i = 0; !ret && i < ARRAY_SIZE(files); i++) {
		struct strbuf text = STRBUF_INIT;
		strbuf_add(&text, files[i].begin,
			(size_t)((uintptr_t)files[i].end - (uintptr_t)files[i].begin));
		strbuf_replace(&text, "@NAME@", name);
		strbuf_replace(&text, "@DATABASE@", database);
		ret = out_folder_write(f, files[i].path, text.buf, text.len, err);
		strbuf_release(&text);
	}
	free(database);
	return ret;
}

static void report(struct session *s, const struct out_folder *f, const char *name)
{
	struct json *list = json_array(), *e;

	json_each(e, f->files) json_push_str(list, json_get_str(e, "path"));
	json_set_str(s->doc, "name", name);
	json_set_str(s->doc, "dir", f->dir);
	json_set(s->doc, "files", list);
	if (s->json)
		return;
	printf("%s/ is a project, ready to run:\n"
	       "  cd %s\n"
	       "  glueproj --local setup\n"
	       "  glueproj --local run %s --follow\n"
	       "  glueproj --local query \"select * from orders limit 10\"\n"
	       "  glueproj --local teardown --yes\n",
		name, name, name);
}

int cmd_init(struct session *s)
{
	const char *name = s->operands.v[0];
	struct out_folder f = OUT_FOLDER_INIT;
	struct err err = ERR_INIT;
	int ret = -1;

	if (check_name(name, &err) < 0)
		goto out;
	if (out_folder_begin(&f, name, NULL, NULL, &err) < 0) {
		if (err.code == ERR_EXISTS) {
			err.code = ERR_USAGE;
			err_named(&err, "Exists");
			err_hint(&err, "init makes a new folder, or fills an empty one");
		}
		goto out;
	}
	if (write_files(&f, name, &err) < 0 || out_folder_finish(&f, &err) < 0)
		goto out;
	report(s, &f, name);
	ret = 0;
out:
	if (err.code)
		session_fail(s, &err);
	out_folder_release(&f);
	return ret;
}
