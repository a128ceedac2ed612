/* Before parsing, a statement keeps its length and its line ends, so that places in errors hold; type names and filters too. */
#include <stddef.h>
#include <stdint.h>
#include "local_catalog_store.h"
#include "local_sqlmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *sql = xstrndup((const char *)data, size);
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;
	struct arena arena = ARENA_INIT;
	struct json *keys = json_array(), *key = json_object();
	const struct sqltype *type;
	struct catalog_filter *filter;

	if (!sqlmap_prepare(sql, &out, &err) && out.len != strlen(sql))
		BUG("%zu bytes became %zu", strlen(sql), out.len);
	err_release(&err);
	if (!sqltype_from_hive(&arena, sql, &type, &err)) {
		strbuf_clear(&out);
		sqltype_print(type, &out);
		sqltype_duck(type, &out);
	}
	err_release(&err);
	json_set_str(key, "Name", "k");
	json_set_str(key, "Type", "int");
	json_push(keys, key);
	filter = catalog_filter_new(sql, keys, &err);
	if (filter)
		catalog_filter_matches(filter, keys);
	catalog_filter_free(filter);
	err_release(&err);
	json_free(keys);
	strbuf_release(&out);
	arena_release(&arena);
	free(sql);
	return 0;
}
