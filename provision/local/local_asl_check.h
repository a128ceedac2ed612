#ifndef LOCAL_ASL_CHECK_H
#define LOCAL_ASL_CHECK_H

/* The two rooms of asl_validate: what stands in a state (local_asl_check.c), and how states hang together. */
#include "local_asl_internal.h"
#include "map.h"

struct asl_check {
	enum asl_flavour flavour;
	struct json *found; /* diagnostics */
	struct map names;   /* of all states, however deep */
};

void asl_tell(struct asl_check *c, const char *severity, const char *code, const char *where,
	const char *fmt, ...) printf_like(5, 6);
#define SCHEMA(c, where, ...) asl_tell(c, "ERROR", "SCHEMA_VALIDATION_FAILED", where, __VA_ARGS__)

void asl_check_top(struct asl_check *c, const struct json *o);
void asl_check_processor(struct asl_check *c, const struct json *o, bool map, const char *where);
void asl_check_query_language(struct asl_check *c, const struct json *o, const char *where);
void asl_check_state(struct asl_check *c, const struct json *def, const char *where);

#endif
