#include "ingest_queue.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "joblog.h"
#include "map.h"
#include "object_event.h"
#include "queue.h"

/* In one run; the queue's own policy counts all runs'. */
#define MOST_TRIES 3
/* Between looks at what others hold. */
#define LOOK_S 2

struct run {
	struct ingest_event *e;
	const struct ingest_queue_options *opts;
	struct queue *queue;
	struct map left;  /* messages that failed, by id: the tries that are left for them */
	int64_t heard_ms; /* when a message last came */
	size_t messages, ingested, errored, known, skipped, vanished, unreadable;
};

/* What a message, or one object of it, has come to. */
enum end {
	END_DONE,
	END_LATER, /* others are at it: it comes again, and is then known, or ours */
	END_FAILED,
};

static int64_t now_ms(void)
{
	const struct clock *clock = clock_system();

	return clock->mono_ms(clock);
}

/* --- one object --- */

static int skip(struct run *r, const char *key, const char *why)
{
	r->skipped++;
	job_log(JOB_INFO, "skipped", "key=\"%s\" reason=\"%s\"", key, why);
	return 0;
}

/* What jobs leave beside data: folders' marks, what is not finished, descriptions. */
static bool is_no_data(const char *key)
{
	static const char *const ends[] = {"/", ".dfm", "/_SUCCESS", "_$folder$", "/_temporary"};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends_with(key, ends[i]))
			return true;
	return strstr(key, "/_temporary/") != NULL;
}

/* Borrowed from `o`: the key as the database has it; NULL: it is not for us. */
static const char *own_key(struct run *r, const struct object_name *o)
{
	const struct ingest_event *e = r->e;
	const char *key = o->key;

	if (strcmp(o->bucket, e->incoming.bucket) != 0) {
		skip(r, key, "of another bucket");
		return NULL;
	}
	if (!starts_with(key, e->incoming.root) ||
		!starts_with(key + strlen(e->incoming.root), e->prefix)) {
		skip(r, key, "outside of --INCOMING and --PREFIX");
		return NULL;
	}
	if (is_no_data(key)) {
		skip(r, key, "no data");
		return NULL;
	}
	return key + strlen(e->incoming.root) + strlen(e->prefix);
}

static int gone(struct run *r, struct err *err)
{
	bool known = false;
	int64_t erroring = 0;

	if (ingest_event_gone(r->e, &known, &erroring, err) != 0)
		return -1;
	r->errored += (size_t)erroring;
	if (known && !erroring) {
		r->known++;
		job_log(JOB_INFO, "known", "key=\"%s\" object=gone", r->e->key);
	} else {
		r->vanished++;
		job_log(JOB_WARN, "vanished", "key=\"%s\" loads=%lld", r->e->key,
			(long long)erroring);
	}
	return 0;
}

static int ingest(struct run *r, enum end *end, struct err *err)
{
	struct ingest_event *e = r->e;
	enum ingest_end how;

	if (ingest_load_tell(e->job, e->pg, &e->in, &e->in.loads[0], &r->opts->load, &how, err) !=
		0)
		return -1;
	r->ingested += how == INGEST_DONE;
	r->errored += how == INGEST_ERRORED;
	*end = how == INGEST_AGAIN ? END_FAILED : END_DONE;
	return ingest_event_unlock(e, err);
}

static void log_failed(const char *event, const char *what, const char *name, const struct err *err)
{
	char *text = err_format(err);

	for (char *c = text; *c; c++)
		if (*c == '"')
			*c = '\'';
	job_log(JOB_ERROR, event, "%s=\"%s\" error=\"%s\"", what, name, text);
	free(text);
}

/* -1: no other object can be ingested either. */
static int claim(struct run *r, enum end *end, struct err *err)
{
	struct err why = ERR_INIT;
	enum ingest_found found;
	int ret = 0;

	*end = END_DONE;
	(void)!ingest_event_claim(r->e, &found, &why);
	switch (found) {
	case INGEST_CLAIMED:
		ret = ingest(r, end, err);
		break;
	case INGEST_KNOWN:
		r->known++;
		break;
	case INGEST_BUSY:
		*end = END_LATER;
		break;
	case INGEST_BAD:
		r->errored++;
		log_failed("event", "key", r->e->key, &why);
		break;
	case INGEST_NO_TABLE:
		ret = skip(r, r->e->key, why.text);
		break;
	case INGEST_GONE:
		ret = gone(r, err);
		break;
	case INGEST_FAILED:
		*end = END_FAILED;
		if (why.code == ERR_INTERRUPTED || pg_exec(r->e->pg, "SELECT 1", NULL) != 0) {
			err_move(err, &why);
			ret = -1;
		} else {
			log_failed("event", "key", r->e->key, &why);
		}
		break;
	}
	err_release(&why);
	return ret;
}

/* --- one message --- */

static int take_message(
	struct run *r, const struct queue_message *m, enum end *end, struct err *err)
{
	struct object_event event;
	struct err why = ERR_INIT;
	int ret = 0;

	*end = END_DONE;
	if (object_event_parse(m->body, strlen(m->body), &event, &why) != 0) {
		r->unreadable++;
		*end = END_FAILED;
		log_failed("unreadable", "message", m->id, &why);
		/* It will be no better in this run. */
		map_put(&r->left, m->id, (void *)(intptr_t)MOST_TRIES);
	} else if (!event.nr) {
		skip(r, "", event.what);
	}
	for (size_t i = 0; i < event.nr && ret == 0; i++) {
		enum end one = END_DONE;

		ret = job_check_interrupt(err);
		r->e->key = ret == 0 ? own_key(r, &event.v[i]) : NULL;
		if (r->e->key)
			ret = claim(r, &one, err);
		r->e->key = NULL;
		if (one > *end)
			*end = one;
	}
	err_release(&why);
	object_event_release(&event);
	return ret;
}

static size_t tries_of(const struct run *r, const char *id)
{
	return (size_t)(intptr_t)map_get(&r->left, id);
}

static int take_messages(
	struct run *r, struct queue_message *v, size_t nr, bool *any, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < nr && ret == 0; i++) {
		size_t tries = tries_of(r, v[i].id);
		enum end end = END_FAILED;

		if (tries < MOST_TRIES) {
			*any = true;
			r->messages += !tries;
			ret = take_message(r, &v[i], &end, err);
		}
		if (end == END_DONE && ret == 0) {
			v[i].done = true;
			map_remove(&r->left, v[i].id);
			continue;
		}
		queue_leave(r->queue, &v[i]);
		if (end == END_FAILED && tries < MOST_TRIES && tries_of(r, v[i].id) < MOST_TRIES)
			map_put(&r->left, v[i].id, (void *)(intptr_t)(tries + 1));
	}
	return ret;
}

/* --- the run --- */

/* Nothing came: is there anything that others hold, and may leave? */
static int is_over(struct run *r, bool *over, struct err *err)
{
	int64_t held = 0;

	if (queue_in_flight(r->queue, &held, err) != 0)
		return -1;
	*over = held <= (int64_t)r->left.nr ||
		now_ms() - r->heard_ms > (queue_visibility_s(r->queue) + 1) * 1000LL;
	return 0;
}

static int empty(struct run *r, struct err *err)
{
	long long wait_s = r->opts->wait_s;
	bool over = false;

	r->heard_ms = now_ms();
	while (!over) {
		struct queue_message *v;
		struct err why = ERR_INIT;
		bool any = false;
		size_t nr;
		int ret;

		if (queue_receive(r->queue, wait_s, &v, &nr, err) != 0)
			return -1;
		ret = take_messages(r, v, nr, &any, err);
		/* What is done is deleted, however the run ends. */
		if (queue_settle(r->queue, ret == 0 ? err : &why) != 0)
			ret = -1;
		err_release(&why);
		wait_s = r->opts->wait_s;
		if (ret == 0 && any) {
			r->heard_ms = now_ms();
		} else if (ret == 0) {
			ret = job_check_interrupt(err);
			if (ret == 0)
				ret = is_over(r, &over, err);
			wait_s = LOOK_S;
		}
		if (ret != 0)
			return -1;
	}
	return 0;
}

int ingest_queue_run(
	struct ingest_event *e, const struct ingest_queue_options *opts, struct err *err)
{
	struct run r = {.e = e, .opts = opts};
	size_t failed;
	int ret;

	map_init(&r.left, NULL);
	r.queue = queue_open(e->job, opts->queue, err);
	ret = r.queue ? empty(&r, err) : -1;
	failed = r.left.nr - (r.unreadable < r.left.nr ? r.unreadable : r.left.nr);
	if (r.queue)
		job_log(failed ? JOB_WARN : JOB_INFO, "queue",
			"messages=%zu ingested=%zu errored=%zu known=%zu skipped=%zu vanished=%zu "
			"failed=%zu unreadable=%zu",
			r.messages, r.ingested, r.errored, r.known, r.skipped, r.vanished, failed,
			r.unreadable);
	if (ret == 0 && failed)
		ret = err_set(err, ERR_FAILED, "%zu of %zu messages failed, and come again", failed,
			r.messages);
	queue_close(r.queue);
	map_release(&r.left);
	return ret;
}
