#ifndef LOCAL_CLOUD_H
#define LOCAL_CLOUD_H

/*
 * What the services of the local cloud share: the store, the clock, background work, and how a service plugs in.
 *
 * Threads: HTTP handlers run on several threads, background work on others. The database handle is guarded
 * by one lock: whoever touches cloud->db is between local_tx_begin() and local_tx_end(). Keep transactions
 * short; never do file, network or child-process work inside one. A reply is sent only after commit.
 *
 * Errors: handlers fail with local_fault(): AWS's code, HTTP status and message in the err.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "clock.h"
#include "err.h"
#include "json.h"
#include "sql.h"
#include "strbuf.h"

struct wire_service;
struct local_cloud;

/* Who asks: the root keys of the folder, an IAM role's session. */
struct local_principal {
	char *account;
	char *arn;       /* arn:aws:iam::A:root, arn:aws:sts::A:assumed-role/R/S */
	char *role_name; /* NULL for root, who may do all */
	char *access_key_id, *user_id;
};

struct local_request {
	const struct wire_service *service;
	const char *operation; /* "CreateJob" */
	const char *region;    /* of the signature */
	const struct local_principal *who;
	const char *request_id;
	const struct json *in; /* JSON and query services: the document, never NULL */
};

typedef int local_handler_fn(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err);

struct local_route {
	const char *operation;
	local_handler_fn *handler; /* *out NULL on success means an empty reply */
	/* Appends the ARN that IAM policies are matched against; NULL: "*". */
	void (*arn)(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn);
};

/* A service that speaks JSON or query. Routes sorted by operation (a unit test checks). */
struct local_service {
	const char *id; /* wire_service's */
	const struct local_route *routes;
	size_t nr_routes;
};

/*
 * Carries out an operation as `who`, whose policies are asked: what a state machine's task or a rule's target calls. `in`
 * has the shape of the API's request, as JSON; *out (NULL: an empty reply) that of its reply. Faults are the operation's own,
 * AccessDenied, or UnknownOperationException. Not inside a transaction; S3 is not behind it (local_objects.h is).
 */
int local_invoke(struct local_cloud *cloud, const struct local_principal *who, const char *service,
	const char *operation, const struct json *in, struct json **out,
	struct err *err) must_check;

/* A part of the cloud with tables and background work of its own (several may serve one wire service). */
struct local_part {
	const char *name;
	const char *schema; /* CREATE TABLE IF NOT EXISTS …; */
	int (*recover)(struct local_cloud *cloud,
		struct err *err); /* after a start, before requests; may be NULL */
	int (*start)(struct local_cloud *cloud, struct err *err); /* threads; may be NULL */
	void (*stop)(struct local_cloud *cloud); /* end and join them; may be NULL */
	bool (*busy)(struct local_cloud
			*cloud);  /* runs, crawls or active schedules: don't end for idleness */
	void *(*state_new)(void); /* the part's own memory: local_part_state(); may be NULL */
	void (*state_free)(void *state);
};

/* All parts and services of the cloud, in order of recovery and start; stop goes backwards (local_services.c). */
extern const struct local_part *const local_parts[];
extern const struct local_service *const local_services[];

struct local_cloud {
	const char *dir;           /* data folder, absolute */
	const char *account;       /* 12 digits */
	const char *region;        /* default region */
	const char *endpoint;      /* http://127.0.0.1:PORT */
	const struct clock *clock; /* the system's plus an offset that tests move */
	struct sql_db *db;
	struct local_cloud_private *private;
};

void *local_part_state(struct local_cloud *cloud, const struct local_part *part);

/* --- transactions: begin … [commit] … end; end rolls back what was not committed and unlocks --- */
int local_tx_begin(struct local_cloud *cloud, struct err *err) must_check;
int local_tx_commit(struct local_cloud *cloud, struct err *err) must_check;
void local_tx_end(struct local_cloud *cloud);
/* Commits when `ret` is 0, ends in any case, and returns -1 when either failed: the last line of what began one. */
int local_tx_finish(struct local_cloud *cloud, int ret, struct err *err) must_check;
/* fn in a transaction of its own; what it did is rolled back when it fails. */
typedef int local_tx_fn(struct local_cloud *cloud, void *payload, struct err *err);
int local_tx(struct local_cloud *cloud, local_tx_fn *fn, void *payload, struct err *err) must_check;

/* Has the query a row? In a transaction of its own; true as well when that cannot be told: for a part's `busy`. */
bool local_any(struct local_cloud *cloud, const char *sql);

/* --- the frame of a handler that is one transaction --- */
struct local_call {
	const struct local_request *req;
	const struct json *in; /* the request's */
	int64_t now_ms;        /* when it began */
	struct json *out;      /* the reply, once it is made */
	/* Who waits for what the call did; called after the commit. May be NULL. */
	void (*wake)(struct local_cloud *cloud);
};
typedef int local_call_fn(struct local_cloud *cloud, struct local_call *k, struct err *err);
/* fn between begin and commit; *out is set when it succeeds. */
int local_call_run(struct local_cloud *cloud, const struct local_request *req, local_call_fn *fn,
	struct json **out, struct err *err) must_check;
#define LOCAL_HANDLER(name, fn)                                                     \
	static int name(struct local_cloud *cloud, const struct local_request *req, \
		struct json **out, struct err *err)                                 \
	{                                                                           \
		return local_call_run(cloud, req, fn, out, err);                    \
	}

/* --- errors --- */
/* Returns -1. */
int local_fault(struct err *err, int http_status, const char *aws_code, const char *fmt, ...)
	printf_like(4, 5);

/* --- time --- */
int64_t local_now_ms(struct local_cloud *cloud);
/* Sleeps until `until_ms` on the cloud's clock, until the clock is moved past it, local_wake_all(), or stop;
 * false when the cloud is stopping. */
bool local_wait_until(struct local_cloud *cloud, int64_t until_ms);
void local_wake_all(struct local_cloud *cloud);
/* The same for who must not miss a wake between looking and waiting: the number of wakes is taken before the look. */
unsigned long local_wakes(struct local_cloud *cloud);
bool local_wait_since(struct local_cloud *cloud, int64_t until_ms, unsigned long wakes);
bool local_stopping(struct local_cloud *cloud);

/* --- background work: a thread of its own for each task, joined at stop; counts as busy --- */
typedef void local_task_fn(struct local_cloud *cloud, void *payload);
void local_task_spawn(struct local_cloud *cloud, local_task_fn *fn, void *payload);

/* --- ids --- */
/* "jr_" and 64 hex digits and the like; malloc'd. */
char *local_id(const char *prefix, size_t hex_digits);
char *local_uuid(void);
/* arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE, malloc'd; region "" for global ones. */
char *local_arn(struct local_cloud *cloud, const char *service, const char *region, const char *fmt,
	...) printf_like(4, 5);

/* --- paging: opaque tokens that hold the last key seen --- */
char *local_token_make(const char *last_key); /* malloc'd */
/* Malloc'd; NULL token gives NULL key. A token that is none: InvalidInputException/ValidationException by `aws_code`. */
int local_token_read(
	const char *token, const char *aws_code, char **last_key, struct err *err) must_check;

/* --- tags on anything with an ARN (served to each service's tag operations and to the tagging service) --- */
/* Inside a transaction. `tags` is an object {"k":"v"}; NULL or empty does nothing. */
int local_tags_set(struct local_cloud *cloud, const char *arn, const struct json *tags,
	struct err *err) must_check;
int local_tags_remove(struct local_cloud *cloud, const char *arn, const struct json *keys,
	struct err *err) must_check;
int local_tags_clear(struct local_cloud *cloud, const char *arn, struct err *err) must_check;
int local_tags_get(
	struct local_cloud *cloud, const char *arn, struct json **tags, struct err *err) must_check;

#endif
