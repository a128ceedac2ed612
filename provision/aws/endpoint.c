#include "endpoint.h"
#include "protocol.h"
#include "uri.h"

static const struct partition {
	const char *prefix; /* of its regions */
	const char *name, *suffix;
	const char *iam_host, *iam_region;
} partitions[] = {
	{"cn-", "aws-cn", "amazonaws.com.cn", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
	{"us-gov-", "aws-us-gov", "amazonaws.com", "iam.us-gov.amazonaws.com", "us-gov-west-1"},
	{"", "aws", "amazonaws.com", "iam.amazonaws.com", "us-east-1"},
};

static const struct partition *partition_of(const char *region)
{
	const struct partition *p = partitions;
	while (!starts_with(region, p->prefix))
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
	return len && len <= 63 && region[0] != '-' &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

const char *endpoint_signing_region(const struct wire_service *svc, const char *region)
{
	return svc->global ? partition_of(region)->iam_region : region;
}

void endpoint_default(
	const struct wire_service *svc, const char *region, const char *bucket, struct strbuf *url)
{
	const struct partition *p = partition_of(region);
	strbuf_addstr(url, "https://");
	if (bucket)
		strbuf_addf(url, "%s.", bucket);
	if (svc->global)
		strbuf_addstr(url, p->iam_host);
	else
		strbuf_addf(url, "%s.%s.%s", svc->id, region, p->suffix);
}

const char *endpoint_from_environment(const struct wire_service *svc)
{
	const char *ignore = getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	if (ignore && iequals(ignore, "true"))
		return NULL;
	struct strbuf name = STRBUF_INIT;
	strbuf_addf(&name, "AWS_ENDPOINT_URL_%s", svc->env_id);
	const char *url = getenv(name.buf);
	strbuf_release(&name);
	if (!url || !*url)
		url = getenv("AWS_ENDPOINT_URL");
	return url && *url ? url : NULL;
}

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
