#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "lint_internal.h"
#include "ops.h"
#include "strbuf.h"

static const char *const python_versions[] = {"2", "3", "3.9", "3.11", NULL};
static const struct field command_fields[] = {
	{.name = "Name", .kind = FIELD_STRING},
	{.name = "PythonVersion", .kind = FIELD_STRING, .values = python_versions},
	{.name = "Runtime", .kind = FIELD_STRING, .max = 64},
	{.name = "ScriptLocation", .kind = FIELD_STRING, .names = "AWS::S3::Bucket", .max = 400000},
	{0},
};
static const struct field connections_fields[] = {
	{.name = "Connections",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.names = "AWS::Glue::Connection"},
	{0},
};
static const struct field execution_fields[] = {
	{.name = "MaxConcurrentRuns", .kind = FIELD_INTEGER},
	{0},
};
static const struct field notification_fields[] = {
	{.name = "NotifyDelayAfter", .kind = FIELD_INTEGER, .min = 1, .max = 1LL << 31},
	{0},
};

static const char *const execution_classes[] = {"FLEX", "STANDARD", NULL};
static const char *const job_modes[] = {"NOTEBOOK", "SCRIPT", "VISUAL", NULL};

/* WorkerType, GlueVersion and Command.Name are left open: Glue gets new ones faster than any list (user pain 25). */
static const struct field job_fields[] = {
	{.name = "AllocatedCapacity", .kind = FIELD_INTEGER},
	{.name = "Command", .kind = FIELD_OBJECT, .flags = F_REQUIRED, .fields = command_fields},
	{.name = "Connections", .kind = FIELD_OBJECT, .fields = connections_fields},
	{.name = "DefaultArguments", .kind = FIELD_MAP},
	{.name = "Description", .kind = FIELD_STRING, .max = 2048},
	{.name = "ExecutionClass", .kind = FIELD_STRING, .values = execution_classes},
	{.name = "ExecutionProperty", .kind = FIELD_OBJECT, .fields = execution_fields},
	{.name = "GlueVersion",
		.kind = FIELD_STRING,
		.min = 1,
		.max = 255,
		.pattern = "(\\w+\\.)+\\w+"},
	{.name = "JobMode", .kind = FIELD_STRING, .values = job_modes},
	{.name = "JobRunQueuingEnabled", .kind = FIELD_BOOL},
	{.name = "LogUri", .kind = FIELD_STRING},
	{.name = "MaintenanceWindow",
		.kind = FIELD_STRING,
		.pattern = "(Sun|Mon|Tue|Wed|Thu|Fri|Sat):([01]?[0-9]|2[0-3])"},
	{.name = "MaxCapacity", .kind = FIELD_NUMBER},
	{.name = "MaxRetries", .kind = FIELD_INTEGER},
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES | F_LOCAL, .min = 1, .max = 255},
	{.name = "NonOverridableArguments", .kind = FIELD_MAP},
	{.name = "NotificationProperty", .kind = FIELD_OBJECT, .fields = notification_fields},
	{.name = "NumberOfWorkers", .kind = FIELD_INTEGER},
	{.name = "Role",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_NAME_OR_ARN,
		.names = "AWS::IAM::Role"},
	{.name = "SecurityConfiguration", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "Tags", .kind = FIELD_TAG_MAP},
	{.name = "Timeout", .kind = FIELD_INTEGER, .min = 1, .max = 1LL << 31},
	{.name = "WorkerType", .kind = FIELD_STRING},
	{0},
};

/* Capacity, workers, version and time-out have defaults that depend on each other: what AWS chose counts as unset. */
static const struct field_default job_defaults[] = {
	{"Connections", "{\"Connections\":[]}"},
	{"DefaultArguments", "{}"},
	{"Description", "\"\""},
	{"ExecutionClass", "\"STANDARD\""},
	{"ExecutionProperty", "{\"MaxConcurrentRuns\":1}"},
	{"JobMode", "\"SCRIPT\""},
	{"JobRunQueuingEnabled", "false"},
	{"LogUri", "\"\""},
	{"MaintenanceWindow", "\"\""},
	{"MaxRetries", "0"},
	{"NonOverridableArguments", "{}"},
	{"NotificationProperty", "{}"},
	{"SecurityConfiguration", "\"\""},
	{0},
};

/* --- stopping --- */

static bool under_way(const char *state)
{
	static const char *const states[] = {"STARTING", "RUNNING", "STOPPING", "WAITING"};
	for (size_t i = 0; state && i < ARRAY_SIZE(states); i++)
		if (strcmp(state, states[i]) == 0)
			return true;
	return false;
}

/* A missing job has no runs. */
static int runs_of(
	const struct type_ctx *ctx, const struct resource *r, struct json **runs, struct err *err)
{
	struct json *in = json_strings("JobName", r->name, NULL);
	int ret = list_if_there(ctx, &glue_get_job_runs, in, runs, err);
	json_free(in);
	return ret;
}

/* Errors per run (it ended in between, it stops already) do not matter: the next look tells. */
static int stop_runs(const struct type_ctx *ctx, const struct resource *r, const struct json *runs,
	struct err *err)
{
	const struct json *run = json_first(runs);
	while (run) {
		struct json *in = json_strings("JobName", r->name, NULL), *ids = json_array();
		int ret = 0;
		for (; run && json_len(ids) < 25; run = json_next(run)) {
			const char *state = json_get_str(run, "JobRunState");
			if (under_way(state) && strcmp(state, "STOPPING") != 0)
				json_push_str(ids, json_get_str(run, "Id"));
		}
		size_t nr = json_len(ids);
		json_set(in, "JobRunIds", ids);
		if (nr)
			ret = aws_call(ctx->aws, &glue_batch_stop_job_run, in, NULL, err);
		json_free(in);
		if (ret)
			return -1;
	}
	return 0;
}

static int job_quiesce(const struct type_ctx *ctx, const struct resource *r, unused_arg bool going,
	unused_arg struct json **resume, struct err *err)
{
	struct wait w;
	wait_begin(&w, ctx, WAIT_LONG_MS);
	for (;;) {
		struct json *runs = NULL, *run;
		size_t nr = 0;
		int ret = runs_of(ctx, r, &runs, err);
		json_each(run, runs) nr += under_way(json_get_str(run, "JobRunState"));
		if (!ret && nr)
			ret = stop_runs(ctx, r, runs, err);
		json_free(runs);
		if (ret || !nr)
			return ret;
		if (wait_pause(&w, err, "%zu run%s of job '%s' to stop", nr, nr == 1 ? "" : "s",
			    r->name))
			return -1;
	}
}

/* --- what its runs left --- */

/* The groups that a run writes to: its own LogGroupName says jobs or python-jobs; both when it does not. */
static int sweep_run(
	const struct type_ctx *ctx, const struct json *run, struct json *gone, struct err *err)
{
	static const char *const kinds[] = {"/aws-glue/python-jobs", "/aws-glue/jobs"};
	static const char *const leaves[] = {"output", "error", "logs-v2"};
	const char *id = json_get_str(run, "Id"), *own = json_get_str(run, "LogGroupName");
	bool known = own && (strcmp(own, kinds[0]) == 0 || strcmp(own, kinds[1]) == 0);
	for (size_t k = 0; id && k < ARRAY_SIZE(kinds); k++) {
		if (known && strcmp(own, kinds[k]) != 0)
			continue;
		for (size_t l = 0; l < ARRAY_SIZE(leaves); l++) {
			char *group = xasprintf("%s/%s", kinds[k], leaves[l]);
			int ret = sweep_log_streams(ctx, group, id, false, gone, err);
			free(group);
			if (ret)
				return -1;
		}
	}
	return 0;
}

static int job_sweep(
	const struct type_ctx *ctx, const struct resource *r, struct json *gone, struct err *err)
{
	struct json *runs = NULL, *run;
	int ret = runs_of(ctx, r, &runs, err);
	json_each(run, runs)
	{
		if (!ret)
			ret = sweep_run(ctx, run, gone, err);
	}
	json_free(runs);
	return ret;
}

static const char *const job_busy[] = {"ConcurrentModificationException", NULL};

const struct json_type glue_job = {
	.type =
		{
			.schema =
				{
					.name = "AWS::Glue::Job",
					.fields = job_fields,
					.name_field = "Name",
					.name_case = NAME_LOWER_DASH,
					.name_max = 255,
					.attributes = no_attributes,
					.name_pattern_hint =
						"1 to 255 characters without control characters",
					.name_ok = glue_name_ok,
					.check = lint_check_job,
				},
			.flags = T_WHOLE,
			.defaults = job_defaults,
			.read = json_type_read,
			.create = json_type_create,
			.update = json_type_update,
			.tag = json_type_tag,
			.destroy = json_type_destroy,
			.quiesce = job_quiesce,
			.sweep = job_sweep,
		},
	.create = &glue_create_job,
	.get = &glue_get_job,
	.update = &glue_update_job,
	.remove = &glue_delete_job,
	.get_out = "Job",
	.update_in = "JobUpdate",
	.create_name = "Name",
	.get_name = "JobName",
	.update_name = "JobName",
	.remove_name = "JobName",
	.arn = "arn:{partition}:glue:{region}:{account}:job/{name}",
	.tagging = &glue_tagging,
	.flags = JSON_UPDATE_WHOLE,
	.role = "Role",
	.busy = job_busy,
};
