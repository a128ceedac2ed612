#include "jobargs.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_FD "--glueproj-arguments-fd"
/* What execve() takes. */
#define MAX_ARGUMENTS_BYTES (6u << 20)

/* What every run on Glue carries: not worth a word. */
static const char *const of_every_run[] = {
	"JOB_NAME",
	"JOB_ID",
	"JOB_RUN_ID",
	"WORKFLOW_NAME",
	"WORKFLOW_RUN_ID",
	"glueproj_bundle",
	"glueproj_program",
	/* Glue's own, which a job may be given for the sake of others. */
	"TempDir",
	"job_language",
	"job_bookmark_option",
	"class",
	"scriptLocation",
	"extra_py_files",
	"extra_jars",
	"extra_files",
	"user_jars_first",
	"additional_python_modules",
	"python_modules_installer_option",
	"library_set",
	"spark_event_logs_path",
	"datalake_formats",
	"conf",
	NULL,
};
/* Whole families of them: --enable-metrics, --continuous-log-logGroup. */
static const char *const families_of_every_run[] = {"enable_", "continuous_log_", NULL};

/* "--a-b=…" to "a_b"; malloc'd. */
static char *option_name(const char *word)
{
	char *name = xstrndup(word + 2, strcspn(word + 2, "="));

	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

static bool is_option(const char *word)
{
	return starts_with(word, "--") && word[2] && word[2] != '=';
}

static const struct job_arg *find(const struct job_arg *wanted, const char *name)
{
	for (; wanted->name; wanted++)
		if (strcmp(wanted->name, name) == 0)
			return wanted;
	return NULL;
}

static bool is_of_every_run(const char *name)
{
	for (const char *const *own = of_every_run; *own; own++)
		if (strcmp(*own, name) == 0)
			return true;
	for (const char *const *own = families_of_every_run; *own; own++)
		if (starts_with(name, *own))
			return true;
	return false;
}

static int check_missing(const struct job_arg *wanted, const struct job_args *args, struct err *err)
{
	struct strvec missing = STRVEC_INIT;
	char *names;
	int ret = 0;

	for (const struct job_arg *w = wanted; w->name; w++)
		if (w->kind == JOB_REQUIRED && !map_has(&args->values, w->name))
			strvec_pushf(&missing, "--%s", w->name);
	if (missing.nr) {
		names = strvec_join(&missing, ", ");
		ret = err_set(
			err, ERR_USAGE, "missing argument%s: %s", missing.nr > 1 ? "s" : "", names);
		free(names);
	}
	strvec_release(&missing);
	return ret;
}

static int check_flags(const struct job_arg *wanted, const struct job_args *args, struct err *err)
{
	for (const struct job_arg *w = wanted; w->name; w++) {
		const char *value = job_args_get(args, w->name);

		if (w->kind == JOB_FLAG && value && strcmp(value, "true") != 0 &&
			strcmp(value, "false") != 0)
			return err_set(err, ERR_USAGE, "--%s is 'true' or 'false', not '%s'",
				w->name, value);
	}
	return 0;
}

int job_args_parse(
	const struct job_arg *wanted, int argc, char **argv, struct job_args *out, struct err *err)
{
	map_init(&out->values, free);
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i], *value = strchr(word, '=');
		const struct job_arg *known;
		char *name;

		if (!is_option(word)) {
			strvec_pushf(&out->ignored, "(a word that belongs to no option)");
			continue;
		}
		name = option_name(word);
		if (value)
			value++;
		else if (i + 1 < argc && !is_option(argv[i + 1]))
			value = argv[++i];
		known = find(wanted, name);
		if (known && known->kind == JOB_FLAG && (!value || !*value))
			value = "true";
		if (!known) {
			/* Names only: what they carry may be secret. */
			if (!is_of_every_run(name))
				strvec_push_take(&out->ignored, xstrndup(word, strcspn(word, "=")));
		} else if (value && *value) {
			map_put(&out->values, name, xstrdup(value));
		} else {
			map_remove(&out->values, name);
		}
		free(name);
	}
	return check_missing(wanted, out, err) == 0 ? check_flags(wanted, out, err) : -1;
}

/* All that the descriptor holds; `text` grows by moves, so what it leaves behind is wiped. */
static int read_words(int fd, struct strbuf *text, struct err *err)
{
	char block[65536];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) != 0) {
		struct strbuf grown = STRBUF_INIT;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, ERR_USAGE,
				"the arguments cannot be read from " ARGUMENTS_FD " %d: %s", fd,
				strerror(errno));
		if (text->len + (size_t)n > MAX_ARGUMENTS_BYTES)
			return err_set(err, ERR_USAGE, "the arguments are longer than %u bytes",
				MAX_ARGUMENTS_BYTES);
		strbuf_add(&grown, text->buf, text->len);
		strbuf_add(&grown, block, (size_t)n);
		wipe(block, (size_t)n);
		strbuf_swap(text, &grown);
		wipe(grown.buf, grown.len);
		strbuf_release(&grown);
	}
	if (text->len && text->buf[text->len - 1])
		return err_set(err, ERR_USAGE,
			"the arguments of " ARGUMENTS_FD " %d end in the middle", fd);
	return 0;
}

int job_args_inherited(int argc, char **argv, struct strvec *words, bool *given, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	long long fd;
	int ret;

	*given = argc == 3 && strcmp(argv[1], ARGUMENTS_FD) == 0;
	if (!*given)
		return 0;
	if (parse_int64(argv[2], 3, INT32_MAX, &fd) != 0)
		return err_set(err, ERR_USAGE, ARGUMENTS_FD " takes the number of a descriptor");
	ret = read_words((int)fd, &text, err);
	close((int)fd);
	for (size_t at = 0; ret == 0 && at < text.len; at += strlen(text.buf + at) + 1)
		strvec_push(words, text.buf + at);
	wipe(text.buf, text.len);
	strbuf_release(&text);
	return ret;
}

bool job_args_flag(const struct job_args *a, const char *name)
{
	const char *value = job_args_get(a, name);

	return value && strcmp(value, "true") == 0;
}

const char *job_args_get(const struct job_args *a, const char *name)
{
	return map_get(&a->values, name);
}

void job_args_release(struct job_args *a)
{
	map_release(&a->values);
	strvec_release(&a->ignored);
}

void job_args_help(const char *program, const struct job_arg *wanted, struct strbuf *out)
{
	static const char *const usage[] = {" --%s VALUE", " [--%s VALUE]", " [--%s]"};

	strbuf_addf(out, "usage: %s", program);
	for (const struct job_arg *w = wanted; w->name; w++)
		strbuf_addf(out, usage[w->kind], w->name);
	strbuf_addstr(out, "\n\n");
	for (const struct job_arg *w = wanted; w->name; w++)
		strbuf_addf(out, "  --%-24s %s\n", w->name, w->help);
	strbuf_addstr(out, "\nOther options are ignored, as Glue passes some of its own.\n");
}
