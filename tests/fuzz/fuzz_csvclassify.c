/* The classifiers of text and of Parquet footers: any bytes, and what they say of themselves holds. */
#include <stddef.h>
#include <stdint.h>
#include "local_classify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct classified c = CLASSIFIED_INIT;

	if (classify_csv((const char *)data, size, true, &c) && json_len(c.columns) < 2)
		BUG("a CSV table of %zu columns", json_len(c.columns));
	classified_release(&c);
	if (classify_json((const char *)data, size, size & 1, &c) && !json_len(c.columns))
		BUG("a JSON table without columns");
	classified_release(&c);
	if (classify_parquet(data, size, &c) && c.records < 0)
		BUG("fewer than no rows");
	classified_release(&c);
	return 0;
}
