/*
 * The HTTP server: libmicrohttpd with a thread for each connection, so that a handler may wait for its disk
 * without holding up others. Only this file knows the library.
 */
#include "local_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include "local_internal.h"
#include "log.h"
#include "xalloc.h"

/* Headers and a read buffer for bodies, per connection. */
#define CONNECTION_MEMORY (256 * 1024)
#define MAX_CONNECTIONS 2000
#define IDLE_CONNECTION_S 600

struct local_listener {
	struct local_cloud *cloud;
	struct MHD_Daemon *daemon;
	int fd;
	int port;
};

/* --- one request --- */

static void *on_uri(void *payload, const char *uri, struct MHD_Connection *conn unused_arg)
{
	struct local_listener *l = payload;

	atomic_fetch_add(&l->cloud->private->requests, 1);
	return local_http_new(l->cloud, uri);
}

static void on_completed(void *payload, struct MHD_Connection *conn unused_arg, void **state,
	enum MHD_RequestTerminationCode how unused_arg)
{
	struct local_listener *l = payload;
	struct local_cloud_private *p = l->cloud->private;

	if (!*state)
		return;
	local_http_free(*state);
	*state = NULL;
	atomic_store(&p->last_active, clock_system()->mono_ms(clock_system()));
	atomic_fetch_sub(&p->requests, 1);
}

static enum MHD_Result on_header(
	void *payload, enum MHD_ValueKind kind unused_arg, const char *name, const char *value)
{
	struct local_http *h = payload;

	ALLOC_GROW(h->headers, h->nr_headers, h->alloc_headers);
	h->headers[h->nr_headers].name = name;
	h->headers[h->nr_headers++].value = value ? value : "";
	return MHD_YES;
}

/* The library asks for the body of a HEAD reply only when something is wrong. */
static ssize_t no_body(void *payload unused_arg, uint64_t pos unused_arg, char *buf unused_arg,
	size_t max unused_arg)
{
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *make_response(struct local_reply *r)
{
	struct MHD_Response *response;

	if (r->length_only)
		return MHD_create_response_from_callback(
			(uint64_t)r->length, 4096, no_body, NULL, NULL);
	if (r->fd >= 0) {
		response = MHD_create_response_from_fd_at_offset64(
			(uint64_t)r->length, r->fd, (uint64_t)r->offset);
		if (response)
			r->fd = -1; /* the library closes it */
		return response;
	}
	/* the buffer lives until on_completed, which comes after the last byte */
	return MHD_create_response_from_buffer(r->body.len, r->body.buf, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_reply(struct MHD_Connection *conn, struct local_http *h)
{
	struct local_reply *r = &h->reply;
	struct MHD_Response *response = make_response(r);
	enum MHD_Result result;
	size_t i;

	if (!response)
		return MHD_NO;
	for (i = 0; i + 1 < r->headers.nr; i += 2)
		MHD_add_response_header(response, r->headers.v[i], r->headers.v[i + 1]);
	MHD_add_response_header(response, "Server", "glueproj");
	result = MHD_queue_response(conn, (unsigned)r->status, response);
	MHD_destroy_response(response);
	return result;
}

static bool waits_for_leave(const struct local_http *h)
{
	const char *expect = local_http_header(h, "expect");

	return expect && iequals(expect, "100-continue");
}

static enum MHD_Result on_request(void *payload unused_arg, struct MHD_Connection *conn,
	const char *url unused_arg, const char *method, const char *version unused_arg,
	const char *data, size_t *data_len, void **state)
{
	struct local_http *h = *state;

	if (!h->method) {
		h->method = xstrdup(method);
		MHD_get_connection_values(conn, MHD_HEADER_KIND, on_header, h);
		local_http_begin(h);
		if (!h->failed.code || !waits_for_leave(h))
			return MHD_YES;
		/* refused before the body is on its way */
		local_http_finish(h);
		return send_reply(conn, h);
	}
	if (*data_len) {
		local_http_feed(h, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	local_http_finish(h);
	return send_reply(conn, h);
}

/* --- the socket --- */

static int listen_on(int port, int *port_out, struct err *err)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	socklen_t len = sizeof(addr);
	int on = 1, fd;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(err, "a socket for the local cloud");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1024)) {
		if (errno == EADDRINUSE) {
			err_set(err, ERR_EXISTS, "port %d is in use by another program", port);
			err_named(err, "PortInUse");
			err_hint(err, "choose another one with --port, or let --port 0 find one");
		} else
			err_errno(err, "cannot listen on 127.0.0.1 port %d", port);
		close(fd);
		return -1;
	}
	if (getsockname(fd, (struct sockaddr *)&addr, &len)) {
		err_errno(err, "the local cloud's socket");
		close(fd);
		return -1;
	}
	*port_out = ntohs(addr.sin_port);
	return fd;
}

struct local_listener *local_listener_new(int port, struct err *err)
{
	struct local_listener *l;
	int actual = 0, fd = listen_on(port, &actual, err);

	if (fd < 0)
		return NULL;
	l = xcalloc(1, sizeof(*l));
	l->fd = fd;
	l->port = actual;
	return l;
}

int local_listener_port(const struct local_listener *l)
{
	return l->port;
}

static void mhd_log(void *payload unused_arg, const char *fmt, va_list ap)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_vaddf(&line, fmt, ap);
	strbuf_trim(&line);
	log_verbose("%s", line.buf);
	strbuf_release(&line);
}

int local_listener_start(struct local_listener *l, struct local_cloud *cloud, struct err *err)
{
	l->cloud = cloud;
	l->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION |
					     MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
					     MHD_USE_ITC | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, l, MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, l,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, l, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_CONNECTION_S, MHD_OPTION_END);
	if (!l->daemon)
		return err_set(err, ERR_FAILED, "the local cloud's HTTP server does not start");
	l->fd = -1;
	return 0;
}

void local_listener_free(struct local_listener *l)
{
	int i, fd;

	if (!l)
		return;
	if (l->daemon) {
		fd = MHD_quiesce_daemon(l->daemon);
		if (fd >= 0)
			close(fd);
		/* what is under way may end; what waits for the cloud's time is told to */
		for (i = 0; i < 300 && atomic_load(&l->cloud->private->requests); i++) {
			if (i == 100)
				local_wind_down(l->cloud);
			usleep(20000);
		}
		MHD_stop_daemon(l->daemon);
	}
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}
