#ifndef REFS_H
#define REFS_H

/* What a live resource refers to, through the branches that its stack's conditions choose. */
#include "depgraph.h"
#include "stack.h"

/* Fills r->refs and r->imports. */
void refs_collect(struct stack_resource *r);
/* An error with the whole way round when live resources depend on each other in a circle. */
int refs_check_cycles(const struct stack *s, struct err_list *errors) must_check;
/* The node that Fn::If chooses; the node itself when it is none. */
const struct yaml_node *refs_chosen(const struct stack *s, const struct yaml_node *n);

#endif
