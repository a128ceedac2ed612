/* "DeleteObject" and "DeleteObjects". */
#include "local_s3.h"
#include "xalloc.h"

#define MAX_DELETES 1000

/* If-Match of a delete: the object must be there and be that one; "*": any. In a transaction. */
static int check_match(struct local_s3_call *c, const char *key, const char *etag, struct err *err)
{
	struct store_object o = {0};
	size_t len = etag ? strlen(etag) : 0;
	bool quoted = len >= 2 && etag[0] == '"', any = etag && !strcmp(etag, "*");
	int found, result = 0;

	if (!etag)
		return 0;
	found = store_find(c->cloud, c->bucket, key, NULL, &o, err);
	if (found < 0)
		result = -1;
	else if (!found)
		result = local_fault(err, 404, "NoSuchKey", "The specified key does not exist.");
	else if (o.marker ||
		 (!any && (quoted ? strlen(o.etag) != len - 2 || strncmp(o.etag, etag + 1, len - 2)
				  : strcmp(o.etag, etag))))
		result = local_s3_precondition(c, "If-Match", err);
	store_object_release(&o);
	return result;
}

int local_s3_delete_object(struct local_s3_call *c, struct err *err)
{
	struct strvec garbage = STRVEC_INIT;
	struct store_deleted deleted = {0};
	struct store_bucket b = {0};
	const char *version = local_s3_param(c, "versionId");
	bool bypass = local_s3_lock_bypass(c, c->key);
	int result = -1;

	if (local_tx_begin(c->cloud, err) || store_bucket_get(c->cloud, c->bucket, &b, err) ||
		check_match(c, c->key, local_s3_header(c, "if-match"), err) ||
		local_s3_lock_check(c, c->key, version, bypass, err) ||
		store_delete(c->cloud, &b, c->key, version, &deleted, &garbage, err) ||
		local_tx_commit(c->cloud, err))
		goto out;
	c->reply->status = 204;
	if (deleted.marker)
		local_reply_header(c->reply, "x-amz-delete-marker", "true");
	if (deleted.version)
		local_reply_header(c->reply, "x-amz-version-id", "%s", deleted.version);
	result = 0;
out:
	local_tx_end(c->cloud);
	if (!result)
		store_remove(c->cloud, &garbage);
	strvec_release(&garbage);
	store_bucket_release(&b);
	free(deleted.version);
	return result;
}

/* --- many --- */

/* A key of the list that the caller may delete. */
struct doomed {
	struct xml_node *node;
	bool bypass; /* of a retention of governance */
};

static void print_deleted(struct strbuf *sb, const char *key, const char *version,
	const struct store_deleted *d, bool quiet)
{
	if (quiet)
		return;
	strbuf_addstr(sb, "<Deleted>");
	xml_add_element(sb, "Key", key);
	xml_add_element(sb, "VersionId", version);
	if (d->marker) {
		local_s3_add_bool(sb, "DeleteMarker", true);
		xml_add_element(sb, "DeleteMarkerVersionId", d->version);
	}
	strbuf_addstr(sb, "</Deleted>");
}

static void print_error(
	struct strbuf *sb, const char *key, const char *version, const struct err *e)
{
	strbuf_addstr(sb, "<Error>");
	xml_add_element(sb, "Key", key);
	xml_add_element(sb, "VersionId", version);
	xml_add_element(sb, "Code", e->aws_code ? e->aws_code : "InternalError");
	xml_add_element(sb, "Message", e->text ? e->text : "");
	strbuf_addstr(sb, "</Error>");
}

/* One key of the list: what IAM, a condition or a lock forbids is an error in the reply, not of it. */
static int delete_one(struct local_s3_call *c, const struct store_bucket *b, const struct doomed *d,
	bool quiet, struct strbuf *sb, struct strvec *garbage, struct err *err)
{
	const char *key = xml_child_text(d->node, "Key"),
		   *version = xml_child_text(d->node, "VersionId");
	struct store_deleted deleted = {0};
	struct err refusal = ERR_INIT;
	int result;

	if (check_match(c, key, xml_child_text(d->node, "ETag"), &refusal) ||
		local_s3_lock_check(c, key, version, d->bypass, &refusal)) {
		print_error(sb, key, version, &refusal);
		err_release(&refusal);
		return 0;
	}
	result = store_delete(c->cloud, b, key, version, &deleted, garbage, err);
	if (!result)
		print_deleted(sb, key, version, &deleted, quiet);
	free(deleted.version);
	return result;
}

/* The keys that the caller may delete; the others are told of at once. Outside of a transaction. */
static size_t allowed_keys(
	struct local_s3_call *c, struct xml_node *root, struct doomed *out, struct strbuf *sb)
{
	struct xml_node *n;
	size_t nr = 0;

	xml_each(n, root)
	{
		const char *key = xml_child_text(n, "Key"),
			   *version = xml_child_text(n, "VersionId");
		struct err refusal = ERR_INIT;

		if (strcmp(xml_name(n), "Object"))
			continue;
		if (local_s3_authorize(c, version ? "s3:DeleteObjectVersion" : "s3:DeleteObject",
			    c->bucket, key, NULL, &refusal)) {
			print_error(sb, key, version, &refusal);
			err_release(&refusal);
		} else
			out[nr++] = (struct doomed){n, local_s3_lock_bypass(c, key)};
	}
	return nr;
}

static int check_list(struct xml_node *root, size_t *nr, struct err *err)
{
	struct xml_node *n;

	*nr = 0;
	if (!root || strcmp(xml_name(root), "Delete"))
		return local_s3_malformed(err);
	xml_each(n, root)
	{
		if (strcmp(xml_name(n), "Object"))
			continue;
		if (!xml_child_text(n, "Key") || !*xml_child_text(n, "Key"))
			return local_s3_malformed(err);
		(*nr)++;
	}
	return *nr && *nr <= MAX_DELETES ? 0 : local_s3_malformed(err);
}

int local_s3_delete_objects(struct local_s3_call *c, struct err *err)
{
	struct strbuf *text = &c->sink.memory, *sb;
	struct xml_doc *doc = xml_parse(text->buf, text->len, NULL);
	struct xml_node *root = doc ? xml_root(doc) : NULL;
	struct doomed *doomed = NULL;
	struct strvec garbage = STRVEC_INIT;
	struct store_bucket b = {0};
	const char *quiet;
	size_t nr, i;
	int result = -1;

	if (check_list(root, &nr, err))
		goto out;
	quiet = xml_child_text(root, "Quiet");
	sb = local_s3_xml(c, "DeleteResult");
	doomed = xcalloc(nr, sizeof(*doomed));
	nr = allowed_keys(c, root, doomed, sb);
	if (local_tx_begin(c->cloud, err) || store_bucket_get(c->cloud, c->bucket, &b, err))
		goto out;
	for (i = 0; i < nr; i++)
		if (delete_one(
			    c, &b, &doomed[i], quiet && iequals(quiet, "true"), sb, &garbage, err))
			goto out;
	strbuf_addstr(sb, "</DeleteResult>");
	result = local_tx_commit(c->cloud, err);
out:
	local_tx_end(c->cloud);
	if (!result)
		store_remove(c->cloud, &garbage);
	xml_free(doc);
	free(doomed);
	strvec_release(&garbage);
	store_bucket_release(&b);
	return result;
}
