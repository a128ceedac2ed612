/* What set-up started and did not wait for: crawls that a run needs the tables of. */
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "log.h"
#include "ops.h"

static void warn(
	struct session *s, const char *code, const char *crawler, const char *what, const char *why)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_FAILED, "crawler '%s' %s%s%s", crawler, what, why && *why ? ": " : "",
		why && *why ? why : "");
	err_named(&err, code);
	err_list_take(&s->warnings, &err);
}

/* 1: it still works, 0: it rests, or nobody can say. */
static int look(struct session *s, const char *crawler)
{
	struct json *out = NULL, *last;
	struct err err = ERR_INIT;
	const char *state, *status;
	int busy = 0;

	if (call_with(s, &glue_get_crawler, &out, &err, "Name", crawler, NULL) < 0) {
		/* One that is not there is the workflow's matter. */
		if (err.code != ERR_NOT_FOUND && !err_is_aws(&err, "EntityNotFoundException"))
			warn(s, "CrawlUnknown", crawler,
				"cannot be looked at, its tables may not be there yet", err.text);
		err_release(&err);
		return 0;
	}
	state = json_str(json_path(out, "Crawler.State"));
	busy = state && strcmp(state, "READY") != 0;
	last = json_path(out, "Crawler.LastCrawl");
	status = json_get_str(last, "Status");
	if (!busy && status && !strcmp(status, "FAILED"))
		warn(s, "CrawlFailed", crawler, "failed at its last crawl",
			json_get_str(last, "ErrorMessage"));
	json_free(out);
	return busy;
}

static int await(struct session *s, const char *crawler, struct poll *p, struct err *err)
{
	bool told = false;

	while (look(s, crawler)) {
		struct err why = ERR_INIT;

		if (!told)
			log_info("waiting for crawler %s (started by setup)", crawler);
		told = true;
		if (poll_wait(s, p, &why) == 0)
			continue;
		if (why.code == ERR_TIMEOUT)
			err_set(err, ERR_TIMEOUT,
				"crawler '%s', started by setup, still runs after %lld s "
				"(--timeout): nothing was started",
				crawler, s->o.timeout_s);
		else
			err_set(err, ERR_INTERRUPTED,
				"interrupted while crawler '%s' was waited for: nothing was "
				"started",
				crawler);
		err_release(&why);
		return -1;
	}
	return 0;
}

int await_crawls(struct session *s, const char *workflow, struct poll *p, struct err *err)
{
	struct strvec crawlers = STRVEC_INIT;
	int ret = project_crawls(s, workflow, &crawlers, err);

	for (size_t i = 0; i < crawlers.nr && !ret; i++)
		ret = await(s, crawlers.v[i], p, err);
	strvec_release(&crawlers);
	return ret;
}
