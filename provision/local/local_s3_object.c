/* "PutObject", "GetObject", "HeadObject", "GetObjectAttributes". */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>
#include "base64.h"
#include "local_s3.h"
#include "xalloc.h"

/* Headers that stay with an object and come back with it; `override` is GetObject's parameter that replaces one. */
static const struct kept_header {
	const char *name, *override;
} kept_headers[] = {
	{"content-type", "response-content-type"},
	{"cache-control", "response-cache-control"},
	{"content-disposition", "response-content-disposition"},
	{"content-encoding", "response-content-encoding"},
	{"content-language", "response-content-language"},
	{"expires", "response-expires"},
	{"x-amz-website-redirect-location", NULL},
};

#define META "x-amz-meta-"
#define MAX_META 2048

static const char *const storage_classes[] = {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA",
	"ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"};

/* --- what an object keeps --- */

/* "aws-chunked" describes the transfer, not the object. */
static char *strip_chunked(const char *encoding)
{
	struct strvec all = STRVEC_INIT;
	struct strbuf left = STRBUF_INIT;
	size_t i;

	strvec_split(&all, encoding, ',');
	for (i = 0; i < all.nr; i++) {
		struct strbuf one = STRBUF_INIT;

		strbuf_addstr(&one, all.v[i]);
		strbuf_trim(&one);
		if (one.len && !iequals(one.buf, "aws-chunked"))
			strbuf_addf(&left, "%s%s", left.len ? "," : "", one.buf);
		strbuf_release(&one);
	}
	strvec_release(&all);
	return strbuf_detach(&left, NULL);
}

static int read_meta(struct local_s3_call *c, struct json *head, struct err *err)
{
	const struct local_http *h = c->http;
	size_t i, size = 0;

	for (i = 0; i < h->nr_headers; i++) {
		char *name = xstrdup(h->headers[i].name);

		lower_ascii(name);
		if (starts_with(name, META)) {
			const char *value = h->headers[i].value;

			size += strlen(name) - strlen(META) + strlen(value);
			json_set_str(head, name, value);
		}
		free(name);
	}
	if (size <= MAX_META)
		return 0;
	return local_fault(err, 400, "MetadataTooLarge",
		"Your metadata headers exceed the maximum allowed metadata size");
}

int local_s3_head_read(
	struct local_s3_call *c, struct json **head, char **storage_class, struct err *err)
{
	const char *class = local_s3_header(c, "x-amz-storage-class");
	size_t i;

	*storage_class = NULL;
	*head = json_object();
	for (i = 0; i < ARRAY_SIZE(kept_headers); i++) {
		const char *value = local_s3_header(c, kept_headers[i].name);
		char *stripped;

		if (!value || strcmp(kept_headers[i].name, "content-encoding")) {
			json_set_str(*head, kept_headers[i].name, value);
			continue;
		}
		stripped = strip_chunked(value);
		if (*stripped)
			json_set_str(*head, kept_headers[i].name, stripped);
		free(stripped);
	}
	if (!json_get(*head, "content-type"))
		json_set_str(*head, "content-type", "binary/octet-stream");
	for (i = 0; class && i < ARRAY_SIZE(storage_classes); i++)
		if (!strcmp(class, storage_classes[i]))
			break;
	if (class && i == ARRAY_SIZE(storage_classes))
		return local_fault(err, 400, "InvalidStorageClass",
			"The storage class you specified is not valid");
	*storage_class = xstrdup(class ? class : "STANDARD");
	return local_s3_check_acl(c, err) || local_s3_sse_read(c, *head, err) ||
			       local_s3_lock_read(c, *head, err) || read_meta(c, *head, err)
		       ? -1
		       : 0;
}

/* --- finding --- */

static int missing_key(struct local_s3_call *c, const char *bucket, struct err *err)
{
	/* who may not list must not learn whether it is there */
	if (local_s3_authorize(c, "s3:ListBucket", bucket, NULL, NULL, err))
		return -1;
	return local_fault(err, 404, "NoSuchKey", "The specified key does not exist.");
}

int local_s3_object_get(struct local_s3_call *c, const char *bucket, const char *key,
	const char *version, struct store_object *o, struct err *err)
{
	int found;

	if (local_tx_begin(c->cloud, err))
		return -1;
	found = store_find(c->cloud, bucket, key, version, o, err);
	local_tx_end(c->cloud);
	if (found < 0)
		return -1;
	if (found && o->marker) {
		local_reply_header(c->reply, "x-amz-delete-marker", "true");
		local_reply_header(c->reply, "x-amz-version-id", "%s", o->version);
		if (!version)
			return missing_key(c, bucket, err);
		local_reply_header(c->reply, "Allow", "DELETE");
		local_s3_detail(c, "ResourceType", "DeleteMarker");
		return local_fault(err, 405, "MethodNotAllowed",
			"The specified method is not allowed against this resource.");
	}
	if (found)
		return 0;
	if (version && (strlen(version) == 32 || !strcmp(version, "null")))
		return local_fault(
			err, 404, "NoSuchVersion", "The specified version does not exist.");
	return version ? local_s3_invalid(err, "Invalid version id specified")
		       : missing_key(c, bucket, err);
}

/* --- conditions --- */

/* Is the ETag among those of the header ("*", "\"a\", W/\"b\"")? */
static bool etag_listed(const char *list, const char *etag)
{
	struct strvec all = STRVEC_INIT;
	bool found = false;
	size_t i;

	strvec_split(&all, list, ',');
	for (i = 0; !found && i < all.nr; i++) {
		struct strbuf one = STRBUF_INIT;

		strbuf_addstr(&one, all.v[i]);
		strbuf_trim(&one);
		if (starts_with(one.buf, "W/"))
			strbuf_remove(&one, 0, 2);
		/* S3 takes them with both quotes, one, or none */
		if (one.len && one.buf[one.len - 1] == '"')
			strbuf_setlen(&one, one.len - 1);
		if (*one.buf == '"')
			strbuf_remove(&one, 0, 1);
		found = !strcmp(one.buf, "*") || !strcmp(one.buf, etag);
		strbuf_release(&one);
	}
	strvec_release(&all);
	return found;
}

static const char *condition(struct local_s3_call *c, const char *prefix, const char *name)
{
	char *full = xasprintf("%s%s", prefix, name);
	const char *value = local_s3_header(c, full);

	free(full);
	return value;
}

static int failed_read(
	struct local_s3_call *c, const char *prefix, const char *name, struct err *err)
{
	char *full = xasprintf("%s%s", prefix, name);
	int result = local_s3_precondition(c, full, err);

	free(full);
	return result;
}

int local_s3_read_conditions(struct local_s3_call *c, const struct store_object *o,
	const char *prefix, bool get, struct err *err)
{
	const char *match = condition(c, prefix, "if-match"),
		   *none = condition(c, prefix, "if-none-match"),
		   *since = condition(c, prefix, "if-modified-since"),
		   *unmodified = condition(c, prefix, "if-unmodified-since");
	int64_t modified = o->modified_ms - o->modified_ms % 1000, ms;

	if (match && !etag_listed(match, o->etag))
		return failed_read(c, prefix, "If-Match", err);
	if (!match && unmodified && !clock_parse(unmodified, &ms) && modified > ms)
		return failed_read(c, prefix, "If-Unmodified-Since", err);
	if ((none && etag_listed(none, o->etag)) ||
		(!none && since && !clock_parse(since, &ms) && modified <= ms)) {
		local_reply_header(c->reply, "ETag", "\"%s\"", o->etag);
		if (get)
			return local_fault(err, 304, "NotModified", "Not Modified");
		return failed_read(c, prefix, none ? "If-None-Match" : "If-Modified-Since", err);
	}
	return 0;
}

int local_s3_write_conditions(struct local_s3_call *c, struct err *err)
{
	const char *match = local_s3_header(c, "if-match"),
		   *none = local_s3_header(c, "if-none-match");
	struct store_object o = {0};
	int found, result = 0;

	if (!match && !none)
		return 0;
	if (none && strcmp(none, "*"))
		return local_fault(err, 501, "NotImplemented",
			"A header you provided implies functionality that is not implemented");
	found = store_find(c->cloud, c->bucket, c->key, NULL, &o, err);
	if (found < 0)
		result = -1;
	else if (!found || o.marker)
		result = match ? local_fault(
					 err, 404, "NoSuchKey", "The specified key does not exist.")
			       : 0;
	else if (none || !etag_listed(match, o.etag))
		result = local_s3_precondition(c, none ? "If-None-Match" : "If-Match", err);
	store_object_release(&o);
	return result;
}

/* --- put --- */

void local_s3_sum_headers(
	struct local_s3_call *c, const char *alg, const char *sum, const char *type)
{
	const struct s3_sum_kind *kind = local_s3_sum_kind_find(alg);

	if (!kind || !sum)
		return;
	local_reply_header(c->reply, kind->header, "%s", sum);
	if (type)
		local_reply_header(c->reply, "x-amz-checksum-type", "%s", type);
}

void local_s3_version_header(
	struct local_s3_call *c, const struct store_bucket *b, const char *version)
{
	if (*b->versioning && version)
		local_reply_header(c->reply, "x-amz-version-id", "%s", version);
}

static int read_object(struct local_s3_call *c, struct store_object *o, struct err *err)
{
	const char *tagging = local_s3_header(c, "x-amz-tagging");
	struct s3_sink *s = &c->sink;

	o->key = xstrdup(c->key);
	o->file = xstrdup(s->file.file);
	o->size = s->file.size;
	o->etag = xstrdup(s->md5_hex);
	o->modified_ms = local_now_ms(c->cloud);
	if (s->sum_b64) {
		o->sum_alg = xstrdup(s->kind->name);
		o->sum = xstrdup(s->sum_b64);
		o->sum_type = xstrdup("FULL_OBJECT");
	}
	if (tagging && local_s3_tags_header(tagging, &o->tags, err))
		return -1;
	return local_s3_head_read(c, &o->head, &o->storage_class, err);
}

int local_s3_put_object(struct local_s3_call *c, struct err *err)
{
	struct strvec garbage = STRVEC_INIT;
	struct store_object o = {0};
	struct store_bucket b = {0};
	int result = -1;

	if (read_object(c, &o, err) ||
		(o.tags && local_s3_authorize(
				   c, "s3:PutObjectTagging", c->bucket, c->key, NULL, err)) ||
		local_tx_begin(c->cloud, err) || store_bucket_get(c->cloud, c->bucket, &b, err) ||
		local_s3_write_conditions(c, err) || store_put(c->cloud, &b, &o, &garbage, err) ||
		local_tx_commit(c->cloud, err))
		goto out;
	store_writer_keep(&c->sink.file);
	c->reply->status = 200;
	local_reply_header(c->reply, "ETag", "\"%s\"", o.etag);
	local_s3_sse_print(c, o.head);
	local_s3_sum_headers(c, o.sum_alg, o.sum, o.sum_type);
	local_s3_version_header(c, &b, o.version);
	result = 0;
out:
	local_tx_end(c->cloud);
	if (!result)
		store_remove(c->cloud, &garbage);
	strvec_release(&garbage);
	store_object_release(&o);
	store_bucket_release(&b);
	return result;
}

/* --- get --- */

struct range {
	int64_t first, last; /* both included */
	bool whole;
	const char *part_sum; /* borrowed from the object; NULL */
};

static int bad_range(struct local_s3_call *c, int64_t size, struct err *err)
{
	char *actual = xasprintf("%" PRId64, size);

	local_reply_header(c->reply, "Content-Range", "bytes */%" PRId64, size);
	local_s3_detail(c, "RangeRequested", local_s3_header(c, "range"));
	local_s3_detail(c, "ActualObjectSize", actual);
	free(actual);
	return local_fault(err, 416, "InvalidRange", "The requested range is not satisfiable");
}

/* "bytes=a-b", "bytes=a-", "bytes=-n"; anything else is no range, as S3 has it. */
static int read_range(struct local_s3_call *c, int64_t size, struct range *r, struct err *err)
{
	const char *text = local_s3_header(c, "range"), *dash;
	long long first = 0, last = 0;
	char *head;
	bool bad;

	*r = (struct range){0, size - 1, true, NULL};
	if (!text || !starts_with(text, "bytes=") || strchr(text, ','))
		return 0;
	text += strlen("bytes=");
	dash = strchr(text, '-');
	if (!dash)
		return 0;
	head = xstrndup(text, (size_t)(dash - text));
	bad = (*head && parse_int64(head, 0, INT64_MAX, &first)) ||
	      (dash[1] && parse_int64(dash + 1, 0, INT64_MAX, &last)) || (!*head && !dash[1]) ||
	      (*head && dash[1] && last < first);
	r->whole = bad;
	if (!bad && !*head) {
		r->first = last < size ? size - last : 0;
		if (!last || !size)
			r->first = size;
	} else if (!bad) {
		r->first = first;
		if (dash[1] && last < size - 1)
			r->last = last;
	}
	free(head);
	if (!r->whole && r->first >= size)
		return bad_range(c, size, err);
	return 0;
}

/* The range of one part of a multipart object; part 1 of any other is all of it. */
static int read_part_number(
	struct local_s3_call *c, const struct store_object *o, struct range *r, struct err *err)
{
	const char *text = local_s3_param(c, "partNumber");
	size_t nr = o->parts ? json_len(o->parts) : 1, i;
	long long number;

	if (!text)
		return 0;
	if (parse_int64(text, 1, 10000, &number))
		return local_s3_invalid(
			err, "Part number must be an integer between 1 and 10000, inclusive");
	if (local_s3_header(c, "range"))
		return local_fault(err, 400, "InvalidRequest",
			"Cannot specify both Range header and partNumber query parameter");
	if ((size_t)number > nr)
		return local_fault(err, 416, "InvalidPartNumber",
			"The requested partnumber is not satisfiable");
	if (!o->size)
		return 0; /* of nothing, there is no range */
	r->whole = false;
	if (o->parts) {
		for (i = 0; i + 1 < (size_t)number; i++)
			r->first += json_get_i64(json_at(o->parts, i), "size", 0);
		r->last = r->first + json_get_i64(json_at(o->parts, i), "size", 0) - 1;
		r->part_sum = json_get_str(json_at(o->parts, i), "sum");
		local_reply_header(c->reply, "x-amz-mp-parts-count", "%zu", nr);
	}
	return 0;
}

/* A header's value is ASCII: S3 gives back all else in the words of RFC 2047. */
static void print_head(struct local_s3_call *c, const char *name, const char *value)
{
	struct strbuf text = STRBUF_INIT;
	const char *p;

	if (local_s3_is_sse(name) || (local_s3_is_lock(name) && !local_s3_may_see_lock(c, name)))
		return;
	for (p = value; *p && (unsigned char)*p < 0x80; p++)
		;
	if (*p && starts_with(name, META)) {
		strbuf_addstr(&text, "=?UTF-8?B?");
		base64_encode(&text, value, strlen(value));
		strbuf_addstr(&text, "?=");
		value = text.buf;
	}
	local_reply_header(c->reply, name, "%s", value);
	strbuf_release(&text);
}

static void object_headers(
	struct local_s3_call *c, const struct store_object *o, const struct range *r)
{
	const char *mode = local_s3_header(c, "x-amz-checksum-mode");
	struct strbuf date = STRBUF_INIT;
	struct json *e;
	size_t i;

	clock_add_http(&date, o->modified_ms);
	local_reply_header(c->reply, "Last-Modified", "%s", date.buf);
	local_reply_header(c->reply, "ETag", "\"%s\"", o->etag);
	local_reply_header(c->reply, "Accept-Ranges", "bytes");
	local_s3_sse_print(c, o->head);
	if (strcmp(o->version, "null"))
		local_reply_header(c->reply, "x-amz-version-id", "%s", o->version);
	if (strcmp(o->storage_class, "STANDARD"))
		local_reply_header(c->reply, "x-amz-storage-class", "%s", o->storage_class);
	if (o->tags)
		local_reply_header(c->reply, "x-amz-tagging-count", "%zu", json_len(o->tags));
	json_each(e, o->head) print_head(c, json_name(e), json_str(e));
	for (i = 0; i < ARRAY_SIZE(kept_headers); i++) {
		const char *value = kept_headers[i].override
					    ? local_s3_param(c, kept_headers[i].override)
					    : NULL;

		if (value)
			local_reply_header(c->reply, kept_headers[i].name, "%s", value);
	}
	/* the checksum is that of the whole, or of one part */
	if (mode && iequals(mode, "ENABLED") && r->part_sum)
		local_s3_sum_headers(c, o->sum_alg, r->part_sum, o->sum_type);
	else if (mode && iequals(mode, "ENABLED") && r->whole)
		local_s3_sum_headers(c, o->sum_alg, o->sum, o->sum_type);
	strbuf_release(&date);
}

static int open_object(struct local_s3_call *c, struct store_object *o, struct err *err)
{
	int tries;

	for (tries = 0; tries < 5; tries++) {
		char *path = store_path(c->cloud, o->file);

		c->reply->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (c->reply->fd >= 0) {
			free(path);
			return 0;
		}
		if (errno != ENOENT) {
			err_errno(err, "cannot open '%s'", path);
			free(path);
			return -1;
		}
		free(path);
		/* overwritten or deleted since we looked: take what is there now */
		store_object_release(o);
		if (local_s3_object_get(
			    c, c->bucket, c->key, local_s3_param(c, "versionId"), o, err))
			return -1;
	}
	return err_set(err, ERR_IO, "the file of object '%s' is missing", c->key);
}

static int serve_object(struct local_s3_call *c, bool head, struct err *err)
{
	struct store_object o = {0};
	struct range r;
	int result = -1;

	if (local_s3_object_get(c, c->bucket, c->key, local_s3_param(c, "versionId"), &o, err) ||
		(!head && local_s3_check_active(c, &o, false, err)) ||
		(!head && open_object(c, &o, err)) ||
		local_s3_read_conditions(c, &o, "", true, err) || read_range(c, o.size, &r, err) ||
		read_part_number(c, &o, &r, err))
		goto out;
	object_headers(c, &o, &r);
	c->reply->status = r.whole ? 200 : 206;
	c->reply->offset = r.first;
	c->reply->length = r.last - r.first + 1;
	c->reply->length_only = head;
	if (!r.whole)
		local_reply_header(c->reply, "Content-Range",
			"bytes %" PRId64 "-%" PRId64 "/%" PRId64, r.first, r.last, o.size);
	result = 0;
out:
	store_object_release(&o);
	return result;
}

int local_s3_get_object(struct local_s3_call *c, struct err *err)
{
	return serve_object(c, false, err);
}

int local_s3_head_object(struct local_s3_call *c, struct err *err)
{
	return serve_object(c, true, err);
}
