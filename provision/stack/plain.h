#ifndef PLAIN_H
#define PLAIN_H

/*
 * Parts of a template as CloudFormation's JSON: functions in their long form, aliases and merge keys written out, every value
 * the one that set-up would send.
 */
#include "project.h"

/* Any node: a function's use becomes {"Fn::Name": …}. The caller's. */
struct json *plain_value(const struct yaml_node *n);
/* The members of a parameter: its values are texts. */
struct json *plain_parameter(const struct yaml_node *n);
/* The sections of that name: an output is a text, and what a mapping has is one wherever CloudFormation would write a number anew. */
struct json *plain_outputs(const struct yaml_node *n);
struct json *plain_mappings(const struct yaml_node *n);
/* A resource with its attributes; literal properties, and those that Fn::If chooses from, as its type wants them. */
struct json *plain_resource(const struct yaml_node *n, const struct type_schema *schema);
/* A loop of the Resources that CloudFormation is to go through itself, with what it makes as plain_resource has it. */
struct json *plain_loop(const struct yaml_node *n, const struct schema_set *types);
/* Is there a list that only glueproj's Fn::ForEach can make (see expand.c)? */
bool plain_needs_expanding(const struct yaml_node *resource);
/* A key that stands for a loop. */
bool plain_is_loop(const char *key);

/*
 * A text of the project file ("s3://${Name}/x") for a template of stack `s`: what `s` has as a parameter and pseudo parameters
 * stay names in a Fn::Sub, its own outputs stand for their values, everything else is filled in. Outputs of other stacks
 * are imported: those that export nothing are pushed to `exports` as "stack\noutput", and plain_export_name is theirs.
 * The caller's; NULL with an error.
 */
struct json *plain_text(const struct project *p, const struct stack *s, const char *text,
	struct strvec *exports, struct err *err) must_check;
/* The first stack with an output of that name; NULL. */
const struct stack *plain_output_stack(const struct project *p, const char *name);
/* malloc'd */
char *plain_export_name(const struct project *p, const char *stack, const char *output);

#endif
