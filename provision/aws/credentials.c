#include "credentials.h"
#include "cred_internal.h"

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

struct aws_credentials *cred_new(const struct aws_credentials_ops *ops, char *source, void *impl)
{
	struct aws_credentials *c = xcalloc(1, sizeof(*c));
	c->ops = ops;
	c->source = source;
	c->impl = impl;
	return c;
}

void cred_provider_free(struct cred_provider *p)
{
	if (p)
		p->ops->free(p);
}

const char *cred_env(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
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

static const struct aws_credentials_ops static_ops = {.get = static_get, .free = static_free};

struct aws_credentials *aws_credentials_static(
	const char *id, const char *secret, const char *token, const char *source)
{
	struct aws_keys *keys = xcalloc(1, sizeof(*keys));
	keys->access_key_id = xstrdup(id);
	keys->secret_access_key = xstrdup(secret);
	keys->session_token = xstrdup(token && *token ? token : NULL);
	return cred_new(&static_ops, xstrdup(source), keys);
}
