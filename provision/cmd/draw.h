#ifndef DRAW_H
#define DRAW_H

/*
 * A drawing: nodes, edges and boxes around nodes, which come out as dot's or mermaid's text. Ids and labels may hold
 * anything: what the formats would read as their own is escaped here. Strings are copied.
 */
#include <stdbool.h>
#include "strbuf.h"

enum draw_shape {
	DRAW_BOX,
	DRAW_ROUND,   /* rounded corners */
	DRAW_DIAMOND, /* a choice */
	DRAW_OVAL,    /* an end */
	DRAW_POINT,   /* a dot where ways begin or meet; its label does not show */
};
enum draw_tone { DRAW_PLAIN, DRAW_GOOD, DRAW_BAD, DRAW_FAINT };
enum draw_line { DRAW_SOLID, DRAW_DASHED };

struct drawing;
/* `down`: it runs from top to bottom, else from left to right. */
struct drawing *drawing_new(bool down);
void drawing_free(struct drawing *d);

/* Lines of a label are parted by '\n'. An id is drawn once: a second node of that id is left out. */
void draw_node(struct drawing *d, const char *id, const char *label, enum draw_shape shape,
	enum draw_tone tone);
/* Label NULL: none. A node that is never drawn appears under its id. */
void draw_edge(struct drawing *d, const char *from, const char *to, const char *label,
	enum draw_line line);
/* What is drawn until draw_close lies in a box. */
void draw_open(struct drawing *d, const char *id, const char *label);
void draw_close(struct drawing *d);

void drawing_dot(const struct drawing *d, struct strbuf *sb);
void drawing_mermaid(const struct drawing *d, struct strbuf *sb);

#endif
