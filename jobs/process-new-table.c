/*
 * process-new-table: what a table needs that a crawl found in the incoming place: its rows in the database, the springboard's tables in the
 * catalog, and the arguments of the first run of the job `ingest`. A dry run, which prints them, unless --APPLY Y makes rows and tables;
 * what is there already stays as it is. Runs are process-ingestion's to start.
 */
#include <stdlib.h>
#include <string.h>
#include "catalog.h"
#include "fs.h"
#include "ingest_internal.h"
#include "joblog.h"
#include "ops.h"
#include "placelist.h"
#include "transit_job.h"
#include "transit_keys.h"

#define ODS_FOLDER "cubic/ods_qlik/"
#define CHANGES INGEST_CHANGES
#define SNAPSHOT_NAME "LOAD00000001.csv.gz"

static const struct job_arg args[] = {
	{"TABLE", "the table, as the crawl named it (without __ct)", JOB_REQUIRED},
	{"INCOMING", "bucket that was crawled", JOB_REQUIRED},
	{"SPRINGBOARD", "bucket that the files are ingested into", JOB_REQUIRED},
	{"INCOMING_DATABASE", "the crawled tables' database", JOB_REQUIRED},
	{"SPRINGBOARD_DATABASE", "the ingested tables' database", JOB_REQUIRED},
	{"PREFIX", "stands before every key, and in none of the database", JOB_OPTIONAL},
	{"RAW", "N: typed columns at once, instead of raw_<table> with text alone (default: Y)",
		JOB_OPTIONAL},
	{"APPLY", "Y: makes the rows and the tables (default: N, which only prints them)",
		JOB_OPTIONAL},
	PG_JOB_ARGS,
	{0},
};

/* The table itself, or that of its changes. */
struct side {
	bool there;
	struct json *input;       /* TableInput of the springboard's */
	struct ingest_load first; /* its first file; first.key NULL: none yet */
};

struct newtable {
	struct job *job;
	const char *name, *prefix, *incoming_database, *springboard_database;
	struct place incoming, springboard;
	bool raw, apply, ods;
	char *s3_prefix;     /* "cubic/ods_qlik/EDW.T/" */
	char *snapshot_key;  /* NULL: not of ODS */
	int64_t snapshot_ms; /* -1: not here yet */
	struct side sides[2];
};

/* --- what the crawl found --- */

/* The key's part of a table's location that the database knows. Malloc'd. */
static char *prefix_of(const struct newtable *t, const struct json *table, struct err *err)
{
	const char *location = json_get_str(json_get(table, "StorageDescriptor"), "Location");
	char *root = place_locate(&t->incoming, t->prefix), *found = NULL;

	if (location && starts_with(location, root) && location[strlen(root)])
		found = xasprintf(
			"%s%s", location + strlen(root), ends_with(location, "/") ? "" : "/");
	else
		err_set(err, ERR_INVALID, "table '%s.%s' lies at '%s', which is not below '%s'",
			t->incoming_database, t->name, location ? location : "", root);
	free(root);
	return found;
}

/* The first of a sorted list that is a file of data; of ODS' own folder the snapshot. */
static const struct s3_object *first_file(const struct s3_objects *list, bool snapshot)
{
	for (size_t i = 0; i < list->nr; i++) {
		const char *name = fs_basename(list->v[i].key);

		if (ends_with(name, ".csv.gz") && list->v[i].size > 0 &&
			(!snapshot || starts_with(name, "LOAD")))
			return &list->v[i];
	}
	return NULL;
}

static void add_partition(struct ingest_load *l, const char *name, char *value)
{
	strvec_push(&l->partition_names, name);
	strvec_push_take(&l->partition_values, value);
}

/* As E.7's payload has it; also with no file, for the names of its partitions. */
static void describe_first(struct newtable *t, struct side *s, const char *folder, const char *key)
{
	struct ingest_load *l = &s->first;
	char *example = xasprintf("%s" SNAPSHOT_NAME, folder);
	const char *any = key ? key : example;
	char *dir = transit_folder(any), *name = xasprintf("%s%s", t->prefix, any);
	char *below = xasprintf("%s%s%s/", t->prefix, t->raw ? "raw/" : "", dir);

	l->key = xstrdup(key);
	l->source_table = transit_source_table(t->name, any);
	l->destination_table = transit_destination_table(t->name, any, t->raw);
	l->source = place_locate(&t->incoming, name);
	l->destination = place_locate(&t->springboard, below);
	if (t->ods)
		add_partition(l, "snapshot",
			t->snapshot_ms >= 0 ? transit_stamp(t->snapshot_ms / 1000) : xstrdup(""));
	add_partition(l, "identifier", xstrdup(fs_basename(any)));
	free(example);
	free(dir);
	free(name);
	free(below);
}

/* Columns of the crawled table; those that it is partitioned by are no data. Strings are the table's. */
static void borrow_columns(const struct json *table, struct dataset *d)
{
	const struct json *list = json_get(json_get(table, "StorageDescriptor"), "Columns");
	struct json *c;

	d->columns = xcalloc(json_len(list) + 1, sizeof(*d->columns));
	json_each(c, list)
	{
		const char *name = json_get_str(c, "Name"), *type = json_get_str(c, "Type");

		if (name)
			d->columns[d->nr_columns++] = (struct dataset_column){
				.name = (char *)name, .type = (char *)(type ? type : "string")};
	}
}

static int read_side(struct newtable *t, bool changes, const struct json *table, struct err *err)
{
	struct side *s = &t->sides[changes];
	struct s3_objects list = S3_OBJECTS_INIT;
	struct dataset columns = DATASET_INIT;
	const struct s3_object *first;
	char *folder, *prefixed;
	int ret;

	folder =
		changes ? xasprintf("%.*s" CHANGES "/", (int)strlen(t->s3_prefix) - 1, t->s3_prefix)
			: xstrdup(t->s3_prefix);
	prefixed = xasprintf("%s%s", t->prefix, folder);
	ret = place_list(t->job, &t->incoming, prefixed, false, &list, err);
	if (ret == 0) {
		first = first_file(&list, t->ods && !changes);
		if (t->ods && !changes) {
			t->snapshot_ms = first ? first->modified_ms : -1;
			t->snapshot_key = first ? xstrdup(first->key + strlen(t->prefix))
						: xasprintf("%s" SNAPSHOT_NAME, folder);
		}
		describe_first(t, s, folder, first ? first->key + strlen(t->prefix) : NULL);
		borrow_columns(table, &columns);
		s->input = ingest_table_input(t->job, &s->first, &columns);
		s->there = true;
	}
	free(columns.columns);
	s3_objects_release(&list);
	free(folder);
	free(prefixed);
	return ret;
}

static int read_table(struct newtable *t, struct err *err)
{
	char *changes = xasprintf("%s" CHANGES, t->name);
	struct aws_client *aws = job_aws(t->job, err);
	struct json *table = NULL, *other = NULL;
	struct err why = ERR_INIT;
	int ret = -1;

	if (!aws)
		goto out;
	if (catalog_table(aws, t->incoming_database, t->name, &table, err) != 0) {
		err_wrap(err, "table not found: %s", t->name);
		goto out;
	}
	t->s3_prefix = prefix_of(t, table, err);
	if (!t->s3_prefix)
		goto out;
	t->ods = starts_with(t->s3_prefix, ODS_FOLDER);
	ret = read_side(t, false, table, err);
	if (ret == 0 && t->ods) {
		if (catalog_table(aws, t->incoming_database, changes, &other, &why) == 0)
			ret = read_side(t, true, other, err);
		else if (why.code != ERR_NOT_FOUND) {
			err_move(err, &why);
			ret = -1;
		}
	}
out:
	err_release(&why);
	json_free(table);
	json_free(other);
	free(changes);
	return ret;
}

/* --- what is printed --- */

static void add_literal(struct strbuf *sql, const char *text)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, text);
	strbuf_replace(&sb, "'", "''");
	strbuf_addf(sql, "'%s'", sb.buf);
	strbuf_release(&sb);
}

static void add_migration(const struct newtable *t, struct strbuf *out)
{
	strbuf_addf(out, "-- %s, as a migration: NNNN_add_table.sql\n\n-- up\n", t->name);
	strbuf_addstr(out, "WITH added AS (\n\tINSERT INTO cubic_tables (name, s3_prefix, is_raw, "
			   "is_active)\n\tVALUES (");
	add_literal(out, t->name);
	strbuf_addstr(out, ", ");
	add_literal(out, t->s3_prefix);
	strbuf_addf(out, ", %s, true) RETURNING id\n)\n", t->raw ? "true" : "false");
	if (t->snapshot_key) {
		strbuf_addstr(out, "INSERT INTO cubic_ods_table_snapshots (table_id, "
				   "snapshot_s3_key) SELECT id, ");
		add_literal(out, t->snapshot_key);
		strbuf_addstr(out, " FROM added;\n");
	} else {
		strbuf_addstr(out, "SELECT id FROM added;\n");
	}
	strbuf_addstr(out, "\n-- down\n");
	if (t->snapshot_key) {
		strbuf_addstr(out, "DELETE FROM cubic_ods_table_snapshots WHERE table_id IN "
				   "(SELECT id FROM cubic_tables WHERE name = ");
		add_literal(out, t->name);
		strbuf_addstr(out, ");\n");
	}
	strbuf_addstr(out, "DELETE FROM cubic_tables WHERE name = ");
	add_literal(out, t->name);
	strbuf_addstr(out, ";\n");
}

/* YAML in block style; scalars as JSON has them, which YAML reads the same. */
static void add_yaml(const struct json *v, int indent, struct strbuf *out)
{
	struct json *e;

	json_each(e, v)
	{
		bool nested = json_len(e) > 0;

		strbuf_addchars(out, ' ', (size_t)indent);
		if (json_is(v, JSON_ARRAY)) {
			strbuf_addstr(out, "- ");
			nested = false;
		} else {
			strbuf_addf(out, "%s:%s", json_name(e), nested ? "\n" : " ");
		}
		if (nested) {
			add_yaml(e, indent + 2, out);
			continue;
		}
		json_print(e, out);
		strbuf_addch(out, '\n');
	}
}

/* A logical id is letters and digits. */
static void add_logical_id(const char *name, struct strbuf *out)
{
	bool upper = true;

	for (const char *c = name; *c; c++) {
		char letter[2] = {*c, '\0'};
		bool lower = *c >= 'a' && *c <= 'z';

		if (lower || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9'))
			strbuf_addch(out, upper && lower ? (char)(letter[0] - 'a' + 'A') : *c);
		upper = *c == '_' || *c == '-';
	}
	strbuf_addstr(out, "Table");
}

static void add_template(const struct newtable *t, struct strbuf *out)
{
	strbuf_addstr(out, "AWSTemplateFormatVersion: \"2010-09-09\"\nResources:\n");
	for (size_t i = 0; i < ARRAY_SIZE(t->sides); i++) {
		struct json *properties, *database;

		if (!t->sides[i].there)
			continue;
		properties = json_object();
		database = json_string(t->springboard_database);
		strbuf_addstr(out, "  ");
		add_logical_id(t->sides[i].first.destination_table, out);
		strbuf_addstr(out, ":\n    Type: AWS::Glue::Table\n    Properties:\n      "
				   "CatalogId: !Ref AWS::AccountId\n");
		json_set(properties, "DatabaseName", database);
		json_set(properties, "TableInput", json_copy(t->sides[i].input));
		add_yaml(properties, 6, out);
		json_free(properties);
	}
}

static struct json *first_load(const struct ingest_load *l, int64_t id)
{
	struct json *one = json_object(), *partitions = json_array();
	char *s3a;

	s3a = starts_with(l->destination, "s3://") ? xasprintf("s3a://%s", l->destination + 5)
						   : xstrdup(l->destination);
	if (ends_with(s3a, "/"))
		s3a[strlen(s3a) - 1] = '\0';
	json_set_i64(one, "id", id);
	json_set_str(one, "s3_key", l->key);
	json_set_str(one, "source_table_name", l->source_table);
	json_set_str(one, "destination_table_name", l->destination_table);
	json_set_str(one, "source_s3_key", l->source);
	json_set_str(one, "destination_path", s3a);
	for (size_t i = 0; i < l->partition_names.nr; i++) {
		struct json *p = json_object();

		json_set_str(p, "name", l->partition_names.v[i]);
		json_set_str(p, "value", l->partition_values.v[i]);
		json_push(partitions, p);
	}
	json_set(one, "partition_columns", partitions);
	free(s3a);
	return one;
}

static void set_text(struct json *o, const char *name, struct json *value)
{
	struct strbuf sb = STRBUF_INIT;

	json_print(value, &sb);
	json_set_str(o, name, sb.buf);
	json_free(value);
	strbuf_release(&sb);
}

/* Glue's Arguments: the table's first file, of ODS the snapshot. */
static void add_first_run(const struct newtable *t, struct strbuf *out)
{
	struct json *arguments = json_object(), *env = json_object(), *input = json_object();
	struct json *loads = json_array();

	json_push(loads, first_load(&t->sides[0].first, 1));
	json_set(input, "loads", loads);
	json_set_str(env, "GLUE_DATABASE_INCOMING", t->incoming_database);
	json_set_str(env, "GLUE_DATABASE_SPRINGBOARD", t->springboard_database);
	set_text(arguments, "--ENV", env);
	set_text(arguments, "--INPUT", input);
	json_print_pretty(arguments, out);
	strbuf_addch(out, '\n');
	json_free(arguments);
}

static void print_all(const struct newtable *t)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_addstr(&out, "### migration\n");
	add_migration(t, &out);
	strbuf_addstr(&out, "\n### template of the catalog's tables\n");
	add_template(t, &out);
	strbuf_addstr(&out, "\n### arguments of the first run of ingest\n");
	if (t->sides[0].first.key)
		add_first_run(t, &out);
	else
		strbuf_addf(&out, "(none yet: '%s%s%s' holds no file)\n", t->incoming.shown,
			t->prefix, t->s3_prefix);
	fputs(out.buf, stdout);
	fflush(stdout);
	strbuf_release(&out);
}

/* --- what is made --- */

static int add_rows(struct newtable *t, struct pg *pg, struct err *err)
{
	const char *row[] = {t->name, t->s3_prefix, t->raw ? "true" : "false"};
	struct pg_rows rows = PG_ROWS_INIT;
	int ret = pg_begin(pg, err);

	if (ret != 0)
		return ret;
	ret = pg_query(pg,
		"INSERT INTO cubic_tables (name, s3_prefix, is_raw, is_active) VALUES ($1, $2, $3, "
		"true) ON CONFLICT (name) DO NOTHING RETURNING id",
		row, ARRAY_SIZE(row), &rows, err);
	if (ret == 0 && rows.nr_rows && t->snapshot_key) {
		const char *snapshot[] = {rows.v[0], t->snapshot_key};

		ret = pg_query(pg,
			"INSERT INTO cubic_ods_table_snapshots (table_id, snapshot_s3_key) VALUES "
			"($1, $2)",
			snapshot, ARRAY_SIZE(snapshot), NULL, err);
	}
	if (ret == 0)
		ret = pg_commit(pg, err);
	else
		pg_rollback(pg);
	if (ret == 0)
		job_log(JOB_INFO, "row", "table=%s state=%s", t->name,
			rows.nr_rows ? "made" : "there");
	else
		err_wrap(err, "the row of '%s'", t->name);
	pg_rows_release(&rows);
	return ret;
}

static int add_table(struct newtable *t, const struct side *s, struct err *err)
{
	struct aws_client *aws = job_aws(t->job, err);
	struct json *request = json_object();
	struct err why = ERR_INIT;
	int ret = -1;

	json_set_str(request, "DatabaseName", t->springboard_database);
	json_set(request, "TableInput", json_copy(s->input));
	if (aws)
		ret = aws_call(aws, &glue_create_table, request, NULL, &why);
	if (aws && (ret == 0 || err_is_aws(&why, "AlreadyExistsException"))) {
		job_log(JOB_INFO, "table", "name=%s.%s state=%s", t->springboard_database,
			s->first.destination_table, ret == 0 ? "made" : "there");
		ret = 0;
	} else if (aws) {
		err_move(err, &why);
		err_wrap(err, "table '%s.%s'", t->springboard_database, s->first.destination_table);
	}
	err_release(&why);
	json_free(request);
	return ret;
}

/* Tables first: a row without them would be ingested into what ingest makes itself. */
static int apply(struct newtable *t, struct pg *pg, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(t->sides) && ret == 0; i++)
		if (t->sides[i].there)
			ret = add_table(t, &t->sides[i], err);
	return ret == 0 ? add_rows(t, pg, err) : ret;
}

/* --- the run --- */

static void release(struct newtable *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->sides); i++) {
		struct ingest_load *l = &t->sides[i].first;

		free(l->id);
		free(l->key);
		free(l->source_table);
		free(l->destination_table);
		free(l->source);
		free(l->destination);
		strvec_release(&l->partition_names);
		strvec_release(&l->partition_values);
		json_free(t->sides[i].input);
	}
	place_release(&t->incoming);
	place_release(&t->springboard);
	free(t->s3_prefix);
	free(t->snapshot_key);
}

static int read_arguments(struct newtable *t, struct err *err)
{
	const struct job_args *a = &t->job->args;

	t->name = job_args_get(a, "TABLE");
	t->prefix = job_args_get(a, "PREFIX");
	t->prefix = t->prefix ? t->prefix : "";
	t->incoming_database = job_args_get(a, "INCOMING_DATABASE");
	t->springboard_database = job_args_get(a, "SPRINGBOARD_DATABASE");
	t->snapshot_ms = -1;
	if (ends_with(t->name, CHANGES))
		return err_set(err, ERR_USAGE,
			"--TABLE '%s': the table itself is wanted, its changes come with it",
			t->name);
	if (transit_yes(t->job, "RAW", true, &t->raw, err) != 0 ||
		transit_yes(t->job, "APPLY", false, &t->apply, err) != 0 ||
		place_parse(job_args_get(a, "INCOMING"), "--INCOMING", &t->incoming, err) != 0)
		return -1;
	return place_parse(job_args_get(a, "SPRINGBOARD"), "--SPRINGBOARD", &t->springboard, err);
}

static int run(struct job *job, struct err *err)
{
	struct newtable t = {.job = job};
	struct pg *pg = NULL;
	int ret = -1;

	for (size_t i = 0; i < ARRAY_SIZE(t.sides); i++) {
		strvec_init(&t.sides[i].first.partition_names);
		strvec_init(&t.sides[i].first.partition_values);
	}
	if (read_arguments(&t, err) != 0)
		goto out;
	if (t.apply && !(pg = transit_db_open(job, err)))
		goto out;
	ret = read_table(&t, err);
	if (ret == 0)
		print_all(&t);
	if (ret == 0 && t.apply)
		ret = apply(&t, pg, err);
out:
	pg_close(pg);
	release(&t);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"process-new-table", args, run};

	return job_main(&program, argc, argv);
}
