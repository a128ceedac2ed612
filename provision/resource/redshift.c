#include "redshift.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "strbuf.h"
#include "tags.h"

/* A workgroup takes ten minutes and more, with states that go back and forth. */
#define BUDGET_MS (INT64_C(30) * 60 * 1000)

bool redshift_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len >= 3 && len <= 64 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* --- what ConflictException means: by its words alone --- */

static bool is_conflict(const struct err *err)
{
	static const char *const codes[] = {"ConflictException", NULL};

	return err_is_any(err, codes) && err->text;
}

static bool is_there(const struct err *err)
{
	return err_is_there(err) || (is_conflict(err) && strcasestr(err->text, "already exists"));
}

static bool is_busy(const struct err *err)
{
	return is_conflict(err) && !is_there(err) &&
	       (strcasestr(err->text, "operation") || strcasestr(err->text, "try again") ||
		       strcasestr(err->text, "in progress") || strcasestr(err->text, "deleting"));
}

int redshift_call(const struct type_ctx *ctx, const struct resource *r, const struct aws_op *op,
	const struct json *in, const char *role, struct err *err)
{
	struct err why = ERR_INIT;
	struct wait w;
	int ret;
	bool told = false;

	wait_begin(&w, ctx, BUDGET_MS);
	while ((ret = call_with_role(ctx, op, in, role, "redshift.amazonaws.com", NULL, &why)) &&
		is_busy(&why)) {
		if (!told && w.delay_ms > 1000) {
			type_note(ctx, r, "waiting for another operation on '%s'", r->name);
			told = true;
		}
		if (wait_pause(&w, err, "%s: %s", op->name, why.text)) {
			err_release(&why);
			return -1;
		}
		err_release(&why);
	}
	if (ret)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

/* --- tags: [{"key","value"}] --- */

static struct json *tag_list(const struct json *map)
{
	struct json *list = json_array(), *t;

	json_each(t, map)
		json_push(list, json_strings("key", json_name(t), "value", json_str(t), NULL));
	return list;
}

static struct json *tag_map(const struct json *list)
{
	struct json *map = json_object(), *t;

	json_each(t, list)
	{
		const char *value = json_get_str(t, "value");
		if (json_get_str(t, "key"))
			json_set_str(map, json_get_str(t, "key"), value ? value : "");
	}
	return map;
}

/* The definition; *out NULL when there is none. */
static int get(const struct type_ctx *ctx, const struct redshift_kind *k, const char *name,
	struct json **out, struct err *err)
{
	struct json *in = json_strings(k->name, name, NULL), *reply = NULL;
	int ret = call_if_there(ctx, k->get, in, &reply, err);

	*out = reply ? json_detach(reply, k->out) : NULL;
	json_free(in);
	json_free(reply);
	return ret;
}

static int get_arn(const struct type_ctx *ctx, const struct redshift_kind *k, const char *name,
	char **arn, struct err *err)
{
	struct json *live = NULL;
	int ret = get(ctx, k, name, &live, err);

	if (!ret && !json_get_str(live, k->arn))
		ret = err_set(err, ERR_NOT_FOUND, "'%s' is not there", name);
	*arn = ret ? NULL : xstrdup(json_get_str(live, k->arn));
	json_free(live);
	return ret;
}

static int tag_calls(const struct type_ctx *ctx, const struct resource *r, const char *arn,
	const struct json *set, const struct json *unset, struct err *err)
{
	struct json *in;
	int ret = 0;

	if (json_len(unset)) {
		in = json_strings("resourceArn", arn, NULL);
		json_set(in, "tagKeys", json_copy(unset));
		ret = redshift_call(ctx, r, &redshift_untag_resource, in, NULL, err);
		json_free(in);
	}
	if (!ret && json_len(set)) {
		in = json_strings("resourceArn", arn, NULL);
		json_set(in, "tags", tag_list(set));
		ret = redshift_call(ctx, r, &redshift_tag_resource, in, NULL, err);
		json_free(in);
	}
	return ret;
}

int redshift_tag(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, const struct json *tags, struct err *err)
{
	char *arn;
	int ret = get_arn(ctx, k, r->name, &arn, err);

	if (!ret)
		ret = tag_calls(ctx, r, arn, tags, NULL, err);
	free(arn);
	return ret;
}

int redshift_bring_tags(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, const struct resource_state *live, struct err *err)
{
	struct json *wanted = tags_wanted(r, false), *set = NULL, *unset = NULL;
	char *arn = NULL;
	int ret = 0;

	tags_diff(wanted, live->tags, &set, &unset);
	if (json_len(set) || json_len(unset))
		ret = get_arn(ctx, k, r->name, &arn, err);
	if (!ret && arn)
		ret = tag_calls(ctx, r, arn, set, unset, err);
	free(arn);
	json_free(wanted);
	json_free(set);
	json_free(unset);
	return ret;
}

/* --- read --- */

/* "iamRoles" as the template has it: "IamRole(applyStatus=in-sync, iamRoleArn=arn:…)" is what some replies say. */
static void plain_roles(struct json *definition)
{
	struct json *roles = json_get(definition, "iamRoles"), *plain, *e;

	if (!json_is(roles, JSON_ARRAY))
		return;
	plain = json_array();
	json_each(e, roles)
	{
		const char *text = json_str(e), *at = text ? strstr(text, "iamRoleArn=") : NULL;
		if (at) {
			at += strlen("iamRoleArn=");
			json_push(plain, json_string_n(at, strcspn(at, ",)")));
		} else {
			json_push(plain, json_copy(e));
		}
	}
	json_set(definition, "iamRoles", plain);
}

/* "NamespaceArn" of GetAtt is "namespaceArn" of the API. */
static const struct json *member(const struct json *definition, const char *name)
{
	char *lower = xstrdup(name);
	const struct json *v;

	if (*lower >= 'A' && *lower <= 'Z')
		*lower = (char)(*lower - 'A' + 'a');
	v = json_get(definition, lower);
	free(lower);
	return v;
}

/* A path behind the title: "Endpoint.Address". */
static const struct json *member_at(const struct json *definition, const char *path)
{
	const char *dot;

	while (definition && (dot = strchr(path, '.'))) {
		char *first = xstrndup(path, (size_t)(dot - path));
		definition = member(definition, first);
		free(first);
		path = dot + 1;
	}
	return member(definition, path);
}

static void set_attributes(const struct resource *r, const struct redshift_kind *k,
	const struct json *definition, struct resource_state *out)
{
	size_t title = strlen(k->title);

	out->attrs = json_object();
	for (const struct attribute *a = r->type->schema.attributes; a->name; a++) {
		const struct json *v = a->name[title] == '.'
					       ? member_at(definition, a->name + title + 1)
					       : definition;
		if (v && !json_is(v, JSON_NULL))
			json_set(out->attrs, a->name, json_copy(v));
	}
}

static int read_tags(const struct type_ctx *ctx, const char *arn, struct json **tags, bool *gone,
	struct err *err)
{
	struct json *in = json_strings("resourceArn", arn, NULL), *reply = NULL;
	int ret = call_if_there(ctx, &redshift_list_tags_for_resource, in, &reply, err);

	*gone = !ret && !reply;
	if (!ret && reply)
		*tags = tag_map(json_get(reply, "tags"));
	json_free(in);
	json_free(reply);
	return ret;
}

int redshift_read(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, enum read_depth depth, struct resource_state *out,
	struct json **definition, struct err *err)
{
	struct json *live = NULL;
	const char *status;
	bool gone = false;
	int ret = get(ctx, k, r->name, &live, err);

	if (ret || !live)
		goto out;
	ret = read_tags(ctx, json_get_str(live, k->arn), &out->tags, &gone, err);
	if (ret || gone)
		goto out;
	plain_roles(live);
	status = json_get_str(live, "status");
	out->exists = true;
	out->going = status && !strcmp(status, "DELETING");
	set_attributes(r, k, live, out);
	if (depth == READ_FULL) {
		out->props = fields_from_api(k->fields, live, r->props);
		json_set_str(out->props, r->type->schema.name_field, r->name);
		json_set(out->props, "Tags", tags_property(&r->type->schema, out->tags));
	}
out:
	if (definition)
		*definition = live;
	else
		json_free(live);
	return ret;
}

/* --- create --- */

/* The name is taken: 0 ours, and as it should be now; 1: it is on its way out; -1. */
static int take_over(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, struct err *there, struct err *err)
{
	struct resource_state live = RESOURCE_STATE_INIT;
	struct json *tags;
	int ret = r->type->read(ctx, r, READ_FULL, &live, err);

	if (!ret && (!live.exists || live.going)) {
		ret = 1;
	} else if (!ret && !tags_own(live.tags, r)) {
		there->code = ERR_EXISTS;
		err_move(err, there);
		ret = -1;
	} else if (!ret) {
		ret = r->type->update(ctx, r, &live, err);
		tags = json_strings(TAG_DIGEST, json_get_str(r->owner_tags, TAG_DIGEST), NULL);
		if (!ret)
			ret = redshift_tag(ctx, k, r, tags, err);
		json_free(tags);
	}
	resource_state_release(&live);
	return ret;
}

int redshift_create(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, struct json *in, const char *role, struct err *err)
{
	struct json *tags = tags_wanted(r, true);
	struct err why = ERR_INIT;
	struct wait w;
	int ret;

	json_set_str(in, k->name, r->name);
	json_set(in, "tags", tag_list(tags));
	json_free(tags);
	wait_begin(&w, ctx, BUDGET_MS);
	while ((ret = redshift_call(ctx, r, k->create, in, role, &why))) {
		if (!is_there(&why)) {
			err_move(err, &why);
			break;
		}
		ret = take_over(ctx, k, r, &why, err);
		err_release(&why);
		if (ret <= 0)
			break;
		ret = wait_pause(&w, err, "the name '%s', which was deleted a moment ago", r->name);
		if (ret)
			break;
	}
	err_release(&why);
	return ret;
}

/* --- end --- */

int redshift_destroy(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, const struct json *more, struct err *err)
{
	struct json *in = json_strings(k->name, r->name, NULL);
	struct err why = ERR_INIT;
	const struct json *m;
	int ret;

	json_each(m, more) json_set(in, json_name(m), json_copy(m));
	ret = redshift_call(ctx, r, k->remove, in, NULL, &why);
	json_free(in);
	return err_unless_missing(ret, &why, err);
}

int redshift_settle(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, bool gone, struct err *err)
{
	struct wait w;

	wait_begin(&w, ctx, BUDGET_MS);
	w.delay_ms = 100;
	w.most_ms = 10000;
	for (;;) {
		struct json *live = NULL;
		const char *status;
		bool done;

		if (get(ctx, k, r->name, &live, err))
			return -1;
		status = json_get_str(live, "status");
		done = gone ? !live : !live || !status || !strcmp(status, "AVAILABLE");
		json_free(live);
		if (done)
			return 0;
		if (wait_pause(&w, err, "'%s' to be %s", r->name, gone ? "gone" : "available"))
			return -1;
	}
}

/* --- looking around --- */

int redshift_workgroup_of(
	const struct type_ctx *ctx, const char *space, char **name, struct err *err)
{
	struct json *all = NULL, *w;
	int ret = aws_call_all(ctx->aws, &redshift_list_workgroups, NULL, &all, err);

	*name = NULL;
	json_each(w, all)
	{
		const char *of = json_get_str(w, "namespaceName"),
			   *status = json_get_str(w, "status");
		if (!*name && of && !strcmp(of, space) && status &&
			strcmp(status, "DELETING") != 0 && strcmp(status, "CREATING") != 0)
			*name = xstrdup(json_get_str(w, "workgroupName"));
	}
	json_free(all);
	return ret;
}

char *redshift_name_of_arn(const struct type_ctx *ctx, const char *arn)
{
	bool group = strstr(arn, ":workgroup/") != NULL;
	struct json *all = NULL, *e;
	struct err ignored = ERR_INIT;
	char *name = NULL;

	if (aws_call_all(ctx->aws, group ? &redshift_list_workgroups : &redshift_list_namespaces,
		    NULL, &all, &ignored))
		err_release(&ignored);
	json_each(e, all)
	{
		const char *its = json_get_str(e, group ? "workgroupArn" : "namespaceArn");
		if (!name && its && !strcmp(its, arn))
			name = xstrdup(json_get_str(e, group ? "workgroupName" : "namespaceName"));
	}
	json_free(all);
	return name;
}
