#ifndef LOCAL_STATES_ROWS_H
#define LOCAL_STATES_ROWS_H

/* What the routes of Step Functions share with each other only. */
#include "local_states_live.h"

/* The ARN that policies are matched against: the request's member that has one. */
void states_route_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn);
/* [{key, value}] as a map, NULL where none; TooManyTags, ValidationException. */
int states_tags_read(const struct json *list, struct json **out, struct err *err) must_check;
/* encryptionConfiguration; InvalidEncryptionConfiguration. */
int states_check_encryption(const struct json *in, struct err *err) must_check;
/* Replaces a malloc'd text; NULL changes nothing. */
void states_text_set(char **text, const char *value);
void states_set_logging(struct json *out, const struct json *logging); /* NULL: off */
void states_set_tracing(struct json *out, bool tracing);
/* A new row with the machine's settings. */
int states_revision_put_tx(struct local_cloud *cloud, const struct states_machine *m,
	const char *id, int64_t now, struct err *err) must_check;
/* A version of the machine's revision, or the one that it has; stateMachineVersionArn is set in `out`. */
int states_publish_tx(struct local_cloud *cloud, const struct states_machine *m,
	const char *description, struct json *out, struct err *err) must_check;
/* Chosen by its weights. 1, 0: no such alias, -1. */
int states_alias_version_tx(struct local_cloud *cloud, const char *alias_arn, char **version_arn,
	struct err *err) must_check;

#endif
