/* glueproj's own types: an object that is uploaded, a crawl that is started. */
#include "types_internal.h"

#include "base64.h"
#include "calls.h"
#include "client.h"
#include "hex.h"
#include "ops.h"
#include "s3.h"
#include "strbuf.h"

/* --- upload --- */

static const struct field upload_fields[] = {
	{.name = "From", .kind = FIELD_STRING, .flags = F_REQUIRED | F_LOCAL},
	{.name = "Bucket",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES | F_LOCAL,
		.names = "AWS::S3::Bucket"},
	{.name = "Key", .kind = FIELD_STRING, .flags = F_REQUIRED | F_REPLACES | F_LOCAL},
	{.name = "Sha256", .kind = FIELD_STRING, .flags = F_REQUIRED | F_LOCAL},
	{.name = "Size", .kind = FIELD_INTEGER, .flags = F_REQUIRED | F_LOCAL},
	{.name = "Owner", .kind = FIELD_STRING, .flags = F_LOCAL | F_WRITE_ONLY},
	{.name = "Keep", .kind = FIELD_BOOL, .flags = F_LOCAL | F_WRITE_ONLY},
	{0},
};

/* Wanted, else remembered. */
static const char *upload_str(const struct resource *r, const char *name)
{
	const char *s = json_get_str(r->props, name);
	return s ? s : json_get_str(r->record_props, name);
}

static int check_place(const struct resource *r, struct err *err)
{
	if (upload_str(r, "Bucket") && upload_str(r, "Key"))
		return 0;
	return err_set(err, ERR_FAILED, "upload '%s' has no Bucket or Key", r->name);
}

/* S3's checksum (base64, absent or of parts for what went up in parts) against our hash in hex. */
static bool same_hash(const char *checksum, const char *hex)
{
	struct strbuf raw = STRBUF_INIT, sum = STRBUF_INIT;
	bool same = hex && checksum && hex_decode(&raw, hex, strlen(hex)) == 0;
	if (same) {
		base64_encode(&sum, raw.buf, raw.len);
		same = strcmp(sum.buf, checksum) == 0 || iequals(hex, checksum);
	}
	strbuf_release(&raw);
	strbuf_release(&sum);
	return same;
}

/* The object is what we would send: by its checksum, or by a key that carries the hash. */
static bool is_there(const struct resource *r, const struct s3_head *head)
{
	const char *hex = json_get_str(r->props, "Sha256"), *key = upload_str(r, "Key");
	if (head->size != json_get_i64(r->props, "Size", -1))
		return false;
	return same_hash(head->sha256, hex) || (hex && *hex && strstr(key, hex));
}

static int upload_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	struct s3_head head = S3_HEAD_INIT;
	struct err why = ERR_INIT;
	if (check_place(r, err))
		return -1;
	int ret = s3_head_object(ctx->aws, upload_str(r, "Bucket"), upload_str(r, "Key"),
		upload_str(r, "Owner"), &head, &why);
	if (ret && err_is_missing(&why))
		ret = 0;
	else if (ret)
		err_move(err, &why);
	else
		out->exists = true;
	if (out->exists && depth == READ_FULL) {
		const char *hex = json_get_str(r->props, "Sha256");
		out->props = json_strings(
			"Bucket", upload_str(r, "Bucket"), "Key", upload_str(r, "Key"), NULL);
		json_set_i64(out->props, "Size", head.size);
		if (r->props && is_there(r, &head))
			json_set_str(out->props, "Sha256", hex);
	}
	s3_head_release(&head);
	err_release(&why);
	return ret;
}

static int upload_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct s3_head head = S3_HEAD_INIT;
	struct err why = ERR_INIT;
	const char *bucket = upload_str(r, "Bucket"), *key = upload_str(r, "Key");
	const struct s3_put_opts opts = {.owner = upload_str(r, "Owner")};
	if (check_place(r, err))
		return -1;
	int ret = s3_head_object(ctx->aws, bucket, key, opts.owner, &head, &why);
	bool there = ret == 0 && is_there(r, &head);
	if (ret && why.code == ERR_NOT_FOUND)
		ret = 0;
	if (ret)
		err_move(err, &why);
	else if (!there)
		ret = s3_put_file(
			ctx->aws, bucket, key, json_get_str(r->props, "From"), &opts, err);
	s3_head_release(&head);
	err_release(&why);
	return ret;
}

static int upload_update(const struct type_ctx *ctx, const struct resource *r,
	unused_arg const struct resource_state *live, struct err *err)
{
	return upload_create(ctx, r, err);
}

static int upload_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct err why = ERR_INIT;
	bool keep = json_get_truth(r->props, "Keep", false) ||
		    json_get_truth(r->record_props, "Keep", false);
	if (keep)
		return 0;
	if (check_place(r, err))
		return -1;
	int ret = s3_delete_object(ctx->aws, upload_str(r, "Bucket"), upload_str(r, "Key"),
		upload_str(r, "Owner"), &why);
	return err_unless_missing(ret, &why, err);
}

static const char *const upload_record[] = {"Bucket", "Key", "Owner", "Keep", NULL};

const struct resource_type upload_type = {
	.schema =
		{
			.name = "Glueproj::Upload",
			.fields = upload_fields,
			.attributes = no_attributes,
		},
	.flags = T_PSEUDO | T_NO_TAGS | T_WHOLE,
	.record_fields = upload_record,
	.read = upload_read,
	.create = upload_create,
	.update = upload_update,
	.destroy = upload_destroy,
};

/* --- crawl --- */

static const struct field crawl_fields[] = {
	{.name = "CrawlerName",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES | F_LOCAL,
		.names = "AWS::Glue::Crawler"},
	{0},
};

static const char *crawler_of(const struct resource *r)
{
	const char *name = json_get_str(r->props, "CrawlerName");
	if (!name)
		name = json_get_str(r->record_props, "CrawlerName");
	return name ? name : r->name;
}

/* It "exists" once the crawler has been started: it runs, or it has a last crawl. */
static int crawl_read(const struct type_ctx *ctx, const struct resource *r,
	unused_arg enum read_depth depth, struct resource_state *out, struct err *err)
{
	struct json *in = json_strings("Name", crawler_of(r), NULL), *reply = NULL;
	int ret = call_if_there(ctx, &glue_get_crawler, in, &reply, err);
	const char *state = json_str(json_path(reply, "Crawler.State"));
	out->exists = json_path(reply, "Crawler.LastCrawl.Status") ||
		      (state && strcmp(state, "READY") != 0);
	if (out->exists && depth == READ_FULL)
		out->props = json_strings("CrawlerName", crawler_of(r), NULL);
	json_free(in);
	json_free(reply);
	return ret;
}

static int crawl_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = json_strings("Name", crawler_of(r), NULL);
	struct err why = ERR_INIT;
	int ret = aws_call(ctx->aws, &glue_start_crawler, in, NULL, &why);
	if (ret && err_is_aws(&why, "CrawlerRunningException"))
		ret = 0;
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	return ret;
}

static int crawl_update(const struct type_ctx *ctx, const struct resource *r,
	unused_arg const struct resource_state *live, struct err *err)
{
	return crawl_create(ctx, r, err);
}

static const char *const crawl_record[] = {"CrawlerName", NULL};

const struct resource_type crawl_type = {
	.schema =
		{
			.name = "Glueproj::Crawl",
			.fields = crawl_fields,
			.name_field = "CrawlerName",
			.name_max = 255,
			.attributes = no_attributes,
		},
	.flags = T_PSEUDO | T_NO_TAGS | T_ACTION | T_WHOLE,
	.record_fields = crawl_record,
	.read = crawl_read,
	.create = crawl_create,
	.update = crawl_update,
};
