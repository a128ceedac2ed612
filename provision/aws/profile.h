#ifndef PROFILE_H
#define PROFILE_H

/*
 * The shared files ~/.aws/config and ~/.aws/credentials ("Configuration and credential file settings in the AWS CLI").
 * Both are read whole: profiles refer to each other, to "sso-session" and to "services" sections.
 *
 * A line that is indented deeper than the setting above it goes on with that setting: with a nested one
 * (profile_get_nested) where nothing stands behind the '=', with a further line of the value where something does.
 */
#include <stdbool.h>
#include "err.h"
#include "map.h"

/* One section. A setting knows its place for messages. */
struct profile_setting {
	char *value;
	const char *file; /* borrowed from struct profiles; NULL when parsed from memory */
	int line;
};
struct profile {
	struct map settings; /* name in lower case -> struct profile_setting */
	bool found;
	const char *file; /* where the section begins, as above */
	int line;
};

void profile_init(struct profile *p);
void profile_release(struct profile *p); /* wipes the values */
/* Borrowed; NULL where there is none. `p` may be NULL. */
const char *profile_get(const struct profile *p, const char *name);
const struct profile_setting *profile_setting(const struct profile *p, const char *name);
/* `name` in the block below `parent =`. */
const char *profile_get_nested(const struct profile *p, const char *parent, const char *name);

/* Puts the settings of section `name` into p; what is there already is replaced. In a config file sections are
 * "profile NAME" or "default". Lines that are none of the format are passed over, as AWS's own tools do. */
void profile_parse(
	const char *text, size_t len, bool config_file, const char *name, struct profile *p);

/* All sections of both files. */
struct profiles {
	char *config_path, *credentials_path;
	struct map config, credentials; /* profile -> struct profile: what each file says */
	struct map merged;              /* both; the credentials file wins */
	struct map sso_sessions, services;
};
void profiles_init(struct profiles *ps);
void profiles_release(struct profiles *ps);
/* A missing file is an empty one. */
int profiles_load(struct profiles *ps, struct err *err) must_check;
/* As profiles_load does with a file: for tests and the fuzzer. */
void profiles_parse(struct profiles *ps, const char *text, size_t len, bool config_file);
/* Makes `merged` of what was parsed. */
void profiles_merge(struct profiles *ps);
/* Of any of the maps; NULL where there is none. */
const struct profile *profiles_find(const struct map *sections, const char *name);

/* `profile`, else AWS_PROFILE and its older name, else "default"; which of the two variables wins is botocore's order. */
const char *profile_name(const char *profile);
/* Malloc'd paths: AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, or those in the home folder. */
char *profile_config_path(void);
char *profile_credentials_path(void);
/* In the home folder; malloc'd. */
char *profile_home_path(const char *name);
/* Both files; the credentials file wins. A missing file is an empty one. */
int profile_load(const char *profile, struct profile *p, struct err *err) must_check;

/*
 * "Service-specific endpoints": `endpoint_url` of service `id` in the "services" section that the profile names;
 * malloc'd, NULL where there is none. `id` as the files have it: the tail of AWS_ENDPOINT_URL_<ID> in lower case
 * ("glue", "secrets_manager", "resource_groups_tagging_api"); any case is taken.
 */
char *profile_services_endpoint(const char *profile, const char *id);

#endif
