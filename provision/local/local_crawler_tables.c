/* What a crawl found, written to the catalog as Glue's crawler does: names, properties, updates and deletions. */
#include "local_crawler.h"
#include "digest.h"
#include "hex.h"
#include "local_catalog.h"
#include "map.h"

/* --- a table's documents --- */
static const struct {
	const char *classification, *input, *output, *serde;
} formats[] = {
	{"csv", "org.apache.hadoop.mapred.TextInputFormat",
		"org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
		"org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"},
	{"json", "org.apache.hadoop.mapred.TextInputFormat",
		"org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
		"org.openx.data.jsonserde.JsonSerDe"},
	{"parquet", "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
		"org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
		"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
};

static void set_number(struct json *obj, const char *name, int64_t n)
{
	char *text = xasprintf("%lld", (long long)n);

	json_set_str(obj, name, text);
	free(text);
}

static struct json *serde_info(
	const struct classified *s, const char *library, const struct json *columns)
{
	struct json *serde = json_object(), *params = json_object(), *c;
	struct strbuf paths = STRBUF_INIT;
	char delimiter[2] = {s->delimiter, '\0'};

	json_set_str(serde, "SerializationLibrary", library);
	if (!strcmp(s->classification, "csv")) {
		json_set_str(params, "field.delim", delimiter);
	} else if (!strcmp(s->classification, "parquet")) {
		json_set_str(params, "serialization.format", "1");
	} else {
		json_each(c, columns)
			strbuf_addf(&paths, "%s%s", paths.len ? "," : "", json_get_str(c, "Name"));
		json_set_str(params, "paths", paths.buf);
	}
	json_set(serde, "Parameters", params);
	strbuf_release(&paths);
	return serde;
}

static struct json *statistics(const struct crawl *c, const struct classified *s, int64_t size,
	int64_t objects, int64_t records, int64_t average)
{
	struct json *p = json_object();
	char delimiter[2] = {s->delimiter, '\0'};

	set_number(p, "sizeKey", size);
	set_number(p, "objectCount", objects);
	json_set_str(p, "UPDATED_BY_CRAWLER", c->crawler);
	json_set_str(p, "CrawlerSchemaSerializerVersion", "1.0");
	json_set_str(p, "CrawlerSchemaDeserializerVersion", "1.0");
	set_number(p, "recordCount", records);
	set_number(p, "averageRecordSize", average);
	json_set_str(p, "compressionType", s->compression);
	json_set_str(p, "classification", s->classification);
	json_set_str(p, "typeOfData", "file");
	if (!strcmp(s->classification, "csv")) {
		json_set_str(p, "delimiter", delimiter);
		json_set_str(p, "columnsOrdered", "true");
		json_set_str(p, "areColumnsQuoted", s->quoted ? "true" : "false");
		if (s->header)
			json_set_str(p, "skip.header.line.count", "1");
	}
	return p;
}

/* Takes `parameters`. */
static struct json *storage(const struct classified *s, const char *location,
	const struct json *columns, struct json *parameters)
{
	struct json *sd = json_object();

	json_set(sd, "Columns", json_copy(columns));
	json_set_str(sd, "Location", location);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(formats[i].classification, s->classification))
			continue;
		json_set_str(sd, "InputFormat", formats[i].input);
		json_set_str(sd, "OutputFormat", formats[i].output);
		json_set(sd, "SerdeInfo", serde_info(s, formats[i].serde, columns));
	}
	json_set_bool(sd, "Compressed", strcmp(s->compression, "none") != 0);
	json_set_i64(sd, "NumberOfBuckets", -1);
	json_set(sd, "BucketColumns", json_array());
	json_set(sd, "SortColumns", json_array());
	json_set(sd, "Parameters", parameters);
	json_set_bool(sd, "StoredAsSubDirectories", false);
	return sd;
}

static struct json *partition_input(const struct crawl *c, const struct crawl_tree *tree,
	const struct crawl_table *t, const struct crawl_partition *part, bool inherit)
{
	const struct classified *s = &tree->schemas[inherit ? t->schema : part->schema];
	struct json *input = json_object(), *values = json_array(), *stats;

	for (size_t i = 0; i < part->values.nr; i++)
		json_push_str(values, part->values.v[i]);
	stats = statistics(c, s, part->size, part->objects, part->records,
		part->records ? part->size / part->records : 0);
	json_set(input, "Values", values);
	json_set(input, "Parameters", json_copy(stats));
	json_set(input, "StorageDescriptor",
		storage(s, part->location, inherit ? t->columns : part->columns, stats));
	return input;
}

static struct json *table_input(const struct crawl *c, const struct crawl_tree *tree,
	const struct crawl_table *t, const char *name)
{
	const struct classified *s = &tree->schemas[t->schema];
	struct json *input = json_object(), *keys = json_array(), *stats, *exclusions;
	int64_t average = t->records ? t->record_bytes / t->records : 0;

	stats = statistics(c, s, t->size, t->objects, t->records, average);
	exclusions = json_path(c->doc, "Targets.S3Targets.0.Exclusions");
	if (json_len(exclusions)) {
		char *text = glue_text(exclusions);
		json_set_str(stats, "exclusions", text);
		free(text);
	}
	if (t->keys.nr)
		json_set_str(stats, "partition_filtering.enabled", "true");
	for (size_t i = 0; i < t->keys.nr; i++) {
		struct json *key = json_object();
		json_set_str(key, "Name", t->keys.v[i]);
		json_set_str(key, "Type", "string");
		json_push(keys, key);
	}
	json_set_str(input, "Name", name);
	json_set_str(input, "Owner", "owner");
	json_set_i64(input, "Retention", 0);
	json_set(input, "Parameters", json_copy(stats));
	json_set(input, "StorageDescriptor", storage(s, t->location, t->columns, stats));
	json_set(input, "PartitionKeys", keys);
	json_set_str(input, "TableType", "EXTERNAL_TABLE");
	return input;
}

/* --- names --- */
static struct json *find_table(const struct json *tables, const char *name)
{
	struct json *t;

	json_each(t, tables) if (!strcmp(json_get_str(t, "Name"), name)) return t;
	return NULL;
}

static const char *location_of(const struct json *table)
{
	const char *l = json_str(json_path(table, "StorageDescriptor.Location"));

	return l ? l : "";
}

/* s3://b/x and s3://b/x/ are one place. */
static bool same_place(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	la -= la && a[la - 1] == '/';
	lb -= lb && b[lb - 1] == '/';
	return la == lb && !memcmp(a, b, la);
}

/* The table's name with the prefix; one that another place has gets a hash behind it, as Glue does. */
static char *choose_name(const struct crawl *c, const struct json *existing, struct strvec *taken,
	const struct crawl_table *t)
{
	const char *prefix = json_get_str(c->doc, "TablePrefix");
	char *name = xasprintf("%s%s", prefix ? prefix : "", t->name);
	const struct json *other;
	struct strbuf hash = STRBUF_INIT;
	unsigned char md5[MD5_BYTES];

	lower_ascii(name);
	other = find_table(existing, name);
	if (strvec_has(taken, name) || (other && !same_place(location_of(other), t->location))) {
		char *longer;
		digest_md5(t->location, strlen(t->location), md5);
		hex_encode(&hash, md5, sizeof(md5));
		longer = xasprintf("%s_%s", name, hash.buf);
		free(name);
		name = longer;
	}
	strbuf_release(&hash);
	strvec_push(taken, name);
	return name;
}

/* --- updates --- */
struct writer {
	struct crawl *c;
	const char *database;
	struct json *existing, *configuration;
	struct strvec taken;
	bool update, inherit, merge;
	const char *on_delete;
};

static bool same_values(const struct json *a, const struct json *b)
{
	return json_equal(json_get(a, "Values"), json_get(b, "Values"));
}

/* Values as one string, for finding a partition among many. */
static char *values_key(const struct json *p)
{
	struct strbuf sb = STRBUF_INIT;

	json_print_canonical(json_get(p, "Values"), &sb);
	return strbuf_detach(&sb, NULL);
}

static struct json *partition_as_input(const struct json *p)
{
	struct json *input = json_copy(p);
	static const char *const drop[] = {
		"DatabaseName", "TableName", "CatalogId", "CreationTime"};

	for (size_t i = 0; i < ARRAY_SIZE(drop); i++)
		json_remove(input, drop[i]);
	return input;
}

static void deprecate(const struct writer *w, struct json *input)
{
	struct json *params = json_get(input, "Parameters");

	if (!params) {
		params = json_object();
		json_set(input, "Parameters", params);
	}
	json_set_str(params, "DEPRECATED_BY_CRAWLER", w->c->crawler);
	set_number(params, "DEPRECATED_TIMESTAMP", local_now_ms(w->c->cloud));
}

/* Partitions that this crawl did not see stay, are marked, or go. */
static int merge_partitions(struct writer *w, const char *name, struct json *found, struct err *err)
{
	struct map seen = MAP_INIT;
	struct json *old, *p;
	char *key;

	if (local_catalog_partitions(w->c->cloud, w->database, name, &old, err))
		return -1;
	json_each(p, found)
	{
		key = values_key(p);
		map_put(&seen, key, p);
		free(key);
	}
	json_each(p, old)
	{
		struct json *now, *input;
		key = values_key(p);
		now = map_get(&seen, key);
		free(key);
		if (now && !w->update && same_values(now, p)) {
			json_set(now, "StorageDescriptor",
				json_copy(json_get(p, "StorageDescriptor")));
			json_set(now, "Parameters", json_copy(json_get(p, "Parameters")));
		}
		if (now || !strcmp(w->on_delete, "DELETE_FROM_DATABASE"))
			continue;
		input = partition_as_input(p);
		if (!strcmp(w->on_delete, "DEPRECATE_IN_DATABASE"))
			deprecate(w, input);
		json_push(found, input);
	}
	w->c->partitions_added += (int64_t)json_len(found) - (int64_t)json_len(old);
	map_release(&seen);
	json_free(old);
	return 0;
}

/* What an update keeps of the table that was there. */
static void keep_old(struct writer *w, const struct json *old, struct json *input)
{
	struct json *sd = json_get(input, "StorageDescriptor"), *c, *have;
	const struct json *old_columns = json_path(old, "StorageDescriptor.Columns");
	static const char *const kept[] = {"Description", "Owner", "Retention"};
	struct json *merged, *p;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (json_get(old, kept[i]))
			json_set(input, kept[i], json_copy(json_get(old, kept[i])));
	json_each(p, json_get(old, "Parameters"))
	{
		const char *name = json_name(p);
		if (!json_get(json_get(input, "Parameters"), name) &&
			strncmp(name, "DEPRECATED_", 11))
			json_set(json_get(input, "Parameters"), name, json_copy(p));
	}
	if (!w->update) {
		json_set(input, "StorageDescriptor", json_copy(json_get(old, "StorageDescriptor")));
		json_set(input, "PartitionKeys", json_copy(json_get(old, "PartitionKeys")));
	} else if (w->merge) {
		merged = json_copy(old_columns);
		json_each(c, json_get(sd, "Columns"))
		{
			json_each(have, old_columns) if (!strcmp(json_get_str(have, "Name"),
								 json_get_str(c, "Name"))) break;
			if (!have)
				json_push(merged, json_copy(c));
		}
		json_set(sd, "Columns", merged);
	}
}

static int write_table(struct writer *w, const struct crawl_tree *tree, const struct crawl_table *t,
	struct err *err)
{
	char *name = choose_name(w->c, w->existing, &w->taken, t);
	const struct json *old = find_table(w->existing, name);
	struct json *input = table_input(w->c, tree, t, name), *partitions = json_array();
	int r = 0;

	for (size_t i = 0; i < t->nr; i++)
		json_push(
			partitions, partition_input(w->c, tree, t, &t->partitions[i], w->inherit));
	if (old) {
		keep_old(w, old, input);
		r = merge_partitions(w, name, partitions, err);
	} else {
		w->c->partitions_added += (int64_t)json_len(partitions);
	}
	if (!r)
		r = local_catalog_put_table(w->c->cloud, w->database, input, partitions, err);
	if (!r) {
		crawl_log(w->c, "INFO", "%s table %s in database %s", old ? "Updated" : "Created",
			name, w->database);
		*(old ? &w->c->updated : &w->c->created) += 1;
	}
	json_free(input);
	json_free(partitions);
	free(name);
	return r;
}

/* --- tables of this crawler whose data is gone --- */
static bool under_targets(const struct crawl *c, const char *location)
{
	struct json *t;

	json_each(t, json_path(c->doc, "Targets.S3Targets"))
	{
		const char *path = json_get_str(t, "Path");
		size_t len = path ? strlen(path) : 0;
		len -= len && path[len - 1] == '/';
		if (len && !strncmp(path, location, len) &&
			(location[len] == '/' || !location[len]))
			return true;
	}
	return false;
}

static struct json *table_as_input(const struct json *table)
{
	static const char *const drop[] = {"DatabaseName", "CreateTime", "UpdateTime", "CreatedBy",
		"IsRegisteredWithLakeFormation", "CatalogId", "VersionId"};
	struct json *input = json_copy(table);

	for (size_t i = 0; i < ARRAY_SIZE(drop); i++)
		json_remove(input, drop[i]);
	return input;
}

static int lose_table(struct writer *w, const struct json *table, struct err *err)
{
	const char *name = json_get_str(table, "Name");
	struct json *input, *partitions;
	int r;

	if (!strcmp(w->on_delete, "LOG")) {
		crawl_log(w->c, "INFO",
			"Table %s has no data any more; it stays, by DeleteBehavior LOG", name);
		return 0;
	}
	w->c->deleted++;
	if (!strcmp(w->on_delete, "DELETE_FROM_DATABASE")) {
		crawl_log(w->c, "INFO", "Deleted table %s in database %s", name, w->database);
		return local_catalog_delete_table(w->c->cloud, w->database, name, err);
	}
	if (local_catalog_partitions(w->c->cloud, w->database, name, &partitions, err))
		return -1;
	input = table_as_input(table);
	deprecate(w, input);
	crawl_log(w->c, "INFO", "Deprecated table %s in database %s", name, w->database);
	r = local_catalog_put_table(w->c->cloud, w->database, input, partitions, err);
	json_free(input);
	json_free(partitions);
	return r;
}

static int lose_tables(struct writer *w, struct err *err)
{
	struct json *t;

	json_each(t, w->existing)
	{
		const char *by = json_get_str(json_get(t, "Parameters"), "UPDATED_BY_CRAWLER");
		if (!by || strcmp(by, w->c->crawler) ||
			strvec_has(&w->taken, json_get_str(t, "Name")) ||
			json_get(json_get(t, "Parameters"), "DEPRECATED_BY_CRAWLER") ||
			!under_targets(w->c, location_of(t)))
			continue;
		if (lose_table(w, t, err))
			return -1;
	}
	return 0;
}

static bool output_behavior(const struct json *configuration, const char *what, const char *value)
{
	const struct json *output = json_get(configuration, "CrawlerOutput");
	const char *behavior = json_get_str(json_get(output, what), "AddOrUpdateBehavior");

	return behavior && !strcmp(behavior, value);
}

static int open_writer(struct writer *w, struct crawl *c, struct err *err)
{
	const char *configuration = json_get_str(c->doc, "Configuration");
	const struct json *policy = json_get(c->doc, "SchemaChangePolicy");
	const char *update = json_get_str(policy, "UpdateBehavior");
	const char *recrawl = json_str(json_path(c->doc, "RecrawlPolicy.RecrawlBehavior"));
	struct err ignored = ERR_INIT;

	w->c = c;
	w->database = json_get_str(c->doc, "DatabaseName");
	w->update = !update || strcmp(update, "LOG");
	w->on_delete = json_get_str(policy, "DeleteBehavior");
	if (!w->on_delete)
		w->on_delete = "DEPRECATE_IN_DATABASE";
	if (recrawl && strcmp(recrawl, "CRAWL_EVERYTHING")) {
		w->update = false;
		w->on_delete = "LOG";
	}
	if (configuration && *configuration)
		w->configuration = json_parse(configuration, strlen(configuration), &ignored);
	err_release(&ignored);
	w->inherit = output_behavior(w->configuration, "Partitions", "InheritFromTable");
	w->merge = output_behavior(w->configuration, "Tables", "MergeNewColumns");
	return local_catalog_tables(c->cloud, w->database, &w->existing, err);
}

int crawl_write(struct crawl *c, struct crawl_tree *const *trees, struct crawl_tables *found,
	size_t nr, struct err *err)
{
	struct writer w = {.taken = STRVEC_INIT};
	int r = open_writer(&w, c, err);

	for (size_t i = 0; !r && i < nr; i++)
		for (size_t k = 0; !r && k < found[i].nr; k++)
			r = write_table(&w, trees[i], &found[i].v[k], err);
	if (!r)
		r = lose_tables(&w, err);
	json_free(w.existing);
	json_free(w.configuration);
	strvec_release(&w.taken);
	return r;
}
