#include "attached_policy.h"

#include <stdlib.h>
#include "fields.h"
#include "iam.h"

static const struct attached_policy *kind_of(const struct resource *r)
{
	return (const struct attached_policy *)r->type;
}

/* Those that are wanted, or that the record remembers; the caller's. */
static struct json *members_of(const struct resource *r)
{
	const char *name = kind_of(r)->members;
	const struct json *sides[] = {json_get(r->props, name), json_get(r->record_props, name)};
	struct json *all = json_array();
	const struct json *e;

	for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
		json_each(e, sides[i])
		{
			if (json_str(e) && !json_has_str(all, json_str(e)))
				json_push_str(all, json_str(e));
		}
	}
	return all;
}

/* The document shown is one that differs from the wanted, if any does. */
int attached_policy_read(const struct type_ctx *ctx, const struct resource *r,
	enum read_depth depth, struct resource_state *out, struct err *err)
{
	const struct json *wanted = json_get(r->props, "PolicyDocument"), *one;
	struct json *all = members_of(r), *have = json_array(), *shown = NULL;
	int ret = 0;

	json_each(one, all)
	{
		struct json *document = NULL;

		if (ret || (depth == READ_TAGS && out->exists))
			continue;
		ret = kind_of(r)->get(ctx, json_str(one), &document, err);
		if (!document)
			continue;
		out->exists = true;
		json_push_str(have, json_str(one));
		if (!shown || !fields_equal(&r->type->schema.fields[0], wanted, document)) {
			json_free(shown);
			shown = document;
		} else {
			json_free(document);
		}
	}
	if (depth == READ_FULL) {
		out->props = json_object();
		json_set(out->props, "PolicyDocument", json_copy(shown));
		json_set(out->props, kind_of(r)->members, json_copy(have));
	}
	json_free(all);
	json_free(have);
	json_free(shown);
	return ret;
}

int attached_policy_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	char *text = policy_text(json_get(r->props, "PolicyDocument"));
	const struct json *one;
	int ret = 0;

	json_each(one, json_get(r->props, kind_of(r)->members))
	{
		if (!ret && json_str(one))
			ret = kind_of(r)->put(ctx, json_str(one), text, err);
	}
	free(text);
	return ret;
}

/* From all that have or had it; `keep` NULL: from every one. */
static int drop_from(const struct type_ctx *ctx, const struct resource *r, const struct json *keep,
	struct err *err)
{
	struct json *all = members_of(r);
	const struct json *one;
	int ret = 0;

	json_each(one, all)
	{
		if (!ret && !json_has_str(json_get(keep, kind_of(r)->members), json_str(one)))
			ret = kind_of(r)->put(ctx, json_str(one), NULL, err);
	}
	json_free(all);
	return ret;
}

int attached_policy_update(const struct type_ctx *ctx, const struct resource *r,
	unused_arg const struct resource_state *live, struct err *err)
{
	return attached_policy_create(ctx, r, err) ? -1 : drop_from(ctx, r, r->props, err);
}

int attached_policy_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	return drop_from(ctx, r, NULL, err);
}
