/* whoami: which account and identity the keys belong to, where they come from and when they end. */
#include <stdio.h>
#include "cmd.h"

static void say(struct session *s, const char *label, const char *member, const char *value)
{
	if (!value)
		return;
	json_set_str(s->doc, member, value);
	if (!s->json)
		printf("%-12s %s\n", label, value);
}

static void say_keys(struct session *s, const struct aws_keys *keys)
{
	struct strbuf expires = STRBUF_INIT;

	say(s, "access key", "access_key_id", keys->access_key_id);
	if (keys->expires_ms) {
		clock_add_iso(&expires, keys->expires_ms, false);
		say(s, "until", "expires", expires.buf);
	}
	strbuf_release(&expires);
}

int cmd_whoami(struct session *s)
{
	struct err err = ERR_INIT;
	struct aws_keys keys = AWS_KEYS_INIT;
	const char *arn = aws_client_caller_arn(s->aws, &err);

	if (!arn || aws_client_keys(s->aws, &keys, &err) < 0)
		return session_fail(s, &err);
	say(s, "account", "account", s->account);
	say(s, "identity", "arn", arn);
	say(s, "region", "region", s->ctx.region);
	say(s, "credentials", "credentials", aws_client_credentials_source(s->aws));
	say_keys(s, &keys);
	say(s, "endpoint", "endpoint", aws_client_endpoint(s->aws, "sts"));
	aws_keys_release(&keys);
	return 0;
}
