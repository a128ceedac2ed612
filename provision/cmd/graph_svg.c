/* Graphviz as a child: dot's text in, SVG out, both by pipes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "clock.h"
#include "graph_parts.h"

#define MAX_SVG (256U << 20)
#define POLL_MS 200

struct child {
	pid_t pid;
	int in, out, errors; /* our ends; -1 */
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int spawn_dot(struct child *child, struct err *err)
{
	char *const words[] = {(char[]){"dot"}, (char[]){"-Tsvg"}, (char[]){"-Gfontname=Helvetica"},
		(char[]){"-Nfontname=Helvetica"}, (char[]){"-Efontname=Helvetica"},
		(char[]){"-Nfontsize=11"}, (char[]){"-Efontsize=10"}, NULL};
	int in[2] = {-1, -1}, out[2] = {-1, -1}, errors[2] = {-1, -1}, code;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t usual;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0) {
		err_errno(err, "no pipe");
		for (size_t i = 0; i < 2; i++) {
			close_end(&in[i]);
			close_end(&out[i]);
		}
		return -1;
	}
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attr, &usual);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
	code = posix_spawnp(&child->pid, words[0], &actions, &attr, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	close(in[0]);
	close(out[1]);
	close(errors[1]);
	*child = (struct child){code ? -1 : child->pid, in[1], out[0], errors[0]};
	if (!code)
		return 0;
	if (code == ENOENT) {
		err_set(err, ERR_FAILED, "SVG is drawn by Graphviz, and there is no 'dot' on PATH");
		err_named(err, "NoGraphviz");
		return err_hint(err,
			"install it (Debian: apt-get install graphviz), or take --format dot or "
			"mermaid");
	}
	errno = code;
	return err_errno(err, "'dot' does not start");
}

static int drain(int *fd, struct strbuf *sb, struct err *err)
{
	char buf[16384];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		close_end(fd);
		return 0;
	}
	if (sb->len + (size_t)n > MAX_SVG)
		return err_set(err, ERR_FAILED, "'dot' prints more than %u bytes", MAX_SVG);
	strbuf_add(sb, buf, (size_t)n);
	return 0;
}

static void feed(int *fd, const struct strbuf *text, size_t *sent)
{
	ssize_t n = write(*fd, text->buf + *sent, text->len - *sent);

	if (n > 0)
		*sent += (size_t)n;
	if ((n < 0 && errno != EINTR && errno != EAGAIN) || *sent == text->len)
		close_end(fd);
}

/* It may print before it has read all: whoever is ready goes on. */
static int talk(struct child *child, const struct strbuf *dot, struct strbuf *svg,
	struct strbuf *errors, struct err *err)
{
	size_t sent = 0;

	fcntl(child->in, F_SETFL, O_NONBLOCK);
	while (child->in >= 0 || child->out >= 0 || child->errors >= 0) {
		struct pollfd fds[] = {{.fd = child->in, .events = POLLOUT},
			{.fd = child->out, .events = POLLIN},
			{.fd = child->errors, .events = POLLIN}};
		if (clock_interrupted())
			return err_set(err, ERR_INTERRUPTED, "interrupted");
		if (poll(fds, ARRAY_SIZE(fds), POLL_MS) <= 0)
			continue;
		if (fds[0].revents)
			feed(&child->in, dot, &sent);
		if ((fds[1].revents && drain(&child->out, svg, err) < 0) ||
			(fds[2].revents && drain(&child->errors, errors, err) < 0))
			return -1;
	}
	return 0;
}

static int reap(struct child *child, bool kill_it)
{
	int status = 0;

	close_end(&child->in);
	close_end(&child->out);
	close_end(&child->errors);
	if (child->pid <= 0)
		return -1;
	if (kill_it)
		kill(child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

int graph_svg(const struct strbuf *dot, struct strbuf *svg, struct err *err)
{
	struct child child = {-1, -1, -1, -1};
	struct strbuf errors = STRBUF_INIT;
	int ret = spawn_dot(&child, err), status;

	if (!ret)
		ret = talk(&child, dot, svg, &errors, err);
	status = reap(&child, ret < 0);
	if (!ret && status) {
		strbuf_trim(&errors);
		strbuf_replace(&errors, "\n", "; ");
		ret = err_set(
			err, ERR_FAILED, "'dot' failed%s%s", errors.len ? ": " : "", errors.buf);
	}
	strbuf_release(&errors);
	return ret;
}
