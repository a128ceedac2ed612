#ifndef COERCE_H
#define COERCE_H

/* Values as a type's schema wants them: numbers as text where it wants a string, text as numbers where it wants those. */
#include "schema.h"

/* In place; what cannot be converted stays as it is, stack_check_properties names it. */
void coerce_object(const struct field *fields, struct json *object);

#endif
