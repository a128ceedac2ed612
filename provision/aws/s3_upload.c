/*
 * A stream of unknown length. States: SMALL (all bytes in `part`, nothing sent) -> PARTS (an upload id, full parts
 * sent) -> finished or aborted. `part` never holds more than PART_SIZE bytes.
 */
#include "log.h"
#include "s3_internal.h"

#define PART_SIZE (16u << 20)
#define MAX_PARTS 10000

struct s3_upload {
	struct aws_client *c;
	char *bucket, *key;
	struct s3_put_opts opts;
	char *content_type, *owner, *if_match;
	char *upload_id; /* NULL: SMALL */
	struct s3_parts parts;
	struct strbuf part;
};

struct s3_upload *s3_upload_new(
	struct aws_client *c, const char *bucket, const char *key, const struct s3_put_opts *opts)
{
	struct s3_upload *u = xcalloc(1, sizeof(*u));
	u->c = c;
	u->bucket = xstrdup(bucket);
	u->key = xstrdup(key);
	strbuf_init(&u->part);
	if (opts) {
		u->content_type = xstrdup(opts->content_type);
		u->owner = xstrdup(opts->owner);
		u->if_match = xstrdup(opts->if_match);
		u->opts = (struct s3_put_opts){
			u->content_type, u->owner, u->if_match, opts->if_none_match};
	}
	return u;
}

static void upload_free(struct s3_upload *u)
{
	s3_parts_release(&u->parts);
	strbuf_release(&u->part);
	free(u->upload_id);
	free(u->content_type);
	free(u->owner);
	free(u->if_match);
	free(u->bucket);
	free(u->key);
	free(u);
}

static int send_part(struct s3_upload *u, struct err *err)
{
	if (!u->upload_id && s3_create_multipart_upload(
				     u->c, u->bucket, u->key, &u->opts, &u->upload_id, err) < 0)
		return -1;
	if (u->parts.nr >= MAX_PARTS)
		return err_set(err, ERR_INVALID, "'%s' is larger than %d parts of %u MiB", u->key,
			MAX_PARTS, PART_SIZE >> 20);
	ALLOC_GROW(u->parts.v, u->parts.nr, u->parts.alloc);
	struct s3_part *part = &u->parts.v[u->parts.nr++];
	*part = (struct s3_part){.number = (int)u->parts.nr};
	if (s3_upload_part(u->c, u->bucket, u->key, &u->opts, u->upload_id, u->part.buf,
		    u->part.len, part, err) < 0)
		return -1;
	strbuf_clear(&u->part);
	return 0;
}

int s3_upload_write(struct s3_upload *u, const void *data, size_t len, struct err *err)
{
	const char *p = data;
	while (len) {
		/* A full part goes out when more comes: the last one may be of any size. */
		if (u->part.len == PART_SIZE && send_part(u, err) < 0)
			return -1;
		size_t room = PART_SIZE - u->part.len;
		size_t n = len < room ? len : room;
		strbuf_add(&u->part, p, n);
		p += n;
		len -= n;
	}
	return 0;
}

int s3_upload_finish(struct s3_upload *u, struct err *err)
{
	int ret;
	if (!u->upload_id) {
		ret = s3_put_object(
			u->c, u->bucket, u->key, u->part.buf, u->part.len, &u->opts, NULL, err);
		upload_free(u);
		return ret;
	}
	ret = u->part.len ? send_part(u, err) : 0;
	if (ret == 0)
		ret = s3_complete_multipart_upload(
			u->c, u->bucket, u->key, &u->opts, u->upload_id, &u->parts, err);
	if (ret == 0)
		upload_free(u);
	else
		s3_upload_abort(u);
	return ret;
}

void s3_upload_abort(struct s3_upload *u)
{
	if (!u)
		return;
	/* What cannot be aborted shows nowhere and goes when the bucket is emptied. */
	if (u->upload_id) {
		struct err ignored = ERR_INIT;
		if (s3_abort_multipart_upload(
			    u->c, u->bucket, u->key, u->owner, u->upload_id, &ignored) < 0)
			log_verbose("%s: the upload of '%s' was not aborted: %s", u->bucket, u->key,
				ignored.text);
		err_release(&ignored);
	}
	upload_free(u);
}
