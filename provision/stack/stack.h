#ifndef STACK_H
#define STACK_H

/*
 * A template with its parameters' values: conditions decided, live resources known, and expressions that can be
 * evaluated as soon as what they refer to is known. No network.
 */
#include "json.h"
#include "strvec.h"
#include "template.h"

/* Where parameter values come from, strongest first (DESIGN.md 3); filled by project.h. */
struct param_source {
	const char *what; /* for errors: "--set", "environment", a file's name */
	const char *file; /* NULL: not a file */
	int line, column;
};
/* Why a value of the config file cannot be had: its !Env is not set, its !File cannot be read. */
struct param_missing {
	const char *text, *hint;
	int line, column; /* in source.file */
};
struct param_value {
	char *name;
	char *text;                 /* as CloudFormation takes it: lists joined by commas */
	struct param_source source; /* strings borrowed from the project's arena */
	const struct param_missing *missing; /* text is ""; NULL: the value is there */
	/* A map of the config file, for the mapping of that name; text has its keys. NULL: it is none. */
	struct yaml_node *map;
};

/* A resource that is part of the stack (its condition holds). */
struct stack_resource {
	const struct template_resource *template;
	const struct type_schema *schema;
	struct stack *stack;
	struct strvec refs;    /* logical ids in this stack that it refers to or DependsOn: edges */
	struct strvec imports; /* export names that it imports, where known without resources */
	/* "AWS::SecretsManager::Secret\nNAME" of each secret that a dynamic reference names: edges, where some stack has it */
	struct strvec secrets;
};

struct stack {
	char *name;
	struct template *template; /* owned */
	struct json *parameters;   /* name to value: strings, or arrays of strings for list types */
	/* Of AWS::SSM::Parameter::Value<…> that could not be asked for: name to Systems Manager's name. */
	struct json *lookups;
	bool only_checked; /* as in stack_context */
	bool other;        /* a parameter is unknown, but equal to nothing */
	bool may_guess;    /* stack_context's secrets_may_be_unknown or bound_again */
	bool guessed; /* a condition counts as false because the account, the region or a lookup is unknown */
	struct strvec secrets;            /* names of NoEcho parameters */
	bool secrets_unknown;             /* one of them has no value: see stack_context */
	struct json *conditions;          /* name to bool */
	struct stack_resource *resources; /* live ones, in template order */
	size_t nr_resources;
	struct map index;                   /* logical id to struct stack_resource */
	char *account, *region, *partition; /* pseudo parameters; account NULL while unknown */
	char *stack_id; /* AWS::StackId: arn:…:stack/<project>-<name>/glueproj */
	struct strvec notification_arns;
};

struct eval_external;

/* The account and region are known to cmd before binding; account NULL gives unknown values. */
struct stack_context {
	const char *project, *account, *region, *partition;
	/* As in eval_ops: values of AWS::SSM::Parameter::Value<…>, so that conditions can be decided by them. What is not there is an
	 * error, or unknown where secrets may be. NULL: unknown. */
	int (*external)(void *payload, const struct eval_external *what, struct json **out,
		struct err *err);
	void *external_payload;
	/* What only reads or removes needs no secrets: a NoEcho parameter that nobody gave a value is unknown, and equal to
	 * nothing in conditions; rules are not checked then. */
	bool secrets_may_be_unknown;
	/* Nothing is set up from it: a parameter that nobody gave a value is unknown, conditions on what only the cloud
	 * knows count as false. */
	bool only_checked;
	/* It is bound once more when the account is known: what follows from guessed conditions is not told yet. */
	bool bound_again;
	bool variants; /* the properties are checked also under other values of parameters: see variants.h */
	const char *other; /* a parameter with a value that nothing compares with; NULL */
	bool lenient;      /* what cannot be evaluated does not keep the stack from being bound */
};

/* Takes the template. `values` in order of strength: the first of a name counts. Every missing value, unknown
 * name (unless `values` came from a shared file: `lenient`), constraint and condition error goes to `errors`;
 * then NULL. */
struct stack *stack_bind(const char *name, struct template *t, const struct stack_context *ctx,
	const struct param_value *values, size_t nr_values, struct err_list *errors,
	struct err_list *warnings);
void stack_free(struct stack *s);
const struct stack_resource *stack_find(const struct stack *s, const char *logical_id);

/* What only the cloud knows. Strings are borrowed for the call. */
enum eval_external_kind {
	EXTERNAL_ZONES,         /* `name` is a region: its availability zones, a list of texts */
	EXTERNAL_SSM_PARAMETER, /* the value of Systems Manager's parameter as text; version or NULL */
	EXTERNAL_SECRET, /* the SecretString of `name` (name or ARN); stage, version or NULL */
};
struct eval_external {
	enum eval_external_kind kind;
	const char *name, *stage, *version;
	const char *type; /* what a stack that makes it calls it; NULL: none does */
};

/* How an evaluation learns of other resources. Each returns 0 with *out (caller's), 1 when it is not known yet, -1. */
struct eval_ops {
	int (*attribute)(void *payload, const struct stack_resource *r,
		const char *attribute /* NULL: Ref */, struct json **out, struct err *err);
	int (*import)(void *payload, const char *export_name, struct json **out, struct err *err);
	/* NULL: never known */
	int (*external)(void *payload, const struct eval_external *what, struct json **out,
		struct err *err);
};
struct eval {
	const struct stack *stack;
	const struct eval_ops *ops; /* NULL: everything about resources is unknown */
	void *payload;
	bool has_secret; /* set when a NoEcho parameter, or a secret by dynamic reference, went in */
};

/*
 * Evaluates any node of the template. What cannot be known yet becomes {"unknown":true} in its place (a Sub or Join
 * around it becomes unknown as a whole). AWS::NoValue members vanish. A plain scalar keeps its text: see json_number_text.
 * *out is the caller's.
 */
int stack_eval(struct eval *e, const struct yaml_node *node, const char *path, struct json **out,
	struct err *err) must_check;
/* A resource's properties as an object, coerced by its schema: strings that the type wants as integer, number or
 * bool become that; numbers and bools where it wants a string become their written text. */
int stack_eval_properties(struct eval *e, const struct stack_resource *r, struct json **out,
	struct err *err) must_check;
/* Evaluates properties and also collects every JSON path (as "Parameters.K") whose value holds a NoEcho value. */
int stack_eval_secrets(struct eval *e, const struct stack_resource *r, struct strvec *paths,
	struct err *err) must_check;
/* As stack_eval_secrets, and what would hold one if conditions were otherwise: what a resource may still hold from before. Errors
 * are not told. */
void stack_secrets_ever(const struct stack_resource *r, struct strvec *paths);
/* Logical ids of live resources of the stack that a node refers to (Ref, GetAtt, Sub), each once. (The engine needs it for
 * the edges behind an ImportValue.) */
void stack_refs(const struct stack *s, const struct yaml_node *node, struct strvec *ids);
/* Puts what is not known in the place of each value at one of these paths: a rule that cuts a value up cannot show a part of it. */
void stack_forget_secrets(struct json *props, const struct strvec *paths);
bool json_is_unknown(const struct json *v);  /* this very value */
bool json_has_unknown(const struct json *v); /* anywhere inside */

/* The condition of an output or resource (NULL: none) holds. */
bool stack_condition(const struct stack *s, const char *condition);
/* Evaluates and checks all live resources and outputs with nothing known about resources: what `validate` says. */
void stack_lint(const struct stack *s, struct err_list *errors, struct err_list *warnings);

/*
 * Checks evaluated properties against the schema (unknown or nearly matching names, kinds, enums, limits, names that
 * AWS would refuse, the type's own check), with places from the template. Unknown properties that nearly match are
 * errors, others warnings.
 */
void stack_check_properties(const struct stack_resource *r, const struct json *props,
	struct err_list *errors, struct err_list *warnings);

struct lint_place {
	const struct stack_resource *resource;
};
/* Adds an error at the property's place in the template ("Actions.0.JobName"); the nearest written parent counts. */
void lint_error(const struct lint_place *place, struct err_list *list, const char *property_path,
	const char *fmt, ...) printf_like(4, 5);

#endif
