#ifndef LOCAL_WORKER_H
#define LOCAL_WORKER_H

/*
 * The SQL worker's process as the server sees it: started for one query, asked by frames (worker/worker.h), killed
 * to cancel. One thread talks to it; local_worker_kill() may come from any other.
 */
#include "err.h"
#include "json.h"

struct local_worker;

/* `glueproj-sqlworker` beside the running program; ERR_NOT_FOUND when there is none. */
struct local_worker *local_worker_start(struct err *err) must_check;
/* The same program as a warehouse (worker/worker_resident.h): it takes requests side by side and outlives the thread that
 * started it, but not its end of the socket. */
struct local_worker *local_worker_start_resident(struct err *err) must_check;
/* The halves of a call, for one that answers out of order: senders take turns by a lock of their own, one thread receives. */
int local_worker_send(
	struct local_worker *w, const struct json *request, struct err *err) must_check;
int local_worker_receive(struct local_worker *w, struct json **reply, struct err *err) must_check;
/* Sends a request and waits for the reply, which is the caller's. A reply with "ok": false is a success of this call. */
int local_worker_call(struct local_worker *w, const struct json *request, struct json **reply,
	struct err *err) must_check;
void local_worker_kill(struct local_worker *w);
/* Ends and reaps it. NULL is fine. */
void local_worker_free(struct local_worker *w);

#endif
