#ifndef CRED_PLACE_H
#define CRED_PLACE_H

#include <stdlib.h>
#include "fs.h"

/* A folder with both files; the environment points there and holds nothing else. */
struct place {
	char *dir, *config, *credentials;
};

static void place_init(struct place *p, const char *config, const char *credentials)
{
	struct err err = ERR_INIT;
	static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_CREDENTIAL_EXPIRATION", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
		"AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "ACTIONS_ID_TOKEN_REQUEST_URL",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_METADATA_SERVICE_TIMEOUT",
		"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "AWS_EC2_METADATA_V1_DISABLED",
		"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO",
		"AWS_ENDPOINT_URL_SSO_OIDC", "AWS_REGION", "AWS_DEFAULT_REGION"};
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	p->dir = fs_mkdtemp(NULL, "credentials-", &err);
	assert_non_null(p->dir);
	p->config = fs_join(p->dir, "config");
	p->credentials = fs_join(p->dir, "credentials");
	if (config)
		assert_ok(fs_write_atomic(p->config, config, strlen(config), 0600, &err), &err);
	if (credentials)
		assert_ok(fs_write_atomic(
				  p->credentials, credentials, strlen(credentials), 0600, &err),
			&err);
	setenv("HOME", p->dir, 1);
	setenv("AWS_CONFIG_FILE", p->config, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", p->credentials, 1);
}

static void place_release(struct place *p)
{
	struct err err = ERR_INIT;
	assert_ok(fs_remove_tree(p->dir, &err), &err);
	free(p->dir);
	free(p->config);
	free(p->credentials);
}

#define BOTH(id) "aws_access_key_id = " id "\naws_secret_access_key=HUSH" id "\n"

#endif
