/* What a crawl would change: tables, columns and partitions before and after, told apart. */
#include "local_crawler.h"
#include "map.h"

/* More partitions than these are counted, not named. */
#define MAX_NAMED 1000

static const struct json *columns_of(const struct json *doc)
{
	return json_path(doc, "StorageDescriptor.Columns");
}

static struct json *column_change(
	const char *action, const char *name, const char *before, const char *after)
{
	struct json *c = json_object();

	json_set_str(c, "Action", action);
	json_set_str(c, "Name", name);
	json_set_str(c, "OldType", before);
	json_set_str(c, "NewType", after);
	return c;
}

static struct json *column_changes(const struct json *before, const struct json *after)
{
	struct map old = MAP_INIT, now = MAP_INIT;
	struct json *list = json_array(), *c;

	json_each(c, before) map_put(&old, json_get_str(c, "Name"), c);
	json_each(c, after)
	{
		const char *name = json_get_str(c, "Name"), *type = json_get_str(c, "Type");
		const struct json *was = map_get(&old, name);
		const char *old_type = json_get_str(was, "Type");
		map_put(&now, name, c);
		if (!was)
			json_push(list, column_change("ADD", name, NULL, type));
		else if (strcmp(old_type ? old_type : "", type ? type : ""))
			json_push(list, column_change("CHANGE", name, old_type, type));
	}
	json_each(c, before)
	{
		const char *name = json_get_str(c, "Name");
		if (!map_get(&now, name))
			json_push(
				list, column_change("REMOVE", name, json_get_str(c, "Type"), NULL));
	}
	map_release(&old);
	map_release(&now);
	return list;
}

/* --- partitions --- */
static char *values_text(const struct json *partition)
{
	struct strbuf sb = STRBUF_INIT;

	json_print_canonical(json_get(partition, "Values"), &sb);
	return strbuf_detach(&sb, NULL);
}

static void index_partitions(struct map *m, const struct json *partitions)
{
	struct json *p;

	json_each(p, partitions)
	{
		char *key = values_text(p);
		map_put(m, key, p);
		free(key);
	}
}

static bool same_partition(const struct json *a, const struct json *b)
{
	return json_equal(columns_of(a), columns_of(b)) &&
	       json_equal(json_path(a, "StorageDescriptor.Location"),
		       json_path(b, "StorageDescriptor.Location")) &&
	       !json_path(a, "Parameters.DEPRECATED_BY_CRAWLER") ==
		       !json_path(b, "Parameters.DEPRECATED_BY_CRAWLER");
}

struct tally {
	struct json *named;
	int64_t nr;
};

static void count(struct tally *t, const struct json *partition)
{
	if (t->nr++ < MAX_NAMED)
		json_push(t->named, json_copy(json_get(partition, "Values")));
}

static void put_tally(struct json *out, const char *name, struct tally *t)
{
	struct json *o = json_object();

	json_set_i64(o, "Count", t->nr);
	json_set(o, "Values", t->named);
	json_set(out, name, o);
}

/* NULL: they stay as they are. */
static struct json *partition_changes(const struct json *before, const struct json *after)
{
	struct map old = MAP_INIT, now = MAP_INIT;
	struct tally added = {json_array(), 0}, changed = {json_array(), 0};
	struct tally removed = {json_array(), 0}, deprecated = {json_array(), 0};
	struct json *out = json_object(), *p;

	index_partitions(&old, before);
	index_partitions(&now, after);
	json_each(p, after)
	{
		char *key = values_text(p);
		const struct json *was = map_get(&old, key);
		free(key);
		if (!was)
			count(&added, p);
		else if (!same_partition(was, p))
			count(json_path(p, "Parameters.DEPRECATED_BY_CRAWLER") ? &deprecated
									       : &changed,
				p);
	}
	json_each(p, before)
	{
		char *key = values_text(p);
		if (!map_get(&now, key))
			count(&removed, p);
		free(key);
	}
	map_release(&old);
	map_release(&now);
	put_tally(out, "Added", &added);
	put_tally(out, "Changed", &changed);
	put_tally(out, "Deprecated", &deprecated);
	put_tally(out, "Removed", &removed);
	if (added.nr + changed.nr + deprecated.nr + removed.nr)
		return out;
	json_free(out);
	return NULL;
}

/* --- tables --- */
static bool same_string(const struct json *a, const struct json *b, const char *path)
{
	return json_equal(json_path(a, path), json_path(b, path));
}

struct json *crawl_table_change(const struct json *old, const struct json *input,
	const struct json *old_partitions, const struct json *partitions)
{
	struct json *c = json_object(), *columns, *parts;
	bool same;

	columns = column_changes(columns_of(old), columns_of(input));
	parts = partition_changes(old_partitions, partitions);
	same = old && !json_len(columns) && !parts &&
	       json_equal(json_get(old, "PartitionKeys"), json_get(input, "PartitionKeys")) &&
	       same_string(old, input, "StorageDescriptor.Location") &&
	       same_string(old, input, "Parameters.classification") &&
	       same_string(old, input, "Parameters.recordCount") &&
	       same_string(old, input, "Parameters.sizeKey") &&
	       !json_path(old, "Parameters.DEPRECATED_BY_CRAWLER");
	if (same) {
		json_free(c);
		json_free(columns);
		return NULL;
	}
	json_set_str(c, "Action", old ? "UPDATE" : "CREATE");
	json_set_str(c, "Table", json_get_str(input, "Name"));
	json_set_str(c, "Location", json_str(json_path(input, "StorageDescriptor.Location")));
	json_set_str(c, "Classification", json_str(json_path(input, "Parameters.classification")));
	json_set(c, "Columns", columns);
	if (json_len(json_get(input, "PartitionKeys")))
		json_set(c, "PartitionKeys", json_copy(json_get(input, "PartitionKeys")));
	json_set(c, "Partitions", parts);
	return c;
}
