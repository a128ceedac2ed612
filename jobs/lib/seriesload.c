/*
 * Each thread takes the next batch from the file (under the lock), makes its JSON, sends it (without), and notes what became of
 * its series (under the lock); so there is never more in memory than a batch a thread. What is to be sent again is
 * remembered as its place in the file.
 *
 *   a part -> OK ----------------------------------------> written
 *          -> failed for a time, rounds left ------------> its place is kept for the next round
 *          -> failed for good, or no round left ---------> failed
 *   a request -> refused as such (400, 413), many parts -> its halves
 *             -> failed for a time after all attempts ---> all of its parts failed for a time
 *             -> the key was refused; nobody is there ---> the load ends
 */
#include "seriesload.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "dates.h"
#include "job.h"
#include "joblog.h"
#include "json.h"

#define NAME_BYTES 7
#define POINT_BYTES 19
#define KNOWN_POINT_BYTES 27
/* Fewer say nothing about all. */
#define JUDGE_FROM 20
#define MAX_REQUESTS_FAILED 4
#define ROUND_BASE_MS 1000
#define ROUND_MAX_MS 30000
#define STEPS 10 /* of the progress that is told */
#define MIN_STEP 1000

struct bits {
	uint8_t *v;
	size_t bytes;
};

struct load {
	struct exabel *exabel;
	const struct series_load_options *options;
	struct series_load_result *result;

	pthread_mutex_t lock; /* all below */
	struct series_file *file;
	struct series_part held; /* read, and too much for the batch before */
	bool holds, ended;
	int64_t *places; /* what this round sends, but for the first, which sends all */
	size_t nr_places, at_place;
	int64_t *again; /* what the next round sends */
	size_t nr_again, alloc_again;
	unsigned round;
	struct bits done, failed; /* by series */
	int64_t judged, told;
	unsigned requests_failed; /* in a row */
	bool stopped;
	struct err err; /* why it stopped */
};

void series_load_result_release(struct series_load_result *r)
{
	strvec_release(&r->failures);
	*r = (struct series_load_result)SERIES_LOAD_RESULT_INIT;
}

/* True when it was not set. */
static bool set_bit(struct bits *b, int64_t i)
{
	size_t byte = (size_t)i / 8;
	uint8_t bit = (uint8_t)(1u << (i % 8));

	if (byte >= b->bytes) {
		size_t bytes = (byte + 1) * 2 + 64;

		b->v = xrealloc(b->v, bytes);
		memset(b->v + b->bytes, 0, bytes - b->bytes);
		b->bytes = bytes;
	}
	if (b->v[byte] & bit)
		return false;
	b->v[byte] |= bit;
	return true;
}

static bool has_bit(const struct bits *b, int64_t i)
{
	size_t byte = (size_t)i / 8;

	return byte < b->bytes && b->v[byte] & 1u << (i % 8);
}

/* --- JSON --- */

static void add_string(struct strbuf *sb, const char *text)
{
	struct json *value = json_string(text);

	json_print(value, sb);
	json_free(value);
}

/* The shortest that reads back as the same. */
static void add_double(struct strbuf *sb, double value)
{
	char text[40];

	if (fabs(value) < 1e15 && value == (double)(int64_t)value) {
		strbuf_addf(sb, "%lld", (long long)value);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	strbuf_addstr(sb, text);
}

static void add_points(struct strbuf *sb, const struct series_part *part, bool known_time)
{
	for (size_t i = 0; i < part->nr_points; i++) {
		const struct series_point *p = &part->points[i];

		strbuf_addstr(sb, i ? ",{\"time\":\"" : "{\"time\":\"");
		dates_add(sb, p->days);
		strbuf_addstr(sb, "T00:00:00Z\",\"value\":");
		add_double(sb, p->value);
		if (known_time) {
			strbuf_addstr(sb, ",\"knownTime\":\"");
			clock_add_iso(sb, p->known_s * 1000, false);
			strbuf_addch(sb, '"');
		}
		strbuf_addch(sb, '}');
	}
}

static void add_request(const struct series_load_options *o, const struct series_part *parts,
	size_t nr, struct strbuf *sb)
{
	strbuf_addstr(sb, "{\"timeSeries\":[");
	for (size_t i = 0; i < nr; i++) {
		strbuf_addstr(sb, i ? ",{\"name\":" : "{\"name\":");
		add_string(sb, parts[i].name);
		strbuf_addstr(sb, ",\"points\":[");
		add_points(sb, &parts[i], o->known_time);
		strbuf_addstr(sb, "]}");
	}
	strbuf_addstr(sb, "],\"statusInResponse\":true");
	if (o->known == SERIES_KNOWN_NOW)
		strbuf_addstr(
			sb, ",\"insertOptions\":{\"defaultKnownTime\":{\"currentTime\":true}}");
	else if (o->known == SERIES_KNOWN_OFFSET)
		strbuf_addf(sb,
			",\"insertOptions\":{\"defaultKnownTime\":{\"timeOffset\":\"%lds\"}}",
			86400L * o->offset_days);
	strbuf_addstr(sb, ",\"updateOptions\":{\"allowMissing\":true}}");
}

/* --- batches --- */

struct batch {
	struct series_part *parts;
	size_t nr, alloc;
};

static void batch_release(struct batch *b)
{
	for (size_t i = 0; i < b->nr; i++)
		series_part_release(&b->parts[i]);
	free(b->parts);
}

static size_t size_of_part(const struct load *l, const struct series_part *p)
{
	return strlen(p->name) + NAME_BYTES +
	       p->nr_points * (l->options->known_time ? KNOWN_POINT_BYTES : POINT_BYTES);
}

static int next_part(struct load *l, struct series_part *part, struct err *err)
{
	if (l->holds) {
		*part = l->held;
		l->holds = false;
		return 1;
	}
	if (l->places) {
		if (l->at_place == l->nr_places)
			return 0;
		if (series_file_at(l->file, l->places[l->at_place++], err) != 0)
			return -1;
	}
	return series_file_next(l->file, part, err);
}

/* Under the lock. 1 and a batch with parts, 0 when there are none left, -1. */
static int take_batch(struct load *l, struct batch *b, struct err *err)
{
	size_t bytes = 0;

	while (!l->ended) {
		struct series_part part;
		int got = next_part(l, &part, err);
		size_t size;

		if (got < 0)
			return -1;
		if (got == 0) {
			l->ended = true;
			break;
		}
		size = size_of_part(l, &part);
		if (b->nr && bytes + size > l->options->batch_bytes) {
			l->held = part;
			l->holds = true;
			break;
		}
		bytes += size;
		ALLOC_GROW(b->parts, b->nr, b->alloc);
		b->parts[b->nr++] = part;
	}
	return b->nr > 0;
}

/* --- what became of them; all under the lock --- */

static void stop(struct load *l, struct err *why)
{
	if (!l->stopped)
		err_move(&l->err, why);
	l->stopped = true;
}

static void note_failed(struct load *l, const struct series_part *part, const char *reason)
{
	if (!set_bit(&l->failed, part->series))
		return;
	l->result->series_failed++;
	if (l->result->failures.nr < SERIES_FAILURES_NAMED)
		strvec_pushf(&l->result->failures, "%s: %s", part->name, reason);
}

static void note(
	struct load *l, const struct series_part *part, bool ok, bool transient, const char *reason)
{
	if (ok) {
		l->result->points_written += (int64_t)part->nr_points;
		if (part->last)
			set_bit(&l->done, part->series);
	} else if (transient && l->round < l->options->rounds) {
		ALLOC_GROW(l->again, l->nr_again, l->alloc_again);
		l->again[l->nr_again++] = part->offset;
		return;
	} else {
		note_failed(l, part, reason);
	}
	l->judged += part->last;
}

/* Whether it makes sense to go on. */
static void judge(struct load *l)
{
	struct err why = ERR_INIT;
	bool more = l->holds || !l->ended;

	if (more && l->judged >= JUDGE_FROM && l->result->series_failed * 2 > l->judged) {
		err_set(&why, ERR_FAILED, "more than half of the series fail");
		stop(l, &why);
	}
	err_release(&why);
}

static void tell_progress(struct load *l)
{
	int64_t step = l->options->series / STEPS + 1;

	if (l->judged - l->told < (step < MIN_STEP ? MIN_STEP : step) ||
		l->judged >= l->options->series)
		return;
	l->told = l->judged;
	job_log(JOB_INFO, "progress", "series=%lld of=%lld points=%lld failed=%lld",
		(long long)l->judged, (long long)l->options->series,
		(long long)l->result->points_written, (long long)l->result->series_failed);
}

static void note_statuses(struct load *l, const struct series_part *parts, size_t nr,
	const struct exabel_status *statuses)
{
	pthread_mutex_lock(&l->lock);
	l->requests_failed = 0;
	l->result->batches++;
	for (size_t i = 0; i < nr; i++) {
		const char *message = statuses[i].message;
		char *reason = xasprintf("%s%s%s", exabel_code_name(statuses[i].code),
			message && *message ? ": " : "", message ? message : "");

		note(l, &parts[i], statuses[i].code == EXABEL_OK,
			exabel_code_is_transient(statuses[i].code), reason);
		free(reason);
	}
	judge(l);
	tell_progress(l);
	pthread_mutex_unlock(&l->lock);
}

static bool is_transient(enum err_code code)
{
	return code == ERR_THROTTLED || code == ERR_TRANSIENT || code == ERR_TIMEOUT;
}

static void note_request(
	struct load *l, const struct series_part *parts, size_t nr, struct err *why)
{
	pthread_mutex_lock(&l->lock);
	l->result->batches++;
	if (why->code == ERR_INTERRUPTED || why->code == ERR_DENIED || why->code == ERR_IO ||
		(is_transient(why->code) && ++l->requests_failed >= MAX_REQUESTS_FAILED)) {
		stop(l, why);
	} else {
		for (size_t i = 0; i < nr; i++)
			note(l, &parts[i], false, is_transient(why->code), why->text);
		judge(l);
	}
	pthread_mutex_unlock(&l->lock);
}

/* --- sending --- */

static bool is_stopped(struct load *l)
{
	bool stopped;

	pthread_mutex_lock(&l->lock);
	stopped = l->stopped;
	pthread_mutex_unlock(&l->lock);
	return stopped;
}

static void send_parts(struct load *l, const struct series_part *parts, size_t nr)
{
	struct exabel_status *statuses = xcalloc(nr, sizeof(*statuses));
	struct strbuf body = STRBUF_INIT;
	struct err err = ERR_INIT;
	int ret;

	add_request(l->options, parts, nr, &body);
	ret = exabel_import(l->exabel, &body, nr, statuses, &err);
	strbuf_release(&body);
	if (ret == 0) {
		note_statuses(l, parts, nr, statuses);
	} else if (nr > 1 && (err.http_status == 400 || err.http_status == 413)) {
		/* Something in it was refused; the others need not suffer. */
		send_parts(l, parts, nr / 2);
		if (!is_stopped(l))
			send_parts(l, parts + nr / 2, nr - nr / 2);
	} else {
		note_request(l, parts, nr, &err);
	}
	for (size_t i = 0; i < nr; i++)
		free(statuses[i].message);
	free(statuses);
	err_release(&err);
}

static void *work(void *payload)
{
	struct load *l = payload;
	int got = 1;

	while (got > 0) {
		struct batch batch = {0};
		struct err err = ERR_INIT;

		pthread_mutex_lock(&l->lock);
		if (!l->stopped && job_check_interrupt(&err) != 0)
			stop(l, &err);
		got = l->stopped ? 0 : take_batch(l, &batch, &err);
		if (got < 0)
			stop(l, &err);
		pthread_mutex_unlock(&l->lock);
		if (got > 0)
			send_parts(l, batch.parts, batch.nr);
		batch_release(&batch);
		err_release(&err);
	}
	return NULL;
}

static void run_round(struct load *l)
{
	pthread_t *threads = xcalloc(l->options->threads, sizeof(*threads));
	size_t nr = 0;

	while (nr + 1 < l->options->threads && pthread_create(&threads[nr], NULL, work, l) == 0)
		nr++;
	work(l);
	for (size_t i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

/* What failed for a time in this round is what the next one sends, in the order of the file. */
static int compare_places(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void next_round(struct load *l)
{
	l->round++;
	job_log(JOB_WARN, "again", "round=%u series=%zu", l->round, l->nr_again);
	l->result->series_repeated += (int64_t)l->nr_again;
	qsort(l->again, l->nr_again, sizeof(*l->again), compare_places);
	free(l->places);
	l->places = l->again;
	l->nr_places = l->nr_again;
	l->at_place = 0;
	l->ended = false;
	l->again = NULL;
	l->nr_again = l->alloc_again = 0;
}

static void run_rounds(struct load *l)
{
	struct err why = ERR_INIT;

	run_round(l);
	while (!l->stopped && l->nr_again) {
		next_round(l);
		if (exabel_wait(l->exabel, ROUND_BASE_MS, ROUND_MAX_MS, l->round, 0, &why) != 0)
			stop(l, &why);
		else
			run_round(l);
	}
	err_release(&why);
}

/* --- the end --- */

static void count_written(struct load *l)
{
	l->result->series_written = 0;
	for (int64_t i = 0; i < l->options->series; i++)
		l->result->series_written += has_bit(&l->done, i) && !has_bit(&l->failed, i);
}

static int conclude(struct load *l, struct err *err)
{
	const struct series_load_result *r = l->result;
	long long failed = r->series_failed, all = l->options->series, left;

	for (size_t i = 0; i < r->failures.nr; i++)
		job_log(JOB_ERROR, "series", "failed=\"%s\"", r->failures.v[i]);
	if (!l->stopped && failed == 0)
		return 0;
	left = all - r->series_written - failed;
	if (l->stopped) {
		err_move(err, &l->err);
		err_wrap(err,
			"the load ended early: %lld of %lld series were written, %lld failed, %lld "
			"were not sent or not answered",
			(long long)r->series_written, all, failed, left);
		return -1;
	}
	return err_set(err, ERR_FAILED, "%lld of %lld series failed, %lld were written; first: %s",
		failed, all, (long long)r->series_written, r->failures.v[0]);
}

int series_load(struct exabel *e, const char *path, const struct series_load_options *options,
	struct series_load_result *result, struct err *err)
{
	struct load l = {.exabel = e, .options = options, .result = result};
	int ret = -1;

	pthread_mutex_init(&l.lock, NULL);
	l.file = series_file_open(path, err);
	if (l.file) {
		run_rounds(&l);
		count_written(&l);
		ret = conclude(&l, err);
	}
	if (l.holds)
		series_part_release(&l.held);
	series_file_close(l.file);
	free(l.places);
	free(l.again);
	free(l.done.v);
	free(l.failed.v);
	err_release(&l.err);
	pthread_mutex_destroy(&l.lock);
	return ret;
}
