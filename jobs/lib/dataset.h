#ifndef DATASET_H
#define DATASET_H

/*
 * A data set: CSV, JSON or Parquet objects with one list of columns, described by a table of the catalog or found
 * below a prefix, and read as a table of DuckDB. CSV and JSON are pulled as streams by all threads; memory does not
 * depend on their size. JSON may be of any layout: dataset_json.h.
 */
#include <stdbool.h>
#include <stdint.h>
#include "csvscan.h"
#include "duck.h"
#include "place.h"

enum dataset_format { DATASET_CSV, DATASET_JSON, DATASET_PARQUET };

struct dataset_column {
	char *name;     /* in lower case, as the catalog has it */
	char *type;     /* Hive's name: "string", "bigint", "decimal(10,2)" */
	bool partition; /* stands in the path, not in the files */
	char *source;   /* the member of a JSON object, where it is not `name`; NULL */
};

/* How to read a file: of the table, and of those partitions that differ. */
struct dataset_storage {
	enum dataset_format format;
	struct csv_dialect dialect;
	bool header; /* the first row of each file holds names; false: columns by position */
	size_t skip; /* rows before the header or the data that do not count */
};

struct dataset_file {
	char *location; /* "s3://bucket/key" or a path */
	char *etag;     /* NULL for a file */
	int64_t size, modified_ms;
	struct strvec
		values; /* of the partition columns, in their order; NULL is __HIVE_DEFAULT_PARTITION__ */
	struct dataset_storage storage;
};

struct dataset {
	char *shown; /* for messages: "table 'db.sample_chain_tickers'", "'s3://bucket/prefix/'" */
	enum dataset_format format; /* these four are the table's own; what counts is each file's */
	struct csv_dialect dialect;
	bool header;
	size_t skip;
	char *json_path; /* to the records in JSON, as its classifier has it; NULL: none */
	struct dataset_column *columns;
	size_t nr_columns;
	struct dataset_file *files; /* by location */
	size_t nr_files, alloc_files;
};
#define DATASET_INIT \
	{            \
		0    \
	}
void dataset_release(struct dataset *d);

/* glue:GetTable and GetPartitions, then the objects below the table's or the partitions' locations, all pages; folder
 * markers, "_" and "." names and empty objects do not count. ERR_NOT_FOUND: no such table; ERR_INVALID: a
 * format or location that cannot be read, with the reason. A table without objects is a data set of 0 files. */
int dataset_from_table(struct job *job, const char *database, const char *table,
	struct dataset *out, struct err *err) must_check;
/* One object alone, read as the table's own files are: by its columns and storage, without its partition keys. An empty object is a file
 * without rows. ERR_NOT_FOUND: no such table, or no such object. */
int dataset_from_table_file(struct job *job, const char *database, const char *table,
	const char *location, struct dataset *out, struct err *err) must_check;
/* All CSV objects below a prefix ("data/x/", or a folder's sub-folder), column=value folders as partition columns, the
 * columns (all "string") by the first file's header. ERR_NOT_FOUND when there is none. */
int dataset_from_prefix(struct job *job, const struct place *p, const char *prefix,
	const struct csv_dialect *dialect, struct dataset *out, struct err *err) must_check;
/* NULL when there is none; borrowed. `name` in any case. */
const struct dataset_column *dataset_column(const struct dataset *d, const char *name);
/* The folders that DuckDB must be allowed to read for it (scratch for staged Parquet and JSON), appended. */
void dataset_folders(const struct job *job, const struct dataset *d, struct strvec *folders);

/*
 * How a column is wanted: as text (DATASET_TEXT: bytes that are no UTF-8 become U+FFFD, an unquoted empty field is null),
 * a 64-bit integer or a double. An integer or double that does not convert (and is not empty) breaks the read:
 * ERR_INVALID with file, row (the header is row 1), column and value. A day is what dates.h takes for one, and never empty.
 * As it is: text, but of Parquet its own type; nested values are JSON text.
 */
enum dataset_kind { DATASET_TEXT, DATASET_INT64, DATASET_DOUBLE, DATASET_DAY, DATASET_AS_IS };
struct dataset_want {
	const char *column; /* of the data set */
	const char *as;     /* its name in SQL */
	enum dataset_kind kind;
};

struct dataset_reader;
/* Makes `SELECT … FROM name()` possible, once. `wants` ends with {0} and is copied; `d` is borrowed until the reader is freed.
 * A column that the data set lacks is ERR_INVALID. */
struct dataset_reader *dataset_register(struct job *job, const struct dataset *d, struct duck *duck,
	const char *name, const struct dataset_want *wants, struct err *err) must_check;
/* Rows read so far. */
int64_t dataset_rows(const struct dataset_reader *r);
/* After a statement failed: why the reading broke, if it did: moves it into err, -1; else 0. */
int dataset_error(struct dataset_reader *r, struct err *err);
/* "file.csv.gz row 17", of a row that has been read: a value of the hidden column "row id" of name(), which every reader
 * has besides its wants (BIGINT); reads the file again up to there. Malloc'd. */
char *dataset_locate(struct dataset_reader *r, int64_t row_id, struct err *err) must_check;
void dataset_reader_free(struct dataset_reader *r); /* after the session is closed; NULL is fine */

#endif
