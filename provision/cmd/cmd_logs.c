/* logs: what the last run (or a named one) of a job, workflow, crawler or state machine wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "ops.h"

/* The runs to show: ids of one job, or of all jobs of a workflow run. *running: more may come. */
static int job_runs(
	struct session *s, const char *name, struct json *runs, bool *running, struct err *err)
{
	struct json *out = NULL, *list, *first;
	const char *id = s->o.run_id;

	if (id) {
		if (call_with(s, &glue_get_job_run, &out, err, "JobName", name, "RunId", id, NULL) <
			0)
			return -1;
		first = json_get(out, "JobRun");
	} else {
		if (call_with(s, &glue_get_job_runs, &out, err, "JobName", name, "#MaxResults", "1",
			    NULL) < 0)
			return -1;
		list = json_get(out, "JobRuns");
		first = json_at(list, 0);
	}
	if (first) {
		const char *state = json_get_str(first, "JobRunState");
		*running = state && (!strcmp(state, "RUNNING") || !strcmp(state, "STARTING") ||
					    !strcmp(state, "STOPPING"));
		json_push(runs, json_copy(first));
	}
	json_free(out);
	return 0;
}

static int workflow_runs(
	struct session *s, const char *name, struct json *runs, bool *running, struct err *err)
{
	struct json *out = NULL, *run, *node, *jr;
	const char *status;
	int ret;

	if (s->o.run_id)
		ret = call_with(s, &glue_get_workflow_run, &out, err, "Name", name, "RunId",
			s->o.run_id, "+IncludeGraph", NULL);
	else
		ret = call_with(s, &glue_get_workflow_runs, &out, err, "Name", name, "#MaxResults",
			"1", "+IncludeGraph", NULL);
	if (ret < 0)
		return -1;
	run = s->o.run_id ? json_get(out, "Run") : json_at(json_get(out, "Runs"), 0);
	status = json_get_str(run, "Status");
	*running = status && (!strcmp(status, "RUNNING") || !strcmp(status, "STOPPING"));
	json_each(node, json_path(run, "Graph.Nodes"))
		json_each(jr, json_path(node, "JobDetails.JobRuns")) json_push(runs, json_copy(jr));
	json_free(out);
	return 0;
}

static int crawler_events(struct session *s, const char *name, struct json *events, struct err *err)
{
	struct json *in = json_object(), *out = NULL, *ev;
	int ret;

	json_set_str(in, "logGroupName", "/aws-glue/crawlers");
	json_set_str(in, "logStreamName", name);
	json_set_bool(in, "startFromHead", true);
	ret = aws_call(s->aws, &logs_get_log_events, in, &out, err);
	json_each(ev, json_get(out, "events"))
	{
		struct strbuf when = STRBUF_INIT;
		struct json *j = json_object();
		clock_add_iso(&when, json_get_i64(ev, "timestamp", 0), true);
		json_set_str(j, "time", when.buf);
		json_set_str(j, "stream", name);
		json_set(j, "run_id", json_null());
		json_set_str(j, "node", name);
		json_set_str(j, "message", json_get_str(ev, "message"));
		json_push(events, j);
		strbuf_release(&when);
	}
	json_free(in);
	json_free(out);
	return ret;
}

static int gather(struct session *s, struct log_tail *tail, const char *type, const char *name,
	struct json *events, bool *running, struct err *err)
{
	struct json *runs, *run, *found;
	int ret;

	*running = false;
	if (!strcmp(type, "AWS::Glue::Crawler"))
		return crawler_events(s, name, events, err);
	runs = json_array();
	if (!strcmp(type, "AWS::Glue::Workflow"))
		ret = workflow_runs(s, name, runs, running, err);
	else if (!strcmp(type, "AWS::StepFunctions::StateMachine"))
		ret = states_job_runs(s, name, s->o.run_id, runs, running, err);
	else
		ret = job_runs(s, name, runs, running, err);
	if (!ret && !json_len(runs))
		ret = err_set(err, ERR_NOT_FOUND, "'%s' has not run yet", name);
	found = json_array();
	json_each(run, runs)
	{
		const char *job = json_get_str(run, "JobName");
		log_tail_read(
			tail, job, json_get_str(run, "Id"), log_tail_is_python(tail, job), found);
	}
	log_push_sorted(events, found);
	json_free(found);
	json_free(runs);
	return ret;
}

static void print_from(const struct json *events, size_t *printed)
{
	size_t i = 0;
	struct json *ev;

	json_each(ev, events)
	{
		if (i++ < *printed)
			continue;
		printf("%s %s | %s\n", json_get_str(ev, "time"), json_get_str(ev, "node"),
			json_get_str(ev, "message"));
	}
	*printed = i;
}

int cmd_logs(struct session *s)
{
	struct log_tail *tail = log_tail_new(s);
	struct json *events = json_array();
	struct err err = ERR_INIT;
	const char *type;
	char *name = NULL;
	bool running = false;
	size_t printed = 0;
	struct poll p;
	int ret;

	poll_start(s, &p, "logs", s->o.timeout_s);
	ret = find_runnable(s, s->operands.v[0], &type, &name, &err);
	while (!ret) {
		ret = gather(s, tail, type, name, events, &running, &err);
		if (!s->json)
			print_from(events, &printed);
		if (ret || !s->o.follow || !running)
			break;
		ret = poll_wait(s, &p, &err);
	}
	json_set(s->doc, "events", events);
	if (ret)
		session_fail(s, &err);
	log_tail_free(tail);
	free(name);
	return ret;
}
