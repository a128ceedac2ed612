#ifndef PROJECT_H
#define PROJECT_H

/*
 * glueproj.yaml, the config file, parameter files, environment and --set put together: all stacks bound, ready to
 * be planned. Also the project of one stack that `create NAME --template F` makes without a file.
 */
#include "stack.h"

struct project_place {
	int line, column;
};

struct project_upload {
	struct strvec files; /* local files that the glob matched, sorted */
	char *from;          /* as written */
	char *pattern;       /* its ${…} filled in; NULL before project_bind where it has some */
	char *base;          /* folder that file names are relative to */
	char *to;            /* as written: "s3://${Bucket}/prefix/" */
	const char *file;
	int line, column; /* of From */
	struct project_place to_at;
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
	char *region;            /* from the file, its ${…} filled in; NULL: AWS's rules */
	char *region_text;       /* as written; NULL: none */
	char *home;              /* bucket name, may hold ${…}; NULL: default */
	char *artifacts;         /* "s3://…/" as written; NULL: in Home */
	struct project_place region_at, home_at, artifacts_at;
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
	struct strvec
		names; /* that the file's own strings name: ${Name} in Region, Home, Uploads, … */
	struct param_value
		*own; /* values of these from --set, environment and config file, strongest first */
	size_t nr_own;
};

struct project_opts {
	const char *path;          /* -p: file or folder; NULL: this folder or the nearest parent */
	const char *config;        /* --config; NULL: the project file's */
	const struct strvec *sets; /* "NAME=VALUE", "NAME=@FILE", "NAME=@-" */
	/* instead of a project file: */
	const char *template_path, *parameters_path, *stack_name;
	const char *project_name; /* GLUEPROJ_PROJECT; NULL: the stack's name (or file's Project) */
	bool lenient_uploads;     /* teardown, delete: a glob that matches nothing is fine */
	const char *region;       /* --region; NULL: the project file's Region counts */
	bool no_values; /* nothing is asked of a cloud: a Region without a value is fine */
};

/* Finds and reads the project file and the config file; no templates yet. Region is final: ${Name} in it is a key of the config
 * file, or given by --set or GLUEPROJ_PARAM_<Name>. Caller's, to be given to project_free. */
struct project *project_load(const struct project_opts *opts, struct err_list *errors);
/*
 * Loads and binds all templates. Order of values: --set, GLUEPROJ_PARAM_<Name>, config file, parameter file, Default.
 * A config key that no template has as parameter and no ${…} of the project file names is an error with its place and the
 * nearest name; so is a --set or GLUEPROJ_PARAM_ name; a parameter file's unknown name is an error too, as with CloudFormation.
 * Region and account come from ctx. 0 or -1.
 */
int project_bind(struct project *p, const struct project_opts *opts,
	const struct stack_context *ctx, const struct schema_set *types, struct err_list *errors,
	struct err_list *warnings) must_check;
void project_free(struct project *p);
struct stack *project_stack(const struct project *p, const char *name);

/* Expands ${Name} in Uploads, Artifacts, Home and AfterSetup: parameters of any stack (one name with two values is
 * ERR_USAGE), config keys that no stack has as a parameter, outputs through `eval_output` (1: unknown yet), pseudo parameters. Malloc'd
 * *out. Returns 0, 1 (unknown), -1. */
typedef int project_output_fn(void *payload, const char *output, char **value, struct err *err);
int project_expand(const struct project *p, const char *text, project_output_fn *eval_output,
	void *payload, char **out, struct err *err) must_check;

/* The same for a text at that place of the project file: errors name it. */
int project_expand_at(const struct project *p, const char *text, const struct project_place *at,
	const char *key, project_output_fn *eval_output, void *payload, char **out,
	struct err *err) must_check;

/* Edits for `config set`: see yaml_edit_set. `config list/get` print config_values. */

/* <project>-<stack>-<logicalid>-<h> as CONTRACT.md derives it, cut in the middle to `max`; malloc'd. */
char *derive_name(const char *project, const char *stack, const char *logical_id,
	const char *account, const char *region, enum name_case c, size_t max);

#endif
