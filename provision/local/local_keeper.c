#include "local_keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fs.h"
#include "strbuf.h"

/* What the keeper reports: one of these at a time, whole (far below PIPE_BUF). */
struct report {
	char kind; /* 'P' the program's pid, 'X' errno of execve, 'E' the wait status */
	int value;
};

/* What the keeper is given. */
struct job {
	char *const *argv, *const *env;
	const char *dir;
	int control, status, out, err;
	int gift; /* -1: none */
};

/* --- in the keeper: system calls only --- */

static void report(int fd, char kind, int value)
{
	struct report r = {.kind = kind, .value = value};
	ssize_t n;

	do {
		n = write(fd, &r, sizeof(r));
	} while (n < 0 && errno == EINTR);
}

/* Leaves only the descriptors from 0 to `last`. */
static void close_above(int last)
{
	if (syscall(SYS_close_range, (unsigned)last + 1, ~0U, 0) == 0)
		return;
	for (int fd = last + 1; fd < 65536; fd++)
		close(fd);
}

/* Moves the descriptors to 3…7, wherever they are, and closes all others. */
static void keep_only(struct job *j)
{
	int *const fds[] = {&j->control, &j->status, &j->out, &j->err, &j->gift};
	int nr = j->gift >= 0 ? 5 : 4;

	for (int i = 0; i < nr; i++)
		*fds[i] = fcntl(*fds[i], F_DUPFD, 16);
	for (int i = 0; i < nr; i++) {
		dup2(*fds[i], 3 + i);
		*fds[i] = 3 + i;
	}
	close_above(2 + nr);
}

static void default_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int s = 1; s < 32; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void run_program(const struct job *j, pid_t keeper)
{
	const struct rlimit no_core = {0, 0};
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(127);
	setrlimit(RLIMIT_CORE, &no_core);
	fcntl(j->status, F_SETFD, FD_CLOEXEC);
	fcntl(j->control, F_SETFD, FD_CLOEXEC);
	dup2(null, 0);
	dup2(j->out, 1);
	dup2(j->err, 2);
	close(j->out);
	close(j->err);
	if (null > 2)
		close(null);
	if (j->gift >= 0) {
		/* The place of the control pipe, whose copy here is of no use. */
		dup2(j->gift, KEEPER_GIFT_FD);
		close(j->gift);
	}
	if (chdir(j->dir) == 0)
		execve(j->argv[0], j->argv, j->env);
	report(j->status, 'X', errno);
	_exit(127);
}

/* Kills every child of this process; what they leave behind becomes our child and is met in the next round. */
static int kill_children(void)
{
	char buf[4096];
	int fd = open("/proc/thread-self/children", O_RDONLY), killed = 0;
	ssize_t n;
	pid_t pid = 0;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				pid = pid * 10 + (buf[i] - '0');
			} else if (pid > 0) {
				kill(pid, SIGKILL);
				killed++;
				pid = 0;
			}
		}
	}
	if (pid > 0) {
		kill(pid, SIGKILL);
		killed++;
	}
	close(fd);
	return killed;
}

/* Until no descendant is left. `status` gets the program's if it had not ended before. */
static void kill_all(pid_t program, int *status, bool *ended)
{
	for (;;) {
		int st;
		pid_t pid;

		kill(-program, SIGKILL);
		kill_children();
		pid = waitpid(-1, &st, 0);
		if (pid == program) {
			*status = st;
			*ended = true;
		} else if (pid < 0 && errno == ECHILD) {
			return;
		}
	}
}

/* Until the program ends or the control pipe closes; orphans are reaped on the way. */
static void watch(const struct job *j, pid_t program, int *status, bool *ended)
{
	int pidfd = (int)syscall(SYS_pidfd_open, program, 0);
	struct pollfd fds[] = {
		{.fd = j->control, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};

	while (!*ended) {
		int st, n = poll(fds, pidfd < 0 ? 1 : 2, pidfd < 0 ? 20 : 1000);
		pid_t pid;

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0 && fds[0].revents)
			break;
		while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
			if (pid == program) {
				*status = st;
				*ended = true;
			}
		}
	}
}

static _Noreturn void keep(struct job *j)
{
	int status = 0;
	bool ended = false;
	pid_t self, program;

	setsid();
	self = getpid();
	default_signals();
	signal(SIGPIPE, SIG_IGN);
	keep_only(j);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_NAME, "glueproj-keeper");
	program = fork();
	if (program < 0) {
		report(j->status, 'X', errno);
		_exit(1);
	}
	if (program == 0) {
		signal(SIGPIPE, SIG_DFL);
		run_program(j, self);
	}
	setpgid(program, program);
	close(j->out);
	close(j->err);
	if (j->gift >= 0)
		close(j->gift);
	report(j->status, 'P', program);
	watch(j, program, &status, &ended);
	kill_all(program, &status, &ended);
	report(j->status, 'E', status);
	_exit(0);
}

/* --- in the server --- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int local_keeper_start(struct local_keeper *k, char *const *argv, char *const *env, const char *dir,
	struct err *err)
{
	int pipes[4][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}}; /* control status out err */
	struct job j = {.argv = argv, .env = env, .dir = dir, .gift = k->gift};
	int ret = -1;

	for (int i = 0; i < 4; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) != 0) {
			err_errno(err, "pipe");
			goto out;
		}
	}
	j.control = pipes[0][0];
	j.status = pipes[1][1];
	j.out = pipes[2][1];
	j.err = pipes[3][1];
	k->pid = fork();
	if (k->pid < 0) {
		k->pid = 0;
		err_errno(err, "fork");
		goto out;
	}
	if (k->pid == 0)
		keep(&j);
	k->control = pipes[0][1];
	k->status = pipes[1][0];
	k->out = pipes[2][0];
	k->err = pipes[3][0];
	pipes[0][1] = pipes[1][0] = pipes[2][0] = pipes[3][0] = -1;
	fcntl(k->out, F_SETFL, O_NONBLOCK);
	fcntl(k->err, F_SETFL, O_NONBLOCK);
	fcntl(k->status, F_SETFL, O_NONBLOCK);
	ret = 0;
out:
	for (int i = 0; i < 4; i++) {
		close_fd(&pipes[i][0]);
		close_fd(&pipes[i][1]);
	}
	return ret;
}

void local_keeper_read(struct local_keeper *k)
{
	struct report r;
	ssize_t n;

	while (k->status >= 0 && (n = read(k->status, &r, sizeof(r))) != -1) {
		if (n != sizeof(r)) {
			close_fd(&k->status);
		} else if (r.kind == 'P') {
			k->program = r.value;
		} else if (r.kind == 'X') {
			k->exec_errno = r.value;
		} else {
			k->wait_status = r.value;
			k->exited = true;
		}
	}
}

void local_keeper_kill(struct local_keeper *k)
{
	close_fd(&k->control);
}

void local_keeper_release(struct local_keeper *k)
{
	close_fd(&k->control);
	if (k->pid > 0) {
		while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	k->pid = 0;
	close_fd(&k->out);
	close_fd(&k->err);
	close_fd(&k->status);
}

/* --- memory --- */

static int read_proc(struct strbuf *sb, const char *fmt, int pid, int tid)
{
	struct strbuf path = STRBUF_INIT;
	int ret;

	strbuf_addf(&path, fmt, pid, tid);
	strbuf_clear(sb);
	ret = fs_read(path.buf, 1 << 20, sb, NULL);
	strbuf_release(&path);
	return ret;
}

static uint64_t kilobytes(const char *status, const char *label)
{
	const char *at = strstr(status, label);

	return at ? strtoull(at + strlen(label), NULL, 10) * 1024 : 0;
}

/* Children hang on the thread that made them, so all threads are asked. */
static uint64_t tree_memory(pid_t pid, bool itself, int depth)
{
	struct strbuf sb = STRBUF_INIT, dir = STRBUF_INIT;
	uint64_t sum = 0;
	struct dirent *e;
	DIR *tasks;

	if (itself && read_proc(&sb, "/proc/%d/status", pid, 0) == 0)
		sum = kilobytes(sb.buf, "RssAnon:") + kilobytes(sb.buf, "RssShmem:");
	strbuf_addf(&dir, "/proc/%d/task", pid);
	tasks = opendir(dir.buf);
	while (tasks && depth < 64 && (e = readdir(tasks))) {
		long long tid;
		char *at, *end;

		if (parse_int64(e->d_name, 1, INT32_MAX, &tid) != 0 ||
			read_proc(&sb, "/proc/%d/task/%d/children", pid, (int)tid) != 0)
			continue;
		for (at = sb.buf; *at; at = end) {
			long child = strtol(at, &end, 10);

			if (end == at)
				break;
			sum += tree_memory((pid_t)child, true, depth + 1);
			while (*end == ' ')
				end++;
		}
	}
	if (tasks)
		closedir(tasks);
	strbuf_release(&sb);
	strbuf_release(&dir);
	return sum;
}

uint64_t local_keeper_memory(const struct local_keeper *k)
{
	return k->pid > 0 ? tree_memory(k->pid, false, 0) : 0;
}

char *local_process_born(pid_t pid)
{
	struct strbuf sb = STRBUF_INIT;
	const char *at;
	char *born = NULL;

	if (pid > 0 && read_proc(&sb, "/proc/%d/stat", pid, 0) == 0 &&
		(at = strrchr(sb.buf, ')'))) {
		at++;
		/* state is field 3, start time field 22 */
		for (int field = 3; field < 22 && at; field++)
			at = strchr(at + 1, ' ');
		if (at)
			born = xstrndup(at + 1, strcspn(at + 1, " \n"));
	}
	strbuf_release(&sb);
	return born ? born : xstrdup("");
}
