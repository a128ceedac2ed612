/* From a request to its route: bucket and key, parameters, authorisation; and the helpers of all handlers. */
#include "local_s3.h"

#include <ctype.h>
#include <stdarg.h>
#include "uri.h"
#include "xalloc.h"

#define MAX_KEY 1024

/* --- parameters and headers --- */

const char *local_s3_param(const struct local_s3_call *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nr_params; i++)
		if (!strcmp(c->params[i].name, name))
			return c->params[i].value;
	return NULL;
}

const char *local_s3_header(const struct local_s3_call *c, const char *name)
{
	return local_http_header(c->http, name);
}

int local_s3_int_param(struct local_s3_call *c, const char *name, int64_t otherwise, int64_t max,
	int64_t *out, struct err *err)
{
	const char *text = local_s3_param(c, name);
	long long n;

	*out = otherwise;
	if (!text || !*text)
		return 0;
	if (!parse_int64(text, 0, INT32_MAX, &n)) {
		*out = n < max ? n : max;
		return 0;
	}
	local_s3_detail(c, "ArgumentName", name);
	local_s3_detail(c, "ArgumentValue", text);
	if (!parse_int64(text, INT32_MIN, -1, &n))
		return local_s3_invalid(
			err, "Argument %s must be an integer between 0 and 2147483647", name);
	return local_s3_invalid(err, "Provided %s not an integer or within integer range", name);
}

int local_s3_invalid(struct err *err, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	local_fault(err, 400, "InvalidArgument", "%s", text.buf);
	strbuf_release(&text);
	return -1;
}

int local_s3_malformed(struct err *err)
{
	return local_fault(err, 400, "MalformedXML",
		"The XML you provided was not well-formed or did not validate against our "
		"published "
		"schema");
}

/* --- replies --- */

struct strbuf *local_s3_xml(struct local_s3_call *c, const char *root)
{
	struct strbuf *sb = &c->reply->body;

	c->reply->status = 200;
	local_reply_header(c->reply, "Content-Type", "application/xml");
	strbuf_addf(sb, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"%s\">", root,
		S3_XMLNS);
	return sb;
}

void local_s3_add_time(struct strbuf *sb, const char *element, int64_t ms)
{
	strbuf_addf(sb, "<%s>", element);
	/* whole seconds, as S3 keeps them, in its spelling */
	clock_add_iso(sb, ms - ms % 1000, true);
	strbuf_addf(sb, "</%s>", element);
}

void local_s3_add_int(struct strbuf *sb, const char *element, int64_t n)
{
	strbuf_addf(sb, "<%s>%lld</%s>", element, (long long)n, element);
}

void local_s3_add_bool(struct strbuf *sb, const char *element, bool b)
{
	xml_add_element(sb, element, b ? "true" : "false");
}

void local_s3_add_etag(struct strbuf *sb, const char *etag)
{
	strbuf_addf(sb, "<ETag>&quot;%s&quot;</ETag>", etag);
}

void local_s3_add_owner(struct local_s3_call *c, struct strbuf *sb, const char *element)
{
	struct strbuf id = STRBUF_INIT;

	/* a canonical id of 64 digits, always the same for an account */
	digest_sha256_hex(c->cloud->account, strlen(c->cloud->account), &id);
	strbuf_addf(sb, "<%s><ID>%s</ID><DisplayName>%s</DisplayName></%s>", element, id.buf,
		c->cloud->account, element);
	strbuf_release(&id);
}

/* --- reading the request --- */

static int read_params(struct local_s3_call *c, struct err *err)
{
	struct strvec pieces = STRVEC_INIT;
	size_t i;
	int result = 0;

	if (c->http->query)
		strvec_split(&pieces, c->http->query, '&');
	for (i = 0; !result && i < pieces.nr; i++) {
		const char *piece = pieces.v[i], *equals = strchr(piece, '=');
		struct strbuf name = STRBUF_INIT, value = STRBUF_INIT;

		if (!*piece)
			continue;
		if (uri_decode(&name, piece, equals ? (size_t)(equals - piece) : strlen(piece),
			    true, NULL) ||
			(equals && uri_decode(&value, equals + 1, strlen(equals + 1), true, NULL)))
			result = local_fault(
				err, 400, "InvalidURI", "Couldn't parse the specified URI.");
		ALLOC_GROW(c->params, c->nr_params, c->alloc_params);
		c->params[c->nr_params].name = strbuf_detach(&name, NULL);
		c->params[c->nr_params++].value = strbuf_detach(&value, NULL);
	}
	strvec_release(&pieces);
	return result;
}

/* What stands before the endpoint's own ".s3", ".s3-fips" or ".s3-REGION"; bucket names may have dots. */
static void cut_service(char *name)
{
	char *at = NULL, *s3;

	for (s3 = name; (s3 = strstr(s3, ".s3")); s3++)
		if (!s3[3] || s3[3] == '.' || s3[3] == '-')
			at = s3;
	if (at)
		*at = '\0';
}

/* "s3", "s3.REGION", "s3-fips.REGION", "s3.dualstack.REGION": no bucket in front. */
static bool is_service(const char *name, bool aws)
{
	return !strcmp(name, "s3") || starts_with(name, "s3.") ||
	       (aws && starts_with(name, "s3-") && !strstr(name, ".s3"));
}

/* The bucket in front of ".localhost", ".s3.localhost", ".s3.REGION.amazonaws.com"…; NULL: path style. Malloc'd. */
static char *host_bucket(const char *host)
{
	static const struct {
		const char *tail;
		bool aws;
	} tails[] = {
		{".localhost", false},
		{".localhost.localstack.cloud", false},
		{".amazonaws.com", true},
		{".amazonaws.com.cn", true},
	};
	size_t len = host ? strcspn(host, ":") : 0, i;
	char *name = host ? xstrndup(host, len) : NULL;

	for (i = 0; name && i < ARRAY_SIZE(tails); i++) {
		if (!ends_with(name, tails[i].tail))
			continue;
		name[len - strlen(tails[i].tail)] = '\0';
		if (is_service(name, tails[i].aws))
			break;
		cut_service(name);
		return name;
	}
	free(name);
	return NULL;
}

char *local_s3_host_bucket(const struct local_http *h)
{
	return host_bucket(local_http_header(h, "host"));
}

static bool is_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		int more = *p < 0x80 ? 0 : *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc2 ? 1 : -1;

		if (more < 0 || *p > 0xf4)
			return false;
		for (p++; more > 0; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

int local_s3_check_key(const char *key, struct err *err)
{
	if (!is_utf8(key))
		return local_fault(err, 400, "InvalidURI", "Couldn't parse the specified URI.");
	if (strlen(key) <= MAX_KEY)
		return 0;
	return local_fault(err, 400, "KeyTooLongError", "Your key is too long");
}

static int read_path(struct local_s3_call *c, struct err *err)
{
	struct strbuf path = STRBUF_INIT;
	const char *raw = c->http->path, *slash;
	int result = -1;

	if (uri_decode(&path, raw, strlen(raw), false, NULL) || strlen(path.buf) != path.len ||
		!is_utf8(path.buf)) {
		local_fault(err, 400, "InvalidURI", "Couldn't parse the specified URI.");
		goto out;
	}
	c->bucket = local_s3_host_bucket(c->http);
	if (c->bucket) {
		if (path.len > 1)
			c->key = xstrdup(path.buf + 1);
	} else if (path.len > 1) {
		slash = strchr(path.buf + 1, '/');
		c->bucket = slash ? xstrndup(path.buf + 1, (size_t)(slash - path.buf - 1))
				  : xstrdup(path.buf + 1);
		if (slash && slash[1])
			c->key = xstrdup(slash + 1);
	}
	result = c->key ? local_s3_check_key(c->key, err) : 0;
out:
	strbuf_release(&path);
	return result;
}

/* --- authorisation --- */

int local_s3_authorize(struct local_s3_call *c, const char *action, const char *bucket,
	const char *key, const struct json *context, struct err *err)
{
	const struct local_principal *who = &c->http->who;
	char *arn;
	int result = 0;

	if (!who->role_name)
		return 0;
	if (!bucket)
		arn = xstrdup("*");
	else
		arn = xasprintf("arn:aws:s3:::%s%s%s", bucket, key ? "/" : "", key ? key : "");
	if (!local_iam_allows_with(c->cloud, who, action, arn, context))
		result = local_denied(who, action, arn, err);
	free(arn);
	return result;
}

static int authorize_route(struct local_s3_call *c, struct err *err)
{
	const struct s3_route *r = c->route;
	struct json *context;
	char *action;
	int result;

	if (!c->http->who.role_name || r->flags & S3_OWN_AUTH)
		return 0;
	if (c->config)
		action = xstrdup(local_s3_config_action(c->config, c->http->method));
	else
		action = r->action ? xstrdup(r->action) : xasprintf("s3:%s", r->name);
	if (c->key && local_s3_param(c, "versionId") &&
		(!strcmp(action, "s3:GetObject") || !strcmp(action, "s3:DeleteObject"))) {
		char *versioned = xasprintf("%sVersion", action);

		free(action);
		action = versioned;
	}
	context = json_object();
	json_set_str(context, "s3:prefix",
		local_s3_param(c, "prefix") ? local_s3_param(c, "prefix") : "");
	json_set_str(context, "s3:delimiter", local_s3_param(c, "delimiter"));
	json_set_str(context, "s3:max-keys", local_s3_param(c, "max-keys"));
	json_set_str(context, "s3:x-amz-acl", local_s3_header(c, "x-amz-acl"));
	json_set_str(context, "s3:x-amz-server-side-encryption",
		local_s3_header(c, "x-amz-server-side-encryption"));
	result = local_s3_authorize(c, action, c->bucket, c->key, context, err);
	json_free(context);
	free(action);
	return result;
}

/* Signature Version 2 is taken in those regions only that are older than its successor. */
static int check_signature_age(struct local_s3_call *c, const char *region, struct err *err)
{
	static const char *const old[] = {"us-east-1", "us-west-1", "us-west-2", "eu-west-1",
		"ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1"};
	size_t i;

	if (!c->http->signature_v2)
		return 0;
	for (i = 0; i < ARRAY_SIZE(old); i++)
		if (!strcmp(old[i], region))
			return 0;
	return local_fault(err, 400, "InvalidRequest",
		"The authorization mechanism you have provided is not supported. Please use "
		"AWS4-HMAC-SHA256.");
}

/* The bucket is there, and is whose the client says. */
int local_s3_check_bucket(struct local_s3_call *c, struct err *err)
{
	const char *owner = local_s3_header(c, "x-amz-expected-bucket-owner");
	struct store_bucket b = {0};
	int result;

	if (!c->bucket || c->route->flags & S3_NO_BUCKET)
		return 0;
	if (local_tx_begin(c->cloud, err))
		return -1;
	result = store_bucket_get(c->cloud, c->bucket, &b, err);
	local_tx_end(c->cloud);
	if (!result) {
		local_reply_header(c->reply, "x-amz-bucket-region", "%s", b.region);
		result = check_signature_age(c, b.region, err);
	}
	store_bucket_release(&b);
	if (!result && owner && strcmp(owner, c->cloud->account))
		return local_fault(err, 403, "AccessDenied", "Access Denied");
	return result;
}

/* --- stages --- */

struct local_s3_call *local_s3_new(struct local_http *h)
{
	struct local_s3_call *c = xcalloc(1, sizeof(*c));

	c->cloud = h->cloud;
	c->http = h;
	c->reply = &h->reply;
	c->sink.file.fd = -1;
	strbuf_init(&c->sink.memory);
	strbuf_init(&c->sink.plain);
	strbuf_init(&c->detail);
	return c;
}

void local_s3_free(struct local_s3_call *c)
{
	size_t i;

	if (!c)
		return;
	local_s3_sink_release(c);
	local_s3_form_free(c->form);
	for (i = 0; i < c->nr_params; i++) {
		free(c->params[i].name);
		free(c->params[i].value);
	}
	free(c->params);
	free(c->bucket);
	free(c->key);
	local_s3_about_release(&c->about);
	strbuf_release(&c->detail);
	free(c);
}

/* What a parameter of a presigned URL says stands for a header that it could not send. */
static bool is_hoisted(const char *name)
{
	static const char *const own[] = {"algorithm", "credential", "date", "expires",
		"signedheaders", "signature", "security-token", "content-sha256"};
	size_t i;

	if (strncasecmp(name, "x-amz-", 6))
		return false;
	for (i = 0; i < ARRAY_SIZE(own); i++)
		if (iequals(name + 6, own[i]))
			return false;
	return true;
}

static void hoist_params(struct local_s3_call *c)
{
	struct local_http *h = c->http;
	size_t i;

	for (i = 0; h->claim.presigned && i < c->nr_params; i++) {
		const struct s3_param *p = &c->params[i];

		/* Version 2 signs those in lower case alone. */
		if (!is_hoisted(p->name) || local_s3_header(c, p->name) ||
			(h->signature_v2 && !starts_with(p->name, "x-amz-")))
			continue;
		ALLOC_GROW(h->headers, h->nr_headers, h->alloc_headers);
		h->headers[h->nr_headers].name = p->name;
		h->headers[h->nr_headers++].value = p->value;
	}
}

int local_s3_begin(struct local_s3_call *c, struct err *err)
{
	if (read_params(c, err))
		return -1;
	hoist_params(c);
	if (read_path(c, err))
		return -1;
	c->route = local_s3_route_find(c);
	if (!c->route)
		return local_fault(err, 405, "MethodNotAllowed",
			"The specified method is not allowed against this resource.");
	/* Only a form has its signature in its body: nothing else that looks like one came in without. */
	if (local_s3_is_form(c->http) && !(c->route->flags & S3_FORM))
		return local_fault(err, 403, "AccessDenied", "Access Denied");
	if (authorize_route(c, err) || local_s3_check_bucket(c, err) ||
		local_s3_refuse_headers(c, err))
		return -1;
	if (c->route->flags & S3_FORM) {
		c->form = local_s3_form_new(c->http);
		return 0;
	}
	return local_s3_sink_open(c, c->route->flags & S3_STREAM, err);
}

int local_s3_feed(struct local_s3_call *c, const void *data, size_t len, struct err *err)
{
	if (c->form)
		return local_s3_form_feed(c, data, len, err);
	return local_s3_sink_feed(c, data, len, err);
}

int local_s3_finish(struct local_s3_call *c, struct err *err)
{
	if ((c->form && local_s3_form_finish(c, err)) || local_s3_sink_close(c, err))
		return -1;
	if (c->route->flags & S3_NEEDS_SUM && !local_s3_header(c, "content-md5") &&
		!c->sink.sum_b64)
		return local_fault(err, 400, "InvalidRequest",
			"Missing required header for this request: Content-MD5 OR "
			"x-amz-checksum-*");
	return c->route->fn(c, err);
}

int local_s3_not_implemented(struct local_s3_call *c, struct err *err)
{
	return local_fault(err, 501, "NotImplemented", "the local cloud's S3 has no operation '%s'",
		c->route->name);
}
