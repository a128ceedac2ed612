/* A state machine's states and transitions as a drawing (Amazon States Language, states-language.net/spec.html). */
#include <stdlib.h>
#include <string.h>
#include "graph_parts.h"
#include "json.h"

#define MAX_LABEL 60 /* characters of a line */

struct scope {
	struct drawing *d;
	const char *prefix; /* of its states' ids */
	const char *end;    /* where its last states lead */
	bool inner;         /* inside a Parallel or Map, where a Succeed is no end of all */
	bool ended;         /* something leads to `end` */
};

static void draw_states(struct scope *scope, const struct json *machine, const char *from);

/* At most MAX_LABEL characters of a line. */
static void add_short(struct strbuf *sb, const char *text)
{
	size_t n = 0;

	for (const char *c = text; *c; c++) {
		bool starts = ((unsigned char)*c & 0xc0) != 0x80;
		if (starts && n++ == MAX_LABEL) {
			strbuf_addstr(sb, "…");
			return;
		}
		strbuf_addch(sb, *c);
	}
}

static char *id_in(const struct scope *scope, const char *state)
{
	return xasprintf("%s%s", scope->prefix, state);
}

/* --- what a state says of itself --- */

/* "arn:aws:states:::glue:startJobRun.sync" as "glue:startJobRun.sync"; of other ARNs the service and the name. */
static void add_resource(struct strbuf *sb, const char *resource)
{
	const char *integration = strstr(resource, ":states:::"), *last;
	struct strvec parts = STRVEC_INIT;

	if (integration) {
		add_short(sb, integration + strlen(":states:::"));
		return;
	}
	strvec_split(&parts, resource, ':');
	last = strrchr(resource, ':');
	if (parts.nr >= 6 && !strcmp(parts.v[0], "arn"))
		strbuf_addf(sb, "%s:", !strcmp(parts.v[2], "states") ? parts.v[5] : parts.v[2]);
	add_short(sb, parts.nr >= 6 && last ? last + 1 : resource);
	strvec_release(&parts);
}

/* What a task works on: its job, crawler, machine, topic… */
static void add_subject(struct strbuf *sb, const struct json *state)
{
	static const char *const members[] = {"JobName", "CrawlerName", "StateMachineArn",
		"FunctionName", "TopicArn", "QueueUrl", "Name", "WorkGroup"};
	const struct json *given = json_get(state, "Parameters");

	given = given ? given : json_get(state, "Arguments");
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		char *by_path = xasprintf("%s.$", members[i]);
		const char *value = json_get_str(given, members[i]);
		const char *cut =
			value ? strrchr(value, value && strstr(value, "://") ? '/' : ':') : NULL;
		value = value ? (cut && cut[1] ? cut + 1 : value) : json_get_str(given, by_path);
		free(by_path);
		if (!value)
			continue;
		strbuf_addch(sb, '\n');
		add_short(sb, value);
		return;
	}
}

static void add_wait(struct strbuf *sb, const struct json *state)
{
	static const struct {
		const char *member, *format;
	} waits[] = {{"Seconds", "wait %s s"}, {"SecondsPath", "wait %s s"},
		{"Timestamp", "wait until %s"}, {"TimestampPath", "wait until %s"}};

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		const char *text = json_scalar_text(json_get(state, waits[i].member));
		if (text) {
			strbuf_addch(sb, '\n');
			strbuf_addf(sb, waits[i].format, text);
			return;
		}
	}
}

static void add_retry(struct strbuf *sb, const struct json *state)
{
	const struct json *retry = json_get(state, "Retry"), *r;
	int64_t most = 0;

	json_each(r, retry)
	{
		int64_t n = json_get_i64(r, "MaxAttempts", 3);
		most = n > most ? n : most;
	}
	if (most)
		strbuf_addf(
			sb, "\nretried up to %lld time%s", (long long)most, most == 1 ? "" : "s");
}

static void add_concurrency(struct strbuf *sb, const struct json *state)
{
	const struct json *most = json_get(state, "MaxConcurrency");
	const char *mode = json_str(json_path(state, "ItemProcessor.ProcessorConfig.Mode"));

	strbuf_addstr(sb, mode && !strcmp(mode, "DISTRIBUTED") ? "\nDistributed Map" : "\nMap");
	if (json_i64(most, 0) > 0)
		strbuf_addf(sb, ", %lld at a time", (long long)json_i64(most, 0));
}

static char *label_of(const char *name, const char *type, const struct json *state)
{
	struct strbuf sb = STRBUF_INIT;

	add_short(&sb, name);
	if (!strcmp(type, "Task")) {
		const char *resource = json_get_str(state, "Resource");
		strbuf_addch(&sb, '\n');
		add_resource(&sb, resource ? resource : "");
		add_subject(&sb, state);
	} else if (!strcmp(type, "Wait")) {
		add_wait(&sb, state);
	} else if (!strcmp(type, "Map")) {
		add_concurrency(&sb, state);
	} else if (!strcmp(type, "Parallel") && !iequals(name, "Parallel")) {
		strbuf_addstr(&sb, "\nParallel");
	} else if (!strcmp(type, "Fail") && json_get_str(state, "Error")) {
		strbuf_addch(&sb, '\n');
		add_short(&sb, json_get_str(state, "Error"));
	}
	add_retry(&sb, state);
	return strbuf_detach(&sb, NULL);
}

/* --- a Choice's rules in words --- */

static void add_rule(struct strbuf *sb, const struct json *rule);

static void add_rules(struct strbuf *sb, const struct json *rules, const char *between)
{
	const struct json *r;
	bool first = true;

	strbuf_addch(sb, '(');
	json_each(r, rules)
	{
		if (!first)
			strbuf_addf(sb, " %s ", between);
		first = false;
		add_rule(sb, r);
	}
	strbuf_addch(sb, ')');
}

static void add_value(struct strbuf *sb, const struct json *value, bool by_path)
{
	if (by_path && json_str(value))
		strbuf_addstr(sb, json_str(value));
	else if (value)
		json_print(value, sb);
}

/* "NumericGreaterThanEqualsPath": the longest ending that fits says what is compared. */
static bool add_comparison(struct strbuf *sb, const char *variable, const struct json *operator)
{
	static const struct {
		const char *ending, *sign;
	} signs[] = {{"LessThanEquals", "<="}, {"GreaterThanEquals", ">="}, {"LessThan", "<"},
		{"GreaterThan", ">"}, {"Equals", "="}, {"Matches", "matches"}};
	const char *name = json_name(operator);
	bool by_path = ends_with(name, "Path");
	char *plain = xstrndup(name, strlen(name) - (by_path ? strlen("Path") : 0));
	bool known = false;

	if (starts_with(name, "Is")) {
		char *what = xstrdup(name + 2);
		lower_ascii(what);
		strbuf_addf(
			sb, "%s is %s%s", variable, json_truth(operator, true) ? "" : "not ", what);
		free(what);
		known = true;
	}
	for (size_t i = 0; !known && i < ARRAY_SIZE(signs); i++) {
		known = ends_with(plain, signs[i].ending);
		if (known) {
			strbuf_addf(sb, "%s %s ", variable, signs[i].sign);
			add_value(sb, operator, by_path);
		}
	}
	free(plain);
	return known;
}

static void add_rule(struct strbuf *sb, const struct json *rule)
{
	const char *variable = json_get_str(rule, "Variable"),
		   *condition = json_get_str(rule, "Condition");
	const struct json *m;

	if (json_get(rule, "And")) {
		add_rules(sb, json_get(rule, "And"), "and");
	} else if (json_get(rule, "Or")) {
		add_rules(sb, json_get(rule, "Or"), "or");
	} else if (json_get(rule, "Not")) {
		strbuf_addstr(sb, "not ");
		add_rule(sb, json_get(rule, "Not"));
	} else if (condition) {
		size_t len = strlen(condition);
		bool wrapped =
			starts_with(condition, "{%") && ends_with(condition, "%}") && len >= 4;
		char *bare = wrapped ? xstrndup(condition + 2, len - 4) : xstrdup(condition);
		struct strbuf trimmed = STRBUF_INIT;
		strbuf_addstr(&trimmed, bare);
		strbuf_trim(&trimmed);
		strbuf_addstr(sb, trimmed.buf);
		strbuf_release(&trimmed);
		free(bare);
	} else {
		json_each(m, rule) if (add_comparison(sb, variable ? variable : "?", m)) return;
	}
}

static char *rule_label(const struct json *rule)
{
	struct strbuf whole = STRBUF_INIT, cut = STRBUF_INIT;
	size_t len;

	add_rule(&whole, rule);
	len = whole.len;
	/* The outermost parentheses say nothing. */
	if (len > 2 && (json_get(rule, "And") || json_get(rule, "Or"))) {
		strbuf_setlen(&whole, len - 1);
		strbuf_remove(&whole, 0, 1);
	}
	add_short(&cut, whole.buf);
	strbuf_release(&whole);
	return strbuf_detach(&cut, NULL);
}

/* --- transitions --- */

static void edge(const struct scope *scope, const char *from, const char *to, const char *label,
	enum draw_line line)
{
	char *target = to ? id_in(scope, to) : NULL;

	if (target)
		draw_edge(scope->d, from, target, label, line);
	free(target);
}

static void draw_choices(const struct scope *scope, const char *id, const struct json *state)
{
	const struct json *rule;

	json_each(rule, json_get(state, "Choices"))
	{
		char *label = rule_label(rule);
		edge(scope, id, json_get_str(rule, "Next"), label, DRAW_SOLID);
		free(label);
	}
	edge(scope, id, json_get_str(state, "Default"), "otherwise", DRAW_SOLID);
}

static void draw_catches(const struct scope *scope, const char *id, const struct json *state)
{
	const struct json *c, *name;

	json_each(c, json_get(state, "Catch"))
	{
		struct strbuf errors = STRBUF_INIT, label = STRBUF_INIT;
		json_each(name, json_get(c, "ErrorEquals")) strbuf_addf(&errors, "%s%s",
			errors.len ? ", " : "", json_str(name) ? json_str(name) : "");
		add_short(&label, errors.buf);
		edge(scope, id, json_get_str(c, "Next"), label.buf, DRAW_DASHED);
		strbuf_release(&errors);
		strbuf_release(&label);
	}
}

/* --- states --- */

/* One machine inside a state: between `entry` and `join`. */
static void draw_inside(const struct scope *scope, const char *entry, const char *join,
	const char *prefix, const struct json *machine)
{
	struct scope inner = {scope->d, prefix, join, true, false};

	draw_states(&inner, machine, entry);
}

/* The branches of a Parallel, or what a Map does for each item, in a box; *join is where they meet (caller's). */
static void draw_parts(const struct scope *scope, const char *id, const char *label,
	const struct json *state, char **join)
{
	const struct json *branches = json_get(state, "Branches"), *branch;
	const struct json *processor = json_get(state, "ItemProcessor");
	size_t i = 0;

	processor = processor ? processor : json_get(state, "Iterator");
	*join = xasprintf("%s/end", id);
	draw_open(scope->d, id, branches ? "" : "for each item");
	draw_node(scope->d, id, label, DRAW_ROUND, DRAW_PLAIN);
	json_each(branch, branches)
	{
		char *prefix = xasprintf("%s/%zu/", id, i++);
		draw_open(scope->d, prefix, "");
		draw_inside(scope, id, *join, prefix, branch);
		draw_close(scope->d);
		free(prefix);
	}
	if (processor) {
		char *prefix = xasprintf("%s/", id);
		draw_inside(scope, id, *join, prefix, processor);
		free(prefix);
	}
	draw_node(scope->d, *join, "", DRAW_POINT, DRAW_PLAIN);
	draw_close(scope->d);
}

static void draw_state(struct scope *scope, const char *name, const struct json *state)
{
	const char *type = json_get_str(state, "Type") ? json_get_str(state, "Type") : "";
	char *id = id_in(scope, name), *label = label_of(name, type, state), *join = NULL;
	bool succeeds = !strcmp(type, "Succeed"), fails = !strcmp(type, "Fail");
	const char *out;

	if (!strcmp(type, "Parallel") || !strcmp(type, "Map"))
		draw_parts(scope, id, label, state, &join);
	else if (succeeds || fails)
		draw_node(scope->d, id, label, DRAW_OVAL, succeeds ? DRAW_GOOD : DRAW_BAD);
	else
		draw_node(scope->d, id, label, !strcmp(type, "Choice") ? DRAW_DIAMOND : DRAW_ROUND,
			DRAW_PLAIN);
	out = join ? join : id;
	draw_choices(scope, out, state);
	edge(scope, out, json_get_str(state, "Next"), NULL, DRAW_SOLID);
	if ((succeeds && scope->inner) || json_get_truth(state, "End", false)) {
		draw_edge(scope->d, out, scope->end, NULL, DRAW_SOLID);
		scope->ended = true;
	}
	draw_catches(scope, out, state);
	free(id);
	free(label);
	free(join);
}

static void draw_states(struct scope *scope, const struct json *machine, const char *from)
{
	const struct json *state;

	edge(scope, from, json_get_str(machine, "StartAt"), NULL, DRAW_SOLID);
	json_each(state, json_get(machine, "States")) draw_state(scope, json_name(state), state);
}

void graph_states(const struct json *definition, struct drawing *d)
{
	/* No state's id: these have the prefix. */
	struct scope scope = {d, "state ", "end", false, false};

	draw_node(d, "start", "", DRAW_POINT, DRAW_PLAIN);
	draw_states(&scope, definition, "start");
	if (scope.ended)
		draw_node(d, "end", "", DRAW_POINT, DRAW_PLAIN);
}
