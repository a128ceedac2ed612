/* The store without HTTP: objects of the other services, versions, paging, transactions, tags, time. */
#include "testing.h"

#include <unistd.h>
#include "fs.h"
#include "local_internal.h"
#include "local_objects.h"
#include "local_store.h"
#include "xalloc.h"

struct fixture {
	char *dir;
	struct local_cloud *cloud;
};

static void open_cloud(struct fixture *f)
{
	struct local_server_opts opts = {.dir = f->dir};
	struct err err = ERR_INIT;

	f->cloud = local_cloud_open(&opts, "http://127.0.0.1:1", "AKIA", "secret", &err);
	if (!f->cloud)
		fail_msg("%s", err.text);
}

static void begin(struct fixture *f)
{
	struct err err = ERR_INIT;

	f->dir = fs_mkdtemp(NULL, "local-store-", &err);
	assert_non_null(f->dir);
	open_cloud(f);
	assert_ok(local_tx_begin(f->cloud, &err), &err);
	assert_ok(
		sql_run(f->cloud->db, NULL, &err,
			"INSERT INTO s3_bucket(name, region, created_ms) VALUES('b', 'r', 0)", ""),
		&err);
	assert_ok(local_tx_commit(f->cloud, &err), &err);
	local_tx_end(f->cloud);
}

static void end(struct fixture *f)
{
	struct err err = ERR_INIT;

	local_cloud_close(f->cloud);
	assert_ok(fs_remove_tree(f->dir, &err), &err);
	free(f->dir);
}

static void put(struct fixture *f, const char *key, const char *text)
{
	struct err err = ERR_INIT;

	assert_ok(local_object_put(f->cloud, NULL, "b", key, text, strlen(text), NULL, &err), &err);
}

static void test_local_store__objects(void **state)
{
	struct local_object o = {0};
	struct strbuf text = STRBUF_INIT;
	struct err err = ERR_INIT;
	struct fixture f;

	(void)state;
	begin(&f);
	put(&f, "k", "one");
	put(&f, "k", "two!");
	assert_ok(local_object_head(f.cloud, NULL, "b", "k", &o, &err), &err);
	assert_int_equal(o.size, 4);
	assert_ok(fs_read(o.path, 100, &text, &err), &err);
	assert_string_equal(text.buf, "two!");
	assert_ok(local_object_delete(f.cloud, NULL, "b", "k", &err), &err);
	assert_false(fs_exists(o.path));
	local_object_release(&o);
	assert_int_equal(local_object_head(f.cloud, NULL, "b", "k", &o, &err), -1);
	assert_string_equal(err.aws_code, "NoSuchKey");
	err_release(&err);
	assert_int_equal(local_object_put(f.cloud, NULL, "none", "k", "", 0, NULL, &err), -1);
	assert_string_equal(err.aws_code, "NoSuchBucket");
	err_release(&err);
	assert_true(local_bucket_exists(f.cloud, "b"));
	assert_false(local_bucket_exists(f.cloud, "none"));
	strbuf_release(&text);
	end(&f);
}

static void test_local_store__file_is_moved_in(void **state)
{
	struct local_object o = {0};
	struct err err = ERR_INIT;
	struct fixture f;
	char *path;

	(void)state;
	begin(&f);
	path = local_scratch_path(f.cloud, ".csv");
	assert_ok(fs_write_atomic(path, "a,b\n", 4, 0600, &err), &err);
	assert_ok(local_object_put_file(f.cloud, NULL, "b", "r.csv", path, "text/csv", &err), &err);
	assert_false(fs_exists(path));
	assert_ok(local_object_head(f.cloud, NULL, "b", "r.csv", &o, &err), &err);
	assert_int_equal(o.size, 4);
	assert_string_equal(o.content_type, "text/csv");
	assert_string_equal(o.etag, "f69f5b72bc79a92dc70c63c9aa142e36");
	local_object_release(&o);
	free(path);
	end(&f);
}

static void test_local_store__lists(void **state)
{
	struct local_object_list l = LOCAL_OBJECT_LIST_INIT;
	struct err err = ERR_INIT;
	struct fixture f;
	char key[32];
	int i;

	(void)state;
	begin(&f);
	for (i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "p%d/k%02d", i % 2, i);
		put(&f, key, "x");
	}
	assert_ok(local_object_list(f.cloud, NULL, "b", "", NULL, 0, &l, &err), &err);
	assert_int_equal(l.nr, 30);
	local_object_list_release(&l);
	assert_ok(local_object_list(f.cloud, NULL, "b", "p1/", NULL, 4, &l, &err), &err);
	assert_int_equal(l.nr, 4);
	assert_string_equal(l.v[3].key, "p1/k07");
	local_object_list_release(&l);
	assert_ok(local_object_list(f.cloud, NULL, "b", "p1/", "p1/k07", 0, &l, &err), &err);
	assert_int_equal(l.nr, 11);
	assert_string_equal(l.v[0].key, "p1/k09");
	local_object_list_release(&l);
	assert_ok(local_object_list(f.cloud, NULL, "b", "p1/", "q", 0, &l, &err), &err);
	assert_int_equal(l.nr, 0);
	local_object_list_release(&l);
	end(&f);
}

static void test_local_store__survives_and_sweeps(void **state)
{
	struct local_object o = {0};
	struct err err = ERR_INIT;
	struct fixture f;
	char *orphan, *half;

	(void)state;
	begin(&f);
	put(&f, "k", "kept");
	orphan = xasprintf("%s/objects/ab/ab%030d", f.dir, 1);
	half = xasprintf("%s/tmp/half", f.dir);
	local_cloud_close(f.cloud);
	/* as after a crash: no mark of a clean end */
	open_cloud(&f);
	assert_ok(fs_write_atomic(orphan, "x", 1, 0600, &err), &err);
	assert_ok(fs_write_atomic(half, "x", 1, 0600, &err), &err);
	local_cloud_close(f.cloud);
	open_cloud(&f);
	assert_false(fs_exists(half));
	assert_true(fs_exists(orphan)); /* a clean end has none, so none is looked for */
	assert_ok(local_tx_begin(f.cloud, &err), &err);
	assert_ok(local_tx_commit(f.cloud, &err), &err);
	local_tx_end(f.cloud);
	local_cloud_close(f.cloud);
	{
		struct sql_db *db;
		char *path = fs_join(f.dir, "cloud.db");

		db = sql_open(path, &err);
		assert_non_null(db);
		assert_ok(sql_exec(db, "DELETE FROM meta WHERE key = 's3_clean'", &err), &err);
		sql_close(db);
		free(path);
	}
	open_cloud(&f);
	assert_false(fs_exists(orphan));
	assert_ok(local_object_head(f.cloud, NULL, "b", "k", &o, &err), &err);
	assert_true(fs_exists(o.path));
	local_object_release(&o);
	free(orphan);
	free(half);
	end(&f);
}

static void test_local_store__rollback(void **state)
{
	struct err err = ERR_INIT;
	struct json *tags = json_object(), *got = NULL;
	struct fixture f;

	(void)state;
	begin(&f);
	json_set_str(tags, "k", "v");
	assert_ok(local_tx_begin(f.cloud, &err), &err);
	assert_ok(local_tags_set(f.cloud, "arn:x", tags, &err), &err);
	local_tx_end(f.cloud); /* not committed */
	assert_ok(local_tx_begin(f.cloud, &err), &err);
	assert_ok(local_tags_get(f.cloud, "arn:x", &got, &err), &err);
	assert_int_equal(json_len(got), 0);
	json_free(got);
	assert_ok(local_tags_set(f.cloud, "arn:x", tags, &err), &err);
	assert_ok(local_tx_commit(f.cloud, &err), &err);
	local_tx_end(f.cloud);
	local_tx_end(f.cloud); /* once too often is fine */
	assert_ok(local_tx_begin(f.cloud, &err), &err);
	assert_ok(local_tags_get(f.cloud, "arn:x", &got, &err), &err);
	assert_string_equal(json_get_str(got, "k"), "v");
	local_tx_end(f.cloud);
	json_free(got);
	json_free(tags);
	end(&f);
}

static void test_local_store__tokens(void **state)
{
	static const char *const keys[] = {"", "a", "ü/\n\"", "x y z"};
	struct err err = ERR_INIT;
	char *key = NULL, *token;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		token = local_token_make(keys[i]);
		assert_ok(local_token_read(token, "X", &key, &err), &err);
		assert_string_equal(key, keys[i]);
		free(token);
		free(key);
	}
	assert_ok(local_token_read(NULL, "X", &key, &err), &err);
	assert_null(key);
	assert_int_equal(local_token_read("nonsense", "X", &key, &err), -1);
	assert_string_equal(err.aws_code, "X");
	err_release(&err);
}

static void count_task(struct local_cloud *cloud, void *payload)
{
	/* an hour of the cloud's time, which the test moves */
	local_wait_until(cloud, local_now_ms(cloud) + 3600000);
	atomic_fetch_add((atomic_int *)payload, 1);
}

static void test_local_store__time_and_tasks(void **state)
{
	atomic_int done = 0;
	struct fixture f;
	int64_t before;
	int i;

	(void)state;
	begin(&f);
	before = local_now_ms(f.cloud);
	for (i = 0; i < 3; i++)
		local_task_spawn(f.cloud, count_task, &done);
	assert_true(local_cloud_busy(f.cloud));
	usleep(50000);
	assert_int_equal(atomic_load(&done), 0);
	local_advance(f.cloud, 3700000);
	assert_true(local_now_ms(f.cloud) - before >= 3700000);
	for (i = 0; i < 500 && atomic_load(&done) < 3; i++)
		usleep(10000);
	assert_int_equal(atomic_load(&done), 3);
	local_task_spawn(f.cloud, count_task, &done);
	end(&f); /* stop wakes and joins */
	assert_int_equal(atomic_load(&done), 4);
}

static void test_local_store__routes_are_sorted(void **state)
{
	size_t i, k, j;

	(void)state;
	for (i = 0; local_services[i]; i++) {
		const struct local_service *s = local_services[i];

		assert_non_null(wire_service_find(s->id));
		for (k = 1; k < s->nr_routes; k++)
			if (strcmp(s->routes[k - 1].operation, s->routes[k].operation) >= 0)
				fail_msg("%s: '%s' is not after '%s'", s->id,
					s->routes[k].operation, s->routes[k - 1].operation);
		/* one operation, one handler */
		for (j = 0; j < i; j++)
			for (k = 0; k < s->nr_routes && !strcmp(local_services[j]->id, s->id); k++)
				for (size_t m = 0; m < local_services[j]->nr_routes; m++)
					assert_string_not_equal(
						local_services[j]->routes[m].operation,
						s->routes[k].operation);
	}
}
