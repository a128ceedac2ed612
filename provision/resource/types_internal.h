#ifndef TYPES_INTERNAL_H
#define TYPES_INTERNAL_H

/* The types, one file per type or service, and the checks of names and expressions that several of them share. */
#include "attached_policy.h"
#include "json_type.h"
#include "stack.h"
#include "type.h"

extern const struct json_type athena_workgroup, glue_classifier, glue_crawler, glue_database,
	glue_job, glue_table, glue_trigger, glue_workflow, cloudwatch_alarm, glue_connection,
	logs_log_group, stepfunctions_activity, stepfunctions_state_machine;
extern const struct attached_policy sns_topic_policy, sqs_queue_policy;
extern const struct resource_type bucket_type, role_type, policy_type, managed_policy_type,
	secret_type, events_rule_type, sns_subscription_type, sns_topic_type, sqs_queue_type,
	redshift_namespace_type, redshift_workgroup_type;

/* Types without GetAtt. */
extern const struct attribute no_attributes[];

/* --- name_ok hooks --- */
bool glue_name_ok(const char *name);
bool iam_name_ok(const char *name); /* [\w+=,.@-] */
bool athena_name_ok(const char *name);
bool bucket_name_ok(const char *name);

/* --- for check hooks: what may be unknown is never an error --- */
const char *known_str(
	const struct json *v, const char *path);         /* NULL: missing, unknown or no string */
bool is_given(const struct json *v, const char *path);   /* there, known or not */
bool is_missing(const struct json *v, const char *path); /* not there, and v itself is known */
/* "cron(a b c d e f)" by shape: six fields of the right characters, one of the two day fields '?'. NULL, or what is wrong. */
const char *cron_problem(const char *expression);

/* --- Glue runs, shared by job and workflow --- */
/* Deletes the streams of a log group whose names begin with `prefix`; a missing group is fine. Pushes to `gone`. */
int sweep_log_streams(const struct type_ctx *ctx, const char *group, const char *prefix, bool exact,
	struct json *gone, struct err *err) must_check;
/* Deletes tables of a database, 100 a call; tables that are gone already are fine. */
int delete_tables(const struct type_ctx *ctx, const char *database, const struct json *names,
	struct err *err) must_check;

#endif
