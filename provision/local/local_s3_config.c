/*
 * Bucket sub-resources that the local cloud keeps and gives back as they came, one row each: what S3 calls them,
 * what it says when there is none, and what a bucket has before anything was put.
 */
#include "local_policy.h"
#include "local_s3.h"
#include "xalloc.h"

struct s3_config {
	const char *param;   /* "encryption" */
	const char *root;    /* the body's root element; NULL: JSON (the policy) */
	const char *list;    /* the root element of the list of all; NULL: there is one at most */
	const char *missing; /* the fault's code; NULL: `empty` is the answer */
	const char *missing_text;
	const char *empty; /* what stands inside the root when nothing was put; NULL: nothing */
	const char *get_action, *put_action, *delete_action;
	bool deletable;
};

#define NO_CONFIG "NoSuchConfiguration"
#define NO_CONFIG_TEXT "The specified configuration does not exist."

static const struct s3_config configs[] = {
	{"accelerate", "AccelerateConfiguration", NULL, NULL, NULL, NULL,
		"s3:GetAccelerateConfiguration", "s3:PutAccelerateConfiguration", NULL, false},
	{"analytics", "AnalyticsConfiguration", "ListBucketAnalyticsConfigurationResult", NO_CONFIG,
		NO_CONFIG_TEXT, NULL, "s3:GetAnalyticsConfiguration",
		"s3:PutAnalyticsConfiguration", "s3:PutAnalyticsConfiguration", true},
	{"cors", "CORSConfiguration", NULL, "NoSuchCORSConfiguration",
		"The CORS configuration does not exist", NULL, "s3:GetBucketCORS",
		"s3:PutBucketCORS", "s3:PutBucketCORS", true},
	{"encryption", "ServerSideEncryptionConfiguration", NULL, NULL, NULL,
		"<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
		"</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled>"
		"</Rule>",
		"s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration",
		"s3:PutEncryptionConfiguration", true},
	{"intelligent-tiering", "IntelligentTieringConfiguration",
		"ListBucketIntelligentTieringConfigurationsOutput", NO_CONFIG, NO_CONFIG_TEXT, NULL,
		"s3:GetIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration",
		"s3:PutIntelligentTieringConfiguration", true},
	{"inventory", "InventoryConfiguration", "ListInventoryConfigurationsResult", NO_CONFIG,
		NO_CONFIG_TEXT, NULL, "s3:GetInventoryConfiguration",
		"s3:PutInventoryConfiguration", "s3:PutInventoryConfiguration", true},
	{"lifecycle", "LifecycleConfiguration", NULL, "NoSuchLifecycleConfiguration",
		"The lifecycle configuration does not exist", NULL, "s3:GetLifecycleConfiguration",
		"s3:PutLifecycleConfiguration", "s3:PutLifecycleConfiguration", true},
	{"logging", "BucketLoggingStatus", NULL, NULL, NULL, NULL, "s3:GetBucketLogging",
		"s3:PutBucketLogging", NULL, false},
	{"metrics", "MetricsConfiguration", "ListMetricsConfigurationsResult", NO_CONFIG,
		NO_CONFIG_TEXT, NULL, "s3:GetMetricsConfiguration", "s3:PutMetricsConfiguration",
		"s3:PutMetricsConfiguration", true},
	{"notification", "NotificationConfiguration", NULL, NULL, NULL, NULL,
		"s3:GetBucketNotification", "s3:PutBucketNotification", NULL, false},
	{"object-lock", "ObjectLockConfiguration", NULL, "ObjectLockConfigurationNotFoundError",
		"Object Lock configuration does not exist for this bucket", NULL,
		"s3:GetBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration", NULL,
		false},
	{"ownershipControls", "OwnershipControls", NULL, "OwnershipControlsNotFoundError",
		"The bucket ownership controls were not found", NULL,
		"s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls",
		"s3:PutBucketOwnershipControls", true},
	{"policy", NULL, NULL, "NoSuchBucketPolicy", "The bucket policy does not exist", NULL,
		"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", true},
	{"publicAccessBlock", "PublicAccessBlockConfiguration", NULL,
		"NoSuchPublicAccessBlockConfiguration",
		"The public access block configuration was not found", NULL,
		"s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock",
		"s3:PutBucketPublicAccessBlock", true},
	{"replication", "ReplicationConfiguration", NULL, "ReplicationConfigurationNotFoundError",
		"The replication configuration was not found", NULL,
		"s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration",
		"s3:PutReplicationConfiguration", true},
	{"requestPayment", "RequestPaymentConfiguration", NULL, NULL, NULL,
		"<Payer>BucketOwner</Payer>", "s3:GetBucketRequestPayment",
		"s3:PutBucketRequestPayment", NULL, false},
	{"website", "WebsiteConfiguration", NULL, "NoSuchWebsiteConfiguration",
		"The specified bucket does not have a website configuration", NULL,
		"s3:GetBucketWebsite", "s3:PutBucketWebsite", "s3:DeleteBucketWebsite", true},
};

const struct s3_config *local_s3_config_find(const struct local_s3_call *c)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(configs); i++)
		if (local_s3_param(c, configs[i].param))
			return &configs[i];
	return NULL;
}

const char *local_s3_config_action(const struct s3_config *config, const char *method)
{
	if (!strcmp(method, "GET"))
		return config->get_action;
	if (!strcmp(method, "DELETE") && config->delete_action)
		return config->delete_action;
	return config->put_action;
}

static int put_row(struct local_cloud *cloud, const char *bucket, const char *name, const char *id,
	const char *body, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"INSERT INTO s3_config(bucket, name, id, body) VALUES(?, ?, ?, ?) "
		"ON CONFLICT DO UPDATE SET body = excluded.body",
		"ssss", bucket, name, id, body);
}

int local_s3_config_text(struct local_cloud *cloud, const char *bucket, const char *name,
	char **body, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT body FROM s3_config WHERE bucket = ? AND name = ? AND id = ''", "ss",
		bucket, name);
	int row;

	*body = NULL;
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		*body = xstrdup(sql_text(st, 0));
	sql_done(st);
	return row < 0 ? -1 : 0;
}

#define LOCK_ENABLED                                 \
	"<ObjectLockConfiguration xmlns=\"" S3_XMLNS \
	"\"><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"

int local_s3_config_defaults(struct local_cloud *cloud, const char *bucket, const char *ownership,
	bool lock, struct err *err)
{
	char *body = xasprintf("<OwnershipControls xmlns=\"" S3_XMLNS
			       "\"><Rule><ObjectOwnership>%s</ObjectOwnership></Rule>"
			       "</OwnershipControls>",
		ownership ? ownership : "BucketOwnerEnforced");
	int result = 0;

	if (ownership && strcmp(ownership, "BucketOwnerEnforced") &&
		strcmp(ownership, "BucketOwnerPreferred") && strcmp(ownership, "ObjectWriter"))
		result = local_s3_invalid(
			err, "Invalid x-amz-object-ownership header: %.100s", ownership);
	else
		result = (lock && put_row(cloud, bucket, "object-lock", "", LOCK_ENABLED, err)) ||
					 put_row(cloud, bucket, "ownershipControls", "", body,
						 err) ||
					 put_row(cloud, bucket, "publicAccessBlock", "",
						 "<PublicAccessBlockConfiguration xmlns=\"" S3_XMLNS
						 "\"><BlockPublicAcls>true</BlockPublicAcls>"
						 "<IgnorePublicAcls>true</IgnorePublicAcls>"
						 "<BlockPublicPolicy>true</BlockPublicPolicy>"
						 "<RestrictPublicBuckets>true</"
						 "RestrictPublicBuckets>"
						 "</PublicAccessBlockConfiguration>",
						 err)
				 ? -1
				 : 0;
	free(body);
	return result;
}

/* --- one configuration --- */

static int read_row(struct local_s3_call *c, const char *id, char **body, struct err *err)
{
	struct sql_stmt *st = NULL;
	int row = -1;

	*body = NULL;
	if (!local_tx_begin(c->cloud, err))
		st = sql_query(c->cloud->db, err,
			"SELECT body FROM s3_config WHERE bucket = ? AND name = ? AND id = ?",
			"sss", c->bucket, c->config->param, id);
	if (st && (row = sql_step(st, err)) > 0)
		*body = xstrdup(sql_text(st, 0));
	sql_done(st);
	local_tx_end(c->cloud);
	return row < 0 ? -1 : 0;
}

static int list_rows(struct local_s3_call *c, struct err *err)
{
	const char *root = c->config->list;
	struct strbuf *sb = local_s3_xml(c, root);
	struct sql_stmt *st = NULL;
	int row = -1;

	local_s3_add_bool(sb, "IsTruncated", false);
	if (!local_tx_begin(c->cloud, err))
		st = sql_query(c->cloud->db, err,
			"SELECT body FROM s3_config WHERE bucket = ? AND name = ? ORDER BY id",
			"ss", c->bucket, c->config->param);
	while (st && (row = sql_step(st, err)) > 0) {
		const char *body = sql_text(st, 0), *start = strstr(body, "?>");

		strbuf_addstr(sb, start ? start + 2 : body);
	}
	sql_done(st);
	local_tx_end(c->cloud);
	strbuf_addf(sb, "</%s>", root);
	return row < 0 ? -1 : 0;
}

int local_s3_get_config(struct local_s3_call *c, struct err *err)
{
	const struct s3_config *config = c->config;
	const char *id = local_s3_param(c, "id");
	char *body = NULL;

	if (config->list && (!id || !*id))
		return list_rows(c, err);
	if (read_row(c, config->list ? id : "", &body, err))
		return -1;
	if (!body && config->missing)
		return local_fault(err, 404, config->missing, "%s", config->missing_text);
	if (!body) {
		struct strbuf *sb = local_s3_xml(c, config->root);

		strbuf_addf(sb, "%s</%s>", config->empty ? config->empty : "", config->root);
		return 0;
	}
	c->reply->status = 200;
	local_reply_header(c->reply, "Content-Type", "%s",
		config->root ? "application/xml" : "application/json");
	strbuf_addstr(&c->reply->body, body);
	free(body);
	return 0;
}

static int check_policy(struct local_s3_call *c, struct err *err)
{
	struct err detail = ERR_INIT;
	struct json *doc = NULL;

	if (policy_check(c->sink.memory.buf, POLICY_RESOURCE, &doc, &detail)) {
		local_fault(err, 400, "MalformedPolicy", "%s", detail.text);
		err_release(&detail);
		return -1;
	}
	json_free(doc);
	return 0;
}

static int check_body(struct local_s3_call *c, struct err *err)
{
	struct strbuf *text = &c->sink.memory;
	struct xml_node *root;
	struct xml_doc *doc;
	int result;

	if (!text->len)
		return local_fault(err, 400, "MissingRequestBodyError", "Request Body is empty");
	if (strlen(text->buf) != text->len)
		return local_s3_malformed(err);
	if (!c->config->root)
		return check_policy(c, err);
	doc = xml_parse(text->buf, text->len, NULL);
	root = doc ? xml_root(doc) : NULL;
	if (!root || strcmp(xml_name(root), c->config->root))
		result = local_s3_malformed(err);
	else {
		result = local_s3_config_check(c, c->config->param, root, err);
		if (!result)
			local_s3_config_complete(c->config->param, root, text);
	}
	xml_free(doc);
	return result;
}

int local_s3_put_config(struct local_s3_call *c, struct err *err)
{
	const char *id = c->config->list ? local_s3_param(c, "id") : "";
	int result = -1;

	if (!id || (c->config->list && !*id))
		return local_s3_invalid(err, "Missing required parameter: id");
	if (check_body(c, err))
		return -1;
	if (!local_tx_begin(c->cloud, err) &&
		!put_row(c->cloud, c->bucket, c->config->param, id, c->sink.memory.buf, err) &&
		!local_tx_commit(c->cloud, err))
		result = 0;
	local_tx_end(c->cloud);
	c->reply->status = c->config->root ? 200 : 204;
	return result;
}

int local_s3_delete_config(struct local_s3_call *c, struct err *err)
{
	const char *id = c->config->list ? local_s3_param(c, "id") : "";
	int result = -1;

	if (!c->config->deletable)
		return local_fault(err, 405, "MethodNotAllowed",
			"The specified method is not allowed against this resource.");
	if (!local_tx_begin(c->cloud, err) &&
		!sql_run(c->cloud->db, NULL, err,
			"DELETE FROM s3_config WHERE bucket = ? AND name = ? AND id = ?", "sss",
			c->bucket, c->config->param, id ? id : "") &&
		!local_tx_commit(c->cloud, err))
		result = 0;
	local_tx_end(c->cloud);
	c->reply->status = 204;
	return result;
}

int local_s3_get_policy_status(struct local_s3_call *c, struct err *err)
{
	static const struct s3_config *policy;
	struct policy_request anyone = {.action = "s3:GetObject", .caller_arn = "*"};
	struct json *doc;
	struct strbuf *sb;
	char *body = NULL, *resource;
	bool is_public;
	size_t i;

	for (i = 0; !policy && i < ARRAY_SIZE(configs); i++)
		if (!strcmp(configs[i].param, "policy"))
			policy = &configs[i];
	c->config = policy;
	if (read_row(c, "", &body, err))
		return -1;
	if (!body)
		return local_fault(err, 404, policy->missing, "%s", policy->missing_text);
	doc = json_parse(body, strlen(body), NULL);
	resource = xasprintf("arn:aws:s3:::%s/x", c->bucket);
	anyone.resource = resource;
	is_public = policy_evaluate(doc, &anyone) == POLICY_ALLOW;
	json_free(doc);
	free(resource);
	free(body);
	sb = local_s3_xml(c, "PolicyStatus");
	local_s3_add_bool(sb, "IsPublic", is_public);
	strbuf_addstr(sb, "</PolicyStatus>");
	return 0;
}
