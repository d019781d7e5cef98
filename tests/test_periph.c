/* The registers that Microvisor keeps and lets reach: which there are, what they hold, which bits can be changed. */
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "handlers.h"
#include "stm32u5xx.h"
#include "suite.h"

#define ADDRESS(member) ((uint32_t)(uintptr_t) & (member))

static uint32_t peek(uint32_t address)
{
        uint32_t value = 0xdeadbeef;
        expect_okay(mvPeriphPeek32(address, &value));
        return value;
}

static void store(uint32_t address, uint32_t value)
{
        expect_okay(mvPeriphPoke32(address, UINT32_MAX, value));
}

/* ---- which there are, from the list of what the vendor's code asks for ---- */

static const uint16_t rcc_kept[] = {0x00, 0x08, 0x0c, 0x10, 0x14, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x30,  0x34,
                                    0x38, 0x3c, 0x40, 0x44, 0x48, 0x50, 0x54, 0x58, 0xf0, 0xf4, 0x110, 0x114};
static const uint16_t rcc_given[] = {0x60, 0x64, 0x68, 0x6c, 0x74, 0x78, 0x7c, 0x80, 0x88, 0x8c,
                                     0x90, 0x94, 0x9c, 0xa0, 0xa4, 0xa8, 0xb0, 0xb4, 0xb8, 0xbc,
                                     0xc4, 0xc8, 0xcc, 0xd0, 0xd8, 0xe0, 0xe4, 0xe8};
static const uint32_t others[] = {0x40006000, 0x40006004, 0x40006008, 0x4000600c, 0x40022000, 0x4602080c, 0x46020828};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool is_in(const uint16_t *offsets, size_t count, uint32_t offset)
{
        for (size_t i = 0; i < count; i++) {
                if (offsets[i] == offset)
                        return true;
        }
        return false;
}

START_TEST(what_enables_resets_and_selects_clocks_can_be_changed_to_the_bit)
{
        for (size_t i = 0; i < COUNT(rcc_given); i++) {
                uint32_t address = (uint32_t)RCC_BASE_NS + rcc_given[i];
                store(address, 0x12345678);
                ck_assert_uint_eq(peek(address), 0x12345678);
                store(address, 0);
                ck_assert_uint_eq(peek(address), 0);
        }
}
END_TEST

static void expect_kept(uint32_t address)
{
        uint32_t before = peek(address);
        store(address, ~before);
        ck_assert_uint_eq(peek(address), before);
        expect_okay(mvPeriphPoke32(address, 0, UINT32_MAX));
        ck_assert_uint_eq(peek(address), before);
}

START_TEST(the_other_registers_are_read_and_stay_as_they_are)
{
        for (size_t i = 0; i < COUNT(rcc_kept); i++)
                expect_kept((uint32_t)RCC_BASE_NS + rcc_kept[i]);
        for (size_t i = 0; i < COUNT(others); i++)
                expect_kept(others[i]);
}
END_TEST

static void expect_fault(uint32_t address, const char *reason)
{
        uint32_t value = 0xdeadbeef;
        expect_reject(mvPeriphPeek32(address, &value), MV_STATUS_PERIPHERALACCESSFAULT, "reg");
        ck_assert_msg(strstr(mvsim_last_reject()->message, reason) != NULL, "not \"%s\": %s", reason,
                      mvsim_last_reject()->message);
        ck_assert_uint_eq(value, 0xdeadbeef);
        expect_reject(mvPeriphPoke32(address, UINT32_MAX, 0), MV_STATUS_PERIPHERALACCESSFAULT, "reg");
}

START_TEST(what_is_between_the_registers_faults)
{
        for (uint32_t offset = 0; offset < 0x400; offset += 4) {
                if (is_in(rcc_kept, COUNT(rcc_kept), offset) || is_in(rcc_given, COUNT(rcc_given), offset))
                        continue;
                expect_fault((uint32_t)RCC_BASE_NS + offset, "in RCC");
        }
}
END_TEST

static const struct {
        uint32_t address;
        const char *reason;
} faults[] = {
        {0x46020c8d, "registers are words, at multiples of 4"},
        {0x46020c8e, "registers are words, at multiples of 4"},
        {0x56020c8c, "a secure alias, which is Microvisor's (use 0x46020c8c)"},
        {0x42020000, "in GPIOA, which is the application's (access it directly)"},
        {0x40000400, "in TIM3: of what is Microvisor's, the registers of RCC and CRS"},
        {0x40022004, "in FLASH_R: of what is Microvisor's"},
        {0x46020800, "in PWR: of what is Microvisor's"},
        {0x00000000, "where no peripheral is"},
        {0x20000000, "where no peripheral is"},
        {0xfffffffc, "where no peripheral is"},
};

START_TEST(an_address_that_is_no_register_to_reach_faults_and_is_explained)
{
        expect_fault(faults[_i].address, faults[_i].reason);
}
END_TEST

START_TEST(the_address_is_looked_at_before_the_output)
{
        expect_reject(mvPeriphPeek32(0x46020c04, NULL), MV_STATUS_PERIPHERALACCESSFAULT, "reg");
        expect_reject(mvPeriphPeek32(0x46020c08, NULL), MV_STATUS_PARAMETERFAULT, "output");
}
END_TEST

/* ---- changing ---- */

START_TEST(under_the_mask_bits_are_stored_and_elsewhere_they_toggle)
{
        uint32_t address = ADDRESS(RCC->APB3ENR);
        store(address, 0x0000ff00);
        expect_okay(mvPeriphPoke32(address, 0, 0x00000ff0)); /* toggles */
        ck_assert_uint_eq(peek(address), 0x0000f0f0);
        expect_okay(mvPeriphPoke32(address, 0x0000ffff, 0x00001234)); /* stores, of some */
        ck_assert_uint_eq(peek(address), 0x00001234);
        expect_okay(mvPeriphPoke32(address, 0x00000004, 0x80000000)); /* clears one, toggles another */
        ck_assert_uint_eq(peek(address), 0x80001230);
        expect_okay(mvPeriphPoke32(address, 0, 0));
        ck_assert_uint_eq(peek(address), 0x80001230);
}
END_TEST

/* As vendor's code does it: a bit is set under its own mask and read back, so that the clock runs before it is used. */
static void set_bits(__IO uint32_t *reg, uint32_t bits)
{
        uint32_t address = (uint32_t)(uintptr_t)reg;
        expect_okay(mvPeriphPoke32(address, bits, bits));
        ck_assert_uint_eq(peek(address) & bits, bits);
}

START_TEST(a_clock_that_was_enabled_reads_back_and_leaves_the_others)
{
        uint32_t before = peek(ADDRESS(RCC->AHB2ENR1));
        set_bits(&RCC->AHB2ENR1, 1U << 0); /* GPIOA */
        set_bits(&RCC->AHB2ENR1, 1U << 5); /* GPIOF */
        ck_assert_uint_eq(peek(ADDRESS(RCC->AHB2ENR1)), before | 0x21);
        expect_okay(mvPeriphPoke32(ADDRESS(RCC->AHB2ENR1), 1U << 0, 0));
        ck_assert_uint_eq(peek(ADDRESS(RCC->AHB2ENR1)), before | 0x20);
        set_bits(&RCC->CCIPR1, 2U << 2); /* USART2 on HSI */
}
END_TEST

START_TEST(every_boot_begins_with_the_registers_fresh)
{
        uint32_t before = peek(ADDRESS(RCC->AHB1ENR));
        store(ADDRESS(RCC->AHB1ENR), ~before);
        mvt_device_end();
        mvt_device_boot(NULL);
        ck_assert_uint_eq(peek(ADDRESS(RCC->AHB1ENR)), before);
}
END_TEST

static enum MvStatus from_handler;
static uint32_t seen_by_handler;

static void reach_from_handler(void)
{
        from_handler = mvPeriphPoke32(ADDRESS(RCC->APB2ENR), 8, 8);
        if (from_handler == MV_STATUS_OKAY)
                from_handler = mvPeriphPeek32(ADDRESS(RCC->APB2ENR), &seen_by_handler);
}

START_TEST(a_handler_may_do_it)
{
        mvsim_nvic_set_vector(TIM8_UP_IRQn, reach_from_handler);
        NVIC_EnableIRQ(TIM8_UP_IRQn);
        NVIC_SetPendingIRQ(TIM8_UP_IRQn);
        ck_assert_int_eq(from_handler, MV_STATUS_OKAY);
        ck_assert_uint_eq(seen_by_handler & 8, 8);
}
END_TEST

/* ---- the clocks, as they are worked out from the registers ---- */

#define HSE_HZ 16000000U

static double system_clock(void)
{
        uint32_t config = peek(ADDRESS(RCC->PLL1CFGR)), dividers = peek(ADDRESS(RCC->PLL1DIVR));
        ck_assert_uint_eq(peek(ADDRESS(RCC->CFGR1)) & 0xf, 0xf); /* PLL1 is asked for, and in use */
        ck_assert_uint_eq(config & 3, 3);                        /* from HSE */
        ck_assert_uint_eq(config >> 18 & 1, 1);                  /* through output R */
        ck_assert_uint_eq(peek(ADDRESS(RCC->CR)) & 0x03030000, 0x03030000);
        double multiple = (dividers & 0x1ff) + 1;
        if (config & 1U << 4)
                multiple += (peek(ADDRESS(RCC->PLL1FRACR)) >> 3 & 0x1fff) / 8192.0;
        return HSE_HZ / ((config >> 8 & 0xf) + 1.0) * multiple / ((dividers >> 24 & 0x7f) + 1.0);
}

static uint32_t ahb_divisor(uint32_t code)
{
        return code < 8 ? 1 : code < 12 ? 2U << (code - 8) : 64U << (code - 12);
}

static uint32_t apb_divisor(uint32_t code)
{
        return code < 4 ? 1 : 2U << (code - 4);
}

static void expect_near(double found, uint32_t hz)
{
        ck_assert_msg(found > hz * 0.9999 && found < hz * 1.0001, "the registers say %.0f Hz, not %u", found, hz);
}

static const struct {
        const char *profile;
        uint32_t sysclk, hclk, pclk1, pclk2, wait_states;
} clocks[] = {
        {"{}\n", 160000000, 160000000, 160000000, 160000000, 4},
        {"device: {sysclk: 100000000, hclk: 50000000, pclk1: 25000000, pclk2: 50000000}\n", 100000000, 50000000,
         25000000, 50000000, 1},
        {"device: {sysclk: 33333333, hclk: 33333333, pclk1: 33333333, pclk2: 33333333}\n", 33333333, 33333333, 33333333,
         33333333, 1},
        {"device: {sysclk: 4000000, hclk: 4000000, pclk1: 500000, pclk2: 250000}\n", 4000000, 4000000, 500000, 250000,
         0},
        {"device: {sysclk: 128000000, hclk: 2000000, pclk1: 2000000, pclk2: 1000000}\n", 128000000, 2000000, 2000000,
         1000000, 0},
};

START_TEST(the_registers_agree_with_the_clocks_that_calls_tell)
{
        uint32_t hz = 0;
        mvt_device_boot(&(struct mvt_device){.profile = clocks[_i].profile});
        uint32_t prescalers = peek(ADDRESS(RCC->CFGR2));
        expect_near(system_clock(), clocks[_i].sysclk);
        ck_assert_uint_eq(clocks[_i].sysclk / ahb_divisor(prescalers & 0xf), clocks[_i].hclk);
        ck_assert_uint_eq(clocks[_i].hclk / apb_divisor(prescalers >> 4 & 7), clocks[_i].pclk1);
        ck_assert_uint_eq(clocks[_i].hclk / apb_divisor(prescalers >> 8 & 7), clocks[_i].pclk2);
        ck_assert_uint_eq(peek(0x40022000) & 0xf, clocks[_i].wait_states);
        expect_okay(mvGetPClk1(&hz));
        ck_assert_uint_eq(hz, clocks[_i].pclk1);
        mvt_device_end();
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("periph");
        TCase *tests = tcase_create("registers");
        tcase_add_checked_fixture(tests, mvt_device_boot_virtual, mvt_device_end);
        tcase_add_test(tests, what_enables_resets_and_selects_clocks_can_be_changed_to_the_bit);
        tcase_add_test(tests, the_other_registers_are_read_and_stay_as_they_are);
        tcase_add_test(tests, what_is_between_the_registers_faults);
        tcase_add_loop_test(tests, an_address_that_is_no_register_to_reach_faults_and_is_explained, 0, COUNT(faults));
        tcase_add_test(tests, the_address_is_looked_at_before_the_output);
        tcase_add_test(tests, under_the_mask_bits_are_stored_and_elsewhere_they_toggle);
        tcase_add_test(tests, a_clock_that_was_enabled_reads_back_and_leaves_the_others);
        tcase_add_test(tests, every_boot_begins_with_the_registers_fresh);
        tcase_add_test(tests, a_handler_may_do_it);
        suite_add_tcase(suite, tests);
        TCase *own = tcase_create("clocks");
        tcase_add_loop_test(own, the_registers_agree_with_the_clocks_that_calls_tell, 0, COUNT(clocks));
        suite_add_tcase(suite, own);
        return suite;
}
