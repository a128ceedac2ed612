/* Where the shared files lie, and reading them. */
#include "profile.h"
#include <pwd.h>
#include <unistd.h>
#include "credentials.h"
#include "fs.h"

#define MAX_FILE (4 << 20)

char *profile_home_path(const char *name)
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
		return profile_home_path(otherwise);
	if (starts_with(path, "~/"))
		return profile_home_path(path + 2);
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
	static const char *const names[] = {"AWS_DEFAULT_PROFILE", "AWS_PROFILE"};
	if (profile && *profile)
		return profile;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		profile = getenv(names[i]);
		if (profile && *profile)
			return profile;
	}
	return "default";
}

static int load_file(struct profiles *ps, bool config_file, struct err *err)
{
	const char *path = config_file ? ps->config_path : ps->credentials_path;
	struct strbuf text = STRBUF_INIT;
	int ret = 0;
	if (fs_exists(path) && !fs_is_dir(path)) {
		ret = fs_read(path, MAX_FILE, &text, err);
		if (ret == 0)
			profiles_parse(ps, text.buf, text.len, config_file);
	}
	wipe(text.buf, text.len);
	strbuf_release(&text);
	return ret;
}

int profiles_load(struct profiles *ps, struct err *err)
{
	ps->config_path = profile_config_path();
	ps->credentials_path = profile_credentials_path();
	if (load_file(ps, true, err) < 0 || load_file(ps, false, err) < 0)
		return -1;
	profiles_merge(ps);
	return 0;
}

int profile_load(const char *profile, struct profile *p, struct err *err)
{
	struct profiles ps;
	int ret = -1;
	profiles_init(&ps);
	if (profiles_load(&ps, err) == 0) {
		struct profile *found = map_get(&ps.merged, profile_name(profile));
		struct map_entry *e;
		if (found) {
			struct profile moved = *found;
			*found = *p;
			*p = moved;
			/* The paths go with `ps`. */
			p->file = NULL;
			map_for_each(&p->settings, e)((struct profile_setting *)e->value)->file =
				NULL;
		}
		ret = 0;
	}
	profiles_release(&ps);
	return ret;
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

char *profile_services_endpoint(const char *profile, const char *id)
{
	struct profiles ps;
	char *url = NULL, *key = xstrdup(id);
	lower_ascii(key);
	profiles_init(&ps);
	if (profiles_load(&ps, NULL) == 0) {
		const char *services =
			profile_get(profiles_find(&ps.merged, profile_name(profile)), "services");
		const struct profile *section =
			services ? profiles_find(&ps.services, services) : NULL;
		const char *found = profile_get_nested(section, key, "endpoint_url");
		url = xstrdup(found && *found ? found : NULL);
	}
	profiles_release(&ps);
	free(key);
	return url;
}
