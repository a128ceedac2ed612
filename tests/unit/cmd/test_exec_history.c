/* Visits out of events: those of AWS's documents, and any that a service could make up. */
#include <stdio.h>
#include <string.h>
#include "testing.h"

#include "exec_history.h"
#include "quoted_json.h"

static void take(struct exec_history *h, const char *text)
{
	struct json *event = js(text);

	exec_history_take(h, event);
	json_free(event);
}

static void test_exec_history__an_event_is_taken_once(void **state)
{
	struct exec_history h;

	(void)state;
	exec_history_init(&h);
	take(&h, "{'id':1,'previousEventId':0,'timestamp':1.5,'type':'ExecutionStarted'}");
	for (int i = 0; i < 2; i++)
		take(&h, "{'id':2,'previousEventId':0,'timestamp':2,'type':'PassStateEntered',"
			 "'stateEnteredEventDetails':{'name':'A'}}");
	assert_int_equal(h.nr, 1);
	assert_int_equal(h.started_ms, 1500);
	assert_string_equal(h.visits[0].type, "Pass");
	take(&h, "{'id':3,'previousEventId':2,'timestamp':3,'type':'PassStateExited',"
		 "'stateExitedEventDetails':{'name':'A'}}");
	assert_int_equal(h.visits[0].left_ms, 3000);
	assert_int_equal(h.visits[0].state, VISIT_SUCCEEDED);
	assert_int_equal(h.nr_happenings, 2);
	exec_history_release(&h);
}

/* Which of two branches an event is in, its predecessor tells; a state of one name may be in both. */
static void test_exec_history__branches_of_one_name(void **state)
{
	struct exec_history h;

	(void)state;
	exec_history_init(&h);
	take(&h, "{'id':1,'previousEventId':0,'timestamp':1,'type':'MapStateEntered',"
		 "'stateEnteredEventDetails':{'name':'M'}}");
	take(&h, "{'id':2,'previousEventId':1,'timestamp':1,'type':'MapStateStarted',"
		 "'mapStateStartedEventDetails':{'length':2}}");
	take(&h, "{'id':3,'previousEventId':2,'timestamp':1,'type':'MapIterationStarted',"
		 "'mapIterationStartedEventDetails':{'name':'M','index':0}}");
	take(&h, "{'id':4,'previousEventId':2,'timestamp':1,'type':'MapIterationStarted',"
		 "'mapIterationStartedEventDetails':{'name':'M','index':1}}");
	take(&h, "{'id':5,'previousEventId':4,'timestamp':1,'type':'TaskStateEntered',"
		 "'stateEnteredEventDetails':{'name':'T'}}");
	take(&h, "{'id':6,'previousEventId':3,'timestamp':1,'type':'TaskStateEntered',"
		 "'stateEnteredEventDetails':{'name':'T'}}");
	take(&h, "{'id':7,'previousEventId':5,'timestamp':2,'type':'TaskStateExited',"
		 "'stateExitedEventDetails':{'name':'T'}}");
	assert_int_equal(h.nr, 3);
	assert_int_equal(h.visits[0].items, 2);
	assert_int_equal(h.visits[1].iteration, 1);
	assert_int_equal(h.visits[1].state, VISIT_SUCCEEDED);
	assert_int_equal(h.visits[2].iteration, 0);
	assert_int_equal(h.visits[2].state, VISIT_IN);
	exec_history_close(&h, "ABORTED", 9000);
	assert_int_equal(h.visits[2].state, VISIT_ABORTED);
	exec_history_release(&h);
}

static void test_exec_history__causes_in_words(void **state)
{
	static const struct {
		const char *cause, *words;
	} cases[] = {
		{"plain\nlines", "plain lines"},
		{"", ""},
		{"{\"JobName\":\"j\",\"JobRunState\":\"TIMEOUT\"}", "job j TIMEOUT"},
		{"{\"JobName\":\"j\",\"JobRunState\":\"FAILED\",\"ErrorMessage\":\"m\"}",
			"job j FAILED: m"},
		{"{\"errorMessage\":\"m\",\"errorType\":\"E\"}", "m"},
		{"{\"ExecutionArn\":\"arn:x:n\",\"Status\":\"FAILED\",\"Error\":\"E\","
		 "\"Cause\":\"{\\\"errorMessage\\\":\\\"in\\\"}\"}",
			"execution n FAILED: E: in"},
		{"{\"ExecutionArn\":\"no colon\"}", "execution no colon FAILED"},
		{"{\"other\":1}", "{\"other\":1}"},
		{"[1]", "[1]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *words = cause_in_words(cases[i].cause);
		assert_string_equal(words, cases[i].words);
		free(words);
	}
}

/* Whatever comes, in whatever order, all that was entered is closed by the end, and nothing is its own parent. */
static void test_exec_history__any_events(void **state)
{
	static const char *const types[] = {"ExecutionStarted", "TaskStateEntered",
		"ParallelStateEntered", "MapStateEntered", "FailStateEntered", "TaskStateExited",
		"ParallelStateExited", "MapStateExited", "ParallelStateStarted", "MapStateStarted",
		"ParallelStateFailed", "MapStateFailed", "ParallelStateSucceeded",
		"MapStateSucceeded", "TaskStateAborted", "MapIterationStarted",
		"MapIterationFailed", "MapIterationSucceeded", "MapIterationAborted",
		"TaskScheduled", "TaskSubmitted", "TaskFailed", "TaskTimedOut", "TaskSucceeded",
		"EvaluationFailed", "MapRunStarted", "MapRunFailed", "ExecutionRedriven",
		"ExecutionFailed", "LambdaFunctionScheduled", "State", "StateEntered", "Unheard"};
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct exec_history h;
		exec_history_init(&h);
		for (int id = 1; id <= 120; id++) {
			char text[512];
			seed = seed * 1103515245U + 12345U;
			snprintf(text, sizeof(text),
				"{'id':%d,'previousEventId':%u,'timestamp':%d,'type':'%s',"
				"'anyEventDetails':{'name':'%c','index':%u,'length':3,"
				"'error':'E','cause':'{}','output':'{\\\"Id\\\":\\\"jr_%u\\\"}',"
				"'resourceType':'glue','resource':'startJobRun.sync',"
				"'parameters':'{\\\"JobName\\\":\\\"j\\\"}'}}",
				id, (seed >> 8) % 4 ? (unsigned)id - 1 : (seed >> 12) % 130, id,
				types[(seed >> 16) % ARRAY_SIZE(types)],
				'A' + (int)((seed >> 4) % 3), (seed >> 5) % 3, (seed >> 6) % 50);
			take(&h, text);
		}
		exec_history_close(&h, "FAILED", 1000000);
		for (size_t i = 0; i < h.nr; i++) {
			assert_true(h.visits[i].left_ms != 0);
			assert_true(h.visits[i].parent == NO_VISIT || h.visits[i].parent < i);
			assert_true(h.visits[i].next == NO_VISIT || h.visits[i].next > i);
		}
		for (size_t i = 0; i < h.nr_happenings; i++)
			assert_true(h.happenings[i].visit < h.nr);
		exec_history_release(&h);
	}
}
