#ifndef SECRET_H
#define SECRET_H

/* Keys of others' services: named in Secrets Manager, or given plainly. */
#include "job.h"

/* The value of --exabel_api_key_secret NAME (its SecretString) or of --exabel_api_key KEY, of which one is wanted: ERR_USAGE
 * for none and for both. Blanks and line ends around it do not count. What the job's arguments held is wiped. Malloc'd,
 * for free_secret(). */
char *secret_api_key(struct job *job, struct err *err) must_check;

/* A secret's SecretString by its name or ARN. Malloc'd, for free_secret(). */
char *secret_text(struct job *job, const char *name, struct err *err) must_check;

#endif
