/* AWS's addresses. What is regular is put together; what is not stands in two tables. */
#include "endpoint.h"
#include "protocol.h"
#include "uri.h"

#define FIPS ENDPOINT_FIPS
#define DUAL ENDPOINT_DUALSTACK
#define BOTH (FIPS | DUAL)

/* IAM has one host a partition and variant, and signs for the region of its control plane. */
static const struct partition {
	const char *prefix; /* of its regions */
	const char *name, *suffix, *dual_suffix;
	const char *iam[4]; /* by FIPS | DUAL */
	const char *iam_region;
} partitions[] = {
	{"cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn",
		{"iam.cn-north-1.amazonaws.com.cn", "iam-fips.amazonaws.com.cn",
			"iam.global.api.amazonwebservices.com.cn",
			"iam-fips.api.amazonwebservices.com.cn"},
		"cn-north-1"},
	{"us-gov-", "aws-us-gov", "amazonaws.com", "api.aws",
		{"iam.us-gov.amazonaws.com", "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws",
			"iam.us-gov.api.aws"},
		"us-gov-west-1"},
	{"us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov",
		{"iam.us-iso-east-1.c2s.ic.gov", "iam-fips.us-iso-east-1.c2s.ic.gov",
			"iam.api.aws.ic.gov", "iam-fips.api.aws.ic.gov"},
		"us-iso-east-1"},
	{"us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud",
		{"iam.us-isob-east-1.sc2s.sgov.gov", "iam-fips.us-isob-east-1.sc2s.sgov.gov",
			"iam.api.aws.scloud", "iam-fips.api.aws.scloud"},
		"us-isob-east-1"},
	{"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk",
		{"iam.eu-isoe-west-1.cloud.adc-e.uk", "iam-fips.cloud.adc-e.uk",
			"iam.api.cloud-aws.adc-e.uk", "iam-fips.api.cloud-aws.adc-e.uk"},
		"eu-isoe-west-1"},
	{"us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov",
		{"iam.us-isof-south-1.csp.hci.ic.gov", "iam-fips.csp.hci.ic.gov",
			"iam.api.aws.hci.ic.gov", "iam-fips.api.aws.hci.ic.gov"},
		"us-isof-south-1"},
	{"eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu",
		{"iam.eusc-de-east-1.amazonaws.eu", "iam-fips.amazonaws.eu",
			"iam.global.api.amazonwebservices.eu", "iam-fips.api.amazonwebservices.eu"},
		"eusc-de-east-1"},
	{"", "aws", "amazonaws.com", "api.aws",
		{"iam.amazonaws.com", "iam-fips.amazonaws.com", "iam.global.api.aws",
			"iam-fips.global.api.aws"},
		"us-east-1"},
};

/* Services whose hosts leave the pattern SERVICE[-fips].REGION.SUFFIX in some partitions. */
static const struct exception {
	const char *service, *partition;
	const char *region; /* NULL: all */
	unsigned when;      /* FIPS alone, DUAL alone, BOTH */
	bool fips_label, dual_suffix;
} exceptions[] = {
	/* In GovCloud the plain hosts are the FIPS ones. */
	{"events", "aws-us-gov", "us-gov-east-1", FIPS, false, false},
	{"events", "aws-us-gov", "us-gov-west-1", FIPS, false, false},
	{"events", "aws-us-gov", NULL, BOTH, false, true},
	{"logs", "aws-us-gov", "us-gov-east-1", FIPS, false, false},
	{"logs", "aws-us-gov", "us-gov-west-1", FIPS, false, false},
	{"monitoring", "aws-us-gov", NULL, FIPS, false, false},
	{"monitoring", "aws-us-gov", NULL, BOTH, false, true},
	{"sns", "aws-us-gov", "us-gov-east-1", FIPS, false, false},
	{"sns", "aws-us-gov", "us-gov-west-1", FIPS, false, false},
	{"sqs", "aws-us-gov", NULL, FIPS, false, false},
	{"ssm", "aws-us-gov", NULL, FIPS, false, false},
	{"states", "aws-us-gov", "us-gov-west-1", FIPS, false, false},
	{"states", "aws-us-gov", NULL, DUAL, true, true},
	{"sts", "aws-us-gov", NULL, FIPS, false, false},
	/* Its plain hosts speak both. */
	{"secretsmanager", "aws", NULL, DUAL, false, false},
	{"secretsmanager", "aws", NULL, BOTH, true, false},
	{"secretsmanager", "aws-us-gov", NULL, DUAL, false, false},
	{"secretsmanager", "aws-us-gov", NULL, BOTH, true, false},
	{"secretsmanager", "aws-cn", NULL, DUAL, false, false},
};

/* The regions that sts.amazonaws.com serves under "legacy". */
static const char *const old_sts_regions[] = {"ap-northeast-1", "ap-south-1", "ap-southeast-1",
	"ap-southeast-2", "aws-global", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1",
	"eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"};

/* "aws-cn-global" and its like stand for a partition as a whole. */
static bool is_global_of(const char *region, const char *partition)
{
	size_t len = strlen(partition);
	return !strncmp(region, partition, len) && !strcmp(region + len, "-global");
}

static const struct partition *partition_of(const char *region)
{
	const struct partition *p = partitions;
	while (!starts_with(region, p->prefix) && !is_global_of(region, p->name))
		p++;
	return p;
}

const char *endpoint_partition(const char *region)
{
	return partition_of(region)->name;
}

bool endpoint_region_valid(const char *region)
{
	size_t len = strlen(region);
	return len && len <= 63 && region[0] != '-' && region[len - 1] != '-' &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
	       strspn(region, "0123456789") != len;
}

const char *endpoint_signing_region(const struct wire_service *svc, const char *region)
{
	if (svc->global)
		return partition_of(region)->iam_region;
	return !strcmp(svc->id, "s3") && !strcmp(region, "aws-global") ? "us-east-1" : region;
}

char *endpoint_fips_region(const char *region)
{
	size_t len = strlen(region);
	if (starts_with(region, "fips-"))
		return xstrdup(region + strlen("fips-"));
	if (ends_with(region, "-fips"))
		return xstrndup(region, len - strlen("-fips"));
	return NULL;
}

bool endpoint_bucket_in_host(const char *bucket)
{
	size_t len = strlen(bucket);
	return len >= 3 && len <= 63 && bucket[0] != '-' && bucket[len - 1] != '-' &&
	       strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* --- Amazon S3 --- */

static int check_bucket(const char *bucket, struct err *err)
{
	if (starts_with(bucket, "arn:"))
		return err_set(err, ERR_USAGE,
			"'%s': access points are not supported, give the bucket's name", bucket);
	if (ends_with(bucket, "--x-s3") || ends_with(bucket, "--xa-s3"))
		return err_set(err, ERR_USAGE, "'%s': directory buckets are not supported", bucket);
	return 0;
}

static int resolve_s3(const struct partition *p, const struct endpoint_query *q, struct strbuf *url,
	struct err *err)
{
	bool fips = q->variants & FIPS, dual = q->variants & DUAL;
	bool everywhere = !strcmp(q->region, "aws-global");
	bool in_host = q->bucket && !(q->variants & ENDPOINT_PATH_STYLE) &&
		       endpoint_bucket_in_host(q->bucket);
	if (q->bucket && check_bucket(q->bucket, err) < 0)
		return -1;
	if (fips && !strcmp(p->name, "aws-cn"))
		return err_set(
			err, ERR_USAGE, "there is no FIPS endpoint of s3 in '%s'", q->region);
	if ((q->variants & ENDPOINT_GLOBAL) && !strcmp(q->region, "us-east-1"))
		everywhere = true;
	strbuf_addstr(url, "https://");
	if (in_host)
		strbuf_addf(url, "%s.", q->bucket);
	strbuf_addf(url, "s3%s%s", fips ? "-fips" : "", dual ? ".dualstack" : "");
	if (!everywhere || fips || dual)
		strbuf_addf(url, ".%s", everywhere ? "us-east-1" : q->region);
	strbuf_addf(url, ".%s", p->suffix);
	if (q->bucket && !in_host) {
		strbuf_addch(url, '/');
		uri_encode(url, q->bucket, strlen(q->bucket), false);
	}
	return 0;
}

/* --- all others --- */

static const struct exception *exception_of(const struct wire_service *svc,
	const struct partition *p, const char *region, unsigned variants)
{
	for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++) {
		const struct exception *x = &exceptions[i];
		if (x->when != variants || strcmp(x->service, svc->id) != 0 ||
			strcmp(x->partition, p->name) != 0)
			continue;
		if (!x->region || !strcmp(x->region, region))
			return x;
	}
	return NULL;
}

static bool global_sts(const struct wire_service *svc, const struct endpoint_query *q)
{
	if (strcmp(svc->id, "sts") != 0 || (q->variants & BOTH))
		return false;
	if (!strcmp(q->region, "aws-global"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(old_sts_regions); i++)
		if (!strcmp(old_sts_regions[i], q->region))
			return q->variants & ENDPOINT_GLOBAL;
	return false;
}

int endpoint_resolve(const struct wire_service *svc, const struct endpoint_query *q,
	struct strbuf *url, const char **signing_region, struct err *err)
{
	const struct partition *p = partition_of(q->region);
	unsigned variants = q->variants & BOTH;
	if (!endpoint_region_valid(q->region))
		return err_set(err, ERR_USAGE, "'%s' is no AWS region", q->region);
	*signing_region = endpoint_signing_region(svc, q->region);
	if (!strcmp(svc->id, "s3"))
		return resolve_s3(p, q, url, err);
	if (svc->global) {
		strbuf_addf(url, "https://%s", p->iam[variants]);
	} else if (global_sts(svc, q)) {
		strbuf_addstr(url, "https://sts.amazonaws.com");
		*signing_region = "us-east-1";
	} else {
		const struct exception *x = exception_of(svc, p, q->region, variants);
		bool fips_label = x ? x->fips_label : variants & FIPS;
		bool dual_suffix = x ? x->dual_suffix : variants & DUAL;
		strbuf_addf(url, "https://%s%s.%s.%s", svc->id, fips_label ? "-fips" : "",
			q->region, dual_suffix ? p->dual_suffix : p->suffix);
	}
	return 0;
}

/* --- addresses that the user gives --- */

int endpoint_check(const char *url, const char *origin, struct err *err)
{
	struct uri uri = URI_INIT;
	int ret = uri_parse(url, &uri, err);
	if (ret == 0 && ((strcmp(uri.scheme, "http") != 0 && strcmp(uri.scheme, "https") != 0) ||
				uri.query || !*uri.host))
		ret = err_set(
			err, ERR_USAGE, "an endpoint is http://HOST[:PORT] or https://HOST[:PORT]");
	if (ret < 0 && err) {
		err->code = ERR_USAGE;
		err_wrap(err, "%s", origin);
	}
	uri_release(&uri);
	return ret;
}
