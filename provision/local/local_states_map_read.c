/* Where a distributed Map's items come from: the state's input, a bucket's listing, an object. */
#include "fs.h"
#include "gzip_read.h"
#include "local_asl.h"
#include "local_objects.h"
#include "local_states_map_rows.h"
#include "xalloc.h"

#define OBJECT_BYTES_MAX ((size_t)1 << 30)
#define PAGE 1000

static void name_failure(struct err *err)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "%s%s%s", err_name(err), *err_name(err) ? ": " : "", err->text);
	err_set(err, ERR_FAILED, "%s", sb.buf);
	err_named(err, "States.ItemReaderFailed");
	strbuf_release(&sb);
}

static struct json *object_item(const struct local_object *o)
{
	struct json *item = json_object();
	char *etag = *o->etag == '"' ? xstrdup(o->etag) : xasprintf("\"%s\"", o->etag);

	json_set_str(item, "Etag", etag);
	json_set_str(item, "Key", o->key);
	json_set_dbl(item, "LastModified", (double)(o->modified_ms / 1000));
	json_set_i64(item, "Size", o->size);
	json_set_str(item, "StorageClass", "STANDARD");
	free(etag);
	return item;
}

static struct json *list_objects(struct local_cloud *cloud, const struct local_principal *who,
	const struct json *parameters, int64_t most, struct err *err)
{
	const char *bucket = json_get_str(parameters, "Bucket"),
		   *prefix = json_get_str(parameters, "Prefix");
	struct json *out = json_array();
	char *after = NULL;
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		struct local_object_list list = LOCAL_OBJECT_LIST_INIT;

		rc = local_object_list(
			cloud, who, bucket, prefix ? prefix : "", after, PAGE, &list, err);
		more = list.nr == PAGE;
		for (size_t i = 0; rc == 0 && i < list.nr; i++) {
			if (most >= 0 && (int64_t)json_len(out) >= most)
				more = false;
			else
				json_push(out, object_item(&list.v[i]));
		}
		free(after);
		after = list.nr ? xstrdup(list.v[list.nr - 1].key) : NULL;
		local_object_list_release(&list);
	}
	free(after);
	if (rc == 0)
		return out;
	json_free(out);
	return NULL;
}

/* A file may be gzipped, whatever its name. */
static int plain(struct strbuf *text, struct err *err)
{
	struct strbuf out = STRBUF_INIT;
	int rc = 0;

	if (text->len < 2 || memcmp(text->buf, "\x1f\x8b", 2) != 0)
		return 0;
	rc = gzip_inflate(text->buf, text->len, OBJECT_BYTES_MAX, &out, err);
	strbuf_swap(text, &out);
	strbuf_release(&out);
	return rc;
}

static struct json *read_object(struct local_cloud *cloud, const struct local_principal *who,
	const struct json *reader, struct err *err)
{
	const struct json *parameters = json_get(reader, "parameters");
	struct local_object o = {0};
	struct strbuf text = STRBUF_INIT;
	struct json *out = NULL;

	if (local_object_head(cloud, who, json_get_str(parameters, "Bucket"),
		    json_get_str(parameters, "Key"), &o, err) == 0 &&
		fs_read(o.path, OBJECT_BYTES_MAX, &text, err) == 0 && plain(&text, err) == 0)
		out = map_items(text.buf, text.len, json_get(reader, "config"), err);
	strbuf_release(&text);
	local_object_release(&o);
	return out;
}

static struct json *read_items(struct local_cloud *cloud, const struct local_principal *who,
	struct json *action, struct err *err)
{
	const struct json *reader = json_get(action, "reader"),
			  *parameters = json_get(reader, "parameters");
	const char *resource = json_get_str(reader, "resource"),
		   *bucket = json_get_str(parameters, "Bucket"),
		   *key = json_get_str(parameters, "Key");
	bool lists = resource && ends_with(resource, ":listObjectsV2");
	struct json *out = NULL;
	char *source;

	if (!bucket || (!lists && !key)) {
		err_set(err, ERR_INVALID, "Bucket%s must be given as text%s",
			lists ? "" : " and Key", lists ? "" : "s");
	} else if (json_get(parameters, "VersionId")) {
		/* another version than the one asked for would be worse than none */
		err_set(err, ERR_INVALID, "the local cloud reads no VersionId here");
	} else {
		source =
			lists ? xasprintf("s3://%s", bucket) : xasprintf("s3://%s/%s", bucket, key);
		json_set_str(action, "source", source);
		free(source);
		out = lists ? list_objects(cloud, who, parameters,
				      json_get_i64(json_get(reader, "config"), "MaxItems", -1), err)
			    : read_object(cloud, who, reader, err);
	}
	if (!out)
		name_failure(err);
	return out;
}

static bool too_big(const struct json *v)
{
	struct strbuf sb = STRBUF_INIT;
	bool big;

	json_print(v, &sb);
	big = sb.len > ASL_PAYLOAD_BYTES_MAX;
	strbuf_release(&sb);
	return big;
}

struct json *map_read(struct local_cloud *cloud, const struct local_principal *who,
	struct json *action, struct err *err)
{
	struct json *items = json_get(action, "reader") ? read_items(cloud, who, action, err)
							: json_copy(json_get(action, "items"));
	struct json *inputs = json_array(), *input, *children;
	const struct json *e;
	int64_t i = 0;

	if (!items)
		goto fail;
	json_each(e, items)
	{
		input = asl_map_item(action, e, i++, err);
		if (!input)
			goto fail;
		json_push(inputs, input);
	}
	json_free(items);
	children = asl_map_children(action, inputs);
	json_each(e, children)
	{
		if (!too_big(json_get(e, "input")))
			continue;
		json_free(children);
		err_set(err, ERR_FAILED,
			"The input of a child workflow execution exceeds the maximum number of "
			"bytes service limit.");
		err_named(err, "States.DataLimitExceeded");
		return NULL;
	}
	return children;
fail:
	json_free(items);
	json_free(inputs);
	return NULL;
}
