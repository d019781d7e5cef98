/* The factory's test mode: where its calls work, the console, and the lines that belong to Microvisor there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "device.h"
#include "handlers.h"
#include "stm32u5xx.h"
#include "suite.h"
#include "tempdir.h"
#include "traced.h"

#define BLOCK 512

static uint8_t buffer[4 * BLOCK] __attribute__((aligned(BLOCK)));

static void boot_in_test_mode(void)
{
        mvt_device_boot(&(struct mvt_device){.profile = "device: {test_mode: true}\n"});
}

static enum MvStatus put(const char *text)
{
        return mvTestLog((const uint8_t *)text, (uint16_t)strlen(text));
}

static void init(void)
{
        expect_okay(mvTestLoggingInit(buffer, BLOCK));
}

static void expect_printed(const char *text, const char *printed)
{
        char output[MVT_OUTPUT_SIZE];
        mvt_capture_begin();
        enum MvStatus status = put(text);
        mvt_capture_end(output);
        expect_okay(status);
        ck_assert_str_eq(output, printed);
}

/* ---- the console ---- */

START_TEST(a_message_is_a_line)
{
        init();
        expect_printed("the LED is lit", "test: the LED is lit\n");
        expect_printed("", "test: \n");
}
END_TEST

START_TEST(each_line_of_a_message_is_marked)
{
        init();
        expect_printed("one\ntwo", "test: one\ntest: two\n");
        expect_printed("ended\n", "test: ended\n");
        expect_printed("as a terminal has it\r\nand more\r\n", "test: as a terminal has it\ntest: and more\n");
        expect_printed("\n\n", "test: \ntest: \n");
        expect_printed("a \r in between", "test: a \r in between\n");
}
END_TEST

START_TEST(it_needs_no_network_and_keeps_no_memory_of_the_callers)
{
        char text[] = "copied";
        init();
        expect_printed(text, "test: copied\n");
        memset(text, 'x', sizeof text - 1);
        ck_assert_uint_eq(mvt_open_handles(), 0);
}
END_TEST

START_TEST(the_server_log_works_beside_it)
{
        init();
        expect_okay(mvServerLoggingInit(buffer + BLOCK, BLOCK));
        expect_okay(mvServerLog((const uint8_t *)"to the cloud", 12));
        expect_printed("to the fixture", "test: to the fixture\n");
        mvsim_run_for(300000);
}
END_TEST

static enum MvStatus from_handler;

static void write_from_handler(void)
{
        from_handler = put("from a handler");
}

START_TEST(a_handler_may_write)
{
        char output[MVT_OUTPUT_SIZE];
        init();
        mvsim_nvic_set_vector(TIM8_UP_IRQn, write_from_handler);
        NVIC_EnableIRQ(TIM8_UP_IRQn);
        mvt_capture_begin();
        NVIC_SetPendingIRQ(TIM8_UP_IRQn);
        mvt_capture_end(output);
        expect_okay(from_handler);
        ck_assert_uint_eq(mvt_count(output, "test: from a handler\n"), 1);
}
END_TEST

/* ---- refusals of the console ---- */

START_TEST(a_log_that_was_not_initialised_is_unavailable)
{
        expect_reject(put("lost"), MV_STATUS_UNAVAILABLE, "");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "call mvTestLoggingInit first"));
}
END_TEST

START_TEST(the_buffer_lies_on_the_grid)
{
        expect_reject(mvTestLoggingInit(buffer + 8, BLOCK), MV_STATUS_INVALIDBUFFERALIGNMENT, "buffer");
        expect_reject(mvTestLoggingInit(buffer, BLOCK - 1), MV_STATUS_INVALIDBUFFERSIZE, "length_bytes");
        expect_reject(mvTestLoggingInit(buffer, 0), MV_STATUS_INVALIDBUFFERSIZE, "length_bytes");
        expect_reject(mvTestLoggingInit(NULL, BLOCK), MV_STATUS_PARAMETERFAULT, "buffer");
        expect_reject(put("lost"), MV_STATUS_UNAVAILABLE, "");
}
END_TEST

START_TEST(memory_that_is_lent_already_is_refused)
{
        expect_okay(mvServerLoggingInit(buffer, 2 * BLOCK));
        expect_reject(mvTestLoggingInit(buffer + BLOCK, BLOCK), MV_STATUS_BUFFERALREADYINUSE, "buffer");
        expect_okay(mvTestLoggingInit(buffer + 2 * BLOCK, BLOCK));
}
END_TEST

START_TEST(a_second_buffer_replaces_the_first)
{
        init();
        expect_okay(mvTestLoggingInit(buffer + BLOCK, 2 * BLOCK));
        ck_assert_uint_eq(buffer[0], 0xa5); /* given back */
        expect_okay(mvTestLoggingInit(buffer + BLOCK, BLOCK));
        expect_printed("still there", "test: still there\n");
}
END_TEST

START_TEST(a_message_fits_the_buffer_with_eight_bytes)
{
        static uint8_t text[1025];
        char output[MVT_OUTPUT_SIZE];
        memset(text, 'x', sizeof text);
        init();
        expect_reject(mvTestLog(text, BLOCK - 7), MV_STATUS_INVALIDBUFFERSIZE, "");
        mvt_capture_begin();
        enum MvStatus first = mvTestLog(text, BLOCK - 8), second = mvTestLog(text, BLOCK - 8);
        mvt_capture_end(output);
        expect_okay(first);
        expect_okay(second); /* the first has left */
        ck_assert_uint_eq(strlen(output), 2 * (6 + BLOCK - 8 + 1));
}
END_TEST

START_TEST(a_message_has_at_most_1024_bytes)
{
        static uint8_t text[1025];
        char output[MVT_OUTPUT_SIZE];
        memset(text, 'x', sizeof text);
        expect_okay(mvTestLoggingInit(buffer, sizeof buffer));
        expect_reject(mvTestLog(text, 1025), MV_STATUS_LOGMESSAGETOOLONG, "length_bytes");
        mvt_capture_begin();
        enum MvStatus status = mvTestLog(text, 1024);
        mvt_capture_end(output);
        expect_okay(status);
        ck_assert_uint_eq(strlen(output), 6 + 1024 + 1);
}
END_TEST

START_TEST(a_failure_that_was_not_heeded_is_a_finding)
{
        enum MvStatus status = mvTestLoggingInit(buffer, 100);
        ck_assert_int_eq(status, MV_STATUS_INVALIDBUFFERSIZE);
        ck_assert_int_eq(put("lost"), MV_STATUS_UNAVAILABLE);
        ck_assert_uint_eq(mvsim_findings("status-ignored"), 1);
        ck_assert_ptr_nonnull(strstr(mvsim_finding(0)->message, "found no log because mvTestLoggingInit had failed"));
}
END_TEST

/* ---- the end of a test ---- */

static bool went_on;

static void complete(void *status)
{
        mvTestingComplete(*(const uint32_t *)status);
        went_on = true;
}

static const uint32_t statuses[] = {0, 1, 7, 256, UINT32_MAX};

START_TEST(a_test_can_catch_the_end_and_its_status)
{
        uint32_t status = statuses[_i];
        struct mvsim_ending ending;
        went_on = false;
        ck_assert(mvsim_catch(complete, &status, &ending));
        ck_assert(!went_on);
        ck_assert_int_eq(ending.kind, MVSIM_ENDING_TESTING_COMPLETE);
        ck_assert_uint_eq(ending.argument, status);
        ck_assert_str_eq(ending.call, "mvTestingComplete");
}
END_TEST

static uint32_t child_status;
static char child_profile[2 * MVT_PATH_SIZE], child_events[MVT_PATH_SIZE];

static void say_goodbye(void)
{
        fputs("exit handler; ", stderr);
}

static void boot_child(void)
{
        setenv("MVSIM_PROFILE", child_profile, 1);
        setenv("MVSIM_TRACE", child_events, 1);
        setenv("MVSIM_SUMMARY", "1", 1);
        atexit(say_goodbye);
        dup2(STDERR_FILENO, STDOUT_FILENO);
}

static void be_tested(void)
{
        MvExternalFlashHandle flash = NULL;
        boot_child();
        if (mvExternalFlashOpen(&flash) != MV_STATUS_OKAY)
                _exit(99);
        fputs("printed, no newline; ", stdout); /* waits in its buffer */
        mvTestingComplete(child_status);
        _exit(98);
}

static void complete_in_handler(void)
{
        mvTestingComplete(child_status);
}

static void be_tested_by_a_handler(void)
{
        boot_child();
        mvsim_nvic_set_vector(TIM8_UP_IRQn, complete_in_handler);
        NVIC_EnableIRQ(TIM8_UP_IRQn);
        NVIC_SetPendingIRQ(TIM8_UP_IRQn);
        mvNoOp();
        _exit(98);
}

static void run_child(void (*body)(void), uint32_t status, struct mvt_child *ret)
{
        static const char settings[] =
                "device: {test_mode: true}\ntime: {mode: virtual}\nlint: {handles-open: warning}\n";
        struct mvt_tempdir dir;
        mvt_tempdir_make(&dir);
        mvt_path(child_profile, &dir, "profile.yaml");
        mvt_path(child_events, &dir, "events");
        mvt_write_file(child_profile, settings, strlen(settings));
        child_status = status;
        mvt_child_run(ret, body);
        char events[4096];
        mvt_read_file(child_events, events, sizeof events);
        mvt_tempdir_remove(&dir);
        ck_assert_msg(strstr(events, " shutdown ") != NULL, "the event log has no end: %s", events);
}

START_TEST(the_process_ends_with_0_for_pass_and_1_for_fail)
{
        struct mvt_child child;
        run_child(be_tested, statuses[_i], &child);
        ck_assert_msg(child.exit_status == (statuses[_i] == 0 ? 0 : 1), "status %d, signal %d: %s", child.exit_status,
                      child.signal, child.output);
}
END_TEST

START_TEST(it_ends_as_the_end_of_main_would)
{
        struct mvt_child child;
        run_child(be_tested, 0, &child);
        ck_assert_msg(mvt_count(child.output, "printed, no newline; ") == 1, "%s", child.output);
        ck_assert_uint_eq(mvt_count(child.output, "exit handler; "), 1);
        ck_assert_uint_eq(mvt_count(child.output, "mvsim: summary: "), 1);
        ck_assert_uint_eq(mvt_count(child.output, "lint handles-open: the application ends with 1 handle open"), 1);
}
END_TEST

START_TEST(a_handler_may_end_it)
{
        struct mvt_child child;
        run_child(be_tested_by_a_handler, 3, &child);
        ck_assert_msg(child.exit_status == 1, "status %d, signal %d: %s", child.exit_status, child.signal,
                      child.output);
}
END_TEST

/* ---- outside test mode ---- */

START_TEST(outside_test_mode_the_calls_are_unavailable_whatever_they_are_given)
{
        expect_reject(mvTestLoggingInit(NULL, 3), MV_STATUS_UNAVAILABLE, "");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "device.test_mode in the profile"));
        expect_reject(mvTestLoggingInit(buffer, BLOCK), MV_STATUS_UNAVAILABLE, "");
        expect_reject(mvTestLog(NULL, 9), MV_STATUS_UNAVAILABLE, "");
        expect_reject(mvTestLog(buffer, 9), MV_STATUS_UNAVAILABLE, "");
        buffer[0] = 1; /* it was not lent */
        expect_reject(mvTestingComplete(0), MV_STATUS_UNAVAILABLE, "");
        expect_reject(mvTestingComplete(1), MV_STATUS_UNAVAILABLE, "");
}
END_TEST

/* ---- lines ---- */

static const uint32_t console_lines[] = {EXTI4_IRQn, GPDMA1_Channel4_IRQn, GPDMA1_Channel5_IRQn, LPTIM2_IRQn};

static struct MvNotification ring[2];

START_TEST(in_test_mode_the_consoles_lines_are_microvisors)
{
        MvNotificationHandle centre = NULL;
        const struct MvNotificationSetup setup = {console_lines[_i], ring, sizeof ring};
        expect_reject(mvSetupNotifications(&setup, &centre), MV_STATUS_INVALIDINTERRUPT, "irq");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "belongs to Microvisor in test mode"));
        expect_reject(mvSetFastInterrupt(console_lines[_i]), MV_STATUS_INVALIDINTERRUPT, "irqn");
}
END_TEST

START_TEST(outside_test_mode_they_are_the_applications)
{
        MvNotificationHandle centre = mvt_centre_open(console_lines[_i], ring, 2);
        mvt_centre_close(&centre);
}
END_TEST

/* ---- the event log ---- */

START_TEST(the_event_log_has_the_messages)
{
        mvt_traced_boot(&(struct mvt_device){.profile = "device: {test_mode: true}\n"});
        init();
        expect_printed("seen", "test: seen\n");
        const char *events = mvt_traced_end();
        ck_assert_msg(strstr(events, "test_log \"seen\"") != NULL, "%s", events);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("console");
        TCase *console = tcase_create("test mode");
        tcase_add_checked_fixture(console, boot_in_test_mode, mvt_device_end);
        tcase_add_test(console, a_message_is_a_line);
        tcase_add_test(console, each_line_of_a_message_is_marked);
        tcase_add_test(console, it_needs_no_network_and_keeps_no_memory_of_the_callers);
        tcase_add_test(console, the_server_log_works_beside_it);
        tcase_add_test(console, a_handler_may_write);
        tcase_add_test(console, a_log_that_was_not_initialised_is_unavailable);
        tcase_add_test(console, the_buffer_lies_on_the_grid);
        tcase_add_test(console, memory_that_is_lent_already_is_refused);
        tcase_add_test(console, a_second_buffer_replaces_the_first);
        tcase_add_test(console, a_message_fits_the_buffer_with_eight_bytes);
        tcase_add_test(console, a_message_has_at_most_1024_bytes);
        tcase_add_test(console, a_failure_that_was_not_heeded_is_a_finding);
        tcase_add_loop_test(console, in_test_mode_the_consoles_lines_are_microvisors, 0, 4);
        tcase_add_loop_test(console, a_test_can_catch_the_end_and_its_status, 0, 5);
        suite_add_tcase(suite, console);
        TCase *end = tcase_create("end");
        tcase_add_loop_test(end, the_process_ends_with_0_for_pass_and_1_for_fail, 0, 5);
        tcase_add_test(end, it_ends_as_the_end_of_main_would);
        tcase_add_test(end, a_handler_may_end_it);
        suite_add_tcase(suite, end);
        TCase *outside = tcase_create("outside test mode");
        tcase_add_checked_fixture(outside, mvt_device_boot_virtual, mvt_device_end);
        tcase_add_test(outside, outside_test_mode_the_calls_are_unavailable_whatever_they_are_given);
        tcase_add_loop_test(outside, outside_test_mode_they_are_the_applications, 0, 4);
        suite_add_tcase(suite, outside);
        TCase *own = tcase_create("event log");
        tcase_add_test(own, the_event_log_has_the_messages);
        suite_add_tcase(suite, own);
        return suite;
}
