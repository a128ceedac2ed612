#include "seriesfile_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER (256u << 10)

struct series_file {
	char *path;
	FILE *in;
};

void series_part_release(struct series_part *p)
{
	free(p->name);
	free(p->points);
	*p = (struct series_part)SERIES_PART_INIT;
}

struct series_file *series_file_open(const char *path, struct err *err)
{
	struct series_file *f;
	FILE *in = fopen(path, "rbe");

	if (!in) {
		err_errno(err, "%s", path);
		return NULL;
	}
	setvbuf(in, NULL, _IOFBF, BUFFER);
	f = xcalloc(1, sizeof(*f));
	f->path = xstrdup(path);
	f->in = in;
	return f;
}

void series_file_close(struct series_file *f)
{
	if (!f)
		return;
	fclose(f->in);
	free(f->path);
	free(f);
}

static int broken(struct series_file *f, struct err *err)
{
	if (ferror(f->in))
		return err_errno(err, "%s", f->path);
	return err_set(err, ERR_IO, "%s was cut short", f->path);
}

int series_file_next(struct series_file *f, struct series_part *part, struct err *err)
{
	struct part_header header;
	int64_t offset = ftello(f->in);
	size_t got = fread(&header, 1, sizeof(header), f->in);

	*part = (struct series_part)SERIES_PART_INIT;
	if (got == 0 && feof(f->in))
		return 0;
	if (got != sizeof(header))
		return broken(f, err);
	part->name = xcalloc(header.name_len + 1, 1);
	part->points = xcalloc(header.nr_points + 1, sizeof(*part->points));
	part->nr_points = header.nr_points;
	part->series = header.series;
	part->last = header.last;
	part->offset = offset;
	if (fread(part->name, 1, header.name_len, f->in) == header.name_len &&
		fread(part->points, sizeof(*part->points), header.nr_points, f->in) ==
			header.nr_points)
		return 1;
	series_part_release(part);
	return broken(f, err);
}

int series_file_at(struct series_file *f, int64_t offset, struct err *err)
{
	return fseeko(f->in, offset, SEEK_SET) == 0 ? 0 : err_errno(err, "%s", f->path);
}
