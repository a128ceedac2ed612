/*
 * A stream of unknown length. States: SMALL (all bytes in `part`, nothing sent) -> PARTS (an upload id; full parts are
 * sent by a few threads while the next one fills) -> finished or aborted. `part` never holds more than PART_SIZE bytes,
 * and at most PART_THREADS parts are on their way.
 */
#include "log.h"
#include "s3_internal.h"
#include "thrdpool.h"

#define PART_SIZE (16u << 20)
#define MAX_PARTS 10000
#define PART_THREADS 3

/* A part that was handed over; the upload keeps it until its end. */
struct piece {
	struct s3_part part;
	struct strbuf data; /* released once it is sent */
};

struct s3_upload {
	struct aws_client *c;
	char *bucket, *key;
	struct s3_put_opts opts;
	char *content_type, *owner, *if_match;
	char *upload_id; /* NULL: SMALL */
	struct strbuf part;
	struct piece **pieces; /* in order */
	size_t nr, alloc;
	struct thrdpool *pool; /* NULL: SMALL */
	pthread_mutex_t lock;
	pthread_cond_t sent;
	size_t under_way; /* under lock */
	struct err err;   /* under lock: the first one */
};

struct s3_upload *s3_upload_new(
	struct aws_client *c, const char *bucket, const char *key, const struct s3_put_opts *opts)
{
	struct s3_upload *u = xcalloc(1, sizeof(*u));
	u->c = c;
	u->bucket = xstrdup(bucket);
	u->key = xstrdup(key);
	strbuf_init(&u->part);
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->sent, NULL);
	if (opts) {
		u->content_type = xstrdup(opts->content_type);
		u->owner = xstrdup(opts->owner);
		u->if_match = xstrdup(opts->if_match);
		u->opts = (struct s3_put_opts){
			u->content_type, u->owner, u->if_match, opts->if_none_match};
	}
	return u;
}

static void piece_free(struct piece *p)
{
	strbuf_release(&p->data);
	free(p->part.etag);
	free(p->part.sha256);
	free(p);
}

/* Nothing is under way any more. */
static void upload_free(struct s3_upload *u)
{
	thrdpool_free(u->pool);
	for (size_t i = 0; i < u->nr; i++)
		piece_free(u->pieces[i]);
	free(u->pieces);
	strbuf_release(&u->part);
	err_release(&u->err);
	pthread_mutex_destroy(&u->lock);
	pthread_cond_destroy(&u->sent);
	free(u->upload_id);
	free(u->content_type);
	free(u->owner);
	free(u->if_match);
	free(u->bucket);
	free(u->key);
	free(u);
}

static void send_piece(void *item, unused_arg size_t worker, void *payload)
{
	struct s3_upload *u = payload;
	struct piece *p = item;
	struct err err = ERR_INIT;
	pthread_mutex_lock(&u->lock);
	bool failed = u->err.code != ERR_NONE;
	pthread_mutex_unlock(&u->lock);
	if (!failed && s3_upload_part(u->c, u->bucket, u->key, &u->opts, u->upload_id, p->data.buf,
			       p->data.len, &p->part, &err) == 0)
		err_release(&err);
	strbuf_release(&p->data);
	pthread_mutex_lock(&u->lock);
	if (err.code != ERR_NONE && u->err.code == ERR_NONE)
		err_move(&u->err, &err);
	u->under_way--;
	pthread_cond_signal(&u->sent);
	pthread_mutex_unlock(&u->lock);
	err_release(&err);
}

/* Waits until fewer than `most` parts are under way; -1 with the error of one that failed. */
static int wait_parts(struct s3_upload *u, size_t most, struct err *err)
{
	int ret = 0;
	pthread_mutex_lock(&u->lock);
	while (u->under_way >= most)
		pthread_cond_wait(&u->sent, &u->lock);
	if (u->err.code != ERR_NONE) {
		err_copy(err, &u->err);
		ret = -1;
	}
	pthread_mutex_unlock(&u->lock);
	return ret;
}

static int send_part(struct s3_upload *u, struct err *err)
{
	static const struct thrdpool_ops ops = {.process = send_piece};
	if (!u->upload_id && s3_create_multipart_upload(
				     u->c, u->bucket, u->key, &u->opts, &u->upload_id, err) < 0)
		return -1;
	if (u->nr >= MAX_PARTS)
		return err_set(err, ERR_INVALID, "'%s' is larger than %d parts of %u MiB", u->key,
			MAX_PARTS, PART_SIZE >> 20);
	if (wait_parts(u, PART_THREADS, err) < 0)
		return -1;
	if (!u->pool)
		u->pool = thrdpool_new(PART_THREADS, &ops, u);
	struct piece *p = xcalloc(1, sizeof(*p));
	p->data = u->part;
	strbuf_init(&u->part);
	ALLOC_GROW(u->pieces, u->nr, u->alloc);
	u->pieces[u->nr++] = p;
	p->part.number = (int)u->nr;
	pthread_mutex_lock(&u->lock);
	u->under_way++;
	pthread_mutex_unlock(&u->lock);
	thrdpool_add(u->pool, p);
	return 0;
}

static int complete(struct s3_upload *u, struct err *err)
{
	struct s3_parts parts = {xcalloc(u->nr, sizeof(struct s3_part)), u->nr, u->nr};
	for (size_t i = 0; i < u->nr; i++)
		parts.v[i] = u->pieces[i]->part;
	int ret = s3_complete_multipart_upload(
		u->c, u->bucket, u->key, &u->opts, u->upload_id, &parts, err);
	free(parts.v); /* the strings are the pieces' */
	return ret;
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
		ret = wait_parts(u, 1, err);
	if (ret == 0)
		ret = complete(u, err);
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
	(void)!wait_parts(u, 1, NULL);
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
