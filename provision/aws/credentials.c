#include "credentials.h"
#include <pthread.h>
#include <sys/stat.h>
#include "clock.h"
#include "profile.h"
#include "strbuf.h"

void aws_keys_release(struct aws_keys *k)
{
	free(k->access_key_id);
	free_secret(k->secret_access_key);
	free_secret(k->session_token);
	free(k->account);
	*k = (struct aws_keys)AWS_KEYS_INIT;
}

void aws_keys_copy(struct aws_keys *to, const struct aws_keys *from)
{
	if (to == from)
		return;
	aws_keys_release(to);
	to->access_key_id = xstrdup(from->access_key_id);
	to->secret_access_key = xstrdup(from->secret_access_key);
	to->session_token = xstrdup(from->session_token);
	to->account = xstrdup(from->account);
	to->expires_ms = from->expires_ms;
}

void aws_credentials_free(struct aws_credentials *c)
{
	if (!c)
		return;
	c->ops->free(c);
	free(c->source);
	free(c);
}

static struct aws_credentials *credentials_new(
	const struct aws_credentials_ops *ops, char *source, void *impl)
{
	struct aws_credentials *c = xcalloc(1, sizeof(*c));
	c->ops = ops;
	c->source = source;
	c->impl = impl;
	return c;
}

/* --- keys that never change --- */

static int static_get(struct aws_credentials *c, struct aws_keys *out, unused_arg struct err *err)
{
	aws_keys_copy(out, c->impl);
	return 0;
}

static void static_free(struct aws_credentials *c)
{
	aws_keys_release(c->impl);
	free(c->impl);
}

static const struct aws_credentials_ops static_ops = {static_get, static_free};

struct aws_credentials *aws_credentials_static(
	const char *id, const char *secret, const char *token, const char *source)
{
	struct aws_keys *keys = xcalloc(1, sizeof(*keys));
	keys->access_key_id = xstrdup(id);
	keys->secret_access_key = xstrdup(secret);
	keys->session_token = xstrdup(token && *token ? token : NULL);
	return credentials_new(&static_ops, xstrdup(source), keys);
}

static const char *env(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* NULL without an error: nothing there. */
static struct aws_credentials *from_environment(struct err *err)
{
	const char *id = env("AWS_ACCESS_KEY_ID"), *secret = env("AWS_SECRET_ACCESS_KEY");
	const char *expires = env("AWS_CREDENTIAL_EXPIRATION");
	if (!id && !secret)
		return NULL;
	if (!id || !secret) {
		err_set(err, ERR_DENIED, "%s is set, but %s is not",
			id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
			id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
		err_hint(err, "set both, or none to use the shared files");
		return NULL;
	}
	struct aws_credentials *c =
		aws_credentials_static(id, secret, env("AWS_SESSION_TOKEN"), "environment");
	struct aws_keys *keys = c->impl;
	if (expires && clock_parse(expires, &keys->expires_ms) < 0)
		keys->expires_ms = 0;
	return c;
}

/* --- a profile of the shared files, read again when a file changes --- */

struct file_stamp {
	int64_t seconds, nanoseconds, size;
};

struct profile_keys {
	pthread_mutex_t lock;
	char *profile, *paths[2];
	struct file_stamp stamps[2];
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

/* Profiles that get their keys in ways that are not built in: the AWS CLI can hand them over. */
static const char *const other_ways[] = {
	"credential_process",
	"role_arn",
	"sso_session",
	"sso_start_url",
	"web_identity_token_file",
};

static int refuse(const struct profile_keys *pk, const struct profile *p, struct err *err)
{
	if (!p->found) {
		err_set(err, ERR_DENIED,
			"no AWS credentials: profile '%s' is in neither '%s' nor '%s'", pk->profile,
			pk->paths[0], pk->paths[1]);
		return err_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run 'aws "
				     "configure', or use "
				     "--local");
	}
	for (size_t i = 0; i < ARRAY_SIZE(other_ways); i++) {
		if (!profile_get(p, other_ways[i]))
			continue;
		err_set(err, ERR_DENIED, "profile '%s' gets its keys by %s, which is not built in",
			pk->profile, other_ways[i]);
		return err_hint(err,
			"eval \"$(aws configure export-credentials --profile %s --format env)\"",
			pk->profile);
	}
	err_set(err, ERR_DENIED, "profile '%s' has no aws_access_key_id and aws_secret_access_key",
		pk->profile);
	return err_hint(
		err, "looked at the environment, '%s' and '%s'", pk->paths[0], pk->paths[1]);
}

/* Under the lock. */
static int reload(struct profile_keys *pk, struct err *err)
{
	struct profile p;
	int ret = -1;
	profile_init(&p);
	for (size_t i = 0; i < 2; i++)
		pk->stamps[i] = stamp_of(pk->paths[i]);
	if (profile_load(pk->profile, &p, err) < 0)
		goto out;
	const char *id = profile_get(&p, "aws_access_key_id");
	const char *secret = profile_get(&p, "aws_secret_access_key");
	const char *token = profile_get(&p, "aws_session_token");
	if (!id || !*id || !secret || !*secret) {
		refuse(pk, &p, err);
		goto out;
	}
	const struct aws_keys keys = {
		.access_key_id = xstrdup(id),
		.secret_access_key = xstrdup(secret),
		.session_token = xstrdup(token && *token ? token : NULL),
	};
	aws_keys_release(&pk->keys);
	pk->keys = keys;
	ret = 0;
out:
	profile_release(&p);
	return ret;
}

static int profile_keys_get(struct aws_credentials *c, struct aws_keys *out, struct err *err)
{
	struct profile_keys *pk = c->impl;
	int ret = 0;
	pthread_mutex_lock(&pk->lock);
	bool fresh = pk->keys.access_key_id != NULL;
	for (size_t i = 0; fresh && i < 2; i++) {
		struct file_stamp now = stamp_of(pk->paths[i]);
		fresh = same_stamp(&now, &pk->stamps[i]);
	}
	/* A file that is being rewritten may be unreadable for a moment: the old keys still serve. */
	if (!fresh && reload(pk, pk->keys.access_key_id ? NULL : err) < 0)
		ret = pk->keys.access_key_id ? 0 : -1;
	if (ret == 0)
		aws_keys_copy(out, &pk->keys);
	pthread_mutex_unlock(&pk->lock);
	return ret;
}

static void profile_keys_free(struct aws_credentials *c)
{
	struct profile_keys *pk = c->impl;
	aws_keys_release(&pk->keys);
	free(pk->profile);
	free(pk->paths[0]);
	free(pk->paths[1]);
	pthread_mutex_destroy(&pk->lock);
	free(pk);
}

static const struct aws_credentials_ops profile_ops = {profile_keys_get, profile_keys_free};

struct aws_credentials *aws_credentials_default(const char *profile, struct err *err)
{
	struct err why = ERR_INIT;
	bool asked = profile && *profile;
	if (!asked) {
		struct aws_credentials *c = from_environment(&why);
		if (c)
			return c;
		if (why.code != ERR_NONE) {
			err_move(err, &why);
			return NULL;
		}
	}
	struct profile_keys *pk = xcalloc(1, sizeof(*pk));
	pthread_mutex_init(&pk->lock, NULL);
	pk->profile = xstrdup(profile_name(profile));
	pk->paths[0] = profile_credentials_path();
	pk->paths[1] = profile_config_path();
	struct aws_credentials *c = credentials_new(
		&profile_ops, xasprintf("profile '%s' in %s", pk->profile, pk->paths[0]), pk);
	if (reload(pk, err) < 0) {
		aws_credentials_free(c);
		return NULL;
	}
	return c;
}
