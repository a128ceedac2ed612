/* Any bytes are a mapping or an error with a reason; what is one is never empty, and its targets differ. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "fieldmap.h"
#include "xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct fields fields = FIELDS_INIT;
	struct err err = ERR_INIT;

	if (fields_parse(text, &fields, &err) == 0) {
		if (!fields.nr || err.code)
			abort();
		for (size_t i = 0; i < fields.nr; i++) {
			struct strbuf sql = STRBUF_INIT;

			field_type_add_sql(&sql, &fields.v[i].to_type);
			if (!sql.len || !*fields.v[i].to || !*fields.v[i].source ||
				fields.v[i].to_type.kind == FIELD_NESTED)
				abort();
			strbuf_release(&sql);
		}
	} else if (!err.code || !err.text || !*err.text) {
		abort();
	}
	fields_release(&fields);
	err_release(&err);
	free(text);
	return 0;
}
