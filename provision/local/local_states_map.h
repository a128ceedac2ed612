#ifndef LOCAL_STATES_MAP_H
#define LOCAL_STATES_MAP_H

/*
 * The Map in mode DISTRIBUTED: map runs. The engine's action {action: "map", …} (local_asl.h) is started as a task of
 * local_states_map_integration: its items are read and become children, kept in the store; children are started as executions of
 * their own, a bounded number at a time, by a thread of the part; results are written; then the task is told. Ends of
 * children come by local_states_map_ended, those that a crash swallowed are looked up when the task is started with `again`.
 */
#include "local_states.h"

extern const struct local_part local_states_map_part;
/* DescribeMapRun, ListMapRuns, UpdateMapRun */
extern const struct local_service local_states_map_service;

/* --- what the service has for it (local_states_*.c) --- */
/* asl_map_started of the task's run: before the task is told anything else; does not wait. */
void states_map_started(const struct states_task *t, const char *map_run_arn, int64_t redrives);
/* RedriveExecution of a child, by its map run. ExecutionNotRedrivable. */
int states_redrive_child(struct local_cloud *cloud, const char *arn, struct err *err) must_check;

#endif
