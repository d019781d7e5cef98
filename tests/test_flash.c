/* The external flash: handles, ranges, what erasing and programming do, and where its contents live. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "device.h"
#include "handlers.h"
#include "stm32u5xx.h"
#include "suite.h"
#include "tempdir.h"

#define SECTOR  4096U
#define SIZE    (4U << 20)
#define HANDLES 32

static struct mvt_tempdir dir;
static MvExternalFlashHandle flash;
static uint8_t bytes[3 * SECTOR];
static uint8_t zeros[64];

static MvExternalFlashHandle open_flash(void)
{
        MvExternalFlashHandle handle = NULL;
        expect_okay(mvExternalFlashOpen(&handle));
        ck_assert_ptr_nonnull(handle);
        return handle;
}

static void close_flash(MvExternalFlashHandle *handle)
{
        expect_okay(mvExternalFlashClose(handle));
        ck_assert_ptr_null(*handle);
}

static void set_up(void)
{
        mvt_device_boot(NULL);
        flash = open_flash();
}

static void tear_down(void)
{
        if (flash)
                close_flash(&flash);
        mvt_device_end();
}

static void expect_all(uint32_t address, uint32_t len, uint8_t value)
{
        memset(bytes, ~value, len);
        expect_okay(mvExternalFlashReadBlocking(flash, address, len, bytes));
        for (uint32_t i = 0; i < len; i++)
                ck_assert_msg(bytes[i] == value, "0x%x holds 0x%02x, not 0x%02x", address + i, bytes[i], value);
}

static void program(uint32_t address, const char *text)
{
        expect_okay(mvExternalFlashWriteBlocking(flash, address, (uint32_t)strlen(text), (const uint8_t *)text));
}

static void expect_text(uint32_t address, const char *text)
{
        memset(bytes, 0, sizeof bytes);
        expect_okay(mvExternalFlashReadBlocking(flash, address, (uint32_t)strlen(text), bytes));
        ck_assert_str_eq((const char *)bytes, text);
}

/* ---- handles ---- */

START_TEST(as_many_handles_as_the_platform_has_share_it)
{
        MvExternalFlashHandle more[HANDLES - 1], one_too_many = NULL;
        for (unsigned i = 0; i < HANDLES - 1; i++)
                more[i] = open_flash();
        expect_reject(mvExternalFlashOpen(&one_too_many), MV_STATUS_TOOMANYCHANNELS, "");
        ck_assert_ptr_null(one_too_many);
        for (unsigned i = 0; i < HANDLES - 1; i++)
                close_flash(&more[i]);
        more[0] = open_flash();
        close_flash(&more[0]);
}
END_TEST

START_TEST(what_it_is_can_be_asked)
{
        MvExternalFlashHandle other = open_flash();
        struct MvExternalFlashInfo info = {.version = 1};
        expect_okay(mvExternalFlashGetInfo(flash, &info));
        ck_assert_uint_eq(info.v1.chip_id, 0xEF4017);
        ck_assert_uint_eq(info.v1.size, SIZE);
        ck_assert_uint_eq(info.v1.num_handles, 2);
        close_flash(&other);
        expect_okay(mvExternalFlashGetInfo(flash, &info));
        ck_assert_uint_eq(info.v1.num_handles, 1);
}
END_TEST

START_TEST(an_unknown_version_is_refused)
{
        struct MvExternalFlashInfo info = {.version = 2};
        expect_reject(mvExternalFlashGetInfo(flash, &info), MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version");
        ck_assert_uint_eq(info.v1.size, 0);
}
END_TEST

START_TEST(a_closed_handle_is_refused_by_every_call)
{
        MvExternalFlashHandle old = flash;
        struct MvExternalFlashInfo info = {.version = 1};
        close_flash(&flash);
        expect_reject(mvExternalFlashGetInfo(old, &info), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvExternalFlashReadBlocking(old, 0, 1, bytes), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvExternalFlashEraseBlocking(old, 0, SECTOR), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvExternalFlashWriteBlocking(old, 0, 1, bytes), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvExternalFlashClose(&old), MV_STATUS_INVALIDHANDLE, "handle");
}
END_TEST

static enum MvStatus from_handler[6];

static void call_all(void)
{
        struct MvExternalFlashInfo info = {.version = 1};
        MvExternalFlashHandle other = NULL;
        from_handler[0] = mvExternalFlashOpen(&other);
        from_handler[1] = mvExternalFlashGetInfo(flash, &info);
        from_handler[2] = mvExternalFlashReadBlocking(flash, 0, 1, bytes);
        from_handler[3] = mvExternalFlashEraseBlocking(flash, 0, SECTOR);
        from_handler[4] = mvExternalFlashWriteBlocking(flash, 0, 1, zeros);
        from_handler[5] = mvExternalFlashClose(&flash);
}

START_TEST(none_may_be_called_from_a_handler)
{
        mvsim_nvic_set_vector(TIM8_UP_IRQn, call_all);
        NVIC_EnableIRQ(TIM8_UP_IRQn);
        NVIC_SetPendingIRQ(TIM8_UP_IRQn);
        for (unsigned i = 0; i < 6; i++)
                ck_assert_int_eq(from_handler[i], MV_STATUS_UNAVAILABLE);
        ck_assert_ptr_nonnull(flash);
        expect_all(0, 1, 0xff);
}
END_TEST

/* ---- ranges ---- */

static const struct {
        uint32_t address, length;
        const char *blame;
} outside[] = {
        {SIZE, 1, "address"},
        {SIZE - 1, 2, "length"},
        {0, SIZE + 1, "length"},
        {UINT32_MAX, 1, "address"},
        {1, UINT32_MAX, "length"},
        {UINT32_MAX, UINT32_MAX, "address"},
        {SIZE - SECTOR, 2 * SECTOR, "length"},
};

/* The buffer is looked at first, so the long ones cannot be read into one. */
START_TEST(a_range_past_the_end_is_refused)
{
        uint32_t address = outside[_i].address, length = outside[_i].length;
        const char *blame = outside[_i].blame;
        expect_reject(mvExternalFlashEraseBlocking(flash, address, length), MV_STATUS_ADDRESSOUTOFRANGE, blame);
        if (length > sizeof bytes)
                return;
        memset(bytes, 7, sizeof bytes);
        expect_reject(mvExternalFlashReadBlocking(flash, address, length, bytes), MV_STATUS_ADDRESSOUTOFRANGE, blame);
        ck_assert_uint_eq(bytes[0], 7);
        expect_reject(mvExternalFlashWriteBlocking(flash, address, length, bytes), MV_STATUS_ADDRESSOUTOFRANGE, blame);
}
END_TEST

START_TEST(the_last_byte_is_the_applications)
{
        program(SIZE - 1, "x");
        expect_text(SIZE - 1, "x");
        expect_okay(mvExternalFlashEraseBlocking(flash, SIZE - SECTOR, SECTOR));
        expect_all(SIZE - SECTOR, SECTOR, 0xff);
}
END_TEST

START_TEST(nothing_is_always_allowed)
{
        expect_okay(mvExternalFlashReadBlocking(flash, SIZE, 0, NULL));
        expect_okay(mvExternalFlashWriteBlocking(flash, UINT32_MAX, 0, NULL));
        expect_okay(mvExternalFlashEraseBlocking(flash, SECTOR, 0));
}
END_TEST

START_TEST(whole_sectors_are_erased)
{
        program(SECTOR, "text");
        expect_reject(mvExternalFlashEraseBlocking(flash, SECTOR + 1, SECTOR), MV_STATUS_INVALIDBUFFERALIGNMENT,
                      "address");
        expect_reject(mvExternalFlashEraseBlocking(flash, SECTOR, 512), MV_STATUS_INVALIDBUFFERALIGNMENT, "length");
        expect_text(SECTOR, "text");
}
END_TEST

START_TEST(a_slip_of_the_header_comes_by_injection_alone)
{
        ck_assert_int_eq(mvsim_fail("mvExternalFlashEraseBlocking", 1, MV_STATUS_PARAMETERFAULT), 0);
        program(0, "text");
        ck_assert_int_eq(mvExternalFlashEraseBlocking(flash, 0, SECTOR), MV_STATUS_PARAMETERFAULT);
        expect_text(0, "text");
        expect_okay(mvExternalFlashEraseBlocking(flash, 0, SECTOR));
}
END_TEST

/* ---- contents ---- */

START_TEST(a_new_one_is_erased)
{
        expect_all(0, sizeof bytes, 0xff);
        expect_all(SIZE - SECTOR, SECTOR, 0xff);
}
END_TEST

START_TEST(programming_clears_bits_and_sets_none)
{
        static const uint8_t first[] = {0xf0, 0x0f, 0xff, 0x00}, second[] = {0x3c, 0x3c, 0x3c, 0x3c};
        expect_okay(mvExternalFlashWriteBlocking(flash, 100, sizeof first, first));
        expect_okay(mvExternalFlashWriteBlocking(flash, 100, sizeof second, second));
        expect_okay(mvExternalFlashReadBlocking(flash, 99, 6, bytes));
        ck_assert_mem_eq(bytes, ((const uint8_t[]){0xff, 0x30, 0x0c, 0x3c, 0x00, 0xff}), 6);
}
END_TEST

START_TEST(erasing_a_sector_leaves_its_neighbours)
{
        program(SECTOR - 4, "left");
        program(SECTOR, "middle");
        program(2 * SECTOR, "right");
        expect_okay(mvExternalFlashEraseBlocking(flash, SECTOR, SECTOR));
        expect_text(SECTOR - 4, "left");
        expect_all(SECTOR, SECTOR, 0xff);
        expect_text(2 * SECTOR, "right");
}
END_TEST

/* Against a plain array, with lengths that cross pages, sectors and the simulator's own portions. */
START_TEST(random_programs_and_erasures_agree_with_a_model)
{
        static uint8_t model[8 * SECTOR], all[8 * SECTOR];
        unsigned state = 12345;
        memset(model, 0xff, sizeof model);
        for (unsigned step = 0; step < 300; step++) {
                state = state * 1103515245U + 12345U;
                uint32_t address = (state >> 8) % sizeof model;
                uint32_t len = (state >> 4) % sizeof bytes;
                if (address + len > sizeof model)
                        len = (uint32_t)sizeof model - address;
                if (step % 7 == 0) {
                        uint32_t start = address / SECTOR * SECTOR;
                        expect_okay(mvExternalFlashEraseBlocking(flash, start, SECTOR));
                        memset(model + start, 0xff, SECTOR);
                        continue;
                }
                for (uint32_t i = 0; i < len; i++) {
                        bytes[i] = (uint8_t)(state >> (i % 17));
                        model[address + i] &= bytes[i];
                }
                expect_okay(mvExternalFlashWriteBlocking(flash, address, len, bytes));
        }
        expect_okay(mvExternalFlashReadBlocking(flash, 0, sizeof all, all));
        ck_assert_mem_eq(all, model, sizeof model);
}
END_TEST

/* ---- the file ---- */

static void boot_on_file(const char *settings)
{
        char profile[MVT_PATH_SIZE + 64], path[MVT_PATH_SIZE];
        mvt_path(path, &dir, "flash.img");
        snprintf(profile, sizeof profile, "flash: {file: %s, %s}\n", path, settings);
        mvt_device_boot(&(struct mvt_device){.profile = profile});
        flash = open_flash();
}

static void make_dir(void)
{
        mvt_tempdir_make(&dir);
}

static void remove_dir(void)
{
        mvt_tempdir_remove(&dir);
}

START_TEST(a_file_keeps_the_contents)
{
        boot_on_file("size: 65536");
        program(60000, "kept");
        tear_down();
        boot_on_file("size: 65536");
        expect_text(60000, "kept");
        expect_all(0, SECTOR, 0xff);
        tear_down();
}
END_TEST

START_TEST(without_a_file_the_device_starts_with_an_erased_one)
{
        set_up();
        program(0, "gone");
        tear_down();
        set_up();
        expect_all(0, SECTOR, 0xff);
        tear_down();
}
END_TEST

static void write_and_be_killed(void)
{
        boot_on_file("size: 65536");
        if (mvExternalFlashWriteBlocking(flash, 0, 4, (const uint8_t *)"kept") != MV_STATUS_OKAY)
                _exit(3);
        kill(getpid(), SIGKILL);
}

START_TEST(a_process_that_is_killed_has_lost_nothing)
{
        struct mvt_child child;
        mvt_child_run(&child, write_and_be_killed);
        ck_assert_int_eq(child.signal, SIGKILL);
        boot_on_file("size: 65536");
        expect_text(0, "kept");
        tear_down();
}
END_TEST

static char settings[MVT_PATH_SIZE + 64];
static int keep_alive[2]; /* a pipe: who waits at it lives until the test has closed the other end */

/* A process that was forked off and has no device, such as a test's server. */
static pid_t fork_a_child(void)
{
        int ready[2];
        char byte = 0;
        if (pipe2(ready, O_CLOEXEC) < 0)
                _exit(1);
        pid_t pid = fork();
        if (pid == 0) {
                close(keep_alive[1]);
                if (write(ready[1], &byte, 1) == 1)
                        _exit(read(keep_alive[0], &byte, 1) == 0 ? 0 : 1);
                _exit(1);
        }
        if (pid < 0 || read(ready[0], &byte, 1) != 1)
                _exit(1);
        close(ready[0]);
        close(ready[1]);
        return pid;
}

static void boot_fork_and_die(void)
{
        char profile[MVT_PATH_SIZE];
        mvt_path(profile, &dir, "child.yaml");
        mvt_write_file(profile, settings, strlen(settings));
        if (mvsim_boot(&(struct mvsim_options){.profile = profile}) != 0)
                _exit(2);
        fork_a_child();
        _exit(0);
}

/* Whether the device was switched off, or its process died. */
START_TEST(a_child_that_lives_on_does_not_keep_the_file)
{
        struct mvt_child child;
        char path[MVT_PATH_SIZE];
        int status = 0;
        mvt_path(path, &dir, "flash.img");
        snprintf(settings, sizeof settings, "flash: {file: %s, size: 65536}\n", path);
        ck_assert_int_eq(pipe2(keep_alive, O_CLOEXEC), 0);
        if (_i) {
                mvt_child_run(&child, boot_fork_and_die);
                ck_assert_msg(child.exit_status == 0, "%s", child.output);
        } else {
                boot_on_file("size: 65536");
                fork_a_child();
                tear_down();
        }
        boot_on_file("size: 65536");
        expect_all(0, SECTOR, 0xff);
        close(keep_alive[0]);
        close(keep_alive[1]);
        if (_i == 0)
                ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
        tear_down();
}
END_TEST

static void boot_in_child(void)
{
        char profile[MVT_PATH_SIZE];
        mvt_path(profile, &dir, "child.yaml");
        mvt_write_file(profile, settings, strlen(settings));
        _exit(mvsim_boot(&(struct mvsim_options){.profile = profile}) == 0 ? 0 : 2);
}

static void expect_no_boot(const char *flash_settings, const char *reason)
{
        struct mvt_child child;
        char path[MVT_PATH_SIZE];
        mvt_path(path, &dir, "flash.img");
        snprintf(settings, sizeof settings, "flash: {file: %s, %s}\n", path, flash_settings);
        mvt_child_run(&child, boot_in_child);
        ck_assert_int_eq(child.exit_status, 2);
        ck_assert_msg(strstr(child.output, reason) != NULL, "\"%s\" is not in: %s", reason, child.output);
}

START_TEST(a_second_process_is_refused)
{
        boot_on_file("size: 65536");
        expect_no_boot("size: 65536", "another process has it for its flash (give each device its own file)");
        program(0, "fine");
        tear_down();
}
END_TEST

START_TEST(a_file_of_another_size_is_refused_and_left_alone)
{
        char path[MVT_PATH_SIZE];
        struct stat st;
        mvt_path(path, &dir, "flash.img");
        mvt_write_file(path, "12345", 5);
        expect_no_boot("size: 65536", "has 5 bytes, and the flash has 65536 (flash.size)");
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_size, 5);
}
END_TEST

START_TEST(a_size_that_is_no_whole_sectors_is_refused)
{
        expect_no_boot("size: 5000", "flash.size: found 5000, expected a multiple of a sector's 4096 bytes");
}
END_TEST

/* A limit of the process's stands for a full disk: writing fails half-way. */
static void boot_without_room(void)
{
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 20000, .rlim_max = 20000});
        boot_in_child();
}

START_TEST(without_room_for_it_there_is_no_half_of_a_file)
{
        char path[MVT_PATH_SIZE];
        struct stat st;
        struct mvt_child child;
        mvt_path(path, &dir, "flash.img");
        snprintf(settings, sizeof settings, "flash: {file: %s, size: 65536}\n", path);
        mvt_child_run(&child, boot_without_room);
        ck_assert_int_eq(child.exit_status, 2);
        ck_assert_msg(strstr(child.output, "flash.img (flash.file in the profile) cannot be made with 65536 bytes "
                                           "(flash.size): File too large"),
                      "%s", child.output);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_size, 0);
        boot_on_file("size: 65536");
        expect_all(0, SECTOR, 0xff);
        tear_down();
}
END_TEST

START_TEST(a_directory_is_refused)
{
        char path[MVT_PATH_SIZE];
        mvt_path(path, &dir, "flash.img");
        ck_assert_int_eq(mkdir(path, 0700), 0);
        expect_no_boot("size: 65536", "cannot be used: Is a directory");
}
END_TEST

START_TEST(a_file_that_is_cut_short_meanwhile_crashes_nobody)
{
        char path[MVT_PATH_SIZE];
        mvt_path(path, &dir, "flash.img");
        boot_on_file("size: 65536");
        ck_assert_int_eq(truncate(path, 0), 0);
        expect_reject(mvExternalFlashReadBlocking(flash, 0, 16, bytes), MV_STATUS_UNAVAILABLE, "");
        expect_reject(mvExternalFlashWriteBlocking(flash, 0, 16, bytes), MV_STATUS_UNAVAILABLE, "");
        expect_reject(mvExternalFlashEraseBlocking(flash, 0, SECTOR), MV_STATUS_UNAVAILABLE, "");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "cut its file short"));
        tear_down();
}
END_TEST

static void add_handles(TCase *tests)
{
        tcase_add_test(tests, as_many_handles_as_the_platform_has_share_it);
        tcase_add_test(tests, what_it_is_can_be_asked);
        tcase_add_test(tests, an_unknown_version_is_refused);
        tcase_add_test(tests, a_closed_handle_is_refused_by_every_call);
        tcase_add_test(tests, none_may_be_called_from_a_handler);
        tcase_add_loop_test(tests, a_range_past_the_end_is_refused, 0, sizeof outside / sizeof outside[0]);
        tcase_add_test(tests, the_last_byte_is_the_applications);
        tcase_add_test(tests, nothing_is_always_allowed);
        tcase_add_test(tests, whole_sectors_are_erased);
        tcase_add_test(tests, a_slip_of_the_header_comes_by_injection_alone);
        tcase_add_test(tests, a_new_one_is_erased);
        tcase_add_test(tests, programming_clears_bits_and_sets_none);
        tcase_add_test(tests, erasing_a_sector_leaves_its_neighbours);
        tcase_add_test(tests, random_programs_and_erasures_agree_with_a_model);
}

static void add_files(TCase *tests)
{
        tcase_add_test(tests, a_file_keeps_the_contents);
        tcase_add_test(tests, without_a_file_the_device_starts_with_an_erased_one);
        tcase_add_test(tests, a_process_that_is_killed_has_lost_nothing);
        tcase_add_test(tests, a_second_process_is_refused);
        tcase_add_loop_test(tests, a_child_that_lives_on_does_not_keep_the_file, 0, 2);
        tcase_add_test(tests, a_file_of_another_size_is_refused_and_left_alone);
        tcase_add_test(tests, a_size_that_is_no_whole_sectors_is_refused);
        tcase_add_test(tests, without_room_for_it_there_is_no_half_of_a_file);
        tcase_add_test(tests, a_directory_is_refused);
        tcase_add_test(tests, a_file_that_is_cut_short_meanwhile_crashes_nobody);
}

Suite *suite(void)
{
        Suite *suite = suite_create("flash");
        TCase *calls = tcase_create("calls");
        tcase_add_checked_fixture(calls, set_up, tear_down);
        tcase_set_timeout(calls, 60);
        add_handles(calls);
        suite_add_tcase(suite, calls);
        TCase *files = tcase_create("files");
        tcase_add_checked_fixture(files, make_dir, remove_dir);
        tcase_set_timeout(files, 60);
        add_files(files);
        suite_add_tcase(suite, files);
        return suite;
}
