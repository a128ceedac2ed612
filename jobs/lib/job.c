#include "job.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "archive_io.h"
#include "clock.h"
#include "digest.h"
#include "fs.h"
#include "hex.h"
#include "joblog.h"
#include "log.h"

static void on_signal(int number)
{
	clock_interrupt();
	signal(number, SIG_DFL);
}

int job_check_interrupt(struct err *err)
{
	return clock_interrupted() ? err_set(err, ERR_INTERRUPTED, "stopped by a signal") : 0;
}

static long long number_of_environment(const char *name, long long otherwise)
{
	const char *text = getenv(name);
	long long n;

	return text && parse_int64(text, 1, INT64_MAX, &n) == 0 ? n : otherwise;
}

/* A container's limit, where there is one below the machine's memory. */
static int64_t machine_memory_mb(void)
{
	static const char *const limits[] = {
		"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
	int64_t mb = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >> 20;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct strbuf sb = STRBUF_INIT;
		long long limit;

		if (fs_read(limits[i], 64, &sb, NULL) == 0) {
			strbuf_trim(&sb);
			if (parse_int64(sb.buf, 1 << 20, INT64_MAX, &limit) == 0 &&
				limit >> 20 < mb)
				mb = limit >> 20;
		}
		strbuf_release(&sb);
	}
	return mb;
}

/* Started by a bundle's loader (<root>/lib/ld.so), it finds the bundle's certificates where the machine has none
 * in Debian's place, which is the one that the bundled libraries know. */
static void find_certificates(void)
{
	static const char *const names[] = {"AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"};
	char *dir, *path;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return;
	}
	if (fs_exists("/etc/ssl/certs/ca-certificates.crt"))
		return;
	dir = fs_program_dir(NULL);
	path = dir ? fs_join(dir, "../etc/ca.pem") : NULL;
	if (path && fs_exists(path))
		setenv("SSL_CERT_FILE", path, 1);
	free(path);
	free(dir);
}

int job_open(struct job *job, const char *name, struct err *err)
{
	memset(job, 0, sizeof(*job));
	job->name = name;
	job->args = (struct job_args)JOB_ARGS_INIT;
	pthread_mutex_init(&job->lock, NULL);
	job->memory_mb = number_of_environment("GLUEPROJ_MEMORY_MB", machine_memory_mb());
	job->cpus = (size_t)number_of_environment("GLUEPROJ_CPUS", sysconf(_SC_NPROCESSORS_ONLN));
	job->tmp = fs_mkdtemp(NULL, "job-", err);
	return job->tmp ? 0 : -1;
}

void job_close(struct job *job)
{
	struct err err = ERR_INIT;

	if (job->tmp && fs_remove_tree(job->tmp, &err) != 0)
		job_log(JOB_WARN, "scratch", "error=\"%s\"", err.text);
	err_release(&err);
	aws_client_free(job->aws);
	job_args_release(&job->args);
	pthread_mutex_destroy(&job->lock);
	free(job->tmp);
	job->tmp = NULL;
	job->aws = NULL;
}

struct aws_client *job_aws(struct job *job, struct err *err)
{
	struct aws_config config = {0};
	struct aws_client *aws;

	pthread_mutex_lock(&job->lock);
	if (!job->aws)
		job->aws = aws_client_new(&config, err);
	aws = job->aws;
	pthread_mutex_unlock(&job->lock);
	return aws;
}

char *job_new_id(void)
{
	struct strbuf sb = STRBUF_INIT;
	unsigned char random[16];

	digest_random(random, sizeof(random));
	hex_encode(&sb, random, sizeof(random));
	return strbuf_detach(&sb, NULL);
}

char *job_stem(const char *raw_object_name, struct err *err)
{
	size_t len = strcspn(raw_object_name, ".");
	char *stem;

	while (len && raw_object_name[len - 1] == '/')
		len--;
	stem = xstrndup(raw_object_name, len);
	if (len && !archive_name_escapes(stem))
		return stem;
	err_set(err, ERR_USAGE, "--raw_object_name '%s' has no name before its first '.'",
		raw_object_name);
	free(stem);
	return NULL;
}

static void log_error_of(const struct err *err)
{
	char *text = err_format(err);

	for (char *c = text; *c; c++)
		if (*c == '"')
			*c = '\'';
	if (err->hint)
		job_log(JOB_ERROR, "failed", "error=\"%s\" hint=\"%s\"", text, err->hint);
	else
		job_log(JOB_ERROR, "failed", "error=\"%s\"", text);
	free(text);
}

static int run(const struct job_program *program, struct job *job, struct err *err)
{
	const struct clock *clock = clock_system();
	int64_t began = clock->mono_ms(clock);
	char *ignored;

	if (job->args.ignored.nr) {
		ignored = strvec_join(&job->args.ignored, " ");
		job_log(JOB_INFO, "ignored", "options=\"%s\"", ignored);
		free(ignored);
	}
	if (program->run(job, err) != 0)
		return -1;
	job_log(JOB_INFO, "done", "seconds=%.2f", (double)(clock->mono_ms(clock) - began) / 1000);
	return 0;
}

static int help(const struct job_program *program)
{
	struct strbuf sb = STRBUF_INIT;

	job_args_help(program->name, program->args, &sb);
	fputs(sb.buf, stdout);
	strbuf_release(&sb);
	return 0;
}

/* Arguments on the command line, or those that wait in an inherited descriptor. */
static int read_arguments(
	const struct job_program *program, int argc, char **argv, struct job *job, struct err *err)
{
	struct strvec words = STRVEC_INIT;
	bool inherited;
	int ret = job_args_inherited(argc, argv, &words, &inherited, err);

	if (ret == 0 && inherited)
		ret = job_args_parse(program->args, (int)words.nr, words.v, &job->args, err);
	else if (ret == 0)
		ret = job_args_parse(program->args, argc - 1, argv + 1, &job->args, err);
	for (size_t i = 0; i < words.nr; i++)
		wipe(words.v[i], strlen(words.v[i]));
	strvec_release(&words);
	return ret;
}

int job_main(const struct job_program *program, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct job job;
	int ret = -1;

	job_log_program(program->name);
	log_set_program(program->name);
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return help(program);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGPIPE, SIG_IGN);
	find_certificates();
	if (job_open(&job, program->name, &err) == 0 &&
		read_arguments(program, argc, argv, &job, &err) == 0)
		ret = run(program, &job, &err);
	job_close(&job);
	if (ret != 0) {
		log_error_of(&err);
		ret = err.code == ERR_USAGE ? 2 : 1;
	}
	err_release(&err);
	return ret;
}
