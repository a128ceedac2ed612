/* The files of provision/package/handrun, as they stand, in the program. */
#include "handrun.h"

#include <stdint.h>
#include <stdlib.h>
#include "carried.h"
#include "fs.h"

#define FROM "provision/package/handrun/"
CARRIED(handrun_run, FROM "run.py");
CARRIED(handrun_init, FROM "awsglue/__init__.py");
CARRIED(handrun_context, FROM "awsglue/context.py");
CARRIED(handrun_dynamicframe, FROM "awsglue/dynamicframe.py");
CARRIED(handrun_job, FROM "awsglue/job.py");
CARRIED(handrun_places, FROM "awsglue/places.py");
CARRIED(handrun_transforms, FROM "awsglue/transforms.py");
CARRIED(handrun_utils, FROM "awsglue/utils.py");

static const struct carried {
	const char *path, *begin, *end;
} files[] = {
	{"run.py", handrun_run, handrun_run_end},
	{"awsglue/__init__.py", handrun_init, handrun_init_end},
	{"awsglue/context.py", handrun_context, handrun_context_end},
	{"awsglue/dynamicframe.py", handrun_dynamicframe, handrun_dynamicframe_end},
	{"awsglue/job.py", handrun_job, handrun_job_end},
	{"awsglue/places.py", handrun_places, handrun_places_end},
	{"awsglue/transforms.py", handrun_transforms, handrun_transforms_end},
	{"awsglue/utils.py", handrun_utils, handrun_utils_end},
};

int handrun_write(const char *dir, struct err *err)
{
	char *package = fs_join(dir, "awsglue");
	int ret = fs_mkdir_p(package, 0700, err);

	for (size_t i = 0; !ret && i < ARRAY_SIZE(files); i++) {
		const struct carried *f = &files[i];
		char *path = fs_join(dir, f->path);

		ret = fs_write_atomic(path, f->begin,
			(size_t)((uintptr_t)f->end - (uintptr_t)f->begin), 0600, err);
		free(path);
	}
	free(package);
	return ret;
}
