/*
 * What S3's error bodies say beside code and message, which clients read from there: elements by code, told from
 * the request, and those that only the handler knows.
 */
#include "local_s3.h"
#include "xalloc.h"

enum detail_source { D_BUCKET, D_KEY, D_VERSION, D_UPLOAD, D_METHOD };

/* In the order in which S3 writes them. */
static const struct error_detail {
	const char *code, *element;
	enum detail_source source;
} details[] = {
	{"NoSuchBucket", "BucketName", D_BUCKET},
	{"InvalidBucketName", "BucketName", D_BUCKET},
	{"BucketAlreadyExists", "BucketName", D_BUCKET},
	{"BucketAlreadyOwnedByYou", "BucketName", D_BUCKET},
	{"BucketNotEmpty", "BucketName", D_BUCKET},
	{"NoSuchTagSet", "BucketName", D_BUCKET},
	{"NoSuchBucketPolicy", "BucketName", D_BUCKET},
	{"NoSuchConfiguration", "BucketName", D_BUCKET},
	{"NoSuchCORSConfiguration", "BucketName", D_BUCKET},
	{"NoSuchLifecycleConfiguration", "BucketName", D_BUCKET},
	{"NoSuchPublicAccessBlockConfiguration", "BucketName", D_BUCKET},
	{"NoSuchWebsiteConfiguration", "BucketName", D_BUCKET},
	{"ObjectLockConfigurationNotFoundError", "BucketName", D_BUCKET},
	{"OwnershipControlsNotFoundError", "BucketName", D_BUCKET},
	{"ReplicationConfigurationNotFoundError", "BucketName", D_BUCKET},
	{"NoSuchKey", "Key", D_KEY},
	{"NoSuchVersion", "Key", D_KEY},
	{"NoSuchVersion", "VersionId", D_VERSION},
	{"NoSuchUpload", "UploadId", D_UPLOAD},
	{"MethodNotAllowed", "Method", D_METHOD},
};

static const char *detail_text(const struct local_s3_call *c, enum detail_source source)
{
	const struct s3_about *a = &c->about;

	switch (source) {
	case D_BUCKET:
		return a->bucket ? a->bucket : c->bucket;
	case D_KEY:
		return a->bucket ? a->key : c->key;
	case D_VERSION:
		return a->bucket ? a->version : local_s3_param(c, "versionId");
	case D_UPLOAD:
		return local_s3_param(c, "uploadId");
	case D_METHOD:
		return c->http->method;
	}
	return NULL;
}

void local_s3_about_release(struct s3_about *a)
{
	free(a->bucket);
	free(a->key);
	free(a->version);
	*a = (struct s3_about){0};
}

void local_s3_about(
	struct local_s3_call *c, const char *bucket, const char *key, const char *version)
{
	local_s3_about_release(&c->about);
	c->about.bucket = xstrdup(bucket);
	c->about.key = xstrdup(key);
	c->about.version = xstrdup(version);
}

void local_s3_detail(struct local_s3_call *c, const char *element, const char *text)
{
	xml_add_element(&c->detail, element, text);
}

int local_s3_precondition(struct local_s3_call *c, const char *condition, struct err *err)
{
	local_s3_detail(c, "Condition", condition);
	return local_fault(err, 412, "PreconditionFailed",
		"At least one of the pre-conditions you specified did not hold");
}

void local_s3_error_details(const struct local_s3_call *c, const char *code, struct strbuf *body)
{
	const char *end = strstr(body->buf, "</Message>");
	struct strbuf text = STRBUF_INIT;
	size_t i;

	if (!end)
		return;
	for (i = 0; i < ARRAY_SIZE(details); i++)
		if (!strcmp(details[i].code, code))
			xml_add_element(
				&text, details[i].element, detail_text(c, details[i].source));
	strbuf_add(&text, c->detail.buf, c->detail.len);
	strbuf_insert(body, (size_t)(end - body->buf) + strlen("</Message>"), text.buf, text.len);
	strbuf_release(&text);
}
