/* Labels that point to versions, and tags. */
#include "local_ssm.h"

#include "local_services.h"

#define TAGS_MAX 50

/* --- labels --- */

/* Letters, digits and .-_, not a digit first, nor AWS's own words. */
static bool label_is_valid(const char *label)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";

	if (label[strspn(label, letters)] || (*label >= '0' && *label <= '9'))
		return false;
	return strncasecmp(label, "aws", 3) != 0 && strncasecmp(label, "ssm", 3) != 0;
}

/* The parameter at the request's ParameterVersion; without one at its latest. */
static int find_version_tx(struct local_cloud *cloud, const struct local_call *k,
	struct ssm_parameter *p, struct err *err)
{
	const struct json *number = json_get(k->in, "ParameterVersion");
	char *selector = json_is(number, JSON_NUMBER)
				 ? xasprintf("%lld", (long long)json_i64(number, 0))
				 : NULL;
	int ret = ssm_find_tx(cloud, k->req->region, json_get_str(k->in, "Name"), selector, p, err);

	free(selector);
	return ret;
}

static int set_labels_tx(struct local_cloud *cloud, const struct local_call *k,
	const struct ssm_parameter *p, struct json *invalid, struct err *err)
{
	struct json *now = NULL;
	const struct json *e;
	size_t nr;
	int ret = 0;

	json_each(e, json_get(k->in, "Labels"))
	{
		if (!label_is_valid(json_str(e)))
			json_push_str(invalid, json_str(e));
		else if (!ret)
			ret = sql_run(cloud->db, NULL, err,
				"INSERT INTO ssm_label (parameter_id, label, version) VALUES (?, "
				"?, ?) ON CONFLICT DO UPDATE SET version = excluded.version",
				"isi", p->id, json_str(e), p->version);
	}
	if (!ret)
		ret = ssm_labels_tx(cloud, p->id, p->version, &now, err);
	nr = json_len(now);
	json_free(now);
	if (!ret && nr > SSM_LABELS_MAX)
		ret = local_fault(err, 400, "ParameterVersionLabelLimitExceeded",
			"A parameter version can have maximum %d labels. Move one or more labels "
			"to another version and try again.",
			SSM_LABELS_MAX);
	return ret;
}

static int label_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *invalid = json_array();
	struct ssm_parameter p = {0};
	int ret = -1;

	if (ssm_check_given(k->in, "Name", 2048, err) ||
		ssm_check_list(k->in, "Labels", 100, err) || find_version_tx(cloud, k, &p, err) ||
		set_labels_tx(cloud, k, &p, invalid, err))
		goto out;
	k->out = json_object();
	json_set(k->out, "InvalidLabels", invalid);
	invalid = NULL;
	json_set_i64(k->out, "ParameterVersion", p.version);
	ret = 0;
out:
	json_free(invalid);
	ssm_parameter_release(&p);
	return ret;
}
LOCAL_HANDLER(label_version, label_tx)

static int unlabel_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *removed = json_array(), *invalid = json_array();
	struct ssm_parameter p = {0};
	const struct json *e;
	int ret = -1;

	if (ssm_check_given(k->in, "Name", 2048, err) || ssm_check_list(k->in, "Labels", 100, err))
		goto out;
	if (!json_is(json_get(k->in, "ParameterVersion"), JSON_NUMBER)) {
		ssm_invalid(err, "1 validation error detected: Value null at 'parameterVersion' "
				 "failed to satisfy constraint: Member must not be null");
		goto out;
	}
	if (find_version_tx(cloud, k, &p, err))
		goto out;
	json_each(e, json_get(k->in, "Labels"))
	{
		int64_t changed = 0;
		if (sql_run(cloud->db, &changed, err,
			    "DELETE FROM ssm_label WHERE parameter_id = ? AND label = ? AND "
			    "version = ?",
			    "isi", p.id, json_str(e), p.version))
			goto out;
		json_push_str(changed ? removed : invalid, json_str(e));
	}
	k->out = json_object();
	json_set(k->out, "RemovedLabels", removed);
	json_set(k->out, "InvalidLabels", invalid);
	removed = invalid = NULL;
	ret = 0;
out:
	json_free(removed);
	json_free(invalid);
	ssm_parameter_release(&p);
	return ret;
}
LOCAL_HANDLER(unlabel_version, unlabel_tx)

/* --- tags --- */

/* As a map; NULL with err set when they are bad. */
static struct json *tag_map(const struct json *list, struct err *err)
{
	struct json *map = json_object(), *t;
	int bad = 0;

	if (list && !json_is(list, JSON_ARRAY))
		bad = ssm_invalid(err, "Tags must be a list of Key and Value.");
	json_each(t, list)
	{
		const char *key = json_get_str(t, "Key"), *value = json_get_str(t, "Value");
		if (bad)
			break;
		if (!key || !value)
			bad = ssm_invalid(err,
				"1 validation error detected: Value null at 'tags.member.%s' "
				"failed to satisfy constraint: Member must not be null",
				key ? "value" : "key");
		else if (ssm_check_length(t, "Key", 1, 128, err) ||
			 ssm_check_length(t, "Value", 0, 256, err))
			bad = -1;
		else if (!strncasecmp(key, "aws:", 4))
			bad = ssm_invalid(err,
				"The tag key %s is invalid: keys that start with aws: are "
				"reserved.",
				key);
		else
			json_set_str(map, key, value);
	}
	if (!bad)
		return map;
	json_free(map);
	return NULL;
}

int ssm_set_tags_tx(
	struct local_cloud *cloud, const char *arn, const struct json *list, struct err *err)
{
	struct json *map = tag_map(list, err), *all = NULL;
	int ret = map ? local_tags_set(cloud, arn, map, err) : -1;

	if (!ret)
		ret = local_tags_get(cloud, arn, &all, err);
	if (!ret && json_len(all) > TAGS_MAX)
		ret = local_fault(err, 400, "TooManyTagsError",
			"The number of tags exceeds the limit of %d for a parameter.", TAGS_MAX);
	json_free(map);
	json_free(all);
	return ret;
}

/* The ARN of the request's resource; malloc'd, NULL with err. */
static char *tagged_tx(struct local_cloud *cloud, const struct local_call *k, struct err *err)
{
	const char *type = json_get_str(k->in, "ResourceType");
	struct ssm_parameter p;
	char *arn;
	int row;

	if (ssm_check_given(k->in, "ResourceType", 128, err) ||
		ssm_check_given(k->in, "ResourceId", 2048, err))
		return NULL;
	if (strcmp(type, "Parameter") != 0) {
		local_fault(err, 400, "InvalidResourceType",
			"The resource type isn't valid: the local cloud has parameters only, no "
			"%s.",
			type);
		return NULL;
	}
	row = ssm_look_up_tx(
		cloud, k->req->region, json_get_str(k->in, "ResourceId"), NULL, &p, err);
	if (row == 0)
		local_fault(err, 400, "InvalidResourceId",
			"The resource ID isn't valid. Verify that you entered the correct ID and "
			"try again.");
	arn = row > 0 ? xstrdup(p.arn) : NULL;
	ssm_parameter_release(&p);
	return arn;
}

static int add_tags_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	char *arn = tagged_tx(cloud, k, err);
	int ret = arn ? ssm_set_tags_tx(cloud, arn, json_get(k->in, "Tags"), err) : -1;

	free(arn);
	return ret;
}
LOCAL_HANDLER(add_tags, add_tags_tx)

static int remove_tags_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	char *arn = tagged_tx(cloud, k, err);
	int ret = arn ? local_tags_remove(cloud, arn, json_get(k->in, "TagKeys"), err) : -1;

	free(arn);
	return ret;
}
LOCAL_HANDLER(remove_tags, remove_tags_tx)

static int list_tags_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	char *arn = tagged_tx(cloud, k, err);
	struct json *tags = NULL, *list, *e;
	int ret = arn ? local_tags_get(cloud, arn, &tags, err) : -1;

	free(arn);
	if (ret)
		return -1;
	list = json_array();
	json_each(e, tags)
	{
		struct json *t = json_object();
		json_set_str(t, "Key", json_name(e));
		json_set_str(t, "Value", json_str(e));
		json_push(list, t);
	}
	json_free(tags);
	k->out = json_object();
	json_set(k->out, "TagList", list);
	return 0;
}
LOCAL_HANDLER(list_tags, list_tags_tx)

static const struct local_route routes[] = {
	{"AddTagsToResource", add_tags, ssm_arn_of},
	{"LabelParameterVersion", label_version, ssm_arn_of},
	{"ListTagsForResource", list_tags, ssm_arn_of},
	{"RemoveTagsFromResource", remove_tags, ssm_arn_of},
	{"UnlabelParameterVersion", unlabel_version, ssm_arn_of},
};

const struct local_service local_ssm_tags_service = {"ssm", routes, ARRAY_SIZE(routes)};
