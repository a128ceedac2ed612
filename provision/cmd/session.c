/* One invocation: options, project, cloud, and how it ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "clock.h"
#include "cmd.h"
#include "err_json.h"
#include "fs.h"
#include "log.h"
#include "store.h"

/* A server that --local started ends after so long without work. */
#define LOCAL_IDLE_S 900
#define MAX_SET_BYTES (1u << 20)

static const char *env_or(const char *given, const char *name)
{
	const char *v = getenv(name);

	return given ? given : (v && *v ? v : NULL);
}

static int apply_environment(struct session *s, struct err *err)
{
	struct options *o = &s->o;
	const char *parallel = getenv("GLUEPROJ_PARALLEL"), *local = getenv("GLUEPROJ_LOCAL");
	long long n;

	o->project = env_or(o->project, "GLUEPROJ_PROJECT");
	o->config = env_or(o->config, "GLUEPROJ_CONFIG");
	o->output = env_or(o->output, "GLUEPROJ_OUTPUT");
	o->endpoint_url = env_or(o->endpoint_url, "GLUEPROJ_ENDPOINT_URL");
	if (!o->local && local && *local && strcmp(local, "0") != 0)
		o->local = !strcmp(local, "1") || iequals(local, "true") ? "" : local;
	if (getenv("NO_COLOR") && *getenv("NO_COLOR"))
		o->no_color = true;
	if (!o->parallel && parallel && *parallel) {
		if (parse_int64(parallel, 1, 256, &n) < 0)
			return err_set(err, ERR_USAGE,
				"GLUEPROJ_PARALLEL is '%s', not a number from 1 to 256", parallel);
		o->parallel = n;
	}
	if (o->output && strcmp(o->output, "json") != 0 && strcmp(o->output, "text") != 0)
		return err_set(err, ERR_USAGE, "--output is '%s', not text or json", o->output);
	s->json = o->output && !strcmp(o->output, "json");
	return 0;
}

/* Standard input can be read once, and templates are bound twice: "NAME=@-" becomes a file in memory. */
static int keep_stdin(struct session *s, struct err *err)
{
	for (size_t i = 0; i < s->o.sets.nr; i++) {
		char *set = s->o.sets.v[i], *eq = strchr(set, '=');
		struct strbuf text = STRBUF_INIT;
		int fd, ret;

		if (!eq || strcmp(eq, "=@-") != 0)
			continue;
		fd = memfd_create("glueproj-set", MFD_CLOEXEC);
		if (fd < 0)
			return err_errno(err, "cannot keep standard input");
		ret = fs_read("-", MAX_SET_BYTES, &text, err);
		if (!ret)
			ret = fs_write_all(fd, text.buf, text.len, "standard input", err);
		wipe(text.buf, text.len);
		strbuf_release(&text);
		if (ret < 0) {
			close(fd);
			return -1;
		}
		s->o.sets.v[i] = xasprintf("%.*s=@/proc/self/fd/%d", (int)(eq - set), set, fd);
		free(set);
		return 0; /* a second one is told that there is nothing left */
	}
	return 0;
}

bool wants_json(int argc, char **argv)
{
	const char *output = getenv("GLUEPROJ_OUTPUT");

	for (int i = 0; i < argc; i++) {
		if (starts_with(argv[i], "--output="))
			output = argv[i] + strlen("--output=");
		else if (!strcmp(argv[i], "--output") && i + 1 < argc)
			output = argv[++i];
	}
	return output && !strcmp(output, "json");
}

static int parse_options(struct session *s, int argc, char **argv, struct err *err)
{
	static const struct opt none[] = {{0}};
	const struct opt *const tables[] = {
		common_opts, s->command->opts ? s->command->opts : none, NULL};
	const struct command *c = s->command;

	/* Even a wrong command line is answered in the form that was asked for. */
	s->json = wants_json(argc, argv);
	if (opt_parse(tables, argc, argv, &s->o, &s->operands, err) < 0) {
		if (*c->name)
			err_hint(err, "%s%sglueproj %s --help", err->hint ? err->hint : "",
				err->hint ? "; " : "", c->name);
		return -1;
	}
	if (s->o.version) {
		printf("glueproj %s\n", GLUEPROJ_VERSION);
		exit(EXIT_OK);
	}
	if (s->o.help) {
		usage_print(c);
		exit(EXIT_OK);
	}
	if (apply_environment(s, err) < 0 || keep_stdin(s, err) < 0)
		return -1;
	if (s->operands.nr < c->min_operands || s->operands.nr > c->max_operands) {
		err_set(err, ERR_USAGE, "%s takes %s", c->name,
			c->operands && *c->operands ? c->operands : "no operand");
		return err_hint(err, "glueproj %s --help", c->name);
	}
	if (s->o.quiet)
		log_set_level(LOG_QUIET);
	else if (s->o.verbose)
		log_set_level(LOG_VERBOSE);
	return 0;
}

int session_fail(struct session *s, struct err *err)
{
	err_list_take(&s->errors, err);
	return -1;
}

double session_seconds(const struct session *s)
{
	return (double)(clock_system()->mono_ms(clock_system()) - s->began_ms) / 1000.0;
}

static void no_note(void *payload unused_arg, const char *stack unused_arg,
	const char *id unused_arg, const char *text)
{
	log_verbose("%s", text);
}

char *session_local_dir(const struct session *s)
{
	return fs_join(s->project && s->project->dir ? s->project->dir : ".", ".glueproj/local");
}

/* The local cloud's endpoint and keys; the user's own are not looked at. */
static int use_local(struct session *s, struct aws_config *config, struct err *err)
{
	char *dir = *s->o.local ? xstrdup(s->o.local) : session_local_dir(s);
	struct local_server_opts opts = {
		.dir = dir, .idle_s = LOCAL_IDLE_S, .region = config->region};
	int ret = local_server_start(&opts, &s->local, err);

	free(dir);
	if (ret < 0)
		return err_wrap(err, "the local cloud does not start");
	config->endpoint_url = s->local.endpoint;
	if (!config->region)
		config->region = s->local.region;
	config->ignore_environment = true;
	config->credentials = aws_credentials_static(
		s->local.access_key_id, s->local.secret_access_key, NULL, "the local cloud");
	return 0;
}

/* The keys of --credentials. The local cloud has its own; a wrong file is told all the same. */
static int read_credentials(struct session *s, struct aws_config *config, struct err *err)
{
	struct aws_credentials *keys;

	if (s->o.profile)
		return err_set(err, ERR_USAGE, "--credentials and --profile are two sets of keys");
	keys = aws_credentials_csv(s->o.credentials, err);
	if (!keys)
		return -1;
	if (s->o.local)
		aws_credentials_free(keys);
	else
		config->credentials = keys;
	return 0;
}

static int open_cloud(struct session *s, struct err *err)
{
	bool ask = !(s->command->flags & CMD_OWN_CLOUD);
	struct aws_config config = {
		.region = s->o.region ? s->o.region : (s->project ? s->project->region : NULL),
		.profile = s->o.profile,
		.endpoint_url = s->o.endpoint_url,
		.prompt = prompt_possible() ? prompt_hidden : NULL,
	};
	const char *account = "";

	if (s->o.credentials && read_credentials(s, &config, err) < 0)
		return -1;
	if (s->o.local && use_local(s, &config, err) < 0)
		return -1;
	s->aws = aws_client_new(&config, err);
	if (!s->aws)
		return -1;
	if (s->o.local)
		account = s->local.account;
	else if (ask)
		account = aws_client_account(s->aws, err);
	if (!account)
		return -1;
	s->account = xstrdup(account);
	s->ctx = (struct type_ctx){
		.aws = s->aws,
		.clock = aws_client_clock(s->aws),
		.project = s->project ? s->project->name : "",
		.account = s->account,
		.region = aws_client_region(s->aws),
		.partition = aws_client_partition(s->aws),
		.note = no_note,
		.interrupted_is_error = true,
	};
	return 0;
}

int session_cloud(struct session *s)
{
	struct err err = ERR_INIT;

	return open_cloud(s, &err) < 0 ? session_fail(s, &err) : 0;
}

static bool outside_project(const struct session *s)
{
	return s->o.template != NULL;
}

/*
 * A stack that was made of a template alone, in the project that `create` gave it: no templates, only what the record
 * says. NULL when what stands for the project is a path.
 */
static struct project *project_of_record(const struct session *s)
{
	const char *name = s->o.project ? s->o.project : s->operands.v[0];
	struct project *p;

	if (strchr(name, '/'))
		return NULL;
	p = xcalloc(1, sizeof(*p));
	arena_init(&p->arena);
	p->name = arena_strdup(&p->arena, name);
	p->dir = arena_strdup(&p->arena, ".");
	return p;
}

static int load_project(struct session *s, struct err *err)
{
	unsigned flags = s->command->flags;
	const struct options *o = &s->o;

	s->project_opts = (struct project_opts){
		.path = o->project,
		.config = flags & CMD_NO_VALUES ? "/dev/null" : o->config,
		.sets = &o->sets,
		.template_path = o->template,
		.parameters_path = o->parameters,
		/* What goes needs no files to go with. */
		.lenient_uploads = flags & CMD_NO_PACKAGE,
		.region = o->region,
		.no_values = !(flags & (CMD_BIND | CMD_CLOUD)),
	};
	if (o->parameters && !o->template)
		return err_set(err, ERR_USAGE, "--parameters goes with --template");
	if (outside_project(s)) {
		s->project_opts.stack_name = s->operands.nr ? s->operands.v[0] : "stack";
		s->project_opts.project_name = o->project ? o->project : s->project_opts.stack_name;
		s->project_opts.path = NULL;
	}
	s->project = project_load(&s->project_opts, &s->errors);
	if (s->project)
		return 0;
	/* Commands that can do without a project go on when there is none at all. */
	if (!(flags & CMD_MAYBE_PROJECT) || outside_project(s) || s->errors.nr != 1 ||
		strcmp(err_name(&s->errors.v[0]), "NoProject") != 0)
		return -1;
	if (flags & CMD_BY_RECORD)
		s->project = project_of_record(s);
	else if (o->project || (flags & CMD_TEMPLATE))
		return -1;
	if (s->project || !(flags & CMD_BY_RECORD))
		err_list_release(&s->errors);
	return s->errors.nr ? -1 : 0;
}

/* The account is not known without a cloud: names are made for one that nobody has. */
static void offline_ctx(struct session *s)
{
	const char *region = s->o.region ? s->o.region : s->project->region;

	s->ctx = (struct type_ctx){
		.project = s->project->name,
		.account = "000000000000",
		.region = region ? region : "us-east-1",
		.partition = "aws",
	};
}

/* `again`: it is done once more when the account is known. */
static int bind_project(struct session *s, bool again)
{
	struct stack_context ctx = {
		.project = s->project->name,
		.account = s->account,
		.region = s->ctx.region,
		.partition = s->ctx.partition,
		.external = cloud_knowledge,
		.external_payload = s,
		.secrets_may_be_unknown = s->command->flags & CMD_NO_SECRETS,
		.bound_again = again,
		.variants = !strcmp(s->command->name, "validate"),
		/* `validate --template F` alone: values come with `create`. */
		.only_checked = outside_project(s) && !(s->command->flags & CMD_CLOUD) &&
				!s->o.parameters && !s->o.sets.nr,
	};

	return project_bind(
		s->project, &s->project_opts, &ctx, resource_schemas(), &s->errors, &s->warnings);
}

/* Which resources there are is not known yet, then. */
static bool conditions_guessed(const struct project *p)
{
	for (size_t i = 0; i < p->nr_stacks; i++)
		if (p->stacks[i] && p->stacks[i]->guessed)
			return true;
	return false;
}

/*
 * Everything that can be said without a call is said before the first one: templates, parameters, names, programs. What
 * hangs on the account is bound again once it is known.
 */
static int check_offline(struct session *s)
{
	struct engine *e = NULL;
	int ret = -1;

	offline_ctx(s);
	if (!bind_project(s, true)) {
		bool guessed = conditions_guessed(s->project);
		if (!guessed)
			e = session_engine(s, &(struct engine_opts){0}, false);
		if (e || guessed)
			ret = 0;
	}
	engine_free(e);
	package_free(s->package);
	s->package = NULL;
	/* They are found again by the second binding. */
	err_list_release(&s->warnings);
	return ret;
}

bool session_by_record(const struct session *s)
{
	return s->project && !s->project->nr_entries;
}

static int reload_project(struct session *s)
{
	project_free(s->project);
	s->project = project_load(&s->project_opts, &s->errors);
	return s->project ? 0 : -1;
}

int session_open(struct session *s, const struct command *c, int argc, char **argv)
{
	struct err err = ERR_INIT;

	*s = (struct session){
		.command = c,
		.o = {.sets = STRVEC_INIT,
			.allow_data_loss = STRVEC_INIT,
			.args = STRVEC_INIT,
			.port = 4566},
		.operands = STRVEC_INIT,
		.began_ms = clock_system()->mono_ms(clock_system()),
	};
	s->doc = json_object();
	if (parse_options(s, argc, argv, &err) < 0)
		return session_fail(s, &err);
	if (s->o.list_rules)
		return 0;
	if ((c->flags & (CMD_PROJECT | CMD_MAYBE_PROJECT)) && load_project(s, &err) < 0)
		return err.code ? session_fail(s, &err) : -1;
	if ((c->flags & CMD_BIND) && (c->flags & CMD_CLOUD) && s->project &&
		!session_by_record(s) && (check_offline(s) < 0 || reload_project(s) < 0))
		return -1;
	if ((c->flags & CMD_CLOUD) && !(c->flags & CMD_OWN_CLOUD) && open_cloud(s, &err) < 0)
		return session_fail(s, &err);
	if (!(c->flags & CMD_CLOUD) && s->project)
		offline_ctx(s);
	if ((c->flags & CMD_BIND) && s->project && !session_by_record(s) &&
		bind_project(s, false) < 0)
		return -1;
	return 0;
}

int session_reopen(struct session *s, const struct command *c)
{
	struct err err = ERR_INIT;

	project_free(s->project);
	s->project = NULL;
	s->command = c;
	if (load_project(s, &err) < 0)
		return err.code ? session_fail(s, &err) : -1;
	if ((c->flags & CMD_CLOUD) && open_cloud(s, &err) < 0)
		return session_fail(s, &err);
	if (!(c->flags & CMD_CLOUD))
		offline_ctx(s);
	return bind_project(s, false);
}

/* --- how it ends --- */

static void set_errors(struct json *doc, const char *name, const struct err_list *list)
{
	struct json *a = json_array();

	for (size_t i = 0; i < list->nr; i++)
		json_push(a, err_to_json(&list->v[i]));
	json_set(doc, name, a);
}

static int exit_code(const struct session *s, int result)
{
	int code = EXIT_FAILED;

	if (signals_got() && result)
		return 128 + signals_got();
	if (result >= 0)
		return result;
	for (size_t i = 0; i < s->errors.nr; i++) {
		int c = err_exit_code(&s->errors.v[i]);
		if (i == 0 || c == EXIT_FAILED)
			code = c;
	}
	return code;
}

/* The members that every document has come first, in CONTRACT.md's order. */
void session_print_document(struct session *s, int code)
{
	struct json *doc = json_object(), *member;
	struct strbuf sb = STRBUF_INIT;

	json_set_i64(doc, "schema", 1);
	json_set_str(doc, "command", s->command->name);
	json_set(doc, "project", s->project ? json_string(s->project->name) : json_null());
	json_set_bool(doc, "ok", code == EXIT_OK || code == EXIT_CHANGES);
	json_set_i64(doc, "exit", code);
	set_errors(doc, "errors", &s->errors);
	set_errors(doc, "warnings", &s->warnings);
	json_each(member, s->doc) json_set(doc, json_name(member), json_copy(member));
	json_print(doc, &sb);
	strbuf_addch(&sb, '\n');
	fwrite(sb.buf, 1, sb.len, stdout);
	strbuf_release(&sb);
	json_free(doc);
}

/* One hint for all that follow each other with the same one. */
static bool hint_comes_again(const struct err_list *list, size_t i)
{
	const char *next = i + 1 < list->nr ? list->v[i + 1].hint : NULL;

	return next && !strcmp(list->v[i].hint, next);
}

/* Nobody gave the address of a local cloud that glueproj found or started itself. */
static void explain_local(struct session *s)
{
	for (size_t i = 0; s->o.local && s->local.endpoint && i < s->errors.nr; i++) {
		struct err *e = &s->errors.v[i];
		if (e->code == ERR_IO && e->hint && strstr(e->hint, "listening"))
			err_hint(e, "the local cloud has ended; the next command starts it again, "
				    "with all that it had");
	}
}

/* Making a job or crawler hands a role to Glue: a right of its own, which whoever has glue:* need not have. */
static void explain_pass_role(struct session *s)
{
	for (size_t i = 0; i < s->errors.nr; i++) {
		struct err *e = &s->errors.v[i];
		if (e->code == ERR_DENIED && e->text && strstr(e->text, "iam:PassRole"))
			err_hint(e,
				"whoever runs glueproj needs iam:PassRole on this role, with the "
				"condition iam:PassedToService: glue.amazonaws.com");
	}
}

static void print_warnings(const struct session *s)
{
	for (size_t i = 0; i < s->warnings.nr && !s->o.quiet; i++) {
		const struct err *w = &s->warnings.v[i];
		char *line = err_format(w), *word = w->file ? strstr(line, ": error: ") : NULL;

		if (word)
			log_info("%.*s: warning: %s", (int)(word - line), line,
				word + strlen(": error: "));
		else
			log_warn("%s", line);
		if (w->hint && !hint_comes_again(&s->warnings, i))
			log_info("  %s", w->hint);
		free(line);
	}
}

static void print_errors(const struct session *s)
{
	print_warnings(s);
	for (size_t i = 0; i < s->errors.nr; i++) {
		char *line = err_format(&s->errors.v[i]);
		log_error("%s", line);
		if (s->errors.v[i].hint && !hint_comes_again(&s->errors, i))
			log_error("  %s", s->errors.v[i].hint);
		free(line);
	}
}

static void session_release(struct session *s)
{
	package_free(s->package);
	home_store_free(s->store);
	project_free(s->project);
	aws_client_free(s->aws);
	local_server_info_release(&s->local);
	json_free(s->doc);
	err_list_release(&s->errors);
	err_list_release(&s->warnings);
	strvec_release(&s->o.sets);
	strvec_release(&s->o.allow_data_loss);
	strvec_release(&s->o.args);
	strvec_release(&s->operands);
	json_free(s->imports);
	json_free(s->looked_up);
	free(s->account);
	free(s->home_bucket);
	free(s->artifacts);
}

int session_close(struct session *s, int result)
{
	int code = exit_code(s, result);
	struct err err = ERR_INIT;

	if (code && code == 128 + signals_got() && !s->errors.nr) {
		err_set(&err, ERR_INTERRUPTED, "interrupted");
		err_list_take(&s->errors, &err);
	}
	explain_local(s);
	explain_pass_role(s);
	if (s->json)
		session_print_document(s, code);
	print_errors(s);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		log_error("cannot write the result to standard output");
		code = code ? code : EXIT_FAILED;
	}
	session_release(s);
	return code;
}

/* --- the engine --- */

static int expand(struct session *s, struct engine *resolver, const char *text,
	const struct project_place *at, const char *key, char **out, struct err *err)
{
	int unknown = project_expand_at(s->project, text, at, key,
		resolver ? engine_output_value : NULL, resolver, out, err);

	if (unknown > 0)
		return err_at(err, s->project->file, at->line, at->column, key,
			"'%s' names a value that no parameter or output gives before set-up", text);
	return unknown;
}

static int find_home(struct session *s, struct engine *resolver, struct err *err)
{
	if (s->home_bucket)
		return 0;
	if (s->project->home)
		return expand(s, resolver, s->project->home, &s->project->home_at, "Home",
			&s->home_bucket, err);
	s->home_bucket = xasprintf("glueproj-%s-%s", s->account, s->ctx.region);
	return 0;
}

static void open_store(struct session *s)
{
	if (s->aws && !s->store)
		s->store = home_store_new(s->aws, s->home_bucket, s->account);
}

/* Home must not be one of the stacks' own buckets: it would go with them. */
static int check_home(const struct session *s, struct engine *e, struct err *err)
{
	if (engine_has_name(e, "AWS::S3::Bucket", s->home_bucket)) {
		err_set(err, ERR_USAGE, "home bucket '%s' is a bucket of the project's own stacks",
			s->home_bucket);
		return err_hint(err, "name another one under Home, or none");
	}
	return 0;
}

/* Without a cloud: as it is written, with what names the account; malloc'd. */
static char *written_artifacts(const struct session *s)
{
	const struct project *p = s->project;
	char *text = NULL;

	if (!p->artifacts)
		return xasprintf("s3://%s/glueproj/v1/%s/artifacts/",
			p->home ? p->home : "glueproj-${AWS::AccountId}-${AWS::Region}", p->name);
	if (starts_with(p->artifacts, "s3://"))
		return xstrdup(p->artifacts);
	if (project_expand(p, p->artifacts, NULL, NULL, &text, NULL) ||
		!starts_with(text, "s3://")) {
		free(text);
		/* Only to see that every program is there. */
		return xstrdup("s3://artifacts/");
	}
	return text;
}

static int open_package(struct session *s, struct engine *resolver, struct err *err)
{
	char *dir = NULL, *programs = NULL, *cache = NULL;
	struct package_opts opts;
	int ret = -1;

	free(s->artifacts);
	s->artifacts = NULL;
	if (!s->aws) {
		s->artifacts = written_artifacts(s);
	} else if (s->project->artifacts) {
		const struct project_place *at = &s->project->artifacts_at;
		if (expand(s, resolver, s->project->artifacts, at, "Artifacts", &s->artifacts, err))
			goto out;
		if (!starts_with(s->artifacts, "s3://")) {
			err_at(err, s->project->file, at->line, at->column, "Artifacts",
				"'%s' is not an s3:// address", s->artifacts);
			goto out;
		}
	} else {
		s->artifacts = xasprintf(
			"s3://%s/glueproj/v1/%s/artifacts/", s->home_bucket, s->project->name);
	}
	if (!ends_with(s->artifacts, "/")) {
		char *with = xasprintf("%s/", s->artifacts);
		free(s->artifacts);
		s->artifacts = with;
	}
	dir = fs_program_dir(err);
	if (!dir)
		goto out;
	programs = fs_join(dir, "jobs");
	cache = fs_join(s->project->dir ? s->project->dir : ".", ".glueproj/bundles");
	opts = (struct package_opts){.project = s->project,
		.programs_dir = programs,
		.cache_dir = cache,
		.artifacts = s->artifacts,
		.any_machine = s->o.local != NULL,
		.all_conditions = !strcmp(s->command->name, "package")};
	s->package = package_new(&opts, &s->errors, &s->warnings);
	ret = s->package ? 0 : -1;
out:
	free(dir);
	free(programs);
	free(cache);
	return ret;
}

/* What is said of a template when it is set up is not repeated by what only looks or removes. */
static void forget_warnings(struct err_list *list, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->nr; i++) {
		if (!strcmp(err_name(&list->v[i]), name))
			err_release(&list->v[i]);
		else
			list->v[kept++] = list->v[i];
	}
	list->nr = kept;
}

struct engine *session_engine(struct session *s, struct engine_opts *opts, bool for_teardown)
{
	struct engine *resolver = NULL, *e = NULL;
	struct extras extras = {.texts = STRVEC_INIT};
	struct err_list quiet = ERR_LIST_INIT;
	struct err err = ERR_INIT;

	opts->project = s->project;
	opts->ctx = &s->ctx;
	opts->find_type = resource_type_find;
	opts->diff = resource_diff;
	opts->parallel = (size_t)s->o.parallel;
	opts->sweep = resource_sweep_project;
	s->ctx.project = s->project->name;
	if (outside_project(s)) {
		/* No project that has all stacks: what others export is in their records. */
		opts->import = home_import;
		opts->import_payload = s;
		if (s->aws && find_home(s, NULL, &err) < 0)
			goto out;
		open_store(s);
	}
	if (!for_teardown) {
		/* What goes needs no values. */
		opts->external = cloud_knowledge;
		opts->external_payload = s;
	}
	/* Without extras first: it resolves outputs in Home, Artifacts, Uploads and AfterSetup. */
	resolver = engine_new(opts, NULL, 0, &s->errors, s->aws ? &quiet : &s->warnings);
	if (!resolver)
		goto out;
	if (!s->aws) {
		if (!(s->command->flags & CMD_NO_PACKAGE) && open_package(s, resolver, &err) < 0)
			goto out;
		e = resolver;
		resolver = NULL;
		goto out;
	}
	if (find_home(s, resolver, &err) < 0 || check_home(s, resolver, &err) < 0)
		goto out;
	open_store(s);
	opts->store = s->store;
	if (!(s->command->flags & CMD_NO_PACKAGE) && open_package(s, resolver, &err) < 0)
		goto out;
	if (!for_teardown && extras_collect(s, resolver, &extras, &err) < 0)
		goto out;
	if (s->package) {
		opts->prepare = package_prepare;
		opts->prepare_payload = s->package;
	}
	e = engine_new(opts, extras.v, extras.nr, &s->errors, &s->warnings);
	/* Properties now belong to the engine, or were freed by it. */
	extras.nr = 0;
	if (s->command->flags & CMD_NO_SECRETS)
		forget_warnings(&s->warnings, "PlainSecret");
out:
	/* What is written counts, not what the packages make of it. */
	if (e && !for_teardown && (s->command->flags & CMD_LINT) &&
		lint_project(s, resolver ? resolver : e) < 0) {
		engine_free(e);
		e = NULL;
	}
	if (err.code)
		session_fail(s, &err);
	engine_free(resolver);
	extras_release(&extras);
	err_list_release(&quiet);
	return e;
}
