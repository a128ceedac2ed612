/* What a session of pg.c is opened with. */
#include "pg.h"

#include <stdlib.h>
#include <string.h>
#include "map.h"
#include "pg_internal.h"

#define TIMEOUT_S 15

/* A server that is gone without a word is noticed. */
static const struct {
	const char *name, *value;
} defaults[] = {
	{"application_name", "glueproj"},
	{"connect_timeout", "15"},
	{"keepalives_idle", "30"},
	{"keepalives_interval", "10"},
	{"keepalives_count", "6"},
	{"tcp_user_timeout", "90000"},
};

/* Of a secret: its names, and libpq's. */
static const struct {
	const char *member, *name;
} members[] = {
	{"host", "host"},
	{"hostaddr", "hostaddr"},
	{"port", "port"},
	{"username", "user"},
	{"user", "user"},
	{"password", "password"},
	{"dbname", "dbname"},
	{"database", "dbname"},
	{"sslmode", "sslmode"},
	{"sslrootcert", "sslrootcert"},
	{"connect_timeout", "connect_timeout"},
	{"options", "options"},
	{"target_session_attrs", "target_session_attrs"},
	{"channel_binding", "channel_binding"},
};

/* Hosts may be several, each with its own time. */
static int timeout_of(const struct map *m)
{
	const char *text = map_get(m, "connect_timeout"), *hosts = map_get(m, "host");
	long long each, nr = 1;

	if (!text)
		text = getenv("PGCONNECT_TIMEOUT");
	if (!text || parse_int64(text, 1, 3600, &each) != 0)
		each = TIMEOUT_S;
	for (; hosts && (hosts = strchr(hosts, ',')); hosts++)
		nr++;
	return (int)(each * nr) + 1;
}

static void free_value(void *value)
{
	free_secret(value);
}

/* Takes what is in the map. */
static struct pg *connect_by(struct map *m, bool with_defaults, struct err *err)
{
	const char **names, **values;
	struct map_entry *e;
	struct pg *p;
	size_t nr = 0;

	for (size_t i = 0; with_defaults && i < ARRAY_SIZE(defaults); i++)
		if (!map_has(m, defaults[i].name))
			map_put(m, defaults[i].name, xstrdup(defaults[i].value));
	names = xcalloc(m->nr + 1, sizeof(*names));
	values = xcalloc(m->nr + 1, sizeof(*values));
	map_for_each(m, e)
	{
		names[nr] = e->key;
		values[nr++] = e->value;
	}
	p = pg_connect_parameters(names, values, timeout_of(m), err);
	free(names);
	free(values);
	map_release(m);
	return p;
}

/*
 * A password's own '/' or '@' that is not written as %2F or %40 makes libpq take a piece of it for a port, a host or a database, and those stand
 * in messages.
 */
static bool is_misread(const char *text, const struct map *m)
{
	const char *port = map_get(m, "port"), *rest = strstr(text, "://");

	if (!starts_with(text, "postgresql://") && !starts_with(text, "postgres://"))
		return false;
	rest += strlen("://");
	if (rest[strcspn(rest, "@/")] == '@')
		rest += strcspn(rest, "@") + 1;
	return rest[strcspn(rest, "@?")] == '@' || (port && port[strspn(port, "0123456789,")]);
}

struct pg *pg_connect_text(const char *conninfo, const char *what, struct err *err)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &why);
	struct map m = MAP_INIT;
	bool good = options;

	/* libpq's reason holds pieces of the text, a password among them. */
	PQfreemem(why);
	map_init(&m, free_value);
	for (PQconninfoOption *o = options; o && o->keyword; o++)
		if (o->val)
			map_put(&m, o->keyword, xstrdup(o->val));
	PQconninfoFree(options);
	if (!good || is_misread(conninfo, &m)) {
		map_release(&m);
		err_set(err, ERR_INVALID,
			"%s is no connection string (\"host=… dbname=… user=… password=…\" or "
			"postgresql://…)",
			what);
		err_hint(err, "in postgresql://… a password's / and @ are written %%2F and %%40");
		return NULL;
	}
	return connect_by(&m, !map_has(&m, "service"), err);
}

struct pg *pg_connect_json(const struct json *secret, const char *what, struct err *err)
{
	struct map m = MAP_INIT;

	map_init(&m, free_value);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const char *text = json_scalar_text(json_get(secret, members[i].member));

		if (text && *text)
			map_put(&m, members[i].name, xstrdup(text));
	}
	if (map_has(&m, "host") || map_has(&m, "hostaddr"))
		return connect_by(&m, true, err);
	map_release(&m);
	err_set(err, ERR_INVALID,
		"%s names no host (wanted: host, port, username, password, dbname)", what);
	return NULL;
}

struct pg *pg_connect_environment(struct err *err)
{
	struct map m = MAP_INIT;

	map_init(&m, free_value);
	if (!getenv("PGAPPNAME"))
		map_put(&m, "application_name", xstrdup("glueproj"));
	return connect_by(&m, false, err);
}
