/* What a crawl found, written to the catalog as Glue's crawler does: names, properties, updates and deletions. */
#include "local_crawler.h"
#include "digest.h"
#include "hex.h"
#include "local_catalog.h"
#include "map.h"

/* --- names --- */
static void set_number(struct json *obj, const char *name, int64_t n)
{
	char *text = xasprintf("%lld", (long long)n);

	json_set_str(obj, name, text);
	free(text);
}

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
	bool new_only;    /* CRAWL_NEW_FOLDERS_ONLY */
	struct map known; /* folders that a crawl has seen */
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
static void merge_partitions(struct writer *w, const struct json *old, struct json *found)
{
	struct map seen = MAP_INIT;
	struct json *p;
	char *key;

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

/* Was the folder there when the crawler last looked? Then CRAWL_NEW_FOLDERS_ONLY does not look again. */
static bool is_old_folder(struct writer *w, const char *location)
{
	return w->new_only && map_get(&w->known, location);
}

/* Partitions in new folders, and those of old folders that the catalog still has. */
static struct json *found_partitions(struct writer *w, const struct crawl_tree *tree,
	const struct crawl_table *t, const struct json *old, size_t *fresh)
{
	struct json *partitions = json_array(), *p;
	struct map have = MAP_INIT;

	*fresh = 0;
	json_each(p, old)
	{
		const char *l = json_str(json_path(p, "StorageDescriptor.Location"));
		map_put(&have, l ? l : "", p);
	}
	for (size_t i = 0; i < t->nr; i++) {
		const struct crawl_partition *part = &t->partitions[i];
		bool known = is_old_folder(w, part->location);
		if (known && !map_get(&have, part->location))
			continue;
		*fresh += !known;
		json_push(partitions, crawl_partition_input(w->c, tree, t, part, w->inherit));
	}
	map_release(&have);
	return partitions;
}

/* Column names that the catalog does not take are left out; those that Hive cannot use stay, as in Glue. */
static void check_names(struct writer *w, struct json *input)
{
	struct json *sd = json_get(input, "StorageDescriptor"), *kept = json_array(), *c;

	json_each(c, json_get(sd, "Columns"))
	{
		const char *name = json_get_str(c, "Name"), *at = name;
		while (*at && (unsigned char)*at >= ' ' && *at != 0x7f)
			at++;
		if (*at || !*name || strlen(name) > 255) {
			crawl_log(w->c, "ERROR",
				"Table %s: a column is left out, since the catalog takes names of "
				"1 to 255 characters without control characters",
				json_get_str(input, "Name"));
			continue;
		}
		if (strpbrk(name, ",;:`"))
			crawl_log(w->c, "WARN",
				"Table %s: Hive and Athena cannot use a column named '%s'",
				json_get_str(input, "Name"), name);
		json_push(kept, json_copy(c));
	}
	json_set(sd, "Columns", kept);
}

/* Writes the table, or notes the change where nothing is to be written. */
static int put_table(struct writer *w, const struct json *old, const struct json *old_partitions,
	const struct json *input, const struct json *partitions, struct err *err)
{
	const char *name = json_get_str(input, "Name");

	if (w->c->dry) {
		json_push(
			w->c->changes, crawl_table_change(old, input, old_partitions, partitions));
		return 0;
	}
	if (local_catalog_put_table(w->c->cloud, w->database, input, partitions, err))
		return -1;
	crawl_log(w->c, "INFO", "%s table %s in database %s", old ? "Updated" : "Created", name,
		w->database);
	*(old ? &w->c->updated : &w->c->created) += 1;
	return 0;
}

/* InheritFromTable: what the table has become is what all its partitions are. */
static void inherit_from(const struct json *input, struct json *partitions)
{
	static const char *const inherited[] = {
		"Columns", "InputFormat", "OutputFormat", "SerdeInfo"};
	const struct json *from = json_get(input, "StorageDescriptor");
	struct json *p;

	json_each(p, partitions)
	{
		struct json *sd = json_get(p, "StorageDescriptor");
		for (size_t i = 0; i < ARRAY_SIZE(inherited); i++)
			if (json_get(from, inherited[i]) && sd)
				json_set(sd, inherited[i], json_copy(json_get(from, inherited[i])));
	}
}

static int write_table(struct writer *w, const struct crawl_tree *tree, const struct crawl_table *t,
	const struct json *exclusions, struct err *err)
{
	char *name = choose_name(w->c, w->existing, &w->taken, t);
	const struct json *old = find_table(w->existing, name);
	struct json *input = NULL, *partitions = NULL, *had = NULL;
	size_t fresh;
	int r = 0;

	if (old)
		r = local_catalog_partitions(w->c->cloud, w->database, name, &had, err);
	if (r)
		goto out;
	partitions = found_partitions(w, tree, t, had, &fresh);
	if (w->new_only && (t->nr ? !fresh : old || is_old_folder(w, t->location)))
		goto out;
	input = crawl_table_input(w->c, tree, t, exclusions, name);
	check_names(w, input);
	if (old) {
		keep_old(w, old, input);
		merge_partitions(w, had, partitions);
	} else {
		w->c->partitions_added += (int64_t)json_len(partitions);
	}
	if (w->inherit)
		inherit_from(input, partitions);
	r = put_table(w, old, had, input, partitions, err);
out:
	json_free(input);
	json_free(partitions);
	json_free(had);
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

static struct json *lost_table_change(const struct writer *w, const struct json *table)
{
	bool goes = !strcmp(w->on_delete, "DELETE_FROM_DATABASE");
	struct json *change = json_object();

	json_set_str(change, "Action", goes ? "DELETE" : "DEPRECATE");
	json_set_str(change, "Table", json_get_str(table, "Name"));
	json_set_str(change, "Location", location_of(table));
	return change;
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
	if (w->c->dry) {
		json_push(w->c->changes, lost_table_change(w, table));
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

/* --- folders that a crawl has seen --- */
static int load_known(struct writer *w, struct err *err)
{
	struct local_cloud *cloud = w->c->cloud;
	struct sql_stmt *st;
	int row = -1;

	if (local_tx_begin(cloud, err))
		return -1;
	st = sql_query(cloud->db, err, "SELECT location FROM crawl_folder WHERE crawler = ?", "s",
		w->c->crawler);
	while (st && (row = sql_step(st, err)) > 0)
		map_put(&w->known, sql_text(st, 0), w);
	sql_done(st);
	local_tx_end(cloud);
	return row;
}

struct seen {
	const struct writer *w;
	const struct crawl_tables *found;
	size_t nr;
};

static int add_seen_tx(
	struct local_cloud *cloud, const char *crawler, const char *location, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"INSERT OR IGNORE INTO crawl_folder (crawler, location) VALUES (?, ?)", "ss",
		crawler, location);
}

static int save_seen_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct seen *s = payload;
	const char *crawler = s->w->c->crawler;
	int r = 0;

	if (!s->w->new_only)
		r = sql_run(cloud->db, NULL, err, "DELETE FROM crawl_folder WHERE crawler = ?", "s",
			crawler);
	for (size_t i = 0; !r && i < s->nr; i++)
		for (size_t k = 0; !r && k < s->found[i].nr; k++) {
			const struct crawl_table *t = &s->found[i].v[k];
			r = add_seen_tx(cloud, crawler, t->location, err);
			for (size_t p = 0; !r && p < t->nr; p++)
				r = add_seen_tx(cloud, crawler, t->partitions[p].location, err);
		}
	return r;
}

static int save_seen(
	const struct writer *w, const struct crawl_tables *found, size_t nr, struct err *err)
{
	struct seen s = {w, found, nr};

	return w->c->dry ? 0 : local_tx(w->c->cloud, save_seen_tx, &s, err);
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
	map_init(&w->known, NULL);
	if (recrawl && strcmp(recrawl, "CRAWL_EVERYTHING")) {
		w->new_only = true;
		w->update = false;
		w->on_delete = "LOG";
	}
	if (configuration && *configuration)
		w->configuration = json_parse(configuration, strlen(configuration), &ignored);
	err_release(&ignored);
	w->inherit = output_behavior(w->configuration, "Partitions", "InheritFromTable");
	w->merge = output_behavior(w->configuration, "Tables", "MergeNewColumns");
	if (w->new_only && load_known(w, err))
		return -1;
	return local_catalog_tables(c->cloud, w->database, &w->existing, err);
}

int crawl_write(struct crawl *c, struct crawl_tree *const *trees, struct crawl_tables *found,
	size_t nr, struct err *err)
{
	struct writer w = {.taken = STRVEC_INIT};
	const struct json *targets = json_path(c->doc, "Targets.S3Targets");
	int r = open_writer(&w, c, err);

	for (size_t i = 0; !r && i < nr; i++)
		for (size_t k = 0; !r && k < found[i].nr; k++)
			r = write_table(&w, trees[i], &found[i].v[k],
				json_get(json_at(targets, i), "Exclusions"), err);
	if (!r)
		r = lose_tables(&w, err);
	if (!r)
		r = save_seen(&w, found, nr, err);
	map_release(&w.known);
	json_free(w.existing);
	json_free(w.configuration);
	strvec_release(&w.taken);
	return r;
}
