#ifndef PROTOCOL_H
#define PROTOCOL_H

/*
 * How an AWS service talks: pure bytes, shared by the client (aws/) and the server (local/).
 * Documents are JSON on both sides of every protocol but S3's; query requests and their XML replies
 * are turned into the same shape that the JSON protocols have.
 */
#include <stdbool.h>
#include "err.h"
#include "json.h"
#include "strbuf.h"

enum wire_protocol { WIRE_JSON_10, WIRE_JSON_11, WIRE_QUERY, WIRE_REST_XML };

struct wire_service {
	const char *id;     /* "glue": the endpoint's first label, and what tables call it */
	const char *env_id; /* "GLUE": the tail of AWS_ENDPOINT_URL_<…> */
	const char *signing_name;
	const char *target_prefix; /* "AWSGlue." ; NULL for query and rest-xml */
	const char *api_version;   /* "2010-05-08" for query */
	enum wire_protocol protocol;
	bool global; /* one endpoint a partition: iam */
};

/* s3 sts iam glue athena logs tagging secretsmanager events states …; NULL when unknown. */
const struct wire_service *wire_service_find(const char *id);
/* All of them, sorted by id. */
const struct wire_service *wire_services(size_t *nr);
const struct wire_service *wire_service_by_target(const char *x_amz_target); /* longest prefix */
const struct wire_service *wire_service_by_signing_name(const char *signing_name);

/* --- query protocol --- */
/* {"RoleName":"x","Tags":[{"Key":…}]} to "Action=…&Version=…&RoleName=x&Tags.member.1.Key=…"; an empty list is left out.
 * Objects named "Attributes" and "MessageAttributes" are maps, with one entry.N a member. */
void query_encode(const struct wire_service *svc, const char *action, const struct json *in,
	struct strbuf *out);
/* The other way; "Action" and "Version" are members too. ERR_INVALID for what is no such form. */
int query_decode(const char *body, size_t len, struct json **out, struct err *err) must_check;
/* The <…Result> element of a reply as JSON: all scalars are strings, <member> lists are arrays. `lists` is a
 * NULL-terminated list of element names that are lists even when empty; may be NULL. */
int query_reply_parse(const char *body, size_t len, struct json **out, struct err *err) must_check;
/* Of the replies' XML namespace: "https", but for SNS. */
const char *query_namespace_scheme(const struct wire_service *svc);
/* <ActionResponse><ActionResult>…</ActionResult><ResponseMetadata>…: JSON arrays become <member> lists. */
void query_reply_print(const struct wire_service *svc, const char *action, const struct json *out,
	const char *request_id, struct strbuf *sb);

/* --- errors --- */
struct wire_error {
	char *code; /* EntityNotFoundException: without namespace prefix and ":url" tail */
	char *message;
	char *request_id; /* from the body; NULL when it is only in the headers */
	char *extra;      /* S3: Region or Endpoint of the error body; NULL */
};
#define WIRE_ERROR_INIT \
	{               \
		0       \
	}
void wire_error_release(struct wire_error *e);
/* Reads an error reply of any protocol; `type_header` is x-amzn-ErrorType or NULL. A body that is none leaves the
 * code as "HTTP<status>" and a short piece of the body as message. Never fails. */
void wire_error_parse(enum wire_protocol p, int status, const char *type_header, const char *body,
	size_t len, struct wire_error *out);
void wire_error_print(const struct wire_service *svc, const char *code, const char *message,
	const char *resource, const char *request_id, struct strbuf *sb);

#endif
