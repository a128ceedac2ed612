/* Map in mode DISTRIBUTED: ProcessorConfig, Label, ItemReader, ItemBatcher, ResultWriter. */
#include "asl_check.h"

#include <string.h>
#include "strbuf.h"

#define LABEL_MAX_CHARS 40
#define ITEMS_MAX 100000000

static bool is_distributed(const struct json *processor)
{
	const char *mode = json_get_str(json_get(processor, "ProcessorConfig"), "Mode");

	return mode && !strcmp(mode, "DISTRIBUTED");
}

bool asl_map_is_distributed(const struct json *def)
{
	return is_distributed(json_get(def, "ItemProcessor"));
}

void asl_check_enter(struct asl_check *c, const struct json *processor)
{
	const char *type = json_get_str(json_get(processor, "ProcessorConfig"), "ExecutionType");

	if (!is_distributed(processor))
		return;
	c->flavour = type && !strcmp(type, "EXPRESS") ? ASL_EXPRESS : ASL_STANDARD;
	c->around = NULL;
}

/* A text out of `values`, which are told as AWS tells them. */
static void check_one_of(struct asl_check *c, const struct json *o, const char *name,
	const char *const *values, bool required, const char *where)
{
	const char *text = json_get_str(o, name);
	struct strbuf all = STRBUF_INIT;
	size_t i;

	if (!json_get(o, name)) {
		if (required)
			SCHEMA(c, where, "These fields are required: [%s]", name);
		return;
	}
	for (i = 0; values[i] && (!text || strcmp(values[i], text) != 0); i++)
		strbuf_addf(&all, "%s%s", i ? ", " : "", values[i]);
	if (!values[i] && !asl_is_placeholder(c, text))
		SCHEMA(c, where, "The field '%s' should have one of these values: [%s]", name,
			all.buf);
	strbuf_release(&all);
}

void asl_check_processor_config(struct asl_check *c, const struct json *config, const char *where)
{
	static const char *const known[] = {"Mode", "ExecutionType", NULL};
	static const char *const modes[] = {"INLINE", "DISTRIBUTED", NULL};
	static const char *const types[] = {"STANDARD", "EXPRESS", NULL};
	const char *mode = json_get_str(config, "Mode");
	bool distributed = mode && !strcmp(mode, "DISTRIBUTED");

	if (!json_is(config, JSON_OBJECT)) {
		SCHEMA(c, where, "Expected value of type Object");
		return;
	}
	asl_check_known(c, config, known, where);
	check_one_of(c, config, "Mode", modes, false, where);
	check_one_of(c, config, "ExecutionType", types, distributed, where);
	if (distributed && c->flavour == ASL_EXPRESS)
		SCHEMA(c, where,
			"Express state machine does not support Map state in mode "
			"'DISTRIBUTED'");
	else if (!distributed && json_get(config, "ExecutionType"))
		SCHEMA(c, where, "Field 'ExecutionType' is only supported in mode 'DISTRIBUTED'");
}

static void check_label(struct asl_check *c, const char *label, const char *where)
{
	size_t chars = 0;
	bool odd = false;

	for (const char *p = label; *p; p++) {
		chars += ((unsigned char)*p & 0xc0) != 0x80;
		odd = odd || (unsigned char)*p <= ' ' || strchr("?*<>{}[]:;,\\|^~$#%&`\"/", *p);
	}
	if (!chars || chars > LABEL_MAX_CHARS || odd)
		asl_tell(c, "ERROR", "INVALID_LABEL_NAME", where, "Invalid Label name: %s", label);
	if (map_has(&c->labels, label))
		asl_tell(c, "ERROR", "DUPLICATE_LABEL_NAME", where, "Duplicate Label name: %s",
			label);
	map_put(&c->labels, label, c);
}

/* NAME, or NAMEPath with a path; never both. */
static void check_limit(
	struct asl_check *c, const struct json *o, const char *name, double most, const char *where)
{
	char *path = xasprintf("%sPath", name), *at = xasprintf("%s/%s", where, name);

	if (json_get(o, name) && json_get(o, path))
		SCHEMA(c, where, "Only one of these fields may be there: [%s, %s]", name, path);
	if (json_get(o, name))
		asl_check_number(c, json_get(o, name), 1, most, at);
	if (json_get(o, path) && (!json_get_str(o, path) || !asl_path_valid(json_get_str(o, path),
								    ASL_PATH_REFERENCE)))
		SCHEMA(c, at, "Value is not a Reference Path");
	free(path);
	free(at);
}

static void check_csv(struct asl_check *c, const struct json *config, const char *where)
{
	static const char *const places[] = {"FIRST_ROW", "GIVEN", NULL};
	static const char *const delimiters[] = {
		"COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB", NULL};
	const char *type = json_get_str(config, "InputType"),
		   *place = json_get_str(config, "CSVHeaderLocation");
	const struct json *names = json_get(config, "CSVHeaders"), *e;
	bool given = place && !strcmp(place, "GIVEN");

	if (!type || strcmp(type, "CSV") != 0)
		return;
	check_one_of(c, config, "CSVHeaderLocation", places, true, where);
	check_one_of(c, config, "CSVDelimiter", delimiters, false, where);
	if (given && !names)
		SCHEMA(c, where, "These fields are required: [CSVHeaders]");
	if (names && (!json_is(names, JSON_ARRAY) || !json_len(names)))
		SCHEMA(c, where, "CSVHeaders must be a non-empty array of strings");
	json_each(e, names)
	{
		if (!json_str(e))
			SCHEMA(c, where, "CSVHeaders must be a non-empty array of strings");
	}
}

static void check_reader_config(
	struct asl_check *c, const struct json *config, bool lists, const char *where)
{
	static const char *const known[] = {"InputType", "CSVHeaderLocation", "CSVHeaders",
		"CSVDelimiter", "MaxItems", "MaxItemsPath", "ItemsPointer", "ManifestType",
		"Transformation", NULL};
	static const char *const types[] = {"CSV", "JSON", "JSONL", "MANIFEST", "PARQUET", NULL};
	static const char *const transformations[] = {"NONE", "LOAD_AND_FLATTEN", NULL};

	asl_check_known(c, config, known, where);
	check_one_of(c, config, "InputType", types, !lists, where);
	check_one_of(c, config, "Transformation", transformations, false, where);
	check_csv(c, config, where);
	check_limit(c, config, "MaxItems", ITEMS_MAX, where);
}

/* Resource and Parameters of a reader or writer. */
static void check_called(
	struct asl_check *c, const struct json *o, const char *const *resources, const char *where)
{
	if (json_get(o, "Parameters") && !json_is(json_get(o, "Parameters"), JSON_OBJECT))
		SCHEMA(c, where, "Expected value of type Object");
	asl_check_template(c, json_get(o, "Parameters"), where, true);
	check_one_of(c, o, "Resource", resources, true, where);
	if (!json_get(o, "Parameters"))
		SCHEMA(c, where, "These fields are required: [Parameters]");
}

static void check_reader(struct asl_check *c, const struct json *o, const char *where)
{
	static const char *const known[] = {"Resource", "Parameters", "ReaderConfig", NULL};
	static const char *const resources[] = {
		"arn:aws:states:::s3:getObject", "arn:aws:states:::s3:listObjectsV2", NULL};
	const char *resource = json_get_str(o, "Resource");
	char *at = xasprintf("%s/ReaderConfig", where);

	asl_check_known(c, o, known, where);
	check_called(c, o, resources, where);
	check_reader_config(
		c, json_get(o, "ReaderConfig"), !resource || !strcmp(resource, resources[1]), at);
	free(at);
}

static void check_writer(struct asl_check *c, const struct json *o, const char *where)
{
	static const char *const known[] = {"Resource", "Parameters", "WriterConfig", NULL};
	static const char *const resources[] = {"arn:aws:states:::s3:putObject", NULL};
	static const char *const config[] = {"OutputType", "Transformation", NULL};
	static const char *const outputs[] = {"JSON", "JSONL", NULL};
	static const char *const shapes[] = {"NONE", "COMPACT", "FLATTEN", NULL};
	const struct json *w = json_get(o, "WriterConfig");

	asl_check_known(c, o, known, where);
	if (json_get(o, "Resource") || !w)
		check_called(c, o, resources, where);
	asl_check_known(c, w, config, where);
	check_one_of(c, w, "OutputType", outputs, false, where);
	check_one_of(c, w, "Transformation", shapes, false, where);
}

static void check_batcher(struct asl_check *c, const struct json *o, const char *where)
{
	static const char *const known[] = {"MaxItemsPerBatch", "MaxItemsPerBatchPath",
		"MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", "BatchInput", NULL};
	bool limited = false;

	asl_check_known(c, o, known, where);
	for (size_t i = 0; i < 4; i++)
		limited = limited || json_get(o, known[i]);
	if (!limited)
		SCHEMA(c, where,
			"One of these fields is required: [MaxItemsPerBatch, MaxItemsPerBatchPath, "
			"MaxInputBytesPerBatch, MaxInputBytesPerBatchPath]");
	check_limit(c, o, "MaxItemsPerBatch", ITEMS_MAX, where);
	check_limit(c, o, "MaxInputBytesPerBatch", ASL_PAYLOAD_BYTES_MAX, where);
	asl_check_template(c, json_get(o, "BatchInput"), where, true);
}

void asl_check_map(struct asl_check *c, const struct json *def, const char *where)
{
	static const struct {
		const char *name;
		void (*check)(struct asl_check *c, const struct json *o, const char *where);
		bool inline_too;
	} rooms[] = {
		{"ItemReader", check_reader, false},
		{"ItemBatcher", check_batcher, true},
		{"ResultWriter", check_writer, false},
	};
	bool distributed = asl_map_is_distributed(def);
	const char *label = json_get_str(def, "Label");
	const struct json *o;
	char *at;

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		o = json_get(def, rooms[i].name);
		at = xasprintf("%s/%s", where, rooms[i].name);
		if (o && !distributed && !rooms[i].inline_too)
			SCHEMA(c, where, "Field '%s' is only supported in mode 'DISTRIBUTED'",
				rooms[i].name);
		else if (json_is(o, JSON_OBJECT))
			rooms[i].check(c, o, at);
		free(at);
	}
	if (!label)
		return;
	at = xasprintf("%s/Label", where);
	if (distributed)
		check_label(c, label, at);
	else
		SCHEMA(c, where, "Field 'Label' is only supported in mode 'DISTRIBUTED'");
	free(at);
}
