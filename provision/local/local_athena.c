/* Work groups and their tags ("CreateWorkGroup" and its kin, Amazon Athena API Reference). */
#include "local_athena.h"

char *athena_group_arn(struct local_cloud *cloud, const char *region, const char *name)
{
	return local_arn(cloud, "athena", region ? region : cloud->region, "workgroup/%s", name);
}

static void group_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *name = json_get_str(req->in, "WorkGroup");
	char *text;

	if (!name)
		name = json_get_str(req->in, "Name");
	text = athena_group_arn(cloud, req->region, name ? name : "primary");
	strbuf_addstr(arn, text);
	free(text);
}

int athena_page(const struct json *in, int64_t max, int64_t *limit, char **after, struct err *err)
{
	const char *token = json_get_str(in, "NextToken");

	*limit = json_get_i64(in, "MaxResults", max);
	*after = NULL;
	if (*limit < 1 || *limit > max)
		return athena_invalid(err, "MaxResults is more than maximum allowed length %lld.",
			(long long)max);
	return local_token_read(
		token && *token ? token : NULL, "InvalidRequestException", after, err);
}

struct json *athena_group_tx(struct local_cloud *cloud, const char *name, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, created_ms FROM athena_group WHERE name = ?", "s", name);
	int row = st ? sql_step(st, err) : -1;
	struct json *doc = NULL;

	if (row > 0) {
		doc = glue_doc(sql_text(st, 0));
		glue_set_time(doc, "CreationTime", sql_int(st, 1));
	}
	sql_done(st);
	if (row == 0)
		athena_invalid(err, "WorkGroup %s is not found.", name);
	return doc;
}

/* --- the document --- */
static void set_version(struct json *configuration)
{
	struct json *v = json_object();
	const char *selected =
		json_str(json_path(configuration, "EngineVersion.SelectedEngineVersion"));

	json_set_str(v, "SelectedEngineVersion", selected ? selected : "AUTO");
	json_set_str(v, "EffectiveEngineVersion", "Athena engine version 3");
	json_set(configuration, "EngineVersion", v);
}

static void set_defaults(struct json *configuration)
{
	static const struct {
		const char *name;
		bool value;
	} defaults[] = {{"EnforceWorkGroupConfiguration", true},
		{"PublishCloudWatchMetricsEnabled", false}, {"RequesterPaysEnabled", false},
		{"EnableMinimumEncryptionConfiguration", false}};

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (!json_get(configuration, defaults[i].name))
			json_set_bool(configuration, defaults[i].name, defaults[i].value);
	if (!json_get(configuration, "ResultConfiguration"))
		json_set(configuration, "ResultConfiguration", json_object());
	set_version(configuration);
}

static int check_location(const char *location, struct err *err)
{
	if (location && *location && !starts_with(location, "s3://"))
		return athena_invalid(err, "outputLocation is not a valid S3 path.");
	return 0;
}

static int check_name(const char *name, struct err *err)
{
	size_t len = name ? strlen(name) : 0;

	if (!len || len > 128 ||
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
			len)
		return athena_invalid(err,
			"1 validation error detected: Value '%s' at 'name' failed to satisfy "
			"constraint: "
			"Member must satisfy regular expression pattern: [a-zA-Z0-9._-]{1,128}",
			name ? name : "");
	return 0;
}

/* [{"Key","Value"}] as a map; NULL with err set when they are bad. */
static struct json *tag_map(const struct json *list, struct err *err)
{
	struct json *map = json_object(), *t;

	json_each(t, list)
	{
		const char *key = json_get_str(t, "Key"), *value = json_get_str(t, "Value");
		if (!key || !*key) {
			athena_invalid(err, "Tag keys must not be empty.");
			json_free(map);
			return NULL;
		}
		json_set_str(map, key, value ? value : "");
	}
	if (!glue_check_tags(map, err))
		return map;
	err->aws_code = (free(err->aws_code), xstrdup("InvalidRequestException"));
	json_free(map);
	return NULL;
}

/* --- create, get, list --- */
struct create {
	const struct local_request *req;
	const struct json *tags;
};

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct create *k = payload;
	const struct json *in = k->req->in;
	const char *name = json_get_str(in, "Name");
	struct json *doc = json_object(), *configuration = json_copy(json_get(in, "Configuration"));
	char *arn = athena_group_arn(cloud, k->req->region, name), *text;
	int r;

	if (!json_is(configuration, JSON_OBJECT))
		configuration = json_object();
	set_defaults(configuration);
	json_set_str(doc, "Name", name);
	json_set_str(doc, "State", "ENABLED");
	json_set(doc, "Configuration", configuration);
	json_set_str(doc, "Description",
		json_get_str(in, "Description") ? json_get_str(in, "Description") : "");
	text = glue_text(doc);
	r = sql_run(cloud->db, NULL, err,
		"INSERT INTO athena_group (name, doc, created_ms) VALUES (?, ?, ?)", "ssi", name,
		text, local_now_ms(cloud));
	if (r && err->code == ERR_EXISTS)
		athena_invalid(err, "WorkGroup is already created");
	if (!r)
		r = local_tags_set(cloud, arn, k->tags, err);
	free(text);
	free(arn);
	json_free(doc);
	return r;
}

static int create_group(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct json *tags;
	struct create k = {.req = req};
	int r;

	if (check_name(json_get_str(req->in, "Name"), err) ||
		check_location(json_str(json_path(req->in,
				       "Configuration.ResultConfiguration.OutputLocation")),
			err) ||
		!(tags = tag_map(json_get(req->in, "Tags"), err)))
		return -1;
	k.tags = tags;
	r = local_tx(cloud, create_tx, &k, err);
	json_free(tags);
	return r;
}

struct get {
	const char *name;
	struct json *doc;
};

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct get *g = payload;

	return (g->doc = athena_group_tx(cloud, g->name, err)) ? 0 : -1;
}

static int get_group(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct get g = {json_get_str(req->in, "WorkGroup"), NULL};

	if (check_name(g.name, err) || local_tx(cloud, get_tx, &g, err))
		return -1;
	*out = json_object();
	json_set(*out, "WorkGroup", g.doc);
	return 0;
}

static int list_groups(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *list = json_array();
	struct sql_stmt *st;
	char *after, *token;
	int64_t limit;
	int row = -1;

	if (athena_page(req->in, 50, &limit, &after, err) || local_tx_begin(cloud, err)) {
		json_free(list);
		return -1;
	}
	st = sql_query(cloud->db, err,
		"SELECT doc, created_ms FROM athena_group WHERE name > ? ORDER BY name LIMIT ?",
		"si", after ? after : "", limit + 1);
	free(after);
	while (st && (row = sql_step(st, err)) > 0 && (int64_t)json_len(list) < limit) {
		struct json *doc = glue_doc(sql_text(st, 0)), *summary = json_object();
		static const char *const kept[] = {"Name", "State", "Description"};
		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			json_set_str(summary, kept[i], json_get_str(doc, kept[i]));
		glue_set_time(summary, "CreationTime", sql_int(st, 1));
		json_set(summary, "EngineVersion",
			json_copy(json_path(doc, "Configuration.EngineVersion")));
		json_push(list, summary);
		json_free(doc);
	}
	sql_done(st);
	local_tx_end(cloud);
	if (row < 0) {
		json_free(list);
		return -1;
	}
	*out = json_object();
	if (row > 0) {
		token = local_token_make(json_get_str(json_at(list, json_len(list) - 1), "Name"));
		json_set_str(*out, "NextToken", token);
		free(token);
	}
	json_set(*out, "WorkGroups", list);
	return 0;
}

/* --- update --- */
/* {member, the flag that removes it or NULL} of a part, made when it is not there. */
static void update_part(struct json *configuration, const char *part, const struct json *updates,
	const char *const members[][2], size_t nr)
{
	struct json *to = json_get(configuration, part);

	if (!to) {
		to = json_object();
		json_set(configuration, part, to);
	}
	for (size_t i = 0; i < nr; i++) {
		if (json_get(updates, members[i][0]))
			json_set(to, members[i][0], json_copy(json_get(updates, members[i][0])));
		if (members[i][1] && json_get_truth(updates, members[i][1], false))
			json_remove(to, members[i][0]);
	}
}

static const char *const result_members[][2] = {{"OutputLocation", "RemoveOutputLocation"},
	{"EncryptionConfiguration", "RemoveEncryptionConfiguration"},
	{"ExpectedBucketOwner", "RemoveExpectedBucketOwner"},
	{"AclConfiguration", "RemoveAclConfiguration"}};
static const char *const managed_members[][2] = {
	{"Enabled", NULL}, {"EncryptionConfiguration", "RemoveEncryptionConfiguration"}};

static void update_configuration(struct json *configuration, const struct json *updates)
{
	static const char *const members[] = {"EnforceWorkGroupConfiguration",
		"PublishCloudWatchMetricsEnabled", "BytesScannedCutoffPerQuery",
		"RequesterPaysEnabled", "EngineVersion", "AdditionalConfiguration", "ExecutionRole",
		"CustomerContentEncryptionConfiguration", "EnableMinimumEncryptionConfiguration",
		"EngineConfiguration", "MonitoringConfiguration",
		"QueryResultsS3AccessGrantsConfiguration"};
	const struct json *results = json_get(updates, "ResultConfigurationUpdates");
	const struct json *managed = json_get(updates, "ManagedQueryResultsConfigurationUpdates");

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_get(updates, members[i]))
			json_set(configuration, members[i],
				json_copy(json_get(updates, members[i])));
	if (json_get_truth(updates, "RemoveBytesScannedCutoffPerQuery", false))
		json_remove(configuration, "BytesScannedCutoffPerQuery");
	if (json_get_truth(updates, "RemoveCustomerContentEncryptionConfiguration", false))
		json_remove(configuration, "CustomerContentEncryptionConfiguration");
	if (results)
		update_part(configuration, "ResultConfiguration", results, result_members,
			ARRAY_SIZE(result_members));
	if (managed)
		update_part(configuration, "ManagedQueryResultsConfiguration", managed,
			managed_members, ARRAY_SIZE(managed_members));
	set_version(configuration);
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct json *in = payload;
	const char *name = json_get_str(in, "WorkGroup");
	struct json *doc = athena_group_tx(cloud, name, err);
	char *text;
	int r;

	if (!doc)
		return -1;
	json_set_str(doc, "Description", json_get_str(in, "Description"));
	json_set_str(doc, "State", json_get_str(in, "State"));
	if (json_get(in, "ConfigurationUpdates"))
		update_configuration(
			json_get(doc, "Configuration"), json_get(in, "ConfigurationUpdates"));
	json_remove(doc, "CreationTime");
	text = glue_text(doc);
	r = sql_run(cloud->db, NULL, err, "UPDATE athena_group SET doc = ? WHERE name = ?", "ss",
		text, name);
	free(text);
	json_free(doc);
	return r;
}

static int update_group(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	const char *state = json_get_str(req->in, "State");

	if (check_name(json_get_str(req->in, "WorkGroup"), err) ||
		check_location(
			json_str(json_path(req->in,
				"ConfigurationUpdates.ResultConfigurationUpdates.OutputLocation")),
			err))
		return -1;
	if (state && strcmp(state, "ENABLED") && strcmp(state, "DISABLED"))
		return athena_invalid(err,
			"1 validation error detected: Value '%s' at 'state' failed to satisfy "
			"constraint: "
			"Member must satisfy enum value set: [ENABLED, DISABLED]",
			state);
	return local_tx(cloud, update_tx, (void *)req->in, err);
}

/* --- delete --- */
static int count_tx(
	struct local_cloud *cloud, const char *sql, const char *name, int64_t *n, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err, sql, "s", name);
	int row = st ? sql_step(st, err) : -1;

	*n += row > 0 ? sql_int(st, 0) : 0;
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct local_request *req = payload;
	const char *name = json_get_str(req->in, "WorkGroup");
	struct json *doc = athena_group_tx(cloud, name, err);
	char *arn;
	int64_t n = 0;
	int r;

	if (!doc)
		return -1;
	json_free(doc);
	if (count_tx(cloud, "SELECT count(*) FROM athena_named WHERE workgroup = ?", name, &n,
		    err) ||
		count_tx(cloud, "SELECT count(*) FROM athena_query WHERE workgroup = ?", name, &n,
			err))
		return -1;
	if (n && !json_get_truth(req->in, "RecursiveDeleteOption", false))
		return athena_invalid(err, "WorkGroup %s is not empty", name);
	arn = athena_group_arn(cloud, req->region, name);
	r = sql_run(cloud->db, NULL, err, "DELETE FROM athena_group WHERE name = ?", "s", name) ||
	    sql_run(cloud->db, NULL, err, "DELETE FROM athena_named WHERE workgroup = ?", "s",
		    name) ||
	    sql_run(cloud->db, NULL, err,
		    "DELETE FROM athena_query WHERE workgroup = ? AND state NOT IN ('QUEUED', "
		    "'RUNNING')",
		    "s", name) ||
	    local_tags_clear(cloud, arn, err);
	free(arn);
	return r ? -1 : 0;
}

static int delete_group(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	const char *name = json_get_str(req->in, "WorkGroup");

	if (check_name(name, err))
		return -1;
	if (!strcmp(name, "primary"))
		return athena_invalid(err, "The primary WorkGroup cannot be deleted.");
	return local_tx(cloud, delete_tx, (void *)req, err);
}

/* --- tags --- */
enum tag_op { TAG_SET, TAG_REMOVE, TAG_LIST };
struct tag_call {
	enum tag_op op;
	const char *arn;
	const struct json *in;
	struct json *tags;
};

static int tag_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct tag_call *k = payload;
	const char *name = strstr(k->arn, ":workgroup/");
	struct err none = ERR_INIT;
	struct json *doc = NULL;

	if (name)
		doc = athena_group_tx(cloud, name + strlen(":workgroup/"), &none);
	err_release(&none);
	if (!doc)
		return local_fault(
			err, 400, "ResourceNotFoundException", "%s is not found", k->arn);
	json_free(doc);
	if (k->op == TAG_SET)
		return local_tags_set(cloud, k->arn, k->tags, err);
	if (k->op == TAG_REMOVE)
		return local_tags_remove(cloud, k->arn, json_get(k->in, "TagKeys"), err);
	return local_tags_get(cloud, k->arn, &k->tags, err);
}

static int tag_run(struct local_cloud *cloud, const struct local_request *req, struct tag_call *k,
	struct err *err)
{
	k->in = req->in;
	k->arn = json_get_str(req->in, "ResourceARN");
	if (!k->arn)
		return athena_invalid(err, "ResourceARN is required");
	return local_tx(cloud, tag_tx, k, err);
}

static int tag_resource(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct tag_call k = {.op = TAG_SET, .tags = tag_map(json_get(req->in, "Tags"), err)};
	int r = k.tags ? tag_run(cloud, req, &k, err) : -1;

	json_free(k.tags);
	return r;
}

static int untag_resource(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return tag_run(cloud, req, &(struct tag_call){.op = TAG_REMOVE}, err);
}

static int list_tags(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct tag_call k = {.op = TAG_LIST};
	struct json *list, *t;

	if (tag_run(cloud, req, &k, err))
		return -1;
	list = json_array();
	json_each(t, k.tags)
	{
		struct json *pair = json_object();
		json_set_str(pair, "Key", json_name(t));
		json_set_str(pair, "Value", json_str(t));
		json_push(list, pair);
	}
	json_free(k.tags);
	*out = json_object();
	json_set(*out, "Tags", list);
	return 0;
}

static const struct local_route routes[] = {
	{"CreateWorkGroup", create_group, group_arn},
	{"DeleteWorkGroup", delete_group, group_arn},
	{"GetWorkGroup", get_group, group_arn},
	{"ListTagsForResource", list_tags, NULL},
	{"ListWorkGroups", list_groups, NULL},
	{"TagResource", tag_resource, NULL},
	{"UntagResource", untag_resource, NULL},
	{"UpdateWorkGroup", update_group, group_arn},
};

const struct local_service local_athena_group_service = {"athena", routes, ARRAY_SIZE(routes)};
