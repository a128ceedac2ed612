/* What the client makes of an API that is not on this machine: the e2e tests' stand-in is. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "dmap.h"
#include "xalloc.h"

#define KEY "public/9c41+f0=="

struct api {
	int status;
	const char *body;
	char *asked; /* the last URL */
};

static int api_perform(struct http_transport *t, const struct http_request *req,
	struct http_reply *reply, struct err *err)
{
	struct api *a = t->impl;

	(void)err;
	http_reply_clear(reply);
	free(a->asked);
	a->asked = xstrdup(req->url);
	reply->status = a->status;
	strbuf_addstr(&reply->body, a->body ? a->body : req->url);
	return 0;
}

static void api_free(struct http_transport *t)
{
	t->impl = NULL;
}

static int fetch(struct api *a, const char *url, struct dmap_feed *feed, struct err *err)
{
	static const struct http_transport_ops ops = {api_perform, api_free};
	struct dmap_config config = {.url = url,
		.controlled_key = xstrdup("controlled"),
		.public_key = xstrdup(KEY),
		.max_attempts = 1};
	struct dmap *d;
	int ret;

	config.transport = xcalloc(1, sizeof(*config.transport));
	*config.transport = (struct http_transport){&ops, a};
	d = dmap_new(&config, err);
	assert_non_null(d);
	*feed = (struct dmap_feed)DMAP_FEED_INIT;
	ret = dmap_fetch_feed(d, "/datasetpublicusersapi/x", NULL, feed, err);
	dmap_free(d);
	return ret;
}

static void test_dmap__an_address_that_is_repeated_shows_no_key(void **state)
{
	struct api a = {.status = 400};
	struct dmap_feed feed;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(fetch(&a, "https://dmap.example", &feed, &err), -1);
	assert_non_null(strstr(a.asked, "?apikey=public%2F9c41%2Bf0%3D%3D"));
	assert_non_null(strstr(err.text, "HTTP 400: https://dmap.example/"));
	assert_null(strstr(err.text, "9c41"));
	err_release(&err);
	free(a.asked);
}

#define ITEM(id, url)                                            \
	"{\"id\":\"t\",\"dataset_id\":\"" id "\",\"url\":\"" url \
	"\",\"start_date\":\"2022-01-01\","                      \
	"\"end_date\":\"2022-01-01\",\"last_updated\":\"2022-01-01T00:00:00\"}"

/* An API elsewhere sends nobody to the services of this machine. */
static void test_dmap__files_on_this_machine(void **state)
{
	struct api a = {.status = 200,
		.body = "{\"success\":true,\"results\":[" ITEM(
			"a", "https://files.example/a") "," ITEM("b",
			"HTTP://127.0.0.1:8080/b") "," ITEM("c", "http://files.example/c") "]}"};
	struct dmap_feed feed;

	(void)state;
	assert_int_equal(fetch(&a, "https://dmap.example", &feed, NULL), 0);
	assert_int_equal(feed.nr, 1);
	assert_int_equal(feed.skipped, 2);
	assert_string_equal(feed.v[0].identifier, "a");
	dmap_feed_release(&feed);
	assert_int_equal(fetch(&a, "http://localhost:8080", &feed, NULL), 0);
	assert_int_equal(feed.nr, 2);
	assert_string_equal(feed.v[1].identifier, "b");
	dmap_feed_release(&feed);
	free(a.asked);
}
