#include "testing.h"
#include "quoted_json.h"
#include "local_classify.h"
#include <time.h>

static bool csv(const char *text, bool whole, struct classified *c)
{
	*c = (struct classified)CLASSIFIED_INIT;
	return classify_csv(text, strlen(text), whole, NULL, c);
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
	assert_false(classify_csv("a,b\n1\0,2\n", 10, true, NULL, &c));
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
	static const char text[] = "\xef\xbb\xbf\"ID\",id,\nx,1,2\n";
	struct classified c = CLASSIFIED_INIT;

	(void)state;
	assert_true(classify_text(text, strlen(text), true, NULL, &c));
	assert_columns(&c, "id:string,id_1:bigint,col2:bigint");
	classified_release(&c);
}

static void test_local_classify__json_lines(void **state)
{
	static const char text[] =
		"{\"A\":1,\"b\":{\"c\":[1.5]}}\n\n{\"A\":5000000000,\"d\":true}\n{\"A\":\"x\"}";
	struct classified c = CLASSIFIED_INIT;

	(void)state;
	assert_true(classify_json(text, strlen(text), true, NULL, &c));
	assert_columns(&c, "a:string,b:struct<c:array<double>>,d:boolean");
	classified_release(&c);
}

static bool json(const char *text, const char *path, struct classified *c)
{
	struct classifier how = {.is_json = true, .path_text = (char *)(uintptr_t)path};
	struct err err = ERR_INIT;
	bool known;

	*c = (struct classified)CLASSIFIED_INIT;
	assert_int_equal(json_path_parse(&how.path, path ? path : "$", &err), 0);
	known = classify_json(text, strlen(text), true, path ? &how : NULL, c);
	json_path_release(&how.path);
	return known;
}

static void test_local_classify__json_unions(void **state)
{
	static const struct {
		const char *text, *columns;
	} cases[] = {
		{"{\"a\":null,\"b\":[],\"c\":{}}", "a:void,b:array<void>,c:void"},
		{"{\"a\":null}\n{\"a\":1}\n{\"a\":null}", "a:int"},
		{"{\"a\":1}{\"a\":2.5}", "a:double"},
		{"{\"a\":true}{\"a\":1}", "a:string"},
		{"{\"a\":{\"x\":1}}{\"a\":{\"y\":\"s\",\"x\":1.5}}", "a:struct<x:double,y:string>"},
		{"{\"a\":{\"x\":1}}{\"a\":[1]}{\"a\":{\"x\":1}}", "a:string"},
		{"{\"a\":[1,null,2.5]}{\"a\":[[1]]}", "a:array<string>"},
		{"{\"a\":[{\"x\":1},{\"y\":null}]}", "a:array<struct<x:int,y:void>>"},
		{"{\"a\":99999999999}{\"a\":1}", "a:bigint"},
		{"{\"a\":99999999999999999999}", "a:double"},
		{"{\"ID\":1,\"id\":\"x\",\"S\":{\"Key\":1}}", "id:string,s:struct<Key:int>"},
		{"{\n  \"a\": 1,\n  \"b\": {\n  \"c\": \"}\\\"{\"}\n}\n",
			"a:int,b:struct<c:string>"},
		{"[\n {\"a\": 1},\n {\"a\": \"x\", \"b\": 2}\n]\n",
			"array:array<struct<a:string,b:int>>"},
		{"[1,2]\n", "array:array<int>"},
	};
	struct classified c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(json(cases[i].text, NULL, &c));
		assert_columns(&c, cases[i].columns);
		classified_release(&c);
	}
}

static void test_local_classify__json_paths(void **state)
{
	static const char areas[] =
		"[{\"id\":1,\"n\":{\"v\":[{\"w\":1.5}]}},{\"id\":2,\"x.y\":true}]";
	static const struct {
		const char *path, *columns;
	} cases[] = {
		{"$[*]", "id:int,n:struct<v:array<struct<w:double>>>,x.y:boolean"},
		{"$[*].id", "record:int"},
		{"$[0].n.v[*]", "w:double"},
		{"$[*].n.v", "array:array<struct<w:double>>"},
		{"$[1]['x.y']", "record:boolean"},
		{"$", "array:array<struct<id:int,n:struct<v:array<struct<w:double>>>,x.y:boolean>"
		      ">"},
	};
	static const char *const bad[] = {
		"", "id", "$id", "$..id", "$.", "$[", "$[x]", "$['']", "$.a[-1]", "$[*", "$.a]"};
	struct classified c;
	struct json_path path;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(json(areas, cases[i].path, &c));
		assert_columns(&c, cases[i].columns);
		assert_string_equal(c.json_path, cases[i].path);
		classified_release(&c);
	}
	assert_false(json("{\"id\":1}", "$.nothing", &c));
	classified_release(&c);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		assert_int_equal(json_path_parse(&path, bad[i], &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		err_release(&err);
	}
}

/* What is cut or broken says where; what the sample cuts does not matter. */
static void test_local_classify__json_that_breaks(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{"{\"a\":1}\n{\"a\":2}\n{\"a\":",
			"the file ends in the middle of the JSON value that begins in line 3"},
		{"[{\"a\":1},\n{\"a\"",
			"the file ends in the middle of the JSON value that begins in line 1"},
		{"{\"a\":1}\nnot json\n",
			"there is no JSON object or array in the text that begins in line 2"},
		{"{\"a\":1]\n", "brackets do not fit in the JSON value that begins in line 1"},
		{"{\"a\" 1}", NULL},
	};
	struct classified c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		c = (struct classified)CLASSIFIED_INIT;
		assert_false(classify_text(cases[i].text, strlen(cases[i].text), true, NULL, &c));
		assert_non_null(c.problem);
		if (cases[i].problem)
			assert_string_equal(c.problem, cases[i].problem);
		classified_release(&c);
	}
	for (size_t i = 0; i < 2; i++) {
		c = (struct classified)CLASSIFIED_INIT;
		assert_true(classify_text(cases[i].text, strlen(cases[i].text), false, NULL, &c));
		assert_columns(&c, i ? "array:array<struct<a:int>>" : "a:int");
		classified_release(&c);
	}
}

static struct classifier custom_csv(const char *text)
{
	struct json *doc = js(text);
	struct classifier how;
	struct err err = ERR_INIT;

	assert_int_equal(classifier_init(&how, doc, &err), 0);
	json_free(doc);
	return how;
}

static void test_local_classify__custom_csv(void **state)
{
	static const struct {
		const char *how, *text, *columns; /* columns NULL: it is none */
		bool header;
	} cases[] = {
		{"'ContainsHeader':'PRESENT'", "a,b\nc,d\n", "a:string,b:string", true},
		{"'ContainsHeader':'ABSENT'", "a,b\n1,2\n", "col0:string,col1:string", false},
		{"'ContainsHeader':'ABSENT','Header':['x','Y']", "1,2\n", "x:bigint,y:bigint",
			false},
		{"'Header':['x','y']", "X,y\na,b\n", "x:string,y:string", true},
		{"'Header':['x','y','z']", "1,2\n3,4\n", NULL, false},
		{"'Delimiter':'#','QuoteSymbol':'~'", "a#b\n~x#y~#1\n", "a:string,b:bigint", true},
		{"'Delimiter':'#'", "a,b\n1,2\n", NULL, false},
		{"'AllowSingleColumn':true,'ContainsHeader':'PRESENT'", "only\n1\n2\n",
			"only:bigint", true},
		{"'DisableValueTrimming':true", "a,b\nx, 1\nx, 2\n", "col0:string,col1:string",
			false},
		{"'DisableValueTrimming':false", "a,b\nx, 1\nx, 2\n", "a:string,b:bigint", true},
		{"'CustomDatatypeConfigured':true,'CustomDatatypes':['DATE','LONG','STRING']",
			"d,n,s\n2020-01-02,1,2\n", "d:date,n:bigint,s:string", true},
		{"'ContainsHeader':'PRESENT'", "a,b\r\n1,2\r\n", "a:bigint,b:bigint", true},
		{"'ContainsHeader':'PRESENT'", "a,b\n", "a:void,b:void", true},
	};
	struct classified c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = xasprintf("{'CsvClassifier':{'Name':'c',%s}}", cases[i].how);
		struct classifier how = custom_csv(text);
		bool known;
		c = (struct classified)CLASSIFIED_INIT;
		known = classify_csv(cases[i].text, strlen(cases[i].text), true, &how, &c);
		assert_int_equal(known, cases[i].columns != NULL);
		if (known) {
			assert_columns(&c, cases[i].columns);
			assert_int_equal(c.header, cases[i].header);
		}
		classified_release(&c);
		classifier_release(&how);
		free(text);
	}
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

static void test_local_classify__xml_by_its_row_tag(void **state)
{
	static const struct {
		const char *text, *columns;
	} rows[] = {
		{"<l><r a='1'></r></l>", "[{\"Name\":\"_a\",\"Type\":\"int\"}]"},
		{"<l><r><x>1</x></r><r><x>2.5</x><y>t</y></r>",
			"[{\"Name\":\"x\",\"Type\":\"double\"},{\"Name\":\"y\",\"Type\":\"string\"}"
			"]"},
		{"<r><r><x>1</x></r></r>", "[{\"Name\":\"r\",\"Type\":\"struct<x:int>\"}]"},
		{"<r>text</r>", "[{\"Name\":\"_value\",\"Type\":\"string\"}]"},
		{"<r x='1'><_x>a</_x><_x>b</_x></r>",
			"[{\"Name\":\"_x\",\"Type\":\"array<string>\"}]"},
		{"<r x='1'><_x>a</_x></r>", "[{\"Name\":\"_x\",\"Type\":\"string\"}]"},
		{"<rr><x>1</x></rr>", NULL},
		{"<r a='1'/>", NULL},
		{"<r><x>1</x>", NULL},
		{"<r><x>1</y></r>", NULL},
		{"<![CDATA[<r><x>1</x></r>]]>", NULL},
	};
	char name[] = "n", tag[] = "r", form[] = "xml";
	struct classifier how = {.name = name, .row_tag = tag, .classification = form};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct classified c = CLASSIFIED_INIT;
		struct strbuf text = STRBUF_INIT;
		bool known = classify_xml(rows[i].text, strlen(rows[i].text), true, &how, &c);

		assert_int_equal(known, rows[i].columns != NULL);
		for (struct json *col = json_first(c.columns); col; col = json_next(col))
			json_remove(col, "Path");
		if (known)
			json_print(c.columns, &text);
		assert_string_equal(text.buf, known ? rows[i].columns : "");
		classified_release(&c);
		strbuf_release(&text);
	}
}

/* A row of 60000 members, each `before`, a number, `behind`. */
static double seconds_of_xml(
	const char *begin, const char *before, const char *behind, const char *end)
{
	char name[] = "n", tag[] = "r", form[] = "xml";
	struct classifier how = {.name = name, .row_tag = tag, .classification = form};
	struct classified c = CLASSIFIED_INIT;
	struct strbuf text = STRBUF_INIT;
	clock_t started = clock();

	strbuf_addstr(&text, begin);
	for (int i = 0; i < 60000; i++)
		strbuf_addf(&text, "%s%d%s", before, i, behind);
	strbuf_addstr(&text, end);
	/* who has so many attributes is no row */
	assert_int_equal(
		classify_xml(text.buf, text.len, true, &how, &c), starts_with(begin, "<r>"));
	classified_release(&c);
	strbuf_release(&text);
	return (double)(clock() - started) / CLOCKS_PER_SEC;
}

static void test_local_classify__xml_of_many_members_in_time(void **state)
{
	(void)state;
	assert_true(seconds_of_xml("<r>", "<a", "/>", "</r>") < 5);
	assert_true(seconds_of_xml("<r>", "<a>", "</a>", "</r>") < 5);
	assert_true(seconds_of_xml("<r ", "a", "='' ", "></r>") < 5);
}
