/* Event buses and their policies, tags, and what all operations of EventBridge share. */
#include "local_events_internal.h"

#include "local_policy.h"
#include "strvec.h"
#include "xalloc.h"

/* --- shared --- */

char *events_bus_name(const char *name_or_arn)
{
	const char *slash;

	if (!name_or_arn || !*name_or_arn)
		return xstrdup(EVENTS_DEFAULT);
	slash = starts_with(name_or_arn, "arn:") ? strchr(name_or_arn, '/') : NULL;
	return xstrdup(slash ? slash + 1 : name_or_arn);
}

char *events_rule_arn(
	struct local_cloud *cloud, const char *region, const char *bus, const char *name)
{
	if (!strcmp(bus, EVENTS_DEFAULT))
		return local_arn(cloud, "events", region, "rule/%s", name);
	return local_arn(cloud, "events", region, "rule/%s/%s", bus, name);
}

int events_check_name(
	const char *member, const char *name, size_t max, bool slashes, struct err *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
	size_t good = name ? strspn(name, letters) : 0;

	if (!name)
		return events_invalid(err,
			"1 validation error detected: Value null at '%s' failed to satisfy "
			"constraint: Member must not be null",
			member);
	if (!*name || strlen(name) > max)
		return events_invalid(err,
			"1 validation error detected: Value '%s' at '%s' failed to satisfy "
			"constraint: Member must have length %s than or equal to %zu",
			name, member, *name ? "less" : "greater", *name ? max : 1);
	if (name[good] || (!slashes && strchr(name, '/')))
		return events_invalid(err,
			"1 validation error detected: Value '%s' at '%s' failed to satisfy "
			"constraint: Member must satisfy regular expression pattern: "
			"[\\.\\-_%sA-Za-z0-9]+",
			name, member, slashes ? "/" : "");
	return 0;
}

int events_read_tags(const struct json *list, struct json **out, struct err *err)
{
	const struct json *t;

	*out = json_object();
	json_each(t, list)
	{
		const char *key = json_get_str(t, "Key"), *value = json_get_str(t, "Value");

		if (!key || !*key || strlen(key) > 128 || !value || strlen(value) > 256)
			return events_invalid(err, "A tag has a key of 1 to 128 characters and a "
						   "value of up to 256");
		if (starts_with(key, "aws:"))
			return events_invalid(err, "Tag keys cannot begin with aws:");
		json_set_str(*out, key, value);
	}
	return 0;
}

int events_page(const struct json *in, int64_t *limit, char **after, struct err *err)
{
	*after = NULL;
	*limit = json_get_i64(in, "Limit", 100);
	if (*limit < 1 || *limit > 100)
		return events_invalid(err,
			"1 validation error detected: Value '%lld' at 'limit' failed to satisfy "
			"constraint: Member must have value between 1 and 100",
			(long long)*limit);
	return local_token_read(json_get_str(in, "NextToken"), "ValidationException", after, err);
}

void events_arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const struct json *in = req->in;
	const char *given = json_get_str(in, "ResourceARN"), *rule = json_get_str(in, "Rule"),
		   *name = json_get_str(in, "Name");
	bool of_bus = strstr(req->operation, "EventBus") || strstr(req->operation, "Permission");
	char *bus = events_bus_name(of_bus && name ? name : json_get_str(in, "EventBusName")),
	     *text;

	if (given)
		text = xstrdup(given);
	else if (of_bus)
		text = local_arn(cloud, "events", req->region, "event-bus/%s", bus);
	else
		text = events_rule_arn(cloud, req->region, bus, rule ? rule : name ? name : "*");
	strbuf_addstr(arn, text);
	free(text);
	free(bus);
}

/* --- buses --- */

int events_bus_need_tx(
	struct local_cloud *cloud, const char *region, const char *name, struct err *err)
{
	int row;

	if (!strcmp(name, EVENTS_DEFAULT))
		return 0;
	row = sql_exists(cloud->db, err, "SELECT 1 FROM events_bus WHERE region = ? AND name = ?",
		"ss", region, name);
	if (!row)
		return events_not_found(err, "Event bus %s does not exist.", name);
	return row < 0 ? -1 : 0;
}

/* The document of a bus; the default one is always there. */
static int read_tx(struct local_cloud *cloud, const char *region, const char *name,
	struct json **out, struct err *err)
{
	struct sql_stmt *st;
	char *arn;
	int row;

	*out = NULL;
	if (events_bus_need_tx(cloud, region, name, err))
		return -1;
	st = sql_query(cloud->db, err, "SELECT doc FROM events_bus WHERE region = ? AND name = ?",
		"ss", region, name);
	row = st ? sql_step(st, err) : -1;
	*out = row > 0 ? json_parse(sql_text(st, 0), strlen(sql_text(st, 0)), NULL) : json_object();
	sql_done(st);
	arn = local_arn(cloud, "events", region, "event-bus/%s", name);
	json_set_str(*out, "Name", name);
	json_set_str(*out, "Arn", arn);
	free(arn);
	return row < 0 ? -1 : 0;
}

static int write_tx(struct local_cloud *cloud, const char *region, const char *name,
	const struct json *doc, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret;

	json_print(doc, &text);
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO events_bus (region, name, doc) VALUES (?, ?, ?) ON CONFLICT (region, "
		"name) DO UPDATE SET doc = excluded.doc",
		"sss", region, name, text.buf);
	strbuf_release(&text);
	return ret;
}

static int create_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	static const char *const kept[] = {
		"Description", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig"};
	const char *name = json_get_str(k->in, "Name");
	struct json *tags = NULL, *doc = json_object();
	struct err why = ERR_INIT;
	char *arn = NULL;
	int ret = events_check_name("name", name, 256, false, err);

	if (!ret && json_get(k->in, "EventSourceName"))
		ret = events_invalid(err, "the local cloud has no partner event sources");
	if (!ret && (!strcmp(name, EVENTS_DEFAULT) ||
			    events_bus_need_tx(cloud, k->req->region, name, &why) == 0))
		ret = local_fault(err, 400, "ResourceAlreadyExistsException",
			"Event bus %s already exists.", name);
	if (!ret)
		ret = events_read_tags(json_get(k->in, "Tags"), &tags, err);
	if (ret)
		goto out;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		json_set(doc, kept[i], json_copy(json_get(k->in, kept[i])));
	arn = local_arn(cloud, "events", k->req->region, "event-bus/%s", name);
	json_set_i64(doc, "CreationTime", local_now_ms(cloud) / 1000);
	json_set_i64(doc, "LastModifiedTime", local_now_ms(cloud) / 1000);
	ret = write_tx(cloud, k->req->region, name, doc, err);
	if (!ret)
		ret = local_tags_set(cloud, arn, tags, err);
	k->out = json_object();
	json_set_str(k->out, "EventBusArn", arn);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		json_set(k->out, kept[i], json_copy(json_get(doc, kept[i])));
out:
	err_release(&why);
	json_free(tags);
	json_free(doc);
	free(arn);
	return ret;
}
LOCAL_HANDLER(create_bus, create_tx)

/* One that is not there is fine; one with rules is not. */
static int delete_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *name = json_get_str(k->in, "Name");
	char *arn;
	int row, ret = events_check_name("name", name, 256, false, err);

	if (ret)
		return -1;
	if (!strcmp(name, EVENTS_DEFAULT))
		return events_invalid(err, "Cannot delete event bus default.");
	row = sql_exists(cloud->db, err, "SELECT 1 FROM events_rule WHERE region = ? AND bus = ?",
		"ss", k->req->region, name);
	if (row > 0)
		return events_invalid(
			err, "Event bus %s can't be deleted since it has rules.", name);
	arn = local_arn(cloud, "events", k->req->region, "event-bus/%s", name);
	ret = row < 0 ||
	      sql_run(cloud->db, NULL, err, "DELETE FROM events_bus WHERE region = ? AND name = ?",
		      "ss", k->req->region, name) ||
	      local_tags_clear(cloud, arn, err);
	free(arn);
	return ret ? -1 : 0;
}
LOCAL_HANDLER(delete_bus, delete_tx)

static int describe_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	char *name = events_bus_name(json_get_str(k->in, "Name"));
	int ret = read_tx(cloud, k->req->region, name, &k->out, err);

	free(name);
	return ret;
}
LOCAL_HANDLER(describe_bus, describe_tx)

static int list_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *prefix = json_get_str(k->in, "NamePrefix");
	struct json *list = json_array();
	char *after = NULL, *token;
	const char *last = NULL;
	struct sql_stmt *st = NULL;
	struct strvec names = STRVEC_INIT;
	int64_t limit;
	int row = -1;

	k->out = json_object();
	json_set(k->out, "EventBuses", list);
	if (events_page(k->in, &limit, &after, err))
		goto out;
	/* the default one has no row until it has a policy */
	st = sql_query(cloud->db, err,
		"SELECT name FROM (SELECT 'default' AS name UNION SELECT name FROM events_bus "
		"WHERE "
		"region = ?) WHERE name > ? AND substr(name, 1, length(?3)) = ?3 ORDER BY name "
		"LIMIT "
		"?",
		"sssi", k->req->region, after ? after : "", prefix ? prefix : "", limit + 1);
	while (st && (row = sql_step(st, err)) > 0)
		strvec_push(&names, sql_text(st, 0));
	sql_done(st);
	for (size_t i = 0; row == 0 && i < names.nr; i++) {
		const char *name = names.v[i];
		struct json *bus;

		if (json_len(list) == (size_t)limit) {
			token = local_token_make(last);
			json_set_str(k->out, "NextToken", token);
			free(token);
			break;
		}
		last = name;
		row = read_tx(cloud, k->req->region, name, &bus, err);
		if (!row) {
			json_remove(bus, "DeadLetterConfig");
			json_remove(bus, "KmsKeyIdentifier");
			json_remove(bus, "LogConfig");
			json_push(list, bus);
		} else {
			json_free(bus);
		}
	}
out:
	strvec_release(&names);
	free(after);
	return row < 0 ? -1 : 0;
}
LOCAL_HANDLER(list_buses, list_tx)

static int update_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	static const char *const kept[] = {
		"Description", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig"};
	char *name = events_bus_name(json_get_str(k->in, "Name"));
	int ret = read_tx(cloud, k->req->region, name, &k->out, err);

	for (size_t i = 0; !ret && i < ARRAY_SIZE(kept); i++) {
		json_remove(k->out, kept[i]);
		json_set(k->out, kept[i], json_copy(json_get(k->in, kept[i])));
	}
	if (!ret) {
		json_set_i64(k->out, "LastModifiedTime", local_now_ms(cloud) / 1000);
		ret = write_tx(cloud, k->req->region, name, k->out, err);
		json_remove(k->out, "Policy");
		json_remove(k->out, "CreationTime");
		json_remove(k->out, "LastModifiedTime");
	}
	free(name);
	return ret;
}
LOCAL_HANDLER(update_bus, update_tx)

/* --- policies of buses: kept and shown; in one account they open nothing that is not open --- */

static int put_permission_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *text = json_get_str(k->in, "Policy"), *id = json_get_str(k->in, "StatementId"),
		   *who = json_get_str(k->in, "Principal"), *what = json_get_str(k->in, "Action");
	char *name = events_bus_name(json_get_str(k->in, "EventBusName")), *made = NULL, *arn;
	struct json *bus = NULL, *doc = NULL;
	struct err why = ERR_INIT;
	int ret = read_tx(cloud, k->req->region, name, &bus, err);

	if (!ret && !text && (!id || !who || !what))
		ret = events_invalid(err, "Parameter StatementId, Principal and Action, or Policy, "
					  "must be given");
	if (!ret && !text) {
		arn = local_arn(cloud, "events", k->req->region, "event-bus/%s", name);
		made = xasprintf("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"%s\","
				 "\"Effect\":\"Allow\",\"Principal\":%s%s%s,\"Action\":\"%s\","
				 "\"Resource\":\"%s\"}]}",
			id, strcmp(who, "*") ? "{\"AWS\":\"arn:aws:iam::" : "\"", who,
			strcmp(who, "*") ? ":root\"}" : "\"", what, arn);
		text = made;
		free(arn);
	}
	if (!ret && policy_check(text, POLICY_RESOURCE, &doc, &why))
		ret = events_invalid(err, "Invalid policy: %s", why.text);
	if (!ret) {
		json_set_str(bus, "Policy", text);
		ret = write_tx(cloud, k->req->region, name, bus, err);
	}
	err_release(&why);
	json_free(doc);
	json_free(bus);
	free(made);
	free(name);
	return ret;
}
LOCAL_HANDLER(put_permission, put_permission_tx)

static int remove_permission_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *id = json_get_str(k->in, "StatementId"), *text;
	char *name = events_bus_name(json_get_str(k->in, "EventBusName"));
	bool all = json_get_truth(k->in, "RemoveAllPermissions", false), found = all;
	struct json *bus = NULL, *doc = NULL, *kept = json_array(), *s;
	struct strbuf left = STRBUF_INIT;
	int ret = read_tx(cloud, k->req->region, name, &bus, err);

	text = json_get_str(bus, "Policy");
	doc = text ? json_parse(text, strlen(text), NULL) : NULL;
	json_each(s, all ? NULL : json_get(doc, "Statement"))
	{
		const char *sid = json_get_str(s, "Sid");

		if (sid && id && !strcmp(sid, id))
			found = true;
		else
			json_push(kept, json_copy(s));
	}
	if (!ret && !found)
		ret = events_not_found(err, "Statement with the provided id does not exist.");
	if (!ret) {
		json_remove(bus, "Policy");
		if (json_len(kept)) {
			json_set(doc, "Statement", json_copy(kept));
			json_print(doc, &left);
			json_set_str(bus, "Policy", left.buf);
		}
		ret = write_tx(cloud, k->req->region, name, bus, err);
	}
	strbuf_release(&left);
	json_free(kept);
	json_free(doc);
	json_free(bus);
	free(name);
	return ret;
}
LOCAL_HANDLER(remove_permission, remove_permission_tx)

/* --- tags of rules and buses --- */

static int tagged_tx(
	struct local_cloud *cloud, struct local_call *k, const char **arn, struct err *err)
{
	int row;

	*arn = json_get_str(k->in, "ResourceARN");
	if (!*arn)
		return events_invalid(err, "ResourceARN is missing");
	row = sql_exists(cloud->db, err, "SELECT 1 FROM events_rule WHERE arn = ?", "s", *arn);
	if (row == 0) {
		/* a bus */
		const char *mark = strstr(*arn, ":event-bus/");
		const char *account = strstr(*arn, cloud->account);

		if (mark && account && account < mark &&
			events_bus_need_tx(
				cloud, k->req->region, mark + strlen(":event-bus/"), err) == 0)
			return 0;
		if (mark)
			return -1;
		return events_not_found(err, "Rule %s does not exist on EventBus default.",
			strrchr(*arn, '/') ? strrchr(*arn, '/') + 1 : *arn);
	}
	return row < 0 ? -1 : 0;
}

static int tag_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *tags = NULL;
	const char *arn;
	int ret = tagged_tx(cloud, k, &arn, err);

	if (!ret)
		ret = events_read_tags(json_get(k->in, "Tags"), &tags, err);
	if (!ret)
		ret = local_tags_set(cloud, arn, tags, err);
	json_free(tags);
	return ret;
}
LOCAL_HANDLER(tag_resource, tag_tx)

static int untag_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *arn;
	int ret = tagged_tx(cloud, k, &arn, err);

	return ret ? -1 : local_tags_remove(cloud, arn, json_get(k->in, "TagKeys"), err);
}
LOCAL_HANDLER(untag_resource, untag_tx)

static int list_tags_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *tags = NULL, *list = json_array(), *one, *t;
	const char *arn;
	int ret = tagged_tx(cloud, k, &arn, err);

	if (!ret)
		ret = local_tags_get(cloud, arn, &tags, err);
	json_each(t, tags)
	{
		one = json_object();
		json_set_str(one, "Key", json_name(t));
		json_set_str(one, "Value", json_str(t));
		json_push(list, one);
	}
	k->out = json_object();
	json_set(k->out, "Tags", list);
	json_free(tags);
	return ret;
}
LOCAL_HANDLER(list_tags, list_tags_tx)

static const struct local_route routes[] = {
	{"CreateEventBus", create_bus, events_arn_of},
	{"DeleteEventBus", delete_bus, events_arn_of},
	{"DescribeEventBus", describe_bus, events_arn_of},
	{"ListEventBuses", list_buses, NULL},
	{"ListTagsForResource", list_tags, events_arn_of},
	{"PutPermission", put_permission, events_arn_of},
	{"RemovePermission", remove_permission, events_arn_of},
	{"TagResource", tag_resource, events_arn_of},
	{"UntagResource", untag_resource, events_arn_of},
	{"UpdateEventBus", update_bus, events_arn_of},
};

const struct local_service local_events_bus_service = {"events", routes, ARRAY_SIZE(routes)};
