#include "local_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>
#include "base64.h"
#include "digest.h"
#include "hex.h"
#include "log.h"
#include "xalloc.h"

/* --- transactions --- */

/* The cloud whose database this thread holds: ends are safe after a begin that failed, and nesting is found out. */
static __thread struct local_cloud *tx_held;

int local_tx_begin(struct local_cloud *cloud, struct err *err)
{
	if (tx_held)
		BUG("a transaction inside a transaction");
	pthread_mutex_lock(&cloud->private->db_lock);
	if (sql_begin(cloud->db, err)) {
		pthread_mutex_unlock(&cloud->private->db_lock);
		return -1;
	}
	tx_held = cloud;
	return 0;
}

int local_tx_commit(struct local_cloud *cloud, struct err *err)
{
	if (tx_held != cloud)
		BUG("a commit outside a transaction");
	return sql_commit(cloud->db, err);
}

void local_tx_end(struct local_cloud *cloud)
{
	if (tx_held != cloud)
		return;
	sql_rollback(cloud->db);
	tx_held = NULL;
	pthread_mutex_unlock(&cloud->private->db_lock);
}

int local_tx_finish(struct local_cloud *cloud, int ret, struct err *err)
{
	if (!ret)
		ret = local_tx_commit(cloud, err);
	local_tx_end(cloud);
	return ret;
}

int local_tx(struct local_cloud *cloud, local_tx_fn *fn, void *payload, struct err *err)
{
	return local_tx_begin(cloud, err) ? -1
					  : local_tx_finish(cloud, fn(cloud, payload, err), err);
}

bool local_any(struct local_cloud *cloud, const char *sql)
{
	struct err ignored = ERR_INIT;
	int row = -1;

	if (!local_tx_begin(cloud, &ignored))
		row = sql_exists(cloud->db, &ignored, sql, "");
	local_tx_end(cloud);
	err_release(&ignored);
	return row != 0;
}

int local_call_run(struct local_cloud *cloud, const struct local_request *req, local_call_fn *fn,
	struct json **out, struct err *err)
{
	struct local_call k = {.req = req, .in = req->in, .now_ms = local_now_ms(cloud)};

	if (local_tx_begin(cloud, err))
		return -1;
	if (local_tx_finish(cloud, fn(cloud, &k, err), err)) {
		json_free(k.out);
		return -1;
	}
	*out = k.out;
	if (k.wake)
		k.wake(cloud);
	return 0;
}

/* --- errors --- */

int local_fault(struct err *err, int http_status, const char *aws_code, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	err_set(err,
		http_status == 404                         ? ERR_NOT_FOUND
		: http_status == 403                       ? ERR_DENIED
		: http_status == 409 || http_status == 412 ? ERR_CONFLICT
		: http_status >= 500                       ? ERR_FAILED
							   : ERR_INVALID,
		"%s", text ? text : aws_code);
	free(text);
	if (err) {
		free(err->aws_code);
		err->aws_code = xstrdup(aws_code);
		err->http_status = http_status;
	}
	return -1;
}

/* --- time --- */

void local_time_init(struct local_cloud_private *p)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&p->db_lock, NULL);
	pthread_mutex_init(&p->time_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->time_cond, &attr);
	pthread_condattr_destroy(&attr);
}

static int64_t system_now_ms(void)
{
	const struct clock *c = clock_system();

	return c->now_ms(c);
}

int64_t local_now_ms(struct local_cloud *cloud)
{
	int64_t now;

	pthread_mutex_lock(&cloud->private->time_lock);
	now = system_now_ms() + cloud->private->offset_ms;
	pthread_mutex_unlock(&cloud->private->time_lock);
	return now;
}

static void deadline_after(struct timespec *ts, int64_t ms)
{
	clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_sec += ms / 1000;
	ts->tv_nsec += (ms % 1000) * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_nsec -= 1000000000;
		ts->tv_sec++;
	}
}

unsigned long local_wakes(struct local_cloud *cloud)
{
	unsigned long wakes;

	pthread_mutex_lock(&cloud->private->time_lock);
	wakes = cloud->private->wakes;
	pthread_mutex_unlock(&cloud->private->time_lock);
	return wakes;
}

bool local_wait_since(struct local_cloud *cloud, int64_t until_ms, unsigned long wakes)
{
	struct local_cloud_private *p = cloud->private;
	bool stopping;

	pthread_mutex_lock(&p->time_lock);
	while (!p->stopping && p->wakes == wakes) {
		int64_t left = until_ms - (system_now_ms() + p->offset_ms);
		struct timespec ts;

		if (left <= 0)
			break;
		/* in short bites: the system's wall clock may be set */
		deadline_after(&ts, left < 10000 ? left : 10000);
		pthread_cond_timedwait(&p->time_cond, &p->time_lock, &ts);
	}
	stopping = p->stopping;
	pthread_mutex_unlock(&p->time_lock);
	return !stopping;
}

bool local_wait_until(struct local_cloud *cloud, int64_t until_ms)
{
	return local_wait_since(cloud, until_ms, local_wakes(cloud));
}

void local_wake_all(struct local_cloud *cloud)
{
	pthread_mutex_lock(&cloud->private->time_lock);
	cloud->private->wakes++;
	pthread_cond_broadcast(&cloud->private->time_cond);
	pthread_mutex_unlock(&cloud->private->time_lock);
}

void local_advance(struct local_cloud *cloud, int64_t ms)
{
	struct local_cloud_private *p = cloud->private;
	struct strbuf text = STRBUF_INIT;
	struct err err = ERR_INIT;

	pthread_mutex_lock(&p->time_lock);
	p->offset_ms += ms;
	strbuf_addf(&text, "%lld", (long long)p->offset_ms);
	p->wakes++;
	pthread_cond_broadcast(&p->time_cond);
	pthread_mutex_unlock(&p->time_lock);
	/* time must not go back when the server is started again */
	if (!local_tx_begin(cloud, &err) &&
		!local_meta_set(cloud, "clock_offset_ms", text.buf, &err) &&
		local_tx_commit(cloud, &err))
		log_warn("%s", err.text);
	local_tx_end(cloud);
	err_release(&err);
	strbuf_release(&text);
}

bool local_stopping(struct local_cloud *cloud)
{
	bool stopping;

	pthread_mutex_lock(&cloud->private->time_lock);
	stopping = cloud->private->stopping;
	pthread_mutex_unlock(&cloud->private->time_lock);
	return stopping;
}

/* --- background work --- */

struct local_task {
	struct local_cloud *cloud;
	local_task_fn *fn;
	void *payload;
	pthread_t thread;
	bool ended;
	struct local_task *next;
};

static void *task_main(void *arg)
{
	struct local_task *t = arg;
	struct local_cloud_private *p = t->cloud->private;

	t->fn(t->cloud, t->payload);
	atomic_store(&p->last_active, clock_system()->mono_ms(clock_system()));
	pthread_mutex_lock(&p->time_lock);
	t->ended = true;
	pthread_mutex_unlock(&p->time_lock);
	return NULL;
}

/* Takes the tasks that have ended (or all of them) out of the list and joins them. */
static void tasks_reap(struct local_cloud *cloud, bool all)
{
	struct local_task *reaped = NULL, **at, *t;

	pthread_mutex_lock(&cloud->private->time_lock);
	for (at = &cloud->private->tasks; (t = *at);) {
		if (!all && !t->ended) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		t->next = reaped;
		reaped = t;
	}
	pthread_mutex_unlock(&cloud->private->time_lock);
	while ((t = reaped)) {
		reaped = t->next;
		pthread_join(t->thread, NULL);
		free(t);
	}
}

void local_task_spawn(struct local_cloud *cloud, local_task_fn *fn, void *payload)
{
	struct local_task *t = xcalloc(1, sizeof(*t));
	int error;

	tasks_reap(cloud, false);
	t->cloud = cloud;
	t->fn = fn;
	t->payload = payload;
	pthread_mutex_lock(&cloud->private->time_lock);
	while ((error = pthread_create(&t->thread, NULL, task_main, t))) {
		/* too many threads for the moment: what is running will end */
		pthread_mutex_unlock(&cloud->private->time_lock);
		log_warn("cannot start a thread: %s; trying again", strerror(error));
		usleep(200000);
		pthread_mutex_lock(&cloud->private->time_lock);
	}
	t->next = cloud->private->tasks;
	cloud->private->tasks = t;
	pthread_mutex_unlock(&cloud->private->time_lock);
}

void local_tasks_join(struct local_cloud *cloud)
{
	bool more = true;

	/* a task may spawn another one while it ends */
	while (more) {
		tasks_reap(cloud, true);
		pthread_mutex_lock(&cloud->private->time_lock);
		more = cloud->private->tasks != NULL;
		pthread_mutex_unlock(&cloud->private->time_lock);
	}
}

bool local_cloud_busy(struct local_cloud *cloud)
{
	bool busy = false;
	size_t i;

	tasks_reap(cloud, false);
	pthread_mutex_lock(&cloud->private->time_lock);
	busy = cloud->private->tasks != NULL;
	pthread_mutex_unlock(&cloud->private->time_lock);
	for (i = 0; !busy && local_parts[i]; i++)
		if (local_parts[i]->busy)
			busy = local_parts[i]->busy(cloud);
	return busy;
}

/* --- ids --- */

char *local_id(const char *prefix, size_t hex_digits)
{
	struct strbuf sb = STRBUF_INIT;
	size_t prefix_len = strlen(prefix);

	strbuf_addstr(&sb, prefix);
	while (sb.len < prefix_len + hex_digits) {
		unsigned char raw[16];

		digest_random(raw, sizeof(raw));
		hex_encode(&sb, raw, sizeof(raw));
	}
	strbuf_setlen(&sb, prefix_len + hex_digits);
	return strbuf_detach(&sb, NULL);
}

char *local_uuid(void)
{
	struct strbuf sb = STRBUF_INIT;
	unsigned char raw[16];
	size_t i;

	digest_random(raw, sizeof(raw));
	raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
	raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
	for (i = 0; i < sizeof(raw); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			strbuf_addch(&sb, '-');
		hex_encode(&sb, raw + i, 1);
	}
	return strbuf_detach(&sb, NULL);
}

char *local_arn(
	struct local_cloud *cloud, const char *service, const char *region, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;

	strbuf_addf(&sb, "arn:aws:%s:%s:%s:", service, region ? region : "", cloud->account);
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	return strbuf_detach(&sb, NULL);
}

/* --- paging --- */

#define TOKEN_MAGIC "g1:"

char *local_token_make(const char *last_key)
{
	struct strbuf plain = STRBUF_INIT, token = STRBUF_INIT;

	strbuf_addstr(&plain, TOKEN_MAGIC);
	strbuf_addstr(&plain, last_key);
	base64_encode(&token, plain.buf, plain.len);
	strbuf_release(&plain);
	return strbuf_detach(&token, NULL);
}

int local_token_read(const char *token, const char *aws_code, char **last_key, struct err *err)
{
	struct strbuf plain = STRBUF_INIT;
	int result = 0;

	*last_key = NULL;
	if (!token)
		return 0;
	if (base64_decode(&plain, token, strlen(token)) || !starts_with(plain.buf, TOKEN_MAGIC) ||
		strlen(plain.buf) != plain.len)
		result = local_fault(err, 400, aws_code, "The token '%.64s' is not valid", token);
	else
		*last_key = xstrdup(plain.buf + strlen(TOKEN_MAGIC));
	strbuf_release(&plain);
	return result;
}

/* --- tags --- */

int local_tags_set(
	struct local_cloud *cloud, const char *arn, const struct json *tags, struct err *err)
{
	struct json *e;

	json_each(e, tags)
	{
		const char *value = json_str(e);

		if (sql_run(cloud->db, NULL, err,
			    "INSERT INTO tag(arn, key, value) VALUES(?, ?, ?) "
			    "ON CONFLICT DO UPDATE SET value = excluded.value",
			    "sss", arn, json_name(e), value ? value : ""))
			return -1;
	}
	return 0;
}

int local_tags_remove(
	struct local_cloud *cloud, const char *arn, const struct json *keys, struct err *err)
{
	struct json *e;

	json_each(e,
		keys) if (sql_run(cloud->db, NULL, err, "DELETE FROM tag WHERE arn = ? AND key = ?",
				  "ss", arn, json_str(e))) return -1;
	return 0;
}

int local_tags_clear(struct local_cloud *cloud, const char *arn, struct err *err)
{
	return sql_run(cloud->db, NULL, err, "DELETE FROM tag WHERE arn = ?", "s", arn);
}

int local_tags_get(struct local_cloud *cloud, const char *arn, struct json **tags, struct err *err)
{
	struct sql_stmt *st;
	int row;

	*tags = NULL;
	st = sql_query(
		cloud->db, err, "SELECT key, value FROM tag WHERE arn = ? ORDER BY key", "s", arn);
	if (!st)
		return -1;
	*tags = json_object();
	while ((row = sql_step(st, err)) > 0)
		json_set_str(*tags, sql_text(st, 0), sql_text(st, 1));
	sql_done(st);
	if (row < 0) {
		json_free(*tags);
		*tags = NULL;
	}
	return row;
}

/* --- parts --- */

void *local_part_state(struct local_cloud *cloud, const struct local_part *part)
{
	size_t i;

	for (i = 0; local_parts[i]; i++)
		if (local_parts[i] == part)
			return cloud->private->states[i];
	BUG("part '%s' is not in the table", part->name);
}
