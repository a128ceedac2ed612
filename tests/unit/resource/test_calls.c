#include "testing.h"
#include "cloud_script.h"
#include "calls.h"
#include "ops.h"

static bool propagates(const char *code, const char *text)
{
	struct err err = ERR_INIT;
	err_set(&err, ERR_INVALID, "%s", text);
	err.aws_code = xstrdup(code);
	bool yes = err_is_propagation(&err, "R");
	err_release(&err);
	return yes;
}

/* As services have said it to people who reported it. */
static void test_calls__messages_of_propagation(void **state)
{
	(void)state;
	static const char *const messages[][2] = {
		{"InvalidInputException", "Role arn:aws:iam::1:role/R cannot be assumed."},
		{"InvalidInputException",
			"Service is unable to assume provided role. Please verify "
			"role's TrustPolicy"},
		{"InvalidInputException",
			"Service is unable to assume the role arn:aws:iam::1:role/R. "
			"Please verify the role's TrustPolicy"},
		{"InvalidInputException", "Role R should be given assume role permissions for Glue "
					  "Service."},
		{"InvalidInputException", "User: arn:aws:sts::1:assumed-role/R/x is not authorized "
					  "to perform: s3:Get"},
		{"InvalidInputException", "Insufficient Lake Formation permission(s) on s3://b/"},
		{"InvalidInputException", "SQS queue https://sqs/1/q does not exist or the role "
					  "provided does not have access to it"},
		{"InvalidInputException", "Error trying to retrieve security config: The security "
					  "token included in the request is invalid"},
		{"AccessDeniedException", "The security token included in the request is invalid. "
					  "(Service: AWSGlueInternal; Status Code: 400)"},
		{"AccessDeniedException",
			"Neither the global service principal states.amazonaws.com, "
			"nor the regional one is authorized to assume the provided "
			"role."},
		{"InvalidParameter", "Invalid parameter: Policy Error: PrincipalNotFound"},
		{"MalformedPolicyDocument",
			"Invalid principal in policy: \"AWS\":\"arn:…:role/R\""},
		{"MalformedPolicy", "Invalid principal in policy"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (!propagates(messages[i][0], messages[i][1]))
			fail_msg("%s: %s", messages[i][0], messages[i][1]);
}

static void test_calls__what_waiting_does_not_mend(void **state)
{
	(void)state;
	assert_false(propagates("AccessDeniedException", "User: arn is not authorized to perform: "
							 "glue:CreateJob on resource: x"));
	assert_false(propagates("AccessDeniedException",
		"User is not authorized to perform: iam:PassRole on resource: role/R"));
	/* Ours has expired, not Glue's. */
	assert_false(propagates("UnrecognizedClientException",
		"The security token included in the request is invalid"));
	assert_false(propagates(
		"AccessDeniedException", "The security token included in the request is invalid"));
	assert_false(propagates("InvalidInputException", "Name is too long"));
	assert_false(propagates("EntityNotFoundException", "Role R cannot be assumed"));
}

#define UNHEARD "{\"__type\":\"InvalidInputException\",\"Message\":\"Something new about role/R\"}"
#define ROLE_MADE(when)                                                                         \
	"<GetRoleResponse><GetRoleResult><Role><RoleName>R</RoleName><CreateDate>" when         \
	"</CreateDate><AssumeRolePolicyDocument>%7B%22Service%22%3A%22glue.amazonaws.com%22%7D" \
	"</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>"

/* A wording that nobody has reported yet: with a new role it may be that, with an old one it is not. */
static void test_calls__an_unheard_message_about_a_new_role(void **state)
{
	(void)state;
	struct cloud c;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	struct strbuf made = STRBUF_INIT, reply = STRBUF_INIT;
	clock_add_iso(&made, c.now_ms - 30 * 1000, false);
	strbuf_addstr(&reply, ROLE_MADE("DATE"));
	char *date = strstr(reply.buf, "DATE");
	char *whole = xasprintf(
		"%.*s%s%s", (int)(date - reply.buf), reply.buf, made.buf, date + strlen("DATE"));
	struct json *in = json_strings("Name", "j", "Role", "R", NULL);
	cloud_expect(&c, "CreateJob", 400, UNHEARD);
	cloud_expect(&c, "GetRole", 200, whole);
	cloud_expect(&c, "CreateJob", 400, UNHEARD);
	cloud_expect(&c, "CreateJob", 200, "{}");
	assert_ok(call_with_role(&c.ctx, &glue_create_job, in, "arn:aws:iam::1:role/path/R",
			  "glue.amazonaws.com", NULL, &err),
		&err);
	cloud_expect(&c, "CreateJob", 400, UNHEARD);
	cloud_expect(&c, "GetRole", 200, ROLE_MADE("2020-01-01T00:00:00Z"));
	cloud_expect(&c, "GetRole", 200, ROLE_MADE("2020-01-01T00:00:00Z"));
	assert_int_equal(
		call_with_role(&c.ctx, &glue_create_job, in, "R", "glue.amazonaws.com", NULL, &err),
		-1);
	assert_string_equal(err.text, "Something new about role/R");
	/* One that names no role, or another, is the caller's at once. */
	cloud_expect(&c, "CreateJob", 400,
		"{\"__type\":\"InvalidInputException\",\"Message\":\"Name is too long\"}");
	assert_int_equal(call_with_role(&c.ctx, &glue_create_job, in, "Rolle", "glue.amazonaws.com",
				 NULL, &err),
		-1);
	err_release(&err);
	json_free(in);
	free(whole);
	strbuf_release(&made);
	strbuf_release(&reply);
	cloud_end(&c);
}
