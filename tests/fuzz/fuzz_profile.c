#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"default", "x", "two words", ""};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (int config = 0; config < 2; config++) {
			struct profile p;
			struct map_entry *e;
			profile_init(&p);
			profile_parse((const char *)data, size, config, names[i], &p);
			if (p.settings.nr && !p.found)
				abort();
			map_for_each(&p.settings, e) if (!*e->key || !e->value) abort();
			profile_release(&p);
		}
	}
	return 0;
}
