/*
 * fetch-dmap: the data sets that feeds of the DMAP API tell of, fetched into the incoming place.
 *
 * A feed: its lock -> the list since <last_updated_at + 1 µs> -> for each data set the file, then its row -> the newest date as the feed's
 * last_updated_at. A row says that its file is there; a file that cannot be had fails the feed after the others were fetched, and its
 * last_updated_at stays, so that the next run asks for all of them again.
 */
#include <stdlib.h>
#include <string.h>
#include "dmap.h"
#include "joblog.h"
#include "json.h"
#include "secret.h"
#include "transit_db.h"

#define URL_VARIABLE "CUBIC_DMAP_BASE_URL"
#define CONTROLLED_VARIABLE "CUBIC_DMAP_CONTROLLED_USER_API_KEY"
#define PUBLIC_VARIABLE "CUBIC_DMAP_PUBLIC_USER_API_KEY"
#define FOLDER "cubic/dmap/"

static const struct job_arg args[] = {
	{"INCOMING", "bucket or folder that the files go to", JOB_REQUIRED},
	{"PREFIX", "stands before every key, and in none of the database", JOB_OPTIONAL},
	{"FEED_ID", "one feed (default: all that are live)", JOB_OPTIONAL},
	{"LAST_UPDATED", "data sets since then, an ISO 8601 time (default: since the last run)",
		JOB_OPTIONAL},
	{"DMAP_URL", "the API's address (default: the environment's " URL_VARIABLE ")",
		JOB_OPTIONAL},
	{"DMAP_KEYS_SECRET",
		"the secret with both keys, JSON {\"controlled\", \"public\"} (default: the "
		"environment's " CONTROLLED_VARIABLE " and " PUBLIC_VARIABLE ")",
		JOB_OPTIONAL},
	PG_JOB_ARGS,
	{0},
};

struct fetching {
	struct job *job;
	struct place incoming;
	char *folder;       /* below the place, ending in '/' */
	char *last_updated; /* of the arguments, as the API wants it; NULL */
	struct dmap *dmap;
	struct pg *pg;
};

/* --- what the run is given --- */

static const char *get(const struct fetching *f, const char *name)
{
	return job_args_get(&f->job->args, name);
}

static char *key_of_environment(const char *name)
{
	const char *value = getenv(name);

	return xstrdup(value ? value : "");
}

static int read_keys(struct fetching *f, struct dmap_config *config, struct err *err)
{
	const char *name = get(f, "DMAP_KEYS_SECRET"), *controlled, *public;
	struct json *secret;
	char *text;
	int ret = 0;

	if (!name) {
		config->controlled_key = key_of_environment(CONTROLLED_VARIABLE);
		config->public_key = key_of_environment(PUBLIC_VARIABLE);
		if (*config->controlled_key && *config->public_key)
			return 0;
		return err_set(err, ERR_USAGE,
			"the DMAP API's keys are missing: --DMAP_KEYS_SECRET NAME, or "
			"both " CONTROLLED_VARIABLE " and " PUBLIC_VARIABLE " in the environment");
	}
	text = secret_text(f->job, name, err);
	if (!text)
		return -1;
	secret = json_parse(text, strlen(text), NULL);
	controlled = json_get_str(secret, "controlled");
	public = json_get_str(secret, "public");
	if (controlled && *controlled && public && *public) {
		config->controlled_key = xstrdup(controlled);
		config->public_key = xstrdup(public);
		wipe((char *)controlled, strlen(controlled));
		wipe((char *)public, strlen(public));
	} else {
		ret = err_set(err, ERR_INVALID,
			"the secret '%s' is no JSON object with both keys, controlled and public",
			name);
	}
	json_free(secret);
	free_secret(text);
	return ret;
}

static int open_dmap(struct fetching *f, struct err *err)
{
	struct dmap_config config = {.url = get(f, "DMAP_URL")};

	if (!config.url)
		config.url = getenv(URL_VARIABLE);
	if (!config.url || !*config.url)
		return err_set(err, ERR_USAGE,
			"the DMAP API's address is missing: --DMAP_URL, or " URL_VARIABLE
			" in the environment");
	if (read_keys(f, &config, err) == 0)
		f->dmap = dmap_new(&config, err);
	free_secret(config.controlled_key);
	free_secret(config.public_key);
	return f->dmap ? 0 : -1;
}

static int read_arguments(struct fetching *f, struct err *err)
{
	const char *since = get(f, "LAST_UPDATED"), *id = get(f, "FEED_ID");
	const char *prefix = get(f, "PREFIX");
	struct strbuf sb = STRBUF_INIT;
	long long number;
	int64_t us;

	if (id && parse_int64(id, 1, INT64_MAX, &number) != 0)
		return err_set(err, ERR_USAGE, "--FEED_ID '%s' is no id of a feed", id);
	if (since && !dmap_parse_time(since, &us))
		return err_set(
			err, ERR_USAGE, "--LAST_UPDATED '%s' is no ISO 8601 date and time", since);
	if (since) {
		dmap_add_time(&sb, us);
		f->last_updated = strbuf_detach(&sb, NULL);
	}
	f->folder = xasprintf("%s" FOLDER, prefix ? prefix : "");
	return place_parse(get(f, "INCOMING"), "--INCOMING", &f->incoming, err);
}

/* --- one feed --- */

static int save_dataset(
	struct fetching *f, const char *feed_id, const struct dmap_dataset *s, struct err *err)
{
	struct strbuf when = STRBUF_INIT;
	const char *parameters[6] = {feed_id, s->type, s->identifier, s->start_date, s->end_date};
	int ret;

	dmap_add_time(&when, s->last_updated_us);
	parameters[5] = when.buf;
	ret = pg_query(f->pg,
		"INSERT INTO cubic_dmap_datasets "
		"(feed_id, type, identifier, start_date, end_date, last_updated_at, inserted_at, "
		"updated_at) VALUES ($1, $2, $3, $4, $5, $6, date_trunc('second', localtimestamp), "
		"date_trunc('second', localtimestamp)) ON CONFLICT (identifier) DO UPDATE SET "
		"last_updated_at = EXCLUDED.last_updated_at",
		parameters, ARRAY_SIZE(parameters), NULL, err);
	strbuf_release(&when);
	return ret;
}

static int fetch_dataset(
	struct fetching *f, const char *feed_id, const struct dmap_dataset *s, struct err *err)
{
	char *name = xasprintf("%s%s/%s.csv.gz", f->folder, s->type, s->identifier);
	uint64_t bytes = 0;
	int ret = dmap_fetch_file(f->dmap, f->job, s->url, &f->incoming, name, &bytes, err);

	if (ret == 0)
		ret = save_dataset(f, feed_id, s, err);
	if (ret == 0)
		job_log(JOB_INFO, "fetched", "feed=%s key=\"%s%s\" bytes=%llu", feed_id,
			f->incoming.shown, name, (unsigned long long)bytes);
	else
		err_wrap(err, "data set '%s'", s->identifier);
	free(name);
	return ret;
}

/* What no other file of the feed would fare better with. */
static bool ends_the_feed(const struct fetching *f, const struct err *err)
{
	struct err why = ERR_INIT;
	bool lost = err->code == ERR_INTERRUPTED || pg_exec(f->pg, "SELECT 1", &why) != 0;

	err_release(&why);
	return lost;
}

/* All of them; *newest is the latest date of those that were fetched. The first error counts. */
static int fetch_datasets(struct fetching *f, const char *feed_id, const struct dmap_feed *feed,
	int64_t *newest, struct err *err)
{
	struct err why = ERR_INIT, first = ERR_INIT;
	size_t failed = 0;

	for (size_t i = 0; i < feed->nr; i++) {
		const struct dmap_dataset *s = &feed->v[i];

		if (fetch_dataset(f, feed_id, s, &why) == 0) {
			if (i == 0 || s->last_updated_us > *newest)
				*newest = s->last_updated_us;
			continue;
		}
		job_log(JOB_WARN, "not_fetched", "feed=%s error=\"%s\"", feed_id, why.text);
		failed++;
		if (ends_the_feed(f, &why)) {
			err_move(&first, &why);
			break;
		}
		if (failed == 1)
			err_move(&first, &why);
		err_release(&why);
	}
	if (failed) {
		err_move(err, &first);
		if (feed->nr > 1)
			err_wrap(err, "%zu of %zu data sets were not fetched", failed, feed->nr);
	}
	err_release(&why);
	err_release(&first);
	return failed ? -1 : 0;
}

static int set_last_updated(
	struct fetching *f, const char *feed_id, int64_t newest, struct err *err)
{
	struct strbuf when = STRBUF_INIT;
	const char *parameters[2] = {feed_id};
	int ret;

	dmap_add_time(&when, newest);
	parameters[1] = when.buf;
	ret = pg_query(f->pg,
		"UPDATE cubic_dmap_feeds SET last_updated_at = $2, "
		"updated_at = date_trunc('second', localtimestamp) WHERE id = $1",
		parameters, ARRAY_SIZE(parameters), NULL, err);
	strbuf_release(&when);
	return ret;
}

/* rows: relative_url and the time to ask from. */
static int fetch_locked(struct fetching *f, const char *feed_id, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	struct dmap_feed feed = DMAP_FEED_INIT;
	const char *since;
	int64_t newest = 0;
	int ret = pg_query(f->pg,
		"SELECT relative_url, to_char(last_updated_at + interval '1 microsecond', "
		"'YYYY-MM-DD\"T\"HH24:MI:SS.US') FROM cubic_dmap_feeds "
		"WHERE id = $1 AND deleted_at IS NULL",
		&feed_id, 1, &rows, err);

	if (ret == 0 && rows.nr_rows == 0)
		ret = err_set(err, ERR_NOT_FOUND, "there is no live feed of this id");
	if (ret != 0)
		goto out;
	since = f->last_updated ? f->last_updated : rows.v[1];
	job_log(JOB_INFO, "feed", "id=%s relative_url=\"%s\" last_updated=%s", feed_id, rows.v[0],
		since ? since : "none");
	ret = dmap_fetch_feed(f->dmap, rows.v[0], since, &feed, err);
	if (ret == 0)
		ret = fetch_datasets(f, feed_id, &feed, &newest, err);
	if (ret == 0 && feed.nr)
		ret = set_last_updated(f, feed_id, newest, err);
	if (ret == 0)
		job_log(JOB_INFO, "feed_done", "id=%s data_sets=%zu skipped=%zu", feed_id, feed.nr,
			feed.skipped);
out:
	dmap_feed_release(&feed);
	pg_rows_release(&rows);
	return ret;
}

#define LOCK_KEY "hashtextextended('cubic_dmap_feeds/' || $1, 0)"

/* Two runs at once do not fetch one feed twice: *busy when another has it. */
static int fetch_feed(struct fetching *f, const char *feed_id, bool *busy, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	int ret = pg_query(
		f->pg, "SELECT pg_try_advisory_lock(" LOCK_KEY ")", &feed_id, 1, &rows, err);

	*busy = ret == 0 && strcmp(rows.v[0], "t") != 0;
	pg_rows_release(&rows);
	if (ret == 0 && !*busy) {
		ret = fetch_locked(f, feed_id, err);
		/* A session that broke holds no lock. */
		if (pg_query(f->pg, "SELECT pg_advisory_unlock(" LOCK_KEY ")", &feed_id, 1, NULL,
			    NULL) != 0)
			job_log(JOB_WARN, "unlock", "feed=%s", feed_id);
	}
	if (ret != 0)
		err_wrap(err, "feed %s", feed_id);
	return ret;
}

/* --- all feeds --- */

static int fetch_one(struct fetching *f, const char *feed_id, struct err *err)
{
	bool busy;

	if (fetch_feed(f, feed_id, &busy, err) != 0)
		return -1;
	return busy ? err_set(err, ERR_CONFLICT, "feed %s is being fetched by another run", feed_id)
		    : 0;
}

static int fetch_all(struct fetching *f, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	struct err why = ERR_INIT, first = ERR_INIT;
	size_t failed = 0, nr;
	int ret = pg_query(f->pg,
		"SELECT id FROM cubic_dmap_feeds WHERE deleted_at IS NULL ORDER BY id", NULL, 0,
		&rows, err);

	nr = rows.nr_rows;
	for (size_t i = 0; ret == 0 && i < nr; i++) {
		bool busy;

		if (fetch_feed(f, rows.v[i], &busy, &why) == 0) {
			if (busy)
				job_log(JOB_WARN, "busy", "feed=%s", rows.v[i]);
			continue;
		}
		job_log(JOB_WARN, "feed_failed", "error=\"%s\"", why.text);
		failed++;
		if (ends_the_feed(f, &why)) {
			err_move(err, &why);
			ret = -1;
		} else if (failed == 1) {
			err_move(&first, &why);
		}
		err_release(&why);
	}
	if (ret == 0 && failed) {
		err_move(err, &first);
		ret = err_wrap(err, "%zu of %zu feeds failed", failed, nr);
	}
	if (ret == 0)
		job_log(JOB_INFO, "feeds", "live=%zu", nr);
	err_release(&first);
	pg_rows_release(&rows);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	struct fetching f = {.job = job};
	const char *feed_id = job_args_get(&job->args, "FEED_ID");
	int ret = -1;

	if (read_arguments(&f, err) == 0 && open_dmap(&f, err) == 0)
		f.pg = transit_db_open(job, err);
	if (f.pg)
		ret = feed_id ? fetch_one(&f, feed_id, err) : fetch_all(&f, err);
	pg_close(f.pg);
	dmap_free(f.dmap);
	place_release(&f.incoming);
	free(f.folder);
	free(f.last_updated);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"fetch-dmap", args, run};

	return job_main(&program, argc, argv);
}
