#include "testing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "archive_io.h"
#include "clock.h"
#include "digest.h"
#include "fs.h"
#include "hex.h"
#include "map.h"
#include "package.h"

/* A folder with programs "one" and "two": copies of programs that every machine has. */
struct fixture {
	char *dir, *programs, *out;
	struct strvec names;
	struct err err;
};

static void copy(const char *from, const char *dir, const char *name, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	char *to = fs_join(dir, name);

	assert_ok(fs_read(from, 64 << 20, &text, err), err);
	assert_ok(fs_write_atomic(to, text.buf, text.len, 0755, err), err);
	strbuf_release(&text);
	free(to);
}

static void open_fixture(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->dir = fs_mkdtemp(NULL, "bundle-", &f->err);
	assert_non_null(f->dir);
	f->programs = fs_join(f->dir, "programs");
	f->out = fs_join(f->dir, "out");
	strvec_init(&f->names);
	assert_ok(fs_mkdir_p(f->programs, 0755, &f->err), &f->err);
	copy("/bin/echo", f->programs, "one", &f->err);
	copy("/bin/cat", f->programs, "two", &f->err);
	strvec_push(&f->names, "two");
	strvec_push(&f->names, "one");
}

static void close_fixture(struct fixture *f)
{
	assert_ok(fs_remove_tree(f->dir, &f->err), &f->err);
	free(f->dir);
	free(f->programs);
	free(f->out);
	strvec_release(&f->names);
	err_release(&f->err);
}

static void build(struct fixture *f, const char *out, struct bundle *b)
{
	assert_ok(bundle_build(f->programs, &f->names, out, true, b, &f->err), &f->err);
}

static void test_bundle__the_same_input_gives_the_same_bytes(void **state)
{
	struct strbuf raw = STRBUF_INIT, hex = STRBUF_INIT;
	struct bundle a, b;
	struct fixture f;
	char *other;
	uint64_t size;

	(void)state;
	open_fixture(&f);
	other = fs_join(f.dir, "other");
	build(&f, f.out, &a);
	build(&f, other, &b);
	assert_string_equal(a.sha256, b.sha256);
	assert_ok(digest_file(DIGEST_SHA256, a.path, &raw, &size, &f.err), &f.err);
	hex_encode(&hex, raw.buf, raw.len);
	assert_string_equal(hex.buf, a.sha256);
	assert_int_equal(size, a.size);
	assert_string_equal(fs_basename(a.path) + 64, ".tar.gz");
	strbuf_release(&raw);
	strbuf_release(&hex);
	bundle_release(&a);
	bundle_release(&b);
	free(other);
	close_fixture(&f);
}

static void test_bundle__is_found_again_and_made_anew_when_an_input_changes(void **state)
{
	const struct clock *clock = clock_system();
	struct bundle a, b, c;
	struct stat before, after;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	build(&f, f.out, &a);
	assert_int_equal(stat(a.path, &before), 0);
	build(&f, f.out, &b);
	assert_int_equal(stat(b.path, &after), 0);
	assert_string_equal(a.sha256, b.sha256);
	assert_int_equal(before.st_ino, after.st_ino);
	/* Same size and time stamps of seconds: still seen. */
	copy("/bin/ls", f.programs, "one", &f.err);
	build(&f, f.out, &c);
	assert_string_not_equal(a.sha256, c.sha256);
	/* A bundle that was cut short is not taken for whole. */
	assert_int_equal(truncate(c.path, 100), 0);
	bundle_release(&b);
	build(&f, f.out, &b);
	assert_string_equal(b.sha256, c.sha256);
	assert_int_equal(stat(b.path, &after), 0);
	assert_true(after.st_size > 100);
	assert_true(clock->now_ms(clock) > 0);
	bundle_release(&a);
	bundle_release(&b);
	bundle_release(&c);
	close_fixture(&f);
}

static void test_bundle__has_loader_libraries_certificates_and_manifest(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct bundle b;
	struct fixture f;
	char *root, *path;
	static const char *const names[] = {
		"bin/one", "bin/two", "lib/ld.so", "lib/libc.so.6", "etc/ca.pem"};

	(void)state;
	open_fixture(&f);
	build(&f, f.out, &b);
	root = fs_join(f.dir, "root");
	assert_ok(fs_mkdir_p(root, 0755, &f.err), &f.err);
	assert_ok(archive_unpack(b.path, root, 1 << 30, &f.err), &f.err);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		path = fs_join(root, names[i]);
		if (!fs_exists(path))
			fail_msg("no '%s'", names[i]);
		free(path);
	}
	path = fs_join(root, "bundle.json");
	assert_ok(fs_read(path, 4096, &text, &f.err), &f.err);
	assert_string_equal(text.buf,
		"{\"version\":1,\"programs\":[\"one\",\"two\"],\"loader\":\"lib/ld.so\"}\n");
	free(path);
	strbuf_release(&text);
	free(root);
	bundle_release(&b);
	close_fixture(&f);
}

/* In the child: never returns. */
static void run_in_chroot(const char *root, int out)
{
	dup2(out, STDOUT_FILENO);
	if (chroot(root) == 0 && chdir("/") == 0)
		execl("/lib/ld.so", "ld.so", "--library-path", "/lib", "/bin/one", "it runs", NULL);
	_exit(99);
}

static void test_bundle__runs_where_there_is_nothing_else(void **state)
{
	char said[32] = "";
	struct bundle b;
	struct fixture f;
	int status, fds[2];
	char *root;
	pid_t pid;

	(void)state;
	if (getuid() != 0)
		skip(); /* chroot is root's */
	open_fixture(&f);
	build(&f, f.out, &b);
	root = fs_join(f.dir, "root");
	assert_ok(fs_mkdir_p(root, 0755, &f.err), &f.err);
	assert_ok(archive_unpack(b.path, root, 1 << 30, &f.err), &f.err);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0)
		run_in_chroot(root, fds[1]);
	close(fds[1]);
	assert_true(read(fds[0], said, sizeof(said) - 1) > 0);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(said, "it runs\n");
	free(root);
	bundle_release(&b);
	close_fixture(&f);
}

static void test_bundle__says_what_is_missing(void **state)
{
	struct bundle b;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	strvec_push(&f.names, "three");
	assert_int_equal(bundle_build(f.programs, &f.names, f.out, true, &b, &f.err), -1);
	assert_non_null(strstr(f.err.text, "three"));
	close_fixture(&f);
}

static void test_bundle__another_machine_is_refused(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct bundle b;
	struct fixture f;
	char *path;

	(void)state;
	open_fixture(&f);
	path = fs_join(f.programs, "one");
	assert_ok(fs_read(path, 64 << 20, &text, &f.err), &f.err);
	text.buf[18] = (char)0xb7; /* EM_AARCH64 */
	text.buf[19] = 0;
	assert_ok(fs_write_atomic(path, text.buf, text.len, 0755, &f.err), &f.err);
	assert_int_equal(bundle_build(f.programs, &f.names, f.out, false, &b, &f.err), -1);
	assert_int_equal(f.err.code, ERR_FAILED);
	assert_non_null(strstr(f.err.text, "x86-64"));
	strbuf_release(&text);
	free(path);
	close_fixture(&f);
}

/* --- elf_closure --- */

static void test_bundle__closure_is_what_the_loader_finds(void **state)
{
	struct map found;
	struct map_entry *e;
	char *interpreter = NULL, line[4096];
	struct err err = ERR_INIT;
	size_t listed = 0;
	FILE *p;

	(void)state;
	map_init(&found, free);
	assert_ok(elf_closure("/proc/self/exe", &found, &interpreter, &err), &err);
	assert_non_null(interpreter);
	/* The loader's own list of this very program. */
	snprintf(line, sizeof(line), "%s --list /proc/%d/exe", interpreter, (int)getpid());
	p = popen(line, "r");
	assert_non_null(p);
	while (fgets(line, sizeof(line), p)) {
		char *arrow = strstr(line, " => "), *name = line + strspn(line, " \t");
		const char *mine;

		if (!arrow)
			continue;
		*arrow = '\0';
		arrow += 4;
		arrow[strcspn(arrow, " \n")] = '\0';
		if (strcmp(fs_basename(name), fs_basename(interpreter)) == 0)
			continue;
		listed++;
		mine = map_get(&found, name);
		if (!mine)
			fail_msg("'%s' was not found", name);
		assert_string_equal(mine, arrow);
	}
	pclose(p);
	assert_true(listed > 0);
	assert_int_equal(listed, found.nr);
	map_for_each(&found, e) assert_true(fs_exists(e->value));
	map_release(&found);
	free(interpreter);
}

static void test_bundle__what_is_no_elf_file_is_refused(void **state)
{
	struct err err = ERR_INIT;
	struct strbuf text = STRBUF_INIT;
	char *dir = fs_mkdtemp(NULL, "elf-", &err), *path = fs_join(dir, "x");

	(void)state;
	assert_ok(fs_read("/bin/echo", 64 << 20, &text, &err), &err);
	/* Cut short, or with wild numbers in its headers: an error or not, but never a crash. */
	for (size_t i = 0; i < 2000; i += 7) {
		struct map found;
		char *interpreter = NULL, saved = text.buf[i];

		map_init(&found, free);
		text.buf[i] = (char)0xff;
		assert_ok(fs_write_atomic(path, text.buf, i % 2 ? text.len : i, 0755, &err), &err);
		if (elf_closure(path, &found, &interpreter, &err) != 0)
			err_release(&err);
		else
			assert_true(i % 2);
		text.buf[i] = saved;
		free(interpreter);
		map_release(&found);
	}
	strbuf_release(&text);
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	free(path);
}

static void test_bundle__the_launcher_is_the_file(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct err err = ERR_INIT;
	size_t len;
	const char *embedded = launcher_text(&len);

	(void)state;
	assert_ok(fs_read("provision/package/launcher.py", 1 << 20, &text, &err), &err);
	assert_int_equal(len, text.len);
	assert_memory_equal(embedded, text.buf, len);
	strbuf_release(&text);
}
