/* The event log: what is recorded and how it reads, and what becomes of it when the process or the disk does not last.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "device.h"
#include "mvsim/cortex.h"
#include "stm32u5xx.h"
#include "suite.h"
#include "tempdir.h"
#include "tools.h"

#define LOG_SIZE (4U << 20)
#define SEED     7

static struct mvt_tempdir dir;
static char path[MVT_PATH_SIZE];
static char text[LOG_SIZE];

static struct MvNotification ring[4];
static uint8_t log_buffer[1024] __attribute__((aligned(512)));

void TIM2_IRQHandler(void);

void TIM2_IRQHandler(void)
{
        mvNoOp();
}

static void setup(void)
{
        unsetenv("MVSIM_PROFILE");
        unsetenv("MVSIM_SEED");
        unsetenv("MVSIM_TIME");
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "trace.log");
        setenv("MVSIM_TRACE", path, 1);
}

static void teardown(void)
{
        mvsim_shutdown();
        unsetenv("MVSIM_TRACE");
        mvt_tempdir_remove(&dir);
}

static void boot(void)
{
        static const uint64_t seed = SEED;
        const struct mvsim_options options = {.profile = "", .time = MVSIM_TIME_VIRTUAL, .seed = &seed};
        if (mvsim_boot(&options) != 0)
                _exit(99);
}

static const char *read_log(const char *file)
{
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ssize_t len = read(fd, text, sizeof text - 1);
        ck_assert_int_ge(len, 0);
        text[len] = '\0';
        close(fd);
        return text;
}

/* Shuts the device down first. */
static const char *whole_log(void)
{
        mvsim_shutdown();
        return read_log(path);
}

static void expect_line(const char *line)
{
        char whole[512];
        snprintf(whole, sizeof whole, "%s\n", line);
        const char *found = strstr(text, whole);
        ck_assert_msg(found && (found == text || found[-1] == '\n'), "no line \"%s\" in:\n%.2000s", line, text);
}

static unsigned lines_of(const char *kind)
{
        char part[32];
        snprintf(part, sizeof part, " %s ", kind);
        return mvt_count(text, part);
}

/* ---- what is recorded ---- */

START_TEST(boot_and_shutdown_frame_the_log)
{
        boot();
        whole_log();
        ck_assert_str_eq(text, "    0.000000 boot device=UV63cbe1e459320dd7044c3cd7f43c661c seed=7 time=virtual\n"
                               "    0.000000 shutdown calls=0 handles=0\n");
}
END_TEST

START_TEST(calls_show_their_arguments_and_what_they_stored)
{
        uint64_t now;
        uint32_t hz;
        uint8_t id[34];
        boot();
        expect_okay(mvGetMicroseconds(&now));
        expect_okay(mvGetHClk(&hz));
        expect_okay(mvGetDeviceId(id, sizeof id));
        expect_okay(mvNoOp());
        whole_log();
        expect_line("    0.000000 call mvGetMicroseconds ms=0 returned=OKAY");
        expect_line("    0.000002 call mvGetHClk hz=160000000 returned=OKAY");
        expect_line("    0.000004 call mvGetDeviceId buf=ptr len=34 returned=OKAY");
        expect_line("    0.000006 call mvNoOp returned=OKAY");
}
END_TEST

START_TEST(refused_calls_show_no_memory_of_the_application)
{
        uint64_t secret = 4711;
        boot();
        ck_assert_int_eq(mvsim_fail("mvGetMicroseconds", 1, MV_STATUS_PARAMETERFAULT), 0);
        ck_assert_int_eq(mvGetMicroseconds(&secret), MV_STATUS_PARAMETERFAULT);
        ck_assert_int_eq(mvGetMicroseconds(NULL), MV_STATUS_PARAMETERFAULT);
        ck_assert_int_eq(mvSetupNotifications((void *)MVT_UNMAPPED, NULL), MV_STATUS_PARAMETERFAULT);
        whole_log();
        expect_line("    0.000000 fault mvGetMicroseconds nth=1 status=PARAMETERFAULT");
        expect_line("    0.000000 call mvGetMicroseconds ms=ptr returned=PARAMETERFAULT");
        expect_line("    0.000002 call mvGetMicroseconds ms=NULL returned=PARAMETERFAULT");
        expect_line("    0.000004 call mvSetupNotifications notifications=ptr handle_out=NULL returned=PARAMETERFAULT");
}
END_TEST

START_TEST(structures_are_taken_apart)
{
        boot();
        MvNotificationHandle centre = mvt_centre_open(TIM2_IRQn, ring, 4);
        MvNetworkHandle network = mvt_network_request(centre, 5);
        MvNetworkHandle kept = network;
        mvt_network_release(&network);
        char line[512];
        whole_log();
        snprintf(line, sizeof line,
                 "    0.000000 call mvSetupNotifications notifications=ptr .irq=45 .buffer=ptr .buffer_size=64 "
                 "handle_out=0x%08x returned=OKAY",
                 (unsigned)(uintptr_t)centre);
        expect_line(line);
        snprintf(line, sizeof line,
                 "    0.000002 call mvRequestNetwork params=ptr .version=1 .notification_handle=0x%08x "
                 ".notification_tag=5 handle=0x%08x returned=OKAY",
                 (unsigned)(uintptr_t)centre, (unsigned)(uintptr_t)kept);
        expect_line(line);
        expect_line("    0.000004 call mvReleaseNetwork handle=0x00000000 returned=OKAY");
}
END_TEST

START_TEST(what_a_call_causes_stands_before_it_and_its_interrupt_after_it)
{
        boot();
        MvNotificationHandle centre = mvt_centre_open(TIM2_IRQn, ring, 4);
        expect_okay(mvTempTriggerNotification(centre, MV_EVENTTYPE_CHANNELDATAREADABLE, 9));
        whole_log();
        char expected[1024];
        snprintf(expected, sizeof expected,
                 "    0.000002 notify centre=0x%08x slot=0 type=2 tag=9 at=2\n"
                 "    0.000002 pend irq=45 TIM2\n"
                 "    0.000002 call mvTempTriggerNotification handle=0x%08x type=2 tag=9 returned=OKAY\n"
                 "    0.000004 enter irq=45 TIM2\n"
                 "    0.000004 call mvNoOp returned=OKAY\n"
                 "    0.000006 exit irq=45 TIM2\n",
                 (unsigned)(uintptr_t)centre, (unsigned)(uintptr_t)centre);
        ck_assert_msg(strstr(text, expected) != NULL, "not in order:\n%s", text);
}
END_TEST

START_TEST(masks_and_merged_pends_are_recorded)
{
        boot();
        NVIC_EnableIRQ(TIM2_IRQn);
        __disable_irq();
        NVIC_SetPendingIRQ(TIM2_IRQn);
        NVIC_SetPendingIRQ(TIM2_IRQn);
        __enable_irq();
        __set_BASEPRI(3 << 4);
        whole_log();
        expect_line("    0.000000 mask primask=1 basepri=0 faultmask=0");
        expect_line("    0.000000 pend irq=45 TIM2");
        expect_line("    0.000000 shadowed irq=45 TIM2");
        expect_line("    0.000000 mask primask=0 basepri=0 faultmask=0");
        expect_line("    0.000002 mask primask=0 basepri=3 faultmask=0");
        ck_assert_uint_eq(lines_of("enter"), 1);
}
END_TEST

START_TEST(the_world_is_recorded)
{
        boot();
        mvsim_run_for(1000000);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvsim_run_for(1000000);
        mvsim_network_up();
        mvsim_run_for(1000000);
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        whole_log();
        expect_line("    0.250000 network status=\"connected\"");
        expect_line("    1.000000 outage of=link");
        expect_line("    1.000000 network status=\"connecting\"");
        expect_line("    2.000000 outage of=nothing");
        expect_line("    3.000000 outage of=server");
}
END_TEST

START_TEST(log_entries_are_one_line_whatever_is_in_them)
{
        static const char entry[] = "a \"b\"\\\n\t\xff";
        boot();
        expect_okay(mvServerLoggingInit(log_buffer, sizeof log_buffer));
        expect_okay(mvServerLog((const uint8_t *)entry, sizeof entry - 1));
        mvt_capture_begin();
        mvsim_run_for(1000000);
        mvt_capture_end(text);
        whole_log();
        expect_line("    0.250000 log \"a \\\"b\\\"\\\\\\x0a\\x09\\xff\"");
}
END_TEST

static void fill(uint8_t *bytes, size_t len)
{
        memset(bytes, 0xff, len);
}

START_TEST(the_longest_entry_has_room)
{
        static uint8_t entry[1024], buffer[2048] __attribute__((aligned(512)));
        fill(entry, sizeof entry);
        boot();
        expect_okay(mvServerLoggingInit(buffer, sizeof buffer));
        expect_okay(mvServerLog(entry, sizeof entry));
        mvt_capture_begin();
        mvsim_run_for(1000000);
        mvt_capture_end(text);
        whole_log();
        ck_assert_uint_eq(mvt_count(text, "\\xff"), sizeof entry);
        ck_assert_uint_eq(lines_of("shutdown"), 1);
}
END_TEST

static volatile bool flag;

static void raise_flag(void)
{
        flag = true;
}

START_TEST(a_spin_that_was_pre_empted_is_marked)
{
        flag = false;
        boot();
        NVIC_SetVector(TIM5_IRQn, (uintptr_t)raise_flag);
        NVIC_EnableIRQ(TIM5_IRQn);
        ck_assert_int_eq(mvsim_pend_irq(TIM5_IRQn, 500000), 0);
        mvsim_run_for(300000); /* over the connection, which is an event too */
        while (!flag)
                continue;
        whole_log();
        ck_assert_uint_eq(lines_of("preempt"), 1);
        ck_assert_ptr_nonnull(strstr(text, "    0.500000 preempt "));
        expect_line("    0.500000 enter irq=48 TIM5");
}
END_TEST

/* Every 0x is a handle of eight digits. */
START_TEST(no_address_is_recorded)
{
        static uint8_t send[512] __attribute__((aligned(512))), receive[512];
        MvChannelHandle channel = NULL;
        uint64_t now;
        boot();
        MvNotificationHandle centre = mvt_centre_open(TIM2_IRQn, ring, 4);
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        const struct MvOpenChannelParams params = {
                .version = 1,
                .v1 = {centre,
                       2,
                       network,
                       receive,
                       sizeof receive,
                       send,
                       sizeof send,
                       MV_CHANNELTYPE_HTTP,
                       {(const uint8_t *)"", 0}},
        };
        expect_okay(mvOpenChannel(&params, &channel));
        expect_okay(mvGetMicroseconds(&now));
        expect_okay(mvCloseChannel(&channel));
        whole_log();
        unsigned handles = 0;
        for (const char *at = text; (at = strstr(at, "0x")); at += 2, handles++) {
                size_t digits = strspn(at + 2, "0123456789abcdef");
                ck_assert_msg(digits == 8, "an address: %.40s", at);
        }
        ck_assert_uint_gt(handles, 5);
        ck_assert_ptr_nonnull(strstr(text, ".receive_buffer=ptr .receive_buffer_len=512 .send_buffer=ptr"));
}
END_TEST

/* ---- where it goes ---- */

START_TEST(without_a_file_nothing_is_written)
{
        setenv("MVSIM_TRACE", "", 1);
        boot();
        expect_okay(mvNoOp());
        mvsim_shutdown();
        ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

static void boot_with_profile(const char *profile)
{
        char file[MVT_PATH_SIZE];
        mvt_path(file, &dir, "profile.yaml");
        mvt_write_file(file, profile, strlen(profile));
        const struct mvsim_options options = {.profile = file, .time = MVSIM_TIME_VIRTUAL};
        ck_assert_int_eq(mvsim_boot(&options), 0);
}

START_TEST(the_profile_names_the_file_beside_itself)
{
        unsetenv("MVSIM_TRACE");
        boot_with_profile("trace: {file: here.log}\n");
        mvsim_shutdown();
        mvt_path(path, &dir, "here.log");
        ck_assert_ptr_nonnull(strstr(read_log(path), " boot "));
}
END_TEST

START_TEST(the_environment_goes_before_the_profile)
{
        boot_with_profile("trace: {file: here.log}\n");
        mvsim_shutdown();
        ck_assert_ptr_nonnull(strstr(read_log(path), " boot "));
        mvt_path(path, &dir, "here.log");
        ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_file_that_cannot_be_made_keeps_the_device_from_booting)
{
        char output[MVT_OUTPUT_SIZE];
        setenv("MVSIM_TRACE", "/nowhere/trace.log", 1);
        mvt_capture_begin();
        int result = mvsim_boot(&(struct mvsim_options){.profile = ""});
        mvt_capture_end(output);
        ck_assert_int_lt(result, 0);
        ck_assert_ptr_nonnull(strstr(output, "the event log /nowhere/trace.log (trace.file in the profile, or "
                                             "MVSIM_TRACE) cannot be opened: No such file or directory"));
}
END_TEST

START_TEST(a_log_is_made_anew_and_its_reader_left_alone)
{
        mvt_write_file(path, "    7.000000 old\n", 17);
        int old = open(path, O_RDONLY | O_CLOEXEC);
        char byte;
        boot();
        whole_log();
        ck_assert_ptr_null(strstr(text, "old"));
        ck_assert_int_eq(read(old, &byte, 1), 1);
        ck_assert_int_eq(byte, ' ');
        close(old);
}
END_TEST

START_TEST(a_long_log_is_whole)
{
        enum { CALLS = 20000 }; /* several blocks of the file */
        boot();
        for (unsigned i = 0; i < CALLS; i++)
                (void)mvNoOp();
        whole_log();
        ck_assert_uint_eq(lines_of("call"), CALLS);
        ck_assert_uint_eq(mvt_count(text, "\n"), CALLS + 2); /* boot and shutdown */
        ck_assert_ptr_null(strstr(text, "\n\n"));
}
END_TEST

/* ---- when something ends it ---- */

static int death;

static void die(void)
{
        boot();
        for (unsigned i = 0; i < 5000; i++)
                (void)mvNoOp();
        kill(getpid(), death);
        for (;;)
                pause();
}

START_TEST(a_process_that_is_killed_leaves_all_of_it)
{
        static const int deaths[] = {SIGKILL, SIGSEGV, SIGABRT};
        struct mvt_child child;
        death = deaths[_i];
        mvt_child_run(&child, die);
        read_log(path);
        ck_assert_uint_eq(lines_of("call"), 5000);
        expect_line("    0.009998 call mvNoOp returned=OKAY");
        const char *last = strstr(text, "    0.009998 call mvNoOp returned=OKAY\n");
        last = strchr(last, '\n') + 1;
        if (death != SIGKILL) /* a sanitizer does this and that before it lets the process go */
                return;
        const char *rest = last + strspn(last, "\n"); /* of the last block */
        ck_assert_msg(*rest == '\0', "more than empty lines: %.200s", rest);
}
END_TEST

START_TEST(a_full_disk_is_said_once)
{
        char output[MVT_OUTPUT_SIZE];
        setenv("MVSIM_TRACE", "/dev/full", 1);
        mvt_capture_begin();
        boot();
        for (unsigned i = 0; i < 100; i++)
                expect_okay(mvNoOp());
        mvsim_shutdown();
        mvt_capture_end(output);
        ck_assert_str_eq(output,
                         "mvsim: the event log (trace.file in the profile, or MVSIM_TRACE) cannot be written: No "
                         "space left on device; it ends here\n");
}
END_TEST

/* Valgrind cannot deliver a signal on a part of the stack that was never used. */
__attribute__((noinline)) static void use_stack(void)
{
        volatile char room[65536];
        for (size_t i = 0; i < sizeof room; i += 1024)
                room[i] = 1;
}

START_TEST(a_log_that_somebody_cuts_short_is_no_crash)
{
        use_stack();
        char output[MVT_OUTPUT_SIZE];
        boot();
        expect_okay(mvNoOp());
        ck_assert_int_eq(truncate(path, 0), 0);
        mvt_capture_begin();
        for (unsigned i = 0; i < 100; i++)
                expect_okay(mvNoOp());
        mvsim_shutdown();
        mvt_capture_end(output);
        ck_assert_uint_eq(mvt_count(output, "MVSIM_TRACE) cannot be written: somebody cut it short"), 1);
}
END_TEST

/* Forked before there are threads: a sanitizer's allocator does not survive a fork beside one. */
static pid_t fork_another(int *ret_go)
{
        int go[2];
        char byte;
        ck_assert_int_eq(pipe(go), 0);
        mvt_let_threads_rest();
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                if (read(go[0], &byte, 1) != 1)
                        _exit(99);
                boot();
                (void)mvNoOp();
                mvsim_shutdown();
                _exit(0);
        }
        close(go[0]);
        *ret_go = go[1];
        return pid;
}

/* Two processes with the same file in their environment. */
START_TEST(a_device_of_another_process_does_not_touch_the_log)
{
        int go, status;
        pid_t other = fork_another(&go);
        boot();
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        expect_okay(mvNoOp());
        ck_assert_int_eq(write(go, "", 1), 1);
        ck_assert_int_eq(waitpid(other, &status, 0), other);
        ck_assert_int_eq(status, 0);
        close(go);
        expect_okay(mvNoOp());
        mvsim_shutdown();
        ssize_t len = read(fd, text, sizeof text - 1);
        text[len > 0 ? len : 0] = '\0';
        close(fd);
        ck_assert_uint_eq(lines_of("call"), 2);
        ck_assert_uint_eq(lines_of("shutdown"), 1);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("trace");
        TCase *recorded = tcase_create("recorded");
        tcase_set_timeout(recorded, 60);
        tcase_add_checked_fixture(recorded, setup, teardown);
        tcase_add_test(recorded, boot_and_shutdown_frame_the_log);
        tcase_add_test(recorded, calls_show_their_arguments_and_what_they_stored);
        tcase_add_test(recorded, refused_calls_show_no_memory_of_the_application);
        tcase_add_test(recorded, structures_are_taken_apart);
        tcase_add_test(recorded, what_a_call_causes_stands_before_it_and_its_interrupt_after_it);
        tcase_add_test(recorded, masks_and_merged_pends_are_recorded);
        tcase_add_test(recorded, the_world_is_recorded);
        tcase_add_test(recorded, log_entries_are_one_line_whatever_is_in_them);
        tcase_add_test(recorded, the_longest_entry_has_room);
        if (!mvt_is_thread_sanitized()) /* it does not deliver a signal to a thread that computes */
                tcase_add_test(recorded, a_spin_that_was_pre_empted_is_marked);
        tcase_add_test(recorded, no_address_is_recorded);
        TCase *files = tcase_create("files");
        tcase_set_timeout(files, 60);
        tcase_add_checked_fixture(files, setup, teardown);
        tcase_add_test(files, without_a_file_nothing_is_written);
        tcase_add_test(files, the_profile_names_the_file_beside_itself);
        tcase_add_test(files, the_environment_goes_before_the_profile);
        tcase_add_test(files, a_file_that_cannot_be_made_keeps_the_device_from_booting);
        tcase_add_test(files, a_log_is_made_anew_and_its_reader_left_alone);
        tcase_add_test(files, a_long_log_is_whole);
        TCase *ends = tcase_create("ends");
        tcase_set_timeout(ends, 60);
        tcase_add_checked_fixture(ends, setup, teardown);
        tcase_add_loop_test(ends, a_process_that_is_killed_leaves_all_of_it, 0, 3);
        tcase_add_test(ends, a_full_disk_is_said_once);
        tcase_add_test(ends, a_log_that_somebody_cuts_short_is_no_crash);
        tcase_add_test(ends, a_device_of_another_process_does_not_touch_the_log);
        suite_add_tcase(suite, recorded);
        suite_add_tcase(suite, files);
        suite_add_tcase(suite, ends);
        return suite;
}
