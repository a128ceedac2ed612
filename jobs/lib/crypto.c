#include "crypto.h"

#include <string.h>

#define MAX_TICKER 30

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int crypto_check_ticker(const char *ticker, struct err *err)
{
	size_t len =
		strspn(ticker, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	if (is_letter(*ticker) && !ticker[len] && len <= MAX_TICKER)
		return 0;
	return err_set(err, ERR_USAGE,
		"--TICKER '%s' cannot be the name of a table and a folder: a letter, then letters, "
		"digits and '_', %d at most",
		ticker, MAX_TICKER);
}

int crypto_places(struct job *job, const char *from, const char *to, struct crypto_places *out,
	struct err *err)
{
	char *from_option = xasprintf("--%s", from), *to_option = xasprintf("--%s", to);
	int ret = -1;

	out->ticker = job_args_get(&job->args, "TICKER");
	if (crypto_check_ticker(out->ticker, err) == 0 &&
		place_parse(job_args_get(&job->args, from), from_option, &out->from, err) == 0 &&
		place_parse(job_args_get(&job->args, to), to_option, &out->to, err) == 0)
		ret = 0;
	free(from_option);
	free(to_option);
	return ret;
}

void crypto_places_release(struct crypto_places *p)
{
	place_release(&p->from);
	place_release(&p->to);
}
