/* The table of error codes, from the services' API references and what is seen in the wild. */
#include "awserror.h"
#include "strbuf.h"

/* Sorted by code. */
static const struct aws_error_rule rules[] = {
	{"AccessDenied", {ERR_DENIED, AWS_RETRY_NO}},
	{"AccessDeniedException", {ERR_DENIED, AWS_RETRY_NO}},
	{"AccountProblem", {ERR_DENIED, AWS_RETRY_NO}},
	{"AllAccessDisabled", {ERR_DENIED, AWS_RETRY_NO}},
	{"AlreadyExistsException", {ERR_EXISTS, AWS_RETRY_NO}},
	{"AuthFailure", {ERR_DENIED, AWS_RETRY_SKEW}},
	{"AuthorizationError", {ERR_DENIED, AWS_RETRY_NO}},
	{"AuthorizationHeaderMalformed", {ERR_FAILED, AWS_RETRY_NO}},
	{"BadDigest", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"BandwidthLimitExceeded", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"BucketAlreadyExists", {ERR_EXISTS, AWS_RETRY_NO}},
	{"BucketAlreadyOwnedByYou", {ERR_EXISTS, AWS_RETRY_NO}},
	{"BucketNotEmpty", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"ConcurrentModification", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"ConcurrentModificationException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"ConcurrentRunsExceededException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"ConditionCheckFailureException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"ConditionalRequestConflict", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"ConflictException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"CrawlerNotFoundException", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"CrawlerNotRunningException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"CrawlerRunningException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"CrawlerStoppingException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"DeleteConflict", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"DependencyTimeoutException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"EC2ThrottledException", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"EntityAlreadyExists", {ERR_EXISTS, AWS_RETRY_NO}},
	{"EntityAlreadyExistsException", {ERR_EXISTS, AWS_RETRY_NO}},
	{"EntityNotFoundException", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"EntityTemporarilyUnmodifiable", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"EntityTooLarge", {ERR_INVALID, AWS_RETRY_NO}},
	{"EntityTooSmall", {ERR_INVALID, AWS_RETRY_NO}},
	{"ExecutionDoesNotExist", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"ExpiredIdentityTokenException", {ERR_DENIED, AWS_RETRY_NO}},
	{"ExpiredToken", {ERR_DENIED, AWS_RETRY_NO}},
	{"ExpiredTokenException", {ERR_DENIED, AWS_RETRY_NO}},
	{"FederationSourceException", {ERR_FAILED, AWS_RETRY_NO}},
	{"GlueEncryptionException", {ERR_FAILED, AWS_RETRY_NO}},
	{"HTTP401", {ERR_DENIED, AWS_RETRY_NO}},
	{"HTTP403", {ERR_DENIED, AWS_RETRY_NO}},
	{"HTTP409", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"HTTP412", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"HTTP429", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"HTTP500", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"HTTP502", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"HTTP503", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"HTTP504", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"IDPCommunicationError", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"IDPRejectedClaim", {ERR_DENIED, AWS_RETRY_NO}},
	{"IdempotentParameterMismatchException", {ERR_EXISTS, AWS_RETRY_NO}},
	{"IllegalLocationConstraintException", {ERR_INVALID, AWS_RETRY_NO}},
	{"IllegalSessionStateException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"IllegalWorkflowStateException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"IncompleteSignature", {ERR_DENIED, AWS_RETRY_NO}},
	{"IncompleteSignatureException", {ERR_DENIED, AWS_RETRY_NO}},
	{"InsufficientCapacityException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"InsufficientStorage", {ERR_FAILED, AWS_RETRY_NO}}, /* the local cloud's disk */
	{"InternalError", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"InternalErrorException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"InternalException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"InternalFailure", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"InternalServerError", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"InternalServerException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"InternalServiceError", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"InternalServiceException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"InvalidAccessKeyId", {ERR_DENIED, AWS_RETRY_NO}},
	{"InvalidAction", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidArgument", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidArn", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidBucketName", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidBucketState", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"InvalidClientTokenId", {ERR_DENIED, AWS_RETRY_NO}},
	{"InvalidDefinition", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidDigest", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidIdentityToken", {ERR_DENIED, AWS_RETRY_NO}},
	{"InvalidInput", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidInputException", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidLocationConstraint", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidParameterCombination", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidParameterException", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidParameterValue", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidParameterValueException", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidPart", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidPartOrder", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidRange", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidRequest", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidRequestException", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidSequenceTokenException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"InvalidSignatureException", {ERR_DENIED, AWS_RETRY_SKEW}},
	{"InvalidTag", {ERR_INVALID, AWS_RETRY_NO}},
	{"InvalidToken", {ERR_DENIED, AWS_RETRY_NO}},
	{"KMSInternalException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"KeyTooLongError", {ERR_INVALID, AWS_RETRY_NO}},
	{"KeyUnavailableException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"LimitExceeded", {ERR_FAILED, AWS_RETRY_NO}},
	{"LimitExceededException", {ERR_FAILED, AWS_RETRY_NO}},
	{"MalformedPolicy", {ERR_INVALID, AWS_RETRY_NO}},
	{"MalformedPolicyDocument", {ERR_INVALID, AWS_RETRY_NO}},
	{"MalformedQueryString", {ERR_INVALID, AWS_RETRY_NO}},
	{"MalformedXML", {ERR_INVALID, AWS_RETRY_NO}},
	{"MetadataException", {ERR_INVALID, AWS_RETRY_NO}},
	{"MethodNotAllowed", {ERR_INVALID, AWS_RETRY_NO}},
	{"MissingAction", {ERR_INVALID, AWS_RETRY_NO}},
	{"MissingAuthenticationToken", {ERR_DENIED, AWS_RETRY_NO}},
	{"MissingAuthenticationTokenException", {ERR_DENIED, AWS_RETRY_NO}},
	{"MissingParameter", {ERR_INVALID, AWS_RETRY_NO}},
	{"NoSuchBucket", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchBucketPolicy", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchCORSConfiguration", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchConfiguration", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchEntity", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchEntityException", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchKey", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchLifecycleConfiguration", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchPublicAccessBlockConfiguration", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchTagSet", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchTagSetError", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchUpload", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchVersion", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NoSuchWebsiteConfiguration", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NotAuthorized", {ERR_DENIED, AWS_RETRY_NO}},
	{"NotFound", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NotFoundException", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"NotImplemented", {ERR_INVALID, AWS_RETRY_NO}},
	{"ObjectLockConfigurationNotFoundError", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"OperationAborted", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"OperationAbortedException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"OperationNotSupportedException", {ERR_INVALID, AWS_RETRY_NO}},
	{"OperationTimeoutException", {ERR_TRANSIENT, AWS_RETRY_TIMEOUT}},
	{"OptInRequired", {ERR_DENIED, AWS_RETRY_NO}},
	{"OwnershipControlsNotFoundError", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"PermanentRedirect", {ERR_FAILED, AWS_RETRY_NO}},
	{"PermissionTypeMismatchException", {ERR_INVALID, AWS_RETRY_NO}},
	{"PolicyNotAttachable", {ERR_INVALID, AWS_RETRY_NO}},
	{"PreconditionFailed", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"PriorRequestNotComplete", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"ProvisionedThroughputExceededException", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"QuotaExceededException", {ERR_FAILED, AWS_RETRY_NO}},
	{"RateExceeded", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"ReplicationConfigurationNotFoundError", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"RequestExpired", {ERR_DENIED, AWS_RETRY_SKEW}},
	{"RequestInTheFuture", {ERR_DENIED, AWS_RETRY_SKEW}},
	{"RequestLimitExceeded", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"RequestThrottled", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"RequestThrottledException", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"RequestTimeTooSkewed", {ERR_DENIED, AWS_RETRY_SKEW}},
	{"RequestTimeout", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"RequestTimeoutException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"ResourceAlreadyExistsException", {ERR_EXISTS, AWS_RETRY_NO}},
	{"ResourceExistsException", {ERR_EXISTS, AWS_RETRY_NO}},
	{"ResourceInUseException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"ResourceNotFound", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"ResourceNotFoundException", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"ResourceNotReadyException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"ResourceNumberLimitExceededException", {ERR_FAILED, AWS_RETRY_NO}},
	{"SchedulerNotRunningException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"SchedulerRunningException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"SchedulerTransitioningException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"SerializationException", {ERR_INVALID, AWS_RETRY_NO}},
	{"ServerException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"ServerSideEncryptionConfigurationNotFoundError", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"ServiceFailure", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"ServiceQuotaExceededException", {ERR_FAILED, AWS_RETRY_NO}},
	{"ServiceUnavailable", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"ServiceUnavailableException", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
	{"SignatureDoesNotMatch", {ERR_DENIED, AWS_RETRY_SKEW}},
	{"SlowDown", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"StateMachineAlreadyExists", {ERR_EXISTS, AWS_RETRY_NO}},
	{"StateMachineDeleting", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"StateMachineDoesNotExist", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"TemporaryRedirect", {ERR_FAILED, AWS_RETRY_NO}},
	{"ThrottledException", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"Throttling", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"ThrottlingException", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"TokenRefreshRequired", {ERR_DENIED, AWS_RETRY_NO}},
	{"TooManyBuckets", {ERR_FAILED, AWS_RETRY_NO}},
	{"TooManyRequests", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"TooManyRequestsException", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"TransactionInProgressException", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"UnauthorizedOperation", {ERR_DENIED, AWS_RETRY_NO}},
	{"UnknownOperationException", {ERR_INVALID, AWS_RETRY_NO}},
	{"UnmodifiableEntity", {ERR_INVALID, AWS_RETRY_NO}},
	{"UnrecognizedClientException", {ERR_DENIED, AWS_RETRY_NO}},
	{"ValidationError", {ERR_INVALID, AWS_RETRY_NO}},
	{"ValidationException", {ERR_INVALID, AWS_RETRY_NO}},
	{"VersionMismatchException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"XAmzContentSHA256Mismatch", {ERR_TRANSIENT, AWS_RETRY_TRANSIENT}},
};

const struct aws_error_rule *aws_error_rules(size_t *nr)
{
	*nr = ARRAY_SIZE(rules);
	return rules;
}

static int compare_rule(const void *key, const void *rule)
{
	return strcmp(key, ((const struct aws_error_rule *)rule)->code);
}

/* Families of codes that the table need not name one by one. */
static const struct {
	const char *prefix, *suffix;
	struct aws_verdict verdict;
} families[] = {
	{"Throttl", "", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"TooManyRequests", "", {ERR_THROTTLED, AWS_RETRY_THROTTLE}},
	{"AccessDenied", "", {ERR_DENIED, AWS_RETRY_NO}},
	{"NoSuch", "", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"", "NotFoundException", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"", "DoesNotExist", {ERR_NOT_FOUND, AWS_RETRY_NO}},
	{"", "AlreadyExistsException", {ERR_EXISTS, AWS_RETRY_NO}},
	{"", "AlreadyExists", {ERR_EXISTS, AWS_RETRY_NO}},
	{"", "LimitExceededException", {ERR_FAILED, AWS_RETRY_NO}},
	{"", "LimitExceeded", {ERR_FAILED, AWS_RETRY_NO}},
	{"", "ConflictException", {ERR_CONFLICT, AWS_RETRY_NO}},
	{"Invalid", "", {ERR_INVALID, AWS_RETRY_NO}},
	{"Validation", "", {ERR_INVALID, AWS_RETRY_NO}},
	{"Malformed", "", {ERR_INVALID, AWS_RETRY_NO}},
};

static struct aws_verdict by_status(int status)
{
	switch (status) {
	case 404:
		return (struct aws_verdict){ERR_NOT_FOUND, AWS_RETRY_NO};
	case 401:
	case 403:
		return (struct aws_verdict){ERR_DENIED, AWS_RETRY_NO};
	case 408:
		return (struct aws_verdict){ERR_TRANSIENT, AWS_RETRY_TRANSIENT};
	case 409:
	case 412:
		return (struct aws_verdict){ERR_CONFLICT, AWS_RETRY_NO};
	case 429:
		return (struct aws_verdict){ERR_THROTTLED, AWS_RETRY_THROTTLE};
	default:
		if (status == 509)
			return (struct aws_verdict){ERR_THROTTLED, AWS_RETRY_THROTTLE};
		if (status >= 500)
			return (struct aws_verdict){ERR_TRANSIENT, AWS_RETRY_TRANSIENT};
		if (status >= 400)
			return (struct aws_verdict){ERR_INVALID, AWS_RETRY_NO};
		return (struct aws_verdict){ERR_FAILED, AWS_RETRY_NO};
	}
}

struct aws_verdict aws_error_classify(int status, const char *aws_code, const char *message)
{
	const char *code = aws_code ? aws_code : "";
	/* Athena has one code for all that is wrong with a request. */
	if (!strcmp(code, "InvalidRequestException") && message) {
		if (strstr(message, "is not found") || strstr(message, "was not found"))
			return (struct aws_verdict){ERR_NOT_FOUND, AWS_RETRY_NO};
		if (strstr(message, "is already created") || strstr(message, "already exists"))
			return (struct aws_verdict){ERR_EXISTS, AWS_RETRY_NO};
	}
	/* A quota, or a rate: the SDKs take all of them for the latter; only the message tells. */
	if (starts_with(code, "LimitExceeded") && message &&
		(strcasestr(message, "rate exceeded") || strcasestr(message, "throttl") ||
			strcasestr(message, "too many requests")))
		return (struct aws_verdict){ERR_THROTTLED, AWS_RETRY_THROTTLE};
	const struct aws_error_rule *rule =
		bsearch(code, rules, ARRAY_SIZE(rules), sizeof(*rules), compare_rule);
	if (rule)
		return rule->verdict;
	if (status >= 500)
		return by_status(status);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (starts_with(code, families[i].prefix) && ends_with(code, families[i].suffix))
			return families[i].verdict;
	return by_status(status);
}

bool aws_error_is_identity(const char *aws_code)
{
	static const char *const codes[] = {"InvalidAccessKeyId", "InvalidClientTokenId",
		"UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException",
		"IncompleteSignature", "AuthFailure", "ExpiredToken", "ExpiredTokenException",
		"InvalidToken"};
	for (size_t i = 0; aws_code && i < ARRAY_SIZE(codes); i++)
		if (!strcmp(codes[i], aws_code))
			return true;
	return false;
}
