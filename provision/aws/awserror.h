#ifndef AWSERROR_H
#define AWSERROR_H

/* What AWS's error codes mean to us: by code, not by status, for a throttle may come as a 400. */
#include <stddef.h>
#include "err.h"

enum aws_retry {
	AWS_RETRY_NO,
	AWS_RETRY_THROTTLE,
	AWS_RETRY_TRANSIENT,
	AWS_RETRY_TIMEOUT, /* the service gave up: it may have happened */
	AWS_RETRY_SKEW,    /* once, when the reply's Date says that our clock is off */
};

struct aws_verdict {
	enum err_code code;
	enum aws_retry retry;
};

struct aws_verdict aws_error_classify(int status, const char *aws_code, const char *message);
/* Codes that say that the keys are wrong, not that they may not do this. */
bool aws_error_is_identity(const char *aws_code);

struct aws_error_rule {
	const char *code;
	struct aws_verdict verdict;
};
/* The table, sorted by code, for its test. */
const struct aws_error_rule *aws_error_rules(size_t *nr);

#endif
