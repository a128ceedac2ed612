#include "asl_play.h"

static void test_local_asl_engine__data_flow(void **state)
{
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'A','States':{'A':{'Type':'Pass','InputPath':'$.in','Parameters':{'x.$'"
		":'$.v',"
		"'id.$':'$$.Execution.Name','all.$':'$$.Execution.Input.keep'},'ResultPath':'$."
		"made',"
		"'Assign':{'seen.$':'$.x'},'Next':'B'},"
		"'B':{'Type':'Choice','Choices':[{'Variable':'$seen','NumericGreaterThan':4,'Next':"
		"'C',"
		"'Assign':{'n':1}}],'Default':'D'},"
		"'C':{'Type':'Pass','Result':{'r':1},'ResultPath':null,'OutputPath':'$.made','Next'"
		":'E'},"
		"'D':{'Type':'Fail'},'E':{'Type':'Pass','Parameters':{'all.$':'$','v.$':"
		"'States.MathAdd($seen, $n)'},'End':true}}}",
		"{'in':{'v':5},'keep':true}");
	OUTPUT_IS(&p, "{\"all\":{\"x\":5,\"id\":\"e\",\"all\":true},\"v\":6}");
	assert_string_equal(story(&p, 1),
		"ExecutionStarted PassStateEntered PassStateExited ChoiceStateEntered "
		"ChoiceStateExited PassStateEntered PassStateExited PassStateEntered "
		"PassStateExited "
		"ExecutionSucceeded");
	assert_int_equal(json_get_i64(json_at(p.events, 1), "previousEventId", -1), 0);
	assert_int_equal(json_get_i64(json_at(p.events, 3), "previousEventId", -1), 3);
	assert_string_equal(text_of(json_get(json_at(p.events, 2), "stateExitedEventDetails")),
		"{\"name\":\"A\",\"output\":\"{\\\"in\\\":{\\\"v\\\":5},\\\"keep\\\":true,"
		"\\\"made\\\":{"
		"\\\"x\\\":5,\\\"id\\\":\\\"e\\\",\\\"all\\\":true}}\",\"outputDetails\":{"
		"\"truncated\":"
		"false},\"assignedVariables\":{\"seen\":\"5\"},\"assignedVariablesDetails\":{"
		"\"truncated\":false}}");
	end(&p);
}

#define GLUE "'Type':'Task','Resource':'arn:aws:states:::glue:startJobRun.sync'"

static void test_local_asl_engine__a_task(void **state)
{
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'A','States':{'A':{" GLUE
		",'Parameters':{'JobName.$':'$.j'},'TimeoutSeconds':60,"
		"'ResultSelector':{'s.$':'$.JobRunState'},'ResultPath':'$.run','End':true}}}",
		"{'j':'load'}");
	assert_string_equal(task(&p, 0, "action"), "start");
	assert_string_equal(task(&p, 0, "parameters"), "{\"JobName\":\"load\"}");
	assert_int_equal(asl_run_due(p.run), now + 60000);
	assert_true(asl_task_started(p.run, task(&p, 0, "id"), NULL));
	turn(&p);
	succeed(&p, 0, "{'JobRunState':'SUCCEEDED','Id':'jr'}");
	OUTPUT_IS(&p, "{\"j\":\"load\",\"run\":{\"s\":\"SUCCEEDED\"}}");
	assert_string_equal(story(&p, 2),
		"TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited "
		"ExecutionSucceeded");
	assert_string_equal(text_of(json_get(json_at(p.events, 2), "taskScheduledEventDetails")),
		"{\"resourceType\":\"glue\",\"resource\":\"startJobRun.sync\",\"region\":\"us-east-"
		"1\","
		"\"parameters\":\"{\\\"JobName\\\":\\\"load\\\"}\",\"timeoutInSeconds\":60}");
	assert_false(asl_task_failed(p.run, task(&p, 0, "id"), "x", "y"));
	end(&p);
}

static void test_local_asl_engine__retry_and_catch(void **state)
{
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'A','States':{'A':{" GLUE
		",'Retry':[{'ErrorEquals':['Busy'],'IntervalSeconds':2,"
		"'MaxAttempts':3,'BackoffRate':3,'MaxDelaySeconds':10},{'ErrorEquals':['States."
		"TaskFailed'],"
		"'MaxAttempts':1,'JitterStrategy':'FULL'}],'Catch':[{'ErrorEquals':['States."
		"Timeout'],'Next':"
		"'C'},{'ErrorEquals':['States.ALL'],'ResultPath':'$.e','Next':'C'}],'Parameters':{'"
		"n.$':"
		"'$$.State.RetryCount'},'End':true},'C':{'Type':'Succeed'}}}",
		"{'j':1}");
	fail_task(&p, 0, "Busy");
	assert_int_equal(asl_run_due(p.run), now + 2000);
	pass_time(&p, 1999);
	assert_int_equal(json_len(p.actions), 1);
	pass_time(&p, 1);
	assert_string_equal(task(&p, 1, "parameters"), "{\"n\":1}");
	assert_false(asl_task_failed(p.run, task(&p, 0, "id"), "late", NULL));
	fail_task(&p, 1, "Busy");
	assert_int_equal(asl_run_due(p.run), now + 6000);
	pass_time(&p, 6000);
	fail_task(&p, 2, "Busy");
	assert_int_equal(asl_run_due(p.run), now + 10000);
	pass_time(&p, 10000);
	fail_task(&p, 3, "Other");
	assert_int_equal(asl_run_due(p.run), now + 501);
	pass_time(&p, 501);
	fail_task(&p, 4, "Busy");
	OUTPUT_IS(&p, "{\"j\":1,\"e\":{\"Error\":\"Busy\",\"Cause\":\"why\"}}");
	assert_string_equal(story(&p, 11),
		"TaskScheduled TaskFailed TaskStateExited SucceedStateEntered SucceedStateExited "
		"ExecutionSucceeded");
	end(&p);
}

static void test_local_asl_engine__timeouts(void **state)
{
	static const char def[] =
		"{'StartAt':'A','TimeoutSeconds':100,'States':{'A':{'Type':'Task','Resource':"
		"'arn:aws:states:us-east-1:111122223333:activity:a','TimeoutSeconds':50,"
		"'HeartbeatSecondsPath':'$.h','Catch':[{'ErrorEquals':['States.HeartbeatTimeout'],'"
		"Next':"
		"'W'}],'End':true},'W':{'Type':'Wait','Seconds':1000,'End':true}}}";
	struct play p;

	(void)state;
	play(&p, def, "{'h':20}");
	assert_true(strlen(task(&p, 0, "taskToken")) >= 60);
	pass_time(&p, 15000);
	assert_true(asl_task_heartbeat(p.run, task(&p, 0, "id")));
	pass_time(&p, 19999);
	assert_int_equal(json_len(p.actions), 1);
	pass_time(&p, 1);
	assert_string_equal(task(&p, 1, "action"), "cancel");
	assert_string_equal(story(&p, 3), "ActivityScheduled ActivityTimedOut TaskStateExited "
					  "WaitStateEntered");
	pass_time(&p, 65000);
	assert_int_equal(asl_run_status(p.run), ASL_TIMED_OUT);
	assert_string_equal(story(&p, 7), "ExecutionTimedOut");
	end(&p);
	play(&p, def, "{'h':49}");
	assert_true(asl_task_started(p.run, task(&p, 0, "id"), "w1"));
	turn(&p);
	assert_true(asl_task_heartbeat(p.run, task(&p, 0, "id")));
	pass_time(&p, 50000);
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	assert_string_equal(asl_run_error(p.run), "States.Timeout");
	end(&p);
}

#define BRANCH(n)                          \
	"{'StartAt':'" n "','States':{'" n \
	"':{'Type':'Task','Resource':'arn:aws:states:::aws-sdk:glue:" n "','End':true}}}"

static void test_local_asl_engine__parallel(void **state)
{
	static const char def[] =
		"{'StartAt':'P','States':{'P':{'Type':'Parallel','Branches':[" BRANCH(
			"a") "," BRANCH("b") "],'Retry':[{'ErrorEquals':['Again']}],'Catch':[{'"
					     "ErrorEquals':["
					     "'States.ALL'],'Next':'F'}],'End':true},"
					     "'F':{'Type':'Fail','ErrorPath':'$.Error','CausePath':"
					     "'States.Format(\\u0027caught {}\\u0027, $.Cause)'}}}";
	struct play p;

	(void)state;
	play(&p, def, "{'i':1}");
	succeed(&p, 1, "'second'");
	succeed(&p, 0, "'first'");
	OUTPUT_IS(&p, "[\"first\",\"second\"]");
	assert_string_equal(story(&p, 2),
		"ParallelStateEntered ParallelStateStarted TaskStateEntered TaskScheduled "
		"TaskStateEntered TaskScheduled TaskSucceeded TaskStateExited TaskSucceeded "
		"TaskStateExited ParallelStateSucceeded ParallelStateExited ExecutionSucceeded");
	assert_int_equal(json_get_i64(json_at(p.events, 5), "previousEventId", 0), 3);
	end(&p);
	play(&p, def, "{}");
	fail_task(&p, 0, "Again");
	assert_string_equal(task(&p, 2, "action"), "cancel");
	assert_string_equal(task(&p, 2, "id"), "r.1#2");
	assert_false(asl_task_failed(p.run, task(&p, 1, "id"), "late", NULL));
	pass_time(&p, 1000);
	assert_int_equal(json_len(p.actions), 5);
	succeed(&p, 3, "1");
	fail_task(&p, 4, "Bad");
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	assert_string_equal(asl_run_error(p.run), "Bad");
	assert_string_equal(asl_run_cause(p.run), "caught why");
	assert_string_equal(story(&p, 18), "TaskFailed ParallelStateFailed ParallelStateExited "
					   "FailStateEntered ExecutionFailed");
	end(&p);
}

static void test_local_asl_engine__map(void **state)
{
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'M','States':{'M':{'Type':'Map','ItemsPath':'$.l','MaxConcurrency':2,"
		"'ItemSelector':{'v.$':'$$.Map.Item.Value','k.$':'$.k'},'ItemProcessor':{'StartAt':"
		"'T',"
		"'States':{'T':{'Type':'Task','Resource':'arn:aws:lambda:us-east-1:1:function:f',"
		"'Parameters':{'i.$':'$$.Map.Item.Index','in.$':'$'},'End':true}}},'End':true}}}",
		"{'l':['a','b','c'],'k':0}");
	assert_int_equal(json_len(p.actions), 2);
	assert_string_equal(task(&p, 1, "parameters"), "{\"i\":1,\"in\":{\"v\":\"b\",\"k\":0}}");
	succeed(&p, 1, "2");
	assert_int_equal(json_len(p.actions), 3);
	assert_string_equal(task(&p, 2, "parameters"), "{\"i\":2,\"in\":{\"v\":\"c\",\"k\":0}}");
	succeed(&p, 2, "3");
	succeed(&p, 0, "1");
	OUTPUT_IS(&p, "[1,2,3]");
	assert_string_equal(story(&p, 2),
		"MapStateEntered MapStateStarted MapIterationStarted MapIterationStarted "
		"TaskStateEntered LambdaFunctionScheduled TaskStateEntered LambdaFunctionScheduled "
		"LambdaFunctionSucceeded TaskStateExited MapIterationSucceeded MapIterationStarted "
		"TaskStateEntered LambdaFunctionScheduled LambdaFunctionSucceeded TaskStateExited "
		"MapIterationSucceeded LambdaFunctionSucceeded TaskStateExited "
		"MapIterationSucceeded MapStateSucceeded MapStateExited ExecutionSucceeded");
	end(&p);
}

static void test_local_asl_engine__map_tolerates_and_batches(void **state)
{
	static const char def[] =
		"{'StartAt':'M','States':{'M':{'Type':'Map','ItemBatcher':{'MaxItemsPerBatch':2,"
		"'BatchInput':{'b':1}},'ToleratedFailureCount':1,'ItemProcessor':{'StartAt':'T','"
		"States':"
		"{'T':{'Type':'Task','Resource':'arn:aws:states:::sqs:sendMessage','End':true}}},'"
		"End':true}}}";
	struct play p;

	(void)state;
	play(&p, def, "[1,2,3]");
	assert_string_equal(
		task(&p, 0, "parameters"), "{\"BatchInput\":{\"b\":1},\"Items\":[1,2]}");
	fail_task(&p, 0, "x");
	succeed(&p, 1, "'ok'");
	OUTPUT_IS(&p, "[\"ok\"]");
	end(&p);
	play(&p, def, "[1,2,3]");
	fail_task(&p, 0, "x");
	fail_task(&p, 1, "x");
	assert_string_equal(asl_run_error(p.run), "States.ExceedToleratedFailureThreshold");
	end(&p);
	play(&p, def, "[]");
	OUTPUT_IS(&p, "[]");
	end(&p);
}

static void test_local_asl_engine__runtime_errors_are_not_caught(void **state)
{
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'P','States':{'P':{'Type':'Parallel','Branches':[" BRANCH(
			"a") ",{'StartAt':'b','States':{'b':{" GLUE
			     ",'Parameters':{'J.$':'$.JobName'},'End':true}}}],'Catch':[{'"
			     "ErrorEquals':['States.ALL'],'Next':'S'}],'End':true},'S':{'Type':'"
			     "Succeed'}}}",
		"{}");
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	assert_string_equal(asl_run_error(p.run), "States.Runtime");
	assert_string_equal(asl_run_cause(p.run),
		"An error occurred while executing the state 'b' (entered at the event id #6). The "
		"JSONPath '$.JobName' specified for the field 'J.$' could not be found in the "
		"input "
		"'{}'");
	assert_string_equal(task(&p, 1, "action"), "cancel");
	assert_int_equal(asl_run_due(p.run), -1);
	end(&p);
	play(&p,
		"{'StartAt':'C','States':{'C':{'Type':'Choice','Choices':[{'Variable':'$.a',"
		"'IsPresent':true,'Next':'S'}]},'S':{'Type':'Succeed'}}}",
		"{}");
	assert_string_equal(asl_run_error(p.run), "States.NoChoiceMatched");
	end(&p);
}

static void test_local_asl_engine__limits(void **state)
{
	struct strbuf big = STRBUF_INIT;
	struct json *v;
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'A','States':{'A':{'Type':'Pass','Next':'B'},'B':{'Type':'Choice','"
		"Choices':[{"
		"'Variable':'$.go','IsPresent':true,'Next':'A'}],'Default':'S'},'S':{'Type':'"
		"Succeed'}}}",
		"{'go':1}");
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	assert_int_equal(json_len(p.events), 25000);
	assert_true(ends_with(story(&p, 25000), "ExecutionFailed"));
	end(&p);
	play(&p,
		"{'StartAt':'A','States':{'A':{" GLUE
		",'Catch':[{'ErrorEquals':['States.ALL'],'Next':"
		"'S'}],'End':true},'S':{'Type':'Succeed'}}}",
		"{}");
	strbuf_addchars(&big, 'x', ASL_PAYLOAD_BYTES_MAX);
	v = json_string(big.buf);
	assert_true(asl_task_succeeded(p.run, task(&p, 0, "id"), v));
	assert_string_equal(asl_run_error(p.run), "States.DataLimitExceeded");
	json_free(v);
	strbuf_release(&big);
	end(&p);
}

static void test_local_asl_engine__wait_and_abort(void **state)
{
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'W','States':{'W':{'Type':'Wait','TimestampPath':'$.t','Next':'V'},'V':"
		"{'Type':"
		"'Wait','SecondsPath':'$.s','Next':'T'},'T':{" GLUE ",'End':true}}}",
		"{'t':'1970-01-12T13:46:40Z','s':3}");
	asl_run_tick(p.run);
	turn(&p);
	assert_int_equal(asl_run_due(p.run), now + 3000);
	pass_time(&p, 3000);
	assert_int_equal(json_len(p.actions), 1);
	assert_int_equal(asl_run_due(p.run), -1);
	gather(p.actions, asl_run_tasks(p.run));
	assert_string_equal(task(&p, 1, "id"), task(&p, 0, "id"));
	assert_string_equal(task(&p, 1, "started"), "false");
	assert_true(asl_run_abort(p.run, NULL, "enough"));
	assert_false(asl_run_abort(p.run, NULL, NULL));
	turn(&p);
	assert_int_equal(asl_run_status(p.run), ASL_ABORTED);
	assert_string_equal(task(&p, 2, "action"), "cancel");
	assert_string_equal(story(&p, 8), "ExecutionAborted");
	end(&p);
}

/* A branch that fails takes a Map with it, whose iterations wait and work; variables are seen from within, not from outside. */
static void test_local_asl_engine__nested_flows(void **state)
{
	static const char def[] =
		"{'StartAt':'V','States':{'V':{'Type':'Pass','Assign':{'far':1},'Next':'P'},'P':{'"
		"Type':"
		"'Parallel','Branches':[{'StartAt':'M','States':{'M':{'Type':'Map','ItemsPath':'$."
		"l',"
		"'ItemProcessor':{'StartAt':'N','States':{'N':{'Type':'Pass','Assign':{'near.$':"
		"'States.MathAdd($far, "
		"$$.Map.Item.Index)'},'Next':'K'},'K':{'Type':'Choice','Choices':[{"
		"'Variable':'$near','NumericEquals':1,'Next':'W'}],'Default':'T'},'W':{'Type':'"
		"Wait',"
		"'Seconds':5,'Next':'R'},'R':{'Type':'Pass','Parameters':{'n.$':'$near','f.$':'$"
		"far'},"
		"'End':true},'T':{'Type':'Task','Resource':'arn:aws:states:::sns:publish','"
		"ResultPath':"
		"null,'Next':'R'}}},'End':true}}}," BRANCH(
			"a") "],'Next':'Z'},'Z':{'Type':'Pass',"
			     "'Parameters':{'r.$':'$','far.$':'$far'},'End':true}}}";
	struct play p;

	(void)state;
	play(&p, def, "{'l':[7,8]}");
	assert_int_equal(json_len(p.actions), 2);
	succeed(&p, 1, "null");
	succeed(&p, 0, "'a'");
	assert_int_equal(asl_run_status(p.run), ASL_RUNNING);
	pass_time(&p, 5000);
	OUTPUT_IS(&p, "{\"r\":[[{\"n\":1,\"f\":1},{\"n\":2,\"f\":1}],\"a\"],\"far\":1}");
	end(&p);
	play(&p, def, "{'l':[7,8]}");
	fail_task(&p, 0, "Bad");
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	assert_string_equal(asl_run_error(p.run), "Bad");
	assert_string_equal(task(&p, 2, "action"), "cancel");
	assert_string_equal(task(&p, 2, "id"), task(&p, 1, "id"));
	assert_non_null(strstr(story(&p, 20),
		"TaskFailed WaitStateAborted MapIterationAborted TaskStateAborted "
		"MapIterationAborted MapStateAborted ParallelStateFailed ExecutionFailed"));
	end(&p);
}

static void test_local_asl_engine__only_a_runs_document_is_restored(void **state)
{
	static const char *const bad[] = {"{}", "[]", "{'status':'RUNNING','context':{},'root':{}}",
		"{'status':'RUNNING','context':{},'root':{'state':'A','phase':'fork','input':1,'"
		"total':2,"
		"'results':[]}}"};
	struct err err = ERR_INIT;
	struct json *doc;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		doc = js(bad[i]);
		assert_null(asl_run_restore(NULL, doc, &host, &err));
		assert_int_equal(err.code, ERR_INVALID);
		json_free(doc);
	}
	err_release(&err);
}

static void test_local_asl_engine__a_loop_is_written_as_it_goes(void **state)
{
	struct json *input = json_object();
	char *big = xmalloc(200001), *text;
	struct strbuf sb = STRBUF_INIT;
	size_t told;
	struct play p;

	(void)state;
	memset(big, 'x', 200000);
	big[200000] = '\0';
	json_set_str(input, "big", big);
	json_print(input, &sb);
	text = strbuf_detach(&sb, NULL);
	play(&p,
		"{'StartAt':'A','States':{'A':{'Type':'Pass','Next':'B'},'B':{'Type':'Choice',"
		"'Choices':[{'Variable':'$.no','IsPresent':true,'Next':'E'}],'Default':'A'},'E':{"
		"'Type':'Succeed'}}}",
		text);
	told = json_len(p.events);
	assert_in_range(told, 10, 100);
	assert_int_equal(asl_run_due(p.run), 0);
	asl_run_tick(p.run);
	turn(&p);
	assert_in_range(json_len(p.events), told + 10, told + 100);
	for (size_t i = 0; i < json_len(p.events); i++)
		assert_int_equal(json_get_i64(json_at(p.events, i), "id", 0), i + 1);
	assert_true(asl_run_abort(p.run, NULL, NULL));
	assert_int_equal(asl_run_due(p.run), -1);
	json_free(input);
	free(big);
	free(text);
	end(&p);
}

static void test_local_asl_engine__values_do_not_deepen_for_ever(void **state)
{
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'A','States':{'A':{'Type':'Pass','Parameters':{'a.$':'$'},'Next':'B'},"
		"'B':{'Type':'Choice','Choices':[{'Variable':'$.no','IsPresent':true,'Next':'E'}],"
		"'Default':'A'},'E':{'Type':'Succeed'}}}",
		"{}");
	while (asl_run_due(p.run) == 0) {
		asl_run_tick(p.run);
		turn(&p);
	}
	assert_int_equal(asl_run_status(p.run), ASL_FAILED);
	assert_string_equal(asl_run_error(p.run), "States.DataLimitExceeded");
	assert_in_range(json_len(p.events), 3900, 4100);
	end(&p);
}

static void test_local_asl_engine__too_much_for_all_branches(void **state)
{
	struct strbuf def = STRBUF_INIT;
	struct play p;

	(void)state;
	strbuf_addstr(&def,
		"{'StartAt':'P','States':{'P':{'Type':'Parallel','End':true,'Parameters':"
		"{'x':'");
	for (int i = 0; i < 20000; i++)
		strbuf_addstr(&def, "0123456789");
	strbuf_addstr(&def, "'},'Branches':[");
	for (int i = 0; i < 400; i++)
		strbuf_addf(&def, "%s{'StartAt':'S%d','States':{'S%d':{'Type':'Succeed'}}}",
			i ? "," : "", i, i);
	strbuf_addstr(&def, "]}}}");
	play(&p, def.buf, "{}");
	assert_string_equal(asl_run_error(p.run), "States.DataLimitExceeded");
	strbuf_release(&def);
	end(&p);
}
