/*
 * A part (an opened input) is `ahead`, then `active` while it has users, and is closed when its last user leaves after its
 * end. All lists and `users` belong to the feed's lock; the start of a part and its chunks to the part's own locks, so
 * that no thread waits for another's bytes but where it helps.
 */
#include "csvfeed.h"

#include <stdlib.h>
#include <string.h>
#include "utf8.h"

#define AHEAD 16u

/* --- a part --- */

struct csv_part *csv_part_new(size_t index, const struct csv_input *in)
{
	struct csv_part *p = xcalloc(1, sizeof(*p));

	p->in = *in;
	p->index = index;
	csv_cutter_init(&p->cutter, &in->dialect, in->read, in->payload);
	strbuf_init(&p->first);
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void csv_part_free(struct csv_part *p)
{
	if (!p)
		return;
	csv_cutter_release(&p->cutter);
	strbuf_release(&p->first);
	pthread_mutex_destroy(&p->lock);
	free(p->positions);
	free(p);
}

static int in_file(const struct csv_part *p, struct err *err)
{
	if (p->in.shown && err && err->text && !strstr(err->text, p->in.shown))
		err_wrap(err, "'%s'", p->in.shown);
	return -1;
}

static void take_names(const struct csv_field *fields, size_t nr, struct strvec *names)
{
	struct strbuf name = STRBUF_INIT;

	for (size_t i = 0; i < nr; i++) {
		utf8_repair(fields[i].text, fields[i].len, &name);
		strvec_push(names, name.buf);
	}
	strbuf_release(&name);
}

/* Reads the rows before the data, over chunk borders. */
static int read_head(
	struct csv_part *p, struct csv_field *fields, struct strvec *names, struct err *err)
{
	size_t left = p->in.skip + p->in.header;
	char *at = p->first.buf, *end = at;
	int got;

	for (;;) {
		size_t nr =
			left ? csv_read_row(&p->in.dialect, &at, end, fields, CSV_MAX_COLUMNS) : 0;

		if (left && nr) {
			left--;
			if (nr > CSV_MAX_COLUMNS)
				return err_set(err, ERR_INVALID,
					"the CSV has %zu columns, more than %d", nr,
					CSV_MAX_COLUMNS);
			if (left == 0 && p->in.header)
				take_names(fields, nr, names);
			continue;
		}
		if (left == 0 && at < end) {
			p->first_offset += at - p->first.buf;
			strbuf_remove(&p->first, 0, (size_t)(at - p->first.buf));
			return 1;
		}
		got = csv_cutter_take(&p->cutter, &p->first, &p->first_offset, err);
		if (got <= 0)
			return got < 0 ? -1 : left == 0 && p->in.header;
		at = p->first.buf;
		end = at + p->first.len;
	}
}

int csv_part_start(struct csv_part *p, struct strvec *names, struct err *err)
{
	struct csv_field *fields = xcalloc(CSV_MAX_COLUMNS, sizeof(*fields));
	int got = read_head(p, fields, names, err);

	free(fields);
	return got < 0 ? in_file(p, err) : got;
}

int csv_part_take(struct csv_part *p, struct strbuf *chunk, int64_t *offset, struct err *err)
{
	int got = 0;

	pthread_mutex_lock(&p->lock);
	if (!p->first_taken) {
		p->first_taken = true;
		strbuf_clear(chunk);
		strbuf_swap(chunk, &p->first);
		*offset = p->first_offset;
		got = chunk->len > 0;
	}
	pthread_mutex_unlock(&p->lock);
	if (!got)
		got = csv_cutter_take(&p->cutter, chunk, offset, err);
	return got < 0 ? in_file(p, err) : got;
}

/* --- all of them --- */

struct csv_feed {
	const struct csv_feed_ops *ops;
	void *payload;
	size_t nr, next, nr_columns;
	pthread_mutex_t lock;
	struct csv_part *ahead, **ahead_end, *active;
	size_t nr_ahead;
	bool failed;
};

struct csv_feed *csv_feed_new(
	const struct csv_feed_ops *ops, void *payload, size_t nr_inputs, size_t nr_columns)
{
	struct csv_feed *f = xcalloc(1, sizeof(*f));

	f->ops = ops;
	f->payload = payload;
	f->nr = nr_inputs;
	f->nr_columns = nr_columns;
	f->ahead_end = &f->ahead;
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

static void close_part(struct csv_feed *f, struct csv_part *p)
{
	f->ops->close(f->payload, &p->in);
	csv_part_free(p);
}

static void close_all(struct csv_feed *f, struct csv_part *p)
{
	while (p) {
		struct csv_part *next = p->next;

		close_part(f, p);
		p = next;
	}
}

void csv_feed_free(struct csv_feed *f)
{
	if (!f)
		return;
	close_all(f, f->ahead);
	close_all(f, f->active);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static int open_ahead(struct csv_feed *f, struct err *err)
{
	while (f->next < f->nr && f->nr_ahead < AHEAD) {
		struct csv_input in = {0};
		struct csv_part *p;

		if (f->ops->open(f->payload, f->next, &in, err) != 0)
			return -1;
		p = csv_part_new(f->next++, &in);
		*f->ahead_end = p;
		f->ahead_end = &p->next;
		f->nr_ahead++;
	}
	return 0;
}

/* An input for a thread that has none: the next one, or an active one to help with. NULL with *failed false: none left. */
static struct csv_part *find_part(struct csv_feed *f, bool *failed, struct err *err)
{
	struct csv_part *p = NULL;

	pthread_mutex_lock(&f->lock);
	*failed = f->failed;
	if (!*failed && open_ahead(f, err) != 0)
		*failed = f->failed = true;
	if (!*failed && f->ahead) {
		p = f->ahead;
		f->ahead = p->next;
		if (!f->ahead)
			f->ahead_end = &f->ahead;
		f->nr_ahead--;
		p->next = f->active;
		f->active = p;
	} else if (!*failed) {
		for (struct csv_part *a = f->active; a; a = a->next)
			if (!a->ended && (!p || a->users < p->users))
				p = a;
	}
	if (p)
		p->users++;
	pthread_mutex_unlock(&f->lock);
	return p;
}

static void leave_part(struct csv_feed *f, struct csv_part *p, bool failed)
{
	bool last;

	pthread_mutex_lock(&f->lock);
	p->ended = true;
	f->failed = f->failed || failed;
	last = --p->users == 0;
	for (struct csv_part **at = &f->active; last && *at; at = &(*at)->next) {
		if (*at == p) {
			*at = p->next;
			break;
		}
	}
	pthread_mutex_unlock(&f->lock);
	if (last)
		close_part(f, p);
}

static int start_part(struct csv_feed *f, struct csv_part *p, struct err *err)
{
	struct strvec names = STRVEC_INIT;
	int got = 1;

	pthread_mutex_lock(&p->lock);
	if (!p->started) {
		p->started = true;
		p->nr_positions = f->nr_columns;
		p->positions = xcalloc(f->nr_columns + 1, sizeof(*p->positions));
		got = csv_part_start(p, &names, err);
		if (got > 0 && f->ops->map(f->payload, p, &names, err) != 0)
			got = -1;
		p->dead = got <= 0;
	}
	if (p->dead && got > 0)
		got = 0;
	pthread_mutex_unlock(&p->lock);
	strvec_release(&names);
	return got;
}

int csv_feed_take(struct csv_feed *f, struct csv_part **part, struct strbuf *chunk, int64_t *offset,
	struct err *err)
{
	for (;;) {
		bool failed = false;
		int got = 1;

		if (!*part) {
			*part = find_part(f, &failed, err);
			if (!*part && failed)
				return -1;
			if (!*part)
				return 0;
			got = start_part(f, *part, err);
		}
		if (got > 0)
			got = csv_part_take(*part, chunk, offset, err);
		if (got > 0)
			return 1;
		leave_part(f, *part, got < 0);
		*part = NULL;
		if (got < 0)
			return -1;
	}
}
