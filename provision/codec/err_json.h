#ifndef ERR_JSON_H
#define ERR_JSON_H

#include "err.h"
#include "json.h"

/* An error as CONTRACT.md's ERR: {"code","message","hint","file",…}, members left out where unknown. The caller's. */
struct json *err_to_json(const struct err *err);

#endif
