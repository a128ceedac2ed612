/* graph: stacks, workflows and state machines as drawings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "graph_parts.h"

static const char *const formats[] = {"dot", "mermaid", "svg"};

static bool is_format(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(name, formats[i]))
			return true;
	return false;
}

static const char *name_in(const struct engine *e, const char *type, const char *what)
{
	return engine_has_name(e, type, what) ? what : engine_name_of(e, type, what);
}

static int hint_all(const struct session *s, const struct engine *e, struct err *err)
{
	struct strvec names = STRVEC_INIT;
	char *joined;

	for (size_t i = 0; i < s->project->nr_stacks; i++)
		strvec_push(&names, s->project->stacks[i]->name);
	engine_names(e, "AWS::Glue::Workflow", &names);
	engine_names(e, "AWS::StepFunctions::StateMachine", &names);
	joined = strvec_join(&names, ", ");
	err_hint(err, "the project has %s", joined);
	free(joined);
	strvec_release(&names);
	return -1;
}

/* "NAME/" is the stack, also when something in it is called so. */
static const struct stack *stack_called(const struct session *s, const char *what)
{
	size_t len = strlen(what) - ends_with(what, "/");
	char *name = xstrndup(what, len);
	const struct stack *stack = project_stack(s->project, name);

	free(name);
	return stack;
}

static struct drawing *draw(
	struct session *s, const struct engine *e, const char *what, struct err *err)
{
	const char *machine = what ? name_in(e, "AWS::StepFunctions::StateMachine", what) : NULL,
		   *workflow = what ? name_in(e, "AWS::Glue::Workflow", what) : NULL;
	const struct stack *stack = what ? stack_called(s, what) : NULL;
	struct drawing *d = drawing_new(machine || workflow);

	if (machine) {
		struct json *definition = states_definition(e, machine, err);
		if (!definition) {
			drawing_free(d);
			return NULL;
		}
		graph_states(definition, d);
		json_free(definition);
	} else if (workflow) {
		graph_workflow(e, workflow, d);
	} else if (!what || stack || !strcmp(what, s->project->name)) {
		graph_resources(e, stack ? stack->name : NULL, d);
	} else {
		drawing_free(d);
		d = NULL;
		err_set(err, ERR_NOT_FOUND,
			"project '%s' has no stack, workflow or state machine '%s'",
			s->project->name, what);
		hint_all(s, e, err);
	}
	return d;
}

static int print(struct session *s, const struct drawing *d, const char *format, struct err *err)
{
	struct strbuf dot = STRBUF_INIT, other = STRBUF_INIT;
	bool is_dot = !strcmp(format, "dot");
	int ret = 0;

	drawing_dot(d, &dot);
	strbuf_blank_controls(&dot, 0, "\n\t");
	if (!strcmp(format, "mermaid"))
		drawing_mermaid(d, &other);
	else if (!is_dot)
		ret = graph_svg(&dot, &other, err);
	strbuf_blank_controls(&other, 0, "\n\t\r");
	if (!ret && s->json) {
		json_set_str(s->doc, "dot", dot.buf);
		if (!is_dot)
			json_set_str(s->doc, format, other.buf);
	} else if (!ret) {
		fwrite(is_dot ? dot.buf : other.buf, 1, is_dot ? dot.len : other.len, stdout);
	}
	strbuf_release(&dot);
	strbuf_release(&other);
	return ret;
}

int cmd_graph(struct session *s)
{
	const char *format = s->o.format ? s->o.format : "dot";
	struct err err = ERR_INIT;
	struct drawing *d = NULL;
	struct engine *e = NULL;
	int ret = -1;

	if (!is_format(format)) {
		err_set(&err, ERR_USAGE, "--format '%s' is none of dot, mermaid, svg", format);
		goto out;
	}
	/* Nobody is asked who the account is: what is drawn does not show it. */
	for (size_t i = 0; i < s->project->nr_stacks; i++)
		if (!s->project->stacks[i]->account)
			s->project->stacks[i]->account = xstrdup(s->ctx.account);
	e = session_engine(s, &(struct engine_opts){0}, false);
	if (!e)
		goto out;
	d = draw(s, e, s->operands.nr ? s->operands.v[0] : NULL, &err);
	if (d)
		ret = print(s, d, format, &err);
out:
	if (err.code)
		session_fail(s, &err);
	drawing_free(d);
	engine_free(e);
	return ret;
}
