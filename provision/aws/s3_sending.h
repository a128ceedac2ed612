#ifndef S3_SENDING_H
#define S3_SENDING_H

/*
 * One file on its way to one object, in pieces that any threads may send: new, begin, each piece once, finish, free.
 * From S3_SENDING_MULTIPART bytes on the pieces are the parts of a multipart upload; below, the one piece is a PutObject.
 * No piece is in memory as a whole.
 *
 * What was sent before a run ended in the middle is found again in the cloud (ListMultipartUploads, ListParts) and taken
 * where the parts' SHA-256 is that of the file's bytes now; no notes are kept on this machine, which could be lost, or
 * be wrong. An upload whose first part that arrived has other bytes is somebody else's and is left alone.
 */
#include <stdatomic.h>
#include "s3.h"

#define S3_SENDING_MULTIPART (16ll << 20)
#define S3_SENDING_PART (8ll << 20)

struct s3_sending {
	/* before begin */
	bool force;   /* send also what is there already */
	bool dry_run; /* only look */
	/* Bytes that were sent, or (< 0) have to be sent again, or that an earlier run had sent. Any thread; may be NULL. */
	void (*progress)(void *payload, int64_t bytes, bool earlier);
	void *payload;
	/* after begin */
	bool same;        /* the object is there, with equal size and checksum: nothing to send */
	size_t nr_pieces; /* 0 when `same` or `dry_run` */
	int64_t size;
	/* any time */
	_Atomic int64_t found_bytes; /* of pieces that an earlier run had sent */
	struct s3_sending_impl *impl;
};

/* Borrows the strings. */
void s3_sending_init(struct s3_sending *s, struct aws_client *c, const char *bucket,
	const char *key, const char *path);
/* ERR_DENIED and ERR_NOT_FOUND are also those of the file itself; then they have no operation. */
int s3_sending_begin(struct s3_sending *s, struct err *err) must_check;
/* Piece `i` of nr_pieces. Any thread, also at the same time. */
int s3_sending_piece(struct s3_sending *s, size_t i, struct err *err) must_check;
/* After all pieces: the object is there, whole and verified. ERR_CONFLICT: the file has changed meanwhile. */
int s3_sending_finish(struct s3_sending *s, struct err *err) must_check;
/* What was sent of an unfinished upload stays for the next run, but for that of a file that changed. */
void s3_sending_release(struct s3_sending *s);

#endif
