#include "asl_play.h"

#define TASK(n) "{'Type':'Task','Resource':'arn:aws:states:::aws-sdk:glue:" n "','End':true}"

static void redrive(struct play *p)
{
	const char *why = "";

	assert_true(asl_run_redrive(p->run, &why));
	assert_null(why);
	turn(p);
}

static void test_local_asl_redrive__a_task_and_its_retriers(void **state)
{
	const char *why;
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'A','TimeoutSeconds':100,'States':{'A':{'Type':'Pass','Next':'B'},'B':{"
		"'Type':'Task','Resource':'arn:aws:states:::aws-sdk:glue:b','Parameters':{'n.$':"
		"'$$.State.RetryCount','r.$':'$$.Execution.RedriveCount'},'Retry':[{'ErrorEquals':"
		"['States.ALL'],'MaxAttempts':1}],'End':true}}}",
		"{}");
	assert_false(asl_run_redrive(p.run, &why));
	assert_string_equal(why, "Execution is RUNNING and cannot be redriven");
	fail_task(&p, 0, "x");
	pass_time(&p, 1000);
	assert_string_equal(task(&p, 1, "parameters"), "{\"n\":1,\"r\":0}");
	fail_task(&p, 1, "x");
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	now += 500000;
	redrive(&p);
	assert_int_equal(asl_run_redrives(p.run), 1);
	assert_null(asl_run_error(p.run));
	assert_int_equal(asl_run_due(p.run), now + 100000);
	assert_string_equal(task(&p, 2, "parameters"), "{\"n\":0,\"r\":1}");
	assert_string_equal(story(&p, 8), "TaskFailed ExecutionFailed "
					  "ExecutionRedriven TaskScheduled");
	assert_int_equal(json_get_i64(json_at(p.events, 10), "previousEventId", 0), 10);
	fail_task(&p, 2, "x");
	assert_int_equal(asl_run_due(p.run), now + 1000);
	assert_true(asl_run_abort(p.run, "stop", NULL));
	turn(&p);
	/* stopped in the pause before an attempt: the attempt comes at once */
	redrive(&p);
	assert_string_equal(task(&p, 3, "parameters"), "{\"n\":0,\"r\":2}");
	succeed(&p, 3, "'ok'");
	OUTPUT_IS(&p, "\"ok\"");
	assert_false(asl_run_redrive(p.run, &why));
	assert_string_equal(why, "Execution is SUCCEEDED and cannot be redriven");
	end(&p);
}

static void test_local_asl_redrive__branches_keep_what_they_have(void **state)
{
	static const char def[] =
		"{'StartAt':'P','States':{'P':{'Type':'Parallel','End':true,'Branches':[{'StartAt':"
		"'a','States':{'a':" TASK("a") "}},{'StartAt':'b0','States':{'b0':{'Type':'Pass',"
					       "'Assign':{'v':7},'Next':'b'},'b':"
					       "{'Type':'Task','Resource':'arn:aws:states:::aws-"
					       "sdk:glue:b','Parameters':{'v.$':'$v'},'End':true}}}"
					       ",{'StartAt':'M','States':{'M':{'Type':'Map',"
					       "'ItemsPath':'$.l','MaxConcurrency':2,"
					       "'ItemProcessor':{'StartAt':'c','States':{'c':" TASK(
						       "c") "}},'End':true}}},"
							    "{'StartAt':'w','States':{'w':{'Type':"
							    "'Wait','Seconds':9,'End':true}}}]}}}";
	struct play p;

	(void)state;
	play(&p, def, "{'l':[1,2,3]}");
	assert_int_equal(json_len(p.actions), 4);
	succeed(&p, 0, "'a'");
	succeed(&p, 2, "'c0'"); /* the third item begins: action 4 */
	pass_time(&p, 5000);
	fail_task(&p, 1, "Bad");
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	assert_int_equal(json_len(p.actions), 7);
	redrive(&p);
	/* b, and two items of the Map; a and the first item are there */
	assert_int_equal(json_len(p.actions), 10);
	assert_string_equal(task(&p, 7, "parameters"), "{\"v\":7}");
	assert_string_equal(task(&p, 8, "parameters"), "2");
	assert_string_equal(task(&p, 9, "parameters"), "3");
	/* the pause counts from now */
	assert_int_equal(asl_run_due(p.run), now + 9000);
	succeed(&p, 7, "'b'");
	succeed(&p, 9, "'c2'");
	succeed(&p, 8, "'c1'");
	pass_time(&p, 9000);
	OUTPUT_IS(&p, "[\"a\",\"b\",[\"c0\",\"c1\",\"c2\"],{\"l\":[1,2,3]}]");
	end(&p);
	/* twice, and what was not begun yet comes too */
	play(&p, def, "{'l':[1,2,3,4]}");
	fail_task(&p, 2, "Bad");
	redrive(&p);
	fail_task(&p, json_len(p.actions) - 1, "Bad");
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	redrive(&p);
	assert_int_equal(asl_run_redrives(p.run), 2);
	for (size_t i = 0; asl_run_status(p.run) == ASL_RUNNING && i < 30; i++) {
		struct json *v = js("'x'");

		if (!strcmp(task(&p, i, "action"), "start"))
			asl_task_succeeded(p.run, task(&p, i, "id"), v);
		json_free(v);
		turn(&p);
		if (i == 20)
			pass_time(&p, 9000);
	}
	OUTPUT_IS(&p, "[\"x\",\"x\",[\"x\",\"x\",\"x\",\"x\"],{\"l\":[1,2,3,4]}]");
	end(&p);
}

static void test_local_asl_redrive__what_fails_again(void **state)
{
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'P','States':{'P':{'Type':'Parallel','End':true,'Branches':[{'StartAt':"
		"'F','States':{'F':{'Type':'Fail','Error':'E'}}},{'StartAt':'a','States':{'a'"
		":" TASK("a") "}}]}}}",
		"{}");
	assert_string_equal(asl_run_error(p.run), "E");
	redrive(&p);
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	assert_string_equal(asl_run_error(p.run), "E");
	redrive(&p);
	assert_int_equal(asl_run_redrives(p.run), 2);
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	end(&p);
	/* a time-out of the whole */
	play(&p,
		"{'StartAt':'W','TimeoutSeconds':5,'States':{'W':{'Type':'Wait','Timestamp':"
		"'2001-09-09T01:46:40Z','Next':'T'},'T':" TASK("t") "}}",
		"{}");
	pass_time(&p, 5000);
	assert_int_equal(asl_run_status(p.run), ASL_TIMED_OUT);
	redrive(&p);
	assert_int_equal(asl_run_due(p.run), now + 5000);
	pass_time(&p, 5000);
	assert_int_equal(asl_run_status(p.run), ASL_TIMED_OUT);
	end(&p);
}

/* Retry and Catch of a Parallel begin anew: what is kept for a redrive is gone with them. */
static void test_local_asl_redrive__not_what_was_retried(void **state)
{
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'P','States':{'P':{'Type':'Parallel','End':true,'Retry':[{'ErrorEquals'"
		":"
		"['States.ALL'],'MaxAttempts':1}],'Branches':[{'StartAt':'a','States':{'a':" TASK(
			"a") "}},{'StartAt':'b','States':{'b':" TASK("b") "}}]}}}",
		"{}");
	succeed(&p, 0, "1");
	fail_task(&p, 1, "x");
	pass_time(&p, 1000);
	assert_int_equal(json_len(p.actions), 4);
	succeed(&p, 3, "'b'");
	fail_task(&p, 2, "x");
	redrive(&p);
	assert_int_equal(json_len(p.actions), 5);
	succeed(&p, 4, "'a'");
	OUTPUT_IS(&p, "[\"a\",\"b\"]");
	end(&p);
}
