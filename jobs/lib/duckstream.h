#ifndef DUCKSTREAM_H
#define DUCKSTREAM_H

/*
 * A query's rows chunk by chunk, in the query's order, without keeping the result: memory is what the query itself
 * needs (a sort spills).
 */
#include <duckdb.h>
#include "duck.h"

struct duck_stream;
/* Runs the query up to its first rows. One stream a connection. NULL on error. */
struct duck_stream *duck_stream_open(struct duck *d, const char *sql, struct err *err) must_check;
size_t duck_stream_columns(struct duck_stream *s);
duckdb_type duck_stream_type(struct duck_stream *s, size_t column);
/* 1 and a chunk with rows, borrowed until the next call; 0 at the end, -1. */
int duck_stream_next(struct duck_stream *s, duckdb_data_chunk *chunk, struct err *err) must_check;
void duck_stream_close(struct duck_stream *s); /* NULL is fine */

#endif
