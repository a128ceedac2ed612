/*
 * The thread of EventBridge: fires schedules, delivers rows, tries again, gives up into dead-letter queues.
 *
 *   row -> sent: gone
 *       -> may come right, attempts and age within the target's RetryPolicy: due later
 *       -> else: into the target's dead-letter queue (with AWS's attributes), or logged; gone
 */
#include "local_events_internal.h"

#include "local_sqs.h"
#include "log.h"
#include "strvec.h"
#include "xalloc.h"

#define BITE_MS 100
#define AT_ONCE 50
#define RETRY_FIRST_MS 1000
#define BACK_MS 1000 /* that a clock goes back by is a move of it */
#define RETRY_MOST_MS (5 * 60 * 1000)

struct state {
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool kicked;
};

static void *state_new(void)
{
	struct state *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->cond, &attr);
	pthread_condattr_destroy(&attr);
	return s;
}

static void state_free(void *payload)
{
	struct state *s = payload;

	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->cond);
	free(s);
}

static struct state *state_of(struct local_cloud *cloud)
{
	return local_part_state(cloud, &local_events_part);
}

void local_events_kick(struct local_cloud *cloud)
{
	struct state *s = state_of(cloud);

	pthread_mutex_lock(&s->lock);
	s->kicked = true;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->lock);
}

static bool clock_went_back(struct local_cloud *cloud, int64_t since_ms)
{
	return local_now_ms(cloud) < since_ms - BACK_MS;
}

/* Until a kick, or `next_ms` (0: nothing is due) on the cloud's clock; in bites, for that may be moved: back, too. */
static bool wait_for(struct local_cloud *cloud, int64_t next_ms, int64_t since_ms)
{
	struct state *s = state_of(cloud);
	bool stopping = false;

	pthread_mutex_lock(&s->lock);
	while (!s->kicked && !(stopping = local_stopping(cloud)) &&
		!(next_ms && local_now_ms(cloud) >= next_ms) && !clock_went_back(cloud, since_ms)) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += BITE_MS * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&s->cond, &s->lock, &until);
	}
	s->kicked = false;
	pthread_mutex_unlock(&s->lock);
	return !stopping && !local_stopping(cloud);
}

/* --- one pass --- */

struct pass {
	struct events_delivery *v;
	size_t nr, alloc;
	struct strvec batches; /* workflows whose batch has waited long enough */
	int64_t next_ms;
};

static void pass_release(struct pass *p)
{
	for (size_t i = 0; i < p->nr; i++) {
		free(p->v[i].rule_arn);
		json_free(p->v[i].target);
		json_free(p->v[i].event);
	}
	free(p->v);
	strvec_release(&p->batches);
}

static int fire_schedules_tx(struct local_cloud *cloud, struct err *err)
{
	struct strvec arns = STRVEC_INIT;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT arn FROM events_rule WHERE fire_ms > 0 AND fire_ms <= ? ORDER BY fire_ms",
		"i", local_now_ms(cloud));
	int ret = -1;

	while (st && (ret = sql_step(st, err)) > 0)
		strvec_push(&arns, sql_text(st, 0));
	sql_done(st);
	for (size_t i = 0; !ret && i < arns.nr; i++) {
		struct json *resources = json_array(), *event;
		struct events_rule r;

		json_push_str(resources, arns.v[i]);
		event = events_new(cloud, cloud->region, "aws.events", "Scheduled Event",
			local_now_ms(cloud), resources, NULL);
		ret = events_rule_find_tx(cloud, arns.v[i], &r, err);
		if (!ret) {
			json_set_str(event, "region", r.region);
			ret = events_fire_tx(cloud, &r, event, 0, err) ||
					      events_schedule_tx(cloud, &r, err)
				      ? -1
				      : 0;
		}
		events_rule_release(&r);
		json_free(event);
	}
	strvec_release(&arns);
	return ret;
}

static int read_due_tx(struct local_cloud *cloud, struct pass *p, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT id, rule_arn, target, event, attempts, first_ms, hops FROM events_delivery "
		"WHERE due_ms <= ? ORDER BY id LIMIT ?",
		"ii", local_now_ms(cloud), (int64_t)AT_ONCE);
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		const char *target = sql_text(st, 2), *event = sql_text(st, 3);

		ALLOC_GROW(p->v, p->nr, p->alloc);
		p->v[p->nr++] = (struct events_delivery){.id = sql_int(st, 0),
			.rule_arn = xstrdup(sql_text(st, 1)),
			.target = json_parse(target, strlen(target), NULL),
			.event = json_parse(event, strlen(event), NULL),
			.attempts = sql_int(st, 4),
			.first_ms = sql_int(st, 5),
			.hops = sql_int(st, 6)};
	}
	sql_done(st);
	if (row)
		return -1;
	st = sql_query(cloud->db, err, "SELECT workflow FROM events_batch WHERE due_ms <= ?", "i",
		local_now_ms(cloud));
	while (st && (row = sql_step(st, err)) > 0)
		strvec_push(&p->batches, sql_text(st, 0));
	sql_done(st);
	return st ? row : -1;
}

static int next_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct pass *p = payload;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT min(t) FROM (SELECT min(fire_ms) AS t FROM events_rule WHERE fire_ms > 0 "
		"UNION ALL SELECT min(due_ms) FROM events_delivery UNION ALL SELECT min(due_ms) "
		"FROM "
		"events_batch)",
		"");
	int row = st ? sql_step(st, err) : -1;

	p->next_ms = row > 0 ? sql_int(st, 0) : 0;
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int look_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct pass *p = payload;

	return fire_schedules_tx(cloud, err) || read_due_tx(cloud, p, err) ? -1 : 0;
}

/* --- the end of a row --- */

static void add_attribute(
	struct json *attributes, const char *name, const char *type, const char *value)
{
	struct json *a = json_object();

	json_set_str(a, "DataType", type);
	json_set_str(a, "StringValue", value && *value ? value : "-");
	json_set(attributes, name, a);
}

static const char *dead_letter_code(const char *aws_code)
{
	if (!aws_code)
		return "INTERNAL_ERROR";
	if (starts_with(aws_code, "AccessDenied") || !strcmp(aws_code, "AuthorizationError"))
		return "NO_PERMISSIONS";
	if (strstr(aws_code, "NotExist") || strstr(aws_code, "NotFound"))
		return "NO_RESOURCE";
	return "SDK_CLIENT_ERROR";
}

static int bury_tx(struct local_cloud *cloud, const struct events_delivery *d, const char *queue,
	bool exhausted, const struct err *why, struct err *err)
{
	struct json *attributes = json_object();
	struct strbuf event = STRBUF_INIT;
	char *attempts = xasprintf("%lld", (long long)d->attempts);
	int ret;

	add_attribute(attributes, "RULE_ARN", "String", d->rule_arn);
	add_attribute(attributes, "TARGET_ARN", "String", json_get_str(d->target, "Arn"));
	add_attribute(attributes, "ERROR_CODE", "String", dead_letter_code(why->aws_code));
	add_attribute(attributes, "ERROR_MESSAGE", "String", why->text);
	if (d->attempts)
		add_attribute(attributes, "RETRY_ATTEMPTS", "Number", attempts);
	if (exhausted)
		add_attribute(
			attributes, "EXHAUSTED_RETRY_CONDITION", "String", "MaximumRetryAttempts");
	json_print(d->event, &event);
	struct local_sqs_message m = {.body = event.buf, .attributes = attributes};
	ret = local_sqs_send_tx(cloud, queue, EVENTS, d->rule_arn, &m, err);
	json_free(attributes);
	strbuf_release(&event);
	free(attempts);
	return ret;
}

/* Does the target's policy give it another try? */
static bool has_time(struct local_cloud *cloud, const struct events_delivery *d)
{
	const struct json *retry = json_get(d->target, "RetryPolicy");

	return d->attempts < json_get_i64(retry, "MaximumRetryAttempts", 185) &&
	       local_now_ms(cloud) - d->first_ms <
		       json_get_i64(retry, "MaximumEventAgeInSeconds", 86400) * 1000;
}

static int end_tx(struct local_cloud *cloud, const struct events_delivery *d, bool again,
	const struct err *why, struct err *err)
{
	const char *dead = json_get_str(json_get(d->target, "DeadLetterConfig"), "Arn");
	struct err lost = ERR_INIT;
	int64_t pause = RETRY_FIRST_MS;

	if (why->code && again && has_time(cloud, d)) {
		for (int64_t i = 0; i < d->attempts && pause < RETRY_MOST_MS; i++)
			pause *= 2;
		return sql_run(cloud->db, NULL, err,
			"UPDATE events_delivery SET attempts = attempts + 1, due_ms = ? WHERE id = "
			"?",
			"ii", local_now_ms(cloud) + (pause < RETRY_MOST_MS ? pause : RETRY_MOST_MS),
			d->id);
	}
	if (why->code) {
		log_warn("rule '%s' cannot deliver to '%s': %s", d->rule_arn,
			json_get_str(d->target, "Arn"), why->text);
		if (dead && bury_tx(cloud, d, dead, again, why, &lost)) {
			log_warn("dead-letter queue '%s': %s", dead, lost.text);
			err_release(&lost);
		}
	}
	return sql_run(
		cloud->db, NULL, err, "DELETE FROM events_delivery WHERE id = ?", "i", d->id);
}

static void deliver(struct local_cloud *cloud, const struct events_delivery *d)
{
	struct err why = ERR_INIT, err = ERR_INIT;
	bool again = false;
	int ret;

	if (!events_send(cloud, d, &again, &why))
		err_release(&why);
	ret = local_tx_begin(cloud, &err);
	if (!ret)
		ret = end_tx(cloud, d, again, &why, &err);
	if (!ret)
		ret = local_tx_commit(cloud, &err);
	local_tx_end(cloud);
	if (ret)
		log_warn("a delivery of rule '%s': %s", d->rule_arn, err.text);
	if (why.code)
		local_sqs_notify(cloud);
	err_release(&why);
	err_release(&err);
}

/* Times that came while nothing was running are not made up for; and what a clock that went back comes to again, it fires at. */
static int reschedule(struct local_cloud *cloud, struct err *err)
{
	struct strvec arns = STRVEC_INIT;
	struct sql_stmt *st;
	int ret = -1;

	if (local_tx_begin(cloud, err))
		return -1;
	st = sql_query(cloud->db, err, "SELECT arn FROM events_rule WHERE fire_ms > 0", "");
	while (st && (ret = sql_step(st, err)) > 0)
		strvec_push(&arns, sql_text(st, 0));
	sql_done(st);
	for (size_t i = 0; !ret && i < arns.nr; i++) {
		struct events_rule r;

		ret = events_rule_find_tx(cloud, arns.v[i], &r, err);
		if (!ret)
			ret = events_schedule_tx(cloud, &r, err);
		events_rule_release(&r);
	}
	ret = local_tx_finish(cloud, ret, err);
	strvec_release(&arns);
	return ret;
}

static void *main_loop(void *arg)
{
	struct local_cloud *cloud = arg;
	bool more = true;

	while (more) {
		struct pass p = {.batches = STRVEC_INIT};
		struct err err = ERR_INIT;
		int64_t began_ms = local_now_ms(cloud);
		int ret = local_tx(cloud, look_tx, &p, &err);

		for (size_t i = 0; !ret && i < p.nr && !local_stopping(cloud); i++)
			deliver(cloud, &p.v[i]);
		for (size_t i = 0; !ret && i < p.batches.nr; i++) {
			struct err why = ERR_INIT;

			if (events_batch_over(cloud, p.batches.v[i], &why))
				log_warn("workflow '%s': %s", p.batches.v[i], why.text);
			err_release(&why);
		}
		if (!ret)
			ret = local_tx(cloud, next_tx, &p, &err);
		if (ret) {
			log_warn("events: %s", err.text);
			p.next_ms = local_now_ms(cloud) + 1000;
		}
		err_release(&err);
		more = wait_for(cloud, p.next_ms, began_ms);
		pass_release(&p);
		if (more && clock_went_back(cloud, began_ms) && reschedule(cloud, &err)) {
			log_warn("events: %s", err.text);
			err_release(&err);
		}
	}
	return NULL;
}

/* --- the part --- */

static int start(struct local_cloud *cloud, struct err *err)
{
	struct state *s = state_of(cloud);

	if (pthread_create(&s->thread, NULL, main_loop, cloud) != 0)
		return err_set(err, ERR_FAILED, "cannot start the thread of the events");
	s->runs = true;
	return 0;
}

static void stop(struct local_cloud *cloud)
{
	struct state *s = state_of(cloud);

	if (!s->runs)
		return;
	local_events_kick(cloud);
	pthread_join(s->thread, NULL);
	s->runs = false;
}

static bool busy(struct local_cloud *cloud)
{
	return local_any(cloud,
		"SELECT 1 FROM events_rule WHERE fire_ms > 0 UNION ALL SELECT 1 FROM "
		"events_delivery UNION ALL SELECT 1 FROM events_batch LIMIT 1");
}

const struct local_part local_events_part = {
	.name = "events",
	.schema = events_schema,
	.recover = reschedule,
	.start = start,
	.stop = stop,
	.busy = busy,
	.state_new = state_new,
	.state_free = state_free,
};
