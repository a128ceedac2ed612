/*
 * Triggers ("Triggers", AWS Glue Web API Reference). A trigger's states:
 *
 *   CREATING -> CREATED                    ON_DEMAND and EVENT rest there for ever; StartTrigger fires the former
 *   [CREATED|DEACTIVATED] -> ACTIVATING -> ACTIVATED -> DEACTIVATING -> DEACTIVATED      SCHEDULED, CONDITIONAL
 *   any rest -> UPDATING -> the same rest           any -> DELETING -> gone
 *
 * The states that end in -ING last for a short pause; the row holds what comes after and when, so that a crash in
 * between loses nothing. One writer at a time per workflow: who comes while another is at it is refused, as on AWS.
 */
#include "local_glue.h"

#include <unistd.h>

static const struct glue_field name_fields[] = {
	{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},
	{0},
};

/* --- one writer per workflow --- */

bool local_workflow_hold(struct local_cloud *cloud, const char *workflow)
{
	struct local_glue_state *s = local_glue_state(cloud);
	bool free_for_us;

	if (!workflow)
		return true;
	pthread_mutex_lock(&s->lock);
	free_for_us = !strvec_has(&s->held, workflow);
	if (free_for_us)
		strvec_push(&s->held, workflow);
	pthread_mutex_unlock(&s->lock);
	return free_for_us;
}

void local_workflow_let_go(struct local_cloud *cloud, const char *workflow)
{
	struct local_glue_state *s = local_glue_state(cloud);

	if (!workflow)
		return;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->held.nr; i++) {
		if (strcmp(s->held.v[i], workflow) == 0) {
			strvec_remove(&s->held, i);
			break;
		}
	}
	pthread_mutex_unlock(&s->lock);
}

/* A write takes its time, so that writes at the same time do meet. */
void local_trigger_pause(struct local_cloud *cloud)
{
	usleep((useconds_t)(local_glue_state(cloud)->pause_ms * 1000 / 5));
}

static int conflict(struct err *err, const char *workflow, const char *doing, const char *trigger)
{
	return local_fault(err, 400, "ConcurrentModificationException",
		"Workflow %s was modified while %s trigger %s", workflow, doing, trigger);
}

/* --- rows --- */

int local_triggers_settle_tx(struct local_cloud *cloud, struct err *err)
{
	int64_t now = local_now_ms(cloud);

	if (sql_run(cloud->db, NULL, err,
		    "DELETE FROM glue_trigger WHERE state = 'DELETING' AND next_ms <= ?", "i",
		    now) != 0)
		return -1;
	return sql_run(cloud->db, NULL, err,
		"UPDATE glue_trigger SET state = next_state, next_state = NULL WHERE next_state IS "
		"NOT NULL AND next_ms <= ?",
		"i", now);
}

static struct json *row_trigger(struct sql_stmt *st)
{
	struct json *doc = glue_doc(sql_text(st, 0));

	json_set_str(doc, "State", sql_text(st, 1));
	return doc;
}

int local_triggers_list_tx(
	struct local_cloud *cloud, const char *workflow, struct json **out, struct err *err)
{
	struct sql_stmt *st;
	int row;

	*out = NULL;
	if (local_triggers_settle_tx(cloud, err) != 0)
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT doc, state FROM glue_trigger WHERE ?1 IS NULL OR ifnull(workflow, '') = ?1 "
		"ORDER BY name",
		"s", workflow);
	if (!st)
		return -1;
	*out = json_array();
	while ((row = sql_step(st, err)) > 0)
		json_push(*out, row_trigger(st));
	sql_done(st);
	return row < 0 ? -1 : 0;
}

struct trigger_row {
	struct json *doc;
	char *state, *next_state, *region;
};

static void trigger_row_release(struct trigger_row *t)
{
	json_free(t->doc);
	free(t->state);
	free(t->next_state);
	free(t->region);
	memset(t, 0, sizeof(*t));
}

/* 1 found, 0 not, -1. */
static int find_tx(
	struct local_cloud *cloud, const char *name, struct trigger_row *out, struct err *err)
{
	struct sql_stmt *st;
	int row;

	memset(out, 0, sizeof(*out));
	if (local_triggers_settle_tx(cloud, err) != 0)
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT doc, state, next_state, region FROM glue_trigger WHERE name = ?", "s",
		name);
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		out->doc = row_trigger(st);
		out->state = xstrdup(sql_text(st, 1));
		out->next_state = xstrdup(sql_text(st, 2));
		out->region = xstrdup(sql_text(st, 3));
	}
	sql_done(st);
	return row;
}

static int need_tx(
	struct local_cloud *cloud, const char *name, struct trigger_row *out, struct err *err)
{
	int found = find_tx(cloud, name, out, err);

	if (found == 0)
		glue_not_found(err, "Trigger with name %s not found", name);
	return found > 0 ? 0 : -1;
}

/* Into a state that passes by itself. next_state NULL: it is DELETING. */
static int move_tx(struct local_cloud *cloud, const char *name, const char *state,
	const char *next_state, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"UPDATE glue_trigger SET state = ?, next_state = ?, next_ms = ? WHERE name = ?",
		"ssis", state, next_state, local_now_ms(cloud) + local_glue_state(cloud)->pause_ms,
		name);
}

/* When a schedule that is or becomes active fires next; 0 otherwise. */
static int set_fire_time_tx(struct local_cloud *cloud, const char *name, const struct json *doc,
	bool active, struct err *err)
{
	const char *schedule = json_get_str(doc, "Schedule");
	int64_t next = 0;

	if (active && strcmp(json_get_str(doc, "Type"), "SCHEDULED") == 0 &&
		local_schedule_next(schedule, local_now_ms(cloud), &next, err) != 0)
		return -1;
	return sql_run(cloud->db, NULL, err, "UPDATE glue_trigger SET fire_ms = ? WHERE name = ?",
		"is", next, name);
}

static bool is_active(const struct trigger_row *t)
{
	return strcmp(t->state, "ACTIVATED") == 0 ||
	       (t->next_state && strcmp(t->next_state, "ACTIVATED") == 0);
}

static bool activates(const struct json *doc)
{
	const char *type = json_get_str(doc, "Type");

	return strcmp(type, "SCHEDULED") == 0 || strcmp(type, "CONDITIONAL") == 0;
}

/* --- operations --- */

struct trigger_call {
	const struct local_request *req;
	const char *name;
	struct json *doc, *out;
	struct local_launch launch;
	char *workflow, *after;
	int64_t limit;
	bool names;
};

static void trigger_call_release(struct trigger_call *c)
{
	json_free(c->doc);
	local_launch_release(&c->launch);
	free(c->workflow);
	free(c->after);
}

static int check_workflow_tx(struct local_cloud *cloud, const struct json *doc, struct err *err)
{
	const char *workflow = json_get_str(doc, "WorkflowName");
	struct json *found, *triggers = NULL, *t;
	int ret = 0;

	if (!workflow)
		return 0;
	found = local_workflow_get_tx(cloud, workflow, err);
	if (!found)
		return -1;
	json_free(found);
	if (strcmp(json_get_str(doc, "Type"), "CONDITIONAL") == 0)
		return 0;
	if (local_triggers_list_tx(cloud, workflow, &triggers, err) != 0)
		return -1;
	json_each(t, triggers)
	{
		if (strcmp(json_get_str(t, "Type"), "CONDITIONAL") != 0 &&
			strcmp(json_get_str(t, "State"), "DELETING") != 0 && ret == 0)
			ret = glue_invalid(err,
				"Workflow %s already has a starting trigger: %s. A workflow can "
				"have "
				"only one starting trigger.",
				workflow, json_get_str(t, "Name"));
	}
	json_free(triggers);
	return ret;
}

static int exists_fault(const struct trigger_row *old, const struct json *doc, struct err *err)
{
	struct json *copy = json_copy(old->doc);
	bool same;

	json_remove(copy, "State");
	same = json_equal(copy, doc);
	json_free(copy);
	if (same)
		return local_fault(err, 400, "AlreadyExistsException",
			"Trigger with name %s already exists", json_get_str(doc, "Name"));
	return local_fault(err, 400, "IdempotentParameterMismatchException",
		"Trigger with name %s already submitted with different configuration",
		json_get_str(doc, "Name"));
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct trigger_call *c = payload;
	bool start = json_get_truth(c->req->in, "StartOnCreation", false);
	struct strbuf arn = STRBUF_INIT;
	struct trigger_row old;
	char *text = NULL;
	int ret = -1, found = find_tx(cloud, c->name, &old, err);

	if (found != 0) {
		if (found > 0)
			exists_fault(&old, c->doc, err);
		goto out;
	}
	if (check_workflow_tx(cloud, c->doc, err) != 0)
		goto out;
	text = glue_text(c->doc);
	glue_arn(cloud, c->req->region, "trigger", c->name, &arn);
	if (sql_run(cloud->db, NULL, err,
		    "INSERT INTO glue_trigger (name, region, workflow, doc, state) VALUES "
		    "(?, ?, ?, ?, 'CREATING')",
		    "ssss", c->name, c->req->region, c->workflow, text) != 0 ||
		move_tx(cloud, c->name, start ? "ACTIVATING" : "CREATING",
			start ? "ACTIVATED" : "CREATED", err) != 0 ||
		set_fire_time_tx(cloud, c->name, c->doc, start, err) != 0 ||
		local_tags_set(cloud, arn.buf, json_get(c->req->in, "Tags"), err) != 0)
		goto out;
	ret = 0;
out:
	strbuf_release(&arn);
	free(text);
	trigger_row_release(&old);
	return ret;
}

/* A write to a trigger: alone in its workflow, with the pause. */
static int write_held(struct local_cloud *cloud, struct trigger_call *c, const char *doing,
	local_tx_fn *fn, struct err *err)
{
	int ret;

	if (!local_workflow_hold(cloud, c->workflow))
		return conflict(err, c->workflow, doing, c->name);
	ret = local_tx(cloud, fn, c, err);
	if (c->workflow)
		local_trigger_pause(cloud);
	local_workflow_let_go(cloud, c->workflow);
	if (ret == 0)
		local_wake_all(cloud); /* the scheduler looks at the times again */
	return ret;
}

static struct json *name_reply(const char *name)
{
	struct json *out = json_object();

	json_set_str(out, "Name", name);
	return out;
}

static int create_trigger(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field start_fields[] = {
		{"StartOnCreation", GLUE_BOOL, false, 0, 0, NULL, NULL},
		{0},
	};
	struct trigger_call c = {
		.req = req, .name = json_get_str(req->in, "Name"), .launch = LOCAL_LAUNCH_INIT};
	int ret = -1;

	if (glue_check(local_trigger_create_fields, req->in, err) != 0 ||
		glue_check(start_fields, req->in, err) != 0 ||
		glue_check_tags(json_get(req->in, "Tags"), err) != 0)
		goto out;
	c.doc = glue_pick(local_trigger_create_fields, req->in);
	c.workflow = xstrdup(json_get_str(c.doc, "WorkflowName"));
	if (local_trigger_check(c.doc, err) != 0 ||
		local_trigger_check_targets(cloud, c.doc, err) != 0)
		goto out;
	if (json_get_truth(req->in, "StartOnCreation", false) && !activates(c.doc)) {
		glue_invalid(err, "StartOnCreation is not supported for triggers of type %s",
			json_get_str(c.doc, "Type"));
		goto out;
	}
	ret = write_held(cloud, &c, "adding", create_tx, err);
	if (ret == 0)
		*out = name_reply(c.name);
out:
	trigger_call_release(&c);
	return ret;
}

/* What the writes look up first: the workflow that they will hold. */
static int workflow_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct trigger_call *c = payload;
	struct trigger_row t;
	int found = find_tx(cloud, c->name, &t, err);

	if (found > 0)
		c->workflow = xstrdup(json_get_str(t.doc, "WorkflowName"));
	trigger_row_release(&t);
	return found < 0 ? -1 : 0;
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct trigger_call *c = payload;
	static const char *const kept[] = {"Type", "WorkflowName", "Name", NULL};
	struct trigger_row t;
	struct json *fresh;
	char *text = NULL;
	int ret = -1;

	if (need_tx(cloud, c->name, &t, err) != 0)
		goto out;
	if (strcmp(t.state, "DELETING") == 0) {
		glue_not_found(err, "Trigger with name %s not found", c->name);
		goto out;
	}
	fresh = json_object();
	for (size_t i = ARRAY_SIZE(kept) - 1; i-- > 0;)
		json_set(fresh, kept[i], json_copy(json_get(t.doc, kept[i])));
	for (struct json *e = json_first(c->doc); e; e = json_next(e))
		json_set(fresh, json_name(e), json_copy(e));
	json_free(c->doc);
	c->doc = fresh;
	text = glue_text(fresh);
	if (local_trigger_check(fresh, err) != 0 ||
		sql_run(cloud->db, NULL, err, "UPDATE glue_trigger SET doc = ? WHERE name = ?",
			"ss", text, c->name) != 0 ||
		sql_run(cloud->db, NULL, err,
			"DELETE FROM glue_mark WHERE scope = '' AND trigger_name = ?", "s",
			c->name) != 0 ||
		move_tx(cloud, c->name, "UPDATING", t.next_state ? t.next_state : t.state, err) !=
			0 ||
		set_fire_time_tx(cloud, c->name, fresh, is_active(&t), err) != 0)
		goto out;
	json_set_str(fresh, "State", "UPDATING");
	ret = 0;
out:
	free(text);
	trigger_row_release(&t);
	return ret;
}

static int update_trigger(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const struct json *update = json_get(req->in, "TriggerUpdate");
	struct trigger_call c = {
		.req = req, .name = json_get_str(req->in, "Name"), .launch = LOCAL_LAUNCH_INIT};
	int ret = -1;

	if (glue_check(name_fields, req->in, err) != 0)
		goto out;
	if (!json_is(update, JSON_OBJECT)) {
		glue_invalid(err, "TriggerUpdate cannot be null");
		goto out;
	}
	if (glue_check(local_trigger_update_fields, update, err) != 0)
		goto out;
	c.doc = glue_pick(local_trigger_update_fields, update);
	if (local_trigger_check_targets(cloud, c.doc, err) != 0 ||
		local_tx(cloud, workflow_tx, &c, err) != 0)
		goto out;
	ret = write_held(cloud, &c, "updating", update_tx, err);
	if (ret == 0) {
		*out = json_object();
		json_set(*out, "Trigger", json_copy(c.doc));
	}
out:
	trigger_call_release(&c);
	return ret;
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct trigger_call *c = payload;
	struct strbuf arn = STRBUF_INIT;
	struct trigger_row t;
	int found = find_tx(cloud, c->name, &t, err), ret = found < 0 ? -1 : 0;

	if (found > 0 && strcmp(t.state, "DELETING") != 0) {
		glue_arn(cloud, t.region, "trigger", c->name, &arn);
		if (move_tx(cloud, c->name, "DELETING", NULL, err) != 0 ||
			local_tags_clear(cloud, arn.buf, err) != 0 ||
			sql_run(cloud->db, NULL, err,
				"DELETE FROM glue_mark WHERE scope = '' AND trigger_name = ?", "s",
				c->name) != 0)
			ret = -1;
	}
	strbuf_release(&arn);
	trigger_row_release(&t);
	return ret;
}

/* Silent about a name that does not exist, as Glue is. */
static int delete_trigger(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct trigger_call c = {
		.req = req, .name = json_get_str(req->in, "Name"), .launch = LOCAL_LAUNCH_INIT};
	int ret = -1;

	if (glue_check(name_fields, req->in, err) == 0 &&
		local_tx(cloud, workflow_tx, &c, err) == 0)
		ret = write_held(cloud, &c, "deleting", delete_tx, err);
	if (ret == 0)
		*out = name_reply(c.name);
	trigger_call_release(&c);
	return ret;
}

/* ON_DEMAND fires, in a workflow by starting a run of it; the others become active. */
static int start_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct trigger_call *c = payload;
	const char *type, *workflow;
	struct trigger_row t;
	char *run = NULL;
	int ret = -1;

	if (need_tx(cloud, c->name, &t, err) != 0)
		goto out;
	type = json_get_str(t.doc, "Type");
	workflow = json_get_str(t.doc, "WorkflowName");
	if (strcmp(t.state, "DELETING") == 0)
		glue_invalid(err, "Trigger %s is being deleted", c->name);
	else if (strcmp(type, "EVENT") == 0)
		glue_invalid(err, "Triggers of type EVENT cannot be started");
	else if (strcmp(type, "ON_DEMAND") == 0 && workflow)
		ret = local_workflow_start_tx(cloud, workflow, NULL, false, &c->launch, &run, err);
	else if (strcmp(type, "ON_DEMAND") == 0)
		ret = local_engine_fire_tx(
			cloud, t.doc, NULL, true, NULL, NULL, NULL, &c->launch, err);
	else if (is_active(&t))
		ret = 0;
	else if (move_tx(cloud, c->name, "ACTIVATING", "ACTIVATED", err) == 0)
		ret = set_fire_time_tx(cloud, c->name, t.doc, true, err);
out:
	free(run);
	trigger_row_release(&t);
	return ret;
}

static int start_trigger(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct trigger_call c = {
		.req = req, .name = json_get_str(req->in, "Name"), .launch = LOCAL_LAUNCH_INIT};
	int ret = glue_check(name_fields, req->in, err);

	if (ret == 0)
		ret = local_tx(cloud, start_tx, &c, err);
	if (ret == 0) {
		local_launch_go(cloud, &c.launch);
		local_wake_all(cloud);
		*out = name_reply(c.name);
	}
	trigger_call_release(&c);
	return ret;
}

static int stop_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct trigger_call *c = payload;
	struct trigger_row t;
	int ret = -1;

	if (need_tx(cloud, c->name, &t, err) != 0)
		goto out;
	if (!activates(t.doc) || strcmp(t.state, "DELETING") == 0 ||
		strcmp(t.next_state ? t.next_state : t.state, "CREATED") == 0)
		glue_invalid(err, "Trigger %s cannot be stopped in state %s", c->name, t.state);
	else if (strcmp(t.next_state ? t.next_state : t.state, "DEACTIVATED") == 0)
		ret = 0;
	else if (move_tx(cloud, c->name, "DEACTIVATING", "DEACTIVATED", err) == 0)
		ret = set_fire_time_tx(cloud, c->name, t.doc, false, err);
out:
	trigger_row_release(&t);
	return ret;
}

static int stop_trigger(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct trigger_call c = {
		.req = req, .name = json_get_str(req->in, "Name"), .launch = LOCAL_LAUNCH_INIT};
	int ret = glue_check(name_fields, req->in, err);

	if (ret == 0)
		ret = local_tx(cloud, stop_tx, &c, err);
	if (ret == 0)
		*out = name_reply(c.name);
	trigger_call_release(&c);
	return ret;
}

/* --- reading --- */

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct trigger_call *c = payload;
	struct trigger_row t;
	int ret = need_tx(cloud, c->name, &t, err);

	if (ret == 0) {
		c->out = t.doc;
		t.doc = NULL;
	}
	trigger_row_release(&t);
	return ret;
}

static int get_trigger(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct trigger_call c = {.req = req, .name = json_get_str(req->in, "Name")};

	if (glue_check(name_fields, req->in, err) != 0 || local_tx(cloud, get_tx, &c, err) != 0)
		return -1;
	*out = json_object();
	json_set(*out, "Trigger", c.out);
	return 0;
}

static bool depends_on(const struct json *trigger, const char *job)
{
	struct json *a;

	json_each(a, json_get(trigger, "Actions"))
	{
		const char *name = json_get_str(a, "JobName");

		if (name && strcmp(name, job) == 0)
			return true;
	}
	return false;
}

static int wanted_tx(struct local_cloud *cloud, struct trigger_call *c, const struct json *trigger,
	bool *wanted, struct err *err)
{
	const char *name = json_get_str(trigger, "Name"),
		   *job = json_get_str(c->req->in, "DependentJobName");
	struct strbuf arn = STRBUF_INIT;
	int ret = 0;

	*wanted = (!c->after || strcmp(name, c->after) > 0) && (!job || depends_on(trigger, job));
	if (*wanted && c->names) {
		glue_arn(cloud, c->req->region, "trigger", name, &arn);
		ret = glue_tags_match_tx(cloud, arn.buf, json_get(c->req->in, "Tags"), wanted, err);
	}
	strbuf_release(&arn);
	return ret;
}

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct trigger_call *c = payload;
	struct json *all = NULL, *list = json_array(), *t;
	const char *last = NULL;
	int64_t n = 0;
	int ret = -1;

	c->out = json_object();
	json_set(c->out, c->names ? "TriggerNames" : "Triggers", list);
	if (local_triggers_list_tx(cloud, NULL, &all, err) != 0)
		goto out;
	json_each(t, all)
	{
		bool wanted;

		if (wanted_tx(cloud, c, t, &wanted, err) != 0)
			goto out;
		if (wanted && n++ == c->limit) {
			char *token = local_token_make(last);

			json_set_str(c->out, "NextToken", token);
			free(token);
			break;
		}
		if (!wanted)
			continue;
		last = json_get_str(t, "Name");
		json_push(list, c->names ? json_string(last) : json_copy(t));
	}
	ret = 0;
out:
	json_free(all);
	return ret;
}

static int list_reply(struct local_cloud *cloud, const struct local_request *req, bool names,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"DependentJobName", GLUE_STRING, false, 1, 255, NULL, NULL},
		{0},
	};
	const char *job = json_get_str(req->in, "DependentJobName");
	struct trigger_call c = {
		.req = req, .name = job, .launch = LOCAL_LAUNCH_INIT, .names = names};
	int ret = -1;

	if (glue_check(fields, req->in, err) == 0 &&
		glue_page(req->in, 200, &c.limit, &c.after, err) == 0)
		ret = local_tx(cloud, list_tx, &c, err);
	if (ret == 0)
		*out = c.out;
	else
		json_free(c.out);
	trigger_call_release(&c);
	return ret;
}

static int get_triggers(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return list_reply(cloud, req, false, out, err);
}

static int list_triggers(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return list_reply(cloud, req, true, out, err);
}

static int batch_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct trigger_call *c = payload;
	struct json *found = json_array(), *missing = json_array(), *name;

	c->out = json_object();
	json_set(c->out, "Triggers", found);
	json_set(c->out, "TriggersNotFound", missing);
	json_each(name, json_get(c->req->in, "TriggerNames"))
	{
		struct trigger_row t;
		int have = find_tx(cloud, json_str(name), &t, err);

		if (have > 0)
			json_push(found, json_copy(t.doc));
		else
			json_push_str(missing, json_str(name));
		trigger_row_release(&t);
		if (have < 0)
			return -1;
	}
	return 0;
}

static int batch_get_triggers(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"TriggerNames", GLUE_LIST, true, 0, 1000, NULL, NULL},
		{0},
	};
	struct trigger_call c = {.req = req};

	if (glue_check(fields, req->in, err) != 0)
		return -1;
	if (local_tx(cloud, batch_tx, &c, err) != 0) {
		json_free(c.out);
		return -1;
	}
	*out = c.out;
	return 0;
}

static void trigger_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	glue_arn(cloud, req->region, "trigger", json_get_str(req->in, "Name"), arn);
}

static const struct local_route routes[] = {
	{"BatchGetTriggers", batch_get_triggers, NULL},
	{"CreateTrigger", create_trigger, trigger_arn},
	{"DeleteTrigger", delete_trigger, trigger_arn},
	{"GetTrigger", get_trigger, trigger_arn},
	{"GetTriggers", get_triggers, NULL},
	{"ListTriggers", list_triggers, NULL},
	{"StartTrigger", start_trigger, trigger_arn},
	{"StopTrigger", stop_trigger, trigger_arn},
	{"UpdateTrigger", update_trigger, trigger_arn},
};

const struct local_service local_glue_triggers_service = {"glue", routes, ARRAY_SIZE(routes)};
