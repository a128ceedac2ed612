#include "testing.h"
#include "cloud_script.h"
#include "types_internal.h"

#define XML(op, inner) "<" op "Response><" op "Result>" inner "</" op "Result></" op "Response>"
#define IAM_ERROR(code) \
	"<ErrorResponse><Error><Code>" code "</Code><Message>m</Message></Error></ErrorResponse>"
#define TRUST                                                                                 \
	"'AssumeRolePolicyDocument':{'Statement':[{'Effect':'Allow','Principal':{'Service':'" \
	"glue.amazonaws.com'},'Action':'sts:AssumeRole'}]}"
#define TRUST_TEXT                                                                                 \
	"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"glue.amazonaws.com\"}" \
	","                                                                                        \
	"\"Action\":\"sts:AssumeRole\"}]}"
#define LIVE_TAGS                                                                             \
	"<Tags><member><Key>glueproj:project</Key><Value>lake</Value></member><member><Key>"  \
	"glueproj:stack</Key><Value>s</Value></member><member><Key>glueproj:logical-id</Key>" \
	"<Value>R</Value></member>"

static const char *sent(struct cloud *c, size_t i, const char *name)
{
	return json_get_str(json_at(c->sent, i), name);
}

/* The value of a tag in the i-th request. */
static const char *sent_tag(struct cloud *c, size_t i, const char *key)
{
	for (int n = 1; n < 20; n++) {
		char *name = xasprintf("Tags.member.%d.Key", n);
		char *value = xasprintf("Tags.member.%d.Value", n);
		const char *k = sent(c, i, name), *v = sent(c, i, value);
		free(name);
		free(value);
		if (k && strcmp(k, key) == 0)
			return v;
	}
	return NULL;
}

/* One call makes a role without parts: the digest is in it. With parts, it comes last. */
static void test_iam_role__create(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(
		&s, &role_type, "R1", "{" TRUST ",'Path':'/p/','Tags':[{'Key':'a','Value':'b'}]}");
	cloud_expect(&c, "CreateRole", 200, XML("CreateRole", ""));
	assert_ok(role_type.create(&c.ctx, &s.r, &err), &err);
	assert_string_equal(sent(&c, 0, "RoleName"), "R1");
	assert_string_equal(sent(&c, 0, "Path"), "/p/");
	assert_string_equal(sent(&c, 0, "AssumeRolePolicyDocument"), TRUST_TEXT);
	assert_string_equal(sent_tag(&c, 0, "a"), "b");
	assert_string_equal(sent_tag(&c, 0, TAG_DIGEST), "v1:d");
	assert_null(sent_tag(&c, 0, "glueproj:parts"));
	subject_end(&s);
	subject_begin(&s, &role_type, "R1",
		"{" TRUST ",'Policies':[{'PolicyName':'P','PolicyDocument':{'Statement':[]}}],"
		"'ManagedPolicyArns':['arn:aws:iam::aws:policy/X']}");
	cloud_expect(&c, "CreateRole", 200, XML("CreateRole", ""));
	cloud_expect(&c, "PutRolePolicy", 200, XML("PutRolePolicy", ""));
	cloud_expect(&c, "AttachRolePolicy", 200, XML("AttachRolePolicy", ""));
	cloud_expect(&c, "TagRole", 200, XML("TagRole", ""));
	assert_ok(role_type.create(&c.ctx, &s.r, &err), &err);
	assert_null(sent_tag(&c, 1, TAG_DIGEST));
	assert_int_equal(strlen(sent_tag(&c, 1, "glueproj:parts")), 17);
	assert_string_equal(sent(&c, 2, "PolicyDocument"), "{\"Statement\":[]}");
	assert_string_equal(sent(&c, 3, "PolicyArn"), "arn:aws:iam::aws:policy/X");
	assert_string_equal(sent_tag(&c, 4, TAG_DIGEST), "v1:d");
	subject_end(&s);
	cloud_end(&c);
}

#define ROLE(tags)                                                                                 \
	XML("GetRole", "<Role><RoleName>R1</RoleName><RoleId>AROA</RoleId><Arn>arn:aws:iam::1:"    \
		       "role/R1</Arn><AssumeRolePolicyDocument>%7B%22Statement%22%3A%5B%5D%7D"     \
		       "</AssumeRolePolicyDocument><MaxSessionDuration>3600</MaxSessionDuration>"  \
		       "<PermissionsBoundary><PermissionsBoundaryType>Policy"                      \
		       "</PermissionsBoundaryType><PermissionsBoundaryArn>arn:aws:iam::1:policy/B" \
		       "</PermissionsBoundaryArn></PermissionsBoundary>" tags "</Tags></Role>")

/* What others put on the role is neither shown nor taken away. */
static void test_iam_role__read_only_own_parts(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct resource_state live = RESOURCE_STATE_INIT;
	cloud_begin(&c);
	subject_begin(&s, &role_type, "R1",
		"{" TRUST ",'Policies':[{'PolicyName':'P','PolicyDocument':{'Statement':[]}}]}");
	cloud_expect(&c, "GetRole", 200, ROLE(LIVE_TAGS));
	cloud_expect(&c, "ListRolePolicies", 200,
		XML("ListRolePolicies", "<PolicyNames><member>P</member><member>theirs</member>"
					"</PolicyNames><IsTruncated>false</IsTruncated>"));
	cloud_expect(&c, "GetRolePolicy", 200,
		XML("GetRolePolicy", "<PolicyDocument>%7B%22Statement%22%3A%5B%5D%7D"
				     "</PolicyDocument>"));
	cloud_expect(&c, "ListAttachedRolePolicies", 200,
		XML("ListAttachedRolePolicies",
			"<AttachedPolicies><member><PolicyName>X</PolicyName><PolicyArn>arn:aws:iam"
			"::aws:policy/X</PolicyArn></member></AttachedPolicies>"));
	assert_ok(role_type.read(&c.ctx, &s.r, READ_FULL, &live, &err), &err);
	assert_json(json_copy(live.props),
		"{'RoleName':'R1','AssumeRolePolicyDocument':{'Statement':[]},"
		"'MaxSessionDuration':3600,'PermissionsBoundary':'arn:aws:iam::1:policy/B',"
		"'Tags':[],'ManagedPolicyArns':[],"
		"'Policies':[{'PolicyName':'P','PolicyDocument':{'Statement':[]}}]}");
	assert_json(json_copy(live.attrs), "{'Arn':'arn:aws:iam::1:role/R1','RoleId':'AROA'}");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

static void test_iam_role__update(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &role_type, "R1",
		"{" TRUST ",'Description':'d','Policies':[{'PolicyName':'new','PolicyDocument':"
		"{'Statement':[]}}]}");
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS ",'glueproj:parts':'00000000'}"),
		.props = js("{" TRUST ",'PermissionsBoundary':'arn:aws:iam::1:policy/B',"
			    "'Policies':[{'PolicyName':'old','PolicyDocument':{}}],"
			    "'ManagedPolicyArns':[]}")};
	cloud_expect(&c, "UpdateRole", 200, XML("UpdateRole", ""));
	cloud_expect(
		&c, "DeleteRolePermissionsBoundary", 200, XML("DeleteRolePermissionsBoundary", ""));
	cloud_expect(&c, "TagRole", 200, XML("TagRole", ""));
	cloud_expect(&c, "PutRolePolicy", 200, XML("PutRolePolicy", ""));
	cloud_expect(&c, "DeleteRolePolicy", 200, XML("DeleteRolePolicy", ""));
	cloud_expect(&c, "TagRole", 200, XML("TagRole", ""));
	assert_ok(role_type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_string_equal(sent(&c, 0, "Description"), "d");
	assert_int_equal(strlen(sent_tag(&c, 2, "glueproj:parts")), 17);
	assert_string_equal(sent(&c, 3, "PolicyName"), "new");
	assert_string_equal(sent(&c, 4, "PolicyName"), "old");
	assert_int_equal(strlen(sent_tag(&c, 5, "glueproj:parts")), 8);
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

/* Detach, delete inline, delete; a conflict that lasts is waited for, with another look at what hangs on it. */
static void test_iam_role__destroy(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	static const char none[] = XML("List", "");
	cloud_begin(&c);
	subject_begin(&s, &role_type, "R1", NULL);
	cloud_expect(&c, "ListInstanceProfilesForRole", 200, none);
	cloud_expect(&c, "ListAttachedRolePolicies", 200,
		XML("ListAttachedRolePolicies",
			"<AttachedPolicies><member><PolicyArn>arn:x</PolicyArn></member>"
			"</AttachedPolicies>"));
	cloud_expect(&c, "DetachRolePolicy", 200, XML("DetachRolePolicy", ""));
	cloud_expect(&c, "ListRolePolicies", 200,
		XML("ListRolePolicies", "<PolicyNames><member>P</member></PolicyNames>"));
	cloud_expect(&c, "DeleteRolePolicy", 404, IAM_ERROR("NoSuchEntity"));
	cloud_expect(&c, "DeleteRole", 409, IAM_ERROR("DeleteConflict"));
	cloud_expect(&c, "ListInstanceProfilesForRole", 200, none);
	cloud_expect(&c, "ListAttachedRolePolicies", 200, none);
	cloud_expect(&c, "ListRolePolicies", 200, none);
	cloud_expect(&c, "DeleteRole", 200, XML("DeleteRole", ""));
	assert_ok(role_type.destroy(&c.ctx, &s.r, &err), &err);
	subject_end(&s);
	cloud_end(&c);
}

static void test_iam_role__destroy_missing(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &role_type, "R1", NULL);
	cloud_expect(&c, "ListInstanceProfilesForRole", 404, IAM_ERROR("NoSuchEntity"));
	cloud_expect(&c, "ListAttachedRolePolicies", 404, IAM_ERROR("NoSuchEntity"));
	cloud_expect(&c, "ListRolePolicies", 404, IAM_ERROR("NoSuchEntity"));
	cloud_expect(&c, "DeleteRole", 404, IAM_ERROR("NoSuchEntity"));
	assert_ok(role_type.destroy(&c.ctx, &s.r, &err), &err);
	subject_end(&s);
	cloud_end(&c);
}

static void test_iam_role__foreign(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &role_type, "R1", "{" TRUST "}");
	cloud_expect(&c, "CreateRole", 409, IAM_ERROR("EntityAlreadyExists"));
	cloud_expect(&c, "GetRole", 200, ROLE("<Tags>"));
	cloud_expect(&c, "ListRolePolicies", 200, XML("ListRolePolicies", ""));
	cloud_expect(&c, "ListAttachedRolePolicies", 200, XML("ListAttachedRolePolicies", ""));
	assert_int_equal(role_type.create(&c.ctx, &s.r, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	err_release(&err);
	subject_end(&s);
	cloud_end(&c);
}

/* --- AWS::IAM::Policy --- */

static void test_iam_role__policy(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	struct resource_state live = RESOURCE_STATE_INIT;
	cloud_begin(&c);
	subject_begin(&s, &policy_type, "P",
		"{'PolicyName':'P','PolicyDocument':'{\\\"Statement\\\": []}','Roles':['A','B']}");
	s.record = js("{'Roles':['B','Old']}");
	s.r.record_props = s.record;
	cloud_expect(&c, "GetRolePolicy", 404, IAM_ERROR("NoSuchEntity"));
	cloud_expect(&c, "GetRolePolicy", 200,
		XML("GetRolePolicy", "<PolicyDocument>%7B%22Statement%22%3A%5B%5D%7D"
				     "</PolicyDocument>"));
	cloud_expect(&c, "GetRolePolicy", 404, IAM_ERROR("NoSuchEntity"));
	assert_ok(policy_type.read(&c.ctx, &s.r, READ_FULL, &live, &err), &err);
	assert_true(live.exists);
	assert_json(json_copy(live.props),
		"{'PolicyName':'P','PolicyDocument':{'Statement':[]},'Roles':['B']}");
	cloud_expect(&c, "PutRolePolicy", 200, XML("PutRolePolicy", ""));
	cloud_expect(&c, "PutRolePolicy", 200, XML("PutRolePolicy", ""));
	cloud_expect(&c, "DeleteRolePolicy", 404, IAM_ERROR("NoSuchEntity"));
	assert_ok(policy_type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_string_equal(sent(&c, 3, "PolicyDocument"), "{\"Statement\": []}");
	assert_string_equal(sent(&c, 5, "RoleName"), "Old");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}

/* Five versions: the oldest that is not the default goes first. */
static void test_iam_role__managed_policy_versions(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &managed_policy_type, "M", "{'PolicyDocument':{'Statement':[1]}}");
	struct resource_state live = {.exists = true,
		.tags = js("{" OWNER_TAGS "}"),
		.props = js("{'PolicyDocument':{'Statement':[]}}")};
#define VERSION(id, is_default)                                              \
	"<member><VersionId>" id "</VersionId><IsDefaultVersion>" is_default \
	"</IsDefaultVersion></member>"
	cloud_expect(&c, "ListPolicyVersions", 200,
		XML("ListPolicyVersions", "<Versions>" VERSION("v6", "false") VERSION("v5", "false")
						  VERSION("v4", "false") VERSION("v3", "false")
							  VERSION("v1", "true") "</Versions>"));
	cloud_expect(&c, "DeletePolicyVersion", 200, XML("DeletePolicyVersion", ""));
	cloud_expect(&c, "CreatePolicyVersion", 200, XML("CreatePolicyVersion", ""));
	assert_ok(managed_policy_type.update(&c.ctx, &s.r, &live, &err), &err);
	assert_string_equal(sent(&c, 1, "VersionId"), "v3");
	assert_string_equal(sent(&c, 2, "PolicyArn"), "arn:aws:iam::123456789012:policy/M");
	assert_string_equal(sent(&c, 2, "SetAsDefault"), "true");
	resource_state_release(&live);
	subject_end(&s);
	cloud_end(&c);
}
