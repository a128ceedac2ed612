#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "local_asl.h"
#include "xalloc.h"

#define STEPS_MAX 60

static int64_t now;

static int64_t fuzz_now(void *payload)
{
	(void)payload;
	return now;
}

/* The execution must come back from its document as it went in. */
static struct asl_run *restart(
	const struct json *def, struct asl_run *run, const struct asl_host *host)
{
	struct asl_run *again = asl_run_restore(def, asl_run_state(run), host, NULL);

	if (!again || !json_equal(asl_run_state(again), asl_run_state(run)))
		abort();
	asl_run_free(run);
	return again;
}

/* A distributed Map: its items become children. */
static void drive_map(const struct json *action, struct asl_run *run)
{
	struct json *inputs = json_array(), *input;
	const struct json *e;
	struct err err = ERR_INIT;
	int64_t i = 0;

	asl_map_started(run, json_get_str(action, "id"), "arn", 1);
	json_each(e, json_get(action, "items"))
	{
		input = asl_map_item(action, e, i++, &err);
		if (!input != !!err.code)
			abort();
		if (!input)
			break;
		json_push(inputs, input);
	}
	json_free(asl_map_children(action, inputs));
	err_release(&err);
}

/* Answers every task: fails each third, and lets time pass. */
static void drive(const struct json *def, const struct json *input)
{
	struct asl_host host = {.now_ms = fuzz_now};
	struct asl_run *run;
	struct json *tasks;
	const char *id;
	int64_t due;

	now = 1000;
	run = asl_run_start(def, input, NULL, &host);
	for (int i = 0; i < STEPS_MAX && asl_run_status(run) == ASL_RUNNING; i++) {
		json_free(asl_run_take_events(run));
		json_free(asl_run_take_actions(run));
		run = restart(def, run, &host);
		tasks = asl_run_tasks(run);
		due = asl_run_due(run);
		id = json_get_str(json_first(tasks), "id");
		if (!id && due < 0)
			abort(); /* it waits for nothing */
		if (id && json_get(json_first(tasks), "items"))
			drive_map(json_first(tasks), run);
		if (id && i % 3 == 2)
			asl_task_failed(run, id, "Fuzz", "cause");
		else if (id && i % 5 != 4)
			asl_task_succeeded(run, id, input);
		else if (due >= 0) {
			now = due > now ? due : now;
			asl_run_tick(run);
		}
		json_free(tasks);
		if (i % 7 == 6)
			asl_run_abort(run, "Fuzz", NULL);
		/* as often as it comes to grief, but for histories that are full */
		if (asl_run_redrive(run, NULL) && asl_run_redrives(run) > STEPS_MAX)
			abort();
	}
	asl_run_abort(run, "Fuzz", NULL);
	asl_run_free(run);
}

/* The first line is the input, the rest a definition. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *line = strchr(text, '\n');
	struct json *input = NULL, *def = NULL, *found;
	struct err err = ERR_INIT;

	if (line) {
		*line++ = '\0';
		input = json_parse(text, strlen(text), NULL);
		found = asl_validate(line, strlen(line), ASL_EXPRESS);
		def = asl_parse(line, strlen(line), ASL_STANDARD, &err);
		if (!def != !!err.code)
			abort();
		json_free(found);
	}
	if (def) {
		found = asl_validate_template(def, ASL_STANDARD);
		if (asl_diagnostics_fail(found) || asl_uses_jsonata(def))
			abort();
		json_free(found);
	}
	if (def && input)
		drive(def, input);
	json_free(input);
	json_free(def);
	err_release(&err);
	free(text);
	return 0;
}
