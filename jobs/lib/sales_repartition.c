/* All records by country; see partitions.h. */
#include "sales.h"

#include "duck.h"
#include "fs.h"
#include "partitions.h"

#define MEMORY_PERCENT 40

static int repartition(struct job *job, const struct strvec *files, const struct strvec *folders,
	const struct partitions *p, struct partitions_counts *counts, struct err *err)
{
	struct duck *d = duck_open(job, MEMORY_PERCENT, folders, err);
	struct strbuf source = STRBUF_INIT;
	int ret = -1;

	strbuf_addstr(&source, "read_parquet(");
	duck_add_list(&source, files);
	strbuf_addstr(&source, ", union_by_name = true, hive_partitioning = false)");
	if (d)
		ret = partitions_write_parquet(d, p, source.buf, counts, err);
	duck_close(d);
	strbuf_release(&source);
	return ret;
}

int sales_repartition(struct job *job, const struct strvec *files, struct publish *out,
	struct sales_counts *counts, struct err *err)
{
	struct strvec folders = STRVEC_INIT;
	struct partitions_counts written = {0};
	char *id = job_new_id(), *name = xasprintf("part-00000-%s.snappy.parquet", id);
	const struct partitions p = {"country", name, out};
	int ret;

	strvec_push(&folders, publish_dir(out));
	for (size_t i = 0; i < files->nr; i++) {
		char *dir = fs_dirname(files->v[i]);

		if (!strvec_has(&folders, dir))
			strvec_push(&folders, dir);
		free(dir);
	}
	ret = repartition(job, files, &folders, &p, &written, err);
	counts->rows_in = counts->rows_out = written.rows;
	counts->files = written.files;
	strvec_release(&folders);
	free(id);
	free(name);
	return ret;
}
