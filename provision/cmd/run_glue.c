/* Runs of Glue's workflows, jobs and crawlers. */
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "ops.h"
#include "run_parts.h"

static int start_glue(struct run *r, const struct aws_op *op, const char *member,
	const char *args_member, bool dashes, const char *id_member, struct err *err)
{
	struct json *in = json_object(), *out = NULL, *args = run_arguments(r->s, dashes, err);
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

int glue_run_start(struct run *r, struct err *err)
{
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
	fprintf(run_stream(r), "  %-8s %s %s", what, name, state);
	if (seconds > 0)
		fprintf(run_stream(r), " (%.1f s)", seconds);
	if (error)
		fprintf(run_stream(r), ": %s", error);
	fputc('\n', run_stream(r));
	fflush(run_stream(r));
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

static void take_job_run(struct run *r, const struct json *jr)
{
	const char *id = json_get_str(jr, "Id"), *job = json_get_str(jr, "JobName"),
		   *state = json_get_str(jr, "JobRunState");
	const char *error = json_get_str(jr, "ErrorMessage");
	double seconds = json_dbl(json_get(jr, "ExecutionTime"), 0);
	int64_t started = run_ms_of(json_get(jr, "StartedOn")),
		ended = run_ms_of(json_get(jr, "CompletedOn"));

	if (!id || !job || !state)
		return;
	if (started && ended > started)
		seconds = (double)(ended - started) / 1000.0;
	log_tail_read(r->tail, job, id, log_tail_is_python(r->tail, job), NULL);
	show(r, id, "job", job, state, run_is_over(state) ? seconds : 0, error);
	add_node(r, "JOB", job, id, state, (int)json_get_i64(jr, "Attempt", 0), seconds, error);
}

static void take_crawl(struct run *r, const char *name, const struct json *crawl)
{
	const char *state = json_get_str(crawl, "State"),
		   *error = json_get_str(crawl, "ErrorMessage");
	int64_t started = run_ms_of(json_get(crawl, "StartedOn")),
		ended = run_ms_of(json_get(crawl, "CompletedOn"));
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
			seen[nr] = (struct seen){
				node, item, run_ms_of(json_get(item, "StartedOn")), nr};
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
	run_set_state(r, json_get_str(run, "Status"));
	r->over = strcmp(r->state, "RUNNING") != 0 && strcmp(r->state, "STOPPING") != 0;
	if (json_get(run, "StartedOn"))
		r->started_ms = run_ms_of(json_get(run, "StartedOn"));
	r->ended_ms = run_ms_of(json_get(run, "CompletedOn"));
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
	run_set_state(r, json_get_str(run, "JobRunState"));
	r->over = run_is_over(r->state);
	if (json_get(run, "StartedOn"))
		r->started_ms = run_ms_of(json_get(run, "StartedOn"));
	r->ended_ms = run_ms_of(json_get(run, "CompletedOn"));
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
		  run_ms_of(json_get(last, "StartTime")) + 2000 >= r->started_ms;
	run_set_state(r, r->over ? json_get_str(last, "Status") : state);
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

int glue_run_look(struct run *r, struct err *err)
{
	json_free(r->nodes);
	r->nodes = json_array();
	if (!strcmp(r->type, "AWS::Glue::Workflow"))
		return look_at_workflow(r, err);
	if (!strcmp(r->type, "AWS::Glue::Job"))
		return look_at_job(r, err);
	return look_at_crawler(r, err);
}

void glue_run_fail(const struct run *r, struct err *err)
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
