#ifndef LOCAL_LOGS_STORE_H
#define LOCAL_LOGS_STORE_H

/* Groups, streams and events of CloudWatch Logs as rows; shared by the files that serve it. All inside a transaction. */
#include "local_cloud.h"

extern const struct local_part local_logs_part;
extern const struct local_service local_logs_service, local_logs_read_service;

#define logs_invalid(err, ...) local_fault(err, 400, "InvalidParameterException", __VA_ARGS__)

/* Their row ids; ResourceNotFoundException. */
int logs_group_tx(
	struct local_cloud *cloud, const char *name, int64_t *id, struct err *err) must_check;
int logs_stream_tx(struct local_cloud *cloud, int64_t group, const char *name, int64_t *id,
	struct err *err) must_check;
/* The group that a request names by logGroupName or logGroupIdentifier (name or ARN). Borrowed; NULL with a fault. */
const char *logs_request_group(struct local_cloud *cloud, const struct local_request *req,
	struct strbuf *scratch, struct err *err);
/* Events older than the group keeps them go. group 0: of all groups. */
int logs_purge_tx(struct local_cloud *cloud, int64_t group, struct err *err) must_check;
/* Events appended to a stream, in the order given. */
struct logs_writer {
	struct local_cloud *cloud;
	int64_t stream, seq, now, first, last, bytes;
};
int logs_writer_open_tx(struct logs_writer *w, struct local_cloud *cloud, int64_t stream,
	struct err *err) must_check;
int logs_writer_add_tx(struct logs_writer *w, int64_t time_ms, const char *text, size_t len,
	struct err *err) must_check;
int logs_writer_close_tx(struct logs_writer *w, struct err *err) must_check;
/* `limit` within [1, max]; without one `max`. */
int logs_limit(const struct json *in, int64_t max, int64_t *limit, struct err *err) must_check;

/* --- filter patterns: words and "phrases" that must all occur, -word that must not, ?word of which one must --- */
struct logs_pattern;
struct logs_pattern *logs_pattern_new(const char *text, struct err *err) must_check;
void logs_pattern_free(struct logs_pattern *p);
bool logs_pattern_matches(const struct logs_pattern *p, const char *message);

#endif
