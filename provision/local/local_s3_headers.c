/*
 * Headers of a request that ask for more than bytes to be kept: what the local cloud has not is refused by its name
 * instead of being passed over; encryption at rest is noted and told again (nothing is encrypted).
 */
#include "local_s3.h"
#include "xalloc.h"

/* --- refusals --- */

static const struct refused_header {
	const char *name; /* its start, when it ends with a dash */
	const char *what;
} refused[] = {
	{"x-amz-server-side-encryption-customer-", "encryption with customer-provided keys"},
	{"x-amz-copy-source-server-side-encryption-customer-",
		"encryption with customer-provided keys"},
	{"x-amz-checksum-xxhash64", "checksums of type XXHASH64"},
	{"x-amz-checksum-xxhash3", "checksums of type XXHASH3"},
	{"x-amz-checksum-xxhash128", "checksums of type XXHASH128"},
	{"x-amz-mfa", "MFA delete"},
	{"x-amz-write-offset-bytes", "appending to objects"},
};

static bool is_refused(const struct refused_header *r, const char *name)
{
	size_t len = strlen(r->name);

	return ends_with(r->name, "-") ? !strncasecmp(name, r->name, len) : iequals(name, r->name);
}

int local_s3_refuse_headers(struct local_s3_call *c, struct err *err)
{
	const struct local_http *h = c->http;
	size_t i, k;

	for (i = 0; i < h->nr_headers; i++)
		for (k = 0; k < ARRAY_SIZE(refused); k++)
			if (is_refused(&refused[k], h->headers[i].name))
				return local_fault(err, 501, "NotImplemented",
					"the local cloud's S3 has no %s (header '%s')",
					refused[k].what, refused[k].name);
	if (c->route->flags & S3_STREAM && local_s3_header(c, "transfer-encoding") &&
		!local_s3_header(c, "x-amz-decoded-content-length"))
		return local_fault(err, 411, "MissingContentLength",
			"You must provide the Content-Length HTTP header.");
	return 0;
}

/* --- ACLs --- */

/* 1: the bucket's owner owns all, so that ACLs do not count. In a transaction. */
static int acls_disabled(struct local_s3_call *c, struct err *err)
{
	char *body = NULL;
	int result = local_s3_config_text(c->cloud, c->bucket, "ownershipControls", &body, err);

	if (!result && body)
		result = strstr(body, "BucketOwnerEnforced") != NULL;
	free(body);
	return result;
}

static bool has_grant(const struct local_s3_call *c)
{
	size_t i;

	for (i = 0; i < c->http->nr_headers; i++)
		if (!strncasecmp(c->http->headers[i].name, "x-amz-grant-", 12))
			return true;
	return false;
}

int local_s3_check_acl(struct local_s3_call *c, struct err *err)
{
	static const char *const canned[] = {"private", "public-read", "public-read-write",
		"authenticated-read", "aws-exec-read", "bucket-owner-read",
		"bucket-owner-full-control", "log-delivery-write"};
	const char *acl = local_s3_header(c, "x-amz-acl");
	int disabled = 0;
	size_t i;

	for (i = 0; acl && i < ARRAY_SIZE(canned) && strcmp(acl, canned[i]); i++)
		;
	if (acl && i == ARRAY_SIZE(canned))
		return local_s3_invalid(err, "Unsupported x-amz-acl value: %.100s", acl);
	if (acl && has_grant(c))
		return local_fault(err, 400, "InvalidRequest",
			"Specifying both Canned ACLs and Header Grants is not allowed");
	/* an ACL's document, of PutBucketAcl and PutObjectAcl, is always one that says something */
	if ((!acl || !strcmp(acl, "private") || !strcmp(acl, "bucket-owner-full-control")) &&
		!has_grant(c) && !(local_s3_param(c, "acl") && c->sink.memory.len))
		return 0;
	if (local_tx_begin(c->cloud, err))
		return -1;
	disabled = acls_disabled(c, err);
	local_tx_end(c->cloud);
	if (disabled <= 0)
		return disabled;
	return local_fault(
		err, 400, "AccessControlListNotSupported", "The bucket does not allow ACLs");
}

/* --- encryption at rest --- */

#define SSE "x-amz-server-side-encryption"
#define SSE_KEY SSE "-aws-kms-key-id"
#define SSE_BUCKET_KEY SSE "-bucket-key-enabled"
#define SSE_CONTEXT SSE "-context"

/* The bucket's own default into the head: {"encryption": …} of its configuration. In a transaction. */
static int bucket_default(struct local_s3_call *c, struct json *head, struct err *err)
{
	struct xml_node *rule, *by;
	struct xml_doc *doc = NULL;
	char *body = NULL;

	if (local_s3_config_text(c->cloud, c->bucket, "encryption", &body, err))
		return -1;
	if (body)
		doc = xml_parse(body, strlen(body), NULL);
	free(body);
	rule = doc ? xml_child(xml_root(doc), "Rule") : NULL;
	by = rule ? xml_child(rule, "ApplyServerSideEncryptionByDefault") : NULL;
	if (by && xml_child_text(by, "SSEAlgorithm")) {
		const char *bucket_key = xml_child_text(rule, "BucketKeyEnabled");

		json_set_str(head, SSE, xml_child_text(by, "SSEAlgorithm"));
		json_set_str(head, SSE_KEY, xml_child_text(by, "KMSMasterKeyID"));
		if (bucket_key && iequals(bucket_key, "true"))
			json_set_str(head, SSE_BUCKET_KEY, "true");
	}
	xml_free(doc);
	return 0;
}

int local_s3_sse_read(struct local_s3_call *c, struct json *head, struct err *err)
{
	const char *sse = local_s3_header(c, SSE), *key = local_s3_header(c, SSE_KEY),
		   *bucket_key = local_s3_header(c, SSE_BUCKET_KEY);
	int result;

	if (!sse && key)
		return local_s3_invalid(err,
			"Server Side Encryption with AWS KMS managed key requires HTTP header "
			"x-amz-server-side-encryption : aws:kms");
	if (!sse) {
		if (local_tx_begin(c->cloud, err))
			return -1;
		result = bucket_default(c, head, err);
		local_tx_end(c->cloud);
		return result;
	}
	if (strcmp(sse, "AES256") && strcmp(sse, "aws:kms") && strcmp(sse, "aws:kms:dsse"))
		return local_fault(err, 400, "InvalidEncryptionAlgorithmError",
			"The encryption request that you specified is not valid. The valid value "
			"is AES256, aws:kms or aws:kms:dsse.");
	if (!strcmp(sse, "AES256") && key)
		return local_s3_invalid(err,
			"Server Side Encryption with AWS KMS managed key requires HTTP header "
			"x-amz-server-side-encryption : aws:kms");
	json_set_str(head, SSE, sse);
	json_set_str(head, SSE_KEY, key);
	if (bucket_key && iequals(bucket_key, "true") && strcmp(sse, "AES256"))
		json_set_str(head, SSE_BUCKET_KEY, "true");
	return 0;
}

/* A key by its bare id comes back as the ARN it stands for; without one, it is S3's own. */
static void print_key(struct local_s3_call *c, const char *key)
{
	const char *region = c->http->claim.region ? c->http->claim.region : "us-east-1";
	bool alias = key && starts_with(key, "alias/");

	if (key && starts_with(key, "arn:"))
		local_reply_header(c->reply, SSE_KEY, "%s", key);
	else
		local_reply_header(c->reply, SSE_KEY, "arn:aws:kms:%s:%s:%s%s", region,
			c->cloud->account, alias || !key ? "" : "key/", key ? key : "alias/aws/s3");
}

void local_s3_sse_print(struct local_s3_call *c, const struct json *head)
{
	const char *sse = json_get_str(head, SSE);

	local_reply_header(c->reply, SSE, "%s", sse ? sse : "AES256");
	if (!sse || !strcmp(sse, "AES256"))
		return;
	print_key(c, json_get_str(head, SSE_KEY));
	if (json_get_str(head, SSE_BUCKET_KEY))
		local_reply_header(c->reply, SSE_BUCKET_KEY, "true");
}

bool local_s3_is_sse(const char *name)
{
	return starts_with(name, SSE);
}
