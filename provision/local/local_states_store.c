/* State machines and what their executions run, as rows. */
#include "local_states_live.h"

#include "local_states_rows.h"
#include "xalloc.h"

#define EXPRESS_SECONDS 300

/* --- machines --- */

void states_machine_release(struct states_machine *m)
{
	free(m->arn);
	free(m->name);
	free(m->type);
	free(m->status);
	free(m->revision);
	free(m->definition);
	free(m->role);
	json_free(m->logging);
	json_free(m->encryption);
	free(m->description);
	free(m->version_arn);
	free(m->alias_arn);
	*m = (struct states_machine){0};
}

bool states_is_express(const struct states_machine *m)
{
	return !strcmp(m->type, "EXPRESS");
}

#define MACHINE_SELECT                                                                    \
	"SELECT m.arn, m.name, m.type, m.status, r.id, r.definition, r.role, r.logging, " \
	"m.encryption, r.tracing, m.created_ms, r.created_ms FROM states_machine m JOIN " \
	"states_revision r ON "

/* 1, 0, -1 */
static int read_machine(struct sql_stmt *st, struct states_machine *out, struct err *err)
{
	int row = st ? sql_step(st, err) : -1;

	if (row > 0)
		*out = (struct states_machine){
			.arn = sql_text_dup(st, 0),
			.name = sql_text_dup(st, 1),
			.type = sql_text_dup(st, 2),
			.status = sql_text_dup(st, 3),
			.revision = sql_text_dup(st, 4),
			.definition = sql_text_dup(st, 5),
			.role = sql_text_dup(st, 6),
			.logging = states_parse(sql_text(st, 7)),
			.encryption = states_parse(sql_text(st, 8)),
			.tracing = sql_int(st, 9) != 0,
			.created_ms = sql_int(st, 10),
			.updated_ms = sql_int(st, 11),
		};
	sql_done(st);
	return row;
}

/* The machine at a version's revision. */
static int find_version(struct local_cloud *cloud, const char *machine_arn, const char *version,
	struct states_machine *out, struct err *err)
{
	char *arn = xasprintf("%s:%s", machine_arn, version);
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT revision, description, created_ms FROM states_version WHERE arn = ?", "s",
		arn);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		char *revision = sql_text_dup(st, 0), *description = sql_text_dup(st, 1);
		int64_t created_ms = sql_int(st, 2);

		row = read_machine(
			sql_query(cloud->db, err, MACHINE_SELECT "r.id = ? WHERE m.arn = ?", "ss",
				revision, machine_arn),
			out, err);
		free(revision);
		out->description = description;
		out->version_arn = xstrdup(arn);
		out->created_ms = created_ms;
	}
	sql_done(st);
	free(arn);
	return row;
}

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

static int find_alias(struct local_cloud *cloud, const char *arn, const char *machine_arn,
	struct states_machine *out, struct err *err)
{
	char *version_arn;
	int row = states_alias_version_tx(cloud, arn, &version_arn, err);

	if (row > 0)
		row = find_version(cloud, machine_arn, strrchr(version_arn, ':') + 1, out, err);
	if (row > 0)
		out->alias_arn = xstrdup(arn);
	free(version_arn);
	return row;
}

static int find_tx(struct local_cloud *cloud, const char *arn, const struct states_arn *a,
	struct states_machine *out, struct err *err)
{
	char *machine_arn;
	int row;

	if (!a->qualifier)
		return read_machine(
			sql_query(cloud->db, err,
				MACHINE_SELECT "r.id = m.revision WHERE m.arn = ?", "s", arn),
			out, err);
	machine_arn = xstrndup(arn, strlen(arn) - strlen(a->qualifier) - 1);
	row = is_number(a->qualifier) ? find_version(cloud, machine_arn, a->qualifier, out, err)
				      : find_alias(cloud, arn, machine_arn, out, err);
	free(machine_arn);
	return row;
}

int states_machine_find_tx(
	struct local_cloud *cloud, const char *arn, struct states_machine *out, struct err *err)
{
	struct states_arn a;
	int row;

	*out = (struct states_machine){0};
	if (states_arn_parse(arn, "stateMachine", &a, err))
		return -1;
	row = find_tx(cloud, arn, &a, out, err);
	states_arn_release(&a);
	if (row == 0)
		local_fault(err, 400, "StateMachineDoesNotExist",
			"State Machine Does Not Exist: '%s'", arn);
	return row > 0 ? 0 : -1;
}

int states_machine_reap_tx(struct local_cloud *cloud, const char *machine_arn, struct err *err)
{
	static const char *const rest[] = {
		"DELETE FROM states_execution WHERE machine_arn = ?",
		"DELETE FROM states_alias WHERE machine_arn = ?",
		"DELETE FROM states_version WHERE machine_arn = ?",
		"DELETE FROM states_revision WHERE machine_arn = ?",
	};
	int64_t changed = 0;

	if (sql_run(cloud->db, &changed, err,
		    "DELETE FROM states_machine WHERE arn = ? AND status = 'DELETING' AND NOT "
		    "EXISTS "
		    "(SELECT 1 FROM states_execution WHERE machine_arn = ? AND status = 'RUNNING')",
		    "ss", machine_arn, machine_arn))
		return -1;
	for (size_t i = 0; changed && i < ARRAY_SIZE(rest); i++)
		if (sql_run(cloud->db, NULL, err, rest[i], "s", machine_arn))
			return -1;
	return changed ? local_tags_clear(cloud, machine_arn, err) : 0;
}

/* --- revisions --- */

static void revision_free(struct states_revision *r)
{
	free(r->id);
	free(r->role_arn);
	free(r->machine_arn);
	free(r->label);
	json_free(r->definition);
	json_free(r->logging);
	free(r->definition_text);
	free(r);
}

/* An express execution may take five minutes. */
static void limit_express(struct json *definition)
{
	int64_t seconds = json_get_i64(definition, "TimeoutSeconds", EXPRESS_SECONDS);

	json_set_i64(definition, "TimeoutSeconds",
		seconds < EXPRESS_SECONDS ? seconds : EXPRESS_SECONDS);
}

static struct states_revision *load_revision(
	struct local_cloud *cloud, const char *id, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT role, machine_arn, label, definition, logging, tracing, created_ms, "
		"express FROM "
		"states_revision WHERE id = ?",
		"s", id);
	struct states_revision *r = NULL;
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		r = xcalloc(1, sizeof(*r));
		r->id = xstrdup(id);
		r->role_arn = sql_text_dup(st, 0);
		r->machine_arn = sql_text_dup(st, 1);
		r->label = sql_text_dup(st, 2);
		r->definition_text = sql_text_dup(st, 3);
		r->definition = states_parse(r->definition_text);
		r->logging = states_parse(sql_text(st, 4));
		r->tracing = sql_int(st, 5) != 0;
		r->created_ms = sql_int(st, 6);
		if (sql_int(st, 7))
			limit_express(r->definition);
	} else if (row == 0) {
		err_set(err, ERR_NOT_FOUND, "there is no revision '%s'", id);
	}
	sql_done(st);
	return r;
}

struct states_revision *states_revision_get_tx(
	struct local_cloud *cloud, const char *id, struct err *err)
{
	struct states_state *s = states_state(cloud);
	struct states_revision *r;

	pthread_mutex_lock(&s->lock);
	r = map_get(&s->revisions, id);
	if (!r) {
		r = load_revision(cloud, id, err);
		if (r)
			map_put(&s->revisions, id, r);
	}
	if (r)
		r->users++;
	pthread_mutex_unlock(&s->lock);
	return r;
}

void states_revision_done(struct local_cloud *cloud, struct states_revision *r)
{
	struct states_state *s = states_state(cloud);

	if (!r)
		return;
	pthread_mutex_lock(&s->lock);
	if (--r->users == 0) {
		map_remove(&s->revisions, r->id);
		revision_free(r);
	}
	pthread_mutex_unlock(&s->lock);
}
