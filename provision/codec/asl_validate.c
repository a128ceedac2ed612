/* A definition as a whole: its machine and those within, transitions, what can be reached. */
#include "asl_check.h"

#include <stdlib.h>
#include <string.h>
#include "strbuf.h"

#define NAME_MAX_CHARS 80

static void check_machine(struct asl_check *c, const struct json *m, const char *where);

static const char *shown(const char *where)
{
	return *where ? where : "/";
}

static void check_name(struct asl_check *c, const char *name, const char *where)
{
	size_t chars = 0;

	for (const char *p = name; *p; p++)
		chars += ((unsigned char)*p & 0xc0) != 0x80;
	if (!chars || chars > NAME_MAX_CHARS)
		asl_tell(c, "ERROR", "INVALID_STATE_NAME", where,
			"State name must be 1 to 80 characters long");
	if (map_has(&c->names, name))
		asl_tell(c, "ERROR", "DUPLICATE_STATE_NAME", where, "Duplicate State name: %s",
			name);
	map_put(&c->names, name, c);
}

/* Every name that a state goes on to; `at` is where it stands in the state. */
typedef void target_fn(void *ctx, const char *field, const char *target, const char *at);

static void each_target(const struct json *def, target_fn *fn, void *ctx)
{
	static const char *const lists[] = {"Choices", "Catch"};
	const struct json *e;
	char *at;

	if (json_get_str(def, "Next"))
		fn(ctx, "Next", json_get_str(def, "Next"), "Next");
	if (json_get_str(def, "Default"))
		fn(ctx, "Default", json_get_str(def, "Default"), "Default");
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		size_t n = 0;

		json_each(e, json_get(def, lists[i]))
		{
			at = xasprintf("%s[%zu]/Next", lists[i], n++);
			if (json_get_str(e, "Next"))
				fn(ctx, "Next", json_get_str(e, "Next"), at);
			free(at);
		}
	}
}

struct transitions {
	struct asl_check *c;
	const struct json *states;
	const char *where; /* the state's */
	struct map *reached;
};

static void check_target(void *ctx, const char *field, const char *target, const char *at)
{
	struct transitions *t = ctx;
	char *where;

	if (json_get(t->states, target) || asl_is_placeholder(t->c, target))
		return;
	where = xasprintf("%s/%s", t->where, at);
	asl_tell(t->c, "ERROR", "MISSING_TRANSITION_TARGET", where, "Missing '%s' target: %s",
		field, target);
	free(where);
}

static void reach(void *ctx, const char *field, const char *target, const char *at)
{
	struct transitions *t = ctx;

	(void)field;
	(void)at;
	if (json_get(t->states, target) && !map_has(t->reached, target))
		map_put(t->reached, target, t);
}

static bool ends(const struct json *def)
{
	const char *type = json_get_str(def, "Type");

	return json_get_truth(def, "End", false) ||
	       (type && (!strcmp(type, "Succeed") || !strcmp(type, "Fail")));
}

static void check_reach(
	struct asl_check *c, const struct json *states, const char *start, const char *where)
{
	struct map reached = MAP_INIT;
	struct transitions t = {.c = c, .states = states, .reached = &reached};
	const struct json *s;
	bool end = false;
	char *at;

	map_init(&reached, NULL);
	reach(&t, "StartAt", start, "StartAt");
	for (size_t i = 0; i < reached.nr_entries; i++) {
		s = json_get(states, reached.entries[i].key);
		each_target(s, reach, &t);
	}
	json_each(s, states)
	{
		end = end || ends(s);
		if (map_has(&reached, json_name(s)))
			continue;
		at = xasprintf("%s/States/%s", where, json_name(s));
		asl_tell(c, "ERROR", "MISSING_TRANSITION_TARGET", at,
			"State \"%s\" is not reachable.", json_name(s));
		free(at);
	}
	if (!end)
		asl_tell(c, "ERROR", "MISSING_END_STATE", shown(where),
			"The workflow does not have a terminal state");
	map_release(&reached);
}

static void check_inner(struct asl_check *c, const struct json *m, bool map, const char *where)
{
	if (!json_is(m, JSON_OBJECT)) {
		SCHEMA(c, where, "Expected value of type Object");
		return;
	}
	enum asl_flavour flavour = c->flavour;
	const struct asl_around *around = c->around;

	asl_check_processor(c, m, map, where);
	if (map)
		asl_check_enter(c, m);
	check_machine(c, m, where);
	c->flavour = flavour;
	c->around = around;
}

static void check_within(
	struct asl_check *c, const struct json *states, const struct json *def, const char *where)
{
	struct asl_around around = {states, c->around};
	static const char *const processors[] = {"ItemProcessor", "Iterator"};
	const struct json *e;
	char *at;
	int i = 0;

	c->around = &around;
	json_each(e, json_get(def, "Branches"))
	{
		at = xasprintf("%s/Branches[%d]", where, i++);
		check_inner(c, e, false, at);
		free(at);
	}
	for (size_t k = 0; k < ARRAY_SIZE(processors); k++) {
		at = xasprintf("%s/%s", where, processors[k]);
		if (json_get(def, processors[k]))
			check_inner(c, json_get(def, processors[k]), true, at);
		free(at);
	}
	c->around = around.outer;
}

static void check_states(
	struct asl_check *c, const struct json *states, const char *start, const char *where)
{
	struct transitions t = {.c = c, .states = states};
	const struct json *s;
	char *at;

	json_each(s, states)
	{
		at = xasprintf("%s/States/%s", where, json_name(s));
		t.where = at;
		check_name(c, json_name(s), at);
		asl_check_state(c, s, at);
		asl_check_query_language(c, s, at);
		each_target(s, check_target, &t);
		check_within(c, states, s, at);
		free(at);
	}
	t.where = where;
	if (json_get(states, start))
		check_reach(c, states, start, where);
	else
		check_target(&t, "StartAt", start, "StartAt");
}

static void check_machine(struct asl_check *c, const struct json *m, const char *where)
{
	const struct json *states = json_get(m, "States"), *start = json_get(m, "StartAt");
	char *at = xasprintf("%s/States", where);

	if (!states || !start)
		SCHEMA(c, shown(where), "These fields are required: [%s%s%s]",
			states ? "" : "States", !states && !start ? ", " : "",
			start ? "" : "StartAt");
	if (states && !json_is(states, JSON_OBJECT))
		SCHEMA(c, at, "Expected value of type Object");
	else if (states && !json_len(states))
		SCHEMA(c, at, "The field 'States' should be non-empty");
	else if (states && json_is(start, JSON_STRING))
		check_states(c, states, json_str(start), where);
	free(at);
	if (start && !json_is(start, JSON_STRING)) {
		at = xasprintf("%s/StartAt", where);
		SCHEMA(c, at, "Expected value of type String");
		free(at);
	}
}

static void check_document(struct asl_check *c, const struct json *def)
{
	map_init(&c->names, NULL);
	map_init(&c->labels, NULL);
	asl_check_top(c, def);
	asl_check_query_language(c, def, "/QueryLanguage");
	check_machine(c, def, "");
	map_release(&c->names);
	map_release(&c->labels);
}

struct json *asl_validate_template(const struct json *def, enum asl_flavour flavour)
{
	struct asl_check c = {.flavour = flavour, .found = json_array(), .placeholders = true};

	if (json_is(def, JSON_OBJECT))
		check_document(&c, def);
	else
		asl_tell(&c, "ERROR", "SCHEMA_VALIDATION_FAILED", NULL,
			"Definition must be a valid JSON object");
	return c.found;
}

static bool asks_for_jsonata(const struct json *o)
{
	const char *language = json_get_str(o, "QueryLanguage");

	return language && !strcmp(language, "JSONata");
}

bool asl_uses_jsonata(const struct json *def)
{
	static const char *const processors[] = {"ItemProcessor", "Iterator"};
	const struct json *s, *e;

	if (asks_for_jsonata(def))
		return true;
	json_each(s, json_get(def, "States"))
	{
		if (asks_for_jsonata(s))
			return true;
		json_each(e, json_get(s, "Branches"))
		{
			if (asl_uses_jsonata(e))
				return true;
		}
		for (size_t i = 0; i < ARRAY_SIZE(processors); i++) {
			if (asl_uses_jsonata(json_get(s, processors[i])))
				return true;
		}
	}
	return false;
}

struct json *asl_validate(const char *text, size_t len, enum asl_flavour flavour)
{
	struct asl_check c = {.flavour = flavour, .found = json_array()};
	struct err err = ERR_INIT;
	struct json *def;

	def = json_parse(text, len, &err);
	if (len > ASL_DEFINITION_BYTES_MAX) {
		asl_tell(&c, "ERROR", "SCHEMA_VALIDATION_FAILED", NULL,
			"The definition must not be larger than 1048576 bytes");
	} else if (strspn(text, " \t\r\n") >= len || (def && !json_is(def, JSON_OBJECT))) {
		asl_tell(&c, "ERROR", "SCHEMA_VALIDATION_FAILED", NULL,
			"Definition must be a valid JSON object");
	} else if (!def) {
		asl_tell(&c, "ERROR", "INVALID_JSON_DESCRIPTION", NULL, "%s", err.text);
	} else {
		check_document(&c, def);
	}
	json_free(def);
	err_release(&err);
	return c.found;
}

bool asl_diagnostics_fail(const struct json *diagnostics)
{
	const struct json *d;

	json_each(d, diagnostics)
	{
		if (!strcmp(json_get_str(d, "severity"), "ERROR"))
			return true;
	}
	return false;
}

struct json *asl_parse(const char *text, size_t len, enum asl_flavour flavour, struct err *err)
{
	struct json *found = asl_validate(text, len, flavour), *def = NULL;
	struct strbuf sb = STRBUF_INIT;
	const struct json *d;
	const char *where;

	json_each(d, found)
	{
		if (strcmp(json_get_str(d, "severity"), "ERROR") != 0)
			continue;
		where = json_get_str(d, "location");
		strbuf_addf(&sb, "%s%s: %s%s%s", sb.len ? ", " : "", json_get_str(d, "code"),
			json_get_str(d, "message"), where ? " at " : "", where ? where : "");
	}
	if (sb.len) {
		err_set(err, ERR_INVALID, "Invalid State Machine Definition: '%s'", sb.buf);
		err_named(err, "InvalidDefinition");
	} else {
		def = json_parse(text, len, err);
	}
	strbuf_release(&sb);
	json_free(found);
	return def;
}
