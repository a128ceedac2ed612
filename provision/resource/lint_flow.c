/*
 * Who starts what. Triggers of one workflow are a chain of their own, and so are all triggers without a workflow: an
 * end of a run is an event for the chain that started it, and for no other. A chain's ON_DEMAND, SCHEDULED and EVENT
 * triggers fire by themselves; a CONDITIONAL one can fire when what it waits for is started by one that can. Where a
 * name is not known before set-up nothing is said about chains at all.
 */
#include "lint_internal.h"

#include <stdlib.h>
#include <string.h>
#include "map.h"

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

static bool in_map(const struct map *m, const char *workflow, size_t kind, const char *name)
{
	char *key = xasprintf("%s\n%s %s", workflow, kinds[kind], name);
	bool there = map_has(m, key);

	free(key);
	return there;
}

static void put(struct map *m, const char *workflow, size_t kind, const char *name, void *value)
{
	char *key = xasprintf("%s\n%s %s", workflow, kinds[kind], name);

	if (!map_has(m, key))
		map_put(m, key, value);
	free(key);
}

static void add_actions(struct flow *f, const struct step *s, struct map *m)
{
	const struct json *a;
	size_t kind;

	json_each(a, json_get(s->r->props, "Actions"))
	{
		const char *name = subject(a, &kind);

		if (name)
			put(m, s->workflow, kind, name, (void *)(uintptr_t)s->r);
		else
			f->blind = true;
	}
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

static void spread(struct flow *f)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < f->nr; i++) {
			struct step *s = &f->v[i];

			if (s->fires || !(s->start || can_fire(f, s)))
				continue;
			s->fires = more = true;
			add_actions(f, s, &f->started);
		}
	}
}

static void flow_init(struct flow *f, const struct lint *l)
{
	const struct lint_resource *r;

	*f = (struct flow){.v = xcalloc(l->in->nr ? l->in->nr : 1, sizeof(*f->v))};
	map_init(&f->started, NULL);
	map_init(&f->named, NULL);
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
			.start = !is(type, "CONDITIONAL")};
		add_actions(f, &f->v[f->nr - 1], &f->named);
	}
	spread(f);
}

static void flow_release(struct flow *f)
{
	free(f->v);
	map_release(&f->started);
	map_release(&f->named);
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
	struct flow f;

	flow_init(&f, l);
	for (size_t i = 0; i < f.nr; i++) {
		const struct step *s = &f.v[i], *first = first_start(&f, s->workflow);

		if (!s->start || !*s->workflow || s == first)
			continue;
		lint_say(l, s->r, "WorkflowName",
			"workflow '%s' has a start trigger already, '%s' (%s): AWS takes one",
			s->workflow, first->r->name ? first->r->name : "?",
			first->r->decl->template->logical_id);
		lint_hint(l, s->r, "make this one CONDITIONAL, or put its actions into '%s'",
			first->r->decl->template->logical_id);
	}
	flow_release(&f);
}

void lint_no_start(struct lint *l)
{
	const struct lint_resource *r;
	struct flow f;

	flow_init(&f, l);
	lint_each(r, l)
	{
		size_t triggers = 0;

		if (!lint_is(r, TYPE_WORKFLOW) || !r->name || f.blind)
			continue;
		for (size_t i = 0; i < f.nr; i++)
			triggers += !strcmp(f.v[i].workflow, r->name);
		if (!triggers || first_start(&f, r->name))
			continue;
		lint_say(l, r, "",
			"workflow '%s' has %zu trigger%s and none that starts it: no run of it "
			"ever "
			"does anything",
			r->name, triggers, triggers == 1 ? "" : "s");
		lint_hint(l, r, "add a trigger of type ON_DEMAND, SCHEDULED or EVENT");
	}
	flow_release(&f);
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
	struct flow f;

	flow_init(&f, l);
	for (size_t i = 0; i < f.nr && !f.blind; i++) {
		const struct json *c;
		size_t k = 0, kind;

		if (f.v[i].fires || !is_whole(l, &f, &f.v[i]))
			continue;
		json_each(c, json_path(f.v[i].r->props, "Predicate.Conditions"))
		{
			const char *name = subject(c, &kind);
			char *path = xasprintf("Predicate.Conditions.%zu.%s", k++, kinds[kind]);

			if (name && !in_map(&f.named, f.v[i].workflow, kind, name)) {
				struct elsewhere e = find_elsewhere(l, &f, &f.v[i], kind, name);
				tell(l, &f.v[i], path, kind, name, &e);
			}
			free(path);
		}
	}
	flow_release(&f);
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
	struct flow f;

	flow_init(&f, l);
	for (size_t i = 0; i < f.nr && !f.blind; i++) {
		bool *seen, *back;

		if (f.v[i].fires || f.v[i].told || !is_whole(l, &f, &f.v[i]))
			continue;
		seen = xcalloc(f.nr, sizeof(*seen));
		waits_for(&f, i, seen);
		for (size_t k = 0; seen[i] && k < f.nr; k++) {
			if (!seen[k])
				continue;
			back = xcalloc(f.nr, sizeof(*back));
			waits_for(&f, k, back);
			f.v[k].told = back[i];
			free(back);
		}
		if (seen[i])
			lint_say(l, f.v[i].r, "Predicate",
				"this trigger waits for what is only started once it has fired, "
				"and "
				"never fires");
		free(seen);
	}
	flow_release(&f);
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
		if (!same_moment(&f->v[i], &f->v[step]))
			continue;
		json_each(a, json_get(f->v[i].r->props, "Actions"))
		{
			if (a == action)
				return NULL;
			if (is(known_str(a, "JobName"), job))
				return &f->v[i];
		}
	}
	return NULL;
}

void lint_two_starts_at_once(struct lint *l)
{
	struct flow f;

	flow_init(&f, l);
	for (size_t i = 0; i < f.nr; i++) {
		const struct json *a;
		size_t k = 0;

		json_each(a, json_get(f.v[i].r->props, "Actions"))
		{
			const char *name = known_str(a, "JobName");
			const struct lint_resource *job = lint_find(l, TYPE_JOB, name);
			const struct step *too =
				job && one_at_a_time(job) ? starts_too(&f, i, a, name) : NULL;
			char *path = xasprintf("Actions.%zu.JobName", k++);

			if (too) {
				lint_say(l, f.v[i].r, path,
					"job '%s' takes one run at a time, and %s%s starts it in "
					"the "
					"same moment: one of the two fails",
					name, too == &f.v[i] ? "this trigger" : "trigger ",
					too == &f.v[i] ? "" : (too->r->name ? too->r->name : "?"));
				lint_hint(l, f.v[i].r,
					"raise the job's ExecutionProperty.MaxConcurrentRuns, or "
					"set "
					"JobRunQueuingEnabled");
			}
			free(path);
		}
	}
	flow_release(&f);
}

void lint_two_schedules(struct lint *l)
{
	const struct lint_resource *r;
	struct flow f;

	flow_init(&f, l);
	lint_each(r, l)
	{
		const char *cron = known_str(r->props, "Schedule.ScheduleExpression");
		const struct lint_resource *by = NULL;
		struct map_entry *e;

		if (!lint_is(r, TYPE_CRAWLER) || !r->name || !cron || !*cron)
			continue;
		map_for_each(&f.named, e)
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
	flow_release(&f);
}
