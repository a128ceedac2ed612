/* Tags, and versions of state machines (TagResource, PublishStateMachineVersion, …). */
#include "local_states_live.h"

#include "local_states_rows.h"
#include "xalloc.h"

#define TAGS_MAX 50
#define VERSIONS_MAX 1000

/* --- tags --- */

int states_tags_read(const struct json *list, struct json **out, struct err *err)
{
	const struct json *t;

	*out = NULL;
	if (!list || json_is(list, JSON_NULL))
		return 0;
	*out = json_object();
	json_each(t, list)
	{
		const char *key = json_get_str(t, "key");

		if (states_check_string(t, "key", true, 1, 128, err) ||
			states_check_string(t, "value", false, 0, 256, err))
			return -1;
		if (!strncasecmp(key, "aws:", 4))
			return states_invalid(err,
				"The tag key %s is invalid: keys that start with aws: are reserved",
				key);
		json_set_str(*out, key, json_get_str(t, "value") ? json_get_str(t, "value") : "");
	}
	if (json_len(*out) <= TAGS_MAX)
		return 0;
	return local_fault(err, 400, "TooManyTags",
		"Too Many Tags: 'A resource can have at most %d tags'", TAGS_MAX);
}

struct tagging {
	const char *arn;
	struct json *tags, *all;
	const struct json *keys;
};

static int find_resource_tx(struct local_cloud *cloud, const char *arn, struct err *err)
{
	int row = sql_exists(cloud->db, err,
		"SELECT 1 FROM states_machine WHERE arn = ?1 AND status = 'ACTIVE' UNION ALL "
		"SELECT 1 FROM states_activity WHERE arn = ?1",
		"s", arn);

	if (row == 0)
		local_fault(err, 400, "ResourceNotFound", "Resource not found: '%s'", arn);
	return row > 0 ? 0 : -1;
}

static int tagging_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct tagging *t = payload;

	if (find_resource_tx(cloud, t->arn, err) || local_tags_set(cloud, t->arn, t->tags, err) ||
		local_tags_remove(cloud, t->arn, t->keys, err) ||
		local_tags_get(cloud, t->arn, &t->all, err))
		return -1;
	if (json_len(t->all) <= TAGS_MAX)
		return 0;
	return local_fault(err, 400, "TooManyTags",
		"Too Many Tags: 'A resource can have at most %d tags'", TAGS_MAX);
}

static int check_resource(const struct local_request *req, struct tagging *t, struct err *err)
{
	struct states_arn a;

	t->arn = json_get_str(req->in, "resourceArn");
	if (states_check_string(req->in, "resourceArn", true, 1, 256, err) ||
		states_arn_parse(t->arn, "stateMachine|activity", &a, err))
		return -1;
	states_arn_release(&a);
	return 0;
}

static int required(const struct json *in, const char *member, struct err *err)
{
	if (json_is(json_get(in, member), JSON_ARRAY))
		return 0;
	return states_invalid(err,
		"1 validation error detected: Value null at '%s' failed to satisfy constraint: "
		"Member "
		"must not be null",
		member);
}

static int tag(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct tagging t = {0};
	int ret = -1;

	if (!check_resource(req, &t, err) && !required(req->in, "tags", err) &&
		!states_tags_read(json_get(req->in, "tags"), &t.tags, err))
		ret = local_tx(cloud, tagging_tx, &t, err);
	json_free(t.tags);
	json_free(t.all);
	return ret;
}

static int untag(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct tagging t = {.keys = json_get(req->in, "tagKeys")};
	int ret = -1;

	if (!check_resource(req, &t, err) && !required(req->in, "tagKeys", err))
		ret = local_tx(cloud, tagging_tx, &t, err);
	json_free(t.all);
	return ret;
}

static int list_tags(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct tagging t = {0};
	struct json *list, *e;

	if (check_resource(req, &t, err) || local_tx(cloud, tagging_tx, &t, err)) {
		json_free(t.all);
		return -1;
	}
	list = json_array();
	json_each(e, t.all)
	{
		struct json *o = json_object();

		json_set_str(o, "key", json_name(e));
		json_set_str(o, "value", json_str(e));
		json_push(list, o);
	}
	json_free(t.all);
	*out = json_object();
	json_set(*out, "tags", list);
	return 0;
}

/* --- versions --- */

/* The newest version of the machine; 1, 0, -1. */
static int newest_version_tx(struct local_cloud *cloud, const char *machine_arn, int64_t *number,
	char **arn, char **revision, int64_t *created_ms, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT number, arn, revision, created_ms FROM states_version WHERE machine_arn = "
		"? ORDER "
		"BY number DESC LIMIT 1",
		"s", machine_arn);
	int row = st ? sql_step(st, err) : -1;

	*number = row > 0 ? sql_int(st, 0) : 0;
	*arn = row > 0 ? sql_text_dup(st, 1) : NULL;
	*revision = row > 0 ? sql_text_dup(st, 2) : NULL;
	*created_ms = row > 0 ? sql_int(st, 3) : 0;
	sql_done(st);
	return row;
}

static int count_versions_tx(
	struct local_cloud *cloud, const char *machine_arn, int64_t *count, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT COUNT(*) FROM states_version WHERE machine_arn = ?", "s", machine_arn);
	int row = st ? sql_step(st, err) : -1;

	*count = row > 0 ? sql_int(st, 0) : 0;
	sql_done(st);
	return row < 0 ? -1 : 0;
}

int states_publish_tx(struct local_cloud *cloud, const struct states_machine *m,
	const char *description, struct json *out, struct err *err)
{
	int64_t number, created_ms, count;
	char *arn, *revision;
	int row = newest_version_tx(cloud, m->arn, &number, &arn, &revision, &created_ms, err);

	/* publishing what is published already changes nothing */
	if (row > 0 && !strcmp(revision, m->revision))
		goto out;
	free(arn);
	arn = xasprintf("%s:%lld", m->arn, (long long)number + 1);
	created_ms = local_now_ms(cloud);
	if (row >= 0)
		row = count_versions_tx(cloud, m->arn, &count, err);
	if (row >= 0 && count >= VERSIONS_MAX)
		row = local_fault(err, 400, "ServiceQuotaExceededException",
			"The number of versions of a state machine is limited to %d", VERSIONS_MAX);
	if (row >= 0)
		row = sql_run(cloud->db, NULL, err,
			"INSERT INTO states_version(arn, machine_arn, number, revision, "
			"description, "
			"created_ms) VALUES(?, ?, ?, ?, ?, ?)",
			"ssissi", arn, m->arn, number + 1, m->revision, description, created_ms);
out:
	if (row >= 0) {
		json_set_str(out, "stateMachineVersionArn", arn);
		if (!json_get(out, "creationDate") && !json_get(out, "updateDate"))
			states_set_time(out, "creationDate", created_ms);
	}
	free(arn);
	free(revision);
	return row < 0 ? -1 : 0;
}

struct versions {
	const struct local_request *req;
	const char *arn;
	struct json *out;
	int64_t limit, before;
};

static int publish_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct versions *v = payload;
	const char *revision = json_get_str(v->req->in, "revisionId");
	struct states_machine m;
	int ret;

	if (states_machine_find_tx(cloud, v->arn, &m, err))
		return -1;
	if (!strcmp(m.status, "DELETING"))
		ret = local_fault(err, 400, "StateMachineDeleting",
			"State Machine is being deleted: '%s'", v->arn);
	else if (revision && strcmp(revision, m.revision) &&
		 !(m.created_ms == m.updated_ms && !strcmp(revision, "INITIAL")))
		ret = local_fault(err, 400, "ConflictException",
			"Failed to publish the State Machine version for revision %s. The current "
			"State "
			"Machine revision is %s.",
			revision, m.created_ms == m.updated_ms ? "INITIAL" : m.revision);
	else
		ret = states_publish_tx(
			cloud, &m, json_get_str(v->req->in, "description"), v->out, err);
	states_machine_release(&m);
	return ret;
}

static int run_versions(struct local_cloud *cloud, struct versions *v, local_tx_fn *fn,
	struct json **out, struct err *err)
{
	struct states_arn a;

	v->arn = json_get_str(v->req->in, "stateMachineArn");
	if (states_check_string(v->req->in, "stateMachineArn", true, 1, 256, err) ||
		states_arn_parse(v->arn, "stateMachine", &a, err))
		return -1;
	states_arn_release(&a);
	v->out = json_object();
	if (local_tx(cloud, fn, v, err)) {
		json_free(v->out);
		return -1;
	}
	*out = v->out;
	return 0;
}

static int publish_version(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct versions v = {.req = req};

	if (states_check_string(req->in, "description", false, 0, 256, err))
		return -1;
	return run_versions(cloud, &v, publish_tx, out, err);
}

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct versions *v = payload;
	struct json *list = json_array();
	struct states_machine m;
	struct sql_stmt *st;
	int64_t n = 0, last = 0;
	int row = -1;

	json_set(v->out, "stateMachineVersions", list);
	if (states_machine_find_tx(cloud, v->arn, &m, err))
		return -1;
	states_machine_release(&m);
	st = sql_query(cloud->db, err,
		"SELECT number, arn, created_ms FROM states_version WHERE machine_arn = ? AND (?2 "
		"= 0 OR "
		"number < ?2) ORDER BY number DESC LIMIT ?",
		"sii", v->arn, v->before, v->limit + 1);
	while (st && (row = sql_step(st, err)) > 0 && n++ < v->limit) {
		struct json *o = json_object();

		last = sql_int(st, 0);
		json_set_str(o, "stateMachineVersionArn", sql_text(st, 1));
		states_set_time(o, "creationDate", sql_int(st, 2));
		json_push(list, o);
	}
	sql_done(st);
	if (row > 0)
		states_set_token(v->out, v->arn, last);
	return row < 0 ? -1 : 0;
}

static int list_versions(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct versions v = {.req = req};

	if (states_page(
		    req->in, json_get_str(req->in, "stateMachineArn"), &v.limit, &v.before, err))
		return -1;
	return run_versions(cloud, &v, list_tx, out, err);
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const char *arn = payload;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT a.arn FROM states_alias a, json_each(a.routing) r WHERE "
		"json_extract(r.value, "
		"'$.stateMachineVersionArn') = ?",
		"s", arn);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0)
		row = local_fault(err, 400, "ConflictException",
			"Version to be deleted must not be referenced by an alias. Current list of "
			"aliases referencing this version: [%s]",
			strrchr(sql_text(st, 0), ':') + 1);
	sql_done(st);
	if (row < 0)
		return -1;
	return sql_run(cloud->db, NULL, err, "DELETE FROM states_version WHERE arn = ?", "s", arn);
}

static int delete_version(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	const char *arn = json_get_str(req->in, "stateMachineVersionArn");
	struct states_arn a;
	int ret;

	if (states_check_string(req->in, "stateMachineVersionArn", true, 1, 2000, err) ||
		states_arn_parse(arn, "stateMachine", &a, err))
		return -1;
	ret = a.qualifier ? local_tx(cloud, delete_tx, (void *)arn, err)
			  : states_invalid(err, "The resource '%s' is not a version", arn);
	states_arn_release(&a);
	return ret;
}

static const struct local_route tag_routes[] = {
	{"ListTagsForResource", list_tags, states_route_arn},
	{"TagResource", tag, states_route_arn},
	{"UntagResource", untag, states_route_arn},
};

static const struct local_route version_routes[] = {
	{"DeleteStateMachineVersion", delete_version, states_route_arn},
	{"ListStateMachineVersions", list_versions, states_route_arn},
	{"PublishStateMachineVersion", publish_version, states_route_arn},
};

const struct local_service local_states_tag_service = {
	"states", tag_routes, ARRAY_SIZE(tag_routes)};
const struct local_service local_states_version_service = {
	"states", version_routes, ARRAY_SIZE(version_routes)};
