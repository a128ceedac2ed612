#include "asl.h"

#include <string.h>
#include "quoted_json.h"

/* The diagnostics as "CODE LOCATION: MESSAGE" lines. ' stands for ". */
static const char *check(const char *text, enum asl_flavour flavour)
{
	static struct strbuf sb = STRBUF_INIT;
	struct strbuf in = STRBUF_INIT;
	struct json *found;
	const struct json *d;

	strbuf_addstr(&in, text);
	strbuf_replace(&in, "'", "\"");
	found = asl_validate(in.buf, in.len, flavour);
	strbuf_clear(&sb);
	json_each(d, found)
		strbuf_addf(&sb, "%s%s %s: %s", sb.len ? "\n" : "", json_get_str(d, "code"),
			json_get_str(d, "location") ? json_get_str(d, "location") : "-",
			json_get_str(d, "message"));
	json_free(found);
	strbuf_release(&in);
	return sb.buf;
}

/* One state, X, that ends. */
static const char *state_of(const char *members)
{
	char *text = xasprintf("{'StartAt':'X','States':{'X':{%s}}}", members);
	const char *found = check(text, ASL_STANDARD);

	free(text);
	return found;
}

static void test_asl_validate__as_aws_words_it(void **state)
{
	(void)state;
	assert_string_equal(check(" ", ASL_STANDARD),
		"SCHEMA_VALIDATION_FAILED -: Definition must be a valid JSON object");
	assert_true(starts_with(
		check("not a definition", ASL_STANDARD), "INVALID_JSON_DESCRIPTION -: "));
	assert_string_equal(check("{}", ASL_STANDARD),
		"SCHEMA_VALIDATION_FAILED /: These fields are required: [States, StartAt]");
	assert_string_equal(check("{'States':{'A':{'Type':'Pass','End':true}}}", ASL_STANDARD),
		"SCHEMA_VALIDATION_FAILED /: These fields are required: [StartAt]");
	assert_string_equal(state_of("'Type':'Nope'"),
		"SCHEMA_VALIDATION_FAILED /States/X/Type: The field 'Type' should have one of "
		"these "
		"values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]\n"
		"MISSING_END_STATE /: The workflow does not have a terminal state");
	assert_string_equal(state_of("'Type':'Pass','End':true,'_c':1"),
		"SCHEMA_VALIDATION_FAILED /States/X: Field '_c' is not supported");
	assert_string_equal(state_of("'Type':'Succeed','End':true"),
		"SCHEMA_VALIDATION_FAILED /States/X: Field 'End' is not supported");
	assert_string_equal(state_of("'Type':'Task','End':true"),
		"SCHEMA_VALIDATION_FAILED /States/X: These fields are required: [Resource]");
	assert_string_equal(state_of("'Type':'Pass','End':true,'ResultPath':'$.a[*]'"),
		"SCHEMA_VALIDATION_FAILED /States/X/ResultPath: Value is not a Reference Path");
	assert_string_equal(check("{'StartAt':'X','States':{'X':{'Type':'Task','Resource':'arn:aws:"
				  "states:::sqs:sendMessage.waitForTaskToken','End':true}}}",
				    ASL_EXPRESS),
		"SCHEMA_VALIDATION_FAILED /States/X/Resource: Express state machine does not "
		"support "
		"'.waitForTaskToken' service integration ");
}

static void test_asl_validate__transitions(void **state)
{
	struct err err = ERR_INIT;
	const char *text =
		"{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"Next\":\"B\"},"
		"\"C\":{\"Type\":\"Succeed\"}}}";

	(void)state;
	assert_null(asl_parse(text, strlen(text), ASL_STANDARD, &err));
	assert_string_equal(err_name(&err), "InvalidDefinition");
	assert_string_equal(err.text,
		"Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' "
		"target: "
		"B at /States/A/Next, MISSING_TRANSITION_TARGET: State \"C\" is not reachable. at "
		"/States/C'");
	err_release(&err);
	assert_string_equal(
		check("{'StartAt':'Z','States':{'A':{'Type':'Succeed'}}}", ASL_STANDARD),
		"MISSING_TRANSITION_TARGET /StartAt: Missing 'StartAt' target: Z");
	assert_string_equal(
		check("{'StartAt':'A','States':{'A':{'Type':'Pass','Next':'A'}}}", ASL_STANDARD),
		"MISSING_END_STATE /: The workflow does not have a terminal state");
	/* a branch sees its own states only, and names are unique all over */
	assert_string_equal(check("{'StartAt':'P','States':{'P':{'Type':'Parallel','Next':'E','"
				  "Branches':[{'StartAt':"
				  "'A','States':{'A':{'Type':'Pass','Next':'E'},'P':{'Type':'Fail'}"
				  "}}]},'E':{'Type':"
				  "'Succeed'}}}",
				    ASL_STANDARD),
		"MISSING_TRANSITION_TARGET /States/P/Branches[0]/States/A/Next: Missing 'Next' "
		"target: E\n"
		"DUPLICATE_STATE_NAME /States/P/Branches[0]/States/P: Duplicate State name: P\n"
		"MISSING_TRANSITION_TARGET /States/P/Branches[0]/States/P: State \"P\" is not "
		"reachable.");
}

#define SCHEMA_AT "SCHEMA_VALIDATION_FAILED "

static void test_asl_validate__fields(void **state)
{
	static const char *const cases[][2] = {
		{"'Type':'Pass','End':true,'Parameters':{'a.$':'nope'}", SCHEMA_AT
			"/States/X/Parameters: The value for the field 'a.$' must be a valid "
			"JSONPath or a valid intrinsic function call"},
		{"'Type':'Pass','End':true,'Parameters':{'a.$':'States.Nope()'}", SCHEMA_AT
			"/States/X/Parameters: The value for the field 'a.$' must be a valid "
			"JSONPath or a valid intrinsic function call"},
		{"'Type':'Pass','End':true,'InputPath':'x'",
			SCHEMA_AT "/States/X/InputPath: Value is not a valid JSONPath"},
		{"'Type':'Pass','End':true,'InputPath':null,'ResultPath':null", ""},
		{"'Type':'Pass','End':true,'Assign':{'1a':1}",
			SCHEMA_AT "/States/X: '1a' is not a valid variable name"},
		{"'Type':'Pass','End':true,'Parameters':{'a':'$.b'}",
			"NO_DOLLAR /States/X/Parameters: The field 'a' looks like a JSONPath or an "
			"intrinsic function, but its name does not end with '.$'"},
		{"'Type':'Pass','End':true,'Result':{'a.$':'$.b'}",
			"PASS_RESULT_IS_STATIC /States/X/Result: Using JSONPath or an intrinsic "
			"function "
			"in the field 'a.$' has no effect: the result of a Pass state is static"},
		{"'Type':'Pass','End':true,'QueryLanguage':'JSONata'", SCHEMA_AT
			"/States/X: QueryLanguage 'JSONata' is not supported by the local "
			"cloud"},
		{"'Type':'Wait','End':true",
			SCHEMA_AT "/States/X: Exactly one of these fields is required: [Seconds, "
				  "SecondsPath, Timestamp, TimestampPath]"},
		{"'Type':'Wait','End':true,'Seconds':-1",
			SCHEMA_AT "/States/X/Seconds: Expected value between 0 and 99999999"},
		{"'Type':'Wait','End':true,'Seconds':1.5",
			SCHEMA_AT "/States/X/Seconds: Expected value of type Integer"},
		{"'Type':'Wait','End':true,'Timestamp':'tomorrow'",
			SCHEMA_AT "/States/X/Timestamp: Value is not a valid timestamp"},
		{"'Type':'Task','End':true,'Resource':'glue'",
			SCHEMA_AT "/States/X/Resource: Value is not a valid resource ARN"},
		{"'Type':'Task','End':true,'Resource':'arn:aws:lambda:eu-west-1:1:function:f','"
		 "Retry':[{'ErrorEquals':['States."
		 "ALL',"
		 "'x']}]",
			SCHEMA_AT
			"/States/X/Retry[0]: 'States.ALL' must appear alone in ErrorEquals, "
			"and in the last of them"},
		{"'Type':'Task','End':true,'Resource':'arn:aws:lambda:eu-west-1:1:function:f','"
		 "Retry':[{'ErrorEquals':['x'],"
		 "'BackoffRate':0.5}]",
			SCHEMA_AT
			"/States/X/Retry[0]: BackoffRate must be a number greater than or "
			"equal to 1.0"},
		{"'Type':'Task','End':true,'Resource':'arn:aws:lambda:eu-west-1:1:function:f','"
		 "TimeoutSeconds':5,'"
		 "HeartbeatSeconds':5",
			SCHEMA_AT
			"/States/X: HeartbeatSeconds must be smaller than TimeoutSeconds"},
		{"'Type':'Fail','Error':'a','ErrorPath':'$.a'", SCHEMA_AT
			"/States/X: Only one of these fields may be there: [Error, ErrorPath]"},
		{"'Type':'Map','End':true",
			SCHEMA_AT "/States/X: These fields are required: [ItemProcessor]"},
		{"'Type':'Parallel','End':true,'Branches':[]",
			SCHEMA_AT "/States/X/Branches: Array must not be empty"},
		{"'Type':'Pass'", SCHEMA_AT
			"/States/X: One of these fields is required: [Next, End]\n"
			"MISSING_END_STATE /: The workflow does not have a terminal state"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(state_of(cases[i][0]), cases[i][1]);
	}
}

static void test_asl_validate__choice_rules(void **state)
{
	static const char *const bad[] = {"{'Variable':'$.a','Next':'Y'}",
		"{'NumericEquals':1,'Next':'Y'}",
		"{'Variable':'$.a','NumericEquals':'1','Next':'Y'}",
		"{'Variable':'$.a','NumericEqualsPath':'x','Next':'Y'}",
		"{'Variable':'$.a','IsNull':1,'Next':'Y'}",
		"{'Variable':'$.a','Nope':1,'Next':'Y'}",
		"{'Variable':'$.a','IsNull':true,'IsString':true,'Next':'Y'}",
		"{'And':[{'Variable':'$.a','IsNull':true,'Next':'Y'}],'Next':'Y'}",
		"{'And':[],'Next':'Y'}", "7"};
	char *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		text = xasprintf(
			"{'StartAt':'X','States':{'X':{'Type':'Choice','Default':'Y','Choices':"
			"[%s]},'Y':{'Type':'Succeed'}}}",
			bad[i]);
		if (!starts_with(check(text, ASL_STANDARD),
			    "SCHEMA_VALIDATION_FAILED /States/X/Choices[0]: "))
			fail_msg("%s: %s", bad[i], check(text, ASL_STANDARD));
		free(text);
	}
	assert_string_equal(check("{'StartAt':'X','States':{'X':{'Type':'Choice','Choices':[{'Not':"
				  "{'Variable':'$$.a',"
				  "'TimestampLessThan':'2026-01-01T00:00:00Z'},'Assign':{'a.$':'$."
				  "b'},'Next':'Y'}]},"
				  "'Y':{'Type':'Succeed'}}}",
				    ASL_STANDARD),
		"");
}

static void test_asl_validate__variables_of_outer_scopes(void **state)
{
	static const char *const text = "{'StartAt':'A','States':{'A':{'Type':'Pass','Assign':{'x.$"
					"':'$.x'},'Next':'P'},'P':{"
					"'Type':'Parallel','End':true,'Branches':[{'StartAt':'B','"
					"States':{'B':{'Type':'Pass',"
					"'Assign':{'%s':1,'xy':2},'End':true}}},{'StartAt':'C','"
					"States':{'C':{'Type':'Pass',"
					"'Assign':{'xy':3},'End':true}}}]}}}";
	struct strbuf sb = STRBUF_INIT;

	(void)state;
	strbuf_addstr(&sb, text);
	strbuf_replace(&sb, "%s", "x");
	assert_string_equal(check(sb.buf, ASL_STANDARD), SCHEMA_AT
		"/States/P/Branches[0]/States/B: The variable 'x' is assigned in an outer "
		"scope, too");
	strbuf_clear(&sb);
	strbuf_addstr(&sb, text);
	strbuf_replace(&sb, "%s", "y");
	assert_string_equal(check(sb.buf, ASL_STANDARD), "");
	strbuf_release(&sb);
}

static void test_asl_validate__resources(void **state)
{
	static const struct {
		const char *resource;
		bool standard, express;
	} cases[] = {
		{"arn:aws:states:::glue:startJobRun", true, true},
		{"arn:aws:states:::glue:startJobRun.sync", true, false},
		{"arn:aws:states:::glue:startJobRun.sync:2", false, false},
		{"arn:aws:states:::glue:startCrawler", false, false},
		{"arn:aws:states:::states:startExecution.sync:2", true, false},
		{"arn:aws:states:::sqs:sendMessage.waitForTaskToken", true, false},
		{"arn:aws:states:::sqs:sendMessage.sync", false, false},
		{"arn:aws-cn:states:::aws-sdk:glue:startCrawler", true, true},
		{"arn:aws:states:::aws-sdk:glue:startCrawler.sync", false, false},
		{"arn:aws:states:::aws-sdk:glue:StartCrawler", false, false},
		{"arn:aws:states:::aws-sdk:glue", false, false},
		{"arn:aws:states:::nosuch:thing", false, false},
		{"arn:aws:states:eu-west-1:111122223333:activity:a", true, false},
		{"arn:aws:lambda:eu-west-1:111122223333:function:f", true, true},
	};
	char *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text = xasprintf("{'StartAt':'X','States':{'X':{'Type':'Task','End':true,'Resource'"
				 ":'%s'}}}",
			cases[i].resource);
		if (!*check(text, ASL_STANDARD) != cases[i].standard ||
			!*check(text, ASL_EXPRESS) != cases[i].express)
			fail_msg("%s: %s", cases[i].resource, check(text, ASL_STANDARD));
		free(text);
	}
	assert_string_equal(state_of("'Type':'Task','End':true,'Resource':"
				     "'arn:aws:states:::glue:startJobRun.sync:2'"),
		SCHEMA_AT "/States/X/Resource: The resource provided "
			  "arn:aws:states:::glue:startJobRun.sync:2 is not recognized. The value "
			  "is not a valid resource ARN, or the resource is not available in this "
			  "region.");
}

#define DISTRIBUTED(more, config)                                                          \
	"'Type':'Map','End':true," more "'ItemProcessor':{'ProcessorConfig':{" config "}," \
	"'StartAt':'I','States':{'I':{'Type':'Succeed'}}}"
#define STANDARD "'Mode':'DISTRIBUTED','ExecutionType':'STANDARD'"
#define READER(resource, config)                                                             \
	"'ItemReader':{'Resource':'arn:aws:states:::s3:" resource "','Parameters':{'Bucket'" \
	":'b','Key.$':'$.k'},'ReaderConfig':{" config "}},"

static void test_asl_validate__distributed_maps(void **state)
{
	static const char *const good[] = {
		DISTRIBUTED("", STANDARD),
		DISTRIBUTED("'Label':'L','ToleratedFailurePercentage':2.5,", STANDARD),
		DISTRIBUTED(READER("listObjectsV2", "'MaxItems':5"), STANDARD),
		DISTRIBUTED(
			READER("getObject", "'InputType':'JSONL','MaxItemsPath':'$.n'"), STANDARD),
		DISTRIBUTED(READER("getObject", "'InputType':'CSV','CSVHeaderLocation':'GIVEN',"
						"'CSVHeaders':['a'],'CSVDelimiter':'PIPE'"),
			STANDARD),
		DISTRIBUTED("'ItemBatcher':{'MaxInputBytesPerBatchPath':'$.b'},"
			    "'ResultWriter':{'Resource':'arn:aws:states:::s3:putObject',"
			    "'Parameters':{'Bucket':'b','Prefix':'p'},'WriterConfig':"
			    "{'OutputType':'JSONL','Transformation':'FLATTEN'}},",
			STANDARD),
	};
	static const char *const bad[] = {
		DISTRIBUTED("", "'Mode':'DISTRIBUTED'"),
		DISTRIBUTED("", "'Mode':'SPREAD'"),
		DISTRIBUTED("", STANDARD ",'X':1"),
		DISTRIBUTED("", "'Mode':'INLINE','ExecutionType':'STANDARD'"),
		DISTRIBUTED("'Label':'a b',", STANDARD),
		DISTRIBUTED("'Label':'L',", "'Mode':'INLINE'"),
		DISTRIBUTED("'ToleratedFailurePercentage':101,", STANDARD),
		DISTRIBUTED(READER("listObjectsV2", ""), "'Mode':'INLINE'"),
		DISTRIBUTED(READER("putObject", ""), STANDARD),
		DISTRIBUTED(READER("getObject", ""), STANDARD),
		DISTRIBUTED(READER("getObject", "'InputType':'CSV'"), STANDARD),
		DISTRIBUTED(READER("getObject", "'InputType':'CSV','CSVHeaderLocation':'GIVEN'"),
			STANDARD),
		DISTRIBUTED(READER("getObject", "'InputType':'JSON','MaxItems':0"), STANDARD),
		DISTRIBUTED(READER("getObject", "'InputType':'JSON','MaxItems':1,"
						"'MaxItemsPath':'$.n'"),
			STANDARD),
		DISTRIBUTED("'ItemBatcher':{},", STANDARD),
		DISTRIBUTED("'ResultWriter':{},", STANDARD),
		DISTRIBUTED(
			"'ResultWriter':{'Resource':'arn:aws:states:::s3:putObject'},", STANDARD),
		DISTRIBUTED("'ResultWriter':{'WriterConfig':{'OutputType':'CSV'}},", STANDARD),
	};
	static const char *const express =
		"{'StartAt':'M','States':{'M':{'Type':'Map','End':true,'ItemProcessor':{"
		"'ProcessorConfig':{'Mode':'DISTRIBUTED','ExecutionType':'EXPRESS'},'StartAt':'I',"
		"'States':{'I':{'Type':'Task','Resource':'arn:aws:states:::glue:startJobRun.sync',"
		"'End':true}}}}}}";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_string_equal(state_of(good[i]), "");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (!*state_of(bad[i]))
			fail_msg("%s", bad[i]);
	}
	/* the children's flavour is their own */
	assert_string_equal(check(express, ASL_STANDARD), SCHEMA_AT
		"/States/M/ItemProcessor/States/I/Resource: Express state machine does not "
		"support '.sync' service integration ");
	assert_non_null(strstr(check(express, ASL_EXPRESS),
		"Express state machine does not support Map state in mode 'DISTRIBUTED'"));
}

static void test_asl_validate__paths_where_texts_are_meant(void **state)
{
	(void)state;
	assert_string_equal(state_of("'Type':'Fail','Cause':'$.why'"),
		"NO_PATH /States/X: The value of the field 'Cause' looks like a path, but the "
		"field's name does not end with 'Path'");
	assert_string_equal(
		check("{'StartAt':'X','States':{'X':{'Type':'Choice','Choices':[{'Variable':'$.a',"
		      "'StringEquals':'$.b','Next':'Y'}]},'Y':{'Type':'Succeed'}}}",
			ASL_STANDARD),
		"NO_PATH /States/X/Choices[0]: The value of the field 'StringEquals' looks like a "
		"path, but the field's name does not end with 'Path'");
}

static void test_asl_validate__placeholders(void **state)
{
	struct json *def = js("{'StartAt':'X','States':{'X':{'Type':'Task','Resource':'${F}',"
			      "'TimeoutSeconds':'${T}','Parameters':{'a.$':'${P}'},'End':true}}}");
	struct json *found = asl_validate_template(def, ASL_STANDARD);

	(void)state;
	assert_int_equal(json_len(found), 0);
	json_free(found);
	json_free(def);
}

static void test_asl_validate__where_a_language_is_named(void **state)
{
	static const struct {
		const char *text;
		bool jsonata;
	} cases[] = {
		{"{'QueryLanguage':'JSONata'}", true},
		{"{'QueryLanguage':'JSONPath'}", false},
		{"{'States':{'A':{'QueryLanguage':'JSONata'}}}", true},
		{"{'States':{'A':{'Branches':[{'States':{'B':{'QueryLanguage':'JSONata'}}}]}}}",
			true},
		{"{'States':{'A':{'Iterator':{'States':{'B':{'QueryLanguage':'JSONata'}}}}}}",
			true},
		/* what a task is given is its own matter */
		{"{'States':{'A':{'Parameters':{'QueryLanguage':'JSONata'}}}}", false},
		{"[]", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *def = js(cases[i].text);

		if (asl_uses_jsonata(def) != cases[i].jsonata)
			fail_msg("%s", cases[i].text);
		json_free(def);
	}
}
