/* Ends of the application's life that a test catches, and the lives that follow in the same process. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stm32u5xx.h"

#include "lib/child.h"
#include "lib/device.h"
#include "lib/life.h"
#include "suite.h"

static volatile unsigned runs;
static volatile enum MvStatus seen_status;
static void (*volatile in_handler)(void);

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        runs++;
        if (in_handler)
                in_handler();
}

static void boot(const char *profile)
{
        runs = 0;
        in_handler = NULL;
        mvt_device_boot(&(struct mvt_device){.leaves_handles = true, .profile = profile});
}

static void boot_plain(void)
{
        boot(NULL);
}

/* ---- what a life does ---- */

static MvNotificationHandle centre;
static MvNetworkHandle network;
static struct MvNotification ring[2];

static void request_network(void)
{
        centre = mvt_centre_open(TIM2_IRQn, ring, 2);
        NVIC_DisableIRQ(TIM2_IRQn);
        network = mvt_network_request(centre, 1);
}

static void poll(void *unused)
{
        for (uint64_t now;;)
                expect_okay(mvGetMicroseconds(&now));
        (void)unused;
}

static void wait_for_interrupts(void *unused)
{
        (void)unused;
        for (;;)
                __WFI();
}

/* ---- refusals ---- */

static void restart_in_handler(void)
{
        seen_status = mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE);
}

static void sleep_in_handler(void)
{
        seen_status = mvDeepSleep(MV_DEEPSLEEPMODE_STANDBY);
}

START_TEST(no_life_ends_in_a_handler)
{
        in_handler = _i ? sleep_in_handler : restart_in_handler;
        mvt_network_turn_off();
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 1);
        expect_reject(seen_status, MV_STATUS_UNAVAILABLE, "");
        expect_okay(mvNoOp());
}
END_TEST

START_TEST(unknown_modes_are_refused)
{
        mvt_network_turn_off();
        expect_reject(mvRestart((enum MvRestartMode)1), MV_STATUS_PARAMETERFAULT, "mode");
        expect_reject(mvDeepSleep((enum MvDeepSleepMode)2), MV_STATUS_PARAMETERFAULT, "mode");
        expect_reject(mvDeepSleep((enum MvDeepSleepMode)0xff), MV_STATUS_PARAMETERFAULT, "mode");
        expect_okay(mvNoOp());
}
END_TEST

static void expect_busy(void)
{
        expect_reject(mvDeepSleep(MV_DEEPSLEEPMODE_STANDBY), MV_STATUS_MICROVISORBUSY, "");
        expect_reject(mvDeepSleep(MV_DEEPSLEEPMODE_SHUTDOWN), MV_STATUS_MICROVISORBUSY, "");
        expect_okay(mvNoOp());
}

START_TEST(deep_sleep_needs_the_network_off)
{
        expect_busy(); /* Microvisor connects by itself */
        request_network();
        expect_busy();
        mvt_network_wait(network, MV_NETWORKSTATUS_CONNECTED);
        expect_busy();
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        expect_busy();
        mvt_network_release(&network);
        mvt_centre_close(&centre);
        expect_busy(); /* it is not down yet */
        mvsim_run_for(1000);
        mvt_fall_asleep(MV_DEEPSLEEPMODE_STANDBY);
}
END_TEST

/* ---- catching ---- */

START_TEST(a_restart_is_caught)
{
        struct mvsim_ending ending;
        mvsim_run_for(5000);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, &ending));
        ck_assert_int_eq(ending.kind, MVSIM_ENDING_RESTART);
        ck_assert_str_eq(ending.call, "mvRestart");
        ck_assert_uint_eq(ending.argument, MV_RESTARTMODE_AUTOAPPLYUPDATE);
        ck_assert_int_eq(ending.reason, MV_WAKEREASON_REMOTEAPPLICATIONRESTART);
        ck_assert_uint_ge(ending.microseconds, 5000);
        ck_assert_uint_le(ending.microseconds, mvsim_now_us());
}
END_TEST

START_TEST(deep_sleep_is_caught)
{
        enum MvDeepSleepMode mode = MV_DEEPSLEEPMODE_SHUTDOWN;
        struct mvsim_ending ending;
        ck_assert(mvsim_catch(mvt_life_sleeps, &mode, &ending));
        ck_assert_int_eq(ending.kind, MVSIM_ENDING_DEEP_SLEEP);
        ck_assert_str_eq(ending.call, "mvDeepSleep");
        ck_assert_uint_eq(ending.argument, MV_DEEPSLEEPMODE_SHUTDOWN);
        ck_assert_int_eq(ending.reason, MV_WAKEREASON_COLDBOOT);
}
END_TEST

static void be_refused(void *count)
{
        expect_reject(mvRestart((enum MvRestartMode)9), MV_STATUS_PARAMETERFAULT, "mode");
        ++*(int *)count;
}

START_TEST(an_application_that_returns_is_not_caught)
{
        int count = 0;
        struct mvsim_ending ending = {.argument = 99};
        ck_assert(!mvsim_catch(be_refused, &count, &ending));
        ck_assert_int_eq(count, 1);
        ck_assert_uint_eq(ending.argument, 99);
}
END_TEST

static void mask_and_restart(void *unused)
{
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, NULL);
        __disable_irq();
        mvt_life_restarts(unused);
}

START_TEST(what_the_application_has_masked_is_as_before)
{
        sigset_t before, after;
        pthread_sigmask(SIG_SETMASK, NULL, &before);
        ck_assert(mvsim_catch(mask_and_restart, NULL, NULL));
        pthread_sigmask(SIG_SETMASK, NULL, &after);
        for (int signal = 1; signal < SIGRTMAX; signal++)
                ck_assert_int_eq(sigismember(&before, signal), sigismember(&after, signal));
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_uint_eq(__get_PRIMASK(), 0);
}
END_TEST

static void catch_inside(void *caught)
{
        *(bool *)caught = mvsim_catch(mvt_life_restarts, NULL, NULL);
}

START_TEST(the_innermost_catches)
{
        bool inside = false;
        ck_assert(!mvsim_catch(catch_inside, &inside, NULL));
        ck_assert(inside);
}
END_TEST

static void shut_down(void *unused)
{
        (void)unused;
        mvsim_shutdown();
}

START_TEST(the_application_may_shut_the_device_down)
{
        ck_assert(!mvsim_catch(shut_down, NULL, NULL));
        ck_assert_int_eq(mvsim_boot(&(struct mvsim_options){.profile = "", .time = MVSIM_TIME_VIRTUAL}), 0);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
}
END_TEST

/* ---- between two lives ---- */

START_TEST(afterwards_every_call_is_refused)
{
        const struct MvOpenChannelParams params = {.version = 1};
        MvChannelHandle channel = NULL;
        uint64_t now = 1;
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        expect_reject(mvOpenChannel(&params, &channel), MV_STATUS_UNAVAILABLE, "");
        expect_reject(mvGetMicroseconds(&now), MV_STATUS_UNAVAILABLE, "");
        expect_reject(mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE), MV_STATUS_UNAVAILABLE, "");
        ck_assert_ptr_null(channel);
        ck_assert_uint_eq(now, 1);
}
END_TEST

START_TEST(afterwards_no_interrupt_comes_and_time_may_pass)
{
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        SysTick_Config(1600);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        uint64_t then = mvsim_now_us();
        ck_assert_int_eq(mvsim_pend_irq(TIM8_BRK_IRQn, 0), 0);
        mvsim_run_for(1000000);
        __WFI();
        ck_assert_uint_eq(runs, 0);
        ck_assert_uint_ge(mvsim_now_us(), then + 1000000);
}
END_TEST

START_TEST(handles_that_were_open_are_told)
{
        mvt_centre_open(TIM8_BRK_IRQn, ring, 2);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        ck_assert_uint_eq(mvt_open_handles(), 1);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_uint_eq(mvt_open_handles(), 0);
        ck_assert_uint_eq(NVIC_GetEnableIRQ(TIM8_BRK_IRQn), 0);
}
END_TEST

/* ---- the next life ---- */

START_TEST(the_next_life_keeps_what_the_device_keeps)
{
        uint64_t now, wall, before_us, before_wall_us;
        uint8_t id[34], before_id[34];
        ck_assert_uint_eq(mvt_use_flash(0x5a), 0xff);
        mvsim_run_for(1000000);
        expect_okay(mvGetDeviceId(before_id, sizeof before_id));
        expect_okay(mvGetMicroseconds(&before_us));
        expect_okay(mvGetWallTime(&before_wall_us));
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_int_eq(mvt_wake_reason(), MV_WAKEREASON_REMOTEAPPLICATIONRESTART);
        expect_okay(mvGetDeviceId(id, sizeof id));
        expect_okay(mvGetMicroseconds(&now));
        expect_okay(mvGetWallTime(&wall));
        ck_assert_mem_eq(id, before_id, sizeof id);
        ck_assert_uint_ge(now, before_us);
        ck_assert_uint_lt(now, before_us + 1000);
        ck_assert_uint_eq(wall - now, before_wall_us - before_us + wall - now - (before_wall_us - before_us));
        ck_assert_uint_lt(wall - before_wall_us, 1000);
        ck_assert_uint_eq(mvt_use_flash(0xff), 0x5a);
}
END_TEST

START_TEST(microvisor_stays_connected)
{
        mvsim_run_for(1000000);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        ck_assert_int_eq(mvsim_boot_again(), 0);
        request_network();
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
}
END_TEST

START_TEST(there_may_be_many_lives)
{
        for (unsigned life = 0; life < 20; life++) {
                ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
                ck_assert_int_eq(mvsim_boot_again(), 0);
        }
        mvt_use_flash(0x01);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_uint_eq(mvt_use_flash(0xff), 0x01);
}
END_TEST

START_TEST(a_device_that_lives_does_not_boot_again)
{
        ck_assert_int_eq(mvsim_boot_again(), -EINVAL);
        expect_okay(mvNoOp());
        mvsim_shutdown();
        ck_assert_int_eq(mvsim_boot_again(), -EINVAL);
}
END_TEST

START_TEST(after_a_shut_down_nothing_is_kept)
{
        mvt_use_flash(0x5a);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        mvsim_shutdown();
        ck_assert_int_eq(mvsim_boot(&(struct mvsim_options){.profile = "", .time = MVSIM_TIME_VIRTUAL}), 0);
        ck_assert_int_eq(mvt_wake_reason(), MV_WAKEREASON_COLDBOOT);
        ck_assert_uint_eq(mvt_use_flash(0xff), 0xff);
}
END_TEST

/* ---- from outside ---- */

static const enum MvWakeReason device_reasons[] = {
        MV_WAKEREASON_COLDBOOT,
        MV_WAKEREASON_REMOTEMICROVISORRESTART,
        MV_WAKEREASON_MICROVISORCRASH,
        MV_WAKEREASON_MICROVISORWATCHDOG,
        MV_WAKEREASON_MICROVISOROUTOFMEMORY,
        MV_WAKEREASON_MICROVISORERROR,
        MV_WAKEREASON_MICROVISORUPDATE,
        MV_WAKEREASON_OPTIONBYTES,
};

static bool starts_device(enum MvWakeReason reason)
{
        for (size_t i = 0; i < sizeof device_reasons / sizeof device_reasons[0]; i++) {
                if (device_reasons[i] == reason)
                        return true;
        }
        return false;
}

static void be_restarted(void *reason)
{
        ck_assert_int_eq(mvsim_restart(*(enum MvWakeReason *)reason), 0);
        ck_abort_msg("the application goes on");
}

START_TEST(the_device_may_restart_for_any_other_reason)
{
        enum MvWakeReason reason = (enum MvWakeReason)_i;
        struct mvsim_ending ending;
        mvsim_run_for(1000000);
        ck_assert(mvsim_catch(be_restarted, &reason, &ending));
        ck_assert_int_eq(ending.kind, MVSIM_ENDING_RESTART);
        ck_assert_ptr_null(ending.call);
        ck_assert_int_eq(ending.reason, reason);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_int_eq(mvt_wake_reason(), reason);
        ck_assert_int_eq(mvsim_now_us() < 1000, starts_device(reason));
}
END_TEST

START_TEST(it_does_not_restart_for_what_is_no_such_reason)
{
        for (int reason = MV_WAKEREASON_DEEPSLEEPCHECKIN; reason < 20; reason++)
                ck_assert_int_eq(mvsim_restart((enum MvWakeReason)reason), -EINVAL);
        ck_assert_int_eq(mvsim_restart((enum MvWakeReason) - 1), -EINVAL);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        ck_assert_int_eq(mvsim_restart(MV_WAKEREASON_DEBUGGERRESTART), -EALREADY);
}
END_TEST

static void *restart_from_outside(void *unused)
{
        wait_outside_until(mvt_statistics().calls > 3);
        ck_assert_int_eq(mvsim_restart(MV_WAKEREASON_REMOTEAPPLICATIONRESTART), 0);
        return unused;
}

static void call_and_wait(void *unused)
{
        for (unsigned i = 0; i < 4; i++)
                expect_okay(mvNoOp());
        wait_for_interrupts(unused);
}

static void call_and_sleep(void *unused)
{
        for (unsigned i = 0; i < 4; i++)
                expect_okay(mvNoOp());
        for (;;)
                mvPowerSave(MV_POWERSAVINGMODE_SLEEP);
        (void)unused;
}

START_TEST(the_application_is_left_where_it_calls_or_waits)
{
        void (*const ways[])(void *) = {poll, call_and_wait, call_and_sleep};
        pthread_t thread;
        mvt_device_end();
        mvt_device_boot_real();
        ck_assert_int_eq(pthread_create(&thread, NULL, restart_from_outside, NULL), 0);
        ck_assert(mvsim_catch(ways[_i], NULL, NULL));
        pthread_join(thread, NULL);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        ck_assert_int_eq(mvt_wake_reason(), MV_WAKEREASON_REMOTEAPPLICATIONRESTART);
}
END_TEST

static void restart_from_a_handler(void)
{
        const char *volatile text = "the handler goes on";
        ck_assert_int_eq(mvsim_restart(MV_WAKEREASON_DEBUGGERRESTART), 0);
        seen_status = mvNoOp();
        (void)text;
}

START_TEST(a_handler_is_not_left_but_what_it_interrupted)
{
        in_handler = restart_from_a_handler;
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        ck_assert_int_eq(mvsim_pend_irq(TIM8_BRK_IRQn, 5000), 0);
        ck_assert(mvsim_catch(wait_for_interrupts, NULL, NULL));
        ck_assert_uint_eq(runs, 1);
        ck_assert_int_eq(seen_status, MV_STATUS_UNAVAILABLE);
}
END_TEST

static void restart(void)
{
        ck_assert_int_eq(mvsim_restart(MV_WAKEREASON_DEBUGGERRESTART), 0);
}

static void run_for_ever(void *unused)
{
        (void)unused;
        mvsim_run_for(UINT64_MAX);
}

START_TEST(running_for_ever_ends_with_the_life)
{
        struct mvsim_ending ending;
        in_handler = restart;
        mvsim_run_for(1000);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        ck_assert_int_eq(mvsim_pend_irq(TIM2_IRQn, UINT64_MAX), 0);
        ck_assert_int_eq(mvsim_pend_irq(TIM8_BRK_IRQn, 5000), 0);
        ck_assert_int_eq(NVIC_GetPendingIRQ(TIM2_IRQn), 0);
        ck_assert(mvsim_catch(run_for_ever, NULL, &ending));
        ck_assert_uint_ge(ending.microseconds, 5000);
        ck_assert_int_eq(NVIC_GetPendingIRQ(TIM2_IRQn), 0);
}
END_TEST

/* ---- the callback ---- */

static jmp_buf out;
static struct mvsim_ending told;

static void jump_out(const struct mvsim_ending *ending, void *context)
{
        told = *ending;
        *(int *)context += 1;
        longjmp(out, 1);
}

START_TEST(a_callback_may_jump_out_in_every_life)
{
        static int count;
        static enum MvDeepSleepMode standby = MV_DEEPSLEEPMODE_STANDBY;
        count = 0;
        mvsim_on_ending(jump_out, &count);
        if (setjmp(out) == 0)
                mvt_life_restarts(NULL);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        if (setjmp(out) == 0)
                mvt_life_sleeps(&standby);
        ck_assert_int_eq(count, 2);
        ck_assert_int_eq(told.kind, MVSIM_ENDING_DEEP_SLEEP);
}
END_TEST

/* As in a test of a suite that forks for each, and did not catch the end. */
static void restart_in_a_fork(void)
{
        const struct mvsim_options options = {.profile = "", .time = MVSIM_TIME_VIRTUAL};
        if (mvsim_boot(&options) == 0)
                mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE);
        _exit(EXIT_FAILURE);
}

START_TEST(an_end_that_nobody_catches_does_not_start_the_suite_again)
{
        struct mvt_child child;
        mvt_child_run(&child, restart_in_a_fork);
        ck_assert_int_eq(child.exit_status, 2);
        ck_assert_str_eq(
                child.output,
                "mvsim: mvRestart: the application cannot start again in a process that was forked, which would "
                "run the whole program anew (in a test, catch the end with mvsim_catch()); the process ends "
                "with status 2\n");
}
END_TEST

static void *restart_on_thread(void *unused)
{
        mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE);
        return unused;
}

static void run_a_thread(void *unused)
{
        pthread_t thread;
        (void)unused;
        pthread_create(&thread, NULL, restart_on_thread, NULL);
        pthread_join(thread, NULL);
}

static void leave_thread(const struct mvsim_ending *ending, void *context)
{
        *(struct mvsim_ending *)context = *ending;
        pthread_exit(NULL);
}

START_TEST(a_callback_serves_where_another_thread_ends_the_life)
{
        struct mvsim_ending ending = {.call = NULL};
        mvsim_on_ending(leave_thread, &ending);
        run_a_thread(NULL);
        ck_assert_str_eq(ending.call, "mvRestart");
        ck_assert_int_eq(mvsim_boot_again(), 0);
        mvsim_on_ending(NULL, NULL);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("ending");
        TCase *tests = tcase_create("ending");
        tcase_add_checked_fixture(tests, boot_plain, mvt_device_end);
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, no_life_ends_in_a_handler, 0, 2);
        tcase_add_test(tests, an_end_that_nobody_catches_does_not_start_the_suite_again);
        tcase_add_test(tests, unknown_modes_are_refused);
        tcase_add_test(tests, deep_sleep_needs_the_network_off);
        tcase_add_test(tests, a_restart_is_caught);
        tcase_add_test(tests, deep_sleep_is_caught);
        tcase_add_test(tests, an_application_that_returns_is_not_caught);
        tcase_add_test(tests, what_the_application_has_masked_is_as_before);
        tcase_add_test(tests, the_innermost_catches);
        tcase_add_test(tests, the_application_may_shut_the_device_down);
        tcase_add_test(tests, afterwards_every_call_is_refused);
        tcase_add_test(tests, afterwards_no_interrupt_comes_and_time_may_pass);
        tcase_add_test(tests, handles_that_were_open_are_told);
        tcase_add_test(tests, the_next_life_keeps_what_the_device_keeps);
        tcase_add_test(tests, microvisor_stays_connected);
        tcase_add_test(tests, there_may_be_many_lives);
        tcase_add_test(tests, a_device_that_lives_does_not_boot_again);
        tcase_add_test(tests, after_a_shut_down_nothing_is_kept);
        tcase_add_loop_test(tests, the_device_may_restart_for_any_other_reason, MV_WAKEREASON_COLDBOOT,
                            MV_WAKEREASON_DEEPSLEEPCHECKIN);
        tcase_add_test(tests, it_does_not_restart_for_what_is_no_such_reason);
        tcase_add_loop_test(tests, the_application_is_left_where_it_calls_or_waits, 0, 3);
        tcase_add_test(tests, a_handler_is_not_left_but_what_it_interrupted);
        tcase_add_test(tests, running_for_ever_ends_with_the_life);
        tcase_add_test(tests, a_callback_may_jump_out_in_every_life);
        tcase_add_test(tests, a_callback_serves_where_another_thread_ends_the_life);
        suite_add_tcase(suite, tests);
        return suite;
}
