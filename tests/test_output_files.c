/* The files that a device writes: no two are the same, nobody else's is emptied, and a full disk is said in words. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "device.h"
#include "suite.h"
#include "tempdir.h"

static struct mvt_tempdir dir;
static char profile[MVT_PATH_SIZE], path[MVT_PATH_SIZE];
static char said[MVT_OUTPUT_SIZE];

static void setup(void)
{
        unsetenv("MVSIM_PROFILE");
        unsetenv("MVSIM_TRACE");
        unsetenv("MVSIM_COVERAGE");
        mvt_tempdir_make(&dir);
        mvt_path(profile, &dir, "profile.yaml");
        mvt_path(path, &dir, "file");
}

static void teardown(void)
{
        mvsim_shutdown();
        unsetenv("MVSIM_TRACE");
        unsetenv("MVSIM_COVERAGE");
        mvt_tempdir_remove(&dir);
}

static int boot(const char *text)
{
        const struct mvsim_options options = {.profile = profile, .time = MVSIM_TIME_VIRTUAL};
        mvt_write_file(profile, text, strlen(text));
        mvt_capture_begin();
        int result = mvsim_boot(&options);
        mvt_capture_end(said);
        return result;
}

static void expect_said(const char *part)
{
        ck_assert_msg(strstr(said, part), "\"%s\" does not say \"%s\"", said, part);
}

static void expect_file(const char *text)
{
        char found[256] = "";
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_ge(read(fd, found, sizeof found - 1), 0);
        close(fd);
        ck_assert_str_eq(found, text);
}

/* ---- one file, two uses ---- */

START_TEST(two_keys_may_not_name_one_file)
{
        static const struct {
                const char *text, *message;
        } wrong[] = {
                {"log: {file: x}\ntrace: {file: x}\n", ":2:15: trace.file: found the same file as log.file, expected "
                                                       "another: they would destroy each other's contents\n"},
                {"log: {file: x}\ntrace: {file: ./x}\n", ":2:15: trace.file: found the same file as log.file"},
                {"log: {file: here/x}\nflash: {file: x}\n", ":2:15: flash.file: found the same file as log.file"},
                {"flash: {file: x}\ncoverage: {file: x}\n", ":1:15: flash.file: found the same file as coverage.file"},
                {"trace: {file: x}\ncoverage: {file: y}\nlog: {file: there}\n",
                 ":1:15: trace.file: found the same file as log.file"},
        };
        char name[MVT_PATH_SIZE];
        mvt_path(name, &dir, "here");
        ck_assert_int_eq(symlink(".", name), 0);
        mvt_path(name, &dir, "there");
        if (_i == 4) {
                ck_assert_int_eq(symlink("x", name), 0);
                mvt_path(name, &dir, "x");
                mvt_write_file(name, "", 0);
        }
        ck_assert_int_eq(boot(wrong[_i].text), -EINVAL);
        expect_said(wrong[_i].message);
}
END_TEST

START_TEST(what_is_no_file_may_be_named_twice)
{
        ck_assert_int_eq(boot("log: {file: /dev/null}\ntrace: {file: /dev/null}\n"), 0);
        ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(nor_may_the_environment_name_the_file_of_a_key)
{
        char text[MVT_PATH_SIZE + 32];
        setenv(_i ? "MVSIM_COVERAGE" : "MVSIM_TRACE", path, 1);
        snprintf(text, sizeof text, "log: {file: %s}\n", path);
        ck_assert_int_eq(boot(text), -EINVAL);
        snprintf(text, sizeof text,
                 "mvsim: %s names the same file as log.file in the profile: they would destroy each ",
                 _i ? "MVSIM_COVERAGE" : "MVSIM_TRACE");
        expect_said(text);
        ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

/* ---- a file that was there ---- */

static const char *const keys[] = {"log", "trace"};

START_TEST(a_log_is_not_written_over_what_is_none)
{
        static const char *const contents[] = {"int main(void)\n{\n}\n", "\n\n1.5 is a number\n",
                                               "[section]\nkey = 1\n", "12\n", "2026-01-01 00:00:00.000000 started\n"};
        char text[MVT_PATH_SIZE + 32];
        const char *content = contents[_i / 2];
        mvt_write_file(path, content, strlen(content));
        snprintf(text, sizeof text, "%s: {file: file}\n", keys[_i % 2]);
        ck_assert_int_eq(boot(text), -EEXIST);
        expect_said(path);
        expect_said("it is there and does not begin as a log of libmvsim's does, with a time stamp (remove it, or name "
                    "another file)");
        expect_file(content);
}
END_TEST

START_TEST(a_log_is_written_over_an_older_one_or_nothing)
{
        static const char *const contents[] = {"", "[    0.250002] hello\n", "[12345678.000000] \n",
                                               "    0.000000 boot device=UV\n", "\n\n\n"};
        char text[MVT_PATH_SIZE + 32];
        const char *content = contents[_i / 2];
        mvt_write_file(path, content, strlen(content));
        snprintf(text, sizeof text, "%s: {file: file}\n", keys[_i % 2]);
        ck_assert_int_eq(boot(text), 0);
        ck_assert_str_eq(said, "");
        mvsim_shutdown();
        char first = 0;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(read(fd, &first, 1), _i % 2);
        close(fd);
}
END_TEST

START_TEST(a_directory_is_named_with_the_reason)
{
        static const char *const sections[] = {"log", "trace", "coverage", "flash"};
        char text[MVT_PATH_SIZE + 32];
        ck_assert_int_eq(mkdir(path, 0777), 0);
        snprintf(text, sizeof text, "%s: {file: file}\n", sections[_i]);
        ck_assert_int_eq(boot(text), -EISDIR);
        expect_said(path);
        expect_said(sections[_i]);
        expect_said("Is a directory");
        ck_assert_uint_eq(mvt_count(said, "\n"), 1);
}
END_TEST

/* As the flash of another device would be. */
START_TEST(a_record_is_not_waited_for_that_is_locked_and_is_none)
{
        mvt_write_file(path, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(flock(fd, LOCK_EX), 0);
        ck_assert_int_eq(boot("coverage: {file: file}\n"), -EINVAL);
        expect_said("it is no record of status coverage");
        close(fd);
}
END_TEST

/* ---- names with percent signs ---- */

#define PATTERN_RULE "behind a percent sign, p (which stands for the process's id) or another percent sign"

START_TEST(the_name_of_a_record_has_known_patterns_only)
{
        static const char *const wrong[] = {"record-%d", "%", "%%%", "record%%-%P"};
        char text[MVT_PATH_SIZE + 200];
        snprintf(text, sizeof text, "coverage: {file: \"%s\"}\n", wrong[_i]);
        ck_assert_int_eq(boot(text), -EINVAL);
        snprintf(text, sizeof text,
                 "profile.yaml:1:18: coverage.file: found \"%s\", expected the path of a file, and " PATTERN_RULE "\n",
                 wrong[_i]);
        expect_said(text);
        setenv("MVSIM_COVERAGE", wrong[_i], 1);
        ck_assert_int_eq(boot(""), -EINVAL);
        snprintf(text, sizeof text,
                 "mvsim: the status coverage cannot be recorded in %s (coverage.file in the profile, or "
                 "MVSIM_COVERAGE): it has something else than " PATTERN_RULE "\n",
                 wrong[_i]);
        ck_assert_str_eq(said, text);
        ck_assert_int_lt(access(wrong[_i], F_OK), 0);
}
END_TEST

/* It is no part of the pattern. */
START_TEST(the_directory_of_the_profile_may_have_percent_signs)
{
        char name[MVT_PATH_SIZE];
        mvt_path(name, &dir, "100%d-%p");
        ck_assert_int_eq(mkdir(name, 0777), 0);
        mvt_path(profile, &dir, "100%d-%p/profile.yaml");
        ck_assert_int_eq(boot("coverage: {file: \"of%%%p\"}\n"), 0);
        mvsim_shutdown();
        char below[64];
        snprintf(below, sizeof below, "100%%d-%%p/of%%%d", (int)getpid());
        mvt_path(name, &dir, below);
        ck_assert_int_eq(access(name, R_OK), 0);
}
END_TEST

/* ---- a full disk, for which a limit of the process's stands ---- */

static const char *small_profile;

static void make_a_call_with_little_room(void)
{
        const struct rlimit limit = {.rlim_cur = 8192, .rlim_max = 8192};
        mvt_write_file(profile, small_profile, strlen(small_profile));
        setenv("MVSIM_PROFILE", profile, 1);
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        mvNoOp();
        _exit(0);
}

/* The device does not boot, says so, and leaves nothing in the file. */
static void expect_no_room(const char *text)
{
        struct mvt_child child;
        struct stat st;
        mvt_child_run(&child, make_a_call_with_little_room);
        ck_assert_msg(child.exit_status == 2, "status %d, signal %d: %s", child.exit_status, child.signal,
                      child.output);
        ck_assert_str_eq(child.output, text);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_size, 0);
}

START_TEST(a_flash_without_room_is_named_with_the_cause)
{
        char text[MVT_PATH_SIZE + 200];
        small_profile = "flash: {file: file}\n";
        snprintf(
                text, sizeof text,
                "mvsim: the flash image %s (flash.file in the profile) cannot be made with 4194304 bytes (flash.size): "
                "File too large\nmvsim: the device does not boot: File too large\n",
                path);
        expect_no_room(text);
}
END_TEST

START_TEST(a_record_of_coverage_without_room_is_named_with_the_cause)
{
        char text[MVT_PATH_SIZE + 200];
        small_profile = "coverage: {file: file}\n";
        snprintf(text, sizeof text,
                 "mvsim: the status coverage cannot be recorded in %s (coverage.file in the profile, or "
                 "MVSIM_COVERAGE): File too large\nmvsim: the device does not boot: File too large\n",
                 path);
        expect_no_room(text);
}
END_TEST

/* What an unlucky process leaves, where the file system makes room bit by bit. */
START_TEST(a_record_that_was_cut_off_before_its_beginning_is_made_again)
{
        static const char nothing[4096];
        char text[MVT_PATH_SIZE + 32];
        mvt_write_file(path, nothing, sizeof nothing - (_i ? 1000 : 0));
        snprintf(text, sizeof text, "coverage: {file: %s}\n", path);
        ck_assert_int_eq(boot(text), 0);
        ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(a_wrong_profile_is_said_once_and_not_explained_by_a_number)
{
        struct mvt_child child;
        small_profile = "flash: {size: 5000}\n";
        mvt_child_run(&child, make_a_call_with_little_room);
        ck_assert_int_eq(child.exit_status, 2);
        ck_assert_msg(mvt_count(child.output, "Invalid argument") == 0, "%s", child.output);
        ck_assert_msg(mvt_count(child.output, "mvsim: the device does not boot\n") == 1, "%s", child.output);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("output files");
        TCase *tests = tcase_create("files");
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_loop_test(tests, two_keys_may_not_name_one_file, 0, 5);
        tcase_add_test(tests, what_is_no_file_may_be_named_twice);
        tcase_add_loop_test(tests, nor_may_the_environment_name_the_file_of_a_key, 0, 2);
        tcase_add_loop_test(tests, a_log_is_not_written_over_what_is_none, 0, 10);
        tcase_add_loop_test(tests, a_log_is_written_over_an_older_one_or_nothing, 0, 10);
        tcase_add_loop_test(tests, a_directory_is_named_with_the_reason, 0, 4);
        tcase_add_test(tests, a_record_is_not_waited_for_that_is_locked_and_is_none);
        tcase_add_loop_test(tests, the_name_of_a_record_has_known_patterns_only, 0, 4);
        tcase_add_test(tests, the_directory_of_the_profile_may_have_percent_signs);
        suite_add_tcase(s, tests);
        TCase *full = tcase_create("full");
        tcase_add_checked_fixture(full, setup, teardown);
        tcase_add_test(full, a_flash_without_room_is_named_with_the_cause);
        tcase_add_test(full, a_record_of_coverage_without_room_is_named_with_the_cause);
        tcase_add_loop_test(full, a_record_that_was_cut_off_before_its_beginning_is_made_again, 0, 2);
        tcase_add_test(full, a_wrong_profile_is_said_once_and_not_explained_by_a_number);
        suite_add_tcase(s, full);
        return s;
}
