#include "local_sqlcompile.h"

/* Uses of catalog tables: their columns with Trino's types. */

static void scan_columns(struct sqlc *c, struct sqlplan_scan *scan)
{
	const struct json *lists[] = {json_path(scan->doc, "StorageDescriptor.Columns"),
		json_get(scan->doc, "PartitionKeys")};
	struct json *col;
	size_t n = 0;

	scan->nr_partition_keys = json_len(lists[1]);
	scan->columns = arena_alloc(c->arena,
		(json_len(lists[0]) + scan->nr_partition_keys + 1) * sizeof(*scan->columns));
	for (int i = 0; i < 2; i++)
		json_each(col, lists[i])
		{
			const char *name = json_get_str(col, "Name");
			scan->columns[n++].name = sqlc_lower(c, name ? name : "");
		}
	scan->nr_columns = n;
}

static int scan_types(struct sqlc *c, const struct json *node, struct sqlplan_scan *scan)
{
	const struct json *lists[] = {json_path(scan->doc, "StorageDescriptor.Columns"),
		json_get(scan->doc, "PartitionKeys")};
	struct err bad = ERR_INIT;
	struct json *col;
	size_t n = 0;

	for (int i = 0; i < 2; i++)
		json_each(col, lists[i])
		{
			const char *type = json_get_str(col, "Type");
			if (sqltype_from_hive(c->arena, type ? type : "string",
				    &scan->columns[n].type, &bad)) {
				err_release(&bad);
				return sqlc_error(c, node, "HIVE_INVALID_METADATA",
					"Table '%s.%s' column '%s' has type '%s'", scan->database,
					scan->table, scan->columns[n].name, type);
			}
			for (size_t k = 0; k < n; k++)
				if (!strcmp(scan->columns[k].name, scan->columns[n].name))
					return sqlc_error(c, node, "HIVE_INVALID_METADATA",
						"Hive metadata for table %s is invalid: Table "
						"descriptor contains "
						"duplicate columns",
						scan->table);
			n++;
		}
	return 0;
}

int sqlc_open_table(struct sqlc *c, const struct json *node, const char *database,
	const char *table, struct sqlplan_scan **out, struct sqlquery *view)
{
	struct sqlplan_scan *scan = arena_alloc(c->arena, sizeof(*scan));
	struct json *doc = NULL;
	const char *type;

	*out = NULL;
	if (c->env->table(c->env->payload, database, table, &doc, c->err)) {
		if (c->err->code != ERR_NOT_FOUND)
			return -1;
		return sqlc_error(c, node, "TABLE_NOT_FOUND",
			"Table 'awsdatacatalog.%s.%s' does not exist", database, table);
	}
	type = json_get_str(doc, "TableType");
	if (type && !strcmp(type, "VIRTUAL_VIEW")) {
		json_push(c->plan->kept, doc);
		return sqlc_open_view(c, node, database, table, doc, view);
	}
	strvec_init(&scan->prune);
	scan->database = database;
	scan->table = table;
	scan->doc = doc;
	ALLOC_GROW(c->plan->scans, c->plan->nr_scans, c->plan->alloc_scans);
	c->plan->scans[c->plan->nr_scans++] = scan;
	scan_columns(c, scan);
	*out = scan;
	return scan_types(c, node, scan);
}
