/* An application that crashes and is started again, run as the process that it is. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "suite.h"
#include "tempdir.h"

#define STARTED_AGAIN 7

static struct mvt_tempdir dir;
static char profile[MVT_PATH_SIZE], trace[MVT_PATH_SIZE];
static struct mvt_child child;
static const char *way;

static void set_up(void)
{
        mvt_tempdir_make(&dir);
        mvt_path(profile, &dir, "profile.yaml");
        mvt_path(trace, &dir, "events");
        setenv("MVSIM_PROFILE", profile, 1);
        setenv("MVSIM_TIME", "virtual", 1);
        unsetenv("MVSIM_TRACE");
        unsetenv("ALWAYS");
}

static void tear_down(void)
{
        mvt_tempdir_remove(&dir);
}

static void become_the_application(void)
{
        const char *application = getenv("CRASHING");
        execl(application ? application : "CRASHING is not set", "the-application", way, "two words", "", (char *)NULL);
        fprintf(stderr, "%s", strerror(errno));
        _exit(99);
}

static void run(const char *the_way, const char *settings)
{
        way = the_way;
        mvt_write_file(profile, settings, strlen(settings));
        mvt_child_run(&child, become_the_application);
}

static void expect_said(const char *text, unsigned times)
{
        ck_assert_msg(mvt_count(child.output, text) == times, "\"%s\" is not there %u times: %s", text, times,
                      child.output);
}

static const char *const ways[] = {"null", "stack", "handler", "lent", "thread", "masked", "fast"};

START_TEST(what_crashes_is_started_again)
{
        run(ways[_i], "memory: {on_fault: restart}\n");
        ck_assert_msg(child.exit_status == STARTED_AGAIN, "status %d, signal %d: %s", child.exit_status, child.signal,
                      child.output);
        expect_said(": wake reason 0, at 0 s, wall time unknown, descriptor closed, nothing blocked, flash 0xff, 4 "
                    "arguments, the last but one \"two words\"",
                    1);
        expect_said(": wake reason 8, at a later time, wall time known, descriptor closed, nothing blocked, flash "
                    "0x5a, 4 arguments, the last but one \"two words\"",
                    1);
        expect_said("the application starts again (restart 1 of 100; wake reason APPLICATIONCRASH)", 1);
}
END_TEST

START_TEST(stored_wifi_settings_outlive_it)
{
        run("null", "memory: {on_fault: restart}\nwifi: {ssid: delivered}\n");
        expect_said("Wi-Fi \"delivered\", open", 1);
        expect_said("Wi-Fi \"stored\", encrypted", 1);
}
END_TEST

START_TEST(without_the_setting_it_ends)
{
        run("null", "{}\n");
        ck_assert_msg(child.signal == SIGSEGV || child.exit_status > 0, "%s", child.output);
        expect_said("starts again", 0);
}
END_TEST

START_TEST(restarts_have_an_end)
{
        setenv("ALWAYS", "1", 1);
        run("null", "memory: {on_fault: restart, restarts: 3}\n");
        ck_assert_msg(child.signal == SIGSEGV || child.exit_status > 0, "%s", child.output);
        expect_said("wake reason 8,", 3);
        expect_said("(restart 3 of 3;", 1);
        expect_said("the application has started again 3 times, and does no more (memory.restarts)", 1);
}
END_TEST

static char *content(const char *path)
{
        static char text[1 << 16];
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        return text;
}

START_TEST(the_event_log_goes_on)
{
        setenv("ALWAYS", "1", 1);
        setenv("MVSIM_TRACE", trace, 1);
        run("null", "memory: {on_fault: restart, restarts: 2}\n");
        const char *events = content(trace);
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
        setenv("MVSIM_TRACE", trace, 1);
        run("handler", "memory: {on_fault: restart}\n");
        snprintf(events, sizeof events, "%s", content(trace));
        run("handler", "memory: {on_fault: restart}\n");
        ck_assert_str_eq(events, content(trace));
}
END_TEST

START_TEST(a_forged_variable_is_refused)
{
        setenv("MVSIM_RESTARTED", "1:9:x", 1);
        run("null", "{}\n");
        unsetenv("MVSIM_RESTARTED");
        ck_assert_int_eq(child.exit_status, 2);
        expect_said("MVSIM_RESTARTED is \"1:9:x\": it is libmvsim's own", 1);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("restart");
        TCase *tests = tcase_create("restart");
        tcase_add_checked_fixture(tests, set_up, tear_down);
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
