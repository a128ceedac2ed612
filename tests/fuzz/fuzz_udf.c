/* Any bytes are a value, null or bad; what is a value stays the same when it is written plainly and read again. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include "clock.h"
#include "strbuf.h"
#include "udf.h"

static void check_numbers(const char *s, size_t len, struct strbuf *again)
{
	const char *why = NULL;
	int64_t n, n2;
	double d, d2;

	if (udf_long(s, len, &n, &why) == UDF_OK) {
		strbuf_addf(again, "%lld", (long long)n);
		/* An integer is a double too. */
		if (udf_long(again->buf, again->len, &n2, &why) != UDF_OK || n2 != n ||
			udf_double(s, len, &d, &why) != UDF_OK)
			abort();
	} else if (udf_is_blank(s, len) != !why) {
		abort();
	}
	strbuf_clear(again);
	if (udf_double(s, len, &d, &why) == UDF_OK) {
		strbuf_addf(again, "%.17g", d);
		if (udf_double(again->buf, again->len, &d2, &why) != UDF_OK ||
			(isnan(d) ? !isnan(d2) : d2 != d))
			abort();
	}
	strbuf_clear(again);
}

static void check_times(const char *s, size_t len, struct strbuf *again)
{
	const char *why = NULL;
	int64_t micros, micros2, whole;
	int32_t day, day2;

	if (udf_date(s, len, &day, &why) == UDF_OK) {
		clock_add_iso(again, day * INT64_C(86400000), false);
		if (udf_date(again->buf, again->len, &day2, &why) != UDF_OK || day2 != day)
			abort();
	}
	strbuf_clear(again);
	if (udf_timestamp(s, len, &micros, &why) == UDF_OK) {
		if (udf_date(s, len, &day, &why) != UDF_OK)
			abort();
		whole = (micros - ((micros % 1000000) + 1000000) % 1000000) / 1000;
		clock_add_iso(again, whole, false);
		if (udf_timestamp(again->buf, again->len, &micros2, &why) != UDF_OK ||
			micros2 != whole * 1000)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf again = STRBUF_INIT;

	check_numbers((const char *)data, size, &again);
	check_times((const char *)data, size, &again);
	strbuf_release(&again);
	return 0;
}
