/* Events of the cloud's own services, in the shapes of "Events from AWS services" (EventBridge User Guide). */
#include "local_events.h"

#include "clock.h"
#include "local_s3.h"
#include "xalloc.h"

int local_event_job_tx(struct local_cloud *cloud, const char *job, const char *run_id,
	const char *state, const char *error, struct err *err)
{
	static const struct {
		const char *state, *severity, *message;
	} rows[] = {
		{"SUCCEEDED", "INFO", "Job run succeeded"},
		{"STOPPED", "INFO", "Job run stopped"},
		{"TIMEOUT", "WARN", "Job run timed out"},
		{"FAILED", "ERROR", "Job run failed"},
	};
	struct json *detail = json_object();
	size_t i;
	int ret;

	for (i = 0; i + 1 < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].state, state))
			break;
	json_set_str(detail, "jobName", job);
	json_set_str(detail, "severity", rows[i].severity);
	json_set_str(detail, "state", state);
	json_set_str(detail, "jobRunId", run_id);
	json_set_str(detail, "message", error && *error ? error : rows[i].message);
	ret = local_event_put_tx(cloud, "aws.glue", "Glue Job State Change", NULL, detail, err);
	json_free(detail);
	return ret;
}

int local_event_crawl_tx(
	struct local_cloud *cloud, const char *crawler, const char *state, struct err *err)
{
	/* ListCrawls says COMPLETED or SUCCEEDED, by its caller */
	bool good = !strcmp(state, "SUCCEEDED") || !strcmp(state, "COMPLETED");
	struct json *detail = json_object();
	struct strbuf time = STRBUF_INIT;
	int ret;

	clock_add_iso(&time, local_now_ms(cloud), false);
	json_set_str(detail, "accountId", cloud->account);
	json_set_str(detail, "crawlerName", crawler);
	json_set_str(detail, "state", good ? "Succeeded" : "Failed");
	json_set_str(detail, "completionDate", time.buf);
	json_set_str(detail, "message", good ? "Crawler Succeeded" : "Crawler Failed");
	ret = local_event_put_tx(cloud, "aws.glue", "Glue Crawler State Change", NULL, detail, err);
	strbuf_release(&time);
	json_free(detail);
	return ret;
}

static struct json *object_detail(struct local_cloud *cloud, const struct local_event_object *o)
{
	struct json *detail = json_object(), *bucket = json_object(), *object = json_object();
	char *request = local_id("", 16),
	     *sequencer = xasprintf("%016llX", (unsigned long long)local_now_ms(cloud));

	json_set_str(bucket, "name", o->bucket);
	json_set_str(object, "key", o->key);
	if (o->etag) {
		json_set_i64(object, "size", o->size);
		json_set_str(object, "etag", o->etag);
	}
	json_set_str(object, "version-id", o->version);
	json_set_str(object, "sequencer", sequencer);
	json_set_str(detail, "version", "0");
	json_set(detail, "bucket", bucket);
	json_set(detail, "object", object);
	json_set_str(detail, "request-id", request);
	json_set_str(detail, "requester", cloud->account);
	json_set_str(detail, "source-ip-address", "127.0.0.1");
	json_set_str(detail, "reason", o->reason);
	if (!o->etag)
		json_set_str(detail, "deletion-type",
			o->marker ? "Delete Marker Created" : "Permanently Deleted");
	free(request);
	free(sequencer);
	return detail;
}

int local_event_object_tx(
	struct local_cloud *cloud, const struct local_event_object *o, struct err *err)
{
	struct json *detail, *resources;
	char *config = NULL, *arn;
	bool wanted;
	int ret = local_s3_config_text(cloud, o->bucket, "notification", &config, err);

	wanted = config && strstr(config, "<EventBridgeConfiguration");
	free(config);
	if (ret || !wanted)
		return ret;
	detail = object_detail(cloud, o);
	resources = json_array();
	arn = xasprintf("arn:aws:s3:::%s", o->bucket);
	json_push_str(resources, arn);
	ret = local_event_put_tx(cloud, "aws.s3", o->etag ? "Object Created" : "Object Deleted",
		resources, detail, err);
	free(arn);
	json_free(resources);
	json_free(detail);
	return ret;
}
