#include "depgraph.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "xalloc.h"

void depgraph_init(struct depgraph *g, size_t nr)
{
	g->nodes = nr ? xcalloc(nr, sizeof(*g->nodes)) : NULL;
	g->nr = nr;
}

void depgraph_release(struct depgraph *g)
{
	for (size_t i = 0; i < g->nr; i++) {
		free(g->nodes[i].needs);
		free(g->nodes[i].needed_by);
	}
	free(g->nodes);
	g->nodes = NULL;
	g->nr = 0;
}

void depgraph_add(struct depgraph *g, size_t node, size_t needed)
{
	if (node >= g->nr || needed >= g->nr)
		BUG("edge %zu -> %zu in a graph of %zu", node, needed, g->nr);
	if (node == needed)
		return;
	struct depgraph_node *n = &g->nodes[node], *m = &g->nodes[needed];
	/* An edge stands in both lists, so the shorter one tells whether it is there. */
	bool shorter = n->nr_needs <= m->nr_needed_by;
	const size_t *list = shorter ? n->needs : m->needed_by;
	size_t len = shorter ? n->nr_needs : m->nr_needed_by;
	for (size_t i = 0; i < len; i++)
		if (list[i] == (shorter ? needed : node))
			return;
	ALLOC_GROW(n->needs, n->nr_needs, n->alloc_needs);
	n->needs[n->nr_needs++] = needed;
	ALLOC_GROW(m->needed_by, m->nr_needed_by, m->alloc_needed_by);
	m->needed_by[m->nr_needed_by++] = node;
}

enum visit { UNSEEN, ON_PATH, DONE };

/* A depth-first walk without recursion: graphs may be as deep as they are long. */
struct walk {
	const struct depgraph *g;
	enum visit *state;
	size_t *path, *next; /* the nodes on the way, and for each the edge to go on with */
	size_t depth;
};

static void walk_init(struct walk *w, const struct depgraph *g)
{
	size_t room = g->nr ? g->nr : 1;
	w->g = g;
	w->state = xcalloc(room, sizeof(*w->state));
	w->path = xcalloc(room, sizeof(*w->path));
	w->next = xcalloc(room, sizeof(*w->next));
	w->depth = 0;
}

static void walk_release(struct walk *w)
{
	free(w->state);
	free(w->path);
	free(w->next);
}

static void walk_enter(struct walk *w, size_t node)
{
	w->state[node] = ON_PATH;
	w->path[w->depth] = node;
	w->next[w->depth++] = 0;
}

/* True with *back = the node that closes a circle. */
static bool walk_from(struct walk *w, size_t start, size_t *back)
{
	walk_enter(w, start);
	while (w->depth) {
		size_t node = w->path[w->depth - 1];
		const struct depgraph_node *n = &w->g->nodes[node];
		if (w->next[w->depth - 1] == n->nr_needs) {
			w->state[node] = DONE;
			w->depth--;
			continue;
		}
		size_t to = n->needs[w->next[w->depth - 1]++];
		if (w->state[to] == ON_PATH) {
			*back = to;
			return true;
		}
		if (w->state[to] == UNSEEN)
			walk_enter(w, to);
	}
	return false;
}

int depgraph_cycle(const struct depgraph *g, size_t **cycle, size_t *len)
{
	struct walk w;
	int ret = 0;

	walk_init(&w, g);
	for (size_t i = 0; i < g->nr && !ret; i++) {
		size_t back;
		if (w.state[i] != UNSEEN || !walk_from(&w, i, &back))
			continue;
		size_t first = 0;
		while (w.path[first] != back)
			first++;
		*len = w.depth - first;
		*cycle = xmemdup(w.path + first, *len * sizeof(**cycle));
		ret = -1;
	}
	walk_release(&w);
	return ret;
}

/* A binary heap of node numbers, smallest first: the order is stable by number. */
struct heap {
	size_t *v, nr;
};

static void heap_push(struct heap *h, size_t node)
{
	size_t i = h->nr++;
	for (; i && h->v[(i - 1) / 2] > node; i = (i - 1) / 2)
		h->v[i] = h->v[(i - 1) / 2];
	h->v[i] = node;
}

static size_t heap_pop(struct heap *h)
{
	size_t top = h->v[0], last = h->v[--h->nr], i = 0;
	for (size_t child = 1; child < h->nr; child = 2 * i + 1) {
		if (child + 1 < h->nr && h->v[child + 1] < h->v[child])
			child++;
		if (h->v[child] >= last)
			break;
		h->v[i] = h->v[child];
		i = child;
	}
	h->v[i] = last;
	return top;
}

void depgraph_order(const struct depgraph *g, size_t *order)
{
	size_t room = g->nr ? g->nr : 1, done = 0;
	size_t *missing = xcalloc(room, sizeof(*missing));
	struct heap ready = {xcalloc(room, sizeof(*ready.v)), 0};

	for (size_t i = 0; i < g->nr; i++) {
		missing[i] = g->nodes[i].nr_needs;
		if (!missing[i])
			heap_push(&ready, i);
	}
	while (ready.nr) {
		size_t node = heap_pop(&ready);
		const struct depgraph_node *n = &g->nodes[node];
		order[done++] = node;
		for (size_t i = 0; i < n->nr_needed_by; i++)
			if (!--missing[n->needed_by[i]])
				heap_push(&ready, n->needed_by[i]);
	}
	if (done != g->nr)
		BUG("depgraph_order on a graph with a cycle");
	free(missing);
	free(ready.v);
}

size_t depgraph_depth(const struct depgraph *g)
{
	size_t room = g->nr ? g->nr : 1, longest = 0;
	size_t *order = xcalloc(room, sizeof(*order)), *depth = xcalloc(room, sizeof(*depth));

	depgraph_order(g, order);
	for (size_t i = 0; i < g->nr; i++) {
		const struct depgraph_node *n = &g->nodes[order[i]];
		size_t below = 0;
		for (size_t j = 0; j < n->nr_needs; j++)
			if (depth[n->needs[j]] > below)
				below = depth[n->needs[j]];
		depth[order[i]] = below + 1;
		if (below + 1 > longest)
			longest = below + 1;
	}
	free(order);
	free(depth);
	return longest;
}
