/* Uploads, bundles and crawler starts: nodes that the project file asks for, not a template. */
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "digest.h"
#include "fs.h"
#include "hex.h"
#include "uri.h"

static struct engine_extra *add(struct extras *x, const struct resource_type *type,
	const char *stack, const char *id, const char *name, struct json *props)
{
	ALLOC_GROW(x->v, x->nr, x->alloc);
	x->v[x->nr] = (struct engine_extra){
		.type = type,
		.stack = strvec_push(&x->texts, stack),
		.logical_id = strvec_push(&x->texts, id),
		.name = strvec_push(&x->texts, name),
		.props = props,
	};
	return &x->v[x->nr++];
}

void extras_release(struct extras *x)
{
	for (size_t i = 0; i < x->nr; i++)
		json_free(x->v[i].props);
	for (size_t i = 0; i < x->nr_needs; i++)
		free(x->needs[i]);
	free(x->needs);
	free(x->v);
	strvec_release(&x->texts);
}

static struct json *upload_props(
	const char *path, const char *bucket, const char *key, const char *sha256, int64_t size)
{
	struct json *p = json_object();

	json_set_str(p, "From", path);
	json_set_str(p, "Bucket", bucket);
	json_set_str(p, "Key", key);
	json_set_str(p, "Sha256", sha256);
	json_set_i64(p, "Size", size);
	return p;
}

static void add_artifacts(struct session *s, struct extras *x)
{
	size_t nr = 0;
	const struct package_artifact *a = s->package ? package_artifacts(s->package, &nr) : NULL;

	for (size_t i = 0; i < nr; i++) {
		char *name = xasprintf("s3://%s/%s", a[i].bucket, a[i].key);
		struct json *props =
			upload_props(a[i].path, a[i].bucket, a[i].key, a[i].sha256, a[i].size);
		json_set_str(props, "Owner", s->account);
		add(x, &upload_type, a[i].stack, a[i].logical_id, name, props);
		free(name);
	}
}

/* The stack whose bucket or crawler it is; the first one when no stack has it. */
static const char *stack_with(
	struct session *s, struct engine *resolver, const char *type, const char *name)
{
	const char *stack = engine_stack_of(resolver, type, name);

	return stack ? stack : s->project->stacks[0]->name;
}

char *upload_key(const struct project_upload *u, const char *file, const char *key)
{
	const char *relative;
	size_t fixed;

	if (*key && !ends_with(key, "/"))
		return xstrdup(key);
	/* The part of the pattern without wildcards is not repeated below the target. */
	fixed = strcspn(u->pattern, "*?[");
	while (fixed && u->pattern[fixed - 1] != '/')
		fixed--;
	relative = file;
	if (starts_with(relative, u->base))
		relative += strlen(u->base);
	while (*relative == '/')
		relative++;
	if (!strncmp(relative, u->pattern, fixed))
		relative += fixed;
	return xasprintf("%s%s", key, relative);
}

/* What is wrong with where an upload goes. */
static int fail_to(
	const struct project_upload *u, struct err *err, const char *to, const char *what)
{
	return err_at(err, u->file, u->to_at.line, u->to_at.column, "Uploads", "'%s' %s", to, what);
}

static int add_upload(struct session *s, struct engine *resolver, const struct project_upload *u,
	struct extras *x, struct err *err)
{
	char *to = NULL, *bucket = NULL, *key = NULL;
	int ret = project_expand_at(
		s->project, u->to, &u->to_at, "Uploads", engine_output_value, resolver, &to, err);

	if (ret > 0)
		ret = fail_to(u, err, u->to, "is not known before set-up");
	else if (!ret && !starts_with(to, "s3://"))
		ret = fail_to(u, err, to, "is not an s3:// address");
	else if (!ret && u->files.nr > 1 && !ends_with(to, "/"))
		ret = fail_to(
			u, err, to, "is one object, but there are several files: end it with '/'");
	if (ret < 0 || s3_uri_split(to, &bucket, &key, err) < 0) {
		free(to);
		return -1;
	}
	for (size_t i = 0; i < u->files.nr && !ret; i++) {
		struct strbuf raw = STRBUF_INIT, hex = STRBUF_INIT;
		uint64_t size = 0;
		char *object = upload_key(u, u->files.v[i], key),
		     *name = xasprintf("s3://%s/%s", bucket, object);
		char *id = xasprintf("Upload-%s", object);

		ret = digest_file(DIGEST_SHA256, u->files.v[i], &raw, &size, err);
		if (!ret) {
			hex_encode(&hex, raw.buf, raw.len);
			add(x, &upload_type, stack_with(s, resolver, "AWS::S3::Bucket", bucket), id,
				name,
				upload_props(
					u->files.v[i], bucket, object, hex.buf, (int64_t)size));
		}
		free(object);
		free(name);
		free(id);
		strbuf_release(&raw);
		strbuf_release(&hex);
	}
	free(to);
	free(bucket);
	free(key);
	return ret;
}

/* Does the crawler look at the place of this upload? */
static bool crawls(const struct json *crawler_props, const char *uri)
{
	struct json *target;

	json_each(target, json_path(crawler_props, "Targets.S3Targets"))
	{
		const char *path = json_get_str(target, "Path");
		size_t len = path ? strlen(path) : 0;
		if (path && starts_with(uri, path) &&
			(ends_with(path, "/") || !uri[len] || uri[len] == '/'))
			return true;
	}
	return false;
}

static void crawl_needs(
	struct engine *resolver, const char *crawler, struct extras *x, struct engine_extra *crawl)
{
	const struct json *props = engine_props_of(resolver, "AWS::Glue::Crawler", crawler);
	const char **needs = xcalloc(x->nr + 1, sizeof(*needs));
	size_t nr = 0;

	for (size_t i = 0; i < x->nr; i++)
		if (x->v[i].type == &upload_type && crawls(props, x->v[i].name))
			needs[nr++] = x->v[i].logical_id;
	ALLOC_GROW(x->needs, x->nr_needs, x->alloc_needs);
	x->needs[x->nr_needs++] = needs;
	crawl->needs = needs;
}

static int add_action(struct session *s, struct engine *resolver, const struct project_action *a,
	struct extras *x, struct err *err)
{
	char *target = NULL, *id;
	struct json *props;
	const struct project_place at = {a->line, a->column};
	int ret = project_expand_at(s->project, a->target, &at, "AfterSetup", engine_output_value,
		resolver, &target, err);

	if (ret > 0)
		return err_at(err, a->file, a->line, a->column, NULL,
			"'%s' is not known before set-up", a->target);
	if (ret < 0)
		return -1;
	props = json_object();
	json_set_str(props, "CrawlerName", target);
	id = xasprintf("Crawl-%s", target);
	crawl_needs(resolver, target, x,
		add(x, &crawl_type, stack_with(s, resolver, "AWS::Glue::Crawler", target), id,
			target, props));
	free(id);
	free(target);
	return 0;
}

int extras_collect(struct session *s, struct engine *resolver, struct extras *x, struct err *err)
{
	add_artifacts(s, x);
	for (size_t i = 0; i < s->project->nr_uploads; i++)
		if (add_upload(s, resolver, &s->project->uploads[i], x, err) < 0)
			return -1;
	for (size_t i = 0; i < s->project->nr_actions; i++)
		if (add_action(s, resolver, &s->project->actions[i], x, err) < 0)
			return -1;
	return 0;
}
