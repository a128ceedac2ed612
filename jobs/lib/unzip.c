#include "unzip.h"

#include <stdlib.h>
#include <string.h>
#include "archive_io.h"

#define BLOCK (256u << 10)
/* The end record and the longest comment behind it. */
#define END_RECORD 22
#define TAIL_BYTES (END_RECORD + 65535u)

struct unzip {
	struct job *job;
	csv_read_fn *read;
	void *payload;
	const char *source;
	const struct place *target;
	struct output *zip, *csv; /* csv: of the best name so far */
	char *best;               /* name in the zip; NULL: none yet */
	int64_t zip_bytes, csv_bytes;
	size_t entries;
	struct strbuf
		tail; /* the last bytes of the zip, at least TAIL_BYTES where there are so many */
};

/* --- the zip's bytes on their way --- */

static int no_zip(const struct unzip *u, const char *head, size_t len, struct err *err)
{
	struct strbuf shown = STRBUF_INIT;
	int ret;

	for (size_t i = 0; i < len && i < 24; i++)
		strbuf_addch(&shown, head[i] >= ' ' && head[i] < 0x7f ? head[i] : '.');
	ret = len ? err_set(err, ERR_INVALID, "'%s' is no zip: it begins with '%s'", u->source,
			    shown.buf)
		  : err_set(err, ERR_INVALID, "'%s' is no zip: it is empty", u->source);
	strbuf_release(&shown);
	return ret;
}

static void keep_tail(struct unzip *u, const char *data, size_t len)
{
	if (len > TAIL_BYTES) {
		data += len - TAIL_BYTES;
		len = TAIL_BYTES;
	}
	strbuf_add(&u->tail, data, len);
	if (u->tail.len > 4 * TAIL_BYTES)
		strbuf_remove(&u->tail, 0, u->tail.len - TAIL_BYTES);
}

static ssize_t tee(void *payload, const void **block, struct err *err)
{
	struct unzip *u = payload;
	ssize_t n = u->read(u->payload, block, err);

	if (n < 0)
		return -1;
	if (u->zip_bytes == 0 &&
		(n < 4 || (memcmp(*block, "PK\3\4", 4) != 0 && memcmp(*block, "PK\5\6", 4) != 0)))
		return no_zip(u, *block, (size_t)n, err);
	u->zip_bytes += n;
	if (n == 0)
		return 0;
	keep_tail(u, *block, (size_t)n);
	return output_write(u->zip, *block, (size_t)n, err) == 0 ? n : -1;
}

/* --- its entries --- */

/* The name that counts as a file of the top level; NULL for others. */
static const char *csv_name(const char *name)
{
	while (starts_with(name, "./"))
		name += 2;
	return strchr(name, '/') || !ends_with(name, ".csv") ? NULL : name;
}

static int copy_entry(struct unzip *u, struct archive_reader *reader, struct err *err)
{
	char *block = xmalloc(BLOCK);
	ssize_t n;
	int ret = 0;

	u->csv_bytes = 0;
	while ((n = archive_reader_read(reader, block, BLOCK, err)) > 0) {
		u->csv_bytes += n;
		ret = output_write(u->csv, block, (size_t)n, err);
		if (ret != 0)
			break;
	}
	free(block);
	return n < 0 ? -1 : ret;
}

static char *stored_name(const char *name)
{
	char *stored = xstrdup(name);

	for (char *c = stored; *c; c++)
		if (*c == ' ')
			*c = '-';
	return stored;
}

/* A later name takes the place of an earlier one, whose bytes were never shown. */
static int take_csv(
	struct unzip *u, struct archive_reader *reader, const char *name, struct err *err)
{
	char *stored;

	if (u->best && strcmp(name, u->best) < 0)
		return 0;
	free(u->best);
	u->best = xstrdup(name);
	output_abort(u->csv);
	stored = stored_name(name);
	u->csv = output_new(u->job, u->target, stored, err);
	free(stored);
	return u->csv ? copy_entry(u, reader, err) : -1;
}

static int read_entries(struct unzip *u, struct archive_reader *reader, struct err *err)
{
	const char *name;
	bool is_file;
	int64_t size;
	int more;

	while ((more = archive_reader_next(reader, &name, &is_file, &size, err)) > 0) {
		const char *csv;

		u->entries++;
		if (archive_name_escapes(name))
			return err_set(err, ERR_INVALID,
				"'%s' holds the path '%s', which would leave the folder", u->source,
				name);
		csv = is_file ? csv_name(name) : NULL;
		if (csv && take_csv(u, reader, csv, err) != 0)
			return -1;
	}
	return more;
}

/* --- its end --- */

static unsigned le16(const unsigned char *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static uint64_t le32(const unsigned char *p)
{
	return le16(p) | (uint64_t)le16(p + 2) << 16;
}

/* Read by its local headers, a zip that lost its end looks whole: the end record must be there, and agree. */
static int check_end(const struct unzip *u, struct err *err)
{
	const unsigned char *tail = (const unsigned char *)u->tail.buf;

	for (size_t i = u->tail.len; i >= END_RECORD; i--) {
		const unsigned char *p = tail + i - END_RECORD;
		size_t behind = u->tail.len - i;
		uint64_t at = (uint64_t)u->zip_bytes - behind - END_RECORD;
		unsigned entries;

		if (memcmp(p, "PK\5\6", 4) != 0 || le16(p + 20) > behind)
			continue;
		entries = le16(p + 10);
		if (le32(p + 16) != UINT32_MAX && le32(p + 16) + le32(p + 12) > at)
			break;
		if (entries != UINT16_MAX && entries != (u->entries & UINT16_MAX))
			return err_set(err, ERR_INVALID,
				"'%s' is damaged: its directory names %u files, %zu are there",
				u->source, entries, u->entries);
		return 0;
	}
	return err_set(err, ERR_INVALID, "'%s' is no whole zip: its end is missing", u->source);
}

/* Both show now. When the second cannot, the first goes again, unless it replaced one that was there before. */
static int show(struct unzip *u, const char *zip_name, struct err *err)
{
	struct output *zip = u->zip, *csv = u->csv;
	struct err why = ERR_INIT;
	bool was_there;

	if (job_check_interrupt(err) != 0)
		return -1;
	/* Who may not look must not remove either. */
	if (place_has(u->job, u->target, zip_name, &was_there, &why) != 0)
		was_there = true;
	err_release(&why);
	u->zip = NULL;
	if (output_finish(zip, err) != 0)
		return -1;
	u->csv = NULL;
	if (output_finish(csv, err) == 0)
		return 0;
	if (!was_there && place_remove(u->job, u->target, zip_name, &why) != 0)
		err_hint(err, "'%s%s' was left behind: %s", u->target->shown, zip_name, why.text);
	err_release(&why);
	return -1;
}

static int unzip(struct unzip *u, const char *zip_name, struct err *err)
{
	struct archive_reader *reader;
	int ret = -1;

	u->zip = output_new(u->job, u->target, zip_name, err);
	if (!u->zip)
		return -1;
	reader = archive_reader_new(tee, u, false, err);
	if (reader)
		ret = read_entries(u, reader, err);
	if (ret != 0 && err && err->code == ERR_INVALID && !strstr(err->text, u->source))
		err_wrap(err, "'%s'", u->source);
	archive_reader_free(reader);
	if (ret != 0 || check_end(u, err) != 0)
		return -1;
	if (!u->csv)
		return err_set(err, ERR_INVALID,
			"'%s' has no CSV: no file of its top level ends in '.csv'", u->source);
	return show(u, zip_name, err);
}

int unzip_store(struct job *job, csv_read_fn *read, void *payload, const char *source,
	const struct place *target, const char *zip_name, struct unzip_result *result,
	struct err *err)
{
	struct unzip u = {.job = job,
		.read = read,
		.payload = payload,
		.source = source,
		.target = target,
		.tail = STRBUF_INIT};
	int ret = unzip(&u, zip_name, err);

	output_abort(u.zip);
	output_abort(u.csv);
	if (ret == 0)
		*result = (struct unzip_result){stored_name(u.best), u.zip_bytes, u.csv_bytes};
	free(u.best);
	strbuf_release(&u.tail);
	return ret;
}
