/* Data sets that must not be there yet; see place.h. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include "fs.h"
#include "joblog.h"
#include "publish_internal.h"
#include "s3.h"

static int exists(const char *shown, struct err *err)
{
	err_set(err, ERR_EXISTS, "'%s' is there already, and is not written over", shown);
	return err_hint(err, "clear the place before (clear-buckets), or give another one");
}

static int check_bucket(struct job *job, const char *bucket, const char *prefix, struct err *err)
{
	struct s3_objects found = S3_OBJECTS_INIT;
	struct aws_client *aws = job_aws(job, err);
	char *shown = xasprintf("s3://%s/%s", bucket, prefix);
	int ret = aws ? s3_list_objects_v2(aws, bucket, prefix, NULL, 1, NULL, &found, err) : -1;

	if (ret != 0 && aws)
		err_wrap(err, "%s", shown);
	if (ret == 0 && found.nr)
		ret = exists(shown, err);
	s3_objects_release(&found);
	free(shown);
	return ret;
}

int place_check_new(struct job *job, const struct place *p, const char *stem, struct err *err)
{
	char *path = p->bucket ? xasprintf("%s%s/", p->root, stem) : place_locate(p, stem);
	int ret = 0;

	if (p->bucket)
		ret = check_bucket(job, p->bucket, path, err);
	else if (fs_exists(path))
		ret = exists(path, err);
	free(path);
	return ret;
}

/* FNV-1a: names need no more, and OpenSSL costs a small job a tenth of its time to start. */
static uint64_t hash_of(const char *text, uint64_t hash)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

char *publish_new_name(const char *stem)
{
	uint64_t high = hash_of(stem, UINT64_C(0xcbf29ce484222325)), low = hash_of(stem, high);

	return xasprintf("part-00000-%016llx%016llx.snappy.parquet", (unsigned long long)high,
		(unsigned long long)low);
}

static int commit_folder(struct publish *p, struct err *err)
{
	if (renameat2(AT_FDCWD, p->dir, AT_FDCWD, p->target, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST)
		return exists(p->target, err);
	/* A file system that knows no such rename. */
	if (errno != EINVAL && errno != ENOSYS)
		return err_errno(err, "%s", p->target);
	if (fs_exists(p->target))
		return exists(p->target, err);
	return rename(p->dir, p->target) == 0 ? 0 : err_errno(err, "%s", p->target);
}

/* Removes the objects before `until`. */
static void remove_objects(struct publish *p, const struct map_entry *until)
{
	struct err err = ERR_INIT;
	struct aws_client *aws = job_aws(p->job, &err);
	struct map_entry *e;

	map_for_each(&p->files, e)
	{
		char *key;

		if (e == until || !aws)
			break;
		key = xasprintf("%s%s", p->target, e->key);
		if (s3_delete_object(aws, p->bucket, key, NULL, &err) != 0)
			job_log(JOB_WARN, "left", "object=\"s3://%s/%s\" error=\"%s\"", p->bucket,
				key, err.text);
		free(key);
	}
	err_release(&err);
}

static int commit_bucket(struct publish *p, struct err *err)
{
	const struct s3_put_opts opts = {.if_none_match = true};
	struct aws_client *aws = job_aws(p->job, err);
	struct map_entry *e;

	if (!aws || check_bucket(p->job, p->bucket, p->target, err) != 0)
		return -1;
	map_for_each(&p->files, e)
	{
		struct err why = ERR_INIT;
		char *key = xasprintf("%s%s", p->target, e->key);
		char *shown = xasprintf("s3://%s/%s", p->bucket, key);
		int ret = job_check_interrupt(&why);

		if (ret == 0)
			ret = s3_put_file(aws, p->bucket, key, e->value, &opts, &why);
		if (ret != 0 && why.code == ERR_CONFLICT)
			exists(shown, err);
		else if (ret != 0)
			err_move(err, &why), err_wrap(err, "%s", shown);
		err_release(&why);
		free(shown);
		free(key);
		if (ret != 0) {
			remove_objects(p, e);
			return -1;
		}
	}
	return 0;
}

static void take_back(struct publish *p)
{
	struct err err = ERR_INIT;

	if (p->bucket)
		remove_objects(p, NULL);
	else if (fs_remove_tree(p->target, &err) != 0)
		job_log(JOB_WARN, "left", "error=\"%s\"", err.text);
	err_release(&err);
}

int publish_commit_new(struct publish **v, size_t nr, struct err *err)
{
	int ret = job_check_interrupt(err);
	size_t done = 0;

	for (; done < nr && ret == 0; done++) {
		ret = v[done]->bucket ? commit_bucket(v[done], err) : commit_folder(v[done], err);
		if (ret != 0)
			break;
	}
	for (size_t i = 0; i < nr; i++) {
		if (ret != 0 && i < done)
			take_back(v[i]);
		if (i < done && !v[i]->bucket) {
			/* Renamed as a whole: nothing is left to remove. */
			free(v[i]->dir);
			v[i]->dir = NULL;
		}
		publish_abort(v[i]);
	}
	return ret;
}
