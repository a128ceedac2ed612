/* ingest: files of the incoming bucket as partitions of the catalog's tables, load by load; a load that fails does not stop the others. */
#include <stdlib.h>
#include <string.h>
#include "ingest.h"
#include "joblog.h"
#include "place.h"

static const struct job_arg args[] = {
	{"ENV", "JSON: GLUE_DATABASE_INCOMING, GLUE_DATABASE_SPRINGBOARD", JOB_OPTIONAL},
	{"INPUT", "JSON: the loads", JOB_OPTIONAL},
	{"REGISTER_PARTITION", "N: the catalog is not told of partitions (default: Y)",
		JOB_OPTIONAL},
	{"PRINT_VIEW", "writes SQL of the view of current rows of --TABLE to stdout, for Athena",
		JOB_FLAG},
	{"VIEW_FILE", "where to write that SQL instead: s3://BUCKET/KEY or a path", JOB_OPTIONAL},
	{"TABLE", "for the view: the table; its changes are in <TABLE>__ct", JOB_OPTIONAL},
	{"KEY", "for the view: columns of the key (default: what the catalog has)", JOB_OPTIONAL},
	{"SPRINGBOARD_DATABASE", "for the view: the tables' database", JOB_OPTIONAL},
	{0},
};

static const char *get(const struct job *job, const char *name)
{
	return job_args_get(&job->args, name);
}

/* --- loads --- */

static void tell_failed(const struct ingest_load *load, const struct err *err)
{
	char *text = err_format(err);

	for (char *c = text; *c; c++)
		if (*c == '"')
			*c = '\'';
	if (err->hint)
		job_log(JOB_ERROR, "load",
			"id=%s status=failed from=\"%s\" error=\"%s\" hint=\"%s\"", load->id,
			load->source, text, err->hint);
	else
		job_log(JOB_ERROR, "load", "id=%s status=failed from=\"%s\" error=\"%s\"", load->id,
			load->source, text);
	free(text);
}

/* 0, also when the load failed (*failed); -1 when no other load is to be tried. */
static int run_load(struct job *job, const struct ingest_input *in, const struct ingest_load *load,
	const struct ingest_options *opts, bool *failed, struct err *err)
{
	struct ingest_counts counts = {0};
	struct err why = ERR_INIT;
	int ret = 0;

	*failed = ingest_load_run(job, in, load, opts, &counts, &why) != 0;
	if (!*failed) {
		job_log(JOB_INFO, "load", "id=%s status=ingested from=\"%s\" to=%s.%s rows=%lld",
			load->id, load->source, in->springboard, load->destination_table,
			(long long)counts.rows);
	} else if (why.code == ERR_INTERRUPTED) {
		err_move(err, &why);
		ret = -1;
	} else {
		tell_failed(load, &why);
	}
	err_release(&why);
	return ret;
}

static int run_loads(struct job *job, const struct ingest_input *in,
	const struct ingest_options *opts, struct err *err)
{
	struct strvec failed = STRVEC_INIT;
	char *ids;
	int ret = 0;

	for (size_t i = 0; i < in->nr && ret == 0; i++) {
		bool bad = false;

		ret = run_load(job, in, &in->loads[i], opts, &bad, err);
		if (bad)
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
	return ret;
}

static int ingest(struct job *job, struct err *err)
{
	const char *env = get(job, "ENV"), *input = get(job, "INPUT");
	const char *reg = get(job, "REGISTER_PARTITION");
	struct ingest_options opts = {.no_partition = reg && strcmp(reg, "N") == 0};
	struct ingest_input in;
	int ret;

	if (!env || !input)
		return err_set(err, ERR_USAGE, "--ENV and --INPUT are wanted");
	if (reg && !opts.no_partition && strcmp(reg, "Y") != 0)
		return err_set(err, ERR_USAGE, "--REGISTER_PARTITION '%s' is neither Y nor N", reg);
	if (ingest_input_parse(env, input, &in, err) != 0)
		return -1;
	ret = run_loads(job, &in, &opts, err);
	ingest_input_release(&in);
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
	return ingest(job, err);
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"ingest", args, run};

	return job_main(&program, argc, argv);
}
