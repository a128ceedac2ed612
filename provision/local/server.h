#ifndef SERVER_H
#define SERVER_H

/*
 * The local cloud as others see it: one background server per data folder. A lock file with the server's
 * pid, held by flock for its life, tells whether it runs; connection data (endpoint, keys) lie beside it in
 * a file of mode 0600. The only header of this layer that cmd/ sees.
 */
#include <stdbool.h>
#include "err.h"

struct local_server_opts {
	const char *dir;     /* data folder; made when missing */
	int port;            /* 0: any free one */
	int idle_s;          /* ends after so long without work; 0: never */
	const char *account; /* NULL: 000000000000, or what the folder has */
	const char
		*region; /* NULL: us-east-1, or what the folder has; requests may name any region */
	bool well_known_keys; /* test/test instead of random keys */
};

struct local_server_info {
	char *endpoint, *dir, *region, *access_key_id, *secret_access_key, *account;
	long pid;
};
#define LOCAL_SERVER_INFO_INIT \
	{                      \
		0              \
	}
void local_server_info_release(struct local_server_info *i);

/* Finds the folder's server or starts one in the background; returns when it answers. A port in use, a full disk, a
 * folder that cannot be written: one clear error, from the server's own mouth. */
int local_server_start(const struct local_server_opts *opts, struct local_server_info *info,
	struct err *err) must_check;
/* Serves in this process until SIGTERM, SIGINT or idleness. Calls `ready` (may be NULL) once it answers. */
int local_server_run(const struct local_server_opts *opts,
	void (*ready)(const struct local_server_info *, void *), void *payload,
	struct err *err) must_check;
int local_server_status(
	const char *dir, bool *running, struct local_server_info *info, struct err *err) must_check;
/* Asks it to end and waits; fine when none runs (*was_running false). */
int local_server_stop(const char *dir, bool *was_running, struct err *err) must_check;

/*
 * local_server_start runs this very program again as `PROGRAM local-server-main ARGS…`; main.c hands such an argv
 * to this function first of all. Returns the exit code.
 */
int local_server_main(int argc, char **argv);

#endif
