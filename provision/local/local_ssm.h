#ifndef LOCAL_SSM_H
#define LOCAL_SSM_H

/*
 * Systems Manager's Parameter Store inside the local cloud (AWS Systems Manager API Reference). A parameter has
 * versions from 1 upwards, of which the last hundred are kept, and labels that each point to one of them.
 *
 * Values lie in the database, whose folder only the user can read; they are never part of a message. Without
 * WithDecryption a SecureString is answered as random bytes that were drawn when it was put.
 * Functions that end in _tx want to be called inside a transaction.
 */
#include "local_cloud.h"

#define SSM_VERSIONS_MAX 100
#define SSM_LABELS_MAX 10

#define ssm_invalid(err, ...) local_fault(err, 400, "ValidationException", __VA_ARGS__)

/* --- one version of a parameter --- */
struct ssm_parameter {
	int64_t id, version, modified_ms;
	int64_t latest; /* the parameter's newest version */
	char *name, *arn, *type, *value, *tier, *data_type, *user;
	char *cipher;                         /* of a SecureString; NULL */
	char *description, *key_id, *pattern; /* may be NULL */
};
void ssm_parameter_release(struct ssm_parameter *p);
/* What ssm_read_row reads; a WHERE comes behind it. */
#define SSM_SELECT                                                                           \
	"SELECT p.id, v.version, v.modified_ms, p.version, p.name, p.arn, v.type, v.value, " \
	"v.tier, v.data_type, v.user, v.cipher, v.description, v.key_id, v.pattern FROM "    \
	"ssm_parameter p JOIN ssm_version v ON v.parameter_id = p.id "
void ssm_read_row(struct sql_stmt *st, struct ssm_parameter *out);
/*
 * `name` is a name or an ARN; `selector` a version or a label, NULL: the latest version. 1, 0: no such parameter, -1 with err,
 * also ParameterVersionNotFound.
 */
int ssm_look_up_tx(struct local_cloud *cloud, const char *region, const char *name,
	const char *selector, struct ssm_parameter *out, struct err *err) must_check;
/* The same; ParameterNotFound. */
int ssm_find_tx(struct local_cloud *cloud, const char *region, const char *name,
	const char *selector, struct ssm_parameter *out, struct err *err) must_check;
/* The Parameter document; `selector` may be NULL. */
struct json *ssm_show(const struct ssm_parameter *p, const char *selector, bool decrypt);
int ssm_labels_tx(struct local_cloud *cloud, int64_t id, int64_t version, struct json **labels,
	struct err *err) must_check;

/* --- input --- */
/* "name:selector" or "arn:…:parameter/name:selector"; both malloc'd, *selector NULL where none. Pure. */
void ssm_split_name(const char *text, char **name, char **selector);
/* A string's length in characters where it is given; the message has no value. */
int ssm_check_length(const struct json *in, const char *member, int64_t min, int64_t max,
	struct err *err) must_check;
/* As ssm_check_length from 1 on, and it must be given. */
int ssm_check_given(
	const struct json *in, const char *member, int64_t max, struct err *err) must_check;
/* A list of 1 to 10 texts of 1 to `max` characters. */
int ssm_check_list(
	const struct json *in, const char *member, int64_t max, struct err *err) must_check;
int ssm_page(const struct json *in, int64_t max, int64_t *limit, char **after,
	struct err *err) must_check;
/* What a parameter may be called; pure. */
int ssm_check_name(const char *name, struct err *err) must_check;

/* --- filters: pure --- */
enum ssm_listing { SSM_DESCRIBE, SSM_BY_PATH };
int ssm_check_filters(
	const struct json *filters, enum ssm_listing listing, struct err *err) must_check;
/* `entry` has Name, Type, KeyId, Tier, DataType and, as an object, Tags. Label filters are the caller's. */
bool ssm_filters_match(const struct json *filters, const struct json *entry);
/* Is the name below the path, at any depth or at the next level? */
bool ssm_below(const char *path, const char *name, bool recursive);

/* --- tags (local_ssm_tags.c) --- */
/* [{"Key","Value"}] */
int ssm_set_tags_tx(struct local_cloud *cloud, const char *arn, const struct json *list,
	struct err *err) must_check;

/* --- ARNs that policies are matched against --- */
char *ssm_arn(struct local_cloud *cloud, const char *region, const char *name); /* malloc'd */
/* Of Name, Path or ResourceId. */
void ssm_arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn);
/* Of Names: the first that the caller's policies do not allow, or else the first. */
void ssm_arn_of_names(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn);

#endif
