#ifndef LOCAL_LOGS_H
#define LOCAL_LOGS_H

/* CloudWatch Logs as the runner and the crawler write it. */
#include "local_cloud.h"

/* Makes group and stream when missing; one event per line of `text` (without line ends), all with `time_ms`. */
int local_logs_append(struct local_cloud *cloud, const char *group, const char *stream,
	int64_t time_ms, const char *text, size_t len, struct err *err) must_check;

#endif
