#include "testing.h"
#include <unistd.h>
#include "cloud_script.h"
#include "fs.h"
#include "types_internal.h"

static void test_pseudo__crawl(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct resource_state live = RESOURCE_STATE_INIT;
	cloud_begin(&c);
	subject_begin(&s, &crawl_type, "crawler_raw", "{'CrawlerName':'crawler_raw'}");
	cloud_expect(&c, "GetCrawler", 200, "{\"Crawler\":{\"State\":\"READY\"}}");
	assert_ok(crawl_type.read(&c.ctx, &s.r, READ_FULL, &live, &err), &err);
	assert_false(live.exists);
	cloud_expect(&c, "StartCrawler", 400,
		"{\"__type\":\"CrawlerRunningException\",\"Message\":\"x\"}");
	assert_ok(crawl_type.create(&c.ctx, &s.r, &err), &err);
	cloud_expect(&c, "GetCrawler", 200,
		"{\"Crawler\":{\"State\":\"READY\",\"LastCrawl\":{\"Status\":\"SUCCEEDED\"}}}");
	assert_ok(crawl_type.read(&c.ctx, &s.r, READ_FULL, &live, &err), &err);
	assert_true(live.exists);
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* The object with that hash in its key and that size is there: nothing is sent. */
static void test_pseudo__upload_there(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &upload_type, "s3://b-b/scripts/" HASH "/x.py",
		"{'From':'/nowhere','Bucket':'b-b','Key':'scripts/" HASH "/x.py','Sha256':'" HASH
		"','Size':0,'Owner':'123456789012'}");
	cloud_expect(&c, "HEAD /b-b/scripts/" HASH "/x.py", 200, "");
	assert_ok(upload_type.create(&c.ctx, &s.r, &err), &err);
	subject_end(&s);
	cloud_end(&c);
}

static void test_pseudo__upload_put_and_remove(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	char *dir = fs_mkdtemp(NULL, "pseudo-", &err), *file = fs_join(dir, "abc");
	char *props = xasprintf(
		"{'From':'%s','Bucket':'b-b','Key':'in/abc','Sha256':'" HASH "','Size':3}", file);
	assert_ok(fs_write_atomic(file, "abc", 3, 0600, &err), &err);
	cloud_begin(&c);
	subject_begin(&s, &upload_type, "s3://b-b/in/abc", props);
	cloud_expect(&c, "HEAD /b-b/in/abc", 404, "");
	cloud_expect(&c, "PUT /b-b/in/abc", 200, "");
	assert_ok(upload_type.create(&c.ctx, &s.r, &err), &err);
	subject_end(&s);
	subject_begin(&s, &upload_type, "s3://b-b/in/abc", NULL);
	s.record = js("{'Bucket':'b-b','Key':'in/abc'}");
	s.r.record_props = s.record;
	cloud_expect(&c, "DELETE /b-b/in/abc", 204, "");
	assert_ok(upload_type.destroy(&c.ctx, &s.r, &err), &err);
	json_free(s.record);
	s.record = js("{'Bucket':'b-b','Key':'in/abc','Keep':true}");
	s.r.record_props = s.record;
	assert_ok(upload_type.destroy(&c.ctx, &s.r, &err), &err);
	subject_end(&s);
	cloud_end(&c);
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	free(file);
	free(props);
}

/* What only the tagging service still remembers does not count; a role is found by prefix and tag. */
static void test_pseudo__sweep_project(void **state)
{
	(void)state;
	struct cloud c;
	struct err err = ERR_INIT;
	struct json *left = json_array();
	cloud_begin(&c);
	cloud_expect(&c, "ListRoles", 200,
		"<ListRolesResponse><ListRolesResult><Roles><member><RoleName>lake-s-r-1</RoleName>"
		"</member><member><RoleName>lake-2-x</RoleName></member><member><RoleName>Other"
		"</RoleName></member></Roles></ListRolesResult></ListRolesResponse>");
	cloud_expect(&c, "ListRoleTags", 200,
		"<ListRoleTagsResponse><ListRoleTagsResult><Tags><member><Key>glueproj:project</"
		"Key>"
		"<Value>lake</Value></member></Tags></ListRoleTagsResult></ListRoleTagsResponse>");
	cloud_expect(&c, "ListRoleTags", 200,
		"<ListRoleTagsResponse><ListRoleTagsResult><Tags><member><Key>glueproj:project</"
		"Key>"
		"<Value>lake-2</Value></member></Tags></ListRoleTagsResult></"
		"ListRoleTagsResponse>");
	cloud_expect(&c, "GetResources", 200,
		"{\"ResourceTagMappingList\":["
		"{\"ResourceARN\":\"arn:aws:glue:eu-west-1:123456789012:job/gone\"},"
		"{\"ResourceARN\":\"arn:aws:s3:::left-over\"},"
		"{\"ResourceARN\":\"arn:aws:iam::123456789012:role/p/lake-s-r-1\"},"
		"{\"ResourceARN\":\"arn:aws:states:eu-west-1:123456789012:stateMachine:m\"}]}");
	cloud_expect(
		&c, "GetJob", 400, "{\"__type\":\"EntityNotFoundException\",\"Message\":\"x\"}");
	cloud_expect(&c, "GET /left-over/?tagging", 200,
		"<Tagging><TagSet><Tag><Key>glueproj:project</Key><Value>lake</Value></Tag></"
		"TagSet>"
		"</Tagging>");
	cloud_expect(&c, "GetRole", 200,
		"<GetRoleResponse><GetRoleResult><Role><Tags><member><Key>glueproj:project</Key>"
		"<Value>lake</Value></member></Tags></Role></GetRoleResult></GetRoleResponse>");
	assert_ok(resource_sweep_project(&c.ctx, left, &err), &err);
	assert_json(left, "[{\"type\":\"AWS::IAM::Role\",\"physical_id\":\"lake-s-r-1\",\"reason\":"
			  "\"carries this project\\u0027s tags\"},"
			  "{\"type\":\"AWS::S3::Bucket\",\"physical_id\":\"left-over\",\"reason\":"
			  "\"carries this project\\u0027s tags\"},"
			  "{\"type\":\"unknown\",\"physical_id\":\"arn:aws:states:eu-west-1:"
			  "123456789012:stateMachine:m\",\"reason\":\"the tagging service lists it "
			  "for this project\"}]");
	cloud_end(&c);
}
