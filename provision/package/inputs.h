#ifndef INPUTS_H
#define INPUTS_H

/*
 * The content hashes of files, remembered by path, size, times and inode, so that what did not change is not read again.
 * A file whose times are too young to be sure is hashed each time.
 */
#include "err.h"
#include "strbuf.h"

struct inputs;
/* The memory lies in <dir>/inputs.json; missing or damaged is empty. */
struct inputs *inputs_open(const char *dir);
/* SHA-256 in hex, appended. */
int inputs_sha256(
	struct inputs *in, const char *path, struct strbuf *hex, struct err *err) must_check;
/* Writes what is new, if anything; failing to is no error. */
void inputs_close(struct inputs *in);

#endif
