/* run: starts a workflow, job, crawler or state machine and, with --follow, stays until it rests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "log.h"
#include "run_parts.h"

int64_t run_ms_of(const struct json *seconds)
{
	return seconds ? (int64_t)(json_dbl(seconds, 0) * 1000.0) : 0;
}

struct json *run_arguments(const struct session *s, bool dashes, struct err *err)
{
	struct json *args = json_object();

	for (size_t i = 0; i < s->o.args.nr; i++) {
		const char *eq = strchr(s->o.args.v[i], '=');
		char *name;
		if (!eq || eq == s->o.args.v[i]) {
			err_set(err, ERR_USAGE, "--arg '%s' is not K=V", s->o.args.v[i]);
			json_free(args);
			return NULL;
		}
		name = xasprintf("%s%.*s", dashes && s->o.args.v[i][0] != '-' ? "--" : "",
			(int)(eq - s->o.args.v[i]), s->o.args.v[i]);
		json_set_str(args, name, eq + 1);
		free(name);
	}
	return args;
}

FILE *run_stream(const struct run *r)
{
	return r->s->json ? stderr : stdout;
}

void run_set_state(struct run *r, const char *state)
{
	free(r->state);
	r->state = xstrdup(state ? state : "UNKNOWN");
}

/* --- the kinds --- */

static bool is_execution(const struct run *r)
{
	return !strcmp(r->type, "AWS::StepFunctions::StateMachine");
}

static int start(struct run *r, struct err *err)
{
	r->started_ms = clock_system()->now_ms(clock_system());
	if (is_execution(r))
		return states_run_start(r, err);
	if (r->s->o.input) {
		err_set(err, ERR_USAGE, "--input is for state machines, and '%s' is none", r->name);
		return err_hint(err, "--arg K=V gives it arguments");
	}
	return glue_run_start(r, err);
}

static int look(struct run *r, struct err *err)
{
	return is_execution(r) ? states_run_look(r, err) : glue_run_look(r, err);
}

static int wait_a_bit(struct run *r, struct poll *p, struct err *err)
{
	return is_execution(r) ? states_run_wait(r, p, err) : poll_wait(r->s, p, err);
}

static void set_time(struct json *doc, const char *name, int64_t ms)
{
	struct strbuf sb = STRBUF_INIT;

	if (ms)
		clock_add_iso(&sb, ms, true);
	json_set(doc, name, ms ? json_string(sb.buf) : json_null());
	strbuf_release(&sb);
}

static void report(const struct run *r)
{
	struct json *doc = json_object();
	const char *short_type = strrchr(r->type, ':') + 1;
	int64_t end = r->ended_ms ? r->ended_ms : clock_system()->now_ms(clock_system());
	double seconds = (double)(end - r->started_ms) / 1000.0;
	char *kind = xstrdup(short_type);

	lower_ascii(kind);
	json_set_str(doc, "type", kind);
	json_set_str(doc, "name", r->name);
	json_set(doc, "id", r->id ? json_string(r->id) : json_null());
	json_set_str(doc, "state", r->state ? r->state : "STARTING");
	set_time(doc, "started", r->started_ms);
	set_time(doc, "ended", r->over ? r->ended_ms : 0);
	json_set_dbl(doc, "seconds", seconds);
	json_set(doc, "error", r->error ? json_string(r->error) : json_null());
	json_set(doc, "nodes", r->nodes ? json_copy(r->nodes) : json_array());
	if (r->states)
		states_run_report(r, doc);
	json_set(r->s->doc, "run", doc);
	if (!r->s->json && r->states && r->s->o.follow)
		/* An execution's ARN needs a line of its own. */
		printf("%s %s %s (%.1f s)\n  %s\n", kind, r->name, r->state, seconds, r->id);
	else if (!r->s->json)
		printf("%s %s %s%s%s (%.1f s)\n", kind, r->name, r->state ? r->state : "STARTING",
			r->id ? " " : "", r->id ? r->id : "", seconds);
	if (!r->s->json && r->states)
		states_run_summary(r);
	free(kind);
}

static int follow(struct run *r, struct poll *p, struct err *err)
{
	poll_soon(p); /* however long a crawl was waited for */
	for (;;) {
		if (look(r, err) < 0)
			return -1;
		if (r->over)
			break;
		if (wait_a_bit(r, p, err) < 0)
			return -1;
	}
	/* Late lines: the streams are read once more when all is over. */
	if (look(r, err) < 0)
		return -1;
	if (r->ok)
		return 0;
	if (is_execution(r))
		states_run_fail(r, err);
	else
		glue_run_fail(r, err);
	return -1;
}

int cmd_run(struct session *s)
{
	return run_named(s, NULL, NULL);
}

int run_named(struct session *s, const char *type, char *name)
{
	struct run r = {.s = s, .type = type, .name = name, .tail = log_tail_new(s)};
	struct err err = ERR_INIT;
	struct poll p;
	int ret;

	poll_start(s, &p, "glue", s->o.timeout_s);
	map_init(&r.shown, free);
	ret = name ? 0 : find_runnable(s, s->operands.v[0], &r.type, &r.name, &err);
	if (!ret && !strcmp(r.type, "AWS::Glue::Workflow"))
		ret = await_crawls(s, r.name, &p, &err);
	if (!ret && is_execution(&r))
		poll_start(s, &p, "states", s->o.timeout_s);
	if (!ret)
		ret = start(&r, &err);
	if (!ret) {
		if (!s->json && r.id)
			log_info("started %s", r.id);
		if (s->o.follow)
			ret = follow(&r, &p, &err);
		report(&r);
	}
	if (ret)
		session_fail(s, &err);
	log_tail_free(r.tail);
	states_run_free(r.states);
	map_release(&r.shown);
	json_free(r.nodes);
	free(r.name);
	free(r.id);
	free(r.state);
	free(r.error);
	return ret;
}
