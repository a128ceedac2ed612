#ifndef SUGGEST_H
#define SUGGEST_H

/* "Did you mean": the known word that is nearest to a wrong one. Candidates are borrowed while the suggestion is used. */
#include <stddef.h>

struct suggest {
	const char *word, *best; /* best NULL: nothing offered yet */
	size_t distance;
};
void suggest_init(struct suggest *s, const char *word);
void suggest_offer(struct suggest *s, const char *candidate); /* NULL is fine */
/* The best candidate when it is near enough to be meant; NULL else. */
const char *suggest_near(const struct suggest *s);
/* As suggest_near, but only for what can hardly be anything but a slip of the pen. */
const char *suggest_slip(const struct suggest *s);

#endif
