#ifndef PACKAGE_H
#define PACKAGE_H

/*
 * Programs, scripts and definitions on their way to the cloud: finds jobs whose Command.ScriptLocation is a bare program
 * name or a local path, and state machines whose DefinitionS3Location is one (YAML is turned into JSON), builds the one
 * bundle of the project's programs and the launcher's copy, and rewrites the properties to the places where these will
 * lie. Everything is named by its content (CONTRACT.md, "Artifact keys").
 */
#include <stdbool.h>
#include <stddef.h>
#include "json.h"
#include "project.h"

struct package;

struct package_opts {
	const struct project *project; /* bound; borrowed */
	const char *programs_dir;      /* where built job programs lie */
	const char *
		cache_dir; /* bundles are made here when programs_dir cannot be written; made when missing */
	const char *artifacts; /* "s3://bucket/prefix/", expanded */
	bool any_machine;      /* the local cloud runs what this machine builds, x86-64 or not */
	bool all_conditions;   /* also what stands behind conditions that do not hold */
};

struct package_artifact {
	const char *
		logical_id; /* "Program-<8 hex>", "Launcher-<8 hex>", "Script-<file name>-<8 hex>" */
	const char *stack;  /* of the first job that needs it */
	const char *path;   /* local file */
	const char *bucket, *key, *sha256;
	long long size;
};

/* Looks at every Glue job and state machine and builds what is needed: the same input gives the same bytes. A missing program is an
 * error at the property's place that names the ones there are. Caller's, to be given to package_free. */
struct package *package_new(
	const struct package_opts *opts, struct err_list *errors, struct err_list *warnings);
void package_free(struct package *p);
/* Borrowed from p. */
const struct package_artifact *package_artifacts(const struct package *p, size_t *nr);
/* An engine_prepare_fn: payload is the package. Leaves all other resources alone. */
int package_prepare(void *package, const struct stack_resource *r, struct json *props,
	struct err *err) must_check;

/*
 * The stack's template as CloudFormation itself takes it: programs, scripts and definitions at their places, Branches of
 * Fn::ForEach as lists, Metadata.Glueproj gone. `artifacts` of the package may hold ${Name}, which become parameters,
 * pseudo parameters and imports (`exports` as in plain.h). depends_on: logical id to a list of those that it needs by name only.
 * The caller's; NULL with errors.
 */
struct json *package_template(struct package *p, const struct stack *s,
	const struct json *depends_on, struct strvec *exports, struct err_list *errors) must_check;
/* As package_artifacts, without those whose text is in templates. NULL: it is none to upload. */
bool package_artifact_is_inlined(const struct package *p, const struct package_artifact *a);

/* --- one bundle --- */
struct bundle {
	char *path, sha256[65];
	long long size;
};
/*
 * Writes <dir>/<sha256>.tar.gz: bin/<program>…, lib/ (their shared libraries), lib/ld.so (the loader), etc/ca.pem,
 * bundle.json. ERR_FAILED on a machine that is not x86-64 unless `any_machine` (Glue could not run it).
 */
int bundle_build(const char *programs_dir, const struct strvec *programs, const char *dir,
	bool any_machine, struct bundle *out, struct err *err) must_check;
void bundle_release(struct bundle *b);
/* Shared libraries that an ELF file needs, all of them with their files, as the loader would find them: names to paths.
 * *interpreter is malloc'd. */
struct map;
int elf_closure(
	const char *path, struct map *libraries, char **interpreter, struct err *err) must_check;
/* What a job's Command.ScriptLocation is: "clean" is a program, "etl/load.py" or "load.scala" a file beside the template;
 * "s3://…" and all other addresses are left alone. */
enum script_kind { SCRIPT_ELSEWHERE, SCRIPT_PROGRAM, SCRIPT_FILE };
enum script_kind package_script_kind(const char *location);
/* The launcher's text: the one Python file. */
const char *launcher_text(size_t *len);

#endif
