/*
 * Object lock: "PutObjectRetention", "PutObjectLegalHold" and their reading, the headers and the bucket's default that
 * lock what is written, and what guards a version from deletion. A version's lock lies in its head, under the names
 * of the headers that tell it.
 */
#include "local_s3.h"
#include "xalloc.h"

#define PREFIX "x-amz-object-lock-"
#define MODE PREFIX "mode"
#define UNTIL PREFIX "retain-until-date"
#define HOLD PREFIX "legal-hold"
#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

/* The header's value that the retention's action and the hold's need. */
static const struct lock_name {
	const char *name, *get_action, *put_action;
} lock_names[] = {
	{MODE, "s3:GetObjectRetention", "s3:PutObjectRetention"},
	{UNTIL, "s3:GetObjectRetention", "s3:PutObjectRetention"},
	{HOLD, "s3:GetObjectLegalHold", "s3:PutObjectLegalHold"},
};

bool local_s3_is_lock(const char *name)
{
	return starts_with(name, PREFIX);
}

bool local_s3_may_see_lock(struct local_s3_call *c, const char *name)
{
	struct err err = ERR_INIT;
	bool may = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lock_names); i++)
		if (!strcmp(lock_names[i].name, name))
			may = !local_s3_authorize(
				c, lock_names[i].get_action, c->bucket, c->key, NULL, &err);
	err_release(&err);
	return may;
}

/* --- the bucket --- */

static int no_bucket_lock(struct err *err)
{
	return local_fault(
		err, 400, "InvalidRequest", "Bucket is missing Object Lock Configuration");
}

/* The bucket's configuration; *doc NULL where it has none. Outside of a transaction. */
static int bucket_lock(struct local_s3_call *c, struct xml_doc **doc, struct err *err)
{
	char *body = NULL;
	int result;

	*doc = NULL;
	if (local_tx_begin(c->cloud, err))
		return -1;
	result = local_s3_config_text(c->cloud, c->bucket, "object-lock", &body, err);
	local_tx_end(c->cloud);
	if (body)
		*doc = xml_parse(body, strlen(body), NULL);
	free(body);
	return result;
}

static int need_bucket_lock(struct local_s3_call *c, struct err *err)
{
	struct xml_doc *doc;
	int result = bucket_lock(c, &doc, err);

	if (!result && !doc)
		result = no_bucket_lock(err);
	xml_free(doc);
	return result;
}

static void set_time(struct json *head, int64_t ms)
{
	struct strbuf text = STRBUF_INIT;

	clock_add_iso(&text, ms, true);
	json_set_str(head, UNTIL, text.buf);
	strbuf_release(&text);
}

/* The bucket's default retention, from now on. */
static void add_default(struct local_s3_call *c, const struct xml_doc *doc, struct json *head)
{
	struct xml_node *rule = doc ? xml_child(xml_root(doc), "Rule") : NULL,
			*retention = rule ? xml_child(rule, "DefaultRetention") : NULL;
	const char *days = retention ? xml_child_text(retention, "Days") : NULL,
		   *years = retention ? xml_child_text(retention, "Years") : NULL;
	struct utc utc;
	long long n;

	if (!retention || parse_int64(days ? days : years ? years : "", 1, 36500, &n))
		return;
	utc_from_ms(local_now_ms(c->cloud), &utc);
	if (years)
		utc.year += (int)n;
	json_set_str(head, MODE, xml_child_text(retention, "Mode"));
	set_time(head, utc_to_ms(&utc) + (years ? 0 : n * DAY_MS));
}

/* --- writes --- */

static bool is_mode(const char *mode)
{
	return !strcmp(mode, "GOVERNANCE") || !strcmp(mode, "COMPLIANCE");
}

static int read_until(struct local_s3_call *c, const char *text, int64_t *ms, struct err *err)
{
	if (clock_parse(text, ms))
		return local_s3_invalid(
			err, "The retain until date must be provided in ISO 8601 format");
	if (*ms <= local_now_ms(c->cloud))
		return local_s3_invalid(err, "The retain until date must be in the future!");
	return 0;
}

static int check_asked(struct local_s3_call *c, const char *mode, const char *until,
	const char *hold, struct err *err)
{
	int64_t ms;

	if (!mode != !until)
		return local_s3_invalid(err, UNTIL " and " MODE " must both be supplied");
	if (mode && !is_mode(mode))
		return local_s3_invalid(err, "Unknown wormMode directive.");
	if (hold && strcmp(hold, "ON") && strcmp(hold, "OFF"))
		return local_s3_invalid(err, "Legal Hold must be either of 'ON' or 'OFF'");
	return until ? read_until(c, until, &ms, err) : 0;
}

static bool has_sum(const struct local_s3_call *c)
{
	const struct local_http *h = c->http;
	size_t i;

	for (i = 0; i < h->nr_headers; i++)
		if (iequals(h->headers[i].name, "content-md5") ||
			iequals(h->headers[i].name, "x-amz-trailer") ||
			!strncasecmp(h->headers[i].name, "x-amz-checksum-", 15))
			return true;
	return false;
}

static int authorize_asked(struct local_s3_call *c, struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lock_names); i++)
		if (local_s3_header(c, lock_names[i].name) &&
			local_s3_authorize(
				c, lock_names[i].put_action, c->bucket, c->key, NULL, err))
			return -1;
	return 0;
}

int local_s3_lock_read(struct local_s3_call *c, struct json *head, struct err *err)
{
	const char *mode = local_s3_header(c, MODE), *until = local_s3_header(c, UNTIL),
		   *hold = local_s3_header(c, HOLD);
	bool asked = mode || until || hold;
	struct xml_doc *doc = NULL;
	int64_t ms = 0;
	int result = -1;

	if (authorize_asked(c, err) || bucket_lock(c, &doc, err))
		goto out;
	if (asked && !doc) {
		no_bucket_lock(err);
		goto out;
	}
	if (asked && c->route->flags & S3_STREAM && !c->form && !has_sum(c)) {
		local_fault(err, 400, "InvalidRequest",
			"Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object "
			"requests with Object Lock parameters");
		goto out;
	}
	if (check_asked(c, mode, until, hold, err))
		goto out;
	json_set_str(head, HOLD, hold);
	json_set_str(head, MODE, mode);
	if (until && !clock_parse(until, &ms))
		set_time(head, ms);
	else
		add_default(c, doc, head);
	result = 0;
out:
	xml_free(doc);
	return result;
}

/* --- what a lock forbids --- */

static int protected(struct err *err)
{
	return local_fault(
		err, 403, "AccessDenied", "Access Denied because object protected by object lock.");
}

/* Until when the version is retained, if it is. */
static bool retained(struct local_s3_call *c, const struct store_object *o, int64_t *until)
{
	const char *text = json_get_str(o->head, UNTIL);

	return text && !clock_parse(text, until) && *until > local_now_ms(c->cloud);
}

static bool is_compliance(const struct store_object *o)
{
	const char *mode = json_get_str(o->head, MODE);

	return mode && !strcmp(mode, "COMPLIANCE");
}

bool local_s3_lock_bypass(struct local_s3_call *c, const char *key)
{
	const char *asked = local_s3_header(c, "x-amz-bypass-governance-retention");
	struct err err = ERR_INIT;
	bool may =
		asked && iequals(asked, "true") &&
		!local_s3_authorize(c, "s3:BypassGovernanceRetention", c->bucket, key, NULL, &err);

	err_release(&err);
	return may;
}

int local_s3_lock_check(
	struct local_s3_call *c, const char *key, const char *version, bool bypass, struct err *err)
{
	struct store_object o = {0};
	const char *hold;
	int64_t until;
	int result = 0;

	if (!version)
		return 0; /* a delete marker hides, and takes nothing away */
	if (store_find(c->cloud, c->bucket, key, version, &o, err) < 0)
		result = -1;
	else {
		hold = json_get_str(o.head, HOLD);
		if ((hold && !strcmp(hold, "ON")) ||
			(retained(c, &o, &until) && (is_compliance(&o) || !bypass)))
			result = protected(err);
	}
	store_object_release(&o);
	return result;
}

/* --- changing a version's lock --- */

struct lock_change {
	bool is_hold;
	const char *mode, *hold; /* mode NULL: no retention any more */
	int64_t until_ms;
	bool bypass;
};

/* A retention may grow; to shrink, it must be one of governance that the caller may pass. */
static int check_change(struct local_s3_call *c, const struct store_object *o,
	const struct lock_change *change, struct err *err)
{
	int64_t until;

	if (change->is_hold || !retained(c, o, &until))
		return 0;
	if (change->mode && change->until_ms >= until &&
		(!is_compliance(o) || !strcmp(change->mode, "COMPLIANCE")))
		return 0;
	return !is_compliance(o) && change->bypass ? 0 : protected(err);
}

static void apply(struct json *head, const struct lock_change *change)
{
	if (change->is_hold) {
		json_set_str(head, HOLD, change->hold);
		return;
	}
	json_remove(head, MODE);
	json_remove(head, UNTIL);
	if (!change->mode)
		return;
	json_set_str(head, MODE, change->mode);
	set_time(head, change->until_ms);
}

static int commit_change(struct local_s3_call *c, const struct store_object *seen,
	const struct lock_change *change, struct err *err)
{
	struct store_object o = {0};
	int found, result = -1;

	if (local_tx_begin(c->cloud, err))
		return -1;
	found = store_find(c->cloud, c->bucket, c->key, seen->version, &o, err);
	if (!found)
		local_fault(err, 404, "NoSuchVersion", "The specified version does not exist.");
	else if (found > 0 && !check_change(c, &o, change, err)) {
		if (!o.head)
			o.head = json_object();
		apply(o.head, change);
		if (!store_set_head(c->cloud, &o, err))
			result = local_tx_commit(c->cloud, err);
	}
	local_tx_end(c->cloud);
	store_object_release(&o);
	return result;
}

/* The version that the request is about, in a bucket with locks. */
static int find_version(struct local_s3_call *c, struct store_object *o, struct err *err)
{
	return local_s3_object_get(c, c->bucket, c->key, local_s3_param(c, "versionId"), o, err) ||
			       need_bucket_lock(c, err)
		       ? -1
		       : 0;
}

static int change_lock(struct local_s3_call *c, const struct lock_change *change, struct err *err)
{
	struct store_object o = {0};
	int result = find_version(c, &o, err) || commit_change(c, &o, change, err) ? -1 : 0;

	c->reply->status = 200;
	store_object_release(&o);
	return result;
}

/* The body's root, if it has that name. */
static struct xml_node *body_root(struct xml_doc *doc, const char *name)
{
	struct xml_node *root = doc ? xml_root(doc) : NULL;

	return root && !strcmp(xml_name(root), name) ? root : NULL;
}

int local_s3_put_retention(struct local_s3_call *c, struct err *err)
{
	struct xml_doc *doc = xml_parse(c->sink.memory.buf, c->sink.memory.len, NULL);
	struct xml_node *root = body_root(doc, "Retention");
	struct lock_change change = {.bypass = local_s3_lock_bypass(c, c->key)};
	const char *until = root ? xml_child_text(root, "RetainUntilDate") : NULL;
	int result = -1;

	change.mode = root ? xml_child_text(root, "Mode") : NULL;
	if (!root || !change.mode != !until || (change.mode && !is_mode(change.mode)))
		local_s3_malformed(err);
	else if (!until || !read_until(c, until, &change.until_ms, err))
		result = change_lock(c, &change, err);
	xml_free(doc);
	return result;
}

int local_s3_put_legal_hold(struct local_s3_call *c, struct err *err)
{
	struct xml_doc *doc = xml_parse(c->sink.memory.buf, c->sink.memory.len, NULL);
	struct xml_node *root = body_root(doc, "LegalHold");
	struct lock_change change = {.is_hold = true};
	int result = -1;

	change.hold = root ? xml_child_text(root, "Status") : NULL;
	if (!change.hold || (strcmp(change.hold, "ON") && strcmp(change.hold, "OFF")))
		local_s3_malformed(err);
	else
		result = change_lock(c, &change, err);
	xml_free(doc);
	return result;
}

static int no_lock(struct err *err)
{
	return local_fault(err, 404, "NoSuchObjectLockConfiguration",
		"The specified object does not have a ObjectLock configuration");
}

int local_s3_get_retention(struct local_s3_call *c, struct err *err)
{
	struct store_object o = {0};
	struct strbuf *sb;
	int result = find_version(c, &o, err);

	if (!result && !json_get_str(o.head, MODE))
		result = no_lock(err);
	if (!result) {
		sb = local_s3_xml(c, "Retention");
		xml_add_element(sb, "Mode", json_get_str(o.head, MODE));
		xml_add_element(sb, "RetainUntilDate", json_get_str(o.head, UNTIL));
		strbuf_addstr(sb, "</Retention>");
	}
	store_object_release(&o);
	return result;
}

int local_s3_get_legal_hold(struct local_s3_call *c, struct err *err)
{
	struct store_object o = {0};
	struct strbuf *sb;
	int result = find_version(c, &o, err);

	if (!result && !json_get_str(o.head, HOLD))
		result = no_lock(err);
	if (!result) {
		sb = local_s3_xml(c, "LegalHold");
		xml_add_element(sb, "Status", json_get_str(o.head, HOLD));
		strbuf_addstr(sb, "</LegalHold>");
	}
	store_object_release(&o);
	return result;
}
