#include "testing.h"
#include "cloud_script.h"
#include "calls.h"
#include "stack.h"
#include "template.h"
#include "types_internal.h"

#define CRAWLER_PROPS                                                                           \
	"{'Role':'R','DatabaseName':'Etl_Db','Schedule':{'ScheduleExpression':'cron(0 1 * * ? " \
	"*)'},"                                                                                 \
	"'Configuration':{'Version':1.0,'Grouping':{'TableGroupingPolicy':"                     \
	"'CombineCompatibleSchemas'}},'Targets':{'S3Targets':[{'Path':'s3://b/'}]}}"

static const char cannot_assume[] =
	"{\"__type\":\"InvalidInputException\",\"Message\":\"Service is unable to assume provided "
	"role. Please verify role's TrustPolicy\"}";
#define ROLE_REPLY(service)                                                                       \
	"<GetRoleResponse><GetRoleResult><Role><RoleName>R</RoleName>"                            \
	"<CreateDate>2027-01-15T08:00:00Z</CreateDate><AssumeRolePolicyDocument>%7B%22Service%22" \
	"%3A%22" service                                                                          \
	"%22%7D</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>"

/* A new role: asked again until Glue sees it. */
static void test_glue__crawler_waits_for_role(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	int64_t begin = c.now_ms;
	subject_begin(&s, &glue_crawler.type, "crawler_raw", CRAWLER_PROPS);
	cloud_expect(&c, "CreateCrawler", 400, cannot_assume);
	cloud_expect(&c, "GetRole", 200, ROLE_REPLY("glue.amazonaws.com"));
	cloud_expect(&c, "CreateCrawler", 400, cannot_assume);
	cloud_expect(&c, "CreateCrawler", 200, "{}");
	assert_ok(glue_crawler.type.create(&c.ctx, &s.r, &err), &err);
	assert_true(c.now_ms - begin >= 1000 && c.now_ms - begin < 3000);
	const struct json *sent = json_at(c.sent, 0);
	assert_string_equal(json_get_str(sent, "Schedule"), "cron(0 1 * * ? *)");
	assert_string_equal(json_get_str(sent, "DatabaseName"), "etl_db");
	assert_string_equal(json_get_str(sent, "Configuration"),
		"{\"Version\":1.0,\"Grouping\":{\"TableGroupingPolicy\":"
		"\"CombineCompatibleSchemas\"}}");
	subject_end(&s);
	cloud_end(&c);
}

/* A role that is missing for good: not for long, and the error says so. */
static void test_glue__crawler_says_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *reply, *hint;
	} cases[] = {
		{404,
			"<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>x</Message></"
			"Error>"
			"</ErrorResponse>",
			"does not exist"},
		{200, ROLE_REPLY("ec2.amazonaws.com"), "lacks glue.amazonaws.com"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cloud c;
		struct subject s;
		struct err err = ERR_INIT;
		cloud_begin(&c);
		int64_t begin = c.now_ms;
		subject_begin(&s, &glue_crawler.type, "crawler_raw", CRAWLER_PROPS);
		cloud_expect(&c, "CreateCrawler", 400, cannot_assume);
		cloud_expect(&c, "GetRole", cases[i].status, cases[i].reply);
		for (int n = 0; n < 16; n++)
			cloud_expect(&c, "CreateCrawler", 400, cannot_assume);
		cloud_expect(&c, "GetRole", cases[i].status, cases[i].reply);
		assert_int_equal(glue_crawler.type.create(&c.ctx, &s.r, &err), -1);
		assert_true(c.now_ms - begin <= 17 * 1000);
		assert_string_equal(err.aws_code, "InvalidInputException");
		assert_non_null(strstr(err.hint, cases[i].hint));
		err_release(&err);
		subject_end(&s);
		cloud_end(&c);
	}
}

static void test_glue__denied_is_no_propagation(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_crawler.type, "crawler_raw", CRAWLER_PROPS);
	cloud_expect(&c, "CreateCrawler", 400,
		"{\"__type\":\"AccessDeniedException\",\"Message\":\"User: arn is not authorized "
		"to "
		"perform: glue:CreateCrawler\"}");
	assert_int_equal(glue_crawler.type.create(&c.ctx, &s.r, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	err_release(&err);
	subject_end(&s);
	cloud_end(&c);
}

/* What is gone from the template goes back to its default; what stays is not sent. */
static void test_glue__crawler_update(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_crawler.type, "cr",
		"{'Role':'arn:aws:iam::123456789012:role/R','TablePrefix':'p_',"
		"'Targets':{'S3Targets':[{'Path':'s3://b/'}]}}");
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS "}"),
		.props = js("{'Role':'R','TablePrefix':'q_','Targets':{'S3Targets':[{'Path':"
			    "'s3://b/','Exclusions':[]}],'JdbcTargets':[]},'Description':'old',"
			    "'Schedule':{'ScheduleExpression':'cron(0 1 * * ? *)'},"
			    "'SchemaChangePolicy':{'UpdateBehavior':'UPDATE_IN_DATABASE',"
			    "'DeleteBehavior':'DEPRECATE_IN_DATABASE'},"
			    "'RecrawlPolicy':{'RecrawlBehavior':'CRAWL_EVERYTHING'}}")};
	cloud_expect(&c, "UpdateCrawler", 200, "{}");
	assert_ok(glue_crawler.type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_sent(&c, 0, "{'Name':'cr','TablePrefix':'p_','Description':'','Schedule':''}");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

static void test_glue__crawler_stops(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_crawler.type, "cr", NULL);
	cloud_expect(&c, "GetCrawler", 200, "{\"Crawler\":{\"State\":\"RUNNING\"}}");
	cloud_expect(&c, "StopCrawler", 400,
		"{\"__type\":\"CrawlerStoppingException\",\"Message\":\"x\"}");
	cloud_expect(&c, "GetCrawler", 200, "{\"Crawler\":{\"State\":\"STOPPING\"}}");
	cloud_expect(&c, "GetCrawler", 200, "{\"Crawler\":{\"State\":\"READY\"}}");
	assert_ok(glue_crawler.type.quiesce(&c.ctx, &s.r, true, NULL, &err), &err);
	subject_end(&s);
	cloud_end(&c);
}

/* Only tables with this crawler's mark that are no older than it. */
static void test_glue__crawler_sweep(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct json *gone = json_array();
	cloud_begin(&c);
	subject_begin(&s, &glue_crawler.type, "cr", NULL);
	cloud_expect(&c, "GetCrawler", 200,
		"{\"Crawler\":{\"Name\":\"cr\",\"DatabaseName\":\"db\",\"CreationTime\":1000.5}}");
	cloud_expect(&c, "GetTables", 200,
		"{\"TableList\":["
		"{\"Name\":\"ours\",\"CreateTime\":1001,\"Parameters\":{\"UPDATED_BY_CRAWLER\":"
		"\"cr\"}},"
		"{\"Name\":\"older\",\"CreateTime\":999,\"Parameters\":{\"UPDATED_BY_CRAWLER\":"
		"\"cr\"}},"
		"{\"Name\":\"other\",\"CreateTime\":1001,\"Parameters\":{\"UPDATED_BY_CRAWLER\":"
		"\"x\"}},"
		"{\"Name\":\"manual\",\"CreateTime\":1001}]}");
	cloud_expect(&c, "BatchDeleteTable", 200,
		"{\"Errors\":[{\"TableName\":\"ours\",\"ErrorDetail\":{\"ErrorCode\":"
		"\"EntityNotFoundException\"}}]}");
	cloud_expect(&c, "DescribeLogStreams", 200,
		"{\"logStreams\":[{\"logStreamName\":\"cr\"},{\"logStreamName\":\"cr2\"}]}");
	cloud_expect(&c, "DeleteLogStream", 200, "");
	assert_ok(glue_crawler.type.sweep(&c.ctx, &s.r, gone, &err), &err);
	assert_sent(&c, 2, "{'DatabaseName':'db','TablesToDelete':['ours']}");
	assert_sent(&c, 4, "{'logGroupName':'/aws-glue/crawlers','logStreamName':'cr'}");
	assert_json(gone, "[{'type':'AWS::Glue::Table','physical_id':'db.ours'},"
			  "{'type':'AWS::Logs::LogStream','physical_id':'/aws-glue/crawlers:cr'}]");
	subject_end(&s);
	cloud_end(&c);
}

static void test_glue__job_stops_runs(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct strbuf runs = STRBUF_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_job.type, "j", NULL);
	strbuf_addstr(&runs, "{\"JobRuns\":[{\"Id\":\"done\",\"JobRunState\":\"SUCCEEDED\"}");
	for (int i = 0; i < 30; i++)
		strbuf_addf(&runs, ",{\"Id\":\"jr_%d\",\"JobRunState\":\"RUNNING\"}", i);
	strbuf_addstr(&runs, "]}");
	cloud_expect(&c, "GetJobRuns", 200, runs.buf);
	cloud_expect(&c, "BatchStopJobRun", 200, "{}");
	cloud_expect(&c, "BatchStopJobRun", 200, "{}");
	cloud_expect(&c, "GetJobRuns", 200, "{\"JobRuns\":[]}");
	assert_ok(glue_job.type.quiesce(&c.ctx, &s.r, true, NULL, &err), &err);
	assert_int_equal(json_len(json_get(json_at(c.sent, 1), "JobRunIds")), 25);
	assert_int_equal(json_len(json_get(json_at(c.sent, 2), "JobRunIds")), 5);
	strbuf_release(&runs);
	subject_end(&s);
	cloud_end(&c);
}

/* --- triggers --- */

#define TRIGGER(state) \
	"{\"Trigger\":{\"Name\":\"t\",\"Type\":\"CONDITIONAL\",\"State\":\"" state "\"}}"

static void test_glue__on_demand_never_starts(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct json *resume = js("{'active':true}");
	cloud_begin(&c);
	subject_begin(&s, &glue_trigger.type, "t",
		"{'Type':'ON_DEMAND','StartOnCreation':true,'WorkflowName':'w',"
		"'Actions':[{'JobName':'j'}]}");
	cloud_expect(&c, "CreateTrigger", 200, "{}");
	assert_ok(glue_trigger.type.create(&c.ctx, &s.r, &err), &err);
	assert_null(json_get(json_at(c.sent, 0), "StartOnCreation"));
	assert_ok(glue_trigger.type.resume(&c.ctx, &s.r, resume, &err), &err);
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS "}"),
		.props = js("{'Type':'ON_DEMAND','WorkflowName':'w','Actions':[{'JobName':'k'}]}")};
	cloud_expect(&c, "UpdateTrigger", 200, "{}");
	assert_ok(glue_trigger.type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_sent(&c, 1, "{'Name':'t','TriggerUpdate':{'Actions':[{'JobName':'j'}]}}");
	char *serial = glue_trigger.type.serial(&s.r);
	assert_string_equal(serial, "workflow/w");
	free(serial);
	json_free(resume);
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

static void test_glue__trigger_stop_update_restore(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct json *resume = NULL;
	cloud_begin(&c);
	subject_begin(&s, &glue_trigger.type, "t",
		"{'Type':'CONDITIONAL','Actions':[{'JobName':'j'}],'Description':'new'}");
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS "}"),
		.props = js("{'Type':'CONDITIONAL','Actions':[{'JobName':'j'}],"
			    "'StartOnCreation':true}")};
	cloud_expect(&c, "GetTrigger", 200, TRIGGER("ACTIVATED"));
	cloud_expect(&c, "StopTrigger", 200, "{}");
	cloud_expect(&c, "GetTrigger", 200, TRIGGER("DEACTIVATING"));
	cloud_expect(&c, "GetTrigger", 200, TRIGGER("DEACTIVATED"));
	assert_ok(glue_trigger.type.quiesce(&c.ctx, &s.r, false, &resume, &err), &err);
	assert_non_null(resume);
	cloud_expect(&c, "GetTrigger", 200, TRIGGER("DEACTIVATED"));
	cloud_expect(&c, "UpdateTrigger", 400,
		"{\"__type\":\"ConcurrentModificationException\",\"Message\":\"x\"}");
	cloud_expect(&c, "UpdateTrigger", 200, "{}");
	assert_ok(glue_trigger.type.update(&c.ctx, &s.r, &live, &err), &err);
	cloud_expect(&c, "GetTrigger", 200, TRIGGER("UPDATING"));
	cloud_expect(&c, "GetTrigger", 200, TRIGGER("DEACTIVATED"));
	cloud_expect(&c, "StartTrigger", 200, "{}");
	cloud_expect(&c, "GetTrigger", 200, TRIGGER("ACTIVATED"));
	assert_ok(glue_trigger.type.resume(&c.ctx, &s.r, resume, &err), &err);
	json_free(resume);
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

/* StartOnCreation is what every deploy leaves behind: a trigger in another activation has no digest of ours. */
static void test_glue__trigger_activation_counts(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct resource_state live = RESOURCE_STATE_INIT;
	static const char tags[] = "{\"Tags\":{\"glueproj:digest\":\"v1:d\"}}";
	cloud_begin(&c);
	subject_begin(&s, &glue_trigger.type, "t", "{'Type':'CONDITIONAL','StartOnCreation':true}");
	cloud_expect(&c, "GetTrigger", 200, TRIGGER("DEACTIVATED"));
	cloud_expect(&c, "GetTags", 200, tags);
	assert_ok(glue_trigger.type.read(&c.ctx, &s.r, READ_TAGS, &live, &err), &err);
	assert_string_not_equal(json_get_str(live.tags, TAG_DIGEST), "v1:d");
	resource_state_release(&live);
	cloud_expect(&c, "GetTrigger", 200, TRIGGER("ACTIVATED"));
	cloud_expect(&c, "GetTags", 200, tags);
	assert_ok(glue_trigger.type.read(&c.ctx, &s.r, READ_TAGS, &live, &err), &err);
	assert_string_equal(json_get_str(live.tags, TAG_DIGEST), "v1:d");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

static void test_glue__trigger_goes_slowly(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_trigger.type, "t", NULL);
	for (int i = 0; i < 40; i++)
		cloud_expect(&c, "GetTrigger", 200, TRIGGER("DELETING"));
	cloud_expect(&c, "GetTrigger", 400,
		"{\"__type\":\"EntityNotFoundException\",\"Message\":\"x\"}");
	assert_ok(glue_trigger.type.settle(&c.ctx, &s.r, true, &err), &err);
	subject_end(&s);
	cloud_end(&c);
}

/* --- checks --- */

static size_t nr_lint(const struct type_schema *schema, const char *props, const char *text)
{
	static const char source[] = "Resources: {R: {Type: 'AWS::Glue::Trigger', Properties: {}}}";
	struct err_list errors = ERR_LIST_INIT, found = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
	struct template *t = template_parse(
		"t.yaml", source, strlen(source), resource_schemas(), &errors, &warnings);
	assert_non_null(t);
	struct stack stack = {.template = t, .secrets = STRVEC_INIT};
	const struct stack_resource r = {
		.template = &t->resources[0], .schema = schema, .stack = &stack};
	const struct lint_place place = {&r};
	struct json *p = js(props);
	schema->check(p, &place, &found);
	size_t nr = found.nr;
	if (nr && text && !strstr(found.v[0].text, text))
		fail_msg("'%s' instead of '%s'", found.v[0].text, text);
	json_free(p);
	template_free(t);
	err_list_release(&found);
	err_list_release(&errors);
	err_list_release(&warnings);
	return nr;
}

static void test_glue__trigger_checks(void **state)
{
	(void)state;
	static const struct {
		const char *props, *error; /* NULL: fine */
	} cases[] = {
		{"{'Type':'ON_DEMAND','Actions':[{'JobName':'a'}]}", NULL},
		{"{'Type':'CONDITIONAL','Actions':[{'JobName':'a'},{'CrawlerName':'c'}],'Predicate'"
		 ":"
		 "{'Conditions':[{'JobName':'b','State':'SUCCEEDED','LogicalOperator':'EQUALS'}]}}",
			NULL},
		{"{'Type':{'unknown':true},'Actions':{'unknown':true},'Predicate':{'unknown':true}"
		 "}",
			NULL},
		{"{'Type':'CONDITIONAL','Actions':[{'JobName':'a'}]}", "needs Predicate"},
		{"{'Type':'SCHEDULED','Actions':[{'JobName':'a'}]}", "needs Schedule"},
		{"{'Type':'SCHEDULED','Schedule':'cron(x)','Actions':[{'JobName':'a'}]}",
			"six fields"},
		{"{'Type':'ON_DEMAND','Schedule':'cron(0 1 * * ? *)','Actions':[{'JobName':'a'}]}",
			"takes no Schedule"},
		{"{'Type':'CONDITIONAL','Actions':[{'JobName':'a'}],'Predicate':"
		 "{'Conditions':[{'JobName':'b','State':'SUCCEEDED'}]}}",
			"LogicalOperator"},
		{"{'Type':'CONDITIONAL','Actions':[{'JobName':'a'}],'Predicate':"
		 "{'Conditions':[{'CrawlerName':'b','State':'SUCCEEDED','LogicalOperator':'EQUALS'}"
		 "]}}",
			"CrawlState"},
		{"{'Type':'CONDITIONAL','Actions':[{'JobName':'a'}],'Predicate':"
		 "{'Conditions':[{'JobName':'a','State':'SUCCEEDED','LogicalOperator':'EQUALS'}]}}",
			"both in the predicate and in the actions"},
		{"{'Type':'ON_DEMAND','Actions':[{'CrawlerName':'a'},{'CrawlerName':'b'},"
		 "{'CrawlerName':'c'}]}",
			"at most 2 crawlers"},
		{"{'Type':'ON_DEMAND','Actions':[]}", "at least one action"},
		{"{'Type':'EVENT','Actions':[{'JobName':'a'}]}", "needs WorkflowName"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (nr_lint(&glue_trigger.type.schema, cases[i].props, cases[i].error) !=
			(cases[i].error ? 1 : 0))
			fail_msg("case %zu: %s", i, cases[i].props);
}

static void test_glue__job_checks(void **state)
{
	(void)state;
#define COMMAND "'Command':{'Name':'glueetl','ScriptLocation':'s3://b/x.py'}"
	static const struct {
		const char *props, *error;
	} cases[] = {
		{"{" COMMAND ",'MaxCapacity':2}", NULL},
		{"{" COMMAND ",'WorkerType':'G.1X','NumberOfWorkers':2}", NULL},
		{"{" COMMAND ",'WorkerType':'G.1X','NumberOfWorkers':2,'MaxCapacity':2}",
			"exclude each other"},
		{"{" COMMAND ",'WorkerType':'G.1X'}", "needs NumberOfWorkers"},
		{"{'Command':{'Name':'pythonshell','ScriptLocation':'s3://b/"
		 "x.py'},'MaxCapacity':2}",
			"0.0625 or 1"},
		{"{'Command':{'Name':'pythonshell','ScriptLocation':'s3://b/x.py'},"
		 "'MaxCapacity':0.0625}",
			NULL},
		{"{'Command':{'Name':'glueetl'}}", "ScriptLocation"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (nr_lint(&glue_job.type.schema, cases[i].props, cases[i].error) !=
			(cases[i].error ? 1 : 0))
			fail_msg("case %zu: %s", i, cases[i].props);
}
