#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>
#include "strbuf.h"

static _Atomic(enum log_level) current_level = LOG_NORMAL;
static atomic_int log_fd = -1;
static _Atomic(const char *) program = "glueproj";

void log_set_level(enum log_level level)
{
	current_level = level;
}

enum log_level log_level(void)
{
	return current_level;
}

void log_set_fd(int fd)
{
	log_fd = fd;
}

void log_set_program(const char *name)
{
	program = name;
}

/* The whole line goes out in one write, so that lines of several threads do not mix. */
static void put_line(const char *kind, const char *fmt, va_list ap)
{
	struct strbuf sb = STRBUF_INIT;
	int saved = errno, fd = log_fd;
	strbuf_addf(&sb, "%s: %s", program, kind);
	strbuf_vaddf(&sb, fmt, ap);
	/* It may quote anything. */
	strbuf_blank_controls(&sb, 0, "\n\t");
	strbuf_addch(&sb, '\n');
	for (size_t done = 0; done < sb.len;) {
		ssize_t n = write(fd < 0 ? STDERR_FILENO : fd, sb.buf + done, sb.len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR)
			break; /* nobody is left to be told */
	}
	strbuf_release(&sb);
	errno = saved;
}

#define LOG_BODY(least, kind)                \
	do {                                 \
		va_list ap;                  \
		if (current_level < (least)) \
			return;              \
		va_start(ap, fmt);           \
		put_line((kind), fmt, ap);   \
		va_end(ap);                  \
	} while (0)

void log_error(const char *fmt, ...)
{
	LOG_BODY(LOG_QUIET, "");
}

void log_warn(const char *fmt, ...)
{
	LOG_BODY(LOG_QUIET, "warning: ");
}

void log_info(const char *fmt, ...)
{
	LOG_BODY(LOG_NORMAL, "");
}

void log_verbose(const char *fmt, ...)
{
	LOG_BODY(LOG_VERBOSE, "");
}
