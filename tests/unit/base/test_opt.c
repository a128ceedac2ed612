#include "testing.h"

#include <string.h>
#include "opt.h"

struct settings {
	bool quiet, verbose;
	const char *region, *local;
	struct strvec set;
	long long parallel;
};

static const struct opt common[] = {
	{.name = "quiet",
		.letter = 'q',
		.kind = OPT_FLAG,
		.offset = offsetof(struct settings, quiet),
		.help = "say nothing"},
	{.name = "verbose",
		.letter = 'v',
		.kind = OPT_FLAG,
		.offset = offsetof(struct settings, verbose),
		.help = "say more"},
	{.name = "region",
		.letter = 'r',
		.kind = OPT_STRING,
		.arg = "NAME",
		.offset = offsetof(struct settings, region),
		.help = "the region"},
	{.name = NULL},
};
static const struct opt own[] = {
	{.name = "set", .kind = OPT_LIST, .arg = "K=V", .offset = offsetof(struct settings, set)},
	{.name = "local",
		.kind = OPT_OPTIONAL,
		.arg = "DIR",
		.offset = offsetof(struct settings, local),
		.help = "here"},
	{.name = "parallel",
		.kind = OPT_INT,
		.arg = "N",
		.min = 1,
		.max = 64,
		.offset = offsetof(struct settings, parallel),
		.help = "calls at once"},
	{.name = NULL},
};
static const struct opt *const tables[] = {common, own, NULL};

/* `line` is split at blanks. */
static int parse(const char *line, struct settings *s, struct strvec *operands, struct err *err)
{
	static struct strvec words = STRVEC_INIT;
	strvec_clear(&words);
	strvec_split(&words, line, ' ');
	*s = (struct settings){.set = STRVEC_INIT};
	strvec_clear(operands);
	return opt_parse(tables, (int)words.nr, words.v, s, operands, err);
}

static void test_opt__all_kinds(void **state)
{
	(void)state;
	struct settings s;
	struct strvec operands = STRVEC_INIT;
	struct err err = ERR_INIT;
	assert_ok(parse("one -qv --region eu-west-1 --set a=b --set=c= --parallel=8 two --local",
			  &s, &operands, &err),
		&err);
	assert_true(s.quiet && s.verbose);
	assert_string_equal(s.region, "eu-west-1");
	assert_int_equal(s.set.nr, 2);
	assert_string_equal(s.set.v[0], "a=b");
	assert_string_equal(s.set.v[1], "c=");
	assert_int_equal(s.parallel, 8);
	assert_string_equal(s.local, "");
	assert_int_equal(operands.nr, 2);
	assert_string_equal(operands.v[1], "two");
	strvec_release(&s.set);
	strvec_release(&operands);
}

static void test_opt__optional_never_takes_the_next_word(void **state)
{
	(void)state;
	struct settings s;
	struct strvec operands = STRVEC_INIT;
	struct err err = ERR_INIT;
	assert_ok(parse("--local setup -rus --region= -- --quiet -", &s, &operands, &err), &err);
	assert_string_equal(s.local, "");
	assert_string_equal(s.region, "");
	assert_false(s.quiet);
	assert_int_equal(operands.nr, 3);
	assert_string_equal(operands.v[1], "--quiet");
	assert_ok(parse("--local=d -", &s, &operands, &err), &err);
	assert_string_equal(s.local, "d");
	assert_string_equal(operands.v[0], "-");
	strvec_release(&operands);
}

static void test_opt__errors(void **state)
{
	(void)state;
	static const struct {
		const char *line, *text, *hint;
	} cases[] = {
		{"--regoin x", "unknown option '--regoin'", "did you mean '--region'?"},
		{"--para=3", "unknown option '--para'", "did you mean '--parallel'?"},
		{"--zzzzzzzz", "unknown option '--zzzzzzzz'", NULL},
		{"-x", "unknown option '-x'", NULL},
		{"--region", "option '--region' needs a value: NAME", NULL},
		{"--quiet=1", "option '--quiet' takes no value", NULL},
		{"--parallel 0", "option '--parallel' wants a whole number from 1 to 64, not '0'",
			NULL},
		{"--parallel x", "option '--parallel' wants a whole number from 1 to 64, not 'x'",
			NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct settings s;
		struct strvec operands = STRVEC_INIT;
		struct err err = ERR_INIT;
		assert_int_equal(parse(cases[i].line, &s, &operands, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_string_equal(err.text, cases[i].text);
		if (cases[i].hint)
			assert_string_equal(err.hint, cases[i].hint);
		else
			assert_null(err.hint);
		err_release(&err);
		strvec_release(&operands);
	}
}

static void test_opt__help_is_aligned(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	opt_help(own, &sb);
	assert_string_equal(sb.buf, "      --set K=V      \n"
				    "      --local[=DIR]  here\n"
				    "      --parallel N   calls at once\n");
	strbuf_release(&sb);
}
