#include "runfolder.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clock.h"
#include "fs.h"
#include "joblog.h"
#include "s3.h"

/* A place's root ends in '/', or is empty: keys do not begin with one. */
static const char *without_slash(const char *key)
{
	while (*key == '/')
		key++;
	return key;
}

/* --- the newest --- */

struct search {
	const char *prefix, *filename; /* prefix: relative to the place */
	char *folder; /* of a place that is a folder: what the walk is relative to */
	char *name;   /* the newest so far; NULL */
	int64_t modified_s;
};

/* S3's clock has whole seconds, so a file system's has them here, too. */
static void consider(struct search *s, const char *name, int64_t modified_ms)
{
	int64_t modified_s = modified_ms / 1000;

	if (ends_with(name, "/") || !strstr(fs_basename(name), s->filename))
		return;
	if (s->name && (modified_s < s->modified_s ||
			       (modified_s == s->modified_s && strcmp(name, s->name) <= 0)))
		return;
	free(s->name);
	s->name = xstrdup(name);
	s->modified_s = modified_s;
}

static int search_bucket(struct job *job, const struct place *p, struct search *s, struct err *err)
{
	struct s3_objects objects = S3_OBJECTS_INIT;
	struct aws_client *aws = job_aws(job, err);
	char *prefix = xasprintf("%s%s", p->root, s->prefix);
	int ret = -1;

	if (aws)
		ret = s3_list_objects_v2(aws, p->bucket, prefix, NULL, 0, NULL, &objects, err);
	for (size_t i = 0; ret == 0 && i < objects.nr; i++)
		consider(s, objects.v[i].key + strlen(p->root), objects.v[i].modified_ms);
	s3_objects_release(&objects);
	free(prefix);
	return ret;
}

static int consider_file(
	const char *relative, const char *path, void *payload, unused_arg struct err *err)
{
	struct search *s = payload;
	char *name = xasprintf("%s%s", s->folder, relative);
	struct stat st;

	/* A name with a dot is a file that is still being written: see output_new. */
	if (starts_with(name, s->prefix) && *fs_basename(name) != '.' && stat(path, &st) == 0)
		consider(s, name, st.st_mtim.tv_sec * INT64_C(1000));
	free(name);
	return 0;
}

static int search_folder(const struct place *p, struct search *s, struct err *err)
{
	const char *slash = strrchr(s->prefix, '/');
	char *path;
	int ret = 0;

	s->folder = xstrndup(s->prefix, slash ? (size_t)(slash + 1 - s->prefix) : 0);
	path = xasprintf("%s%s", p->shown, s->folder);
	if (fs_is_dir(path))
		ret = fs_walk(path, consider_file, s, err);
	free(path);
	return ret;
}

int runfolder_newest(struct job *job, const struct place *p, const char *prefix,
	const char *filename, char **name, struct err *err)
{
	struct search s = {.prefix = without_slash(prefix), .filename = filename};
	int ret = p->bucket ? search_bucket(job, p, &s, err) : search_folder(p, &s, err);

	if (ret == 0 && !s.name)
		ret = err_set(err, ERR_NOT_FOUND, "there is no '%s' below '%s%s'", filename,
			p->shown, s.prefix);
	if (ret == 0) {
		*name = s.name;
		s.name = NULL;
	}
	free(s.name);
	free(s.folder);
	return ret;
}

/* --- a new one --- */

char *runfolder_name(const char *output_key)
{
	const struct clock *clock = clock_system();
	const char *key = without_slash(output_key);
	size_t len = strlen(key);
	struct strbuf sb = STRBUF_INIT;
	struct utc utc;

	while (len && key[len - 1] == '/')
		len--;
	utc_from_ms(clock->now_ms(clock), &utc);
	strbuf_add(&sb, key, len);
	strbuf_addf(&sb, "%s%04d-%02d-%02d_%02d:%02d:%02d/", len ? "/" : "", utc.year, utc.month,
		utc.day, utc.hour, utc.minute, utc.second);
	return strbuf_detach(&sb, NULL);
}

static int put_in_bucket(struct job *job, const struct place *p, const char *folder,
	const char *name, const char *path, struct err *err)
{
	struct aws_client *aws = job_aws(job, err);
	char *marker = xasprintf("%s%s", p->root, folder), *key = xasprintf("%s%s", p->root, name);
	struct err why = ERR_INIT;
	int ret = -1;

	if (aws && s3_put_object(aws, p->bucket, marker, "", 0, NULL, NULL, err) == 0) {
		ret = s3_put_file(aws, p->bucket, key, path, NULL, err);
		/* A folder without its file would only puzzle. */
		if (ret != 0 && s3_delete_object(aws, p->bucket, marker, NULL, &why) != 0)
			job_log(JOB_WARN, "left", "object=\"s3://%s/%s\" error=\"%s\"", p->bucket,
				marker, why.text);
	}
	if (ret != 0)
		err_wrap(err, "s3://%s/%s", p->bucket, key);
	err_release(&why);
	free(marker);
	free(key);
	return ret;
}

static int copy_file(const char *path, struct output *out, struct err *err)
{
	char *block = xmalloc(256u << 10);
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = -1;
	ssize_t n = -1;

	while (fd >= 0 && (n = read(fd, block, 256u << 10)) > 0) {
		if (job_check_interrupt(err) != 0 || output_write(out, block, (size_t)n, err) != 0)
			goto out;
	}
	ret = n < 0 ? err_errno(err, "%s", path) : 0;
out:
	if (fd >= 0)
		close(fd);
	free(block);
	return ret;
}

static int put_in_folder(struct job *job, const struct place *p, const char *folder,
	const char *name, const char *path, struct err *err)
{
	char *dir = place_locate(p, folder);
	struct output *out = NULL;
	int ret = -1;

	if (fs_mkdir_p(dir, 0777, err) == 0 && (out = output_new(job, p, name, err))) {
		if (copy_file(path, out, err) == 0)
			ret = output_finish(out, err);
		else
			output_abort(out);
		if (ret != 0)
			rmdir(dir);
	}
	free(dir);
	return ret;
}

int runfolder_put(struct job *job, const struct place *p, const char *folder, const char *filename,
	const char *path, char **name, struct err *err)
{
	char *whole = xasprintf("%s%s", folder, filename);
	int ret = job_check_interrupt(err);

	if (ret == 0)
		ret = p->bucket ? put_in_bucket(job, p, folder, whole, path, err)
				: put_in_folder(job, p, folder, whole, path, err);
	if (ret == 0 && name)
		*name = whole;
	else
		free(whole);
	return ret;
}

int runfolder_step(struct job *job,
	int (*step)(struct job *job, const struct place *p, struct err *err), struct err *err)
{
	struct place p = PLACE_INIT;
	int ret = -1;

	if (place_parse(job_args_get(&job->args, "bucket"), "--bucket", &p, err) == 0)
		ret = step(job, &p, err);
	place_release(&p);
	return ret;
}
