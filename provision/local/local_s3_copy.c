/* "CopyObject" and "UploadPartCopy": bytes go from file to file inside the kernel where no checksum is needed. */
#include "local_s3_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "base64.h"
#include "hex.h"
#include "uri.h"
#include "xalloc.h"

#define STEP ((size_t)1 << 20)

/* --- bytes --- */

int local_s3_copy_bytes(struct local_cloud *cloud, const char *file, int64_t offset, int64_t length,
	struct store_writer *w, struct digest *const *digests, struct err *err)
{
	char *path = store_path(cloud, file), *block = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = -1;
	size_t i;

	if (fd < 0) {
		err_errno(err, "cannot open '%s'", path);
		goto out;
	}
	block = xmalloc(STEP);
	while (length > 0) {
		size_t want = length < (int64_t)STEP ? (size_t)length : STEP;
		ssize_t n = digests ? pread(fd, block, want, offset)
				    : copy_file_range(fd, &offset, w->fd, NULL, (size_t)length, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && !digests && (errno == EXDEV || errno == EINVAL || errno == ENOSYS)) {
			n = pread(fd, block, want, offset);
			if (n > 0 && store_writer_add(cloud, w, block, (size_t)n, err))
				goto out;
			offset += n;
			length -= n;
			if (n > 0)
				continue;
		}
		if (n <= 0) {
			if (!n)
				errno = EIO;
			local_disk_error(cloud, err, path);
			goto out;
		}
		length -= n;
		if (!digests) {
			w->size += n;
			continue;
		}
		offset += n;
		for (i = 0; digests[i]; i++)
			digest_add(digests[i], block, (size_t)n);
		if (store_writer_add(cloud, w, block, (size_t)n, err))
			goto out;
	}
	result = 0;
out:
	if (fd >= 0)
		close(fd);
	free(block);
	free(path);
	return result;
}

/* --- the source --- */

static void source_release(struct s3_source *s)
{
	free(s->bucket);
	free(s->key);
	free(s->version);
	store_object_release(&s->object);
}

/* x-amz-copy-source: [/]bucket/key[?versionId=v], encoded. */
static int parse_source(const char *text, struct s3_source *s, struct err *err)
{
	const char *mark = strstr(text, "?versionId="), *slash;
	struct strbuf path = STRBUF_INIT;
	int result = -1;

	if (*text == '/')
		text++;
	if (uri_decode(&path, text, mark ? (size_t)(mark - text) : strlen(text), false, NULL) ||
		!(slash = strchr(path.buf, '/')) || slash == path.buf || !slash[1]) {
		local_s3_invalid(err, "Copy Source must mention the source bucket and key: "
				      "sourcebucket/sourcekey");
		goto out;
	}
	s->bucket = xstrndup(path.buf, (size_t)(slash - path.buf));
	s->key = xstrdup(slash + 1);
	s->version = mark ? xstrdup(mark + strlen("?versionId=")) : NULL;
	result = 0;
out:
	strbuf_release(&path);
	return result;
}

static int find_source(struct local_s3_call *c, struct s3_source *s, struct err *err)
{
	const char *owner = local_s3_header(c, "x-amz-source-expected-bucket-owner");
	struct store_bucket b = {0};
	int result;

	if (parse_source(local_s3_header(c, "x-amz-copy-source"), s, err) ||
		local_s3_authorize(c, s->version ? "s3:GetObjectVersion" : "s3:GetObject",
			s->bucket, s->key, NULL, err))
		return -1;
	if (owner && strcmp(owner, c->cloud->account))
		return local_fault(err, 403, "AccessDenied", "Access Denied");
	local_s3_about(c, s->bucket, s->key, s->version);
	if (local_tx_begin(c->cloud, err))
		return -1;
	result = store_bucket_get(c->cloud, s->bucket, &b, err);
	local_tx_end(c->cloud);
	store_bucket_release(&b);
	if (result || local_s3_object_get(c, s->bucket, s->key, s->version, &s->object, err))
		return -1;
	local_s3_about_release(&c->about);
	return local_s3_check_active(c, &s->object, true, err) ||
			       local_s3_read_conditions(
				       c, &s->object, "x-amz-copy-source-", false, err)
		       ? -1
		       : 0;
}

/* --- CopyObject --- */

/* COPY, which is the default, or REPLACE. */
static int read_directive(struct local_s3_call *c, const char *name, bool *replace, struct err *err)
{
	const char *value = local_s3_header(c, name);

	*replace = value && !strcmp(value, "REPLACE");
	if (!value || *replace || !strcmp(value, "COPY"))
		return 0;
	return local_s3_invalid(err, "Unknown %s.", name);
}

/* The source's headers; encryption and locks are the copy's own, a redirection is not copied. */
static struct json *copied_head(const struct json *source, const struct json *own)
{
	static const char redirect[] = "x-amz-website-redirect-location";
	struct json *out = json_object(), *e;

	json_each(e, source)
	{
		const char *name = json_name(e);

		if (!local_s3_is_sse(name) && !local_s3_is_lock(name) &&
			!local_s3_is_restore(name) && strcmp(name, redirect))
			json_set_str(out, name, json_str(e));
	}
	json_each(e, own) if (local_s3_is_sse(json_name(e)) || local_s3_is_lock(json_name(e)))
		json_set_str(out, json_name(e), json_str(e));
	json_set_str(out, redirect, json_get_str(own, redirect));
	return out;
}

static bool changes_nothing(struct local_s3_call *c, const struct s3_source *s)
{
	return !strcmp(s->bucket, c->bucket) && !strcmp(s->key, c->key) && !s->version &&
	       !local_s3_header(c, "x-amz-storage-class") &&
	       !local_s3_header(c, "x-amz-website-redirect-location") &&
	       !local_s3_header(c, "x-amz-server-side-encryption");
}

/* A bucket that was told how to encrypt gives the copy that encryption. */
static bool bucket_encrypts(struct local_s3_call *c)
{
	struct err err = ERR_INIT;
	char *body = NULL;
	bool result = !local_tx_begin(c->cloud, &err) &&
		      !local_s3_config_text(c->cloud, c->bucket, "encryption", &body, &err) && body;

	local_tx_end(c->cloud);
	err_release(&err);
	free(body);
	return result;
}

/* What the copy keeps of the source and what the request gives it. */
static int describe_copy(
	struct local_s3_call *c, const struct s3_source *s, struct store_object *o, struct err *err)
{
	bool replace, replace_tags;
	const char *tagging = local_s3_header(c, "x-amz-tagging");
	struct json *head = NULL;

	if (read_directive(c, "x-amz-metadata-directive", &replace, err) ||
		read_directive(c, "x-amz-tagging-directive", &replace_tags, err) ||
		local_s3_head_read(c, &head, &o->storage_class, err)) {
		json_free(head);
		return -1;
	}
	if (!replace && changes_nothing(c, s) && !bucket_encrypts(c)) {
		json_free(head);
		return local_fault(err, 400, "InvalidRequest",
			"This copy request is illegal because it is trying to copy an object to "
			"itself without changing the object's metadata, storage class, website "
			"redirect location or encryption attributes.");
	}
	if (replace)
		o->head = head;
	else {
		o->head = copied_head(s->object.head, head);
		json_free(head);
	}
	if (replace_tags)
		return tagging ? local_s3_tags_header(tagging, &o->tags, err) : 0;
	o->tags = json_copy(s->object.tags);
	return 0;
}

static int copy_file(struct local_s3_call *c, const struct s3_source *s, struct store_writer *w,
	struct store_object *o, struct err *err)
{
	const char *named = local_s3_header(c, "x-amz-checksum-algorithm");
	const char *wanted = named ? named : s->object.sum_alg ? s->object.sum_alg : S3_DEFAULT_SUM;
	const struct s3_sum_kind *kind = local_s3_sum_kind_find(wanted);
	bool recompute = !s->object.sum || !s->object.sum_alg || !kind ||
			 strcmp(kind->name, s->object.sum_alg) || s->object.parts;
	/* a copy is one whole: its ETag is its MD5 again */
	bool need_md5 = s->object.parts != NULL;
	struct digest *digests[3] = {NULL, NULL, NULL};
	struct strbuf raw = STRBUF_INIT, text = STRBUF_INIT;
	size_t nr = 0;
	int result = -1;

	if (!kind)
		return local_fault(err, 400, "InvalidRequest",
			"Checksum algorithm provided is unsupported. Please try again with any of "
			"the valid types: " S3_SUM_NAMES);
	if (s->object.size > S3_MAX_PUT)
		return local_fault(err, 400, "InvalidRequest",
			"The specified copy source is larger than the maximum allowable size for a "
			"copy source: 5368709120");
	if (need_md5)
		digests[nr++] = digest_new(DIGEST_MD5);
	if (recompute)
		digests[nr++] = digest_new(kind->digest);
	if (store_writer_open(c->cloud, w, err) ||
		local_s3_copy_bytes(
			c->cloud, s->object.file, 0, s->object.size, w, nr ? digests : NULL, err))
		goto out;
	if (recompute) {
		digest_finish(digests[--nr], &raw);
		digests[nr] = NULL;
		base64_encode(&text, raw.buf, raw.len);
	}
	o->sum_alg = xstrdup(kind->name);
	o->sum = recompute ? strbuf_detach(&text, NULL) : xstrdup(s->object.sum);
	o->sum_type = xstrdup("FULL_OBJECT");
	if (need_md5) {
		strbuf_clear(&raw);
		strbuf_clear(&text);
		digest_finish(digests[0], &raw);
		digests[0] = NULL;
		hex_encode(&text, raw.buf, raw.len);
	} else
		strbuf_addstr(&text, s->object.etag);
	o->etag = strbuf_detach(&text, NULL);
	result = store_writer_seal(c->cloud, w, err);
out:
	digest_free(digests[0]);
	digest_free(digests[1]);
	strbuf_release(&raw);
	strbuf_release(&text);
	return result;
}

static int commit_copy(
	struct local_s3_call *c, struct store_writer *w, struct store_object *o, struct err *err)
{
	struct strvec garbage = STRVEC_INIT;
	struct store_bucket b = {0};
	int result = -1;

	o->key = xstrdup(c->key);
	o->file = xstrdup(w->file);
	o->size = w->size;
	o->modified_ms = local_now_ms(c->cloud);
	if (!local_tx_begin(c->cloud, err) && !store_bucket_get(c->cloud, c->bucket, &b, err) &&
		!local_s3_write_conditions(c, err) && !store_put(c->cloud, &b, o, &garbage, err))
		result = local_tx_commit(c->cloud, err);
	local_tx_end(c->cloud);
	if (!result) {
		store_writer_keep(w);
		store_remove(c->cloud, &garbage);
		local_s3_version_header(c, &b, o->version);
	}
	strvec_release(&garbage);
	store_bucket_release(&b);
	return result;
}

static void print_copy(struct local_s3_call *c, const char *root, const char *etag,
	int64_t modified_ms, const char *alg, const char *sum)
{
	const struct s3_sum_kind *kind = local_s3_sum_kind_find(alg);
	struct strbuf *sb = local_s3_xml(c, root);

	local_s3_add_time(sb, "LastModified", modified_ms);
	local_s3_add_etag(sb, etag);
	if (kind)
		xml_add_element(sb, kind->element, sum);
	strbuf_addf(sb, "</%s>", root);
}

int local_s3_copy_object(struct local_s3_call *c, struct err *err)
{
	struct store_writer w = STORE_WRITER_INIT;
	struct s3_source s = {0};
	struct store_object o = {0};
	int result = -1;

	if (find_source(c, &s, err) || describe_copy(c, &s, &o, err) ||
		copy_file(c, &s, &w, &o, err) || commit_copy(c, &w, &o, err))
		goto out;
	print_copy(c, "CopyObjectResult", o.etag, o.modified_ms, o.sum_alg, o.sum);
	if (strcmp(s.object.version, "null"))
		local_reply_header(
			c->reply, "x-amz-copy-source-version-id", "%s", s.object.version);
	local_s3_sse_print(c, o.head);
	result = 0;
out:
	store_writer_release(c->cloud, &w);
	store_object_release(&o);
	source_release(&s);
	return result;
}

/* --- UploadPartCopy --- */

static int part_range(struct local_s3_call *c, const struct s3_source *s, int64_t *first,
	int64_t *length, struct err *err)
{
	const char *text = local_s3_header(c, "x-amz-copy-source-range"), *dash;
	long long from, to;
	char *head;
	bool bad;

	*first = 0;
	*length = s->object.size;
	if (!text)
		return 0;
	if (!starts_with(text, "bytes=") || !(dash = strchr(text, '-')))
		return local_s3_invalid(err,
			"The x-amz-copy-source-range value must be of the form "
			"bytes=first-last");
	head = xstrndup(text + 6, (size_t)(dash - text - 6));
	bad = parse_int64(head, 0, INT64_MAX, &from) || parse_int64(dash + 1, 0, INT64_MAX, &to) ||
	      to < from || to >= s->object.size;
	free(head);
	if (bad)
		return local_s3_invalid(err,
			"Range specified is not valid for source object of size: %lld",
			(long long)s->object.size);
	*first = from;
	*length = to - from + 1;
	return 0;
}

int local_s3_upload_part_copy(struct local_s3_call *c, struct err *err)
{
	struct store_writer w = STORE_WRITER_INIT;
	struct s3_source s = {0};
	struct s3_part part = {0};
	struct digest *digests[3] = {NULL, NULL, NULL};
	const struct s3_sum_kind *kind = NULL;
	struct strbuf raw = STRBUF_INIT, text = STRBUF_INIT;
	int64_t first, length;
	int result = -1;

	if (local_s3_part_number(c, &part.number, err) || local_s3_upload_sum_kind(c, &kind, err) ||
		find_source(c, &s, err) || part_range(c, &s, &first, &length, err))
		goto out;
	if (!kind)
		kind = local_s3_sum_kind_find(S3_DEFAULT_SUM);
	digests[0] = digest_new(DIGEST_MD5);
	if (kind)
		digests[1] = digest_new(kind->digest);
	if (store_writer_open(c->cloud, &w, err) ||
		local_s3_copy_bytes(c->cloud, s.object.file, first, length, &w, digests, err) ||
		store_writer_seal(c->cloud, &w, err))
		goto out;
	digest_finish(digests[0], &raw);
	digests[0] = NULL;
	hex_encode(&text, raw.buf, raw.len);
	part.etag = strbuf_detach(&text, NULL);
	if (kind) {
		strbuf_clear(&raw);
		digest_finish(digests[1], &raw);
		digests[1] = NULL;
		base64_encode(&text, raw.buf, raw.len);
		part.sum = strbuf_detach(&text, NULL);
		part.sum_alg = xstrdup(kind->name);
	}
	if (local_s3_part_commit(c, &w, &part, err))
		goto out;
	print_copy(c, "CopyPartResult", part.etag, local_now_ms(c->cloud), part.sum_alg, part.sum);
	result = 0;
out:
	digest_free(digests[0]);
	digest_free(digests[1]);
	store_writer_release(c->cloud, &w);
	local_s3_part_release(&part);
	source_release(&s);
	strbuf_release(&raw);
	strbuf_release(&text);
	return result;
}
