#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "local_policy.h"
#include "xalloc.h"

/* The first line is a context, the rest a document. What AWS would refuse may still stand in a store: it is evaluated too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *line = strchr(text, '\n');
	struct policy_request q = {.action = "s3:GetObject",
		.resource = "arn:aws:s3:::lake/raw/a.csv",
		.service = "glue.amazonaws.com",
		.account = "111122223333",
		.caller_arn = "arn:aws:iam::111122223333:root"};
	struct json *doc = NULL, *checked = NULL, *context = NULL;
	struct err err = ERR_INIT;
	int kind;

	if (line) {
		*line = '\0';
		context = json_parse(text, strlen(text), NULL);
		q.context = context;
		doc = json_parse(line + 1, strlen(line + 1), NULL);
		policy_evaluate(doc, &q);
		for (kind = POLICY_IDENTITY; kind <= POLICY_RESOURCE; kind++) {
			if (!policy_check(line + 1, (enum policy_kind)kind, &checked, &err) !=
				!err.code)
				abort();
			json_free(checked);
			checked = NULL;
			err_release(&err);
		}
	}
	json_free(doc);
	json_free(context);
	free(text);
	return 0;
}
