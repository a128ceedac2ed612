#ifndef ASL_PLAY_H
#define ASL_PLAY_H

/* Executions of the engine, played step by step: unit tests of local_asl_*.c. */
#include <stdlib.h>
#include <string.h>
#include "local_asl.h"
#include "quoted_json.h"

static int64_t now = 1000000000;

static inline int64_t test_now(void *payload)
{
	(void)payload;
	return now;
}

static inline void test_random(void *payload, void *out, size_t len)
{
	(void)payload;
	memset(out, 0x80, len);
}

static const struct asl_host host = {.now_ms = test_now, .random = test_random};

/* A run with what it told so far; it goes through its stored document before each step. */
struct play {
	struct json *def;
	struct asl_run *run;
	struct json *events, *actions;
};

static inline void gather(struct json *into, struct json *list)
{
	struct json *e;

	json_each(e, list) json_push(into, json_copy(e));
	json_free(list);
}

/* Takes what the run has told, and restarts it from its document's text. */
static inline void turn(struct play *p)
{
	struct strbuf sb = STRBUF_INIT;
	struct err err = ERR_INIT;
	struct json *state;

	gather(p->events, asl_run_take_events(p->run));
	gather(p->actions, asl_run_take_actions(p->run));
	json_print(asl_run_state(p->run), &sb);
	asl_run_free(p->run);
	state = json_parse_deep(sb.buf, sb.len, 2 * ASL_DEPTH_MAX, &err);
	p->run = asl_run_restore(p->def, state, &host, &err);
	if (!p->run)
		fail_msg("%s", err.text);
	json_free(state);
	strbuf_release(&sb);
}

static inline void play(struct play *p, const char *definition, const char *input)
{
	struct json *in = js(input), *context = js("{'Execution':{'Id':'arn:e','Name':'e'}}");
	struct json *def = js(definition);
	struct strbuf sb = STRBUF_INIT;
	struct err err = ERR_INIT;

	json_print(def, &sb);
	json_free(def);
	p->def = asl_parse(sb.buf, sb.len, ASL_STANDARD, &err);
	if (!p->def)
		fail_msg("%s", err.text);
	p->events = json_array();
	p->actions = json_array();
	p->run = asl_run_start(p->def, in, context, &host);
	turn(p);
	json_free(in);
	json_free(context);
	strbuf_release(&sb);
}

static inline void end(struct play *p)
{
	asl_run_free(p->run);
	json_free(p->def);
	json_free(p->events);
	json_free(p->actions);
}

static inline const char *text_of(const struct json *v)
{
	static struct strbuf sb = STRBUF_INIT;

	strbuf_clear(&sb);
	if (v)
		json_print(v, &sb);
	return sb.buf;
}

/* The types of the events from number `from` on. */
static inline const char *story(const struct play *p, size_t from)
{
	static struct strbuf sb = STRBUF_INIT;
	const struct json *e;
	size_t i = 0;

	strbuf_clear(&sb);
	json_each(e, p->events)
	{
		if (++i >= from)
			strbuf_addf(&sb, "%s%s", sb.len ? " " : "", json_get_str(e, "type"));
	}
	return sb.buf;
}

static inline const char *task(const struct play *p, size_t i, const char *member)
{
	const char *text = json_get_str(json_at(p->actions, i), member);

	return text ? text : text_of(json_get(json_at(p->actions, i), member));
}

static inline void succeed(struct play *p, size_t i, const char *output)
{
	struct json *v = js(output);

	assert_true(asl_task_succeeded(p->run, task(p, i, "id"), v));
	json_free(v);
	turn(p);
}

static inline void fail_task(struct play *p, size_t i, const char *error)
{
	assert_true(asl_task_failed(p->run, task(p, i, "id"), error, "why"));
	turn(p);
}

static inline void pass_time(struct play *p, int64_t ms)
{
	now += ms;
	asl_run_tick(p->run);
	turn(p);
}

#define OUTPUT_IS(p, want)                                                                    \
	do {                                                                                  \
		if (asl_run_status((p)->run) != ASL_SUCCEEDED)                                \
			fail_msg("%s: %s", asl_run_error((p)->run), asl_run_cause((p)->run)); \
		assert_string_equal(text_of(asl_run_output((p)->run)), want);                 \
	} while (0)

#endif
