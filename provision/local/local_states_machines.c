/* State machines as such: made, read, changed, deleted, listed, judged (AWS Step Functions API Reference). */
#include "local_states_live.h"

#include "local_glue.h"
#include "local_iam.h"
#include "local_states_rows.h"
#include "xalloc.h"

/* --- input --- */

static int check_enum(
	const struct json *in, const char *member, const char *const *values, struct err *err)
{
	const char *text = json_get_str(in, member);
	struct strbuf all = STRBUF_INIT;

	if (!text)
		return 0;
	for (size_t i = 0; values[i]; i++) {
		if (!strcmp(values[i], text)) {
			strbuf_release(&all);
			return 0;
		}
		strbuf_addf(&all, "%s%s", i ? ", " : "", values[i]);
	}
	states_invalid(err,
		"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: "
		"Member "
		"must satisfy enum value set: [%s]",
		text, member, all.buf);
	strbuf_release(&all);
	return -1;
}

static const char *const types[] = {"STANDARD", "EXPRESS", NULL};

static bool is_role_arn(const char *role)
{
	const char *at = starts_with(role, "arn:aws") ? strstr(role, ":iam::") : NULL;

	return at && strstr(at, ":role/") != NULL;
}

static int check_role(struct local_cloud *cloud, const struct local_request *req, const char *role,
	struct err *err)
{
	struct err why = ERR_INIT;
	char *name = NULL;
	int ret = 0;

	if (!is_role_arn(role))
		return states_bad_arn(err, "Invalid Role Arn: '%s'", role);
	if (glue_pass_role(cloud, req, role, err))
		return -1;
	if (local_iam_role_for_service(cloud, role, "states.amazonaws.com", &name, &why))
		ret = local_fault(err, 400, "AccessDeniedException",
			"Neither the global service principal states.amazonaws.com, nor the "
			"regional "
			"one is authorized to assume the provided role.");
	err_release(&why);
	free(name);
	return ret;
}

static int check_definition(const char *text, bool express, struct err *err)
{
	struct err why = ERR_INIT;
	struct json *definition =
		asl_parse(text, strlen(text), express ? ASL_EXPRESS : ASL_STANDARD, &why);
	int ret = 0;

	if (!definition)
		ret = local_fault(err, 400, "InvalidDefinition", "%s", why.text);
	json_free(definition);
	err_release(&why);
	return ret;
}

int states_check_encryption(const struct json *in, struct err *err)
{
	const struct json *e = json_get(in, "encryptionConfiguration");
	const char *type = json_get_str(e, "type");

	if (!e || json_is(e, JSON_NULL))
		return 0;
	if (!type || (strcmp(type, "AWS_OWNED_KEY") && strcmp(type, "CUSTOMER_MANAGED_KMS_KEY")))
		return states_invalid(err,
			"1 validation error detected: Value '%s' at 'encryptionConfiguration.type' "
			"failed "
			"to satisfy constraint: Member must satisfy enum value set: "
			"[AWS_OWNED_KEY, "
			"CUSTOMER_MANAGED_KMS_KEY]",
			type ? type : "null");
	if (!strcmp(type, "AWS_OWNED_KEY") == (json_get_str(e, "kmsKeyId") != NULL))
		return local_fault(err, 400, "InvalidEncryptionConfiguration",
			"Invalid Encryption Configuration: 'kmsKeyId is given for, and only for, "
			"type "
			"CUSTOMER_MANAGED_KMS_KEY'");
	return 0;
}

/* What Create and Update share; members that are not given stay NULL. */
struct settings {
	const char *definition, *role, *description;
	struct json *logging;
	bool tracing, has_tracing, has_logging, publish;
};

static int read_settings(struct local_cloud *cloud, const struct local_request *req, bool create,
	const char *role_now, bool express, struct settings *out, struct err *err)
{
	const struct json *in = req->in, *logging = json_get(in, "loggingConfiguration");

	if (states_check_string(in, "definition", create, 1, ASL_DEFINITION_BYTES_MAX, err) ||
		states_check_string(in, "roleArn", create, 1, 256, err) ||
		states_check_string(in, "versionDescription", false, 0, 256, err) ||
		states_check_encryption(in, err))
		return -1;
	out->definition = json_get_str(in, "definition");
	out->role = json_get_str(in, "roleArn");
	out->publish = json_get_truth(in, "publish", false);
	out->description = json_get_str(in, "versionDescription");
	out->has_tracing = json_is(json_get(in, "tracingConfiguration"), JSON_OBJECT);
	out->tracing = json_truth(json_path(in, "tracingConfiguration.enabled"), false);
	out->has_logging = json_is(logging, JSON_OBJECT);
	if (out->description && !out->publish)
		return states_invalid(
			err, "Version description can only be set when publish is true");
	if (out->definition && check_definition(out->definition, express, err))
		return -1;
	if (out->role && check_role(cloud, req, out->role, err))
		return -1;
	return states_logging_check(
		cloud, logging, out->role ? out->role : role_now, &out->logging, err);
}

/* --- create --- */

struct create {
	const struct local_request *req;
	const char *name, *type;
	char *arn;
	struct settings s;
	struct json *tags, *out;
	bool is_new;
};

static bool same_logging(const struct json *a, const struct json *b)
{
	return a && b ? json_equal(a, b) : a == b;
}

static int found_tx(
	struct local_cloud *cloud, struct create *c, struct states_machine *m, struct err *err)
{
	const struct json *encryption = json_get(c->req->in, "encryptionConfiguration");

	if (!strcmp(m->status, "DELETING"))
		return local_fault(err, 400, "StateMachineDeleting",
			"State Machine is being deleted: '%s'", c->arn);
	if (strcmp(m->definition, c->s.definition) || strcmp(m->type, c->type) ||
		m->tracing != c->s.tracing || !same_logging(m->logging, c->s.logging) ||
		!same_logging(m->encryption, encryption))
		return local_fault(err, 400, "StateMachineAlreadyExists",
			"State Machine Already Exists: '%s'", c->arn);
	states_set_time(c->out, "creationDate", m->created_ms);
	return c->s.publish ? states_publish_tx(cloud, m, c->s.description, c->out, err) : 0;
}

int states_revision_put_tx(struct local_cloud *cloud, const struct states_machine *m,
	const char *id, int64_t now, struct err *err)
{
	char *logging = states_print(m->logging);
	int ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO states_revision(id, machine_arn, definition, role, logging, tracing, "
		"express, created_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
		"sssssiii", id, m->arn, m->definition, m->role, logging, (int64_t)m->tracing,
		(int64_t)states_is_express(m), now);

	free(logging);
	return ret;
}

static int insert_tx(struct local_cloud *cloud, struct create *c, struct err *err)
{
	int64_t now = local_now_ms(cloud);
	char *revision = local_uuid(),
	     *encryption = states_print(json_get(c->req->in, "encryptionConfiguration"));
	struct states_machine m = {.arn = c->arn,
		.type = (char *)c->type,
		.definition = (char *)c->s.definition,
		.role = (char *)c->s.role,
		.revision = revision,
		.logging = c->s.logging,
		.tracing = c->s.tracing};
	int ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO states_machine(arn, name, region, type, status, revision, encryption, "
		"created_ms) VALUES(?, ?, ?, ?, 'ACTIVE', ?, ?, ?)",
		"ssssssi", c->arn, c->name, c->req->region, c->type, revision, encryption, now);

	if (!ret)
		ret = states_revision_put_tx(cloud, &m, revision, now, err);
	if (!ret)
		ret = local_tags_set(cloud, c->arn, c->tags, err);
	states_set_time(c->out, "creationDate", now);
	if (!ret && c->s.publish)
		ret = states_publish_tx(cloud, &m, c->s.description, c->out, err);
	free(revision);
	free(encryption);
	return ret;
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct create *c = payload;
	struct states_machine m;
	struct err why = ERR_INIT;
	int ret;

	json_set_str(c->out, "stateMachineArn", c->arn);
	if (!states_machine_find_tx(cloud, c->arn, &m, &why)) {
		ret = found_tx(cloud, c, &m, err);
		states_machine_release(&m);
	} else if (why.aws_code) {
		ret = insert_tx(cloud, c, err);
	} else {
		err_move(err, &why);
		ret = -1;
	}
	err_release(&why);
	return ret;
}

static int create_machine(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct create c = {.req = req,
		.name = json_get_str(req->in, "name"),
		.type = json_get_str(req->in, "type") ? json_get_str(req->in, "type") : types[0]};
	int ret = -1;

	if (states_check_string(req->in, "name", true, 1, 80, err) ||
		states_check_name(c.name, err) || check_enum(req->in, "type", types, err) ||
		states_tags_read(json_get(req->in, "tags"), &c.tags, err) ||
		read_settings(cloud, req, true, NULL, !strcmp(c.type, types[1]), &c.s, err))
		goto out;
	c.arn = local_arn(cloud, "states", req->region, "stateMachine:%s", c.name);
	c.out = json_object();
	ret = local_tx(cloud, create_tx, &c, err);
	if (!ret) {
		*out = c.out;
		c.out = NULL;
	}
out:
	json_free(c.out);
	json_free(c.tags);
	json_free(c.s.logging);
	free(c.arn);
	return ret;
}

/* --- describe --- */

struct describe {
	const char *arn;
	struct states_machine m;
};

static int describe_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct describe *d = payload;

	return states_machine_find_tx(cloud, d->arn, &d->m, err);
}

void states_set_logging(struct json *out, const struct json *logging)
{
	struct json *o = logging ? json_copy(logging) : json_object();

	if (!logging) {
		json_set_str(o, "level", "OFF");
		json_set_bool(o, "includeExecutionData", false);
	}
	json_set(out, "loggingConfiguration", o);
}

void states_set_tracing(struct json *out, bool tracing)
{
	struct json *o = json_object();

	json_set_bool(o, "enabled", tracing);
	json_set(out, "tracingConfiguration", o);
}

static bool metadata_only(const struct json *in)
{
	const char *included = json_get_str(in, "includedData");

	return included && !strcmp(included, "METADATA_ONLY");
}

static const char *const included_data[] = {"ALL_DATA", "METADATA_ONLY", NULL};

static struct json *default_encryption(void)
{
	struct json *o = json_object();

	json_set_str(o, "type", "AWS_OWNED_KEY");
	return o;
}

static int describe_machine(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct describe d = {.arn = json_get_str(req->in, "stateMachineArn")};
	struct json *o;

	if (states_check_string(req->in, "stateMachineArn", true, 1, 256, err) ||
		check_enum(req->in, "includedData", included_data, err) ||
		local_tx(cloud, describe_tx, &d, err))
		return -1;
	o = *out = json_object();
	json_set_str(o, "stateMachineArn",
		d.m.alias_arn     ? d.m.alias_arn
		: d.m.version_arn ? d.m.version_arn
				  : d.m.arn);
	json_set_str(o, "name", d.m.name);
	json_set_str(o, "status", d.m.status);
	json_set_str(o, "definition", metadata_only(req->in) ? "" : d.m.definition);
	json_set_str(o, "roleArn", d.m.role);
	json_set_str(o, "type", d.m.type);
	states_set_time(o, "creationDate", d.m.created_ms);
	states_set_logging(o, d.m.logging);
	states_set_tracing(o, d.m.tracing);
	if (d.m.updated_ms != d.m.created_ms || d.m.version_arn)
		json_set_str(o, "revisionId", d.m.revision);
	json_set_str(o, "description", d.m.description);
	json_set(o, "encryptionConfiguration",
		d.m.encryption ? json_copy(d.m.encryption) : default_encryption());
	states_machine_release(&d.m);
	return 0;
}

/* --- update --- */

struct update {
	const struct local_request *req;
	const char *arn;
	struct settings s;
	struct json *out;
};

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct update *u = payload;
	struct states_machine m;
	int64_t now = local_now_ms(cloud);
	char *revision, *encryption;
	int ret;

	if (states_machine_find_tx(cloud, u->arn, &m, err))
		return -1;
	if (!strcmp(m.status, "DELETING")) {
		states_machine_release(&m);
		return local_fault(err, 400, "StateMachineDeleting",
			"State Machine is being deleted: '%s'", u->arn);
	}
	states_text_set(&m.definition, u->s.definition);
	states_text_set(&m.role, u->s.role);
	if (u->s.has_tracing)
		m.tracing = u->s.tracing;
	if (u->s.has_logging) {
		json_free(m.logging);
		m.logging = u->s.logging;
		u->s.logging = NULL;
	}
	if (now <= m.updated_ms)
		now = m.updated_ms + 1;
	revision = local_uuid();
	states_text_set(&m.revision, revision);
	encryption = states_print(json_get(u->req->in, "encryptionConfiguration"));
	ret = states_revision_put_tx(cloud, &m, revision, now, err);
	if (!ret)
		ret = sql_run(cloud->db, NULL, err,
			"UPDATE states_machine SET revision = ?, encryption = ifnull(?, "
			"encryption) "
			"WHERE arn = ?",
			"sss", revision, encryption, m.arn);
	free(encryption);
	states_set_time(u->out, "updateDate", now);
	json_set_str(u->out, "revisionId", revision);
	if (!ret && u->s.publish)
		ret = states_publish_tx(cloud, &m, u->s.description, u->out, err);
	free(revision);
	states_machine_release(&m);
	return ret;
}

void states_text_set(char **text, const char *value)
{
	if (!value)
		return;
	free(*text);
	*text = xstrdup(value);
}

static int update_machine(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const char *const any[] = {"definition", "roleArn", "loggingConfiguration",
		"tracingConfiguration", "encryptionConfiguration"};
	struct update u = {.req = req, .arn = json_get_str(req->in, "stateMachineArn")};
	struct describe d = {.arn = u.arn};
	bool some = false;
	int ret = -1;

	if (states_check_string(req->in, "stateMachineArn", true, 1, 256, err) ||
		local_tx(cloud, describe_tx, &d, err))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(any); i++)
		some |= json_get(req->in, any[i]) && !json_is(json_get(req->in, any[i]), JSON_NULL);
	if (!some && !json_get_truth(req->in, "publish", false))
		local_fault(err, 400, "MissingRequiredParameter",
			"Either the definition, the role ARN, the LoggingConfiguration, the "
			"EncryptionConfiguration or the TracingConfiguration must be specified");
	else if (d.m.version_arn)
		states_invalid(
			err, "The resource '%s' is a version, which cannot be updated", u.arn);
	else
		ret = read_settings(
			cloud, req, false, d.m.role, states_is_express(&d.m), &u.s, err);
	states_machine_release(&d.m);
	u.out = json_object();
	if (!ret)
		ret = local_tx(cloud, update_tx, &u, err);
	if (ret)
		json_free(u.out);
	else
		*out = u.out;
	json_free(u.s.logging);
	return ret;
}

/* --- delete --- */

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const char *arn = payload;

	if (sql_run(cloud->db, NULL, err,
		    "UPDATE states_machine SET status = 'DELETING' WHERE arn = ?", "s", arn))
		return -1;
	return states_machine_reap_tx(cloud, arn, err);
}

static int delete_machine(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	const char *arn = json_get_str(req->in, "stateMachineArn");
	struct states_arn a;
	int ret;

	if (states_check_string(req->in, "stateMachineArn", true, 1, 256, err) ||
		states_arn_parse(arn, "stateMachine", &a, err))
		return -1;
	ret = a.qualifier
		      ? states_invalid(err,
				"The resource '%s' is a version or an alias, which has a deletion "
				"of its own",
				arn)
		      : local_tx(cloud, delete_tx, (void *)arn, err);
	if (!ret)
		states_doom(cloud, arn);
	states_arn_release(&a);
	return ret;
}

/* --- list --- */

struct list {
	const struct local_request *req;
	struct json *out;
	int64_t limit, after;
};

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct list *l = payload;
	struct json *list = json_array();
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT seq, arn, name, type, created_ms FROM states_machine WHERE region = ? AND "
		"seq > "
		"? ORDER BY seq LIMIT ?",
		"sii", l->req->region, l->after, l->limit + 1);
	int64_t last = 0, n = 0;
	int row = -1;

	json_set(l->out, "stateMachines", list);
	while (st && (row = sql_step(st, err)) > 0 && n++ < l->limit) {
		struct json *m = json_object();

		last = sql_int(st, 0);
		json_set_str(m, "stateMachineArn", sql_text(st, 1));
		json_set_str(m, "name", sql_text(st, 2));
		json_set_str(m, "type", sql_text(st, 3));
		states_set_time(m, "creationDate", sql_int(st, 4));
		json_push(list, m);
	}
	sql_done(st);
	if (row > 0)
		states_set_token(l->out, NULL, last);
	return row < 0 ? -1 : 0;
}

static int list_machines(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct list l = {.req = req};
	int ret;

	if (states_page(req->in, NULL, &l.limit, &l.after, err))
		return -1;
	l.out = json_object();
	ret = local_tx(cloud, list_tx, &l, err);
	if (ret)
		json_free(l.out);
	else
		*out = l.out;
	return ret;
}

/* --- validate --- */

static int validate(struct local_cloud *cloud unused_arg, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const char *const severities[] = {"ERROR", "WARNING", NULL};
	const char *text = json_get_str(req->in, "definition"),
		   *type = json_get_str(req->in, "type"),
		   *severity = json_get_str(req->in, "severity");
	int64_t most = json_get_i64(req->in, "maxResults", 0);
	struct json *all, *shown, *e;
	bool truncated = false;

	if (states_check_string(req->in, "definition", true, 1, ASL_DEFINITION_BYTES_MAX, err) ||
		check_enum(req->in, "type", types, err) ||
		check_enum(req->in, "severity", severities, err))
		return -1;
	if (most < 0 || most > 100)
		return states_invalid(err,
			"1 validation error detected: Value '%lld' at 'maxResults' failed to "
			"satisfy "
			"constraint: Member must have value %s",
			(long long)most,
			most < 0 ? "greater than or equal to 0" : "less than or equal to 100");
	all = asl_validate(
		text, strlen(text), type && !strcmp(type, "EXPRESS") ? ASL_EXPRESS : ASL_STANDARD);
	shown = json_array();
	json_each(e, all)
	{
		if (!(severity && !strcmp(severity, "WARNING")) &&
			strcmp(json_get_str(e, "severity"), "ERROR") != 0)
			continue;
		if ((int64_t)json_len(shown) >= (most ? most : 100))
			truncated = true;
		else
			json_push(shown, json_copy(e));
	}
	*out = json_object();
	json_set_str(*out, "result", asl_diagnostics_fail(all) ? "FAIL" : "OK");
	json_set(*out, "diagnostics", shown);
	json_set_bool(*out, "truncated", truncated);
	json_free(all);
	return 0;
}

/* --- routes --- */

static void new_arn(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *name = json_get_str(req->in, "name");
	char *text = local_arn(cloud, "states", req->region, "stateMachine:%s", name ? name : "");

	strbuf_addstr(arn, text);
	free(text);
}

void states_route_arn(
	struct local_cloud *cloud unused_arg, const struct local_request *req, struct strbuf *arn)
{
	static const char *const members[] = {"stateMachineArn", "executionArn", "activityArn",
		"resourceArn", "stateMachineVersionArn", "stateMachineAliasArn", "mapRunArn"};

	for (size_t i = 0; i < ARRAY_SIZE(members) && !arn->len; i++) {
		const char *text = json_get_str(req->in, members[i]);

		if (text)
			strbuf_addstr(arn, text);
	}
}

static const struct local_route routes[] = {
	{"CreateStateMachine", create_machine, new_arn},
	{"DeleteStateMachine", delete_machine, states_route_arn},
	{"DescribeStateMachine", describe_machine, states_route_arn},
	{"ListStateMachines", list_machines, NULL},
	{"UpdateStateMachine", update_machine, states_route_arn},
	{"ValidateStateMachineDefinition", validate, NULL},
};

const struct local_service local_states_machine_service = {"states", routes, ARRAY_SIZE(routes)};
