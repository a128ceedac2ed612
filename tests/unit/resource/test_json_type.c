#include "testing.h"
#include "cloud_script.h"
#include "types_internal.h"

#define JOB_PROPS                                                                              \
	"{'Name':'clean','Role':'arn:aws:iam::123456789012:role/R','GlueVersion':3.0,"         \
	"'Command':{'Name':'pythonshell','PythonVersion':3.9,'ScriptLocation':'s3://b/c.py'}," \
	"'MaxCapacity':'1','MaxRetries':'0','DefaultArguments':{'--n':1},'Tags':{'a':'b'}}"

static void test_json_type__create(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_job.type, "clean", JOB_PROPS);
	cloud_expect(&c, "CreateJob", 200, "{\"Name\":\"clean\"}");
	assert_ok(glue_job.type.create(&c.ctx, &s.r, &err), &err);
	assert_sent(&c, 0,
		"{'Name':'clean','Role':'arn:aws:iam::123456789012:role/R','GlueVersion':'3.0',"
		"'Command':{'Name':'pythonshell','PythonVersion':'3.9','ScriptLocation':"
		"'s3://b/c.py'},'MaxCapacity':1,'MaxRetries':0,'DefaultArguments':{'--n':'1'},"
		"'Tags':{'a':'b','glueproj:digest':'v1:d'," OWNER_TAGS "}}");
	subject_end(&s);
	cloud_end(&c);
}

static void test_json_type__read(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct resource_state live = RESOURCE_STATE_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_job.type, "clean", JOB_PROPS);
	cloud_expect(&c, "GetJob", 200,
		"{\"Job\":{\"Name\":\"clean\",\"Role\":\"R\",\"MaxCapacity\":1.0,\"Timeout\":2880,"
		"\"AllocatedCapacity\":1}}");
	cloud_expect(&c, "GetTags", 200,
		"{\"Tags\":{\"a\":\"b\",\"glueproj:project\":\"lake\",\"aws:x\":\"y\"}}");
	assert_ok(glue_job.type.read(&c.ctx, &s.r, READ_FULL, &live, &err), &err);
	assert_true(live.exists);
	assert_sent(&c, 0, "{'JobName':'clean'}");
	assert_sent(&c, 1, "{'ResourceArn':'arn:aws:glue:eu-west-1:123456789012:job/clean'}");
	assert_json(json_copy(live.props),
		"{'Name':'clean','Role':'R','MaxCapacity':1.0,'Timeout':2880,"
		"'AllocatedCapacity':1,'Tags':{'a':'b'}}");
	resource_state_release(&live);
	cloud_expect(
		&c, "GetJob", 400, "{\"__type\":\"EntityNotFoundException\",\"Message\":\"no\"}");
	assert_ok(glue_job.type.read(&c.ctx, &s.r, READ_TAGS, &live, &err), &err);
	assert_false(live.exists);
	subject_end(&s);
	cloud_end(&c);
}

/* UpdateJob overwrites: one changed member sends the whole definition, without what AWS has computed. */
static void test_json_type__update_whole(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_job.type, "clean",
		"{'Role':'R','Command':{'Name':'glueetl','ScriptLocation':'s3://b/c.py'},"
		"'WorkerType':'G.1X','NumberOfWorkers':2}");
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS ",'old':'1'}"),
		.props = js("{'Role':'R','Command':{'Name':'glueetl','ScriptLocation':'s3://b/"
			    "c.py'},'WorkerType':'G.1X','NumberOfWorkers':3,'MaxCapacity':3}")};
	cloud_expect(&c, "UpdateJob", 200, "{}");
	cloud_expect(&c, "UntagResource", 200, "{}");
	assert_ok(glue_job.type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_sent(&c, 0,
		"{'JobName':'clean','JobUpdate':{'Role':'R','Command':{'Name':'glueetl',"
		"'ScriptLocation':'s3://b/c.py'},'WorkerType':'G.1X','NumberOfWorkers':2}}");
	assert_sent(&c, 1,
		"{'ResourceArn':'arn:aws:glue:eu-west-1:123456789012:job/clean',"
		"'TagsToRemove':['old']}");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

static void test_json_type__update_only_tags(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_workflow.type, "w", "{'Description':'d','Tags':{'a':'2'}}");
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS ",'a':'1'}"),
		.props = js("{'Description':'d','Tags':{'a':'1'}}")};
	cloud_expect(&c, "TagResource", 200, "{}");
	assert_ok(glue_workflow.type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_sent(&c, 0,
		"{'ResourceArn':'arn:aws:glue:eu-west-1:123456789012:workflow/w',"
		"'TagsToAdd':{'a':'2'}}");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

/* It exists, and its tags say that an earlier run of ours made it: completed. With anybody else's: EXISTS. */
static void test_json_type__create_again(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	static const char there[] = "{\"__type\":\"AlreadyExistsException\",\"Message\":\"x\"}";
	cloud_begin(&c);
	subject_begin(&s, &glue_workflow.type, "w", "{'Description':'new'}");
	cloud_expect(&c, "CreateWorkflow", 400, there);
	cloud_expect(
		&c, "GetWorkflow", 200, "{\"Workflow\":{\"Name\":\"w\",\"Description\":\"old\"}}");
	cloud_expect(&c, "GetTags", 200,
		"{\"Tags\":{\"glueproj:project\":\"lake\",\"glueproj:stack\":\"s\","
		"\"glueproj:logical-id\":\"R\"}}");
	cloud_expect(&c, "UpdateWorkflow", 200, "{}");
	cloud_expect(&c, "TagResource", 200, "{}");
	assert_ok(glue_workflow.type.create(&c.ctx, &s.r, &err), &err);
	assert_sent(&c, 3, "{'Name':'w','Description':'new'}");
	assert_sent(&c, 4,
		"{'ResourceArn':'arn:aws:glue:eu-west-1:123456789012:workflow/w',"
		"'TagsToAdd':{'glueproj:digest':'v1:d'}}");
	cloud_expect(&c, "CreateWorkflow", 400, there);
	cloud_expect(&c, "GetWorkflow", 200, "{\"Workflow\":{\"Name\":\"w\"}}");
	cloud_expect(&c, "GetTags", 200, "{\"Tags\":{\"glueproj:project\":\"other\"}}");
	assert_int_equal(glue_workflow.type.create(&c.ctx, &s.r, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	err_release(&err);
	subject_end(&s);
	cloud_end(&c);
}

static void test_json_type__destroy_missing(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_database.type, "db", NULL);
	cloud_expect(&c, "DeleteDatabase", 400,
		"{\"__type\":\"com.amazonaws.glue#EntityNotFoundException\",\"Message\":\"x\"}");
	assert_ok(glue_database.type.destroy(&c.ctx, &s.r, &err), &err);
	cloud_expect(&c, "DeleteDatabase", 400,
		"{\"__type\":\"AccessDeniedException\",\"Message\":\"Insufficient Lake Formation "
		"permission(s): Required Drop on db\"}");
	assert_int_equal(glue_database.type.destroy(&c.ctx, &s.r, &err), -1);
	assert_non_null(strstr(err.hint, "grant DROP"));
	err_release(&err);
	subject_end(&s);
	cloud_end(&c);
}

static void test_json_type__database_update_keeps(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &glue_database.type, "db",
		"{'CatalogId':'123456789012','DatabaseInput':{'Description':'new'}}");
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS "}"),
		.props = js("{'CatalogId':'123456789012','DatabaseInput':{'Name':'db',"
			    "'Description':'old','CreateTableDefaultPermissions':"
			    "[{'Permissions':['ALL']}]}}")};
	cloud_expect(&c, "UpdateDatabase", 200, "{}");
	assert_ok(glue_database.type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_sent(&c, 0,
		"{'CatalogId':'123456789012','Name':'db','DatabaseInput':{'Name':'db',"
		"'Description':'new','CreateTableDefaultPermissions':[{'Permissions':['ALL']}]}}");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

/* --- Athena: no code for "missing", other names in updates, DISABLED in a second call --- */

static void test_json_type__workgroup(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct resource_state live = RESOURCE_STATE_INIT;
	cloud_begin(&c);
	subject_begin(&s, &athena_workgroup.type, "g", "{'Name':'g','State':'DISABLED'}");
	cloud_expect(&c, "GetWorkGroup", 400,
		"{\"__type\":\"InvalidRequestException\",\"Message\":\"WorkGroup g is not "
		"found.\"}");
	assert_ok(athena_workgroup.type.read(&c.ctx, &s.r, READ_TAGS, &live, &err), &err);
	assert_false(live.exists);
	cloud_expect(&c, "CreateWorkGroup", 200, "{}");
	cloud_expect(&c, "UpdateWorkGroup", 200, "{}");
	cloud_expect(&c, "TagResource", 200, "{}");
	assert_ok(athena_workgroup.type.create(&c.ctx, &s.r, &err), &err);
	assert_null(json_get(json_at(c.sent, 1), "State"));
	assert_null(strstr(c.bodies.v[1], "digest"));
	assert_sent(&c, 2, "{'WorkGroup':'g','State':'DISABLED'}");
	assert_sent(&c, 3,
		"{'ResourceARN':'arn:aws:athena:eu-west-1:123456789012:workgroup/g',"
		"'Tags':[{'Key':'glueproj:digest','Value':'v1:d'}]}");
	cloud_expect(&c, "DeleteWorkGroup", 200, "{}");
	assert_ok(athena_workgroup.type.destroy(&c.ctx, &s.r, &err), &err);
	assert_sent(&c, 4, "{'WorkGroup':'g','RecursiveDeleteOption':true}");
	subject_end(&s);
	cloud_end(&c);
}

static void test_json_type__workgroup_update(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &athena_workgroup.type, "g",
		"{'WorkGroupConfiguration':{'ResultConfiguration':{'OutputLocation':'s3://n/'}}}");
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS "}"),
		.props = js("{'State':'ENABLED','WorkGroupConfiguration':{"
			    "'EnforceWorkGroupConfiguration':true,'BytesScannedCutoffPerQuery':"
			    "10000000,'ResultConfiguration':{'OutputLocation':'s3://o/',"
			    "'ExpectedBucketOwner':'1'}}}")};
	cloud_expect(&c, "UpdateWorkGroup", 200, "{}");
	assert_ok(athena_workgroup.type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_sent(&c, 0,
		"{'WorkGroup':'g','ConfigurationUpdates':{"
		"'RemoveBytesScannedCutoffPerQuery':true,'ResultConfigurationUpdates':{"
		"'OutputLocation':'s3://n/','RemoveExpectedBucketOwner':true}}}");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}
