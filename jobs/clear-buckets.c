/*
 * clear-buckets: removes all objects of the places that are named, and of no others. In a bucket with versions the objects
 * get delete markers, as they would by hand; --VERSIONS Y removes all that ever was, and uploads that never ended.
 * All places are looked at before the first is touched.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "fs.h"
#include "joblog.h"
#include "place.h"
#include "s3.h"
#include "thrdpool.h"

#define THREADS 8
#define BATCH 1000
#define OBJECTS_A_PASS (20 * BATCH)

static const struct job_arg args[] = {
	{"BUCKETS", "buckets, prefixes (s3://BUCKET/PREFIX/) or folders, with ','", JOB_REQUIRED},
	{"VERSIONS", "Y: old versions and unfinished uploads go too (default: N)", JOB_OPTIONAL},
	{0},
};

struct clearing {
	struct job *job;
	struct place *places;
	size_t nr;
	bool versions;
};

/* --- objects of a bucket --- */

struct batch {
	struct clearing *c;
	const struct place *place;
	const struct s3_object *v;
	size_t nr;
	struct err err;
};

static void delete_batch(void *item, unused_arg size_t worker, unused_arg void *payload)
{
	struct batch *b = item;
	struct aws_client *aws = job_aws(b->c->job, &b->err);

	if (aws && job_check_interrupt(&b->err) == 0 &&
		s3_delete_objects(aws, b->place->bucket, b->v, b->nr, NULL, &b->err) != 0)
		err_wrap(&b->err, "%s", b->place->shown);
}

static int delete_pass(
	struct clearing *c, const struct place *p, const struct s3_objects *found, struct err *err)
{
	struct batch batches[OBJECTS_A_PASS / BATCH];
	void *items[OBJECTS_A_PASS / BATCH];
	size_t nr = 0;
	int ret = 0;

	for (size_t i = 0; i < found->nr; i += BATCH, nr++) {
		size_t left = found->nr - i;

		batches[nr] =
			(struct batch){c, p, found->v + i, left < BATCH ? left : BATCH, ERR_INIT};
		items[nr] = &batches[nr];
	}
	thrdpool_each(items, nr, THREADS, delete_batch, NULL);
	for (size_t i = 0; i < nr; i++) {
		if (batches[i].err.code && ret == 0) {
			err_move(err, &batches[i].err);
			ret = -1;
		}
		err_release(&batches[i].err);
	}
	return ret;
}

/* Pass by pass from the front, until a list is not full. */
static int clear_objects(
	struct clearing *c, const struct place *p, uint64_t *removed, struct err *err)
{
	struct aws_client *aws = job_aws(c->job, err);
	bool more = aws != NULL;
	int ret = aws ? 0 : -1;

	while (more && ret == 0) {
		struct s3_objects found = S3_OBJECTS_INIT;

		ret = s3_list_objects_v2(
			aws, p->bucket, p->root, NULL, OBJECTS_A_PASS, NULL, &found, err);
		if (ret != 0)
			err_wrap(err, "%s", p->shown);
		more = found.nr >= OBJECTS_A_PASS;
		if (ret == 0)
			ret = delete_pass(c, p, &found, err);
		if (ret == 0)
			*removed += found.nr;
		if (ret == 0 && more)
			job_log(JOB_INFO, "removing", "from=\"%s\" objects=%llu", p->shown,
				(unsigned long long)*removed);
		s3_objects_release(&found);
	}
	return ret;
}

static void note_removed(uint64_t done, void *payload)
{
	*(uint64_t *)payload = done;
}

static int clear_versions(
	struct clearing *c, const struct place *p, uint64_t *removed, struct err *err)
{
	struct aws_client *aws = job_aws(c->job, err);

	if (!aws)
		return -1;
	if (s3_empty_bucket(aws, p->bucket, p->root, NULL, THREADS, note_removed, removed, err) ==
		0)
		return 0;
	return err_wrap(err, "%s", p->shown);
}

/* --- files of a folder, which stays --- */

static int count_file(unused_arg const char *relative, unused_arg const char *path, void *payload,
	unused_arg struct err *err)
{
	++*(uint64_t *)payload;
	return 0;
}

static int clear_folder(const struct place *p, uint64_t *removed, struct err *err)
{
	DIR *dir = opendir(p->root);
	struct dirent *entry;
	int ret = dir ? fs_walk(p->root, count_file, removed, err) : err_errno(err, "%s", p->root);

	while (ret == 0 && (entry = readdir(dir))) {
		char *path;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		path = fs_join(p->root, entry->d_name);
		ret = job_check_interrupt(err);
		if (ret == 0)
			ret = fs_remove_tree(path, err);
		free(path);
	}
	if (dir)
		closedir(dir);
	return ret;
}

/* --- all places --- */

static int check_place(struct clearing *c, const struct place *p, struct err *err)
{
	struct aws_client *aws;
	char *real;
	bool root;

	if (p->bucket) {
		aws = job_aws(c->job, err);
		if (!aws)
			return -1;
		if (s3_head_bucket(aws, p->bucket, NULL, err) == 0)
			return 0;
		return err_wrap(err, "--BUCKETS: the bucket '%s'", p->bucket);
	}
	real = realpath(p->root, NULL);
	if (!real)
		return err_errno(err, "%s", p->root);
	root = strcmp(real, "/") == 0;
	free(real);
	return root ? err_set(err, ERR_USAGE, "--BUCKETS: '%s' is this machine's root", p->root)
		    : 0;
}

static int clear_place(struct clearing *c, const struct place *p, struct err *err)
{
	const struct clock *clock = clock_system();
	int64_t began = clock->mono_ms(clock), ms;
	uint64_t removed = 0;
	int ret;

	if (!p->bucket)
		ret = clear_folder(p, &removed, err);
	else if (c->versions)
		ret = clear_versions(c, p, &removed, err);
	else
		ret = clear_objects(c, p, &removed, err);
	ms = clock->mono_ms(clock) - began;
	job_log(ret == 0 ? JOB_INFO : JOB_WARN, ret == 0 ? "cleared" : "stopped",
		"place=\"%s\" objects=%llu seconds=%.2f per_second=%.0f", p->shown,
		(unsigned long long)removed, (double)ms / 1000,
		ms ? (double)removed * 1000 / (double)ms : 0.0);
	return ret;
}

static int parse_places(struct clearing *c, const char *text, struct err *err)
{
	struct strvec names = STRVEC_INIT;
	struct strbuf name = STRBUF_INIT;
	int ret = 0;

	strvec_split(&names, text, ',');
	c->places = xcalloc(names.nr + 1, sizeof(*c->places));
	for (size_t i = 0; i < names.nr && ret == 0; i++) {
		strbuf_clear(&name);
		strbuf_addstr(&name, names.v[i]);
		strbuf_trim(&name);
		if (name.len)
			ret = place_parse(name.buf, "--BUCKETS", &c->places[c->nr++], err);
		else
			ret = err_set(err, ERR_USAGE, "--BUCKETS '%s' has an empty name", text);
	}
	strbuf_release(&name);
	strvec_release(&names);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	struct clearing c = {.job = job};
	const char *versions = job_args_get(&job->args, "VERSIONS");
	int ret = 0;

	c.versions = versions && strcmp(versions, "Y") == 0;
	if (versions && !c.versions && strcmp(versions, "N") != 0)
		return err_set(err, ERR_USAGE, "--VERSIONS '%s' is neither Y nor N", versions);
	ret = parse_places(&c, job_args_get(&job->args, "BUCKETS"), err);
	for (size_t i = 0; i < c.nr && ret == 0; i++)
		ret = check_place(&c, &c.places[i], err);
	for (size_t i = 0; i < c.nr && ret == 0; i++)
		ret = clear_place(&c, &c.places[i], err);
	for (size_t i = 0; i < c.nr; i++)
		place_release(&c.places[i]);
	free(c.places);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"clear-buckets", args, run};

	return job_main(&program, argc, argv);
}
