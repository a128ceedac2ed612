/* A data set by its table in the catalog. */
#include "dataset_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "catalog.h"
#include "s3.h"
#include "uri.h"

struct lookup {
	struct job *job;
	const char *database, *table;
	struct json *doc, *partitions; /* partitions: NULL for a table without */
	struct strvec exclusions;      /* patterns of the crawler */
	struct dataset *out;
	size_t nr_keys;
	const char *file; /* the only one, wherever the table lies; NULL: all of its own */
};

static void add_columns(struct lookup *l)
{
	struct json *c;
	struct strvec paths = STRVEC_INIT;
	const char *names =
		json_str(json_path(l->doc, "StorageDescriptor.SerdeInfo.Parameters.paths"));

	if (names)
		strvec_split(&paths, names, ',');
	json_each(c, json_path(l->doc, "StorageDescriptor.Columns"))
	{
		struct dataset_column *column = dataset_add_column(l->out, json_get_str(c, "Name"),
			json_get_str(c, "Type") ? json_get_str(c, "Type") : "string", false);

		for (size_t i = 0; i < paths.nr && !column->source; i++)
			if (iequals(paths.v[i], column->name))
				column->source = xstrdup(paths.v[i]);
	}
	json_each(c, l->file ? NULL : json_get(l->doc, "PartitionKeys"))
	{
		dataset_add_column(l->out, json_get_str(c, "Name"),
			json_get_str(c, "Type") ? json_get_str(c, "Type") : "string", true);
		l->nr_keys++;
	}
	strvec_release(&paths);
}

/* Where the records are, by the classifier that the crawler made the table with. */
static void read_json_path(struct lookup *l)
{
	const char *path = json_str(json_path(l->doc, "Parameters.jsonPath"));

	if (!path)
		path = json_str(json_path(l->doc, "StorageDescriptor.Parameters.jsonPath"));
	if (path && *path)
		l->out->json_path = xstrdup(path);
}

/* The parameter "exclusions": a JSON list of patterns on whole locations. */
static void read_exclusions(struct lookup *l)
{
	const char *text = json_str(json_path(l->doc, "Parameters.exclusions"));
	struct json *list = text ? json_parse(text, strlen(text), NULL) : NULL, *e;

	json_each(e, list) if (json_str(e)) strvec_push(&l->exclusions, json_str(e));
	json_free(list);
}

static bool is_excluded(const struct lookup *l, const char *location)
{
	for (size_t i = 0; i < l->exclusions.nr; i++)
		if (glob_match(l->exclusions.v[i], location))
			return true;
	return false;
}

/* The location with its '/', as files' locations have it before their names. */
static char *folder_of(const char *location)
{
	struct strbuf sb = STRBUF_INIT;

	if (starts_with(location, "s3a://") || starts_with(location, "s3n://")) {
		strbuf_addstr(&sb, "s3://");
		strbuf_addstr(&sb, location + 6);
	} else if (starts_with(location, "file://")) {
		char *path = path_of_file_url(location);

		strbuf_addstr(&sb, path);
		free(path);
	} else {
		strbuf_addstr(&sb, location);
	}
	if (!ends_with(sb.buf, "/"))
		strbuf_addch(&sb, '/');
	return strbuf_detach(&sb, NULL);
}

/* The first of `all`, which are sorted, that is not before `location`. */
static size_t first_from(const struct dataset *all, const char *location)
{
	size_t from = 0, to = all->nr_files;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (strcmp(all->files[middle].location, location) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* A file for the data set, with the partition's values. */
static void take_file(struct lookup *l, const struct dataset_file *from, const struct json *values,
	const struct dataset_storage *storage)
{
	struct dataset *d = l->out;
	struct dataset_file *f;

	if (is_excluded(l, from->location))
		return;
	ALLOC_GROW(d->files, d->nr_files, d->alloc_files);
	f = &d->files[d->nr_files++];
	*f = *from;
	f->location = xstrdup(from->location);
	f->etag = xstrdup(from->etag);
	strvec_init(&f->values);
	f->storage = *storage;
	for (size_t i = 0; i < l->nr_keys; i++) {
		const char *value = json_str(json_at(values, i));

		strvec_push_take(&f->values, value && strcmp(value, "__HIVE_DEFAULT_PARTITION__")
						     ? xstrdup(value)
						     : NULL);
	}
}

/* A partition's files: from what the table's own folder holds, or from where else it lies. */
static int take_partition(struct lookup *l, const struct json *partition, const char *root,
	struct dataset *all, struct err *err)
{
	const struct json *descriptor = json_get(partition, "StorageDescriptor");
	const struct json *values = json_get(partition, "Values");
	const char *location = json_get_str(descriptor, "Location");
	struct json *parameters = json_copy(json_get(l->doc, "Parameters")), *p;
	struct dataset own = DATASET_INIT, *from = all;
	struct dataset_storage storage;
	char *folder = location ? folder_of(location) : NULL;
	int ret = -1;

	/* A partition's parameters count before its table's. */
	if (!parameters)
		parameters = json_object();
	json_each(p, json_get(partition, "Parameters"))
		json_set(parameters, json_name(p), json_copy(p));
	if (!location) {
		err_set(err, ERR_INVALID, "a partition has no location");
		goto out;
	}
	if (catalog_storage(descriptor, parameters, &storage, err) != 0)
		goto out;
	if (!starts_with(folder, root)) {
		from = &own;
		if (dataset_list(l->job, location, &own, err) != 0)
			goto out;
	}
	for (size_t i = from == all ? first_from(all, folder) : 0; i < from->nr_files; i++) {
		const struct dataset_file *f = &from->files[i];

		if (from == all && !starts_with(f->location, folder))
			break;
		take_file(l, f, values, &storage);
	}
	ret = 0;
out:
	if (ret != 0)
		err_wrap(err, "partition '%s'", location ? location : "");
	dataset_release(&own);
	json_free(parameters);
	free(folder);
	return ret;
}

static int by_location(const void *a, const void *b)
{
	const struct dataset_file *x = a, *y = b;

	return strcmp(x->location, y->location);
}

static int find_files(struct lookup *l, struct err *err)
{
	const struct json *descriptor = json_get(l->doc, "StorageDescriptor");
	const char *location = json_get_str(descriptor, "Location");
	struct dataset all = DATASET_INIT;
	struct dataset_storage storage;
	char *root = location && *location ? folder_of(location) : NULL;
	struct json *p;
	int ret = -1;

	if (!root) {
		err_set(err, ERR_INVALID, "it has no location: is it a view?");
		goto out;
	}
	if (catalog_storage(descriptor, json_get(l->doc, "Parameters"), &storage, err) != 0)
		goto out;
	l->out->format = storage.format;
	l->out->dialect = storage.dialect;
	l->out->header = storage.header;
	l->out->skip = storage.skip;
	if (dataset_list(l->job, location, &all, err) != 0)
		goto out;
	ret = 0;
	for (size_t i = 0; i < all.nr_files && !l->nr_keys; i++)
		take_file(l, &all.files[i], NULL, &storage);
	json_each(p, l->partitions) if (ret == 0) ret = take_partition(l, p, root, &all, err);
	if (l->out->nr_files)
		qsort(l->out->files, l->out->nr_files, sizeof(*l->out->files), by_location);
out:
	dataset_release(&all);
	free(root);
	return ret;
}

/* --- one object --- */

static int head_object(struct job *job, struct dataset_file *f, struct err *err)
{
	struct s3_head head = S3_HEAD_INIT;
	struct aws_client *aws = job_aws(job, err);
	char *bucket = NULL, *key = NULL;
	int ret = -1;

	if (aws && s3_uri_split(f->location, &bucket, &key, err) == 0)
		ret = s3_head_object(aws, bucket, key, NULL, &head, err);
	if (ret == 0) {
		f->size = head.size;
		f->modified_ms = head.modified_ms;
		f->etag = xstrdup(head.etag);
	}
	s3_head_release(&head);
	free(bucket);
	free(key);
	return ret;
}

static int stat_file(struct dataset_file *f, struct err *err)
{
	struct stat st;

	if (stat(f->location, &st) != 0)
		return err_errno(err, "cannot read it");
	f->size = st.st_size;
	f->modified_ms = st.st_mtim.tv_sec * 1000LL + st.st_mtim.tv_nsec / 1000000;
	return 0;
}

static int take_one(struct lookup *l, struct err *err)
{
	struct dataset *d = l->out;
	struct dataset_storage storage;
	struct dataset_file *f;
	int ret;

	if (catalog_storage(json_get(l->doc, "StorageDescriptor"), json_get(l->doc, "Parameters"),
		    &storage, err) != 0)
		return err_wrap(err, "%s", d->shown);
	d->format = storage.format;
	d->dialect = storage.dialect;
	d->header = storage.header;
	d->skip = storage.skip;
	ALLOC_GROW(d->files, d->nr_files, d->alloc_files);
	f = &d->files[d->nr_files++];
	*f = (struct dataset_file){.storage = storage};
	strvec_init(&f->values);
	f->location = folder_of(l->file);
	f->location[strlen(f->location) - 1] = '\0';
	ret = starts_with(f->location, "s3://") ? head_object(l->job, f, err) : stat_file(f, err);
	return ret == 0 ? 0 : err_wrap(err, "'%s'", f->location);
}

static int find(struct lookup *l, struct err *err)
{
	struct dataset *out = l->out;
	struct aws_client *aws = job_aws(l->job, err);
	int ret = -1;

	*out = (struct dataset)DATASET_INIT;
	out->shown = xasprintf("table '%s.%s'", l->database, l->table);
	if (!aws || catalog_table(aws, l->database, l->table, &l->doc, err) != 0)
		goto out;
	add_columns(l);
	read_json_path(l);
	if (l->file) {
		ret = take_one(l, err);
		goto out;
	}
	read_exclusions(l);
	if (l->nr_keys && catalog_partitions(aws, l->database, l->table, &l->partitions, err) != 0)
		goto out;
	ret = find_files(l, err);
	if (ret != 0)
		err_wrap(err, "%s", out->shown);
out:
	json_free(l->doc);
	json_free(l->partitions);
	strvec_release(&l->exclusions);
	if (ret != 0)
		dataset_release(out);
	return ret;
}

int dataset_from_table(struct job *job, const char *database, const char *table,
	struct dataset *out, struct err *err)
{
	struct lookup l = {job, database, table, NULL, NULL, STRVEC_INIT, out, 0, NULL};

	return find(&l, err);
}

int dataset_from_table_file(struct job *job, const char *database, const char *table,
	const char *location, struct dataset *out, struct err *err)
{
	struct lookup l = {job, database, table, NULL, NULL, STRVEC_INIT, out, 0, location};

	return find(&l, err);
}
