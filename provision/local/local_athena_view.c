/* CREATE VIEW: what Athena keeps of a view in the catalog. Reading it is local_sqlview.c's. */
#include "base64.h"
#include "local_athena.h"

/* Names and types as Trino has them, and the catalog's columns. */
static int add_columns(
	const struct sqlplan *plan, struct json *trino, struct json *hive, struct err *err)
{
	for (size_t i = 0; i < plan->nr_columns; i++) {
		const struct sqlplan_column *c = &plan->columns[i];
		struct strbuf type = STRBUF_INIT;
		struct json *t = json_object(), *h = json_object();
		char unnamed[32];
		int r;

		json_push(trino, t);
		json_push(hive, h);
		snprintf(unnamed, sizeof(unnamed), "_col%zu", i);
		if (!strcmp(c->name, unnamed))
			return err_set(err, ERR_INVALID,
				"MISSING_COLUMN_NAME: line 1:1: Column name not specified at "
				"position %zu",
				i + 1);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(plan->columns[k].name, c->name))
				return err_set(err, ERR_INVALID,
					"DUPLICATE_COLUMN_NAME: line 1:1: Column name '%s' "
					"specified more than once",
					c->name);
		sqltype_print(c->type, &type);
		json_set_str(t, "name", c->name);
		json_set_str(t, "type", type.buf);
		json_set_str(h, "Name", c->name);
		strbuf_clear(&type);
		r = sqltype_hive(c->type, &type);
		if (r)
			err_set(err, ERR_INVALID,
				"NOT_SUPPORTED: a view's column '%s' of a type that the catalog "
				"has no name for",
				c->name);
		else
			json_set_str(h, "Type", type.buf);
		strbuf_release(&type);
		if (r)
			return -1;
	}
	return 0;
}

static struct json *table_input(const char *name, struct json *hive, const struct json *view)
{
	struct json *input = json_object(), *storage = json_object(), *parameters = json_object();
	struct strbuf plain = STRBUF_INIT, text = STRBUF_INIT;

	json_print(view, &plain);
	strbuf_addstr(&text, "/* Presto View: ");
	base64_encode(&text, plain.buf, plain.len);
	strbuf_addstr(&text, " */");
	json_set_str(input, "Name", name);
	json_set_str(input, "TableType", "VIRTUAL_VIEW");
	json_set_str(parameters, "presto_view", "true");
	json_set_str(parameters, "comment", "Presto View");
	json_set(input, "Parameters", parameters);
	json_set(storage, "Columns", hive);
	json_set_str(storage, "Location", "");
	json_set(storage, "SerdeInfo", json_object());
	json_set(input, "StorageDescriptor", storage);
	json_set(input, "PartitionKeys", json_array());
	json_set_str(input, "ViewOriginalText", text.buf);
	json_set_str(input, "ViewExpandedText", "/* Presto View */");
	strbuf_release(&plain);
	strbuf_release(&text);
	return input;
}

int athena_view_input(struct athena_query *q, const char *name, const char *sql,
	struct json **input, struct err *err)
{
	struct json *view = json_object(), *trino = json_array(), *hive = json_array();
	struct sqlplan plan;
	int r;

	sqlplan_init(&plan);
	r = athena_compile(q, sql, &plan, err);
	athena_dismiss(q);
	json_set_str(view, "originalSql", sql);
	json_set_str(view, "catalog", "awsdatacatalog");
	if (q->database)
		json_set_str(view, "schema", q->database);
	json_set(view, "columns", trino);
	if (!r)
		r = add_columns(&plan, trino, hive, err);
	if (!r)
		*input = table_input(name, hive, view);
	else
		json_free(hive);
	json_free(view);
	sqlplan_release(&plan);
	return r;
}
