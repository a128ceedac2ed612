/*
 * AWS::StepFunctions::StateMachine. The definition comes as an object, as text, or as an object of S3's; a local file
 * in the last one's place is uploaded by package/. All three have ${Name} filled in from DefinitionSubstitutions
 * before Step Functions sees them, and what is live is compared with the result.
 */
#include "stepfunctions.h"

#include "arena.h"
#include "calls.h"
#include "client.h"
#include "ops.h"
#include "s3.h"
#include "strbuf.h"
#include "yaml_value.h"

#define DEFINITION_MAX_BYTES (1024 * 1024)

const struct field states_encryption_fields[] = {
	{.name = "KmsDataKeyReusePeriodSeconds",
		.wire = "kmsDataKeyReusePeriodSeconds",
		.kind = FIELD_INTEGER,
		.min = 60,
		.max = 900},
	{.name = "KmsKeyId",
		.wire = "kmsKeyId",
		.kind = FIELD_STRING,
		.flags = F_NAME_OR_ARN,
		.min = 1,
		.max = 2048},
	{.name = "Type",
		.wire = "type",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.values = (const char *const[]){"AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY", NULL}},
	{0},
};
static const struct field group_fields[] = {
	{.name = "LogGroupArn", .wire = "logGroupArn", .kind = FIELD_STRING, .min = 1, .max = 256},
	{0},
};
static const struct field destination_fields[] = {
	{.name = "CloudWatchLogsLogGroup",
		.wire = "cloudWatchLogsLogGroup",
		.kind = FIELD_OBJECT,
		.fields = group_fields},
	{0},
};
static const struct field logging_fields[] = {
	{.name = "Destinations",
		.wire = "destinations",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.fields = destination_fields},
	{.name = "IncludeExecutionData", .wire = "includeExecutionData", .kind = FIELD_BOOL},
	{.name = "Level",
		.wire = "level",
		.kind = FIELD_STRING,
		.values = (const char *const[]){"ALL", "ERROR", "FATAL", "OFF", NULL}},
	{0},
};
static const struct field tracing_fields[] = {
	{.name = "Enabled", .wire = "enabled", .kind = FIELD_BOOL},
	{0},
};
static const struct field location_fields[] = {
	{.name = "Bucket", .kind = FIELD_STRING, .flags = F_REQUIRED, .names = "AWS::S3::Bucket"},
	{.name = "Key", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{.name = "Version", .kind = FIELD_STRING},
	{0},
};
static const struct field machine_fields[] = {
	{.name = "Definition", .kind = FIELD_JSON, .flags = F_LOCAL},
	{.name = "DefinitionS3Location",
		.kind = FIELD_OBJECT,
		.flags = F_LOCAL | F_WRITE_ONLY | F_FILE,
		.fields = location_fields},
	{.name = "DefinitionString",
		.kind = FIELD_STRING,
		.flags = F_LOCAL,
		.min = 1,
		.max = DEFINITION_MAX_BYTES},
	{.name = "DefinitionSubstitutions", .kind = FIELD_MAP, .flags = F_LOCAL | F_WRITE_ONLY},
	{.name = "EncryptionConfiguration",
		.wire = "encryptionConfiguration",
		.kind = FIELD_OBJECT,
		.fields = states_encryption_fields},
	{.name = "LoggingConfiguration",
		.wire = "loggingConfiguration",
		.kind = FIELD_OBJECT,
		.fields = logging_fields},
	{.name = "RoleArn",
		.wire = "roleArn",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.names = "AWS::IAM::Role",
		.min = 1,
		.max = 256},
	{.name = "StateMachineName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_LOCAL,
		.min = 1,
		.max = 80},
	{.name = "StateMachineType",
		.wire = "type",
		.kind = FIELD_STRING,
		.flags = F_REPLACES,
		.values = (const char *const[]){"EXPRESS", "STANDARD", NULL}},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{.name = "TracingConfiguration",
		.wire = "tracingConfiguration",
		.kind = FIELD_OBJECT,
		.fields = tracing_fields},
	{0},
};

/* The type is not among them: it cannot be put back, and a machine without one is STANDARD, so that is another machine. */
static const struct field_default machine_defaults[] = {
	{"EncryptionConfiguration", "{\"Type\":\"AWS_OWNED_KEY\"}"},
	{"LoggingConfiguration", "{\"Level\":\"OFF\",\"IncludeExecutionData\":false}"},
	{"StateMachineType", "\"STANDARD\""},
	{"TracingConfiguration", "{\"Enabled\":false}"},
	{0},
};

#define MACHINE_ARN "arn:{partition}:states:{region}:{account}:stateMachine:{name}"
static const struct attribute machine_attributes[] = {
	{.name = "Arn", .format = MACHINE_ARN},
	{.name = "Name", .format = "{name}"},
	{.name = "StateMachineRevisionId"},
	{0},
};

bool states_name_ok(const char *name)
{
	size_t len = strlen(name);
	if (!len || len > 80 || strpbrk(name, " \t<>{}[]?*\"#%\\^|~`$&,;:/"))
		return false;
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

/* --- checks --- */

static const char *const sources[] = {"Definition", "DefinitionString", "DefinitionS3Location"};

static void check_logging(
	const struct json *logging, const struct lint_place *place, struct err_list *errors)
{
	const struct json *list = json_get(logging, "Destinations"), *d;
	const char *level = known_str(logging, "Level");
	size_t i = 0;
	if (level && strcmp(level, "OFF") != 0 && is_missing(logging, "Destinations"))
		lint_error(place, errors, "LoggingConfiguration",
			"a Level other than OFF needs a log group in Destinations");
	if (json_is(list, JSON_ARRAY) && json_len(list) > 1)
		lint_error(place, errors, "LoggingConfiguration.Destinations",
			"Step Functions takes one destination at most");
	json_each(d, list)
	{
		const char *arn = known_str(d, "CloudWatchLogsLogGroup.LogGroupArn");
		if (arn && !ends_with(arn, ":*")) {
			char *path = xasprintf("LoggingConfiguration.Destinations.%zu."
					       "CloudWatchLogsLogGroup.LogGroupArn",
				i);
			lint_error(place, errors, path,
				"the ARN of a log group must end in ':*' here: '%s:*'", arn);
			free(path);
		}
		i++;
	}
}

static void machine_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const char *key_type = known_str(props, "EncryptionConfiguration.Type");
	size_t given = 0;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		given += is_given(props, sources[i]);
	if (given != 1)
		lint_error(place, errors, given > 1 ? sources[1] : NULL,
			"exactly one of Definition, DefinitionString and DefinitionS3Location must "
			"be "
			"given");
	if (json_is(json_get(props, "Definition"), JSON_STRING))
		lint_error(place, errors, "Definition",
			"Definition is a mapping; a text goes into DefinitionString");
	if (key_type && strcmp(key_type, "CUSTOMER_MANAGED_KMS_KEY") == 0 &&
		is_missing(json_get(props, "EncryptionConfiguration"), "KmsKeyId"))
		lint_error(place, errors, "EncryptionConfiguration",
			"CUSTOMER_MANAGED_KMS_KEY needs KmsKeyId");
	if (json_is(json_get(props, "LoggingConfiguration"), JSON_OBJECT))
		check_logging(json_get(props, "LoggingConfiguration"), place, errors);
}

/* --- the definition --- */

/* Fills ${Name} in, as CloudFormation does: what has no substitution stays. */
static void substitute(const char *text, const struct json *with, struct strbuf *out)
{
	while (*text) {
		const char *open = strstr(text, "${"), *close = open ? strchr(open, '}') : NULL;
		char *name;
		const char *value;
		if (!close)
			break;
		name = xstrndup(open + 2, (size_t)(close - open - 2));
		value = json_scalar_text(json_get(with, name));
		free(name);
		strbuf_add(out, text, (size_t)(open - text));
		if (value)
			strbuf_addstr(out, value);
		else
			strbuf_add(out, open, 2);
		text = value ? close + 1 : open + 2;
	}
	strbuf_addstr(out, text);
}

/* In the strings of a value, in place; names of members too. */
static struct json *substituted(const struct json *v, const struct json *with)
{
	struct strbuf text = STRBUF_INIT;
	struct json *out = NULL;
	const struct json *e;
	if (json_str(v)) {
		substitute(json_str(v), with, &text);
		out = json_string_n(text.buf, text.len);
	} else if (json_is(v, JSON_ARRAY)) {
		out = json_array();
		json_each(e, v) json_push(out, substituted(e, with));
	} else if (json_is(v, JSON_OBJECT)) {
		out = json_object();
		json_each(e, v)
		{
			strbuf_clear(&text);
			substitute(json_name(e), with, &text);
			json_set(out, text.buf, substituted(e, with));
		}
	} else {
		out = json_copy(v);
	}
	strbuf_release(&text);
	return out;
}

/* What the properties alone say; NULL where it lies in S3, or is no JSON. The caller's. */
static struct json *definition_in(const struct json *props)
{
	const struct json *with = json_get(props, "DefinitionSubstitutions"),
			  *object = json_get(props, "Definition");
	const char *text = json_get_str(props, "DefinitionString");
	struct strbuf filled = STRBUF_INIT;
	struct err ignored = ERR_INIT;
	struct json *out = NULL;
	if (object)
		return substituted(object, with);
	if (!text)
		return NULL;
	substitute(text, with, &filled);
	out = json_parse(filled.buf, filled.len, &ignored);
	err_release(&ignored);
	strbuf_release(&filled);
	return out;
}

/* The object that DefinitionS3Location names, YAML as JSON. */
static int fetch_text(const struct type_ctx *ctx, const struct json *location, struct strbuf *text,
	struct err *err)
{
	const char *bucket = json_get_str(location, "Bucket"), *key = json_get_str(location, "Key");
	struct strbuf body = STRBUF_INIT;
	struct json *value;
	int ret = -1;
	if (json_get(location, "Version"))
		ret = s3_get_object_version(ctx->aws, bucket, key,
			json_get_str(location, "Version"), DEFINITION_MAX_BYTES, &body, err);
	else
		ret = s3_get_object(
			ctx->aws, bucket, key, NULL, DEFINITION_MAX_BYTES, &body, NULL, err);
	if (!ret && !(ends_with(key, ".yaml") || ends_with(key, ".yml"))) {
		strbuf_swap(text, &body);
	} else if (!ret) {
		value = yaml_value(key, body.buf, body.len, err);
		ret = value ? 0 : -1;
		json_print(value, text);
		json_free(value);
	}
	if (ret)
		err_wrap(err, "definition s3://%s/%s", bucket, key);
	strbuf_release(&body);
	return ret;
}

/* The text that Step Functions gets. */
static int definition_text(
	const struct type_ctx *ctx, const struct resource *r, struct strbuf *text, struct err *err)
{
	const struct json *with = json_get(r->props, "DefinitionSubstitutions"),
			  *object = json_get(r->props, "Definition");
	struct strbuf raw = STRBUF_INIT;
	int ret = 0;
	if (object) {
		struct json *filled = substituted(object, with);
		json_print(filled, text);
		json_free(filled);
		return 0;
	}
	if (json_get_str(r->props, "DefinitionString"))
		strbuf_addstr(&raw, json_get_str(r->props, "DefinitionString"));
	else
		ret = fetch_text(ctx, json_get(r->props, "DefinitionS3Location"), &raw, err);
	if (!ret)
		substitute(raw.buf, with, text);
	strbuf_release(&raw);
	return ret;
}

static int machine_fill(
	const struct type_ctx *ctx, const struct resource *r, struct json *in, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret = definition_text(ctx, r, &text, err);
	if (!ret)
		json_set(in, "definition", json_string_n(text.buf, text.len));
	strbuf_release(&text);
	return ret;
}

/* --- read --- */

static void machine_look(
	const struct resource *r, const struct json *definition, struct resource_state *out)
{
	const char *status = json_get_str(definition, "status"),
		   *revision = json_get_str(definition, "revisionId"),
		   *text = json_get_str(definition, "definition");
	struct err ignored = ERR_INIT;
	out->going = status && strcmp(status, "DELETING") == 0;
	/* the first one has no number of its own */
	out->attrs = json_strings("StateMachineRevisionId", revision ? revision : "INITIAL", NULL);
	if (!out->props || !text)
		return;
	struct json *live = json_parse(text, strlen(text), &ignored);
	struct json *wanted = definition_in(r->props);
	bool equal = live && wanted && json_equal(live, wanted);
	if (json_get(r->props, "DefinitionString"))
		json_set_str(out->props, "DefinitionString",
			equal ? json_get_str(r->props, "DefinitionString") : text);
	else if (json_get(r->props, "Definition"))
		json_set(out->props, "Definition",
			equal  ? json_copy(json_get(r->props, "Definition"))
			: live ? json_copy(live)
			       : json_string(text));
	/* for the update: what an object of S3's is compared with */
	else
		json_set_str(out->props, LIVE_DEFINITION, text);
	err_release(&ignored);
	json_free(live);
	json_free(wanted);
}

/* --- update --- */

/* What is not in the template any more goes back to what it is by itself; the type is no part of updates. */
static void machine_to_update(const struct resource *r, const struct json *live,
	unused_arg const struct json *diff, struct json *in)
{
	const char *key_type = json_str(json_path(live, "EncryptionConfiguration.Type"));
	struct json *off;
	json_remove(in, "type");
	if (!json_get(r->props, "LoggingConfiguration")) {
		off = json_strings("level", "OFF", NULL);
		json_set_bool(off, "includeExecutionData", false);
		json_set(in, "loggingConfiguration", off);
	}
	if (!json_get(r->props, "TracingConfiguration")) {
		off = json_object();
		json_set_bool(off, "enabled", false);
		json_set(in, "tracingConfiguration", off);
	}
	if (!json_get(r->props, "EncryptionConfiguration") && key_type &&
		strcmp(key_type, "AWS_OWNED_KEY") != 0)
		json_set(
			in, "encryptionConfiguration", json_strings("type", "AWS_OWNED_KEY", NULL));
}

/* The definition alone, where only its object in S3 has changed; new runs take it, those under way go on as they are. */
static int update_from_s3(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	const char *is = json_get_str(live->props, LIVE_DEFINITION);
	char *arn = schema_format(
		MACHINE_ARN, ctx->partition, ctx->region, ctx->account, r->name, r->props);
	struct json *in = json_strings("stateMachineArn", arn, NULL);
	int ret = machine_fill(ctx, r, in, err);
	const char *wanted = json_get_str(in, "definition");
	if (!ret && (!is || strcmp(is, wanted) != 0))
		ret = call_with_role(ctx, &states_update_state_machine, in,
			json_get_str(r->props, "RoleArn"), STATES_SERVICE, NULL, err);
	json_free(in);
	free(arn);
	return ret;
}

static int machine_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *diff = fields_changes(machine_fields, r->props, live->props, machine_defaults);
	const struct json *c;
	bool other = false;
	json_each(c, diff) other = other || strcmp(json_get_str(c, "path"), "Tags") != 0;
	json_free(diff);
	if (!other && json_get(r->props, "DefinitionS3Location") &&
		update_from_s3(ctx, r, live, err))
		return -1;
	return json_type_update(ctx, r, live, err);
}

/* --- runs --- */

static int list_running(const struct type_ctx *ctx, const struct resource *r, const char *arn,
	struct json **runs, struct err *err)
{
	static const char *const express[] = {"StateMachineTypeNotSupported", NULL};
	struct json *in = json_strings("stateMachineArn", arn, "statusFilter", "RUNNING", NULL);
	struct err why = ERR_INIT;
	int ret = list_if_there(ctx, &states_list_executions, in, runs, &why);
	/* an EXPRESS machine has no list of its runs, which end within five minutes */
	if (ret && err_is_any(&why, express)) {
		*runs = json_array();
		ret = 0;
	}
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	(void)r;
	return ret;
}

static int stop_runs(const struct type_ctx *ctx, const struct json *runs, struct err *err)
{
	const struct json *run;
	json_each(run, runs)
	{
		struct json *in = json_strings("executionArn", json_get_str(run, "executionArn"),
			"error", "Glueproj.Stopped", "cause", "the state machine is being removed",
			NULL);
		int ret = call_if_there(ctx, &states_stop_execution, in, NULL, err);
		json_free(in);
		if (ret)
			return -1;
	}
	return 0;
}

/* An update lets the runs go on with what they began with; before the machine goes they are stopped. */
static int machine_quiesce(const struct type_ctx *ctx, const struct resource *r, bool going,
	unused_arg struct json **resume, struct err *err)
{
	struct wait w;
	char *arn;
	int ret = 0;
	if (!going)
		return 0;
	arn = schema_format(
		MACHINE_ARN, ctx->partition, ctx->region, ctx->account, r->name, r->props);
	wait_begin(&w, ctx, WAIT_LONG_MS);
	for (;;) {
		struct json *runs = NULL;
		ret = list_running(ctx, r, arn, &runs, err);
		size_t nr = json_len(runs);
		if (!ret && nr)
			ret = stop_runs(ctx, runs, err);
		json_free(runs);
		if (ret || !nr)
			break;
		ret = wait_pause(&w, err, "%zu execution%s of state machine '%s' to stop", nr,
			nr == 1 ? "" : "s", r->name);
		if (ret)
			break;
	}
	free(arn);
	return ret;
}

static int machine_settle(
	const struct type_ctx *ctx, const struct resource *r, bool gone, struct err *err)
{
	struct wait w;
	if (!gone)
		return 0;
	wait_begin(&w, ctx, WAIT_LONG_MS);
	for (;;) {
		struct json *live = NULL;
		if (json_type_get(ctx, r, &live, err))
			return -1;
		bool there = live != NULL;
		json_free(live);
		if (!there)
			return 0;
		if (wait_pause(&w, err, "state machine '%s' to be gone", r->name))
			return -1;
	}
}

/* --- what the tasks name --- */

struct edges_to {
	void (*add)(void *payload, const char *type, const char *name);
	void *payload;
};

static const struct named {
	const char *member, *type;
} named[] = {
	{"CrawlerName", "AWS::Glue::Crawler"},
	{"JobName", "AWS::Glue::Job"},
	{"QueueUrl", "AWS::SQS::Queue"},
	{"StateMachineArn", "AWS::StepFunctions::StateMachine"},
	{"TopicArn", "AWS::SNS::Topic"},
	{"WorkGroup", "AWS::Athena::WorkGroup"},
	{"WorkgroupName", "AWS::RedshiftServerless::Workgroup"},
};
/* Operations that go by a bare Name. */
static const struct named by_name[] = {
	{":glue:startCrawler", "AWS::Glue::Crawler"},
	{":glue:getCrawler", "AWS::Glue::Crawler"},
	{":glue:startWorkflowRun", "AWS::Glue::Workflow"},
	{":glue:getWorkflowRun", "AWS::Glue::Workflow"},
	{":glue:startTrigger", "AWS::Glue::Trigger"},
};

/* A URL's and an ARN's last part is the name. */
static const char *last_part(const char *text)
{
	const char *slash = strrchr(text, '/'), *colon = strrchr(text, ':');
	if (starts_with(text, "http"))
		return slash ? slash + 1 : text;
	return colon ? colon + 1 : text;
}

static void edges_of_arguments(
	const struct json *arguments, const char *resource, const struct edges_to *to)
{
	const struct json *v;
	json_each(v, arguments)
	{
		const char *text = json_str(v), *member = json_name(v);
		for (size_t i = 0; text && member && i < ARRAY_SIZE(named); i++)
			if (strcmp(named[i].member, member) == 0)
				to->add(to->payload, named[i].type, last_part(text));
		for (size_t i = 0; text && member && i < ARRAY_SIZE(by_name); i++)
			if (strcmp(member, "Name") == 0 && strstr(resource, by_name[i].member))
				to->add(to->payload, by_name[i].type, text);
		if (json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY))
			edges_of_arguments(v, resource, to);
	}
}

static void edges_of_states(const struct json *v, const struct edges_to *to)
{
	const char *type = json_get_str(v, "Type"), *resource = json_get_str(v, "Resource");
	const struct json *e;
	if (json_is_unknown(v))
		return;
	if (type && resource && strcmp(type, "Task") == 0) {
		if (strstr(resource, ":activity:"))
			to->add(to->payload, "AWS::StepFunctions::Activity", last_part(resource));
		edges_of_arguments(json_get(v, "Parameters"), resource, to);
		edges_of_arguments(json_get(v, "Arguments"), resource, to);
		return;
	}
	if (json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY))
		json_each(e, v) edges_of_states(e, to);
}

static void machine_edges(const struct json *props,
	void (*add)(void *payload, const char *type, const char *name), void *payload)
{
	struct edges_to to = {add, payload};
	struct json *definition = definition_in(props);
	const struct json *d;
	edges_of_states(definition, &to);
	json_each(d, json_path(props, "LoggingConfiguration.Destinations"))
	{
		const char *arn = known_str(d, "CloudWatchLogsLogGroup.LogGroupArn"),
			   *group = arn ? strstr(arn, ":log-group:") : NULL;
		if (group) {
			char *name = xstrdup(group + strlen(":log-group:"));
			if (ends_with(name, ":*"))
				name[strlen(name) - 2] = '\0';
			add(payload, "AWS::Logs::LogGroup", name);
			free(name);
		}
	}
	json_free(definition);
}

const struct json_tagging states_tagging = {
	.tag = &states_tag_resource,
	.untag = &states_untag_resource,
	.list = &states_list_tags_for_resource,
	.arn = "resourceArn",
	.set = "tags",
	.unset = "tagKeys",
	.as_list = true,
	.lower = true,
	.create = "tags",
};

static const char *const machine_busy[] = {"StateMachineDeleting", "ConflictException", NULL};

const struct json_type stepfunctions_state_machine = {
	.type =
		{
			.schema =
				{
					.name = "AWS::StepFunctions::StateMachine",
					.fields = machine_fields,
					.name_field = "StateMachineName",
					.name_case = NAME_LOWER_DASH,
					.name_max = 80,
					.attributes = machine_attributes,
					.ref_format = MACHINE_ARN,
					.name_pattern_hint =
						"1 to 80 characters without blanks, brackets and "
						"any of ? * \" # % \\ ^ | ~ ` $ & , ; : /",
					.name_ok = states_name_ok,
					.check = machine_check,
					.edges = machine_edges,
				},
			.flags = T_WHOLE,
			.defaults = machine_defaults,
			.read = json_type_read,
			.create = json_type_create,
			.update = machine_update,
			.tag = json_type_tag,
			.destroy = json_type_destroy,
			.settle = machine_settle,
			.quiesce = machine_quiesce,
		},
	.create = &states_create_state_machine,
	.get = &states_describe_state_machine,
	.update = &states_update_state_machine,
	.remove = &states_delete_state_machine,
	.create_name = "name",
	.get_name = "stateMachineArn",
	.update_name = "stateMachineArn",
	.remove_name = "stateMachineArn",
	.arn = MACHINE_ARN,
	.tagging = &states_tagging,
	.flags = JSON_UPDATE_WHOLE | JSON_BY_ARN,
	.role = "RoleArn",
	.role_service = STATES_SERVICE,
	.busy = machine_busy,
	.to_update = machine_to_update,
	.fill = machine_fill,
	.look = machine_look,
};
