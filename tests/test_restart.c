/* An application that crashes and is started again, run as the process that it is. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "suite.h"

#define STARTED_AGAIN 7

static void set_up(void)
{
        mvt_program_set_up();
        unsetenv("ALWAYS");
}

static void run(const char *way, const char *settings)
{
        mvt_program_run("CRASHING", (const char *const[]){way, "two words", "", NULL}, settings, NULL);
}

static const char *const ways[] = {"null", "stack", "handler", "lent", "thread", "masked", "fast"};

START_TEST(what_crashes_is_started_again)
{
        run(ways[_i], "memory: {on_fault: restart}\n");
        mvt_program_expect_end(STARTED_AGAIN);
        mvt_program_expect_said(
                ": wake reason 0, at 0 s, wall time unknown, descriptor closed, nothing blocked, flash 0xff, 4 "
                "arguments, the last but one \"two words\"",
                1);
        mvt_program_expect_said(
                ": wake reason 8, at a later time, wall time known, descriptor closed, nothing blocked, flash "
                "0x5a, 4 arguments, the last but one \"two words\"",
                1);
        mvt_program_expect_said("the application starts again (restart 1 of 100; wake reason APPLICATIONCRASH)", 1);
}
END_TEST

START_TEST(stored_wifi_settings_outlive_it)
{
        run("null", "memory: {on_fault: restart}\nwifi: {ssid: delivered}\n");
        mvt_program_expect_said("Wi-Fi \"delivered\", open", 1);
        mvt_program_expect_said("Wi-Fi \"stored\", encrypted", 1);
}
END_TEST

START_TEST(without_the_setting_it_ends)
{
        run("null", "{}\n");
        ck_assert_msg(mvt_program.child.signal == SIGSEGV || mvt_program.child.exit_status > 0, "%s",
                      mvt_program.child.output);
        mvt_program_expect_said("starts again", 0);
}
END_TEST

START_TEST(restarts_have_an_end)
{
        setenv("ALWAYS", "1", 1);
        run("null", "memory: {on_fault: restart, restarts: 3}\n");
        ck_assert_msg(mvt_program.child.signal == SIGSEGV || mvt_program.child.exit_status > 0, "%s",
                      mvt_program.child.output);
        mvt_program_expect_said("wake reason 8,", 3);
        mvt_program_expect_said("(restart 3 of 3;", 1);
        mvt_program_expect_said("the application has started again 3 times, and does no more (memory.restarts)", 1);
}
END_TEST

START_TEST(the_event_log_goes_on)
{
        setenv("ALWAYS", "1", 1);
        setenv("MVSIM_TRACE", mvt_program.trace, 1);
        run("null", "memory: {on_fault: restart, restarts: 2}\n");
        const char *events = mvt_program_events();
        ck_assert_uint_eq(mvt_count(events, " boot device="), 1);
        ck_assert_uint_eq(mvt_count(events, " restart count="), 2);
        const char *last = strstr(events, " restart count=2 reason=8\n");
        ck_assert_msg(last != NULL && strstr(last, "mvGetWakeReason"), "%s", events);
        ck_assert_ptr_null(strstr(strstr(events, " boot "), "\n\n ")); /* no gap where a life ended */
}
END_TEST

START_TEST(the_same_seed_crashes_in_the_same_way)
{
        static char events[1 << 16];
        setenv("MVSIM_TRACE", mvt_program.trace, 1);
        run("handler", "memory: {on_fault: restart}\n");
        snprintf(events, sizeof events, "%s", mvt_program_events());
        run("handler", "memory: {on_fault: restart}\n");
        ck_assert_str_eq(events, mvt_program_events());
}
END_TEST

START_TEST(a_forged_variable_is_refused)
{
        setenv("MVSIM_RESTARTED", "1:9:x", 1);
        run("null", "{}\n");
        unsetenv("MVSIM_RESTARTED");
        mvt_program_expect_end(2);
        mvt_program_expect_said("MVSIM_RESTARTED is \"1:9:x\": it is libmvsim's own", 1);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("restart");
        TCase *tests = tcase_create("restart");
        tcase_add_checked_fixture(tests, set_up, mvt_program_tear_down);
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, what_crashes_is_started_again, 0, sizeof ways / sizeof ways[0]);
        tcase_add_test(tests, stored_wifi_settings_outlive_it);
        tcase_add_test(tests, without_the_setting_it_ends);
        tcase_add_test(tests, restarts_have_an_end);
        tcase_add_test(tests, the_event_log_goes_on);
        tcase_add_test(tests, the_same_seed_crashes_in_the_same_way);
        tcase_add_test(tests, a_forged_variable_is_refused);
        suite_add_tcase(suite, tests);
        return suite;
}
