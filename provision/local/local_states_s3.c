/* S3 as tasks call it (aws-sdk:s3:…): what moves small objects about, over local_objects.h. */
#include "local_states_live.h"

#include "fs.h"
#include "local_iam.h"
#include "local_objects.h"
#include "uri.h"
#include "xalloc.h"

/* What a state's result may have, and a little more: the engine then says that it is too large. */
#define READ_MAX ((size_t)ASL_PAYLOAD_BYTES_MAX + 4096)
#define KEYS_MAX 1000

struct s3_call {
	struct local_cloud *cloud;
	const struct local_principal *who;
	const struct json *in;
	const char *bucket, *key;
	struct json *out;
};

static int need(const struct json *in, const char *member, const char **value, struct err *err)
{
	*value = json_get_str(in, member);
	if (*value && **value)
		return 0;
	return local_fault(
		err, 400, "InvalidRequest", "The field '%s' is required but was missing", member);
}

static void set_time(struct json *o, const char *name, int64_t ms)
{
	struct strbuf sb = STRBUF_INIT;

	clock_add_iso(&sb, ms / 1000 * 1000, false);
	json_set_str(o, name, sb.buf);
	strbuf_release(&sb);
}

static void set_etag(struct json *o, const char *etag)
{
	char *quoted = *etag == '"' ? xstrdup(etag) : xasprintf("\"%s\"", etag);

	json_set_str(o, "ETag", quoted);
	free(quoted);
}

static void set_head(struct json *o, const struct local_object *object)
{
	json_set_str(o, "AcceptRanges", "bytes");
	json_set_i64(o, "ContentLength", object->size);
	json_set_str(o, "ContentType",
		object->content_type ? object->content_type : "binary/octet-stream");
	set_etag(o, object->etag);
	set_time(o, "LastModified", object->modified_ms);
	json_set(o, "Metadata", json_object());
}

static int head_object(struct s3_call *c, struct err *err)
{
	struct local_object o = {0};
	int ret = need(c->in, "Key", &c->key, err);

	if (!ret)
		ret = local_object_head(c->cloud, c->who, c->bucket, c->key, &o, err);
	if (!ret)
		set_head(c->out, &o);
	local_object_release(&o);
	return ret;
}

static int get_object(struct s3_call *c, struct err *err)
{
	struct local_object o = {0};
	struct strbuf body = STRBUF_INIT;
	int ret = need(c->in, "Key", &c->key, err);

	if (!ret)
		ret = local_object_head(c->cloud, c->who, c->bucket, c->key, &o, err);
	if (!ret && (uint64_t)o.size > READ_MAX)
		ret = local_fault(err, 400, "DataLimitExceeded",
			"The object has %lld bytes, more than a state's result may have",
			(long long)o.size);
	if (!ret)
		ret = fs_read(o.path, READ_MAX, &body, err);
	if (!ret) {
		set_head(c->out, &o);
		json_set(c->out, "Body", json_string_n(body.buf, body.len));
	}
	strbuf_release(&body);
	local_object_release(&o);
	return ret;
}

static int put_bytes(struct s3_call *c, const void *data, size_t len, const char *type,
	struct json *out, struct err *err)
{
	struct local_object o = {0};
	int ret = local_object_put(c->cloud, c->who, c->bucket, c->key, data, len, type, err);

	if (!ret)
		ret = local_object_head(c->cloud, NULL, c->bucket, c->key, &o, err);
	if (!ret)
		set_etag(out, o.etag);
	local_object_release(&o);
	return ret;
}

static int put_object(struct s3_call *c, struct err *err)
{
	const struct json *body = json_get(c->in, "Body");
	char *text = json_str(body) ? xstrdup(json_str(body)) : states_print(body);
	int ret = need(c->in, "Key", &c->key, err);

	if (!ret)
		ret = put_bytes(c, text ? text : "", text ? strlen(text) : 0,
			json_get_str(c->in, "ContentType"), c->out, err);
	json_set_str(c->out, "ServerSideEncryption", "AES256");
	free(text);
	return ret;
}

static int delete_object(struct s3_call *c, struct err *err)
{
	if (need(c->in, "Key", &c->key, err))
		return -1;
	return local_object_delete(c->cloud, c->who, c->bucket, c->key, err);
}

static int delete_objects(struct s3_call *c, struct err *err)
{
	const struct json *e;
	struct json *deleted = json_array(), *errors = json_array();

	json_set(c->out, "Deleted", deleted);
	json_set(c->out, "Errors", errors);
	json_each(e, json_path(c->in, "Delete.Objects"))
	{
		struct json *o = json_object();
		struct err why = ERR_INIT;
		const char *key;

		if (need(e, "Key", &key, err)) {
			json_free(o);
			return -1;
		}
		json_set_str(o, "Key", key);
		if (local_object_delete(c->cloud, c->who, c->bucket, key, &why)) {
			json_set_str(o, "Code", why.aws_code ? why.aws_code : "InternalError");
			json_set_str(o, "Message", why.text);
			json_push(errors, o);
		} else {
			json_push(deleted, o);
		}
		err_release(&why);
	}
	return 0;
}

static int copy_object(struct s3_call *c, struct err *err)
{
	struct local_object o = {0};
	struct strbuf source = STRBUF_INIT, body = STRBUF_INIT;
	struct json *result = json_object();
	const char *text, *slash;
	char *bucket = NULL;
	int ret = -1;

	json_set(c->out, "CopyObjectResult", result);
	if (need(c->in, "Key", &c->key, err) || need(c->in, "CopySource", &text, err) ||
		uri_decode(
			&source, text + (*text == '/'), strlen(text + (*text == '/')), false, err))
		goto out;
	slash = strchr(source.buf, '/');
	if (!slash) {
		local_fault(err, 400, "InvalidArgument",
			"Invalid copy source object key, or copy source is no BUCKET/KEY");
		goto out;
	}
	bucket = xstrndup(source.buf, (size_t)(slash - source.buf));
	if (local_object_head(c->cloud, c->who, bucket, slash + 1, &o, err) ||
		fs_read(o.path, (size_t)1 << 30, &body, err))
		goto out;
	ret = put_bytes(c, body.buf, body.len, o.content_type, result, err);
	set_time(result, "LastModified", local_now_ms(c->cloud));
out:
	free(bucket);
	local_object_release(&o);
	strbuf_release(&source);
	strbuf_release(&body);
	return ret;
}

/* --- listing --- */

static void add_object(struct json *list, const struct local_object *object)
{
	struct json *o = json_object();

	json_set_str(o, "Key", object->key);
	set_time(o, "LastModified", object->modified_ms);
	set_etag(o, object->etag);
	json_set_i64(o, "Size", object->size);
	json_set_str(o, "StorageClass", "STANDARD");
	json_push(list, o);
}

/* Keys with the delimiter behind the prefix are shown as one common prefix; malloc'd, NULL: none. */
static char *common_prefix(const char *key, const char *prefix, const char *delimiter)
{
	const char *at = *delimiter ? strstr(key + strlen(prefix), delimiter) : NULL;

	return at ? xstrndup(key, (size_t)(at - key) + strlen(delimiter)) : NULL;
}

struct listing {
	struct json *contents, *prefixes;
	char *last_prefix, *next;
	int64_t nr, max;
};

/* False: the page is full. */
static bool list_one(
	struct listing *l, const struct local_object *o, const char *prefix, const char *delimiter)
{
	char *common = common_prefix(o->key, prefix, delimiter);
	bool same = common && l->last_prefix && !strcmp(common, l->last_prefix);

	if (!same && l->nr == l->max) {
		free(common);
		return false;
	}
	free(l->next);
	l->next = xstrdup(o->key);
	if (same) {
		free(common);
		return true;
	}
	l->nr++;
	if (common) {
		struct json *p = json_object();

		json_set_str(p, "Prefix", common);
		json_push(l->prefixes, p);
		free(l->last_prefix);
		l->last_prefix = common;
	} else {
		add_object(l->contents, o);
	}
	return true;
}

static int list_objects(struct s3_call *c, struct err *err)
{
	const char *prefix = json_get_str(c->in, "Prefix"),
		   *delimiter = json_get_str(c->in, "Delimiter"),
		   *token = json_get_str(c->in, "ContinuationToken");
	struct local_object_list list = LOCAL_OBJECT_LIST_INIT;
	struct listing l = {.max = json_get_i64(c->in, "MaxKeys", KEYS_MAX)};
	char *after = NULL, *made;
	bool cut = false;
	int ret;

	prefix = prefix ? prefix : "";
	delimiter = delimiter ? delimiter : "";
	l.max = l.max > KEYS_MAX ? KEYS_MAX : l.max;
	if (local_token_read(token, "InvalidArgument", &after, err))
		return -1;
	ret = local_object_list(c->cloud, c->who, c->bucket, prefix,
		after ? after : json_get_str(c->in, "StartAfter"),
		*delimiter ? 0 : (size_t)l.max + 1, &list, err);
	l.contents = json_array();
	l.prefixes = json_array();
	for (size_t i = 0; !ret && i < list.nr && !cut; i++)
		cut = !list_one(&l, &list.v[i], prefix, delimiter);
	json_set(c->out, "Contents", l.contents);
	json_set(c->out, "CommonPrefixes", l.prefixes);
	json_set_bool(c->out, "IsTruncated", cut);
	json_set_i64(c->out, "KeyCount", l.nr);
	json_set_i64(c->out, "MaxKeys", l.max);
	json_set_str(c->out, "Name", c->bucket);
	json_set_str(c->out, "Prefix", prefix);
	if (*delimiter)
		json_set_str(c->out, "Delimiter", delimiter);
	if (cut && l.next) {
		made = local_token_make(l.next);
		json_set_str(c->out, "NextContinuationToken", made);
		free(made);
	}
	free(l.last_prefix);
	free(l.next);
	free(after);
	local_object_list_release(&list);
	return ret;
}

/* Asks for what HeadBucket asks for: the right to list. */
static int head_bucket(struct s3_call *c, struct err *err)
{
	struct local_object_list list = LOCAL_OBJECT_LIST_INIT;
	int ret = local_object_list(c->cloud, c->who, c->bucket, "", NULL, 1, &list, err);

	local_object_list_release(&list);
	return ret;
}

static const struct {
	const char *operation;
	int (*call)(struct s3_call *c, struct err *err);
} operations[] = {
	{"CopyObject", copy_object},
	{"DeleteObject", delete_object},
	{"DeleteObjects", delete_objects},
	{"GetObject", get_object},
	{"HeadBucket", head_bucket},
	{"HeadObject", head_object},
	{"ListObjectsV2", list_objects},
	{"PutObject", put_object},
};

int states_s3_call(const struct states_task *t, const char *operation, const struct json *in,
	struct json **out, struct err *err)
{
	struct local_principal who;
	struct s3_call c = {.cloud = t->cloud, .who = &who, .in = in};
	int ret = -1;

	*out = NULL;
	if (states_principal(t, &who, err))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (strcmp(operations[i].operation, operation) != 0)
			continue;
		c.out = json_object();
		ret = need(in, "Bucket", &c.bucket, err);
		if (!ret)
			ret = operations[i].call(&c, err);
		goto out;
	}
	local_fault(err, 400, "UnknownOperationException",
		"state machines of the local cloud cannot call '%s' of S3", operation);
out:
	local_principal_release(&who);
	if (ret)
		json_free(c.out);
	else
		*out = c.out;
	return ret;
}
