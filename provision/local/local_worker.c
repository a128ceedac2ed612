#include "local_worker.h"
#include "fs.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_REPLY (256u * 1024 * 1024)

struct local_worker {
	pthread_mutex_t lock; /* guards pid against being reused between kill and reap */
	pid_t pid;
	int fd; /* a socket pair: a write to a dead worker is an error, not a signal */
};

/* Beside the program; a unit test runs two folders below it. */
static char *worker_path(struct err *err)
{
	static const char *const places[] = {"glueproj-sqlworker", "../../glueproj-sqlworker"};
	char *dir = fs_program_dir(err), *path = NULL;

	for (size_t i = 0; dir && !path && i < ARRAY_SIZE(places); i++) {
		path = fs_join(dir, places[i]);
		if (access(path, X_OK)) {
			free(path);
			path = NULL;
		}
	}
	if (dir && !path)
		err_set(err, ERR_NOT_FOUND, "there is no glueproj-sqlworker in '%s'", dir);
	free(dir);
	return path;
}

static int spawn(
	struct local_worker *w, const char *path, const char *mode, int theirs, struct err *err)
{
	char *argv[] = {(char *)"glueproj-sqlworker", (char *)mode, NULL};
	char *envp[] = {(char *)"LANG=C.UTF-8", (char *)"TZ=UTC", NULL, NULL};
	char *lib = getenv("LD_LIBRARY_PATH");
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	if (lib)
		envp[2] = xasprintf("LD_LIBRARY_PATH=%s", lib);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, theirs, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, theirs, STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	r = posix_spawn(&w->pid, path, &actions, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	free(envp[2]);
	if (!r)
		return 0;
	errno = r;
	return err_errno(err, "start '%s'", path);
}

static struct local_worker *start(const char *mode, struct err *err)
{
	struct local_worker *w = xcalloc(1, sizeof(*w));
	char *path = worker_path(err);
	int pair[2] = {-1, -1}, r = -1;

	pthread_mutex_init(&w->lock, NULL);
	w->fd = -1;
	if (!path)
		goto out;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		err_errno(err, "a pair of sockets for the SQL worker");
		goto out;
	}
	r = spawn(w, path, mode, pair[1], err);
	close(pair[1]);
	w->fd = pair[0];
out:
	free(path);
	if (!r)
		return w;
	local_worker_free(w);
	return NULL;
}

struct local_worker *local_worker_start(struct err *err)
{
	return start(NULL, err);
}

struct local_worker *local_worker_start_resident(struct err *err)
{
	return start("--resident", err);
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_all(int fd, char *data, size_t len)
{
	while (len) {
		ssize_t n = recv(fd, data, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int local_worker_send(struct local_worker *w, const struct json *request, struct err *err)
{
	struct strbuf sb = STRBUF_INIT;
	size_t len;
	int r = 0;

	strbuf_addstr(&sb, "0000");
	json_print(request, &sb);
	len = sb.len - 4;
	for (int i = 0; i < 4; i++)
		sb.buf[i] = (char)(len >> (24 - 8 * i));
	if (send_all(w->fd, sb.buf, sb.len))
		r = err_set(err, ERR_IO, "the SQL worker is gone");
	strbuf_release(&sb);
	return r;
}

int local_worker_receive(struct local_worker *w, struct json **reply, struct err *err)
{
	struct strbuf sb = STRBUF_INIT;
	unsigned char head[4];
	size_t len = MAX_REPLY + 1;

	*reply = NULL;
	if (!receive_all(w->fd, (char *)head, sizeof(head)))
		len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 |
		      head[3];
	if (len <= MAX_REPLY) {
		strbuf_grow(&sb, len);
		if (!receive_all(w->fd, sb.buf, len)) {
			strbuf_setlen(&sb, len);
			*reply = json_parse(sb.buf, sb.len, err);
			strbuf_release(&sb);
			return *reply ? 0 : -1;
		}
	}
	strbuf_release(&sb);
	return err_set(err, ERR_IO, "the SQL worker ended before it answered");
}

int local_worker_call(
	struct local_worker *w, const struct json *request, struct json **reply, struct err *err)
{
	if (!local_worker_send(w, request, err))
		return local_worker_receive(w, reply, err);
	err_release(err);
	return err_set(err, ERR_IO, "the SQL worker ended before it answered");
}

void local_worker_kill(struct local_worker *w)
{
	pthread_mutex_lock(&w->lock);
	if (w->pid > 0)
		kill(w->pid, SIGKILL);
	pthread_mutex_unlock(&w->lock);
}

void local_worker_free(struct local_worker *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	local_worker_kill(w);
	pthread_mutex_lock(&w->lock);
	while (w->pid > 0 && waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
	w->pid = 0;
	pthread_mutex_unlock(&w->lock);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
