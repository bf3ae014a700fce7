/* For clang-tidy alone (tests/deep.py), whose analyzer knows the functions of one file and the C library. What it has to
 * know of ours: that memory is zeroed, has to be freed once, may be missing; and that a failure is returned as given. */
#include "base/err.h"

#define ec_malloc malloc
#define ec_calloc calloc
#define ec_strdup strdup
#define ec_free   free

#define ec_fail(err, status, ...)       ((void)ec_fail(err, status, __VA_ARGS__), (status))
#define ec_fail_errno(err, status, ...) ((void)ec_fail_errno(err, status, __VA_ARGS__), (status))
