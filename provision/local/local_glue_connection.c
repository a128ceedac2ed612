#include "local_glue_connection.h"

#include "local_glue.h"
#include "xalloc.h"

#define LIST_MAX 100
#define NAMES_MAX 25

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS glue_connection (name TEXT PRIMARY KEY, region TEXT NOT NULL, "
	"doc TEXT NOT NULL, hidden TEXT NOT NULL, created_ms INTEGER NOT NULL, modified_ms INTEGER "
	"NOT NULL, user TEXT NOT NULL);";

const struct local_part local_glue_connection_part = {.name = "connections", .schema = schema};

/* --- input --- */

static const char *const types[] = {"ADOBEANALYTICS", "ASANA", "AZURECOSMOS", "AZURESQL",
	"BIGQUERY", "BLACKBAUD", "BLACKBAUDRAISEREDGENXT", "CIRCLECI", "CLOUDERAHIVE",
	"CLOUDERAIMPALA", "CLOUDWATCH", "CLOUDWATCHMETRICS", "CMDB", "CUSTOM", "DATADOG",
	"DATALAKEGEN2", "DB2", "DB2AS400", "DOCUMENTDB", "DOCUSIGNMONITOR", "DOMO", "DYNAMODB",
	"DYNATRACE", "FACEBOOKADS", "FACEBOOKPAGEINSIGHTS", "FRESHDESK", "FRESHSALES", "GITLAB",
	"GOOGLEADS", "GOOGLEANALYTICS4", "GOOGLECLOUDSTORAGE", "GOOGLESEARCHCONSOLE",
	"GOOGLESHEETS", "HBASE", "HUBSPOT", "INSTAGRAMADS", "INTERCOM", "JDBC", "JIRACLOUD",
	"KAFKA", "KUSTOMER", "LINKEDIN", "MAILCHIMP", "MARKETO", "MARKETPLACE",
	"MICROSOFTDYNAMIC365FINANCEANDOPS", "MICROSOFTDYNAMICS365CRM", "MICROSOFTTEAMS", "MIXPANEL",
	"MONDAY", "MONGODB", "MYSQL", "NETSUITEERP", "NETWORK", "OKTA", "OPENSEARCH", "ORACLE",
	"PAYPAL", "PENDO", "PIPEDIVE", "PIPEDRIVE", "POSTGRESQL", "PRODUCTBOARD", "QUICKBOOKS",
	"SALESFORCE", "SALESFORCECOMMERCECLOUD", "SALESFORCEMARKETINGCLOUD", "SALESFORCEPARDOT",
	"SAPCONCUR", "SAPHANA", "SAPODATA", "SENDGRID", "SERVICENOW", "SFTP", "SLACK", "SMARTSHEET",
	"SNAPCHATADS", "SQLSERVER", "STRIPE", "SYNAPSE", "TERADATA", "TERADATANOS", "TIMESTREAM",
	"TPCDS", "TWILIO", "VERTICA", "VIEW_VALIDATION_ATHENA", "VIEW_VALIDATION_REDSHIFT",
	"WOOCOMMERCE", "ZENDESK", "ZOHOCRM", "ZOOM", NULL};

static const struct glue_field network_fields[] = {
	{"SubnetId", GLUE_STRING, false, 1, 255, NULL, NULL},
	{"SecurityGroupIdList", GLUE_LIST, false, 0, 50, NULL, NULL},
	{"AvailabilityZone", GLUE_STRING, false, 1, 255, NULL, NULL},
	{0},
};
static const char *const authentications[] = {"BASIC", "OAUTH2", "CUSTOM", "IAM", NULL};
static const struct glue_field application_fields[] = {
	{"UserManagedClientApplicationClientId", GLUE_STRING, false, 0, 2048, NULL, NULL},
	{"AWSManagedClientApplicationReference", GLUE_STRING, false, 0, 2048, NULL, NULL},
	{0},
};
/* What a connection shows of how it says who it is, and what else is taken in. */
static const struct glue_field oauth2_fields[] = {
	{"OAuth2GrantType", GLUE_STRING, false, 0, 0, NULL, NULL},
	{"OAuth2ClientApplication", GLUE_OBJECT, false, 0, 0, NULL, application_fields},
	{"TokenUrl", GLUE_STRING, false, 0, 256, NULL, NULL},
	{"TokenUrlParametersMap", GLUE_MAP, false, 0, 0, NULL, NULL},
	{0},
};
static const struct glue_field authentication_fields[] = {
	{"AuthenticationType", GLUE_STRING, false, 0, 0, authentications, NULL},
	{"SecretArn", GLUE_STRING, false, 0, 0, NULL, NULL},
	{"KmsKeyArn", GLUE_STRING, false, 0, 0, NULL, NULL},
	{"OAuth2Properties", GLUE_OBJECT, false, 0, 0, NULL, oauth2_fields},
	{0},
};
static const struct glue_field input_fields[] = {
	{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},
	{"Description", GLUE_STRING, false, 0, 2048, NULL, NULL},
	{"ConnectionType", GLUE_STRING, true, 0, 0, types, NULL},
	{"MatchCriteria", GLUE_LIST, false, 0, 10, NULL, NULL},
	{"ConnectionProperties", GLUE_MAP, true, 0, 100, NULL, NULL},
	{"SparkProperties", GLUE_MAP, false, 0, 0, NULL, NULL},
	{"AthenaProperties", GLUE_MAP, false, 0, 0, NULL, NULL},
	{"PythonProperties", GLUE_MAP, false, 0, 0, NULL, NULL},
	{"PhysicalConnectionRequirements", GLUE_OBJECT, false, 0, 0, NULL, network_fields},
	{"AuthenticationConfiguration", GLUE_OBJECT, false, 0, 0, NULL, authentication_fields},
	{0},
};
static const struct glue_field create_fields[] = {
	{"ConnectionInput", GLUE_OBJECT, true, 0, 0, NULL, input_fields},
	{0},
};
static const struct glue_field update_fields[] = {
	{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},
	{"ConnectionInput", GLUE_OBJECT, true, 0, 0, NULL, input_fields},
	{0},
};
static const struct glue_field name_fields[] = {
	{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},
	{"HidePassword", GLUE_BOOL, false, 0, 0, NULL, NULL},
	{0},
};
static const struct glue_field delete_fields[] = {
	{"ConnectionName", GLUE_STRING, true, 1, 255, NULL, NULL},
	{0},
};
static const struct glue_field batch_fields[] = {
	{"ConnectionNameList", GLUE_LIST, true, 0, NAMES_MAX, NULL, NULL},
	{0},
};

static const char *property(const struct json *input, const char *name)
{
	return json_get_str(json_get(input, "ConnectionProperties"), name);
}

static int check_properties(const struct json *input, struct err *err)
{
	const char *type = json_get_str(input, "ConnectionType");
	const struct json *p;

	json_each(p, json_get(input, "ConnectionProperties"))
	{
		if (!json_str(p) || strlen(json_str(p)) > 1024)
			return glue_invalid(err,
				"The value of connection property %s must be a text of at most "
				"1024 "
				"characters",
				json_name(p));
	}
	if (json_get(input, "AuthenticationConfiguration"))
		return 0;
	if (!strcmp(type, "JDBC")) {
		if (!property(input, "JDBC_CONNECTION_URL") && !property(input, "HOST"))
			return glue_invalid(
				err, "JDBC_CONNECTION_URL is required for a JDBC connection");
		if (!property(input, "SECRET_ID") && !property(input, "USERNAME"))
			return glue_invalid(
				err, "USERNAME or SECRET_ID is required for a JDBC connection");
	} else if (!strcmp(type, "KAFKA") && !property(input, "KAFKA_BOOTSTRAP_SERVERS")) {
		return glue_invalid(
			err, "KAFKA_BOOTSTRAP_SERVERS is required for a KAFKA connection");
	} else if (!strcmp(type, "MONGODB") && !property(input, "CONNECTION_URL")) {
		return glue_invalid(err, "CONNECTION_URL is required for a MONGODB connection");
	}
	return 0;
}

/* --- rows --- */

struct connection_call {
	const struct local_request *req;
	const char *name;
	const struct json *input;
	struct json *out;
	bool hide;
};

/* What goes away with HidePassword; the rest of the secrets is never shown. */
static bool is_password(const char *property)
{
	return ends_with(property, "PASSWORD");
}

/* The connection's document, and apart from it what is not to be shown. */
static void split(const struct json *input, struct json **doc, struct json **hidden)
{
	const struct json *p, *auth = json_get(input, "AuthenticationConfiguration");
	struct json *shown = json_object(), *kept;

	*doc = glue_pick(input_fields, input);
	if (json_is(auth, JSON_OBJECT)) {
		kept = glue_pick(authentication_fields, auth);
		if (json_get(auth, "OAuth2Properties"))
			json_set(kept, "OAuth2Properties",
				glue_pick(oauth2_fields, json_get(auth, "OAuth2Properties")));
		json_set(*doc, "AuthenticationConfiguration", kept);
	}
	*hidden = json_object();
	json_each(p, json_get(input, "ConnectionProperties"))
	{
		json_set(is_password(json_name(p)) ? *hidden : shown, json_name(p), json_copy(p));
	}
	json_set(*doc, "ConnectionProperties", shown);
}

static struct json *show(struct sql_stmt *st, bool hide)
{
	struct json *doc = glue_doc(sql_text(st, 0)), *hidden = glue_doc(sql_text(st, 1));
	const struct json *p;

	json_each(p, hidden)
	{
		if (!hide)
			json_set(json_get(doc, "ConnectionProperties"), json_name(p), json_copy(p));
	}
	glue_set_time(doc, "CreationTime", sql_int(st, 2));
	glue_set_time(doc, "LastUpdatedTime", sql_int(st, 3));
	json_set_str(doc, "LastUpdatedBy", sql_text(st, 4));
	json_set_str(doc, "Status", "READY");
	json_set_i64(doc, "ConnectionSchemaVersion",
		json_get(doc, "AuthenticationConfiguration") ? 2 : 1);
	json_free(hidden);
	return doc;
}

#define COLUMNS "doc, hidden, created_ms, modified_ms, user"

/* 1 found, 0 not. */
static int find_tx(struct local_cloud *cloud, const char *name, bool hide, struct json **out,
	char **region, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT " COLUMNS ", region FROM glue_connection WHERE name = ?", "s", name);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0 && out)
		*out = show(st, hide);
	if (row > 0 && region)
		*region = xstrdup(sql_text(st, 5));
	sql_done(st);
	return row;
}

static int fail_missing(const char *name, struct err *err)
{
	return glue_not_found(err, "Connection %s not found.", name);
}

/* --- create, update, delete --- */

static int write_tx(struct local_cloud *cloud, struct connection_call *c, bool update,
	int64_t *changed, struct err *err)
{
	struct json *doc, *hidden;
	char *text, *secret;
	int64_t now_ms = local_now_ms(cloud);
	int ret;

	split(c->input, &doc, &hidden);
	text = glue_text(doc);
	secret = glue_text(hidden);
	ret = update ? sql_run(cloud->db, changed, err,
			       "UPDATE glue_connection SET doc = ?, hidden = ?, modified_ms = ?, "
			       "user = "
			       "? WHERE name = ?",
			       "ssiss", text, secret, now_ms, c->req->who->arn, c->name)
		     : sql_run(cloud->db, changed, err,
			       "INSERT INTO glue_connection (name, region, " COLUMNS
			       ") VALUES (?, ?, ?, ?, ?, ?, ?)",
			       "ssssiis", c->name, c->req->region, text, secret, now_ms, now_ms,
			       c->req->who->arn);
	wipe(secret, strlen(secret));
	free(secret);
	free(text);
	json_free(doc);
	json_free(hidden);
	return ret;
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct connection_call *c = payload;
	struct strbuf arn = STRBUF_INIT;
	struct err sql = ERR_INIT;
	int ret = write_tx(cloud, c, false, NULL, &sql);

	glue_arn(cloud, c->req->region, "connection", c->name, &arn);
	if (ret && sql.code == ERR_EXISTS)
		local_fault(err, 400, "AlreadyExistsException", "Connection already exists.");
	else if (ret)
		err_move(err, &sql);
	else
		ret = local_tags_set(cloud, arn.buf, json_get(c->req->in, "Tags"), err);
	strbuf_release(&arn);
	err_release(&sql);
	return ret;
}

static int create_connection(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const struct json *input = json_get(req->in, "ConnectionInput");
	struct connection_call c = {
		.req = req, .name = json_get_str(input, "Name"), .input = input};

	if (glue_check(create_fields, req->in, err) ||
		glue_check_tags(json_get(req->in, "Tags"), err) || check_properties(input, err) ||
		local_tx(cloud, create_tx, &c, err))
		return -1;
	*out = json_object();
	json_set_str(*out, "CreateConnectionStatus", "READY");
	return 0;
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct connection_call *c = payload;
	int64_t changed = 0;

	if (write_tx(cloud, c, true, &changed, err))
		return -1;
	return changed ? 0 : fail_missing(c->name, err);
}

static int update_connection(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	const struct json *input = json_get(req->in, "ConnectionInput");
	struct connection_call c = {
		.req = req, .name = json_get_str(req->in, "Name"), .input = input};

	if (glue_check(update_fields, req->in, err) || check_properties(input, err))
		return -1;
	if (strcmp(json_get_str(input, "Name"), c.name) != 0)
		return glue_invalid(err, "A connection cannot be renamed");
	return local_tx(cloud, update_tx, &c, err);
}

/* 1 gone, 0 there was none. */
static int remove_tx(struct local_cloud *cloud, const char *name, struct err *err)
{
	struct strbuf arn = STRBUF_INIT;
	char *region = NULL;
	int row = find_tx(cloud, name, true, NULL, &region, err);

	if (row > 0) {
		glue_arn(cloud, region, "connection", name, &arn);
		if (sql_run(cloud->db, NULL, err, "DELETE FROM glue_connection WHERE name = ?", "s",
			    name) ||
			local_tags_clear(cloud, arn.buf, err))
			row = -1;
	}
	strbuf_release(&arn);
	free(region);
	return row;
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct connection_call *c = payload;
	int row = remove_tx(cloud, c->name, err);

	return row < 0 ? -1 : row ? 0 : fail_missing(c->name, err);
}

static int delete_connection(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct connection_call c = {.req = req, .name = json_get_str(req->in, "ConnectionName")};

	return glue_check(delete_fields, req->in, err) ? -1 : local_tx(cloud, delete_tx, &c, err);
}

static int batch_delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct connection_call *c = payload;
	struct json *done = json_array(), *errors = json_object();
	const struct json *n;

	c->out = json_object();
	json_set(c->out, "Succeeded", done);
	json_set(c->out, "Errors", errors);
	json_each(n, json_get(c->req->in, "ConnectionNameList"))
	{
		int row = remove_tx(cloud, json_str(n), err);

		if (row < 0)
			return -1;
		if (row) {
			json_push_str(done, json_str(n));
		} else {
			struct json *why = json_object();
			char *text = xasprintf("Connection %s not found.", json_str(n));

			json_set_str(why, "ErrorCode", "EntityNotFoundException");
			json_set_str(why, "ErrorMessage", text);
			json_set(errors, json_str(n), why);
			free(text);
		}
	}
	return 0;
}

static int batch_delete(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct connection_call c = {.req = req};
	int ret = glue_check(batch_fields, req->in, err);

	if (!ret)
		ret = local_tx(cloud, batch_delete_tx, &c, err);
	if (!ret)
		*out = c.out;
	else
		json_free(c.out);
	return ret;
}

/* --- get --- */

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct connection_call *c = payload;
	int row = find_tx(cloud, c->name, c->hide, &c->out, NULL, err);

	return row < 0 ? -1 : row ? 0 : fail_missing(c->name, err);
}

static int get_connection(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct connection_call c = {.req = req,
		.name = json_get_str(req->in, "Name"),
		.hide = json_get_truth(req->in, "HidePassword", false)};

	if (glue_check(name_fields, req->in, err) || local_tx(cloud, get_tx, &c, err))
		return -1;
	*out = json_object();
	json_set(*out, "Connection", c.out);
	return 0;
}

static bool has_text(const struct json *list, const char *text)
{
	const struct json *e;

	json_each(e, list) if (json_str(e) && !strcmp(json_str(e), text)) return true;
	return false;
}

/* All criteria of the filter are among the connection's. */
static bool filter_fits(const struct json *filter, const struct json *connection)
{
	const char *type = json_get_str(filter, "ConnectionType");
	int64_t version = json_get_i64(filter, "ConnectionSchemaVersion", 0);
	const struct json *m;

	if (type && strcmp(type, json_get_str(connection, "ConnectionType")) != 0)
		return false;
	if (version && version != json_get_i64(connection, "ConnectionSchemaVersion", 0))
		return false;
	json_each(m, json_get(filter, "MatchCriteria"))
	{
		if (!json_str(m) || !has_text(json_get(connection, "MatchCriteria"), json_str(m)))
			return false;
	}
	return true;
}

struct list_call {
	const struct local_request *req;
	char *after;
	int64_t limit;
	struct json *out;
};

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct list_call *c = payload;
	const struct json *filter = json_get(c->req->in, "Filter");
	bool hide = json_get_truth(c->req->in, "HidePassword", false);
	struct json *list = json_array(), *one;
	char *last = NULL, *token;
	struct sql_stmt *st;
	int row;

	c->out = json_object();
	json_set(c->out, "ConnectionList", list);
	st = sql_query(cloud->db, err,
		"SELECT " COLUMNS
		" FROM glue_connection WHERE region = ? AND name > ? ORDER BY name",
		"ss", c->req->region, c->after ? c->after : "");
	row = st ? 1 : -1;
	while (st && (int64_t)json_len(list) < c->limit && (row = sql_step(st, err)) > 0) {
		one = show(st, hide);
		free(last);
		last = xstrdup(json_get_str(one, "Name"));
		if (filter_fits(filter, one))
			json_push(list, one);
		else
			json_free(one);
	}
	/* is there anything behind the page? */
	if (row > 0)
		row = sql_step(st, err);
	sql_done(st);
	if (row > 0) {
		token = local_token_make(last);
		json_set_str(c->out, "NextToken", token);
		free(token);
	}
	free(last);
	return row < 0 ? -1 : 0;
}

static int get_connections(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct list_call c = {.req = req};
	int ret = glue_page(req->in, LIST_MAX, &c.limit, &c.after, err);

	if (!ret)
		ret = local_tx(cloud, list_tx, &c, err);
	free(c.after);
	if (!ret)
		*out = c.out;
	else
		json_free(c.out);
	return ret;
}

/* --- who uses them --- */

int local_connections_there_tx(struct local_cloud *cloud, const struct json *job, struct err *err)
{
	const struct json *n;

	json_each(n, json_path(job, "Connections.Connections"))
	{
		int row = json_str(n) ? find_tx(cloud, json_str(n), true, NULL, NULL, err) : 0;

		if (row <= 0)
			return row < 0 ? -1 : fail_missing(json_str(n) ? json_str(n) : "null", err);
	}
	return 0;
}

static void arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	/* The member that the operation goes by: another one beside it must not answer for it. */
	const char *op = req->operation, *name;

	name = !strcmp(op, "CreateConnection")
		       ? json_get_str(json_get(req->in, "ConnectionInput"), "Name")
	       : !strcmp(op, "DeleteConnection") ? json_get_str(req->in, "ConnectionName")
						 : json_get_str(req->in, "Name");
	glue_arn(cloud, req->region, "connection", name ? name : "*", arn);
}

static const struct local_route routes[] = {
	{"BatchDeleteConnection", batch_delete, arn_of},
	{"CreateConnection", create_connection, arn_of},
	{"DeleteConnection", delete_connection, arn_of},
	{"GetConnection", get_connection, arn_of},
	{"GetConnections", get_connections, arn_of},
	{"UpdateConnection", update_connection, arn_of},
};
const struct local_service local_glue_connection_service = {"glue", routes, ARRAY_SIZE(routes)};
