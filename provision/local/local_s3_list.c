/*
 * "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads". Keys come in byte order from an index; with
 * a delimiter the walk jumps over all that a common prefix covers, so a page costs what it shows.
 */
#include "local_s3.h"
#include "uri.h"
#include "xalloc.h"

struct lister {
	struct local_s3_call *c;
	const char *prefix, *delimiter;
	bool url;
	int64_t max, nr;
	struct strbuf items, commons;
	char *last;    /* the last key or common prefix shown */
	char *last_id; /* the last version or upload shown; NULL after a common prefix */
	bool truncated;
	/* where to go on */
	char *from;       /* keys from here … */
	bool after;       /* … or after it */
	int64_t from_ord; /* versions of `from` after this one; 0: none */
	char *from_id;    /* uploads of `from` after this id */
};

static void lister_release(struct lister *l)
{
	strbuf_release(&l->items);
	strbuf_release(&l->commons);
	free(l->last);
	free(l->last_id);
	free(l->from);
	free(l->from_id);
}

static void add_key(const struct lister *l, struct strbuf *sb, const char *element, const char *key)
{
	struct strbuf encoded = STRBUF_INIT;

	if (l->url)
		uri_encode(&encoded, key, strlen(key), true);
	xml_add_element(sb, element, l->url ? encoded.buf : key);
	strbuf_release(&encoded);
}

static int lister_init(
	struct lister *l, struct local_s3_call *c, const char *max_name, struct err *err)
{
	const char *encoding = local_s3_param(c, "encoding-type");

	*l = (struct lister){.c = c};
	strbuf_init(&l->items);
	strbuf_init(&l->commons);
	l->prefix = local_s3_param(c, "prefix") ? local_s3_param(c, "prefix") : "";
	l->delimiter = local_s3_param(c, "delimiter");
	if (l->delimiter && !*l->delimiter)
		l->delimiter = NULL;
	if (encoding && !iequals(encoding, "url") && *encoding)
		return local_s3_invalid(err, "Invalid Encoding Method specified in Request");
	l->url = encoding && *encoding;
	return local_s3_int_param(c, max_name, 1000, 1000, &l->max, err);
}

/* The first string behind all that start with `s`. In place; false when there is none. */
static bool successor(char *s)
{
	size_t len = strlen(s);

	while (len && (unsigned char)s[len - 1] == 0xff)
		len--;
	if (!len)
		return false;
	s[len - 1] = (char)(s[len - 1] + 1);
	s[len] = '\0';
	return true;
}

/* The common prefix that the key falls under, malloc'd; NULL when it stands for itself. */
static char *common_prefix(const struct lister *l, const char *key)
{
	size_t skip = strlen(l->prefix);
	const char *hit = l->delimiter ? strstr(key + skip, l->delimiter) : NULL;

	return hit ? xstrndup(key, (size_t)(hit - key) + strlen(l->delimiter)) : NULL;
}

/* Start of the walk: the marker, when it lies in the prefix's keys. A marker that is inside of a common prefix
 * (or is one) means that the prefix was shown. */
static void start_at(struct lister *l, const char *marker, bool skip_common)
{
	char *common = NULL;

	if (!marker || strcmp(marker, l->prefix) < 0) {
		l->from = xstrdup(l->prefix);
		l->from_ord = 0;
		free(l->from_id);
		l->from_id = NULL;
		return;
	}
	if (skip_common && !strncmp(marker, l->prefix, strlen(l->prefix)))
		common = common_prefix(l, marker);
	l->from = common ? common : xstrdup(marker);
	l->after = true;
	if (common) {
		l->after = false;
		if (!successor(l->from))
			l->after = true;
	}
}

static void show(struct lister *l, const char *key, const char *id)
{
	char *old_last = l->last, *old_id = l->last_id;

	l->last = xstrdup(key);
	l->last_id = xstrdup(id);
	l->nr++;
	free(old_last);
	free(old_id);
}

typedef void add_row_fn(struct lister *l, struct sql_stmt *st, const char *key);

/* What one query of the walk gave. */
enum step { STEP_DONE, STEP_AGAIN, STEP_FAILED };

/* Rows until the end of the prefix, the page, or a common prefix (which moves `from` behind it). */
static enum step walk(
	struct lister *l, struct sql_stmt *st, int id_column, add_row_fn *add, struct err *err)
{
	size_t prefix_len = strlen(l->prefix);
	int row;

	while ((row = sql_step(st, err)) > 0) {
		const char *key = sql_text(st, 0);
		char *common;

		if (strncmp(key, l->prefix, prefix_len))
			return STEP_DONE;
		if (l->nr == l->max) {
			l->truncated = l->max > 0;
			return STEP_DONE;
		}
		common = common_prefix(l, key);
		if (!common) {
			add(l, st, key);
			show(l, key, id_column >= 0 ? sql_text(st, id_column) : NULL);
			continue;
		}
		strbuf_addstr(&l->commons, "<CommonPrefixes>");
		add_key(l, &l->commons, "Prefix", common);
		strbuf_addstr(&l->commons, "</CommonPrefixes>");
		show(l, common, NULL);
		free(l->from);
		l->from = common;
		l->after = false;
		l->from_ord = 0;
		free(l->from_id);
		l->from_id = NULL;
		return successor(l->from) ? STEP_AGAIN : STEP_DONE;
	}
	return row < 0 ? STEP_FAILED : STEP_DONE;
}

/* --- objects --- */

#define SELECT_LIVE                                                                     \
	"SELECT key, etag, size, modified_ms, class, sum_alg, sum_type FROM s3_object " \
	"WHERE live = 1 AND bucket = ? AND key "

static void add_object(struct lister *l, struct sql_stmt *st, const char *key)
{
	struct strbuf *sb = &l->items;
	bool v2 = local_s3_param(l->c, "list-type") != NULL;
	const char *fetch = local_s3_param(l->c, "fetch-owner");

	strbuf_addstr(sb, "<Contents>");
	add_key(l, sb, "Key", key);
	local_s3_add_time(sb, "LastModified", sql_int(st, 3));
	local_s3_add_etag(sb, sql_text(st, 1));
	xml_add_element(sb, "ChecksumAlgorithm", sql_text(st, 5));
	xml_add_element(sb, "ChecksumType", sql_text(st, 6));
	local_s3_add_int(sb, "Size", sql_int(st, 2));
	if (!v2 || (fetch && iequals(fetch, "true")))
		local_s3_add_owner(l->c, sb, "Owner");
	xml_add_element(sb, "StorageClass", sql_text(st, 4));
	strbuf_addstr(sb, "</Contents>");
}

static int list_live(struct lister *l, struct err *err)
{
	struct local_cloud *cloud = l->c->cloud;
	enum step step = STEP_FAILED;

	do {
		struct sql_stmt *st;

		/* other requests may come in between */
		if (local_tx_begin(cloud, err))
			return -1;
		st = sql_query(cloud->db, err,
			l->after ? SELECT_LIVE "> ? ORDER BY key LIMIT ?"
				 : SELECT_LIVE ">= ? ORDER BY key LIMIT ?",
			"ssi", l->c->bucket, l->from, l->max - l->nr + 1);
		step = st ? walk(l, st, -1, add_object, err) : STEP_FAILED;
		sql_done(st);
		local_tx_end(cloud);
	} while (step == STEP_AGAIN);
	return step == STEP_FAILED ? -1 : 0;
}

static void print_head(struct lister *l, struct strbuf *sb)
{
	xml_add_element(sb, "Name", l->c->bucket);
	add_key(l, sb, "Prefix", l->prefix);
	if (l->delimiter)
		add_key(l, sb, "Delimiter", l->delimiter);
	local_s3_add_int(sb, "MaxKeys", l->max);
	if (l->url)
		xml_add_element(sb, "EncodingType", "url");
	local_s3_add_bool(sb, "IsTruncated", l->truncated);
}

int local_s3_list_objects(struct local_s3_call *c, struct err *err)
{
	const char *marker = local_s3_param(c, "marker");
	struct lister l;
	struct strbuf *sb;
	int result = -1;

	if (lister_init(&l, c, "max-keys", err))
		goto out;
	start_at(&l, marker && *marker ? marker : NULL, true);
	if (list_live(&l, err))
		goto out;
	sb = local_s3_xml(c, "ListBucketResult");
	print_head(&l, sb);
	add_key(&l, sb, "Marker", marker ? marker : "");
	/* S3 gives the next marker only with a delimiter; else it is the last key */
	if (l.truncated && l.delimiter)
		add_key(&l, sb, "NextMarker", l.last);
	strbuf_add(sb, l.items.buf, l.items.len);
	strbuf_add(sb, l.commons.buf, l.commons.len);
	strbuf_addstr(sb, "</ListBucketResult>");
	result = 0;
out:
	lister_release(&l);
	return result;
}

int local_s3_list_objects_v2(struct local_s3_call *c, struct err *err)
{
	const char *token = local_s3_param(c, "continuation-token"),
		   *start = local_s3_param(c, "start-after");
	struct lister l;
	struct strbuf *sb;
	char *after = NULL;
	int result = -1;

	if (lister_init(&l, c, "max-keys", err))
		goto out;
	if (token && !*token) {
		local_s3_invalid(err, "The continuation token provided is incorrect");
		goto out;
	}
	if (local_token_read(token, "InvalidArgument", &after, err))
		goto out;
	start_at(&l, after ? after : start && *start ? start : NULL, after != NULL);
	if (list_live(&l, err))
		goto out;
	sb = local_s3_xml(c, "ListBucketResult");
	print_head(&l, sb);
	local_s3_add_int(sb, "KeyCount", l.nr);
	xml_add_element(sb, "ContinuationToken", token);
	if (start && !token)
		add_key(&l, sb, "StartAfter", start);
	if (l.truncated) {
		char *next = local_token_make(l.last);

		xml_add_element(sb, "NextContinuationToken", next);
		free(next);
	}
	strbuf_add(sb, l.items.buf, l.items.len);
	strbuf_add(sb, l.commons.buf, l.commons.len);
	strbuf_addstr(sb, "</ListBucketResult>");
	result = 0;
out:
	free(after);
	lister_release(&l);
	return result;
}

/* --- versions --- */

#define SELECT_VERSIONS                                                                  \
	"SELECT key, etag, size, modified_ms, class, version, marker, ord, sum_alg, "    \
	"sum_type, ord = (SELECT min(n.ord) FROM s3_object n WHERE n.bucket = o.bucket " \
	"AND n.key = o.key) FROM s3_object o WHERE bucket = ? AND "

static void add_version(struct lister *l, struct sql_stmt *st, const char *key)
{
	struct strbuf *sb = &l->items;
	bool marker = sql_int(st, 6) != 0;
	const char *element = marker ? "DeleteMarker" : "Version";

	strbuf_addf(sb, "<%s>", element);
	add_key(l, sb, "Key", key);
	xml_add_element(sb, "VersionId", sql_text(st, 5));
	local_s3_add_bool(sb, "IsLatest", sql_int(st, 10) != 0);
	local_s3_add_time(sb, "LastModified", sql_int(st, 3));
	if (!marker) {
		local_s3_add_etag(sb, sql_text(st, 1));
		xml_add_element(sb, "ChecksumAlgorithm", sql_text(st, 8));
		xml_add_element(sb, "ChecksumType", sql_text(st, 9));
		local_s3_add_int(sb, "Size", sql_int(st, 2));
		xml_add_element(sb, "StorageClass", sql_text(st, 4));
	}
	local_s3_add_owner(l->c, sb, "Owner");
	strbuf_addf(sb, "</%s>", element);
}

static struct sql_stmt *query_versions(struct lister *l, struct err *err)
{
	struct sql_db *db = l->c->cloud->db;
	int64_t limit = l->max - l->nr + 1;

	if (l->from_ord)
		return sql_query(db, err,
			SELECT_VERSIONS "(key, ord) > (?, ?) ORDER BY key, ord LIMIT ?", "ssii",
			l->c->bucket, l->from, l->from_ord, limit);
	return sql_query(db, err,
		l->after ? SELECT_VERSIONS "key > ? ORDER BY key, ord LIMIT ?"
			 : SELECT_VERSIONS "key >= ? ORDER BY key, ord LIMIT ?",
		"ssi", l->c->bucket, l->from, limit);
}

static int list_all(struct lister *l, struct err *err)
{
	enum step step = STEP_FAILED;

	do {
		struct sql_stmt *st;

		if (local_tx_begin(l->c->cloud, err))
			return -1;
		st = query_versions(l, err);
		step = st ? walk(l, st, 5, add_version, err) : STEP_FAILED;
		sql_done(st);
		local_tx_end(l->c->cloud);
	} while (step == STEP_AGAIN);
	return step == STEP_FAILED ? -1 : 0;
}

/* The version marker as a place in the order; the version may be gone, then its key's end is next. */
static int version_place(struct lister *l, const char *key, const char *version, struct err *err)
{
	struct store_object o = {0};
	int found;

	if (local_tx_begin(l->c->cloud, err))
		return -1;
	found = store_find(l->c->cloud, l->c->bucket, key, version, &o, err);
	local_tx_end(l->c->cloud);
	if (found > 0)
		l->from_ord = o.ord;
	store_object_release(&o);
	return found < 0 ? -1 : 0;
}

int local_s3_list_versions(struct local_s3_call *c, struct err *err)
{
	const char *key = local_s3_param(c, "key-marker"),
		   *version = local_s3_param(c, "version-id-marker");
	struct lister l;
	struct strbuf *sb;
	int result = -1;

	if (lister_init(&l, c, "max-keys", err))
		goto out;
	if (version && *version && (!key || !*key)) {
		local_s3_invalid(
			err, "A version-id marker cannot be specified without a key marker.");
		goto out;
	}
	if (version && *version && version_place(&l, key, version, err))
		goto out;
	start_at(&l, key && *key ? key : NULL, !l.from_ord);
	if (list_all(&l, err))
		goto out;
	sb = local_s3_xml(c, "ListVersionsResult");
	print_head(&l, sb);
	add_key(&l, sb, "KeyMarker", key ? key : "");
	xml_add_element(sb, "VersionIdMarker", version ? version : "");
	if (l.truncated) {
		add_key(&l, sb, "NextKeyMarker", l.last);
		xml_add_element(sb, "NextVersionIdMarker", l.last_id);
	}
	strbuf_add(sb, l.items.buf, l.items.len);
	strbuf_add(sb, l.commons.buf, l.commons.len);
	strbuf_addstr(sb, "</ListVersionsResult>");
	result = 0;
out:
	lister_release(&l);
	return result;
}

/* --- uploads --- */

#define SELECT_UPLOADS                                                         \
	"SELECT key, id, created_ms, class, sum_alg, sum_type FROM s3_upload " \
	"WHERE bucket = ? AND "

static void add_upload(struct lister *l, struct sql_stmt *st, const char *key)
{
	struct strbuf *sb = &l->items;

	strbuf_addstr(sb, "<Upload>");
	add_key(l, sb, "Key", key);
	xml_add_element(sb, "UploadId", sql_text(st, 1));
	local_s3_add_owner(l->c, sb, "Initiator");
	local_s3_add_owner(l->c, sb, "Owner");
	xml_add_element(sb, "StorageClass", sql_text(st, 3));
	local_s3_add_time(sb, "Initiated", sql_int(st, 2));
	xml_add_element(sb, "ChecksumAlgorithm", sql_text(st, 4));
	xml_add_element(sb, "ChecksumType", sql_text(st, 5));
	strbuf_addstr(sb, "</Upload>");
}

static int list_pending(struct lister *l, struct err *err)
{
	struct local_cloud *cloud = l->c->cloud;
	enum step step = STEP_FAILED;

	do {
		int64_t limit = l->max - l->nr + 1;
		struct sql_stmt *st;

		if (local_tx_begin(cloud, err))
			return -1;
		if (l->from_id)
			st = sql_query(cloud->db, err,
				SELECT_UPLOADS "(key, id) > (?, ?) ORDER BY key, id LIMIT ?",
				"sssi", l->c->bucket, l->from, l->from_id, limit);
		else
			st = sql_query(cloud->db, err,
				l->after ? SELECT_UPLOADS "key > ? ORDER BY key, id LIMIT ?"
					 : SELECT_UPLOADS "key >= ? ORDER BY key, id LIMIT ?",
				"ssi", l->c->bucket, l->from, limit);
		step = st ? walk(l, st, 1, add_upload, err) : STEP_FAILED;
		sql_done(st);
		local_tx_end(cloud);
	} while (step == STEP_AGAIN);
	return step == STEP_FAILED ? -1 : 0;
}

int local_s3_list_uploads(struct local_s3_call *c, struct err *err)
{
	const char *key = local_s3_param(c, "key-marker"),
		   *id = local_s3_param(c, "upload-id-marker");
	struct lister l;
	struct strbuf *sb;
	int result = -1;

	if (lister_init(&l, c, "max-uploads", err))
		goto out;
	if (id && *id && key && *key)
		l.from_id = xstrdup(id);
	start_at(&l, key && *key ? key : NULL, !l.from_id);
	if (list_pending(&l, err))
		goto out;
	sb = local_s3_xml(c, "ListMultipartUploadsResult");
	xml_add_element(sb, "Bucket", c->bucket);
	add_key(&l, sb, "KeyMarker", key ? key : "");
	xml_add_element(sb, "UploadIdMarker", id ? id : "");
	if (l.truncated) {
		add_key(&l, sb, "NextKeyMarker", l.last);
		xml_add_element(sb, "NextUploadIdMarker", l.last_id);
	}
	add_key(&l, sb, "Prefix", l.prefix);
	if (l.delimiter)
		add_key(&l, sb, "Delimiter", l.delimiter);
	local_s3_add_int(sb, "MaxUploads", l.max);
	if (l.url)
		xml_add_element(sb, "EncodingType", "url");
	local_s3_add_bool(sb, "IsTruncated", l.truncated);
	strbuf_add(sb, l.items.buf, l.items.len);
	strbuf_add(sb, l.commons.buf, l.commons.len);
	strbuf_addstr(sb, "</ListMultipartUploadsResult>");
	result = 0;
out:
	lister_release(&l);
	return result;
}
