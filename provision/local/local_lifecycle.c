/*
 * One server per data folder. Files in the folder:
 *
 *	server.lock  held by flock() for the server's life, holds its pid; a dead server's lock frees itself
 *	server.json  what clients need (endpoint, keys), mode 0600; there only while a server answers
 *	keys.json    the folder's root keys, mode 0600, kept from start to start
 *	port.json    the port of the last start: a server that may choose takes it again, for queues' URLs have it in them
 *	server.log   the background server's stderr
 *
 * A start in the background runs this program again; the child says on a pipe that it is ready, or why not.
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fs.h"
#include "local_internal.h"
#include "local_server.h"
#include "log.h"
#include "opt.h"
#include "xalloc.h"

#define LOCK_TRIES 20
#define LOCK_PAUSE_US 50000
#define START_TIMEOUT_S 60
#define STOP_TIMEOUT_S 60
#define READY_FD 3

extern char **environ;

void local_server_info_release(struct local_server_info *i)
{
	if (!i)
		return;
	free(i->endpoint);
	free(i->dir);
	free(i->region);
	free(i->access_key_id);
	free_secret(i->secret_access_key);
	free(i->account);
	*i = (struct local_server_info)LOCAL_SERVER_INFO_INIT;
}

/* --- lock --- */

/* The descriptor with the lock held; -1: another has it (*held) or an error. */
static int lock_take(const char *dir, bool *held, struct err *err)
{
	char *path = fs_join(dir, "server.lock");
	char pid[32];
	int fd, i;

	*held = false;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_errno(err, "cannot open '%s'", path);
		goto out;
	}
	/* somebody who only looks holds it for a moment */
	for (i = 0; flock(fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EINTR && i >= LOCK_TRIES) {
			*held = true;
			err_set(err, ERR_EXISTS, "a server for '%s' is running already", dir);
			err_named(err, "AlreadyRunning");
			close(fd);
			fd = -1;
			goto out;
		}
		usleep(LOCK_PAUSE_US);
	}
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, pid, strlen(pid), 0) < 0) {
		err_errno(err, "cannot write '%s'", path);
		close(fd);
		fd = -1;
	}
out:
	free(path);
	return fd;
}

/* Killed, but some of its threads still hold what it had open: the leader is a zombie until they are gone. */
static bool is_dying(long pid)
{
	char *path = xasprintf("/proc/%ld/stat", pid);
	struct strbuf stat = STRBUF_INIT;
	struct err ignored = ERR_INIT;
	bool dying = kill((pid_t)pid, 0) && errno == ESRCH;

	if (!fs_read(path, 4096, &stat, &ignored)) {
		const char *end = strrchr(stat.buf, ')');
		dying = end && strlen(end) > 2 && strchr("ZX", end[2]);
	}
	err_release(&ignored);
	strbuf_release(&stat);
	free(path);
	return dying;
}

/* The pid of the lock's holder; 0 when nobody holds it, -1 when it is held by one that does not answer (yet, or any more). */
static int lock_look(const char *dir, long *pid, struct err *err)
{
	char *path = fs_join(dir, "server.lock");
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = 0;

	*pid = 0;
	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			result = err_errno(err, "cannot open '%s'", path);
		goto out;
	}
	if (flock(fd, LOCK_SH | LOCK_NB)) {
		if (pread(fd, text, sizeof(text) - 1, 0) > 0)
			*pid = strtol(text, NULL, 10);
		if (*pid <= 0 || is_dying(*pid))
			*pid = -1;
	}
	close(fd);
out:
	free(path);
	return result;
}

/* --- server.json and keys.json --- */

static int read_document(const char *dir, const char *name, struct json **out, struct err *err)
{
	char *path = fs_join(dir, name);
	struct strbuf text = STRBUF_INIT;
	int result = -1;

	*out = NULL;
	if (!fs_exists(path)) {
		result = 0;
		goto out;
	}
	if (fs_read(path, 65536, &text, err))
		goto out;
	*out = json_parse(text.buf, text.len, err);
	if (*out)
		result = 0;
	else
		err_wrap(err, "'%s'", path);
out:
	wipe(text.buf, text.len);
	strbuf_release(&text);
	free(path);
	return result;
}

static int write_document(
	const char *dir, const char *name, const struct json *doc, struct err *err)
{
	char *path = fs_join(dir, name);
	struct strbuf text = STRBUF_INIT;
	int result;

	json_print_pretty(doc, &text);
	strbuf_addch(&text, '\n');
	result = fs_write_atomic(path, text.buf, text.len, 0600, err);
	wipe(text.buf, text.len);
	strbuf_release(&text);
	free(path);
	return result;
}

static void forget(const char *dir, const char *name)
{
	char *path = fs_join(dir, name);

	unlink(path);
	free(path);
}

static void info_from_json(const struct json *doc, struct local_server_info *info)
{
	info->endpoint = xstrdup(json_get_str(doc, "endpoint"));
	info->dir = xstrdup(json_get_str(doc, "dir"));
	info->region = xstrdup(json_get_str(doc, "region"));
	info->access_key_id = xstrdup(json_get_str(doc, "access_key_id"));
	info->secret_access_key = xstrdup(json_get_str(doc, "secret_access_key"));
	info->account = xstrdup(json_get_str(doc, "account"));
	info->pid = (long)json_get_i64(doc, "pid", 0);
}

static int info_write(const char *dir, const struct local_server_info *info, struct err *err)
{
	struct json *doc = json_object();
	int result;

	json_set_str(doc, "endpoint", info->endpoint);
	json_set_i64(doc, "pid", info->pid);
	json_set_str(doc, "dir", info->dir);
	json_set_str(doc, "region", info->region);
	json_set_str(doc, "access_key_id", info->access_key_id);
	json_set_str(doc, "secret_access_key", info->secret_access_key);
	json_set_str(doc, "account", info->account);
	result = write_document(dir, "server.json", doc, err);
	json_free(doc);
	return result;
}

/* The folder's own keys, made at the first start. */
static int keys_get(const char *dir, bool well_known, char **id, char **secret, struct err *err)
{
	struct json *doc = NULL;
	int result = 0;

	if (well_known) {
		*id = xstrdup("test");
		*secret = xstrdup("test");
		return 0;
	}
	if (read_document(dir, "keys.json", &doc, err))
		return -1;
	if (!json_get_str(doc, "access_key_id") || !json_get_str(doc, "secret_access_key")) {
		char *new_id = local_id("AKIA", 16), *new_secret = local_id("", 40), *c;

		for (c = new_id; *c; c++)
			if (*c >= 'a' && *c <= 'f')
				*c = (char)(*c - 'a' + 'A');
		json_free(doc);
		doc = json_object();
		json_set_str(doc, "access_key_id", new_id);
		json_set_str(doc, "secret_access_key", new_secret);
		result = write_document(dir, "keys.json", doc, err);
		free(new_id);
		free_secret(new_secret);
	}
	*id = xstrdup(json_get_str(doc, "access_key_id"));
	*secret = xstrdup(json_get_str(doc, "secret_access_key"));
	json_free(doc);
	return result;
}

/* --- serving --- */

static int signal_pipe[2] = {-1, -1};

static void on_signal(int number)
{
	int saved = errno;
	char byte = (char)number;

	if (number != SIGPIPE && write(signal_pipe[1], &byte, 1) < 0)
		byte = 0; /* it is full: enough signals are waiting */
	errno = saved;
}

/* Handlers, not SIG_IGN and no blocked masks: programs that the cloud starts must not inherit any of it. */
static int signals_catch(struct err *err)
{
	static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE};
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	size_t i;

	if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK))
		return err_errno(err, "a pipe for signals");
	for (i = 0; i < ARRAY_SIZE(caught); i++)
		sigaction(caught[i], &sa, NULL);
	return 0;
}

static void files_raise(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool is_idle(struct local_cloud *cloud, int idle_s)
{
	const struct clock *c = clock_system();

	return idle_s > 0 && !atomic_load(&cloud->private->requests) &&
	       c->mono_ms(c) - atomic_load(&cloud->private->last_active) > idle_s * 1000LL &&
	       !local_cloud_busy(cloud);
}

static void serve(struct local_cloud *cloud, int idle_s)
{
	struct pollfd wait = {.fd = signal_pipe[0], .events = POLLIN};

	for (;;) {
		int ready = poll(&wait, 1, idle_s > 0 ? 500 : -1);
		char byte;

		if (ready > 0 && read(signal_pipe[0], &byte, 1) == 1) {
			log_verbose("ends on signal %d", byte);
			return;
		}
		if (is_idle(cloud, idle_s)) {
			log_verbose("ends after %d s without work", idle_s);
			return;
		}
	}
}

static void info_fill(struct local_server_info *info, struct local_cloud *cloud)
{
	info->endpoint = xstrdup(cloud->endpoint);
	info->dir = xstrdup(cloud->dir);
	info->region = xstrdup(cloud->region);
	info->account = xstrdup(cloud->account);
	info->access_key_id = xstrdup(cloud->private->access_key_id);
	info->secret_access_key = xstrdup(cloud->private->secret);
	info->pid = (long)getpid();
}

/* With a port of its own choice: the last one if it can be had, so that what kept an address finds it again. */
static struct local_listener *listener_open(const struct local_server_opts *opts, struct err *err)
{
	struct local_listener *l = NULL;
	struct json *doc = NULL;
	struct err ignored = ERR_INIT;
	int64_t last = 0;

	if (!opts->port && !read_document(opts->dir, "port.json", &doc, &ignored))
		last = json_get_i64(doc, "port", 0);
	if (last > 0 && last <= 65535)
		l = local_listener_new((int)last, &ignored);
	err_release(&ignored);
	if (!l)
		l = local_listener_new(opts->port, err);
	if (l && local_listener_port(l) != last) {
		json_free(doc);
		doc = json_object();
		json_set_i64(doc, "port", local_listener_port(l));
		if (write_document(opts->dir, "port.json", doc, err)) {
			local_listener_free(l);
			l = NULL;
		}
	}
	json_free(doc);
	return l;
}

/* Everything between lock and unlock. */
static int run_locked(const struct local_server_opts *opts,
	void (*ready)(const struct local_server_info *, void *), void *payload, struct err *err)
{
	struct local_server_info info = LOCAL_SERVER_INFO_INIT;
	struct local_listener *listener = NULL;
	struct local_cloud *cloud = NULL;
	char *endpoint = NULL, *id = NULL, *secret = NULL;
	int result = -1;

	forget(opts->dir, "server.json");
	listener = listener_open(opts, err);
	if (!listener || keys_get(opts->dir, opts->well_known_keys, &id, &secret, err))
		goto out;
	endpoint = xasprintf("http://127.0.0.1:%d", local_listener_port(listener));
	cloud = local_cloud_open(opts, endpoint, id, secret, err);
	if (!cloud || local_listener_start(listener, cloud, err))
		goto out;
	info_fill(&info, cloud);
	if (info_write(opts->dir, &info, err))
		goto out;
	if (ready)
		ready(&info, payload);
	serve(cloud, opts->idle_s);
	result = 0;
out:
	forget(opts->dir, "server.json");
	local_listener_free(listener);
	local_cloud_close(cloud);
	local_server_info_release(&info);
	free(endpoint);
	free(id);
	free_secret(secret);
	return result;
}

/* The folder, made when missing, as an absolute path. */
static int folder(const char *dir, char **absolute, struct err *err)
{
	char *resolved;

	if (fs_mkdir_p(dir, 0700, err))
		return -1;
	resolved = realpath(dir, NULL);
	if (!resolved)
		return err_errno(err, "the data folder '%s'", dir);
	*absolute = resolved;
	return 0;
}

int local_server_run(const struct local_server_opts *opts,
	void (*ready)(const struct local_server_info *, void *), void *payload, struct err *err)
{
	struct local_server_opts here = *opts;
	char *dir = NULL;
	bool held;
	int lock, result;

	if (folder(opts->dir, &dir, err))
		return -1;
	here.dir = dir;
	lock = lock_take(dir, &held, err);
	if (lock < 0 || signals_catch(err)) {
		free(dir);
		return -1;
	}
	files_raise();
	result = run_locked(&here, ready, payload, err);
	close(lock);
	free(dir);
	return result;
}

/* --- looking and ending --- */

int local_server_status(
	const char *dir, bool *running, struct local_server_info *info, struct err *err)
{
	struct json *doc = NULL;
	long pid;

	*running = false;
	if (lock_look(dir, &pid, err))
		return -1;
	if (!pid)
		return 0;
	if (read_document(dir, "server.json", &doc, err))
		return -1;
	if (doc && json_get_i64(doc, "pid", 0) == pid) {
		*running = true;
		if (info) {
			local_server_info_release(info);
			info_from_json(doc, info);
		}
	}
	json_free(doc);
	return 0;
}

int local_server_stop(const char *dir, bool *was_running, struct err *err)
{
	long first, pid;
	int i;

	*was_running = false;
	if (lock_look(dir, &first, err))
		return -1;
	if (!first)
		return 0;
	*was_running = true;
	if (first > 0 && kill((pid_t)first, SIGTERM) && errno != ESRCH)
		return err_errno(err, "cannot end the server of '%s' (pid %ld)", dir, first);
	for (i = 0; i < STOP_TIMEOUT_S * 50; i++) {
		usleep(20000);
		if (lock_look(dir, &pid, err))
			return -1;
		if (pid != first)
			return 0;
	}
	return err_set(err, ERR_TIMEOUT, "the server of '%s' (pid %ld) has not ended after %d s",
		dir, first, STOP_TIMEOUT_S);
}

/* --- the background server --- */

/* One line on the pipe: {"ok":true} or what went wrong. */
static void tell(int fd, const struct err *e)
{
	struct json *doc = json_object();
	struct strbuf line = STRBUF_INIT;

	json_set_bool(doc, "ok", !e);
	if (e) {
		json_set_i64(doc, "code", e->code);
		json_set_str(doc, "text", e->text);
		json_set_str(doc, "hint", e->hint);
		json_set_str(doc, "name", err_name(e));
	}
	json_print(doc, &line);
	strbuf_addch(&line, '\n');
	if (write(fd, line.buf, line.len) < 0)
		log_warn("nobody waits for the server: %s", strerror(errno));
	strbuf_release(&line);
	json_free(doc);
	close(fd);
}

static void tell_ready(const struct local_server_info *info, void *payload)
{
	log_info("serves %s at %s, pid %ld", info->dir, info->endpoint, info->pid);
	tell(*(int *)payload, NULL);
	*(int *)payload = -1;
}

struct main_opts {
	const char *dir, *account, *region;
	long long port, idle_s;
	bool well_known_keys;
};

static const struct opt main_table[] = {
	{"dir", 0, OPT_STRING, offsetof(struct main_opts, dir), "DIR", "data folder", 0, 0},
	{"port", 0, OPT_INT, offsetof(struct main_opts, port), "N", "port", 0, 65535},
	{"idle", 0, OPT_INT, offsetof(struct main_opts, idle_s), "S", "idle seconds", 0, INT_MAX},
	{"account", 0, OPT_STRING, offsetof(struct main_opts, account), "N", "account", 0, 0},
	{"region", 0, OPT_STRING, offsetof(struct main_opts, region), "R", "region", 0, 0},
	{"well-known-keys", 0, OPT_FLAG, offsetof(struct main_opts, well_known_keys), NULL,
		"test/test", 0, 0},
	{0},
};

int local_server_main(int argc, char **argv)
{
	const struct opt *const tables[] = {main_table, NULL};
	struct main_opts m = {0};
	struct local_server_opts opts = {0};
	struct strvec operands = STRVEC_INIT;
	struct err err = ERR_INIT;
	int fd = READY_FD, result = 1;

	/* PROGRAM local-server-main ARGS… or without the program */
	while (argc > 0 && argv[0][0] != '-') {
		argc--;
		argv++;
	}
	log_set_program("glueproj-local");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC))
		fd = STDOUT_FILENO; /* by hand, without a pipe */
	if (opt_parse(tables, argc, argv, &m, &operands, &err))
		goto out;
	opts = (struct local_server_opts){.dir = m.dir,
		.port = (int)m.port,
		.idle_s = (int)m.idle_s,
		.account = m.account,
		.region = m.region,
		.well_known_keys = m.well_known_keys};
	if (!m.dir)
		err_set(&err, ERR_USAGE, "--dir is missing");
	else if (!local_server_run(&opts, tell_ready, &fd, &err))
		result = 0;
out:
	if (result) {
		log_error("%s", err.text);
		if (fd >= 0)
			tell(fd, &err);
	}
	strvec_release(&operands);
	err_release(&err);
	return result;
}

/* The caller's environment without what would name a real cloud's keys. */
static void clean_environment(struct strvec *env)
{
	size_t i;

	for (i = 0; environ[i]; i++)
		if (!starts_with(environ[i], "AWS_") && !starts_with(environ[i], "GLUEPROJ_PARAM_"))
			strvec_push(env, environ[i]);
}

static void command_line(const struct local_server_opts *opts, const char *dir, struct strvec *args)
{
	strvec_push(args, "glueproj");
	strvec_push(args, "local-server-main");
	strvec_pushf(args, "--dir=%s", dir);
	strvec_pushf(args, "--port=%d", opts->port);
	strvec_pushf(args, "--idle=%d", opts->idle_s);
	if (opts->account)
		strvec_pushf(args, "--account=%s", opts->account);
	if (opts->region)
		strvec_pushf(args, "--region=%s", opts->region);
	if (opts->well_known_keys)
		strvec_push(args, "--well-known-keys");
}

static int spawn(const struct local_server_opts *opts, const char *dir, int ready_fd, pid_t *pid,
	struct err *err)
{
	struct strvec args = STRVEC_INIT, env = STRVEC_INIT;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	char *log = fs_join(dir, "server.log");
	sigset_t none;
	int error;

	command_line(opts, dir, &args);
	clean_environment(&env);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&files, ready_fd, READY_FD);
	posix_spawn_file_actions_adddup2(&files, 2, 1);
	posix_spawn_file_actions_addclosefrom_np(&files, READY_FD + 1);
	posix_spawn_file_actions_addchdir_np(&files, "/");
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn(pid, "/proc/self/exe", &files, &attr, args.v, env.v);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	strvec_release(&args);
	strvec_release(&env);
	free(log);
	if (!error)
		return 0;
	errno = error;
	return err_errno(err, "cannot start the local cloud");
}

/* Reads the child's word. 0: it is ready. */
static int hear(int fd, const char *dir, struct err *err)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	struct strbuf line = STRBUF_INIT;
	struct json *doc = NULL;
	int result = -1;

	while (!memchr(line.buf, '\n', line.len)) {
		char part[1024];
		ssize_t n;

		if (poll(&wait, 1, START_TIMEOUT_S * 1000) == 0) {
			err_set(err, ERR_TIMEOUT, "the local cloud does not start within %d s",
				START_TIMEOUT_S);
			goto out;
		}
		n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		strbuf_add(&line, part, (size_t)n);
	}
	doc = json_parse(line.buf, line.len, NULL);
	if (json_get_truth(doc, "ok", false)) {
		result = 0;
		goto out;
	}
	err_set(err, doc ? (enum err_code)json_get_i64(doc, "code", ERR_FAILED) : ERR_FAILED, "%s",
		doc ? json_get_str(doc, "text") : "the local cloud ended while it started");
	if (json_get_str(doc, "name"))
		err_named(err, json_get_str(doc, "name"));
	if (json_get_str(doc, "hint"))
		err_hint(err, "%s", json_get_str(doc, "hint"));
	else
		err_hint(err, "see '%s/server.log'", dir);
out:
	json_free(doc);
	strbuf_release(&line);
	return result;
}

static int start_background(const struct local_server_opts *opts, const char *dir, struct err *err)
{
	int fds[2], result;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return err_errno(err, "a pipe to the local cloud");
	if (fds[1] == READY_FD) {
		/* dup2 onto itself would keep close-on-exec */
		int other = fcntl(fds[1], F_DUPFD_CLOEXEC, READY_FD + 1);

		close(fds[1]);
		fds[1] = other;
	}
	result = spawn(opts, dir, fds[1], &pid, err);
	close(fds[1]);
	if (!result) {
		result = hear(fds[0], dir, err);
		if (result && err && err->code == ERR_TIMEOUT)
			kill(pid, SIGKILL);
		if (result)
			waitpid(pid, NULL, 0);
	}
	close(fds[0]);
	return result;
}

/* Another start has the lock: it will be ready soon, or be gone. */
static int wait_for_other(
	const char *dir, bool *running, struct local_server_info *info, struct err *err)
{
	long pid = 1;
	int i;

	*running = false;
	for (i = 0; pid && i < START_TIMEOUT_S * 50; i++) {
		if (local_server_status(dir, running, info, err))
			return -1;
		if (*running)
			return 0;
		if (lock_look(dir, &pid, err))
			return -1;
		usleep(20000);
	}
	return 0;
}

int local_server_start(
	const struct local_server_opts *opts, struct local_server_info *info, struct err *err)
{
	struct err mine = ERR_INIT;
	bool running = false;
	char *dir = NULL;
	int i, result = -1;

	if (folder(opts->dir, &dir, err))
		return -1;
	for (i = 0; i < 3 && result; i++) {
		err_release(&mine);
		if (wait_for_other(dir, &running, info, &mine))
			break;
		if (!running && start_background(opts, dir, &mine)) {
			if (!mine.name || strcmp(mine.name, "AlreadyRunning"))
				break;
			continue;
		}
		result = running ? 0 : local_server_status(dir, &running, info, &mine);
		if (!result && !running)
			result = err_set(&mine, ERR_FAILED,
				"the local cloud of '%s' ended right after its start", dir);
	}
	if (result)
		err_move(err, &mine);
	err_release(&mine);
	free(dir);
	return result;
}
