/* COPY and UNLOAD: which role, which objects, and the words that Redshift has for what goes wrong there. */
#include "local_glue.h"
#include "fs.h"
#include "local_objects.h"
#include "local_redshift.h"
#include "local_redshift_sql.h"
#include "uri.h"

#include <unistd.h>

/* --- the role --- */

struct spaces {
	const char *name;
	struct redshift_namespace n;
};

static int find_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct spaces *s = payload;

	return redshift_namespace_tx(cloud, s->name, &s->n, err);
}

static bool is_attached(const struct json *roles, const char *arn)
{
	const struct json *r;

	json_each(r, roles) if (json_str(r) && !strcmp(json_str(r), arn)) return true;
	return false;
}

/* The role must belong to the namespace and let Redshift assume it. */
static int assume(struct redshift_statement *q, const char *wanted, struct local_principal *who,
	struct err *err)
{
	struct spaces s = {.name = q->namespace_name};
	struct err why = ERR_INIT;
	const char *role;
	char *name = NULL;
	int r = redshift_tx(q->cloud, find_tx, &s, err);

	if (r)
		return -1;
	role = wanted ? wanted : json_get_str(s.n.doc, "defaultIamRoleArn");
	if (!role || !*role)
		r = err_set(err, ERR_INVALID,
			"ERROR: The default IAM role is not set for the namespace");
	else if (!is_attached(json_get(s.n.doc, "iamRoles"), role))
		r = err_set(err, ERR_INVALID,
			"ERROR: User %s is not authorized to assume IAM Role %s: the role is not "
			"associated with the namespace",
			s.n.arn, role);
	else if (local_iam_role_for_service(
			 q->cloud, role, "redshift.amazonaws.com", &name, &why) &&
		 local_iam_role_for_service(
			 q->cloud, role, "redshift-serverless.amazonaws.com", &name, &why))
		r = err_set(err, ERR_INVALID,
			"ERROR: User %s is not authorized to assume IAM Role %s", s.n.arn, role);
	else
		r = local_iam_role_principal(q->cloud, name, "RedshiftIamRoleSession", who, err);
	err_release(&why);
	free(name);
	redshift_namespace_release(&s.n);
	return r;
}

/* --- errors --- */

static int s3_error(const char *place, const struct err *why, struct err *err)
{
	const char *code = why->aws_code ? why->aws_code : "InternalError";
	bool denied = why->code == ERR_DENIED || !strcmp(code, "AccessDenied");

	if (!strcmp(code, "NoSuchBucket"))
		return err_set(err, ERR_INVALID,
			"ERROR: S3ServiceException:The specified bucket does not exist,Status "
			"404,Error NoSuchBucket,%s",
			place);
	return err_set(err, ERR_INVALID, "ERROR: S3ServiceException:%s,Status %d,Error %s,%s",
		denied ? "Access Denied" : why->text, denied ? 403 : why->http_status,
		denied ? "AccessDenied" : code, place);
}

static int check_region(struct redshift_statement *q, const struct rs_copy *copy, struct err *err)
{
	if (!copy->region || !strcmp(copy->region, q->region))
		return 0;
	return rs_refuse(err, "COPY or UNLOAD across regions");
}

/* --- COPY --- */

struct load {
	struct redshift_statement *q;
	const struct rs_copy *copy;
	struct local_principal who;
	struct json *files;
	struct strvec paths;
};

/* An object whose bytes are read: its rights are asked by head. */
static int add_object(struct load *l, const char *bucket, const char *key, struct err *err)
{
	struct local_object o = {0};
	struct err why = ERR_INIT;
	struct json *f;
	char *name = xasprintf("s3://%s/%s", bucket, key);
	int r = local_object_head(l->q->cloud, &l->who, bucket, key, &o, &why);

	if (r) {
		r = s3_error(name, &why, err);
	} else if (o.size) {
		f = json_object();
		json_set_str(f, "path", o.path);
		json_set_str(f, "name", name);
		json_set_bool(f, "gzip", l->copy->gzip);
		json_push(l->files, f);
	}
	local_object_release(&o);
	err_release(&why);
	free(name);
	return r;
}

/* Not data: folders, and what Spark and Hadoop leave beside it. */
static bool is_data(const char *key)
{
	const char *slash = strrchr(key, '/'), *base = slash ? slash + 1 : key;

	return *base && *base != '_' && *base != '.';
}

static int add_prefix(struct load *l, const char *bucket, const char *prefix, struct err *err)
{
	struct local_object_list list = LOCAL_OBJECT_LIST_INIT;
	struct err why = ERR_INIT;
	size_t found = 0;
	int r = local_object_list(l->q->cloud, &l->who, bucket, prefix, NULL, 0, &list, &why);

	if (r)
		r = s3_error(l->copy->place, &why, err);
	for (size_t i = 0; !r && i < list.nr; i++) {
		if (!is_data(list.v[i].key))
			continue;
		found++;
		r = add_object(l, bucket, list.v[i].key, err);
	}
	if (!r && !found)
		r = err_set(err, ERR_INVALID, "ERROR: The specified S3 prefix '%s' does not exist",
			prefix);
	local_object_list_release(&list);
	err_release(&why);
	return r;
}

static int add_url(struct load *l, const char *url, struct err *err)
{
	char *bucket = NULL, *key = NULL;
	struct err why = ERR_INIT;
	int r = s3_uri_split(url, &bucket, &key, &why);

	if (r)
		r = err_set(err, ERR_INVALID, "ERROR: Invalid S3 path: %s", url);
	else
		r = add_object(l, bucket, key, err);
	err_release(&why);
	free(bucket);
	free(key);
	return r;
}

/* {"entries":[{"url":"s3://…","mandatory":true}]} */
static int add_manifest(struct load *l, const char *bucket, const char *key, struct err *err)
{
	struct local_object o = {0};
	struct err why = ERR_INIT;
	struct strbuf text = STRBUF_INIT;
	struct json *doc = NULL, *e;
	int r = local_object_head(l->q->cloud, &l->who, bucket, key, &o, &why);

	if (r) {
		r = !strcmp(why.aws_code ? why.aws_code : "", "NoSuchKey")
			    ? err_set(err, ERR_INVALID,
				      "ERROR: The specified S3 prefix '%s' does not exist", key)
			    : s3_error(l->copy->place, &why, err);
		goto out;
	}
	if (fs_read(o.path, 64u * 1024 * 1024, &text, &why) ||
		!(doc = json_parse(text.buf, text.len, &why)) || !json_get(doc, "entries")) {
		r = err_set(err, ERR_INVALID,
			"ERROR: Problem reading manifest file - invalid manifest '%s'",
			l->copy->place);
		goto out;
	}
	json_each(e, json_get(doc, "entries"))
	{
		struct err one = ERR_INIT;
		bool mandatory = json_get_truth(e, "mandatory", false);
		r = add_url(l, json_get_str(e, "url") ? json_get_str(e, "url") : "", &one);
		if (r && (mandatory || !strstr(one.text, "NoSuchKey"))) {
			err_move(err, &one);
			break;
		}
		err_release(&one);
		r = 0;
	}
out:
	json_free(doc);
	strbuf_release(&text);
	local_object_release(&o);
	err_release(&why);
	return r;
}

static int find_files(struct load *l, struct err *err)
{
	char *bucket = NULL, *key = NULL;
	struct err why = ERR_INIT;
	int r = s3_uri_split(l->copy->place, &bucket, &key, &why);

	if (r)
		r = err_set(err, ERR_INVALID, "ERROR: Invalid S3 path: %s", l->copy->place);
	else if (l->copy->manifest)
		r = add_manifest(l, bucket, key, err);
	else
		r = add_prefix(l, bucket, key, err);
	err_release(&why);
	free(bucket);
	free(key);
	return r;
}

int redshift_run_copy(struct redshift_statement *q, struct redshift_session *s,
	const struct rs_copy *copy, struct json **reply, struct err *err)
{
	struct load l = {.q = q, .copy = copy, .files = json_array()};
	struct json *req;
	int r = check_region(q, copy, err) || assume(q, copy->role, &l.who, err) ||
		find_files(&l, err);

	if (!r) {
		req = json_object();
		json_set_str(req, "op", "load");
		json_set_str(req, "schema", copy->schema ? copy->schema : "public");
		json_set_str(req, "table", copy->table);
		json_set(req, "columns", json_copy(copy->columns));
		json_set_str(req, "format", copy->format);
		json_set(req, "options", json_copy(copy->options));
		json_set(req, "files", l.files);
		l.files = NULL;
		r = redshift_session_call(s, req, reply, err);
	}
	json_free(l.files);
	local_principal_release(&l.who);
	return r ? -1 : 0;
}

/* --- UNLOAD --- */

static int check_empty(struct redshift_statement *q, const struct local_principal *who,
	const char *bucket, const char *key, const struct rs_copy *copy, struct err *err)
{
	struct local_object_list list = LOCAL_OBJECT_LIST_INIT;
	struct err why = ERR_INIT;
	int r = local_object_list(q->cloud, who, bucket, key, NULL, 1, &list, &why);

	if (r)
		r = s3_error(copy->place, &why, err);
	else if (list.nr && !copy->overwrite)
		r = err_set(err, ERR_INVALID,
			"ERROR: Specified unload destination on S3 is not empty. Consider using a "
			"different bucket / prefix, manually removing the target files in S3, or "
			"using the ALLOWOVERWRITE option.");
	local_object_list_release(&list);
	err_release(&why);
	return r;
}

static char *unload_key(const char *prefix, const struct rs_copy *copy)
{
	return xasprintf("%s%s%s%s", prefix, copy->parallel_off ? "000" : "0000_part_00",
		!strcmp(copy->format, "PARQUET") ? ".parquet" : "", copy->gzip ? ".gz" : "");
}

int redshift_run_unload(struct redshift_statement *q, struct redshift_session *s,
	const struct rs_copy *copy, const char *sql, struct json **reply, struct err *err)
{
	char *path = local_scratch_path(q->cloud, ".unload"), *bucket = NULL, *key = NULL,
	     *target = NULL;
	struct local_principal who = {0};
	struct err why = ERR_INIT;
	struct json *req;
	int r = check_region(q, copy, err) || assume(q, copy->role, &who, err);

	if (r)
		goto out;
	r = -1;
	if (s3_uri_split(copy->place, &bucket, &key, &why)) {
		err_set(err, ERR_INVALID, "ERROR: Invalid S3 path: %s", copy->place);
		goto out;
	}
	if (check_empty(q, &who, bucket, key, copy, err))
		goto out;
	req = json_object();
	json_set_str(req, "op", "unload");
	json_set_str(req, "sql", sql);
	json_set_str(req, "output", path);
	json_set_str(req, "format", copy->format);
	json_set(req, "options", json_copy(copy->options));
	if (redshift_session_call(s, req, reply, err))
		goto out;
	target = unload_key(key, copy);
	r = local_object_put_file(
		q->cloud, &who, bucket, target, path, "application/octet-stream", &why);
	if (r)
		s3_error(copy->place, &why, err);
out:
	unlink(path); /* gone already when it was put */
	local_principal_release(&who);
	err_release(&why);
	free(path);
	free(bucket);
	free(key);
	free(target);
	return r;
}
