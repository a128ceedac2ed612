#ifndef JSON_STEPS_H
#define JSON_STEPS_H

/*
 * The JSON paths of Glue's classifiers ("Writing JSON custom classifiers", AWS Glue developer guide): $ the root,
 * .name and ['name'] a member, [n] an element, .* and [*] all of them.
 */
#include "json.h"

struct json_path_step {
	char *name; /* a member; NULL: none */
	int64_t at; /* an element; -1: none */
	bool all;
};
struct json_path {
	struct json_path_step *v;
	size_t nr, alloc;
};
#define JSON_PATH_INIT     \
	{                  \
		NULL, 0, 0 \
	}
/* ERR_INVALID says what is wrong and where. */
int json_path_parse(struct json_path *p, const char *text, struct err *err) must_check;
void json_path_release(struct json_path *p);
/* Calls fn for each value that the path leads to, in order. */
typedef void json_path_fn(const struct json *v, void *payload);
void json_path_walk(
	const struct json_path *p, const struct json *root, json_path_fn *fn, void *payload);

#endif
