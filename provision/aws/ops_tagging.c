/* Operations of Resource Groups Tagging API: flags, and paging as in the published models. */
#include "ops.h"

const struct aws_op tagging_get_resources = {"tagging", "GetResources", AWS_OP_READ,
	"PaginationToken", "PaginationToken", "ResourceTagMappingList"};
