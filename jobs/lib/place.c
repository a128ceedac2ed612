#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "archive_io.h"
#include "fs.h"
#include "s3.h"
#include "thrdpool.h"
#include "uri.h"

char *path_of_file_url(const char *url)
{
	const char *path = url + strlen("file://");
	struct strbuf decoded = STRBUF_INIT;
	char *found;

	if (starts_with(path, "localhost/"))
		path += strlen("localhost");
	if (strchr(path, '%') && !fs_exists(path) &&
		uri_decode(&decoded, path, strlen(path), false, NULL) == 0)
		found = xstrdup(decoded.buf);
	else
		found = xstrdup(path);
	strbuf_release(&decoded);
	return found;
}

static int parse_bucket(const char *text, const char *what, struct place *out, struct err *err)
{
	const char *name = starts_with(text, "s3://") ? text + 5 : text;
	size_t len = strcspn(name, "/");

	if (len < 3 || len > 63)
		return err_set(err, ERR_USAGE,
			"%s: '%s' is no bucket's name, and no folder (s3://BUCKET, file:///DIR, "
			"/DIR)",
			what, text);
	out->bucket = xstrndup(name, len);
	name += len;
	while (*name == '/')
		name++;
	out->root = *name && !ends_with(name, "/") ? xasprintf("%s/", name) : xstrdup(name);
	out->shown = xasprintf("s3://%s/%s", out->bucket, out->root);
	return 0;
}

int place_parse(const char *text, const char *what, struct place *out, struct err *err)
{
	char *path;
	size_t len;

	if (!starts_with(text, "file://") && *text != '/' && *text != '.')
		return parse_bucket(text, what, out, err);
	path = starts_with(text, "file://") ? path_of_file_url(text) : xstrdup(text);
	len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	if (!fs_is_dir(path)) {
		err_set(err, ERR_NOT_FOUND, "%s: there is no folder '%s'", what, path);
		free(path);
		return -1;
	}
	out->root = path;
	out->shown = xasprintf("%s/", strcmp(path, "/") == 0 ? "" : path);
	return 0;
}

void place_release(struct place *p)
{
	free(p->bucket);
	free(p->root);
	free(p->shown);
	*p = (struct place)PLACE_INIT;
}

char *place_locate(const struct place *p, const char *name)
{
	return p->bucket ? xasprintf("s3://%s/%s%s", p->bucket, p->root, name)
			 : xasprintf("%s%s", p->shown, name);
}

int place_has(struct job *job, const struct place *p, const char *name, bool *has, struct err *err)
{
	struct err why = ERR_INIT;
	struct aws_client *aws;
	char *key;
	int ret = 0;

	key = p->bucket ? xasprintf("%s%s", p->root, name) : place_locate(p, name);
	*has = false;
	if (!p->bucket) {
		*has = fs_exists(key);
	} else if (!(aws = job_aws(job, err))) {
		ret = -1;
	} else if (s3_head_object(aws, p->bucket, key, NULL, NULL, &why) == 0) {
		*has = true;
	} else if (why.code != ERR_NOT_FOUND) {
		err_move(err, &why);
		ret = -1;
	}
	err_release(&why);
	free(key);
	return ret;
}

int place_remove(struct job *job, const struct place *p, const char *name, struct err *err)
{
	struct aws_client *aws;
	char *key = p->bucket ? xasprintf("%s%s", p->root, name) : place_locate(p, name);
	int ret = -1;

	if (!p->bucket) {
		ret = unlink(key) == 0 || errno == ENOENT ? 0 : err_errno(err, "%s", key);
	} else {
		aws = job_aws(job, err);
		if (aws)
			ret = s3_delete_object(aws, p->bucket, key, NULL, err);
	}
	free(key);
	return ret;
}

/* --- one object --- */

struct output {
	struct s3_upload *upload; /* NULL: a file */
	int fd;
	char *path, *part;
};

/* A file beside the target, which takes its name when it is whole. */
static int open_part(struct output *o, struct err *err)
{
	char *dir = fs_dirname(o->path), *id = job_new_id();
	int ret = fs_mkdir_p(dir, 0777, err);

	o->part = xasprintf("%s/.%s.%.12s", dir, fs_basename(o->path), id);
	free(dir);
	free(id);
	if (ret != 0)
		return -1;
	o->fd = open(o->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return o->fd < 0 ? err_errno(err, "%s", o->path) : 0;
}

struct output *output_new(struct job *job, const struct place *p, const char *name, struct err *err)
{
	struct output *o = xcalloc(1, sizeof(*o));
	struct aws_client *aws;
	char *key;

	o->fd = -1;
	if (!p->bucket) {
		o->path = place_locate(p, name);
		if (open_part(o, err) == 0)
			return o;
	} else {
		aws = job_aws(job, err);
		if (aws) {
			key = xasprintf("%s%s", p->root, name);
			o->upload = s3_upload_new(aws, p->bucket, key, NULL);
			free(key);
			return o;
		}
	}
	output_abort(o);
	return NULL;
}

int output_write(struct output *o, const void *data, size_t len, struct err *err)
{
	return o->upload ? s3_upload_write(o->upload, data, len, err)
			 : fs_write_all(o->fd, data, len, o->path, err);
}

int output_finish(struct output *o, struct err *err)
{
	struct s3_upload *upload = o->upload;
	int ret = 0;

	o->upload = NULL;
	if (upload) {
		ret = s3_upload_finish(upload, err);
	} else {
		if (fsync(o->fd) != 0)
			ret = err_errno(err, "%s", o->path);
		if (close(o->fd) != 0 && ret == 0)
			ret = err_errno(err, "%s", o->path);
		o->fd = -1;
		if (ret == 0 && rename(o->part, o->path) != 0)
			ret = err_errno(err, "%s", o->path);
	}
	output_abort(o);
	return ret;
}

void output_abort(struct output *o)
{
	if (!o)
		return;
	s3_upload_abort(o->upload);
	if (o->fd >= 0)
		close(o->fd);
	if (o->part)
		unlink(o->part); /* renamed already when it was finished */
	free(o->path);
	free(o->part);
	free(o);
}

/* --- staging --- */

static bool is_data_name(const char *name)
{
	return *name != '_' && *name != '.' && ends_with(name, ".parquet");
}

struct staged {
	struct job *job;
	const struct place *place;
	const char *key;
	char *path;
	struct err err;
};

static void stage_one(void *item, unused_arg size_t worker, unused_arg void *payload)
{
	struct staged *s = item;
	struct aws_client *aws = job_aws(s->job, &s->err);

	if (aws && job_check_interrupt(&s->err) == 0 &&
		s3_get_file(aws, s->place->bucket, s->key, s->path, &s->err) != 0)
		err_wrap(&s->err, "s3://%s/%s", s->place->bucket, s->key);
}

static int stage_objects(struct job *job, const struct place *p, const struct s3_objects *objects,
	struct strvec *paths, struct err *err)
{
	struct staged *staged = xcalloc(objects->nr + 1, sizeof(*staged));
	void **items = xcalloc(objects->nr + 1, sizeof(*items));
	char *dir = fs_mkdtemp(job->tmp, "in-", err);
	size_t nr = 0;
	int ret = dir ? 0 : -1;

	for (size_t i = 0; dir && i < objects->nr; i++) {
		if (!is_data_name(fs_basename(objects->v[i].key)))
			continue;
		staged[nr] = (struct staged){job, p, objects->v[i].key, NULL, ERR_INIT};
		staged[nr].path = xasprintf("%s/%06zu.parquet", dir, nr);
		strvec_push(paths, staged[nr].path);
		items[nr] = &staged[nr];
		nr++;
	}
	thrdpool_each(items, nr, 8, stage_one, NULL);
	for (size_t i = 0; i < nr; i++) {
		if (staged[i].err.code && ret == 0) {
			err_move(err, &staged[i].err);
			ret = -1;
		}
		err_release(&staged[i].err);
		free(staged[i].path);
	}
	free(staged);
	free(items);
	free(dir);
	return ret;
}

static int pick_file(
	const char *relative, const char *path, void *payload, unused_arg struct err *err)
{
	if (is_data_name(fs_basename(relative)))
		strvec_push(payload, path);
	return 0;
}

int place_parquet_files(struct job *job, const struct place *p, const char *stem,
	struct strvec *paths, struct err *err)
{
	struct s3_objects objects = S3_OBJECTS_INIT;
	struct aws_client *aws;
	char *dir = xasprintf("%s%s/", p->bucket ? p->root : p->shown, stem);
	int ret = -1;

	if (!p->bucket) {
		ret = fs_is_dir(dir) ? fs_walk(dir, pick_file, paths, err) : 0;
	} else {
		aws = job_aws(job, err);
		if (aws &&
			s3_list_objects_v2(aws, p->bucket, dir, NULL, 0, NULL, &objects, err) == 0)
			ret = stage_objects(job, p, &objects, paths, err);
	}
	if (ret == 0 && paths->nr == 0)
		ret = err_set(err, ERR_NOT_FOUND, "no Parquet files below '%s%s/'", p->shown, stem);
	s3_objects_release(&objects);
	free(dir);
	return ret;
}
