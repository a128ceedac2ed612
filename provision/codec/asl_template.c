/*
 * Payload templates: a field whose name ends in .$ takes the value that a path or an intrinsic function gives. And what
 * all rooms of the language share: errors, time, chance.
 */
#include "asl_internal.h"

#include <string.h>
#include "clock.h"
#include "digest.h"
#include "strbuf.h"

#define SHOWN_INPUT_MAX 4096
#define NODE_BYTES 80
#define COPIED_BYTES_MAX ((size_t)512 * 1024 * 1024)

int asl_fail(struct err *err, const char *error, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	err_set(err, ERR_FAILED, "%s", sb.buf);
	err_named(err, error);
	strbuf_release(&sb);
	return -1;
}

int64_t asl_now(const struct asl_host *host)
{
	const struct clock *c = clock_system();

	return host && host->now_ms ? host->now_ms(host->payload) : c->now_ms(c);
}

void asl_random(const struct asl_host *host, void *out, size_t len)
{
	if (host && host->random)
		host->random(host->payload, out, len);
	else
		digest_random(out, len);
}

void asl_scope_release(struct asl_scope *s)
{
	json_free(s->context);
	s->context = NULL;
}

static size_t bytes_of(const struct json *v)
{
	const char *text = json_scalar_text(v), *name = json_name(v);
	size_t n = NODE_BYTES + (text ? strlen(text) : 0) + (name ? strlen(name) : 0);
	const struct json *e;

	json_each(e, v) n += bytes_of(e);
	return n;
}

int asl_charge(struct asl_scope *s, const struct json *v, struct err *err)
{
	s->copied += bytes_of(v);
	return s->copied <= COPIED_BYTES_MAX
		       ? 0
		       : asl_fail(err, ASL_DATA_LIMIT,
				 "The values of the state's fields exceed the maximum number of "
				 "bytes service limit.");
}

bool asl_is_data_limit(const struct err *err)
{
	return !strcmp(err_name(err), ASL_DATA_LIMIT);
}

bool asl_is_intrinsic(const char *text)
{
	return starts_with(text, "States.");
}

bool asl_expression_valid(const char *text)
{
	return asl_is_intrinsic(text) ? asl_intrinsic_valid(text)
				      : asl_path_valid(text, ASL_PATH_ANY);
}

/* AWS's words for a path that names nothing. */
static void say_missing(
	const char *text, const char *field, const struct asl_scope *s, struct err *err)
{
	struct strbuf input = STRBUF_INIT;

	if (starts_with(text, "$$"))
		strbuf_addstr(&input, "the context object");
	else if (text[1] == '.' || text[1] == '[' || !text[1])
		json_print(s->input, &input);
	if (!input.len || starts_with(text, "$$"))
		asl_fail(err, ASL_RUNTIME,
			"The JSONPath '%s' specified for the field '%s' could not be found%s%s",
			text, field, input.len ? " in " : "", input.buf);
	else
		asl_fail(err, ASL_RUNTIME,
			"The JSONPath '%s' specified for the field '%s' could not be found in "
			"the input '%.*s'",
			text, field, SHOWN_INPUT_MAX, input.buf);
	strbuf_release(&input);
}

struct json *asl_expression(
	const char *text, const char *field, struct asl_scope *s, struct err *err)
{
	struct err why = ERR_INIT;
	struct json *v;

	if (asl_is_intrinsic(text))
		return asl_intrinsic(text, s, err);
	v = asl_path_get(text, s, &why);
	if (!v && why.code == ERR_NOT_FOUND)
		say_missing(text, field, s, err);
	else if (!v && asl_is_data_limit(&why))
		err_move(err, &why);
	else if (!v)
		asl_fail(err, ASL_RUNTIME,
			"The value for the field '%s' must be a valid JSONPath or a valid "
			"intrinsic "
			"function call: %s",
			field, why.text);
	err_release(&why);
	return v;
}

static int template_member(
	const struct json *m, struct json *out, struct asl_scope *s, struct err *err)
{
	const char *name = json_name(m);
	size_t len = strlen(name);
	struct strbuf plain = STRBUF_INIT;
	struct json *v;

	if (len > 2 && ends_with(name, ".$") && json_is(m, JSON_STRING)) {
		v = asl_expression(json_str(m), name, s, err);
		strbuf_add(&plain, name, len - 2);
	} else {
		v = asl_template(m, s, err);
		strbuf_addstr(&plain, name);
	}
	if (v)
		json_set(out, plain.buf, v);
	strbuf_release(&plain);
	return v ? 0 : -1;
}

struct json *asl_template(const struct json *t, struct asl_scope *s, struct err *err)
{
	struct json *out, *v;
	const struct json *e;
	int rc = 0;

	if (!json_is(t, JSON_OBJECT) && !json_is(t, JSON_ARRAY))
		return t ? json_copy(t) : json_null();
	out = json_is(t, JSON_OBJECT) ? json_object() : json_array();
	for (e = json_first(t); e && rc == 0; e = json_next(e)) {
		if (json_is(t, JSON_OBJECT)) {
			rc = template_member(e, out, s, err);
			continue;
		}
		v = asl_template(e, s, err);
		rc = v ? 0 : -1;
		if (v)
			json_push(out, v);
	}
	if (rc == 0)
		return out;
	json_free(out);
	return NULL;
}
