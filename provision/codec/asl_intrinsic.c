/* The intrinsic functions of the Amazon States Language: one table, one reader, one function each. */
#include "asl_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base64.h"
#include "digest.h"
#include "hex.h"
#include "map.h"
#include "strbuf.h"

#define NESTING_MAX 10
#define RANGE_MAX 1000
#define TEXT_MAX 10000 /* bytes of what is hashed or coded */
#define ARGS_MAX 512

struct call {
	const struct json *args;
	const struct json *a, *b, *c; /* the first three; NULL: not given */
	const struct asl_host *host;
};

/* NULL: the error's text is set. */
typedef struct json *intrinsic_fn(const struct call *call, struct err *err);

static struct json *no(struct err *err, const char *text)
{
	err_set(err, ERR_INVALID, "%s", text);
	return NULL;
}

/* Rounded to the nearest integer, as the language has it. */
static int integer(const struct json *v, long long *out)
{
	double d = json_dbl(v, 0);

	if (!json_is(v, JSON_NUMBER) || !(fabs(d) <= 9007199254740991.0))
		return -1;
	*out = (long long)round(d);
	return 0;
}

static void add_value(struct strbuf *sb, const struct json *v)
{
	if (json_is(v, JSON_STRING))
		strbuf_addstr(sb, json_str(v));
	else
		json_print(v, sb);
}

static struct json *taken(struct strbuf *sb)
{
	struct json *v = json_string_n(sb->buf, sb->len);

	strbuf_release(sb);
	return v;
}

static struct json *do_format(const struct call *call, struct err *err)
{
	struct strbuf sb = STRBUF_INIT;
	const char *p = json_str(call->a);
	const struct json *next = json_first(call->args);

	if (!p)
		return no(err, "the first argument must be a string");
	next = json_next(next);
	for (; *p; p++) {
		if (*p == '\\' && p[1] && strchr("{}'\\", p[1])) {
			strbuf_addch(&sb, *++p);
		} else if (*p == '{' && p[1] == '}' && next) {
			add_value(&sb, next);
			next = json_next(next);
			p++;
		} else if (*p == '{' || *p == '}') {
			strbuf_release(&sb);
			return no(err, p[1] == '}' ? "number of arguments do not match the "
						     "occurrences of {}"
						   : "matching '}' not found for '{'");
		} else {
			strbuf_addch(&sb, *p);
		}
	}
	if (next) {
		strbuf_release(&sb);
		return no(err, "number of arguments do not match the occurrences of {}");
	}
	return taken(&sb);
}

static struct json *do_string_to_json(const struct call *call, struct err *err)
{
	const char *text = json_str(call->a);

	if (!text)
		return no(err, "the argument must be a string");
	return json_parse(text, strlen(text), err);
}

static struct json *do_json_to_string(const struct call *call, struct err *err)
{
	struct strbuf sb = STRBUF_INIT;

	(void)err;
	json_print(call->a, &sb);
	return taken(&sb);
}

static struct json *do_array(const struct call *call, struct err *err)
{
	(void)err;
	return json_copy(call->args);
}

static struct json *do_array_partition(const struct call *call, struct err *err)
{
	struct json *out, *chunk = NULL;
	const struct json *e;
	long long size, n = 0;

	if (!json_is(call->a, JSON_ARRAY))
		return no(err, "the first argument must be an array");
	if (integer(call->b, &size) != 0 || size < 1)
		return no(err, "the second argument must be an integer greater than zero");
	out = json_array();
	json_each(e, call->a)
	{
		if (n++ % size == 0) {
			chunk = json_array();
			json_push(out, chunk);
		}
		json_push(chunk, json_copy(e));
	}
	return out;
}

static struct json *do_array_contains(const struct call *call, struct err *err)
{
	const struct json *e;

	if (!json_is(call->a, JSON_ARRAY))
		return no(err, "the first argument must be an array");
	json_each(e, call->a)
	{
		if (json_equal(e, call->b))
			return json_bool(true);
	}
	return json_bool(false);
}

static struct json *do_array_range(const struct call *call, struct err *err)
{
	long long from, to, step;
	struct json *out;

	if (integer(call->a, &from) != 0 || integer(call->b, &to) != 0 ||
		integer(call->c, &step) != 0)
		return no(err, "the arguments must be integers");
	if (step == 0)
		return no(err, "the step must not be zero");
	if ((to - from) / step >= RANGE_MAX)
		return no(err, "the range must not hold more than 1000 elements");
	out = json_array();
	for (; step > 0 ? from <= to : from >= to; from += step)
		json_push(out, json_int(from));
	return out;
}

static struct json *do_array_get_item(const struct call *call, struct err *err)
{
	long long i;

	if (!json_is(call->a, JSON_ARRAY))
		return no(err, "the first argument must be an array");
	if (integer(call->b, &i) != 0 || i < 0 || i >= (long long)json_len(call->a))
		return no(err, "the index is not within the bounds of the array");
	return json_copy(json_at(call->a, (size_t)i));
}

static struct json *do_array_length(const struct call *call, struct err *err)
{
	if (!json_is(call->a, JSON_ARRAY))
		return no(err, "the argument must be an array");
	return json_int((int64_t)json_len(call->a));
}

static struct json *do_array_unique(const struct call *call, struct err *err)
{
	const struct json *e;
	struct map seen = MAP_INIT; /* by what json_equal compares */
	struct strbuf text = STRBUF_INIT;
	struct json *out;

	if (!json_is(call->a, JSON_ARRAY))
		return no(err, "the argument must be an array");
	out = json_array();
	json_each(e, call->a)
	{
		strbuf_clear(&text);
		json_print_canonical(e, &text);
		if (map_has(&seen, text.buf))
			continue;
		map_put(&seen, text.buf, out);
		json_push(out, json_copy(e));
	}
	map_release(&seen);
	strbuf_release(&text);
	return out;
}

static struct json *do_base64_encode(const struct call *call, struct err *err)
{
	const char *text = json_str(call->a);
	struct strbuf sb = STRBUF_INIT;

	if (!text || strlen(text) > TEXT_MAX)
		return no(err, "the argument must be a string of at most 10000 characters");
	base64_encode(&sb, text, strlen(text));
	return taken(&sb);
}

static struct json *do_base64_decode(const struct call *call, struct err *err)
{
	const char *text = json_str(call->a);
	struct strbuf sb = STRBUF_INIT;

	if (!text || strlen(text) > TEXT_MAX)
		return no(err, "the argument must be a string of at most 10000 characters");
	if (base64_decode(&sb, text, strlen(text)) != 0) {
		strbuf_release(&sb);
		return no(err, "the argument is not valid Base64");
	}
	return taken(&sb);
}

static struct json *do_hash(const struct call *call, struct err *err)
{
	static const struct {
		const char *name;
		enum digest_kind kind;
	} kinds[] = {{"MD5", DIGEST_MD5}, {"SHA-1", DIGEST_SHA1}, {"SHA-256", DIGEST_SHA256},
		{"SHA-384", DIGEST_SHA384}, {"SHA-512", DIGEST_SHA512}};
	struct strbuf data = STRBUF_INIT, raw = STRBUF_INIT, hex = STRBUF_INIT;
	struct json *out = NULL;
	struct digest *d;

	add_value(&data, call->a);
	if (data.len > TEXT_MAX)
		no(err, "the data must not be longer than 10000 characters");
	for (size_t i = 0; data.len <= TEXT_MAX && i < ARRAY_SIZE(kinds) && !out; i++) {
		if (!json_is(call->b, JSON_STRING) || strcmp(json_str(call->b), kinds[i].name) != 0)
			continue;
		d = digest_new(kinds[i].kind);
		digest_add(d, data.buf, data.len);
		digest_finish(d, &raw);
		hex_encode(&hex, raw.buf, raw.len);
		out = taken(&hex);
	}
	if (!out && data.len <= TEXT_MAX)
		no(err, "the algorithm must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512");
	strbuf_release(&data);
	strbuf_release(&raw);
	return out;
}

static struct json *do_json_merge(const struct call *call, struct err *err)
{
	const struct json *e;
	struct json *out;

	if (!json_is(call->a, JSON_OBJECT) || !json_is(call->b, JSON_OBJECT))
		return no(err, "the first and the second argument must be JSON objects");
	if (!json_is(call->c, JSON_BOOL) || json_truth(call->c, false))
		return no(err, "the third argument must be false: deep merging is not supported");
	out = json_copy(call->a);
	json_each(e, call->b) json_set(out, json_name(e), json_copy(e));
	return out;
}

static struct json *do_math_random(const struct call *call, struct err *err)
{
	long long from, to, seed;
	unsigned char hash[SHA256_BYTES];
	uint64_t n;

	if (integer(call->a, &from) != 0 || integer(call->b, &to) != 0)
		return no(err, "the arguments must be integers");
	if (from >= to)
		return no(err, "the start must be less than the end");
	if (call->c && integer(call->c, &seed) != 0)
		return no(err, "the seed must be an integer");
	if (call->c) {
		digest_sha256(&seed, sizeof(seed), hash);
		memcpy(&n, hash, sizeof(n));
	} else {
		asl_random(call->host, &n, sizeof(n));
	}
	return json_int(from + (long long)(n % (uint64_t)(to - from)));
}

static struct json *do_math_add(const struct call *call, struct err *err)
{
	long long a, b;

	if (integer(call->a, &a) != 0 || integer(call->b, &b) != 0)
		return no(err, "the arguments must be numbers");
	return json_int(a + b);
}

static struct json *do_string_split(const struct call *call, struct err *err)
{
	const char *text = json_str(call->a), *delimiters = json_str(call->b);
	struct json *out;
	size_t len;

	if (!text || !delimiters)
		return no(err, "the arguments must be strings");
	out = json_array();
	for (text += strspn(text, delimiters); *text; text += strspn(text, delimiters)) {
		len = strcspn(text, delimiters);
		json_push(out, json_string_n(text, len));
		text += len;
	}
	return out;
}

static struct json *do_uuid(const struct call *call, struct err *err)
{
	unsigned char b[16];
	struct strbuf hex = STRBUF_INIT;

	(void)err;
	asl_random(call->host, b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	hex_encode(&hex, b, sizeof(b));
	for (size_t at = 20; at >= 8; at -= 4)
		strbuf_insert(&hex, at, "-", 1);
	return taken(&hex);
}

static const struct intrinsic {
	const char *name;
	size_t min, max;
	intrinsic_fn *run;
} intrinsics[] = {
	{"Array", 0, ARGS_MAX, do_array},
	{"ArrayContains", 2, 2, do_array_contains},
	{"ArrayGetItem", 2, 2, do_array_get_item},
	{"ArrayLength", 1, 1, do_array_length},
	{"ArrayPartition", 2, 2, do_array_partition},
	{"ArrayRange", 3, 3, do_array_range},
	{"ArrayUnique", 1, 1, do_array_unique},
	{"Base64Decode", 1, 1, do_base64_decode},
	{"Base64Encode", 1, 1, do_base64_encode},
	{"Format", 1, ARGS_MAX, do_format},
	{"Hash", 2, 2, do_hash},
	{"JsonMerge", 3, 3, do_json_merge},
	{"JsonToString", 1, 1, do_json_to_string},
	{"MathAdd", 2, 2, do_math_add},
	{"MathRandom", 2, 3, do_math_random},
	{"StringSplit", 2, 2, do_string_split},
	{"StringToJson", 1, 1, do_string_to_json},
	{"UUID", 0, 0, do_uuid},
};

/* --- reading and running; without a scope only reading: every value is null then --- */

struct reader {
	const char *p;
	struct asl_scope *scope;
	struct err *err;
	int depth;
};

static struct json *read_call(struct reader *r);

static void skip_blanks(struct reader *r)
{
	while (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')
		r->p++;
}

static struct json *bad(struct reader *r, const char *text)
{
	asl_fail(r->err, ASL_INTRINSIC_FAILURE, "Invalid intrinsic function: %s", text);
	return NULL;
}

/* 'text'; \ hides the next byte. With `raw` hidden braces stay hidden: Format's own reading resolves them. */
static struct json *read_string(struct reader *r, bool raw)
{
	struct strbuf sb = STRBUF_INIT;

	for (r->p++; *r->p && *r->p != '\''; r->p++) {
		if (*r->p == '\\' && r->p[1]) {
			if (raw)
				strbuf_addch(&sb, *r->p);
			r->p++;
		}
		strbuf_addch(&sb, *r->p);
	}
	if (!*r->p) {
		strbuf_release(&sb);
		return bad(r, "a string is not closed");
	}
	r->p++;
	return taken(&sb);
}

static struct json *read_number(struct reader *r)
{
	size_t len = strspn(r->p, "+-0123456789.eE");
	struct json *v = json_parse(r->p, len, NULL);

	if (!json_is(v, JSON_NUMBER)) {
		json_free(v);
		return bad(r, "an argument is no number, string, path or function");
	}
	r->p += len;
	return v;
}

static struct json *read_path(struct reader *r)
{
	const char *start = r->p;
	struct strbuf input = STRBUF_INIT;
	struct err why = ERR_INIT;
	struct json *v = NULL;

	if (!r->scope)
		return asl_path_skip(&r->p) == 0 ? json_null() : bad(r, "an argument is no path");
	v = asl_path_get_at(&r->p, r->scope, &why);
	if (!v && why.code == ERR_NOT_FOUND) {
		json_print(r->scope->input, &input);
		asl_fail(r->err, ASL_RUNTIME,
			"The JsonPath argument for the field '%.*s' could not be found in the "
			"input "
			"'%.4096s'",
			(int)(r->p - start), start, input.buf);
	} else if (!v && asl_is_data_limit(&why)) {
		err_move(r->err, &why);
	} else if (!v) {
		bad(r, why.text);
	}
	strbuf_release(&input);
	err_release(&why);
	return v;
}

static struct json *read_argument(struct reader *r, bool raw)
{
	static const char *const words[] = {"null", "true", "false"};
	size_t len;

	skip_blanks(r);
	if (*r->p == '\'')
		return read_string(r, raw);
	if (*r->p == '$')
		return read_path(r);
	if (asl_is_intrinsic(r->p))
		return read_call(r);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		len = strlen(words[i]);
		if (!strncmp(r->p, words[i], len)) {
			r->p += len;
			return i ? json_bool(i == 1) : json_null();
		}
	}
	return read_number(r);
}

static int read_arguments(struct reader *r, bool format, struct json *args)
{
	struct json *v;

	skip_blanks(r);
	if (*r->p == ')') {
		r->p++;
		return 0;
	}
	for (;;) {
		v = read_argument(r, format && !json_len(args));
		if (!v)
			return -1;
		json_push(args, v);
		skip_blanks(r);
		if (*r->p == ')') {
			r->p++;
			return 0;
		}
		if (*r->p++ != ',' || json_len(args) > ARGS_MAX) {
			r->p--;
			bad(r, "the arguments are not closed");
			return -1;
		}
	}
}

static struct json *run_call(
	struct reader *r, const struct intrinsic *f, const char *start, const struct json *args)
{
	struct call call = {.args = args,
		.a = json_at(args, 0),
		.b = json_at(args, 1),
		.c = json_at(args, 2),
		.host = r->scope ? r->scope->host : NULL};
	struct err why = ERR_INIT;
	struct json *v;

	if (json_len(args) < f->min || json_len(args) > f->max)
		return bad(r, "wrong number of arguments");
	if (!r->scope)
		return json_null();
	v = f->run(&call, &why);
	if (!v)
		asl_fail(r->err, ASL_INTRINSIC_FAILURE,
			"The function '%.*s' had the following error: %s", (int)(r->p - start),
			start, why.text);
	err_release(&why);
	if (v && asl_charge(r->scope, v, r->err) != 0) {
		json_free(v);
		v = NULL;
	}
	return v;
}

static struct json *read_call(struct reader *r)
{
	const char *start = r->p, *name = start + strlen("States.");
	size_t len = strcspn(name, "( \t,)'");
	const struct intrinsic *f = NULL;
	struct json *args, *v = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(intrinsics) && !f; i++) {
		if (strlen(intrinsics[i].name) == len && !strncmp(intrinsics[i].name, name, len))
			f = &intrinsics[i];
	}
	r->p = name + len;
	skip_blanks(r);
	if (!f || *r->p != '(')
		return bad(r, f ? "'(' expected" : "there is no such function");
	r->p++;
	if (++r->depth > NESTING_MAX)
		return bad(r, "functions are nested too deeply");
	args = json_array();
	if (read_arguments(r, f->run == do_format, args) == 0)
		v = run_call(r, f, start, args);
	r->depth--;
	json_free(args);
	return v;
}

struct json *asl_intrinsic(const char *text, struct asl_scope *s, struct err *err)
{
	struct reader r = {.p = text, .scope = s, .err = err};
	struct json *v = read_call(&r);

	if (v)
		skip_blanks(&r);
	if (v && *r.p) {
		json_free(v);
		v = bad(&r, "text stands behind it");
	}
	return v;
}

bool asl_intrinsic_valid(const char *text)
{
	struct json *v = asl_intrinsic(text, NULL, NULL);

	json_free(v);
	return v != NULL;
}
