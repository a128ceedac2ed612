/* Asking the user on the terminal, whatever stdin and stdout are. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>
#include "cmd.h"
#include "fs.h"
#include "log.h"

#define TERMINAL "/dev/tty"
#define MAX_ANSWER 256

bool prompt_possible(void)
{
	int fd = open(TERMINAL, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int read_line(int fd, struct strbuf *line, struct err *err)
{
	for (;;) {
		char c;
		struct pollfd p = {.fd = fd, .events = POLLIN};

		/* The signal may go to another thread. */
		if (clock_interrupted())
			return err_set(err, ERR_INTERRUPTED, "interrupted");
		if (poll(&p, 1, 100) <= 0)
			continue;
		ssize_t n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read from the terminal");
		if (n == 0 || c == '\n' || c == '\r')
			return 0;
		if (line->len >= MAX_ANSWER)
			return err_set(err, ERR_USAGE, "the answer is too long");
		strbuf_addch(line, c);
	}
}

/* Nothing is echoed meanwhile, as the AWS CLI has it. */
int prompt_hidden(void *payload unused_arg, const char *text, char **answer, struct err *err)
{
	struct strbuf line = STRBUF_INIT;
	struct termios before, quiet;
	int ret = -1, fd = open(TERMINAL, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "there is no terminal to ask on");
	if (tcgetattr(fd, &before) < 0) {
		err_errno(err, "there is no terminal to ask on");
		goto out;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &quiet);
	if (fs_write_all(fd, text, strlen(text), TERMINAL, err) == 0)
		ret = read_line(fd, &line, err);
	tcsetattr(fd, TCSAFLUSH, &before);
	if (fs_write_all(fd, "\n", 1, TERMINAL, NULL) < 0)
		log_verbose("the terminal is gone");
	strbuf_trim(&line);
	if (ret == 0)
		*answer = xstrdup(line.buf);
out:
	close(fd);
	wipe(line.buf, line.len);
	strbuf_release(&line);
	return ret;
}
