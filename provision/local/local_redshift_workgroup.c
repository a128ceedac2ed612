/* Workgroups ("CreateWorkgroup" and its kin), and GetCredentials. */
#include "local_glue.h"
#include "local_redshift.h"
#include "local_services.h"

#define DEFAULT_CAPACITY 128
#define DEFAULT_PORT 5439

struct call {
	const struct local_request *req;
	struct redshift_workgroup w;
	struct json *tags;
	const char *status;
};

static struct json *wrap(const struct redshift_workgroup *w)
{
	struct json *out = json_object();

	json_set(out, "workgroup", json_copy(w->doc));
	return out;
}

/* --- input --- */

static int bad_number(const char *member, int64_t value, const char *rule, struct err *err)
{
	return redshift_invalid(
		err, "The value %lld of %s is not valid: %s.", (long long)value, member, rule);
}

static int check_capacity(const struct json *in, struct err *err)
{
	int64_t base = json_get_i64(in, "baseCapacity", DEFAULT_CAPACITY),
		max = json_get_i64(in, "maxCapacity", 0);

	if (json_get(in, "baseCapacity") && (base < 4 || base > 1024 || (base != 4 && base % 8)))
		return bad_number("baseCapacity", base, "4, or 8 to 1024 in steps of 8", err);
	if (json_get(in, "maxCapacity") && (max < 8 || max > 5632 || max % 8))
		return bad_number("maxCapacity", max, "8 to 5632 in steps of 8", err);
	return 0;
}

static int check_port(const struct json *in, struct err *err)
{
	int64_t port = json_get_i64(in, "port", DEFAULT_PORT);

	if ((port >= 5431 && port <= 5455) || (port >= 8191 && port <= 8215))
		return 0;
	return bad_number("port", port, "5431 to 5455 or 8191 to 8215", err);
}

/* What a workgroup can be told, and what it is told when it is not. */
static const struct {
	const char *key, *value;
} parameters[] = {
	{"auto_mv", "true"},
	{"datestyle", "ISO, MDY"},
	{"enable_case_sensitive_identifier", "false"},
	{"enable_user_activity_logging", "true"},
	{"query_group", "default"},
	{"require_ssl", "true"},
	{"search_path", "$user, public"},
	{"use_fips_ssl", "false"},
	{"max_query_blocks_read", NULL},
	{"max_query_cpu_time", NULL},
	{"max_query_cpu_usage_percent", NULL},
	{"max_query_execution_time", "14400"},
	{"max_query_queue_time", NULL},
	{"max_query_temp_blocks_to_disk", NULL},
	{"max_join_row_count", NULL},
	{"max_nested_loop_join_row_count", NULL},
	{"max_return_row_count", NULL},
	{"max_scan_row_count", NULL},
	{"wlm_json_configuration", NULL},
};

static int check_parameters(const struct json *in, struct err *err)
{
	const struct json *p;

	json_each(p, json_get(in, "configParameters"))
	{
		const char *key = json_get_str(p, "parameterKey");
		bool known = false;
		for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
			known |= key && !strcmp(parameters[i].key, key);
		if (!known || !json_get_str(p, "parameterValue"))
			return redshift_invalid(err, "The configuration parameter %s is not valid.",
				key ? key : "null");
		if (!strcmp(key, "enable_case_sensitive_identifier") &&
			iequals(json_get_str(p, "parameterValue"), "true"))
			return redshift_invalid(err, "The local cloud does not support "
						     "enable_case_sensitive_identifier.");
	}
	return 0;
}

static int check(const struct json *in, struct err *err)
{
	if (check_capacity(in, err) || check_port(in, err) || check_parameters(in, err))
		return -1;
	if (json_get_str(in, "ipAddressType") &&
		strcmp(json_get_str(in, "ipAddressType"), "ipv4") != 0 &&
		strcmp(json_get_str(in, "ipAddressType"), "dualstack") != 0)
		return redshift_invalid(err,
			"1 validation error detected: Value '%.40s' at 'ipAddressType' failed to "
			"satisfy constraint: Member must satisfy regular expression pattern: "
			"^(ipv4|dualstack)$",
			json_get_str(in, "ipAddressType"));
	return 0;
}

/* --- the document --- */

/* All parameters, with what was given on top of `doc`'s. */
static void set_parameters(struct json *doc, const struct json *given)
{
	struct json *list = json_array(), *p;
	const struct json *old = json_get(doc, "configParameters");

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		const char *value = parameters[i].value;
		const struct json *const sides[] = {old, given};
		for (size_t k = 0; k < ARRAY_SIZE(sides); k++)
			json_each(p, sides[k]) if (!strcmp(json_get_str(p, "parameterKey"),
							   parameters[i].key)) value =
				json_get_str(p, "parameterValue");
		if (!value)
			continue;
		p = json_object();
		json_set_str(p, "parameterKey", parameters[i].key);
		json_set_str(p, "parameterValue", value);
		json_push(list, p);
	}
	json_set(doc, "configParameters", list);
}

static const char *const changeable[] = {"baseCapacity", "configParameters", "enhancedVpcRouting",
	"extraComputeForAutomaticOptimization", "ipAddressType", "maxCapacity", "port",
	"pricePerformanceTarget", "publiclyAccessible", "securityGroupIds", "subnetIds",
	"trackName"};

static void take_given(struct local_cloud *cloud, const struct json *in,
	struct redshift_workgroup *w, const char *region)
{
	struct json *endpoint = json_object();
	char *address = xasprintf(
		"%s.%s.%s.redshift-serverless.amazonaws.com", w->name, cloud->account, region);

	for (size_t i = 0; i < ARRAY_SIZE(changeable); i++) {
		const struct json *v = json_get(in, changeable[i]);
		if (v && !json_is(v, JSON_NULL) && strcmp(changeable[i], "configParameters") != 0)
			json_set(w->doc, changeable[i], json_copy(v));
	}
	set_parameters(w->doc, json_get(in, "configParameters"));
	json_set_str(endpoint, "address", address);
	json_set_i64(endpoint, "port", json_get_i64(w->doc, "port", DEFAULT_PORT));
	json_set(endpoint, "vpcEndpoints", json_array());
	json_set(w->doc, "endpoint", endpoint);
	free(address);
}

static int store_tx(struct local_cloud *cloud, struct call *c, struct err *err)
{
	char *text = redshift_doc_text(c->w.doc);
	int r = sql_run(cloud->db, NULL, err,
		"INSERT INTO redshift_workgroup (name, id, arn, namespace, doc, status, until_ms) "
		"VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET doc = excluded.doc, "
		"status = excluded.status, until_ms = excluded.until_ms",
		"ssssssi", c->w.name, c->w.id, c->w.arn, c->w.space, text, c->status,
		local_now_ms(cloud) + REDSHIFT_CHANGE_MS);

	free(text);
	json_set_str(c->w.doc, "status", c->status);
	return r;
}

/* --- create --- */

static int room_tx(struct local_cloud *cloud, const struct call *c, struct err *err)
{
	struct redshift_namespace n = {0};
	struct redshift_workgroup old = {0};
	struct err none = ERR_INIT;
	struct sql_stmt *st;
	int row, r;

	if (!redshift_workgroup_tx(cloud, c->w.name, &old, &none)) {
		redshift_workgroup_release(&old);
		return redshift_conflict(err, "Workgroup %s already exists.", c->w.name);
	}
	err_release(&none);
	r = redshift_namespace_tx(cloud, c->w.space, &n, err);
	if (!r)
		r = redshift_at_rest(n.doc, "namespace", err);
	redshift_namespace_release(&n);
	if (r)
		return -1;
	st = sql_query(cloud->db, err, "SELECT name FROM redshift_workgroup WHERE namespace = ?",
		"s", c->w.space);
	row = st ? sql_step(st, err) : -1;
	if (row > 0)
		redshift_conflict(err, "Namespace %s is already associated with workgroup %s.",
			c->w.space, sql_text(st, 0));
	sql_done(st);
	return row ? -1 : 0;
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *c = payload;

	if (room_tx(cloud, c, err) || store_tx(cloud, c, err))
		return -1;
	return local_tags_set(cloud, c->w.arn, c->tags, err);
}

static void fill_new(struct local_cloud *cloud, struct call *c)
{
	const struct json *in = c->req->in;
	struct redshift_workgroup *w = &c->w;
	struct json *target = json_object();

	w->name = xstrdup(json_get_str(in, "workgroupName"));
	w->space = xstrdup(json_get_str(in, "namespaceName"));
	w->id = local_uuid();
	w->arn = local_arn(cloud, "redshift-serverless", c->req->region, "workgroup/%s", w->id);
	w->doc = json_object();
	json_set_i64(w->doc, "baseCapacity", DEFAULT_CAPACITY);
	redshift_set_date(w->doc, "creationDate", local_now_ms(cloud));
	json_set(w->doc, "crossAccountVpcs", json_array());
	json_set_bool(w->doc, "enhancedVpcRouting", false);
	json_set_str(w->doc, "ipAddressType", "ipv4");
	json_set_str(w->doc, "namespaceName", w->space);
	json_set_str(w->doc, "patchVersion", "1.0.63282");
	json_set_i64(w->doc, "port", DEFAULT_PORT);
	json_set_str(target, "status", "DISABLED");
	json_set(w->doc, "pricePerformanceTarget", target);
	json_set_bool(w->doc, "publiclyAccessible", false);
	json_set(w->doc, "securityGroupIds", json_array());
	json_set(w->doc, "subnetIds", json_array());
	json_set_str(w->doc, "trackName", "current");
	json_set_str(w->doc, "workgroupArn", w->arn);
	json_set_str(w->doc, "workgroupId", w->id);
	json_set_str(w->doc, "workgroupName", w->name);
	json_set_str(w->doc, "workgroupVersion", "1.0");
	take_given(cloud, in, w, c->req->region);
}

static int create(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call c = {.req = req, .status = "CREATING"};
	int r = -1;

	if (redshift_check_name(req->in, "workgroupName", err) ||
		redshift_check_name(req->in, "namespaceName", err) || check(req->in, err) ||
		!(c.tags = redshift_tags(req->in, err)))
		goto out;
	fill_new(cloud, &c);
	if (json_get(c.w.doc, "maxCapacity") &&
		json_get_i64(c.w.doc, "maxCapacity", 0) < json_get_i64(c.w.doc, "baseCapacity", 0))
		redshift_invalid(
			err, "The maxCapacity of a workgroup can't be below its baseCapacity.");
	else
		r = redshift_tx(cloud, create_tx, &c, err);
	if (!r)
		*out = wrap(&c.w);
out:
	json_free(c.tags);
	redshift_workgroup_release(&c.w);
	return r;
}

/* --- read --- */

static int find_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *c = payload;

	return redshift_workgroup_tx(cloud, json_get_str(c->req->in, "workgroupName"), &c->w, err);
}

static int get(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call c = {.req = req};
	int r = redshift_check_name(req->in, "workgroupName", err) ||
		redshift_tx(cloud, find_tx, &c, err);

	if (!r)
		*out = wrap(&c.w);
	redshift_workgroup_release(&c.w);
	return r ? -1 : 0;
}

static int list(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	static const struct redshift_listing workgroups = {"workgroups",
		"SELECT name, doc, status FROM redshift_workgroup WHERE name > ?1 ORDER BY name "
		"LIMIT ?3",
		NULL};

	return redshift_list(cloud, req, &workgroups, NULL, out, err);
}

/* --- change --- */

static int one_change(const struct json *in, struct err *err)
{
	int nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(changeable); i++)
		nr += json_get(in, changeable[i]) &&
		      !json_is(json_get(in, changeable[i]), JSON_NULL);
	if (nr == 1)
		return 0;
	return redshift_invalid(err,
		nr ? "You can't update multiple parameters in one request. For example, you can "
		     "update baseCapacity or port in a single request, but you can't update both "
		     "in the same request."
		   : "The request has no parameter to update.");
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *c = payload;

	if (find_tx(cloud, c, err) || redshift_at_rest(c->w.doc, "workgroup", err))
		return -1;
	take_given(cloud, c->req->in, &c->w, c->req->region);
	if (json_get_i64(c->w.doc, "maxCapacity", INT64_MAX) <
		json_get_i64(c->w.doc, "baseCapacity", 0))
		return redshift_invalid(
			err, "The maxCapacity of a workgroup can't be below its baseCapacity.");
	return store_tx(cloud, c, err);
}

static int update(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call c = {.req = req, .status = "MODIFYING"};
	int r = redshift_check_name(req->in, "workgroupName", err) || one_change(req->in, err) ||
		check(req->in, err) || redshift_tx(cloud, update_tx, &c, err);

	if (!r)
		*out = wrap(&c.w);
	redshift_workgroup_release(&c.w);
	return r ? -1 : 0;
}

static int remove_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *c = payload;

	if (find_tx(cloud, c, err) || redshift_at_rest(c->w.doc, "workgroup", err))
		return -1;
	return store_tx(cloud, c, err);
}

static int remove_one(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call c = {.req = req, .status = "DELETING"};
	int r = redshift_check_name(req->in, "workgroupName", err) ||
		redshift_tx(cloud, remove_tx, &c, err);

	if (!r) {
		redshift_cancel(cloud, NULL, c.w.name);
		*out = wrap(&c.w);
	}
	redshift_workgroup_release(&c.w);
	return r ? -1 : 0;
}

/* --- credentials --- */

static int get_credentials(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct call c = {.req = req};
	int64_t seconds = json_get_i64(req->in, "durationSeconds", 900), now = local_now_ms(cloud);
	char *password;
	int r;

	if (json_get_str(req->in, "customDomainName"))
		return redshift_invalid(
			err, "The local cloud does not support custom domains: customDomainName.");
	if (seconds < 900 || seconds > 3600)
		return bad_number("durationSeconds", seconds, "900 to 3600", err);
	r = redshift_check_name(req->in, "workgroupName", err) ||
	    redshift_tx(cloud, find_tx, &c, err);
	if (!r) {
		char *user = req->who->role_name ? xasprintf("IAMR:%s", req->who->role_name)
						 : xstrdup("IAM:root");
		password = local_id("", 64);
		*out = json_object();
		json_set_str(*out, "dbPassword", password);
		json_set_str(*out, "dbUser", user);
		json_set_dbl(*out, "expiration", (double)(now / 1000 + seconds));
		json_set_dbl(*out, "nextRefreshTime", (double)(now / 1000 + seconds));
		free(password);
		free(user);
	}
	redshift_workgroup_release(&c.w);
	return r ? -1 : 0;
}

/* --- routes --- */

static void arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	struct call c = {.req = req};
	struct err none = ERR_INIT;

	if (redshift_tx(cloud, find_tx, &c, &none))
		err_release(&none);
	strbuf_addstr(arn, c.w.arn ? c.w.arn : "");
	redshift_workgroup_release(&c.w);
}

static const struct local_route routes[] = {
	{"CreateWorkgroup", create, NULL},
	{"DeleteWorkgroup", remove_one, arn_of},
	{"GetCredentials", get_credentials, arn_of},
	{"GetWorkgroup", get, arn_of},
	{"ListWorkgroups", list, NULL},
	{"UpdateWorkgroup", update, arn_of},
};

const struct local_service local_redshift_workgroup_service = {
	"redshift-serverless", routes, ARRAY_SIZE(routes)};
