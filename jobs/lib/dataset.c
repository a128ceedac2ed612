#include "dataset_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "csvfeed.h"
#include "fs.h"
#include "s3.h"
#include "stream.h"
#include "uri.h"

#define DEFAULT_PARTITION "__HIVE_DEFAULT_PARTITION__"

void dataset_file_release(struct dataset_file *f)
{
	free(f->location);
	free(f->etag);
	strvec_release(&f->values);
}

void dataset_release(struct dataset *d)
{
	for (size_t i = 0; i < d->nr_columns; i++) {
		free(d->columns[i].name);
		free(d->columns[i].type);
		free(d->columns[i].source);
	}
	for (size_t i = 0; i < d->nr_files; i++)
		dataset_file_release(&d->files[i]);
	free(d->shown);
	free(d->json_path);
	free(d->columns);
	free(d->files);
	*d = (struct dataset)DATASET_INIT;
}

const struct dataset_column *dataset_column(const struct dataset *d, const char *name)
{
	for (size_t i = 0; i < d->nr_columns; i++)
		if (iequals(d->columns[i].name, name))
			return &d->columns[i];
	return NULL;
}

struct dataset_column *dataset_add_column(
	struct dataset *d, const char *name, const char *type, bool partition)
{
	struct dataset_column *c;

	d->columns = xreallocarray(d->columns, d->nr_columns + 1, sizeof(*d->columns));
	c = &d->columns[d->nr_columns++];
	*c = (struct dataset_column){xstrdup(name), xstrdup(type), partition, NULL};
	lower_ascii(c->name);
	return c;
}

void dataset_folders(
	unused_arg const struct job *job, const struct dataset *d, struct strvec *folders)
{
	/* All else is read as streams or staged into the job's scratch, which a session may read anyway. */
	for (size_t i = 0; i < d->nr_files; i++) {
		char *dir = fs_dirname(d->files[i].location);

		if (d->files[i].storage.format == DATASET_PARQUET &&
			!starts_with(d->files[i].location, "s3://") && !strvec_has(folders, dir))
			strvec_push(folders, dir);
		free(dir);
	}
}

void dataset_name_columns(struct strvec *names)
{
	for (size_t i = 0; i < names->nr; i++) {
		struct strbuf name = STRBUF_INIT;
		bool taken;

		strbuf_addstr(&name, names->v[i]);
		strbuf_trim(&name);
		if (!name.len)
			strbuf_addf(&name, "col%zu", i);
		lower_ascii(name.buf);
		do {
			taken = false;
			for (size_t k = 0; k < i && !taken; k++)
				taken = strcmp(names->v[k], name.buf) == 0;
			if (taken)
				strbuf_addf(&name, "_%zu", i);
		} while (taken);
		free(names->v[i]);
		names->v[i] = strbuf_detach(&name, NULL);
	}
}

/* --- what lies there --- */

bool dataset_is_hidden(const char *relative)
{
	while (*relative) {
		size_t len = strcspn(relative, "/");

		if (*relative == '.' || (*relative == '_' && !memchr(relative, '=', len)))
			return true;
		relative += len;
		while (*relative == '/')
			relative++;
	}
	return false;
}

static struct dataset_file *add_file(struct dataset *d, char *location, const char *etag)
{
	struct dataset_file *f;

	ALLOC_GROW(d->files, d->nr_files, d->alloc_files);
	f = &d->files[d->nr_files++];
	*f = (struct dataset_file){.location = location, .etag = xstrdup(etag)};
	strvec_init(&f->values);
	f->storage = (struct dataset_storage){d->format, d->dialect, d->header, d->skip};
	return f;
}

static int list_bucket(struct job *job, const char *location, struct dataset *out, struct err *err)
{
	struct s3_objects objects = S3_OBJECTS_INIT;
	struct aws_client *aws = job_aws(job, err);
	char *bucket = NULL, *prefix = NULL;
	size_t len;
	int ret = -1;

	if (!aws || s3_uri_split(location, &bucket, &prefix, err) != 0)
		goto out;
	len = strlen(prefix);
	if (s3_list_objects_v2(aws, bucket, prefix, NULL, 0, NULL, &objects, err) != 0) {
		err_wrap(err, "'%s'", location);
		goto out;
	}
	for (size_t i = 0; i < objects.nr; i++) {
		const struct s3_object *o = &objects.v[i];
		const char *relative = o->key + len;
		struct dataset_file *f;

		/* "data/set-2/x" does not lie in "data/set". */
		if (len && prefix[len - 1] != '/' && *relative && *relative++ != '/')
			continue;
		if (o->size == 0 || ends_with(o->key, "/") || dataset_is_hidden(relative))
			continue;
		f = add_file(out, xasprintf("s3://%s/%s", bucket, o->key), o->etag);
		f->size = o->size;
		f->modified_ms = o->modified_ms;
	}
	ret = 0;
out:
	s3_objects_release(&objects);
	free(bucket);
	free(prefix);
	return ret;
}

static int list_file(const char *relative, const char *path, void *payload, struct err *err)
{
	struct dataset *out = payload;
	struct dataset_file *f;
	struct stat st;

	if (dataset_is_hidden(relative))
		return 0;
	if (stat(path, &st) != 0)
		return err_errno(err, "cannot read '%s'", path);
	if (st.st_size == 0)
		return 0;
	f = add_file(out, xstrdup(path), NULL);
	f->size = st.st_size;
	f->modified_ms = st.st_mtim.tv_sec * 1000LL + st.st_mtim.tv_nsec / 1000000;
	return 0;
}

static int by_location(const void *a, const void *b)
{
	const struct dataset_file *x = a, *y = b;

	return strcmp(x->location, y->location);
}

int dataset_list(struct job *job, const char *location, struct dataset *out, struct err *err)
{
	char *path = NULL, *s3 = NULL;
	int ret;

	if (starts_with(location, "s3a://") || starts_with(location, "s3n://"))
		s3 = xasprintf("s3://%s", location + 6);
	if (s3 || starts_with(location, "s3://")) {
		ret = list_bucket(job, s3 ? s3 : location, out, err);
	} else if (strstr(location, "://") && !starts_with(location, "file://")) {
		ret = err_set(err, ERR_INVALID,
			"its location '%s' is in no S3 bucket and no folder", location);
	} else {
		path = starts_with(location, "file://") ? path_of_file_url(location)
							: xstrdup(location);
		if (fs_is_dir(path))
			ret = fs_walk(path, list_file, out, err);
		else
			ret = fs_exists(path) ? list_file(fs_basename(path), path, out, err) : 0;
	}
	if (ret == 0 && out->nr_files)
		qsort(out->files, out->nr_files, sizeof(*out->files), by_location);
	free(path);
	free(s3);
	return ret;
}

/* --- of a prefix --- */

char *dataset_partition_value(const char *text, size_t len)
{
	struct strbuf value = STRBUF_INIT;

	if (len == strlen(DEFAULT_PARTITION) && memcmp(text, DEFAULT_PARTITION, len) == 0)
		return NULL;
	/* A '%' that is no escape stands for itself. */
	if (uri_decode(&value, text, len, false, NULL) != 0) {
		strbuf_clear(&value);
		strbuf_add(&value, text, len);
	}
	return strbuf_detach(&value, NULL);
}

/* column=value of the folders between root and file; names as they stand there. */
static void split_path(const char *relative, struct strvec *names, struct strvec *values)
{
	const char *slash;

	for (; (slash = strchr(relative, '/')); relative = slash + 1) {
		const char *equals = memchr(relative, '=', (size_t)(slash - relative));

		if (!equals || equals == relative)
			continue;
		strvec_push_take(names, xstrndup(relative, (size_t)(equals - relative)));
		lower_ascii(names->v[names->nr - 1]);
		strvec_push_take(
			values, dataset_partition_value(equals + 1, (size_t)(slash - equals - 1)));
	}
}

static bool same_names(const struct strvec *a, const struct strvec *b)
{
	bool same = a->nr == b->nr;

	for (size_t i = 0; same && i < a->nr; i++)
		same = strcmp(a->v[i], b->v[i]) == 0;
	return same;
}

static int find_partitions(
	struct dataset *d, const char *root, struct strvec *columns, struct err *err)
{
	for (size_t i = 0; i < d->nr_files; i++) {
		struct dataset_file *f = &d->files[i];
		struct strvec names = STRVEC_INIT;
		bool same;

		split_path(f->location + strlen(root), &names, &f->values);
		if (i == 0)
			for (size_t n = 0; n < names.nr; n++)
				strvec_push(columns, names.v[n]);
		same = same_names(&names, columns);
		strvec_release(&names);
		if (!same)
			return err_set(err, ERR_INVALID,
				"'%s' lies in other column=value folders than '%s'", f->location,
				d->files[0].location);
	}
	return 0;
}

static int read_header(
	struct job *job, const struct dataset_file *f, struct strvec *names, struct err *err)
{
	struct stream *stream = stream_open_unpacked(job, f->location, err);
	struct csv_input in = {.read = stream_read, .payload = stream, .shown = f->location};
	struct csv_part *part = NULL;
	int got = -1;

	in.dialect = f->storage.dialect;
	in.header = true;
	if (stream) {
		part = csv_part_new(0, &in);
		got = csv_part_start(part, names, err);
	}
	stream_close(stream);
	csv_part_free(part);
	return got;
}

static int find_columns(
	struct job *job, struct dataset *d, const struct strvec *partitions, struct err *err)
{
	struct strvec names = STRVEC_INIT;
	int got = 0;

	for (size_t i = 0; i < d->nr_files && got == 0; i++)
		got = read_header(job, &d->files[i], &names, err);
	if (got == 0)
		got = err_set(err, ERR_INVALID, "%s: no file has a header", d->shown);
	dataset_name_columns(&names);
	for (size_t i = 0; i < names.nr; i++)
		if (!strvec_has(partitions, names.v[i]))
			dataset_add_column(d, names.v[i], "string", false);
	for (size_t i = 0; i < partitions->nr; i++)
		dataset_add_column(d, partitions->v[i], "string", true);
	strvec_release(&names);
	return got < 0 ? -1 : 0;
}

int dataset_from_prefix(struct job *job, const struct place *p, const char *prefix,
	const struct csv_dialect *dialect, struct dataset *out, struct err *err)
{
	char *name =
		ends_with(prefix, "/") || !*prefix ? xstrdup(prefix) : xasprintf("%s/", prefix);
	char *root = place_locate(p, name);
	struct strvec partitions = STRVEC_INIT;
	int ret;

	*out = (struct dataset)DATASET_INIT;
	out->shown = xasprintf("'%s'", root);
	out->format = DATASET_CSV;
	out->dialect = *dialect;
	out->header = true;
	ret = dataset_list(job, root, out, err);
	if (ret == 0 && out->nr_files == 0)
		ret = err_set(err, ERR_NOT_FOUND, "no CSV files below '%s'", root);
	if (ret == 0)
		ret = find_partitions(out, root, &partitions, err);
	if (ret == 0)
		ret = find_columns(job, out, &partitions, err);
	strvec_release(&partitions);
	free(name);
	free(root);
	if (ret != 0)
		dataset_release(out);
	return ret;
}
