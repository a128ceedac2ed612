#include "local_keeper.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "testing.h"

/* Starts `sh -c SCRIPT`. */
static void start(struct local_keeper *k, const char *script)
{
	char copy[512];
	char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, copy, NULL};
	char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, NULL};
	struct err err = ERR_INIT;

	snprintf(copy, sizeof(copy), "%s", script);
	assert_ok(local_keeper_start(k, argv, env, "/", &err), &err);
}

/* Reads the program's output until it ends, at most `size - 1` bytes. */
static void drain(struct local_keeper *k, char *text, size_t size)
{
	size_t len = 0;

	for (;;) {
		struct pollfd fd = {k->out, POLLIN, 0};
		ssize_t n;

		assert_int_equal(poll(&fd, 1, 10000), 1);
		n = read(k->out, text + len, size - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
}

static void await(struct local_keeper *k)
{
	while (k->status >= 0) {
		struct pollfd fd = {k->status, POLLIN, 0};

		assert_int_equal(poll(&fd, 1, 10000), 1);
		local_keeper_read(k);
	}
}

static void test_local_keeper__reports_exit_and_output(void **state)
{
	struct local_keeper k = LOCAL_KEEPER_INIT;
	char text[64];

	(void)state;
	start(&k, "echo out; exit 7");
	drain(&k, text, sizeof(text));
	await(&k);
	assert_string_equal(text, "out\n");
	assert_true(k.exited && WIFEXITED(k.wait_status));
	assert_int_equal(WEXITSTATUS(k.wait_status), 7);
	local_keeper_release(&k);
}

static void test_local_keeper__a_gift_is_the_only_other_descriptor(void **state)
{
	struct local_keeper k = LOCAL_KEEPER_INIT;
	char text[64];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "given\n", 6), 6);
	close(fds[1]);
	k.gift = fds[0];
	/* No pipe, which the shell would have open a moment longer; and a child of the shell, not in its place. */
	start(&k, "cat <&3; exec 3<&-; ls /proc/$$/fd; :");
	drain(&k, text, sizeof(text));
	await(&k);
	assert_string_equal(text, "given\n0\n1\n2\n");
	local_keeper_release(&k);
	assert_int_equal(k.gift, fds[0]);
	close(fds[0]);
}

static void test_local_keeper__says_why_a_program_cannot_start(void **state)
{
	struct local_keeper k = LOCAL_KEEPER_INIT;
	char *argv[] = {(char[]){"/nonexistent"}, NULL}, *env[] = {NULL};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(local_keeper_start(&k, argv, env, "/", &err), &err);
	await(&k);
	assert_int_equal(k.exec_errno, 2); /* ENOENT */
	local_keeper_release(&k);
}

static void test_local_keeper__takes_all_descendants_when_the_program_ends(void **state)
{
	struct local_keeper k = LOCAL_KEEPER_INIT;
	char text[64];
	long pid;

	(void)state;
	start(&k, "setsid sh -c 'echo $$; exec sleep 1000' & sleep 0.3");
	drain(&k, text, sizeof(text)); /* ends only when the sleeper's end is closed as well */
	await(&k);
	pid = strtol(text, NULL, 10);
	assert_true(pid > 1);
	assert_int_equal(kill((pid_t)pid, 0), -1);
	local_keeper_release(&k);
}

static void test_local_keeper__kills_on_request(void **state)
{
	struct local_keeper k = LOCAL_KEEPER_INIT;

	(void)state;
	start(&k, "trap '' TERM; sleep 1000");
	while (k.program == 0) {
		usleep(1000);
		local_keeper_read(&k);
	}
	local_keeper_kill(&k);
	await(&k);
	assert_true(k.exited && WIFSIGNALED(k.wait_status));
	assert_int_equal(WTERMSIG(k.wait_status), SIGKILL);
	local_keeper_release(&k);
}

static void test_local_keeper__counts_the_memory_of_all_descendants(void **state)
{
	struct local_keeper k = LOCAL_KEEPER_INIT;
	uint64_t most = 0;

	(void)state;
	start(&k, "(x=$(head -c 30000000 /dev/zero | tr '\\0' x); sleep 5; echo ${#x}) & wait");
	for (int i = 0; i < 400 && most < 30000000; i++) {
		uint64_t now = local_keeper_memory(&k);

		most = now > most ? now : most;
		usleep(10000);
	}
	assert_true(most >= 30000000);
	local_keeper_release(&k);
}

static void test_local_keeper__birth_times_tell_processes_apart(void **state)
{
	char *self = local_process_born(getpid()), *none = local_process_born(0x3fffffff);

	(void)state;
	assert_true(strtoull(self, NULL, 10) > 0);
	assert_string_equal(none, "");
	free(self);
	free(none);
}
