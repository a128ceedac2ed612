#ifndef ASL_INTERNAL_H
#define ASL_INTERNAL_H

/*
 * The rooms of the Amazon States Language: paths, intrinsic functions, payload templates, choice rules; the engine puts
 * them together. A failure is an `err` whose `name` is the error's name in the language (States.Runtime) and whose text
 * is the cause.
 */
#include "arena.h"
#include "asl.h"

/* Variables of this flow of states and of those around it. */
struct asl_vars {
	const struct json *own;
	const struct asl_vars *outer;
};

/* What paths are evaluated against. The context object is made when it is first asked for. */
struct asl_scope {
	const struct json *input;
	const struct asl_vars *vars;
	struct json *context; /* the scope's, freed by asl_scope_release */
	struct json *(*make_context)(void *payload);
	void *payload;
	const struct asl_host *host;
	size_t copied; /* about how many bytes paths and functions have given: asl_charge */
};
void asl_scope_release(struct asl_scope *s);

#define ASL_RUNTIME "States.Runtime"
#define ASL_DATA_LIMIT "States.DataLimitExceeded"
#define ASL_INTRINSIC_FAILURE "States.IntrinsicFailure"
/*
 * A value more that a template holds on to. A few bytes of a definition can copy the input many times over, and only the state's
 * end sees that it is too much: -1, States.DataLimitExceeded, before there is no memory left.
 */
int asl_charge(struct asl_scope *s, const struct json *v, struct err *err) must_check;
bool asl_is_data_limit(const struct err *err);
/* -1, as err_set. */
int asl_fail(struct err *err, const char *error, const char *fmt, ...) printf_like(3, 4);

int64_t asl_now(const struct asl_host *host);
void asl_random(const struct asl_host *host, void *out, size_t len);

/* Paths */
enum asl_path_kind {
	ASL_PATH_ANY,       /* $, $$ and $variable, all steps */
	ASL_PATH_REFERENCE, /* names one place: no wildcards, slices, filters, descent */
	ASL_PATH_RESULT,    /* a reference path into the input: ResultPath */
};
bool asl_path_valid(const char *text, enum asl_path_kind kind);
/*
 * The value at the path, a copy of the caller's; an array of all values when the path may name several. NULL: the path
 * names nothing (ERR_NOT_FOUND) or is none (ERR_INVALID); the text then says only that.
 */
struct json *asl_path_get(const char *text, struct asl_scope *s, struct err *err) must_check;
/* The same from a cursor in a longer text, which is moved behind the path. */
struct json *asl_path_get_at(const char **text, struct asl_scope *s, struct err *err) must_check;
/* Only reads over a path; -1: none stands there. */
int asl_path_skip(const char **text) must_check;
/* Puts `value` (taken) into a copy of `input` at the result path; NULL: States.ResultPathMatchFailure. */
struct json *asl_path_put(
	const struct json *input, const char *path, struct json *value, struct err *err) must_check;

/* Intrinsic functions: "States.Format('{}', $.x)". */
bool asl_is_intrinsic(const char *text);
bool asl_intrinsic_valid(const char *text);
struct json *asl_intrinsic(const char *text, struct asl_scope *s, struct err *err) must_check;

/* A path or an intrinsic function, as the value of field `field` ("JobName.$"). */
bool asl_expression_valid(const char *text);
struct json *asl_expression(
	const char *text, const char *field, struct asl_scope *s, struct err *err) must_check;
/* A payload template: Parameters, ItemSelector, ResultSelector, Assign. */
struct json *asl_template(const struct json *t, struct asl_scope *s, struct err *err) must_check;

/* Choice rules */
enum asl_operand { ASL_OP_STRING, ASL_OP_NUMBER, ASL_OP_BOOLEAN, ASL_OP_TIMESTAMP, ASL_OP_TEST };
struct asl_comparator {
	const char *name;
	enum asl_operand operand;
	bool path; /* the operand is a path */
};
/* NULL: no comparator has the name. */
const struct asl_comparator *asl_comparator(const char *name);
const char *asl_comparators(void); /* "And, BooleanEquals, …", for messages */
/* 1: the rule holds, 0: it does not, -1: an error. */
int asl_choice(const struct json *rule, struct asl_scope *s, struct err *err) must_check;
/* RFC 3339 as the language wants it: 2026-11-21T09:26:05Z, with a fraction or an offset. -1: none. */
int asl_timestamp(const char *text, int64_t *ms) must_check;

#endif
