/* Progress of set-up and teardown on stderr: a live block on a terminal, else one line for each resource that is done. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "clock.h"
#include "cmd.h"

#define MAX_LIVE 8

struct live {
	char *id, *what, *note;
	int64_t began_ms;
};

struct progress {
	bool live, color, quiet;
	struct live running[MAX_LIVE];
	size_t nr_running, hidden, drawn; /* drawn: lines of the live block on the screen */
	size_t done, total;
	pthread_mutex_t lock;
};

struct progress *progress_new(const struct session *s)
{
	struct progress *p = xcalloc(1, sizeof(*p));
	const char *term = getenv("TERM");
	bool terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;

	p->quiet = s->o.quiet;
	p->color = terminal && !s->o.no_color;
	p->live = terminal && !s->o.no_color && !s->o.quiet && !s->o.verbose;
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

static void erase(struct progress *p, struct strbuf *sb)
{
	if (p->drawn)
		strbuf_addf(sb, "\r\033[%zuA\033[J", p->drawn);
	p->drawn = 0;
}

static size_t terminal_width(void)
{
	struct winsize ws;

	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) && ws.ws_col > 20 ? ws.ws_col : 80;
}

static void draw(struct progress *p, struct strbuf *sb)
{
	int64_t now = clock_system()->mono_ms(clock_system());
	size_t width = terminal_width();

	if (!p->live || p->done >= p->total)
		return;
	for (size_t i = 0; i < p->nr_running; i++) {
		const struct live *l = &p->running[i];
		char *line = xasprintf("  %-8s %s  %.1f s%s%s", l->what, l->id,
			(double)(now - l->began_ms) / 1000.0, l->note ? "  " : "",
			l->note ? l->note : "");
		strbuf_addf(sb, "%.*s\n", (int)width - 1, line);
		free(line);
	}
	strbuf_addf(sb, "  %zu of %zu done%s\n", p->done, p->total,
		p->hidden ? ", more under way" : "");
	p->drawn = p->nr_running + 1;
}

static struct live *find_live(struct progress *p, const char *id)
{
	for (size_t i = 0; i < p->nr_running; i++)
		if (!strcmp(p->running[i].id, id))
			return &p->running[i];
	return NULL;
}

static void drop_live(struct progress *p, const char *id)
{
	struct live *l = find_live(p, id);

	if (!l) {
		if (p->hidden)
			p->hidden--;
		return;
	}
	free(l->id);
	free(l->what);
	free(l->note);
	*l = p->running[--p->nr_running];
}

static void add_live(struct progress *p, const char *id, const char *what)
{
	if (p->nr_running == MAX_LIVE) {
		p->hidden++;
		return;
	}
	p->running[p->nr_running++] = (struct live){.id = xstrdup(id),
		.what = xstrdup(what),
		.began_ms = clock_system()->mono_ms(clock_system())};
}

static void add_result(
	struct progress *p, const struct engine_event *ev, const char *id, struct strbuf *sb)
{
	static const char *const colors[] = {[STATUS_DONE] = "\033[32m",
		[STATUS_FAILED] = "\033[31m",
		[STATUS_SKIPPED] = "\033[33m"};
	const char *on = p->color ? colors[ev->status] : "", *off = p->color ? "\033[0m" : "";

	strbuf_addf(sb, "  %s%-7s%s %-7s %-24s %s", on, node_status_name(ev->status), off,
		node_action_name(ev->action), ev->type, id);
	if (ev->name && strcmp(ev->name, ev->logical_id) != 0)
		strbuf_addf(sb, " (%s)", ev->name);
	if (ev->status == STATUS_DONE)
		strbuf_addf(sb, "  %.2f s", ev->seconds);
	else if (ev->err && ev->err->text)
		strbuf_addf(sb, "  %s", ev->err->text);
	strbuf_addch(sb, '\n');
}

void progress_event(void *progress, const struct engine_event *ev)
{
	struct progress *p = progress;
	struct strbuf sb = STRBUF_INIT;
	char *id = xasprintf("%s/%s", ev->stack, ev->logical_id);

	pthread_mutex_lock(&p->lock);
	erase(p, &sb);
	p->done = ev->done;
	p->total = ev->total;
	if (ev->status == STATUS_RUNNING) {
		add_live(p, id, node_action_name(ev->action));
	} else {
		drop_live(p, id);
		if (!p->quiet)
			add_result(p, ev, id, &sb);
	}
	draw(p, &sb);
	fwrite(sb.buf, 1, sb.len, stderr);
	pthread_mutex_unlock(&p->lock);
	strbuf_release(&sb);
	free(id);
}

void progress_note(void *progress, const char *stack, const char *logical_id, const char *text)
{
	struct progress *p = progress;
	struct strbuf sb = STRBUF_INIT;
	char *id = xasprintf("%s/%s", stack, logical_id);
	struct live *l;

	pthread_mutex_lock(&p->lock);
	l = find_live(p, id);
	if (p->live && l) {
		free(l->note);
		l->note = xstrdup(text);
		erase(p, &sb);
		draw(p, &sb);
	} else if (!p->live && !p->quiet) {
		strbuf_addf(&sb, "  %s: %s\n", id, text);
	}
	fwrite(sb.buf, 1, sb.len, stderr);
	pthread_mutex_unlock(&p->lock);
	strbuf_release(&sb);
	free(id);
}

void progress_free(struct progress *p)
{
	struct strbuf sb = STRBUF_INIT;

	if (!p)
		return;
	erase(p, &sb);
	fwrite(sb.buf, 1, sb.len, stderr);
	strbuf_release(&sb);
	while (p->nr_running)
		drop_live(p, p->running[0].id);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
