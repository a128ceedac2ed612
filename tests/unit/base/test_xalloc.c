#include "testing.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "xalloc.h"

static void test_xalloc__copies(void **state)
{
	(void)state;
	assert_null(xstrdup(NULL));
	assert_null(xstrndup(NULL, 3));
	char *s = xstrndup("ab\0cd", 5);
	assert_string_equal(s, "ab");
	free(s);
	s = xasprintf("%d-%s", 7, "x");
	assert_string_equal(s, "7-x");
	free_secret(s);
	free_secret(NULL);
	void *p = xmemdup(NULL, 0);
	assert_non_null(p);
	p = xrealloc(p, 0);
	assert_non_null(p);
	free(p);
}

static void test_xalloc__overflow_aborts(void **state)
{
	(void)state;
	volatile size_t huge = SIZE_MAX / 2;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGABRT, SIG_DFL);
		fclose(stderr);
		free(xreallocarray(NULL, huge, 4));
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
