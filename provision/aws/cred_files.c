/* Keys that stand somewhere as they are: in the environment, in a profile of a file. */
#include <pthread.h>
#include <sys/stat.h>
#include "cred_internal.h"

/* --- the environment --- */

static const char *const tokens[] = {"AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"};

static int environment_fetch(unused_arg struct cred_provider *p, unused_arg bool forced,
	struct aws_keys *out, struct err *err)
{
	const char *id = cred_env("AWS_ACCESS_KEY_ID"), *secret = cred_env("AWS_SECRET_ACCESS_KEY");
	const char *expires = cred_env("AWS_CREDENTIAL_EXPIRATION"), *token = NULL;
	if (!id || !secret) {
		err_set(err, ERR_DENIED,
			"AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
		return err_hint(err, "set both, or none to use the shared files");
	}
	if (expires && cred_parse_time(expires, &out->expires_ms) < 0)
		return err_set(err, ERR_DENIED, "AWS_CREDENTIAL_EXPIRATION is no time");
	for (size_t i = 0; !token && i < ARRAY_SIZE(tokens); i++)
		token = cred_env(tokens[i]);
	out->access_key_id = xstrdup(id);
	out->secret_access_key = xstrdup(secret);
	out->session_token = xstrdup(token);
	out->account = xstrdup(cred_env("AWS_ACCOUNT_ID"));
	return 0;
}

static void plain_free(struct cred_provider *p)
{
	free(p);
}

static const struct cred_provider_ops environment_ops = {environment_fetch, plain_free};

struct aws_credentials *cred_from_environment(const struct cred_ctx *ctx, struct err *err)
{
	struct aws_keys keys = AWS_KEYS_INIT;
	struct aws_credentials *c = NULL;
	if (!cred_env("AWS_ACCESS_KEY_ID") || environment_fetch(NULL, false, &keys, err) < 0)
		goto out;
	if (keys.expires_ms) {
		struct cred_provider *p = xcalloc(1, sizeof(*p));
		*p = (struct cred_provider){&environment_ops, ctx};
		c = cred_refreshing(ctx->clock, p, xstrdup("environment"));
	} else {
		c = aws_credentials_static(keys.access_key_id, keys.secret_access_key,
			keys.session_token, "environment");
	}
out:
	aws_keys_release(&keys);
	return c;
}

/* --- a profile of one file, read again when the file changes --- */

struct file_stamp {
	int64_t seconds, nanoseconds, size;
};

struct file_keys {
	pthread_mutex_t lock;
	char *profile, *path;
	bool config_file;
	struct file_stamp stamp;
	struct aws_keys keys;
};

static struct file_stamp stamp_of(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return (struct file_stamp){0, 0, -1};
	return (struct file_stamp){st.st_mtim.tv_sec, st.st_mtim.tv_nsec, st.st_size};
}

static bool same_stamp(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->seconds == b->seconds && a->nanoseconds == b->nanoseconds && a->size == b->size;
}

static int keys_of(
	const struct file_keys *fk, const struct profile *p, struct aws_keys *out, struct err *err)
{
	const char *id = profile_get(p, "aws_access_key_id");
	const char *secret = profile_get(p, "aws_secret_access_key");
	const char *token = profile_get(p, "aws_security_token");
	if (!token || !*token)
		token = profile_get(p, "aws_session_token");
	if (!id || !*id || !secret || !*secret) {
		const struct profile_setting *s = profile_setting(p, "aws_access_key_id");
		return err_set(err, ERR_DENIED, "%s:%d: profile '%s' has no %s", fk->path,
			s ? s->line : p->line, fk->profile,
			id && *id ? "aws_secret_access_key" : "aws_access_key_id");
	}
	*out = (struct aws_keys){
		.access_key_id = xstrdup(id),
		.secret_access_key = xstrdup(secret),
		.session_token = xstrdup(token && *token ? token : NULL),
		.account = xstrdup(profile_get(p, "aws_account_id")),
	};
	return 0;
}

/* Under the lock. */
static int reload(struct file_keys *fk, struct err *err)
{
	struct profiles ps;
	struct aws_keys keys = AWS_KEYS_INIT;
	profiles_init(&ps);
	fk->stamp = stamp_of(fk->path);
	int ret = profiles_load(&ps, err);
	if (ret == 0) {
		const struct profile *p =
			profiles_find(fk->config_file ? &ps.config : &ps.credentials, fk->profile);
		ret = p ? keys_of(fk, p, &keys, err)
			: err_set(err, ERR_DENIED, "profile '%s' is no longer in '%s'", fk->profile,
				  fk->path);
	}
	if (ret == 0) {
		aws_keys_release(&fk->keys);
		fk->keys = keys;
	}
	profiles_release(&ps);
	return ret;
}

/* A file that is being rewritten may be unreadable for a moment: the old keys still serve. */
static int file_get(struct aws_credentials *c, struct aws_keys *out, unused_arg struct err *err)
{
	struct file_keys *fk = c->impl;
	pthread_mutex_lock(&fk->lock);
	struct file_stamp now = stamp_of(fk->path);
	if (!same_stamp(&now, &fk->stamp) && reload(fk, NULL) < 0)
		fk->stamp = (struct file_stamp){0, 0, -1};
	aws_keys_copy(out, &fk->keys);
	pthread_mutex_unlock(&fk->lock);
	return 0;
}

/* True when the file holds other keys by now. */
static bool file_expire(struct aws_credentials *c, const char *access_key_id)
{
	struct file_keys *fk = c->impl;
	pthread_mutex_lock(&fk->lock);
	int ret = reload(fk, NULL);
	bool other = ret == 0 && strcmp(fk->keys.access_key_id, access_key_id) != 0;
	pthread_mutex_unlock(&fk->lock);
	return other;
}

static void file_free(struct aws_credentials *c)
{
	struct file_keys *fk = c->impl;
	aws_keys_release(&fk->keys);
	free(fk->profile);
	free(fk->path);
	pthread_mutex_destroy(&fk->lock);
	free(fk);
}

static const struct aws_credentials_ops file_ops = {
	.get = file_get, .expire = file_expire, .free = file_free};

struct aws_credentials *cred_from_file(
	const struct cred_ctx *ctx, const char *profile, bool config_file, struct err *err)
{
	const struct profiles *ps = &ctx->profiles;
	const char *path = config_file ? ps->config_path : ps->credentials_path;
	const struct profile *p =
		profiles_find(config_file ? &ps->config : &ps->credentials, profile);
	if (!profile_get(p, "aws_access_key_id"))
		return NULL;
	struct file_keys *fk = xcalloc(1, sizeof(*fk));
	pthread_mutex_init(&fk->lock, NULL);
	fk->profile = xstrdup(profile);
	fk->path = xstrdup(path);
	fk->config_file = config_file;
	fk->stamp = stamp_of(path);
	struct aws_credentials *c =
		cred_new(&file_ops, xasprintf("profile '%s' in %s", profile, path), fk);
	if (keys_of(fk, p, &fk->keys, err) == 0)
		return c;
	aws_credentials_free(c);
	return NULL;
}
