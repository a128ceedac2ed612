#ifndef LOCAL_STORE_H
#define LOCAL_STORE_H

/*
 * Where objects lie. Bytes are files "objects/xx/<id>" that never change; keys, versions and all else are rows.
 * A file is written under "tmp", synced and renamed before its row is committed; a row goes before its file. So a
 * file without a row is what a crash left behind, and the next start removes it.
 *
 * `ord` counts downwards: within a key, the smallest is the newest version. `live` marks the newest one when it is
 * no delete marker, and has an index of its own for listings.
 *
 * Row functions are called inside a transaction; file functions outside of it.
 */
#include "local_internal.h"

struct store_bucket {
	char *name, *region, *versioning; /* "", "Enabled", "Suspended" */
	int64_t created_ms;
};
void store_bucket_release(struct store_bucket *b);
/* NoSuchBucket when there is none. */
int store_bucket_get(struct local_cloud *cloud, const char *name, struct store_bucket *out,
	struct err *err) must_check;

struct store_object {
	int64_t ord, size, modified_ms;
	char *key, *version; /* "null" without versioning */
	bool marker, live;
	char *file, *etag;   /* etag without quotes */
	char *storage_class; /* "STANDARD" */
	char *sum_alg, *sum,
		*sum_type; /* CRC32, base64, FULL_OBJECT or COMPOSITE; NULL when none */
	struct json *
		head; /* {"content-type": …, "x-amz-meta-a": …}: headers in lower case; may be NULL */
	struct json *parts; /* [{"size", "sum"}] of a multipart object; NULL */
	struct json *tags;  /* NULL when none */
};
void store_object_release(struct store_object *o);
/* The given version or (NULL) the newest, which may be a delete marker. 1, 0, -1. */
int store_find(struct local_cloud *cloud, const char *bucket, const char *key, const char *version,
	struct store_object *out, struct err *err) must_check;
/* Adds `o` as the newest version; sets o->version. Files that nothing names any more go to `garbage`. */
int store_put(struct local_cloud *cloud, const struct store_bucket *b, struct store_object *o,
	struct strvec *garbage, struct err *err) must_check;

struct store_deleted {
	char *version; /* what was deleted, or the marker that was made; NULL without versioning */
	bool marker;   /* a marker was made or deleted */
};
/* As DeleteObject; fine when there is nothing. */
int store_delete(struct local_cloud *cloud, const struct store_bucket *b, const char *key,
	const char *version, struct store_deleted *out, struct strvec *garbage,
	struct err *err) must_check;
int store_set_head(
	struct local_cloud *cloud, const struct store_object *o, struct err *err) must_check;
int store_set_tags(struct local_cloud *cloud, const struct store_object *o, const struct json *tags,
	struct err *err) must_check;

/* --- files --- */
char *store_path(struct local_cloud *cloud, const char *file); /* malloc'd */
void store_remove(struct local_cloud *cloud, const struct strvec *files);

struct store_writer {
	int fd; /* -1: not open */
	char *file, *temporary;
	int64_t size;
};
#define STORE_WRITER_INIT         \
	{                         \
		-1, NULL, NULL, 0 \
	}
int store_writer_open(
	struct local_cloud *cloud, struct store_writer *w, struct err *err) must_check;
int store_writer_add(struct local_cloud *cloud, struct store_writer *w, const void *data,
	size_t len, struct err *err) must_check;
/* Syncs and gives the file its name; w->file stays set. */
int store_writer_seal(
	struct local_cloud *cloud, struct store_writer *w, struct err *err) must_check;
/* Ends it; a file that was not kept (see below) is removed. */
void store_writer_release(struct local_cloud *cloud, struct store_writer *w);
/* The row is committed: the file stays. */
void store_writer_keep(struct store_writer *w);
/* Moves `path` in as a sealed file. */
int store_writer_adopt(struct local_cloud *cloud, struct store_writer *w, const char *path,
	struct err *err) must_check;

#endif
