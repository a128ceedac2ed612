#ifndef LOCAL_S3_COPY_H
#define LOCAL_S3_COPY_H

/* What copies and multipart uploads share. */
#include "local_s3.h"

struct s3_source {
	char *bucket, *key, *version;
	struct store_object object;
};

struct s3_part {
	int64_t number, size;
	char *file, *etag, *sum_alg, *sum;
};
void local_s3_part_release(struct s3_part *p);

/* Appends a piece of a stored file to `w`, through the NULL-terminated digests when there are some. */
int local_s3_copy_bytes(struct local_cloud *cloud, const char *file, int64_t offset, int64_t length,
	struct store_writer *w, struct digest *const *digests, struct err *err) must_check;
/* The request's partNumber. */
int local_s3_part_number(struct local_s3_call *c, int64_t *number, struct err *err) must_check;
/* The checksum that the request's upload was created with; NoSuchUpload. */
int local_s3_upload_sum_kind(
	struct local_s3_call *c, const struct s3_sum_kind **kind, struct err *err) must_check;
/* The sealed file becomes the part; the part that it replaces goes. */
int local_s3_part_commit(struct local_s3_call *c, struct store_writer *w,
	const struct s3_part *part, struct err *err) must_check;

#endif
