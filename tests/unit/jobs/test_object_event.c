#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "object_event.h"
#include "strbuf.h"

/* `text` with ' for ": "bucket|key" of each object, joined with blanks; "-what" for what is none; "!why" for what is no event. */
static void check(const char *text, const char *want)
{
	struct object_event event;
	struct err err = ERR_INIT;
	struct strbuf got = STRBUF_INIT;
	char *body = xstrdup(text);

	for (char *c = body; *c; c++)
		if (*c == '\'')
			*c = '"';
	if (object_event_parse(body, strlen(body), &event, &err) != 0) {
		assert_int_equal(err.code, ERR_INVALID);
		strbuf_addf(&got, "!%s", err.text);
	} else if (!event.nr) {
		strbuf_addf(&got, "-%s", event.what);
	}
	for (size_t i = 0; i < event.nr; i++)
		strbuf_addf(&got, "%s%s|%s", i ? " " : "", event.v[i].bucket, event.v[i].key);
	assert_string_equal(got.buf, want);
	object_event_release(&event);
	object_event_release(&event);
	err_release(&err);
	strbuf_release(&got);
	free(body);
}

#define OF(type, key)                                                                  \
	"{'source':'aws.s3','detail-type':'" type "','detail':{'bucket':{'name':'b'}," \
	"'object':{'key':'" key "'}}}"

static void test_object_event__of_event_bridge(void **state)
{
	(void)state;
	check(OF("Object Created", "a/k.csv"), "b|a/k.csv");
	/* The key is as it is. */
	check(OF("Object Created", "a%20b+c"), "b|a%20b+c");
	check(OF("Object Created", "\\u00e9"), "b|\xc3\xa9");
	check(OF("Object Deleted", "k"), "-Object Deleted");
	check(OF("Object Created", ""), "!it names no key");
	check("{'detail':{'object':{'key':'k'}}}", "!it names no bucket");
	check("{'detail':{'bucket':{'name':'b'},'object':{'key':1}}}", "!it names no key");
	check("{'detail':{'object':null}}", "!it names no bucket");
}

#define TRAIL(more) "{'detail':{" more "'requestParameters':{'bucketName':'b','key':'a+b'}}}"

static void test_object_event__of_cloudtrail(void **state)
{
	(void)state;
	check(TRAIL(""), "b|a+b");
	check(TRAIL("'eventName':'CompleteMultipartUpload',"), "b|a+b");
	check(TRAIL("'eventName':'CopyObject',"), "b|a+b");
	check(TRAIL("'eventName':'DeleteObject',"), "-DeleteObject");
	check(TRAIL("'eventName':'PutObject','errorCode':'AccessDenied',"), "-AccessDenied");
	check("{'detail':{'requestParameters':{'key':'k'}}}", "!it names no bucket");
	check("{'detail':{'requestParameters':'x'}}", "!it tells of no object");
}

#define RECORD(name, key) \
	"{'eventName':'" name "','s3':{'bucket':{'name':'b'},'object':{'key':'" key "'}}}"

static void test_object_event__of_s3(void **state)
{
	(void)state;
	check("{'Records':[" RECORD("ObjectCreated:Put", "a+b%2Bc%C3%A9") "]}", "b|a b+c\xc3\xa9");
	check("{'Records':[" RECORD("ObjectCreated:Put", "1") "," RECORD(
		      "ObjectRemoved:Delete", "2") "," RECORD("s3:ObjectCreated:Copy", "3") "]}",
		"b|1 b|3");
	check("{'Records':[" RECORD("ObjectRemoved:Delete", "k") "]}", "-ObjectRemoved:Delete");
	check("{'Records':[]}", "-no records");
	check("{'Service':'Amazon S3','Event':'s3:TestEvent','Bucket':'b'}", "-s3:TestEvent");
	/* One that is no event of S3's spoils the message. */
	check("{'Records':[" RECORD("ObjectCreated:Put", "1") ",{'eventSource':'aws:sns'}]}",
		"!a record is not of S3");
	check("{'Records':[" RECORD("ObjectCreated:Put", "%00") "]}",
		"!its key has a byte of zero");
	check("{'Records':[" RECORD("ObjectCreated:Put", "%ff") "]}", "!its name is no UTF-8");
}

static void test_object_event__of_nobody(void **state)
{
	static const char *const others[] = {"{}", "[]", "null", "1", "'x'", "{'Event':'s3:Other'}",
		"{'detail':[]}", "{'Records':{}}", "{'detail':{'a':1}}"};
	struct object_event event;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		check(others[i], "!it tells of no object");
	assert_int_equal(object_event_parse("{", 1, &event, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	err_release(&err);
	assert_int_equal(object_event_parse("", 0, &event, &err), -1);
	err_release(&err);
}
