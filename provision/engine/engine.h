#ifndef ENGINE_H
#define ENGINE_H

/*
 * Convergence: what the templates want, what is live, what the record remembers, and the way from one to the
 * other, in parallel. The engine knows resources through struct resource_type only and never names a service.
 *
 *   engine_new → engine_plan → (engine_apply)         setup, create, plan, status
 *   engine_new → engine_teardown                      teardown, delete
 *
 * States of a node: planned → running → done | failed; or skipped, when something that it needs failed or work
 * was stopped. Only the scheduler changes them (sched.c).
 */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"
#include "json.h"
#include "project.h"
#include "store.h"
#include "type.h"

enum node_action {
	ACTION_NONE,
	ACTION_CREATE,
	ACTION_UPDATE,
	ACTION_REPLACE,
	ACTION_DELETE,
	ACTION_ADOPT,
	ACTION_UPLOAD,
	ACTION_START,
	ACTION_RETAIN,
};
enum node_status { STATUS_PLANNED, STATUS_RUNNING, STATUS_DONE, STATUS_FAILED, STATUS_SKIPPED };
const char *node_action_name(enum node_action a);
const char *node_status_name(enum node_status s);

/* An upload, a bundle or a crawler start: a node that no template has. Edges come from names in its properties. */
struct engine_extra {
	const struct resource_type *type;
	const char *stack, *logical_id, *name;
	struct json *props;       /* taken */
	const char *const *needs; /* logical ids of other extras; NULL-terminated, or NULL */
};

/* What happens, as it happens; called from any thread, one call at a time. */
struct engine_event {
	const char *stack, *logical_id, *type, *name;
	enum node_action action;
	enum node_status status; /* RUNNING: it has begun */
	double seconds;
	const struct err *err; /* FAILED, SKIPPED; else NULL */
	const char *note;      /* a line of progress; NULL */
	size_t done, total;
};
struct engine_ui {
	void (*event)(void *payload, const struct engine_event *ev);
	void *payload;
};

/* Changes of property values between what is wanted and what is live, by the type's rows: pushes {"path","before",
 * "after","effect":"update|replace"}. */
typedef void engine_diff_fn(const struct resource_type *type, const struct json *wanted,
	const struct json *live, struct json *changes);
/* Exports of other projects' stacks, for ImportValue: 0 and a malloc'd *value, 1 when nothing can be known without a
 * cloud, -1. */
typedef int engine_import_fn(void *payload, const char *name, char **value, struct err *err);
/* What only the cloud knows, for Fn::GetAZs and dynamic references: as struct eval_ops has it; ERR_NOT_FOUND for what is not
 * there. Called from any thread. */
typedef int engine_external_fn(
	void *payload, const struct eval_external *what, struct json **out, struct err *err);
/* Last word on a resource's evaluated properties before they are used (scripts' places); may change them. */
typedef int engine_prepare_fn(
	void *payload, const struct stack_resource *r, struct json *props, struct err *err);

struct engine_opts {
	const struct project *project; /* bound; borrowed */
	const struct type_ctx *ctx;
	struct record_store *store;
	const struct resource_type *(*find_type)(const char *name);
	engine_diff_fn *diff;
	engine_prepare_fn *prepare; /* NULL: none */
	void *prepare_payload;
	engine_import_fn *import; /* NULL: only what this project exports */
	void *import_payload;
	engine_external_fn *external; /* NULL: nothing is known */
	void *external_payload;
	bool (*stop)(
		void *payload); /* asked before each resource: true ends the run early; NULL: never */
	void *stop_payload;
	struct engine_ui ui;
	size_t parallel;                      /* 0: 16 */
	const char *only_stack;               /* NULL: all */
	const struct strvec *allow_data_loss; /* logical ids or stack/logical-id; NULL: none */
	bool keep_data;                       /* teardown leaves what may hold data */
	bool only_uploads;                    /* deploy: programs, scripts and data, nothing else */
	/* what else carries this project's marks, at the end of a teardown; NULL: no such call */
	int (*sweep)(const struct type_ctx *ctx, struct json *left, struct err *err);
};

struct engine;

/* Names and graph: evaluates all that is known without a call. Cycles, two resources with one physical name and the like
 * go to `errors` (then NULL). Takes the extras' props. Caller's, to be given to engine_free. */
struct engine *engine_new(const struct engine_opts *opts, const struct engine_extra *extras,
	size_t nr_extras, struct err_list *errors, struct err_list *warnings);
void engine_free(struct engine *e);

/* Only reads: what is live, what would be done. -1 with errors when reading fails. NotOwned resources are
 * errors too, but the plan is complete (for status). */
int engine_plan(
	struct engine *e, bool full, struct err_list *errors, struct err_list *warnings) must_check;
/* True when setup would change anything. */
bool engine_plan_has_changes(const struct engine *e);
/* For plan's "data_loss": asks what is to go whether it holds data. What cannot be asked is a warning, and taken for a loss. */
void engine_foresee_data_loss(struct engine *e, struct err_list *warnings);
/* The data-loss gate: appends one error for each resource with data that would go and is not allowed to. Reads. */
int engine_check_data_loss(struct engine *e, struct err_list *errors) must_check;
/* Does what the plan says. Errors of single resources go to their nodes and to `errors`. */
int engine_apply(struct engine *e, struct err_list *errors, struct err_list *warnings) must_check;
/* Removes everything of the project (or of only_stack): quiesce, empty, destroy, records, and the proof. What is left
 * is in engine_report's "left"; -1 when anything is, or failed. */
int engine_teardown(
	struct engine *e, struct err_list *errors, struct err_list *warnings) must_check;
/* Number of resources that a teardown would remove, and a line for people about each that holds data. Reads. */
int engine_teardown_preview(
	struct engine *e, size_t *resources, struct strvec *data, struct err *err) must_check;

/* --- looking: what a resource with this physical name is; borrowed, NULL where the templates have none --- */
bool engine_has_name(const struct engine *e, const char *type, const char *name);
const char *engine_stack_of(const struct engine *e, const char *type, const char *name);
const struct json *engine_props_of(const struct engine *e, const char *type, const char *name);
/* Physical names of all declared resources of a type, in set-up order. */
void engine_names(const struct engine *e, const char *type, struct strvec *names);
/* The physical name of a logical id ("id" or "stack/id") of that type; NULL. */
const char *engine_name_of(const struct engine *e, const char *type, const char *logical_id);

/* One declared resource as far as it is evaluated; borrowed. */
struct engine_resource {
	const struct stack_resource *decl;
	const char *name; /* NULL: not known yet */
	const struct json *props;
	const struct strvec *secret_paths;
};
typedef void engine_look_fn(void *payload, const struct engine_resource *r);
/* All of them, in set-up order. */
void engine_look(const struct engine *e, engine_look_fn *look, void *payload);

/* --- reports: CONTRACT.md's members, set in `doc` --- */
void engine_report(const struct engine *e, struct json *doc, double seconds,
	uint64_t requests); /* stacks, summary, left */
void engine_report_plan(const struct engine *e, struct json *doc, bool drift); /* changes, drift */
void engine_report_status(const struct engine *e, struct json *doc); /* stacks with state */
/* {"stack":{"Name":"Value"}}; caller's. Unknown values are left out. Needs engine_plan, or what the record has. */
struct json *engine_outputs(struct engine *e, struct err *err) must_check;
/* Resolves an output name for project_expand; see project_output_fn. */
int engine_output_value(void *engine, const char *output, char **value, struct err *err);

/* --- the graph, for drawings: each resource in set-up order, and what it needs --- */
struct engine_vertex {
	const char *stack, *logical_id, *type; /* borrowed */
};
typedef void engine_vertex_fn(void *payload, const struct engine_vertex *v,
	const struct engine_vertex *needs, size_t nr_needs);
void engine_graph(const struct engine *e, engine_vertex_fn *fn, void *payload);

#endif
