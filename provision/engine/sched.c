/*
 * The scheduler: ready queue and counters of unmet inputs over the graph's edges, forward or backward.
 *
 * States of a node while a run is under way (struct node.status):
 *   PLANNED  blocked > 0, or waiting for its serial key
 *   RUNNING  handed to a worker; only that worker touches it
 *   DONE     its dependents' counters were lowered
 *   FAILED   its dependents are SKIPPED (when failures_block), and theirs
 * Only sched_done() and start_ready() change states; both run under the pool's lock, or before the first item is added.
 */
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "node.h"
#include "thrdpool.h"
#include "xalloc.h"

struct sched;

struct sched_item {
	struct sched *sched;
	struct node *node;
	size_t index;
	size_t blocked; /* unmet inputs */
	bool part;      /* this run wants it */
	bool queued;
	char *serial; /* NULL: none */
	int64_t began_ms;
	int result;
};

struct sched {
	struct engine *e;
	const struct sched_ops *ops;
	struct thrdpool *pool;
	struct sched_item *items;                   /* as e->nodes */
	struct map busy;                            /* serial keys under way */
	size_t *waiting, nr_waiting, alloc_waiting; /* ready, but their serial key is busy */
};

void engine_event(struct engine *e, const struct node *n, const char *note)
{
	struct engine_event ev = {
		.stack = n->stack,
		.logical_id = n->logical_id,
		.type = n->type->schema.name,
		.name = n->name,
		.action = n->action,
		.status = n->status,
		.seconds = n->seconds,
		.err = n->err.code ? &n->err : NULL,
		.note = note,
	};

	if (!e->opts.ui.event)
		return;
	pthread_mutex_lock(&e->ui_lock);
	if (!note && n->status != STATUS_RUNNING && n->status != STATUS_PLANNED)
		e->done++;
	ev.done = e->done;
	ev.total = e->total;
	e->opts.ui.event(e->opts.ui.payload, &ev);
	pthread_mutex_unlock(&e->ui_lock);
}

static void sched_work(void *arg, size_t worker unused_arg, void *payload unused_arg)
{
	struct sched_item *item = arg;
	struct engine *e = item->sched->e;
	const struct clock *clock = e->opts.ctx->clock;

	if (!item->node)
		return;
	item->began_ms = clock->mono_ms(clock);
	if (!item->sched->ops->quiet)
		engine_event(e, item->node, NULL);
	item->result = item->sched->ops->work(e, item->node, &item->node->err);
	item->node->seconds = (double)(clock->mono_ms(clock) - item->began_ms) / 1000.0;
}

static const size_t *dependents(const struct sched *s, size_t index, size_t *nr)
{
	const struct depgraph_node *g = &s->e->graph.nodes[index];

	*nr = s->ops->backward ? g->nr_needs : g->nr_needed_by;
	return s->ops->backward ? g->needs : g->needed_by;
}

static void skip(struct sched *s, struct sched_item *item, const struct node *because)
{
	struct node *n = item->node;

	if (!item->part || n->status != STATUS_PLANNED)
		return;
	n->status = STATUS_SKIPPED;
	if (because)
		err_set(&n->err, ERR_FAILED, "skipped: %s '%s' %s",
			s->ops->backward ? "still needed by" : "it needs", because->logical_id,
			because->status == STATUS_SKIPPED ? "was skipped" : "failed");
	else
		err_set(&n->err, ERR_INTERRUPTED, "skipped: interrupted");
	err_named(&n->err, "Skipped");
	err_in(&n->err, n->stack, n->logical_id);
	if (!s->ops->quiet)
		engine_event(s->e, n, NULL);
}

static void skip_dependents(struct sched *s, size_t index)
{
	size_t nr, *stack = NULL, top = 0, alloc = 0;

	ALLOC_GROW(stack, top, alloc);
	stack[top++] = index;
	while (top) {
		size_t from = stack[--top];
		const size_t *next = dependents(s, from, &nr);
		for (size_t i = 0; i < nr; i++) {
			struct sched_item *item = &s->items[next[i]];
			if (item->node->status != STATUS_PLANNED && item->part)
				continue;
			if (!item->part && item->queued)
				continue;
			if (!item->part)
				item->queued = true; /* walked through once */
			skip(s, item, s->e->nodes[from]);
			ALLOC_GROW(stack, top, alloc);
			stack[top++] = next[i];
		}
	}
	free(stack);
}

static void unblock(struct sched *s, size_t index);

/* Everything for one node that has no unmet input: to a worker, to the waiting list, or straight through. */
static void start(struct sched *s, size_t index)
{
	struct sched_item *item = &s->items[index];
	struct node *n = item->node;

	if (item->queued)
		return;
	if (!item->part) {
		item->queued = true;
		unblock(s, index);
		return;
	}
	if (n->status != STATUS_PLANNED)
		return;
	if (clock_interrupted() || (s->e->opts.stop && s->e->opts.stop(s->e->opts.stop_payload))) {
		skip(s, item, NULL);
		return;
	}
	if (item->serial && map_has(&s->busy, item->serial)) {
		ALLOC_GROW(s->waiting, s->nr_waiting, s->alloc_waiting);
		s->waiting[s->nr_waiting++] = index;
		return;
	}
	item->queued = true;
	if (s->ops->ready && s->ops->ready(s->e, n, &n->err) < 0) {
		n->status = STATUS_FAILED;
		err_in(&n->err, n->stack, n->logical_id);
		if (!s->ops->quiet)
			engine_event(s->e, n, NULL);
		if (s->ops->failures_block)
			skip_dependents(s, index);
		return;
	}
	if (item->serial)
		map_put(&s->busy, item->serial, item);
	n->status = STATUS_RUNNING;
	thrdpool_add(s->pool, item);
}

static void unblock(struct sched *s, size_t index)
{
	size_t nr;
	const size_t *next = dependents(s, index, &nr);

	for (size_t i = 0; i < nr; i++)
		if (s->items[next[i]].blocked && !--s->items[next[i]].blocked)
			start(s, next[i]);
}

static void retry_waiting(struct sched *s)
{
	size_t nr = s->nr_waiting, *list = s->waiting;

	s->waiting = NULL;
	s->nr_waiting = s->alloc_waiting = 0;
	for (size_t i = 0; i < nr; i++)
		start(s, list[i]);
	free(list);
}

/* The item without a node comes first: it hands out the roots under the pool's lock. */
static void start_roots(struct sched *s)
{
	for (size_t i = 0; i < s->e->nr; i++)
		if (!s->items[i].blocked)
			start(s, i);
}

static void sched_done(void *arg, void *payload unused_arg)
{
	struct sched_item *item = arg;
	struct sched *s = item->sched;
	struct node *n = item->node;

	if (!n) {
		start_roots(s);
		return;
	}
	n->status = item->result < 0 ? STATUS_FAILED : STATUS_DONE;
	if (item->result < 0)
		err_in(&n->err, n->stack, n->logical_id);
	if (!s->ops->quiet)
		engine_event(s->e, n, NULL);
	if (item->serial)
		map_remove(&s->busy, item->serial);
	if (item->result < 0 && s->ops->failures_block)
		skip_dependents(s, item->index);
	else
		unblock(s, item->index);
	if (s->nr_waiting)
		retry_waiting(s);
}

static void sched_init(struct sched *s, struct engine *e, const struct sched_ops *ops)
{
	*s = (struct sched){
		.e = e, .ops = ops, .items = xcalloc(e->nr ? e->nr : 1, sizeof(*s->items))};
	map_init(&s->busy, NULL);
	e->total = e->done = 0;
	for (size_t i = 0; i < e->nr; i++) {
		const struct depgraph_node *g = &e->graph.nodes[i];
		struct sched_item *item = &s->items[i];

		item->sched = s;
		item->node = e->nodes[i];
		item->index = i;
		item->blocked = ops->backward ? g->nr_needed_by : g->nr_needs;
		item->part = ops->wants(e, e->nodes[i]);
		if (!item->part)
			continue;
		e->total++;
		item->node->status = STATUS_PLANNED;
		if (item->node->type->serial) {
			struct resource r = node_resource(item->node);
			item->serial = item->node->type->serial(&r);
		}
	}
}

void engine_run(struct engine *e, const struct sched_ops *ops)
{
	static const struct thrdpool_ops pool_ops = {.process = sched_work, .done = sched_done};
	struct sched s;
	struct sched_item boot = {.sched = &s};

	sched_init(&s, e, ops);
	s.pool = thrdpool_new(e->opts.parallel ? e->opts.parallel : 16, &pool_ops, &s);
	thrdpool_add(s.pool, &boot);
	thrdpool_wait(s.pool);
	/* What never became ready: behind an interruption. */
	for (size_t i = 0; i < e->nr; i++)
		if (s.items[i].part && e->nodes[i]->status == STATUS_PLANNED)
			skip(&s, &s.items[i], NULL);
	thrdpool_free(s.pool);
	for (size_t i = 0; i < e->nr; i++)
		free(s.items[i].serial);
	free(s.items);
	free(s.waiting);
	map_release(&s.busy);
}
