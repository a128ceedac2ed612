/*
 * A process for each namespace that is asked: started with the first statement, kept, started again when it died.
 *
 * A start has a number; a session belongs to one start and fails once that is over. One thread receives and hands each
 * reply to whoever waits for that session's; senders take turns. engine->lock guards all of it.
 */
#include "local_redshift.h"

#include <unistd.h>
#include "fs.h"
#include "local_worker.h"
#include "log.h"

#define MEMORY_MB 1024
#define THREADS 2

struct redshift_engine {
	char *id;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	struct local_worker *worker; /* NULL: not started */
	pthread_t reader;
	bool dead;    /* the worker ended: it is to be joined and freed */
	bool reaping; /* somebody does so */
	uint64_t start;
	int64_t last_session;
	struct redshift_session *waiting;
	struct redshift_engine *next;
};

struct redshift_session {
	struct redshift_engine *engine;
	int64_t id;
	uint64_t start;
	struct json *reply;
	struct redshift_session *next; /* in engine->waiting */
};

char *redshift_folder(struct local_cloud *cloud, const char *namespace_id)
{
	return namespace_id ? xasprintf("%s/redshift/%s", cloud->dir, namespace_id)
			    : xasprintf("%s/redshift", cloud->dir);
}

/* --- the process --- */

static void *receive(void *payload)
{
	struct redshift_engine *e = payload;
	struct json *reply;
	struct err err = ERR_INIT;

	while (!local_worker_receive(e->worker, &reply, &err)) {
		int64_t id = json_get_i64(reply, "session", -1);
		struct redshift_session *s;

		pthread_mutex_lock(&e->lock);
		for (s = e->waiting; s && s->id != id;)
			s = s->next;
		if (s && !s->reply) {
			s->reply = reply;
			reply = NULL;
		}
		pthread_cond_broadcast(&e->answered);
		pthread_mutex_unlock(&e->lock);
		json_free(reply);
	}
	pthread_mutex_lock(&e->lock);
	e->dead = true;
	pthread_cond_broadcast(&e->answered);
	pthread_mutex_unlock(&e->lock);
	err_release(&err);
	return NULL;
}

/* engine->lock is held, but for the while that the thread needs to end. */
static void reap(struct redshift_engine *e)
{
	while (e->reaping)
		pthread_cond_wait(&e->answered, &e->lock);
	if (!e->worker)
		return;
	e->reaping = true;
	local_worker_kill(e->worker);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->reader, NULL);
	pthread_mutex_lock(&e->lock);
	local_worker_free(e->worker);
	e->worker = NULL;
	e->dead = e->reaping = false;
	pthread_cond_broadcast(&e->answered);
}

static struct json *open_request(struct local_cloud *cloud, const char *id, const char *database)
{
	struct json *req = json_object(), *dirs = json_array();
	char *folder = redshift_folder(cloud, id);
	char *path = xasprintf("%s/%s.duckdb", folder, database),
	     *temp = xasprintf("%s/spill", folder), *objects = xasprintf("%s/objects", cloud->dir),
	     *scratch = xasprintf("%s/tmp", cloud->dir);

	json_set_str(req, "op", "open");
	json_set_i64(req, "session", 0);
	json_set_str(req, "path", path);
	json_push_str(dirs, objects);
	json_push_str(dirs, scratch);
	json_set(req, "dirs", dirs);
	json_set_i64(req, "memory_mb", MEMORY_MB);
	json_set_i64(req, "threads", THREADS);
	json_set_str(req, "temp_dir", temp);
	free(folder);
	free(path);
	free(temp);
	free(objects);
	free(scratch);
	return req;
}

/* The first frame is answered before anything else is asked. */
static int open_database(
	struct local_cloud *cloud, struct redshift_engine *e, const char *database, struct err *err)
{
	struct json *req = open_request(cloud, e->id, database), *reply = NULL;
	char *folder = redshift_folder(cloud, e->id);
	int r = fs_mkdir_p(folder, 0700, err);

	if (!r)
		r = local_worker_call(e->worker, req, &reply, err);
	if (!r && !json_get_truth(reply, "ok", false))
		r = err_set(err, ERR_FAILED, "%s", json_get_str(reply, "error"));
	json_free(req);
	json_free(reply);
	free(folder);
	return r;
}

static int start(
	struct local_cloud *cloud, struct redshift_engine *e, const char *database, struct err *err)
{
	e->worker = local_worker_start_resident(err);
	if (!e->worker)
		return -1;
	e->start++;
	if (open_database(cloud, e, database, err) ||
		pthread_create(&e->reader, NULL, receive, e)) {
		if (!err->code)
			err_set(err, ERR_FAILED, "no thread for the warehouse");
		local_worker_free(e->worker);
		e->worker = NULL;
		return -1;
	}
	return 0;
}

static struct redshift_engine *engine_get(struct redshift_state *state, const char *id, bool make)
{
	struct redshift_engine *e;

	pthread_mutex_lock(&state->lock);
	for (e = state->engines; e && strcmp(e->id, id) != 0;)
		e = e->next;
	if (!e && make) {
		e = xcalloc(1, sizeof(*e));
		e->id = xstrdup(id);
		pthread_mutex_init(&e->lock, NULL);
		pthread_cond_init(&e->answered, NULL);
		e->next = state->engines;
		state->engines = e;
	}
	pthread_mutex_unlock(&state->lock);
	return e;
}

/* --- sessions --- */

struct redshift_session *redshift_session_open(
	struct local_cloud *cloud, const char *namespace_id, const char *database, struct err *err)
{
	struct redshift_engine *e = engine_get(redshift_state(cloud), namespace_id, true);
	struct redshift_session *s = NULL;
	int r = 0;

	pthread_mutex_lock(&e->lock);
	while (e->dead || e->reaping)
		reap(e);
	if (local_stopping(cloud))
		r = err_set(err, ERR_FAILED, "the local cloud ends");
	else if (!e->worker)
		r = start(cloud, e, database, err);
	if (!r) {
		s = xcalloc(1, sizeof(*s));
		s->engine = e;
		s->start = e->start;
		s->id = ++e->last_session;
	}
	pthread_mutex_unlock(&e->lock);
	return s;
}

static void unlink_session(struct redshift_engine *e, struct redshift_session *s)
{
	for (struct redshift_session **p = &e->waiting; *p; p = &(*p)->next)
		if (*p == s) {
			*p = s->next;
			break;
		}
}

/* engine->lock is held. */
static bool alive(const struct redshift_session *s)
{
	const struct redshift_engine *e = s->engine;

	return e->worker && !e->dead && !e->reaping && e->start == s->start;
}

static int take_reply(struct redshift_session *s, struct json **reply, struct err *err)
{
	struct json *got = s->reply;
	int r = 0;

	s->reply = NULL;
	if (!got)
		return err_set(err, ERR_IO, "ERROR: the warehouse's process ended");
	if (!json_get_truth(got, "ok", false)) {
		const char *why = json_get_str(got, "error");
		r = err_set(err, ERR_INVALID, "%s", why ? why : "ERROR: the statement failed");
	}
	if (!r && reply)
		*reply = got;
	else
		json_free(got);
	return r;
}

int redshift_session_call(
	struct redshift_session *s, struct json *request, struct json **reply, struct err *err)
{
	struct redshift_engine *e = s->engine;
	struct err ignored = ERR_INIT;
	int r;

	json_set_i64(request, "session", s->id);
	pthread_mutex_lock(&e->lock);
	if (alive(s)) {
		s->next = e->waiting;
		e->waiting = s;
		if (!local_worker_send(e->worker, request, &ignored))
			while (!s->reply && alive(s))
				pthread_cond_wait(&e->answered, &e->lock);
		unlink_session(e, s);
	}
	r = take_reply(s, reply, err);
	pthread_mutex_unlock(&e->lock);
	err_release(&ignored);
	json_free(request);
	return r;
}

void redshift_session_cancel(struct redshift_session *s)
{
	struct json *request = json_object();
	struct err ignored = ERR_INIT;

	json_set_str(request, "op", "cancel");
	json_set_i64(request, "session", s->id);
	pthread_mutex_lock(&s->engine->lock);
	if (alive(s) && local_worker_send(s->engine->worker, request, &ignored))
		err_release(&ignored);
	pthread_mutex_unlock(&s->engine->lock);
	json_free(request);
}

void redshift_session_close(struct redshift_session *s)
{
	struct json *request;
	struct err ignored = ERR_INIT;

	if (!s)
		return;
	request = json_object();
	json_set_str(request, "op", "close");
	if (redshift_session_call(s, request, NULL, &ignored))
		err_release(&ignored); /* it went with its process */
	free(s);
}

/* --- ends --- */

void redshift_engine_drop(struct local_cloud *cloud, const char *namespace_id, const char *snapshot)
{
	struct redshift_engine *e = engine_get(redshift_state(cloud), namespace_id, false);
	char *folder = redshift_folder(cloud, namespace_id),
	     *kept = redshift_folder(cloud, "snapshots"),
	     *target = snapshot ? xasprintf("%s/%s", kept, snapshot) : NULL;
	struct err err = ERR_INIT;

	if (e) {
		pthread_mutex_lock(&e->lock);
		reap(e);
		pthread_mutex_unlock(&e->lock);
	}
	/* a namespace that nobody asked has no folder */
	if (target && fs_is_dir(folder) && (fs_mkdir_p(kept, 0700, &err) || rename(folder, target)))
		log_warn("snapshot %s: %s", snapshot, err.text ? err.text : "it cannot be kept");
	else if (!target && fs_remove_tree(folder, &err))
		log_warn("warehouse %s: %s", namespace_id, err.text);
	err_release(&err);
	free(folder);
	free(kept);
	free(target);
}

/* Whoever waits is told; the threads are joined by free. */
void redshift_engines_stop(struct redshift_state *s)
{
	pthread_mutex_lock(&s->lock);
	for (struct redshift_engine *e = s->engines; e; e = e->next) {
		pthread_mutex_lock(&e->lock);
		if (e->worker)
			local_worker_kill(e->worker);
		pthread_mutex_unlock(&e->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

void redshift_engines_free(struct redshift_state *s)
{
	while (s->engines) {
		struct redshift_engine *e = s->engines;

		s->engines = e->next;
		pthread_mutex_lock(&e->lock);
		reap(e);
		pthread_mutex_unlock(&e->lock);
		pthread_cond_destroy(&e->answered);
		pthread_mutex_destroy(&e->lock);
		free(e->id);
		free(e);
	}
}
