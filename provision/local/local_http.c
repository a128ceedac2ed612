/*
 * One request from its head to its reply, without the HTTP library:
 *
 *	begin:  classify (health, S3, JSON, query) -> claim; S3 also verifies and opens its sink
 *	feed:   S3 streams, all others gather the body up to MAX_BODY; a refused request reads on
 *	finish: verify, authorise, handle, print
 */
#include "local_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>
#include "digest.h"
#include "fs.h"
#include "gzip_read.h"
#include "local_alarms.h"
#include "local_s3.h"
#include "local_sqs.h"
#include "log.h"
#include "xalloc.h"

#define MAX_BODY ((size_t)16 << 20)
#define INTERNAL "/_glueproj/"

const char *local_http_header(const struct local_http *h, const char *name)
{
	size_t i;

	for (i = 0; i < h->nr_headers; i++)
		if (iequals(h->headers[i].name, name))
			return h->headers[i].value;
	return NULL;
}

void local_reply_header(struct local_reply *r, const char *name, const char *fmt, ...)
{
	struct strbuf value = STRBUF_INIT;
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	strbuf_vaddf(&value, fmt, ap);
	va_end(ap);
	for (i = 0; i + 1 < r->headers.nr; i += 2)
		if (iequals(r->headers.v[i], name)) {
			free(r->headers.v[i + 1]);
			r->headers.v[i + 1] = strbuf_detach(&value, NULL);
			return;
		}
	strvec_push(&r->headers, name);
	strvec_push_take(&r->headers, strbuf_detach(&value, NULL));
}

struct local_http *local_http_new(struct local_cloud *cloud, const char *uri)
{
	struct local_http *h = xcalloc(1, sizeof(*h));
	const char *authority = strstr(uri, "://"), *mark;

	h->cloud = cloud;
	/* the absolute form that clients of a proxy send */
	if (*uri != '/' && authority && (mark = strchr(authority + 3, '/')))
		uri = mark;
	mark = strchr(uri, '?');
	h->path = mark ? xstrndup(uri, (size_t)(mark - uri)) : xstrdup(uri);
	h->query = mark ? xstrdup(mark + 1) : NULL;
	h->request_id = local_uuid();
	strbuf_init(&h->body);
	strvec_init(&h->reply.headers);
	strbuf_init(&h->reply.body);
	h->reply.fd = -1;
	return h;
}

void local_http_free(struct local_http *h)
{
	if (!h)
		return;
	local_s3_free(h->s3);
	sigv4_claim_release(&h->claim);
	local_principal_release(&h->who);
	free_secret(h->secret);
	free(h->operation);
	strbuf_release(&h->body);
	err_release(&h->failed);
	strvec_release(&h->reply.headers);
	strbuf_release(&h->reply.body);
	if (h->reply.fd >= 0)
		close(h->reply.fd);
	free(h->method);
	free(h->path);
	free(h->query);
	free(h->request_id);
	free(h->headers);
	free(h);
}

/* --- faults --- */

int local_disk_error(struct local_cloud *cloud, struct err *err, const char *what)
{
	int error = errno;

	if (error == ENOSPC || error == EDQUOT)
		return local_fault(err, 507, "InsufficientStorage",
			"the disk under the local cloud's folder '%s' is full", cloud->dir);
	errno = error;
	return err_errno(err, "%s", what);
}

void local_fault_complete(
	struct local_cloud *cloud, const struct wire_service *svc, struct err *err)
{
	bool s3 = svc && svc->protocol == WIRE_REST_XML;

	if (err->aws_code && err->http_status)
		return;
	if (err->text && strstr(err->text, "disk is full")) {
		local_fault(err, 507, "InsufficientStorage",
			"the disk under the local cloud's folder '%s' is full", cloud->dir);
		return;
	}
	free(err->aws_code);
	err->aws_code = xstrdup(s3 ? "InternalError" : "InternalFailure");
	err->http_status = 500;
	log_error("request failed: %s", err->text ? err->text : "(no text)");
}

static void print_fault(struct local_http *h)
{
	struct local_reply *r = &h->reply;
	const struct wire_service *svc = h->service ? h->service : wire_service_find("glue");
	struct err *e = &h->failed;

	local_fault_complete(h->cloud, svc, e);
	r->status = e->http_status;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	r->length_only = false;
	strbuf_clear(&r->body);
	if (e->http_status == 304 || !strcmp(h->method, "HEAD"))
		return;
	wire_error_print(svc, e->aws_code, e->text ? e->text : "", h->s3 ? NULL : h->path,
		h->request_id, &r->body);
	if (h->s3)
		local_s3_error_details(h->s3, e->aws_code, &r->body);
	if (svc->protocol == WIRE_REST_XML)
		local_reply_header(r, "Content-Type", "application/xml");
	else if (svc->protocol == WIRE_QUERY)
		local_reply_header(r, "Content-Type", "text/xml");
	else {
		local_reply_header(r, "Content-Type", "application/x-amz-json-%s",
			svc->protocol == WIRE_JSON_10 ? "1.0" : "1.1");
		local_reply_header(r, "x-amzn-ErrorType", "%s", e->aws_code);
		if (!strcmp(svc->id, "sqs"))
			local_reply_header(r, "x-amzn-query-error", "%s;%s",
				local_sqs_query_code(e->aws_code),
				e->http_status < 500 ? "Sender" : "Receiver");
		if (!strcmp(svc->id, "monitoring"))
			local_reply_header(r, "x-amzn-query-error", "%s;%s",
				local_alarms_query_code(e->aws_code),
				e->http_status < 500 ? "Sender" : "Receiver");
	}
}

/* --- classification --- */

static int classify_target(struct local_http *h, const char *target, struct err *err)
{
	const char *dot = strrchr(target, '.');

	h->service = wire_service_by_target(target);
	if (!h->service)
		return local_fault(err, 400, "UnknownOperationException",
			"the local cloud has no service for '%.200s'", target);
	h->operation = xstrdup(dot ? dot + 1 : target);
	return 0;
}

static bool is_form(const struct local_http *h)
{
	const char *type = local_http_header(h, "content-type");

	return type && starts_with(type, "application/x-www-form-urlencoded");
}

/* A query service's form, or its presigned request. */
static bool is_query(const struct local_http *h)
{
	if (strcmp(h->path, "/"))
		return false;
	return (!strcmp(h->method, "POST") && is_form(h)) ||
	       (h->query && (starts_with(h->query, "Action=") || strstr(h->query, "&Action=")));
}

/* Knows the service from target or signature; S3 is what has neither. */
static int classify(struct local_http *h, struct err *err)
{
	const char *target = local_http_header(h, "x-amz-target");

	if (target && classify_target(h, target, err))
		return -1;
	if (local_auth_claim(h, err)) {
		if (h->service)
			return -1;
		/* each protocol says it in its own words */
		h->service = wire_service_find(is_query(h) ? "sts" : "s3");
		return local_auth_claim(h, err);
	}
	if (h->service)
		return 0;
	if (h->anonymous) {
		h->service = wire_service_find(is_query(h) ? "sts" : "s3");
		return 0;
	}
	h->service = wire_service_by_signing_name(h->claim.service);
	if (!h->service)
		return local_fault(err, 501, "NotImplemented",
			"the local cloud has no service '%.100s'", h->claim.service);
	if (h->service->protocol == WIRE_JSON_10 || h->service->protocol == WIRE_JSON_11)
		return local_fault(err, 400, "UnknownOperationException",
			"the request to '%s' has no X-Amz-Target header", h->service->id);
	return 0;
}

static int begin(struct local_http *h, struct err *err)
{
	const char *hash;

	if (starts_with(h->path, INTERNAL))
		return 0;
	if (classify(h, err))
		return -1;
	if (h->service->protocol != WIRE_REST_XML)
		return 0;
	hash = local_http_header(h, "x-amz-content-sha256");
	if (!hash && !h->anonymous && !h->claim.presigned)
		return local_fault(err, 400, "InvalidRequest",
			"Missing required header for this request: x-amz-content-sha256");
	/* a form is signed by its policy, which stands in it */
	if (!local_s3_is_form(h) && local_auth_verify(h, hash ? hash : SIGV4_UNSIGNED_PAYLOAD, err))
		return -1;
	h->s3 = local_s3_new(h);
	return local_s3_begin(h->s3, err);
}

void local_http_begin(struct local_http *h)
{
	struct err err = ERR_INIT;

	if (begin(h, &err))
		err_move(&h->failed, &err);
}

static int feed(struct local_http *h, const void *data, size_t len, struct err *err)
{
	if (h->s3)
		return local_s3_feed(h->s3, data, len, err);
	if (h->body.len + len > MAX_BODY)
		return local_fault(err, 413, "RequestEntityTooLarge",
			"The request is larger than %zu bytes", MAX_BODY);
	strbuf_add(&h->body, data, len);
	return 0;
}

void local_http_feed(struct local_http *h, const void *data, size_t len)
{
	struct err err = ERR_INIT;

	if (!h->failed.code && feed(h, data, len, &err))
		err_move(&h->failed, &err);
}

/* --- JSON and query services --- */

static const struct local_route *route_find(const char *service, const char *operation)
{
	size_t i;

	for (i = 0; local_services[i]; i++) {
		const struct local_service *s = local_services[i];
		size_t low = 0, high = s->nr_routes;

		if (strcmp(s->id, service))
			continue;
		while (low < high) {
			size_t middle = (low + high) / 2;
			int order = strcmp(operation, s->routes[middle].operation);

			if (!order)
				return &s->routes[middle];
			if (order < 0)
				high = middle;
			else
				low = middle + 1;
		}
	}
	return NULL;
}

/* boto3 compresses long documents (PutMetricData); the signature is that of the compressed bytes. */
static int unpack_body(struct local_http *h, struct err *err)
{
	const char *encoding = local_http_header(h, "content-encoding");
	struct strbuf plain = STRBUF_INIT;
	struct err detail = ERR_INIT;
	int ret = 0;

	if (!encoding || strcmp(encoding, "gzip") != 0)
		return 0;
	if (gzip_inflate(h->body.buf, h->body.len, MAX_BODY, &plain, &detail) == 0)
		strbuf_swap(&h->body, &plain);
	else
		ret = local_fault(err, 400, "SerializationException", "%s", detail.text);
	err_release(&detail);
	strbuf_release(&plain);
	return ret;
}

static int read_document(struct local_http *h, struct json **in, struct err *err)
{
	struct err detail = ERR_INIT;

	if (unpack_body(h, err))
		return -1;

	if (h->service->protocol == WIRE_QUERY) {
		const char *form = h->body.buf;
		size_t len = h->body.len;

		if (!len && h->query) {
			form = h->query;
			len = strlen(form);
		}
		if (query_decode(form, len, in, &detail))
			goto bad;
		h->operation = xstrdup(json_get_str(*in, "Action"));
		if (!h->operation)
			return local_fault(err, 400, "MissingAction",
				"The request must contain the parameter Action.");
		return 0;
	}
	*in = h->body.len ? json_parse(h->body.buf, h->body.len, &detail) : json_object();
	if (*in && json_is(*in, JSON_OBJECT))
		return 0;
bad:
	local_fault(err, 400,
		h->service->protocol == WIRE_QUERY ? "MalformedQueryString"
						   : "SerializationException",
		"%s", detail.text ? detail.text : "the document is no object");
	err_release(&detail);
	return -1;
}

static int unknown_operation(const struct wire_service *svc, const char *operation, struct err *err)
{
	if (svc->protocol == WIRE_QUERY)
		return local_fault(err, 400, "InvalidAction",
			"Could not find operation %.100s for version %s of '%s' in the local cloud",
			operation, svc->api_version, svc->id);
	return local_fault(err, 400, "UnknownOperationException",
		"the local cloud has no operation '%.100s' of '%s'", operation, svc->id);
}

/* IAM's name of a service where it is not the one that signs. */
static const char *iam_prefix(const struct wire_service *svc)
{
	if (!strcmp(svc->signing_name, "monitoring"))
		return "cloudwatch";
	return !strcmp(svc->signing_name, "tagging") ? "tag" : svc->signing_name;
}

/* "sqs:SendMessage": malloc'd. Batches of messages have no action of their own. */
static char *iam_action(const struct wire_service *svc, const char *operation)
{
	size_t len = strlen(operation);

	if ((!strcmp(svc->id, "sqs") || !strcmp(svc->id, "sns")) && ends_with(operation, "Batch"))
		len -= strlen("Batch");
	return xasprintf("%s:%.*s", iam_prefix(svc), (int)len, operation);
}

static int authorize_route(struct local_http *h, const struct local_route *route,
	const struct local_request *req, struct err *err)
{
	struct strbuf arn = STRBUF_INIT;
	char *action;
	int result;

	if (!h->who.role_name || !strcmp(route->operation, "GetCallerIdentity"))
		return 0;
	action = iam_action(h->service, route->operation);
	if (route->arn)
		route->arn(h->cloud, req, &arn);
	result = local_authorize(h, action, arn.len ? arn.buf : "*", err);
	strbuf_release(&arn);
	free(action);
	return result;
}

static void print_reply(struct local_http *h, const struct json *out)
{
	struct local_reply *r = &h->reply;

	r->status = 200;
	if (h->service->protocol == WIRE_QUERY) {
		query_reply_print(h->service, h->operation, out, h->request_id, &r->body);
		local_reply_header(r, "Content-Type", "text/xml");
		return;
	}
	if (out)
		json_print(out, &r->body);
	else
		strbuf_addstr(&r->body, "{}");
	local_reply_header(r, "Content-Type", "application/x-amz-json-%s",
		h->service->protocol == WIRE_JSON_10 ? "1.0" : "1.1");
}

static int handle(struct local_http *h, struct err *err)
{
	struct local_request req = {.service = h->service, .who = &h->who};
	const struct local_route *route;
	struct strbuf hash = STRBUF_INIT;
	struct json *in = NULL, *out = NULL;
	int result = -1;

	digest_sha256_hex(h->body.buf, h->body.len, &hash);
	if (local_auth_verify(h, hash.buf, err) || read_document(h, &in, err))
		goto out;
	route = route_find(h->service->id, h->operation);
	if (!route) {
		unknown_operation(h->service, h->operation, err);
		goto out;
	}
	req.operation = route->operation;
	req.region = h->claim.region;
	req.request_id = h->request_id;
	req.in = in;
	if (authorize_route(h, route, &req, err) || route->handler(h->cloud, &req, &out, err))
		goto out;
	print_reply(h, out);
	result = 0;
out:
	strbuf_release(&hash);
	json_free(in);
	json_free(out);
	return result;
}

/* --- calls from within --- */

/* The document as the handler of a query service gets it from the wire: all scalars are text. */
static struct json *as_on_wire(const struct wire_service *svc, const char *operation,
	const struct json *in, struct err *err)
{
	struct strbuf form = STRBUF_INIT;
	struct json *out = NULL;

	if (svc->protocol != WIRE_QUERY)
		return json_copy(in);
	query_encode(svc, operation, in, &form);
	if (query_decode(form.buf, form.len, &out, err))
		out = NULL;
	strbuf_release(&form);
	return out;
}

static int authorize_call(struct local_cloud *cloud, const struct local_route *route,
	const struct local_request *req, struct err *err)
{
	struct strbuf arn = STRBUF_INIT;
	char *action = iam_action(req->service, route->operation);
	int result = 0;

	if (route->arn)
		route->arn(cloud, req, &arn);
	if (!arn.len)
		strbuf_addch(&arn, '*');
	if (req->who->role_name && !local_iam_allows(cloud, req->who, action, arn.buf))
		result = local_denied(req->who, action, arn.buf, err);
	strbuf_release(&arn);
	free(action);
	return result;
}

int local_invoke(struct local_cloud *cloud, const struct local_principal *who, const char *service,
	const char *operation, const struct json *in, struct json **out, struct err *err)
{
	const struct wire_service *svc = wire_service_find(service);
	const struct local_route *route = svc ? route_find(svc->id, operation) : NULL;
	struct json *document;
	char *id;
	int result = -1;

	*out = NULL;
	if (!svc)
		return local_fault(err, 400, "UnknownOperationException",
			"the local cloud has no service '%.100s'", service);
	if (!route)
		return unknown_operation(svc, operation, err);
	document = as_on_wire(svc, operation, in, err);
	if (!document)
		return -1;
	id = local_uuid();
	struct local_request req = {.service = svc,
		.operation = route->operation,
		.region = cloud->region,
		.who = who,
		.request_id = id,
		.in = document};
	if (!authorize_call(cloud, route, &req, err) && !route->handler(cloud, &req, out, err))
		result = 0;
	else
		local_fault_complete(cloud, svc, err);
	json_free(document);
	free(id);
	return result;
}

/* --- the cloud's own pages --- */

static void print_health(struct local_http *h)
{
	struct json *doc = json_object(), *services = json_array();
	size_t i, k;

	json_set_str(doc, "status", "ok");
	json_set_str(doc, "version", GLUEPROJ_VERSION);
	json_set_str(doc, "account", h->cloud->account);
	json_push_str(services, "s3");
	for (i = 0; local_services[i]; i++) {
		for (k = 0; k < i; k++)
			if (!strcmp(local_services[k]->id, local_services[i]->id))
				break;
		if (k == i)
			json_push_str(services, local_services[i]->id);
	}
	json_set(doc, "services", services);
	json_print(doc, &h->reply.body);
	json_free(doc);
}

static int advance_clock(struct local_http *h, struct err *err)
{
	struct json *in = json_parse(h->body.buf, h->body.len, NULL);
	int64_t seconds = json_get_i64(in, "advance_seconds", -1);
	struct strbuf now = STRBUF_INIT;

	json_free(in);
	if (seconds < 0 || seconds > 10LL * 366 * 86400)
		return local_fault(err, 400, "ValidationException",
			"\"advance_seconds\" must be a number from 0 to ten years");
	local_advance(h->cloud, seconds * 1000);
	clock_add_iso(&now, local_now_ms(h->cloud), true);
	strbuf_addf(&h->reply.body, "{\"now\":\"%s\"}", now.buf);
	strbuf_release(&now);
	return 0;
}

static int internal_page(struct local_http *h, struct err *err)
{
	const char *page = h->path + strlen(INTERNAL);

	/* a page in a browser has no business here */
	if (local_http_header(h, "origin"))
		return local_fault(err, 403, "AccessDenied", "not for web pages");
	if (!strcmp(page, "health") && (!strcmp(h->method, "GET") || !strcmp(h->method, "HEAD")))
		print_health(h);
	else if (!strcmp(page, "clock") && !strcmp(h->method, "POST")) {
		if (advance_clock(h, err))
			return -1;
	} else
		return local_fault(
			err, 404, "NotFound", "the local cloud has no page '%.100s'", h->path);
	h->reply.status = 200;
	local_reply_header(&h->reply, "Content-Type", "application/json");
	return 0;
}

void local_http_finish(struct local_http *h)
{
	struct err err = ERR_INIT;
	int result = 0;

	if (!h->failed.code) {
		if (h->s3)
			result = local_s3_finish(h->s3, &err);
		else if (starts_with(h->path, INTERNAL))
			result = internal_page(h, &err);
		else
			result = handle(h, &err);
	}
	if (result)
		err_move(&h->failed, &err);
	if (h->failed.code)
		print_fault(h);
	if (h->service && h->service->protocol == WIRE_REST_XML) {
		local_reply_header(&h->reply, "x-amz-request-id", "%s", h->request_id);
		local_reply_header(&h->reply, "x-amz-id-2", "%s", h->request_id);
	} else
		local_reply_header(&h->reply, "x-amzn-RequestId", "%s", h->request_id);
}
