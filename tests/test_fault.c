/* Fault injection: mvsim_fail() makes a call fail as its documentation says that it may. */
#include <errno.h>
#include <string.h>

#include "stm32u5xx.h"

#include "lib/calls.h"
#include "lib/device.h"
#include "suite.h"

#define STATUSES 0x27

static const uintptr_t nothing[MVT_ARGS_MAX];

static bool may_return(const struct mvt_call *call, int status)
{
        return (call->statuses >> status & 1) != 0;
}

START_TEST(every_call_can_be_told_to_return_each_status_it_documents)
{
        const struct mvt_call *call = &mvt_calls[_i];
        for (int status = 0; status < STATUSES; status++) {
                if (!may_return(call, status))
                        continue;
                ck_assert_msg(mvsim_fail(call->name, 1, (enum MvStatus)status) == 0, "%s, 0x%x", call->name, status);
                ck_assert_int_eq(call->make(nothing), status);
                const struct mvsim_reject *reject = mvsim_last_reject();
                ck_assert_str_eq(reject->call, call->name);
                ck_assert_int_eq(reject->status, status);
                ck_assert_str_eq(reject->field, "");
                ck_assert_ptr_nonnull(strstr(reject->message, "mvsim_fail()"));
        }
        ck_assert_uint_eq(mvt_open_handles(), 0);
}
END_TEST

START_TEST(no_call_can_be_told_to_return_another_status)
{
        const struct mvt_call *call = &mvt_calls[_i];
        for (int status = 0; status < STATUSES; status++) {
                if (!may_return(call, status))
                        ck_assert_int_eq(mvsim_fail(call->name, 1, (enum MvStatus)status), -EINVAL);
        }
        ck_assert_int_eq(mvsim_fail(call->name, 1, MV_STATUS__MAX), -EINVAL);
}
END_TEST

static enum MvStatus ask(void)
{
        uint64_t now;
        return mvGetMicroseconds(&now);
}

START_TEST(only_the_nth_call_fails)
{
        ck_assert_int_eq(mvsim_fail("mvGetMicroseconds", 3, MV_STATUS_PARAMETERFAULT), 0);
        ck_assert_int_eq(ask(), MV_STATUS_OKAY);
        ck_assert_int_eq(mvNoOp(), MV_STATUS_OKAY); /* counts for itself */
        ck_assert_int_eq(ask(), MV_STATUS_OKAY);
        ck_assert_int_eq(ask(), MV_STATUS_PARAMETERFAULT);
        ck_assert_int_eq(ask(), MV_STATUS_OKAY);
        ck_assert_uint_eq(mvt_statistics().refused, 1);
}
END_TEST

START_TEST(arming_again_replaces_the_fault)
{
        uint64_t now;
        ck_assert_int_eq(mvsim_fail("mvGetWallTime", 2, MV_STATUS_PARAMETERFAULT), 0);
        ck_assert_int_eq(mvsim_fail("mvGetWallTime", 1, MV_STATUS_TIMENOTSET), 0);
        mvsim_run_for(1000000);
        ck_assert_int_eq(mvGetWallTime(&now), MV_STATUS_TIMENOTSET);
        ck_assert_int_eq(mvGetWallTime(&now), MV_STATUS_OKAY);
        ck_assert_int_eq(mvGetWallTime(&now), MV_STATUS_OKAY);
}
END_TEST

START_TEST(faults_of_several_calls_do_not_mix)
{
        uint64_t now;
        uint32_t hz;
        ck_assert_int_eq(mvsim_fail("mvGetSysClk", 1, MV_STATUS_PARAMETERFAULT), 0);
        ck_assert_int_eq(mvsim_fail("mvGetWallTime", 1, MV_STATUS_TIMENOTSET), 0);
        ck_assert_int_eq(mvGetHClk(&hz), MV_STATUS_OKAY);
        ck_assert_int_eq(mvGetWallTime(&now), MV_STATUS_TIMENOTSET);
        ck_assert_int_eq(mvGetSysClk(&hz), MV_STATUS_PARAMETERFAULT);
        ck_assert_int_eq(mvGetSysClk(&hz), MV_STATUS_OKAY);
}
END_TEST

START_TEST(failing_call_has_no_effect)
{
        struct MvNotification ring[2];
        const struct MvNotificationSetup setup = {TIM2_IRQn, ring, sizeof ring};
        MvNotificationHandle centre = (MvNotificationHandle)1;
        ck_assert_int_eq(mvsim_fail("mvSetupNotifications", 1, MV_STATUS_TOOMANYNOTIFICATIONBUFFERS), 0);
        expect_reject(mvSetupNotifications(&setup, &centre), MV_STATUS_TOOMANYNOTIFICATIONBUFFERS, "");
        ck_assert_ptr_eq(centre, (MvNotificationHandle)1);
        ck_assert_uint_eq(mvt_open_handles(), 0);
        centre = mvt_centre_open(TIM2_IRQn, ring, 2);
        MvNotificationHandle copy = centre;
        ck_assert_int_eq(mvsim_fail("mvCloseNotifications", 1, MV_STATUS_INVALIDHANDLE), 0);
        expect_reject(mvCloseNotifications(&centre), MV_STATUS_INVALIDHANDLE, "");
        ck_assert_ptr_eq(centre, copy);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(unknown_call_and_zeroth_call_are_refused)
{
        ck_assert_int_eq(mvsim_fail("mvDoMagic", 1, MV_STATUS_PARAMETERFAULT), -EINVAL);
        ck_assert_int_eq(mvsim_fail("", 1, MV_STATUS_PARAMETERFAULT), -EINVAL);
        ck_assert_int_eq(mvsim_fail("mvGetSysClk", 0, MV_STATUS_PARAMETERFAULT), -EINVAL);
        ck_assert_int_eq(mvNoOp(), MV_STATUS_OKAY);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("fault");
        TCase *tests = tcase_create("fault");
        tcase_add_checked_fixture(tests, mvt_device_boot_virtual, mvt_device_end);
        tcase_add_loop_test(tests, every_call_can_be_told_to_return_each_status_it_documents, 0, mvt_call_count);
        tcase_add_loop_test(tests, no_call_can_be_told_to_return_another_status, 0, mvt_call_count);
        tcase_add_test(tests, only_the_nth_call_fails);
        tcase_add_test(tests, arming_again_replaces_the_fault);
        tcase_add_test(tests, faults_of_several_calls_do_not_mix);
        tcase_add_test(tests, failing_call_has_no_effect);
        tcase_add_test(tests, unknown_call_and_zeroth_call_are_refused);
        suite_add_tcase(suite, tests);
        return suite;
}
