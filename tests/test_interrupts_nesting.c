/* Who interrupts whom: grouping, sub-priorities, chaining, late arrivals, and the masks BASEPRI and FAULTMASK. */
#include "stm32u5xx.h"

#include "lib/device.h"
#include "lib/handlers.h"
#include "suite.h"

static void boot(void)
{
        mvt_handlers_reset();
        mvt_device_boot(NULL);
}

static void enable_all(uint32_t a, uint32_t b, uint32_t c)
{
        mvt_enable(A, a);
        mvt_enable(B, b);
        mvt_enable(C, c);
}

static void pend_a(void)
{
        NVIC_SetPendingIRQ(A);
        mvt_note('.');
}

static void pend_b(void)
{
        NVIC_SetPendingIRQ(B);
        mvt_note('.');
}

static void pend_all(void)
{
        NVIC_SetPendingIRQ(C);
        NVIC_SetPendingIRQ(B);
        NVIC_SetPendingIRQ(A);
        mvt_note('.');
}

/* ---- grouping ---- */

START_TEST(without_grouping_every_bit_preempts)
{
        ck_assert_uint_eq(NVIC_GetPriorityGrouping(), 0);
        mvt_in_b = pend_a;
        enable_all(6, 7, 0);
        NVIC_SetPendingIRQ(B);
        expect_order("B(A().)");
}
END_TEST

START_TEST(sub_priority_does_not_preempt)
{
        NVIC_SetPriorityGrouping(4); /* one bit of sub-priority: 6 and 7 are one group */
        ck_assert_uint_eq(NVIC_GetPriorityGrouping(), 4);
        mvt_in_b = pend_a;
        enable_all(6, 7, 0);
        NVIC_SetPendingIRQ(B);
        expect_order("B(.)A()");
        NVIC_SetPriority(A, 5);
        NVIC_SetPendingIRQ(B);
        expect_order("B(A().)");
}
END_TEST

START_TEST(sub_priority_orders_what_waits)
{
        NVIC_SetPriorityGrouping(5);
        enable_all(7, 5, 4);
        __disable_irq();
        pend_all();
        __enable_irq();
        expect_order(".C()B()A()");
}
END_TEST

START_TEST(with_the_widest_sub_priority_nothing_preempts)
{
        NVIC_SetPriorityGrouping(7);
        mvt_in_b = pend_a;
        enable_all(0, 15, 0);
        NVIC_SetPendingIRQ(B);
        expect_order("B(.)A()");
}
END_TEST

static void group_all_together(void)
{
        NVIC_SetPendingIRQ(A);
        mvt_note('.');
        NVIC_SetPriorityGrouping(0);
        mvt_note('.');
}

START_TEST(changing_the_grouping_in_a_handler_lets_in_what_it_makes_more_urgent)
{
        NVIC_SetPriorityGrouping(7);
        mvt_in_b = group_all_together;
        enable_all(0, 15, 0);
        NVIC_SetPendingIRQ(B);
        expect_order("B(.A().)");
}
END_TEST

START_TEST(encoded_priorities_decode_to_what_they_were)
{
        for (uint32_t grouping = 0; grouping < 8; grouping++) {
                uint32_t sub_bits = grouping > 3 ? grouping - 3 : 0;
                for (uint32_t priority = 0; priority < 16; priority++) {
                        uint32_t preempt, sub;
                        NVIC_DecodePriority(priority, grouping, &preempt, &sub);
                        ck_assert_uint_eq(preempt, priority >> sub_bits);
                        ck_assert_uint_eq(sub, priority & ((1U << sub_bits) - 1));
                        ck_assert_uint_eq(NVIC_EncodePriority(grouping, preempt, sub), priority);
                }
        }
}
END_TEST

/* ---- chaining, arriving late, changing one's mind ---- */

static volatile uint32_t active_below, active_here;

static void look_at_active(void)
{
        active_below = NVIC_GetActive(A) + NVIC_GetActive(B) + NVIC_GetActive(C);
        active_here = NVIC_GetActive(A);
}

START_TEST(waiting_interrupts_chain_without_thread_mode_between)
{
        enable_all(3, 2, 1);
        mvt_in_a = look_at_active;
        __disable_irq();
        pend_all();
        __enable_irq();
        mvt_note('t');
        expect_order(".C()B()A()t");
        ck_assert_uint_eq(active_below, 1);
        ck_assert_uint_eq(active_here, 1);
}
END_TEST

START_TEST(late_arrival_goes_first)
{
        enable_all(1, 2, 3);
        __disable_irq();
        NVIC_SetPendingIRQ(C);
        NVIC_SetPendingIRQ(A);
        __enable_irq();
        expect_order("A()C()");
}
END_TEST

START_TEST(every_level_is_active_until_its_handler_returns)
{
        enable_all(1, 2, 3);
        mvt_in_c = pend_b;
        mvt_in_b = pend_a;
        mvt_in_a = look_at_active;
        NVIC_SetPendingIRQ(C);
        expect_order("C(B(A().).)");
        ck_assert_uint_eq(active_below, 3);
        look_at_active();
        ck_assert_uint_eq(active_below, 0);
}
END_TEST

static void pend_two_and_clear_one(void)
{
        NVIC_SetPendingIRQ(A);
        NVIC_SetPendingIRQ(B);
        NVIC_ClearPendingIRQ(B);
}

START_TEST(unpended_interrupt_is_not_taken_after_the_handler)
{
        enable_all(5, 5, 5);
        mvt_in_c = pend_two_and_clear_one;
        NVIC_SetPendingIRQ(C);
        expect_order("C()A()");
}
END_TEST

static void lower_oneself(void)
{
        NVIC_SetPendingIRQ(A);
        mvt_note('.');
        NVIC_SetPriority(B, 9);
        mvt_note('.');
}

START_TEST(handler_that_lowers_its_own_priority_is_interrupted)
{
        enable_all(5, 5, 5);
        mvt_in_b = lower_oneself;
        NVIC_SetPendingIRQ(B);
        expect_order("B(.A().)");
}
END_TEST

static void disable_oneself(void)
{
        NVIC_DisableIRQ(B);
        NVIC_SetPendingIRQ(B);
        NVIC_SetPendingIRQ(C);
}

START_TEST(disabled_line_stays_active_in_its_handler)
{
        enable_all(5, 5, 5);
        mvt_in_b = disable_oneself;
        NVIC_SetPendingIRQ(B);
        expect_order("B()C()");
        ck_assert_uint_eq(NVIC_GetPendingIRQ(B), 1);
}
END_TEST

/* ---- BASEPRI ---- */

START_TEST(basepri_holds_back_its_own_priority_and_the_less_urgent)
{
        enable_all(3, 4, 5);
        __set_BASEPRI(4U << 4);
        ck_assert_uint_eq(__get_BASEPRI(), 0x40);
        pend_all();
        expect_order("A().");
        __set_BASEPRI(5U << 4);
        expect_order("B()");
        __set_BASEPRI(0);
        expect_order("C()");
}
END_TEST

START_TEST(basepri_counts_by_groups)
{
        NVIC_SetPriorityGrouping(5);
        enable_all(3, 4, 8);
        __set_BASEPRI(7U << 4); /* the group 4 to 7 */
        pend_all();
        expect_order("A().");
        __set_BASEPRI(0);
        expect_order("B()C()");
}
END_TEST

START_TEST(basepri_keeps_only_the_bits_that_exist)
{
        __set_BASEPRI(0x0F);
        ck_assert_uint_eq(__get_BASEPRI(), 0);
        __set_BASEPRI(0x3F);
        ck_assert_uint_eq(__get_BASEPRI(), 0x30);
        __set_BASEPRI(0);
}
END_TEST

START_TEST(basepri_max_only_makes_it_more_urgent)
{
        __set_BASEPRI_MAX(0x50);
        ck_assert_uint_eq(__get_BASEPRI(), 0x50);
        __set_BASEPRI_MAX(0x60);
        ck_assert_uint_eq(__get_BASEPRI(), 0x50);
        __set_BASEPRI_MAX(0x20);
        ck_assert_uint_eq(__get_BASEPRI(), 0x20);
        __set_BASEPRI_MAX(0);
        ck_assert_uint_eq(__get_BASEPRI(), 0x20);
        __set_BASEPRI(0);
}
END_TEST

static void leave_basepri(void)
{
        __set_BASEPRI(0x10);
}

START_TEST(basepri_and_primask_outlive_the_handler_that_set_them)
{
        enable_all(2, 3, 4);
        mvt_in_c = leave_basepri;
        NVIC_SetPendingIRQ(C);
        NVIC_SetPendingIRQ(A);
        expect_order("C()");
        __set_BASEPRI(0);
        expect_order("A()");
        mvt_in_c = __disable_irq;
        NVIC_SetPendingIRQ(C);
        NVIC_SetPendingIRQ(A);
        expect_order("C()");
        __enable_irq();
        expect_order("A()");
}
END_TEST

/* ---- FAULTMASK ---- */

START_TEST(faultmask_holds_back_everything)
{
        enable_all(0, 0, 0);
        __disable_fault_irq();
        ck_assert_uint_eq(__get_FAULTMASK(), 1);
        pend_all();
        mvt_pend_pendsv();
        expect_order(".");
        __enable_fault_irq();
        expect_order("P()A()B()C()");
}
END_TEST

static void mask_faults_and_pend(void)
{
        __set_FAULTMASK(1);
        NVIC_SetPendingIRQ(A);
        mvt_note('.');
}

START_TEST(faultmask_is_cleared_when_the_handler_returns)
{
        enable_all(0, 5, 5);
        mvt_in_b = mask_faults_and_pend;
        NVIC_SetPendingIRQ(B);
        expect_order("B(.)A()");
        ck_assert_uint_eq(__get_FAULTMASK(), 0);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("interrupts_nesting");
        TCase *tests = tcase_create("interrupts_nesting");
        tcase_add_checked_fixture(tests, boot, mvt_device_end);
        tcase_add_test(tests, without_grouping_every_bit_preempts);
        tcase_add_test(tests, sub_priority_does_not_preempt);
        tcase_add_test(tests, sub_priority_orders_what_waits);
        tcase_add_test(tests, with_the_widest_sub_priority_nothing_preempts);
        tcase_add_test(tests, changing_the_grouping_in_a_handler_lets_in_what_it_makes_more_urgent);
        tcase_add_test(tests, encoded_priorities_decode_to_what_they_were);
        tcase_add_test(tests, waiting_interrupts_chain_without_thread_mode_between);
        tcase_add_test(tests, late_arrival_goes_first);
        tcase_add_test(tests, every_level_is_active_until_its_handler_returns);
        tcase_add_test(tests, unpended_interrupt_is_not_taken_after_the_handler);
        tcase_add_test(tests, handler_that_lowers_its_own_priority_is_interrupted);
        tcase_add_test(tests, disabled_line_stays_active_in_its_handler);
        tcase_add_test(tests, basepri_holds_back_its_own_priority_and_the_less_urgent);
        tcase_add_test(tests, basepri_counts_by_groups);
        tcase_add_test(tests, basepri_keeps_only_the_bits_that_exist);
        tcase_add_test(tests, basepri_max_only_makes_it_more_urgent);
        tcase_add_test(tests, basepri_and_primask_outlive_the_handler_that_set_them);
        tcase_add_test(tests, faultmask_holds_back_everything);
        tcase_add_test(tests, faultmask_is_cleared_when_the_handler_returns);
        suite_add_tcase(suite, tests);
        return suite;
}
