#ifndef LOCAL_EVENTS_INTERNAL_H
#define LOCAL_EVENTS_INTERNAL_H

/* Between the files of the local EventBridge. */
#include "local_events.h"

#define EVENTS "events.amazonaws.com"
#define EVENTS_DEFAULT "default"

#define events_invalid(err, ...) local_fault(err, 400, "ValidationException", __VA_ARGS__)
#define events_not_found(err, ...) local_fault(err, 400, "ResourceNotFoundException", __VA_ARGS__)

/* --- buses (local_events_bus.c) --- */
/* The bus's name, from a name, an ARN, or NULL (default); malloc'd. */
char *events_bus_name(const char *name_or_arn);
/* ResourceNotFoundException when there is none of that name in the region. */
int events_bus_need_tx(struct local_cloud *cloud, const char *region, const char *name,
	struct err *err) must_check;
/* arn:…:rule/NAME, on another bus arn:…:rule/BUS/NAME; malloc'd. */
char *events_rule_arn(
	struct local_cloud *cloud, const char *region, const char *bus, const char *name);
int events_check_name(
	const char *member, const char *name, size_t max, bool slashes, struct err *err) must_check;
/* [{Key,Value}] as {k: v}; *out the caller's. */
int events_read_tags(const struct json *list, struct json **out, struct err *err) must_check;
/* Limit and NextToken. */
int events_page(const struct json *in, int64_t *limit, char **after, struct err *err) must_check;
/* The ARN that policies are matched against. */
void events_arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn);

/* --- rules (local_events.c) --- */
struct events_rule {
	char *arn, *name, *bus, *region;
	struct json *doc; /* PutRule's members */
	bool enabled;
};
void events_rule_release(struct events_rule *r);
/* That of the request's member; ResourceNotFoundException. */
int events_rule_need_tx(struct local_cloud *cloud, const struct local_call *k, const char *member,
	struct events_rule *r, struct err *err) must_check;
int events_rule_find_tx(struct local_cloud *cloud, const char *arn, struct events_rule *r,
	struct err *err) must_check;

/* --- targets (local_events_target.c) --- */
extern local_handler_fn local_events_put_targets, local_events_remove_targets,
	local_events_list_targets, local_events_list_rules_by_target;

/* --- what a target gets (local_events_input.c): pure --- */
/* The target's Input, InputPath or InputTransformer on an event; *out is set to the text. */
void events_input(const struct json *target, const struct json *event, const char *rule_arn,
	struct strbuf *out);
/* ValidationException for more than one of them, a bad path, a bad template. */
int events_check_input(const struct json *target, struct err *err) must_check;

/* --- events (local_events_put.c) --- */
/* A whole event to the rules of a bus: a row of events_delivery for each target of those that it fits. */
int events_route_tx(struct local_cloud *cloud, const char *region, const char *bus,
	const struct json *event, int64_t hops, struct err *err) must_check;
/* One row for each of a rule's targets. */
int events_fire_tx(struct local_cloud *cloud, const struct events_rule *r, const struct json *event,
	int64_t hops, struct err *err) must_check;
/* {"version","id","detail-type","source","account","time","region","resources","detail"}; takes resources and detail. */
struct json *events_new(struct local_cloud *cloud, const char *region, const char *source,
	const char *detail_type, int64_t time_ms, struct json *resources, struct json *detail);

/* --- delivery (local_events_deliver.c, local_events_send.c) --- */
struct events_delivery {
	int64_t id, attempts, first_ms, hops;
	char *rule_arn;
	struct json *target, *event;
};
/* To the target, once. err->aws_code says why not; *again: another try may do. */
int events_send(struct local_cloud *cloud, const struct events_delivery *d, bool *again,
	struct err *err) must_check;
/* A workflow with an EVENT trigger has waited long enough for more events: its run starts. */
int events_batch_over(struct local_cloud *cloud, const char *workflow, struct err *err) must_check;
/* Is it a target that the local cloud delivers to? Else the reason in err. */
int events_check_arn(const struct json *target, struct err *err) must_check;
/* When the rule fires next by its schedule (0: it has none, or is disabled), into its row. */
int events_schedule_tx(
	struct local_cloud *cloud, const struct events_rule *r, struct err *err) must_check;

extern const char events_schema[];

#endif
