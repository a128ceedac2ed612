/* Names that people type: of the project's resources, or of what the cloud has. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "ops.h"

#define MACHINE "AWS::StepFunctions::StateMachine"

/* What run can start, in the order in which a name is looked for. */
static const struct runnable {
	const char *type;
	const struct aws_op *get;
	const char *member, *missing; /* of the request; the code for "there is none" */
} runnables[] = {
	{"AWS::Glue::Workflow", &glue_get_workflow, "Name", "EntityNotFoundException"},
	{"AWS::Glue::Job", &glue_get_job, "JobName", "EntityNotFoundException"},
	{"AWS::Glue::Crawler", &glue_get_crawler, "Name", "EntityNotFoundException"},
	{MACHINE, &states_describe_state_machine, "stateMachineArn", "StateMachineDoesNotExist"},
};

char *machine_arn(const struct session *s, const char *name)
{
	if (starts_with(name, "arn:"))
		return xstrdup(name);
	return xasprintf("arn:%s:states:%s:%s:stateMachine:%s", s->ctx.partition, s->ctx.region,
		s->ctx.account, name);
}

int call_with(struct session *s, const struct aws_op *op, struct json **out, struct err *err, ...)
{
	struct json *in = json_object();
	const char *name;
	va_list ap;
	int ret;

	va_start(ap, err);
	while ((name = va_arg(ap, const char *))) {
		if (*name == '+')
			json_set_bool(in, name + 1, true);
		else if (*name == '#')
			json_set_i64(in, name + 1, strtoll(va_arg(ap, const char *), NULL, 10));
		else
			json_set_str(in, name, va_arg(ap, const char *));
	}
	va_end(ap);
	ret = aws_call(s->aws, op, in, out, err);
	json_free(in);
	return ret;
}

static struct engine *names_engine(struct session *s)
{
	struct engine_opts opts = {.project = s->project,
		.ctx = &s->ctx,
		.find_type = resource_type_find,
		.diff = resource_diff};
	struct err_list errors = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
	struct engine *e;

	if (!s->project)
		return NULL;
	s->ctx.project = s->project->name;
	e = engine_new(&opts, NULL, 0, &errors, &warnings);
	err_list_release(&errors);
	err_list_release(&warnings);
	return e;
}

void project_names(struct session *s, const char *type, struct strvec *names)
{
	struct engine *e = names_engine(s);

	if (e)
		engine_names(e, type, names);
	engine_free(e);
}

static int in_cloud(
	struct session *s, const struct runnable *r, const char *name, bool *there, struct err *err)
{
	struct json *in = json_object();
	struct err e = ERR_INIT;
	int ret = 0;

	char *arn = !strcmp(r->type, MACHINE) ? machine_arn(s, name) : NULL;

	json_set_str(in, r->member, arn ? arn : name);
	*there = !aws_call(s->aws, r->get, in, NULL, &e);
	/* No machine can be called what makes no ARN. */
	if (!*there && e.code != ERR_NOT_FOUND && !err_is_aws(&e, r->missing) &&
		!(arn && (err_is_aws(&e, "InvalidArn") || err_is_aws(&e, "ValidationException")))) {
		err_move(err, &e);
		ret = -1;
	}
	err_release(&e);
	free(arn);
	json_free(in);
	return ret;
}

static void hint_names(const struct engine *e, struct err *err)
{
	struct strvec names = STRVEC_INIT;
	char *joined;

	for (size_t i = 0; e && i < ARRAY_SIZE(runnables); i++)
		engine_names(e, runnables[i].type, &names);
	joined = strvec_join(&names, ", ");
	if (names.nr)
		err_hint(err, "the project has %s", joined);
	free(joined);
	strvec_release(&names);
}

/* The project's own name stands for its one workflow or state machine. 1: it is another name. */
static int find_of_project(struct session *s, const struct engine *e, const char *typed,
	const char **type, char **name, struct err *err)
{
	struct strvec names = STRVEC_INIT;
	size_t workflows;
	char *joined = NULL;
	int ret = 1;

	if (!e || strcmp(typed, s->project->name) != 0)
		goto out;
	engine_names(e, "AWS::Glue::Workflow", &names);
	workflows = names.nr;
	engine_names(e, MACHINE, &names);
	if (names.nr == 1) {
		*type = workflows ? "AWS::Glue::Workflow" : MACHINE;
		*name = xstrdup(names.v[0]);
		ret = 0;
	} else if (names.nr) {
		joined = strvec_join(&names, ", ");
		ret = err_set(err, ERR_USAGE, "project '%s' has %zu %s: %s", typed, names.nr,
			workflows == names.nr ? "workflows"
			: workflows           ? "workflows and state machines"
					      : "state machines",
			joined);
		err_hint(err, "run one of them by its name");
	} else {
		err_set(err, ERR_NOT_FOUND, "project '%s' has no workflow and no state machine",
			typed);
		hint_names(e, err);
		ret = -1;
	}
out:
	free(joined);
	strvec_release(&names);
	return ret;
}

int project_crawls(
	struct session *s, const char *workflow, struct strvec *crawlers, struct err *err)
{
	struct engine *e = names_engine(s);
	int ret = 0;

	if (!e || !engine_has_name(e, "AWS::Glue::Workflow", workflow))
		goto out;
	for (size_t i = 0; i < s->project->nr_actions && ret >= 0; i++) {
		const struct project_action *a = &s->project->actions[i];
		const struct project_place at = {a->line, a->column};
		char *crawler = NULL;

		if (strcmp(a->kind, "StartCrawler") != 0)
			continue;
		/* What only set-up knows (1) was not started under a name that we could ask for. */
		ret = project_expand_at(s->project, a->target, &at, "AfterSetup",
			engine_output_value, e, &crawler, err);
		if (!ret && !strvec_has(crawlers, crawler))
			strvec_push(crawlers, crawler);
		free(crawler);
	}
out:
	engine_free(e);
	return ret < 0 ? -1 : 0;
}

int find_runnable(
	struct session *s, const char *typed, const char **type, char **name, struct err *err)
{
	struct engine *e = names_engine(s);
	bool there;
	int ret = -1;

	for (size_t i = 0; e && i < ARRAY_SIZE(runnables); i++) {
		const char *physical = engine_has_name(e, runnables[i].type, typed)
					       ? typed
					       : engine_name_of(e, runnables[i].type, typed);
		if (!physical)
			continue;
		*type = runnables[i].type;
		*name = xstrdup(physical);
		ret = 0;
		goto out;
	}
	for (size_t i = 0; i < ARRAY_SIZE(runnables); i++) {
		if (in_cloud(s, &runnables[i], typed, &there, err) < 0)
			goto out;
		if (there) {
			*type = runnables[i].type;
			*name = xstrdup(typed);
			ret = 0;
			goto out;
		}
	}
	ret = find_of_project(s, e, typed, type, name, err);
	if (ret <= 0)
		goto out;
	ret = -1;
	err_set(err, ERR_NOT_FOUND,
		"there is no workflow, job or crawler named '%s', and no state machine", typed);
	hint_names(e, err);
out:
	engine_free(e);
	return ret;
}
