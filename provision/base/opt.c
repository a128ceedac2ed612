#include "opt.h"

#include <string.h>

struct reading {
	const struct opt *const *tables;
	int argc, next;
	char **argv;
	char *base;
	struct err *err;
};

static const struct opt *find_long(const struct opt *const *tables, const char *name, size_t len)
{
	for (; *tables; tables++)
		for (const struct opt *o = *tables; o->name; o++)
			if (strlen(o->name) == len && !memcmp(o->name, name, len))
				return o;
	return NULL;
}

static const struct opt *find_letter(const struct opt *const *tables, char letter)
{
	for (; *tables; tables++)
		for (const struct opt *o = *tables; o->name; o++)
			if (o->letter && o->letter == letter)
				return o;
	return NULL;
}

/* An option that starts with what was typed, or is near enough to it; NULL when none is. */
static const struct opt *find_near(const struct opt *const *tables, const char *name)
{
	const struct opt *best = NULL;
	size_t best_distance = strlen(name) / 3 + 2;
	for (; *tables; tables++) {
		for (const struct opt *o = *tables; o->name; o++) {
			size_t d = edit_distance(o->name, name);
			if (*name && starts_with(o->name, name))
				d = 1;
			if (d < best_distance) {
				best_distance = d;
				best = o;
			}
		}
	}
	return best;
}

static int unknown_option(struct reading *r, const char *name)
{
	const struct opt *near = find_near(r->tables, name);
	err_set(r->err, ERR_USAGE, "unknown option '--%s'", name);
	if (near)
		err_hint(r->err, "did you mean '--%s'?", near->name);
	return -1;
}

static int read_int(struct reading *r, const struct opt *o, const char *value, long long *out)
{
	if (!parse_int64(value, o->min, o->max, out))
		return 0;
	return err_set(r->err, ERR_USAGE,
		"option '--%s' wants a whole number from %lld to %lld, not '%s'", o->name, o->min,
		o->max, value);
}

/* `value` is what stood behind '=' or NULL. */
static int store(struct reading *r, const struct opt *o, const char *value)
{
	void *member = r->base + o->offset;
	if (o->kind == OPT_FLAG) {
		if (value)
			return err_set(r->err, ERR_USAGE, "option '--%s' takes no value", o->name);
		*(bool *)member = true;
		return 0;
	}
	if (o->kind == OPT_OPTIONAL) {
		*(const char **)member = value ? value : "";
		return 0;
	}
	if (!value) {
		if (r->next >= r->argc)
			return err_set(r->err, ERR_USAGE, "option '--%s' needs a value%s%s",
				o->name, o->arg ? ": " : "", o->arg ? o->arg : "");
		value = r->argv[r->next++];
	}
	if (o->kind == OPT_INT)
		return read_int(r, o, value, member);
	if (o->kind == OPT_LIST)
		strvec_push(member, value);
	else
		*(const char **)member = value;
	return 0;
}

static int read_long(struct reading *r, const char *word)
{
	size_t len = strcspn(word, "=");
	const struct opt *o = find_long(r->tables, word, len);
	if (!o) {
		char *name = xstrndup(word, len);
		unknown_option(r, name);
		free(name);
		return -1;
	}
	return store(r, o, word[len] ? word + len + 1 : NULL);
}

/* "-v", "-vq", "-p PATH", "-pPATH" */
static int read_letters(struct reading *r, const char *letters)
{
	for (; *letters; letters++) {
		const struct opt *o = find_letter(r->tables, *letters);
		if (!o)
			return err_set(r->err, ERR_USAGE, "unknown option '-%c'", *letters);
		if (o->kind != OPT_FLAG)
			return store(r, o, letters[1] ? letters + 1 : NULL);
		if (store(r, o, NULL))
			return -1;
	}
	return 0;
}

int opt_parse(const struct opt *const *tables, int argc, char **argv, void *base,
	struct strvec *operands, struct err *err)
{
	struct reading r = {tables, argc, 0, argv, base, err};
	while (r.next < argc) {
		const char *word = argv[r.next++];
		if (!strcmp(word, "--")) {
			while (r.next < argc)
				strvec_push(operands, argv[r.next++]);
		} else if (word[0] == '-' && word[1] == '-') {
			if (read_long(&r, word + 2))
				return -1;
		} else if (word[0] == '-' && word[1]) {
			if (read_letters(&r, word + 1))
				return -1;
		} else {
			strvec_push(operands, word);
		}
	}
	return 0;
}

static void add_left(const struct opt *o, struct strbuf *sb)
{
	if (o->letter)
		strbuf_addf(sb, "  -%c, --%s", o->letter, o->name);
	else
		strbuf_addf(sb, "      --%s", o->name);
	if (o->kind == OPT_OPTIONAL && o->arg)
		strbuf_addf(sb, "[=%s]", o->arg);
	else if (o->arg)
		strbuf_addf(sb, " %s", o->arg);
}

void opt_help(const struct opt *table, struct strbuf *sb)
{
	struct strbuf left = STRBUF_INIT;
	size_t width = 0;
	for (const struct opt *o = table; o->name; o++) {
		strbuf_clear(&left);
		add_left(o, &left);
		if (left.len > width)
			width = left.len;
	}
	for (const struct opt *o = table; o->name; o++) {
		strbuf_clear(&left);
		add_left(o, &left);
		strbuf_addf(sb, "%-*s  %s\n", (int)width, left.buf, o->help ? o->help : "");
	}
	strbuf_release(&left);
}
