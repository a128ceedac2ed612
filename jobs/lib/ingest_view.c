/* The view of current rows. */
#include <stdlib.h>
#include <string.h>
#include "catalog.h"
#include "duck.h"
#include "ingest_internal.h"

#define SEQUENCE "header__change_seq"
#define OPERATION "header__change_oper"

struct view {
	const char *database;
	char *name, *changes; /* of the tables */
	struct json *table, *change_table;
	struct strvec columns, keys;
	bool snapshots, identified; /* the tables are partitioned by snapshot, identifier */
};

static bool has_column(const struct json *table, const char *list, const char *name)
{
	struct json *c;

	json_each(c, json_path(table, list))
	{
		const char *own = json_get_str(c, "Name");

		if (own && iequals(own, name))
			return true;
	}
	return false;
}

static int take_columns(struct view *v, struct err *err)
{
	struct json *c;

	json_each(c, json_path(v->table, "StorageDescriptor.Columns"))
	{
		const char *name = json_get_str(c, "Name");

		if (!name)
			continue;
		if (!has_column(v->change_table, "StorageDescriptor.Columns", name))
			return err_set(err, ERR_INVALID, "table '%s.%s' has no column '%s'",
				v->database, v->changes, name);
		strvec_push(&v->columns, name);
	}
	if (!has_column(v->change_table, "StorageDescriptor.Columns", SEQUENCE) ||
		!has_column(v->change_table, "StorageDescriptor.Columns", OPERATION))
		return err_set(err, ERR_INVALID,
			"table '%s.%s' tells of no changes: '" SEQUENCE "' and '" OPERATION
			"' are wanted",
			v->database, v->changes);
	v->snapshots = has_column(v->table, "PartitionKeys", "snapshot") &&
		       has_column(v->change_table, "PartitionKeys", "snapshot");
	v->identified = has_column(v->table, "PartitionKeys", "identifier") &&
			has_column(v->change_table, "PartitionKeys", "identifier");
	return 0;
}

static int take_keys(struct view *v, const struct strvec *wanted, struct err *err)
{
	const char *own = json_str(json_path(v->table, "Parameters." INGEST_KEY_PARAMETER));

	for (size_t i = 0; i < wanted->nr; i++)
		strvec_push(&v->keys, wanted->v[i]);
	if (!v->keys.nr && own)
		strvec_split(&v->keys, own, ',');
	if (!v->keys.nr) {
		err_set(err, ERR_INVALID, "table '%s.%s' does not say what its key is", v->database,
			v->name);
		return err_hint(err, "give it as --KEY column[,column]");
	}
	for (size_t i = 0; i < v->keys.nr; i++)
		if (!has_column(v->table, "StorageDescriptor.Columns", v->keys.v[i]))
			return err_set(err, ERR_INVALID, "table '%s.%s' has no column '%s'",
				v->database, v->name, v->keys.v[i]);
	return 0;
}

static void add_names(struct strbuf *sql, const struct strvec *names)
{
	for (size_t i = 0; i < names->nr; i++) {
		strbuf_addstr(sql, i ? ", " : "");
		duck_add_name(sql, names->v[i]);
	}
}

static void add_table(struct strbuf *sql, const struct view *v, const char *name)
{
	duck_add_name(sql, v->database);
	strbuf_addch(sql, '.');
	duck_add_name(sql, name);
}

/* Rows of one of the tables, with what they are ordered by. */
static void add_rows(struct strbuf *sql, const struct view *v, bool changes)
{
	strbuf_addstr(sql, "  SELECT ");
	add_names(sql, &v->columns);
	strbuf_addstr(
		sql, v->identified ? ", \"identifier\" AS \"from file\"" : ", '' AS \"from file\"");
	if (changes)
		strbuf_addstr(sql,
			", coalesce(\"" SEQUENCE "\", '') AS \"change seq\", \"" OPERATION
			"\" AS \"change oper\", 1 AS \"is change\"\n");
	else
		strbuf_addstr(sql,
			", '' AS \"change seq\", 'I' AS \"change oper\", 0 AS \"is change\"\n");
	strbuf_addstr(sql, "  FROM ");
	add_table(sql, v, changes ? v->changes : v->name);
	if (changes)
		strbuf_addstr(sql, "\n  WHERE \"" OPERATION "\" IN ('I', 'U', 'D')");
	if (v->snapshots) {
		strbuf_addstr(sql, changes ? " AND" : "\n  WHERE");
		strbuf_addstr(sql, " \"snapshot\" = (SELECT max(\"snapshot\") FROM ");
		add_table(sql, v, v->name);
		strbuf_addch(sql, ')');
	}
	strbuf_addch(sql, '\n');
}

static void add_view(struct strbuf *sql, const struct view *v)
{
	char *current = xasprintf("%s__current", v->name);

	strbuf_addstr(sql, "CREATE OR REPLACE VIEW ");
	add_table(sql, v, current);
	strbuf_addstr(sql, " AS\nSELECT ");
	add_names(sql, &v->columns);
	strbuf_addstr(sql, "\nFROM (\n SELECT ");
	add_names(sql, &v->columns);
	strbuf_addstr(sql, ", \"change oper\",\n  row_number() OVER (PARTITION BY ");
	add_names(sql, &v->keys);
	strbuf_addstr(sql,
		" ORDER BY \"is change\" DESC, \"change seq\" DESC, \"from file\" DESC) AS "
		"\"place\"\n FROM (\n");
	add_rows(sql, v, false);
	strbuf_addstr(sql, "  UNION ALL\n");
	add_rows(sql, v, true);
	strbuf_addstr(sql, " ) AS \"all rows\"\n) AS \"ordered rows\"\nWHERE \"place\" = 1 AND "
			   "\"change oper\" <> 'D'\n");
	free(current);
}

int ingest_view_sql(struct job *job, const char *database, const char *table,
	const struct strvec *keys, struct strbuf *sql, struct err *err)
{
	struct view v = {.database = database, .name = xstrdup(table)};
	struct aws_client *aws = job_aws(job, err);
	int ret = -1;

	strvec_init(&v.columns);
	strvec_init(&v.keys);
	v.changes = xasprintf("%s" INGEST_CHANGES, table);
	if (aws && catalog_table(aws, database, table, &v.table, err) == 0 &&
		catalog_table(aws, database, v.changes, &v.change_table, err) == 0 &&
		take_columns(&v, err) == 0 && take_keys(&v, keys, err) == 0) {
		add_view(sql, &v);
		ret = 0;
	}
	json_free(v.table);
	json_free(v.change_table);
	strvec_release(&v.columns);
	strvec_release(&v.keys);
	free(v.name);
	free(v.changes);
	return ret;
}
