#ifndef LOCAL_REDSHIFT_SQL_H
#define LOCAL_REDSHIFT_SQL_H

/*
 * Redshift's SQL as the local warehouse takes it (Amazon Redshift Database Developer Guide, "SQL reference"): a statement is cut
 * into tokens, told apart by its first word, and written anew as DuckDB SQL by tables of rewritings. What the two read
 * differently is spelled out or refused by name; the rest goes through as it stands. Pure: no database, no files.
 * Errors are the text of a failed statement: "ERROR: …".
 */
#include <stdbool.h>
#include "err.h"
#include "json.h"
#include "strbuf.h"
#include "strvec.h"

/* --- tokens (local_redshift_tok.c) --- */
enum rs_kind { RS_WORD, RS_QUOTED, RS_STRING, RS_NUMBER, RS_OP, RS_PARAM };
struct rs_token {
	enum rs_kind kind;
	char *text;     /* words and names in lower case, strings without quotes and escapes */
	size_t at, len; /* in the statement */
};
struct rs_tokens {
	struct rs_token *v;
	size_t nr, alloc;
};
int rs_tokenize(const char *sql, struct rs_tokens *out, struct err *err) must_check;
void rs_tokens_release(struct rs_tokens *t);
/* The i-th token is this word (not a quoted name), or this operator. */
bool rs_is(const struct rs_tokens *t, size_t i, const char *word);
/* Past the end of the bracket that opens at i; nr when it does not close. */
size_t rs_past_bracket(const struct rs_tokens *t, size_t i, size_t nr);
/* "syntax error at or near" the token, or at the end. */
int rs_syntax(const struct rs_tokens *t, size_t i, struct err *err);
int rs_refuse(struct err *err, const char *what);

/* --- what a statement is (local_redshift_sql.c) --- */
enum rs_what {
	RS_RUN,    /* `sql`, one after the other; the last one's result is the statement's */
	RS_COPY,   /* `copy` into schema.table */
	RS_UNLOAD, /* `copy` of sql[0]'s rows */
	RS_NOTHING,
	RS_BEGIN,
	RS_COMMIT,
	RS_ROLLBACK,
};

struct rs_copy {
	char *schema, *table; /* schema NULL: public */
	struct json *columns; /* names; NULL: all */
	char *place;          /* s3://… */
	char *role;           /* an ARN; NULL: the namespace's default */
	char *region;         /* NULL: the warehouse's */
	const char *format;   /* "PARQUET", "CSV", "TEXT", "JSON" */
	bool manifest, gzip, overwrite, parallel_off;
	struct json *options; /* as the worker wants them */
};

struct rs_plan {
	enum rs_what what;
	struct strvec sql;
	struct rs_copy copy;
};
#define RS_PLAN_INIT                     \
	{                                \
		RS_NOTHING, STRVEC_INIT, \
		{                        \
			0                \
		}                        \
	}
void rs_plan_release(struct rs_plan *p);
/* `parameters` is the API's [{"name","value"}], NULL for none. More than one statement is an error. */
int rs_plan(const char *sql, const struct json *parameters, struct rs_plan *out,
	struct err *err) must_check;
/* The first parameter that the statement does not use; NULL: all are. Borrowed. */
const char *rs_unused_parameter(const char *sql, const struct json *parameters);

/* --- parts of it, each for tokens [from, to) --- */
struct rs_writer {
	const struct rs_tokens *t;
	const struct json *parameters;
	struct strbuf *out;
	struct err *err;
};
/* Expressions, queries and all else without a rule of its own. */
int rs_write(struct rs_writer *w, size_t from, size_t to) must_check;
/* A type at `at`: DuckDB's name; *length that of a text (0: none given). *next is behind it. */
int rs_write_type(struct rs_writer *w, size_t at, size_t to, size_t *next, int64_t *length,
	bool column) must_check;
void rs_name(struct strbuf *out, const char *name);
void rs_literal(struct strbuf *out, const char *text);
/* CREATE TABLE and ALTER TABLE (local_redshift_ddl.c); from the statement's first token on. */
int rs_create_table(struct rs_writer *w, size_t to, struct rs_plan *plan) must_check;
int rs_alter_table(struct rs_writer *w, size_t to, struct rs_plan *plan) must_check;
/* COPY and UNLOAD (local_redshift_copy.c). */
int rs_copy(struct rs_writer *w, size_t to, struct rs_plan *plan) must_check;
int rs_unload(struct rs_writer *w, size_t to, struct rs_plan *plan) must_check;

/* DuckDB's words as Redshift's (local_redshift_error.c); `sql` is the statement as the user wrote it. Malloc'd. */
char *rs_error(const char *duck, const char *sql);

#endif
