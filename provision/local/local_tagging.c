/* Resource Groups Tagging API: everything with tags, by the one table of tags. */
#include "local_internal.h"
#include "local_policy.h"
#include "local_services.h"
#include "map.h"
#include "xalloc.h"

#define INVALID "InvalidParameterException"

/* The i-th piece of an ARN between colons; the last one (5) is the rest. Malloc'd. */
static char *arn_part(const char *arn, int i)
{
	const char *end;

	for (; i > 0 && arn; i--) {
		arn = strchr(arn, ':');
		arn = arn ? arn + 1 : NULL;
	}
	if (!arn)
		return xstrdup("");
	end = strchr(arn, ':');
	return end ? xstrndup(arn, (size_t)(end - arn)) : xstrdup(arn);
}

/* "glue:job" of a filter fits arn:aws:glue:R:A:job/NAME; "s3" and "s3:bucket" fit a bucket. */
static bool type_fits(const char *filter, const char *arn)
{
	char *service = arn_part(arn, 2), *rest = arn_part(arn, 5);
	const char *colon = strchr(filter, ':');
	size_t len = colon ? (size_t)(colon - filter) : strlen(filter);
	bool fits = strlen(service) == len && !strncmp(service, filter, len);

	if (fits && colon && strcmp(service, "s3")) {
		size_t kind = strcspn(rest, "/:");

		fits = strlen(colon + 1) == kind && !strncmp(rest, colon + 1, kind);
	} else if (fits && colon)
		fits = !strcmp(colon + 1, "bucket");
	free(service);
	free(rest);
	return fits;
}

static bool types_fit(const struct json *filters, const char *arn)
{
	struct json *f;

	if (!json_len(filters))
		return true;
	json_each(f, filters) if (type_fits(json_str(f), arn)) return true;
	return false;
}

static bool tags_fit(const struct json *filters, const struct json *tags)
{
	struct json *f, *v;

	json_each(f, filters)
	{
		const char *have =
			json_get_str(tags, json_get_str(f, "Key") ? json_get_str(f, "Key") : "");
		const struct json *values = json_get(f, "Values");
		bool any = !json_len(values);

		if (!have)
			return false;
		json_each(v, values) any |= json_str(v) && !strcmp(json_str(v), have);
		if (!any)
			return false;
	}
	return true;
}

/* Regional services show their region's resources, IAM shows its own in us-east-1, buckets show where they are. */
static int region_fits(
	struct local_cloud *cloud, const char *region, const char *arn, bool *fits, struct err *err)
{
	char *of = arn_part(arn, 3), *service = arn_part(arn, 2), *bucket = arn_part(arn, 5);
	struct sql_stmt *st = NULL;
	int row = 0;

	*fits = !strcmp(of, region);
	if (!strcmp(service, "iam"))
		*fits = !strcmp(region, "us-east-1");
	else if (!strcmp(service, "s3")) {
		st = sql_query(
			cloud->db, err, "SELECT region FROM s3_bucket WHERE name = ?", "s", bucket);
		row = st ? sql_step(st, err) : -1;
		*fits = row > 0 && !strcmp(sql_text(st, 0), region);
		sql_done(st);
	}
	free(of);
	free(service);
	free(bucket);
	return row < 0 ? -1 : 0;
}

static struct json *tag_list(const struct json *tags)
{
	struct json *list = json_array(), *e;

	json_each(e, tags)
	{
		struct json *tag = json_object();

		json_set_str(tag, "Key", json_name(e));
		json_set_str(tag, "Value", json_str(e));
		json_push(list, tag);
	}
	return list;
}

static bool asked_for(const struct json *arns, const char *arn)
{
	struct json *a;

	if (!json_len(arns))
		return true;
	json_each(a, arns) if (json_str(a) && !strcmp(json_str(a), arn)) return true;
	return false;
}

/* All ARNs with tags after `after`. */
static int read_arns(
	struct local_cloud *cloud, const char *after, struct strvec *arns, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT DISTINCT arn FROM tag WHERE arn > ? ORDER BY arn", "s", after ? after : "");
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0)
		strvec_push(arns, sql_text(st, 0));
	sql_done(st);
	return row;
}

/* Appends the resource when it fits. */
static int consider(struct local_cloud *cloud, const struct local_request *req, const char *arn,
	struct json *list, struct err *err)
{
	struct json *tags = NULL, *item;
	bool fits;

	if (!asked_for(json_get(req->in, "ResourceARNList"), arn) ||
		!types_fit(json_get(req->in, "ResourceTypeFilters"), arn))
		return 0;
	if (region_fits(cloud, req->region, arn, &fits, err))
		return -1;
	if (!fits)
		return 0;
	if (local_tags_get(cloud, arn, &tags, err))
		return -1;
	if (tags_fit(json_get(req->in, "TagFilters"), tags)) {
		item = json_object();
		json_set_str(item, "ResourceARN", arn);
		json_set(item, "Tags", tag_list(tags));
		json_push(list, item);
	}
	json_free(tags);
	return 0;
}

static bool is_arn(const char *text)
{
	int colons = 0;

	if (!text || !starts_with(text, "arn:"))
		return false;
	for (const char *c = text; *c; c++)
		colons += *c == ':';
	return colons >= 5;
}

static int check_arns(const struct json *arns, size_t max, struct err *err)
{
	const struct json *arn;

	if (json_len(arns) > max)
		return local_fault(
			err, 400, INVALID, "ResourceARNList can have at most %zu members", max);
	json_each(arn, arns)
	{
		if (!is_arn(json_str(arn)))
			return local_fault(err, 400, INVALID,
				"%s is not a valid Amazon Resource Name",
				json_str(arn) ? json_str(arn) : "null");
	}
	return 0;
}

static int check_filters(const struct local_request *req, int64_t *max, struct err *err)
{
	const struct json *filters = json_get(req->in, "TagFilters"),
			  *arns = json_get(req->in, "ResourceARNList");
	struct json *f;
	int64_t per_page;

	*max = json_get_i64(req->in, "ResourcesPerPage", 100);
	if (*max < 1 || *max > 100)
		return local_fault(err, 400, INVALID, "ResourcesPerPage must be from 1 to 100");
	per_page = json_get_i64(req->in, "TagsPerPage", 100);
	if (per_page < 100 || per_page > 500 || per_page % 100)
		return local_fault(
			err, 400, INVALID, "TagsPerPage must be 100, 200, 300, 400 or 500");
	if (json_len(filters) > 50)
		return local_fault(err, 400, INVALID, "TagFilters has more than 50 members");
	json_each(f, filters) if (!json_get_str(f, "Key")) return local_fault(
		err, 400, INVALID, "a tag filter has no Key");
	if (json_len(arns) &&
		(json_len(filters) || json_len(json_get(req->in, "ResourceTypeFilters"))))
		return local_fault(err, 400, INVALID,
			"ResourceARNList goes with neither TagFilters nor ResourceTypeFilters");
	return check_arns(arns, 100, err);
}

static int get_resources(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct strvec arns = STRVEC_INIT;
	struct json *list = json_array();
	const char *given = json_get_str(req->in, "PaginationToken"), *last = NULL;
	char *after = NULL, *token;
	int64_t max;
	size_t i;
	int result = -1;

	if (check_filters(req, &max, err) ||
		local_token_read(given && *given ? given : NULL, "PaginationTokenExpiredException",
			&after, err) ||
		local_tx_begin(cloud, err) || read_arns(cloud, after, &arns, err))
		goto out;
	for (i = 0; i < arns.nr && json_len(list) < (size_t)max; i++) {
		if (consider(cloud, req, arns.v[i], list, err))
			goto out;
		last = arns.v[i];
	}
	token = i < arns.nr ? local_token_make(last) : xstrdup("");
	*out = json_object();
	json_set_str(*out, "PaginationToken", token);
	json_set(*out, "ResourceTagMappingList", list);
	list = NULL;
	free(token);
	result = 0;
out:
	local_tx_end(cloud);
	json_free(list);
	strvec_release(&arns);
	free(after);
	return result;
}

static int get_strings(struct local_cloud *cloud, const char *sql, const char *arg,
	const char *member, struct json **out, struct err *err)
{
	struct sql_stmt *st = NULL;
	struct json *list = json_array();
	int row = -1;

	if (!local_tx_begin(cloud, err))
		st = sql_query(cloud->db, err, sql, "s", arg);
	while (st && (row = sql_step(st, err)) > 0)
		json_push_str(list, sql_text(st, 0));
	sql_done(st);
	local_tx_end(cloud);
	if (row < 0) {
		json_free(list);
		return -1;
	}
	*out = json_object();
	json_set_str(*out, "PaginationToken", "");
	json_set(*out, member, list);
	return 0;
}

static int get_tag_keys(struct local_cloud *cloud, const struct local_request *req unused_arg,
	struct json **out, struct err *err)
{
	return get_strings(cloud, "SELECT DISTINCT key FROM tag WHERE key > ? ORDER BY key", "",
		"TagKeys", out, err);
}

static int get_tag_values(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *key = json_get_str(req->in, "Key");

	if (!key)
		return local_fault(err, 400, INVALID, "Key is missing");
	return get_strings(cloud, "SELECT DISTINCT value FROM tag WHERE key = ? ORDER BY value",
		key, "TagValues", out, err);
}

/* --- changing --- */

/* What has tags: ARNs of arn:…:SERVICE:…:PREFIX… and the question whether one is there, by the name after the prefix or by the whole ARN. */
static const struct taggable {
	const char *service, *prefix, *sql;
	bool by_arn;
} taggables[] = {
	{"athena", "workgroup/", "SELECT 1 FROM athena_group WHERE name = ?", false},
	{"cloudwatch", "alarm:", "SELECT 1 FROM cw_alarm WHERE name = ?", false},
	{"glue", "connection/", "SELECT 1 FROM glue_connection WHERE name = ?", false},
	{"glue", "crawler/", "SELECT 1 FROM crawler WHERE name = ?", false},
	{"glue", "database/", "SELECT 1 FROM catalog_database WHERE name = ?", false},
	{"glue", "job/", "SELECT 1 FROM glue_job WHERE name = ?", false},
	{"glue", "trigger/", "SELECT 1 FROM glue_trigger WHERE name = ?", false},
	{"glue", "workflow/", "SELECT 1 FROM glue_workflow WHERE name = ?", false},
	{"iam", "policy/", "SELECT 1 FROM iam_policy WHERE arn = ?", true},
	{"logs", "log-group:", "SELECT 1 FROM log_group WHERE name = ?", false},
	{"redshift-serverless", "namespace/", "SELECT 1 FROM redshift_namespace WHERE arn = ?",
		true},
	{"redshift-serverless", "workgroup/", "SELECT 1 FROM redshift_workgroup WHERE arn = ?",
		true},
	{"s3", "", "SELECT 1 FROM s3_bucket WHERE name = ?", false},
	{"secretsmanager", "secret:", "SELECT 1 FROM secret WHERE arn = ?", true},
	{"sns", "", "SELECT 1 FROM sns_topic WHERE arn = ?", true},
	{"sqs", "", "SELECT 1 FROM sqs_queue WHERE arn = ?", true},
	{"ssm", "parameter/", "SELECT 1 FROM ssm_parameter WHERE arn = ?", true},
};

/* 1 when the ARN names something that is there, 0 when not. */
static int is_there(struct local_cloud *cloud, const char *arn, struct err *err)
{
	char *service = arn_part(arn, 2);
	const char *rest = arn;
	int row = 0;

	for (int i = 0; i < 5 && rest; i++) {
		rest = strchr(rest, ':');
		rest = rest ? rest + 1 : NULL;
	}
	for (size_t i = 0; rest && i < ARRAY_SIZE(taggables); i++) {
		const struct taggable *t = &taggables[i];

		if (strcmp(t->service, service) != 0 || !starts_with(rest, t->prefix))
			continue;
		row = sql_exists(
			cloud->db, err, t->sql, "s", t->by_arn ? arn : rest + strlen(t->prefix));
		break;
	}
	free(service);
	return row;
}

static void add_failure(struct json *failed, const char *arn)
{
	struct json *f = json_object();
	char *text = xasprintf("The ARN %s names no resource that can be tagged here.", arn);

	json_set_i64(f, "StatusCode", 400);
	json_set_str(f, "ErrorCode", INVALID);
	json_set_str(f, "ErrorMessage", text);
	json_set(failed, arn, f);
	free(text);
}

static int change_tags(struct local_cloud *cloud, const struct local_request *req, bool set,
	struct json **out, struct err *err)
{
	const struct json *arns = json_get(req->in, "ResourceARNList"), *arn;
	struct json *failed = NULL;
	int there, result = -1;

	if (!json_len(arns))
		return local_fault(err, 400, INVALID, "ResourceARNList needs 1 to 20 ARNs");
	if (check_arns(arns, 20, err) || local_tx_begin(cloud, err))
		return -1;
	failed = json_object();
	json_each(arn, arns)
	{
		there = is_there(cloud, json_str(arn), err);
		if (there < 0)
			goto out;
		if (!there)
			add_failure(failed, json_str(arn));
		else if (set ? local_tags_set(cloud, json_str(arn), json_get(req->in, "Tags"), err)
			     : local_tags_remove(
				       cloud, json_str(arn), json_get(req->in, "TagKeys"), err))
			goto out;
	}
	if (local_tx_commit(cloud, err))
		goto out;
	*out = json_object();
	json_set(*out, "FailedResourcesMap", failed);
	failed = NULL;
	result = 0;
out:
	local_tx_end(cloud);
	json_free(failed);
	return result;
}

static int tag_resources(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return change_tags(cloud, req, true, out, err);
}

static int untag_resources(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return change_tags(cloud, req, false, out, err);
}

static const struct local_route routes[] = {
	{"GetResources", get_resources, NULL},
	{"GetTagKeys", get_tag_keys, NULL},
	{"GetTagValues", get_tag_values, NULL},
	{"TagResources", tag_resources, NULL},
	{"UntagResources", untag_resources, NULL},
};
const struct local_service local_tagging_service = {"tagging", routes, ARRAY_SIZE(routes)};
