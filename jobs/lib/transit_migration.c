#include "transit_migration.h"

#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "strbuf.h"

void migrations_release(struct migrations *m)
{
	for (size_t i = 0; i < m->nr; i++) {
		free(m->v[i].name);
		free(m->v[i].checksum);
		free(m->v[i].up);
		free(m->v[i].down);
	}
	free(m->v);
	*m = (struct migrations)MIGRATIONS_INIT;
}

/* "0001_name.sql" */
static int read_name(const char *file, struct migration *out, struct err *err)
{
	size_t digits = strspn(file, "0123456789"), len = strlen(file);
	char *number = xstrndup(file, digits);
	long long version = 0;
	int ret = 0;

	if (!digits || digits > 9 || file[digits] != '_' || len < digits + 6 ||
		parse_int64(number, 1, 999999999, &version) != 0)
		ret = err_set(err, ERR_INVALID,
			"the migration '%s' is not named <number>_<name>.sql", file);
	else
		out->name = xstrndup(file + digits + 1, len - digits - 5);
	out->version = (int)version;
	free(number);
	return ret;
}

/* "-- up" with blanks around it; its length with the line's end, else 0. */
static size_t mark(const char *line, const char *word)
{
	size_t len = strcspn(line, "\n"), n = len + (line[len] == '\n');
	struct strbuf text = STRBUF_INIT, want = STRBUF_INIT;
	bool same;

	strbuf_add(&text, line, len);
	strbuf_trim(&text);
	strbuf_addf(&want, "-- %s", word);
	same = iequals(text.buf, want.buf);
	strbuf_release(&text);
	strbuf_release(&want);
	return same ? n : 0;
}

static int split(const char *file, const char *text, struct migration *out, struct err *err)
{
	struct strbuf parts[3] = {STRBUF_INIT, STRBUF_INIT, STRBUF_INIT};
	static const char *const words[] = {NULL, "up", "down"};
	bool seen[3] = {true, false, false};
	size_t part = 0, n;
	int ret = 0;

	for (const char *line = text; *line && ret == 0; line += n) {
		size_t found = mark(line, "up") ? 1 : mark(line, "down") ? 2 : 0;

		n = strcspn(line, "\n");
		n += line[n] == '\n';
		if (found && seen[found])
			ret = err_set(err, ERR_INVALID, "%s: the line '-- %s' stands twice", file,
				words[found]);
		else if (found)
			seen[part = found] = true;
		else
			strbuf_add(&parts[part], line, n);
	}
	for (size_t i = 1; i < 3 && ret == 0; i++)
		if (!seen[i])
			ret = err_set(
				err, ERR_INVALID, "%s: a line '-- %s' is missing", file, words[i]);
	if (ret == 0) {
		out->up = strbuf_detach(&parts[1], NULL);
		out->down = strbuf_detach(&parts[2], NULL);
	}
	for (size_t i = 0; i < 3; i++)
		strbuf_release(&parts[i]);
	return ret;
}

int migrations_add(
	struct migrations *m, const char *file, const char *text, size_t len, struct err *err)
{
	struct migration *one;
	struct strbuf sum = STRBUF_INIT;

	ALLOC_GROW(m->v, m->nr + 1, m->alloc);
	one = &m->v[m->nr++];
	*one = (struct migration){0};
	if (strlen(text) != len)
		return err_set(err, ERR_INVALID, "%s is no text", file);
	digest_sha256_hex(text, len, &sum);
	one->checksum = strbuf_detach(&sum, NULL);
	return read_name(file, one, err) != 0 || split(file, text, one, err) != 0 ? -1 : 0;
}

static int by_version(const void *a, const void *b)
{
	int x = ((const struct migration *)a)->version, y = ((const struct migration *)b)->version;

	return (x > y) - (x < y);
}

int migrations_sort(struct migrations *m, struct err *err)
{
	if (m->nr)
		qsort(m->v, m->nr, sizeof(*m->v), by_version);
	for (size_t i = 0; i < m->nr; i++) {
		int want = (int)i + 1, version = m->v[i].version;

		if (version < want)
			return err_set(err, ERR_INVALID,
				"two migrations have the number %d: '%s' and '%s'", version,
				m->v[i - 1].name, m->v[i].name);
		if (version > want)
			return err_set(
				err, ERR_INVALID, "there is no migration of number %d", want);
	}
	return 0;
}

const struct migration *migrations_find(const struct migrations *m, int version)
{
	for (size_t i = 0; i < m->nr; i++)
		if (m->v[i].version == version)
			return &m->v[i];
	return NULL;
}
