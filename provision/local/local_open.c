/* Opening and closing the data folder: database, schema, recovery, parts. */
#include "local_internal.h"

#include <ctype.h>
#include <sys/stat.h>
#include "fs.h"
#include "log.h"
#include "xalloc.h"

const struct local_part local_core_part = {
	.name = "core",
	.schema = "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) "
		  "WITHOUT ROWID;"
		  "CREATE TABLE IF NOT EXISTS tag(arn TEXT NOT NULL, key TEXT NOT NULL,"
		  " value TEXT NOT NULL, PRIMARY KEY(arn, key)) WITHOUT ROWID;"
		  "CREATE INDEX IF NOT EXISTS tag_key ON tag(key, value);",
};

int local_meta_get(struct local_cloud *cloud, const char *key, char **value, struct err *err)
{
	struct sql_stmt *st =
		sql_query(cloud->db, err, "SELECT value FROM meta WHERE key = ?", "s", key);
	int row;

	*value = NULL;
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		*value = xstrdup(sql_text(st, 0));
	sql_done(st);
	return row < 0 ? -1 : 0;
}

int local_meta_set(struct local_cloud *cloud, const char *key, const char *value, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"INSERT INTO meta(key, value) VALUES(?, ?) ON CONFLICT DO UPDATE SET value = "
		"excluded.value",
		"ss", key, value);
}

/* A value that the folder keeps once it is chosen. */
static int settle(struct local_cloud *cloud, const char *key, const char *asked,
	const char *otherwise, bool fixed, char **out, struct err *err)
{
	char *kept = NULL;

	if (local_meta_get(cloud, key, &kept, err))
		return -1;
	if (kept && asked && strcmp(kept, asked) && fixed) {
		err_set(err, ERR_USAGE, "the data folder '%s' belongs to %s %s, not %s", cloud->dir,
			key, kept, asked);
		free(kept);
		return -1;
	}
	if (kept && (!asked || !strcmp(kept, asked))) {
		*out = kept;
		return 0;
	}
	free(kept);
	*out = xstrdup(asked ? asked : otherwise);
	return local_meta_set(cloud, key, *out, err);
}

static bool is_account(const char *s)
{
	size_t i;

	for (i = 0; i < 12; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return !s[12];
}

static int read_identity(
	struct local_cloud *cloud, const struct local_server_opts *opts, struct err *err)
{
	struct local_cloud_private *p = cloud->private;
	char *offset = NULL;
	long long ms = 0;
	int result = -1;

	if (opts->account && !is_account(opts->account))
		return err_set(
			err, ERR_USAGE, "'%s' is no account number of 12 digits", opts->account);
	if (local_tx_begin(cloud, err))
		return -1;
	if (settle(cloud, "account", opts->account, "000000000000", true, &p->account, err) ||
		settle(cloud, "region", opts->region, "us-east-1", false, &p->region, err) ||
		local_meta_get(cloud, "clock_offset_ms", &offset, err) ||
		local_tx_commit(cloud, err))
		goto out;
	if (offset && !parse_int64(offset, INT64_MIN, INT64_MAX, &ms))
		p->offset_ms = ms;
	cloud->account = p->account;
	cloud->region = p->region;
	result = 0;
out:
	local_tx_end(cloud);
	free(offset);
	return result;
}

static int64_t clock_now(const struct clock *c)
{
	return local_now_ms(c->payload);
}

static int64_t clock_mono(const struct clock *c unused_arg)
{
	return clock_system()->mono_ms(clock_system());
}

static int clock_sleep(const struct clock *c, int64_t ms)
{
	return local_wait_until(c->payload, clock_now(c) + ms) ? 0 : -1;
}

static int open_database(struct local_cloud *cloud, struct err *err)
{
	char *path = fs_join(cloud->dir, "cloud.db");
	size_t i;
	int result = -1;

	cloud->db = sql_open(path, err);
	if (!cloud->db)
		goto out;
	for (i = 0; local_parts[i]; i++)
		if (local_parts[i]->schema && sql_exec(cloud->db, local_parts[i]->schema, err)) {
			err_wrap(err, "tables of '%s'", local_parts[i]->name);
			goto out;
		}
	result = 0;
out:
	free(path);
	return result;
}

static int start_parts(struct local_cloud *cloud, struct err *err)
{
	struct local_cloud_private *p = cloud->private;
	size_t i;

	while (local_parts[p->nr_parts])
		p->nr_parts++;
	p->states = xcalloc(p->nr_parts + 1, sizeof(*p->states));
	for (i = 0; i < p->nr_parts; i++)
		if (local_parts[i]->state_new)
			p->states[i] = local_parts[i]->state_new();
	for (i = 0; i < p->nr_parts; i++)
		if (local_parts[i]->recover && local_parts[i]->recover(cloud, err))
			return err_wrap(err, "recovery of '%s'", local_parts[i]->name);
	for (i = 0; i < p->nr_parts; i++) {
		if (local_parts[i]->start && local_parts[i]->start(cloud, err))
			return err_wrap(err, "start of '%s'", local_parts[i]->name);
		p->nr_started = i + 1;
	}
	return 0;
}

struct local_cloud *local_cloud_open(const struct local_server_opts *opts, const char *endpoint,
	const char *access_key_id, const char *secret, struct err *err)
{
	struct local_cloud *cloud = xcalloc(1, sizeof(*cloud));
	struct local_cloud_private *p = xcalloc(1, sizeof(*p));

	cloud->private = p;
	local_time_init(p);
	p->clock = (struct clock){clock_now, clock_mono, clock_sleep, cloud};
	cloud->clock = &p->clock;
	cloud->dir = p->dir = xstrdup(opts->dir);
	cloud->endpoint = p->endpoint = xstrdup(endpoint);
	p->access_key_id = xstrdup(access_key_id);
	p->secret = xstrdup(secret);
	atomic_store(&p->last_active, clock_mono(NULL));
	if (fs_mkdir_p(cloud->dir, 0700, err) || open_database(cloud, err) ||
		read_identity(cloud, opts, err) || start_parts(cloud, err)) {
		local_cloud_close(cloud);
		return NULL;
	}
	return cloud;
}

void local_wind_down(struct local_cloud *cloud)
{
	struct local_cloud_private *p = cloud->private;

	pthread_mutex_lock(&p->time_lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->time_cond);
	pthread_mutex_unlock(&p->time_lock);
}

void local_cloud_close(struct local_cloud *cloud)
{
	struct local_cloud_private *p;
	size_t i;

	if (!cloud)
		return;
	p = cloud->private;
	local_wind_down(cloud);
	for (i = p->nr_started; i-- > 0;)
		if (local_parts[i]->stop)
			local_parts[i]->stop(cloud);
	local_tasks_join(cloud);
	for (i = p->nr_parts; i-- > 0;)
		if (local_parts[i]->state_free)
			local_parts[i]->state_free(p->states[i]);
	sql_close(cloud->db);
	pthread_mutex_destroy(&p->db_lock);
	pthread_mutex_destroy(&p->time_lock);
	pthread_cond_destroy(&p->time_cond);
	free(p->states);
	free(p->dir);
	free(p->account);
	free(p->region);
	free(p->endpoint);
	free(p->access_key_id);
	free_secret(p->secret);
	free(p);
	free(cloud);
}
