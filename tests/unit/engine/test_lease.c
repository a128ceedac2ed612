/* One run at a time: who gets the lease, who must wait, and whose lease is over. */
#include <sys/wait.h>
#include <unistd.h>
#include "json.h"
#include "lease.h"
#include "one_store.h"

#define KEY "glueproj/v1/p/lease.json"

static int64_t now = 1700000000000;

static int64_t test_now(const struct clock *c unused_arg)
{
	return now;
}

static const struct clock test_clock = {.now_ms = test_now, .mono_ms = test_now};

static struct lease *acquire(struct one_store *s, struct err *err)
{
	return lease_acquire(&s->store, &test_clock, "p", "setup", err);
}

/* What stands, with one member changed. */
static void alter(struct one_store *s, const char *member, const char *text, int64_t number)
{
	const char *old = map_get(&s->objects, KEY);
	struct json *doc = json_parse(old, strlen(old), NULL);
	struct strbuf sb = STRBUF_INIT;

	assert_non_null(doc);
	if (text)
		json_set_str(doc, member, text);
	else
		json_set_i64(doc, member, number);
	json_print(doc, &sb);
	one_put(s, KEY, sb.buf, sb.len);
	strbuf_release(&sb);
	json_free(doc);
}

static void test_lease__is_taken_and_given_back(void **state unused_arg)
{
	struct one_store s;
	struct err err = ERR_INIT;
	struct lease *l, *none = NULL;

	one_store_open(&s);
	l = acquire(&s, &err);
	assert_non_null(l);
	assert_true(map_has(&s.objects, KEY));
	assert_false(lease_lost(l));
	assert_ok(lease_check(l, &err), &err);
	assert_false(lease_stop(&l));
	lease_release(l);
	assert_false(map_has(&s.objects, KEY));
	assert_false(lease_stop(&none));
	assert_ok(lease_check(NULL, &err), &err);
	lease_release(NULL);
	one_store_close(&s);
}

static void test_lease__names_who_holds_it(void **state unused_arg)
{
	struct one_store s;
	struct err err = ERR_INIT;
	struct lease *l;

	one_store_open(&s);
	l = acquire(&s, &err);
	assert_null(acquire(&s, &err));
	assert_int_equal(err.code, ERR_LEASE);
	assert_int_equal(err_exit_code(&err), 4);
	assert_string_equal(err_name(&err), "LeaseHeld");
	assert_non_null(strstr(err.text, "setup on "));
	assert_non_null(err.hint);
	err_release(&err);
	lease_release(l);
	l = acquire(&s, &err);
	assert_non_null(l);
	lease_release(l);
	one_store_close(&s);
}

/* A lease as somebody left it, and whether it still holds. */
static void check_left(
	const char *member, const char *text, int64_t number, int64_t later_ms, bool holds)
{
	struct one_store s;
	struct err err = ERR_INIT;
	struct lease *l, *second;
	char *left;

	one_store_open(&s);
	l = acquire(&s, &err);
	if (member)
		alter(&s, member, text, number);
	left = xstrdup(map_get(&s.objects, KEY));
	lease_release(l);
	one_put(&s, KEY, left, strlen(left));
	now += later_ms;
	second = acquire(&s, &err);
	assert_int_equal(second == NULL, holds);
	if (holds)
		assert_int_equal(err.code, ERR_LEASE);
	err_release(&err);
	lease_release(second);
	free(left);
	one_store_close(&s);
}

static void test_lease__is_over_after_its_time(void **state unused_arg)
{
	check_left(NULL, NULL, 0, LEASE_TTL_MS - 1, true);
	check_left(NULL, NULL, 0, LEASE_TTL_MS, false);
	check_left("host", "elsewhere", 0, LEASE_TTL_MS - 1, true);
	check_left("host", "elsewhere", 0, LEASE_TTL_MS, false);
}

static void test_lease__of_a_dead_process_here_holds_nobody(void **state unused_arg)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	check_left("pid", NULL, child, 0, false);
	/* The same number given to a later process. */
	check_left("pid_start", NULL, 1, 0, false);
	/* After a reboot, or on another machine, nothing can be said about a process. */
	check_left("boot_id", "another", 0, 0, true);
}

static void test_lease__that_cannot_be_read_holds_nobody(void **state unused_arg)
{
	struct one_store s;
	struct err err = ERR_INIT;
	struct lease *l;

	one_store_open(&s);
	one_put(&s, KEY, "{\"expires_ms\":", 14);
	l = acquire(&s, &err);
	assert_non_null(l);
	lease_release(l);
	one_store_close(&s);
}

static void somebody_is_faster(struct one_store *s)
{
	s->before_put = NULL;
	one_put(s, KEY, "{}", 2);
}

static void test_lease__is_not_taken_by_two(void **state unused_arg)
{
	struct one_store s;
	struct err err = ERR_INIT;

	one_store_open(&s);
	s.before_put = somebody_is_faster;
	assert_null(acquire(&s, &err));
	assert_int_equal(err.code, ERR_LEASE);
	assert_string_equal(map_get(&s.objects, KEY), "{}");
	err_release(&err);
	one_store_close(&s);
}
