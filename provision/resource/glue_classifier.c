/*
 * AWS::Glue::Classifier: one of four kinds, whose object in the properties is what the API takes. A classifier has no
 * tags and nothing hangs on it, so what an update cannot take away is made anew.
 */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "strbuf.h"

static const char *const headers[] = {"ABSENT", "PRESENT", "UNKNOWN", NULL};
static const char *const datatypes[] = {"BINARY", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "FLOAT",
	"INT", "LONG", "SHORT", "STRING", "TIMESTAMP", NULL};

#define NAME_ROW                                                                                \
	{                                                                                       \
		.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES, .min = 1, .max = 255 \
	}
static const struct field csv_fields[] = {
	{.name = "AllowSingleColumn", .kind = FIELD_BOOL},
	{.name = "ContainsCustomDatatype",
		.wire = "CustomDatatypes",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.values = datatypes},
	{.name = "ContainsHeader", .kind = FIELD_STRING, .values = headers},
	{.name = "CustomDatatypeConfigured", .kind = FIELD_BOOL},
	{.name = "Delimiter", .kind = FIELD_STRING, .min = 1, .max = 1, .pattern = "[^\\r\\n]"},
	{.name = "DisableValueTrimming", .kind = FIELD_BOOL},
	{.name = "Header", .kind = FIELD_LIST, .item = FIELD_STRING},
	NAME_ROW,
	{.name = "QuoteSymbol", .kind = FIELD_STRING, .min = 1, .max = 1, .pattern = "[^\\r\\n]"},
	{0},
};
static const struct field grok_fields[] = {
	{.name = "Classification", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{.name = "CustomPatterns", .kind = FIELD_STRING, .max = 16000},
	{.name = "GrokPattern", .kind = FIELD_STRING, .flags = F_REQUIRED, .min = 1, .max = 2048},
	NAME_ROW,
	{0},
};
static const struct field json_fields[] = {
	{.name = "JsonPath", .kind = FIELD_STRING, .flags = F_REQUIRED},
	NAME_ROW,
	{0},
};
static const struct field xml_fields[] = {
	{.name = "Classification", .kind = FIELD_STRING, .flags = F_REQUIRED},
	NAME_ROW,
	{.name = "RowTag", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{0},
};
static const struct field classifier_fields[] = {
	{.name = "CsvClassifier", .kind = FIELD_OBJECT, .fields = csv_fields},
	{.name = "GrokClassifier", .kind = FIELD_OBJECT, .fields = grok_fields},
	{.name = "JsonClassifier", .kind = FIELD_OBJECT, .fields = json_fields},
	{.name = "XMLClassifier", .kind = FIELD_OBJECT, .fields = xml_fields},
	{0},
};
static const struct attribute classifier_attributes[] = {
	{.name = "Name", .format = "{name}"},
	{0},
};
/* A classifier of another kind under our name is to be changed. */
static const struct field_default classifier_defaults[] = {
	{"CsvClassifier", "{}"},
	{"GrokClassifier", "{}"},
	{"JsonClassifier", "{}"},
	{"XMLClassifier", "{}"},
	{0},
};

static void classifier_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	size_t nr = 0;
	for (const struct field *f = classifier_fields; f->name; f++)
		nr += is_given(props, f->name);
	if (nr != 1)
		lint_error(place, errors, "",
			"a classifier has exactly one of CsvClassifier, GrokClassifier, "
			"JsonClassifier and XMLClassifier");
	const char *delimiter = known_str(props, "CsvClassifier.Delimiter");
	const char *quote = known_str(props, "CsvClassifier.QuoteSymbol");
	if (delimiter && quote && strcmp(delimiter, quote) == 0)
		lint_error(place, errors, "CsvClassifier.QuoteSymbol",
			"the delimiter cannot be the quote symbol too");
	const char *path = known_str(props, "JsonClassifier.JsonPath");
	if (path && *path != '$')
		lint_error(place, errors, "JsonClassifier.JsonPath", "a JSON path begins with $");
}

/* What is live of a kind and not wanted any more; what services fill in does not count. */
static bool has_more(const struct json *live, const struct json *wanted)
{
	static const char *const filled[] = {"Name", "Serde", "DisableValueTrimming", NULL};
	const struct json *l;
	json_each(l, live)
	{
		const char *text = json_str(l);
		bool usual = false;
		for (size_t i = 0; filled[i]; i++)
			usual = usual || strcmp(filled[i], json_name(l)) == 0;
		usual = usual || (text && (!*text || strcmp(text, "UNKNOWN") == 0)) ||
			(json_is(l, JSON_BOOL) && !json_truth(l, true)) ||
			(json_is(l, JSON_ARRAY) && !json_len(l));
		if (!usual && !json_get(wanted, json_name(l)))
			return true;
	}
	return false;
}

/* A row that is gone from the template shows as a change of the whole kind: without tags there is no digest to show it. */
static void classifier_look(const struct resource *r, unused_arg const struct json *definition,
	struct resource_state *out)
{
	for (const struct field *f = classifier_fields; f->name && r->props; f++) {
		const struct json *wanted = json_get(r->props, f->name);
		if (wanted && out->props && has_more(json_get(out->props, f->name), wanted))
			json_remove(out->props, f->name);
	}
}

/* The name stands inside of the kind. */
static void classifier_to_create(const struct resource *r, struct json *in)
{
	for (const struct field *f = classifier_fields; f->name; f++)
		if (json_get(in, f->name))
			json_set_str(json_get(in, f->name), "Name", r->name);
	json_remove(in, "Name");
}

static int classifier_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *in = fields_to_api(classifier_fields, r->props);
	bool same = false;
	int ret;
	for (const struct field *f = classifier_fields; f->name; f++)
		same = same || (json_get(r->props, f->name) && json_get(live->props, f->name));
	classifier_to_create(r, in);
	if (same) {
		ret = aws_call(ctx->aws, &glue_update_classifier, in, NULL, err);
	} else {
		ret = json_type_destroy(ctx, r, err);
		if (!ret)
			ret = aws_call(ctx->aws, &glue_create_classifier, in, NULL, err);
	}
	json_free(in);
	return ret;
}

const struct json_type glue_classifier = {
	.type =
		{
			.schema =
				{
					.name = "AWS::Glue::Classifier",
					.fields = classifier_fields,
					.name_field = "CsvClassifier.Name|GrokClassifier.Name|"
						      "JsonClassifier.Name|XMLClassifier.Name",
					.name_case = NAME_LOWER_DASH,
					.name_max = 255,
					.attributes = classifier_attributes,
					.name_pattern_hint =
						"1 to 255 characters without control characters",
					.name_ok = glue_name_ok,
					.check = classifier_check,
				},
			.flags = T_NO_TAGS | T_WHOLE,
			.defaults = classifier_defaults,
			.read = json_type_read,
			.create = json_type_create,
			.update = classifier_update,
			.destroy = json_type_destroy,
		},
	.create = &glue_create_classifier,
	.get = &glue_get_classifier,
	.update = &glue_update_classifier,
	.remove = &glue_delete_classifier,
	.get_out = "Classifier",
	.create_name = "Name",
	.get_name = "Name",
	.update_name = "Name",
	.remove_name = "Name",
	.arn = "arn:{partition}:glue:{region}:{account}:classifier/{name}",
	.look = classifier_look,
	.to_create = classifier_to_create,
};
