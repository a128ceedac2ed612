#ifndef PROFILE_H
#define PROFILE_H

/*
 * The shared files ~/.aws/config and ~/.aws/credentials ("Configuration and credential file settings in the AWS CLI").
 * Nested settings (indented lines) are passed over.
 */
#include <stdbool.h>
#include "err.h"
#include "map.h"

struct profile {
	struct map settings; /* name in lower case -> malloc'd value */
	bool found;
};

void profile_init(struct profile *p);
void profile_release(struct profile *p); /* wipes the values */
const char *profile_get(const struct profile *p, const char *name);

/* Puts the settings of section `name` into p; what is there already is replaced. In a config file sections are
 * "profile NAME" or "default". Lines that are none of the format are passed over, as AWS's own tools do. */
void profile_parse(
	const char *text, size_t len, bool config_file, const char *name, struct profile *p);

/* `profile`, AWS_PROFILE or "default". */
const char *profile_name(const char *profile);
/* Malloc'd paths: AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, or those in the home folder. */
char *profile_config_path(void);
char *profile_credentials_path(void);
/* Both files; the credentials file wins. A missing file is an empty one. */
int profile_load(const char *profile, struct profile *p, struct err *err) must_check;

#endif
