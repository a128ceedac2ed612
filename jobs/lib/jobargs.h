#ifndef JOBARGS_H
#define JOBARGS_H

/*
 * Arguments as Glue gives them: "--name value" or "--name=value"; '-' and '_' in names are equal, the last of two
 * counts. What the program does not know is ignored; its names are told, but for those that every run on Glue carries.
 */
#include <stdbool.h>
#include "err.h"
#include "map.h"
#include "strbuf.h"
#include "strvec.h"

enum job_arg_kind {
	JOB_REQUIRED,
	JOB_OPTIONAL,
	JOB_FLAG, /* "--name", "--name true" or "--name false": Glue wants a value for every argument */
};
struct job_arg {
	const char *name; /* with '_' */
	const char *help;
	enum job_arg_kind kind;
};

struct job_args {
	struct map values; /* name with '_' to malloc'd text */
	struct strvec ignored;
};
#define JOB_ARGS_INIT                 \
	{                             \
		MAP_INIT, STRVEC_INIT \
	}

/* argv without the program's name. ERR_USAGE names every argument that is missing, or a flag
 * with another value. `wanted` ends with {0}. */
int job_args_parse(const struct job_arg *wanted, int argc, char **argv, struct job_args *out,
	struct err *err) must_check;
/*
 * A bundled program is started with "--glueproj-arguments-fd N" alone: its arguments are the NUL-terminated words that
 * the inherited descriptor N holds, for a command line can be read by everybody on the machine. Appends them
 * to `words` and closes N; *given is false for any other command line, which stays as it is. ERR_USAGE when they
 * cannot be read or are more than a command line holds.
 */
int job_args_inherited(
	int argc, char **argv, struct strvec *words, bool *given, struct err *err) must_check;
/* NULL when an optional one was not given; borrowed. */
const char *job_args_get(const struct job_args *a, const char *name);
/* A flag that was given, and not as "false". */
bool job_args_flag(const struct job_args *a, const char *name);
void job_args_release(struct job_args *a);
/* What --help prints. */
void job_args_help(const char *program, const struct job_arg *wanted, struct strbuf *out);

#endif
