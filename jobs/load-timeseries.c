/*
 * load-timeseries: a CSV of entities, dates and values into Exabel's time series.
 *
 * When points were known: by the file's column known_time, by --pit_offset or --pit_current_time; where nothing is said, as in
 * the original pipeline, the service takes the time of insertion.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "exabeljob.h"
#include "fs.h"
#include "joblog.h"
#include "seriesload.h"
#include "stream.h"

static const struct job_arg args[] = {
	EXABEL_JOB_ARGS,
	{"signals", "the signals of the columns behind entity and date, comma between them",
		JOB_REQUIRED},
	{"pit_offset", "points were known so many days (0-100) after their date", JOB_OPTIONAL},
	{"batch_bytes", "size of a batch, 1048576 if not given", JOB_OPTIONAL},
	{"retries", "rounds for series that fail for a time, 5 if not given", JOB_OPTIONAL},
	{"pit_current_time", "points are known from now on", JOB_FLAG},
	{"skip_validation", "points with one date may come twice", JOB_FLAG},
	{"create_missing_signals", "signals that are not there are made", JOB_FLAG},
	{"dry_run", "nothing is written", JOB_FLAG},
	{0},
};

#define DEFAULT_THREADS 4
#define MAX_THREADS 100
#define DEFAULT_BATCH_BYTES (1 << 20)
#define MAX_BATCH_BYTES (64 << 20)
#define MIN_PART_POINTS 1000
#define MAX_PART_POINTS 50000
#define DEFAULT_RETRIES 5
#define MAX_PIT_OFFSET 100
#define MAX_SIGNAL 128
#define PREFIX "signals/"

/* --- signals --- */

/* [namespace.]name */
static bool is_signal(const char *s)
{
	const char *dot = strchr(s, '.'), *name = dot ? dot + 1 : s;

	if (strlen(name) > MAX_SIGNAL || !isalpha((unsigned char)*name) || dot == s)
		return false;
	for (const char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && c != dot &&
			!(*c == '-' && c < name))
			return false;
	return true;
}

/* Names as they were given, without "signals/". */
static int read_signals(struct job *job, struct strvec *signals, struct err *err)
{
	struct strvec given = STRVEC_INIT;
	int ret = 0;

	strvec_split(&given, job_args_get(&job->args, "signals"), ',');
	for (size_t i = 0; i < given.nr && ret == 0; i++) {
		struct strbuf sb = STRBUF_INIT;
		const char *name;

		strbuf_addstr(&sb, given.v[i]);
		strbuf_trim(&sb);
		name = starts_with(sb.buf, PREFIX) ? sb.buf + strlen(PREFIX) : sb.buf;
		if (!is_signal(name))
			ret = err_set(err, ERR_USAGE,
				"--signals: '%s' is no signal ([NAMESPACE.]NAME, NAME of letters, "
				"digits and '_', a letter first)",
				sb.buf);
		else if (strvec_has(signals, name))
			ret = err_set(err, ERR_USAGE, "--signals names '%s' twice", name);
		else
			strvec_push(signals, name);
		strbuf_release(&sb);
	}
	strvec_release(&given);
	return ret;
}

/* One without a namespace is in that which the key's owner writes to, as the vendor's own loader has it. */
static int complete_signals(struct exabel *e, struct strvec *signals, struct err *err)
{
	struct strvec whole = STRVEC_INIT;
	char *space = NULL;
	int ret = 0;

	for (size_t i = 0; i < signals->nr && ret == 0; i++) {
		bool several = false;

		if (strchr(signals->v[i], '.')) {
			strvec_pushf(&whole, PREFIX "%s", signals->v[i]);
			continue;
		}
		if (!space)
			space = exabel_namespace(e, &several, err);
		if (several)
			job_log(JOB_WARN, "namespaces",
				"message=\"the key may write to several, '%s' is taken\"", space);
		if (space)
			strvec_pushf(&whole, PREFIX "%s.%s", space, signals->v[i]);
		else
			ret = -1;
	}
	free(space);
	strvec_release(signals);
	*signals = whole;
	return ret;
}

static int find_missing(struct job *job, struct exabel *e, const struct strvec *signals,
	struct strvec *missing, struct err *err)
{
	char *names;
	int ret = 0;

	for (size_t i = 0; i < signals->nr; i++) {
		bool has = false;

		if (exabel_has_signal(e, signals->v[i], &has, err) != 0)
			return -1;
		if (!has)
			strvec_push(missing, signals->v[i]);
	}
	if (missing->nr && !job_args_flag(&job->args, "create_missing_signals")) {
		names = strvec_join(missing, ", ");
		err_set(err, ERR_NOT_FOUND, "the signal%s %s: not there",
			missing->nr > 1 ? "s" : "", names);
		err_hint(err, "create them, or give --create_missing_signals true");
		free(names);
		ret = -1;
	}
	return ret;
}

/* --- options --- */

static int read_known(struct job *job, struct series_load_options *o, struct err *err)
{
	bool now = job_args_flag(&job->args, "pit_current_time");
	long long days;

	if (exabel_job_number(job, "pit_offset", -1, 0, MAX_PIT_OFFSET, &days, err) != 0)
		return -1;
	if (now && days >= 0)
		return err_set(err, ERR_USAGE,
			"--pit_current_time and --pit_offset: it is one or the other");
	o->known = now ? SERIES_KNOWN_NOW : days >= 0 ? SERIES_KNOWN_OFFSET : SERIES_KNOWN_NOT_SAID;
	o->offset_days = (int)days;
	return 0;
}

static int read_options(struct job *job, struct series_load_options *o, struct err *err)
{
	long long threads, bytes, rounds;

	if (exabel_job_number(job, "threads", DEFAULT_THREADS, 1, MAX_THREADS, &threads, err) ||
		exabel_job_number(
			job, "batch_bytes", DEFAULT_BATCH_BYTES, 1, MAX_BATCH_BYTES, &bytes, err) ||
		exabel_job_number(job, "retries", DEFAULT_RETRIES, 0, 100, &rounds, err))
		return -1;
	o->threads = (size_t)threads;
	o->batch_bytes = (size_t)bytes;
	o->rounds = (unsigned)rounds;
	return read_known(job, o, err);
}

/* --- the work --- */

/* A part of a series is not larger than a batch, even when its points have known times. */
static size_t points_of_batch(size_t batch_bytes)
{
	size_t points = batch_bytes / 27;

	return points < MIN_PART_POINTS   ? MIN_PART_POINTS
	       : points > MAX_PART_POINTS ? MAX_PART_POINTS
					  : points;
}

static int prepare(struct job *job, const char *from, struct series_options *options,
	const char *path, struct series_counts *counts, struct err *err)
{
	struct stream *in = NULL;
	int ret = -1;

	if (exabel_job_delimiter(job, &options->delimiter, err) == 0)
		in = stream_open_unpacked(job, from, err);
	if (in) {
		ret = series_file_make(job, stream_read, in, options, path, counts, err);
		if (ret != 0)
			err_wrap(err, "%s", from);
	}
	if (ret == 0)
		job_log(JOB_INFO, "read",
			"rows=%lld series=%lld points=%lld missing_values=%lld repeated=%lld",
			(long long)counts->rows, (long long)counts->series,
			(long long)counts->points, (long long)counts->missing,
			(long long)counts->repeated);
	if (ret == 0 && counts->points == 0)
		job_log(JOB_WARN, "nothing", "message=\"%s holds no value\"", from);
	stream_close(in);
	return ret;
}

static int load(struct exabel *e, const char *path, struct series_load_options *o,
	const struct strvec *missing, struct err *err)
{
	struct series_load_result result = SERIES_LOAD_RESULT_INIT;
	const struct clock *clock = clock_system();
	int64_t began = clock->mono_ms(clock);
	int ret = 0;

	for (size_t i = 0; i < missing->nr && ret == 0; i++) {
		ret = exabel_create_signal(e, missing->v[i], err);
		if (ret == 0)
			job_log(JOB_INFO, "created", "signal=\"%s\"", missing->v[i]);
	}
	if (ret == 0) {
		ret = series_load(e, path, o, &result, err);
		job_log(JOB_INFO, "loaded",
			"series=%lld points=%lld failed=%lld batches=%lld retries=%llu "
			"series_sent_again=%lld seconds=%.2f",
			(long long)result.series_written, (long long)result.points_written,
			(long long)result.series_failed, (long long)result.batches,
			(unsigned long long)exabel_repeats(e), (long long)result.series_repeated,
			(double)(clock->mono_ms(clock) - began) / 1000);
	}
	series_load_result_release(&result);
	return ret;
}

static void tell_dry_run(const struct strvec *signals, const struct strvec *missing,
	const struct series_counts *counts)
{
	for (size_t i = 0; i < missing->nr; i++)
		job_log(JOB_INFO, "dry-run", "message=\"would create the signal %s\"",
			missing->v[i]);
	for (size_t i = 0; i < signals->nr; i++)
		job_log(JOB_INFO, "dry-run", "message=\"adding timeseries for signal %s\"",
			signals->v[i]);
	job_log(JOB_INFO, "dry-run", "series=%lld points=%lld", (long long)counts->series,
		(long long)counts->points);
}

static int check_known(
	const struct series_counts *counts, struct series_load_options *o, struct err *err)
{
	o->known_time = counts->known_time;
	o->series = counts->series;
	o->points = counts->points;
	if (counts->known_time && o->known != SERIES_KNOWN_NOT_SAID)
		return err_set(err, ERR_INVALID,
			"--%s was given, but the file has the column known_time",
			o->known == SERIES_KNOWN_NOW ? "pit_current_time" : "pit_offset");
	return 0;
}

static int run_with(struct job *job, struct exabel *e, const struct place *place,
	struct strvec *signals, struct series_load_options *o, struct err *err)
{
	char *path = fs_join(job->tmp, "series"), *from = exabel_job_input(job, place, err);
	struct strvec missing = STRVEC_INIT;
	struct series_counts counts;
	struct series_options options = {.signals = signals,
		.skip_validation = job_args_flag(&job->args, "skip_validation"),
		.part_points = points_of_batch(o->batch_bytes)};
	int ret = -1;

	if (from && complete_signals(e, signals, err) == 0 &&
		find_missing(job, e, signals, &missing, err) == 0 &&
		prepare(job, from, &options, path, &counts, err) == 0 &&
		check_known(&counts, o, err) == 0)
		ret = 0;
	if (ret == 0 && job_args_flag(&job->args, "dry_run"))
		tell_dry_run(signals, &missing, &counts);
	else if (ret == 0)
		ret = load(e, path, o, &missing, err);
	strvec_release(&missing);
	free(from);
	free(path);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	struct series_load_options o = {0};
	struct place place = PLACE_INIT;
	struct strvec signals = STRVEC_INIT;
	struct exabel *e = NULL;
	int ret = -1;

	if (read_options(job, &o, err) == 0 && read_signals(job, &signals, err) == 0 &&
		place_parse(job_args_get(&job->args, "bucket"), "--bucket", &place, err) == 0 &&
		(e = exabel_job_client(job, err)))
		ret = run_with(job, e, &place, &signals, &o, err);
	exabel_free(e);
	strvec_release(&signals);
	place_release(&place);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"load-timeseries", args, run};

	return job_main(&program, argc, argv);
}
