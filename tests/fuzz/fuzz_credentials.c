/*
 * What others say of credentials. The first byte says who: 'w' a command line, 'p' a credential_process, 'c' its
 * complaint, 'f' an access-key file, 'h' the container's endpoint, 'a' the AWS CLI's cache, 't' a time.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "cred_internal.h"
#include "xalloc.h"

static void check_keys(int ret, struct aws_keys *keys, struct err *err)
{
	if (!ret != !err->code)
		abort();
	if (!ret && (!keys->access_key_id || !*keys->access_key_id || !keys->secret_access_key ||
			    !*keys->secret_access_key))
		abort();
	if (ret && (keys->access_key_id || keys->secret_access_key || keys->session_token))
		abort();
	aws_keys_release(keys);
	err_release(err);
}

static void check_words(const char *text)
{
	struct strvec words = STRVEC_INIT;
	struct err err = ERR_INIT;
	if (!cred_split_words(text, &words, &err) != !err.code)
		abort();
	for (size_t i = 0; i < words.nr; i++)
		if (!words.v[i] || strlen(words.v[i]) > strlen(text))
			abort();
	strvec_release(&words);
	err_release(&err);
}

/* Printable, short, and nothing that could be a key. */
static void check_complaint(const char *text, size_t len)
{
	struct strbuf errors = STRBUF_INIT, out = STRBUF_INIT;
	size_t letters = 0;
	strbuf_add(&errors, text, len);
	cred_process_complaint(&out, &errors);
	if (out.len > 300)
		abort();
	for (size_t i = 0; i < out.len; i++) {
		unsigned char c = (unsigned char)out.buf[i];
		bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			      (c >= 'A' && c <= 'Z') || (c && strchr("+/=_-", c));
		letters = letter ? letters + 1 : 0;
		if (c < ' ' || c == 127 || letters >= 32)
			abort();
	}
	strbuf_release(&errors);
	strbuf_release(&out);
}

static void check_reply(const char *text, size_t len, const struct cred_names *names)
{
	struct http_reply reply = HTTP_REPLY_INIT;
	struct aws_keys keys = AWS_KEYS_INIT;
	struct err err = ERR_INIT;
	reply.status = len && text[0] == '!' ? 403 : 200;
	strbuf_add(&reply.body, text + (reply.status == 403), len - (reply.status == 403));
	struct json *doc = cred_reply_json(&reply, "it", &err);
	if (!doc != !!err.code || (doc && reply.status != 200))
		abort();
	if (doc)
		check_keys(cred_keys_from_json(doc, names, "it", &keys, &err), &keys, &err);
	err_release(&err);
	json_free(doc);
	cred_reply_release(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cred_names container = {"AccessKeyId", "SecretAccessKey", "Token",
					       "Expiration", false},
				       cache = {"accessKeyId", "secretAccessKey", "sessionToken",
					       NULL, true};
	struct aws_keys keys = AWS_KEYS_INIT;
	struct err err = ERR_INIT;
	int64_t ms;
	if (!size)
		return 0;
	size_t len = size - 1;
	char *text = xstrndup((const char *)data + 1, len);
	switch (*data) {
	case 'w':
		check_words(text);
		break;
	case 'p':
		check_keys(
			cred_process_keys((const char *)data + 1, len, &keys, &err), &keys, &err);
		break;
	case 'c':
		check_complaint((const char *)data + 1, len);
		break;
	case 'f':
		check_keys(cred_csv_keys("keys.csv", text, &keys, &err), &keys, &err);
		break;
	case 'h':
		check_reply((const char *)data + 1, len, &container);
		break;
	case 'a':
		check_reply((const char *)data + 1, len, &cache);
		break;
	case 't':
		if (cred_parse_time(text, &ms) == 0 && !*text)
			abort();
		break;
	}
	free(text);
	return 0;
}
