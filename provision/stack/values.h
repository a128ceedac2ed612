#ifndef VALUES_H
#define VALUES_H

/* Where parameters' values come from: config file, parameter files, environment, --set. All strings live in the arena. */
#include "arena.h"
#include "stack.h"

struct values {
	struct param_value *v;
	size_t nr, alloc;
};
#define VALUES_INIT        \
	{                  \
		NULL, 0, 0 \
	}
void values_release(struct values *values); /* the list, not what is in the arena */
void values_add(struct values *values, char *name, char *text, const struct param_source *source);
/* As it is, with what is missing. */
void values_add_copy(struct values *values, const struct param_value *v);
const struct param_value *values_find(const struct values *values, const char *name);

/* These append; 0, or -1 with errors. */
/* A map of names to values; a list is joined by commas, a map is kept with its keys as text; !Env NAME and !File PATH (relative to
 * the config file), which are `missing`, and no error, where they cannot be had: another place may give the value. */
int values_read_config(
	struct arena *a, const char *path, struct values *out, struct err_list *errors) must_check;
/* [{"ParameterKey","ParameterValue"}], {"Parameters": {…}} or ["Key=Value"]. */
int values_read_parameters(
	struct arena *a, const char *path, struct values *out, struct err_list *errors) must_check;
/* GLUEPROJ_PARAM_<Name> of the process's environment, sorted by name. */
void values_read_environment(struct arena *a, struct values *out);
/* NAME=VALUE, NAME=@FILE, NAME=@-; of one name given twice the last counts. */
int values_read_sets(struct arena *a, const struct strvec *sets, struct values *out,
	struct err_list *errors) must_check;

#endif
