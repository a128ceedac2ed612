/* Names, ARNs, pages and members of Step Functions' requests: pure. */
#include "local_states_live.h"

#include "digest.h"
#include "xalloc.h"

#define PAGE_MAX 1000
#define PAGE_DEFAULT 100

void states_arn_release(struct states_arn *a)
{
	free(a->region);
	free(a->kind);
	free(a->machine);
	free(a->label);
	free(a->qualifier);
	free(a->rest);
	*a = (struct states_arn){0};
}

static bool kind_fits(const char *kind, const char *kinds)
{
	struct strvec list = STRVEC_INIT;
	bool fits;

	strvec_split(&list, kinds, '|');
	fits = strvec_has(&list, kind);
	strvec_release(&list);
	return fits;
}

int states_arn_parse(const char *text, const char *kinds, struct states_arn *out, struct err *err)
{
	struct strvec parts = STRVEC_INIT;
	char *slash;
	int ret = -1;

	*out = (struct states_arn){0};
	strvec_split(&parts, text, ':');
	if (parts.nr < 7 || strcmp(parts.v[0], "arn") != 0 || strcmp(parts.v[2], "states") != 0) {
		states_bad_arn(err, "Invalid Arn: 'Invalid ARN prefix: %s'", text);
		goto out;
	}
	if (!kind_fits(parts.v[5], kinds)) {
		states_bad_arn(err, "Invalid Arn: 'Resource type not valid in this context: %s'",
			parts.v[5]);
		goto out;
	}
	if (!*parts.v[6] || (strstr(kinds, "execution") && (parts.nr < 8 || !*parts.v[7]))) {
		states_bad_arn(err, "Invalid Arn: 'Invalid ARN prefix: %s'", text);
		goto out;
	}
	out->region = xstrdup(parts.v[3]);
	out->kind = xstrdup(parts.v[5]);
	out->machine = xstrdup(parts.v[6]);
	slash = strchr(out->machine, '/');
	if (slash) {
		*slash = '\0';
		out->label = xstrdup(slash + 1);
	}
	out->qualifier = parts.nr > 7 ? xstrdup(parts.v[7]) : NULL;
	out->rest = parts.nr > 8 ? xstrdup(parts.v[8]) : NULL;
	ret = 0;
out:
	strvec_release(&parts);
	return ret;
}

static int64_t count_chars(const char *text)
{
	int64_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* White space, brackets, wildcards, special and control characters (CreateStateMachine, "name"). */
int states_check_name(const char *name, struct err *err)
{
	static const char bad[] = " \t\r\n<>{}[]?*\"#%\\^|~`$&,;:/";
	int64_t len = count_chars(name);
	bool fine = len >= 1 && len <= 80;

	for (const unsigned char *c = (const unsigned char *)name; fine && *c; c++) {
		/* U+0080 to U+009F and U+FFFE, U+FFFF */
		bool control = *c < 32 || *c == 127 || (*c == 0xc2 && c[1] < 0xa0) ||
			       (*c == 0xef && c[1] == 0xbf && c[2] >= 0xbe);

		fine = !control && !strchr(bad, *c);
	}
	if (fine)
		return 0;
	return local_fault(err, 400, "InvalidName", "Invalid Name: '%s'", name);
}

int states_check_string(const struct json *in, const char *member, bool required, int64_t min,
	int64_t max, struct err *err)
{
	const struct json *v = json_get(in, member);
	const char *text = json_str(v);
	bool shown;
	int64_t len;

	if (!v || json_is(v, JSON_NULL)) {
		if (!required)
			return 0;
		return states_invalid(err,
			"1 validation error detected: Value null at '%s' failed to satisfy "
			"constraint: Member must not be null",
			member);
	}
	if (!text)
		return local_fault(
			err, 400, "SerializationException", "'%s' is not a string", member);
	len = count_chars(text);
	if (len >= min && len <= max)
		return 0;
	/* what may be somebody's data is not shown */
	shown = !strcmp(member, "name") || ends_with(member, "Arn");
	return states_invalid(err,
		"1 validation error detected: Value %s%s%sat '%s' failed to satisfy constraint: "
		"Member "
		"must have length %s than or equal to %lld",
		shown ? "'" : "", shown ? text : "", shown ? "' " : "", member,
		len < min ? "greater" : "less", (long long)(len < min ? min : max));
}

/* A token says which question it goes on with: eight digits of its digest. */
static char *scope_digest(const char *scope)
{
	struct strbuf hash = STRBUF_INIT;

	digest_sha256_hex(scope ? scope : "", scope ? strlen(scope) : 0, &hash);
	strbuf_setlen(&hash, 8);
	return strbuf_detach(&hash, NULL);
}

static int read_token(const char *token, const char *scope, int64_t *after, struct err *err)
{
	char *key = NULL, *digest = scope_digest(scope), *dash;
	long long n = 0;
	int ret = 0;

	if (!token)
		;
	else if (local_token_read(token, "InvalidToken", &key, NULL) ||
		 !(dash = strchr(key, '-')) || parse_int64(dash + 1, 1, INT64_MAX, &n))
		ret = local_fault(err, 400, "InvalidToken", "Invalid Token: 'Invalid token'");
	else if (strncmp(key, digest, 8) != 0)
		ret = local_fault(err, 400, "InvalidToken",
			"Invalid Token: 'Input inconsistent with page token: %.64s'", token);
	*after = n;
	free(key);
	free(digest);
	return ret;
}

int states_page(
	const struct json *in, const char *scope, int64_t *limit, int64_t *after, struct err *err)
{
	*limit = json_get_i64(in, "maxResults", 0);
	if (*limit < 0 || *limit > PAGE_MAX)
		return states_invalid(err,
			"1 validation error detected: Value '%lld' at 'maxResults' failed to "
			"satisfy constraint: Member must have value %s than or equal to %d",
			(long long)*limit, *limit < 0 ? "greater" : "less",
			*limit < 0 ? 0 : PAGE_MAX);
	if (!*limit)
		*limit = PAGE_DEFAULT;
	return read_token(json_get_str(in, "nextToken"), scope, after, err);
}

void states_set_token(struct json *out, const char *scope, int64_t last)
{
	char *digest = scope_digest(scope), *key = xasprintf("%s-%lld", digest, (long long)last),
	     *token = local_token_make(key);

	json_set_str(out, "nextToken", token);
	free(digest);
	free(key);
	free(token);
}

void states_set_time(struct json *obj, const char *name, int64_t ms)
{
	if (ms)
		json_set_dbl(obj, name, (double)ms / 1000);
}

char *states_print(const struct json *v)
{
	struct strbuf sb = STRBUF_INIT;

	if (!v)
		return NULL;
	json_print(v, &sb);
	return strbuf_detach(&sb, NULL);
}

/* Values of ASL_DEPTH_MAX within flows within flows: what was written can be read. */
#define DOCUMENT_DEPTH_MAX (2 * ASL_DEPTH_MAX)

struct json *states_parse(const char *text)
{
	return text ? json_parse_deep(text, strlen(text), DOCUMENT_DEPTH_MAX, NULL) : NULL;
}
