/*
 * Bundles lie in their folder as <sha256>.tar.gz; <fingerprint>.json beside them says which one holds given inputs, so
 * that packing (seconds) happens once. All files are written beside their names and renamed: several processes may
 * build at once, and the last one wins with the same bytes.
 */
#include "package.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "archive_io.h"
#include "clock.h"
#include "digest.h"
#include "elffile.h"
#include "fs.h"
#include "hex.h"
#include "inputs.h"
#include "map.h"

/* Changes when the layout does: older bundles are not found again. */
#define LAYOUT "glueproj bundle 1"
#define KEEP_S (7 * 24 * 3600)

struct member {
	char *name, *path; /* in the bundle; here */
	mode_t mode;
};

struct plan {
	struct member *v;
	size_t nr, alloc;
	struct strbuf manifest; /* bundle.json */
	char *interpreter;
	struct map libraries;
};

static void plan_release(struct plan *p)
{
	for (size_t i = 0; i < p->nr; i++) {
		free(p->v[i].name);
		free(p->v[i].path);
	}
	free(p->v);
	free(p->interpreter);
	strbuf_release(&p->manifest);
	map_release(&p->libraries);
}

/* Takes name and path. */
static void add_member(struct plan *p, char *name, char *path, mode_t mode)
{
	ALLOC_GROW(p->v, p->nr, p->alloc);
	p->v[p->nr++] = (struct member){name, path, mode};
}

/* --- what goes in --- */

static int check_machine(const char *path, bool any_machine, struct err *err)
{
	struct elf_file f = ELF_FILE_INIT;
	int ret = elf_file_read(path, &f, err);

	if (ret == 0 && f.machine != EM_X86_64 && !any_machine) {
		ret = err_set(err, ERR_FAILED,
			"'%s' is not built for x86-64, the only machine that Glue's Python shell "
			"has",
			path);
		err_hint(err, "set up from an x86-64 machine, or on the local cloud (--local)");
	}
	elf_file_release(&f);
	return ret;
}

/* Two programs that find different files under one name could not share a folder. */
static int merge_libraries(
	struct plan *p, const char *program, const struct map *found, struct err *err)
{
	struct map_entry *e;

	map_for_each(found, e)
	{
		const char *other = map_get(&p->libraries, e->key);

		if (other && strcmp(other, e->value) != 0)
			return err_set(err, ERR_FAILED,
				"'%s' needs '%s', but another program of the bundle needs '%s'",
				program, (const char *)e->value, other);
		if (!other)
			map_put(&p->libraries, e->key, xstrdup(e->value));
	}
	return 0;
}

static int add_program(
	struct plan *p, const char *dir, const char *name, bool any_machine, struct err *err)
{
	char *path = fs_join(dir, name), *interpreter = NULL;
	struct map found;
	int ret = -1;

	map_init(&found, free);
	if (check_machine(path, any_machine, err) == 0 &&
		elf_closure(path, &found, &interpreter, err) == 0 &&
		merge_libraries(p, name, &found, err) == 0)
		ret = 0;
	if (ret == 0 && interpreter && !p->interpreter) {
		p->interpreter = interpreter;
		interpreter = NULL;
	}
	if (ret == 0 && interpreter && strcmp(interpreter, p->interpreter) != 0)
		ret = err_set(err, ERR_FAILED, "'%s' wants the loader '%s', others '%s'", path,
			interpreter, p->interpreter);
	add_member(p, xasprintf("bin/%s", name), path, 0755);
	free(interpreter);
	map_release(&found);
	return ret;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static int add_certificates(struct plan *p, struct err *err)
{
	static const char *const paths[] = {"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (!fs_exists(paths[i]))
			continue;
		add_member(p, xstrdup("etc/ca.pem"), xstrdup(paths[i]), 0644);
		return 0;
	}
	err_set(err, ERR_FAILED, "this machine has no file of certificates for the bundle");
	return err_hint(err, "install the package ca-certificates");
}

static void make_manifest(struct plan *p, const struct strvec *programs)
{
	struct json *doc = json_object(), *list = json_array();

	for (size_t i = 0; i < programs->nr; i++)
		json_push_str(list, programs->v[i]);
	json_set_i64(doc, "version", 1);
	json_set(doc, "programs", list);
	if (p->interpreter)
		json_set_str(doc, "loader", "lib/ld.so");
	json_print(doc, &p->manifest);
	strbuf_addch(&p->manifest, '\n');
	json_free(doc);
}

static int make_plan(struct plan *p, const char *dir, const struct strvec *programs,
	bool any_machine, struct err *err)
{
	struct map_entry *e;

	map_init(&p->libraries, free);
	for (size_t i = 0; i < programs->nr; i++)
		if (add_program(p, dir, programs->v[i], any_machine, err) != 0)
			return -1;
	map_for_each(&p->libraries, e)
		add_member(p, xasprintf("lib/%s", e->key), xstrdup(e->value), 0755);
	if (p->interpreter)
		add_member(p, xstrdup("lib/ld.so"), xstrdup(p->interpreter), 0755);
	if (add_certificates(p, err) != 0)
		return -1;
	qsort(p->v, p->nr, sizeof(*p->v), by_name);
	make_manifest(p, programs);
	return 0;
}

static int fingerprint(const struct plan *p, const char *dir, struct strbuf *hex, struct err *err)
{
	struct inputs *inputs = inputs_open(dir);
	struct strbuf text = STRBUF_INIT;
	int ret = 0;

	strbuf_addf(&text, "%s\n%s", LAYOUT, p->manifest.buf);
	for (size_t i = 0; i < p->nr && ret == 0; i++) {
		strbuf_addf(&text, "%s %o ", p->v[i].name, (unsigned)p->v[i].mode);
		ret = inputs_sha256(inputs, p->v[i].path, &text, err);
		strbuf_addch(&text, '\n');
	}
	digest_sha256_hex(text.buf, text.len, hex);
	inputs_close(inputs);
	strbuf_release(&text);
	return ret;
}

/* --- the file --- */

static void set_bundle(struct bundle *out, const char *dir, const char *sha256, int64_t size)
{
	out->path = xasprintf("%s/%s.tar.gz", dir, sha256);
	memcpy(out->sha256, sha256, 64);
	out->sha256[64] = '\0';
	out->size = size;
}

/* The bundle that a fingerprint's note names, if it is there and whole. Using it makes it young again. */
static bool find_made(const char *note, const char *dir, struct bundle *out)
{
	struct strbuf text = STRBUF_INIT;
	struct json *doc = NULL;
	const char *sha256;
	struct stat st;
	bool found = false;

	if (fs_read(note, 4096, &text, NULL) == 0)
		doc = json_parse(text.buf, text.len, NULL);
	sha256 = json_get_str(doc, "sha256");
	if (sha256 && strlen(sha256) == 64 && strspn(sha256, "0123456789abcdef") == 64) {
		set_bundle(out, dir, sha256, json_get_i64(doc, "size", -1));
		found = stat(out->path, &st) == 0 && st.st_size == out->size;
		if (found) {
			utimensat(AT_FDCWD, out->path, NULL, 0);
			utimensat(AT_FDCWD, note, NULL, 0);
		} else {
			bundle_release(out);
		}
	}
	json_free(doc);
	strbuf_release(&text);
	return found;
}

static int write_archive(const struct plan *p, const char *path, struct err *err)
{
	struct archive_writer *w = archive_writer_new(path, err);

	if (!w)
		return -1;
	if (archive_writer_add_bytes(
		    w, "bundle.json", p->manifest.buf, p->manifest.len, 0644, err) != 0)
		goto failed;
	for (size_t i = 0; i < p->nr; i++)
		if (archive_writer_add_file(w, p->v[i].name, p->v[i].path, p->v[i].mode, err) != 0)
			goto failed;
	return archive_writer_finish(w, err);
failed:
	archive_writer_free(w);
	return -1;
}

static int write_note(const char *note, const struct bundle *b, struct err *err)
{
	char *text = xasprintf("{\"sha256\":\"%s\",\"size\":%lld}\n", b->sha256, b->size);
	int ret = fs_write_atomic(note, text, strlen(text), 0644, err);

	free(text);
	return ret;
}

/* In a folder of its own first, for its name is its hash. */
static int make(const struct plan *p, const char *dir, struct bundle *out, struct err *err)
{
	struct strbuf raw = STRBUF_INIT, hex = STRBUF_INIT;
	char *scratch = fs_mkdtemp(dir, ".new-", err), *path = NULL;
	uint64_t size = 0;
	int ret = -1;

	if (!scratch)
		return -1;
	path = fs_join(scratch, "bundle.tar.gz");
	if (write_archive(p, path, err) == 0 &&
		digest_file(DIGEST_SHA256, path, &raw, &size, err) == 0) {
		hex_encode(&hex, raw.buf, raw.len);
		set_bundle(out, dir, hex.buf, (int64_t)size);
		ret = rename(path, out->path) == 0 ? 0 : err_errno(err, "%s", out->path);
	}
	if (fs_remove_tree(scratch, NULL) != 0 && ret == 0)
		ret = err_set(err, ERR_IO, "'%s' cannot be removed", scratch);
	if (ret != 0)
		bundle_release(out);
	strbuf_release(&raw);
	strbuf_release(&hex);
	free(scratch);
	free(path);
	return ret;
}

static bool is_ours(const char *name)
{
	return starts_with(name, ".new-") ||
	       ((ends_with(name, ".tar.gz") || ends_with(name, ".json")) &&
		       strspn(name, "0123456789abcdef") == 64);
}

/* What nobody asked for in a week goes, so that the folder does not grow with each build. */
static void prune(const char *dir)
{
	const struct clock *clock = clock_system();
	int64_t now = clock->now_ms(clock) / 1000;
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *path = fs_join(dir, e->d_name);
		struct err err = ERR_INIT;
		struct stat st;

		/* Failing to tidy up is no failure. */
		if (is_ours(e->d_name) && stat(path, &st) == 0 && now - st.st_mtime > KEEP_S &&
			fs_remove_tree(path, &err) != 0)
			err_release(&err);
		free(path);
	}
	if (d)
		closedir(d);
}

int bundle_build(const char *programs_dir, const struct strvec *programs, const char *dir,
	bool any_machine, struct bundle *out, struct err *err)
{
	struct plan p = {.manifest = STRBUF_INIT};
	struct strvec sorted = STRVEC_INIT;
	struct strbuf print = STRBUF_INIT;
	char *note = NULL;
	int ret = -1;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < programs->nr; i++)
		if (!strvec_has(&sorted, programs->v[i]))
			strvec_push(&sorted, programs->v[i]);
	strvec_sort(&sorted);
	if (fs_mkdir_p(dir, 0777, err) != 0 ||
		make_plan(&p, programs_dir, &sorted, any_machine, err) != 0 ||
		fingerprint(&p, dir, &print, err) != 0)
		goto out;
	note = xasprintf("%s/%s.json", dir, print.buf);
	ret = 0;
	if (!find_made(note, dir, out)) {
		ret = make(&p, dir, out, err);
		if (ret == 0)
			ret = write_note(note, out, err);
		prune(dir);
	}
out:
	if (ret != 0)
		bundle_release(out);
	plan_release(&p);
	strvec_release(&sorted);
	strbuf_release(&print);
	free(note);
	return ret;
}

void bundle_release(struct bundle *b)
{
	free(b->path);
	memset(b, 0, sizeof(*b));
}
