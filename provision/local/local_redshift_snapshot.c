/* Final snapshots of namespaces: listed, read, deleted. The local cloud restores none. */
#include "fs.h"
#include "local_glue.h"
#include "local_redshift.h"
#include "local_services.h"
#include "log.h"

static int check_name(const char *name, struct err *err)
{
	size_t len = name ? strlen(name) : 0;

	if (len && len <= 255 && *name >= 'a' && *name <= 'z' && name[len - 1] != '-' &&
		!strstr(name, "--") && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len)
		return 0;
	return redshift_invalid(
		err, "The snapshot name %.300s is not valid.", name ? name : "null");
}

/* *doc NULL: there is none. */
static int find_tx(struct local_cloud *cloud, const char *name, struct json **doc, struct err *err)
{
	struct sql_stmt *st = sql_query(
		cloud->db, err, "SELECT doc FROM redshift_snapshot WHERE name = ?", "s", name);
	int row = st ? sql_step(st, err) : -1;

	*doc = row > 0 ? glue_doc(sql_text(st, 0)) : NULL;
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static struct json *new_doc(struct local_cloud *cloud, const struct redshift_namespace *n,
	const char *name, int64_t days)
{
	struct json *doc = json_object();
	char *id = local_uuid(),
	     *arn = local_arn(cloud, "redshift-serverless", n->region, "snapshot/%s", id);

	json_set_str(doc, "adminUsername", json_get_str(n->doc, "adminUsername"));
	json_set_str(doc, "kmsKeyId", json_get_str(n->doc, "kmsKeyId"));
	json_set_str(doc, "namespaceArn", n->arn);
	json_set_str(doc, "namespaceName", n->name);
	json_set_str(doc, "ownerAccount", cloud->account);
	json_set_str(doc, "snapshotArn", arn);
	redshift_set_date(doc, "snapshotCreateTime", local_now_ms(cloud));
	json_set_str(doc, "snapshotName", name);
	json_set_i64(doc, "snapshotRetentionPeriod", days);
	json_set_str(doc, "status", "AVAILABLE");
	free(id);
	free(arn);
	return doc;
}

int redshift_snapshot_tx(struct local_cloud *cloud, const struct redshift_namespace *n,
	const char *name, int64_t days, struct err *err)
{
	struct json *doc = NULL;
	char *text;
	int r;

	if (check_name(name, err) || find_tx(cloud, name, &doc, err))
		return -1;
	if (doc) {
		json_free(doc);
		return redshift_conflict(err, "Snapshot %s already exists.", name);
	}
	if (days != -1 && (days < 1 || days > 3653))
		return redshift_invalid(
			err, "finalSnapshotRetentionPeriod must be -1, or from 1 to 3653.");
	doc = new_doc(cloud, n, name, days);
	text = glue_text(doc);
	r = sql_run(cloud->db, NULL, err, "INSERT INTO redshift_snapshot (name, doc) VALUES (?, ?)",
		"ss", name, text);
	free(text);
	json_free(doc);
	return r;
}

struct call {
	const char *name;
	bool remove;
	struct json *doc;
};

static int one_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *c = payload;

	if (check_name(c->name, err) || find_tx(cloud, c->name, &c->doc, err))
		return -1;
	if (!c->doc)
		return redshift_missing(err, "Snapshot %s not found.", c->name);
	return c->remove ? sql_run(cloud->db, NULL, err,
				   "DELETE FROM redshift_snapshot WHERE name = ?", "s", c->name)
			 : 0;
}

static int one(struct local_cloud *cloud, struct call *c, struct json **out, struct err *err)
{
	if (redshift_tx(cloud, one_tx, c, err)) {
		json_free(c->doc);
		return -1;
	}
	*out = json_object();
	json_set(*out, "snapshot", c->doc);
	return 0;
}

static int get(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call c = {.name = json_get_str(req->in, "snapshotName")};

	return one(cloud, &c, out, err);
}

static int remove_one(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call c = {.name = json_get_str(req->in, "snapshotName"), .remove = true};
	struct err why = ERR_INIT;
	char *kept, *folder;

	if (one(cloud, &c, out, err))
		return -1;
	kept = redshift_folder(cloud, "snapshots");
	folder = xasprintf("%s/%s", kept, c.name);
	if (fs_remove_tree(folder, &why))
		log_warn("snapshot %s: %s", c.name, why.text);
	json_set_str(json_get(*out, "snapshot"), "status", "DELETED");
	err_release(&why);
	free(kept);
	free(folder);
	return 0;
}

static int list(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	static const struct redshift_listing snapshots = {"snapshots",
		"SELECT name, doc, 'AVAILABLE' FROM redshift_snapshot WHERE name > ?1 AND (?2 IS "
		"NULL OR json_extract(doc, '$.namespaceName') = ?2) ORDER BY name LIMIT ?3",
		NULL};

	return redshift_list(
		cloud, req, &snapshots, json_get_str(req->in, "namespaceName"), out, err);
}

static const struct local_route routes[] = {
	{"DeleteSnapshot", remove_one, NULL},
	{"GetSnapshot", get, NULL},
	{"ListSnapshots", list, NULL},
};

const struct local_service local_redshift_snapshot_service = {
	"redshift-serverless", routes, ARRAY_SIZE(routes)};
