#ifndef PROJECT_PARTS_H
#define PROJECT_PARTS_H

/* What reading the project file and binding its stacks share. */
#include "project.h"

/* The value of a name that no template needs to have as a parameter; NULL: none. */
const struct param_value *project_own_value(const struct project *p, const char *name);
/* Sets err to why there is no such value; -1. */
int project_own_missing(const struct param_value *v, struct err *err);
bool project_has_names(const char *text); /* ${…} in it */
/* The files of an upload, by its pattern. */
void project_find_files(struct project *p, const struct project_opts *opts,
	struct project_upload *u, struct err_list *errors);

#endif
