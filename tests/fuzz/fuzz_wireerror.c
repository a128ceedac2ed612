#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum wire_protocol protocols[] = {
		WIRE_JSON_10, WIRE_JSON_11, WIRE_QUERY, WIRE_REST_XML};
	char *header = xstrndup((const char *)data, size < 64 ? size : 64);
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		struct wire_error e = WIRE_ERROR_INIT;
		wire_error_parse(
			protocols[i], 400, i ? NULL : header, (const char *)data, size, &e);
		/* Both fit into one line of output. */
		if (!e.code || !*e.code || !e.message || !*e.message || strchr(e.message, '\n') ||
			strchr(e.code, '\n'))
			abort();
		wire_error_release(&e);
	}
	free(header);
	return 0;
}
