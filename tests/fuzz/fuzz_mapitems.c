#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "local_states_map_rows.h"
#include "xalloc.h"

/* The first line is the reader's configuration, the rest the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = memchr(data, '\n', size);
	size_t head = line ? (size_t)(line - data) : size;
	struct json *config = json_parse((const char *)data, head, NULL), *items = NULL;
	/* of its own size, so that a read past its end is seen */
	char *text = xstrndup(line ? (const char *)line + 1 : "", line ? size - head - 1 : 0);
	struct err err = ERR_INIT;
	int64_t most = json_get_i64(config, "MaxItems", -1);

	if (config && line) {
		items = map_items(text, strlen(text), config, &err);
		if (!items != !!err.code || (most >= 0 && (int64_t)json_len(items) > most))
			abort();
	}
	json_free(items);
	json_free(config);
	err_release(&err);
	free(text);
	return 0;
}
