/* Where the shared files lie, and reading them. */
#include "profile.h"
#include <pwd.h>
#include <unistd.h>
#include "credentials.h"
#include "fs.h"

#define MAX_FILE (4 << 20)

static char *home_path(const char *name)
{
	const char *home = getenv("HOME");
	struct passwd entry, *found = NULL;
	char buf[4096];
	if (home && *home)
		return fs_join(home, name);
	if (getpwuid_r(getuid(), &entry, buf, sizeof(buf), &found) == 0 && found)
		return fs_join(found->pw_dir, name);
	return fs_join("/", name);
}

static char *path_of(const char *variable, const char *otherwise)
{
	const char *path = getenv(variable);
	if (!path || !*path)
		return home_path(otherwise);
	if (starts_with(path, "~/"))
		return home_path(path + 2);
	return xstrdup(path);
}

char *profile_config_path(void)
{
	return path_of("AWS_CONFIG_FILE", ".aws/config");
}

char *profile_credentials_path(void)
{
	return path_of("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
}

const char *profile_name(const char *profile)
{
	if (profile && *profile)
		return profile;
	profile = getenv("AWS_PROFILE");
	if (!profile || !*profile)
		profile = getenv("AWS_DEFAULT_PROFILE");
	return profile && *profile ? profile : "default";
}

static int load_file(
	char *path, bool config_file, const char *name, struct profile *p, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret = 0;
	if (fs_exists(path) && !fs_is_dir(path)) {
		ret = fs_read(path, MAX_FILE, &text, err);
		if (ret == 0)
			profile_parse(text.buf, text.len, config_file, name, p);
	}
	wipe(text.buf, text.len);
	strbuf_release(&text);
	free(path);
	return ret;
}

int profile_load(const char *profile, struct profile *p, struct err *err)
{
	const char *name = profile_name(profile);
	if (load_file(profile_config_path(), true, name, p, err) < 0)
		return -1;
	return load_file(profile_credentials_path(), false, name, p, err);
}

char *aws_profile_setting(const char *profile, const char *name)
{
	struct profile p;
	char *value = NULL;
	profile_init(&p);
	if (profile_load(profile, &p, NULL) == 0)
		value = xstrdup(profile_get(&p, name));
	profile_release(&p);
	return value;
}
