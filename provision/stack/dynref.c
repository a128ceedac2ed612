#include "dynref.h"

#include <stdlib.h>
#include <string.h>
#include "evalall.h"
#include "params.h"

#define OPEN "{{resolve:"
#define MAX_PARTS 13

enum service { SSM, SSM_SECURE, SECRETS_MANAGER };

struct reference {
	enum service service;
	char *id, *key, *stage, *version; /* key, stage, version NULL where none */
};

static void reference_release(struct reference *r)
{
	free(r->id);
	free(r->key);
	free(r->stage);
	free(r->version);
}

/* The next one at or after *p: its text without the braces. False: there is none. */
static bool next(const char *p, const char **begin, const char **end)
{
	const char *open = strstr(p, OPEN);
	*end = open ? strstr(open, "}}") : NULL;
	*begin = open;
	return *end != NULL;
}

static char *part(const struct strvec *parts, size_t i)
{
	return i < parts->nr && *parts->v[i] ? xstrdup(parts->v[i]) : NULL;
}

static int parse_ssm(const struct strvec *parts, struct reference *out, struct err *err)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-/";
	out->id = part(parts, 2);
	out->version = part(parts, 3);
	if (!out->id || out->id[strspn(out->id, letters)])
		return err_set(
			err, ERR_USAGE, "'%s' is not a parameter's name", out->id ? out->id : "");
	if (parts->nr > 4 || (parts->nr == 4 && !out->version) ||
		(out->version && out->version[strspn(out->version, "0123456789")]))
		return err_set(err, ERR_USAGE,
			"after the parameter's name only a version number may "
			"follow");
	return 0;
}

static int parse_secret(const struct strvec *parts, struct reference *out, struct err *err)
{
	size_t at = 3;
	if (parts->nr > 2 && !strcmp(parts->v[2], "arn")) {
		struct strbuf arn = STRBUF_INIT;
		for (size_t i = 2; i < 9 && i < parts->nr; i++)
			strbuf_addf(&arn, "%s%s", i > 2 ? ":" : "", parts->v[i]);
		out->id = strbuf_detach(&arn, NULL);
		at = 9;
		if (parts->nr < 9 || strcmp(parts->v[7], "secret") != 0)
			return err_set(err, ERR_USAGE, "'%s' is not a secret's ARN", out->id);
	} else {
		out->id = part(parts, 2);
	}
	if (!out->id)
		return err_set(err, ERR_USAGE, "it names no secret");
	if (parts->nr > at && *parts->v[at] && strcmp(parts->v[at], "SecretString") != 0)
		return err_set(err, ERR_USAGE, "'%s' must be SecretString", parts->v[at]);
	if (parts->nr > at + 4)
		return err_set(err, ERR_USAGE, "it has too many parts");
	out->key = part(parts, at + 1);
	out->stage = part(parts, at + 2);
	out->version = part(parts, at + 3);
	return 0;
}

/* The text between {{ and }}. */
static int parse(const char *begin, const char *end, struct reference *out, struct err *err)
{
	char *text = xstrndup(begin + 2, (size_t)(end - begin - 2));
	struct strvec parts = STRVEC_INIT;
	int ret = -1;

	*out = (struct reference){0};
	for (char *p = text;; p++) {
		size_t len = strcspn(p, ":");
		char *one = xstrndup(p, len);
		strvec_push(&parts, one);
		free(one);
		p += len;
		if (!*p)
			break;
	}
	const char *service = parts.v[1];
	if (!strcmp(service, "ssm") || !strcmp(service, "ssm-secure")) {
		out->service = service[3] ? SSM_SECURE : SSM;
		ret = parse_ssm(&parts, out, err);
	} else if (!strcmp(service, "secretsmanager")) {
		out->service = SECRETS_MANAGER;
		ret = parse_secret(&parts, out, err);
	} else {
		err_set(err, ERR_USAGE, "'%s' is not one of ssm, ssm-secure and secretsmanager",
			service);
	}
	if (ret)
		err_wrap(err, "dynamic reference '{{%s}}'", text);
	strvec_release(&parts);
	free(text);
	return ret;
}

/* --- checks --- */
static void check_place(struct checker *c, const struct yaml_node *n, const struct reference *r)
{
	if (r->service == SSM_SECURE) {
		check_fail(c, n, "no property here takes a secure string of Systems Manager");
		report_hint(c->errors, "keep the value in Secrets Manager: "
				       "{{resolve:secretsmanager:NAME:SecretString:KEY}}");
	} else if (c->where != IN_VALUES) {
		check_fail(c, n, "a dynamic reference does not work in %s", check_place_name(c));
	} else if (r->service == SECRETS_MANAGER && !c->in_properties) {
		check_fail(c, n, "a reference to a secret works in properties of resources only");
	}
}

/* What ${…} will be is not known yet: any name stands for it. */
static char *without_names(const char *text)
{
	struct strbuf sb = STRBUF_INIT;
	struct sub_piece piece;
	while (sub_next(&text, &piece)) {
		if (piece.kind == SUB_NAME)
			strbuf_addch(&sb, '0');
		else
			strbuf_add(&sb, piece.text, piece.len);
	}
	return strbuf_detach(&sb, NULL);
}

void check_references(struct checker *c, const struct yaml_node *n)
{
	const char *begin, *end;
	char *text;
	if (n->kind != YAML_SCALAR || !strstr(n->text, OPEN))
		return;
	text = without_names(n->text);
	for (const char *p = text; next(p, &begin, &end); p = end) {
		struct reference r;
		struct err err = ERR_INIT;
		if (parse(begin, end, &r, &err))
			check_fail(c, n, "%s", err.text);
		else
			check_place(c, n, &r);
		err_release(&err);
		reference_release(&r);
	}
	free(text);
}

/* --- values --- */
static int value_in_secret(const struct reference *r, struct json **v, struct err *err)
{
	struct json *document;
	struct err ignored = ERR_INIT;
	if (!r->key || json_is_unknown(*v))
		return 0;
	document = json_parse(json_str(*v), strlen(json_str(*v)), &ignored);
	err_release(&ignored);
	const char *text = json_scalar_text(json_get(document, r->key));
	int ret = 0;
	if (!document)
		ret = err_set(err, ERR_USAGE, "secret '%s' holds no JSON to take key '%s' from",
			r->id, r->key);
	else if (!text)
		ret = err_set(err, ERR_USAGE, "secret '%s' has no key '%s'", r->id, r->key);
	if (!ret) {
		json_free(*v);
		*v = json_string(text);
	}
	json_free(document);
	return ret;
}

static int ask(struct evaluation *ev, const struct yaml_node *at, const struct reference *r,
	struct json **out, struct err *err)
{
	const struct eval_external what = {
		.kind = r->service == SECRETS_MANAGER ? EXTERNAL_SECRET : EXTERNAL_SSM_PARAMETER,
		.name = r->id,
		.type = r->service == SECRETS_MANAGER ? "AWS::SecretsManager::Secret" : NULL,
		.stage = r->stage,
		.version = r->version,
	};
	if (r->service == SSM_SECURE)
		return eval_fail(
			ev, at, err, "no property here takes a secure string of Systems Manager");
	if (eval_ask(ev, at, &what, out, err))
		return -1;
	if (value_in_secret(r, out, err)) {
		json_free(*out);
		*out = NULL;
		return eval_place(ev, at, err);
	}
	return 0;
}

/* One text. *secret is set once a secret belongs to it. */
static int resolve_text(struct evaluation *ev, const struct yaml_node *at, const char *text,
	bool *secret, struct json **out, struct err *err)
{
	struct strbuf sb = STRBUF_INIT;
	const char *begin, *end, *p = text;
	bool unknown = false;
	int ret = 0;

	for (; !ret && next(p, &begin, &end); p = end + 2) {
		struct reference r;
		struct json *v = NULL;
		strbuf_add(&sb, p, (size_t)(begin - p));
		ret = parse(begin, end, &r, err);
		if (ret) {
			eval_place(ev, at, err);
		} else {
			*secret |= r.service == SECRETS_MANAGER;
			ret = ask(ev, at, &r, &v, err);
		}
		unknown |= json_is_unknown(v);
		if (json_str(v))
			strbuf_addstr(&sb, json_str(v));
		json_free(v);
		reference_release(&r);
	}
	strbuf_addstr(&sb, p);
	if (!ret)
		*out = unknown ? json_unknown() : json_string_n(sb.buf, sb.len);
	if (sb.len)
		wipe(sb.buf, sb.len);
	strbuf_release(&sb);
	return ret;
}

static void mark_secret(struct evaluation *ev, const struct json *v)
{
	const char *path = ev->path.len > ev->root ? ev->path.buf + ev->root + 1 : NULL;
	ev->e->has_secret = true;
	if (path && ev->secret_paths && !strvec_has(ev->secret_paths, path))
		strvec_push(ev->secret_paths, path);
	if (ev->secret_texts && json_str(v) && *json_str(v))
		strvec_push(ev->secret_texts, json_str(v));
}

/* One text that holds some. */
static int resolve_leaf(struct evaluation *ev, const struct stack_resource *r,
	const struct yaml_node *at, struct json **v, struct err *err)
{
	const char *path = ev->path.len > ev->root ? ev->path.buf + ev->root + 1 : "";
	struct json *resolved = NULL;
	struct err own = ERR_INIT;
	bool secret = false;
	int ret = resolve_text(ev, r ? locate_property(r, path) : at, json_str(*v), &secret,
		&resolved, ev->errors ? &own : err);
	if (ret && ev->errors) {
		err_list_take(ev->errors, &own);
		resolved = json_unknown();
		ret = 0;
	}
	if (secret)
		mark_secret(ev, resolved);
	if (ret)
		return -1;
	json_free(*v);
	*v = resolved;
	return 0;
}

static bool holds_one(const struct json *v)
{
	const char *text = json_str(v), *begin, *end;
	struct json *e;
	if (text)
		return next(text, &begin, &end);
	if (json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT))
		json_each(e, v) if (holds_one(e)) return true;
	return false;
}

int references_resolve(struct evaluation *ev, const struct stack_resource *r,
	const struct yaml_node *at, struct json **v, struct err *err)
{
	if (!holds_one(*v))
		return 0;
	if (json_str(*v))
		return resolve_leaf(ev, r, at, v, err);
	size_t i = 0;
	struct json *following;
	for (struct json *e = json_first(*v); e; e = following, i++) {
		size_t mark = ev->path.len;
		following = json_next(e);
		if (json_is(*v, JSON_ARRAY))
			strbuf_addf(&ev->path, ".%zu", i);
		else
			strbuf_addf(&ev->path, ".%s", json_name(e));
		if (holds_one(e)) {
			struct json *value = json_copy(e);
			if (references_resolve(ev, r, at, &value, err)) {
				json_free(value);
				return -1;
			}
			json_replace(*v, e, value);
		}
		strbuf_setlen(&ev->path, mark);
	}
	return 0;
}
