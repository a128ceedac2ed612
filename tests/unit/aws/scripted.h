#ifndef SCRIPTED_H
#define SCRIPTED_H

/* A transport that answers from a script and notes what was sent, and a clock that only sleeping moves. */
#include <pthread.h>
#include "client.h"
#include "strbuf.h"

/* A step names what matters to it; the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct scripted_step {
	int status;          /* 0: the transport fails with `failure` */
	const char *headers; /* "name: value\n…", lower case names; NULL */
	const char *body;    /* NULL: "" */
	enum err_code failure;
	size_t sink_bytes; /* of the body, given to the sink before the failure */
};

struct script {
	pthread_mutex_t lock; /* requests may come from several threads */
	const struct scripted_step *steps;
	size_t nr, at;
	struct strvec sent;   /* "METHOD URL" */
	struct strvec bodies; /* what the body or source held */
	struct strvec heads;  /* all headers, joined by '\n' */
	int64_t slept_ms[64];
	size_t nr_slept;
	int64_t now_ms;
	bool interrupted;
	struct clock clock;
};

/* The script is borrowed and must outlive the client. */
static struct http_transport *scripted_transport(struct script *s);

static int64_t script_now(const struct clock *c)
{
	return ((struct script *)c->payload)->now_ms;
}

static int script_sleep(const struct clock *c, int64_t ms)
{
	struct script *s = c->payload;
	if (s->interrupted)
		return -1;
	assert_true(s->nr_slept < ARRAY_SIZE(s->slept_ms));
	s->slept_ms[s->nr_slept++] = ms;
	s->now_ms += ms;
	return 0;
}

static void note_body(struct script *s, const struct http_request *req)
{
	struct strbuf body = STRBUF_INIT;
	struct err err = ERR_INIT;
	char buf[1000];
	ssize_t n;
	if (req->source)
		while ((n = req->source->read(req->source->payload, buf, sizeof(buf), &err)) > 0)
			strbuf_add(&body, buf, (size_t)n);
	else if (req->body)
		strbuf_add(&body, req->body, req->body_len);
	strvec_push_take(&s->bodies, strbuf_detach(&body, NULL));
	strvec_push_take(&s->heads, strvec_join(&req->headers, "\n"));
	strvec_pushf(&s->sent, "%s %s", req->method, req->url);
}

static int script_answer(
	struct script *s, const struct http_request *req, struct http_reply *reply, struct err *err)
{
	assert_true(s->at < s->nr);
	const struct scripted_step *step = &s->steps[s->at++];
	const char *body = step->body ? step->body : "";
	bool sink = req->sink && (step->status == 0 || step->status / 100 == 2);
	note_body(s, req);
	http_reply_clear(reply);
	reply->status = step->status ? step->status : step->sink_bytes ? 200 : 0;
	strvec_split(&reply->headers, step->headers ? step->headers : "", '\n');
	if (sink && (step->status || step->sink_bytes)) {
		size_t len = step->status ? strlen(body) : step->sink_bytes;
		int status = http_headers_get(&reply->headers, "content-range") ? 206 : 200;
		if (req->sink->begin &&
			req->sink->begin(req->sink->payload, status, &reply->headers, err) < 0)
			return -1;
		if (len && req->sink->write(req->sink->payload, body, len, err) < 0)
			return -1;
	} else {
		strbuf_addstr(&reply->body, body);
	}
	if (step->status)
		return 0;
	return err_set(err, step->failure, "scripted failure");
}

static int script_perform(struct http_transport *t, const struct http_request *req,
	struct http_reply *reply, struct err *err)
{
	struct script *s = t->impl;
	pthread_mutex_lock(&s->lock);
	int ret = script_answer(s, req, reply, err);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static void script_free(struct http_transport *t)
{
	t->impl = NULL;
}

static struct http_transport *scripted_transport(struct script *s)
{
	static const struct http_transport_ops ops = {script_perform, script_free};
	struct http_transport *t = xcalloc(1, sizeof(*t));
	t->ops = &ops;
	t->impl = s;
	return t;
}

static void script_init(struct script *s, const struct scripted_step *steps, size_t nr)
{
	*s = (struct script){.steps = steps,
		.nr = nr,
		.sent = STRVEC_INIT,
		.bodies = STRVEC_INIT,
		.heads = STRVEC_INIT,
		.now_ms = 1795253165000LL};
	pthread_mutex_init(&s->lock, NULL);
	s->clock = (struct clock){script_now, script_now, script_sleep, s};
}

static void script_release(struct script *s)
{
	strvec_release(&s->sent);
	strvec_release(&s->bodies);
	strvec_release(&s->heads);
}

/* A client over the script; endpoint NULL: AWS's own addresses. */
static unused_arg struct aws_client *script_client(
	struct script *s, const char *region, const char *endpoint)
{
	struct err err = ERR_INIT;
	struct aws_config config = {.region = region,
		.endpoint_url = endpoint,
		.credentials = aws_credentials_static("AKIDTEST", "secret-key", "tok", "test keys"),
		.transport = scripted_transport(s),
		.clock = &s->clock,
		.ignore_environment = true};
	struct aws_client *c = aws_client_new(&config, &err);
	if (!c)
		fail_msg("%s", err.text);
	return c;
}

#define SCRIPT(s, ...)                                                 \
	static const struct scripted_step s##_steps[] = {__VA_ARGS__}; \
	struct script s;                                               \
	script_init(&s, s##_steps, ARRAY_SIZE(s##_steps))

#endif
