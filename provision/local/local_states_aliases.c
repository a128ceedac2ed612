/* Aliases of state machines: a name for one version, or for two with weights (CreateStateMachineAlias, …). */
#include "local_states_live.h"

#include "digest.h"
#include "local_states_rows.h"
#include "xalloc.h"

#define ALIASES_MAX 100

struct alias {
	const struct local_request *req;
	const char *arn, *name;
	const struct json *routing;
	char *machine_arn, *new_arn;
	struct json *out;
	int64_t limit, after;
};

static void alias_release(struct alias *a)
{
	free(a->machine_arn);
	free(a->new_arn);
}

/* --- input --- */

#define bad_routing(err, ...) states_invalid(err, "Invalid routing configuration: " __VA_ARGS__)

/* What a version's ARN is without its number; malloc'd, NULL: it is none. */
static char *machine_of(const char *version_arn)
{
	struct states_arn a;
	char *machine = NULL;

	if (!version_arn || states_arn_parse(version_arn, "stateMachine", &a, NULL))
		return NULL;
	if (a.qualifier && *a.qualifier && !a.qualifier[strspn(a.qualifier, "0123456789")])
		machine = xstrndup(version_arn, strlen(version_arn) - strlen(a.qualifier) - 1);
	states_arn_release(&a);
	return machine;
}

static int check_route(struct alias *k, const struct json *e, struct err *err)
{
	const char *arn = json_get_str(e, "stateMachineVersionArn");
	int64_t weight = json_get_i64(e, "weight", -1);
	char *machine = machine_of(arn);
	bool same = machine && (!k->machine_arn || !strcmp(machine, k->machine_arn));

	if (!machine)
		return states_bad_arn(err, "Invalid Arn: 'Not a version: %s'", arn ? arn : "");
	if (k->machine_arn)
		free(machine);
	else
		k->machine_arn = machine;
	if (!same)
		return bad_routing(err,
			"Both stateMachineVersionArn values must belong to the same state machine");
	if (weight < 0 || weight > 100)
		return bad_routing(err, "A weight must be between 0 and 100");
	return 0;
}

static int check_routing(struct alias *k, struct err *err)
{
	size_t nr = json_len(k->routing);
	const struct json *e;
	int64_t sum = 0;

	if (nr < 1 || nr > 2)
		return bad_routing(err, "Routing configuration must contain 1 or 2 entries");
	json_each(e, k->routing)
	{
		if (check_route(k, e, err))
			return -1;
		sum += json_get_i64(e, "weight", 0);
	}
	if (sum != 100)
		return bad_routing(err,
			"The sum of the weights in the routing configuration must be equal to 100");
	return 0;
}

/* Letters, digits, hyphen, underscore, period, and not a number. */
static int check_alias_name(const char *name, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.";

	if (!name[strspn(name, letters)] && name[strspn(name, "0123456789")] && strlen(name) <= 80)
		return 0;
	return local_fault(err, 400, "InvalidName", "Invalid Name: '%s'", name);
}

/* --- rows --- */

static int check_versions_tx(struct local_cloud *cloud, struct alias *k, struct err *err)
{
	const struct json *e;
	struct states_machine m;

	json_each(e, k->routing)
	{
		const char *arn = json_get_str(e, "stateMachineVersionArn");
		struct err why = ERR_INIT;
		bool deleting;

		if (states_machine_find_tx(cloud, arn, &m, &why)) {
			err_release(&why);
			return local_fault(
				err, 400, "ResourceNotFound", "Resource not found: '%s'", arn);
		}
		deleting = !strcmp(m.status, "DELETING");
		states_machine_release(&m);
		if (deleting)
			return local_fault(err, 400, "StateMachineDeleting",
				"State Machine is being deleted: '%s'", arn);
	}
	return 0;
}

static struct json *row_alias(struct sql_stmt *st)
{
	struct json *o = json_object();

	json_set_str(o, "stateMachineAliasArn", sql_text(st, 0));
	json_set_str(o, "name", sql_text(st, 1));
	json_set_str(o, "description", sql_text(st, 2));
	json_set(o, "routingConfiguration", states_parse(sql_text(st, 3)));
	states_set_time(o, "creationDate", sql_int(st, 4));
	states_set_time(o, "updateDate", sql_int(st, 5));
	return o;
}

#define ALIAS_SELECT                                                                \
	"SELECT arn, name, description, routing, created_ms, updated_ms, seq FROM " \
	"states_alias WHERE "

/* 1, 0, -1 */
static int find_tx(struct local_cloud *cloud, const char *arn, struct json **out, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err, ALIAS_SELECT "arn = ?", "s", arn);
	int row = st ? sql_step(st, err) : -1;

	*out = row > 0 ? row_alias(st) : NULL;
	sql_done(st);
	return row;
}

static int no_alias(const char *arn, struct err *err)
{
	return local_fault(err, 400, "ResourceNotFound", "Resource not found: '%s'", arn);
}

static int count_tx(
	struct local_cloud *cloud, const char *machine_arn, int64_t *nr, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT COUNT(*) FROM states_alias WHERE machine_arn = ?", "s", machine_arn);
	int row = st ? sql_step(st, err) : -1;

	*nr = row > 0 ? sql_int(st, 0) : 0;
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int insert_tx(struct local_cloud *cloud, struct alias *k, struct err *err)
{
	int64_t now = local_now_ms(cloud), nr;
	char *routing;
	int ret;

	if (count_tx(cloud, k->machine_arn, &nr, err))
		return -1;
	if (nr >= ALIASES_MAX)
		return local_fault(err, 400, "ServiceQuotaExceededException",
			"The number of aliases of a state machine is limited to %d", ALIASES_MAX);
	routing = states_print(k->routing);
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO states_alias(arn, machine_arn, name, description, routing, "
		"created_ms, "
		"updated_ms) VALUES(?, ?, ?, ?, ?, ?, ?)",
		"sssssii", k->new_arn, k->machine_arn, k->name,
		json_get_str(k->req->in, "description"), routing, now, now);
	free(routing);
	states_set_time(k->out, "creationDate", now);
	return ret;
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct alias *k = payload;
	struct json *there;
	int row;

	if (check_versions_tx(cloud, k, err))
		return -1;
	json_set_str(k->out, "stateMachineAliasArn", k->new_arn);
	row = find_tx(cloud, k->new_arn, &there, err);
	if (row < 0)
		return -1;
	if (!row)
		return insert_tx(cloud, k, err);
	if (!json_equal(json_get(there, "routingConfiguration"), k->routing) ||
		!same_text(json_get_str(there, "description"),
			json_get_str(k->req->in, "description")))
		row = local_fault(err, 400, "ConflictException",
			"An alias of that name exists with another configuration: '%s'",
			k->new_arn);
	json_set(k->out, "creationDate", json_copy(json_get(there, "creationDate")));
	json_free(there);
	return row < 0 ? -1 : 0;
}

static int run(struct local_cloud *cloud, struct alias *k, local_tx_fn *fn, struct json **out,
	struct err *err)
{
	int ret;

	k->out = json_object();
	ret = local_tx(cloud, fn, k, err);
	if (ret)
		json_free(k->out);
	else
		*out = k->out;
	return ret;
}

static int create_alias(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct alias k = {.req = req,
		.name = json_get_str(req->in, "name"),
		.routing = json_get(req->in, "routingConfiguration")};
	int ret = -1;

	if (!states_check_string(req->in, "name", true, 1, 80, err) &&
		!check_alias_name(k.name, err) &&
		!states_check_string(req->in, "description", false, 0, 256, err) &&
		!check_routing(&k, err)) {
		k.new_arn = xasprintf("%s:%s", k.machine_arn, k.name);
		ret = run(cloud, &k, create_tx, out, err);
	}
	alias_release(&k);
	return ret;
}

/* --- one that is there --- */

static int check_arn(const struct local_request *req, struct alias *k, struct err *err)
{
	struct states_arn a;
	int ret = 0;

	k->arn = json_get_str(req->in, "stateMachineAliasArn");
	if (states_check_string(req->in, "stateMachineAliasArn", true, 1, 256, err) ||
		states_arn_parse(k->arn, "stateMachine", &a, err))
		return -1;
	if (!a.qualifier)
		ret = states_bad_arn(err, "Invalid Arn: 'Not an alias: %s'", k->arn);
	else
		k->machine_arn = xstrndup(k->arn, strlen(k->arn) - strlen(a.qualifier) - 1);
	states_arn_release(&a);
	return ret;
}

static int describe_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct alias *k = payload;
	struct json *there;
	int row = find_tx(cloud, k->arn, &there, err);

	if (row > 0) {
		json_free(k->out);
		k->out = there;
	}
	return row ? (row > 0 ? 0 : -1) : no_alias(k->arn, err);
}

static int describe_alias(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct alias k = {.req = req};
	int ret = check_arn(req, &k, err);

	if (!ret)
		ret = run(cloud, &k, describe_tx, out, err);
	alias_release(&k);
	return ret;
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct alias *k = payload;
	int64_t now = local_now_ms(cloud), changed = 0;
	char *routing;
	int ret;

	if (k->routing && check_versions_tx(cloud, k, err))
		return -1;
	routing = states_print(k->routing);
	ret = sql_run(cloud->db, &changed, err,
		"UPDATE states_alias SET routing = coalesce(?, routing), description = coalesce(?, "
		"description), updated_ms = ? WHERE arn = ?",
		"ssis", routing, json_get_str(k->req->in, "description"), now, k->arn);
	free(routing);
	states_set_time(k->out, "updateDate", now);
	return ret || changed ? ret : no_alias(k->arn, err);
}

static int update_alias(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct alias k = {.req = req, .routing = json_get(req->in, "routingConfiguration")};
	int ret = check_arn(req, &k, err);

	if (!ret)
		ret = states_check_string(req->in, "description", false, 0, 256, err);
	if (!ret && !k.routing && !json_get_str(req->in, "description"))
		ret = states_invalid(
			err, "Must specify at least one of description or routingConfiguration");
	if (!ret && k.routing)
		ret = check_routing(&k, err);
	if (!ret)
		ret = run(cloud, &k, update_tx, out, err);
	alias_release(&k);
	return ret;
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct alias *k = payload;
	int64_t changed = 0;

	if (sql_run(cloud->db, &changed, err, "DELETE FROM states_alias WHERE arn = ?", "s",
		    k->arn))
		return -1;
	return changed ? 0 : no_alias(k->arn, err);
}

static int delete_alias(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct alias k = {.req = req};
	int ret = check_arn(req, &k, err);

	if (!ret)
		ret = run(cloud, &k, delete_tx, out, err);
	alias_release(&k);
	return ret;
}

/* --- list --- */

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct alias *k = payload;
	struct json *list = json_array();
	struct states_machine m;
	struct sql_stmt *st;
	int64_t n = 0, last = 0;
	int row = -1;

	json_set(k->out, "stateMachineAliases", list);
	if (states_machine_find_tx(cloud, k->arn, &m, err))
		return -1;
	st = sql_query(cloud->db, err,
		ALIAS_SELECT
		"machine_arn = ?1 AND seq > ?2 AND (?3 IS NULL OR EXISTS (SELECT 1 FROM "
		"json_each(routing) WHERE json_extract(value, "
		"'$.stateMachineVersionArn') = ?3)) ORDER BY seq LIMIT ?4",
		"sisi", m.arn, k->after, m.version_arn, k->limit + 1);
	while (st && (row = sql_step(st, err)) > 0 && n++ < k->limit) {
		struct json *o = json_object();

		last = sql_int(st, 6);
		json_set_str(o, "stateMachineAliasArn", sql_text(st, 0));
		states_set_time(o, "creationDate", sql_int(st, 4));
		json_push(list, o);
	}
	sql_done(st);
	if (row > 0)
		states_set_token(k->out, k->arn, last);
	states_machine_release(&m);
	return row < 0 ? -1 : 0;
}

static int list_aliases(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct alias k = {.req = req, .arn = json_get_str(req->in, "stateMachineArn")};

	if (states_check_string(req->in, "stateMachineArn", true, 1, 256, err) ||
		states_page(req->in, k.arn, &k.limit, &k.after, err))
		return -1;
	return run(cloud, &k, list_tx, out, err);
}

/* --- which version it is this time --- */

int states_alias_version_tx(
	struct local_cloud *cloud, const char *alias_arn, char **version_arn, struct err *err)
{
	struct json *there;
	const struct json *e;
	unsigned char chance;
	int64_t left;
	int row = find_tx(cloud, alias_arn, &there, err);

	*version_arn = NULL;
	if (row <= 0)
		return row;
	do {
		digest_random(&chance, 1);
	} while (chance >= 200);
	left = chance % 100;
	json_each(e, json_get(there, "routingConfiguration"))
	{
		left -= json_get_i64(e, "weight", 0);
		if (left < 0 && !*version_arn)
			*version_arn = xstrdup(json_get_str(e, "stateMachineVersionArn"));
	}
	json_free(there);
	return *version_arn ? 1 : 0;
}

static void new_alias_arn(
	struct local_cloud *cloud unused_arg, const struct local_request *req, struct strbuf *arn)
{
	char *machine = machine_of(
		json_str(json_path(req->in, "routingConfiguration.0.stateMachineVersionArn")));

	strbuf_addstr(arn, machine ? machine : "");
	free(machine);
}

static const struct local_route routes[] = {
	{"CreateStateMachineAlias", create_alias, new_alias_arn},
	{"DeleteStateMachineAlias", delete_alias, states_route_arn},
	{"DescribeStateMachineAlias", describe_alias, states_route_arn},
	{"ListStateMachineAliases", list_aliases, states_route_arn},
	{"UpdateStateMachineAlias", update_alias, states_route_arn},
};

const struct local_service local_states_alias_service = {"states", routes, ARRAY_SIZE(routes)};
