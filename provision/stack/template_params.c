/* The Parameters section. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "params.h"
#include "pattern.h"
#include "template_parts.h"

static const struct part_key parameter_keys[] = {
	{"Type", NULL, false},
	{"Default", NULL, false},
	{"AllowedValues", NULL, false},
	{"AllowedPattern", NULL, false},
	{"ConstraintDescription", NULL, false},
	{"Description", NULL, false},
	{"NoEcho", NULL, false},
	{"MinLength", NULL, false},
	{"MaxLength", NULL, false},
	{"MinValue", NULL, false},
	{"MaxValue", NULL, false},
	{0},
};

static const char *const plain_types[] = {
	"String", "Number", "CommaDelimitedList", "List<Number>", "List<String>", NULL};

/* Types of AWS's own whose values CloudFormation looks at; the List<> of each but the two marked is one, too. */
static const char *const aws_types[] = {
	"AWS::EC2::AvailabilityZone::Name",
	"AWS::EC2::Image::Id",
	"AWS::EC2::Instance::Id",
	"AWS::EC2::KeyPair::KeyName",
	"AWS::EC2::SecurityGroup::GroupName",
	"AWS::EC2::SecurityGroup::Id",
	"AWS::EC2::Subnet::Id",
	"AWS::EC2::VPC::Id",
	"AWS::EC2::Volume::Id",
	"AWS::Route53::HostedZone::Id",
	"AWS::SSM::Parameter::Name",
};

#define LOOKUP "AWS::SSM::Parameter::Value<"

static bool is_aws_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(aws_types); i++)
		if (!strcmp(aws_types[i], type))
			return true;
	return false;
}

enum param_kind param_kind_of(const char *type)
{
	if (!strcmp(type, "String") || is_aws_type(type))
		return PARAM_STRING;
	if (!strcmp(type, "Number"))
		return PARAM_NUMBER;
	if (!strcmp(type, "List<Number>"))
		return PARAM_NUMBER_LIST;
	if (!strcmp(type, "CommaDelimitedList") || !strcmp(type, "List<String>") ||
		(starts_with(type, "List<AWS::") && ends_with(type, ">")))
		return PARAM_STRING_LIST;
	if (!starts_with(type, LOOKUP) || !ends_with(type, ">"))
		return PARAM_UNKNOWN;
	type += strlen(LOOKUP);
	return starts_with(type, "List<") || !strcmp(type, "CommaDelimitedList>")
		       ? PARAM_LOOKUP_LIST
		       : PARAM_LOOKUP;
}

static void check_type(struct checker *c, const struct yaml_node *n, const char *type)
{
	struct suggest s;
	switch (param_kind_of(type)) {
	case PARAM_UNKNOWN:
		suggest_init(&s, type);
		for (size_t i = 0; plain_types[i]; i++)
			suggest_offer(&s, plain_types[i]);
		for (size_t i = 0; i < ARRAY_SIZE(aws_types); i++)
			suggest_offer(&s, aws_types[i]);
		check_fail(c, yaml_get(n, "Type"), "parameter type '%s' is unknown", type);
		if (!report_suggest(c->errors, &s))
			report_hint(c->errors,
				"use String, Number, List<Number> or CommaDelimitedList");
		break;
	default:
		break;
	}
}

static void read_length(
	struct checker *c, const struct yaml_node *n, const char *key, bool *has, long long *out)
{
	const char *text = part_text(c, n, key);
	*has = text && !parse_int64(text, 0, INT64_MAX, out);
	if (text && !*has)
		check_fail(c, yaml_get(n, key), "%s must be a whole number", key);
}

static void read_limit(
	struct checker *c, const struct yaml_node *n, const char *key, bool *has, double *out)
{
	const char *text = part_text(c, n, key);
	char *end;
	*has = false;
	if (!text)
		return;
	*out = strtod(text, &end);
	*has = *text && !*end && isfinite(*out);
	if (!*has)
		check_fail(c, yaml_get(n, key), "%s must be a number", key);
}

static void read_pattern(struct checker *c, const struct yaml_node *n, const char **out)
{
	struct err err = ERR_INIT;
	struct arena scratch = ARENA_INIT;
	*out = part_text(c, n, "AllowedPattern");
	if (*out && !pattern_compile(&scratch, *out, &err)) {
		bool wrong = err.code == ERR_INVALID;
		report(wrong ? c->errors : c->warnings, c->t->file, yaml_get(n, "AllowedPattern"),
			c->path.buf,
			wrong ? "AllowedPattern is wrong: %s"
			      : "AllowedPattern is not checked: %s is not supported",
			err.text);
		*out = NULL;
	}
	err_release(&err);
	arena_release(&scratch);
}

static void read_allowed_values(
	struct checker *c, const struct yaml_node *n, struct template_parameter *p)
{
	struct yaml_node *v = yaml_get(n, "AllowedValues");
	bool ok = v && v->kind == YAML_SEQUENCE && v->nr && !v->tag;
	for (size_t i = 0; ok && i < v->nr; i++)
		ok = v->items[i]->kind == YAML_SCALAR && !v->items[i]->tag;
	if (v && !ok)
		check_fail(c, v, "AllowedValues must be a list of values");
	p->allowed_values = ok ? v : NULL;
}

static void read_no_echo(struct checker *c, const struct yaml_node *n, struct template_parameter *p)
{
	const struct yaml_node *v = yaml_get(n, "NoEcho");
	const char *text = part_text(c, n, "NoEcho");
	if (!text)
		return;
	p->no_echo = iequals(text, "true") || (yaml_scalar_type(v) == YAML_T_BOOL && yaml_truth(v));
	if (!p->no_echo && !iequals(text, "false") && yaml_scalar_type(v) != YAML_T_BOOL)
		check_fail(c, yaml_get(n, "NoEcho"), "NoEcho must be true or false");
}

/* What only makes sense for other types. */
static void check_limits_of_type(
	struct checker *c, const struct yaml_node *n, const struct template_parameter *p)
{
	static const char *const of_numbers[] = {"MinValue", "MaxValue"}, *const of_texts[] = {
										  "MinLength",
										  "MaxLength",
										  "AllowedPattern"};
	bool number = !strcmp(p->type, "Number");
	const char *const *wrong = number ? of_texts : of_numbers;
	size_t nr = number ? ARRAY_SIZE(of_texts) : ARRAY_SIZE(of_numbers);
	if (param_kind_of(p->type) == PARAM_NUMBER_LIST)
		return;
	for (size_t i = 0; i < nr; i++)
		for (size_t j = 0; j < n->nr; j++)
			if (!strcmp(n->pairs[j].key->text, wrong[i]))
				check_fail(c, n->pairs[j].key, "%s does not go with type %s",
					wrong[i], p->type);
	if (p->has_min_length && p->has_max_length && p->min_length > p->max_length)
		check_fail(c, yaml_get(n, "MinLength"), "MinLength is more than MaxLength");
	if (p->has_min_value && p->has_max_value && p->min_value > p->max_value)
		check_fail(c, yaml_get(n, "MinValue"), "MinValue is more than MaxValue");
}

static void read_default(struct checker *c, const struct yaml_node *n, struct template_parameter *p)
{
	struct yaml_node *v = yaml_get(n, "Default");
	if (!v)
		return;
	if (v->kind == YAML_SCALAR && !v->tag && yaml_scalar_type(v) != YAML_T_NULL)
		p->default_value = v;
	else
		check_fail(c, v, "Default must be a plain text, lists joined by commas");
}

static void read_parameter(
	struct checker *c, struct template_parameter *p, const struct yaml_pair *pair)
{
	struct yaml_node *n = pair->value;
	p->name = pair->key->text;
	p->node = n;
	p->type = "String";
	part_check_id(c, pair->key, p->name, "parameter");
	if (!part_is_mapping(c, n, "a parameter"))
		return;
	part_check_keys(c, n, parameter_keys, "parameter");
	if (!yaml_get(n, "Type"))
		check_fail(c, pair->key, "parameter '%s' has no Type", p->name);
	const char *type = part_text(c, n, "Type");
	if (type) {
		p->type = type;
		check_type(c, n, type);
	}
	read_no_echo(c, n, p);
	read_default(c, n, p);
	read_allowed_values(c, n, p);
	read_pattern(c, n, &p->allowed_pattern);
	p->constraint_description = part_text(c, n, "ConstraintDescription");
	p->description = part_description(c, n, 4000);
	read_length(c, n, "MinLength", &p->has_min_length, &p->min_length);
	read_length(c, n, "MaxLength", &p->has_max_length, &p->max_length);
	read_limit(c, n, "MinValue", &p->has_min_value, &p->min_value);
	read_limit(c, n, "MaxValue", &p->has_max_value, &p->max_value);
	check_limits_of_type(c, n, p);
}

void template_read_parameters(struct checker *c, struct template *t, const struct yaml_node *n)
{
	if (!part_is_mapping(c, n, "Parameters"))
		return;
	t->parameters = arena_alloc(&t->arena, (n->nr + 1) * sizeof(*t->parameters));
	t->nr_parameters = n->nr;
	part_check_count(c, n, "parameters", TEMPLATE_MAX_PARAMETERS);
	for (size_t i = 0; i < n->nr; i++) {
		size_t mark = part_enter(c, n->pairs[i].key->text);
		read_parameter(c, &t->parameters[i], &n->pairs[i]);
		part_leave(c, mark);
	}
}
