/* Ctrl-C stops starting work, waits for calls under way and says how to go on; a second one ends at once. */
#include <signal.h>
#include <stddef.h>
#include <unistd.h>
#include "clock.h"
#include "cmd.h"

static volatile sig_atomic_t got;

static void on_signal(int sig)
{
	if (got)
		_exit(128 + sig);
	got = sig;
	clock_interrupt();
}

void signals_install(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	/* A file that may not grow is an error like a full disk. */
	sigaction(SIGXFSZ, &sa, NULL);
}

int signals_got(void)
{
	return got;
}
