#include "testing.h"
#include "local_classify.h"

static bool csv(const char *text, bool whole, struct classified *c)
{
	*c = (struct classified)CLASSIFIED_INIT;
	return classify_csv(text, strlen(text), whole, c);
}

/* "name:type,name:type" */
static void assert_columns(const struct classified *c, const char *want)
{
	struct strbuf sb = STRBUF_INIT;
	struct json *column;

	json_each(column, c->columns) strbuf_addf(&sb, "%s%s:%s", sb.len ? "," : "",
		json_get_str(column, "Name"), json_get_str(column, "Type"));
	assert_string_equal(sb.buf, want);
	strbuf_release(&sb);
}

static void test_local_classify__header_and_types(void **state)
{
	struct classified c;

	(void)state;
	assert_true(csv("Region,Item Type,N,Price\nAsia,Meat,1,1.5\nEurope,,22,7\n", true, &c));
	assert_columns(&c, "region:string,item type:string,n:bigint,price:double");
	assert_true(c.header);
	assert_false(c.quoted);
	assert_int_equal(c.delimiter, ',');
	assert_int_equal(c.records, 3);
	classified_release(&c);
}

static void test_local_classify__all_text_has_no_header(void **state)
{
	struct classified c;

	(void)state;
	assert_true(csv("a|b\nc|d\n", true, &c));
	assert_false(c.header);
	assert_int_equal(c.delimiter, '|');
	assert_columns(&c, "col0:string,col1:string");
	classified_release(&c);
	assert_true(csv("1;2\n3;x\n", true, &c));
	assert_columns(&c, "col0:bigint,col1:string");
	classified_release(&c);
}

static void test_local_classify__each_delimiter(void **state)
{
	static const char delimiters[] = {',', '|', '\t', ';', '\1'};
	struct classified c;

	(void)state;
	for (size_t i = 0; i < sizeof(delimiters); i++) {
		char text[40];
		snprintf(text, sizeof(text), "a%cb%cc\nx%c1%c2\n", delimiters[i], delimiters[i],
			delimiters[i], delimiters[i]);
		assert_true(csv(text, true, &c));
		assert_int_equal(c.delimiter, delimiters[i]);
		assert_columns(&c, "a:string,b:bigint,c:bigint");
		classified_release(&c);
	}
}

static void test_local_classify__quotes_hide_delimiters(void **state)
{
	struct classified c;

	(void)state;
	assert_true(csv("a,b\n\"x, y\",1\n\"say \"\"hi\"\"\nthere\",2\n", true, &c));
	assert_true(c.quoted);
	assert_columns(&c, "a:string,b:bigint");
	classified_release(&c);
}

static void test_local_classify__what_is_no_csv(void **state)
{
	static const char *const texts[] = {"", "a,b\n", "one column\nonly\n", "a,b,c\n1\n2\n3\n",
		"prose, with one comma\nand a line without\nand one more\n"};
	struct classified c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_false(csv(texts[i], true, &c));
	assert_false(classify_csv("a,b\n1\0,2\n", 10, true, &c));
}

static void test_local_classify__a_cut_line_is_not_counted(void **state)
{
	struct classified c;

	(void)state;
	assert_true(csv("a,b\n1,2\n3,this is cut o", false, &c));
	assert_columns(&c, "a:bigint,b:bigint");
	assert_int_equal(c.header, true);
	classified_release(&c);
}

static void test_local_classify__names_are_made_unique(void **state)
{
	struct classified c;

	(void)state;
	assert_true(csv("\xef\xbb\xbfID,id,\nx,1,2\n", true, &c));
	assert_columns(&c, "id:string,id_1:bigint,col2:bigint");
	classified_release(&c);
}

static void test_local_classify__json_lines(void **state)
{
	static const char text[] =
		"{\"A\":1,\"b\":{\"c\":[1.5]}}\n\n{\"A\":5000000000,\"d\":true}\n{\"A\":\"x\"}";
	struct classified c = CLASSIFIED_INIT;

	(void)state;
	assert_true(classify_json(text, strlen(text), true, &c));
	assert_columns(&c, "a:string,b:struct<c:array<double>>,d:boolean");
	classified_release(&c);
	assert_false(classify_json("{\"a\":1}\nnot json\n", 17, true, &c));
	assert_false(classify_json("[1,2]\n", 6, true, &c));
}

/* FileMetaData of: version 1; root{2}; "Name" UTF8; "amount" INT32 DECIMAL(5,2); 7 rows. */
static const unsigned char footer[] = {0x15, 0x02, 0x19, 0x3c, 0x48, 0x04, 'r', 'o', 'o', 't', 0x15,
	0x04, 0x00, 0x15, 0x0c, 0x25, 0x02, 0x18, 0x04, 'N', 'a', 'm', 'e', 0x25, 0x00, 0x00, 0x15,
	0x02, 0x25, 0x02, 0x18, 0x06, 'a', 'm', 'o', 'u', 'n', 't', 0x25, 0x0a, 0x15, 0x04, 0x15,
	0x0a, 0x00, 0x16, 0x0e};

static void test_local_classify__parquet_footer(void **state)
{
	struct classified c = CLASSIFIED_INIT;

	(void)state;
	assert_true(classify_parquet(footer, sizeof(footer), &c));
	assert_columns(&c, "name:string,amount:decimal(5,2)");
	assert_int_equal(c.records, 7);
	classified_release(&c);
}

static void test_local_classify__a_footer_cut_anywhere_is_none(void **state)
{
	struct classified c = CLASSIFIED_INIT;

	(void)state;
	for (size_t len = 0; len < sizeof(footer); len++) {
		unsigned char *copy = xmemdup(footer, len ? len : 1);
		assert_false(classify_parquet(copy, len, &c));
		assert_null(c.columns);
		free(copy);
	}
}
