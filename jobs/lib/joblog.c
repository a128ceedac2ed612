#include "joblog.h"

#include <stdarg.h>
#include <unistd.h>
#include "clock.h"
#include "fs.h"
#include "strbuf.h"

static const char *program = "job";

void job_log_program(const char *name)
{
	program = name;
}

void job_log(enum job_level level, const char *event, const char *fmt, ...)
{
	static const char *const names[] = {"INFO", "WARN", "ERROR"};
	const struct clock *clock = clock_system();
	struct strbuf line = STRBUF_INIT;
	struct err err = ERR_INIT;
	va_list ap;

	clock_add_iso(&line, clock->now_ms(clock), true);
	strbuf_addf(&line, " %s %s: %s", names[level], program, event);
	if (fmt) {
		strbuf_addch(&line, ' ');
		va_start(ap, fmt);
		strbuf_vaddf(&line, fmt, ap);
		va_end(ap);
	}
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.buf[i] < ' ')
			line.buf[i] = ' ';
	strbuf_addch(&line, '\n');
	/* A log that nobody can read any more is no reason to fail. */
	if (fs_write_all(level == JOB_INFO ? STDOUT_FILENO : STDERR_FILENO, line.buf, line.len,
		    "log", &err) != 0)
		err_release(&err);
	strbuf_release(&line);
}
