/* What definition a state machine has, as its template says. */
#include <stdlib.h>
#include <string.h>
#include "fs.h"
#include "graph_parts.h"
#include "json.h"
#include "yaml_value.h"

#define MACHINE "AWS::StepFunctions::StateMachine"
#define MAX_DEFINITION (16U << 20)

struct found {
	const char *machine;
	const struct engine_resource *is;
	struct json *props; /* without what is secret */
	char *dir;          /* of its template */
};

static void take_machine(void *payload, const struct engine_resource *r)
{
	struct found *found = payload;

	if (found->props || strcmp(r->decl->template->type, MACHINE) != 0 || !r->name ||
		strcmp(r->name, found->machine) != 0)
		return;
	found->props = json_copy(r->props);
	stack_forget_secrets(found->props, r->secret_paths);
	found->dir = fs_dirname(r->decl->stack->template->file);
}

/* Each ${NAME} that has a substitution becomes its value, `quoted` as a JSON string has it. */
static void substitute(const char *text, const struct json *values, bool quoted, struct strbuf *out)
{
	while (*text) {
		const char *end = starts_with(text, "${") ? strchr(text, '}') : NULL;
		char *name = end ? xstrndup(text + 2, (size_t)(end - text) - 2) : NULL;
		const char *value = name ? json_scalar_text(json_get(values, name)) : NULL;
		free(name);
		if (!value) {
			strbuf_addch(out, *text++);
			continue;
		}
		if (quoted) {
			struct json *string = json_string(value);
			size_t from = out->len;
			json_print(string, out);
			strbuf_setlen(out, out->len - 1);
			strbuf_remove(out, from, 1);
			json_free(string);
		} else {
			strbuf_addstr(out, value);
		}
		text = end + 1;
	}
}

/* `file` NULL: it is no file, and JSON. */
static struct json *parse(
	const char *file, const char *text, const struct json *values, struct err *err)
{
	struct err first = ERR_INIT;
	struct json *definition = NULL;

	for (int quoted = 0; !definition && quoted < 2; quoted++) {
		struct strbuf sb = STRBUF_INIT;
		substitute(text, values, quoted, &sb);
		definition = file ? yaml_value(file, sb.buf, sb.len, quoted ? NULL : &first)
				  : json_parse(sb.buf, sb.len, quoted ? NULL : &first);
		strbuf_release(&sb);
	}
	if (!definition)
		err_move(err, &first);
	err_release(&first);
	return definition;
}

static struct json *definition_file(
	const struct found *found, const char *name, const struct json *values, struct err *err)
{
	char *path = fs_join(found->dir, name);
	struct strbuf text = STRBUF_INIT;
	struct json *definition = NULL;

	if (!fs_read(path, MAX_DEFINITION, &text, err))
		definition = parse(path, text.buf, values, err);
	strbuf_release(&text);
	free(path);
	return definition;
}

static struct json *definition_of(const struct found *found, struct err *err)
{
	const struct json *values = json_get(found->props, "DefinitionSubstitutions"),
			  *object = json_get(found->props, "Definition"),
			  *text = json_get(found->props, "DefinitionString"),
			  *place = json_get(found->props, "DefinitionS3Location");
	struct strbuf sb = STRBUF_INIT;
	struct json *definition = NULL;

	if (object && !json_is_unknown(object)) {
		json_print(object, &sb);
		definition = parse(NULL, sb.buf, values, err);
	} else if (json_str(text)) {
		definition = parse(NULL, json_str(text), values, err);
	} else if (json_str(place) && !starts_with(json_str(place), "s3://")) {
		definition = definition_file(found, json_str(place), values, err);
	} else if (place) {
		err_set(err, ERR_FAILED, "its definition lies in S3, not in a file of the project");
	} else {
		err_set(err, ERR_FAILED,
			"its definition hangs on a secret, or on what only set-up knows");
	}
	strbuf_release(&sb);
	return definition;
}

struct json *states_definition(const struct engine *e, const char *machine, struct err *err)
{
	struct found found = {.machine = machine};
	struct json *definition;

	engine_look(e, take_machine, &found);
	definition = definition_of(&found, err);
	if (!definition)
		err_wrap(err, "state machine '%s'", machine);
	json_free(found.props);
	free(found.dir);
	return definition;
}
