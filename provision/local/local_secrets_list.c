/* ListSecrets: filters, order, pages. */
#include "local_secrets.h"

#include <ctype.h>
#include "local_services.h"
#include "xalloc.h"

#define LIST_MAX 100

/* --- filters: pure --- */

static bool text_fits(const char *have, const char *value)
{
	return have && starts_with(have, value);
}

static bool tag_fits(const struct json *entry, const char *member, const char *value)
{
	const struct json *t;

	json_each(t,
		json_get(entry, "Tags")) if (text_fits(json_get_str(t, member), value)) return true;
	return false;
}

/* The next word at *p: between separators, and "AppBeta" is two, as is "COMPANYthings" (COMPAN, Ythings). 0 at the end. */
static size_t next_word(const char **p)
{
	static const char separators[] = " /_+=.@-";
	size_t len = 0, end;

	*p += strspn(*p, separators);
	end = strcspn(*p, separators);
	while (len < end) {
		const char *c = *p + ++len;

		if (len == end || !isupper((unsigned char)*c))
			continue;
		if (islower((unsigned char)c[-1]) ||
			(len + 1 < end && islower((unsigned char)c[1])))
			break;
	}
	return len;
}

static bool word_in(const char *have, const char *word, size_t word_len)
{
	size_t len;

	for (const char *p = have; p && (len = next_word(&p)) > 0; p += len)
		if (len >= word_len && !strncasecmp(p, word, word_len))
			return true;
	return false;
}

/* One word of an "all" filter: in any attribute one begins so. */
static bool word_anywhere(const struct json *entry, const char *word, size_t len)
{
	const struct json *t;

	if (word_in(json_get_str(entry, "Name"), word, len) ||
		word_in(json_get_str(entry, "Description"), word, len))
		return true;
	json_each(t, json_get(entry, "Tags"))
	{
		if (word_in(json_get_str(t, "Key"), word, len) ||
			word_in(json_get_str(t, "Value"), word, len))
			return true;
	}
	return false;
}

static bool word_in_description(const struct json *entry, const char *word, size_t len)
{
	return word_in(json_get_str(entry, "Description"), word, len);
}

/* Each of the value's words; one without words fits nothing. */
static bool words_fit(const struct json *entry, const char *value,
	bool (*fits)(const struct json *entry, const char *word, size_t len))
{
	bool any = false;
	size_t len;

	for (const char *p = value; (len = next_word(&p)) > 0; p += len, any = true)
		if (!fits(entry, p, len))
			return false;
	return any;
}

static bool plain_value_fits(const char *key, const char *value, const struct json *entry)
{
	if (!strcmp(key, "name"))
		return text_fits(json_get_str(entry, "Name"), value);
	if (!strcmp(key, "description"))
		return words_fit(entry, value, word_in_description);
	if (!strcmp(key, "tag-key"))
		return tag_fits(entry, "Key", value);
	if (!strcmp(key, "tag-value"))
		return tag_fits(entry, "Value", value);
	if (!strcmp(key, "all"))
		return words_fit(entry, value, word_anywhere);
	return false; /* primary-region, owning-service: nothing here has them */
}

static bool value_fits(const char *key, const char *value, const struct json *entry)
{
	bool negated = false;
	for (; *value == '!'; value++)
		negated = !negated;
	return plain_value_fits(key, value, entry) != negated;
}

bool secrets_filters_match(const struct json *filters, const struct json *entry)
{
	const struct json *f, *v;

	json_each(f, filters)
	{
		const char *key = json_get_str(f, "Key");
		bool any = false;
		json_each(v, json_get(f, "Values")) any =
			any || value_fits(key, json_str(v), entry);
		if (!any)
			return false;
	}
	return true;
}

int secrets_check_filters(const struct json *filters, struct err *err)
{
	static const char *const keys[] = {"all", "description", "name", "owning-service",
		"primary-region", "tag-key", "tag-value"};
	const struct json *f, *v;
	int nr = 0;

	if (json_len(filters) > 10)
		return secrets_parameter(err, "Filters can have at most 10 members.");
	json_each(f, filters)
	{
		const char *key = json_get_str(f, "Key");
		bool known = false;
		nr++;
		if (!key)
			return secrets_parameter(err, "Invalid filter key");
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			known = known || !strcmp(key, keys[i]);
		if (!known)
			return secrets_invalid(err,
				"1 validation error detected: Value '%s' at "
				"'filters.%d.member.key' "
				"failed to satisfy constraint: Member must satisfy enum value set: "
				"[all, name, tag-key, description, tag-value, primary-region, "
				"owning-service]",
				key, nr);
		if (!json_len(json_get(f, "Values")))
			return secrets_parameter(err, "Invalid filter values for key: %s", key);
		if (json_len(json_get(f, "Values")) > 10)
			return secrets_parameter(err, "A filter has 1 to 10 values.");
		json_each(v, json_get(f, "Values"))
		{
			if (!json_str(v))
				return secrets_parameter(err, "A filter's values are strings.");
		}
	}
	return 0;
}

/* --- order --- */

struct order {
	const char *column;
	bool down;
};

static int read_order(const struct json *in, struct order *o, struct err *err)
{
	static const struct {
		const char *name, *column;
	} orders[] = {
		{"created-date", "printf('%020d', created_ms)"},
		{"last-accessed-date", "printf('%020d', ifnull(accessed_ms, 0))"},
		{"last-changed-date", "printf('%020d', changed_ms)"},
		{"name", "name"},
	};
	const char *by = json_get_str(in, "SortBy"), *way = json_get_str(in, "SortOrder");

	*o = (struct order){orders[0].column, way && !strcmp(way, "desc")};
	if (way && strcmp(way, "asc") != 0 && strcmp(way, "desc") != 0)
		return secrets_parameter(err, "SortOrder is asc or desc.");
	for (size_t i = 0; by && i < ARRAY_SIZE(orders); i++)
		if (!strcmp(by, orders[i].name)) {
			o->column = orders[i].column;
			by = NULL;
		}
	return by ? secrets_parameter(err, "SortBy is created-date, last-accessed-date, "
					   "last-changed-date or name.")
		  : 0;
}

/* --- list --- */

struct list_call {
	const struct local_request *req;
	struct order order;
	int64_t limit;
	char *after, *last; /* sort key, blank, row: where a page ends */
	bool more;
	struct json *list;
};

/* The next id after `after` in order; 1, 0 at the end. */
static int next_id(
	struct local_cloud *cloud, struct list_call *l, int64_t *id, char **at, struct err *err)
{
	bool deleted = json_get_truth(l->req->in, "IncludePlannedDeletion", false);
	char *sql = xasprintf("SELECT id, %s || ' ' || printf('%%020d', id) AS k FROM secret WHERE "
			      "region = ?1 AND (?2 OR deletion_ms IS NULL) AND (?3 IS NULL OR k %s "
			      "?3) ORDER BY k %s LIMIT 1",
		l->order.column, l->order.down ? "<" : ">", l->order.down ? "DESC" : "ASC");
	struct sql_stmt *st =
		sql_query(cloud->db, err, sql, "sis", l->req->region, (int64_t)deleted, *at);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		*id = sql_int(st, 0);
		free(*at);
		*at = xstrdup(sql_text(st, 1));
	}
	sql_done(st);
	free(sql);
	return row;
}

static int entry_tx(struct local_cloud *cloud, const char *region, int64_t id, struct json **entry,
	struct err *err)
{
	struct sql_stmt *st =
		sql_query(cloud->db, err, "SELECT arn FROM secret WHERE id = ?", "i", id);
	int row = st ? sql_step(st, err) : -1;
	char *arn = row > 0 ? xstrdup(sql_text(st, 0)) : NULL;
	struct secret s = {0};
	int ret = -1;

	sql_done(st);
	if (arn && !secret_find_tx(cloud, region, arn, &s, err))
		ret = secret_describe_tx(cloud, &s, "SecretVersionsToStages", entry, err);
	secret_release(&s);
	free(arn);
	return ret;
}

static int fill_tx(struct local_cloud *cloud, struct list_call *l, struct err *err)
{
	const struct json *filters = json_get(l->req->in, "Filters");
	char *at = l->after ? xstrdup(l->after) : NULL;
	int64_t id = 0;
	int row = 0;

	while (!l->more && (row = next_id(cloud, l, &id, &at, err)) > 0) {
		struct json *entry = NULL;
		if (entry_tx(cloud, l->req->region, id, &entry, err)) {
			row = -1;
			break;
		}
		if (!secrets_filters_match(filters, entry)) {
			json_free(entry);
		} else if ((int64_t)json_len(l->list) == l->limit) {
			json_free(entry);
			l->more = true;
		} else {
			json_push(l->list, entry);
			free(l->last);
			l->last = xstrdup(at);
		}
	}
	free(at);
	return row < 0 ? -1 : 0;
}

static int list_tx(struct local_cloud *cloud, struct local_call *k, int64_t max, struct err *err)
{
	struct list_call l = {.req = k->req};
	char *token;
	int ret = -1;

	if (secrets_check_filters(json_get(k->in, "Filters"), err) ||
		read_order(k->in, &l.order, err) ||
		secrets_page(k->in, max, &l.limit, &l.after, err))
		return -1;
	l.list = json_array();
	if (fill_tx(cloud, &l, err))
		goto out;
	k->out = json_object();
	json_set(k->out, "SecretList", l.list);
	l.list = NULL;
	token = l.more ? local_token_make(l.last) : NULL;
	json_set_str(k->out, "NextToken", token);
	free(token);
	ret = 0;
out:
	json_free(l.list);
	free(l.after);
	free(l.last);
	return ret;
}

static int list_all_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return list_tx(cloud, k, LIST_MAX, err);
}
SECRETS_HANDLER(list_secrets, list_all_tx)

static int list_batch_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return list_tx(cloud, k, SECRETS_BATCH_MAX, err);
}

int secrets_list_batch(struct local_cloud *cloud, const struct local_request *req,
	struct json **page, struct err *err)
{
	return secrets_run(cloud, req, list_batch_tx, page, err);
}

static const struct local_route routes[] = {
	{"ListSecrets", list_secrets, NULL},
};

const struct local_service local_secrets_list_service = {
	"secretsmanager", routes, ARRAY_SIZE(routes)};
