/* What a plan must not show although it stands in the cloud: values of NoEcho parameters, also those of before. */
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

/* Shorter values are hidden only where they stand alone: they are part of many a word. */
#define MIN_PART 4

static bool holds(const char *text, const struct json *secret)
{
	const char *s = json_str(secret);
	const struct json *e;

	if (json_is(secret, JSON_ARRAY))
		json_each(e, secret) if (holds(text, e)) return true;
	if (!s || !*s)
		return false;
	return strlen(s) < MIN_PART ? !strcmp(text, s) : strstr(text, s) != NULL;
}

static bool holds_secret(const struct stack *stack, const struct json *v)
{
	const char *text = json_scalar_text(v);
	const struct json *e;

	if (json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT))
		json_each(e, v) if (holds_secret(stack, e)) return true;
	for (size_t i = 0; text && i < stack->secrets.nr; i++)
		if (holds(text, json_get(stack->parameters, stack->secrets.v[i])))
			return true;
	return false;
}

/* "Parameters.K" covers "Parameters.K.x" and is covered by "Parameters". */
static bool overlaps(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), len = la < lb ? la : lb;

	return !strncmp(a, b, len) && (la == lb || (la > lb ? a[len] : b[len]) == '.');
}

static void hide_value(
	const struct stack *stack, struct json *property, const char *member, bool all)
{
	const struct json *v = json_get(property, member);

	if (v && !json_is(v, JSON_NULL) && !json_is_unknown(v) && (all || holds_secret(stack, v)))
		json_set_str(property, member, "****");
}

static void hide_properties(const struct stack *stack, const char *logical_id, struct json *list)
{
	const struct stack_resource *r = stack_find(stack, logical_id);
	struct strvec paths = STRVEC_INIT;
	struct json *p;

	if (r)
		stack_secrets_ever(r, &paths);
	json_each(p, list)
	{
		const char *path = json_get_str(p, "path");
		bool all = false;

		for (size_t i = 0; path && i < paths.nr; i++)
			all |= overlaps(path, paths.v[i]);
		hide_value(stack, p, "before", all);
		hide_value(stack, p, "after", all);
	}
	strvec_release(&paths);
}

void plan_hide_secrets(const struct session *s, const struct json *changes)
{
	struct json *c;

	json_each(c, changes)
	{
		const struct stack *stack = project_stack(s->project, json_get_str(c, "stack"));

		if (stack)
			hide_properties(
				stack, json_get_str(c, "logical_id"), json_get(c, "properties"));
	}
}
