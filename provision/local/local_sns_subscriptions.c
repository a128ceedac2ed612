/* Subscriptions: made, confirmed, changed, listed, ended. */
#include "local_sns.h"

#include "log.h"
#include "xalloc.h"

/* --- attributes --- */

static int check_redrive(const char *value, struct err *err)
{
	struct json *doc = json_parse(value, strlen(value), NULL);
	const char *arn = json_get_str(doc, "deadLetterTargetArn");
	bool good = arn && starts_with(arn, "arn:aws:sqs:");

	json_free(doc);
	return good ? 0
		    : sns_invalid(err,
			      "Invalid parameter: RedrivePolicy: deadLetterTargetArn is an "
			      "invalid arn");
}

static int check_filter(const struct json *attrs, const char *value, struct err *err)
{
	const char *scope = json_get_str(attrs, "FilterPolicyScope");
	struct err why = ERR_INIT;
	struct json *policy = sns_filter_parse(value, scope && !strcmp(scope, "MessageBody"), &why);

	if (!policy)
		sns_invalid(err, "Invalid parameter: %s%s",
			starts_with(why.text, "FilterPolicy") ? "" : "FilterPolicy: ", why.text);
	err_release(&why);
	if (!policy)
		return -1;
	json_free(policy);
	return 0;
}

/* Checks and keeps; an empty text takes away. */
static int set_attribute(struct json *attrs, const struct sns_topic *t, const char *name,
	const char *value, struct err *err)
{
	static const char *const known[] = {"DeliveryPolicy", "FilterPolicy", "FilterPolicyScope",
		"RawMessageDelivery", "RedrivePolicy", "ReplayPolicy", "SubscriptionRoleArn"};
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		found = found || !strcmp(known[i], name);
	if (!found)
		return sns_invalid(err, "Invalid parameter: AttributeName");
	if (!strcmp(name, "ReplayPolicy") && (!t->fifo || (value && *value)))
		return sns_invalid(err, "Invalid parameter: ReplayPolicy Reason: the local cloud "
					"keeps no archive of messages");
	if (!value || !*value || (!strcmp(name, "FilterPolicy") && !strcmp(value, "{}"))) {
		json_remove(attrs, name);
		return 0;
	}
	if (!strcmp(name, "RawMessageDelivery")) {
		if (!iequals(value, "true") && !iequals(value, "false"))
			return sns_invalid(err,
				"Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid "
				"value [%s]. Must be true or false.",
				value);
		value = iequals(value, "true") ? "true" : "false";
	}
	if (!strcmp(name, "FilterPolicyScope") && strcmp(value, "MessageBody") != 0 &&
		strcmp(value, "MessageAttributes") != 0)
		return sns_invalid(err,
			"Invalid parameter: FilterPolicyScope: Invalid value [%s]. Please use "
			"either "
			"MessageBody or MessageAttributes",
			value);
	if ((!strcmp(name, "FilterPolicy") && check_filter(attrs, value, err)) ||
		(!strcmp(name, "RedrivePolicy") && check_redrive(value, err)))
		return -1;
	json_set_str(attrs, name, value);
	return 0;
}

/* The scope first: it says how the policy is read. */
static int set_attributes(
	struct json *attrs, const struct sns_topic *t, const struct json *given, struct err *err)
{
	const struct json *e, *scope = json_get(given, "FilterPolicyScope");

	if (scope && set_attribute(attrs, t, "FilterPolicyScope", json_str(scope), err))
		return -1;
	json_each(e, given)
	{
		if (e != scope && set_attribute(attrs, t, json_name(e), json_str(e), err))
			return -1;
	}
	return 0;
}

/* --- subscribe --- */

static int check_endpoint(
	const struct sns_topic *t, const char *protocol, const char *endpoint, struct err *err)
{
	static const char *const elsewhere[] = {
		"http", "https", "lambda", "application", "firehose", "email-json"};

	if (!protocol)
		return sns_invalid(err, "Invalid parameter: Protocol");
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		if (!strcmp(protocol, elsewhere[i]))
			return sns_invalid(err,
				"Invalid parameter: Protocol Reason: the local cloud does not "
				"deliver by '%s', only to queues ('sqs')",
				protocol);
	if (!endpoint || !*endpoint)
		return sns_invalid(err, "Invalid parameter: Endpoint");
	if (t->fifo && strcmp(protocol, "sqs") != 0)
		return sns_invalid(err, "Invalid parameter: Invalid parameter: Endpoint Reason: "
					"Please use SQS FIFO queue");
	if (!strcmp(protocol, "sqs")) {
		if (!starts_with(endpoint, "arn:aws:sqs:") ||
			!strchr(endpoint + strlen("arn:aws:sqs:"), ':'))
			return sns_invalid(err, "Invalid parameter: SQS endpoint ARN");
		if (!t->fifo && ends_with(endpoint, ".fifo"))
			return sns_invalid(err,
				"Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS "
				"Queues can not be subscribed to standard SNS topics");
		return 0;
	}
	if (!strcmp(protocol, "email"))
		return strchr(endpoint, '@') ? 0
					     : sns_invalid(err, "Invalid parameter: Email address");
	if (strcmp(protocol, "sms") != 0)
		return sns_invalid(err,
			"Invalid parameter: Amazon SNS does not support this "
			"protocol string: %s",
			protocol);
	return strlen(endpoint) > 1 && endpoint[strspn(endpoint, "+0123456789-/.() ")] == '\0'
		       ? 0
		       : sns_invalid(err, "Invalid parameter: Invalid SMS endpoint: %s", endpoint);
}

/* 1: the endpoint is subscribed already. */
static int find_same_tx(struct local_cloud *cloud, const char *topic, const char *protocol,
	const char *endpoint, char **arn, struct json **attrs, bool *pending, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT arn, attrs, token FROM sns_subscription WHERE topic = ? AND protocol = ? "
		"AND "
		"endpoint = ?",
		"sss", topic, protocol, endpoint);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		*arn = xstrdup(sql_text(st, 0));
		*attrs = json_parse(sql_text(st, 1), strlen(sql_text(st, 1)), NULL);
		*pending = !sql_is_null(st, 2);
	}
	sql_done(st);
	return row;
}

static int insert_tx(struct local_cloud *cloud, const struct sns_topic *t, const char *arn,
	const char *protocol, const char *endpoint, const struct json *attrs, bool pending,
	struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	char *token = pending ? local_id("", 128) : NULL;
	int ret;

	json_print(attrs, &text);
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO sns_subscription (arn, topic, region, protocol, endpoint, attrs, "
		"token) "
		"VALUES (?, ?, ?, ?, ?, ?, ?)",
		"sssssss", arn, t->arn, t->region, protocol, endpoint, text.buf, token);
	/* nothing leaves the machine: this is where its owner finds it */
	if (!ret && pending)
		log_info("subscription '%s' by %s waits for ConfirmSubscription with token %s", arn,
			protocol, token);
	strbuf_release(&text);
	free(token);
	return ret;
}

static int subscribe_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *protocol = json_get_str(k->in, "Protocol"),
		   *endpoint = json_get_str(k->in, "Endpoint");
	struct json *attrs = json_object(), *old = NULL;
	struct sns_topic t;
	char *arn = NULL, *id;
	bool pending = protocol && !strcmp(protocol, "email");
	int found, ret;

	ret = sns_topic_asked_tx(cloud, k->req, json_get_str(k->in, "TopicArn"), &t, err);
	if (!ret)
		ret = check_endpoint(&t, protocol, endpoint, err);
	if (!ret)
		ret = set_attributes(attrs, &t, json_get(k->in, "Attributes"), err);
	if (ret)
		goto out;
	found = find_same_tx(cloud, t.arn, protocol, endpoint, &arn, &old, &pending, err);
	if (found > 0 && json_len(json_get(k->in, "Attributes")) && !json_equal(attrs, old)) {
		ret = sns_invalid(err, "Invalid parameter: Attributes Reason: Subscription already "
				       "exists with different attributes");
	} else if (!found) {
		id = local_uuid();
		arn = xasprintf("%s:%s", t.arn, id);
		ret = insert_tx(cloud, &t, arn, protocol, endpoint, attrs, pending, err);
		free(id);
	} else {
		ret = found < 0 ? -1 : 0;
	}
	if (!ret) {
		k->out = json_object();
		json_set_str(k->out, "SubscriptionArn",
			pending && !json_get_truth(k->in, "ReturnSubscriptionArn", false)
				? "pending confirmation"
				: arn);
	}
out:
	free(arn);
	json_free(attrs);
	json_free(old);
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(subscribe, subscribe_tx)

static int confirm_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *token = json_get_str(k->in, "Token");
	struct sql_stmt *st = NULL;
	struct sns_topic t;
	char *arn = NULL;
	int row = -1, ret;

	ret = sns_topic_asked_tx(cloud, k->req, json_get_str(k->in, "TopicArn"), &t, err);
	if (!ret)
		st = sql_query(cloud->db, err,
			"SELECT arn FROM sns_subscription WHERE topic = ? AND token = ?", "ss",
			t.arn, token ? token : "");
	if (st)
		row = sql_step(st, err);
	if (row > 0)
		arn = xstrdup(sql_text(st, 0));
	sql_done(st);
	if (row == 0)
		sns_invalid(err, "Invalid parameter: Token");
	ret = row > 0 ? sql_run(cloud->db, NULL, err,
				"UPDATE sns_subscription SET token = NULL WHERE arn = ?", "s", arn)
		      : -1;
	if (!ret) {
		k->out = json_object();
		json_set_str(k->out, "SubscriptionArn", arn);
	}
	free(arn);
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(confirm, confirm_tx)

/* --- one subscription --- */

struct subscription {
	char *arn, *protocol, *endpoint;
	struct sns_topic topic;
	struct json *attrs;
	bool pending;
};

static void subscription_release(struct subscription *s)
{
	free(s->arn);
	free(s->protocol);
	free(s->endpoint);
	json_free(s->attrs);
	sns_topic_release(&s->topic);
}

static int need_tx(
	struct local_cloud *cloud, struct local_call *k, struct subscription *s, struct err *err)
{
	const char *arn = json_get_str(k->in, "SubscriptionArn");
	struct sql_stmt *st;
	char *topic = NULL;
	int row;

	memset(s, 0, sizeof(*s));
	if (!arn || !starts_with(arn, "arn:aws:sns:"))
		return sns_invalid(err,
			"Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 "
			"elements, not 1");
	st = sql_query(cloud->db, err,
		"SELECT topic, protocol, endpoint, attrs, token FROM sns_subscription WHERE arn = "
		"?",
		"s", arn);
	row = st ? sql_step(st, err) : -1;
	if (row > 0) {
		topic = xstrdup(sql_text(st, 0));
		s->arn = xstrdup(arn);
		s->protocol = xstrdup(sql_text(st, 1));
		s->endpoint = xstrdup(sql_text(st, 2));
		s->attrs = json_parse(sql_text(st, 3), strlen(sql_text(st, 3)), NULL);
		s->pending = !sql_is_null(st, 4);
	}
	sql_done(st);
	if (row > 0)
		row = sns_topic_asked_tx(cloud, k->req, topic, &s->topic, err);
	else if (row == 0)
		row = local_fault(err, 404, "NotFound", "Subscription does not exist");
	free(topic);
	return row;
}

static int unsubscribe_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct err why = ERR_INIT;
	struct subscription s;
	int ret = need_tx(cloud, k, &s, &why);

	if (!ret)
		ret = sql_run(cloud->db, NULL, err, "DELETE FROM sns_subscription WHERE arn = ?",
			"s", s.arn);
	else if (why.aws_code && !strcmp(why.aws_code, "NotFound"))
		ret = 0; /* gone is fine */
	else
		err_move(err, &why);
	err_release(&why);
	subscription_release(&s);
	return ret;
}
LOCAL_HANDLER(unsubscribe, unsubscribe_tx)

static int get_attributes_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct subscription s;
	struct json *all, *e;
	char *root = local_arn(cloud, "iam", "", "root");
	int ret = need_tx(cloud, k, &s, err);

	if (!ret) {
		all = json_object();
		json_set_str(all, "SubscriptionArn", s.arn);
		json_set_str(all, "TopicArn", s.topic.arn);
		json_set_str(all, "Protocol", s.protocol);
		json_set_str(all, "Endpoint", s.endpoint);
		json_set_str(all, "Owner", cloud->account);
		json_set_str(all, "SubscriptionPrincipal", root);
		json_set_str(all, "PendingConfirmation", s.pending ? "true" : "false");
		json_set_str(all, "ConfirmationWasAuthenticated", s.pending ? "false" : "true");
		json_set_str(all, "RawMessageDelivery", "false");
		if (json_get(s.attrs, "FilterPolicy"))
			json_set_str(all, "FilterPolicyScope", "MessageAttributes");
		json_each(e, s.attrs) json_set(all, json_name(e), json_copy(e));
		k->out = json_object();
		json_set(k->out, "Attributes", all);
	}
	free(root);
	subscription_release(&s);
	return ret;
}
LOCAL_HANDLER(get_attributes, get_attributes_tx)

static int set_attributes_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *name = json_get_str(k->in, "AttributeName");
	struct strbuf text = STRBUF_INIT;
	struct subscription s;
	int ret = need_tx(cloud, k, &s, err);

	if (!ret && !name)
		ret = sns_invalid(err, "Invalid parameter: AttributeName");
	if (!ret)
		ret = set_attribute(
			s.attrs, &s.topic, name, json_get_str(k->in, "AttributeValue"), err);
	if (!ret) {
		json_print(s.attrs, &text);
		ret = sql_run(cloud->db, NULL, err,
			"UPDATE sns_subscription SET attrs = ? WHERE arn = ?", "ss", text.buf,
			s.arn);
	}
	strbuf_release(&text);
	subscription_release(&s);
	return ret;
}
LOCAL_HANDLER(set_attributes_handler, set_attributes_tx)

/* --- lists --- */

#define COLUMNS "SELECT arn, topic, protocol, endpoint, token FROM sns_subscription WHERE "

static struct json *subscription_row(struct sql_stmt *st)
{
	struct json *s = json_object();
	const char *topic = sql_text(st, 1), *account = topic;

	/* arn:aws:sns:REGION:ACCOUNT:NAME */
	for (int i = 0; i < 4; i++)
		account = strchr(account, ':') + 1;
	char *owner = xstrndup(account, strcspn(account, ":"));
	json_set_str(
		s, "SubscriptionArn", sql_is_null(st, 4) ? sql_text(st, 0) : "PendingConfirmation");
	json_set_str(s, "Owner", owner);
	json_set_str(s, "Protocol", sql_text(st, 2));
	json_set_str(s, "Endpoint", sql_text(st, 3));
	json_set_str(s, "TopicArn", topic);
	free(owner);
	return s;
}

static int list_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return sns_list_tx(cloud, k, "Subscriptions", COLUMNS "region = ? AND arn > ? ORDER BY arn",
		k->req->region, subscription_row, err);
}
LOCAL_HANDLER(list_subscriptions, list_tx)

static int list_by_topic_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct sns_topic t;
	int ret = sns_topic_asked_tx(cloud, k->req, json_get_str(k->in, "TopicArn"), &t, err);

	if (!ret)
		ret = sns_list_tx(cloud, k, "Subscriptions",
			COLUMNS "topic = ? AND arn > ? ORDER BY arn", t.arn, subscription_row, err);
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(list_by_topic, list_by_topic_tx)

static const struct local_route routes[] = {
	{"ConfirmSubscription", confirm, sns_arn_of},
	{"GetSubscriptionAttributes", get_attributes, sns_arn_of},
	{"ListSubscriptions", list_subscriptions, NULL},
	{"ListSubscriptionsByTopic", list_by_topic, sns_arn_of},
	{"SetSubscriptionAttributes", set_attributes_handler, sns_arn_of},
	{"Subscribe", subscribe, sns_arn_of},
	{"Unsubscribe", unsubscribe, sns_arn_of},
};

const struct local_service local_sns_subscription_service = {"sns", routes, ARRAY_SIZE(routes)};
