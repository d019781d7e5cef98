/* NVIC_SetVector on the host: a handler's address comes back whole, also when the application cut it to 32 bits. */
#include "stm32u5xx.h"
#include "suite.h"

static void handler(void)
{
}

START_TEST(whole_address_is_kept)
{
        NVIC_SetVector(TIM2_IRQn, (uintptr_t)handler);
        ck_assert_uint_eq(NVIC_GetVector(TIM2_IRQn), (uintptr_t)handler);
}
END_TEST

START_TEST(address_cut_to_32_bits_is_completed)
{
        NVIC_SetVector(TIM2_IRQn, (uint32_t)(uintptr_t)handler);
        ck_assert_uint_eq(NVIC_GetVector(TIM2_IRQn), (uintptr_t)handler);
}
END_TEST

START_TEST(zero_brings_the_default_back)
{
        uintptr_t usual = NVIC_GetVector(TIM2_IRQn);
        NVIC_SetVector(TIM2_IRQn, (uintptr_t)handler);
        NVIC_SetVector(TIM2_IRQn, 0);
        ck_assert_uint_eq(NVIC_GetVector(TIM2_IRQn), usual);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("set_vector");
        TCase *tests = tcase_create("set_vector");
        tcase_add_test(tests, whole_address_is_kept);
        tcase_add_test(tests, address_cut_to_32_bits_is_completed);
        tcase_add_test(tests, zero_brings_the_default_back);
        suite_add_tcase(suite, tests);
        return suite;
}
