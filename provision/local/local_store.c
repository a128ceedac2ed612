#include "local_store.h"

#include "local_events.h"

#include "xalloc.h"

void store_bucket_release(struct store_bucket *b)
{
	free(b->name);
	free(b->region);
	free(b->versioning);
	*b = (struct store_bucket){0};
}

int store_bucket_get(
	struct local_cloud *cloud, const char *name, struct store_bucket *out, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT region, versioning, created_ms FROM s3_bucket WHERE name = ?", "s", name);
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		out->name = xstrdup(name);
		out->region = xstrdup(sql_text(st, 0));
		out->versioning = xstrdup(sql_text(st, 1));
		out->created_ms = sql_int(st, 2);
	}
	sql_done(st);
	if (row)
		return row < 0 ? -1 : 0;
	return local_fault(err, 404, "NoSuchBucket", "The specified bucket does not exist");
}

void store_object_release(struct store_object *o)
{
	free(o->key);
	free(o->version);
	free(o->file);
	free(o->etag);
	free(o->storage_class);
	free(o->sum_alg);
	free(o->sum);
	free(o->sum_type);
	json_free(o->head);
	json_free(o->parts);
	json_free(o->tags);
	*o = (struct store_object){0};
}

static struct json *json_column(struct sql_stmt *st, int column)
{
	const char *text = sql_text(st, column);

	return text ? json_parse(text, strlen(text), NULL) : NULL;
}

static void read_row(struct sql_stmt *st, struct store_object *o)
{
	o->ord = sql_int(st, 0);
	o->key = xstrdup(sql_text(st, 1));
	o->version = xstrdup(sql_text(st, 2));
	o->marker = sql_int(st, 3) != 0;
	o->live = sql_int(st, 4) != 0;
	o->file = xstrdup(sql_text(st, 5));
	o->size = sql_int(st, 6);
	o->modified_ms = sql_int(st, 7);
	o->etag = xstrdup(sql_text(st, 8));
	o->storage_class = xstrdup(sql_text(st, 9));
	o->sum_alg = xstrdup(sql_text(st, 10));
	o->sum = xstrdup(sql_text(st, 11));
	o->sum_type = xstrdup(sql_text(st, 12));
	o->head = json_column(st, 13);
	o->parts = json_column(st, 14);
	o->tags = json_column(st, 15);
}

#define SELECT_OBJECT                                                                    \
	"SELECT ord, key, version, marker, live, file, size, modified_ms, etag, class, " \
	"sum_alg, sum, sum_type, head, parts, tags FROM s3_object WHERE bucket = ? AND key = ? "

int store_find(struct local_cloud *cloud, const char *bucket, const char *key, const char *version,
	struct store_object *out, struct err *err)
{
	struct sql_stmt *st;
	int row;

	if (version)
		st = sql_query(cloud->db, err, SELECT_OBJECT "AND version = ?", "sss", bucket, key,
			version);
	else
		st = sql_query(
			cloud->db, err, SELECT_OBJECT "ORDER BY ord LIMIT 1", "ss", bucket, key);
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		read_row(st, out);
	sql_done(st);
	return row;
}

/* --- writing --- */

/* Takes one row away; its file is garbage afterwards. */
static int drop_row(struct local_cloud *cloud, const struct store_object *o, struct strvec *garbage,
	struct err *err)
{
	if (sql_run(cloud->db, NULL, err, "DELETE FROM s3_object WHERE ord = ?", "i", o->ord))
		return -1;
	if (o->file)
		strvec_push(garbage, o->file);
	return 0;
}

static int drop_version(struct local_cloud *cloud, const char *bucket, const char *key,
	const char *version, struct store_object *dropped, struct strvec *garbage, struct err *err)
{
	int found = store_find(cloud, bucket, key, version, dropped, err);

	if (found > 0 && drop_row(cloud, dropped, garbage, err))
		return -1;
	return found;
}

static char *json_line(const struct json *v)
{
	struct strbuf sb = STRBUF_INIT;

	if (!v)
		return NULL;
	json_print(v, &sb);
	return strbuf_detach(&sb, NULL);
}

static int insert_row(struct local_cloud *cloud, const struct store_bucket *b,
	const struct store_object *o, struct err *err)
{
	char *head = json_line(o->head), *parts = json_line(o->parts), *tags = json_line(o->tags);
	int result = sql_run(cloud->db, NULL, err,
		"INSERT INTO s3_object(ord, bucket, key, version, marker, live, file, size, "
		"modified_ms, etag, class, sum_alg, sum, sum_type, head, parts, tags) "
		"VALUES((SELECT coalesce(min(ord), 0) - 1 FROM s3_object), "
		"?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"sssiisiissssssss", b->name, o->key, o->version, (int64_t)o->marker,
		(int64_t)!o->marker, o->file, o->size, o->modified_ms, o->etag,
		o->storage_class ? o->storage_class : "STANDARD", o->sum_alg, o->sum, o->sum_type,
		head, parts, tags);

	free(head);
	free(parts);
	free(tags);
	return result;
}

int store_put(struct local_cloud *cloud, const struct store_bucket *b, struct store_object *o,
	struct strvec *garbage, struct err *err)
{
	struct store_object old = {0};
	bool enabled = !strcmp(b->versioning, "Enabled");

	free(o->version);
	o->version = enabled ? local_id("", 32) : xstrdup("null");
	if (!enabled && drop_version(cloud, b->name, o->key, "null", &old, garbage, err) < 0) {
		store_object_release(&old);
		return -1;
	}
	store_object_release(&old);
	if (*b->versioning &&
		sql_run(cloud->db, NULL, err,
			"UPDATE s3_object SET live = 0 WHERE bucket = ? AND key = ? AND live = 1",
			"ss", b->name, o->key))
		return -1;
	struct local_event_object event = {.bucket = b->name,
		.key = o->key,
		.version = enabled ? o->version : NULL,
		.etag = o->marker ? NULL : o->etag,
		.reason = o->marker  ? "DeleteObject"
			  : o->parts ? "CompleteMultipartUpload"
				     : "PutObject",
		.size = o->size,
		.marker = o->marker};
	return insert_row(cloud, b, o, err) || local_event_object_tx(cloud, &event, err) ? -1 : 0;
}

static int put_marker(struct local_cloud *cloud, const struct store_bucket *b, const char *key,
	struct store_deleted *out, struct strvec *garbage, struct err *err)
{
	struct store_object marker = {.key = xstrdup(key), .marker = true};
	int result;

	marker.modified_ms = local_now_ms(cloud);
	result = store_put(cloud, b, &marker, garbage, err);
	out->marker = true;
	out->version = marker.version;
	marker.version = NULL;
	store_object_release(&marker);
	return result;
}

int store_delete(struct local_cloud *cloud, const struct store_bucket *b, const char *key,
	const char *version, struct store_deleted *out, struct strvec *garbage, struct err *err)
{
	struct store_object old = {0};
	int found;

	*out = (struct store_deleted){0};
	if (!version && *b->versioning)
		return put_marker(cloud, b, key, out, garbage, err);
	found = drop_version(cloud, b->name, key, version ? version : "null", &old, garbage, err);
	out->marker = old.marker;
	out->version = xstrdup(version);
	store_object_release(&old);
	struct local_event_object event = {
		.bucket = b->name, .key = key, .version = version, .reason = "DeleteObject"};
	if (found > 0 && local_event_object_tx(cloud, &event, err))
		return -1;
	if (found <= 0 || !version)
		return found < 0 ? -1 : 0;
	/* what is the newest now may show again */
	return sql_run(cloud->db, NULL, err,
		"UPDATE s3_object SET live = 1 WHERE marker = 0 AND ord = (SELECT ord FROM "
		"s3_object WHERE bucket = ? AND key = ? ORDER BY ord LIMIT 1)",
		"ss", b->name, key);
}

int store_set_head(struct local_cloud *cloud, const struct store_object *o, struct err *err)
{
	char *text = json_line(o->head);
	int result = sql_run(cloud->db, NULL, err, "UPDATE s3_object SET head = ? WHERE ord = ?",
		"si", text, o->ord);

	free(text);
	return result;
}

int store_set_tags(struct local_cloud *cloud, const struct store_object *o, const struct json *tags,
	struct err *err)
{
	char *text = json_len(tags) ? json_line(tags) : NULL;
	int result = sql_run(cloud->db, NULL, err, "UPDATE s3_object SET tags = ? WHERE ord = ?",
		"si", text, o->ord);

	free(text);
	return result;
}
