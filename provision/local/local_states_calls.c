/*
 * Tasks that call an operation and go on with its reply, or wait for a token that the call hands over: the integrations that
 * Step Functions has shaped by hand, and all others by the names of AWS's SDK.
 */
#include "local_states_calls.h"

#include <ctype.h>
#include "local_iam.h"
#include "xalloc.h"

#define WAIT_TOKEN ".waitForTaskToken"
#define AWS_SDK "aws-sdk:"

/* --- operations as the machine's role --- */

int states_invoke(const struct states_task *t, const char *service, const char *operation,
	const struct json *in, struct json **out, struct err *err)
{
	struct local_principal who;
	struct err why = ERR_INIT;
	int ret;

	*out = NULL;
	if (states_principal(t, &who, &why)) {
		local_fault(err, 400, "AccessDeniedException",
			"The role %s cannot be assumed by Step Functions: %s", t->role_arn,
			why.text);
		err_release(&why);
		return -1;
	}
	ret = local_invoke(t->cloud, &who, service, operation, in, out, err);
	if (!ret && !*out)
		*out = json_object();
	local_principal_release(&who);
	return ret;
}

/* --- faults --- */

/* The first SDK's names. */
static const struct shaped {
	const char *service; /* in Resource, and wire_service's where it is the same */
	const char *error, *client, *unknown;
} shaped_services[] = {
	{"athena", "Athena", "AmazonAthena", "AmazonAthenaException"},
	{"events", "EventBridge", "AmazonCloudWatchEvents", "AmazonCloudWatchEventsException"},
	{"glue", "Glue", "AWSGlue", "AWSGlueException"},
	{"lambda", "Lambda", "AWSLambda", "AWSLambdaException"},
	{"sns", "SNS", "AmazonSNS", "AmazonSNSException"},
	{"sqs", "SQS", "AmazonSQS", "AmazonSQSException"},
	{"states", "StepFunctions", "AWSStepFunctions", "AWSStepFunctionsException"},
};

static const struct shaped *shaped_find(const char *resource)
{
	size_t len = strcspn(resource, ":");

	for (size_t i = 0; i < ARRAY_SIZE(shaped_services); i++)
		if (strlen(shaped_services[i].service) == len &&
			!strncmp(shaped_services[i].service, resource, len))
			return &shaped_services[i];
	return NULL;
}

/* Codes that the models do not know come as the service's own exception. */
static bool in_model(const char *service, const char *code)
{
	static const char *const denied_in_model[] = {
		"Glue", "CloudWatchLogs", "RedshiftServerless"};

	if (!strcmp(code, "AccessDenied") || !strcmp(code, "AccessDeniedException")) {
		for (size_t i = 0; i < ARRAY_SIZE(denied_in_model); i++)
			if (!strcmp(service, denied_in_model[i]))
				return true;
		return false;
	}
	if (!strcmp(service, "S3"))
		return starts_with(code, "NoSuch") || starts_with(code, "BucketAlready") ||
		       !strcmp(code, "InvalidObjectState");
	return strcmp(code, "ValidationException") != 0 && strcmp(code, "InternalFailure") != 0 &&
	       strcmp(code, "SerializationException") != 0;
}

static void fail_sdk(const struct states_task *t, const struct err *err, const char *code)
{
	const char *name = t->resource + strlen(AWS_SDK), *end = strchr(name, ':');
	const struct states_sdk *sdk = states_sdk_find(name, end ? (size_t)(end - name) : 0);
	const char *prefix = sdk ? sdk->error : "Sdk";
	char *id = local_uuid(), *unknown = xasprintf("%s.%sException", prefix, prefix),
	     *known = states_sdk_error(prefix, code),
	     *cause = xasprintf("%s (Service: %s, Status Code: %d, Request ID: %s)",
		     err->text ? err->text : "", prefix,
		     err->http_status == 403 && strcmp(prefix, "S3") ? 400 : err->http_status, id);

	states_task_failed(
		t->cloud, t->execution, t->id, in_model(prefix, code) ? known : unknown, cause);
	free(id);
	free(unknown);
	free(known);
	free(cause);
}

void states_fail_call(const struct states_task *t, const struct err *err)
{
	const struct shaped *s = t->resource ? shaped_find(t->resource) : NULL;
	const char *code = err->aws_code ? err->aws_code : "InternalFailure";
	char *id, *error, *full, *cause;

	if (t->resource && starts_with(t->resource, AWS_SDK)) {
		fail_sdk(t, err, code);
		return;
	}
	/* whoever looks on behalf of a task that is followed has only its kind */
	if (!s && t->kind)
		s = shaped_find(!strncmp(t->kind, "execution", 9) ? "states" : t->kind);
	if (!strcmp(code, "AccessDenied"))
		code = "AccessDeniedException";
	id = local_uuid();
	full = states_sdk_error(s ? s->error : "States", code);
	error = s && !in_model(s->error, code) ? xasprintf("%s.%s", s->error, s->unknown)
					       : xstrdup(full);
	cause = xasprintf(
		"%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: "
		"null)",
		err->text ? err->text : "", s ? s->client : "States",
		err->http_status == 403 ? 400 : err->http_status, code, id);
	states_task_failed(t->cloud, t->execution, t->id, error, cause);
	free(id);
	free(error);
	free(full);
	free(cause);
}

/* --- requests and replies --- */

/* A member that may be given as JSON and goes out as text. */
static void as_text(struct json *in, const char *name)
{
	const struct json *v = json_get(in, name);
	char *text;

	if (!v || json_is(v, JSON_STRING) || json_is(v, JSON_NULL))
		return;
	text = states_print(v);
	json_set_str(in, name, text);
	free(text);
}

static struct json *parameters_of(const struct states_task *t)
{
	return json_is(t->parameters, JSON_OBJECT) ? json_copy(t->parameters) : json_object();
}

struct json *states_query_request(const struct states_task *t)
{
	struct json *in = parameters_of(t);
	char *idea = states_task_idea(t);

	if (!json_get(in, "ClientRequestToken"))
		json_set_str(in, "ClientRequestToken", idea);
	free(idea);
	return in;
}

struct json *states_execution_request(const struct states_task *t)
{
	struct json *in = json_object();
	char *idea = states_task_idea(t);
	const struct json *p = t->parameters, *input = json_get(p, "Input");

	json_set_str(in, "stateMachineArn", json_get_str(p, "StateMachineArn"));
	json_set_str(in, "name", json_get_str(p, "Name") ? json_get_str(p, "Name") : idea);
	json_set_str(in, "traceHeader", json_get_str(p, "TraceHeader"));
	if (input)
		json_set(in, "input", json_copy(input));
	as_text(in, "input");
	free(idea);
	return in;
}

int states_start_child(
	const struct states_task *t, const struct json *in, struct json **out, struct err *err)
{
	const char *machine = json_get_str(in, "stateMachineArn"), *name = json_get_str(in, "name");
	struct states_arn a;
	struct json *there = NULL;
	char *arn;

	if (!states_invoke(t, "states", "StartExecution", in, out, err))
		return 0;
	if (!t->again || !err->aws_code || strcmp(err->aws_code, "ExecutionAlreadyExists") ||
		states_arn_parse(machine, "stateMachine", &a, NULL))
		return -1;
	/* the task's own, from before the local cloud was ended */
	arn = local_arn(t->cloud, "states", a.region, "execution:%s:%s", a.machine, name);
	there = states_describe(t->cloud, arn, NULL);
	if (there) {
		err_release(err);
		*out = json_object();
		json_set_str(*out, "executionArn", arn);
		json_set(*out, "startDate", json_copy(json_get(there, "startDate")));
	}
	states_arn_release(&a);
	free(arn);
	json_free(there);
	return *out ? 0 : -1;
}

struct json *states_with_metadata(const struct json *out)
{
	struct json *shown = states_sdk_document(out), *http = json_object(),
		    *response = json_object();
	char *id = local_uuid();

	json_set_i64(http, "HttpStatusCode", 200);
	json_set(shown, "SdkHttpMetadata", http);
	json_set_str(response, "RequestId", id);
	json_set(shown, "SdkResponseMetadata", response);
	free(id);
	return shown;
}

/* --- calls that are not to be made twice --- */

/* Was the call under way when the local cloud was ended? Then nobody knows what came of it. Else it is recorded now. */
static int call_once(const struct states_task *t, struct err *err)
{
	if (t->again && t->kind && !strcmp(t->kind, "calling"))
		return local_fault(err, 500, "SdkClientException",
			"Unable to execute HTTP request: the local cloud was ended while the call "
			"was "
			"under way, so it is not known whether it was carried out");
	return states_task_follow(t, "calling", t->id, err);
}

static bool waits_for_token(const struct states_task *t)
{
	return ends_with(t->resource, WAIT_TOKEN);
}

/* The call is made; `shown` (taken) is its reply. */
static void called(const struct states_task *t, struct json *shown)
{
	struct err ignored = ERR_INIT;

	if (waits_for_token(t)) {
		/* first recorded: after a restart the token is waited for, and nobody is called again */
		(void)!states_task_follow(t, "token", t->id, &ignored);
		states_task_submitted(t, shown);
		json_free(shown);
		err_release(&ignored);
		return;
	}
	states_task_succeeded(t->cloud, t->execution, t->id, shown);
}

static void call_shaped(const struct states_task *t, const char *service, const char *operation,
	struct json *in, bool again_is_fine)
{
	struct json *out = NULL;
	struct err err = ERR_INIT;
	int ret = again_is_fine ? 0 : call_once(t, &err);

	if (ret && err.code == ERR_NOT_FOUND)
		goto out; /* nobody waits any more */
	states_task_started(t);
	if (!ret)
		ret = states_invoke(t, service, operation, in, &out, &err);
	if (ret)
		states_fail_call(t, &err);
	else
		called(t, states_with_metadata(out));
out:
	err_release(&err);
	json_free(in);
	json_free(out);
}

/* --- the integrations by hand --- */

static void start_job(const struct states_task *t)
{
	struct json *out;
	char *id = t->again ? states_find_job_run(t) : NULL;

	if (!id) {
		call_shaped(t, "glue", "StartJobRun", parameters_of(t), true);
		return;
	}
	out = json_object();
	json_set_str(out, "JobRunId", id);
	states_task_started(t);
	called(t, states_with_metadata(out));
	json_free(out);
	free(id);
}

static void start_query(const struct states_task *t)
{
	call_shaped(t, "athena", "StartQueryExecution", states_query_request(t), true);
}

static void get_query(const struct states_task *t)
{
	call_shaped(t, "athena", "GetQueryExecution", parameters_of(t), true);
}

static void get_results(const struct states_task *t)
{
	call_shaped(t, "athena", "GetQueryResults", parameters_of(t), true);
}

static void stop_query(const struct states_task *t)
{
	call_shaped(t, "athena", "StopQueryExecution", parameters_of(t), true);
}

static void start_execution(const struct states_task *t)
{
	struct json *in = states_execution_request(t), *out = NULL;
	struct err err = ERR_INIT;

	states_task_started(t);
	if (states_start_child(t, in, &out, &err))
		states_fail_call(t, &err);
	else
		called(t, states_with_metadata(out));
	err_release(&err);
	json_free(in);
	json_free(out);
}

static void publish(const struct states_task *t)
{
	struct json *in = parameters_of(t);

	as_text(in, "Message");
	call_shaped(t, "sns", "Publish", in, false);
}

static void send_message(const struct states_task *t)
{
	struct json *in = parameters_of(t);

	as_text(in, "MessageBody");
	call_shaped(t, "sqs", "SendMessage", in, false);
}

/* Details as text; who sends is named in the resources. */
static struct json *events_request(const struct states_task *t)
{
	struct json *in = parameters_of(t), *e;

	json_each(e, json_get(in, "Entries"))
	{
		struct json *resources = json_get(e, "Resources");

		if (!json_is(e, JSON_OBJECT))
			continue;
		as_text(e, "Detail");
		if (!json_is(resources, JSON_ARRAY)) {
			resources = json_array();
			json_set(e, "Resources", resources);
		}
		json_push_str(resources, t->execution_arn);
		json_push_str(resources, t->machine_arn);
	}
	return in;
}

static void put_events(const struct states_task *t)
{
	struct json *in = events_request(t), *out = NULL, *shown;
	struct err err = ERR_INIT;
	char *cause;
	int ret = call_once(t, &err);

	if (ret && err.code == ERR_NOT_FOUND)
		goto out;
	states_task_started(t);
	if (!ret)
		ret = states_invoke(t, "events", "PutEvents", in, &out, &err);
	if (ret) {
		states_fail_call(t, &err);
		goto out;
	}
	shown = states_with_metadata(out);
	if (json_get_i64(out, "FailedEntryCount", 0) > 0) {
		cause = states_print(shown);
		states_task_failed(t->cloud, t->execution, t->id, "EventBridge.FailedEntry", cause);
		json_free(shown);
		free(cause);
	} else {
		called(t, shown);
	}
out:
	err_release(&err);
	json_free(in);
	json_free(out);
}

static void invoke_function(const struct states_task *t)
{
	struct err err = ERR_INIT;

	states_task_started(t);
	local_fault(&err, 400, "ResourceNotFoundException",
		"Lambda is not served by the local cloud: there is no function '%s'",
		json_get_str(t->parameters, "FunctionName")
			? json_get_str(t->parameters, "FunctionName")
			: "");
	states_fail_call(t, &err);
	err_release(&err);
}

/* --- any operation, by the SDK's names --- */

/* "aws-sdk:glue:startCrawler[.waitForTaskToken]": the SDK, and StartCrawler, malloc'd. NULL: no such service. */
static const struct states_sdk *sdk_of(const struct states_task *t, char **operation)
{
	const char *name = t->resource + strlen(AWS_SDK), *colon = strchr(name, ':');
	const struct states_sdk *sdk = colon ? states_sdk_find(name, (size_t)(colon - name)) : NULL;
	size_t len = colon ? strlen(colon + 1) : 0;

	*operation = NULL;
	if (!sdk || !len)
		return NULL;
	if (waits_for_token(t))
		len -= strlen(WAIT_TOKEN);
	*operation = xstrndup(colon + 1, len);
	**operation = (char)toupper((unsigned char)**operation);
	return sdk;
}

static int invoke_sdk(const struct states_task *t, const struct states_sdk *sdk,
	const char *operation, struct json **shown, struct err *err)
{
	struct json *in, *out = NULL;
	int ret;

	if (!strcmp(sdk->service, "s3"))
		return states_s3_call(t, operation, t->parameters, shown, err);
	in = states_sdk_request(sdk, t->parameters);
	ret = states_invoke(t, sdk->service, operation, in, &out, err);
	if (!ret)
		*shown = states_sdk_reply(sdk, out);
	json_free(in);
	json_free(out);
	return ret;
}

static bool is_idempotent(const struct states_sdk *sdk, const char *operation)
{
	return states_sdk_reads(operation) || !strcmp(sdk->service, "s3");
}

static void call_sdk(const struct states_task *t)
{
	struct json *shown = NULL;
	struct err err = ERR_INIT;
	char *operation;
	const struct states_sdk *sdk = sdk_of(t, &operation);
	int ret = 0;

	if (!sdk) {
		states_task_failed(t->cloud, t->execution, t->id, "States.TaskFailed",
			"The local cloud has no service of that name");
		return;
	}
	if (!is_idempotent(sdk, operation))
		ret = call_once(t, &err);
	if (!ret || err.code != ERR_NOT_FOUND || err.aws_code) {
		states_task_started(t);
		if (!ret)
			ret = invoke_sdk(t, sdk, operation, &shown, &err);
		if (ret)
			states_fail_call(t, &err);
		else
			called(t, shown);
	}
	err_release(&err);
	free(operation);
}

const struct states_integration states_plain_integrations[] = {
	{"athena:getQueryExecution", get_query, NULL},
	{"athena:getQueryResults", get_results, NULL},
	{"athena:startQueryExecution", start_query, NULL},
	{"athena:stopQueryExecution", stop_query, NULL},
	{AWS_SDK, call_sdk, NULL},
	{"events:putEvents", put_events, NULL},
	{"events:putEvents.waitForTaskToken", put_events, NULL},
	{"glue:startJobRun", start_job, NULL},
	{"lambda:invoke", invoke_function, NULL},
	{"lambda:invoke.waitForTaskToken", invoke_function, NULL},
	{"sns:publish", publish, NULL},
	{"sns:publish.waitForTaskToken", publish, NULL},
	{"sqs:sendMessage", send_message, NULL},
	{"sqs:sendMessage.waitForTaskToken", send_message, NULL},
	{"states:startExecution", start_execution, NULL},
	{"states:startExecution.waitForTaskToken", start_execution, NULL},
	{0},
};
