#ifndef ASL_H
#define ASL_H

/*
 * The Amazon States Language (query language JSONPath): is a definition one? Pure: the linter and the local cloud ask. The engine
 * that runs one is local/local_asl.h; what both need of paths, intrinsic functions and templates is asl_internal.h.
 *
 * Refused by name: QueryLanguage JSONata (no C library of it exists).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "json.h"

/* Sizes of AWS: a definition, and any input, output, parameters or result, in bytes of UTF-8. */
#define ASL_DEFINITION_BYTES_MAX (1024 * 1024)
#define ASL_PAYLOAD_BYTES_MAX (256 * 1024)
#define ASL_DEPTH_MAX 1000 /* of a value; ours: what is deeper is too big */

enum asl_flavour { ASL_STANDARD, ASL_EXPRESS };

/*
 * What is wrong with a definition (NUL-terminated, as all texts are): an array of {severity: ERROR or WARNING, code, message, location}, as
 * ValidateStateMachineDefinition's diagnostics; empty: nothing. `location` is left out where there is none. The caller's.
 */
struct json *asl_validate(const char *text, size_t len, enum asl_flavour flavour);
bool asl_diagnostics_fail(const struct json *diagnostics); /* is an ERROR among them? */
/*
 * The definition, the caller's; NULL when it is wrong: ERR_INVALID, name InvalidDefinition, with the message that
 * CreateStateMachine gives: Invalid State Machine Definition: 'CODE: MESSAGE at LOCATION, …'.
 */
struct json *asl_parse(
	const char *text, size_t len, enum asl_flavour flavour, struct err *err) must_check;

/* As asl_validate, of a document in which ${Name} may stand for what is not known yet. */
struct json *asl_validate_template(const struct json *def, enum asl_flavour flavour);
/* Does it, or a state in it, ask for JSONata? */
bool asl_uses_jsonata(const struct json *def);
bool asl_map_is_distributed(const struct json *state);

/* Time and chance, so that tests pass their own. NULL members: the system's. */
struct asl_host {
	int64_t (*now_ms)(void *payload);
	void (*random)(void *payload, void *out, size_t len);
	void *payload;
	const char *region; /* for the history's details; NULL: us-east-1 */
};

#endif
