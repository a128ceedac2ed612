/* Lines that a grok pattern knows: its columns are the table's. Nine of ten lines must fit, as rows of CSV must. */
#include "local_classify.h"
#include "local_grok.h"
#include "strbuf.h"

#define MAX_LINES 1000
#define FIRST_LINES 20

bool classify_grok(const char *data, size_t len, bool whole, const struct classifier *how,
	struct classified *out)
{
	const char *at = data, *end = data + len;
	size_t lines = 0, fit = 0;
	struct strbuf line = STRBUF_INIT;

	/* Other files are seen to be other files soon. */
	while (at < end && lines < MAX_LINES && (lines < FIRST_LINES || fit * 2 > lines)) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));

		if (!nl && !whole && lines)
			break;
		strbuf_clear(&line);
		strbuf_add(&line, at, (size_t)((nl ? nl : end) - at));
		while (line.len && line.buf[line.len - 1] == '\r')
			strbuf_setlen(&line, line.len - 1);
		at = nl ? nl + 1 : end;
		if (!line.len)
			continue;
		lines++;
		fit += grok_match(how->grok, line.buf);
	}
	strbuf_release(&line);
	if (!fit || fit * 10 < lines * 9)
		return false;
	out->classification = how->classification;
	out->how = how;
	out->columns = json_copy(grok_columns(how->grok));
	out->record_size = (at - data) / (int64_t)lines;
	out->records = (int64_t)len / (out->record_size ? out->record_size : 1);
	if (at == end)
		out->records = (int64_t)lines;
	return true;
}
