#ifndef DMAP_H
#define DMAP_H

/*
 * A client of the transit agency's DMAP API: a feed tells of data sets, each a file behind an address of its own.
 * One `perform` a call, repeated as webcall.h has it (429, 5xx, no connection, silence). The keys stand in no error and no log.
 *
 * Errors: ERR_USAGE (address, keys, a feed that is neither kind), ERR_DENIED (401 and 403), ERR_NOT_FOUND, ERR_THROTTLED,
 * ERR_TRANSIENT, ERR_IO, ERR_TIMEOUT, ERR_INVALID (a reply that is none of this API's).
 */
#include <stdint.h>
#include "place.h"
#include "transport.h"

struct clock;

struct dmap_config {
	const char *url;                   /* https://host[/path], or http://… on this machine */
	char *controlled_key, *public_key; /* taken, and wiped */
	struct http_transport *transport;  /* taken; NULL: libcurl */
	const struct clock *clock;         /* borrowed; NULL: the system's */
	unsigned max_attempts;             /* 0: 5 */
};

struct dmap;
/* Takes keys and transport either way. */
struct dmap *dmap_new(struct dmap_config *config, struct err *err) must_check;
void dmap_free(struct dmap *d); /* NULL is fine */

struct dmap_dataset {
	char *type, *identifier;     /* fit for a name in a folder or a bucket */
	char *url;                   /* https, or http on this machine where the API is there too */
	char *start_date, *end_date; /* YYYY-MM-DD */
	int64_t last_updated_us;     /* since 1970, UTC */
};
struct dmap_feed {
	struct dmap_dataset *v;
	size_t nr, alloc;
	size_t skipped; /* items that are no data sets; each has a line in the log */
};
#define DMAP_FEED_INIT \
	{              \
		0      \
	}
void dmap_feed_release(struct dmap_feed *f);
/* GET <url><relative_url>?apikey=…[&last_updated=…]; last_updated is YYYY-MM-DDTHH:MM:SS.ffffff or NULL. */
int dmap_fetch_feed(struct dmap *d, const char *relative_url, const char *last_updated,
	struct dmap_feed *out, struct err *err) must_check;
/* The file of a data set, as a stream, to an object that shows up whole or not at all. *bytes is its size. No key goes with it. */
int dmap_fetch_file(struct dmap *d, struct job *job, const char *url, const struct place *to,
	const char *name, uint64_t *bytes, struct err *err) must_check;

/* An ISO 8601 date and time (an offset is counted in; none is UTC) in microseconds since 1970. */
bool dmap_parse_time(const char *text, int64_t *us);
/* Appends YYYY-MM-DDTHH:MM:SS.ffffff. */
void dmap_add_time(struct strbuf *sb, int64_t us);

#endif
