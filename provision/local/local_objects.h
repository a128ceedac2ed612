#ifndef LOCAL_OBJECTS_H
#define LOCAL_OBJECTS_H

/*
 * Buckets and objects as the other services use them, without HTTP. An object's bytes are a file that never changes
 * (a new version is a new file); `path` stays readable as long as the object is not deleted. Each call is a
 * transaction of its own: do not call inside one. Faults carry S3's codes (NoSuchBucket, NoSuchKey, AccessDenied).
 * `who` NULL: the service itself, which may do all; else IAM decides.
 */
#include "local_cloud.h"

struct local_object {
	char *key, *path, *etag, *content_type;
	int64_t size, modified_ms;
};
struct local_object_list {
	struct local_object *v;
	size_t nr, alloc;
};
#define LOCAL_OBJECT_LIST_INIT \
	{                      \
		0              \
	}
void local_object_release(struct local_object *o);
void local_object_list_release(struct local_object_list *l);

bool local_bucket_exists(struct local_cloud *cloud, const char *bucket);
int local_object_head(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, const char *key, struct local_object *out, struct err *err) must_check;
/* Objects whose key starts with prefix, by key, those after `after` (NULL: from the start), at most `max` (0: all). */
int local_object_list(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, const char *prefix, const char *after, size_t max,
	struct local_object_list *out, struct err *err) must_check;
int local_object_put(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, const char *key, const void *data, size_t len, const char *content_type,
	struct err *err) must_check;
/* Moves the file at `path` (on the data folder's file system; see local_scratch_path) into the store. */
int local_object_put_file(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, const char *key, const char *path, const char *content_type,
	struct err *err) must_check;
int local_object_delete(struct local_cloud *cloud, const struct local_principal *who,
	const char *bucket, const char *key, struct err *err) must_check;
/* A new file name under the data folder for results in the making; malloc'd. Removed at the next start if left. */
char *local_scratch_path(struct local_cloud *cloud, const char *suffix);

#endif
