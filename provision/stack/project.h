#ifndef PROJECT_H
#define PROJECT_H

/*
 * glueproj.yaml, the config file, parameter files, environment and --set put together: all stacks bound, ready to
 * be planned. Also the project of one stack that `create NAME --template F` makes without a file.
 */
#include "stack.h"

struct project_upload {
	struct strvec files; /* local files that the glob matched, sorted */
	char *pattern;       /* as written */
	char *base;          /* folder that file names are relative to */
	char *to;            /* as written: "s3://${Bucket}/prefix/" */
	const char *file;
	int line, column;
};

struct project_action { /* AfterSetup */
	char *kind;     /* "StartCrawler" */
	char *target;   /* as written: "${CrawlerName}" */
	const char *file;
	int line, column;
};

struct project_stack_entry {
	char *name, *template_path, *parameters_path; /* parameters_path NULL: none */
	int line, column;
};

struct project {
	struct arena arena;
	char *name, *dir, *file; /* file NULL: no project file */
	char *config_path;       /* NULL: none */
	char *region;            /* from the file; NULL */
	char *home;              /* bucket name, may hold ${…}; NULL: default */
	char *artifacts;         /* "s3://…/" as written; NULL: in Home */
	struct project_stack_entry *entries;
	size_t nr_entries;
	struct stack **stacks; /* as entries; NULL before project_bind */
	size_t nr_stacks;
	struct project_upload *uploads;
	size_t nr_uploads;
	struct project_action *actions;
	size_t nr_actions;
	struct param_value *config_values; /* of the config file */
	size_t nr_config_values;
};

struct project_opts {
	const char *path;          /* -p: file or folder; NULL: this folder or the nearest parent */
	const char *config;        /* --config; NULL: the project file's */
	const struct strvec *sets; /* "NAME=VALUE", "NAME=@FILE", "NAME=@-" */
	/* instead of a project file: */
	const char *template_path, *parameters_path, *stack_name;
	const char *project_name; /* GLUEPROJ_PROJECT; NULL: the stack's name (or file's Project) */
	bool lenient_uploads;     /* teardown, delete: a glob that matches nothing is fine */
};

/* Finds and reads the project file and the config file; no templates yet. Caller's, to be given to project_free. */
struct project *project_load(const struct project_opts *opts, struct err_list *errors);
/*
 * Loads and binds all templates. Order of values: --set, GLUEPROJ_PARAM_<Name>, config file, parameter file, Default.
 * A config key that no template has as parameter is an error with its place and the nearest name; so is a --set or
 * GLUEPROJ_PARAM_ name; a parameter file's unknown name is an error too, as with CloudFormation.
 * Region and account come from ctx. 0 or -1.
 */
int project_bind(struct project *p, const struct project_opts *opts,
	const struct stack_context *ctx, const struct schema_set *types, struct err_list *errors,
	struct err_list *warnings) must_check;
void project_free(struct project *p);
struct stack *project_stack(const struct project *p, const char *name);

/* Expands ${Name} in Uploads, Artifacts, Home and AfterSetup: parameters of any stack (one name with two values is
 * ERR_USAGE), outputs through `eval_output` (1: unknown yet), pseudo parameters. Malloc'd *out. Returns 0, 1 (unknown), -1. */
typedef int project_output_fn(void *payload, const char *output, char **value, struct err *err);
int project_expand(const struct project *p, const char *text, project_output_fn *eval_output,
	void *payload, char **out, struct err *err) must_check;

/* Edits for `config set`: see yaml_edit_set. `config list/get` print config_values. */

/* <project>-<stack>-<logicalid>-<h> as CONTRACT.md derives it, cut in the middle to `max`; malloc'd. */
char *derive_name(const char *project, const char *stack, const char *logical_id,
	const char *account, const char *region, enum name_case c, size_t max);

#endif
