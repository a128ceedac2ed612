/*
 * RedriveExecution: what failed or was stopped is entered again where it stood ("Restarting state machine executions with
 * redrive", AWS Step Functions Developer Guide). A flow that did not succeed is still in the document: the root, the kids of a fork
 * that was stopped, and in `rest` those of a fork that failed.
 */
#include "local_asl_run.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "strbuf.h"

int64_t asl_run_redrives(const struct asl_run *run)
{
	return json_get_i64(json_path(run->doc, "context.Execution"), "RedriveCount", 0);
}

const char *asl_run_not_redrivable(const struct asl_run *run)
{
	enum asl_status status = asl_run_status(run);

	if (status == ASL_RUNNING)
		return "Execution is RUNNING and cannot be redriven";
	if (status == ASL_SUCCEEDED)
		return "Execution is SUCCEEDED and cannot be redriven";
	if (json_get_i64(run->doc, "lastEvent", 0) >= ASL_EVENTS_MAX - 1)
		return "Execution history event limit exceeded";
	return NULL;
}

/* The kids that failed, or were stopped when one did, take their places again. */
static void put_back(struct json *f)
{
	struct json *rest = json_get(f, "rest"), *kids = json_get(f, "kids"), *e;

	if (!kids) {
		json_set(f, "kids", json_object());
		kids = json_get(f, "kids");
	}
	json_each(e, rest) json_set(kids, json_name(e), json_copy(e));
	json_remove(f, "rest");
	/* those that were tolerated stay lost */
	json_set_i64(f, "failed", (int64_t)json_len(json_get(f, "lost")));
}

/* Names the flows that have to go on, the outer ones behind those within. */
static void gather(struct json *f, const char *id, int64_t event, struct strvec *out)
{
	const char *phase = json_get_str(f, "phase");
	struct json *kid;
	char *name;

	json_set_i64(f, "last", event);
	if (!strcmp(phase, "fork")) {
		put_back(f);
		json_each(kid, json_get(f, "kids"))
		{
			name = xasprintf("%s.%s", id, json_name(kid));
			gather(kid, name, event, out);
			free(name);
		}
	}
	/* whatever else happens to it first, it is entered once */
	if (strcmp(phase, "fork") != 0 && strcmp(phase, "enter") != 0)
		json_set_str(f, "phase", "again");
	strvec_push(out, id);
}

static void go_on(struct asl_run *run, struct asl_flow *flow)
{
	const char *phase = json_get_str(flow->f, "phase");
	char *arn;

	if (!strcmp(phase, "fork")) {
		asl_fork_again(run, flow);
		return;
	}
	if (!strcmp(phase, "enter")) {
		asl_ready(run, flow->id);
		return;
	}
	if (strcmp(phase, "again") != 0)
		return;
	arn = xstrdup(json_get_str(flow->f, "redrivable"));
	if (!arn)
		arn = xstrdup(json_get_str(json_get(flow->f, "map"), "mapRunArn"));
	json_remove(flow->f, "retries");
	json_remove(flow->f, "attempt");
	asl_phase(flow, "work");
	json_set_str(flow->f, "redrivable", arn);
	free(arn);
	asl_work(run, flow);
}

static int64_t tell(struct asl_run *run)
{
	struct json *execution = json_path(run->doc, "context.Execution"), *d = json_object();
	struct strbuf sb = STRBUF_INIT;
	int64_t n = asl_run_redrives(run) + 1;

	clock_add_iso(&sb, asl_now(&run->host), true);
	json_set_i64(execution, "RedriveCount", n);
	json_set_str(execution, "RedriveTime", sb.buf);
	strbuf_release(&sb);
	json_set_i64(d, "redriveCount", n);
	return asl_event(run, NULL, "ExecutionRedriven", "executionRedrivenEventDetails", d);
}

bool asl_run_redrive(struct asl_run *run, const char **why)
{
	static const char *const over[] = {"error", "cause", "stoppedAt", "due"};
	const char *not = asl_run_not_redrivable(run);
	struct strvec ids = STRVEC_INIT;
	struct asl_flow *flow;

	if (why)
		*why = not ;
	if (not )
		return false;
	json_set_str(run->doc, "status", "RUNNING");
	for (size_t i = 0; i < ARRAY_SIZE(over); i++)
		json_remove(run->doc, over[i]);
	asl_set_time_out(run);
	gather(json_get(run->doc, "root"), "r", tell(run), &ids);
	for (size_t i = 0; i < ids.nr && asl_running(run); i++) {
		/* one that fails at once takes others with it */
		flow = asl_flow_find(run, ids.v[i]);
		if (flow)
			go_on(run, flow);
		asl_flow_free(flow);
	}
	strvec_release(&ids);
	asl_settle(run);
	return true;
}
