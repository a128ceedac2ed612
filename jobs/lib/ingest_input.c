/* The job's payload. */
#include <stdlib.h>
#include <string.h>
#include "ingest.h"

static void load_release(struct ingest_load *l)
{
	free(l->id);
	free(l->key);
	free(l->source_table);
	free(l->destination_table);
	free(l->source);
	free(l->destination);
	strvec_release(&l->partition_names);
	strvec_release(&l->partition_values);
}

void ingest_loads_release(struct ingest_input *in)
{
	for (size_t i = 0; i < in->nr; i++)
		load_release(&in->loads[i]);
	free(in->loads);
	in->loads = NULL;
	in->nr = 0;
}

void ingest_input_release(struct ingest_input *in)
{
	if (!in)
		return;
	ingest_loads_release(in);
	free(in->incoming);
	free(in->springboard);
	*in = (struct ingest_input)INGEST_INPUT_INIT;
}

static struct json *parse(const char *text, const char *option, struct err *err)
{
	struct json *doc = json_parse(text, strlen(text), err);

	if (!doc) {
		err_wrap(err, "--%s", option);
	} else if (!json_is(doc, JSON_OBJECT)) {
		err_set(err, ERR_USAGE, "--%s is no JSON object", option);
		json_free(doc);
		doc = NULL;
	}
	if (!doc && err)
		err->code = ERR_USAGE;
	return doc;
}

/* A text that must be there. Malloc'd. */
static char *member(const struct json *object, const char *name, const char *where, struct err *err)
{
	const char *text = json_get_str(object, name);

	if (text && *text)
		return xstrdup(text);
	err_set(err, ERR_USAGE, "%s has no %s", where, name);
	return NULL;
}

static char *location(
	const struct json *object, const char *name, const char *where, struct err *err)
{
	char *text = member(object, name, where, err), *s3 = NULL;

	/* Hadoop's names of the same thing. */
	if (text && (starts_with(text, "s3a://") || starts_with(text, "s3n://"))) {
		s3 = xasprintf("s3://%s", text + strlen("s3a://"));
		free(text);
		return s3;
	}
	return text;
}

static int take_partitions(
	const struct json *columns, const char *where, struct ingest_load *l, struct err *err)
{
	struct json *c;

	if (columns && !json_is(columns, JSON_ARRAY) && !json_is(columns, JSON_NULL))
		return err_set(err, ERR_USAGE, "%s: partition_columns is no list", where);
	json_each(c, json_is(columns, JSON_ARRAY) ? columns : NULL)
	{
		const char *name = json_get_str(c, "name");
		const char *value = json_scalar_text(json_get(c, "value"));

		if (!name || !*name)
			return err_set(err, ERR_USAGE, "%s: a partition column has no name", where);
		if (!value && !json_is(json_get(c, "value"), JSON_NULL))
			return err_set(err, ERR_USAGE, "%s: the partition column '%s' has no value",
				where, name);
		strvec_push(&l->partition_names, name);
		strvec_push_take(&l->partition_values, xstrdup(value));
	}
	return 0;
}

static int take_load(const struct json *doc, size_t i, struct ingest_load *l, struct err *err)
{
	char *where = xasprintf("--INPUT: load %zu", i + 1);
	const char *id = json_scalar_text(json_get(doc, "id"));
	int ret = -1;

	*l = (struct ingest_load){0};
	strvec_init(&l->partition_names);
	strvec_init(&l->partition_values);
	l->id = id ? xstrdup(id) : xasprintf("%zu", i + 1);
	l->key = xstrdup(json_get_str(doc, "s3_key"));
	if ((l->source_table = member(doc, "source_table_name", where, err)) &&
		(l->destination_table = member(doc, "destination_table_name", where, err)) &&
		(l->source = location(doc, "source_s3_key", where, err)) &&
		(l->destination = location(doc, "destination_path", where, err)))
		ret = take_partitions(json_get(doc, "partition_columns"), where, l, err);
	free(where);
	return ret;
}

int ingest_input_parse(
	const char *env, const char *input, struct ingest_input *out, struct err *err)
{
	struct json *names = parse(env, "ENV", err),
		    *doc = names ? parse(input, "INPUT", err) : NULL;
	const struct json *loads = json_get(doc, "loads");
	struct json *load;
	int ret = -1;

	*out = (struct ingest_input)INGEST_INPUT_INIT;
	if (!doc || !(out->incoming = member(names, "GLUE_DATABASE_INCOMING", "--ENV", err)) ||
		!(out->springboard = member(names, "GLUE_DATABASE_SPRINGBOARD", "--ENV", err)))
		goto out;
	if (!json_is(loads, JSON_ARRAY)) {
		err_set(err, ERR_USAGE, "--INPUT has no list 'loads'");
		goto out;
	}
	out->loads = xcalloc(json_len(loads) + 1, sizeof(*out->loads));
	ret = 0;
	json_each(load, loads)
	{
		ret = take_load(load, out->nr, &out->loads[out->nr], err);
		out->nr++;
		if (ret != 0)
			break;
	}
out:
	if (ret != 0)
		ingest_input_release(out);
	json_free(names);
	json_free(doc);
	return ret;
}
