#ifndef INTRINSICS_H
#define INTRINSICS_H

/*
 * Intrinsic functions: one row each in one table, with what checks the shape of a use when a template is loaded and
 * what computes it later. A use is `!Tag value` or a mapping with the one key `Fn::Name`.
 */
#include "json.h"
#include "report.h"
#include "stack.h"
#include "strbuf.h"

struct checker;
struct evaluation;
struct call;

enum intrinsic_flags {
	FN_CONDITION = 1 << 0, /* gives true or false: only in Conditions and Rules */
	FN_RESOURCES = 1 << 1, /* needs resources or other stacks: not in Conditions and Rules */
	FN_RULES = 1 << 2,     /* only in Rules */
	FN_EXTENSION = 1 << 3, /* needs Transform: AWS::LanguageExtensions */
	FN_BESIDE = 1 << 4,    /* its key may stand beside others */
};

/* The functions that may stand for an argument of another. */
enum inner_fn {
	IN_REF = 1 << 0,
	IN_GETATT = 1 << 1,
	IN_SUB = 1 << 2,
	IN_JOIN = 1 << 3,
	IN_SELECT = 1 << 4,
	IN_SPLIT = 1 << 5,
	IN_FIND = 1 << 6,
	IN_IF = 1 << 7,
	IN_IMPORT = 1 << 8,
	IN_BASE64 = 1 << 9,
	IN_ZONES = 1 << 10,
	IN_CIDR = 1 << 11,
	IN_LENGTH = 1 << 12,
	IN_JSON = 1 << 13,
	IN_LOGIC = 1 << 14, /* And, Or, Not, Equals, Condition */
	IN_RULE = 1 << 15,  /* what only works in Rules */
	/* only with AWS::LanguageExtensions */
	IN_EXT_LENGTH = 1 << 16,
	IN_EXT_TEXT = 1 << 17, /* Sub, Join, Select, If, Length, ToJsonString */
	IN_NONE = 1 << 30,     /* a row that allows nothing */
};

struct intrinsic {
	const char *name; /* "Ref", "Fn::GetAtt" */
	const char *tag;  /* "!GetAtt"; NULL: only the long form */
	unsigned flags;
	size_t min_args, max_args; /* of a list; both 0: `check` looks itself */
	void (*check)(struct checker *c, const struct call *call); /* NULL: a list of values */
	/* *out is the caller's, NULL stands for AWS::NoValue. */
	int (*eval)(
		struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
	unsigned self;      /* enum inner_fn: what it is where it stands in another; 0: nowhere */
	unsigned inside[3]; /* what may stand for each value (the only one: [0]); 0: anything */
	unsigned items;     /* what may stand in the list that is its last value; 0: anything */
};

extern const struct intrinsic intrinsics[];
extern const size_t nr_intrinsics;

/* One use. Points into itself: never copied. */
struct call {
	const struct intrinsic *fn;
	const char *name; /* as written, also where fn is NULL */
	const struct yaml_node *node, *arg;
	struct yaml_node untagged; /* what arg points to for `!Tag value` */
};
enum call_kind {
	CALL_NONE,
	CALL_KNOWN,
	CALL_UNKNOWN,  /* a tag or Fn:: that is none */
	CALL_NOT_ALONE /* Fn:: beside other keys */
};
/* `condition`: {Condition: X} is a use, too. */
enum call_kind call_of(const struct yaml_node *n, bool condition, struct call *out);
/* The resource and attribute of a Fn::GetAtt; NULL attribute: not written as text. False: it has another shape. */
bool getatt_parts(const struct call *call, char **id, const struct yaml_node **attribute_node,
	char **attribute);

/* --- checks of a template as written (intrinsics.c) --- */
enum check_where { IN_VALUES, IN_CONDITIONS, IN_RULES, IN_NAMES /* made before all else */ };
struct checker {
	const struct template *t;
	const struct schema_set *types; /* NULL: types and attributes are not checked */
	struct err_list *errors, *warnings;
	struct strbuf path;
	enum check_where where;
	bool in_properties; /* a resource's, where secrets may go */
};
/* A value with all that is in it. */
void check_node(struct checker *c, const struct yaml_node *n);
void check_fail(struct checker *c, const struct yaml_node *at, const char *fmt, ...)
	printf_like(3, 4);
/* That a parameter, pseudo parameter or resource has that name. */
void check_ref_name(struct checker *c, const struct yaml_node *at, const char *name);
void check_attribute(struct checker *c, const struct yaml_node *at, const char *id,
	const char *attribute /* NULL: any */);
void check_condition_name(struct checker *c, const struct yaml_node *at, const char *name);

/* Where that is, for people. */
const char *check_place_name(const struct checker *c);

void check_ref(struct checker *c, const struct call *call);
void check_getatt(struct checker *c, const struct call *call);
void check_sub(struct checker *c, const struct call *call);
void check_list_function(struct checker *c, const struct call *call);
void check_delimited(struct checker *c, const struct call *call);
void check_find_in_map(struct checker *c, const struct call *call);
void check_if(struct checker *c, const struct call *call);
void check_condition(struct checker *c, const struct call *call);
void check_any(struct checker *c, const struct call *call);
void check_cidr(struct checker *c, const struct call *call);
void check_to_json(struct checker *c, const struct call *call);
void check_foreach(struct checker *c, const struct call *call);
void check_transform(struct checker *c, const struct call *call);
void check_rule_parameter(struct checker *c, const struct call *call); /* ValueOf */
void check_rule_type(struct checker *c, const struct call *call);      /* RefAll, ValueOfAll */
/* A text without functions: the dynamic references in it. */
void check_references(struct checker *c, const struct yaml_node *n);
/* Whether `call` may stand where `allowed` says; an error else. */
bool check_inside(
	struct checker *c, const struct call *outer, const struct yaml_node *n, unsigned allowed);

/* --- the text of a Fn::Sub, in pieces --- */
enum sub_kind { SUB_TEXT, SUB_NAME, SUB_BROKEN };
struct sub_piece {
	enum sub_kind kind;
	const char *text; /* not terminated */
	size_t len;
};
/* The next piece at *p, which moves on; false at the end. `${!X}` comes as the text "${" and then "X}". */
bool sub_next(const char **p, struct sub_piece *piece);

/* --- evaluation (eval.c; functions.c has the functions themselves) --- */
struct evaluation {
	struct eval *e;
	struct strbuf path;          /* Resources.Job.Properties.… */
	size_t root;                 /* what of the path stands before the value's own JSON path */
	bool condition;              /* {Condition: X} is a function here */
	size_t depth;                /* in functions inside each other */
	struct err_list *errors;     /* not NULL: errors go here, the value becomes unknown */
	struct strvec *secret_paths; /* NULL: not wanted */
	struct strvec *secret_texts; /* the texts that stand there; NULL: not wanted */
	bool all_branches;           /* Fn::If looks also into what it does not choose */
};
#define EVALUATION_INIT(eval)                     \
	{                                         \
		.e = (eval), .path = STRBUF_INIT, \
	}
void evaluation_release(struct evaluation *ev);
/* *out NULL: AWS::NoValue. */
int eval_node(struct evaluation *ev, const struct yaml_node *n, struct json **out,
	struct err *err) must_check;
/* An error at a node; -1. */
int eval_fail(struct evaluation *ev, const struct yaml_node *at, struct err *err, const char *fmt,
	...) printf_like(4, 5);
/* A usage error that came from outside (attributes, imports) without a place gets this one; returns -1. */
int eval_place(struct evaluation *ev, const struct yaml_node *at, struct err *err);
/* A value as an error may show it: "****" once a NoEcho value went into the function at hand. */
const char *eval_shown(const struct evaluation *ev, const char *text);
struct json *json_unknown(void);
/* The scalar that a node without tag stands for: number or bool where it is a plain one, else text. */
struct json *scalar_value(const struct yaml_node *n);
/* A resource's Ref (attribute NULL) or attribute; ERR when the resource is not in the stack. */
int eval_reference(struct evaluation *ev, const struct yaml_node *at, const char *id,
	const char *attribute, struct json **out, struct err *err) must_check;
/* A parameter's, pseudo parameter's or resource's Ref. */
int eval_ref_name(struct evaluation *ev, const struct yaml_node *at, const char *name,
	struct json **out, struct err *err) must_check;

int eval_ref(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_getatt(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_sub(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_join(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_select(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_split(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_find_in_map(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_if(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_and(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_or(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_not(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_equals(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_condition(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_import(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_base64(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_length(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_to_json(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_contains(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_each_equals(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_each_in(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_ref_all(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
/* Tags and defaults of subnets and the like: never known here. */
int eval_value_of(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_cidr(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);
int eval_zones(struct evaluation *ev, const struct call *call, struct json **out, struct err *err);

/* Scalars are equal when their texts are: "1" and 1 are. */
bool eval_same(const struct json *a, const struct json *b);
/* For functions: a node that must give a text, appended to sb (`what` as in "the index"), or *unknown. */
int eval_text(struct evaluation *ev, const struct yaml_node *n, const char *what, struct strbuf *sb,
	bool *unknown, struct err *err) must_check;
/* A list, or NULL where it is not known. */
int eval_list(struct evaluation *ev, const struct call *call, const struct yaml_node *n,
	struct json **out, struct err *err) must_check;
/* What the cloud knows: see struct eval_external. *out is an unknown value where nobody answers. */
int eval_ask(struct evaluation *ev, const struct yaml_node *at, const struct eval_external *what,
	struct json **out, struct err *err) must_check;

/* --- pseudo parameters --- */
/* The names that start with AWS::, {NULL}-terminated. */
extern const char *const pseudo_parameters[];

#endif
