/*
 * What S3 asks of a bucket's configurations before it keeps them: values by table, the rest by a function each; and
 * what it adds to them: ids and defaults.
 */
#include <ctype.h>
#include "local_s3.h"
#include "xalloc.h"

#define MAX_CORS_RULES 100
#define MAX_LIFECYCLE_RULES 1000

/* --- values --- */

enum value_flags { V_REQUIRED = 1 << 0, V_MANY = 1 << 1 };

/* An element's values by its path from the root; "" allows any. MalformedXML where it is otherwise. */
static const struct value_rule {
	const char *param, *path, *allowed;
	unsigned flags;
} value_rules[] = {
	{"accelerate", "Status", "Enabled|Suspended", V_REQUIRED},
	{"cors", "CORSRule", "", V_REQUIRED | V_MANY},
	{"cors", "CORSRule/AllowedMethod", "", V_REQUIRED | V_MANY},
	{"cors", "CORSRule/AllowedOrigin", "", V_REQUIRED | V_MANY},
	{"encryption", "Rule", "", V_REQUIRED | V_MANY},
	{"encryption", "Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm",
		"AES256|aws:kms|aws:kms:dsse", V_REQUIRED},
	{"lifecycle", "Rule", "", V_REQUIRED | V_MANY},
	{"lifecycle", "Rule/Status", "Enabled|Disabled", V_REQUIRED},
	{"lifecycle", "Rule/NoncurrentVersionTransition/NoncurrentDays", "", V_REQUIRED},
	{"lifecycle", "Rule/NoncurrentVersionTransition/StorageClass", "", V_REQUIRED},
	{"lifecycle", "Rule/NoncurrentVersionExpiration/NoncurrentDays", "", V_REQUIRED},
	{"lifecycle", "Rule/AbortIncompleteMultipartUpload/DaysAfterInitiation", "", V_REQUIRED},
	{"lifecycle", "Rule/Transition/StorageClass", "", V_REQUIRED},
	{"logging", "LoggingEnabled/TargetBucket", "", V_REQUIRED},
	{"logging", "LoggingEnabled/TargetPrefix", "", V_REQUIRED},
	{"logging", "LoggingEnabled/TargetGrants/Grant/Permission", "FULL_CONTROL|READ|WRITE",
		V_REQUIRED},
	{"object-lock", "ObjectLockEnabled", "Enabled", V_REQUIRED},
	{"object-lock", "Rule/DefaultRetention/Mode", "GOVERNANCE|COMPLIANCE", V_REQUIRED},
	{"ownershipControls", "Rule/ObjectOwnership",
		"BucketOwnerPreferred|ObjectWriter|BucketOwnerEnforced", V_REQUIRED},
	{"replication", "Role", "", V_REQUIRED},
	{"replication", "Rule", "", V_REQUIRED | V_MANY},
	{"replication", "Rule/Status", "Enabled|Disabled", V_REQUIRED},
	{"replication", "Rule/Destination/Bucket", "", V_REQUIRED},
	{"requestPayment", "Payer", "BucketOwner|Requester", V_REQUIRED},
};

static bool is_allowed(const char *allowed, const char *value)
{
	size_t len = strlen(value);
	const char *p;

	if (!*allowed)
		return true;
	for (p = allowed; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
		if (strcspn(p, "|") == len && !strncmp(p, value, len))
			return true;
	return false;
}

/* Below `n`, at `path`: each holder on the way that is there must have what comes next. */
static bool values_fit(const struct xml_node *n, const char *path, const struct value_rule *rule)
{
	const char *slash = strchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : strlen(path), nr = 0;
	struct xml_node *child;

	xml_each(child, n)
	{
		if (strlen(xml_name(child)) != len || strncmp(xml_name(child), path, len))
			continue;
		nr++;
		if (slash ? !values_fit(child, slash + 1, rule)
			  : !is_allowed(rule->allowed, xml_text(child)))
			return false;
	}
	if (slash)
		return true;
	return nr ? nr == 1 || rule->flags & V_MANY : !(rule->flags & V_REQUIRED);
}

/* --- by configuration --- */

static size_t count(const struct xml_node *n, const char *name)
{
	struct xml_node *child;
	size_t nr = 0;

	xml_each(child, n) nr += !strcmp(xml_name(child), name);
	return nr;
}

static int check_accelerate(
	struct local_s3_call *c, const struct xml_node *root unused_arg, struct err *err)
{
	if (!strchr(c->bucket, '.'))
		return 0;
	return local_fault(err, 400, "InvalidRequest",
		"S3 Transfer Acceleration is not supported for buckets with periods (.) in their "
		"names");
}

static int check_cors(
	struct local_s3_call *c unused_arg, const struct xml_node *root, struct err *err)
{
	struct xml_node *rule, *n;

	if (count(root, "CORSRule") > MAX_CORS_RULES)
		return local_s3_malformed(err);
	xml_each(rule, root) xml_each(n, rule)
	{
		if (!strcmp(xml_name(n), "AllowedMethod") &&
			!is_allowed("GET|PUT|POST|DELETE|HEAD", xml_text(n)))
			return local_fault(err, 400, "InvalidRequest",
				"Found unsupported HTTP method in CORS config. Unsupported method "
				"is %.100s",
				xml_text(n));
	}
	return 0;
}

/* A filter is by one thing; several go into its And. */
static bool filter_fits(const struct xml_node *filter)
{
	struct xml_node *n;
	size_t nr = 0;

	xml_each(n, filter) nr++;
	return nr <= 1;
}

static bool expiration_fits(const struct xml_node *n)
{
	return count(n, "Days") + count(n, "Date") + count(n, "ExpiredObjectDeleteMarker") == 1;
}

static bool lifecycle_rule_fits(const struct xml_node *rule)
{
	struct xml_node *n;

	if (count(rule, "Filter") + count(rule, "Prefix") != 1)
		return false;
	xml_each(n, rule)
	{
		const char *name = xml_name(n);

		if ((!strcmp(name, "Filter") && !filter_fits(n)) ||
			(!strcmp(name, "Expiration") && !expiration_fits(n)) ||
			(!strcmp(name, "Transition") && count(n, "Days") + count(n, "Date") != 1))
			return false;
	}
	return true;
}

static int check_lifecycle(
	struct local_s3_call *c unused_arg, const struct xml_node *root, struct err *err)
{
	struct xml_node *rule, *other;
	const char *id, *other_id;

	if (count(root, "Rule") > MAX_LIFECYCLE_RULES)
		return local_s3_malformed(err);
	xml_each(rule, root)
	{
		if (!lifecycle_rule_fits(rule))
			return local_s3_malformed(err);
		id = xml_child_text(rule, "ID");
		for (other = xml_first(root); id && *id && other != rule; other = xml_next(other))
			if ((other_id = xml_child_text(other, "ID")) && !strcmp(id, other_id))
				return local_s3_invalid(err,
					"Rule ID must be unique. Found same ID for more than one "
					"rule");
	}
	return 0;
}

/* The bucket's region and versioning. Outside of a transaction. 1, 0, -1. */
static int find_bucket(
	struct local_s3_call *c, const char *name, struct store_bucket *b, struct err *err)
{
	struct err missing = ERR_INIT;
	int result = 1;

	if (local_tx_begin(c->cloud, err))
		return -1;
	if (store_bucket_get(c->cloud, name, b, &missing)) {
		bool none = missing.aws_code && !strcmp(missing.aws_code, "NoSuchBucket");

		if (!none)
			err_move(err, &missing);
		result = none ? 0 : -1;
	}
	local_tx_end(c->cloud);
	err_release(&missing);
	return result;
}

static int check_logging(struct local_s3_call *c, const struct xml_node *root, struct err *err)
{
	struct xml_node *enabled = xml_child(root, "LoggingEnabled");
	struct store_bucket own = {0}, target = {0};
	int found, result = -1;

	if (!enabled)
		return 0;
	found = find_bucket(c, xml_child_text(enabled, "TargetBucket"), &target, err);
	if (found > 0 && find_bucket(c, c->bucket, &own, err) > 0) {
		result = 0;
		if (strcmp(own.region, target.region))
			result = local_fault(err, 403, "CrossLocationLoggingProhibited",
				"Cross S3 location logging not allowed.");
	} else if (!found)
		local_fault(err, 400, "InvalidTargetBucketForLogging",
			"The target bucket for logging does not exist");
	store_bucket_release(&own);
	store_bucket_release(&target);
	return result;
}

static int need_versions(
	struct local_s3_call *c, int status, const char *code, const char *text, struct err *err)
{
	struct store_bucket b = {0};
	int result = find_bucket(c, c->bucket, &b, err) > 0 ? 0 : -1;

	if (!result && strcmp(b.versioning, "Enabled")) {
		local_s3_detail(c, "BucketName", c->bucket);
		result = local_fault(err, status, code, "%s", text);
	}
	store_bucket_release(&b);
	return result;
}

static int check_object_lock(struct local_s3_call *c, const struct xml_node *root, struct err *err)
{
	struct xml_node *rule = xml_child(root, "Rule"),
			*retention = rule ? xml_child(rule, "DefaultRetention") : NULL;
	const char *days = retention ? xml_child_text(retention, "Days") : NULL,
		   *years = retention ? xml_child_text(retention, "Years") : NULL;
	long long n;

	if (rule && (!retention || !days == !years))
		return local_s3_malformed(err);
	if (retention && parse_int64(days ? days : years, 1, days ? 36500 : 100, &n))
		return local_s3_invalid(
			err, "Default retention period must be a positive integer value.");
	return need_versions(c, 409, "InvalidBucketState",
		"Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
		err);
}

static int check_public_access(
	struct local_s3_call *c unused_arg, const struct xml_node *root, struct err *err)
{
	if (xml_first(root))
		return 0;
	return local_fault(err, 400, "InvalidRequest", "Must specify at least one configuration.");
}

static int check_replication(
	struct local_s3_call *c, const struct xml_node *root unused_arg, struct err *err)
{
	return need_versions(c, 400, "InvalidRequest",
		"Versioning must be 'Enabled' on the bucket to apply a replication configuration",
		err);
}

/* --- notifications --- */

static const struct destination {
	const char *element, *arn, *service; /* what the ARN is of */
} destinations[] = {
	{"QueueConfiguration", "Queue", "sqs"},
	{"TopicConfiguration", "Topic", "sns"},
	{"CloudFunctionConfiguration", "CloudFunction", "lambda"},
};

static const char *const events[] = {"s3:IntelligentTiering", "s3:LifecycleExpiration:*",
	"s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated",
	"s3:LifecycleTransition", "s3:ObjectAcl:Put", "s3:ObjectCreated:*",
	"s3:ObjectCreated:CompleteMultipartUpload", "s3:ObjectCreated:Copy",
	"s3:ObjectCreated:Post", "s3:ObjectCreated:Put", "s3:ObjectRemoved:*",
	"s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectRestore:*",
	"s3:ObjectRestore:Completed", "s3:ObjectRestore:Delete", "s3:ObjectRestore:Post",
	"s3:ObjectTagging:*", "s3:ObjectTagging:Delete", "s3:ObjectTagging:Put",
	"s3:ReducedRedundancyLostObject", "s3:Replication:*",
	"s3:Replication:OperationFailedReplication", "s3:Replication:OperationMissedThreshold",
	"s3:Replication:OperationNotTracked", "s3:Replication:OperationReplicatedAfterThreshold"};

static int check_event(const char *event, struct err *err)
{
	struct strbuf all = STRBUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		if (!strcmp(events[i], event)) {
			strbuf_release(&all);
			return 0;
		}
		strbuf_addf(&all, "%s'%s'", i ? ", " : "", events[i]);
	}
	local_s3_invalid(err,
		"The event '%.100s' is not supported for notifications. Supported events are as "
		"follows: [%s]",
		event, all.buf);
	strbuf_release(&all);
	return -1;
}

static int check_arn(const char *arn, const char *service, const char *region, struct err *err)
{
	struct strvec words = STRVEC_INIT;
	int result = 0;

	strvec_split(&words, arn, ':');
	if (words.nr < 6 || strcmp(words.v[0], "arn") || strcmp(words.v[2], service))
		result = local_s3_invalid(err, "The ARN is not well formed");
	else if (strcmp(words.v[3], region))
		result = local_s3_invalid(err,
			"The notification destination service region is not valid for the bucket "
			"location constraint");
	strvec_release(&words);
	return result;
}

static int check_destination(
	const struct xml_node *n, const struct destination *d, const char *region, struct err *err)
{
	const char *arn = xml_child_text(n, d->arn);
	struct xml_node *event;

	if (!arn || !count(n, "Event"))
		return local_s3_malformed(err);
	if (check_arn(arn, d->service, region, err))
		return -1;
	xml_each(event, n) if (!strcmp(xml_name(event), "Event") &&
			       check_event(xml_text(event), err)) return -1;
	return 0;
}

static int check_notification(struct local_s3_call *c, const struct xml_node *root, struct err *err)
{
	struct store_bucket b = {0};
	struct xml_node *n;
	int result = find_bucket(c, c->bucket, &b, err) > 0 ? 0 : -1;
	size_t i;

	for (n = xml_first(root); !result && n; n = xml_next(n))
		for (i = 0; !result && i < ARRAY_SIZE(destinations); i++)
			if (!strcmp(xml_name(n), destinations[i].element))
				result = check_destination(n, &destinations[i], b.region, err);
	store_bucket_release(&b);
	return result;
}

static const struct config_check {
	const char *param;
	int (*fn)(struct local_s3_call *c, const struct xml_node *root, struct err *err);
} checks[] = {
	{"accelerate", check_accelerate},
	{"cors", check_cors},
	{"lifecycle", check_lifecycle},
	{"logging", check_logging},
	{"notification", check_notification},
	{"object-lock", check_object_lock},
	{"publicAccessBlock", check_public_access},
	{"replication", check_replication},
};

int local_s3_config_check(
	struct local_s3_call *c, const char *param, const struct xml_node *root, struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(value_rules); i++)
		if (!strcmp(value_rules[i].param, param) &&
			!values_fit(root, value_rules[i].path, &value_rules[i]))
			return local_s3_malformed(err);
	for (i = 0; i < ARRAY_SIZE(checks); i++)
		if (!strcmp(checks[i].param, param))
			return checks[i].fn(c, root, err);
	return 0;
}

/* --- what S3 adds --- */

/* A child that an element gets where it has none; `value` NULL: an id of S3's making. */
static const struct added_child {
	const char *param, *parent, *name, *value;
} added[] = {
	{"encryption", "Rule", "BucketKeyEnabled", "false"},
	{"lifecycle", "Rule", "ID", NULL},
	{"notification", "QueueConfiguration", "Id", NULL},
	{"notification", "TopicConfiguration", "Id", NULL},
	{"notification", "CloudFunctionConfiguration", "Id", NULL},
	{"publicAccessBlock", "PublicAccessBlockConfiguration", "BlockPublicAcls", "false"},
	{"publicAccessBlock", "PublicAccessBlockConfiguration", "IgnorePublicAcls", "false"},
	{"publicAccessBlock", "PublicAccessBlockConfiguration", "BlockPublicPolicy", "false"},
	{"publicAccessBlock", "PublicAccessBlockConfiguration", "RestrictPublicBuckets", "false"},
	{"replication", "Rule", "ID", NULL},
};

static void add_missing(const char *param, const struct xml_node *n, struct strbuf *sb)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(added); i++) {
		const struct added_child *a = &added[i];
		char *id = NULL;

		if (strcmp(a->param, param) || strcmp(a->parent, xml_name(n)) ||
			xml_child(n, a->name))
			continue;
		if (!a->value)
			id = local_uuid();
		xml_add_element(sb, a->name, a->value ? a->value : id);
		free(id);
	}
}

static void copy_inside(const char *param, const struct xml_node *n, struct strbuf *sb)
{
	struct xml_node *child;

	if (!xml_first(n))
		xml_add_escaped(sb, xml_text(n));
	xml_each(child, n)
	{
		strbuf_addf(sb, "<%s>", xml_name(child));
		copy_inside(param, child, sb);
		strbuf_addf(sb, "</%s>", xml_name(child));
	}
	add_missing(param, n, sb);
}

void local_s3_config_complete(const char *param, const struct xml_node *root, struct strbuf *body)
{
	bool adds = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(added); i++)
		adds |= !strcmp(added[i].param, param);
	if (!adds)
		return; /* kept as it came, with attributes and all */
	strbuf_clear(body);
	strbuf_addf(body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"%s\">",
		xml_name(root), S3_XMLNS);
	copy_inside(param, root, body);
	strbuf_addf(body, "</%s>", xml_name(root));
}
