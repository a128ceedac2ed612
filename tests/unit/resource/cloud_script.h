#ifndef CLOUD_SCRIPT_H
#define CLOUD_SCRIPT_H

/*
 * A cloud by script: each call must be the next expected one, by operation name; its answer is the script's. What was
 * sent is kept as JSON where it is JSON. Time only moves by sleeping.
 */
#include "client.h"
#include "err.h"
#include "quoted_json.h"
#include "strbuf.h"
#include "strvec.h"
#include "transport.h"
#include "type.h"
#include "uri.h"

struct cloud {
	struct strvec ops, replies; /* expected, in order */
	int status[64];
	size_t at;
	struct strvec bodies; /* sent */
	struct json *sent;    /* array: bodies as JSON, forms as objects of strings */
	struct strvec notes;
	int64_t now_ms;
	struct clock clock;
	struct http_transport *transport;
	struct aws_client *aws;
	struct type_ctx ctx;
};

static inline int64_t cloud_now(const struct clock *c)
{
	return ((struct cloud *)c->payload)->now_ms;
}

static inline int cloud_sleep(const struct clock *c, int64_t ms)
{
	((struct cloud *)c->payload)->now_ms += ms;
	return 0;
}

/* "GetJob" by its target, "CreateRole" by its Action, "PUT /bucket/?tagging" for S3; "*" is any. */
static inline char *cloud_operation(const struct http_request *req)
{
	const char *target = http_headers_get(&req->headers, "x-amz-target");
	const char *body = req->body ? req->body : "";
	if (!target)
		target = http_headers_get(&req->headers, "X-Amz-Target");
	if (target)
		return xstrdup(strrchr(target, '.') + 1);
	if (req->body_len > 7 && starts_with(body, "Action="))
		return xstrndup(body + 7, strcspn(body + 7, "&"));
	const char *path = strchr(strstr(req->url, "://") + 3, '/');
	return xasprintf("%s %s", req->method, path ? path : "/");
}

static inline struct json *cloud_form(const char *text)
{
	struct json *out = json_object();
	struct strvec pairs = STRVEC_INIT;
	strvec_split(&pairs, text, '&');
	for (size_t i = 0; i < pairs.nr; i++) {
		char *eq = strchr(pairs.v[i], '=');
		struct strbuf value = STRBUF_INIT;
		if (eq && uri_decode(&value, eq + 1, strlen(eq + 1), true, NULL) == 0) {
			*eq = '\0';
			json_set_str(out, pairs.v[i], value.buf);
		}
		strbuf_release(&value);
	}
	strvec_release(&pairs);
	return out;
}

static inline int cloud_perform(struct http_transport *t, const struct http_request *req,
	struct http_reply *reply, unused_arg struct err *err)
{
	struct cloud *c = t->impl;
	char *op = cloud_operation(req);
	char *body = req->body ? xstrndup(req->body, req->body_len) : xstrdup("");
	struct json *doc = *body == '{' ? json_parse(body, req->body_len, NULL) : cloud_form(body);
	if (c->at >= c->ops.nr)
		fail_msg("call %zu: unexpected %s %s", c->at, op, body);
	if (strcmp(c->ops.v[c->at], "*") != 0 && strcmp(op, c->ops.v[c->at]) != 0)
		fail_msg("call %zu: %s instead of %s", c->at, op, c->ops.v[c->at]);
	strvec_push_take(&c->bodies, body);
	json_push(c->sent, doc);
	http_reply_clear(reply);
	reply->status = c->status[c->at];
	strbuf_addstr(&reply->body, c->replies.v[c->at++]);
	free(op);
	return 0;
}

static inline void cloud_no_free(unused_arg struct http_transport *t)
{
}

static const struct http_transport_ops cloud_ops = {cloud_perform, cloud_no_free};

static inline void cloud_note(
	void *payload, unused_arg const char *stack, unused_arg const char *id, const char *text)
{
	strvec_push(&((struct cloud *)payload)->notes, text);
}

static inline void cloud_begin(struct cloud *c)
{
	struct err err = ERR_INIT;
	*c = (struct cloud){.now_ms = 1800000000000};
	strvec_init(&c->ops);
	strvec_init(&c->replies);
	strvec_init(&c->bodies);
	strvec_init(&c->notes);
	c->sent = json_array();
	c->clock = (struct clock){cloud_now, cloud_now, cloud_sleep, c};
	c->transport = xcalloc(1, sizeof(*c->transport));
	*c->transport = (struct http_transport){&cloud_ops, c};
	struct aws_config config = {.region = "eu-west-1",
		.endpoint_url = "http://127.0.0.1:9",
		.credentials = aws_credentials_static("AKIDEXAMPLE", "secret", NULL, "test"),
		.transport = c->transport,
		.clock = &c->clock,
		.max_attempts = 1,
		.ignore_environment = true};
	c->aws = aws_client_new(&config, &err);
	if (!c->aws)
		fail_msg("%s", err.text);
	c->ctx = (struct type_ctx){.aws = c->aws,
		.clock = &c->clock,
		.project = "lake",
		.account = "123456789012",
		.region = "eu-west-1",
		.partition = "aws",
		.note = cloud_note,
		.note_payload = c};
}

static inline void cloud_expect(struct cloud *c, const char *op, int status, const char *reply)
{
	assert_true(c->ops.nr < ARRAY_SIZE(c->status));
	c->status[c->ops.nr] = status;
	strvec_push(&c->ops, op);
	strvec_push(&c->replies, reply);
}

static inline void cloud_end(struct cloud *c)
{
	if (c->at != c->ops.nr)
		fail_msg("%s was not called", c->ops.v[c->at]);
	aws_client_free(c->aws);
	strvec_release(&c->ops);
	strvec_release(&c->replies);
	strvec_release(&c->bodies);
	strvec_release(&c->notes);
	json_free(c->sent);
}

/* Compares and frees `is`. */
static inline void assert_json(struct json *is, const char *want)
{
	struct json *w = js(want);
	struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
	json_print_canonical(is, &a);
	json_print_canonical(w, &b);
	assert_string_equal(a.buf, b.buf);
	strbuf_release(&a);
	strbuf_release(&b);
	json_free(w);
	json_free(is);
}

/* The i-th document that was sent. */
static inline void assert_sent(struct cloud *c, size_t i, const char *want)
{
	assert_json(json_copy(json_at(c->sent, i)), want);
}

/* A resource with owner tags of project "lake", stack "s", logical id "R"; props and tags to be freed. */
struct subject {
	struct resource r;
	struct json *props, *tags, *record;
};
static inline void subject_begin(
	struct subject *s, const struct resource_type *type, const char *name, const char *props)
{
	s->props = props ? js(props) : NULL;
	s->tags = js("{'glueproj:project':'lake','glueproj:stack':'s','glueproj:logical-id':'R',"
		     "'glueproj:digest':'v1:d'}");
	s->record = NULL;
	s->r = (struct resource){.type = type,
		.stack = "s",
		.logical_id = "R",
		.name = name,
		.props = s->props,
		.owner_tags = s->tags};
}
static inline void subject_end(struct subject *s)
{
	json_free(s->props);
	json_free(s->tags);
	json_free(s->record);
}

#define OWNER_TAGS "'glueproj:project':'lake','glueproj:stack':'s','glueproj:logical-id':'R'"

#endif
