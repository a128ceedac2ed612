#include "transit_run.h"

#include <stdlib.h>
#include <string.h>
#include "joblog.h"
#include "ops.h"

#define ATTEMPT "--ATTEMPT"

static struct json *request(const struct transit_glue *g)
{
	struct json *in = json_object();

	json_set_str(in, "JobName", g->name);
	return in;
}

int transit_run_find(
	const struct transit_glue *g, const char *attempt, char **run_id, struct err *err)
{
	struct aws_client *aws = job_aws(g->job, err);
	struct json *in = request(g), *out = NULL, *run;
	int ret = aws ? 0 : -1;

	*run_id = NULL;
	json_set_i64(in, "MaxResults", 200);
	if (ret == 0)
		ret = aws_call(aws, &glue_get_job_runs, in, &out, err);
	json_each(run, json_get(out, "JobRuns"))
	{
		const char *mark = json_get_str(json_get(run, "Arguments"), ATTEMPT);

		if (!*run_id && mark && strcmp(mark, attempt) == 0)
			*run_id = xstrdup(json_get_str(run, "Id"));
	}
	json_free(in);
	json_free(out);
	return ret;
}

bool transit_run_is_busy(const struct err *err)
{
	return err->code == ERR_THROTTLED || err_is_aws(err, "ThrottlingException") ||
	       err_is_aws(err, "ConcurrentRunsExceededException");
}

int transit_run_start(const struct transit_glue *g, const char *env, const char *input,
	const char *attempt, char **run_id, bool *busy, struct err *err)
{
	struct aws_client *aws = job_aws(g->job, err);
	struct json *in = request(g), *arguments = json_object(), *out = NULL;
	struct err why = ERR_INIT;
	int ret = -1;

	*run_id = NULL;
	*busy = false;
	json_set_str(arguments, "--ENV", env);
	json_set_str(arguments, "--INPUT", input);
	json_set_str(arguments, ATTEMPT, attempt);
	json_set(in, "Arguments", arguments);
	if (aws)
		ret = aws_call(aws, &glue_start_job_run, in, &out, &why);
	if (ret == 0) {
		*run_id = xstrdup(json_get_str(out, "JobRunId"));
	} else if (aws && transit_run_is_busy(&why)) {
		*busy = true;
		ret = 0;
	} else if (aws && (why.code != ERR_AMBIGUOUS ||
				  transit_run_find(g, attempt, run_id, NULL) != 0 || !*run_id)) {
		err_move(err, &why);
	} else if (aws) {
		ret = 0;
	}
	if (ret == 0 && !*busy && !*run_id)
		ret = err_set(err, ERR_FAILED, "StartJobRun gives no JobRunId");
	err_release(&why);
	json_free(in);
	json_free(out);
	return ret;
}

enum transit_run_state transit_run_state(
	const struct transit_glue *g, const char *run_id, char **why)
{
	static const char *const going[] = {"STARTING", "RUNNING", "STOPPING"};
	struct err err = ERR_INIT;
	struct aws_client *aws = job_aws(g->job, &err);
	struct json *in = request(g), *out = NULL;
	enum transit_run_state state = RUN_FAILED;
	const char *text = NULL, *message;

	*why = NULL;
	json_set_str(in, "RunId", run_id);
	if (aws && aws_call(aws, &glue_get_job_run, in, &out, &err) == 0)
		text = json_get_str(json_get(out, "JobRun"), "JobRunState");
	if (!text)
		state = RUN_GOES_ON;
	for (size_t i = 0; text && i < ARRAY_SIZE(going); i++)
		if (strcmp(text, going[i]) == 0)
			state = RUN_GOES_ON;
	if (text && strcmp(text, "WAITING") == 0)
		state = RUN_WAITS;
	if (text && strcmp(text, "SUCCEEDED") == 0)
		state = RUN_SUCCEEDED;
	if (err.code)
		job_log(JOB_WARN, "unknown-state", "run=%s error=\"%s\"", run_id, err.text);
	if (state == RUN_FAILED) {
		message = json_get_str(json_get(out, "JobRun"), "ErrorMessage");
		*why = xasprintf(
			"the run is %s%s%s", text, message ? ": " : "", message ? message : "");
	}
	err_release(&err);
	json_free(in);
	json_free(out);
	return state;
}

void transit_run_stop(const struct transit_glue *g, const char *run_id)
{
	struct err err = ERR_INIT;
	struct aws_client *aws = job_aws(g->job, &err);
	struct json *in = request(g), *ids = json_array();

	json_push_str(ids, run_id);
	json_set(in, "JobRunIds", ids);
	if (!aws || aws_call(aws, &glue_batch_stop_job_run, in, NULL, &err) != 0)
		job_log(JOB_WARN, "not-stopped", "run=%s error=\"%s\"", run_id, err.text);
	err_release(&err);
	json_free(in);
}
