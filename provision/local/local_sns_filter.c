/* Subscription filter policies ("Amazon SNS message filtering", SNS Developer Guide). */
#include "local_events_pattern.h"
#include "local_sns.h"
#include "xalloc.h"

#define FILTER_MAX_BYTES 262144
#define FILTER_MAX_KEYS 5

static bool is_choice(const struct json *m)
{
	return !strcmp(json_name(m), "$or") && json_is(json_first(m), JSON_OBJECT) &&
	       json_len(m) > 1;
}

static int check_attributes(const struct json *policy, struct err *err)
{
	const struct json *m, *e;

	json_each(m, policy)
	{
		if (!json_is(m, JSON_ARRAY))
			return err_set(err, ERR_INVALID,
				"FilterPolicy: \"%s\" must be an object or an array", json_name(m));
		json_each(e, m)
		{
			if (is_choice(m) ? check_attributes(e, err) : events_rule_check(e, err))
				return -1;
		}
	}
	return 0;
}

struct json *sns_filter_parse(const char *text, bool body, struct err *err)
{
	struct err why = ERR_INIT;
	struct json *policy =
		strlen(text) <= FILTER_MAX_BYTES ? json_parse(text, strlen(text), &why) : NULL;
	int ret = -1;

	if (!json_is(policy, JSON_OBJECT))
		err_set(err, ERR_INVALID, "FilterPolicy: failed to deserialize JSON.");
	else if (json_len(policy) > FILTER_MAX_KEYS)
		err_set(err, ERR_INVALID,
			"FilterPolicy: Filter policy can not have more than %d keys",
			FILTER_MAX_KEYS);
	else
		ret = !json_len(policy) ? 0
		      : body            ? events_pattern_check(policy, err)
					: check_attributes(policy, err);
	err_release(&why);
	if (ret) {
		json_free(policy);
		return NULL;
	}
	return policy;
}

/* The values of an attribute: those of a String.Array, a number, or the text. The caller's; NULL: none. */
static struct json *values_of(const struct json *attribute)
{
	const char *type = json_get_str(attribute, "DataType"),
		   *text = json_get_str(attribute, "StringValue");
	struct json *v = NULL;

	if (!type || !text)
		return NULL;
	if (!strcmp(type, "String.Array"))
		v = json_parse(text, strlen(text), NULL);
	else if (starts_with(type, "Number"))
		v = json_parse(text, strlen(text), NULL);
	return v ? v : json_string(text);
}

static bool attribute_fits(const struct json *rules, const struct json *attribute)
{
	struct json *values = values_of(attribute), *v;
	const struct json *r;
	bool fits = false;

	json_each(r, rules)
	{
		if (!json_is(values, JSON_ARRAY))
			fits = fits ||
			       events_rule_match(r, attribute && !values ? attribute : values);
		json_each(v, json_is(values, JSON_ARRAY) ? values : NULL) fits =
			fits || events_rule_match(r, v);
	}
	json_free(values);
	return fits;
}

static bool attributes_fit(const struct json *policy, const struct json *attributes)
{
	const struct json *m, *e;

	json_each(m, policy)
	{
		bool fits = false;

		if (!is_choice(m))
			fits = attribute_fits(m, json_get(attributes, json_name(m)));
		else
			json_each(e, m) fits = fits || attributes_fit(e, attributes);
		if (!fits)
			return false;
	}
	return true;
}

bool sns_filter_match(
	const struct json *policy, bool by_body, const struct json *attributes, const char *body)
{
	struct json *doc;
	bool fits;

	if (!by_body)
		return attributes_fit(policy, attributes);
	doc = json_parse(body, strlen(body), NULL);
	fits = json_is(doc, JSON_OBJECT) && events_pattern_match(policy, doc);
	json_free(doc);
	return fits;
}
