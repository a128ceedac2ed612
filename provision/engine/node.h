#ifndef NODE_H
#define NODE_H

/* What the engine's own files share: nodes and the engine itself. Not for other layers. */
#include <pthread.h>
#include "depgraph.h"
#include "engine.h"
#include "map.h"
#include "record.h"

struct node {
	size_t index; /* in engine->nodes and the graph */
	const struct resource_type *type;
	const struct stack_resource *decl; /* NULL: an extra, or only in the record */
	char *stack, *logical_id, *name;
	struct record *record;    /* of its stack */
	struct json *extra_props; /* of an extra */
	struct strvec extra_needs;

	struct json *props; /* evaluated; NULL for what is only in the record */
	struct strvec secret_paths;
	bool has_secret;
	bool has_unknown;  /* some property is not known yet */
	bool attrs_wanted; /* somebody reads an attribute that only the live resource has */
	char *digest;      /* of props; NULL while unknown */
	struct json *owner_tags;
	struct json *record_fields;   /* of the wanted properties */
	struct json *recorded_fields; /* of the last ones that were put in place; NULL: none */

	struct resource_state live;
	bool read, foreign, full;
	bool lost_tags; /* foreign by its tags, while the record says that this project made it */
	bool leftover;  /* in the record, not in the template */
	struct node *successor; /* of a leftover: what the template names in its place now */
	bool retain;
	bool loses;    /* what it does loses data, as far as engine_foresee_data_loss could see */
	bool in_scope; /* of only_stack */
	bool planned;  /* its action was decided; false when reading failed before that */

	enum node_action action;
	enum node_status status;
	struct json *changes; /* plan's "properties" */
	char *reason;
	struct err err;
	double seconds;
	struct json *swept; /* what sweep() removed */
};

struct engine {
	struct engine_opts opts;
	struct node **nodes;
	size_t nr, alloc;
	struct depgraph graph;
	struct map by_id;        /* "stack/logical-id" to node */
	struct map by_name;      /* "type\nname" to node */
	struct map by_export;    /* export name to struct export_ref */
	struct record **records; /* as project->stacks, then stacks that only the store knows */
	size_t nr_records;
	bool records_loaded;
	bool teardown_planned; /* the preview did it already */
	struct json *left;
	size_t total, done; /* of the run under way, for events */
	pthread_mutex_t ui_lock;
};

struct export_ref {
	const struct stack *stack;
	const struct template_output *output;
};

/* graph.c */
struct node *engine_add_node(struct engine *e, const struct resource_type *type, const char *stack,
	const char *logical_id);
int engine_evaluate(struct engine *e, struct node *n, struct err *err) must_check;
int engine_build_graph(
	struct engine *e, struct err_list *errors, struct err_list *warnings) must_check;
struct json *engine_stack_outputs(
	struct engine *e, const struct stack *s, bool *unknown, struct err *err);
/* The node's resource as hooks take it; borrowed from the node. */
struct resource node_resource(const struct node *n);
char *node_id(const struct node *n); /* "stack/logical-id", malloc'd */

/* plan.c: takes a copy of the reason. */
void engine_set_action(struct node *n, enum node_action action, const char *reason);

/* classify.c */
void engine_digest(struct node *n);
/* What the digest would be with these properties; malloc'd, NULL as above. */
char *engine_digest_of(const struct node *n, const struct json *props);
enum owner { OWNER_OURS, OWNER_RENAMED, OWNER_NONE, OWNER_OTHER, OWNER_CLOUDFORMATION };
enum owner engine_owner(const struct engine *e, const struct node *n);
int engine_observe(struct engine *e, struct err_list *errors) must_check;
int engine_read_node(
	struct engine *e, struct node *n, enum read_depth depth, struct err *err) must_check;
int engine_load_records(struct engine *e, struct err_list *errors) must_check;
/* Is it the old half of a replacement, which its successor's line stands for? */
bool engine_superseded(const struct node *n);
void engine_add_leftovers(struct engine *e, struct err_list *warnings);
int engine_save_records(struct engine *e, struct err *err) must_check;

/* sched.c: runs `work` on every node for which `wants` says so, in the graph's order or backwards; a failure skips what
 * depends on it. `ready` (may be NULL) is called by the scheduler before a node starts; -1 fails it. */
struct sched_ops {
	bool (*wants)(struct engine *e, struct node *n);
	int (*ready)(struct engine *e, struct node *n, struct err *err);
	int (*work)(struct engine *e, struct node *n, struct err *err);
	bool backward;
	bool failures_block; /* what depends on a failed node is skipped */
	bool quiet;          /* no events */
};
void engine_run(struct engine *e, const struct sched_ops *ops);
void engine_event(struct engine *e, const struct node *n, const char *note);

#endif
