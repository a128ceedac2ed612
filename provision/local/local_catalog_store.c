/* The Data Catalog's tables in the database: databases, tables with their versions, partitions. */
#include "local_catalog_store.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS catalog_database (name TEXT PRIMARY KEY, doc TEXT NOT NULL, "
	"created_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS catalog_table (db TEXT NOT NULL, name TEXT NOT NULL, doc TEXT "
	"NOT "
	"NULL, version INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, "
	"created_by TEXT, PRIMARY KEY (db, name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS catalog_version (db TEXT NOT NULL, name TEXT NOT NULL, version "
	"INTEGER NOT NULL, doc TEXT NOT NULL, updated_ms INTEGER NOT NULL, PRIMARY KEY (db, name, "
	"version)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS catalog_partition (db TEXT NOT NULL, name TEXT NOT NULL, key "
	"TEXT "
	"NOT NULL, doc TEXT NOT NULL, created_ms INTEGER NOT NULL, PRIMARY KEY (db, name, key)) "
	"WITHOUT ROWID;";

const struct local_part local_catalog_part = {.name = "catalog", .schema = schema};

/* --- names --- */
int catalog_check_name(const char *name, const char *what, struct err *err)
{
	if (!name || !*name)
		return glue_invalid(err,
			"1 validation error detected: Value null at '%s' failed to satisfy "
			"constraint: "
			"Member must not be null",
			what);
	if (strlen(name) > 255)
		return glue_invalid(err,
			"1 validation error detected: Value '%.40s...' at '%s' failed to satisfy "
			"constraint: Member must have length less than or equal to 255",
			name, what);
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20)
			return glue_invalid(err, "'%s' holds a control character", what);
	return 0;
}

char *catalog_name(const struct json *in, const char *member, struct err *err)
{
	const char *name = json_get_str(in, member);
	char *lower;

	if (catalog_check_name(name, member, err))
		return NULL;
	lower = xstrdup(name);
	lower_ascii(lower);
	return lower;
}

static char *values_key(const struct json *values)
{
	struct strbuf sb = STRBUF_INIT;

	json_print_canonical(values, &sb);
	return strbuf_detach(&sb, NULL);
}

/* --- databases --- */
int catalog_database_tx(
	struct local_cloud *cloud, const char *name, struct json **out, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, created_ms FROM catalog_database WHERE name = ?", "s", name);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		*out = glue_doc(sql_text(st, 0));
		glue_set_time(*out, "CreateTime", sql_int(st, 1));
		json_set_str(*out, "CatalogId", cloud->account);
	}
	sql_done(st);
	if (row == 0) {
		glue_not_found(err, "Database %s not found.", name);
		err->code = ERR_NOT_FOUND;
	}
	return row > 0 ? 0 : -1;
}

/* --- tables --- */
static struct json *table_doc(struct local_cloud *cloud, const char *database, const char *text,
	int64_t version, int64_t created_ms, int64_t updated_ms, const char *created_by)
{
	struct json *doc = glue_doc(text);

	json_set_str(doc, "DatabaseName", database);
	glue_set_time(doc, "CreateTime", created_ms);
	glue_set_time(doc, "UpdateTime", updated_ms);
	json_set_str(doc, "CreatedBy", created_by);
	json_set_bool(doc, "IsRegisteredWithLakeFormation", false);
	json_set_str(doc, "CatalogId", cloud->account);
	if (version >= 0) {
		char *v = xasprintf("%lld", (long long)version);
		json_set_str(doc, "VersionId", v);
		free(v);
	}
	return doc;
}

int catalog_table_tx(struct local_cloud *cloud, const char *database, const char *table,
	struct json **out, struct err *err)
{
	struct sql_stmt *st;
	struct json *db;
	int row;

	if (catalog_database_tx(cloud, database, &db, err))
		return -1;
	json_free(db);
	st = sql_query(cloud->db, err,
		"SELECT doc, version, created_ms, updated_ms, created_by FROM catalog_table WHERE "
		"db = ? "
		"AND name = ?",
		"ss", database, table);
	row = st ? sql_step(st, err) : -1;
	if (row > 0)
		*out = table_doc(cloud, database, sql_text(st, 0), sql_int(st, 1), sql_int(st, 2),
			sql_int(st, 3), sql_text(st, 4));
	sql_done(st);
	if (row == 0) {
		glue_not_found(err, "Table %s not found.", table);
		err->code = ERR_NOT_FOUND;
	}
	return row > 0 ? 0 : -1;
}

int catalog_tables_tx(struct local_cloud *cloud, const char *database, const char *after,
	int64_t limit, struct json *array, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, version, created_ms, updated_ms, created_by, db FROM catalog_table "
		"WHERE (? "
		"IS NULL OR db = ?) AND name > ? ORDER BY db, name LIMIT ?",
		"sssi", database, database, after ? after : "", limit);
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0)
		json_push(array, table_doc(cloud, sql_text(st, 5), sql_text(st, 0), sql_int(st, 1),
					 sql_int(st, 2), sql_int(st, 3), sql_text(st, 4)));
	sql_done(st);
	return row;
}

/* The Table that a TableInput makes. */
static struct json *stored_table(const struct json *input)
{
	static const char *const defaults[] = {"Compressed", "StoredAsSubDirectories"};
	struct json *doc = json_copy(input), *sd = json_get(doc, "StorageDescriptor");
	char *name = xstrdup(json_get_str(input, "Name"));

	lower_ascii(name);
	json_set_str(doc, "Name", name);
	free(name);
	if (!json_get(doc, "Retention"))
		json_set_i64(doc, "Retention", 0);
	for (size_t i = 0; sd && i < ARRAY_SIZE(defaults); i++)
		if (!json_get(sd, defaults[i]))
			json_set_bool(sd, defaults[i], false);
	if (sd && !json_get(sd, "NumberOfBuckets"))
		json_set_i64(sd, "NumberOfBuckets", 0);
	if (sd && !json_get(sd, "SortColumns"))
		json_set(sd, "SortColumns", json_array());
	return doc;
}

static int check_columns(const struct json *columns, struct err *err)
{
	struct json *c;

	if (columns && !json_is(columns, JSON_ARRAY))
		return glue_invalid(err, "columns must be a list");
	json_each(c, columns)
	{
		if (catalog_check_name(json_get_str(c, "Name"), "column.name", err))
			return -1;
	}
	return 0;
}

static int check_input(const struct json *input, struct err *err)
{
	if (!json_is(input, JSON_OBJECT))
		return glue_invalid(err,
			"1 validation error detected: Value null at 'tableInput' failed to satisfy "
			"constraint: Member must not be null");
	if (catalog_check_name(json_get_str(input, "Name"), "tableInput.name", err) ||
		check_columns(json_path(input, "StorageDescriptor.Columns"), err) ||
		check_columns(json_get(input, "PartitionKeys"), err))
		return -1;
	return 0;
}

int catalog_table_create_tx(struct local_cloud *cloud, const char *database,
	const struct json *input, const char *created_by, struct err *err)
{
	int64_t now = local_now_ms(cloud);
	struct json *doc, *db;
	char *text;
	int r;

	if (check_input(input, err) || catalog_database_tx(cloud, database, &db, err))
		return -1;
	json_free(db);
	doc = stored_table(input);
	text = glue_text(doc);
	r = sql_run(cloud->db, NULL, err,
		"INSERT INTO catalog_table (db, name, doc, version, created_ms, updated_ms, "
		"created_by) "
		"VALUES (?, ?, ?, 0, ?, ?, ?)",
		"sssiis", database, json_get_str(doc, "Name"), text, now, now, created_by);
	if (r && err->code == ERR_EXISTS)
		local_fault(err, 400, "AlreadyExistsException", "Table already exists.");
	free(text);
	json_free(doc);
	return r;
}

int catalog_table_update_tx(struct local_cloud *cloud, const char *database,
	const struct json *input, bool skip_archive, struct err *err)
{
	int64_t now = local_now_ms(cloud);
	struct json *doc, *old;
	const char *name;
	char *text;
	int r = 0;

	if (check_input(input, err))
		return -1;
	doc = stored_table(input);
	name = json_get_str(doc, "Name");
	if (catalog_table_tx(cloud, database, name, &old, err)) {
		json_free(doc);
		return -1;
	}
	json_free(old);
	text = glue_text(doc);
	if (!skip_archive)
		r = sql_run(cloud->db, NULL, err,
			"INSERT OR REPLACE INTO catalog_version (db, name, version, doc, "
			"updated_ms) SELECT "
			"db, name, version, doc, updated_ms FROM catalog_table WHERE db = ? AND "
			"name = ?",
			"ss", database, name);
	if (!r)
		r = sql_run(cloud->db, NULL, err,
			"UPDATE catalog_table SET doc = ?, version = version + 1, updated_ms = ? "
			"WHERE db = ? "
			"AND name = ?",
			"siss", text, now, database, name);
	free(text);
	json_free(doc);
	return r;
}

int catalog_table_delete_tx(
	struct local_cloud *cloud, const char *database, const char *table, struct err *err)
{
	struct json *old;

	if (catalog_table_tx(cloud, database, table, &old, err))
		return -1;
	json_free(old);
	return sql_run(cloud->db, NULL, err, "DELETE FROM catalog_table WHERE db = ? AND name = ?",
		       "ss", database, table) ||
			       sql_run(cloud->db, NULL, err,
				       "DELETE FROM catalog_version WHERE db = ? AND name = ?",
				       "ss", database, table) ||
			       sql_run(cloud->db, NULL, err,
				       "DELETE FROM catalog_partition WHERE db = ? AND name = ?",
				       "ss", database, table)
		       ? -1
		       : 0;
}

/* --- partitions --- */
static int find_partition_tx(struct local_cloud *cloud, const char *database, const char *table,
	const struct json *values, struct json **out, int64_t *created_ms, struct err *err)
{
	char *key = values_key(values);
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, created_ms FROM catalog_partition WHERE db = ? AND name = ? AND key = "
		"?",
		"sss", database, table, key);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		*out = glue_doc(sql_text(st, 0));
		*created_ms = sql_int(st, 1);
		glue_set_time(*out, "CreationTime", *created_ms);
	}
	sql_done(st);
	free(key);
	if (row == 0) {
		glue_not_found(err, "Cannot find partition.");
		err->code = ERR_NOT_FOUND;
	}
	return row > 0 ? 0 : -1;
}

int catalog_partition_tx(struct local_cloud *cloud, const char *database, const char *table,
	const struct json *values, struct json **out, struct err *err)
{
	int64_t created_ms;

	return find_partition_tx(cloud, database, table, values, out, &created_ms, err);
}

static int check_values(struct local_cloud *cloud, const char *database, const char *table,
	const struct json *values, struct err *err)
{
	struct json *doc, *v;
	size_t keys;

	if (catalog_table_tx(cloud, database, table, &doc, err))
		return -1;
	keys = json_len(json_get(doc, "PartitionKeys"));
	json_free(doc);
	json_each(v, values) if (!json_str(v)) return glue_invalid(
		err, "partition values must be strings");
	if (json_len(values) != keys || !keys)
		return glue_invalid(err,
			"The number of partition keys do not match the number of partition values");
	return 0;
}

static struct json *stored_partition(struct local_cloud *cloud, const char *database,
	const char *table, const struct json *input)
{
	struct json *doc = json_copy(input);

	json_set_str(doc, "DatabaseName", database);
	json_set_str(doc, "TableName", table);
	json_set_str(doc, "CatalogId", cloud->account);
	return doc;
}

int catalog_partition_put_tx(struct local_cloud *cloud, const char *database, const char *table,
	const struct json *input, const struct json *old, bool replace, struct err *err)
{
	const struct json *values = json_get(input, "Values");
	struct json *doc, *before = NULL;
	int64_t created_ms = local_now_ms(cloud);
	char *key, *text;
	int r;

	if (replace && find_partition_tx(cloud, database, table, old ? old : values, &before,
			       &created_ms, err))
		return -1;
	json_free(before);
	if (check_values(cloud, database, table, values, err) ||
		(replace && catalog_partition_delete_tx(
				    cloud, database, table, old ? old : values, err)))
		return -1;
	doc = stored_partition(cloud, database, table, input);
	key = values_key(values);
	text = glue_text(doc);
	r = sql_run(cloud->db, NULL, err,
		"INSERT INTO catalog_partition (db, name, key, doc, created_ms) VALUES (?, ?, ?, "
		"?, ?)",
		"ssssi", database, table, key, text, created_ms);
	if (r && err->code == ERR_EXISTS)
		local_fault(err, 400, "AlreadyExistsException", "Partition already exists.");
	free(text);
	free(key);
	json_free(doc);
	return r;
}

int catalog_partition_delete_tx(struct local_cloud *cloud, const char *database, const char *table,
	const struct json *values, struct err *err)
{
	char *key = values_key(values);
	int64_t changed = 0;
	int r = sql_run(cloud->db, &changed, err,
		"DELETE FROM catalog_partition WHERE db = ? AND name = ? AND key = ?", "sss",
		database, table, key);

	free(key);
	if (!r && !changed) {
		glue_not_found(err, "Cannot find partition.");
		err->code = ERR_NOT_FOUND;
		return -1;
	}
	return r;
}

/* --- what crawler and Athena use: transactions of their own --- */
static char *lower_copy(const char *s)
{
	char *copy = xstrdup(s);

	if (copy)
		lower_ascii(copy);
	return copy;
}

int local_catalog_database(
	struct local_cloud *cloud, const char *database, struct json **out, struct err *err)
{
	char *db = lower_copy(database);
	int r = local_tx_begin(cloud, err);

	if (!r) {
		r = catalog_database_tx(cloud, db, out, err);
		local_tx_end(cloud);
	}
	free(db);
	return r;
}

int local_catalog_table(struct local_cloud *cloud, const char *database, const char *table,
	struct json **out, struct err *err)
{
	char *db = lower_copy(database), *name = lower_copy(table);
	int r = local_tx_begin(cloud, err);

	if (!r) {
		r = catalog_table_tx(cloud, db, name, out, err);
		local_tx_end(cloud);
	}
	free(db);
	free(name);
	return r;
}

int local_catalog_tables(
	struct local_cloud *cloud, const char *database, struct json **out, struct err *err)
{
	char *db = lower_copy(database);
	int r = local_tx_begin(cloud, err);

	*out = json_array();
	if (!r) {
		r = catalog_tables_tx(cloud, db, NULL, INT64_MAX, *out, err);
		local_tx_end(cloud);
	}
	free(db);
	if (r) {
		json_free(*out);
		*out = NULL;
	}
	return r;
}

int local_catalog_partitions(struct local_cloud *cloud, const char *database, const char *table,
	struct json **out, struct err *err)
{
	char *db = lower_copy(database), *name = lower_copy(table);
	struct sql_stmt *st;
	int r = local_tx_begin(cloud, err), row = -1;

	*out = json_array();
	if (!r) {
		st = sql_query(cloud->db, err,
			"SELECT doc FROM catalog_partition WHERE db = ? AND name = ? ORDER BY key",
			"ss", db, name);
		while (st && (row = sql_step(st, err)) > 0)
			json_push(*out, glue_doc(sql_text(st, 0)));
		sql_done(st);
		local_tx_end(cloud);
		r = row;
	}
	free(db);
	free(name);
	if (r) {
		json_free(*out);
		*out = NULL;
	}
	return r;
}

struct put {
	const char *database;
	const struct json *input, *partitions;
};

static int insert_partition(struct local_cloud *cloud, const char *db, const char *name,
	const struct json *input, int64_t now, struct err *err)
{
	struct json *doc = stored_partition(cloud, db, name, input);
	char *key = values_key(json_get(input, "Values")), *text = glue_text(doc);
	int r = sql_run(cloud->db, NULL, err,
		"INSERT OR REPLACE INTO catalog_partition (db, name, key, doc, created_ms) VALUES "
		"(?, ?, "
		"?, ?, ?)",
		"ssssi", db, name, key, text, now);

	free(key);
	free(text);
	json_free(doc);
	return r;
}

static int put_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct put *p = payload;
	char *name = lower_copy(json_get_str(p->input, "Name"));
	struct json *old = NULL, *part;
	struct err missing = ERR_INIT;
	int r;

	if (!catalog_table_tx(cloud, p->database, name, &old, &missing))
		r = catalog_table_update_tx(cloud, p->database, p->input, false, err);
	else
		r = catalog_table_create_tx(cloud, p->database, p->input, NULL, err);
	err_release(&missing);
	json_free(old);
	if (!r)
		r = sql_run(cloud->db, NULL, err,
			"DELETE FROM catalog_partition WHERE db = ? AND name = ?", "ss",
			p->database, name);
	json_each(part, p->partitions)
	{
		if (!r)
			r = insert_partition(
				cloud, p->database, name, part, local_now_ms(cloud), err);
	}
	free(name);
	return r;
}

int local_catalog_put_table(struct local_cloud *cloud, const char *database,
	const struct json *table_input, const struct json *partitions, struct err *err)
{
	char *db = lower_copy(database);
	struct put p = {db, table_input, partitions};
	int r = local_tx(cloud, put_tx, &p, err);

	free(db);
	return r;
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	char **names = payload;

	return catalog_table_delete_tx(cloud, names[0], names[1], err);
}

int local_catalog_delete_table(
	struct local_cloud *cloud, const char *database, const char *table, struct err *err)
{
	char *names[] = {lower_copy(database), lower_copy(table)};
	int r = local_tx(cloud, delete_tx, names, err);

	free(names[0]);
	free(names[1]);
	return r;
}
