#ifndef EXABEL_SCRIPT_H
#define EXABEL_SCRIPT_H

/* An Exabel service of a test's own: a function answers each request, from any thread; what was sent is noted, and time only moves
 * by sleeping. */
#include <pthread.h>
#include <string.h>
#include "exabel.h"
#include "json.h"
#include "strvec.h"

#define SCRIPT_KEY "key-0123456789"

struct service;
/* The status (0: fails with *failure); the answer's body is appended. Called under the lock. `nr` counts from 0. */
typedef int service_fn(struct service *s, size_t nr, const char *path, const struct json *body,
	struct strbuf *answer, enum err_code *failure);

struct service {
	service_fn *answer;
	void *payload;
	const char *headers; /* of each answer: "name: value"; NULL */
	pthread_mutex_t lock;
	struct strvec sent; /* "METHOD URL" */
	struct strvec bodies;
	struct strbuf head; /* headers of the last request, joined by '\n' */
	size_t nr_sleeps;
	int64_t now_ms, slept_ms, longest_ms;
	struct clock clock;
	struct exabel *exabel;
	struct err err;
};

static int64_t service_now(const struct clock *c)
{
	return ((struct service *)c->payload)->now_ms;
}

static int service_sleep(const struct clock *c, int64_t ms)
{
	struct service *s = c->payload;

	pthread_mutex_lock(&s->lock);
	s->nr_sleeps++;
	s->slept_ms += ms;
	s->now_ms += ms;
	if (ms > s->longest_ms)
		s->longest_ms = ms;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static int service_perform(struct http_transport *t, const struct http_request *req,
	struct http_reply *reply, struct err *err)
{
	struct service *s = t->impl;
	enum err_code failure = ERR_IO;
	const char *path = strstr(req->url, "/v1/");
	struct json *body;

	pthread_mutex_lock(&s->lock);
	body = req->body ? json_parse(req->body, req->body_len, NULL) : NULL;
	strvec_pushf(&s->sent, "%s %s", req->method, req->url);
	strvec_push_take(&s->bodies, xstrndup(req->body ? req->body : "", req->body_len));
	strbuf_clear(&s->head);
	for (size_t i = 0; i < req->headers.nr; i++)
		strbuf_addf(&s->head, "%s\n", req->headers.v[i]);
	http_reply_clear(reply);
	reply->status = s->answer(s, s->sent.nr - 1, path, body, &reply->body, &failure);
	if (s->headers)
		strvec_push(&reply->headers, s->headers);
	json_free(body);
	pthread_mutex_unlock(&s->lock);
	return reply->status ? 0 : err_set(err, failure, "scripted failure");
}

static void service_free(struct http_transport *t)
{
	t->impl = NULL;
}

static struct http_transport *service_transport(struct service *s)
{
	static const struct http_transport_ops ops = {service_perform, service_free};
	struct http_transport *t = xcalloc(1, sizeof(*t));

	t->ops = &ops;
	t->impl = s;
	return t;
}

static struct exabel *service_connect(struct service *s, const char *host, const char *key)
{
	struct exabel_config config = {.host = host,
		.key = xstrdup(key),
		.transport = service_transport(s),
		.clock = &s->clock,
		.agent = "test"};

	return exabel_new(&config, &s->err);
}

static void service_open(struct service *s, service_fn *answer, void *payload)
{
	*s = (struct service){.answer = answer,
		.payload = payload,
		.sent = STRVEC_INIT,
		.bodies = STRVEC_INIT,
		.head = STRBUF_INIT,
		.now_ms = 1795253165000LL};
	pthread_mutex_init(&s->lock, NULL);
	s->clock = (struct clock){service_now, service_now, service_sleep, s};
	s->exabel = service_connect(s, "api.example", SCRIPT_KEY);
	assert_non_null(s->exabel);
}

static void service_close(struct service *s)
{
	exabel_free(s->exabel);
	strvec_release(&s->sent);
	strvec_release(&s->bodies);
	strbuf_release(&s->head);
	err_release(&s->err);
	pthread_mutex_destroy(&s->lock);
}

/* A CSV in memory, read in small blocks. */
struct csv_text {
	const char *at;
	size_t left;
};

static ssize_t read_csv_text(void *payload, const void **block, struct err *err)
{
	struct csv_text *t = payload;
	size_t n = t->left < 7 ? t->left : 7;

	(void)err;
	*block = t->at;
	t->at += n;
	t->left -= n;
	return (ssize_t)n;
}

static inline struct csv_text csv_text(const char *text)
{
	(void)read_csv_text;
	return (struct csv_text){text, strlen(text)};
}

#endif
