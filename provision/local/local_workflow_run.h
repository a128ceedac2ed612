#ifndef LOCAL_WORKFLOW_RUN_H
#define LOCAL_WORKFLOW_RUN_H

/* Between the files that serve workflow runs: one call, one row. */
#include "local_glue.h"

struct local_workflow_call {
	const struct local_request *req;
	const char *name, *id;
	struct json *out;
	struct local_launch launch;
	char *new_id, *after;
	struct strvec restarted;
	int64_t limit;
	bool graph;
};
#define LOCAL_WORKFLOW_CALL_INIT(request)                                                \
	{                                                                                \
		.req = (request), .name = json_get_str((request)->in, "Name"),           \
		.id = json_get_str((request)->in, "RunId"), .launch = LOCAL_LAUNCH_INIT, \
		.restarted = STRVEC_INIT,                                                \
		.graph = json_get_truth((request)->in, "IncludeGraph", false)            \
	}
void local_workflow_call_release(struct local_workflow_call *c);

struct local_workflow_run {
	char *id, *workflow, *state, *previous, *error;
	struct json *properties, *triggers;
	int64_t started_ms, completed_ms;
};
void local_workflow_run_release(struct local_workflow_run *r);
/* The run that the call names; EntityNotFoundException. */
int local_workflow_run_need_tx(struct local_cloud *cloud, const struct local_workflow_call *c,
	struct local_workflow_run *out, struct err *err) must_check;
int local_workflow_run_insert_tx(
	struct local_cloud *cloud, const struct local_workflow_run *r, struct err *err) must_check;
/* Are MaxConcurrentRuns under way? */
int local_workflow_full_tx(struct local_cloud *cloud, const struct json *workflow, bool *full,
	struct err *err) must_check;
extern const struct glue_field local_workflow_run_fields[];
local_handler_fn local_workflow_resume;

#endif
