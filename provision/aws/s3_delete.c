/* DeleteObjects, and emptying a bucket: versions, delete markers and unfinished uploads. */
#include "awserror.h"
#include "s3_internal.h"
#include "thrdpool.h"

#define BATCH 1000
#define MAX_ROUNDS 4        /* of one batch, for keys that the service asked to try again */
#define MAX_PASSES 8        /* over a bucket that fills while it is emptied */
#define MAX_BATCHES_AHEAD 4 /* a thread */

/* --- DeleteObjects --- */

struct delete_errors {
	uint64_t nr;
	struct err first;
};

static void count_error(
	struct delete_errors *errors, const char *key, const char *code, const char *message)
{
	if (errors->nr++)
		return;
	struct aws_verdict v = aws_error_classify(200, code, message);
	err_set(&errors->first, v.code, "cannot delete '%s': %s", key, message);
	errors->first.aws_code = xstrdup(code);
	errors->first.operation = xstrdup("DeleteObjects");
}

/* XML 1.0 has no way to write most control characters, nor what is not UTF-8. */
static bool fits_xml(const char *key)
{
	for (const unsigned char *p = (const unsigned char *)key; *p;) {
		size_t more = *p < 0x80 ? 0 : *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
		if (*p < ' ' || *p == 0x7f || (*p >= 0x80 && *p < 0xc2) || *p > 0xf4)
			return false;
		size_t bytes = more + 1;
		unsigned value = more == 0 ? *p : *p & (0x3fu >> more);
		for (p++; more; more--, p++) {
			if ((*p & 0xc0) != 0x80)
				return false;
			value = value << 6 | (*p & 0x3fu);
		}
		if ((bytes == 3 && value < 0x800) || (bytes == 4 && value < 0x10000) ||
			value > 0x10ffff)
			return false;
		if ((value >= 0xd800 && value <= 0xdfff) || value == 0xfffe || value == 0xffff)
			return false;
	}
	return true;
}

static int delete_version(struct aws_client *c, const char *bucket, const struct s3_object *o,
	const char *owner, struct err *err)
{
	struct s3_request r;
	s3_request_init(&r, "DeleteObject", AWS_OP_IDEMPOTENT, "DELETE", bucket, o->key);
	if (o->version_id)
		s3_query(&r, "versionId", o->version_id);
	s3_owner(&r, owner);
	int ret = s3_send_only(c, &r, err);
	s3_request_release(&r);
	return ret;
}

static const struct s3_object *find_object(
	const struct s3_object *const *v, size_t nr, const char *key, const char *version)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(v[i]->key, key) &&
			(!version || !v[i]->version_id || !strcmp(v[i]->version_id, version)))
			return v[i];
	return NULL;
}

/* Keeps in v what is worth another try; the rest is counted. */
static size_t take_failures(const struct xml_node *root, const struct s3_object **v, size_t nr,
	bool last, struct delete_errors *errors)
{
	const struct s3_object **again = xcalloc(nr + 1, sizeof(struct s3_object *));
	const struct xml_node *n;
	size_t nr_again = 0;
	xml_each(n, root)
	{
		const char *key = xml_child_text(n, "Key"), *code = xml_child_text(n, "Code");
		const char *message = xml_child_text(n, "Message");
		if (strcmp(xml_name(n), "Error") != 0 || !key || !code)
			continue;
		if (!strcmp(code, "NoSuchKey") || !strcmp(code, "NoSuchVersion"))
			continue;
		const struct s3_object *o = find_object(v, nr, key, xml_child_text(n, "VersionId"));
		enum aws_retry retry = aws_error_classify(200, code, message).retry;
		if (!last && o && retry != AWS_RETRY_NO && nr_again < nr)
			again[nr_again++] = o;
		else
			count_error(errors, key, code, message ? message : code);
	}
	memcpy(v, again, nr_again * sizeof(struct s3_object *));
	free(again);
	return nr_again;
}

static void print_delete(const struct s3_object *const *v, size_t nr, struct strbuf *body)
{
	strbuf_addstr(body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < nr; i++) {
		strbuf_addstr(body, "<Object>");
		xml_add_element(body, "Key", v[i]->key);
		xml_add_element(body, "VersionId", v[i]->version_id);
		strbuf_addstr(body, "</Object>");
	}
	strbuf_addstr(body, "<Quiet>true</Quiet></Delete>");
}

/* One request for v[0..nr), which afterwards holds what to try again; its length is returned in *nr. */
static int delete_round(struct aws_client *c, const char *bucket, const struct s3_object **v,
	size_t *nr, const char *owner, bool last, struct delete_errors *errors, struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct strbuf body = STRBUF_INIT;
	s3_request_init(&r, "DeleteObjects", AWS_OP_IDEMPOTENT, "POST", bucket, NULL);
	s3_query(&r, "delete", NULL);
	print_delete(v, *nr, &body);
	s3_header(&r, "Content-Type", "application/xml");
	r.body = body.buf;
	r.body_len = body.len;
	r.error_in_ok = true;
	s3_content_md5(&r);
	s3_owner(&r, owner);
	int ret = s3_send(c, &r, &reply, err);
	struct xml_doc *doc = ret == 0 ? s3_reply_xml(&r, &reply, err) : NULL;
	if (doc)
		*nr = take_failures(xml_root(doc), v, *nr, last, errors);
	else
		ret = -1;
	if (doc)
		xml_free(doc);
	s3_request_release(&r);
	http_reply_release(&reply);
	strbuf_release(&body);
	return ret;
}

static int delete_batch(struct aws_client *c, const char *bucket, const struct s3_object *objects,
	size_t nr, const char *owner, struct delete_errors *errors, struct err *err)
{
	const struct s3_object **v = xcalloc(nr + 1, sizeof(struct s3_object *));
	size_t left = 0;
	int ret = 0;
	for (size_t i = 0; ret == 0 && i < nr; i++) {
		if (fits_xml(objects[i].key)) {
			v[left++] = &objects[i];
			continue;
		}
		struct err why = ERR_INIT;
		if (delete_version(c, bucket, &objects[i], owner, &why) < 0) {
			if (why.http_status)
				count_error(errors, objects[i].key,
					why.aws_code ? why.aws_code : "", why.text);
			else
				ret = -1;
		}
		if (ret < 0)
			err_move(err, &why);
		err_release(&why);
	}
	for (unsigned round = 1; ret == 0 && left && round <= MAX_ROUNDS; round++) {
		if (round > 1 && c->clock->sleep_ms(c->clock, aws_jitter_ms(500, round)) < 0)
			ret = err_set(err, ERR_INTERRUPTED, "interrupted while deleting objects");
		else
			ret = delete_round(
				c, bucket, v, &left, owner, round == MAX_ROUNDS, errors, err);
	}
	free(v);
	return ret;
}

int s3_delete_objects(struct aws_client *c, const char *bucket, const struct s3_object *v,
	size_t nr, const char *owner, struct err *err)
{
	struct delete_errors errors = {0, ERR_INIT};
	int ret = 0;
	for (size_t at = 0; ret == 0 && at < nr; at += BATCH)
		ret = delete_batch(
			c, bucket, v + at, nr - at < BATCH ? nr - at : BATCH, owner, &errors, err);
	if (ret == 0 && errors.nr) {
		if (errors.nr > 1)
			err_wrap(&errors.first, "%llu of %zu objects",
				(unsigned long long)errors.nr, nr);
		err_move(err, &errors.first);
		ret = -1;
	}
	err_release(&errors.first);
	return ret;
}

/* --- emptying --- */

struct emptying {
	struct aws_client *c;
	const char *bucket, *owner;
	s3_progress_fn *progress;
	void *payload;
	pthread_mutex_t lock;
	pthread_cond_t taken;
	size_t under_way;
	uint64_t deleted;
	struct err failure;
};

struct batch {
	struct s3_objects objects;
	struct err err;
};

static void process_batch(void *item, unused_arg size_t worker, void *payload)
{
	struct emptying *e = payload;
	struct batch *b = item;
	if (s3_delete_objects(e->c, e->bucket, b->objects.v, b->objects.nr, e->owner, &b->err) <
			0 &&
		b->err.code == ERR_NONE)
		err_set(&b->err, ERR_FAILED, "deleting failed");
}

static void finish_batch(void *item, void *payload)
{
	struct emptying *e = payload;
	struct batch *b = item;
	pthread_mutex_lock(&e->lock);
	e->under_way--;
	if (b->err.code == ERR_NONE) {
		e->deleted += b->objects.nr;
		if (e->progress)
			e->progress(e->deleted, e->payload);
	} else if (e->failure.code == ERR_NONE) {
		err_move(&e->failure, &b->err);
	}
	pthread_cond_signal(&e->taken);
	pthread_mutex_unlock(&e->lock);
	s3_objects_release(&b->objects);
	err_release(&b->err);
	free(b);
}

static const struct thrdpool_ops batch_ops = {process_batch, finish_batch};

/* Waits for room among the batches under way; false when something has failed. */
static bool reserve(struct emptying *e, size_t most)
{
	pthread_mutex_lock(&e->lock);
	while (e->under_way >= most)
		pthread_cond_wait(&e->taken, &e->lock);
	bool ok = e->failure.code == ERR_NONE;
	if (ok)
		e->under_way++;
	pthread_mutex_unlock(&e->lock);
	return ok;
}

/* Lists all versions and hands them to the pool; *found counts them. */
static int delete_all_versions(struct emptying *e, struct thrdpool *pool, size_t threads,
	const char *prefix, size_t *found, struct err *err)
{
	struct strbuf key = STRBUF_INIT, version = STRBUF_INIT;
	bool more = true;
	int ret = 0;
	*found = 0;
	while (ret == 0 && more) {
		struct batch *b = xcalloc(1, sizeof(*b));
		b->objects = (struct s3_objects)S3_OBJECTS_INIT;
		ret = s3_list_object_versions(
			e->c, e->bucket, prefix, &key, &version, &more, &b->objects, err);
		*found += b->objects.nr;
		if (ret == 0 && b->objects.nr) {
			if (reserve(e, threads * MAX_BATCHES_AHEAD)) {
				thrdpool_add(pool, b);
				continue;
			}
			more = false; /* finish_batch has the error */
		}
		s3_objects_release(&b->objects);
		free(b);
	}
	thrdpool_wait(pool);
	if (ret == 0 && e->failure.code != ERR_NONE) {
		err_move(err, &e->failure);
		ret = -1;
	}
	strbuf_release(&key);
	strbuf_release(&version);
	return ret;
}

struct upload_page {
	struct strbuf key_marker, id_marker;
	bool more;
};

static int abort_listed(struct emptying *e, const struct xml_node *root, struct err *err)
{
	const struct xml_node *n;
	int ret = 0;
	xml_each(n, root)
	{
		const char *id = xml_child_text(n, "UploadId");
		if (ret < 0 || strcmp(xml_name(n), "Upload") != 0 || !id)
			continue;
		char *key = s3_url_decode(xml_child_text(n, "Key"));
		struct err why = ERR_INIT;
		if (key &&
			s3_abort_multipart_upload(e->c, e->bucket, key, e->owner, id, &why) < 0 &&
			why.code != ERR_NOT_FOUND) {
			err_move(err, &why);
			ret = -1;
		}
		err_release(&why);
		free(key);
	}
	return ret;
}

static int abort_uploads_page(
	struct emptying *e, const char *prefix, struct upload_page *page, struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct xml_doc *doc = NULL;
	s3_request_init(&r, "ListMultipartUploads", AWS_OP_READ, "GET", e->bucket, NULL);
	s3_query(&r, "uploads", NULL);
	s3_query(&r, "encoding-type", "url");
	if (prefix && *prefix)
		s3_query(&r, "prefix", prefix);
	if (page->key_marker.len)
		s3_query(&r, "key-marker", page->key_marker.buf);
	if (page->id_marker.len)
		s3_query(&r, "upload-id-marker", page->id_marker.buf);
	s3_owner(&r, e->owner);
	int ret = s3_send(e->c, &r, &reply, err);
	if (ret == 0) {
		doc = s3_reply_xml(&r, &reply, err);
		ret = doc ? abort_listed(e, xml_root(doc), err) : -1;
	}
	if (ret == 0) {
		const char *truncated = xml_child_text(xml_root(doc), "IsTruncated");
		char *key = s3_url_decode(xml_child_text(xml_root(doc), "NextKeyMarker"));
		const char *id = xml_child_text(xml_root(doc), "NextUploadIdMarker");
		page->more = truncated && !strcmp(truncated, "true") && key && *key &&
			     (strcmp(key, page->key_marker.buf) != 0 ||
				     strcmp(id ? id : "", page->id_marker.buf) != 0);
		strbuf_clear(&page->key_marker);
		strbuf_clear(&page->id_marker);
		strbuf_addstr(&page->key_marker, key ? key : "");
		strbuf_addstr(&page->id_marker, id ? id : "");
		free(key);
	}
	if (doc)
		xml_free(doc);
	s3_request_release(&r);
	http_reply_release(&reply);
	return ret;
}

static int abort_all_uploads(struct emptying *e, const char *prefix, struct err *err)
{
	struct upload_page page = {STRBUF_INIT, STRBUF_INIT, true};
	int ret = 0;
	while (ret == 0 && page.more)
		ret = abort_uploads_page(e, prefix, &page, err);
	strbuf_release(&page.key_marker);
	strbuf_release(&page.id_marker);
	return ret;
}

int s3_empty_bucket(struct aws_client *c, const char *bucket, const char *prefix, const char *owner,
	size_t threads, s3_progress_fn *progress, void *payload, struct err *err)
{
	struct emptying e = {.c = c,
		.bucket = bucket,
		.owner = owner,
		.progress = progress,
		.payload = payload,
		.failure = ERR_INIT};
	size_t found = 1;
	int ret = 0;
	if (!threads)
		threads = 1;
	pthread_mutex_init(&e.lock, NULL);
	pthread_cond_init(&e.taken, NULL);
	struct thrdpool *pool = thrdpool_new(threads, &batch_ops, &e);
	/* A pass that finds nothing is the proof. */
	for (int pass = 0; ret == 0 && found && pass < MAX_PASSES; pass++)
		ret = delete_all_versions(&e, pool, threads, prefix, &found, err);
	if (ret == 0 && found)
		ret = err_set(err, ERR_CONFLICT,
			"bucket '%s' fills while it is emptied: something still writes to it",
			bucket);
	if (ret == 0)
		ret = abort_all_uploads(&e, prefix, err);
	thrdpool_free(pool);
	pthread_cond_destroy(&e.taken);
	pthread_mutex_destroy(&e.lock);
	err_release(&e.failure);
	return ret;
}
