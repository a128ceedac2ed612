/* JSON of any layout as records: the size of the blocks does not matter, and what comes out is read as the same again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "dataset_json.h"
#include "strbuf.h"

struct bytes {
	const char *text;
	size_t len, at, step;
};

static ssize_t give(void *payload, const void **block, unused_arg struct err *err)
{
	struct bytes *b = payload;
	size_t n = b->len - b->at < b->step ? b->len - b->at : b->step;

	*block = b->text + b->at;
	b->at += n;
	return (ssize_t)n;
}

static bool run(const char *path, const char *text, size_t len, size_t step, struct strbuf *out)
{
	static const char *names[] = {"Id", "record"};
	struct json_feed_how how = {path, names, ARRAY_SIZE(names), false};
	struct bytes b = {text, len, 0, step};
	struct err err = ERR_INIT;
	struct json_feed *f = json_feed_new(&how, give, &b, "x", &err);
	const void *block = NULL;
	ssize_t n;

	if (!f)
		BUG("the path is refused: %s", err.text);
	while ((n = json_feed_read(f, &block, &err)) > 0)
		strbuf_add(out, block, (size_t)n);
	if (n < 0 && !err.text)
		BUG("no reason is given");
	json_feed_free(f);
	err_release(&err);
	return n == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {NULL, "$[*]", "$.a[*].b", "$"};
	const char *path = size ? paths[data[0] % 4] : NULL,
		   *text = (const char *)data + (size > 0);
	size_t len = size - (size > 0);
	struct strbuf all = STRBUF_INIT, pieces = STRBUF_INIT, again = STRBUF_INIT;
	bool ok = run(path, text, len, SIZE_MAX, &all);

	if (run(path, text, len, 1, &pieces) != ok)
		BUG("the blocks' size decides what is JSON");
	if (ok && strcmp(all.buf, pieces.buf) != 0)
		BUG("the blocks' size decides what is read");
	/* A word that begins as null does is left to who reads the records. */
	if (ok && path && all.buf[0] != 'n' && !strstr(all.buf, "\nn") &&
		(!run("$", all.buf, all.len, SIZE_MAX, &again) || strcmp(all.buf, again.buf) != 0))
		BUG("records change when they are read again");
	strbuf_release(&all);
	strbuf_release(&pieces);
	strbuf_release(&again);
	return 0;
}
