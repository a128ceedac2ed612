/* The destination's table and partition in the catalog. */
#include <stdlib.h>
#include <string.h>
#include "catalog.h"
#include "ingest_internal.h"
#include "joblog.h"
#include "ops.h"

#define INPUT_FORMAT "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
#define OUTPUT_FORMAT "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
#define SERDE "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

/* --- columns of a table that is to be made --- */

/* NULL where there is none that can be read: then the incoming table alone says what the columns are. */
static struct json *read_dfm(struct job *job, const struct ingest_load *load)
{
	struct strbuf text = STRBUF_INIT;
	struct err err = ERR_INIT;
	struct json *doc = NULL;
	char *location = NULL;

	if (ingest_dfm_read(job, load, &location, &text, &err) == 0)
		doc = json_parse(text.buf, text.len, &err);
	if (!doc)
		job_log(JOB_INFO, "dfm", "file=\"%s\" used=no", location);
	err_release(&err);
	strbuf_release(&text);
	free(location);
	return doc;
}

/* Of Qlik Replicate's types; a number with places behind its point stays text, for a double may not hold it. */
static const char *type_of_dfm(const struct json *column)
{
	const char *type = json_get_str(column, "type");

	if (!type)
		return "string";
	if (starts_with(type, "INT") || (starts_with(type, "UINT") && strcmp(type, "UINT8") != 0))
		return "bigint";
	if (starts_with(type, "REAL"))
		return "double";
	if (strcmp(type, "DATE") == 0)
		return "date";
	if (strcmp(type, "DATETIME") == 0)
		return "timestamp";
	if (strcmp(type, "NUMERIC") == 0 && json_get_i64(column, "scale", 1) == 0 &&
		json_get_i64(column, "precision", 99) <= 18)
		return "bigint";
	return "string";
}

static const struct json *dfm_column(const struct json *dfm, const char *name)
{
	struct json *c;

	json_each(c, json_path(dfm, "dataInfo.columns"))
	{
		const char *own = json_get_str(c, "name");

		if (own && iequals(own, name))
			return c;
	}
	return NULL;
}

/* The incoming table's types that a destination may have. */
static const char *type_of_table(const char *type)
{
	static const char *const same[] = {"bigint", "double", "date", "timestamp"};
	static const char *const whole[] = {"int", "smallint", "tinyint"};

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (iequals(type, same[i]))
			return same[i];
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (iequals(type, whole[i]))
			return "bigint";
	return iequals(type, "float") ? "double" : "string";
}

static void add_column(struct json *list, const char *name, const char *type)
{
	struct json *column = json_object();

	json_set_str(column, "Name", name);
	json_set_str(column, "Type", type);
	json_push(list, column);
}

static bool is_raw(const struct ingest_load *load)
{
	return starts_with(load->destination_table, "raw_");
}

static struct json *make_columns(
	const struct ingest_load *load, const struct dataset *source, const struct json *dfm)
{
	struct json *list = json_array();

	for (size_t i = 0; i < source->nr_columns; i++) {
		const struct dataset_column *c = &source->columns[i];
		const struct json *described = dfm_column(dfm, c->name);
		const char *type = "string";

		if (strvec_has(&load->partition_names, c->name))
			continue;
		if (!is_raw(load))
			type = described ? type_of_dfm(described) : type_of_table(c->type);
		add_column(list, c->name, type);
	}
	return list;
}

/* "sample_id,other": what the view of current rows parts by. */
static void add_key(const struct json *dfm, struct json *parameters)
{
	struct strbuf names = STRBUF_INIT;
	struct json *c;

	for (int64_t at = 1; at <= 64; at++) {
		json_each(c, json_path(dfm, "dataInfo.columns"))
		{
			if (json_get_i64(c, "primaryKeyPos", 0) != at || !json_get_str(c, "name"))
				continue;
			strbuf_addf(&names, "%s%s", names.len ? "," : "", json_get_str(c, "name"));
		}
	}
	lower_ascii(names.buf);
	if (names.len)
		json_set_str(parameters, INGEST_KEY_PARAMETER, names.buf);
	strbuf_release(&names);
}

struct json *ingest_table_input(
	struct job *job, const struct ingest_load *load, const struct dataset *source)
{
	struct json *dfm = read_dfm(job, load);
	struct json *table = json_object(), *parameters = json_object(), *keys = json_array();
	struct json *descriptor = json_object(), *serde = json_object(), *serde_parameters;
	char *folder = ends_with(load->destination, "/") ? xstrdup(load->destination)
							 : xasprintf("%s/", load->destination);

	json_set_str(parameters, "EXTERNAL", "TRUE");
	json_set_str(parameters, "classification", "parquet");
	add_key(dfm, parameters);
	for (size_t i = 0; i < load->partition_names.nr; i++)
		add_column(keys, load->partition_names.v[i], "string");
	serde_parameters = json_object();
	json_set_str(serde_parameters, "serialization.format", "1");
	json_set_str(serde, "SerializationLibrary", SERDE);
	json_set(serde, "Parameters", serde_parameters);
	json_set(descriptor, "Columns", make_columns(load, source, dfm));
	json_set_str(descriptor, "Location", folder);
	json_set_str(descriptor, "InputFormat", INPUT_FORMAT);
	json_set_str(descriptor, "OutputFormat", OUTPUT_FORMAT);
	json_set(descriptor, "SerdeInfo", serde);
	json_set_str(table, "Name", load->destination_table);
	json_set_str(table, "TableType", "EXTERNAL_TABLE");
	json_set(table, "Parameters", parameters);
	json_set(table, "PartitionKeys", keys);
	json_set(table, "StorageDescriptor", descriptor);
	json_free(dfm);
	free(folder);
	return table;
}

static int make_table(struct job *job, struct aws_client *aws, const struct ingest_input *in,
	const struct ingest_load *load, const struct dataset *source, bool *made, struct err *err)
{
	struct json *request = json_object();
	struct err why = ERR_INIT;
	int ret;

	json_set_str(request, "DatabaseName", in->springboard);
	json_set(request, "TableInput", ingest_table_input(job, load, source));
	ret = aws_call(aws, &glue_create_table, request, NULL, &why);
	*made = ret == 0;
	/* Another load of the same table was faster: its table counts. */
	if (ret != 0 && err_is_aws(&why, "AlreadyExistsException")) {
		ret = 0;
	} else if (ret != 0) {
		err_move(err, &why);
		err_wrap(err, "table '%s.%s' cannot be made", in->springboard,
			load->destination_table);
	}
	err_release(&why);
	json_free(request);
	return ret;
}

struct json *ingest_destination(struct job *job, const struct ingest_input *in,
	const struct ingest_load *load, const struct dataset *source, bool *made, struct err *err)
{
	struct aws_client *aws = job_aws(job, err);
	struct err why = ERR_INIT;
	struct json *table = NULL;

	*made = false;
	if (!aws)
		return NULL;
	if (catalog_table(aws, in->springboard, load->destination_table, &table, &why) == 0)
		return table;
	if (why.code != ERR_NOT_FOUND || (why.text && strstr(why.text, "no database"))) {
		err_move(err, &why);
		return NULL;
	}
	err_release(&why);
	if (make_table(job, aws, in, load, source, made, err) != 0 ||
		catalog_table(aws, in->springboard, load->destination_table, &table, err) != 0)
		return NULL;
	if (*made)
		job_log(JOB_INFO, "table", "made=%s.%s", in->springboard, load->destination_table);
	return table;
}

/* --- the partition --- */

/* The table's keys are the load's columns, in that order. */
static bool is_partitioned_so(const struct json *table, const struct ingest_load *load)
{
	const struct json *keys = json_get(table, "PartitionKeys");
	bool same = json_len(keys) == load->partition_names.nr;

	for (size_t i = 0; same && i < load->partition_names.nr; i++) {
		const char *name = json_get_str(json_at(keys, i), "Name");

		same = name && iequals(name, load->partition_names.v[i]);
	}
	return same;
}

int ingest_add_partition(struct job *job, const struct ingest_input *in,
	const struct ingest_load *load, const struct json *table, const char *location, bool *made,
	struct err *err)
{
	struct aws_client *aws = job_aws(job, err);
	struct json *request, *partition, *values, *descriptor;
	struct err why = ERR_INIT;
	int ret;

	*made = false;
	if (!aws)
		return -1;
	if (!load->partition_names.nr || !json_len(json_get(table, "PartitionKeys")))
		return 0;
	if (!is_partitioned_so(table, load))
		return err_set(err, ERR_INVALID,
			"table '%s.%s' is not partitioned by the load's columns", in->springboard,
			load->destination_table);
	values = json_array();
	for (size_t i = 0; i < load->partition_values.nr; i++)
		json_push_str(values, load->partition_values.v[i] && *load->partition_values.v[i]
					      ? load->partition_values.v[i]
					      : "__HIVE_DEFAULT_PARTITION__");
	descriptor = json_copy(json_get(table, "StorageDescriptor"));
	json_set_str(descriptor, "Location", location);
	partition = json_object();
	json_set(partition, "Values", values);
	json_set(partition, "StorageDescriptor", descriptor);
	request = json_object();
	json_set_str(request, "DatabaseName", in->springboard);
	json_set_str(request, "TableName", load->destination_table);
	json_set(request, "PartitionInput", partition);
	ret = aws_call(aws, &glue_create_partition, request, NULL, &why);
	*made = ret == 0;
	/* It was ingested before. */
	if (ret != 0 && err_is_aws(&why, "AlreadyExistsException")) {
		ret = 0;
	} else if (ret != 0) {
		err_move(err, &why);
		err_wrap(err, "a partition of table '%s.%s'", in->springboard,
			load->destination_table);
	}
	err_release(&why);
	json_free(request);
	return ret;
}
