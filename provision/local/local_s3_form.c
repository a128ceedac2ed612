/*
 * "multipart/form-data" as browsers send it to PostObject: fields first, then the file. A push parser; the file's bytes
 * go on to the sink as they come, so memory is what the fields take.
 *
 *	SKIP    up to the next boundary (in front of the first, and behind the file)
 *	MARK    behind a boundary: "--" ends the form, a line end begins a part
 *	HEAD    the part's headers, up to an empty line
 *	FIELD   a field's value, up to the next boundary
 *	FILE    the file's bytes, up to the next boundary; what follows it is of no interest
 *	END     all is read
 */
#include "local_s3.h"
#include "xalloc.h"

#define MAX_FIELDS ((size_t)20 << 10)
#define MAX_HEAD ((size_t)8 << 10)
#define MAX_BOUNDARY 200

enum form_state { FORM_SKIP, FORM_MARK, FORM_HEAD, FORM_FIELD, FORM_FILE, FORM_END };
enum form_step { STEP_ON, STEP_MORE, STEP_FAILED };

struct s3_form {
	enum form_state state;
	char *boundary; /* CR LF "--" and the boundary; NULL: the request names none */
	struct strbuf buf;
	struct strvec fields;
	size_t fields_size;
	char *name, *file_name; /* of the part under way; of the file */
	bool has_file, file_done;
};

/* The value of NAME="…" or NAME=… in a header; malloc'd, NULL when there is none. */
static char *header_value(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = text; (p = strcasestr(p, name)); p += len) {
		const char *value = p + len + 1;

		if (p[len] != '=' || (p > text && !strchr("; \t", p[-1])))
			continue;
		if (*value == '"')
			return xstrndup(value + 1, strcspn(value + 1, "\"\r\n"));
		return xstrndup(value, strcspn(value, "; \t\r\n"));
	}
	return NULL;
}

struct s3_form *local_s3_form_new(const struct local_http *h)
{
	struct s3_form *f = xcalloc(1, sizeof(*f));
	const char *type = local_http_header(h, "content-type");
	char *boundary = type ? header_value(type, "boundary") : NULL;

	strbuf_init(&f->buf);
	strvec_init(&f->fields);
	if (boundary && *boundary && strlen(boundary) <= MAX_BOUNDARY)
		f->boundary = xasprintf("\r\n--%s", boundary);
	/* the first boundary stands at the very start, or behind a line end */
	strbuf_addstr(&f->buf, "\r\n");
	free(boundary);
	return f;
}

void local_s3_form_free(struct s3_form *f)
{
	if (!f)
		return;
	strbuf_release(&f->buf);
	strvec_release(&f->fields);
	free(f->boundary);
	free(f->name);
	free(f->file_name);
	free(f);
}

const struct strvec *local_s3_form_fields(const struct s3_form *f)
{
	return &f->fields;
}

const char *local_s3_form_file_name(const struct s3_form *f)
{
	return f->file_name ? f->file_name : "";
}

const char *local_s3_form_field(const struct s3_form *f, const char *name)
{
	size_t i;

	for (i = 0; i + 1 < f->fields.nr; i += 2)
		if (iequals(f->fields.v[i], name))
			return f->fields.v[i + 1];
	return NULL;
}

void local_s3_form_add(struct s3_form *f, const char *name, const char *value)
{
	strvec_push(&f->fields, name);
	strvec_push(&f->fields, value);
}

static enum form_step malformed(struct err *err)
{
	local_fault(err, 400, "MalformedPOSTRequest",
		"The body of your POST request is not well-formed multipart/form-data.");
	return STEP_FAILED;
}

/* --- the states --- */

static enum form_step step_skip(struct s3_form *f)
{
	size_t len = strlen(f->boundary);
	char *at = memmem(f->buf.buf, f->buf.len, f->boundary, len);

	if (at) {
		strbuf_remove(&f->buf, 0, (size_t)(at - f->buf.buf) + len);
		f->state = f->file_done ? FORM_END : FORM_MARK;
		return STEP_ON;
	}
	if (f->buf.len >= len)
		strbuf_remove(&f->buf, 0, f->buf.len - (len - 1));
	return STEP_MORE;
}

static enum form_step step_mark(struct s3_form *f, struct err *err)
{
	if (f->buf.len < 2)
		return STEP_MORE;
	if (!memcmp(f->buf.buf, "--", 2))
		f->state = FORM_END;
	else if (!memcmp(f->buf.buf, "\r\n", 2))
		f->state = FORM_HEAD;
	else
		return malformed(err);
	/* the line end stays: a part without headers begins with two */
	return STEP_ON;
}

static enum form_step step_head(struct local_s3_call *c, struct err *err)
{
	struct s3_form *f = c->form;
	char *end = memmem(f->buf.buf, f->buf.len, "\r\n\r\n", 4), *disposition;

	/* whatever the pieces are that it comes in */
	if ((end ? (size_t)(end - f->buf.buf) + 3 : f->buf.len) > MAX_HEAD)
		return malformed(err);
	if (!end)
		return STEP_MORE;
	*end = '\0';
	disposition = strcasestr(f->buf.buf, "content-disposition:");
	free(f->name);
	f->name = disposition ? header_value(disposition, "name") : NULL;
	if (!f->name)
		return malformed(err);
	if (iequals(f->name, "file"))
		f->file_name = header_value(disposition, "filename");
	strbuf_remove(&f->buf, 0, (size_t)(end - f->buf.buf) + 4);
	f->state = FORM_FIELD;
	if (!iequals(f->name, "file"))
		return STEP_ON;
	f->state = FORM_FILE;
	f->has_file = true;
	return local_s3_post_begin(c, err) ? STEP_FAILED : STEP_ON;
}

static enum form_step step_field(struct s3_form *f, struct err *err)
{
	size_t len = strlen(f->boundary), sure = f->buf.len >= len ? f->buf.len - (len - 1) : 0;
	char *at = memmem(f->buf.buf, f->buf.len, f->boundary, len), *value;
	/* A field without name and value counts too. */
	size_t size =
		f->fields_size + strlen(f->name) + 1 + (at ? (size_t)(at - f->buf.buf) : sure);

	if (size > MAX_FIELDS) {
		local_fault(err, 400, "MaxPostPreDataLengthExceeded",
			"Your POST request fields preceding the upload file were too large.");
		return STEP_FAILED;
	}
	if (!at)
		return STEP_MORE;
	value = xstrndup(f->buf.buf, (size_t)(at - f->buf.buf));
	local_s3_form_add(f, f->name, value);
	free(value);
	f->fields_size = size;
	f->state = FORM_SKIP;
	return STEP_ON;
}

static enum form_step step_file(struct local_s3_call *c, struct err *err)
{
	struct s3_form *f = c->form;
	size_t len = strlen(f->boundary), ready;
	char *at = memmem(f->buf.buf, f->buf.len, f->boundary, len);

	if (at)
		ready = (size_t)(at - f->buf.buf);
	else
		ready = f->buf.len >= len ? f->buf.len - (len - 1) : 0;
	if (ready && local_s3_sink_feed(c, f->buf.buf, ready, err))
		return STEP_FAILED;
	strbuf_remove(&f->buf, 0, ready);
	if (!at)
		return STEP_MORE;
	f->file_done = true;
	f->state = FORM_SKIP;
	return STEP_ON;
}

int local_s3_form_feed(struct local_s3_call *c, const void *data, size_t len, struct err *err)
{
	struct s3_form *f = c->form;
	enum form_step step = STEP_ON;

	if (!f->boundary) {
		malformed(err);
		return -1;
	}
	strbuf_add(&f->buf, data, len);
	while (step == STEP_ON) {
		switch (f->state) {
		case FORM_SKIP:
			step = step_skip(f);
			break;
		case FORM_MARK:
			step = step_mark(f, err);
			break;
		case FORM_HEAD:
			step = step_head(c, err);
			break;
		case FORM_FIELD:
			step = step_field(f, err);
			break;
		case FORM_FILE:
			step = step_file(c, err);
			break;
		case FORM_END:
			strbuf_clear(&f->buf);
			step = STEP_MORE;
			break;
		}
	}
	return step == STEP_FAILED ? -1 : 0;
}

int local_s3_form_finish(struct local_s3_call *c, struct err *err)
{
	const struct s3_form *f = c->form;

	if (f->file_done)
		return 0;
	if (f->state == FORM_END)
		return local_s3_invalid(err, "POST requires exactly one file upload per request.");
	malformed(err);
	return -1;
}
