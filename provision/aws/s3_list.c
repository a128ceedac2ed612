/* ListObjectsV2 and ListObjectVersions. Keys travel URL-encoded, for XML cannot hold every byte. */
#include "s3_internal.h"

#define MAX_LISTING (32u << 20)

void s3_objects_release(struct s3_objects *o)
{
	for (size_t i = 0; i < o->nr; i++) {
		free(o->v[i].key);
		free(o->v[i].etag);
		free(o->v[i].version_id);
	}
	free(o->v);
	strvec_release(&o->prefixes);
	o->v = NULL;
	o->nr = o->alloc = 0;
}

struct s3_object *s3_objects_add(struct s3_objects *o)
{
	ALLOC_GROW(o->v, o->nr, o->alloc);
	struct s3_object *object = &o->v[o->nr++];
	*object = (struct s3_object){0};
	return object;
}

static void take_object(const struct xml_node *n, struct s3_objects *out)
{
	const char *size = xml_child_text(n, "Size"), *latest = xml_child_text(n, "IsLatest");
	struct s3_object *o = s3_objects_add(out);
	long long bytes = 0;
	if (size && parse_int64(size, 0, INT64_MAX, &bytes) == 0)
		o->size = bytes;
	char *key = s3_url_decode(xml_child_text(n, "Key"));
	o->key = key ? key : xstrdup("");
	o->etag = xstrdup(xml_child_text(n, "ETag"));
	o->version_id = xstrdup(xml_child_text(n, "VersionId"));
	o->modified_ms = s3_time(xml_child_text(n, "LastModified"));
	o->latest = latest && !strcmp(latest, "true");
	o->delete_marker = !strcmp(xml_name(n), "DeleteMarker");
}

static void take_listing(const struct xml_node *root, struct s3_objects *out)
{
	const struct xml_node *n;
	xml_each(n, root)
	{
		const char *name = xml_name(n);
		if (!strcmp(name, "Contents") || !strcmp(name, "Version") ||
			!strcmp(name, "DeleteMarker"))
			take_object(n, out);
		else if (!strcmp(name, "CommonPrefixes") && xml_child_text(n, "Prefix"))
			strvec_push_take(
				&out->prefixes, s3_url_decode(xml_child_text(n, "Prefix")));
	}
}

static bool is_truncated(const struct xml_node *root)
{
	const char *text = xml_child_text(root, "IsTruncated");
	return text && !strcmp(text, "true");
}

/* One page; `token` is in/out, empty when there is no further one. */
static int list_page(struct aws_client *c, const char *bucket, const char *prefix,
	const char *delimiter, size_t most, const char *owner, struct strbuf *token,
	struct s3_objects *out, struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct xml_doc *doc = NULL;
	char max_keys[24];
	int ret = -1;
	s3_request_init(&r, "ListObjectsV2", AWS_OP_READ, "GET", bucket, NULL);
	snprintf(max_keys, sizeof(max_keys), "%zu", most);
	s3_query(&r, "list-type", "2");
	s3_query(&r, "encoding-type", "url");
	s3_query(&r, "max-keys", max_keys);
	if (prefix && *prefix)
		s3_query(&r, "prefix", prefix);
	if (delimiter && *delimiter)
		s3_query(&r, "delimiter", delimiter);
	if (token->len)
		s3_query(&r, "continuation-token", token->buf);
	s3_owner(&r, owner);
	r.max_reply_bytes = MAX_LISTING;
	if (s3_send(c, &r, &reply, err) < 0)
		goto out;
	doc = s3_reply_xml(&r, &reply, err);
	if (!doc)
		goto out;
	const struct xml_node *root = xml_root(doc);
	take_listing(root, out);
	const char *next = xml_child_text(root, "NextContinuationToken");
	if (!is_truncated(root)) {
		strbuf_clear(token);
	} else if (!next || !*next || !strcmp(next, token->buf)) {
		err_set(err, ERR_FAILED, "ListObjectsV2 gave no token for the next page");
		goto out;
	} else {
		strbuf_clear(token);
		strbuf_addstr(token, next);
	}
	ret = 0;
out:
	if (doc)
		xml_free(doc);
	s3_request_release(&r);
	http_reply_release(&reply);
	return ret;
}

int s3_list_objects_v2(struct aws_client *c, const char *bucket, const char *prefix,
	const char *delimiter, size_t max, const char *owner, struct s3_objects *out,
	struct err *err)
{
	struct strbuf token = STRBUF_INIT;
	size_t before = out->nr + out->prefixes.nr;
	int ret;
	do {
		size_t seen = out->nr + out->prefixes.nr - before;
		size_t most = max && max - seen < 1000 ? max - seen : 1000;
		ret = list_page(c, bucket, prefix, delimiter, most, owner, &token, out, err);
	} while (ret == 0 && token.len && (!max || out->nr + out->prefixes.nr - before < max));
	strbuf_release(&token);
	return ret;
}

static void take_marker(const struct xml_node *root, const char *name, struct strbuf *marker)
{
	char *text = s3_url_decode(xml_child_text(root, name));
	strbuf_clear(marker);
	if (text)
		strbuf_addstr(marker, text);
	free(text);
}

int s3_list_object_versions(struct aws_client *c, const char *bucket, const char *prefix,
	struct strbuf *key_marker, struct strbuf *version_marker, bool *more,
	struct s3_objects *out, struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct xml_doc *doc = NULL;
	int ret = -1;
	s3_request_init(&r, "ListObjectVersions", AWS_OP_READ, "GET", bucket, NULL);
	s3_query(&r, "versions", NULL);
	s3_query(&r, "encoding-type", "url");
	s3_query(&r, "max-keys", "1000");
	if (prefix && *prefix)
		s3_query(&r, "prefix", prefix);
	if (key_marker->len)
		s3_query(&r, "key-marker", key_marker->buf);
	if (version_marker->len)
		s3_query(&r, "version-id-marker", version_marker->buf);
	r.max_reply_bytes = MAX_LISTING;
	if (s3_send(c, &r, &reply, err) < 0)
		goto out;
	doc = s3_reply_xml(&r, &reply, err);
	if (!doc)
		goto out;
	const struct xml_node *root = xml_root(doc);
	struct strbuf old_key = STRBUF_INIT, old_version = STRBUF_INIT;
	strbuf_swap(&old_key, key_marker);
	strbuf_swap(&old_version, version_marker);
	take_listing(root, out);
	take_marker(root, "NextKeyMarker", key_marker);
	take_marker(root, "NextVersionIdMarker", version_marker);
	*more = is_truncated(root);
	ret = 0;
	if (*more && (!key_marker->len || (!strcmp(old_key.buf, key_marker->buf) &&
						  !strcmp(old_version.buf, version_marker->buf))))
		ret = err_set(
			err, ERR_FAILED, "ListObjectVersions gave no marker for the next page");
	strbuf_release(&old_key);
	strbuf_release(&old_version);
out:
	if (doc)
		xml_free(doc);
	s3_request_release(&r);
	http_reply_release(&reply);
	return ret;
}
