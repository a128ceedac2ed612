/* Files that are added to a data set; see place.h. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "fs.h"
#include "joblog.h"
#include "publish_internal.h"
#include "s3.h"

static int add_to_bucket(struct publish *p, struct err *err)
{
	const struct s3_put_opts opts = {.if_none_match = true};
	struct err why = ERR_INIT;
	int ret = publish_put_all(p, &opts, &why);

	if (ret != 0 && why.code == ERR_CONFLICT)
		err_set(err, ERR_EXISTS, "an object below 's3://%s/%s' has the name of a new one",
			p->bucket, p->target);
	else if (ret != 0)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

/* Never over another file; `to` lies beside `from`, in one file system. */
static int move_new(const char *from, const char *to, struct err *err)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* A file system that knows no such rename. */
	if ((errno == EINVAL || errno == ENOSYS) && link(from, to) == 0)
		return unlink(from) == 0 ? 0 : err_errno(err, "%s", from);
	return errno == EEXIST ? err_set(err, ERR_EXISTS, "'%s' is there already", to)
			       : err_errno(err, "%s", to);
}

static void take_back(struct publish *p, const struct map_entry *until)
{
	struct map_entry *e;

	map_for_each(&p->files, e)
	{
		char *path;

		if (e == until)
			break;
		path = fs_join(p->target, e->key);
		if (unlink(path) != 0)
			job_log(JOB_WARN, "left", "file=\"%s\"", path);
		free(path);
	}
}

static int add_to_folder(struct publish *p, struct err *err)
{
	struct map_entry *e;

	map_for_each(&p->files, e)
	{
		char *path = fs_join(p->target, e->key), *dir = fs_dirname(path);
		int ret = fs_mkdir_p(dir, 0777, err);

		if (ret == 0)
			ret = move_new(e->value, path, err);
		free(path);
		free(dir);
		if (ret != 0) {
			take_back(p, e);
			return -1;
		}
	}
	return 0;
}

int publish_commit_more(struct publish *p, struct err *err)
{
	int ret = job_check_interrupt(err);

	if (ret == 0)
		ret = p->bucket ? add_to_bucket(p, err) : add_to_folder(p, err);
	publish_abort(p);
	return ret;
}
