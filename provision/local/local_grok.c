#include "local_grok.h"
#include "arena.h"
#include "map.h"
#include "pattern.h"
#include "strbuf.h"
#include "strvec.h"
#include <ctype.h>

#define MAX_DEPTH 32
#define MAX_EXPRESSION (256 * 1024)

/* What Glue has built in, said without look-behind. */
static const struct {
	const char *name, *text;
} built_in[] = {
	{"USERNAME", "[a-zA-Z0-9._-]+"},
	{"USER", "%{USERNAME}"},
	{"INT", "[+-]?[0-9]+"},
	{"BASE10NUM", "[+-]?(?:[0-9]+(?:\\.[0-9]+)?|\\.[0-9]+)"},
	{"NUMBER", "%{BASE10NUM}"},
	{"BASE16NUM", "[+-]?(?:0x)?[0-9A-Fa-f]+"},
	{"BASE16FLOAT", "[+-]?(?:0x)?(?:[0-9A-Fa-f]+(?:\\.[0-9A-Fa-f]*)?|\\.[0-9A-Fa-f]+)"},
	{"BOOLEAN", "[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]"},
	{"POSINT", "\\b[1-9][0-9]*\\b"},
	{"NONNEGINT", "\\b[0-9]+\\b"},
	{"WORD", "\\b\\w+\\b"},
	{"NOTSPACE", "\\S+"},
	{"SPACE", "\\s*"},
	{"DATA", ".*?"},
	{"GREEDYDATA", ".*"},
	{"QUOTEDSTRING", "\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`(?:[^`\\\\]|\\\\.)*`"},
	{"QS", "%{QUOTEDSTRING}"},
	{"UUID", "[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}"},
	{"MAC", "%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC}"},
	{"CISCOMAC", "(?:[A-Fa-f0-9]{4}\\.){2}[A-Fa-f0-9]{4}"},
	{"WINDOWSMAC", "(?:[A-Fa-f0-9]{2}-){5}[A-Fa-f0-9]{2}"},
	{"COMMONMAC", "(?:[A-Fa-f0-9]{2}:){5}[A-Fa-f0-9]{2}"},
	{"IPV4", "(?:%{OCTET}\\.){3}%{OCTET}"},
	{"OCTET", "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"},
	{"IPV6", "(?:[0-9A-Fa-f]{0,4}:){2,7}(?:%{IPV4}|[0-9A-Fa-f]{0,4})(?:%\\w+)?"},
	{"IP", "%{IPV6}|%{IPV4}"},
	{"HOSTNAME", "\\b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\\.?"},
	{"HOST", "%{HOSTNAME}"},
	{"IPORHOST", "%{IP}|%{HOSTNAME}"},
	{"HOSTPORT", "(?:%{IPORHOST}):%{POSINT}"},
	{"PATH", "%{UNIXPATH}|%{WINPATH}"},
	{"UNIXPATH", "(?:/[\\w_%!$@:.,~-]*)+"},
	{"TTY", "/dev/(?:pts|tty(?:[pq])?)(?:\\w+)?/?(?:[0-9]+)"},
	{"WINPATH", "(?:[A-Za-z]+:|\\\\)(?:\\\\[^\\\\?*]*)+"},
	{"URIPROTO", "[A-Za-z]+(?:\\+[A-Za-z+]+)?"},
	{"URIHOST", "%{IPORHOST}(?::%{POSINT})?"},
	{"URIPATH", "(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%_-]*)+"},
	{"URIPARAM", "\\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\\-\\[\\]]*"},
	{"URIPATHPARAM", "%{URIPATH}(?:%{URIPARAM})?"},
	{"URI", "%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?"},
	{"MONTH", "\\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|"
		  "Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\\b"},
	{"MONTHNUM", "0?[1-9]|1[0-2]"},
	{"MONTHNUM2", "0[1-9]|1[0-2]"},
	{"MONTHDAY", "0[1-9]|[12][0-9]|3[01]|[1-9]"},
	{"DAY", "Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|"
		"Sun(?:day)?"},
	{"YEAR", "\\d\\d(?:\\d\\d)?"},
	{"HOUR", "2[0123]|[01]?[0-9]"},
	{"MINUTE", "[0-5][0-9]"},
	{"SECOND", "(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?"},
	{"TIME", "%{HOUR}:%{MINUTE}(?::%{SECOND})?"},
	{"DATE_US", "%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"},
	{"DATE_EU", "%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"},
	{"DATESTAMP_US", "%{DATE_US}[- ]%{TIME}"},
	{"DATESTAMP_EU", "%{DATE_EU}[- ]%{TIME}"},
	{"ISO8601_TIMEZONE", "Z|[+-]%{HOUR}(?::?%{MINUTE})"},
	{"ISO8601_SECOND", "%{SECOND}|60"},
	{"TIMESTAMP_ISO8601",
		"%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?"
		"(?:%{ISO8601_TIMEZONE})?"},
	{"DATE", "%{DATE_US}|%{DATE_EU}"},
	{"DATESTAMP", "%{DATE}[- ]%{TIME}"},
	{"TZ", "[PMCE][SD]T|UTC"},
	{"DATESTAMP_RFC822", "%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}"},
	{"DATESTAMP_RFC2822", "%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}"},
	{"DATESTAMP_OTHER", "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}"},
	{"DATESTAMP_EVENTLOG", "%{YEAR}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}"},
	{"HTTPDERROR_DATE", "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{YEAR}"},
	{"SYSLOGTIMESTAMP", "%{MONTH} +%{MONTHDAY} %{TIME}"},
	{"PROG", "[!-Z\\\\^-~]+"},
	{"SYSLOGPROG", "%{PROG:program}(?:\\[%{POSINT:pid}\\])?"},
	{"SYSLOGHOST", "%{IPORHOST}"},
	{"SYSLOGFACILITY", "<%{NONNEGINT:facility}.%{NONNEGINT:priority}>"},
	{"HTTPDATE", "%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}"},
	{"SYSLOGBASE", "%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource}"
		       " %{SYSLOGPROG}:"},
	{"MESSAGESLOG", "%{SYSLOGBASE} %{DATA}"},
	{"COMMONAPACHELOG",
		"%{IPORHOST:clientip} %{USER:ident} %{USER:auth} \\[%{HTTPDATE:timestamp}\\] "
		"\"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|"
		"%{DATA:rawrequest})\" %{NUMBER:response} (?:%{NUMBER:bytes}|-)"},
	{"COMBINEDAPACHELOG", "%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}"},
	{"COMMONAPACHELOG_DATATYPED",
		"%{IPORHOST:clientip} %{USER:ident} %{USER:auth} \\[%{HTTPDATE:timestamp}\\] "
		"\"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion:float})?|"
		"%{DATA:rawrequest})\" %{NUMBER:response:int} (?:%{NUMBER:bytes:long}|-)"},
	{"LOGLEVEL",
		"[Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nfo|INFO|"
		"[Ww]arn(?:ing)?|WARN(?:ING)?|[Ee]rr(?:or)?|ERR(?:OR)?|[Cc]rit(?:ical)?|"
		"CRIT(?:ICAL)?|[Ff]atal|FATAL|[Ss]evere|SEVERE|EMERG(?:ENCY)?|[Ee]merg(?:ency)?"},
};

struct grok {
	struct arena arena;
	struct pattern *whole, *inside;
	struct json *columns;
};

struct expander {
	struct map custom; /* name -> expression */
	struct strbuf *out;
	struct json *columns;
	int depth;
};

/* --- names --- */

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static const char *find_pattern(const struct expander *x, const char *name)
{
	const char *own = map_get(&x->custom, name);

	for (size_t i = 0; !own && i < ARRAY_SIZE(built_in); i++)
		if (strcmp(built_in[i].name, name) == 0)
			own = built_in[i].text;
	return own;
}

static int read_custom(struct expander *x, const char *text, struct err *err)
{
	for (const char *at = text ? text : "", *end; *at; at = *end ? end + 1 : end) {
		const char *space;
		size_t len;

		end = at + strcspn(at, "\r\n");
		while (at < end && isspace((unsigned char)*at))
			at++;
		if (at == end)
			continue;
		for (space = at; space < end && !isspace((unsigned char)*space);)
			space++;
		for (len = (size_t)(space - at); space < end && isspace((unsigned char)*space);)
			space++;
		char *name = xstrndup(at, len);
		if (space == end) {
			err_set(err, ERR_INVALID, "the custom pattern '%s' has no expression",
				name);
			free(name);
			return -1;
		}
		map_put(&x->custom, name, xstrndup(space, (size_t)(end - space)));
		free(name);
	}
	return 0;
}

/* --- columns --- */

static const char *hive_type(const char *word)
{
	static const struct {
		const char *given, *hive;
	} types[] = {{"byte", "tinyint"}, {"boolean", "boolean"}, {"double", "double"},
		{"short", "smallint"}, {"int", "int"}, {"long", "bigint"}, {"float", "float"},
		{"string", "string"}};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (iequals(word, types[i].given))
			return types[i].hive;
	return NULL;
}

static int add_column(struct expander *x, const char *name, const char *type, struct err *err)
{
	const char *hive = hive_type(type && *type ? type : "string");
	char *lower = xstrdup(name);
	struct json *c, *have = NULL;

	lower_ascii(lower);
	json_each(c, x->columns)
	{
		if (!have && strcmp(json_get_str(c, "Name"), lower) == 0)
			have = c;
	}
	if (hive && !have) {
		c = json_object();
		json_set_str(c, "Name", lower);
		json_set_str(c, "Type", hive);
		json_push(x->columns, c);
	}
	free(lower);
	if (hive)
		return 0;
	return err_set(err, ERR_INVALID,
		"'%s' of %%{…:%s:%s} is none of byte, boolean, double, short, int, long, float, "
		"string",
		type, name, type);
}

/* --- expansion --- */

static int expand(struct expander *x, const char *text, struct err *err);

/* At "%{"; moves behind "}". */
static int expand_reference(struct expander *x, const char **at, struct err *err)
{
	const char *from = *at + 2, *end = strchr(from, '}');
	struct strvec pieces = STRVEC_INIT;
	char *inside = xstrndup(from, end ? (size_t)(end - from) : 0);
	const char *text;
	int ret = -1;

	strvec_split(&pieces, inside, ':');
	text = pieces.nr ? find_pattern(x, pieces.v[0]) : NULL;
	if (!end || !pieces.nr || pieces.nr > 3)
		err_set(err, ERR_INVALID, "'%%{%s' is not %%{PATTERN:column:type}", inside);
	else if (!text)
		err_set(err, ERR_INVALID, "there is no pattern '%s'", pieces.v[0]);
	else if (x->depth == MAX_DEPTH || x->out->len > MAX_EXPRESSION)
		err_set(err, ERR_INVALID, "the pattern '%s' has itself in it, or too much",
			pieces.v[0]);
	else if (pieces.nr < 2 || !*pieces.v[1] ||
		 add_column(x, pieces.v[1], pieces.nr > 2 ? pieces.v[2] : NULL, err) == 0)
		ret = 0;
	if (ret == 0) {
		x->depth++;
		strbuf_addstr(x->out, "(?:");
		ret = expand(x, text, err);
		strbuf_addch(x->out, ')');
		x->depth--;
		*at = end + 1;
	}
	strvec_release(&pieces);
	free(inside);
	return ret;
}

/* "(?<name>" is a column, "(?>" only forbids going back: both become groups. */
static int expand_group(struct expander *x, const char **at, struct err *err)
{
	const char *p = *at + 3, *end = p;
	char *name;
	int ret;

	if (starts_with(*at, "(?>")) {
		strbuf_addstr(x->out, "(?:");
		*at += 3;
		return 0;
	}
	while (is_name(*end))
		end++;
	if (!starts_with(*at, "(?<") || *end != '>' || end == p) {
		strbuf_addch(x->out, *(*at)++);
		return 0;
	}
	name = xstrndup(p, (size_t)(end - p));
	ret = add_column(x, name, NULL, err);
	strbuf_addstr(x->out, "(?:");
	*at = end + 1;
	free(name);
	return ret;
}

static int expand(struct expander *x, const char *text, struct err *err)
{
	int ret = 0;

	while (*text && ret == 0) {
		if (text[0] == '\\' && text[1]) {
			strbuf_add(x->out, text, 2);
			text += 2;
		} else if (starts_with(text, "%{")) {
			ret = expand_reference(x, &text, err);
		} else if (starts_with(text, "(?")) {
			ret = expand_group(x, &text, err);
		} else {
			strbuf_addch(x->out, *text++);
		}
	}
	return ret;
}

struct grok *grok_compile(const char *pattern, const char *custom, struct err *err)
{
	struct grok *g = xcalloc(1, sizeof(*g));
	struct strbuf text = STRBUF_INIT;
	struct expander x = {.out = &text};
	int ret;

	arena_init(&g->arena);
	g->columns = x.columns = json_array();
	map_init(&x.custom, free);
	ret = read_custom(&x, custom, err);
	if (ret == 0)
		ret = expand(&x, pattern, err);
	if (ret == 0 && !json_len(g->columns))
		ret = err_set(err, ERR_INVALID, "'%s' names no column", pattern);
	if (ret == 0) {
		g->whole = pattern_compile(&g->arena, text.buf, err);
		strbuf_insert(&text, 0, ".*?(?:", strlen(".*?(?:"));
		strbuf_addstr(&text, ").*");
		g->inside = g->whole ? pattern_compile(&g->arena, text.buf, err) : NULL;
		ret = g->inside ? 0
				: err_wrap(err, "'%s' is wrong, or more than the local cloud knows",
					  pattern);
	}
	map_release(&x.custom);
	strbuf_release(&text);
	if (ret == 0)
		return g;
	grok_free(g);
	return NULL;
}

void grok_free(struct grok *g)
{
	if (!g)
		return;
	json_free(g->columns);
	arena_release(&g->arena);
	free(g);
}

const struct json *grok_columns(const struct grok *g)
{
	return g->columns;
}

bool grok_match(const struct grok *g, const char *line)
{
	return pattern_match(g->whole, line) == 1 || pattern_match(g->inside, line) == 1;
}
