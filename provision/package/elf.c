/*
 * The closure of a program's shared libraries, by glibc's rules: for each object, breadth first, its DT_RPATH (when it
 * has no DT_RUNPATH) and the program's, LD_LIBRARY_PATH, its DT_RUNPATH, /etc/ld.so.cache, the default folders. Copies
 * for better processors (glibc-hwcaps) are passed over: a bundle runs elsewhere.
 */
#include "package.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "elffile.h"
#include "fs.h"
#include "map.h"

#define CACHE_PATH "/etc/ld.so.cache"
#define CACHE_MAX_BYTES (64u << 20)
#define CACHE_MAGIC "glibc-ld.so.cache1.1"
#define CACHE_HEADER 48
#define CACHE_ENTRY 24

struct search {
	struct map *found; /* name to path */
	struct strbuf cache;
	char *interpreter, *program_rpath, *program_dir;
	uint16_t machine;
};

/* Is there a library for our machine? *path is taken, and freed when it is none. */
static char *candidate(struct search *s, char *path)
{
	struct elf_file f = ELF_FILE_INIT;
	bool good = path && elf_file_read(path, &f, NULL) == 0 && f.machine == s->machine;

	elf_file_release(&f);
	if (good)
		return path;
	free(path);
	return NULL;
}

static char *in_folders(struct search *s, const char *folders, const char *origin, const char *name)
{
	struct strvec v = STRVEC_INIT;
	char *found = NULL;

	if (folders)
		strvec_split(&v, folders, ':');
	for (size_t i = 0; i < v.nr && !found; i++) {
		struct strbuf dir = STRBUF_INIT;

		strbuf_addstr(&dir, *v.v[i] ? v.v[i] : ".");
		strbuf_replace(&dir, "${ORIGIN}", origin);
		strbuf_replace(&dir, "$ORIGIN", origin);
		if (!strchr(dir.buf, '$')) /* $LIB and $PLATFORM: the cache knows */
			found = candidate(s, fs_join(dir.buf, name));
		strbuf_release(&dir);
	}
	strvec_release(&v);
	return found;
}

static uint32_t u32_at(const char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return n;
}

static const char *cache_string(const char *cache, size_t len, uint32_t offset)
{
	return offset < len && memchr(cache + offset, '\0', len - offset) ? cache + offset : NULL;
}

/* The cache: 48 bytes of header (number of entries at 20), then entries of flags, name, path, osversion, hwcap. */
static char *in_cache(struct search *s, const char *name)
{
	const char *cache = memmem(s->cache.buf, s->cache.len, CACHE_MAGIC, strlen(CACHE_MAGIC));
	size_t len = cache ? s->cache.len - (size_t)(cache - s->cache.buf) : 0;
	uint32_t nr = len > CACHE_HEADER ? u32_at(cache + 20) : 0;
	char *found = NULL;

	for (uint32_t i = 0; i < nr && !found; i++) {
		const char *e = cache + CACHE_HEADER + (size_t)i * CACHE_ENTRY, *key, *value;
		uint64_t hwcap;

		if ((size_t)(e - cache) + CACHE_ENTRY > len)
			break;
		memcpy(&hwcap, e + 16, sizeof(hwcap));
		key = cache_string(cache, len, u32_at(e + 4));
		value = cache_string(cache, len, u32_at(e + 8));
		if (hwcap == 0 && key && value && strcmp(key, name) == 0)
			found = candidate(s, xstrdup(value));
	}
	return found;
}

static char *find(struct search *s, const struct elf_file *from, const char *name)
{
	static const char defaults[] = "/lib64:/usr/lib64:/lib:/usr/lib:"
				       "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:"
				       "/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu";
	char *origin, *found = NULL;

	if (strchr(name, '/'))
		return candidate(s, xstrdup(name));
	origin = fs_dirname(from->path);
	if (!from->runpath) {
		found = in_folders(s, from->rpath, origin, name);
		if (!found)
			found = in_folders(s, s->program_rpath, s->program_dir, name);
	}
	if (!found)
		found = in_folders(s, getenv("LD_LIBRARY_PATH"), origin, name);
	if (!found)
		found = in_folders(s, from->runpath, origin, name);
	if (!found)
		found = in_cache(s, name);
	if (!found)
		found = in_folders(s, defaults, origin, name);
	free(origin);
	return found;
}

/* What `from` needs and nobody needed before goes to the map's end. */
static int add_needed(struct search *s, const struct elf_file *from, struct err *err)
{
	for (size_t i = 0; i < from->needed.nr; i++) {
		const char *name = from->needed.v[i], *base = fs_basename(name);
		char *path;

		if (map_has(s->found, base) ||
			(s->interpreter && strcmp(base, fs_basename(s->interpreter)) == 0))
			continue;
		path = find(s, from, name);
		if (!path)
			return err_set(err, ERR_NOT_FOUND,
				"'%s' needs the shared library '%s', which is not found",
				from->path, name);
		map_put(s->found, base, path);
	}
	return 0;
}

static int walk(struct search *s, struct elf_file *program, struct err *err)
{
	if (add_needed(s, program, err) != 0)
		return -1;
	/* The map grows while it is walked. */
	for (size_t i = 0; i < s->found->nr_entries; i++) {
		struct elf_file f = ELF_FILE_INIT;
		int ret = elf_file_read(s->found->entries[i].value, &f, err);

		if (ret == 0)
			ret = add_needed(s, &f, err);
		elf_file_release(&f);
		if (ret != 0)
			return -1;
	}
	return 0;
}

int elf_closure(const char *path, struct map *libraries, char **interpreter, struct err *err)
{
	struct elf_file program = ELF_FILE_INIT;
	struct search s = {.found = libraries, .cache = STRBUF_INIT};
	int ret = -1;

	*interpreter = NULL;
	libraries->free_value = free;
	if (elf_file_read(path, &program, err) != 0)
		return -1;
	s.machine = program.machine;
	s.interpreter = program.interpreter;
	s.program_rpath = program.runpath ? NULL : program.rpath;
	s.program_dir = fs_dirname(path);
	/* Without a cache (a musl system, a chroot) the default folders remain. */
	if (fs_read(CACHE_PATH, CACHE_MAX_BYTES, &s.cache, NULL) != 0)
		strbuf_clear(&s.cache);
	ret = walk(&s, &program, err);
	if (ret == 0)
		*interpreter = xstrdup(program.interpreter);
	free(s.program_dir);
	strbuf_release(&s.cache);
	elf_file_release(&program);
	return ret;
}
