/* What templates ask of the cloud beside its resources: secrets and parameters by dynamic reference, zones. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "ops.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int ask_secret(
	struct session *s, const struct eval_external *what, struct json **out, struct err *err)
{
	struct json *in = json_object(), *answer = NULL;

	json_set_str(in, "SecretId", what->name);
	if (what->stage)
		json_set_str(in, "VersionStage", what->stage);
	if (what->version)
		json_set_str(in, "VersionId", what->version);
	int ret = aws_call(s->aws, &secretsmanager_get_secret_value, in, &answer, err);
	const char *text = json_get_str(answer, "SecretString");
	if (ret < 0)
		err_wrap(err, "dynamic reference to secret '%s'", what->name);
	else if (!text)
		ret = err_set(err, ERR_USAGE, "secret '%s' holds bytes, not a text", what->name);
	else
		*out = json_string(text);
	json_free(in);
	json_free(answer);
	return ret;
}

static int ask_parameter(
	struct session *s, const struct eval_external *what, struct json **out, struct err *err)
{
	struct json *in = json_object(), *answer = NULL;
	char *name =
		what->version ? xasprintf("%s:%s", what->name, what->version) : xstrdup(what->name);

	json_set_str(in, "Name", name);
	int ret = aws_call(s->aws, &ssm_get_parameter, in, &answer, err);
	const struct json *parameter = json_get(answer, "Parameter");
	const char *type = json_get_str(parameter, "Type");
	const char *text = json_get_str(parameter, "Value");
	if (ret < 0)
		err_wrap(err, "Systems Manager's parameter '%s'", name);
	else if (!text || (type && !strcmp(type, "SecureString")))
		ret = err_set(err, ERR_USAGE, "Systems Manager's parameter '%s' is a secure string",
			name);
	else
		*out = json_string(text);
	free(name);
	json_free(in);
	json_free(answer);
	return ret;
}

static int ask(
	struct session *s, const struct eval_external *what, struct json **out, struct err *err)
{
	if (what->kind == EXTERNAL_SECRET)
		return ask_secret(s, what, out, err);
	return ask_parameter(s, what, out, err);
}

int cloud_knowledge(
	void *session, const struct eval_external *what, struct json **out, struct err *err)
{
	struct session *s = session;
	char *key;
	int ret = 0;

	if (what->kind == EXTERNAL_ZONES) {
		/* Zones differ from account to account, and no type here lies in one. */
		if (!(s->command->flags & CMD_CLOUD))
			return 1;
		err_set(err, ERR_USAGE, "Fn::GetAZs: glueproj does not ask EC2 for zones");
		return err_hint(err, "write the zones, or take them as a parameter");
	}
	if (!s->aws)
		return 1;
	key = xasprintf("%d\n%s\n%s\n%s", (int)what->kind, what->name,
		what->stage ? what->stage : "", what->version ? what->version : "");
	pthread_mutex_lock(&lock);
	if (!s->looked_up)
		s->looked_up = json_object();
	if (json_get(s->looked_up, key)) {
		*out = json_copy(json_get(s->looked_up, key));
	} else {
		ret = ask(s, what, out, err);
		if (!ret)
			json_set(s->looked_up, key, json_copy(*out));
	}
	pthread_mutex_unlock(&lock);
	free(key);
	return ret;
}
