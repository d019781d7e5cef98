/* Booting and shutting down: how a device starts, what keeps it from starting, and that nothing of it is left. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stm32u5xx.h"

#include "lib/child.h"
#include "lib/device.h"
#include "lib/tempdir.h"
#include "suite.h"
#include "tools.h"

static struct mvt_tempdir dir;
static char profile_path[MVT_PATH_SIZE];

static void set_up(void)
{
        unsetenv("MVSIM_PROFILE");
        unsetenv("MVSIM_TIME");
        unsetenv("MVSIM_SEED");
        unsetenv("MVSIM_SUMMARY");
        mvt_tempdir_make(&dir);
        mvt_path(profile_path, &dir, "profile.yaml");
}

static void tear_down(void)
{
        mvsim_shutdown();
        mvt_tempdir_remove(&dir);
}

static void write_profile(const char *text)
{
        mvt_write_file(profile_path, text, strlen(text));
}

/* ---- starting ---- */

START_TEST(first_call_boots_the_device)
{
        expect_okay(mvNoOp());
        ck_assert_int_eq(mvsim_boot(NULL), -EALREADY);
        ck_assert_uint_eq(mvt_statistics().calls, 1);
}
END_TEST

START_TEST(first_access_to_the_interrupt_controller_boots_the_device)
{
        NVIC_EnableIRQ(TIM2_IRQn);
        ck_assert_int_eq(mvsim_boot(NULL), -EALREADY);
        ck_assert_uint_eq(NVIC_GetEnableIRQ(TIM2_IRQn), 1);
}
END_TEST

START_TEST(asking_for_ipsr_needs_no_device)
{
        ck_assert_uint_eq(__get_IPSR(), 0);
        ck_assert_int_eq(mvsim_boot(NULL), 0);
}
END_TEST

START_TEST(second_boot_is_refused_and_changes_nothing)
{
        const uint64_t seed = 77;
        uint8_t before[34], after[34];
        ck_assert_int_eq(mvsim_boot(NULL), 0);
        expect_okay(mvGetDeviceId(before, sizeof before));
        ck_assert_int_eq(mvsim_boot(&(struct mvsim_options){.seed = &seed}), -EALREADY);
        expect_okay(mvGetDeviceId(after, sizeof after));
        ck_assert_mem_eq(before, after, sizeof before);
}
END_TEST

START_TEST(shutdown_without_a_device_does_nothing)
{
        mvsim_shutdown();
        ck_assert_int_eq(mvsim_boot(NULL), 0);
        mvsim_shutdown();
        mvsim_shutdown();
}
END_TEST

START_TEST(booted_again_everything_is_fresh)
{
        struct MvNotification ring[2];
        MvNotificationHandle old;
        mvt_device_boot(NULL);
        old = mvt_centre_open(TIM8_BRK_IRQn, ring, 2);
        expect_okay(mvSystemLedEnable(0));
        mvt_device_leaves_handles();
        mvt_device_end();
        mvt_device_boot(NULL);
        ck_assert_uint_eq(mvt_open_handles(), 0);
        ck_assert_uint_eq(mvt_statistics().calls, 0);
        ck_assert(mvsim_led_is_on());
        ck_assert_uint_eq(NVIC_GetEnableIRQ(TIM8_BRK_IRQn), 0);
        ck_assert_ptr_null(mvsim_last_reject()->call);
        expect_reject(mvTempTriggerNotification(old, MV_EVENTTYPE_UPDATEDOWNLOADED, 1), MV_STATUS_INVALIDHANDLE,
                      "handle");
        mvt_device_end();
}
END_TEST

static void use_a_device_of_the_childs_own(void)
{
        uint64_t now;
        if (mvGetMicroseconds(&now) != MV_STATUS_OKAY || mvt_statistics().calls != 1)
                _exit(3);
        mvsim_shutdown();
}

START_TEST(child_of_a_fork_boots_its_own_device)
{
        struct mvt_child child;
        mvt_device_boot(&(struct mvt_device){.real_time = true});
        expect_okay(mvNoOp());
        expect_okay(mvNoOp());
        mvt_child_run(&child, use_a_device_of_the_childs_own);
        ck_assert_msg(child.exit_status == 0, "status %d, signal %d: %s", child.exit_status, child.signal,
                      child.output);
        expect_okay(mvNoOp());
        ck_assert_uint_eq(mvt_statistics().calls, 3);
        mvt_device_end();
}
END_TEST

static void end_without_using_the_device(void)
{
}

START_TEST(child_of_a_fork_need_not_use_a_device)
{
        struct mvt_child child;
        mvt_device_boot(&(struct mvt_device){.real_time = true});
        mvt_child_run(&child, end_without_using_the_device);
        ck_assert_msg(child.exit_status == 0, "status %d, signal %d: %s", child.exit_status, child.signal,
                      child.output);
        mvt_device_end();
}
END_TEST

/* ---- what the environment says ---- */

static void make_a_call(void)
{
        mvNoOp();
        _exit(0);
}

/* The implicit boot ends the process with status 2; the explicit one returns an error. */
static void expect_no_boot(int error, const char *message)
{
        struct mvt_child child;
        char text[MVT_OUTPUT_SIZE];
        mvt_child_run(&child, make_a_call);
        ck_assert_int_eq(child.exit_status, 2);
        ck_assert_msg(strstr(child.output, message) != NULL, "%s does not say \"%s\"", child.output, message);
        mvt_capture_begin();
        int result = mvsim_boot(NULL);
        mvt_capture_end(text);
        ck_assert_int_eq(result, error);
        ck_assert_msg(strstr(text, message) != NULL, "%s does not say \"%s\"", text, message);
}

START_TEST(mvsim_time_must_be_real_or_virtual)
{
        setenv("MVSIM_TIME", "quick", 1);
        expect_no_boot(-EINVAL, "MVSIM_TIME is \"quick\": it must be real or virtual");
}
END_TEST

START_TEST(mvsim_time_chooses_the_clock)
{
        setenv("MVSIM_TIME", "virtual", 1);
        ck_assert_int_eq(mvsim_boot(NULL), 0);
        ck_assert_uint_eq(mvsim_now_us(), 0);
        mvsim_run_for(3600000000U); /* an hour would be long in real time */
        ck_assert_uint_eq(mvsim_now_us(), 3600000000U);
}
END_TEST

static const char *const bad_seeds[] = {"", "x", "-1", "12x", "18446744073709551616", "010", " 5", "+5"};

START_TEST(mvsim_seed_must_be_a_number)
{
        char message[100];
        setenv("MVSIM_SEED", bad_seeds[_i], 1);
        snprintf(message, sizeof message, "MVSIM_SEED is \"%s\": it must be a number", bad_seeds[_i]);
        expect_no_boot(-EINVAL, message);
}
END_TEST

static void id_of_seed(const char *seed, uint8_t ret_id[34])
{
        setenv("MVSIM_SEED", seed, 1);
        ck_assert_int_eq(mvsim_boot(NULL), 0);
        mvsim_shutdown();
        ck_assert_int_eq(mvsim_boot(NULL), 0);
        expect_okay(mvGetDeviceId(ret_id, 34));
        mvsim_shutdown();
}

static void first_handle_of_seed(const char *seed, MvNotificationHandle *ret_handle)
{
        struct MvNotification ring[2];
        setenv("MVSIM_SEED", seed, 1);
        ck_assert_int_eq(mvsim_boot(NULL), 0);
        *ret_handle = mvt_centre_open(TIM2_IRQn, ring, 2);
        mvsim_shutdown();
}

START_TEST(seed_decides_what_is_random)
{
        MvNotificationHandle first, second, third;
        uint8_t id[34], same_id[34];
        first_handle_of_seed("5", &first);
        first_handle_of_seed("0x5", &second);
        first_handle_of_seed("18446744073709551615", &third);
        ck_assert_ptr_eq(first, second);
        ck_assert_ptr_ne(first, third);
        id_of_seed("5", id);
        id_of_seed("5", same_id);
        ck_assert_mem_eq(id, same_id, sizeof id);
}
END_TEST

START_TEST(wrong_profile_does_not_start)
{
        write_profile("network:\n  conect_ms: 5\n");
        setenv("MVSIM_PROFILE", profile_path, 1);
        expect_no_boot(-EINVAL, "profile.yaml:2:");
}
END_TEST

START_TEST(missing_profile_does_not_start)
{
        setenv("MVSIM_PROFILE", profile_path, 1);
        expect_no_boot(-ENOENT, "profile.yaml");
}
END_TEST

START_TEST(options_replace_the_environment)
{
        setenv("MVSIM_PROFILE", "/nowhere/profile.yaml", 1);
        setenv("MVSIM_TIME", "quick", 1);
        setenv("MVSIM_SEED", "many", 1);
        const uint64_t seed = 5;
        const struct mvsim_options options = {.profile = "", .time = MVSIM_TIME_VIRTUAL, .seed = &seed};
        ck_assert_int_eq(mvsim_boot(&options), 0);
}
END_TEST

START_TEST(log_file_that_cannot_be_opened_keeps_from_starting)
{
        write_profile("log:\n  file: no-such-directory/log.txt\n");
        setenv("MVSIM_PROFILE", profile_path, 1);
        expect_no_boot(-ENOENT, "no-such-directory/log.txt (log.file in the profile) cannot be opened");
}
END_TEST

START_TEST(failed_boot_leaves_nothing_and_the_next_may_succeed)
{
        write_profile("log: {file: no-such-directory/log.txt, level: error}\n");
        const struct mvsim_options options = {.profile = profile_path};
        mvt_device_boot(NULL); /* so that the end knows what was there before */
        mvsim_shutdown();
        char text[MVT_OUTPUT_SIZE];
        mvt_capture_begin();
        for (int i = 0; i < 10; i++)
                ck_assert_int_eq(mvsim_boot(&options), -ENOENT);
        mvt_capture_end(text);
        ck_assert_int_eq(mvsim_boot(NULL), 0);
        mvt_device_end();
}
END_TEST

/* ---- the end ---- */

static void exit_in_handler(void)
{
        exit(5);
}

static void exit_from_a_handler(void)
{
        NVIC_SetVector(TIM2_IRQn, (uintptr_t)exit_in_handler);
        NVIC_EnableIRQ(TIM2_IRQn);
        NVIC_SetPendingIRQ(TIM2_IRQn);
}

START_TEST(exit_in_a_handler_ends_the_process_in_order)
{
        struct mvt_child child;
        mvt_child_run(&child, exit_from_a_handler);
        ck_assert_int_eq(child.exit_status, 5);
}
END_TEST

static void exit_from_a_preempting_handler(void)
{
        struct MvNotification ring[2];
        mvt_device_boot(&(struct mvt_device){.real_time = true, .profile = "network: {connect_ms: 20}\n"});
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        MvNotificationHandle centre = mvt_centre_open(TIM2_IRQn, ring, 2);
        NVIC_SetVector(TIM2_IRQn, (uintptr_t)exit_in_handler);
        mvt_network_request(centre, 1);
        mvsim_network_up();
        for (;;)
                continue;
}

START_TEST(exit_in_a_handler_that_interrupts_a_loop_ends_the_process_in_order)
{
        struct mvt_child child;
        mvt_child_run(&child, exit_from_a_preempting_handler);
        ck_assert_int_eq(child.exit_status, 5);
}
END_TEST

static void summary_of_two_calls(void)
{
        setenv("MVSIM_SUMMARY", "1", 1);
        mvNoOp();
        mvGetDeviceId(NULL, 1);
}

START_TEST(mvsim_summary_must_be_1_or_0)
{
        static const char *const none[] = {"0", ""};
        char text[MVT_OUTPUT_SIZE];
        setenv("MVSIM_SUMMARY", "yes", 1);
        expect_no_boot(-EINVAL, "MVSIM_SUMMARY is \"yes\": it must be 1, for a summary at the end, or 0, or unset");
        for (unsigned i = 0; i < 2; i++) {
                setenv("MVSIM_SUMMARY", none[i], 1);
                mvt_capture_begin();
                int result = mvsim_boot(NULL);
                mvsim_shutdown();
                mvt_capture_end(text);
                ck_assert_int_eq(result, 0);
                ck_assert_str_eq(text, "");
        }
        unsetenv("MVSIM_SUMMARY");
}
END_TEST

START_TEST(summary_is_printed_at_the_end)
{
        struct mvt_child child;
        mvt_child_run(&child, summary_of_two_calls);
        ck_assert_msg(child.exit_status == 0, "status %d, signal %d: %s", child.exit_status, child.signal,
                      child.output);
        ck_assert_msg(strstr(child.output, "summary: 2 calls (1 refused, 0 from handlers)") != NULL, "%s",
                      child.output);
}
END_TEST

/* A centre, a request, an open channel, a log buffer with an entry that waits. */
static void hold_everything(uint8_t *buffers)
{
        static const uint8_t endpoint[] = "";
        static struct MvNotification ring[4];
        MvChannelHandle channel;
        MvNotificationHandle centre = mvt_centre_open(TIM2_IRQn, ring, 4);
        NVIC_DisableIRQ(TIM2_IRQn);
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        const struct MvOpenChannelParams params = {
                .version = 1,
                .v1 = {centre, 2, network, buffers, 512, buffers + 512, 512, MV_CHANNELTYPE_HTTP, {endpoint, 0}},
        };
        expect_okay(mvOpenChannel(&params, &channel));
        expect_okay(mvServerLoggingInit(buffers + 1024, 512));
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        expect_okay(mvServerLog((const uint8_t *)"waits", 5));
        ck_assert_uint_eq(mvt_open_handles(), 3);
}

START_TEST(shutdown_with_everything_open_leaks_nothing)
{
        static uint8_t buffers[3 * 512] __attribute__((aligned(512)));
        char text[MVT_OUTPUT_SIZE];
        mvt_device_boot(&(struct mvt_device){.leaves_handles = true});
        hold_everything(buffers);
        mvt_capture_begin();
        mvsim_shutdown();
        mvt_capture_end(text);
        mvt_device_end();
        ck_assert_ptr_nonnull(strstr(text, "1 server log entries never left the device"));
        memset(buffers, 0, sizeof buffers); /* they are the application's again */
}
END_TEST

static void boot_and_shut_down(unsigned times)
{
        struct MvNotification ring[2];
        const struct mvsim_options options = {.profile = "", .time = MVSIM_TIME_VIRTUAL};
        for (unsigned i = 0; i < times; i++) {
                ck_assert_int_eq(mvsim_boot(&options), 0);
                mvt_centre_open(TIM2_IRQn, ring, 2);
                mvsim_shutdown();
        }
}

START_TEST(thousands_of_boots_leave_no_descriptor_thread_or_memory)
{
        mvt_device_boot(NULL);
        mvsim_shutdown();
        boot_and_shut_down(10); /* what is kept once for all */
        struct mallinfo2 before = mallinfo2();
        boot_and_shut_down(mvt_rounds(10000, 100));
        struct mallinfo2 after = mallinfo2();
        ck_assert_msg(after.uordblks < before.uordblks + 4096, "%zu bytes more", after.uordblks - before.uordblks);
        ck_assert_msg(after.hblkhd <= before.hblkhd, "%zu bytes more are mapped", after.hblkhd - before.hblkhd);
        mvt_device_end();
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("boot");
        TCase *tests = tcase_create("boot");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_set_timeout(tests, 100);
        tcase_add_test(tests, first_call_boots_the_device);
        tcase_add_test(tests, first_access_to_the_interrupt_controller_boots_the_device);
        tcase_add_test(tests, asking_for_ipsr_needs_no_device);
        tcase_add_test(tests, second_boot_is_refused_and_changes_nothing);
        tcase_add_test(tests, shutdown_without_a_device_does_nothing);
        tcase_add_test(tests, booted_again_everything_is_fresh);
        if (!mvt_is_thread_sanitized()) /* it takes a child's threads for those of the parent */
                tcase_add_test(tests, child_of_a_fork_boots_its_own_device);
        tcase_add_test(tests, child_of_a_fork_need_not_use_a_device);
        tcase_add_test(tests, mvsim_time_must_be_real_or_virtual);
        tcase_add_test(tests, mvsim_time_chooses_the_clock);
        tcase_add_loop_test(tests, mvsim_seed_must_be_a_number, 0, sizeof bad_seeds / sizeof bad_seeds[0]);
        tcase_add_test(tests, seed_decides_what_is_random);
        tcase_add_test(tests, wrong_profile_does_not_start);
        tcase_add_test(tests, missing_profile_does_not_start);
        tcase_add_test(tests, options_replace_the_environment);
        tcase_add_test(tests, log_file_that_cannot_be_opened_keeps_from_starting);
        tcase_add_test(tests, failed_boot_leaves_nothing_and_the_next_may_succeed);
        tcase_add_test(tests, exit_in_a_handler_ends_the_process_in_order);
        if (!mvt_is_thread_sanitized())
                tcase_add_test(tests, exit_in_a_handler_that_interrupts_a_loop_ends_the_process_in_order);
        tcase_add_test(tests, mvsim_summary_must_be_1_or_0);
        tcase_add_test(tests, summary_is_printed_at_the_end);
        tcase_add_test(tests, shutdown_with_everything_open_leaks_nothing);
        tcase_add_test(tests, thousands_of_boots_leave_no_descriptor_thread_or_memory);
        suite_add_tcase(suite, tests);
        return suite;
}
