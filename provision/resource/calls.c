#include "calls.h"

#include <stdarg.h>
#include "client.h"
#include "clock.h"
#include "ops.h"
#include "strbuf.h"

/* --- waiting --- */

void wait_begin(struct wait *w, const struct type_ctx *ctx, int64_t budget_ms)
{
	w->ctx = ctx;
	w->until_ms = ctx->clock->mono_ms(ctx->clock) + budget_ms;
	w->delay_ms = 20;
	w->most_ms = 5000;
}

int wait_pause(struct wait *w, struct err *err, const char *what, ...)
{
	const struct clock *clock = w->ctx->clock;
	va_list ap;
	bool interrupted = w->ctx->interrupted_is_error && clock_interrupted();
	bool late = clock->mono_ms(clock) >= w->until_ms;
	if (!interrupted && !late) {
		interrupted =
			clock->sleep_ms(clock, w->delay_ms) != 0 && w->ctx->interrupted_is_error;
		w->delay_ms *= 2;
		if (w->delay_ms > w->most_ms)
			w->delay_ms = w->most_ms;
	}
	if (!interrupted && !late)
		return 0;
	struct strbuf text = STRBUF_INIT;
	va_start(ap, what);
	strbuf_vaddf(&text, what, ap);
	va_end(ap);
	if (interrupted)
		err_set(err, ERR_INTERRUPTED, "interrupted while waiting for %s", text.buf);
	else
		err_set(err, ERR_TIMEOUT, "gave up waiting for %s", text.buf);
	strbuf_release(&text);
	return -1;
}

/* --- errors --- */

bool err_is_any(const struct err *err, const char *const *aws_codes)
{
	for (; aws_codes && *aws_codes; aws_codes++)
		if (err->aws_code && strcmp(err->aws_code, *aws_codes) == 0)
			return true;
	return false;
}

bool err_is_missing(const struct err *err)
{
	static const char *const codes[] = {"EntityNotFoundException", "NoSuchEntity",
		"NoSuchBucket", "ResourceNotFoundException", "NoSuchKey",
		"StateMachineDoesNotExist", "ActivityDoesNotExist", "ExecutionDoesNotExist",
		"ResourceNotFound", NULL};
	return err->code == ERR_NOT_FOUND || err_is_any(err, codes);
}

bool err_is_there(const struct err *err)
{
	static const char *const codes[] = {"AlreadyExistsException", "EntityAlreadyExists",
		"BucketAlreadyOwnedByYou", "BucketAlreadyExists", "ResourceAlreadyExistsException",
		"StateMachineAlreadyExists", "ActivityAlreadyExists", NULL};
	return err->code == ERR_EXISTS || err_is_any(err, codes);
}

int err_unless_missing(int ret, struct err *why, struct err *err)
{
	if (ret && err_is_missing(why))
		ret = 0;
	if (ret)
		err_move(err, why);
	err_release(why);
	return ret;
}

int call_if_there(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	struct json **out, struct err *err)
{
	struct err why = ERR_INIT;
	if (out)
		*out = NULL;
	return err_unless_missing(aws_call(ctx->aws, op, in, out, &why), &why, err);
}

int list_if_there(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	struct json **items, struct err *err)
{
	struct err why = ERR_INIT;
	*items = NULL;
	int ret = aws_call_all(ctx->aws, op, in, items, &why);
	if (ret && err_is_missing(&why))
		*items = json_array();
	return err_unless_missing(ret, &why, err);
}

/*
 * What services say while a role, its trust or its policies have not reached them yet. Only with these codes: "is not
 * authorized" with AccessDenied is about the caller, and waiting does not help.
 */
static const struct {
	const char *aws_code, *phrase;
} propagation[] = {
	{"InvalidInputException", "cannot be assumed"},
	{"InvalidInputException", "is unable to assume provided role"},
	{"InvalidInputException", "is unable to assume the role"},
	{"InvalidInputException", "unable to assume role"},
	{"InvalidInputException", "should be given assume role permissions"},
	{"InvalidInputException", "Please verify the role's TrustPolicy"},
	{"InvalidInputException", "is not authorized"},
	{"InvalidInputException", "Insufficient Lake Formation permission"},
	{"InvalidInputException", "or the role provided does not have access"},
	{"InvalidInputException", "security token included in the request is invalid"},
	{"InvalidInputException", "Role does not exist"},
	{"AccessDeniedException", "security token included in the request is invalid. (Service:"},
	{"AccessDeniedException", "authorized to assume the provided role"},
	{"AccessDeniedException", "is not authorized to access the Log Destination"},
	{"AccessDeniedException", "is not authorized to create managed-rule"},
	{"ValidationException", "is unable to assume the role"},
	{"ValidationException", "cannot be assumed"},
	{"InvalidRequestException", "unable to assume"},
	{"InvalidParameter", "PrincipalNotFound"},
	{"MalformedPolicyDocument", "Invalid principal in policy"},
	{"MalformedPolicyDocumentException", "invalid principals"},
	{"MalformedPolicy", "Invalid principal in policy"},
};

static const char *bare_role(const char *role)
{
	const char *slash = role ? strrchr(role, '/') : NULL;
	return slash ? slash + 1 : role;
}

bool err_is_propagation(const struct err *err, unused_arg const char *role)
{
	if (!err->aws_code || !err->text)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(propagation); i++)
		if (strcmp(err->aws_code, propagation[i].aws_code) == 0 &&
			strcasestr(err->text, propagation[i].phrase))
			return true;
	return false;
}

/* --- calls --- */

struct role_facts {
	bool known, exists, trusts;
	int64_t age_ms;
};

/* Best effort: without the right to look, nothing is known. */
static void look_at_role(
	const struct type_ctx *ctx, const char *role, const char *service, struct role_facts *facts)
{
	struct json *in = json_strings("RoleName", bare_role(role), NULL), *out = NULL;
	struct err err = ERR_INIT;
	int64_t created = 0;
	*facts = (struct role_facts){.age_ms = INT64_MAX};
	if (aws_call(ctx->aws, &iam_get_role, in, &out, &err)) {
		facts->known = err_is_missing(&err);
	} else {
		const char *trust = json_str(json_path(out, "Role.AssumeRolePolicyDocument"));
		const char *date = json_str(json_path(out, "Role.CreateDate"));
		facts->known = facts->exists = true;
		facts->trusts = !trust || !service || strstr(trust, service);
		if (date && clock_parse(date, &created) == 0)
			facts->age_ms = aws_client_now_ms(ctx->aws) - created;
	}
	err_release(&err);
	json_free(in);
	json_free(out);
}

static int explain_role(
	const char *role, const char *service, const struct role_facts *facts, struct err *err)
{
	if (!facts->known)
		err_hint(err, "check that role '%s' exists and that its trust policy names %s",
			role, service);
	else if (!facts->exists)
		err_hint(err, "role '%s' does not exist in this account", role);
	else if (!facts->trusts)
		err_hint(err, "role '%s' exists, but its trust policy lacks %s", role, service);
	else
		err_hint(err,
			"role '%s' exists and trusts %s: check what its policies allow, and "
			"conditions "
			"in its trust policy",
			role, service);
	return -1;
}

/* A role that is missing or trusts somebody else may be on its way, but not for long. */
static int64_t role_budget_ms(const struct role_facts *facts)
{
	if (!facts->known || (facts->exists && facts->trusts))
		return 90 * 1000;
	return 15 * 1000;
}

int call_with_role(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	const char *role, const char *service, struct json **out, struct err *err)
{
	static const char *const invalid[] = {"InvalidInputException", NULL};
	struct role_facts facts;
	struct err last = ERR_INIT, late = ERR_INIT;
	struct wait w;
	bool looked = false;
	int ret;
	while ((ret = aws_call(ctx->aws, op, in, out, &last)) && role) {
		bool names_it = err_is_any(&last, invalid) && last.text &&
				strstr(last.text, bare_role(role));
		if (!err_is_propagation(&last, role) && !names_it)
			break;
		if (!looked) {
			look_at_role(ctx, role, service, &facts);
			wait_begin(&w, ctx, role_budget_ms(&facts));
			w.delay_ms = 500;
			w.most_ms = 1000;
			looked = true;
		}
		if (!err_is_propagation(&last, role) && facts.age_ms > 90 * 1000)
			break;
		if (wait_pause(&w, &late, "role '%s'", bare_role(role))) {
			if (late.code == ERR_INTERRUPTED)
				err_move(&last, &late);
			break;
		}
	}
	if (ret && looked && last.code != ERR_INTERRUPTED) {
		look_at_role(ctx, role, service, &facts);
		explain_role(bare_role(role), service, &facts, &last);
	}
	if (ret)
		err_move(err, &last);
	err_release(&last);
	err_release(&late);
	return ret;
}

int call_unless_busy(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	const char *const *busy_codes, int64_t budget_ms, struct json **out, struct err *err)
{
	struct err last = ERR_INIT, late = ERR_INIT;
	struct wait w;
	int ret;
	wait_begin(&w, ctx, budget_ms);
	while ((ret = aws_call(ctx->aws, op, in, out, &last)) && err_is_any(&last, busy_codes)) {
		if (wait_pause(&w, &late, "%s", op->name)) {
			if (late.code == ERR_INTERRUPTED)
				err_move(&last, &late);
			break;
		}
	}
	if (ret)
		err_move(err, &last);
	err_release(&last);
	err_release(&late);
	return ret;
}

void type_note(const struct type_ctx *ctx, const struct resource *r, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	ctx->note(ctx->note_payload, r->stack, r->logical_id, sb.buf);
	strbuf_release(&sb);
}

struct json *json_strings(const char *name, const char *value, ...)
{
	struct json *out = json_object();
	va_list ap;
	va_start(ap, value);
	while (name) {
		json_set_str(out, name, value);
		name = va_arg(ap, const char *);
		value = name ? va_arg(ap, const char *) : NULL;
	}
	va_end(ap);
	return out;
}
