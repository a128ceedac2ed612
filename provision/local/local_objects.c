/* Buckets and objects for the other services: the same store and rules as over HTTP. */
#include "local_objects.h"

#include "digest.h"
#include "hex.h"
#include "local_store.h"
#include "xalloc.h"

#define LIST_STEP 2000
#define LIST_OBJECTS                                                                              \
	"SELECT key, file, etag, size, modified_ms FROM s3_object WHERE live = 1 AND bucket = ? " \
	"AND "

void local_object_release(struct local_object *o)
{
	free(o->key);
	free(o->path);
	free(o->etag);
	free(o->content_type);
	*o = (struct local_object){0};
}

void local_object_list_release(struct local_object_list *l)
{
	size_t i;

	for (i = 0; i < l->nr; i++)
		local_object_release(&l->v[i]);
	free(l->v);
	*l = (struct local_object_list)LOCAL_OBJECT_LIST_INIT;
}

bool local_bucket_exists(struct local_cloud *cloud, const char *bucket)
{
	struct store_bucket b = {0};
	bool exists = !local_tx_begin(cloud, NULL) && !store_bucket_get(cloud, bucket, &b, NULL);

	local_tx_end(cloud);
	store_bucket_release(&b);
	return exists;
}

static int may(struct local_cloud *cloud, const struct local_principal *who, const char *action,
	const char *bucket, const char *key, struct err *err)
{
	char *arn;
	int result = 0;

	if (!who || !who->role_name)
		return 0;
	arn = xasprintf(key ? "arn:aws:s3:::%s/%s" : "arn:aws:s3:::%s%s", bucket, key ? key : "");
	if (!local_iam_allows(cloud, who, action, arn))
		result = local_denied(who, action, arn, err);
	free(arn);
	return result;
}

/* For missing keys: who may not list must not learn that there is none. */
static int no_such_key(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, struct err *err)
{
	if (may(cloud, who, "s3:ListBucket", bucket, NULL, err))
		return -1;
	return local_fault(err, 404, "NoSuchKey", "The specified key does not exist.");
}

int local_object_head(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, const char *key, struct local_object *out, struct err *err)
{
	struct store_object o = {0};
	struct store_bucket b = {0};
	int found = -1;

	if (may(cloud, who, "s3:GetObject", bucket, key, err))
		return -1;
	if (!local_tx_begin(cloud, err) && !store_bucket_get(cloud, bucket, &b, err))
		found = store_find(cloud, bucket, key, NULL, &o, err);
	local_tx_end(cloud);
	if (found > 0 && !o.marker) {
		out->key = xstrdup(o.key);
		out->path = store_path(cloud, o.file);
		out->etag = xstrdup(o.etag);
		out->content_type = xstrdup(json_get_str(o.head, "content-type"));
		out->size = o.size;
		out->modified_ms = o.modified_ms;
		found = 2;
	}
	store_object_release(&o);
	store_bucket_release(&b);
	if (found < 0)
		return -1;
	return found == 2 ? 0 : no_such_key(cloud, who, bucket, err);
}

/* One step of a listing: rows with key > after, in one transaction. */
static int list_step(struct local_cloud *cloud, const char *bucket, const char *prefix,
	const char *after, size_t max, struct local_object_list *out, struct err *err)
{
	struct store_bucket b = {0};
	struct sql_stmt *st = NULL;
	size_t prefix_len = strlen(prefix);
	bool from_prefix = strcmp(after, prefix) < 0;
	int row = -1;

	if (!local_tx_begin(cloud, err) && !store_bucket_get(cloud, bucket, &b, err))
		st = sql_query(cloud->db, err,
			from_prefix ? LIST_OBJECTS "key >= ? ORDER BY key LIMIT ?"
				    : LIST_OBJECTS "key > ? ORDER BY key LIMIT ?",
			"ssi", bucket, from_prefix ? prefix : after, (int64_t)max);
	while (st && (row = sql_step(st, err)) > 0) {
		const char *key = sql_text(st, 0);
		struct local_object *o;

		if (strncmp(key, prefix, prefix_len)) {
			row = 0;
			break;
		}
		ALLOC_GROW(out->v, out->nr, out->alloc);
		o = &out->v[out->nr++];
		*o = (struct local_object){.key = xstrdup(key),
			.path = store_path(cloud, sql_text(st, 1)),
			.etag = xstrdup(sql_text(st, 2)),
			.size = sql_int(st, 3),
			.modified_ms = sql_int(st, 4)};
	}
	sql_done(st);
	local_tx_end(cloud);
	store_bucket_release(&b);
	return row;
}

int local_object_list(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, const char *prefix, const char *after, size_t max,
	struct local_object_list *out, struct err *err)
{
	size_t start = out->nr, before, step;

	if (may(cloud, who, "s3:ListBucket", bucket, NULL, err))
		return -1;
	after = after ? after : "";
	prefix = prefix ? prefix : "";
	do {
		before = out->nr;
		step = LIST_STEP;
		if (max && max - (before - start) < step)
			step = max - (before - start);
		if (list_step(cloud, bucket, prefix, after, step, out, err)) {
			local_object_list_release(out);
			return -1;
		}
		if (out->nr > before)
			after = out->v[out->nr - 1].key;
	} while (out->nr - before == step && (!max || out->nr - start < max));
	return 0;
}

/* The sealed file becomes the object. */
static int put_sealed(struct local_cloud *cloud, const char *bucket, const char *key,
	struct store_writer *w, const char *etag, const char *content_type, struct err *err)
{
	struct strvec garbage = STRVEC_INIT;
	struct store_bucket b = {0};
	struct store_object o = {.key = xstrdup(key),
		.file = xstrdup(w->file),
		.size = w->size,
		.etag = xstrdup(etag),
		.head = json_object()};
	int result = -1;

	json_set_str(o.head, "content-type", content_type ? content_type : "binary/octet-stream");
	o.modified_ms = local_now_ms(cloud);
	if (!local_tx_begin(cloud, err) && !store_bucket_get(cloud, bucket, &b, err) &&
		!store_put(cloud, &b, &o, &garbage, err) && !local_tx_commit(cloud, err))
		result = 0;
	local_tx_end(cloud);
	if (!result) {
		store_writer_keep(w);
		store_remove(cloud, &garbage);
	}
	strvec_release(&garbage);
	store_object_release(&o);
	store_bucket_release(&b);
	return result;
}

int local_object_put(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, const char *key, const void *data, size_t len, const char *content_type,
	struct err *err)
{
	struct store_writer w = STORE_WRITER_INIT;
	struct strbuf etag = STRBUF_INIT;
	unsigned char md5[MD5_BYTES];
	int result = -1;

	if (may(cloud, who, "s3:PutObject", bucket, key, err))
		return -1;
	digest_md5(data, len, md5);
	hex_encode(&etag, md5, sizeof(md5));
	if (!store_writer_open(cloud, &w, err) && !store_writer_add(cloud, &w, data, len, err) &&
		!store_writer_seal(cloud, &w, err))
		result = put_sealed(cloud, bucket, key, &w, etag.buf, content_type, err);
	store_writer_release(cloud, &w);
	strbuf_release(&etag);
	return result;
}

int local_object_put_file(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, const char *key, const char *path, const char *content_type,
	struct err *err)
{
	struct store_writer w = STORE_WRITER_INIT;
	struct strbuf raw = STRBUF_INIT, etag = STRBUF_INIT;
	uint64_t size;
	int result = -1;

	if (may(cloud, who, "s3:PutObject", bucket, key, err) ||
		digest_file(DIGEST_MD5, path, &raw, &size, err))
		goto out;
	hex_encode(&etag, raw.buf, raw.len);
	if (!store_writer_adopt(cloud, &w, path, err))
		result = put_sealed(cloud, bucket, key, &w, etag.buf, content_type, err);
out:
	store_writer_release(cloud, &w);
	strbuf_release(&raw);
	strbuf_release(&etag);
	return result;
}

int local_object_delete(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, const char *key, struct err *err)
{
	struct strvec garbage = STRVEC_INIT;
	struct store_deleted deleted = {0};
	struct store_bucket b = {0};
	int result = -1;

	if (may(cloud, who, "s3:DeleteObject", bucket, key, err))
		return -1;
	if (!local_tx_begin(cloud, err) && !store_bucket_get(cloud, bucket, &b, err) &&
		!store_delete(cloud, &b, key, NULL, &deleted, &garbage, err) &&
		!local_tx_commit(cloud, err))
		result = 0;
	local_tx_end(cloud);
	if (!result)
		store_remove(cloud, &garbage);
	strvec_release(&garbage);
	store_bucket_release(&b);
	free(deleted.version);
	return result;
}

char *local_scratch_path(struct local_cloud *cloud, const char *suffix)
{
	char *id = local_id("", 32);
	char *path = xasprintf("%s/tmp/%s%s", cloud->dir, id, suffix ? suffix : "");

	free(id);
	return path;
}
