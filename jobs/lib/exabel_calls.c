/* The calls of the Exabel Data API that the jobs need; paths as in its google.api.http annotations. */
#include "exabel_internal.h"

#include <stdlib.h>
#include <string.h>
#include "uri.h"

#define TIMEOUT_MS 60000
/* What the vendor's own client gives a call; an import of many series may think for long. */
#define IMPORT_TIMEOUT_MS 900000
/* Pages that hold nothing yet say that there are more. */
#define MAX_PAGES 1000

static int call(struct exabel *e, const char *name, const char *method, const char *path,
	const struct json *in, struct json **out, struct err *err)
{
	struct strbuf body = STRBUF_INIT;
	struct exabel_request req = {.call = name, .method = method, .path = path};
	int ret;

	if (in) {
		json_print(in, &body);
		req.body = body.buf;
		req.body_len = body.len;
	}
	req.timeout_ms = TIMEOUT_MS;
	ret = exabel_perform(e, &req, out, err);
	strbuf_release(&body);
	return ret;
}

/* --- entities --- */

/* Newer services also sort what they find by query, in "results"; "entities" is all of it. */
static void count_entities(const struct json *reply, char **entity, size_t *found)
{
	const struct json *entities = json_get(reply, "entities");
	struct json *result, *hit;

	if (json_len(entities) == 0) {
		json_each(result, json_get(reply, "results"))
		{
			entities = json_get(result, "entities");
			if (json_len(entities))
				break;
		}
	}
	json_each(hit, entities)
	{
		if ((*found)++ == 0)
			*entity = xstrdup(json_get_str(hit, "name"));
	}
}

static struct json *search_body(const struct exabel_term *terms, size_t nr, const char *token)
{
	struct json *in = json_object(), *list = json_array();

	for (size_t i = 0; i < nr; i++) {
		struct json *term = json_object();

		json_set_str(term, "field", terms[i].field);
		json_set_str(term, "query", terms[i].query);
		json_push(list, term);
	}
	json_set(in, "terms", list);
	if (token && *token)
		json_set_str(in, "pageToken", token);
	return in;
}

int exabel_search(struct exabel *e, const char *parent, const struct exabel_term *terms, size_t nr,
	char **entity, size_t *found, struct err *err)
{
	struct strbuf path = STRBUF_INIT;
	struct json *in, *reply = NULL;
	const char *token = NULL;
	int ret = 0;

	*entity = NULL;
	*found = 0;
	strbuf_addstr(&path, "/v1/");
	uri_encode(&path, parent, strlen(parent), true);
	strbuf_addstr(&path, "/entities:search");
	for (size_t page = 0; page < MAX_PAGES; page++) {
		in = search_body(terms, nr, token);
		json_free(reply);
		reply = NULL;
		ret = call(e, "SearchEntities", "POST", path.buf, in, &reply, err);
		json_free(in);
		if (ret != 0)
			break;
		count_entities(reply, entity, found);
		token = json_get_str(reply, "nextPageToken");
		if (*found > 1 || !token || !*token)
			break;
	}
	if (ret == 0 && *found == 1 && (!*entity || !**entity))
		ret = err_set(err, ERR_INVALID, "SearchEntities: an entity without a name");
	if (ret != 0 || *found != 1) {
		free(*entity);
		*entity = NULL;
	}
	json_free(reply);
	strbuf_release(&path);
	return ret;
}

/* --- namespaces and signals --- */

char *exabel_namespace(struct exabel *e, bool *several, struct err *err)
{
	struct json *reply = NULL, *item;
	char *found = NULL;

	*several = false;
	if (call(e, "ListNamespaces", "GET", "/v1/namespaces", NULL, &reply, err) != 0)
		return NULL;
	json_each(item, json_get(reply, "namespaces"))
	{
		const char *name = json_get_str(item, "name");

		if (!json_get_truth(item, "writeable", false) || !name ||
			!starts_with(name, "namespaces/"))
			continue;
		if (found)
			*several = true;
		else
			found = xstrdup(name + strlen("namespaces/"));
	}
	json_free(reply);
	if (!found)
		err_set(err, ERR_DENIED,
			"ListNamespaces: the API key's owner may write to no namespace");
	return found;
}

int exabel_has_signal(struct exabel *e, const char *name, bool *has, struct err *err)
{
	struct strbuf path = STRBUF_INIT;
	struct json *reply = NULL;
	struct err why = ERR_INIT;
	int ret;

	strbuf_addstr(&path, "/v1/");
	uri_encode(&path, name, strlen(name), true);
	ret = call(e, "GetSignal", "GET", path.buf, NULL, &reply, &why);
	*has = ret == 0;
	if (ret != 0 && why.code == ERR_NOT_FOUND)
		ret = 0;
	if (ret != 0)
		err_move(err, &why);
	err_release(&why);
	json_free(reply);
	strbuf_release(&path);
	return ret;
}

int exabel_create_signal(struct exabel *e, const char *name, struct err *err)
{
	struct json *in = json_object(), *reply = NULL;
	const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
	struct err why = ERR_INIT;
	int ret;

	json_set_str(in, "name", name);
	json_set_str(in, "displayName", dot ? dot + 1 : slash ? slash + 1 : name);
	ret = call(e, "CreateSignal", "POST", "/v1/signals?createLibrarySignal=true", in, &reply,
		&why);
	if (ret != 0 && why.code == ERR_EXISTS)
		ret = 0;
	if (ret != 0) {
		err_move(err, &why);
		err_wrap(err, "signal '%s'", name);
	}
	err_release(&why);
	json_free(in);
	json_free(reply);
	return ret;
}

/* --- time series --- */

int exabel_import(struct exabel *e, const struct strbuf *body, size_t nr,
	struct exabel_status *statuses, struct err *err)
{
	const struct exabel_request req = {
		.call = "ImportTimeSeries",
		.method = "POST",
		.path = "/v1/signals/-/timeSeries:import",
		.body = body->buf,
		.body_len = body->len,
		.timeout_ms = IMPORT_TIMEOUT_MS,
	};
	struct json *reply = NULL, *one, *responses;
	size_t i = 0;
	int ret = exabel_perform(e, &req, &reply, err);

	if (ret != 0)
		return -1;
	responses = json_get(reply, "responses");
	if (json_len(responses) != nr)
		ret = err_set(err, ERR_INVALID,
			"ImportTimeSeries: %zu series were sent, and the answer tells of %zu", nr,
			json_len(responses));
	json_each(one, ret == 0 ? responses : NULL)
	{
		const struct json *status = json_get(one, "status");

		statuses[i].code = json_get_i64(status, "code", EXABEL_OK);
		statuses[i++].message = exabel_presentable(e, json_get_str(status, "message"));
	}
	json_free(reply);
	return ret;
}
