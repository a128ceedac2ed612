/* The operands of `upload`: files, folders and patterns; and the key of each file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "fs.h"
#include "map.h"
#include "upload.h"
#include "uri.h"

struct finding {
	struct session *s;
	struct upload_jobs *jobs;
	char *prefix; /* the key of --to */
	bool many;    /* a folder or a pattern: never one object by name */
};

void upload_jobs_release(struct upload_jobs *jobs)
{
	for (size_t i = 0; i < jobs->nr; i++) {
		free(jobs->v[i].from);
		free(jobs->v[i].key);
		err_release(&jobs->v[i].err);
	}
	free(jobs->v);
	free(jobs->bucket);
	*jobs = (struct upload_jobs){0};
}

static int add_file(struct finding *f, const char *path, const char *relative)
{
	struct upload_jobs *jobs = f->jobs;
	struct stat st;

	ALLOC_GROW(jobs->v, jobs->nr, jobs->alloc);
	jobs->v[jobs->nr++] = (struct upload_job){
		.from = xstrdup(path),
		.key = xasprintf("%s%s", f->prefix, relative),
		.size = stat(path, &st) == 0 ? st.st_size : 0,
	};
	return 0;
}

static int add_walked(
	const char *relative, const char *path, void *payload, struct err *err unused_arg)
{
	return add_file(payload, path, relative);
}

static int add_folder(struct finding *f, const char *path, struct err *err)
{
	size_t before = f->jobs->nr;

	f->many = true;
	if (fs_walk(path, add_walked, f, err) < 0)
		return -1;
	if (f->jobs->nr == before)
		return err_set(err, ERR_USAGE, "folder '%s' has no files", path);
	return 0;
}

/* Keys go on where the pattern's first wildcard is, as with Uploads in a project file. */
static int add_pattern(struct finding *f, const char *pattern, struct err *err)
{
	struct strvec found = STRVEC_INIT;
	size_t fixed;
	int ret;

	f->many = true;
	while (starts_with(pattern, "./"))
		pattern += 2;
	fixed = strcspn(pattern, "*?[");
	while (fixed && pattern[fixed - 1] != '/')
		fixed--;
	ret = fs_glob(".", pattern, &found, err);
	if (ret == 0 && !found.nr)
		ret = err_set(err, ERR_USAGE, "'%s' matches no file", pattern);
	for (size_t i = 0; i < found.nr && ret == 0; i++) {
		const char *path = found.v[i];
		if (*pattern != '/' && starts_with(path, "./"))
			path += 2;
		ret = add_file(f, path,
			strlen(path) > fixed && !strncmp(path, pattern, fixed) ? path + fixed
									       : fs_basename(path));
	}
	strvec_release(&found);
	return ret;
}

static int add_operand(struct finding *f, const char *text, struct err *err)
{
	struct stat st;

	if (!*text)
		return err_set(err, ERR_USAGE, "a file's name is empty");
	if (stat(text, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return add_file(f, text, fs_basename(text));
		if (strpbrk(text, "*?["))
			return add_pattern(f, text, err);
		return err_set(err, ERR_USAGE, "there is no file '%s'", text);
	}
	if (S_ISDIR(st.st_mode))
		return add_folder(f, text, err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "'%s' is neither a file nor a folder", text);
	return add_file(f, text, fs_basename(text));
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (!strcmp(a, b))
		return true;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The same file twice is one; two files with one key would be one less in the bucket. */
static void check_keys(struct finding *f)
{
	struct upload_jobs *jobs = f->jobs;
	struct map keys = MAP_INIT;
	size_t kept = 0;

	map_init(&keys, NULL);
	for (size_t i = 0; i < jobs->nr; i++) {
		struct upload_job *job = &jobs->v[i];
		const struct upload_job *other = map_get(&keys, job->key);
		struct err err = ERR_INIT;

		if (other && !same_file(other->from, job->from)) {
			err_set(&err, ERR_USAGE, "'%s' and '%s' would both be 's3://%s/%s'",
				other->from, job->from, jobs->bucket, job->key);
			err_hint(&err, "upload them to different prefixes");
			session_fail(f->s, &err);
		}
		if (other) {
			free(job->from);
			free(job->key);
			continue;
		}
		jobs->v[kept] = *job;
		map_put(&keys, jobs->v[kept].key, &jobs->v[kept]);
		kept++;
	}
	jobs->nr = kept;
	map_release(&keys);
}

static int split_target(struct finding *f, struct err *err)
{
	const char *to = f->s->o.to;
	struct err why = ERR_INIT;

	if (!to) {
		err_set(err, ERR_USAGE, "--to is missing");
		return err_hint(err, "glueproj upload FILE... --to s3://BUCKET/PREFIX/");
	}
	if (s3_uri_split(to, &f->jobs->bucket, &f->prefix, &why) < 0) {
		err_set(err, ERR_USAGE, "--to is '%s', not s3://BUCKET/PREFIX/", to);
		err_release(&why);
		return -1;
	}
	return 0;
}

/* "--to s3://bucket/name" of one file is the object itself. */
static int name_one(struct finding *f, struct err *err)
{
	struct upload_jobs *jobs = f->jobs;

	if (!*f->prefix || ends_with(f->prefix, "/") || f->s->errors.nr)
		return 0;
	if (f->many || f->s->operands.nr > 1) {
		err_set(err, ERR_USAGE, "--to '%s' is one object, but there may be several files",
			f->s->o.to);
		return err_hint(err, "end it with '/'");
	}
	free(jobs->v[0].key);
	jobs->v[0].key = xstrdup(f->prefix);
	return 0;
}

int upload_find(struct session *s, struct upload_jobs *out)
{
	struct finding f = {.s = s, .jobs = out};
	struct err err = ERR_INIT;

	if (split_target(&f, &err) < 0)
		return session_fail(s, &err);
	for (size_t i = 0; i < s->operands.nr; i++)
		if (add_operand(&f, s->operands.v[i], &err) < 0)
			session_fail(s, &err);
	if (name_one(&f, &err) < 0)
		session_fail(s, &err);
	if (!s->errors.nr)
		check_keys(&f);
	free(f.prefix);
	return s->errors.nr ? -1 : 0;
}
