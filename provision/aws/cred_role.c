/*
 * A profile with role_arn: AssumeRole, signed with the keys of its source. Where the role asks for MFA, the keys are
 * shared with the AWS CLI through its ~/.aws/cli/cache, under the name that the CLI gives them, so that the code is
 * asked for once and not for each command; keys of other roles are got anew and stay in memory.
 */
#include "client.h"
#include "cred_internal.h"
#include "log.h"
#include "ops.h"

#define REUSE_MS (15 * 60 * 1000)
#define MAX_DURATION_S 43200

struct role_provider {
	struct cred_provider base;
	char *profile, *place; /* "FILE:LINE" of role_arn */
	char *role_arn, *session_name, *external_id, *mfa_serial;
	long long duration_s; /* 0: STS's own */
	char *cache;          /* NULL without MFA */
	struct aws_client *sts;
	bool asked; /* for a code */
};

/* --- the cache that is shared with the AWS CLI --- */

/* As Python's json.dumps writes a string. */
static void add_python_string(struct strbuf *sb, const char *s)
{
	struct json *v = json_string(s);
	struct strbuf text = STRBUF_INIT;
	json_print(v, &text);
	for (const unsigned char *c = (const unsigned char *)text.buf; *c; c++) {
		if (*c < 0x80) {
			strbuf_addch(sb, (char)*c);
			continue;
		}
		int more = *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : 1;
		unsigned code = *c & (0x3fu >> more);
		for (; more && c[1]; more--)
			code = code << 6 | (*++c & 0x3fu);
		if (code >= 0x10000)
			strbuf_addf(sb, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
				0xdc00 + ((code - 0x10000) & 0x3ff));
		else
			strbuf_addf(sb, "\\u%04x", code);
	}
	strbuf_release(&text);
	json_free(v);
}

static void add_member(struct strbuf *sb, const char *name, const char *value)
{
	if (!value)
		return;
	strbuf_addf(sb, "%s\"%s\": ", sb->len > 1 ? ", " : "", name);
	add_python_string(sb, value);
}

/* The CLI hashes the arguments of the call, sorted by name. */
static char *cache_path(const struct role_provider *p)
{
	struct strbuf key = STRBUF_INIT;
	strbuf_addch(&key, '{');
	if (p->duration_s)
		strbuf_addf(&key, "\"DurationSeconds\": %lld", p->duration_s);
	add_member(&key, "ExternalId", p->external_id);
	add_member(&key, "RoleArn", p->role_arn);
	add_member(&key, "RoleSessionName", p->session_name);
	add_member(&key, "SerialNumber", p->mfa_serial);
	strbuf_addch(&key, '}');
	char *path = cred_cache_path("cli/cache", key.buf);
	strbuf_release(&key);
	return path;
}

/* Keys that have a while to live. */
static bool cached(const struct role_provider *p, struct aws_keys *out)
{
	const struct clock *clock = p->base.ctx->clock;
	struct json *doc = p->cache ? cred_cache_read(p->cache) : NULL;
	bool good = doc && cred_sts_keys(doc, out, NULL) == 0 &&
		    out->expires_ms - clock->now_ms(clock) >= REUSE_MS;
	if (!good)
		aws_keys_release(out);
	json_free(doc);
	return good;
}

static void keep(const struct role_provider *p, const struct json *reply)
{
	struct err why = ERR_INIT;
	if (p->cache && cred_cache_write(p->cache, reply, &why) < 0)
		log_verbose("the keys of profile '%s' are not kept: %s", p->profile, why.text);
	err_release(&why);
}

/* --- the call --- */

static int ask_code(struct role_provider *p, char **code, struct err *err)
{
	const struct cred_ctx *ctx = p->base.ctx;
	if (p->asked) {
		err_set(err, ERR_DENIED,
			"the keys of profile '%s' have expired, and new ones need a "
			"new MFA code",
			p->profile);
		return err_hint(err, "run the command once more");
	}
	if (!ctx->prompt) {
		err_set(err, ERR_DENIED,
			"%s: profile '%s' needs a code of MFA device '%s', and there "
			"is no terminal to ask for it",
			p->place, p->profile, p->mfa_serial);
		return err_hint(err,
			"run 'aws sts get-caller-identity --profile %s' in a terminal "
			"first: its keys are used then",
			p->profile);
	}
	char *text = xasprintf("Enter MFA code for %s: ", p->mfa_serial);
	int ret = ctx->prompt(ctx->prompt_payload, text, code, err);
	p->asked = ret == 0;
	free(text);
	return ret;
}

static int assume(struct role_provider *p, struct json **out, struct err *err)
{
	const struct clock *clock = p->base.ctx->clock;
	char *code = NULL;
	if (p->mfa_serial && ask_code(p, &code, err) < 0)
		return -1;
	struct json *in = json_object();
	json_set_str(in, "RoleArn", p->role_arn);
	if (p->session_name) {
		json_set_str(in, "RoleSessionName", p->session_name);
	} else {
		char *name = xasprintf("glueproj-%lld", (long long)(clock->now_ms(clock) / 1000));
		json_set_str(in, "RoleSessionName", name);
		free(name);
	}
	if (p->duration_s)
		json_set_i64(in, "DurationSeconds", p->duration_s);
	json_set_str(in, "ExternalId", p->external_id);
	json_set_str(in, "SerialNumber", p->mfa_serial);
	json_set_str(in, "TokenCode", code);
	int ret = aws_call(p->sts, &sts_assume_role, in, out, err);
	json_free(in);
	free_secret(code);
	return ret;
}

static int role_fetch(
	struct cred_provider *base, bool forced, struct aws_keys *out, struct err *err)
{
	struct role_provider *p = (struct role_provider *)base;
	struct json *reply = NULL;
	if (!forced && cached(p, out))
		return 0;
	int ret = assume(p, &reply, err);
	if (ret == 0)
		ret = cred_sts_keys(reply, out, err);
	if (ret == 0)
		keep(p, reply);
	else
		err_wrap(err, "profile '%s': role %s", p->profile, p->role_arn);
	json_free(reply);
	return ret;
}

static void role_free(struct cred_provider *base)
{
	struct role_provider *p = (struct role_provider *)base;
	aws_client_free(p->sts);
	free(p->profile);
	free(p->place);
	free(p->role_arn);
	free(p->session_name);
	free(p->external_id);
	free(p->mfa_serial);
	free(p->cache);
	free(p);
}

static const struct cred_provider_ops role_ops = {role_fetch, role_free};

/* As the AWS CLI does, what is no number counts as not given; but it is said. */
static long long duration_of(const struct profile *profile)
{
	const struct profile_setting *s = profile_setting(profile, "duration_seconds");
	long long n = 0;
	if (s && parse_int64(s->value, 1, MAX_DURATION_S, &n) < 0)
		log_warn(
			"%s:%d: duration_seconds '%s' is no number from 1 to %d, and counts as not "
			"given",
			s->file, s->line, s->value, MAX_DURATION_S);
	return n;
}

struct aws_credentials *cred_from_role(const struct cred_ctx *ctx, const char *profile,
	const struct profile *p, struct aws_credentials *base, const char *via, struct err *err)
{
	const struct profile_setting *arn = profile_setting(p, "role_arn");
	struct role_provider *r = xcalloc(1, sizeof(*r));
	r->base = (struct cred_provider){&role_ops, ctx};
	r->profile = xstrdup(profile);
	r->place = xasprintf("%s:%d", arn->file, arn->line);
	r->role_arn = xstrdup(arn->value);
	r->session_name = xstrdup(profile_get(p, "role_session_name"));
	r->external_id = xstrdup(profile_get(p, "external_id"));
	r->mfa_serial = xstrdup(profile_get(p, "mfa_serial"));
	r->duration_s = duration_of(p);
	r->cache = r->mfa_serial ? cache_path(r) : NULL;
	r->sts = cred_sts_client(ctx, base, err);
	if (!r->sts) {
		role_free(&r->base);
		return NULL;
	}
	return cred_refreshing(ctx->clock, &r->base,
		xasprintf("profile '%s' (role %s via %s)", profile, arn->value, via));
}
