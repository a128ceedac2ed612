#ifndef JOBLOG_H
#define JOBLOG_H

/* A job's log: "TIME LEVEL program: event key=value", one line an event; INFO on stdout, WARN and ERROR on stderr. */
#include "xalloc.h"

enum job_level { JOB_INFO, JOB_WARN, JOB_ERROR };

/* Borrowed for ever. */
void job_log_program(const char *name);
/* `event` is one word; the text behind it is printf's, NULL for none. */
void job_log(enum job_level level, const char *event, const char *fmt, ...) printf_like(3, 4);

#endif
