/* Which provider it is: the order of the AWS CLI, see credentials.h. */
#include "cred_internal.h"

/* The credentials that callers hold: what all providers share, and the one that won. */
struct chain {
	struct cred_ctx ctx;
	struct aws_credentials *inner;
};

static int chain_get(struct aws_credentials *c, struct aws_keys *out, struct err *err)
{
	struct aws_credentials *inner = ((struct chain *)c->impl)->inner;
	return inner->ops->get(inner, out, err);
}

static bool chain_expire(struct aws_credentials *c, const char *access_key_id)
{
	struct aws_credentials *inner = ((struct chain *)c->impl)->inner;
	return inner->ops->expire && inner->ops->expire(inner, access_key_id);
}

static void chain_free(struct aws_credentials *c)
{
	struct chain *chain = c->impl;
	aws_credentials_free(chain->inner);
	profiles_release(&chain->ctx.profiles);
	free(chain->ctx.profile);
	free(chain->ctx.region);
	free(chain);
}

static const struct aws_credentials_ops chain_ops = {
	.get = chain_get, .expire = chain_expire, .free = chain_free};

/* --- one profile --- */

/* The CLI's own sign-in signs with a private key of its cache; the CLI can hand the keys over. */
static int refuse_login(const struct cred_ctx *ctx, const char *profile, struct err *err)
{
	const struct profile_setting *s =
		profile_setting(profiles_find(&ctx->profiles.merged, profile), "login_session");
	if (!s)
		return 0;
	err_set(err, ERR_DENIED,
		"%s:%d: profile '%s' gets its keys by 'aws login', which is not built in", s->file,
		s->line, profile);
	return err_hint(err,
		"a profile with 'credential_process = aws configure export-credentials --profile "
		"%s' gets them, and renews them",
		profile);
}

/* NULL without an error: the profile has no keys and no way to them. */
static struct aws_credentials *profile_providers(
	const struct cred_ctx *ctx, const char *name, bool use_env, struct err *err)
{
	const struct profile_setting *command =
		profile_setting(profiles_find(&ctx->profiles.merged, name), "credential_process");
	struct err why = ERR_INIT;
	struct aws_credentials *c = cred_from_web_identity(ctx, name, use_env, &why);
	if (!c && why.code == ERR_NONE)
		c = cred_from_sso(ctx, name, &why);
	if (!c && why.code == ERR_NONE)
		c = cred_from_file(ctx, name, false, &why);
	if (!c && why.code == ERR_NONE && refuse_login(ctx, name, &why) == 0 && command)
		c = cred_from_process(ctx, name, command);
	if (!c && why.code == ERR_NONE)
		c = cred_from_file(ctx, name, true, &why);
	if (why.code != ERR_NONE)
		err_move(err, &why);
	return c;
}

/* --- roles --- */

static bool has_static_keys(const struct profile *p)
{
	return profile_get(p, "aws_access_key_id") || profile_get(p, "aws_secret_access_key");
}

static bool has_role(const struct profile *p)
{
	return profile_get(p, "role_arn") && !profile_get(p, "web_identity_token_file");
}

static struct aws_credentials *load_role(
	const struct cred_ctx *ctx, const char *name, struct strvec *visited, struct err *err);

/* A profile may name itself for the keys that stand beside its role. */
static int check_source(const struct cred_ctx *ctx, const char *name,
	const struct profile_setting *source, const struct strvec *visited, struct err *err)
{
	const struct profile *p = profiles_find(&ctx->profiles.merged, source->value);
	if (!p)
		return err_set(err, ERR_DENIED,
			"%s:%d: source_profile '%s' of profile '%s' does not exist", source->file,
			source->line, source->value, name);
	if (!strvec_has(visited, source->value) ||
		(!strcmp(source->value, name) && has_static_keys(p)))
		return 0;
	char *path = strvec_join(visited, " -> ");
	err_set(err, ERR_DENIED, "%s:%d: source_profile goes round in a circle: %s -> %s",
		source->file, source->line, path, source->value);
	free(path);
	return -1;
}

static struct aws_credentials *load_source_profile(const struct cred_ctx *ctx, const char *name,
	const struct profile_setting *source, struct strvec *visited, struct err *err)
{
	const struct profile *p = profiles_find(&ctx->profiles.merged, source->value);
	struct err why = ERR_INIT;
	if (check_source(ctx, name, source, visited, err) < 0)
		return NULL;
	strvec_push(visited, source->value);
	if (!has_static_keys(p) && has_role(p))
		return load_role(ctx, source->value, visited, err);
	struct aws_credentials *c = profile_providers(ctx, source->value, false, &why);
	if (!c && why.code == ERR_NONE)
		err_set(&why, ERR_DENIED, "%s:%d: source_profile '%s' of profile '%s' has no keys",
			source->file, source->line, source->value, name);
	if (!c)
		err_move(err, &why);
	return c;
}

static struct aws_credentials *load_named_source(const struct cred_ctx *ctx, const char *name,
	const struct profile_setting *source, struct err *err)
{
	struct err why = ERR_INIT;
	struct aws_credentials *c = NULL;
	char *missing = NULL;
	if (!strcmp(source->value, "Environment"))
		c = cred_from_environment(ctx, &why);
	else if (!strcmp(source->value, "EcsContainer"))
		c = cred_from_container(ctx, &why);
	else if (!strcmp(source->value, "Ec2InstanceMetadata"))
		c = cred_from_imds(ctx, &missing, &why);
	else
		err_set(&why, ERR_DENIED,
			"it is none of Environment, EcsContainer, Ec2InstanceMetadata");
	if (!c && why.code == ERR_NONE)
		err_set(&why, ERR_DENIED, "%s", missing ? missing : "there are no keys");
	if (!c) {
		err_move(err, &why);
		err_wrap(err, "%s:%d: credential_source '%s' of profile '%s'", source->file,
			source->line, source->value, name);
	}
	free(missing);
	return c;
}

/* Also of a profile that has static keys: its role is what it is for. */
static struct aws_credentials *load_role(
	const struct cred_ctx *ctx, const char *name, struct strvec *visited, struct err *err)
{
	const struct profile *p = profiles_find(&ctx->profiles.merged, name);
	const struct profile_setting *arn = profile_setting(p, "role_arn");
	const struct profile_setting *profile = profile_setting(p, "source_profile");
	const struct profile_setting *source = profile_setting(p, "credential_source");
	if (!profile == !source) {
		err_set(err, ERR_DENIED,
			"%s:%d: profile '%s' has a role_arn and %s source_profile %s "
			"credential_source",
			arn->file, arn->line, name, profile ? "both" : "neither",
			profile ? "and" : "nor");
		err_hint(err, "one of them says whose keys assume the role");
		return NULL;
	}
	struct aws_credentials *base =
		profile ? load_source_profile(ctx, name, profile, visited, err)
			: load_named_source(ctx, name, source, err);
	if (!base)
		return NULL;
	char *via = profile ? xasprintf("profile '%s'", profile->value) : xstrdup(base->source);
	struct aws_credentials *c = cred_from_role(ctx, name, p, base, via, err);
	free(via);
	return c;
}

/* --- all of them --- */

static const char *state(const char *variable)
{
	return cred_env(variable) ? "set" : "not set";
}

/* What there was to find, in order. */
static void nothing_found(
	const struct cred_ctx *ctx, bool asked, const char *no_metadata, struct err *err)
{
	const struct profiles *ps = &ctx->profiles;
	bool there = profiles_find(&ps->merged, ctx->profile);
	err_set(err, ERR_DENIED,
		"no AWS credentials: looked, in order, at the environment (AWS_ACCESS_KEY_ID %s), "
		"AWS_WEB_IDENTITY_TOKEN_FILE (%s), profile '%s' in '%s' and '%s' (%s), "
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI (not set), %s",
		asked ? "not looked at, as a profile is asked for" : state("AWS_ACCESS_KEY_ID"),
		asked ? "not looked at" : state("AWS_WEB_IDENTITY_TOKEN_FILE"), ctx->profile,
		ps->credentials_path, ps->config_path, there ? "has no keys" : "is in neither",
		no_metadata ? no_metadata : "the instance's metadata");
	err_hint(err,
		"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run 'aws configure' or 'aws sso "
		"login', or use --local");
}

static struct aws_credentials *find(const struct cred_ctx *ctx, bool asked, struct err *err)
{
	struct err why = ERR_INIT;
	struct strvec visited = STRVEC_INIT;
	char *no_metadata = NULL;
	struct aws_credentials *c = asked ? NULL : cred_from_environment(ctx, &why);
	strvec_push(&visited, ctx->profile);
	if (c || why.code != ERR_NONE)
		goto out;
	if (has_role(profiles_find(&ctx->profiles.merged, ctx->profile)))
		c = load_role(ctx, ctx->profile, &visited, &why);
	else
		c = profile_providers(ctx, ctx->profile, !asked, &why);
	if (!c && why.code == ERR_NONE)
		c = cred_from_container(ctx, &why);
	if (!c && why.code == ERR_NONE)
		c = cred_from_imds(ctx, &no_metadata, &why);
	if (!c && why.code == ERR_NONE)
		nothing_found(ctx, asked, no_metadata, &why);
out:
	if (why.code != ERR_NONE && !why.hint)
		err_hint(&why,
			"'aws configure list --profile %s' shows what the AWS CLI makes of it",
			ctx->profile);
	if (why.code != ERR_NONE)
		err_move(err, &why);
	strvec_release(&visited);
	free(no_metadata);
	return c;
}

/* A profile that is named, be it by a variable, has to be there. */
static int check_profile(const struct cred_ctx *ctx, const char *asked, struct err *err)
{
	const struct profiles *ps = &ctx->profiles;
	bool named =
		(asked && *asked) || cred_env("AWS_PROFILE") || cred_env("AWS_DEFAULT_PROFILE");
	if (!named || profiles_find(&ps->merged, ctx->profile))
		return 0;
	err_set(err, ERR_DENIED, "no AWS credentials: profile '%s' is in neither '%s' nor '%s'",
		ctx->profile, ps->credentials_path, ps->config_path);
	return err_hint(err, "aws configure --profile %s", ctx->profile);
}

static char *region_of(const struct cred_ctx *ctx, const char *given)
{
	const char *region =
		given && *given
			? given
			: profile_get(profiles_find(&ctx->profiles.merged, ctx->profile), "region");
	return xstrdup(region && *region ? region : "us-east-1");
}

struct aws_credentials *aws_credentials_default(
	const struct aws_credentials_config *config, struct err *err)
{
	struct chain *chain = xcalloc(1, sizeof(*chain));
	struct aws_credentials *c = cred_new(&chain_ops, NULL, chain);
	struct cred_ctx *ctx = &chain->ctx;
	ctx->transport = config->transport;
	ctx->clock = config->clock;
	ctx->prompt = config->prompt;
	ctx->prompt_payload = config->prompt_payload;
	ctx->profile = xstrdup(profile_name(config->profile));
	profiles_init(&ctx->profiles);
	if (profiles_load(&ctx->profiles, err) == 0 &&
		check_profile(ctx, config->profile, err) == 0) {
		ctx->region = region_of(ctx, config->region);
		chain->inner = find(ctx, config->profile && *config->profile, err);
	}
	if (!chain->inner) {
		aws_credentials_free(c);
		return NULL;
	}
	c->source = xstrdup(chain->inner->source);
	return c;
}
