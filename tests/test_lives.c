/* An application that restarts itself and sleeps deeply, run as the process that it is. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"
#include "suite.h"

#define DONE 7

/* A descriptor that every life is to find open. */
static void hand_on(void)
{
        dup2(STDOUT_FILENO, 20);
        setenv("LIVING_HANDED_ON", "20", 1);
}

static void run(const char *plan, const char *settings)
{
        mvt_program_run("LIVING", (const char *const[]){plan, NULL}, settings, hand_on);
}

static void expect_said(const char *text)
{
        mvt_program_expect_said(text, 1);
}

START_TEST(a_restart_keeps_the_clocks)
{
        run("r", "{}\n");
        mvt_program_expect_end(DONE);
        expect_said("life 0: reason 0, second 0, wall time unknown\n");
        expect_said("life 1: reason 2, second 0, wall time known\n");
}
END_TEST

START_TEST(standby_lasts_and_keeps_the_clocks)
{
        run("s", "{}\n");
        mvt_program_expect_end(DONE);
        expect_said("life 1: reason 15, second 3, wall time known\n");
}
END_TEST

START_TEST(shutdown_ends_in_a_cold_boot)
{
        run("S", "{}\n");
        mvt_program_expect_end(DONE);
        expect_said("life 1: reason 0, second 0, wall time unknown\n");
}
END_TEST

START_TEST(deep_sleep_ends_when_the_check_in_is_due)
{
        run("d", "power: {check_in_ms: 60000}\n");
        mvt_program_expect_end(DONE);
        expect_said("life 1: reason 12, second 60, wall time known\n");
}
END_TEST

START_TEST(deep_sleep_really_lasts_in_real_time)
{
        setenv("MVSIM_TIME", "real", 1);
        run("d", "power: {check_in_ms: 1100}\nnetwork: {connect_ms: 10}\n");
        mvt_program_expect_end(DONE);
        expect_said("life 1: reason 12, second 1, wall time known\n");
}
END_TEST

START_TEST(deep_sleep_that_nothing_ends_is_reported)
{
        run("d", "{}\n");
        mvt_program_expect_end(70);
        expect_said("the device sleeps deeply and nothing is left that could wake it");
}
END_TEST

START_TEST(lives_may_follow_each_other_in_any_order)
{
        run("rsScr", "memory: {on_fault: restart, restarts: 1}\n");
        mvt_program_expect_end(DONE);
        expect_said("life 1: reason 2, second 0, wall time known\n");
        expect_said("life 2: reason 15, second 3, wall time known\n");
        expect_said("life 3: reason 0, second 0, wall time unknown\n");
        expect_said("life 4: reason 8, second 0, wall time known\n");
        expect_said("life 5: reason 2, second 0, wall time known\n");
}
END_TEST

START_TEST(a_timer_of_the_hosts_ends_with_the_life_that_set_it)
{
        run("kkkk", "memory: {on_fault: restart, restarts: 4}\n");
        mvt_program_expect_end(DONE);
        expect_said("life 4: reason 8, second 1, wall time known\n");
}
END_TEST

START_TEST(lives_may_have_an_end)
{
        run("rrr", "power: {lives: 3}\nlog: {level: info}\n");
        mvt_program_expect_end(0);
        expect_said("life 2:");
        expect_said("the application has had 3 lives (power.lives): the process ends");
        ck_assert_uint_eq(mvt_count(mvt_program.child.output, "life 3:"), 0);
}
END_TEST

static const struct {
        const char *event;
        const char *said;
} ends[] = {
        {"{at_ms: 40, do: restart}", ": reason 2,"},
        {"{at_ms: 5, do: application-update}", ": reason 9,"},
        {"{at_ms: 5, do: microvisor-update}", ": reason 10, second 0,"},
};

#define ENDS ((int)(sizeof ends / sizeof ends[0]))

/* Whatever the application is doing. */
START_TEST(the_world_ends_a_life)
{
        static const char *const doings[] = {"w", "p", "x"};
        char settings[400];
        snprintf(settings, sizeof settings,
                 "network: {connect_ms: 10}\n"
                 "updates: {download_ms: 50, install_ms: 10}\n"
                 "schedule: {events: [%s]}\n",
                 ends[_i % ENDS].event);
        setenv("MVSIM_TIME", _i / ENDS % 2 ? "real" : "virtual", 1);
        run(doings[_i / (2 * ENDS)], settings);
        mvt_program_expect_end(DONE);
        expect_said(ends[_i % ENDS].said);
}
END_TEST

START_TEST(a_life_that_another_thread_ends_cannot_be_caught)
{
        run("t", "{}\n");
        mvt_program_expect_end(2);
        expect_said("mvRestart: the thread that ended the application's life is not the one that mvsim_catch() runs it "
                    "on, and cannot be left (use mvsim_on_ending)");
}
END_TEST

START_TEST(what_was_printed_is_not_lost)
{
        char printed[256];
        run("rs", "{}\n");
        mvt_read_file(mvt_program.printed, printed, sizeof printed);
        ck_assert_str_eq(printed, "printed in life 0\nprinted in life 1\nprinted in life 2\n");
}
END_TEST

START_TEST(the_event_log_goes_on)
{
        setenv("MVSIM_TRACE", mvt_program.trace, 1);
        run("rs", "{}\n");
        const char *events = mvt_program_events();
        ck_assert_uint_eq(mvt_count(events, " boot device="), 1);
        const char *first = strstr(events, " call mvRestart mode=0 returned=OKAY\n");
        const char *second = strstr(events, " restart count=1 reason=2\n");
        const char *third = strstr(events, " call mvDeepSleep mode=0 returned=OKAY\n");
        const char *fourth = strstr(events, " restart count=2 reason=15\n");
        ck_assert(first && second && third && fourth);
        ck_assert(first < second && second < third && third < fourth);
}
END_TEST

START_TEST(the_same_seed_lives_in_the_same_way)
{
        static char events[1 << 16];
        setenv("MVSIM_TRACE", mvt_program.trace, 1);
        run("rsS", "{}\n");
        snprintf(events, sizeof events, "%s", mvt_program_events());
        run("rsS", "{}\n");
        ck_assert_str_eq(events, mvt_program_events());
}
END_TEST

START_TEST(a_power_cut_ends_in_a_cold_boot)
{
        run("f", "flash: {power_cut: 2}\n");
        mvt_program_expect_end(DONE);
        expect_said(
                "mvExternalFlashWriteBlocking: power fails in the middle of operation 2 of this life, at 0x00001000");
        expect_said("life 1: reason 0, second 0, wall time unknown\n");
        ck_assert_uint_eq(mvt_count(mvt_program.child.output, "handles-open"), 0);
}
END_TEST

START_TEST(a_power_cut_counts_over_all_lives_and_comes_once)
{
        run("rfrr", "flash: {power_cut: 3}\n");
        mvt_program_expect_end(DONE);
        expect_said("power fails in the middle of operation 2 of this life");
        expect_said("life 2: reason 0, second 0, wall time unknown\n");
        expect_said("life 4: reason 2, ");
}
END_TEST

START_TEST(each_life_has_its_summary)
{
        setenv("MVSIM_SUMMARY", "1", 1);
        run("r", "{}\n");
        ck_assert_uint_eq(mvt_count(mvt_program.child.output, "mvsim: summary:"), 2);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("lives");
        TCase *tests = tcase_create("lives");
        tcase_add_checked_fixture(tests, mvt_program_set_up, mvt_program_tear_down);
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, a_restart_keeps_the_clocks);
        tcase_add_test(tests, standby_lasts_and_keeps_the_clocks);
        tcase_add_test(tests, shutdown_ends_in_a_cold_boot);
        tcase_add_test(tests, deep_sleep_ends_when_the_check_in_is_due);
        tcase_add_test(tests, deep_sleep_really_lasts_in_real_time);
        tcase_add_test(tests, deep_sleep_that_nothing_ends_is_reported);
        tcase_add_test(tests, lives_may_follow_each_other_in_any_order);
        tcase_add_test(tests, a_timer_of_the_hosts_ends_with_the_life_that_set_it);
        tcase_add_test(tests, lives_may_have_an_end);
        tcase_add_loop_test(tests, the_world_ends_a_life, 0, 6 * ENDS);
        tcase_add_test(tests, a_life_that_another_thread_ends_cannot_be_caught);
        tcase_add_test(tests, what_was_printed_is_not_lost);
        tcase_add_test(tests, the_event_log_goes_on);
        tcase_add_test(tests, the_same_seed_lives_in_the_same_way);
        tcase_add_test(tests, a_power_cut_ends_in_a_cold_boot);
        tcase_add_test(tests, a_power_cut_counts_over_all_lives_and_comes_once);
        tcase_add_test(tests, each_life_has_its_summary);
        suite_add_tcase(suite, tests);
        return suite;
}
