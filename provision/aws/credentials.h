#ifndef CREDENTIALS_H
#define CREDENTIALS_H

/*
 * Where keys come from. A provider is asked before each attempt of a call and gives keys that live long enough;
 * it refreshes them itself, once for all threads.
 */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"

struct clock;
struct http_transport;

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
	/* AWS refused the keys with this id as expired. True when the next `get` gives others or says why there are
	 * none: the request may be signed once more. NULL: these keys are all there is. Any thread. */
	bool (*expire)(struct aws_credentials *c, const char *access_key_id);
	void (*free)(struct aws_credentials *c);
};
struct aws_credentials {
	const struct aws_credentials_ops *ops;
	/* For people: "environment", "profile 'x' in ~/.aws/credentials", "profile 'x' (role ARN via profile 'base')",
	 * "local cloud". Holds no secret. */
	char *source;
	void *impl;
};

struct aws_credentials *aws_credentials_static(
	const char *id, const char *secret, const char *token, const char *source);

/* The keys of an access-key file as the console gives it for download (CSV). What is wrong with it is an ERR_USAGE with file
 * and line that repeats nothing of it. */
struct aws_credentials *aws_credentials_csv(const char *path, struct err *err) must_check;

/* Asks the user for one line that is not shown, as an MFA code; *answer is malloc'd, the caller's. */
typedef int aws_prompt_fn(void *payload, const char *text, char **answer, struct err *err);

struct aws_credentials_config {
	const char *
		profile; /* asked for by option: beats the environment's keys; NULL: AWS_PROFILE or default */
	const char *region;               /* of calls to STS; NULL: the profile's, or us-east-1 */
	struct http_transport *transport; /* borrowed, outlives the credentials */
	const struct clock *clock;        /* borrowed, the same */
	aws_prompt_fn *prompt;            /* NULL: there is no terminal */
	void *prompt_payload;
};
/*
 * The AWS CLI's chain, in its order; the first that is set up wins, also when it then fails:
 *   1. AWS_ACCESS_KEY_ID, unless a profile is asked for by option
 *   2. the profile's role_arn with source_profile or credential_source
 *   3. web identity: AWS_WEB_IDENTITY_TOKEN_FILE or the profile's web_identity_token_file; else, where AWS_ROLE_ARN is
 *      set, GitHub Actions' OIDC (the CLI has no such step: its users export keys, which end in the middle of a run)
 *   4. the profile's IAM Identity Center (sso_session, or sso_start_url)
 *   5. the credentials file's keys; 6. credential_process; 7. the config file's keys
 *   8. the container's endpoint (ECS, EKS, Glue); 9. the instance's metadata (IMDSv2)
 * ERR_DENIED with a hint that names what was looked at, in order. Roles, SSO and commands are only asked when keys are
 * first wanted, so that their failures are those of `get`.
 */
struct aws_credentials *aws_credentials_default(
	const struct aws_credentials_config *config, struct err *err) must_check;
void aws_credentials_free(struct aws_credentials *c); /* NULL is fine */

/* `region` of the profile or NULL; malloc'd. `profile` NULL: AWS_PROFILE or default. */
char *aws_profile_setting(const char *profile, const char *name);

#endif
