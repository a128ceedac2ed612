/* "GetObjectAttributes". */
#include "local_s3.h"
#include "xalloc.h"

#define MAX_LISTED 1000

static const char *const attribute_names[] = {
	"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"};
enum { A_ETAG, A_CHECKSUM, A_PARTS, A_CLASS, A_SIZE, NR_ATTRIBUTES };

static int read_asked(struct local_s3_call *c, bool *asked, struct err *err)
{
	const char *text = local_s3_header(c, "x-amz-object-attributes");
	struct strvec words = STRVEC_INIT;
	size_t i, k;
	int result = 0;

	if (!text || !*text)
		return local_s3_invalid(err, "The x-amz-object-attributes header is missing");
	strvec_split(&words, text, ',');
	for (i = 0; !result && i < words.nr; i++) {
		struct strbuf word = STRBUF_INIT;

		strbuf_addstr(&word, words.v[i]);
		strbuf_trim(&word);
		for (k = 0; k < NR_ATTRIBUTES && strcmp(word.buf, attribute_names[k]); k++)
			;
		if (k < NR_ATTRIBUTES)
			asked[k] = true;
		else
			result = local_s3_invalid(err, "Invalid attribute name specified.");
		strbuf_release(&word);
	}
	strvec_release(&words);
	return result;
}

struct parts_page {
	int64_t max, marker;
};

static int read_number(struct local_s3_call *c, const char *name, int64_t otherwise, int64_t max,
	int64_t *out, struct err *err)
{
	const char *text = local_s3_header(c, name);
	long long n;

	*out = otherwise;
	if (!text || !*text)
		return 0;
	if (parse_int64(text, 0, INT32_MAX, &n))
		return local_s3_invalid(
			err, "Provided %s not an integer or within integer range", name);
	*out = n < max ? n : max;
	return 0;
}

static void print_part(
	struct strbuf *sb, const struct s3_sum_kind *kind, int64_t number, const struct json *part)
{
	strbuf_addstr(sb, "<Part>");
	local_s3_add_int(sb, "PartNumber", number);
	local_s3_add_int(sb, "Size", json_get_i64(part, "size", 0));
	xml_add_element(sb, kind->element, json_get_str(part, "sum"));
	strbuf_addstr(sb, "</Part>");
}

/* S3 lists the parts only when they have checksums of their own. */
static void print_parts(
	const struct store_object *o, const struct parts_page *page, struct strbuf *sb)
{
	const struct s3_sum_kind *kind = local_s3_sum_kind_find(o->sum_alg);
	int64_t i, nr = (int64_t)json_len(o->parts), end = page->marker + page->max;
	bool listed = kind && nr && json_get_str(json_at(o->parts, 0), "sum");

	strbuf_addstr(sb, "<ObjectParts>");
	local_s3_add_int(sb, "PartsCount", nr);
	if (listed) {
		local_s3_add_int(sb, "PartNumberMarker", page->marker);
		local_s3_add_int(sb, "NextPartNumberMarker", end < nr ? end : nr);
		local_s3_add_int(sb, "MaxParts", page->max);
		local_s3_add_bool(sb, "IsTruncated", end < nr);
	}
	for (i = page->marker; listed && i < nr && i < end; i++)
		print_part(sb, kind, i + 1, json_at(o->parts, (size_t)i));
	strbuf_addstr(sb, "</ObjectParts>");
}

static void print_checksum(const struct store_object *o, struct strbuf *sb)
{
	const struct s3_sum_kind *kind = local_s3_sum_kind_find(o->sum_alg);
	char *bare;

	if (!kind || !o->sum)
		return;
	/* here, a composite one goes without the number of its parts */
	bare = xstrndup(o->sum, strcspn(o->sum, "-"));
	strbuf_addstr(sb, "<Checksum>");
	xml_add_element(sb, kind->element, bare);
	xml_add_element(sb, "ChecksumType", o->sum_type);
	strbuf_addstr(sb, "</Checksum>");
	free(bare);
}

int local_s3_get_attributes(struct local_s3_call *c, struct err *err)
{
	bool asked[NR_ATTRIBUTES] = {false};
	struct parts_page page;
	struct store_object o = {0};
	struct strbuf date = STRBUF_INIT, *sb;
	int result = -1;

	if (read_asked(c, asked, err) ||
		read_number(c, "x-amz-max-parts", MAX_LISTED, MAX_LISTED, &page.max, err) ||
		read_number(c, "x-amz-part-number-marker", 0, INT32_MAX, &page.marker, err) ||
		local_s3_object_get(c, c->bucket, c->key, local_s3_param(c, "versionId"), &o, err))
		goto out;
	clock_add_http(&date, o.modified_ms);
	local_reply_header(c->reply, "Last-Modified", "%s", date.buf);
	if (strcmp(o.version, "null"))
		local_reply_header(c->reply, "x-amz-version-id", "%s", o.version);
	sb = local_s3_xml(c, "GetObjectAttributesResponse");
	if (asked[A_ETAG])
		xml_add_element(sb, "ETag", o.etag);
	if (asked[A_CHECKSUM])
		print_checksum(&o, sb);
	if (asked[A_PARTS] && o.parts)
		print_parts(&o, &page, sb);
	if (asked[A_CLASS])
		xml_add_element(sb, "StorageClass", o.storage_class);
	if (asked[A_SIZE])
		local_s3_add_int(sb, "ObjectSize", o.size);
	strbuf_addstr(sb, "</GetObjectAttributesResponse>");
	result = 0;
out:
	strbuf_release(&date);
	store_object_release(&o);
	return result;
}
