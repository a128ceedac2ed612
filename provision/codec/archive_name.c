/* Apart from what reads archives: programs that only ask for names need no libarchive, which costs them three milliseconds at each start. */
#include "archive_io.h"

#include <string.h>

bool archive_name_escapes(const char *name)
{
	if (!*name || *name == '/')
		return true;
	while (*name) {
		size_t len = strcspn(name, "/");
		if (len == 2 && !memcmp(name, "..", 2))
			return true;
		name += len + (name[len] == '/');
	}
	return false;
}
