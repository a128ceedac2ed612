#include "testing.h"

#include <string.h>
#include "xml.h"

static struct xml_doc *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct xml_doc *doc = xml_parse(text, strlen(text), &err);
	if (!doc)
		fail_msg("%s: %s", text, err.text);
	return doc;
}

static void test_xml__reads_a_listing(void **state)
{
	(void)state;
	struct xml_doc *doc =
		parse("<?xml version=\"1.0\"?>\n<r:ListBucketResult xmlns:r=\"http://x/\">\n"
		      "  <Name>b</Name> <Empty/><Contents><Key>a&amp;b</Key></Contents>\n"
		      "  <Contents><Key>c<![CDATA[<d>]]>&#xe4;<!-- no -->e</Key></Contents>\n"
		      "</r:ListBucketResult>");
	struct xml_node *root = xml_root(doc), *c;
	assert_string_equal(xml_name(root), "ListBucketResult");
	assert_string_equal(xml_child_text(root, "Name"), "b");
	assert_string_equal(xml_child_text(root, "Empty"), "");
	assert_null(xml_child_text(root, "None"));
	assert_null(xml_text(NULL));
	assert_null(xml_first(NULL));
	size_t n = 0;
	xml_each(c, root) n++;
	assert_int_equal(n, 4);
	c = xml_child(root, "Contents");
	assert_string_equal(xml_child_text(c, "Key"), "a&b");
	c = xml_next(c);
	assert_string_equal(xml_child_text(c, "Key"), "c<d>\xc3\xa4"
						      "e");
	assert_null(xml_next(c));
	xml_free(doc);
	xml_free(NULL);
}

static void test_xml__attributes_without_namespace(void **state)
{
	(void)state;
	struct xml_doc *doc =
		parse("<G xmlns:xsi=\"http://i/\" xsi:type=\"Canon&amp;User\" e=\"\"/>");
	assert_string_equal(xml_attr(xml_root(doc), "type"), "Canon&User");
	assert_string_equal(xml_attr(xml_root(doc), "e"), "");
	assert_null(xml_attr(xml_root(doc), "xsi"));
	assert_null(xml_attr(NULL, "type"));
	xml_free(doc);
}

static void test_xml__refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " ", "x", "<a>", "<a></b>", "<a/><b/>", "<a>&x;</a>",
		"<a b=c/>", "<a>\x01</a>", "<a>\xff</a>", "<!DOCTYPE a><a/>",
		"<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
		"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
		"<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/x.dtd\"><a/>"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct xml_doc *doc = xml_parse(bad[i], strlen(bad[i]), &err);
		if (doc)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(err.code, ERR_INVALID);
		assert_true(starts_with(err.text, "invalid XML"));
		assert_null(strchr(err.text, '\n'));
		if (strstr(bad[i], "DOCTYPE"))
			assert_non_null(strstr(err.text, "document type"));
		err_release(&err);
	}
}

static void test_xml__deep_nesting(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	struct err err = ERR_INIT;
	for (int i = 0; i < 100000; i++)
		strbuf_addstr(&sb, "<a>");
	assert_null(xml_parse(sb.buf, sb.len, &err));
	assert_int_equal(err.code, ERR_INVALID);
	err_release(&err);
	strbuf_release(&sb);
}

static void test_xml__writes(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	xml_add_element(&sb, "K", "a<b>&\"c\"\r\n\t\x01");
	xml_add_element(&sb, "N", NULL);
	xml_add_element(&sb, "E", "");
	assert_string_equal(sb.buf, "<K>a&lt;b&gt;&amp;&quot;c&quot;&#xd;\n\t&#x1;</K><E></E>");
	strbuf_clear(&sb);
	xml_add_element(&sb, "K", " a<b>&\"'\r\n\t\xc3\xa4 ");
	struct xml_doc *doc = parse(sb.buf);
	assert_string_equal(xml_text(xml_root(doc)), " a<b>&\"'\r\n\t\xc3\xa4 ");
	xml_free(doc);
	strbuf_release(&sb);
}
