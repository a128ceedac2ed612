/* Every text is fed in blocks of 1, 2, 7 and all bytes, which must not matter. */
#include "dataset_json.h"

#include <stdlib.h>
#include <string.h>
#include "strbuf.h"
#include "strvec.h"
#include "testing.h"

struct bytes {
	const char *text;
	size_t len, at, step;
};

static ssize_t give(void *payload, const void **block, unused_arg struct err *err)
{
	struct bytes *b = payload;
	size_t n = b->len - b->at < b->step ? b->len - b->at : b->step;

	*block = b->text + b->at;
	b->at += n;
	return (ssize_t)n;
}

static int run_bytes(
	const char *columns, const char *path, struct bytes *b, struct strbuf *out, struct err *err)
{
	struct strvec names = STRVEC_INIT;
	struct json_feed_how how = {.path = path};
	struct json_feed *f;
	const void *block = NULL;
	ssize_t n = -1;

	strvec_split(&names, columns, ',');
	how.names = xcalloc(names.nr, sizeof(*how.names));
	for (; how.nr_names < names.nr; how.nr_names++)
		how.names[how.nr_names] = names.v[how.nr_names];
	how.whole_arrays = strvec_has(&names, "array");
	f = json_feed_new(&how, give, b, "x.json", err);
	strbuf_clear(out);
	while (f && (n = json_feed_read(f, &block, err)) > 0)
		strbuf_add(out, block, (size_t)n);
	json_feed_free(f);
	free(how.names);
	strvec_release(&names);
	return n < 0 ? -1 : 0;
}

static int run(const char *columns, const char *path, const char *text, size_t step,
	struct strbuf *out, struct err *err)
{
	struct bytes b = {text, strlen(text), 0, step};

	return run_bytes(columns, path, &b, out, err);
}

static const size_t steps[] = {1, 2, 7, SIZE_MAX};

static void gives(const char *columns, const char *path, const char *text, const char *wanted)
{
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		assert_ok(run(columns, path, text, steps[i], &out, &err), &err);
		assert_string_equal(out.buf, wanted);
	}
	strbuf_release(&out);
}

static void refuses(const char *columns, const char *path, const char *text, const char *why)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(run(columns, path, text, steps[i], &out, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		if (!strstr(err.text, why))
			fail_msg("'%s' is not in '%s'", why, err.text);
		err_release(&err);
	}
	strbuf_release(&out);
}

static void test_dataset_json__lines_pass_as_they_are(void **state)
{
	(void)state;
	gives("a,b", NULL, "{\"a\": 1 }\r\n\n{\"b\": \"x}\"}\n{\"a",
		"{\"a\": 1 }\r\n\n{\"b\": \"x}\"}\n{\"a");
	gives("a", NULL, "\xef\xbb\xbf{ \"a\":1}", "{ \"a\":1}");
	gives("a", NULL, "", "");
	gives("a", NULL, "\n \n", "\n \n");
}

static void test_dataset_json__objects_of_any_layout(void **state)
{
	(void)state;
	gives("a", NULL, "{\"a\":1}{\"a\":2} {\"a\" : [ 1 , {\"b\": \"c \\\" ]\"} ]}",
		"{\"a\":1}\n{\"a\":2}\n{\"a\":[1,{\"b\":\"c \\\" ]\"}]}\n");
	gives("a", NULL, "{\n \"a\": null,\n \"b\": -1.5e3\n}\n{\n}\n",
		"{\"a\":null,\"b\":-1.5e3}\n{}\n");
	gives("a", NULL, "\xef\xbb\xbf[\n {\"a\": true},\n null, {\"a\": false}\n]\n[]",
		"{\"a\":true}\n{\"a\":false}\n");
	gives("array", NULL, "[1, [2 , 3]]", "{\"array\":[1,[2,3]]}\n");
	gives("record", "$[*]", "[1, \"x y\", null]", "{\"record\":1}\n{\"record\":\"x y\"}\n");
}

static void test_dataset_json__what_a_path_leads_to(void **state)
{
	static const char text[] = "{\"x\": {\"rows\": [ {\"v\": 1}, {\"v\": {\"rows\": [2]}} ]}, "
				   "\"rows\": [{\"v\": 9}], \"y.z\": [{\"v\": 7}]}";

	(void)state;
	gives("v", "$.x.rows[*]", text, "{\"v\":1}\n{\"v\":{\"rows\":[2]}}\n");
	gives("v", "$.rows[*]", text, "{\"v\":9}\n");
	gives("v", "$.x.rows[1]", text, "{\"v\":{\"rows\":[2]}}\n");
	gives("v", "$['y.z'][0]", text, "{\"v\":7}\n");
	gives("v", "$.*.rows[0]", text, "{\"v\":1}\n");
	gives("array", "$.rows", text, "{\"array\":[{\"v\":9}]}\n");
	gives("v", "$.nothing[*]", text, "");
	gives("v", "$", "{\"v\": 1}\n", "{\"v\":1}\n");
	gives("v", "$.\xc3\xa4[*]", "{\"\\u00e4\": [{\"v\": 1}]}", "{\"v\":1}\n");
	refuses("v", "rows", text, "does not begin with $");
}

static void test_dataset_json__names_in_any_case(void **state)
{
	(void)state;
	gives("id,Name", NULL, "{\"ID\": 1, \"name\": {\"ID\": 2}}\n",
		"{\"id\":1,\"Name\":{\"ID\":2}}\n");
	gives("id", NULL, "{\"\\u0049d\": 1}\n", "{\"id\":1}\n");
	refuses("id", NULL, "{\"id\": 1}\n{\"id\": 1,\n \"Id\": 2}\n",
		"'x.json' line 3, character 5: 'Id' stands twice");
	refuses("id", NULL, "{\"id\": 1, \"id\": 2}\n", "stands twice");
	gives("id", NULL, "{\"x\": 1, \"x\": 2,\n\"id\": 3}\n", "{\"x\":1,\"x\":2,\"id\":3}\n");
}

/* A file may be put together of several: what is called otherwise behind the first 64 KB counts, too. */
static void test_dataset_json__names_in_any_case_far_behind(void **state)
{
	static const struct {
		const char *more, *wanted;
	} tails[] = {
		{"{\"ID\":1,\"x\":\"ID\"}\n{\"id\":2}", "{\"id\":1,\"x\":\"ID\"}\n{\"id\":2}\n"},
		{"{\"i\\u0044\" : 1}\n", "{\"id\":1}\n"},
		{"{\"id\":\"\\\\\",\"Name\":\"\\\"\"}\n", "{\"id\":\"\\\\\",\"name\":\"\\\"\"}\n"},
		{"{\"id\": \"\\\" \\\"ID\\\":\"}\n{\"x\": 1}",
			"{\"id\": \"\\\" \\\"ID\\\":\"}\n{\"x\": 1}"},
		{"{\"id\": \"cut", "{\"id\": \"cut"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		struct strbuf text = STRBUF_INIT, want = STRBUF_INIT;

		for (size_t line = 0; line < 2000; line++)
			strbuf_addf(&text, "{\"name\":\"%030zu\",\"id\":%zu}\n", line, line);
		strbuf_addstr(&want, text.buf);
		strbuf_addstr(&text, tails[i].more);
		strbuf_addstr(&want, tails[i].wanted);
		gives("id,name", NULL, text.buf, want.buf);
		strbuf_addstr(&text, "\n{\"id\":1,\"ID\":2}\n");
		if (i < 3)
			refuses("id,name", NULL, text.buf, "'ID' stands twice");
		strbuf_release(&text);
		strbuf_release(&want);
	}
}

static void test_dataset_json__where_it_breaks(void **state)
{
	(void)state;
	refuses("a", NULL, "{\"a\": 1,\n \"b\": [2",
		"the file ends in the middle of the value that begins in line 1, character 1");
	refuses("a", "$[*]", "[{\"a\": 1},\n {\"a\": \"x", "ends in the middle");
	refuses("a", NULL, "{\"a\": 1}\n{\"a\" 2}\n",
		"line 2, character 6: no JSON object: a comma, a bracket");
	refuses("a", NULL, "{\"a\": 1\n\"b\": 2}\n",
		"line 2, character 1: no JSON object: a comma");
	refuses("a", NULL, "{\"a\": [1}\n", "character 9: no JSON object: brackets do not fit");
	refuses("a", NULL, "{\"a\": 1}}\n", "character 9: no JSON object: brackets");
	refuses("a", NULL, "{\"a\": 1,}\n", "brackets do not fit");
	refuses("a", NULL, "{\"a\": \"x\ny\"}\n", "line 1, character 9");
	refuses("a", NULL, "{\"a\": 1}\nnonsense\n",
		"line 2, character 1: no JSON object: an object or");
	refuses("a", NULL, "{\"a\": 1}\n17\n",
		"line 2, character 1: no JSON object: an object or an array");
	refuses("a", "$[*]", "[{\"a\": 1}, 5]",
		"character 12: no JSON object: an object is to stand here");
	refuses("a", NULL, "{,}\n", "a comma is not expected");
	refuses("a", NULL, "{\"a\":: 1}\n", "a colon is not expected");
	refuses("a", NULL, "{\"a\": {}{}}\n", "a value is not expected");
}

static void test_dataset_json__nul_bytes(void **state)
{
	static const char *const texts[] = {
		"{\"a\": @}", "{\"a@b\":\n 1}", "{\"b\": \"x@\"}", "[@]", "{\"x\": [@]}", "@"};
	struct strbuf out = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct err err = ERR_INIT;
		struct bytes b = {xstrdup(texts[i]), strlen(texts[i]), 0, 1};

		*strchr((char *)(uintptr_t)b.text, '@') = '\0';
		assert_int_equal(run_bytes("a", "$", &b, &out, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		err_release(&err);
		free((char *)(uintptr_t)b.text);
	}
	strbuf_release(&out);
}

static void test_dataset_json__bounds(void **state)
{
	struct strbuf deep = STRBUF_INIT, many = STRBUF_INIT, want = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		strbuf_addstr(&deep, "{\"a\":");
	refuses("a", NULL, deep.buf, "nested too deep");
	strbuf_addstr(&many, "{\"");
	strbuf_addchars(&many, 'k', (size_t)61 << 20);
	{
		struct bytes b = {many.buf, many.len, 0, 1 << 20};
		struct err err = ERR_INIT;
		assert_int_equal(run_bytes("a", "$[*]", &b, &want, &err), -1);
		assert_non_null(strstr(err.text, "longer than 60 MB"));
		err_release(&err);
	}
	strbuf_clear(&many);
	strbuf_clear(&want);
	/* more than the head, and names that differ only behind the first line */
	strbuf_addch(&many, '[');
	for (size_t i = 0; i < 20000; i++) {
		strbuf_addf(&many, "%s\n {\"A\": %zu, \"t\": \"%040zu\"}", i ? "," : "", i, i);
		strbuf_addf(&want, "{\"a\":%zu,\"t\":\"%040zu\"}\n", i, i);
	}
	strbuf_addstr(&many, "\n]\n");
	gives("a", NULL, many.buf, want.buf);
	strbuf_release(&deep);
	strbuf_release(&many);
	strbuf_release(&want);
}
