#include "intrinsics.h"

#include <string.h>

#define TEXTS                                                                              \
	(IN_REF | IN_GETATT | IN_SUB | IN_JOIN | IN_SELECT | IN_FIND | IN_IF | IN_IMPORT | \
		IN_BASE64)
#define LISTS (IN_REF | IN_GETATT | IN_SPLIT | IN_FIND | IN_IF | IN_ZONES | IN_CIDR)
#define KEYS (IN_REF | IN_FIND | IN_EXT_TEXT)
#define CIDRS (IN_REF | IN_GETATT | IN_SUB | IN_SELECT | IN_FIND | IN_IF | IN_IMPORT)
#define COMPARED (IN_REF | IN_FIND | IN_SUB | IN_JOIN | IN_SELECT | IN_SPLIT | IN_LENGTH | IN_JSON)

/* Sorted by name, as the suggestions and the README list them. */
const struct intrinsic intrinsics[] = {
	{.name = "Condition",
		.tag = "!Condition",
		.flags = FN_CONDITION,
		.check = check_condition,
		.eval = eval_condition,
		.self = IN_LOGIC},
	{.name = "Fn::And",
		.tag = "!And",
		.flags = FN_CONDITION,
		.min_args = 2,
		.max_args = 10,
		.eval = eval_and,
		.self = IN_LOGIC,
		.items = IN_LOGIC | IN_RULE},
	{.name = "Fn::Base64",
		.tag = "!Base64",
		.flags = FN_RESOURCES,
		.check = check_any,
		.eval = eval_base64,
		.self = IN_BASE64,
		.inside = {TEXTS | IN_CIDR | IN_LENGTH | IN_JSON, 0, 0}},
	{.name = "Fn::Cidr",
		.tag = "!Cidr",
		.flags = FN_RESOURCES,
		.min_args = 2,
		.max_args = 3,
		.check = check_cidr,
		.eval = eval_cidr,
		.self = IN_CIDR,
		.inside = {CIDRS, CIDRS, CIDRS}},
	{.name = "Fn::Contains",
		.tag = "!Contains",
		.flags = FN_CONDITION | FN_RULES,
		.min_args = 2,
		.max_args = 2,
		.eval = eval_contains,
		.self = IN_RULE},
	{.name = "Fn::EachMemberEquals",
		.tag = "!EachMemberEquals",
		.flags = FN_CONDITION | FN_RULES,
		.min_args = 2,
		.max_args = 2,
		.eval = eval_each_equals,
		.self = IN_RULE},
	{.name = "Fn::EachMemberIn",
		.tag = "!EachMemberIn",
		.flags = FN_CONDITION | FN_RULES,
		.min_args = 2,
		.max_args = 2,
		.eval = eval_each_in,
		.self = IN_RULE},
	{.name = "Fn::Equals",
		.tag = "!Equals",
		.flags = FN_CONDITION,
		.min_args = 2,
		.max_args = 2,
		.eval = eval_equals,
		.self = IN_LOGIC,
		.inside = {COMPARED | IN_RULE, COMPARED | IN_RULE, 0}},
	{.name = "Fn::FindInMap",
		.tag = "!FindInMap",
		.min_args = 3,
		.max_args = 4,
		.check = check_find_in_map,
		.eval = eval_find_in_map,
		.self = IN_FIND,
		.inside = {KEYS, KEYS, KEYS}},
	{.name = "Fn::ForEach", .flags = FN_EXTENSION | FN_BESIDE, .check = check_foreach},
	{.name = "Fn::GetAZs",
		.tag = "!GetAZs",
		.flags = FN_RESOURCES,
		.check = check_any,
		.eval = eval_zones,
		.self = IN_ZONES,
		.inside = {IN_REF | IN_GETATT | IN_IF | IN_JOIN | IN_SELECT | IN_SUB, 0, 0}},
	{.name = "Fn::GetAtt",
		.tag = "!GetAtt",
		.flags = FN_RESOURCES,
		.check = check_getatt,
		.eval = eval_getatt,
		.self = IN_GETATT},
	{.name = "Fn::If",
		.tag = "!If",
		.min_args = 3,
		.max_args = 3,
		.check = check_if,
		.eval = eval_if,
		.self = IN_IF},
	{.name = "Fn::ImportValue",
		.tag = "!ImportValue",
		.flags = FN_RESOURCES,
		.check = check_any,
		.eval = eval_import,
		.self = IN_IMPORT,
		.inside = {IN_BASE64 | IN_FIND | IN_IF | IN_JOIN | IN_SELECT | IN_SUB | IN_REF, 0,
			0}},
	{.name = "Fn::Join",
		.tag = "!Join",
		.min_args = 2,
		.max_args = 2,
		.check = check_delimited,
		.eval = eval_join,
		.self = IN_JOIN,
		.inside = {IN_NONE, LISTS, 0},
		.items = TEXTS},
	{.name = "Fn::Length",
		.tag = "!Length",
		.flags = FN_EXTENSION,
		.check = check_any,
		.eval = eval_length,
		.self = IN_LENGTH,
		.inside = {IN_REF | IN_FIND | IN_SPLIT | IN_IF | IN_ZONES, 0, 0}},
	{.name = "Fn::Not",
		.tag = "!Not",
		.flags = FN_CONDITION,
		.min_args = 1,
		.max_args = 1,
		.eval = eval_not,
		.self = IN_LOGIC,
		.items = IN_LOGIC | IN_RULE},
	{.name = "Fn::Or",
		.tag = "!Or",
		.flags = FN_CONDITION,
		.min_args = 2,
		.max_args = 10,
		.eval = eval_or,
		.self = IN_LOGIC,
		.items = IN_LOGIC | IN_RULE},
	{.name = "Fn::RefAll",
		.tag = "!RefAll",
		.flags = FN_RULES,
		.check = check_rule_type,
		.eval = eval_ref_all,
		.self = IN_RULE},
	{.name = "Fn::Select",
		.tag = "!Select",
		.min_args = 2,
		.max_args = 2,
		.eval = eval_select,
		.self = IN_SELECT,
		.inside = {IN_REF | IN_FIND | IN_EXT_LENGTH, LISTS, 0},
		.items = IN_FIND | IN_GETATT | IN_IF | IN_REF},
	{.name = "Fn::Split",
		.tag = "!Split",
		.min_args = 2,
		.max_args = 2,
		.check = check_delimited,
		.eval = eval_split,
		.self = IN_SPLIT,
		.inside = {IN_NONE, TEXTS | IN_ZONES, 0}},
	{.name = "Fn::Sub", .tag = "!Sub", .check = check_sub, .eval = eval_sub, .self = IN_SUB},
	{.name = "Fn::ToJsonString",
		.tag = "!ToJsonString",
		.flags = FN_EXTENSION,
		.check = check_to_json,
		.eval = eval_to_json,
		.self = IN_JSON,
		.inside = {IN_FIND | IN_GETATT | IN_ZONES | IN_IF | IN_SELECT | IN_SPLIT | IN_REF,
			0, 0}},
	{.name = "Fn::Transform",
		.tag = "!Transform",
		.flags = FN_BESIDE,
		.check = check_transform},
	{.name = "Fn::ValueOf",
		.tag = "!ValueOf",
		.flags = FN_RULES,
		.min_args = 2,
		.max_args = 2,
		.check = check_rule_parameter,
		.eval = eval_value_of,
		.self = IN_RULE},
	{.name = "Fn::ValueOfAll",
		.tag = "!ValueOfAll",
		.flags = FN_RULES,
		.min_args = 2,
		.max_args = 2,
		.check = check_rule_type,
		.eval = eval_value_of,
		.self = IN_RULE},
	{.name = "Ref", .tag = "!Ref", .check = check_ref, .eval = eval_ref, .self = IN_REF},
};
const size_t nr_intrinsics = ARRAY_SIZE(intrinsics);

const char *const pseudo_parameters[] = {
	"AWS::AccountId",
	"AWS::NoValue",
	"AWS::NotificationARNs",
	"AWS::Partition",
	"AWS::Region",
	"AWS::StackId",
	"AWS::StackName",
	"AWS::URLSuffix",
	NULL,
};

/* --- what is a use of a function --- */
static const struct intrinsic *find_tag(const char *tag)
{
	for (size_t i = 0; i < nr_intrinsics; i++)
		if (intrinsics[i].tag && !strcmp(intrinsics[i].tag, tag))
			return &intrinsics[i];
	return NULL;
}

static const struct intrinsic *find_name(const char *name)
{
	if (starts_with(name, "Fn::ForEach::"))
		name = "Fn::ForEach";
	for (size_t i = 0; i < nr_intrinsics; i++)
		if (!strcmp(intrinsics[i].name, name))
			return &intrinsics[i];
	return NULL;
}

static enum call_kind call_of_mapping(const struct yaml_node *n, bool condition, struct call *out)
{
	for (size_t i = 0; i < n->nr; i++) {
		const char *key = n->pairs[i].key->text;
		bool is_fn = starts_with(key, "Fn::");
		if (!is_fn && (n->nr > 1 || (strcmp(key, "Ref") != 0 &&
						    !(condition && !strcmp(key, "Condition")))))
			continue;
		out->name = key;
		out->node = n;
		out->arg = n->pairs[i].value;
		out->fn = find_name(key);
		if (n->nr > 1 && !(out->fn && (out->fn->flags & FN_BESIDE)))
			return CALL_NOT_ALONE;
		return out->fn ? CALL_KNOWN : CALL_UNKNOWN;
	}
	return CALL_NONE;
}

enum call_kind call_of(const struct yaml_node *n, bool condition, struct call *out)
{
	if (n->tag && n->tag[0] == '!' && n->tag[1]) {
		out->name = n->tag;
		out->node = n;
		out->untagged = *n;
		out->untagged.tag = NULL;
		out->arg = &out->untagged;
		out->fn = find_tag(n->tag);
		return out->fn ? CALL_KNOWN : CALL_UNKNOWN;
	}
	return n->kind == YAML_MAPPING ? call_of_mapping(n, condition, out) : CALL_NONE;
}

/* A scalar that is no function. */
static bool is_literal(const struct yaml_node *n)
{
	return n->kind == YAML_SCALAR && !(n->tag && n->tag[0] == '!' && n->tag[1]);
}

bool getatt_parts(const struct call *call, char **id, const struct yaml_node **attribute_node,
	char **attribute)
{
	const struct yaml_node *arg = call->arg;
	*id = *attribute = NULL;
	*attribute_node = arg;
	if (is_literal(arg)) {
		const char *dot = strchr(arg->text, '.');
		if (!dot || dot == arg->text || !dot[1])
			return false;
		*id = xstrndup(arg->text, (size_t)(dot - arg->text));
		*attribute = xstrdup(dot + 1);
		return true;
	}
	if (arg->kind != YAML_SEQUENCE || arg->nr != 2 || !is_literal(arg->items[0]))
		return false;
	*id = xstrdup(arg->items[0]->text);
	*attribute_node = arg->items[1];
	if (is_literal(arg->items[1]))
		*attribute = xstrdup(arg->items[1]->text);
	return true;
}

/* --- the text of Fn::Sub --- */
bool sub_next(const char **p, struct sub_piece *piece)
{
	const char *s = *p;
	if (!*s)
		return false;
	if (s[0] == '$' && s[1] == '{' && s[2] == '!') {
		*piece = (struct sub_piece){SUB_TEXT, s, 2};
		*p = s + 3;
		return true;
	}
	if (s[0] == '$' && s[1] == '{') {
		const char *end = strchr(s, '}');
		if (!end) {
			*piece = (struct sub_piece){SUB_BROKEN, s, strlen(s)};
			*p = s + strlen(s);
			return true;
		}
		*piece = (struct sub_piece){SUB_NAME, s + 2, (size_t)(end - s - 2)};
		*p = end + 1;
		return true;
	}
	const char *next = s;
	do
		next++;
	while (*next && !(next[0] == '$' && next[1] == '{'));
	*piece = (struct sub_piece){SUB_TEXT, s, (size_t)(next - s)};
	*p = next;
	return true;
}

/* --- checks --- */
void check_fail(struct checker *c, const struct yaml_node *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report_v(c->errors, c->t->file, at, c->path.len ? c->path.buf : NULL, fmt, ap);
	va_end(ap);
}

const char *check_place_name(const struct checker *c)
{
	static const char *const names[] = {
		[IN_VALUES] = "values",
		[IN_CONDITIONS] = "Conditions",
		[IN_RULES] = "Rules",
		[IN_NAMES] = "loops and names",
	};
	return names[c->where];
}

static void suggest_names(struct checker *c, const char *name)
{
	struct suggest s;
	suggest_init(&s, name);
	for (size_t i = 0; i < c->t->nr_parameters; i++)
		suggest_offer(&s, c->t->parameters[i].name);
	for (size_t i = 0; c->where == IN_VALUES && i < c->t->nr_resources; i++)
		suggest_offer(&s, c->t->resources[i].logical_id);
	for (size_t i = 0; pseudo_parameters[i]; i++)
		suggest_offer(&s, pseudo_parameters[i]);
	report_suggest(c->errors, &s);
}

static bool is_parameter(const struct template *t, const char *name)
{
	for (size_t i = 0; i < t->nr_parameters; i++)
		if (!strcmp(t->parameters[i].name, name))
			return true;
	for (size_t i = 0; pseudo_parameters[i]; i++)
		if (!strcmp(pseudo_parameters[i], name))
			return true;
	return false;
}

void check_ref_name(struct checker *c, const struct yaml_node *at, const char *name)
{
	if (is_parameter(c->t, name))
		return;
	if (!template_find(c->t, name)) {
		check_fail(
			c, at, "'%s' is neither a parameter nor a resource of this template", name);
		suggest_names(c, name);
	} else if (c->where != IN_VALUES) {
		check_fail(c, at, "'%s' is a resource: %s can only refer to parameters", name,
			check_place_name(c));
	}
}

void check_attribute(
	struct checker *c, const struct yaml_node *at, const char *id, const char *attribute)
{
	const struct template_resource *r = template_find(c->t, id);
	if (!r) {
		if (is_parameter(c->t, id)) {
			check_fail(c, at, "'%s' is a parameter: it has no attributes", id);
			return;
		}
		struct suggest s;
		suggest_init(&s, id);
		for (size_t i = 0; i < c->t->nr_resources; i++)
			suggest_offer(&s, c->t->resources[i].logical_id);
		check_fail(c, at, "'%s' is not a resource of this template", id);
		report_suggest(c->errors, &s);
		return;
	}
	const struct type_schema *type = schema_find(c->types, r->type);
	if (!type || !attribute)
		return;
	struct suggest s;
	suggest_init(&s, attribute);
	for (const struct attribute *a = type->attributes; a && a->name; a++) {
		if (!strcmp(a->name, attribute))
			return;
		suggest_offer(&s, a->name);
	}
	check_fail(c, at, "'%s' is an %s, which has no attribute '%s'", id, r->type, attribute);
	if (report_suggest(c->errors, &s))
		return;
	if (!s.best) {
		report_hint(c->errors, "it has no attributes at all; Ref gives its name");
		return;
	}
	struct strbuf names = STRBUF_INIT;
	for (const struct attribute *a = type->attributes; a->name; a++)
		strbuf_addf(&names, "%s%s", names.len ? ", " : "", a->name);
	report_hint(c->errors, "it has %s", names.buf);
	strbuf_release(&names);
}

void check_condition_name(struct checker *c, const struct yaml_node *at, const char *name)
{
	if (yaml_get(c->t->conditions, name))
		return;
	struct suggest s;
	suggest_init(&s, name);
	for (size_t i = 0; c->t->conditions && i < c->t->conditions->nr; i++)
		suggest_offer(&s, c->t->conditions->pairs[i].key->text);
	check_fail(c, at, "condition '%s' is not defined", name);
	if (!report_suggest(c->errors, &s) && !s.best)
		report_hint(c->errors, "the template has no Conditions section");
}

void check_any(struct checker *c, const struct call *call)
{
	check_node(c, call->arg);
}

void check_list_function(struct checker *c, const struct call *call)
{
	for (size_t i = 0; i < call->arg->nr; i++)
		check_node(c, call->arg->items[i]);
}

void check_delimited(struct checker *c, const struct call *call)
{
	const struct yaml_node *delimiter = call->arg->items[0];
	if (!is_literal(delimiter)) {
		check_fail(c, delimiter, "the delimiter of %s must be written as text", call->name);
		return;
	}
	const struct yaml_node *list = call->arg->items[1];
	if (call->fn->eval == eval_join && is_literal(list)) {
		check_fail(c, list, "the second value of %s must be a list", call->name);
		return;
	}
	if (call->fn->eval == eval_split && list->kind == YAML_SEQUENCE && !list->tag) {
		check_fail(c, list, "the second value of %s must be a text", call->name);
		return;
	}
	if (call->fn->eval == eval_split && is_literal(delimiter) && !delimiter->len)
		check_fail(c, delimiter, "the delimiter of %s is empty", call->name);
	check_node(c, list);
}

void check_ref(struct checker *c, const struct call *call)
{
	if (is_literal(call->arg)) {
		check_ref_name(c, call->arg, call->arg->text);
		return;
	}
	check_fail(c, call->arg, "%s takes a name", call->name);
	if (!c->t->language_extensions && call->arg->kind != YAML_SEQUENCE)
		report_hint(c->errors,
			"a name made by a function needs `Transform: AWS::LanguageExtensions`");
}

void check_getatt(struct checker *c, const struct call *call)
{
	char *id, *attribute;
	const struct yaml_node *attribute_node;
	if (!getatt_parts(call, &id, &attribute_node, &attribute)) {
		check_fail(
			c, call->arg, "%s takes a resource and one of its attributes", call->name);
		report_hint(c->errors, "write `!GetAtt Resource.Attribute`");
		return;
	}
	check_attribute(c, call->arg, id, attribute);
	if (!attribute)
		check_node(c, attribute_node);
	free(id);
	free(attribute);
}

void check_condition(struct checker *c, const struct call *call)
{
	if (!is_literal(call->arg))
		check_fail(c, call->arg, "%s takes the name of a condition", call->name);
	else
		check_condition_name(c, call->arg, call->arg->text);
}

void check_if(struct checker *c, const struct call *call)
{
	const struct yaml_node *name = call->arg->items[0];
	if (!is_literal(name)) {
		check_fail(c, name, "the first value of %s must be the name of a condition",
			call->name);
		report_hint(c->errors, "give it a name in the Conditions section");
	} else {
		check_condition_name(c, name, name->text);
	}
	check_node(c, call->arg->items[1]);
	check_node(c, call->arg->items[2]);
}

static void suggest_key(struct checker *c, const struct yaml_node *mapping, const char *key)
{
	struct suggest s;
	suggest_init(&s, key);
	for (size_t i = 0; mapping && i < mapping->nr; i++)
		suggest_offer(&s, mapping->pairs[i].key->text);
	report_suggest(c->errors, &s);
}

void check_find_in_map(struct checker *c, const struct call *call)
{
	const struct yaml_node *arg = call->arg, *mapping = NULL, *row = NULL;
	if (arg->nr == 4 && !c->t->language_extensions) {
		check_fail(c, arg->items[3], "%s takes 3 values", call->name);
		report_hint(
			c->errors, "a default value needs `Transform: AWS::LanguageExtensions`");
		return;
	}
	if (is_literal(arg->items[0])) {
		const char *name = arg->items[0]->text;
		mapping = yaml_get(c->t->mappings, name);
		if (!mapping && arg->nr < 4) {
			check_fail(c, arg->items[0], "mapping '%s' is not defined", name);
			suggest_key(c, c->t->mappings, name);
			return;
		}
	}
	bool has_default = arg->nr == 4;
	const struct yaml_node *otherwise = has_default ? arg->items[3] : NULL;
	if (otherwise && (!yaml_get(otherwise, "DefaultValue") || otherwise->nr != 1)) {
		check_fail(c, otherwise, "the fourth value of %s must be {DefaultValue: …}",
			call->name);
		return;
	}
	if (mapping && is_literal(arg->items[1]) && !has_default) {
		row = yaml_get(mapping, arg->items[1]->text);
		if (!row) {
			check_fail(c, arg->items[1], "mapping '%s' has no key '%s'",
				arg->items[0]->text, arg->items[1]->text);
			suggest_key(c, mapping, arg->items[1]->text);
			return;
		}
	}
	if (row && is_literal(arg->items[2]) && !yaml_get(row, arg->items[2]->text)) {
		check_fail(c, arg->items[2], "mapping '%s' has no key '%s' under '%s'",
			arg->items[0]->text, arg->items[2]->text, arg->items[1]->text);
		suggest_key(c, row, arg->items[2]->text);
		return;
	}
	check_list_function(c, call);
}

/* A name between ${ and }. */
static void check_sub_name(struct checker *c, const struct yaml_node *at,
	const struct yaml_node *variables, const char *name)
{
	if (variables && yaml_get(variables, name))
		return;
	size_t good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789.:_");
	if (!*name || name[good]) {
		check_fail(c, at, "'${%s}' is not a name", name);
		report_hint(c->errors, "write `${!%s}` to keep the text as it is", name);
		return;
	}
	const char *dot = strchr(name, '.');
	size_t before = c->errors->nr;
	if (!dot) {
		check_ref_name(c, at, name);
		if (c->errors->nr > before && strchr(name, ':') && !starts_with(name, "AWS::"))
			report_hint(c->errors, "write `${!%s}` to keep the text as it is", name);
		return;
	}
	if (c->where != IN_VALUES) {
		check_fail(c, at, "'${%s}': attributes of resources are not known in %s", name,
			check_place_name(c));
		return;
	}
	char *id = xstrndup(name, (size_t)(dot - name));
	check_attribute(c, at, id, dot + 1);
	free(id);
}

void check_sub(struct checker *c, const struct call *call)
{
	const struct yaml_node *text = call->arg, *variables = NULL;
	if (text->kind == YAML_SEQUENCE && text->nr == 2 && text->items[1]->kind == YAML_MAPPING) {
		variables = text->items[1];
		text = text->items[0];
	}
	if (!is_literal(text)) {
		check_fail(c, call->arg, "%s takes a text, or a list of a text and variables",
			call->name);
		return;
	}
	struct sub_piece piece;
	check_references(c, text);
	for (const char *p = text->text; sub_next(&p, &piece);) {
		if (piece.kind == SUB_BROKEN) {
			check_fail(c, text, "'${' without '}' in %s", call->name);
			report_hint(c->errors, "write `${!` to keep it as it is");
		} else if (piece.kind == SUB_NAME) {
			char *name = xstrndup(piece.text, piece.len);
			check_sub_name(c, text, variables, name);
			free(name);
		}
	}
	for (size_t i = 0; variables && i < variables->nr; i++)
		check_node(c, variables->pairs[i].value);
}

static bool check_items(struct checker *c, const struct call *call, const struct yaml_node *list)
{
	bool ok = true;
	for (size_t i = 0; call->fn->items && list->kind == YAML_SEQUENCE && i < list->nr; i++)
		ok = check_inside(c, call, list->items[i], call->fn->items) && ok;
	return ok;
}

/* Which functions stand for its values. */
static bool check_nesting(struct checker *c, const struct call *call)
{
	const struct intrinsic *fn = call->fn;
	const struct yaml_node *arg = call->arg;
	bool ok = true;
	if (!fn->max_args)
		return check_inside(c, call, arg, fn->inside[0]);
	if (!fn->inside[0])
		return check_items(c, call, arg);
	for (size_t i = 0; i < arg->nr && i < ARRAY_SIZE(fn->inside); i++)
		ok = check_inside(c, call, arg->items[i], fn->inside[i]) && ok;
	struct call inner;
	const struct yaml_node *last = arg->items[arg->nr - 1];
	return (call_of(last, false, &inner) != CALL_NONE || check_items(c, call, last)) && ok;
}

/* Where the function stands and how many values it has; true when its values can be looked at. */
static bool check_call(struct checker *c, const struct call *call)
{
	const struct intrinsic *fn = call->fn;
	if ((fn->flags & FN_EXTENSION) && !c->t->language_extensions) {
		check_fail(c, call->node, "%s needs a transform", call->name);
		report_hint(c->errors, "add `Transform: AWS::LanguageExtensions` to the template");
		return false;
	}
	if ((fn->flags & FN_RULES) && c->where != IN_RULES) {
		check_fail(c, call->node, "%s only works in Rules", call->name);
		return false;
	}
	if ((fn->flags & FN_CONDITION) && c->where == IN_VALUES) {
		check_fail(c, call->node, "%s only works in Conditions", call->name);
		report_hint(c->errors, "name it in Conditions and use Fn::If with that name");
		return false;
	}
	if ((fn->flags & FN_RESOURCES) && c->where != IN_VALUES) {
		check_fail(
			c, call->node, "%s does not work in %s", call->name, check_place_name(c));
		return false;
	}
	if (!fn->max_args || (call->arg->kind == YAML_SEQUENCE && call->arg->nr >= fn->min_args &&
				     call->arg->nr <= fn->max_args))
		return check_nesting(c, call);
	if (fn->min_args == fn->max_args)
		check_fail(c, call->arg, "%s takes a list of %zu value%s", call->name, fn->min_args,
			fn->min_args == 1 ? "" : "s");
	else
		check_fail(c, call->arg, "%s takes a list of %zu to %zu values", call->name,
			fn->min_args, fn->max_args);
	return false;
}

static void check_unknown(struct checker *c, const struct call *call)
{
	struct suggest s;
	bool tag = call->name[0] == '!';
	suggest_init(&s, call->name);
	for (size_t i = 0; i < nr_intrinsics; i++)
		if (!(intrinsics[i].flags & FN_RULES))
			suggest_offer(&s, tag ? intrinsics[i].tag : intrinsics[i].name);
	check_fail(c, call->node, "unknown intrinsic function '%s'", call->name);
	if (!report_suggest(c->errors, &s) && s.best)
		report_hint(c->errors, "the nearest known one is '%s'", s.best);
}

static void check_children(struct checker *c, const struct yaml_node *n)
{
	size_t len = c->path.len;
	if (n->kind == YAML_SCALAR) {
		if (yaml_scalar_type(n) == YAML_T_NULL) {
			check_fail(c, n, "there is no value here");
			report_hint(
				c->errors, "write \"\" for an empty text, or leave the key out");
		}
		check_references(c, n);
		return;
	}
	for (size_t i = 0; i < n->nr; i++) {
		if (n->kind == YAML_MAPPING)
			strbuf_addf(&c->path, "%s%s", len ? "." : "", n->pairs[i].key->text);
		else
			strbuf_addf(&c->path, ".%zu", i);
		check_node(c, n->kind == YAML_MAPPING ? n->pairs[i].value : n->items[i]);
		strbuf_setlen(&c->path, len);
	}
}

void check_node(struct checker *c, const struct yaml_node *n)
{
	struct call call;
	switch (call_of(n, c->where != IN_VALUES, &call)) {
	case CALL_NONE:
		check_children(c, n);
		break;
	case CALL_UNKNOWN:
		check_unknown(c, &call);
		break;
	case CALL_NOT_ALONE:
		check_fail(c, call.node, "'%s' must be the only key of its mapping", call.name);
		break;
	case CALL_KNOWN:
		if (!check_call(c, &call))
			break;
		if (call.fn->check)
			call.fn->check(c, &call);
		else
			check_list_function(c, &call);
		break;
	}
}
