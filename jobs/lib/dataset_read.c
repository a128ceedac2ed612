#include "dataset_read.h"

#include <stdlib.h>
#include <string.h>
#include "csvtable.h"
#include "joblog.h"
#include "packed.h"
#include "stream.h"

int dataset_open_input(void *payload, size_t index, struct csv_input *in, struct err *err)
{
	struct dataset_reader *r = payload;
	const struct dataset_file *f = &r->d->files[index];

	in->read = stream_read;
	in->payload = stream_open_unpacked(r->job, f->location, err);
	in->shown = f->location;
	in->dialect = f->storage.dialect;
	in->skip = f->storage.skip;
	in->header = f->storage.header;
	in->values = f->values.v;
	if (in->payload && r->format == DATASET_JSON) {
		struct stream *bytes = in->payload;

		in->read = json_feed_read;
		in->payload = json_feed_new(&r->how, stream_read, bytes, f->location, err);
		if (!in->payload)
			stream_close(bytes);
	}
	return in->payload ? 0 : -1;
}

void dataset_close_input(void *payload, struct csv_input *in)
{
	const struct dataset_reader *r = payload;

	if (r->format != DATASET_JSON) {
		stream_close(in->payload);
	} else if (in->payload) {
		stream_close(json_feed_payload(in->payload));
		json_feed_free(in->payload);
	}
}

size_t dataset_place(const struct dataset *d, const struct dataset_column *column)
{
	size_t place = 0;

	for (const struct dataset_column *c = d->columns; c < column; c++)
		place += c->partition == column->partition;
	return place;
}

static int find_position(const struct dataset_reader *r, const struct dataset_column *column,
	const struct csv_part *part, const struct strvec *names, size_t *position, struct err *err)
{
	*position = dataset_place(r->d, column);
	if (column->partition) {
		*position += CSV_FIXED;
		return 0;
	}
	if (!part->in.header)
		return 0;
	for (size_t i = 0; i < names->nr; i++) {
		if (iequals(names->v[i], column->name)) {
			*position = i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "'%s' has no column '%s' in its header", part->in.shown,
		column->name);
}

/* What only this file has is passed over, and said once a file. */
static void tell_extra(
	const struct dataset_reader *r, const struct csv_part *part, const struct strvec *names)
{
	struct strbuf extra = STRBUF_INIT;

	if (!part->in.header || atomic_exchange(&r->told[part->index], true))
		return;
	for (size_t i = 0; i < names->nr; i++)
		if (!dataset_column(r->d, names->v[i]))
			strbuf_addf(&extra, "%s%s", extra.len ? "," : "", names->v[i]);
	if (extra.len)
		job_log(JOB_WARN, "extra-columns", "file=\"%s\" columns=\"%s\"", part->in.shown,
			extra.buf);
	strbuf_release(&extra);
}

static int map_columns(
	void *payload, struct csv_part *part, const struct strvec *header, struct err *err)
{
	const struct dataset_reader *r = payload;
	struct strvec names = STRVEC_INIT;
	int ret = 0;

	for (size_t i = 0; i < header->nr; i++)
		strvec_push(&names, header->v[i]);
	dataset_name_columns(&names);
	tell_extra(r, part, &names);
	for (size_t i = 0; i < r->nr && ret == 0; i++) {
		size_t *position = &part->positions[i];

		ret = find_position(r, r->wants[i].column, part, &names, position, err);
		if (*position<CSV_FIXED && * position + 1> part->width)
			part->width = *position + 1;
	}
	strvec_release(&names);
	return ret;
}

static const struct csv_feed_ops feed_ops = {dataset_open_input, dataset_close_input, map_columns};

/* A guess by size. */
int64_t dataset_expected_rows(const struct dataset *d)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < d->nr_files; i++) {
		const struct dataset_file *f = &d->files[i];

		bytes += packed_kind_of(f->location) == PACKED_NONE ? f->size : f->size * 5;
	}
	return bytes / 40 + 1;
}

static int register_csv(
	struct dataset_reader *r, struct duck *duck, const char *name, struct err *err)
{
	static const enum csv_type types[] = {CSV_TEXT, CSV_INT64, CSV_DOUBLE, CSV_DAY, CSV_TEXT};
	struct csv_column *columns = xcalloc(r->nr + 1, sizeof(*columns));
	int ret;

	for (size_t i = 0; i < r->nr; i++)
		columns[i] = (struct csv_column){r->wants[i].as, types[r->wants[i].kind]};
	r->told = xcalloc(r->d->nr_files + 1, sizeof(*r->told));
	r->csv = csv_table_new(&feed_ops, r, r->d->nr_files, columns, r->nr);
	csv_table_expect(r->csv, dataset_expected_rows(r->d));
	ret = csv_table_register(r->csv, duck, name, err);
	free(columns);
	return ret;
}

static int copy_wants(struct dataset_reader *r, const struct dataset_want *wants, struct err *err)
{
	size_t nr = 0;

	while (wants[nr].column)
		nr++;
	r->wants = xcalloc(nr + 1, sizeof(*r->wants));
	for (; r->nr < nr; r->nr++) {
		const struct dataset_want *w = &wants[r->nr];
		const struct dataset_column *column = dataset_column(r->d, w->column);

		if (!column)
			return err_set(
				err, ERR_INVALID, "%s has no column '%s'", r->d->shown, w->column);
		r->wants[r->nr] = (struct reader_want){column, xstrdup(w->as), w->kind};
	}
	return 0;
}

/* How the members of its JSON are to be called. */
static void find_names(struct dataset_reader *r)
{
	r->how.path = r->d->json_path;
	r->how.names = xcalloc(r->d->nr_columns + 1, sizeof(*r->how.names));
	for (size_t i = 0; i < r->d->nr_columns; i++) {
		const struct dataset_column *c = &r->d->columns[i];

		if (c->partition)
			continue;
		r->how.names[r->how.nr_names++] = c->source ? c->source : c->name;
		if (strcmp(c->name, "array") == 0 && starts_with(c->type, "array<"))
			r->how.whole_arrays = true;
	}
}

struct dataset_reader *dataset_register(struct job *job, const struct dataset *d, struct duck *duck,
	const char *name, const struct dataset_want *wants, struct err *err)
{
	struct dataset_reader *r = xcalloc(1, sizeof(*r));
	int ret = 0;

	r->job = job;
	r->d = d;
	if (d->nr_files > CSV_MAX_INPUTS)
		ret = err_set(err, ERR_INVALID, "%s has %zu files, more than %zu", d->shown,
			d->nr_files, CSV_MAX_INPUTS);
	for (size_t i = 1; i < d->nr_files && ret == 0; i++)
		if (d->files[i].storage.format != d->files[0].storage.format)
			ret = err_set(
				err, ERR_INVALID, "%s has files of several formats", d->shown);
	if (ret == 0)
		ret = copy_wants(r, wants, err);
	if (ret == 0) {
		enum dataset_format format = d->nr_files ? d->files[0].storage.format : DATASET_CSV;

		r->format = format;
		find_names(r);
		ret = format == DATASET_CSV ? register_csv(r, duck, name, err)
					    : dataset_register_other(r, format, duck, name, err);
	}
	if (ret == 0)
		return r;
	dataset_reader_free(r);
	return NULL;
}

void dataset_reader_free(struct dataset_reader *r)
{
	if (!r)
		return;
	csv_table_free(r->csv);
	for (size_t i = 0; i < r->nr; i++)
		free(r->wants[i].as);
	free(r->how.names);
	free(r->told);
	free(r->wants);
	free(r);
}

int64_t dataset_rows(const struct dataset_reader *r)
{
	return r->csv ? csv_table_rows(r->csv) : r->rows;
}

/* --- where a row stands --- */

/* The number of the row that begins `offset` bytes behind the start. */
static int count_rows(struct csv_part *part, int64_t offset, int64_t *number, struct err *err)
{
	struct strbuf chunk = STRBUF_INIT;
	int64_t start = 0;
	bool found = false;
	int got = 1;

	*number = (int64_t)part->in.skip + part->in.header;
	while (!found && (got = csv_part_take(part, &chunk, &start, err)) > 0) {
		char *at = chunk.buf, *end = chunk.buf + chunk.len;

		while (at < end && !found) {
			found = start + (at - chunk.buf) >= offset;
			if (csv_read_row(&part->in.dialect, &at, end, NULL, 0))
				++*number;
		}
	}
	strbuf_release(&chunk);
	return got < 0 ? -1 : 0;
}

static int find_row(struct dataset_reader *r, int64_t row_id, int64_t *number, struct err *err)
{
	struct csv_input in = {0};
	struct strvec names = STRVEC_INIT;
	struct csv_part *part;
	int ret = -1;

	if (dataset_open_input(r, csv_row_input(row_id), &in, err) != 0)
		return -1;
	part = csv_part_new(0, &in);
	if (csv_part_start(part, &names, err) >= 0)
		ret = count_rows(part, csv_row_offset(row_id), number, err);
	dataset_close_input(r, &in);
	csv_part_free(part);
	strvec_release(&names);
	return ret;
}

char *dataset_locate(struct dataset_reader *r, int64_t row_id, struct err *err)
{
	int64_t number = 0;
	size_t input = csv_row_input(row_id);

	if (input >= r->d->nr_files)
		BUG("row id %lld is of no file", (long long)row_id);
	if (r->direct)
		number = csv_row_offset(row_id) + 1;
	else if (find_row(r, row_id, &number, err) != 0)
		return NULL;
	return xasprintf("'%s' row %lld", r->d->files[input].location, (long long)number);
}

int dataset_bad_value(
	struct dataset_reader *r, int64_t row_id, size_t want, const char *value, struct err *err)
{
	static const char *const kinds[] = {"text", "an integer of 64 bits", "a number",
		"a date (YYYY-MM-DD, YYYY/MM/DD or YYYYMMDD)", "a value"};
	char *where = dataset_locate(r, row_id, NULL);
	int ret;

	if (want == r->nr) {
		ret = err_set(err, ERR_INVALID, "%s: '%s' is no JSON object",
			where ? where : r->d->shown, value);
		free(where);
		return ret;
	}
	if (!where)
		where = xasprintf("'%s'", r->d->files[csv_row_input(row_id)].location);
	ret = err_set(err, ERR_INVALID, "%s: column '%s': '%s' is not %s", where,
		r->wants[want].column->name, value, kinds[r->wants[want].kind]);
	free(where);
	return ret;
}

int dataset_error(struct dataset_reader *r, struct err *err)
{
	const struct csv_bad_value *bad = r->csv ? csv_table_bad_value(r->csv) : NULL;

	if (r->csv && csv_table_error(r->csv, err) != 0)
		return -1;
	if (bad)
		return dataset_bad_value(r, bad->row_id, bad->column, bad->value, err);
	return r->format == DATASET_CSV ? 0 : dataset_other_error(r, err);
}
