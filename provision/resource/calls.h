#ifndef CALLS_H
#define CALLS_H

/*
 * What hooks do around a call: waiting, the propagation of new roles, "somebody else is at it". The client has
 * retried what is worth it for any caller; here is what only these calls need.
 */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"
#include "json.h"
#include "type.h"
#include "xalloc.h"

struct aws_op;

/* --- waiting: look at once, then pause and look again --- */
struct wait {
	const struct type_ctx *ctx;
	int64_t until_ms, delay_ms, most_ms;
};
#define WAIT_LONG_MS (15 * 60 * 1000)
void wait_begin(struct wait *w, const struct type_ctx *ctx, int64_t budget_ms);
/* Sleeps, longer each time; ERR_TIMEOUT "gave up waiting for WHAT" or ERR_INTERRUPTED. */
int wait_pause(struct wait *w, struct err *err, const char *what, ...) must_check printf_like(3, 4);

/* --- errors --- */
bool err_is_any(const struct err *err, const char *const *aws_codes); /* NULL-terminated */
bool err_is_missing(const struct err *err);
bool err_is_there(const struct err *err); /* already exists */
/* For what may be gone: 0 for a `ret` of 0, and when `why` is err_is_missing; else moves it into err, -1. Releases `why`. */
int err_unless_missing(int ret, struct err *why, struct err *err);

/* --- calls --- */
/* As aws_call and aws_call_all, of something that may be gone: then 0, and *out is NULL, *items an empty array. */
int call_if_there(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	struct json **out, struct err *err) must_check;
int list_if_there(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	struct json **items, struct err *err) must_check;
/*
 * A call that names a role which may be seconds old: what AWS says then stands in a table of messages, and is asked
 * again for up to 90 s. When it does not come right, the error says whether the role exists and whom it trusts.
 * `role` is a name or an ARN; NULL: a plain call. `service` ("glue.amazonaws.com") must be able to assume it.
 */
int call_with_role(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	const char *role, const char *service, struct json **out, struct err *err) must_check;
/* Whether an error is one of those; `role` as above. For tests and for calls that are no aws_call. */
bool err_is_propagation(const struct err *err, const char *role);
/* A call that is refused while another change is under way: asked again for up to budget_ms. */
int call_unless_busy(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	const char *const *busy_codes, int64_t budget_ms, struct json **out,
	struct err *err) must_check;
/* A progress line for the resource. */
void type_note(const struct type_ctx *ctx, const struct resource *r, const char *fmt, ...)
	printf_like(3, 4);

/* {"k1":v1,…} from pairs, NULL at the end; NULL values are left out. The caller's. */
struct json *json_strings(const char *name, const char *value, ...) __attribute__((sentinel));

#endif
