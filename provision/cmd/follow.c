/* Pauses between looks, and job runs' logs as they come. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "cmd.h"
#include "map.h"
#include "ops.h"

#define FIRST_POLL_MS 50
#define NEAR_POLL_MS 300
#define AWS_POLL_MS 5000

/* The service is on this machine: looking often costs nothing. */
bool service_is_near(const struct session *s, const char *service)
{
	static const char *const hosts[] = {"127.", "localhost", "[::1]"};
	const char *url = s->aws ? aws_client_endpoint(s->aws, service) : NULL;
	const char *host = url ? strstr(url, "://") : NULL;

	if (s->o.local)
		return true;
	for (size_t i = 0; host && i < ARRAY_SIZE(hosts); i++)
		if (starts_with(host + 3, hosts[i]))
			return true;
	return false;
}

void poll_start(struct session *s, struct poll *p, const char *service, int64_t timeout_s)
{
	const struct clock *c = s->ctx.clock;

	p->next_ms = FIRST_POLL_MS;
	p->max_ms = service_is_near(s, service) ? NEAR_POLL_MS : AWS_POLL_MS;
	p->deadline_ms = timeout_s ? c->mono_ms(c) + timeout_s * 1000 : 0;
}

void poll_soon(struct poll *p)
{
	p->next_ms = FIRST_POLL_MS;
}

int poll_wait(struct session *s, struct poll *p, struct err *err)
{
	const struct clock *c = s->ctx.clock;

	if (p->deadline_ms && c->mono_ms(c) >= p->deadline_ms)
		return err_set(
			err, ERR_TIMEOUT, "it still runs after %lld s (--timeout)", s->o.timeout_s);
	if (c->sleep_ms(c, p->next_ms) < 0 || clock_interrupted())
		return err_set(
			err, ERR_INTERRUPTED, "no longer followed: the run goes on by itself");
	p->next_ms = p->next_ms * 3 / 2 < p->max_ms ? p->next_ms * 3 / 2 : p->max_ms;
	return 0;
}

/* --- logs --- */

struct log_tail {
	struct session *s;
	struct map tokens; /* "group\nstream" to the next forward token */
	struct map python; /* job name to "1" or "0" */
};

struct log_tail *log_tail_new(struct session *s)
{
	struct log_tail *t = xcalloc(1, sizeof(*t));

	t->s = s;
	map_init(&t->tokens, free);
	map_init(&t->python, free);
	return t;
}

void log_tail_free(struct log_tail *t)
{
	if (!t)
		return;
	map_release(&t->tokens);
	map_release(&t->python);
	free(t);
}

bool log_tail_is_python(struct log_tail *t, const char *job)
{
	const char *known = job ? map_get(&t->python, job) : "0";
	struct json *out = NULL;
	struct err ignored = ERR_INIT;
	bool python = false;

	if (known)
		return *known == '1';
	if (!call_with(t->s, &glue_get_job, &out, &ignored, "JobName", job, NULL)) {
		const char *command = json_str(json_path(out, "Job.Command.Name"));
		python = command && !strcmp(command, "pythonshell");
	}
	err_release(&ignored);
	json_free(out);
	map_put(&t->python, job, xstrdup(python ? "1" : "0"));
	return python;
}

static void add_event(struct json *events, const struct json *ev, const char *stream,
	const char *run_id, const char *node)
{
	struct strbuf when = STRBUF_INIT;
	struct json *j = json_object();

	clock_add_iso(&when, json_get_i64(ev, "timestamp", 0), true);
	json_set_str(j, "time", when.buf);
	json_set_str(j, "stream", stream);
	json_set_str(j, "run_id", run_id);
	json_set_str(j, "node", node);
	json_set_str(j, "message", json_get_str(ev, "message"));
	json_push(events, j);
	strbuf_release(&when);
}

static void print_event(const struct session *s, const struct json *ev, const char *node)
{
	const char *message = json_get_str(ev, "message");

	if (message)
		fprintf(s->json ? stderr : stdout, "  %s | %s\n", node, message);
}

static void read_stream(struct log_tail *t, const char *group, const char *node, const char *stream,
	const char *run_id, struct json *events)
{
	char *key = xasprintf("%s\n%s", group, stream);
	struct json *in, *out, *ev;

	for (;;) {
		const char *token = map_get(&t->tokens, key), *next;
		bool caught_up;
		struct err ignored = ERR_INIT;

		in = json_object();
		json_set_str(in, "logGroupName", group);
		json_set_str(in, "logStreamName", stream);
		json_set_bool(in, "startFromHead", true);
		json_set_str(in, "nextToken", token);
		out = NULL;
		if (aws_call(t->s->aws, &logs_get_log_events, in, &out, &ignored) < 0) {
			err_release(&ignored);
			json_free(in);
			break;
		}
		json_each(ev, json_get(out, "events"))
		{
			if (events)
				add_event(events, ev, stream, run_id, node);
			else
				print_event(t->s, ev, node);
		}
		next = json_get_str(out, "nextForwardToken");
		caught_up = !next || (token && !strcmp(next, token));
		if (next && !caught_up)
			map_put(&t->tokens, key, xstrdup(next));
		json_free(in);
		json_free(out);
		if (caught_up)
			break;
	}
	free(key);
}

/* Of each kind of job: what it printed, what it complained of. */
static const char *const tails[] = {"output", "error"};

void log_tail_read(struct log_tail *t, const char *node, const char *run_id, bool pythonshell,
	struct json *events)
{
	const char *kind = pythonshell ? "python-jobs" : "jobs";

	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		char *group = xasprintf("/aws-glue/%s/%s", kind, tails[i]);
		read_stream(t, group, node, run_id, run_id, events);
		free(group);
	}
}

/* --- all at once --- */

struct timed {
	struct json *event;
	size_t at;
};

static int by_time(const void *a, const void *b)
{
	const struct timed *x = a, *y = b;
	int order = strcmp(json_get_str(x->event, "time"), json_get_str(y->event, "time"));

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Jobs were asked one after the other; what they said is told in the order of time. */
void log_push_sorted(struct json *events, const struct json *more)
{
	struct timed *v = xcalloc(json_len(more) + 1, sizeof(*v));
	struct json *ev;
	size_t nr = 0;

	json_each(ev, more)
	{
		v[nr] = (struct timed){ev, nr};
		nr++;
	}
	qsort(v, nr, sizeof(*v), by_time);
	for (size_t i = 0; i < nr; i++)
		json_push(events, json_copy(v[i].event));
	free(v);
}

/* Of one stream; what cannot be read says nothing. */
static void read_last(struct session *s, const char *group, const char *node, const char *run_id,
	size_t max, struct json *events)
{
	struct json *in = json_object(), *out = NULL, *ev;
	struct err ignored = ERR_INIT;

	json_set_str(in, "logGroupName", group);
	json_set_str(in, "logStreamName", run_id);
	json_set_bool(in, "startFromHead", false);
	json_set_i64(in, "limit", (int64_t)max);
	if (!aws_call(s->aws, &logs_get_log_events, in, &out, &ignored))
		json_each(ev, json_get(out, "events")) add_event(events, ev, run_id, run_id, node);
	err_release(&ignored);
	json_free(in);
	json_free(out);
}

struct json *log_last(
	struct session *s, const char *node, const char *run_id, bool pythonshell, size_t max)
{
	struct json *found = json_array(), *events = json_array(), *last = json_array(), *ev;
	size_t i = 0;

	for (size_t k = 0; k < ARRAY_SIZE(tails); k++) {
		char *group = xasprintf(
			"/aws-glue/%s/%s", pythonshell ? "python-jobs" : "jobs", tails[k]);
		read_last(s, group, node, run_id, max, found);
		free(group);
	}
	log_push_sorted(events, found);
	json_each(ev, events) if (i++ + max >= json_len(events)) json_push(last, json_copy(ev));
	json_free(found);
	json_free(events);
	return last;
}
