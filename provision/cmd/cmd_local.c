/* local: the local cloud as a server for other tools. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

/* The same folder that --local of the other commands takes. */
static char *local_dir(const struct session *s)
{
	if (s->o.dir)
		return xstrdup(s->o.dir);
	return s->o.local && *s->o.local ? xstrdup(s->o.local) : session_local_dir(s);
}

static void print_info(struct session *s, const struct local_server_info *i)
{
	json_set_str(s->doc, "endpoint", i->endpoint);
	json_set_i64(s->doc, "pid", i->pid);
	json_set_str(s->doc, "dir", i->dir);
	json_set_str(s->doc, "region", i->region);
	json_set_str(s->doc, "access_key_id", i->access_key_id);
	json_set_str(s->doc, "secret_access_key", i->secret_access_key);
	json_set_str(s->doc, "account", i->account);
	if (s->json)
		return;
	printf("export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%s\nexport "
	       "AWS_SECRET_ACCESS_KEY=%s\n"
	       "export AWS_REGION=%s\nexport AWS_DEFAULT_REGION=%s\nunset AWS_SESSION_TOKEN "
	       "AWS_PROFILE\n",
		i->endpoint, i->access_key_id, i->secret_access_key, i->region, i->region);
}

static void on_ready(const struct local_server_info *i, void *payload)
{
	struct session *s = payload;

	print_info(s, i);
	if (s->json)
		session_print_document(s, EXIT_OK);
	s->json = false; /* it is told once: when it is ready */
	fflush(stdout);
}

static int local_start(struct session *s, const char *dir, struct err *err)
{
	struct local_server_opts opts = {
		.dir = dir,
		.port = (int)s->o.port,
		.idle_s = (int)s->o.idle_s,
		.account = s->o.account,
		.region = s->o.region,
		.well_known_keys = s->o.well_known_keys,
	};
	struct local_server_info info = LOCAL_SERVER_INFO_INIT;
	int ret;

	if (s->o.foreground)
		return local_server_run(&opts, on_ready, s, err);
	ret = local_server_start(&opts, &info, err);
	if (!ret)
		print_info(s, &info);
	local_server_info_release(&info);
	return ret;
}

static int local_status(struct session *s, const char *dir, struct err *err)
{
	struct local_server_info info = LOCAL_SERVER_INFO_INIT;
	bool running = false;
	int ret = local_server_status(dir, &running, &info, err);

	json_set_bool(s->doc, "running", running);
	if (!ret && running) {
		json_set_str(s->doc, "endpoint", info.endpoint);
		json_set_i64(s->doc, "pid", info.pid);
		json_set_str(s->doc, "dir", info.dir);
		json_set_str(s->doc, "region", info.region);
		json_set_str(s->doc, "account", info.account);
	}
	if (!ret && !s->json) {
		if (running)
			printf("running: %s, process %ld, %s\n", info.endpoint, info.pid, info.dir);
		else
			printf("not running\n");
	}
	local_server_info_release(&info);
	if (ret || running)
		return ret;
	if (!s->json)
		return EXIT_FAILED; /* said above */
	err_set(err, ERR_FAILED, "no local cloud runs on '%s'", dir);
	err_named(err, "NotRunning");
	return -1;
}

static int local_stop(struct session *s, const char *dir, struct err *err)
{
	bool was_running = false;

	if (local_server_stop(dir, &was_running, err) < 0)
		return -1;
	json_set_bool(s->doc, "stopped", was_running);
	if (!s->json)
		printf("%s\n", was_running ? "stopped" : "not running");
	return 0;
}

int cmd_local(struct session *s)
{
	const char *verb = s->operands.v[0];
	char *dir = local_dir(s);
	struct err err = ERR_INIT;
	bool run = !strcmp(verb, "run");
	int ret;

	if (s->operands.nr != (run ? 2 : 1))
		ret = run ? err_set(&err, ERR_USAGE, "local run takes the name of one job")
			  : err_set(&err, ERR_USAGE, "local takes %s", s->command->operands);
	else if (run)
		ret = local_run(s, dir, s->operands.v[1], &err);
	else if (s->o.args.nr)
		ret = err_set(&err, ERR_USAGE, "--arg is for local run");
	else if (!strcmp(verb, "start"))
		ret = local_start(s, dir, &err);
	else if (!strcmp(verb, "status"))
		ret = local_status(s, dir, &err);
	else if (!strcmp(verb, "stop"))
		ret = local_stop(s, dir, &err);
	else
		ret = err_set(
			&err, ERR_USAGE, "local takes %s, not '%s'", s->command->operands, verb);
	free(dir);
	if (ret < 0 && !err.code)
		return -1; /* told already */
	return ret < 0 ? session_fail(s, &err) : ret;
}
