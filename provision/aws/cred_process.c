/* credential_process: "Sourcing credentials with an external process in the AWS CLI". */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cred_internal.h"
#include "log.h"

#define MAX_OUTPUT (1u << 20)
#define MAX_COMPLAINT 200
#define POLL_MS 100
#define KEY_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"
#define MIN_SECRET 32

extern char **environ;

struct process_provider {
	struct cred_provider base;
	char *profile, *place; /* "FILE:LINE" */
	struct strvec words;
	char *broken; /* why the words are none */
};

/* --- words --- */

/* What stands in quotes at *at, which is behind the opening one; -1: the closing one is missing. */
static int take_quoted(const char *text, size_t *at, char quote, struct strbuf *word)
{
	for (; text[*at] != quote; (*at)++) {
		if (!text[*at])
			return -1;
		bool escapes = quote == '"' && text[*at] == '\\' &&
			       (text[*at + 1] == '"' || text[*at + 1] == '\\');
		*at += escapes;
		strbuf_addch(word, text[*at]);
	}
	(*at)++;
	return 0;
}

static int take_word(const char *text, size_t *at, struct strbuf *word, struct err *err)
{
	while (text[*at] && !strchr(" \t\r\n", text[*at])) {
		char c = text[(*at)++];
		if (c == '\'' || c == '"') {
			if (take_quoted(text, at, c, word) < 0)
				return err_set(err, ERR_INVALID, "a quote is not closed");
			continue;
		}
		if (c == '\\') {
			c = text[*at];
			if (!c)
				return err_set(
					err, ERR_INVALID, "nothing stands behind the last '\\'");
			(*at)++;
		}
		strbuf_addch(word, c);
	}
	return 0;
}

int cred_split_words(const char *text, struct strvec *words, struct err *err)
{
	size_t at = 0;
	for (;;) {
		struct strbuf word = STRBUF_INIT;
		at += strspn(text + at, " \t\r\n");
		if (!text[at])
			return 0;
		if (take_word(text, &at, &word, err) < 0) {
			strbuf_release(&word);
			return -1;
		}
		strvec_push_take(words, strbuf_detach(&word, NULL));
	}
}

/* --- running it --- */

struct child {
	pid_t pid;
	int out, errors; /* our ends; -1 */
};

static int spawn(const struct strvec *words, struct child *child, struct err *err)
{
	int out[2] = {-1, -1}, errors[2] = {-1, -1};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, usual;
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0) {
		err_errno(err, "no pipe");
		close(out[0]);
		close(out[1]);
		return -1;
	}
	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	sigaddset(&usual, SIGINT);
	sigaddset(&usual, SIGTERM);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &usual);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
	int code = posix_spawnp(&child->pid, words->v[0], &actions, &attr, words->v, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	close(out[1]);
	close(errors[1]);
	child->out = out[0];
	child->errors = errors[0];
	if (code) {
		errno = code;
		child->pid = -1;
		return err_errno(err, "'%s' does not start", words->v[0]);
	}
	return 0;
}

/* One read; closes *fd at the end. */
static int drain(int *fd, struct strbuf *sb, struct err *err)
{
	char buf[4096];
	ssize_t n = read(*fd, buf, sizeof(buf));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return 0;
	}
	if (sb->len + (size_t)n > MAX_OUTPUT)
		return err_set(err, ERR_INVALID, "it prints more than %u bytes", MAX_OUTPUT);
	strbuf_add(sb, buf, (size_t)n);
	wipe(buf, sizeof(buf));
	return 0;
}

/* Until both ends are closed. It may wait for the user as long as it likes; Ctrl-C ends it. */
static int listen_to(
	struct child *child, struct strbuf *out, struct strbuf *errors, struct err *err)
{
	while (child->out >= 0 || child->errors >= 0) {
		struct pollfd fds[] = {{.fd = child->out, .events = POLLIN},
			{.fd = child->errors, .events = POLLIN}};
		int n = poll(fds, ARRAY_SIZE(fds), POLL_MS);
		if (clock_interrupted())
			return err_set(err, ERR_INTERRUPTED, "interrupted");
		if (n < 0 && errno != EINTR)
			return err_errno(err, "cannot wait for its output");
		if (n <= 0)
			continue;
		if (fds[0].revents && drain(&child->out, out, err) < 0)
			return -1;
		if (fds[1].revents && drain(&child->errors, errors, err) < 0)
			return -1;
	}
	return 0;
}

static int reap(struct child *child, bool kill_it)
{
	int status = 0;
	if (child->out >= 0)
		close(child->out);
	if (child->errors >= 0)
		close(child->errors);
	if (child->pid <= 0)
		return -1;
	if (kill_it)
		kill(child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

void cred_process_complaint(struct strbuf *sb, struct strbuf *errors)
{
	strbuf_trim(errors);
	const char *line = strrchr(errors->buf, '\n');
	line = line ? line + 1 : errors->buf;
	strbuf_addstr(sb, *line ? ": " : "");
	for (size_t taken = 0; *line && taken < MAX_COMPLAINT;) {
		size_t n = strspn(line, KEY_LETTERS);
		if (n >= MIN_SECRET) {
			strbuf_addstr(sb, "****");
			taken += 4;
		} else {
			n = n ? n : 1;
			if (n == 1 && ((unsigned char)*line < ' ' || *line == 127))
				strbuf_addch(sb, ' ');
			else
				strbuf_add(sb, line, n);
			taken += n;
		}
		line += n;
	}
}

static int run(const struct strvec *words, struct strbuf *out, struct err *err)
{
	struct child child = {-1, -1, -1};
	struct strbuf errors = STRBUF_INIT, complaint = STRBUF_INIT;
	int ret = spawn(words, &child, err);
	if (ret == 0)
		ret = listen_to(&child, out, &errors, err);
	int status = reap(&child, ret < 0);
	if (ret == 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		cred_process_complaint(&complaint, &errors);
		if (WIFSIGNALED(status))
			ret = err_set(err, ERR_DENIED, "'%s' died of signal %d%s", words->v[0],
				WTERMSIG(status), complaint.buf);
		else
			ret = err_set(err, ERR_DENIED, "'%s' ended with %d%s", words->v[0],
				WEXITSTATUS(status), complaint.buf);
	}
	wipe(errors.buf, errors.len);
	strbuf_release(&errors);
	strbuf_release(&complaint);
	return ret;
}

/* --- what it says --- */

int cred_process_keys(const char *text, size_t len, struct aws_keys *out, struct err *err)
{
	static const struct cred_names names = {
		"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", true};
	/* The parser's own text may quote what is no JSON. */
	struct json *doc = json_parse(text, len, NULL);
	const struct json *version = json_get(doc, "Version");
	int ret;
	if (!json_is(doc, JSON_OBJECT))
		ret = err_set(err, ERR_DENIED, "its output is no JSON object");
	else if (!json_is(version, JSON_NUMBER) || json_i64(version, 0) != 1)
		ret = err_set(err, ERR_DENIED, "the Version of its output is not 1");
	else
		ret = cred_keys_from_json(doc, &names, "its output", out, err);
	json_free(doc);
	return ret;
}

static int process_fetch(
	struct cred_provider *base, unused_arg bool forced, struct aws_keys *out, struct err *err)
{
	struct process_provider *p = (struct process_provider *)base;
	struct strbuf text = STRBUF_INIT;
	int ret = -1;
	if (p->broken)
		err_set(err, ERR_DENIED, "%s", p->broken);
	else if (!p->words.nr)
		err_set(err, ERR_DENIED, "the command is empty");
	else if (run(&p->words, &text, err) == 0)
		ret = cred_process_keys(text.buf, text.len, out, err);
	if (ret < 0 && err) {
		if (err->code != ERR_INTERRUPTED)
			err->code = ERR_DENIED;
		err_wrap(err, "%s: credential_process of profile '%s'", p->place, p->profile);
		err_hint(err, "run the command by hand and look at what it prints");
	}
	wipe(text.buf, text.len);
	strbuf_release(&text);
	return ret;
}

static void process_free(struct cred_provider *base)
{
	struct process_provider *p = (struct process_provider *)base;
	free(p->profile);
	free(p->place);
	free(p->broken);
	strvec_release(&p->words);
	free(p);
}

static const struct cred_provider_ops process_ops = {process_fetch, process_free};

struct aws_credentials *cred_from_process(
	const struct cred_ctx *ctx, const char *profile, const struct profile_setting *command)
{
	struct process_provider *p = xcalloc(1, sizeof(*p));
	struct err why = ERR_INIT;
	p->base = (struct cred_provider){&process_ops, ctx};
	p->profile = xstrdup(profile);
	p->place = xasprintf("%s:%d", command->file, command->line);
	strvec_init(&p->words);
	if (cred_split_words(command->value, &p->words, &why) < 0)
		p->broken = xstrdup(why.text);
	err_release(&why);
	return cred_refreshing(
		ctx->clock, &p->base, xasprintf("profile '%s' (credential_process)", profile));
}
