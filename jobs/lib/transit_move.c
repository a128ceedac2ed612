#include <stdlib.h>
#include "placelist.h"
#include "transit_keys.h"
#include "transit_load.h"

/*
 * A file that came again under its name meets what was archived of it before: beside that, it has a folder of its own time. *there is that
 * name's size, *name the name.
 */
static int find_room(struct job *job, const struct place *to, int64_t modified, int64_t here,
	char **name, int64_t *there, struct err *err)
{
	if (place_size(job, to, *name, there, err) != 0)
		return -1;
	if (here >= 0 && *there >= 0 && here != *there) {
		char *other = transit_error_key(*name, true, modified);

		free(*name);
		*name = other;
		return place_size(job, to, other, there, err);
	}
	return 0;
}

/* Kill it where one may: what was copied and not removed is found again by the next try. */
static int move_one(struct job *job, const struct transit_places *places, const struct place *to,
	const char *key, const char *to_key, int64_t modified, struct err *err)
{
	char *from_name = xasprintf("%s%s", places->prefix, key);
	char *to_name = xasprintf("%s%s", places->prefix, to_key);
	int64_t here = -1, there = -1;
	int ret = -1;

	if (place_size(job, &places->incoming, from_name, &here, err) != 0 ||
		find_room(job, to, modified, here, &to_name, &there, err) != 0)
		goto out;
	ret = 0;
	if (here < 0 && there >= 0)
		goto out;
	if (here < 0)
		ret = err_set(err, ERR_NOT_FOUND, "'%s%s' is gone, and there is no '%s%s'",
			places->incoming.shown, from_name, to->shown, to_name);
	else if (there >= 0 && here != there)
		ret = err_set(err, ERR_CONFLICT, "'%s%s' is another file than '%s%s': both stay",
			to->shown, to_name, places->incoming.shown, from_name);
	if (ret == 0 && there < 0)
		ret = place_copy(job, &places->incoming, from_name, to, to_name, err);
	if (ret == 0)
		ret = place_remove(job, &places->incoming, from_name, err);
out:
	free(from_name);
	free(to_name);
	return ret;
}

int transit_move(struct job *job, const struct transit_places *places,
	const struct transit_load *load, bool archive, struct err *err)
{
	const struct place *to = archive ? &places->archive : &places->error;
	char *key, *dfm, *to_dfm;
	int ret;

	if (archive && load->ods && load->snapshot < 0)
		return err_set(err, ERR_INVALID, "the load's snapshot is not known");
	key = archive ? transit_archive_key(load->key, load->ods, load->snapshot)
		      : transit_error_key(load->key, load->ods, load->modified);
	dfm = transit_dfm_key(load->key);
	to_dfm = transit_dfm_key(key);
	ret = move_one(job, places, to, load->key, key, load->modified, err);
	if (ret == 0 && load->ods)
		ret = move_one(job, places, to, dfm, to_dfm, load->modified, err);
	free(key);
	free(dfm);
	free(to_dfm);
	return ret;
}
