/*
 * Definitions of custom classifiers: a document of one of four kinds under a name, with a version that each update raises.
 * Crawls look at them by name when they begin.
 */
#include "local_classifiers.h"
#include "local_glue.h"
#include "json_steps.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS glue_classifier (name TEXT PRIMARY KEY, kind TEXT NOT NULL, "
	"doc "
	"TEXT NOT NULL, version INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER "
	"NOT NULL);";

const struct local_part local_classifiers_part = {.name = "classifiers", .schema = schema};

/* --- input --- */
static const char *const headers[] = {"UNKNOWN", "PRESENT", "ABSENT", NULL};
static const char *const serdes[] = {"OpenCSVSerDe", "LazySimpleSerDe", "None", NULL};
static const char *const datatypes[] = {"BINARY", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "FLOAT",
	"INT", "LONG", "SHORT", "STRING", "TIMESTAMP", NULL};

/* `needed` false: of an update, which names only what changes. */
#define NAME_FIELD                                            \
	{                                                     \
		"Name", GLUE_STRING, true, 1, 255, NULL, NULL \
	}
#define CSV_FIELDS                                                                \
	NAME_FIELD, {"Delimiter", GLUE_STRING, false, 1, 1, NULL, NULL},          \
		{"QuoteSymbol", GLUE_STRING, false, 1, 1, NULL, NULL},            \
		{"ContainsHeader", GLUE_STRING, false, 0, 0, headers, NULL},      \
		{"Header", GLUE_LIST, false, 0, 0, NULL, NULL},                   \
		{"DisableValueTrimming", GLUE_BOOL, false, 0, 0, NULL, NULL},     \
		{"AllowSingleColumn", GLUE_BOOL, false, 0, 0, NULL, NULL},        \
		{"CustomDatatypeConfigured", GLUE_BOOL, false, 0, 0, NULL, NULL}, \
		{"CustomDatatypes", GLUE_LIST, false, 0, 0, NULL, NULL},          \
		{"Serde", GLUE_STRING, false, 0, 0, serdes, NULL},                \
	{                                                                         \
		0                                                                 \
	}
#define GROK_FIELDS(needed)                                                    \
	NAME_FIELD, {"Classification", GLUE_STRING, needed, 0, 0, NULL, NULL}, \
		{"GrokPattern", GLUE_STRING, needed, 1, 2048, NULL, NULL},     \
		{"CustomPatterns", GLUE_STRING, false, 0, 16000, NULL, NULL},  \
	{                                                                      \
		0                                                              \
	}
#define XML_FIELDS(needed)                                                     \
	NAME_FIELD, {"Classification", GLUE_STRING, needed, 0, 0, NULL, NULL}, \
		{"RowTag", GLUE_STRING, false, 0, 0, NULL, NULL},              \
	{                                                                      \
		0                                                              \
	}
#define JSON_FIELDS(needed)                                              \
	NAME_FIELD, {"JsonPath", GLUE_STRING, needed, 0, 0, NULL, NULL}, \
	{                                                                \
		0                                                        \
	}
static const struct glue_field csv_fields[] = {CSV_FIELDS};
static const struct glue_field grok_fields[] = {GROK_FIELDS(true)};
static const struct glue_field grok_changes[] = {GROK_FIELDS(false)};
static const struct glue_field xml_fields[] = {XML_FIELDS(true)};
static const struct glue_field xml_changes[] = {XML_FIELDS(false)};
static const struct glue_field json_fields[] = {JSON_FIELDS(true)};
static const struct glue_field json_changes[] = {JSON_FIELDS(false)};
static const struct glue_field name_fields[] = {NAME_FIELD, {0}};

static const struct kind {
	const char *name;
	const struct glue_field *create, *update;
} kinds[] = {
	{"GrokClassifier", grok_fields, grok_changes},
	{"XMLClassifier", xml_fields, xml_changes},
	{"JsonClassifier", json_fields, json_changes},
	{"CsvClassifier", csv_fields, csv_fields},
};

/* The one kind that a request has. */
static const struct kind *kind_of(const struct json *in, struct err *err)
{
	const struct kind *found = NULL;
	size_t nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (json_is(json_get(in, kinds[i].name), JSON_OBJECT)) {
			found = &kinds[i];
			nr++;
		}
	if (nr == 1)
		return found;
	glue_invalid(err, nr ? "Only one classifier can be specified in a request"
			     : "One of GrokClassifier, XMLClassifier, JsonClassifier and "
			       "CsvClassifier must be specified");
	return NULL;
}

static int check_datatypes(const struct json *list, struct err *err)
{
	struct json *t;

	json_each(t, list)
	{
		size_t i = 0;
		while (datatypes[i] && !(json_str(t) && iequals(json_str(t), datatypes[i])))
			i++;
		if (!datatypes[i])
			return glue_invalid(err, "Unsupported custom datatype: %s",
				json_str(t) ? json_str(t) : "");
	}
	return 0;
}

/* What fields cannot say, of a whole definition. */
static int check_whole(const struct json *doc, struct err *err)
{
	const char *path = json_get_str(doc, "JsonPath");
	const char *delimiter = json_get_str(doc, "Delimiter");
	const char *quote = json_get_str(doc, "QuoteSymbol");
	struct json_path parsed = JSON_PATH_INIT;
	struct err bad = ERR_INIT;
	int r = 0;

	if (path && json_path_parse(&parsed, path, &bad))
		r = glue_invalid(err, "Invalid JSON path: %s", bad.text);
	err_release(&bad);
	json_path_release(&parsed);
	if (!r && delimiter && quote && !strcmp(delimiter, quote))
		r = glue_invalid(err, "Delimiter and quote symbol must not be the same");
	return r ? -1 : check_datatypes(json_get(doc, "CustomDatatypes"), err);
}

/* --- the document --- */
#define COLUMNS "kind, doc, version, created_ms, updated_ms, name"

static struct json *classifier_doc(struct sql_stmt *st)
{
	struct json *doc = glue_doc(sql_text(st, 1)), *out = json_object();

	json_set_i64(doc, "Version", sql_int(st, 2));
	glue_set_time(doc, "CreationTime", sql_int(st, 3));
	glue_set_time(doc, "LastUpdated", sql_int(st, 4));
	json_set(out, sql_text(st, 0), doc);
	return out;
}

struct json *local_classifier_get_tx(struct local_cloud *cloud, const char *name, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT " COLUMNS " FROM glue_classifier WHERE name = ?", "s", name);
	int row = st ? sql_step(st, err) : -1;
	struct json *doc = row > 0 ? classifier_doc(st) : NULL;

	sql_done(st);
	if (row == 0) {
		glue_not_found(err, "Classifier with name %s does not exist", name);
		err->code = ERR_NOT_FOUND;
	}
	return doc;
}

/* --- create, update, delete --- */
struct change {
	const struct kind *kind;
	const struct json *in; /* of that kind */
};

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct change *c = payload;
	struct json *doc = glue_pick(c->kind->create, c->in);
	const char *name = json_get_str(doc, "Name");
	int64_t now = local_now_ms(cloud);
	char *text = glue_text(doc);
	int r = sql_run(cloud->db, NULL, err,
		"INSERT INTO glue_classifier (name, kind, doc, version, created_ms, updated_ms) "
		"VALUES (?, ?, ?, 1, ?, ?)",
		"sssii", name, c->kind->name, text, now, now);

	if (r && err->code == ERR_EXISTS)
		local_fault(err, 400, "AlreadyExistsException",
			"Classifier with name %s already exists", name);
	free(text);
	json_free(doc);
	return r;
}

static int create_classifier(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct change c = {.kind = kind_of(req->in, err)};

	if (!c.kind)
		return -1;
	c.in = json_get(req->in, c.kind->name);
	return glue_check(c.kind->create, c.in, err) || check_whole(c.in, err)
		       ? -1
		       : local_tx(cloud, create_tx, &c, err);
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct change *c = payload;
	const char *name = json_get_str(c->in, "Name");
	struct json *now = local_classifier_get_tx(cloud, name, err);
	struct json *doc = json_detach(now, c->kind->name), *changes, *m;
	char *text = NULL;
	int r = -1;

	if (!now)
		return -1;
	if (!doc) {
		glue_invalid(err, "Classifier with name %s is no %s", name, c->kind->name);
		goto out;
	}
	changes = glue_pick(c->kind->update, c->in);
	json_each(m, changes) json_set(doc, json_name(m), json_copy(m));
	json_free(changes);
	json_remove(doc, "Version");
	json_remove(doc, "CreationTime");
	json_remove(doc, "LastUpdated");
	if (check_whole(doc, err))
		goto out;
	text = glue_text(doc);
	r = sql_run(cloud->db, NULL, err,
		"UPDATE glue_classifier SET doc = ?, version = version + 1, updated_ms = ? WHERE "
		"name = ?",
		"sis", text, local_now_ms(cloud), name);
out:
	free(text);
	json_free(now);
	json_free(doc);
	return r;
}

static int update_classifier(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct change c = {.kind = kind_of(req->in, err)};

	if (!c.kind)
		return -1;
	c.in = json_get(req->in, c.kind->name);
	return glue_check(c.kind->update, c.in, err) ? -1 : local_tx(cloud, update_tx, &c, err);
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const char *name = payload;
	struct json *doc = local_classifier_get_tx(cloud, name, err);

	if (!doc)
		return -1;
	json_free(doc);
	return sql_run(
		cloud->db, NULL, err, "DELETE FROM glue_classifier WHERE name = ?", "s", name);
}

static int delete_classifier(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return glue_check(name_fields, req->in, err)
		       ? -1
		       : local_tx(cloud, delete_tx,
				 (void *)(uintptr_t)json_get_str(req->in, "Name"), err);
}

/* --- reading --- */

static int get_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *doc =
		glue_check(name_fields, k->in, err)
			? NULL
			: local_classifier_get_tx(cloud, json_get_str(k->in, "Name"), err);

	if (!doc)
		return -1;
	k->out = json_object();
	json_set(k->out, "Classifier", doc);
	return 0;
}
LOCAL_HANDLER(get_classifier, get_tx)

static int list_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *found = json_array();
	char *after = NULL, *last = NULL, *token;
	struct sql_stmt *st = NULL;
	int64_t limit;
	int row = -1;

	k->out = json_object();
	json_set(k->out, "Classifiers", found);
	if (glue_page(k->in, 1000, &limit, &after, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT " COLUMNS " FROM glue_classifier WHERE name > ? ORDER BY name LIMIT ?",
		"si", after ? after : "", limit + 1);
	while (st && (row = sql_step(st, err)) > 0 && (int64_t)json_len(found) < limit) {
		free(last);
		last = xstrdup(sql_text(st, 5));
		json_push(found, classifier_doc(st));
	}
	if (row > 0) {
		token = local_token_make(last);
		json_set_str(k->out, "NextToken", token);
		free(token);
	}
out:
	sql_done(st);
	free(after);
	free(last);
	return row < 0 ? -1 : 0;
}
LOCAL_HANDLER(get_classifiers, list_tx)

static const struct local_route routes[] = {
	{"CreateClassifier", create_classifier, NULL},
	{"DeleteClassifier", delete_classifier, NULL},
	{"GetClassifier", get_classifier, NULL},
	{"GetClassifiers", get_classifiers, NULL},
	{"UpdateClassifier", update_classifier, NULL},
};
const struct local_service local_classifiers_service = {"glue", routes, ARRAY_SIZE(routes)};
