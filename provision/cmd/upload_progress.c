/* How far an upload is. Rate and time left count what is sent, not what was there. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "json_lex.h"
#include "upload.h"

#define DRAW_MS 200
#define LINE_MS 5000

struct upload_progress {
	bool live, color, quiet, drawn;
	char *bucket;
	size_t nr, done;
	int64_t total;
	_Atomic int64_t sent, had; /* had: was there, or had arrived earlier */
	_Atomic int64_t next_ms;   /* when the next line is due */
	int64_t began_ms;
	pthread_mutex_t lock;
};

void upload_add_size(struct strbuf *sb, double bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	size_t unit = 0;

	while (bytes >= 1000 && unit + 1 < ARRAY_SIZE(units)) {
		bytes /= 1000;
		unit++;
	}
	strbuf_addf(sb, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static int64_t now_ms(void)
{
	return clock_system()->mono_ms(clock_system());
}

struct upload_progress *upload_progress_new(const struct session *s, const struct upload_jobs *jobs)
{
	struct upload_progress *p = xcalloc(1, sizeof(*p));
	const char *term = getenv("TERM");
	bool terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;

	p->quiet = s->o.quiet;
	p->color = terminal && !s->o.no_color;
	p->live = p->color && !s->o.quiet && !s->o.verbose;
	p->bucket = xstrdup(jobs->bucket);
	p->nr = jobs->nr;
	for (size_t i = 0; i < jobs->nr; i++)
		p->total += jobs->v[i].size;
	p->began_ms = now_ms();
	p->next_ms = p->began_ms + (p->live ? DRAW_MS : LINE_MS);
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

/* A name is text of somebody else's: nothing of it moves the cursor, nor breaks who reads lines of UTF-8. */
void upload_add_name(struct strbuf *sb, const char *name)
{
	const char *end = name + strlen(name);

	while (name < end) {
		size_t len = utf8_char_len(name, end);
		if (len && ((unsigned char)*name < ' ' || *name == 0x7f))
			len = 0;
		if (len)
			strbuf_add(sb, name, len);
		else
			strbuf_addch(sb, '?');
		name += len ? len : 1;
	}
}

static void add_line(struct upload_progress *p, struct strbuf *sb)
{
	int64_t through = p->sent + p->had, sent = p->sent, left;
	double seconds = (double)(now_ms() - p->began_ms) / 1000.0;
	double rate = seconds > 0 ? (double)sent / seconds : 0;

	strbuf_addf(sb, "  %zu of %zu files, ", p->done, p->nr);
	upload_add_size(sb, (double)through);
	strbuf_addstr(sb, " of ");
	upload_add_size(sb, (double)p->total);
	strbuf_addstr(sb, ", ");
	upload_add_size(sb, rate);
	strbuf_addstr(sb, "/s");
	if (rate > 0 && p->total >= through) {
		left = (int64_t)((double)(p->total - through) / rate);
		if (left >= 3600)
			strbuf_addf(sb, ", %lld:%02lld:%02lld left", (long long)left / 3600,
				(long long)left / 60 % 60, (long long)left % 60);
		else
			strbuf_addf(sb, ", %lld:%02lld left", (long long)left / 60,
				(long long)left % 60);
	}
	strbuf_addch(sb, '\n');
}

static void erase(struct upload_progress *p, struct strbuf *sb)
{
	if (p->drawn)
		strbuf_addstr(sb, "\033[1A\r\033[J");
	p->drawn = false;
}

/* Under the lock. */
static void draw(struct upload_progress *p, struct strbuf *sb)
{
	erase(p, sb);
	add_line(p, sb);
	p->drawn = p->live;
}

void upload_progress_bytes(void *progress, int64_t bytes, bool earlier)
{
	struct upload_progress *p = progress;
	struct strbuf sb = STRBUF_INIT;
	int64_t now = now_ms();

	if (earlier)
		p->had += bytes;
	else
		p->sent += bytes;
	if (p->quiet || now < p->next_ms)
		return;
	pthread_mutex_lock(&p->lock);
	if (now >= p->next_ms) {
		p->next_ms = now + (p->live ? DRAW_MS : LINE_MS);
		draw(p, &sb);
		fwrite(sb.buf, 1, sb.len, stderr);
	}
	pthread_mutex_unlock(&p->lock);
	strbuf_release(&sb);
}

void upload_progress_done(struct upload_progress *p, const struct upload_job *job)
{
	static const char *const colors[UPLOAD_STATUSES] = {[UPLOAD_FAILED] = "\033[31m",
		[UPLOAD_PLANNED] = "",
		[UPLOAD_UPLOADED] = "\033[32m",
		[UPLOAD_RESUMED] = "\033[32m",
		[UPLOAD_SKIPPED] = "\033[33m"};
	struct strbuf sb = STRBUF_INIT;

	if (job->status == UPLOAD_SKIPPED)
		p->had += job->size;
	pthread_mutex_lock(&p->lock);
	p->done++;
	erase(p, &sb);
	if (!p->quiet) {
		strbuf_addf(&sb, "  %s%-8s%s ", p->color ? colors[job->status] : "",
			upload_status_names[job->status], p->color ? "\033[0m" : "");
		upload_add_name(&sb, job->from);
		strbuf_addf(&sb, " -> s3://%s/", p->bucket);
		upload_add_name(&sb, job->key);
		strbuf_addstr(&sb, "  ");
		upload_add_size(&sb, (double)job->size);
		if (job->status != UPLOAD_PLANNED)
			strbuf_addf(&sb, "  %.2f s", job->seconds);
		strbuf_addch(&sb, '\n');
	}
	if (p->live && p->done < p->nr)
		draw(p, &sb);
	fwrite(sb.buf, 1, sb.len, stderr);
	pthread_mutex_unlock(&p->lock);
	strbuf_release(&sb);
}

void upload_progress_free(struct upload_progress *p)
{
	struct strbuf sb = STRBUF_INIT;

	erase(p, &sb);
	fwrite(sb.buf, 1, sb.len, stderr);
	strbuf_release(&sb);
	pthread_mutex_destroy(&p->lock);
	free(p->bucket);
	free(p);
}
