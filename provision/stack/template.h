#ifndef TEMPLATE_H
#define TEMPLATE_H

/*
 * A CloudFormation template as written: sections split up, every part with its place, nothing evaluated.
 * All memory is the template's arena. template_load checks what can be checked without parameter values:
 * sections, resource attributes, intrinsic functions' shapes, references to things that exist.
 */
#include "arena.h"
#include "err.h"
#include "map.h"
#include "schema.h"
#include "yaml.h"

struct template_parameter {
	const char *name,
		*type; /* String, Number, CommaDelimitedList, List<Number>, AWS-specific and SSM types as written */
	struct yaml_node *default_value; /* NULL: none */
	struct yaml_node *allowed_values, *node;
	const char *allowed_pattern, *constraint_description, *description; /* NULL: none */
	bool no_echo, has_min_length, has_max_length, has_min_value, has_max_value;
	long long min_length, max_length;
	double min_value, max_value;
};

enum deletion_policy { POLICY_DELETE, POLICY_RETAIN, POLICY_RETAIN_EXCEPT_ON_CREATE };

struct template_resource {
	const char *logical_id, *type;
	struct yaml_node *node, *properties; /* properties NULL: none */
	const char **depends_on;             /* NULL-terminated */
	const char *condition;               /* NULL: none */
	enum deletion_policy deletion_policy, update_replace_policy;
	struct yaml_node *metadata; /* NULL: none */
};

struct template_output {
	const char *name;
	struct yaml_node *value, *export_name; /* export_name NULL: not exported */
	const char *condition, *description;
	struct yaml_node *node;
};

struct template
{
	struct arena arena;
	const char *file;
	struct yaml_node *root;
	struct yaml_node *written; /* root before Fn::ForEach was expanded; NULL: it is root */
	struct template_parameter *parameters;
	struct template_resource *resources;
	struct template_output *outputs;
	size_t nr_parameters, nr_resources, nr_outputs;
	struct yaml_node *mappings, *conditions, *rules, *metadata; /* NULL: none */
	bool language_extensions;
	/* Fn::ForEach and names made by functions hang on parameters: only the sections before Conditions are read, and
	 * stack_bind reads the others. */
	bool needs_values;
	const struct schema_set *types; /* as given; NULL: none */
	struct map index;               /* logical id to struct template_resource */
};

/* Caller's, to be given to template_free. All errors that could be found go to `errors` (then NULL is returned). */
struct template *template_load(const char *path, const struct schema_set *types,
	struct err_list *errors, struct err_list *warnings);
/* The second part of the reading: `root` in place of what was written. 0 or -1. */
int template_read_expanded(struct template *t, struct yaml_node *root, struct err_list *errors,
	struct err_list *warnings) must_check;
/*
 * Puts `map` (of the config file `file`, borrowed) in the place of the template's own mapping of that name, which says what names
 * its values may have; false: the template has no such mapping. Errors are told at the config's places.
 */
bool template_set_mapping(struct template *t, const char *name, const char *file,
	struct yaml_node *map, struct err_list *errors);
/* From memory, for tests and fuzzing. */
struct template *template_parse(const char *file, const char *text, size_t len,
	const struct schema_set *types, struct err_list *errors, struct err_list *warnings);
void template_free(struct template *t);
const struct template_resource *template_find(const struct template *t, const char *logical_id);

#endif
