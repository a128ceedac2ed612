#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "object_event.h"
#include "utf8.h"

/* What is told of has a name that S3 could have; what is not told of says what it is; what is neither says why, and has nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object_event event;
	struct err err = ERR_INIT;
	int ret = object_event_parse((const char *)data, size, &event, &err);

	if (ret == 0 ? (err.code || !event.nr == !event.what) && !(event.nr && event.what)
		     : (err.code != ERR_INVALID || event.nr || event.v || event.what))
		abort();
	for (size_t i = 0; i < event.nr; i++) {
		const char *key = event.v[i].key;

		if (!*key || !*event.v[i].bucket ||
			utf8_good_bytes(key, strlen(key)) != strlen(key))
			abort();
	}
	object_event_release(&event);
	err_release(&err);
	return 0;
}
