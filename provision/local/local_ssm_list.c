/* DescribeParameters, GetParametersByPath and GetParameterHistory: filters, order, pages. */
#include "local_ssm.h"

#include "local_glue.h"
#include "local_services.h"

#define DESCRIBE_MAX 50
#define DESCRIBE_USUAL 10
#define BY_PATH_MAX 10
#define FILTER_VALUES_MAX 50
#define PATH_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/"

/* --- filters: pure --- */

struct filter_key {
	const char *key;
	bool describe, by_path;
	const char *options;       /* "BeginsWith Equals" */
	const char *const *values; /* the only ones; NULL: any */
};

static const char *const types[] = {"String", "StringList", "SecureString", NULL};
static const char *const tiers[] = {"Standard", "Advanced", "Intelligent-Tiering", NULL};
static const struct filter_key filter_keys[] = {
	{"Path", true, false, "Recursive OneLevel", NULL},
	{"Name", true, false, "BeginsWith Contains Equals", NULL},
	{"Type", true, true, "BeginsWith Equals", types},
	{"KeyId", true, true, "BeginsWith Equals", NULL},
	{"Tier", true, false, "BeginsWith Equals", tiers},
	{"DataType", true, false, "BeginsWith Equals", NULL},
	{"Label", false, true, "Equals", NULL},
	{"tag:", true, false, "BeginsWith Equals", NULL},
};

static const struct filter_key *key_of(const char *text)
{
	for (size_t i = 0; text && i < ARRAY_SIZE(filter_keys); i++) {
		const char *key = filter_keys[i].key;
		if (ends_with(key, ":") ? starts_with(text, key) && text[strlen(key)]
					: !strcmp(text, key))
			return &filter_keys[i];
	}
	return NULL;
}

/* `word` is one of the words between blanks. */
static bool word_of(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		if (n == len && !strncmp(p, word, n))
			return true;
		p += n;
	}
	return false;
}

/* AWS's words leave out Label, DataType and, of a name's options, Contains. */
static int fail_key(const char *key, enum ssm_listing listing, struct err *err)
{
	return local_fault(err, 400, "InvalidFilterKey",
		"The following filter key is not valid: %s. Valid filter keys include: [%s].", key,
		listing == SSM_BY_PATH ? "Type, KeyId" : "Path, Name, Type, KeyId, Tier");
}

static int fail_option(const struct filter_key *f, const char *option, struct err *err)
{
	return local_fault(err, 400, "InvalidFilterOption",
		"The following filter option is not valid: %s. Valid options include: [%s].",
		option, !strcmp(f->key, "Path") ? "Recursive, OneLevel" : "BeginsWith, Equals");
}

static int check_path(const char *path, struct err *err)
{
	if (*path == '/' && !strstr(path, "//") && !path[strspn(path, PATH_LETTERS)])
		return 0;
	return ssm_invalid(err,
		"The parameter doesn't meet the parameter name requirements. The parameter name "
		"must begin with a forward slash \"/\". It can't be prefixed with \"aws\" or "
		"\"ssm\" (case-insensitive). It must use only letters, numbers, or the following "
		"symbols: . (period), - (hyphen), _ (underscore). Special characters are not "
		"allowed. All sub-paths, if specified, must use the forward slash symbol \"/\". "
		"Valid example: /get/parameters2-/by1./path0_.");
}

static int check_filter_path(const char *path, struct err *err)
{
	if (!strncasecmp(path, "/aws", 4) || !strncasecmp(path, "/ssm", 4))
		return ssm_invalid(err,
			"Filters for common parameters can't be prefixed with \"aws\" or \"ssm\" "
			"(case-insensitive). When using global parameters, please specify within a "
			"global namespace.");
	return check_path(path, err);
}

static int check_value(const struct filter_key *f, const char *value, struct err *err)
{
	struct strbuf valid = STRBUF_INIT;

	if (!strcmp(f->key, "Path"))
		return check_filter_path(value, err);
	if (!f->values)
		return 0;
	for (size_t i = 0; f->values[i]; i++) {
		if (!strcmp(f->values[i], value)) {
			strbuf_release(&valid);
			return 0;
		}
		strbuf_addf(&valid, "%s%s", i ? ", " : "", f->values[i]);
	}
	local_fault(err, 400, "InvalidFilterValue",
		"The following filter value is not valid: %s. Valid values include: [%s].", value,
		valid.buf);
	strbuf_release(&valid);
	return -1;
}

static int fail_shape(const char *member, const char *constraint, struct err *err)
{
	return ssm_invalid(err,
		"1 validation error detected: Value at 'parameterFilters.member.%s' failed to "
		"satisfy constraint: %s",
		member, constraint);
}

static size_t count_chars(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Lengths, before anything is looked at more closely. */
static int check_shape(const struct json *filter, struct err *err)
{
	const struct json *values = json_get(filter, "Values"), *v;
	const char *key = json_get_str(filter, "Key"), *option = json_get_str(filter, "Option");

	if (key && count_chars(key) > 132)
		return fail_shape("key", "Member must have length less than or equal to 132", err);
	if (option && count_chars(option) > 10)
		return fail_shape(
			"option", "Member must have length less than or equal to 10", err);
	if (json_len(values) > FILTER_VALUES_MAX)
		return fail_shape(
			"values", "Member must have length less than or equal to 50", err);
	json_each(v, values)
	{
		if (!json_str(v) || !*json_str(v) || count_chars(json_str(v)) > 1024)
			return fail_shape("values",
				"Member must satisfy constraint: [Member must have length less "
				"than or equal to 1024, Member must have length greater than or "
				"equal to 1]",
				err);
	}
	return 0;
}

static int check_filter(const struct json *filter, enum ssm_listing listing, struct err *err)
{
	const char *text = json_get_str(filter, "Key"), *option = json_get_str(filter, "Option");
	const struct json *values = json_get(filter, "Values"), *v;
	const struct filter_key *f = key_of(text);

	if (check_shape(filter, err))
		return -1;
	if (!f)
		return ssm_invalid(err,
			"1 validation error detected: Value '%s' at "
			"'parameterFilters.member.key' failed to satisfy constraint: Member must "
			"satisfy regular expression pattern: "
			"tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType",
			text ? text : "");
	if (!(listing == SSM_BY_PATH ? f->by_path : f->describe))
		return fail_key(text, listing, err);
	if (option && !word_of(f->options, option))
		return fail_option(f, option, err);
	if (!json_len(values) && !ends_with(f->key, ":"))
		return local_fault(err, 400, "InvalidFilterValue",
			"The following filter values are missing : null for filter key %s.", text);
	json_each(v, values) if (check_value(f, json_str(v), err)) return -1;
	return 0;
}

int ssm_check_filters(const struct json *filters, enum ssm_listing listing, struct err *err)
{
	const struct json *f, *other;

	json_each(f, filters)
	{
		if (check_filter(f, listing, err))
			return -1;
		for (other = json_first(filters); other != f; other = json_next(other))
			if (!strcmp(json_get_str(other, "Key"), json_get_str(f, "Key")))
				return local_fault(err, 400, "InvalidFilterKey",
					"The following filter is duplicated in the request: %s. A "
					"request can contain only one occurrence of a specific "
					"filter.",
					json_get_str(f, "Key"));
	}
	return 0;
}

bool ssm_below(const char *path, const char *name, bool recursive)
{
	size_t len;

	path += *path == '/';
	name += *name == '/';
	len = strlen(path);
	while (len && path[len - 1] == '/')
		len--;
	if (len && (strncmp(path, name, len) != 0 || name[len] != '/'))
		return false;
	name += len ? len + 1 : 0;
	return recursive || !strchr(name, '/');
}

static bool text_fits(const char *have, const char *value, const char *option)
{
	if (!have)
		return false;
	if (!strcmp(option, "BeginsWith"))
		return starts_with(have, value);
	return !strcmp(have, value);
}

/* The slash before a name at the top makes no difference. */
static const char *bare(const char *name)
{
	return name + (*name == '/');
}

static bool value_fits(
	const char *key, const char *option, const char *value, const struct json *entry)
{
	const char *name = json_get_str(entry, "Name");

	if (!strcmp(key, "Path"))
		return ssm_below(value, name, !strcmp(option, "Recursive"));
	if (!strcmp(key, "Name") && !strcmp(option, "Contains"))
		return strstr(name, value) ||
		       (*value == '/' && *name != '/' && starts_with(name, bare(value)));
	if (!strcmp(key, "Name"))
		return text_fits(bare(name), bare(value), option);
	if (starts_with(key, "tag:"))
		return text_fits(json_get_str(json_get(entry, "Tags"), key + 4), value, option);
	return text_fits(json_get_str(entry, key), value, option);
}

bool ssm_filters_match(const struct json *filters, const struct json *entry)
{
	const struct json *f, *v;

	json_each(f, filters)
	{
		const char *key = json_get_str(f, "Key"), *option = json_get_str(f, "Option");
		const struct json *values = json_get(f, "Values");
		/* without values a tag's name is what counts */
		bool any = !json_len(values) && starts_with(key, "tag:") &&
			   json_get(json_get(entry, "Tags"), key + 4);
		if (!strcmp(key, "Label"))
			continue;
		if (!option)
			option = "Equals";
		json_each(v, values) any = any || value_fits(key, option, json_str(v), entry);
		if (!any)
			return false;
	}
	return true;
}

/* --- walking --- */

struct listing {
	const struct json *filters;
	enum ssm_listing kind;
	const char *path, *label;
	bool recursive, decrypt;
	int64_t limit;
	char *after, *last;
	bool more;
	struct json *list;
};

static void listing_release(struct listing *l)
{
	json_free(l->list);
	free(l->after);
	free(l->last);
}

static void add_common(struct json *doc, const struct ssm_parameter *p)
{
	json_set_str(doc, "Name", p->name);
	json_set_str(doc, "Type", p->type);
	json_set_str(doc, "KeyId", p->key_id);
	glue_set_time(doc, "LastModifiedDate", p->modified_ms);
	json_set_str(doc, "LastModifiedUser", p->user);
	json_set_str(doc, "Description", p->description);
	json_set_str(doc, "AllowedPattern", p->pattern);
	json_set_i64(doc, "Version", p->version);
	json_set_str(doc, "Tier", p->tier);
	json_set(doc, "Policies", json_array());
	json_set_str(doc, "DataType", p->data_type);
}

/* 1: it fits, 0, -1 */
static int fits_tx(struct local_cloud *cloud, const struct listing *l,
	const struct ssm_parameter *p, struct err *err)
{
	struct json *entry, *tags = NULL;
	bool fits;

	if (l->path && !ssm_below(l->path, p->name, l->recursive))
		return 0;
	if (!json_len(l->filters))
		return 1;
	if (local_tags_get(cloud, p->arn, &tags, err))
		return -1;
	entry = json_object();
	add_common(entry, p);
	json_set(entry, "Tags", tags);
	fits = ssm_filters_match(l->filters, entry);
	json_free(entry);
	return fits;
}

/* What the list says of it; NULL where the label that is asked for is on no version, or with err. */
static struct json *entry_tx(struct local_cloud *cloud, const struct local_call *k,
	const struct listing *l, const struct ssm_parameter *p, struct err *err)
{
	struct ssm_parameter labelled;
	struct json *doc = NULL;

	if (l->kind == SSM_DESCRIBE) {
		doc = json_object();
		add_common(doc, p);
		json_set_str(doc, "ARN", p->arn);
		return doc;
	}
	if (!l->label)
		return ssm_show(p, NULL, l->decrypt);
	if (ssm_look_up_tx(cloud, k->req->region, p->name, l->label, &labelled, err) > 0)
		doc = ssm_show(&labelled, l->label, l->decrypt);
	ssm_parameter_release(&labelled);
	return doc;
}

/* One parameter; 0 or -1. */
static int consider_tx(struct local_cloud *cloud, const struct local_call *k, struct listing *l,
	const struct ssm_parameter *p, struct err *err)
{
	struct err why = ERR_INIT;
	struct json *doc;
	int fits = fits_tx(cloud, l, p, err), ret = 0;

	if (fits <= 0)
		return fits;
	doc = entry_tx(cloud, k, l, p, &why);
	if (!doc && !why.aws_code) {
		err_move(err, &why);
		ret = -1;
	} else if (doc && (int64_t)json_len(l->list) == l->limit) {
		l->more = true;
	} else if (doc) {
		json_push(l->list, doc);
		free(l->last);
		l->last = xstrdup(p->name);
		doc = NULL;
	}
	err_release(&why);
	json_free(doc);
	return ret;
}

static int walk_tx(
	struct local_cloud *cloud, const struct local_call *k, struct listing *l, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		SSM_SELECT "WHERE p.region = ? AND p.name > ? AND v.version = p.version ORDER BY "
			   "p.name",
		"ss", k->req->region, l->after ? l->after : "");
	int row = -1;

	l->list = json_array();
	while (st && !l->more && (row = sql_step(st, err)) > 0) {
		struct ssm_parameter p;
		ssm_read_row(st, &p);
		if (consider_tx(cloud, k, l, &p, err))
			row = -1;
		ssm_parameter_release(&p);
		if (row < 0)
			break;
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static void make_reply(struct local_call *k, struct json **list, const char *last, bool more)
{
	char *token = more ? local_token_make(last) : NULL;

	k->out = json_object();
	json_set(k->out, "Parameters", *list);
	json_set_str(k->out, "NextToken", token);
	*list = NULL;
	free(token);
}

/* --- DescribeParameters --- */

/* What Filters says, as ParameterFilters would; NULL with err. */
static struct json *old_filters(const struct json *old, struct err *err)
{
	struct json *list = json_array();
	const struct json *f;

	json_each(f, old)
	{
		struct json *one = json_copy(f);
		const char *key = json_get_str(one, "Key");
		if (!key || (strcmp(key, "Name") != 0 && strcmp(key, "Type") != 0 &&
				    strcmp(key, "KeyId") != 0)) {
			ssm_invalid(err,
				"1 validation error detected: Value '%s' at 'filters.member.key' "
				"failed to satisfy constraint: Member must satisfy enum value set: "
				"[Type, KeyId, Name]",
				key ? key : "");
			json_free(one);
			json_free(list);
			return NULL;
		}
		if (!strcmp(key, "Name"))
			json_set_str(one, "Option", "BeginsWith");
		json_push(list, one);
	}
	return list;
}

static int describe_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const struct json *filters = json_get(k->in, "ParameterFilters"),
			  *old = json_get(k->in, "Filters");
	struct listing l = {.filters = filters, .kind = SSM_DESCRIBE};
	struct json *own = NULL;
	int ret = -1;

	if (json_len(filters) && json_len(old))
		return ssm_invalid(
			err, "You can use either Filters or ParameterFilters in a single request.");
	if (json_len(old)) {
		own = old_filters(old, err);
		if (!own)
			return -1;
		l.filters = own;
	}
	if (ssm_check_filters(l.filters, SSM_DESCRIBE, err) ||
		ssm_page(k->in, DESCRIBE_MAX, &l.limit, &l.after, err))
		goto out;
	if (!json_get(k->in, "MaxResults"))
		l.limit = DESCRIBE_USUAL;
	/* nobody shares anything with this account */
	if (json_get_truth(k->in, "Shared", false))
		l.list = json_array();
	else if (walk_tx(cloud, k, &l, err))
		goto out;
	make_reply(k, &l.list, l.last, l.more);
	ret = 0;
out:
	json_free(own);
	listing_release(&l);
	return ret;
}
LOCAL_HANDLER(describe_parameters, describe_tx)

/* --- GetParametersByPath --- */

static const char *label_filter(const struct json *filters)
{
	const struct json *f;

	json_each(f, filters) if (!strcmp(json_get_str(f, "Key"), "Label")) return json_str(
		json_at(json_get(f, "Values"), 0));
	return NULL;
}

static int by_path_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct listing l = {
		.filters = json_get(k->in, "ParameterFilters"),
		.kind = SSM_BY_PATH,
		.path = json_get_str(k->in, "Path"),
		.recursive = json_get_truth(k->in, "Recursive", false),
		.decrypt = json_get_truth(k->in, "WithDecryption", false),
	};
	int ret = -1;

	if (ssm_check_given(k->in, "Path", 2048, err) || check_path(l.path, err) ||
		ssm_check_filters(l.filters, SSM_BY_PATH, err) ||
		ssm_page(k->in, BY_PATH_MAX, &l.limit, &l.after, err))
		goto out;
	l.label = label_filter(l.filters);
	if (walk_tx(cloud, k, &l, err))
		goto out;
	make_reply(k, &l.list, l.last, l.more);
	ret = 0;
out:
	listing_release(&l);
	return ret;
}
LOCAL_HANDLER(get_by_path, by_path_tx)

/* --- GetParameterHistory --- */

static int version_tx(struct local_cloud *cloud, const struct local_call *k,
	const struct ssm_parameter *p, struct json *list, struct err *err)
{
	bool decrypt = json_get_truth(k->in, "WithDecryption", false);
	struct json *labels, *doc;

	if (ssm_labels_tx(cloud, p->id, p->version, &labels, err)) {
		json_free(labels);
		return -1;
	}
	doc = json_object();
	add_common(doc, p);
	json_set_str(doc, "Value", p->cipher && !decrypt ? p->cipher : p->value);
	json_set(doc, "Labels", labels);
	json_push(list, doc);
	return 0;
}

static int history_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct ssm_parameter latest = {0};
	struct json *list = json_array();
	struct sql_stmt *st = NULL;
	char *after = NULL, last[24] = "0";
	int64_t limit;
	int row = -1, ret = -1;

	if (ssm_check_given(k->in, "Name", 2048, err) ||
		ssm_page(k->in, DESCRIBE_MAX, &limit, &after, err) ||
		ssm_find_tx(cloud, k->req->region, json_get_str(k->in, "Name"), NULL, &latest, err))
		goto out;
	st = sql_query(cloud->db, err,
		SSM_SELECT "WHERE p.id = ? AND v.version > ? ORDER BY v.version LIMIT ?", "iii",
		latest.id, (int64_t)strtoll(after ? after : "0", NULL, 10), limit + 1);
	while (st && (row = sql_step(st, err)) > 0 && (int64_t)json_len(list) < limit) {
		struct ssm_parameter p;
		ssm_read_row(st, &p);
		snprintf(last, sizeof(last), "%lld", (long long)p.version);
		if (version_tx(cloud, k, &p, list, err))
			row = -1;
		ssm_parameter_release(&p);
		if (row < 0)
			break;
	}
	sql_done(st);
	if (row < 0)
		goto out;
	make_reply(k, &list, last, row > 0);
	ret = 0;
out:
	json_free(list);
	free(after);
	ssm_parameter_release(&latest);
	return ret;
}
LOCAL_HANDLER(get_history, history_tx)

static const struct local_route routes[] = {
	{"DescribeParameters", describe_parameters, NULL},
	{"GetParameterHistory", get_history, ssm_arn_of},
	{"GetParametersByPath", get_by_path, ssm_arn_of},
};

const struct local_service local_ssm_list_service = {"ssm", routes, ARRAY_SIZE(routes)};
