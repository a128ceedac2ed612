#ifndef TRANSIT_DFM_H
#define TRANSIT_DFM_H

/* Qlik's description of a file (.dfm, JSON): the names of its columns. Pure. */
#include <stddef.h>
#include "err.h"
#include "strvec.h"

/* `dataInfo.columns[].name`, lower-cased, in order. ERR_INVALID says what it is not. */
int transit_dfm_columns(
	const char *text, size_t len, struct strvec *names, struct err *err) must_check;
/* ERR_INVALID names the first column that differs. */
int transit_dfm_compare(const struct strvec *names, const struct strvec *table, const char *what,
	struct err *err) must_check;

#endif
