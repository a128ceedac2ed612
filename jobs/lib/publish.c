/* A data set that is replaced as a whole; see place.h. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fs.h"
#include "joblog.h"
#include "publish_internal.h"
#include "s3.h"
#include "thrdpool.h"

#define UPLOAD_THREADS 16

static char *parent_for(const struct place *place, const char *stem, struct err *err)
{
	char *target = place_locate(place, stem), *parent = fs_dirname(target);

	free(target);
	if (fs_mkdir_p(parent, 0777, err) == 0)
		return parent;
	free(parent);
	return NULL;
}

struct publish *publish_new(
	struct job *job, const struct place *place, const char *stem, struct err *err)
{
	struct publish *p = xcalloc(1, sizeof(*p));
	char *parent = NULL;

	p->job = job;
	map_init(&p->files, free);
	if (place->bucket) {
		p->bucket = xstrdup(place->bucket);
		p->target = xasprintf("%s%s/", place->root, stem);
		p->dir = fs_mkdtemp(job->tmp, "out-", err);
	} else {
		/* Beside the target, for renames do not cross file systems. */
		p->target = place_locate(place, stem);
		parent = parent_for(place, stem, err);
		p->dir = parent ? fs_mkdtemp(parent, ".new-", err) : NULL;
		if (p->dir && chmod(p->dir, 0755) != 0) {
			err_errno(err, "%s", p->dir);
			publish_abort(p);
			p = NULL;
		}
	}
	free(parent);
	if (p && !p->dir) {
		publish_abort(p);
		p = NULL;
	}
	return p;
}

const char *publish_dir(const struct publish *p)
{
	return p->dir;
}

const char *publish_path(struct publish *p, const char *relative, struct err *err)
{
	/* In a bucket a name may be longer than a file's can be: scratch files are numbered. */
	char *path = p->bucket ? xasprintf("%s/%06zu", p->dir, p->nr) : fs_join(p->dir, relative);
	char *dir = fs_dirname(path);
	int ret = fs_mkdir_p(dir, 0777, err);

	if (ret == 0 && map_has(&p->files, relative))
		ret = err_set(err, ERR_INVALID, "two values give one file: '%s'", relative);
	free(dir);
	if (ret != 0) {
		free(path);
		return NULL;
	}
	p->nr++;
	map_put(&p->files, relative, path);
	return path;
}

void publish_abort(struct publish *p)
{
	struct err err = ERR_INIT;

	if (!p)
		return;
	if (p->dir && fs_remove_tree(p->dir, &err) != 0)
		job_log(JOB_WARN, "scratch", "error=\"%s\"", err.text);
	err_release(&err);
	map_release(&p->files);
	free(p->bucket);
	free(p->target);
	free(p->dir);
	free(p);
}

/* --- a folder --- */

/* The old folder and the new one change places in one step where the file system can; else two renames. */
static int commit_folder(struct publish *p, struct err *err)
{
	char *old;

	if (rename(p->dir, p->target) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
		return err_errno(err, "%s", p->target);
	/* The old one is now in p->dir, and goes with it. */
	if (renameat2(AT_FDCWD, p->dir, AT_FDCWD, p->target, RENAME_EXCHANGE) == 0)
		return 0;
	old = xasprintf("%s.old", p->dir);
	if (rename(p->target, old) != 0 || rename(p->dir, p->target) != 0) {
		err_errno(err, "%s", p->target);
		rename(old, p->target);
		free(old);
		return -1;
	}
	free(p->dir);
	p->dir = old;
	return 0;
}

/* --- a bucket --- */

struct transfer {
	struct publish *p;
	const struct s3_put_opts *opts;
	char *key;
	const char *path;
	struct err err;
	bool done;
};

static void put_one(void *item, unused_arg size_t worker, unused_arg void *payload)
{
	struct transfer *t = item;
	struct aws_client *aws = job_aws(t->p->job, &t->err);

	if (!aws || job_check_interrupt(&t->err) != 0)
		return;
	t->done = s3_put_file(aws, t->p->bucket, t->key, t->path, t->opts, &t->err) == 0;
	if (!t->done)
		err_wrap(&t->err, "s3://%s/%s", t->p->bucket, t->key);
}

/* Takes back what was put, for the old data still stand. */
static void take_back(struct publish *p, const struct transfer *v, size_t nr)
{
	struct err err = ERR_INIT;
	struct aws_client *aws = job_aws(p->job, &err);

	for (size_t i = 0; aws && i < nr; i++) {
		if (v[i].done && s3_delete_object(aws, p->bucket, v[i].key, NULL, &err) != 0)
			job_log(JOB_WARN, "left", "object=\"s3://%s/%s\" error=\"%s\"", p->bucket,
				v[i].key, err.text);
	}
	err_release(&err);
}

int publish_put_all(struct publish *p, const struct s3_put_opts *opts, struct err *err)
{
	struct transfer *v = xcalloc(p->files.nr + 1, sizeof(*v));
	void **items = xcalloc(p->files.nr + 1, sizeof(*items));
	struct map_entry *e;
	size_t nr = 0;
	int ret = 0;

	map_for_each(&p->files, e)
	{
		v[nr].p = p;
		v[nr].opts = opts;
		v[nr].key = xasprintf("%s%s", p->target, e->key);
		v[nr].path = e->value;
		items[nr] = &v[nr];
		nr++;
	}
	thrdpool_each(items, nr, UPLOAD_THREADS, put_one, NULL);
	for (size_t i = 0; i < nr && ret == 0; i++) {
		if (!v[i].done) {
			err_move(err, &v[i].err);
			ret = -1;
		}
	}
	if (ret != 0)
		take_back(p, v, nr);
	for (size_t i = 0; i < nr; i++) {
		err_release(&v[i].err);
		free(v[i].key);
	}
	free(v);
	free(items);
	return ret;
}

/* Takes one out of the list; the order does not count. */
static void swap_last(struct s3_objects *o, size_t i)
{
	struct s3_object out = o->v[i], none = {0};

	o->v[i] = o->v[--o->nr];
	o->v[o->nr] = none;
	free(out.key);
	free(out.etag);
	free(out.version_id);
}

static int commit_bucket(struct publish *p, struct err *err)
{
	struct s3_objects old = S3_OBJECTS_INIT;
	struct aws_client *aws = job_aws(p->job, err);
	int ret = -1;

	if (!aws || s3_list_objects_v2(aws, p->bucket, p->target, NULL, 0, NULL, &old, err) != 0 ||
		publish_put_all(p, NULL, err) != 0)
		goto out;
	/* New names hold a new id or time; should one of the old be one of them, it is new now. */
	for (size_t i = 0; i < old.nr;) {
		if (map_has(&p->files, old.v[i].key + strlen(p->target)))
			swap_last(&old, i);
		else
			i++;
	}
	for (size_t i = 0; i < old.nr; i += 1000) {
		size_t nr = old.nr - i < 1000 ? old.nr - i : 1000;

		if (s3_delete_objects(aws, p->bucket, old.v + i, nr, NULL, err) != 0) {
			err_wrap(err, "the old objects below 's3://%s/%s' could not be removed",
				p->bucket, p->target);
			goto out;
		}
	}
	ret = 0;
out:
	s3_objects_release(&old);
	return ret;
}

int publish_commit(struct publish *p, struct err *err)
{
	int ret = job_check_interrupt(err);

	if (ret == 0)
		ret = p->bucket ? commit_bucket(p, err) : commit_folder(p, err);
	if (ret == 0 && !p->bucket && !fs_is_dir(p->dir)) {
		/* Renamed as a whole: nothing of ours is left to remove. */
		free(p->dir);
		p->dir = NULL;
	}
	publish_abort(p);
	return ret;
}
