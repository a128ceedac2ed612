#ifndef STEPFUNCTIONS_H
#define STEPFUNCTIONS_H

/* What the types of Step Functions share. */
#include "types_internal.h"

#define STATES_SERVICE "states.amazonaws.com"
/* No property: the live definition's text, beside the properties, for a machine whose definition lies in S3. */
#define LIVE_DEFINITION "(definition)"

extern const struct json_tagging states_tagging;
extern const struct field states_encryption_fields[];
bool states_name_ok(const char *name);

#endif
