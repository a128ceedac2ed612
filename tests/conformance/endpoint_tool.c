/*
 * Prints where requests go, for comparison with another client (test_endpoints.py): one line "service<TAB>region<TAB>
 * bucket<TAB>variants" in, one line "url<TAB>signing region<TAB>signing name" or "refused: why" out. With the argument
 * "configured": what the environment and the shared files say, one line "service<TAB>url" each, or "refused: why".
 */
#include <stdio.h>
#include "client.h"
#include "client_settings.h"
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

static int print_configured(void)
{
	const struct aws_config config = {.region = "eu-west-1"};
	struct client_settings s = CLIENT_SETTINGS_INIT;
	struct err err = ERR_INIT;
	size_t nr;
	const struct wire_service *all = wire_services(&nr);
	if (client_settings_read(&s, &config, &err) < 0)
		printf("refused: %s\n", err.text);
	for (size_t i = 0; err.code == ERR_NONE && i < nr; i++) {
		const struct client_endpoint *e = client_settings_endpoint(&s, all[i].id);
		printf("%s\t%s\n", all[i].id, e ? e->url : "");
	}
	client_settings_release(&s);
	err_release(&err);
	return 0;
}

int main(int argc, char **argv)
{
	char line[1024];
	if (argc > 1 && !strcmp(argv[1], "configured"))
		return print_configured();
	while (fgets(line, sizeof(line), stdin)) {
		struct strvec fields = STRVEC_INIT;
		line[strcspn(line, "\n")] = '\0';
		strvec_split(&fields, line, '\t');
		answer(&fields);
		strvec_release(&fields);
	}
	return 0;
}
