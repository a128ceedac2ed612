#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base64.h"
#include "hex.h"
#include "uri.h"

/* Encoding and decoding again gives the same bytes. */
static void round_trip(const char *data, size_t size)
{
	struct strbuf text = STRBUF_INIT, back = STRBUF_INIT;
	uri_encode(&text, data, size, false);
	if (uri_decode(&back, text.buf, text.len, true, NULL) || back.len != size ||
		(size && memcmp(back.buf, data, size) != 0))
		abort();
	strbuf_clear(&text);
	strbuf_clear(&back);
	base64_encode(&text, data, size);
	if (base64_decode(&back, text.buf, text.len) || back.len != size)
		abort();
	strbuf_release(&text);
	strbuf_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct strbuf sb = STRBUF_INIT;
	struct uri u = URI_INIT;
	char *s = xstrndup(text, size), *bucket = NULL, *key = NULL;
	round_trip(text, size);
	if (!uri_decode(&sb, text, size, true, NULL) && sb.len > size)
		abort();
	strbuf_clear(&sb);
	if (!hex_decode(&sb, text, size) && sb.len != size / 2)
		abort();
	strbuf_clear(&sb);
	if (!base64_decode(&sb, text, size) && sb.len > size)
		abort();
	if (!uri_parse(s, &u, NULL) && (!*u.host || *u.path != '/' || u.port < 0 || u.port > 65535))
		abort();
	if (!s3_uri_split(s, &bucket, &key, NULL) && !*bucket)
		abort();
	free(bucket);
	free(key);
	free(s);
	uri_release(&u);
	strbuf_release(&sb);
	return 0;
}
