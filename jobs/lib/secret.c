#include "secret.h"

#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "ops.h"
#include "strbuf.h"

/* The job's copy goes; the caller has its own. */
static char *take_argument(struct job *job, const char *name)
{
	char *given = map_get(&job->args.values, name), *own = xstrdup(given);

	if (given)
		wipe(given, strlen(given));
	map_remove(&job->args.values, name);
	return own;
}

static void trim(char *s)
{
	size_t from = strspn(s, " \t\r\n"), len = strlen(s);

	while (len > from && strchr(" \t\r\n", s[len - 1]))
		len--;
	memmove(s, s + from, len - from);
	wipe(s + len - from, strlen(s) - (len - from));
}

char *secret_text(struct job *job, const char *name, struct err *err)
{
	struct aws_client *aws = job_aws(job, err);
	struct json *in = json_object(), *out = NULL;
	const char *value;
	char *secret = NULL;

	json_set_str(in, "SecretId", name);
	if (aws && aws_call(aws, &secretsmanager_get_secret_value, in, &out, err) == 0) {
		value = json_get_str(out, "SecretString");
		secret = xstrdup(value);
		if (!value)
			err_set(err, ERR_INVALID, "the secret '%s' holds no text (SecretString)",
				name);
		else
			wipe((char *)value, strlen(value));
	} else if (aws) {
		err_wrap(err, "the secret '%s'", name);
	}
	json_free(in);
	json_free(out);
	return secret;
}

char *secret_api_key(struct job *job, struct err *err)
{
	const char *name = job_args_get(&job->args, "exabel_api_key_secret");
	char *key = take_argument(job, "exabel_api_key");

	if (key && name) {
		err_set(err, ERR_USAGE,
			"--exabel_api_key and --exabel_api_key_secret: one of the two is wanted");
		free_secret(key);
		return NULL;
	}
	if (!key && !name) {
		err_set(err, ERR_USAGE,
			"the Exabel API key is missing: --exabel_api_key_secret NAME (or "
			"--exabel_api_key KEY)");
		return NULL;
	}
	if (!key)
		key = secret_text(job, name, err);
	if (!key)
		return NULL;
	trim(key);
	if (*key)
		return key;
	free_secret(key);
	err_set(err, ERR_INVALID, "the Exabel API key is empty");
	return NULL;
}
