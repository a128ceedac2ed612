#include "mapping.h"

#include <string.h>
#include "csvwrite.h"
#include "stream.h"

#define MAX_COLUMNS 10000
#define BUFFER (256u << 10)

static const char *const columns[] = {"ticker", "market"};

struct preparation {
	struct job *job;
	const struct dataset *identities;
	struct csv_file *out;
	struct csv_field *fields; /* MAX_COLUMNS */
	struct strbuf text;       /* rows not handed on yet */
	struct mapping_counts *counts;
};

/* Where a column of one file comes from. */
struct origin {
	size_t field;         /* of a row; MAX_COLUMNS: from the folder's name */
	const char *constant; /* NULL: null */
};

struct input {
	struct preparation *p;
	const struct dataset_file *file;
	struct csv_cutter cutter;
	struct strbuf chunk;
	char *at; /* in chunk */
	struct origin origins[ARRAY_SIZE(columns)];
};

/* 1: at least one more row may be read, 0: the end, -1. */
static int more(struct input *in, struct err *err)
{
	int got;

	if (in->at < in->chunk.buf + in->chunk.len)
		return 1;
	got = csv_cutter_take(&in->cutter, &in->chunk, NULL, err);
	in->at = in->chunk.buf;
	return got;
}

static size_t read_row(struct input *in)
{
	return csv_read_row(&in->file->storage.dialect, &in->at, in->chunk.buf + in->chunk.len,
		in->p->fields, MAX_COLUMNS);
}

/* The partition columns' values stand in the order of those columns. */
static bool find_in_folder(struct input *in, const char *name, struct origin *o)
{
	const struct dataset *d = in->p->identities;
	size_t value = 0;

	for (size_t i = 0; i < d->nr_columns; i++) {
		if (!d->columns[i].partition)
			continue;
		if (iequals(d->columns[i].name, name) && value < in->file->values.nr) {
			o->field = MAX_COLUMNS;
			o->constant = in->file->values.v[value];
			return true;
		}
		value++;
	}
	return false;
}

static int find_column(
	struct input *in, size_t nr_fields, const char *name, struct origin *o, struct err *err)
{
	const struct csv_field *f = in->p->fields;

	for (size_t i = 0; i < nr_fields && i < MAX_COLUMNS; i++) {
		if (f[i].len == strlen(name) && strncasecmp(f[i].text, name, f[i].len) == 0) {
			o->field = i;
			return 0;
		}
	}
	if (find_in_folder(in, name, o))
		return 0;
	return err_set(err, ERR_INVALID, "there is no column '%s'", name);
}

static int read_header(struct input *in, struct err *err)
{
	size_t nr = 0;
	int got = 0;

	while (nr == 0 && (got = more(in, err)) > 0)
		nr = read_row(in);
	if (got <= 0)
		return got; /* nothing but empty lines is a file without rows */
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (find_column(in, nr, columns[i], &in->origins[i], err) != 0)
			return -1;
	return 0;
}

static void add_row(struct input *in, size_t nr_fields)
{
	struct strbuf *text = &in->p->text;

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		const struct origin *o = &in->origins[i];
		const struct csv_field *f = &in->p->fields[o->field];

		if (i)
			strbuf_addch(text, ';');
		if (o->field < MAX_COLUMNS && o->field < nr_fields && !f->null)
			csv_add_field(text, ';', f->text, f->len);
		else if (o->field == MAX_COLUMNS && o->constant)
			csv_add_field(text, ';', o->constant, strlen(o->constant));
	}
	strbuf_addch(text, '\n');
	in->p->counts->rows++;
}

static int flush(struct preparation *p, struct err *err)
{
	int ret = csv_file_write(p->out, p->text.buf, p->text.len, err);

	strbuf_clear(&p->text);
	return ret;
}

static int copy_rows(struct input *in, struct err *err)
{
	int got;

	while ((got = more(in, err)) > 0) {
		size_t nr = read_row(in);

		if (nr)
			add_row(in, nr);
		if (in->p->text.len >= BUFFER && flush(in->p, err) != 0)
			return -1;
	}
	return got;
}

static int copy_file(struct preparation *p, const struct dataset_file *file, struct err *err)
{
	struct stream *stream = stream_open_unpacked(p->job, file->location, err);
	struct input in = {.p = p, .file = file, .chunk = STRBUF_INIT};
	int ret = -1;

	if (!stream)
		return -1;
	in.at = in.chunk.buf;
	csv_cutter_init(&in.cutter, &file->storage.dialect, stream_read, stream);
	if (read_header(&in, err) == 0)
		ret = copy_rows(&in, err);
	if (ret != 0 && !strstr(err->text, file->location))
		err_wrap(err, "'%s'", file->location);
	csv_cutter_release(&in.cutter);
	stream_close(stream);
	strbuf_release(&in.chunk);
	p->counts->files++;
	return ret;
}

static int copy_all(struct preparation *p, struct err *err)
{
	const struct dataset *d = p->identities;

	strbuf_addf(&p->text, "%s;%s\n", columns[0], columns[1]);
	for (size_t i = 0; i < d->nr_files; i++)
		if (copy_file(p, &d->files[i], err) != 0)
			return -1;
	if (p->counts->rows == 0)
		return err_set(
			err, ERR_NOT_FOUND, "%s holds no rows: there is nothing to map", d->shown);
	return flush(p, err);
}

int mapping_prepare(struct job *job, const struct dataset *identities, const char *path,
	struct mapping_counts *counts, struct err *err)
{
	struct preparation p = {
		.job = job, .identities = identities, .text = STRBUF_INIT, .counts = counts};
	struct err why = ERR_INIT;
	int ret = -1;

	*counts = (struct mapping_counts){0};
	/* One field more, for what no field gives. */
	p.fields = xcalloc(MAX_COLUMNS + 1, sizeof(*p.fields));
	p.out = csv_file_new(path, job->cpus, &why);
	if (p.out)
		ret = copy_all(&p, &why);
	if (ret == 0)
		ret = csv_file_finish(p.out, &why);
	else
		csv_file_abort(p.out);
	if (ret != 0)
		err_move(err, &why);
	err_release(&why);
	strbuf_release(&p.text);
	free(p.fields);
	return ret;
}
