#include "testing.h"
#include <string.h>
#include "awserror.h"
#include "strbuf.h"

static void test_awserror__table_is_sorted_and_unique(void **state)
{
	(void)state;
	size_t nr;
	const struct aws_error_rule *rules = aws_error_rules(&nr);
	assert_true(nr > 100);
	for (size_t i = 1; i < nr; i++)
		if (strcmp(rules[i - 1].code, rules[i].code) >= 0)
			fail_msg("'%s' stands before '%s'", rules[i - 1].code, rules[i].code);
}

static void check(int status, const char *code, const char *message, enum err_code wanted,
	enum aws_retry retry)
{
	struct aws_verdict v = aws_error_classify(status, code, message);
	if (v.code != wanted || v.retry != retry)
		fail_msg("%d %s: %d %d", status, code ? code : "-", (int)v.code, (int)v.retry);
}

static void test_awserror__classes(void **state)
{
	(void)state;
	check(400, "EntityNotFoundException", "", ERR_NOT_FOUND, AWS_RETRY_NO);
	check(404, "HTTP404", "", ERR_NOT_FOUND, AWS_RETRY_NO);
	check(404, "NoSuchTagSet", "", ERR_NOT_FOUND, AWS_RETRY_NO);
	check(404, "NoSuchSomethingNew", "", ERR_NOT_FOUND, AWS_RETRY_NO);
	check(409, "BucketAlreadyOwnedByYou", "", ERR_EXISTS, AWS_RETRY_NO);
	check(400, "AlreadyExistsException", "", ERR_EXISTS, AWS_RETRY_NO);
	check(400, "ThrottlingException", "", ERR_THROTTLED, AWS_RETRY_THROTTLE);
	check(503, "SlowDown", "", ERR_THROTTLED, AWS_RETRY_THROTTLE);
	check(429, "SomethingNew", "", ERR_THROTTLED, AWS_RETRY_THROTTLE);
	check(500, "SomethingNew", "", ERR_TRANSIENT, AWS_RETRY_TRANSIENT);
	check(502, "HTTP502", "", ERR_TRANSIENT, AWS_RETRY_TRANSIENT);
	check(400, "RequestTimeout", "", ERR_TRANSIENT, AWS_RETRY_TRANSIENT);
	check(400, "OperationTimeoutException", "", ERR_TRANSIENT, AWS_RETRY_TIMEOUT);
	check(400, "AccessDeniedException", "", ERR_DENIED, AWS_RETRY_NO);
	check(403, "HTTP403", "", ERR_DENIED, AWS_RETRY_NO);
	check(403, "SignatureDoesNotMatch", "", ERR_DENIED, AWS_RETRY_SKEW);
	check(400, "ConcurrentModificationException", "", ERR_CONFLICT, AWS_RETRY_NO);
	check(412, "PreconditionFailed", "", ERR_CONFLICT, AWS_RETRY_NO);
	check(409, "ConditionalRequestConflict", "", ERR_CONFLICT, AWS_RETRY_NO);
	check(400, "CrawlerRunningException", "", ERR_CONFLICT, AWS_RETRY_NO);
	check(400, "ValidationException", "", ERR_INVALID, AWS_RETRY_NO);
	check(400, "InvalidSomethingNew", "", ERR_INVALID, AWS_RETRY_NO);
	check(400, "ResourceNumberLimitExceededException", "", ERR_FAILED, AWS_RETRY_NO);
	check(400, NULL, NULL, ERR_INVALID, AWS_RETRY_NO);
	/* Athena says all of it with one code. */
	check(400, "InvalidRequestException", "WorkGroup w is not found.", ERR_NOT_FOUND,
		AWS_RETRY_NO);
	check(400, "InvalidRequestException", "WorkGroup is already created", ERR_EXISTS,
		AWS_RETRY_NO);
	check(400, "InvalidRequestException", "line 1:1", ERR_INVALID, AWS_RETRY_NO);
}

/* Every code that the SDKs' retry tables and the models of our services name ("standard" and "legacy" mode). */
static void test_awserror__what_the_sdks_try_again(void **state)
{
	(void)state;
	static const char *const throttles[] = {"Throttling", "ThrottlingException",
		"ThrottledException", "RequestThrottledException", "TooManyRequestsException",
		"ProvisionedThroughputExceededException", "TransactionInProgressException",
		"RequestLimitExceeded", "BandwidthLimitExceeded", "RequestThrottled", "SlowDown",
		"PriorRequestNotComplete", "EC2ThrottledException"};
	static const char *const transient[] = {"RequestTimeout", "RequestTimeoutException",
		"IDPCommunicationError", "InternalError", "InternalFailure",
		"InternalServerException", "InternalServiceException", "InternalException",
		"InternalServiceError", "InternalServerError", "ServiceUnavailableException",
		"DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException",
		"InsufficientCapacityException"};
	for (size_t i = 0; i < ARRAY_SIZE(throttles); i++)
		check(400, throttles[i], "", ERR_THROTTLED, AWS_RETRY_THROTTLE);
	for (size_t i = 0; i < ARRAY_SIZE(transient); i++)
		check(400, transient[i], "", ERR_TRANSIENT, AWS_RETRY_TRANSIENT);
	for (int status = 500; status <= 504; status += status == 500 ? 2 : 1)
		check(status, "Unheard", "", ERR_TRANSIENT, AWS_RETRY_TRANSIENT);
	check(509, "HTTP509", "", ERR_THROTTLED, AWS_RETRY_THROTTLE);
	check(400, "LimitExceededException", "Rate exceeded", ERR_THROTTLED, AWS_RETRY_THROTTLE);
	check(400, "LimitExceededException", "Resource limit exceeded.", ERR_FAILED, AWS_RETRY_NO);
	check(409, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000", ERR_FAILED,
		AWS_RETRY_NO);
}
