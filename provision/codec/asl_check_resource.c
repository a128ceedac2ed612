/*
 * Resource of a Task: activities, functions, and the services that Step Functions calls. An integration that AWS does not have is
 * refused there when the machine is made. ("Integrating services with Step Functions", AWS Step Functions Developer Guide.)
 */
#include "asl_check.h"

#include <string.h>
#include "strbuf.h"

enum pattern {
	P_CALL = 1 << 0,
	P_SYNC = 1 << 1,
	P_SYNC2 = 1 << 2,
	P_TOKEN = 1 << 3,
};

/* The optimized integrations; "*": all that the service has. */
static const struct integration {
	const char *service, *operation;
	int patterns;
} integrations[] = {
	{"apigateway", "invoke", P_CALL | P_TOKEN},
	{"athena", "getQueryExecution", P_CALL},
	{"athena", "getQueryResults", P_CALL},
	{"athena", "startQueryExecution", P_CALL | P_SYNC},
	{"athena", "stopQueryExecution", P_CALL},
	{"batch", "submitJob", P_CALL | P_SYNC},
	{"bedrock", "*", P_CALL | P_SYNC},
	{"codebuild", "*", P_CALL | P_SYNC},
	{"databrew", "startJobRun", P_CALL | P_SYNC},
	{"dynamodb", "deleteItem", P_CALL},
	{"dynamodb", "getItem", P_CALL},
	{"dynamodb", "putItem", P_CALL},
	{"dynamodb", "updateItem", P_CALL},
	{"ecs", "runTask", P_CALL | P_SYNC | P_TOKEN},
	{"eks", "*", P_CALL | P_SYNC | P_TOKEN},
	{"elasticmapreduce", "*", P_CALL | P_SYNC},
	{"emr-containers", "*", P_CALL | P_SYNC},
	{"emr-serverless", "*", P_CALL | P_SYNC},
	{"events", "putEvents", P_CALL | P_TOKEN},
	{"glue", "startJobRun", P_CALL | P_SYNC},
	{"http", "invoke", P_CALL},
	{"lambda", "invoke", P_CALL | P_TOKEN},
	{"mediaconvert", "createJob", P_CALL | P_SYNC},
	{"sagemaker", "*", P_CALL | P_SYNC},
	{"sns", "publish", P_CALL | P_TOKEN},
	{"sqs", "sendMessage", P_CALL | P_TOKEN},
	{"states", "startExecution", P_CALL | P_SYNC | P_SYNC2 | P_TOKEN},
};

static const struct {
	const char *suffix;
	enum pattern pattern;
} suffixes[] = {
	{".sync:2", P_SYNC2},
	{".sync", P_SYNC},
	{".waitForTaskToken", P_TOKEN},
};

/* "glue:startJobRun.sync" without its pattern. */
static enum pattern cut_pattern(struct strbuf *rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (ends_with(rest->buf, suffixes[i].suffix)) {
			strbuf_setlen(rest, rest->len - strlen(suffixes[i].suffix));
			return suffixes[i].pattern;
		}
	}
	return P_CALL;
}

static bool is_word(const char *text, size_t len, const char *more)
{
	for (size_t i = 0; i < len; i++) {
		if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
			    (text[i] >= '0' && text[i] <= '9') || strchr(more, text[i])))
			return false;
	}
	return len > 0;
}

/* aws-sdk:SERVICE:OPERATION */
static bool is_sdk(const char *rest, enum pattern pattern)
{
	const char *service = rest + strlen("aws-sdk:"), *colon = strchr(service, ':');

	return colon && (pattern == P_CALL || pattern == P_TOKEN) &&
	       is_word(service, (size_t)(colon - service), "") && colon[1] >= 'a' &&
	       colon[1] <= 'z' && is_word(colon + 1, strlen(colon + 1), "");
}

static bool is_integration(const char *rest, enum pattern pattern)
{
	const char *colon = strchr(rest, ':');
	size_t len = colon ? (size_t)(colon - rest) : 0;

	if (starts_with(rest, "aws-sdk:"))
		return is_sdk(rest, pattern);
	for (size_t i = 0; colon && i < ARRAY_SIZE(integrations); i++) {
		const struct integration *n = &integrations[i];

		if (strlen(n->service) == len && !strncmp(n->service, rest, len) &&
			(n->patterns & (int)pattern) &&
			(!strcmp(n->operation, colon + 1) ||
				(!strcmp(n->operation, "*") &&
					is_word(colon + 1, strlen(colon + 1), ""))))
			return true;
	}
	return false;
}

/* Behind arn:PARTITION:states:::, or NULL. */
static const char *behind_states(const char *resource)
{
	const char *p = resource;

	if (!starts_with(p, "arn:"))
		return NULL;
	p = strchr(p + strlen("arn:"), ':');
	return p && starts_with(p, ":states:::") ? p + strlen(":states:::") : NULL;
}

static void check_express(struct asl_check *c, const char *resource, const char *where)
{
	if (ends_with(resource, ".waitForTaskToken"))
		SCHEMA(c, where,
			"Express state machine does not support '.waitForTaskToken' service "
			"integration ");
	else if (ends_with(resource, ".sync") || ends_with(resource, ".sync:2"))
		SCHEMA(c, where,
			"Express state machine does not support '.sync' service integration ");
	else if (strstr(resource, ":activity:"))
		SCHEMA(c, where, "Express state machine does not support Activity ARN");
}

void asl_check_resource(struct asl_check *c, const char *resource, const char *where)
{
	const char *call = behind_states(resource);
	struct strbuf rest = STRBUF_INIT;
	enum pattern pattern;

	if (asl_is_placeholder(c, resource))
		return;
	if (!starts_with(resource, "arn:") || !strchr(resource + strlen("arn:"), ':')) {
		SCHEMA(c, where, "Value is not a valid resource ARN");
		return;
	}
	if (call) {
		strbuf_addstr(&rest, call);
		pattern = cut_pattern(&rest);
		if (!is_integration(rest.buf, pattern))
			SCHEMA(c, where,
				"The resource provided %s is not recognized. The value is not a "
				"valid resource ARN, or the resource is not available in this "
				"region.",
				resource);
		strbuf_release(&rest);
	}
	if (c->flavour == ASL_EXPRESS)
		check_express(c, resource, where);
}
