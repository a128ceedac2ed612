/* Blocks of addresses, and zones. */
#include <stdlib.h>
#include "cidr.h"
#include "intrinsics.h"

/* A whole number from 1 to max. */
static int eval_whole(struct evaluation *ev, const struct call *call, size_t i, const char *what,
	long long max, long long *out, bool *unknown, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret = eval_text(ev, call->arg->items[i], what, &text, unknown, err);
	if (!ret && !*unknown && parse_int64(text.buf, 1, max, out))
		ret = eval_fail(ev, call->arg->items[i], err,
			"%s of %s must be a whole number from 1 to %lld", what, call->name, max);
	strbuf_release(&text);
	return ret;
}

static int cut(struct evaluation *ev, const struct call *call, const struct cidr *all,
	long long count, long long bits, struct json **out, struct err *err)
{
	struct json *list = json_array();
	for (long long i = 0; i < count; i++) {
		char *text;
		if (cidr_part(all, (unsigned)bits, (unsigned long)i, &text)) {
			json_free(list);
			return eval_fail(ev, call->arg, err,
				"%s: there is no room for %lld blocks of %lld bits in a /%u",
				call->name, count, bits, all->prefix);
		}
		json_push_str(list, text);
		free(text);
	}
	*out = list;
	return 0;
}

int eval_cidr(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	struct strbuf block = STRBUF_INIT;
	struct cidr all;
	bool unknown = false;
	long long count = 0, bits = 0;
	int ret = -1;

	if (call->arg->nr < 3) {
		eval_fail(ev, call->arg, err, "%s needs its third value here", call->name);
		err_hint(err, "say how many bits of each block are for hosts: 8 makes /24 blocks");
		return -1;
	}
	if (eval_text(ev, call->arg->items[0], "the block", &block, &unknown, err) ||
		eval_whole(ev, call, 1, "the count", 256, &count, &unknown, err) ||
		eval_whole(ev, call, 2, "the bits", 128, &bits, &unknown, err))
		goto out;
	if (unknown) {
		*out = json_unknown();
		ret = 0;
	} else if (cidr_parse(block.buf, &all)) {
		eval_fail(ev, call->arg->items[0], err, "'%s' is not a block of addresses",
			eval_shown(ev, block.buf));
	} else {
		ret = cut(ev, call, &all, count, bits, out, err);
	}
out:
	strbuf_release(&block);
	return ret;
}

int eval_zones(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	struct strbuf region = STRBUF_INIT;
	bool unknown = false;
	int ret = eval_text(ev, call->arg, "the region", &region, &unknown, err);
	const char *here = ev->e->stack->region;
	if (!ret && !region.len && !unknown && here)
		strbuf_addstr(&region, here);
	if (!ret && (unknown || !region.len))
		*out = json_unknown();
	else if (!ret)
		ret = eval_ask(ev, call->arg,
			&(struct eval_external){.kind = EXTERNAL_ZONES, .name = region.buf}, out,
			err);
	strbuf_release(&region);
	return ret;
}
