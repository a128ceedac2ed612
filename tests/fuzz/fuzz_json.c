#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"

/* What is read and printed reads back as the same value, in each of the three styles. */
static void check(const struct json *v, void (*print)(const struct json *, struct strbuf *))
{
	struct strbuf sb = STRBUF_INIT;
	print(v, &sb);
	struct json *again = json_parse(sb.buf, sb.len, NULL);
	if (!again || !json_equal(v, again))
		abort();
	json_free(again);
	strbuf_release(&sb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct json *v = json_parse((const char *)data, size, &err);
	if (!v) {
		if (err.code == ERR_NONE || err.line < 1 || err.column < 1)
			abort();
		err_release(&err);
		return 0;
	}
	check(v, json_print);
	check(v, json_print_pretty);
	check(v, json_print_canonical);
	struct json *copy = json_copy(v);
	json_i64(copy, 0);
	json_dbl(copy, 0);
	json_free(copy);
	json_free(v);
	return 0;
}
