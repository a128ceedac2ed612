/* The query protocol: JSON documents to forms and back, and XML replies to JSON and back. */
#include "protocol.h"
#include "strvec.h"
#include "uri.h"
#include "xml.h"

#define MAX_PAIRS 4096
#define MAX_DEPTH 32

/* --- maps --- */

/* Members that are maps, and what their entries call key and value (SNS's, by its published model). */
static const struct map_member {
	const char *name, *key, *value;
} map_members[] = {
	{"Attributes", "key", "value"},
	{"MessageAttributes", "Name", "Value"},
};

static const struct map_member *map_member(const struct json *v)
{
	const char *name = json_is(v, JSON_OBJECT) ? json_name(v) : NULL;

	for (size_t i = 0; name && i < ARRAY_SIZE(map_members); i++)
		if (!strcmp(map_members[i].name, name))
			return &map_members[i];
	return NULL;
}

/* --- requests out --- */

static void encode_value(const struct json *v, struct strbuf *name, struct strbuf *out);

static void encode_map(
	const struct map_member *m, const struct json *v, struct strbuf *name, struct strbuf *out)
{
	struct json *key;
	const struct json *e;
	size_t len = name->len, i = 0;
	json_each(e, v)
	{
		strbuf_addf(name, ".entry.%zu.%s", ++i, m->key);
		key = json_string(json_name(e));
		encode_value(key, name, out);
		json_free(key);
		strbuf_setlen(name, name->len - strlen(m->key));
		strbuf_addstr(name, m->value);
		encode_value(e, name, out);
		strbuf_setlen(name, len);
	}
}

static void encode_value(const struct json *v, struct strbuf *name, struct strbuf *out)
{
	size_t len = name->len;
	const struct json *e;
	if (map_member(v)) {
		encode_map(map_member(v), v, name, out);
		return;
	}
	if (json_is(v, JSON_ARRAY)) {
		size_t i = 0;
		json_each(e, v)
		{
			strbuf_addf(name, ".member.%zu", ++i);
			encode_value(e, name, out);
			strbuf_setlen(name, len);
		}
		return;
	}
	if (json_is(v, JSON_OBJECT)) {
		json_each(e, v)
		{
			strbuf_addf(name, "%s%s", len ? "." : "", json_name(e));
			encode_value(e, name, out);
			strbuf_setlen(name, len);
		}
		return;
	}
	const char *text = json_scalar_text(v);
	if (!text)
		return;
	strbuf_addch(out, '&');
	uri_encode(out, name->buf, name->len, false);
	strbuf_addch(out, '=');
	uri_encode(out, text, strlen(text), false);
}

void query_encode(const struct wire_service *svc, const char *action, const struct json *in,
	struct strbuf *out)
{
	struct strbuf name = STRBUF_INIT;
	strbuf_addf(out, "Action=%s&Version=%s", action, svc->api_version);
	encode_value(in, &name, out);
	strbuf_release(&name);
}

/* --- requests in --- */

static int bad_form(struct err *err, const char *why)
{
	err_set(err, ERR_INVALID, "%s", why);
	return err_named(err, "MalformedQueryString");
}

/* Puts one "A.member.1.B=value" into the tree; "member" and its numbers are objects until lists_from() comes. */
static int put_path(struct json *root, const char *name, const char *value, struct err *err)
{
	struct strvec parts = STRVEC_INIT;
	struct json *at = root;
	int ret = -1;
	strvec_split(&parts, name, '.');
	bool named = parts.nr && parts.nr <= MAX_DEPTH;
	for (size_t i = 0; i < parts.nr; i++)
		named = named && *parts.v[i];
	if (!named) {
		bad_form(err, "a parameter of the request has no name, or one too deep");
		goto out;
	}
	for (size_t i = 0; i + 1 < parts.nr; i++) {
		struct json *next = json_get(at, parts.v[i]);
		if (!next) {
			json_set(at, parts.v[i], json_object());
			next = json_get(at, parts.v[i]);
		}
		if (!json_is(next, JSON_OBJECT)) {
			bad_form(err, "a parameter of the request is both a value and a structure");
			goto out;
		}
		at = next;
	}
	const char *last = parts.v[parts.nr - 1];
	if (json_is(json_get(at, last), JSON_OBJECT)) {
		bad_form(err, "a parameter of the request is both a value and a structure");
		goto out;
	}
	json_set(at, last, json_string(value));
	ret = 0;
out:
	strvec_release(&parts);
	return ret;
}

struct numbered {
	long long number;
	struct json *value;
};

static int compare_numbered(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	return x->number < y->number ? -1 : x->number > y->number;
}

static struct json *lists_from(const struct json *v);

/* {"1":…, "2":…} as an array by number; NULL when a name is no number. */
static struct json *array_from(const struct json *members)
{
	size_t nr = 0;
	struct numbered *v = xcalloc(json_len(members) + 1, sizeof(*v));
	const struct json *e;
	struct json *array = NULL;
	json_each(e, members)
	{
		if (parse_int64(json_name(e), 1, INT32_MAX, &v[nr].number) < 0)
			goto out;
		nr++;
	}
	nr = 0;
	json_each(e, members)
	{
		v[nr++].value = lists_from(e);
	}
	if (nr)
		qsort(v, nr, sizeof(*v), compare_numbered);
	array = json_array();
	for (size_t i = 0; i < nr; i++)
		json_push(array, v[i].value);
out:
	free(v);
	return array;
}

/* {"1":{"key":k,"value":v},…}, by either spelling, as {k:v,…}; NULL when it is none. */
static struct json *map_from(const struct json *entries)
{
	struct json *out = json_object();
	const struct json *e;
	json_each(e, entries)
	{
		for (size_t i = 0; i < ARRAY_SIZE(map_members); i++) {
			const char *key = json_get_str(e, map_members[i].key);
			const struct json *value = json_get(e, map_members[i].value);
			if (key && value && json_len(e) == 2)
				json_set(out, key, lists_from(value));
		}
	}
	if (json_len(out) == json_len(entries))
		return out;
	json_free(out);
	return NULL;
}

/* A copy in which {"member":{"1":…}} is a list, and {"entry":{"1":…}} a map. */
static struct json *lists_from(const struct json *v)
{
	if (!json_is(v, JSON_OBJECT))
		return json_copy(v);
	const struct json *member = json_get(v, "member"), *entry = json_get(v, "entry");
	if (map_member(v) && json_len(v) == 1 && json_is(entry, JSON_OBJECT)) {
		struct json *map = map_from(entry);
		if (map)
			return map;
	}
	if (json_len(v) == 1 && json_is(member, JSON_OBJECT)) {
		struct json *array = array_from(member);
		if (array)
			return array;
	}
	struct json *out = json_object();
	const struct json *e;
	json_each(e, v)
	{
		json_set(out, json_name(e), lists_from(e));
	}
	return out;
}

static int decode_pair(struct json *root, const char *p, size_t len, struct err *err)
{
	struct strbuf name = STRBUF_INIT, value = STRBUF_INIT;
	const char *eq = memchr(p, '=', len);
	size_t name_len = eq ? (size_t)(eq - p) : len;
	int ret = -1;
	if (uri_decode(&name, p, name_len, true, err) < 0)
		goto out;
	if (eq && uri_decode(&value, eq + 1, len - name_len - 1, true, err) < 0)
		goto out;
	if (memchr(name.buf, '\0', name.len) || memchr(value.buf, '\0', value.len)) {
		bad_form(err, "a parameter of the request holds a zero byte");
		goto out;
	}
	ret = put_path(root, name.buf, value.buf, err);
out:
	strbuf_release(&name);
	strbuf_release(&value);
	return ret;
}

int query_decode(const char *body, size_t len, struct json **out, struct err *err)
{
	struct json *root = json_object();
	const char *end = body + len;
	size_t nr = 0;
	int ret = -1;
	for (const char *p = body; p < end;) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		size_t n = (size_t)((amp ? amp : end) - p);
		if (++nr > MAX_PAIRS) {
			bad_form(err, "the request has too many parameters");
			goto done;
		}
		if (n && decode_pair(root, p, n, err) < 0)
			goto done;
		p += n + (amp ? 1 : 0);
	}
	*out = lists_from(root);
	ret = 0;
done:
	json_free(root);
	return ret;
}

/* --- replies in --- */

/* Elements that are lists even when nothing is in them; sorted. */
static const char *const list_names[] = {
	"AttachedPolicies",
	"GroupNames",
	"Groups",
	"InstanceProfiles",
	"Policies",
	"PolicyGroups",
	"PolicyNames",
	"PolicyRoles",
	"PolicyUsers",
	"Roles",
	"Subscriptions",
	"Tags",
	"Topics",
	"Users",
	"Versions",
};

static bool is_list_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(list_names); i++)
		if (!strcmp(list_names[i], name))
			return true;
	return false;
}

static struct json *reply_value(const struct xml_node *n);

static struct json *reply_object(const struct xml_node *n)
{
	struct json *out = json_object();
	const struct xml_node *child;
	xml_each(child, n)
	{
		json_set(out, xml_name(child), reply_value(child));
	}
	return out;
}

/* <entry><key>k</key><value>v</value></entry>… */
static struct json *reply_map(const struct xml_node *n)
{
	struct json *out = json_object();
	const struct xml_node *child;
	xml_each(child, n)
	{
		const char *key = xml_child_text(child, "key");
		const struct xml_node *value = xml_child(child, "value");
		if (key && value)
			json_set(out, key, reply_value(value));
	}
	return out;
}

static struct json *reply_value(const struct xml_node *n)
{
	const struct xml_node *first = xml_first(n);
	if (!first) {
		const char *text = xml_text(n);
		bool blank = text[strspn(text, " \t\r\n")] == '\0';
		return blank && is_list_name(xml_name(n)) ? json_array() : json_string(text);
	}
	if (!strcmp(xml_name(first), "entry"))
		return reply_map(n);
	if (strcmp(xml_name(first), "member") != 0)
		return reply_object(n);
	struct json *list = json_array();
	const struct xml_node *child;
	xml_each(child, n)
	{
		json_push(list, reply_value(child));
	}
	return list;
}

int query_reply_parse(const char *body, size_t len, struct json **out, struct err *err)
{
	struct xml_doc *doc = xml_parse(body, len, err);
	if (!doc)
		return -1;
	const struct xml_node *root = xml_root(doc), *child, *result = NULL;
	if (!root || !ends_with(xml_name(root), "Response")) {
		err_set(err, ERR_INVALID, "the reply is no <…Response> document");
		xml_free(doc);
		return -1;
	}
	xml_each(child, root)
	{
		if (ends_with(xml_name(child), "Result"))
			result = child;
	}
	*out = result ? reply_object(result) : json_object();
	xml_free(doc);
	return 0;
}

/* --- replies out --- */

static void print_value(const char *name, const struct json *v, struct strbuf *sb)
{
	if (v == NULL || json_is(v, JSON_NULL))
		return;
	const struct json *e;
	if (!json_is(v, JSON_ARRAY) && !json_is(v, JSON_OBJECT)) {
		xml_add_element(sb, name, json_scalar_text(v));
		return;
	}
	bool array = json_is(v, JSON_ARRAY);
	const struct map_member *map = map_member(v);
	strbuf_addf(sb, "<%s>", name);
	json_each(e, v)
	{
		if (map) {
			strbuf_addstr(sb, "<entry>");
			xml_add_element(sb, map->key, json_name(e));
			print_value(map->value, e, sb);
			strbuf_addstr(sb, "</entry>");
			continue;
		}
		print_value(array ? "member" : json_name(e), e, sb);
	}
	strbuf_addf(sb, "</%s>", name);
}

const char *query_namespace_scheme(const struct wire_service *svc)
{
	return strcmp(svc->id, "sns") ? "https" : "http";
}

void query_reply_print(const struct wire_service *svc, const char *action, const struct json *out,
	const char *request_id, struct strbuf *sb)
{
	strbuf_addf(sb, "<%sResponse xmlns=\"%s://%s.amazonaws.com/doc/%s/\">", action,
		query_namespace_scheme(svc), svc->id, svc->api_version);
	if (out) {
		struct strbuf name = STRBUF_INIT;
		strbuf_addf(&name, "%sResult", action);
		print_value(name.buf, out, sb);
		strbuf_release(&name);
	}
	strbuf_addstr(sb, "<ResponseMetadata>");
	xml_add_element(sb, "RequestId", request_id);
	strbuf_addf(sb, "</ResponseMetadata></%sResponse>", action);
}
