#ifndef ELFFILE_H
#define ELFFILE_H

/* What the dynamic section of a 64-bit little-endian ELF file says; nothing of the file is executed. */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"
#include "strvec.h"

struct elf_file {
	char *path;
	uint16_t machine;      /* EM_X86_64 … */
	char *interpreter;     /* NULL: a library */
	struct strvec needed;  /* in order */
	char *rpath, *runpath; /* NULL: none; with $ORIGIN as written */
};
#define ELF_FILE_INIT                                  \
	{                                              \
		NULL, 0, NULL, STRVEC_INIT, NULL, NULL \
	}

/* ERR_INVALID when it is no such file. */
int elf_file_read(const char *path, struct elf_file *out, struct err *err) must_check;
void elf_file_release(struct elf_file *f);
/* Starts as an ELF file does: worth a closer look. */
bool elf_file_is(const char *path);

#endif
