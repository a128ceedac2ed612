/* The first line is the form's Content-Type, the rest its body. However it is cut into pieces, the same comes out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "local_s3.h"
#include "xalloc.h"

static struct strbuf file;
static size_t begun;
static const char *fault;
static char *content_type;

/* What the parser needs of the server, so that no server is linked. */
const char *local_http_header(const struct local_http *h unused_arg, const char *name unused_arg)
{
	return content_type;
}

int local_fault(struct err *err unused_arg, int status unused_arg, const char *code,
	const char *fmt unused_arg, ...)
{
	fault = code;
	return -1;
}

int local_s3_invalid(struct err *err unused_arg, const char *fmt unused_arg, ...)
{
	fault = "InvalidArgument";
	return -1;
}

int local_s3_post_begin(struct local_s3_call *c, struct err *err unused_arg)
{
	begun++;
	if (!local_s3_form_field(c->form, "refused"))
		return 0;
	fault = "AccessDenied";
	return -1;
}

int local_s3_sink_feed(struct local_s3_call *c unused_arg, const void *data, size_t len,
	struct err *err unused_arg)
{
	strbuf_add(&file, data, len);
	return 0;
}

/* All that came out, as one text. */
static void run(const char *body, size_t len, size_t piece, struct strbuf *seen)
{
	struct local_s3_call c = {.form = local_s3_form_new(NULL)};
	int ret = 0;

	fault = NULL;
	begun = 0;
	strbuf_init(&file);
	for (size_t at = 0; !ret && at < len; at += piece)
		ret = local_s3_form_feed(&c, body + at, len - at < piece ? len - at : piece, NULL);
	if (!ret)
		ret = local_s3_form_finish(&c, NULL);
	if (!ret != !fault || begun > 1 || (!ret && !begun) || (!begun && file.len))
		abort();
	const struct strvec *fields = local_s3_form_fields(c.form);
	if (fields->nr % 2)
		abort();
	size_t size = 0;
	for (size_t i = 0; i < fields->nr; i++) {
		size += strlen(fields->v[i]);
		strbuf_addf(seen, "%s\n", fields->v[i]);
	}
	if (size > (size_t)20 << 10)
		abort();
	strbuf_addf(seen, "%s\n%s\n", local_s3_form_file_name(c.form), fault ? fault : "");
	/* Of a form that is cut off or refused, any part of the file may have gone on. */
	if (!ret)
		strbuf_add(seen, file.buf, file.len);
	strbuf_release(&file);
	local_s3_form_free(c.form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 2, 7, 64, 4096};
	const char *text = (const char *)data, *line = memchr(data, '\n', size);
	struct strbuf whole = STRBUF_INIT;

	if (!line)
		return 0;
	content_type = xstrndup(text, (size_t)(line - text));
	const char *body = line + 1;
	size_t len = size - (size_t)(body - text);
	run(body, len, len + 1, &whole);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct strbuf seen = STRBUF_INIT;
		run(body, len, pieces[i], &seen);
		if (seen.len != whole.len || memcmp(seen.buf, whole.buf, seen.len) != 0)
			abort();
		strbuf_release(&seen);
	}
	strbuf_release(&whole);
	free(content_type);
	return 0;
}
