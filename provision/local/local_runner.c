/*
 * The runner: one thread for each job run. It prepares the program, starts it behind a keeper, carries its output to
 * the log streams, and watches four limits: a wish to stop, the time-out (on the cloud's clock), memory, and the
 * cloud's own end. Whatever happens, local_run_end() is called once; only when the cloud itself ends is the run left
 * as it stands, for the recovery of the next start to fail it.
 */
#include "local_glue.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fs.h"
#include "local_keeper.h"
#include "local_logs.h"
#include "local_program.h"
#include "log.h"

#define TICK_MS 50
#define FLUSH_BYTES (256 * 1024)
#define FLUSH_MS 200
#define LINE_MAX_BYTES (200 * 1024)
#define MESSAGE_MAX_BYTES 2000

struct live_run {
	char *id;
	atomic_bool stop;
	struct live_run *next;
};

struct local_runner {
	pthread_mutex_t lock; /* the list */
	struct live_run *live;
};

struct local_runner *local_runner_new(void)
{
	struct local_runner *r = xcalloc(1, sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void local_runner_free(struct local_runner *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* --- output --- */

/* One of the program's two outputs on its way to a log stream. */
struct sink {
	struct local_cloud *cloud;
	const char *stream;
	char *group;
	struct strbuf partial, batch;   /* a line without its end; whole lines to be written */
	struct strbuf last, last_error; /* last line, and last one of level ERROR */
	int64_t flushed_ms;
	bool said;
};

static void sink_init(
	struct sink *s, struct local_cloud *cloud, const struct local_run *run, const char *tail)
{
	memset(s, 0, sizeof(*s));
	s->cloud = cloud;
	s->stream = run->id;
	s->group = xasprintf("%s/%s", run->log_group ? run->log_group : "/aws-glue/jobs", tail);
	strbuf_init(&s->partial);
	strbuf_init(&s->batch);
	strbuf_init(&s->last);
	strbuf_init(&s->last_error);
}

static void sink_release(struct sink *s)
{
	free(s->group);
	strbuf_release(&s->partial);
	strbuf_release(&s->batch);
	strbuf_release(&s->last);
	strbuf_release(&s->last_error);
}

static void sink_flush(struct sink *s)
{
	struct err err = ERR_INIT;

	s->flushed_ms = clock_system()->mono_ms(clock_system());
	if (s->batch.len == 0)
		return;
	if (local_logs_append(s->cloud, s->group, s->stream, local_now_ms(s->cloud), s->batch.buf,
		    s->batch.len, &err) != 0 &&
		!s->said) {
		log_warn("the log of job run %s cannot be written: %s", s->stream, err.text);
		s->said = true;
	}
	err_release(&err);
	strbuf_clear(&s->batch);
}

static void remember_line(struct sink *s, const char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
		len--;
	if (len == 0)
		return;
	if (len > MESSAGE_MAX_BYTES)
		len = MESSAGE_MAX_BYTES;
	strbuf_clear(&s->last);
	strbuf_add(&s->last, line, len);
	if (memmem(line, len, " ERROR ", 7)) {
		strbuf_clear(&s->last_error);
		strbuf_add(&s->last_error, line, len);
	}
}

static void sink_add(struct sink *s, const char *data, size_t len)
{
	size_t from = 0;
	const char *end;

	strbuf_add(&s->partial, data, len);
	while ((end = memchr(s->partial.buf + from, '\n', s->partial.len - from))) {
		size_t line = (size_t)(end - s->partial.buf) - from;

		remember_line(s, s->partial.buf + from, line);
		from += line + 1;
	}
	strbuf_add(&s->batch, s->partial.buf, from);
	strbuf_remove(&s->partial, 0, from);
	if (s->partial.len > LINE_MAX_BYTES) {
		strbuf_add(&s->batch, s->partial.buf, s->partial.len);
		strbuf_addch(&s->batch, '\n');
		strbuf_clear(&s->partial);
	}
	if (s->batch.len >= FLUSH_BYTES)
		sink_flush(s);
}

static void sink_end(struct sink *s)
{
	if (s->partial.len) {
		remember_line(s, s->partial.buf, s->partial.len);
		strbuf_add(&s->batch, s->partial.buf, s->partial.len);
		strbuf_addch(&s->batch, '\n');
		strbuf_clear(&s->partial);
	}
	sink_flush(s);
}

/* Reads what is there; closes the descriptor at its end. At most `rounds` blocks, so that limits are looked at. */
static void sink_read(struct sink *s, int *fd, int rounds)
{
	char block[65536];

	while (*fd >= 0 && rounds-- > 0) {
		ssize_t n = read(*fd, block, sizeof(block));

		if (n > 0) {
			sink_add(s, block, (size_t)n);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			close(*fd);
			*fd = -1;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

/* --- one run --- */

enum ending { ENDED_ITSELF, END_STOPPED, END_TIMEOUT, END_MEMORY, END_CLOUD };

struct run_work {
	struct local_cloud *cloud;
	struct live_run *live;
	struct local_run run;
	struct local_program program;
	struct local_keeper keeper;
	struct sink out, err;
	enum ending ending;
	int64_t began_ms, memory_checked_ms;
	bool known; /* the table says RUNNING and knows the process group */
};

/* Looks at the limits; true when the run must end now. */
static bool must_end(struct run_work *w)
{
	int64_t mono = clock_system()->mono_ms(clock_system());

	if (atomic_load(&w->live->stop)) {
		w->ending = END_STOPPED;
	} else if (local_stopping(w->cloud)) {
		w->ending = END_CLOUD;
	} else if (local_now_ms(w->cloud) - w->began_ms >= w->program.timeout_ms) {
		w->ending = END_TIMEOUT;
	} else if (mono - w->memory_checked_ms >= TICK_MS) {
		w->memory_checked_ms = mono;
		if (local_keeper_memory(&w->keeper) >> 20 >= (uint64_t)w->program.memory_mb)
			w->ending = END_MEMORY;
	}
	return w->ending != ENDED_ITSELF;
}

static void note_running(struct run_work *w)
{
	struct err err = ERR_INIT;
	char *born;

	if (w->known || w->keeper.program == 0)
		return;
	born = local_process_born(w->keeper.program);
	if (local_run_running(w->cloud, w->run.id, w->keeper.program, born, &err) != 0)
		log_warn("job run %s: %s", w->run.id, err.text);
	w->known = true;
	free(born);
	err_release(&err);
}

static void flush_when_due(struct run_work *w)
{
	int64_t mono = clock_system()->mono_ms(clock_system());

	if (mono - w->out.flushed_ms >= FLUSH_MS)
		sink_flush(&w->out);
	if (mono - w->err.flushed_ms >= FLUSH_MS)
		sink_flush(&w->err);
}

/* Until the program and all of its descendants are gone and their output is read. */
static void watch(struct run_work *w)
{
	struct local_keeper *k = &w->keeper;

	while (k->status >= 0 || k->out >= 0 || k->err >= 0) {
		struct pollfd fds[] = {
			{k->out, POLLIN, 0}, {k->err, POLLIN, 0}, {k->status, POLLIN, 0}};

		if (poll(fds, ARRAY_SIZE(fds), TICK_MS) < 0 && errno != EINTR)
			break;
		if (fds[2].revents)
			local_keeper_read(k);
		note_running(w);
		sink_read(&w->out, &k->out, 16);
		sink_read(&w->err, &k->err, 16);
		flush_when_due(w);
		if (w->ending == ENDED_ITSELF && !k->exited && must_end(w))
			local_keeper_kill(k);
	}
	sink_end(&w->out);
	sink_end(&w->err);
	local_keeper_release(k);
}

/* What GetJobRun shows when the program itself said no. */
static char *failure_text(const struct run_work *w)
{
	const struct local_keeper *k = &w->keeper;

	if (k->exec_errno)
		return xasprintf("LAUNCH ERROR | '%s' cannot be started: %s", w->program.argv.v[0],
			strerror(k->exec_errno));
	if (!k->exited)
		return xstrdup("The process that watched the run was killed.");
	if (WIFSIGNALED(k->wait_status))
		return xasprintf("Command was ended by signal %d (%s)", WTERMSIG(k->wait_status),
			strsignal(WTERMSIG(k->wait_status)));
	if (w->err.last_error.len)
		return xstrdup(w->err.last_error.buf);
	if (w->out.last_error.len)
		return xstrdup(w->out.last_error.buf);
	if (w->err.last.len)
		return xstrdup(w->err.last.buf);
	return xasprintf("Command failed with exit code %d", WEXITSTATUS(k->wait_status));
}

static void finish(struct run_work *w)
{
	const struct local_keeper *k = &w->keeper;
	int64_t took = local_now_ms(w->cloud) - w->began_ms;
	const char *state = "FAILED";
	char *error = NULL;

	switch (w->ending) {
	case END_CLOUD:
		return;
	case END_STOPPED:
		state = "STOPPED";
		break;
	case END_TIMEOUT:
		state = "TIMEOUT";
		error = xasprintf("Job run exceeded its timeout of %lld minutes",
			(long long)w->program.timeout_ms / 60000);
		break;
	case END_MEMORY:
		error = xasprintf(
			"Command failed with out of memory: the run used all of its %lld MB",
			(long long)w->program.memory_mb);
		break;
	case ENDED_ITSELF:
		if (k->exited && !k->exec_errno && WIFEXITED(k->wait_status) &&
			WEXITSTATUS(k->wait_status) == 0)
			state = "SUCCEEDED";
		else
			error = failure_text(w);
		break;
	}
	local_run_end(w->cloud, &w->run, state, error, took);
	free(error);
}

static int start_program(struct run_work *w, struct err *err)
{
	if (local_program_prepare(w->cloud, &w->run, &w->program, err) != 0)
		return -1;
	if (atomic_load(&w->live->stop))
		return 0;
	w->keeper.gift = w->program.arguments;
	return local_keeper_start(
		&w->keeper, w->program.argv.v, w->program.env.v, w->program.dir, err);
}

static void run_program(struct run_work *w)
{
	struct err err = ERR_INIT;

	if (start_program(w, &err) != 0) {
		if (!local_stopping(w->cloud))
			local_run_end(w->cloud, &w->run,
				atomic_load(&w->live->stop) ? "STOPPED" : "FAILED", err.text, 0);
	} else if (w->keeper.pid == 0) {
		local_run_end(w->cloud, &w->run, "STOPPED", NULL, 0);
	} else {
		w->began_ms = local_now_ms(w->cloud);
		sink_init(&w->out, w->cloud, &w->run, "output");
		sink_init(&w->err, w->cloud, &w->run, "error");
		watch(w);
		finish(w);
		sink_release(&w->out);
		sink_release(&w->err);
	}
	if (w->program.dir && fs_remove_tree(w->program.dir, &err) != 0)
		log_warn("%s", err.text);
	err_release(&err);
}

static void forget(struct local_cloud *cloud, struct live_run *live)
{
	struct local_runner *r = local_runner_of(cloud);
	struct live_run **at;

	pthread_mutex_lock(&r->lock);
	for (at = &r->live; *at && *at != live; at = &(*at)->next)
		;
	if (*at)
		*at = live->next;
	pthread_mutex_unlock(&r->lock);
	free(live->id);
	free(live);
}

static void run_task(struct local_cloud *cloud, void *payload)
{
	struct run_work w = {.cloud = cloud,
		.live = payload,
		.program = LOCAL_PROGRAM_INIT,
		.keeper = LOCAL_KEEPER_INIT};
	struct err err = ERR_INIT;

	if (local_run_load(cloud, w.live->id, &w.run, &err) != 0)
		log_warn("job run %s: %s", w.live->id, err.text);
	else if (strcmp(w.run.state, "STOPPING") == 0)
		local_run_end(cloud, &w.run, "STOPPED", NULL, 0);
	else if (strcmp(w.run.state, "STARTING") == 0)
		run_program(&w);
	local_program_release(&w.program);
	local_run_release(&w.run);
	err_release(&err);
	forget(cloud, w.live);
}

void local_runner_launch(struct local_cloud *cloud, const char *id)
{
	struct local_runner *r = local_runner_of(cloud);
	struct live_run *live = xcalloc(1, sizeof(*live));

	live->id = xstrdup(id);
	pthread_mutex_lock(&r->lock);
	live->next = r->live;
	r->live = live;
	pthread_mutex_unlock(&r->lock);
	local_task_spawn(cloud, run_task, live);
}

void local_runner_stop(struct local_cloud *cloud, const char *id)
{
	struct local_runner *r = local_runner_of(cloud);

	pthread_mutex_lock(&r->lock);
	for (struct live_run *l = r->live; l; l = l->next) {
		if (strcmp(l->id, id) == 0)
			atomic_store(&l->stop, true);
	}
	pthread_mutex_unlock(&r->lock);
}

/* --- after a crash --- */

void local_runner_kill_leftover(int64_t pgid, const char *born)
{
	char *now;

	if (pgid <= 1 || !born || !*born)
		return;
	now = local_process_born((pid_t)pgid);
	if (strcmp(now, born) == 0)
		kill(-(pid_t)pgid, SIGKILL);
	free(now);
}

void local_runner_clean(struct local_cloud *cloud)
{
	char *dir = fs_join(cloud->dir, "runs");
	struct err err = ERR_INIT;

	if (fs_remove_tree(dir, &err) != 0)
		log_warn("%s", err.text);
	err_release(&err);
	free(dir);
	local_program_clean(cloud);
}
