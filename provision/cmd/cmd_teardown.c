/* teardown and delete. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd.h"
#include "lease.h"
#include "log.h"

static void print_left(const struct session *s)
{
	struct json *left;
	const struct json *sum = json_get(s->doc, "summary");

	printf("%s: %lld deleted", s->command->name, (long long)json_get_i64(sum, "deleted", 0));
	if (json_get_i64(sum, "retained", 0))
		printf(", %lld retained", (long long)json_get_i64(sum, "retained", 0));
	if (json_len(json_get(s->doc, "swept")))
		printf(", %zu made by the pipeline removed", json_len(json_get(s->doc, "swept")));
	printf(" in %.2f s (%lld requests)\n", session_seconds(s),
		(long long)json_get_i64(sum, "requests", 0));
	if (!json_len(json_get(s->doc, "left"))) {
		printf("nothing is left: every name in the record and the templates was read "
		       "again%s\n",
			strcmp(s->command->name, "teardown") ? "" : ", roles and tags were listed");
		return;
	}
	json_each(left, json_get(s->doc, "left"))
		printf("left: %s %s: %s\n", json_get_str(left, "type"),
			json_get_str(left, "physical_id"), json_get_str(left, "reason"));
}

static int confirmed(struct session *s, struct engine *e, struct err *err)
{
	struct strvec data = STRVEC_INIT;
	char answer[16] = "";
	size_t nr = 0;

	if (s->o.yes)
		return 0;
	if (!isatty(STDIN_FILENO)) {
		err_set(err, ERR_USAGE, "%s removes things for good and nobody can be asked here",
			s->command->name);
		return err_hint(err, "--yes says that it is meant");
	}
	if (engine_teardown_preview(e, &nr, &data, err) < 0) {
		strvec_release(&data);
		return -1;
	}
	fprintf(stderr, "This removes %zu resources of project '%s' (account %s, %s).\n", nr,
		s->project->name, s->account, s->ctx.region);
	for (size_t i = 0; i < data.nr; i++)
		fprintf(stderr, "  %s\n", data.v[i]);
	strvec_release(&data);
	fprintf(stderr, "Remove them? [y/N] ");
	if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
		return err_set(err, ERR_FAILED, "not confirmed: nothing was removed");
	return 0;
}

/* A name that was mistyped is told from a stack that is gone. */
static void warn_unknown(struct session *s)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_NOT_FOUND, "there is no record of a stack '%s' in project '%s'",
		s->operands.v[0], s->project->name);
	err_list_take(&s->warnings, &err);
}

static int take_down(struct session *s, struct engine_opts *opts)
{
	struct progress *progress = progress_new(s);
	struct lease *lease = NULL;
	struct engine *e = NULL;
	struct err err = ERR_INIT;
	int ret = -1;

	opts->stop = lease_stop;
	opts->stop_payload = &lease;
	opts->keep_data = s->o.keep_data;
	opts->ui = (struct engine_ui){progress_event, progress};
	s->ctx.note = progress_note;
	s->ctx.note_payload = progress;
	e = session_engine(s, opts, true);
	if (!e)
		goto out;
	if (confirmed(s, e, &err) < 0) {
		session_fail(s, &err);
		goto out;
	}
	lease = lease_acquire(s->store, s->ctx.clock, s->project->name, s->command->name, &err);
	if (!lease) {
		session_fail(s, &err);
		goto out;
	}
	ret = engine_teardown(e, &s->errors, &s->warnings);
	if (lease_check(lease, &err) < 0)
		ret = session_fail(s, &err);
	if (!ret && !opts->only_stack &&
		home_remove_artifacts(s->store, s->project->name, &err) < 0)
		ret = session_fail(s, &err);
	progress_free(progress);
	progress = NULL;
	engine_report(e, s->doc, session_seconds(s), aws_client_requests(s->aws));
	if (session_by_record(s) && !json_len(json_get(s->doc, "stacks")))
		warn_unknown(s);
	if (!s->json)
		print_left(s);
	if (signals_got() && !s->json)
		log_info("interrupted: glueproj %s --yes goes on from here", s->command->name);
out:
	lease_release(lease);
	engine_free(e);
	progress_free(progress);
	return ret;
}

int cmd_teardown(struct session *s)
{
	struct engine_opts opts = {0};

	return take_down(s, &opts);
}

int cmd_delete(struct session *s)
{
	struct engine_opts opts = {.only_stack = s->operands.v[0]};
	struct err err = ERR_INIT;

	if (!session_by_record(s) && !project_stack(s->project, s->operands.v[0])) {
		err_set(&err, ERR_USAGE, "project '%s' has no stack '%s'", s->project->name,
			s->operands.v[0]);
		return session_fail(s, &err);
	}
	return take_down(s, &opts);
}
