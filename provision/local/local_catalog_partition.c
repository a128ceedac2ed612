/* Partitions of the Data Catalog ("Partitions", AWS Glue Web API Reference). */
#include "local_catalog_store.h"

static void table_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *db = json_get_str(req->in, "DatabaseName");
	const char *name = json_get_str(req->in, "TableName");
	char *path = xasprintf("%s/%s", db ? db : "*", name ? name : "*");

	glue_arn(cloud, req->region, "table", path, arn);
	free(path);
}

struct call {
	const struct local_request *req;
	const char *database, *table;
	struct json *out, *errors;
};

typedef int part_fn(
	struct local_cloud *cloud, struct call *k, const struct json *entry, struct err *err);

static int run(struct local_cloud *cloud, const struct local_request *req, local_tx_fn *fn,
	struct call *k, struct err *err)
{
	char *db = catalog_name(req->in, "DatabaseName", err);
	char *table = db ? catalog_name(req->in, "TableName", err) : NULL;
	int r = -1;

	k->req = req;
	k->database = db;
	k->table = table;
	if (table)
		r = local_tx(cloud, fn, k, err);
	free(db);
	free(table);
	return r;
}

/* --- one partition --- */
static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;

	return catalog_partition_put_tx(cloud, k->database, k->table,
		json_get(k->req->in, "PartitionInput"), NULL, false, err);
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;

	return catalog_partition_put_tx(cloud, k->database, k->table,
		json_get(k->req->in, "PartitionInput"), json_get(k->req->in, "PartitionValueList"),
		true, err);
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;
	struct json *table;

	if (catalog_table_tx(cloud, k->database, k->table, &table, err))
		return -1;
	json_free(table);
	return catalog_partition_delete_tx(
		cloud, k->database, k->table, json_get(k->req->in, "PartitionValues"), err);
}

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;
	struct json *table;

	if (catalog_table_tx(cloud, k->database, k->table, &table, err))
		return -1;
	json_free(table);
	return catalog_partition_tx(cloud, k->database, k->table,
		json_get(k->req->in, "PartitionValues"), &k->out, err);
}

static int create_partition(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return run(cloud, req, create_tx, &(struct call){0}, err);
}

static int update_partition(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return run(cloud, req, update_tx, &(struct call){0}, err);
}

static int delete_partition(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return run(cloud, req, delete_tx, &(struct call){0}, err);
}

static int get_partition(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct call k = {0};

	if (run(cloud, req, get_tx, &k, err))
		return -1;
	*out = json_object();
	json_set(*out, "Partition", k.out);
	return 0;
}

/* --- batches: each entry by itself, its error in the list --- */
static const struct json *values_of(const struct json *entry)
{
	const struct json *values = json_get(entry, "PartitionValueList");

	return values ? values : json_get(entry, "Values");
}

static void push_error(struct call *k, const struct json *entry, const struct err *why)
{
	struct json *e = json_object(), *detail = json_object();

	json_set(e,
		json_get(entry, "PartitionValueList") ? "PartitionValueList" : "PartitionValues",
		json_copy(values_of(entry)));
	json_set_str(
		detail, "ErrorCode", why->aws_code ? why->aws_code : "InternalServiceException");
	json_set_str(detail, "ErrorMessage", why->text);
	json_set(e, "ErrorDetail", detail);
	json_push(k->errors, e);
}

static int batch_each(
	struct local_cloud *cloud, struct call *k, const char *member, part_fn *fn, struct err *err)
{
	struct json *table, *entry;

	if (catalog_table_tx(cloud, k->database, k->table, &table, err))
		return -1;
	json_free(table);
	k->errors = json_array();
	json_each(entry, json_get(k->req->in, member))
	{
		struct err why = ERR_INIT;
		if (fn(cloud, k, entry, &why))
			push_error(k, entry, &why);
		err_release(&why);
	}
	return 0;
}

static int create_one(
	struct local_cloud *cloud, struct call *k, const struct json *entry, struct err *err)
{
	return catalog_partition_put_tx(cloud, k->database, k->table, entry, NULL, false, err);
}

static int update_one(
	struct local_cloud *cloud, struct call *k, const struct json *entry, struct err *err)
{
	return catalog_partition_put_tx(cloud, k->database, k->table,
		json_get(entry, "PartitionInput"), values_of(entry), true, err);
}

static int delete_one(
	struct local_cloud *cloud, struct call *k, const struct json *entry, struct err *err)
{
	return catalog_partition_delete_tx(cloud, k->database, k->table, values_of(entry), err);
}

static int batch_create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	return batch_each(cloud, payload, "PartitionInputList", create_one, err);
}

static int batch_update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	return batch_each(cloud, payload, "Entries", update_one, err);
}

static int batch_delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	return batch_each(cloud, payload, "PartitionsToDelete", delete_one, err);
}

static int batch(struct local_cloud *cloud, const struct local_request *req, local_tx_fn *fn,
	const char *member, size_t max, struct json **out, struct err *err)
{
	struct call k = {0};

	if (json_len(json_get(req->in, member)) > max)
		return glue_invalid(err,
			"1 validation error detected: Value at '%s' failed to satisfy constraint: "
			"Member "
			"must have length less than or equal to %zu",
			member, max);
	if (run(cloud, req, fn, &k, err)) {
		json_free(k.errors);
		return -1;
	}
	*out = json_object();
	json_set(*out, "Errors", k.errors);
	return 0;
}

static int batch_create_partition(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return batch(cloud, req, batch_create_tx, "PartitionInputList", 100, out, err);
}

static int batch_update_partition(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return batch(cloud, req, batch_update_tx, "Entries", 100, out, err);
}

static int batch_delete_partition(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return batch(cloud, req, batch_delete_tx, "PartitionsToDelete", 25, out, err);
}

static int batch_get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;
	struct json *table, *entry;

	if (catalog_table_tx(cloud, k->database, k->table, &table, err))
		return -1;
	json_free(table);
	k->out = json_array();
	k->errors = json_array();
	json_each(entry, json_get(k->req->in, "PartitionsToGet"))
	{
		struct err why = ERR_INIT;
		struct json *found = NULL;
		if (!catalog_partition_tx(
			    cloud, k->database, k->table, values_of(entry), &found, &why))
			json_push(k->out, found);
		else /* AWS leaves out what does not exist and names only what it could not process */
			err_release(&why);
	}
	return 0;
}

static int batch_get_partition(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct call k = {0};

	if (run(cloud, req, batch_get_tx, &k, err))
		return -1;
	*out = json_object();
	json_set(*out, "Partitions", k.out);
	json_set(*out, "UnprocessedKeys", k.errors);
	return 0;
}

/* --- GetPartitions --- */
struct list {
	struct call call;
	const char *after;
	int64_t limit;
	bool brief; /* ExcludeColumnSchema */
	char *next;
};

static bool in_segment(const struct json *segment, const char *key)
{
	int64_t total = json_get_i64(segment, "TotalSegments", 1);
	uint32_t h = 2166136261u;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return total <= 1 ||
	       (int64_t)(h % (uint32_t)total) == json_get_i64(segment, "SegmentNumber", 0);
}

static int list_rows(struct local_cloud *cloud, struct list *l, const struct catalog_filter *filter,
	struct err *err)
{
	const struct json *segment = json_get(l->call.req->in, "Segment");
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, created_ms, key FROM catalog_partition WHERE db = ? AND name = ? AND "
		"key > ? "
		"ORDER BY key",
		"sss", l->call.database, l->call.table, l->after ? l->after : "");
	char *last = NULL;
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		struct json *doc = glue_doc(sql_text(st, 0));
		if (!in_segment(segment, sql_text(st, 2)) ||
			(filter && !catalog_filter_matches(filter, json_get(doc, "Values")))) {
			json_free(doc);
			continue;
		}
		if ((int64_t)json_len(l->call.out) == l->limit) {
			json_free(doc);
			l->next = local_token_make(last);
			row = 0;
			break;
		}
		free(last);
		last = xstrdup(sql_text(st, 2));
		glue_set_time(doc, "CreationTime", sql_int(st, 1));
		if (l->brief)
			json_remove(json_get(doc, "StorageDescriptor"), "Columns");
		json_push(l->call.out, doc);
	}
	sql_done(st);
	free(last);
	return row;
}

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct list *l = payload;
	const char *expression = json_get_str(l->call.req->in, "Expression");
	struct catalog_filter *filter = NULL;
	struct json *table;
	int r;

	if (catalog_table_tx(cloud, l->call.database, l->call.table, &table, err))
		return -1;
	if (expression && expression[strspn(expression, " \t\r\n")]) {
		struct err why = ERR_INIT;
		filter = catalog_filter_new(expression, json_get(table, "PartitionKeys"), &why);
		if (!filter) {
			glue_invalid(err, "%s", why.text);
			err_release(&why);
			json_free(table);
			return -1;
		}
	}
	r = list_rows(cloud, l, filter, err);
	catalog_filter_free(filter);
	json_free(table);
	return r;
}

static int get_partitions(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct list l = {0};
	char *after = NULL, *db = NULL, *table = NULL;
	int r = -1;

	if (glue_page(req->in, 1000, &l.limit, &after, err) ||
		!(db = catalog_name(req->in, "DatabaseName", err)) ||
		!(table = catalog_name(req->in, "TableName", err)))
		goto out;
	if (!json_get(req->in, "MaxResults"))
		l.limit = 1000;
	l.after = after;
	l.brief = json_get_truth(req->in, "ExcludeColumnSchema", false);
	l.call = (struct call){.req = req, .database = db, .table = table, .out = json_array()};
	r = local_tx(cloud, list_tx, &l, err);
	if (!r) {
		*out = json_object();
		json_set(*out, "Partitions", l.call.out);
		json_set_str(*out, "NextToken", l.next);
		l.call.out = NULL;
	}
	json_free(l.call.out);
	free(l.next);
out:
	free(after);
	free(db);
	free(table);
	return r;
}

static int get_indexes(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *doc;
	const char *db = json_get_str(req->in, "DatabaseName");
	const char *table = json_get_str(req->in, "TableName");

	if (local_catalog_table(cloud, db ? db : "", table ? table : "", &doc, err))
		return -1;
	json_free(doc);
	*out = json_object();
	json_set(*out, "PartitionIndexDescriptorList", json_array());
	return 0;
}

static const struct local_route routes[] = {
	{"BatchCreatePartition", batch_create_partition, table_arn},
	{"BatchDeletePartition", batch_delete_partition, table_arn},
	{"BatchGetPartition", batch_get_partition, table_arn},
	{"BatchUpdatePartition", batch_update_partition, table_arn},
	{"CreatePartition", create_partition, table_arn},
	{"DeletePartition", delete_partition, table_arn},
	{"GetPartition", get_partition, table_arn},
	{"GetPartitionIndexes", get_indexes, table_arn},
	{"GetPartitions", get_partitions, table_arn},
	{"UpdatePartition", update_partition, table_arn},
};

const struct local_service local_catalog_partition_service = {"glue", routes, ARRAY_SIZE(routes)};
