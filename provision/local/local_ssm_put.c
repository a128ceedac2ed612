/* PutParameter: what may be put, and the version that comes of it. */
#include "local_ssm.h"

#include "arena.h"
#include "base64.h"
#include "digest.h"
#include "local_services.h"
#include "pattern.h"

#define LEVELS_MAX 15
#define NAME_MAX_WITH_ARN 1011
#define STANDARD_MAX 4096
#define ADVANCED_MAX 8192
#define DEFAULT_KEY "alias/aws/ssm"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/"
#define SUB_PATHS                                                                                  \
	"If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path " \
	"can be formed as a mix of letters, numbers and the following 3 symbols .-_"

/* --- names --- */

static int check_prefix(const char *name, struct err *err)
{
	const char *bare = name + strspn(name, "/"), *slash = strchr(name, '/');
	bool path = slash && strchr(slash + 1, '/');
	bool aws = !strncasecmp(bare, "aws", 3);

	if (!aws && strncasecmp(bare, "ssm", 3) != 0)
		return 0;
	if (aws && path && *name == '/')
		return local_fault(err, 400, "AccessDeniedException",
			"No access to reserved parameter name: %s.", name);
	if (path)
		return ssm_invalid(err, "Parameter name: can't be prefixed with \"ssm\" "
					"(case-insensitive). " SUB_PATHS);
	return ssm_invalid(err, "Parameter name: can't be prefixed with \"aws\" or \"ssm\" "
				"(case-insensitive).");
}

int ssm_check_name(const char *name, struct err *err)
{
	size_t levels = 0;

	if (name[strspn(name, LETTERS)] || strstr(name, "//"))
		return ssm_invalid(err, "Parameter name: can't be prefixed with \"aws\" or \"ssm\" "
					"(case-insensitive). " SUB_PATHS);
	if (check_prefix(name, err))
		return -1;
	if (strchr(name, '/') && *name != '/')
		return ssm_invalid(err, "Parameter name must be a fully qualified name.");
	if (ends_with(name, "/"))
		return ssm_invalid(err, "Parameter name must not end with slash.");
	for (const char *p = name; *p; p++)
		levels += *p == '/';
	if (levels > LEVELS_MAX)
		return local_fault(err, 400, "HierarchyLevelLimitExceededException",
			"A hierarchy can have a maximum of %d levels. For more information, see "
			"Requirements and constraints for parameter names in the AWS Systems "
			"Manager User Guide.",
			LEVELS_MAX);
	return 0;
}

/* --- the request by itself --- */

static int check_enum(
	const struct json *in, const char *member, const char *const *words, struct err *err)
{
	const char *word = json_get_str(in, member);
	struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; word && words[i]; i++) {
		if (!strcmp(words[i], word)) {
			word = NULL;
			break;
		}
		strbuf_addf(&all, "%s%s", i ? ", " : "", words[i]);
	}
	if (word)
		ssm_invalid(err,
			"1 validation error detected: Value '%s' at '%c%s' failed to satisfy "
			"constraint: Member must satisfy enum value set: [%s]",
			word, *member - 'A' + 'a', member + 1, all.buf);
	strbuf_release(&all);
	return word ? -1 : 0;
}

static int check_shape(const struct json *in, struct err *err)
{
	static const char *const types[] = {"SecureString", "StringList", "String", NULL};
	static const char *const tiers[] = {"Standard", "Advanced", "Intelligent-Tiering", NULL};

	if (ssm_check_given(in, "Name", 2048, err) ||
		ssm_check_given(in, "Value", INT64_MAX, err) ||
		ssm_check_length(in, "Description", 0, 1024, err) ||
		ssm_check_length(in, "KeyId", 1, 256, err) ||
		ssm_check_length(in, "AllowedPattern", 0, 1024, err) ||
		ssm_check_length(in, "DataType", 0, 128, err) ||
		ssm_check_length(in, "Type", 0, 128, err) ||
		ssm_check_length(in, "Tier", 0, 128, err) || check_enum(in, "Type", types, err) ||
		check_enum(in, "Tier", tiers, err))
		return -1;
	return 0;
}

static int check_request(struct local_cloud *cloud, const struct local_call *k, struct err *err)
{
	static const char *const data_types[] = {
		"text", "aws:ec2:image", "aws:ssm:integration", NULL};
	const char *name = json_get_str(k->in, "Name"), *data = json_get_str(k->in, "DataType");
	char *arn;
	size_t len;

	if (check_shape(k->in, err) || ssm_check_name(name, err))
		return -1;
	arn = ssm_arn(cloud, k->req->region, name);
	len = strlen(arn);
	free(arn);
	if (len > NAME_MAX_WITH_ARN)
		return ssm_invalid(err,
			"The parameter name is too long: with the ARN's prefix it can have %d "
			"characters.",
			NAME_MAX_WITH_ARN);
	for (size_t i = 0; data && data_types[i]; i++)
		if (!strcmp(data, data_types[i]))
			data = NULL;
	if (data)
		return ssm_invalid(err,
			"The following data type is not supported: %s (Data type names are all "
			"lowercase.)",
			data);
	if (json_get_str(k->in, "Policies"))
		return ssm_invalid(err,
			"The local cloud does not serve parameter policies: Policies is "
			"refused.");
	if (json_get_truth(k->in, "Overwrite", false) && json_len(json_get(k->in, "Tags")))
		return ssm_invalid(err,
			"Invalid request: tags and overwrite can't be used together. To create a "
			"parameter with tags, please remove overwrite flag. To update tags for an "
			"existing parameter, please use AddTagsToResource or "
			"RemoveTagsFromResource.");
	return 0;
}

/* --- the new version --- */

/* What it will be: the request's, else that of the version before. Strings borrowed. */
struct version {
	const char *type, *value, *tier, *data_type, *description, *key_id, *pattern;
	char *cipher;
};

static const char *given_or(const struct json *in, const char *member, const char *before)
{
	const char *text = json_get_str(in, member);

	return text ? text : before;
}

static int pick_tier(const struct local_call *k, const struct ssm_parameter *old, struct version *v,
	struct err *err)
{
	const char *asked = json_get_str(k->in, "Tier");
	bool was_advanced = old && !strcmp(old->tier, "Advanced");
	size_t len = strlen(v->value);

	v->tier = asked ? asked : old ? old->tier : "Standard";
	if (!strcmp(v->tier, "Intelligent-Tiering"))
		v->tier = len > STANDARD_MAX || was_advanced ? "Advanced" : "Standard";
	if (was_advanced && strcmp(v->tier, "Advanced") != 0)
		return ssm_invalid(err,
			"This parameter uses the advanced-parameter tier. You can't downgrade a "
			"parameter from the advanced-parameter tier to the standard-parameter "
			"tier. If necessary, you can delete the advanced parameter and recreate it "
			"as a standard parameter.");
	if (!strcmp(v->tier, "Standard") && len > STANDARD_MAX)
		return ssm_invalid(err,
			"Standard tier parameters support a maximum parameter value of %d "
			"characters. To create a larger parameter value, upgrade the parameter to "
			"use the advanced-parameter tier.",
			STANDARD_MAX);
	if (len > ADVANCED_MAX)
		return ssm_invalid(err,
			"Advanced tier parameters support a maximum parameter value of %d "
			"characters.",
			ADVANCED_MAX);
	return 0;
}

static int check_pattern(const struct version *v, struct err *err)
{
	struct arena scratch = ARENA_INIT;
	struct err why = ERR_INIT;
	const struct pattern *pattern;
	int ret = 0;

	if (!v->pattern || !*v->pattern)
		return 0;
	pattern = pattern_compile(&scratch, v->pattern, &why);
	if (!pattern)
		ret = local_fault(err, 400, "InvalidAllowedPatternException",
			"The request does not meet the regular expression requirement: %s",
			why.text);
	else if (pattern_match(pattern, v->value) <= 0)
		ret = local_fault(err, 400, "ParameterPatternMismatchException",
			"Parameter value, can't be validated against allowedPattern: %s",
			v->pattern);
	err_release(&why);
	arena_release(&scratch);
	return ret;
}

/* Random bytes in the place of KMS's ciphertext, as much longer than the value as that is. */
static char *make_cipher(const char *value)
{
	unsigned char bytes[256];
	struct strbuf raw = STRBUF_INIT, text = STRBUF_INIT;

	strbuf_add(&raw, "\x01\x02\x02\x00\x78", 5);
	for (size_t left = strlen(value) + 160; left;) {
		size_t n = left < sizeof(bytes) ? left : sizeof(bytes);
		digest_random(bytes, n);
		strbuf_add(&raw, (const char *)bytes, n);
		left -= n;
	}
	base64_encode(&text, raw.buf, raw.len);
	strbuf_release(&raw);
	return strbuf_detach(&text, NULL);
}

static int make_version(const struct local_call *k, const struct ssm_parameter *old,
	struct version *v, struct err *err)
{
	const struct json *in = k->in;

	*v = (struct version){
		.type = given_or(in, "Type", old ? old->type : NULL),
		.value = json_get_str(in, "Value"),
		.data_type = given_or(in, "DataType", old ? old->data_type : "text"),
		.description = given_or(in, "Description", old ? old->description : NULL),
		.key_id = given_or(in, "KeyId", old ? old->key_id : NULL),
		.pattern = given_or(in, "AllowedPattern", old ? old->pattern : NULL),
	};
	if (!v->type)
		return ssm_invalid(
			err, "A parameter type is required when you create a parameter.");
	if (old && strcmp(old->type, v->type) != 0)
		return local_fault(err, 400, "HierarchyTypeMismatchException",
			"Parameter Store doesn't support changing a parameter type in a hierarchy. "
			"For example, you can't change a parameter from a String type to a "
			"SecureString type. You must create a new, unique parameter.");
	if (pick_tier(k, old, v, err) || check_pattern(v, err))
		return -1;
	if (strcmp(v->type, "SecureString") != 0) {
		v->key_id = NULL;
		return 0;
	}
	if (!v->key_id)
		v->key_id = DEFAULT_KEY;
	v->cipher = make_cipher(v->value);
	return 0;
}

/* The oldest version makes room, unless a label holds it. */
static int drop_oldest_tx(
	struct local_cloud *cloud, const struct ssm_parameter *old, int64_t number, struct err *err)
{
	int64_t oldest = number - SSM_VERSIONS_MAX;
	struct json *labels;
	bool held;

	if (oldest < 1)
		return 0;
	if (ssm_labels_tx(cloud, old->id, oldest, &labels, err)) {
		json_free(labels);
		return -1;
	}
	held = json_len(labels) > 0;
	json_free(labels);
	if (held)
		return local_fault(err, 400, "ParameterMaxVersionLimitExceeded",
			"You attempted to create a new version of %s by calling the PutParameter "
			"API with the overwrite flag. Version %lld, the oldest version, can't be "
			"deleted because it has a label associated with it. Move the label to "
			"another version of the parameter, and try again.",
			old->name, (long long)oldest);
	return sql_run(cloud->db, NULL, err,
		"DELETE FROM ssm_version WHERE parameter_id = ? AND version = ?", "ii", old->id,
		oldest);
}

static int insert_parameter_tx(
	struct local_cloud *cloud, const struct local_call *k, int64_t *id, struct err *err)
{
	const char *name = json_get_str(k->in, "Name");
	char *arn = ssm_arn(cloud, k->req->region, name);
	int ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO ssm_parameter (region, name, arn, version) VALUES (?, ?, ?, 1)", "sss",
		k->req->region, name, arn);

	*id = sql_last_rowid(cloud->db);
	if (!ret)
		ret = ssm_set_tags_tx(cloud, arn, json_get(k->in, "Tags"), err);
	free(arn);
	return ret;
}

static int write_tx(struct local_cloud *cloud, struct local_call *k,
	const struct ssm_parameter *old, const struct version *v, struct err *err)
{
	int64_t id = old ? old->id : 0, number = old ? old->version + 1 : 1;

	if (old ? drop_oldest_tx(cloud, old, number, err) : insert_parameter_tx(cloud, k, &id, err))
		return -1;
	if (sql_run(cloud->db, NULL, err,
		    "INSERT INTO ssm_version (parameter_id, version, type, value, cipher, "
		    "description, key_id, pattern, tier, data_type, user, modified_ms) VALUES (?, "
		    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		    "iisssssssssi", id, number, v->type, v->value, v->cipher, v->description,
		    v->key_id, v->pattern, v->tier, v->data_type, k->req->who->arn, k->now_ms) ||
		sql_run(cloud->db, NULL, err, "UPDATE ssm_parameter SET version = ? WHERE id = ?",
			"ii", number, id))
		return -1;
	k->out = json_object();
	json_set_i64(k->out, "Version", number);
	json_set_str(k->out, "Tier", v->tier);
	return 0;
}

static int put_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct ssm_parameter old = {0};
	struct version v = {0};
	int row, ret = -1;

	if (check_request(cloud, k, err))
		return -1;
	row = ssm_look_up_tx(cloud, k->req->region, json_get_str(k->in, "Name"), NULL, &old, err);
	if (row < 0)
		return -1;
	if (row && !json_get_truth(k->in, "Overwrite", false))
		local_fault(err, 400, "ParameterAlreadyExists",
			"The parameter already exists. To overwrite this value, set the overwrite "
			"option in the request to true.");
	else if (!make_version(k, row ? &old : NULL, &v, err))
		ret = write_tx(cloud, k, row ? &old : NULL, &v, err);
	free(v.cipher);
	ssm_parameter_release(&old);
	return ret;
}
LOCAL_HANDLER(put_parameter, put_tx)

static const struct local_route routes[] = {
	{"PutParameter", put_parameter, ssm_arn_of},
};

const struct local_service local_ssm_put_service = {"ssm", routes, ARRAY_SIZE(routes)};
