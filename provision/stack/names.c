/*
 * Physical names that a template does not give: <project>-<stack>-<logicalid>-<h>.
 *
 * Upper case becomes lower case, every other byte outside [a-z0-9] a dash, dashes that follow each other one
 * dash, none at either end. When that is longer than the type's limit, the part before "-<h>" is cut in its
 * middle to the M bytes that are left: its first M - M/2 and its last M/2 bytes stay, and two dashes that meet at
 * the seam become one. The hash is of the names as written, so names that look alike after this still differ.
 */
#include "project.h"

#include "digest.h"
#include "strbuf.h"

#define HASH_HEX 8

/* Appends `s` in the letters that every service takes; a dash is never doubled nor first. */
static void add_plain(struct strbuf *sb, const char *s)
{
	for (; *s; s++) {
		char c = *s;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			strbuf_addch(sb, c);
		else if (sb->len && sb->buf[sb->len - 1] != '-')
			strbuf_addch(sb, '-');
	}
}

static void strip_end_dash(struct strbuf *sb)
{
	while (sb->len && sb->buf[sb->len - 1] == '-')
		strbuf_setlen(sb, sb->len - 1);
}

static void cut_middle(struct strbuf *sb, size_t keep)
{
	if (sb->len <= keep)
		return;
	size_t right = keep / 2, left = keep - right;
	strbuf_remove(sb, left, sb->len - keep);
	while (left && left < sb->len && sb->buf[left - 1] == '-' && sb->buf[left] == '-')
		strbuf_remove(sb, left, 1);
	strip_end_dash(sb);
}

static void add_hash(struct strbuf *sb, const char *const *parts, size_t nr)
{
	struct strbuf input = STRBUF_INIT, hex = STRBUF_INIT;
	for (size_t i = 0; i < nr; i++) {
		if (i)
			strbuf_addch(&input, '\0');
		strbuf_addstr(&input, parts[i] ? parts[i] : "");
	}
	digest_sha256_hex(input.buf, input.len, &hex);
	strbuf_add(sb, hex.buf, HASH_HEX);
	strbuf_release(&input);
	strbuf_release(&hex);
}

char *derive_name(const char *project, const char *stack, const char *logical_id,
	const char *account, const char *region, enum name_case c, size_t max)
{
	const char *parts[] = {project, stack, logical_id, account, region};
	struct strbuf name = STRBUF_INIT;

	for (size_t i = 0; i < 3; i++) {
		if (i)
			add_plain(&name, "-");
		add_plain(&name, parts[i] ? parts[i] : "");
	}
	strip_end_dash(&name);
	if (max)
		cut_middle(&name, max > HASH_HEX + 1 ? max - HASH_HEX - 1 : 0);
	if (name.len)
		strbuf_addch(&name, '-');
	add_hash(&name, parts, ARRAY_SIZE(parts));
	if (max && name.len > max)
		strbuf_setlen(&name, max);
	if (c == NAME_LOWER_UNDERSCORE)
		strbuf_replace(&name, "-", "_");
	return strbuf_detach(&name, NULL);
}
