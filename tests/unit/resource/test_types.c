#include "testing.h"
#include "strvec.h"
#include "cloud_script.h"
#include "fields.h"
#include "s3_bucket.h"
#include "types_internal.h"

static void test_types__sorted_and_found(void **state)
{
	(void)state;
	for (size_t i = 0; resource_types[i]; i++) {
		const char *name = resource_types[i]->schema.name;
		if (i)
			assert_true(strcmp(resource_types[i - 1]->schema.name, name) < 0);
		assert_ptr_equal(resource_type_find(name), resource_types[i]);
		assert_true(
			schema_find(resource_schemas(), name) ==
			(resource_types[i]->flags & T_PSEUDO ? NULL : &resource_types[i]->schema));
	}
	assert_null(resource_type_find("AWS::Glue::Nothing"));
	assert_null(resource_type_find(""));
	assert_null(resource_type_find("zzz"));
}

static void check_rows(const char *type, const struct field *fields)
{
	for (const struct field *f = fields; f->name; f++) {
		for (const struct field *g = f + 1; g->name; g++)
			if (strcmp(f->name, g->name) == 0)
				fail_msg("%s: two rows '%s'", type, f->name);
		bool nested = f->kind == FIELD_OBJECT ||
			      (f->kind == FIELD_LIST && f->item == FIELD_OBJECT);
		/* a map's rows say something of some of its members */
		if (nested != (f->fields != NULL) && !(f->flags & F_UNSUPPORTED) &&
			f->kind != FIELD_MAP)
			fail_msg("%s: row '%s' and its fields", type, f->name);
		if (f->flags & F_JSON_TEXT)
			assert_int_equal(f->kind, FIELD_JSON);
		if (f->names && !resource_type_find(f->names))
			fail_msg("%s: row '%s' names %s", type, f->name, f->names);
		if (f->max)
			assert_true(f->min <= f->max);
		if (f->fields)
			check_rows(type, f->fields);
	}
}

static void check_type(const struct resource_type *t)
{
	const struct type_schema *s = &t->schema;
	bool pseudo = t->flags & T_PSEUDO;
	check_rows(s->name, s->fields);
	assert_non_null(t->read);
	assert_non_null(t->create);
	assert_non_null(t->update);
	assert_non_null(s->attributes);
	assert_true(t->destroy || t->flags & T_ACTION);
	assert_true(!t->tag == !!(t->flags & T_NO_TAGS));
	assert_true(!t->content == !(t->flags & T_DATA) && !t->empty == !(t->flags & T_DATA));
	if (s->name_field)
		assert_true(pseudo || (s->name_ok && s->name_max && s->name_pattern_hint));
	else /* a part of another resource, with no name and no tags of its own */
		assert_true(pseudo || (s->name_max && t->flags & T_NO_TAGS));
	for (const char *const *f = t->record_fields; f && *f; f++)
		assert_non_null(schema_field(s->fields, *f));
	for (const struct field_default *d = t->defaults; d && d->name; d++) {
		struct err err = ERR_INIT;
		struct json *v = json_parse(d->value, strlen(d->value), &err);
		if (!v || !schema_field(s->fields, d->name))
			fail_msg("%s: default of '%s'", s->name, d->name);
		json_free(v);
	}
	if (s->name_field && !pseudo) {
		struct strvec paths = STRVEC_INIT;
		strvec_split(&paths, s->name_field, '|');
		for (size_t i = 0; i < paths.nr; i++) {
			const struct field *f = schema_field_at(s->fields, paths.v[i]);
			assert_non_null(f);
			assert_true(f->flags & F_REPLACES);
		}
		strvec_release(&paths);
	}
}

static void test_types__rows(void **state)
{
	(void)state;
	for (size_t i = 0; resource_types[i]; i++)
		check_type(resource_types[i]);
}

static void test_types__bucket_parts(void **state)
{
	(void)state;
	for (const struct bucket_part *p = bucket_parts; p->property; p++) {
		struct err err = ERR_INIT;
		const struct field *f = schema_field(bucket_fields, p->property);
		assert_non_null(f);
		assert_ptr_equal(f->fields, p->fields);
		struct json *v = json_parse(p->usual, strlen(p->usual), &err);
		assert_non_null(v);
		json_free(v);
		bool listed = false;
		for (const struct field_default *d = bucket_defaults; d->name; d++)
			listed = listed || (strcmp(d->name, p->property) == 0 &&
						   strcmp(d->value, p->usual) == 0);
		assert_true(listed);
	}
}

static void test_types__names(void **state)
{
	(void)state;
	static const char *const good[] = {"etl-poc-data-raw", "a.b.c", "123", "my-bucket.2024"};
	static const char *const bad[] = {"ab", "Upper", "a_b", "-ab", "ab-", "a..b", "192.168.5.4",
		"xn--abc", "x-s3alias", ".abc", "abc.", "sthree-x", "b\xc3\xa4r",
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg"};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(bucket_name_ok(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (bucket_name_ok(bad[i]))
			fail_msg("'%s' passes", bad[i]);
	assert_true(iam_name_ok("Glue_Python+Job=Role,.@-1"));
	assert_false(iam_name_ok("a b"));
	assert_false(iam_name_ok("a/b"));
	assert_false(iam_name_ok(""));
	char long_name[66];
	memset(long_name, 'r', 65);
	long_name[65] = '\0';
	assert_false(role_type.schema.name_ok(long_name));
	long_name[64] = '\0';
	assert_true(role_type.schema.name_ok(long_name));
	assert_true(glue_name_ok("etl workflow \xc3\xa4"));
	assert_false(glue_name_ok("a\nb"));
	assert_true(athena_name_ok("etl-poc-athena-group"));
	assert_false(athena_name_ok("a b"));
}

static void test_types__cron(void **state)
{
	(void)state;
	assert_null(cron_problem("cron(15 12 * * ? *)"));
	assert_null(cron_problem("cron(0/5 8-17 ? * MON-FRI *)"));
	assert_null(cron_problem("cron(0  10 L * ? *)"));
	assert_non_null(cron_problem("rate(5 minutes)"));
	assert_non_null(cron_problem("15 12 * * ? *"));
	assert_non_null(cron_problem("cron(15 12 * * ?)"));
	assert_non_null(cron_problem("cron(15 12 * * * *)"));
	assert_non_null(cron_problem("cron(15 12 ? * ? *)"));
	assert_non_null(cron_problem("cron(? 12 ? * 1 *)"));
	assert_non_null(cron_problem("cron(15 12 $ * ? *)"));
}
