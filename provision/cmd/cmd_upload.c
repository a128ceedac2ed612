/* upload: files to a bucket, in parallel, to be gone on with when it was cut off. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "err_json.h"
#include "s3.h"
#include "upload.h"

#define DEFAULT_PARALLEL 16
#define GO_ON "the same command goes on where this one stopped"

const char *const upload_status_names[UPLOAD_STATUSES] = {
	[UPLOAD_FAILED] = "failed",
	[UPLOAD_PLANNED] = "planned",
	[UPLOAD_UPLOADED] = "uploaded",
	[UPLOAD_RESUMED] = "resumed",
	[UPLOAD_SKIPPED] = "skipped",
};

/* One question before all files: is there such a bucket? Whoever may write need not be allowed to ask, and what is
 * wrong with the keys is told when the first file is sent. */
static int check_bucket(struct session *s, const char *bucket, struct err *err)
{
	struct err why = ERR_INIT;
	int ret = 0;

	if (s3_head_bucket(s->aws, bucket, NULL, &why) < 0 && why.code != ERR_DENIED &&
		why.http_status != 400) {
		if (why.code == ERR_NOT_FOUND) {
			err_set(&why, ERR_NOT_FOUND, "there is no bucket '%s'", bucket);
			err_named(&why, "NoSuchBucket");
			err_hint(&why,
				"make it first, as AWS::S3::Bucket of a stack or with aws s3 mb, "
				"and see that region and account are the right ones");
		}
		err_move(err, &why);
		ret = -1;
	}
	err_release(&why);
	return ret;
}

static struct json *job_document(const struct upload_jobs *jobs, const struct upload_job *job)
{
	struct json *d = json_object();
	char *to = xasprintf("s3://%s/%s", jobs->bucket, job->key);

	json_set_str(d, "from", job->from);
	json_set_str(d, "to", to);
	json_set_i64(d, "bytes", job->size);
	json_set_str(d, "status", upload_status_names[job->status]);
	json_set_dbl(d, "seconds", job->seconds);
	json_set(d, "error", job->err.code ? err_to_json(&job->err) : json_null());
	free(to);
	return d;
}

struct totals {
	size_t nr[UPLOAD_STATUSES];
	int64_t bytes, sent;
};

static void tell_json(struct session *s, const struct upload_jobs *jobs, const struct totals *t)
{
	struct json *list = json_array(), *summary = json_object();

	for (size_t i = 0; i < jobs->nr; i++)
		json_push(list, job_document(jobs, &jobs->v[i]));
	json_set(s->doc, "uploads", list);
	for (size_t i = 0; i < UPLOAD_STATUSES; i++)
		json_set_i64(summary, upload_status_names[i], (int64_t)t->nr[i]);
	json_set_i64(summary, "bytes", t->bytes);
	json_set_i64(summary, "sent_bytes", t->sent);
	json_set_i64(summary, "requests", (int64_t)aws_client_requests(s->aws));
	json_set_dbl(summary, "seconds", session_seconds(s));
	json_set(s->doc, "summary", summary);
}

static void tell_text(struct session *s, const struct totals *t)
{
	static const enum upload_status order[] = {
		UPLOAD_PLANNED, UPLOAD_UPLOADED, UPLOAD_RESUMED, UPLOAD_SKIPPED, UPLOAD_FAILED};
	struct strbuf sb = STRBUF_INIT;
	double seconds = session_seconds(s);

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (t->nr[order[i]])
			strbuf_addf(&sb, "%s%zu %s", sb.len ? ", " : "", t->nr[order[i]],
				upload_status_names[order[i]]);
	if (!s->o.dry_run) {
		strbuf_addstr(&sb, "; sent ");
		upload_add_size(&sb, (double)t->sent);
		strbuf_addf(&sb, " in %.1f s", seconds);
		if (t->sent && seconds > 0) {
			strbuf_addstr(&sb, ", ");
			upload_add_size(&sb, (double)t->sent / seconds);
			strbuf_addstr(&sb, "/s");
		}
	}
	printf("%s\n", sb.buf);
	strbuf_release(&sb);
}

static bool may_go_on(const struct err *err)
{
	return err->code == ERR_TRANSIENT || err->code == ERR_TIMEOUT ||
	       err->code == ERR_THROTTLED || err->code == ERR_AMBIGUOUS ||
	       (err->code == ERR_IO && err->operation);
}

/* Errors that many files share are told once. */
static void tell_errors(struct session *s, const struct upload_jobs *jobs)
{
	const char *last = NULL;

	for (size_t i = 0; i < jobs->nr; i++) {
		const struct upload_job *job = &jobs->v[i];
		struct err err = ERR_INIT;

		if (job->status != UPLOAD_FAILED || job->err.code == ERR_INTERRUPTED ||
			(last && job->err.text && !strcmp(last, job->err.text)))
			continue;
		last = job->err.text;
		struct strbuf name = STRBUF_INIT;
		upload_add_name(&name, job->from);
		err_copy(&err, &job->err);
		err_wrap(&err, "'%s' is not uploaded", name.buf);
		strbuf_release(&name);
		if (err_is_aws(&err, "NoSuchBucket") && !err.hint)
			err_hint(&err, "make the bucket '%s' first", jobs->bucket);
		if (!err.hint && may_go_on(&err))
			err_hint(&err, GO_ON);
		session_fail(s, &err);
	}
}

int cmd_upload(struct session *s)
{
	struct upload_jobs jobs = {0};
	struct totals t = {.nr = {0}};
	struct err err = ERR_INIT;
	int ret = -1;

	if (!s->o.parallel)
		s->o.parallel = DEFAULT_PARALLEL;
	if (upload_find(s, &jobs) < 0 || session_cloud(s) < 0)
		goto out;
	if (check_bucket(s, jobs.bucket, &err) == 0)
		upload_run(s, &jobs);
	for (size_t i = 0; i < jobs.nr && err.code; i++)
		err_copy(&jobs.v[i].err, &err);
	for (size_t i = 0; i < jobs.nr; i++) {
		t.nr[jobs.v[i].status]++;
		t.bytes += jobs.v[i].size;
		t.sent += jobs.v[i].sent;
	}
	if (err.code)
		session_fail(s, &err);
	else
		tell_errors(s, &jobs);
	if (s->json)
		tell_json(s, &jobs, &t);
	else
		tell_text(s, &t);
	if (clock_interrupted()) {
		err_set(&err, ERR_INTERRUPTED, "interrupted");
		err_hint(&err, GO_ON);
		session_fail(s, &err);
	}
	ret = t.nr[UPLOAD_FAILED] || s->errors.nr ? -1 : 0;
out:
	upload_jobs_release(&jobs);
	return ret;
}
