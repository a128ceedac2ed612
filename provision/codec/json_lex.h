#ifndef JSON_LEX_H
#define JSON_LEX_H

/*
 * JSON's tokens with their places, for the two readers of this layer: trees (json.c) and files with
 * places (yaml_json.c). Strict RFC 8259: UTF-8 is checked, lone surrogates are refused.
 */
#include <stdbool.h>
#include <stddef.h>
#include "err.h"
#include "strbuf.h"

enum json_token_kind {
	JSON_TOKEN_END,
	JSON_TOKEN_OPEN_OBJECT,
	JSON_TOKEN_CLOSE_OBJECT,
	JSON_TOKEN_OPEN_ARRAY,
	JSON_TOKEN_CLOSE_ARRAY,
	JSON_TOKEN_COLON,
	JSON_TOKEN_COMMA,
	JSON_TOKEN_STRING,
	JSON_TOKEN_NUMBER,
	JSON_TOKEN_TRUE,
	JSON_TOKEN_FALSE,
	JSON_TOKEN_NULL,
};

struct json_lex {
	const char *file; /* for errors; NULL: none */
	const char *text, *end;
	const char *p;
	const char *line_start;
	size_t continuation; /* bytes of this line that do not start a character */
	int line;

	/* The current token. */
	enum json_token_kind kind;
	int token_line, token_column;
	struct strbuf value; /* a string's, decoded (may hold NUL), or a number as written */
};

/* A byte order mark is skipped. `text` is borrowed. */
void json_lex_init(struct json_lex *lx, const char *file, const char *text, size_t len);
void json_lex_release(struct json_lex *lx);
/* Moves on to the next token. */
int json_lex_next(struct json_lex *lx, struct err *err) must_check;
/* The current token is not what may stand here; `wanted` says what may. Returns -1. */
int json_lex_unexpected(const struct json_lex *lx, const char *wanted, struct err *err);
/* An error at the current token's place. Returns -1. */
int json_lex_error(const struct json_lex *lx, struct err *err, const char *fmt, ...)
	printf_like(3, 4);
/* The length of the JSON number at the start of s, 0 when there is none. */
size_t json_number_len(const char *s, size_t len);
/* The length of the well-formed UTF-8 character at p, 0 when there is none. */
size_t utf8_char_len(const char *p, const char *end);

#endif
