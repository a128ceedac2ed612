#ifndef MAP_H
#define MAP_H

/*
 * A hash map from strings to pointers that keeps the order of insertion when walked.
 * Keys are copied; values are the caller's, unless `free_value` is set.
 */
#include <stdbool.h>
#include <stddef.h>

struct map_entry {
	char *key;
	void *value;
	bool live; /* false: removed, to be skipped */
};

struct map {
	struct map_entry *entries; /* in order of insertion */
	size_t nr_entries, alloc_entries;
	size_t nr; /* live ones */
	size_t *slots;
	size_t nr_slots;
	void (*free_value)(void *value);
};

#define MAP_INIT  \
	{         \
		0 \
	}

void map_init(struct map *m, void (*free_value)(void *));
void map_release(struct map *m);
/* NULL where there is none. */
void *map_get(const struct map *m, const char *key);
bool map_has(const struct map *m, const char *key);
/* Puts or replaces (the old value is freed through free_value). */
void map_put(struct map *m, const char *key, void *value);
/* True when it was there. */
bool map_remove(struct map *m, const char *key);

/* struct map_entry *e; map_for_each(m, e) { … e->key, e->value … } */
#define map_for_each(m, e)                                                           \
	for ((e) = (m)->entries; (e) && (e) < (m)->entries + (m)->nr_entries; (e)++) \
		if ((e)->live)

#endif
