/* The usage checker: the end, and what is written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "tempdir.h"
#include "lints.h"
#include "suite.h"

static void nothing(void)
{
}

START_TEST(handles_open)
{
        char text[MVT_OUTPUT_SIZE];
        mvt_device_boot(&(struct mvt_device){.profile = "lint: {handles-open: warning}\n", .leaves_handles = true});
        mvt_lints_open(mvt_lints_reads_one);
        mvt_network_request(mvt_lints.centre, 1);
        mvt_capture_begin();
        mvsim_shutdown();
        mvt_capture_end(text);
        fputs(text, stderr);
        ck_assert_ptr_nonnull(strstr(text, "mvsim: lint handles-open: the application ends with 2 handles open: "
                                           "1 notification centre, 1 network request (at "));
}
END_TEST

START_TEST(handles_open_names_each_kind)
{
        char text[MVT_OUTPUT_SIZE];
        MvExternalFlashHandle flash[3];
        mvt_device_boot(&(struct mvt_device){.profile = "lint: {handles-open: warning}\n", .leaves_handles = true});
        mvt_lints_open(mvt_lints_reads_one);
        for (unsigned i = 0; i < 3; i++)
                expect_okay(mvExternalFlashOpen(&flash[i]));
        expect_okay(mvExternalFlashClose(&flash[1]));
        mvt_capture_begin();
        mvsim_shutdown();
        mvt_capture_end(text);
        ck_assert_msg(strstr(text, "ends with 3 handles open: 1 notification centre, 2 external flash handles (at "),
                      "%s", text);
}
END_TEST

START_TEST(handles_open_tells_one_from_many)
{
        char text[MVT_OUTPUT_SIZE];
        MvExternalFlashHandle flash;
        mvt_device_boot(&(struct mvt_device){.profile = "lint: {handles-open: warning}\n", .leaves_handles = true});
        expect_okay(mvExternalFlashOpen(&flash));
        mvt_capture_begin();
        mvsim_shutdown();
        mvt_capture_end(text);
        ck_assert_msg(strstr(text, "ends with 1 handle open: 1 external flash handle (at "), "%s", text);
}
END_TEST

START_TEST(no_handles_open)
{
        char text[MVT_OUTPUT_SIZE];
        mvt_device_boot(&(struct mvt_device){.profile = "lint: {handles-open: warning}\n"});
        mvt_lints_open(mvt_lints_reads_one);
        mvt_centre_close(&mvt_lints.centre);
        mvt_capture_begin();
        mvsim_shutdown();
        mvt_capture_end(text);
        ck_assert_str_eq(text, "");
}
END_TEST

static void find_three_calls(const char *profile, char ret_text[MVT_OUTPUT_SIZE])
{
        mvt_device_boot(&(struct mvt_device){.profile = profile});
        mvt_capture_begin();
        mvt_lints_open(mvt_lints_calls);
        mvt_lints_post(3);
        mvt_centre_close(&mvt_lints.centre);
        mvsim_shutdown();
        mvt_capture_end(ret_text);
}

START_TEST(a_finding_is_written_once_and_counted_at_the_end)
{
        char text[MVT_OUTPUT_SIZE];
        find_three_calls(NULL, text);
        ck_assert_uint_eq(mvt_count(text, "mvsim: lint call-in-isr: mvNoOp was called from the handler"), 1);
        ck_assert_uint_eq(mvt_count(text, "mvsim: lint call-in-isr: 3 times: mvNoOp was called"), 1);
        ck_assert_uint_eq(mvt_count(text, "\n"), 2);
}
END_TEST

START_TEST(a_finding_can_be_off)
{
        char text[MVT_OUTPUT_SIZE];
        find_three_calls("lint: {call-in-isr: off}\n", text);
        ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(all_findings_can_be_off_but_one)
{
        char text[MVT_OUTPUT_SIZE];
        find_three_calls("lint: {all: off}\n", text);
        ck_assert_str_eq(text, "");
        find_three_calls("lint: {all: off, call-in-isr: warning}\n", text);
        ck_assert_uint_eq(mvt_count(text, "lint call-in-isr"), 2);
}
END_TEST

START_TEST(a_note_is_written_where_everything_is)
{
        mvt_device_boot(&(struct mvt_device){.profile = "log: {level: info}\n"});
        mvt_lints_open(mvt_lints_clears_a_copy);
        mvt_lints_post(MVT_LINTS_SLOTS + 1);
        EXPECT_FOUND("record-not-cleared", 1, "slot 0");
        mvt_centre_close(&mvt_lints.centre);
        mvt_device_end();
}
END_TEST

START_TEST(a_note_is_not_written)
{
        char text[MVT_OUTPUT_SIZE];
        find_three_calls("lint: {call-in-isr: note}\n", text);
        ck_assert_str_eq(text, "");
        find_three_calls("lint: {call-in-isr: note}\nlog: {level: info}\n", text);
        ck_assert_uint_eq(mvt_count(text, "lint call-in-isr"), 2);
}
END_TEST

static void die_of_a_finding(void)
{
        mvsim_nvic_set_vector(MVT_LINTS_IRQ, mvt_lints_calls);
        const struct MvNotificationSetup setup = {MVT_LINTS_IRQ, mvt_lints.ring, sizeof mvt_lints.ring};
        if (mvSetupNotifications(&setup, &mvt_lints.centre) != MV_STATUS_OKAY)
                _exit(1);
        NVIC_EnableIRQ(MVT_LINTS_IRQ);
        if (mvTempTriggerNotification(mvt_lints.centre, MV_EVENTTYPE_CHANNELDATAREADABLE, 7) != MV_STATUS_OKAY)
                _exit(2);
        _exit(3);
}

START_TEST(an_error_ends_the_process)
{
        struct mvt_child child;
        struct mvt_tempdir dir;
        char path[MVT_PATH_SIZE];
        const char *profile = "lint: {call-in-isr: error}\ntime: {mode: virtual}\n";
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "profile.yaml");
        mvt_write_file(path, profile, strlen(profile));
        setenv("MVSIM_PROFILE", path, 1);
        mvt_lints.place = 0;
        mvt_child_run(&child, die_of_a_finding);
        unsetenv("MVSIM_PROFILE");
        mvt_tempdir_remove(&dir);
        ck_assert_int_eq(child.exit_status, MVSIM_EXIT_FINDING);
        ck_assert_ptr_nonnull(strstr(child.output, "mvsim: lint call-in-isr: mvNoOp was called"));
        ck_assert_ptr_nonnull(strstr(child.output, "ends with status 79"));
}
END_TEST

START_TEST(an_unknown_id_in_the_profile_is_refused)
{
        char text[MVT_OUTPUT_SIZE];
        struct mvt_tempdir dir;
        char path[MVT_PATH_SIZE];
        const char *profile = "lint:\n  closed-handel: error\n";
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "profile.yaml");
        mvt_write_file(path, profile, strlen(profile));
        mvt_capture_begin();
        int result = mvsim_boot(&(struct mvsim_options){.profile = path});
        mvt_capture_end(text);
        mvt_tempdir_remove(&dir);
        ck_assert_int_eq(result, -EINVAL);
        ck_assert_ptr_nonnull(strstr(text, "2:3: lint.closed-handel: unknown key (did you mean `closed-handle`?)"));
}
END_TEST

START_TEST(ids_can_be_listed)
{
        const char *description = NULL;
        unsigned count = 0;
        for (const char *id; (id = mvsim_lint(count, &description)); count++) {
                ck_assert_uint_gt(strlen(id), 0);
                ck_assert_uint_gt(strlen(description), 10);
        }
        ck_assert_uint_ge(count, 15);
        ck_assert_ptr_nonnull(mvsim_lint(0, NULL));
}
END_TEST

void mvt_lints_add_written(Suite *suite)
{
        TCase *tests = mvt_lints_case(suite, "the end, and what is written", nothing, nothing);
        tcase_add_test(tests, handles_open);
        tcase_add_test(tests, handles_open_names_each_kind);
        tcase_add_test(tests, handles_open_tells_one_from_many);
        tcase_add_test(tests, no_handles_open);
        tcase_add_test(tests, a_finding_is_written_once_and_counted_at_the_end);
        tcase_add_test(tests, a_finding_can_be_off);
        tcase_add_test(tests, all_findings_can_be_off_but_one);
        tcase_add_test(tests, a_note_is_written_where_everything_is);
        tcase_add_test(tests, a_note_is_not_written);
        tcase_add_test(tests, an_error_ends_the_process);
        tcase_add_test(tests, an_unknown_id_in_the_profile_is_refused);
        tcase_add_test(tests, ids_can_be_listed);
}
