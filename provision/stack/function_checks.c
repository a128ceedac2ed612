/* What a template may not write although each function of it is known: nesting, and shapes of single functions. */
#include <string.h>
#include "cidr.h"
#include "intrinsics.h"

static bool is_plain(const struct yaml_node *n)
{
	return n->kind == YAML_SCALAR && !(n->tag && n->tag[0] == '!' && n->tag[1]);
}

static const char *shape_of(const struct intrinsic *fn)
{
	return !strcmp(fn->name, "Condition") ? "a condition" : fn->name;
}

static unsigned widened(const struct checker *c, unsigned allowed)
{
	if (c->t->language_extensions && (allowed & IN_EXT_TEXT))
		allowed |= IN_SUB | IN_JOIN | IN_SELECT | IN_IF | IN_LENGTH | IN_JSON;
	if (c->t->language_extensions && (allowed & IN_EXT_LENGTH))
		allowed |= IN_LENGTH;
	return allowed;
}

static void hint_allowed(struct checker *c, unsigned allowed)
{
	struct strbuf names = STRBUF_INIT;
	unsigned told = 0;
	for (size_t i = 0; i < nr_intrinsics; i++) {
		unsigned self = intrinsics[i].self;
		if (!(self & allowed) || (intrinsics[i].flags & FN_RULES && c->where != IN_RULES))
			continue;
		told |= self;
		strbuf_addf(&names, "%s%s", names.len ? ", " : "", intrinsics[i].name);
	}
	if (told)
		report_hint(c->errors, "of the functions, only %s may stand here", names.buf);
	else
		report_hint(c->errors, "no function may stand here");
	strbuf_release(&names);
}

bool check_inside(
	struct checker *c, const struct call *outer, const struct yaml_node *n, unsigned allowed)
{
	struct call inner;
	if (!allowed || call_of(n, c->where != IN_VALUES, &inner) != CALL_KNOWN)
		return true;
	allowed = widened(c, allowed);
	if (inner.fn->self & allowed)
		return true;
	/* One that does not belong here at all says so itself. */
	unsigned wrong = c->where == IN_VALUES ? FN_CONDITION : FN_RESOURCES;
	if ((inner.fn->flags & wrong) || !inner.fn->self)
		return true;
	check_fail(c, inner.node, "%s may not stand there in %s", shape_of(inner.fn), outer->name);
	hint_allowed(c, allowed);
	return false;
}

/* --- single functions --- */
static void check_whole(
	struct checker *c, const struct call *call, size_t i, const char *what, long long max)
{
	const struct yaml_node *n = i < call->arg->nr ? call->arg->items[i] : NULL;
	long long value;
	if (n && is_plain(n) && parse_int64(n->text, 1, max, &value))
		check_fail(c, n, "%s of %s must be a whole number from 1 to %lld", what, call->name,
			max);
}

void check_cidr(struct checker *c, const struct call *call)
{
	const struct yaml_node *block = call->arg->items[0];
	check_list_function(c, call);
	if (is_plain(block)) {
		struct cidr parsed;
		if (cidr_parse(block->text, &parsed)) {
			check_fail(c, block, "'%s' is not a block of addresses", block->text);
			report_hint(c->errors, "write it as 10.0.0.0/16 or 2001:db8::/56");
		}
	} else if (block->kind == YAML_SEQUENCE && !block->tag) {
		check_fail(c, block, "the first value of %s must be a text", call->name);
	}
	check_whole(c, call, 1, "the count", 256);
	check_whole(c, call, 2, "the bits", 128);
}

void check_to_json(struct checker *c, const struct call *call)
{
	struct call inner;
	bool function = call_of(call->arg, false, &inner) != CALL_NONE;
	if (!function && (call->arg->kind == YAML_SCALAR || !call->arg->nr)) {
		check_fail(
			c, call->arg, "%s takes a mapping or a list that is not empty", call->name);
		return;
	}
	check_node(c, call->arg);
}

/* Those with a transform that have a name were expanded before. */
void check_foreach(struct checker *c, const struct call *call)
{
	check_fail(c, call->node, "%s is not supported here", call->name);
	report_hint(c->errors, "it stands as `Fn::ForEach::Name` in Resources, Outputs, Conditions "
			       "and in properties");
}

void check_transform(struct checker *c, const struct call *call)
{
	const struct yaml_node *name = yaml_get(call->arg, "Name");
	check_fail(c, call->node, "transform '%s' is not supported",
		name && name->kind == YAML_SCALAR ? name->text : call->name);
	report_hint(c->errors, "glueproj runs no macros and includes no files; only "
			       "AWS::LanguageExtensions is known");
}

static bool is_parameter_type(const char *type)
{
	return (starts_with(type, "AWS::") && strstr(type + 5, "::")) ||
	       starts_with(type, "List<AWS::");
}

void check_rule_type(struct checker *c, const struct call *call)
{
	const struct yaml_node *n =
		call->arg->kind == YAML_SEQUENCE ? call->arg->items[0] : call->arg;
	if (!is_plain(n) || !is_parameter_type(n->text)) {
		check_fail(c, n, "%s takes a parameter type of AWS", call->name);
		report_hint(c->errors, "such as AWS::EC2::VPC::Id");
	}
}

void check_rule_parameter(struct checker *c, const struct call *call)
{
	const struct yaml_node *n = call->arg->items[0];
	if (!is_plain(n) || !is_plain(call->arg->items[1])) {
		check_fail(c, n, "%s takes a parameter's name and an attribute", call->name);
		return;
	}
	check_ref_name(c, n, n->text);
}
