/*
 * S3 buckets. A bucket is made in steps: CreateBucket, owner tags, sub-resources one after the other (S3 refuses
 * overlapping ones), and the digest tag last; a bucket without sub-resources gets its tags with the digest at once.
 */
#include "s3_bucket.h"

#include "calls.h"
#include "client.h"
#include "s3.h"
#include "strbuf.h"
#include "tags.h"
#include "types_internal.h"
#include "xml_doc.h"

/* --- sub-resources --- */

/* Another change of the bucket is under way, or a bucket of that name is on its way out. */
static bool is_busy(const struct err *err)
{
	static const char *const codes[] = {
		"OperationAborted", "ConditionalRequestConflict", "InvalidBucketState", NULL};
	return err_is_any(err, codes);
}

static int put_config(const struct type_ctx *ctx, const char *bucket, const char *sub,
	const char *body, struct err *err)
{
	struct err last = ERR_INIT, late = ERR_INIT;
	struct wait w;
	int ret;
	wait_begin(&w, ctx, 60 * 1000);
	for (;;) {
		ret = body ? s3_put_bucket_config(ctx->aws, bucket, sub, body, ctx->account, &last)
			   : s3_delete_bucket_config(ctx->aws, bucket, sub, ctx->account, &last);
		if (!ret || !is_busy(&last) ||
			wait_pause(&w, &late, "bucket '%s' to take its %s", bucket, sub))
			break;
	}
	if (ret && late.code == ERR_INTERRUPTED)
		err_move(&last, &late);
	if (ret)
		err_move(err, &last);
	err_release(&last);
	err_release(&late);
	return ret;
}

static int put_part(const struct type_ctx *ctx, const struct resource *r,
	const struct bucket_part *p, const struct json *value, struct err *err)
{
	char *xml = value ? bucket_part_xml(p, value) : NULL;
	int ret = put_config(ctx, r->name, p->sub, xml, err);
	free(xml);
	return ret ? err_wrap(err, "%s", p->property) : 0;
}

/* ObjectLockEnabled without a rule needs no call of its own when the bucket was made with it. */
static int put_parts(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	for (const struct bucket_part *p = bucket_parts; p->property; p++) {
		const struct json *value = json_get(r->props, p->property);
		if (value && put_part(ctx, r, p, value, err))
			return -1;
	}
	return 0;
}

static bool has_parts(const struct resource *r)
{
	for (const struct bucket_part *p = bucket_parts; p->property; p++)
		if (json_get(r->props, p->property))
			return true;
	return false;
}

/* --- tags --- */

static int put_tags(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
	struct err *err)
{
	struct strbuf xml = STRBUF_INIT;
	struct json *doc = json_object();
	wire_set(doc, "TagSet/Tag", tags_to_list(tags));
	xml_from_json(&xml, "Tagging", doc);
	int ret = put_config(ctx, r->name, "tagging", xml.buf, err);
	strbuf_release(&xml);
	json_free(doc);
	return ret;
}

/* *tags NULL: no such bucket. No tags at all is {}. */
static int get_tags(
	const struct type_ctx *ctx, const struct resource *r, struct json **tags, struct err *err)
{
	struct strbuf body = STRBUF_INIT;
	struct err why = ERR_INIT;
	struct xml_doc *xml = NULL;
	struct json *doc = NULL;
	int ret = s3_get_bucket_config(ctx->aws, r->name, "tagging", ctx->account, &body, &why);
	*tags = NULL;
	if (ret && err_is_aws(&why, "NoSuchBucket")) {
		ret = 0;
	} else if (ret && why.code == ERR_NOT_FOUND) {
		*tags = json_object();
		ret = 0;
	} else if (ret) {
		err_move(err, &why);
	} else if (!(xml = xml_parse(body.buf, body.len, err))) {
		ret = -1;
	} else {
		doc = xml_to_json(xml_root(xml));
		struct json *list = json_path(doc, "TagSet.Tag"), *one = NULL;
		if (json_is(list, JSON_OBJECT)) {
			one = json_array();
			json_push(one, json_copy(list));
		}
		*tags = tags_from_list(one ? one : list);
		json_free(one);
	}
	xml_free(xml);
	json_free(doc);
	strbuf_release(&body);
	err_release(&why);
	return ret;
}

/* PutBucketTagging replaces the set: ours go on top of what is there. */
static int bucket_tag(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
	struct err *err)
{
	struct json *live = NULL;
	if (get_tags(ctx, r, &live, err))
		return -1;
	struct json *all = tags_merge(live, tags);
	int ret = put_tags(ctx, r, all, err);
	json_free(live);
	json_free(all);
	return ret;
}

/* --- read --- */

/* Whether an answer to GET means "not set" or "this endpoint has no such thing". */
static bool is_unset(const struct err *err)
{
	static const char *const codes[] = {"NotImplemented", "MethodNotAllowed",
		"UnsupportedOperation", "ObjectLockConfigurationNotFoundError",
		"ServerSideEncryptionConfigurationNotFoundError", "OwnershipControlsNotFoundError",
		"NoSuchPublicAccessBlockConfiguration", NULL};
	return err->code == ERR_NOT_FOUND || err_is_any(err, codes);
}

static int read_part(const struct type_ctx *ctx, const struct resource *r,
	const struct bucket_part *p, struct json *props, struct err *err)
{
	struct strbuf body = STRBUF_INIT;
	struct err why = ERR_INIT;
	struct json *value = NULL;
	int ret = s3_get_bucket_config(ctx->aws, r->name, p->sub, ctx->account, &body, &why);
	if (ret && is_unset(&why)) {
		ret = 0;
	} else if (ret) {
		err_move(err, &why);
	} else if (body.len) {
		value = bucket_part_parse(p, body.buf, body.len, err);
		ret = value ? 0 : -1;
	}
	if (json_len(value))
		json_set(props, p->property, value);
	else
		json_free(value);
	strbuf_release(&body);
	err_release(&why);
	return ret;
}

/* Regions from before 2014 have a dash before the region in website addresses, later ones a dot. */
static void read_website_url(
	const struct type_ctx *ctx, const struct resource *r, struct json *attrs)
{
	static const char *const dashed[] = {"us-east-1", "us-west-1", "us-west-2",
		"ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "eu-west-1", "sa-east-1",
		"us-gov-west-1"};
	char sep = '.';
	for (size_t i = 0; i < ARRAY_SIZE(dashed); i++)
		if (strcmp(ctx->region, dashed[i]) == 0)
			sep = '-';
	char *url = xasprintf("http://%s.s3-website%c%s.amazonaws.com%s", r->name, sep, ctx->region,
		strcmp(ctx->partition, "aws-cn") == 0 ? ".cn" : "");
	json_set_str(attrs, "WebsiteURL", url);
	free(url);
}

static int bucket_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	int ret = get_tags(ctx, r, &out->tags, err);
	if (ret || !out->tags)
		return ret;
	out->exists = true;
	out->attrs = json_object();
	read_website_url(ctx, r, out->attrs);
	if (depth != READ_FULL)
		return 0;
	out->props = json_strings("BucketName", r->name, NULL);
	json_set(out->props, "Tags", tags_property(&r->type->schema, out->tags));
	for (const struct bucket_part *p = bucket_parts; !ret && p->property; p++)
		ret = read_part(ctx, r, p, out->props, err);
	json_set_bool(out->props, "ObjectLockEnabled",
		json_get(out->props, "ObjectLockConfiguration") != NULL);
	return ret;
}

/* --- create and update --- */

static bool wants_lock(const struct resource *r)
{
	return json_get_truth(r->props, "ObjectLockEnabled", false) ||
	       json_get(r->props, "ObjectLockConfiguration");
}

/*
 * A bucket that is there already is ours when it has our tags, or none at all: then a run of ours died between
 * CreateBucket and its tags. (The engine has looked before; a stranger's bucket does not get here.)
 */
static int take_over(
	const struct type_ctx *ctx, const struct resource *r, struct err *there, struct err *err)
{
	struct json *tags = NULL;
	struct err why = ERR_INIT;
	int ret = get_tags(ctx, r, &tags, &why);
	bool ours = !ret && tags && (!json_len(tags) || tags_own(tags, r));
	if (!ours) {
		there->code = ERR_EXISTS;
		err_move(err, there);
		ret = -1;
	}
	err_release(&why);
	json_free(tags);
	return ret;
}

static int make_bucket(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct err last = ERR_INIT, late = ERR_INIT;
	struct wait w;
	int ret;
	wait_begin(&w, ctx, 5 * 60 * 1000);
	while ((ret = s3_create_bucket(ctx->aws, r->name, wants_lock(r), &last)) &&
		is_busy(&last)) {
		if (wait_pause(&w, &late, "the name '%s' to be free", r->name))
			break;
		type_note(ctx, r, "waiting: a bucket of this name is still being deleted");
	}
	if (ret && is_busy(&last))
		err_hint(&last, "S3 frees a deleted bucket's name after up to an hour: wait, or "
				"take another name");
	if (ret && late.code == ERR_INTERRUPTED)
		err_move(&last, &late);
	if (ret && err_is_there(&last))
		ret = take_over(ctx, r, &last, err);
	else if (ret)
		err_move(err, &last);
	err_release(&last);
	err_release(&late);
	return ret;
}

static int bucket_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	bool more = has_parts(r);
	struct json *first = tags_wanted(r, !more), *last = tags_wanted(r, true);
	int ret = make_bucket(ctx, r, err);
	if (!ret && json_len(first))
		ret = put_tags(ctx, r, first, err);
	if (!ret && more) {
		ret = put_parts(ctx, r, err);
		if (!ret)
			ret = put_tags(ctx, r, last, err);
	}
	json_free(first);
	json_free(last);
	return ret;
}

/* As S3 will have it: old spellings and defaults of the document are gone when it comes back. */
static struct json *normal_form(const struct bucket_part *p, const struct json *value)
{
	struct err ignored = ERR_INIT;
	char *xml = bucket_part_xml(p, value);
	struct json *out = bucket_part_parse(p, xml, strlen(xml), &ignored);
	err_release(&ignored);
	free(xml);
	return out ? out : json_copy(value);
}

static bool part_differs(
	const struct bucket_part *p, const struct json *wanted, const struct json *live)
{
	struct json *w = normal_form(p, wanted);
	struct json *there = fields_diff(p->fields, w, live, NULL);
	struct json *back = fields_diff(p->fields, live, w, NULL);
	bool differs = json_len(there) || json_len(back);
	json_free(w);
	json_free(there);
	json_free(back);
	return differs;
}

static int update_part(const struct type_ctx *ctx, const struct resource *r,
	const struct bucket_part *p, const struct json *live, struct err *err)
{
	const struct json *wanted = json_get(r->props, p->property);
	const struct json *is = json_get(live, p->property);
	int ret = 0;
	if (wanted)
		return !is || part_differs(p, wanted, is) ? put_part(ctx, r, p, wanted, err) : 0;
	if (!is)
		return 0;
	struct json *usual = json_parse(p->usual, strlen(p->usual), err);
	if (!usual)
		BUG("usual value of '%s'", p->property);
	struct json *diff = fields_diff(p->fields, usual, is, NULL);
	if (!json_len(usual) || json_len(diff))
		ret = put_part(ctx, r, p, p->erase ? NULL : usual, err);
	json_free(usual);
	json_free(diff);
	return ret;
}

static int update_lock(const struct type_ctx *ctx, const struct resource *r,
	const struct json *live, struct err *err)
{
	bool on = json_get_truth(live, "ObjectLockEnabled", false);
	if (wants_lock(r) == on || json_get(r->props, "ObjectLockConfiguration"))
		return 0;
	if (on)
		return err_set(err, ERR_INVALID,
			"object lock of bucket '%s' cannot be switched off again", r->name);
	return put_config(ctx, r->name, "object-lock",
		"<ObjectLockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		"<ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
		err);
}

static int bucket_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *wanted = tags_wanted(r, false), *set = NULL, *unset = NULL, *all = NULL, *k;
	int ret = 0;
	for (const struct bucket_part *p = bucket_parts; !ret && p->property; p++)
		ret = update_part(ctx, r, p, live->props, err);
	if (!ret)
		ret = update_lock(ctx, r, live->props, err);
	tags_diff(wanted, live->tags, &set, &unset);
	if (!ret && (json_len(set) || json_len(unset))) {
		all = tags_merge(live->tags, set);
		json_each(k, unset) json_remove(all, json_str(k));
		ret = put_tags(ctx, r, all, err);
	}
	json_free(wanted);
	json_free(set);
	json_free(unset);
	json_free(all);
	return ret;
}

/* --- content, emptying, destroying --- */

static int bucket_content(const struct type_ctx *ctx, const struct resource *r, bool *has,
	char **what, struct err *err)
{
	struct strbuf key = STRBUF_INIT, version = STRBUF_INIT;
	struct s3_objects page = S3_OBJECTS_INIT;
	struct err why = ERR_INIT;
	bool more = false;
	int ret = s3_list_object_versions(
		ctx->aws, r->name, NULL, &key, &version, &more, &page, &why);
	ret = err_unless_missing(ret, &why, err);
	*has = !ret && page.nr > 0;
	if (*has)
		*what = xasprintf("%s%zu object%s or version%s", more ? "more than " : "", page.nr,
			page.nr == 1 ? "" : "s", page.nr == 1 ? "" : "s");
	s3_objects_release(&page);
	strbuf_release(&key);
	strbuf_release(&version);
	return ret;
}

struct emptying {
	const struct type_ctx *ctx;
	const struct resource *r;
	int64_t begin_ms;
};

static void emptied(uint64_t done, void *payload)
{
	const struct emptying *e = payload;
	int64_t ms = e->ctx->clock->mono_ms(e->ctx->clock) - e->begin_ms;
	if (ms < 1000)
		type_note(e->ctx, e->r, "emptying bucket: %llu object%s", (unsigned long long)done,
			done == 1 ? "" : "s");
	else
		type_note(e->ctx, e->r, "emptying bucket: %llu objects, %llu/s",
			(unsigned long long)done, (unsigned long long)(done * 1000 / (uint64_t)ms));
}

static int empty_once(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct emptying e = {ctx, r, ctx->clock->mono_ms(ctx->clock)};
	return s3_empty_bucket(ctx->aws, r->name, NULL, ctx->account, 8, emptied, &e, err);
}

/* Runs that still write may refill it while it is being emptied: again, a few times. A policy that shuts us out goes. */
static int bucket_empty(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct err why = ERR_INIT;
	bool has = true, opened = false;
	int ret = 0;
	for (int round = 0; !ret && has && round < 5; round++) {
		char *what = NULL;
		ret = empty_once(ctx, r, &why);
		if (ret && err_is_missing(&why)) {
			err_release(&why);
			return 0;
		}
		if (ret && why.code == ERR_DENIED && !opened) {
			struct err ignored = ERR_INIT;
			opened = true;
			if (s3_delete_bucket_config(
				    ctx->aws, r->name, "policy", ctx->account, &ignored) == 0)
				ret = 0;
			err_release(&ignored);
			continue;
		}
		if (!ret)
			ret = bucket_content(ctx, r, &has, &what, &why);
		free(what);
	}
	if (!ret && has)
		ret = err_set(&why, ERR_CONFLICT,
			"bucket '%s' is being filled while it is emptied: something still writes "
			"to it",
			r->name);
	if (ret)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

static int bucket_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct err last = ERR_INIT, late = ERR_INIT;
	struct wait w;
	int ret;
	wait_begin(&w, ctx, 60 * 1000);
	while ((ret = s3_delete_bucket(ctx->aws, r->name, ctx->account, &last)) && is_busy(&last)) {
		if (wait_pause(&w, &late, "bucket '%s' to go", r->name))
			break;
	}
	if (ret && err_is_missing(&last))
		ret = 0;
	if (ret && late.code == ERR_INTERRUPTED)
		err_move(&last, &late);
	if (ret)
		err_move(err, &last);
	err_release(&last);
	err_release(&late);
	return ret;
}

static char *bucket_serial(const struct resource *r)
{
	return xasprintf("bucket/%s", r->name);
}

static void bucket_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const struct json *rule;
	const char *name = known_str(props, "BucketName");
	size_t i = 0;
	if (json_get(props, "ObjectLockConfiguration") &&
		!json_get_truth(props, "ObjectLockEnabled", true))
		lint_error(place, errors, "ObjectLockConfiguration",
			"ObjectLockConfiguration needs ObjectLockEnabled: true");
	if (name && json_get(props, "AccelerateConfiguration") && strchr(name, '.'))
		lint_error(place, errors, "AccelerateConfiguration",
			"a bucket with dots in its name cannot be accelerated");
	json_each(rule, json_path(props, "LifecycleConfiguration.Rules"))
	{
		static const char *const actions[] = {"AbortIncompleteMultipartUpload",
			"ExpirationDate", "ExpirationInDays", "ExpiredObjectDeleteMarker",
			"NoncurrentVersionExpiration", "NoncurrentVersionExpirationInDays",
			"NoncurrentVersionTransition", "NoncurrentVersionTransitions", "Transition",
			"Transitions"};
		bool acts = json_is_unknown(rule);
		char *path = xasprintf("LifecycleConfiguration.Rules.%zu", i++);
		for (size_t a = 0; a < ARRAY_SIZE(actions); a++)
			acts = acts || json_get(rule, actions[a]);
		if (!acts)
			lint_error(place, errors, path,
				"a lifecycle rule needs an expiration, a transition or "
				"AbortIncompleteMultipartUpload");
		free(path);
	}
}

static const struct attribute bucket_attributes[] = {
	{"Arn", "arn:{partition}:s3:::{name}"},
	{"DomainName", "{name}.s3.amazonaws.com"},
	{"DualStackDomainName", "{name}.s3.dualstack.{region}.amazonaws.com"},
	{"RegionalDomainName", "{name}.s3.{region}.amazonaws.com"},
	{"WebsiteURL", NULL},
	{0},
};

const struct resource_type bucket_type = {
	.schema =
		{
			.name = "AWS::S3::Bucket",
			.fields = bucket_fields,
			.name_field = "BucketName",
			.name_case = NAME_LOWER_DASH,
			.name_max = 63,
			.attributes = bucket_attributes,
			.name_pattern_hint =
				"3 to 63 of lower-case letters, digits, '-' and '.', beginning and "
				"ending "
				"with a letter or digit, no address, no reserved prefix or suffix",
			.name_ok = bucket_name_ok,
			.check = bucket_check,
		},
	.flags = T_WHOLE | T_DATA,
	.defaults = bucket_defaults,
	.read = bucket_read,
	.create = bucket_create,
	.update = bucket_update,
	.tag = bucket_tag,
	.destroy = bucket_destroy,
	.content = bucket_content,
	.empty = bucket_empty,
	.serial = bucket_serial,
};
