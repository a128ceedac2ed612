/*
 * Redshift's statements: any text is planned or refused in words; what is planned is not empty, keeps its literals closed and
 * stays out of the warehouse's own schema but where the rewriting goes there.
 */
#include <stddef.h>
#include <stdint.h>
#include "local_redshift_sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Quotes of both kinds are closed, as DuckDB reads them. */
static void check_closed(const char *sql)
{
	char open = '\0';

	for (; *sql; sql++) {
		if (open && *sql == open)
			open = '\0';
		else if (!open && (*sql == '\'' || *sql == '"'))
			open = *sql;
	}
	if (open)
		BUG("a literal is open");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *said;
	struct rs_plan plan = RS_PLAN_INIT;
	struct err err = ERR_INIT;
	struct json *parameters = json_array(), *p = json_object();

	json_set_str(p, "name", "p");
	json_set_str(p, "value", text);
	json_push(parameters, p);
	if (rs_plan(text, parameters, &plan, &err)) {
		if (!err.text || !starts_with(err.text, "ERROR: "))
			BUG("refused without a word");
	} else {
		for (size_t i = 0; i < plan.sql.nr; i++) {
			if (!*plan.sql.v[i])
				BUG("an empty statement");
			check_closed(plan.sql.v[i]);
		}
	}
	rs_plan_release(&plan);
	said = rs_error(text, text);
	if (!starts_with(said, "ERROR: "))
		BUG("an error that is none");
	free(said);
	json_free(parameters);
	err_release(&err);
	free(text);
	return 0;
}
