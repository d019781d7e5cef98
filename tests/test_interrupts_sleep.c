/* What ends a wait: WFI, WFE with its event register, SEVONPEND, SLEEPONEXIT; and waits that are none of these. */
#include "stm32u5xx.h"

#include "lib/device.h"
#include "lib/handlers.h"
#include "suite.h"

#define SOON_US 1000

static void boot(void)
{
        mvt_handlers_reset();
        mvt_device_boot(NULL);
}

static void pend_later(IRQn_Type irq, uint64_t delay_us)
{
        ck_assert_int_eq(mvsim_pend_irq((unsigned)irq, delay_us), 0);
}

/* Another line ends the wait of a test in which the wait should go on. */
static void pend_end(uint64_t delay_us)
{
        mvt_enable(C, 0);
        pend_later(C, delay_us);
}

/* ---- WFI ---- */

START_TEST(wfi_returns_for_an_interrupt_that_primask_masks_and_takes_it_later)
{
        mvt_enable(A, 3);
        __disable_irq();
        pend_later(A, SOON_US);
        __WFI();
        ck_assert_uint_eq(mvsim_now_us(), SOON_US);
        expect_order("");
        __enable_irq();
        expect_order("A()");
}
END_TEST

START_TEST(wfi_sleeps_through_an_interrupt_that_basepri_masks)
{
        mvt_enable(A, 8);
        __set_BASEPRI(8U << 4);
        pend_later(A, SOON_US);
        pend_end(2 * SOON_US);
        __WFI();
        ck_assert_uint_eq(mvsim_now_us(), 2 * SOON_US);
        expect_order("C()");
        __set_BASEPRI(0);
        expect_order("A()");
}
END_TEST

START_TEST(wfi_with_primask_still_counts_basepri)
{
        mvt_enable(A, 8);
        __set_BASEPRI(8U << 4);
        __disable_irq();
        pend_later(A, SOON_US);
        pend_end(2 * SOON_US);
        __WFI();
        ck_assert_uint_eq(mvsim_now_us(), 2 * SOON_US);
        __set_BASEPRI(0);
        __enable_irq();
        expect_order("C()A()");
}
END_TEST

static volatile uint64_t woken_us;

static void wait_within(void)
{
        pend_later(B, SOON_US);
        pend_end(2 * SOON_US);
        __WFI();
        woken_us = mvsim_now_us();
}

START_TEST(wfi_in_a_handler_waits_for_something_more_urgent)
{
        mvt_in_a = wait_within;
        mvt_enable(A, 5);
        mvt_enable(B, 5);
        NVIC_SetPendingIRQ(A);
        ck_assert_uint_eq(woken_us, 2 * SOON_US);
        expect_order("A(C())B()");
}
END_TEST

/* ---- WFE ---- */

START_TEST(sev_makes_the_next_wfe_return_once)
{
        pend_end(SOON_US);
        __SEV();
        __WFE();
        ck_assert_uint_eq(mvsim_now_us(), 0);
        __WFE();
        ck_assert_uint_eq(mvsim_now_us(), SOON_US);
        expect_order("C()");
}
END_TEST

START_TEST(handler_that_ran_is_an_event)
{
        mvt_enable(A, 0);
        NVIC_SetPendingIRQ(A);
        pend_end(SOON_US);
        __WFE();
        ck_assert_uint_eq(mvsim_now_us(), 0);
        __WFE();
        ck_assert_uint_eq(mvsim_now_us(), SOON_US);
        expect_order("A()C()");
}
END_TEST

START_TEST(wfe_sleeps_through_a_masked_interrupt)
{
        mvt_enable(A, 0);
        __disable_irq();
        NVIC_SetPendingIRQ(A);
        __SEV();
        __WFE(); /* the event; from here on only something that is taken would wake it, or the end */
        SCB->SCR |= SCB_SCR_SEVONPEND_Msk;
        pend_later(C, SOON_US);
        __WFE();
        ck_assert_uint_eq(mvsim_now_us(), SOON_US);
        __enable_irq();
        expect_order("A()");
        ck_assert_uint_eq(NVIC_GetPendingIRQ(C), 1);
}
END_TEST

START_TEST(with_sevonpend_a_disabled_line_ends_wfe)
{
        SCB->SCR = SCB_SCR_SEVONPEND_Msk;
        pend_later(A, SOON_US);
        pend_end(2 * SOON_US);
        __WFE();
        ck_assert_uint_eq(mvsim_now_us(), SOON_US);
        ck_assert_uint_eq(NVIC_GetPendingIRQ(A), 1);
        expect_order("");
        __WFE();
        ck_assert_uint_eq(mvsim_now_us(), 2 * SOON_US);
        expect_order("C()");
}
END_TEST

START_TEST(without_sevonpend_a_disabled_line_does_not_end_wfe)
{
        pend_later(A, SOON_US);
        pend_end(2 * SOON_US);
        __WFE();
        ck_assert_uint_eq(mvsim_now_us(), 2 * SOON_US);
        expect_order("C()");
}
END_TEST

START_TEST(sevonpend_counts_only_what_was_not_pending)
{
        NVIC_SetPendingIRQ(A);
        SCB->SCR = SCB_SCR_SEVONPEND_Msk;
        pend_later(A, SOON_US);
        pend_end(2 * SOON_US);
        __WFE();
        ck_assert_uint_eq(mvsim_now_us(), 2 * SOON_US);
}
END_TEST

/* ---- SLEEPONEXIT ---- */

static void stop_sleeping(void)
{
        SCB->SCR &= ~SCB_SCR_SLEEPONEXIT_Msk;
}

START_TEST(sleeponexit_keeps_thread_mode_from_running_between_handlers)
{
        mvt_enable(A, 3);
        mvt_enable(B, 3);
        mvt_in_b = stop_sleeping;
        SCB->SCR |= SCB_SCR_SLEEPONEXIT_Msk;
        ck_assert_uint_eq(SCB->SCR, SCB_SCR_SLEEPONEXIT_Msk);
        pend_later(A, SOON_US);
        pend_later(A, 2 * SOON_US);
        pend_later(B, 3 * SOON_US);
        __WFI();
        mvt_note('t');
        ck_assert_uint_eq(mvsim_now_us(), 3 * SOON_US);
        expect_order("A()A()B()t");
        ck_assert_uint_eq(SCB->SCR, 0);
}
END_TEST

static void pend_c_within(void)
{
        NVIC_SetPendingIRQ(C);
        mvt_note('.');
}

START_TEST(sleeponexit_concerns_the_return_to_thread_mode_alone)
{
        mvt_in_a = pend_c_within;
        mvt_in_b = stop_sleeping;
        mvt_enable(A, 3);
        mvt_enable(B, 3);
        mvt_enable(C, 0);
        SCB->SCR = SCB_SCR_SLEEPONEXIT_Msk;
        pend_later(B, SOON_US);
        NVIC_SetPendingIRQ(A); /* sleeps until B has run */
        mvt_note('t');
        expect_order("A(C().)B()t");
        ck_assert_uint_eq(mvsim_now_us(), SOON_US);
}
END_TEST

START_TEST(sleeponexit_ends_for_what_primask_masks_as_wfi_does)
{
        mvt_in_a = __disable_irq;
        mvt_in_b = stop_sleeping;
        mvt_enable(A, 3);
        mvt_enable(B, 3);
        SCB->SCR = SCB_SCR_SLEEPONEXIT_Msk;
        pend_later(B, SOON_US);
        NVIC_SetPendingIRQ(A);
        ck_assert_uint_eq(mvsim_now_us(), SOON_US);
        expect_order("A()");
        __enable_irq();
        expect_order("B()");
}
END_TEST

/* ---- polling ---- */

START_TEST(polling_a_pending_bit_ends)
{
        pend_later(A, 1000 * SOON_US);
        while (!NVIC_GetPendingIRQ(A))
                continue;
        ck_assert_uint_ge(mvsim_now_us(), 1000 * SOON_US);
}
END_TEST

START_TEST(polling_systick_ends)
{
        SysTick->LOAD = 999999;
        SysTick->CTRL = SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_ENABLE_Msk;
        for (int i = 0; i < 3; i++) {
                while (!(SysTick->CTRL & SysTick_CTRL_COUNTFLAG_Msk))
                        continue;
        }
        ck_assert_uint_gt(mvsim_now_us(), 0);
        expect_order("");
        SysTick->CTRL = 0;
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("interrupts_sleep");
        TCase *tests = tcase_create("interrupts_sleep");
        tcase_add_checked_fixture(tests, boot, mvt_device_end);
        tcase_add_test(tests, wfi_returns_for_an_interrupt_that_primask_masks_and_takes_it_later);
        tcase_add_test(tests, wfi_sleeps_through_an_interrupt_that_basepri_masks);
        tcase_add_test(tests, wfi_with_primask_still_counts_basepri);
        tcase_add_test(tests, wfi_in_a_handler_waits_for_something_more_urgent);
        tcase_add_test(tests, sev_makes_the_next_wfe_return_once);
        tcase_add_test(tests, handler_that_ran_is_an_event);
        tcase_add_test(tests, wfe_sleeps_through_a_masked_interrupt);
        tcase_add_test(tests, with_sevonpend_a_disabled_line_ends_wfe);
        tcase_add_test(tests, without_sevonpend_a_disabled_line_does_not_end_wfe);
        tcase_add_test(tests, sevonpend_counts_only_what_was_not_pending);
        tcase_add_test(tests, sleeponexit_keeps_thread_mode_from_running_between_handlers);
        tcase_add_test(tests, sleeponexit_concerns_the_return_to_thread_mode_alone);
        tcase_add_test(tests, sleeponexit_ends_for_what_primask_masks_as_wfi_does);
        tcase_add_test(tests, polling_a_pending_bit_ends);
        tcase_add_test(tests, polling_systick_ends);
        suite_add_tcase(suite, tests);
        return suite;
}
