#include "testing.h"
#include "scripted.h"
#include <unistd.h>
#include "fs.h"
#include "s3_sending.h"

#define LOCAL "http://127.0.0.1:4566"
/* SHA-256 and MD5 of "hello". */
#define HELLO "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
#define HELLO_MD5 "\"5d41402abc4b2a76b9719d911017c592\""

struct place {
	char *dir, *file;
	struct s3_sending s;
};

static void place_init(struct place *p, struct aws_client *c, off_t size)
{
	struct err err = ERR_INIT;
	p->dir = fs_mkdtemp(NULL, "sending-", &err);
	assert_non_null(p->dir);
	p->file = fs_join(p->dir, "file");
	assert_ok(fs_write_atomic(p->file, "hello", 5, 0600, &err), &err);
	if (size)
		assert_int_equal(truncate(p->file, size), 0);
	s3_sending_init(&p->s, c, "b", "k", p->file);
}

static void place_release(struct place *p, struct script *s, struct aws_client *c)
{
	struct err err = ERR_INIT;
	assert_int_equal(s->at, s->nr);
	s3_sending_release(&p->s);
	assert_ok(fs_remove_tree(p->dir, &err), &err);
	free(p->dir);
	free(p->file);
	aws_client_free(c);
	script_release(s);
}

static void test_s3_sending__equal_by_any_checksum(void **state)
{
	(void)state;
	SCRIPT(s, {200, "content-length: 5\netag: \"x-1\"\nx-amz-checksum-sha256: " HELLO, NULL},
		{200, "content-length: 5\netag: " HELLO_MD5, NULL},
		{200, "content-length: 5\nx-amz-checksum-crc32: NhCmhg==", NULL},
		{200, "content-length: 5\nx-amz-checksum-crc32: NhCmhh==", NULL},
		{200, "content-length: 6\netag: " HELLO_MD5, NULL},
		{200, "content-length: 5\netag: \"of-kms\"", NULL}, {404, NULL, NULL},
		{403, NULL, NULL});
	static const bool same[] = {true, true, true, false, false, false, false, false};
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct place p;
		struct err err = ERR_INIT;
		place_init(&p, c, 0);
		assert_ok(s3_sending_begin(&p.s, &err), &err);
		assert_int_equal(p.s.same, same[i]);
		assert_int_equal(p.s.nr_pieces, !same[i]);
		if (i + 1 == ARRAY_SIZE(same)) {
			place_release(&p, &s, c);
			break;
		}
		s3_sending_release(&p.s);
		assert_ok(fs_remove_tree(p.dir, &err), &err);
		free(p.dir);
		free(p.file);
	}
}

static void test_s3_sending__another_checksum_in_the_bucket(void **state)
{
	(void)state;
	SCRIPT(s, {200, "etag: \"e\"\nx-amz-checksum-sha256: AAAA", NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	struct place p;
	place_init(&p, c, 0);
	p.s.force = true;
	assert_ok(s3_sending_begin(&p.s, &err), &err);
	assert_int_equal(s3_sending_piece(&p.s, 0, &err), -1);
	assert_int_equal(err.code, ERR_TRANSIENT);
	assert_string_equal(s.bodies.v[0], "hello");
	err_release(&err);
	place_release(&p, &s, c);
}

#define LISTED "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
/* SHA-256 of 8 MiB that begin with "hello" and are zero else, and of 8 MiB of zeros. */
#define FIRST "lxKhTIMey40nuI38vk2oSzwRdaKR357cEk6Z5CCWWE4="
#define ZEROS "La6x82CVtEsxhBCz9Oi12Yncx7sCPRQmxJLasKMFPnQ="
#define PART(n, sum)                                                              \
	"<Part><PartNumber>" n "</PartNumber><Size>8388608</Size><ETag>&quot;e" n \
	"&quot;</ETag><ChecksumSHA256>" sum "</ChecksumSHA256></Part>"

static void test_s3_sending__goes_on(void **state)
{
	(void)state;
	SCRIPT(s,
		{200, NULL,
			LISTED "<Upload><Key>k</Key><UploadId>cli</UploadId></Upload>"
			       "<Upload><Key>k</Key><UploadId>old</UploadId></Upload>"
			       "<Upload><Key>k</Key><UploadId>ours</UploadId></Upload>"
			       "<Upload><Key>k2</Key><UploadId>other</UploadId></Upload>"
			       "</ListMultipartUploadsResult>"},
		{200, NULL,
			"<ListPartsResult><ChecksumAlgorithm>SHA256</ChecksumAlgorithm>" PART(
				"1", FIRST) PART("3", FIRST) "</ListPartsResult>"},
		{200, NULL,
			"<ListPartsResult><ChecksumAlgorithm>SHA256</ChecksumAlgorithm>" PART(
				"1", ZEROS) "</ListPartsResult>"},
		/* Another tool's, with more parts and other checksums. */
		{200, NULL,
			"<ListPartsResult><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>" PART(
				"1", FIRST) PART("2", FIRST) PART("3", FIRST) "</ListPartsResult>"},
		{200, "etag: \"new2\"", NULL}, {200, "etag: \"new3\"", NULL},
		{200, NULL, "<R><ETag>x</ETag><ChecksumSHA256>AAAA-3</ChecksumSHA256></R>"},
		{404, NULL, NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	struct place p;
	place_init(&p, c, 3 * S3_SENDING_PART);
	p.s.force = true;
	assert_ok(s3_sending_begin(&p.s, &err), &err);
	assert_int_equal(p.s.nr_pieces, 3);
	for (size_t i = 0; i < 3; i++)
		assert_ok(s3_sending_piece(&p.s, i, &err), &err);
	assert_int_equal(p.s.found_bytes, S3_SENDING_PART);
	assert_string_equal(s.sent.v[4], "PUT " LOCAL "/b/k?partNumber=2&uploadId=ours");
	assert_string_equal(s.sent.v[5], "PUT " LOCAL "/b/k?partNumber=3&uploadId=ours");
	/* What the service says of the whole is not what was sent. */
	assert_int_equal(s3_sending_finish(&p.s, &err), -1);
	assert_int_equal(err.code, ERR_TRANSIENT);
	assert_non_null(strstr(s.bodies.v[6], "<ETag>&quot;e1&quot;</ETag><ChecksumSHA256>" FIRST));
	err_release(&err);
	place_release(&p, &s, c);
}
