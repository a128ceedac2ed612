#include <stdint.h>
#include <string.h>
#include "json.h"
#include "local_events_pattern.h"
#include "xalloc.h"

/* A pattern and an event, one line each: what is a pattern can be held against any document. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *line = memchr(text, '\n', size);
	size_t len = line ? (size_t)(line - text) : size;
	char *first = xstrndup(text, len);
	struct err err = ERR_INIT;
	struct json *pattern = events_pattern_parse(first, &err), *event = NULL;

	err_release(&err);
	if (line)
		event = json_parse(line + 1, size - len - 1, &err);
	if (pattern)
		events_pattern_match(pattern, event);
	err_release(&err);
	json_free(pattern);
	json_free(event);
	free(first);
	return 0;
}
