#ifndef LOCAL_KEEPER_H
#define LOCAL_KEEPER_H

/*
 * A program with all that it starts, as one thing that can be ended for sure.
 *
 * Between the server and the program stands a small process, the keeper. It is the sub-reaper of everything below it,
 * so no descendant gets away by forking twice or by a session of its own. When the program ends, when the server
 * asks, or when the server is gone (its end of the control pipe closes, even by kill -9), the keeper kills all of
 * them, reaps them, reports and ends. The keeper runs no library code that is unsafe after a fork of a threaded process.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "err.h"

struct local_keeper {
	pid_t pid;     /* the keeper's; the program is below it */
	pid_t program; /* 0: not reported yet */
	int out, err;  /* what the program writes; non-blocking; -1: closed */
	int status;    /* reports; -1: closed */
	int control;   /* closing it ends everything; -1: closed */
	int gift; /* the program gets this one as KEEPER_GIFT_FD; set before the start; -1: none */
	bool exited; /* `wait_status` holds */
	int wait_status;
	int exec_errno; /* the program could not be started */
};
#define LOCAL_KEEPER_INIT                         \
	{                                         \
		0, 0, -1, -1, -1, -1, -1, 0, 0, 0 \
	}
/* The only descriptor besides 0, 1 and 2 that a program may have. */
#define KEEPER_GIFT_FD 3

/* argv[0] is the file to run, with no search. `dir` becomes the working directory. */
int local_keeper_start(struct local_keeper *k, char *const *argv, char *const *env, const char *dir,
	struct err *err) must_check;
/* Reads what has been reported; call when `status` is readable. */
void local_keeper_read(struct local_keeper *k);
/* Asks it to kill all. */
void local_keeper_kill(struct local_keeper *k);
/* Kills what is left, reaps the keeper, closes all. */
void local_keeper_release(struct local_keeper *k);
/* Memory in bytes that belongs to the program and its descendants alone (not to mapped files). */
uint64_t local_keeper_memory(const struct local_keeper *k);
/* A process's start time since boot, in ticks, as text; "" when it is gone. Malloc'd. */
char *local_process_born(pid_t pid);

#endif
