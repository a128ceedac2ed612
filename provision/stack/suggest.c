#include "suggest.h"

#include <string.h>
#include "strbuf.h"

void suggest_init(struct suggest *s, const char *word)
{
	s->word = word;
	s->best = NULL;
	s->distance = 0;
}

void suggest_offer(struct suggest *s, const char *candidate)
{
	if (!candidate || !*candidate)
		return;
	size_t distance = iequals(s->word, candidate) ? 0 : edit_distance(s->word, candidate);
	if (s->best && distance >= s->distance)
		return;
	s->best = candidate;
	s->distance = distance;
}

const char *suggest_near(const struct suggest *s)
{
	size_t len = strlen(s->word);
	size_t limit = len < 6 ? 1 : len / 3;
	return s->best && s->distance < len && s->distance <= limit ? s->best : NULL;
}

const char *suggest_slip(const struct suggest *s)
{
	if (!s->best)
		return NULL;
	size_t len = strlen(s->word);
	size_t limit = len < 3 ? 0 : len < 8 ? 1 : len / 4;
	return s->distance <= limit ? s->best : NULL;
}
