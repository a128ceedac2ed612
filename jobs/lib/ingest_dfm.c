/* Qlik's description (.dfm) beside a load's object. */
#include <stdlib.h>
#include <string.h>
#include "ingest_internal.h"
#include "stream.h"
#include "transit_dfm.h"

#define MAX_DFM (16u << 20)

/* Of "x.csv.gz", or of any "x": the name up to the first '.' behind the last '/'. */
static char *name_of(const char *source)
{
	const char *name = strrchr(source, '/');
	size_t stem;

	name = name ? name + 1 : source;
	stem = (size_t)(name - source) + strcspn(name, ".");
	return xasprintf("%.*s.dfm", (int)stem, source);
}

int ingest_dfm_read(struct job *job, const struct ingest_load *load, char **location,
	struct strbuf *text, struct err *err)
{
	struct stream *s;
	const void *block;
	ssize_t n = 0;
	int ret = -1;

	*location = name_of(load->source);
	s = stream_open(job, *location, err);
	while (s && text->len <= MAX_DFM && (n = stream_read(s, &block, err)) > 0)
		strbuf_add(text, block, (size_t)n);
	if (s && n > 0)
		err_set(err, ERR_INVALID, "it is larger than %u MiB", MAX_DFM >> 20);
	else if (s && n == 0)
		ret = 0;
	stream_close(s);
	return ret;
}

int ingest_dfm_check(struct job *job, const struct ingest_load *load, const struct dataset *source,
	struct err *err)
{
	struct strvec names = STRVEC_INIT, own = STRVEC_INIT;
	struct strbuf text = STRBUF_INIT;
	struct err why = ERR_INIT;
	char *location = NULL;
	int ret;

	if (!strvec_has(&load->partition_names, "snapshot"))
		return 0;
	for (size_t i = 0; i < source->nr_columns; i++)
		strvec_push(&own, source->columns[i].name);
	ret = ingest_dfm_read(job, load, &location, &text, &why);
	if (ret == 0)
		ret = transit_dfm_columns(text.buf, text.len, &names, &why);
	if (ret == 0)
		ret = transit_dfm_compare(&names, &own, load->source_table, &why);
	if (ret != 0 && why.code == ERR_NOT_FOUND) {
		ret = 0;
	} else if (ret != 0) {
		err_move(err, &why);
		err_wrap(err, "'%s'", location);
	}
	err_release(&why);
	free(location);
	strbuf_release(&text);
	strvec_release(&names);
	strvec_release(&own);
	return ret;
}
