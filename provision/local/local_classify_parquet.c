#include "local_classify.h"
#include "strbuf.h"

/*
 * A Parquet file's FileMetaData in Thrift's compact protocol, as far as the schema and the number of rows
 * (parquet.thrift: FileMetaData 2 and 3, SchemaElement 1-8 and 10). Bytes are not trusted: every read is bounded.
 */
#define MAX_ELEMENTS 20000
#define MAX_DEPTH 32

enum thrift {
	T_STOP,
	T_TRUE,
	T_FALSE,
	T_BYTE,
	T_I16,
	T_I32,
	T_I64,
	T_DOUBLE,
	T_BINARY,
	T_LIST,
	T_SET,
	T_MAP,
	T_STRUCT
};
enum physical {
	P_BOOLEAN,
	P_INT32,
	P_INT64,
	P_INT96,
	P_FLOAT,
	P_DOUBLE,
	P_BYTES,
	P_FIXED,
	P_GROUP
};
enum logical {
	L_NONE,
	L_STRING,
	L_MAP,
	L_LIST,
	L_DECIMAL,
	L_DATE,
	L_TIMESTAMP,
	L_INT8,
	L_INT16,
	L_INT32,
	L_INT64
};

struct element {
	enum physical physical;
	enum logical logical;
	bool repeated;
	int64_t children, precision, scale;
	char *name;
};

struct reader {
	const unsigned char *at, *end;
	bool bad;
	struct element *elements;
	size_t nr, next;
};

static unsigned char byte(struct reader *r)
{
	if (r->at == r->end) {
		r->bad = true;
		return 0;
	}
	return *r->at++;
}

static uint64_t varint(struct reader *r)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		unsigned char b = byte(r);
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

static int64_t zigzag(struct reader *r)
{
	uint64_t v = varint(r);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static void skip_bytes(struct reader *r, uint64_t n)
{
	if (n > (uint64_t)(r->end - r->at))
		r->bad = true;
	else
		r->at += n;
}

/* The next field's type; *id is counted on. T_STOP at the end. */
static enum thrift field(struct reader *r, int16_t *id)
{
	unsigned char b = byte(r);

	if (r->bad || !(b & 0x0f))
		return T_STOP;
	*id = b >> 4 ? (int16_t)(*id + (b >> 4)) : (int16_t)zigzag(r);
	return b & 0x0f;
}

static uint64_t list_head(struct reader *r, enum thrift *type)
{
	unsigned char b = byte(r);

	*type = b & 0x0f;
	return b >> 4 == 15 ? varint(r) : (uint64_t)(b >> 4);
}

static void skip(struct reader *r, enum thrift type, int depth);

static void skip_list(struct reader *r, int depth)
{
	enum thrift type;
	uint64_t n = list_head(r, &type);

	for (; n && !r->bad; n--) {
		if (type == T_TRUE || type == T_FALSE)
			byte(r);
		else
			skip(r, type, depth);
	}
}

static void skip_map(struct reader *r, int depth)
{
	uint64_t n = varint(r);
	unsigned char types = n ? byte(r) : 0;

	for (; n && !r->bad; n--) {
		skip(r, types >> 4, depth);
		skip(r, types & 0x0f, depth);
	}
}

static void skip(struct reader *r, enum thrift type, int depth)
{
	int16_t id = 0;

	if (depth > MAX_DEPTH) {
		r->bad = true;
		return;
	}
	switch (type) {
	case T_TRUE:
	case T_FALSE:
		break;
	case T_BYTE:
		byte(r);
		break;
	case T_I16:
	case T_I32:
	case T_I64:
		varint(r);
		break;
	case T_DOUBLE:
		skip_bytes(r, 8);
		break;
	case T_BINARY:
		skip_bytes(r, varint(r));
		break;
	case T_LIST:
	case T_SET:
		skip_list(r, depth + 1);
		break;
	case T_MAP:
		skip_map(r, depth + 1);
		break;
	case T_STRUCT:
		while (!r->bad && (type = field(r, &id)) != T_STOP)
			skip(r, type, depth + 1);
		break;
	default:
		r->bad = true;
	}
}

/* --- SchemaElement --- */
static enum logical converted(int64_t n)
{
	static const enum logical table[] = {L_STRING, L_MAP, L_MAP, L_LIST, L_STRING, L_DECIMAL,
		L_DATE, L_NONE, L_NONE, L_TIMESTAMP, L_TIMESTAMP, L_INT8, L_INT16, L_INT32, L_INT64,
		L_INT8, L_INT16, L_INT32, L_INT64, L_STRING, L_NONE, L_NONE};

	return n >= 0 && (size_t)n < ARRAY_SIZE(table) ? table[n] : L_NONE;
}

static void decimal_type(struct reader *r, struct element *e)
{
	enum thrift type;
	int16_t id = 0;

	while (!r->bad && (type = field(r, &id)) != T_STOP) {
		if (id == 1 && type == T_I32)
			e->scale = zigzag(r);
		else if (id == 2 && type == T_I32)
			e->precision = zigzag(r);
		else
			skip(r, type, 0);
	}
}

static void int_type(struct reader *r, struct element *e)
{
	enum thrift type;
	int16_t id = 0;

	while (!r->bad && (type = field(r, &id)) != T_STOP) {
		if (id == 1 && type == T_BYTE) {
			unsigned char bits = byte(r);
			e->logical = bits == 8    ? L_INT8
				     : bits == 16 ? L_INT16
				     : bits == 32 ? L_INT32
						  : L_INT64;
		} else {
			skip(r, type, 0);
		}
	}
}

/* The union LogicalType. */
static void logical_type(struct reader *r, struct element *e)
{
	static const enum logical table[] = {L_NONE, L_STRING, L_MAP, L_LIST, L_STRING, L_DECIMAL,
		L_DATE, L_NONE, L_TIMESTAMP, L_NONE, L_NONE, L_NONE, L_STRING};
	enum thrift type;
	int16_t id = 0;

	while (!r->bad && (type = field(r, &id)) != T_STOP) {
		if (id > 0 && (size_t)id < ARRAY_SIZE(table) && table[id] != L_NONE)
			e->logical = table[id];
		if (id == 5 && type == T_STRUCT)
			decimal_type(r, e);
		else if (id == 10 && type == T_STRUCT)
			int_type(r, e);
		else
			skip(r, type, 0);
	}
}

static void element_name(struct reader *r, struct element *e)
{
	uint64_t len = varint(r);
	const unsigned char *from = r->at;

	skip_bytes(r, len);
	if (!r->bad) {
		free(e->name);
		e->name = xstrndup((const char *)from, len);
	}
}

static void schema_element(struct reader *r, struct element *e)
{
	enum thrift type;
	int64_t n, conv = -1;
	int16_t id = 0;

	e->physical = P_GROUP;
	while (!r->bad && (type = field(r, &id)) != T_STOP) {
		if (id == 4 && type == T_BINARY) {
			element_name(r, e);
			continue;
		}
		if (id == 10 && type == T_STRUCT) {
			logical_type(r, e);
			continue;
		}
		if (type != T_I32) {
			skip(r, type, 0);
			continue;
		}
		n = zigzag(r);
		if (id == 1 && n >= 0 && n < P_GROUP)
			e->physical = (enum physical)n;
		else if (id == 3)
			e->repeated = n == 2;
		else if (id == 5)
			e->children = n;
		else if (id == 6)
			conv = n;
		else if (id == 7)
			e->scale = n;
		else if (id == 8)
			e->precision = n;
	}
	if (e->logical == L_NONE && conv >= 0)
		e->logical = converted(conv);
}

static void schema_list(struct reader *r)
{
	enum thrift type;
	uint64_t n = list_head(r, &type);

	if (type != T_STRUCT || n > MAX_ELEMENTS || n > (uint64_t)(r->end - r->at) || r->elements) {
		r->bad = true;
		return;
	}
	r->elements = xcalloc((size_t)n + 1, sizeof(*r->elements));
	for (; r->nr < n && !r->bad; r->nr++)
		schema_element(r, &r->elements[r->nr]);
}

/* --- Hive's names of types --- */
static const char *integer_name(const struct element *e)
{
	switch (e->logical) {
	case L_INT8:
		return "tinyint";
	case L_INT16:
		return "smallint";
	case L_DATE:
		return "date";
	case L_TIMESTAMP:
		return "timestamp";
	default:
		return e->physical == P_INT32 ? "int" : "bigint";
	}
}

static bool primitive(const struct element *e, struct strbuf *out)
{
	if (e->logical == L_DECIMAL) {
		strbuf_addf(
			out, "decimal(%lld,%lld)", (long long)e->precision, (long long)e->scale);
		return e->precision > 0 && e->precision <= 38 && e->scale >= 0 &&
		       e->scale <= e->precision;
	}
	switch (e->physical) {
	case P_BOOLEAN:
		strbuf_addstr(out, "boolean");
		return true;
	case P_INT32:
	case P_INT64:
		strbuf_addstr(out, integer_name(e));
		return true;
	case P_INT96:
		strbuf_addstr(out, "timestamp");
		return true;
	case P_FLOAT:
		strbuf_addstr(out, "float");
		return true;
	case P_DOUBLE:
		strbuf_addstr(out, "double");
		return true;
	default:
		strbuf_addstr(out, e->logical == L_STRING ? "string" : "binary");
		return true;
	}
}

static bool type_name(struct reader *r, struct strbuf *out, int depth);

/* LIST: a repeated group with one child, or a repeated primitive. The cursor is behind the LIST group. */
static bool list_name(struct reader *r, const struct element *list, struct strbuf *out, int depth)
{
	struct element *inner;

	if (list->children != 1 || r->next >= r->nr)
		return false;
	inner = &r->elements[r->next];
	strbuf_addstr(out, "array<");
	inner->repeated = false;
	if (inner->physical == P_GROUP && inner->children == 1)
		r->next++;
	if (!type_name(r, out, depth))
		return false;
	strbuf_addch(out, '>');
	return true;
}

static bool map_name(struct reader *r, const struct element *map, struct strbuf *out, int depth)
{
	if (map->children != 1 || r->next >= r->nr || r->elements[r->next].children != 2)
		return false;
	r->next++;
	strbuf_addstr(out, "map<");
	if (!type_name(r, out, depth))
		return false;
	strbuf_addch(out, ',');
	if (!type_name(r, out, depth))
		return false;
	strbuf_addch(out, '>');
	return true;
}

static bool struct_name(struct reader *r, const struct element *e, struct strbuf *out, int depth)
{
	strbuf_addstr(out, "struct<");
	for (int64_t i = 0; i < e->children; i++) {
		const char *name;
		if (r->next >= r->nr)
			return false;
		name = r->elements[r->next].name;
		strbuf_addf(out, "%s%s:", i ? "," : "", name ? name : "");
		if (!type_name(r, out, depth))
			return false;
	}
	strbuf_addch(out, '>');
	return true;
}

/* The element at r->next and all below it. */
static bool type_name(struct reader *r, struct strbuf *out, int depth)
{
	const struct element *e;
	bool ok;

	if (r->next >= r->nr || depth > MAX_DEPTH)
		return false;
	e = &r->elements[r->next++];
	if (e->repeated)
		strbuf_addstr(out, "array<");
	if (e->physical != P_GROUP)
		ok = primitive(e, out);
	else if (e->logical == L_LIST)
		ok = list_name(r, e, out, depth + 1);
	else if (e->logical == L_MAP)
		ok = map_name(r, e, out, depth + 1);
	else
		ok = struct_name(r, e, out, depth + 1);
	if (e->repeated)
		strbuf_addch(out, '>');
	return ok;
}

static bool columns(struct reader *r, struct classified *out)
{
	struct strbuf type = STRBUF_INIT;
	bool ok = r->nr > 0;

	out->columns = json_array();
	r->next = 1;
	for (int64_t i = 0; ok && i < r->elements[0].children; i++) {
		struct json *column = json_object();
		char *name = xstrdup(r->next < r->nr && r->elements[r->next].name
					     ? r->elements[r->next].name
					     : "");
		lower_ascii(name);
		strbuf_clear(&type);
		ok = type_name(r, &type, 0);
		json_set_str(column, "Name", name);
		json_set_str(column, "Type", type.buf);
		json_push(out->columns, column);
		free(name);
	}
	strbuf_release(&type);
	return ok;
}

bool classify_parquet(const unsigned char *footer, size_t len, struct classified *out)
{
	struct reader r = {.at = footer, .end = footer + len};
	bool rows = false, ok = false;
	enum thrift type;
	int16_t id = 0;

	while (!rows && !r.bad && (type = field(&r, &id)) != T_STOP) {
		if (id == 2 && type == T_LIST) {
			schema_list(&r);
		} else if (id == 3 && type == T_I64) {
			out->records = zigzag(&r);
			rows = true;
		} else {
			skip(&r, type, 0);
		}
	}
	if (rows && !r.bad && r.elements && out->records >= 0)
		ok = columns(&r, out);
	if (ok)
		out->classification = "parquet";
	else
		classified_release(out);
	for (size_t i = 0; i <= r.nr && r.elements; i++)
		free(r.elements[i].name);
	free(r.elements);
	return ok;
}
