#ifndef ASL_CHECK_H
#define ASL_CHECK_H

/* The two rooms of asl_validate: what stands in a state (asl_check.c), and how states hang together. */
#include "asl_internal.h"
#include "map.h"

/* The states around those that are looked at: of the machine, of a branch in it, … */
struct asl_around {
	const struct json *states;
	const struct asl_around *outer;
};

struct asl_check {
	enum asl_flavour flavour;
	struct json *found;              /* diagnostics */
	struct map names;                /* of all states, however deep */
	const struct asl_around *around; /* NULL: none */
};

void asl_tell(struct asl_check *c, const char *severity, const char *code, const char *where,
	const char *fmt, ...) printf_like(5, 6);
#define SCHEMA(c, where, ...) asl_tell(c, "ERROR", "SCHEMA_VALIDATION_FAILED", where, __VA_ARGS__)

void asl_check_top(struct asl_check *c, const struct json *o);
void asl_check_processor(struct asl_check *c, const struct json *o, bool map, const char *where);
void asl_check_query_language(struct asl_check *c, const struct json *o, const char *where);
void asl_check_state(struct asl_check *c, const struct json *def, const char *where);

#endif
