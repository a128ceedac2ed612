#include "lease.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "digest.h"
#include "fs.h"
#include "hex.h"
#include "json.h"
#include "log.h"
#include "xalloc.h"

#define HEARTBEAT_MS (LEASE_TTL_MS / 3)
#define MAX_PROC_FILE 4096

struct lease {
	struct record_store *store;
	const struct clock *clock;
	char *key, *version, *nonce, *what, *project;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool ending, lost;
};

/* When a process began, in the kernel's ticks; tells a process from a later one with its number. -1: no such process. */
static long long process_start(long pid)
{
	char *path = xasprintf("/proc/%ld/stat", pid);
	struct strbuf sb = STRBUF_INIT;
	long long start = -1;
	const char *p;

	if (!fs_read(path, MAX_PROC_FILE, &sb, NULL) && (p = strrchr(sb.buf, ')'))) {
		/* Fields after the name: state is the 3rd of proc(5), starttime the 22nd. */
		for (int field = 2; p && field < 22; field++)
			p = strchr(p + 1, ' ');
		if (p)
			start = strtoll(p + 1, NULL, 10);
	}
	strbuf_release(&sb);
	free(path);
	return start;
}

static char *boot_id(void)
{
	struct strbuf sb = STRBUF_INIT;

	if (fs_read("/proc/sys/kernel/random/boot_id", MAX_PROC_FILE, &sb, NULL) < 0)
		strbuf_clear(&sb);
	strbuf_trim(&sb);
	return strbuf_detach(&sb, NULL);
}

/* Where this run can be seen, when it is one of a CI that says so. */
static char *run_url(void)
{
	const char *server = getenv("GITHUB_SERVER_URL"), *repo = getenv("GITHUB_REPOSITORY");
	const char *id = getenv("GITHUB_RUN_ID"), *gitlab = getenv("CI_JOB_URL");

	if (server && repo && id)
		return xasprintf("%s/%s/actions/runs/%s", server, repo, id);
	return xstrdup(gitlab);
}

static void lease_text(const struct lease *l, struct strbuf *out)
{
	struct json *doc = json_object();
	char host[256] = "", *boot = boot_id(), *url = run_url();
	int64_t now = l->clock->now_ms(l->clock);
	struct strbuf when = STRBUF_INIT;

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	json_set_i64(doc, "version", 1);
	json_set_str(doc, "project", l->project);
	json_set_str(doc, "command", l->what);
	json_set_str(doc, "nonce", l->nonce);
	json_set_str(doc, "host", host);
	json_set_str(doc, "boot_id", boot);
	json_set_i64(doc, "pid", getpid());
	json_set_i64(doc, "pid_start", process_start(getpid()));
	json_set_str(doc, "run_url", url);
	clock_add_iso(&when, now, false);
	json_set_str(doc, "renewed", when.buf);
	json_set_i64(doc, "expires_ms", now + LEASE_TTL_MS);
	json_print_pretty(doc, out);
	strbuf_addch(out, '\n');
	strbuf_release(&when);
	json_free(doc);
	free(boot);
	free(url);
}

/* Did the holder die on this very machine? Then nobody needs to wait for its time to pass. */
static bool holder_is_dead(const struct json *holder)
{
	const char *boot = json_get_str(holder, "boot_id");
	long pid = (long)json_get_i64(holder, "pid", 0);
	char host[256] = "", *here = boot_id();
	const char *there = json_get_str(holder, "host");
	bool same_machine;

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	same_machine = boot && there && *here && !strcmp(boot, here) && !strcmp(host, there);
	free(here);
	if (!same_machine || pid <= 0)
		return false;
	if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return true;
	return process_start(pid) != json_get_i64(holder, "pid_start", 0);
}

static int held_by_other(const struct json *holder, const char *project, struct err *err)
{
	const char *host = json_get_str(holder, "host"), *what = json_get_str(holder, "command");
	const char *since = json_get_str(holder, "renewed"), *url = json_get_str(holder, "run_url");

	err_set(err, ERR_LEASE,
		"project '%s' is being changed by another run: %s on %s, process %lld, last seen "
		"%s%s%s",
		project, what ? what : "glueproj", host ? host : "an unknown host",
		(long long)json_get_i64(holder, "pid", 0), since ? since : "never", url ? ", " : "",
		url ? url : "");
	err_named(err, "LeaseHeld");
	err_hint(err,
		"wait for it to end; a run that died gives the project free %d seconds after it "
		"was last seen",
		LEASE_TTL_MS / 1000);
	return -1;
}

/* Looks at the lease that stands: *version is what to replace, or -1 when it must be respected. */
static int look_at_holder(struct lease *l, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct json *holder = NULL;
	struct err e = ERR_INIT;
	int ret = 0;

	free(l->version);
	l->version = NULL;
	if (l->store->ops->get(l->store, l->key, &text, &l->version, &e) < 0) {
		if (e.code != ERR_NOT_FOUND) {
			err_move(err, &e);
			ret = -1;
		}
		goto out;
	}
	holder = json_parse(text.buf, text.len, NULL);
	/* A lease that cannot be read holds nobody back. */
	if (holder && json_get_i64(holder, "expires_ms", 0) > l->clock->now_ms(l->clock) &&
		!holder_is_dead(holder))
		ret = held_by_other(holder, l->project, err);
out:
	err_release(&e);
	json_free(holder);
	strbuf_release(&text);
	return ret;
}

static int lease_write(struct lease *l, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	char *version = NULL;
	int ret;

	lease_text(l, &text);
	ret = l->store->ops->put(l->store, l->key, text.buf, text.len, l->version, &version, err);
	if (!ret) {
		free(l->version);
		l->version = version;
	}
	strbuf_release(&text);
	return ret;
}

static void *heartbeat(void *arg)
{
	struct lease *l = arg;
	struct err err = ERR_INIT;

	pthread_mutex_lock(&l->lock);
	while (!l->ending) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += HEARTBEAT_MS / 1000;
		if (pthread_cond_timedwait(&l->wake, &l->lock, &until) != ETIMEDOUT || l->ending)
			continue;
		pthread_mutex_unlock(&l->lock);
		int failed = lease_write(l, &err);
		pthread_mutex_lock(&l->lock);
		if (failed && err.code == ERR_CONFLICT) {
			l->lost = true;
			log_warn("the lease on project '%s' was taken over by another run",
				l->project);
			break;
		}
		if (failed)
			log_warn("the lease on project '%s' could not be renewed: %s", l->project,
				err.text);
		err_release(&err);
	}
	pthread_mutex_unlock(&l->lock);
	err_release(&err);
	return NULL;
}

static void lease_free(struct lease *l)
{
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->wake);
	free(l->key);
	free(l->version);
	free(l->nonce);
	free(l->what);
	free(l->project);
	free(l);
}

struct lease *lease_acquire(struct record_store *store, const struct clock *clock,
	const char *project, const char *what, struct err *err)
{
	struct lease *l = xcalloc(1, sizeof(*l));
	unsigned char nonce[16];
	struct strbuf hex = STRBUF_INIT;

	digest_random(nonce, sizeof(nonce));
	hex_encode(&hex, nonce, sizeof(nonce));
	l->store = store;
	l->clock = clock;
	l->key = xasprintf("glueproj/v1/%s/lease.json", project);
	l->nonce = strbuf_detach(&hex, NULL);
	l->what = xstrdup(what);
	l->project = xstrdup(project);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);
	if (look_at_holder(l, err) < 0)
		goto fail;
	if (lease_write(l, err) < 0) {
		/* Somebody else was faster between look and write. */
		if (err && err->code == ERR_CONFLICT && look_at_holder(l, err) == 0)
			err_set(err, ERR_LEASE, "project '%s' has just been taken by another run",
				project);
		goto fail;
	}
	if (pthread_create(&l->thread, NULL, heartbeat, l)) {
		err_set(err, ERR_IO, "cannot start a thread for the lease's heartbeat");
		goto fail;
	}
	return l;
fail:
	lease_free(l);
	return NULL;
}

bool lease_lost(const struct lease *l)
{
	struct lease *m = (struct lease *)(uintptr_t)l;
	pthread_mutex_lock(&m->lock);
	bool lost = m->lost;
	pthread_mutex_unlock(&m->lock);
	return lost;
}

int lease_check(const struct lease *l, struct err *err)
{
	if (!l || !lease_lost(l))
		return 0;
	err_set(err, ERR_LEASE,
		"another run has taken project '%s' over: nothing more was begun here", l->project);
	err_named(err, "LeaseLost");
	return err_hint(err, "look at what the other run does, then run this again");
}

bool lease_stop(void *place)
{
	struct lease **l = place;

	return *l && lease_lost(*l);
}

void lease_release(struct lease *l)
{
	struct err err = ERR_INIT;

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->ending = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	if (!l->lost && l->store->ops->remove(l->store, l->key, &err) < 0)
		log_warn("the lease on project '%s' stays until its time is over: %s", l->project,
			err.text);
	err_release(&err);
	lease_free(l);
}
