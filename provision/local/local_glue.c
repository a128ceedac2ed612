#include "local_glue.h"

#include "local_iam.h"

/* --- input --- */

/* Characters, not bytes: Glue counts code points. */
static int64_t length_of(const char *s)
{
	int64_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int bad_value(
	const struct glue_field *f, const char *shown, struct err *err, const char *rule)
{
	return glue_invalid(err,
		"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s",
		shown, f->name, rule);
}

static int check_range(
	const struct glue_field *f, int64_t n, const char *what, const char *shown, struct err *err)
{
	char *rule = NULL;
	int ret = 0;

	if (n < f->min)
		rule = xasprintf("Member must have %s greater than or equal to %lld", what,
			(long long)f->min);
	else if (f->max && n > f->max)
		rule = xasprintf(
			"Member must have %s less than or equal to %lld", what, (long long)f->max);
	if (rule)
		ret = bad_value(f, shown, err, rule);
	free(rule);
	return ret;
}

static int check_string(const struct glue_field *f, const struct json *v, struct err *err)
{
	const char *s = json_str(v);
	struct strbuf rule = STRBUF_INIT;

	if (!s)
		return glue_invalid(err, "'%s' must be a string", f->name);
	if (f->values) {
		for (size_t i = 0; f->values[i]; i++) {
			if (strcmp(f->values[i], s) == 0)
				return 0;
		}
		strbuf_addstr(&rule, "Member must satisfy enum value set: [");
		for (size_t i = 0; f->values[i]; i++)
			strbuf_addf(&rule, "%s%s", i ? ", " : "", f->values[i]);
		strbuf_addch(&rule, ']');
		bad_value(f, s, err, rule.buf);
		strbuf_release(&rule);
		return -1;
	}
	return check_range(f, length_of(s), "length", s, err);
}

static int check_map(const struct glue_field *f, const struct json *v, struct err *err)
{
	struct json *e;

	if (!json_is(v, JSON_OBJECT))
		return glue_invalid(err, "'%s' must be a map", f->name);
	json_each(e, v)
	{
		if (!json_str(e))
			return glue_invalid(err, "'%s.%s' must be a string", f->name, json_name(e));
	}
	return check_range(f, (int64_t)json_len(v), "length", "…", err);
}

static int check_list(const struct glue_field *f, const struct json *v, struct err *err)
{
	struct json *e;

	if (!json_is(v, JSON_ARRAY))
		return glue_invalid(err, "'%s' must be a list", f->name);
	if (check_range(f, (int64_t)json_len(v), "length", "…", err) != 0)
		return -1;
	json_each(e, v)
	{
		if (f->fields) {
			if (!json_is(e, JSON_OBJECT))
				return glue_invalid(
					err, "the members of '%s' must be structures", f->name);
			if (glue_check(f->fields, e, err) != 0)
				return -1;
		} else if (!json_str(e)) {
			return glue_invalid(err, "the members of '%s' must be strings", f->name);
		}
	}
	return 0;
}

static int check_field(const struct glue_field *f, const struct json *v, struct err *err)
{
	const char *text = json_scalar_text(v);

	switch (f->kind) {
	case GLUE_STRING:
		return check_string(f, v, err);
	case GLUE_INT:
		if (!json_is(v, JSON_NUMBER) || strpbrk(text, ".eE"))
			return glue_invalid(err, "'%s' must be an integer", f->name);
		return check_range(f, json_i64(v, 0), "value", text, err);
	case GLUE_DOUBLE:
		if (!json_is(v, JSON_NUMBER))
			return glue_invalid(err, "'%s' must be a number", f->name);
		return 0;
	case GLUE_BOOL:
		if (!json_is(v, JSON_BOOL))
			return glue_invalid(err, "'%s' must be true or false", f->name);
		return 0;
	case GLUE_MAP:
		return check_map(f, v, err);
	case GLUE_OBJECT:
		if (!json_is(v, JSON_OBJECT))
			return glue_invalid(err, "'%s' must be a structure", f->name);
		return f->fields ? glue_check(f->fields, v, err) : 0;
	case GLUE_LIST:
		return check_list(f, v, err);
	}
	return 0;
}

int glue_check(const struct glue_field *fields, const struct json *in, struct err *err)
{
	for (; fields->name; fields++) {
		struct json *v = json_get(in, fields->name);

		if (!v || json_is(v, JSON_NULL)) {
			if (fields->required)
				return glue_invalid(err,
					"1 validation error detected: Value null at '%s' failed to "
					"satisfy constraint: Member must not be null",
					fields->name);
			continue;
		}
		if (check_field(fields, v, err) != 0)
			return -1;
	}
	return 0;
}

struct json *glue_pick(const struct glue_field *fields, const struct json *in)
{
	struct json *out = json_object();

	for (; fields->name; fields++) {
		struct json *v = json_get(in, fields->name);

		if (v && !json_is(v, JSON_NULL))
			json_set(out, fields->name, json_copy(v));
	}
	return out;
}

int glue_page(const struct json *in, int64_t max, int64_t *limit, char **after, struct err *err)
{
	const struct glue_field fields[] = {
		{"MaxResults", GLUE_INT, false, 1, max, NULL, NULL},
		{"NextToken", GLUE_STRING, false, 0, 0, NULL, NULL},
		{0},
	};
	const char *token = json_get_str(in, "NextToken");

	*after = NULL;
	if (glue_check(fields, in, err) != 0)
		return -1;
	*limit = json_get_i64(in, "MaxResults", max > 100 ? 100 : max);
	return local_token_read(
		token && *token ? token : NULL, "InvalidInputException", after, err);
}

int glue_check_tags(const struct json *tags, struct err *err)
{
	struct json *e;

	if (!tags || json_is(tags, JSON_NULL))
		return 0;
	if (!json_is(tags, JSON_OBJECT))
		return glue_invalid(err, "'Tags' must be a map");
	if (json_len(tags) > 50)
		return glue_invalid(err, "a resource can carry at most 50 tags");
	json_each(e, tags)
	{
		if (!json_str(e) || length_of(json_str(e)) > 256 || !*json_name(e) ||
			length_of(json_name(e)) > 128)
			return glue_invalid(err, "tag '%s' is not valid", json_name(e));
		if (strncasecmp(json_name(e), "aws:", 4) == 0)
			return glue_invalid(err, "tag keys that begin with aws: are reserved");
	}
	return 0;
}

/* --- documents --- */

void glue_set_time(struct json *obj, const char *name, int64_t ms)
{
	char *text;

	if (ms <= 0)
		return;
	text = xasprintf("%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
	json_set(obj, name, json_number_text(text));
	free(text);
}

struct json *glue_doc(const char *text)
{
	struct err err = ERR_INIT;
	struct json *doc = json_parse(text ? text : "{}", text ? strlen(text) : 2, &err);

	if (!doc)
		BUG("a stored document is broken: %s", err.text);
	return doc;
}

char *glue_text(const struct json *doc)
{
	struct strbuf sb = STRBUF_INIT;

	json_print(doc, &sb);
	return strbuf_detach(&sb, NULL);
}

/* --- roles, ARNs, tags --- */

char *glue_role_arn(struct local_cloud *cloud, const char *role)
{
	if (starts_with(role, "arn:"))
		return xstrdup(role);
	return local_arn(cloud, "iam", "", "role/%s", role);
}

int glue_pass_role(struct local_cloud *cloud, const struct local_request *req, const char *role,
	struct err *err)
{
	char *arn = glue_role_arn(cloud, role);
	int ret = 0;

	if (!local_iam_allows(cloud, req->who, "iam:PassRole", arn))
		ret = local_fault(err, 400, "AccessDeniedException",
			"User: %s is not authorized to perform: iam:PassRole on resource: %s",
			req->who->arn, arn);
	free(arn);
	return ret;
}

void glue_arn(struct local_cloud *cloud, const char *region, const char *kind, const char *name,
	struct strbuf *arn)
{
	char *text = local_arn(
		cloud, "glue", region ? region : cloud->region, "%s/%s", kind, name ? name : "*");

	strbuf_addstr(arn, text);
	free(text);
}

int glue_tags_match_tx(struct local_cloud *cloud, const char *arn, const struct json *want,
	bool *match, struct err *err)
{
	struct json *have = NULL, *e;

	*match = true;
	if (!want || json_len(want) == 0)
		return 0;
	if (local_tags_get(cloud, arn, &have, err) != 0)
		return -1;
	json_each(e, want)
	{
		const char *value = json_get_str(have, json_name(e));

		if (!value || !json_str(e) || strcmp(value, json_str(e)) != 0)
			*match = false;
	}
	json_free(have);
	return 0;
}

bool glue_exists(
	struct local_cloud *cloud, const char *operation, const char *member, const char *name)
{
	struct json *in = json_object(), *out = NULL;
	struct local_request req = {.operation = operation, .region = cloud->region, .in = in};
	struct err err = ERR_INIT;
	bool exists = false;

	json_set_str(in, member, name);
	for (size_t i = 0; local_services[i]; i++) {
		const struct local_service *s = local_services[i];

		for (size_t r = 0; r < s->nr_routes && strcmp(s->id, "glue") == 0; r++) {
			if (strcmp(s->routes[r].operation, operation) == 0)
				exists = s->routes[r].handler(cloud, &req, &out, &err) == 0;
		}
	}
	err_release(&err);
	json_free(out);
	json_free(in);
	return exists;
}

/* --- what to start after a commit --- */

static void crawl_release(struct local_launch_crawl *c)
{
	free(c->crawler);
	free(c->trigger);
	free(c->workflow);
	free(c->workflow_run);
}

void local_launch_release(struct local_launch *l)
{
	strvec_release(&l->runs);
	strvec_release(&l->stop_runs);
	strvec_release(&l->stop_crawlers);
	for (size_t i = 0; i < l->nr; i++)
		crawl_release(&l->crawls[i]);
	free(l->crawls);
	l->crawls = NULL;
	l->nr = l->alloc = 0;
}
