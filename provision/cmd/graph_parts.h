#ifndef GRAPH_PARTS_H
#define GRAPH_PARTS_H

/* What `graph` is made of: each of these draws one kind of thing. */
#include "draw.h"
#include "engine.h"
#include "err.h"

struct session;

/* The resources and what they need; of one stack (and what it needs of others) when `stack` is given. */
void graph_resources(const struct engine *e, const char *stack, struct drawing *d);
/* Triggers, jobs and crawlers of a Glue workflow. */
void graph_workflow(const struct engine *e, const char *workflow, struct drawing *d);
/* The states of a definition in Amazon States Language. */
void graph_states(const struct json *definition, struct drawing *d);
/* The definition that a state machine's properties have: an object, a text, or a file beside the template; with its
 * substitutions made. What is secret in them is not in it. Caller's. */
struct json *states_definition(
	const struct engine *e, const char *machine, struct err *err) must_check;

/* dot's text to SVG, by Graphviz's `dot`. */
int graph_svg(const struct strbuf *dot, struct strbuf *svg, struct err *err) must_check;

#endif
