#ifndef LOCAL_CLASSIFY_H
#define LOCAL_CLASSIFY_H

/*
 * What a file is and what columns it has, from its first megabyte (text) or its footer (Parquet): by custom classifiers in
 * their order, then by Glue's built-in ones. "Adding classifiers to a crawler", AWS Glue developer guide.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "json.h"
#include "json_steps.h"

struct classifier;
struct grok;

struct classified {
	const char *classification; /* "csv", "json", "parquet", "UNKNOWN", or `how`'s; borrowed */
	const struct classifier
		*how;            /* the Grok or XML classifier that knew it; NULL: none; borrowed */
	const char *compression; /* "none", "gzip", "zip"; static */
	struct json *columns;    /* [{"Name","Type"}], Hive types, "void": nothing seen; owned */
	char *json_path;         /* of the classifier that knew it; owned, NULL: none */
	char *problem;           /* why a file that began as JSON is UNKNOWN; owned */
	char *twice;         /* a member of a JSON object that is one column with another; owned */
	int64_t records;     /* counted (Parquet) or estimated */
	int64_t record_size; /* average bytes, uncompressed for text */
	char delimiter, quote; /* csv; quote '\0': the usual one */
	bool header, quoted;   /* csv */
	bool open_csv;         /* csv: OpenCSVSerDe instead of LazySimpleSerDe */
};
#define CLASSIFIED_INIT \
	{               \
		0       \
	}
void classified_release(struct classified *c);

/* A custom classifier that can be applied. */
struct classifier {
	char *name;
	bool is_json;
	struct grok *grok;                /* Grok; NULL: another kind */
	char *grok_pattern, *grok_custom; /* as they were given */
	char *row_tag;                    /* XML; NULL: another kind */
	char *classification;             /* Grok and XML */
	struct json_path path;            /* is_json */
	char *path_text;
	/* Csv; '\0': as the built-in one finds it */
	char delimiter, quote;
	enum { HEADER_UNKNOWN, HEADER_PRESENT, HEADER_ABSENT } header;
	struct json *names, *types; /* lists of strings; NULL: none */
	bool keep_blanks, single, open_csv;
};
/* From the API's Classifier document ({"CsvClassifier":{…}}). */
int classifier_init(struct classifier *c, const struct json *doc, struct err *err) must_check;
void classifier_release(struct classifier *c);
struct classifiers {
	struct classifier *v;
	size_t nr, alloc;
};

/* A file of the object store; `size` its bytes; `custom` may be NULL. A file that nothing knows is "UNKNOWN"; -1 only when
 * it cannot be read. */
int classify_file(const char *path, int64_t size, const struct classifiers *custom,
	struct classified *out, struct err *err) must_check;
/* Text that has been unpacked; false: nothing knows it. */
bool classify_text(const char *data, size_t len, bool whole, const struct classifiers *custom,
	struct classified *out);

/* The pieces. `whole`: data is all there is, else its end may be cut. `how` NULL: the built-in one. False: it is none. */
bool classify_csv(const char *data, size_t len, bool whole, const struct classifier *how,
	struct classified *out);
/* Objects or arrays, one after the other. What begins well and then breaks leaves `problem`. */
bool classify_json(const char *data, size_t len, bool whole, const struct classifier *how,
	struct classified *out);
bool classify_grok(const char *data, size_t len, bool whole, const struct classifier *how,
	struct classified *out);
bool classify_xml(const char *data, size_t len, bool whole, const struct classifier *how,
	struct classified *out);
/* The Thrift-encoded FileMetaData, or as much of its beginning as holds schema and number of rows. */
bool classify_parquet(const unsigned char *footer, size_t len, struct classified *out);

#endif
