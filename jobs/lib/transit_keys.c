#include "transit_keys.h"

#include <string.h>
#include "clock.h"
#include "fs.h"
#include "strbuf.h"

#define CT "__ct"
#define CSV ".csv.gz"

char *transit_table_prefix(const char *prefix)
{
	size_t len = strlen(prefix);

	if (!ends_with(prefix, CT "/"))
		return xstrdup(prefix);
	return xasprintf("%.*s/", (int)(len - strlen(CT "/")), prefix);
}

char *transit_folder(const char *key)
{
	return fs_dirname(key);
}

bool transit_is_ct(const char *key)
{
	char *folder = transit_folder(key);
	bool ct = ends_with(folder, CT);

	free(folder);
	return ct;
}

char *transit_stamp(int64_t seconds)
{
	struct strbuf sb = STRBUF_INIT;

	clock_add_amz(&sb, seconds * 1000);
	return strbuf_detach(&sb, NULL);
}

char *transit_dfm_key(const char *key)
{
	size_t len = strlen(key);

	if (ends_with(key, CSV))
		len -= strlen(CSV);
	return xasprintf("%.*s.dfm", (int)len, key);
}

static char *in_folder(const char *key, const char *name, int64_t seconds)
{
	char *folder = transit_folder(key), *stamp = transit_stamp(seconds);
	char *out = xasprintf("%s/%s=%s/%s", folder, name, stamp, fs_basename(key));

	free(folder);
	free(stamp);
	return out;
}

char *transit_archive_key(const char *key, bool ods, int64_t snapshot)
{
	return ods ? in_folder(key, "snapshot", snapshot) : xstrdup(key);
}

char *transit_error_key(const char *key, bool ods, int64_t modified)
{
	return ods ? in_folder(key, "timestamp", modified) : xstrdup(key);
}

char *transit_source_table(const char *table, const char *key)
{
	return xasprintf("%s%s", table, transit_is_ct(key) ? CT : "");
}

char *transit_destination_table(const char *table, const char *key, bool raw)
{
	return xasprintf("%s%s%s", raw ? "raw_" : "", table, transit_is_ct(key) ? CT : "");
}

size_t transit_chunk_end(const int64_t *sizes, size_t nr, size_t from)
{
	int64_t total = 0;
	size_t end = from;

	while (end < nr && end - from < TRANSIT_CHUNK_LOADS) {
		if (end > from && total + sizes[end] > TRANSIT_CHUNK_BYTES)
			break;
		total += sizes[end++];
	}
	return end;
}
