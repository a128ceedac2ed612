#include "quoted_json.h"
#include <ctype.h>
#include "local_secrets.h"
#include "xalloc.h"

static void test_local_secrets__filters(void **state)
{
	(void)state;
	static const char entry[] =
		"{'Name':'prod/exabel/Key','Description':'The API key','Tags':["
		"{'Key':'Team','Value':'Blue'},{'Key':'stage','Value':'prod'}]}";
	static const struct {
		const char *filters;
		bool match;
	} cases[] = {
		{"[]", true},
		{"[{'Key':'name','Values':['prod/']}]", true},
		{"[{'Key':'name','Values':['Prod/']}]", false},  /* case counts */
		{"[{'Key':'name','Values':['exabel']}]", false}, /* a prefix */
		{"[{'Key':'name','Values':['!exabel']}]", true},
		{"[{'Key':'name','Values':['!prod']}]", false},
		{"[{'Key':'name','Values':['x','prod']}]", true}, /* any value */
		{"[{'Key':'description','Values':['the api']}]", true},
		{"[{'Key':'description','Values':['key']}]", true}, /* any word's beginning */
		{"[{'Key':'description','Values':['ey']}]", false},
		{"[{'Key':'description','Values':['k a']}]", true}, /* each word */
		{"[{'Key':'description','Values':['k x']}]", false},
		{"[{'Key':'description','Values':['+']}]", false}, /* no word */
		{"[{'Key':'tag-key','Values':['Team']}]", true},
		{"[{'Key':'tag-key','Values':['team']}]", false},
		{"[{'Key':'tag-value','Values':['pr']}]", true},
		{"[{'Key':'tag-value','Values':['Team']}]", false},
		{"[{'Key':'all','Values':['exabel blue']}]", true},
		{"[{'Key':'all','Values':['exabel green']}]", false},
		{"[{'Key':'all','Values':['API/key']}]", true},
		{"[{'Key':'owning-service','Values':['a']}]", false},
		/* every filter */
		{"[{'Key':'name','Values':['prod']},{'Key':'tag-key','Values':['x']}]", false},
		{"[{'Key':'name','Values':['prod']},{'Key':'tag-key','Values':['st']}]", true},
	};
	struct json *e = js(entry);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *f = js(cases[i].filters);
		if (secrets_filters_match(f, e) != cases[i].match)
			fail_msg("%s", cases[i].filters);
		json_free(f);
	}
	json_free(e);
}

static void test_local_secrets__filters_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"[{'Key':'color','Values':['a']}]", "[{'Values':['a']}]",
		"[{'Key':'name','Values':[]}]", "[{'Key':'name'}]", "[{'Key':'name','Values':[1]}]",
		"[{},{},{},{},{},{},{},{},{},{},{}]"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json *f = js(bad[i]);
		struct err err = ERR_INIT;
		if (!secrets_check_filters(f, &err))
			fail_msg("%s", bad[i]);
		err_release(&err);
		json_free(f);
	}
}

struct counts {
	size_t lower, upper, digit, space, other;
};

static struct counts count(const char *s)
{
	struct counts c = {0};
	for (; *s; s++) {
		if (islower((unsigned char)*s))
			c.lower++;
		else if (isupper((unsigned char)*s))
			c.upper++;
		else if (isdigit((unsigned char)*s))
			c.digit++;
		else if (*s == ' ')
			c.space++;
		else
			c.other++;
	}
	return c;
}

static void password(const char *in, struct strbuf *out)
{
	struct json *doc = js(in);
	struct err err = ERR_INIT;
	strbuf_clear(out);
	assert_ok(secrets_password(doc, out, &err), &err);
	json_free(doc);
}

static void test_local_secrets__passwords(void **state)
{
	(void)state;
	struct strbuf p = STRBUF_INIT, q = STRBUF_INIT;
	password("{}", &p);
	assert_int_equal(p.len, 32);
	password("{}", &q);
	assert_string_not_equal(p.buf, q.buf);
	/* each type once: with four characters that is all there is */
	for (int i = 0; i < 50; i++) {
		password("{'PasswordLength':4}", &p);
		struct counts c = count(p.buf);
		assert_true(c.lower == 1 && c.upper == 1 && c.digit == 1 && c.other == 1);
	}
	password("{'PasswordLength':4096,'ExcludePunctuation':true,'ExcludeUppercase':true,"
		 "'ExcludeCharacters':'abc123','IncludeSpace':true}",
		&p);
	struct counts c = count(p.buf);
	assert_int_equal(p.len, 4096);
	assert_true(c.lower && c.digit && c.space && !c.upper && !c.other);
	assert_null(strpbrk(p.buf, "abc123"));
	/* all that may come does come */
	for (const char *s = "defghijklmnopqrstuvwxyz4567890 "; *s; s++)
		assert_non_null(strchr(p.buf, *s));
	password("{'PasswordLength':1,'RequireEachIncludedType':false}", &p);
	assert_int_equal(p.len, 1);
	strbuf_release(&p);
	strbuf_release(&q);
}

static void test_local_secrets__passwords_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"{'PasswordLength':0}", "{'PasswordLength':4097}",
		"{'PasswordLength':3}", "{'ExcludeCharacters':'0123456789'}",
		"{'ExcludeLowercase':true,'ExcludeUppercase':true,'ExcludeNumbers':true,"
		"'ExcludePunctuation':true}"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json *doc = js(bad[i]);
		struct strbuf out = STRBUF_INIT;
		struct err err = ERR_INIT;
		if (!secrets_password(doc, &out, &err))
			fail_msg("%s", bad[i]);
		assert_string_equal(err.aws_code, "InvalidParameterException");
		err_release(&err);
		strbuf_release(&out);
		json_free(doc);
	}
}

/* What is refused is told without the value. */
static void test_local_secrets__values_checked(void **state)
{
	(void)state;
	static const char *const bad[] = {"{'SecretString':'hush','SecretBinary':'aHVzaA=='}",
		"{'SecretString':''}", "{'SecretBinary':'hush!'}", "{'SecretBinary':''}",
		"{'SecretString':'hush','ClientRequestToken':'short'}"};
	struct strbuf big = STRBUF_INIT;
	struct json *doc = json_object();
	struct err err = ERR_INIT;
	bool given;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json *in = js(bad[i]);
		if (!secrets_check_value(in, &given, &err))
			fail_msg("%s", bad[i]);
		assert_null(strstr(err.text, "hush"));
		err_release(&err);
		json_free(in);
	}
	for (int i = 0; i < 65536; i++)
		strbuf_addch(&big, 'x');
	json_set_str(doc, "SecretString", big.buf);
	assert_ok(secrets_check_value(doc, &given, &err), &err);
	assert_true(given);
	strbuf_addch(&big, 'x');
	json_set_str(doc, "SecretString", big.buf);
	assert_int_equal(secrets_check_value(doc, &given, &err), -1);
	assert_null(strstr(err.text, "xxx"));
	err_release(&err);
	json_free(doc);
	doc = json_object();
	assert_ok(secrets_check_value(doc, &given, &err), &err);
	assert_false(given);
	json_free(doc);
	strbuf_release(&big);
}
