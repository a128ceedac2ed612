#ifndef EXABEL_INTERNAL_H
#define EXABEL_INTERNAL_H

#include "exabel.h"
#include "json.h"

struct exabel_request {
	const char *call; /* "SearchEntities": for errors */
	const char *method;
	const char *path; /* "/v1/…", encoded, with its query */
	const void *body; /* JSON; NULL: none */
	size_t body_len;
	int64_t timeout_ms; /* of silence */
};
/* One call. *reply is the caller's, and an object. */
int exabel_perform(struct exabel *e, const struct exabel_request *req, struct json **reply,
	struct err *err) must_check;
/* A text of the service's, fit to be shown: one line, and without the key. Malloc'd; NULL gives NULL. */
char *exabel_presentable(const struct exabel *e, const char *text);

#endif
