#ifndef LOG_H
#define LOG_H

/*
 * Chatter for people, on stderr; results go to stdout by other ways. One call writes one whole
 * line, whatever the threads. Never give it a secret.
 */
#include "xalloc.h"

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE, LOG_DEBUG };

/* For the whole process; set once in main before threads start. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

void log_error(const char *fmt, ...) printf_like(1, 2);   /* "glueproj: …", always */
void log_warn(const char *fmt, ...) printf_like(1, 2);    /* "glueproj: warning: …", always */
void log_info(const char *fmt, ...) printf_like(1, 2);    /* not with --quiet */
void log_verbose(const char *fmt, ...) printf_like(1, 2); /* with --verbose */
/* Where all of the above go instead of stderr (the local server's log file); fd -1: stderr again. Not owned. */
void log_set_fd(int fd);
/* The name before the colon, "glueproj" by default; borrowed for ever. */
void log_set_program(const char *name);

#endif
