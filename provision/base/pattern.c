#include "pattern.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MAX_STEPS 2000000
/* so many characters of a repetition are a step */
#define EATEN_A_STEP 16
#define MAX_DEPTH 5000
#define MAX_NESTING 200
#define MAX_COUNT 100000
#define NO_LIMIT SIZE_MAX

enum rx_kind { RX_CHAR, RX_ANY, RX_CLASS, RX_START, RX_END, RX_WORD, RX_GROUP, RX_LOOK };

struct rx_range {
	uint32_t from, to;
	bool except; /* all but the class whose letter is `from`: \D, \W … */
	struct rx_range *next;
};

struct rx_alt;
struct rx_node {
	enum rx_kind kind;
	uint32_t c;
	bool negated; /* RX_CLASS, RX_LOOK, RX_WORD */
	bool lazy, possessive;
	size_t min, max; /* repetitions */
	struct rx_range *ranges;
	struct rx_alt *alts;
	struct rx_node *next;
};
struct rx_alt {
	struct rx_node *first;
	struct rx_alt *next;
};
struct pattern {
	struct rx_alt *alts;
};

/* --- reading --- */
struct reader {
	struct arena *arena;
	const char *text, *p;
	size_t nesting;
};

static int bad(const struct reader *r, struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "%s at character %zu", what, (size_t)(r->p - r->text) + 1);
}

static int unsupported(const struct reader *r, struct err *err, const char *what)
{
	return err_set(err, ERR_FAILED, "%s at character %zu", what, (size_t)(r->p - r->text) + 1);
}

/* One character of UTF-8; a broken byte counts as itself. */
static uint32_t next_char(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	size_t more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
	uint32_t c = more ? s[0] & (0x3fU >> more) : s[0];
	for (size_t i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			*p += 1;
			return s[0];
		}
		c = c << 6 | (s[i] & 0x3fU);
	}
	*p += more + 1;
	return c;
}

static void add_range(struct reader *r, struct rx_node *n, uint32_t from, uint32_t to, bool except)
{
	struct rx_range *range = arena_alloc(r->arena, sizeof(*range));
	range->from = from;
	range->to = to;
	range->except = except;
	range->next = n->ranges;
	n->ranges = range;
}

static const struct {
	char letter;
	const char *ranges; /* pairs */
} classes[] = {
	{'d', "09"},
	{'w', "azAZ09__"},
	{'s', "  \t\r"},
	{'h', "  \t\t"},
};

/* \d \w \s \h and, in upper case, what they leave out. False: `letter` is none. */
static bool add_class(struct reader *r, struct rx_node *n, char letter)
{
	bool upper = letter >= 'A' && letter <= 'Z';
	char lower = upper ? (char)(letter - 'A' + 'a') : letter;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (classes[i].letter != lower)
			continue;
		const char *p = classes[i].ranges;
		if (upper) {
			add_range(r, n, (unsigned char)lower, 0, true);
			return true;
		}
		for (; *p; p += 2)
			add_range(r, n, (unsigned char)p[0], (unsigned char)p[1], false);
		return true;
	}
	return false;
}

static int read_hex(struct reader *r, size_t digits, uint32_t *out, struct err *err)
{
	*out = 0;
	for (size_t i = 0; i < digits; i++, r->p++) {
		char c = *r->p;
		uint32_t d;
		if (c >= '0' && c <= '9')
			d = (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			d = (uint32_t)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			d = (uint32_t)(c - 'A') + 10;
		else
			return bad(r, err, "a hexadecimal digit is missing");
		*out = *out << 4 | d;
	}
	return 0;
}

/* After a backslash: a single character. */
static int read_escape(struct reader *r, uint32_t *out, struct err *err)
{
	static const char from[] = "tnrfae", to[] = "\t\n\r\f\a\033";
	char c = *r->p;
	if (!c)
		return bad(r, err, "the pattern ends after a backslash");
	const char *at = strchr(from, c);
	if (at) {
		r->p++;
		*out = (unsigned char)to[at - from];
		return 0;
	}
	if (c == 'x' || c == 'u') {
		r->p++;
		return read_hex(r, c == 'x' ? 2 : 4, out, err);
	}
	if (c == '0')
		return unsupported(r, err, "an octal escape");
	if (c >= '1' && c <= '9')
		return unsupported(r, err, "a back reference");
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return unsupported(r, err, "an escape that glueproj does not know");
	*out = next_char(&r->p);
	return 0;
}

/* One end of a range in brackets; *is_class when it was \d and the like. */
static int read_class_item(
	struct reader *r, struct rx_node *n, uint32_t *out, bool *is_class, struct err *err)
{
	*is_class = false;
	if (*r->p == '[')
		return unsupported(r, err, "brackets inside brackets");
	if (r->p[0] == '&' && r->p[1] == '&')
		return unsupported(r, err, "an intersection (&&)");
	if (*r->p != '\\') {
		*out = next_char(&r->p);
		return 0;
	}
	r->p++;
	if (*r->p && add_class(r, n, *r->p)) {
		r->p++;
		*is_class = true;
		return 0;
	}
	return read_escape(r, out, err);
}

static int read_class(struct reader *r, struct rx_node *n, struct err *err)
{
	n->kind = RX_CLASS;
	if (*r->p == '^') {
		n->negated = true;
		r->p++;
	}
	for (bool first = true; first || *r->p != ']'; first = false) {
		uint32_t from = 0, to;
		bool is_class;
		if (!*r->p)
			return bad(r, err, "']' is missing");
		if (read_class_item(r, n, &from, &is_class, err))
			return -1;
		if (is_class)
			continue;
		to = from;
		if (r->p[0] == '-' && r->p[1] && r->p[1] != ']') {
			r->p++;
			if (read_class_item(r, n, &to, &is_class, err))
				return -1;
			if (is_class || to < from)
				return bad(r, err, "a range in brackets ends before it begins");
		}
		add_range(r, n, from, to, false);
	}
	r->p++;
	return 0;
}

static int read_alts(struct reader *r, struct rx_alt **out, struct err *err);

static int read_group(struct reader *r, struct rx_node *n, struct err *err)
{
	n->kind = RX_GROUP;
	if (*r->p == '?') {
		char c = r->p[1];
		if (c == '=' || c == '!') {
			n->kind = RX_LOOK;
			n->negated = c == '!';
		} else if (c != ':') {
			return unsupported(r, err, "this kind of group");
		}
		r->p += 2;
	}
	if (++r->nesting > MAX_NESTING)
		return bad(r, err, "too many groups inside each other");
	if (read_alts(r, &n->alts, err))
		return -1;
	r->nesting--;
	if (*r->p != ')')
		return bad(r, err, "')' is missing");
	r->p++;
	return 0;
}

static int read_backslash(struct reader *r, struct rx_node *n, struct err *err)
{
	switch (*r->p) {
	case 'A':
		n->kind = RX_START;
		break;
	case 'z':
	case 'Z':
		n->kind = RX_END;
		break;
	case 'b':
	case 'B':
		n->kind = RX_WORD;
		n->negated = *r->p == 'B';
		break;
	default:
		if (*r->p && add_class(r, n, *r->p)) {
			n->kind = RX_CLASS;
			break;
		}
		n->kind = RX_CHAR;
		return read_escape(r, &n->c, err);
	}
	r->p++;
	return 0;
}

static int read_atom(struct reader *r, struct rx_node *n, struct err *err)
{
	switch (*r->p) {
	case '.':
		n->kind = RX_ANY;
		break;
	case '^':
		n->kind = RX_START;
		break;
	case '$':
		n->kind = RX_END;
		break;
	case '[':
		r->p++;
		return read_class(r, n, err);
	case '(':
		r->p++;
		return read_group(r, n, err);
	case '\\':
		r->p++;
		return read_backslash(r, n, err);
	case '*':
	case '+':
	case '?':
		return bad(r, err, "nothing to repeat");
	default:
		n->kind = RX_CHAR;
		n->c = next_char(&r->p);
		return 0;
	}
	r->p++;
	return 0;
}

static int read_count(struct reader *r, size_t *out, struct err *err)
{
	if (*r->p < '0' || *r->p > '9')
		return bad(r, err, "a number is missing in braces");
	for (*out = 0; *r->p >= '0' && *r->p <= '9'; r->p++) {
		*out = *out * 10 + (size_t)(*r->p - '0');
		if (*out > MAX_COUNT)
			return bad(r, err, "a number in braces is too large");
	}
	return 0;
}

static int read_braces(struct reader *r, struct rx_node *n, struct err *err)
{
	r->p++;
	if (read_count(r, &n->min, err))
		return -1;
	n->max = n->min;
	if (*r->p == ',') {
		r->p++;
		n->max = NO_LIMIT;
		if (*r->p != '}' && read_count(r, &n->max, err))
			return -1;
	}
	if (*r->p != '}')
		return bad(r, err, "'}' is missing");
	if (n->max < n->min)
		return bad(r, err, "the numbers in braces are the wrong way round");
	r->p++;
	return 0;
}

static int read_repeat(struct reader *r, struct rx_node *n, struct err *err)
{
	n->min = n->max = 1;
	switch (*r->p) {
	case '*':
		n->min = 0;
		n->max = NO_LIMIT;
		break;
	case '+':
		n->max = NO_LIMIT;
		break;
	case '?':
		n->min = 0;
		break;
	case '{':
		if (read_braces(r, n, err))
			return -1;
		r->p--;
		break;
	default:
		return 0;
	}
	r->p++;
	if (*r->p == '?')
		n->lazy = true;
	else if (*r->p == '+')
		n->possessive = true;
	else
		return 0;
	r->p++;
	return 0;
}

static int read_sequence(struct reader *r, struct rx_node **first, struct err *err)
{
	struct rx_node **end = first;
	while (*r->p && *r->p != '|' && *r->p != ')') {
		struct rx_node *n = arena_alloc(r->arena, sizeof(*n));
		if (read_atom(r, n, err) || read_repeat(r, n, err))
			return -1;
		*end = n;
		end = &n->next;
	}
	return 0;
}

static int read_alts(struct reader *r, struct rx_alt **out, struct err *err)
{
	for (;;) {
		*out = arena_alloc(r->arena, sizeof(**out));
		if (read_sequence(r, &(*out)->first, err))
			return -1;
		if (*r->p != '|')
			return 0;
		r->p++;
		out = &(*out)->next;
	}
}

struct pattern *pattern_compile(struct arena *arena, const char *text, struct err *err)
{
	struct reader r = {.arena = arena, .text = text, .p = text};
	struct pattern *p = arena_alloc(arena, sizeof(*p));
	if (read_alts(&r, &p->alts, err))
		return NULL;
	if (*r.p) {
		bad(&r, err, "')' without '('");
		return NULL;
	}
	return p;
}

/* --- matching: backtracking over continuations --- */
struct matcher {
	const char *text, *end;
	size_t steps, depth;
	bool gave_up;
};

/* What is left to match after a part: the rest of a sequence, or one more round of a repetition. */
struct rest {
	const struct rx_node *next;   /* the rest of a sequence */
	const struct rx_node *repeat; /* or the node being repeated … */
	size_t count;                 /* … that has matched so often */
	const char *began;            /* where this round began: an empty round ends it */
	bool anywhere;                /* the end of a look-ahead: done, wherever it is */
	const struct rest *up;
};

static bool match_nodes(
	struct matcher *m, const struct rx_node *n, const char *p, const struct rest *k);

static bool in_named_class(char letter, uint32_t c)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (classes[i].letter != letter)
			continue;
		for (const char *p = classes[i].ranges; *p; p += 2)
			if (c >= (unsigned char)p[0] && c <= (unsigned char)p[1])
				return true;
	}
	return false;
}

static bool in_class(const struct rx_node *n, uint32_t c)
{
	for (const struct rx_range *r = n->ranges; r; r = r->next)
		if (r->except ? !in_named_class((char)r->from, c) : c >= r->from && c <= r->to)
			return !n->negated;
	return n->negated;
}

/* One character where the node is one that eats exactly one. */
static bool eat_one(const struct matcher *m, const struct rx_node *n, const char **p)
{
	if (*p >= m->end)
		return false;
	const char *q = *p;
	uint32_t c = next_char(&q);
	if (n->kind == RX_CHAR ? c != n->c : n->kind == RX_ANY ? c == '\n' : !in_class(n, c))
		return false;
	*p = q;
	return true;
}

static bool is_word(const struct matcher *m, const char *p)
{
	return p < m->end && in_named_class('w', (unsigned char)*p);
}

static bool match_rest(struct matcher *m, const char *p, const struct rest *k);

static bool match_look(struct matcher *m, const struct rx_node *n, const char *p)
{
	const struct rest anywhere = {.anywhere = true};
	for (const struct rx_alt *a = n->alts; a; a = a->next)
		if (match_nodes(m, a->first, p, &anywhere))
			return !n->negated;
	return n->negated;
}

static bool match_group(
	struct matcher *m, const struct rx_node *n, const char *p, const struct rest *k)
{
	for (const struct rx_alt *a = n->alts; a; a = a->next)
		if (match_nodes(m, a->first, p, k))
			return true;
	return false;
}

/* A group that has matched `count` times: once more, or on with the rest. */
static bool match_rounds(struct matcher *m, const struct rx_node *n, size_t count, const char *p,
	const struct rest *up)
{
	const struct rest again = {.repeat = n, .count = count, .began = p, .up = up};
	bool may_stop = count >= n->min, may_go_on = count < n->max;
	if (may_stop && n->lazy && match_nodes(m, n->next, p, up))
		return true;
	if (may_go_on && match_group(m, n, p, &again))
		return true;
	return may_stop && !n->lazy && match_nodes(m, n->next, p, up);
}

static bool match_single(
	struct matcher *m, const struct rx_node *n, const char *p, const struct rest *k)
{
	size_t count = 0;
	if (n->lazy) {
		for (;; count++) {
			m->steps += count % EATEN_A_STEP == 0;
			if (count >= n->min && match_nodes(m, n->next, p, k))
				return true;
			if (count == n->max || m->gave_up || !eat_one(m, n, &p))
				return false;
		}
	}
	const char *from = p;
	while (count < n->max && eat_one(m, n, &p))
		count++;
	m->steps += count / EATEN_A_STEP;
	for (; count >= n->min; count--) {
		if (match_nodes(m, n->next, p, k))
			return true;
		if (p == from || n->possessive || m->gave_up)
			return false;
		do
			p--;
		while (p > from && ((unsigned char)*p & 0xc0) == 0x80);
	}
	return false;
}

static bool match_rest(struct matcher *m, const char *p, const struct rest *k)
{
	if (!k)
		return p == m->end;
	if (k->anywhere)
		return true;
	if (!k->repeat)
		return match_nodes(m, k->next, p, k->up);
	if (p == k->began && k->count >= k->repeat->min)
		return match_nodes(m, k->repeat->next, p, k->up);
	return match_rounds(m, k->repeat, k->count + 1, p, k->up);
}

static bool match_one(
	struct matcher *m, const struct rx_node *n, const char *p, const struct rest *k)
{
	bool here;
	switch (n->kind) {
	case RX_CHAR:
	case RX_ANY:
	case RX_CLASS:
		return match_single(m, n, p, k);
	case RX_GROUP:
		if (n->min == 1 && n->max == 1) {
			const struct rest after = {.next = n->next, .up = k};
			return match_group(m, n, p, &after);
		}
		return match_rounds(m, n, 0, p, k);
	case RX_START:
		here = p == m->text;
		break;
	case RX_END:
		here = p == m->end;
		break;
	case RX_WORD:
		here = ((p > m->text && is_word(m, p - 1)) != is_word(m, p)) != n->negated;
		break;
	default:
		here = match_look(m, n, p);
		break;
	}
	return (here || !n->min) && match_nodes(m, n->next, p, k);
}

static bool match_nodes(
	struct matcher *m, const struct rx_node *n, const char *p, const struct rest *k)
{
	if (m->gave_up || ++m->steps > MAX_STEPS || m->depth > MAX_DEPTH) {
		m->gave_up = true;
		return false;
	}
	m->depth++;
	bool ok = n ? match_one(m, n, p, k) : match_rest(m, p, k);
	m->depth--;
	return ok;
}

int pattern_match(const struct pattern *p, const char *text)
{
	struct matcher m = {.text = text, .end = text + strlen(text)};
	for (const struct rx_alt *a = p->alts; a; a = a->next)
		if (match_nodes(&m, a->first, text, NULL))
			return 1;
	return m.gave_up ? -1 : 0;
}
