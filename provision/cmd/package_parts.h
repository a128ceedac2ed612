#ifndef PACKAGE_PARTS_H
#define PACKAGE_PARTS_H

/* What `package` writes besides templates. */
#include "cmd.h"

/* A text of the project file, for people: values filled in, ${AWS::AccountId} and ${AWS::Region} as they are, outputs as
 * ${stack.Output}; malloc'd. NULL with an error. */
char *package_text(const struct project *p, const char *text, struct err *err) must_check;
/* The README: what to do with the folder, by its manifest. */
int package_readme(const struct session *s, const struct json *manifest, struct strbuf *out,
	struct err *err) must_check;

#endif
