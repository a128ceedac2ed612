/*
 * The libcurl transport. Idle easy handles wait in a list under a lock; each keeps its own connections, and a request
 * takes one that spoke to the same host last. A handle belongs to one thread while it is out.
 */
#include <curl/curl.h>
#include <pthread.h>
#include <sys/stat.h>
#include "clock.h"
#include "transport.h"
#include "uri.h"

#define DEFAULT_MAX_REPLY (64u << 20)
#define DEFAULT_CONNECT_TIMEOUT_MS 10000
#define DEFAULT_TIMEOUT_MS 60000
#define MAX_HEADERS 256
#define MAX_ERROR_BODY (1u << 20)
/* Servers and load balancers close idle connections; one closed under a request makes the request ambiguous. */
#define MAX_IDLE_CONNECTION_S 30L
#define MAX_IDLE_HANDLES 64

struct idle_handle {
	CURL *easy;
	char *host; /* "host:port" of the last request */
};

struct curl_impl {
	pthread_mutex_t lock;
	struct idle_handle *idle;
	size_t nr, alloc;
	char *ca_bundle;
	bool ca_is_folder;
	struct http_proxies proxies;
};

/* One exchange under way. */
struct exchange {
	const struct http_request *req;
	struct http_reply *reply;
	struct uri uri;
	struct err failure; /* of a sink or source, or of ours */
	char error_text[CURL_ERROR_SIZE];
	const struct http_proxy *proxy; /* NULL: directly */
	bool fresh;                     /* the handle has no connection to that host yet */
	bool begun, silent, stopped;
	bool head_ended;              /* its blank line came */
	size_t given;                 /* bytes of req->body handed to curl */
	int64_t timeout_ms, moved_ms; /* the last time that a byte went either way */
	curl_off_t moved;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void start_curl(void)
{
	curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* --- handles --- */

static CURL *take_handle(struct curl_impl *impl, const char *host, bool *fresh)
{
	CURL *easy = NULL;
	*fresh = true;
	pthread_mutex_lock(&impl->lock);
	if (impl->nr) {
		size_t i = impl->nr - 1;
		for (size_t j = impl->nr; j-- > 0;) {
			if (strcmp(impl->idle[j].host, host) != 0)
				continue;
			i = j;
			*fresh = false;
			break;
		}
		easy = impl->idle[i].easy;
		free(impl->idle[i].host);
		impl->idle[i] = impl->idle[--impl->nr];
	}
	pthread_mutex_unlock(&impl->lock);
	if (!easy)
		easy = curl_easy_init();
	return easy;
}

static void give_handle(struct curl_impl *impl, CURL *easy, const char *host)
{
	CURL *surplus = NULL;
	curl_easy_reset(easy); /* connections stay */
	pthread_mutex_lock(&impl->lock);
	if (impl->nr < MAX_IDLE_HANDLES) {
		ALLOC_GROW(impl->idle, impl->nr, impl->alloc);
		impl->idle[impl->nr++] = (struct idle_handle){easy, xstrdup(host)};
	} else {
		surplus = easy;
	}
	pthread_mutex_unlock(&impl->lock);
	if (surplus)
		curl_easy_cleanup(surplus);
}

/* --- callbacks --- */

static int64_t mono_ms(void)
{
	const struct clock *clock = clock_system();
	return clock->mono_ms(clock);
}

static size_t on_header(char *data, size_t size, size_t count, void *payload)
{
	struct exchange *x = payload;
	size_t len = size * count;
	if (len >= 5 && !memcmp(data, "HTTP/", 5)) {
		/* A new reply: of a redirect's target, or after "100 Continue". */
		const char *space = memchr(data, ' ', len);
		long long status = 0;
		char digits[4] = "";
		if (space && (size_t)(data + len - space) > 4)
			memcpy(digits, space + 1, 3);
		if (parse_int64(digits, 100, 999, &status) < 0)
			status = 0;
		http_reply_clear(x->reply);
		x->reply->status = (int)status;
		x->head_ended = false;
		return len;
	}
	if (len <= 2 && (data[0] == '\r' || data[0] == '\n'))
		x->head_ended = true;
	const char *colon = memchr(data, ':', len);
	if (!colon || x->reply->headers.nr >= MAX_HEADERS)
		return len;
	struct strbuf line = STRBUF_INIT;
	strbuf_add(&line, data, (size_t)(colon - data));
	lower_ascii(line.buf);
	strbuf_addstr(&line, ": ");
	struct strbuf value = STRBUF_INIT;
	strbuf_add(&value, colon + 1, (size_t)(data + len - colon - 1));
	strbuf_trim(&value);
	strbuf_addstr(&line, value.buf);
	strvec_push_take(&x->reply->headers, strbuf_detach(&line, NULL));
	strbuf_release(&value);
	return len;
}

static bool goes_to_sink(const struct exchange *x)
{
	return x->req->sink && x->reply->status >= 200 && x->reply->status < 300;
}

static int begin_sink(struct exchange *x)
{
	const struct http_sink *sink = x->req->sink;
	if (x->begun || !sink->begin) {
		x->begun = true;
		return 0;
	}
	x->begun = true;
	return sink->begin(sink->payload, x->reply->status, &x->reply->headers, &x->failure);
}

static size_t on_body(char *data, size_t size, size_t count, void *payload)
{
	struct exchange *x = payload;
	size_t len = size * count;
	if (goes_to_sink(x)) {
		const struct http_sink *sink = x->req->sink;
		if (begin_sink(x) < 0 || sink->write(sink->payload, data, len, &x->failure) < 0)
			return 0;
		return len;
	}
	bool failed = x->reply->status < 200 || x->reply->status > 299;
	size_t most = x->req->max_reply_bytes ? x->req->max_reply_bytes : DEFAULT_MAX_REPLY;
	if (failed && most < MAX_ERROR_BODY)
		most = MAX_ERROR_BODY;
	if (x->reply->body.len + len > most) {
		err_set(&x->failure, ERR_INVALID, "the reply is larger than %zu bytes", most);
		return 0;
	}
	strbuf_add(&x->reply->body, data, len);
	return len;
}

static size_t on_read(char *data, size_t size, size_t count, void *payload)
{
	struct exchange *x = payload;
	const struct http_source *source = x->req->source;
	ssize_t n = source->read(source->payload, data, size * count, &x->failure);
	return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

static int on_seek(void *payload, curl_off_t offset, int origin)
{
	struct exchange *x = payload;
	const struct http_source *source = x->req->source;
	if (offset != 0 || origin != SEEK_SET || !source->rewind)
		return CURL_SEEKFUNC_CANTSEEK;
	return source->rewind(source->payload, &x->failure) < 0 ? CURL_SEEKFUNC_FAIL
								: CURL_SEEKFUNC_OK;
}

/* curl sends a request again by itself where a kept connection turns out dead. With a body that cannot be rewound it does
 * not, and the caller learns that nobody knows. */
static size_t on_read_once(char *data, size_t size, size_t count, void *payload)
{
	struct exchange *x = payload;
	size_t left = x->req->body_len - x->given, n = size * count < left ? size * count : left;
	memcpy(data, (const char *)x->req->body + x->given, n);
	x->given += n;
	return n;
}

static int on_seek_once(void *payload, curl_off_t offset, int origin)
{
	const struct exchange *x = payload;
	return offset == 0 && origin == SEEK_SET && x->given == 0 ? CURL_SEEKFUNC_OK
								  : CURL_SEEKFUNC_FAIL;
}

/* curl's own low-speed limit looks at an average, and is late by its width. */
static int on_progress(void *payload, unused_arg curl_off_t all_down, curl_off_t down,
	unused_arg curl_off_t all_up, curl_off_t up)
{
	struct exchange *x = payload;
	int64_t now = mono_ms();
	if (down + up != x->moved) {
		x->moved = down + up;
		x->moved_ms = now;
	}
	x->silent = now - x->moved_ms >= x->timeout_ms;
	x->stopped = x->req->interruptible && clock_interrupted();
	return x->silent || x->stopped;
}

/* --- one exchange --- */

static bool is_loopback(const char *host)
{
	return !strcmp(host, "localhost") || starts_with(host, "127.") || !strcmp(host, "[::1]") ||
	       !strcmp(host, "::1");
}

static void set_body(CURL *easy, struct exchange *x)
{
	const struct http_request *req = x->req;
	if (!strcmp(req->method, "HEAD")) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (req->source) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(easy, CURLOPT_READDATA, x);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, x);
		if (req->source->size >= 0)
			curl_easy_setopt(
				easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)req->source->size);
	} else if (req->body || !strcmp(req->method, "PUT") || !strcmp(req->method, "POST")) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		if (req->once && req->body_len) {
			curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read_once);
			curl_easy_setopt(easy, CURLOPT_READDATA, x);
			curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek_once);
			curl_easy_setopt(easy, CURLOPT_SEEKDATA, x);
		} else {
			curl_easy_setopt(easy, CURLOPT_POSTFIELDS, req->body_len ? req->body : "");
		}
	} else {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, req->method);
}

static struct curl_slist *make_headers(const struct http_request *req)
{
	struct curl_slist *list = NULL;
	for (size_t i = 0; i < req->headers.nr; i++)
		list = curl_slist_append(list, req->headers.v[i]);
	list = curl_slist_append(list, "Expect:");
	if (!http_headers_get(&req->headers, "Content-Type"))
		list = curl_slist_append(list, "Content-Type:");
	if (!http_headers_get(&req->headers, "Accept"))
		list = curl_slist_append(list, "Accept:");
	return list;
}

static void set_limits(CURL *easy, struct exchange *x)
{
	const struct http_request *req = x->req;
	int64_t connect =
		req->connect_timeout_ms > 0 ? req->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;
	x->timeout_ms = req->timeout_ms > 0 ? req->timeout_ms : DEFAULT_TIMEOUT_MS;
	x->moved_ms = mono_ms();
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, x);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, MAX_IDLE_CONNECTION_S);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (req->follow_redirects) {
		curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
		curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 10L);
	}
}

/* What curl makes of the environment by itself is not asked for: the settings were read once. */
static void set_trust_and_proxy(CURL *easy, const struct curl_impl *impl, struct exchange *x)
{
	const struct http_proxy *p =
		!strcmp(x->uri.scheme, "https") ? &impl->proxies.https : &impl->proxies.http;
	if (impl->ca_bundle && impl->ca_is_folder) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(easy, CURLOPT_CAPATH, impl->ca_bundle);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, impl->ca_bundle);
	} else if (impl->ca_bundle) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, impl->ca_bundle);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, impl->ca_bundle);
	}
	if (!p->url || x->req->direct || is_loopback(x->uri.host)) {
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
		return;
	}
	x->proxy = p;
	curl_easy_setopt(easy, CURLOPT_PROXY, p->url);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, impl->proxies.none ? impl->proxies.none : "");
	if (p->user) {
		curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, p->user);
		curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, p->password ? p->password : "");
	}
}

static void set_options(CURL *easy, const struct curl_impl *impl, struct exchange *x)
{
	curl_easy_setopt(easy, CURLOPT_URL, x->req->url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->error_text);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "glueproj/" GLUEPROJ_VERSION);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
	set_limits(easy, x);
	set_trust_and_proxy(easy, impl, x);
	set_body(easy, x);
}

/* "host:port" for people and for the choice of a handle. */
static char *host_of(const struct uri *uri)
{
	int port = uri->port ? uri->port : !strcmp(uri->scheme, "https") ? 443 : 80;
	return xasprintf("%s:%d", uri->host, port);
}

/* The tunnel was refused: the request itself was not sent. */
static int explain_proxy(long status, const struct exchange *x, const char *host, struct err *err)
{
	const char *place = x->proxy->place, *origin = x->proxy->origin;
	err_set(err, status == 407 || status == 403 ? ERR_DENIED : ERR_IO,
		"cannot connect to %s: the proxy %s answers with HTTP status %ld", host, place,
		status);
	if (status == 407)
		return err_hint(err, "user and password stand in %s", origin);
	return err_hint(err, "the proxy is the one of %s", origin);
}

static int explain_unsent(
	CURLcode code, const struct exchange *x, const char *host, const char *why, struct err *err)
{
	if (code == CURLE_COULDNT_RESOLVE_PROXY || (x->proxy && code == CURLE_COULDNT_CONNECT))
		return err_set(err, ERR_IO, "cannot connect to %s through the proxy %s of %s: %s",
			host, x->proxy ? x->proxy->place : "?", x->proxy ? x->proxy->origin : "?",
			why);
	return err_set(err, ERR_IO, "cannot connect to %s: %s", host, why);
}

/* What libcurl says, in our codes. Bytes that left make a failure ambiguous, even when a second try could not connect. */
static int explain(CURL *easy, CURLcode code, struct exchange *x, const char *host, struct err *err)
{
	long sent = 0;
	curl_off_t pretransfer = 0;
	long os_error = 0, tunnel = 0;
	char reason[128];
	const char *why = x->error_text[0] ? x->error_text : curl_easy_strerror(code);
	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer);
	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
	if (x->failure.code != ERR_NONE) {
		err_move(err, &x->failure);
		return -1;
	}
	if (x->stopped)
		return err_set(err, ERR_INTERRUPTED, "stopped by a signal");
	if (x->proxy && x->fresh && tunnel / 100 > 2)
		return explain_proxy(tunnel, x, host, err);
	/* What was sent until then was the word to the proxy. */
	if (x->proxy && x->fresh && pretransfer == 0)
		sent = 0;
	if (code == CURLE_COULDNT_CONNECT && os_error)
		why = strerror_r((int)os_error, reason, sizeof(reason));
	if (code == CURLE_OPERATION_TIMEDOUT || x->silent)
		why = "timed out";
	switch (code) {
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		/* Also said of a reply that is no HTTP. */
		if (sent > 0)
			break;
		return err_set(err, ERR_USAGE, "not a usable http or https address: %s", why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		err_set(err, ERR_FAILED, "cannot trust %s: %s", host, why);
		return err_hint(err, "AWS_CA_BUNDLE names a file of certificates to trust");
	case CURLE_TOO_MANY_REDIRECTS:
		return err_set(err, ERR_FAILED, "%s: too many redirects", host);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
		if (sent > 0)
			break;
		return explain_unsent(code, x, host, why, err);
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_ABORTED_BY_CALLBACK:
		if (sent > 0 || pretransfer > 0)
			return err_set(err, ERR_TIMEOUT, "%s was silent for %lld seconds", host,
				(long long)(x->timeout_ms / 1000));
		return err_set(err, ERR_IO, "cannot connect to %s: %s", host, why);
	default:
		break;
	}
	if (x->proxy && x->fresh && pretransfer == 0)
		return explain_unsent(CURLE_COULDNT_CONNECT, x, host, why, err);
	return err_set(err, ERR_AMBIGUOUS, "connection to %s broke after sending: %s", host, why);
}

static int perform(struct http_transport *t, const struct http_request *req,
	struct http_reply *reply, struct err *err)
{
	struct curl_impl *impl = t->impl;
	struct exchange x = {
		.req = req, .reply = reply, .uri = URI_INIT, .failure = ERR_INIT, .error_text = ""};
	http_reply_clear(reply);
	if (uri_parse(req->url, &x.uri, err) < 0)
		return -1;
	char *host = host_of(&x.uri);
	CURL *easy = take_handle(impl, host, &x.fresh);
	if (!easy)
		BUG("curl_easy_init failed");
	struct curl_slist *headers = make_headers(req);
	set_options(easy, impl, &x);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	CURLcode code = curl_easy_perform(easy);
	int ret = code == CURLE_OK ? 0 : explain(easy, code, &x, host, err);
	/* curl takes the end of the connection for the end of the head. */
	if (ret == 0 && !x.head_ended)
		ret = err_set(err, ERR_AMBIGUOUS, "connection to %s broke in the head of the reply",
			host);
	/* An empty body begins too. */
	if (ret == 0 && goes_to_sink(&x) && begin_sink(&x) < 0) {
		err_move(err, &x.failure);
		ret = -1;
	}
	give_handle(impl, easy, host);
	curl_slist_free_all(headers);
	err_release(&x.failure);
	uri_release(&x.uri);
	free(host);
	return ret;
}

static void curl_transport_free(struct http_transport *t)
{
	struct curl_impl *impl = t->impl;
	for (size_t i = 0; i < impl->nr; i++) {
		curl_easy_cleanup(impl->idle[i].easy);
		free(impl->idle[i].host);
	}
	free(impl->idle);
	free(impl->ca_bundle);
	http_proxies_release(&impl->proxies);
	pthread_mutex_destroy(&impl->lock);
	free(impl);
}

static const struct http_transport_ops curl_ops = {perform, curl_transport_free};

static void copy_proxy(struct http_proxy *to, const struct http_proxy *from)
{
	*to = (struct http_proxy){.url = xstrdup(from->url),
		.place = xstrdup(from->place),
		.user = xstrdup(from->user),
		.password = xstrdup(from->password),
		.origin = from->origin};
}

struct http_transport *http_transport_curl_with(const struct http_options *opts, struct err *err)
{
	struct stat st;
	pthread_once(&curl_once, start_curl);
	if (curl_ready != CURLE_OK) {
		err_set(err, ERR_FAILED, "libcurl does not start: %s",
			curl_easy_strerror(curl_ready));
		return NULL;
	}
	struct curl_impl *impl = xcalloc(1, sizeof(*impl));
	struct http_transport *t = xcalloc(1, sizeof(*t));
	impl->ca_bundle = xstrdup(opts->ca_bundle);
	impl->ca_is_folder =
		opts->ca_bundle && stat(opts->ca_bundle, &st) == 0 && S_ISDIR(st.st_mode);
	if (opts->proxies) {
		copy_proxy(&impl->proxies.http, &opts->proxies->http);
		copy_proxy(&impl->proxies.https, &opts->proxies->https);
		impl->proxies.none = xstrdup(opts->proxies->none);
	}
	pthread_mutex_init(&impl->lock, NULL);
	t->ops = &curl_ops;
	t->impl = impl;
	return t;
}

struct http_transport *http_transport_curl(struct err *err)
{
	static const char *const names[] = {"AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"};
	struct http_proxies proxies = HTTP_PROXIES_INIT;
	struct http_options opts = {.proxies = &proxies};
	struct http_transport *t = NULL;
	for (size_t i = 0; !opts.ca_bundle && i < ARRAY_SIZE(names); i++) {
		const char *bundle = getenv(names[i]);
		if (bundle && *bundle)
			opts.ca_bundle = bundle;
	}
	if (http_proxies_from_environment(&proxies, err) == 0)
		t = http_transport_curl_with(&opts, err);
	http_proxies_release(&proxies);
	return t;
}
