#ifndef UDF_INTERNAL_H
#define UDF_INTERNAL_H

/* What the files of udf*.c share. */
#include <stdbool.h>

/* What int() takes off around a number. */
static inline bool udf_ascii_space(char c)
{
	return c == ' ' || (c >= 9 && c <= 13);
}

#endif
