#include "warehouse.h"

#include <stdlib.h>
#include <string.h>
#include "crypto.h"

#define MAX_SCHEMA 63

const char warehouse_columns[] = "date DATE, price REAL, trend INTEGER, pricema DOUBLE PRECISION, "
				 "trend_i DOUBLE PRECISION";

static int check_schema(const char *schema, struct err *err)
{
	static const char letters[] =
		"_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t len = strspn(schema, letters);

	if (len && !schema[len] && len <= MAX_SCHEMA && (*schema < '0' || *schema > '9'))
		return 0;
	return err_set(err, ERR_USAGE,
		"--SCHEMA '%s' is no schema's name: a letter or '_', then letters, digits and '_', "
		"%d at most",
		schema, MAX_SCHEMA);
}

int warehouse_table_init(struct warehouse_table *t, const char *schema, const char *ticker,
	bool create_schema, struct err *err)
{
	char *id;

	if (crypto_check_ticker(ticker, err) != 0 || check_schema(schema, err) != 0)
		return -1;
	t->schema = xstrdup(schema);
	t->name = xstrdup(ticker);
	lower_ascii(t->schema);
	lower_ascii(t->name);
	id = job_new_id();
	t->staging = xasprintf("%s__load_%.12s", t->name, id);
	t->create_schema = create_schema;
	free(id);
	return 0;
}

void warehouse_table_release(struct warehouse_table *t)
{
	free(t->schema);
	free(t->name);
	free(t->staging);
	*t = (struct warehouse_table)WAREHOUSE_TABLE_INIT;
}
