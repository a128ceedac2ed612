#include "testing.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>
#include "strbuf.h"
#include "transport.h"

/*
 * A server of few words: the path says what it does. /echo gives the request back, /reset closes without an answer,
 * /silent never answers, /cut promises more than it sends, /big sends 100000 bytes, /gone is a 404 with a body, /away
 * redirects to /echo, /half sends half a head, /noise what is no HTTP.
 */
struct server {
	int fd, port;
	pthread_t thread;
	_Atomic int connections, live, resets;
	_Atomic bool stop;
};

static bool read_request(int fd, struct strbuf *in)
{
	char buf[4096];
	strbuf_clear(in);
	for (;;) {
		const char *end = strstr(in->buf, "\r\n\r\n");
		const char *length = strcasestr(in->buf, "\r\nContent-Length: ");
		size_t body = length && end ? strtoul(length + 18, NULL, 10) : 0;
		if (end && in->len >= (size_t)(end + 4 - in->buf) + body)
			return true;
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		if (n <= 0)
			return false;
		strbuf_add(in, buf, (size_t)n);
	}
}

static void send_text(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void reply(
	int fd, const char *status, const char *headers, const char *body, size_t len, bool head)
{
	struct strbuf out = STRBUF_INIT;
	strbuf_addf(&out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nX-One:  1 \r\n%s\r\n", status, len,
		headers);
	if (!head)
		strbuf_add(&out, body, len);
	send_text(fd, out.buf, out.len);
	strbuf_release(&out);
}

static bool answer(int fd, const struct strbuf *in)
{
	const char *path = strchr(in->buf, ' ') + 1;
	bool head = starts_with(in->buf, "HEAD ");
	if (starts_with(path, "/echo")) {
		reply(fd, "200 OK", "", in->buf, in->len, head);
	} else if (starts_with(path, "/gone")) {
		reply(fd, "404 Not Found", "", "no such thing", 13, head);
	} else if (starts_with(path, "/away")) {
		reply(fd, "302 Found", "Location: /echo?there\r\n", "", 0, head);
	} else if (starts_with(path, "/big")) {
		struct strbuf body = STRBUF_INIT;
		strbuf_addchars(&body, 'x', 100000);
		reply(fd, "200 OK", "", body.buf, body.len, head);
		strbuf_release(&body);
	} else if (starts_with(path, "/cut")) {
		const char *text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
		send_text(fd, text, strlen(text));
		return false;
	} else if (starts_with(path, "/half")) {
		const char *text = "HTTP/1.1 200 OK\r\nX-One: 1\r\nX-Tw";
		send_text(fd, text, strlen(text));
		return false;
	} else if (starts_with(path, "/noise")) {
		send_text(fd, "\x16\x03\x01 noise\r\n\r\n", 13);
		return false;
	} else {
		return false; /* /reset */
	}
	return true;
}

struct connection {
	struct server *s;
	int fd;
};

static void *serve_connection(void *payload)
{
	struct connection *c = payload;
	struct strbuf in = STRBUF_INIT;
	while (read_request(c->fd, &in)) {
		if (strstr(in.buf, " /silent")) {
			while (!c->s->stop)
				usleep(10000);
			break;
		}
		c->s->resets += strstr(in.buf, " /reset") != NULL;
		if (!answer(c->fd, &in))
			break;
	}
	close(c->fd);
	strbuf_release(&in);
	struct server *s = c->s;
	free(c);
	s->live--;
	return NULL;
}

static void *serve(void *payload)
{
	struct server *s = payload;
	for (;;) {
		struct connection *c = xcalloc(1, sizeof(*c));
		pthread_t thread;
		c->s = s;
		c->fd = accept(s->fd, NULL, NULL);
		if (c->fd < 0 || s->stop) {
			if (c->fd >= 0)
				close(c->fd);
			free(c);
			return NULL;
		}
		s->connections++;
		s->live++;
		assert_int_equal(pthread_create(&thread, NULL, serve_connection, c), 0);
		pthread_detach(thread);
	}
}

static void server_start(struct server *s)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	memset(s, 0, sizeof(*s));
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)(void *)&at, len), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)(void *)&at, &len), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
	s->stop = true;
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	while (s->live) /* their clients are gone */
		usleep(1000);
}

/* The error's code, or ERR_NONE. */
static enum err_code ask(struct http_transport *t, int port, struct http_request *req,
	const char *path, struct http_reply *out)
{
	struct err err = ERR_INIT;
	struct strbuf url = STRBUF_INIT, place = STRBUF_INIT;
	strbuf_addf(&url, "http://127.0.0.1:%d%s", port, path);
	strbuf_addf(&place, "127.0.0.1:%d", port);
	req->url = url.buf;
	if (!req->method)
		req->method = "GET";
	int ret = t->ops->perform(t, req, out, &err);
	enum err_code code = ret ? err.code : ERR_NONE;
	if (code == ERR_IO || code == ERR_AMBIGUOUS || code == ERR_TIMEOUT)
		assert_non_null(strstr(err.text, place.buf));
	err_release(&err);
	strbuf_release(&url);
	strbuf_release(&place);
	return code;
}

struct fixture {
	struct server s;
	struct http_transport *t;
	struct http_request req;
	struct http_reply out;
};

static void begin(struct fixture *f)
{
	struct err err = ERR_INIT;
	server_start(&f->s);
	f->t = http_transport_curl(&err);
	assert_non_null(f->t);
	f->req = (struct http_request)HTTP_REQUEST_INIT;
	f->out = (struct http_reply)HTTP_REPLY_INIT;
}

static void end(struct fixture *f)
{
	http_request_release(&f->req);
	http_reply_release(&f->out);
	http_transport_free(f->t);
	server_stop(&f->s);
}

static enum err_code get(struct fixture *f, const char *path)
{
	return ask(f->t, f->s.port, &f->req, path, &f->out);
}

static void test_transport_curl__one_connection_for_many_requests(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	strvec_push(&f.req.headers, "X-Custom: a b");
	for (int i = 0; i < 20; i++)
		assert_int_equal(get(&f, "/echo/../x//%2F?q"), ERR_NONE);
	assert_int_equal(f.s.connections, 1);
	assert_int_equal(f.out.status, 200);
	assert_string_equal(http_reply_header(&f.out, "x-one"), "1");
	assert_true(starts_with(f.out.body.buf, "GET /echo/../x//%2F?q HTTP/1.1\r\n"));
	assert_non_null(strstr(f.out.body.buf, "X-Custom: a b\r\n"));
	assert_non_null(strstr(f.out.body.buf, "User-Agent: glueproj/"));
	f.req.method = "HEAD";
	assert_int_equal(get(&f, "/echo"), ERR_NONE);
	assert_int_equal(f.out.body.len, 0);
	f.req.method = "DELETE";
	assert_int_equal(get(&f, "/gone"), ERR_NONE);
	assert_int_equal(f.out.status, 404);
	assert_string_equal(f.out.body.buf, "no such thing");
	assert_int_equal(f.s.connections, 1);
	end(&f);
}

static void test_transport_curl__bodies(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	f.req.method = "PUT";
	f.req.body = "some bytes";
	f.req.body_len = 10;
	assert_int_equal(get(&f, "/echo"), ERR_NONE);
	assert_true(starts_with(f.out.body.buf, "PUT /echo"));
	assert_non_null(strstr(f.out.body.buf, "Content-Length: 10\r\n"));
	assert_null(strstr(f.out.body.buf, "Content-Type"));
	assert_null(strstr(f.out.body.buf, "Expect"));
	assert_true(ends_with(f.out.body.buf, "\r\n\r\nsome bytes"));
	f.req.body = NULL;
	f.req.body_len = 0;
	assert_int_equal(get(&f, "/echo"), ERR_NONE);
	assert_non_null(strstr(f.out.body.buf, "Content-Length: 0\r\n"));
	end(&f);
}

/* On a kept connection that dies curl sends again by itself, unless that is forbidden. */
static void test_transport_curl__once_is_once(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	assert_int_equal(get(&f, "/echo"), ERR_NONE);
	f.req.method = "POST";
	f.req.body = "start it";
	f.req.body_len = 8;
	assert_int_equal(get(&f, "/reset"), ERR_AMBIGUOUS);
	assert_int_equal(f.s.resets, 2);
	f.req.once = true;
	assert_int_equal(get(&f, "/echo"), ERR_NONE);
	assert_true(ends_with(f.out.body.buf, "\r\n\r\nstart it"));
	assert_int_equal(get(&f, "/reset"), ERR_AMBIGUOUS);
	assert_int_equal(f.s.resets, 3);
	end(&f);
}

static void test_transport_curl__replies_that_are_none(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	assert_int_equal(get(&f, "/noise"), ERR_AMBIGUOUS);
	assert_int_equal(get(&f, "/half"), ERR_AMBIGUOUS);
	f.req.method = "HEAD";
	assert_int_equal(get(&f, "/half"), ERR_AMBIGUOUS);
	end(&f);
}

struct text_source {
	const char *text;
	size_t at;
};

static ssize_t text_read(void *payload, void *buf, size_t len, struct err *err)
{
	struct text_source *s = payload;
	size_t left = strlen(s->text) - s->at;
	(void)err;
	if (len > left)
		len = left;
	memcpy(buf, s->text + s->at, len);
	s->at += len;
	return (ssize_t)len;
}

static int text_write(void *payload, const void *data, size_t len, struct err *err)
{
	(void)err;
	strbuf_add(payload, data, len);
	return 0;
}

static int full_write(void *payload, const void *data, size_t len, struct err *err)
{
	(void)payload;
	(void)data;
	(void)len;
	return err_set(err, ERR_CONFLICT, "full");
}

static void test_transport_curl__source_and_sink(void **state)
{
	(void)state;
	struct fixture f;
	struct text_source text = {"streamed", 0};
	const struct http_source source = {text_read, NULL, &text, 8};
	struct strbuf got = STRBUF_INIT;
	const struct http_sink sink = {NULL, text_write, &got}, full = {NULL, full_write, NULL};
	begin(&f);
	f.req.method = "PUT";
	f.req.source = &source;
	f.req.sink = &sink;
	assert_int_equal(get(&f, "/echo"), ERR_NONE);
	assert_true(ends_with(got.buf, "\r\n\r\nstreamed"));
	assert_int_equal(f.out.body.len, 0);
	f.req.method = "GET";
	f.req.source = NULL;
	strbuf_clear(&got);
	assert_int_equal(get(&f, "/gone"), ERR_NONE);
	assert_string_equal(f.out.body.buf, "no such thing");
	assert_int_equal(got.len, 0);
	f.req.sink = &full;
	assert_int_equal(get(&f, "/echo"), ERR_CONFLICT);
	strbuf_release(&got);
	end(&f);
}

static void test_transport_curl__failures_have_their_codes(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	f.req.method = "POST";
	assert_int_equal(get(&f, "/reset"), ERR_AMBIGUOUS);
	assert_int_equal(get(&f, "/cut"), ERR_AMBIGUOUS);
	f.req.timeout_ms = 1000;
	assert_int_equal(get(&f, "/silent"), ERR_TIMEOUT);
	f.req.max_reply_bytes = 99999;
	assert_int_equal(get(&f, "/big"), ERR_INVALID);
	f.req.max_reply_bytes = 100000;
	assert_int_equal(get(&f, "/big"), ERR_NONE);
	assert_int_equal(f.out.body.len, 100000);
	end(&f);
	/* Nobody listens there any more. */
	struct err err = ERR_INIT;
	struct http_transport *t = http_transport_curl(&err);
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_reply out = HTTP_REPLY_INIT;
	assert_int_equal(ask(t, f.s.port, &req, "/", &out), ERR_IO);
	req.url = "ftp://127.0.0.1/";
	assert_int_equal(t->ops->perform(t, &req, &out, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	err_release(&err);
	http_reply_release(&out);
	http_transport_free(t);
}

static void test_transport_curl__redirects_only_when_asked(void **state)
{
	(void)state;
	struct fixture f;
	struct strbuf got = STRBUF_INIT;
	const struct http_sink sink = {NULL, text_write, &got};
	begin(&f);
	f.req.sink = &sink;
	assert_int_equal(get(&f, "/away"), ERR_NONE);
	assert_int_equal(f.out.status, 302);
	f.req.follow_redirects = true;
	assert_int_equal(get(&f, "/away"), ERR_NONE);
	assert_int_equal(f.out.status, 200);
	assert_true(starts_with(got.buf, "GET /echo?there"));
	strbuf_release(&got);
	end(&f);
}

static void *ask_often(void *payload)
{
	struct fixture *f = payload;
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_reply out = HTTP_REPLY_INIT;
	for (int i = 0; i < 50; i++)
		assert_int_equal(ask(f->t, f->s.port, &req, "/echo", &out), ERR_NONE);
	http_reply_release(&out);
	return NULL;
}

static void test_transport_curl__threads_share_handles(void **state)
{
	(void)state;
	struct fixture f;
	pthread_t threads[8];
	begin(&f);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 8; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &f), 0);
		for (size_t i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
	}
	assert_true(f.s.connections <= 8);
	end(&f);
}
