#ifndef LOCAL_IAM_STORE_H
#define LOCAL_IAM_STORE_H

/* What the IAM files share. Functions that take a cloud and no transaction word are called inside one. */
#include "local_internal.h"
#include "local_policy.h"

struct iam_entity {
	char *kind; /* "role", "user", "group" */
	char *name, *path, *id, *arn, *trust, *description, *boundary;
	int64_t created_ms, max_session_s;
};
void local_iam_entity_release(struct iam_entity *e);
/* 1, 0, -1. Names are compared without case, as IAM keeps them unique; *out has the stored one. */
int local_iam_entity_find(struct local_cloud *cloud, const char *kind, const char *name,
	struct iam_entity *out, struct err *err) must_check;
/* As above, with the NoSuchEntity fault. */
int local_iam_entity_get(struct local_cloud *cloud, const char *kind, const char *name,
	struct iam_entity *out, struct err *err) must_check;

/* Forgets what is kept of policies in memory: after each commit that changed a role or policy. */
void local_iam_changed(struct local_cloud *cloud);

/* A member that must be there; ValidationError. Borrowed. */
int local_iam_need(const struct local_request *req, const char *name, const char **out,
	struct err *err) must_check;
int local_iam_check_name(
	const char *what, const char *name, size_t max, struct err *err) must_check;
/* "/" or "/a/b/". NULL becomes "/". */
int local_iam_check_path(const char **path, struct err *err) must_check;
int local_iam_no_such(struct err *err, const char *fmt, ...) printf_like(2, 3);
/* "role" of "PutRolePolicy": by the word in the operation's name. */
const char *local_iam_kind(const char *operation);
const char *local_iam_kind_title(const char *kind); /* "Role" */
/* The document as replies carry it. */
char *local_iam_encode_document(const char *document);
void local_iam_set_time(struct json *obj, const char *name, int64_t ms);
/* [{"Key","Value"}] from or to {"k":"v"}. */
int local_iam_tags_read(const struct json *list, struct json **out, struct err *err) must_check;
/* Those of an Untag operation. */
int local_iam_tag_keys_check(const struct json *keys, struct err *err) must_check;
struct json *local_iam_tags_list(const struct json *tags);
size_t local_iam_policy_size(const char *document); /* without white space, as IAM counts */

/* Paging of lists: Marker and MaxItems in, IsTruncated and Marker out. */
struct iam_page {
	char *after; /* NULL: from the start */
	int64_t max;
};
int local_iam_page_read(
	const struct local_request *req, struct iam_page *page, struct err *err) must_check;
void local_iam_page_release(struct iam_page *page);
/* Sets IsTruncated, and Marker when there is more after `last`. */
void local_iam_page_close(struct json *out, bool more, const char *last);
/* Leaves the request's page of what stands in the reply's arrays, one after the other. */
int local_iam_page_cut(
	const struct local_request *req, struct json *out, struct err *err) must_check;

/* The document of a managed policy's default version; *document malloc'd; 1, 0, -1. */
int local_iam_policy_document(
	struct local_cloud *cloud, const char *arn, char **document, struct err *err) must_check;

/* --- routes (local_iam_role.c, local_iam_entity.c, local_iam_inline.c) --- */
local_handler_fn local_iam_create_role, local_iam_get_role, local_iam_list_roles,
	local_iam_update_role, local_iam_update_role_description,
	local_iam_update_assume_role_policy, local_iam_delete_entity, local_iam_put_boundary,
	local_iam_delete_boundary, local_iam_tag_role, local_iam_untag_role,
	local_iam_list_role_tags, local_iam_list_instance_profiles_for_role, local_iam_create_user,
	local_iam_get_user, local_iam_list_users, local_iam_create_group, local_iam_get_group,
	local_iam_list_groups, local_iam_add_user_to_group, local_iam_remove_user_from_group,
	local_iam_list_groups_for_user, local_iam_put_inline, local_iam_get_inline,
	local_iam_delete_inline, local_iam_list_inline, local_iam_attach, local_iam_detach,
	local_iam_list_attached;
struct json *local_iam_entity_json(const struct iam_entity *e, bool with_details);

#endif
