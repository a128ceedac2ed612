#include "local_glue.h"

#include <string.h>
#include "testing.h"

static struct json *triggers(void)
{
	static const char text[] =
		"[{\"Name\":\"t0\",\"Type\":\"ON_DEMAND\",\"Actions\":[{\"JobName\":\"a\"}]},"
		"{\"Name\":\"t1\",\"Type\":\"CONDITIONAL\",\"Actions\":[{\"JobName\":\"b\"},{"
		"\"CrawlerName\":"
		"\"b\"}],\"Predicate\":{\"Conditions\":[{\"JobName\":\"a\",\"State\":\"SUCCEEDED\"}"
		",{"
		"\"JobName\":\"a\",\"State\":\"FAILED\"}]}}]";
	struct err err = ERR_INIT;

	return json_parse(text, strlen(text), &err);
}

static void test_local_workflow_graph__one_node_a_name_and_one_edge_a_pair(void **state)
{
	struct json *t = triggers(), *graph = local_graph_make("w", t);

	(void)state;
	assert_int_equal(json_len(json_get(graph, "Nodes")), 5); /* two triggers, a, b, crawler b */
	assert_int_equal(json_len(json_get(graph, "Edges")), 4);
	json_free(graph);
	json_free(t);
}

static void test_local_workflow_graph__ids_are_stable_and_differ(void **state)
{
	char *job = local_graph_node_id("w", "JOB", "b"),
	     *again = local_graph_node_id("w", "JOB", "b"),
	     *crawler = local_graph_node_id("w", "CRAWLER", "b"),
	     *other = local_graph_node_id("v", "JOB", "b");

	(void)state;
	assert_string_equal(job, again);
	assert_string_not_equal(job, crawler);
	assert_string_not_equal(job, other);
	assert_int_equal(strlen(job), strlen("wnode_") + 64);
	free(job);
	free(again);
	free(crawler);
	free(other);
}

static void test_local_workflow_graph__downstream(void **state)
{
	struct json *t = triggers(), *graph = local_graph_make("w", t);
	struct strvec from = STRVEC_INIT, to = STRVEC_INIT;
	char *a = local_graph_node_id("w", "JOB", "a"), *b = local_graph_node_id("w", "JOB", "b"),
	     *t0 = local_graph_node_id("w", "TRIGGER", "t0");

	(void)state;
	strvec_push(&from, a);
	local_graph_downstream(graph, &from, &to);
	assert_int_equal(to.nr, 3); /* t1, b and the crawler */
	assert_true(strvec_has(&to, b));
	assert_false(strvec_has(&to, a));
	assert_false(strvec_has(&to, t0));
	strvec_release(&from);
	strvec_release(&to);
	json_free(graph);
	json_free(t);
	free(a);
	free(b);
	free(t0);
}

static void test_local_workflow_graph__statistics(void **state)
{
	struct json *s = local_statistics_new(7);
	static const char *const states[] = {"SUCCEEDED", "SUCCEEDED", "FAILED", "TIMEOUT",
		"STOPPED", "CANCELLED", "ERROR", "WAITING", "PENDING", "STOPPING", "UNHEARD-OF"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		local_statistics_count(s, states[i]);
	assert_int_equal(json_len(s), 8);
	assert_int_equal(json_get_i64(s, "TotalActions", -1), 7);
	assert_int_equal(json_get_i64(s, "SucceededActions", -1), 2);
	assert_int_equal(json_get_i64(s, "FailedActions", -1), 1);
	assert_int_equal(json_get_i64(s, "TimeoutActions", -1), 1);
	assert_int_equal(json_get_i64(s, "StoppedActions", -1), 2);
	assert_int_equal(json_get_i64(s, "ErroredActions", -1), 1);
	assert_int_equal(json_get_i64(s, "WaitingActions", -1), 1);
	assert_int_equal(json_get_i64(s, "RunningActions", -1), 2);
	json_free(s);
}
