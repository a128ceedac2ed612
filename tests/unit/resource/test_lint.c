/* Who starts what, and what a role may do: the parts of Glue lint that reason. */
#include "testing.h"

#include "lint.h"
#include "lint_rights.h"
#include "stack.h"
#include "strbuf.h"

/* --- chains of triggers --- */

/* "RULE LogicalId" of each finding, in the rules' order, with blanks between. */
static char *findings(const char *resources)
{
	struct strbuf source = STRBUF_INIT, out = STRBUF_INIT;
	struct err_list errors = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
	const struct stack_context ctx = {.project = "p",
		.account = "111122223333",
		.region = "eu-west-1",
		.partition = "aws"};
	struct stack *stack;
	struct lint_resource *v;

	strbuf_addf(&source, "Resources:\n%s", resources);
	stack = stack_bind("s",
		template_parse(
			"t.yaml", source.buf, source.len, resource_schemas(), &errors, &warnings),
		&ctx, NULL, 0, &errors, &warnings);
	for (size_t i = 0; i < errors.nr; i++)
		fail_msg("%s", errors.v[i].text);
	v = xcalloc(stack->nr_resources, sizeof(*v));
	for (size_t i = 0; i < stack->nr_resources; i++) {
		struct eval eval = {.stack = stack};
		struct err err = ERR_INIT;
		struct json *props = NULL;

		assert_ok(stack_eval_properties(&eval, &stack->resources[i], &props, &err), &err);
		v[i] = (struct lint_resource){.decl = &stack->resources[i],
			.name = stack->resources[i].template->logical_id,
			.props = props};
	}
	lint_run(&(struct lint_input){.v = v,
			 .nr = stack->nr_resources,
			 .stacks = &stack,
			 .nr_stacks = 1,
			 .partition = "aws",
			 .region = ctx.region,
			 .account = ctx.account},
		&warnings, &warnings);
	for (size_t i = 0; i < warnings.nr; i++)
		if (warnings.v[i].rule)
			strbuf_addf(&out, "%s%s %s", out.len ? " " : "", warnings.v[i].rule,
				warnings.v[i].logical_id);
	for (size_t i = 0; i < stack->nr_resources; i++)
		json_free((struct json *)(uintptr_t)v[i].props);
	free(v);
	stack_free(stack);
	err_list_release(&errors);
	err_list_release(&warnings);
	strbuf_release(&source);
	return strbuf_detach(&out, NULL);
}

#define FLOW "  W: {Type: 'AWS::Glue::Workflow', Properties: {Name: W}}\n"
#define START(id, action)                                                                        \
	"  " id ": {Type: 'AWS::Glue::Trigger', Properties: {Type: ON_DEMAND, WorkflowName: W, " \
	"Actions: [{JobName: " action "}]}}\n"
#define JOB(name) "{LogicalOperator: EQUALS, JobName: " name ", State: SUCCEEDED}"
#define CRAWL(name) "{LogicalOperator: EQUALS, CrawlerName: " name ", CrawlState: SUCCEEDED}"
#define WHEN_IN(flow, id, logical, conditions, actions)                           \
	"  " id ": {Type: 'AWS::Glue::Trigger', Properties: {Type: CONDITIONAL, " \
	"StartOnCreation: true, " flow "Predicate: {Logical: " logical            \
	", Conditions: [" conditions "]}, Actions: [" actions "]}}\n"
#define WHEN(id, logical, conditions, actions) \
	WHEN_IN("WorkflowName: W, ", id, logical, conditions, actions)

static void test_lint__chains(void **state)
{
	(void)state;
	static const struct {
		const char *resources, *want;
	} cases[] = {
		{FLOW START("A", "a") WHEN("B", "AND", JOB("a"), "{JobName: b}"), ""},
		/* order in the template means nothing */
		{FLOW WHEN("C", "AND", JOB("b"), "{JobName: c}")
				WHEN("B", "AND", JOB("a"), "{JobName: b}") START("A", "a"),
			""},
		/* the root alone is told, not what hangs on it */
		{FLOW START("A", "a") WHEN("B", "AND", JOB("x"), "{JobName: b}")
				WHEN("C", "AND", JOB("b"), "{JobName: c}"),
			"GL003 B"},
		{FLOW START("A", "a") WHEN("B", "AND", JOB("a") ", " JOB("x"), "{JobName: b}"),
			"GL003 B"},
		{FLOW START("A", "a") WHEN("B", "ANY", JOB("a") ", " JOB("x"), "{JobName: b}"), ""},
		{FLOW START("A", "a") WHEN("B", "ANY", JOB("x") ", " JOB("y"), "{JobName: b}"),
			"GL003 B GL003 B"},
		/* a crawler is not a job of the same name */
		{FLOW START("A", "a") WHEN("B", "AND", CRAWL("a"), "{JobName: b}"), "GL003 B"},
		/* a loop back that a start feeds is fine, one that feeds itself is not */
		{FLOW START("A", "a") WHEN("B", "ANY", JOB("a") ", " JOB("c"), "{JobName: b}")
				WHEN("C", "AND", JOB("b"), "{JobName: c}"),
			""},
		{FLOW START("A", "a") WHEN("B", "AND", JOB("a") ", " JOB("c"), "{JobName: b}")
				WHEN("C", "AND", JOB("b"), "{JobName: c}")
					WHEN("D", "AND", JOB("c"), "{JobName: d}"),
			"GL005 B"},
		{FLOW START("A", "a") WHEN("B", "AND", JOB("c"), "{JobName: b}") WHEN("C", "AND",
			 JOB("b"), "{JobName: c}") WHEN("D", "AND", JOB("e"), "{JobName: d}")
				WHEN("E", "AND", JOB("d"), "{JobName: e}"),
			"GL005 B GL005 D"},
		/* no start */
		{FLOW WHEN("B", "AND", JOB("a"), "{JobName: b}"), "GL002 W"},
		{FLOW, ""},
		{FLOW START("A", "a") START("B", "b") START("C", "c"), "GL001 B GL001 C"},
		/* a workflow of somebody else may have triggers that we do not see */
		{START("A", "a") WHEN("B", "AND", JOB("x"), "{JobName: b}"), ""},
		/* another chain's start does not count */
		{FLOW START("A", "a") WHEN_IN("", "B", "AND", JOB("a"), "{JobName: b}"), "GL004 B"},
		{FLOW START("A", "a") WHEN_IN("", "B", "AND", JOB("x"), "{JobName: b}"), "GL003 B"},
		/* what is not known yet may be anything */
		{FLOW START("A", "!Ref W") WHEN("B", "AND", JOB("x"), "{JobName: b}"), "GL003 B"},
		{FLOW START("A", "!GetAtt R.RoleId") WHEN("B", "AND", JOB("x"),
			 "{JobName: b}") "  R: {Type: 'AWS::IAM::Role', Properties: "
					 "{AssumeRolePolicyDocument: {}}}\n",
			""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got = findings(cases[i].resources);

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("case %zu: '%s' instead of '%s'", i, got, cases[i].want);
		free(got);
	}
}

static void test_lint__a_long_chain_is_judged_fast(void **state)
{
	(void)state;
	struct strbuf text = STRBUF_INIT;
	char *got;

	/* the last one first, so that what fires spreads by one step a round */
	for (int i = 300; i > 0; i--)
		strbuf_addf(&text,
			"  T%d: {Type: 'AWS::Glue::Trigger', Properties: {Type: CONDITIONAL, "
			"StartOnCreation: true, WorkflowName: W, Predicate: {Conditions: "
			"[{LogicalOperator: EQUALS, JobName: j%d, State: SUCCEEDED}]}, "
			"Actions: [{JobName: j%d}]}}\n",
			i, i, i + 1);
	strbuf_addstr(&text, FLOW START("A", "j1"));
	got = findings(text.buf);
	assert_string_equal(got, "");
	free(got);
	strbuf_release(&text);
}

static void test_lint__the_table_is_in_order(void **state)
{
	(void)state;
	for (const struct lint_rule *k = lint_rules; k->id; k++) {
		assert_true(starts_with(k->id, "GL") && strlen(k->id) == 5 && *k->title);
		assert_true((k->one != NULL) != (k->all != NULL));
		assert_true((k->one != NULL) == (k->type != NULL));
		if (k[1].id)
			assert_true(strcmp(k->id, k[1].id) < 0);
	}
}

/* --- rights --- */

#define DOC(effect, rest) "{'Statement':[{'Effect':'" effect "'," rest "}]}"
#define BUCKET "arn:aws:s3:::lake/"

static struct json *parsed(const char *text)
{
	char *copy = xstrdup(text);
	struct json *doc;

	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	doc = json_parse(copy, strlen(copy), NULL);
	assert_non_null(doc);
	free(copy);
	return doc;
}

static void test_lint__what_a_document_may_allow(void **state)
{
	(void)state;
	static const struct {
		const char *doc, *action, *arn;
		bool exact, want;
	} cases[] = {
		{DOC("Allow", "'Action':'s3:GetObject','Resource':'*'"), "s3:GetObject", BUCKET,
			false, true},
		{DOC("Allow", "'Action':'S3:get*','Resource':'arn:aws:s3:::lake/*'"),
			"s3:GetObject", BUCKET "a", true, true},
		{DOC("Allow", "'Action':'s3:Put*','Resource':'*'"), "s3:GetObject", BUCKET, false,
			false},
		/* some object of the bucket is enough, the bucket itself is none */
		{DOC("Allow", "'Action':'s3:*','Resource':'arn:aws:s3:::lake/raw/*'"),
			"s3:GetObject", BUCKET, false, true},
		{DOC("Allow", "'Action':'s3:*','Resource':'arn:aws:s3:::lake/raw/x.py'"),
			"s3:GetObject", BUCKET "raw/", false, true},
		{DOC("Allow", "'Action':'s3:*','Resource':'arn:aws:s3:::lake'"), "s3:GetObject",
			BUCKET, false, false},
		{DOC("Allow", "'Action':'s3:*','Resource':'arn:aws:s3:::lake/raw/*'"),
			"s3:GetObject", BUCKET "gold/", false, false},
		{DOC("Allow",
			 "'Action':'s3:*','Resource':['arn:aws:s3:::x/*','arn:aws:s3:::l?k*']"),
			"s3:GetObject", BUCKET "gold/", false, true},
		{DOC("Allow", "'Action':'s3:*','Resource':'arn:aws:s3:::lake/raw/*'"),
			"s3:GetObject", BUCKET "raw", true, false},
		{DOC("Allow", "'NotAction':'iam:*','Resource':'*'"), "s3:GetObject", BUCKET, false,
			true},
		{DOC("Allow", "'NotAction':['s3:*'],'Resource':'*'"), "s3:GetObject", BUCKET, false,
			false},
		/* in doubt it may */
		{DOC("Allow", "'Action':'s3:*','Resource':{'unknown':true}"), "s3:GetObject",
			BUCKET, false, true},
		{DOC("Allow", "'Action':[{'unknown':true}],'Resource':'*'"), "s3:GetObject", BUCKET,
			false, true},
		{DOC("Allow", "'Action':'s3:*','Resource':'arn:aws:s3:::${aws:username}/*'"),
			"s3:GetObject", BUCKET, false, true},
		{DOC("Allow", "'Action':'s3:*','Resource':'*','Condition':{'Bool':{'a':'b'}}"),
			"s3:GetObject", BUCKET, false, true},
		{"{'unknown':true}", "s3:GetObject", BUCKET, false, true},
		{DOC("Deny", "'Action':'s3:*','Resource':'*'"), "s3:GetObject", BUCKET, false,
			false},
		{"{'Statement':{'Effect':'Allow','Action':'*','Resource':'*'}}", "s3:GetObject",
			BUCKET, false, true},
		{"{}", "s3:GetObject", BUCKET, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *doc = parsed(cases[i].doc);

		if (rights_doc_allows(doc, cases[i].action, cases[i].arn, cases[i].exact) !=
			cases[i].want)
			fail_msg("case %zu: %s", i, cases[i].doc);
		json_free(doc);
	}
}

static void test_lint__what_a_document_surely_denies(void **state)
{
	(void)state;
	static const struct {
		const char *doc, *arn;
		bool exact, want;
	} cases[] = {
		{DOC("Deny", "'Action':'s3:*','Resource':'*'"), BUCKET, false, true},
		{DOC("Deny", "'Action':'s3:*','Resource':'arn:aws:s3:::lake/*'"), BUCKET "raw/",
			false, true},
		/* a part of it is still open */
		{DOC("Deny", "'Action':'s3:*','Resource':'arn:aws:s3:::lake/raw/*'"), BUCKET, false,
			false},
		{DOC("Deny", "'Action':'s3:*','Resource':'arn:aws:s3:::lake/raw/'"), BUCKET "raw/",
			false, false},
		{DOC("Deny", "'Action':'s3:*','Resource':'arn:aws:s3:::lake/x'"), BUCKET "x", true,
			true},
		{DOC("Deny", "'Action':'s3:*','Resource':'*','Condition':{'Bool':{'a':'b'}}"),
			BUCKET, false, false},
		{DOC("Deny", "'Action':{'unknown':true},'Resource':'*'"), BUCKET, false, false},
		{DOC("Deny", "'NotAction':'iam:*','Resource':'*'"), BUCKET, false, false},
		{DOC("Allow", "'Action':'s3:*','Resource':'*'"), BUCKET, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *doc = parsed(cases[i].doc);

		if (rights_doc_denies(doc, "s3:GetObject", cases[i].arn, cases[i].exact) !=
			cases[i].want)
			fail_msg("case %zu: %s", i, cases[i].doc);
		json_free(doc);
	}
}
