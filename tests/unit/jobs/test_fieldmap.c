#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "dataset.h"
#include "dataset_internal.h"
#include "fieldmap.h"

static void add(struct dataset *d, const char *name, const char *type)
{
	dataset_add_column(d, name, type, false);
}

static void refuse(const char *mapping, const char *text)
{
	struct fields f = FIELDS_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(fields_parse(mapping, &f, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.text, text))
		fail_msg("'%s' gives '%s'", mapping, err.text);
	err_release(&err);
	fields_release(&f);
}

static void check_field(const struct field *f, const char *source, const char *to,
	enum field_kind from, enum field_kind as)
{
	assert_string_equal(f->source, source);
	assert_string_equal(f->to, to);
	assert_int_equal(f->from_type.kind, from);
	assert_int_equal(f->to_type.kind, as);
}

static void test_fieldmap__text_and_list_are_one(void **state)
{
	static const char *const forms[] = {"a:long:b:short, s.t:double:`s.t`:decimal(12,3)",
		" [[\"a\",\"bigint\",\"b\",\"smallint\"], \"s.t:double:s.t:Decimal( 12 , 3 )\"]"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct fields f = FIELDS_INIT;

		assert_int_equal(fields_parse(forms[i], &f, NULL), 0);
		assert_int_equal(f.nr, 2);
		check_field(&f.v[0], "a", "b", FIELD_LONG, FIELD_SHORT);
		check_field(&f.v[1], "s.t", "s.t", FIELD_DOUBLE, FIELD_DECIMAL);
		assert_int_equal(f.v[1].to_type.precision, 12);
		assert_int_equal(f.v[1].to_type.scale, 3);
		fields_release(&f);
	}
}

static void test_fieldmap__what_is_no_mapping(void **state)
{
	(void)state;
	refuse("a", "'a' is not from:fromType:toName:toType");
	refuse("a:int:b:int,", "'' is not");
	refuse("a:int:``:int", "is not from");
	refuse("a:int:b:int:c", "is not from");
	refuse("[]", "no column");
	refuse("[[1,2,3,4]]", "is not from");
	refuse("[[", "--mapping");
	refuse("a:int:b:int,c:int:B:int", "two columns would be named 'B'");
	refuse("a:uuid:b:int", "the type 'uuid' cannot be converted");
	refuse("a:binary:b:string", "the type 'binary' cannot be converted");
	refuse("a:int:b:decimal(39,1)", "at most 38 digits");
	refuse("a:int:b:decimal(3,4)", "at most 38 digits");
	refuse("a:int:b:date", "'a' is of type int, which cannot become date");
	refuse("a:array<int>:b:int", "cannot become int");
	refuse("a:string:b:struct<x:int>", "give the type string");
}

static void test_fieldmap__sources_are_found(void **state)
{
	struct dataset d = DATASET_INIT;
	struct fields f = FIELDS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	d.shown = xstrdup("table 'db.t'");
	add(&d, "x.y", "int");
	add(&d, "s", "struct<A:int,b:struct<c:decimal(5,2),d:array<string>>>");
	assert_int_equal(fields_parse("X.Y:int:p:int,S.a:int:q:int,`s`.b.C:decimal(5,2):r:double,s."
				      "b.d:array:t:string",
				 &f, NULL),
		0);
	assert_int_equal(fields_resolve(&f, &d, NULL), 0);
	assert_ptr_equal(f.v[0].column, &d.columns[0]);
	assert_int_equal(f.v[0].members.nr, 0);
	assert_string_equal(f.v[1].members.v[0], "A");
	assert_int_equal(f.v[2].members.nr, 2);
	assert_string_equal(f.v[2].members.v[1], "c");
	fields_release(&f);
	assert_int_equal(fields_parse("s.b.e:int:p:int", &f, NULL), 0);
	assert_int_equal(fields_resolve(&f, &d, &err), -1);
	assert_non_null(strstr(err.text, "table 'db.t' has no 's.b.e': 'b' is of type struct<"));
	err_release(&err);
	fields_release(&f);
	assert_int_equal(fields_parse("z:int:p:int", &f, NULL), 0);
	assert_int_equal(fields_resolve(&f, &d, &err), -1);
	assert_non_null(strstr(err.text, "table 'db.t' has no column 'z'"));
	err_release(&err);
	fields_release(&f);
	assert_int_equal(fields_parse("s:int:p:int", &f, NULL), 0);
	assert_int_equal(fields_resolve(&f, &d, &err), -1);
	err_release(&err);
	fields_release(&f);
	dataset_release(&d);
}

static void test_fieldmap__all_columns_flattened(void **state)
{
	static const char *const names[] = {"n", "s.A", "s.b.c", "s.b.d", "m"};
	struct dataset d = DATASET_INIT;
	struct fields f = FIELDS_INIT;

	(void)state;
	add(&d, "n", "varchar(10)");
	add(&d, "s", "struct<A:int,b:struct<c:decimal(5,2),d:array<struct<e:int>>>>");
	add(&d, "m", "map<string,int>");
	assert_int_equal(fields_of_dataset(&d, &f, NULL), 0);
	assert_int_equal(f.nr, ARRAY_SIZE(names));
	for (size_t i = 0; i < f.nr; i++)
		assert_string_equal(f.v[i].to, names[i]);
	assert_int_equal(f.v[2].to_type.kind, FIELD_DECIMAL);
	check_field(&f.v[3], "s.b.d", "s.b.d", FIELD_NESTED, FIELD_STRING);
	fields_release(&f);
	dataset_release(&d);
}

static void test_fieldmap__endless_structs_are_refused(void **state)
{
	struct dataset d = DATASET_INIT;
	struct fields f = FIELDS_INIT;
	struct strbuf type = STRBUF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++)
		strbuf_addstr(&type, "struct<a:");
	strbuf_addstr(&type, "int");
	for (int i = 0; i < 1000; i++)
		strbuf_addch(&type, '>');
	add(&d, "s", type.buf);
	assert_int_equal(fields_of_dataset(&d, &f, &err), -1);
	assert_non_null(strstr(err.text, "more than 64 structs"));
	err_release(&err);
	strbuf_release(&type);
	fields_release(&f);
	dataset_release(&d);
}
