/* What ends deep sleep, and what the next life is told. */
#include <errno.h>
#include <pthread.h>

#include "stm32u5xx.h"

#include "lib/child.h"
#include "lib/device.h"
#include "lib/life.h"
#include "suite.h"

static void boot(const char *profile)
{
        mvt_device_boot(&(struct mvt_device){.leaves_handles = true, .profile = profile});
}

static void boot_plain(void)
{
        boot(NULL);
}

START_TEST(the_alarm_wakes)
{
        ck_assert_int_eq(mvsim_pend_irq(RTC_IRQn, 3000000), 0);
        mvt_fall_asleep(MV_DEEPSLEEPMODE_STANDBY);
        ck_assert_uint_lt(mvsim_now_us(), 1000000);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_uint_ge(mvsim_now_us(), 3000000);
        ck_assert_uint_lt(mvsim_now_us(), 3001000);
        ck_assert_int_eq(mvt_wake_reason(), MV_WAKEREASON_DEEPSLEEPAPPLICATIONRTC);
}
END_TEST

START_TEST(an_alarm_that_came_first_lets_nobody_sleep)
{
        ck_assert_int_eq(mvsim_pend_irq(RTC_IRQn, 0), 0);
        mvt_fall_asleep(MV_DEEPSLEEPMODE_STANDBY);
        uint64_t then = mvsim_now_us();
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_uint_eq(mvsim_now_us(), then);
        ck_assert_int_eq(mvt_wake_reason(), MV_WAKEREASON_DEEPSLEEPAPPLICATIONRTC);
}
END_TEST

static const unsigned pins[] = {EXTI0_IRQn, EXTI15_IRQn, TAMP_IRQn};

START_TEST(a_pin_wakes)
{
        mvt_fall_asleep(MV_DEEPSLEEPMODE_STANDBY);
        ck_assert_int_eq(mvsim_pend_irq(pins[_i], 1000), 0);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_int_eq(mvt_wake_reason(), MV_WAKEREASON_DEEPSLEEPAPPLICATION);
}
END_TEST

START_TEST(another_line_does_not_wake_and_is_told)
{
        static char said[MVT_OUTPUT_SIZE];
        mvt_fall_asleep(MV_DEEPSLEEPMODE_STANDBY);
        ck_assert_int_eq(mvsim_pend_irq(TIM8_BRK_IRQn, 1000), 0);
        ck_assert_int_eq(mvsim_pend_irq(RTC_IRQn, 2000000), 0);
        mvt_capture_begin();
        int result = mvsim_boot_again();
        mvt_capture_end(said);
        ck_assert_int_eq(result, 0);
        ck_assert_int_eq(mvt_wake_reason(), MV_WAKEREASON_DEEPSLEEPAPPLICATIONRTC);
        ck_assert_uint_eq(mvt_count(said, "IRQ 51 (TIM8_BRK) does not end deep sleep"), 1);
}
END_TEST

START_TEST(a_test_wakes_for_any_reason_of_deep_sleep)
{
        const enum MvWakeReason reason = (enum MvWakeReason)_i;
        mvt_fall_asleep(MV_DEEPSLEEPMODE_STANDBY);
        uint64_t then = mvsim_now_us();
        ck_assert_int_eq(mvsim_wake(MV_WAKEREASON_DEEPSLEEPOTHER, 1000000000), 0); /* is replaced */
        ck_assert_int_eq(mvsim_wake(reason, 7000), 0);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_uint_eq(mvsim_now_us(), then + 7000);
        ck_assert_int_eq(mvt_wake_reason(), reason);
}
END_TEST

START_TEST(other_reasons_do_not_wake)
{
        for (int reason = MV_WAKEREASON_COLDBOOT; reason < MV_WAKEREASON_DEEPSLEEPCHECKIN; reason++)
                ck_assert_int_eq(mvsim_wake((enum MvWakeReason)reason, 0), -EINVAL);
        ck_assert_int_eq(mvsim_wake((enum MvWakeReason)(MV_WAKEREASON_DEEPSLEEPOTHER + 1), 0), -EINVAL);
}
END_TEST

START_TEST(what_wakes_too_early_is_ignored)
{
        ck_assert_int_eq(mvsim_wake(MV_WAKEREASON_DEEPSLEEPMODEM, 0), 0);
        mvsim_run_for(10);
        ck_assert_int_eq(mvsim_pend_irq(RTC_IRQn, 1000000), 0);
        mvt_fall_asleep(MV_DEEPSLEEPMODE_STANDBY);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_int_eq(mvt_wake_reason(), MV_WAKEREASON_DEEPSLEEPAPPLICATIONRTC);
}
END_TEST

START_TEST(the_check_in_wakes_unless_something_is_earlier)
{
        mvt_device_end();
        boot("power: {check_in_ms: 60000}\n");
        if (_i)
                ck_assert_int_eq(mvsim_pend_irq(RTC_IRQn, 59000000), 0);
        mvt_fall_asleep(MV_DEEPSLEEPMODE_STANDBY);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_int_eq(mvt_wake_reason(),
                         _i ? MV_WAKEREASON_DEEPSLEEPAPPLICATIONRTC : MV_WAKEREASON_DEEPSLEEPCHECKIN);
        ck_assert_uint_ge(mvsim_now_us(), _i ? 59000000 : 60000000);
}
END_TEST

START_TEST(shutdown_ends_in_a_cold_boot)
{
        uint64_t wall;
        mvt_use_flash(0x5a);
        mvsim_run_for(1000000);
        expect_okay(mvGetWallTime(&wall));
        mvt_fall_asleep(MV_DEEPSLEEPMODE_SHUTDOWN);
        ck_assert_int_eq(mvsim_wake(MV_WAKEREASON_DEEPSLEEPAPPLICATION, 5000000), 0);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_int_eq(mvt_wake_reason(), MV_WAKEREASON_COLDBOOT);
        ck_assert_uint_lt(mvsim_now_us(), 1000);
        expect_reject(mvGetWallTime(&wall), MV_STATUS_TIMENOTSET, "");
        ck_assert_uint_eq(mvt_use_flash(0xff), 0x5a);
}
END_TEST

static void *wake_soon(void *unused)
{
        ck_assert_int_eq(mvsim_wake(MV_WAKEREASON_DEEPSLEEPMODEM, 1000), 0);
        return unused;
}

START_TEST(another_thread_wakes_in_real_time)
{
        pthread_t thread;
        mvt_device_end();
        mvt_device_boot_real();
        ck_assert_int_eq(mvsim_pend_irq(RTC_IRQn, 60000000), 0);
        mvt_fall_asleep(MV_DEEPSLEEPMODE_STANDBY);
        ck_assert_int_eq(pthread_create(&thread, NULL, wake_soon, NULL), 0);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        pthread_join(thread, NULL);
        ck_assert_int_eq(mvt_wake_reason(), MV_WAKEREASON_DEEPSLEEPMODEM);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("waking");
        TCase *tests = tcase_create("waking");
        tcase_add_checked_fixture(tests, boot_plain, mvt_device_end);
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, the_alarm_wakes);
        tcase_add_test(tests, an_alarm_that_came_first_lets_nobody_sleep);
        tcase_add_loop_test(tests, a_pin_wakes, 0, sizeof pins / sizeof pins[0]);
        tcase_add_test(tests, another_line_does_not_wake_and_is_told);
        tcase_add_loop_test(tests, a_test_wakes_for_any_reason_of_deep_sleep, MV_WAKEREASON_DEEPSLEEPCHECKIN,
                            MV_WAKEREASON_DEEPSLEEPOTHER + 1);
        tcase_add_test(tests, other_reasons_do_not_wake);
        tcase_add_test(tests, what_wakes_too_early_is_ignored);
        tcase_add_loop_test(tests, the_check_in_wakes_unless_something_is_earlier, 0, 2);
        tcase_add_test(tests, shutdown_ends_in_a_cold_boot);
        tcase_add_test(tests, another_thread_wakes_in_real_time);
        suite_add_tcase(suite, tests);
        return suite;
}
