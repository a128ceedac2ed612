/*
 * The access-key file that the console lets one download: "Access key ID,Secret access key" and one row below it, with
 * or without a byte order mark, quotes, carriage returns and other columns. No message repeats a cell.
 */
#include <ctype.h>
#include "cred_internal.h"
#include "fs.h"
#include "strbuf.h"

#define MAX_CSV_BYTES (64u << 10)

enum column { COLUMN_ID, COLUMN_SECRET, COLUMNS };
static const char *const titles[COLUMNS] = {"Access key ID", "Secret access key"};

struct csv {
	const char *path, *at;
	int line; /* of the row that was read last */
};

static void cells_wipe(struct strvec *cells)
{
	for (size_t i = 0; i < cells->nr; i++)
		wipe(cells->v[i], strlen(cells->v[i]));
	strvec_release(cells);
}

/* One cell; `at` is left at what ends it. */
static int read_cell(struct csv *f, struct strbuf *cell, struct err *err)
{
	bool quoted = *f->at == '"';
	const char *p = f->at + quoted;

	for (;; p++) {
		if (quoted && *p == '"' && p[1] == '"')
			p++;
		else if (quoted ? *p == '"' : !*p || strchr(",\r\n", *p))
			break;
		else if (!*p || *p == '\n')
			return err_at(err, f->path, f->line, 0, NULL, "a quote is not closed");
		strbuf_addch(cell, *p);
	}
	f->at = p + quoted;
	if (*f->at && !strchr(",\r\n", *f->at))
		return err_at(err, f->path, f->line, 0, NULL, "text follows a closing quote");
	strbuf_trim(cell);
	return 0;
}

/* The next row that is not blank: 1, or 0 at the end. */
static int read_row(struct csv *f, struct strvec *cells, struct err *err)
{
	for (;;) {
		bool blank = true;

		cells_wipe(cells);
		if (!*f->at)
			return 0;
		f->line++;
		for (;;) {
			struct strbuf cell = STRBUF_INIT;
			int bad = read_cell(f, &cell, err);

			blank = blank && !cell.len;
			strvec_push(cells, cell.buf);
			wipe(cell.buf, cell.len);
			strbuf_release(&cell);
			if (bad)
				return -1;
			if (*f->at != ',')
				break;
			f->at++;
		}
		f->at += *f->at == '\r';
		f->at += *f->at == '\n';
		if (!blank)
			return 1;
	}
}

/* "Access key ID", "AccessKeyId", "access_key_id": one title. */
static bool is_title(const char *cell, const char *title)
{
	for (;; cell++, title++) {
		cell += strspn(cell, " _-");
		title += strspn(title, " ");
		if (tolower((unsigned char)*cell) != tolower((unsigned char)*title))
			return false;
		if (!*cell)
			return true;
	}
}

static int find_columns(
	const struct csv *f, const struct strvec *head, size_t *columns, struct err *err)
{
	for (size_t c = 0; c < COLUMNS; c++) {
		columns[c] = head->nr;
		for (size_t i = head->nr; i-- > 0;)
			if (is_title(head->v[i], titles[c]))
				columns[c] = i;
		if (columns[c] == head->nr) {
			err_at(err, f->path, f->line, 0, NULL, "there is no column '%s'",
				titles[c]);
			return err_hint(err,
				"the first line of an access-key file is '%s,%s', as the console "
				"writes it",
				titles[COLUMN_ID], titles[COLUMN_SECRET]);
		}
	}
	return 0;
}

static int check_cells(
	const struct csv *f, const struct strvec *row, const size_t *columns, struct err *err)
{
	for (size_t c = 0; c < COLUMNS; c++) {
		const char *cell = columns[c] < row->nr ? row->v[columns[c]] : "";

		if (!*cell)
			return err_at(err, f->path, f->line, 0, NULL, "the column '%s' is empty",
				titles[c]);
		for (const char *p = cell; *p; p++)
			if (*p <= ' ' || *p >= 0x7f)
				return err_at(err, f->path, f->line, 0, NULL,
					"the column '%s' has a character that no key has",
					titles[c]);
	}
	return 0;
}

int cred_csv_keys(const char *path, const char *text, struct aws_keys *out, struct err *err)
{
	struct csv file = {path, starts_with(text, "\xef\xbb\xbf") ? text + 3 : text, 0},
		   *f = &file;
	struct strvec head = STRVEC_INIT, row = STRVEC_INIT, more = STRVEC_INIT;
	size_t columns[COLUMNS];
	int ret = -1, found = read_row(f, &head, err);

	if (found == 0)
		err_at(err, f->path, 1, 0, NULL, "the file is empty");
	if (found <= 0 || find_columns(f, &head, columns, err) < 0)
		goto out;
	found = read_row(f, &row, err);
	if (found == 0)
		err_at(err, f->path, f->line, 0, NULL, "no key follows the titles");
	if (found <= 0 || check_cells(f, &row, columns, err) < 0)
		goto out;
	found = read_row(f, &more, err);
	if (found > 0) {
		err_at(err, f->path, f->line, 0, NULL,
			"there is more than one key, and which one is meant is not known");
		err_hint(err, "leave one row below the titles");
	} else if (found == 0) {
		out->access_key_id = xstrdup(row.v[columns[COLUMN_ID]]);
		out->secret_access_key = xstrdup(row.v[columns[COLUMN_SECRET]]);
		ret = 0;
	}
out:
	cells_wipe(&head);
	cells_wipe(&row);
	cells_wipe(&more);
	return ret;
}

struct aws_credentials *aws_credentials_csv(const char *path, struct err *err)
{
	struct aws_credentials *credentials = NULL;
	struct aws_keys keys = AWS_KEYS_INIT;
	struct strbuf text = STRBUF_INIT;
	struct err why = ERR_INIT;

	if (fs_read(path, MAX_CSV_BYTES, &text, &why) < 0) {
		err_at(err, path, 1, 0, NULL, "the access-key file cannot be read: %s", why.text);
	} else if (memchr(text.buf, '\0', text.len)) {
		err_at(err, path, 1, 0, NULL, "the file is not plain text in UTF-8");
		err_hint(err, "save it as 'CSV UTF-8'");
	} else if (cred_csv_keys(path, text.buf, &keys, err) == 0) {
		char *source = xasprintf("access-key file '%s'", path);
		credentials = aws_credentials_static(
			keys.access_key_id, keys.secret_access_key, NULL, source);
		free(source);
	}
	aws_keys_release(&keys);
	wipe(text.buf, text.len);
	strbuf_release(&text);
	err_release(&why);
	return credentials;
}
