/* Rules of one trigger alone (CreateTrigger, "AWS Glue triggers"). */
#include "lint_internal.h"

#include <stdlib.h>
#include <string.h>

static bool is(const char *s, const char *what)
{
	return s && strcmp(s, what) == 0;
}

static bool awaited(const struct json *props, const char *job)
{
	const struct json *c;

	json_each(c, json_path(props, "Predicate.Conditions")) if (is(known_str(c, "JobName"),
									   job)) return true;
	return false;
}

void lint_awaits_itself(struct lint *l, const struct lint_resource *r)
{
	const struct json *a;
	size_t i = 0;

	json_each(a, json_get(r->props, "Actions"))
	{
		const char *job = known_str(a, "JobName");
		char *path = xasprintf("Actions.%zu", i++);

		if (job && awaited(r->props, job))
			lint_say(l, r, path,
				"job '%s' cannot be both in the predicate and in the actions", job);
		free(path);
	}
}

void lint_crawlers_per_trigger(struct lint *l, const struct lint_resource *r)
{
	const struct json *a;
	size_t crawlers = 0;

	json_each(a, json_get(r->props, "Actions")) crawlers += is_given(a, "CrawlerName");
	if (crawlers > 2)
		lint_say(l, r, "Actions",
			"a trigger starts at most 2 crawlers, not %zu: use another trigger",
			crawlers);
}

static void check_condition(
	struct lint *l, const struct lint_resource *r, const struct json *c, size_t i)
{
	char *path = xasprintf("Predicate.Conditions.%zu", i);
	bool job = is_given(c, "JobName"), crawler = is_given(c, "CrawlerName");

	if (is_missing(c, "LogicalOperator"))
		lint_say(l, r, path, "a condition needs LogicalOperator: EQUALS");
	if (job && crawler)
		lint_say(l, r, path, "a condition is about a job or a crawler, not both");
	else if (job && is_missing(c, "State"))
		lint_say(l, r, path, "a condition on a job needs State%s",
			is_given(c, "CrawlState") ? ", not CrawlState" : "");
	else if (crawler && is_missing(c, "CrawlState"))
		lint_say(l, r, path, "a condition on a crawler needs CrawlState%s",
			is_given(c, "State") ? ", not State" : "");
	else if (!job && is_missing(c, "CrawlerName"))
		lint_say(l, r, path, "a condition needs JobName or CrawlerName");
	free(path);
}

void lint_conditions(struct lint *l, const struct lint_resource *r)
{
	const struct json *conditions = json_path(r->props, "Predicate.Conditions"), *c;
	size_t i = 0;

	json_each(c, conditions) check_condition(l, r, c, i++);
	if (json_is(conditions, JSON_ARRAY) && i > 1 &&
		is_missing(json_get(r->props, "Predicate"), "Logical"))
		lint_say(l, r, "Predicate",
			"a predicate with %zu conditions needs Logical: AND or ANY", i);
}

void lint_actions(struct lint *l, const struct lint_resource *r)
{
	const struct json *actions = json_get(r->props, "Actions"), *a;
	size_t i = 0;

	json_each(a, actions)
	{
		char *path = xasprintf("Actions.%zu", i++);

		if (is_given(a, "JobName") && is_given(a, "CrawlerName"))
			lint_say(l, r, path, "an action starts a job or a crawler, not both");
		else if (is_missing(a, "JobName") && is_missing(a, "CrawlerName"))
			lint_say(l, r, path, "an action needs JobName or CrawlerName");
		free(path);
	}
	if (json_is(actions, JSON_ARRAY) && !i)
		lint_say(l, r, "Actions", "a trigger needs at least one action");
}

void lint_trigger_type(struct lint *l, const struct lint_resource *r)
{
	const struct json *props = r->props;
	const char *type = known_str(props, "Type");

	if (is(type, "SCHEDULED") && is_missing(props, "Schedule"))
		lint_say(l, r, "Type", "a SCHEDULED trigger needs Schedule");
	else if (type && !is(type, "SCHEDULED") && is_given(props, "Schedule"))
		lint_say(l, r, "Schedule", "a trigger of type %s takes no Schedule", type);
	if (is(type, "CONDITIONAL") && is_missing(props, "Predicate"))
		lint_say(l, r, "Type", "a CONDITIONAL trigger needs Predicate");
	else if (is(type, "CONDITIONAL") && is_given(props, "Predicate") &&
		 is_missing(json_get(props, "Predicate"), "Conditions"))
		lint_say(l, r, "Predicate", "Predicate needs Conditions");
	else if (type && !is(type, "CONDITIONAL") && json_len(json_get(props, "Predicate")))
		lint_say(l, r, "Predicate", "a trigger of type %s takes no Predicate", type);
	if (type && !is(type, "EVENT") && is_given(props, "EventBatchingCondition"))
		lint_say(l, r, "EventBatchingCondition",
			"only an EVENT trigger takes EventBatchingCondition");
	if (is(type, "EVENT") && is_missing(props, "WorkflowName"))
		lint_say(l, r, "Type", "an EVENT trigger needs WorkflowName");
}

void lint_trigger_schedule(struct lint *l, const struct lint_resource *r)
{
	const char *type = known_str(r->props, "Type"), *cron = known_str(r->props, "Schedule");
	const char *problem = cron ? cron_problem(cron) : NULL;

	if (problem && (!type || is(type, "SCHEDULED")))
		lint_say(l, r, "Schedule", "schedule '%s' %s", cron, problem);
}

void lint_start_on_creation(struct lint *l, const struct lint_resource *r)
{
	const char *type = known_str(r->props, "Type");

	if ((is(type, "ON_DEMAND") || is(type, "EVENT")) &&
		json_get_truth(r->props, "StartOnCreation", false)) {
		lint_say(l, r, "StartOnCreation",
			"an %s trigger cannot be started when it is made: glueproj leaves this "
			"out, "
			"CloudFormation fails",
			type);
		lint_hint(l, r, "take StartOnCreation out");
	}
}

/* Missing, not false: who writes false has seen it. */
void lint_never_activated(struct lint *l, const struct lint_resource *r)
{
	if (is(known_str(r->props, "Type"), "CONDITIONAL") &&
		is_missing(r->props, "StartOnCreation")) {
		lint_say(l, r, "Type",
			"without StartOnCreation this trigger is made but not activated: it never "
			"fires until somebody activates it");
		lint_hint(l, r, "StartOnCreation: true, or false to say that this is meant");
	}
}

void lint_crawler_arguments(struct lint *l, const struct lint_resource *r)
{
	static const char *const of_jobs[] = {"Arguments", "Timeout"};
	const struct json *a;
	size_t i = 0;

	json_each(a, json_get(r->props, "Actions"))
	{
		for (size_t k = 0; k < ARRAY_SIZE(of_jobs); k++) {
			char *path = xasprintf("Actions.%zu.%s", i, of_jobs[k]);

			if (is_given(a, "CrawlerName") && !is_given(a, "JobName") &&
				is_given(a, of_jobs[k]))
				lint_say(
					l, r, path, "%s is for jobs: a crawl has none", of_jobs[k]);
			free(path);
		}
		i++;
	}
}
