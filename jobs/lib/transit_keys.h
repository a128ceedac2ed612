#ifndef TRANSIT_KEYS_H
#define TRANSIT_KEYS_H

/*
 * Names that the platform derives from a load: where its parts lie, what its tables are called, which loads are ingested together. Pure. Keys
 * are those of the database, without --PREFIX; times are seconds since 1970. Strings are malloc'd.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSIT_CHUNK_LOADS 10
#define TRANSIT_CHUNK_BYTES 100000000

/* "a/T__ct/" gives "a/T/": the prefix by which the table is found. */
char *transit_table_prefix(const char *prefix);
/* The key's folder ends with "__ct": change data. */
bool transit_is_ct(const char *key);
/* "a/T" of "a/T/LOAD1.csv.gz". */
char *transit_folder(const char *key);
/* 20220103T040506Z */
char *transit_stamp(int64_t seconds);
/* "a/T/LOAD1.dfm" of "a/T/LOAD1.csv.gz", also below a folder of its own. */
char *transit_dfm_key(const char *key);
/* Of ODS: in a folder "snapshot=…" or "timestamp=…"; of others the key itself. */
char *transit_archive_key(const char *key, bool ods, int64_t snapshot);
char *transit_error_key(const char *key, bool ods, int64_t modified);
char *transit_source_table(const char *table, const char *key);
char *transit_destination_table(const char *table, const char *key, bool raw);
/* Where the chunk that begins with load `from` ends: at 10 loads, or before the one with which it would pass 100,000,000 bytes; never
 * empty. */
size_t transit_chunk_end(const int64_t *sizes, size_t nr, size_t from);

#endif
