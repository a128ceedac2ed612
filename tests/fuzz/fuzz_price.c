/* Any bytes are a price, none, or one with odd commas; what is a price stays the same when it is written again. */
#include <stdint.h>
#include <stdlib.h>
#include "price.h"
#include "strbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf again = STRBUF_INIT;
	float price = 0, second = 0;

	if (price_parse((const char *)data, size, &price) == PRICE_OK) {
		strbuf_addf(&again, "%.9g", (double)price);
		if (price_parse(again.buf, again.len, &second) != PRICE_OK || second != price)
			abort();
	}
	strbuf_release(&again);
	return 0;
}
