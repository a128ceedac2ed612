/* Records and the lease in the project's home bucket. Every call names the bucket's expected owner. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "s3.h"
#include "store.h"

#define MAX_RECORD_BYTES (64u << 20)
#define S3_NS "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define HOME_TAGS                                                                         \
	"<Tagging " S3_NS "><TagSet><Tag><Key>glueproj:home</Key><Value>v1</Value></Tag>" \
	"</TagSet></Tagging>"
#define HOME_PUBLIC_ACCESS                                                                     \
	"<PublicAccessBlockConfiguration " S3_NS "><BlockPublicAcls>true</BlockPublicAcls>"    \
	"<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>" \
	"<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>"

struct home {
	struct aws_client *aws;
	char *bucket, *account;
	pthread_mutex_t lock; /* one thread makes the bucket */
};

static int home_denied(const struct home *h, struct err *err)
{
	if (err && err->code == ERR_DENIED)
		err_hint(err,
			"the home bucket '%s' may belong to another account: name one of yours "
			"under Home",
			h->bucket);
	return err_wrap(err, "home bucket '%s'", h->bucket);
}

static int make_home(struct home *h, struct err *err)
{
	struct err e = ERR_INIT;
	int ret = 0;

	pthread_mutex_lock(&h->lock);
	if (s3_head_bucket(h->aws, h->bucket, h->account, &e) < 0) {
		if (e.code != ERR_NOT_FOUND) {
			err_move(err, &e);
			ret = -1;
		} else if (s3_create_bucket(h->aws, h->bucket, false, &e) < 0 &&
			   e.code != ERR_EXISTS) {
			err_move(err, &e);
			ret = -1;
		}
	}
	/* Both are repeated when an earlier run died in between. */
	if (!ret && (s3_put_bucket_config(h->aws, h->bucket, "publicAccessBlock",
			     HOME_PUBLIC_ACCESS, h->account, err) < 0 ||
			    s3_put_bucket_config(
				    h->aws, h->bucket, "tagging", HOME_TAGS, h->account, err) < 0))
		ret = -1;
	pthread_mutex_unlock(&h->lock);
	err_release(&e);
	return ret;
}

static int home_get(struct record_store *s, const char *key, struct strbuf *out, char **version,
	struct err *err)
{
	struct home *h = s->impl;
	struct s3_head head = S3_HEAD_INIT;
	int ret = s3_get_object(
		h->aws, h->bucket, key, h->account, MAX_RECORD_BYTES, out, &head, err);

	if (!ret)
		*version = xstrdup(head.etag);
	else if (!err || err->code != ERR_NOT_FOUND)
		home_denied(h, err);
	s3_head_release(&head);
	return ret;
}

static int home_put(struct record_store *s, const char *key, const char *data, size_t len,
	const char *version, char **new_version, struct err *err)
{
	struct home *h = s->impl;
	struct s3_put_opts opts = {
		.content_type = "application/json",
		.owner = h->account,
		.if_match = version,
		.if_none_match = !version,
	};
	struct err e = ERR_INIT;
	int ret = s3_put_object(h->aws, h->bucket, key, data, len, &opts, new_version, &e);

	if (ret < 0 && e.code == ERR_NOT_FOUND && !version) {
		err_release(&e);
		if (make_home(h, err) < 0)
			return home_denied(h, err);
		ret = s3_put_object(h->aws, h->bucket, key, data, len, &opts, new_version, &e);
	}
	if (ret < 0) {
		err_move(err, &e);
		if (!err || err->code != ERR_CONFLICT)
			home_denied(h, err);
	}
	return ret;
}

static int missing_is_fine(struct err *e, struct err *err)
{
	if (e->code == ERR_NOT_FOUND) {
		err_release(e);
		return 0;
	}
	err_move(err, e);
	return -1;
}

static int home_remove(struct record_store *s, const char *key, struct err *err)
{
	struct home *h = s->impl;
	struct err e = ERR_INIT;

	if (s3_delete_object(h->aws, h->bucket, key, h->account, &e) < 0)
		return missing_is_fine(&e, err);
	return 0;
}

static int home_list(
	struct record_store *s, const char *prefix, struct strvec *keys, struct err *err)
{
	struct home *h = s->impl;
	struct s3_objects objects = S3_OBJECTS_INIT;
	struct err e = ERR_INIT;
	int ret = s3_list_objects_v2(h->aws, h->bucket, prefix, NULL, 0, h->account, &objects, &e);

	if (ret < 0)
		ret = missing_is_fine(&e, err);
	for (size_t i = 0; i < objects.nr; i++)
		strvec_push(keys, objects.v[i].key);
	s3_objects_release(&objects);
	return ret < 0 ? home_denied(h, err) : 0;
}

static const struct record_store_ops home_ops = {
	.get = home_get, .put = home_put, .remove = home_remove, .list = home_list};

struct record_store *home_store_new(struct aws_client *aws, const char *bucket, const char *account)
{
	struct record_store *s = xcalloc(1, sizeof(*s));
	struct home *h = xcalloc(1, sizeof(*h));

	*h = (struct home){.aws = aws, .bucket = xstrdup(bucket), .account = xstrdup(account)};
	pthread_mutex_init(&h->lock, NULL);
	s->ops = &home_ops;
	s->impl = h;
	return s;
}

void home_store_free(struct record_store *s)
{
	struct home *h = s ? s->impl : NULL;

	if (!s)
		return;
	pthread_mutex_destroy(&h->lock);
	free(h->bucket);
	free(h->account);
	free(h);
	free(s);
}

/* A record's exports, added to `all`. */
static int add_exports(struct record_store *s, const char *key, struct json *all, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct err e = ERR_INIT;
	struct json *record = NULL, *item;
	char *version = NULL;
	int ret = 0;

	if (home_get(s, key, &text, &version, &e) < 0)
		ret = missing_is_fine(&e, err);
	else
		record = json_parse(text.buf, text.len, NULL);
	json_each(item, json_get(record, "exports"))
		json_set(all, json_name(item), json_copy(item));
	json_free(record);
	strbuf_release(&text);
	free(version);
	return ret;
}

static struct json *read_exports(struct record_store *s, struct err *err)
{
	struct strvec keys = STRVEC_INIT;
	struct json *all = json_object();
	int ret = home_list(s, "glueproj/v1/", &keys, err);

	for (size_t i = 0; !ret && i < keys.nr; i++)
		if (strstr(keys.v[i], "/stacks/") && ends_with(keys.v[i], ".json"))
			ret = add_exports(s, keys.v[i], all, err);
	strvec_release(&keys);
	if (!ret)
		return all;
	json_free(all);
	return NULL;
}

int home_import(void *session, const char *name, char **value, struct err *err)
{
	struct session *s = session;

	if (!s->store)
		return 1;
	if (!s->imports)
		s->imports = read_exports(s->store, err);
	if (!s->imports)
		return -1;
	if (!json_get_str(s->imports, name)) {
		err_set(err, ERR_USAGE, "no stack exports '%s'", name);
		return err_hint(err, "create the stack that exports it first");
	}
	*value = xstrdup(json_get_str(s->imports, name));
	return 0;
}

int home_remove_artifacts(struct record_store *s, const char *project, struct err *err)
{
	struct home *h = s->impl;
	char *prefix = xasprintf("glueproj/v1/%s/artifacts/", project);
	struct err e = ERR_INIT;
	int ret = s3_empty_bucket(h->aws, h->bucket, prefix, h->account, 4, NULL, NULL, &e);

	free(prefix);
	return ret < 0 ? missing_is_fine(&e, err) : 0;
}
