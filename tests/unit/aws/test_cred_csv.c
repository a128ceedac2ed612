#include "testing.h"
#include "cred_internal.h"

static void keys_are(const char *text, const char *id, const char *secret)
{
	struct aws_keys keys = AWS_KEYS_INIT;
	struct err err = ERR_INIT;
	assert_ok(cred_csv_keys("k.csv", text, &keys, &err), &err);
	assert_string_equal(keys.access_key_id, id);
	assert_string_equal(keys.secret_access_key, secret);
	assert_null(keys.session_token);
	aws_keys_release(&keys);
}

static void fails(const char *text, int line, const char *what)
{
	struct aws_keys keys = AWS_KEYS_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(cred_csv_keys("k.csv", text, &keys, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.file, "k.csv");
	assert_int_equal(err.line, line);
	assert_non_null(strstr(err.text, what));
	assert_null(strstr(err.text, "hush"));
	assert_null(err.hint ? strstr(err.hint, "hush") : NULL);
	assert_null(keys.access_key_id);
	assert_null(keys.secret_access_key);
	err_release(&err);
}

static void test_cred_csv__as_downloaded(void **state)
{
	(void)state;
	keys_are("\xef\xbb\xbf"
		 "Access key ID,Secret access key\r\nAKIA,a/b+c=\r\n",
		"AKIA", "a/b+c=");
	keys_are("Access key ID,Secret access key\nAKIA,s", "AKIA", "s");
	keys_are("\n,\nSecret Access Key,access_key_id\n\n s , AKIA \n \n", "AKIA", "s");
	keys_are("\"User, name\",\"Access key ID\",\"Secret access key\",URL\n"
		 "\"x\"\"y\",\"AKIA\",\"s\",https://x\n",
		"AKIA", "s");
}

static void test_cred_csv__wrong(void **state)
{
	(void)state;
	fails("", 1, "empty");
	fails("\r\n\r\n", 1, "empty");
	fails("AKIA,hush\n", 1, "no column 'Access key ID'");
	fails("Access key ID\nAKIA\n", 1, "no column 'Secret access key'");
	fails("Access key ID,Secret access key\n", 1, "no key follows");
	fails("Access key ID,Secret access key\n\nAKIA\n", 3, "'Secret access key' is empty");
	fails("Access key ID,Secret access key\n,hush\n", 2, "'Access key ID' is empty");
	fails("Access key ID,Secret access key\nAKIA,hush\x01\n", 2, "no key has");
	fails("Access key ID,Secret access key\nA,hush1\nB,hush2\n", 3, "more than one key");
	fails("Access key ID,Secret access key\nA,\"hush\n", 2, "not closed");
	fails("Access key ID,Secret access key\nA,\"hush\"x\n", 2, "follows a closing quote");
}
