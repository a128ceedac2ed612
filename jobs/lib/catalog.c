#include "catalog.h"

#include <stdlib.h>
#include <string.h>
#include "ops.h"

/* No control character can stand in JSON: each line is one field. */
#define LINES                    \
	{                        \
		'\1', '\0', '\0' \
	}

static struct json *request(const char *database, const char *key, const char *table)
{
	struct json *in = json_object();

	json_set_str(in, "DatabaseName", database);
	json_set_str(in, key, table);
	return in;
}

int catalog_table(struct aws_client *aws, const char *database, const char *table,
	struct json **out, struct err *err)
{
	struct json *in = request(database, "Name", table), *reply = NULL;
	struct err why = ERR_INIT;
	int ret = aws_call(aws, &glue_get_table, in, &reply, &why);

	if (ret == 0) {
		*out = json_detach(reply, "Table");
		if (!*out)
			ret = err_set(err, ERR_FAILED, "GetTable gives no table '%s.%s'", database,
				table);
	} else if (err_is_aws(&why, "EntityNotFoundException")) {
		if (why.text && strstr(why.text, "Database"))
			err_set(err, ERR_NOT_FOUND, "there is no database '%s' in the catalog",
				database);
		else
			err_set(err, ERR_NOT_FOUND, "there is no table '%s.%s' in the catalog",
				database, table);
		err_hint(err, "run the crawler that makes it, and check the names that the job is "
			      "given: database, and prefix of the tables");
	} else {
		err_move(err, &why);
		err_wrap(err, "table '%s.%s'", database, table);
	}
	err_release(&why);
	json_free(in);
	json_free(reply);
	return ret;
}

int catalog_partitions(struct aws_client *aws, const char *database, const char *table,
	struct json **out, struct err *err)
{
	struct json *in = request(database, "TableName", table);
	int ret;

	json_set_bool(in, "ExcludeColumnSchema", true);
	ret = aws_call_all(aws, &glue_get_partitions, in, out, err);
	if (ret != 0)
		err_wrap(err, "partitions of table '%s.%s'", database, table);
	json_free(in);
	return ret;
}

/* --- formats --- */

static const struct {
	const char *word; /* of a classification, or in a SerDe's name, in lower case */
	enum dataset_format format;
} formats[] = {{"parquet", DATASET_PARQUET}, {"json", DATASET_JSON}, {"csv", DATASET_CSV},
	{"lazysimple", DATASET_CSV}};

static bool find_format(const char *text, bool whole, enum dataset_format *out)
{
	char *lower = xstrdup(text);
	bool found = false;

	lower_ascii(lower);
	for (size_t i = 0; i < ARRAY_SIZE(formats) && !found; i++) {
		found = whole ? strcmp(lower, formats[i].word) == 0
			      : strstr(lower, formats[i].word) != NULL;
		if (found)
			*out = formats[i].format;
	}
	free(lower);
	return found;
}

static int read_format(
	const char *classification, const char *serde, enum dataset_format *out, struct err *err)
{
	if (classification && *classification && strcmp(classification, "UNKNOWN") != 0) {
		if (find_format(classification, true, out))
			return 0;
		return err_set(err, ERR_INVALID,
			"its format '%s' cannot be read: only csv, json and parquet",
			classification);
	}
	if (serde && find_format(serde, false, out))
		return 0;
	return err_set(err, ERR_INVALID,
		"its format is not known: no classification, and the SerDe is '%s'",
		serde ? serde : "");
}

/* One letter: itself, "\t", "\\", "\u0001", "\001", or its number where `numbers`, as Hive writes it. */
static int read_letter(const char *text, bool numbers, const char *what, char *out, struct err *err)
{
	size_t len = strlen(text);
	char *end = NULL;
	long n = -1;

	if (len == 1 && !(numbers && *text >= '0' && *text <= '9')) {
		*out = *text;
		return 0;
	}
	if (strcmp(text, "\\t") == 0)
		n = '\t';
	else if (strcmp(text, "\\\\") == 0)
		n = '\\';
	else if (starts_with(text, "\\u"))
		n = strtol(text + 2, &end, 16);
	else if (*text == '\\' && len > 1)
		n = strtol(text + 1, &end, 8);
	else if (numbers && len)
		n = strtol(text, &end, 10);
	if (n <= 0 || n > 127 || (end && *end))
		return err_set(err, ERR_INVALID, "its %s '%s' is not one ASCII letter", what, text);
	*out = (char)n;
	return 0;
}

static const char *first_of(const struct json *a, const struct json *b, const char *name)
{
	const char *value = json_get_str(a, name);

	return value && *value ? value : json_get_str(b, name);
}

static int read_dialect(const struct json *serde, const struct json *parameters, bool open_csv,
	struct csv_dialect *out, struct err *err)
{
	const char *delimiter = json_get_str(serde, open_csv ? "separatorChar" : "field.delim");
	const char *quote = first_of(serde, parameters, "quoteChar");
	const char *escape = json_get_str(serde, open_csv ? "escapeChar" : "escape.delim");

	*out = (struct csv_dialect)CSV_DIALECT_COMMA;
	if (!delimiter || !*delimiter)
		delimiter = first_of(parameters, serde, "delimiter");
	if ((!delimiter || !*delimiter) && !open_csv)
		delimiter = json_get_str(serde, "serialization.format");
	if (!escape || !*escape)
		escape = first_of(serde, parameters, "escapeChar");
	if (open_csv)
		out->escape = '\\';
	if (delimiter && *delimiter &&
		read_letter(delimiter, !open_csv, "delimiter", &out->delimiter, err) != 0)
		return -1;
	if (quote && strcmp(quote, "-1") == 0)
		out->quote = '\0';
	else if (quote && *quote && read_letter(quote, false, "quote", &out->quote, err) != 0)
		return -1;
	if (escape && *escape && read_letter(escape, false, "escape", &out->escape, err) != 0)
		return -1;
	return csv_dialect_check(out, err);
}

int catalog_storage(const struct json *descriptor, const struct json *parameters,
	struct dataset_storage *out, struct err *err)
{
	const struct json *serde = json_path(descriptor, "SerdeInfo.Parameters");
	const char *library = json_str(json_path(descriptor, "SerdeInfo.SerializationLibrary"));
	const struct json *own = json_get(descriptor, "Parameters");
	const char *classification = first_of(parameters, own, "classification");
	const char *skip = first_of(parameters, own, "skip.header.line.count");
	bool open_csv = library && strstr(library, "OpenCSVSerde");
	long long rows = 0;

	*out = (struct dataset_storage){.format = DATASET_CSV};
	if (read_format(classification, library, &out->format, err) != 0)
		return -1;
	if (out->format != DATASET_CSV) {
		out->dialect = (struct csv_dialect)LINES;
		return 0;
	}
	if (!skip)
		skip = json_get_str(serde, "skip.header.line.count");
	if (skip && parse_int64(skip, 0, 1000000, &rows) != 0)
		return err_set(
			err, ERR_INVALID, "its skip.header.line.count '%s' is no number", skip);
	out->header = rows > 0;
	out->skip = rows > 0 ? (size_t)rows - 1 : 0;
	return read_dialect(serde, parameters ? parameters : own, open_csv, &out->dialect, err);
}
