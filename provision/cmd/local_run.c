/*
 * local run JOB: one job of the project, by hand, without set-up of the rest. Its definition is read from the templates;
 * a program is run as `make` built it, a Python script by python3, one of Spark where that Python has it. The local cloud
 * of the project is used when it runs, or when --local asks for it. The job's output is this command's, and so is its exit code.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cmd.h"
#include "fs.h"
#include "handrun.h"
#include "hex.h"
#include "run_parts.h"

#define JOB_TYPE "AWS::Glue::Job"
#define LOOK_MS 200 /* how long a signal may wait that came just before we did */
#define SPARK_MEMORY_MB 4096

struct hand_run {
	struct session *s;
	const char *wanted;
	/* the job; borrowed of the engine */
	struct engine_resource job;
	struct strvec names;
	struct strvec argv, env, words;
	char *dir, *program; /* own folder; what is executed */
	int words_fd;
};

/* --- the job --- */

static void take_job(void *payload, const struct engine_resource *r)
{
	struct hand_run *h = payload;

	if (strcmp(r->decl->template->type, JOB_TYPE) != 0)
		return;
	strvec_push(&h->names, r->name ? r->name : r->decl->template->logical_id);
	if (!h->job.decl && ((r->name && !strcmp(r->name, h->wanted)) ||
				    !strcmp(r->decl->template->logical_id, h->wanted)))
		h->job = *r;
}

static int find_job(struct hand_run *h, struct engine *e, struct err *err)
{
	char *names;

	engine_look(e, take_job, h);
	if (h->job.decl)
		return 0;
	names = strvec_join(&h->names, ", ");
	if (h->names.nr)
		err_set(err, ERR_USAGE, "there is no job '%s' in the project; there are: %s",
			h->wanted, names);
	else
		err_set(err, ERR_USAGE, "there is no job '%s': the project has none", h->wanted);
	err_named(err, "NoSuchJob");
	free(names);
	return -1;
}

static const char *job_name(const struct hand_run *h)
{
	return h->job.name ? h->job.name : h->job.decl->template->logical_id;
}

static const char *command_of(const struct hand_run *h, const char *member)
{
	return json_get_str(json_get(h->job.props, "Command"), member);
}

/* --- its arguments --- */

static void merge(struct json *all, const struct json *more)
{
	const struct json *e;

	json_each(e, more) json_set(all, json_name(e), json_copy(e));
}

static int add_words(struct hand_run *h, const struct json *all, struct err *err)
{
	unsigned char random[32];
	struct strbuf id = STRBUF_INIT;
	const struct json *e;

	json_each(e, all)
	{
		const char *text = json_is_unknown(e) ? NULL : json_scalar_text(e);

		if (!text) {
			err_set(err, ERR_USAGE,
				"the value of '%s' of job '%s' is not known before set-up",
				json_name(e), job_name(h));
			return err_hint(err, "--arg %s=VALUE gives it one",
				starts_with(json_name(e), "--") ? json_name(e) + 2 : json_name(e));
		}
		strvec_push(&h->words, json_name(e));
		strvec_push(&h->words, text);
	}
	if (!json_get(all, "--JOB_NAME")) {
		strvec_push(&h->words, "--JOB_NAME");
		strvec_push(&h->words, job_name(h));
	}
	if (!json_get(all, "--JOB_RUN_ID")) {
		if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return err_errno(err, "no random bytes");
		strbuf_addstr(&id, "jr_");
		hex_encode(&id, random, sizeof(random));
		strvec_push(&h->words, "--JOB_RUN_ID");
		strvec_push(&h->words, id.buf);
		strbuf_release(&id);
	}
	return 0;
}

/* As StartJobRun puts them together: the definition's, what was given, what nobody may override. */
static int make_words(struct hand_run *h, struct err *err)
{
	struct json *given = run_arguments(h->s, true, err), *all;
	int ret;

	if (!given)
		return -1;
	all = json_object();
	merge(all, json_get(h->job.props, "DefaultArguments"));
	merge(all, given);
	merge(all, json_get(h->job.props, "NonOverridableArguments"));
	ret = add_words(h, all, err);
	json_free(all);
	json_free(given);
	return ret;
}

/* Words go through a file without a name: every user of the machine may read a command line. */
static int hide_words(struct hand_run *h, struct err *err)
{
	h->words_fd = memfd_create("glueproj-arguments", MFD_CLOEXEC);
	if (h->words_fd < 0)
		return err_errno(err, "the arguments cannot be passed on");
	for (size_t i = 0; i < h->words.nr; i++)
		if (fs_write_all(h->words_fd, h->words.v[i], strlen(h->words.v[i]) + 1,
			    "the arguments", err) < 0)
			return -1;
	if (lseek(h->words_fd, 0, SEEK_SET) != 0)
		return err_errno(err, "the arguments cannot be passed on");
	return 0;
}

/* --- what is executed --- */

static long long machine_memory_mb(void)
{
	long long mb = (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >> 20;

	return mb - mb / 8;
}

static void make_env(struct hand_run *h)
{
	const struct session *s = h->s;
	const char *path = getenv("PATH"), *region = s->ctx.region;
	struct strvec *env = &h->env;

	strvec_pushf(env, "PATH=%s", path && *path ? path : "/usr/local/bin:/usr/bin:/bin");
	strvec_pushf(env, "HOME=%s", h->dir);
	strvec_pushf(env, "TMPDIR=%s", h->dir);
	strvec_push(env, "LANG=C.UTF-8");
	strvec_pushf(env, "AWS_REGION=%s", region);
	strvec_pushf(env, "AWS_DEFAULT_REGION=%s", region);
	strvec_push(env, "AWS_EC2_METADATA_DISABLED=true");
	strvec_pushf(env, "GLUEPROJ_MEMORY_MB=%lld", machine_memory_mb());
	strvec_pushf(env, "GLUEPROJ_CPUS=%ld", sysconf(_SC_NPROCESSORS_ONLN));
	if (!s->local.endpoint)
		return;
	strvec_pushf(env, "AWS_ENDPOINT_URL=%s", s->local.endpoint);
	strvec_pushf(env, "AWS_ACCESS_KEY_ID=%s", s->local.access_key_id);
	strvec_pushf(env, "AWS_SECRET_ACCESS_KEY=%s", s->local.secret_access_key);
}

static int use_program(struct hand_run *h, const char *name, struct err *err)
{
	char *dir = fs_program_dir(err), *jobs;

	if (!dir)
		return -1;
	jobs = fs_join(dir, "jobs");
	h->program = fs_join(jobs, name);
	free(jobs);
	free(dir);
	if (access(h->program, X_OK) != 0 || fs_is_dir(h->program))
		return err_set(err, ERR_USAGE,
			"job '%s' runs the program '%s', and there is no '%s'; `make` builds it",
			job_name(h), name, h->program);
	strvec_push(&h->argv, h->program);
	strvec_push(&h->argv, "--glueproj-arguments-fd");
	strvec_pushf(&h->argv, "%d", h->words_fd);
	return 0;
}

static void spark_env(struct hand_run *h, const char *python)
{
	long long mb = machine_memory_mb() / 2;
	const char *java = getenv("JAVA_HOME"), *spark = getenv("SPARK_HOME");

	strvec_pushf(&h->env,
		"PYSPARK_SUBMIT_ARGS=--master local[%ld] --driver-memory %lldm --conf "
		"spark.ui.enabled=false --conf spark.ui.showConsoleProgress=false --conf "
		"spark.sql.session.timeZone=UTC pyspark-shell",
		sysconf(_SC_NPROCESSORS_ONLN), mb < SPARK_MEMORY_MB ? mb : SPARK_MEMORY_MB);
	strvec_pushf(&h->env, "PYSPARK_PYTHON=%s", python);
	strvec_pushf(&h->env, "SPARK_LOCAL_DIRS=%s", h->dir);
	strvec_push(&h->env, "SPARK_LOCAL_IP=127.0.0.1");
	if (java && *java)
		strvec_pushf(&h->env, "JAVA_HOME=%s", java);
	if (spark && *spark)
		strvec_pushf(&h->env, "SPARK_HOME=%s", spark);
}

static int use_script(struct hand_run *h, const char *location, struct err *err)
{
	const char *python = getenv("GLUEPROJ_PYTHON"), *kind = command_of(h, "Name");
	char *beside = fs_dirname(h->job.decl->stack->template->file),
	     *script = fs_join(beside, location), *starter = fs_join(h->dir, "run.py");
	int ret = -1;

	python = python && *python ? python : "python3";
	if (!kind || (strcmp(kind, "pythonshell") != 0 && strcmp(kind, "glueetl") != 0)) {
		err_set(err, ERR_USAGE, "job '%s' is a %s script, which is not run by hand",
			job_name(h), kind ? kind : "?");
	} else if (!fs_exists(script) || fs_is_dir(script)) {
		err_set(err, ERR_USAGE, "the script '%s' of job '%s' does not exist", script,
			job_name(h));
	} else {
		ret = handrun_write(h->dir, err);
		if (!strcmp(kind, "glueetl"))
			spark_env(h, python);
		h->program = xstrdup(python);
		strvec_push(&h->argv, python);
		strvec_push(&h->argv, "-uB");
		strvec_push(&h->argv, starter);
		strvec_push(&h->argv, script);
		strvec_pushf(&h->argv, "%d", h->words_fd);
	}
	free(beside);
	free(script);
	free(starter);
	return ret;
}

/* --- running --- */

static void become(const struct hand_run *h, const char *program, char *const *argv, int out,
	int trouble) __attribute__((noreturn));
static void become(
	const struct hand_run *h, const char *program, char *const *argv, int out, int trouble)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	int code;

	sigaction(SIGINT, &usual, NULL);
	sigaction(SIGTERM, &usual, NULL);
	sigaction(SIGPIPE, &usual, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if ((out < 0 || dup2(out, STDOUT_FILENO) >= 0) && fcntl(h->words_fd, F_SETFD, 0) == 0)
		execvpe(program, argv, h->env.v);
	code = errno;
	if (write(trouble, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

/* `out` ≥ 0: where its standard output goes. */
static int spawn(const struct hand_run *h, const char *program, char *const *argv, int out,
	pid_t *pid, struct err *err)
{
	int ends[2], code = 0;
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	fflush(stdout);
	fflush(stderr);
	*pid = fork();
	if (*pid == 0)
		become(h, program, argv, out, ends[1]);
	close(ends[1]);
	if (*pid < 0) {
		close(ends[0]);
		return err_errno(err, "fork");
	}
	do
		n = read(ends[0], &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	close(ends[0]);
	if (n != (ssize_t)sizeof(code))
		return 0;
	waitpid(*pid, NULL, 0);
	return err_set(err, ERR_FAILED, "'%s' cannot be started: %s", program, strerror(code));
}

/* Its wait status. Our signals go on to it. */
static int wait_for(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
	bool told = false;

	while (fd >= 0) {
		struct pollfd p = {fd, POLLIN, 0};

		if (poll(&p, 1, LOOK_MS) > 0)
			break;
		if (signals_got() && !told) {
			kill(pid, signals_got());
			told = true;
		}
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (fd >= 0)
		close(fd);
	return status;
}

static int exit_code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A glueetl script without a Spark is refused before it begins. */
static int check_spark(const struct hand_run *h, struct err *err)
{
	char option[] = "-c", text[] = "import importlib.util, sys; "
				       "sys.exit(importlib.util.find_spec('pyspark') is None)";
	/* a virtual environment is found by this very name */
	char *argv[] = {h->program, option, text, NULL};
	pid_t pid;

	if (spawn(h, h->program, argv, STDERR_FILENO, &pid, err) < 0)
		return -1;
	if (exit_code_of(wait_for(pid)) == 0)
		return 0;
	err_set(err, ERR_FAILED,
		"job '%s' is a glueetl script and needs a Spark: '%s' has no module 'pyspark'",
		job_name(h), h->program);
	err_named(err, "NoSpark");
	return err_hint(err, "pip install pyspark, and Java; GLUEPROJ_PYTHON names another python");
}

static int prepare(struct hand_run *h, struct err *err)
{
	const char *location = command_of(h, "ScriptLocation"), *tmp = getenv("TMPDIR");

	if (!location)
		return err_set(err, ERR_USAGE, "the script of job '%s' is not known before set-up",
			job_name(h));
	h->dir = fs_mkdtemp(tmp && *tmp ? tmp : "/tmp", "glueproj-run-", err);
	if (!h->dir || make_words(h, err) < 0 || hide_words(h, err) < 0)
		return -1;
	make_env(h);
	switch (package_script_kind(location)) {
	case SCRIPT_PROGRAM:
		return use_program(h, location, err);
	case SCRIPT_FILE:
		if (ends_with(location, ".py"))
			break;
		return err_set(err, ERR_USAGE,
			"the script '%s' of job '%s' is not one in Python: it is not run by hand",
			location, job_name(h));
	case SCRIPT_ELSEWHERE:
		err_set(err, ERR_USAGE, "the script of job '%s' lies at '%s', not in the project",
			job_name(h), location);
		return err_hint(err, "what a template names by its path is run by hand");
	}
	if (use_script(h, location, err) < 0)
		return -1;
	return !strcmp(command_of(h, "Name"), "glueetl") ? check_spark(h, err) : 0;
}

static int run_it(struct hand_run *h, struct err *err)
{
	struct session *s = h->s;
	struct json *doc;
	pid_t pid;
	int code;

	if (prepare(h, err) < 0 ||
		spawn(h, h->program, h->argv.v, s->json ? STDERR_FILENO : -1, &pid, err) < 0)
		return -1;
	code = exit_code_of(wait_for(pid));
	doc = json_object();
	json_set_str(doc, "type", "job");
	json_set_str(doc, "name", job_name(h));
	json_set_str(doc, "state", code ? "FAILED" : "SUCCEEDED");
	json_set_i64(doc, "exit_code", code);
	json_set_dbl(doc, "seconds", session_seconds(s));
	json_set(s->doc, "run", doc);
	if (code) {
		struct err failed = ERR_INIT;
		err_set(&failed, ERR_FAILED, "job '%s' ended with exit code %d", job_name(h), code);
		err_named(&failed, "JobFailed");
		err_list_take(&s->errors, &failed);
	}
	return signals_got() ? 128 + signals_got() : code;
}

static void hand_run_release(struct hand_run *h)
{
	struct err err = ERR_INIT;

	if (h->dir && fs_remove_tree(h->dir, &err) < 0)
		fprintf(stderr, "glueproj: %s\n", err.text);
	err_release(&err);
	free(h->dir);
	free(h->program);
	for (size_t i = 0; i < h->words.nr; i++)
		wipe(h->words.v[i], strlen(h->words.v[i]));
	strvec_release(&h->words);
	strvec_release(&h->names);
	strvec_release(&h->argv);
	strvec_release(&h->env);
	if (h->words_fd >= 0)
		close(h->words_fd);
}

/* The project with its values, in the local cloud when that runs or is asked for, else in none. */
static int open_project(struct session *s, const char *dir)
{
	static const struct command without = {.name = "local",
		.flags = CMD_PROJECT | CMD_BIND | CMD_NO_PACKAGE | CMD_NO_SECRETS,
		.operands = "run JOB"};
	static const struct command within = {.name = "local",
		.flags = CMD_PROJECT | CMD_BIND | CMD_CLOUD | CMD_NO_PACKAGE | CMD_NO_SECRETS,
		.operands = "run JOB"};
	struct local_server_info info = LOCAL_SERVER_INFO_INIT;
	struct err err = ERR_INIT;
	bool running = false;

	if (!s->o.local && local_server_status(dir, &running, &info, &err) < 0)
		return session_fail(s, &err);
	local_server_info_release(&info);
	if (running || s->o.local)
		s->o.local = dir;
	return session_reopen(s, s->o.local ? &within : &without);
}

int local_run(struct session *s, const char *dir, const char *job, struct err *err)
{
	struct hand_run h = {.s = s,
		.wanted = job,
		.names = STRVEC_INIT,
		.argv = STRVEC_INIT,
		.env = STRVEC_INIT,
		.words = STRVEC_INIT,
		.words_fd = -1};
	struct engine_opts opts = {.project = NULL,
		.ctx = &s->ctx,
		.find_type = resource_type_find,
		.diff = resource_diff,
		.external = cloud_knowledge,
		.external_payload = s};
	struct engine *e;
	int ret = -1;

	if (open_project(s, dir) < 0)
		return -1;
	opts.project = s->project;
	s->ctx.project = s->project->name;
	e = engine_new(&opts, NULL, 0, &s->errors, &s->warnings);
	err_list_release(&s->warnings); /* set-up and validate tell them */
	if (e && find_job(&h, e, err) == 0)
		ret = run_it(&h, err);
	hand_run_release(&h);
	engine_free(e);
	s->o.local = NULL; /* the caller's dir, maybe */
	return ret;
}
