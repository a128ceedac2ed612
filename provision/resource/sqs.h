#ifndef SQS_H
#define SQS_H

/* What a queue and its policy share. */
#include "err.h"
#include "json.h"
#include "type.h"

/* An error that means: there is no such queue. */
bool sqs_missing(const struct err *err);
/* All attributes, as texts; *out NULL when the queue is gone. The caller's. */
int sqs_attributes(
	const struct type_ctx *ctx, const char *url, struct json **out, struct err *err) must_check;
int sqs_set_attributes(const struct type_ctx *ctx, const char *url, const struct json *texts,
	struct err *err) must_check;

#endif
