#include <stdlib.h>
#include "fs.h"
#include "transit_keys.h"
#include "transit_load.h"

static char *text_of(struct json *v)
{
	struct strbuf sb = STRBUF_INIT;

	json_print(v, &sb);
	json_free(v);
	return strbuf_detach(&sb, NULL);
}

char *transit_payload_env(const char *incoming_database, const char *springboard_database)
{
	struct json *env = json_object();

	json_set_str(env, "GLUE_DATABASE_INCOMING", incoming_database);
	json_set_str(env, "GLUE_DATABASE_SPRINGBOARD", springboard_database);
	return text_of(env);
}

static void set_taken(struct json *o, const char *name, char *value)
{
	json_set_str(o, name, value);
	free(value);
}

static void add_partition(struct json *list, const char *name, char *value)
{
	struct json *one = json_object();

	json_set_str(one, "name", name);
	set_taken(one, "value", value);
	json_push(list, one);
}

static char *destination(const struct transit_load *l, const struct place *p, const char *prefix)
{
	char *folder = transit_folder(l->key);
	char *path =
		p->bucket ? xasprintf("s3a://%s/%s%s%s%s", p->bucket, p->root, prefix,
				    l->raw ? "raw/" : "", folder)
			  : xasprintf("%s%s%s%s", p->shown, prefix, l->raw ? "raw/" : "", folder);

	free(folder);
	return path;
}

static struct json *describe(const struct transit_load *l, const struct place *incoming,
	const struct place *springboard, const char *prefix)
{
	struct json *one = json_object(), *partitions = json_array();
	char *name = xasprintf("%s%s", prefix, l->key);

	json_set(one, "id", json_number_text(l->id));
	json_set_str(one, "s3_key", l->key);
	set_taken(one, "source_table_name", transit_source_table(l->table, l->key));
	set_taken(
		one, "destination_table_name", transit_destination_table(l->table, l->key, l->raw));
	set_taken(one, "source_s3_key", place_locate(incoming, name));
	set_taken(one, "destination_path", destination(l, springboard, prefix));
	if (l->ods)
		add_partition(partitions, "snapshot",
			l->snapshot >= 0 ? transit_stamp(l->snapshot) : xstrdup(""));
	add_partition(partitions, "identifier", xstrdup(fs_basename(l->key)));
	json_set(one, "partition_columns", partitions);
	free(name);
	return one;
}

char *transit_payload_input(const struct transit_loads *l, enum transit_status status,
	const struct place *incoming, const struct place *springboard, const char *prefix)
{
	struct json *input = json_object(), *loads = json_array();

	for (size_t i = 0; i < l->nr; i++)
		if (l->v[i].status == status)
			json_push(loads, describe(&l->v[i], incoming, springboard, prefix));
	json_set(input, "loads", loads);
	return text_of(input);
}
