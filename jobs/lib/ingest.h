#ifndef INGEST_H
#define INGEST_H

/*
 * One file of the incoming bucket as a partition of a table: read through the incoming table's columns, its values by udf.h's rules as
 * the destination table's columns are typed (bigint, double, date, timestamp; all else is text), in that table's order, as one
 * Parquet file. What the partition held before is replaced, whole or not at all.
 */
#include "job.h"
#include "json.h"
#include "strvec.h"

struct ingest_load {
	char *id, *key; /* key: NULL where the payload has none */
	char *source_table, *destination_table;
	char *source;      /* location of the object */
	char *destination; /* location of the folder; "s3a://" is "s3://" here */
	struct strvec partition_names, partition_values; /* of one length */
};
struct ingest_input {
	char *incoming, *springboard; /* databases of the catalog */
	struct ingest_load *loads;
	size_t nr;
};
#define INGEST_INPUT_INIT \
	{                 \
		0         \
	}
/* The job's payload: {GLUE_DATABASE_INCOMING, GLUE_DATABASE_SPRINGBOARD} and {loads: [{id, s3_key, source_table_name,
 * destination_table_name, source_s3_key, destination_path, partition_columns: [{name, value}]}]}. ERR_USAGE says what is no JSON, missing or
 * of another kind. */
int ingest_input_parse(
	const char *env, const char *input, struct ingest_input *out, struct err *err) must_check;
void ingest_input_release(struct ingest_input *in); /* NULL is fine */
void ingest_loads_release(struct ingest_input *in); /* the loads alone */

/* What small loads of one run share, one after another: opening DuckDB costs several times what they do. */
struct ingest_session {
	struct duck *duck;
	struct udf_session *udf;
	size_t loads; /* that it has had */
};
#define INGEST_SESSION_INIT   \
	{                     \
		NULL, NULL, 0 \
	}
void ingest_session_close(struct ingest_session *s);

struct ingest_options {
	bool no_partition; /* the catalog is not told of the partition */
	bool check_dfm;    /* a .dfm that is there must say what the incoming table does */
	struct ingest_session *session; /* NULL: each load has its own */
};
struct ingest_counts {
	int64_t rows;
	bool made_table, made_partition;
};
/* ERR_INVALID: the data, with file, row, column and value; ERR_NOT_FOUND: a table, or the object. A destination table that is missing is
 * made of the incoming table's columns: text for a table raw_…, else as the .dfm beside the object or the incoming table has them. */
int ingest_load_run(struct job *job, const struct ingest_input *in, const struct ingest_load *load,
	const struct ingest_options *opts, struct ingest_counts *counts,
	struct err *err) must_check;

/*
 * SQL of a view of the rows as they are now: the newest snapshot's, with the changes of <table>__ct of that snapshot, the last one of
 * each key (header__change_seq; oper I, U, D). For Athena, and for DuckDB. `keys`: the columns of the key; none: what the
 * catalog's table has as its parameter "primary_key". ERR_INVALID when the tables cannot make one. Appended.
 */
int ingest_view_sql(struct job *job, const char *database, const char *table,
	const struct strvec *keys, struct strbuf *sql, struct err *err) must_check;

#endif
