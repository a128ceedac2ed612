#include "testing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fs.h"
#include "log.h"

static char *dir;
static char *path;

static void begin(void)
{
	struct err err = ERR_INIT;
	dir = fs_mkdtemp(NULL, "test-log-", &err);
	assert_non_null(dir);
	path = fs_join(dir, "log");
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	log_set_fd(dup(fileno(f)));
	fclose(f);
}

static void end(struct strbuf *sb)
{
	struct err err = ERR_INIT;
	log_set_fd(-1);
	assert_ok(fs_read(path, 1 << 24, sb, &err), &err);
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	free(path);
}

static void test_log__levels(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	begin();
	log_set_level(LOG_QUIET);
	log_error("e%d", 1);
	log_warn("w");
	log_info("no");
	log_set_level(LOG_NORMAL);
	log_info("i");
	log_verbose("no");
	log_set_level(LOG_VERBOSE);
	log_set_program("other");
	log_verbose("v");
	log_set_program("glueproj");
	log_set_level(LOG_NORMAL);
	end(&sb);
	assert_string_equal(sb.buf, "glueproj: e1\nglueproj: warning: w\nglueproj: i\nother: v\n");
	strbuf_release(&sb);
}

static void *chatter(void *arg)
{
	for (int i = 0; i < 500; i++)
		log_info("%s", (const char *)arg);
	return NULL;
}

static void test_log__lines_of_threads_do_not_mix(void **state)
{
	(void)state;
	static char texts[2][301];
	struct strbuf sb = STRBUF_INIT;
	pthread_t t[2];
	begin();
	for (int i = 0; i < 2; i++) {
		memset(texts[i], 'a' + i, 300);
		assert_int_equal(pthread_create(&t[i], NULL, chatter, texts[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	end(&sb);
	size_t lines = 0;
	for (const char *p = sb.buf; *p; lines++) {
		const char *text = p + strlen("glueproj: ");
		assert_int_equal(strcspn(p, "\n"), 310);
		assert_int_equal(strspn(text, *text == 'a' ? "a" : "b"), 300);
		p += 311;
	}
	assert_int_equal(lines, 1000);
	strbuf_release(&sb);
}
