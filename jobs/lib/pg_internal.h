#ifndef PG_INTERNAL_H
#define PG_INTERNAL_H

#include <libpq-fe.h>
#include "pg.h"

struct pg {
	PGconn *connection;
	char *shown;
};

/* libpq's keywords and values, NULL-terminated; what is missing comes from its environment. */
struct pg *pg_connect_parameters(const char *const *names, const char *const *values, int timeout_s,
	struct err *err) must_check;

#endif
