/* Buckets and their sub-resources. */
#include "s3_internal.h"

int s3_create_bucket(struct aws_client *c, const char *bucket, bool object_lock, struct err *err)
{
	struct s3_request r;
	struct strbuf body = STRBUF_INIT;
	/* A second one says BucketAlreadyOwnedByYou, or in us-east-1 succeeds again: the caller looks whose it is. */
	s3_request_init(&r, "CreateBucket", AWS_OP_IDEMPOTENT, "PUT", bucket, NULL);
	if (strcmp(c->region, "us-east-1") != 0)
		strbuf_addf(&body,
			"<CreateBucketConfiguration "
			"xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			"<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>",
			c->region);
	if (body.len)
		s3_header(&r, "Content-Type", "application/xml");
	if (object_lock)
		s3_header(&r, "x-amz-bucket-object-lock-enabled", "true");
	r.body = body.buf;
	r.body_len = body.len;
	int ret = s3_send_only(c, &r, err);
	s3_request_release(&r);
	strbuf_release(&body);
	return ret;
}

int s3_delete_bucket(struct aws_client *c, const char *bucket, const char *owner, struct err *err)
{
	struct s3_request r;
	s3_request_init(&r, "DeleteBucket", AWS_OP_IDEMPOTENT, "DELETE", bucket, NULL);
	s3_owner(&r, owner);
	int ret = s3_send_only(c, &r, err);
	s3_request_release(&r);
	return ret;
}

int s3_head_bucket(struct aws_client *c, const char *bucket, const char *owner, struct err *err)
{
	struct s3_request r;
	s3_request_init(&r, "HeadBucket", AWS_OP_READ, "HEAD", bucket, NULL);
	s3_owner(&r, owner);
	int ret = s3_send_only(c, &r, err);
	s3_request_release(&r);
	return ret;
}

static int list_buckets_page(
	struct aws_client *c, struct strbuf *token, struct strvec *names, struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct xml_doc *doc = NULL;
	s3_request_init(&r, "ListBuckets", AWS_OP_READ, "GET", NULL, NULL);
	if (token->len)
		s3_query(&r, "continuation-token", token->buf);
	int ret = s3_send(c, &r, &reply, err);
	if (ret == 0) {
		doc = s3_reply_xml(&r, &reply, err);
		ret = doc ? 0 : -1;
	}
	if (ret == 0) {
		const struct xml_node *root = xml_root(doc), *bucket;
		const struct xml_node *list = xml_child(root, "Buckets");
		const char *next = xml_child_text(root, "ContinuationToken");
		xml_each(bucket, list)
		{
			const char *name = xml_child_text(bucket, "Name");
			if (name)
				strvec_push(names, name);
		}
		if (next && *next && !strcmp(next, token->buf))
			ret = err_set(err, ERR_FAILED, "ListBuckets gave the same token twice");
		strbuf_clear(token);
		if (next)
			strbuf_addstr(token, next);
	}
	if (doc)
		xml_free(doc);
	s3_request_release(&r);
	http_reply_release(&reply);
	return ret;
}

int s3_list_buckets(struct aws_client *c, struct strvec *names, struct err *err)
{
	struct strbuf token = STRBUF_INIT;
	int ret;
	do {
		ret = list_buckets_page(c, &token, names, err);
	} while (ret == 0 && token.len);
	strbuf_release(&token);
	return ret;
}

/* --- sub-resources: "PutBucketTagging" and its like --- */

/* Those whose operation is not Put/Get/DeleteBucket and the name with a capital. */
static const struct {
	const char *sub, *name;
	bool no_bucket; /* PutPublicAccessBlock, not PutBucketPublicAccessBlock */
} configs[] = {
	{"accelerate", "AccelerateConfiguration", false},
	{"cors", "Cors", false},
	{"encryption", "Encryption", false},
	{"intelligent-tiering", "IntelligentTieringConfiguration", false},
	{"lifecycle", "LifecycleConfiguration", false},
	{"location", "Location", false},
	{"logging", "Logging", false},
	{"notification", "NotificationConfiguration", false},
	{"object-lock", "ObjectLockConfiguration", true},
	{"ownershipControls", "OwnershipControls", false},
	{"policy", "Policy", false},
	{"publicAccessBlock", "PublicAccessBlock", true},
	{"replication", "Replication", false},
	{"tagging", "Tagging", false},
	{"versioning", "Versioning", false},
	{"website", "Website", false},
};

static void config_operation(const char *verb, const char *sub, char *name, size_t size)
{
	size_t len = strcspn(sub, "&=");
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		if (strncmp(configs[i].sub, sub, len) != 0 || configs[i].sub[len])
			continue;
		snprintf(name, size, "%s%s%s", verb, configs[i].no_bucket ? "" : "Bucket",
			configs[i].name);
		return;
	}
	snprintf(name, size, "%sBucket?%.*s", verb, (int)len, sub);
}

int s3_put_bucket_config(struct aws_client *c, const char *bucket, const char *sub,
	const char *body, const char *owner, struct err *err)
{
	struct s3_request r;
	char operation[64];
	config_operation("Put", sub, operation, sizeof(operation));
	s3_request_init(&r, operation, AWS_OP_IDEMPOTENT, "PUT", bucket, NULL);
	strbuf_addstr(&r.query, sub);
	s3_header(&r, "Content-Type",
		!strcmp(sub, "policy") ? "application/json" : "application/xml");
	r.body = body;
	r.body_len = strlen(body);
	s3_content_md5(&r);
	s3_owner(&r, owner);
	int ret = s3_send_only(c, &r, err);
	s3_request_release(&r);
	return ret;
}

int s3_get_bucket_config(struct aws_client *c, const char *bucket, const char *sub,
	const char *owner, struct strbuf *body, struct err *err)
{
	struct s3_request r;
	struct http_reply reply = HTTP_REPLY_INIT;
	char operation[64];
	config_operation("Get", sub, operation, sizeof(operation));
	s3_request_init(&r, operation, AWS_OP_READ, "GET", bucket, NULL);
	strbuf_addstr(&r.query, sub);
	s3_owner(&r, owner);
	int ret = s3_send(c, &r, &reply, err);
	if (ret == 0)
		strbuf_add(body, reply.body.buf, reply.body.len);
	s3_request_release(&r);
	http_reply_release(&reply);
	return ret;
}

int s3_delete_bucket_config(struct aws_client *c, const char *bucket, const char *sub,
	const char *owner, struct err *err)
{
	struct s3_request r;
	char operation[64];
	config_operation("Delete", sub, operation, sizeof(operation));
	s3_request_init(&r, operation, AWS_OP_IDEMPOTENT, "DELETE", bucket, NULL);
	strbuf_addstr(&r.query, sub);
	s3_owner(&r, owner);
	int ret = s3_send_only(c, &r, err);
	s3_request_release(&r);
	return ret;
}
