#include "testing.h"
#include "protocol.h"

static struct json *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct json *v = json_parse(text, strlen(text), &err);
	if (!v)
		fail_msg("%s", err.text);
	return v;
}

static void check_json(const struct json *v, const char *wanted)
{
	struct strbuf text = STRBUF_INIT;
	json_print(v, &text);
	assert_string_equal(text.buf, wanted);
	strbuf_release(&text);
}

static void test_query__encode(void **state)
{
	(void)state;
	struct strbuf out = STRBUF_INIT;
	struct json *in = parse("{\"RoleName\":\"a b/ä\",\"Tags\":[{\"Key\":\"k\",\"Value\":\"\"},"
				"{\"Key\":\"l\",\"Value\":\"2\"}],\"Empty\":[],\"No\":null,"
				"\"Max\":3.0,\"Yes\":true,\"Names\":[\"x\",\"y\"]}");
	query_encode(wire_service_find("iam"), "CreateRole", in, &out);
	assert_string_equal(out.buf,
		"Action=CreateRole&Version=2010-05-08&RoleName=a%20b%2F%C3%A4&Tags.member.1.Key=k&"
		"Tags.member.1.Value=&Tags.member.2.Key=l&Tags.member.2.Value=2&Max=3.0&Yes=true&"
		"Names.member.1=x&Names.member.2=y");
	json_free(in);
	strbuf_release(&out);
}

static void test_query__decode_is_the_other_way(void **state)
{
	(void)state;
	struct json *out = NULL;
	struct err err = ERR_INIT;
	const char *form = "Action=A&Version=V&T.member.10.K=j&T.member.2.K=b&T.member.1.K=a+b&"
			   "N.member.1=%2B&E=&S.A.B=1&&member.x=1";
	assert_ok(query_decode(form, strlen(form), &out, &err), &err);
	check_json(out, "{\"Action\":\"A\",\"Version\":\"V\",\"T\":[{\"K\":\"a b\"},{\"K\":\"b\"},"
			"{\"K\":\"j\"}],\"N\":[\"+\"],\"E\":\"\",\"S\":{\"A\":{\"B\":\"1\"}},"
			"\"member\":{\"x\":\"1\"}}");
	json_free(out);
}

static void check_bad(const char *form)
{
	struct json *out = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(query_decode(form, strlen(form), &out, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_null(out);
	err_release(&err);
}

static void test_query__maps(void **state)
{
	(void)state;
	static const char doc[] = "{\"Attributes\":{\"A.b\":\"1\",\"Policy\":\"{}\"},\"L\":[{"
				  "\"MessageAttributes\":{\"n\":"
				  "{\"DataType\":\"String\",\"StringValue\":\"x\"}}}]}";
	struct strbuf form = STRBUF_INIT, xml = STRBUF_INIT;
	struct json *in = parse(doc), *out = NULL;
	query_encode(wire_service_find("sns"), "Publish", in, &form);
	assert_string_equal(form.buf,
		"Action=Publish&Version=2010-03-31&Attributes.entry.1.key=A.b&Attributes.entry.1."
		"value=1&Attributes.entry.2.key=Policy&Attributes.entry.2.value=%7B%7D&L.member.1."
		"MessageAttributes.entry.1.Name=n&L.member.1.MessageAttributes.entry.1.Value."
		"DataType=String&L.member.1.MessageAttributes.entry.1.Value.StringValue=x");
	assert_int_equal(query_decode(form.buf, form.len, &out, NULL), 0);
	json_remove(out, "Action");
	json_remove(out, "Version");
	check_json(out, doc);
	json_free(out);
	query_reply_print(wire_service_find("sns"), "GetTopicAttributes", in, "id", &xml);
	assert_non_null(
		strstr(xml.buf, "<Attributes><entry><key>A.b</key><value>1</value></entry>"));
	assert_int_equal(query_reply_parse(xml.buf, xml.len, &out, NULL), 0);
	check_json(json_get(out, "Attributes"), "{\"A.b\":\"1\",\"Policy\":\"{}\"}");
	json_free(out);
	json_free(in);
	strbuf_release(&form);
	strbuf_release(&xml);
}

static void test_query__decode_refuses(void **state)
{
	(void)state;
	check_bad("A=1&A.B=2");
	check_bad("A.B=2&A=1");
	check_bad("A=%zz");
	check_bad("A=%00");
	check_bad("=1");
	struct strbuf many = STRBUF_INIT;
	for (int i = 0; i < 5000; i++)
		strbuf_addf(&many, "A%d=&", i);
	check_bad(many.buf);
	strbuf_clear(&many);
	for (int i = 0; i < 100; i++)
		strbuf_addstr(&many, "A.");
	check_bad(many.buf);
	strbuf_release(&many);
}

static void test_query__reply_parse(void **state)
{
	(void)state;
	const char *xml =
		"<ListRolesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
		"<ListRolesResult><IsTruncated>false</IsTruncated><Roles><member><Path>/</Path>"
		"<RoleName>a</RoleName><Tags/></member></Roles><Description></"
		"Description><Policies>\n"
		"</Policies><Summary><entry><key>Users</key><value>3</value></entry></Summary>"
		"</ListRolesResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
		"</ListRolesResponse>";
	struct json *out = NULL;
	struct err err = ERR_INIT;
	assert_ok(query_reply_parse(xml, strlen(xml), &out, &err), &err);
	assert_string_equal(json_get_str(out, "IsTruncated"), "false");
	assert_int_equal(json_len(json_get(out, "Roles")), 1);
	assert_string_equal(json_str(json_path(out, "Roles.0.RoleName")), "a");
	assert_true(json_is(json_path(out, "Roles.0.Tags"), JSON_ARRAY));
	assert_true(json_is(json_get(out, "Policies"), JSON_ARRAY));
	assert_string_equal(json_get_str(out, "Description"), "");
	assert_string_equal(json_str(json_path(out, "Summary.Users")), "3");
	json_free(out);
	out = NULL;
	const char *empty = "<DeleteRoleResponse><ResponseMetadata/></DeleteRoleResponse>";
	assert_ok(query_reply_parse(empty, strlen(empty), &out, &err), &err);
	check_json(out, "{}");
	json_free(out);
	assert_int_equal(query_reply_parse("<html/>", 7, &out, &err), -1);
	err_release(&err);
	assert_int_equal(query_reply_parse("", 0, &out, &err), -1);
	err_release(&err);
}

static void test_query__reply_print_is_read_back(void **state)
{
	(void)state;
	const char *text = "{\"Role\":{\"RoleName\":\"<a&b>\",\"Tags\":[{\"Key\":\"k\"}],"
			   "\"Policies\":[]},\"IsTruncated\":\"false\"}";
	struct json *in = parse(text), *out = NULL;
	struct strbuf xml = STRBUF_INIT;
	struct err err = ERR_INIT;
	query_reply_print(wire_service_find("iam"), "GetRole", in, "req-1", &xml);
	assert_non_null(strstr(xml.buf, "<RequestId>req-1</RequestId>"));
	assert_ok(query_reply_parse(xml.buf, xml.len, &out, &err), &err);
	check_json(out, text);
	json_free(in);
	json_free(out);
	strbuf_release(&xml);
}
