#ifndef UPLOAD_H
#define UPLOAD_H

/* What `upload` shares between its files. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "cmd.h"

enum upload_status {
	UPLOAD_FAILED, /* also: not begun */
	UPLOAD_PLANNED,
	UPLOAD_UPLOADED,
	UPLOAD_RESUMED,
	UPLOAD_SKIPPED,
	UPLOAD_STATUSES,
};
extern const char *const upload_status_names[UPLOAD_STATUSES];

struct upload_job {
	char *from, *key;
	int64_t size, sent;
	enum upload_status status;
	double seconds;
	struct err err; /* of UPLOAD_FAILED */
};
struct upload_jobs {
	struct upload_job *v;
	size_t nr, alloc;
	char *bucket;
};
void upload_jobs_release(struct upload_jobs *jobs);

/* upload_find.c: which files go where. All that is wrong with the operands is told, as ERR_USAGE. */
int upload_find(struct session *s, struct upload_jobs *out);

/* upload_run.c: sends them, at most --parallel requests at a time; each job's end is in itself. */
void upload_run(struct session *s, struct upload_jobs *jobs);

/* upload_progress.c: on stderr, a live line on a terminal, else a line for each file and one every few seconds. */
struct upload_progress;
struct upload_progress *upload_progress_new(
	const struct session *s, const struct upload_jobs *jobs);
void upload_progress_free(struct upload_progress *p);
/* As s3_sending's; any thread. */
void upload_progress_bytes(void *progress, int64_t bytes, bool earlier);
void upload_progress_done(struct upload_progress *p, const struct upload_job *job);
/* As a line may show it. */
void upload_add_name(struct strbuf *sb, const char *name);
/* "12.3 MB" */
void upload_add_size(struct strbuf *sb, double bytes);

#endif
