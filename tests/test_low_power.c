/*
 * The example application low-power through several lives, in virtual time and in one process. Its main function is
 * called low_power here.
 */
#include <stdio.h>
#include <string.h>

#include "child.h"
#include "device.h"
#include "suite.h"
#include "tempdir.h"

#define SLEEP_US UINT64_C(900000000)
#define LOG_NAME "app.log"

int low_power(void);

static struct mvt_tempdir dir;

static void boot(const char *more)
{
        char profile[1024];
        mvt_tempdir_make(&dir);
        snprintf(profile, sizeof profile, "log: {file: '%s/" LOG_NAME "', level: error}\n%s", dir.path, more);
        mvt_device_boot(&(struct mvt_device){.profile = profile});
}

static void tear_down(void)
{
        mvt_device_end();
        mvt_tempdir_remove(&dir);
}

static const char *log_text(void)
{
        static char text[8192];
        char path[MVT_PATH_SIZE];
        mvt_path(path, &dir, LOG_NAME);
        mvt_read_file(path, text, sizeof text);
        return text;
}

static void expect_said(const char *text, unsigned times)
{
        ck_assert_msg(mvt_count(log_text(), text) == times, "\"%s\" is not there %u times:\n%s", text, times,
                      log_text());
}

static void application(void *unused)
{
        (void)unused;
        low_power();
}

/* One life, up to its deep sleep. */
static struct mvsim_ending live(void)
{
        struct mvsim_ending ending;
        ck_assert(mvsim_catch(application, NULL, &ending));
        return ending;
}

static void wake(void)
{
        ck_assert_int_eq(mvsim_boot_again(), 0);
}

static void live_and_wake(unsigned lives)
{
        while (lives-- > 0) {
                ck_assert_int_eq(live().kind, MVSIM_ENDING_DEEP_SLEEP);
                wake();
        }
}

START_TEST(a_life_ends_in_standby_with_nothing_left_open)
{
        boot("");
        struct mvsim_ending ending = live();
        ck_assert_str_eq(ending.call, "mvDeepSleep");
        ck_assert_uint_eq(ending.argument, MV_DEEPSLEEPMODE_STANDBY);
        ck_assert_uint_eq(mvt_open_handles(), 0);
        ck_assert_uint_eq(mvsim_findings(NULL), 0);
        uint64_t asleep_us = mvsim_now_us();
        wake();
        ck_assert_uint_ge(mvsim_now_us(), SLEEP_US);
        ck_assert_uint_lt(mvsim_now_us(), asleep_us + SLEEP_US);
}
END_TEST

START_TEST(the_first_measurement_is_sent_at_once)
{
        boot("");
        live_and_wake(1);
        expect_said("awake at 0 s, reason 0\n", 1);
        expect_said("measured at 0 s: 18.0 degrees\n", 1);
}
END_TEST

START_TEST(the_others_are_sent_four_at_a_time)
{
        boot("");
        live_and_wake(4);
        expect_said("measured", 1);
        live_and_wake(1);
        expect_said("measured", 5);
        expect_said(", reason 15\n", 1);
        expect_said("measured at 901 s: 25.5 degrees\n", 1);
        live_and_wake(3);
        expect_said("measured", 5);
        live_and_wake(1);
        expect_said("measured", 9);
}
END_TEST

START_TEST(without_a_network_they_wait)
{
        boot("");
        live_and_wake(4);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        live_and_wake(1);
        expect_said("measured", 1);
        mvsim_network_up();
        live_and_wake(1);
        expect_said("measured", 6);
}
END_TEST

START_TEST(an_update_is_waited_for_before_it_sleeps)
{
        boot("updates: {polite: true, download_ms: 20000}\n");
        ck_assert_int_eq(mvsim_update_available(MVSIM_UPDATE_APPLICATION), 0);
        struct mvsim_ending ending = live();
        ck_assert_int_eq(ending.kind, MVSIM_ENDING_DEEP_SLEEP);
        ck_assert_uint_gt(ending.microseconds, 20000000);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("low_power");
        TCase *tests = tcase_create("low_power");
        tcase_add_checked_fixture(tests, NULL, tear_down);
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, a_life_ends_in_standby_with_nothing_left_open);
        tcase_add_test(tests, the_first_measurement_is_sent_at_once);
        tcase_add_test(tests, the_others_are_sent_four_at_a_time);
        tcase_add_test(tests, without_a_network_they_wait);
        tcase_add_test(tests, an_update_is_waited_for_before_it_sleeps);
        suite_add_tcase(suite, tests);
        return suite;
}
