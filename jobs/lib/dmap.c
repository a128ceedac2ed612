#include "dmap.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "clock.h"
#include "joblog.h"
#include "json.h"
#include "retry.h"
#include "udf.h"
#include "uri.h"
#include "webcall.h"

#define MAX_ATTEMPTS 5
#define MAX_REDIRECTS 5
#define MAX_FEED_BYTES (64u << 20)
#define FEED_TIMEOUT_MS 120000
#define FILE_TIMEOUT_MS 60000
#define EXCERPT 120
/* Of the columns type and identifier. */
#define MAX_NAME 500
#define AGENT "User-Agent: glueproj-fetch-dmap/" GLUEPROJ_VERSION

/* Which key a feed wants is told by how its address begins. */
enum { CONTROLLED, PUBLIC, NR_KEYS };
static const struct {
	const char *prefix, *what;
} kinds[NR_KEYS] = {
	[CONTROLLED] = {"/datasetcontrolleduserapi", "the DMAP API key of controlled users"},
	[PUBLIC] = {"/datasetpublicusersapi", "the DMAP API key of public users"},
};

struct dmap {
	char *url;
	char *keys[NR_KEYS];
	char *encoded[NR_KEYS]; /* as they stand in addresses */
	struct http_transport *transport;
	const struct clock *clock;
	unsigned max_attempts;
};

/* --- life --- */

static char *make_url(const char *given, struct err *err)
{
	char *url = xstrdup(given);
	size_t len = strlen(url);

	while (len && url[len - 1] == '/')
		url[--len] = '\0';
	if (len == 0)
		err_set(err, ERR_USAGE, "the DMAP API's address is empty");
	else if (web_check_url(url, WEB_URL_PLAIN, "the DMAP API's address", given, err) == 0)
		return url;
	free(url);
	return NULL;
}

struct dmap *dmap_new(struct dmap_config *config, struct err *err)
{
	struct dmap *d = xcalloc(1, sizeof(*d));

	d->keys[CONTROLLED] = config->controlled_key ? config->controlled_key : xstrdup("");
	d->keys[PUBLIC] = config->public_key ? config->public_key : xstrdup("");
	d->transport = config->transport;
	d->clock = config->clock ? config->clock : clock_system();
	d->max_attempts = config->max_attempts ? config->max_attempts : MAX_ATTEMPTS;
	config->controlled_key = config->public_key = NULL;
	config->transport = NULL;
	d->url = make_url(config->url, err);
	if (!d->url)
		goto fail;
	for (size_t i = 0; i < NR_KEYS; i++) {
		struct strbuf sb = STRBUF_INIT;

		if (web_check_key(d->keys[i], kinds[i].what, err) != 0)
			goto fail;
		uri_encode(&sb, d->keys[i], strlen(d->keys[i]), false);
		d->encoded[i] = strbuf_detach(&sb, NULL);
	}
	if (!d->transport)
		d->transport = http_transport_curl(err);
	if (d->transport)
		return d;
fail:
	dmap_free(d);
	return NULL;
}

void dmap_free(struct dmap *d)
{
	if (!d)
		return;
	if (d->transport)
		http_transport_free(d->transport);
	for (size_t i = 0; i < NR_KEYS; i++) {
		free_secret(d->keys[i]);
		free_secret(d->encoded[i]);
	}
	free(d->url);
	free(d);
}

static char *excerpt(const struct dmap *d, const char *text)
{
	return web_excerpt(text, EXCERPT,
		(const char *const[]){d->keys[CONTROLLED], d->keys[PUBLIC], d->encoded[CONTROLLED],
			d->encoded[PUBLIC], NULL});
}

/* --- dates --- */

bool dmap_parse_time(const char *text, int64_t *us)
{
	const char *why;

	return strlen(text) > 10 && text[4] == '-' &&
	       udf_timestamp(text, strlen(text), us, &why) == UDF_OK;
}

void dmap_add_time(struct strbuf *sb, int64_t us)
{
	int64_t ms = us / 1000, rest = us % 1000;
	struct utc t;

	if (rest < 0) {
		rest += 1000;
		ms--;
	}
	utc_from_ms(ms, &t);
	strbuf_addf(sb, "%04d-%02d-%02dT%02d:%02d:%02d.%03d%03d", t.year, t.month, t.day, t.hour,
		t.minute, t.second, t.ms, (int)rest);
}

static bool is_date(const char *text)
{
	const char *why;
	int32_t days;

	return strlen(text) == 10 && text[4] == '-' && text[7] == '-' &&
	       udf_date(text, 10, &days, &why) == UDF_OK;
}

/* --- a feed's items --- */

static void dataset_release(struct dmap_dataset *s)
{
	free(s->type);
	free(s->identifier);
	free(s->url);
	free(s->start_date);
	free(s->end_date);
	memset(s, 0, sizeof(*s));
}

void dmap_feed_release(struct dmap_feed *f)
{
	for (size_t i = 0; i < f->nr; i++)
		dataset_release(&f->v[i]);
	free(f->v);
	*f = (struct dmap_feed)DMAP_FEED_INIT;
}

/* It becomes part of an object's key, and of a file's path. */
static bool is_name(const char *text)
{
	size_t len = strlen(text);

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '/' || *c == '\\')
			return false;
	return len > 0 && len <= MAX_NAME && *text != '.';
}

static bool is_https(const char *url)
{
	return strncasecmp(url, "https:", strlen("https:")) == 0;
}

/* "https://host/path"; a path is wanted, were it "/". */
static bool is_file_url(const char *text)
{
	const char *host = strstr(text, "://");

	return host && strchr(host + 3, '/') &&
	       web_check_url(text, 0, "the file's address", "", NULL) == 0;
}

/* Why the item is no data set; NULL when it is one. */
static const char *read_item(
	const struct dmap *d, const struct json *item, struct dmap_dataset *out)
{
	static const char *const members[] = {
		"id", "dataset_id", "url", "start_date", "end_date", "last_updated"};
	const char *v[ARRAY_SIZE(members)];

	if (!json_is(item, JSON_OBJECT))
		return "it is no object";
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		v[i] = json_get_str(item, members[i]);
		if (!v[i])
			return json_get(item, members[i]) ? "a member is no text"
							  : "a member is missing";
	}
	if (!is_name(v[0]))
		return "id cannot be part of a key";
	if (!is_name(v[1]))
		return "dataset_id cannot be part of a key";
	/* Only an API on this machine may send us to this machine. */
	if (!is_file_url(v[2]) || (is_https(d->url) && !is_https(v[2])))
		return "url is no https address with a path";
	if (!is_date(v[3]))
		return "start_date is no date";
	if (!is_date(v[4]))
		return "end_date is no date";
	if (!dmap_parse_time(v[5], &out->last_updated_us))
		return "last_updated is no date and time";
	out->type = xstrdup(v[0]);
	out->identifier = xstrdup(v[1]);
	out->url = xstrdup(v[2]);
	out->start_date = xstrdup(v[3]);
	out->end_date = xstrdup(v[4]);
	return NULL;
}

static void read_items(const struct dmap *d, const struct json *results, struct dmap_feed *out)
{
	struct json *item;
	size_t number = 0;

	json_each(item, results)
	{
		struct dmap_dataset one = {0};
		const char *why = read_item(d, item, &one);

		number++;
		if (why) {
			char *id = excerpt(d, json_get_str(item, "dataset_id"));

			job_log(JOB_WARN, "skipped", "item=%zu dataset_id=\"%s\" reason=\"%s\"",
				number, id ? id : "", why);
			free(id);
			out->skipped++;
			continue;
		}
		ALLOC_GROW(out->v, out->nr + 1, out->alloc);
		out->v[out->nr++] = one;
	}
}

/* {"success": true, "results": […]} */
static int read_feed(const struct dmap *d, const struct http_reply *reply, struct dmap_feed *out,
	struct err *err)
{
	struct json *body = json_parse(reply->body.buf, reply->body.len, NULL);
	const struct json *results = json_get(body, "results");
	char *text = NULL;
	int ret = 0;

	if (json_is(body, JSON_OBJECT) && json_get_truth(body, "success", false) &&
		json_is(results, JSON_ARRAY)) {
		read_items(d, results, out);
	} else {
		text = excerpt(d, reply->body.buf);
		ret = err_set(err, ERR_INVALID,
			"unable to fetch feed results: the answer is no list of results: '%s'",
			text);
	}
	free(text);
	json_free(body);
	return ret;
}

/* --- calls --- */

static int set_status(const struct dmap *d, const struct http_reply *reply, const char *what,
	int64_t *least_ms, struct err *err)
{
	enum err_code code = web_code_of_status(reply->status);
	char *text = excerpt(d, reply->body.buf);

	*least_ms = retry_after_ms(
		http_reply_header(reply, "retry-after"), NULL, d->clock->now_ms(d->clock));
	err_set(err, code, "%s: HTTP %d%s%s", what, reply->status, *text ? ": " : "", text);
	err->http_status = reply->status;
	free(text);
	return -1;
}

struct feed_call {
	struct dmap *dmap;
	struct http_request http;
	struct dmap_feed *out;
};

static int fetch_feed_once(void *payload, int64_t *least_ms, struct err *err)
{
	struct feed_call *c = payload;
	struct dmap *d = c->dmap;
	struct http_reply reply = HTTP_REPLY_INIT;
	int ret = d->transport->ops->perform(d->transport, &c->http, &reply, err);

	if (ret != 0)
		err_wrap(err, "unable to fetch feed results");
	else if (reply.status != 200)
		ret = set_status(d, &reply, "unable to fetch feed results", least_ms, err);
	else
		ret = read_feed(d, &reply, c->out, err);
	http_reply_release(&reply);
	return ret;
}

static const char *key_of(const struct dmap *d, const char *relative_url)
{
	for (size_t i = 0; i < NR_KEYS; i++)
		if (starts_with(relative_url, kinds[i].prefix))
			return d->keys[i];
	return NULL;
}

int dmap_fetch_feed(struct dmap *d, const char *relative_url, const char *last_updated,
	struct dmap_feed *out, struct err *err)
{
	const struct web_attempts attempts = {d->clock, d->max_attempts, NULL};
	const char *key = key_of(d, relative_url);
	struct feed_call c = {d, HTTP_REQUEST_INIT, out};
	struct strbuf url = STRBUF_INIT;
	char *header;
	int ret;

	if (!key)
		return err_set(err, ERR_INVALID, "'%s' is neither %s… nor %s…: no key fits it",
			relative_url, kinds[CONTROLLED].prefix, kinds[PUBLIC].prefix);
	strbuf_addf(
		&url, "%s%s%capikey=", d->url, relative_url, strchr(relative_url, '?') ? '&' : '?');
	uri_encode(&url, key, strlen(key), false);
	if (last_updated) {
		strbuf_addstr(&url, "&last_updated=");
		uri_encode(&url, last_updated, strlen(last_updated), false);
	}
	header = xasprintf("apikey: %s", key);
	c.http.method = "GET";
	c.http.url = url.buf;
	c.http.max_reply_bytes = MAX_FEED_BYTES;
	c.http.timeout_ms = FEED_TIMEOUT_MS;
	c.http.interruptible = true;
	strvec_push(&c.http.headers, "Accept: application/json");
	strvec_push(&c.http.headers, AGENT);
	strvec_push_take(&c.http.headers, header);
	ret = web_repeat(&attempts, fetch_feed_once, &c, err);
	wipe(header, strlen(header));
	wipe(url.buf, url.len);
	http_request_release(&c.http);
	strbuf_release(&url);
	return ret;
}

/* --- files --- */

struct file_call {
	struct dmap *dmap;
	struct job *job;
	const char *url;
	const struct place *to;
	const char *name;
	struct output *output;
	uint64_t bytes;
	bool refused; /* what we write to failed: another attempt is no use */
};

static int sink_begin(unused_arg void *payload, int status, unused_arg const struct strvec *headers,
	struct err *err)
{
	return status == 200 ? 0
			     : err_set(err, ERR_FAILED, "HTTP status %d instead of 200", status);
}

static int sink_write(void *payload, const void *data, size_t len, struct err *err)
{
	struct file_call *c = payload;

	if (job_check_interrupt(err) != 0)
		return -1;
	c->bytes += len;
	if (output_write(c->output, data, len, err) == 0)
		return 0;
	c->refused = true;
	return -1;
}

/* Where a redirection leads, of which each step is looked at: nothing goes from https to http. Malloc'd. */
static char *next_url(const char *from, const struct http_reply *reply, struct err *err)
{
	const char *location = http_reply_header(reply, "location");
	char *url = NULL;

	if (location && *location == '/' && location[1] != '/') {
		const char *host = strstr(from, "://") + 3;

		url = xasprintf("%.*s%s", (int)(host - from + (ptrdiff_t)strcspn(host, "/?#")),
			from, location);
	} else if (location && strstr(location, "://")) {
		url = xstrdup(location);
	}
	if (url && is_file_url(url) && (is_https(url) || !is_https(from)))
		return url;
	err_set(err, ERR_FAILED, "HTTP %d leads to no https address", reply->status);
	free(url);
	return NULL;
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static int get_file(struct file_call *c, struct http_reply *reply, struct err *err)
{
	const struct http_sink sink = {sink_begin, sink_write, c};
	struct http_transport *transport = c->dmap->transport;
	struct http_request http = HTTP_REQUEST_INIT;
	char *url = xstrdup(c->url), *next;
	int ret = 0;

	http.method = "GET";
	http.sink = &sink;
	http.timeout_ms = FILE_TIMEOUT_MS;
	http.interruptible = true;
	strvec_push(&http.headers, "Accept: */*");
	strvec_push(&http.headers, AGENT);
	for (int i = 0; ret == 0; i++) {
		http.url = url;
		http_reply_clear(reply);
		ret = transport->ops->perform(transport, &http, reply, err);
		if (ret != 0 || !is_redirect(reply->status))
			break;
		next = i < MAX_REDIRECTS ? next_url(url, reply, err) : NULL;
		if (i == MAX_REDIRECTS)
			err_set(err, ERR_FAILED, "more than %d redirections", MAX_REDIRECTS);
		free(url);
		url = next;
		ret = url ? 0 : -1;
	}
	http_request_release(&http);
	free(url);
	return ret;
}

static int fetch_file_once(void *payload, int64_t *least_ms, struct err *err)
{
	struct file_call *c = payload;
	struct http_reply reply = HTTP_REPLY_INIT;
	int ret;

	c->bytes = 0;
	c->refused = false;
	c->output = output_new(c->job, c->to, c->name, err);
	if (!c->output) {
		/* Not of those that are tried again. */
		err->code = err->code == ERR_INTERRUPTED ? ERR_INTERRUPTED : ERR_FAILED;
		return -1;
	}
	ret = get_file(c, &reply, err);
	if (ret != 0 && c->refused && err->code != ERR_INTERRUPTED)
		err->code = ERR_FAILED;
	else if (ret == 0 && reply.status != 200)
		ret = set_status(c->dmap, &reply, "the file's server", least_ms, err);
	if (ret != 0) {
		output_abort(c->output);
	} else if (output_finish(c->output, err) != 0) {
		err->code = err->code == ERR_INTERRUPTED ? ERR_INTERRUPTED : ERR_FAILED;
		ret = -1;
	}
	c->output = NULL;
	http_reply_release(&reply);
	return ret;
}

int dmap_fetch_file(struct dmap *d, struct job *job, const char *url, const struct place *to,
	const char *name, uint64_t *bytes, struct err *err)
{
	const struct web_attempts attempts = {d->clock, d->max_attempts, NULL};
	struct file_call c = {.dmap = d, .job = job, .url = url, .to = to, .name = name};

	if (web_repeat(&attempts, fetch_file_once, &c, err) != 0)
		return -1;
	*bytes = c.bytes;
	return 0;
}
