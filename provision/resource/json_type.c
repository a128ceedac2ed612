#include "json_type.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "strbuf.h"
#include "tags.h"

const struct json_tagging glue_tagging = {
	.tag = &glue_tag_resource,
	.untag = &glue_untag_resource,
	.list = &glue_get_tags,
	.arn = "ResourceArn",
	.set = "TagsToAdd",
	.unset = "TagsToRemove",
};
const struct json_tagging athena_tagging = {
	.tag = &athena_tag_resource,
	.untag = &athena_untag_resource,
	.list = &athena_list_tags_for_resource,
	.arn = "ResourceARN",
	.set = "Tags",
	.unset = "TagKeys",
	.as_list = true,
};

static const struct json_type *json_type_of(const struct resource *r)
{
	return (const struct json_type *)(const void *)r->type;
}

static char *arn_of(const struct type_ctx *ctx, const struct resource *r)
{
	return schema_format(
		json_type_of(r)->arn, ctx->partition, ctx->region, ctx->account, r->name, r->props);
}

static bool missing(const struct json_type *t, const struct err *err)
{
	return err_is_missing(err) || (t->missing && t->missing(err));
}

/* What the calls but create name it by; malloc'd. */
static char *address_of(const struct type_ctx *ctx, const struct resource *r)
{
	return json_type_of(r)->flags & JSON_BY_ARN ? arn_of(ctx, r) : xstrdup(r->name);
}

/* {name: its address}; the caller's. */
static struct json *addressed(
	const struct type_ctx *ctx, const struct resource *r, const char *name)
{
	char *address = address_of(ctx, r);
	struct json *in = json_strings(name, address, NULL);
	free(address);
	return in;
}

/* [{Key,Value}] or, where the service has it so, [{key,value}]; and back. */
static struct json *tag_list(const struct json_tagging *t, const struct json *tags)
{
	struct json *list = tags_to_list(tags), *lower, *e;
	if (!t->lower)
		return list;
	lower = json_array();
	json_each(e, list) json_push(lower, json_strings("key", json_get_str(e, "Key"), "value",
						    json_get_str(e, "Value"), NULL));
	json_free(list);
	return lower;
}

static struct json *tag_map(const struct json_tagging *t, const struct json *list)
{
	struct json *map, *e;
	if (!t->lower)
		return tags_from_list(list);
	map = json_object();
	json_each(e, list)
	{
		const char *key = json_get_str(e, "key"), *value = json_get_str(e, "value");
		if (key)
			json_set_str(map, key, value ? value : "");
	}
	return map;
}

/* One call of the type's: patient with a new role, and with what "busy" names. */
static int send(const struct type_ctx *ctx, const struct resource *r, const struct aws_op *op,
	const struct json *in, struct err *err)
{
	const struct json_type *t = json_type_of(r);
	const char *role = t->role ? json_get_str(r->props, t->role) : NULL;
	const char *service = t->role_service ? t->role_service : "glue.amazonaws.com";
	struct err last = ERR_INIT, late = ERR_INIT;
	struct wait w;
	int ret;
	if (!role)
		return call_unless_busy(ctx, op, in, t->busy, 60 * 1000, NULL, err);
	wait_begin(&w, ctx, 60 * 1000);
	while ((ret = call_with_role(ctx, op, in, role, service, NULL, &last)) &&
		err_is_any(&last, t->busy)) {
		if (wait_pause(&w, &late, "%s", op->name)) {
			if (late.code == ERR_INTERRUPTED)
				err_move(&last, &late);
			break;
		}
	}
	if (ret)
		err_move(err, &last);
	err_release(&last);
	err_release(&late);
	return ret;
}

/* --- read --- */

int json_type_get(
	const struct type_ctx *ctx, const struct resource *r, struct json **out, struct err *err)
{
	const struct json_type *t = json_type_of(r);
	struct json *in, *reply = NULL;
	struct err why = ERR_INIT;
	int ret = 0;
	*out = NULL;
	if (t->fetch)
		return t->fetch(ctx, r, out, err);
	in = addressed(ctx, r, t->get_name);
	if (aws_call(ctx->aws, t->get, in, &reply, &why) == 0)
		*out = t->get_out ? json_detach(reply, t->get_out) : json_copy(reply);
	else if (!missing(t, &why))
		ret = -1;
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	json_free(reply);
	return ret;
}

int json_tags_get(const struct type_ctx *ctx, const struct json_tagging *t, const char *arn,
	struct json **tags, struct err *err)
{
	struct json *in = json_strings(t->arn, arn, NULL), *out = NULL;
	int ret;
	if (t->as_list) {
		ret = aws_call_all(ctx->aws, t->list, in, &out, err);
		if (!ret)
			*tags = tag_map(t, out);
	} else {
		ret = aws_call(ctx->aws, t->list, in, &out, err);
		if (!ret)
			*tags = tags_merge(NULL, json_get(out, t->create ? t->create : "Tags"));
	}
	json_free(in);
	json_free(out);
	return ret;
}

static void read_props(
	const struct resource *r, const struct json *definition, struct resource_state *out)
{
	const struct json_type *t = json_type_of(r);
	const struct type_schema *s = &t->type.schema;
	struct json *shaped = t->reshape ? t->reshape(definition) : NULL;
	out->props = fields_from_api(s->fields, shaped ? shaped : definition, r->props);
	json_free(shaped);
	if (s->name_field && !strchr(s->name_field, '.'))
		json_set_str(out->props, s->name_field, r->name);
	if (tags_field(s))
		json_set(out->props, tags_field(s), tags_property(s, out->tags));
}

int json_type_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	const struct json_type *t = json_type_of(r);
	struct json *definition = NULL;
	struct err why = ERR_INIT;
	char *arn = arn_of(ctx, r);
	int ret = json_type_get(ctx, r, &definition, err);
	if (ret || !definition)
		goto out;
	if (t->tagging && json_tags_get(ctx, t->tagging, arn, &out->tags, &why)) {
		if (missing(t, &why)) /* it went between the two calls */
			goto out;
		err_move(err, &why);
		ret = -1;
		goto out;
	}
	out->exists = true;
	if (depth == READ_FULL)
		read_props(r, definition, out);
	if (t->look)
		t->look(r, definition, out);
out:
	err_release(&why);
	json_free(definition);
	free(arn);
	return ret;
}

/* --- create --- */

static int set_tags(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
	struct err *err)
{
	const struct json_tagging *t = json_type_of(r)->tagging;
	if (!json_len(tags))
		return 0;
	char *arn = arn_of(ctx, r);
	struct json *in = json_strings(t->arn, arn, NULL);
	json_set(in, t->set, t->as_list ? tag_list(t, tags) : json_copy(tags));
	int ret = aws_call(ctx->aws, t->tag, in, NULL, err);
	json_free(in);
	free(arn);
	return ret;
}

static int unset_tags(const struct type_ctx *ctx, const struct resource *r, const struct json *keys,
	struct err *err)
{
	const struct json_tagging *t = json_type_of(r)->tagging;
	if (!json_len(keys))
		return 0;
	char *arn = arn_of(ctx, r);
	struct json *in = json_strings(t->arn, arn, NULL);
	json_set(in, t->unset, json_copy(keys));
	int ret = aws_call(ctx->aws, t->untag, in, NULL, err);
	json_free(in);
	free(arn);
	return ret;
}

int json_type_tag(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
	struct err *err)
{
	return set_tags(ctx, r, tags, err);
}

static int set_digest(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	const char *digest = json_get_str(r->owner_tags, TAG_DIGEST);
	struct json *tags = json_strings(TAG_DIGEST, digest, NULL);
	int ret = set_tags(ctx, r, tags, err);
	json_free(tags);
	return ret;
}

/* It is there. When its tags say that it is ours, an earlier run made it: bring it to what is wanted now. */
static int complete(
	const struct type_ctx *ctx, const struct resource *r, struct err *there, struct err *err)
{
	struct resource_state live = RESOURCE_STATE_INIT;
	int ret = json_type_read(ctx, r, READ_FULL, &live, err);
	if (ret)
		goto out;
	if (!live.exists || !tags_own(live.tags, r)) {
		there->code = ERR_EXISTS;
		err_move(err, there);
		ret = -1;
		goto out;
	}
	ret = r->type->update(ctx, r, &live, err);
	if (!ret)
		ret = set_digest(ctx, r, err);
out:
	resource_state_release(&live);
	return ret;
}

int json_type_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	const struct json_type *t = json_type_of(r);
	struct json *in = fields_to_api(t->type.schema.fields, r->props);
	bool more = t->unfinished && t->unfinished(r);
	struct json *tags = tags_wanted(r, !more);
	struct err why = ERR_INIT;
	wire_set(in, t->create_name, json_string(r->name));
	if (t->tagging && json_len(tags))
		json_set(in, t->tagging->create ? t->tagging->create : "Tags",
			t->tagging->as_list ? tag_list(t->tagging, tags) : json_copy(tags));
	if (t->to_create)
		t->to_create(r, in);
	int ret = t->fill ? t->fill(ctx, r, in, &why) : 0;
	if (!ret)
		ret = send(ctx, r, t->create, in, &why);
	if (ret && err_is_there(&why)) {
		ret = complete(ctx, r, &why, err);
	} else if (ret) {
		err_move(err, &why);
	} else if (more) {
		ret = t->finish(ctx, r, err);
		if (!ret)
			ret = set_digest(ctx, r, err);
	}
	err_release(&why);
	json_free(in);
	json_free(tags);
	return ret;
}

/* --- update --- */

/* The properties that the diff names, as wanted; what is gone from the template as its default. */
static struct json *changed_props(
	const struct json_type *t, const struct json *wanted, const struct json *diff)
{
	struct json *out = json_object();
	const struct json *c, *w;
	json_each(c, diff)
	{
		const char *path = json_get_str(c, "path");
		char *top = xstrndup(path, strcspn(path, "."));
		if ((w = json_get(wanted, top)))
			json_set(out, top, json_copy(w));
		for (const struct field_default *d = t->type.defaults; !w && d && d->name; d++) {
			struct err ignored = ERR_INIT;
			if (strcmp(d->name, top) == 0)
				json_set(
					out, top, json_parse(d->value, strlen(d->value), &ignored));
			err_release(&ignored);
		}
		free(top);
	}
	return out;
}

static int update_definition(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, const struct json *diff, struct err *err)
{
	const struct json_type *t = json_type_of(r);
	struct json *some = t->flags & JSON_UPDATE_WHOLE ? json_copy(r->props)
							 : changed_props(t, r->props, diff);
	struct json *in = fields_to_api(t->type.schema.fields, some);
	int ret = 0;
	if (t->to_update)
		t->to_update(r, live->props, diff, in);
	if (t->fill)
		ret = t->fill(ctx, r, in, err);
	if (t->update_in) {
		struct json *outer = json_object();
		json_set(outer, t->update_in, in);
		in = outer;
	}
	char *address = address_of(ctx, r);
	json_set_str(in, t->update_name, address);
	free(address);
	if (!ret)
		ret = send(ctx, r, t->update, in, err);
	json_free(some);
	json_free(in);
	return ret;
}

int json_type_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	const struct json_type *t = json_type_of(r);
	const char *tags_name = tags_field(&t->type.schema);
	struct json *diff =
		fields_changes(t->type.schema.fields, r->props, live->props, t->type.defaults);
	struct json *wanted = tags_wanted(r, false), *set = NULL, *unset = NULL, *c;
	bool changed = t->flags & JSON_UPDATE_ALWAYS;
	int ret = 0;
	json_each(c, diff)
	{
		const char *path = json_get_str(c, "path");
		changed = changed || !tags_name || strcmp(path, tags_name) != 0;
	}
	if (changed)
		ret = update_definition(ctx, r, live, diff, err);
	tags_diff(wanted, live->tags, &set, &unset);
	if (!ret && t->tagging)
		ret = unset_tags(ctx, r, unset, err);
	if (!ret && t->tagging)
		ret = set_tags(ctx, r, set, err);
	json_free(diff);
	json_free(wanted);
	json_free(set);
	json_free(unset);
	return ret;
}

/* --- destroy --- */

int json_type_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	const struct json_type *t = json_type_of(r);
	struct json *in = addressed(ctx, r, t->remove_name);
	struct err why = ERR_INIT;
	int ret = call_unless_busy(ctx, t->remove, in, t->busy, 60 * 1000, NULL, &why);
	if (ret && missing(t, &why))
		ret = 0;
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	return ret;
}
