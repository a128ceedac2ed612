#ifndef ASL_CHECK_H
#define ASL_CHECK_H

/*
 * The rooms of asl_validate: what stands in a state (asl_check.c, asl_check_map.c, asl_check_resource.c), and how states hang
 * together (asl_validate.c).
 */
#include "asl_internal.h"
#include "map.h"

/* The states around those that are looked at: of the machine, of a branch in it, … */
struct asl_around {
	const struct json *states;
	const struct asl_around *outer;
};

struct asl_check {
	enum asl_flavour flavour;
	bool placeholders;               /* ${Name} may stand for any value */
	struct json *found;              /* diagnostics */
	struct map names, labels;        /* of all states, however deep */
	const struct asl_around *around; /* NULL: none */
};

void asl_tell(struct asl_check *c, const char *severity, const char *code, const char *where,
	const char *fmt, ...) printf_like(5, 6);
#define SCHEMA(c, where, ...) asl_tell(c, "ERROR", "SCHEMA_VALIDATION_FAILED", where, __VA_ARGS__)

void asl_check_top(struct asl_check *c, const struct json *o);
void asl_check_processor(struct asl_check *c, const struct json *o, bool map, const char *where);
void asl_check_query_language(struct asl_check *c, const struct json *o, const char *where);
void asl_check_processor_config(struct asl_check *c, const struct json *config, const char *where);
/* What a Map in mode DISTRIBUTED has besides the fields of every Map. */
void asl_check_map(struct asl_check *c, const struct json *def, const char *where);
/* Into the machine within a Map: a distributed one's is of its own flavour and sees no variables from outside. */
void asl_check_enter(struct asl_check *c, const struct json *processor);
void asl_check_resource(struct asl_check *c, const char *resource, const char *where);
void asl_check_known(
	struct asl_check *c, const struct json *o, const char *const *known, const char *where);
void asl_check_number(
	struct asl_check *c, const struct json *v, double min, double max, const char *where);
/* `dollars`: members whose name ends in .$ are evaluated. */
void asl_check_template(struct asl_check *c, const struct json *t, const char *where, bool dollars);
/* A text with ${Name} in it, where such may stand: nothing is known of the value. NULL: it is none. */
bool asl_is_placeholder(const struct asl_check *c, const char *text);
void asl_check_state(struct asl_check *c, const struct json *def, const char *where);

#endif
