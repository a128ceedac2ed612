/* What Glue accepts as a trigger: the rules of a definition that need no other trigger. */
#include "local_glue.h"

static const char *const types[] = {"SCHEDULED", "CONDITIONAL", "ON_DEMAND", "EVENT", NULL};
static const char *const logicals[] = {"AND", "ANY", NULL};
static const char *const operators[] = {"EQUALS", NULL};
static const char *const run_states[] = {"STARTING", "RUNNING", "STOPPING", "STOPPED", "SUCCEEDED",
	"FAILED", "TIMEOUT", "ERROR", "WAITING", "EXPIRED", NULL};
static const char *const crawl_states[] = {
	"RUNNING", "CANCELLING", "CANCELLED", "SUCCEEDED", "FAILED", "ERROR", NULL};

static const struct glue_field notification_fields[] = {
	{"NotifyDelayAfter", GLUE_INT, false, 1, 0, NULL, NULL},
	{0},
};
static const struct glue_field condition_fields[] = {
	{"LogicalOperator", GLUE_STRING, false, 0, 0, operators, NULL},
	{"JobName", GLUE_STRING, false, 1, 255, NULL, NULL},
	{"State", GLUE_STRING, false, 0, 0, run_states, NULL},
	{"CrawlerName", GLUE_STRING, false, 1, 255, NULL, NULL},
	{"CrawlState", GLUE_STRING, false, 0, 0, crawl_states, NULL},
	{0},
};
static const struct glue_field predicate_fields[] = {
	{"Logical", GLUE_STRING, false, 0, 0, logicals, NULL},
	{"Conditions", GLUE_LIST, false, 0, 500, NULL, condition_fields},
	{0},
};
static const struct glue_field action_fields[] = {
	{"JobName", GLUE_STRING, false, 1, 255, NULL, NULL},
	{"Arguments", GLUE_MAP, false, 0, 0, NULL, NULL},
	{"Timeout", GLUE_INT, false, 1, 10080, NULL, NULL},
	{"SecurityConfiguration", GLUE_STRING, false, 1, 255, NULL, NULL},
	{"NotificationProperty", GLUE_OBJECT, false, 0, 0, NULL, notification_fields},
	{"CrawlerName", GLUE_STRING, false, 1, 255, NULL, NULL},
	{0},
};
static const struct glue_field batching_fields[] = {
	{"BatchSize", GLUE_INT, true, 1, 100, NULL, NULL},
	{"BatchWindow", GLUE_INT, false, 1, 900, NULL, NULL},
	{0},
};
#define UPDATE_FIELDS                                                                        \
	{"Description", GLUE_STRING, false, 0, 2048, NULL, NULL},                            \
		{"Schedule", GLUE_STRING, false, 0, 0, NULL, NULL},                          \
		{"Actions", GLUE_LIST, false, 0, 0, NULL, action_fields},                    \
		{"Predicate", GLUE_OBJECT, false, 0, 0, NULL, predicate_fields},             \
		{"EventBatchingCondition", GLUE_OBJECT, false, 0, 0, NULL, batching_fields}, \
	{                                                                                    \
		0                                                                            \
	}
const struct glue_field local_trigger_create_fields[] = {
	{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},
	{"WorkflowName", GLUE_STRING, false, 1, 255, NULL, NULL},
	{"Type", GLUE_STRING, true, 0, 0, types, NULL},
	UPDATE_FIELDS,
};
const struct glue_field local_trigger_update_fields[] = {UPDATE_FIELDS};

/* --- rules of a definition --- */

static bool listed(const char *const *list, const char *s)
{
	for (; *list; list++) {
		if (strcmp(*list, s) == 0)
			return true;
	}
	return false;
}

static int check_condition(const struct json *c, struct err *err)
{
	static const char *const heard_runs[] = {"SUCCEEDED", "STOPPED", "FAILED", "TIMEOUT", NULL};
	static const char *const heard_crawls[] = {"SUCCEEDED", "FAILED", "CANCELLED", NULL};
	const char *job = json_get_str(c, "JobName"), *crawler = json_get_str(c, "CrawlerName"),
		   *state = json_get_str(c, "State"), *crawl = json_get_str(c, "CrawlState");

	if (!json_get_str(c, "LogicalOperator"))
		return glue_invalid(err, "Logical operator cannot be null or empty");
	if (!job && !crawler)
		return glue_invalid(
			err, "JobName or CrawlerName in condition cannot be null or empty");
	if (job && crawler)
		return glue_invalid(
			err, "A condition must have either a job name or a crawler name");
	if (job && !state)
		return glue_invalid(err,
			"State cannot be null or empty, choose from one of the following job "
			"state: [SUCCEEDED, STOPPED, FAILED, TIMEOUT]");
	if (crawler && !crawl)
		return glue_invalid(err,
			"State cannot be null or empty, choose from one of the following crawler "
			"state: [SUCCEEDED, FAILED, CANCELLED]");
	if (job && (crawl || !listed(heard_runs, state)))
		return glue_invalid(err,
			"A trigger can listen for the job states SUCCEEDED, STOPPED, FAILED and "
			"TIMEOUT");
	if (crawler && (state || !listed(heard_crawls, crawl)))
		return glue_invalid(err, "A trigger can listen for the crawl states SUCCEEDED, "
					 "FAILED and CANCELLED");
	return 0;
}

static int check_predicate(const struct json *doc, struct err *err)
{
	const struct json *predicate = json_get(doc, "Predicate"),
			  *conditions = json_get(predicate, "Conditions");
	struct json *c, *a;

	if (json_len(conditions) == 0)
		return glue_invalid(err, "Predicate cannot be null or empty");
	if (json_len(conditions) > 1 && !json_get_str(predicate, "Logical"))
		return glue_invalid(err,
			"Logical cannot be null or empty when there is more than one condition");
	json_each(c, conditions)
	{
		const char *job = json_get_str(c, "JobName");

		if (check_condition(c, err) != 0)
			return -1;
		json_each(a, json_get(doc, "Actions"))
		{
			const char *target = json_get_str(a, "JobName");

			if (job && target && strcmp(job, target) == 0)
				return glue_invalid(err, "Job cannot be a Predicate and Action for "
							 "Conditional Trigger.");
		}
	}
	return 0;
}

static int check_actions(const struct json *doc, struct err *err)
{
	const struct json *actions = json_get(doc, "Actions");
	size_t crawlers = 0;
	struct json *a;

	if (json_len(actions) == 0)
		return glue_invalid(err, "Actions cannot be null or empty");
	json_each(a, actions)
	{
		bool job = json_get_str(a, "JobName"), crawler = json_get_str(a, "CrawlerName");

		if (job && crawler)
			return glue_invalid(err,
				"Both JobName and CrawlerName cannot be set together in an action");
		if (!job && !crawler)
			return glue_invalid(
				err, "An action must have either a job name or a crawler name");
		if (crawler && (json_get(a, "Arguments") || json_get(a, "Timeout")))
			return glue_invalid(
				err, "Arguments and Timeout cannot be set for a crawler action");
		crawlers += crawler;
	}
	if (crawlers > 2)
		return glue_invalid(err, "A trigger can start at most 2 crawlers");
	return 0;
}

static int check_schedule(const struct json *doc, struct err *err)
{
	const char *schedule = json_get_str(doc, "Schedule");
	struct err why = ERR_INIT;
	int64_t next;
	int ret = 0;

	if (!schedule || !*schedule)
		return glue_invalid(
			err, "Schedule cannot be null or empty for a trigger of type SCHEDULED");
	if (!starts_with(schedule, "cron(") || local_schedule_next(schedule, 0, &next, &why) != 0)
		ret = glue_invalid(err, "Invalid schedule expression '%s'%s%s", schedule,
			why.text ? ": " : "", why.text ? why.text : "");
	err_release(&why);
	return ret;
}

int local_trigger_check(const struct json *doc, struct err *err)
{
	const char *type = json_get_str(doc, "Type");

	if (check_actions(doc, err) != 0)
		return -1;
	if (strcmp(type, "CONDITIONAL") == 0)
		return check_predicate(doc, err);
	if (strcmp(type, "SCHEDULED") == 0)
		return check_schedule(doc, err);
	if (strcmp(type, "EVENT") == 0 && !json_get(doc, "WorkflowName"))
		return glue_invalid(err, "A trigger of type EVENT must belong to a workflow");
	if (strcmp(type, "EVENT") != 0 && json_get(doc, "EventBatchingCondition"))
		return glue_invalid(
			err, "EventBatchingCondition is only supported for triggers of type EVENT");
	return 0;
}

/* Outside of a transaction: the crawler's part has its own. */
int local_trigger_check_targets(struct local_cloud *cloud, const struct json *doc, struct err *err)
{
	struct json *a;
	int ret = 0;

	json_each(a, json_get(doc, "Actions"))
	{
		const char *job = json_get_str(a, "JobName");
		struct json *found = NULL;

		if (!job) {
			if (!glue_exists(
				    cloud, "GetCrawler", "Name", json_get_str(a, "CrawlerName")))
				return glue_not_found(err, "Crawler %s not found.",
					json_get_str(a, "CrawlerName"));
			continue;
		}
		if (local_tx_begin(cloud, err) != 0)
			return -1;
		found = local_job_get_tx(cloud, job, NULL, err);
		local_tx_end(cloud);
		ret = found ? 0 : -1;
		json_free(found);
		if (ret != 0)
			break;
	}
	return ret;
}
