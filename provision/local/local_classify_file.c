#include "local_classify.h"
#include "archive_io.h"
#include "strbuf.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Which classifier a file goes to: by its first bytes, behind gzip and zip. */
#define SAMPLE (1024 * 1024)
#define MAX_FOOTER (4 * 1024 * 1024)
#define BLOCK (64 * 1024)

void classified_release(struct classified *c)
{
	json_free(c->columns);
	free(c->json_path);
	free(c->problem);
	free(c->twice);
	*c = (struct classified){0};
}

static ssize_t read_at(int fd, void *buf, size_t len, int64_t offset, struct err *err)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(fd, (char *)buf + got, len - got, offset + (int64_t)got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "read an object");
		if (!n)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* 1: it is Parquet. */
static int try_parquet(int fd, int64_t size, struct classified *out, struct err *err)
{
	unsigned char tail[8], *footer;
	uint32_t len;
	ssize_t n;
	int r;

	if (size < 12 || (n = read_at(fd, tail, sizeof(tail), size - 8, err)) < 0)
		return size < 12 ? 0 : -1;
	if (n != 8 || memcmp(tail + 4, "PAR1", 4))
		return 0;
	len = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 |
	      (uint32_t)tail[3] << 24;
	if ((int64_t)len > size - 12)
		return 0;
	footer = xmalloc(len < MAX_FOOTER ? len + 1 : MAX_FOOTER);
	n = read_at(fd, footer, len < MAX_FOOTER ? len : MAX_FOOTER, size - 8 - (int64_t)len, err);
	r = n < 0 ? -1 : classify_parquet(footer, (size_t)n, out);
	free(footer);
	return r;
}

struct source {
	int fd;
	char block[BLOCK];
};

static ssize_t feed(void *payload, const void **block, struct err *err)
{
	struct source *s = payload;
	ssize_t n;

	*block = s->block;
	do
		n = read(s->fd, s->block, sizeof(s->block));
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_errno(err, "read an object") : n;
}

/* The first bytes of the first file in a gzip or zip; what is broken counts as nothing. */
static void unpack_sample(int fd, struct strbuf *sample, bool *whole)
{
	struct source *s = xmalloc(sizeof(*s));
	struct err ignored = ERR_INIT;
	struct archive_reader *r;
	const char *name;
	bool is_file = false;
	int64_t size;
	ssize_t n = 0;

	s->fd = fd;
	r = archive_reader_new(feed, s, true, &ignored);
	while (r && !is_file && archive_reader_next(r, &name, &is_file, &size, &ignored) > 0)
		;
	while (is_file && sample->len < SAMPLE) {
		strbuf_grow(sample, BLOCK);
		n = archive_reader_read(r, sample->buf + sample->len, BLOCK, &ignored);
		if (n <= 0)
			break;
		strbuf_setlen(sample, sample->len + (size_t)n);
	}
	*whole = is_file && n == 0;
	archive_reader_free(r);
	err_release(&ignored);
	free(s);
}

/* '{' with a member or nothing in it; '[' with an object or an array in it. */
static bool looks_like_json(const char *data, size_t len)
{
	size_t i = 0, k;

	while (i < len && isspace((unsigned char)data[i]))
		i++;
	for (k = i + 1; k < len && isspace((unsigned char)data[k]);)
		k++;
	if (k >= len)
		return i < len && (data[i] == '{' || data[i] == '[');
	return (data[i] == '{' && (data[k] == '"' || data[k] == '}')) ||
	       (data[i] == '[' && (data[k] == '{' || data[k] == '['));
}

static bool apply(const char *data, size_t len, bool whole, const struct classifier *how,
	struct classified *out)
{
	if (how->grok)
		return classify_grok(data, len, whole, how, out);
	if (how->row_tag)
		return classify_xml(data, len, whole, how, out);
	if (how->is_json)
		return looks_like_json(data, len) && classify_json(data, len, whole, how, out);
	return classify_csv(data, len, whole, how, out);
}

bool classify_text(const char *data, size_t len, bool whole, const struct classifiers *custom,
	struct classified *out)
{
	static const char bom[] = "\xef\xbb\xbf";

	if (len >= 3 && !memcmp(data, bom, 3)) {
		data += 3;
		len -= 3;
	}
	for (size_t i = 0; custom && i < custom->nr; i++) {
		const struct classifier *how = &custom->v[i];
		if (apply(data, len, whole, how, out)) {
			free(out->problem);
			out->problem = NULL;
			return true;
		}
	}
	/* broken JSON is no CSV, however its commas fall */
	if (looks_like_json(data, len))
		return classify_json(data, len, whole, NULL, out);
	return classify_csv(data, len, whole, NULL, out);
}

static int classify_open(int fd, int64_t size, const struct classifiers *custom,
	struct classified *out, struct err *err)
{
	struct strbuf sample = STRBUF_INIT;
	const unsigned char *magic;
	bool whole = size <= SAMPLE;
	ssize_t n;
	int r = try_parquet(fd, size, out, err);

	out->compression = "none";
	if (r) {
		out->record_size = out->records ? size / out->records : 0;
		return r < 0 ? -1 : 0;
	}
	strbuf_grow(&sample, whole ? (size_t)size : SAMPLE);
	n = read_at(fd, sample.buf, whole ? (size_t)size : SAMPLE, 0, err);
	if (n < 0) {
		strbuf_release(&sample);
		return -1;
	}
	strbuf_setlen(&sample, (size_t)n);
	magic = (const unsigned char *)sample.buf;
	if (n >= 2 && magic[0] == 0x1f && magic[1] == 0x8b)
		out->compression = "gzip";
	else if (n >= 4 && !memcmp(magic, "PK\3\4", 4))
		out->compression = "zip";
	if (strcmp(out->compression, "none")) {
		strbuf_clear(&sample);
		unpack_sample(fd, &sample, &whole);
	}
	if (!classify_text(sample.buf, sample.len, whole, custom, out)) {
		out->classification = "UNKNOWN";
		out->columns = json_array();
	} else if (!whole || strcmp(out->compression, "none")) {
		out->records = out->record_size ? size / out->record_size : 0;
	}
	strbuf_release(&sample);
	return 0;
}

int classify_file(const char *path, int64_t size, const struct classifiers *custom,
	struct classified *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	*out = (struct classified){0};
	if (fd < 0)
		return err_errno(err, "open an object's file");
	r = classify_open(fd, size, custom, out, err);
	close(fd);
	if (r)
		classified_release(out);
	return r;
}
