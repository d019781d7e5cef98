/* mvPowerSave: which modes are allowed when, and what wakes the processor. */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "stm32u5xx.h"

#include "lib/device.h"
#include "suite.h"

static volatile unsigned ticks, runs;
static volatile enum MvStatus seen_status;
static void (*volatile in_handler)(void);

void SysTick_Handler(void);
void SysTick_Handler(void)
{
        ticks++;
}

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        runs++;
        if (in_handler)
                in_handler();
}

static void forget(void)
{
        ticks = runs = 0;
        in_handler = NULL;
        seen_status = MV_STATUS__MAX;
}

static void boot_virtual(void)
{
        forget();
        mvt_device_boot(NULL);
}

static void boot_real(void)
{
        forget();
        mvt_device_boot_real();
}

static const enum MvPowerSavingMode stops[] = {MV_POWERSAVINGMODE_STOP0, MV_POWERSAVINGMODE_STOP1,
                                               MV_POWERSAVINGMODE_STOP2, MV_POWERSAVINGMODE_STOP3};

/* ---- what is allowed ---- */

/* Sleeps as applications must: what comes before the sleep is masked, so that it ends the sleep and is not waited for.
 */
static enum MvStatus sleep_until_woken(enum MvPowerSavingMode mode)
{
        __disable_irq();
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        ck_assert_int_eq(mvsim_pend_irq(TIM8_BRK_IRQn, 1000), 0);
        enum MvStatus status = mvPowerSave(mode);
        ck_assert_uint_eq(runs, 0);
        __enable_irq();
        ck_assert_uint_eq(runs, status == MV_STATUS_OKAY);
        return status;
}

static struct MvNotification ring[2];
static MvNotificationHandle centre;
static MvNetworkHandle network;

static void request_network(void)
{
        centre = mvt_centre_open(TIM2_IRQn, ring, 2);
        NVIC_DisableIRQ(TIM2_IRQn);
        network = mvt_network_request(centre, 1);
}

static void release_network(void)
{
        mvt_network_release(&network);
        mvt_centre_close(&centre);
}

/* Until it was asked for once, the connection is Microvisor's own. */
static void turn_network_off(void)
{
        request_network();
        release_network();
        mvsim_run_for(1000);
}

START_TEST(every_mode_is_allowed_while_the_network_is_off)
{
        const enum MvPowerSavingMode mode = _i ? stops[_i - 1] : MV_POWERSAVINGMODE_SLEEP;
        turn_network_off();
        expect_okay(sleep_until_woken(mode));
        ck_assert_uint_ge(mvsim_now_us(), 2000);
}
END_TEST

static void expect_busy(void)
{
        for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
                uint64_t before = mvsim_now_us();
                expect_reject(mvPowerSave(stops[i]), MV_STATUS_MICROVISORBUSY, "mode");
                ck_assert_uint_lt(mvsim_now_us() - before, 1000); /* it did not sleep */
        }
}

START_TEST(stop_needs_the_network_off)
{
        request_network(); /* a handle is held, the connection is not there yet */
        expect_busy();
        mvt_network_wait(network, MV_NETWORKSTATUS_CONNECTED);
        expect_busy();
        release_network();
        expect_busy(); /* it is not down yet */
        mvsim_run_for(1000);
        expect_okay(sleep_until_woken(MV_POWERSAVINGMODE_STOP3));
}
END_TEST

START_TEST(connection_of_microvisor_s_own_counts_too)
{
        expect_busy();
        mvsim_run_for(1000000);
        expect_busy();
}
END_TEST

START_TEST(sleep_does_not_need_the_network_off)
{
        request_network();
        mvt_network_wait(network, MV_NETWORKSTATUS_CONNECTED);
        expect_okay(sleep_until_woken(MV_POWERSAVINGMODE_SLEEP));
        release_network();
}
END_TEST

START_TEST(unknown_mode_is_refused_before_the_network_is_looked_at)
{
        request_network();
        expect_reject(mvPowerSave((enum MvPowerSavingMode)5), MV_STATUS_PARAMETERFAULT, "mode");
        expect_reject(mvPowerSave((enum MvPowerSavingMode)0xff), MV_STATUS_PARAMETERFAULT, "mode");
        release_network();
}
END_TEST

static void try_to_sleep(void)
{
        seen_status = mvPowerSave((enum MvPowerSavingMode)5);
}

START_TEST(handler_may_not_sleep_whatever_the_mode)
{
        in_handler = try_to_sleep;
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 1);
        ck_assert_int_eq(seen_status, MV_STATUS_UNAVAILABLE);
}
END_TEST

/* ---- what wakes ---- */

static void start_tick(void)
{
        uint32_t hclk = 0;
        expect_okay(mvGetHClk(&hclk));
        ck_assert_uint_eq(SysTick_Config(hclk / 100), 0);
}

START_TEST(systick_wakes)
{
        uint64_t before = mvsim_now_us();
        start_tick();
        while (ticks < 10)
                expect_okay(mvPowerSave(MV_POWERSAVINGMODE_SLEEP));
        ck_assert_uint_ge(mvsim_now_us() - before, 100000);
}
END_TEST

START_TEST(every_tick_is_one_sleep_in_virtual_time)
{
        start_tick();
        uint64_t before = mvsim_now_us();
        for (unsigned i = 1; i <= 10; i++) {
                expect_okay(mvPowerSave(MV_POWERSAVINGMODE_SLEEP));
                ck_assert_uint_eq(ticks, i);
        }
        ck_assert_uint_ge(mvsim_now_us() - before, 100000);
}
END_TEST

START_TEST(what_is_pending_already_keeps_from_sleeping)
{
        __disable_irq();
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        uint64_t before = mvsim_now_us();
        expect_okay(mvPowerSave(MV_POWERSAVINGMODE_SLEEP));
        ck_assert_uint_lt(mvsim_now_us() - before, 1000);
        ck_assert_uint_eq(runs, 0);
        __enable_irq();
        ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(disabled_line_does_not_wake)
{
        ck_assert_int_eq(mvsim_pend_irq(TIM2_IRQn, 500), 0);
        expect_okay(sleep_until_woken(MV_POWERSAVINGMODE_SLEEP));
        ck_assert_uint_ge(mvsim_now_us(), 1000);
}
END_TEST

static void *pend_soon(void *unused)
{
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        ck_assert_int_eq(mvsim_pend_irq(TIM8_BRK_IRQn, 0), 0);
        return unused;
}

START_TEST(peripheral_wakes_from_another_thread)
{
        pthread_t thread;
        sigset_t all, before;
        turn_network_off();
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        __disable_irq();
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        ck_assert_int_eq(pthread_create(&thread, NULL, pend_soon, NULL), 0);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        expect_okay(mvPowerSave(MV_POWERSAVINGMODE_STOP1));
        __enable_irq();
        pthread_join(thread, NULL);
        ck_assert_uint_eq(runs, 1);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*boot)(void))
{
        TCase *tests = tcase_create(name);
        tcase_add_checked_fixture(tests, boot, mvt_device_end);
        tcase_set_timeout(tests, 30);
        suite_add_tcase(suite, tests);
        return tests;
}

static void add_waking(TCase *tests)
{
        tcase_add_loop_test(tests, every_mode_is_allowed_while_the_network_is_off, 0, 5);
        tcase_add_test(tests, systick_wakes);
        tcase_add_test(tests, disabled_line_does_not_wake);
        tcase_add_test(tests, peripheral_wakes_from_another_thread);
}

Suite *suite(void)
{
        Suite *suite = suite_create("power");
        TCase *rules = add_case(suite, "rules", boot_virtual);
        tcase_add_test(rules, stop_needs_the_network_off);
        tcase_add_test(rules, connection_of_microvisor_s_own_counts_too);
        tcase_add_test(rules, sleep_does_not_need_the_network_off);
        tcase_add_test(rules, unknown_mode_is_refused_before_the_network_is_looked_at);
        tcase_add_test(rules, handler_may_not_sleep_whatever_the_mode);
        tcase_add_test(rules, what_is_pending_already_keeps_from_sleeping);
        TCase *virtual_time = add_case(suite, "virtual time", boot_virtual);
        add_waking(virtual_time);
        tcase_add_test(virtual_time, every_tick_is_one_sleep_in_virtual_time);
        add_waking(add_case(suite, "real time", boot_real));
        return suite;
}
