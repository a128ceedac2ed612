/*
 * Which operation a request is. A sub-resource that S3 has and the local cloud has not is refused by its name: it must
 * never be taken for the operation on the bucket or object itself.
 */
#include "local_s3.h"

/* The first row that fits wins: rows with a parameter or header stand before those without. */
static const struct s3_route routes[] = {
	{"GET", S3_SERVICE, NULL, NULL, "ListBuckets", "s3:ListAllMyBuckets", local_s3_list_buckets,
		0},

	{"PUT", S3_OBJECT, "partNumber", "x-amz-copy-source", "UploadPartCopy", "s3:PutObject",
		local_s3_upload_part_copy, 0},
	{"PUT", S3_OBJECT, "partNumber", NULL, "UploadPart", "s3:PutObject", local_s3_upload_part,
		S3_STREAM},
	{"POST", S3_OBJECT, "uploads", NULL, "CreateMultipartUpload", "s3:PutObject",
		local_s3_create_upload, 0},
	{"POST", S3_OBJECT, "uploadId", NULL, "CompleteMultipartUpload", "s3:PutObject",
		local_s3_complete_upload, 0},
	{"DELETE", S3_OBJECT, "uploadId", NULL, "AbortMultipartUpload", NULL, local_s3_abort_upload,
		0},
	{"GET", S3_OBJECT, "uploadId", NULL, "ListParts", "s3:ListMultipartUploadParts",
		local_s3_list_parts, 0},
	{"GET", S3_OBJECT, "tagging", NULL, "GetObjectTagging", NULL, local_s3_get_object_tagging,
		0},
	{"PUT", S3_OBJECT, "tagging", NULL, "PutObjectTagging", NULL, local_s3_put_object_tagging,
		0},
	{"DELETE", S3_OBJECT, "tagging", NULL, "DeleteObjectTagging", NULL,
		local_s3_delete_object_tagging, 0},
	{"GET", S3_OBJECT, "attributes", NULL, "GetObjectAttributes", NULL, local_s3_get_attributes,
		0},
	{"GET", S3_OBJECT, "acl", NULL, "GetObjectAcl", NULL, local_s3_get_object_acl, 0},
	{"PUT", S3_OBJECT, "acl", NULL, "PutObjectAcl", NULL, local_s3_put_object_acl, 0},
	{"GET", S3_OBJECT, "retention", NULL, "GetObjectRetention", NULL, local_s3_get_retention,
		0},
	{"PUT", S3_OBJECT, "retention", NULL, "PutObjectRetention", NULL, local_s3_put_retention,
		S3_NEEDS_SUM},
	{"GET", S3_OBJECT, "legal-hold", NULL, "GetObjectLegalHold", NULL, local_s3_get_legal_hold,
		0},
	{"PUT", S3_OBJECT, "legal-hold", NULL, "PutObjectLegalHold", NULL, local_s3_put_legal_hold,
		S3_NEEDS_SUM},
	{"POST", S3_OBJECT, "restore", NULL, "RestoreObject", NULL, local_s3_restore_object, 0},
	{"PUT", S3_OBJECT, NULL, "x-amz-copy-source", "CopyObject", "s3:PutObject",
		local_s3_copy_object, 0},
	{"PUT", S3_OBJECT, NULL, NULL, "PutObject", NULL, local_s3_put_object, S3_STREAM},
	{"GET", S3_OBJECT, NULL, NULL, "GetObject", NULL, local_s3_get_object, 0},
	{"HEAD", S3_OBJECT, NULL, NULL, "HeadObject", "s3:GetObject", local_s3_head_object, 0},
	{"DELETE", S3_OBJECT, NULL, NULL, "DeleteObject", NULL, local_s3_delete_object, 0},

	{"POST", S3_BUCKET, "delete", NULL, "DeleteObjects", NULL, local_s3_delete_objects,
		S3_OWN_AUTH | S3_NEEDS_SUM},
	{"GET", S3_BUCKET, "location", NULL, "GetBucketLocation", NULL, local_s3_get_location, 0},
	{"GET", S3_BUCKET, "policyStatus", NULL, "GetBucketPolicyStatus", NULL,
		local_s3_get_policy_status, 0},
	{"GET", S3_BUCKET, "versioning", NULL, "GetBucketVersioning", NULL, local_s3_get_versioning,
		0},
	{"PUT", S3_BUCKET, "versioning", NULL, "PutBucketVersioning", NULL, local_s3_put_versioning,
		0},
	{"GET", S3_BUCKET, "acl", NULL, "GetBucketAcl", NULL, local_s3_get_bucket_acl, 0},
	{"PUT", S3_BUCKET, "acl", NULL, "PutBucketAcl", NULL, local_s3_put_bucket_acl, 0},
	{"GET", S3_BUCKET, "tagging", NULL, "GetBucketTagging", NULL, local_s3_get_bucket_tagging,
		0},
	{"PUT", S3_BUCKET, "tagging", NULL, "PutBucketTagging", NULL, local_s3_put_bucket_tagging,
		S3_NEEDS_SUM},
	{"DELETE", S3_BUCKET, "tagging", NULL, "DeleteBucketTagging", "s3:PutBucketTagging",
		local_s3_delete_bucket_tagging, 0},
	{"GET", S3_BUCKET, "versions", NULL, "ListObjectVersions", "s3:ListBucketVersions",
		local_s3_list_versions, 0},
	{"GET", S3_BUCKET, "uploads", NULL, "ListMultipartUploads", "s3:ListBucketMultipartUploads",
		local_s3_list_uploads, 0},
	{"GET", S3_BUCKET, "list-type", NULL, "ListObjectsV2", "s3:ListBucket",
		local_s3_list_objects_v2, 0},
	{"PUT", S3_BUCKET, NULL, NULL, "CreateBucket", NULL, local_s3_create_bucket, S3_NO_BUCKET},
	{"HEAD", S3_BUCKET, NULL, NULL, "HeadBucket", "s3:ListBucket", local_s3_head_bucket, 0},
	{"DELETE", S3_BUCKET, NULL, NULL, "DeleteBucket", NULL, local_s3_delete_bucket, 0},
	{"GET", S3_BUCKET, NULL, NULL, "ListObjects", "s3:ListBucket", local_s3_list_objects, 0},
};

/* Bucket sub-resources of the table in local_s3_config.c. */
static const struct s3_route config_routes[] = {
	{"GET", S3_BUCKET, NULL, NULL, "GetBucketConfiguration", NULL, local_s3_get_config, 0},
	{"PUT", S3_BUCKET, NULL, NULL, "PutBucketConfiguration", NULL, local_s3_put_config, 0},
	{"DELETE", S3_BUCKET, NULL, NULL, "DeleteBucketConfiguration", NULL, local_s3_delete_config,
		0},
};

#define UNSERVED(method, level, param, name)                                                   \
	{                                                                                      \
		method, level, param, NULL, name, NULL, local_s3_not_implemented, S3_NO_BUCKET \
	}

static const struct s3_route unserved[] = {
	UNSERVED("GET", S3_OBJECT, "torrent", "GetObjectTorrent"),
	UNSERVED("POST", S3_OBJECT, "select", "SelectObjectContent"),
	UNSERVED("PUT", S3_OBJECT, "renameObject", "RenameObject"),
	UNSERVED("PUT", S3_OBJECT, "encryption", "UpdateObjectEncryption"),
	UNSERVED("PUT", S3_OBJECT, "annotation", "PutObjectAnnotation"),
	UNSERVED("DELETE", S3_OBJECT, "annotation", "DeleteObjectAnnotation"),
	UNSERVED("GET", S3_BUCKET, "session", "CreateSession"),
	UNSERVED("GET", S3_BUCKET, "abac", "GetBucketAbac"),
	UNSERVED("PUT", S3_BUCKET, "abac", "PutBucketAbac"),
	UNSERVED("POST", S3_BUCKET, "metadataConfiguration", "CreateBucketMetadataConfiguration"),
	UNSERVED("GET", S3_BUCKET, "metadataConfiguration", "GetBucketMetadataConfiguration"),
	UNSERVED("DELETE", S3_BUCKET, "metadataConfiguration", "DeleteBucketMetadataConfiguration"),
	UNSERVED("POST", S3_BUCKET, "metadataTable", "CreateBucketMetadataTableConfiguration"),
	UNSERVED("GET", S3_BUCKET, "metadataTable", "GetBucketMetadataTableConfiguration"),
	UNSERVED("DELETE", S3_BUCKET, "metadataTable", "DeleteBucketMetadataTableConfiguration"),
	UNSERVED("PUT", S3_BUCKET, "metadataInventoryTable",
		"UpdateBucketMetadataInventoryTableConfiguration"),
	UNSERVED("PUT", S3_BUCKET, "metadataJournalTable",
		"UpdateBucketMetadataJournalTableConfiguration"),
	UNSERVED("PUT", S3_BUCKET, "metadataAnnotationTable",
		"UpdateBucketMetadataAnnotationTableConfiguration"),
};

/* Two operations on one sub-resource, told apart by a parameter. */
static const struct s3_route annotation_one = UNSERVED(
				     "GET", S3_OBJECT, "annotation", "GetObjectAnnotation"),
			     annotation_list = UNSERVED(
				     "GET", S3_OBJECT, "annotation", "ListObjectAnnotations");

static const struct s3_route post_route = {"POST", S3_BUCKET, NULL, NULL, "PostObject",
	"s3:PutObject", local_s3_post_object, S3_STREAM | S3_OWN_AUTH | S3_FORM};

static const struct s3_route *find_in(
	const struct s3_route *rows, size_t nr, const struct local_s3_call *c, enum s3_level level)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		const struct s3_route *r = &rows[i];

		if (r->level == level && !strcmp(r->method, c->http->method) &&
			(!r->param || local_s3_param(c, r->param)) &&
			(!r->header || local_s3_header(c, r->header)))
			return r;
	}
	return NULL;
}

bool local_s3_is_form(const struct local_http *h)
{
	const char *type = local_http_header(h, "content-type");

	return h->anonymous && !strcmp(h->method, "POST") && type &&
	       starts_with(type, "multipart/form-data");
}

const struct s3_route *local_s3_route_find(struct local_s3_call *c)
{
	enum s3_level level = c->key ? S3_OBJECT : c->bucket ? S3_BUCKET : S3_SERVICE;
	const struct s3_route *r;
	size_t i;

	if (level == S3_BUCKET && local_s3_is_form(c->http))
		return &post_route;
	r = find_in(unserved, ARRAY_SIZE(unserved), c, level);
	if (r)
		return r;
	if (level == S3_OBJECT && local_s3_param(c, "annotation"))
		return local_s3_param(c, "annotationName") ? &annotation_one : &annotation_list;
	c->config = level == S3_BUCKET ? local_s3_config_find(c) : NULL;
	for (i = 0; c->config && i < ARRAY_SIZE(config_routes); i++)
		if (!strcmp(config_routes[i].method, c->http->method))
			return &config_routes[i];
	return find_in(routes, ARRAY_SIZE(routes), c, level);
}
