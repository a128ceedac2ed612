/*
 * Templates and what must come of them: cases/NAME.yaml with cases/NAME.expected. A case is loaded, bound with the
 * values in its Metadata.Values, evaluated with resources that answer "<Id>-ref" and "<Id>.<Attribute>", and linted.
 * UPDATE_CASES=1 writes the expected files anew; look at the difference before it is committed.
 */
#include "testing.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fake_types.h"
#include "fs.h"
#include "strbuf.h"

static int answer_attribute(void *payload unused_arg, const struct stack_resource *r,
	const char *attribute, struct json **out, struct err *err unused_arg)
{
	struct strbuf sb = STRBUF_INIT;
	if (attribute && !strcmp(attribute, "RoleId"))
		return 1;
	strbuf_addf(&sb, "%s%s%s", r->template->logical_id, attribute ? "." : "-ref",
		attribute ? attribute : "");
	*out = json_string(sb.buf);
	strbuf_release(&sb);
	return 0;
}

static int answer_import(
	void *payload unused_arg, const char *name, struct json **out, struct err *err)
{
	if (!strcmp(name, "missing-export"))
		return err_set(err, ERR_NOT_FOUND, "there is no export '%s'", name);
	char *text = xasprintf("imported:%s", name);
	*out = json_string(text);
	free(text);
	return 0;
}

static int answer_external(void *payload unused_arg, const struct eval_external *what,
	struct json **out, struct err *err)
{
	if (starts_with(what->name, "missing"))
		return err_set(err, ERR_USAGE, "there is no '%s'", what->name);
	if (starts_with(what->name, "later"))
		return 1;
	if (what->kind == EXTERNAL_ZONES) {
		*out = json_array();
		json_push_str(*out, "zone-a");
		json_push_str(*out, "zone-b");
		return 0;
	}
	char *text = what->kind == EXTERNAL_SECRET
			     ? xasprintf("{\"user\":\"admin\",\"password\":\"hunter2-%s\"}",
				       what->stage ? what->stage : "current")
			     : xasprintf("%s,v%s", what->name, what->version ? what->version : "1");
	*out = json_string(text);
	free(text);
	return 0;
}

static const struct eval_ops answers = {answer_attribute, answer_import, answer_external};

static void print_errors(struct strbuf *out, const char *what, const struct err_list *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		const struct err *e = &list->v[i];
		char *line = err_format(e);
		strbuf_addf(out, "%s: %s\n", what, line);
		if (e->path)
			strbuf_addf(out, "  at %s\n", e->path);
		if (e->hint)
			strbuf_addf(out, "  hint: %s\n", e->hint);
		free(line);
	}
}

static void print_value(struct strbuf *out, const char *what, const char *name, struct json *v)
{
	strbuf_addf(out, "%s %s: ", what, name);
	json_print(v, out);
	strbuf_addch(out, '\n');
	json_free(v);
}

static void print_one_error(struct strbuf *out, struct err *err)
{
	struct err_list one = ERR_LIST_INIT;
	err_list_take(&one, err);
	print_errors(out, "error", &one);
	err_list_release(&one);
}

static void print_resource(struct strbuf *out, const struct stack_resource *r)
{
	struct eval e = {.stack = r->stack, .ops = &answers};
	struct err err = ERR_INIT;
	struct json *props;
	struct strvec secrets = STRVEC_INIT;
	if (stack_eval_properties(&e, r, &props, &err)) {
		print_one_error(out, &err);
		return;
	}
	print_value(out, "resource", r->template->logical_id, props);
	char *refs = strvec_join(&r->refs, " "), *imports = strvec_join(&r->imports, " ");
	if (*refs)
		strbuf_addf(out, "  refs: %s\n", refs);
	if (*imports)
		strbuf_addf(out, "  imports: %s\n", imports);
	assert_ok(stack_eval_secrets(&e, r, &secrets, &err), &err);
	for (size_t i = 0; i < secrets.nr; i++)
		strbuf_addf(out, "  secret: %s\n", secrets.v[i]);
	strvec_release(&secrets);
	free(refs);
	free(imports);
}

static void print_outputs(struct strbuf *out, const struct stack *s)
{
	for (size_t i = 0; i < s->template->nr_outputs; i++) {
		const struct template_output *o = &s->template->outputs[i];
		struct eval e = {.stack = s, .ops = &answers};
		struct err err = ERR_INIT;
		struct json *v;
		if (!stack_condition(s, o->condition))
			continue;
		if (stack_eval(&e, o->value, "Outputs", &v, &err)) {
			print_one_error(out, &err);
			continue;
		}
		print_value(out, "output", o->name, v);
		if (o->export_name && !stack_eval(&e, o->export_name, "Outputs", &v, &err))
			print_value(out, "  export", o->name, v);
	}
}

/* Metadata.Values: {Name: text} */
static size_t read_values(const struct template *t, struct param_value *values, size_t room)
{
	const struct yaml_node *n = yaml_get(t->metadata, "Values");
	size_t nr = n ? n->nr : 0;
	assert_true(nr <= room);
	for (size_t i = 0; i < nr; i++)
		values[i] = (struct param_value){.name = (char *)(uintptr_t)n->pairs[i].key->text,
			.text = (char *)(uintptr_t)n->pairs[i].value->text,
			.source = {.what = "the test"}};
	return nr;
}

static void run_case(const char *name, const char *text, size_t len, struct strbuf *out)
{
	struct err_list errors = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
	struct param_value values[16];
	struct stack_context ctx = fake_context;
	struct stack *s = NULL;
	struct template *t = template_parse(name, text, len, &fake_types, &errors, &warnings);
	if (t) {
		size_t nr = read_values(t, values, ARRAY_SIZE(values));
		if (yaml_get(t->metadata, "NoAccount"))
			ctx.account = NULL;
		s = stack_bind("infra", t, &ctx, values, nr, &errors, &warnings);
	}
	for (size_t i = 0; s && i < s->nr_resources; i++)
		print_resource(out, &s->resources[i]);
	if (s) {
		print_outputs(out, s);
		stack_lint(s, &errors, &warnings);
	}
	print_errors(out, "error", &errors);
	print_errors(out, "warning", &warnings);
	stack_free(s);
	err_list_release(&errors);
	err_list_release(&warnings);
}

static int check_case(const char *relative, const char *path, void *payload, struct err *err)
{
	struct strbuf text = STRBUF_INIT, out = STRBUF_INIT, expected = STRBUF_INIT;
	if (ends_with(path, ".expected"))
		return 0;
	assert_ok(fs_read(path, 1 << 20, &text, err), err);
	run_case(relative, text.buf, text.len, &out);
	const char *dot = strrchr(path, '.');
	char *expected_path = xasprintf("%.*s.expected", (int)(dot - path), path);
	if (getenv("UPDATE_CASES"))
		assert_ok(fs_write_atomic(expected_path, out.buf, out.len, 0644, err), err);
	assert_ok(fs_read(expected_path, 1 << 20, &expected, err), err);
	if (strcmp(out.buf, expected.buf) != 0)
		fail_msg("case '%s' gives\n%s", relative, out.buf);
	++*(size_t *)payload;
	free(expected_path);
	strbuf_release(&text);
	strbuf_release(&out);
	strbuf_release(&expected);
	return 0;
}

static void test_cases__give_what_is_expected(void **state)
{
	(void)state;
	char file[] = __FILE__;
	char *dir = xasprintf("%s/cases", dirname(file));
	struct err err = ERR_INIT;
	size_t nr = 0;
	assert_ok(fs_walk(dir, check_case, &nr, &err), &err);
	assert_true(nr >= 15);
	free(dir);
}
