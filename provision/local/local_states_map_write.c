/* What a map run leaves: the state's result, and its ResultWriter's files ("ResultWriter (Map)", AWS Step Functions Developer Guide). */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "local_objects.h"
#include "local_states_live.h"
#include "local_states_map_rows.h"
#include "xalloc.h"

enum shape { SHAPE_NONE, SHAPE_COMPACT, SHAPE_FLATTEN };

struct writer {
	struct local_cloud *cloud;
	const struct local_principal *who;
	const struct map_run *run;
	const char *bucket;
	char *folder; /* "PREFIX/UUID/" */
	enum shape shape;
	bool lines;
	struct json *files; /* {FAILED: [], PENDING: [], SUCCEEDED: []} */
};

static enum shape shape_of(const struct json *writer, bool exported)
{
	const char *name = json_get_str(json_get(writer, "config"), "Transformation");

	if (name)
		return !strcmp(name, "COMPACT")   ? SHAPE_COMPACT
		       : !strcmp(name, "FLATTEN") ? SHAPE_FLATTEN
						  : SHAPE_NONE;
	return exported ? SHAPE_NONE : SHAPE_COMPACT;
}

static void set_moment(struct json *o, const char *name, int64_t ms)
{
	struct strbuf sb = STRBUF_INIT;

	if (!ms)
		return;
	clock_add_iso(&sb, ms, true);
	json_set_str(o, name, sb.buf);
	strbuf_release(&sb);
}

static struct json *included(void)
{
	struct json *o = json_object();

	json_set_bool(o, "Included", true);
	return o;
}

#define CHILD_COLUMNS                                                                        \
	"c.arn, c.name, c.status, c.input, c.output, c.error, c.cause, c.started_ms, "       \
	"c.stopped_ms, coalesce(e.redrive_count, 0) FROM states_map_child c LEFT JOIN "      \
	"states_execution e ON e.arn = c.arn WHERE c.run = ? AND c.number > ? AND c.status " \
	"IN (SELECT value FROM json_each(?)) ORDER BY c.number LIMIT 200"

/* As DescribeExecution has it, with large letters. */
static struct json *full(struct sql_stmt *st, const struct map_run *r)
{
	struct json *o = json_object();
	const char *status = sql_text(st, 3);
	bool ok = !strcmp(status, "SUCCEEDED");
	char *machine = xasprintf("%s/%s", r->machine_arn, r->label);

	json_set_str(o, "Cause", sql_text(st, 7));
	json_set_str(o, "Error", sql_text(st, 6));
	json_set_str(o, "ExecutionArn", sql_text(st, 1));
	json_set_str(o, "Input", sql_text(st, 4));
	json_set(o, "InputDetails", included());
	json_set_str(o, "Name", sql_text(st, 2));
	json_set_str(o, "Output", sql_text(st, 5));
	if (ok)
		json_set(o, "OutputDetails", included());
	json_set_i64(o, "RedriveCount", sql_int(st, 10));
	json_set_str(o, "RedriveStatus", ok ? "NOT_REDRIVABLE" : "REDRIVABLE_BY_MAP_RUN");
	if (ok)
		json_set_str(
			o, "RedriveStatusReason", "Execution is SUCCEEDED and cannot be redriven");
	set_moment(o, "StartDate", sql_int(st, 8));
	json_set_str(o, "StateMachineArn", machine);
	json_set_str(o, "Status", status);
	set_moment(o, "StopDate", sql_int(st, 9));
	free(machine);
	return o;
}

/* One child's results, in the shape wanted: none to many. */
static void add_results(
	struct json *out, struct sql_stmt *st, const struct map_run *r, enum shape shape)
{
	struct json *output;
	const struct json *e;

	if (shape == SHAPE_NONE || strcmp(sql_text(st, 3), "SUCCEEDED") != 0) {
		json_push(out, full(st, r));
		return;
	}
	output = states_parse(sql_text(st, 5));
	if (shape == SHAPE_FLATTEN && json_is(output, JSON_ARRAY)) {
		json_each(e, output) json_push(out, json_copy(e));
		json_free(output);
	} else {
		json_push(out, output ? output : json_null());
	}
}

/* The next results behind child number *after, of the statuses in `statuses` (a JSON array). NULL: err; empty: no more. */
static struct json *next_results(struct local_cloud *cloud, const struct map_run *r,
	const char *statuses, enum shape shape, int64_t *after, struct err *err)
{
	struct json *out = json_array();
	struct sql_stmt *st = NULL;
	int row = -1;
	bool any = false;

	if (local_tx_begin(cloud, err) == 0) {
		st = sql_query(cloud->db, err, "SELECT c.number, " CHILD_COLUMNS, "iis", r->id,
			*after, statuses);
		while (st && (row = sql_step(st, err)) > 0) {
			*after = sql_int(st, 0);
			any = true;
			add_results(out, st, r, shape);
		}
		sql_done(st);
		local_tx_end(cloud);
	}
	if (row == 0 && !any)
		*after = INT64_MAX;
	if (row == 0)
		return out;
	json_free(out);
	return NULL;
}

static int add_texts(struct writer *w, FILE *f, const struct json *results, bool *first)
{
	const struct json *e;
	struct strbuf sb = STRBUF_INIT;
	int rc;

	json_each(e, results)
	{
		if (!w->lines)
			strbuf_addstr(&sb, *first ? "[" : ",");
		json_print(e, &sb);
		if (w->lines)
			strbuf_addch(&sb, '\n');
		*first = false;
	}
	rc = sb.len && fwrite(sb.buf, 1, sb.len, f) != sb.len ? -1 : 0;
	strbuf_release(&sb);
	return rc;
}

static int fill_file(struct writer *w, FILE *f, const char *statuses, bool *empty, struct err *err)
{
	int64_t after = -1;
	struct json *results;
	int rc = 0;

	*empty = true;
	while (rc == 0 && after != INT64_MAX) {
		results = next_results(w->cloud, w->run, statuses, w->shape, &after, err);
		if (!results)
			return -1;
		if (add_texts(w, f, results, empty) != 0)
			rc = err_errno(err, "write the results");
		json_free(results);
	}
	if (rc == 0 && !*empty && !w->lines && fputs("]", f) == EOF)
		rc = err_errno(err, "write the results");
	return rc;
}

/* KIND_0.json with the children of these statuses; no file where there are none. */
static int write_file(struct writer *w, const char *kind, const char *statuses, struct err *err)
{
	char *path = local_scratch_path(w->cloud, ".results");
	char *key = xasprintf("%s%s_0.%s", w->folder, kind, w->lines ? "jsonl" : "json");
	FILE *f = fopen(path, "w");
	struct json *file;
	bool empty = true;
	long size = 0;
	int rc = f ? fill_file(w, f, statuses, &empty, err) : err_errno(err, "write '%s'", path);

	if (f) {
		size = ftell(f);
		if (fclose(f) != 0 && rc == 0)
			rc = err_errno(err, "write '%s'", path);
	}
	if (rc == 0 && !empty) {
		rc = local_object_put_file(
			w->cloud, w->who, w->bucket, key, path, "application/json", err);
		file = json_object();
		json_set_str(file, "Key", key);
		json_set_i64(file, "Size", size);
		json_push(json_get(w->files, kind), file);
	}
	if (rc != 0 || empty)
		unlink(path);
	free(path);
	free(key);
	return rc;
}

static int write_manifest(struct writer *w, char **key, struct err *err)
{
	struct json *o = json_object();
	struct strbuf sb = STRBUF_INIT;
	int rc;

	json_set_str(o, "DestinationBucket", w->bucket);
	json_set_str(o, "MapRunArn", w->run->arn);
	json_set(o, "ResultFiles", json_copy(w->files));
	json_print(o, &sb);
	*key = xasprintf("%smanifest.json", w->folder);
	rc = local_object_put(
		w->cloud, w->who, w->bucket, *key, sb.buf, sb.len, "application/json", err);
	strbuf_release(&sb);
	json_free(o);
	return rc;
}

static int write_all(struct writer *w, char **key, struct err *err)
{
	static const char *const kinds[][2] = {{"FAILED", "[\"FAILED\",\"TIMED_OUT\",\"ABORTED\"]"},
		{"PENDING", "[\"PENDING\",\"PENDING_REDRIVE\",\"RUNNING\"]"},
		{"SUCCEEDED", "[\"SUCCEEDED\"]"}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		json_set(w->files, kinds[i][0], json_array());
		if (write_file(w, kinds[i][0], kinds[i][1], err) != 0)
			return -1;
	}
	return write_manifest(w, key, err);
}

/* The files, and what the state's result says of them. */
static struct json *exported(struct local_cloud *cloud, const struct local_principal *who,
	const struct map_run *r, struct err *err)
{
	const struct json *writer = json_get(r->action, "writer"),
			  *parameters = json_get(writer, "parameters");
	const char *prefix = json_get_str(parameters, "Prefix"), *uuid = strrchr(r->arn, ':') + 1,
		   *type = json_get_str(json_get(writer, "config"), "OutputType");
	struct writer w = {.cloud = cloud,
		.who = who,
		.run = r,
		.bucket = json_get_str(parameters, "Bucket"),
		.shape = shape_of(writer, true),
		.lines = type && !strcmp(type, "JSONL"),
		.files = json_object()};
	struct json *out = NULL, *details;
	char *key = NULL;

	w.folder = prefix && *prefix
			   ? xasprintf("%s%s%s/", prefix, ends_with(prefix, "/") ? "" : "/", uuid)
			   : xasprintf("%s/", uuid);
	if (!w.bucket)
		err_set(err, ERR_INVALID, "Bucket must be given as text");
	if (w.bucket && write_all(&w, &key, err) == 0) {
		details = json_object();
		json_set_str(details, "Bucket", w.bucket);
		json_set_str(details, "Key", key);
		out = json_object();
		json_set_str(out, "MapRunArn", r->arn);
		json_set(out, "ResultWriterDetails", details);
	} else {
		err_named(err, "States.ResultWriterFailed");
	}
	free(key);
	free(w.folder);
	json_free(w.files);
	return out;
}

struct json *map_write(struct local_cloud *cloud, const struct local_principal *who,
	const struct map_run *r, struct err *err)
{
	const struct json *writer = json_get(r->action, "writer");
	struct json *out, *results;
	const struct json *e;
	int64_t after = -1;

	if (json_get(writer, "resource"))
		return exported(cloud, who, r, err);
	out = json_array();
	while (after != INT64_MAX) {
		results = next_results(
			cloud, r, "[\"SUCCEEDED\"]", shape_of(writer, false), &after, err);
		if (!results) {
			json_free(out);
			return NULL;
		}
		json_each(e, results) json_push(out, json_copy(e));
		json_free(results);
	}
	return out;
}
