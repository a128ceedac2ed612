/*
 * Prints what is wrong with state machines, for comparison with what others say (test_asl_rules.py): an array of [definition's text,
 * express] on standard input, an array of arrays of diagnostics on standard output.
 */
#include <stdio.h>
#include <string.h>
#include "asl.h"
#include "fs.h"

int main(void)
{
	struct strbuf sb = STRBUF_INIT;
	struct err err = ERR_INIT;
	struct json *in = NULL, *out = json_array();
	const struct json *e;
	const char *text;

	if (fs_read("-", (size_t)1 << 26, &sb, &err) == 0)
		in = json_parse(sb.buf, sb.len, &err);
	json_each(e, in)
	{
		text = json_str(json_at(e, 0));
		json_push(out,
			asl_validate(text, strlen(text),
				json_truth(json_at(e, 1), false) ? ASL_EXPRESS : ASL_STANDARD));
	}
	strbuf_clear(&sb);
	json_print(out, &sb);
	puts(sb.buf);
	if (!in)
		fprintf(stderr, "%s\n", err.text);
	json_free(in);
	json_free(out);
	strbuf_release(&sb);
	return err.code == ERR_NONE ? 0 : 1;
}
