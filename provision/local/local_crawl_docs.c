/* Tables and partitions as the catalog wants them, with what Glue's crawler notes about them. */
#include "local_crawler.h"

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

/* Of a table that a Grok or an XML classifier knew. XML has no SerDe: only Glue's own readers know the row tag. */
static void set_custom_storage(struct json *sd, const struct classifier *how)
{
	struct json *serde = json_object(), *params = json_object();

	if (how->grok) {
		json_set_str(sd, "InputFormat", "org.apache.hadoop.mapred.TextInputFormat");
		json_set_str(sd, "OutputFormat",
			"org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat");
		json_set_str(serde, "SerializationLibrary", "com.amazonaws.glue.serde.GrokSerDe");
		json_set_str(params, "input.format", how->grok_pattern);
		json_set_str(params, "input.grokCustomPatterns", how->grok_custom);
	} else {
		json_set_str(params, "rowTag", how->row_tag);
	}
	json_set(serde, "Parameters", params);
	json_set(sd, "SerdeInfo", serde);
}

static struct json *serde_info(
	const struct classified *s, const char *library, const struct json *columns)
{
	struct json *serde = json_object(), *params = json_object(), *c;
	struct strbuf paths = STRBUF_INIT;
	char delimiter[2] = {s->delimiter, '\0'};

	json_set_str(serde, "SerializationLibrary", library);
	if (s->open_csv) {
		char quote[2] = {s->quote ? s->quote : '"', '\0'};
		json_set_str(serde, "SerializationLibrary",
			"org.apache.hadoop.hive.serde2.OpenCSVSerde");
		json_set_str(params, "separatorChar", delimiter);
		json_set_str(params, "quoteChar", quote);
		json_set_str(params, "escapeChar", "\\");
	} else if (!strcmp(s->classification, "csv")) {
		json_set_str(params, "field.delim", delimiter);
	} else if (!strcmp(s->classification, "parquet")) {
		json_set_str(params, "serialization.format", "1");
	} else {
		json_each(c, columns)
		{
			const char *path = json_get_str(c, "Path");
			strbuf_addf(&paths, "%s%s", paths.len ? "," : "",
				path ? path : json_get_str(c, "Name"));
		}
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
	json_set_str(p, "jsonPath", s->json_path);
	if (s->how && s->how->grok)
		json_set_str(p, "grokPattern", s->how->grok_pattern);
	else if (s->how)
		json_set_str(p, "rowTag", s->how->row_tag);
	if (!s->how && !strcmp(s->classification, "csv")) {
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
	struct json *sd = json_object(), *names = json_copy(columns), *c;

	json_each(c, names) json_remove(c, "Path");
	json_set(sd, "Columns", names);
	json_set_str(sd, "Location", location);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (s->how || strcmp(formats[i].classification, s->classification))
			continue;
		json_set_str(sd, "InputFormat", formats[i].input);
		json_set_str(sd, "OutputFormat", formats[i].output);
		json_set(sd, "SerdeInfo", serde_info(s, formats[i].serde, columns));
	}
	if (s->how)
		set_custom_storage(sd, s->how);
	json_set_bool(sd, "Compressed", strcmp(s->compression, "none") != 0);
	json_set_i64(sd, "NumberOfBuckets", -1);
	json_set(sd, "BucketColumns", json_array());
	json_set(sd, "SortColumns", json_array());
	json_set(sd, "Parameters", parameters);
	json_set_bool(sd, "StoredAsSubDirectories", false);
	return sd;
}

struct json *crawl_partition_input(const struct crawl *c, const struct crawl_tree *tree,
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

struct json *crawl_table_input(const struct crawl *c, const struct crawl_tree *tree,
	const struct crawl_table *t, const struct json *exclusions, const char *name)
{
	const struct classified *s = &tree->schemas[t->schema];
	struct json *input = json_object(), *keys = json_array(), *stats;
	int64_t average = t->records ? t->record_bytes / t->records : 0;

	stats = statistics(c, s, t->size, t->objects, t->records, average);
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
