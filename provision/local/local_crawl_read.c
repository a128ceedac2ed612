/* What a crawl reads: the definition, the role's rights, each target's objects, and what they are. */
#include "local_catalog.h"
#include "local_classifiers.h"
#include "local_crawler.h"
#include "local_iam.h"
#include "local_objects.h"
#include "uri.h"

static int not_allowed(struct crawl *c, const char *bucket, const char *key, struct err *err)
{
	return err_set(err, ERR_DENIED,
		"Insufficient permissions: Access Denied (Service: Amazon S3; Status Code: 403; "
		"Error Code: "
		"AccessDenied) for role %s at s3://%s/%s",
		json_get_str(c->doc, "Role"), bucket, key);
}

/* Reading is asked of IAM once a folder. */
static bool may_read(
	struct crawl *c, const char *bucket, const char *key, struct strbuf *folder, bool *last)
{
	const char *slash = strrchr(key, '/');
	size_t len = slash ? (size_t)(slash - key) + 1 : 0;
	char *arn;

	if (folder->len == len + 1 && !strncmp(folder->buf + 1, key, len))
		return *last;
	strbuf_clear(folder);
	strbuf_addch(folder, '=');
	strbuf_add(folder, key, len);
	arn = xasprintf("arn:aws:s3:::%s/%s", bucket, key);
	*last = local_iam_allows(c->cloud, &c->who, "s3:GetObject", arn);
	free(arn);
	return *last;
}

/* Markers of folders and jobs, and what Hive does not see. */
static bool ignored(const struct local_object *o)
{
	const char *slash = strrchr(o->key, '/');
	const char *name = slash ? slash + 1 : o->key;

	return !o->size || !*name || *name == '_' || *name == '.' || ends_with(name, "_$folder$");
}

/* A target while it is read. */
struct reading {
	struct crawl *c;
	struct crawl_tree *tree;
	const struct json *exclusions;
	int64_t sample;       /* files of a folder that are looked into; 0: all */
	struct strbuf folder; /* '=' and the folder that may_read() was asked of last */
	bool allowed;
	struct strbuf sampled; /* the folder whose files are counted */
	int64_t taken;
};

/* Is the file beyond what SampleSize looks into in its folder? */
static bool beyond_sample(struct reading *r, const char *key)
{
	const char *slash = strrchr(key, '/');
	size_t len = slash ? (size_t)(slash - key) + 1 : 0;

	if (!r->sample)
		return false;
	if (r->sampled.len != len || strncmp(r->sampled.buf, key, len)) {
		strbuf_clear(&r->sampled);
		strbuf_add(&r->sampled, key, len);
		r->taken = 0;
	}
	return r->taken++ >= r->sample;
}

static int take_object(struct reading *r, const struct local_object *o, struct err *err)
{
	struct crawl_tree *tree = r->tree;
	struct classified found = CLASSIFIED_INIT;
	struct err gone = ERR_INIT;

	if (crawl_excluded(r->exclusions, o->key + strlen(tree->prefix)))
		return 0;
	if (beyond_sample(r, o->key) && crawl_tree_add_alike(tree, o->key, o->size))
		return 0;
	if (classify_file(o->path, o->size, &r->c->custom, &found, &gone)) {
		/* deleted since it was listed */
		bool missing = gone.code == ERR_NOT_FOUND;
		if (!missing)
			err_move(err, &gone);
		err_release(&gone);
		return missing ? 0 : -1;
	}
	if (found.problem)
		crawl_log(r->c, "ERROR", "s3://%s/%s is left out: %s", tree->bucket, o->key,
			found.problem);
	if (found.twice)
		crawl_log(r->c, "WARN",
			"s3://%s/%s has objects where '%s' and another member are one column: "
			"Athena and jobs refuse these",
			tree->bucket, o->key, found.twice);
	crawl_tree_add(tree, o->key, o->size, &found);
	return 0;
}

/* 1: stopped. */
static int take_page(struct reading *r, const struct local_object_list *page, struct err *err)
{
	enum { ASK_EVERY = 100 };

	for (size_t i = 0; i < page->nr; i++) {
		const struct local_object *o = &page->v[i];
		if (i % ASK_EVERY == 0 && crawl_stopped(r->c))
			return 1;
		if (ignored(o))
			continue;
		if (!may_read(r->c, r->tree->bucket, o->key, &r->folder, &r->allowed))
			return not_allowed(r->c, r->tree->bucket, o->key, err);
		if (take_object(r, o, err))
			return -1;
	}
	return 0;
}

/* All objects below the prefix; 1: stopped. */
static int read_target(struct reading *rd, struct err *err)
{
	enum { PAGE = 1000 };
	struct crawl_tree *tree = rd->tree;
	char *after = NULL;
	size_t nr = PAGE;
	int r = 0;

	while (!r && nr == PAGE) {
		struct local_object_list page = LOCAL_OBJECT_LIST_INIT;
		r = local_object_list(rd->c->cloud, &rd->c->who, tree->bucket, tree->prefix, after,
			PAGE, &page, err);
		if (r && err->code == ERR_DENIED)
			not_allowed(rd->c, tree->bucket, tree->prefix, err);
		nr = page.nr;
		free(after);
		after = nr ? xstrdup(page.v[nr - 1].key) : NULL;
		if (!r)
			r = take_page(rd, &page, err);
		local_object_list_release(&page);
	}
	free(after);
	return r;
}

/* One object by its full name. */
static int read_one(struct reading *r, const struct local_object *one, struct err *err)
{
	if (!may_read(r->c, r->tree->bucket, one->key, &r->folder, &r->allowed))
		return not_allowed(r->c, r->tree->bucket, one->key, err);
	r->exclusions = NULL;
	return take_object(r, one, err);
}

/* The include path as a tree: a folder, or one object by its full name. 1: stopped. */
static int open_target(
	struct crawl *c, const struct json *target, struct crawl_tree **tree, struct err *err)
{
	const char *path = json_get_str(target, "Path");
	char *uri = starts_with(path, "s3://") ? xstrdup(path) : xasprintf("s3://%s", path);
	struct local_object one = {0};
	struct reading reading = {.c = c,
		.exclusions = json_get(target, "Exclusions"),
		.sample = json_get_i64(target, "SampleSize", 0),
		.folder = STRBUF_INIT,
		.sampled = STRBUF_INIT};
	struct err none = ERR_INIT;
	char *bucket = NULL, *key = NULL, *folder = NULL;
	const char *slash;
	int r = -1;

	if (s3_uri_split(uri, &bucket, &key, err))
		goto out;
	if (!local_bucket_exists(c->cloud, bucket)) {
		err_set(err, ERR_NOT_FOUND, "S3 bucket %s does not exist", bucket);
		goto out;
	}
	if (*key && !ends_with(key, "/") &&
		!local_object_head(c->cloud, &c->who, bucket, key, &one, &none)) {
		slash = strrchr(key, '/');
		folder = xstrndup(key, slash ? (size_t)(slash - key) + 1 : 0);
		reading.tree = *tree = crawl_tree_new(bucket, folder);
		r = read_one(&reading, &one, err);
		goto out;
	}
	folder = xasprintf("%s%s", key, !*key || ends_with(key, "/") ? "" : "/");
	reading.tree = *tree = crawl_tree_new(bucket, folder);
	r = read_target(&reading, err);
out:
	strbuf_release(&reading.folder);
	strbuf_release(&reading.sampled);
	local_object_release(&one);
	err_release(&none);
	free(uri);
	free(bucket);
	free(key);
	free(folder);
	return r;
}

static void read_options(const struct crawl *c, struct crawl_options *o)
{
	const char *text = json_get_str(c->doc, "Configuration");
	struct err bad = ERR_INIT;
	struct json *doc = text && *text ? json_parse(text, strlen(text), &bad) : NULL;
	const char *policy = json_str(json_path(doc, "Grouping.TableGroupingPolicy"));

	o->combine = policy && !strcmp(policy, "CombineCompatibleSchemas");
	o->table_level = (int)json_i64(json_path(doc, "Grouping.TableLevelConfiguration"), 0);
	o->threshold = json_i64(json_path(doc, "CrawlerOutput.Tables.TableThreshold"), 0);
	json_free(doc);
	err_release(&bad);
}

static int check_threshold(
	const struct crawl_options *o, const struct crawl_tables *found, size_t nr, struct err *err)
{
	size_t tables = 0;

	for (size_t i = 0; i < nr; i++)
		tables += found[i].nr;
	if (o->threshold <= 0 || (int64_t)tables <= o->threshold)
		return 0;
	return err_set(err, ERR_INVALID,
		"The number of tables detected by crawler: %zu is greater than the table threshold "
		"value: %lld",
		tables, (long long)o->threshold);
}

static int crawl_targets(struct crawl *c, struct err *err)
{
	const struct json *targets = json_path(c->doc, "Targets.S3Targets");
	struct crawl_tree **trees = xcalloc(json_len(targets) + 1, sizeof(*trees));
	struct crawl_tables *found = xcalloc(json_len(targets) + 1, sizeof(*found));
	struct crawl_options options;
	struct json *target;
	size_t nr = 0;
	int r = 0;

	read_options(c, &options);
	json_each(target, targets)
	{
		if ((r = open_target(c, target, &trees[nr++], err)))
			break;
		crawl_plan(trees[nr - 1], &options, &found[nr - 1]);
	}
	if (!r && crawl_stopped(c))
		r = 1;
	if (!r)
		r = check_threshold(&options, found, nr, err);
	if (!r) {
		crawl_log(c, "BENCHMARK", "Classification complete, writing results to database %s",
			json_get_str(c->doc, "DatabaseName"));
		r = crawl_write(c, trees, found, nr, err);
	}
	for (size_t i = 0; i < nr; i++) {
		crawl_tables_release(&found[i]);
		crawl_tree_free(trees[i]);
	}
	free(trees);
	free(found);
	return r;
}

/* What a definition may have, but the local cloud does not crawl. */
static int check_crawlable(const struct crawl *c, struct err *err)
{
	const char *recrawl = json_str(json_path(c->doc, "RecrawlPolicy.RecrawlBehavior"));
	struct json *t;

	json_each(t, json_get(c->doc, "Targets"))
	{
		if (strcmp(json_name(t), "S3Targets") && json_len(t))
			return err_set(err, ERR_INVALID, "%s are not crawled by the local cloud",
				json_name(t));
	}
	if (recrawl && !strcmp(recrawl, "CRAWL_EVENT_MODE"))
		return err_set(err, ERR_INVALID,
			"RecrawlBehavior CRAWL_EVENT_MODE is not supported by the local cloud");
	return 0;
}

static int add_classifier_tx(struct crawl *c, const char *name, struct err *err)
{
	struct json *doc = local_classifier_get_tx(c->cloud, name, err);
	struct classifier custom;
	int r;

	if (!doc)
		return -1;
	r = classifier_init(&custom, doc, err);
	json_free(doc);
	if (r)
		return -1;
	ALLOC_GROW(c->custom.v, c->custom.nr, c->custom.alloc);
	c->custom.v[c->custom.nr++] = custom;
	return 0;
}

static int load_definition(struct crawl *c, struct err *err)
{
	struct json *name;
	int r;

	if (local_tx_begin(c->cloud, err))
		return -1;
	c->doc = crawler_get_tx(c->cloud, c->crawler, err);
	r = c->doc ? check_crawlable(c, err) : -1;
	json_each(name, json_get(c->doc, "Classifiers"))
	{
		if (!r && json_str(name))
			r = add_classifier_tx(c, json_str(name), err);
	}
	local_tx_end(c->cloud);
	return r;
}

static int prepare(struct crawl *c, struct err *err)
{
	const char *database, *role, *slash;
	struct json *db;
	char *name = NULL;

	if (load_definition(c, err))
		return -1;
	database = json_get_str(c->doc, "DatabaseName");
	role = json_get_str(c->doc, "Role");
	slash = strrchr(role, '/');
	if (local_iam_role_for_service(
		    c->cloud, slash ? slash + 1 : role, "glue.amazonaws.com", &name, err))
		return err_wrap(err, "Service Principal: glue.amazonaws.com is not authorized to "
				     "assume the role");
	if (local_iam_role_principal(c->cloud, name, "AWS-Crawler", &c->who, err)) {
		free(name);
		return -1;
	}
	free(name);
	if (!database || !*database)
		return err_set(err, ERR_INVALID, "Database name is missing in the crawler");
	if (local_catalog_database(c->cloud, database, &db, err))
		return -1;
	json_free(db);
	return 0;
}

int crawl_work(struct crawl *c, struct err *err)
{
	return prepare(c, err) ? -1 : crawl_targets(c, err);
}
