#include "s3_bucket.h"

#include "strbuf.h"
#include "xml_doc.h"

static const char *const enabled_disabled[] = {"Enabled", "Disabled", NULL};
static const char *const enabled_suspended[] = {"Enabled", "Suspended", NULL};
static const struct field no_fields[] = {{0}};
static const char *const enabled_only[] = {"Enabled", NULL};

/* "Timestamp" of CloudFormation */
#define DATE_PATTERN \
	"\\d{4}-(0[0-9]|1[0-2])-([0-2]\\d|3[01])T([01]\\d|2[0-4]):[0-5]\\d:[0-6]\\d(\\.\\d{3})?Z"

/* --- encryption --- */
static const char *const sse_values[] = {"aws:kms", "AES256", "aws:kms:dsse", NULL};
static const struct field sse_default_fields[] = {
	{.name = "KMSMasterKeyID", .kind = FIELD_STRING},
	{.name = "SSEAlgorithm", .kind = FIELD_STRING, .flags = F_REQUIRED, .values = sse_values},
	{0},
};
static const char *const blocked_values[] = {"NONE", "SSE-C", NULL};
static const struct field blocked_types_fields[] = {
	{.name = "EncryptionType",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED,
		.values = blocked_values},
	{0},
};
static const struct field sse_rule_fields[] = {
	{.name = "BlockedEncryptionTypes", .kind = FIELD_OBJECT, .fields = blocked_types_fields},
	{.name = "BucketKeyEnabled", .kind = FIELD_BOOL},
	{.name = "ServerSideEncryptionByDefault",
		.wire = "ApplyServerSideEncryptionByDefault",
		.kind = FIELD_OBJECT,
		.fields = sse_default_fields},
	{0},
};
static const struct field encryption_fields[] = {
	{.name = "ServerSideEncryptionConfiguration",
		.wire = "Rule",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_REQUIRED,
		.fields = sse_rule_fields},
	{0},
};

/* --- small ones --- */
static const struct field versioning_fields[] = {
	{.name = "Status", .kind = FIELD_STRING, .flags = F_REQUIRED, .values = enabled_suspended},
	{0},
};
static const struct field accelerate_fields[] = {
	{.name = "AccelerationStatus",
		.wire = "Status",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.values = enabled_suspended},
	{0},
};
static const struct field public_access_fields[] = {
	{.name = "BlockPublicAcls", .kind = FIELD_BOOL},
	{.name = "BlockPublicPolicy", .kind = FIELD_BOOL},
	{.name = "IgnorePublicAcls", .kind = FIELD_BOOL},
	{.name = "RestrictPublicBuckets", .kind = FIELD_BOOL},
	{0},
};
static const char *const ownership_values[] = {
	"ObjectWriter", "BucketOwnerPreferred", "BucketOwnerEnforced", NULL};
static const struct field ownership_rule_fields[] = {
	{.name = "ObjectOwnership", .kind = FIELD_STRING, .values = ownership_values},
	{0},
};
static const struct field ownership_fields[] = {
	{.name = "Rules",
		.wire = "Rule",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_REQUIRED,
		.fields = ownership_rule_fields},
	{0},
};

/* --- lifecycle --- */
static const struct field abort_fields[] = {
	{.name = "DaysAfterInitiation", .kind = FIELD_INTEGER, .flags = F_REQUIRED},
	{0},
};
static const struct field noncurrent_expiration_fields[] = {
	{.name = "NewerNoncurrentVersions", .kind = FIELD_INTEGER},
	{.name = "NoncurrentDays", .kind = FIELD_INTEGER, .flags = F_REQUIRED},
	{0},
};
static const char *const storage_classes[] = {"DEEP_ARCHIVE", "GLACIER", "Glacier", "GLACIER_IR",
	"INTELLIGENT_TIERING", "ONEZONE_IA", "STANDARD_IA", NULL};
static const struct field noncurrent_transition_fields[] = {
	{.name = "NewerNoncurrentVersions", .kind = FIELD_INTEGER},
	{.name = "StorageClass",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.values = storage_classes},
	{.name = "TransitionInDays",
		.wire = "NoncurrentDays",
		.kind = FIELD_INTEGER,
		.flags = F_REQUIRED},
	{0},
};
static const struct field transition_fields[] = {
	{.name = "StorageClass",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.values = storage_classes},
	{.name = "TransitionDate", .wire = "Date", .kind = FIELD_STRING, .pattern = DATE_PATTERN},
	{.name = "TransitionInDays", .wire = "Days", .kind = FIELD_INTEGER},
	{0},
};
static const struct field tag_filter_fields[] = {
	{.name = "Key", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{.name = "Value", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{0},
};
/* Prefix, sizes and tags go into Filter by lifecycle_to_wire; the singular rows are the old spelling of the plural. */
static const struct field lifecycle_rule_fields[] = {
	{.name = "AbortIncompleteMultipartUpload", .kind = FIELD_OBJECT, .fields = abort_fields},
	{.name = "ExpirationDate",
		.wire = "Expiration/Date",
		.kind = FIELD_STRING,
		.pattern = DATE_PATTERN},
	{.name = "ExpirationInDays", .wire = "Expiration/Days", .kind = FIELD_INTEGER},
	{.name = "ExpiredObjectDeleteMarker",
		.wire = "Expiration/ExpiredObjectDeleteMarker",
		.kind = FIELD_BOOL},
	{.name = "Id", .wire = "ID", .kind = FIELD_STRING, .max = 255},
	{.name = "NoncurrentVersionExpiration",
		.kind = FIELD_OBJECT,
		.fields = noncurrent_expiration_fields},
	{.name = "NoncurrentVersionExpirationInDays",
		.wire = "NoncurrentVersionExpiration/NoncurrentDays",
		.kind = FIELD_INTEGER,
		.flags = F_WRITE_ONLY},
	{.name = "NoncurrentVersionTransition",
		.kind = FIELD_OBJECT,
		.flags = F_WRITE_ONLY,
		.fields = noncurrent_transition_fields},
	{.name = "NoncurrentVersionTransitions",
		.wire = "NoncurrentVersionTransition",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = noncurrent_transition_fields},
	{.name = "ObjectSizeGreaterThan", .kind = FIELD_STRING, .max = 20, .pattern = "[0-9]+"},
	{.name = "ObjectSizeLessThan", .kind = FIELD_STRING, .max = 20, .pattern = "[0-9]+"},
	{.name = "Prefix", .kind = FIELD_STRING},
	{.name = "Status", .kind = FIELD_STRING, .flags = F_REQUIRED, .values = enabled_disabled},
	{.name = "TagFilters",
		.wire = "Tag",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = tag_filter_fields},
	{.name = "Transition",
		.kind = FIELD_OBJECT,
		.flags = F_WRITE_ONLY,
		.fields = transition_fields},
	{.name = "Transitions",
		.wire = "Transition",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = transition_fields},
	{0},
};
static const struct field lifecycle_fields[] = {
	{.name = "Rules",
		.wire = "Rule",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_REQUIRED | F_UNORDERED,
		.fields = lifecycle_rule_fields},
	/* a header of the PUT, not part of the document */
	{.name = "TransitionDefaultMinimumObjectSize",
		.kind = FIELD_STRING,
		.flags = F_UNSUPPORTED | F_LOCAL},
	{0},
};

/* --- CORS --- */
static const char *const methods[] = {"GET", "PUT", "HEAD", "POST", "DELETE", NULL};
static const struct field cors_rule_fields[] = {
	{.name = "AllowedHeaders",
		.wire = "AllowedHeader",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED},
	{.name = "AllowedMethods",
		.wire = "AllowedMethod",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_REQUIRED | F_UNORDERED,
		.values = methods},
	{.name = "AllowedOrigins",
		.wire = "AllowedOrigin",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_REQUIRED | F_UNORDERED},
	{.name = "ExposedHeaders",
		.wire = "ExposeHeader",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED},
	{.name = "Id", .wire = "ID", .kind = FIELD_STRING, .max = 255},
	{.name = "MaxAge", .wire = "MaxAgeSeconds", .kind = FIELD_INTEGER},
	{0},
};
static const struct field cors_fields[] = {
	{.name = "CorsRules",
		.wire = "CORSRule",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_REQUIRED,
		.fields = cors_rule_fields},
	{0},
};

/* --- logging --- */
static const char *const date_sources[] = {"EventTime", "DeliveryTime", NULL};
static const struct field partitioned_fields[] = {
	{.name = "PartitionDateSource", .kind = FIELD_STRING, .values = date_sources},
	{0},
};
static const struct field key_format_fields[] = {
	{.name = "PartitionedPrefix", .kind = FIELD_OBJECT, .fields = partitioned_fields},
	{.name = "SimplePrefix", .kind = FIELD_OBJECT, .fields = no_fields},
	{0},
};
static const struct field logging_fields[] = {
	{.name = "DestinationBucketName",
		.wire = "LoggingEnabled/TargetBucket",
		.kind = FIELD_STRING,
		.names = "AWS::S3::Bucket"},
	{.name = "LogFilePrefix", .wire = "LoggingEnabled/TargetPrefix", .kind = FIELD_STRING},
	{.name = "TargetObjectKeyFormat",
		.wire = "LoggingEnabled/TargetObjectKeyFormat",
		.kind = FIELD_OBJECT,
		.fields = key_format_fields},
	{0},
};

/* --- notifications --- */
static const struct field filter_rule_fields[] = {
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REQUIRED, .max = 1024},
	{.name = "Value", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{0},
};
static const struct field s3_key_fields[] = {
	{.name = "Rules",
		.wire = "FilterRule",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_REQUIRED | F_UNORDERED,
		.fields = filter_rule_fields},
	{0},
};
static const struct field filter_fields[] = {
	{.name = "S3Key", .kind = FIELD_OBJECT, .flags = F_REQUIRED, .fields = s3_key_fields},
	{0},
};
static const struct field lambda_fields[] = {
	{.name = "Event", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{.name = "Filter", .kind = FIELD_OBJECT, .fields = filter_fields},
	{.name = "Function", .wire = "CloudFunction", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{0},
};
static const struct field queue_fields[] = {
	{.name = "Event", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{.name = "Filter", .kind = FIELD_OBJECT, .fields = filter_fields},
	{.name = "Queue", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{0},
};
static const struct field topic_fields[] = {
	{.name = "Event", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{.name = "Filter", .kind = FIELD_OBJECT, .fields = filter_fields},
	{.name = "Topic", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{0},
};
static const struct field event_bridge_fields[] = {
	{.name = "EventBridgeEnabled", .kind = FIELD_BOOL, .flags = F_REQUIRED},
	{0},
};
static const struct field notification_fields[] = {
	{.name = "EventBridgeConfiguration", .kind = FIELD_OBJECT, .fields = event_bridge_fields},
	{.name = "LambdaConfigurations",
		.wire = "CloudFunctionConfiguration",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = lambda_fields},
	{.name = "QueueConfigurations",
		.wire = "QueueConfiguration",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = queue_fields},
	{.name = "TopicConfigurations",
		.wire = "TopicConfiguration",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = topic_fields},
	{0},
};

/* --- object lock --- */
static const char *const lock_modes[] = {"COMPLIANCE", "GOVERNANCE", NULL};
static const struct field event_hold_fields[] = {
	{.name = "Days", .kind = FIELD_INTEGER},
	{.name = "Years", .kind = FIELD_INTEGER},
	{0},
};
static const struct field retention_fields[] = {
	{.name = "Days", .kind = FIELD_INTEGER},
	{.name = "DefaultEventHold", .kind = FIELD_OBJECT, .fields = event_hold_fields},
	{.name = "Mode", .kind = FIELD_STRING, .values = lock_modes},
	{.name = "Years", .kind = FIELD_INTEGER},
	{0},
};
static const struct field lock_rule_fields[] = {
	{.name = "DefaultRetention", .kind = FIELD_OBJECT, .fields = retention_fields},
	{0},
};
static const struct field lock_fields[] = {
	{.name = "ObjectLockEnabled", .kind = FIELD_STRING, .values = enabled_only},
	{.name = "Rule", .kind = FIELD_OBJECT, .fields = lock_rule_fields},
	{0},
};

/* --- website --- */
static const char *const protocols[] = {"http", "https", NULL};
static const struct field redirect_all_fields[] = {
	{.name = "HostName", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{.name = "Protocol", .kind = FIELD_STRING, .values = protocols},
	{0},
};
static const struct field redirect_fields[] = {
	{.name = "HostName", .kind = FIELD_STRING},
	{.name = "HttpRedirectCode", .kind = FIELD_STRING},
	{.name = "Protocol", .kind = FIELD_STRING, .values = protocols},
	{.name = "ReplaceKeyPrefixWith", .kind = FIELD_STRING},
	{.name = "ReplaceKeyWith", .kind = FIELD_STRING},
	{0},
};
static const struct field route_condition_fields[] = {
	{.name = "HttpErrorCodeReturnedEquals", .kind = FIELD_STRING},
	{.name = "KeyPrefixEquals", .kind = FIELD_STRING},
	{0},
};
static const struct field route_fields[] = {
	{.name = "RedirectRule",
		.wire = "Redirect",
		.kind = FIELD_OBJECT,
		.flags = F_REQUIRED,
		.fields = redirect_fields},
	{.name = "RoutingRuleCondition",
		.wire = "Condition",
		.kind = FIELD_OBJECT,
		.fields = route_condition_fields},
	{0},
};
static const struct field website_fields[] = {
	{.name = "ErrorDocument", .wire = "ErrorDocument/Key", .kind = FIELD_STRING},
	{.name = "IndexDocument", .wire = "IndexDocument/Suffix", .kind = FIELD_STRING},
	{.name = "RedirectAllRequestsTo", .kind = FIELD_OBJECT, .fields = redirect_all_fields},
	{.name = "RoutingRules",
		.wire = "RoutingRules/RoutingRule",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.fields = route_fields},
	{0},
};

/* ACLs are off on new buckets; the two canned ones that mean the same then are taken. */
static const char *const acl_values[] = {"Private", "BucketOwnerFullControl", NULL};

#define PART(n, rows)                                                             \
	{                                                                         \
		.name = n, .kind = FIELD_OBJECT, .flags = F_LOCAL, .fields = rows \
	}
#define NOT_YET(n, k)                                                  \
	{                                                              \
		.name = n, .kind = k, .flags = F_UNSUPPORTED | F_LOCAL \
	}
const struct field bucket_fields[] = {
	NOT_YET("AbacStatus", FIELD_STRING),
	PART("AccelerateConfiguration", accelerate_fields),
	{.name = "AccessControl",
		.kind = FIELD_STRING,
		.flags = F_LOCAL | F_WRITE_ONLY,
		.values = acl_values},
	NOT_YET("AnalyticsConfigurations", FIELD_JSON),
	PART("BucketEncryption", encryption_fields),
	{.name = "BucketName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_LOCAL,
		.min = 3,
		.max = 63},
	NOT_YET("BucketNamePrefix", FIELD_STRING),
	NOT_YET("BucketNamespace", FIELD_STRING),
	PART("CorsConfiguration", cors_fields),
	NOT_YET("IntelligentTieringConfigurations", FIELD_JSON),
	NOT_YET("InventoryConfigurations", FIELD_JSON),
	PART("LifecycleConfiguration", lifecycle_fields),
	PART("LoggingConfiguration", logging_fields),
	NOT_YET("MetadataConfiguration", FIELD_JSON),
	NOT_YET("MetadataTableConfiguration", FIELD_JSON),
	NOT_YET("MetricsConfigurations", FIELD_JSON),
	PART("NotificationConfiguration", notification_fields),
	PART("ObjectLockConfiguration", lock_fields),
	/* it cannot be taken back, and an existing bucket gets it only with versioning */
	{.name = "ObjectLockEnabled", .kind = FIELD_BOOL, .flags = F_LOCAL},
	PART("OwnershipControls", ownership_fields),
	PART("PublicAccessBlockConfiguration", public_access_fields),
	NOT_YET("ReplicationConfiguration", FIELD_JSON),
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	PART("VersioningConfiguration", versioning_fields),
	PART("WebsiteConfiguration", website_fields),
	{0},
};

/* --- where the rows are not enough --- */

/* {"Prefix","Tag":[…],"ObjectSize…"} beside each other become a Filter: the one condition, or And of several. */
static void rule_to_wire(struct json *rule)
{
	static const char *const names[] = {
		"Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "Tag"};
	struct json *all = json_object(), *filter = json_object(), *tags;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct json *v = json_detach(rule, names[i]);
		if (json_is(v, JSON_ARRAY) && !json_len(v))
			json_free(v);
		else if (v)
			json_set(all, names[i], v);
	}
	tags = json_get(all, "Tag");
	if (json_len(all) > 1 || (json_is(tags, JSON_ARRAY) && json_len(tags) > 1)) {
		json_set(filter, "And", all);
	} else {
		json_free(filter);
		filter = all;
		if (!json_len(filter))
			json_set_str(filter, "Prefix", "");
	}
	json_set(rule, "Filter", filter);
}

static void rule_from_wire(struct json *rule)
{
	struct json *filter = json_detach(rule, "Filter"), *v;
	const struct json *inner = json_get(filter, "And") ? json_get(filter, "And") : filter;
	json_each(v, inner)
	{
		const char *text = json_str(v);
		if (!(strcmp(json_name(v), "Prefix") == 0 && text && !*text))
			json_set(rule, json_name(v), json_copy(v));
	}
	json_free(filter);
}

static void each_rule(struct json *doc, void (*fn)(struct json *rule))
{
	struct json *rules = json_get(doc, "Rule"), *rule;
	if (json_is(rules, JSON_OBJECT))
		fn(rules);
	else
		json_each(rule, rules) fn(rule);
}

/* "Glacier" is an old spelling that only CloudFormation takes. */
static void storage_classes_to_wire(struct json *rule, const char *list)
{
	struct json *t = json_get(rule, list), *e;
	if (json_is(t, JSON_OBJECT) && json_get_str(t, "StorageClass") &&
		strcmp(json_get_str(t, "StorageClass"), "Glacier") == 0)
		json_set_str(t, "StorageClass", "GLACIER");
	if (!json_is(t, JSON_ARRAY))
		return;
	json_each(e, t)
	{
		const char *class = json_get_str(e, "StorageClass");
		if (class && strcmp(class, "Glacier") == 0)
			json_set_str(e, "StorageClass", "GLACIER");
	}
}

static void lifecycle_rule_to_wire(struct json *rule)
{
	storage_classes_to_wire(rule, "Transition");
	storage_classes_to_wire(rule, "NoncurrentVersionTransition");
	rule_to_wire(rule);
}

static void lifecycle_to_wire(struct json *doc)
{
	each_rule(doc, lifecycle_rule_to_wire);
}

static void lifecycle_from_wire(struct json *doc)
{
	each_rule(doc, rule_from_wire);
}

/* An empty element switches EventBridge on; no element, off. */
static void notification_to_wire(struct json *doc)
{
	struct json *bridge = json_detach(doc, "EventBridgeConfiguration");
	if (json_get_truth(bridge, "EventBridgeEnabled", false))
		json_set(doc, "EventBridgeConfiguration", json_object());
	json_free(bridge);
}

static void notification_from_wire(struct json *doc)
{
	if (json_get(doc, "EventBridgeConfiguration")) {
		struct json *on = json_object();
		json_set_bool(on, "EventBridgeEnabled", true);
		json_set(doc, "EventBridgeConfiguration", on);
	}
}

/* TargetPrefix must be sent. */
static void logging_to_wire(struct json *doc)
{
	struct json *enabled = json_get(doc, "LoggingEnabled");
	if (enabled && !json_get(enabled, "TargetPrefix"))
		json_set_str(enabled, "TargetPrefix", "");
}

static void lock_to_wire(struct json *doc)
{
	json_set_str(doc, "ObjectLockEnabled", "Enabled");
}

#define USUAL_OWNERSHIP "{\"Rules\":[{\"ObjectOwnership\":\"BucketOwnerEnforced\"}]}"
#define USUAL_ACCESS                                                                      \
	"{\"BlockPublicAcls\":true,\"BlockPublicPolicy\":true,\"IgnorePublicAcls\":true," \
	"\"RestrictPublicBuckets\":true}"
#define USUAL_ENCRYPTION                                                       \
	"{\"ServerSideEncryptionConfiguration\":[{\"BucketKeyEnabled\":false," \
	"\"ServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"AES256\"}}]}"
#define USUAL_VERSIONING "{\"Status\":\"Suspended\"}"
#define USUAL_LOCK "{\"ObjectLockEnabled\":\"Enabled\"}"
#define USUAL_ACCELERATION "{\"AccelerationStatus\":\"Suspended\"}"

const struct field_default bucket_defaults[] = {
	{"AccelerateConfiguration", USUAL_ACCELERATION},
	{"BucketEncryption", USUAL_ENCRYPTION},
	{"CorsConfiguration", "{}"},
	{"LifecycleConfiguration", "{}"},
	{"LoggingConfiguration", "{}"},
	{"NotificationConfiguration", "{}"},
	{"ObjectLockConfiguration", USUAL_LOCK},
	{"OwnershipControls", USUAL_OWNERSHIP},
	{"PublicAccessBlockConfiguration", USUAL_ACCESS},
	{"VersioningConfiguration", USUAL_VERSIONING},
	{"WebsiteConfiguration", "{}"},
	{0},
};

/* Ownership first: what follows may depend on it; versioning before object lock and lifecycle. */
const struct bucket_part bucket_parts[] = {
	{"OwnershipControls", "ownershipControls", "OwnershipControls", ownership_fields,
		USUAL_OWNERSHIP, false, NULL, NULL},
	{"PublicAccessBlockConfiguration", "publicAccessBlock", "PublicAccessBlockConfiguration",
		public_access_fields, USUAL_ACCESS, false, NULL, NULL},
	{"BucketEncryption", "encryption", "ServerSideEncryptionConfiguration", encryption_fields,
		USUAL_ENCRYPTION, true, NULL, NULL},
	{"VersioningConfiguration", "versioning", "VersioningConfiguration", versioning_fields,
		USUAL_VERSIONING, false, NULL, NULL},
	{"ObjectLockConfiguration", "object-lock", "ObjectLockConfiguration", lock_fields,
		USUAL_LOCK, false, lock_to_wire, NULL},
	{"LifecycleConfiguration", "lifecycle", "LifecycleConfiguration", lifecycle_fields, "{}",
		true, lifecycle_to_wire, lifecycle_from_wire},
	{"CorsConfiguration", "cors", "CORSConfiguration", cors_fields, "{}", true, NULL, NULL},
	{"WebsiteConfiguration", "website", "WebsiteConfiguration", website_fields, "{}", true,
		NULL, NULL},
	{"LoggingConfiguration", "logging", "BucketLoggingStatus", logging_fields, "{}", false,
		logging_to_wire, NULL},
	{"NotificationConfiguration", "notification", "NotificationConfiguration",
		notification_fields, "{}", false, notification_to_wire, notification_from_wire},
	{"AccelerateConfiguration", "accelerate", "AccelerateConfiguration", accelerate_fields,
		USUAL_ACCELERATION, false, NULL, NULL},
	{0},
};

char *bucket_part_xml(const struct bucket_part *p, const struct json *value)
{
	struct strbuf sb = STRBUF_INIT;
	struct json *doc = fields_to_api(p->fields, value);
	if (p->to_wire)
		p->to_wire(doc);
	xml_from_json(&sb, p->root, doc);
	json_free(doc);
	return strbuf_detach(&sb, NULL);
}

struct json *bucket_part_parse(
	const struct bucket_part *p, const char *xml, size_t len, struct err *err)
{
	struct xml_doc *parsed = xml_parse(xml, len, err);
	if (!parsed)
		return NULL;
	struct json *doc = xml_to_json(xml_root(parsed));
	if (json_is(doc, JSON_OBJECT) && p->from_wire)
		p->from_wire(doc);
	struct json *props = fields_from_api(p->fields, doc, NULL);
	xml_free(parsed);
	json_free(doc);
	return props;
}
