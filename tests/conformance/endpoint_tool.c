/*
 * Prints where requests go, for comparison with another client (test_endpoints.py): one line "service<TAB>region<TAB>
 * bucket<TAB>variants" in, one line "url<TAB>signing region<TAB>signing name" or "refused: why" out.
 */
#include <stdio.h>
#include "endpoint.h"
#include "protocol.h"
#include "strvec.h"

static void answer(const struct strvec *f)
{
	const struct wire_service *svc = f->nr == 4 ? wire_service_find(f->v[0]) : NULL;
	struct strbuf url = STRBUF_INIT;
	struct err err = ERR_INIT;
	const char *region = NULL;
	long long variants = 0;
	if (!svc || parse_int64(f->v[3], 0, 15, &variants) < 0) {
		puts("refused: no such question");
		return;
	}
	const struct endpoint_query q = {f->v[1], *f->v[2] ? f->v[2] : NULL, (unsigned)variants};
	if (endpoint_resolve(svc, &q, &url, &region, &err) == 0)
		printf("%s\t%s\t%s\n", url.buf, region, svc->signing_name);
	else
		printf("refused: %s\n", err.text);
	strbuf_release(&url);
	err_release(&err);
}

int main(void)
{
	char line[1024];
	while (fgets(line, sizeof(line), stdin)) {
		struct strvec fields = STRVEC_INIT;
		line[strcspn(line, "\n")] = '\0';
		strvec_split(&fields, line, '\t');
		answer(&fields);
		strvec_release(&fields);
	}
	return 0;
}
