/*
 * A few threads send many files. Each takes, in this order: a piece of a file that was begun, a new file, a rest until one
 * of the others ends. So no more uploads are open than there are threads, and one big file has all of them.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "s3_sending.h"
#include "thrdpool.h"
#include "upload.h"

/* A file that was begun. */
struct active {
	struct upload_job *job;
	struct s3_sending sending;
	size_t next, running; /* pieces */
	bool failed;
	int64_t began_ms;
};

struct run {
	struct session *s;
	struct upload_jobs *jobs;
	struct upload_progress *progress;
	pthread_mutex_t lock;
	pthread_cond_t ended; /* a task has ended */
	size_t next;          /* job */
	struct active **active;
	size_t nr_active, busy, alloc;
	struct err hopeless; /* what no other file could do better: not begun any more */
};

static int64_t now_ms(void)
{
	return clock_system()->mono_ms(clock_system());
}

static bool is_hopeless(const struct err *err)
{
	static const char *const codes[] = {"NoSuchBucket", "InvalidAccessKeyId",
		"SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AccountProblem"};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (err_is_aws(err, codes[i]))
			return true;
	return false;
}

/* Under the lock. Takes err. */
static void fail(struct run *r, struct active *a, struct err *err)
{
	if (!a->failed)
		err_move(&a->job->err, err);
	err_release(err);
	a->failed = true;
	if (r->hopeless.code == ERR_NONE && is_hopeless(&a->job->err))
		err_copy(&r->hopeless, &a->job->err);
}

static void begin(struct run *r, struct active *a)
{
	struct options *o = &r->s->o;
	struct upload_job *job = a->job;
	struct err err = ERR_INIT;

	a->began_ms = now_ms();
	s3_sending_init(&a->sending, r->s->aws, r->jobs->bucket, job->key, job->from);
	a->sending.force = o->force;
	a->sending.dry_run = o->dry_run;
	a->sending.progress = upload_progress_bytes;
	a->sending.payload = r->progress;
	if (s3_sending_begin(&a->sending, &err) < 0) {
		pthread_mutex_lock(&r->lock);
		fail(r, a, &err);
		pthread_mutex_unlock(&r->lock);
	}
	err_release(&err);
}

static void piece(struct run *r, struct active *a, size_t i)
{
	struct err err = ERR_INIT;

	if (s3_sending_piece(&a->sending, i, &err) < 0) {
		pthread_mutex_lock(&r->lock);
		fail(r, a, &err);
		pthread_mutex_unlock(&r->lock);
	}
	err_release(&err);
}

static enum upload_status status_of(const struct active *a)
{
	if (a->failed)
		return UPLOAD_FAILED;
	if (a->sending.same)
		return UPLOAD_SKIPPED;
	if (a->sending.dry_run)
		return UPLOAD_PLANNED;
	return a->sending.found_bytes ? UPLOAD_RESUMED : UPLOAD_UPLOADED;
}

/* Nothing of it is under way any more, nor will be. */
static void end(struct run *r, struct active *a)
{
	struct upload_job *job = a->job;
	struct err err = ERR_INIT;
	bool whole = a->next == a->sending.nr_pieces;

	if (!a->failed && !whole)
		err_set(&err, ERR_INTERRUPTED, "interrupted");
	else if (!a->failed && a->sending.nr_pieces)
		(void)!s3_sending_finish(&a->sending, &err);
	pthread_mutex_lock(&r->lock);
	if (err.code)
		fail(r, a, &err);
	pthread_mutex_unlock(&r->lock);
	job->status = status_of(a);
	job->size = a->sending.impl && a->sending.size ? a->sending.size : job->size;
	if (job->status == UPLOAD_UPLOADED || job->status == UPLOAD_RESUMED)
		job->sent = job->size - a->sending.found_bytes;
	job->seconds = (double)(now_ms() - a->began_ms) / 1000.0;
	s3_sending_release(&a->sending);
	upload_progress_done(r->progress, job);
}

static bool stopped(const struct run *r)
{
	return clock_interrupted() || r->hopeless.code != ERR_NONE;
}

/* Under the lock: a file with a piece to send. */
static struct active *with_piece(struct run *r)
{
	for (size_t i = 0; i < r->nr_active && !clock_interrupted(); i++)
		if (!r->active[i]->failed && r->active[i]->next < r->active[i]->sending.nr_pieces)
			return r->active[i];
	return NULL;
}

static void drop(struct run *r, const struct active *a)
{
	for (size_t i = 0; i < r->nr_active; i++)
		if (r->active[i] == a) {
			memmove(r->active + i, r->active + i + 1,
				(r->nr_active - i - 1) * sizeof(*r->active));
			r->nr_active--;
			return;
		}
}

/* Under the lock. False: there is nothing left to do. */
static bool work(struct run *r)
{
	struct active *a = with_piece(r);

	if (a) {
		size_t i = a->next++;
		a->running++;
		r->busy++;
		pthread_mutex_unlock(&r->lock);
		piece(r, a, i);
		pthread_mutex_lock(&r->lock);
		a->running--;
	} else if (r->next < r->jobs->nr && !stopped(r)) {
		a = xcalloc(1, sizeof(*a));
		a->job = &r->jobs->v[r->next++];
		r->busy++;
		pthread_mutex_unlock(&r->lock);
		begin(r, a);
		pthread_mutex_lock(&r->lock);
		ALLOC_GROW(r->active, r->nr_active, r->alloc);
		r->active[r->nr_active++] = a;
	} else if (r->busy) {
		pthread_cond_wait(&r->ended, &r->lock);
		return true;
	} else {
		return false;
	}
	if (!a->running && (a->failed || clock_interrupted() || a->next == a->sending.nr_pieces)) {
		drop(r, a);
		pthread_mutex_unlock(&r->lock);
		end(r, a);
		free(a);
		pthread_mutex_lock(&r->lock);
	}
	r->busy--;
	pthread_cond_broadcast(&r->ended);
	return true;
}

static void worker(void *item, size_t number unused_arg, void *payload unused_arg)
{
	struct run *r = item;

	pthread_mutex_lock(&r->lock);
	while (work(r))
		;
	pthread_mutex_unlock(&r->lock);
}

/* Those that were not begun. */
static void tell_rest(struct run *r)
{
	for (size_t i = r->next; i < r->jobs->nr; i++) {
		struct upload_job *job = &r->jobs->v[i];
		if (r->hopeless.code != ERR_NONE)
			err_copy(&job->err, &r->hopeless);
		else
			err_set(&job->err, ERR_INTERRUPTED, "interrupted before it was begun");
		job->status = UPLOAD_FAILED;
	}
	/* Interrupted between its pieces, with no thread left that would see it. */
	while (r->nr_active) {
		struct active *a = r->active[--r->nr_active];
		end(r, a);
		free(a);
	}
}

void upload_run(struct session *s, struct upload_jobs *jobs)
{
	struct run r = {.s = s, .jobs = jobs, .hopeless = ERR_INIT};
	size_t nr = (size_t)s->o.parallel;
	void **threads = xcalloc(nr, sizeof(*threads));

	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.ended, NULL);
	r.progress = upload_progress_new(s, jobs);
	for (size_t i = 0; i < nr; i++)
		threads[i] = &r;
	thrdpool_each(threads, nr, nr, worker, NULL);
	tell_rest(&r);
	upload_progress_free(r.progress);
	free(threads);
	free(r.active);
	err_release(&r.hopeless);
	pthread_cond_destroy(&r.ended);
	pthread_mutex_destroy(&r.lock);
}
