/* See warehouse.h. Rows go as COPY's binary form: "COPY", "File Formats" in PostgreSQL's manual. */
#include "warehouse.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "duckstream.h"
#include "joblog.h"
#include "pg.h"

#define MEMORY_PERCENT 50
#define COLUMNS 5
/* 1970-01-01 in days since 2000-01-01, where PostgreSQL begins. */
#define EPOCH_DAYS 10957
#define SEND_BYTES (256u << 10)

static const char copy_header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";

/* --- rows --- */

static void add_u16(struct strbuf *out, uint16_t n)
{
	n = htons(n);
	strbuf_add(out, &n, sizeof(n));
}

static void add_u32(struct strbuf *out, uint32_t n)
{
	n = htonl(n);
	strbuf_add(out, &n, sizeof(n));
}

static void add_double(struct strbuf *out, double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	add_u32(out, (uint32_t)(bits >> 32));
	add_u32(out, (uint32_t)bits);
}

struct column {
	void *data;
	uint64_t *validity;
	duckdb_type type;
};

static void add_field(struct strbuf *out, const struct column *c, idx_t row)
{
	uint32_t bits;

	if (c->validity && !duckdb_validity_row_is_valid(c->validity, row)) {
		add_u32(out, UINT32_MAX);
		return;
	}
	if (c->type == DUCKDB_TYPE_DOUBLE) {
		add_u32(out, 8);
		add_double(out, ((const double *)c->data)[row]);
		return;
	}
	/* INTEGER, FLOAT and DATE are 32 bits each. */
	memcpy(&bits, (const uint32_t *)c->data + row, sizeof(bits));
	add_u32(out, 4);
	add_u32(out, c->type == DUCKDB_TYPE_DATE ? bits - EPOCH_DAYS : bits);
}

static int send_chunk(struct pg *pg, struct duck_stream *s, duckdb_data_chunk chunk,
	struct strbuf *out, struct err *err)
{
	idx_t rows = duckdb_data_chunk_get_size(chunk);
	struct column columns[COLUMNS];
	int ret = 0;

	for (idx_t c = 0; c < COLUMNS; c++) {
		duckdb_vector v = duckdb_data_chunk_get_vector(chunk, c);

		columns[c] = (struct column){duckdb_vector_get_data(v),
			duckdb_vector_get_validity(v), duck_stream_type(s, c)};
	}
	for (idx_t row = 0; row < rows && ret == 0; row++) {
		add_u16(out, COLUMNS);
		for (size_t c = 0; c < COLUMNS; c++)
			add_field(out, &columns[c], row);
		if (out->len < SEND_BYTES)
			continue;
		ret = pg_copy_write(pg, out->buf, out->len, err);
		strbuf_clear(out);
	}
	return ret;
}

static int send_rows(struct pg *pg, struct duck_stream *s, int64_t *rows, struct err *err)
{
	struct strbuf out = STRBUF_INIT;
	duckdb_data_chunk chunk;
	int got, ret = -1;

	strbuf_add(&out, copy_header, sizeof(copy_header) - 1);
	while ((got = duck_stream_next(s, &chunk, err)) > 0)
		if (send_chunk(pg, s, chunk, &out, err) != 0)
			goto out;
	add_u16(&out, UINT16_MAX);
	if (got == 0 && pg_copy_write(pg, out.buf, out.len, err) == 0)
		ret = pg_copy_end(pg, rows, err);
out:
	strbuf_release(&out);
	return ret;
}

/* --- gold --- */

static struct duck_stream *open_gold(struct job *job, const struct place *gold, const char *ticker,
	struct duck **d, struct err *err)
{
	struct strvec paths = STRVEC_INIT, folders = STRVEC_INIT;
	struct strbuf sql = STRBUF_INIT;
	struct duck_stream *s = NULL;

	if (place_parquet_files(job, gold, ticker, &paths, err) != 0) {
		if (err->code == ERR_NOT_FOUND)
			err_hint(err, "silver2gold writes them");
		goto out;
	}
	if (!gold->bucket)
		strvec_pushf(&folders, "%s%s", gold->shown, ticker);
	strbuf_addstr(&sql,
		"SELECT CAST(\"Date\" AS DATE), CAST(\"Price\" AS FLOAT), CAST(g_trend AS "
		"INTEGER), CAST(\"PriceMA\" AS DOUBLE), CAST(\"TrendMA\" AS DOUBLE) FROM "
		"read_parquet(");
	duck_add_list(&sql, &paths);
	strbuf_addstr(&sql, ", hive_partitioning = false) ORDER BY 1");
	*d = duck_open(job, MEMORY_PERCENT, &folders, err);
	if (*d)
		s = duck_stream_open(*d, sql.buf, err);
	if (*d && !s)
		err_wrap(err, "'%s%s/'", gold->shown, ticker);
out:
	strbuf_release(&sql);
	strvec_release(&paths);
	strvec_release(&folders);
	return s;
}

/* --- the transaction --- */

static void add_table(
	struct pg *pg, struct strbuf *sql, const struct warehouse_table *t, const char *name)
{
	pg_add_name(pg, sql, t->schema);
	strbuf_addch(sql, '.');
	pg_add_name(pg, sql, name);
}

static int set_lock_timeout(struct pg *pg, int seconds, struct err *err)
{
	char *sql = xasprintf("SET LOCAL lock_timeout = '%ds'", seconds);
	int ret = pg_exec(pg, sql, err);

	free(sql);
	return ret;
}

/* Runs that make one thing (a schema, or "schema.table") come one after the other, also where there is nothing yet to lock. */
static int take_turn(struct pg *pg, const char *thing, struct err *err)
{
	char *name = xasprintf("glueproj %s", thing), *sql;
	unsigned char hash[SHA256_BYTES];
	int64_t key;
	int ret;

	digest_sha256(name, strlen(name), hash);
	memcpy(&key, hash, sizeof(key));
	sql = xasprintf("SELECT pg_advisory_xact_lock(%lld::bigint)", (long long)(key >> 1));
	ret = pg_exec(pg, sql, err);
	free(sql);
	free(name);
	return ret;
}

static int need_schema(struct pg *pg, const struct warehouse_table *t, struct err *err)
{
	const char *const parameters[] = {t->schema};
	struct strbuf sql = STRBUF_INIT;
	struct pg_rows rows = PG_ROWS_INIT;
	bool there;
	int ret = pg_query(
		pg, "SELECT 1 FROM pg_namespace WHERE nspname = $1", parameters, 1, &rows, err);

	there = rows.nr_rows > 0;
	pg_rows_release(&rows);
	if (ret != 0 || there)
		return ret;
	if (!t->create_schema) {
		err_set(err, ERR_NOT_FOUND, "%s: there is no schema '%s'", pg_shown(pg), t->schema);
		return err_hint(err, "make it, or give --CREATE_SCHEMA Y");
	}
	/* Two sessions at once both find nothing, and one of them would fail: IF NOT EXISTS does not wait. */
	strbuf_addstr(&sql, "CREATE SCHEMA IF NOT EXISTS ");
	pg_add_name(pg, &sql, t->schema);
	ret = pg_begin(pg, err);
	if (ret == 0) {
		ret = take_turn(pg, t->schema, err) || pg_exec(pg, sql.buf, err)
			      ? -1
			      : pg_commit(pg, err);
		if (ret != 0)
			pg_rollback(pg);
	}
	strbuf_release(&sql);
	return ret;
}

static int copy_in(struct pg *pg, const struct warehouse_table *t, struct duck_stream *s,
	int64_t *rows, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	int ret;

	strbuf_addstr(&sql, "CREATE TABLE ");
	add_table(pg, &sql, t, t->staging);
	strbuf_addf(&sql, " (%s)", warehouse_columns);
	ret = pg_exec(pg, sql.buf, err);
	strbuf_clear(&sql);
	strbuf_addstr(&sql, "COPY ");
	add_table(pg, &sql, t, t->staging);
	strbuf_addstr(&sql, " FROM STDIN (FORMAT binary)");
	if (ret == 0)
		ret = pg_copy_begin(pg, sql.buf, err);
	if (ret == 0)
		ret = send_rows(pg, s, rows, err);
	strbuf_release(&sql);
	return ret;
}

static int explain_swap(const struct warehouse_table *t, struct err *err)
{
	if (pg_is_state(err, "55P03"))
		err_hint(err,
			"somebody holds '%s.%s': end that session, or give a longer "
			"--LOCK_TIMEOUT",
			t->schema, t->name);
	return err_wrap(err, "replace '%s.%s'", t->schema, t->name);
}

static int swap(struct pg *pg, const struct warehouse_table *t, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	char *thing = xasprintf("%s.%s", t->schema, t->name);
	int ret = take_turn(pg, thing, err);

	free(thing);
	strbuf_addstr(&sql, "DROP TABLE IF EXISTS ");
	add_table(pg, &sql, t, t->name);
	if (ret == 0)
		ret = pg_exec(pg, sql.buf, err);
	strbuf_clear(&sql);
	strbuf_addstr(&sql, "ALTER TABLE ");
	add_table(pg, &sql, t, t->staging);
	strbuf_addstr(&sql, " RENAME TO ");
	pg_add_name(pg, &sql, t->name);
	if (ret == 0)
		ret = pg_exec(pg, sql.buf, err);
	strbuf_release(&sql);
	return ret == 0 ? 0 : explain_swap(t, err);
}

static int in_transaction(struct pg *pg, const struct warehouse_table *t, struct duck_stream *s,
	int lock_timeout_s, int64_t *rows, struct err *err)
{
	if (need_schema(pg, t, err) != 0 || pg_begin(pg, err) != 0)
		return -1;
	if (set_lock_timeout(pg, lock_timeout_s, err) == 0 && copy_in(pg, t, s, rows, err) == 0 &&
		swap(pg, t, err) == 0)
		return pg_commit(pg, err);
	pg_rollback(pg);
	return -1;
}

int warehouse_load_postgres(struct job *job, struct pg *pg, const struct warehouse_table *t,
	const struct place *gold, const char *ticker, int lock_timeout_s, int64_t *rows,
	struct err *err)
{
	struct duck *d = NULL;
	struct duck_stream *s = open_gold(job, gold, ticker, &d, err);
	int ret = s ? in_transaction(pg, t, s, lock_timeout_s, rows, err) : -1;

	duck_stream_close(s);
	duck_close(d);
	return ret;
}
