#ifndef LOCAL_CRAWL_PLAN_H
#define LOCAL_CRAWL_PLAN_H

/*
 * From files to tables, by Glue's rules, without cloud or disk: a tree of folders with what each file was classified as
 * becomes a list of tables with partitions.
 *
 * A folder whose files lie all at one depth and fit together is one table, its levels below are partition keys. A folder
 * that is not splits: each folder in it is looked at by itself, each file in it is a table of its own. Files fit when format
 * and compression are the same and, unless `combine`, 70 % of their columns are. A broken file, which began as JSON and
 * then was none, is left out where others stand beside it.
 */
#include "json.h"
#include "local_classify.h"
#include "map.h"
#include "strvec.h"

struct crawl_file {
	char *name;
	int64_t size, records, record_size;
	size_t schema; /* index into the tree's */
	bool broken;
};

struct crawl_folder {
	char *name;
	struct crawl_folder **folders;
	size_t nr_folders, alloc_folders;
	struct crawl_file *files;
	size_t nr_files, alloc_files;
};

struct crawl_tree {
	char *bucket, *prefix; /* prefix "" or with a '/' at its end */
	struct crawl_folder *root;
	struct classified *schemas; /* without sizes: one for all files that are alike */
	size_t nr_schemas, alloc_schemas;
	struct map by_text; /* a schema as text: to its index plus one */
};

struct crawl_partition {
	struct strvec values;
	char *location;
	struct json *columns;
	size_t schema;
	int64_t size, records, objects;
};

struct crawl_table {
	char *name;     /* without the crawler's prefix */
	char *location; /* s3://bucket/folder/ or s3://bucket/file */
	size_t schema;  /* the first file's: format, compression, delimiter */
	struct json *columns;
	struct strvec keys;
	struct crawl_partition *partitions;
	size_t nr, alloc;
	int64_t size, records, objects,
		record_bytes; /* record_bytes: sum of records * average size */
};

struct crawl_tables {
	struct crawl_table *v;
	size_t nr, alloc;
};

struct crawl_options {
	bool combine;      /* TableGroupingPolicy CombineCompatibleSchemas */
	int table_level;   /* TableLevelConfiguration; 1 = bucket; 0 = none */
	int64_t threshold; /* TableThreshold: more tables fail the crawl; 0 = none */
};

struct crawl_tree *crawl_tree_new(const char *bucket, const char *prefix);
void crawl_tree_free(struct crawl_tree *t);
/* `key` below the prefix; takes the classification's contents. */
void crawl_tree_add(struct crawl_tree *t, const char *key, int64_t size, struct classified *c);
/* A file that is not looked into: like the one before it in its folder. False: there is none before it. */
bool crawl_tree_add_alike(struct crawl_tree *t, const char *key, int64_t size);
void crawl_plan(
	const struct crawl_tree *t, const struct crawl_options *o, struct crawl_tables *out);
void crawl_tables_release(struct crawl_tables *t);

/* Lower case, everything but letters, digits and '_' becomes '_'; malloc'd. */
char *crawl_table_name(const char *name);
/* %XX of Hive's partition folders; malloc'd. */
char *crawl_unescape(const char *value);
/* Glue's exclude patterns: globs with ** and {a,b}, on the key behind the include path. */
bool crawl_excluded(const struct json *patterns, const char *relative);

#endif
