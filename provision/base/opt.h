#ifndef OPT_H
#define OPT_H

/*
 * Command line options from a table; the same table makes --help. Long options only, "--name VALUE"
 * and "--name=VALUE", plus single letters; options and operands may be mixed; "--" ends options.
 */
#include <stdbool.h>
#include <stddef.h>
#include "err.h"
#include "strbuf.h"
#include "strvec.h"

enum opt_kind {
	OPT_FLAG,   /* bool * */
	OPT_STRING, /* const char **, borrowed from argv; the last one wins */
	OPT_LIST,   /* struct strvec *, may come again */
	OPT_INT,    /* long long *, within [min, max] */
	OPT_OPTIONAL, /* const char **; "--name" alone gives "", "--name=V" gives V; never takes the next word */
};

struct opt {
	const char *name; /* without dashes */
	char letter;      /* 0: none */
	enum opt_kind kind;
	size_t offset;   /* of the member in the struct given to opt_parse */
	const char *arg; /* metavariable in the help, e.g. "N"; NULL for flags */
	const char *help;
	long long min, max; /* OPT_INT */
};

/*
 * Reads argv[0..argc) (without the command's name) into the struct at `base`; `tables` is a NULL-terminated
 * array of {0}-terminated tables. Operands go to `operands`. ERR_USAGE names the option and the nearest known one.
 */
int opt_parse(const struct opt *const *tables, int argc, char **argv, void *base,
	struct strvec *operands, struct err *err) must_check;
/* Appends one aligned line for each option of the {0}-terminated table. */
void opt_help(const struct opt *table, struct strbuf *sb);

#endif
