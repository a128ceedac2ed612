/* What is read of executions: events as they come, and the job runs that one began. */
#include <stdlib.h>
#include <string.h>
#include "exec_history.h"
#include "ops.h"
#include "run_parts.h"

#define PAGE_EVENTS "1000"

char *states_execution_arn(const struct session *s, const char *machine, const char *execution)
{
	char *of, *name, *arn;

	if (starts_with(execution, "arn:"))
		return xstrdup(execution);
	of = machine_arn(s, machine);
	name = strstr(of, ":stateMachine:");
	if (!name) {
		free(of);
		return xstrdup(execution);
	}
	arn = xasprintf("%.*s:execution:%s:%s", (int)(name - of), of,
		name + strlen(":stateMachine:"), execution);
	free(of);
	return arn;
}

static int read_page(
	struct session *s, const char *execution, char **page, struct json **out, struct err *err)
{
	struct err e = ERR_INIT;
	int ret = call_with(s, &states_get_execution_history, out, &e, "executionArn", execution,
		"#maxResults", PAGE_EVENTS, *page ? "nextToken" : NULL, *page, NULL);

	if (ret < 0 && *page && err_is_aws(&e, "InvalidToken")) {
		/* It is a day old: from the start, then; what is known is passed over. */
		err_release(&e);
		free(*page);
		*page = NULL;
		return call_with(s, &states_get_execution_history, out, err, "executionArn",
			execution, "#maxResults", PAGE_EVENTS, NULL);
	}
	if (ret < 0)
		err_move(err, &e);
	return ret;
}

int states_read_history(struct session *s, const char *execution, char **page,
	struct exec_history *h, struct err *err)
{
	for (;;) {
		struct json *out = NULL, *ev;
		const char *next;

		if (read_page(s, execution, page, &out, err) < 0)
			return -1;
		json_each(ev, json_get(out, "events")) exec_history_take(h, ev);
		next = json_get_str(out, "nextToken");
		/* The last page is the one that grows: the next look begins with it. */
		if (next) {
			free(*page);
			*page = xstrdup(next);
		}
		json_free(out);
		if (!next)
			return 0;
	}
}

/* The execution to show, and whether it goes on; NULL with err. */
static char *find_execution(
	struct session *s, const char *machine, const char *run_id, bool *running, struct err *err)
{
	struct json *out = NULL, *newest = NULL;
	char *arn = machine_arn(s, machine), *execution = NULL;
	const char *status;
	int ret;

	if (run_id) {
		execution = states_execution_arn(s, machine, run_id);
		ret = call_with(
			s, &states_describe_execution, &out, err, "executionArn", execution, NULL);
		newest = out;
	} else {
		ret = call_with(s, &states_list_executions, &out, err, "stateMachineArn", arn,
			"#maxResults", "1", NULL);
		newest = json_at(json_get(out, "executions"), 0);
		execution = xstrdup(json_get_str(newest, "executionArn"));
	}
	status = json_get_str(newest, "status");
	*running = status && !strcmp(status, "RUNNING");
	if (ret < 0) {
		free(execution);
		execution = NULL;
	} else if (!execution) {
		err_set(err, ERR_NOT_FOUND, "'%s' has not run yet", machine);
	}
	json_free(out);
	free(arn);
	return execution;
}

int states_job_runs(struct session *s, const char *machine, const char *run_id, struct json *runs,
	bool *running, struct err *err)
{
	char *execution = find_execution(s, machine, run_id, running, err), *page = NULL;
	struct exec_history h;
	int ret = -1;

	exec_history_init(&h);
	if (execution)
		ret = states_read_history(s, execution, &page, &h, err);
	for (size_t i = 0; !ret && i < h.nr_runs; i++) {
		struct json *run = json_object();
		json_set_str(run, "JobName", h.runs[i].job);
		json_set_str(run, "Id", h.runs[i].id);
		json_push(runs, run);
	}
	exec_history_release(&h);
	free(execution);
	free(page);
	return ret;
}
