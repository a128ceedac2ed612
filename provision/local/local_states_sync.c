/*
 * Tasks that wait for the end of what they start ("Run a Job (.sync)", AWS Step Functions Developer Guide): job runs, queries,
 * executions. Each records what it waits for; states_check_followed looks when that may have ended.
 */
#include "local_states_live.h"

#include "digest.h"
#include "local_glue.h"
#include "local_iam.h"
#include "local_states_calls.h"
#include "xalloc.h"

/* --- the same call again after a crash --- */

/* A text that is the task's own, however often it is asked for; malloc'd. */
char *states_task_idea(const struct states_task *t)
{
	char *text = xasprintf("%s %s %lld", t->execution_arn, t->id, (long long)t->called_ms);
	struct strbuf hash = STRBUF_INIT, out = STRBUF_INIT;
	static const int pieces[] = {8, 4, 4, 4, 12};
	size_t at = 0;

	digest_sha256_hex(text, strlen(text), &hash);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		strbuf_addf(&out, "%s%.*s", i ? "-" : "", pieces[i], hash.buf + at);
		at += (size_t)pieces[i];
	}
	free(text);
	strbuf_release(&hash);
	return strbuf_detach(&out, NULL);
}

static bool same_arguments(const struct json *a, const struct json *b)
{
	if (!json_len(a) || !json_len(b))
		return !json_len(a) && !json_len(b);
	return json_equal(a, b);
}

/* A run that the call may have started before the local cloud was ended, and that nobody else waits for; malloc'd or NULL. */
char *states_find_job_run(const struct states_task *t)
{
	struct json *in = json_object(), *out = NULL, *run;
	struct err ignored = ERR_INIT;
	char *found = NULL;

	json_set_str(in, "JobName", json_get_str(t->parameters, "JobName"));
	if (!states_invoke(t, "glue", "GetJobRuns", in, &out, &ignored)) {
		json_each(run, json_get(out, "JobRuns"))
		{
			const char *id = json_get_str(run, "Id");
			int64_t execution,
				started = (int64_t)(json_dbl(json_get(run, "StartedOn"), 0) * 1000 +
						    0.5);
			char *task;

			if (found || started < t->called_ms || json_get_str(run, "TriggerName") ||
				!same_arguments(json_get(run, "Arguments"),
					json_get(t->parameters, "Arguments")))
				continue;
			if (states_follower(t->cloud, "glue", id, &execution, &task))
				free(task);
			else
				found = xstrdup(id);
		}
	}
	err_release(&ignored);
	json_free(in);
	json_free(out);
	return found;
}

/* --- job runs --- */

static void job_failed(const struct states_task *t, struct json *run)
{
	char *cause = states_print(run);

	states_task_failed(t->cloud, t->execution, t->id, "States.TaskFailed", cause);
	free(cause);
	json_free(run);
}

static void check_job_run(const struct states_task *t)
{
	struct json *in, *out = NULL, *run;
	struct local_run found = {0};
	struct err err = ERR_INIT;
	const char *state;

	if (local_run_load(t->cloud, t->ref, &found, &err)) {
		local_fault(&err, 400, "EntityNotFoundException", "Job run %s not found.", t->ref);
		states_fail_call(t, &err);
		goto out;
	}
	if (!local_run_state_final(found.state))
		goto out;
	in = json_object();
	json_set_str(in, "JobName", found.job);
	json_set_str(in, "RunId", found.id);
	if (states_invoke(t, "glue", "GetJobRun", in, &out, &err)) {
		states_fail_call(t, &err);
	} else {
		run = states_sdk_document(json_get(out, "JobRun"));
		state = json_get_str(run, "JobRunState");
		if (state && !strcmp(state, "SUCCEEDED"))
			states_task_succeeded(t->cloud, t->execution, t->id, run);
		else
			job_failed(t, run);
	}
	json_free(in);
	json_free(out);
out:
	local_run_release(&found);
	err_release(&err);
}

static void cancel_job_run(const struct states_task *t)
{
	struct json *in = json_object(), *ids = json_array(), *out = NULL;
	struct local_run found = {0};
	struct err ignored = ERR_INIT;

	if (!local_run_load(t->cloud, t->ref, &found, &ignored)) {
		json_set_str(in, "JobName", found.job);
		json_push_str(ids, t->ref);
		json_set(in, "JobRunIds", ids);
		(void)!states_invoke(t, "glue", "BatchStopJobRun", in, &out, &ignored);
	} else {
		json_free(ids);
	}
	local_run_release(&found);
	err_release(&ignored);
	json_free(in);
	json_free(out);
}

/* Records what the task follows and looks at once: it may be over already. */
static void follow(const struct states_task *t, const char *kind, const char *ref)
{
	struct states_task followed = *t;
	struct err ignored = ERR_INIT;

	if (!states_task_follow(t, kind, ref, &ignored)) {
		followed.kind = kind;
		followed.ref = ref;
		states_check_followed(&followed);
	}
	err_release(&ignored);
}

/* What the local cloud knew of before it was ended. */
static bool goes_on(const struct states_task *t)
{
	if (!t->again || !t->ref)
		return false;
	states_check_followed(t);
	return true;
}

static void start_job_sync(const struct states_task *t)
{
	struct json *out = NULL, *shown;
	struct err err = ERR_INIT;
	char *id;

	if (goes_on(t))
		return;
	id = t->again ? states_find_job_run(t) : NULL;
	states_task_started(t);
	if (id) {
		out = json_object();
		json_set_str(out, "JobRunId", id);
	} else if (states_invoke(t, "glue", "StartJobRun", t->parameters, &out, &err)) {
		states_fail_call(t, &err);
		err_release(&err);
		return;
	} else {
		id = xstrdup(json_get_str(out, "JobRunId"));
	}
	shown = states_with_metadata(out);
	states_task_submitted(t, shown);
	follow(t, "glue", id);
	json_free(shown);
	json_free(out);
	free(id);
}

/* --- queries --- */

static void check_query(const struct states_task *t)
{
	struct json *in = json_object(), *out = NULL, *shown;
	struct err err = ERR_INIT;
	const char *state;

	json_set_str(in, "QueryExecutionId", t->ref);
	if (states_invoke(t, "athena", "GetQueryExecution", in, &out, &err)) {
		states_fail_call(t, &err);
		goto out;
	}
	state = json_str(json_path(out, "QueryExecution.Status.State"));
	if (!state || !strcmp(state, "QUEUED") || !strcmp(state, "RUNNING"))
		goto out;
	shown = states_sdk_document(out);
	if (!strcmp(state, "SUCCEEDED"))
		states_task_succeeded(t->cloud, t->execution, t->id, shown);
	else
		job_failed(t, shown);
out:
	err_release(&err);
	json_free(in);
	json_free(out);
}

static void cancel_query(const struct states_task *t)
{
	struct json *in = json_object(), *out = NULL;
	struct err ignored = ERR_INIT;

	json_set_str(in, "QueryExecutionId", t->ref);
	(void)!states_invoke(t, "athena", "StopQueryExecution", in, &out, &ignored);
	err_release(&ignored);
	json_free(in);
	json_free(out);
}

static void start_query_sync(const struct states_task *t)
{
	struct json *in, *out = NULL, *shown;
	struct err err = ERR_INIT;

	if (goes_on(t))
		return;
	states_task_started(t);
	in = states_query_request(t);
	if (states_invoke(t, "athena", "StartQueryExecution", in, &out, &err)) {
		states_fail_call(t, &err);
	} else {
		shown = states_with_metadata(out);
		states_task_submitted(t, shown);
		json_free(shown);
		follow(t, "athena", json_get_str(out, "QueryExecutionId"));
	}
	err_release(&err);
	json_free(in);
	json_free(out);
}

/* --- executions --- */

static void output_as_json(struct json *doc, const char *name)
{
	struct json *value = states_parse(json_get_str(doc, name));

	if (value)
		json_set(doc, name, value);
}

static void check_execution(const struct states_task *t)
{
	struct json *in = json_object(), *out = NULL, *shown;
	struct err err = ERR_INIT;
	const char *status;

	json_set_str(in, "executionArn", t->ref);
	if (states_invoke(t, "states", "DescribeExecution", in, &out, &err)) {
		states_fail_call(t, &err);
		goto out;
	}
	status = json_get_str(out, "status");
	if (!strcmp(status, "RUNNING"))
		goto out;
	json_remove(out, "redriveStatus");
	json_remove(out, "redriveStatusReason");
	json_remove(out, "redriveCount");
	shown = states_sdk_document(out);
	if (strcmp(status, "SUCCEEDED") != 0) {
		job_failed(t, shown);
		goto out;
	}
	if (states_follows_as_json(t)) {
		output_as_json(shown, "Output");
		output_as_json(shown, "Input");
	}
	states_task_succeeded(t->cloud, t->execution, t->id, shown);
out:
	err_release(&err);
	json_free(in);
	json_free(out);
}

static void cancel_execution(const struct states_task *t)
{
	struct json *in = json_object(), *out = NULL;
	struct err ignored = ERR_INIT;

	json_set_str(in, "executionArn", t->ref);
	json_set_str(in, "cause", "The execution that waits for this one was ended");
	(void)!states_invoke(t, "states", "StopExecution", in, &out, &ignored);
	err_release(&ignored);
	json_free(in);
	json_free(out);
}

static void start_execution_sync(const struct states_task *t)
{
	struct json *in, *out = NULL, *shown;
	struct err err = ERR_INIT;

	if (goes_on(t))
		return;
	states_task_started(t);
	in = states_execution_request(t);
	if (states_start_child(t, in, &out, &err)) {
		states_fail_call(t, &err);
	} else {
		shown = states_with_metadata(out);
		states_task_submitted(t, shown);
		json_free(shown);
		follow(t, ends_with(t->resource, ":2") ? "execution:2" : "execution",
			json_get_str(out, "executionArn"));
	}
	err_release(&err);
	json_free(in);
	json_free(out);
}

/* --- by kind --- */

static const struct {
	const char *kind;
	void (*check)(const struct states_task *t);
	void (*cancel)(const struct states_task *t);
} kinds[] = {
	{"athena", check_query, cancel_query},
	{"execution", check_execution, cancel_execution},
	{"execution:2", check_execution, cancel_execution},
	{"glue", check_job_run, cancel_job_run},
};

bool states_follows_as_json(const struct states_task *t)
{
	return t->kind && !strcmp(t->kind, "execution:2");
}

void states_check_followed(const struct states_task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (t->kind && !strcmp(kinds[i].kind, t->kind))
			kinds[i].check(t);
}

void states_cancel_followed(const struct states_task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (t->kind && !strcmp(kinds[i].kind, t->kind))
			kinds[i].cancel(t);
}

const struct states_integration states_sync_integrations[] = {
	{"athena:startQueryExecution.sync", start_query_sync, cancel_query},
	{"glue:startJobRun.sync", start_job_sync, cancel_job_run},
	{"states:startExecution.sync", start_execution_sync, cancel_execution},
	{"states:startExecution.sync:2", start_execution_sync, cancel_execution},
	{0},
};
