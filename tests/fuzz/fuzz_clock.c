#include <stdint.h>
#include <stdlib.h>
#include "clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	int64_t ms = 0, again = 0;
	if (!clock_parse(text, &ms)) {
		struct strbuf sb = STRBUF_INIT;
		struct utc u;
		utc_from_ms(ms, &u);
		if (utc_to_ms(&u) != ms)
			abort();
		clock_add_iso(&sb, ms, true);
		/* An offset can carry the first and last years out of four digits. */
		if (u.year >= 0 && u.year <= 9999 && (clock_parse(sb.buf, &again) || again != ms))
			abort();
		strbuf_release(&sb);
	}
	free(text);
	return 0;
}
