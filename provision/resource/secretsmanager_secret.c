/*
 * AWS::SecretsManager::Secret. Its value is written and never read: what is live shows in DescribeSecret, and whether
 * the wanted value is another one shows in the digest, which is keyed because SecretString is F_SECRET. So an update
 * always sends the value that is given; AWS makes a version of it, equal or not.
 *
 * A value that is generated is made once. A tag remembers what it was made by, and only another wish makes another.
 *
 * A secret that somebody has scheduled for deletion keeps its name for 7 to 30 days. It counts as there, with a digest
 * that fits nothing: set-up restores it and brings it up to date, teardown deletes it for good.
 */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "digest.h"
#include "ops.h"
#include "strbuf.h"
#include "tags.h"

#define TAG_GENERATED "glueproj:generated"
#define SCHEDULED "scheduled for deletion"
/* Of the template's hash, which may be part of a secret: enough to see that it changed, too few to guess it by. */
#define TEMPLATE_DIGITS 4
/* How long a name stays taken after a deletion without recovery. */
#define NAME_BUSY_MS (120 * 1000)

static const struct field generate_fields[] = {
	{.name = "ExcludeCharacters", .kind = FIELD_STRING, .max = 4096},
	{.name = "ExcludeLowercase", .kind = FIELD_BOOL},
	{.name = "ExcludeNumbers", .kind = FIELD_BOOL},
	{.name = "ExcludePunctuation", .kind = FIELD_BOOL},
	{.name = "ExcludeUppercase", .kind = FIELD_BOOL},
	{.name = "GenerateStringKey", .kind = FIELD_STRING, .flags = F_LOCAL, .max = 10240},
	{.name = "IncludeSpace", .kind = FIELD_BOOL},
	{.name = "PasswordLength", .kind = FIELD_INTEGER, .min = 1, .max = 4096},
	{.name = "RequireEachIncludedType", .kind = FIELD_BOOL},
	{.name = "SecretStringTemplate",
		.kind = FIELD_STRING,
		.flags = F_LOCAL | F_SECRET,
		.max = 10240},
	{0},
};
static const struct field secret_fields[] = {
	{.name = "Description", .kind = FIELD_STRING, .max = 2048},
	{.name = "GenerateSecretString",
		.kind = FIELD_OBJECT,
		.flags = F_LOCAL | F_WRITE_ONLY,
		.fields = generate_fields},
	{.name = "KmsKeyId", .kind = FIELD_STRING, .flags = F_NAME_OR_ARN, .max = 2048},
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES | F_LOCAL, .min = 1, .max = 512},
	{.name = "ReplicaRegions", .kind = FIELD_LIST, .flags = F_UNSUPPORTED},
	{.name = "SecretString",
		.kind = FIELD_STRING,
		.flags = F_WRITE_ONLY | F_SECRET,
		.min = 1,
		.max = 65536},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	/* secrets that a partner of AWS holds and rotates */
	{.name = "Type", .kind = FIELD_STRING, .flags = F_UNSUPPORTED},
	{0},
};

static const struct attribute secret_attributes[] = {
	{.name = "Id"}, /* the ARN: its last six characters are known once the secret is there */
	{0},
};

/* An empty text is AWS's own key again. */
static const struct field_default secret_defaults[] = {
	{"Description", "\"\""},
	{"KmsKeyId", "\"\""},
	{0},
};

static bool secret_name_ok(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "/_+=.@-")] == '\0';
}

static bool is_object_text(const char *text)
{
	struct err ignored = ERR_INIT;
	struct json *v = json_parse(text, strlen(text), &ignored);
	bool object = json_is(v, JSON_OBJECT);
	err_release(&ignored);
	json_free(v);
	return object;
}

static void secret_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const struct json *generate = json_get(props, "GenerateSecretString");
	const char *template = known_str(generate, "SecretStringTemplate");
	if (generate && is_given(props, "SecretString"))
		lint_error(place, errors, "SecretString",
			"SecretString and GenerateSecretString exclude each other");
	if (!json_is(generate, JSON_OBJECT) || json_is_unknown(generate))
		return;
	if (is_given(generate, "GenerateStringKey") != is_given(generate, "SecretStringTemplate"))
		lint_error(place, errors, "GenerateSecretString",
			"GenerateStringKey and SecretStringTemplate are given together or not at "
			"all");
	if (template && !is_object_text(template))
		lint_error(place, errors, "GenerateSecretString.SecretStringTemplate",
			"SecretStringTemplate is not the text of a JSON object");
}

/* --- read --- */

static int describe(
	const struct type_ctx *ctx, const struct resource *r, struct json **out, struct err *err)
{
	struct json *in = json_strings("SecretId", r->name, NULL);
	int ret = call_if_there(ctx, &secretsmanager_describe_secret, in, out, err);
	json_free(in);
	return ret;
}

static int secret_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	struct json *live = NULL;
	if (describe(ctx, r, &live, err))
		return -1;
	if (!live)
		return 0;
	out->exists = true;
	out->tags = tags_from_list(json_get(live, "Tags"));
	if (json_get(live, "DeletedDate"))
		json_set_str(out->tags, TAG_DIGEST, SCHEDULED);
	out->attrs = json_strings("Id", json_get_str(live, "ARN"), NULL);
	if (depth == READ_FULL) {
		out->props = fields_from_api(secret_fields, live, r->props);
		json_set_str(out->props, "Name", r->name);
		json_set(out->props, "Tags", tags_property(&r->type->schema, out->tags));
	}
	json_free(live);
	return 0;
}

static bool is_scheduled(const struct resource_state *live)
{
	const char *digest = json_get_str(live->tags, TAG_DIGEST);
	return digest && strcmp(digest, SCHEDULED) == 0;
}

/* --- the value --- */

static const struct json *generate_of(const struct resource *r)
{
	const struct json *v = json_get(r->props, "GenerateSecretString");
	return json_is(v, JSON_OBJECT) ? v : NULL;
}

/* What a generated value is made by, for the tag; NULL where it is given. Tells nothing about the value. */
static char *generated_mark(const struct resource *r)
{
	const struct json *wish = generate_of(r);
	struct strbuf text = STRBUF_INIT, mark = STRBUF_INIT;
	if (!wish)
		return NULL;
	struct json *shown = json_copy(wish);
	const char *template = json_get_str(wish, "SecretStringTemplate");
	json_remove(shown, "SecretStringTemplate");
	json_print_canonical(shown, &text);
	strbuf_addstr(&mark, "v1:");
	digest_sha256_hex(text.buf, text.len, &mark);
	if (template) {
		size_t len = mark.len;
		digest_sha256_hex(template, strlen(template), &mark);
		strbuf_setlen(&mark, len + TEMPLATE_DIGITS);
	}
	strbuf_release(&text);
	json_free(shown);
	return strbuf_detach(&mark, NULL);
}

/* The password alone, or the template's object with the password under its key. */
static char *fill_template(const struct json *wish, const char *password)
{
	const char *template = json_get_str(wish, "SecretStringTemplate");
	const char *key = json_get_str(wish, "GenerateStringKey");
	struct err ignored = ERR_INIT;
	struct strbuf text = STRBUF_INIT;
	if (!template || !key)
		return xstrdup(password);
	struct json *doc = json_parse(template, strlen(template), &ignored);
	if (!json_is(doc, JSON_OBJECT)) {
		err_release(&ignored);
		json_free(doc);
		return NULL;
	}
	json_set_str(doc, key, password);
	json_print(doc, &text);
	json_free(doc);
	return strbuf_detach(&text, NULL);
}

static int generate(
	const struct type_ctx *ctx, const struct json *wish, struct json *into, struct err *err)
{
	struct json *in = fields_to_api(generate_fields, wish), *out = NULL;
	char *value = NULL;
	int ret = aws_call(ctx->aws, &secretsmanager_get_random_password, in, &out, err);
	const char *password = json_get_str(out, "RandomPassword");
	if (!ret && password)
		value = fill_template(wish, password);
	if (value)
		json_set_str(into, "SecretString", value);
	else if (!ret)
		ret = err_set(err, ERR_INVALID,
			password ? "SecretStringTemplate is not the text of a JSON object"
				 : "GetRandomPassword gave no password");
	free_secret(value);
	json_free(in);
	json_free(out);
	return ret;
}

/* --- create, update --- */

static struct json *all_tags(const struct resource *r, bool with_digest)
{
	struct json *tags = tags_wanted(r, with_digest);
	char *mark = generated_mark(r);
	json_set_str(tags, TAG_GENERATED, mark);
	free(mark);
	return tags;
}

/* `list` is taken over; an empty one is no call. */
static int call_with_list(const struct type_ctx *ctx, const struct resource *r,
	const struct aws_op *op, const char *member, struct json *list, struct err *err)
{
	struct json *in = json_strings("SecretId", r->name, NULL);
	bool empty = !json_len(list);
	json_set(in, member, list);
	int ret = empty ? 0 : aws_call(ctx->aws, op, in, NULL, err);
	json_free(in);
	return ret;
}

static int set_tags(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
	struct err *err)
{
	return call_with_list(
		ctx, r, &secretsmanager_tag_resource, "Tags", tags_to_list(tags), err);
}

static int unset_tags(const struct type_ctx *ctx, const struct resource *r, const struct json *keys,
	struct err *err)
{
	return call_with_list(
		ctx, r, &secretsmanager_untag_resource, "TagKeys", json_copy(keys), err);
}

static int bring_tags(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, bool adopting, struct err *err)
{
	struct json *wanted = all_tags(r, adopting), *set = NULL, *unset = NULL;
	tags_diff(wanted, live->tags, &set, &unset);
	if (!json_get(wanted, TAG_GENERATED) && json_get(live->tags, TAG_GENERATED))
		json_push_str(unset, TAG_GENERATED);
	int ret = unset_tags(ctx, r, unset, err);
	if (!ret)
		ret = set_tags(ctx, r, set, err);
	json_free(wanted);
	json_free(set);
	json_free(unset);
	return ret;
}

/* Whether the value must be generated (again). One that is taken over keeps what it has. */
static bool must_generate(
	const struct resource *r, const struct resource_state *live, bool adopting)
{
	char *wanted = generated_mark(r);
	const char *is = json_get_str(live->tags, TAG_GENERATED);
	bool must = wanted && (is ? strcmp(is, wanted) != 0 : !adopting);
	free(wanted);
	return must;
}

static int restore(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = json_strings("SecretId", r->name, NULL);
	type_note(ctx, r, "restoring secret '%s', which was scheduled for deletion", r->name);
	int ret = aws_call(ctx->aws, &secretsmanager_restore_secret, in, NULL, err);
	json_free(in);
	return ret;
}

/* The live one to what is wanted; one UpdateSecret at most. */
static int bring(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, bool adopting, struct err *err)
{
	static const char *const plain[] = {"Description", "KmsKeyId"};
	const char *value = json_get_str(r->props, "SecretString");
	struct json *diff = fields_changes(secret_fields, r->props, live->props, secret_defaults);
	struct json *in = json_strings("SecretId", r->name, NULL);
	int ret = is_scheduled(live) ? restore(ctx, r, err) : 0;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		const char *wanted = json_get_str(r->props, plain[i]);
		if (fields_changed(diff, plain[i]))
			json_set_str(in, plain[i], wanted ? wanted : "");
	}
	json_set_str(in, "SecretString", value);
	if (!ret && !value && must_generate(r, live, adopting))
		ret = generate(ctx, generate_of(r), in, err);
	if (!ret && json_len(in) > 1)
		ret = aws_call(ctx->aws, &secretsmanager_update_secret, in, NULL, err);
	if (!ret)
		ret = bring_tags(ctx, r, live, adopting, err);
	json_free(diff);
	json_free(in);
	return ret;
}

/* "… a secret with this name is already scheduled for deletion", "… marked for deletion": by its words only. */
static bool name_is_going(const struct err *err)
{
	static const char *const codes[] = {"InvalidRequestException", NULL};
	return err_is_any(err, codes) && err->text && strcasestr(err->text, "deletion");
}

/*
 * The name is taken. 0: it was ours, and is what it should be now; 1: it is on its way out, try again; -1: somebody
 * else's (`there` says that it exists), or an error.
 */
static int take_over(
	const struct type_ctx *ctx, const struct resource *r, struct err *there, struct err *err)
{
	struct resource_state live = RESOURCE_STATE_INIT;
	struct err why = ERR_INIT;
	int ret = secret_read(ctx, r, READ_FULL, &live, err);
	if (ret)
		goto out;
	if (!live.exists) {
		ret = 1;
	} else if (!tags_own(live.tags, r)) {
		there->code = ERR_EXISTS;
		err_move(err, there);
		ret = -1;
	} else if ((ret = bring(ctx, r, &live, true, &why))) {
		ret = err_is_missing(&why) || name_is_going(&why) ? 1 : -1;
		if (ret < 0)
			err_move(err, &why);
	}
out:
	err_release(&why);
	resource_state_release(&live);
	return ret;
}

static struct json *create_request(const struct resource *r)
{
	struct json *in = fields_to_api(secret_fields, r->props), *tags = all_tags(r, true);
	json_set_str(in, "Name", r->name);
	json_set(in, "Tags", tags_to_list(tags));
	json_free(tags);
	return in;
}

static int secret_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = create_request(r);
	struct err why = ERR_INIT;
	struct wait w;
	int ret = generate_of(r) ? generate(ctx, generate_of(r), in, err) : 0;
	wait_begin(&w, ctx, NAME_BUSY_MS);
	w.delay_ms = 500;
	while (!ret && (ret = aws_call(ctx->aws, &secretsmanager_create_secret, in, NULL, &why))) {
		if (!err_is_there(&why) && !name_is_going(&why)) {
			err_move(err, &why);
			break;
		}
		ret = take_over(ctx, r, &why, err);
		err_release(&why);
		if (ret <= 0)
			break;
		ret = wait_pause(&w, err, "the name of secret '%s', which was deleted a moment ago",
			r->name);
	}
	err_release(&why);
	json_free(in);
	return ret;
}

static int secret_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct err why = ERR_INIT;
	int ret = bring(ctx, r, live, false, &why);
	/* What was scheduled for deletion may be gone before it could be restored. */
	if (ret && is_scheduled(live) && err_is_missing(&why))
		ret = secret_create(ctx, r, err);
	else if (ret)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

/* --- destroy --- */

static int secret_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = json_strings("SecretId", r->name, NULL);
	json_set_bool(in, "ForceDeleteWithoutRecovery", true);
	int ret = call_if_there(ctx, &secretsmanager_delete_secret, in, NULL, err);
	json_free(in);
	return ret;
}

static int secret_settle(
	const struct type_ctx *ctx, const struct resource *r, bool gone, struct err *err)
{
	struct wait w;
	if (!gone)
		return 0;
	wait_begin(&w, ctx, NAME_BUSY_MS);
	for (;;) {
		struct json *live = NULL;
		if (describe(ctx, r, &live, err))
			return -1;
		bool there = live != NULL;
		json_free(live);
		if (!there)
			return 0;
		if (wait_pause(&w, err, "secret '%s' to be gone", r->name))
			return -1;
	}
}

static int secret_content(const struct type_ctx *ctx, const struct resource *r, bool *has,
	char **what, struct err *err)
{
	struct json *live = NULL;
	if (describe(ctx, r, &live, err))
		return -1;
	*has = json_len(json_get(live, "VersionIdsToStages")) > 0;
	if (*has)
		*what = xstrdup("a value that cannot be brought back");
	json_free(live);
	return 0;
}

/* Its value goes with it. */
static int secret_empty(unused_arg const struct type_ctx *ctx, unused_arg const struct resource *r,
	unused_arg struct err *err)
{
	return 0;
}

const struct resource_type secret_type = {
	.schema =
		{
			.name = "AWS::SecretsManager::Secret",
			.fields = secret_fields,
			.name_field = "Name",
			.name_case = NAME_LOWER_DASH,
			.name_max = 512,
			.attributes = secret_attributes,
			.ref_attribute = "Id",
			.name_pattern_hint =
				"1 to 512 letters of ASCII, digits and any of / _ + = . @ -",
			.name_ok = secret_name_ok,
			.check = secret_check,
		},
	.flags = T_WHOLE | T_DATA,
	.defaults = secret_defaults,
	.read = secret_read,
	.create = secret_create,
	.update = secret_update,
	.tag = set_tags,
	.destroy = secret_destroy,
	.settle = secret_settle,
	.content = secret_content,
	.empty = secret_empty,
};
