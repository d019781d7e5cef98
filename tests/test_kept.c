/* What a restart hands on: a file for each subsystem, which is there when it is first wanted. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/kept.h"
#include "suite.h"

static struct mvs_kept kept;

static void set_up(void)
{
        mvs_kept_init(&kept);
}

static void tear_down(void)
{
        mvs_kept_finish(&kept);
}

static char *map(enum mvs_kept_part part, size_t size)
{
        char *bytes = mvs_kept_map(&kept, part, size);
        ck_assert_ptr_nonnull(bytes);
        return bytes;
}

START_TEST(a_file_is_made_when_it_is_wanted_and_stays_the_same)
{
        for (unsigned part = 0; part < MVS_KEPT_COUNT; part++) {
                ck_assert_int_eq(kept.fds[part], -1);
                int file = mvs_kept_file(&kept, part);
                ck_assert_int_ge(file, 0);
                ck_assert_int_eq(mvs_kept_file(&kept, part), file);
                ck_assert_int_eq(fcntl(file, F_GETFD), FD_CLOEXEC);
        }
}
END_TEST

START_TEST(what_is_stored_is_in_the_file_at_once)
{
        char *bytes = map(MVS_KEPT_WIFI, 100), found[5];
        memcpy(bytes + 10, "word", 5);
        ck_assert_int_eq(pread(mvs_kept_file(&kept, MVS_KEPT_WIFI), found, sizeof found, 10), sizeof found);
        ck_assert_str_eq(found, "word");
        munmap(bytes, 100);
}
END_TEST

START_TEST(a_file_grows_with_what_is_mapped_and_never_shrinks)
{
        char *small = map(MVS_KEPT_MQTT, 100);
        small[99] = 'x';
        char *large = map(MVS_KEPT_MQTT, 10000);
        ck_assert_int_eq(large[99], 'x');
        ck_assert_int_eq(large[9999], '\0');
        large[9999] = 'y';
        char *again = map(MVS_KEPT_MQTT, 100);
        struct stat st;
        ck_assert_int_eq(fstat(mvs_kept_file(&kept, MVS_KEPT_MQTT), &st), 0);
        ck_assert_int_eq(st.st_size, 10000);
        munmap(small, 100);
        munmap(large, 10000);
        munmap(again, 100);
}
END_TEST

START_TEST(files_pass_an_execve_when_they_are_told_to)
{
        int file = mvs_kept_file(&kept, MVS_KEPT_CLOUD);
        mvs_kept_inherit(&kept, true);
        ck_assert_int_eq(fcntl(file, F_GETFD), 0);
        mvs_kept_inherit(&kept, false);
        ck_assert_int_eq(fcntl(file, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(the_end_closes_them_but_not_what_is_mapped)
{
        char *bytes = map(MVS_KEPT_FLASH, 10);
        int file = mvs_kept_file(&kept, MVS_KEPT_FLASH);
        bytes[0] = 'z';
        mvs_kept_finish(&kept);
        ck_assert_int_eq(fcntl(file, F_GETFD), -1);
        ck_assert_int_eq(errno, EBADF);
        ck_assert_int_eq(bytes[0], 'z');
        munmap(bytes, 10);
        mvs_kept_finish(&kept);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("kept");
        TCase *tests = tcase_create("kept");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, a_file_is_made_when_it_is_wanted_and_stays_the_same);
        tcase_add_test(tests, what_is_stored_is_in_the_file_at_once);
        tcase_add_test(tests, a_file_grows_with_what_is_mapped_and_never_shrinks);
        tcase_add_test(tests, files_pass_an_execve_when_they_are_told_to);
        tcase_add_test(tests, the_end_closes_them_but_not_what_is_mapped);
        suite_add_tcase(suite, tests);
        return suite;
}
