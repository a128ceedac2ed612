/* The README of a package: the commands that bring it to AWS, for a shell. */
#include <stdlib.h>
#include <string.h>
#include "intrinsics.h"
#include "package_parts.h"
#include "plain.h"

/* CloudFormation takes no larger template but from a bucket. */
#define BODY_MAX 51200

/* --- texts of the project file --- */
enum rendering { FOR_PEOPLE, FOR_SHELL };

static void add_shell(struct strbuf *sb, const char *text)
{
	for (; *text; text++) {
		if (strchr("\"\\$`", *text))
			strbuf_addch(sb, '\\');
		strbuf_addch(sb, *text);
	}
}

static void add_output(
	const struct stack *s, const char *name, enum rendering how, struct strbuf *sb)
{
	if (how == FOR_PEOPLE)
		strbuf_addf(sb, "${%s.%s}", s->name, name);
	else
		strbuf_addf(sb,
			"$(aws cloudformation describe-stacks --stack-name %s "
			"--query \"Stacks[0].Outputs[?OutputKey=='%s'].OutputValue\" --output "
			"text)",
			s->name, name);
}

static int add_name(const struct project *p, const char *name, enum rendering how,
	struct strbuf *sb, struct err *err)
{
	static const char *const kept[][2] = {
		{"AWS::AccountId", "$ACCOUNT"}, {"AWS::Region", "$REGION"}};
	char *whole = NULL, *text = NULL;
	const struct stack *from;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (strcmp(kept[i][0], name) != 0)
			continue;
		if (how == FOR_PEOPLE)
			strbuf_addf(sb, "${%s}", name);
		else
			strbuf_addstr(sb, kept[i][1]);
		return 0;
	}
	whole = xasprintf("${%s}", name);
	ret = project_expand(p, whole, NULL, NULL, &text, err);
	from = ret > 0 ? plain_output_stack(p, name) : NULL;
	if (!ret && how == FOR_PEOPLE)
		strbuf_addstr(sb, text);
	else if (!ret)
		add_shell(sb, text);
	else if (from)
		add_output(from, name, how, sb);
	else if (ret > 0)
		err_set(err, ERR_USAGE, "'${%s}' is not known without a cloud", name);
	free(whole);
	free(text);
	return !ret || from ? 0 : -1;
}

/* malloc'd; for a shell without the quotes around it */
static char *render(const struct project *p, const char *text, enum rendering how, struct err *err)
{
	struct strbuf sb = STRBUF_INIT;
	struct sub_piece piece;
	int ret = 0;

	for (const char *at = text; !ret && sub_next(&at, &piece);) {
		char *part = xstrndup(piece.text, piece.len);
		if (piece.kind == SUB_NAME)
			ret = add_name(p, part, how, &sb, err);
		else if (how == FOR_SHELL)
			add_shell(&sb, part);
		else
			strbuf_addstr(&sb, part);
		free(part);
	}
	if (!ret)
		return strbuf_detach(&sb, NULL);
	strbuf_release(&sb);
	return NULL;
}

char *package_text(const struct project *p, const char *text, struct err *err)
{
	return render(p, text, FOR_PEOPLE, err);
}

/* --- lines --- */
static int add_place(
	const struct session *s, struct strbuf *sb, const char *written, struct err *err)
{
	char *text = render(s->project, written, FOR_SHELL, err);

	if (!text)
		return -1;
	strbuf_addf(sb, "\"%s\"", text);
	free(text);
	return 0;
}

static bool is_after(const struct json *entry, const char *stack)
{
	const char *after = json_get_str(entry, "after");

	return stack ? after && !strcmp(after, stack) : !after;
}

/* Copies of all that comes after that stack (NULL: before any). `folder` is what their names are
 * relative to, as a shell has it. */
static int add_copies(const struct session *s, const struct json *list, const char *folder,
	const char *stack, struct strbuf *sb, struct err *err)
{
	struct json *e;

	json_each(e, list)
	{
		if (!is_after(e, stack))
			continue;
		strbuf_addf(sb, "aws s3 cp \"%s", folder);
		add_shell(sb, json_get_str(e, "from"));
		strbuf_addstr(sb, "\" ");
		if (add_place(s, sb, json_get_str(e, "written"), err) < 0)
			return -1;
		strbuf_addch(sb, '\n');
	}
	return 0;
}

static int add_stack(
	const struct session *s, const struct json *stack, struct strbuf *sb, struct err *err)
{
	const char *name = json_get_str(stack, "name"),
		   *parameters = json_get_str(stack, "parameters");
	char *bucket = NULL;
	struct json *e;
	int ret = 0;

	strbuf_addf(sb, "aws cloudformation deploy --stack-name %s --template-file %s", name,
		json_get_str(stack, "template"));
	if (parameters)
		strbuf_addf(sb, " --parameter-overrides file://%s", parameters);
	if (json_len(json_get(stack, "capabilities")))
		strbuf_addstr(sb, " --capabilities");
	json_each(e, json_get(stack, "capabilities")) strbuf_addf(sb, " %s", json_str(e));
	if (json_get_i64(stack, "size", 0) > BODY_MAX) {
		/* a larger one goes by way of the bucket of the programs */
		bucket = xstrndup(s->artifacts,
			strcspn(s->artifacts + strlen("s3://"), "/") + strlen("s3://"));
		strbuf_addstr(sb, " --s3-bucket ");
		ret = add_place(s, sb, bucket + strlen("s3://"), err);
		free(bucket);
	}
	strbuf_addch(sb, '\n');
	return ret;
}

static void add_no_echo(const struct json *manifest, struct strbuf *sb)
{
	struct json *stack, *name;
	bool any = false;

	json_each(stack, json_get(manifest, "stacks"))
	{
		json_each(name, json_get(stack, "no_echo"))
		{
			if (!any)
				strbuf_addstr(sb,
					"\nValues of NoEcho parameters are not in this folder. "
					"Where one is needed, "
					"copy the stack's parameter file\nto a place outside of "
					"version control, add "
					"it there, and name that file in the stack's line:\n\n");
			any = true;
			strbuf_addf(sb, "- stack %s: %s\n", json_get_str(stack, "name"),
				json_str(name));
		}
	}
}

/* What CloudFormation cannot make by itself stands as it is now. */
static void add_fixed(const struct project *p, struct strbuf *sb)
{
	for (size_t i = 0; i < p->nr_stacks; i++) {
		const struct template *t = p->stacks[i]->template;
		const struct yaml_node *n =
			yaml_get(t->written ? t->written : t->root, "Resources");
		if (n && plain_needs_expanding(n))
			strbuf_addf(sb,
				"\nThe branches of the state machine in stack %s are those of the "
				"values "
				"at hand: package again when they change.\n",
				p->stacks[i]->name);
	}
}

static int add_commands(
	const struct session *s, const struct json *manifest, struct strbuf *sb, struct err *err)
{
	const struct json *artifacts = json_get(manifest, "artifacts"),
			  *uploads = json_get(manifest, "uploads");
	const char *bucket = json_get_str(manifest, "needs_bucket");
	struct json *e;

	if (bucket) {
		strbuf_addstr(sb, "aws s3 mb ");
		if (add_place(s, sb, bucket, err) < 0)
			return -1;
		strbuf_addstr(sb, " # unless it is there; no stack makes it\n");
	}
	if (add_copies(s, artifacts, "", NULL, sb, err) < 0)
		return -1;
	json_each(e, json_get(manifest, "stacks"))
	{
		const char *name = json_get_str(e, "name");
		if (add_stack(s, e, sb, err) < 0 ||
			add_copies(s, artifacts, "", name, sb, err) < 0 ||
			add_copies(s, uploads, "$PROJECT/", name, sb, err) < 0)
			return -1;
	}
	if (add_copies(s, uploads, "$PROJECT/", NULL, sb, err) < 0)
		return -1;
	json_each(e, json_get(manifest, "start_crawlers"))
	{
		strbuf_addstr(sb, "aws glue start-crawler --name ");
		if (add_place(s, sb, json_get_str(e, "written"), err) < 0)
			return -1;
		strbuf_addch(sb, '\n');
	}
	return 0;
}

int package_readme(
	const struct session *s, const struct json *manifest, struct strbuf *out, struct err *err)
{
	int ret;

	strbuf_addf(out,
		"# %s, for CloudFormation\n\nWritten by `glueproj package`. The templates are "
		"plain "
		"CloudFormation, the parameter files hold the project's\nvalues, and "
		"`manifest.json` "
		"says which file goes where. With the AWS CLI (version 2), in this "
		"folder:\n\n```sh\n",
		s->project->name);
	if (json_get_str(manifest, "region"))
		strbuf_addf(out, "export AWS_REGION=%s\n", json_get_str(manifest, "region"));
	strbuf_addstr(out, "ACCOUNT=$(aws sts get-caller-identity --query Account --output text)\n"
			   "REGION=${AWS_REGION:-$(aws configure get region)}\n");
	if (json_len(json_get(manifest, "uploads")))
		strbuf_addstr(out, "PROJECT=.. # the folder of glueproj.yaml\n");
	ret = add_commands(s, manifest, out, err);
	strbuf_addstr(out, "```\n");
	add_no_echo(manifest, out);
	add_fixed(s->project, out);
	return ret;
}
