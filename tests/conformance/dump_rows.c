/* Prints every row of every type: path in CloudFormation, path in the API, kind, flags. For test_schema_rows.py. */
#include <stdio.h>
#include <stdlib.h>
#include "type.h"
#include "xalloc.h"

static void dump(const struct field *f, const char *cfn, const char *wire)
{
	for (; f->name; f++) {
		char *a = xasprintf("%s.%s", cfn, f->name);
		char *b = xasprintf("%s/%s", wire, f->wire ? f->wire : f->name);
		printf("%s\t%s\t%d\t%u\n", a, b, (int)f->kind, f->flags);
		if (f->fields)
			dump(f->fields, a, b);
		free(a);
		free(b);
	}
}

int main(void)
{
	for (size_t i = 0; resource_types[i]; i++)
		dump(resource_types[i]->schema.fields, resource_types[i]->schema.name, "");
	return 0;
}
