#ifndef PACKAGE_INTERNAL_H
#define PACKAGE_INTERNAL_H

/* What package.c and package_template.c share. */
#include <string.h>
#include "map.h"
#include "package.h"

#define PACKAGE_JOB_TYPE "AWS::Glue::Job"
#define PACKAGE_MACHINE_TYPE "AWS::StepFunctions::StateMachine"
#define PACKAGE_MACHINE_PLACE "DefinitionS3Location"

struct package {
	const struct project *project;
	char *bucket, *prefix, *programs_dir, *dir; /* dir: where bundles are made */
	bool any_machine, all_conditions;
	struct strvec programs;  /* that jobs name */
	char *programs_stack;    /* of the first of them */
	struct map scripts;      /* local path to malloc'd s3:// place; definitions too */
	char *bundle, *launcher; /* s3:// places; NULL: no programs */
	struct package_artifact *v;
	size_t nr, alloc;
	struct strvec texts;   /* of the artifacts */
	struct strvec inlined; /* keys of artifacts whose text is in a template */
};

static inline bool package_is_machine(const struct stack_resource *r)
{
	return strcmp(r->template->type, PACKAGE_MACHINE_TYPE) == 0;
}
/* Where a local path of a template leads; malloc'd. */
char *package_path_beside(const struct stack_resource *r, const char *location);
/* The job's place of its script, as far as it is known without a call; malloc'd, NULL where it is not. */
int package_script_location(
	const struct stack_resource *r, char **location, struct err *err) must_check;

#endif
