/* Jobs ("Jobs", AWS Glue Web API Reference: CreateJob, GetJob, UpdateJob, DeleteJob, ListJobs, BatchGetJobs…). */
#include "local_glue.h"

#include <math.h>

const char *const local_worker_types[] = {
	"Standard", "G.1X", "G.2X", "G.025X", "G.4X", "G.8X", "Z.2X", NULL};
static const char *const classes[] = {"FLEX", "STANDARD", NULL};
static const char *const modes[] = {"SCRIPT", "VISUAL", "NOTEBOOK", NULL};
static const char *const commands[] = {"glueetl", "pythonshell", "gluestreaming", "glueray", NULL};
static const char *const pythons[] = {"2", "3", "3.9", NULL};

static const struct glue_field execution_fields[] = {
	{"MaxConcurrentRuns", GLUE_INT, false, 1, 1000, NULL, NULL},
	{0},
};
static const struct glue_field command_fields[] = {
	{"Name", GLUE_STRING, false, 0, 0, commands, NULL},
	{"ScriptLocation", GLUE_STRING, false, 0, 400000, NULL, NULL},
	{"PythonVersion", GLUE_STRING, false, 0, 0, pythons, NULL},
	{"Runtime", GLUE_STRING, false, 0, 64, NULL, NULL},
	{0},
};
static const struct glue_field connections_fields[] = {
	{"Connections", GLUE_LIST, false, 0, 1000, NULL, NULL},
	{0},
};
static const struct glue_field notification_fields[] = {
	{"NotifyDelayAfter", GLUE_INT, false, 1, 0, NULL, NULL},
	{0},
};

#define JOB_FIELDS                                                                             \
	{"JobMode", GLUE_STRING, false, 0, 0, modes, NULL},                                    \
		{"JobRunQueuingEnabled", GLUE_BOOL, false, 0, 0, NULL, NULL},                  \
		{"Description", GLUE_STRING, false, 0, 2048, NULL, NULL},                      \
		{"LogUri", GLUE_STRING, false, 0, 0, NULL, NULL},                              \
		{"Role", GLUE_STRING, true, 1, 2048, NULL, NULL},                              \
		{"ExecutionProperty", GLUE_OBJECT, false, 0, 0, NULL, execution_fields},       \
		{"Command", GLUE_OBJECT, true, 0, 0, NULL, command_fields},                    \
		{"DefaultArguments", GLUE_MAP, false, 0, 0, NULL, NULL},                       \
		{"NonOverridableArguments", GLUE_MAP, false, 0, 0, NULL, NULL},                \
		{"Connections", GLUE_OBJECT, false, 0, 0, NULL, connections_fields},           \
		{"MaxRetries", GLUE_INT, false, 0, 10, NULL, NULL},                            \
		{"AllocatedCapacity", GLUE_INT, false, 0, 0, NULL, NULL},                      \
		{"Timeout", GLUE_INT, false, 1, 10080, NULL, NULL},                            \
		{"MaxCapacity", GLUE_DOUBLE, false, 0, 0, NULL, NULL},                         \
		{"SecurityConfiguration", GLUE_STRING, false, 1, 255, NULL, NULL},             \
		{"NotificationProperty", GLUE_OBJECT, false, 0, 0, NULL, notification_fields}, \
		{"GlueVersion", GLUE_STRING, false, 1, 255, NULL, NULL},                       \
		{"NumberOfWorkers", GLUE_INT, false, 1, 0, NULL, NULL},                        \
		{"WorkerType", GLUE_STRING, false, 0, 0, local_worker_types, NULL},            \
		{"ExecutionClass", GLUE_STRING, false, 0, 0, classes, NULL},                   \
		{"SourceControlDetails", GLUE_OBJECT, false, 0, 0, NULL, NULL},                \
		{"MaintenanceWindow", GLUE_STRING, false, 0, 0, NULL, NULL},                   \
	{                                                                                      \
		0                                                                              \
	}

static const struct glue_field create_fields[] = {
	{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},
	JOB_FIELDS,
};
static const struct glue_field update_fields[] = {JOB_FIELDS};
static const struct glue_field name_fields[] = {
	{"JobName", GLUE_STRING, true, 1, 255, NULL, NULL},
	{0},
};

/* --- capacity --- */

static double worker_dpu(const char *type)
{
	static const struct {
		const char *type;
		double dpu;
	} dpus[] = {{"Standard", 1}, {"G.1X", 1}, {"G.2X", 2}, {"G.025X", 0.25}, {"G.4X", 4},
		{"G.8X", 8}, {"Z.2X", 2}};

	for (size_t i = 0; i < ARRAY_SIZE(dpus); i++) {
		if (strcmp(dpus[i].type, type) == 0)
			return dpus[i].dpu;
	}
	return 1;
}

static int worker_capacity(struct json *doc, const char *command, struct err *err)
{
	const char *type = json_get_str(doc, "WorkerType");
	int64_t workers = json_get_i64(doc, "NumberOfWorkers", 0);

	if (json_get(doc, "MaxCapacity") || json_get_i64(doc, "AllocatedCapacity", 0) > 0)
		return glue_invalid(err, "Please do not set Max Capacity if using Worker Type and "
					 "Number of Workers.");
	if (strcmp(command, "pythonshell") == 0)
		return glue_invalid(
			err, "Worker Type is not supported for Job Command pythonshell");
	if (!type || workers <= 0)
		return glue_invalid(err, "Please set both Worker Type and Number of Workers.");
	json_set_dbl(doc, "MaxCapacity", worker_dpu(type) * (double)workers);
	return 0;
}

int local_job_capacity(struct json *doc, const char *command, struct err *err)
{
	bool python = strcmp(command, "pythonshell") == 0;
	double capacity;

	if (json_get(doc, "WorkerType") || json_get(doc, "NumberOfWorkers")) {
		if (worker_capacity(doc, command, err) != 0)
			return -1;
	} else if (!json_get(doc, "MaxCapacity")) {
		int64_t allocated = json_get_i64(doc, "AllocatedCapacity", 0);

		json_set_dbl(doc, "MaxCapacity",
			allocated > 0 ? (double)allocated
			: python      ? 0.0625
				      : 10.0);
	}
	capacity = json_dbl(json_get(doc, "MaxCapacity"), 0);
	if (python && fabs(capacity - 0.0625) > 1e-9 && fabs(capacity - 1.0) > 1e-9)
		return glue_invalid(err,
			"MaxCapacity for a Python shell job must be either 0.0625 or 1, not %g",
			capacity);
	if (capacity <= 0 || capacity > 100000)
		return glue_invalid(err, "MaxCapacity %g is not a valid number of DPUs", capacity);
	json_set_i64(doc, "AllocatedCapacity", (int64_t)capacity);
	return 0;
}

/* --- the document --- */

static int check_command(const struct json *doc, struct err *err)
{
	const struct json *command = json_get(doc, "Command");
	const char *name = json_get_str(command, "Name");
	const char *script = json_get_str(command, "ScriptLocation");

	if (!name)
		return glue_invalid(err, "Command name cannot be null or empty");
	if (!script || !*script)
		return glue_invalid(err, "Script location cannot be null or empty");
	return 0;
}

/* What GetJob shows though nobody said it. */
static int add_defaults(struct json *doc, struct err *err)
{
	const char *command = json_get_str(json_get(doc, "Command"), "Name");
	struct json *execution;

	if (local_job_capacity(doc, command, err) != 0)
		return -1;
	if (!json_get(json_get(doc, "ExecutionProperty"), "MaxConcurrentRuns")) {
		execution = json_object();
		json_set_i64(execution, "MaxConcurrentRuns", 1);
		json_set(doc, "ExecutionProperty", execution);
	}
	if (!json_get(doc, "MaxRetries"))
		json_set_i64(doc, "MaxRetries", 0);
	if (!json_get(doc, "Timeout"))
		json_set_i64(doc, "Timeout", 2880);
	if (!json_get(doc, "JobMode"))
		json_set_str(doc, "JobMode", "SCRIPT");
	return 0;
}

/* The job that a CreateJob or JobUpdate describes. */
static int make_doc(struct local_cloud *cloud, const struct local_request *req,
	const struct glue_field *fields, const struct json *in, const char *name, struct json **out,
	struct err *err)
{
	struct json *doc = NULL, *rest, *e;

	*out = NULL;
	if (glue_check(fields, in, err) != 0)
		return -1;
	rest = glue_pick(fields, in);
	doc = json_object();
	json_set_str(doc, "Name", name);
	json_each(e, rest) json_set(doc, json_name(e), json_copy(e));
	json_free(rest);
	if (check_command(doc, err) != 0 || add_defaults(doc, err) != 0 ||
		glue_pass_role(cloud, req, json_get_str(doc, "Role"), err) != 0) {
		json_free(doc);
		return -1;
	}
	*out = doc;
	return 0;
}

static struct json *row_job(struct sql_stmt *st)
{
	struct json *job = glue_doc(sql_text(st, 0));

	glue_set_time(job, "CreatedOn", sql_int(st, 1));
	glue_set_time(job, "LastModifiedOn", sql_int(st, 2));
	return job;
}

static int find_job_tx(struct local_cloud *cloud, const char *name, struct json **job,
	char **region, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, created_ms, modified_ms, region FROM glue_job WHERE name = ?", "s",
		name);
	int row;

	*job = NULL;
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		*job = row_job(st);
		if (region)
			*region = xstrdup(sql_text(st, 3));
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

struct json *local_job_get_tx(
	struct local_cloud *cloud, const char *name, char **region, struct err *err)
{
	struct json *job;

	if (find_job_tx(cloud, name, &job, region, err) != 0)
		return NULL;
	if (!job)
		glue_not_found(err, "Job %s not found.", name);
	return job;
}

/* --- operations --- */

struct job_call {
	const struct local_request *req;
	const char *name;
	struct json *doc, *found, *out;
	struct local_launch launch;
	char *after;
	int64_t limit;
};

/* The same name again: Glue tells an equal definition from another one. */
static int already(struct local_cloud *cloud, struct job_call *c, struct err *err)
{
	struct json *old = NULL;
	bool same;

	if (find_job_tx(cloud, c->name, &old, NULL, err) != 0)
		return -1;
	json_remove(old, "CreatedOn");
	json_remove(old, "LastModifiedOn");
	same = json_equal(old, c->doc);
	json_free(old);
	if (same)
		return local_fault(err, 400, "AlreadyExistsException",
			"Job with name: %s already exists", c->name);
	return local_fault(err, 400, "IdempotentParameterMismatchException",
		"Job with name: %s already submitted with different configuration", c->name);
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct job_call *c = payload;
	struct strbuf arn = STRBUF_INIT;
	char *text = glue_text(c->doc);
	int64_t now = local_now_ms(cloud);
	struct err sql = ERR_INIT;
	int ret;

	ret = sql_run(cloud->db, NULL, &sql,
		"INSERT INTO glue_job (name, region, doc, created_ms, modified_ms) "
		"VALUES (?, ?, ?, ?, ?)",
		"sssii", c->name, c->req->region, text, now, now);
	if (ret != 0 && sql.code == ERR_EXISTS)
		ret = already(cloud, c, err);
	else if (ret != 0)
		err_move(err, &sql);
	glue_arn(cloud, c->req->region, "job", c->name, &arn);
	if (ret == 0)
		ret = local_tags_set(cloud, arn.buf, json_get(c->req->in, "Tags"), err);
	strbuf_release(&arn);
	err_release(&sql);
	free(text);
	return ret;
}

static int create_job(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct job_call c = {.req = req, .name = json_get_str(req->in, "Name")};
	int ret = -1;

	if (make_doc(cloud, req, create_fields, req->in, c.name, &c.doc, err) == 0 &&
		glue_check_tags(json_get(req->in, "Tags"), err) == 0)
		ret = local_tx(cloud, create_tx, &c, err);
	if (ret == 0) {
		*out = json_object();
		json_set_str(*out, "Name", c.name);
	}
	json_free(c.doc);
	return ret;
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct job_call *c = payload;
	char *text = glue_text(c->doc);
	int64_t changed = 0;
	int ret = sql_run(cloud->db, &changed, err,
		"UPDATE glue_job SET doc = ?, modified_ms = ? WHERE name = ?", "sis", text,
		local_now_ms(cloud), c->name);

	free(text);
	if (ret == 0 && changed == 0)
		ret = glue_not_found(err, "Job %s not found.", c->name);
	return ret;
}

static int update_job(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	static const struct glue_field fields[] = {
		{"JobName", GLUE_STRING, true, 1, 255, NULL, NULL},
		{"JobUpdate", GLUE_OBJECT, true, 0, 0, NULL, NULL},
		{0},
	};
	struct job_call c = {.req = req, .name = json_get_str(req->in, "JobName")};
	int ret = -1;

	if (glue_check(fields, req->in, err) == 0 &&
		make_doc(cloud, req, update_fields, json_get(req->in, "JobUpdate"), c.name, &c.doc,
			err) == 0)
		ret = local_tx(cloud, update_tx, &c, err);
	if (ret == 0) {
		*out = json_object();
		json_set_str(*out, "JobName", c.name);
	}
	json_free(c.doc);
	return ret;
}

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct job_call *c = payload;

	c->found = local_job_get_tx(cloud, c->name, NULL, err);
	return c->found ? 0 : -1;
}

static int get_job(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct job_call c = {.req = req, .name = json_get_str(req->in, "JobName")};

	if (glue_check(name_fields, req->in, err) != 0 || local_tx(cloud, get_tx, &c, err) != 0)
		return -1;
	*out = json_object();
	json_set(*out, "Job", c.found);
	return 0;
}

/* Its live and waiting runs are stopped; their triggers and workflows hear of it, and their rows go as they end. */
static int stop_runs_tx(struct local_cloud *cloud, struct job_call *c, struct err *err)
{
	struct strvec ids = STRVEC_INIT;
	struct sql_stmt *st;
	int row = -1, ret = -1;

	if (sql_run(cloud->db, NULL, err, "UPDATE glue_job_run SET job_deleted = 1 WHERE job = ?",
		    "s", c->name) != 0)
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT id FROM glue_job_run WHERE job = ? AND state IN ('STARTING', 'RUNNING', "
		"'STOPPING', 'WAITING')",
		"s", c->name);
	while (st && (row = sql_step(st, err)) > 0)
		strvec_push(&ids, sql_text(st, 0));
	sql_done(st);
	if (row < 0)
		goto out;
	for (size_t i = 0; i < ids.nr; i++) {
		char *state = NULL;
		int failed = local_run_stop_tx(cloud, NULL, ids.v[i], &c->launch, &state, err);

		free(state);
		if (failed)
			goto out;
	}
	ret = sql_run(cloud->db, NULL, err,
		"DELETE FROM glue_job_run WHERE job = ? AND state NOT IN ('STARTING', 'RUNNING', "
		"'STOPPING')",
		"s", c->name);
out:
	strvec_release(&ids);
	return ret;
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct job_call *c = payload;
	struct strbuf arn = STRBUF_INIT;
	char *region = NULL;
	int ret = find_job_tx(cloud, c->name, &c->found, &region, err);

	if (ret == 0 && c->found) {
		glue_arn(cloud, region, "job", c->name, &arn);
		if (stop_runs_tx(cloud, c, err) != 0 ||
			sql_run(cloud->db, NULL, err, "DELETE FROM glue_job WHERE name = ?", "s",
				c->name) != 0 ||
			local_tags_clear(cloud, arn.buf, err) != 0)
			ret = -1;
	}
	strbuf_release(&arn);
	free(region);
	return ret;
}

/* Silent about a name that does not exist, as Glue is. */
static int delete_job(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct job_call c = {
		.req = req, .name = json_get_str(req->in, "JobName"), .launch = LOCAL_LAUNCH_INIT};
	int ret = glue_check(name_fields, req->in, err);

	if (ret == 0)
		ret = local_tx(cloud, delete_tx, &c, err);
	if (ret == 0) {
		local_launch_go(cloud, &c.launch);
		*out = json_object();
		json_set_str(*out, "JobName", c.name);
	}
	local_launch_release(&c.launch);
	json_free(c.found);
	return ret;
}

/* A page of jobs after c->after into c->found; those without the wanted tags are passed over. */
static int page_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct job_call *c = payload;
	const struct json *want = json_get(c->req->in, "Tags");
	struct json *all = json_array(), *job;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, created_ms, modified_ms FROM glue_job WHERE name > ? ORDER BY name",
		"s", c->after ? c->after : "");
	int row = -1, ret = -1;

	c->found = json_array();
	while (st && (row = sql_step(st, err)) > 0 && (want || (int64_t)json_len(all) <= c->limit))
		json_push(all, row_job(st));
	sql_done(st);
	if (!st || row < 0)
		goto out;
	json_each(job, all)
	{
		struct strbuf arn = STRBUF_INIT;
		bool match;

		glue_arn(cloud, c->req->region, "job", json_get_str(job, "Name"), &arn);
		ret = glue_tags_match_tx(cloud, arn.buf, want, &match, err);
		strbuf_release(&arn);
		if (ret != 0)
			goto out;
		if (match && (int64_t)json_len(c->found) <= c->limit)
			json_push(c->found, json_copy(job));
	}
	ret = 0;
out:
	json_free(all);
	return ret;
}

/* The reply of GetJobs (whole documents) and of ListJobs (names). */
static int page_reply(struct local_cloud *cloud, const struct local_request *req,
	const char *member, bool names, struct json **out, struct err *err)
{
	struct job_call c = {.req = req};
	struct json *list, *job;
	int64_t n = 0;
	int ret = -1;

	if (glue_page(req->in, 1000, &c.limit, &c.after, err) != 0 ||
		local_tx(cloud, page_tx, &c, err) != 0)
		goto out;
	list = json_array();
	*out = json_object();
	json_set(*out, member, list);
	json_each(job, c.found)
	{
		const char *name = json_get_str(job, "Name");

		if (n++ >= c.limit)
			break;
		json_push(list, names ? json_string(name) : json_copy(job));
		if (n == c.limit && (int64_t)json_len(c.found) > n) {
			char *token = local_token_make(name);

			json_set_str(*out, "NextToken", token);
			free(token);
		}
	}
	ret = 0;
out:
	json_free(c.found);
	free(c.after);
	return ret;
}

static int get_jobs(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	return page_reply(cloud, req, "Jobs", false, out, err);
}

static int list_jobs(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	return page_reply(cloud, req, "JobNames", true, out, err);
}

static int batch_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct job_call *c = payload;
	struct json *found = json_array(), *missing = json_array(), *name, *job;

	c->out = json_object();
	json_set(c->out, "Jobs", found);
	json_set(c->out, "JobsNotFound", missing);
	json_each(name, json_get(c->req->in, "JobNames"))
	{
		if (find_job_tx(cloud, json_str(name), &job, NULL, err) != 0)
			return -1;
		if (job)
			json_push(found, job);
		else
			json_push_str(missing, json_str(name));
	}
	return 0;
}

static int batch_get_jobs(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"JobNames", GLUE_LIST, true, 0, 1000, NULL, NULL},
		{0},
	};
	struct job_call c = {.req = req};

	if (glue_check(fields, req->in, err) != 0)
		return -1;
	if (local_tx(cloud, batch_tx, &c, err) != 0) {
		json_free(c.out);
		return -1;
	}
	*out = c.out;
	return 0;
}

/* --- bookmarks: no program of the local cloud keeps one, so there is none to show --- */

static int get_job_bookmark(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct job_call c = {.req = req, .name = json_get_str(req->in, "JobName")};

	if (glue_check(name_fields, req->in, err) != 0 || local_tx(cloud, get_tx, &c, err) != 0)
		return -1;
	json_free(c.found);
	return glue_not_found(err, "Continuation for job %s not found.", c.name);
}

static int reset_job_bookmark(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct job_call c = {.req = req, .name = json_get_str(req->in, "JobName")};
	struct json *entry;

	if (glue_check(name_fields, req->in, err) != 0 || local_tx(cloud, get_tx, &c, err) != 0)
		return -1;
	json_free(c.found);
	entry = json_object();
	json_set_str(entry, "JobName", c.name);
	json_set_i64(entry, "Version", 0);
	json_set_i64(entry, "Run", 0);
	json_set_i64(entry, "Attempt", 0);
	json_set_str(entry, "JobBookmark", "{}");
	*out = json_object();
	json_set(*out, "JobBookmarkEntry", entry);
	return 0;
}

static void job_arn(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *name = json_get_str(req->in, "JobName");

	glue_arn(cloud, req->region, "job", name ? name : json_get_str(req->in, "Name"), arn);
}

static const struct local_route routes[] = {
	{"BatchGetJobs", batch_get_jobs, NULL},
	{"CreateJob", create_job, job_arn},
	{"DeleteJob", delete_job, job_arn},
	{"GetJob", get_job, job_arn},
	{"GetJobBookmark", get_job_bookmark, job_arn},
	{"GetJobs", get_jobs, NULL},
	{"ListJobs", list_jobs, NULL},
	{"ResetJobBookmark", reset_job_bookmark, job_arn},
	{"UpdateJob", update_job, job_arn},
};

const struct local_service local_glue_jobs_service = {"glue", routes, ARRAY_SIZE(routes)};
