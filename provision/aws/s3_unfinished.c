/* What is left of multipart uploads that ended in the middle: ListMultipartUploads and ListParts. */
#include "s3_internal.h"

void s3_listed_parts_release(struct s3_listed_parts *p)
{
	for (size_t i = 0; i < p->nr; i++) {
		free(p->v[i].etag);
		free(p->v[i].sha256);
	}
	free(p->v);
	*p = (struct s3_listed_parts){NULL, 0, 0};
}

static bool is_truncated(const struct xml_node *root)
{
	const char *text = xml_child_text(root, "IsTruncated");
	return text && !strcmp(text, "true");
}

/* Uploads come sorted by key, and a key comes before all that only begin with it. False: no later one can be of it. */
static bool take_uploads(const struct xml_node *root, const char *key, struct strvec *ids)
{
	const struct xml_node *n;
	xml_each(n, root)
	{
		const char *id = xml_child_text(n, "UploadId");
		if (strcmp(xml_name(n), "Upload") != 0 || !id)
			continue;
		char *name = s3_url_decode(xml_child_text(n, "Key"));
		bool ours = name && !strcmp(name, key);
		free(name);
		if (!ours)
			return false;
		strvec_push(ids, id);
	}
	return true;
}

int s3_list_uploads_of(struct aws_client *c, const char *bucket, const char *key, const char *owner,
	struct strvec *ids, struct err *err)
{
	struct strbuf id_marker = STRBUF_INIT;
	bool more = true;
	int ret = 0;
	while (ret == 0 && more) {
		struct s3_request r;
		struct http_reply reply = HTTP_REPLY_INIT;
		s3_request_init(&r, "ListMultipartUploads", AWS_OP_READ, "GET", bucket, NULL);
		s3_query(&r, "uploads", NULL);
		s3_query(&r, "encoding-type", "url");
		s3_query(&r, "prefix", key);
		if (id_marker.len) {
			s3_query(&r, "key-marker", key);
			s3_query(&r, "upload-id-marker", id_marker.buf);
		}
		s3_owner(&r, owner);
		ret = s3_send(c, &r, &reply, err);
		struct xml_doc *doc = ret == 0 ? s3_reply_xml(&r, &reply, err) : NULL;
		if (doc) {
			const struct xml_node *root = xml_root(doc);
			const char *next = xml_child_text(root, "NextUploadIdMarker");
			more = take_uploads(root, key, ids) && is_truncated(root) && next &&
			       *next && strcmp(next, id_marker.buf) != 0;
			strbuf_clear(&id_marker);
			strbuf_addstr(&id_marker, next ? next : "");
			xml_free(doc);
		} else {
			ret = -1;
		}
		s3_request_release(&r);
		http_reply_release(&reply);
	}
	strbuf_release(&id_marker);
	return ret;
}

static void take_parts(const struct xml_node *root, struct s3_listed_parts *out)
{
	const struct xml_node *n;
	xml_each(n, root)
	{
		const char *number = xml_child_text(n, "PartNumber"),
			   *size = xml_child_text(n, "Size"), *etag = xml_child_text(n, "ETag");
		long long i, bytes;
		if (strcmp(xml_name(n), "Part") != 0 || !number || !size || !etag ||
			parse_int64(number, 1, 10000, &i) < 0 ||
			parse_int64(size, 0, INT64_MAX, &bytes) < 0)
			continue;
		ALLOC_GROW(out->v, out->nr, out->alloc);
		out->v[out->nr++] = (struct s3_listed_part){
			(int)i, bytes, xstrdup(etag), xstrdup(xml_child_text(n, "ChecksumSHA256"))};
	}
}

int s3_list_parts(struct aws_client *c, const char *bucket, const char *key, const char *owner,
	const char *upload_id, char **algorithm, struct s3_listed_parts *out, struct err *err)
{
	struct strbuf marker = STRBUF_INIT;
	bool more = true;
	int ret = 0;
	*algorithm = NULL;
	while (ret == 0 && more) {
		struct s3_request r;
		struct http_reply reply = HTTP_REPLY_INIT;
		s3_request_init(&r, "ListParts", AWS_OP_READ, "GET", bucket, key);
		s3_query(&r, "uploadId", upload_id);
		if (marker.len)
			s3_query(&r, "part-number-marker", marker.buf);
		s3_owner(&r, owner);
		ret = s3_send(c, &r, &reply, err);
		struct xml_doc *doc = ret == 0 ? s3_reply_xml(&r, &reply, err) : NULL;
		if (doc) {
			const struct xml_node *root = xml_root(doc);
			const char *next = xml_child_text(root, "NextPartNumberMarker");
			take_parts(root, out);
			free(*algorithm);
			*algorithm = xstrdup(xml_child_text(root, "ChecksumAlgorithm"));
			more = is_truncated(root) && next && *next && strcmp(next, marker.buf) != 0;
			strbuf_clear(&marker);
			strbuf_addstr(&marker, next ? next : "");
			xml_free(doc);
		} else {
			ret = -1;
		}
		s3_request_release(&r);
		http_reply_release(&reply);
	}
	strbuf_release(&marker);
	return ret;
}
