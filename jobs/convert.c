/* convert: a table of the catalog (CSV, JSON of any layout, Parquet) as CSV, JSON lines or Parquet, its columns by a mapping. */
#include <stdlib.h>
#include <string.h>
#include "fs.h"
#include "joblog.h"
#include "reshape.h"

static const struct job_arg args[] = {
	{"database", "the catalog's database", JOB_REQUIRED},
	{"table", "its table: CSV, JSON or Parquet", JOB_REQUIRED},
	{"output", "where the files go: s3://bucket/folder/, file:// or a folder", JOB_REQUIRED},
	{"format", "csv, json (an object a line) or parquet (default: csv)", JOB_OPTIONAL},
	{"compression",
		"csv and json: none, gzip, zstd; parquet: snappy, gzip, zstd, lz4, none (default: "
		"the first)",
		JOB_OPTIONAL},
	{"mapping",
		"columns: from:fromType:toName:toType, with ',' or as a JSON list; members of "
		"structs as struct.member (default: all as they are, structs flattened)",
		JOB_OPTIONAL},
	{"mode", "append, or overwrite: what lies at --output goes (default: append)",
		JOB_OPTIONAL},
	{"single", "one file (of each partition) instead of one an input file", JOB_FLAG},
	{"partitions",
		"folders: as the table has them; columns: as columns of the files "
		"(default: folders)",
		JOB_OPTIONAL},
	{"delimiter", "of CSV: one letter, or \\t (default: ,)", JOB_OPTIONAL},
	{0},
};

struct conversion {
	struct dataset data;
	struct fields fields;
	struct place place;
	char *stem; /* the last folder of --output */
	struct reshape how;
	bool overwrite;
};

/* The index of the argument's word among `words`, the first being its default; -1. */
static int one_of(
	struct job *job, const char *name, const char *const *words, size_t nr, struct err *err)
{
	const char *text = job_args_get(&job->args, name);
	struct strbuf known = STRBUF_INIT;

	for (size_t i = 0; i < nr; i++) {
		if (!text || iequals(text, words[i])) {
			strbuf_release(&known);
			return (int)i;
		}
		strbuf_addf(&known, "%s%s", i ? ", " : "", words[i]);
	}
	err_set(err, ERR_USAGE, "--%s '%s' is none of %s", name, text, known.buf);
	strbuf_release(&known);
	return -1;
}

static int read_delimiter(struct job *job, struct reshape *how, struct err *err)
{
	const char *text = job_args_get(&job->args, "delimiter");
	struct csv_dialect dialect = CSV_DIALECT_COMMA;

	if (text && strcmp(text, "\\t") == 0)
		text = "\t";
	if (text && (strlen(text) != 1 || (unsigned char)*text > 127))
		return err_set(err, ERR_USAGE, "--delimiter '%s' is not one ASCII letter", text);
	if (text)
		dialect.delimiter = *text;
	how->delimiter = dialect.delimiter;
	if (csv_dialect_check(&dialect, err) == 0)
		return 0;
	if (err)
		err->code = ERR_USAGE;
	return err_wrap(err, "--delimiter");
}

static int read_format(struct job *job, struct conversion *c, struct err *err)
{
	static const char *const formats[] = {"csv", "json", "parquet"};
	static const char *const modes[] = {"append", "overwrite"};
	static const char *const partitions[] = {"folders", "columns"};
	int format = one_of(job, "format", formats, ARRAY_SIZE(formats), err);
	int mode = format < 0 ? -1 : one_of(job, "mode", modes, ARRAY_SIZE(modes), err);
	int flat =
		mode < 0 ? -1 : one_of(job, "partitions", partitions, ARRAY_SIZE(partitions), err);

	if (flat < 0)
		return -1;
	c->how.format = (enum dataset_format)format;
	c->how.compression =
		reshape_compression(c->how.format, job_args_get(&job->args, "compression"), err);
	c->how.single = job_args_flag(&job->args, "single");
	c->how.flat = flat == 1;
	c->overwrite = mode == 1;
	return c->how.compression ? read_delimiter(job, &c->how, err) : -1;
}

/* What is written shows up as a whole folder, so the place is the folder above, which must be there. */
static int read_output(struct job *job, struct conversion *c, struct err *err)
{
	const char *text = job_args_get(&job->args, "output"), *scheme = strstr(text, "://");
	size_t begin = scheme ? (size_t)(scheme - text) + 3 : 0;
	struct strbuf above = STRBUF_INIT;
	const char *slash;
	int ret = -1;

	strbuf_addstr(&above, text);
	while (above.len > begin && above.buf[above.len - 1] == '/')
		strbuf_setlen(&above, above.len - 1);
	slash = strrchr(above.buf + begin, '/');
	if (!slash || !slash[1] || strcmp(slash, "/.") == 0 || strcmp(slash, "/..") == 0) {
		err_set(err, ERR_USAGE,
			"--output '%s' is no folder below a bucket or another folder", text);
	} else {
		c->stem = xstrdup(slash + 1);
		strbuf_setlen(&above, (size_t)(slash - above.buf) + 1);
		ret = place_parse(above.buf, "--output", &c->place, err);
	}
	strbuf_release(&above);
	return ret;
}

/* Else the next run would read what this one wrote, or this one would remove what it reads. */
static int check_apart(const struct conversion *c, struct err *err)
{
	char *out = place_locate(&c->place, c->stem), *below = xasprintf("%s/", out);
	int ret = 0;

	for (size_t i = 0; i < c->data.nr_files && ret == 0; i++)
		if (starts_with(c->data.files[i].location, below))
			ret = err_set(err, ERR_INVALID,
				"--output '%s' holds data of %s itself: '%s'", below, c->data.shown,
				c->data.files[i].location);
	free(out);
	free(below);
	return ret;
}

static int find_fields(struct job *job, struct conversion *c, struct err *err)
{
	const char *mapping = job_args_get(&job->args, "mapping");

	if (!mapping)
		return fields_of_dataset(&c->data, &c->fields, err);
	return fields_resolve(&c->fields, &c->data, err);
}

static int convert(struct job *job, struct conversion *c, struct err *err)
{
	struct reshape_counts counts = {0};
	int ret;

	c->how.from = &c->data;
	c->how.fields = &c->fields;
	c->how.out = publish_new(job, &c->place, c->stem, err);
	if (!c->how.out)
		return -1;
	if (reshape(job, &c->how, &counts, err) != 0) {
		publish_abort(c->how.out);
		return -1;
	}
	ret = c->overwrite ? publish_commit(c->how.out, err) : publish_commit_more(c->how.out, err);
	if (ret == 0) {
		char *to = place_locate(&c->place, c->stem);

		job_log(JOB_INFO, "written", "to=\"%s/\" files=%zu rows=%lld columns=%zu", to,
			counts.files, (long long)counts.rows, c->fields.nr);
		free(to);
	}
	return ret;
}

static int run(struct job *job, struct err *err)
{
	const char *database = job_args_get(&job->args, "database");
	const char *table = job_args_get(&job->args, "table");
	const char *mapping = job_args_get(&job->args, "mapping");
	struct conversion c = {.data = DATASET_INIT, .fields = FIELDS_INIT, .place = PLACE_INIT};
	int ret = -1;

	if (read_format(job, &c, err) == 0 && read_output(job, &c, err) == 0 &&
		(!mapping || fields_parse(mapping, &c.fields, err) == 0) &&
		dataset_from_table(job, database, table, &c.data, err) == 0) {
		job_log(JOB_INFO, "reading", "table=\"%s.%s\" files=%zu", database, table,
			c.data.nr_files);
		if (find_fields(job, &c, err) == 0 && check_apart(&c, err) == 0)
			ret = convert(job, &c, err);
	}
	dataset_release(&c.data);
	fields_release(&c.fields);
	place_release(&c.place);
	free(c.stem);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"convert", args, run};

	return job_main(&program, argc, argv);
}
