/* A call that this version does not have is refused, and says so. */
#include <string.h>

#include "lib/calls.h"
#include "lib/device.h"
#include "suite.h"

START_TEST(call_that_is_not_implemented_is_unavailable_and_says_so)
{
        static const uintptr_t nothing[MVT_ARGS_MAX];
        const struct mvt_call *call = &mvt_calls[_i];
        if (!call->later)
                return;
        ck_assert_msg(call->make(nothing) == MV_STATUS_UNAVAILABLE, "%s", call->name);
        const struct mvsim_reject *reject = mvsim_last_reject();
        ck_assert_str_eq(reject->call, call->name);
        ck_assert_int_eq(reject->status, MV_STATUS_UNAVAILABLE);
        ck_assert_msg(strstr(reject->message, "not implemented yet") != NULL, "%s", reject->message);
        ck_assert_uint_eq(mvt_statistics().refused, 1);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("missing");
        TCase *tests = tcase_create("missing");
        tcase_add_checked_fixture(tests, mvt_device_boot_virtual, mvt_device_end);
        tcase_add_loop_test(tests, call_that_is_not_implemented_is_unavailable_and_says_so, 0, mvt_call_count);
        suite_add_tcase(suite, tests);
        return suite;
}
