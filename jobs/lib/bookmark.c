#include "bookmark.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "dataset_internal.h"
#include "digest.h"
#include "fs.h"
#include "hex.h"
#include "joblog.h"
#include "json.h"
#include "stream.h"
#include "uri.h"

#define VERSION 1
#define MAX_BYTES (1u << 20)

struct bookmark {
	struct job *job;
	const struct place *place;
	enum bookmark_mode mode;
	char *name;            /* of the object */
	struct digest *digest; /* NULL once `fingerprint` is made */
	struct strbuf fingerprint;
	struct json *outputs;
};

int bookmark_mode_parse(const char *text, enum bookmark_mode *out, struct err *err)
{
	static const char *const names[] = {
		"job-bookmark-disable", "job-bookmark-enable", "job-bookmark-pause"};

	*out = BOOKMARK_DISABLE;
	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum bookmark_mode)i;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "--job_bookmark_option is %s, %s or %s, not '%s'", names[1],
		names[0], names[2], text);
}

struct bookmark *bookmark_new(
	struct job *job, const struct place *place, enum bookmark_mode mode, const char *job_name)
{
	struct bookmark *b = xcalloc(1, sizeof(*b));
	struct strbuf name = STRBUF_INIT;

	strbuf_addstr(&name, "etl/bookmarks/");
	uri_encode(&name, job_name, strlen(job_name), false);
	strbuf_addstr(&name, ".json");
	b->job = job;
	b->place = place;
	b->mode = mode;
	b->name = strbuf_detach(&name, NULL);
	b->digest = digest_new(DIGEST_SHA256);
	b->outputs = json_array();
	strbuf_init(&b->fingerprint);
	return b;
}

void bookmark_free(struct bookmark *b)
{
	if (!b)
		return;
	digest_free(b->digest);
	strbuf_release(&b->fingerprint);
	json_free(b->outputs);
	free(b->name);
	free(b);
}

/* --- the fingerprint: each value with its length, so that no two lists are one text --- */

void bookmark_add(struct bookmark *b, const char *what, const char *value)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "%zu:%s=", strlen(what), what);
	if (value)
		strbuf_addf(&sb, "%zu:%s;", strlen(value), value);
	else
		strbuf_addstr(&sb, "-;");
	digest_add(b->digest, sb.buf, sb.len);
	strbuf_release(&sb);
}

static void add_number(struct bookmark *b, const char *what, long long n)
{
	char *text = xasprintf("%lld", n);

	bookmark_add(b, what, text);
	free(text);
}

static void add_file(struct bookmark *b, const struct dataset_file *f)
{
	const struct dataset_storage *s = &f->storage;

	bookmark_add(b, "file", f->location);
	bookmark_add(b, "etag", f->etag);
	add_number(b, "size", f->size);
	if (!f->etag)
		add_number(b, "modified", f->modified_ms);
	for (size_t i = 0; i < f->values.nr; i++)
		bookmark_add(b, "value", f->values.v[i]);
	add_number(b, "format", s->format);
	add_number(b, "header", s->header);
	add_number(b, "skip", (long long)s->skip);
	add_number(b, "delimiter", s->dialect.delimiter);
	add_number(b, "quote", s->dialect.quote);
	add_number(b, "escape", s->dialect.escape);
}

void bookmark_add_dataset(struct bookmark *b, const struct dataset *d)
{
	bookmark_add(b, "data set", d->shown);
	for (size_t i = 0; i < d->nr_columns; i++) {
		const struct dataset_column *c = &d->columns[i];

		bookmark_add(b, c->partition ? "partition" : "column", c->name);
		bookmark_add(b, "type", c->type);
		bookmark_add(b, "source", c->source);
	}
	for (size_t i = 0; i < d->nr_files; i++)
		add_file(b, &d->files[i]);
}

static const char *fingerprint(struct bookmark *b)
{
	struct strbuf raw = STRBUF_INIT;

	if (b->digest) {
		digest_finish(b->digest, &raw);
		b->digest = NULL;
		hex_encode(&b->fingerprint, (const unsigned char *)raw.buf, raw.len);
	}
	strbuf_release(&raw);
	return b->fingerprint.buf;
}

/* --- the object --- */

static int read_object(struct bookmark *b, struct strbuf *text, struct err *err)
{
	char *location = place_locate(b->place, b->name);
	struct stream *s = stream_open(b->job, location, err);
	const void *block = NULL;
	ssize_t n = -1;

	while (s && (n = stream_read(s, &block, err)) > 0 && text->len <= MAX_BYTES)
		strbuf_add(text, block, (size_t)n);
	stream_close(s);
	free(location);
	return n < 0 ? -1 : 0;
}

/* The last run's; NULL without an error where there is none that can be read. */
static struct json *load(struct bookmark *b, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct err why = ERR_INIT;
	struct json *doc = NULL;
	bool has = false;

	if (place_has(b->job, b->place, b->name, &has, err) != 0 || !has)
		return NULL;
	if (read_object(b, &text, &why) != 0) {
		if (why.code == ERR_NOT_FOUND)
			err_release(&why);
		else
			err_move(err, &why);
	} else {
		doc = json_parse(text.buf, text.len, &why);
		if (!doc || json_get_i64(doc, "version", 0) != VERSION ||
			!json_get_str(doc, "fingerprint")) {
			job_log(JOB_WARN, "bookmark", "object=\"%s%s\" damaged=true error=\"%s\"",
				b->place->shown, b->name,
				why.text ? why.text : "not of this program");
			json_free(doc);
			doc = NULL;
		}
	}
	err_release(&why);
	strbuf_release(&text);
	return doc;
}

static int output_is_there(
	struct bookmark *b, const struct json *output, bool *there, struct err *err)
{
	struct dataset found = DATASET_INIT;
	const char *prefix = json_get_str(output, "prefix");
	const char *file_name = json_get_str(output, "file");
	char *location = prefix ? place_locate(b->place, prefix) : NULL;
	int ret = 0;

	*there = false;
	if (location) {
		ret = dataset_list(b->job, location, &found, err);
		*there = file_name && found.nr_files == (size_t)json_get_i64(output, "files", -1);
		for (size_t i = 0; i < found.nr_files && *there; i++)
			*there = strcmp(fs_basename(found.files[i].location), file_name) == 0;
	}
	dataset_release(&found);
	free(location);
	return ret;
}

int bookmark_is_current(struct bookmark *b, bool *current, struct err *err)
{
	struct err why = ERR_INIT;
	struct json *doc, *output;
	bool same;
	int ret = 0;

	*current = false;
	if (b->mode == BOOKMARK_DISABLE)
		return 0;
	doc = load(b, &why);
	if (why.code) {
		err_move(err, &why);
		return err_wrap(err, "bookmark '%s%s'", b->place->shown, b->name);
	}
	same = doc && strcmp(json_get_str(doc, "fingerprint"), fingerprint(b)) == 0 &&
	       json_len(json_get(doc, "outputs")) > 0;
	json_each(output, same ? json_get(doc, "outputs") : NULL) if (ret == 0 && same) ret =
		output_is_there(b, output, &same, err);
	*current = ret == 0 && same;
	json_free(doc);
	return ret;
}

void bookmark_add_output(
	struct bookmark *b, const char *prefix, const char *file_name, size_t files)
{
	struct json *output = json_object();

	json_set_str(output, "prefix", prefix);
	json_set_str(output, "file", file_name);
	json_set_i64(output, "files", (int64_t)files);
	json_push(b->outputs, output);
}

int bookmark_save(struct bookmark *b, struct err *err)
{
	const struct clock *clock = clock_system();
	struct strbuf text = STRBUF_INIT, now = STRBUF_INIT;
	struct json *doc;
	struct output *o;
	int ret = -1;

	if (b->mode != BOOKMARK_ENABLE)
		return 0;
	doc = json_object();
	clock_add_iso(&now, clock->now_ms(clock), true);
	json_set_i64(doc, "version", VERSION);
	json_set_str(doc, "program", b->job->name);
	json_set_str(doc, "written", now.buf);
	json_set_str(doc, "fingerprint", fingerprint(b));
	json_set(doc, "outputs", json_copy(b->outputs));
	json_print_pretty(doc, &text);
	strbuf_addch(&text, '\n');
	o = output_new(b->job, b->place, b->name, err);
	if (o && output_write(o, text.buf, text.len, err) != 0)
		output_abort(o);
	else if (o)
		ret = output_finish(o, err);
	if (ret != 0)
		err_wrap(err, "bookmark '%s%s'", b->place->shown, b->name);
	json_free(doc);
	strbuf_release(&text);
	strbuf_release(&now);
	return ret;
}
