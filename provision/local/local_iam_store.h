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
void iam_entity_release(struct iam_entity *e);
/* 1, 0, -1. Names are compared without case, as IAM keeps them unique; *out has the stored one. */
int iam_entity_find(struct local_cloud *cloud, const char *kind, const char *name,
	struct iam_entity *out, struct err *err) must_check;
/* As above, with the NoSuchEntity fault. */
int iam_entity_get(struct local_cloud *cloud, const char *kind, const char *name,
	struct iam_entity *out, struct err *err) must_check;

/* Forgets what is kept of policies in memory: after each commit that changed a role or policy. */
void iam_changed(struct local_cloud *cloud);

/* A member that must be there; ValidationError. Borrowed. */
int iam_need(const struct local_request *req, const char *name, const char **out,
	struct err *err) must_check;
int iam_check_name(const char *what, const char *name, size_t max, struct err *err) must_check;
/* "/" or "/a/b/". NULL becomes "/". */
int iam_check_path(const char **path, struct err *err) must_check;
int iam_no_such(struct err *err, const char *fmt, ...) printf_like(2, 3);
/* "role" of "PutRolePolicy": by the word in the operation's name. */
const char *iam_kind(const char *operation);
const char *iam_kind_title(const char *kind); /* "Role" */
/* The document as replies carry it. */
char *iam_encode_document(const char *document);
void iam_set_time(struct json *obj, const char *name, int64_t ms);
/* [{"Key","Value"}] from or to {"k":"v"}. */
int iam_tags_read(const struct json *list, struct json **out, struct err *err) must_check;
struct json *iam_tags_list(const struct json *tags);
size_t iam_policy_size(const char *document); /* without white space, as IAM counts */

/* Paging of lists: Marker and MaxItems in, IsTruncated and Marker out. */
struct iam_page {
	char *after; /* NULL: from the start */
	int64_t max;
};
int iam_page_read(
	const struct local_request *req, struct iam_page *page, struct err *err) must_check;
void iam_page_release(struct iam_page *page);
/* Sets IsTruncated, and Marker when there is more after `last`. */
void iam_page_close(struct json *out, bool more, const char *last);

/* --- AWS-managed policies (local_iam_managed.c) --- */
struct iam_managed_policy {
	const char *
		name; /* "service-role/AWSGlueServiceRole": what stands behind arn:aws:iam::aws:policy/ */
	const char *id;
	const char *document;
};
extern const struct iam_managed_policy iam_managed_policies[];
extern const size_t iam_nr_managed_policies;
const struct iam_managed_policy *iam_managed_find(const char *arn);

/* The document of a managed policy's default version; *document malloc'd; 1, 0, -1. */
int iam_policy_document(
	struct local_cloud *cloud, const char *arn, char **document, struct err *err) must_check;

/* --- routes (local_iam_role.c, local_iam_entity.c, local_iam_inline.c) --- */
local_handler_fn iam_create_role, iam_get_role, iam_list_roles, iam_update_role,
	iam_update_role_description, iam_update_assume_role_policy, iam_delete_entity,
	iam_put_boundary, iam_delete_boundary, iam_tag_role, iam_untag_role, iam_list_role_tags,
	iam_list_instance_profiles_for_role, iam_create_user, iam_get_user, iam_list_users,
	iam_create_group, iam_get_group, iam_list_groups, iam_add_user_to_group,
	iam_remove_user_from_group, iam_list_groups_for_user, iam_put_inline, iam_get_inline,
	iam_delete_inline, iam_list_inline, iam_attach, iam_detach, iam_list_attached;
struct json *iam_entity_json(const struct iam_entity *e, bool with_details);

#endif
