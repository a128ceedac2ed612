#include "fake.h"

static const char three[] = "Resources:\n"
			    "  A:\n    Type: Fake::Thing\n    Properties: {Name: a, Value: one}\n"
			    "  B:\n    Type: Fake::Thing\n    Properties: {Name: b, Uses: a}\n"
			    "  C:\n    Type: Fake::Thing\n    Properties: {Value: !Sub '${B}-x'}\n"
			    "Outputs:\n  Out: {Value: !GetAtt A.Arn}\n";

static size_t position(const char *line)
{
	for (size_t i = 0; i < fake.log.nr; i++)
		if (!strcmp(fake.log.v[i], line))
			return i;
	fail_msg("no '%s' in the log", line);
	return 0;
}

static void test_engine__creates_in_order_of_names_and_references(void **state)
{
	(void)state;
	fake_reset();
	assert_int_equal(setup(three), 0);
	assert_int_equal(fake.things.nr, 3);
	assert_true(position("create a") < position("create b"));
	assert_true(position("tag b") > position("create b"));
}

static void test_engine__second_setup_only_reads(void **state)
{
	(void)state;
	fake_reset();
	assert_int_equal(setup(three), 0);
	fake.writes = 0;
	assert_int_equal(setup(three), 0);
	assert_int_equal(fake.writes, 0);
}

static void test_engine__changed_value_updates_just_that(void **state)
{
	static const char changed[] =
		"Resources:\n"
		"  A:\n    Type: Fake::Thing\n    Properties: {Name: a, Value: two}\n"
		"  B:\n    Type: Fake::Thing\n    Properties: {Name: b, Uses: a}\n"
		"  C:\n    Type: Fake::Thing\n    Properties: {Value: !Sub '${B}-x'}\n"
		"Outputs:\n  Out: {Value: !GetAtt A.Arn}\n";
	(void)state;
	fake_reset();
	assert_int_equal(setup(three), 0);
	strvec_clear(&fake.log);
	assert_int_equal(setup(changed), 0);
	assert_int_equal(fake.log.nr, 2);
	assert_string_equal(fake.log.v[0], "update a");
	assert_string_equal(fake.log.v[1], "tag a");
}

static void test_engine__replaces_under_the_same_name(void **state)
{
	(void)state;
	fake_reset();
	assert_int_equal(
		setup("Resources: {A: {Type: Fake::Thing, Properties: {Name: a, Kind: x}}}"), 0);
	strvec_clear(&fake.log);
	assert_int_equal(
		setup("Resources: {A: {Type: Fake::Thing, Properties: {Name: a, Kind: y}}}"), 0);
	assert_string_equal(fake.log.v[0], "destroy a");
	assert_string_equal(fake.log.v[1], "create a");
}

static void test_engine__new_name_makes_the_new_one_first(void **state)
{
	(void)state;
	fake_reset();
	assert_int_equal(setup("Resources: {A: {Type: Fake::Thing, Properties: {Name: a}}}"), 0);
	strvec_clear(&fake.log);
	assert_int_equal(setup("Resources: {A: {Type: Fake::Thing, Properties: {Name: b}}}"), 0);
	assert_true(position("create b") < position("destroy a"));
	assert_int_equal(fake.things.nr, 1);
}

static void test_engine__removes_what_the_template_dropped(void **state)
{
	(void)state;
	fake_reset();
	assert_int_equal(setup(three), 0);
	assert_int_equal(
		setup("Resources: {A: {Type: Fake::Thing, Properties: {Name: a, Value: one}}}"), 0);
	assert_int_equal(fake.things.nr, 1);
	assert_true(position("destroy b") > 0);
}

static void test_engine__retain_is_kept_and_adopted_again(void **state)
{
	static const char kept[] = "Resources: {A: {Type: Fake::Thing, DeletionPolicy: Retain, "
				   "Properties: {Name: a}}}";
	(void)state;
	fake_reset();
	assert_int_equal(setup(kept), 0);
	assert_int_equal(teardown(kept), 0);
	assert_true(map_has(&fake.things, "a"));
	fake.writes = 0;
	assert_int_equal(setup(kept), 0);
	assert_true(map_has(&fake.things, "a"));
}

static void test_engine__foreign_is_refused(void **state)
{
	struct world w;
	struct json *t = json_object();
	(void)state;
	fake_reset();
	json_set(t, "props", json_object());
	json_set(t, "tags", json_object());
	map_put(&fake.things, "a", t);
	world_open(&w, three, NULL);
	assert_int_equal(engine_plan(w.e, false, &w.errors, &w.warnings), -1);
	assert_int_equal(w.errors.nr, 1);
	assert_string_equal(err_name(&w.errors.v[0]), "NotOwned");
	assert_int_equal(fake.writes, 0);
	world_close(&w);
}

static void test_engine__data_is_not_lost_by_setup(void **state)
{
	struct world w;
	struct strvec allow = STRVEC_INIT;
	struct engine_opts opts = {.allow_data_loss = &allow};
	static const char precious[] = "Resources: {A: {Type: Fake::Thing, Properties: {Name: a, "
				       "Kind: x, Value: precious}}}";
	static const char other[] = "Resources: {A: {Type: Fake::Thing, Properties: {Name: a, "
				    "Kind: y, Value: precious}}}";
	(void)state;
	fake_reset();
	assert_int_equal(setup(precious), 0);
	fake.writes = 0;
	assert_int_equal(setup(other), 1);
	assert_int_equal(fake.writes, 0);
	strvec_push(&allow, "A");
	world_open(&w, other, &opts);
	assert_int_equal(engine_plan(w.e, false, &w.errors, &w.warnings), 0);
	assert_int_equal(engine_check_data_loss(w.e, &w.errors), 0);
	world_close(&w);
	strvec_release(&allow);
}

static void test_engine__teardown_leaves_nothing(void **state)
{
	(void)state;
	fake_reset();
	assert_int_equal(setup(three), 0);
	assert_int_equal(teardown(three), 0);
	assert_int_equal(fake.things.nr, 0);
	assert_int_equal(fake.objects.nr, 0);
	assert_true(position("destroy b") < position("destroy a"));
}

static void test_engine__teardown_without_record_finds_names(void **state)
{
	(void)state;
	fake_reset();
	assert_int_equal(setup(three), 0);
	map_release(&fake.objects);
	map_init(&fake.objects, free);
	map_release(&fake.versions);
	map_init(&fake.versions, free);
	assert_int_equal(teardown(three), 0);
	assert_int_equal(fake.things.nr, 0);
}

static void test_engine__cycle_by_name_is_told_with_its_path(void **state)
{
	struct world w;
	(void)state;
	fake_reset();
	world_open(&w,
		"Resources: {A: {Type: Fake::Thing, Properties: {Name: a, Uses: b}}, B: {Type: "
		"Fake::Thing, "
		"Properties: {Name: b, Uses: a}}}",
		NULL);
	assert_null(w.e);
	assert_non_null(strstr(w.errors.v[0].text, " -> "));
	world_close(&w);
}

static void test_engine__one_name_twice_is_refused(void **state)
{
	struct world w;
	(void)state;
	fake_reset();
	world_open(&w,
		"Resources: {A: {Type: Fake::Thing, Properties: {Name: a}}, B: {Type: Fake::Thing, "
		"Properties: {Name: a}}}",
		NULL);
	assert_null(w.e);
	assert_string_equal(err_name(&w.errors.v[0]), "DuplicateName");
	world_close(&w);
}

static void test_engine__noecho_is_not_imported(void **state)
{
	struct world w;
	(void)state;
	fake_reset();
	world_open(&w,
		"Parameters: {P: {Type: String, NoEcho: true, Default: hush}}\n"
		"Resources: {A: {Type: Fake::Thing, Properties: {Name: a, Value: !ImportValue "
		"e}}}\n"
		"Outputs: {O: {Value: !Ref P, Export: {Name: e}}}\n",
		NULL);
	assert_null(w.e);
	assert_non_null(strstr(w.errors.v[0].text, "export 'e' holds a NoEcho value"));
	assert_null(strstr(w.errors.v[0].text, "hush"));
	world_close(&w);
}

/* The process dies after each single call, then runs again: the same end, and the run after that only reads. */
static void test_engine__dies_after_each_call(void **state)
{
	size_t calls;
	(void)state;
	fake_reset();
	assert_int_equal(setup(three), 0);
	calls = fake.calls;
	for (size_t n = 1; n < calls; n++) {
		fake_reset();
		fake.die_after = n;
		setup(three);
		fake.die_after = 0;
		if (setup(three))
			fail_msg("died after call %zu: the second run fails", n);
		assert_int_equal(fake.things.nr, 3);
		fake.writes = 0;
		assert_int_equal(setup(three), 0);
		assert_int_equal(fake.writes, 0);
		assert_int_equal(teardown(three), 0);
		assert_int_equal(fake.things.nr, 0);
	}
}

static void test_engine__teardown_dies_after_each_call(void **state)
{
	size_t calls;
	(void)state;
	fake_reset();
	assert_int_equal(setup(three), 0);
	fake.calls = 0;
	assert_int_equal(teardown(three), 0);
	calls = fake.calls;
	for (size_t n = 1; n < calls; n++) {
		fake_reset();
		assert_int_equal(setup(three), 0);
		fake.calls = 0;
		fake.die_after = n;
		teardown(three);
		fake.die_after = 0;
		if (teardown(three))
			fail_msg("died after call %zu: the second teardown fails", n);
		assert_int_equal(fake.things.nr, 0);
		assert_int_equal(fake.objects.nr, 0);
	}
}
