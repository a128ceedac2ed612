/* The commands, their own options, and the help that both make. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

#define OPT(member) offsetof(struct options, member)

const struct opt common_opts[] = {
	{"project", 'p', OPT_STRING, OPT(project), "PATH", "project file or its folder", 0, 0},
	{"config", 0, OPT_STRING, OPT(config), "FILE",
		"values for parameters, instead of the project's", 0, 0},
	{"set", 0, OPT_LIST, OPT(sets), "NAME=VALUE",
		"a parameter; NAME=@FILE and NAME=@- keep it off the command line", 0, 0},
	{"region", 0, OPT_STRING, OPT(region), "REGION", "AWS region", 0, 0},
	{"profile", 0, OPT_STRING, OPT(profile), "NAME", "profile of the AWS config files", 0, 0},
	{"endpoint-url", 0, OPT_STRING, OPT(endpoint_url), "URL",
		"another endpoint for all services", 0, 0},
	{"local", 0, OPT_OPTIONAL, OPT(local), "DIR",
		"use the local cloud (default: .glueproj/local beside the project)", 0, 0},
	{"output", 0, OPT_STRING, OPT(output), "text|json", "how results are printed", 0, 0},
	{"parallel", 0, OPT_INT, OPT(parallel), "N", "calls at a time (16)", 1, 256},
	{"quiet", 'q', OPT_FLAG, OPT(quiet), NULL, "results and errors only", 0, 0},
	{"verbose", 'v', OPT_FLAG, OPT(verbose), NULL, "more about what is done", 0, 0},
	{"no-color", 0, OPT_FLAG, OPT(no_color), NULL, "no colours, no live table", 0, 0},
	{"help", 'h', OPT_FLAG, OPT(help), NULL, "this text", 0, 0},
	{"version", 'V', OPT_FLAG, OPT(version), NULL, "the version", 0, 0},
	{0},
};

#define OPT_ALLOW_DATA_LOSS                                                         \
	{                                                                           \
		"allow-data-loss", 0, OPT_LIST, OPT(allow_data_loss), "LOGICAL_ID", \
			"let this resource go with its data", 0, 0                  \
	}
#define OPT_TEMPLATE                                                         \
	{                                                                    \
		"template", 0, OPT_STRING, OPT(template), "FILE",            \
			"a CloudFormation template, without a project", 0, 0 \
	}
#define OPT_PARAMETERS                                                \
	{                                                             \
		"parameters", 0, OPT_STRING, OPT(parameters), "FILE", \
			"its CloudFormation parameter file", 0, 0     \
	}
#define OPT_YES                                                          \
	{                                                                \
		"yes", 'y', OPT_FLAG, OPT(yes), NULL, "do not ask", 0, 0 \
	}
#define OPT_KEEP_DATA                                                            \
	{                                                                        \
		"keep-data", 0, OPT_FLAG, OPT(keep_data), NULL,                  \
			"leave buckets and databases with what is in them", 0, 0 \
	}
#define OPT_DRY_RUN                                                     \
	{                                                               \
		"dry-run", 0, OPT_FLAG, OPT(dry_run), NULL,             \
			"show what would be done, change nothing", 0, 0 \
	}
#define OPT_TIMEOUT                                                       \
	{                                                                 \
		"timeout", 0, OPT_INT, OPT(timeout_s), "SECONDS",         \
			"stop waiting after so long (exit 1)", 1, 1000000 \
	}
#define OPT_DATABASE                                                                             \
	{                                                                                        \
		"database", 0, OPT_STRING, OPT(database), "NAME", "the catalog's database", 0, 0 \
	}
#define OPT_DIR                                                                              \
	{                                                                                    \
		"dir", 0, OPT_STRING, OPT(dir), "DIR", "the local cloud's data folder", 0, 0 \
	}

static const struct opt setup_opts[] = {OPT_DRY_RUN, OPT_ALLOW_DATA_LOSS, {0}};
static const struct opt create_opts[] = {
	OPT_TEMPLATE, OPT_PARAMETERS, OPT_DRY_RUN, OPT_ALLOW_DATA_LOSS, {0}};
static const struct opt teardown_opts[] = {OPT_YES, OPT_KEEP_DATA, {0}};
static const struct opt delete_opts[] = {OPT_TEMPLATE, OPT_PARAMETERS, OPT_YES, OPT_KEEP_DATA, {0}};
static const struct opt plan_opts[] = {
	OPT_TEMPLATE,
	OPT_PARAMETERS,
	{"detailed-exitcode", 0, OPT_FLAG, OPT(detailed_exitcode), NULL,
		"exit 3 when there is something to do", 0, 0},
	{"drift", 0, OPT_FLAG, OPT(drift), NULL, "also what was changed behind glueproj's back", 0,
		0},
	{0},
};
static const struct opt validate_opts[] = {
	OPT_TEMPLATE,
	OPT_PARAMETERS,
	{"list-rules", 0, OPT_FLAG, OPT(list_rules), NULL, "the rules of Glue lint, and no checks",
		0, 0},
	{0},
};
static const struct opt graph_opts[] = {
	{"format", 0, OPT_STRING, OPT(format), "dot|mermaid|svg",
		"what the drawing is written in (dot); svg needs Graphviz", 0, 0},
	{0},
};
static const struct opt run_opts[] = {
	{"arg", 0, OPT_LIST, OPT(args), "K=V",
		"an argument of the run (of a workflow: a run property; of a state machine: a "
		"member of its input)",
		0, 0},
	{"input", 0, OPT_STRING, OPT(input), "JSON",
		"a state machine's input; @FILE and @- read it", 0, 0},
	{"follow", 'f', OPT_FLAG, OPT(follow), NULL, "wait for its end and show its logs", 0, 0},
	OPT_TIMEOUT,
	{0},
};
static const struct opt crawl_opts[] = {
	{"diff", 0, OPT_FLAG, OPT(diff), NULL,
		"show what the crawl would change, and change nothing (local cloud)", 0, 0},
	OPT_TIMEOUT,
	{0},
};
static const struct opt logs_opts[] = {
	{"run-id", 0, OPT_STRING, OPT(run_id), "ID", "this run instead of the last one", 0, 0},
	{"follow", 'f', OPT_FLAG, OPT(follow), NULL, "go on until the run ends", 0, 0},
	OPT_TIMEOUT,
	{0},
};
static const struct opt tables_opts[] = {OPT_DATABASE, {0}};
static const struct opt query_opts[] = {
	OPT_DATABASE,
	{"workgroup", 0, OPT_STRING, OPT(workgroup), "NAME",
		"work group of Athena (default: the project's, else primary) or of the warehouse",
		0, 0},
	{"warehouse", 0, OPT_FLAG, OPT(warehouse), NULL,
		"ask the warehouse (Redshift Serverless; default: the project's)", 0, 0},
	{"secret", 0, OPT_STRING, OPT(secret), "ARN",
		"the secret to log in to the warehouse with (default: your own identity)", 0, 0},
	{"csv", 0, OPT_FLAG, OPT(csv), NULL, "rows as CSV", 0, 0},
	OPT_TIMEOUT,
	{0},
};
static const struct opt local_opts[] = {
	OPT_DIR,
	{"port", 0, OPT_INT, OPT(port), "N", "port on the loopback interface (4566; 0: any)", 0,
		65535},
	{"foreground", 0, OPT_FLAG, OPT(foreground), NULL, "stay in this terminal", 0, 0},
	{"idle", 0, OPT_INT, OPT(idle_s), "SECONDS", "end after so long without work (0: never)", 0,
		100000000},
	{"account", 0, OPT_STRING, OPT(account), "ID", "account number (000000000000)", 0, 0},
	{"well-known-keys", 0, OPT_FLAG, OPT(well_known_keys), NULL,
		"test/test instead of random keys", 0, 0},
	{"arg", 0, OPT_LIST, OPT(args), "K=V", "of run: an argument of the job", 0, 0},
	{0},
};

static const struct opt upload_opts[] = {
	{"to", 0, OPT_STRING, OPT(to), "s3://BUCKET/PREFIX/", "where they go; of one file, its key",
		0, 0},
	{"credentials", 0, OPT_STRING, OPT(credentials), "FILE",
		"an access-key file (CSV) as the console gives it for download", 0, 0},
	{"force", 0, OPT_FLAG, OPT(force), NULL, "send also what is there already", 0, 0},
	OPT_DRY_RUN,
	{0},
};

static const struct opt package_opts[] = {
	{"out", 0, OPT_STRING, OPT(out), "DIR", "the folder (package/ beside the project file)", 0,
		0},
	{0},
};

const struct command commands[] = {
	{"setup", cmd_setup, CMD_PROJECT | CMD_BIND | CMD_CLOUD | CMD_LINT, setup_opts, "", 0, 0,
		"create or update every stack of the project",
		"  glueproj setup --local\n  glueproj -p stacks/sales-lake setup --dry-run\n"},
	{"teardown", cmd_teardown,
		CMD_PROJECT | CMD_BIND | CMD_NO_SECRETS | CMD_CLOUD | CMD_NO_PACKAGE, teardown_opts,
		"", 0, 0, "remove all of it, in reverse, and prove that nothing is left",
		"  glueproj teardown --local --yes\n"},
	{"create", cmd_create, CMD_MAYBE_PROJECT | CMD_TEMPLATE | CMD_BIND | CMD_CLOUD | CMD_LINT,
		create_opts, "STACK", 1, 1, "create or update one stack",
		"  glueproj create basic-infra\n  glueproj create lake --template lake.yaml "
		"--parameters lake-params.json\n"},
	{"delete", cmd_delete,
		CMD_MAYBE_PROJECT | CMD_TEMPLATE | CMD_BY_RECORD | CMD_BIND | CMD_NO_SECRETS |
			CMD_CLOUD | CMD_NO_PACKAGE,
		delete_opts, "STACK", 1, 1, "remove one stack",
		"  glueproj delete glue-workflow --yes\n"},
	{"deploy", cmd_deploy, CMD_PROJECT | CMD_BIND | CMD_CLOUD, NULL, "", 0, 0,
		"package programs and scripts and upload them and the data, nothing else",
		"  glueproj deploy\n"},
	{"package", cmd_package, CMD_PROJECT | CMD_BIND | CMD_NO_SECRETS | CMD_LINT, package_opts,
		"", 0, 0,
		"write bundles and plain CloudFormation templates to a folder, call nothing",
		"  glueproj package\n  glueproj -p stacks/sales-lake package --out "
		"sales-lake-cloudformation\n"},
	{"plan", cmd_plan, CMD_PROJECT | CMD_BIND | CMD_CLOUD | CMD_LINT, plan_opts, "", 0, 0,
		"what setup would do, property by property",
		"  glueproj plan --detailed-exitcode\n"},
	{"status", cmd_status, CMD_PROJECT | CMD_BIND | CMD_NO_SECRETS | CMD_CLOUD, NULL, "[STACK]",
		0, 1, "what stands", "  glueproj status --output json\n"},
	{"outputs", cmd_outputs, CMD_PROJECT | CMD_BIND | CMD_NO_SECRETS | CMD_CLOUD, NULL,
		"[STACK]", 0, 1, "the stacks' outputs", "  glueproj outputs\n"},
	{"graph", cmd_graph, CMD_PROJECT | CMD_BIND | CMD_NO_SECRETS, graph_opts, "[WHAT]", 0, 1,
		"a drawing of what needs what; of a stack, a workflow's triggers, or a state "
		"machine's states",
		"  glueproj graph | dot -Tpdf >graph.pdf\n"
		"  glueproj graph etl_workflow --format mermaid\n"
		"  glueproj graph crypto-prices --format svg >machine.svg\n"},
	{"validate", cmd_validate, CMD_MAYBE_PROJECT | CMD_TEMPLATE | CMD_BIND | CMD_LINT,
		validate_opts, "", 0, 0, "all checks that need no cloud, Glue lint included",
		"  glueproj validate\n  glueproj validate --list-rules\n  glueproj validate "
		"--template lake.yaml\n"},
	{"run", cmd_run, CMD_MAYBE_PROJECT | CMD_BIND | CMD_NO_SECRETS | CMD_CLOUD | CMD_NO_PACKAGE,
		run_opts, "NAME", 1, 1,
		"start a workflow, job, crawler or state machine (the project's name: its workflow "
		"or machine); with --follow its result is the exit code",
		"  glueproj run etl_workflow --follow\n  glueproj run gluejobclean --arg "
		"raw_object_name=x.csv -f\n"
		"  glueproj run crypto-prices --input @input.json --follow\n"},
	{"crawl", cmd_crawl,
		CMD_MAYBE_PROJECT | CMD_BIND | CMD_NO_SECRETS | CMD_CLOUD | CMD_NO_PACKAGE,
		crawl_opts, "NAME", 1, 1,
		"start a crawler and wait for its end, which is the exit code; with --diff only "
		"show what it would change",
		"  glueproj crawl crawler_gold\n  glueproj crawl crawler_gold --local --diff\n"},
	{"logs", cmd_logs,
		CMD_MAYBE_PROJECT | CMD_BIND | CMD_NO_SECRETS | CMD_CLOUD | CMD_NO_PACKAGE,
		logs_opts, "NAME", 1, 1,
		"logs of the last run of a job, workflow, crawler or state machine",
		"  glueproj logs gluejobclean\n"},
	{"tables", cmd_tables,
		CMD_MAYBE_PROJECT | CMD_BIND | CMD_NO_SECRETS | CMD_CLOUD | CMD_NO_PACKAGE,
		tables_opts, "[TABLE]", 0, 1, "the catalog's tables and their columns",
		"  glueproj tables\n"},
	{"query", cmd_query,
		CMD_MAYBE_PROJECT | CMD_BIND | CMD_NO_SECRETS | CMD_CLOUD | CMD_NO_PACKAGE,
		query_opts, "SQL", 1, 1, "ask Athena, or the warehouse",
		"  glueproj query \"select count(*) from etl_poc_data_gold\"\n"
		"  glueproj query --warehouse \"select * from market_data.btc\"\n"},
	{"init", cmd_init, 0, NULL, "NAME", 1, 1,
		"a new project in a folder of that name, ready to run",
		"  glueproj init my-lake; cd my-lake; glueproj --local setup\n"},
	{"upload", cmd_upload, CMD_MAYBE_PROJECT | CMD_CLOUD | CMD_OWN_CLOUD, upload_opts,
		"FILE...", 1, 1000000,
		"files, folders and patterns to a bucket, in parallel; run again it goes on where "
		"it was cut off",
		"  glueproj upload prices.csv trend.csv --to s3://my-bucket/raw/\n"
		"  glueproj upload data 'more/*.csv' --to s3://my-bucket/ --credentials "
		"accessKeys.csv\n"},
	{"config", cmd_config, CMD_PROJECT, NULL, "get NAME | set NAME VALUE... | list", 1, 100,
		"read and edit the project's config file",
		"  glueproj config set SourceUrl https://example.org/sales.zip\n"},
	{"whoami", cmd_whoami, CMD_MAYBE_PROJECT | CMD_CLOUD, NULL, "", 0, 0,
		"account, identity, region, and where the credentials came from",
		"  glueproj whoami\n"},
	{"local", cmd_local, CMD_MAYBE_PROJECT | CMD_NO_VALUES, local_opts,
		"start | stop | status | run JOB", 1, 2,
		"the local cloud as a server for other tools; one job by hand",
		"  eval \"$(glueproj local start)\"; aws s3 ls\n"
		"  glueproj local run clean --arg raw_object_name=sales.csv\n"},
	{0},
};

void usage_print(const struct command *c)
{
	struct strbuf sb = STRBUF_INIT;

	if (c) {
		strbuf_addf(&sb, "usage: glueproj %s %s%s[options]\n\n%s\n", c->name, c->operands,
			*c->operands ? " " : "", c->help);
		if (c->opts) {
			strbuf_addstr(&sb, "\nOptions\n");
			opt_help(c->opts, &sb);
		}
		strbuf_addstr(&sb, "\nOptions everywhere\n");
		opt_help(common_opts, &sb);
		strbuf_addf(&sb, "\nExamples\n%s", c->examples);
	} else {
		strbuf_addstr(&sb, "usage: glueproj COMMAND [options]\n\nSets up, runs and tears "
				   "down data pipelines on AWS Glue "
				   "from CloudFormation-style stacks.\n\nCommands\n");
		for (const struct command *k = commands; k->name; k++)
			strbuf_addf(&sb, "  %-10s %s\n", k->name, k->help);
		strbuf_addstr(&sb, "\nOptions everywhere\n");
		opt_help(common_opts, &sb);
		strbuf_addstr(&sb,
			"\nExamples\n  glueproj -p stacks/sales-lake setup --local\n"
			"  glueproj -p stacks/sales-lake run etl_workflow --local --follow\n"
			"  glueproj -p stacks/sales-lake teardown --local --yes\n\n"
			"glueproj COMMAND --help tells more about a command.\n");
	}
	fwrite(sb.buf, 1, sb.len, stdout);
	strbuf_release(&sb);
}

static const struct opt *opt_in(const struct opt *table, const char *word)
{
	size_t len = strcspn(word, "=");

	for (const struct opt *o = table; o && o->name; o++) {
		if (!strncmp(word, "--", 2) && strlen(o->name) == len - 2 &&
			!strncmp(word + 2, o->name, len - 2))
			return o;
		if (word[0] == '-' && word[1] == o->letter && o->letter && !word[2])
			return o;
	}
	return NULL;
}

static bool takes_next_word(const char *word)
{
	const struct opt *o = opt_in(common_opts, word);

	for (const struct command *c = commands; !o && c->name; c++)
		o = opt_in(c->opts, word);
	return o && o->kind != OPT_FLAG && o->kind != OPT_OPTIONAL && !strchr(word, '=');
}

/* A command line that cannot even be sorted out; also as a document, when that is what the caller reads. */
static const struct command *bad_command(int argc, char **argv, struct err *err)
{
	static const struct command none = {.name = ""};
	char *json[] = {(char[]){"--output=json"}};
	struct session s;

	if (!session_open(&s, &none, wants_json(argc, argv) ? 1 : 0, json))
		session_fail(&s, err);
	session_close(&s, -1);
	return NULL;
}

static const struct command *by_name(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

const struct command *command_find(int argc, char **argv, char **rest, int *nr_rest)
{
	const char *name = NULL, *nearest = NULL;
	const struct command *c;
	struct err err = ERR_INIT;
	size_t best = 3;

	*nr_rest = 0;
	for (int i = 1; i < argc; i++) {
		if (!name && argv[i][0] != '-') {
			name = argv[i];
			continue;
		}
		rest[(*nr_rest)++] = argv[i];
		if (!name && takes_next_word(argv[i]) && i + 1 < argc)
			rest[(*nr_rest)++] = argv[++i];
	}
	if (!name) {
		for (int i = 0; i < *nr_rest; i++) {
			if (!strcmp(rest[i], "--version") || !strcmp(rest[i], "-V")) {
				printf("glueproj %s\n", GLUEPROJ_VERSION);
				exit(EXIT_OK);
			}
			if (!strcmp(rest[i], "--help") || !strcmp(rest[i], "-h")) {
				usage_print(NULL);
				exit(EXIT_OK);
			}
		}
		err_set(&err, ERR_USAGE, "no command is given");
		err_hint(&err, "glueproj --help lists them");
		return bad_command(argc, argv, &err);
	}
	if (!strcmp(name, "help")) {
		if (*nr_rest && !strcmp(rest[0], "--man")) {
			man_print();
			exit(EXIT_OK);
		}
		if (!*nr_rest || by_name(rest[0])) {
			usage_print(*nr_rest ? by_name(rest[0]) : NULL);
			exit(EXIT_OK);
		}
		name = rest[0];
	}
	c = by_name(name);
	if (c)
		return c;
	for (const struct command *k = commands; k->name; k++) {
		size_t d = edit_distance(name, k->name);
		if (d < best) {
			best = d;
			nearest = k->name;
		}
	}
	err_set(&err, ERR_USAGE, "unknown command '%s'", name);
	if (nearest)
		err_hint(&err, "did you mean '%s'?", nearest);
	else
		err_hint(&err, "glueproj --help lists them");
	return bad_command(argc, argv, &err);
}
