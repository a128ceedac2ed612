#ifndef YAML_VALUE_H
#define YAML_VALUE_H

/* A YAML or JSON text as one JSON value, by the rules of yaml.h: for documents that are data, with no intrinsic functions. */
#include <stddef.h>
#include "err.h"
#include "json.h"

/* `file` is the name for errors, which have line and column; a tag such as !Ref is one. The caller's. */
struct json *yaml_value(const char *file, const char *text, size_t len, struct err *err) must_check;

#endif
