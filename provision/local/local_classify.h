#ifndef LOCAL_CLASSIFY_H
#define LOCAL_CLASSIFY_H

/*
 * Glue's built-in classifiers: what a file is and what columns it has, from its first megabyte (text) or its
 * footer (Parquet). "Built-in classifiers", AWS Glue developer guide.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "json.h"

struct classified {
	const char *classification; /* "csv", "json", "parquet", "UNKNOWN"; static */
	const char *compression;    /* "none", "gzip", "zip"; static */
	struct json *columns;       /* [{"Name","Type"}], Hive types; owned */
	int64_t records;            /* counted (Parquet) or estimated */
	int64_t record_size;        /* average bytes, uncompressed for text */
	char delimiter;             /* csv */
	bool header, quoted;        /* csv */
};
#define CLASSIFIED_INIT \
	{               \
		0       \
	}
void classified_release(struct classified *c);

/* A file of the object store; `size` its bytes. A file that nothing knows is "UNKNOWN"; -1 only when it cannot be read. */
int classify_file(
	const char *path, int64_t size, struct classified *out, struct err *err) must_check;

/* The pieces. `whole`: data is all there is, else the last line may be cut. False: it is none. */
bool classify_csv(const char *data, size_t len, bool whole, struct classified *out);
bool classify_json(const char *data, size_t len, bool whole, struct classified *out);
/* The Thrift-encoded FileMetaData, or as much of its beginning as holds schema and number of rows. */
bool classify_parquet(const unsigned char *footer, size_t len, struct classified *out);

#endif
