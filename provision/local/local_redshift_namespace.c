/* Namespaces ("CreateNamespace" and its kin), and tags of both kinds. */
#include "digest.h"
#include "local_glue.h"
#include "local_internal.h"
#include "local_redshift.h"
#include "local_services.h"

/* --- the document --- */

/* The API shows a role as what Java printed of it. */
static struct json *shown(const struct json *doc)
{
	struct json *out = json_copy(doc), *roles = json_array(), *r;

	json_each(r, json_get(doc, "iamRoles"))
	{
		char *text = xasprintf("IamRole(applyStatus=in-sync, iamRoleArn=%s)", json_str(r));
		json_push_str(roles, text);
		free(text);
	}
	json_set(out, "iamRoles", roles);
	return out;
}

static struct json *wrap(const struct redshift_namespace *n)
{
	struct json *out = json_object();

	json_set(out, "namespace", shown(n->doc));
	return out;
}

/* --- input --- */

static int check_logs(const struct json *in, struct err *err)
{
	static const char *const known[] = {"useractivitylog", "userlog", "connectionlog"};
	const struct json *e;

	json_each(e, json_get(in, "logExports"))
	{
		bool ok = false;
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			ok |= json_str(e) && !strcmp(json_str(e), known[i]);
		if (!ok)
			return redshift_invalid(err,
				"1 validation error detected: Value '[%s]' at 'logExports' failed "
				"to satisfy constraint: Member must satisfy constraint: [Member "
				"must satisfy enum value set: [useractivitylog, userlog, "
				"connectionlog]]",
				json_str(e) ? json_str(e) : "null");
	}
	return 0;
}

static int check_password(const struct json *in, struct err *err)
{
	const char *p = json_get_str(in, "adminUserPassword");
	size_t len = p ? strlen(p) : 0;
	bool upper = false, lower = false, digit = false, bad = false;

	if (!p)
		return 0;
	if (json_get_truth(in, "manageAdminPassword", false))
		return redshift_invalid(err,
			"You can't specify adminUserPassword and manageAdminPassword together.");
	for (; *p; p++) {
		upper |= *p >= 'A' && *p <= 'Z';
		lower |= *p >= 'a' && *p <= 'z';
		digit |= *p >= '0' && *p <= '9';
		bad |= *p <= ' ' || *p > '~' || strchr("'\"/@\\", *p) != NULL;
	}
	if (len < 8 || len > 64 || !upper || !lower || !digit || bad)
		return redshift_invalid(err,
			"The parameter adminUserPassword is not a valid password: 8 to 64 "
			"characters of printable ASCII except ', \", /, @, \\ and blank, with an "
			"upper-case letter, a lower-case letter and a digit.");
	return 0;
}

/* Each must be a role's ARN, and the default one of them. */
static int check_roles(const struct json *in, const struct json *roles, struct err *err)
{
	const char *standard = json_get_str(in, "defaultIamRoleArn");
	const struct json *r;
	bool found = !standard || !*standard;

	if (json_len(roles) > 50)
		return redshift_invalid(err, "A namespace can have at most 50 IAM roles.");
	json_each(r, roles)
	{
		if (!json_str(r) || !strstr(json_str(r), ":role/"))
			return redshift_invalid(err, "Invalid IAM role ARN: %s",
				json_str(r) ? json_str(r) : "null");
		found |= standard && !strcmp(standard, json_str(r));
	}
	if (!found)
		return redshift_invalid(err,
			"The default IAM role %s must be one of the namespace's IAM roles.",
			standard);
	return 0;
}

/* PassRole, for each that a request names. */
static int pass_roles(struct local_cloud *cloud, const struct local_request *req, struct err *err)
{
	const struct json *r;

	json_each(r, json_get(req->in, "iamRoles"))
	{
		if (json_str(r) && req->who->role_name &&
			!local_iam_allows(cloud, req->who, "iam:PassRole", json_str(r)))
			return local_fault(err, 400, "AccessDeniedException",
				"User: %s is not authorized to perform: iam:PassRole on resource: "
				"%s because no identity-based policy allows the iam:PassRole "
				"action",
				req->who->arn, json_str(r));
	}
	return 0;
}

/* --- the administrator's secret --- */

static int secret_call(struct local_cloud *cloud, const char *operation, const struct json *in,
	struct json **out, struct err *err)
{
	struct local_principal root = {0};
	int r;

	local_principal_root(cloud, "", &root);
	r = local_invoke(cloud, &root, "secretsmanager", operation, in, out, err);
	local_principal_release(&root);
	return r;
}

/* Makes the secret; its ARN goes to the document and the password's digest to *digest. */
static int make_secret(struct local_cloud *cloud, struct redshift_namespace *n, struct err *err)
{
	struct json *in = json_object(), *value = json_object(), *out = NULL;
	char *password = local_id("Rs1", 40),
	     *name = xasprintf("redshift!%s-%s", n->name, json_get_str(n->doc, "adminUsername"));
	struct strbuf text = STRBUF_INIT;
	int r;

	json_set_str(value, "username", json_get_str(n->doc, "adminUsername"));
	json_set_str(value, "password", password);
	json_print(value, &text);
	json_set_str(in, "Name", name);
	json_set_str(in, "Description", "The secret of a Redshift Serverless administrator");
	json_set_str(in, "SecretString", text.buf);
	r = secret_call(cloud, "CreateSecret", in, &out, err);
	if (!r) {
		json_set_str(n->doc, "adminPasswordSecretArn", json_get_str(out, "ARN"));
		free(n->password);
		n->password = redshift_digest(n->id, password);
	}
	strbuf_release(&text);
	json_free(in);
	json_free(value);
	json_free(out);
	free(password);
	free(name);
	return r;
}

static void drop_secret(struct local_cloud *cloud, const char *arn)
{
	struct json *in = json_object(), *out = NULL;
	struct err ignored = ERR_INIT;

	json_set_str(in, "SecretId", arn);
	json_set_bool(in, "ForceDeleteWithoutRecovery", true);
	if (arn && secret_call(cloud, "DeleteSecret", in, &out, &ignored))
		err_release(&ignored);
	json_free(in);
	json_free(out);
}

/* --- create --- */

struct call {
	const struct local_request *req;
	struct redshift_namespace n;
	struct json *tags;
	const char *status;
};

static int store_tx(struct local_cloud *cloud, struct call *c, struct err *err)
{
	char *text = redshift_doc_text(c->n.doc);
	int r = sql_run(cloud->db, NULL, err,
		"INSERT INTO redshift_namespace (name, id, arn, region, doc, password, status, "
		"until_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET doc = "
		"excluded.doc, password = excluded.password, status = excluded.status, until_ms = "
		"excluded.until_ms",
		"sssssssi", c->n.name, c->n.id, c->n.arn, c->n.region, text, c->n.password,
		c->status, local_now_ms(cloud) + REDSHIFT_CHANGE_MS);

	free(text);
	json_set_str(c->n.doc, "status", c->status);
	return r;
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *c = payload;
	struct redshift_namespace old = {0};
	struct err none = ERR_INIT;

	if (!redshift_namespace_tx(cloud, c->n.name, &old, &none)) {
		redshift_namespace_release(&old);
		return redshift_conflict(err, "Namespace %s already exists.", c->n.name);
	}
	err_release(&none);
	if (store_tx(cloud, c, err))
		return -1;
	return local_tags_set(cloud, c->n.arn, c->tags, err);
}

static void take_given(const struct json *in, struct json *doc)
{
	static const char *const members[] = {
		"adminPasswordSecretKmsKeyId", "defaultIamRoleArn", "kmsKeyId"};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const char *value = json_get_str(in, members[i]);
		if (value && *value)
			json_set_str(doc, members[i], value);
		else if (value)
			json_remove(doc, members[i]);
	}
	if (json_is(json_get(in, "iamRoles"), JSON_ARRAY))
		json_set(doc, "iamRoles", json_copy(json_get(in, "iamRoles")));
	if (json_is(json_get(in, "logExports"), JSON_ARRAY))
		json_set(doc, "logExports", json_copy(json_get(in, "logExports")));
	if (json_get_str(in, "adminUsername"))
		json_set_str(doc, "adminUsername", json_get_str(in, "adminUsername"));
}

static int fill_new(struct local_cloud *cloud, struct call *c, struct err *err)
{
	const struct json *in = c->req->in;
	const char *db = json_get_str(in, "dbName"), *password;
	struct redshift_namespace *n = &c->n;

	n->name = xstrdup(json_get_str(in, "namespaceName"));
	n->id = local_uuid();
	n->region = xstrdup(c->req->region);
	n->arn = local_arn(cloud, "redshift-serverless", n->region, "namespace/%s", n->id);
	n->doc = json_object();
	db = db ? db : "dev";
	if (!*db || strlen(db) > 64 ||
		strspn(db, "abcdefghijklmnopqrstuvwxyz0123456789_$+.@-") != strlen(db) ||
		strchr("0123456789.-+@$", *db))
		return redshift_invalid(err, "The database name %.100s is not valid.", db);
	json_set(n->doc, "iamRoles", json_array());
	json_set(n->doc, "logExports", json_array());
	json_set_str(n->doc, "adminUsername", "admin");
	json_set_str(n->doc, "kmsKeyId", "AWS_OWNED_KMS_KEY");
	take_given(in, n->doc);
	redshift_set_date(n->doc, "creationDate", local_now_ms(cloud));
	json_set_str(n->doc, "dbName", db);
	json_set_str(n->doc, "namespaceArn", n->arn);
	json_set_str(n->doc, "namespaceId", n->id);
	json_set_str(n->doc, "namespaceName", n->name);
	password = json_get_str(in, "adminUserPassword");
	if (password)
		n->password = redshift_digest(n->id, password);
	return 0;
}

static int create(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call c = {.req = req, .status = "AVAILABLE"};
	const char *secret;
	int r = -1;

	if (redshift_check_name(req->in, "namespaceName", err) || check_logs(req->in, err) ||
		check_password(req->in, err) ||
		check_roles(req->in, json_get(req->in, "iamRoles"), err) ||
		pass_roles(cloud, req, err) || !(c.tags = redshift_tags(req->in, err)) ||
		fill_new(cloud, &c, err))
		goto out;
	if (json_get_truth(req->in, "manageAdminPassword", false) && make_secret(cloud, &c.n, err))
		goto out;
	r = redshift_tx(cloud, create_tx, &c, err);
	secret = json_get_str(c.n.doc, "adminPasswordSecretArn");
	if (r && secret)
		drop_secret(cloud, secret);
	if (!r)
		*out = wrap(&c.n);
out:
	json_free(c.tags);
	redshift_namespace_release(&c.n);
	return r;
}

/* --- read --- */

static int find_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *c = payload;

	return redshift_namespace_tx(cloud, json_get_str(c->req->in, "namespaceName"), &c->n, err);
}

static int get(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call c = {.req = req};
	int r = redshift_check_name(req->in, "namespaceName", err) ||
		redshift_tx(cloud, find_tx, &c, err);

	if (!r)
		*out = wrap(&c.n);
	redshift_namespace_release(&c.n);
	return r ? -1 : 0;
}

static int list(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	static const struct redshift_listing namespaces = {"namespaces",
		"SELECT name, doc, status FROM redshift_namespace WHERE name > ?1 AND region = ?2 "
		"ORDER BY name LIMIT ?3",
		shown};

	return redshift_list(cloud, req, &namespaces, req->region, out, err);
}

/* --- change --- */

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *c = payload;
	struct redshift_namespace live = {0};
	int r = redshift_namespace_tx(cloud, c->n.name, &live, err);

	if (!r)
		r = redshift_at_rest(live.doc, "namespace", err);
	redshift_namespace_release(&live);
	return r ? r : store_tx(cloud, c, err);
}

/* From a password of its own to one that is managed, and back. *old is a secret that is of no use any more. */
static int change_password(struct local_cloud *cloud, struct call *c, char **old, struct err *err)
{
	const struct json *in = c->req->in;
	const char *arn = json_get_str(c->n.doc, "adminPasswordSecretArn");
	const char *password = json_get_str(in, "adminUserPassword");
	bool managed = json_get_truth(in, "manageAdminPassword", arn && !password);

	if (managed && !arn)
		return make_secret(cloud, &c->n, err);
	if (!managed && arn) {
		if (!password)
			return redshift_invalid(err,
				"adminUserPassword is required when manageAdminPassword is false.");
		*old = xstrdup(arn);
		json_remove(c->n.doc, "adminPasswordSecretArn");
	}
	if (password) {
		free(c->n.password);
		c->n.password = redshift_digest(c->n.id, password);
	}
	return 0;
}

static int update(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call c = {.req = req, .status = "MODIFYING"};
	char *old = NULL;
	int r = -1;

	if (redshift_check_name(req->in, "namespaceName", err) || check_logs(req->in, err) ||
		check_password(req->in, err) || pass_roles(cloud, req, err) ||
		redshift_tx(cloud, find_tx, &c, err) || redshift_at_rest(c.n.doc, "namespace", err))
		goto out;
	take_given(req->in, c.n.doc);
	if (check_roles(c.n.doc, json_get(c.n.doc, "iamRoles"), err) ||
		change_password(cloud, &c, &old, err))
		goto out;
	r = redshift_tx(cloud, update_tx, &c, err);
	if (!r && old)
		drop_secret(cloud, old);
	if (!r)
		*out = wrap(&c.n);
out:
	free(old);
	redshift_namespace_release(&c.n);
	return r;
}

static int remove_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *c = payload;
	const char *snapshot = json_get_str(c->req->in, "finalSnapshotName");
	struct sql_stmt *st;
	int row;

	if (find_tx(cloud, c, err) || redshift_at_rest(c->n.doc, "namespace", err))
		return -1;
	st = sql_query(cloud->db, err, "SELECT name FROM redshift_workgroup WHERE namespace = ?",
		"s", c->n.name);
	row = st ? sql_step(st, err) : -1;
	if (row > 0)
		redshift_conflict(err,
			"There is a workgroup associated with namespace %s. Delete workgroup %s "
			"before you delete the namespace.",
			c->n.name, sql_text(st, 0));
	sql_done(st);
	c->status = "DELETING";
	if (row ||
		(snapshot &&
			redshift_snapshot_tx(cloud, &c->n, snapshot,
				json_get_i64(c->req->in, "finalSnapshotRetentionPeriod", -1), err)))
		return -1;
	return store_tx(cloud, c, err);
}

static int remove_one(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call c = {.req = req};
	int r;

	if (redshift_check_name(req->in, "namespaceName", err))
		return -1;
	r = redshift_tx(cloud, remove_tx, &c, err);
	if (!r) {
		redshift_engine_drop(cloud, c.n.id, json_get_str(req->in, "finalSnapshotName"));
		drop_secret(cloud, json_get_str(c.n.doc, "adminPasswordSecretArn"));
		*out = wrap(&c.n);
	}
	redshift_namespace_release(&c.n);
	return r;
}

/* --- tags --- */

struct tag_call {
	const char *arn;
	struct json *set, *all;
	const struct json *keys;
};

static int exists_tx(struct local_cloud *cloud, const char *arn, struct err *err)
{
	int row = sql_exists(cloud->db, err,
		"SELECT 1 FROM redshift_namespace WHERE arn = ?1 UNION SELECT 1 FROM "
		"redshift_workgroup WHERE arn = ?1",
		"s", arn);

	if (!row)
		return redshift_missing(err, "The resource %s was not found.", arn);
	return row < 0 ? -1 : 0;
}

static int tag_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct tag_call *t = payload;

	if (exists_tx(cloud, t->arn, err) ||
		(t->set && local_tags_set(cloud, t->arn, t->set, err)) ||
		(t->keys && local_tags_remove(cloud, t->arn, t->keys, err)) ||
		local_tags_get(cloud, t->arn, &t->all, err))
		return -1;
	if (json_len(t->all) > 50)
		return local_fault(
			err, 400, "TooManyTagsException", "A resource can have at most 50 tags.");
	return 0;
}

static int tag_frame(struct local_cloud *cloud, const struct local_request *req, struct tag_call *t,
	struct err *err)
{
	t->arn = json_get_str(req->in, "resourceArn");
	if (!t->arn)
		return redshift_invalid(err,
			"1 validation error detected: Value null at 'resourceArn' failed to "
			"satisfy constraint: Member must not be null");
	return redshift_tx(cloud, tag_tx, t, err);
}

static int tag(struct local_cloud *cloud, const struct local_request *req,
	unused_arg struct json **out, struct err *err)
{
	struct tag_call t = {.set = redshift_tags(req->in, err)};
	int r = t.set ? tag_frame(cloud, req, &t, err) : -1;

	json_free(t.set);
	json_free(t.all);
	return r;
}

static int untag(struct local_cloud *cloud, const struct local_request *req,
	unused_arg struct json **out, struct err *err)
{
	struct tag_call t = {.keys = json_get(req->in, "tagKeys")};
	int r = tag_frame(cloud, req, &t, err);

	json_free(t.all);
	return r;
}

static int tags_of(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct tag_call t = {0};
	struct json *list = json_array(), *e;
	int r = tag_frame(cloud, req, &t, err);

	json_each(e, t.all)
	{
		struct json *one = json_object();
		json_set_str(one, "key", json_name(e));
		json_set_str(one, "value", json_str(e));
		json_push(list, one);
	}
	json_free(t.all);
	if (r) {
		json_free(list);
		return -1;
	}
	*out = json_object();
	json_set(*out, "tags", list);
	return 0;
}

/* --- routes --- */

static int arn_tx(struct local_cloud *cloud, void *payload, unused_arg struct err *err)
{
	struct call *c = payload;
	struct err none = ERR_INIT;

	if (find_tx(cloud, c, &none))
		err_release(&none);
	return 0;
}

static void arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	struct call c = {.req = req};
	struct err none = ERR_INIT;

	if (redshift_tx(cloud, arn_tx, &c, &none))
		err_release(&none);
	strbuf_addstr(arn, c.n.arn ? c.n.arn : "");
	redshift_namespace_release(&c.n);
}

static void tagged_arn(
	unused_arg struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *text = json_get_str(req->in, "resourceArn");

	strbuf_addstr(arn, text ? text : "");
}

static const struct local_route routes[] = {
	{"CreateNamespace", create, NULL},
	{"DeleteNamespace", remove_one, arn_of},
	{"GetNamespace", get, arn_of},
	{"ListNamespaces", list, NULL},
	{"ListTagsForResource", tags_of, tagged_arn},
	{"TagResource", tag, tagged_arn},
	{"UntagResource", untag, tagged_arn},
	{"UpdateNamespace", update, arn_of},
};

const struct local_service local_redshift_namespace_service = {
	"redshift-serverless", routes, ARRAY_SIZE(routes)};
