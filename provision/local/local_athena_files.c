/* Which objects a table's rows are in, and the values of its partition keys for each. */
#include "local_athena.h"
#include "local_catalog.h"
#include "local_objects.h"
#include "map.h"
#include "uri.h"

struct search {
	struct athena_query *q;
	const struct map *folders; /* "s3://bucket/folder/" -> values; NULL: not partitioned */
	struct json *files;
	struct strbuf asked; /* the folder that IAM was asked about */
};

/* What Athena passes over below a table's folder: "_SUCCESS", ".part.crc", and all of "_temporary/". */
static bool hidden(const char *below)
{
	for (const char *name = below;; name++) {
		if (!*name || *name == '_' || *name == '.')
			return true;
		name = strchr(name, '/');
		if (!name)
			return false;
	}
}

/* The values of the partition that the object's folder, or one above it, is. */
static const struct json *values_of(const struct search *s, const char *bucket, const char *key)
{
	char *folder = xasprintf("s3://%s/%s", bucket, key), *slash;
	const struct json *values = NULL;

	while (!values && (slash = strrchr(folder, '/')) && slash > folder + 5) {
		slash[1] = '\0';
		values = map_get(s->folders, folder);
		slash[0] = '\0';
	}
	free(folder);
	return values;
}

static int may_read(struct search *s, const char *bucket, const char *key, struct err *err)
{
	const char *slash = strrchr(key, '/');
	char *folder = xasprintf("%s/%.*s", bucket, slash ? (int)(slash - key) : 0, key), *arn;
	int r = 0;

	if (strcmp(folder, s->asked.buf)) {
		arn = xasprintf("arn:aws:s3:::%s/%s", bucket, key);
		r = athena_may(s->q, "s3:GetObject", arn, err);
		free(arn);
		strbuf_clear(&s->asked);
		strbuf_addstr(&s->asked, folder);
	}
	free(folder);
	return r;
}

/* `below` is the object's key below the folder that is read. */
static int add_file(struct search *s, const char *bucket, const struct local_object *o,
	const char *below, struct err *err)
{
	const struct json *values = NULL;
	struct json *f;

	if (!o->size || hidden(below))
		return 0;
	if (s->folders && !(values = values_of(s, bucket, o->key)))
		return 0;
	if (may_read(s, bucket, o->key, err))
		return -1;
	f = json_object();
	json_set_str(f, "path", o->path);
	json_set_i64(f, "size", o->size);
	json_set(f, "values", values ? json_copy(values) : json_array());
	json_push(s->files, f);
	return 0;
}

static int list_folder(struct search *s, const char *bucket, const char *prefix, struct err *err)
{
	enum { PAGE = 1000 };
	char *after = NULL;
	size_t nr = PAGE;
	int r = 0;

	while (!r && nr == PAGE) {
		struct local_object_list page = LOCAL_OBJECT_LIST_INIT;
		r = local_object_list(
			s->q->cloud, athena_who(s->q), bucket, prefix, after, PAGE, &page, err);
		nr = r ? 0 : page.nr;
		free(after);
		after = nr ? xstrdup(page.v[nr - 1].key) : NULL;
		for (size_t i = 0; !r && i < nr; i++)
			r = add_file(s, bucket, &page.v[i], page.v[i].key + strlen(prefix), err);
		local_object_list_release(&page);
	}
	free(after);
	return r;
}

/* A folder's objects; a location that names an object is that one. */
static int search_location(struct search *s, const char *location, struct err *err)
{
	char *bucket = NULL, *key = NULL, *prefix = NULL;
	struct local_object one = {0};
	struct err none = ERR_INIT;
	int r = -1;

	if (s3_uri_split(location, &bucket, &key, err)) {
		err_wrap(err, "HIVE_INVALID_METADATA: location");
		goto out;
	}
	if (*key && !ends_with(key, "/") && !s->folders &&
		!local_object_head(s->q->cloud, athena_who(s->q), bucket, key, &one, &none)) {
		r = add_file(s, bucket, &one, strrchr(key, '/') ? strrchr(key, '/') + 1 : key, err);
		goto out;
	}
	prefix = xasprintf("%s%s", key, !*key || ends_with(key, "/") ? "" : "/");
	r = list_folder(s, bucket, prefix, err);
	if (r && !starts_with(err->text, "PERMISSION_DENIED")) {
		char *why = xstrdup(err->text);
		err_set(err, ERR_FAILED, "PERMISSION_DENIED: Failed to list directory: %s: %s",
			location, why);
		free(why);
	}
out:
	local_object_release(&one);
	err_release(&none);
	free(bucket);
	free(key);
	free(prefix);
	return r;
}

static char *with_slash(const char *location)
{
	return xasprintf("%s%s", location, ends_with(location, "/") ? "" : "/");
}

/* The table's folder is listed once; partitions that lie elsewhere each by themselves. */
static int search_partitions(
	struct search *s, const char *location, const struct json *partitions, struct err *err)
{
	char *root = with_slash(location);
	struct map folders = MAP_INIT;
	struct json *p;
	int r = 0;

	json_each(p, partitions)
	{
		const char *at = json_str(json_path(p, "StorageDescriptor.Location"));
		char *folder = with_slash(at ? at : location);
		map_put(&folders, folder, json_get(p, "Values"));
		free(folder);
	}
	s->folders = &folders;
	if (json_len(partitions))
		r = search_location(s, root, err);
	json_each(p, partitions)
	{
		const char *at = json_str(json_path(p, "StorageDescriptor.Location"));
		char *folder = with_slash(at ? at : location);
		if (!r && !starts_with(folder, root))
			r = search_location(s, folder, err);
		free(folder);
	}
	map_release(&folders);
	free(root);
	return r;
}

int athena_files(
	struct athena_query *q, const struct json *table, struct json **files, struct err *err)
{
	const char *location = json_str(json_path(table, "StorageDescriptor.Location"));
	struct search s = {.q = q, .files = json_array(), .asked = STRBUF_INIT};
	struct json *partitions = NULL;
	int r = -1;

	if (!location || !*location) {
		err_set(err, ERR_INVALID, "HIVE_INVALID_METADATA: table '%s' has no location",
			json_get_str(table, "Name"));
	} else if (!json_len(json_get(table, "PartitionKeys"))) {
		r = search_location(&s, location, err);
	} else if (!local_catalog_partitions(q->cloud, json_get_str(table, "DatabaseName"),
			   json_get_str(table, "Name"), &partitions, err)) {
		r = search_partitions(&s, location, partitions, err);
	}
	json_free(partitions);
	strbuf_release(&s.asked);
	if (r)
		json_free(s.files);
	else
		*files = s.files;
	return r;
}
