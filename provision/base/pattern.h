#ifndef PATTERN_H
#define PATTERN_H

/*
 * AllowedPattern: regular expressions in Java's syntax, matched against the whole text, with a bound on time and
 * depth whatever the pattern. Not there: back references, look-behind, Unicode classes (\p).
 */
#include "arena.h"
#include "err.h"

struct pattern;

/* In the arena. NULL: ERR_INVALID for a pattern that is wrong, ERR_FAILED for one that uses what is not there. */
struct pattern *pattern_compile(struct arena *arena, const char *text, struct err *err) must_check;
/* 1: matches, 0: does not, -1: gave up, the pattern takes too many steps on this text. */
int pattern_match(const struct pattern *p, const char *text);

#endif
