/* Operations of AWS Systems Manager: flags, and paging as in the published models. */
#include "ops.h"

const struct aws_op ssm_get_parameter = {"ssm", "GetParameter", AWS_OP_READ, NULL, NULL, NULL};
