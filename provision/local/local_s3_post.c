/*
 * "PostObject": an upload by a browser's form, which a signed policy allows ("Browser-based uploads using POST", Amazon
 * S3 API Reference). The form's fields do what a PUT's headers do, so they take their place.
 */
#include "base64.h"
#include "local_s3.h"
#include "uri.h"
#include "xalloc.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define FILE_NAME "${filename}"

/* --- the policy --- */

static const char *field(const struct local_s3_call *c, const char *name)
{
	return local_s3_form_field(c->form, name);
}

/* What a condition names: a field, or the bucket. */
static const char *condition_value(const struct local_s3_call *c, const char *name)
{
	return iequals(name, "bucket") ? c->bucket : field(c, name);
}

static int condition_failed(const struct json *condition, struct err *err)
{
	struct strbuf text = STRBUF_INIT;

	json_print(condition, &text);
	local_fault(err, 403, "AccessDenied",
		"Invalid according to Policy: Policy Condition failed: %s", text.buf);
	strbuf_release(&text);
	return -1;
}

static int bad_policy(struct err *err, const char *why)
{
	return local_fault(err, 400, "InvalidPolicyDocument", "Invalid Policy: %s", why);
}

/* {"acl": "private", …}: each field has that value. */
static int check_object(struct local_s3_call *c, const struct json *condition, struct strvec *named,
	struct err *err)
{
	struct json *e;

	json_each(e, condition)
	{
		const char *have = condition_value(c, json_name(e)), *want = json_str(e);

		if (!want)
			return bad_policy(err, "Invalid Simple-Condition: value must be a string.");
		strvec_push(named, json_name(e));
		if (!have || strcmp(have, want))
			return condition_failed(condition, err);
	}
	return 0;
}

/* ["eq", "$key", "a"], ["starts-with", "$key", "a"], ["content-length-range", 1, 2]; the last is for later. */
static int check_array(struct local_s3_call *c, const struct json *condition, struct strvec *named,
	struct err *err)
{
	const char *op = json_str(json_at(condition, 0)), *name = json_str(json_at(condition, 1)),
		   *want = json_str(json_at(condition, 2)), *have;
	bool fits;

	if (json_len(condition) != 3 || !op)
		return bad_policy(err, "Invalid Condition: wrong number of arguments.");
	if (iequals(op, "content-length-range"))
		return 0;
	if (!name || *name != '$' || !want)
		return bad_policy(err, "Invalid Condition: a name must begin with '$'.");
	have = condition_value(c, name + 1);
	strvec_push(named, name + 1);
	if (iequals(op, "eq"))
		fits = have && !strcmp(have, want);
	else if (iequals(op, "starts-with"))
		fits = have ? starts_with(have, want) : !*want;
	else
		return bad_policy(err, "Invalid Condition: unknown operation.");
	return fits ? 0 : condition_failed(condition, err);
}

/* Every field must be one that the policy speaks of. */
static int check_named(struct local_s3_call *c, const struct strvec *named, struct err *err)
{
	static const char *const free_fields[] = {
		"x-amz-signature", "policy", "file", "AWSAccessKeyId", "signature"};
	const struct strvec *fields = local_s3_form_fields(c->form);
	bool bucket = false;
	size_t i, k;

	/* The bucket counts as a field: a policy that does not say which is not good for all. */
	for (k = 0; k < named->nr; k++)
		bucket = bucket || iequals(named->v[k], "bucket");
	if (!bucket)
		return local_fault(err, 403, "AccessDenied",
			"Invalid according to Policy: Extra input fields: bucket");
	for (i = 0; i + 1 < fields->nr; i += 2) {
		const char *name = fields->v[i];
		bool found = !strncasecmp(name, "x-ignore-", 9);

		for (k = 0; k < ARRAY_SIZE(free_fields); k++)
			found = found || iequals(name, free_fields[k]);
		for (k = 0; k < named->nr; k++)
			found = found || iequals(name, named->v[k]);
		if (!found)
			return local_fault(err, 403, "AccessDenied",
				"Invalid according to Policy: Extra input fields: %.100s", name);
	}
	return 0;
}

/* The decoded policy document, or NULL. */
static struct json *read_policy(struct local_s3_call *c)
{
	const char *text = field(c, "policy");
	struct strbuf raw = STRBUF_INIT;
	struct json *doc = NULL;

	if (!base64_decode(&raw, text, strlen(text)))
		doc = json_parse(raw.buf, raw.len, NULL);
	strbuf_release(&raw);
	return doc;
}

static int check_conditions(struct local_s3_call *c, const struct json *doc, struct err *err)
{
	const struct json *conditions = json_get(doc, "conditions");
	const char *expiration = json_get_str(doc, "expiration");
	struct strvec named = STRVEC_INIT;
	struct json *e;
	int64_t ms;
	int result = -1;

	if (!expiration || clock_parse(expiration, &ms) || !json_is(conditions, JSON_ARRAY))
		return bad_policy(err, "Invalid JSON.");
	if (ms <= clock_system()->now_ms(clock_system()))
		return local_fault(
			err, 403, "AccessDenied", "Invalid according to Policy: Policy expired.");
	json_each(e, conditions) if (json_is(e, JSON_ARRAY)
					     ? check_array(c, e, &named, err)
					     : check_object(c, e, &named, err)) goto out;
	result = check_named(c, &named, err);
out:
	strvec_release(&named);
	return result;
}

static int check_size(struct local_s3_call *c, struct err *err)
{
	struct json *doc = read_policy(c), *e;
	int result = 0;

	json_each(e, json_get(doc, "conditions"))
	{
		const char *op = json_str(json_at(e, 0));
		int64_t size = c->sink.size;

		if (!json_is(e, JSON_ARRAY) || !op || !iequals(op, "content-length-range"))
			continue;
		if (size < json_i64(json_at(e, 1), 0))
			result = local_fault(err, 400, "EntityTooSmall",
				"Your proposed upload is smaller than the minimum allowed size");
		else if (size > json_i64(json_at(e, 2), 0))
			result = local_fault(err, 400, "EntityTooLarge",
				"Your proposed upload exceeds the maximum allowed size");
	}
	json_free(doc);
	return result;
}

/* --- the fields --- */

static int check_signature(struct local_s3_call *c, struct err *err)
{
	const char *algorithm = field(c, "x-amz-algorithm");

	if (!field(c, "policy"))
		return local_fault(err, 403, "AccessDenied", "Access Denied");
	if (!algorithm && field(c, "AWSAccessKeyId"))
		return local_auth_verify_policy_v2(c->http, field(c, "AWSAccessKeyId"),
			field(c, "x-amz-security-token"), field(c, "policy"), field(c, "signature"),
			err);
	if (!algorithm || strcmp(algorithm, ALGORITHM))
		return local_fault(err, 400, "InvalidRequest",
			"The authorization mechanism you have provided is not supported. Please "
			"use " ALGORITHM ".");
	return local_auth_verify_policy(c->http, field(c, "x-amz-credential"),
		field(c, "x-amz-date"), field(c, "x-amz-security-token"), field(c, "policy"),
		field(c, "x-amz-signature"), err);
}

static int read_key(struct local_s3_call *c, struct err *err)
{
	const char *key = field(c, "key"), *mark;
	struct strbuf text = STRBUF_INIT;

	if (!key || !*key)
		return local_s3_invalid(err,
			"Bucket POST must contain a field named 'key'.  If it is specified, please "
			"check the order of the fields.");
	mark = strstr(key, FILE_NAME);
	if (mark) {
		strbuf_add(&text, key, (size_t)(mark - key));
		strbuf_addstr(&text, local_s3_form_file_name(c->form));
		key = mark + strlen(FILE_NAME);
	}
	strbuf_addstr(&text, key);
	c->key = strbuf_detach(&text, NULL);
	return local_s3_check_key(c->key, err);
}

/* The tags of a form are a document; those of a header, a query. */
static int turn_tags(struct local_s3_call *c, struct err *err)
{
	const char *text = field(c, "tagging");
	struct strbuf query = STRBUF_INIT;
	struct json *tags = NULL, *e;

	if (!text)
		return 0;
	if (local_s3_tags_parse(text, strlen(text), 10, &tags, err))
		return -1;
	json_each(e, tags)
	{
		strbuf_addstr(&query, query.len ? "&" : "");
		uri_encode(&query, json_name(e), strlen(json_name(e)), false);
		strbuf_addch(&query, '=');
		uri_encode(&query, json_str(e), strlen(json_str(e)), false);
	}
	local_s3_form_add(c->form, "x-amz-tagging", query.buf);
	strbuf_release(&query);
	json_free(tags);
	return 0;
}

/* From here on, the request's headers are what the form says. */
static void turn_headers(struct local_s3_call *c)
{
	static const char *const kept[] = {"host", "x-amz-expected-bucket-owner"};
	const struct strvec *fields = local_s3_form_fields(c->form);
	struct local_http *h = c->http;
	size_t nr = 0, i, k;

	for (i = 0; i < h->nr_headers; i++)
		for (k = 0; k < ARRAY_SIZE(kept); k++)
			if (iequals(h->headers[i].name, kept[k]))
				h->headers[nr++] = h->headers[i];
	h->nr_headers = nr;
	for (i = 0; i + 1 < fields->nr; i += 2) {
		const char *name = fields->v[i];

		ALLOC_GROW(h->headers, h->nr_headers, h->alloc_headers);
		h->headers[h->nr_headers].name = iequals(name, "acl") ? "x-amz-acl" : name;
		h->headers[h->nr_headers++].value = fields->v[i + 1];
	}
}

int local_s3_post_begin(struct local_s3_call *c, struct err *err)
{
	struct json *doc;
	int result;

	if (read_key(c, err) || check_signature(c, err))
		return -1;
	doc = read_policy(c);
	result = doc ? check_conditions(c, doc, err) : bad_policy(err, "Invalid JSON.");
	json_free(doc);
	if (result || local_s3_authorize(c, "s3:PutObject", c->bucket, c->key, NULL, err) ||
		turn_tags(c, err))
		return -1;
	turn_headers(c);
	return local_s3_refuse_headers(c, err) ? -1 : local_s3_sink_open(c, true, err);
}

/* --- the answer --- */

static void print_location(struct local_s3_call *c, struct strbuf *sb)
{
	strbuf_addf(sb, "%s/%s/", c->cloud->endpoint, c->bucket);
	uri_encode(sb, c->key, strlen(c->key), true);
}

static void print_reply(struct local_s3_call *c, const char *location)
{
	const char *status = field(c, "success_action_status");
	struct strbuf *sb;

	c->reply->status = status && !strcmp(status, "200") ? 200 : 204;
	if (!status || strcmp(status, "201"))
		return;
	sb = local_s3_xml(c, "PostResponse");
	xml_add_element(sb, "Location", location);
	xml_add_element(sb, "Bucket", c->bucket);
	xml_add_element(sb, "Key", c->key);
	local_s3_add_etag(sb, c->sink.md5_hex);
	strbuf_addstr(sb, "</PostResponse>");
	c->reply->status = 201;
}

static void print_redirect(struct local_s3_call *c, const char *url)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "%s%cbucket=", url, strchr(url, '?') ? '&' : '?');
	uri_encode(&sb, c->bucket, strlen(c->bucket), false);
	strbuf_addstr(&sb, "&key=");
	uri_encode(&sb, c->key, strlen(c->key), false);
	strbuf_addf(&sb, "&etag=%%22%s%%22", c->sink.md5_hex);
	local_reply_header(c->reply, "Location", "%s", sb.buf);
	c->reply->status = 303;
	strbuf_release(&sb);
}

int local_s3_post_object(struct local_s3_call *c, struct err *err)
{
	const char *redirect = field(c, "success_action_redirect");
	struct strbuf location = STRBUF_INIT;

	if (!redirect)
		redirect = field(c, "redirect");
	if (check_size(c, err) || local_s3_put_object(c, err))
		return -1;
	print_location(c, &location);
	local_reply_header(c->reply, "Location", "%s", location.buf);
	if (redirect && (starts_with(redirect, "http://") || starts_with(redirect, "https://")))
		print_redirect(c, redirect);
	else
		print_reply(c, location.buf);
	strbuf_release(&location);
	return 0;
}
