/*
 * AWS::Glue::Connection. Its passwords are sent and never asked for: GetConnection hides them, so what is live is
 * compared without them, the digest shows whether they changed, and an update sends the whole connection again.
 */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "strbuf.h"

static const char *const connection_types[] = {"ADOBEANALYTICS", "ASANA", "AZURECOSMOS", "AZURESQL",
	"BIGQUERY", "BLACKBAUD", "BLACKBAUDRAISEREDGENXT", "CIRCLECI", "CLOUDERAHIVE",
	"CLOUDERAIMPALA", "CLOUDWATCH", "CLOUDWATCHMETRICS", "CMDB", "CUSTOM", "DATADOG",
	"DATALAKEGEN2", "DB2", "DB2AS400", "DOCUMENTDB", "DOCUSIGNMONITOR", "DOMO", "DYNAMODB",
	"DYNATRACE", "FACEBOOKADS", "FACEBOOKPAGEINSIGHTS", "FRESHDESK", "FRESHSALES", "GITLAB",
	"GOOGLEADS", "GOOGLEANALYTICS4", "GOOGLECLOUDSTORAGE", "GOOGLESEARCHCONSOLE",
	"GOOGLESHEETS", "HBASE", "HUBSPOT", "INSTAGRAMADS", "INTERCOM", "JDBC", "JIRACLOUD",
	"KAFKA", "KUSTOMER", "LINKEDIN", "MAILCHIMP", "MARKETO", "MARKETPLACE",
	"MICROSOFTDYNAMIC365FINANCEANDOPS", "MICROSOFTDYNAMICS365CRM", "MICROSOFTTEAMS", "MIXPANEL",
	"MONDAY", "MONGODB", "MYSQL", "NETSUITEERP", "NETWORK", "OKTA", "OPENSEARCH", "ORACLE",
	"PAYPAL", "PENDO", "PIPEDIVE", "PIPEDRIVE", "POSTGRESQL", "PRODUCTBOARD", "QUICKBOOKS",
	"SALESFORCE", "SALESFORCECOMMERCECLOUD", "SALESFORCEMARKETINGCLOUD", "SALESFORCEPARDOT",
	"SAPCONCUR", "SAPHANA", "SAPODATA", "SENDGRID", "SERVICENOW", "SFTP", "SLACK", "SMARTSHEET",
	"SNAPCHATADS", "SQLSERVER", "STRIPE", "SYNAPSE", "TERADATA", "TERADATANOS", "TIMESTREAM",
	"TPCDS", "TWILIO", "VERTICA", "VIEW_VALIDATION_ATHENA", "VIEW_VALIDATION_REDSHIFT",
	"WOOCOMMERCE", "ZENDESK", "ZOHOCRM", "ZOOM", NULL};
static const char *const environments[] = {"ATHENA", "PYTHON", "SPARK", NULL};

#define HIDDEN(n)                                                                 \
	{                                                                         \
		.name = n, .kind = FIELD_STRING, .flags = F_SECRET | F_WRITE_ONLY \
	}
/* Of Glue's ConnectionPropertyKeys those that give something away. */
static const struct field secret_properties[] = {
	HIDDEN("ENCRYPTED_KAFKA_CLIENT_KEYSTORE_PASSWORD"),
	HIDDEN("ENCRYPTED_KAFKA_CLIENT_KEY_PASSWORD"),
	HIDDEN("ENCRYPTED_KAFKA_SASL_PLAIN_PASSWORD"),
	HIDDEN("ENCRYPTED_KAFKA_SASL_SCRAM_PASSWORD"),
	HIDDEN("ENCRYPTED_PASSWORD"),
	HIDDEN("KAFKA_CLIENT_KEYSTORE_PASSWORD"),
	HIDDEN("KAFKA_CLIENT_KEY_PASSWORD"),
	HIDDEN("KAFKA_SASL_PLAIN_PASSWORD"),
	HIDDEN("KAFKA_SASL_SCRAM_PASSWORD"),
	HIDDEN("PASSWORD"),
	{0},
};

/* --- how it says who it is --- */

#define SECRET_TEXT (F_SECRET | F_WRITE_ONLY)
static const struct field basic_fields[] = {
	{.name = "Password", .kind = FIELD_STRING, .flags = SECRET_TEXT, .max = 512},
	{.name = "Username",
		.kind = FIELD_STRING,
		.flags = F_WRITE_ONLY,
		.max = 512,
		.pattern = "\\S+"},
	{0},
};
static const struct field code_fields[] = {
	{.name = "AuthorizationCode",
		.kind = FIELD_STRING,
		.flags = SECRET_TEXT,
		.min = 1,
		.max = 4096,
		.pattern = "\\S+"},
	{.name = "RedirectUri",
		.kind = FIELD_STRING,
		.flags = F_WRITE_ONLY,
		.max = 512,
		.pattern = "(https?)://[^\\s/$.?#].[^\\s]*"},
	{0},
};
static const struct field application_fields[] = {
	{.name = "AWSManagedClientApplicationReference",
		.kind = FIELD_STRING,
		.max = 2048,
		.pattern = "\\S+"},
	{.name = "UserManagedClientApplicationClientId",
		.kind = FIELD_STRING,
		.max = 2048,
		.pattern = "\\S+"},
	{0},
};
static const struct field credential_fields[] = {
	{.name = "AccessToken",
		.kind = FIELD_STRING,
		.flags = SECRET_TEXT,
		.max = 4096,
		.pattern = "[ -~]*"},
	{.name = "JwtToken",
		.kind = FIELD_STRING,
		.flags = SECRET_TEXT,
		.max = 8000,
		.pattern = "([a-zA-Z0-9_=]+)\\.([a-zA-Z0-9_=]+)\\.([a-zA-Z0-9_\\-+/=]*)"},
	{.name = "RefreshToken",
		.kind = FIELD_STRING,
		.flags = SECRET_TEXT,
		.max = 4096,
		.pattern = "[ -~]*"},
	{.name = "UserManagedClientApplicationClientSecret",
		.kind = FIELD_STRING,
		.flags = SECRET_TEXT,
		.max = 512,
		.pattern = "[ -~]*"},
	{0},
};
static const char *const grants[] = {
	"AUTHORIZATION_CODE", "CLIENT_CREDENTIALS", "JWT_BEARER", "REFRESH_TOKEN", NULL};
static const struct field oauth2_fields[] = {
	{.name = "AuthorizationCodeProperties",
		.kind = FIELD_OBJECT,
		.flags = F_WRITE_ONLY,
		.fields = code_fields},
	{.name = "OAuth2ClientApplication", .kind = FIELD_OBJECT, .fields = application_fields},
	{.name = "OAuth2Credentials",
		.kind = FIELD_OBJECT,
		.flags = F_WRITE_ONLY,
		.fields = credential_fields},
	{.name = "OAuth2GrantType", .kind = FIELD_STRING, .values = grants},
	{.name = "TokenUrl",
		.kind = FIELD_STRING,
		.max = 256,
		.pattern = "(https?)://[-a-zA-Z0-9+&@#/%?=~_|!:,.;]*[-a-zA-Z0-9+&@#/%=~_|]"},
	{.name = "TokenUrlParametersMap", .kind = FIELD_MAP},
	{0},
};
static const char *const authentications[] = {"BASIC", "CUSTOM", "IAM", "OAUTH2", NULL};
static const struct field authentication_fields[] = {
	{.name = "AuthenticationType",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.values = authentications},
	{.name = "BasicAuthenticationCredentials",
		.kind = FIELD_OBJECT,
		.flags = F_WRITE_ONLY,
		.fields = basic_fields},
	{.name = "CustomAuthenticationCredentials", .kind = FIELD_MAP, .flags = SECRET_TEXT},
	{.name = "KmsKeyArn", .kind = FIELD_STRING, .pattern = "|arn:aws[a-z0-9-]*:kms:.*"},
	{.name = "OAuth2Properties", .kind = FIELD_OBJECT, .fields = oauth2_fields},
	{.name = "SecretArn",
		.kind = FIELD_STRING,
		.pattern = "arn:aws(-(cn|us-gov|iso(-[bef])?))?:secretsmanager:.*"},
	{0},
};

/* --- the connection --- */

static const struct field network_fields[] = {
	{.name = "AvailabilityZone", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "SecurityGroupIdList",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED},
	{.name = "SubnetId", .kind = FIELD_STRING, .min = 1, .max = 255},
	{0},
};
static const struct field input_fields[] = {
	{.name = "AthenaProperties", .kind = FIELD_MAP},
	{.name = "AuthenticationConfiguration",
		.kind = FIELD_OBJECT,
		.fields = authentication_fields},
	{.name = "ConnectionProperties", .kind = FIELD_MAP, .fields = secret_properties},
	{.name = "ConnectionType",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.values = connection_types},
	{.name = "Description", .kind = FIELD_STRING, .max = 2048},
	{.name = "MatchCriteria", .kind = FIELD_LIST, .item = FIELD_STRING},
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES, .min = 1, .max = 255},
	{.name = "PhysicalConnectionRequirements", .kind = FIELD_OBJECT, .fields = network_fields},
	{.name = "PythonProperties", .kind = FIELD_MAP},
	{.name = "SparkProperties", .kind = FIELD_MAP},
	{.name = "ValidateCredentials", .kind = FIELD_BOOL, .flags = F_WRITE_ONLY},
	{.name = "ValidateForComputeEnvironments",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_WRITE_ONLY,
		.values = environments},
	{0},
};
static const struct field connection_fields[] = {
	{.name = "CatalogId",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES,
		.min = 1,
		.max = 255},
	{.name = "ConnectionInput",
		.kind = FIELD_OBJECT,
		.flags = F_REQUIRED,
		.fields = input_fields},
	{.name = "Tags", .kind = FIELD_TAG_MAP},
	{0},
};

static const struct attribute connection_attributes[] = {
	{.name = "Name", .format = "{name}"},
	{0},
};

/* A JDBC connection without a place or a way in is refused by Glue. */
static void connection_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	static const char *const inside = "ConnectionInput.ConnectionProperties";
	const char *type = known_str(props, "ConnectionInput.ConnectionType");
	const struct json *input = json_get(props, "ConnectionInput"),
			  *given = json_get(input, "ConnectionProperties");
	bool v2 = is_given(input, "AuthenticationConfiguration");
	if (!type || !json_is(given, JSON_OBJECT) || json_is_unknown(given) || v2)
		return;
	if (strcmp(type, "JDBC") == 0 && is_missing(given, "JDBC_CONNECTION_URL") &&
		is_missing(given, "HOST"))
		lint_error(place, errors, inside, "a JDBC connection needs JDBC_CONNECTION_URL");
	if (strcmp(type, "JDBC") == 0 && is_missing(given, "SECRET_ID") &&
		is_missing(given, "USERNAME"))
		lint_error(place, errors, inside,
			"a JDBC connection needs USERNAME and PASSWORD, or SECRET_ID");
	if (strcmp(type, "KAFKA") == 0 && is_missing(given, "KAFKA_BOOTSTRAP_SERVERS"))
		lint_error(
			place, errors, inside, "a KAFKA connection needs KAFKA_BOOTSTRAP_SERVERS");
	if (strcmp(type, "MONGODB") == 0 && is_missing(given, "CONNECTION_URL"))
		lint_error(place, errors, inside, "a MONGODB connection needs CONNECTION_URL");
}

/* --- calls --- */

static int connection_fetch(
	const struct type_ctx *ctx, const struct resource *r, struct json **out, struct err *err)
{
	struct json *in = json_strings("Name", r->name, NULL), *reply = NULL;
	json_set_bool(in, "HidePassword", true);
	int ret = call_if_there(ctx, &glue_get_connection, in, &reply, err);
	*out = reply ? json_detach(reply, "Connection") : NULL;
	json_free(in);
	json_free(reply);
	return ret;
}

/* What a server shows of passwords all the same is not looked at. */
static struct json *connection_reshape(const struct json *definition)
{
	struct json *out = json_object(), *input = json_copy(definition),
		    *given = json_get(input, "ConnectionProperties");
	for (const struct field *f = secret_properties; f->name; f++)
		if (given)
			json_remove(given, f->name);
	json_set(out, "ConnectionInput", input);
	return out;
}

/* GetConnection does not tell the catalog: it was asked for in this one. */
static void connection_look(const struct resource *r, unused_arg const struct json *definition,
	struct resource_state *out)
{
	if (out->props)
		json_set_str(out->props, "CatalogId", json_get_str(r->props, "CatalogId"));
}

/* Glue wants the member, be it empty: a NETWORK connection has none. */
static void connection_to_create(unused_arg const struct resource *r, struct json *in)
{
	struct json *input = json_get(in, "ConnectionInput");
	if (!json_get(input, "ConnectionProperties"))
		json_set(input, "ConnectionProperties", json_object());
}

static void connection_to_update(const struct resource *r, unused_arg const struct json *live,
	unused_arg const struct json *diff, struct json *in)
{
	connection_to_create(r, in);
	json_set_str(json_get(in, "ConnectionInput"), "Name", r->name);
}

const struct json_type glue_connection = {
	.type =
		{
			.schema =
				{
					.name = "AWS::Glue::Connection",
					.fields = connection_fields,
					.name_field = "ConnectionInput.Name",
					.name_case = NAME_LOWER_DASH,
					.name_max = 255,
					.attributes = connection_attributes,
					.name_pattern_hint =
						"1 to 255 characters without control characters",
					.name_ok = glue_name_ok,
					.check = connection_check,
				},
			.flags = T_WHOLE,
			.read = json_type_read,
			.create = json_type_create,
			.update = json_type_update,
			.tag = json_type_tag,
			.destroy = json_type_destroy,
		},
	.create = &glue_create_connection,
	.update = &glue_update_connection,
	.remove = &glue_delete_connection,
	.create_name = "ConnectionInput/Name",
	.update_name = "Name",
	.remove_name = "ConnectionName",
	.arn = "arn:{partition}:glue:{region}:{account}:connection/{name}",
	.tagging = &glue_tagging,
	.flags = JSON_UPDATE_WHOLE | JSON_UPDATE_ALWAYS,
	.fetch = connection_fetch,
	.reshape = connection_reshape,
	.look = connection_look,
	.to_create = connection_to_create,
	.to_update = connection_to_update,
};
