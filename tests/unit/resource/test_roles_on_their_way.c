/* A role that was made a moment ago, and a name that is still in use: what the services of events and state machines say then. */
#include "testing.h"
#include "cloud_script.h"
#include "types_internal.h"

#define ROLE_ARN "arn:aws:iam::123456789012:role/R"
#define ROLE                                                                                     \
	"<GetRoleResponse><GetRoleResult><Role><RoleName>R</RoleName><AssumeRolePolicyDocument>" \
	"%7B%22Service%22%3A%22events.amazonaws.com%22%7D</AssumeRolePolicyDocument></Role>"     \
	"</GetRoleResult></GetRoleResponse>"

/* EventBridge tries a target's role when the target is put, not when the rule is. */
static void test_roles_on_their_way__of_a_target(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &events_rule_type, "nightly",
		"{'Name':'nightly','ScheduleExpression':'rate(1 day)','Targets':[{'Id':'q','Arn':"
		"'arn:aws:sqs:eu-west-1:123456789012:q'},{'Id':'m','Arn':'arn:aws:states:eu-west-1:"
		"123456789012:stateMachine:m','RoleArn':'" ROLE_ARN "'}]}");
	cloud_expect(&c, "DescribeRule", 400,
		"{\"__type\":\"ResourceNotFoundException\",\"message\":\"no\"}");
	cloud_expect(&c, "PutRule", 200, "{\"RuleArn\":\"arn\"}");
	cloud_expect(&c, "PutTargets", 400,
		"{\"__type\":\"ValidationException\",\"message\":\"Provided role '" ROLE_ARN
		"' cannot be assumed by principal 'events.amazonaws.com'.\"}");
	cloud_expect(&c, "GetRole", 200, ROLE);
	cloud_expect(&c, "PutTargets", 200, "{\"FailedEntryCount\":0,\"FailedEntries\":[]}");
	assert_ok(events_rule_type.create(&c.ctx, &s.r, &err), &err);
	subject_end(&s);
	cloud_end(&c);
}

/* Patience with a role does not take the place of patience with what is busy. */
static void test_roles_on_their_way__and_a_machine_that_is(void **state)
{
	(void)state;
	struct cloud c;
	struct subject s;
	struct err err = ERR_INIT;
	cloud_begin(&c);
	subject_begin(&s, &stepfunctions_state_machine.type, "m",
		"{'StateMachineName':'m','RoleArn':'" ROLE_ARN "','DefinitionString':'{}'}");
	cloud_expect(&c, "CreateStateMachine", 400,
		"{\"__type\":\"StateMachineDeleting\",\"message\":\"State Machine is being "
		"deleted\"}");
	cloud_expect(&c, "CreateStateMachine", 400,
		"{\"__type\":\"AccessDeniedException\",\"message\":\"Neither the global service "
		"principal states.amazonaws.com, nor the regional one is authorized to assume the "
		"provided role.\"}");
	cloud_expect(&c, "GetRole", 200, ROLE);
	cloud_expect(
		&c, "CreateStateMachine", 200, "{\"stateMachineArn\":\"arn\",\"creationDate\":1}");
	assert_ok(stepfunctions_state_machine.type.create(&c.ctx, &s.r, &err), &err);
	subject_end(&s);
	cloud_end(&c);
}
