/*
 * Who starts what. Triggers of one workflow are a chain of their own, and so are all triggers without a workflow: an
 * end of a run is an event for the chain that started it, and for no other. A chain's ON_DEMAND, SCHEDULED and EVENT
 * triggers fire by themselves; a CONDITIONAL one can fire when what it waits for is started by one that can. Where a
 * name is not known before set-up nothing is said about chains at all.
 */
#include "lint_internal.h"

#include <stdlib.h>
#include <string.h>

struct step { /* a trigger */
	const struct lint_resource *r;
	const char *workflow; /* "": none */
	bool start, fires, told;
};

struct flow {
	struct step *v;
	size_t nr;
	bool blind;
	struct map started; /* "WORKFLOW\nJobName NAME" by a trigger that fires */
	struct map named;   /* the same by any trigger */
	struct map waiting; /* the same to struct waiters */
};

struct waiters {
	size_t *v; /* steps */
	size_t nr, alloc;
};

static const char *const kinds[] = {"JobName", "CrawlerName"};
static const char *const words[] = {"job", "crawler"};

static bool is(const char *s, const char *what)
{
	return s && strcmp(s, what) == 0;
}

/* What an action starts, or a condition waits for: 0 job, 1 crawler; NULL: not known. */
static const char *subject(const struct json *v, size_t *kind)
{
	for (*kind = 0; *kind < ARRAY_SIZE(kinds); (*kind)++)
		if (is_given(v, kinds[*kind]))
			return known_str(v, kinds[*kind]);
	*kind = 0;
	return NULL;
}

static char *key_of(const char *workflow, size_t kind, const char *name)
{
	return xasprintf("%s\n%s %s", workflow, kinds[kind], name);
}

static bool in_map(const struct map *m, const char *workflow, size_t kind, const char *name)
{
	char *key = key_of(workflow, kind, name);
	bool there = map_has(m, key);

	free(key);
	return there;
}

/* Can it fire with what is started so far? */
static bool can_fire(const struct flow *f, const struct step *s)
{
	const struct json *predicate = json_get(s->r->props, "Predicate"), *c;
	bool any = is(known_str(predicate, "Logical"), "ANY"), all = true, some = false;

	json_each(c, json_get(predicate, "Conditions"))
	{
		size_t kind;
		const char *name = subject(c, &kind);
		bool here = !name || in_map(&f->started, s->workflow, kind, name);

		all = all && here;
		some = some || here;
	}
	return any ? some : all;
}

/* Steps that may fire now: each is put there once. */
struct queue {
	size_t *v, nr;
};

static void enqueue(struct flow *f, struct queue *q, size_t i)
{
	if (f->v[i].fires || !(f->v[i].start || can_fire(f, &f->v[i])))
		return;
	f->v[i].fires = true;
	q->v[q->nr++] = i;
}

/* What it starts; whoever waits for that may fire in turn. */
static void fire(struct flow *f, struct queue *q, size_t i)
{
	const struct json *a;
	size_t kind;

	json_each(a, json_get(f->v[i].r->props, "Actions"))
	{
		const char *name = subject(a, &kind);
		char *key = name ? key_of(f->v[i].workflow, kind, name) : NULL;

		if (key && !map_has(&f->started, key)) {
			const struct waiters *w = map_get(&f->waiting, key);

			map_put(&f->started, key, (void *)(uintptr_t)f->v[i].r);
			for (size_t k = 0; w && k < w->nr; k++)
				enqueue(f, q, w->v[k]);
		}
		free(key);
	}
}

static void spread(struct flow *f)
{
	struct queue q = {.v = xcalloc(f->nr ? f->nr : 1, sizeof(*q.v))};

	for (size_t i = 0; i < f->nr; i++)
		enqueue(f, &q, i);
	for (size_t i = 0; i < q.nr; i++)
		fire(f, &q, q.v[i]);
	free(q.v);
}

static void add_actions(struct flow *f, const struct step *s)
{
	const struct json *a;
	size_t kind;

	json_each(a, json_get(s->r->props, "Actions"))
	{
		const char *name = subject(a, &kind);
		char *key = name ? key_of(s->workflow, kind, name) : NULL;

		if (!key)
			f->blind = true;
		else if (!map_has(&f->named, key))
			map_put(&f->named, key, (void *)(uintptr_t)s->r);
		free(key);
	}
}

static void add_waits(struct flow *f, size_t i)
{
	const struct json *c;
	size_t kind;

	json_each(c, json_path(f->v[i].r->props, "Predicate.Conditions"))
	{
		const char *name = subject(c, &kind);
		char *key = name ? key_of(f->v[i].workflow, kind, name) : NULL;
		struct waiters *w = key ? map_get(&f->waiting, key) : NULL;

		if (key && !w) {
			w = xcalloc(1, sizeof(*w));
			map_put(&f->waiting, key, w);
		}
		if (w) {
			ALLOC_GROW(w->v, w->nr, w->alloc);
			w->v[w->nr++] = i;
		}
		free(key);
	}
}

static void waiters_free(void *w)
{
	free(((struct waiters *)w)->v);
	free(w);
}

static struct flow *flow_new(const struct lint *l)
{
	struct flow *f = xcalloc(1, sizeof(*f));
	const struct lint_resource *r;

	f->v = xcalloc(l->in->nr ? l->in->nr : 1, sizeof(*f->v));
	map_init(&f->started, NULL);
	map_init(&f->named, NULL);
	map_init(&f->waiting, waiters_free);
	lint_each(r, l)
	{
		const char *type = known_str(r->props, "Type");
		const char *workflow = known_str(r->props, "WorkflowName");

		if (!lint_is(r, TYPE_TRIGGER))
			continue;
		if (!type || (!workflow && is_given(r->props, "WorkflowName")) ||
			!json_is(json_get(r->props, "Actions"), JSON_ARRAY)) {
			f->blind = true;
			continue;
		}
		f->v[f->nr++] = (struct step){.r = r,
			.workflow = workflow ? workflow : "",
			.start = strcmp(type, "CONDITIONAL") != 0};
		add_actions(f, &f->v[f->nr - 1]);
		add_waits(f, f->nr - 1);
	}
	spread(f);
	return f;
}

void flow_free(struct flow *f)
{
	if (!f)
		return;
	free(f->v);
	map_release(&f->started);
	map_release(&f->named);
	map_release(&f->waiting);
	free(f);
}

static struct flow *flow_of(struct lint *l)
{
	if (!l->shared->flow)
		l->shared->flow = flow_new(l);
	return l->shared->flow;
}

static const struct step *first_start(const struct flow *f, const char *workflow)
{
	for (size_t i = 0; i < f->nr; i++)
		if (f->v[i].start && !strcmp(f->v[i].workflow, workflow))
			return &f->v[i];
	return NULL;
}

/* --- start triggers --- */

void lint_one_start(struct lint *l)
{
	struct flow *f = flow_of(l);

	for (size_t i = 0; i < f->nr; i++) {
		const struct step *s = &f->v[i], *first = first_start(f, s->workflow);

		if (!s->start || !*s->workflow || s == first)
			continue;
		lint_say(l, s->r, "WorkflowName",
			"workflow '%s' has a start trigger already, '%s' (%s): AWS takes one",
			s->workflow, first->r->name ? first->r->name : "?",
			first->r->decl->template->logical_id);
		lint_hint(l, s->r, "make this one CONDITIONAL, or put its actions into '%s'",
			first->r->decl->template->logical_id);
	}
}

void lint_no_start(struct lint *l)
{
	const struct lint_resource *r;
	struct flow *f = flow_of(l);

	lint_each(r, l)
	{
		size_t triggers = 0;

		if (!lint_is(r, TYPE_WORKFLOW) || !r->name || f->blind)
			continue;
		for (size_t i = 0; i < f->nr; i++)
			triggers += !strcmp(f->v[i].workflow, r->name);
		if (!triggers || first_start(f, r->name))
			continue;
		lint_say(l, r, "",
			"workflow '%s' has %zu trigger%s and none that starts it: no run of it "
			"ever "
			"does anything",
			r->name, triggers, triggers == 1 ? "" : "s");
		lint_hint(l, r, "add a trigger of type ON_DEMAND, SCHEDULED or EVENT");
	}
}

/* --- predecessors --- */

struct elsewhere {
	const char *schedule;              /* of the crawler itself */
	const struct lint_resource *other; /* a trigger of another chain */
};

static struct elsewhere find_elsewhere(const struct lint *l, const struct flow *f,
	const struct step *s, size_t kind, const char *name)
{
	struct elsewhere found = {0};

	if (kind == 1) {
		const struct lint_resource *crawler = lint_find(l, TYPE_CRAWLER, name);
		const char *cron =
			crawler ? known_str(crawler->props, "Schedule.ScheduleExpression") : NULL;
		found.schedule = cron && *cron ? cron : NULL;
	}
	for (size_t i = 0; i < f->nr && !found.other; i++) {
		const struct json *a;
		size_t its;

		if (!strcmp(f->v[i].workflow, s->workflow))
			continue;
		json_each(a, json_get(f->v[i].r->props, "Actions"))
		{
			if (is(subject(a, &its), name) && its == kind)
				found.other = f->v[i].r;
		}
	}
	return found;
}

/* Whether all triggers of the chain can be known: a workflow of the project with a start of its own, or no workflow. */
static bool is_whole(const struct lint *l, const struct flow *f, const struct step *s)
{
	if (!*s->workflow)
		return true;
	return lint_find(l, TYPE_WORKFLOW, s->workflow) && first_start(f, s->workflow);
}

typedef void root_fn(struct lint *l, const struct step *s, const char *path, size_t kind,
	const char *name, const struct elsewhere *e);

/* Calls `tell` for each awaited thing that keeps a trigger from ever firing and that no trigger of its chain starts. */
static void each_root(struct lint *l, root_fn *tell)
{
	struct flow *f = flow_of(l);

	for (size_t i = 0; i < f->nr && !f->blind; i++) {
		const struct json *c;
		size_t k = 0, kind;

		if (f->v[i].fires || !is_whole(l, f, &f->v[i]))
			continue;
		json_each(c, json_path(f->v[i].r->props, "Predicate.Conditions"))
		{
			const char *name = subject(c, &kind);
			char *path = xasprintf("Predicate.Conditions.%zu.%s", k++, kinds[kind]);

			if (name && !in_map(&f->named, f->v[i].workflow, kind, name)) {
				struct elsewhere e = find_elsewhere(l, f, &f->v[i], kind, name);
				tell(l, &f->v[i], path, kind, name, &e);
			}
			free(path);
		}
	}
}

static void tell_unreachable(struct lint *l, const struct step *s, const char *path, size_t kind,
	const char *name, const struct elsewhere *e)
{
	if (e->schedule || e->other)
		return;
	if (*s->workflow)
		lint_say(l, s->r, path,
			"no trigger of workflow '%s' starts %s '%s': this trigger never fires",
			s->workflow, words[kind], name);
	else
		lint_say(l, s->r, path,
			"no trigger starts %s '%s': this trigger never fires, since runs that are "
			"started by hand do not count",
			words[kind], name);
	lint_hint(l, s->r, "start %s '%s' by an action of a trigger before this one", words[kind],
		name);
}

void lint_unreachable(struct lint *l)
{
	each_root(l, tell_unreachable);
}

static void tell_elsewhere(struct lint *l, const struct step *s, const char *path, size_t kind,
	const char *name, const struct elsewhere *e)
{
	if (!e->schedule && !e->other)
		return;
	if (e->schedule)
		lint_say(l, s->r, path,
			"crawler '%s' is started by its own schedule and by no trigger %s%s%s: "
			"this "
			"trigger never fires",
			name, *s->workflow ? "of workflow '" : "without a workflow", s->workflow,
			*s->workflow ? "'" : "");
	else
		lint_say(l, s->r, path,
			"%s '%s' is started by trigger '%s' of another chain only: this trigger "
			"never fires",
			words[kind], name, e->other->name ? e->other->name : "?");
	lint_hint(l, s->r, "start %s '%s' by a trigger of this chain", words[kind], name);
}

void lint_started_elsewhere(struct lint *l)
{
	each_root(l, tell_elsewhere);
}

/* --- circles --- */

static bool starts_for(const struct step *a, const struct step *b)
{
	const struct json *action, *c;
	size_t kind, its;

	if (strcmp(a->workflow, b->workflow) != 0)
		return false;
	json_each(action, json_get(a->r->props, "Actions"))
	{
		const char *name = subject(action, &kind);

		json_each(c, json_path(b->r->props,
				     "Predicate.Conditions")) if (name &&
								  is(subject(c, &its), name) &&
								  its == kind) return true;
	}
	return false;
}

/* Marks in `seen` what waits, directly or not, for what a trigger that never fires starts. */
static void waits_for(const struct flow *f, size_t from, bool *seen)
{
	size_t *todo = xcalloc(f->nr, sizeof(*todo)), nr = 0;

	todo[nr++] = from;
	while (nr) {
		size_t at = todo[--nr];

		for (size_t i = 0; i < f->nr; i++) {
			if (seen[i] || f->v[i].fires || !starts_for(&f->v[at], &f->v[i]))
				continue;
			seen[i] = true;
			todo[nr++] = i;
		}
	}
	free(todo);
}

void lint_circle(struct lint *l)
{
	struct flow *f = flow_of(l);

	for (size_t i = 0; i < f->nr && !f->blind; i++) {
		bool *seen, *back;

		if (f->v[i].fires || f->v[i].told || !is_whole(l, f, &f->v[i]))
			continue;
		seen = xcalloc(f->nr, sizeof(*seen));
		waits_for(f, i, seen);
		for (size_t k = 0; seen[i] && k < f->nr; k++) {
			if (!seen[k])
				continue;
			back = xcalloc(f->nr, sizeof(*back));
			waits_for(f, k, back);
			f->v[k].told = back[i];
			free(back);
		}
		if (seen[i])
			lint_say(l, f->v[i].r, "Predicate",
				"this trigger waits for what is only started once it has fired, "
				"and "
				"never fires");
		free(seen);
	}
}

/* --- two at a time --- */

static bool one_at_a_time(const struct lint_resource *job)
{
	const struct json *runs = json_path(job->props, "ExecutionProperty.MaxConcurrentRuns");

	if (json_get_truth(job->props, "JobRunQueuingEnabled", false) ||
		json_is_unknown(json_get(job->props, "JobRunQueuingEnabled")) ||
		json_is_unknown(json_get(job->props, "ExecutionProperty")))
		return false;
	return !runs || json_i64(runs, 0) == 1;
}

static bool same_moment(const struct step *a, const struct step *b)
{
	const char *cron = known_str(a->r->props, "Schedule");

	if (a == b)
		return true;
	if (a->start != b->start)
		return false;
	if (a->start)
		return cron && is(known_str(b->r->props, "Schedule"), cron);
	return !strcmp(a->workflow, b->workflow) &&
	       json_equal(json_get(a->r->props, "Predicate"), json_get(b->r->props, "Predicate")) &&
	       !json_has_unknown(json_get(a->r->props, "Predicate"));
}

/* An earlier action, of this trigger or of one that fires in the same moment, that starts the job too. */
static const struct step *starts_too(
	const struct flow *f, size_t step, const struct json *action, const char *job)
{
	const struct json *a;

	for (size_t i = 0; i <= step; i++) {
		json_each(a, json_get(f->v[i].r->props, "Actions"))
		{
			if (a == action)
				return NULL;
			if (is(known_str(a, "JobName"), job) && same_moment(&f->v[i], &f->v[step]))
				return &f->v[i];
		}
	}
	return NULL;
}

void lint_two_starts_at_once(struct lint *l)
{
	struct flow *f = flow_of(l);

	for (size_t i = 0; i < f->nr; i++) {
		const struct json *a;
		size_t k = 0;

		json_each(a, json_get(f->v[i].r->props, "Actions"))
		{
			const char *name = known_str(a, "JobName");
			const struct lint_resource *job = lint_find(l, TYPE_JOB, name);
			const struct step *too =
				job && one_at_a_time(job) ? starts_too(f, i, a, name) : NULL;
			char *path = xasprintf("Actions.%zu.JobName", k++);

			if (too) {
				lint_say(l, f->v[i].r, path,
					"job '%s' takes one run at a time, and %s%s starts it in "
					"the "
					"same moment: one of the two fails",
					name, too == &f->v[i] ? "this trigger" : "trigger ",
					too == &f->v[i] ? "" : (too->r->name ? too->r->name : "?"));
				lint_hint(l, f->v[i].r,
					"raise the job's ExecutionProperty.MaxConcurrentRuns, or "
					"set "
					"JobRunQueuingEnabled");
			}
			free(path);
		}
	}
}

void lint_two_schedules(struct lint *l)
{
	const struct lint_resource *r;
	struct flow *f = flow_of(l);

	lint_each(r, l)
	{
		const char *cron = known_str(r->props, "Schedule.ScheduleExpression");
		const struct lint_resource *by = NULL;
		struct map_entry *e;

		if (!lint_is(r, TYPE_CRAWLER) || !r->name || !cron || !*cron)
			continue;
		map_for_each(&f->named, e)
		{
			const char *what = strchr(e->key, '\n') + 1;

			if (starts_with(what, "CrawlerName ") &&
				!strcmp(what + strlen("CrawlerName "), r->name))
				by = e->value;
		}
		if (by)
			lint_say(l, r, "Schedule",
				"crawler '%s' is started by its schedule and by trigger '%s': "
				"crawls "
				"of the schedule fire no trigger, and a start while it crawls "
				"fails",
				r->name, by->name ? by->name : "?");
	}
}
