/* Verifying: what a request says of itself, and whether that holds. */
#include "clock.h"
#include "digest.h"
#include "sigv4.h"
#include "sigv4_internal.h"
#include "strvec.h"
#include "uri.h"

#define MAX_SKEW_MS (15 * 60 * 1000)
#define MAX_EXPIRES_S (7 * 24 * 3600)
#define HOST_UNSIGNED "'Host' must be a 'SignedHeader' in the AWS Authorization."

void sigv4_claim_release(struct sigv4_claim *c)
{
	free(c->access_key_id);
	free(c->region);
	free(c->service);
	free(c->signature);
	free_secret(c->session_token);
	for (size_t i = 0; c->signed_headers && c->signed_headers[i]; i++)
		free(c->signed_headers[i]);
	free(c->signed_headers);
	*c = (struct sigv4_claim)SIGV4_CLAIM_INIT;
}

static const char *find_header(const struct sigv4_request *req, const char *name)
{
	for (size_t i = 0; i < req->nr_headers; i++)
		if (iequals(req->headers[i].name, name))
			return req->headers[i].value;
	return NULL;
}

static size_t count_headers(const struct sigv4_request *req, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < req->nr_headers; i++)
		n += iequals(req->headers[i].name, name);
	return n;
}

/* A parameter that says who asks, given twice, would be read by one and signed by another. */
static bool parameter_twice(const struct sigv4_request *req, const char *name)
{
	size_t name_len = strlen(name), n = 0;
	for (const char *p = req->query; *p; p += p[0] == '&') {
		size_t len = strcspn(p, "&");
		n += len >= name_len && !strncmp(p, name, name_len) &&
		     (len == name_len || p[name_len] == '=');
		p += len;
	}
	return n > 1;
}

/* The decoded value of a query parameter; malloc'd, NULL when it is not there or broken. */
static char *find_parameter(const struct sigv4_request *req, const char *name)
{
	size_t name_len = strlen(name);
	for (const char *p = req->query ? req->query : ""; *p;) {
		size_t len = strcspn(p, "&");
		if (len > name_len && p[name_len] == '=' && !strncmp(p, name, name_len)) {
			struct strbuf value = STRBUF_INIT;
			if (uri_decode(&value, p + name_len + 1, len - name_len - 1, true, NULL) ==
				0)
				return strbuf_detach(&value, NULL);
			strbuf_release(&value);
			return NULL;
		}
		p += len;
		if (*p == '&')
			p++;
	}
	return NULL;
}

static int malformed(
	const struct sigv4_request *req, bool presigned, struct err *err, const char *why)
{
	err_set(err, ERR_INVALID, "%s", why);
	return err_named(err, !req->s3    ? "IncompleteSignature"
			      : presigned ? "AuthorizationQueryParametersError"
					  : "AuthorizationHeaderMalformed");
}

/* What is there but wrong: S3 calls it malformed, other services a signature that does not match. */
static int mismatched(
	const struct sigv4_request *req, bool presigned, struct err *err, const char *why)
{
	if (req->s3)
		return malformed(req, presigned, err, why);
	err_set(err, ERR_INVALID, "%s", why);
	return err_named(err, "SignatureDoesNotMatch");
}

static bool is_hex(const char *s, size_t len)
{
	return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

static bool is_datetime(const char *s)
{
	if (strlen(s) != 16 || s[8] != 'T' || s[15] != 'Z')
		return false;
	return strspn(s, "0123456789") == 8 && strspn(s + 9, "0123456789") == 6;
}

static int64_t datetime_to_ms(const char *s)
{
	struct utc at = {0};
	if (sscanf(s, "%4d%2d%2dT%2d%2d%2dZ", &at.year, &at.month, &at.day, &at.hour, &at.minute,
		    &at.second) != 6)
		return INT64_MIN / 2;
	return utc_to_ms(&at);
}

/* AKID/20261121/eu-west-1/glue/aws4_request */
static int take_credential(struct sigv4_claim *c, const char *text)
{
	struct strvec parts = STRVEC_INIT;
	int ret = -1;
	strvec_split(&parts, text, '/');
	if (parts.nr != 5)
		goto out;
	for (size_t i = 0; i < parts.nr; i++)
		if (!*parts.v[i])
			goto out;
	if (strcmp(parts.v[4], SIGV4_TERMINATOR) != 0 || strlen(parts.v[1]) != 8 ||
		strspn(parts.v[1], "0123456789") != 8)
		goto out;
	c->access_key_id = xstrdup(parts.v[0]);
	memcpy(c->date, parts.v[1], sizeof(c->date));
	c->region = xstrdup(parts.v[2]);
	c->service = xstrdup(parts.v[3]);
	ret = 0;
out:
	strvec_release(&parts);
	return ret;
}

static int take_signed_headers(struct sigv4_claim *c, const char *text)
{
	struct strvec names = STRVEC_INIT;
	strvec_split(&names, text, ';');
	bool host = strvec_has(&names, "host");
	for (size_t i = 0; i < names.nr; i++)
		if (!*names.v[i])
			host = false;
	if (!host) {
		strvec_release(&names);
		return -1;
	}
	c->signed_headers = strvec_detach(&names);
	return 0;
}

/* Every x-amz-… header must be among the signed ones, else anybody on the way could add one. */
static bool signs_amz_headers(const struct sigv4_request *req, const struct sigv4_claim *c)
{
	for (size_t i = 0; i < req->nr_headers; i++) {
		char *name = xstrdup(req->headers[i].name);
		bool found = false;
		lower_ascii(name);
		if (!starts_with(name, "x-amz-") ||
			(c->presigned && !strcmp(name, "x-amz-content-sha256")))
			found = true;
		for (size_t j = 0; !found && c->signed_headers[j]; j++)
			found = !strcmp(c->signed_headers[j], name);
		free(name);
		if (!found)
			return false;
	}
	return true;
}

/* The pieces of "Credential=…, SignedHeaders=…, Signature=…" in any order. */
static int parse_authorization(
	const struct sigv4_request *req, const char *text, struct sigv4_claim *c, struct err *err)
{
	struct strvec parts = STRVEC_INIT;
	const char *why = NULL;
	bool no_host = false;
	strvec_split(&parts, text, ',');
	for (size_t i = 0; !why && i < parts.nr; i++) {
		struct strbuf part = STRBUF_INIT;
		strbuf_addstr(&part, parts.v[i]);
		strbuf_trim(&part);
		const char *p = part.buf;
		if (starts_with(p, "Credential=") && !c->access_key_id) {
			if (take_credential(c, p + strlen("Credential=")) < 0)
				why = "the Credential is mal-formed; expecting "
				      "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"";
		} else if (starts_with(p, "SignedHeaders=") && !c->signed_headers) {
			no_host = take_signed_headers(c, p + strlen("SignedHeaders=")) < 0;
			if (no_host)
				why = HOST_UNSIGNED;
		} else if (starts_with(p, "Signature=") && !c->signature) {
			if (!is_hex(p + strlen("Signature="), 64))
				why = "the Signature is no string of 64 hex digits";
			else
				c->signature = xstrdup(p + strlen("Signature="));
		} else {
			why = "the authorization header is malformed";
		}
		strbuf_release(&part);
	}
	strvec_release(&parts);
	if (!why && !c->access_key_id)
		why = "the authorization header requires 'Credential' parameter";
	if (!why && !c->signed_headers)
		why = "the authorization header requires 'SignedHeaders' parameter";
	if (!why && !c->signature)
		why = "the authorization header requires 'Signature' parameter";
	if (!why)
		return 0;
	return no_host ? mismatched(req, false, err, why) : malformed(req, false, err, why);
}

/* X-Amz-Date, or Date in either of its forms. */
static int take_date_header(const struct sigv4_request *req, struct sigv4_claim *c)
{
	const char *date = find_header(req, "x-amz-date");
	struct strbuf at = STRBUF_INIT;
	int64_t ms;
	if (!date)
		date = find_header(req, "date");
	if (!date)
		return -1;
	if (is_datetime(date))
		strbuf_addstr(&at, date);
	else if (clock_parse(date, &ms) == 0)
		clock_add_amz(&at, ms);
	bool ok = is_datetime(at.buf);
	if (ok)
		memcpy(c->datetime, at.buf, sizeof(c->datetime));
	strbuf_release(&at);
	return ok ? 0 : -1;
}

static int claim_from_header(const struct sigv4_request *req, const char *authorization,
	struct sigv4_claim *c, struct err *err)
{
	static const char algorithm[] = SIGV4_ALGORITHM;
	if (starts_with(authorization, "AWS ")) {
		err_set(err, ERR_INVALID,
			"the authorization mechanism you have provided is not supported; please "
			"use " SIGV4_ALGORITHM);
		return err_named(err, "InvalidRequest");
	}
	const char *p = authorization + sizeof(algorithm) - 1;
	if (!starts_with(authorization, algorithm) || (*p != ' ' && *p != '\t')) {
		err_set(err, ERR_INVALID, "unsupported authorization type");
		return err_named(err, req->s3 ? "InvalidArgument" : "IncompleteSignature");
	}
	if (parse_authorization(req, p, c, err) < 0)
		return -1;
	if (take_date_header(req, c) < 0) {
		if (!req->s3)
			return malformed(req, false, err,
				"authorization header requires existence of either a 'X-Amz-Date' "
				"or a 'Date' header");
		err_set(err, ERR_DENIED,
			"AWS authentication requires a valid Date or x-amz-date "
			"header");
		return err_named(err, "AccessDenied");
	}
	const char *token = find_header(req, "x-amz-security-token");
	c->session_token = token ? xstrdup(token) : NULL;
	return 0;
}

/* NULL, or what is wrong. */
static const char *take_expires(struct sigv4_claim *c, const char *text)
{
	long long expires = 0;
	if (parse_int64(text, INT64_MIN, INT64_MAX, &expires) < 0)
		return "X-Amz-Expires should be a number";
	if (expires < 1)
		return "X-Amz-Expires must be at least one second";
	if (expires > MAX_EXPIRES_S)
		return "X-Amz-Expires must be less than a week (in seconds); that is, the given "
		       "X-Amz-Expires must be less than 604800 seconds";
	c->expires_s = expires;
	return NULL;
}

static int take_presigned(
	const struct sigv4_request *req, struct sigv4_claim *c, char *const v[6], struct err *err)
{
	if (strcmp(v[0], SIGV4_ALGORITHM) != 0)
		return malformed(
			req, true, err, "X-Amz-Algorithm only supports \"" SIGV4_ALGORITHM "\"");
	for (size_t i = 1; i < 6; i++)
		if (!v[i])
			return malformed(req, true, err,
				"query-string authentication requires X-Amz-Algorithm, "
				"X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
				"X-Amz-SignedHeaders and X-Amz-Expires");
	if (take_credential(c, v[1]) < 0)
		return malformed(req, true, err, "error parsing the X-Amz-Credential parameter");
	if (!is_datetime(v[2]))
		return malformed(req, true, err,
			"X-Amz-Date must be in the ISO8601 format yyyyMMddTHHmmssZ");
	const char *why = take_expires(c, v[3]);
	if (why)
		return malformed(req, true, err, why);
	if (take_signed_headers(c, v[4]) < 0)
		return mismatched(req, true, err, HOST_UNSIGNED);
	if (!is_hex(v[5], 64))
		return malformed(req, true, err, "X-Amz-Signature is no string of 64 hex digits");
	memcpy(c->datetime, v[2], sizeof(c->datetime));
	c->signature = xstrdup(v[5]);
	c->session_token = find_parameter(req, "X-Amz-Security-Token");
	return 0;
}

static int claim_from_query(
	const struct sigv4_request *req, char *algorithm, struct sigv4_claim *c, struct err *err)
{
	static const char *const names[] = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"};
	char *v[6] = {algorithm};
	for (size_t i = 1; i < ARRAY_SIZE(v); i++)
		v[i] = find_parameter(req, names[i]);
	c->presigned = true;
	int ret = 0;
	for (size_t i = 0; ret == 0 && i < ARRAY_SIZE(names); i++)
		if (parameter_twice(req, names[i]))
			ret = malformed(req, true, err,
				"a parameter of query-string authentication comes twice");
	if (ret == 0)
		ret = take_presigned(req, c, v, err);
	for (size_t i = 1; i < ARRAY_SIZE(v); i++)
		free(v[i]);
	return ret;
}

int sigv4_claim_parse(const struct sigv4_request *req, struct sigv4_claim *out, struct err *err)
{
	const char *authorization = find_header(req, "authorization");
	char *algorithm = find_parameter(req, "X-Amz-Algorithm");
	char *old_style = find_parameter(req, "AWSAccessKeyId");
	int ret = -1;

	sigv4_claim_release(out);
	out->expires_s = -1;
	if ((authorization && algorithm) || count_headers(req, "authorization") > 1) {
		err_set(err, ERR_INVALID, "only one auth mechanism allowed");
		err_named(err, "InvalidArgument");
	} else if (authorization) {
		ret = claim_from_header(req, authorization, out, err);
	} else if (algorithm) {
		ret = claim_from_query(req, algorithm, out, err);
	} else if (old_style && req->s3) {
		err_set(err, ERR_INVALID,
			"the authorization mechanism you have provided is not supported; please "
			"use " SIGV4_ALGORITHM);
		err_named(err, "InvalidRequest");
	} else {
		free(old_style);
		return 0;
	}
	if (ret == 0 && strncmp(out->date, out->datetime, 8) != 0)
		ret = mismatched(req, out->presigned, err,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
			"date from HTTP");
	free(algorithm);
	free(old_style);
	if (ret < 0)
		sigv4_claim_release(out);
	return ret < 0 ? -1 : 1;
}

/* A signed header that is gone could have been there, empty. */
static bool has_signed_headers(const struct sigv4_request *req, const struct sigv4_claim *c)
{
	for (size_t i = 0; c->signed_headers[i]; i++)
		if (!find_header(req, c->signed_headers[i]))
			return false;
	return true;
}

static int deny(struct err *err, const char *name, const char *why)
{
	err_set(err, ERR_DENIED, "%s", why);
	return err_named(err, name);
}

static int check_time(const struct sigv4_claim *claim, int64_t now_ms, struct err *err)
{
	int64_t at = datetime_to_ms(claim->datetime);
	if (claim->presigned) {
		if (at > now_ms + MAX_SKEW_MS)
			return deny(err, "AccessDenied", "Request is not valid yet");
		if (now_ms > at + claim->expires_s * 1000)
			return deny(err, "AccessDenied", "Request has expired");
		return 0;
	}
	if (at < now_ms - MAX_SKEW_MS || at > now_ms + MAX_SKEW_MS)
		return deny(err, "RequestTimeTooSkewed",
			"The difference between the request time and the current time is too "
			"large.");
	return 0;
}

int sigv4_verify(const struct sigv4_request *req, const struct sigv4_claim *claim,
	const char *secret, int64_t now_ms, struct err *err)
{
	struct sigv4_state s = SIGV4_STATE_INIT;
	struct sigv4_scope scope = {.region = claim->region, .service = claim->service};
	int ret = -1;

	memcpy(scope.date, claim->date, sizeof(scope.date));
	memcpy(scope.datetime, claim->datetime, sizeof(scope.datetime));
	if (!signs_amz_headers(req, claim)) {
		deny(err, "AccessDenied",
			"There were headers present in the request which were not signed");
		goto out;
	}
	sigv4_canonical(&s, req, (const char *const *)claim->signed_headers,
		claim->presigned ? "X-Amz-Signature" : NULL);
	sigv4_string_to_sign(&s, &scope);
	sigv4_signature(&s, &scope, secret);
	if (!has_signed_headers(req, claim) || strlen(claim->signature) != 64 ||
		!digest_equal(s.signature, claim->signature, 64)) {
		deny(err, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you "
			"provided. Check your key and signing method.");
		goto out;
	}
	ret = check_time(claim, now_ms, err);
out:
	sigv4_state_release(&s);
	return ret;
}
