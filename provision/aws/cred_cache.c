/*
 * The AWS CLI's own files below ~/.aws, shared with it: its tokens of IAM Identity Center (sso/cache) and its keys of
 * roles (cli/cache). A file is replaced whole, so that two writers never leave half of each.
 */
#include "cred_internal.h"
#include "digest.h"
#include "fs.h"
#include "hex.h"

#define MAX_CACHE (1u << 20)

struct json *cred_cache_read(const char *path)
{
	struct strbuf text = STRBUF_INIT;
	struct json *doc = NULL;
	if (fs_read(path, MAX_CACHE, &text, NULL) == 0)
		doc = json_parse(text.buf, text.len, NULL);
	wipe(text.buf, text.len);
	strbuf_release(&text);
	if (json_is(doc, JSON_OBJECT))
		return doc;
	json_free(doc);
	return NULL;
}

int cred_cache_write(const char *path, const struct json *doc, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	char *dir = fs_dirname(path);
	int ret = fs_mkdir_p(dir, 0700, err);
	json_print(doc, &text);
	if (ret == 0)
		ret = fs_write_atomic(path, text.buf, text.len, 0600, err);
	wipe(text.buf, text.len);
	strbuf_release(&text);
	free(dir);
	return ret;
}

char *cred_cache_path(const char *dir, const char *text)
{
	struct strbuf raw = STRBUF_INIT, name = STRBUF_INIT;
	struct digest *d = digest_new(DIGEST_SHA1);
	digest_add(d, text, strlen(text));
	digest_finish(d, &raw);
	strbuf_addf(&name, ".aws/%s/", dir);
	hex_encode(&name, raw.buf, raw.len);
	strbuf_addstr(&name, ".json");
	char *path = profile_home_path(name.buf);
	strbuf_release(&raw);
	strbuf_release(&name);
	return path;
}
