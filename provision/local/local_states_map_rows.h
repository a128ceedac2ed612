#ifndef LOCAL_STATES_MAP_ROWS_H
#define LOCAL_STATES_MAP_ROWS_H

/*
 * What the files of the map runs share.
 *
 * A map run's row: status RUNNING, SUCCEEDED, FAILED, ABORTED, as DescribeMapRun has it, and its phase:
 *   READ  the items are being read; there are no children yet
 *   RUN   children are started and end
 *   STOP  enough of them failed, or nobody waits any more: no new ones, the running ones are stopped; `outcome` is to be the status
 *   DONE  it is over; results are written, the task was told or will be when it is started again
 * A child's status: PENDING, PENDING_REDRIVE, RUNNING, and those of an execution that is over.
 */
#include "local_states_map.h"

struct map_run {
	int64_t id, execution;
	char *arn, *execution_arn, *machine_arn, *role_arn, *task, *state, *label;
	char *status, *phase, *outcome, *error, *cause;
	struct json *action; /* without items and scope once it has children */
	bool express;
	int64_t most, tolerated;     /* 0: no limit of its own; -1: no count */
	double tolerated_percentage; /* -1: none */
	int64_t redrives;
};
void map_run_release(struct map_run *r);
/* The items as the children's inputs: an array of {input, items}. NULL: err, whose name is the error's in the language. */
struct json *map_read(struct local_cloud *cloud, const struct local_principal *who,
	struct json *action, struct err *err) must_check;
/* The state's result; results are written first where a ResultWriter wants them. NULL: err, named likewise. */
struct json *map_write(struct local_cloud *cloud, const struct local_principal *who,
	const struct map_run *r, struct err *err) must_check;
/* The items of a file; `config` is the reader's. Pure. NULL: err. */
struct json *map_items(
	const char *text, size_t len, const struct json *config, struct err *err) must_check;

#endif
