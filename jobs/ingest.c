/* ingest: files of the incoming bucket as partitions of the catalog's tables, load by load; a load that fails does not stop the others. */
#include <stdlib.h>
#include <string.h>
#include "ingest.h"
#include "ingest_queue.h"
#include "joblog.h"
#include "place.h"
#include "transit_job.h"

static const struct job_arg args[] = {
	{"ENV", "JSON: GLUE_DATABASE_INCOMING, GLUE_DATABASE_SPRINGBOARD", JOB_OPTIONAL},
	{"INPUT", "JSON: the loads", JOB_OPTIONAL},
	{"OBJECT_KEY", "or one object that has come to --INCOMING; wants a database", JOB_OPTIONAL},
	{"QUEUE", "or the SQS queue (URL or name) of events that tell of such objects",
		JOB_OPTIONAL},
	{"WAIT_SECONDS", "for --QUEUE: how long it is to be empty (default: 5)", JOB_OPTIONAL},
	{"INCOMING", "for --OBJECT_KEY, --QUEUE: bucket, prefix or folder that holds it",
		JOB_OPTIONAL},
	{"SPRINGBOARD", "for those: bucket, prefix or folder for the partitions", JOB_OPTIONAL},
	{"PREFIX", "for those: before every key, and in none of the database", JOB_OPTIONAL},
	{"INCOMING_DATABASE", "for those: the incoming tables' database", JOB_OPTIONAL},
	{"DFM", "for those: N: descriptions of ODS files are not looked at (default: Y)",
		JOB_OPTIONAL},
	{"REGISTER_PARTITION", "N: the catalog is not told of partitions (default: Y)",
		JOB_OPTIONAL},
	{"PRINT_VIEW", "writes SQL of the view of current rows of --TABLE to stdout, for Athena",
		JOB_FLAG},
	{"VIEW_FILE", "where to write that SQL instead: s3://BUCKET/KEY or a path", JOB_OPTIONAL},
	{"QUERY_ONLY", "the view's query alone, for a service that keeps no views", JOB_FLAG},
	{"TABLE", "for the view: the table; its changes are in <TABLE>__ct", JOB_OPTIONAL},
	{"KEY", "for the view: columns of the key (default: what the catalog has)", JOB_OPTIONAL},
	{"SPRINGBOARD_DATABASE", "for the view and those: the tables' database", JOB_OPTIONAL},
	PG_JOB_ARGS,
	{0},
};

static const char *get(const struct job *job, const char *name)
{
	return job_args_get(&job->args, name);
}

/* --- loads --- */

static int run_loads(struct job *job, struct pg *pg, const struct ingest_input *in,
	struct ingest_options *opts, struct err *err)
{
	struct ingest_session session = INGEST_SESSION_INIT;
	struct strvec failed = STRVEC_INIT;
	char *ids;
	int ret = 0;

	opts->session = &session;
	for (size_t i = 0; i < in->nr && ret == 0; i++) {
		enum ingest_end end;

		ret = ingest_load_tell(job, pg, in, &in->loads[i], opts, &end, err);
		if (ret == 0 && end != INGEST_DONE)
			strvec_push(&failed, in->loads[i].id);
	}
	if (ret == 0 && failed.nr) {
		ids = strvec_join(&failed, ", ");
		ret = err_set(
			err, ERR_FAILED, "%zu of %zu loads failed: %s", failed.nr, in->nr, ids);
		free(ids);
	} else if (ret == 0) {
		job_log(JOB_INFO, "ingested", "loads=%zu", in->nr);
	}
	strvec_release(&failed);
	opts->session = NULL;
	ingest_session_close(&session);
	return ret;
}

static int read_options(struct job *job, struct ingest_options *opts, struct err *err)
{
	const char *reg = get(job, "REGISTER_PARTITION");

	opts->no_partition = reg && strcmp(reg, "N") == 0;
	if (!reg || opts->no_partition || strcmp(reg, "Y") == 0)
		return 0;
	return err_set(err, ERR_USAGE, "--REGISTER_PARTITION '%s' is neither Y nor N", reg);
}

static bool has_database(const struct job *job)
{
	return get(job, "POSTGRES_SECRET") || get(job, "POSTGRES");
}

/* Ids are the database's own. */
static int check_ids(const struct ingest_input *in, struct err *err)
{
	for (size_t i = 0; i < in->nr; i++) {
		long long id;

		if (parse_int64(in->loads[i].id, 1, INT64_MAX, &id) != 0)
			return err_set(err, ERR_USAGE, "--INPUT: '%s' is no id of a load",
				in->loads[i].id);
	}
	return 0;
}

static int ingest(struct job *job, struct err *err)
{
	const char *env = get(job, "ENV"), *input = get(job, "INPUT");
	struct ingest_options opts = {0};
	struct ingest_input in;
	struct pg *pg = NULL;
	int ret = read_options(job, &opts, err);

	if (ret != 0)
		return -1;
	if (!env || !input)
		return err_set(err, ERR_USAGE,
			"--ENV and --INPUT are wanted, or --OBJECT_KEY, or --QUEUE");
	if (ingest_input_parse(env, input, &in, err) != 0)
		return -1;
	if (has_database(job)) {
		ret = check_ids(&in, err);
		pg = ret == 0 ? transit_db_open(job, err) : NULL;
		ret = pg ? 0 : -1;
	}
	if (ret == 0)
		ret = run_loads(job, pg, &in, &opts, err);
	pg_close(pg);
	ingest_input_release(&in);
	return ret;
}

/* --- an object's key, or many --- */

static int open_event(struct job *job, const char *by, struct ingest_event *e, struct err *err)
{
	static const char *const wanted[] = {
		"INCOMING", "SPRINGBOARD", "INCOMING_DATABASE", "SPRINGBOARD_DATABASE"};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!get(job, wanted[i]))
			return err_set(err, ERR_USAGE, "--%s wants --%s", by, wanted[i]);
	e->job = job;
	e->prefix = get(job, "PREFIX") ? get(job, "PREFIX") : "";
	e->in.incoming = xstrdup(get(job, "INCOMING_DATABASE"));
	e->in.springboard = xstrdup(get(job, "SPRINGBOARD_DATABASE"));
	if (place_parse(get(job, "INCOMING"), "--INCOMING", &e->incoming, err) != 0 ||
		place_parse(get(job, "SPRINGBOARD"), "--SPRINGBOARD", &e->springboard, err) != 0)
		return -1;
	e->pg = transit_db_open(job, err);
	return e->pg ? 0 : -1;
}

static void close_event(struct ingest_event *e)
{
	pg_close(e->pg);
	place_release(&e->incoming);
	place_release(&e->springboard);
	ingest_input_release(&e->in);
}

static int ingest_object(struct job *job, struct err *err)
{
	struct ingest_event e = {.incoming = PLACE_INIT, .springboard = PLACE_INIT};
	const char *key = get(job, "OBJECT_KEY");
	const char *prefix = get(job, "PREFIX") ? get(job, "PREFIX") : "";
	struct ingest_options opts = {0};
	enum ingest_found found = INGEST_FAILED;
	int ret = read_options(job, &opts, err);

	/* Events tell of all objects; a description is read with its file. */
	if (ret == 0 && (ends_with(key, ".dfm") || ends_with(key, "/"))) {
		job_log(JOB_INFO, "skipped", "key=\"%s\"", key);
		return 0;
	}
	if (ret == 0 && !starts_with(key, prefix))
		ret = err_set(err, ERR_USAGE, "--OBJECT_KEY '%s' does not begin with --PREFIX '%s'",
			key, prefix);
	if (ret == 0)
		ret = transit_yes(job, "DFM", true, &opts.check_dfm, err);
	if (ret == 0)
		ret = open_event(job, "OBJECT_KEY", &e, err);
	e.key = key + strlen(prefix);
	if (ret == 0)
		ret = ingest_event_claim(&e, &found, err);
	if (ret == 0 && found == INGEST_CLAIMED)
		ret = run_loads(job, e.pg, &e.in, &opts, err);
	close_event(&e);
	return ret;
}

static int ingest_queue(struct job *job, struct err *err)
{
	struct ingest_event e = {.incoming = PLACE_INIT, .springboard = PLACE_INIT};
	struct ingest_session session = INGEST_SESSION_INIT;
	struct ingest_queue_options opts = {.queue = get(job, "QUEUE"), .load.session = &session};
	int ret = read_options(job, &opts.load, err);

	if (ret == 0)
		ret = transit_number(job, "WAIT_SECONDS", 0, 20, 5, &opts.wait_s, err);
	if (ret == 0)
		ret = transit_yes(job, "DFM", true, &opts.load.check_dfm, err);
	if (ret == 0 && get(job, "OBJECT_KEY"))
		ret = err_set(err, ERR_USAGE, "--OBJECT_KEY and --QUEUE: one of the two is wanted");
	if (ret == 0)
		ret = open_event(job, "QUEUE", &e, err);
	if (ret == 0 && !e.incoming.bucket)
		ret = err_set(err, ERR_USAGE, "--QUEUE wants a bucket as --INCOMING, not '%s'",
			e.incoming.shown);
	if (ret == 0)
		ret = ingest_queue_run(&e, &opts, err);
	ingest_session_close(&session);
	close_event(&e);
	return ret;
}

/* --- the view --- */

static int write_file(
	struct job *job, const char *location, const struct strbuf *sql, struct err *err)
{
	struct place place = PLACE_INIT;
	struct output *out = NULL;
	const char *slash = strrchr(location, '/');
	char *folder = slash ? xstrndup(location, (size_t)(slash - location)) : xstrdup(".");
	const char *name = slash ? slash + 1 : location;
	int ret = -1;

	if (!*name)
		err_set(err, ERR_USAGE, "--VIEW_FILE '%s' names no file", location);
	else if (place_parse(*folder ? folder : "/", "--VIEW_FILE", &place, err) == 0)
		out = output_new(job, &place, name, err);
	if (out && output_write(out, sql->buf, sql->len, err) != 0)
		output_abort(out);
	else if (out)
		ret = output_finish(out, err);
	if (ret == 0)
		job_log(JOB_INFO, "view", "file=\"%s\"", location);
	place_release(&place);
	free(folder);
	return ret;
}

static int view(struct job *job, struct err *err)
{
	const char *table = get(job, "TABLE"), *database = get(job, "SPRINGBOARD_DATABASE");
	const char *file = get(job, "VIEW_FILE"), *key = get(job, "KEY");
	struct strbuf sql = STRBUF_INIT;
	struct strvec keys = STRVEC_INIT;
	int ret;

	if (!table || !database)
		return err_set(err, ERR_USAGE, "the view wants --TABLE and --SPRINGBOARD_DATABASE");
	if (key)
		strvec_split(&keys, key, ',');
	ret = ingest_view_sql(job, database, table, &keys, &sql, err);
	if (ret == 0 && job_args_flag(&job->args, "QUERY_ONLY"))
		strbuf_remove(&sql, 0, (size_t)(strstr(sql.buf, "\nSELECT ") + 1 - sql.buf));
	if (ret == 0 && file)
		ret = write_file(job, file, &sql, err);
	else if (ret == 0 && fputs(sql.buf, stdout) < 0)
		ret = err_errno(err, "cannot write to stdout");
	strvec_release(&keys);
	strbuf_release(&sql);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	if (job_args_flag(&job->args, "PRINT_VIEW") || get(job, "VIEW_FILE"))
		return view(job, err);
	if (get(job, "QUEUE"))
		return ingest_queue(job, err);
	return get(job, "OBJECT_KEY") ? ingest_object(job, err) : ingest(job, err);
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"ingest", args, run};

	return job_main(&program, argc, argv);
}
