/*
 * Each output is a unit: some input files, read by one COPY. Many units go to sessions of one thread each, which keep the rows'
 * order; a few large ones have all threads of one session.
 */
#include "reshape_internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "joblog.h"
#include "partitions.h"
#include "thrdpool.h"

#define MEMORY_PERCENT 60
/* Below that one thread is fast enough. */
#define LITTLE_BYTES (INT64_C(16) << 20)

struct unit {
	struct dataset part; /* the files of this output; all else is the whole's, borrowed */
	char *path;
	struct dataset_reader *reader;
	int64_t rows;
	struct err err;
};

struct work {
	struct job *job;
	const struct reshape *r;
	struct strvec names;        /* of the fields, as they go out */
	struct dataset_want *wants; /* ends with {0} */
	struct strvec want_names;
	size_t *want_of; /* of each field */
	struct unit *units;
	size_t nr;
	struct duck **sessions;
	size_t nr_sessions;
	atomic_bool failed;
};

/* --- compression --- */

static const struct {
	enum dataset_format format;
	const char *name, *word, *ending;
} compressions[] = {
	{DATASET_CSV, "none", "none", ".csv"},
	{DATASET_CSV, "gzip", "gzip", ".csv.gz"},
	{DATASET_CSV, "zstd", "zstd", ".csv.zst"},
	{DATASET_JSON, "none", "none", ".json"},
	{DATASET_JSON, "gzip", "gzip", ".json.gz"},
	{DATASET_JSON, "zstd", "zstd", ".json.zst"},
	{DATASET_PARQUET, "snappy", "snappy", ".snappy.parquet"},
	{DATASET_PARQUET, "gzip", "gzip", ".gz.parquet"},
	{DATASET_PARQUET, "zstd", "zstd", ".zstd.parquet"},
	{DATASET_PARQUET, "lz4", "lz4_raw", ".lz4.parquet"},
	{DATASET_PARQUET, "none", "uncompressed", ".parquet"},
	{DATASET_PARQUET, "uncompressed", "uncompressed", ".parquet"},
};

const char *reshape_compression(enum dataset_format format, const char *name, struct err *err)
{
	struct strbuf known = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++) {
		if (compressions[i].format != format)
			continue;
		if (!name || iequals(name, compressions[i].name)) {
			strbuf_release(&known);
			return compressions[i].word;
		}
		strbuf_addf(&known, "%s%s", known.len ? ", " : "", compressions[i].name);
	}
	err_set(err, ERR_USAGE, "--compression '%s' is none of %s", name, known.buf);
	strbuf_release(&known);
	return NULL;
}

static const char *ending_of(const struct reshape *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++)
		if (compressions[i].format == r->format &&
			strcmp(compressions[i].word, r->compression) == 0)
			return compressions[i].ending;
	BUG("no such compression");
}

/* --- what goes where --- */

bool reshape_is_folder(const struct reshape *r, const struct field *f)
{
	return f->column->partition && !r->flat;
}

/* A partition column's name in the path: the mapping's, where it has one. */
static const char *folder_name(const struct reshape *r, const struct dataset_column *column)
{
	for (size_t i = 0; i < r->fields->nr; i++)
		if (r->fields->v[i].column == column)
			return r->fields->v[i].to;
	return column->name;
}

static char *folder_of(const struct reshape *r, const struct dataset_file *file)
{
	struct strbuf path = STRBUF_INIT;
	size_t place = 0;

	for (size_t i = 0; i < r->from->nr_columns; i++) {
		const struct dataset_column *column = &r->from->columns[i];

		if (!column->partition)
			continue;
		if (!r->flat) {
			hive_add_partition(&path, folder_name(r, column), file->values.v[place]);
			strbuf_addch(&path, '/');
		}
		place++;
	}
	return strbuf_detach(&path, NULL);
}

static void add_to_unit(
	struct unit *u, const struct dataset *whole, const struct dataset_file *file)
{
	if (!u->part.nr_files) {
		u->part = *whole;
		u->part.files = NULL;
		u->part.nr_files = u->part.alloc_files = 0;
	}
	ALLOC_GROW(u->part.files, u->part.nr_files, u->part.alloc_files);
	u->part.files[u->part.nr_files++] = *file;
}

static int make_units(struct work *w, struct err *err)
{
	const struct reshape *r = w->r;
	struct map by_folder = MAP_INIT;
	char *id = job_new_id();
	int ret = 0;

	map_init(&by_folder, NULL);
	w->units = xcalloc(r->from->nr_files + 1, sizeof(*w->units));
	for (size_t i = 0; i < r->from->nr_files && ret == 0; i++) {
		char *folder = folder_of(r, &r->from->files[i]), *name = NULL;
		struct unit *u = r->single ? map_get(&by_folder, folder) : NULL;

		if (!u) {
			u = &w->units[w->nr];
			name = xasprintf("%spart-%05zu-%s%s", folder, r->single ? 0 : w->nr, id,
				ending_of(r));
			u->path = xstrdup(publish_path(r->out, name, err));
			ret = u->path ? 0 : -1;
			map_put(&by_folder, folder, u);
			w->nr++;
		}
		add_to_unit(u, r->from, &r->from->files[i]);
		free(folder);
		free(name);
	}
	map_release(&by_folder);
	free(id);
	return ret;
}

/* One want a column and kind, however many fields come from it. */
static void make_wants(struct work *w)
{
	const struct reshape *r = w->r;
	enum dataset_format format = r->from->files[0].storage.format;
	size_t nr = 0;

	w->wants = xcalloc(r->fields->nr + 1, sizeof(*w->wants));
	w->want_of = xcalloc(r->fields->nr + 1, sizeof(*w->want_of));
	for (size_t i = 0; i < r->fields->nr; i++) {
		const struct field *f = &r->fields->v[i];
		enum dataset_kind kind = reshape_kind(f, format);
		size_t k = 0;

		strvec_push(&w->names, f->to);
		if (reshape_is_folder(r, f))
			continue;
		while (k < nr && !(strcmp(w->wants[k].column, f->column->name) == 0 &&
					 w->wants[k].kind == kind))
			k++;
		w->want_of[i] = k;
		if (k == nr) {
			const char *as = strvec_pushf(&w->want_names, "w%zu", k);

			w->wants[nr++] = (struct dataset_want){f->column->name, as, kind};
		}
	}
}

static int check_columns(const struct reshape *r, struct err *err)
{
	size_t nr = 0;

	for (size_t i = 0; i < r->fields->nr; i++)
		nr += !reshape_is_folder(r, &r->fields->v[i]);
	return nr ? 0
		  : err_set(err, ERR_INVALID,
			    "nothing is left to write: all columns of the mapping are folders");
}

/* --- one output --- */

static void add_copy(
	struct strbuf *sql, const struct work *w, const struct unit *u, const char *table)
{
	const struct reshape *r = w->r;
	static const char *const formats[] = {"csv, HEADER true", "json", "parquet"};
	const char delimiter[] = {r->delimiter, '\0'};

	strbuf_addstr(sql, "COPY (");
	reshape_add_query(sql, r, &w->names, w->want_of, table);
	strbuf_addstr(sql, ") TO ");
	duck_add_text(sql, u->path);
	strbuf_addf(sql, " (FORMAT %s, COMPRESSION %s", formats[r->format], r->compression);
	if (r->format == DATASET_CSV) {
		strbuf_addstr(sql, ", DELIMITER ");
		duck_add_text(sql, delimiter);
	}
	strbuf_addch(sql, ')');
}

static int write_unit(struct work *w, struct unit *u, size_t session, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	char *table = xasprintf("input%zu", (size_t)(u - w->units));
	int ret = job_check_interrupt(err);

	if (ret == 0) {
		u->reader = dataset_register(
			w->job, &u->part, w->sessions[session], table, w->wants, err);
		ret = u->reader ? 0 : -1;
	}
	if (ret == 0) {
		add_copy(&sql, w, u, table);
		ret = duck_exec(w->sessions[session], sql.buf, &u->rows, err);
		if (ret != 0 && err->code != ERR_INTERRUPTED)
			ret = reshape_error(w->r, u->reader, err);
	}
	strbuf_release(&sql);
	free(table);
	return ret;
}

static void write_one(void *item, size_t worker, void *payload)
{
	struct work *w = payload;
	struct unit *u = item;

	if (!atomic_load(&w->failed) && write_unit(w, u, worker, &u->err) != 0)
		atomic_store(&w->failed, true);
}

/* --- all of them --- */

static int open_sessions(struct work *w, struct err *err)
{
	struct strvec folders = STRVEC_INIT;
	int64_t bytes = 0;
	size_t wanted = w->nr < w->job->cpus ? w->nr : w->job->cpus;
	bool apart;

	for (size_t i = 0; i < w->r->from->nr_files; i++)
		bytes += w->r->from->files[i].size;
	apart = w->nr >= w->job->cpus || bytes < LITTLE_BYTES;
	if (!apart || bytes < LITTLE_BYTES)
		wanted = 1;
	dataset_folders(w->job, w->r->from, &folders);
	strvec_push(&folders, publish_dir(w->r->out));
	w->sessions = xcalloc(wanted, sizeof(*w->sessions));
	while (w->nr_sessions < wanted) {
		struct duck *d = apart ? duck_open_single(w->job, MEMORY_PERCENT / (int)wanted,
						 &folders, err)
				       : duck_open(w->job, MEMORY_PERCENT, &folders, err);

		if (!d)
			break;
		w->sessions[w->nr_sessions++] = d;
	}
	strvec_release(&folders);
	return w->nr_sessions == wanted ? 0 : -1;
}

static int write_all(struct work *w, struct reshape_counts *counts, struct err *err)
{
	void **items = xcalloc(w->nr + 1, sizeof(*items));
	int ret = 0;

	for (size_t i = 0; i < w->nr; i++)
		items[i] = &w->units[i];
	thrdpool_each(items, w->nr, w->nr_sessions, write_one, w);
	for (size_t i = 0; i < w->nr && ret == 0; i++) {
		counts->rows += w->units[i].rows;
		if (w->units[i].err.code) {
			err_move(err, &w->units[i].err);
			ret = -1;
		}
	}
	counts->files = w->nr;
	free(items);
	return ret;
}

static void work_release(struct work *w)
{
	for (size_t i = 0; i < w->nr_sessions; i++)
		duck_close(w->sessions[i]);
	for (size_t i = 0; i < w->nr; i++) {
		dataset_reader_free(w->units[i].reader);
		err_release(&w->units[i].err);
		free(w->units[i].part.files);
		free(w->units[i].path);
	}
	free(w->sessions);
	free(w->units);
	free(w->wants);
	free(w->want_of);
	strvec_release(&w->names);
	strvec_release(&w->want_names);
}

int reshape(
	struct job *job, const struct reshape *r, struct reshape_counts *counts, struct err *err)
{
	struct work w = {.job = job, .r = r};
	int ret = -1;

	strvec_init(&w.names);
	strvec_init(&w.want_names);
	*counts = (struct reshape_counts){0};
	if (!r->from->nr_files)
		return err_set(err, ERR_NOT_FOUND, "%s has no data", r->from->shown);
	if (check_columns(r, err) == 0 && make_units(&w, err) == 0) {
		make_wants(&w);
		if (open_sessions(&w, err) == 0)
			ret = write_all(&w, counts, err);
	}
	work_release(&w);
	return ret;
}
