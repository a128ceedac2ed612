/*
 * Metric math ("Using math expressions with CloudWatch metrics", Amazon CloudWatch User Guide): arithmetic, comparisons,
 * AND and OR, and the functions of the table below, over series that have one value a period; NaN is a missing one. What
 * is not here is refused.
 */
#include "local_alarms.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include "xalloc.h"

#define DEPTH_MAX 20

/* Series side by side; one that is a number has the same value in all periods. */
struct value {
	size_t series;
	bool number;
	double *v;
};

struct parser {
	struct local_cloud *cloud;
	const struct cw_math *m;
	const char *text, *at;
	int depth;
	struct err *err;
};

static int parse_or(struct parser *p, struct value *out);

static int fail(struct parser *p, const char *what)
{
	return cw_invalid(p->err, "Error in expression '%s': %s at position %zu", p->text, what,
		(size_t)(p->at - p->text) + 1);
}

static double *new_series(const struct parser *p, size_t series)
{
	size_t nr = series * p->m->nr;

	return xcalloc(nr ? nr : 1, sizeof(double));
}

static struct value constant(const struct parser *p, double d)
{
	struct value out = {1, true, new_series(p, 1)};

	for (size_t i = 0; i < p->m->nr; i++)
		out.v[i] = d;
	return out;
}

static void skip(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool take(struct parser *p, const char *token)
{
	size_t len = strlen(token);

	skip(p);
	if (strncmp(p->at, token, len) != 0)
		return false;
	if (isalpha((unsigned char)*token) &&
		(isalnum((unsigned char)p->at[len]) || p->at[len] == '_'))
		return false;
	p->at += len;
	return true;
}

/* --- operators --- */

static double apply(const char *op, double a, double b)
{
	if (isnan(a) || isnan(b))
		return NAN;
	switch (*op) {
	case '+':
		return a + b;
	case '-':
		return a - b;
	case '*':
		return a * b;
	case '/':
		return b == 0 ? NAN : a / b;
	case '^':
		return pow(a, b);
	case '<':
		return op[1] ? a <= b : a < b;
	case '>':
		return op[1] ? a >= b : a > b;
	case '=':
		return a == b;
	case '!':
		return a != b;
	case '&':
		return a != 0 && b != 0;
	default:
		return a != 0 || b != 0;
	}
}

/* Takes b into a. */
static int combine(struct parser *p, const char *op, struct value *a, struct value *b)
{
	size_t series = a->series > b->series ? a->series : b->series;
	double *v = NULL;
	int ret = 0;

	if (a->series != b->series && a->series != 1 && b->series != 1)
		ret = fail(p, "arrays of different sizes");
	else
		v = new_series(p, series);
	for (size_t s = 0; v && s < series; s++)
		for (size_t i = 0; i < p->m->nr; i++)
			v[s * p->m->nr + i] =
				apply(op, a->v[(a->series == 1 ? 0 : s) * p->m->nr + i],
					b->v[(b->series == 1 ? 0 : s) * p->m->nr + i]);
	if (v) {
		free(a->v);
		*a = (struct value){series, a->number && b->number, v};
	}
	free(b->v);
	return ret;
}

/* --- functions --- */

static double fold(char how, double so_far, double d)
{
	if (how == 'M')
		return d > so_far ? d : so_far;
	if (how == 'm')
		return d < so_far ? d : so_far;
	return so_far + d;
}

/* SUM, AVG, MAX, MIN: of the series of an array period by period; of one series over all its periods. */
static void aggregate(const struct parser *p, char how, struct value *a)
{
	size_t nr = p->m->nr, groups = a->series == 1 ? 1 : nr;
	struct value out = {1, a->series == 1, new_series(p, 1)};

	for (size_t g = 0; g < groups; g++) {
		double acc = NAN;
		size_t n = 0;

		for (size_t k = 0; k < a->series * nr; k++) {
			if (isnan(a->v[k]) || (a->series != 1 && k % nr != g))
				continue;
			acc = n++ ? fold(how, acc, a->v[k]) : a->v[k];
		}
		if (how == 'A' && n)
			acc /= (double)n;
		for (size_t i = 0; i < nr; i++)
			if (a->series == 1 || i == g)
				out.v[i] = acc;
	}
	free(a->v);
	*a = out;
}

static void each(const struct parser *p, double (*fn)(double), struct value *a)
{
	for (size_t i = 0; i < a->series * p->m->nr; i++)
		a->v[i] = fn(a->v[i]);
}

static void fill(const struct parser *p, struct value *a, const struct value *with)
{
	for (size_t s = 0; s < a->series; s++)
		for (size_t i = 0; i < p->m->nr; i++) {
			double *d = &a->v[s * p->m->nr + i];

			if (isnan(*d))
				*d = with ? with->v[i] : i ? d[-1] : NAN;
		}
}

static void choose(
	const struct parser *p, struct value *c, const struct value *yes, const struct value *no)
{
	for (size_t i = 0; i < p->m->nr; i++)
		c->v[i] = isnan(c->v[i]) ? NAN : c->v[i] != 0 ? yes->v[i] : no->v[i];
	c->number = false;
}

static const struct function {
	const char *name;
	size_t arguments;
	char fold;
	double (*each)(double);
} functions[] = {
	{"ABS", 1, 0, fabs},
	{"AVG", 1, 'A', NULL},
	{"CEIL", 1, 0, ceil},
	{"FILL", 2, 0, NULL},
	{"FLOOR", 1, 0, floor},
	{"IF", 3, 0, NULL},
	{"MAX", 1, 'M', NULL},
	{"MIN", 1, 'm', NULL},
	{"SUM", 1, 'S', NULL},
};

static int call(struct parser *p, const struct function *f, struct value *args, bool repeat)
{
	if (f->fold)
		aggregate(p, f->fold, &args[0]);
	else if (f->each)
		each(p, f->each, &args[0]);
	else if (f->arguments == 2)
		fill(p, &args[0], repeat ? NULL : &args[1]);
	else if (args[0].series != 1 || args[1].series != 1 || args[2].series != 1)
		return fail(p, "IF takes no arrays");
	else
		choose(p, &args[0], &args[1], &args[2]);
	return 0;
}

static int parse_call(struct parser *p, const struct function *f, struct value *out)
{
	struct value args[3] = {{0}};
	bool repeat = false;
	int ret = 0;

	for (size_t i = 0; !ret && i < f->arguments; i++) {
		if (i && !take(p, ","))
			ret = fail(p, "',' is expected");
		else if (i == 1 && f->arguments == 2 && take(p, "REPEAT"))
			repeat = true;
		else
			ret = parse_or(p, &args[i]);
	}
	if (!ret && !take(p, ")"))
		ret = fail(p, "')' is expected");
	if (!ret && f->arguments == 2 && !repeat && args[1].series != 1)
		ret = fail(p, "FILL takes a number or a series");
	if (!ret)
		ret = call(p, f, args, repeat);
	for (size_t i = ret ? 0 : 1; i < 3; i++)
		free(args[i].v);
	if (!ret)
		*out = args[0];
	return ret;
}

/* --- what stands for itself --- */

static void append(const struct parser *p, struct value *to, struct value *more)
{
	size_t nr = p->m->nr;
	double *v = new_series(p, to->series + more->series);

	memcpy(v, to->v, to->series * nr * sizeof(double));
	memcpy(v + to->series * nr, more->v, more->series * nr * sizeof(double));
	free(to->v);
	free(more->v);
	*to = (struct value){to->series + more->series, false, v};
}

static int parse_array(struct parser *p, struct value *out)
{
	struct value one;

	*out = (struct value){0, false, new_series(p, 0)};
	do {
		if (parse_or(p, &one)) {
			free(out->v);
			return -1;
		}
		append(p, out, &one);
	} while (take(p, ","));
	if (take(p, "]"))
		return 0;
	free(out->v);
	return fail(p, "']' is expected");
}

/* METRICS(): all metrics of the list, no expressions. */
static int all_metrics(struct parser *p, struct value *out)
{
	const struct json *q;

	*out = (struct value){0, false, new_series(p, 0)};
	json_each(q, p->m->list)
	{
		struct value one = {1, false, new_series(p, 1)};
		const char *id = json_get_str(q, "Id");

		if (!json_get(q, "MetricStat") || !id) {
			free(one.v);
			continue;
		}
		if (cw_series_of_tx(p->cloud, p->m, id, one.v, p->err)) {
			free(one.v);
			free(out->v);
			return -1;
		}
		append(p, out, &one);
	}
	return 0;
}

static int parse_word(struct parser *p, struct value *out)
{
	size_t len = 0;
	char word[256];
	int ret;

	while (isalnum((unsigned char)p->at[len]) || p->at[len] == '_')
		len++;
	if (len >= sizeof(word))
		return fail(p, "the name is too long");
	memcpy(word, p->at, len);
	word[len] = '\0';
	p->at += len;
	if (take(p, "(")) {
		if (!strcmp(word, "METRICS") && take(p, ")"))
			return all_metrics(p, out);
		for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
			if (!strcmp(word, functions[i].name))
				return parse_call(p, &functions[i], out);
		return cw_invalid(p->err,
			"The function %s of expression '%s' is not supported by the local cloud",
			word, p->text);
	}
	*out = (struct value){1, false, new_series(p, 1)};
	ret = cw_series_of_tx(p->cloud, p->m, word, out->v, p->err);
	if (ret)
		free(out->v);
	return ret;
}

static int parse_atom(struct parser *p, struct value *out)
{
	char *end;
	int ret;

	skip(p);
	if (isdigit((unsigned char)*p->at) || *p->at == '.') {
		*out = constant(p, strtod(p->at, &end));
		p->at = end;
		return 0;
	}
	if (isalpha((unsigned char)*p->at))
		return parse_word(p, out);
	if (take(p, "["))
		return parse_array(p, out);
	if (!take(p, "("))
		return fail(p, "a metric, a number or a function is expected");
	ret = parse_or(p, out);
	if (!ret && !take(p, ")")) {
		free(out->v);
		ret = fail(p, "')' is expected");
	}
	return ret;
}

static int parse_unary(struct parser *p, struct value *out)
{
	struct value zero;
	int ret;

	if (++p->depth > DEPTH_MAX * 4)
		return fail(p, "it is nested too deeply");
	if (!take(p, "-")) {
		ret = parse_atom(p, out);
	} else if ((ret = parse_unary(p, out)) == 0) {
		zero = constant(p, 0);
		ret = combine(p, "-", &zero, out);
		*out = zero;
		if (ret)
			free(zero.v);
	}
	p->depth--;
	return ret;
}

/* Operators by how tightly they bind; "<=" stands before "<". */
static const char *const levels[][8] = {
	{"||", "OR", NULL},
	{"&&", "AND", NULL},
	{"<=", ">=", "==", "!=", "<", ">", NULL},
	{"+", "-", NULL},
	{"*", "/", NULL},
	{"^", NULL},
};

static const char *take_operator(struct parser *p, size_t level)
{
	for (const char *const *op = levels[level]; *op; op++)
		if (take(p, *op))
			return !strcmp(*op, "AND") ? "&&" : !strcmp(*op, "OR") ? "||" : *op;
	return NULL;
}

static int parse_level(struct parser *p, size_t level, struct value *out)
{
	struct value right;
	const char *op;

	if (level == ARRAY_SIZE(levels))
		return parse_unary(p, out);
	if (parse_level(p, level + 1, out))
		return -1;
	while ((op = take_operator(p, level))) {
		if (parse_level(p, level + 1, &right)) {
			free(out->v);
			return -1;
		}
		if (combine(p, op, out, &right)) {
			free(out->v);
			return -1;
		}
	}
	return 0;
}

static int parse_or(struct parser *p, struct value *out)
{
	return parse_level(p, 0, out);
}

int cw_math_tx(struct local_cloud *cloud, const struct cw_math *m, const char *expression,
	double *values, struct err *err)
{
	struct cw_math inner = *m;
	struct parser p = {
		.cloud = cloud, .m = &inner, .text = expression, .at = expression, .err = err};
	struct value out;
	int ret = 0;

	if (++inner.depth > DEPTH_MAX)
		return cw_invalid(err, "The expression '%s' names itself", expression);
	if (parse_or(&p, &out))
		return -1;
	skip(&p);
	if (*p.at)
		ret = fail(&p, "an operator is expected");
	else if (out.series != 1)
		ret = fail(&p, "it must give one time series; in all there are more");
	for (size_t i = 0; !ret && i < m->nr; i++)
		values[i] = isfinite(out.v[i]) ? out.v[i] : NAN;
	free(out.v);
	return ret;
}
