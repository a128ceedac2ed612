#include "pgjob.h"

#include <stdlib.h>
#include <string.h>
#include "secret.h"

static struct pg *connect_by_secret(struct job *job, const char *name, struct err *err)
{
	char *text = secret_text(job, name, err);
	char *what = xasprintf("the secret '%s'", name);
	struct json *secret = NULL;
	struct pg *pg = NULL;

	if (text && text[strspn(text, " \t\r\n")] == '{') {
		secret = json_parse(text, strlen(text), NULL);
		if (secret)
			pg = pg_connect_json(secret, what, err);
		else
			err_set(err, ERR_INVALID, "%s is no JSON", what);
	} else if (text) {
		pg = pg_connect_text(text, what, err);
	}
	json_free(secret);
	free_secret(text);
	free(what);
	return pg;
}

struct pg *pg_connect_job(struct job *job, struct err *err)
{
	const char *secret = job_args_get(&job->args, "POSTGRES_SECRET");
	const char *plain = job_args_get(&job->args, "POSTGRES");

	if (!secret == !plain) {
		err_set(err, ERR_USAGE, "one of --POSTGRES_SECRET and --POSTGRES is wanted, %s",
			secret ? "both are given" : "none is given");
		return NULL;
	}
	if (plain && strcmp(plain, "env") != 0) {
		err_set(err, ERR_USAGE, "--POSTGRES '%s': 'env' is wanted", plain);
		return NULL;
	}
	return secret ? connect_by_secret(job, secret, err) : pg_connect_environment(err);
}
