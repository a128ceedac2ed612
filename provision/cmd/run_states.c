/* Runs of state machines: an execution each. */
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "digest.h"
#include "exec_history.h"
#include "fs.h"
#include "hex.h"
#include "ops.h"
#include "run_parts.h"

#define MAX_INPUT (256U << 10) /* bytes; StartExecution takes no more */
#define DESCRIBE_EVERY 10      /* looks */
#define LATE_LOOKS 5           /* that the history gets to tell the end that the execution told */
#define SLICE_MS 1000

struct run_states {
	struct exec_history h;
	struct states_view *view;
	char *page; /* of the history, where the last look ended */
	unsigned looks, late;
};

void states_run_free(struct run_states *st)
{
	if (!st)
		return;
	states_view_free(st->view);
	exec_history_release(&st->h);
	free(st->page);
	free(st);
}

/* --- the start --- */

/* --input: JSON, @FILE or @-. */
static struct json *given_input(const struct session *s, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct json *input = NULL;

	if (!s->o.input)
		return json_object();
	if (*s->o.input == '@') {
		if (fs_read(s->o.input + 1, MAX_INPUT, &text, err) < 0)
			goto out;
	} else {
		strbuf_addstr(&text, s->o.input);
	}
	input = json_parse(text.buf, text.len, err);
	if (input && text.len > MAX_INPUT) {
		err_set(err, ERR_USAGE, "it is larger than %u bytes", MAX_INPUT);
		json_free(input);
		input = NULL;
	}
out:
	if (!input) {
		err_wrap(err, "--input");
		err->code = ERR_USAGE;
	}
	strbuf_release(&text);
	return input;
}

/* What --input says, with the --arg of the command line put in. */
static struct json *execution_input(const struct session *s, struct err *err)
{
	struct json *args = run_arguments(s, false, err), *input, *a;

	if (!args)
		return NULL;
	input = given_input(s, err);
	if (input && json_len(args) && !json_is(input, JSON_OBJECT)) {
		err_set(err, ERR_USAGE, "--arg needs an --input that is an object");
		json_free(input);
		input = NULL;
	}
	if (input)
		json_each(a, args) json_set(input, json_name(a), json_copy(a));
	json_free(args);
	return input;
}

/* One for each call of the command: a request that is sent again starts nothing twice. */
static char *execution_name(const struct run *r)
{
	struct strbuf sb = STRBUF_INIT;
	unsigned char random[6];

	digest_random(random, sizeof(random));
	strbuf_addstr(&sb, "glueproj-");
	clock_add_amz(&sb, r->started_ms);
	strbuf_addch(&sb, '-');
	hex_encode(&sb, random, sizeof(random));
	return strbuf_detach(&sb, NULL);
}

/* An Express machine's executions can be started, and that is all. */
static int check_followable(const struct run *r, const char *arn, struct err *err)
{
	struct json *out = NULL;
	const char *type;
	int ret = 0;

	if (call_with(r->s, &states_describe_state_machine, &out, err, "stateMachineArn", arn,
		    NULL) < 0)
		return -1;
	type = json_get_str(out, "type");
	if (type && !strcmp(type, "EXPRESS")) {
		ret = err_set(err, ERR_INVALID,
			"'%s' is an Express state machine: its executions have no history to "
			"follow",
			r->name);
		err_hint(err, "start it without --follow; what it does goes to its log group");
	}
	json_free(out);
	return ret;
}

int states_run_start(struct run *r, struct err *err)
{
	char *arn = machine_arn(r->s, r->name), *name = execution_name(r);
	struct json *input = execution_input(r->s, err), *out = NULL;
	struct strbuf text = STRBUF_INIT;
	int ret = -1;

	if (!input || (r->s->o.follow && check_followable(r, arn, err) < 0))
		goto out;
	json_print(input, &text);
	if (call_with(r->s, &states_start_execution, &out, err, "stateMachineArn", arn, "name",
		    name, "input", text.buf, NULL) < 0) {
		err_wrap(err, "'%s'", r->name);
		goto out;
	}
	r->id = xstrdup(json_get_str(out, "executionArn"));
	if (json_get(out, "startDate"))
		r->started_ms = run_ms_of(json_get(out, "startDate"));
	run_set_state(r, "RUNNING");
	r->states = xcalloc(1, sizeof(*r->states));
	exec_history_init(&r->states->h);
	r->states->view = states_view_new(r);
	ret = r->id ? 0 : err_set(err, ERR_FAILED, "the reply names no execution");
out:
	json_free(input);
	json_free(out);
	strbuf_release(&text);
	free(arn);
	free(name);
	return ret;
}

/* --- looking --- */

static int describe(struct run *r, struct err *err)
{
	struct exec_history *h = &r->states->h;
	struct json *out = NULL;
	const char *status;

	if (call_with(r->s, &states_describe_execution, &out, err, "executionArn", r->id, NULL) < 0)
		return -1;
	status = json_get_str(out, "status");
	if (status && strcmp(status, "RUNNING") != 0) {
		/* Its history may come after. */
		if (!h->state && r->states->late++ >= LATE_LOOKS) {
			h->error = xstrdup(json_get_str(out, "error"));
			h->cause = xstrdup(json_get_str(out, "cause"));
			exec_history_close(h, status, run_ms_of(json_get(out, "stopDate")));
		}
		if (h->state) {
			run_set_state(r, status);
			r->over = true;
			r->started_ms = run_ms_of(json_get(out, "startDate"));
			r->ended_ms = run_ms_of(json_get(out, "stopDate"));
		}
	}
	json_free(out);
	return 0;
}

int states_run_look(struct run *r, struct err *err)
{
	struct run_states *st = r->states;
	struct err e = ERR_INIT;

	if (states_read_history(r->s, r->id, &st->page, &st->h, &e) < 0) {
		/* What was started a moment ago may not be known everywhere yet. */
		if (st->h.last_id || st->looks > DESCRIBE_EVERY ||
			!err_is_aws(&e, "ExecutionDoesNotExist")) {
			err_move(err, &e);
			return -1;
		}
		err_release(&e);
	}
	states_view_tell(st->view, &st->h);
	exec_history_drop_happenings(&st->h);
	if (!r->over && (st->h.state || st->late || st->looks % DESCRIBE_EVERY == 0) &&
		describe(r, err) < 0)
		return -1;
	st->looks++;
	r->ok = r->over && !strcmp(r->state, "SUCCEEDED");
	if (r->over && !r->error && st->h.error) {
		char *why = cause_in_words(st->h.cause ? st->h.cause : "");
		r->error = xasprintf("%s%s%s", st->h.error, *why ? ": " : "", why);
		free(why);
	}
	return 0;
}

int states_run_wait(struct run *r, struct poll *p, struct err *err)
{
	struct states_view *view = r->states->view;
	int64_t left = p->next_ms;

	if (!states_view_is_live(view))
		return poll_wait(r->s, p, err);
	for (;;) {
		struct poll slice = *p;
		slice.next_ms = left < SLICE_MS ? left : SLICE_MS;
		states_view_draw(view, &r->states->h);
		left -= slice.next_ms;
		if (poll_wait(r->s, &slice, err) < 0)
			return -1;
		if (left <= 0)
			break;
	}
	p->next_ms = p->next_ms * 3 / 2 < p->max_ms ? p->next_ms * 3 / 2 : p->max_ms;
	return 0;
}

/* --- the end --- */

/* The innermost state that the execution failed by. */
static const struct visit *culprit(const struct exec_history *h)
{
	for (size_t i = h->nr; i-- > 0;) {
		const struct visit *v = &h->visits[i];
		if (v->failed && !v->caught && !visit_is_container(v))
			return v;
	}
	return NULL;
}

void states_run_fail(const struct run *r, struct err *err)
{
	const struct visit *v = culprit(&r->states->h);

	err_set(err, ERR_FAILED, "run of '%s' ended %s%s%s", r->name, r->state,
		r->error ? ": " : "", r->error ? r->error : "");
	err_named(err, "RunFailed");
	if (v && v->job && v->run_id)
		err_hint(err, "state '%s'; its log: glueproj logs %s --run-id %s", v->name, v->job,
			v->run_id);
	else if (v)
		err_hint(err, "state '%s'", v->name);
}

static void set_text(struct json *obj, const char *name, const char *text)
{
	json_set(obj, name, text && *text ? json_string(text) : json_null());
}

static void set_index(struct json *obj, const char *name, int64_t index)
{
	json_set(obj, name, index >= 0 ? json_int(index) : json_null());
}

static char *failure_in_words(const struct visit *v)
{
	char *why = v->cause ? cause_in_words(v->cause) : xstrdup(""), *text;

	text = !v->error ? NULL : xasprintf("%s%s%s", v->error, *why ? ": " : "", why);
	free(why);
	return text;
}

static struct json *node_of(
	const struct run *r, const struct exec_history *h, const struct visit *v)
{
	int64_t now = clock_system()->now_ms(clock_system());
	int64_t end = v->left_ms ? v->left_ms : r->over ? r->ended_ms : now;
	/* An attempt that failed before one that did not is no error of the state. */
	char *error = v->failed ? failure_in_words(v) : NULL;
	struct json *n = json_object();

	json_set_str(n, "type", v->type);
	json_set_str(n, "name", v->name);
	set_text(n, "id", v->run_id);
	json_set_str(n, "state", visit_state_name(v->state));
	json_set_i64(n, "attempt", v->attempts ? v->attempts - 1 : 0);
	json_set_dbl(
		n, "seconds", end > v->entered_ms ? (double)(end - v->entered_ms) / 1000.0 : 0);
	set_text(n, "error", error);
	set_text(n, "parent", v->parent == NO_VISIT ? NULL : h->visits[v->parent].name);
	set_index(n, "branch", v->branch);
	set_index(n, "iteration", v->iteration);
	set_text(n, "resource", v->resource);
	set_text(n, "job", v->job);
	free(error);
	return n;
}

static struct json *caught_of(const struct exec_history *h, const struct visit *v)
{
	char *why = cause_in_words(v->cause ? v->cause : "");
	struct json *c = json_object();

	json_set_str(c, "state", v->name);
	json_set_str(c, "error", v->error ? v->error : "");
	/* Not the document that it may be: a job run's has all arguments. */
	json_set_str(c, "cause", why);
	set_text(c, "next", v->next == NO_VISIT ? NULL : h->visits[v->next].name);
	set_index(c, "iteration", v->iteration);
	set_text(c, "job", v->job);
	set_text(c, "id", v->run_id);
	free(why);
	return c;
}

void states_run_report(const struct run *r, struct json *doc)
{
	const struct exec_history *h = &r->states->h;
	struct json *nodes = json_array(), *caught = json_array();

	states_view_erase(r->states->view);
	for (size_t i = 0; i < h->nr; i++) {
		json_push(nodes, node_of(r, h, &h->visits[i]));
		if (h->visits[i].caught)
			json_push(caught, caught_of(h, &h->visits[i]));
	}
	json_set(doc, "nodes", nodes);
	json_set(doc, "caught", caught);
}

void states_run_summary(const struct run *r)
{
	const struct exec_history *h = &r->states->h;
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < h->nr; i++) {
		const struct visit *v = &h->visits[i];
		char *why;
		if (!v->caught)
			continue;
		size_t from = sb.len;
		strbuf_addf(&sb, "  caught: '%s'", v->name);
		if (v->iteration >= 0)
			strbuf_addf(&sb, " [%lld]", (long long)v->iteration);
		strbuf_addf(&sb, " %s", v->error ? v->error : "");
		if (v->next != NO_VISIT)
			strbuf_addf(&sb, " -> %s", h->visits[v->next].name);
		strbuf_blank_controls(&sb, from, "");
		strbuf_addch(&sb, '\n');
		why = cause_in_words(v->cause ? v->cause : "");
		states_add_wrapped(&sb, why, 10);
		free(why);
	}
	fwrite(sb.buf, 1, sb.len, run_stream(r));
	strbuf_release(&sb);
}
