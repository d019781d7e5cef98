/* The processor's own exceptions and registers: SysTick, PendSV, ICSR, AIRCR, SHPR; the reset; what is counted. */
#include "stm32u5xx.h"

#include "lib/child.h"
#include "lib/device.h"
#include "lib/handlers.h"
#include "suite.h"

#define HZ 160000000U /* the default of the profile's device.hclk */

static void boot(void)
{
        mvt_handlers_reset();
        mvt_device_boot(NULL);
}

static volatile uint32_t seen_ipsr;
static volatile uint64_t seen_us;

static void look(void)
{
        seen_ipsr = __get_IPSR();
        seen_us = mvsim_now_us();
}

/* ---- SysTick ---- */

START_TEST(systick_comes_every_period_to_the_microsecond)
{
        mvt_in_s = look;
        ck_assert_uint_eq(SysTick_Config(HZ / 1000), 0);
        for (unsigned period = 1; period <= 100; period++) {
                __WFI();
                ck_assert_uint_eq(seen_us, period * 1000U);
                ck_assert_uint_eq(mvt_entered(), period);
        }
        ck_assert_uint_eq(seen_ipsr, 15);
        mvsim_systick_stop();
        mvsim_run_for(10000);
        ck_assert_uint_eq(mvt_entered(), 100);
}
END_TEST

START_TEST(systick_of_an_odd_period_does_not_drift)
{
        ck_assert_uint_eq(SysTick_Config(53333), 0); /* 333.33 us */
        mvsim_run_for(3 * 333333 + 1);
        ck_assert_uint_eq(mvt_entered(), (uint64_t)(3 * 333333 + 1) * (HZ / 1000000) / 53333);
}
END_TEST

START_TEST(systick_config_takes_24_bits)
{
        ck_assert_uint_eq(SysTick_Config(0), 1);
        ck_assert_uint_eq(SysTick_Config((1U << 24) + 1), 1);
        ck_assert_uint_eq(SysTick_Config(1U << 24), 0);
        ck_assert_uint_eq(SysTick->LOAD, (1U << 24) - 1);
        ck_assert_uint_eq(SysTick->CTRL & 7U, 7);
        ck_assert_uint_eq(NVIC_GetPriority(SysTick_IRQn), 15);
}
END_TEST

START_TEST(systick_counts_down)
{
        ck_assert_uint_eq(SysTick->VAL, 0);
        ck_assert_uint_eq(SysTick_Config(HZ / 1000), 0);
        ck_assert_uint_eq(SysTick->VAL, HZ / 1000 - 1);
        mvsim_run_for(250);
        ck_assert_uint_eq(SysTick->VAL, HZ / 1000 - 1 - 250 * (HZ / 1000000));
        mvsim_run_for(1000);
        ck_assert_uint_eq(SysTick->VAL, HZ / 1000 - 1 - 250 * (HZ / 1000000));
        SysTick->VAL = 0; /* begins a new period */
        ck_assert_uint_eq(SysTick->VAL, HZ / 1000 - 1);
}
END_TEST

START_TEST(systick_by_its_registers)
{
        SysTick->LOAD = HZ / 1000 - 1;
        SysTick->VAL = 0;
        SysTick->CTRL = SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_TICKINT_Msk | SysTick_CTRL_ENABLE_Msk;
        mvsim_run_for(3500);
        expect_order("S()S()S()");
        SysTick->CTRL &= ~SysTick_CTRL_TICKINT_Msk;
        mvsim_run_for(2000);
        expect_order("");
        ck_assert(SysTick->CTRL & SysTick_CTRL_COUNTFLAG_Msk);
        ck_assert(!(SysTick->CTRL & SysTick_CTRL_COUNTFLAG_Msk));
        SysTick->CTRL |= SysTick_CTRL_TICKINT_Msk;
        SysTick->LOAD = HZ / 500 - 1; /* counts from the next period on */
        mvsim_run_for(499);
        expect_order("");
        mvsim_run_for(1);
        expect_order("S()");
        mvsim_run_for(1999);
        expect_order("");
        mvsim_run_for(1);
        expect_order("S()");
        SysTick->CTRL = 0;
        mvsim_run_for(10000);
        expect_order("");
}
END_TEST

START_TEST(systick_without_the_processors_clock_runs_at_an_eighth)
{
        SysTick->LOAD = HZ / 1000 - 1;
        SysTick->CTRL = SysTick_CTRL_TICKINT_Msk | SysTick_CTRL_ENABLE_Msk;
        mvsim_run_for(7999);
        expect_order("");
        mvsim_run_for(1);
        expect_order("S()");
        SysTick->CTRL = 0;
}
END_TEST

static void outlast_a_tick(void)
{
        mvsim_run_for(1000);
        mvt_note('.');
}

START_TEST(systick_waits_for_a_more_urgent_handler_and_interrupts_a_less_urgent_one)
{
        mvt_in_a = outlast_a_tick;
        mvt_enable(A, 15);
        ck_assert_uint_eq(SysTick_Config(HZ / 1000), 0);
        NVIC_SetPendingIRQ(A);
        expect_order("A(.)S()");
        NVIC_SetPriority(SysTick_IRQn, 14);
        ck_assert_uint_eq(NVIC_GetPriority(SysTick_IRQn), 14);
        NVIC_SetPendingIRQ(A);
        expect_order("A(S().)");
        mvsim_systick_stop();
}
END_TEST

START_TEST(ticks_that_come_while_masked_merge)
{
        ck_assert_uint_eq(SysTick_Config(HZ / 1000), 0);
        __disable_irq();
        mvsim_run_for(5500);
        __enable_irq();
        mvsim_systick_stop();
        expect_order("S()");
        ck_assert_uint_eq(mvt_statistics().shadowed, 4);
}
END_TEST

/* ---- PendSV ---- */

START_TEST(pendsv_is_taken_at_the_barrier)
{
        mvt_in_p = look;
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
        __DSB();
        __ISB();
        ck_assert_uint_eq(seen_ipsr, 14);
        expect_order("P()");
}
END_TEST

static void pend_pendsv_and_note(void)
{
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
        mvt_note('.');
}

START_TEST(pendsv_pended_in_a_handler_runs_after_all_handlers)
{
        NVIC_SetPriority(PendSV_IRQn, 15);
        ck_assert_uint_eq(NVIC_GetPriority(PendSV_IRQn), 15);
        mvt_in_a = pend_pendsv_and_note;
        mvt_enable(A, 3);
        mvt_enable(B, 4);
        __disable_irq();
        NVIC_SetPendingIRQ(A);
        NVIC_SetPendingIRQ(B);
        __enable_irq();
        expect_order("A(.)B()P()");
}
END_TEST

START_TEST(pendsv_takes_effect_with_any_call)
{
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
        mvNoOp();
        expect_order("P()");
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
        NVIC_GetPriorityGrouping();
        expect_order("P()");
}
END_TEST

START_TEST(pended_exceptions_show_in_icsr_and_can_be_cleared)
{
        __disable_irq();
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
        ck_assert(SCB->ICSR & SCB_ICSR_PENDSVSET_Msk);
        SCB->ICSR = SCB_ICSR_PENDSTSET_Msk;
        ck_assert(SCB->ICSR & SCB_ICSR_PENDSTSET_Msk);
        ck_assert(SCB->ICSR & SCB_ICSR_PENDSVSET_Msk);
        SCB->ICSR = SCB_ICSR_PENDSVCLR_Msk;
        ck_assert(!(SCB->ICSR & SCB_ICSR_PENDSVSET_Msk));
        NVIC_SetPendingIRQ(A);
        ck_assert(SCB->ICSR & SCB_ICSR_ISRPENDING_Msk);
        NVIC_ClearPendingIRQ(A);
        ck_assert(!(SCB->ICSR & SCB_ICSR_ISRPENDING_Msk));
        __enable_irq();
        expect_order("S()");
}
END_TEST

static volatile uint32_t seen_icsr[2];

static void look_at_icsr_and_nest(void)
{
        seen_icsr[0] = SCB->ICSR;
        NVIC_SetPendingIRQ(A);
}

static void look_at_icsr(void)
{
        seen_icsr[1] = SCB->ICSR;
}

START_TEST(icsr_shows_the_active_exception)
{
        mvt_in_b = look_at_icsr_and_nest;
        mvt_in_a = look_at_icsr;
        mvt_enable(B, 2);
        mvt_enable(A, 1);
        NVIC_SetPendingIRQ(B);
        ck_assert_uint_eq(seen_icsr[0] & SCB_ICSR_VECTACTIVE_Msk, 16 + B);
        ck_assert_uint_eq(seen_icsr[1] & SCB_ICSR_VECTACTIVE_Msk, 16 + A);
        ck_assert(seen_icsr[0] & SCB_ICSR_RETTOBASE_Msk);
        ck_assert(!(seen_icsr[1] & SCB_ICSR_RETTOBASE_Msk));
        ck_assert_uint_eq(SCB->ICSR & SCB_ICSR_VECTACTIVE_Msk, 0);
}
END_TEST

/* A store through an address that was kept is no less a store. */
START_TEST(kept_address_of_a_register_works)
{
        volatile uint32_t *icsr = &SCB->ICSR;
        for (unsigned i = 1; i <= 100; i++) {
                *icsr = SCB_ICSR_PENDSVSET_Msk;
                __DSB();
                __ISB();
                ck_assert_uint_eq(mvt_entered(), i);
        }
}
END_TEST

/* ---- AIRCR and SHPR ---- */

START_TEST(grouping_is_in_aircr_and_needs_the_key)
{
        NVIC_SetPriorityGrouping(5);
        ck_assert_uint_eq(SCB->AIRCR, 0xFA05U << SCB_AIRCR_VECTKEY_Pos | 5U << SCB_AIRCR_PRIGROUP_Pos);
        SCB->AIRCR = 3U << SCB_AIRCR_PRIGROUP_Pos;
        ck_assert_uint_eq(NVIC_GetPriorityGrouping(), 5);
        SCB->AIRCR = 0x5FAU << SCB_AIRCR_VECTKEY_Pos | 3U << SCB_AIRCR_PRIGROUP_Pos;
        ck_assert_uint_eq(NVIC_GetPriorityGrouping(), 3);
}
END_TEST

START_TEST(system_priorities_are_in_shpr)
{
        NVIC_SetPriority(PendSV_IRQn, 7);
        ck_assert_uint_eq(SCB->SHPR[10], 0x70);
        SCB->SHPR[11] = 0xFF;
        ck_assert_uint_eq(NVIC_GetPriority(SysTick_IRQn), 15);
        ck_assert_uint_eq(SCB->SHPR[11], 0xF0);
}
END_TEST

START_TEST(registers_are_as_after_a_reset_on_the_next_device)
{
        SCB->SCR = SCB_SCR_SEVONPEND_Msk;
        SCB->SHPR[10] = 0x50;
        SysTick->LOAD = 1000;
        mvsim_shutdown();
        ck_assert_int_eq(mvsim_boot(&(struct mvsim_options){.profile = "", .time = MVSIM_TIME_VIRTUAL}), 0);
        ck_assert_uint_eq(SCB->SCR, 0);
        ck_assert_uint_eq(NVIC_GetPriority(PendSV_IRQn), 0);
        ck_assert_uint_eq(SysTick->LOAD, 0);
}
END_TEST

/* ---- the reset ---- */

static void reset_in_child(void)
{
        mvsim_shutdown();
        NVIC_SystemReset();
}

START_TEST(system_reset_ends_the_process_with_its_own_status)
{
        static struct mvt_child child;
        mvt_child_run(&child, reset_in_child);
        ck_assert_int_eq(child.signal, 0);
        ck_assert_int_eq(child.exit_status, MVSIM_EXIT_RESET);
        ck_assert_uint_eq(mvt_count(child.output, "NVIC_SystemReset"), 1);
}
END_TEST

/* ---- what is counted ---- */

static void take_300_us(void)
{
        mvsim_run_for(300);
}

START_TEST(longest_handler_counts_what_interrupted_it)
{
        mvt_in_a = take_300_us;
        mvt_in_b = outlast_a_tick;
        mvt_enable(A, 1);
        mvt_enable(B, 2);
        NVIC_SetPendingIRQ(A);
        ck_assert_uint_eq(mvt_statistics().longest_handler_us, 300);
        ck_assert_int_eq(mvsim_pend_irq(A, 500), 0);
        NVIC_SetPendingIRQ(B);
        expect_order("A()B(A().)");
        ck_assert_uint_ge(mvt_statistics().longest_handler_us, 1000);
        ck_assert_uint_eq(mvt_statistics().interrupts, 3);
}
END_TEST

START_TEST(masked_time_is_that_of_every_mask_and_counts_once)
{
        __disable_irq();
        mvsim_run_for(100);
        __set_BASEPRI(0x10);
        mvsim_run_for(100);
        __enable_irq();
        mvsim_run_for(100);
        __set_BASEPRI(0);
        mvsim_run_for(1000);
        __disable_fault_irq();
        mvsim_run_for(50);
        __enable_fault_irq();
        ck_assert_uint_eq(mvt_statistics().masked_us, 350);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("interrupts_system");
        TCase *tests = tcase_create("interrupts_system");
        tcase_add_checked_fixture(tests, boot, mvt_device_end);
        tcase_add_test(tests, systick_comes_every_period_to_the_microsecond);
        tcase_add_test(tests, systick_of_an_odd_period_does_not_drift);
        tcase_add_test(tests, systick_config_takes_24_bits);
        tcase_add_test(tests, systick_counts_down);
        tcase_add_test(tests, systick_by_its_registers);
        tcase_add_test(tests, systick_without_the_processors_clock_runs_at_an_eighth);
        tcase_add_test(tests, systick_waits_for_a_more_urgent_handler_and_interrupts_a_less_urgent_one);
        tcase_add_test(tests, ticks_that_come_while_masked_merge);
        tcase_add_test(tests, pendsv_is_taken_at_the_barrier);
        tcase_add_test(tests, pendsv_pended_in_a_handler_runs_after_all_handlers);
        tcase_add_test(tests, pendsv_takes_effect_with_any_call);
        tcase_add_test(tests, pended_exceptions_show_in_icsr_and_can_be_cleared);
        tcase_add_test(tests, icsr_shows_the_active_exception);
        tcase_add_test(tests, kept_address_of_a_register_works);
        tcase_add_test(tests, grouping_is_in_aircr_and_needs_the_key);
        tcase_add_test(tests, system_priorities_are_in_shpr);
        tcase_add_test(tests, registers_are_as_after_a_reset_on_the_next_device);
        tcase_add_test(tests, system_reset_ends_the_process_with_its_own_status);
        tcase_add_test(tests, longest_handler_counts_what_interrupted_it);
        tcase_add_test(tests, masked_time_is_that_of_every_mask_and_counts_once);
        suite_add_tcase(suite, tests);
        return suite;
}
