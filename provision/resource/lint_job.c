/* Rules of one job alone (CreateJob, "AWS Glue version support policy", "Adding Python shell jobs"). */
#include "lint_internal.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"

static bool is(const char *s, const char *what)
{
	return s && strcmp(s, what) == 0;
}

static bool is_shell(const struct lint_resource *r)
{
	return is(known_str(r->props, "Command.Name"), "pythonshell");
}

void lint_capacity(struct lint *l, const struct lint_resource *r)
{
	const struct json *props = r->props;

	if (is_given(props, "MaxCapacity") && is_given(props, "WorkerType"))
		lint_say(l, r, "MaxCapacity", "MaxCapacity and WorkerType exclude each other");
	else if (is_given(props, "MaxCapacity") && is_given(props, "NumberOfWorkers"))
		lint_say(l, r, "MaxCapacity", "MaxCapacity and NumberOfWorkers exclude each other");
	else if (is_given(props, "MaxCapacity") && is_given(props, "AllocatedCapacity"))
		lint_say(l, r, "AllocatedCapacity",
			"AllocatedCapacity is the old name of MaxCapacity: leave it out");
	else if (is_given(props, "AllocatedCapacity") && is_given(props, "WorkerType"))
		lint_say(l, r, "AllocatedCapacity",
			"AllocatedCapacity and WorkerType exclude each other");
	if (is_given(props, "WorkerType") && is_missing(props, "NumberOfWorkers"))
		lint_say(l, r, "WorkerType", "WorkerType needs NumberOfWorkers");
	if (is_given(props, "NumberOfWorkers") && is_missing(props, "WorkerType"))
		lint_say(l, r, "NumberOfWorkers", "NumberOfWorkers needs WorkerType");
}

void lint_shell_capacity(struct lint *l, const struct lint_resource *r)
{
	const char *capacity = known_str(r->props, "MaxCapacity");

	if (!is_shell(r))
		return;
	if (is_given(r->props, "WorkerType"))
		lint_say(l, r, "WorkerType", "a pythonshell job takes MaxCapacity, not WorkerType");
	if (capacity && strtod(capacity, NULL) != 0.0625 && strtod(capacity, NULL) != 1.0)
		lint_say(l, r, "MaxCapacity",
			"a pythonshell job runs with MaxCapacity 0.0625 or 1, not %s", capacity);
}

void lint_command(struct lint *l, const struct lint_resource *r)
{
	const struct json *command = json_get(r->props, "Command");

	if (is_missing(command, "Name"))
		lint_say(l, r, "Command",
			"Command needs Name: glueetl, gluestreaming, glueray or pythonshell");
	if (is_missing(command, "ScriptLocation"))
		lint_say(l, r, "Command", "Command needs ScriptLocation");
}

/* --- ends of support and of life: "AWS Glue version support policy" in the developer guide, read in November 2026 --- */

static const struct ending {
	bool shell;
	const char *version, *support, *life; /* NULL life: not announced */
} endings[] = {
	/* Spark jobs, by GlueVersion */
	{false, "0.9", "2022-06-01", "2026-04-01"},
	{false, "1.0", "2022-09-30", "2026-04-01"},
	{false, "2.0", "2024-01-31", "2026-04-01"},
	/* Python shell jobs, by PythonVersion; 3 is 3.6 */
	{true, "2", "2022-06-01", "2026-04-01"},
	{true, "3", "2026-03-31", NULL},
	{true, "3.6", "2026-03-31", NULL},
};

static const struct ending *ending_of(bool shell, const char *version)
{
	for (size_t i = 0; version && i < ARRAY_SIZE(endings); i++)
		if (endings[i].shell == shell && !strcmp(endings[i].version, version))
			return &endings[i];
	return NULL;
}

static bool is_past(const struct lint *l, const char *date)
{
	char *text = date ? xasprintf("%sT00:00:00Z", date) : NULL;
	int64_t ms;
	bool past = text && !clock_parse(text, &ms) && l->in->now_ms >= ms;

	free(text);
	return past;
}

static void say_ending(struct lint *l, const struct lint_resource *r, const char *path,
	const char *what, const struct ending *e)
{
	bool dead = is_past(l, e->life);

	if (!dead && !is_past(l, e->support))
		return;
	lint_say(l, r, path, "%s is past its end of %s (%s)%s", what, dead ? "life" : "support",
		dead ? e->life : e->support,
		dead ? ": AWS makes and starts no such jobs any more" : "");
	lint_hint(l, r,
		"see 'AWS Glue version support policy' in the AWS Glue developer guide; "
		"%s",
		e->shell ? "PythonVersion 3.9 is the current one of pythonshell jobs"
			 : "GlueVersion 5.0 is a current one");
}

void lint_glue_version(struct lint *l, const struct lint_resource *r)
{
	const char *version = known_str(r->props, "GlueVersion"), *kind;
	const struct ending *e = ending_of(false, version);
	char *what;

	kind = known_str(r->props, "Command.Name");
	if (!e || !kind || (!is(kind, "glueetl") && !is(kind, "gluestreaming")))
		return;
	what = xasprintf("GlueVersion %s", version);
	say_ending(l, r, "GlueVersion", what, e);
	free(what);
}

void lint_python_version(struct lint *l, const struct lint_resource *r)
{
	const char *version = known_str(r->props, "Command.PythonVersion");
	const char *kind = known_str(r->props, "Command.Name");
	const struct ending *e = ending_of(true, version);
	char *what;

	/* For Spark jobs 3 means whatever the Glue version has; a version 2 is as old as there. */
	if (!e || !kind || (!is_shell(r) && !is(version, "2")))
		return;
	what = xasprintf("Python %s%s", is(version, "3") ? "3 (3.6)" : version,
		is_shell(r) ? " of pythonshell jobs" : " of Spark jobs");
	say_ending(l, r, "Command.PythonVersion", what, e);
	free(what);
}

/* --- memory and time --- */

/* A DPU is 16 GB; a sixteenth of it is 1 GB, most of which DuckDB and what it loads take. */
void lint_small_duckdb(struct lint *l, const struct lint_resource *r)
{
	const char *capacity = known_str(r->props, "MaxCapacity");
	const char *program = known_str(r->props, "Command.ScriptLocation");

	if (!is_shell(r) || !program || !l->in->opens_duckdb)
		return;
	/* without MaxCapacity a pythonshell job has 0.0625 */
	if (capacity ? strtod(capacity, NULL) != 0.0625 : !is_missing(r->props, "MaxCapacity"))
		return;
	if (!l->in->opens_duckdb(l->in->payload, program))
		return;
	lint_say(l, r, capacity ? "MaxCapacity" : "Command.ScriptLocation",
		"program '%s' opens DuckDB, and 0.0625 DPU is 1 GB of memory: too little for it",
		program);
	lint_hint(l, r, "MaxCapacity: 1");
}

#define MAX_TIMEOUT (7 * 24 * 60)

void lint_timeout(struct lint *l, const struct lint_resource *r)
{
	long long minutes = json_get_i64(r->props, "Timeout", 0);

	if (minutes > MAX_TIMEOUT)
		lint_say(l, r, "Timeout",
			"Timeout %lld is more than 7 days (%d minutes), the longest that a run may "
			"take",
			minutes, MAX_TIMEOUT);
}

void lint_notification(struct lint *l, const struct lint_resource *r)
{
	long long delay = json_i64(json_path(r->props, "NotificationProperty.NotifyDelayAfter"), 0);
	long long timeout = json_get_i64(r->props, "Timeout", 0);

	if (timeout > 0 && delay >= timeout)
		lint_say(l, r, "NotificationProperty.NotifyDelayAfter",
			"nobody is notified: a run ends after %lld minutes, before these %lld",
			timeout, delay);
}
