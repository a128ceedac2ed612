/* A stack's record: what is kept, what is refused, and who wins when two write. */
#include "one_store.h"
#include "record.h"

#define KEY "glueproj/v1/p/stacks/s.json"

static struct record *load(struct one_store *s, struct err *err)
{
	return record_load(&s->store, "p", "s", "000000000000", "eu-west-1", err);
}

static void test_record__keeps_everything(void **state unused_arg)
{
	struct one_store s;
	struct err err = ERR_INIT;
	struct record *r, *again;
	struct record_entry *e;

	one_store_open(&s);
	r = load(&s, &err);
	assert_non_null(r);
	assert_null(r->version);
	assert_ok(record_save(r, &s.store, &err), &err);
	assert_false(map_has(&s.objects, KEY)); /* nothing to keep yet */
	e = record_put(r, "Bucket", "AWS::S3::Bucket", "b");
	record_set_state(r, e, RECORD_DONE, "v1:00");
	e->retain = true;
	strvec_push(&e->needs, "s/Role");
	e->fields = json_object();
	json_set_str(e->fields, "Path", "/x/");
	json_set_str(r->outputs, "Name", "b");
	json_set_str(r->exports, "shared", "b");
	assert_ok(record_save(r, &s.store, &err), &err);
	assert_int_equal(r->serial, 1);

	again = load(&s, &err);
	assert_non_null(again);
	assert_int_equal(again->serial, 1);
	assert_string_equal(again->secret_key, r->secret_key);
	assert_string_equal(json_get_str(again->outputs, "Name"), "b");
	assert_string_equal(json_get_str(again->exports, "shared"), "b");
	assert_null(record_find(again, "Bucket", "other"));
	e = record_find(again, "Bucket", "b");
	assert_non_null(e);
	assert_int_equal(e->state, RECORD_DONE);
	assert_true(e->retain);
	assert_string_equal(e->digest, "v1:00");
	assert_string_equal(e->needs.v[0], "s/Role");
	assert_string_equal(json_get_str(e->fields, "Path"), "/x/");
	assert_false(again->dirty);
	record_drop(again, "Bucket", "b");
	record_drop(again, "Bucket", "b");
	assert_int_equal(again->nr, 0);
	assert_ok(record_save(again, &s.store, &err), &err);
	assert_ok(record_remove(again, &s.store, &err), &err);
	assert_false(map_has(&s.objects, KEY));
	record_free(again);
	record_free(r);
	one_store_close(&s);
}

static void test_record__the_second_writer_is_told(void **state unused_arg)
{
	struct one_store s;
	struct err err = ERR_INIT;
	struct record *a, *b;

	one_store_open(&s);
	a = load(&s, &err);
	b = load(&s, &err);
	record_put(a, "A", "T", "a");
	record_put(b, "B", "T", "b");
	assert_ok(record_save(a, &s.store, &err), &err);
	assert_int_equal(record_save(b, &s.store, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_true(b->dirty);
	err_release(&err);
	record_free(a);
	record_free(b);
	one_store_close(&s);
}

static void check_refused(const char *text, const char *says)
{
	struct one_store s;
	struct err err = ERR_INIT;

	one_store_open(&s);
	one_put(&s, KEY, text, strlen(text));
	assert_null(load(&s, &err));
	assert_non_null(strstr(err.text, says));
	err_release(&err);
	one_store_close(&s);
}

static void test_record__of_others_is_refused(void **state unused_arg)
{
	check_refused("{\"version\":2,\"project\":\"p\"}", "version 2");
	check_refused("{\"version\":1,\"project\":\"q\"}", "belongs to project 'q'");
	check_refused("{\"version\":1", "damaged");
	check_refused("[]", "version 0");
}

static void test_record__holes_are_no_entries(void **state unused_arg)
{
	static const char text[] =
		"{\"version\":1,\"project\":\"p\",\"outputs\":7,\"resources\":[null,{},{\"type\":"
		"\"T\"},"
		"{\"logical_id\":\"A\",\"type\":\"T\",\"physical_id\":\"a\",\"state\":\"odd\","
		"\"needs\":[1]}]}";
	struct one_store s;
	struct err err = ERR_INIT;
	struct record *r;

	one_store_open(&s);
	one_put(&s, KEY, text, strlen(text));
	r = load(&s, &err);
	assert_non_null(r);
	assert_int_equal(r->nr, 1);
	assert_int_equal(r->v[0].state, RECORD_INTENT);
	assert_int_equal(r->v[0].needs.nr, 0);
	record_free(r);
	one_store_close(&s);
}

static void test_record__stacks_are_those_with_a_record(void **state unused_arg)
{
	struct one_store s;
	struct err err = ERR_INIT;
	struct strvec stacks = STRVEC_INIT;

	one_store_open(&s);
	one_put(&s, KEY, "{}", 2);
	one_put(&s, "glueproj/v1/p/stacks/t.json", "{}", 2);
	one_put(&s, "glueproj/v1/p/stacks/deep/u.json", "{}", 2);
	one_put(&s, "glueproj/v1/p/stacks/v.txt", "{}", 2);
	one_put(&s, "glueproj/v1/p/lease.json", "{}", 2);
	one_put(&s, "glueproj/v1/pp/stacks/w.json", "{}", 2);
	assert_ok(record_stacks(&s.store, "p", &stacks, &err), &err);
	assert_int_equal(stacks.nr, 2);
	assert_true(strvec_has(&stacks, "s") && strvec_has(&stacks, "t"));
	strvec_release(&stacks);
	one_store_close(&s);
}
