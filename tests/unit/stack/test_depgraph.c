#include "testing.h"

#include <stdbool.h>
#include <stdlib.h>
#include "depgraph.h"

static void test_depgraph__orders_by_need_then_number(void **state)
{
	(void)state;
	struct depgraph g = DEPGRAPH_INIT;
	size_t order[5], *cycle, len;
	depgraph_init(&g, 5);
	depgraph_add(&g, 0, 4);
	depgraph_add(&g, 0, 4);
	depgraph_add(&g, 1, 0);
	depgraph_add(&g, 3, 3);
	assert_int_equal(g.nodes[0].nr_needs, 1);
	assert_int_equal(g.nodes[4].nr_needed_by, 1);
	assert_int_equal(g.nodes[3].nr_needs, 0);
	assert_int_equal(depgraph_cycle(&g, &cycle, &len), 0);
	depgraph_order(&g, order);
	static const size_t expected[] = {2, 3, 4, 0, 1};
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(order[i], expected[i]);
	assert_int_equal(depgraph_depth(&g), 3);
	depgraph_release(&g);
	depgraph_release(&g);
}

static void test_depgraph__finds_the_whole_cycle(void **state)
{
	(void)state;
	struct depgraph g = DEPGRAPH_INIT;
	size_t *cycle = NULL, len = 0;
	depgraph_init(&g, 6);
	depgraph_add(&g, 0, 1);
	depgraph_add(&g, 1, 2);
	depgraph_add(&g, 1, 5);
	depgraph_add(&g, 2, 3);
	depgraph_add(&g, 3, 1);
	assert_int_equal(depgraph_cycle(&g, &cycle, &len), -1);
	assert_int_equal(len, 3);
	for (size_t i = 0; i < len; i++) {
		size_t next = cycle[(i + 1) % len];
		bool needs = false;
		for (size_t j = 0; j < g.nodes[cycle[i]].nr_needs; j++)
			needs = needs || g.nodes[cycle[i]].needs[j] == next;
		assert_true(needs);
	}
	free(cycle);
	depgraph_release(&g);
}

static void test_depgraph__takes_long_chains_and_nothing(void **state)
{
	(void)state;
	enum { NR = 100000 };
	struct depgraph g = DEPGRAPH_INIT;
	size_t *cycle, len, *order = malloc(NR * sizeof(*order));
	depgraph_init(&g, NR);
	for (size_t i = 0; i + 1 < NR; i++)
		depgraph_add(&g, i, i + 1);
	assert_int_equal(depgraph_cycle(&g, &cycle, &len), 0);
	depgraph_order(&g, order);
	assert_int_equal(order[0], NR - 1);
	assert_int_equal(order[NR - 1], 0);
	assert_int_equal(depgraph_depth(&g), NR);
	depgraph_release(&g);
	free(order);
	depgraph_init(&g, 0);
	assert_int_equal(depgraph_cycle(&g, &cycle, &len), 0);
	assert_int_equal(depgraph_depth(&g), 0);
	depgraph_release(&g);
}
