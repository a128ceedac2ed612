/* An execution as people see it: a line for what happened, and on a terminal what is under way below. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "clock.h"
#include "exec_history.h"
#include "run_parts.h"

#define NAME_WIDTH 40
#define LOG_LINES 10
#define LINE_WIDTH 100
#define MAX_LIVE 8

struct states_view {
	struct run *r;
	bool live, color;
	size_t drawn;       /* lines of the live block on the screen */
	char *last_failure; /* error and cause that were told last: containers fail by the same */
};

struct states_view *states_view_new(struct run *r)
{
	struct states_view *v = xcalloc(1, sizeof(*v));
	const struct session *s = r->s;
	const char *term = getenv("TERM");
	bool plain = !term || !strcmp(term, "dumb") || s->o.no_color;

	v->r = r;
	v->color = !plain && isatty(fileno(run_stream(r)));
	v->live = !plain && isatty(STDERR_FILENO) && !s->o.quiet && !s->o.verbose && s->o.follow;
	return v;
}

void states_view_free(struct states_view *v)
{
	if (!v)
		return;
	states_view_erase(v);
	free(v->last_failure);
	free(v);
}

bool states_view_is_live(const struct states_view *v)
{
	return v->live;
}

/* --- lines --- */

static const char *color_of(const struct states_view *v, const char *state)
{
	static const struct {
		const char *state, *color;
	} colors[] = {{"SUCCEEDED", "\033[32m"}, {"FAILED", "\033[31m"}, {"CAUGHT", "\033[33m"},
		{"ABORTED", "\033[33m"}, {"TIMED_OUT", "\033[31m"}};

	for (size_t i = 0; v->color && i < ARRAY_SIZE(colors); i++)
		if (!strcmp(colors[i].state, state))
			return colors[i].color;
	return "";
}

void states_add_text(struct strbuf *sb, const char *text)
{
	size_t from = sb->len;

	strbuf_addstr(sb, text);
	strbuf_blank_controls(sb, from, "");
}

/* "    3.1 s    1. BTC to silver": names keep their places, branch by branch. */
static void add_place(struct strbuf *sb, const struct visit *visit)
{
	strbuf_addchars(sb, ' ', visit->depth * 2);
	if (visit->iteration >= 0)
		strbuf_addf(sb, "[%lld] ", (long long)visit->iteration);
	else if (visit->branch >= 0)
		strbuf_addf(sb, "%lld. ", (long long)visit->branch + 1);
	states_add_text(sb, visit->name);
}

static void add_line(struct states_view *v, struct strbuf *sb, const struct visit *visit,
	int64_t ms, const char *state)
{
	const char *color = color_of(v, state);
	struct strbuf place = STRBUF_INIT;
	size_t width;

	add_place(&place, visit);
	width = text_width(place.buf);
	strbuf_addf(sb, "%8.1f s  %s", (double)(ms - v->r->started_ms) / 1000.0, place.buf);
	strbuf_addchars(sb, ' ', width < NAME_WIDTH ? NAME_WIDTH - width : 1);
	strbuf_addf(sb, " %s%-9s%s", color, state, *color ? "\033[0m" : "");
	strbuf_release(&place);
}

static void add_seconds(struct strbuf *sb, int64_t from_ms, int64_t to_ms)
{
	strbuf_addf(sb, " %6.1f s", to_ms > from_ms ? (double)(to_ms - from_ms) / 1000.0 : 0);
}

static void add_subject(struct strbuf *sb, const struct visit *visit)
{
	size_t from = sb->len;

	if (visit->job)
		strbuf_addf(sb, "  job %s", visit->job);
	else if (visit->resource)
		strbuf_addf(sb, "  %s", visit->resource);
	else if (visit->items)
		strbuf_addf(sb, "  %zu item%s", visit->items, visit->items == 1 ? "" : "s");
	strbuf_blank_controls(sb, from, "");
}

static void end_line(struct strbuf *sb)
{
	while (sb->len && sb->buf[sb->len - 1] == ' ')
		strbuf_setlen(sb, sb->len - 1);
	strbuf_addch(sb, '\n');
}

void states_add_wrapped(struct strbuf *sb, const char *text, size_t indent)
{
	size_t column = 0;

	while (*text) {
		char *word = xstrndup(text, strcspn(text, " "));
		size_t width = text_width(word);
		if (column && column + 1 + width > LINE_WIDTH) {
			strbuf_addch(sb, '\n');
			column = 0;
		}
		strbuf_addchars(sb, ' ', column ? 1 : indent);
		strbuf_addstr(sb, word);
		column += (column ? 1 : indent) + width;
		text += strlen(word);
		text += strspn(text, " ");
		free(word);
	}
	if (column)
		strbuf_addch(sb, '\n');
}

/* What the failed job said last, but for what `why` says already. */
static void add_log(
	struct states_view *v, struct strbuf *sb, const struct visit *visit, const char *why)
{
	struct json *lines, *ev;

	if (!visit->job || !visit->run_id)
		return;
	lines = log_last(v->r->s, visit->job, visit->run_id,
		log_tail_is_python(v->r->tail, visit->job), LOG_LINES);
	json_each(ev, lines)
	{
		struct strbuf text = STRBUF_INIT;
		strbuf_addstr(&text, json_get_str(ev, "message"));
		strbuf_trim(&text);
		strbuf_blank_controls(&text, 0, "\n\t");
		if (text.len && !strstr(why, text.buf)) {
			strbuf_replace(&text, "\n", "\n             | ");
			strbuf_addf(sb, "             | %s\n", text.buf);
		}
		strbuf_release(&text);
	}
	json_free(lines);
}

static void add_failure(struct states_view *v, struct strbuf *sb, const struct exec_history *h,
	const struct happening *e)
{
	const struct visit *visit = &h->visits[e->visit];
	char *why = cause_in_words(e->cause ? e->cause : "");
	char *told = xasprintf("%s\n%s", e->error, e->cause);
	bool again = v->last_failure && !strcmp(v->last_failure, told);

	add_line(v, sb, visit, e->ms, "FAILED");
	add_seconds(sb, visit->entered_ms, e->ms);
	strbuf_addstr(sb, "  ");
	states_add_text(sb, e->error);
	if (e->attempt > 1)
		strbuf_addf(sb, " (attempt %lld)", (long long)e->attempt);
	end_line(sb);
	if (!again && *why)
		states_add_wrapped(sb, why, 13);
	if (!again)
		add_log(v, sb, visit, why);
	free(v->last_failure);
	v->last_failure = told;
	free(why);
}

static void add_left(struct states_view *v, struct strbuf *sb, const struct exec_history *h,
	const struct happening *e)
{
	const struct visit *visit = &h->visits[e->visit];

	if (visit->caught) {
		add_line(v, sb, visit, e->ms, "CAUGHT");
		if (visit->next != NO_VISIT) {
			strbuf_addstr(sb, "           -> ");
			states_add_text(sb, h->visits[visit->next].name);
		}
		if (visit->late_error) {
			strbuf_addstr(sb, "  ");
			states_add_text(sb, visit->error);
		}
		end_line(sb);
	} else if (!visit->failed) {
		add_line(v, sb, visit, e->ms, visit_state_name(visit->state));
		add_seconds(sb, visit->entered_ms, e->ms);
		add_subject(sb, visit);
		end_line(sb);
	}
}

static void add_happening(struct states_view *v, struct strbuf *sb, const struct exec_history *h,
	const struct happening *e)
{
	const struct visit *visit = &h->visits[e->visit];

	switch (e->kind) {
	case HAPPENED_ENTERED:
		/* What is over already is told in one line; what holds others, before these. */
		if (visit->left_ms && !visit_is_container(visit))
			break;
		add_line(v, sb, visit, e->ms, "RUNNING");
		if (visit->job || visit->resource || visit->items)
			strbuf_addstr(sb, "         ");
		add_subject(sb, visit);
		end_line(sb);
		break;
	case HAPPENED_FAILED:
		add_failure(v, sb, h, e);
		break;
	case HAPPENED_AGAIN:
		add_line(v, sb, visit, e->ms, "RUNNING");
		strbuf_addf(sb, "           attempt %lld", (long long)e->attempt);
		end_line(sb);
		break;
	case HAPPENED_LEFT:
		add_left(v, sb, h, e);
		break;
	}
}

void states_view_tell(struct states_view *v, const struct exec_history *h)
{
	struct strbuf sb = STRBUF_INIT;
	FILE *to = run_stream(v->r);

	if (v->r->s->o.quiet)
		return;
	for (size_t i = 0; i < h->nr_happenings; i++)
		add_happening(v, &sb, h, &h->happenings[i]);
	if (sb.len) {
		states_view_erase(v);
		fwrite(sb.buf, 1, sb.len, to);
		fflush(to);
	}
	strbuf_release(&sb);
}

/* --- the live block --- */

void states_view_erase(struct states_view *v)
{
	if (v->drawn)
		fprintf(stderr, "\r\033[%zuA\033[J", v->drawn);
	v->drawn = 0;
	fflush(stderr);
}

static size_t terminal_width(void)
{
	struct winsize ws;

	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) && ws.ws_col > 20 ? ws.ws_col : 80;
}

/* Characters, not bytes. */
static void cut(struct strbuf *sb, size_t width)
{
	size_t n = 0;

	for (size_t i = 0; i < sb->len; i++) {
		if (((unsigned char)sb->buf[i] & 0xc0) == 0x80 || n++ < width)
			continue;
		strbuf_setlen(sb, i);
		return;
	}
}

void states_view_draw(struct states_view *v, const struct exec_history *h)
{
	int64_t now = clock_system()->now_ms(clock_system());
	size_t width = terminal_width() - 1, running = 0, done = 0;
	struct strbuf sb = STRBUF_INIT, line = STRBUF_INIT;

	if (!v->live)
		return;
	states_view_erase(v);
	for (size_t i = 0; i < h->nr; i++) {
		const struct visit *visit = &h->visits[i];
		done += visit->left_ms != 0;
		if (visit->left_ms || visit_is_container(visit) || running++ >= MAX_LIVE)
			continue;
		strbuf_clear(&line);
		strbuf_addstr(&line, "  ");
		add_place(&line, visit);
		add_seconds(&line, visit->entered_ms, now);
		add_subject(&line, visit);
		cut(&line, width);
		strbuf_addf(&sb, "%s\n", line.buf);
		v->drawn++;
	}
	strbuf_addf(&sb, "  %zu under way, %zu done, %.0f s\n", running, done,
		(double)(now - v->r->started_ms) / 1000.0);
	v->drawn++;
	fwrite(sb.buf, 1, sb.len, stderr);
	fflush(stderr);
	strbuf_release(&sb);
	strbuf_release(&line);
}
