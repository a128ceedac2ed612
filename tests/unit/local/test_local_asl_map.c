#include "asl_play.h"

#define CHILD                                                                                  \
	"'ItemProcessor':{'ProcessorConfig':{'Mode':'DISTRIBUTED','ExecutionType':'EXPRESS'}," \
	"'StartAt':'I','States':{'I':{'Type':'Succeed'}}},"

static void test_local_asl_map__what_the_host_gets(void **state)
{
	const struct json *processor;
	struct json *action, *inputs, *children, *item = js("{'Key':'a.csv'}");
	struct err err = ERR_INIT;
	struct play p;

	(void)state;
	play(&p,
		"{'StartAt':'V','States':{'V':{'Type':'Pass','Assign':{'far':1},'Next':'P'},'P':{"
		"'Type':'Parallel','End':true,'Branches':[{'StartAt':'M','States':{'M':{'Type':'"
		"Map'"
		",'Label':'L'," CHILD
		"'ItemReader':{'Resource':'arn:aws:states:::s3:getObject','Parameters':{'Bucket.$':"
		"'$.b','Key':'k'},'ReaderConfig':{'InputType':'JSON','MaxItemsPath':'$.n'}},"
		"'ItemSelector':{'k.$':'$$.Map.Item.Value.Key','i.$':'$$.Map.Item.Index','far.$':"
		"'$far','b.$':'$.b','e.$':'$$.Execution.Name'},'MaxConcurrency':5,"
		"'ToleratedFailurePercentage':12.5,'ItemBatcher':{'MaxItemsPerBatchPath':'$.two',"
		"'BatchInput':{'c.$':'$.b'}},'ResultWriter':{'Resource':'arn:aws:states:::s3:"
		"putObject','Parameters':{'Bucket.$':'$.b','Prefix':'p'}},'End':true}}}]}}}",
		"{'b':'bucket','n':7,'two':2}");
	assert_string_equal(story(&p, 5), "ParallelStateStarted MapStateEntered MapStateStarted");
	action = json_copy(json_at(p.actions, 0));
	inputs = json_array();
	for (int i = 0; i < 3; i++) {
		struct json *input = asl_map_item(action, item, i, &err);

		assert_non_null(input);
		json_push(inputs, input);
	}
	children = asl_map_children(action, inputs);
	assert_string_equal(text_of(children),
		"[{\"input\":{\"BatchInput\":{\"c\":\"bucket\"},\"Items\":[{\"k\":\"a.csv\","
		"\"i\":0,\"far\":1,\"b\":\"bucket\",\"e\":\"e\"},{\"k\":\"a.csv\",\"i\":1,"
		"\"far\":1,\"b\":\"bucket\",\"e\":\"e\"}]},\"items\":2},{\"input\":{"
		"\"BatchInput\":{\"c\":\"bucket\"},\"Items\":[{\"k\":\"a.csv\",\"i\":2,"
		"\"far\":1,\"b\":\"bucket\",\"e\":\"e\"}]},\"items\":1}]");
	json_free(children);
	json_remove(action, "scope");
	json_remove(action, "selector");
	assert_string_equal(text_of(action),
		"{\"label\":\"L\",\"executionType\":\"EXPRESS\",\"maxConcurrency\":5,"
		"\"toleratedFailurePercentage\":12.5,\"reader\":{\"resource\":"
		"\"arn:aws:states:::s3:getObject\",\"parameters\":{\"Bucket\":\"bucket\","
		"\"Key\":\"k\"},\"config\":{\"InputType\":\"JSON\",\"MaxItems\":7}},"
		"\"batcher\":{\"maxItems\":2,\"input\":{\"c\":\"bucket\"}},\"writer\":{"
		"\"resource\":\"arn:aws:states:::s3:putObject\",\"parameters\":{\"Bucket\":"
		"\"bucket\",\"Prefix\":\"p\"}},\"action\":\"map\",\"id\":\"r.0#1\","
		"\"state\":\"M\"}");
	processor = asl_map_definition(p.def, "M");
	assert_string_equal(json_get_str(processor, "StartAt"), "I");
	json_free(action);
	json_free(item);
	err_release(&err);
	end(&p);
}

static void test_local_asl_map__a_map_run(void **state)
{
	static const char def[] =
		"{'StartAt':'M','States':{'M':{'Type':'Map'," CHILD
		"'ResultPath':'$.r','Catch':[{'ErrorEquals':"
		"['States.ExceedToleratedFailureThreshold'],'Next':'F'}],'ItemsPath':"
		"'$.l','End':true},'F':{'Type':'Fail','Error':'Caught'}}}";
	struct play p;

	(void)state;
	play(&p, def, "{'l':[1,2]}");
	assert_string_equal(task(&p, 0, "items"), "[1,2]");
	assert_true(asl_map_started(p.run, task(&p, 0, "id"), "arn:run", 0));
	assert_true(asl_map_started(p.run, task(&p, 0, "id"), "arn:run", 0));
	turn(&p);
	gather(p.actions, asl_run_tasks(p.run));
	assert_string_equal(task(&p, 1, "mapRunArn"), "arn:run");
	succeed(&p, 0, "['x']");
	OUTPUT_IS(&p, "{\"l\":[1,2],\"r\":[\"x\"]}");
	assert_string_equal(story(&p, 2),
		"MapStateEntered MapStateStarted MapRunStarted MapRunSucceeded MapStateSucceeded "
		"MapStateExited ExecutionSucceeded");
	end(&p);
	play(&p, def, "{'l':[1,2]}");
	assert_true(asl_map_started(p.run, task(&p, 0, "id"), "arn:run", 0));
	fail_task(&p, 0, "States.ExceedToleratedFailureThreshold");
	assert_string_equal(story(&p, 3),
		"MapStateStarted MapRunStarted MapRunFailed MapStateFailed MapStateExited "
		"FailStateEntered ExecutionFailed");
	assert_string_equal(text_of(json_get(json_at(p.events, 4), "mapRunFailedEventDetails")),
		"{\"error\":\"States.ExceedToleratedFailureThreshold\",\"cause\":\"why\"}");
	end(&p);
	play(&p, def, "{'l':{}}");
	assert_string_equal(asl_run_error(p.run), "States.Runtime");
	end(&p);
	/* stopped */
	play(&p, def, "{'l':[]}");
	assert_true(asl_map_started(p.run, task(&p, 0, "id"), "arn:run", 0));
	assert_true(asl_run_abort(p.run, "stop", NULL));
	turn(&p);
	assert_string_equal(task(&p, 1, "action"), "cancel");
	/* and redriven: the same map run */
	assert_true(asl_run_redrive(p.run, NULL));
	turn(&p);
	assert_string_equal(task(&p, 2, "mapRunArn"), "arn:run");
	assert_string_equal(task(&p, 2, "redrive"), "true");
	assert_true(asl_map_started(p.run, task(&p, 2, "id"), "arn:run", 1));
	turn(&p);
	assert_true(ends_with(story(&p, 5), "ExecutionAborted ExecutionRedriven MapRunRedriven"));
	fail_task(&p, 2, "Again");
	assert_true(asl_run_redrive(p.run, NULL));
	turn(&p);
	assert_string_equal(task(&p, 3, "redrive"), "true");
	succeed(&p, 3, "[]");
	OUTPUT_IS(&p, "{\"l\":[],\"r\":[]}");
	end(&p);
}

static void test_local_asl_map__items_that_do_not_fit_the_selector(void **state)
{
	struct json *action =
		js("{'selector':{'a.$':'$$.Map.Item.Value.a','s.$':'$$.Map.Item.Source'},"
		   "'scope':{'input':{},'context':{},'variables':{}},'source':'s3://b'}");
	struct json *good = js("{'a':1}"), *bad = js("{}"), *out;
	struct err err = ERR_INIT;

	(void)state;
	out = asl_map_item(action, good, 0, &err);
	assert_string_equal(text_of(out), "{\"a\":1,\"s\":\"s3://b\"}");
	json_free(out);
	assert_null(asl_map_item(action, bad, 1, &err));
	assert_string_equal(err_name(&err), "States.Runtime");
	err_release(&err);
	json_free(action);
	json_free(good);
	json_free(bad);
}

static void test_local_asl_map__batches_by_bytes(void **state)
{
	struct json *action = js("{'batcher':{'maxBytes':40}}");
	struct json *out =
		asl_map_children(action, js("['0123456789','0123456789','0123456789',1]"));

	(void)state;
	/* {"Items":[]} and two of thirteen bytes */
	assert_string_equal(text_of(out),
		"[{\"input\":{\"Items\":[\"0123456789\",\"0123456789\"]},\"items\":2},{\"input\":{"
		"\"Items\":[\"0123456789\",1]},\"items\":2}]");
	json_free(out);
	json_free(action);
	action = js("{}");
	out = asl_map_children(action, js("[1,[2]]"));
	assert_string_equal(
		text_of(out), "[{\"input\":1,\"items\":1},{\"input\":[2],\"items\":1}]");
	json_free(out);
	json_free(action);
}
