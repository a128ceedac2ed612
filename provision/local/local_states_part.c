/* Step Functions as a part of the cloud: its tables, its threads, and what it does after a crash. */
#include "local_states_live.h"

#include "log.h"
#include "xalloc.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS states_machine (seq INTEGER PRIMARY KEY, arn TEXT NOT NULL "
	"UNIQUE, "
	"name TEXT NOT NULL, region TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL, "
	"revision TEXT NOT NULL, encryption TEXT, created_ms INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS states_revision (id TEXT PRIMARY KEY, machine_arn TEXT NOT "
	"NULL, "
	"label TEXT, definition TEXT NOT NULL, role TEXT NOT NULL, logging TEXT, tracing INTEGER "
	"NOT "
	"NULL, express INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS states_revision_machine ON states_revision (machine_arn);"
	"CREATE TABLE IF NOT EXISTS states_version (seq INTEGER PRIMARY KEY, arn TEXT NOT NULL "
	"UNIQUE, "
	"machine_arn TEXT NOT NULL, number INTEGER NOT NULL, revision TEXT NOT NULL, description "
	"TEXT, created_ms INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS states_alias (seq INTEGER PRIMARY KEY, arn TEXT NOT NULL "
	"UNIQUE, "
	"machine_arn TEXT NOT NULL, name TEXT NOT NULL, description TEXT, routing TEXT NOT NULL, "
	"created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS states_execution (id INTEGER PRIMARY KEY AUTOINCREMENT, arn "
	"TEXT "
	"NOT NULL UNIQUE, name TEXT NOT NULL, machine_arn TEXT NOT NULL, version_arn TEXT, "
	"alias_arn "
	"TEXT, revision TEXT NOT NULL, express INTEGER NOT NULL, status TEXT NOT NULL, input TEXT "
	"NOT "
	"NULL, output TEXT, error TEXT, cause TEXT, trace TEXT, started_ms INTEGER NOT NULL, "
	"stopped_ms INTEGER NOT NULL DEFAULT 0, state TEXT, map_run_arn TEXT, items INTEGER NOT "
	"NULL "
	"DEFAULT 0, redrive_count INTEGER NOT NULL DEFAULT 0, redrive_ms INTEGER NOT NULL DEFAULT "
	"0, redrive_token TEXT);"
	"CREATE INDEX IF NOT EXISTS states_execution_machine ON states_execution (machine_arn, id);"
	"CREATE INDEX IF NOT EXISTS states_execution_map ON states_execution (map_run_arn, id);"
	"CREATE INDEX IF NOT EXISTS states_execution_status ON states_execution (status, id);"
	"CREATE INDEX IF NOT EXISTS states_execution_stopped ON states_execution (stopped_ms);"
	"CREATE INDEX IF NOT EXISTS states_execution_express ON states_execution (stopped_ms) "
	"WHERE express = 1 AND map_run_arn IS NULL;"
	"CREATE TABLE IF NOT EXISTS states_event (execution INTEGER NOT NULL REFERENCES "
	"states_execution(id) ON DELETE CASCADE, id INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY "
	"KEY "
	"(execution, id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS states_task (execution INTEGER NOT NULL REFERENCES "
	"states_execution(id) ON DELETE CASCADE, id TEXT NOT NULL, kind TEXT, ref TEXT, called_ms "
	"INTEGER NOT NULL, PRIMARY KEY (execution, id)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS states_task_ref ON states_task (kind, ref);"
	"CREATE TABLE IF NOT EXISTS states_token (token TEXT PRIMARY KEY, execution INTEGER NOT "
	"NULL "
	"REFERENCES states_execution(id) ON DELETE CASCADE, task TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS states_token_execution ON states_token (execution);"
	"CREATE TABLE IF NOT EXISTS states_activity (seq INTEGER PRIMARY KEY, arn TEXT NOT NULL "
	"UNIQUE, "
	"name TEXT NOT NULL, region TEXT NOT NULL, encryption TEXT, created_ms INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS states_activity_task (seq INTEGER PRIMARY KEY, activity_arn "
	"TEXT NOT "
	"NULL, execution INTEGER NOT NULL REFERENCES states_execution(id) ON DELETE CASCADE, task "
	"TEXT "
	"NOT NULL, token TEXT NOT NULL, input TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS states_activity_task_arn ON states_activity_task "
	"(activity_arn, "
	"seq);"
	"CREATE INDEX IF NOT EXISTS states_activity_task_execution ON states_activity_task "
	"(execution);";

struct states_state *states_state(struct local_cloud *cloud)
{
	return local_part_state(cloud, &local_states_part);
}

static void *state_new(void)
{
	struct states_state *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	pthread_cond_init(&s->calls, NULL);
	pthread_cond_init(&s->told, NULL);
	map_init(&s->live, NULL);
	map_init(&s->revisions, NULL);
	s->ready_last = &s->ready;
	s->call_last = &s->call;
	s->timer_until = -1;
	return s;
}

static void state_free(void *state)
{
	struct states_state *s = state;

	if (!s)
		return;
	map_release(&s->live);
	map_release(&s->revisions);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->calls);
	pthread_cond_destroy(&s->told);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int running_ids(struct local_cloud *cloud, struct strvec *ids, struct err *err)
{
	struct sql_stmt *st;
	int row = -1;

	if (local_tx_begin(cloud, err))
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT id FROM states_execution WHERE status = 'RUNNING' ORDER BY id", "");
	while (st && (row = sql_step(st, err)) > 0)
		strvec_push(ids, sql_text(st, 0));
	sql_done(st);
	local_tx_end(cloud);
	return row;
}

/* Executions of machines that are being deleted end with their next transition. */
static int doom_again(struct local_cloud *cloud, struct err *err)
{
	struct strvec arns = STRVEC_INIT;
	struct sql_stmt *st;
	int row = -1;

	if (local_tx_begin(cloud, err))
		return -1;
	st = sql_query(
		cloud->db, err, "SELECT arn FROM states_machine WHERE status = 'DELETING'", "");
	while (st && (row = sql_step(st, err)) > 0)
		strvec_push(&arns, sql_text(st, 0));
	sql_done(st);
	local_tx_end(cloud);
	for (size_t i = 0; i < arns.nr; i++)
		states_doom(cloud, arns.v[i]);
	strvec_release(&arns);
	return row;
}

static bool spawn(struct states_state *s, void *(*main_fn)(void *), struct local_cloud *cloud)
{
	if (pthread_create(&s->threads[s->nr_threads], NULL, main_fn, cloud))
		return false;
	s->nr_threads++;
	return true;
}

static int start(struct local_cloud *cloud, struct err *err)
{
	struct states_state *s = states_state(cloud);
	struct strvec ids = STRVEC_INIT;
	int ret = running_ids(cloud, &ids, err);

	for (size_t i = 0; !ret && i < ids.nr; i++) {
		struct err why = ERR_INIT;

		/* one that cannot be read must not keep the others from going on */
		if (states_live_add(cloud, (int64_t)strtoll(ids.v[i], NULL, 10), true, &why))
			log_error("execution %s cannot go on: %s", ids.v[i], why.text);
		err_release(&why);
	}
	strvec_release(&ids);
	if (!ret)
		ret = doom_again(cloud, err);
	if (ret)
		return -1;
	for (int i = 0; i < STATES_DRIVERS; i++)
		if (!spawn(s, states_driver_main, cloud))
			return err_errno(err, "start a thread");
	for (int i = 0; i < STATES_CALLERS; i++)
		if (!spawn(s, states_caller_main, cloud))
			return err_errno(err, "start a thread");
	s->timer_runs = !pthread_create(&s->timer, NULL, states_timer_main, cloud);
	return s->timer_runs ? 0 : err_errno(err, "start a thread");
}

static void stop(struct local_cloud *cloud)
{
	struct states_state *s = states_state(cloud);

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->work);
	pthread_cond_broadcast(&s->calls);
	pthread_cond_broadcast(&s->told);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->nr_threads; i++)
		pthread_join(s->threads[i], NULL);
	if (s->timer_runs)
		pthread_join(s->timer, NULL);
	states_live_clear(cloud);
}

static bool busy(struct local_cloud *cloud)
{
	struct states_state *s = states_state(cloud);
	bool any;

	pthread_mutex_lock(&s->lock);
	any = s->live.nr || s->call || s->nr_calling;
	pthread_mutex_unlock(&s->lock);
	return any;
}

const struct local_part local_states_part = {
	.name = "states",
	.schema = schema,
	.start = start,
	.stop = stop,
	.busy = busy,
	.state_new = state_new,
	.state_free = state_free,
};
