#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"

static const struct field workflow_fields[] = {
	{.name = "DefaultRunProperties", .kind = FIELD_MAP},
	{.name = "Description", .kind = FIELD_STRING, .max = 120000},
	{.name = "MaxConcurrentRuns", .kind = FIELD_INTEGER},
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES | F_LOCAL, .min = 1, .max = 255},
	{.name = "Tags", .kind = FIELD_TAG_MAP},
	{0},
};

static const struct field_default workflow_defaults[] = {
	{"DefaultRunProperties", "{}"},
	{"Description", "\"\""},
	{0},
};

/* Runs that are under way, as ids; the newest pages suffice, but all are read: a run may last for days. */
static int running(const struct type_ctx *ctx, const char *name, bool *stopping, struct json **ids,
	struct err *err)
{
	struct json *in = json_strings("Name", name, NULL), *runs = NULL, *run;
	int ret = aws_call_all(ctx->aws, &glue_get_workflow_runs, in, &runs, err);
	*ids = json_array();
	*stopping = false;
	json_each(run, runs)
	{
		const char *status = json_get_str(run, "Status");
		if (status && strcmp(status, "RUNNING") == 0)
			json_push_str(*ids, json_get_str(run, "WorkflowRunId"));
		*stopping = *stopping || (status && strcmp(status, "STOPPING") == 0);
	}
	json_free(in);
	json_free(runs);
	return ret;
}

static int stop_runs(
	const struct type_ctx *ctx, const char *name, const struct json *ids, struct err *err)
{
	static const char *const over[] = {
		"IllegalWorkflowStateException", "EntityNotFoundException", NULL};
	const struct json *id;
	json_each(id, ids)
	{
		struct json *in = json_strings("Name", name, "RunId", json_str(id), NULL);
		struct err why = ERR_INIT;
		int ret = aws_call(ctx->aws, &glue_stop_workflow_run, in, NULL, &why);
		json_free(in);
		if (ret && !err_is_any(&why, over)) {
			err_move(err, &why);
			return -1;
		}
		err_release(&why);
	}
	return 0;
}

/* An update does not disturb a run; only going does. */
static int workflow_quiesce(const struct type_ctx *ctx, const struct resource *r, bool going,
	unused_arg struct json **resume, struct err *err)
{
	struct wait w;
	int ret = 0;
	wait_begin(&w, ctx, WAIT_LONG_MS);
	while (going && !ret) {
		struct json *ids = NULL;
		struct err why = ERR_INIT;
		bool stopping;
		ret = running(ctx, r->name, &stopping, &ids, &why);
		bool gone = ret && err_is_missing(&why);
		bool quiet = !ret && !stopping && json_len(ids) == 0;
		if (ret && !gone)
			err_move(err, &why);
		err_release(&why);
		if (!ret && json_len(ids))
			ret = stop_runs(ctx, r->name, ids, err);
		json_free(ids);
		if (gone)
			return 0;
		if (quiet)
			break;
		if (!ret)
			ret = wait_pause(&w, err, "runs of workflow '%s' to stop", r->name);
	}
	return ret;
}

static char *workflow_serial(const struct resource *r)
{
	return xasprintf("workflow/%s", r->name);
}

static const char *const workflow_busy[] = {
	"ConcurrentModificationException", "IllegalWorkflowStateException", NULL};

const struct json_type glue_workflow = {
	.type =
		{
			.schema =
				{
					.name = "AWS::Glue::Workflow",
					.fields = workflow_fields,
					.name_field = "Name",
					.name_case = NAME_LOWER_DASH,
					.name_max = 255,
					.attributes = no_attributes,
					.name_pattern_hint =
						"1 to 255 characters without control characters",
					.name_ok = glue_name_ok,
				},
			.flags = T_WHOLE,
			.defaults = workflow_defaults,
			.read = json_type_read,
			.create = json_type_create,
			.update = json_type_update,
			.tag = json_type_tag,
			.destroy = json_type_destroy,
			.quiesce = workflow_quiesce,
			.serial = workflow_serial,
		},
	.create = &glue_create_workflow,
	.get = &glue_get_workflow,
	.update = &glue_update_workflow,
	.remove = &glue_delete_workflow,
	.get_out = "Workflow",
	.create_name = "Name",
	.get_name = "Name",
	.update_name = "Name",
	.remove_name = "Name",
	.arn = "arn:{partition}:glue:{region}:{account}:workflow/{name}",
	.tagging = &glue_tagging,
	/* whether an update keeps what is left out is not documented: all of it is sent */
	.flags = JSON_UPDATE_WHOLE,
	.busy = workflow_busy,
};
