/* Parameters as such: found, read, deleted. They are put in local_ssm_put.c and listed in local_ssm_list.c. */
#include "local_ssm.h"

#include "local_glue.h"
#include "local_iam.h"
#include "local_services.h"
#include "strvec.h"

#define DIGITS "0123456789"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS ssm_parameter (id INTEGER PRIMARY KEY, region TEXT NOT NULL, "
	"name TEXT NOT NULL, arn TEXT NOT NULL UNIQUE, version INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS ssm_parameter_name ON ssm_parameter (region, name);"
	"CREATE TABLE IF NOT EXISTS ssm_version (parameter_id INTEGER NOT NULL REFERENCES "
	"ssm_parameter(id) ON DELETE CASCADE, version INTEGER NOT NULL, type TEXT NOT NULL, value "
	"TEXT NOT NULL, cipher TEXT, description TEXT, key_id TEXT, pattern TEXT, tier TEXT NOT "
	"NULL, data_type TEXT NOT NULL, user TEXT NOT NULL, modified_ms INTEGER NOT NULL, PRIMARY "
	"KEY (parameter_id, version)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS ssm_label (parameter_id INTEGER NOT NULL REFERENCES "
	"ssm_parameter(id) ON DELETE CASCADE, label TEXT NOT NULL, version INTEGER NOT NULL, "
	"PRIMARY KEY (parameter_id, label)) WITHOUT ROWID;";

/* --- input --- */

void ssm_split_name(const char *text, char **name, char **selector)
{
	const char *colon = strchr(text, ':');

	/* an ARN has five of its own */
	for (int i = 0; i < 5 && colon && starts_with(text, "arn:"); i++)
		colon = strchr(colon + 1, ':');
	*name = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
	*selector = colon ? xstrdup(colon + 1) : NULL;
}

/* A member's name as AWS's validation has it. */
static char *wire_name(const char *member)
{
	char *name = xstrdup(member);

	if (*name >= 'A' && *name <= 'Z')
		*name = (char)(*name - 'A' + 'a');
	return name;
}

static int64_t count_chars(const char *text)
{
	int64_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

int ssm_check_length(
	const struct json *in, const char *member, int64_t min, int64_t max, struct err *err)
{
	const struct json *v = json_get(in, member);
	const char *text = json_str(v);
	char *name;
	int64_t len;
	int ret = 0;

	if (!v || json_is(v, JSON_NULL))
		return 0;
	if (!text)
		return local_fault(
			err, 400, "SerializationException", "'%s' is not a string", member);
	name = wire_name(member);
	len = count_chars(text);
	if (len < min || len > max)
		ret = ssm_invalid(err,
			"1 validation error detected: Value at '%s' failed to satisfy constraint: "
			"Member must have length %s than or equal to %lld",
			name, len < min ? "greater" : "less", (long long)(len < min ? min : max));
	free(name);
	return ret;
}

static int fail_null(const char *member, struct err *err)
{
	char *name = wire_name(member);

	ssm_invalid(err,
		"1 validation error detected: Value null at '%s' failed to satisfy constraint: "
		"Member must not be null",
		name);
	free(name);
	return -1;
}

int ssm_check_given(const struct json *in, const char *member, int64_t max, struct err *err)
{
	if (ssm_check_length(in, member, 1, max, err))
		return -1;
	return json_get_str(in, member) ? 0 : fail_null(member, err);
}

int ssm_check_list(const struct json *in, const char *member, int64_t max, struct err *err)
{
	const struct json *list = json_get(in, member), *e;
	size_t nr = json_len(list);
	bool bad = false;
	char *name;

	if (!json_is(list, JSON_ARRAY))
		return fail_null(member, err);
	json_each(e, list) bad =
		bad || !json_str(e) || !*json_str(e) || count_chars(json_str(e)) > max;
	if (nr >= 1 && nr <= 10 && !bad)
		return 0;
	name = wire_name(member);
	if (bad)
		ssm_invalid(err,
			"1 validation error detected: Value at '%s' failed to satisfy constraint: "
			"Member must satisfy constraint: [Member must have length less than or "
			"equal to %lld, Member must have length greater than or equal to 1]",
			name, (long long)max);
	else
		ssm_invalid(err,
			"1 validation error detected: Value at '%s' failed to satisfy constraint: "
			"Member must have length %s",
			name, nr ? "less than or equal to 10" : "greater than or equal to 1");
	free(name);
	return -1;
}

int ssm_page(const struct json *in, int64_t max, int64_t *limit, char **after, struct err *err)
{
	const char *token = json_get_str(in, "NextToken");

	*limit = json_get_i64(in, "MaxResults", max);
	*after = NULL;
	if (*limit < 1 || *limit > max)
		return ssm_invalid(err,
			"1 validation error detected: Value '%lld' at 'maxResults' failed to "
			"satisfy constraint: Member must have value %s than or equal to %lld",
			(long long)*limit, *limit < 1 ? "greater" : "less",
			(long long)(*limit < 1 ? 1 : max));
	return local_token_read(token && *token ? token : NULL, "InvalidNextToken", after, err);
}

/* --- ARNs --- */

char *ssm_arn(struct local_cloud *cloud, const char *region, const char *name)
{
	if (starts_with(name, "arn:"))
		return xstrdup(name);
	return local_arn(cloud, "ssm", region, "parameter%s%s", *name == '/' ? "" : "/", name);
}

static void add_arn(
	struct local_cloud *cloud, const char *region, const char *text, struct strbuf *arn)
{
	char *name, *selector, *full;

	ssm_split_name(text, &name, &selector);
	full = ssm_arn(cloud, region, name);
	strbuf_addstr(arn, full);
	free(full);
	free(name);
	free(selector);
}

void ssm_arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	/* The member that the operation goes by: another one beside it must not answer for it. */
	const char *op = req->operation;
	const char *member = !strcmp(op, "GetParametersByPath") ? "Path"
			     : ends_with(op, "Resource")        ? "ResourceId"
								: "Name";
	const char *text = json_get_str(req->in, member);

	if (text)
		add_arn(cloud, req->region, text, arn);
}

void ssm_arn_of_names(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	char *action = xasprintf("ssm:%s", req->operation);
	const struct json *e;
	struct strbuf one = STRBUF_INIT;

	json_each(e, json_get(req->in, "Names"))
	{
		if (!json_str(e))
			continue;
		strbuf_clear(&one);
		add_arn(cloud, req->region, json_str(e), &one);
		if (!arn->len)
			strbuf_addstr(arn, one.buf);
		if (local_iam_allows(cloud, req->who, action, one.buf))
			continue;
		strbuf_swap(arn, &one);
		break;
	}
	strbuf_release(&one);
	free(action);
}

/* --- looking up --- */

void ssm_parameter_release(struct ssm_parameter *p)
{
	if (p->value)
		wipe(p->value, strlen(p->value));
	free(p->name);
	free(p->arn);
	free(p->type);
	free(p->value);
	free(p->tier);
	free(p->data_type);
	free(p->user);
	free(p->cipher);
	free(p->description);
	free(p->key_id);
	free(p->pattern);
	*p = (struct ssm_parameter){0};
}

void ssm_read_row(struct sql_stmt *st, struct ssm_parameter *out)
{
	*out = (struct ssm_parameter){
		.id = sql_int(st, 0),
		.version = sql_int(st, 1),
		.modified_ms = sql_int(st, 2),
		.latest = sql_int(st, 3),
		.name = xstrdup(sql_text(st, 4)),
		.arn = xstrdup(sql_text(st, 5)),
		.type = xstrdup(sql_text(st, 6)),
		.value = xstrdup(sql_text(st, 7)),
		.tier = xstrdup(sql_text(st, 8)),
		.data_type = xstrdup(sql_text(st, 9)),
		.user = xstrdup(sql_text(st, 10)),
		.cipher = sql_text_dup(st, 11),
		.description = sql_text_dup(st, 12),
		.key_id = sql_text_dup(st, 13),
		.pattern = sql_text_dup(st, 14),
	};
}

static int read_one(struct sql_stmt *st, struct ssm_parameter *out, struct err *err)
{
	int row = st ? sql_step(st, err) : -1;

	if (row > 0)
		ssm_read_row(st, out);
	sql_done(st);
	return row;
}

/* The latest version; 1, 0, -1. The ARN is what counts: /a and a are the same parameter. */
static int look_up_latest(struct local_cloud *cloud, const char *region, const char *name,
	struct ssm_parameter *out, struct err *err)
{
	char *arn = ssm_arn(cloud, region, name);
	int row = read_one(
		sql_query(cloud->db, err,
			SSM_SELECT "WHERE p.region = ? AND p.arn = ? AND v.version = p.version",
			"ss", region, arn),
		out, err);

	free(arn);
	return row;
}

static int fail_selector(const char *name, const char *selector, bool number, struct err *err)
{
	return local_fault(err, 400, "ParameterVersionNotFound",
		"Systems Manager could not find %s %s of %s. Verify the %s and try again.",
		number ? "version" : "label", selector, name, number ? "version" : "label");
}

int ssm_look_up_tx(struct local_cloud *cloud, const char *region, const char *name,
	const char *selector, struct ssm_parameter *out, struct err *err)
{
	struct ssm_parameter latest = {0};
	bool number;
	int row;

	*out = (struct ssm_parameter){0};
	/* two selectors are none */
	if (selector && strchr(selector, ':'))
		return 0;
	row = look_up_latest(cloud, region, name, selector ? &latest : out, err);
	if (row <= 0 || !selector)
		return row;
	number = *selector && !selector[strspn(selector, DIGITS)];
	row = number ? read_one(sql_query(cloud->db, err,
					SSM_SELECT "WHERE p.id = ? AND v.version = ?", "ii",
					latest.id, (int64_t)strtoll(selector, NULL, 10)),
			       out, err)
		     : read_one(sql_query(cloud->db, err,
					SSM_SELECT "JOIN ssm_label l ON l.parameter_id = p.id AND "
						   "l.version = v.version WHERE p.id = ? AND "
						   "l.label = ?",
					"is", latest.id, selector),
			       out, err);
	if (row == 0)
		row = fail_selector(latest.name, selector, number, err);
	ssm_parameter_release(&latest);
	return row;
}

int ssm_find_tx(struct local_cloud *cloud, const char *region, const char *name,
	const char *selector, struct ssm_parameter *out, struct err *err)
{
	int row = ssm_look_up_tx(cloud, region, name, selector, out, err);

	if (row == 0)
		return local_fault(err, 400, "ParameterNotFound", "Parameter %s not found.", name);
	return row < 0 ? -1 : 0;
}

int ssm_labels_tx(struct local_cloud *cloud, int64_t id, int64_t version, struct json **labels,
	struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT label FROM ssm_label WHERE parameter_id = ? AND version = ? ORDER BY label",
		"ii", id, version);
	int row = -1;

	*labels = json_array();
	while (st && (row = sql_step(st, err)) > 0)
		json_push_str(*labels, sql_text(st, 0));
	sql_done(st);
	return row;
}

/* --- reading --- */

struct json *ssm_show(const struct ssm_parameter *p, const char *selector, bool decrypt)
{
	struct json *doc = json_object();

	json_set_str(doc, "Name", p->name);
	json_set_str(doc, "Type", p->type);
	json_set_str(doc, "Value", p->cipher && !decrypt ? p->cipher : p->value);
	json_set_i64(doc, "Version", p->version);
	if (selector) {
		char *text = xasprintf(":%s", selector);
		json_set_str(doc, "Selector", text);
		free(text);
	}
	glue_set_time(doc, "LastModifiedDate", p->modified_ms);
	json_set_str(doc, "ARN", p->arn);
	json_set_str(doc, "DataType", p->data_type);
	return doc;
}

/* One parameter by "name[:selector]". 1, 0: not there, -1 */
static int read_tx(struct local_cloud *cloud, const struct local_call *k, const char *text,
	struct json **out, struct err *err)
{
	bool decrypt = json_get_truth(k->in, "WithDecryption", false);
	struct ssm_parameter p;
	char *name, *selector;
	int row;

	*out = NULL;
	ssm_split_name(text, &name, &selector);
	row = ssm_look_up_tx(cloud, k->req->region, name, selector, &p, err);
	if (row > 0)
		*out = ssm_show(&p, selector, decrypt);
	ssm_parameter_release(&p);
	free(name);
	free(selector);
	return row;
}

static int get_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *name = json_get_str(k->in, "Name");
	struct json *found;
	int row;

	if (ssm_check_given(k->in, "Name", 2048, err))
		return -1;
	row = read_tx(cloud, k, name, &found, err);
	if (row == 0)
		return local_fault(err, 400, "ParameterNotFound", "Parameter %s not found.", name);
	if (row < 0)
		return -1;
	k->out = json_object();
	json_set(k->out, "Parameter", found);
	return 0;
}
LOCAL_HANDLER(get_parameter, get_tx)

static int get_several_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *found, *list, *invalid;
	struct strvec seen = STRVEC_INIT;
	const struct json *e;
	int row = 0;

	if (ssm_check_list(k->in, "Names", 2048, err))
		return -1;
	list = json_array();
	invalid = json_array();
	json_each(e, json_get(k->in, "Names"))
	{
		struct err why = ERR_INIT;
		if (strvec_has(&seen, json_str(e)))
			continue;
		strvec_push(&seen, json_str(e));
		row = read_tx(cloud, k, json_str(e), &found, &why);
		if (row > 0)
			json_push(list, found);
		else if (row == 0 || why.aws_code)
			json_push_str(invalid, json_str(e));
		row = row < 0 && !why.aws_code ? -1 : 0;
		if (row < 0)
			err_move(err, &why);
		err_release(&why);
		if (row < 0)
			break;
	}
	strvec_release(&seen);
	k->out = json_object();
	json_set(k->out, "Parameters", list);
	json_set(k->out, "InvalidParameters", invalid);
	return row;
}
LOCAL_HANDLER(get_parameters, get_several_tx)

/* --- deleting --- */

/* 1, 0: not there, -1 */
static int remove_tx(
	struct local_cloud *cloud, const struct local_call *k, const char *name, struct err *err)
{
	struct ssm_parameter p;
	int row = ssm_look_up_tx(cloud, k->req->region, name, NULL, &p, err);

	if (row > 0 && (local_tags_clear(cloud, p.arn, err) ||
			       sql_run(cloud->db, NULL, err,
				       "DELETE FROM ssm_parameter WHERE id = ?", "i", p.id)))
		row = -1;
	ssm_parameter_release(&p);
	return row;
}

static int delete_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *name = json_get_str(k->in, "Name");
	int row;

	if (ssm_check_given(k->in, "Name", 2048, err))
		return -1;
	row = remove_tx(cloud, k, name, err);
	if (row == 0)
		return local_fault(err, 400, "ParameterNotFound", "Parameter %s not found.", name);
	return row < 0 ? -1 : 0;
}
LOCAL_HANDLER(delete_parameter, delete_tx)

static int delete_several_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *deleted, *invalid;
	const struct json *e;
	int row = 0;

	if (ssm_check_list(k->in, "Names", 2048, err))
		return -1;
	deleted = json_array();
	invalid = json_array();
	json_each(e, json_get(k->in, "Names"))
	{
		row = remove_tx(cloud, k, json_str(e), err);
		if (row < 0)
			break;
		json_push_str(row ? deleted : invalid, json_str(e));
	}
	k->out = json_object();
	json_set(k->out, "DeletedParameters", deleted);
	json_set(k->out, "InvalidParameters", invalid);
	return row < 0 ? -1 : 0;
}
LOCAL_HANDLER(delete_parameters, delete_several_tx)

static const struct local_route routes[] = {
	{"DeleteParameter", delete_parameter, ssm_arn_of},
	{"DeleteParameters", delete_parameters, ssm_arn_of_names},
	{"GetParameter", get_parameter, ssm_arn_of},
	{"GetParameters", get_parameters, ssm_arn_of_names},
};

const struct local_service local_ssm_service = {"ssm", routes, ARRAY_SIZE(routes)};

const struct local_part local_ssm_part = {.name = "ssm", .schema = schema};
