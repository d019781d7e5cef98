/* The server log: lending its buffer, what is taken and what is refused, and how entries leave the device. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "stm32u5xx.h"

#include "lib/child.h"
#include "lib/device.h"
#include "lib/life.h"
#include "lib/tempdir.h"
#include "suite.h"

#define CONNECT_US 250000U
#define BLOCK      512

static struct mvt_tempdir dir;
static char log_path[MVT_PATH_SIZE];
static uint8_t buffer[4 * BLOCK] __attribute__((aligned(BLOCK)));

static void boot(const char *more)
{
        char profile[MVT_PATH_SIZE + 200];
        snprintf(profile, sizeof profile, "log: {file: %s}\n%s", log_path, more);
        mvt_device_boot(&(struct mvt_device){.profile = profile});
}

static void set_up(void)
{
        mvt_tempdir_make(&dir);
        mvt_path(log_path, &dir, "log.txt");
        memset(buffer, 0, sizeof buffer);
        boot("");
}

static void tear_down(void)
{
        char text[MVT_OUTPUT_SIZE];
        mvt_capture_begin(); /* entries that never left are reported */
        mvsim_shutdown();
        mvt_capture_end(text);
        mvt_device_end();
        mvt_tempdir_remove(&dir);
}

static enum MvStatus put(const char *text)
{
        return mvServerLog((const uint8_t *)text, (uint16_t)strlen(text));
}

/* What left the device, terminated. */
static const char *sent(void)
{
        static char text[8192];
        mvt_read_file(log_path, text, sizeof text);
        return text;
}

static void connect(void)
{
        mvsim_run_for(CONNECT_US);
}

static void init(void)
{
        expect_okay(mvServerLoggingInit(buffer, BLOCK));
}

/* ---- mvServerLoggingInit ---- */

START_TEST(logging_may_be_initialised_by_the_first_call_of_all)
{
        init();
        expect_okay(put("hello"));
        ck_assert_uint_eq(mvt_open_handles(), 0);
}
END_TEST

START_TEST(buffer_off_the_512_byte_grid_is_refused)
{
        static const unsigned offsets[] = {1, 8, 256, 511};
        expect_reject(mvServerLoggingInit(buffer + offsets[_i], BLOCK), MV_STATUS_INVALIDBUFFERALIGNMENT, "buffer");
        expect_reject(put("x"), MV_STATUS_UNAVAILABLE, "");
}
END_TEST

START_TEST(size_must_be_a_multiple_of_512_and_not_0)
{
        static const uint32_t sizes[] = {0, 1, 511, 513, 1000};
        expect_reject(mvServerLoggingInit(buffer, sizes[_i]), MV_STATUS_INVALIDBUFFERSIZE, "length_bytes");
        expect_reject(put("x"), MV_STATUS_UNAVAILABLE, "");
}
END_TEST

START_TEST(memory_is_checked_before_alignment_and_size)
{
        expect_reject(mvServerLoggingInit(NULL, 0), MV_STATUS_PARAMETERFAULT, "buffer");
        expect_reject(mvServerLoggingInit(buffer + 1, 1), MV_STATUS_INVALIDBUFFERALIGNMENT, "buffer");
}
END_TEST

START_TEST(second_buffer_takes_over_what_waits)
{
        init();
        expect_okay(put("before"));
        expect_okay(mvServerLoggingInit(buffer + BLOCK, 2 * BLOCK));
        expect_okay(put("after"));
        connect();
        const char *before = strstr(sent(), "before\n");
        ck_assert_ptr_nonnull(before);
        ck_assert_ptr_nonnull(strstr(before, "after\n"));
        expect_okay(mvServerLoggingInit(buffer, BLOCK)); /* the first buffer was given back */
}
END_TEST

START_TEST(replaced_buffer_comes_back_with_the_pattern)
{
        init();
        expect_okay(mvServerLoggingInit(buffer + BLOCK, BLOCK));
        for (unsigned i = 0; i < BLOCK; i++)
                ck_assert_uint_eq(buffer[i], 0xa5);
}
END_TEST

START_TEST(new_buffer_may_overlap_the_one_it_replaces)
{
        init();
        expect_okay(mvServerLoggingInit(buffer, BLOCK));
        expect_okay(mvServerLoggingInit(buffer, 3 * BLOCK));
        expect_okay(put("here"));
        connect();
        ck_assert_ptr_nonnull(strstr(sent(), "here\n"));
}
END_TEST

START_TEST(buffer_that_overlaps_other_lent_memory_is_refused)
{
        MvNotificationHandle centre;
        const struct MvNotificationSetup setup = {TIM2_IRQn, (struct MvNotification *)(void *)(buffer + BLOCK), 32};
        expect_okay(mvSetupNotifications(&setup, &centre));
        expect_reject(mvServerLoggingInit(buffer + BLOCK, BLOCK), MV_STATUS_BUFFERALREADYINUSE, "buffer");
        expect_reject(mvServerLoggingInit(buffer, 2 * BLOCK), MV_STATUS_BUFFERALREADYINUSE, "buffer");
        init();
        expect_reject(mvServerLoggingInit(buffer, 2 * BLOCK), MV_STATUS_BUFFERALREADYINUSE, "buffer");
        expect_okay(put("still here"));
        mvt_centre_close(&centre);
}
END_TEST

/* ---- mvServerLog ---- */

START_TEST(entry_before_initialisation_is_refused_harmlessly)
{
        expect_reject(put("early"), MV_STATUS_UNAVAILABLE, "");
        init();
        connect();
        ck_assert_str_eq(sent(), "");
}
END_TEST

START_TEST(entries_wait_for_the_cloud_and_leave_in_order_with_their_times)
{
        init();
        expect_okay(put("first"));
        mvsim_run_for(100000);
        expect_okay(put("second"));
        ck_assert_str_eq(sent(), "");
        ck_assert_uint_eq(mvt_statistics().log_entries, 0);
        connect();
        ck_assert_str_eq(sent(), "[    0.000002] first\n[    0.100004] second\n");
        ck_assert_uint_eq(mvt_statistics().log_entries, 2);
}
END_TEST

START_TEST(entry_of_a_connected_device_leaves_at_once)
{
        init();
        connect();
        expect_okay(put("now"));
        ck_assert_str_eq(sent(), "[    0.250002] now\n");
}
END_TEST

START_TEST(entries_of_an_outage_leave_after_it)
{
        init();
        connect();
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        expect_okay(put("meanwhile"));
        mvsim_run_for(10000000);
        ck_assert_str_eq(sent(), "");
        mvsim_network_up();
        mvsim_run_for(20000000);
        ck_assert_ptr_nonnull(strstr(sent(), "] meanwhile\n"));
}
END_TEST

START_TEST(entry_is_copied)
{
        char text[] = "mine";
        init();
        expect_okay(put(text));
        memset(text, 'x', 4);
        connect();
        ck_assert_ptr_nonnull(strstr(sent(), "] mine\n"));
}
END_TEST

START_TEST(entry_may_have_1024_bytes_and_no_more)
{
        static uint8_t text[1025];
        memset(text, 'a', sizeof text);
        expect_okay(mvServerLoggingInit(buffer, sizeof buffer));
        expect_reject(mvServerLog(text, 1025), MV_STATUS_LOGMESSAGETOOLONG, "length_bytes");
        expect_okay(mvServerLog(text, 1024));
        connect();
        ck_assert_uint_eq(strlen(sent()), strlen("[    0.000002] ") + 1024 + 1);
        ck_assert_uint_eq(mvt_statistics().log_entries, 1);
}
END_TEST

START_TEST(profile_may_allow_less)
{
        tear_down();
        mvt_tempdir_make(&dir);
        mvt_path(log_path, &dir, "log.txt");
        boot("limits: {log_message: 5}\n");
        init();
        expect_reject(put("123456"), MV_STATUS_LOGMESSAGETOOLONG, "length_bytes");
        expect_okay(put("12345"));
}
END_TEST

START_TEST(empty_entry_is_logged)
{
        init();
        expect_okay(mvServerLog((const uint8_t *)"x", 0));
        expect_okay(mvServerLog(NULL, 0));
        connect();
        ck_assert_str_eq(sent(), "[    0.000002] \n[    0.000004] \n");
}
END_TEST

/* An entry takes its length and 8 bytes of the buffer. */
START_TEST(offline_the_buffer_fills_and_connected_it_empties)
{
        uint8_t text[256 - 8];
        memset(text, 'a', sizeof text);
        init();
        expect_okay(mvServerLog(text, sizeof text));
        expect_reject(mvServerLog(text, sizeof text + 1), MV_STATUS_INVALIDBUFFERSIZE, "");
        expect_okay(mvServerLog(text, sizeof text));
        expect_reject(mvServerLog(text, 0), MV_STATUS_INVALIDBUFFERSIZE, "");
        connect();
        ck_assert_uint_eq(mvt_statistics().log_entries, 2);
        expect_okay(mvServerLog(text, sizeof text));
}
END_TEST

START_TEST(entry_larger_than_the_buffer_never_fits)
{
        static uint8_t text[505];
        memset(text, 'a', sizeof text);
        init();
        connect();
        expect_reject(mvServerLog(text, 505), MV_STATUS_INVALIDBUFFERSIZE, "");
        expect_okay(mvServerLog(text, 504));
}
END_TEST

START_TEST(server_may_disable_logging)
{
        init();
        mvsim_set_server_logging(false);
        expect_reject(put("refused"), MV_STATUS_LOGGINGDISABLEDBYSERVER, "");
        mvsim_set_server_logging(true);
        expect_okay(put("taken"));
        connect();
        ck_assert_str_eq(sent(), "[    0.000004] taken\n");
}
END_TEST

START_TEST(what_waits_leaves_when_the_server_takes_entries_again)
{
        init();
        expect_okay(put("early"));
        mvsim_set_server_logging(false);
        connect();
        mvsim_run_for(1000000);
        ck_assert_str_eq(sent(), "");
        mvsim_set_server_logging(true);
        ck_assert_str_eq(sent(), "[    0.000002] early\n");
}
END_TEST

/* ---- the pace of the cloud ---- */

static void boot_with_rate(void)
{
        tear_down();
        mvt_tempdir_make(&dir);
        mvt_path(log_path, &dir, "log.txt");
        boot("cloud: {log_rate: 10}\n");
        init();
}

START_TEST(entries_leave_at_the_pace_of_the_cloud)
{
        boot_with_rate();
        for (unsigned i = 0; i < 5; i++)
                expect_okay(put("entry"));
        connect();
        ck_assert_uint_eq(mvt_statistics().log_entries, 1);
        for (unsigned i = 2; i <= 5; i++) {
                mvsim_run_for(99000);
                ck_assert_uint_eq(mvt_statistics().log_entries, i - 1);
                mvsim_run_for(1000);
                ck_assert_uint_eq(mvt_statistics().log_entries, i);
        }
        mvsim_run_for(1000000);
        expect_okay(put("after a pause")); /* which is not made up for */
        expect_okay(put("and another"));
        ck_assert_uint_eq(mvt_statistics().log_entries, 6);
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_statistics().log_entries, 7);
}
END_TEST

START_TEST(whoever_is_faster_finds_the_buffer_full)
{
        uint8_t text[256 - 8];
        memset(text, 'a', sizeof text);
        boot_with_rate();
        connect();
        expect_okay(mvServerLog(text, sizeof text));
        expect_okay(mvServerLog(text, sizeof text));
        expect_okay(mvServerLog(text, sizeof text));
        expect_reject(mvServerLog(text, sizeof text), MV_STATUS_INVALIDBUFFERSIZE, "");
        mvsim_run_for(100000);
        expect_okay(mvServerLog(text, sizeof text));
}
END_TEST

START_TEST(an_outage_stops_what_was_to_leave)
{
        boot_with_rate();
        connect();
        expect_okay(put("one"));
        expect_okay(put("two"));
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvsim_run_for(10000000);
        ck_assert_uint_eq(mvt_statistics().log_entries, 1);
        mvsim_network_up();
        mvsim_run_for(1000000);
        ck_assert_uint_eq(mvt_statistics().log_entries, 2);
}
END_TEST

START_TEST(a_smaller_buffer_keeps_what_waits_and_takes_nothing_before_there_is_room)
{
        uint8_t text[700];
        memset(text, 'a', sizeof text);
        expect_okay(mvServerLoggingInit(buffer, 2 * BLOCK));
        expect_okay(mvServerLog(text, sizeof text));
        expect_okay(mvServerLoggingInit(buffer, BLOCK));
        expect_reject(put(""), MV_STATUS_INVALIDBUFFERSIZE, "");
        connect();
        ck_assert_uint_eq(mvt_statistics().log_entries, 1);
        expect_okay(put(""));
}
END_TEST

START_TEST(what_waits_is_lost_with_a_restart_and_the_file_goes_on)
{
        static char text[MVT_OUTPUT_SIZE];
        init();
        connect();
        expect_okay(put("first life"));
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        expect_okay(put("lost"));
        expect_okay(put("lost, too"));
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        mvt_capture_begin();
        int result = mvsim_boot_again();
        mvt_capture_end(text);
        ck_assert_int_eq(result, 0);
        ck_assert_uint_eq(mvt_count(text, "2 server log entries never left the device"), 1);
        expect_reject(put("x"), MV_STATUS_UNAVAILABLE, "");
        init();
        expect_okay(put("second life"));
        mvsim_network_up();
        connect();
        const char *second = strstr(sent(), "] first life\n");
        ck_assert_ptr_nonnull(second);
        ck_assert_ptr_nonnull(strstr(second, "] second life\n"));
        ck_assert_ptr_null(strstr(sent(), "lost"));
}
END_TEST

START_TEST(profile_may_disable_logging)
{
        tear_down();
        mvt_tempdir_make(&dir);
        mvt_path(log_path, &dir, "log.txt");
        boot("cloud: {logging: false}\n");
        expect_reject(put("x"), MV_STATUS_UNAVAILABLE, "");
        init();
        expect_reject(put("x"), MV_STATUS_LOGGINGDISABLEDBYSERVER, "");
        mvsim_set_server_logging(true);
        expect_okay(put("x"));
}
END_TEST

START_TEST(refusals_come_in_the_order_of_the_rules)
{
        static uint8_t text[2000];
        expect_reject(mvServerLog(NULL, 2000), MV_STATUS_PARAMETERFAULT, "message");
        expect_reject(mvServerLog(text, 2000), MV_STATUS_UNAVAILABLE, "");
        init();
        mvsim_set_server_logging(false);
        expect_reject(mvServerLog(text, 2000), MV_STATUS_LOGMESSAGETOOLONG, "length_bytes");
        expect_reject(mvServerLog(text, 1000), MV_STATUS_LOGGINGDISABLEDBYSERVER, "");
        mvsim_set_server_logging(true);
        expect_reject(mvServerLog(text, 1000), MV_STATUS_INVALIDBUFFERSIZE, "");
}
END_TEST

START_TEST(without_a_log_file_entries_go_to_standard_error)
{
        char text[MVT_OUTPUT_SIZE];
        tear_down();
        mvt_device_boot(NULL);
        init();
        connect();
        mvt_capture_begin();
        expect_okay(put("hello"));
        mvt_capture_end(text);
        ck_assert_str_eq(text, "[    0.250002] hello\n");
}
END_TEST

/* A limit of the process's stands for a full disk: one entry is written in part, and why, only the next write says. */
START_TEST(without_room_for_them_entries_are_lost_which_is_said_once_and_why)
{
        struct rlimit before;
        unsigned refused = 0;
        char text[MVT_OUTPUT_SIZE];
        expect_okay(mvServerLoggingInit(buffer, sizeof buffer));
        mvsim_run_for(CONNECT_US);
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
        ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        mvt_capture_begin();
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 300, .rlim_max = before.rlim_max});
        for (unsigned i = 0; i < 20; i++) /* no assertion here: each is written to a file too */
                refused += put("an entry of the device's") != MV_STATUS_OKAY;
        setrlimit(RLIMIT_FSIZE, &before);
        mvt_capture_end(text);
        signal(SIGXFSZ, SIG_DFL);
        ck_assert_uint_eq(refused, 0);
        ck_assert_str_eq(text,
                         "mvsim: the server log (log.file in the profile) cannot be written: File too large; entries "
                         "are lost from here on\n");
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("log");
        TCase *tests = tcase_create("log");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, logging_may_be_initialised_by_the_first_call_of_all);
        tcase_add_loop_test(tests, buffer_off_the_512_byte_grid_is_refused, 0, 4);
        tcase_add_loop_test(tests, size_must_be_a_multiple_of_512_and_not_0, 0, 5);
        tcase_add_test(tests, memory_is_checked_before_alignment_and_size);
        tcase_add_test(tests, second_buffer_takes_over_what_waits);
        tcase_add_test(tests, replaced_buffer_comes_back_with_the_pattern);
        tcase_add_test(tests, new_buffer_may_overlap_the_one_it_replaces);
        tcase_add_test(tests, buffer_that_overlaps_other_lent_memory_is_refused);
        tcase_add_test(tests, entry_before_initialisation_is_refused_harmlessly);
        tcase_add_test(tests, entries_wait_for_the_cloud_and_leave_in_order_with_their_times);
        tcase_add_test(tests, entry_of_a_connected_device_leaves_at_once);
        tcase_add_test(tests, entries_of_an_outage_leave_after_it);
        tcase_add_test(tests, entry_is_copied);
        tcase_add_test(tests, entry_may_have_1024_bytes_and_no_more);
        tcase_add_test(tests, profile_may_allow_less);
        tcase_add_test(tests, empty_entry_is_logged);
        tcase_add_test(tests, offline_the_buffer_fills_and_connected_it_empties);
        tcase_add_test(tests, entry_larger_than_the_buffer_never_fits);
        tcase_add_test(tests, server_may_disable_logging);
        tcase_add_test(tests, what_waits_leaves_when_the_server_takes_entries_again);
        tcase_add_test(tests, entries_leave_at_the_pace_of_the_cloud);
        tcase_add_test(tests, whoever_is_faster_finds_the_buffer_full);
        tcase_add_test(tests, an_outage_stops_what_was_to_leave);
        tcase_add_test(tests, a_smaller_buffer_keeps_what_waits_and_takes_nothing_before_there_is_room);
        tcase_add_test(tests, what_waits_is_lost_with_a_restart_and_the_file_goes_on);
        tcase_add_test(tests, profile_may_disable_logging);
        tcase_add_test(tests, refusals_come_in_the_order_of_the_rules);
        tcase_add_test(tests, without_a_log_file_entries_go_to_standard_error);
        tcase_add_test(tests, without_room_for_them_entries_are_lost_which_is_said_once_and_why);
        suite_add_tcase(suite, tests);
        return suite;
}
