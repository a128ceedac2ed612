#ifndef DEPGRAPH_H
#define DEPGRAPH_H

/*
 * A graph of numbered nodes with edges stored both ways: set-up walks it forward, teardown backward. No values here.
 */
#include <stddef.h>
#include "err.h"

struct depgraph_node {
	size_t *needs, *needed_by;
	size_t nr_needs, alloc_needs, nr_needed_by, alloc_needed_by;
};
struct depgraph {
	struct depgraph_node *nodes;
	size_t nr;
};
#define DEPGRAPH_INIT   \
	{               \
		NULL, 0 \
	}
void depgraph_init(struct depgraph *g, size_t nr);
void depgraph_release(struct depgraph *g);
/* `node` needs `needed` first. Adding an edge again or one to itself changes nothing. */
void depgraph_add(struct depgraph *g, size_t node, size_t needed);
/* 0, or -1 with the cycle's nodes in order in *cycle (malloc'd, *len of them, first not repeated). */
int depgraph_cycle(const struct depgraph *g, size_t **cycle, size_t *len) must_check;
/* A topological order, stable by number; the graph must have no cycle. `order` has room for nr. */
void depgraph_order(const struct depgraph *g, size_t *order);
/* Length of the longest path, in nodes. */
size_t depgraph_depth(const struct depgraph *g);

#endif
