#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "profile.h"

static void check(const struct map *settings)
{
	struct map_entry *e;
	map_for_each(settings, e)
	{
		const struct profile_setting *s = e->value;
		if (!*e->key || !s || !s->value)
			abort();
	}
}

static void check_sections(const struct map *sections)
{
	struct map_entry *e;
	map_for_each(sections, e)
	{
		const struct profile *p = e->value;
		if (!p->found || p->line < 0)
			abort();
		check(&p->settings);
	}
}

static void check_all(const char *text, size_t size)
{
	struct profiles ps;
	profiles_init(&ps);
	profiles_parse(&ps, text, size, true);
	profiles_parse(&ps, text, size, false);
	profiles_merge(&ps);
	check_sections(&ps.merged);
	check_sections(&ps.sso_sessions);
	check_sections(&ps.services);
	profiles_release(&ps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"default", "x", "two words", ""};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (int config = 0; config < 2; config++) {
			struct profile p;
			profile_init(&p);
			profile_parse((const char *)data, size, config, names[i], &p);
			if (p.settings.nr && !p.found)
				abort();
			check(&p.settings);
			profile_release(&p);
		}
	}
	check_all((const char *)data, size);
	return 0;
}
