/* See warehouse.h. Pages: "BatchExecuteStatement", "DescribeStatement", "CancelStatement", "COPY". */
#include "warehouse.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "duck.h"
#include "joblog.h"
#include "json.h"
#include "ops.h"
#include "s3.h"

#define POLL_FIRST_MS 100
#define POLL_MOST_MS 3000
#define ROOM_FIRST_MS 1000
#define ROOM_MOST_MS 15000
/* For statements of others to end, where a workgroup takes no more. */
#define ROOM_WAIT_MS (INT64_C(15) * 60 * 1000)
/* For the news that a statement was cancelled. */
#define CANCEL_WAIT_MS 10000
#define NO_SCHEMA "SchemaMissing" /* the error's name */

/* --- the statements, which are one transaction --- */

struct script {
	struct json *sqls;
	struct strvec steps; /* what each is for, for errors */
};

static void add_step(struct script *s, const char *step, char *sql)
{
	json_push_str(s->sqls, sql);
	strvec_push(&s->steps, step);
	free(sql);
}

/* Names are letters, digits and '_'; quotes are for those that are words of SQL. */
static void add_steps(struct script *s, const struct warehouse_redshift *r,
	const struct warehouse_table *t, const char *from)
{
	struct strbuf copy = STRBUF_INIT;

	add_step(s, "create the new table",
		xasprintf("CREATE TABLE \"%s\".\"%s\" (%s)", t->schema, t->staging,
			warehouse_columns));
	strbuf_addf(&copy, "COPY \"%s\".\"%s\" FROM ", t->schema, t->staging);
	duck_add_text(&copy, from);
	strbuf_addstr(&copy, " IAM_ROLE ");
	if (strcmp(r->copy_role, "default") == 0)
		strbuf_addstr(&copy, "default");
	else
		duck_add_text(&copy, r->copy_role);
	strbuf_addstr(&copy, " FORMAT AS PARQUET");
	add_step(s, "copy the rows", strbuf_detach(&copy, NULL));
	add_step(s, "drop the old table",
		xasprintf("DROP TABLE IF EXISTS \"%s\".\"%s\"", t->schema, t->name));
	add_step(s, "name the new table",
		xasprintf("ALTER TABLE \"%s\".\"%s\" RENAME TO \"%s\"", t->schema, t->staging,
			t->name));
}

/* --- running them --- */

static bool is_full(const struct err *err)
{
	return err_is_aws(err, "ActiveStatementsExceededException") ||
	       err_is_aws(err, "ActiveSessionsExceededException");
}

static int submit(struct aws_client *aws, const struct json *in, char **id, struct err *err)
{
	const struct clock *clock = clock_system();
	int64_t until = clock->mono_ms(clock) + ROOM_WAIT_MS, pause = ROOM_FIRST_MS;

	for (;;) {
		struct err why = ERR_INIT;
		struct json *out = NULL;

		if (aws_call(aws, &redshift_data_batch_execute_statement, in, &out, &why) == 0) {
			*id = xstrdup(json_get_str(out, "Id"));
			json_free(out);
			return *id ? 0
				   : err_set(err, ERR_FAILED,
					     "BatchExecuteStatement answers without an Id");
		}
		if (!is_full(&why) || clock->mono_ms(clock) + pause > until) {
			err_move(err, &why);
			return -1;
		}
		job_log(JOB_INFO, "waiting", "reason=\"%s\" seconds=%.0f", why.text,
			(double)pause / 1000);
		err_release(&why);
		if (clock->sleep_ms(clock, pause) != 0)
			return job_check_interrupt(err);
		pause = pause * 2 < ROOM_MOST_MS ? pause * 2 : ROOM_MOST_MS;
	}
}

static bool is_over(const char *status)
{
	return strcmp(status, "FINISHED") == 0 || strcmp(status, "FAILED") == 0 ||
	       strcmp(status, "ABORTED") == 0;
}

/* *out: the description of a statement that is over; NULL when the time ran out. */
static int await(struct aws_client *aws, const char *id, int64_t most_ms, bool interruptible,
	struct json **out, struct err *err)
{
	const struct clock *clock = clock_system();
	int64_t until = clock->mono_ms(clock) + most_ms, pause = POLL_FIRST_MS;

	for (;;) {
		const char *status;

		if (aws_callf(aws, &redshift_data_describe_statement, out, err, "{\"Id\":\"%s\"}",
			    id) != 0)
			return -1;
		status = json_get_str(*out, "Status");
		if (status && is_over(status))
			return 0;
		json_free(*out);
		*out = NULL;
		if (most_ms && clock->mono_ms(clock) > until)
			return 0;
		if (clock->sleep_ms(clock, pause) != 0 && interruptible)
			return job_check_interrupt(err);
		pause = pause * 3 / 2 < POLL_MOST_MS ? pause * 3 / 2 : POLL_MOST_MS;
	}
}

/* A run that is stopped stops its statement. */
static void cancel(struct aws_client *aws, const char *id)
{
	struct err err = ERR_INIT;
	struct json *out = NULL;
	const char *status = NULL;

	if (aws_callf(aws, &redshift_data_cancel_statement, NULL, &err, "{\"Id\":\"%s\"}", id) ==
			0 &&
		await(aws, id, CANCEL_WAIT_MS, false, &out, &err) == 0)
		status = out ? json_get_str(out, "Status") : "still running";
	job_log(JOB_WARN, "cancelled", "statement=%s status=\"%s\"", id,
		status ? status : err.text);
	json_free(out);
	err_release(&err);
}

/* Which of them it was, and what Redshift says. */
static int failed(const struct json *told, const struct script *s, const struct warehouse_table *t,
	struct err *err)
{
	const struct json *parts = json_get(told, "SubStatements");
	const char *text = json_get_str(told, "Error"), *step = NULL;
	const struct json *part;
	size_t i = 0;

	json_each(part, parts)
	{
		const char *status = json_get_str(part, "Status");

		if (status && strcmp(status, "FAILED") == 0 && i < s->steps.nr) {
			step = s->steps.v[i];
			if (json_get_str(part, "Error"))
				text = json_get_str(part, "Error");
			break;
		}
		i++;
	}
	if (!text)
		text = json_get_str(told, "Status");
	if (step)
		err_set(err, ERR_FAILED, "Redshift could not %s (statement %zu of %zu): %s", step,
			i + 1, s->steps.nr, text);
	else
		err_set(err, ERR_FAILED, "Redshift: %s", text);
	if (strstr(text, "does not exist") && strstr(text, "chema")) {
		err_named(err, NO_SCHEMA);
		err_hint(err, "make the schema '%s', or give --CREATE_SCHEMA Y", t->schema);
	}
	return -1;
}

static struct json *request(
	const struct warehouse_redshift *r, const struct warehouse_table *t, const struct script *s)
{
	struct json *in = json_object();
	char *name = xasprintf("redshift-upload %s.%s", t->schema, t->name);

	json_set_str(in, "WorkgroupName", r->workgroup);
	json_set_str(in, "Database", r->database);
	json_set_str(in, "SecretArn", r->secret_arn);
	json_set_str(in, "StatementName", name);
	json_set(in, "Sqls", json_copy(s->sqls));
	free(name);
	return in;
}

static int carry_out(struct job *job, const struct warehouse_redshift *r,
	const struct warehouse_table *t, const struct script *s, struct err *err)
{
	struct aws_client *aws = job_aws(job, err);
	struct json *in = request(r, t, s), *told = NULL;
	char *id = NULL;
	int ret = -1;

	if (!aws || submit(aws, in, &id, err) != 0)
		goto out;
	job_log(JOB_INFO, "submitted", "statement=%s workgroup=%s database=%s", id, r->workgroup,
		r->database);
	ret = await(aws, id, 0, true, &told, err);
	if (ret != 0 && err->code == ERR_INTERRUPTED)
		cancel(aws, id);
	else if (ret == 0 && strcmp(json_get_str(told, "Status"), "FINISHED") != 0)
		ret = failed(told, s, t, err);
out:
	json_free(in);
	json_free(told);
	free(id);
	return ret;
}

/* Redshift's own words for a prefix without objects name neither job nor step. */
static int check_source(struct job *job, const struct place *gold, const char *copy_role,
	const char *ticker, char **from, struct err *err)
{
	struct s3_objects found = S3_OBJECTS_INIT;
	struct aws_client *aws;
	char *prefix;
	bool any = false;

	if (!gold->bucket)
		return err_set(err, ERR_USAGE,
			"--GOLD '%s' is no bucket: Redshift copies from S3 only", gold->shown);
	/* Inside quotes, Redshift takes what follows a backslash as it is: a quote too. */
	if (strchr(gold->shown, '\\') || strchr(copy_role, '\\'))
		return err_set(err, ERR_USAGE,
			"--GOLD '%s', --COPY_ROLE '%s': Redshift takes no backslash there",
			gold->shown, copy_role);
	*from = xasprintf("%s%s/", gold->shown, ticker);
	prefix = xasprintf("%s%s/", gold->root, ticker);
	aws = job_aws(job, err);
	if (!aws ||
		s3_list_objects_v2(aws, gold->bucket, prefix, NULL, 0, NULL, &found, err) != 0) {
		free(prefix);
		return aws ? err_wrap(err, "%s", *from) : -1;
	}
	for (size_t i = 0; i < found.nr; i++)
		any |= ends_with(found.v[i].key, ".parquet");
	s3_objects_release(&found);
	free(prefix);
	if (any)
		return 0;
	err_set(err, ERR_NOT_FOUND, "no Parquet files below '%s'", *from);
	return err_hint(err, "silver2gold writes them");
}

/*
 * By itself and before the load: of two runs at once that make it within their transactions, Redshift lets one fail. That one has a
 * schema all the same, so what goes wrong here shows when the load is tried again.
 */
static void make_schema(
	struct job *job, const struct warehouse_redshift *r, const struct warehouse_table *t)
{
	struct script s = {json_array(), STRVEC_INIT};
	struct err err = ERR_INIT;

	add_step(&s, "create the schema",
		xasprintf("CREATE SCHEMA IF NOT EXISTS \"%s\"", t->schema));
	if (carry_out(job, r, t, &s, &err) != 0)
		job_log(JOB_WARN, "schema", "error=\"%s\"", err.text);
	err_release(&err);
	json_free(s.sqls);
	strvec_release(&s.steps);
}

int warehouse_load_redshift(struct job *job, const struct warehouse_redshift *r,
	const struct warehouse_table *t, const struct place *gold, const char *ticker,
	struct err *err)
{
	struct script s = {json_array(), STRVEC_INIT};
	char *from = NULL;
	int ret = check_source(job, gold, r->copy_role, ticker, &from, err);

	if (ret == 0) {
		add_steps(&s, r, t, from);
		ret = carry_out(job, r, t, &s, err);
		if (ret != 0 && t->create_schema && err->name && !strcmp(err->name, NO_SCHEMA)) {
			err_release(err);
			make_schema(job, r, t);
			ret = carry_out(job, r, t, &s, err);
		}
	}
	json_free(s.sqls);
	strvec_release(&s.steps);
	free(from);
	return ret;
}
