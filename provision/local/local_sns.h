#ifndef LOCAL_SNS_H
#define LOCAL_SNS_H

/*
 * Topics and subscriptions inside the local cloud (Amazon SNS API Reference). A message goes to the queues that are
 * subscribed, in the transaction that takes it: what Publish has answered is in the queues. Subscriptions by email
 * and SMS wait for ever to be confirmed, and nothing leaves the machine: other protocols are refused by name.
 *
 * A topic's policy is kept, checked, and evaluated for the services that publish to it (EventBridge); for roles a denial
 * in it counts. A queue gets a topic's messages when its own policy lets sns.amazonaws.com send for the topic.
 */
#include "local_cloud.h"
#include "local_sqs.h"

extern const struct local_part local_sns_part;
extern const struct local_service local_sns_service, local_sns_subscription_service,
	local_sns_publish_service;

#define sns_invalid(err, ...) local_fault(err, 400, "InvalidParameter", __VA_ARGS__)

/* As `service` for `source_arn`, which the topic's policy must allow; not inside a transaction. Faults: NotFound,
 * AuthorizationError, InvalidParameter. */
int local_sns_publish(struct local_cloud *cloud, const char *topic_arn, const char *service,
	const char *source_arn, const char *message, struct err *err) must_check;

/* --- one topic --- */
struct sns_topic {
	char *arn, *name, *region;
	struct json *attrs; /* what was set, texts */
	bool fifo;
};
void sns_topic_release(struct sns_topic *t);
/* NotFound; the topic's own policy may deny it to the caller. */
int sns_topic_asked_tx(struct local_cloud *cloud, const struct local_request *req, const char *arn,
	struct sns_topic *t, struct err *err) must_check;
int sns_topic_find_tx(struct local_cloud *cloud, const char *arn, struct sns_topic *t,
	struct err *err) must_check;
/* The ARN that policies are matched against. */
void sns_arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn);

/* {"member": [...], "NextToken"} of the rows of a query (its first column is the key of order), 100 a page. */
typedef struct json *sns_row_fn(struct sql_stmt *st);
int sns_list_tx(struct local_cloud *cloud, struct local_call *k, const char *member,
	const char *sql, const char *arg, sns_row_fn *row_of, struct err *err) must_check;

/* --- filter policies (local_sns_filter.c): pure --- */
/* A policy as text; NULL with err (ERR_INVALID) and AWS's words. */
struct json *sns_filter_parse(const char *text, bool body, struct err *err) must_check;
/* `attributes` is {"name": {"DataType", "StringValue"}}; `body` the message's text. */
bool sns_filter_match(
	const struct json *policy, bool by_body, const struct json *attributes, const char *body);

#endif
