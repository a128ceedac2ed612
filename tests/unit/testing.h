#ifndef TESTING_H
#define TESTING_H

/* What every unit test includes: cmocka behind the headers that it wants first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Fails with the error's text when a call did not succeed. */
#define assert_ok(call, err)                                                                \
	do {                                                                                \
		if ((call) != 0)                                                            \
			fail_msg("%s: %s", #call, (err)->text ? (err)->text : "(no text)"); \
	} while (0)

#endif
