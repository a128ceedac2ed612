#include "map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "xalloc.h"

/*
 * slots[] is an open-addressed table of indices into entries[], plus one; 0 is a free slot.
 * A removed entry keeps its place and its slot (live = false) until the next rebuild.
 */

/* FNV-1a, with its high bits folded in, for the mask takes the low ones. */
static size_t hash(const char *s)
{
	uint64_t h = 14695981039346656037u;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return (size_t)(h ^ (h >> 32));
}

void map_init(struct map *m, void (*free_value)(void *))
{
	*m = (struct map)MAP_INIT;
	m->free_value = free_value;
}

void map_release(struct map *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->nr_entries; i++) {
		struct map_entry *e = &m->entries[i];
		if (e->live && m->free_value)
			m->free_value(e->value);
		free(e->key);
	}
	free(m->entries);
	free(m->slots);
	map_init(m, m->free_value);
}

static struct map_entry *find(const struct map *m, const char *key)
{
	if (!m->nr_slots)
		return NULL;
	size_t mask = m->nr_slots - 1;
	for (size_t i = hash(key) & mask; m->slots[i]; i = (i + 1) & mask) {
		struct map_entry *e = &m->entries[m->slots[i] - 1];
		if (e->live && !strcmp(e->key, key))
			return e;
	}
	return NULL;
}

void *map_get(const struct map *m, const char *key)
{
	const struct map_entry *e = find(m, key);
	return e ? e->value : NULL;
}

bool map_has(const struct map *m, const char *key)
{
	return find(m, key) != NULL;
}

static void put_slot(struct map *m, size_t index)
{
	size_t mask = m->nr_slots - 1, i = hash(m->entries[index].key) & mask;
	while (m->slots[i])
		i = (i + 1) & mask;
	m->slots[i] = index + 1;
}

/* Drops the dead entries and makes the table at most half full. */
static void rebuild(struct map *m)
{
	size_t nr = 0, nr_slots = 16;
	for (size_t i = 0; i < m->nr_entries; i++) {
		if (m->entries[i].live)
			m->entries[nr++] = m->entries[i];
		else
			free(m->entries[i].key);
	}
	m->nr_entries = nr;
	while (nr_slots < 4 * (nr + 1))
		nr_slots *= 2;
	free(m->slots);
	m->slots = xcalloc(nr_slots, sizeof(*m->slots));
	m->nr_slots = nr_slots;
	for (size_t i = 0; i < nr; i++)
		put_slot(m, i);
}

void map_put(struct map *m, const char *key, void *value)
{
	struct map_entry *e = find(m, key);
	if (e) {
		if (m->free_value && e->value != value)
			m->free_value(e->value);
		e->value = value;
		return;
	}
	if (2 * (m->nr_entries + 1) > m->nr_slots)
		rebuild(m);
	ALLOC_GROW(m->entries, m->nr_entries, m->alloc_entries);
	m->entries[m->nr_entries] = (struct map_entry){xstrdup(key), value, true};
	put_slot(m, m->nr_entries++);
	m->nr++;
}

bool map_remove(struct map *m, const char *key)
{
	struct map_entry *e = find(m, key);
	if (!e)
		return false;
	if (m->free_value)
		m->free_value(e->value);
	e->value = NULL;
	e->live = false;
	m->nr--;
	return true;
}
