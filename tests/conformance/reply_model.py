"""Checks one reply to a request that request_model.py knows, as bytes on the wire, against botocore's model of the operation.

check(request, verdict, status, headers, body) gives a list of violations: of the status, headers, content type, XML root and
namespace, unknown or missing members, types, forms of times, enums, lengths, patterns; for errors, whether the operation has that
error with that status, or the service's documentation of common errors has.
"""
import json
import re
import xml.etree.ElementTree as ElementTree

import request_model
from request_model import S3_NAMESPACE, Verdict, check_element, check_scalar_text, check_value, local_name, members_in

# The root elements of S3's answers ("Response Syntax" in its API reference); the models have no names for them.
S3_ROOTS = {
    "AbortMultipartUpload": None, "CompleteMultipartUpload": "CompleteMultipartUploadResult", "CopyObject": "CopyObjectResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult", "DeleteObjects": "DeleteResult", "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy", "GetBucketCors": "CORSConfiguration", "GetBucketEncryption": "ServerSideEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration", "GetBucketLocation": "LocationConstraint", "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration", "GetBucketOwnershipControls": "OwnershipControls",
    "GetBucketPolicyStatus": "PolicyStatus", "GetBucketReplication": "ReplicationConfiguration", "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging", "GetBucketVersioning": "VersioningConfiguration", "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy", "GetObjectAttributes": "GetObjectAttributesResponse", "GetObjectLegalHold": "LegalHold",
    "GetObjectLockConfiguration": "ObjectLockConfiguration", "GetObjectRetention": "Retention", "GetObjectTagging": "Tagging",
    "GetPublicAccessBlock": "PublicAccessBlockConfiguration", "ListBuckets": "ListAllMyBucketsResult", "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult", "ListObjects": "ListBucketResult", "ListObjectsV2": "ListBucketResult", "ListParts": "ListPartsResult",
    "UploadPartCopy": "CopyPartResult", "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBucketIntelligentTieringConfigurations": "ListBucketIntelligentTieringConfigurationsOutput",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult", "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "GetBucketInventoryConfiguration": "InventoryConfiguration", "GetBucketMetricsConfiguration": "MetricsConfiguration",
    "GetBucketAnalyticsConfiguration": "AnalyticsConfiguration", "GetBucketIntelligentTieringConfiguration": "IntelligentTieringConfiguration",
}
# Headers of every answer of S3, and of browsers' questions.
S3_HEADERS = {"x-amz-request-id", "x-amz-id-2", "x-amz-bucket-region"}
# "Error responses" in the S3 API Reference, as far as the models do not have them.
S3_ERRORS = {
    "AccessDenied": 403, "AccessControlListNotSupported": 400, "BadRequest": 400, "IllegalVersioningConfigurationException": 400,
    "InvalidBucketAclWithObjectOwnership": 400, "InvalidEncryptionAlgorithmError": 400, "AuthorizationHeaderMalformed": 400, "AuthorizationQueryParametersError": 400,
    "BadDigest": 400, "BucketAlreadyExists": 409, "BucketAlreadyOwnedByYou": 409, "BucketNotEmpty": 409, "ConditionalRequestConflict": 409,
    "EntityTooLarge": 400, "EntityTooSmall": 400, "ExpiredToken": 400, "IllegalLocationConstraintException": 400, "IncompleteBody": 400,
    "InvalidAccessKeyId": 403, "InvalidArgument": 400, "InvalidBucketName": 400, "InvalidBucketState": 409, "InvalidDigest": 400,
    "InvalidLocationConstraint": 400, "InvalidObjectState": 403, "InvalidPart": 400, "InvalidPartNumber": 416, "InvalidPartOrder": 400, "InvalidRange": 416,
    "InvalidRequest": 400, "InvalidStorageClass": 400, "InvalidTag": 400, "InvalidToken": 400, "KeyTooLongError": 400, "MalformedACLError": 400,
    "MalformedPOSTRequest": 400, "MalformedPolicy": 400, "MalformedXML": 400, "MaxMessageLengthExceeded": 400, "MetadataTooLarge": 400,
    "MethodNotAllowed": 405, "MissingContentLength": 411, "MissingSecurityHeader": 400, "NoSuchBucket": 404, "NoSuchBucketPolicy": 404,
    "NoSuchCORSConfiguration": 404, "NoSuchConfiguration": 404, "NoSuchKey": 404, "NoSuchLifecycleConfiguration": 404, "NoSuchPublicAccessBlockConfiguration": 404,
    "NoSuchTagSet": 404, "NoSuchTagSetError": 404, "NoSuchUpload": 404, "NoSuchVersion": 404, "NoSuchWebsiteConfiguration": 404, "NotImplemented": 501,
    "ObjectLockConfigurationNotFoundError": 404, "NoSuchObjectLockConfiguration": 404, "OwnershipControlsNotFoundError": 404, "OperationAborted": 409,
    "PermanentRedirect": 301, "PreconditionFailed": 412, "ReplicationConfigurationNotFoundError": 404, "RequestTimeTooSkewed": 403,
    "RequestTimeout": 400, "ServerSideEncryptionConfigurationNotFoundError": 404, "SignatureDoesNotMatch": 403, "SlowDown": 503, "InternalError": 500,
    "ServiceUnavailable": 503, "TooManyBuckets": 400, "UnexpectedContent": 400, "XAmzContentSHA256Mismatch": 400, "InvalidVersionId": 400,
    "MissingRequestBodyError": 400, "CrossLocationLoggingProhibited": 403, "InvalidTargetBucketForLogging": 400,
    "UserKeyMustBeSpecified": 400, "InvalidPolicyDocument": 400, "InvalidURI": 400, "InvalidChunkSizeError": 403, "EncodingTypeNotSupported": 400,
}
# "Common errors" of the services, and what their front ends say before an operation is reached.
JSON_ERRORS = {
    "AccessDeniedException": 400, "ExpiredTokenException": 400, "IncompleteSignatureException": 400, "InternalFailure": 500, "InternalServiceException": 500,
    "InvalidSignatureException": 400, "MissingAuthenticationTokenException": 400, "SerializationException": 400, "ServiceUnavailableException": 503,
    "ThrottlingException": 400, "UnknownOperationException": 400, "UnrecognizedClientException": 400, "ValidationException": 400,
}
# What services say in JSON that once spoke the query protocol: its common errors ("Common errors", SQS API Reference).
COMPATIBLE_ERRORS = {"AccessDenied": 403, "InvalidParameterValue": 400, "MissingParameter": 400, "InvalidAttributeValue": 400}
QUERY_ERRORS = {
    "AccessDenied": 403, "ExpiredToken": 403, "IncompleteSignature": 403, "InternalFailure": 500, "InvalidAction": 400, "InvalidClientTokenId": 403,
    "MalformedQueryString": 400, "MissingAction": 400, "MissingAuthenticationToken": 403, "ServiceUnavailable": 503, "SignatureDoesNotMatch": 403,
    "Throttling": 400, "ValidationError": 400, "MissingParameter": 400, "InvalidParameterValue": 400,
}


# Where AWS is known to answer otherwise than its models say: (operation, violation).
KNOWN = [
    # IAM's own examples have "Policy", and so does what it sends.
    (r"(Get|Create|List)(Role|User)s?", r".*PermissionsBoundaryType: 'Policy' is not one of \['PermissionsBoundaryPolicy'\]"),
    # "Scope ARN: … does not exist or is not attachable"
    ("CreateRole", "error 'NoSuchEntity' is none of CreateRole"),
    # "If the object is not previously restored, then Amazon S3 returns 202 Accepted in the response."
    ("RestoreObject", "status 202 is not 200"),
]


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = [(n.lower(), v) for n, v in headers]
        self.header = dict(self.headers)


def check(request, asked, status, headers, body):
    """The violations of a reply; `asked` is the request's verdict, of which service and operation are used."""
    verdict, reply = Verdict(reply=True), Reply(status, headers, body)
    model = request_model.service_model(asked.service)
    if asked.operation not in model.operation_names:
        return []
    operation = model.operation_model(asked.operation)
    query = "query" in model.metadata.get("protocols", [model.protocol]) and "x-amz-target" not in request.header
    protocol = model.metadata["protocol"] if asked.service == "s3" else "query" if query else "json"
    if status >= 300 or status < 200:
        ERRORS[protocol](request, reply, model, operation, verdict)
    else:
        ANSWERS[protocol](request, reply, model, operation, verdict)
    known = [v for o, v in KNOWN if re.fullmatch(o, asked.operation)]
    return [f"reply: {v}" for v in verdict.violations if not any(re.fullmatch(k, v) for k in known)]


def expect_type(reply, wanted, verdict):
    found = reply.header.get("content-type", "").split(";")[0]
    if found != wanted:
        verdict.add("Content-Type", f"{found!r} is not {wanted!r}")


def parsed_json(reply, verdict):
    try:
        value = json.loads(reply.body.decode("utf-8"), object_pairs_hook=request_model.no_twins)
    except ValueError as e:
        verdict.add("body", f"no JSON: {e}")
        return None
    if not isinstance(value, dict):
        verdict.add("body", "the document is no object")
        return None
    return value


def parsed_xml(reply, root, namespace, verdict):
    try:
        element = ElementTree.fromstring(reply.body)
    except ElementTree.ParseError as e:
        verdict.add("body", f"no XML: {e}")
        return None
    wanted = f"{{{namespace}}}{root}" if namespace else root
    if element.tag != wanted:
        verdict.add("body", f"root element {element.tag!r} is not {wanted!r}")
    return element


# --- answers ---
def json_answer(request, reply, model, operation, verdict):
    if reply.status != 200:
        verdict.add("", f"status {reply.status} is not 200")
    expect_type(reply, f"application/x-amz-json-{model.metadata['jsonVersion']}", verdict)
    if "x-amzn-requestid" not in reply.header:
        verdict.add("x-amzn-RequestId", "is missing")
    shape = operation.output_shape
    if not reply.body and (shape is None or not shape.members):
        return
    value = parsed_json(reply, verdict)
    if value is None:
        return
    if shape is None:
        if value:
            verdict.add("body", "the operation has no output")
    else:
        check_value(shape, value, "", verdict)


def query_answer(request, reply, model, operation, verdict):
    if reply.status != 200:
        verdict.add("", f"status {reply.status} is not 200")
    expect_type(reply, "text/xml", verdict)
    root = parsed_xml(reply, operation.name + "Response", model.metadata["xmlNamespace"], verdict)
    if root is None:
        return
    shape = operation.output_shape
    wrapper = shape.serialization.get("resultWrapper") if shape is not None else None
    names = [local_name(e.tag) for e in root]
    if names != ([wrapper] if wrapper else []) + ["ResponseMetadata"]:
        verdict.add("body", f"{names} in {operation.name}Response")
        return
    if [local_name(e.tag) for e in root[-1]] != ["RequestId"] or not root[-1][0].text:
        verdict.add("ResponseMetadata", "has one RequestId")
    if wrapper:
        check_element(shape, root[0], wrapper, verdict)


def s3_answer(request, reply, model, operation, verdict):
    wanted = operation.http.get("responseCode", 200)
    ranged = "content-range" in reply.header
    if reply.status != (206 if ranged else wanted) and not (operation.name in S3_STATUSES and reply.status in S3_STATUSES[operation.name]):
        verdict.add("", f"status {reply.status} is not {206 if ranged else wanted}")
    if "x-amz-request-id" not in reply.header:
        verdict.add("x-amz-request-id", "is missing")
    shape, present = operation.output_shape, set()
    check_headers(reply, shape, present, verdict)
    if request.method == "HEAD" or shape is None:
        if reply.body:
            verdict.add("body", "there is none in this answer")
        return
    check_s3_body(reply, operation, shape, present, verdict)
    for name in shape.required_members:
        if name not in present:
            verdict.add("", f"required member '{name}' is missing")


# What S3 answers where its model says nothing, or something else.
S3_STATUSES = {"PutBucketPolicy": {204}, "PutBucketTagging": {204}}


def check_headers(reply, shape, present, verdict):
    known = {k.lower(): v for k, v in members_in(shape, "header").items()}
    prefixes = {k.lower(): v for k, v in members_in(shape, "headers").items()}
    for key, value in reply.headers:
        prefix = next((p for p in prefixes if key.startswith(p)), None)
        if key in known:
            name, member = known[key]
            present.add(name)
            if member.type_name == "list":
                for item in value.split(","):
                    check_scalar_text(member.member, item.strip(), key, verdict)
            else:
                check_scalar_text(member, value, key, verdict, "rfc822")
            if key == "etag" and not re.fullmatch(r'"[0-9a-f]{32}(-\d+)?"', value):
                verdict.add(key, f"{value!r} is no ETag")
        elif prefix:
            present.add(prefixes[prefix][0])
        elif key.startswith("x-amz-") and key not in S3_HEADERS:
            verdict.add(key, "unknown header")


def check_s3_body(reply, operation, shape, present, verdict):
    payload = shape.serialization.get("payload")
    in_body = [n for n, m in shape.members.items() if "location" not in m.serialization]
    if payload and shape.members[payload].type_name != "structure":
        present.add(payload)
        return
    if not in_body:
        if reply.body:
            verdict.add("body", "the operation answers with headers only")
        return
    if operation.name not in S3_ROOTS:
        verdict.add("body", f"the root of {operation.name}'s answer is not known here")
        return
    expect_type(reply, "application/xml", verdict)
    root = parsed_xml(reply, S3_ROOTS[operation.name], S3_NAMESPACE, verdict)
    if root is None:
        return
    if operation.name == "GetBucketLocation":
        if len(root):
            verdict.add("LocationConstraint", "has elements inside")
        elif root.text:
            check_scalar_text(shape.members["LocationConstraint"], root.text, "LocationConstraint", verdict)
        return
    if payload:
        present.add(payload)
        check_element(shape.members[payload], root, S3_ROOTS[operation.name], verdict)
    else:
        present.update(check_element(shape, root, S3_ROOTS[operation.name], verdict))


# --- errors ---
def modeled(operation, service_errors):
    """{code: status} of the errors that the operation may give."""
    found = dict(service_errors)
    for shape in operation.error_shapes:
        error = shape.metadata.get("error", {})
        found[error.get("code", shape.name)] = error.get("httpStatusCode", 400)
    return found


def check_code(code, status, known, operation, verdict):
    if code not in known:
        verdict.add("", f"error '{code}' is none of {operation.name}")
    elif known[code] != status:
        verdict.add("", f"error '{code}' has status {known[code]}, not {status}")


def json_error(request, reply, model, operation, verdict):
    expect_type(reply, f"application/x-amz-json-{model.metadata['jsonVersion']}", verdict)
    value = parsed_json(reply, verdict)
    if value is None:
        return
    code = value.get("__type", "").rpartition("#")[2]
    known = modeled(operation, JSON_ERRORS)
    if "awsQueryCompatible" in model.metadata:  # by the shape's name in the body, by the old code in a header
        known.update(COMPATIBLE_ERRORS, **{s.name: s.metadata.get("error", {}).get("httpStatusCode", 400) for s in operation.error_shapes})
        said = reply.header.get("x-amzn-query-error", "")
        if not re.fullmatch(r"[A-Za-z.]+;(Sender|Receiver)", said):
            verdict.add("x-amzn-query-error", repr(said))
    check_code(code, reply.status, known, operation, verdict)
    shape = next((s for s in operation.error_shapes if s.name == code), None)
    members = {n.lower() for n in shape.members} if shape else set()
    for name, text in value.items():
        if name != "__type" and name.lower() != "message" and name.lower() not in members:
            verdict.add(code, f"unknown member '{name}'")
    if not any(n.lower() == "message" and t and isinstance(t, str) for n, t in value.items()):
        verdict.add(code, "has no message")
    if "x-amzn-requestid" not in reply.header:
        verdict.add("x-amzn-RequestId", "is missing")


def check_error_element(element, wanted, verdict):
    """{name: text}; `wanted` must be there and not be empty."""
    found = {local_name(e.tag): e.text or "" for e in element}
    for name in wanted:
        if not found.get(name):
            verdict.add("Error", f"has no {name}")
    return found


def query_error(request, reply, model, operation, verdict):
    expect_type(reply, "text/xml", verdict)
    root = parsed_xml(reply, "ErrorResponse", model.metadata["xmlNamespace"], verdict)
    if root is None:
        return
    names = [local_name(e.tag) for e in root]
    if names != ["Error", "RequestId"]:
        verdict.add("body", f"{names} in ErrorResponse")
        return
    found = check_error_element(root[0], ("Type", "Code", "Message"), verdict)
    if found.get("Type") != ("Sender" if reply.status < 500 else "Receiver"):
        verdict.add("Error", f"Type {found.get('Type')!r} with status {reply.status}")
    check_code(found.get("Code"), reply.status, modeled(operation, QUERY_ERRORS), operation, verdict)


def s3_error(request, reply, model, operation, verdict):
    if "x-amz-request-id" not in reply.header:
        verdict.add("x-amz-request-id", "is missing")
    if request.method == "HEAD" or reply.status == 304:
        if reply.body:
            verdict.add("body", "there is none in this answer")
        return
    expect_type(reply, "application/xml", verdict)
    root = parsed_xml(reply, "Error", None, verdict)
    if root is None:
        return
    found = check_error_element(root, ("Code", "Message", "RequestId"), verdict)
    check_code(found.get("Code"), reply.status, {**modeled(operation, {}), **S3_ERRORS}, operation, verdict)


ANSWERS = {"json": json_answer, "query": query_answer, "rest-xml": s3_answer}
ERRORS = {"json": json_error, "query": query_error, "rest-xml": s3_error}
