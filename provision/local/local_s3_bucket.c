/* "CreateBucket", "ListBuckets", "HeadBucket", "DeleteBucket", "GetBucketLocation", versioning, ACLs. */
#include <ctype.h>
#include "local_s3.h"
#include "xalloc.h"

/* --- lists --- */

int local_s3_list_buckets(struct local_s3_call *c, struct err *err)
{
	const char *prefix = local_s3_param(c, "prefix"),
		   *region = local_s3_param(c, "bucket-region"),
		   *token = local_s3_param(c, "continuation-token");
	struct strbuf *sb = local_s3_xml(c, "ListAllMyBucketsResult");
	struct sql_stmt *st = NULL;
	char *after = NULL, *last = NULL;
	int64_t max, nr = 0;
	int row = -1;

	if (local_s3_int_param(c, "max-buckets", 10000, 10000, &max, err) ||
		local_token_read(token, "InvalidArgument", &after, err))
		return -1;
	local_s3_add_owner(c, sb, "Owner");
	strbuf_addstr(sb, "<Buckets>");
	if (!local_tx_begin(c->cloud, err))
		st = sql_query(c->cloud->db, err,
			"SELECT name, region, created_ms FROM s3_bucket WHERE name > ?1 "
			"AND substr(name, 1, length(?2)) = ?2 AND (?3 IS NULL OR region = ?3) "
			"ORDER BY name LIMIT ?4",
			"sssi", after ? after : "", prefix ? prefix : "", region, max + 1);
	while (st && (row = sql_step(st, err)) > 0) {
		if (nr++ == max)
			break;
		strbuf_addstr(sb, "<Bucket>");
		xml_add_element(sb, "Name", sql_text(st, 0));
		local_s3_add_time(sb, "CreationDate", sql_int(st, 2));
		xml_add_element(sb, "BucketRegion", sql_text(st, 1));
		strbuf_addstr(sb, "</Bucket>");
		free(last);
		last = xstrdup(sql_text(st, 0));
	}
	sql_done(st);
	local_tx_end(c->cloud);
	strbuf_addstr(sb, "</Buckets>");
	if (row > 0 && last) {
		char *next = local_token_make(last);

		xml_add_element(sb, "ContinuationToken", next);
		free(next);
	}
	xml_add_element(sb, "Prefix", prefix);
	strbuf_addstr(sb, "</ListAllMyBucketsResult>");
	free(after);
	free(last);
	return row < 0 ? -1 : 0;
}

/* --- create --- */

static bool is_bucket_name(const char *name)
{
	size_t len = strlen(name), i, digits = 0, dots = 0;

	if (len < 3 || len > 63 || strstr(name, "..") || starts_with(name, "xn--") ||
		starts_with(name, "sthree-") || ends_with(name, "-s3alias") ||
		ends_with(name, "--ol-s3") || ends_with(name, "--x-s3"))
		return false;
	for (i = 0; i < len; i++) {
		char ch = name[i];

		if (!islower((unsigned char)ch) && !isdigit((unsigned char)ch) && ch != '-' &&
			ch != '.')
			return false;
		digits += isdigit((unsigned char)ch) != 0;
		dots += ch == '.';
	}
	if (!isalnum((unsigned char)name[0]) || !isalnum((unsigned char)name[len - 1]))
		return false;
	return dots != 3 || digits + dots != len; /* no IP address */
}

static bool is_region(const char *name)
{
	size_t len = strlen(name), dashes = 0, i;

	for (i = 0; i < len; i++) {
		if (name[i] == '-')
			dashes++;
		else if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]))
			return false;
	}
	return len > 6 && dashes >= 2 && isdigit((unsigned char)name[len - 1]);
}

static int illegal_location(struct err *err, const char *location)
{
	return local_fault(err, 400, "IllegalLocationConstraintException",
		"The %s location constraint is incompatible for the region specific endpoint this "
		"request was sent to.",
		location);
}

/* Where the bucket goes, from the endpoint's region (the signature's) and the body. */
static int choose_region(
	struct local_s3_call *c, const char *location, char **region, struct err *err)
{
	const char *here = c->http->claim.region ? c->http->claim.region : "us-east-1";
	/* "US" is its old name */
	bool global =
		!strcmp(here, "us-east-1") || !strcmp(here, "aws-global") || !strcmp(here, "US");

	if (location && !strcmp(location, "EU"))
		location = "eu-west-1";
	if (!location && !global)
		return illegal_location(err, "unspecified");
	if (location && (!is_region(location) || (global && !strcmp(location, "us-east-1"))))
		return local_fault(err, 400, "InvalidLocationConstraint",
			"The specified location-constraint is not valid");
	if (location && !global && strcmp(location, here))
		return illegal_location(err, location);
	*region = xstrdup(location ? location : "us-east-1");
	return 0;
}

struct create_body {
	char *location;
	struct json *tags;
};

static int read_create_body(struct local_s3_call *c, struct create_body *body, struct err *err)
{
	struct strbuf *text = &c->sink.memory;
	struct xml_doc *doc;
	struct xml_node *root, *tags, *t;
	int result = 0;

	if (!text->len)
		return 0;
	doc = xml_parse(text->buf, text->len, NULL);
	root = doc ? xml_root(doc) : NULL;
	if (!root || strcmp(xml_name(root), "CreateBucketConfiguration")) {
		xml_free(doc);
		return local_s3_malformed(err);
	}
	body->location = xstrdup(xml_child_text(root, "LocationConstraint"));
	tags = xml_child(root, "Tags");
	if (tags)
		body->tags = json_object();
	for (t = tags ? xml_first(tags) : NULL; t; t = xml_next(t)) {
		const char *key = xml_child_text(t, "Key"), *value = xml_child_text(t, "Value");

		if (!key || !value)
			result = local_s3_malformed(err);
		else
			json_set_str(body->tags, key, value);
	}
	xml_free(doc);
	return result;
}

static char *bucket_arn(const char *bucket)
{
	return xasprintf("arn:aws:s3:::%s", bucket);
}

/* A bucket with object locks has versions. */
static bool with_lock(const struct local_s3_call *c)
{
	const char *asked = local_s3_header(c, "x-amz-bucket-object-lock-enabled");

	return asked && iequals(asked, "true");
}

/* Is the bucket that is there one of us-east-1? In a transaction. */
static bool is_at_home(struct local_s3_call *c)
{
	struct store_bucket b = {0};
	struct err err = ERR_INIT;
	bool result =
		!store_bucket_get(c->cloud, c->bucket, &b, &err) && !strcmp(b.region, "us-east-1");

	err_release(&err);
	store_bucket_release(&b);
	return result;
}

/* 1: it was there already, and that is fine in us-east-1. */
static int insert_bucket(
	struct local_s3_call *c, const char *region, const struct json *tags, struct err *err)
{
	const char *ownership = local_s3_header(c, "x-amz-object-ownership");
	struct err detail = ERR_INIT;
	char *arn;
	int result;

	if (sql_run(c->cloud->db, NULL, &detail,
		    "INSERT INTO s3_bucket(name, region, created_ms, versioning) "
		    "VALUES(?, ?, ?, ?)",
		    "ssis", c->bucket, region, local_now_ms(c->cloud),
		    with_lock(c) ? "Enabled" : "")) {
		bool exists = detail.code == ERR_EXISTS;

		if (!exists)
			err_move(err, &detail);
		err_release(&detail);
		if (!exists)
			return -1;
		if (!strcmp(region, "us-east-1") && is_at_home(c))
			return 1;
		return local_fault(err, 409, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you "
			"already "
			"own it.");
	}
	arn = bucket_arn(c->bucket);
	result = local_tags_set(c->cloud, arn, tags, err) ||
				 local_s3_config_defaults(
					 c->cloud, c->bucket, ownership, with_lock(c), err)
			 ? -1
			 : 0;
	free(arn);
	return result;
}

/* ACLs that say something need a bucket that has them. */
static int check_create_acl(struct local_s3_call *c, struct err *err)
{
	const char *acl = local_s3_header(c, "x-amz-acl"),
		   *ownership = local_s3_header(c, "x-amz-object-ownership");

	if (!acl || !strcmp(acl, "private") ||
		(ownership && strcmp(ownership, "BucketOwnerEnforced")))
		return 0;
	return local_fault(err, 400, "InvalidBucketAclWithObjectOwnership",
		"Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
}

/* A bucket in the account's own namespace says so at its name's end. */
static int check_namespace(struct local_s3_call *c, const char *region, struct err *err)
{
	const char *asked = local_s3_header(c, "x-amz-bucket-namespace");
	char *tail;
	bool fits;

	if (!asked || !strcmp(asked, "global"))
		return 0;
	tail = xasprintf("-%s-%s-an", c->cloud->account, region);
	fits = !strcmp(asked, "account-regional") && ends_with(c->bucket, tail);
	free(tail);
	if (fits)
		return 0;
	return local_fault(err, 400, "InvalidNamespaceHeader",
		"The bucket's name does not end as a name in the namespace '%.100s' does", asked);
}

int local_s3_create_bucket(struct local_s3_call *c, struct err *err)
{
	struct create_body body = {0};
	char *region = NULL;
	int added, result = -1;

	if (!is_bucket_name(c->bucket))
		return local_fault(
			err, 400, "InvalidBucketName", "The specified bucket is not valid.");
	if (check_create_acl(c, err) || read_create_body(c, &body, err) ||
		choose_region(c, body.location, &region, err) || check_namespace(c, region, err) ||
		local_tx_begin(c->cloud, err))
		goto out;
	added = insert_bucket(c, region, body.tags, err);
	if (added < 0 || (!added && local_tx_commit(c->cloud, err)))
		goto out;
	c->reply->status = 200;
	local_reply_header(c->reply, "Location", "/%s", c->bucket);
	local_reply_header(c->reply, "x-amz-bucket-arn", "arn:aws:s3:::%s", c->bucket);
	result = 0;
out:
	local_tx_end(c->cloud);
	free(body.location);
	json_free(body.tags);
	free(region);
	return result;
}

int local_s3_head_bucket(struct local_s3_call *c, struct err *err unused_arg)
{
	c->reply->status = 200;
	local_reply_header(c->reply, "Content-Type", "application/xml");
	local_reply_header(c->reply, "x-amz-access-point-alias", "false");
	local_reply_header(c->reply, "x-amz-bucket-arn", "arn:aws:s3:::%s", c->bucket);
	return 0;
}

static int get_bucket(struct local_s3_call *c, struct store_bucket *b, struct err *err)
{
	int result;

	if (local_tx_begin(c->cloud, err))
		return -1;
	result = store_bucket_get(c->cloud, c->bucket, b, err);
	local_tx_end(c->cloud);
	return result;
}

int local_s3_get_location(struct local_s3_call *c, struct err *err)
{
	struct store_bucket b = {0};
	struct strbuf *sb;

	if (get_bucket(c, &b, err))
		return -1;
	sb = local_s3_xml(c, "LocationConstraint");
	if (strcmp(b.region, "us-east-1"))
		xml_add_escaped(sb, b.region);
	strbuf_addstr(sb, "</LocationConstraint>");
	store_bucket_release(&b);
	return 0;
}

/* --- delete --- */

static int check_empty(struct local_s3_call *c, struct err *err)
{
	int row = sql_exists(c->cloud->db, err, "SELECT 1 FROM s3_object WHERE bucket = ? LIMIT 1",
		"s", c->bucket);

	if (row <= 0)
		return row;
	return local_fault(
		err, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
}

static int parts_of_bucket(struct local_s3_call *c, struct strvec *garbage, struct err *err)
{
	struct sql_stmt *st = sql_query(c->cloud->db, err,
		"SELECT p.file FROM s3_part p JOIN s3_upload u ON u.id = p.upload "
		"WHERE u.bucket = ?",
		"s", c->bucket);
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0)
		strvec_push(garbage, sql_text(st, 0));
	sql_done(st);
	return row;
}

int local_s3_delete_bucket(struct local_s3_call *c, struct err *err)
{
	static const char *const deletes[] = {
		"DELETE FROM s3_part WHERE upload IN (SELECT id FROM s3_upload WHERE bucket = ?)",
		"DELETE FROM s3_upload WHERE bucket = ?",
		"DELETE FROM s3_config WHERE bucket = ?",
		"DELETE FROM s3_bucket WHERE name = ?",
	};
	struct strvec garbage = STRVEC_INIT;
	char *arn = bucket_arn(c->bucket);
	size_t i;
	int result = -1;

	if (local_tx_begin(c->cloud, err) || check_empty(c, err) ||
		parts_of_bucket(c, &garbage, err) || local_tags_clear(c->cloud, arn, err))
		goto out;
	for (i = 0; i < ARRAY_SIZE(deletes); i++)
		if (sql_run(c->cloud->db, NULL, err, deletes[i], "s", c->bucket))
			goto out;
	result = local_tx_commit(c->cloud, err);
out:
	local_tx_end(c->cloud);
	if (!result) {
		store_remove(c->cloud, &garbage);
		c->reply->status = 204;
	}
	strvec_release(&garbage);
	free(arn);
	return result;
}

/* --- versioning --- */

int local_s3_get_versioning(struct local_s3_call *c, struct err *err)
{
	struct store_bucket b = {0};
	struct strbuf *sb;

	if (get_bucket(c, &b, err))
		return -1;
	sb = local_s3_xml(c, "VersioningConfiguration");
	xml_add_element(sb, "Status", *b.versioning ? b.versioning : NULL);
	strbuf_addstr(sb, "</VersioningConfiguration>");
	store_bucket_release(&b);
	return 0;
}

/* Locks need versions. In a transaction. */
static int check_unlocked(struct local_s3_call *c, const char *status, struct err *err)
{
	char *lock = NULL;
	int result;

	if (!strcmp(status, "Enabled"))
		return 0;
	result = local_s3_config_text(c->cloud, c->bucket, "object-lock", &lock, err);
	if (!result && lock)
		result = local_fault(err, 409, "InvalidBucketState",
			"An Object Lock configuration is present on this bucket, so the versioning "
			"state cannot be changed.");
	free(lock);
	return result;
}

int local_s3_put_versioning(struct local_s3_call *c, struct err *err)
{
	struct strbuf *text = &c->sink.memory;
	struct xml_doc *doc = xml_parse(text->buf, text->len, NULL);
	struct xml_node *root = doc ? xml_root(doc) : NULL;
	const char *status = root ? xml_child_text(root, "Status") : NULL,
		   *mfa = root ? xml_child_text(root, "MfaDelete") : NULL;
	int result = -1;

	if (!root || strcmp(xml_name(root), "VersioningConfiguration") ||
		(status && strcmp(status, "Enabled") && strcmp(status, "Suspended"))) {
		local_s3_malformed(err);
		goto out;
	}
	if (mfa && strcmp(mfa, "Disabled")) {
		local_fault(err, 501, "NotImplemented", "the local cloud's S3 has no MFA delete");
		goto out;
	}
	if (!status) {
		local_fault(err, 400, "IllegalVersioningConfigurationException",
			"The Versioning element must be specified");
		goto out;
	}
	if (local_tx_begin(c->cloud, err) || check_unlocked(c, status, err) ||
		sql_run(c->cloud->db, NULL, err,
			"UPDATE s3_bucket SET versioning = ? WHERE name = ?", "ss", status,
			c->bucket) ||
		local_tx_commit(c->cloud, err))
		goto out;
	c->reply->status = 200;
	result = 0;
out:
	local_tx_end(c->cloud);
	xml_free(doc);
	return result;
}

/* --- ACLs: the owner has all; anything else would need ACLs switched on --- */

static void print_acl(struct local_s3_call *c)
{
	struct strbuf *sb = local_s3_xml(c, "AccessControlPolicy");

	local_s3_add_owner(c, sb, "Owner");
	strbuf_addstr(sb, "<AccessControlList><Grant>");
	strbuf_addstr(sb, "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
			  "xsi:type=\"CanonicalUser\">");
	{
		struct strbuf owner = STRBUF_INIT;

		/* the same two elements, without the name around them */
		local_s3_add_owner(c, &owner, "O");
		strbuf_add(sb, owner.buf + 3, owner.len - 7);
		strbuf_release(&owner);
	}
	strbuf_addstr(sb, "</Grantee><Permission>FULL_CONTROL</Permission></Grant>"
			  "</AccessControlList></AccessControlPolicy>");
}

int local_s3_get_bucket_acl(struct local_s3_call *c, struct err *err unused_arg)
{
	print_acl(c);
	return 0;
}

int local_s3_put_bucket_acl(struct local_s3_call *c, struct err *err)
{
	c->reply->status = 200;
	return local_s3_check_acl(c, err);
}

int local_s3_get_object_acl(struct local_s3_call *c, struct err *err)
{
	struct store_object o = {0};
	int result =
		local_s3_object_get(c, c->bucket, c->key, local_s3_param(c, "versionId"), &o, err);

	store_object_release(&o);
	if (!result)
		print_acl(c);
	return result;
}

int local_s3_put_object_acl(struct local_s3_call *c, struct err *err)
{
	struct store_object o = {0};
	int result =
		local_s3_object_get(c, c->bucket, c->key, local_s3_param(c, "versionId"), &o, err);

	store_object_release(&o);
	c->reply->status = 200;
	return result ? -1 : local_s3_check_acl(c, err);
}
