#include "placelist.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "fs.h"
#include "stream.h"

/* What CopyObject takes in one call. */
#define COPY_MAX (INT64_C(5) << 30)

static char *key_of(const struct place *p, const char *name)
{
	return p->bucket ? xasprintf("%s%s", p->root, name) : place_locate(p, name);
}

/* --- listing --- */

static void add_file(struct s3_objects *out, const char *name, const struct stat *st)
{
	ALLOC_GROW(out->v, out->nr + 1, out->alloc);
	out->v[out->nr++] = (struct s3_object){.key = xstrdup(name),
		.size = st->st_size,
		.modified_ms = st->st_mtim.tv_sec * INT64_C(1000) + st->st_mtim.tv_nsec / 1000000};
}

struct walk {
	struct s3_objects *out;
	const char *prefix;
};

static int note_file(const char *relative, const char *path, void *payload, struct err *err)
{
	struct walk *w = payload;
	struct stat st;
	char *name;

	if (*fs_basename(relative) == '.')
		return 0; /* what is being written */
	if (stat(path, &st) != 0)
		return errno == ENOENT ? 0 : err_errno(err, "%s", path);
	name = xasprintf("%s%s", w->prefix, relative);
	add_file(w->out, name, &st);
	free(name);
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct s3_object *)a)->key, ((const struct s3_object *)b)->key);
}

static int list_level(const char *path, const char *prefix, struct s3_objects *out, struct err *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return errno == ENOENT ? 0 : err_errno(err, "%s", path);
	while (ret == 0 && (entry = readdir(dir))) {
		char *full, *name;
		struct stat st;

		if (*entry->d_name == '.')
			continue;
		full = fs_join(path, entry->d_name);
		name = xasprintf("%s%s", prefix, entry->d_name);
		if (stat(full, &st) != 0)
			ret = errno == ENOENT ? 0 : err_errno(err, "%s", full);
		else if (S_ISDIR(st.st_mode))
			strvec_pushf(&out->prefixes, "%s/", name);
		else if (S_ISREG(st.st_mode))
			add_file(out, name, &st);
		free(full);
		free(name);
	}
	closedir(dir);
	strvec_sort(&out->prefixes);
	return ret;
}

static int list_folder(const char *path, const char *prefix, bool one_level, struct s3_objects *out,
	struct err *err)
{
	struct walk w = {out, prefix};
	int ret;

	if (one_level)
		ret = list_level(path, prefix, out, err);
	else
		ret = fs_is_dir(path) ? fs_walk(path, note_file, &w, err) : 0;
	if (out->nr)
		qsort(out->v, out->nr, sizeof(*out->v), by_key);
	return ret;
}

static void make_relative(struct s3_objects *o, size_t root)
{
	for (size_t i = 0; i < o->nr; i++)
		memmove(o->v[i].key, o->v[i].key + root, strlen(o->v[i].key + root) + 1);
	for (size_t i = 0; i < o->prefixes.nr; i++) {
		char *s = o->prefixes.v[i];

		memmove(s, s + root, strlen(s + root) + 1);
	}
}

int place_list(struct job *job, const struct place *p, const char *prefix, bool one_level,
	struct s3_objects *out, struct err *err)
{
	char *key = key_of(p, prefix);
	struct aws_client *aws;
	int ret = -1;

	if (!p->bucket) {
		ret = list_folder(key, prefix, one_level, out, err);
	} else if ((aws = job_aws(job, err))) {
		ret = s3_list_objects_v2(
			aws, p->bucket, key, one_level ? "/" : NULL, 0, NULL, out, err);
		if (ret == 0)
			make_relative(out, strlen(p->root));
		else
			err_wrap(err, "%s%s", p->shown, prefix);
	}
	free(key);
	return ret;
}

/* --- one object --- */

int place_read(struct job *job, const struct place *p, const char *name, size_t max_bytes,
	struct strbuf *out, struct err *err)
{
	char *key = key_of(p, name);
	struct aws_client *aws;
	int ret = -1;

	if (!p->bucket) {
		ret = fs_read(key, max_bytes, out, err);
	} else if ((aws = job_aws(job, err))) {
		ret = s3_get_object(aws, p->bucket, key, NULL, max_bytes, out, NULL, err);
		if (ret != 0)
			err_wrap(err, "%s%s", p->shown, name);
	}
	free(key);
	return ret;
}

int place_size(
	struct job *job, const struct place *p, const char *name, int64_t *size, struct err *err)
{
	char *key = key_of(p, name);
	struct s3_head head = S3_HEAD_INIT;
	struct err why = ERR_INIT;
	struct aws_client *aws;
	struct stat st;
	int ret = -1;

	*size = -1;
	if (!p->bucket) {
		ret = 0;
		if (stat(key, &st) == 0)
			*size = st.st_size;
		else if (errno != ENOENT && errno != ENOTDIR)
			ret = err_errno(err, "%s", key);
	} else if ((aws = job_aws(job, err))) {
		ret = s3_head_object(aws, p->bucket, key, NULL, &head, &why);
		if (ret == 0)
			*size = head.size;
		else if (why.code == ERR_NOT_FOUND)
			ret = 0;
		else
			err_move(err, &why);
		if (ret != 0)
			err_wrap(err, "%s%s", p->shown, name);
	}
	s3_head_release(&head);
	err_release(&why);
	free(key);
	return ret;
}

static int copy_bytes(struct job *job, const struct place *from, const char *from_name,
	const struct place *to, const char *to_name, struct err *err)
{
	char *location = place_locate(from, from_name);
	struct stream *in = stream_open(job, location, err);
	struct output *out = in ? output_new(job, to, to_name, err) : NULL;
	const void *block;
	ssize_t n = out ? 1 : -1;

	while (n > 0 && (n = stream_read(in, &block, err)) > 0)
		if (job_check_interrupt(err) != 0 || output_write(out, block, (size_t)n, err) != 0)
			n = -1;
	stream_close(in);
	free(location);
	if (n == 0)
		return output_finish(out, err);
	output_abort(out);
	return -1;
}

int place_copy(struct job *job, const struct place *from, const char *from_name,
	const struct place *to, const char *to_name, struct err *err)
{
	struct aws_client *aws;
	int64_t size = -1;
	char *a, *b;
	int ret = -1;

	if (place_size(job, from, from_name, &size, err) != 0)
		return -1;
	if (size < 0)
		return err_set(err, ERR_NOT_FOUND, "there is no '%s%s'", from->shown, from_name);
	if (!from->bucket || !to->bucket || size > COPY_MAX)
		return copy_bytes(job, from, from_name, to, to_name, err);
	a = key_of(from, from_name);
	b = key_of(to, to_name);
	aws = job_aws(job, err);
	if (aws)
		ret = s3_copy_object(aws, from->bucket, a, to->bucket, b, err);
	if (aws && ret != 0)
		err_wrap(err, "copy of '%s%s' to '%s%s'", from->shown, from_name, to->shown,
			to_name);
	free(a);
	free(b);
	return ret;
}
