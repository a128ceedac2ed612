/* The files behind the rows, the part's schema, and the clean-up after a crash. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fs.h"
#include "local_store.h"
#include "log.h"
#include "xalloc.h"

#define ID_DIGITS 32

char *store_path(struct local_cloud *cloud, const char *file)
{
	return xasprintf("%s/objects/%.2s/%s", cloud->dir, file, file);
}

void store_remove(struct local_cloud *cloud, const struct strvec *files)
{
	size_t i;

	for (i = 0; i < files->nr; i++) {
		char *path = store_path(cloud, files->v[i]);

		if (unlink(path) && errno != ENOENT)
			log_warn("cannot remove '%s': %s", path, strerror(errno));
		free(path);
	}
}

/* --- writing one file --- */

static void writer_name(struct local_cloud *cloud, struct store_writer *w)
{
	w->file = local_id("", ID_DIGITS);
	w->temporary = xasprintf("%s/tmp/%s", cloud->dir, w->file);
	w->size = 0;
}

int store_writer_open(struct local_cloud *cloud, struct store_writer *w, struct err *err)
{
	writer_name(cloud, w);
	w->fd = open(w->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->fd >= 0)
		return 0;
	return local_disk_error(cloud, err, w->temporary);
}

int store_writer_add(struct local_cloud *cloud, struct store_writer *w, const void *data,
	size_t len, struct err *err)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(w->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return local_disk_error(cloud, err, w->temporary);
		at += n;
		len -= (size_t)n;
		w->size += n;
	}
	return 0;
}

static int move_in(struct local_cloud *cloud, struct store_writer *w, struct err *err)
{
	char *path = store_path(cloud, w->file);
	int result = 0;

	if (rename(w->temporary, path))
		result = local_disk_error(cloud, err, path);
	else {
		free(w->temporary);
		w->temporary = path;
		path = NULL;
	}
	free(path);
	return result;
}

int store_writer_seal(struct local_cloud *cloud, struct store_writer *w, struct err *err)
{
	int fd = w->fd;

	if (fdatasync(fd))
		return local_disk_error(cloud, err, w->temporary);
	w->fd = -1;
	if (close(fd))
		return local_disk_error(cloud, err, w->temporary);
	return move_in(cloud, w, err);
}

void store_writer_release(struct local_cloud *cloud unused_arg, struct store_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	if (w->temporary)
		unlink(w->temporary);
	free(w->temporary);
	w->temporary = NULL;
	free(w->file);
	w->file = NULL;
}

void store_writer_keep(struct store_writer *w)
{
	free(w->temporary);
	w->temporary = NULL;
}

int store_writer_adopt(
	struct local_cloud *cloud, struct store_writer *w, const char *path, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = -1;

	if (fd < 0)
		return err_errno(err, "cannot open '%s'", path);
	if (fstat(fd, &st) || fdatasync(fd)) {
		local_disk_error(cloud, err, path);
		goto out;
	}
	writer_name(cloud, w);
	if (rename(path, w->temporary)) {
		local_disk_error(cloud, err, path);
		free(w->temporary);
		w->temporary = NULL;
		goto out;
	}
	w->size = st.st_size;
	result = move_in(cloud, w, err);
out:
	close(fd);
	return result;
}

/* --- start --- */

static int make_folders(struct local_cloud *cloud, struct err *err)
{
	char *path = fs_join(cloud->dir, "tmp");
	int i, result;

	result = fs_remove_tree(path, err) ? -1 : fs_mkdir_p(path, 0700, err);
	free(path);
	for (i = 0; !result && i < 256; i++) {
		path = xasprintf("%s/objects/%02x", cloud->dir, (unsigned)i);
		if (!fs_is_dir(path))
			result = fs_mkdir_p(path, 0700, err);
		free(path);
	}
	return result;
}

/* Is there a row that names the file? 1, 0, -1. */
static int is_named(struct local_cloud *cloud, const char *file, struct err *err)
{
	return sql_exists(cloud->db, err,
		"SELECT 1 FROM s3_object WHERE file = ?1 UNION ALL "
		"SELECT 1 FROM s3_part WHERE file = ?1 LIMIT 1",
		"s", file);
}

static int sweep_folder(struct local_cloud *cloud, int number, size_t *removed, struct err *err)
{
	char *path = xasprintf("%s/objects/%02x", cloud->dir, (unsigned)number);
	DIR *dir = opendir(path);
	struct dirent *d;
	int named = 0;

	if (!dir) {
		free(path);
		return err_errno(err, "the folder of objects");
	}
	while (named >= 0 && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		named = is_named(cloud, d->d_name, err);
		if (!named && !unlinkat(dirfd(dir), d->d_name, 0))
			(*removed)++;
	}
	closedir(dir);
	free(path);
	return named < 0 ? -1 : 0;
}

/* Only a start after a crash has anything to look for. */
static int sweep(struct local_cloud *cloud, struct err *err)
{
	size_t removed = 0;
	char *clean = NULL;
	int i, result = -1;

	if (local_tx_begin(cloud, err) || local_meta_get(cloud, "s3_clean", &clean, err))
		goto out;
	for (i = 0; !clean && i < 256; i++)
		if (sweep_folder(cloud, i, &removed, err))
			goto out;
	if (removed)
		log_verbose("removed %zu files that no object names", removed);
	if (sql_run(cloud->db, NULL, err, "DELETE FROM meta WHERE key = 's3_clean'", ""))
		goto out;
	result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	free(clean);
	return result;
}

static int recover(struct local_cloud *cloud, struct err *err)
{
	return make_folders(cloud, err) ? -1 : sweep(cloud, err);
}

static void stop(struct local_cloud *cloud)
{
	struct err err = ERR_INIT;

	if (!local_tx_begin(cloud, &err) && !local_meta_set(cloud, "s3_clean", "1", &err) &&
		local_tx_commit(cloud, &err))
		log_warn("%s", err.text);
	local_tx_end(cloud);
	err_release(&err);
}

const struct local_part local_s3_part = {
	.name = "s3",
	.schema =
		"CREATE TABLE IF NOT EXISTS s3_bucket(name TEXT PRIMARY KEY,"
		" region TEXT NOT NULL, versioning TEXT NOT NULL DEFAULT '',"
		" created_ms INTEGER NOT NULL) WITHOUT ROWID;"
		"CREATE TABLE IF NOT EXISTS s3_config(bucket TEXT NOT NULL, name TEXT NOT NULL,"
		" id TEXT NOT NULL DEFAULT '', body TEXT NOT NULL,"
		" PRIMARY KEY(bucket, name, id)) WITHOUT ROWID;"
		"CREATE TABLE IF NOT EXISTS s3_object(ord INTEGER PRIMARY KEY,"
		" bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL,"
		" marker INTEGER NOT NULL, live INTEGER NOT NULL, file TEXT,"
		" size INTEGER NOT NULL, modified_ms INTEGER NOT NULL, etag TEXT,"
		" class TEXT NOT NULL, sum_alg TEXT, sum TEXT, sum_type TEXT,"
		" head TEXT, parts TEXT, tags TEXT);"
		"CREATE UNIQUE INDEX IF NOT EXISTS s3_object_key ON s3_object(bucket, key, ord);"
		"CREATE INDEX IF NOT EXISTS s3_object_live ON s3_object(bucket, key)"
		" WHERE live = 1;"
		"CREATE INDEX IF NOT EXISTS s3_object_file ON s3_object(file);"
		"CREATE TABLE IF NOT EXISTS s3_upload(id TEXT PRIMARY KEY, bucket TEXT NOT NULL,"
		" key TEXT NOT NULL, created_ms INTEGER NOT NULL, class TEXT NOT NULL,"
		" sum_alg TEXT, sum_type TEXT, head TEXT, tags TEXT) WITHOUT ROWID;"
		"CREATE INDEX IF NOT EXISTS s3_upload_key ON s3_upload(bucket, key, id);"
		"CREATE TABLE IF NOT EXISTS s3_part(upload TEXT NOT NULL, number INTEGER NOT NULL,"
		" file TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,"
		" modified_ms INTEGER NOT NULL, sum_alg TEXT, sum TEXT,"
		" PRIMARY KEY(upload, number)) WITHOUT ROWID;"
		"CREATE INDEX IF NOT EXISTS s3_part_file ON s3_part(file);",
	.recover = recover,
	.stop = stop,
};
