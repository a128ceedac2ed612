#ifndef RUN_PARTS_H
#define RUN_PARTS_H

/* What the kinds of runs share: cmd_run.c starts and follows, run_glue.c and run_states.c know what is run. */
#include <stdio.h>
#include "cmd.h"
#include "map.h"

struct run_states;

struct run {
	struct session *s;
	const char *type; /* "AWS::Glue::Workflow" … */
	char *name, *id, *state, *error;
	int64_t started_ms, ended_ms;
	bool ok, over;
	struct json *nodes; /* as --output json shows them */
	struct map shown;   /* node id to the state that was printed last */
	struct log_tail *tail;
	struct run_states *states; /* of an execution; NULL */
};

/* All of `run`; `name` (taken) is of `type`, NULL: the first operand says what. */
int run_named(struct session *s, const char *type, char *name) must_check;
/* --arg as an object; `dashes`: names get the leading "--" that Glue's arguments have. NULL with err. */
struct json *run_arguments(const struct session *s, bool dashes, struct err *err) must_check;
/* Where lines about the run go: stdout is the document's with --output json. */
FILE *run_stream(const struct run *r);
void run_set_state(struct run *r, const char *state);
/* Seconds since 1970, as services have them. */
int64_t run_ms_of(const struct json *seconds);
/* run_glue.c: one call that starts it, and one look at how it is */
int glue_run_start(struct run *r, struct err *err) must_check;
int glue_run_look(struct run *r, struct err *err) must_check;
/* Of one that did not succeed: why. */
void glue_run_fail(const struct run *r, struct err *err);

/* run_states.c: executions of state machines */
int states_run_start(struct run *r, struct err *err) must_check;
int states_run_look(struct run *r, struct err *err) must_check;
void states_run_fail(const struct run *r, struct err *err);
/* The run's members that only executions have. */
void states_run_report(const struct run *r, struct json *doc);
/* Lines at the end, for people. */
void states_run_summary(const struct run *r);
/* A pause between two looks, in which the live view goes on. */
int states_run_wait(struct run *r, struct poll *p, struct err *err) must_check;
void states_run_free(struct run_states *st);

/* states_look.c: what is read of executions */
struct exec_history;
/* All that is new of an execution's events. *page: where the last look ended (caller's to free; NULL at first). */
int states_read_history(struct session *s, const char *execution, char **page,
	struct exec_history *h, struct err *err) must_check;
/* "NAME" or an ARN as the execution's ARN; malloc'd. */
char *states_execution_arn(const struct session *s, const char *machine, const char *execution);

/* states_show.c: an execution's lines, and the live view below them */
struct states_view;
struct states_view *states_view_new(struct run *r);
void states_view_free(struct states_view *v);
/* Tells what happened since the last call. */
void states_view_tell(struct states_view *v, const struct exec_history *h);
void states_view_draw(struct states_view *v, const struct exec_history *h);
void states_view_erase(struct states_view *v);
/* What others wrote, in one line: control characters become blanks. */
void states_add_text(struct strbuf *sb, const char *text);
/* Text in lines of 100 columns, as far as its words let it. */
void states_add_wrapped(struct strbuf *sb, const char *text, size_t indent);
bool states_view_is_live(const struct states_view *v);

#endif
