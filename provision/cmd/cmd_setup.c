/* setup, create and deploy: the same road with other limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "lease.h"
#include "log.h"

static void print_summary(const struct session *s)
{
	static const char *const members[] = {"created", "updated", "replaced", "adopted",
		"deleted", "retained", "unchanged", "failed", "skipped"};
	const struct json *sum = json_get(s->doc, "summary");
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "%s%s:", s->command->name,
		s->o.dry_run ? " (dry run, nothing was changed)" : "");
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		int64_t n = json_get_i64(sum, members[i], 0);
		if (n)
			strbuf_addf(&sb, "%s %lld %s", sb.buf[sb.len - 1] == ':' ? "" : ",",
				(long long)n, members[i]);
	}
	if (sb.buf[sb.len - 1] == ':')
		strbuf_addstr(&sb, " nothing to do");
	strbuf_addf(&sb, " in %.2f s (%lld requests)\n", session_seconds(s),
		(long long)json_get_i64(sum, "requests", 0));
	fwrite(sb.buf, 1, sb.len, stdout);
	strbuf_release(&sb);
}

static void print_outputs(const struct session *s)
{
	struct json *stack, *output;

	json_each(stack, json_get(s->doc, "stacks")) json_each(output, json_get(stack, "outputs"))
		printf("%s.%s=%s\n", json_get_str(stack, "name"), json_name(output),
			json_str(output));
}

static void print_plan(const struct session *s, const struct engine *e)
{
	struct json *doc = json_object();

	engine_report_plan(e, doc, false);
	plan_hide_secrets(s, json_get(doc, "changes"));
	plan_print(json_get(doc, "changes"), NULL);
	json_free(doc);
}

static void report(struct session *s, const struct engine *e, int ret)
{
	engine_report(e, s->doc, session_seconds(s), aws_client_requests(s->aws));
	json_remove(s->doc, "left");
	json_remove(s->doc, "swept");
	if (s->json)
		return;
	if (s->o.dry_run)
		print_plan(s, e);
	else if (!s->o.quiet && ret == 0)
		print_outputs(s);
	print_summary(s);
}

static int converge(struct session *s, struct engine_opts *opts)
{
	struct progress *progress = progress_new(s);
	struct lease *lease = NULL;
	struct engine *e;
	struct err err = ERR_INIT;
	int ret = -1;

	opts->stop = lease_stop;
	opts->stop_payload = &lease;
	opts->allow_data_loss = &s->o.allow_data_loss;
	opts->ui = (struct engine_ui){progress_event, progress};
	s->ctx.note = progress_note;
	s->ctx.note_payload = progress;
	e = session_engine(s, opts, false);
	if (!e)
		goto out;
	if (!s->o.dry_run) {
		lease = lease_acquire(
			s->store, s->ctx.clock, s->project->name, s->command->name, &err);
		if (!lease) {
			session_fail(s, &err);
			goto out;
		}
	}
	if (engine_plan(e, false, &s->errors, &s->warnings) < 0 ||
		engine_check_data_loss(e, &s->errors) < 0)
		goto report;
	ret = s->o.dry_run ? 0 : engine_apply(e, &s->errors, &s->warnings);
	if (lease_check(lease, &err) < 0)
		ret = session_fail(s, &err);
report:
	progress_free(progress);
	progress = NULL;
	report(s, e, ret);
	if (signals_got() && !s->json)
		log_info("interrupted: what was begun is finished; glueproj %s goes on from here",
			s->command->name);
out:
	lease_release(lease);
	engine_free(e);
	progress_free(progress);
	return ret;
}

int cmd_setup(struct session *s)
{
	struct engine_opts opts = {0};

	return converge(s, &opts);
}

int cmd_create(struct session *s)
{
	struct engine_opts opts = {.only_stack = s->operands.v[0]};
	struct err err = ERR_INIT;

	if (!project_stack(s->project, s->operands.v[0])) {
		err_set(&err, ERR_USAGE, "project '%s' has no stack '%s'", s->project->name,
			s->operands.v[0]);
		return session_fail(s, &err);
	}
	return converge(s, &opts);
}

int cmd_deploy(struct session *s)
{
	struct engine_opts opts = {.only_uploads = true};

	return converge(s, &opts);
}
