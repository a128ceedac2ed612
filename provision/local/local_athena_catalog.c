/* The Data Catalog as Athena shows it ("GetTableMetadata" and its kin, Amazon Athena API Reference). One catalog: AwsDataCatalog. */
#include <regex.h>
#include <strings.h>
#include "local_athena.h"
#include "local_catalog_store.h"

#define CATALOG "AwsDataCatalog"
#define PAGE_MAX 50

/* --- catalogs --- */

static int check_catalog(const struct json *in, const char *member, struct err *err)
{
	const char *name = json_get_str(in, member);

	if (!name)
		return athena_invalid(err, "%s is required", member);
	if (strcasecmp(name, CATALOG) != 0)
		return athena_invalid(err, "Data Catalog %s was not found", name);
	return 0;
}

static int get_data_catalog(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *catalog, *parameters;

	if (check_catalog(req->in, "Name", err))
		return -1;
	parameters = json_object();
	json_set_str(parameters, "catalog-id", cloud->account);
	catalog = json_object();
	json_set_str(catalog, "Name", CATALOG);
	json_set_str(catalog, "Type", "GLUE");
	json_set(catalog, "Parameters", parameters);
	*out = json_object();
	json_set(*out, "DataCatalog", catalog);
	return 0;
}

static int list_data_catalogs(struct local_cloud *cloud unused_arg, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *list, *catalog;
	int64_t limit;
	char *after;

	if (athena_page(req->in, PAGE_MAX, &limit, &after, err))
		return -1;
	list = json_array();
	if (!after || strcmp(after, CATALOG) < 0) {
		catalog = json_object();
		json_set_str(catalog, "CatalogName", CATALOG);
		json_set_str(catalog, "Type", "GLUE");
		json_push(list, catalog);
	}
	free(after);
	*out = json_object();
	json_set(*out, "DataCatalogsSummary", list);
	return 0;
}

/* --- databases and tables --- */

/* The names of a request, lower case as the catalog keeps them. */
struct call {
	char *database, *table, *after;
	int64_t limit;
	regex_t *regex; /* NULL: all tables */
	struct json *list, *one;
};

static void call_release(struct call *k)
{
	free(k->database);
	free(k->table);
	free(k->after);
	json_free(k->list);
	json_free(k->one);
}

static struct json *database_json(const struct json *doc)
{
	static const char *const kept[] = {"Name", "Description", "Parameters"};
	struct json *out = json_object();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kept); i++)
		if (json_get(doc, kept[i]))
			json_set(out, kept[i], json_copy(json_get(doc, kept[i])));
	return out;
}

/* [{"Name","Type","Comment"}] */
static struct json *columns_json(const struct json *columns)
{
	static const char *const kept[] = {"Name", "Type", "Comment"};
	struct json *out = json_array(), *column;
	size_t i;

	json_each(column, columns)
	{
		struct json *c = json_object();

		for (i = 0; i < ARRAY_SIZE(kept); i++)
			if (json_get_str(column, kept[i]))
				json_set_str(c, kept[i], json_get_str(column, kept[i]));
		json_push(out, c);
	}
	return out;
}

/* What Athena adds to a table's own parameters from its storage descriptor. */
static void add_storage(struct json *parameters, const struct json *sd)
{
	static const struct {
		const char *member, *name;
	} storage[] = {{"InputFormat", "inputformat"}, {"Location", "location"},
		{"OutputFormat", "outputformat"}};
	const struct json *serde = json_get(sd, "SerdeInfo");
	const char *library = json_get_str(serde, "SerializationLibrary");
	struct json *p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(storage); i++)
		if (json_get_str(sd, storage[i].member))
			json_set_str(
				parameters, storage[i].name, json_get_str(sd, storage[i].member));
	if (library)
		json_set_str(parameters, "serde.serialization.lib", library);
	json_each(p, json_get(serde, "Parameters"))
	{
		char *name = xasprintf("serde.param.%s", json_name(p));

		json_set(parameters, name, json_copy(p));
		free(name);
	}
}

static struct json *table_json(const struct json *doc)
{
	static const char *const times[] = {"CreateTime", "LastAccessTime"};
	const struct json *sd = json_get(doc, "StorageDescriptor"),
			  *own = json_get(doc, "Parameters");
	struct json *out = json_object(), *parameters = own ? json_copy(own) : json_object();
	size_t i;

	json_set_str(out, "Name", json_get_str(doc, "Name"));
	for (i = 0; i < ARRAY_SIZE(times); i++)
		if (json_get(doc, times[i]))
			json_set(out, times[i], json_copy(json_get(doc, times[i])));
	if (json_get_str(doc, "TableType"))
		json_set_str(out, "TableType", json_get_str(doc, "TableType"));
	json_set(out, "Columns", columns_json(json_get(sd, "Columns")));
	json_set(out, "PartitionKeys", columns_json(json_get(doc, "PartitionKeys")));
	add_storage(parameters, sd);
	json_set(out, "Parameters", parameters);
	return out;
}

/* What the catalog does not have is Athena's MetadataException. */
static int metadata_fault(int result, struct err *err)
{
	char *text;

	if (!result || !err->aws_code || strcmp(err->aws_code, "EntityNotFoundException") != 0)
		return result;
	text = xasprintf("%s: %s", err->aws_code, err->text);
	err_release(err);
	local_fault(err, 400, "MetadataException", "%s", text);
	free(text);
	return -1;
}

static int database_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;

	return catalog_database_tx(cloud, k->database, &k->one, err);
}

static int table_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;

	return catalog_table_tx(cloud, k->database, k->table, &k->one, err);
}

static int get_database(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct call k = {0};
	int result = -1;

	if (!check_catalog(req->in, "CatalogName", err) &&
		(k.database = catalog_name(req->in, "DatabaseName", err)))
		result = metadata_fault(local_tx(cloud, database_tx, &k, err), err);
	if (!result) {
		*out = json_object();
		json_set(*out, "Database", database_json(k.one));
	}
	call_release(&k);
	return result;
}

static int get_table_metadata(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct call k = {0};
	int result = -1;

	if (!check_catalog(req->in, "CatalogName", err) &&
		(k.database = catalog_name(req->in, "DatabaseName", err)) &&
		(k.table = catalog_name(req->in, "TableName", err)))
		result = metadata_fault(local_tx(cloud, table_tx, &k, err), err);
	if (!result) {
		*out = json_object();
		json_set(*out, "TableMetadata", table_json(k.one));
	}
	call_release(&k);
	return result;
}

static int databases_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc FROM catalog_database WHERE name > ? ORDER BY name LIMIT ?", "si",
		k->after ? k->after : "", k->limit + 1);
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		struct json *doc = glue_doc(sql_text(st, 0));

		json_push(k->list, database_json(doc));
		json_free(doc);
	}
	sql_done(st);
	return row;
}

/* Reads on until a page is full: the expression may leave most tables out. */
static int tables_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;
	char *after = k->after ? xstrdup(k->after) : NULL;
	struct json *database, *some = NULL, *table;
	int result = catalog_database_tx(cloud, k->database, &database, err);

	if (!result)
		json_free(database);
	while (!result && (int64_t)json_len(k->list) <= k->limit) {
		some = json_array();
		result = catalog_tables_tx(cloud, k->database, after, k->limit + 1, some, err);
		if (result || !json_len(some))
			break;
		json_each(table, some)
		{
			const char *name = json_get_str(table, "Name");

			if ((int64_t)json_len(k->list) <= k->limit &&
				(!k->regex || !regexec(k->regex, name, 0, NULL, 0)))
				json_push(k->list, table_json(table));
			free(after);
			after = xstrdup(name);
		}
		json_free(some);
		some = NULL;
	}
	json_free(some);
	free(after);
	return result;
}

/* The list, one entry longer than a page when there is more. */
static void list_reply(struct call *k, const char *member, struct json **out)
{
	struct json *page = json_array();
	int64_t i, nr = (int64_t)json_len(k->list);
	char *token;

	for (i = 0; i < nr && i < k->limit; i++)
		json_push(page, json_copy(json_at(k->list, (size_t)i)));
	*out = json_object();
	if (nr > k->limit) {
		token = local_token_make(
			json_get_str(json_at(page, (size_t)(k->limit - 1)), "Name"));
		json_set_str(*out, "NextToken", token);
		free(token);
	}
	json_set(*out, member, page);
}

static int list_databases(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct call k = {.list = json_array()};
	int result = -1;

	if (!check_catalog(req->in, "CatalogName", err) &&
		!athena_page(req->in, PAGE_MAX, &k.limit, &k.after, err))
		result = local_tx(cloud, databases_tx, &k, err);
	if (!result)
		list_reply(&k, "DatabaseList", out);
	call_release(&k);
	return result;
}

static int list_table_metadata(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *expression = json_get_str(req->in, "Expression");
	struct call k = {.list = json_array()};
	regex_t regex;
	char *whole;
	int result = -1;

	if (expression && *expression) {
		/* "sales*" is common, though the API says regular expression */
		whole = xasprintf("^(%s%s)$", *expression == '*' ? "." : "", expression);
		if (regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB | REG_ICASE))
			athena_invalid(err, "Expression '%s' is no valid pattern", expression);
		else
			k.regex = &regex;
		free(whole);
		if (!k.regex)
			goto out;
	}
	if (!check_catalog(req->in, "CatalogName", err) &&
		(k.database = catalog_name(req->in, "DatabaseName", err)) &&
		!athena_page(req->in, PAGE_MAX, &k.limit, &k.after, err))
		result = metadata_fault(local_tx(cloud, tables_tx, &k, err), err);
	if (!result)
		list_reply(&k, "TableMetadataList", out);
out:
	if (k.regex)
		regfree(k.regex);
	call_release(&k);
	return result;
}

static const struct local_route routes[] = {
	{"GetDataCatalog", get_data_catalog, NULL},
	{"GetDatabase", get_database, NULL},
	{"GetTableMetadata", get_table_metadata, NULL},
	{"ListDataCatalogs", list_data_catalogs, NULL},
	{"ListDatabases", list_databases, NULL},
	{"ListTableMetadata", list_table_metadata, NULL},
};

const struct local_service local_athena_catalog_service = {"athena", routes, ARRAY_SIZE(routes)};
