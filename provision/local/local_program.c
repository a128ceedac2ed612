#include "local_program.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "archive_io.h"
#include "digest.h"
#include "fs.h"
#include "hex.h"
#include "local_iam.h"
#include "local_keeper.h"
#include "local_objects.h"
#include "log.h"
#include "uri.h"

#define BUNDLE_MAX_BYTES (UINT64_C(8) << 30)
#define SESSION_EXTRA_S 3600
#define SESSION_NAME "GlueJobRunnerSession"

void local_program_release(struct local_program *p)
{
	strvec_release(&p->argv);
	for (size_t i = 0; i < p->env.nr; i++)
		wipe(p->env.v[i], strlen(p->env.v[i]));
	strvec_release(&p->env);
	if (p->arguments >= 0)
		close(p->arguments);
	p->arguments = -1;
	free(p->dir);
	p->dir = NULL;
}

/* --- limits --- */

static int64_t machine_memory_mb(void)
{
	int64_t mb = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >> 20;
	struct strbuf sb = STRBUF_INIT;
	long long limit;

	if (fs_read("/sys/fs/cgroup/memory.max", 64, &sb, NULL) == 0) {
		strbuf_trim(&sb);
		if (parse_int64(sb.buf, 1, INT64_MAX, &limit) == 0 && limit >> 20 < mb)
			mb = limit >> 20;
	}
	strbuf_release(&sb);
	return mb;
}

/* One DPU has 16 GB and 4 virtual CPUs; 1/16 of one has 1 GB. The machine itself needs some, too. */
int64_t local_program_memory_mb(double dpu)
{
	int64_t mb = (int64_t)(dpu * 16 * 1024), machine = machine_memory_mb();

	machine -= machine / 8;
	return mb < machine ? mb : machine;
}

int64_t local_program_cpus(double dpu)
{
	int64_t cpus = (int64_t)ceil(dpu * 4), online = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus > online)
		cpus = online;
	return cpus < 1 ? 1 : cpus;
}

/* --- files --- */

static int fetch_error(struct err *err, const char *bucket, const char *key, struct err *why)
{
	bool denied = why->code == ERR_DENIED ||
		      (why->aws_code && strcmp(why->aws_code, "AccessDenied") == 0);
	const char *code = denied ? "AccessDenied" : why->aws_code ? why->aws_code : err_name(why);

	err_set(err, ERR_FAILED,
		"LAUNCH ERROR | Error downloading from S3 for bucket: %s, key: %s. %s (Service: "
		"Amazon S3; Status Code: %d; Error Code: %s)",
		bucket, key, why->text ? why->text : "", why->http_status, code);
	err_release(why);
	return -1;
}

/* The file that holds an object's bytes, for one who may read it. Malloc'd. */
static int object_path(struct local_cloud *cloud, const struct local_principal *who,
	const char *uri, char **path, struct err *err)
{
	struct local_object object = {0};
	struct err why = ERR_INIT;
	char *bucket = NULL, *key = NULL;
	int ret = -1;

	if (s3_uri_split(uri, &bucket, &key, &why) != 0 || !*key) {
		err_set(err, ERR_FAILED, "LAUNCH ERROR | '%s' is no S3 object", uri);
		err_release(&why);
		goto out;
	}
	if (local_object_head(cloud, who, bucket, key, &object, &why) != 0) {
		fetch_error(err, bucket, key, &why);
		goto out;
	}
	*path = xstrdup(object.path);
	ret = 0;
out:
	local_object_release(&object);
	free(bucket);
	free(key);
	return ret;
}

static int copy_file(const char *from, const char *to, struct err *err)
{
	FILE *in = fopen(from, "rbe"), *out = NULL;
	char block[65536];
	size_t n;
	int ret = -1;

	if (!in) {
		err_errno(err, "%s", from);
		goto out;
	}
	out = fopen(to, "wbe");
	if (!out) {
		err_errno(err, "%s", to);
		goto out;
	}
	while ((n = fread(block, 1, sizeof(block), in)) > 0) {
		if (fwrite(block, 1, n, out) != n)
			break;
	}
	ret = ferror(in) || ferror(out) ? err_errno(err, "%s", to) : 0;
out:
	if (in)
		fclose(in);
	if (out && fclose(out) != 0 && ret == 0)
		ret = err_errno(err, "%s", to);
	return ret;
}

/* --- bundles --- */

/* One thread unpacks at a time: runs of one workflow tend to ask for the same bundle at once. */
static pthread_mutex_t unpack_lock = PTHREAD_MUTEX_INITIALIZER;

static char *bundles_dir(struct local_cloud *cloud)
{
	return xasprintf("%s/cache/bundles", cloud->dir);
}

void local_program_clean(struct local_cloud *cloud)
{
	char *dir = bundles_dir(cloud);
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *path;

		if (!starts_with(e->d_name, ".unpack-"))
			continue;
		path = fs_join(dir, e->d_name);
		if (fs_remove_tree(path, NULL) != 0)
			log_warn("'%s' cannot be removed", path);
		free(path);
	}
	if (d)
		closedir(d);
	free(dir);
}

/* The hash that the key promises: <prefix>programs/<sha256>.tar.gz. */
static int promised_hash(const char *uri, char hash[65], struct err *err)
{
	const char *name = strrchr(uri, '/');
	size_t len = name ? strlen(++name) : 0;

	if (len != 64 + strlen(".tar.gz") || !ends_with(name, ".tar.gz") ||
		strspn(name, "0123456789abcdef") != 64)
		return err_set(err, ERR_FAILED,
			"LAUNCH ERROR | '%s' is no program bundle: its name must be its SHA-256 "
			"and "
			".tar.gz",
			uri);
	memcpy(hash, name, 64);
	hash[64] = '\0';
	return 0;
}

static int verify_hash(const char *path, const char *want, const char *uri, struct err *err)
{
	struct strbuf raw = STRBUF_INIT, hex = STRBUF_INIT;
	int ret = -1;

	if (digest_file(DIGEST_SHA256, path, &raw, NULL, err) != 0)
		goto out;
	hex_encode(&hex, raw.buf, raw.len);
	if (strcmp(hex.buf, want) != 0) {
		err_set(err, ERR_FAILED,
			"LAUNCH ERROR | the bundle '%s' has SHA-256 %s, not that of its name", uri,
			hex.buf);
		goto out;
	}
	ret = 0;
out:
	strbuf_release(&raw);
	strbuf_release(&hex);
	return ret;
}

/* Unpacks beside and renames, so that a bundle's folder is whole or not there. */
static int unpack(const char *archive, const char *dir, const char *root, struct err *err)
{
	char *tmp = NULL;
	int ret = -1;

	if (fs_mkdir_p(dir, 0755, err) != 0)
		return -1;
	tmp = fs_mkdtemp(dir, ".unpack-", err);
	if (!tmp)
		return -1;
	if (archive_unpack(archive, tmp, BUNDLE_MAX_BYTES, err) != 0) {
		err_wrap(err, "LAUNCH ERROR | the bundle cannot be unpacked");
		goto out;
	}
	if (chmod(tmp, 0755) != 0 || rename(tmp, root) != 0) {
		err_errno(err, "%s", root);
		goto out;
	}
	ret = 0;
out:
	if (ret != 0 && fs_remove_tree(tmp, NULL) != 0)
		err_hint(err, "'%s' was left behind", tmp);
	free(tmp);
	return ret;
}

/* The unpacked bundle's folder; malloc'd. */
static int bundle_root(struct local_cloud *cloud, const struct local_principal *who,
	const char *uri, char **root, struct err *err)
{
	char hash[65], *dir = bundles_dir(cloud), *path = NULL;
	int ret = -1;

	*root = NULL;
	if (promised_hash(uri, hash, err) != 0 || object_path(cloud, who, uri, &path, err) != 0)
		goto out;
	*root = fs_join(dir, hash);
	pthread_mutex_lock(&unpack_lock);
	ret = 0;
	if (!fs_is_dir(*root) &&
		(verify_hash(path, hash, uri, err) != 0 || unpack(path, dir, *root, err) != 0))
		ret = -1;
	pthread_mutex_unlock(&unpack_lock);
out:
	free(path);
	free(dir);
	return ret;
}

/* Loaders before glibc 2.33 do not know --argv0. */
static bool loader_knows_argv0(const char *loader)
{
	struct strbuf sb = STRBUF_INIT;
	bool knows = fs_read(loader, 16 << 20, &sb, NULL) == 0 &&
		     memmem(sb.buf, sb.len, "--argv0", strlen("--argv0"));

	strbuf_release(&sb);
	return knows;
}

static bool plain_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

static int bundle_argv(struct local_cloud *cloud, const struct local_principal *who,
	const char *uri, const char *name, struct strvec *argv, struct err *err)
{
	char *root = NULL, *loader = NULL, *program = NULL, *lib = NULL;
	int ret = -1;

	if (!name || !plain_name(name)) {
		err_set(err, ERR_FAILED,
			"LAUNCH ERROR | --glueproj-program must name a program of the bundle");
		goto out;
	}
	if (bundle_root(cloud, who, uri, &root, err) != 0)
		goto out;
	loader = fs_join(root, "lib/ld.so");
	lib = fs_join(root, "lib");
	program = xasprintf("%s/bin/%s", root, name);
	if (!fs_exists(program)) {
		err_set(err, ERR_FAILED, "LAUNCH ERROR | the bundle '%s' has no program '%s'", uri,
			name);
		goto out;
	}
	if (fs_exists(loader)) {
		strvec_push(argv, loader);
		strvec_push(argv, "--library-path");
		strvec_push(argv, lib);
		if (loader_knows_argv0(loader)) {
			strvec_push(argv, "--argv0");
			strvec_push(argv, name);
		}
	}
	strvec_push(argv, program);
	ret = 0;
out:
	free(root);
	free(loader);
	free(lib);
	free(program);
	return ret;
}

/* --- scripts --- */

static const char *server_path(void)
{
	const char *path = getenv("PATH");

	return path && *path ? path : "/usr/local/bin:/usr/bin:/bin";
}

/* The first executable of that name on the server's PATH; malloc'd, or NULL. */
static char *find_program(const char *name)
{
	struct strvec dirs = STRVEC_INIT;
	char *found = NULL;

	strvec_split(&dirs, server_path(), ':');
	for (size_t i = 0; i < dirs.nr && !found; i++) {
		char *path = fs_join(*dirs.v[i] ? dirs.v[i] : ".", name);
		struct stat st;

		if (*path == '/' && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
			access(path, X_OK) == 0)
			found = path;
		else
			free(path);
	}
	strvec_release(&dirs);
	return found;
}

static int script_argv(struct local_cloud *cloud, const struct local_principal *who,
	const struct json *command, struct local_program *p, struct err *err)
{
	const char *name = json_get_str(command, "Name"),
		   *uri = json_get_str(command, "ScriptLocation");
	bool python = strcmp(name, "pythonshell") == 0;
	const char *wanted = python ? "python3" : "spark-submit";
	char *interpreter = NULL, *from = NULL, *to = NULL;
	int ret = -1;

	if (!python && strcmp(name, "glueetl") != 0)
		return err_set(err, ERR_FAILED,
			"LAUNCH ERROR | the local cloud cannot run %s scripts; a program bundle "
			"can be "
			"run under any command",
			name);
	interpreter = find_program(wanted);
	if (!interpreter) {
		err_set(err, ERR_FAILED,
			"LAUNCH ERROR | %s scripts need '%s' on this machine, and PATH has none",
			name, wanted);
		goto out;
	}
	if (object_path(cloud, who, uri, &from, err) != 0)
		goto out;
	to = fs_join(p->dir, plain_name(fs_basename(uri)) ? fs_basename(uri) : "script.py");
	if (copy_file(from, to, err) != 0)
		goto out;
	strvec_push(&p->argv, interpreter);
	if (python)
		strvec_push(&p->argv, "-u");
	strvec_push(&p->argv, to);
	ret = 0;
out:
	free(interpreter);
	free(from);
	free(to);
	return ret;
}

/* --- command line and environment --- */

static void add_argument(struct strvec *argv, const char *name, const char *value)
{
	strvec_push(argv, name);
	strvec_push(argv, value);
}

static void add_unless_given(
	struct strvec *argv, const struct json *given, const char *name, const char *value)
{
	if (value && !json_get(given, name))
		add_argument(argv, name, value);
}

static void add_arguments(const struct local_run *run, struct strvec *argv)
{
	const struct json *given = json_get(run->doc, "Arguments");
	struct json *e;

	json_each(e, given)
	{
		const char *name = json_name(e);

		if (strcmp(name, "--glueproj-bundle") != 0 &&
			strcmp(name, "--glueproj-program") != 0)
			add_argument(argv, name, json_str(e));
	}
	add_unless_given(argv, given, "--JOB_NAME", run->job);
	add_unless_given(argv, given, "--JOB_RUN_ID", run->id);
	add_unless_given(argv, given, "--WORKFLOW_NAME", run->workflow);
	add_unless_given(argv, given, "--WORKFLOW_RUN_ID", run->workflow_run);
}

/*
 * The words of a bundled program go into a file that has no name, which it inherits: every user of the machine may read
 * a command line, and an argument may be a key. argv says only where to read.
 */
static int hide_arguments(const struct local_run *run, struct local_program *p, struct err *err)
{
	struct strvec words = STRVEC_INIT;
	struct strbuf text = STRBUF_INIT;
	int ret = -1;

	add_arguments(run, &words);
	p->arguments = memfd_create("glueproj-arguments", MFD_CLOEXEC);
	if (p->arguments < 0) {
		err_errno(err, "LAUNCH ERROR | the arguments cannot be passed on");
		goto out;
	}
	for (size_t i = 0; i < words.nr; i++) {
		strbuf_clear(&text);
		strbuf_add(&text, words.v[i], strlen(words.v[i]) + 1);
		if (fs_write_all(p->arguments, text.buf, text.len, "the arguments", err) != 0)
			goto out;
	}
	if (lseek(p->arguments, 0, SEEK_SET) != 0) {
		err_errno(err, "LAUNCH ERROR | the arguments cannot be passed on");
		goto out;
	}
	strvec_push(&p->argv, "--glueproj-arguments-fd");
	strvec_pushf(&p->argv, "%d", KEEPER_GIFT_FD);
	ret = 0;
out:
	for (size_t i = 0; i < words.nr; i++)
		wipe(words.v[i], strlen(words.v[i]));
	strvec_release(&words);
	strbuf_release(&text);
	return ret;
}

static int make_env(struct local_cloud *cloud, const struct local_run *run, const char *role,
	double dpu, struct local_program *p, struct err *err)
{
	char *id = NULL, *secret = NULL, *token = NULL;

	if (local_iam_session_new(cloud, role, SESSION_NAME, p->timeout_ms / 1000 + SESSION_EXTRA_S,
		    &id, &secret, &token, err) != 0)
		return -1;
	strvec_pushf(&p->env, "PATH=%s", server_path());
	strvec_pushf(&p->env, "HOME=%s", p->dir);
	strvec_pushf(&p->env, "TMPDIR=%s", p->dir);
	strvec_push(&p->env, "LANG=C.UTF-8");
	strvec_pushf(&p->env, "AWS_ENDPOINT_URL=%s", cloud->endpoint);
	strvec_pushf(&p->env, "AWS_REGION=%s", run->region);
	strvec_pushf(&p->env, "AWS_DEFAULT_REGION=%s", run->region);
	strvec_pushf(&p->env, "AWS_ACCESS_KEY_ID=%s", id);
	strvec_pushf(&p->env, "AWS_SECRET_ACCESS_KEY=%s", secret);
	strvec_pushf(&p->env, "AWS_SESSION_TOKEN=%s", token);
	strvec_push(&p->env, "AWS_EC2_METADATA_DISABLED=true");
	strvec_pushf(&p->env, "GLUEPROJ_MEMORY_MB=%lld", (long long)p->memory_mb);
	strvec_pushf(&p->env, "GLUEPROJ_CPUS=%lld", (long long)local_program_cpus(dpu));
	free(id);
	free_secret(secret);
	free_secret(token);
	return 0;
}

static int assume_role(struct local_cloud *cloud, const struct local_run *run, char **name,
	struct local_principal *who, struct err *err)
{
	const char *role = json_get_str(run->spec, "Role");
	struct err why = ERR_INIT;
	char *arn;

	if (local_iam_role_for_service(cloud, role, "glue.amazonaws.com", name, &why) == 0)
		return local_iam_role_principal(cloud, *name, SESSION_NAME, who, err);
	if (why.code == ERR_NOT_FOUND || why.code == ERR_DENIED) {
		arn = glue_role_arn(cloud, role);
		err_set(err, ERR_FAILED,
			"Role %s should be given assume role permissions for Glue Service.", arn);
		free(arn);
	} else {
		err_move(err, &why);
	}
	err_release(&why);
	return -1;
}

/* On AWS the launcher is read first, so a role that may not read it fails there; here it fails as well. */
static int check_script(struct local_cloud *cloud, const struct local_principal *who,
	const char *uri, struct err *err)
{
	char *path = NULL;
	int ret = 0;

	if (uri && starts_with(uri, "s3://"))
		ret = object_path(cloud, who, uri, &path, err);
	free(path);
	return ret;
}

int local_program_prepare(struct local_cloud *cloud, const struct local_run *run,
	struct local_program *p, struct err *err)
{
	const struct json *command = json_get(run->spec, "Command"),
			  *arguments = json_get(run->doc, "Arguments");
	const char *bundle = json_get_str(arguments, "--glueproj-bundle");
	double dpu = json_dbl(json_get(run->doc, "MaxCapacity"), 1);
	struct local_principal who = {0};
	char *role = NULL;
	int ret = -1;

	p->dir = xasprintf("%s/runs/%s", cloud->dir, run->id);
	p->memory_mb = local_program_memory_mb(dpu);
	p->timeout_ms = json_get_i64(run->doc, "Timeout", 2880) * 60000;
	if (assume_role(cloud, run, &role, &who, err) != 0 || fs_mkdir_p(p->dir, 0700, err) != 0)
		goto out;
	if (bundle) {
		if (check_script(cloud, &who, json_get_str(command, "ScriptLocation"), err) != 0 ||
			bundle_argv(cloud, &who, bundle,
				json_get_str(arguments, "--glueproj-program"), &p->argv,
				err) != 0 ||
			hide_arguments(run, p, err) != 0)
			goto out;
	} else if (script_argv(cloud, &who, command, p, err) == 0) {
		/* A script looks for its arguments where Glue puts them. */
		add_arguments(run, &p->argv);
	} else {
		goto out;
	}
	ret = make_env(cloud, run, role, dpu, p, err);
out:
	local_principal_release(&who);
	free(role);
	return ret;
}
