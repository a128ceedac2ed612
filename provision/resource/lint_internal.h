#ifndef LINT_INTERNAL_H
#define LINT_INTERNAL_H

/* What the rules share. A rule finds resources by `lint_find`, and says what is wrong by `lint_say`. */
#include "lint.h"
#include "map.h"
#include "types_internal.h"

#define TYPE_CRAWLER "AWS::Glue::Crawler"
#define TYPE_DATABASE "AWS::Glue::Database"
#define TYPE_JOB "AWS::Glue::Job"
#define TYPE_STATE_MACHINE "AWS::StepFunctions::StateMachine"
#define TYPE_TRIGGER "AWS::Glue::Trigger"
#define TYPE_WORKFLOW "AWS::Glue::Workflow"
#define TYPE_ROLE "AWS::IAM::Role"

struct flow; /* lint_flow.c */

/* What all rules of a run share. */
struct lint_shared {
	struct map by_name; /* "TYPE\nNAME" to struct lint_resource */
	struct flow *flow;  /* made by the first rule that asks; for flow_free */
};
void flow_free(struct flow *f);

struct lint {
	const struct lint_input *in; /* NULL while one definition is checked alone */
	struct lint_shared *shared;  /* as `in` */
	const struct lint_rule *rule;
	struct err_list *list;
};

/* A finding of the rule at hand at a property ("Actions.0.JobName"); nothing where the rule is switched off. */
void lint_say(struct lint *l, const struct lint_resource *r, const char *path, const char *fmt, ...)
	printf_like(4, 5);
/* How to mend what was said last. */
void lint_hint(struct lint *l, const struct lint_resource *r, const char *fmt, ...)
	printf_like(3, 4);
bool lint_ignored(const struct lint_rule *rule, const struct stack_resource *r);

bool lint_is(const struct lint_resource *r, const char *type);
/* The resource of a type by physical name, or by an ARN that ends in it; NULL. */
const struct lint_resource *lint_find(const struct lint *l, const char *type, const char *name);
#define lint_each(r, l) for ((r) = (l)->in->v; (r) < (l)->in->v + (l)->in->nr; (r)++)

/* schema.check hooks: the rules of the type that are errors and need no other resource. */
schema_check_fn lint_check_trigger, lint_check_job, lint_check_crawler;

/* lint_trigger.c */
void lint_awaits_itself(struct lint *l, const struct lint_resource *r);
void lint_crawlers_per_trigger(struct lint *l, const struct lint_resource *r);
void lint_conditions(struct lint *l, const struct lint_resource *r);
void lint_actions(struct lint *l, const struct lint_resource *r);
void lint_trigger_type(struct lint *l, const struct lint_resource *r);
void lint_trigger_schedule(struct lint *l, const struct lint_resource *r);
void lint_start_on_creation(struct lint *l, const struct lint_resource *r);
void lint_never_activated(struct lint *l, const struct lint_resource *r);
void lint_crawler_arguments(struct lint *l, const struct lint_resource *r);

/* lint_flow.c */
void lint_one_start(struct lint *l);
void lint_no_start(struct lint *l);
void lint_unreachable(struct lint *l);
void lint_started_elsewhere(struct lint *l);
void lint_circle(struct lint *l);
void lint_two_starts_at_once(struct lint *l);
void lint_two_schedules(struct lint *l);

/* lint_job.c */
void lint_capacity(struct lint *l, const struct lint_resource *r);
void lint_shell_capacity(struct lint *l, const struct lint_resource *r);
void lint_command(struct lint *l, const struct lint_resource *r);
void lint_glue_version(struct lint *l, const struct lint_resource *r);
void lint_python_version(struct lint *l, const struct lint_resource *r);
void lint_small_duckdb(struct lint *l, const struct lint_resource *r);
void lint_timeout(struct lint *l, const struct lint_resource *r);
void lint_notification(struct lint *l, const struct lint_resource *r);

/* lint_secret.c */
void lint_plain_secret(struct lint *l);

/* lint_role.c */
void lint_trust(struct lint *l);
void lint_program_right(struct lint *l);
void lint_data_right(struct lint *l);
void lint_log_right(struct lint *l);
void lint_pass_role(struct lint *l);

/* lint_crawler.c */
void lint_targets(struct lint *l, const struct lint_resource *r);
void lint_crawler_schedule(struct lint *l, const struct lint_resource *r);
void lint_configuration(struct lint *l, const struct lint_resource *r);
void lint_new_folders_only(struct lint *l, const struct lint_resource *r);
void lint_table_level(struct lint *l, const struct lint_resource *r);
void lint_crawled_bucket(struct lint *l, const struct lint_resource *r);
void lint_lower_case(struct lint *l);

/* lint_states.c */
void lint_definition(struct lint *l);
void lint_definition_fields(struct lint *l);
void lint_substitutions(struct lint *l);
void lint_definition_jobs(struct lint *l);
void lint_local_definition(struct lint *l);

void lint_unknown_rule(struct lint *l);

#endif
