/* TagResource, UntagResource and GetTags ("Tagging", AWS Glue Web API Reference) for all of Glue's resources. */
#include "local_glue.h"

static const struct glue_field arn_fields[] = {
	{"ResourceArn", GLUE_STRING, true, 1, 10240, NULL, NULL},
	{0},
};

/* How each kind of ARN is looked up. */
static const struct {
	const char *kind, *operation, *member;
} kinds[] = {
	{"connection", "GetConnection", "Name"},
	{"crawler", "GetCrawler", "Name"},
	{"database", "GetDatabase", "Name"},
	{"job", "GetJob", "JobName"},
	{"trigger", "GetTrigger", "Name"},
	{"workflow", "GetWorkflow", "Name"},
};

/* arn:aws:glue:REGION:ACCOUNT:KIND/NAME of something that exists. */
static int check_arn(struct local_cloud *cloud, const struct json *in, struct err *err)
{
	const char *arn, *rest, *slash, *name;
	struct strvec parts = STRVEC_INIT;
	int ret = -1;

	if (glue_check(arn_fields, in, err) != 0)
		return -1;
	arn = json_get_str(in, "ResourceArn");
	strvec_split(&parts, arn, ':');
	if (parts.nr < 6 || strcmp(parts.v[0], "arn") != 0 || strcmp(parts.v[2], "glue") != 0) {
		glue_invalid(err, "'%s' is not a valid Glue ARN", arn);
		goto out;
	}
	rest = arn;
	for (int i = 0; i < 5; i++)
		rest = strchr(rest, ':') + 1;
	slash = strchr(rest, '/');
	name = slash ? slash + 1 : "";
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!slash || (size_t)(slash - rest) != strlen(kinds[i].kind) ||
			strncmp(rest, kinds[i].kind, strlen(kinds[i].kind)) != 0)
			continue;
		if (strcmp(parts.v[4], cloud->account) == 0 &&
			glue_exists(cloud, kinds[i].operation, kinds[i].member, name))
			ret = 0;
		else
			glue_not_found(err, "Entity not found: %s", arn);
		goto out;
	}
	glue_invalid(err, "Resources of this kind cannot be tagged: %s", arn);
out:
	strvec_release(&parts);
	return ret;
}

static int tag_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct local_request *req = payload;
	const char *arn = json_get_str(req->in, "ResourceArn");
	struct json *all = NULL;
	int ret = -1;

	if (local_tags_set(cloud, arn, json_get(req->in, "TagsToAdd"), err) != 0 ||
		local_tags_get(cloud, arn, &all, err) != 0)
		goto out;
	ret = json_len(all) > 50 ? glue_invalid(err, "a resource can carry at most 50 tags") : 0;
out:
	json_free(all);
	return ret;
}

static int tag_resource(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	static const struct glue_field fields[] = {
		{"TagsToAdd", GLUE_MAP, true, 0, 50, NULL, NULL},
		{0},
	};

	if (check_arn(cloud, req->in, err) != 0 || glue_check(fields, req->in, err) != 0 ||
		glue_check_tags(json_get(req->in, "TagsToAdd"), err) != 0)
		return -1;
	return local_tx(cloud, tag_tx, (void *)(uintptr_t)req, err);
}

static int untag_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct local_request *req = payload;

	return local_tags_remove(cloud, json_get_str(req->in, "ResourceArn"),
		json_get(req->in, "TagsToRemove"), err);
}

static int untag_resource(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	static const struct glue_field fields[] = {
		{"TagsToRemove", GLUE_LIST, true, 0, 50, NULL, NULL},
		{0},
	};

	if (check_arn(cloud, req->in, err) != 0 || glue_check(fields, req->in, err) != 0)
		return -1;
	return local_tx(cloud, untag_tx, (void *)(uintptr_t)req, err);
}

struct get_call {
	const struct local_request *req;
	struct json *tags;
};

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct get_call *c = payload;

	return local_tags_get(cloud, json_get_str(c->req->in, "ResourceArn"), &c->tags, err);
}

static int get_tags(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct get_call c = {.req = req};

	if (check_arn(cloud, req->in, err) != 0 || local_tx(cloud, get_tx, &c, err) != 0)
		return -1;
	*out = json_object();
	json_set(*out, "Tags", c.tags);
	return 0;
}

static void tagged_arn(
	struct local_cloud *cloud unused_arg, const struct local_request *req, struct strbuf *arn)
{
	const char *given = json_get_str(req->in, "ResourceArn");

	strbuf_addstr(arn, given ? given : "*");
}

static const struct local_route routes[] = {
	{"GetTags", get_tags, tagged_arn},
	{"TagResource", tag_resource, tagged_arn},
	{"UntagResource", untag_resource, tagged_arn},
};

const struct local_service local_glue_tags_service = {"glue", routes, ARRAY_SIZE(routes)};
