#include "local_crawl_plan.h"
#include "local_shape.h"
#include "strbuf.h"
#include <ctype.h>

#define SIMILAR_PERCENT 70

/* --- names --- */
char *crawl_table_name(const char *name)
{
	char *s = xstrdup(name);

	lower_ascii(s);
	for (char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && (unsigned char)*c < 0x80)
			*c = '_';
	return s;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

char *crawl_unescape(const char *value)
{
	struct strbuf sb = STRBUF_INIT;

	for (; *value; value++) {
		int hi = *value == '%' ? hex(value[1]) : -1;
		int lo = hi >= 0 ? hex(value[2]) : -1;
		if (lo >= 0 && hi + lo > 0) {
			strbuf_addch(&sb, (char)(hi * 16 + lo));
			value += 2;
		} else {
			strbuf_addch(&sb, *value);
		}
	}
	return strbuf_detach(&sb, NULL);
}

/* Tries each alternative of the first {a,b}. */
static bool match_braces(const char *pattern, const char *s, int depth)
{
	const char *open = strchr(pattern, '{'), *close = open ? strchr(open, '}') : NULL;
	const char *from, *at;

	if (!close || depth > 8)
		return glob_match(pattern, s);
	for (from = open + 1; from <= close; from = at + 1) {
		char *one;
		bool matched;
		at = from + strcspn(from, ",}");
		one = xasprintf("%.*s%.*s%s", (int)(open - pattern), pattern, (int)(at - from),
			from, close + 1);
		matched = match_braces(one, s, depth + 1);
		free(one);
		if (matched)
			return true;
	}
	return false;
}

bool crawl_excluded(const struct json *patterns, const char *relative)
{
	struct json *p;

	json_each(p, patterns)
	{
		const char *pattern = json_str(p);
		if (pattern && match_braces(*pattern == '/' ? pattern + 1 : pattern, relative, 0))
			return true;
	}
	return false;
}

/* --- the tree --- */
static struct crawl_folder *folder_new(const char *name, size_t len)
{
	struct crawl_folder *f = xcalloc(1, sizeof(*f));

	f->name = xstrndup(name, len);
	return f;
}

static void folder_free(struct crawl_folder *f)
{
	for (size_t i = 0; i < f->nr_folders; i++)
		folder_free(f->folders[i]);
	for (size_t i = 0; i < f->nr_files; i++)
		free(f->files[i].name);
	free(f->folders);
	free(f->files);
	free(f->name);
	free(f);
}

struct crawl_tree *crawl_tree_new(const char *bucket, const char *prefix)
{
	struct crawl_tree *t = xcalloc(1, sizeof(*t));

	t->bucket = xstrdup(bucket);
	t->prefix = xstrdup(prefix);
	t->root = folder_new("", 0);
	map_init(&t->by_text, NULL);
	return t;
}

void crawl_tree_free(struct crawl_tree *t)
{
	if (!t)
		return;
	folder_free(t->root);
	for (size_t i = 0; i < t->nr_schemas; i++)
		classified_release(&t->schemas[i]);
	free(t->schemas);
	map_release(&t->by_text);
	free(t->bucket);
	free(t->prefix);
	free(t);
}

/* All that makes two files alike, as one string. */
static char *schema_text(const struct classified *c)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "%s %s %s %d %d %d %d %d %s ", c->how ? c->how->name : "",
		c->classification, c->compression, c->delimiter, c->quote, c->header, c->quoted,
		c->open_csv, c->json_path ? c->json_path : "");
	json_print(c->columns, &sb);
	return strbuf_detach(&sb, NULL);
}

static size_t intern_schema(struct crawl_tree *t, struct classified *c)
{
	char *text = schema_text(c);
	size_t known = (size_t)(uintptr_t)map_get(&t->by_text, text);

	if (known) {
		classified_release(c);
		free(text);
		return known - 1;
	}
	ALLOC_GROW(t->schemas, t->nr_schemas, t->alloc_schemas);
	t->schemas[t->nr_schemas] = *c;
	*c = (struct classified){0};
	map_put(&t->by_text, text, (void *)(uintptr_t)(t->nr_schemas + 1));
	free(text);
	return t->nr_schemas++;
}

/* Keys come sorted, so a folder's keys stand together: it is the last one or it is new. */
static struct crawl_folder *enter(struct crawl_folder *f, const char *name, size_t len)
{
	struct crawl_folder *last = f->nr_folders ? f->folders[f->nr_folders - 1] : NULL;

	if (last && strlen(last->name) == len && !memcmp(last->name, name, len))
		return last;
	ALLOC_GROW(f->folders, f->nr_folders, f->alloc_folders);
	f->folders[f->nr_folders] = folder_new(name, len);
	return f->folders[f->nr_folders++];
}

/* The folder that holds the file, and the file's name in it. */
static struct crawl_folder *folder_of(struct crawl_tree *t, const char *key, const char **name)
{
	const char *at = key + strlen(t->prefix), *slash;
	struct crawl_folder *f = t->root;

	for (; (slash = strchr(at, '/')); at = slash + 1)
		f = enter(f, at, (size_t)(slash - at));
	*name = at;
	return f;
}

/* Takes `file`. */
static void add_file(struct crawl_folder *f, struct crawl_file file)
{
	ALLOC_GROW(f->files, f->nr_files, f->alloc_files);
	f->files[f->nr_files++] = file;
}

void crawl_tree_add(struct crawl_tree *t, const char *key, int64_t size, struct classified *c)
{
	const char *name;
	struct crawl_folder *f = folder_of(t, key, &name);
	struct crawl_file file = {.name = xstrdup(name),
		.size = size,
		.records = c->records,
		.record_size = c->record_size,
		.broken = c->problem != NULL};

	file.schema = intern_schema(t, c);
	add_file(f, file);
}

bool crawl_tree_add_alike(struct crawl_tree *t, const char *key, int64_t size)
{
	const char *name;
	struct crawl_folder *f = folder_of(t, key, &name);
	struct crawl_file file;

	if (!f->nr_files)
		return false;
	file = f->files[f->nr_files - 1];
	file.name = xstrdup(name);
	file.size = size;
	file.records = file.record_size ? size / file.record_size : 0;
	add_file(f, file);
	return true;
}

/* --- do files fit together? --- */
static size_t common_columns(const struct json *a, const struct json *b)
{
	struct json *x, *y;
	size_t n = 0;

	json_each(x, a)
	{
		json_each(y, b)
		{
			if (!strcmp(json_get_str(x, "Name"), json_get_str(y, "Name"))) {
				n++;
				break;
			}
		}
	}
	return n;
}

static bool fits(const struct crawl_tree *t, const struct crawl_options *o, size_t i, size_t k)
{
	const struct classified *a = &t->schemas[i], *b = &t->schemas[k];
	size_t na, nb;

	if (i == k)
		return true;
	if (strcmp(a->classification, b->classification) ||
		strcmp(a->compression, b->compression) || a->delimiter != b->delimiter ||
		a->quote != b->quote || a->how != b->how || a->open_csv != b->open_csv ||
		!a->json_path != !b->json_path ||
		(a->json_path && strcmp(a->json_path, b->json_path)))
		return false;
	if (o->combine)
		return true;
	na = json_len(a->columns);
	nb = json_len(b->columns);
	return common_columns(a->columns, b->columns) * 100 >=
	       SIMILAR_PERCENT * (na > nb ? na : nb);
}

struct survey {
	const struct crawl_tree *tree;
	const struct crawl_options *options;
	int depth; /* of the files; -1: none seen */
	size_t schema;
	bool mixed;
	bool broken; /* look at broken files: there are no others */
};

static void survey(struct survey *s, const struct crawl_folder *f, int depth)
{
	for (size_t i = 0; i < f->nr_files && !s->mixed; i++) {
		if (f->files[i].broken && !s->broken)
			continue;
		if (s->depth < 0) {
			s->depth = depth;
			s->schema = f->files[i].schema;
		}
		s->mixed = s->depth != depth ||
			   !fits(s->tree, s->options, s->schema, f->files[i].schema);
	}
	for (size_t i = 0; i < f->nr_folders && !s->mixed; i++)
		survey(s, f->folders[i], depth + 1);
}

/* --- tables --- */
struct planner {
	const struct crawl_tree *tree;
	const struct crawl_options *options;
	struct crawl_tables *out;
	bool broken; /* of the table being filled: it is made of broken files */
};

static struct crawl_table *add_table(
	struct planner *p, const char *name, char *location, size_t schema)
{
	struct crawl_table *t;

	ALLOC_GROW(p->out->v, p->out->nr, p->out->alloc);
	t = &p->out->v[p->out->nr++];
	*t = (struct crawl_table){.location = location, .schema = schema, .keys = STRVEC_INIT};
	t->name = crawl_table_name(name);
	t->columns = json_copy(p->tree->schemas[schema].columns);
	return t;
}

static void count_file(struct crawl_table *t, const struct crawl_file *f)
{
	t->size += f->size;
	t->records += f->records;
	t->record_bytes += f->records * f->record_size;
	t->objects++;
}

static void file_table(struct planner *p, const char *path, const struct crawl_file *f)
{
	struct crawl_table *t = add_table(
		p, f->name, xasprintf("s3://%s/%s%s", p->tree->bucket, path, f->name), f->schema);

	count_file(t, f);
}

/* "k" when all folders of one level are k=…; NULL where they are not. */
struct level {
	char *key;
	bool plain;
};

static void name_levels(const struct crawl_folder *f, struct level *levels, int depth)
{
	for (size_t i = 0; i < f->nr_folders; i++) {
		const char *name = f->folders[i]->name, *eq = strchr(name, '=');
		struct level *l = &levels[depth];
		if (!eq || eq == name ||
			(l->key && (strlen(l->key) != (size_t)(eq - name) ||
					   strncmp(l->key, name, (size_t)(eq - name)))))
			l->plain = true;
		else if (!l->key)
			l->key = xstrndup(name, (size_t)(eq - name));
		name_levels(f->folders[i], levels, depth + 1);
	}
}

static void add_partition(struct planner *p, struct crawl_table *t, const struct crawl_folder *f,
	const char *path, const struct strvec *values)
{
	struct crawl_partition part = {.values = STRVEC_INIT};
	size_t first = 0;

	while (first < f->nr_files && f->files[first].broken && !p->broken)
		first++;
	if (first == f->nr_files)
		return;
	for (size_t i = 0; i < values->nr; i++)
		strvec_push(&part.values, values->v[i]);
	part.location = xasprintf("s3://%s/%s", p->tree->bucket, path);
	part.schema = f->files[first].schema;
	part.columns = json_copy(p->tree->schemas[part.schema].columns);
	for (size_t i = first; i < f->nr_files; i++) {
		const struct crawl_file *file = &f->files[i];
		if (file->broken && !p->broken)
			continue;
		if (file->schema != part.schema)
			columns_merge(part.columns, p->tree->schemas[file->schema].columns);
		part.size += file->size;
		part.records += file->records;
		part.objects++;
	}
	ALLOC_GROW(t->partitions, t->nr, t->alloc);
	t->partitions[t->nr++] = part;
}

/* All files below, and a partition for each folder that holds some. */
static void fill_table(struct planner *p, size_t table, const struct crawl_folder *f,
	const char *path, struct strvec *values, const struct level *levels)
{
	struct crawl_table *t = &p->out->v[table];

	for (size_t i = 0; i < f->nr_files; i++) {
		if (f->files[i].broken && !p->broken)
			continue;
		if (f->files[i].schema != t->schema)
			columns_merge(t->columns, p->tree->schemas[f->files[i].schema].columns);
		count_file(t, &f->files[i]);
	}
	if (values->nr)
		add_partition(p, t, f, path, values);
	for (size_t i = 0; i < f->nr_folders; i++) {
		const char *name = f->folders[i]->name, *eq = strchr(name, '=');
		char *below = xasprintf("%s%s/", path, name);
		strvec_push_take(
			values, levels[values->nr].plain ? xstrdup(name) : crawl_unescape(eq + 1));
		fill_table(p, table, f->folders[i], below, values, levels);
		strvec_remove(values, values->nr - 1);
		free(below);
	}
}

static void folder_table(struct planner *p, const char *name, const char *path,
	const struct crawl_folder *f, const struct survey *s)
{
	struct level *levels = xcalloc((size_t)s->depth + 1, sizeof(*levels));
	struct strvec values = STRVEC_INIT;
	struct crawl_table *t =
		add_table(p, name, xasprintf("s3://%s/%s", p->tree->bucket, path), s->schema);

	name_levels(f, levels, 0);
	for (int i = 0; i < s->depth; i++) {
		if (levels[i].plain) {
			strvec_pushf(&t->keys, "partition_%d", i);
		} else {
			lower_ascii(levels[i].key);
			strvec_push(&t->keys, levels[i].key);
		}
	}
	fill_table(p, p->out->nr - 1, f, path, &values, levels);
	for (int i = 0; i < s->depth; i++)
		free(levels[i].key);
	free(levels);
	strvec_release(&values);
}

/* `level` counts as Glue's TableLevelConfiguration: 1 is the bucket. */
static void plan_folder(struct planner *p, const char *name, const char *path,
	const struct crawl_folder *f, int level)
{
	struct survey s = {p->tree, p->options, -1, 0, false, false};

	survey(&s, f, 0);
	if (s.depth < 0) {
		s.broken = true;
		survey(&s, f, 0);
	}
	if (s.depth < 0)
		return;
	p->broken = s.broken;
	if (!s.mixed && (!p->options->table_level || level >= p->options->table_level)) {
		folder_table(p, name, path, f, &s);
		return;
	}
	for (size_t i = 0; i < f->nr_files; i++)
		if (!f->files[i].broken || s.broken)
			file_table(p, path, &f->files[i]);
	for (size_t i = 0; i < f->nr_folders; i++) {
		char *below = xasprintf("%s%s/", path, f->folders[i]->name);
		plan_folder(p, f->folders[i]->name, below, f->folders[i], level + 1);
		free(below);
	}
}

/* Where a partition saw nothing, the table may know more. */
static void fill_void(struct json *columns, const struct json *of_table)
{
	struct json *c, *known;

	json_each(c, columns)
	{
		if (strcmp(json_get_str(c, "Type"), "void"))
			continue;
		json_each(known, of_table)
		{
			if (strcmp(json_get_str(known, "Name"), json_get_str(c, "Name")))
				continue;
			json_set_str(c, "Type", json_get_str(known, "Type"));
			break;
		}
	}
}

void crawl_plan(const struct crawl_tree *t, const struct crawl_options *o, struct crawl_tables *out)
{
	struct planner p = {t, o, out, false};
	size_t len = strlen(t->prefix);
	char *path = xstrndup(t->prefix, len ? len - 1 : 0);
	const char *slash = strrchr(path, '/');
	int level = 1;

	for (const char *c = t->prefix; *c; c++)
		level += *c == '/';
	plan_folder(&p, len ? (slash ? slash + 1 : path) : t->bucket, t->prefix, t->root, level);
	free(path);
	for (size_t i = 0; i < out->nr; i++) {
		columns_settle(out->v[i].columns);
		for (size_t k = 0; k < out->v[i].nr; k++) {
			fill_void(out->v[i].partitions[k].columns, out->v[i].columns);
			columns_settle(out->v[i].partitions[k].columns);
		}
	}
}

void crawl_tables_release(struct crawl_tables *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		struct crawl_table *table = &t->v[i];
		for (size_t k = 0; k < table->nr; k++) {
			strvec_release(&table->partitions[k].values);
			free(table->partitions[k].location);
			json_free(table->partitions[k].columns);
		}
		free(table->partitions);
		strvec_release(&table->keys);
		json_free(table->columns);
		free(table->location);
		free(table->name);
	}
	free(t->v);
	*t = (struct crawl_tables){0};
}
