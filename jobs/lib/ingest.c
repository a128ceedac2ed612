#include "ingest.h"

#include <stdlib.h>
#include <string.h>
#include "dataset.h"
#include "duck.h"
#include "ingest_internal.h"
#include "joblog.h"
#include "partitions.h"
#include "place.h"
#include "udf.h"

#define MEMORY_PERCENT 60
/* Below that, starting threads costs more than they do. */
#define SINGLE_BYTES (1 << 20)
/* A session never forgets a function: then it is opened anew. */
#define SESSION_LOADS 500

/* A load on its way. */
struct work {
	struct job *job;
	const struct ingest_input *in;
	const struct ingest_load *load;
	struct dataset source;
	struct json *table;
	struct strvec columns; /* the destination's, in its order */
	enum udf_type *types;
	char *target;                   /* location of what is replaced */
	struct ingest_session *session; /* the run's, or `own` */
	struct ingest_session own;
	char *function; /* in SQL, that gives the source's rows */
	struct dataset_reader *reader;
	struct publish *out;
};

static enum udf_type type_of(const char *type)
{
	static const struct {
		const char *name;
		enum udf_type type;
	} types[] = {{"bigint", UDF_LONG}, {"double", UDF_DOUBLE}, {"date", UDF_DATE},
		{"timestamp", UDF_TIMESTAMP}};

	for (size_t i = 0; type && i < ARRAY_SIZE(types); i++)
		if (iequals(type, types[i].name))
			return types[i].type;
	return UDF_STRING;
}

static int take_columns(struct work *w, struct err *err)
{
	const struct json *columns = json_path(w->table, "StorageDescriptor.Columns");
	struct json *c;

	w->types = xcalloc(json_len(columns) + 1, sizeof(*w->types));
	json_each(c, columns)
	{
		const char *name = json_get_str(c, "Name");

		/* A partition's column stands in the path, and there alone. */
		if (!name || strvec_has(&w->load->partition_names, name))
			continue;
		w->types[w->columns.nr] = type_of(json_get_str(c, "Type"));
		strvec_push(&w->columns, name);
	}
	if (w->columns.nr)
		return 0;
	return err_set(err, ERR_INVALID, "table '%s.%s' has no columns", w->in->springboard,
		w->load->destination_table);
}

static void find_target(struct work *w)
{
	struct strbuf target = STRBUF_INIT;

	strbuf_addstr(&target, w->load->destination);
	while (target.len > 1 && target.buf[target.len - 1] == '/')
		strbuf_remove(&target, target.len - 1, 1);
	for (size_t i = 0; i < w->load->partition_names.nr; i++) {
		strbuf_addch(&target, '/');
		hive_add_partition(
			&target, w->load->partition_names.v[i], w->load->partition_values.v[i]);
	}
	w->target = strbuf_detach(&target, NULL);
}

/* What is replaced is never a whole bucket. */
static int open_output(struct work *w, struct err *err)
{
	struct place place = PLACE_INIT;
	const char *slash = strrchr(w->target, '/');
	char *parent = NULL;
	int ret;

	if (!slash || !slash[1] || slash == w->target ||
		(starts_with(w->target, "s3://") && slash < w->target + strlen("s3://x")))
		return err_set(err, ERR_INVALID,
			"'%s' would be replaced as a whole: a folder in it is wanted", w->target);
	parent = xstrndup(w->target, (size_t)(slash - w->target));
	ret = place_parse(parent, "destination_path", &place, err);
	if (ret == 0)
		w->out = publish_new(w->job, &place, slash + 1, err);
	place_release(&place);
	free(parent);
	return w->out ? 0 : -1;
}

void ingest_session_close(struct ingest_session *s)
{
	duck_close(s->duck);
	udf_session_free(s->udf);
	*s = (struct ingest_session)INGEST_SESSION_INIT;
}

/* A session may touch only what it was opened for; the run's has the job's scratch alone. */
static bool may_share(const struct work *w, const struct strvec *folders)
{
	bool all = true;

	for (size_t i = 0; i < folders->nr; i++)
		all = all && starts_with(folders->v[i], w->job->tmp);
	return all;
}

static int open_session(struct work *w, struct ingest_session *shared, struct err *err)
{
	struct strvec folders = STRVEC_INIT;
	int64_t bytes = w->source.nr_files ? w->source.files[0].size : 0;
	struct ingest_session *s = &w->own;

	strvec_push(&folders, publish_dir(w->out));
	dataset_folders(w->job, &w->source, &folders);
	if (shared && bytes < SINGLE_BYTES && may_share(w, &folders))
		s = shared;
	w->session = s;
	if (s->loads >= SESSION_LOADS)
		ingest_session_close(s);
	if (!s->duck)
		s->duck = bytes < SINGLE_BYTES
				  ? duck_open_single(w->job, MEMORY_PERCENT, &folders, err)
				  : duck_open(w->job, MEMORY_PERCENT, &folders, err);
	if (s->duck && !s->udf)
		s->udf = udf_register(s->duck, err);
	strvec_release(&folders);
	w->function = xasprintf("source%zu", s->loads++);
	return s->udf ? 0 : -1;
}

/* The source's columns that the destination has; c0, c1 … in SQL. */
static int register_source(struct work *w, struct err *err)
{
	struct dataset_want *wants = xcalloc(w->columns.nr + 1, sizeof(*wants));
	struct strvec names = STRVEC_INIT;

	for (size_t i = 0; i < w->columns.nr; i++)
		strvec_pushf(&names, "c%zu", i);
	for (size_t i = 0; i < w->columns.nr; i++)
		wants[i] = (struct dataset_want){w->columns.v[i], names.v[i], DATASET_TEXT};
	w->reader = dataset_register(w->job, &w->source, w->session->duck, w->function, wants, err);
	strvec_release(&names);
	free(wants);
	return w->reader ? 0 : -1;
}

static void add_select(const struct work *w, struct strbuf *sql)
{
	for (size_t i = 0; i < w->columns.nr; i++) {
		char name[32];

		snprintf(name, sizeof(name), "c%zu", i);
		strbuf_addstr(sql, i ? ", " : "SELECT ");
		udf_add_sql(sql, w->types[i], name, "\"row id\"", i);
		strbuf_addstr(sql, " AS ");
		duck_add_name(sql, w->columns.v[i]);
	}
	strbuf_addf(sql, " FROM %s()", w->function);
}

/* A statement failed with `err`: what did it, in words of the data. */
static int explain(struct work *w, struct err *err)
{
	const struct udf_bad *bad = udf_session_bad(w->session->udf);
	char *where;

	if (dataset_error(w->reader, err) != 0 || !bad)
		return -1;
	where = dataset_locate(w->reader, bad->row_id, NULL);
	err_set(err, ERR_INVALID, "%s: column '%s': '%s', %s", where ? where : w->load->source,
		w->columns.v[bad->column], bad->value, bad->why);
	free(where);
	return -1;
}

static int write_rows(struct work *w, int64_t *rows, struct err *err)
{
	char *name = publish_new_name(w->target);
	const char *path = publish_path(w->out, name, err);
	struct strbuf sql = STRBUF_INIT;
	int ret = -1;

	if (path) {
		strbuf_addstr(&sql, "COPY (");
		add_select(w, &sql);
		strbuf_addstr(&sql, ") TO ");
		duck_add_text(&sql, path);
		strbuf_addstr(&sql, " (FORMAT parquet, COMPRESSION snappy)");
		ret = duck_exec(w->session->duck, sql.buf, rows, err);
		if (ret != 0)
			explain(w, err);
	}
	strbuf_release(&sql);
	free(name);
	return ret;
}

/* A session in which something failed remembers it, and is not used again. */
static void work_release(struct work *w, bool failed)
{
	if (w->session && (failed || w->session == &w->own))
		ingest_session_close(w->session);
	dataset_reader_free(w->reader);
	free(w->function);
	publish_abort(w->out);
	dataset_release(&w->source);
	json_free(w->table);
	strvec_release(&w->columns);
	free(w->types);
	free(w->target);
}

int ingest_load_run(struct job *job, const struct ingest_input *in, const struct ingest_load *load,
	const struct ingest_options *opts, struct ingest_counts *counts, struct err *err)
{
	struct work w = {.job = job, .in = in, .load = load, .source = DATASET_INIT};
	struct publish *out;
	char *location;
	int ret = -1;

	strvec_init(&w.columns);
	find_target(&w);
	if (dataset_from_table_file(
		    job, in->incoming, load->source_table, load->source, &w.source, err) != 0)
		goto out;
	if (opts->check_dfm && ingest_dfm_check(job, load, &w.source, err) != 0)
		goto out;
	w.table = ingest_destination(job, in, load, &w.source, &counts->made_table, err);
	if (!w.table || take_columns(&w, err) != 0 || open_output(&w, err) != 0 ||
		open_session(&w, opts->session, err) != 0 || register_source(&w, err) != 0 ||
		write_rows(&w, &counts->rows, err) != 0)
		goto out;
	out = w.out;
	w.out = NULL;
	if (publish_commit(out, err) != 0)
		goto out;
	ret = 0;
	if (!opts->no_partition) {
		location = xasprintf("%s/", w.target);
		ret = ingest_add_partition(
			job, in, load, w.table, location, &counts->made_partition, err);
		free(location);
	}
out:
	work_release(&w, ret != 0);
	return ret;
}
