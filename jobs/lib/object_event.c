#include "object_event.h"

#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "uri.h"
#include "utf8.h"

void object_event_release(struct object_event *e)
{
	for (size_t i = 0; i < e->nr; i++) {
		free(e->v[i].bucket);
		free(e->v[i].key);
	}
	free(e->v);
	free(e->what);
	*e = (struct object_event)OBJECT_EVENT_INIT;
}

static void tell(struct object_event *e, const char *what)
{
	if (!e->what)
		e->what = xstrdup(what);
}

static int add(struct object_event *e, const char *bucket, const char *key, struct err *err)
{
	if (!bucket || !*bucket || !key || !*key)
		return err_set(
			err, ERR_INVALID, "it names no %s", bucket && *bucket ? "key" : "bucket");
	/* Such a name is none of S3's, and no database takes it. */
	if (utf8_good_bytes(key, strlen(key)) != strlen(key) ||
		utf8_good_bytes(bucket, strlen(bucket)) != strlen(bucket))
		return err_set(err, ERR_INVALID, "its name is no UTF-8");
	ALLOC_GROW(e->v, e->nr, e->alloc);
	e->v[e->nr++] = (struct object_name){xstrdup(bucket), xstrdup(key)};
	return 0;
}

/* --- EventBridge --- */

/* Keys are as they are. */
static int take_bridge(
	const struct json *doc, const struct json *detail, struct object_event *e, struct err *err)
{
	const char *type = json_get_str(doc, "detail-type");

	if (type && strcmp(type, "Object Created") != 0) {
		tell(e, type);
		return 0;
	}
	return add(e, json_get_str(json_get(detail, "bucket"), "name"),
		json_get_str(json_get(detail, "object"), "key"), err);
}

static int take_cloudtrail(const struct json *detail, const struct json *parameters,
	struct object_event *e, struct err *err)
{
	static const char *const creates[] = {
		"PutObject", "PostObject", "CopyObject", "CompleteMultipartUpload"};
	const char *call = json_get_str(detail, "eventName");
	const char *failed = json_get_str(detail, "errorCode");
	bool is_new = !call;

	for (size_t i = 0; call && i < ARRAY_SIZE(creates); i++)
		is_new = is_new || strcmp(call, creates[i]) == 0;
	if (!is_new || failed) {
		tell(e, failed ? failed : call);
		return 0;
	}
	return add(e, json_get_str(parameters, "bucketName"), json_get_str(parameters, "key"), err);
}

/* --- S3's own --- */

static int take_record(const struct json *record, struct object_event *e, struct err *err)
{
	const char *call = json_get_str(record, "eventName");
	const struct json *s3 = json_get(record, "s3");
	const char *key = json_get_str(json_get(s3, "object"), "key");
	struct strbuf plain = STRBUF_INIT;
	int ret;

	if (!json_is(s3, JSON_OBJECT))
		return err_set(err, ERR_INVALID, "a record is not of S3");
	if (call && !starts_with(call, "ObjectCreated:") &&
		!starts_with(call, "s3:ObjectCreated:")) {
		tell(e, call);
		return 0;
	}
	ret = key ? uri_decode(&plain, key, strlen(key), true, err) : 0;
	if (ret == 0 && plain.len != strlen(plain.buf))
		ret = err_set(err, ERR_INVALID, "its key has a byte of zero");
	if (ret == 0)
		ret = add(e, json_get_str(json_get(s3, "bucket"), "name"), plain.buf, err);
	strbuf_release(&plain);
	return ret;
}

static int take_records(const struct json *records, struct object_event *e, struct err *err)
{
	struct json *record;
	int ret = 0;

	json_each(record, records)
	{
		if (ret == 0)
			ret = take_record(record, e, err);
	}
	if (!e->nr)
		tell(e, "no records");
	return ret;
}

int object_event_parse(const char *text, size_t len, struct object_event *out, struct err *err)
{
	struct json *doc = json_parse(text, len, err);
	const struct json *detail = json_get(doc, "detail"), *records = json_get(doc, "Records");
	const struct json *parameters = json_get(detail, "requestParameters");
	const char *test = json_get_str(doc, "Event");
	int ret = -1;

	*out = (struct object_event)OBJECT_EVENT_INIT;
	if (doc && test && strcmp(test, "s3:TestEvent") == 0) {
		tell(out, test);
		ret = 0;
	} else if (json_is(records, JSON_ARRAY)) {
		ret = take_records(records, out, err);
	} else if (json_is(parameters, JSON_OBJECT)) {
		ret = take_cloudtrail(detail, parameters, out, err);
	} else if (json_is(detail, JSON_OBJECT) && json_get(detail, "object")) {
		ret = take_bridge(doc, detail, out, err);
	} else if (doc) {
		err_set(err, ERR_INVALID, "it tells of no object");
	}
	if (ret != 0)
		object_event_release(out);
	json_free(doc);
	return ret;
}
