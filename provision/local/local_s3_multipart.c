/* "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts". */
#include "base64.h"
#include "hex.h"
#include "local_s3_copy.h"
#include "xalloc.h"

#define MAX_PARTS 10000
#define MIN_PART ((int64_t)5 << 20)

struct upload {
	char *id, *key, *storage_class, *sum_alg, *sum_type, *head, *tags;
	int64_t created_ms;
};

static void upload_release(struct upload *u)
{
	free(u->id);
	free(u->key);
	free(u->storage_class);
	free(u->sum_alg);
	free(u->sum_type);
	free(u->head);
	free(u->tags);
	*u = (struct upload){0};
}

void local_s3_part_release(struct s3_part *p)
{
	free(p->file);
	free(p->etag);
	free(p->sum_alg);
	free(p->sum);
	*p = (struct s3_part){0};
}

static int no_upload(struct err *err)
{
	return local_fault(err, 404, "NoSuchUpload",
		"The specified upload does not exist. The upload ID may be invalid, or the upload "
		"may have been aborted or completed.");
}

/* The upload that the request names. In a transaction. */
static int upload_get(struct local_s3_call *c, struct upload *u, struct err *err)
{
	const char *id = local_s3_param(c, "uploadId");
	struct sql_stmt *st = sql_query(c->cloud->db, err,
		"SELECT id, key, class, sum_alg, sum_type, head, tags, created_ms FROM s3_upload "
		"WHERE id = ? AND bucket = ? AND key = ?",
		"sss", id ? id : "", c->bucket, c->key);
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		u->id = xstrdup(sql_text(st, 0));
		u->key = xstrdup(sql_text(st, 1));
		u->storage_class = xstrdup(sql_text(st, 2));
		u->sum_alg = xstrdup(sql_text(st, 3));
		u->sum_type = xstrdup(sql_text(st, 4));
		u->head = xstrdup(sql_text(st, 5));
		u->tags = xstrdup(sql_text(st, 6));
		u->created_ms = sql_int(st, 7);
	}
	sql_done(st);
	if (row)
		return row < 0 ? -1 : 0;
	return no_upload(err);
}

/* --- create --- */

static int choose_sum(struct local_s3_call *c, const struct s3_sum_kind **kind, const char **type,
	struct err *err)
{
	const char *named = local_s3_header(c, "x-amz-checksum-algorithm"),
		   *wanted = local_s3_header(c, "x-amz-checksum-type");

	*kind = local_s3_sum_kind_find(named);
	*type = NULL;
	if (named && !*kind)
		return local_fault(err, 400, "InvalidRequest",
			"Checksum algorithm provided is unsupported. Please try again with any of "
			"the valid types: " S3_SUM_NAMES);
	if (!*kind)
		return 0;
	*type = !strcmp((*kind)->name, "CRC64NVME") ? "FULL_OBJECT" : "COMPOSITE";
	if (!wanted)
		return 0;
	if ((strcmp(wanted, "FULL_OBJECT") && strcmp(wanted, "COMPOSITE")) ||
		(!strcmp(wanted, "FULL_OBJECT") && !digest_crc_bytes((*kind)->digest)) ||
		(!strcmp(wanted, "COMPOSITE") && !strcmp((*kind)->name, "CRC64NVME")))
		return local_fault(err, 400, "InvalidRequest",
			"The %s checksum type cannot be used with the %s checksum algorithm.",
			wanted, (*kind)->name);
	*type = wanted;
	return 0;
}

int local_s3_create_upload(struct local_s3_call *c, struct err *err)
{
	const char *tagging = local_s3_header(c, "x-amz-tagging"), *type;
	const struct s3_sum_kind *kind;
	struct json *head = NULL, *tags = NULL;
	struct strbuf head_text = STRBUF_INIT, tags_text = STRBUF_INIT, *sb;
	char *class = NULL, *id = local_id("", 64);
	int result = -1;

	if (choose_sum(c, &kind, &type, err) || local_s3_head_read(c, &head, &class, err) ||
		(tagging && local_s3_tags_header(tagging, &tags, err)))
		goto out;
	json_print(head, &head_text);
	if (tags)
		json_print(tags, &tags_text);
	if (local_tx_begin(c->cloud, err) ||
		sql_run(c->cloud->db, NULL, err,
			"INSERT INTO s3_upload(id, bucket, key, created_ms, class, sum_alg, "
			"sum_type, head, tags) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
			"sssisssss", id, c->bucket, c->key, local_now_ms(c->cloud), class,
			kind ? kind->name : NULL, type, head_text.buf,
			tags ? tags_text.buf : NULL) ||
		local_tx_commit(c->cloud, err))
		goto out;
	if (kind) {
		local_reply_header(c->reply, "x-amz-checksum-algorithm", "%s", kind->name);
		local_reply_header(c->reply, "x-amz-checksum-type", "%s", type);
	}
	local_s3_sse_print(c, head);
	sb = local_s3_xml(c, "InitiateMultipartUploadResult");
	xml_add_element(sb, "Bucket", c->bucket);
	xml_add_element(sb, "Key", c->key);
	xml_add_element(sb, "UploadId", id);
	strbuf_addstr(sb, "</InitiateMultipartUploadResult>");
	result = 0;
out:
	local_tx_end(c->cloud);
	json_free(head);
	json_free(tags);
	strbuf_release(&head_text);
	strbuf_release(&tags_text);
	free(class);
	free(id);
	return result;
}

/* --- parts --- */

int local_s3_part_number(struct local_s3_call *c, int64_t *number, struct err *err)
{
	const char *text = local_s3_param(c, "partNumber");
	long long n;

	if (!text || parse_int64(text, 1, MAX_PARTS, &n)) {
		local_s3_detail(c, "ArgumentName", "partNumber");
		local_s3_detail(c, "ArgumentValue", text);
		return local_s3_invalid(
			err, "Part number must be an integer between 1 and 10000, inclusive");
	}
	*number = n;
	return 0;
}

int local_s3_upload_sum_kind(
	struct local_s3_call *c, const struct s3_sum_kind **kind, struct err *err)
{
	struct upload u = {0};
	int result;

	if (local_tx_begin(c->cloud, err))
		return -1;
	result = upload_get(c, &u, err);
	local_tx_end(c->cloud);
	*kind = local_s3_sum_kind_find(u.sum_alg);
	upload_release(&u);
	return result;
}

static int part_file(struct local_s3_call *c, const char *upload, int64_t number,
	struct strvec *garbage, struct err *err)
{
	struct sql_stmt *st = sql_query(c->cloud->db, err,
		"SELECT file FROM s3_part WHERE upload = ? AND number = ?", "si", upload, number);
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		strvec_push(garbage, sql_text(st, 0));
	sql_done(st);
	return row < 0 ? -1 : 0;
}

int local_s3_part_commit(struct local_s3_call *c, struct store_writer *w,
	const struct s3_part *part, struct err *err)
{
	struct strvec garbage = STRVEC_INIT;
	struct upload u = {0};
	int result = -1;

	if (!local_tx_begin(c->cloud, err) && !upload_get(c, &u, err) &&
		!part_file(c, u.id, part->number, &garbage, err) &&
		!sql_run(c->cloud->db, NULL, err,
			"INSERT OR REPLACE INTO s3_part(upload, number, file, size, etag, "
			"modified_ms, sum_alg, sum) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
			"sisisiss", u.id, part->number, w->file, w->size, part->etag,
			local_now_ms(c->cloud), part->sum_alg, part->sum))
		result = local_tx_commit(c->cloud, err);
	local_tx_end(c->cloud);
	if (!result) {
		struct json *head = json_parse(u.head, strlen(u.head), NULL);

		store_writer_keep(w);
		store_remove(c->cloud, &garbage);
		local_s3_sse_print(c, head);
		json_free(head);
	}
	strvec_release(&garbage);
	upload_release(&u);
	return result;
}

int local_s3_upload_part(struct local_s3_call *c, struct err *err)
{
	struct s3_part part = {0};
	int result = -1;

	if (local_s3_part_number(c, &part.number, err))
		return -1;
	part.etag = xstrdup(c->sink.md5_hex);
	if (c->sink.sum_b64) {
		part.sum_alg = xstrdup(c->sink.kind->name);
		part.sum = xstrdup(c->sink.sum_b64);
	}
	if (!local_s3_part_commit(c, &c->sink.file, &part, err)) {
		c->reply->status = 200;
		local_reply_header(c->reply, "ETag", "\"%s\"", part.etag);
		local_s3_sum_headers(c, part.sum_alg, part.sum, NULL);
		result = 0;
	}
	local_s3_part_release(&part);
	return result;
}

int local_s3_list_parts(struct local_s3_call *c, struct err *err)
{
	struct sql_stmt *st = NULL;
	struct upload u = {0};
	struct strbuf items = STRBUF_INIT, *sb;
	const struct s3_sum_kind *kind;
	int64_t max, marker, nr = 0, last = 0;
	int row = -1, result = -1;

	if (local_s3_int_param(c, "max-parts", 1000, 1000, &max, err) ||
		local_s3_int_param(c, "part-number-marker", 0, MAX_PARTS, &marker, err) ||
		local_tx_begin(c->cloud, err) || upload_get(c, &u, err))
		goto out;
	st = sql_query(c->cloud->db, err,
		"SELECT number, modified_ms, etag, size, sum_alg, sum FROM s3_part "
		"WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
		"sii", u.id, marker, max + 1);
	while (st && (row = sql_step(st, err)) > 0 && nr < max) {
		strbuf_addstr(&items, "<Part>");
		last = sql_int(st, 0);
		local_s3_add_int(&items, "PartNumber", last);
		local_s3_add_time(&items, "LastModified", sql_int(st, 1));
		local_s3_add_etag(&items, sql_text(st, 2));
		local_s3_add_int(&items, "Size", sql_int(st, 3));
		if (u.sum_alg && (kind = local_s3_sum_kind_find(sql_text(st, 4))))
			xml_add_element(&items, kind->element, sql_text(st, 5));
		strbuf_addstr(&items, "</Part>");
		nr++;
	}
	if (row < 0)
		goto out;
	sb = local_s3_xml(c, "ListPartsResult");
	xml_add_element(sb, "Bucket", c->bucket);
	xml_add_element(sb, "Key", c->key);
	xml_add_element(sb, "UploadId", u.id);
	local_s3_add_owner(c, sb, "Initiator");
	local_s3_add_owner(c, sb, "Owner");
	xml_add_element(sb, "StorageClass", u.storage_class);
	local_s3_add_int(sb, "PartNumberMarker", marker);
	local_s3_add_int(sb, "NextPartNumberMarker", last);
	local_s3_add_int(sb, "MaxParts", max);
	local_s3_add_bool(sb, "IsTruncated", row > 0 && max > 0);
	xml_add_element(sb, "ChecksumAlgorithm", u.sum_alg);
	xml_add_element(sb, "ChecksumType", u.sum_type);
	strbuf_add(sb, items.buf, items.len);
	strbuf_addstr(sb, "</ListPartsResult>");
	result = 0;
out:
	sql_done(st);
	local_tx_end(c->cloud);
	strbuf_release(&items);
	upload_release(&u);
	return result;
}

/* --- the end of an upload --- */

static int all_part_files(
	struct local_s3_call *c, const char *upload, struct strvec *garbage, struct err *err)
{
	struct sql_stmt *st = sql_query(
		c->cloud->db, err, "SELECT file FROM s3_part WHERE upload = ?", "s", upload);
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0)
		strvec_push(garbage, sql_text(st, 0));
	sql_done(st);
	return row;
}

/* Takes the upload and its parts away. In a transaction. */
static int drop_upload(
	struct local_s3_call *c, const char *upload, struct strvec *garbage, struct err *err)
{
	return all_part_files(c, upload, garbage, err) ||
			       sql_run(c->cloud->db, NULL, err,
				       "DELETE FROM s3_part WHERE upload = ?", "s", upload) ||
			       sql_run(c->cloud->db, NULL, err,
				       "DELETE FROM s3_upload WHERE id = ?", "s", upload)
		       ? -1
		       : 0;
}

int local_s3_abort_upload(struct local_s3_call *c, struct err *err)
{
	struct strvec garbage = STRVEC_INIT;
	struct upload u = {0};
	int result = -1;

	if (!local_tx_begin(c->cloud, err) && !upload_get(c, &u, err) &&
		!drop_upload(c, u.id, &garbage, err))
		result = local_tx_commit(c->cloud, err);
	local_tx_end(c->cloud);
	if (!result)
		store_remove(c->cloud, &garbage);
	c->reply->status = 204;
	strvec_release(&garbage);
	upload_release(&u);
	return result;
}

/* --- complete --- */

struct completion {
	struct upload upload;
	struct s3_part *parts; /* those that the client named, in order */
	size_t nr, alloc;
	const struct s3_sum_kind *kind;
	bool full; /* the checksum is that of the whole object */
};

static void completion_release(struct completion *f)
{
	size_t i;

	for (i = 0; i < f->nr; i++)
		local_s3_part_release(&f->parts[i]);
	free(f->parts);
	upload_release(&f->upload);
}

static int part_read(
	struct local_s3_call *c, struct completion *f, struct s3_part *p, struct err *err)
{
	struct sql_stmt *st = sql_query(c->cloud->db, err,
		"SELECT file, size, etag, sum_alg, sum FROM s3_part WHERE upload = ? AND number = "
		"?",
		"si", f->upload.id, p->number);
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		p->file = xstrdup(sql_text(st, 0));
		p->size = sql_int(st, 1);
		p->etag = xstrdup(sql_text(st, 2));
		p->sum_alg = xstrdup(sql_text(st, 3));
		p->sum = xstrdup(sql_text(st, 4));
	}
	sql_done(st);
	return row;
}

static bool same_etag(const char *given, const char *etag)
{
	size_t len = strlen(given);

	if (len >= 2 && given[0] == '"' && given[len - 1] == '"')
		return len - 2 == strlen(etag) && !strncmp(given + 1, etag, len - 2);
	return !strcmp(given, etag);
}

static int invalid_part(
	struct local_s3_call *c, const char *number, const char *etag, struct err *err)
{
	local_s3_detail(c, "UploadId", local_s3_param(c, "uploadId"));
	local_s3_detail(c, "PartNumber", number);
	local_s3_detail(c, "ETag", etag);
	return local_fault(err, 400, "InvalidPart",
		"One or more of the specified parts could not be found. The part may not have been "
		"uploaded, or the specified entity tag may not match the part's entity tag.");
}

static int no_part_sum(const struct completion *f, long long number, struct err *err)
{
	char *name = xstrdup(f->kind->name);

	lower_ascii(name);
	local_fault(err, 400, "InvalidRequest",
		"The upload was created using a %s checksum. The complete request must include the "
		"checksum for each part. It was missing for part %lld in the request.",
		name, number);
	free(name);
	return -1;
}

/* One <Part> of the client's list against what was uploaded. */
static int add_part(
	struct local_s3_call *c, struct completion *f, struct xml_node *n, struct err *err)
{
	const char *number = xml_child_text(n, "PartNumber"), *etag = xml_child_text(n, "ETag"),
		   *sum;
	struct s3_part *p;
	long long value;
	int found;

	if (!number || !etag || parse_int64(number, 1, MAX_PARTS, &value))
		return local_s3_malformed(err);
	if (f->nr && f->parts[f->nr - 1].number >= value)
		return local_fault(err, 400, "InvalidPartOrder",
			"The list of parts was not in ascending order. Parts must be ordered by "
			"part number.");
	ALLOC_GROW(f->parts, f->nr, f->alloc);
	p = &f->parts[f->nr++];
	*p = (struct s3_part){.number = value};
	found = part_read(c, f, p, err);
	if (found <= 0)
		return found ? -1 : invalid_part(c, number, etag, err);
	sum = xml_child_text(n, f->kind->element);
	if (!sum && !f->full)
		return no_part_sum(f, value, err);
	if (!same_etag(etag, p->etag) || (sum && p->sum && strcmp(sum, p->sum)))
		return invalid_part(c, number, etag, err);
	return 0;
}

static void part_too_small(struct local_s3_call *c, const struct s3_part *p, struct err *err)
{
	local_s3_add_int(&c->detail, "ProposedSize", p->size);
	local_s3_add_int(&c->detail, "MinSizeAllowed", MIN_PART);
	local_s3_add_int(&c->detail, "PartNumber", p->number);
	local_s3_detail(c, "ETag", p->etag);
	local_fault(err, 400, "EntityTooSmall",
		"Your proposed upload is smaller than the minimum allowed size");
}

static int read_parts(struct local_s3_call *c, struct completion *f, struct err *err)
{
	struct xml_doc *doc = xml_parse(c->sink.memory.buf, c->sink.memory.len, NULL);
	struct xml_node *root = doc ? xml_root(doc) : NULL, *n;
	int result = -1;
	size_t i;

	if (!root || strcmp(xml_name(root), "CompleteMultipartUpload")) {
		local_s3_malformed(err);
		goto out;
	}
	xml_each(n, root) if (!strcmp(xml_name(n), "Part") && add_part(c, f, n, err)) goto out;
	if (!f->nr) {
		local_s3_malformed(err);
		goto out;
	}
	for (i = 0; i + 1 < f->nr; i++)
		if (f->parts[i].size < MIN_PART) {
			part_too_small(c, &f->parts[i], err);
			goto out;
		}
	result = 0;
out:
	xml_free(doc);
	return result;
}

/* Have the parts CRCs of the upload's kind? Then the whole's is made of them, without reading a byte. */
static bool can_join_sums(const struct completion *f)
{
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (!f->parts[i].sum || strcmp(f->parts[i].sum_alg, f->kind->name))
			return false;
	return f->full && digest_crc_bytes(f->kind->digest);
}

static int join_sums(struct completion *f, struct store_object *o, struct err *err)
{
	struct strbuf whole = STRBUF_INIT, raw = STRBUF_INIT, b64 = STRBUF_INIT;
	size_t i, len = digest_crc_bytes(f->kind->digest);
	int result = 0;

	for (i = 0; i < f->nr && !result; i++) {
		struct s3_part *p = &f->parts[i];

		strbuf_clear(&raw);
		if (base64_decode(&raw, p->sum, strlen(p->sum)) || raw.len != len)
			result = err_set(err, ERR_FAILED, "a part's checksum is broken");
		else if (!i)
			strbuf_add(&whole, raw.buf, raw.len);
		else
			digest_crc_join(f->kind->digest, (unsigned char *)whole.buf,
				(const unsigned char *)raw.buf, (uint64_t)p->size);
	}
	base64_encode(&b64, whole.buf, whole.len);
	o->sum = strbuf_detach(&b64, NULL);
	strbuf_release(&whole);
	strbuf_release(&raw);
	return result;
}

/* All parts into one file. Where the whole's checksum cannot be had otherwise, the bytes go through its digest. */
static int join_parts(struct local_s3_call *c, struct completion *f, struct store_writer *w,
	struct store_object *o, struct err *err)
{
	struct digest *digests[2] = {NULL, NULL};
	struct strbuf raw = STRBUF_INIT, b64 = STRBUF_INIT;
	size_t i;
	int result = -1;

	if (can_join_sums(f)) {
		if (join_sums(f, o, err))
			goto out;
	} else if (f->full)
		digests[0] = digest_new(f->kind->digest);
	if (store_writer_open(c->cloud, w, err))
		goto out;
	for (i = 0; i < f->nr; i++)
		if (local_s3_copy_bytes(c->cloud, f->parts[i].file, 0, f->parts[i].size, w,
			    digests[0] ? digests : NULL, err))
			goto out;
	if (digests[0]) {
		digest_finish(digests[0], &raw);
		digests[0] = NULL;
		base64_encode(&b64, raw.buf, raw.len);
		o->sum = strbuf_detach(&b64, NULL);
	}
	result = store_writer_seal(c->cloud, w, err);
out:
	digest_free(digests[0]);
	strbuf_release(&raw);
	strbuf_release(&b64);
	return result;
}

/* The MD5 of the parts' MD5s, and likewise of their checksums, with the number of parts behind. */
static int composite(struct completion *f, struct store_object *o, struct err *err)
{
	struct strbuf md5s = STRBUF_INIT, sums = STRBUF_INIT, text = STRBUF_INIT;
	unsigned char md5[MD5_BYTES];
	bool all = !f->full;
	struct digest *d;
	size_t i;
	int result = 0;

	for (i = 0; i < f->nr && !result; i++) {
		if (hex_decode(&md5s, f->parts[i].etag, strlen(f->parts[i].etag)))
			result = err_set(err, ERR_FAILED, "a part's ETag is broken");
		all = all && f->parts[i].sum &&
		      !base64_decode(&sums, f->parts[i].sum, strlen(f->parts[i].sum));
	}
	digest_md5(md5s.buf, md5s.len, md5);
	hex_encode(&text, md5, sizeof(md5));
	strbuf_addf(&text, "-%zu", f->nr);
	o->etag = strbuf_detach(&text, NULL);
	if (all) {
		d = digest_new(f->kind->digest);
		digest_add(d, sums.buf, sums.len);
		strbuf_clear(&md5s);
		digest_finish(d, &md5s);
		base64_encode(&text, md5s.buf, md5s.len);
		strbuf_addf(&text, "-%zu", f->nr);
		o->sum = strbuf_detach(&text, NULL);
	}
	if (o->sum) {
		o->sum_alg = xstrdup(f->kind->name);
		o->sum_type = xstrdup(f->full ? "FULL_OBJECT" : "COMPOSITE");
	}
	strbuf_release(&md5s);
	strbuf_release(&sums);
	strbuf_release(&text);
	return result;
}

static int check_whole_sum(struct local_s3_call *c, const struct completion *f,
	const struct store_object *o, struct err *err)
{
	const char *given = f->kind && o->sum ? local_s3_header(c, f->kind->header) : NULL,
		   *size = local_s3_header(c, "x-amz-mp-object-size");
	long long n;

	if (size && (parse_int64(size, 0, INT64_MAX, &n) || n != o->size))
		return local_fault(err, 400, "InvalidRequest",
			"The provided 'x-amz-mp-object-size' header does not match what was "
			"computed.");
	if (!given || !strcmp(given, o->sum))
		return 0;
	return local_fault(err, 400, "BadDigest",
		"The %s you specified did not match the calculated checksum.", f->kind->name);
}

static void describe(struct completion *f, struct local_s3_call *c, struct store_writer *w,
	struct store_object *o)
{
	size_t i;

	o->key = xstrdup(c->key);
	o->file = xstrdup(w->file);
	o->size = w->size;
	o->modified_ms = local_now_ms(c->cloud);
	o->storage_class = xstrdup(f->upload.storage_class);
	o->head = json_parse(f->upload.head, strlen(f->upload.head), NULL);
	if (f->upload.tags)
		o->tags = json_parse(f->upload.tags, strlen(f->upload.tags), NULL);
	o->parts = json_array();
	for (i = 0; i < f->nr; i++) {
		struct json *part = json_object();

		json_set_i64(part, "size", f->parts[i].size);
		if (f->upload.sum_alg && f->parts[i].sum_alg &&
			!strcmp(f->parts[i].sum_alg, f->upload.sum_alg))
			json_set_str(part, "sum", f->parts[i].sum);
		/* by which a completion that is sent again is known */
		if (!i)
			json_set_str(part, "upload", f->upload.id);
		json_push(o->parts, part);
	}
}

/* The object that a completion of this upload made before, if it is still the newest. 1, 0, -1. */
static int find_completed(struct local_s3_call *c, struct store_object *o, struct err *err)
{
	const char *id = local_s3_param(c, "uploadId"), *made;
	int found;

	if (local_tx_begin(c->cloud, err))
		return -1;
	found = store_find(c->cloud, c->bucket, c->key, NULL, o, err);
	local_tx_end(c->cloud);
	if (found <= 0)
		return found;
	made = json_get_str(json_at(o->parts, 0), "upload");
	return made && id && !strcmp(made, id);
}

static int begin_completion(struct local_s3_call *c, struct completion *f, struct err *err)
{
	int result = -1;

	if (!local_tx_begin(c->cloud, err) && !upload_get(c, &f->upload, err)) {
		bool named = f->upload.sum_alg != NULL;

		f->kind = local_s3_sum_kind_find(named ? f->upload.sum_alg : S3_DEFAULT_SUM);
		f->full = !named || !strcmp(f->upload.sum_type, "FULL_OBJECT");
		result = read_parts(c, f, err);
	}
	local_tx_end(c->cloud);
	return result;
}

static int commit_completion(struct local_s3_call *c, struct completion *f, struct store_writer *w,
	struct store_object *o, struct err *err)
{
	struct strvec garbage = STRVEC_INIT;
	struct store_bucket b = {0};
	struct upload still = {0};
	int result = -1;

	/* an abort or a second completion may have been faster */
	if (!local_tx_begin(c->cloud, err) && !store_bucket_get(c->cloud, c->bucket, &b, err) &&
		!upload_get(c, &still, err) && !local_s3_write_conditions(c, err) &&
		!store_put(c->cloud, &b, o, &garbage, err) &&
		!drop_upload(c, f->upload.id, &garbage, err))
		result = local_tx_commit(c->cloud, err);
	local_tx_end(c->cloud);
	if (!result) {
		store_writer_keep(w);
		store_remove(c->cloud, &garbage);
		local_s3_version_header(c, &b, o->version);
	}
	upload_release(&still);
	strvec_release(&garbage);
	store_bucket_release(&b);
	return result;
}

static void print_completion(struct local_s3_call *c, const struct store_object *o)
{
	const struct s3_sum_kind *kind = local_s3_sum_kind_find(o->sum_alg);
	struct strbuf *sb = local_s3_xml(c, "CompleteMultipartUploadResult");

	strbuf_addf(sb, "<Location>%s/%s/", c->cloud->endpoint, c->bucket);
	xml_add_escaped(sb, c->key);
	strbuf_addstr(sb, "</Location>");
	xml_add_element(sb, "Bucket", c->bucket);
	xml_add_element(sb, "Key", c->key);
	local_s3_add_etag(sb, o->etag);
	if (kind && o->sum) {
		xml_add_element(sb, kind->element, o->sum);
		xml_add_element(sb, "ChecksumType", o->sum_type);
	}
	strbuf_addstr(sb, "</CompleteMultipartUploadResult>");
	local_s3_sse_print(c, o->head);
}

/* The upload is gone: the same answer again, if it was completed. */
static int complete_again(struct local_s3_call *c, struct err *err)
{
	struct store_object o = {0};
	int found;

	err_release(err);
	found = find_completed(c, &o, err);

	if (found > 0) {
		print_completion(c, &o);
		if (strcmp(o.version, "null"))
			local_reply_header(c->reply, "x-amz-version-id", "%s", o.version);
	} else if (!found)
		no_upload(err);
	store_object_release(&o);
	return found > 0 ? 0 : -1;
}

int local_s3_complete_upload(struct local_s3_call *c, struct err *err)
{
	struct store_writer w = STORE_WRITER_INIT;
	struct completion f = {0};
	struct store_object o = {0};
	int result = -1;

	if (begin_completion(c, &f, err)) {
		if (err->aws_code && !strcmp(err->aws_code, "NoSuchUpload"))
			result = complete_again(c, err);
		goto out;
	}
	if (join_parts(c, &f, &w, &o, err) || composite(&f, &o, err))
		goto out;
	describe(&f, c, &w, &o);
	if (check_whole_sum(c, &f, &o, err) || commit_completion(c, &f, &w, &o, err))
		goto out;
	print_completion(c, &o);
	result = 0;
out:
	store_writer_release(c->cloud, &w);
	store_object_release(&o);
	completion_release(&f);
	return result;
}
