/*
 * Who asks, and may they: Signature Version 4 in header and query, session tokens, identity policies. Each protocol
 * has words of its own for the same refusal; the table below holds them.
 */
#include "local_internal.h"

#include "digest.h"
#include "xalloc.h"

enum refusal {
	NO_TOKEN,
	UNKNOWN_KEY,
	BAD_SIGNATURE,
	BAD_TOKEN,
	EXPIRED_TOKEN,
	SKEWED,
	MALFORMED,
	DENIED,
};

struct refusal_words {
	const char *code;
	int status;
	const char *text; /* NULL: that of the verifier */
};

#define TOKEN_INVALID "The security token included in the request is invalid"
#define TOKEN_EXPIRED "The security token included in the request is expired"
#define NO_SIGNATURE "Missing Authentication Token"
#define WRONG_SIGNATURE                                                                         \
	"The request signature we calculated does not match the signature you provided. Check " \
	"your AWS Secret Access Key and signing method. Consult the service documentation for " \
	"details."

static const struct refusal_words json_words[] = {
	[NO_TOKEN] = {"MissingAuthenticationTokenException", 400, NO_SIGNATURE},
	[UNKNOWN_KEY] = {"UnrecognizedClientException", 400, TOKEN_INVALID "."},
	[BAD_SIGNATURE] = {"InvalidSignatureException", 400, WRONG_SIGNATURE},
	[BAD_TOKEN] = {"UnrecognizedClientException", 400, TOKEN_INVALID "."},
	[EXPIRED_TOKEN] = {"ExpiredTokenException", 400, TOKEN_EXPIRED},
	[SKEWED] = {"InvalidSignatureException", 400, NULL},
	[MALFORMED] = {"IncompleteSignatureException", 400, NULL},
	[DENIED] = {"InvalidSignatureException", 400, NULL},
};

static const struct refusal_words query_words[] = {
	[NO_TOKEN] = {"MissingAuthenticationToken", 403, "Request is missing Authentication Token"},
	[UNKNOWN_KEY] = {"InvalidClientTokenId", 403, TOKEN_INVALID "."},
	[BAD_SIGNATURE] = {"SignatureDoesNotMatch", 403, WRONG_SIGNATURE},
	[BAD_TOKEN] = {"InvalidClientTokenId", 403, TOKEN_INVALID "."},
	[EXPIRED_TOKEN] = {"ExpiredToken", 403, TOKEN_EXPIRED},
	[SKEWED] = {"SignatureDoesNotMatch", 403, NULL},
	[MALFORMED] = {"IncompleteSignature", 403, NULL},
	[DENIED] = {"SignatureDoesNotMatch", 403, NULL},
};

static const struct refusal_words s3_words[] = {
	[NO_TOKEN] = {"AccessDenied", 403, "Access Denied"},
	[UNKNOWN_KEY] = {"InvalidAccessKeyId", 403,
		"The AWS Access Key Id you provided does not exist in our records."},
	[BAD_SIGNATURE] = {"SignatureDoesNotMatch", 403,
		"The request signature we calculated does not match the signature you provided. "
		"Check your key and signing method."},
	[BAD_TOKEN] = {"InvalidToken", 400,
		"The provided token is malformed or otherwise invalid."},
	[EXPIRED_TOKEN] = {"ExpiredToken", 400, "The provided token has expired."},
	[SKEWED] = {"RequestTimeTooSkewed", 403, NULL},
	[MALFORMED] = {"AuthorizationHeaderMalformed", 400, NULL},
	[DENIED] = {"AccessDenied", 403, NULL},
};

static int refuse(const struct local_http *h, enum refusal why, struct err *detail, struct err *err)
{
	const struct refusal_words *words = json_words;
	const char *code;
	int result;

	if (h->service && h->service->protocol == WIRE_QUERY)
		words = query_words;
	else if (h->service && h->service->protocol == WIRE_REST_XML)
		words = s3_words;
	/* S3 tells what is wrong with a signature's form by codes of its own. */
	code = words == s3_words && why == MALFORMED && detail ? err_name(detail) : words[why].code;
	words += why;
	result = local_fault(err, words->status, code, "%s",
		words->text              ? words->text
		: detail && detail->text ? detail->text
					 : "Access Denied");
	if (detail)
		err_release(detail);
	return result;
}

static void signed_request(
	const struct local_http *h, const char *payload_hash, struct sigv4_request *req)
{
	*req = (struct sigv4_request){
		.method = h->method,
		.path = h->path,
		.query = h->query,
		.headers = h->headers,
		.nr_headers = h->nr_headers,
		.payload_hash = payload_hash,
		.s3 = !strcmp(h->service ? h->service->id : "s3", "s3"),
	};
}

static bool token_equal(const char *a, const char *b)
{
	size_t len = strlen(a);

	return len == strlen(b) && digest_equal(a, b, len);
}

/* The claim's key is a session's: token and time must fit. */
static int claim_session(struct local_http *h, struct err *err)
{
	struct local_session session = {0};
	int found = local_session_find(h->cloud, h->claim.access_key_id, &session, err);
	int result = -1;

	if (found < 0)
		goto out;
	if (!found) {
		refuse(h, UNKNOWN_KEY, NULL, err);
		goto out;
	}
	if (!h->claim.session_token || !token_equal(h->claim.session_token, session.token)) {
		refuse(h, BAD_TOKEN, NULL, err);
		goto out;
	}
	if (session.expires_ms <= local_now_ms(h->cloud)) {
		refuse(h, EXPIRED_TOKEN, NULL, err);
		goto out;
	}
	if (!session.role_name)
		local_principal_root(h->cloud, h->claim.access_key_id, &h->who);
	else if (local_principal_role(h->cloud, session.role_name, session.session_name,
			 h->claim.access_key_id, &h->who, err)) {
		/* the role is gone, and with it what the session could do */
		refuse(h, UNKNOWN_KEY, NULL, err);
		goto out;
	}
	h->secret = session.secret;
	session.secret = NULL;
	result = 0;
out:
	local_session_release(&session);
	return result;
}

int local_auth_claim(struct local_http *h, struct err *err)
{
	struct sigv4_request req;
	struct err detail = ERR_INIT;
	int found;

	if ((!h->service || h->service->protocol == WIRE_REST_XML) && local_auth_v2_claim(h))
		return 0;
	signed_request(h, NULL, &req);
	found = sigv4_claim_parse(&req, &h->claim, &detail);
	if (found < 0)
		return refuse(h,
			!strcmp(err_name(&detail), "SignatureDoesNotMatch") ? SKEWED : MALFORMED,
			&detail, err);
	h->anonymous = !found;
	return 0;
}

static int find_key(struct local_http *h, struct err *err)
{
	struct local_cloud_private *p = h->cloud->private;

	if (h->secret)
		return 0;
	if (h->anonymous)
		return refuse(h, NO_TOKEN, NULL, err);
	if (strcmp(h->claim.access_key_id, p->access_key_id))
		return claim_session(h, err);
	if (h->claim.session_token && *h->claim.session_token)
		return refuse(h, BAD_TOKEN, NULL, err);
	h->secret = xstrdup(p->secret);
	local_principal_root(h->cloud, p->access_key_id, &h->who);
	return 0;
}

static int verify_v2(struct local_http *h, struct err *err)
{
	if (!local_auth_v2_fits(h))
		return refuse(h, BAD_SIGNATURE, NULL, err);
	if (h->claim.expires_s * 1000 > clock_system()->now_ms(clock_system()))
		return 0;
	return local_fault(err, 403, "AccessDenied", "Request has expired");
}

int local_auth_verify(struct local_http *h, const char *payload_hash, struct err *err)
{
	struct sigv4_request req;
	struct err detail = ERR_INIT;
	const char *name;

	if (find_key(h, err))
		return -1;
	if (h->signature_v2)
		return verify_v2(h, err);
	signed_request(h, payload_hash, &req);
	/* clients sign by the world's time, wherever tests have moved ours to */
	if (!sigv4_verify(
		    &req, &h->claim, h->secret, clock_system()->now_ms(clock_system()), &detail))
		return 0;
	name = err_name(&detail);
	if (!strcmp(name, "RequestTimeTooSkewed"))
		return refuse(h, SKEWED, &detail, err);
	if (!strcmp(name, "AccessDenied"))
		return refuse(h, DENIED, &detail, err);
	if (!strcmp(name, "SignatureDoesNotMatch"))
		return refuse(h, BAD_SIGNATURE, &detail, err);
	return refuse(h, MALFORMED, &detail, err);
}

/* "AKID/20130806/us-east-1/s3/aws4_request" */
static int claim_credential(struct local_http *h, const char *credential, const char *datetime,
	const char *token, struct err *err)
{
	struct strvec words = STRVEC_INIT;
	int result = -1;

	strvec_split(&words, credential, '/');
	if (words.nr != 5 || strlen(words.v[1]) != 8 || strlen(datetime) != 16 ||
		strncmp(words.v[1], datetime, 8) || strcmp(words.v[4], "aws4_request")) {
		local_fault(err, 400, "InvalidArgument",
			"the Credential is mal-formed; expecting "
			"\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
		goto out;
	}
	sigv4_claim_release(&h->claim);
	h->claim = (struct sigv4_claim){.access_key_id = xstrdup(words.v[0]),
		.region = xstrdup(words.v[2]),
		.service = xstrdup(words.v[3]),
		.session_token = xstrdup(token)};
	memcpy(h->claim.date, words.v[1], 8);
	memcpy(h->claim.datetime, datetime, 16);
	h->anonymous = false;
	result = find_key(h, err);
out:
	strvec_release(&words);
	return result;
}

int local_auth_verify_policy(struct local_http *h, const char *credential, const char *datetime,
	const char *token, const char *policy, const char *signature, struct err *err)
{
	struct sigv4_scope scope;
	unsigned char key[SIGV4_KEY_BYTES];
	char computed[SIGV4_SIGNATURE_SIZE];

	if (!credential || !datetime || !policy || !signature)
		return refuse(h, DENIED, NULL, err);
	if (claim_credential(h, credential, datetime, token, err))
		return -1;
	scope = (struct sigv4_scope){.region = h->claim.region, .service = h->claim.service};
	memcpy(scope.date, h->claim.date, sizeof(scope.date));
	memcpy(scope.datetime, h->claim.datetime, sizeof(scope.datetime));
	sigv4_signing_key(&scope, h->secret, key);
	sigv4_sign_text(key, policy, strlen(policy), computed);
	wipe(key, sizeof(key));
	return token_equal(computed, signature) ? 0 : refuse(h, BAD_SIGNATURE, NULL, err);
}

int local_auth_verify_policy_v2(struct local_http *h, const char *key, const char *token,
	const char *policy, const char *signature, struct err *err)
{
	if (!key || !policy || !signature)
		return refuse(h, DENIED, NULL, err);
	sigv4_claim_release(&h->claim);
	h->claim = (struct sigv4_claim){.access_key_id = xstrdup(key),
		.region = xstrdup("us-east-1"),
		.service = xstrdup("s3"),
		.session_token = xstrdup(token)};
	h->anonymous = false;
	if (find_key(h, err))
		return -1;
	return local_auth_v2_policy_fits(h, policy, signature)
		       ? 0
		       : refuse(h, BAD_SIGNATURE, NULL, err);
}

int local_denied(
	const struct local_principal *who, const char *action, const char *arn, struct err *err)
{
	return local_fault(err, 403, "AccessDenied",
		"User: %s is not authorized to perform: %s on resource: %s because no "
		"identity-based policy allows the %s action",
		who->arn, action, arn, action);
}

int local_authorize(struct local_http *h, const char *action, const char *arn, struct err *err)
{
	if (!h->who.role_name || local_iam_allows(h->cloud, &h->who, action, arn))
		return 0;
	local_denied(&h->who, action, arn, err);
	if (h->service && h->service->protocol != WIRE_QUERY &&
		h->service->protocol != WIRE_REST_XML) {
		free(err->aws_code);
		err->aws_code = xstrdup("AccessDeniedException");
		err->http_status = 400;
	} else if (h->service && !strcmp(h->service->id, "sns")) {
		free(err->aws_code);
		err->aws_code = xstrdup("AuthorizationError");
	}
	return -1;
}
