/* Fast interrupts: marking, switching, pre-empting Microvisor, and what is done about handlers that go wrong. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stm32u5xx.h"

#include "lib/calls.h"
#include "lib/child.h"
#include "lib/device.h"
#include "suite.h"

#define FAST  TIM8_BRK_IRQn
#define OTHER TIM2_IRQn

static volatile unsigned runs;
static volatile uint32_t seen_ipsr;
static volatile enum MvStatus seen_status;
static void (*volatile in_handler)(void);

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        runs++;
        seen_ipsr = __get_IPSR();
        if (in_handler)
                in_handler();
}

static volatile unsigned other_runs;

void TIM2_IRQHandler(void);
void TIM2_IRQHandler(void)
{
        other_runs++;
}

static void forget(void)
{
        runs = other_runs = 0;
        in_handler = NULL;
        seen_status = MV_STATUS__MAX;
}

static void boot(void)
{
        forget();
        mvt_device_boot(NULL);
}

static void make_fast(uint32_t irq)
{
        expect_okay(mvSetFastInterrupt(irq));
        expect_okay(mvEnableFastInterrupt(irq));
}

static void pend(uint32_t irq)
{
        ck_assert_int_eq(mvsim_pend_irq(irq, 0), 0);
}

/* ---- marking ---- */

START_TEST(marked_line_stays_disabled_until_it_is_enabled)
{
        expect_okay(mvSetFastInterrupt(FAST));
        ck_assert_uint_eq(NVIC_GetEnableIRQ(FAST), 0);
        pend(FAST);
        ck_assert_uint_eq(runs, 0);
        expect_okay(mvEnableFastInterrupt(FAST));
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_eq(seen_ipsr, 16 + FAST);
        ck_assert_uint_eq(__get_IPSR(), 0);
}
END_TEST

START_TEST(marking_disables_a_line_that_was_enabled)
{
        NVIC_EnableIRQ(FAST);
        expect_okay(mvSetFastInterrupt(FAST));
        ck_assert_uint_eq(NVIC_GetEnableIRQ(FAST), 0);
}
END_TEST

START_TEST(marking_twice_is_fine_and_changes_nothing)
{
        make_fast(FAST);
        expect_okay(mvSetFastInterrupt(FAST));
        ck_assert_uint_eq(NVIC_GetEnableIRQ(FAST), 1);
        pend(FAST);
        ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(cleared_line_is_an_ordinary_one_again)
{
        make_fast(FAST);
        expect_okay(mvClearFastInterrupt(FAST));
        ck_assert_uint_eq(NVIC_GetEnableIRQ(FAST), 0);
        expect_reject(mvEnableFastInterrupt(FAST), MV_STATUS_INVALIDINTERRUPT, "irqn");
        NVIC_EnableIRQ(FAST);
        NVIC_SetPendingIRQ(FAST);
        ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(application_itself_cannot_switch_a_fast_line)
{
        char text[MVT_OUTPUT_SIZE];
        expect_okay(mvSetFastInterrupt(FAST));
        mvt_capture_begin();
        NVIC_EnableIRQ(FAST);
        uint32_t after_enable = NVIC_GetEnableIRQ(FAST);
        enum MvStatus status = mvEnableFastInterrupt(FAST);
        NVIC_DisableIRQ(FAST);
        uint32_t after_disable = NVIC_GetEnableIRQ(FAST);
        mvt_capture_end(text);
        expect_okay(status);
        ck_assert_uint_eq(after_enable, 0);
        ck_assert_uint_eq(after_disable, 1);
        ck_assert_uint_eq(mvt_count(text, "use mvEnableFastInterrupt"), 1);
        ck_assert_uint_eq(mvt_count(text, "use mvDisableFastInterrupt"), 1);
}
END_TEST

/* ---- refusals ---- */

START_TEST(line_that_does_not_exist_cannot_be_marked)
{
        expect_reject(mvSetFastInterrupt(125), MV_STATUS_INVALIDINTERRUPT, "irqn");
        expect_reject(mvSetFastInterrupt(UINT32_MAX), MV_STATUS_INVALIDINTERRUPT, "irqn");
}
END_TEST

START_TEST(reserved_line_cannot_be_marked)
{
        expect_reject(mvSetFastInterrupt(TIM3_IRQn), MV_STATUS_INVALIDINTERRUPT, "irqn");
}
END_TEST

START_TEST(line_of_a_centre_cannot_be_marked_before_the_centre_is_closed)
{
        static struct MvNotification ring[2];
        MvNotificationHandle centre = mvt_centre_open(FAST, ring, 2);
        expect_reject(mvSetFastInterrupt(FAST), MV_STATUS_INVALIDINTERRUPT, "irqn");
        mvt_centre_close(&centre);
        expect_okay(mvSetFastInterrupt(FAST));
}
END_TEST

START_TEST(fast_line_cannot_be_a_centres_before_it_is_cleared)
{
        static struct MvNotification ring[2];
        const struct MvNotificationSetup setup = {FAST, ring, sizeof ring};
        MvNotificationHandle centre = NULL;
        expect_okay(mvSetFastInterrupt(FAST));
        expect_reject(mvSetupNotifications(&setup, &centre), MV_STATUS_INVALIDINTERRUPT, "irq");
        expect_okay(mvClearFastInterrupt(FAST));
        centre = mvt_centre_open(FAST, ring, 2);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(line_without_a_handler_cannot_be_marked)
{
        expect_reject(mvSetFastInterrupt(TIM4_IRQn), MV_STATUS_INVALIDVECTOR, "irqn");
        NVIC_SetVector(TIM4_IRQn, (uintptr_t)TIM2_IRQHandler);
        make_fast(TIM4_IRQn);
        pend(TIM4_IRQn);
        ck_assert_uint_eq(other_runs, 1);
}
END_TEST

START_TEST(line_that_is_not_marked_cannot_be_switched_or_cleared)
{
        const uint32_t lines[] = {FAST, TIM3_IRQn, 125, UINT32_MAX};
        for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
                expect_reject(mvClearFastInterrupt(lines[i]), MV_STATUS_INVALIDINTERRUPT, "irqn");
                expect_reject(mvEnableFastInterrupt(lines[i]), MV_STATUS_INVALIDINTERRUPT, "irqn");
                expect_reject(mvDisableFastInterrupt(lines[i]), MV_STATUS_INVALIDINTERRUPT, "irqn");
        }
        NVIC_EnableIRQ(FAST);
        pend(FAST);
        ck_assert_uint_eq(runs, 1);
}
END_TEST

/* ---- switching ---- */

START_TEST(disabled_line_keeps_its_pend)
{
        make_fast(FAST);
        expect_okay(mvDisableFastInterrupt(FAST));
        pend(FAST);
        ck_assert_uint_eq(runs, 0);
        expect_okay(mvEnableFastInterrupt(FAST));
        ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(disable_all_holds_every_fast_line_back_and_no_other)
{
        make_fast(FAST);
        NVIC_EnableIRQ(OTHER);
        expect_okay(mvDisableAllFastInterrupts());
        pend(FAST);
        pend(OTHER);
        ck_assert_uint_eq(runs, 0);
        ck_assert_uint_eq(other_runs, 1);
        expect_okay(mvEnableAllFastInterrupts());
        ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(enable_all_undoes_disable_all_and_nothing_else)
{
        make_fast(FAST);
        expect_okay(mvSetFastInterrupt(OTHER)); /* never enabled */
        expect_okay(mvEnableAllFastInterrupts());
        ck_assert_uint_eq(NVIC_GetEnableIRQ(OTHER), 0);
        expect_okay(mvDisableAllFastInterrupts());
        expect_okay(mvDisableAllFastInterrupts());
        expect_okay(mvDisableFastInterrupt(FAST));
        expect_okay(mvEnableAllFastInterrupts());
        pend(FAST);
        pend(OTHER);
        ck_assert_uint_eq(runs + other_runs, 0);
        expect_okay(mvEnableFastInterrupt(FAST));
        ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(line_that_is_enabled_while_all_are_disabled_waits_for_enable_all)
{
        expect_okay(mvSetFastInterrupt(FAST));
        expect_okay(mvDisableAllFastInterrupts());
        expect_okay(mvEnableFastInterrupt(FAST));
        pend(FAST);
        ck_assert_uint_eq(runs, 0);
        expect_okay(mvEnableAllFastInterrupts());
        ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(the_two_for_all_do_without_any_fast_line)
{
        expect_okay(mvDisableAllFastInterrupts());
        expect_okay(mvEnableAllFastInterrupts());
}
END_TEST

/* ---- pre-empting Microvisor ---- */

static void call(void)
{
        seen_status = mvNoOp();
}

START_TEST(handler_that_interrupts_ordinary_code_may_call)
{
        in_handler = call;
        make_fast(FAST);
        NVIC_SetPendingIRQ(FAST);
        ck_assert_uint_eq(runs, 1);
        ck_assert_int_eq(seen_status, MV_STATUS_OKAY);
}
END_TEST

START_TEST(handler_that_preempts_microvisor_asleep_may_not_call)
{
        in_handler = call;
        make_fast(FAST);
        ck_assert_int_eq(mvsim_pend_irq(FAST, 1000), 0);
        expect_okay(mvPowerSave(MV_POWERSAVINGMODE_SLEEP));
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_eq(seen_ipsr, 16 + FAST);
        ck_assert_int_eq(seen_status, MV_STATUS_UNAVAILABLE);
        expect_okay(mvNoOp());
}
END_TEST

START_TEST(handler_that_preempts_a_call_may_not_call)
{
        in_handler = call;
        make_fast(FAST);
        ck_assert_int_eq(mvsim_pend_irq(FAST, 1), 0); /* within the next call's time */
        expect_okay(mvNoOp());
        ck_assert_uint_eq(runs, 1);
        ck_assert_int_eq(seen_status, MV_STATUS_UNAVAILABLE);
        ck_assert_str_eq(mvsim_last_reject()->call, "mvNoOp");
}
END_TEST

static const struct mvt_call *attempt;

static void make_it(void)
{
        static const uintptr_t nothing[MVT_ARGS_MAX];
        seen_status = attempt->make(nothing);
}

START_TEST(no_call_is_there_for_a_handler_that_preempts_microvisor)
{
        in_handler = make_it;
        make_fast(FAST);
        for (int i = 0; i < mvt_call_count; i++) {
                attempt = &mvt_calls[i];
                ck_assert_int_eq(mvsim_pend_irq(FAST, 1), 0);
                expect_okay(mvNoOp());
                expect_reject(seen_status, MV_STATUS_UNAVAILABLE, "");
                ck_assert_str_eq(mvsim_last_reject()->call, attempt->name);
                ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "that has pre-empted Microvisor"));
        }
        ck_assert_uint_eq(mvt_open_handles(), 0);
}
END_TEST

START_TEST(ordinary_interrupt_does_not_preempt_microvisor)
{
        in_handler = call;
        NVIC_EnableIRQ(FAST);
        ck_assert_int_eq(mvsim_pend_irq(FAST, 1), 0);
        expect_okay(mvNoOp());
        ck_assert_uint_eq(runs, 1);
        ck_assert_int_eq(seen_status, MV_STATUS_OKAY);
}
END_TEST

static volatile unsigned runs_inside;

static void pend_other(void)
{
        NVIC_SetPendingIRQ(OTHER);
        runs_inside = other_runs;
}

/* TIM2 is pended by a handler that runs inside Microvisor. */
static void pend_inside(void)
{
        in_handler = pend_other;
        make_fast(FAST);
        NVIC_SetPriority(FAST, 5);
        NVIC_SetPriority(OTHER, 4);
        ck_assert_int_eq(mvsim_pend_irq(FAST, 1), 0);
        expect_okay(mvNoOp());
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_eq(other_runs, 1);
}

START_TEST(more_urgent_ordinary_interrupt_waits_for_the_call_s_end)
{
        NVIC_EnableIRQ(OTHER);
        pend_inside();
        ck_assert_uint_eq(runs_inside, 0);
}
END_TEST

START_TEST(more_urgent_fast_interrupt_preempts_the_handler_inside_microvisor)
{
        make_fast(OTHER);
        pend_inside();
        ck_assert_uint_eq(runs_inside, 1);
}
END_TEST

START_TEST(mask_holds_fast_interrupts_back_inside_microvisor_too)
{
        make_fast(FAST);
        __disable_irq();
        ck_assert_int_eq(mvsim_pend_irq(FAST, 1), 0);
        expect_okay(mvNoOp());
        ck_assert_uint_eq(runs, 0);
        __enable_irq();
        ck_assert_uint_eq(runs, 1);
}
END_TEST

/* ---- handlers that hang, and floods: each in a child, which the device ends. The parent has none that could be in the
 * middle of something when the child is made. ---- */

#define WENT_ON 9

/* The four calls are refused from now on, the two for all are not; then time passes until the device's end. */
static void expect_shutting_down(void)
{
        if (mvSetFastInterrupt(FAST) != MV_STATUS_UNAVAILABLE || mvClearFastInterrupt(FAST) != MV_STATUS_UNAVAILABLE ||
            mvEnableFastInterrupt(FAST) != MV_STATUS_UNAVAILABLE ||
            mvDisableFastInterrupt(FAST) != MV_STATUS_UNAVAILABLE)
                _exit(3);
        if (mvDisableAllFastInterrupts() != MV_STATUS_OKAY || mvEnableAllFastInterrupts() != MV_STATUS_OKAY)
                _exit(4);
        mvsim_run_for(1000000);
        _exit(WENT_ON);
}

static void boot_fast(bool real_time, void (*handler)(void))
{
        forget();
        enum mvsim_time_mode time = real_time ? MVSIM_TIME_REAL : MVSIM_TIME_VIRTUAL;
        if (mvsim_boot(&(struct mvsim_options){.profile = "", .time = time}) != 0)
                _exit(5);
        in_handler = handler;
        if (mvSetFastInterrupt(FAST) != MV_STATUS_OKAY || mvEnableFastInterrupt(FAST) != MV_STATUS_OKAY)
                _exit(6);
}

static void expect_end(void (*body)(void), const char *report)
{
        struct mvt_child child;
        mvt_child_run(&child, body);
        ck_assert_msg(child.signal == SIGABRT, "status %d, signal %d: %s", child.exit_status, child.signal,
                      child.output);
        ck_assert_msg(mvt_count(child.output, report) == 1, "%s", child.output);
        ck_assert_uint_eq(mvt_count(child.output, "stopped because of its fast interrupt 51 (TIM8_BRK)"), 1);
}

static void take_150_ms(void)
{
        uint64_t start, now;
        for (mvGetMicroseconds(&start), now = start; now - start < 150000;)
                mvGetMicroseconds(&now);
}

static void return_too_late(void)
{
        boot_fast(false, take_150_ms);
        NVIC_SetPendingIRQ(FAST);
        expect_shutting_down();
}

START_TEST(handler_that_returns_too_late_ends_the_application)
{
        expect_end(return_too_late, "100 ms are allowed");
}
END_TEST

static void compute_for_ever(void)
{
        for (volatile unsigned i = 0;; i++)
                continue;
}

static void never_return_in_virtual_time(void)
{
        boot_fast(false, compute_for_ever);
        NVIC_SetPendingIRQ(FAST);
        _exit(WENT_ON);
}

static void never_return_in_real_time(void)
{
        boot_fast(true, compute_for_ever);
        NVIC_SetPendingIRQ(FAST);
        _exit(WENT_ON);
}

START_TEST(handler_that_never_returns_ends_the_application)
{
        expect_end(_i ? never_return_in_real_time : never_return_in_virtual_time, "its handler has been running for ");
}
END_TEST

static void never_return_inside(void)
{
        boot_fast(false, compute_for_ever);
        if (mvsim_pend_irq(FAST, 1000) != 0)
                _exit(7);
        mvPowerSave(MV_POWERSAVINGMODE_SLEEP);
        _exit(WENT_ON);
}

START_TEST(handler_that_never_returns_to_microvisor_ends_the_application)
{
        expect_end(never_return_inside, "its handler has been running for ");
}
END_TEST

static void flood(void)
{
        boot_fast(false, NULL);
        for (unsigned i = 0; i < 100000; i++)
                NVIC_SetPendingIRQ(FAST);
        if (mvDisableFastInterrupt(FAST) != MV_STATUS_OKAY || mvEnableFastInterrupt(FAST) != MV_STATUS_OKAY)
                _exit(7);
        NVIC_SetPendingIRQ(FAST);
        expect_shutting_down();
}

START_TEST(flood_ends_the_application)
{
        expect_end(flood, "100001 entries within a second");
}
END_TEST

/* ---- what is neither ---- */

START_TEST(dense_interrupts_over_several_seconds_are_no_flood)
{
        make_fast(FAST);
        for (unsigned i = 0; i < 150000; i++) {
                NVIC_SetPendingIRQ(FAST);
                if (i % 50000 == 0)
                        mvsim_run_for(1000000);
        }
        expect_okay(mvDisableFastInterrupt(FAST));
        ck_assert_uint_eq(runs, 150000);
}
END_TEST

static volatile bool flag;

static void raise_flag(void)
{
        flag = true;
}

static void spin(void)
{
        wait_outside_until(flag);
}

/* Virtual time jumps a minute while the handler spins for a moment; that is no hang. */
START_TEST(jump_of_virtual_time_in_a_handler_does_not_count)
{
        flag = false;
        in_handler = spin;
        make_fast(FAST);
        NVIC_SetPriority(FAST, 3);
        NVIC_SetVector(OTHER, (uintptr_t)raise_flag);
        NVIC_EnableIRQ(OTHER);
        ck_assert_int_eq(mvsim_pend_irq(OTHER, 60000000), 0);
        NVIC_SetPendingIRQ(FAST);
        ck_assert_uint_ge(mvsim_now_us(), 60000000);
        expect_okay(mvDisableFastInterrupt(FAST));
}
END_TEST

/* An ordinary interrupt's handler may take its time. */
START_TEST(ordinary_handler_is_not_timed)
{
        in_handler = take_150_ms;
        NVIC_EnableIRQ(FAST);
        NVIC_SetPendingIRQ(FAST);
        expect_okay(mvSetFastInterrupt(FAST));
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tests = tcase_create(name);
        tcase_add_checked_fixture(tests, boot, mvt_device_end);
        tcase_set_timeout(tests, 30);
        suite_add_tcase(suite, tests);
        return tests;
}

Suite *suite(void)
{
        Suite *suite = suite_create("fast");
        TCase *lines = add_case(suite, "marking and switching");
        tcase_add_test(lines, marked_line_stays_disabled_until_it_is_enabled);
        tcase_add_test(lines, marking_disables_a_line_that_was_enabled);
        tcase_add_test(lines, marking_twice_is_fine_and_changes_nothing);
        tcase_add_test(lines, cleared_line_is_an_ordinary_one_again);
        tcase_add_test(lines, application_itself_cannot_switch_a_fast_line);
        tcase_add_test(lines, line_that_does_not_exist_cannot_be_marked);
        tcase_add_test(lines, reserved_line_cannot_be_marked);
        tcase_add_test(lines, line_of_a_centre_cannot_be_marked_before_the_centre_is_closed);
        tcase_add_test(lines, fast_line_cannot_be_a_centres_before_it_is_cleared);
        tcase_add_test(lines, line_without_a_handler_cannot_be_marked);
        tcase_add_test(lines, line_that_is_not_marked_cannot_be_switched_or_cleared);
        tcase_add_test(lines, disabled_line_keeps_its_pend);
        tcase_add_test(lines, disable_all_holds_every_fast_line_back_and_no_other);
        tcase_add_test(lines, enable_all_undoes_disable_all_and_nothing_else);
        tcase_add_test(lines, line_that_is_enabled_while_all_are_disabled_waits_for_enable_all);
        tcase_add_test(lines, the_two_for_all_do_without_any_fast_line);
        TCase *preempting = add_case(suite, "pre-empting Microvisor");
        tcase_add_test(preempting, handler_that_interrupts_ordinary_code_may_call);
        tcase_add_test(preempting, handler_that_preempts_microvisor_asleep_may_not_call);
        tcase_add_test(preempting, handler_that_preempts_a_call_may_not_call);
        tcase_add_test(preempting, no_call_is_there_for_a_handler_that_preempts_microvisor);
        tcase_add_test(preempting, ordinary_interrupt_does_not_preempt_microvisor);
        tcase_add_test(preempting, more_urgent_ordinary_interrupt_waits_for_the_call_s_end);
        tcase_add_test(preempting, more_urgent_fast_interrupt_preempts_the_handler_inside_microvisor);
        tcase_add_test(preempting, mask_holds_fast_interrupts_back_inside_microvisor_too);
        TCase *trouble = tcase_create("hangs and floods");
        tcase_set_timeout(trouble, 30);
        suite_add_tcase(suite, trouble);
        tcase_add_test(trouble, handler_that_returns_too_late_ends_the_application);
        tcase_add_loop_test(trouble, handler_that_never_returns_ends_the_application, 0, 2);
        tcase_add_test(trouble, handler_that_never_returns_to_microvisor_ends_the_application);
        tcase_add_test(trouble, flood_ends_the_application);
        TCase *fine = add_case(suite, "neither hang nor flood");
        tcase_add_test(fine, dense_interrupts_over_several_seconds_are_no_flood);
        tcase_add_test(fine, jump_of_virtual_time_in_a_handler_does_not_count);
        tcase_add_test(fine, ordinary_handler_is_not_timed);
        return suite;
}
