/*
 * Triggers. States (Glue): CREATING CREATED ACTIVATING ACTIVATED DEACTIVATING DEACTIVATED DELETING UPDATING.
 * - SCHEDULED and CONDITIONAL rest in CREATED, ACTIVATED or DEACTIVATED; StartTrigger and StopTrigger move them.
 * - ON_DEMAND and EVENT rest in CREATED. StartTrigger would fire the first and is refused for the second: setup
 *   never calls it for either; StartOnCreation is not sent.
 * - StopTrigger is refused in CREATED. Update needs a trigger that is not ACTIVATED: stop, wait, update, restore.
 * StartOnCreation, where the template has it, is the activation that every set-up leaves behind.
 */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "lint_internal.h"
#include "ops.h"
#include "tags.h"

static const struct field notification_fields[] = {
	{.name = "NotifyDelayAfter", .kind = FIELD_INTEGER, .min = 1, .max = 1LL << 31},
	{0},
};
static const struct field action_fields[] = {
	{.name = "Arguments", .kind = FIELD_MAP},
	{.name = "CrawlerName",
		.kind = FIELD_STRING,
		.names = "AWS::Glue::Crawler",
		.min = 1,
		.max = 255},
	{.name = "JobName", .kind = FIELD_STRING, .names = "AWS::Glue::Job", .min = 1, .max = 255},
	{.name = "NotificationProperty", .kind = FIELD_OBJECT, .fields = notification_fields},
	{.name = "SecurityConfiguration", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "Timeout", .kind = FIELD_INTEGER, .min = 1, .max = 1LL << 31},
	{0},
};
static const struct field batching_fields[] = {
	{.name = "BatchSize", .kind = FIELD_INTEGER, .flags = F_REQUIRED, .min = 1, .max = 100},
	{.name = "BatchWindow", .kind = FIELD_INTEGER, .min = 1, .max = 900},
	{0},
};
static const char *const crawl_states[] = {
	"CANCELLED", "CANCELLING", "ERROR", "FAILED", "RUNNING", "SUCCEEDED", NULL};
static const char *const job_states[] = {"SUCCEEDED", "STOPPED", "TIMEOUT", "FAILED", NULL};
static const char *const operators[] = {"EQUALS", NULL};
static const struct field condition_fields[] = {
	{.name = "CrawlState", .kind = FIELD_STRING, .values = crawl_states},
	{.name = "CrawlerName",
		.kind = FIELD_STRING,
		.names = "AWS::Glue::Crawler",
		.min = 1,
		.max = 255},
	{.name = "JobName", .kind = FIELD_STRING, .names = "AWS::Glue::Job", .min = 1, .max = 255},
	{.name = "LogicalOperator", .kind = FIELD_STRING, .values = operators},
	{.name = "State", .kind = FIELD_STRING, .values = job_states},
	{0},
};
static const char *const logicals[] = {"AND", "ANY", NULL};
static const struct field predicate_fields[] = {
	{.name = "Conditions",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = condition_fields},
	{.name = "Logical", .kind = FIELD_STRING, .values = logicals},
	{0},
};
static const char *const trigger_types[] = {"CONDITIONAL", "EVENT", "ON_DEMAND", "SCHEDULED", NULL};

static const struct field trigger_fields[] = {
	{.name = "Actions",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_REQUIRED | F_UNORDERED,
		.fields = action_fields},
	{.name = "Description", .kind = FIELD_STRING, .max = 2048},
	{.name = "EventBatchingCondition", .kind = FIELD_OBJECT, .fields = batching_fields},
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES | F_LOCAL, .min = 1, .max = 255},
	{.name = "Predicate", .kind = FIELD_OBJECT, .fields = predicate_fields},
	{.name = "Schedule", .kind = FIELD_STRING},
	{.name = "StartOnCreation", .kind = FIELD_BOOL, .flags = F_LOCAL},
	{.name = "Tags", .kind = FIELD_TAG_MAP},
	{.name = "Type",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES,
		.values = trigger_types},
	{.name = "WorkflowName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES,
		.names = "AWS::Glue::Workflow",
		.min = 1,
		.max = 255},
	{0},
};

static const struct field_default trigger_defaults[] = {
	{"Description", "\"\""},
	{"Predicate", "{}"},
	{"WorkflowName", "\"\""},
	{0},
};

static bool is(const char *s, const char *what)
{
	return s && strcmp(s, what) == 0;
}

/* --- documents --- */

static bool can_start(const char *type)
{
	return is(type, "SCHEDULED") || is(type, "CONDITIONAL");
}

static bool active(const char *state)
{
	return is(state, "ACTIVATED") || is(state, "ACTIVATING");
}

static void trigger_to_create(const struct resource *r, struct json *in)
{
	if (can_start(json_get_str(r->props, "Type")) &&
		json_get_truth(r->props, "StartOnCreation", false))
		json_set_bool(in, "StartOnCreation", true);
}

static void trigger_to_update(unused_arg const struct resource *r,
	unused_arg const struct json *live, unused_arg const struct json *diff, struct json *in)
{
	json_remove(in, "Type");
	json_remove(in, "WorkflowName");
}

/* Whether the template says how it is to be left; *on is what it says. */
static bool wants_activation(const struct resource *r, bool *on)
{
	if (!can_start(json_get_str(r->props, "Type")) || !json_get(r->props, "StartOnCreation"))
		return false;
	*on = json_get_truth(r->props, "StartOnCreation", false);
	return true;
}

/*
 * A trigger that somebody (or a run of ours that died) left in the other activation is not as the template has it,
 * whatever its digest says: what we report is no digest of ours, so the engine looks closer and brings it back.
 */
static void trigger_look(
	const struct resource *r, const struct json *definition, struct resource_state *out)
{
	const char *state = json_get_str(definition, "State");
	bool on;
	out->going = is(state, "DELETING");
	if (out->props && can_start(json_get_str(definition, "Type")))
		json_set_bool(out->props, "StartOnCreation", active(state));
	if (out->props && !can_start(json_get_str(definition, "Type")) &&
		json_get(r->props, "StartOnCreation"))
		json_set(out->props, "StartOnCreation",
			json_copy(json_get(r->props, "StartOnCreation")));
	if (wants_activation(r, &on) && on != active(state) && json_get(out->tags, TAG_DIGEST))
		json_set_str(out->tags, TAG_DIGEST, "other activation");
}

/* --- states --- */

/* Waits until the trigger rests; *state is malloc'd, NULL when it is gone. */
static int rest(const struct type_ctx *ctx, const struct resource *r, bool gone, char **state,
	struct err *err)
{
	static const char *const moving[] = {
		"CREATING", "ACTIVATING", "DEACTIVATING", "UPDATING", "DELETING"};
	struct wait w;
	wait_begin(&w, ctx, WAIT_LONG_MS);
	for (;;) {
		struct json *live = NULL;
		bool wait = gone;
		*state = NULL;
		if (json_type_get(ctx, r, &live, err))
			return -1;
		if (!live)
			return 0;
		*state = xstrdup(json_get_str(live, "State"));
		json_free(live);
		for (size_t i = 0; i < ARRAY_SIZE(moving); i++)
			wait = wait || is(*state, moving[i]);
		if (!wait)
			return 0;
		if (wait_pause(&w, err, "trigger '%s' (%s)%s", r->name, *state ? *state : "?",
			    gone ? " to go" : "")) {
			free(*state);
			*state = NULL;
			return -1;
		}
		free(*state);
	}
}

static int trigger_settle(
	const struct type_ctx *ctx, const struct resource *r, bool gone, struct err *err)
{
	char *state = NULL;
	int ret = rest(ctx, r, gone, &state, err);
	free(state);
	return ret;
}

static const char *const trigger_busy[] = {"ConcurrentModificationException", NULL};

static int move(const struct type_ctx *ctx, const struct resource *r, const struct aws_op *op,
	struct err *err)
{
	struct json *in = json_strings("Name", r->name, NULL);
	int ret = call_unless_busy(ctx, op, in, trigger_busy, 120 * 1000, NULL, err);
	json_free(in);
	return ret ? ret : trigger_settle(ctx, r, false, err);
}

/* Brings a resting SCHEDULED or CONDITIONAL trigger to this activation; *was tells what it had. */
static int activate(
	const struct type_ctx *ctx, const struct resource *r, bool on, bool *was, struct err *err)
{
	char *state = NULL;
	int ret = rest(ctx, r, false, &state, err);
	*was = active(state);
	if (!ret && state && on != *was)
		ret = move(ctx, r, on ? &glue_start_trigger : &glue_stop_trigger, err);
	free(state);
	return ret;
}

static int trigger_quiesce(const struct type_ctx *ctx, const struct resource *r,
	unused_arg bool going, struct json **resume, struct err *err)
{
	bool was;
	if (activate(ctx, r, false, &was, err))
		return -1;
	if (was && resume) {
		*resume = json_object();
		json_set_bool(*resume, "active", true);
	}
	return 0;
}

static int trigger_resume(const struct type_ctx *ctx, const struct resource *r,
	const struct json *resume, struct err *err)
{
	bool on = json_get_truth(resume, "active", false), was;
	const char *type = json_get_str(r->props, "Type");
	wants_activation(r, &on);
	if (type && !can_start(type))
		return 0;
	if (!on && !wants_activation(r, &on))
		return 0;
	return activate(ctx, r, on, &was, err);
}

static int trigger_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct resource_state still = *live;
	bool startable = can_start(json_get_str(r->props, "Type")), was = false, on = false;
	int ret = 0;
	/* how it is activated is no part of the definition */
	still.props = json_copy(live->props);
	if (json_get(r->props, "StartOnCreation"))
		json_set(still.props, "StartOnCreation",
			json_copy(json_get(r->props, "StartOnCreation")));
	struct json *diff =
		fields_changes(r->type->schema.fields, r->props, still.props, trigger_defaults);
	const struct json *c;
	bool changed = false;
	json_each(c, diff) changed = changed || strcmp(json_get_str(c, "path"), "Tags") != 0;
	if (startable && changed)
		ret = activate(ctx, r, false, &was, err);
	if (!ret)
		ret = json_type_update(ctx, r, &still, err);
	if (!ret && startable && (wants_activation(r, &on) || was)) {
		on = wants_activation(r, &on) ? on : was;
		ret = activate(ctx, r, on, &was, err);
	}
	json_free(diff);
	json_free(still.props);
	return ret;
}

static char *trigger_serial(const struct resource *r)
{
	const char *workflow = json_get_str(r->props, "WorkflowName");
	if (!workflow)
		workflow = json_get_str(r->record_props, "WorkflowName");
	return workflow ? xasprintf("workflow/%s", workflow) : NULL;
}

static const char *const trigger_record[] = {"WorkflowName", NULL};

const struct json_type glue_trigger = {
	.type =
		{
			.schema =
				{
					.name = "AWS::Glue::Trigger",
					.fields = trigger_fields,
					.name_field = "Name",
					.name_case = NAME_LOWER_DASH,
					.name_max = 255,
					.attributes = no_attributes,
					.name_pattern_hint =
						"1 to 255 characters without control characters",
					.name_ok = glue_name_ok,
					.check = lint_check_trigger,
				},
			.flags = T_WHOLE,
			.record_fields = trigger_record,
			.defaults = trigger_defaults,
			.read = json_type_read,
			.create = json_type_create,
			.update = trigger_update,
			.tag = json_type_tag,
			.destroy = json_type_destroy,
			.settle = trigger_settle,
			.quiesce = trigger_quiesce,
			.resume = trigger_resume,
			.serial = trigger_serial,
		},
	.create = &glue_create_trigger,
	.get = &glue_get_trigger,
	.update = &glue_update_trigger,
	.remove = &glue_delete_trigger,
	.get_out = "Trigger",
	.update_in = "TriggerUpdate",
	.create_name = "Name",
	.get_name = "Name",
	.update_name = "Name",
	.remove_name = "Name",
	.arn = "arn:{partition}:glue:{region}:{account}:trigger/{name}",
	.tagging = &glue_tagging,
	.flags = JSON_UPDATE_WHOLE,
	.busy = trigger_busy,
	.to_create = trigger_to_create,
	.to_update = trigger_to_update,
	.look = trigger_look,
};
