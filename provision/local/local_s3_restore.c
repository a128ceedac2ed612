/*
 * Objects in archive classes: they cannot be read before "RestoreObject", which here is done at once. What was restored
 * lies in the object's head, under the name of the header that tells it.
 */
#include "local_s3.h"
#include "xalloc.h"

#define RESTORE "x-amz-restore"
#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)
#define MAX_DAYS 36500

bool local_s3_is_restore(const char *name)
{
	return !strcmp(name, RESTORE);
}

static bool is_archived(const struct store_object *o)
{
	return o->storage_class &&
	       (!strcmp(o->storage_class, "GLACIER") || !strcmp(o->storage_class, "DEEP_ARCHIVE"));
}

/* Is there a copy that has not expired? */
static bool is_restored(struct local_s3_call *c, const struct store_object *o)
{
	const char *text = json_get_str(o->head, RESTORE),
		   *date = text ? strstr(text, "expiry-date=\"") : NULL, *end;
	int64_t ms;
	char *copy;
	bool result;

	if (!date)
		return false;
	date += strlen("expiry-date=\"");
	end = strchr(date, '"');
	copy = end ? xstrndup(date, (size_t)(end - date)) : xstrdup(date);
	result = !clock_parse(copy, &ms) && ms > local_now_ms(c->cloud);
	free(copy);
	return result;
}

static int wrong_state(struct local_s3_call *c, const struct store_object *o, struct err *err)
{
	local_s3_detail(c, "StorageClass", o->storage_class);
	return local_fault(err, 403, "InvalidObjectState",
		"The operation is not valid for the object's storage class");
}

int local_s3_check_active(
	struct local_s3_call *c, const struct store_object *o, bool copy, struct err *err)
{
	if (!is_archived(o) || is_restored(c, o))
		return 0;
	if (copy)
		return local_fault(err, 403, "ObjectNotInActiveTierError",
			"The source object of the COPY operation is not in the active tier and is "
			"only stored in Amazon S3 Glacier.");
	return wrong_state(c, o, err);
}

/* <RestoreRequest><Days>… */
static int read_days(struct local_s3_call *c, long long *days, struct err *err)
{
	struct xml_doc *doc = xml_parse(c->sink.memory.buf, c->sink.memory.len, NULL);
	struct xml_node *root = doc ? xml_root(doc) : NULL;
	const char *text = root ? xml_child_text(root, "Days") : NULL;
	int result = 0;

	if (!root || strcmp(xml_name(root), "RestoreRequest") || !text)
		result = local_s3_malformed(err);
	else if (parse_int64(text, 1, MAX_DAYS, days))
		result = local_s3_invalid(
			err, "restoration days should be a positive number of days");
	xml_free(doc);
	return result;
}

/* Copies expire at midnight. */
static void set_restored(struct local_s3_call *c, struct store_object *o, int64_t days)
{
	int64_t end = local_now_ms(c->cloud) + (days + 1) * DAY_MS;
	struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, "ongoing-request=\"false\", expiry-date=\"");
	clock_add_http(&text, end - end % DAY_MS);
	strbuf_addch(&text, '"');
	if (!o->head)
		o->head = json_object();
	json_set_str(o->head, RESTORE, text.buf);
	strbuf_release(&text);
}

int local_s3_restore_object(struct local_s3_call *c, struct err *err)
{
	const char *version = local_s3_param(c, "versionId");
	struct store_object seen = {0}, o = {0};
	long long days = 0;
	int found, result = -1;

	if (read_days(c, &days, err) ||
		local_s3_object_get(c, c->bucket, c->key, version, &seen, err))
		goto out;
	if (!is_archived(&seen)) {
		wrong_state(c, &seen, err);
		goto out;
	}
	if (local_tx_begin(c->cloud, err))
		goto out;
	found = store_find(c->cloud, c->bucket, c->key, seen.version, &o, err);
	if (!found)
		local_fault(err, 404, "NoSuchKey", "The specified key does not exist.");
	if (found <= 0)
		goto out;
	c->reply->status = is_restored(c, &o) ? 200 : 202;
	set_restored(c, &o, days);
	if (store_set_head(c->cloud, &o, err) || local_tx_commit(c->cloud, err))
		goto out;
	result = 0;
out:
	local_tx_end(c->cloud);
	store_object_release(&seen);
	store_object_release(&o);
	return result;
}
