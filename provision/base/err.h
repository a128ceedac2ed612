#ifndef ERR_H
#define ERR_H

/*
 * What went wrong, complete enough to print. A function that can fail returns 0 or -1 and
 * takes a `struct err *` last; it does not touch it on success. `code` is what callers switch
 * on; everything else is for people and for `--output json`, where each filled member appears
 * under the name that CONTRACT.md gives it.
 * An err owns its strings. err may be reused: setting it again frees what it held.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include "xalloc.h"

enum err_code {
	ERR_NONE = 0,
	ERR_FAILED, /* anything that no caller needs to tell apart */
	ERR_NOT_FOUND,
	ERR_EXISTS,    /* what was to be made is there already */
	ERR_NOT_OWNED, /* it is there and is not ours */
	ERR_THROTTLED,
	ERR_DENIED,
	ERR_INVALID,   /* the request can never work as it is */
	ERR_CONFLICT,  /* somebody else is changing it, or a precondition failed; may work later */
	ERR_TRANSIENT, /* 5xx and the like: may work later */
	ERR_AMBIGUOUS, /* time-out or reset after sending: it may have happened */
	ERR_IO,        /* files, sockets, no answer at all */
	ERR_USAGE,     /* command line, template or configuration: exit 2, nothing was changed */
	ERR_LEASE,     /* the project's lease is held by another: exit 4 */
	ERR_INTERRUPTED,
	ERR_TIMEOUT,
};

struct err {
	enum err_code code;
	char *text; /* one line, lower case, no full stop; NULL when code is ERR_NONE */
	char *hint; /* how to mend it */
	char *rule; /* of the lint rule that found it: "GL004"; NULL: none */
	char *name; /* stable CamelCase code for programs, e.g. "NotOwned"; NULL: err_name() derives one */
	char *file;       /* where in the user's input */
	int line, column; /* from 1; 0: unknown */
	char *path;       /* Resources.Job.Properties.Role */
	char *stack, *logical_id;
	char *operation; /* CreateJob */
	char *aws_code;  /* EntityNotFoundException */
	int http_status; /* 0: no answer came */
	char *request_id;
};

#define ERR_INIT  \
	{         \
		0 \
	}

void err_release(struct err *e); /* and usable again */
void err_move(struct err *to, struct err *from);
void err_copy(struct err *to, const struct err *from);

/* All of these return -1, so that `return err_set(…)` reads well. `e` may be NULL: then nothing is kept. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) printf_like(3, 4);
/* As err_set, with ": " and strerror(errno) behind the text; code ERR_IO (ERR_NOT_FOUND for ENOENT). */
int err_errno(struct err *e, const char *fmt, ...) printf_like(2, 3);
/* Input errors: code ERR_USAGE with a place. `path` may be NULL. */
int err_at(struct err *e, const char *file, int line, int column, const char *path, const char *fmt,
	...) printf_like(6, 7);
/* Puts "CONTEXT: " before the text. */
int err_wrap(struct err *e, const char *fmt, ...) printf_like(2, 3);
int err_hint(struct err *e, const char *fmt, ...) printf_like(2, 3);
/* Replaces the stable name. */
int err_named(struct err *e, const char *name);
int err_rule(struct err *e, const char *rule);
void err_in(struct err *e, const char *stack, const char *logical_id);

/* "NotFound", "NotOwned", "Usage"…: e->name if set, else e->aws_code if set, else from the code. Borrowed. */
const char *err_name(const struct err *e);
/*
 * The line for stderr, without "glueproj: ": "FILE:LINE:COL: error: TEXT" for input errors, with " [RULE]" behind it
 * where a lint rule found it; "STACK/LOGICAL_ID: OPERATION: CODE: MESSAGE (request ID)" for failed calls, with
 * what is unknown left out; malloc'd, caller's. The hint is not part of it.
 */
char *err_format(const struct err *e);
/* The process exit code that CONTRACT.md gives for it: 1, 2, 4 or 130. */
int err_exit_code(const struct err *e);

/* A growing list of errors or warnings. */
struct err_list {
	struct err *v;
	size_t nr, alloc;
};
#define ERR_LIST_INIT \
	{             \
		0     \
	}
void err_list_release(struct err_list *l);
/* Takes the contents of `e`, which is empty afterwards. */
void err_list_take(struct err_list *l, struct err *e);
/* Of those from number `from` on, the first of each text at a place in a file stays: Fn::ForEach and aliases repeat them. */
void err_list_unique(struct err_list *l, size_t from);

#endif
