#ifndef SNS_H
#define SNS_H

/* What topics, their policies and subscriptions share. */
#include "err.h"
#include "json.h"
#include "type.h"

/* An error that means: there is no such topic or subscription. */
bool sns_missing(const struct err *err);
/* All attributes of a topic, as texts; *out NULL when it is gone. The caller's. */
int sns_topic_attributes(
	const struct type_ctx *ctx, const char *arn, struct json **out, struct err *err) must_check;
/* One after the other; ERR of the first that is refused. */
int sns_set_topic(const struct type_ctx *ctx, const char *arn, const struct json *texts,
	struct err *err) must_check;
/* All subscriptions of a topic; empty when it is gone. The caller's. */
int sns_subscriptions(const struct type_ctx *ctx, const char *topic, struct json **out,
	struct err *err) must_check;
/* Waits for ever to be confirmed: it has no ARN to end it by. */
bool sns_is_pending(const struct json *subscription);

#endif
