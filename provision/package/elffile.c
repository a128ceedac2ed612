#include "elffile.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "strbuf.h"

#define MAX_HEADERS 256
#define MAX_DYNAMIC (1u << 20)
#define MAX_NAME 4096

struct reader {
	int fd;
	const char *path;
	Elf64_Phdr headers[MAX_HEADERS];
	size_t nr;
};

/* Exactly `len` bytes, or an error: a file that ends early is damaged. */
static int read_at(struct reader *r, void *buf, size_t len, uint64_t offset, struct err *err)
{
	char *to = buf;

	while (len) {
		ssize_t n = pread(r->fd, to, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read '%s'", r->path);
		if (n == 0)
			return err_set(err, ERR_INVALID, "'%s' is cut off", r->path);
		to += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* A NUL-terminated string in the file; malloc'd. */
static char *read_string(struct reader *r, uint64_t offset, struct err *err)
{
	char buf[MAX_NAME];
	ssize_t n = pread(r->fd, buf, sizeof(buf), (off_t)offset);

	if (n > 0 && memchr(buf, '\0', (size_t)n))
		return xstrdup(buf);
	err_set(err, ERR_INVALID, "'%s' has a name that does not end", r->path);
	return NULL;
}

static int read_headers(struct reader *r, struct elf_file *out, struct err *err)
{
	Elf64_Ehdr e;

	if (read_at(r, &e, sizeof(e), 0, err) != 0)
		return -1;
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64 ||
		e.e_ident[EI_DATA] != ELFDATA2LSB || e.e_phentsize != sizeof(Elf64_Phdr))
		return err_set(err, ERR_INVALID, "'%s' is no 64-bit ELF file", r->path);
	if (e.e_phnum > MAX_HEADERS)
		return err_set(err, ERR_INVALID, "'%s' has %d program headers", r->path, e.e_phnum);
	out->machine = e.e_machine;
	r->nr = e.e_phnum;
	return read_at(r, r->headers, r->nr * sizeof(Elf64_Phdr), e.e_phoff, err);
}

static const Elf64_Phdr *header_of(const struct reader *r, Elf64_Word type)
{
	for (size_t i = 0; i < r->nr; i++)
		if (r->headers[i].p_type == type)
			return &r->headers[i];
	return NULL;
}

/* Where an address of the loaded image lies in the file. */
static int file_offset(const struct reader *r, uint64_t address, uint64_t *offset, struct err *err)
{
	for (size_t i = 0; i < r->nr; i++) {
		const Elf64_Phdr *h = &r->headers[i];

		if (h->p_type != PT_LOAD || address < h->p_vaddr ||
			address - h->p_vaddr >= h->p_filesz)
			continue;
		*offset = h->p_offset + (address - h->p_vaddr);
		return 0;
	}
	return err_set(err, ERR_INVALID, "'%s': an address lies outside the file", r->path);
}

static int take_strings(struct reader *r, const Elf64_Dyn *dynamic, size_t nr, uint64_t strings,
	struct elf_file *out, struct err *err)
{
	for (size_t i = 0; i < nr && dynamic[i].d_tag != DT_NULL; i++) {
		Elf64_Sxword tag = dynamic[i].d_tag;
		char *text;

		if (tag != DT_NEEDED && tag != DT_RPATH && tag != DT_RUNPATH)
			continue;
		text = read_string(r, strings + dynamic[i].d_un.d_val, err);
		if (!text)
			return -1;
		if (tag == DT_NEEDED) {
			strvec_push_take(&out->needed, text);
		} else {
			char **path = tag == DT_RPATH ? &out->rpath : &out->runpath;

			free(*path);
			*path = text;
		}
	}
	return 0;
}

static int read_dynamic(struct reader *r, struct elf_file *out, struct err *err)
{
	const Elf64_Phdr *h = header_of(r, PT_DYNAMIC);
	uint64_t address = 0, strings = 0;
	Elf64_Dyn *dynamic;
	size_t nr;
	int ret;

	if (!h)
		return 0; /* linked statically */
	if (h->p_filesz > MAX_DYNAMIC)
		return err_set(err, ERR_INVALID, "'%s' has too large a dynamic section", r->path);
	nr = h->p_filesz / sizeof(*dynamic);
	dynamic = xcalloc(nr + 1, sizeof(*dynamic));
	ret = read_at(r, dynamic, nr * sizeof(*dynamic), h->p_offset, err);
	for (size_t i = 0; i < nr && dynamic[i].d_tag != DT_NULL; i++)
		if (dynamic[i].d_tag == DT_STRTAB)
			address = dynamic[i].d_un.d_ptr;
	if (ret == 0)
		ret = file_offset(r, address, &strings, err);
	if (ret == 0)
		ret = take_strings(r, dynamic, nr, strings, out, err);
	free(dynamic);
	return ret;
}

int elf_file_read(const char *path, struct elf_file *out, struct err *err)
{
	struct reader r = {.fd = open(path, O_RDONLY | O_CLOEXEC), .path = path};
	const Elf64_Phdr *h;
	int ret = -1;

	*out = (struct elf_file)ELF_FILE_INIT;
	if (r.fd < 0)
		return err_errno(err, "cannot open '%s'", path);
	if (read_headers(&r, out, err) != 0)
		goto out;
	h = header_of(&r, PT_INTERP);
	if (h) {
		out->interpreter = read_string(&r, h->p_offset, err);
		if (!out->interpreter)
			goto out;
	}
	ret = read_dynamic(&r, out, err);
out:
	close(r.fd);
	if (ret == 0)
		out->path = xstrdup(path);
	else
		elf_file_release(out);
	return ret;
}

void elf_file_release(struct elf_file *f)
{
	free(f->path);
	free(f->interpreter);
	free(f->rpath);
	free(f->runpath);
	strvec_release(&f->needed);
	*f = (struct elf_file)ELF_FILE_INIT;
}

bool elf_file_is(const char *path)
{
	char magic[SELFMAG];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
		  memcmp(magic, ELFMAG, SELFMAG) == 0;

	if (fd >= 0)
		close(fd);
	return is;
}
