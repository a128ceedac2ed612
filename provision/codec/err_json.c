#include "err_json.h"

struct json *err_to_json(const struct err *err)
{
	struct json *j = json_object();

	json_set_str(j, "code", err_name(err));
	json_set_str(j, "rule", err->rule);
	json_set_str(j, "message", err->text ? err->text : "failed");
	json_set_str(j, "hint", err->hint);
	json_set_str(j, "file", err->file);
	if (err->line)
		json_set_i64(j, "line", err->line);
	if (err->column)
		json_set_i64(j, "column", err->column);
	json_set_str(j, "path", err->path);
	json_set_str(j, "stack", err->stack);
	json_set_str(j, "logical_id", err->logical_id);
	json_set_str(j, "operation", err->operation);
	json_set_str(j, "aws_code", err->aws_code);
	if (err->http_status)
		json_set_i64(j, "http_status", err->http_status);
	json_set_str(j, "request_id", err->request_id);
	return j;
}
