/*
 * Whether a definition may be one: fields by a table, then transitions. Codes and, where they are known, words are those
 * of ValidateStateMachineDefinition.
 */
#include "asl_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "asl_check.h"
#include "strbuf.h"

enum {
	T_TASK = 1 << 0,
	T_WAIT = 1 << 1,
	T_PASS = 1 << 2,
	T_SUCCEED = 1 << 3,
	T_FAIL = 1 << 4,
	T_CHOICE = 1 << 5,
	T_PARALLEL = 1 << 6,
	T_MAP = 1 << 7,
	T_ALL = 255,
	T_WORKS = T_TASK | T_PARALLEL | T_MAP,
	T_GOES_ON = T_WORKS | T_PASS | T_WAIT,
};
static const char *const type_names[] = {
	"Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map"};

enum kind {
	K_ANY,
	K_STRING,
	K_TRUE, /* a boolean */
	K_COUNT,
	K_PATH, /* a path or null */
	K_REFERENCE,
	K_EXPRESSION, /* a path or an intrinsic function */
	K_RESULT_PATH,
	K_TEMPLATE,
	K_LIST,
	K_OBJECT,
	K_TIMESTAMP,
	K_PERCENT,
};

static const struct field {
	const char *name;
	int types;
	enum kind kind;
	int min;
	const char *without; /* a field that must not stand beside it */
} fields[] = {
	{"Type", T_ALL, K_STRING, 0, NULL},
	{"Comment", T_ALL, K_STRING, 0, NULL},
	{"QueryLanguage", T_ALL, K_STRING, 0, NULL},
	{"Next", T_GOES_ON, K_STRING, 0, "End"},
	{"End", T_GOES_ON, K_TRUE, 0, NULL},
	{"InputPath", T_ALL & ~T_FAIL, K_PATH, 0, NULL},
	{"OutputPath", T_ALL & ~T_FAIL, K_PATH, 0, NULL},
	{"ResultPath", T_WORKS | T_PASS, K_RESULT_PATH, 0, NULL},
	{"Parameters", T_WORKS | T_PASS, K_TEMPLATE, 0, NULL},
	{"ResultSelector", T_WORKS, K_TEMPLATE, 0, NULL},
	{"Assign", T_GOES_ON | T_CHOICE, K_TEMPLATE, 0, NULL},
	{"Retry", T_WORKS, K_LIST, 0, NULL},
	{"Catch", T_WORKS, K_LIST, 0, NULL},
	{"Resource", T_TASK, K_STRING, 0, NULL},
	{"Credentials", T_TASK, K_TEMPLATE, 0, NULL},
	{"TimeoutSeconds", T_TASK, K_COUNT, 1, "TimeoutSecondsPath"},
	{"TimeoutSecondsPath", T_TASK, K_REFERENCE, 0, NULL},
	{"HeartbeatSeconds", T_TASK, K_COUNT, 1, "HeartbeatSecondsPath"},
	{"HeartbeatSecondsPath", T_TASK, K_REFERENCE, 0, NULL},
	{"Result", T_PASS, K_ANY, 0, NULL},
	{"Seconds", T_WAIT, K_COUNT, 0, NULL},
	{"SecondsPath", T_WAIT, K_REFERENCE, 0, NULL},
	{"Timestamp", T_WAIT, K_TIMESTAMP, 0, NULL},
	{"TimestampPath", T_WAIT, K_REFERENCE, 0, NULL},
	{"Error", T_FAIL, K_STRING, 0, "ErrorPath"},
	{"ErrorPath", T_FAIL, K_EXPRESSION, 0, NULL},
	{"Cause", T_FAIL, K_STRING, 0, "CausePath"},
	{"CausePath", T_FAIL, K_EXPRESSION, 0, NULL},
	{"Choices", T_CHOICE, K_LIST, 1, NULL},
	{"Default", T_CHOICE, K_STRING, 0, NULL},
	{"Branches", T_PARALLEL, K_LIST, 1, NULL},
	{"ItemsPath", T_MAP, K_REFERENCE, 0, NULL},
	{"ItemSelector", T_MAP, K_TEMPLATE, 0, "Parameters"},
	{"ItemProcessor", T_MAP, K_OBJECT, 0, "Iterator"},
	{"Iterator", T_MAP, K_OBJECT, 0, NULL},
	{"ItemBatcher", T_MAP, K_OBJECT, 0, NULL},
	{"ItemReader", T_MAP, K_OBJECT, 0, NULL},
	{"ResultWriter", T_MAP, K_OBJECT, 0, NULL},
	{"Label", T_MAP, K_STRING, 0, NULL},
	{"MaxConcurrency", T_MAP, K_COUNT, 0, "MaxConcurrencyPath"},
	{"MaxConcurrencyPath", T_MAP, K_REFERENCE, 0, NULL},
	{"ToleratedFailureCount", T_MAP, K_COUNT, 0, "ToleratedFailureCountPath"},
	{"ToleratedFailureCountPath", T_MAP, K_REFERENCE, 0, NULL},
	{"ToleratedFailurePercentage", T_MAP, K_PERCENT, 0, "ToleratedFailurePercentagePath"},
	{"ToleratedFailurePercentagePath", T_MAP, K_REFERENCE, 0, NULL},
};

void asl_tell(struct asl_check *c, const char *severity, const char *code, const char *where,
	const char *fmt, ...)
{
	struct json *d = json_object();
	struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	json_set_str(d, "severity", severity);
	json_set_str(d, "code", code);
	json_set_str(d, "message", sb.buf);
	json_set_str(d, "location", where);
	json_push(c->found, d);
	strbuf_release(&sb);
}

bool asl_is_placeholder(const struct asl_check *c, const char *text)
{
	const char *start = text ? strstr(text, "${") : NULL;

	return c->placeholders && start && strchr(start, '}');
}

/* --- payload templates --- */

static void check_member(struct asl_check *c, const struct json *m, const char *where, bool dollars)
{
	const char *name = json_name(m), *text = json_str(m);

	if (ends_with(name, ".$") && strlen(name) > 2) {
		if (!dollars)
			asl_tell(c, "WARNING", "PASS_RESULT_IS_STATIC", where,
				"Using JSONPath or an intrinsic function in the field '%s' has no "
				"effect: the result of a Pass state is static",
				name);
		else if (!asl_is_placeholder(c, text) && (!text || !asl_expression_valid(text)))
			SCHEMA(c, where,
				"The value for the field '%s' must be a valid JSONPath or a valid "
				"intrinsic function call",
				name);
	} else if (dollars && text &&
		   ((starts_with(text, "$.") && asl_path_valid(text, ASL_PATH_ANY)) ||
			   (asl_is_intrinsic(text) && asl_intrinsic_valid(text)))) {
		asl_tell(c, "WARNING", "NO_DOLLAR", where,
			"The field '%s' looks like a JSONPath or an intrinsic function, but its "
			"name does not end with '.$'",
			name);
	}
}

void asl_check_template(struct asl_check *c, const struct json *t, const char *where, bool dollars)
{
	const struct json *e;

	json_each(e, t)
	{
		if (json_is(t, JSON_OBJECT))
			check_member(c, e, where, dollars);
		asl_check_template(c, e, where, dollars);
	}
}

static bool assigns_one(const struct json *assign, const char *name, size_t len)
{
	const struct json *e;

	json_each(e, assign)
	{
		if (!strncmp(json_name(e), name, len) &&
			(!json_name(e)[len] || !strcmp(json_name(e) + len, ".$")))
			return true;
	}
	return false;
}

/* Does one of the states assign the variable, by itself, a rule or a catcher? */
static bool assigns(const struct json *states, const char *name, size_t len)
{
	static const char *const lists[] = {"Choices", "Catch"};
	const struct json *s, *e;

	json_each(s, states)
	{
		if (assigns_one(json_get(s, "Assign"), name, len))
			return true;
		for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
			json_each(e, json_get(s, lists[i]))
			{
				if (assigns_one(json_get(e, "Assign"), name, len))
					return true;
			}
		}
	}
	return false;
}

static void check_variables(struct asl_check *c, const struct json *assign, const char *where)
{
	const struct json *e;
	const char *name;
	size_t len;

	json_each(e, assign)
	{
		name = json_name(e);
		len = strlen(name) - (ends_with(name, ".$") ? 2 : 0);
		if (!len || len > 80 || (*name >= '0' && *name <= '9') ||
			(len == 6 && !strncmp(name, "states", 6)) ||
			strcspn(name, " .-$[]()'\"*?,:@") < len)
			SCHEMA(c, where, "'%s' is not a valid variable name", name);
		for (const struct asl_around *a = c->around; a; a = a->outer) {
			if (assigns(a->states, name, len))
				SCHEMA(c, where,
					"The variable '%.*s' is assigned in an outer scope, too",
					(int)len, name);
		}
	}
}

/* --- one field --- */

static void check_path(
	struct asl_check *c, const struct field *f, const struct json *v, const char *where)
{
	const char *text = json_str(v);

	if (f->kind == K_REFERENCE) {
		if (!text || !(asl_path_valid(text, ASL_PATH_REFERENCE) ||
				     (asl_is_intrinsic(text) && asl_intrinsic_valid(text) &&
					     !strcmp(f->name, "ItemsPath"))))
			SCHEMA(c, where, "Value is not a Reference Path");
	} else if (f->kind == K_EXPRESSION) {
		if (!text || !asl_expression_valid(text))
			SCHEMA(c, where, "Value is not a valid JSONPath or intrinsic function");
	} else if (json_is(v, JSON_NULL)) {
		return;
	} else if (f->kind == K_RESULT_PATH) {
		if (!text || !asl_path_valid(text, ASL_PATH_RESULT))
			SCHEMA(c, where, "Value is not a Reference Path");
	} else if (!text || !asl_path_valid(text, ASL_PATH_ANY)) {
		SCHEMA(c, where, "Value is not a valid JSONPath");
	}
}

void asl_check_number(
	struct asl_check *c, const struct json *v, double min, double max, const char *where)
{
	double d = json_dbl(v, -1);

	if (!json_is(v, JSON_NUMBER) || d != floor(d))
		SCHEMA(c, where, "Expected value of type Integer");
	else if (d < min || d > max)
		SCHEMA(c, where, "Expected value between %.0f and %.0f", min, max);
}

static void check_value(
	struct asl_check *c, const struct field *f, const struct json *v, const char *where)
{
	int64_t ms;

	if (asl_is_placeholder(c, json_str(v)))
		return;
	switch (f->kind) {
	case K_ANY:
		asl_check_template(c, v, where, false);
		break;
	case K_STRING:
		if (!json_is(v, JSON_STRING))
			SCHEMA(c, where, "Expected value of type String");
		break;
	case K_TRUE:
		if (!json_is(v, JSON_BOOL))
			SCHEMA(c, where, "Expected value of type Boolean");
		break;
	case K_COUNT:
		asl_check_number(c, v, f->min, 99999999, where);
		break;
	case K_PERCENT:
		if (!json_is(v, JSON_NUMBER))
			SCHEMA(c, where, "Expected value of type Number");
		else if (json_dbl(v, -1) < 0 || json_dbl(v, -1) > 100)
			SCHEMA(c, where, "Expected value between 0 and 100");
		break;
	case K_TIMESTAMP:
		if (!json_is(v, JSON_STRING) || asl_timestamp(json_str(v), &ms) != 0)
			SCHEMA(c, where, "Value is not a valid timestamp");
		break;
	case K_TEMPLATE:
		asl_check_template(c, v, where, true);
		/* fall through */
	case K_OBJECT:
		if (!json_is(v, JSON_OBJECT))
			SCHEMA(c, where, "Expected value of type Object");
		break;
	case K_LIST:
		if (!json_is(v, JSON_ARRAY))
			SCHEMA(c, where, "Expected value of type Array");
		else if (json_len(v) < (size_t)f->min)
			SCHEMA(c, where, "Array must not be empty");
		break;
	default:
		check_path(c, f, v, where);
	}
}

/* --- Retry, Catch, Choices --- */

static void check_errors(struct asl_check *c, const struct json *rule, bool last, const char *where)
{
	const struct json *names = json_get(rule, "ErrorEquals"), *e;
	bool all = false;

	if (!names) {
		SCHEMA(c, where, "These fields are required: [ErrorEquals]");
		return;
	}
	if (!json_is(names, JSON_ARRAY) || !json_len(names))
		SCHEMA(c, where, "ErrorEquals must be an array of at least one error name");
	json_each(e, names)
	{
		if (!json_is(e, JSON_STRING))
			SCHEMA(c, where, "Expected value of type String");
		else
			all = all || !strcmp(json_str(e), "States.ALL");
	}
	if (all && (json_len(names) > 1 || !last))
		SCHEMA(c, where,
			"'States.ALL' must appear alone in ErrorEquals, and in the last of them");
}

void asl_check_known(
	struct asl_check *c, const struct json *o, const char *const *known, const char *where)
{
	const struct json *e;
	size_t i;

	json_each(e, o)
	{
		for (i = 0; known[i] && strcmp(known[i], json_name(e)) != 0;)
			i++;
		if (!known[i])
			SCHEMA(c, where, "Field '%s' is not supported", json_name(e));
	}
}

static void check_retry(struct asl_check *c, const struct json *r, bool last, const char *where)
{
	static const char *const known[] = {"Comment", "ErrorEquals", "IntervalSeconds",
		"MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", NULL};
	const char *jitter = json_get_str(r, "JitterStrategy");
	const struct json *rate = json_get(r, "BackoffRate");

	asl_check_known(c, r, known, where);
	check_errors(c, r, last, where);
	if (json_get(r, "IntervalSeconds"))
		asl_check_number(c, json_get(r, "IntervalSeconds"), 1, 99999999, where);
	if (json_get(r, "MaxAttempts"))
		asl_check_number(c, json_get(r, "MaxAttempts"), 0, 99999999, where);
	if (json_get(r, "MaxDelaySeconds"))
		asl_check_number(c, json_get(r, "MaxDelaySeconds"), 1, 31622400, where);
	if (rate && (!json_is(rate, JSON_NUMBER) || json_dbl(rate, 0) < 1))
		SCHEMA(c, where, "BackoffRate must be a number greater than or equal to 1.0");
	if (json_get(r, "JitterStrategy") &&
		(!jitter || (strcmp(jitter, "FULL") != 0 && strcmp(jitter, "NONE") != 0)))
		SCHEMA(c, where,
			"The field 'JitterStrategy' should have one of these values: [FULL, NONE]");
}

static void check_catch(struct asl_check *c, const struct json *r, bool last, const char *where)
{
	static const char *const known[] = {
		"Comment", "ErrorEquals", "Next", "ResultPath", "Assign", NULL};
	static const struct field path = {"ResultPath", 0, K_RESULT_PATH, 0, NULL};

	asl_check_known(c, r, known, where);
	check_errors(c, r, last, where);
	if (!json_get_str(r, "Next"))
		SCHEMA(c, where, "These fields are required: [Next]");
	if (json_get(r, "ResultPath"))
		check_value(c, &path, json_get(r, "ResultPath"), where);
	asl_check_template(c, json_get(r, "Assign"), where, true);
	check_variables(c, json_get(r, "Assign"), where);
}

/* A path where a text is meant: somebody forgot the end of the field's name. */
static void check_no_path(
	struct asl_check *c, const char *name, const char *text, const char *where)
{
	if (text && ((starts_with(text, "$.") && asl_path_valid(text, ASL_PATH_ANY)) ||
			    (asl_is_intrinsic(text) && asl_intrinsic_valid(text))))
		asl_tell(c, "WARNING", "NO_PATH", where,
			"The value of the field '%s' looks like a path, but the field's name does "
			"not end with 'Path'",
			name);
}

static void check_operand(struct asl_check *c, const struct json *v,
	const struct asl_comparator *cmp, const char *where)
{
	int64_t ms;
	bool ok = false;

	if (asl_is_placeholder(c, json_str(v)))
		return;
	if (cmp->path)
		ok = json_str(v) && asl_path_valid(json_str(v), ASL_PATH_ANY);
	else if (cmp->operand == ASL_OP_STRING)
		ok = json_is(v, JSON_STRING);
	else if (cmp->operand == ASL_OP_NUMBER)
		ok = json_is(v, JSON_NUMBER);
	else if (cmp->operand == ASL_OP_TIMESTAMP)
		ok = json_str(v) && asl_timestamp(json_str(v), &ms) == 0;
	else
		ok = json_is(v, JSON_BOOL);
	if (!ok)
		SCHEMA(c, where, "The value of '%s' is not of the type that it compares with",
			cmp->name);
	else if (!cmp->path)
		check_no_path(c, cmp->name, json_str(v), where);
}

static void check_rule(struct asl_check *c, const struct json *r, bool top, const char *where)
{
	const struct asl_comparator *cmp;
	const struct json *e, *inner;
	const char *name, *variable = json_get_str(r, "Variable");
	int conditions = 0;

	json_each(e, r)
	{
		name = json_name(e);
		cmp = asl_comparator(name);
		if (!strcmp(name, "And") || !strcmp(name, "Or")) {
			conditions++;
			if (!json_is(e, JSON_ARRAY) || !json_len(e))
				SCHEMA(c, where, "'%s' must be a non-empty array of rules", name);
			json_each(inner, e) check_rule(c, inner, false, where);
		} else if (!strcmp(name, "Not")) {
			conditions++;
			check_rule(c, e, false, where);
		} else if (cmp) {
			conditions++;
			check_operand(c, e, cmp, where);
			if (!asl_is_placeholder(c, variable) &&
				(!variable || !asl_path_valid(variable, ASL_PATH_ANY)))
				SCHEMA(c, where, "Variable must be a valid JSONPath");
		} else if (strcmp(name, "Variable") != 0 && strcmp(name, "Comment") != 0 &&
			   !(top && (!strcmp(name, "Next") || !strcmp(name, "Assign")))) {
			SCHEMA(c, where, "Field '%s' is not supported", name);
		}
	}
	if (conditions != 1)
		SCHEMA(c, where, "Exactly one of these fields is required: [%s]",
			asl_comparators());
	if (top && !json_get_str(r, "Next"))
		SCHEMA(c, where, "These fields are required: [Next]");
}

typedef void rule_fn(struct asl_check *c, const struct json *r, bool last, const char *where);

static void check_choice(struct asl_check *c, const struct json *r, bool last, const char *where)
{
	(void)last;
	check_rule(c, r, true, where);
	asl_check_template(c, json_get(r, "Assign"), where, true);
	check_variables(c, json_get(r, "Assign"), where);
}

static void check_rules(struct asl_check *c, const struct json *def, const char *name,
	rule_fn *check, const char *where)
{
	const struct json *list = json_get(def, name), *e;
	char *at;
	int i = 0;

	if (!json_is(list, JSON_ARRAY))
		return;
	json_each(e, list)
	{
		at = xasprintf("%s/%s[%d]", where, name, i++);
		if (json_is(e, JSON_OBJECT))
			check(c, e, !json_next(e), at);
		else
			SCHEMA(c, at, "Expected value of type Object");
		free(at);
	}
}

/* --- the state --- */

static void check_resource(struct asl_check *c, const struct json *def, const char *where)
{
	const char *resource = json_get_str(def, "Resource");
	char *at = xasprintf("%s/Resource", where);

	if (!json_get(def, "Resource"))
		SCHEMA(c, where, "These fields are required: [Resource]");
	else if (resource)
		asl_check_resource(c, resource, at);
	free(at);
}

static void check_wait(struct asl_check *c, const struct json *def, const char *where)
{
	static const char *const ways[] = {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"};
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		n += json_get(def, ways[i]) != NULL;
	if (n != 1)
		SCHEMA(c, where,
			"Exactly one of these fields is required: [Seconds, SecondsPath, "
			"Timestamp, TimestampPath]");
}

static void check_fields(struct asl_check *c, const struct json *def, int type, const char *where)
{
	const struct json *e;
	char *at;
	size_t i;

	json_each(e, def)
	{
		for (i = 0; i < ARRAY_SIZE(fields); i++) {
			if (!strcmp(fields[i].name, json_name(e)))
				break;
		}
		if (i == ARRAY_SIZE(fields) || !(fields[i].types & type)) {
			SCHEMA(c, where, "Field '%s' is not supported", json_name(e));
			continue;
		}
		at = xasprintf("%s/%s", where, fields[i].name);
		check_value(c, &fields[i], e, at);
		free(at);
		if (fields[i].without && json_get(def, fields[i].without))
			SCHEMA(c, where, "Only one of these fields may be there: [%s, %s]",
				fields[i].name, fields[i].without);
	}
}

static void check_by_type(struct asl_check *c, const struct json *def, int type, const char *where)
{
	int64_t timeout = json_get_i64(def, "TimeoutSeconds", INT64_MAX);

	if (type == T_TASK) {
		check_resource(c, def, where);
		if (json_get_i64(def, "HeartbeatSeconds", 0) >= timeout)
			SCHEMA(c, where, "HeartbeatSeconds must be smaller than TimeoutSeconds");
	} else if (type == T_WAIT) {
		check_wait(c, def, where);
	} else if (type == T_FAIL) {
		check_no_path(c, "Error", json_get_str(def, "Error"), where);
		check_no_path(c, "Cause", json_get_str(def, "Cause"), where);
	} else if (type == T_CHOICE && !json_get(def, "Choices")) {
		SCHEMA(c, where, "These fields are required: [Choices]");
	} else if (type == T_PARALLEL && !json_get(def, "Branches")) {
		SCHEMA(c, where, "These fields are required: [Branches]");
	} else if (type == T_MAP && !json_get(def, "ItemProcessor") && !json_get(def, "Iterator")) {
		SCHEMA(c, where, "These fields are required: [ItemProcessor]");
	}
	if ((type & T_GOES_ON) && !json_get(def, "Next") && !json_get_truth(def, "End", false))
		SCHEMA(c, where, "One of these fields is required: [Next, End]");
	check_rules(c, def, "Retry", check_retry, where);
	check_rules(c, def, "Catch", check_catch, where);
	check_rules(c, def, "Choices", check_choice, where);
	check_variables(c, json_get(def, "Assign"), where);
	if (type == T_MAP)
		asl_check_map(c, def, where);
}

void asl_check_state(struct asl_check *c, const struct json *def, const char *where)
{
	const char *name = json_get_str(def, "Type");
	char *at = xasprintf("%s/Type", where);
	size_t i = 0;

	while (name && i < ARRAY_SIZE(type_names) && strcmp(type_names[i], name) != 0)
		i++;
	if (!json_is(def, JSON_OBJECT)) {
		SCHEMA(c, where, "Expected value of type Object");
	} else if (!json_get(def, "Type")) {
		SCHEMA(c, where, "These fields are required: [Type]");
	} else if (!name || i == ARRAY_SIZE(type_names)) {
		SCHEMA(c, at,
			"The field 'Type' should have one of these values: [Task, Wait, Pass, "
			"Succeed, Fail, Choice, Parallel, Map]");
	} else {
		check_fields(c, def, 1 << i, where);
		check_by_type(c, def, 1 << i, where);
	}
	free(at);
}

void asl_check_query_language(struct asl_check *c, const struct json *o, const char *where)
{
	const char *language = json_get_str(o, "QueryLanguage");

	if (!json_get(o, "QueryLanguage") || (language && !strcmp(language, "JSONPath")))
		return;
	if (language && !strcmp(language, "JSONata"))
		SCHEMA(c, where, "QueryLanguage 'JSONata' is not supported by the local cloud");
	else
		SCHEMA(c, where,
			"The field 'QueryLanguage' should have one of these values: [JSONPath, "
			"JSONata]");
}

void asl_check_top(struct asl_check *c, const struct json *o)
{
	static const char *const known[] = {
		"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage", NULL};
	const char *version = json_get_str(o, "Version");

	asl_check_known(c, o, known, "/");
	if (json_get(o, "TimeoutSeconds"))
		asl_check_number(c, json_get(o, "TimeoutSeconds"), 1, 99999999, "/TimeoutSeconds");
	if (json_get(o, "Version") && (!version || strcmp(version, "1.0") != 0))
		SCHEMA(c, "/Version", "The field 'Version' should have one of these values: [1.0]");
}

void asl_check_processor(struct asl_check *c, const struct json *o, bool map, const char *where)
{
	static const char *const branch[] = {"Comment", "StartAt", "States", NULL};
	static const char *const processor[] = {
		"Comment", "StartAt", "States", "ProcessorConfig", NULL};
	const struct json *config = json_get(o, "ProcessorConfig");
	char *at;

	asl_check_known(c, o, map ? processor : branch, where);
	if (map && config) {
		at = xasprintf("%s/ProcessorConfig", where);
		asl_check_processor_config(c, config, at);
		free(at);
	}
}
