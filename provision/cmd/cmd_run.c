/* run: starts a workflow, job or crawler and, with --follow, stays until it rests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "cmd.h"
#include "log.h"
#include "map.h"
#include "ops.h"

struct run {
	struct session *s;
	const char *type; /* "AWS::Glue::Workflow" … */
	char *name, *id, *state, *error;
	int64_t started_ms, ended_ms;
	bool ok, over;
	struct json *nodes; /* as --output json shows them */
	struct map shown;   /* node id to the state that was printed last */
	struct map python;  /* job name to "1" or "0": is it a Python shell job? */
	struct log_tail *tail;
};

static int64_t ms_of(const struct json *v)
{
	return v ? (int64_t)(json_dbl(v, 0) * 1000.0) : 0;
}

static struct json *arguments(const struct session *s, bool dashes, struct err *err)
{
	struct json *args = json_object();

	for (size_t i = 0; i < s->o.args.nr; i++) {
		const char *eq = strchr(s->o.args.v[i], '=');
		char *name;
		if (!eq || eq == s->o.args.v[i]) {
			err_set(err, ERR_USAGE, "--arg '%s' is not K=V", s->o.args.v[i]);
			json_free(args);
			return NULL;
		}
		name = xasprintf("%s%.*s", dashes && s->o.args.v[i][0] != '-' ? "--" : "",
			(int)(eq - s->o.args.v[i]), s->o.args.v[i]);
		json_set_str(args, name, eq + 1);
		free(name);
	}
	return args;
}

static int start_glue(struct run *r, const struct aws_op *op, const char *member,
	const char *args_member, bool dashes, const char *id_member, struct err *err)
{
	struct json *in = json_object(), *out = NULL, *args = arguments(r->s, dashes, err);
	int ret = -1;

	if (!args)
		goto out;
	json_set_str(in, member, r->name);
	if (json_len(args) && args_member)
		json_set(in, args_member, json_copy(args));
	if (aws_call(r->s->aws, op, in, &out, err) < 0) {
		err_wrap(err, "'%s'", r->name);
		goto out;
	}
	if (id_member)
		r->id = xstrdup(json_get_str(out, id_member));
	ret = 0;
out:
	json_free(in);
	json_free(out);
	json_free(args);
	return ret;
}

static int start(struct run *r, struct err *err)
{
	r->started_ms = clock_system()->now_ms(clock_system());
	if (!strcmp(r->type, "AWS::Glue::Workflow"))
		return start_glue(
			r, &glue_start_workflow_run, "Name", "RunProperties", false, "RunId", err);
	if (!strcmp(r->type, "AWS::Glue::Job"))
		return start_glue(
			r, &glue_start_job_run, "JobName", "Arguments", true, "JobRunId", err);
	return start_glue(r, &glue_start_crawler, "Name", NULL, false, NULL, err);
}

/* --- showing --- */

static void show(struct run *r, const char *id, const char *what, const char *name,
	const char *state, double seconds, const char *error)
{
	const char *last = map_get(&r->shown, id);

	if (last && !strcmp(last, state))
		return;
	map_put(&r->shown, id, xstrdup(state));
	if (r->s->o.quiet)
		return;
	fprintf(r->s->json ? stderr : stdout, "  %-8s %s %s", what, name, state);
	if (seconds > 0)
		fprintf(r->s->json ? stderr : stdout, " (%.1f s)", seconds);
	if (error)
		fprintf(r->s->json ? stderr : stdout, ": %s", error);
	fputc('\n', r->s->json ? stderr : stdout);
	fflush(r->s->json ? stderr : stdout);
}

static void add_node(struct run *r, const char *type, const char *name, const char *id,
	const char *state, int attempt, double seconds, const char *error)
{
	struct json *n = json_object();

	json_set_str(n, "type", type);
	json_set_str(n, "name", name);
	json_set(n, "id", id ? json_string(id) : json_null());
	json_set_str(n, "state", state);
	json_set_i64(n, "attempt", attempt);
	json_set_dbl(n, "seconds", seconds);
	json_set(n, "error", error && *error ? json_string(error) : json_null());
	json_push(r->nodes, n);
}

static bool is_one_of(const char *state, const char *const *list)
{
	for (; *list; list++)
		if (state && !strcmp(state, *list))
			return true;
	return false;
}

static bool run_is_over(const char *state)
{
	static const char *const over[] = {
		"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED", NULL};

	return is_one_of(state, over);
}

static bool is_python(struct run *r, const char *job)
{
	const char *known = map_get(&r->python, job);
	struct json *out = NULL;
	struct err ignored = ERR_INIT;
	bool python = false;

	if (known)
		return *known == '1';
	if (!call_with(r->s, &glue_get_job, &out, &ignored, "JobName", job, NULL)) {
		const char *command = json_str(json_path(out, "Job.Command.Name"));
		python = command && !strcmp(command, "pythonshell");
	}
	err_release(&ignored);
	json_free(out);
	map_put(&r->python, job, xstrdup(python ? "1" : "0"));
	return python;
}

static void take_job_run(struct run *r, const struct json *jr)
{
	const char *id = json_get_str(jr, "Id"), *job = json_get_str(jr, "JobName"),
		   *state = json_get_str(jr, "JobRunState");
	const char *error = json_get_str(jr, "ErrorMessage");
	double seconds = json_dbl(json_get(jr, "ExecutionTime"), 0);
	int64_t started = ms_of(json_get(jr, "StartedOn")),
		ended = ms_of(json_get(jr, "CompletedOn"));

	if (!id || !job || !state)
		return;
	if (started && ended > started)
		seconds = (double)(ended - started) / 1000.0;
	log_tail_read(r->tail, job, id, is_python(r, job), NULL);
	show(r, id, "job", job, state, run_is_over(state) ? seconds : 0, error);
	add_node(r, "JOB", job, id, state, (int)json_get_i64(jr, "Attempt", 0), seconds, error);
}

static void take_crawl(struct run *r, const char *name, const struct json *crawl)
{
	const char *state = json_get_str(crawl, "State"),
		   *error = json_get_str(crawl, "ErrorMessage");
	int64_t started = ms_of(json_get(crawl, "StartedOn")),
		ended = ms_of(json_get(crawl, "CompletedOn"));
	double seconds = ended > started ? (double)(ended - started) / 1000.0 : 0;
	char *id = xasprintf("%s %lld", name, (long long)started);

	if (state) {
		show(r, id, "crawler", name, state, seconds, error);
		add_node(r, "CRAWLER", name, id, state, 0, seconds, error);
	}
	free(id);
}

/* A run or crawl of a graph node, to be shown in the order in which they began. */
struct seen {
	const struct json *node, *item; /* item NULL: it did not run */
	int64_t started_ms;
	size_t index;
};

static int by_start(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (!x->item != !y->item)
		return x->item ? -1 : 1;
	if (x->started_ms != y->started_ms)
		return x->started_ms < y->started_ms ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static bool is_job(const struct json *node)
{
	return !strcmp(json_get_str(node, "Type"), "JOB");
}

static void take_seen(struct run *r, const struct seen *seen)
{
	const char *kind = json_get_str(seen->node, "Type"),
		   *name = json_get_str(seen->node, "Name");

	if (seen->item && is_job(seen->node)) {
		take_job_run(r, seen->item);
	} else if (seen->item) {
		take_crawl(r, name, seen->item);
	} else {
		/* Named too: what the run never came to. */
		add_node(r, kind, name, NULL, r->over ? "SKIPPED" : "WAITING", 0, 0, NULL);
		if (r->over)
			show(r, name, is_job(seen->node) ? "job" : "crawler", name, "SKIPPED", 0,
				NULL);
	}
}

static void take_graph(struct run *r, const struct json *nodes)
{
	struct seen *seen = NULL;
	size_t nr = 0, alloc = 0;
	const struct json *node, *item;

	json_each(node, nodes)
	{
		const char *kind = json_get_str(node, "Type");
		const struct json *list;
		if (!kind || !json_get_str(node, "Name") || !strcmp(kind, "TRIGGER"))
			continue;
		list = json_path(
			node, is_job(node) ? "JobDetails.JobRuns" : "CrawlerDetails.Crawls");
		if (!json_len(list)) {
			ALLOC_GROW(seen, nr, alloc);
			seen[nr] = (struct seen){.node = node, .index = nr};
			nr++;
		}
		json_each(item, list)
		{
			ALLOC_GROW(seen, nr, alloc);
			seen[nr] =
				(struct seen){node, item, ms_of(json_get(item, "StartedOn")), nr};
			nr++;
		}
	}
	if (nr)
		qsort(seen, nr, sizeof(*seen), by_start);
	for (size_t i = 0; i < nr; i++)
		take_seen(r, &seen[i]);
	free(seen);
}

/* --- one look at each kind --- */

static void set_state(struct run *r, const char *state)
{
	free(r->state);
	r->state = xstrdup(state ? state : "UNKNOWN");
}

static bool all_succeeded(const struct json *nodes)
{
	struct json *n;

	json_each(n, nodes)
	{
		const char *state = json_get_str(n, "state");
		if (strcmp(state, "SUCCEEDED") != 0)
			return false;
	}
	return true;
}

static int look_at_workflow(struct run *r, struct err *err)
{
	struct json *out = NULL, *run;

	if (call_with(r->s, &glue_get_workflow_run, &out, err, "Name", r->name, "RunId", r->id,
		    "+IncludeGraph", NULL) < 0)
		return -1;
	run = json_get(out, "Run");
	set_state(r, json_get_str(run, "Status"));
	r->over = strcmp(r->state, "RUNNING") != 0 && strcmp(r->state, "STOPPING") != 0;
	if (json_get(run, "StartedOn"))
		r->started_ms = ms_of(json_get(run, "StartedOn"));
	r->ended_ms = ms_of(json_get(run, "CompletedOn"));
	take_graph(r, json_path(run, "Graph.Nodes"));
	r->ok = r->over && !strcmp(r->state, "COMPLETED") && all_succeeded(r->nodes);
	free(r->error);
	r->error = xstrdup(json_get_str(run, "ErrorMessage"));
	json_free(out);
	return 0;
}

static int look_at_job(struct run *r, struct err *err)
{
	struct json *out = NULL, *run;

	if (call_with(r->s, &glue_get_job_run, &out, err, "JobName", r->name, "RunId", r->id,
		    NULL) < 0)
		return -1;
	run = json_get(out, "JobRun");
	set_state(r, json_get_str(run, "JobRunState"));
	r->over = run_is_over(r->state);
	if (json_get(run, "StartedOn"))
		r->started_ms = ms_of(json_get(run, "StartedOn"));
	r->ended_ms = ms_of(json_get(run, "CompletedOn"));
	free(r->error);
	r->error = xstrdup(json_get_str(run, "ErrorMessage"));
	take_job_run(r, run);
	r->ok = !strcmp(r->state, "SUCCEEDED");
	json_free(out);
	return 0;
}

static int look_at_crawler(struct run *r, struct err *err)
{
	struct json *out = NULL, *crawler, *last;
	const char *state;

	if (call_with(r->s, &glue_get_crawler, &out, err, "Name", r->name, NULL) < 0)
		return -1;
	crawler = json_get(out, "Crawler");
	last = json_get(crawler, "LastCrawl");
	state = json_get_str(crawler, "State");
	/* READY again with a crawl that began after ours was asked for: that was it. */
	r->over = state && !strcmp(state, "READY") &&
		  ms_of(json_get(last, "StartTime")) + 2000 >= r->started_ms;
	set_state(r, r->over ? json_get_str(last, "Status") : state);
	if (r->over)
		r->ended_ms = clock_system()->now_ms(clock_system());
	free(r->error);
	r->error = xstrdup(r->over ? json_get_str(last, "ErrorMessage") : NULL);
	show(r, "crawler", "crawler", r->name, r->state, 0, r->error);
	add_node(r, "CRAWLER", r->name, NULL, r->state, 0, 0, r->error);
	r->ok = r->over && !strcmp(r->state, "SUCCEEDED");
	json_free(out);
	return 0;
}

static int look(struct run *r, struct err *err)
{
	json_free(r->nodes);
	r->nodes = json_array();
	if (!strcmp(r->type, "AWS::Glue::Workflow"))
		return look_at_workflow(r, err);
	if (!strcmp(r->type, "AWS::Glue::Job"))
		return look_at_job(r, err);
	return look_at_crawler(r, err);
}

static void set_time(struct json *doc, const char *name, int64_t ms)
{
	struct strbuf sb = STRBUF_INIT;

	if (ms)
		clock_add_iso(&sb, ms, true);
	json_set(doc, name, ms ? json_string(sb.buf) : json_null());
	strbuf_release(&sb);
}

static void report(const struct run *r)
{
	struct json *doc = json_object();
	const char *short_type = strrchr(r->type, ':') + 1;
	int64_t end = r->ended_ms ? r->ended_ms : clock_system()->now_ms(clock_system());
	char *kind = xstrdup(short_type);

	lower_ascii(kind);
	json_set_str(doc, "type", kind);
	json_set_str(doc, "name", r->name);
	json_set(doc, "id", r->id ? json_string(r->id) : json_null());
	json_set_str(doc, "state", r->state ? r->state : "STARTING");
	set_time(doc, "started", r->started_ms);
	set_time(doc, "ended", r->over ? r->ended_ms : 0);
	json_set_dbl(doc, "seconds", (double)(end - r->started_ms) / 1000.0);
	json_set(doc, "error", r->error ? json_string(r->error) : json_null());
	json_set(doc, "nodes", r->nodes ? json_copy(r->nodes) : json_array());
	json_set(r->s->doc, "run", doc);
	if (!r->s->json)
		printf("%s %s %s%s%s (%.1f s)\n", kind, r->name, r->state ? r->state : "STARTING",
			r->id ? " " : "", r->id ? r->id : "",
			(double)(end - r->started_ms) / 1000.0);
	free(kind);
}

static void fail_with_nodes(const struct run *r, struct err *err)
{
	struct strbuf sb = STRBUF_INIT;
	struct json *n;

	json_each(n, r->nodes)
	{
		const char *state = json_get_str(n, "state"), *error = json_get_str(n, "error");
		if (!strcmp(state, "SUCCEEDED"))
			continue;
		strbuf_addf(&sb, "%s'%s' %s%s%s", sb.len ? "; " : "", json_get_str(n, "name"),
			state, error ? ": " : "", error ? error : "");
	}
	err_set(err, ERR_FAILED, "run of '%s' ended %s%s%s", r->name, r->state, sb.len ? ": " : "",
		sb.len ? sb.buf : (r->error ? r->error : ""));
	err_named(err, "RunFailed");
	strbuf_release(&sb);
}

static int follow(struct run *r, struct poll *p, struct err *err)
{
	poll_soon(p); /* however long a crawl was waited for */
	for (;;) {
		if (look(r, err) < 0)
			return -1;
		if (r->over)
			break;
		if (poll_wait(r->s, p, err) < 0)
			return -1;
	}
	/* Late lines: the streams are read once more when all is over. */
	if (look(r, err) < 0)
		return -1;
	if (!r->ok)
		fail_with_nodes(r, err);
	return r->ok ? 0 : -1;
}

int cmd_run(struct session *s)
{
	struct run r = {.s = s, .tail = log_tail_new(s)};
	struct err err = ERR_INIT;
	struct poll p;
	int ret;

	poll_start(s, &p, "glue", s->o.timeout_s);
	map_init(&r.shown, free);
	map_init(&r.python, free);
	ret = find_runnable(s, s->operands.v[0], &r.type, &r.name, &err);
	if (!ret && !strcmp(r.type, "AWS::Glue::Workflow"))
		ret = await_crawls(s, r.name, &p, &err);
	if (!ret)
		ret = start(&r, &err);
	if (!ret) {
		if (!s->json && r.id)
			log_info("started %s", r.id);
		if (s->o.follow)
			ret = follow(&r, &p, &err);
		report(&r);
	}
	if (ret)
		session_fail(s, &err);
	log_tail_free(r.tail);
	map_release(&r.shown);
	map_release(&r.python);
	json_free(r.nodes);
	free(r.name);
	free(r.id);
	free(r.state);
	free(r.error);
	return ret;
}
