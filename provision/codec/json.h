#ifndef JSON_H
#define JSON_H

/*
 * A JSON value (a tree), the one document type that layers hand to each other: resolved properties,
 * API requests and replies, records, command output. cJSON is inside and does not show.
 * Numbers keep the text that they were written with, so 64-bit integers survive. Object members keep
 * their order; names are case-sensitive. A tree has one owner; json_set and json_push take what
 * they are given. All getters take NULL and wrong kinds and give the "nothing" of their type.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "strbuf.h"

struct json;

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* Life cycle. Results are the caller's. */
struct json *json_null(void);
struct json *json_bool(bool b);
/* Prints as true or false; json_scalar_text gives what was written for it ("yes"). */
struct json *json_bool_text(bool b, const char *text);
struct json *json_int(int64_t n);
struct json *json_double(double d); /* not a number and infinity become null */
/* `text` is written out as it stands; it must be a JSON number (BUG otherwise). */
struct json *json_number_text(const char *text);
struct json *json_string(const char *s);               /* NULL gives a null value */
struct json *json_string_n(const char *s, size_t len); /* NUL bytes become U+FFFD */
struct json *json_array(void);
struct json *json_object(void);
struct json *json_copy(const struct json *v); /* deep; NULL gives NULL */
void json_free(struct json *v);

/*
 * Text. Depth is limited to 128; trailing non-blank text is an error; the error (ERR_INVALID) gives line and column.
 * Of two members with one name the last wins. A string with \u0000 in it is refused. What is printed is always
 * valid JSON: bytes that are no UTF-8 come out as U+FFFD.
 */
struct json *json_parse(const char *text, size_t len, struct err *err) must_check;
/* The same up to another depth, for what this program wrote: a stack frame or two for each level. */
struct json *json_parse_deep(
	const char *text, size_t len, int depth_max, struct err *err) must_check;
void json_print(const struct json *v, struct strbuf *sb); /* compact */
void json_print_pretty(
	const struct json *v, struct strbuf *sb); /* two blanks an indent, no last newline */
/* Compact with members sorted by name, all levels: equal values give equal bytes (numbers in shortest form). */
void json_print_canonical(const struct json *v, struct strbuf *sb);
bool json_equal(const struct json *a, const struct json *b); /* member order does not count */

/* Looking. Results are borrowed from the tree. */
enum json_kind json_kind(const struct json *v);          /* NULL is JSON_NULL */
bool json_is(const struct json *v, enum json_kind kind); /* NULL is nothing */
const char *json_str(const struct json *v);              /* NULL when it is no string */
int64_t json_i64(
	const struct json *v, int64_t otherwise); /* also from a string that holds an integer */
double json_dbl(const struct json *v, double otherwise);
bool json_truth(const struct json *v, bool otherwise); /* also from "true"/"false" */
/* The written form of a number, string or bool ("3.0", "abc", "true"); NULL otherwise. */
const char *json_scalar_text(const struct json *v);
size_t json_len(const struct json *v); /* elements or members */
struct json *json_at(const struct json *v,
	size_t i); /* i-th element, or i-th member's value; NULL outside. O(i) */
const char *json_name(
	const struct json *member); /* the name under which a value stands in its object */
struct json *json_get(const struct json *obj, const char *name);
/* A path of member names and indices: json_path(v, "Job.Command.Name"), "Statistics.0". */
struct json *json_path(const struct json *v, const char *path);
const char *json_get_str(
	const struct json *obj, const char *name); /* NULL when missing or no string */
int64_t json_get_i64(const struct json *obj, const char *name, int64_t otherwise);
bool json_get_truth(const struct json *obj, const char *name, bool otherwise);
/* Walking: struct json *e; json_each(e, array_or_object) { json_name(e) … } — do not remove while walking. */
struct json *json_first(const struct json *v);
struct json *json_next(const struct json *e);
#define json_each(e, v) for ((e) = json_first(v); (e); (e) = json_next(e))

/* Building. json_set replaces a member of the same name, keeping its place; both take `value`. NULL value: nothing happens. */
void json_set(struct json *obj, const char *name, struct json *value);
/* As json_set, without the search: the caller knows that `obj` is an object without such a member. Takes `value`. */
void json_append(struct json *obj, const char *name, struct json *value);
void json_push(struct json *array, struct json *value);
void json_set_str(struct json *obj, const char *name, const char *s); /* NULL s: nothing happens */
void json_set_i64(struct json *obj, const char *name, int64_t n);
void json_set_dbl(struct json *obj, const char *name, double d);
void json_set_bool(struct json *obj, const char *name, bool b);
void json_push_str(struct json *array, const char *s);
void json_remove(struct json *obj, const char *name);
/* Takes the member out of its object; the caller's then. NULL where there is none. */
struct json *json_detach(struct json *obj, const char *name);
/* Replaces `old`, a child of `parent`, with `value` (taken); frees old. */
void json_replace(struct json *parent, struct json *old, struct json *value);

#endif
