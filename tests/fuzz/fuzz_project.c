/* Project files, and the names in their settings. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "project.h"

static void try_names(const struct project *p)
{
	struct err err = ERR_INIT;
	for (size_t i = 0; i < p->nr_actions; i++) {
		char *out = NULL;
		if (!project_expand(p, p->actions[i].target, NULL, NULL, &out, &err))
			free(out);
		err_release(&err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = memfd_create("project", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	const struct project_opts opts = {.path = path, .lenient_uploads = true};
	struct err_list errors = ERR_LIST_INIT;
	struct project *p = project_load(&opts, &errors);
	if (!p != (errors.nr > 0))
		abort();
	if (p)
		try_names(p);
	project_free(p);
	err_list_release(&errors);
	close(fd);
	return 0;
}
