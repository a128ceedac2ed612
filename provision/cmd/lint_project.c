/* Glue lint of the whole project: what resource/lint.h asks for, gathered from engine, package and project file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "cmd.h"
#include "elffile.h"
#include "fs.h"
#include "lint.h"

/* More than any job program has: DuckDB itself is a library. */
#define MAX_PROGRAM_BYTES (256u << 20)

struct gathered {
	struct lint_resource *v;
	size_t nr, alloc;
};

static void gather(void *payload, const struct engine_resource *r)
{
	struct gathered *g = payload;

	ALLOC_GROW(g->v, g->nr, g->alloc);
	g->v[g->nr++] = (struct lint_resource){.decl = r->decl,
		.name = r->name,
		.props = r->props,
		.secret_paths = r->secret_paths};
}

/* All programs are linked with the library; one that opens it names duckdb_open among the symbols that it wants. */
static bool wants_duckdb(const char *path)
{
	static const char symbol[] = "\0duckdb_open";
	struct elf_file elf = ELF_FILE_INIT;
	struct strbuf bytes = STRBUF_INIT;
	struct err ignored = ERR_INIT;
	bool linked = false, wants = false;

	if (!elf_file_read(path, &elf, &ignored))
		for (size_t i = 0; i < elf.needed.nr; i++)
			linked = linked || starts_with(elf.needed.v[i], "libduckdb.so");
	if (linked && !fs_read(path, MAX_PROGRAM_BYTES, &bytes, &ignored))
		wants = memmem(bytes.buf, bytes.len, symbol, sizeof(symbol) - 1) != NULL;
	strbuf_release(&bytes);
	elf_file_release(&elf);
	err_release(&ignored);
	return wants;
}

/* `program` as a job has it: a bare name is a program of ours, all else a script. */
static bool opens_duckdb(void *programs_dir, const char *program)
{
	bool opens;
	char *path;

	if (!*program || strchr(program, '/') || strchr(program, '.'))
		return false;
	path = fs_join(programs_dir, program);
	opens = wants_duckdb(path);
	free(path);
	return opens;
}

/* Where programs will lie, as far as that hangs on no account; malloc'd, NULL while nobody knows. */
static char *artifacts_place(struct session *s, struct engine *e)
{
	char *place = NULL;
	struct err ignored = ERR_INIT;

	if (s->aws)
		return xstrdup(s->artifacts);
	if (s->project->artifacts && project_expand(s->project, s->project->artifacts,
					     engine_output_value, e, &place, &ignored)) {
		free(place);
		place = NULL;
	}
	err_release(&ignored);
	if (place && !ends_with(place, "/")) {
		char *with = xasprintf("%s/", place);
		free(place);
		place = with;
	}
	return place;
}

int lint_project(struct session *s, struct engine *e)
{
	struct gathered g = {0};
	size_t before = s->errors.nr;
	struct err ignored = ERR_INIT;
	char *dir = fs_program_dir(&ignored), *programs = dir ? fs_join(dir, "jobs") : NULL;
	char *artifacts = artifacts_place(s, e);

	engine_look(e, gather, &g);
	lint_run(
		&(struct lint_input){
			.v = g.v,
			.nr = g.nr,
			.stacks = s->project->stacks,
			.nr_stacks = s->project->nr_stacks,
			.partition = s->ctx.partition,
			.region = s->ctx.region,
			.account = s->ctx.account,
			.artifacts = artifacts,
			.now_ms = clock_system()->now_ms(clock_system()),
			.opens_duckdb = programs ? opens_duckdb : NULL,
			.payload = programs,
		},
		&s->errors, &s->warnings);
	free(g.v);
	free(artifacts);
	free(programs);
	free(dir);
	err_release(&ignored);
	return s->errors.nr > before ? -1 : 0;
}

/* --- validate --list-rules --- */

int lint_list_rules(struct session *s)
{
	static const char *const severities[] = {"warning", "error"};
	struct json *rules = json_array();
	struct table *t = s->json ? NULL : table_new(3);

	if (t)
		table_row(t, (const char *[]){"RULE", "SEVERITY", "WHAT HOLDS"});
	for (const struct lint_rule *k = lint_rules; k->id; k++) {
		struct json *rule = json_object();

		json_set_str(rule, "rule", k->id);
		json_set_str(rule, "severity", severities[k->severity]);
		json_set_str(rule, "title", k->title);
		json_push(rules, rule);
		if (t)
			table_row(t, (const char *[]){k->id, severities[k->severity], k->title});
	}
	json_set(s->doc, "rules", rules);
	if (t)
		table_print(t, true);
	return 0;
}
