/* Tags of buckets (in the table that the tagging service reads) and of objects (in their rows). */
#include "local_s3.h"
#include "uri.h"
#include "xalloc.h"

#define MAX_BUCKET_TAGS 50
#define MAX_OBJECT_TAGS 10

static size_t count_chars(const char *s)
{
	size_t nr = 0;

	for (; *s; s++)
		nr += ((unsigned char)*s & 0xc0) != 0x80;
	return nr;
}

#define SYSTEM_TAG "System tags cannot be added/updated by requester"
#define SYSTEM_TAG_HEADER "Your TagKey cannot be prefixed with aws:"

static int add_tag(struct json *tags, const char *key, const char *value, size_t max,
	const char *system_tag, struct err *err)
{
	if (!*key || count_chars(key) > 128)
		return local_fault(
			err, 400, "InvalidTag", "The TagKey you have provided is invalid");
	if (count_chars(value) > 256)
		return local_fault(
			err, 400, "InvalidTag", "The TagValue you have provided is invalid");
	if (starts_with(key, "aws:"))
		return local_fault(err, 400, "InvalidTag", "%s", system_tag);
	if (json_get(tags, key))
		return local_fault(
			err, 400, "InvalidTag", "Cannot provide multiple Tags with the same key");
	if (json_len(tags) >= max)
		return local_fault(err, 400, "BadRequest",
			max == MAX_OBJECT_TAGS ? "Object tags cannot be greater than 10"
					       : "Bucket tag count cannot be greater than 50");
	json_set_str(tags, key, value);
	return 0;
}

int local_s3_tags_parse(
	const char *text, size_t len, size_t max, struct json **out, struct err *err)
{
	struct xml_doc *doc = xml_parse(text, len, NULL);
	struct xml_node *root = doc ? xml_root(doc) : NULL, *set, *tag;
	int result = -1;

	*out = NULL;
	set = root && !strcmp(xml_name(root), "Tagging") ? xml_child(root, "TagSet") : NULL;
	if (!set) {
		local_s3_malformed(err);
		goto out;
	}
	*out = json_object();
	xml_each(tag, set)
	{
		const char *key = xml_child_text(tag, "Key"), *value = xml_child_text(tag, "Value");

		if (!key || !value) {
			local_s3_malformed(err);
			goto out;
		}
		if (add_tag(*out, key, value, max, SYSTEM_TAG, err))
			goto out;
	}
	result = 0;
out:
	xml_free(doc);
	if (result) {
		json_free(*out);
		*out = NULL;
	}
	return result;
}

/* The x-amz-tagging header: a query string. */
int local_s3_tags_header(const char *text, struct json **out, struct err *err)
{
	struct strvec pieces = STRVEC_INIT;
	size_t i;
	int result = 0;

	*out = json_object();
	strvec_split(&pieces, text, '&');
	for (i = 0; !result && i < pieces.nr; i++) {
		struct strbuf key = STRBUF_INIT, value = STRBUF_INIT;
		const char *piece = pieces.v[i], *equals = strchr(piece, '=');
		size_t len = equals ? (size_t)(equals - piece) : strlen(piece);

		if (uri_decode(&key, piece, len, true, NULL) ||
			(equals && uri_decode(&value, equals + 1, strlen(equals + 1), true, NULL)))
			result = local_s3_invalid(err,
				"The header 'x-amz-tagging' shall be encoded as UTF-8 then "
				"URLEncoded "
				"URL query parameters without tag name duplicates.");
		else
			result = add_tag(
				*out, key.buf, value.buf, MAX_OBJECT_TAGS, SYSTEM_TAG_HEADER, err);
		strbuf_release(&key);
		strbuf_release(&value);
	}
	strvec_release(&pieces);
	if (result) {
		json_free(*out);
		*out = NULL;
	}
	return result;
}

void local_s3_tags_print(struct local_s3_call *c, const struct json *tags)
{
	struct strbuf *sb = local_s3_xml(c, "Tagging");
	struct json *e;

	strbuf_addstr(sb, "<TagSet>");
	json_each(e, tags)
	{
		strbuf_addstr(sb, "<Tag>");
		xml_add_element(sb, "Key", json_name(e));
		xml_add_element(sb, "Value", json_str(e));
		strbuf_addstr(sb, "</Tag>");
	}
	strbuf_addstr(sb, "</TagSet></Tagging>");
}

/* --- buckets --- */

int local_s3_get_bucket_tagging(struct local_s3_call *c, struct err *err)
{
	char *arn = xasprintf("arn:aws:s3:::%s", c->bucket);
	struct json *tags = NULL;
	int result = -1;

	if (!local_tx_begin(c->cloud, err))
		result = local_tags_get(c->cloud, arn, &tags, err);
	local_tx_end(c->cloud);
	if (!result && !json_len(tags))
		result = local_fault(err, 404, "NoSuchTagSet", "The TagSet does not exist");
	else if (!result)
		local_s3_tags_print(c, tags);
	json_free(tags);
	free(arn);
	return result;
}

static int replace_tags(struct local_s3_call *c, const struct json *tags, struct err *err)
{
	char *arn = xasprintf("arn:aws:s3:::%s", c->bucket);
	int result = -1;

	if (!local_tx_begin(c->cloud, err) && !local_tags_clear(c->cloud, arn, err) &&
		!local_tags_set(c->cloud, arn, tags, err))
		result = local_tx_commit(c->cloud, err);
	local_tx_end(c->cloud);
	free(arn);
	c->reply->status = 204;
	return result;
}

int local_s3_put_bucket_tagging(struct local_s3_call *c, struct err *err)
{
	struct json *tags;
	int result;

	if (local_s3_tags_parse(
		    c->sink.memory.buf, c->sink.memory.len, MAX_BUCKET_TAGS, &tags, err))
		return -1;
	result = replace_tags(c, tags, err);
	json_free(tags);
	return result;
}

int local_s3_delete_bucket_tagging(struct local_s3_call *c, struct err *err)
{
	return replace_tags(c, NULL, err);
}

/* --- objects --- */

int local_s3_get_object_tagging(struct local_s3_call *c, struct err *err)
{
	struct store_object o = {0};
	int result =
		local_s3_object_get(c, c->bucket, c->key, local_s3_param(c, "versionId"), &o, err);

	if (!result) {
		local_s3_tags_print(c, o.tags);
		if (strcmp(o.version, "null"))
			local_reply_header(c->reply, "x-amz-version-id", "%s", o.version);
	}
	store_object_release(&o);
	return result;
}

static int change_object_tags(struct local_s3_call *c, const struct json *tags, struct err *err)
{
	struct store_object o = {0};
	int result =
		local_s3_object_get(c, c->bucket, c->key, local_s3_param(c, "versionId"), &o, err);

	if (!result && (local_tx_begin(c->cloud, err) || store_set_tags(c->cloud, &o, tags, err) ||
			       local_tx_commit(c->cloud, err)))
		result = -1;
	if (!result && strcmp(o.version, "null"))
		local_reply_header(c->reply, "x-amz-version-id", "%s", o.version);
	local_tx_end(c->cloud);
	store_object_release(&o);
	return result;
}

int local_s3_put_object_tagging(struct local_s3_call *c, struct err *err)
{
	struct json *tags;
	int result;

	if (local_s3_tags_parse(
		    c->sink.memory.buf, c->sink.memory.len, MAX_OBJECT_TAGS, &tags, err))
		return -1;
	result = change_object_tags(c, tags, err);
	json_free(tags);
	c->reply->status = 200;
	return result;
}

int local_s3_delete_object_tagging(struct local_s3_call *c, struct err *err)
{
	c->reply->status = 204;
	return change_object_tags(c, NULL, err);
}
