#include "testing.h"
#include "protocol.h"

static void test_protocol__services(void **state)
{
	(void)state;
	static const char *const ids[] = {"athena", "events", "glue", "iam", "logs", "s3",
		"secretsmanager", "states", "sts", "tagging"};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		const struct wire_service *svc = wire_service_find(ids[i]);
		assert_non_null(svc);
		assert_ptr_equal(wire_service_by_signing_name(svc->signing_name), svc);
		bool json = svc->protocol == WIRE_JSON_10 || svc->protocol == WIRE_JSON_11;
		assert_true(json == (svc->target_prefix != NULL));
		assert_true(svc->global == !strcmp(svc->id, "iam"));
	}
	assert_null(wire_service_find("nosuch"));
	assert_null(wire_service_find(NULL));
}

static void test_protocol__by_target(void **state)
{
	(void)state;
	assert_string_equal(wire_service_by_target("AWSGlue.GetJob")->id, "glue");
	assert_string_equal(wire_service_by_target("Logs_20140328.GetLogEvents")->id, "logs");
	assert_string_equal(
		wire_service_by_target("ResourceGroupsTaggingAPI_20170126.GetResources")->id,
		"tagging");
	assert_null(wire_service_by_target("AWSGlue"));
	assert_null(wire_service_by_target(NULL));
}
