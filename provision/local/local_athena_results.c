/* Result files read back page by page, as GetQueryResults shows them. */
#include "local_athena.h"
#include <stdio.h>

struct rows {
	FILE *f;
	struct strbuf field;
	bool quoted; /* the field had quotes: empty is "" and not null */
};

static void end_value(struct rows *r, struct json *data)
{
	struct json *v = json_object();

	if (r->field.len || r->quoted)
		json_set(v, "VarCharValue", json_string_n(r->field.buf, r->field.len));
	json_push(data, v);
	strbuf_clear(&r->field);
	r->quoted = false;
}

/* One CSV record; NULL at the end. */
static struct json *csv_row(struct rows *r)
{
	struct json *data = json_array(), *row;
	bool inside = false, any = false;
	int ch;

	while ((ch = getc_unlocked(r->f)) != EOF) {
		any = true;
		if (inside && ch == '"') {
			int next = getc_unlocked(r->f);
			if (next == '"') {
				strbuf_addch(&r->field, '"');
				continue;
			}
			inside = false;
			ungetc(next, r->f);
		} else if (!inside && ch == '"') {
			inside = r->quoted = true;
		} else if (!inside && ch == ',') {
			end_value(r, data);
		} else if (!inside && ch == '\n') {
			break;
		} else {
			strbuf_addch(&r->field, (char)ch);
		}
	}
	if (!any) {
		json_free(data);
		return NULL;
	}
	end_value(r, data);
	row = json_object();
	json_set(row, "Data", data);
	return row;
}

static struct json *line_row(struct rows *r)
{
	struct json *data, *row;
	bool any = false;
	int ch;

	while ((ch = getc_unlocked(r->f)) != EOF) {
		any = true;
		if (ch == '\n')
			break;
		strbuf_addch(&r->field, (char)ch);
	}
	if (!any)
		return NULL;
	data = json_array();
	row = json_object();
	r->quoted = true;
	end_value(r, data);
	json_set(row, "Data", data);
	return row;
}

int athena_result_rows(const char *path, bool lines, int64_t max, int64_t *offset,
	struct json **rows, struct err *err)
{
	struct rows r = {.f = fopen(path, "re"), .field = STRBUF_INIT};
	struct json *row = NULL;
	int ch;

	if (!r.f)
		return err_errno(err, "open a result");
	if (fseeko(r.f, (off_t)*offset, SEEK_SET)) {
		fclose(r.f);
		return err_errno(err, "read a result");
	}
	*rows = json_array();
	while (max-- > 0 && (row = lines ? line_row(&r) : csv_row(&r)))
		json_push(*rows, row);
	*offset = (int64_t)ftello(r.f);
	ch = getc(r.f);
	if (ch == EOF)
		*offset = 0;
	fclose(r.f);
	strbuf_release(&r.field);
	return 0;
}
