/* Error replies of all protocols, read and written. */
#include "protocol.h"
#include "xml.h"

#define MAX_PIECE 200

void wire_error_release(struct wire_error *e)
{
	free(e->code);
	free(e->message);
	free(e->request_id);
	free(e->extra);
	*e = (struct wire_error)WIRE_ERROR_INIT;
}

/* "com.amazonaws.glue#EntityNotFoundException:http://…" is EntityNotFoundException. NULL for nothing. */
static char *bare_code(const char *text)
{
	if (!text)
		return NULL;
	const char *end = text + strcspn(text, ":");
	for (const char *hash; (hash = memchr(text, '#', (size_t)(end - text)));)
		text = hash + 1;
	/* One word: it goes into one-line errors. */
	while (text < end && (unsigned char)*text <= ' ')
		text++;
	size_t len = 0;
	while (text + len < end && (unsigned char)text[len] > ' ' && text[len] != 0x7f)
		len++;
	return len ? xstrndup(text, len) : NULL;
}

/* NULL when it is missing or empty; else a copy without line ends, for it goes into one-line errors. */
static char *line_of(const char *text)
{
	if (!text || !*text)
		return NULL;
	char *line = xstrdup(text);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return line;
}

static const char *first_string(const struct json *doc, const char *const *names)
{
	for (; *names; names++) {
		const char *s = json_get_str(doc, *names);
		if (s && *s)
			return s;
	}
	return NULL;
}

static void parse_json_error(const char *body, size_t len, struct wire_error *out)
{
	static const char *const codes[] = {"__type", "code", "Code", NULL};
	static const char *const messages[] = {"message", "Message", "errorMessage", NULL};
	struct json *doc = json_parse(body, len, NULL);
	if (json_is(doc, JSON_OBJECT)) {
		if (!out->code)
			out->code = bare_code(first_string(doc, codes));
		out->message = line_of(first_string(doc, messages));
	}
	json_free(doc);
}

/* <ErrorResponse><Error>…, <Response><Errors><Error>… or a bare <Error>. */
static const struct xml_node *find_error(const struct xml_node *root)
{
	const struct xml_node *n = root;
	for (int depth = 0; n && depth < 3; depth++) {
		if (!strcmp(xml_name(n), "Error"))
			return n;
		const struct xml_node *next = xml_child(n, "Error");
		n = next ? next : xml_child(n, "Errors");
	}
	return NULL;
}

static void parse_xml_error(const char *body, size_t len, struct wire_error *out)
{
	struct xml_doc *doc = xml_parse(body, len, NULL);
	const struct xml_node *root = doc ? xml_root(doc) : NULL;
	const struct xml_node *error = root ? find_error(root) : NULL;
	if (error) {
		const char *id = xml_child_text(error, "RequestId");
		if (!id)
			id = xml_child_text(root, "RequestId");
		if (!id)
			id = xml_child_text(root, "RequestID");
		const char *extra = xml_child_text(error, "Region");
		if (!extra)
			extra = xml_child_text(error, "Endpoint");
		out->code = bare_code(xml_child_text(error, "Code"));
		out->message = line_of(xml_child_text(error, "Message"));
		out->request_id = line_of(id);
		out->extra = line_of(extra);
	}
	if (doc)
		xml_free(doc);
}

/* The first bytes of what is no error document, fit for one line of text. */
static char *piece_of(int status, const char *body, size_t len)
{
	struct strbuf piece = STRBUF_INIT;
	for (size_t i = 0; i < len && piece.len < MAX_PIECE; i++) {
		char c = body[i];
		if ((unsigned char)c < ' ' || c == 0x7f)
			c = ' ';
		if (c == ' ' && (!piece.len || piece.buf[piece.len - 1] == ' '))
			continue;
		strbuf_addch(&piece, c);
	}
	/* Not in the middle of a character. */
	if (piece.len >= MAX_PIECE) {
		while (piece.len && ((unsigned char)piece.buf[piece.len - 1] & 0xc0) == 0x80)
			strbuf_setlen(&piece, piece.len - 1);
		if (piece.len && (unsigned char)piece.buf[piece.len - 1] >= 0xc0)
			strbuf_setlen(&piece, piece.len - 1);
		strbuf_addstr(&piece, "...");
	}
	strbuf_trim(&piece);
	if (!piece.len)
		strbuf_addf(&piece, "the service answered with HTTP status %d", status);
	return strbuf_detach(&piece, NULL);
}

void wire_error_parse(enum wire_protocol p, int status, const char *type_header, const char *body,
	size_t len, struct wire_error *out)
{
	wire_error_release(out);
	if (p == WIRE_JSON_10 || p == WIRE_JSON_11) {
		out->code = bare_code(type_header);
		parse_json_error(body, len, out);
	} else if (len) {
		parse_xml_error(body, len, out);
	}
	bool known = out->code != NULL;
	if (!out->code)
		out->code = xasprintf("HTTP%d", status);
	if (!out->message)
		out->message = piece_of(status, known ? "" : body, known ? 0 : len);
}

static void print_xml_error(const struct wire_service *svc, const char *code, const char *message,
	const char *resource, const char *request_id, struct strbuf *sb)
{
	bool query = svc->protocol == WIRE_QUERY;
	bool ours = !strcmp(code, "InternalFailure") || !strcmp(code, "ServiceUnavailable");
	if (query)
		strbuf_addf(sb,
			"<ErrorResponse xmlns=\"%s://%s.amazonaws.com/doc/%s/\"><Error>"
			"<Type>%s</Type>",
			query_namespace_scheme(svc), svc->id, svc->api_version,
			ours ? "Receiver" : "Sender");
	else
		strbuf_addstr(sb, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
	xml_add_element(sb, "Code", code);
	xml_add_element(sb, "Message", message);
	if (query) {
		strbuf_addstr(sb, "</Error>");
		xml_add_element(sb, "RequestId", request_id);
		strbuf_addstr(sb, "</ErrorResponse>");
		return;
	}
	xml_add_element(sb, "Resource", resource);
	xml_add_element(sb, "RequestId", request_id);
	strbuf_addstr(sb, "</Error>");
}

void wire_error_print(const struct wire_service *svc, const char *code, const char *message,
	const char *resource, const char *request_id, struct strbuf *sb)
{
	if (svc->protocol == WIRE_QUERY || svc->protocol == WIRE_REST_XML) {
		print_xml_error(svc, code, message, resource, request_id, sb);
		return;
	}
	/* The member's name is what the service's model says. */
	bool upper = !strcmp(svc->id, "glue") || !strcmp(svc->id, "athena") ||
		     !strcmp(svc->id, "tagging") || !strcmp(svc->id, "secretsmanager");
	struct json *doc = json_object();
	json_set_str(doc, "__type", code);
	json_set_str(doc, upper ? "Message" : "message", message);
	json_print(doc, sb);
	json_free(doc);
}
