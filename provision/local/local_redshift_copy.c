/* COPY … FROM 's3://…' and UNLOAD ('…') TO 's3://…': their options, each known by name or refused. */
#include "local_redshift_sql.h"

struct reader {
	struct rs_writer *w;
	const struct rs_tokens *t;
	size_t at, to;
	struct rs_plan *plan;
	struct rs_copy *c;
	bool unload, role_given;
};

static bool eat(struct reader *r, const char *word)
{
	if (r->at >= r->to || !rs_is(r->t, r->at, word))
		return false;
	r->at++;
	return true;
}

/* A string, perhaps behind "as"; borrowed. NULL with err set. */
static const char *text(struct reader *r)
{
	eat(r, "as");
	if (r->at < r->to && r->t->v[r->at].kind == RS_STRING)
		return r->t->v[r->at++].text;
	rs_syntax(r->t, r->at < r->to ? r->at : r->t->nr, r->w->err);
	return NULL;
}

/* --- options --- */

typedef int option_fn(struct reader *r);

static int o_role(struct reader *r)
{
	const char *arn;

	r->role_given = true;
	if (eat(r, "default"))
		return 0;
	arn = text(r);
	if (!arn)
		return -1;
	free(r->c->role);
	r->c->role = iequals(arn, "default") ? NULL : xstrdup(arn);
	if (r->c->role && strchr(arn, ','))
		return rs_refuse(r->w->err, "a chain of roles in IAM_ROLE");
	if (r->c->role && !starts_with(arn, "arn:"))
		return err_set(r->w->err, ERR_INVALID, "ERROR: Invalid IAM role ARN: %s", arn);
	return 0;
}

/* CREDENTIALS 'aws_iam_role=…': the old spelling of the same. */
static int o_credentials(struct reader *r)
{
	const char *given = text(r);

	if (!given)
		return -1;
	if (!starts_with(given, "aws_iam_role="))
		return rs_refuse(r->w->err, "access by keys (IAM_ROLE is)");
	free(r->c->role);
	r->c->role = xstrdup(given + strlen("aws_iam_role="));
	r->role_given = true;
	return 0;
}

static int o_region(struct reader *r)
{
	const char *region = text(r);

	if (!region)
		return -1;
	free(r->c->region);
	r->c->region = xstrdup(region);
	return 0;
}

static int json_paths(struct reader *r)
{
	const char *how = "auto";

	r->c->format = "JSON";
	eat(r, "as");
	if (r->at < r->to && r->t->v[r->at].kind == RS_STRING)
		how = r->t->v[r->at++].text;
	if (!iequals(how, "auto") && !iequals(how, "auto ignorecase"))
		return rs_refuse(r->w->err, "JSON with anything but 'auto'");
	return 0;
}

static int csv_quote(struct reader *r)
{
	const char *quote;

	r->c->format = "CSV";
	if (!eat(r, "quote"))
		return 0;
	quote = text(r);
	if (!quote)
		return -1;
	json_set_str(r->c->options, "quote", quote);
	json_set_str(r->c->options, "escape", quote);
	return 0;
}

static int o_parquet(struct reader *r)
{
	r->c->format = "PARQUET";
	return 0;
}

static int o_format(struct reader *r)
{
	eat(r, "as");
	if (eat(r, "parquet"))
		return o_parquet(r);
	if (eat(r, "csv"))
		return csv_quote(r);
	if (!r->unload && eat(r, "json"))
		return json_paths(r);
	if (r->at >= r->to)
		return rs_syntax(r->t, r->t->nr, r->w->err);
	return rs_refuse(r->w->err, "this FORMAT");
}

static int o_delimiter(struct reader *r)
{
	const char *delimiter = text(r);

	if (delimiter)
		json_set_str(r->c->options, "delimiter", delimiter);
	return delimiter ? 0 : -1;
}

static int o_null(struct reader *r)
{
	const char *null = text(r);

	if (null)
		json_set_str(r->c->options, "null", null);
	return null ? 0 : -1;
}

static int o_ignoreheader(struct reader *r)
{
	long long lines;

	eat(r, "as");
	if (r->at >= r->to || parse_int64(r->t->v[r->at].text, 0, INT32_MAX, &lines))
		return rs_syntax(r->t, r->at < r->to ? r->at : r->t->nr, r->w->err);
	r->at++;
	json_set_i64(r->c->options, "ignoreheader", lines);
	return 0;
}

static int o_manifest(struct reader *r)
{
	r->c->manifest = true;
	return r->unload ? rs_refuse(r->w->err, "UNLOAD with MANIFEST") : 0;
}

static int o_gzip(struct reader *r)
{
	r->c->gzip = true;
	json_set_bool(r->c->options, "gzip", true);
	return 0;
}

static int o_emptyasnull(struct reader *r)
{
	json_set_bool(r->c->options, "emptyasnull", true);
	return 0;
}

static int o_header(struct reader *r)
{
	json_set_bool(r->c->options, "header", true);
	return 0;
}

static int o_overwrite(struct reader *r)
{
	r->c->overwrite = true;
	return 0;
}

static int on_off(struct reader *r, bool *off)
{
	*off = false;
	if (eat(r, "off") || eat(r, "false"))
		*off = true;
	else if (!eat(r, "on"))
		eat(r, "true");
	return 0;
}

static int o_parallel(struct reader *r)
{
	return on_off(r, &r->c->parallel_off);
}

/* COMPUPDATE and STATUPDATE say how a table is stored and planned for. */
static int o_update(struct reader *r)
{
	bool off;

	eat(r, "preset");
	return on_off(r, &off);
}

/* The formats that DuckDB reads dates and times in are Redshift's 'auto' for what pipelines write. */
static int o_date(struct reader *r)
{
	const char *format = text(r);

	if (!format)
		return -1;
	return iequals(format, "auto") || iequals(format, "yyyy-mm-dd") ||
			       iequals(format, "yyyy-mm-dd hh24:mi:ss")
		       ? 0
		       : rs_refuse(r->w->err, "this DATEFORMAT or TIMEFORMAT");
}

static int o_maxfilesize(struct reader *r)
{
	if (r->at >= r->to || r->t->v[r->at].kind != RS_NUMBER)
		return rs_syntax(r->t, r->at < r->to ? r->at : r->t->nr, r->w->err);
	r->at++;
	if (!eat(r, "mb"))
		eat(r, "gb");
	return 0;
}

static int o_none(unused_arg struct reader *r)
{
	return 0;
}

enum where { IN_COPY = 1, IN_UNLOAD = 2, IN_BOTH = 3 };
static const struct {
	const char *word;
	enum where where;
	option_fn *read;
} options[] = {
	{"allowoverwrite", IN_UNLOAD, o_overwrite},
	{"acceptanydate", IN_COPY, NULL},
	{"blanksasnull", IN_COPY, NULL},
	{"compupdate", IN_COPY, o_update},
	{"credentials", IN_BOTH, o_credentials},
	{"csv", IN_BOTH, csv_quote},
	{"dateformat", IN_COPY, o_date},
	{"delimiter", IN_BOTH, o_delimiter},
	{"emptyasnull", IN_COPY, o_emptyasnull},
	{"extension", IN_UNLOAD, NULL},
	{"format", IN_BOTH, o_format},
	{"gzip", IN_BOTH, o_gzip},
	{"header", IN_UNLOAD, o_header},
	{"iam_role", IN_BOTH, o_role},
	{"ignoreheader", IN_COPY, o_ignoreheader},
	{"json", IN_COPY, json_paths},
	{"manifest", IN_BOTH, o_manifest},
	{"maxfilesize", IN_UNLOAD, o_maxfilesize},
	{"null", IN_BOTH, o_null},
	{"parallel", IN_UNLOAD, o_parallel},
	{"parquet", IN_BOTH, o_parquet},
	{"region", IN_BOTH, o_region},
	{"statupdate", IN_COPY, o_update},
	{"timeformat", IN_COPY, o_date},
	{"trimblanks", IN_COPY, o_none},
};

static int refuse_option(struct reader *r, const char *word)
{
	char *what = xasprintf("the option %s of %s", word, r->unload ? "UNLOAD" : "COPY");

	for (char *p = what + strlen("the option "); *p && *p != ' '; p++)
		*p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
	rs_refuse(r->w->err, what);
	free(what);
	return -1;
}

static int read_option(struct reader *r)
{
	const char *word = r->t->v[r->at].text;

	if (r->t->v[r->at].kind != RS_WORD)
		return rs_syntax(r->t, r->at, r->w->err);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(options[i].word, word) != 0)
			continue;
		if (!(options[i].where & (r->unload ? IN_UNLOAD : IN_COPY)))
			return rs_syntax(r->t, r->at, r->w->err);
		r->at++;
		return options[i].read ? options[i].read(r) : refuse_option(r, word);
	}
	return refuse_option(r, word);
}

/* What was not said, and what does not go together. */
static int complete(struct reader *r)
{
	struct rs_copy *c = r->c;
	struct json *o = c->options;
	bool csv = !strcmp(c->format, "CSV");

	if (!r->role_given)
		return err_set(r->w->err, ERR_INVALID, "ERROR: CREDENTIALS argument is required");
	if (!starts_with(c->place, "s3://"))
		return err_set(r->w->err, ERR_INVALID,
			"ERROR: The location '%s' is not supported: an s3:// one is", c->place);
	if (!strcmp(c->format, "PARQUET") &&
		(json_get(o, "ignoreheader") || json_get(o, "delimiter") || c->gzip))
		return err_set(r->w->err, ERR_INVALID,
			"ERROR: %s argument is not supported for PARQUET based %s",
			c->gzip                    ? "GZIP"
			: json_get(o, "delimiter") ? "DELIMITER"
						   : "IGNOREHEADER",
			r->unload ? "UNLOAD" : "COPY");
	if (!json_get(o, "delimiter"))
		json_set_str(o, "delimiter", csv ? "," : "|");
	if (!json_get(o, "null"))
		json_set_str(o, "null", r->unload ? "" : "\\N");
	if (!json_get(o, "quote")) {
		json_set_str(o, "quote", csv ? "\"" : "");
		json_set_str(o, "escape", csv ? "\"" : "");
	}
	return 0;
}

static int read_options(struct reader *r)
{
	while (r->at < r->to)
		if (read_option(r))
			return -1;
	return complete(r);
}

/* --- COPY --- */

static bool is_name(const struct reader *r, size_t i)
{
	return i < r->to && (r->t->v[i].kind == RS_WORD || r->t->v[i].kind == RS_QUOTED);
}

static int copy_target(struct reader *r)
{
	struct rs_copy *c = r->c;
	const char *parts[3] = {NULL, NULL, NULL};
	size_t nr = 0;

	for (;;) {
		if (!is_name(r, r->at) || nr == 3)
			return rs_syntax(r->t, r->at, r->w->err);
		parts[nr++] = r->t->v[r->at++].text;
		if (!eat(r, "."))
			break;
	}
	c->table = xstrdup(parts[nr - 1]);
	c->schema = nr > 1 ? xstrdup(parts[nr - 2]) : NULL;
	if (!rs_is(r->t, r->at, "("))
		return 0;
	c->columns = json_array();
	for (r->at++; is_name(r, r->at);) {
		json_push_str(c->columns, r->t->v[r->at++].text);
		if (!eat(r, ","))
			break;
	}
	return eat(r, ")") ? 0 : rs_syntax(r->t, r->at, r->w->err);
}

int rs_copy(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	struct reader r = {.w = w, .t = w->t, .at = 1, .to = to, .plan = plan, .c = &plan->copy};
	const char *place;

	plan->what = RS_COPY;
	plan->copy.format = "TEXT";
	plan->copy.options = json_object();
	if (copy_target(&r))
		return -1;
	if (!eat(&r, "from"))
		return rs_syntax(w->t, r.at < to ? r.at : w->t->nr, w->err);
	place = text(&r);
	if (!place)
		return -1;
	plan->copy.place = xstrdup(place);
	return read_options(&r);
}

/* --- UNLOAD --- */

/* The query is a string with a statement in it. */
static int unload_query(struct reader *r, const char *sql)
{
	struct rs_plan inner = RS_PLAN_INIT;
	int ret = rs_plan(sql, NULL, &inner, r->w->err);

	if (!ret && (inner.what != RS_RUN || inner.sql.nr != 1))
		ret = err_set(r->w->err, ERR_INVALID, "ERROR: UNLOAD takes a SELECT");
	if (!ret)
		strvec_push(&r->plan->sql, inner.sql.v[0]);
	rs_plan_release(&inner);
	return ret;
}

int rs_unload(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	struct reader r = {.w = w,
		.t = w->t,
		.at = 1,
		.to = to,
		.plan = plan,
		.c = &plan->copy,
		.unload = true};
	const char *sql, *place;

	plan->what = RS_UNLOAD;
	plan->copy.format = "TEXT";
	plan->copy.options = json_object();
	if (!eat(&r, "("))
		return rs_syntax(w->t, 1, w->err);
	sql = text(&r);
	if (!sql || unload_query(&r, sql))
		return -1;
	if (!eat(&r, ")") || !eat(&r, "to"))
		return rs_syntax(w->t, r.at < to ? r.at : w->t->nr, w->err);
	place = text(&r);
	if (!place)
		return -1;
	plan->copy.place = xstrdup(place);
	if (read_options(&r))
		return -1;
	return strcmp(plan->copy.format, "TEXT")
		       ? 0
		       : rs_refuse(w->err, "UNLOAD without FORMAT PARQUET or CSV");
}
