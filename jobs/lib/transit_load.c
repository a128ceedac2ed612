#include "transit_load.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS 9

void transit_loads_release(struct transit_loads *l)
{
	free(l->v);
	pg_rows_release(&l->rows);
	*l = (struct transit_loads)TRANSIT_LOADS_INIT;
}

int transit_loads_read(struct pg *pg, const char *ids, struct transit_loads *out, struct err *err)
{
	static const char sql[] =
		"SELECT l.id, l.s3_key, t.name, l.s3_size, extract(epoch FROM "
		"l.s3_modified)::bigint, extract(epoch FROM ls.snapshot)::bigint, l.is_raw, "
		"EXISTS (SELECT 1 FROM cubic_ods_table_snapshots WHERE table_id = t.id AND "
		"deleted_at IS NULL), l.status FROM cubic_loads l JOIN cubic_tables t ON t.id = "
		"l.table_id LEFT JOIN LATERAL (SELECT snapshot FROM cubic_ods_load_snapshots WHERE "
		"load_id = l.id AND deleted_at IS NULL ORDER BY id DESC LIMIT 1) ls ON true WHERE "
		"l.id = ANY ($1::bigint[]) AND l.deleted_at IS NULL ORDER BY l.s3_modified, "
		"l.s3_key, l.id";

	*out = (struct transit_loads)TRANSIT_LOADS_INIT;
	if (!*ids)
		return 0;
	if (pg_query(pg, sql, &ids, 1, &out->rows, err) != 0)
		return -1;
	out->nr = out->rows.nr_rows;
	out->v = xcalloc(out->nr + 1, sizeof(*out->v));
	for (size_t i = 0; i < out->nr; i++) {
		char **row = &out->rows.v[i * COLUMNS];
		int status = transit_status_parse(row[8]);

		if (status < 0)
			return err_set(
				err, ERR_INVALID, "load %s has a status '%s'", row[0], row[8]);
		out->v[i] = (struct transit_load){.id = row[0],
			.key = row[1],
			.table = row[2],
			.size = transit_value(row[3], 0),
			.modified = transit_value(row[4], 0),
			.snapshot = transit_value(row[5], -1),
			.raw = row[6] && *row[6] == 't',
			.ods = *row[7] == 't',
			.status = (enum transit_status)status};
	}
	return 0;
}
