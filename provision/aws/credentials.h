#ifndef CREDENTIALS_H
#define CREDENTIALS_H

/*
 * Where keys come from. A provider is asked before each attempt of a call and gives keys that live long enough;
 * it refreshes them itself, once for all threads.
 */
#include <stdint.h>
#include "err.h"

struct aws_keys {
	char *access_key_id, *secret_access_key, *session_token; /* token NULL when none */
	char *account;                                           /* NULL when unknown */
	int64_t expires_ms;                                      /* 0: never */
};
#define AWS_KEYS_INIT \
	{             \
		0     \
	}
void aws_keys_release(struct aws_keys *k); /* wipes */
void aws_keys_copy(struct aws_keys *to, const struct aws_keys *from);

struct aws_credentials;
struct aws_credentials_ops {
	/* Fresh keys into `out` (the caller's). Any thread. */
	int (*get)(struct aws_credentials *c, struct aws_keys *out, struct err *err);
	void (*free)(struct aws_credentials *c);
};
struct aws_credentials {
	const struct aws_credentials_ops *ops;
	char *source; /* for people: "environment", "profile 'x' in ~/.aws/credentials", "local cloud" */
	void *impl;
};

struct aws_credentials *aws_credentials_static(
	const char *id, const char *secret, const char *token, const char *source);
/* The chain: environment, then shared files (AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, AWS_PROFILE or `profile`,
 * which wins over the environment when given). ERR_DENIED with a hint that names what was looked at. */
struct aws_credentials *aws_credentials_default(const char *profile, struct err *err) must_check;
void aws_credentials_free(struct aws_credentials *c); /* NULL is fine */

/* `region` of the profile or NULL; malloc'd. `profile` NULL: AWS_PROFILE or default. */
char *aws_profile_setting(const char *profile, const char *name);

#endif
