/* The proof at the end of a teardown, from calls that list. */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "iam.h"
#include "ops.h"
#include "redshift.h"
#include "strbuf.h"
#include "tags.h"

/* ARNs that the tagging service gives, and what they are; the name follows `mark`, and `tail` characters follow it. */
static const struct {
	const char *service, *mark, *type;
	size_t tail;
} arn_kinds[] = {
	{"athena", "workgroup/", "AWS::Athena::WorkGroup", 0},
	{"events", "rule/", "AWS::Events::Rule", 0},
	{"glue", "crawler/", "AWS::Glue::Crawler", 0},
	{"glue", "database/", "AWS::Glue::Database", 0},
	{"glue", "job/", "AWS::Glue::Job", 0},
	{"glue", "trigger/", "AWS::Glue::Trigger", 0},
	{"glue", "workflow/", "AWS::Glue::Workflow", 0},
	{"iam", "role/", "AWS::IAM::Role", 0},
	{"redshift-serverless", "namespace/", "AWS::RedshiftServerless::Namespace", 0},
	{"redshift-serverless", "workgroup/", "AWS::RedshiftServerless::Workgroup", 0},
	{"s3", "", "AWS::S3::Bucket", 0},
	{"secretsmanager", "secret:", "AWS::SecretsManager::Secret", 7},
	{"sns", "", "AWS::SNS::Topic", 0},
	{"sqs", "", "AWS::SQS::Queue", 0},
};

/* arn:partition:service:region:account:rest; *name malloc'd */
static const struct resource_type *type_of_arn(const char *arn, char **name)
{
	const char *part[6] = {arn};
	for (size_t i = 1; i < ARRAY_SIZE(part); i++) {
		const char *colon = strchr(part[i - 1], ':');
		if (!colon)
			return NULL;
		part[i] = colon + 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(arn_kinds); i++) {
		size_t len = strlen(arn_kinds[i].service);
		if (strncmp(part[2], arn_kinds[i].service, len) != 0 || part[2][len] != ':' ||
			!starts_with(part[5], arn_kinds[i].mark))
			continue;
		const char *first = part[5] + strlen(arn_kinds[i].mark);
		/* a role's path is no part of its name, nor is a rule's bus */
		if ((strcmp(arn_kinds[i].service, "iam") == 0 ||
			    strcmp(arn_kinds[i].service, "events") == 0) &&
			strrchr(first, '/'))
			first = strrchr(first, '/') + 1;
		size_t whole = strlen(first), tail = arn_kinds[i].tail;
		*name = xstrndup(first, whole > tail ? whole - tail : whole);
		return resource_type_find(arn_kinds[i].type);
	}
	return NULL;
}

static bool is_listed(const struct json *left, const char *type, const char *id)
{
	const struct json *l;
	json_each(l, left)
	{
		if (strcmp(json_get_str(l, "type"), type) == 0 &&
			strcmp(json_get_str(l, "physical_id"), id) == 0)
			return true;
	}
	return false;
}

static void push_left(struct json *left, const char *type, const char *id, const char *reason)
{
	if (!is_listed(left, type, id))
		json_push(left,
			json_strings("type", type, "physical_id", id, "reason", reason, NULL));
}

static bool is_project(const struct type_ctx *ctx, const struct json *tags)
{
	const char *project = json_get_str(tags, TAG_PROJECT);
	return project && strcmp(project, ctx->project) == 0;
}

/* The tagging service forgets slowly: what it names is looked at before it counts. */
static int check_hint(
	const struct type_ctx *ctx, const char *arn, struct json *left, struct err *err)
{
	char *name = NULL;
	const struct resource_type *type = type_of_arn(arn, &name);
	struct resource_state live = RESOURCE_STATE_INIT;
	struct err why = ERR_INIT;
	int ret = 0;
	if (!type) {
		push_left(left, "unknown", arn, "the tagging service lists it for this project");
		return 0;
	}
	if (starts_with(type->schema.name, "AWS::RedshiftServerless::")) {
		free(name); /* it was an id */
		name = redshift_name_of_arn(ctx, arn);
		if (!name)
			return 0;
	}
	const struct resource r = {.type = type, .stack = "", .logical_id = name, .name = name};
	if (type->read(ctx, &r, READ_TAGS, &live, &why) == 0) {
		if (live.exists && !live.going && is_project(ctx, live.tags))
			push_left(left, type->schema.name, name, "carries this project's tags");
	} else if (why.code == ERR_DENIED) {
		push_left(left, type->schema.name, name,
			"the tagging service lists it, and it may not be read");
	} else {
		err_move(err, &why);
		ret = -1;
	}
	resource_state_release(&live);
	err_release(&why);
	free(name);
	return ret;
}

static int sweep_tagged(const struct type_ctx *ctx, struct json *left, struct err *err)
{
	struct json *in = json_object(), *filter = json_strings("Key", TAG_PROJECT, NULL);
	struct json *values = json_array(), *filters = json_array(), *found = NULL, *f;
	struct err why = ERR_INIT;
	int ret = 0;
	json_push_str(values, ctx->project);
	json_set(filter, "Values", values);
	json_push(filters, filter);
	json_set(in, "TagFilters", filters);
	/* a hint: without the right to ask, there is none */
	if (aws_call_all(ctx->aws, &tagging_get_resources, in, &found, &why) &&
		why.code == ERR_INTERRUPTED) {
		err_move(err, &why);
		ret = -1;
	}
	json_each(f, found)
	{
		const char *arn = json_get_str(f, "ResourceARN");
		if (!ret && arn)
			ret = check_hint(ctx, arn, left, err);
	}
	err_release(&why);
	json_free(in);
	json_free(found);
	return ret;
}

/* IAM is not in the regions' tagging service: roles by the prefix of derived names, then by their tags. */
static int sweep_roles(const struct type_ctx *ctx, struct json *left, struct err *err)
{
	struct json *in = json_strings("PathPrefix", "/", NULL), *roles = NULL, *e;
	struct err why = ERR_INIT;
	char *prefix = xasprintf("%s-", ctx->project);
	lower_ascii(prefix);
	int ret = aws_call_all(ctx->aws, &iam_list_roles, in, &roles, &why);
	if (ret && why.code == ERR_DENIED)
		ret = 0;
	if (ret)
		err_move(err, &why);
	json_each(e, roles)
	{
		const char *name = json_get_str(e, "RoleName");
		struct json *list = NULL, *tags;
		if (ret || !name || !starts_with(name, prefix))
			continue;
		ret = iam_list(ctx, &iam_list_role_tags, "RoleName", name, &list, err);
		tags = tags_from_list(list);
		if (!ret && is_project(ctx, tags))
			push_left(left, "AWS::IAM::Role", name, "carries this project's tags");
		json_free(list);
		json_free(tags);
	}
	err_release(&why);
	json_free(in);
	json_free(roles);
	free(prefix);
	return ret;
}

int resource_sweep_project(const struct type_ctx *ctx, struct json *left, struct err *err)
{
	return sweep_roles(ctx, left, err) || sweep_tagged(ctx, left, err) ? -1 : 0;
}
