/* Parameter files and config files, and AllowedPattern: the first line is a pattern, the rest the file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "pattern.h"
#include "strbuf.h"
#include "values.h"

static void try_pattern(const char *text, size_t len, const char *subject)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	char *copy = xstrndup(text, len);
	const struct pattern *p = pattern_compile(&a, copy, &err);
	if (p)
		pattern_match(p, subject);
	free(copy);
	err_release(&err);
	arena_release(&a);
}

static void try_file(const void *data, size_t size)
{
	struct arena a = ARENA_INIT;
	struct err_list errors = ERR_LIST_INIT;
	struct values values = VALUES_INIT;
	char path[64];
	int fd = memfd_create("params", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (values_read_parameters(&a, path, &values, &errors) && !errors.nr)
		abort();
	values_release(&values);
	if (values_read_config(&a, path, &values, &errors) && !errors.nr)
		abort();
	values_release(&values);
	err_list_release(&errors);
	arena_release(&a);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_add(&text, data, size);
	size_t line = strcspn(text.buf, "\n");
	try_pattern(text.buf, line, line < text.len ? text.buf + line + 1 : "");
	line += line < text.len;
	try_file(text.buf + line, text.len - line);
	strbuf_release(&text);
	return 0;
}
