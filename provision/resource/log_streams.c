#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "strbuf.h"

/* Glue's log groups are shared by all jobs of an account: streams go, groups stay. */
int sweep_log_streams(const struct type_ctx *ctx, const char *group, const char *prefix, bool exact,
	struct json *gone, struct err *err)
{
	struct json *in = json_strings("logGroupName", group, "logStreamNamePrefix", prefix, NULL);
	struct json *streams = NULL, *s;
	struct err why = ERR_INIT;
	int ret = list_if_there(ctx, &logs_describe_log_streams, in, &streams, &why);
	json_each(s, streams)
	{
		const char *name = json_get_str(s, "logStreamName");
		if (ret || !name || !starts_with(name, prefix) || (exact && strcmp(name, prefix)))
			continue;
		struct json *del = json_strings("logGroupName", group, "logStreamName", name, NULL);
		char *id = xasprintf("%s:%s", group, name);
		ret = aws_call(ctx->aws, &logs_delete_log_stream, del, NULL, &why);
		if (!ret)
			json_push(gone, json_strings("type", "AWS::Logs::LogStream", "physical_id",
						id, NULL));
		else if (err_is_missing(&why))
			ret = 0;
		json_free(del);
		free(id);
	}
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	json_free(streams);
	return ret;
}
