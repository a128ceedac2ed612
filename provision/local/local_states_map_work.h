#ifndef LOCAL_STATES_MAP_WORK_H
#define LOCAL_STATES_MAP_WORK_H

/* Between the task of a map run (local_states_map.c) and its work (local_states_map_run.c). */
#include "local_states_map_rows.h"

/* Has the thread look at the run; any thread, outside of a transaction. */
void map_kick(struct local_cloud *cloud, int64_t run);
/* 1: found, 0, -1. */
int map_run_by_arn_tx(struct local_cloud *cloud, const char *arn, struct map_run *out,
	struct err *err) must_check;
int map_run_by_task_tx(struct local_cloud *cloud, int64_t execution, const char *task,
	struct map_run *out, struct err *err) must_check;
int map_principal(struct local_cloud *cloud, const struct map_run *r, struct local_principal *who,
	struct err *err) must_check;
/* map_write as the machine's role. */
struct json *map_results(
	struct local_cloud *cloud, const struct map_run *r, struct err *err) must_check;

struct map_counts {
	int64_t children, pending, running, items, failed_items;
};
struct map_ended {
	const struct states_end *end;
	int64_t run;
};

#endif
