/* The interrupt controller and the processor, as an application meets them through the CMSIS names. */
#include <string.h>

#include "stm32u5xx.h"

#include "lib/child.h"
#include "lib/device.h"
#include "suite.h"

#define RUNS_MAX 64

/* ---- handlers: each notes that it ran, then does what the test wants ---- */

static volatile unsigned runs;           /* how many handlers were entered */
static volatile int32_t order[RUNS_MAX]; /* which, in order of entry */
static void (*volatile in_tim8)(void);
static void (*volatile in_tim2)(void);

static void note(int32_t irq)
{
        if (runs < RUNS_MAX)
                order[runs] = irq;
        runs++;
}

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        note(TIM8_BRK_IRQn);
        if (in_tim8)
                in_tim8();
}

void TIM2_IRQHandler(void);
void TIM2_IRQHandler(void)
{
        note(TIM2_IRQn);
        if (in_tim2)
                in_tim2();
}

void TIM1_BRK_IRQHandler(void);
void TIM1_BRK_IRQHandler(void)
{
        note(TIM1_BRK_IRQn);
}

static void boot(void)
{
        runs = 0;
        in_tim8 = NULL;
        in_tim2 = NULL;
        mvt_device_boot(NULL);
}

static void enable(int32_t irq, uint32_t priority)
{
        NVIC_SetPriority((IRQn_Type)irq, priority);
        NVIC_EnableIRQ((IRQn_Type)irq);
}

/* ---- one line ---- */

START_TEST(handler_runs_once_for_each_pend)
{
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 0);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 1);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 2);
        mvsim_run_for(1000);
        ck_assert_uint_eq(runs, 2);
        ck_assert_uint_eq(mvt_statistics().interrupts, 2);
}
END_TEST

START_TEST(disabled_line_keeps_its_pend_until_it_is_enabled)
{
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 0);
        ck_assert_uint_eq(NVIC_GetPendingIRQ(TIM8_BRK_IRQn), 1);
        ck_assert_uint_eq(NVIC_GetEnableIRQ(TIM8_BRK_IRQn), 0);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_eq(NVIC_GetPendingIRQ(TIM8_BRK_IRQn), 0);
        NVIC_DisableIRQ(TIM8_BRK_IRQn);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(cleared_pend_is_not_taken)
{
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        NVIC_ClearPendingIRQ(TIM8_BRK_IRQn);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 0);
}
END_TEST

START_TEST(pends_of_a_pending_line_merge_and_are_counted)
{
        for (int i = 0; i < 3; i++)
                NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_eq(mvt_statistics().pends, 1);
        ck_assert_uint_eq(mvt_statistics().shadowed, 2);
}
END_TEST

static volatile uint32_t seen_pending, seen_active, seen_ipsr;

static void look_at_own_line(void)
{
        seen_pending = NVIC_GetPendingIRQ(TIM8_BRK_IRQn);
        seen_active = NVIC_GetActive(TIM8_BRK_IRQn);
        seen_ipsr = __get_IPSR();
}

START_TEST(line_is_active_and_no_longer_pending_in_its_handler)
{
        seen_pending = 2;
        in_tim8 = look_at_own_line;
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(seen_pending, 0);
        ck_assert_uint_eq(seen_active, 1);
        ck_assert_uint_eq(NVIC_GetActive(TIM8_BRK_IRQn), 0);
}
END_TEST

static volatile unsigned depth, deepest;

static void pend_again_once(void)
{
        if (++depth > deepest)
                deepest = depth;
        if (runs == 1)
                NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        depth--;
}

START_TEST(event_during_the_handler_runs_it_again_afterwards)
{
        depth = deepest = 0;
        in_tim8 = pend_again_once;
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 2);
        ck_assert_uint_eq(deepest, 1);
        ck_assert_uint_eq(mvt_statistics().shadowed, 0);
}
END_TEST

START_TEST(ipsr_is_the_exception_in_a_handler_and_0_outside)
{
        in_tim8 = look_at_own_line;
        ck_assert_uint_eq(__get_IPSR(), 0);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(seen_ipsr, 16 + TIM8_BRK_IRQn);
        ck_assert_uint_eq(__get_IPSR(), 0);
}
END_TEST

/* ---- priorities ---- */

static volatile unsigned runs_after_pending_tim2;
static volatile uint32_t ipsr_after_pending_tim2;

static void pend_tim2(void)
{
        NVIC_SetPendingIRQ(TIM2_IRQn);
        runs_after_pending_tim2 = runs;
        ipsr_after_pending_tim2 = __get_IPSR();
}

static void nest(uint32_t tim8_priority, uint32_t tim2_priority)
{
        in_tim8 = pend_tim2;
        in_tim2 = look_at_own_line;
        enable(TIM8_BRK_IRQn, tim8_priority);
        enable(TIM2_IRQn, tim2_priority);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 2);
        ck_assert_int_eq(order[0], TIM8_BRK_IRQn);
        ck_assert_int_eq(order[1], TIM2_IRQn);
        ck_assert_uint_eq(seen_ipsr, 16 + TIM2_IRQn);
        ck_assert_uint_eq(ipsr_after_pending_tim2, 16 + TIM8_BRK_IRQn);
}

START_TEST(more_urgent_interrupt_interrupts_a_handler)
{
        nest(5, 4);
        ck_assert_uint_eq(runs_after_pending_tim2, 2);
        ck_assert_uint_eq(seen_active, 1); /* TIM8_BRK stays active below */
}
END_TEST

START_TEST(equally_urgent_interrupt_waits_for_the_handler)
{
        nest(5, 5);
        ck_assert_uint_eq(runs_after_pending_tim2, 1);
        ck_assert_uint_eq(seen_active, 0);
}
END_TEST

START_TEST(less_urgent_interrupt_waits_for_the_handler)
{
        nest(4, 5);
        ck_assert_uint_eq(runs_after_pending_tim2, 1);
}
END_TEST

static void pend_three_while_masked(void)
{
        __disable_irq();
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        NVIC_SetPendingIRQ(TIM2_IRQn);
        NVIC_SetPendingIRQ(TIM1_BRK_IRQn);
        ck_assert_uint_eq(runs, 0);
        __enable_irq();
        ck_assert_uint_eq(runs, 3);
}

START_TEST(equally_urgent_ones_are_taken_in_order_of_their_numbers)
{
        enable(TIM8_BRK_IRQn, 7);
        enable(TIM2_IRQn, 7);
        enable(TIM1_BRK_IRQn, 7);
        pend_three_while_masked();
        ck_assert_int_eq(order[0], TIM1_BRK_IRQn);
        ck_assert_int_eq(order[1], TIM2_IRQn);
        ck_assert_int_eq(order[2], TIM8_BRK_IRQn);
}
END_TEST

START_TEST(priority_counts_before_the_number)
{
        enable(TIM8_BRK_IRQn, 0);
        enable(TIM2_IRQn, 15);
        enable(TIM1_BRK_IRQn, 7);
        pend_three_while_masked();
        ck_assert_int_eq(order[0], TIM8_BRK_IRQn);
        ck_assert_int_eq(order[1], TIM1_BRK_IRQn);
        ck_assert_int_eq(order[2], TIM2_IRQn);
}
END_TEST

START_TEST(priorities_have_four_bits)
{
        ck_assert_uint_eq(NVIC_GetPriority(TIM8_BRK_IRQn), 0);
        NVIC_SetPriority(TIM8_BRK_IRQn, 15);
        ck_assert_uint_eq(NVIC_GetPriority(TIM8_BRK_IRQn), 15);
        NVIC_SetPriority(TIM8_BRK_IRQn, 18);
        ck_assert_uint_eq(NVIC_GetPriority(TIM8_BRK_IRQn), 2);
}
END_TEST

/* ---- PRIMASK and WFI ---- */

START_TEST(primask_holds_interrupts_back_until_it_is_cleared)
{
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        __disable_irq();
        ck_assert_uint_eq(__get_PRIMASK(), 1);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        mvNoOp();
        mvsim_run_for(1000);
        ck_assert_uint_eq(runs, 0);
        __enable_irq();
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_eq(__get_PRIMASK(), 0);
}
END_TEST

START_TEST(restoring_primask_keeps_nested_sections_masked)
{
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        __disable_irq();
        uint32_t outer = __get_PRIMASK();
        __disable_irq();
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        __set_PRIMASK(outer);
        ck_assert_uint_eq(runs, 0);
        __set_PRIMASK(0);
        ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(wfi_wakes_for_a_masked_interrupt_without_taking_it)
{
        struct MvNotification ring[4];
        MvNotificationHandle centre = mvt_centre_open(TIM8_BRK_IRQn, ring, 4);
        MvNetworkHandle network = mvt_network_request(centre, 1);
        __disable_irq();
        __WFI(); /* until the network is connected */
        ck_assert_uint_eq(NVIC_GetPendingIRQ(TIM8_BRK_IRQn), 1);
        ck_assert_uint_eq(runs, 0);
        __WFI(); /* does not wait: it is still pending */
        __enable_irq();
        ck_assert_uint_eq(runs, 1);
        mvt_network_release(&network);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(wfi_takes_the_interrupt_that_ends_it)
{
        struct MvNotification ring[4];
        MvNotificationHandle centre = mvt_centre_open(TIM8_BRK_IRQn, ring, 4);
        MvNetworkHandle network = mvt_network_request(centre, 1);
        ck_assert_uint_eq(runs, 0);
        __WFI();
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_eq(mvsim_now_us(), 250000);
        mvt_network_release(&network);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(wfi_ignores_a_disabled_line)
{
        struct MvNotification ring[4];
        MvNotificationHandle centre = mvt_centre_open(TIM8_BRK_IRQn, ring, 4);
        MvNetworkHandle network = mvt_network_request(centre, 1);
        NVIC_SetPendingIRQ(TIM2_IRQn);
        __WFI();
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_ge(mvsim_now_us(), 250000);
        mvt_network_release(&network);
        mvt_centre_close(&centre);
}
END_TEST

/* ---- vectors ---- */

static void note_other(void)
{
        note(-1);
}

START_TEST(set_vector_replaces_the_handler)
{
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        NVIC_SetVector(TIM8_BRK_IRQn, (uintptr_t)note_other);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_int_eq(order[0], -1);
        NVIC_SetVector(TIM8_BRK_IRQn, 0);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_int_eq(order[1], TIM8_BRK_IRQn);
}
END_TEST

START_TEST(set_vector_serves_a_line_without_a_function_of_its_name)
{
        NVIC_SetVector(TIM7_IRQn, (uintptr_t)note_other);
        NVIC_EnableIRQ(TIM7_IRQn);
        NVIC_SetPendingIRQ(TIM7_IRQn);
        ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(missing_handler_is_named_once_and_the_pend_dropped)
{
        char text[MVT_OUTPUT_SIZE];
        mvt_capture_begin();
        NVIC_EnableIRQ(TIM7_IRQn);
        NVIC_SetPendingIRQ(TIM7_IRQn);
        NVIC_SetPendingIRQ(TIM7_IRQn);
        mvt_capture_end(text);
        ck_assert_uint_eq(mvt_count(text, "interrupt 50 (TIM7)"), 1);
        ck_assert_uint_eq(mvt_count(text, "void TIM7_IRQHandler(void)"), 1);
        ck_assert_uint_eq(NVIC_GetPendingIRQ(TIM7_IRQn), 0);
        ck_assert_uint_eq(mvt_statistics().interrupts, 0);
}
END_TEST

START_TEST(unknown_line_is_named_and_ignored)
{
        char text[MVT_OUTPUT_SIZE];
        mvt_capture_begin();
        mvsim_nvic_enable(125);
        mvsim_nvic_set_pending(-1);
        ck_assert_uint_eq(mvsim_nvic_is_enabled(125), 0);
        mvt_capture_end(text);
        ck_assert_ptr_nonnull(strstr(text, "interrupt 125 does not exist"));
        ck_assert_ptr_nonnull(strstr(text, "interrupt -1 does not exist"));
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("interrupts");
        TCase *tests = tcase_create("interrupts");
        tcase_add_checked_fixture(tests, boot, mvt_device_end);
        tcase_add_test(tests, handler_runs_once_for_each_pend);
        tcase_add_test(tests, disabled_line_keeps_its_pend_until_it_is_enabled);
        tcase_add_test(tests, cleared_pend_is_not_taken);
        tcase_add_test(tests, pends_of_a_pending_line_merge_and_are_counted);
        tcase_add_test(tests, line_is_active_and_no_longer_pending_in_its_handler);
        tcase_add_test(tests, event_during_the_handler_runs_it_again_afterwards);
        tcase_add_test(tests, ipsr_is_the_exception_in_a_handler_and_0_outside);
        tcase_add_test(tests, more_urgent_interrupt_interrupts_a_handler);
        tcase_add_test(tests, equally_urgent_interrupt_waits_for_the_handler);
        tcase_add_test(tests, less_urgent_interrupt_waits_for_the_handler);
        tcase_add_test(tests, equally_urgent_ones_are_taken_in_order_of_their_numbers);
        tcase_add_test(tests, priority_counts_before_the_number);
        tcase_add_test(tests, priorities_have_four_bits);
        tcase_add_test(tests, primask_holds_interrupts_back_until_it_is_cleared);
        tcase_add_test(tests, restoring_primask_keeps_nested_sections_masked);
        tcase_add_test(tests, wfi_wakes_for_a_masked_interrupt_without_taking_it);
        tcase_add_test(tests, wfi_takes_the_interrupt_that_ends_it);
        tcase_add_test(tests, wfi_ignores_a_disabled_line);
        tcase_add_test(tests, set_vector_replaces_the_handler);
        tcase_add_test(tests, set_vector_serves_a_line_without_a_function_of_its_name);
        tcase_add_test(tests, missing_handler_is_named_once_and_the_pend_dropped);
        tcase_add_test(tests, unknown_line_is_named_and_ignored);
        suite_add_tcase(suite, tests);
        return suite;
}
