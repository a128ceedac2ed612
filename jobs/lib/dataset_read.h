#ifndef DATASET_READ_H
#define DATASET_READ_H

/* The reader, as the files that make one see it. */
#include <stdatomic.h>
#include "dataset_internal.h"
#include "dataset_json.h"

struct csv_table;
struct csv_input;

struct reader_want {
	const struct dataset_column *column;
	char *as;
	enum dataset_kind kind;
};

struct dataset_reader {
	struct job *job;
	const struct dataset *d;
	enum dataset_format format;
	struct reader_want *wants;
	size_t nr;
	struct csv_table *csv;    /* NULL: DuckDB reads staged files */
	struct json_feed_how how; /* JSON */
	atomic_bool *told;        /* CSV: of each file, whether its extra columns were */
	bool direct;              /* a row id holds the row's number, from 0, not its offset */
	int64_t rows;
};

/* Of struct csv_feed_ops; the payload is the reader. */
int dataset_open_input(void *payload, size_t index, struct csv_input *in, struct err *err);
void dataset_close_input(void *payload, struct csv_input *in);
/* The column's place among those of its kind: in the files, or in the path. */
size_t dataset_place(const struct dataset *d, const struct dataset_column *column);

int64_t dataset_expected_rows(const struct dataset *d);

/* JSON and Parquet: dataset_other.c. */
int dataset_register_other(struct dataset_reader *r, enum dataset_format format, struct duck *duck,
	const char *name, struct err *err) must_check;
/* A statement failed with `err`: whether a value of ours did it; then err says so, -1. */
int dataset_other_error(struct dataset_reader *r, struct err *err);
/* Sets err: file, row, column, value. */
int dataset_bad_value(
	struct dataset_reader *r, int64_t row_id, size_t want, const char *value, struct err *err);

#endif
