/* The clocks: microseconds since boot, wall time, and the four frequencies. */
#include <time.h>
#include <unistd.h>

#include "lib/calls.h"
#include "lib/device.h"
#include "stm32u5xx.h"
#include "suite.h"
#include "tools.h"

#define CONNECTED_US 250000U

static uint64_t microseconds(void)
{
        uint64_t now = UINT64_MAX;
        expect_okay(mvGetMicroseconds(&now));
        return now;
}

/* ---- virtual time ---- */

START_TEST(virtual_clock_starts_at_zero_and_moves_by_calls_alone)
{
        ck_assert_uint_eq(microseconds(), 0);
        ck_assert_uint_eq(microseconds(), 2);
        for (volatile unsigned i = 0; i < 1000000; i++)
                continue;
        ck_assert_uint_eq(microseconds(), 4);
        ck_assert_uint_eq(mvsim_now_us(), 6);
        ck_assert_uint_eq(mvsim_now_us(), 6);
}
END_TEST

START_TEST(refused_call_takes_time_too)
{
        expect_reject(mvGetMicroseconds(NULL), MV_STATUS_PARAMETERFAULT, "ms");
        ck_assert_uint_eq(mvsim_now_us(), 2);
}
END_TEST

START_TEST(virtual_clock_jumps_where_the_test_says)
{
        mvsim_run_for(12345678901U);
        ck_assert_uint_eq(microseconds(), 12345678901U);
        mvsim_run_for(0);
        ck_assert_uint_eq(microseconds(), 12345678903U);
}
END_TEST

START_TEST(wall_time_is_unknown_until_the_first_connection)
{
        uint64_t wall = 7;
        expect_reject(mvGetWallTime(&wall), MV_STATUS_TIMENOTSET, "");
        mvsim_run_for(CONNECTED_US - 2 - 1);
        expect_reject(mvGetWallTime(&wall), MV_STATUS_TIMENOTSET, "");
        ck_assert_uint_eq(wall, 7);
        expect_okay(mvGetWallTime(&wall));
        ck_assert_uint_eq(wall, UINT64_C(1735689600000000) + mvsim_now_us() - 2);
}
END_TEST

START_TEST(spinning_for_the_wall_time_ends)
{
        uint64_t wall;
        while (mvGetWallTime(&wall) != MV_STATUS_OKAY)
                continue;
        ck_assert_uint_ge(mvsim_now_us(), CONNECTED_US);
}
END_TEST

START_TEST(wall_time_survives_the_loss_of_the_network)
{
        uint64_t before, after;
        mvsim_run_for(CONNECTED_US);
        expect_okay(mvGetWallTime(&before));
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvsim_run_for(10000000);
        expect_okay(mvGetWallTime(&after));
        ck_assert_uint_eq(after - before, 10000002);
}
END_TEST

START_TEST(wall_time_is_lost_when_the_device_boots)
{
        uint64_t wall;
        mvsim_run_for(CONNECTED_US);
        expect_okay(mvGetWallTime(&wall));
        mvt_device_end();
        mvt_device_boot(NULL);
        expect_reject(mvGetWallTime(&wall), MV_STATUS_TIMENOTSET, "");
}
END_TEST

static void check_clocks(uint32_t sys, uint32_t h, uint32_t p1, uint32_t p2)
{
        uint32_t hz[4];
        expect_okay(mvGetSysClk(&hz[0]));
        expect_okay(mvGetHClk(&hz[1]));
        expect_okay(mvGetPClk1(&hz[2]));
        expect_okay(mvGetPClk2(&hz[3]));
        ck_assert_uint_eq(hz[0], sys);
        ck_assert_uint_eq(hz[1], h);
        ck_assert_uint_eq(hz[2], p1);
        ck_assert_uint_eq(hz[3], p2);
}

START_TEST(all_four_clocks_are_160_mhz)
{
        check_clocks(160000000, 160000000, 160000000, 160000000);
}
END_TEST

static void boot_with_clocks(void)
{
        mvt_device_boot(&(struct mvt_device){
                .profile = "device: {sysclk: 1, hclk: 2000000, pclk1: 30000000, pclk2: 4}\ntime: {call_us: 100}\n"});
}

START_TEST(profile_changes_each_clock)
{
        check_clocks(1, 2000000, 30000000, 4);
}
END_TEST

START_TEST(profile_says_what_a_call_takes)
{
        ck_assert_uint_eq(microseconds(), 0);
        ck_assert_uint_eq(microseconds(), 100);
}
END_TEST

/* ---- every way of waiting makes progress ---- */

#define LATER_US 50000U

static volatile bool arrived;

static void arrive(void)
{
        arrived = true;
}

/* Something that happens later, and nothing else does: the connection is there already. */
static void expect_later(void)
{
        mvsim_run_for(2 * CONNECTED_US);
        arrived = false;
        NVIC_SetVector(TIM2_IRQn, (uintptr_t)arrive);
        NVIC_EnableIRQ(TIM2_IRQn);
        ck_assert_int_eq(mvsim_pend_irq(TIM2_IRQn, LATER_US), 0);
}

static void spin_on_the_flag(void)
{
        while (!arrived)
                continue;
}

static void sleep_in_wfi(void)
{
        while (!arrived)
                __WFI();
}

static void sleep_in_wfe(void)
{
        while (!arrived)
                __WFE();
}

static void sleep_in_microvisor(void)
{
        while (!arrived)
                expect_okay(mvPowerSave(MV_POWERSAVINGMODE_SLEEP));
}

/* As HAL_Delay() does it, on the device's clock. */
static void ask_the_clock(void)
{
        for (uint64_t start = microseconds(); microseconds() - start < LATER_US;)
                continue;
}

static void ask_something_else(void)
{
        while (!arrived)
                expect_okay(mvNoOp());
}

static void sleep_in_the_host(void)
{
        while (!arrived)
                usleep(1000);
}

static void (*const ways[])(void) = {sleep_in_wfi,       sleep_in_wfe,      sleep_in_microvisor, ask_the_clock,
                                     ask_something_else, sleep_in_the_host, spin_on_the_flag};

START_TEST(every_way_of_waiting_makes_progress)
{
        expect_later();
        ways[_i]();
        ck_assert(arrived);
        ck_assert_uint_ge(mvsim_now_us(), 2 * CONNECTED_US + LATER_US);
        ck_assert_uint_le(mvsim_now_us(), 2 * CONNECTED_US + LATER_US + 100);
}
END_TEST

/* ---- real time ---- */

START_TEST(real_clock_follows_the_hosts)
{
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        uint64_t before = microseconds();
        mvsim_run_for(20000);
        uint64_t after = microseconds();
        clock_gettime(CLOCK_MONOTONIC, &to);
        uint64_t host_us =
                (uint64_t)(to.tv_sec - from.tv_sec) * 1000000U + (uint64_t)(to.tv_nsec - from.tv_nsec) / 1000U + 1;
        ck_assert_uint_ge(after - before, 20000);
        ck_assert_uint_le(after - before, host_us);
}
END_TEST

START_TEST(real_wall_time_is_the_hosts)
{
        uint64_t wall = 0;
        struct timespec from, to;
        clock_gettime(CLOCK_REALTIME, &from);
        wait_until(mvGetWallTime(&wall) == MV_STATUS_OKAY);
        clock_gettime(CLOCK_REALTIME, &to);
        ck_assert_uint_ge(wall + 1000000, (uint64_t)from.tv_sec * 1000000U); /* a second, in case the host's is set */
        ck_assert_uint_le(wall, ((uint64_t)to.tv_sec + 2) * 1000000U);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("time");
        TCase *virtual_time = tcase_create("virtual time");
        tcase_set_timeout(virtual_time, 60);
        tcase_add_checked_fixture(virtual_time, mvt_device_boot_virtual, mvt_device_end);
        tcase_add_test(virtual_time, virtual_clock_starts_at_zero_and_moves_by_calls_alone);
        tcase_add_test(virtual_time, refused_call_takes_time_too);
        tcase_add_test(virtual_time, virtual_clock_jumps_where_the_test_says);
        tcase_add_test(virtual_time, wall_time_is_unknown_until_the_first_connection);
        tcase_add_test(virtual_time, spinning_for_the_wall_time_ends);
        tcase_add_test(virtual_time, wall_time_survives_the_loss_of_the_network);
        tcase_add_test(virtual_time, wall_time_is_lost_when_the_device_boots);
        tcase_add_test(virtual_time, all_four_clocks_are_160_mhz);
        int count = sizeof ways / sizeof ways[0] - (mvt_is_thread_sanitized() ? 1 : 0); /* all but the bare spin */
        tcase_add_loop_test(virtual_time, every_way_of_waiting_makes_progress, 0, count);
        TCase *profile = tcase_create("profile");
        tcase_add_checked_fixture(profile, boot_with_clocks, mvt_device_end);
        tcase_add_test(profile, profile_changes_each_clock);
        tcase_add_test(profile, profile_says_what_a_call_takes);
        TCase *real_time = tcase_create("real time");
        tcase_add_checked_fixture(real_time, mvt_device_boot_real, mvt_device_end);
        tcase_add_test(real_time, real_clock_follows_the_hosts);
        tcase_add_test(real_time, real_wall_time_is_the_hosts);
        suite_add_tcase(suite, virtual_time);
        suite_add_tcase(suite, profile);
        suite_add_tcase(suite, real_time);
        return suite;
}
