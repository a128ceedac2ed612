#ifndef EXABEL_H
#define EXABEL_H

/*
 * A client of the Exabel Data API (v1, over HTTPS, proto3 JSON): search, signals and the import of time series. Safe for any
 * number of threads. One `perform` owns sending, retrying with full jitter (429, 5xx, no connection, silence) and errors.
 *
 * Errors carry the HTTP status and a code: ERR_NOT_FOUND, ERR_EXISTS, ERR_INVALID (also what is no JSON, or of another
 * shape), ERR_DENIED (401 and 403: the key was refused), ERR_THROTTLED, ERR_TRANSIENT, ERR_IO (no connection), ERR_TIMEOUT.
 * The key stands in no error.
 */
#include <stdbool.h>
#include <stdint.h>
#include "clock.h"
#include "strbuf.h"
#include "strvec.h"
#include "transport.h"

struct exabel_config {
	const char
		*host; /* "data.api.exabel.com", "host:port", https://…, or http://… on loopback */
	char *key;     /* taken, and wiped */
	struct http_transport *transport; /* taken; NULL: libcurl */
	const struct clock *clock;        /* borrowed; NULL: the system's */
	const char *agent;                /* of User-Agent: "glueproj-<agent>/<version>" */
	int max_attempts;                 /* 0: 6 */
};

struct exabel;
/* ERR_USAGE for a host or a key that cannot be used. Takes the key and the transport either way. */
struct exabel *exabel_new(struct exabel_config *config, struct err *err) must_check;
void exabel_free(struct exabel *e);             /* NULL is fine */
const char *exabel_url(const struct exabel *e); /* without a last '/'; borrowed */
const struct clock *exabel_clock(const struct exabel *e);
uint64_t exabel_requests(const struct exabel *e); /* sent so far, repeats included */
uint64_t exabel_repeats(const struct exabel *e);
/* Waits base_ms * 2^(attempt - 1), at most max_ms, by full jitter, at least least_ms. ERR_INTERRUPTED. */
int exabel_wait(struct exabel *e, int64_t base_ms, int64_t max_ms, unsigned attempt,
	int64_t least_ms, struct err *err) must_check;

struct exabel_term {
	const char *field; /* "mic", "ticker", "isin", "factset_identifier", … */
	const char *query;
};
/* SearchEntities. *found is 0, 1, or, from 2 on, at least as many as there are on the first pages; *entity (malloc'd) is the
 * resource name when there is one, else NULL. `parent` is "entityTypes/company". */
int exabel_search(struct exabel *e, const char *parent, const struct exabel_term *terms, size_t nr,
	char **entity, size_t *found, struct err *err) must_check;

/* The namespace that the key's owner may write ("ns"), the first where there are several (*several is set). Malloc'd;
 * ERR_DENIED when there is none. */
char *exabel_namespace(struct exabel *e, bool *several, struct err *err) must_check;
/* Names are resource names: "signals/ns.name". */
int exabel_has_signal(struct exabel *e, const char *name, bool *has, struct err *err) must_check;
/* With a library signal, as the vendor's own loader makes them. One that is there already is fine. */
int exabel_create_signal(struct exabel *e, const char *name, struct err *err) must_check;

/* google.rpc.Code */
enum exabel_code {
	EXABEL_OK = 0,
	EXABEL_CANCELLED = 1,
	EXABEL_UNKNOWN = 2,
	EXABEL_INVALID_ARGUMENT = 3,
	EXABEL_DEADLINE_EXCEEDED = 4,
	EXABEL_NOT_FOUND = 5,
	EXABEL_ALREADY_EXISTS = 6,
	EXABEL_PERMISSION_DENIED = 7,
	EXABEL_RESOURCE_EXHAUSTED = 8,
	EXABEL_FAILED_PRECONDITION = 9,
	EXABEL_ABORTED = 10,
	EXABEL_OUT_OF_RANGE = 11,
	EXABEL_UNIMPLEMENTED = 12,
	EXABEL_INTERNAL = 13,
	EXABEL_UNAVAILABLE = 14,
	EXABEL_DATA_LOSS = 15,
	EXABEL_UNAUTHENTICATED = 16,
};
/* "NOT_FOUND"; "UNRECOGNIZED" for what nobody knows. */
const char *exabel_code_name(int64_t code);
/* What may work when it is sent once more. */
bool exabel_code_is_transient(int64_t code);

struct exabel_status {
	int64_t code;  /* enum exabel_code, or another */
	char *message; /* malloc'd; may be NULL */
};
/* ImportTimeSeries with a status for each series. `body` is the request's JSON, `nr` the number of its series; statuses[nr]
 * is filled in the order of the request, whose messages are the caller's. */
int exabel_import(struct exabel *e, const struct strbuf *body, size_t nr,
	struct exabel_status *statuses, struct err *err) must_check;

#endif
