/* JSON documents in and out, whatever the service's protocol; paging. */
#include "client.h"
#include "client_internal.h"
#include "digest.h"

#define MAX_PAGES 100000

static void add_uuid(struct strbuf *sb)
{
	unsigned char b[16];
	digest_random(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++)
		strbuf_addf(sb, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
}

/* The member that makes repeats of a request one. */
static const char *token_member(const struct wire_service *svc)
{
	return strcmp(svc->id, "redshift-data") ? "ClientRequestToken" : "ClientToken";
}

static void print_body(const struct wire_service *svc, const struct aws_op *op,
	const struct json *in, struct strbuf *body)
{
	if (svc->protocol == WIRE_QUERY) {
		query_encode(svc, op->name, in, body);
	} else if (!(op->flags & AWS_OP_CLIENT_TOKEN) || json_get(in, token_member(svc))) {
		if (json_is(in, JSON_OBJECT))
			json_print(in, body);
		else
			strbuf_addstr(body, "{}");
	} else {
		struct json *with = json_is(in, JSON_OBJECT) ? json_copy(in) : json_object();
		struct strbuf token = STRBUF_INIT;
		add_uuid(&token);
		json_set_str(with, token_member(svc), token.buf);
		json_print(with, body);
		strbuf_release(&token);
		json_free(with);
	}
}

static void push_headers(
	const struct wire_service *svc, const struct aws_op *op, struct strvec *headers)
{
	switch (svc->protocol) {
	case WIRE_JSON_10:
	case WIRE_JSON_11:
		strvec_pushf(headers, "Content-Type: application/x-amz-json-1.%d",
			svc->protocol == WIRE_JSON_11);
		strvec_pushf(headers, "X-Amz-Target: %s%s", svc->target_prefix, op->name);
		break;
	case WIRE_QUERY:
		strvec_push(
			headers, "Content-Type: application/x-www-form-urlencoded; charset=utf-8");
		break;
	case WIRE_REST_XML:
		BUG("%s is not called with documents", svc->id);
	}
}

/* In AWS's JSON protocols a member that is null is one that is not there; some servers write it out. */
static void drop_nulls(struct json *v)
{
	struct strvec names = STRVEC_INIT;
	struct json *e;
	json_each(e, v)
	{
		if (json_is(v, JSON_OBJECT) && json_is(e, JSON_NULL))
			strvec_push(&names, json_name(e));
		else
			drop_nulls(e);
	}
	for (size_t i = 0; i < names.nr; i++)
		json_remove(v, names.v[i]);
	strvec_release(&names);
}

struct document {
	const struct wire_service *svc;
	struct json *json; /* of the last reply */
};

static int understand(void *payload, const struct http_reply *reply, struct err *err)
{
	struct document *d = payload;
	struct err why = ERR_INIT;
	json_free(d->json);
	d->json = NULL;
	if (d->svc->protocol == WIRE_QUERY) {
		if (query_reply_parse(reply->body.buf, reply->body.len, &d->json, &why) < 0)
			d->json = NULL;
	} else {
		d->json = reply->body.len ? json_parse(reply->body.buf, reply->body.len, &why)
					  : json_object();
		drop_nulls(d->json);
	}
	if (!d->json)
		err_set(err, ERR_AMBIGUOUS, "the reply of %s is not understood: %s", d->svc->id,
			why.text ? why.text : "?");
	err_release(&why);
	return d->json ? 0 : -1;
}

int aws_call(struct aws_client *c, const struct aws_op *op, const struct json *in,
	struct json **out, struct err *err)
{
	const struct wire_service *svc = wire_service_find(op->service);
	struct strbuf body = STRBUF_INIT;
	struct strvec headers = STRVEC_INIT;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct document doc = {.svc = svc};
	if (!svc)
		BUG("no service '%s'", op->service);
	print_body(svc, op, in, &body);
	push_headers(svc, op, &headers);
	const struct aws_request req = {
		.svc = svc,
		.operation = op->name,
		.flags = op->flags | (op->flags & AWS_OP_CLIENT_TOKEN ? AWS_OP_IDEMPOTENT : 0),
		.method = "POST",
		.path = "/",
		.headers = &headers,
		.body = body.buf,
		.body_len = body.len,
		.understand = understand,
		.payload = &doc,
	};
	int ret = aws_perform(c, &req, &reply, err);
	if (ret == 0 && out) {
		*out = doc.json;
		doc.json = NULL;
	}
	json_free(doc.json);
	wipe(body.buf, body.len);
	strbuf_release(&body);
	strvec_release(&headers);
	http_reply_release(&reply);
	return ret;
}

int aws_callf(struct aws_client *c, const struct aws_op *op, struct json **out, struct err *err,
	const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	struct json *in = json_parse(text.buf, text.len, err);
	int ret = -1;
	if (in)
		ret = aws_call(c, op, in, out, err);
	else
		err_wrap(err, "%s", op->name);
	json_free(in);
	strbuf_release(&text);
	return ret;
}

/* The next page's token, borrowed from the reply; NULL when this was the last. */
static const char *next_token(const struct aws_op *op, const struct json *page)
{
	const struct json *truncated = json_get(page, "IsTruncated");
	const char *token = op->token_out ? json_str(json_path(page, op->token_out)) : NULL;
	if (!token || !*token || (truncated && !json_truth(truncated, true)))
		return NULL;
	return token;
}

static void take_items(const struct aws_op *op, struct json *page, struct json *items)
{
	if (!op->items) {
		json_push(items, json_copy(page));
		return;
	}
	const struct json *e, *list = json_path(page, op->items);
	if (!json_is(list, JSON_ARRAY))
		return;
	json_each(e, list)
	{
		json_push(items, json_copy(e));
	}
}

/* 1: there is another page, and `in` asks for it. */
static int turn_page(
	const struct aws_op *op, const struct json *page, struct json *in, struct err *err)
{
	const char *token = next_token(op, page);
	const char *sent = json_get_str(in, op->token_in ? op->token_in : "");
	if (!token)
		return 0;
	if (sent && !strcmp(sent, token)) {
		if (op->flags & AWS_OP_SAME_TOKEN_ENDS)
			return 0;
		err_set(err, ERR_FAILED, "the service gave the same page token twice");
		if (err)
			err->operation = xstrdup(op->name);
		return -1;
	}
	json_set_str(in, op->token_in, token);
	return 1;
}

int aws_call_all(struct aws_client *c, const struct aws_op *op, const struct json *in,
	struct json **items, struct err *err)
{
	struct json *ask = json_is(in, JSON_OBJECT) ? json_copy(in) : json_object();
	struct json *all = json_array();
	int more = 1;
	for (size_t pages = 0; more > 0; pages++) {
		struct json *page = NULL;
		if (pages >= MAX_PAGES) {
			more = err_set(
				err, ERR_FAILED, "%s: more than %d pages", op->name, MAX_PAGES);
			break;
		}
		more = aws_call(c, op, ask, &page, err);
		if (more == 0) {
			take_items(op, page, all);
			more = turn_page(op, page, ask, err);
		}
		json_free(page);
	}
	json_free(ask);
	if (more < 0) {
		json_free(all);
		return -1;
	}
	*items = all;
	return 0;
}
