#include "transit_db.h"

#include <stdlib.h>
#include <string.h>

struct pg *transit_db_connect(struct job *job, struct err *err)
{
	struct pg *pg = pg_connect_job(job, err);

	if (pg && pg_exec(pg, "SET TIME ZONE 'UTC'", err) != 0) {
		pg_close(pg);
		return NULL;
	}
	return pg;
}

static int behind(const struct pg *pg, const char *has, struct err *err)
{
	if (has)
		err_set(err, ERR_CONFLICT,
			"%s: the database is behind on migrations: it is at %s, %d is wanted",
			pg_shown(pg), has, TRANSIT_SCHEMA_VERSION);
	else
		err_set(err, ERR_CONFLICT,
			"%s: the database is behind on migrations: it has none, %d is wanted",
			pg_shown(pg), TRANSIT_SCHEMA_VERSION);
	return err_hint(err, "run the job migrate with --ACTION up");
}

static int check_version(struct pg *pg, struct err *err)
{
	struct err why = ERR_INIT;
	struct pg_rows rows = PG_ROWS_INIT;
	long long version = 0;
	int ret = pg_query(pg, "SELECT max(version) FROM schema_migrations", NULL, 0, &rows, &why);

	if (ret != 0 && pg_is_state(&why, "42P01")) {
		ret = behind(pg, NULL, err);
	} else if (ret != 0) {
		err_move(err, &why);
	} else if (!rows.nr_rows || !rows.v[0]) {
		ret = behind(pg, NULL, err);
	} else if (parse_int64(rows.v[0], 0, INT64_MAX, &version) != 0 ||
		   version < TRANSIT_SCHEMA_VERSION) {
		ret = behind(pg, rows.v[0], err);
	}
	pg_rows_release(&rows);
	err_release(&why);
	return ret;
}

struct pg *transit_db_open(struct job *job, struct err *err)
{
	struct pg *pg = transit_db_connect(job, err);

	if (pg && check_version(pg, err) != 0) {
		pg_close(pg);
		return NULL;
	}
	return pg;
}

void transit_add_id(struct strbuf *ids, const char *id)
{
	if (ids->len)
		strbuf_remove(ids, ids->len - 1, 1);
	strbuf_addf(ids, "%c%s}", ids->len ? ',' : '{', id);
}
