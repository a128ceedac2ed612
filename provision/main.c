#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "xalloc.h"

int main(int argc, char **argv)
{
	char **rest = xcalloc((size_t)argc + 1, sizeof(*rest));
	const struct command *c;
	struct session s;
	int nr_rest = 0, code = EXIT_USAGE;

	/* The background server of the local cloud is this program again. */
	if (argc > 1 && !strcmp(argv[1], "local-server-main")) {
		code = local_server_main(argc - 2, argv + 2);
		goto out;
	}
	signals_install();
	c = command_find(argc, argv, rest, &nr_rest);
	if (c) {
		int result = session_open(&s, c, nr_rest, rest);
		code = session_close(&s, result ? result : c->run(&s));
	}
out:
	free(rest);
	return code;
}
