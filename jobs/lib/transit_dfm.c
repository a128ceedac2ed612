#include "transit_dfm.h"

#include <string.h>
#include "json.h"

int transit_dfm_columns(const char *text, size_t len, struct strvec *names, struct err *err)
{
	struct err why = ERR_INIT;
	struct json *dfm = json_parse(text, len, &why), *columns, *c;
	int ret = 0;

	if (!dfm) {
		err_set(err, ERR_INVALID, "it is no JSON: %s", why.text);
		err_release(&why);
		return -1;
	}
	columns = json_path(dfm, "dataInfo.columns");
	if (!json_is(columns, JSON_ARRAY))
		ret = err_set(err, ERR_INVALID, "it has no list dataInfo.columns");
	json_each(c, columns)
	{
		const char *name = json_get_str(c, "name");

		if (ret == 0 && !name)
			ret = err_set(
				err, ERR_INVALID, "its column %zu has no name", names->nr + 1);
		if (ret != 0)
			break;
		strvec_push(names, name);
		lower_ascii(names->v[names->nr - 1]);
	}
	json_free(dfm);
	return ret;
}

int transit_dfm_compare(
	const struct strvec *names, const struct strvec *table, const char *what, struct err *err)
{
	for (size_t i = 0; i < names->nr && i < table->nr; i++)
		if (strcmp(names->v[i], table->v[i]) != 0)
			return err_set(err, ERR_INVALID,
				"its column %zu is '%s', that of table '%s' is '%s'", i + 1,
				names->v[i], what, table->v[i]);
	if (names->nr != table->nr)
		return err_set(err, ERR_INVALID, "it has %zu columns, the table '%s' has %zu",
			names->nr, what, table->nr);
	return 0;
}
